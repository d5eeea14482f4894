// SPDX-License-Identifier: Apache-2.0
// Goal: the package as it is published installs and runs in Node as a root and as an edge of a real
// node, and what it acknowledged survives kill -9. Method: `npm pack`, `npm install` of the archive
// into a project of its own, programs of that project as processes; their files are read again by the
// native binary, and state hashes compared with the central node's.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Authority, served } from './certificates.mjs';
import { folder, lives, must, Node, opened, prepared, schema, trusted, until } from './harness.mjs';

const packed = fileURLToPath(new URL('../../build/npm', import.meta.url));
const parent = folder('npm');
const project = join(parent, 'project');

/** So that Node 20 has a WebSocket. */
const webSocketFlags =
  globalThis.WebSocket || !process.allowedNodeEnvironmentFlags.has('--experimental-websocket')
    ? []
    : ['--experimental-websocket'];

function npm(args, cwd) {
  const run = spawnSync('npm', [...args, '--offline', '--no-audit', '--no-fund'], { cwd, encoding: 'utf8' });
  assert.equal(run.status, 0, `npm ${args.join(' ')}: ${run.stderr}`);
  return run.stdout.trim().split('\n').at(-1);
}

mkdirSync(project);
writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
writeFileSync(join(project, 'schema.sql'), schema);
npm(['install', join(parent, npm(['pack', packed, '--silent'], parent))], project);


let programs = 0;

/** Starts a program of the project; `tell` prints a line of JSON, which `lines` has. */
function start(source, flags = [], environment = {}) {
  const file = join(project, `program-${++programs}.mjs`);
  const head = `
    import { destroy, open, RivuletError } from 'rivulet';
    import { readFileSync } from 'node:fs';
    const schema = readFileSync('schema.sql', 'utf8');
    const tell = (value) => console.log(JSON.stringify(value, (_, v) => typeof v === 'bigint' ? String(v) : v));
    async function status(db, met, options) { for await (const s of db.status(options)) if (met(s)) return s; }
  `;
  writeFileSync(file, head + source);
  const child = spawn(process.execPath, [...flags, file], { cwd: project, env: { ...process.env, ...environment } });
  const ended = lives(child);
  let err = '';
  child.stderr.on('data', (text) => (err += text));
  void ended.then(([code]) => code > 0 && console.log(`${file} ended with ${code}: ${err}`));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    child,
    errors: () => err,
    async line() {
      const { value, done } = await lines.next();
      return done ? undefined : JSON.parse(value);
    },
    async rest() {
      const all = [];
      for (let line = await this.line(); line !== undefined; line = await this.line()) all.push(line);
      return { lines: all, code: (await ended)[0] };
    },
    async kill() {
      child.kill('SIGKILL');
      return this.rest();
    },
  };
}

/** Runs a program that must end well, and gives what it told. */
async function run(source, flags) {
  const program = start(source, flags);
  const { lines, code } = await program.rest();
  assert.equal(code, 0, program.errors());
  return lines;
}

/** Numbers below `n`, the same in every run. */
function randoms(seed) {
  let state = seed;
  return (n) => (state = (state * 48271) % 2147483647) % n;
}

const text = JSON.stringify;

test('the archive has what a page and a program need, and no more', () => {
  const at = (name) => join(project, 'node_modules/rivulet', name);
  const files = ['index.js', 'index.d.ts', 'node.js', 'worker.js', 'rivulet.wasm', 'rivulet-nosql.wasm', 'LICENSE', 'README.md'];
  for (const name of files) assert.ok(existsSync(at(name)), name);
  assert.equal(existsSync(at('tsconfig.json')), false);
  const description = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  assert.equal(description.dependencies, undefined);
  assert.match(must(['--version']), new RegExp(description.version.replaceAll('.', '\\.')));
});

test('a root: open, append, query, events, close, and the native binary on its files', async () => {
  const directory = join(parent, 'root');
  const [event, rows, read] = await run(`
    const db = await open({ directory: ${text(directory)}, schema });
    tell(await db.append('/accounts/7', 'account_opened', { name: 'Ada' }).durable('local'));
    await db.append('/accounts/7', 'money_paid', { amount: 5 }).durable();
    tell(await db.query('SELECT name, balance FROM account'));
    for await (const e of db.events('/accounts/*', { from: 3 })) { tell(e); break; }
    await db.close();
  `);
  assert.equal(event.position, 2);
  assert.deepEqual(rows, [{ name: 'Ada', balance: 5 }]);
  assert.equal(read.data.amount, 5);
  const there = must(['query', 'SELECT name, balance FROM account', '--data', directory, '--json']);
  assert.deepEqual(there.rows, [['Ada', 5]]);
});

