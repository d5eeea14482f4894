// SPDX-License-Identifier: Apache-2.0
// Goal: the command line under WASI does on real files what the native one does, makes the same files
// and the same state, and refuses what it cannot do with a code and a text that helps.
// Method: build/wasi/rivulet.wasm (or that of RIVULET_WASI) in a process of its own under Node's WASI,
// with a temporary folder as its `/`; rows come from the NDJSON alone (loans.mjs); what the native
// binary says of the same directory is compared. Without a built module it says so and skips.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Node, cli, crc32c, folder, must, ndjson, opened, prepared, schema } from './harness.mjs';
import { eventsOf, fold, loansText, schemaFile, withLoans } from './loans.mjs';

const modules = process.env.RIVULET_WASI ?? fileURLToPath(new URL('../../build/wasi', import.meta.url));
const withSql = join(modules, 'rivulet.wasm');
const withoutSql = join(modules, 'rivulet-nosql.wasm');
const built = existsSync(withSql) && existsSync(withoutSql);
const options = built ? {} : { skip: `there are no WASI modules in ${modules}: make build makes them` };
const optionsLoans = built ? withLoans : options;

const runner = fileURLToPath(new URL('../wasm/command.mjs', import.meta.url));
after(() => mount.status === 0 && spawnSync('umount', ['-l', disk])); // before its folder goes
const parent = folder('wasi');
const disk = join(parent, 'disk');
mkdirSync(disk);
const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'none', disk]);
const optionsDisk =
  built && mount.status !== 0 ? { skip: 'a file system of its own cannot be mounted here' } : options;

/** The command line under WASI: its arguments, with paths below `root`. */
const argumentsOf = (module, root, args) => ['--no-warnings', runner, module, root, ...args];

