// SPDX-License-Identifier: Apache-2.0
// Goal: the command line tells what it has: help of each command and of several, what may have been
// meant, what a schema lacks, how far a feed came and that it has ended. Method: commands as
// processes, their output and exit codes, over a data directory and over a node that is stopped and
// killed under them.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { binary, cli, folder, lives, must, Node, opened, prepared, schema, sleep, until } from './harness.mjs';

const parent = folder('command-line');

test('help of a command, of several, and of none', () => {
  for (const words of [['schema', '--help'], ['schema', '-h'], ['help', 'schema'], ['token', '--help']]) {
    const help = cli(words);
    assert.equal(help.code, 0, words.join(' '));
    assert.match(help.out, /^usage: rivulet (schema|token) COMMAND/);
    assert.equal(help.err, '');
  }
  for (const word of ['schema', 'token']) {
    const bare = cli([word]);
    assert.equal(bare.code, 2);
    assert.match(bare.err, new RegExp(`^usage: rivulet ${word} COMMAND`));
  }
  assert.match(cli(['help', 'query']).out, /^usage: rivulet query /);
  assert.match(cli(['help', 'schema', 'apply']).out, /^usage: rivulet schema apply /);
  const meant = { aplly: 'schema apply', 'schema aplly': 'schema apply', qury: 'query', shema: 'schema', 'help redd': 'read' };
  for (const [words, nearest] of Object.entries(meant)) {
    const run = cli(words.split(' '));
    assert.equal(run.code, 2);
    assert.equal(run.err, `rivulet: \`${words.replace('help ', '')}\` is not a command; did you mean \`${nearest}\`?\n`);
  }
  assert.match(cli(['frobnicate']).err, /^rivulet: `frobnicate` is not a command\nRivulet /);
  const changes = cli(['changes', '--help']).out;
  assert.match(changes, /--from now +only what comes/);
  assert.match(changes, /--token-file FILE/);
  assert.doesNotMatch(changes, /--data/);
});

test('what only a running node can be asked is asked of none else', () => {
  for (const words of [['watch', 'select 1'], ['changes', 'account']]) {
    const run = cli(words, '', { RIVULET_DIR: join(parent, 'no-node') });
    assert.equal(run.code, 2);
    assert.match(run.err, /^rivulet: parameter_invalid: it asks a running node: say which, --url URL\n/);
  }
});

test('a schema is applied again and again as the whole one', () => {
  const at = ['--data', join(parent, 'schema')];
  const file = join(parent, 'whole.sql');
  writeFileSync(file, schema);
  must(['schema', 'apply', file, ...at]);
  const again = cli(['schema', 'apply', file, ...at]);
  assert.equal(again.code, 1);
  assert.match(again.err, /schema_duplicate: [^]*hint: [^]*schema diff[^]*--whole/);
  must(['schema', 'apply', file, '--whole', ...at]);
  writeFileSync(file, `${schema}\nCREATE AGGREGATE more (id bigint PRIMARY KEY);`);
  must(['schema', 'apply', file, '--whole', ...at]);
  assert.match(must(['schema', 'show', ...at]), /AGGREGATE more/);
  writeFileSync(file, schema.replace('varchar(10)', 'varchar(11)'));
  const other = cli(['schema', 'apply', file, '--whole', ...at]);
  assert.match(other.err, /schema_conflict: [^]*hint: [^]*schema diff/);
});

test('what was added to a declaration is named', () => {
  const at = ['--data', join(parent, 'added')];
  const text = (more) => `CREATE AGGREGATE t (n integer, k integer PRIMARY KEY, UNIQUE (n, k)${more});`;
  must(['schema', 'apply', '-', ...at], text(''));
  const added = text(', INDEX (n)');
  const diff = cli(['schema', 'diff', '-', ...at], added);
  assert.equal(diff.code, 1);
  assert.equal(diff.out, '-- otherwise at the node: aggregate t: nothing, here `INDEX (n)`\n');
  const refused = cli(['schema', 'apply', '-', '--whole', ...at], added);
  assert.match(refused.err, /schema_conflict: the aggregate t is another one in [^\n]*, which has not `INDEX \(n\)`\n/);
  must(['schema', 'apply', '-', '--data', join(parent, 'taken')], added);
  assert.match(cli(['schema', 'diff', '-', '--data', join(parent, 'taken')], text('')).out, /: `INDEX \(n\)`, here nothing\n/);
});