test('every event acknowledged local is there after kill -9, twenty times', async (t) => {
  const directory = join(parent, 'killed');
  const seed = Date.now() % 100000;
  t.diagnostic(`seed ${seed}`);
  const random = randoms(seed + 1);
  const acknowledged = [];
  for (let round = 0; round < 20; round++) {
    const program = start(`
      const db = await open({ directory: ${text(directory)}, schema });
      tell('open');
      for (let n = 0; ; n++) {
        const events = Array.from({ length: n % 7 === 0 ? 50 : 1 }, (_, i) => ({
          path: '/accounts/' + (${round} * 1e6 + n * 100 + i), type: 'account_opened', data: { name: 'x' },
        }));
        const append = events.length > 1 ? db.append(events) : db.append(events[0].path, events[0].type, events[0].data);
        const told = append.durable('local').then((result) => tell([result].flat().map((e) => [e.position, e.eventId])));
        if (n % 20 === 0) await told;
      }
    `);
    assert.equal(await program.line(), 'open', program.errors());
    for (let left = random(60); left > 0; left--) acknowledged.push(...(await program.line()));
    const { lines } = await program.kill();
    acknowledged.push(...lines.flat());
  }
  // who holds the lock for a process ends when that does, but a moment after it
  const node = await until(() => Node.start(directory).catch((error) => {
    assert.match(error.message, /data_in_use/);
    return null;
  }), 'the lock'); // prettier-ignore
  const { body: events } = await node.request('GET', '/events');
  await node.stop();
  const ids = new Map(events.map((event) => [event.position, event.event_id]));
  assert.ok(acknowledged.length > 500);
  for (const [position, id] of acknowledged) assert.equal(ids.get(position), id);
  assert.equal(events.length, Math.max(...ids.keys()) - 1); // no hole: the schema is the first
  const [n] = await run(`
    const db = await open({ directory: ${text(directory)} });
    tell((await db.query('SELECT count(*) n FROM account'))[0].n);
    await db.close();
  `);
  assert.equal(n, events.length);
});

/** A central node with 30,000 events over 300 streams. */
async function central(name) {
  const data = prepared(parent, name);
  const events = Array.from({ length: 30000 }, (_, i) =>
    i < 300
      ? { path: `/accounts/${i}`, type: 'account_opened', data: { name: `n${i}` } }
      : { path: `/accounts/${(i * 7) % 300}`, type: 'money_paid', data: { amount: i } },
  );
  must(['import', '-', '--data', data], events.map((event) => JSON.stringify(event)).join('\n'));
  return Node.start(data);
}

const edgeOptions = (node, directory, streams = ['/**']) =>
  text({ directory, upstream: { url: `${node.syncUrl}/sync` }, select: { streams } });