function wasi(args, input = '', { module = withSql, root = parent } = {}) {
  const run = spawnSync(process.execPath, argumentsOf(module, root, args), {
    input,
    encoding: 'utf8',
    timeout: 120000,
    maxBuffer: 1 << 28,
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

/** The same; must succeed. With --json the parsed output. */
function mustWasi(args, input, where) {
  const run = wasi(args, input, where);
  assert.equal(run.code, 0, `${args.join(' ')}: ${run.err}`);
  return args.includes('--json') ? JSON.parse(run.out) : run.out;
}

/** A run that must fail so; nothing may go to standard output. */
function refused(code, pattern, args, input, where) {
  const run = wasi(args, input, where);
  assert.equal(run.code, code, `${args.join(' ')}: ${run.code} ${run.err}`);
  assert.match(run.err, pattern);
  assert.equal(run.out, '');
}

const hash = (path) => must(['status', '--hash', '--json', '--data', join(parent, path)]).state_hash;
const hashWasi = (path, where) => mustWasi(['status', '--hash', '--json', '--data', path], '', where).state_hash;

/** A process that has the directory open: it prints events to a pipe that nobody empties. */
async function holder(path) {
  const args = argumentsOf(withSql, parent, ['read', '/**', '--json', '--data', path]);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'readable'); // and nothing is read
  return { child, ended };
}

/** Events whose JSON is longer than what a pipe and its reader take. */
const many = (count) =>
  Array.from({ length: count }, (_, i) => ({
    path: `/accounts/${i + 1}`,
    type: 'account_opened',
    data: { name: 'Ada' },
    metadata: { reason: 'x'.repeat(150) },
  }));

test('the real data: rows as the file says, and the native state hash', optionsLoans, async (t) => {
  const text = loansText();
  const events = eventsOf(text);
  const { applications, items } = fold(events);
  const at = ['--json', '--data', 'loans'];
  mustWasi(['schema', 'apply', '-', ...at], readFileSync(schemaFile));
  const imported = mustWasi(['import', '-', ...at], text);
  assert.equal(imported.imported, events.length);
  assert.equal(imported.last_position, events.length + 1);

  await t.test('rows', () => {
    const rows = mustWasi(
      ['query', 'select id, amount_requested, state, state_changes, offer_state, last_resource from application', ...at],
    ).rows;
    assert.equal(rows.length, applications.size);
    const names = ['amount_requested', 'state', 'state_changes', 'offer_state', 'last_resource'];
    for (const [id, ...values] of rows) {
      const row = Object.fromEntries(values.map((value, i) => [names[i], value]));
      assert.deepEqual(row, applications.get(id), `application ${id}`);
    }
    const byStatus = new Map();
    for (const { status } of items.values()) byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    const counts = mustWasi(['query', 'select status, count(*) from work_item group by status', ...at]);
    assert.deepEqual(new Map(counts.rows), byStatus);
  });

  await t.test('events of one stream', () => {
    const own = events.filter((event) => event.stream === '/applications/173688');
    const lines = wasi(['read', '/applications/173688', ...at]).out;
    const held = eventsOf(lines);
    assert.deepEqual(held.map((event) => event.type), own.map((event) => event.type));
    assert.deepEqual(held.map((event) => event.version), own.map((_, i) => i + 1));
  });

  await t.test('the same directory natively, and a native one under WASI', () => {
    const here = mustWasi(['status', '--hash', ...at]);
    assert.equal(here.position, events.length + 1);
    assert.equal(here.aggregates.application, applications.size);
    assert.equal(hash('loans'), here.state_hash);
    assert.equal(hashWasi('loans', { module: withoutSql }), here.state_hash);
    const native = ['--data', join(parent, 'native')];
    must(['schema', 'apply', schemaFile, ...native]);
    must(['import', '-', ...native], text);
    assert.equal(hash('native'), here.state_hash);
    assert.equal(hashWasi('native'), here.state_hash);
  });
});

test('WASI and native take turns on one directory', options, () => {
  const data = prepared(parent, 'turns');
  mustWasi(['append', '/accounts/1', 'account_opened', '{"name":"Ada"}', '--data', 'turns']);
  must(['append', '/accounts/1', 'money_paid', '{"amount":5}', '--data', data]);
  mustWasi(['append', '/accounts/1', 'money_paid', '-', '--data', 'turns'], '{"amount":7}');
  const sql = 'select balance from account where id = ?';
  assert.deepEqual(mustWasi(['query', sql, '1', '--json', '--data', 'turns']).rows, [[12]]);
  assert.deepEqual(must(['query', sql, '1', '--json', '--data', data]).rows, [[12]]);
  assert.equal(hash('turns'), hashWasi('turns'));
  assert.equal(mustWasi(['schema', 'show', '--data', 'turns']), must(['schema', 'show', '--data', data]));
  const conflict = ['append', '/accounts/1', 'money_paid', '{"amount":1}', '--expected-version', '1'];
  refused(1, /^rivulet: version_conflict: /, [...conflict, '--data', 'turns']);
  assert.equal(wasi([...conflict, '--data', 'turns']).err, cli([...conflict, '--data', data]).err);
});

test('what this build does not have is not offered, and is refused', options, () => {
  const help = mustWasi(['--help']);
  assert.match(help, /^ {2}import /m);
  assert.doesNotMatch(help, /serve|doctor/);
  for (const command of ['read', 'import', 'status', 'query']) {
    const page = mustWasi([command, '--help']);
    assert.doesNotMatch(page, /--url|--follow|gz|http/, command);
  }
  refused(1, /^rivulet: unsupported: .*`serve`/, ['serve', '--data', 'turns']);
  refused(1, /^rivulet: unsupported: .*`doctor`/, ['doctor', '--data', 'turns']);
  refused(1, /^rivulet: unsupported: .*--data DIR/, ['status', '--url', 'http://127.0.0.1:1']);
  refused(2, /is not a command/, ['frobnicate']);
  refused(2, /--data DIR/, ['status']);
  refused(2, /--follow needs a running node/, ['read', '/**', '--follow', '--data', 'turns']);
});

test('without SQL: everything but queries', options, () => {
  prepared(parent, 'no-sql');
  const where = { module: withoutSql };
  mustWasi(['append', '/accounts/1', 'account_opened', '{"name":"Ada"}', '--data', 'no-sql'], '', where);
  const lines = mustWasi(['read', '/accounts/1', '--data', 'no-sql'], '', where);
  assert.match(lines, /account_opened/);
  refused(1, /^rivulet: unsupported: /, ['query', 'select 1', '--data', 'no-sql'], '', where);
  assert.equal(hash('no-sql'), hashWasi('no-sql', where));
});

test('input that cannot be taken', options, () => {
  const at = ['--data', 'input'];
  refused(1, /^rivulet: data_not_found: .*input/, ['status', ...at]);
  assert.ok(!existsSync(join(parent, 'input')), 'asking makes no directory');
  refused(1, /^rivulet: data_not_found: /, ['schema', 'apply', '-', '--data', 'no/such/place'], schema);
  refused(1, /^rivulet: data_not_found: cannot open nothing\.sql/, ['schema', 'apply', 'nothing.sql', ...at]);
  refused(1, /^rivulet: schema_syntax: /, ['schema', 'apply', '-', ...at], 'CREATE NONSENSE');
  mustWasi(['schema', 'apply', '-', ...at], schema);
  const packed = join(parent, 'packed.ndjson.gz');
  writeFileSync(packed, Buffer.from('1f8b0800', 'hex'));
  refused(1, /^rivulet: unsupported: .*gunzip -c packed\.ndjson\.gz \|/, ['import', 'packed.ndjson.gz', ...at]);
  refused(1, /^rivulet: unsupported: .*gunzip -c FILE \|/, ['import', '-', ...at], readFileSync(packed));
  ndjson(join(parent, 'bad.ndjson'), [opened(1), opened(2), { ...opened(1) }]);
  refused(1, /row_exists[^]*at line 3; 0 events/, ['import', 'bad.ndjson', ...at]);
  refused(1, /^rivulet: memory_exhausted: /, ['status', '--memory', '64KiB', ...at]);
  refused(1, /^rivulet: memory_exhausted: .*cannot grow/, ['status', '--memory', '4095MiB', ...at]);
  refused(2, /^rivulet: parameter_invalid: /, ['status', '--memory', '5GiB', ...at]);
  assert.equal(mustWasi(['status', '--json', ...at]).position, 1);
});

test('a damaged directory is read up to the damage, a newer one not at all', options, () => {
  const data = prepared(parent, 'damaged');
  const events = Array.from({ length: 3000 }, (_, i) => opened(i + 1));
  must(['import', ndjson(join(parent, 'many.ndjson'), events), '--batch', '100', '--data', data]);
  const segment = readdirSync(data).find((name) => name.endsWith('.seg'));
  const bytes = readFileSync(join(data, segment));
  bytes[Math.floor(bytes.length / 2)] ^= 0x40;
  writeFileSync(join(data, segment), bytes);
  const query = ['query', 'select count(*) from account', '--json', '--data'];
  const read = wasi([...query, 'damaged']);
  assert.equal(read.code, 3);
  assert.match(read.err, /data_damaged/);
  assert.ok(read.err.includes(segment), read.err);
  assert.equal(read.out, cli([...query, data]).out);
  refused(3, /data_damaged/, ['append', '/accounts/1', 'money_paid', '{"amount":1}', '--data', 'damaged']);
  assert.deepEqual(readFileSync(join(data, segment)), bytes, 'nothing was changed');

  const newer = prepared(parent, 'newer');
  const [own] = readdirSync(newer).filter((name) => name.endsWith('.seg'));
  const header = readFileSync(join(newer, own));
  header.writeUInt32LE(header.readUInt32LE(8) + 1, 8); // the format's version
  header.writeUInt32LE(crc32c(header.subarray(0, 4092)), 4092);
  writeFileSync(join(newer, own), header);
  refused(1, /^rivulet: data_newer: /, ['status', '--data', 'newer']);
});

test('a second program is refused, whichever comes second', options, async () => {
  const data = prepared(parent, 'held');
  must(['import', ndjson(join(parent, 'held.ndjson'), many(20000)), '--data', data]);
  const before = hash('held');
  const first = await holder('held');
  refused(1, /^rivulet: data_in_use: .*held\/\.held/, ['status', '--data', 'held']);
  const native = cli(['status', '--json', '--data', data]);
  assert.equal(native.code, 1);
  assert.equal(JSON.parse(native.err).code, 'data_in_use');
  assert.equal(JSON.parse(native.err).held, '.held');
  first.child.stdout.resume();
  assert.deepEqual((await first.ended)[0], 0);
  assert.equal(hashWasi('held'), before);

  const killed = await holder('held');
  killed.child.kill('SIGKILL');
  await killed.ended;
  refused(1, /^rivulet: data_in_use: /, ['status', '--data', 'held']);
  assert.equal(cli(['status', '--data', data]).code, 1);
  rmSync(join(data, '.held'));
  assert.equal(hashWasi('held'), before);
});

test('a daemon is seen, also one that was killed', options, async () => {
  const data = prepared(parent, 'daemon');
  const node = await Node.start(data);
  const append = ['append', '/accounts/1', 'account_opened', '{"name":"Ada"}', '--data', 'daemon'];
  const inUse = new RegExp(`^rivulet: data_in_use: .*process ${node.child.pid}`);
  refused(1, inUse, append);
  assert.equal(await node.stop(), 0);
  mustWasi(append);
  const again = await Node.start(data);
  await again.kill();
  refused(1, /^rivulet: data_in_use: .*or remove daemon\/lock/, ['status', '--data', 'daemon']);
  assert.equal(hash('daemon'), hashWasi('daemon'), 'opening it natively tells that it is free');
});

// Node's WASI reserves no space, so the disk is full in the middle of writing.
test('a full disk: told, nothing is half there, and it goes on with space', optionsDisk, () => {
  const where = { root: disk };
  const at = ['--json', '--data', 'node'];
  mustWasi(['schema', 'apply', '-', ...at], schema, where);
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(bavail * bsize - (2 << 20)));
  const lines = many(20000).map((event) => `${JSON.stringify(event)}\n`);
  const run = wasi(['import', '-', ...at], lines.join(''), where);
  assert.equal(run.code, 1, run.err);
  const problems = eventsOf(run.err);
  assert.equal(problems[0].code, 'storage_full', run.err);
  const { accepted, imported } = problems.find((problem) => problem.line !== undefined);
  assert.equal(imported, undefined, 'nothing is claimed that was not flushed');
  rmSync(join(disk, 'ballast'));
  const { position } = mustWasi(['status', ...at], '', where);
  assert.ok(position <= accepted + 1 && position % 1000 === 1, `${position} of ${accepted}`);
  mustWasi(['import', '-', ...at], lines.slice(position - 1).join(''), where);
  assert.equal(mustWasi(['status', ...at], '', where).position, 20001);
  assert.equal(mustWasi(['query', 'select count(*) from account', ...at], '', where).rows[0][0], 20000);
});