test('what is wrong on the command line is exit code 2, who asks for it or not', () => {
  const data = prepared(parent, 'usage');
  const append = ['append', '/accounts/1', 'account_opened', '{"name":"Ada"}', '--data', data];
  const read = ['read', '/**', '--data', data];
  const absent = join(parent, 'not-made');
  const serve = ['serve', '--data', absent];
  for (const words of [
    [...append, '--event-id', 'xyz'], [...append, '--expected-version', '-1'], [...append, '--durability', 'disk'],
    [...read, '--from', '-1'], [...read, '--as-of', 'yesterday'], [...read, '--limit', '-1'], [...read, '--until', 'then'],
    ['query', 'select 1', '--data', data, '--rows', 'all'], ['query', 'select 1', '--data', data, '--sql-steps', '0'],
    ['query', 'select 1', '--url', 'http://127.0.0.1:9', '--sql-steps', '1'], [...serve, '--sql-steps', 'x'],
    ['watch', 'select 1', '--url', 'http://127.0.0.1:9', '--rows', '-1'],
    ['status', '--url', 'ftp:x'], ['token', 'generate', 'a/b', '--data', data],
    [...serve, '--listen', 'foo'], [...serve, '--upstream', 'http://x', '--select', '/**'],
  ]) {
    const run = cli(words);
    assert.equal(run.code, 2, `${words.join(' ')}: ${run.err}`);
    assert.match(run.err, /^rivulet: parameter_invalid: /);
  }
  const open = cli([...serve, '--listen', '0.0.0.0:0']);
  assert.equal(open.code, 1);
  assert.match(open.err, /^rivulet: unauthenticated: 0\.0\.0\.0:0 can be reached [^\n]*\n$/);
  assert.ok(!existsSync(absent));
});

test('output that cannot be written is told, whatever it is', async () => {
  const full = openSync('/dev/full', 'w');
  for (const words of [['--help'], ['--version'], ['help', 'query'], ['query', '--help']]) {
    const run = spawnSync(binary, words, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
    assert.equal(run.status, 1, words.join(' '));
    assert.match(run.stderr, /^rivulet: storage_failed: /);
  }
  const node = await Node.start(prepared(parent, 'full'));
  await node.append('/accounts/1', 'account_opened', opened(1).data);
  for (const words of [['watch', 'select 1'], ['changes', 'account'], ['read', '/**', '--follow']]) {
    const feed = spawn(binary, [...words, '--url', node.url], { stdio: ['ignore', full, 'pipe'] });
    assert.deepEqual([words[0], (await once(feed, 'exit'))[0]], [words[0], 1]);
  }
  await node.stop();
  closeSync(full);
});

test('events are read up to a place, which a feed ends at, too', async () => {
  const data = prepared(parent, 'until');
  const node = await Node.start(data);
  for (let id = 1; id <= 4; id += 1) await node.append(`/accounts/${id}`, 'account_opened', opened(id).data);
  await node.append('/accounts/4', 'money_paid', { amount: 5 });
  const paths = (text) => [...text.matchAll(/\/accounts\/\d/g)].map(([path]) => path.at(-1)).join('');
  const read = (...args) => paths(must(['read', '/**', ...args]));
  const running = ['--url', node.url];
  const [, , third] = must(['read', '/**', ...running]).split('\n').slice(2).map((line) => line.trim().split(/  +/));
  assert.equal(read('--until', third[0], ...running), '123');
  assert.equal(read('--until', third[4], ...running), '123', 'of a time, with what happened then');
  assert.equal(read('--from', third[0], '--until', 'now', ...running), '344');
  const feed = follow(node, 'read', '/**', '--follow', '--until', third[0]);
  assert.deepEqual([await feed.ended, paths(feed.out), feed.err], [0, '123', '']);
  await node.stop();
  assert.equal(read('--until', third[0], '--data', data), '123');
  assert.equal(paths(must(['read', 'accounts/4', '--until', '1', '--data', data])), '4', 'of one stream a version');
});

const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';

test('a query is ended by what it may take, or by Ctrl-C', async () => {
  const data = prepared(parent, 'endless');
  must(['append', '/accounts/1', 'account_opened', '{"name":"Ada"}', '--data', data]);
  const steps = cli(['query', endless, '--sql-steps', '1000000', '--json', '--data', data]);
  assert.equal(steps.code, 1);
  const { code, limit, steps_max: most } = JSON.parse(steps.err);
  assert.deepEqual([code, limit, most], ['sql_limit', 'steps', 1000000]);
  const two = ['query', 'select 1 union all select 2', '--data', data, '--rows'];
  assert.match(must([...two, '2']), /\(2 rows\)/);
  assert.match(cli([...two, '1']).err, /^rivulet: sql_limit: /);
  for (const place of [[], ['--as-of', '2']]) {
    const child = spawn(binary, ['query', endless, '--data', data, ...place], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text) => (said += text));
    const ended = lives(child);
    const caught = () => /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1];
    await until(() => (BigInt(`0x${caught()}`) & 2n) !== 0n, 'the query');
    child.kill('SIGINT');
    assert.deepEqual([await ended, said], [[130, null], 'rivulet: closing: interrupted before it was done\n']);
    assert.equal(must(['doctor', '--json', '--data', data]).sealed, true);
  }
});