test('an edge: syncs, is equal, appends with and without the root, and holds all that without it', async () => {
  const node = await central('central');
  const directory = join(parent, 'edge');
  const [synced, written, offline, kept] = await (async () => {
    const program = start(`
      const db = await open({ ...${edgeOptions(node, directory)}, schema });
      tell(await status(db, (s) => s.syncedTo >= 30001, { hash: true }));
      const written = [await db.append('/accounts/5', 'money_paid', { amount: 1 }).durable('upstream'),
            await db.append('/accounts/5', 'money_paid', { amount: 1 }).durable('local'),
            await db.append('/accounts/5', 'nonsense', {}).durable().catch((e) => e.code)];
      await status(db, (s) => s.pending === 0); // the root is killed when it has been told
      tell(written);
      tell(await status(db, (s) => s.connection === 'offline'));
      const kept = db.append('/accounts/5', 'money_paid', { amount: 1 });
      tell([await kept.durable(), (await status(db, (s) => s.pending === 1)).lag]);
      tell(await status(db, (s) => s.connection === 'connected'));
      tell(await kept.durable('upstream'));
      await db.close();
    `, webSocketFlags);
    const told = [await program.line(), await program.line()];
    await node.stop();
    told.push(await program.line(), await program.line());
    const again = await Node.start(node.data, '--listen', `127.0.0.1:${node.port}`);
    const { lines, code } = await program.rest();
    assert.equal(code, 0, program.errors());
    assert.equal(lines[0].connection, 'connected');
    assert.equal(lines[1].position, 30004);
    const hash = (await again.status()).state_hash;
    await again.stop();
    const [held] = await run(`
      const db = await open({ directory: ${text(directory)} });
      tell([await status(db, () => true, { hash: true }), await db.query('SELECT sum(balance) b, count(*) n FROM account')]);
      await db.close();
    `);
    assert.equal(held[0].stateHash, hash);
    assert.equal(held[0].connection, 'none');
    const paid = Array.from({ length: 29700 }, (_, i) => i + 300).reduce((sum, amount) => sum + amount, 3);
    assert.deepEqual(held[1], [{ b: paid, n: 300 }]);
    return told;
  })();
  assert.equal(synced.connection, 'connected', text(synced));
  assert.equal(synced.role, 'edge');
  assert.equal(synced.lag, 0);
  assert.equal(written[0].position, 30002);
  assert.equal(written[1].position, null);
  assert.equal(written[2], 'unknown_event_type');
  assert.equal(offline.reason.code, 'upstream_unreachable');
  assert.equal(kept[0].position, null);
});

test('offline, killed, opened again, online: all is decided once, and what is refused is told', async () => {
  const node = await central('central-offline');
  const directory = join(parent, 'edge-offline');
  const program = start(`
    const db = await open(${edgeOptions(node, directory, ['/accounts/5', '/accounts/6'])});
    await status(db, (s) => s.syncedTo >= 30001);
    tell('synced');
    await status(db, (s) => s.connection === 'offline');
    for (let i = 0; i < 20; i++) await db.append('/accounts/5', 'money_paid', { amount: 1 }).durable('local');
    const odd = db.append('/accounts/6', 'account_opened', { name: 'again' }, { expectedVersion: 'none' });
    tell(await odd.durable().catch((e) => e.code));
    const unseen = db.append('/accounts/7', 'account_opened', { name: 'again' });
    tell(await unseen.durable());
    for await (const list of db.pending()) { tell(list.map((it) => [it.state, it.blind, it.events.length])); break; }
    tell((await db.query('SELECT balance FROM account WHERE id = 5'))[0].balance);
    tell('waits');
    await unseen.durable('upstream');
  `, webSocketFlags);
  assert.equal(await program.line(), 'synced', program.errors());
  const before = await node.rows('SELECT balance FROM account WHERE id = 5');
  await node.stop();
  assert.equal(await program.line(), 'version_conflict', program.errors());
  assert.equal((await program.line()).version, null);
  const list = await program.line();
  assert.equal(list.length, 21);
  assert.deepEqual(list[0], ['waiting', false, 1]);
  assert.deepEqual(list[20], ['waiting', true, 1]);
  assert.equal(await program.line(), before[0][0] + 20, 'rows show what waits');
  assert.equal(await program.line(), 'waits');
  await program.kill();
  const again = await Node.start(node.data, '--listen', `127.0.0.1:${node.port}`);
  const [refused, none] = await run(`
    const db = await open(${edgeOptions(node, directory, ['/accounts/5', '/accounts/6'])});
    for await (const r of db.rejections()) {
      tell([r.reason.code, r.reason instanceof Error, r.events[0].path, r.edgeSequence]);
      await r.acknowledge();
      break;
    }
    const s = await status(db, (s) => s.pending === 0 && s.connection === 'connected');
    tell([s.rejected, s.suspended]);
    await db.close();
  `, webSocketFlags);
  assert.deepEqual(refused.slice(1), [true, '/accounts/7', 21]);
  assert.deepEqual(none, [0, 0]);
  assert.deepEqual(await again.rows('SELECT balance FROM account WHERE id = 5'), [[before[0][0] + 20]]);
  await again.stop();
});