test('Ctrl-C while an answer is shown loses nothing of it', async () => {
  const data = prepared(parent, 'shown');
  const rows = 300000;
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ${rows}) SELECT i FROM n`;
  const child = spawn(binary, ['query', numbers, '--data', data], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = lives(child);
  const state = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1];
  let last = '';
  let waits = 0;
  await until(() => { // for who reads, which is nobody yet: no work is done any more
    const now = state();
    waits = now.startsWith('S') && now === last && Number(now.split(' ')[11]) > 0 ? waits + 1 : 0;
    last = now;
    return waits > 10;
  }, 'the answer');
  child.kill('SIGINT');
  await sleep(100);
  let text = '';
  for await (const part of child.stdout.setEncoding('latin1')) text += part;
  assert.deepEqual(await ended, [0, null]);
  const lines = text.trimEnd().split('\n').map((line) => line.trim());
  assert.deepEqual(lines.slice(2, -1).filter((line, i) => line !== String(i + 1)), []);
  assert.deepEqual([lines.length, lines.at(-1)], [rows + 3, `(${rows} rows)`]);
});

test('a watch tells differences where it is asked to', async () => {
  const node = await Node.start(prepared(parent, 'differences'));
  for (const id of [1, 2]) await node.append(`/accounts/${id}`, 'account_opened', { name: `n${id}` });
  const watch = follow(node, 'watch', 'select id, name from account order by name', '--differences');
  await until(() => watch.out.includes('\n'), 'the result');
  await node.append('/accounts/3', 'account_opened', { name: 'n0' });
  await until(() => watch.out.split('\n').length > 2, 'what differs');
  const [first, second] = watch.out.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(first.rows, [[1, 'n1'], [2, 'n2']]);
  assert.deepEqual(second, { removed: [], added: [[0, [3, 'n0']]] });
  const few = follow(node, 'watch', 'select id from account', '--rows', '2');
  assert.equal(await few.ended, 1);
  assert.match(few.err, /^rivulet: sql_limit: /);
  watch.child.kill('SIGINT');
  await watch.ended;
  await node.stop();
});

test('a table shows what there is, in line', () => {
  const at = ['--data', prepared(parent, 'table')];
  const table = must(['query', String.raw`select 1 as "a""b\c", '日本' as x, 'é' as y union all select 2, 'ab', 'e'`, ...at]);
  assert.deepEqual(table.split('\n').slice(0, 4), ['a"b\\c  x     y', '-----  ----  -', '1      日本  é', '2      ab    e']);
  const hidden = must(['query', "select 'a\u202eb\u200bc\u0085' as x", ...at]);
  assert.match(hidden, /\na\\xe2\\x80\\xaeb\\xe2\\x80\\x8bc\\xc2\\x85\n/);
});

test('a stream is read as it was appended to, and what was read is counted', () => {
  const at = ['--data', prepared(parent, 'read')];
  must(['append', 'accounts/1', 'account_opened', '{"name":"Ada"}', ...at]);
  must(['append', 'account_events/1', 'money_paid', '{"amount":5}', ...at]);
  const lines = must(['read', '/accounts/1', ...at]);
  assert.match(lines, /money_paid[^]*\n\(2 events\)\n$/);
  assert.equal(must(['read', 'accounts/1', ...at]), lines);
  assert.equal(must(['read', 'account_events/1', ...at]), lines);
  assert.match(must(['read', '/account/*', ...at]), /\n\(0 events\)\n$/);
  assert.match(cli(['read', 'account_events', ...at]).err, /many streams: say which one, as in \/accounts\/\{id\};/);
  const refused = { 'accounts/*': 'path_invalid', 'account/1': 'unknown_stream', 'accounts/2': 'stream_not_found' };
  for (const [pattern, code] of Object.entries(refused)) {
    const run = cli(['read', pattern, ...at]);
    assert.equal(run.code, 1);
    assert.match(run.err, new RegExp(`^rivulet: ${code}: `));
    assert.equal(run.out, '');
  }
});

test('a status for people begins with what matters, and fits a screen', async () => {
  const central = await Node.start(prepared(parent, 'status'));
  const edge = await Node.start(join(parent, 'edge'), '--upstream', central.syncUrl, '--select', '/accounts/*');
  await until(async () => (await edge.status()).whole, 'the edge');
  await central.stop();
  await until(async () => (await edge.status()).upstream.state === 'offline', 'the end of the connection');
  const text = must(['status', '--url', edge.url]);
  const names = text.split('\n').slice(2).map((line) => line.split(' ')[0]);
  assert.deepEqual(names.slice(0, 5), ['role', 'position', 'whole', 'read_only', 'upstream.state']);
  assert.ok(names.indexOf('outbox.pending') < names.indexOf('version'));
  assert.match(text, /\nupstream\.reason +upstream_\w+: [^{}"]+\n/);
  assert.match(text, /\nleases\.blocks +0\nleases\.keys_left +0\n/);
  assert.match(text, /\nselection +\/accounts\/\*\n/);
  for (const line of text.split('\n')) assert.ok(line.length < 160, line);
  const { memory, ...whole } = must(['status', '--json', '--url', edge.url]);
  assert.ok(Object.keys(memory.classes).length > 3);
  for (const name of Object.keys(whole)) assert.ok(names.some((n) => n === name || n.startsWith(`${name}.`)), name);
  await edge.stop();
});

test('whoever stops reading ends a feed, quietly', async () => {
  const node = await Node.start(prepared(parent, 'pipe'));
  await node.append('/accounts/1', 'account_opened', opened(1).data);
  const feeds = [['read', '/**', '--follow'], ['watch', 'select id, name from account'], ['changes', 'account']];
  for (const [id, words] of feeds.entries()) {
    const feed = follow(node, ...words);
    await until(() => feed.out.includes('\n'), 'its first line');
    feed.child.stdout.destroy();
    let more = 100 * (id + 1);
    const ended = feed.ended.then((code) => [code]);
    await until(async () => {
      more += 1;
      await node.append(`/accounts/${more}`, 'account_opened', opened(more).data);
      return Promise.race([ended, null]);
    }, 'its end');
    assert.deepEqual([words[0], await feed.ended, feed.err], [words[0], 0, '']);
  }
  await node.stop();
});

/** A command that goes on: what it has said, and how it ended. */
function follow(node, ...args) {
  const child = spawn(binary, [...args, '--url', node.url]);
  const it = { out: '', err: '', child, ended: lives(child).then(([code]) => code) };
  child.stdout.on('data', (text) => (it.out += text));
  child.stderr.on('data', (text) => (it.err += text));
  return it;
}

test('a feed that the node ends has failed, and says where to go on', async () => {
  const data = prepared(parent, 'feeds');
  let node = await Node.start(data);
  await node.append('/accounts/1', 'account_opened', opened(1).data);
  const feeds = [
    follow(node, 'read', '/**', '--follow', '--json'),
    follow(node, 'read', '/**', '--follow'),
    follow(node, 'watch', 'select id from account'),
    follow(node, 'changes', 'account'),
  ];
  assert.equal(await follow(node, 'read', '/**', '--follow', '--limit', '1').ended, 0);
  await until(() => feeds.every(({ out }) => out.includes('\n')) && feeds[3].out.includes('step'), 'their first lines');
  assert.equal(await node.stop(), 0);
  for (const { ended } of feeds) assert.equal(await ended, 4);
  const { cursor } = JSON.parse(feeds[0].out);
  assert.match(feeds[0].err, /"code":"node_unreachable","detail":"the node has ended the feed"/);
  for (const { err } of feeds.slice(1)) assert.match(err, /^rivulet: node_unreachable: the node has ended the feed\n/);
  assert.match(feeds[1].err, new RegExp(`\\n {2}go on with --after ${cursor}\\n$`));
  node = await Node.start(data);
  await node.append('/accounts/2', 'account_opened', opened(2).data);
  const on = follow(node, 'read', '/**', '--follow', '--json', '--after', cursor);
  await until(() => on.out.includes('\n'), 'what came meanwhile');
  assert.equal(JSON.parse(on.out).path, '/accounts/2');
  await node.kill();
  assert.equal(await on.ended, 4);
  const lines = (...args) => must(['read', '/**', '--data', data, ...args]);
  assert.match(lines('--after', cursor), /accounts\/2[^]*\(1 event\)/);
  assert.match(lines('--after', JSON.parse(on.out).cursor), /\(0 events\)/);
  assert.match(cli(['read', '/**', '--data', data, '--after', '1-00000000']).err, /parameter_invalid: the cursor/);
  assert.equal(cli(['read', '/**', '--data', data, '--after', cursor, '--from', '1']).code, 2);
});

test('a node that asks for tokens takes them from every command', async () => {
  const data = prepared(parent, 'tokens');
  const token = must(['token', 'generate', 'root', '--admin', '--data', data]).trim();
  const file = join(parent, 'root.token');
  writeFileSync(file, token);
  const node = await Node.start(data);
  const none = cli(['query', 'select 1', '--url', node.url]);
  assert.match(none.err, /unauthenticated: [^]*hint: give one: --token-file FILE, or RIVULET_TOKEN/);
  const feeds = [
    follow(node, 'watch', 'select 1', '--token-file', file),
    follow(node, 'changes', 'account', '--token', token),
  ];
  await until(() => feeds.every(({ out }) => out.includes('\n')), 'their first lines');
  for (const { child } of feeds) child.kill();
  assert.equal(await node.stop(), 0);
});