test('an edge that is killed while it syncs goes on, and ends equal', async (t) => {
  const node = await central('central-killed');
  const directory = join(parent, 'edge-killed');
  const seed = Date.now() % 100000;
  t.diagnostic(`seed ${seed}`);
  const random = randoms(seed + 1);
  const held = [];
  for (let round = 0; round < 8; round++) {
    const program = start(`
      const db = await open(${edgeOptions(node, directory)});
      tell('open');
      let held = 0;
      setInterval(() => tell(held), 100); // where there is nothing to come it has told all
      for await (const s of db.status()) tell((held = s.syncedTo));
    `, webSocketFlags);
    assert.equal(await program.line(), 'open', program.errors());
    for (let left = random(3); left > 0; left--) held.push(await program.line());
    const { lines } = await program.kill();
    held.push(...lines.slice(-1));
  }
  const [last] = await run(`
    const db = await open(${edgeOptions(node, directory)});
    tell([await status(db, () => true), await status(db, (s) => s.syncedTo >= 30001, { hash: true })]);
    await db.close();
  `, webSocketFlags);
  assert.ok(last[0].syncedTo >= Math.max(...held), `${last[0].syncedTo} after ${held}`);
  assert.equal(last[1].stateHash, (await node.status()).state_hash);
  await node.stop();
});

test("README.md: its edge in JavaScript, with what it says of Node", async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const block = (language) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(readme)[1];
  const data = join(parent, 'readme');
  must(['schema', 'apply', '-', '--data', data], block('sql'));
  const node = await Node.start(data);
  await node.append('/account_events', 'account_created', { name: 'Ada' });
  const source = block('js')
    .replace(/import .*/, '')
    .replace(/name: 'bank', \/\/ Node: (.*)/, '$1,')
    .replace('ws://127.0.0.1:5678', node.syncUrl)
    .replace('console.log', 'tell([event.type, account]); await db.close(); void ');
  assert.deepEqual(await run(source, webSocketFlags), [['account_created', { name: 'Ada', balance: '0.00' }]]);
  await node.stop();
});

test('what is asked before an edge has ever met its upstream is answered when it has', async () => {
  const node = await Node.start(prepared(parent, 'first'));
  await node.batch([opened(1)]);
  await node.stop();
  const program = start(`
    const db = await open(${edgeOptions(node, join(parent, 'edge-first'), ['/accounts/1'])});
    const first = async (feed, met) => { for await (const it of feed) if (met(it)) return it; };
    const fed = Promise.all([
      first(db.live('select name from account'), (rows) => rows.length > 0),
      first(db.changes('account', { rows: true }), ({ row }) => row),
    ]);
    const asked = Promise.all([db.get('account', 2), db.query('select count(*) n from account where id = 2')]);
    const s = await status(db, (s) => s.connection === 'offline');
    tell([s.schemaVersion, s.reason.code, (await db.select()).whole, await db.append('/accounts/1', 'money_paid', { amount: 1 }).durable().catch((e) => e.code)]);
    const [row, rows] = await asked;
    const [live, { row: changed }] = await fed;
    tell([row === undefined, rows[0].n, live[0].name, changed.name, (await db.select()).whole]);
    await db.close();
  `, webSocketFlags);
  assert.deepEqual(await program.line(), [0, 'upstream_unreachable', false, 'not_connected'], program.errors());
  const again = await Node.start(node.data, '--listen', `127.0.0.1:${node.port}`);
  const { lines, code } = await program.rest();
  assert.equal(code, 0, program.errors());
  assert.deepEqual(lines, [[true, 0, 'Ada', 'Ada', true]]);
  await again.stop();
});

test('with a schema, an edge works before it has ever met its root, and is killed meanwhile', async () => {
  const node = await Node.start(prepared(parent, 'unmet'));
  await node.append('/accounts/1', 'account_opened', { name: 'Bo', plan: 'free' });
  await node.stop();
  const options = `{ ...${edgeOptions(node, join(parent, 'edge-unmet'), ['/accounts/*'])}, schema }`;
  const program = start(`
    const db = await open(${options});
    const feed = db.live('select id, name, balance from account order by id');
    tell((await feed.next()).value);
    await db.append('/accounts/7', 'account_opened', { name: 'Ada', plan: 'team' }).durable();
    await db.append('/accounts/7', 'money_paid', { amount: 5 }).durable();
    for await (const rows of feed) if (rows[0]?.balance === 5) { tell(rows); break; }
    const refused = await db.append('/accounts/7', 'money_paid', { amount: 'no' }).durable().catch((e) => e.code);
    const { provisional, pending, connection } = await status(db, (s) => s.connection === 'offline');
    tell([refused, provisional, pending, connection]);
    await new Promise(() => setInterval(() => {}, 1000));
  `, webSocketFlags);
  const rows = [{ id: '7', name: 'Ada', balance: 5 }];
  assert.deepEqual(await program.line(), [], program.errors());
  assert.deepEqual(await program.line(), rows, program.errors());
  assert.deepEqual(await program.line(), ['value_invalid', true, 2, 'offline'], program.errors());
  await program.kill();
  const next = start(`
    const db = await open(${options});
    tell([await db.query('select id, name, balance from account'), (await status(db, () => true)).pending]);
    const s = await status(db, (s) => s.connection === 'connected' && s.pending === 0 && s.syncedTo >= 4, { hash: true });
    tell([s.provisional, s.unknown, s.stateHash, await db.query('select id, name, balance from account order by id')]);
    await db.close();
  `, webSocketFlags);
  assert.deepEqual(await next.line(), [rows, 2], next.errors());
  const again = await Node.start(node.data, '--listen', `127.0.0.1:${node.port}`);
  const { lines, code } = await next.rest();
  assert.equal(code, 0, next.errors());
  const [[provisional, unknown, hash, all]] = lines;
  assert.deepEqual([provisional, unknown], [false, 0]);
  assert.equal(hash, (await again.status()).state_hash);
  assert.deepEqual(all, [{ id: '1', name: 'Bo', balance: 0 }, ...rows]);
  await again.stop();
});

test('a cursor misses nothing of streams that an edge selects later, as positions do', async () => {
  const node = await Node.start(prepared(parent, 'widened'));
  await node.batch([opened(1), opened(2), { path: '/accounts/2', type: 'money_paid', data: { amount: 1 } }]);
  await node.batch([{ path: '/accounts/1', type: 'money_paid', data: { amount: 1 } }]);
  const [before, came, behind, missed] = await run(`
    const db = await open(${edgeOptions(node, join(parent, 'edge-widened'), ['/accounts/1'])});
    const read = async (count, options) => {
      const found = [];
      for await (const e of db.events('/**', options)) if (found.push(e) === count) break;
      return found;
    };
    const before = await read(2, { from: 0 });
    tell(before.map((e) => e.position));
    const { cursor, position } = before[1];
    await db.select({ streams: ['/accounts/*'] });
    tell((await read(2, { after: cursor })).map((e) => e.position));
    tell((await read(1, { after: cursor, types: ['account_opened'] })).map((e) => e.path));
    const later = db.events('/**', { from: position + 1 });
    const next = later.next(); // what it would be missing
    await db.append('/accounts/1', 'money_paid', { amount: 1 }).durable('upstream');
    tell((await next).value.position);
    await db.close();
  `, webSocketFlags);
  assert.deepEqual(before, [2, 5]);
  assert.deepEqual(came, [3, 4]);
  assert.deepEqual(behind, ['/accounts/2']);
  assert.equal(missed, 6);
  await node.stop();
});

test('what an edge wrote offline is told with the version that the root gave it', async () => {
  const node = await Node.start(prepared(parent, 'overtaken'));
  await node.batch([opened(1), opened(2)]);
  const program = start(`
    const db = await open(${edgeOptions(node, join(parent, 'edge-overtaken'), ['/accounts/1'])});
    await status(db, (s) => s.syncedTo === 3);
    tell('synced');
    await status(db, (s) => s.connection === 'offline');
    const appends = [
      db.append('/accounts/1', 'money_paid', { amount: 1 }),
      db.append([1, 1].map((id) => ({ path: '/accounts/' + id, type: 'money_paid', data: { amount: 1 } }))),
      db.append('/accounts/2', 'money_paid', { amount: 1 }),
    ];
    tell(await Promise.all(appends.map((append) => append.durable('local'))));
    for await (const list of db.pending()) {
      tell([list.map((it) => it.edgeSequence), appends.map((it) => it.edgeSequence), Object.keys(list[0])]);
      break;
    }
    tell((await Promise.all(appends.map((append) => append.durable('upstream')))).flat());
    const known = new Map();
    for await (const e of db.events('/accounts/1')) if (known.set(e.eventId, e).size === 7) break;
    tell([...known.values()].slice(4).map(({ position, version, recordedAt }) => [position, version, recordedAt]));
    const expectedVersion = [...known.values()].at(-1).version;
    await db.append('/accounts/1', 'money_paid', { amount: 1 }, { expectedVersion }).durable('upstream');
    await db.close();
  `, webSocketFlags);
  assert.equal(await program.line(), 'synced', program.errors());
  await node.stop();
  const [first, , blind] = await program.line();
  assert.deepEqual(Object.keys(first).sort(), ['data', 'eventId', 'path', 'position', 'recordedAt', 'type', 'version']);
  const [listed, sequences, members] = await program.line();
  assert.deepEqual(listed, sequences);
  const declared = ['blind', 'durable', 'edgeSequence', 'events', 'position', 'reason', 'relayed', 'state', 'unchecked', 'writtenAt'];
  assert.deepEqual(members.sort(), declared);
  assert.deepEqual([first.position, first.version, first.recordedAt], [null, 2, null], 'as it looks there');
  assert.equal(blind.version, null);
  const paid = { path: '/accounts/1', type: 'money_paid', data: { amount: 1 } };
  must(['import', '-', '--data', node.data], [paid, paid, paid].map((event) => text(event)).join('\n'));
  const again = await Node.start(node.data, '--listen', `127.0.0.1:${node.port}`);
  const { lines, code } = await program.rest();
  assert.equal(code, 0, program.errors());
  const [written, read] = lines;
  const told = written.map(({ position, version, recordedAt }) => [position, version, recordedAt]);
  assert.deepEqual(told.slice(0, 3), read);
  assert.deepEqual(read.map(([, version]) => version), [5, 6, 7]); // prettier-ignore
  assert.deepEqual(told[3], [10, null, null], 'of what is not held here only the position is known');
  await again.stop();
});

test('what was appended is sent before an edge is closed; connected tells when it can be', async () => {
  const node = await Node.start(prepared(parent, 'drained'));
  const directory = join(parent, 'edge-drained');
  const [told, early, aborted] = await run(`
    const db = await open({ ...${edgeOptions(node, directory)}, schema });
    await db.connected();
    const appends = Array.from({ length: 500 }, (_, i) =>
      db.append('/accounts/' + i, 'account_opened', { name: 'n' }).durable(i % 2 ? 'local' : 'upstream'));
    const counted = db.query('SELECT 1 n').then(([{ n }]) => n);
    await db.close();
    const results = await Promise.allSettled(appends);
    tell({ failed: results.filter((r) => r.reason).map((r) => r.reason.code), counted: await counted });
    tell(await db.connected().catch((e) => e.code));
    const far = await open({ directory: ${text(join(parent, 'edge-far'))}, upstream: { url: 'ws://127.0.0.1:1/sync' }, select: { streams: ['/**'] } });
    tell(await far.connected({ signal: AbortSignal.timeout(50) }).catch((e) => e.name));
    await far.close();
  `, webSocketFlags);
  assert.deepEqual(told, { failed: [], counted: 1 });
  assert.equal(early, 'closing');
  assert.equal(aborted, 'TimeoutError');
  const { body: events } = await node.request('GET', '/events');
  assert.equal(events.filter(({ type }) => type === 'account_opened').length, 500);
  await node.stop();
  const [held, alone] = await run(`
    const db = await open({ directory: ${text(directory)} });
    tell((await db.query('SELECT count(*) n FROM account'))[0].n);
    tell(await db.connected().catch((e) => e.code));
    await db.close();
  `);
  assert.equal(held, 500);
  assert.equal(alone, 'not_connected');
});

test('an edge over wss, whose authority Node was told of, syncs both ways; without that it is offline', async () => {
  const authority = new Authority(join(parent, 'authority'));
  trusted.ca = authority.pem;
  const node = await Node.start(prepared(parent, 'secure'), ...served(authority.issue('node')));
  assert.equal((await node.append('/accounts/1', 'account_opened', { name: 'Ada' })).status, 201);
  const source = (name) => `
    const db = await open({ directory: ${text(join(parent, name))}, upstream: { url: ${text(`${node.syncUrl}/sync`)} }, select: { streams: ['/**'] } });
  `;
  const secure = start(`${source('secure-edge')}
    await status(db, (s) => s.connection === 'connected' && s.position > 1);
    tell(await db.append('/accounts/1', 'money_paid', { amount: 4 }).durable('upstream'));
    tell(await db.query('select name, balance from account'));
    await db.close();
  `, webSocketFlags, { NODE_EXTRA_CA_CERTS: authority.file });
  const { lines, code } = await secure.rest();
  assert.equal(code, 0, secure.errors());
  assert.deepEqual(lines[1], [{ name: 'Ada', balance: 4 }]);
  assert.deepEqual(await node.rows('select balance from account'), [[4]]);
  const strange = start(`${source('strange-edge')}
    tell((await status(db, (s) => s.reason)).reason.code);
    await db.close();
  `, webSocketFlags);
  assert.deepEqual((await strange.rest()).lines, ['upstream_unreachable']);
  assert.equal(await node.stop(), 0);
});

test('an edge whose root does not answer is closed all the same', async () => {
  const node = await Node.start(prepared(parent, 'silent'));
  const program = start(`
    const db = await open({ ...${edgeOptions(node, join(parent, 'edge-silent'))}, schema });
    await db.connected();
    tell('connected');
    for await (const line of process.stdin) if (String(line).includes('go')) break;
    const appends = Array.from({ length: 40 }, (_, i) => db.append('/accounts/' + i, 'account_opened', { name: 'n' }).durable('upstream'));
    const ended = Promise.allSettled(appends);
    await db.close();
    tell((await ended).map((r) => r.reason?.code));
    process.exit();
  `, webSocketFlags);
  assert.equal(await program.line(), 'connected', program.errors());
  process.kill(node.child.pid, 'SIGSTOP');
  program.child.stdin.write('go\n');
  const codes = await program.line();
  process.kill(node.child.pid, 'SIGCONT');
  assert.equal(codes?.length, 40, program.errors());
  for (const code of codes) assert.ok(code === 'outcome_unknown' || code === 'closing' || code === 'not_connected', code);
  await program.rest();
  await node.stop();
});

test('what is at an address is told apart', async () => {
  let endless = false;
  let poured;
  const server = http.createServer((request, response) => {
    if (!endless) return response.end('hello');
    poured = once(response, 'close');
    const pour = () => {
      while (!response.destroyed && response.write('{"a": '.repeat(10000)));
    };
    response.on('drain', pour);
    pour();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = server.address().port;
  const told = async (url) => {
    const [status] = await run(`
      const db = await open({ directory: ${text(join(parent, `to-${programs}`))}, upstream: { url: ${text(url)} }, select: { streams: ['/**'] } });
      tell(await status(db, (s) => s.reason !== null));
      await db.close();
    `, webSocketFlags);
    return status;
  };
  const other = await told(`ws://127.0.0.1:${port}/sync`);
  endless = true;
  const pouring = await told(`ws://127.0.0.1:${port}/sync`);
  assert.equal(pouring.reason.code, 'upstream_not_rivulet');
  await poured; // the rest of an endless answer was not waited for: the connection ended
  server.close();
  await once(server, 'close');
  const nobody = await told(`http://127.0.0.1:${port}`);
  assert.equal(other.reason.code, 'upstream_not_rivulet');
  assert.equal(nobody.reason.code, 'upstream_unreachable');
  assert.match(nobody.reason.detail, new RegExp(`^ws://127.0.0.1:${port}/sync`));
});

test('an edge needs a WebSocket and a selection; a root is no edge', async () => {
  const at = (name) => text(join(parent, name));
  const url = "upstream: { url: 'ws://127.0.0.1:1/sync' }";
  const codes = (program, flags) =>
    run(`const refused = async (options) => tell(await open(options).then((db) => db.close(), (e) => e.code));
      ${program}`, flags);
  const [selection, root] = await codes(`
    await refused({ directory: ${at('new-edge')}, ${url} });
    await refused({ directory: ${at('root')}, ${url}, select: { streams: ['/**'] } });`, webSocketFlags);
  assert.equal(selection, 'selection_invalid');
  assert.equal(root, 'not_root');
  if (!globalThis.WebSocket) {
    const [without] = await codes(`await refused({ directory: ${at('new-edge')}, ${url}, select: { streams: ['/**'] } });`, []);
    assert.equal(without, 'unsupported');
  }
});
