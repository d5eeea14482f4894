// SPDX-License-Identifier: Apache-2.0
// Goal: every kind of bad input gets its stable code and a message, changes nothing, and the node goes
// on.
// Method: one table of inputs and codes, each tried over HTTP and through the CLI; then data
// directories and upstreams that are not what they should be.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Node, cli, folder, must, ndjson, opened, prepared, synced, until } from './harness.mjs';

const parent = folder('bad');
let node;

before(async () => {
  node = await Node.start(prepared(parent));
  assert.equal((await node.append('/accounts/1', 'account_opened', { name: 'Ada' })).status, 201);
  assert.equal((await node.append('/accounts/2', 'account_opened', { name: 'Bo' })).status, 201);
  const contact = { contact_id: 'c', name: 'Cy' };
  assert.equal((await node.append('/accounts/1', 'contact_added', contact)).status, 201);
});
after(() => node.stop());

// path, type, data, code, headers
const appends = [
  ['/nothing/1', 'account_opened', '{}', 'unknown_stream'],
  ['/accounts/1', 'account_opend', '{}', 'unknown_event_type'],
  ['/accounts/3', 'account_opened', '{"name":"a","colour":1}', 'unknown_field'],
  ['/accounts/1', 'money_paid', '{"amount":"many"}', 'value_invalid'],
  ['/accounts/1', 'money_paid', '{"amount":true}', 'value_invalid'],
  ['/accounts/1', 'money_paid', '{"amount":99999999999}', 'value_out_of_range'],
  ['/accounts/3', 'account_opened', '{"name":"a name too long"}', 'value_too_long'],
  ['/accounts/3', 'account_opened', '{"name":"a","plan":"gold"}', 'value_invalid'],
  ['/accounts/3', 'account_opened', '{}', 'not_null_violation'],
  ['/accounts/3', 'account_opened', '{"name":null}', 'not_null_violation'],
  ['/accounts/9', 'money_paid', '{"amount":1}', 'unknown_reference'],
  ['/accounts/1', 'account_opened', '{"name":"again"}', 'row_exists'],
  ['/accounts/2', 'contact_renamed', '{"contact_id":"c","name":"x"}', 'row_of_other_stream'],
  ['/accounts/1', 'money_paid', '{"id":2,"amount":1}', 'key_mismatch'],
  ['/accounts/1', 'money_paid', '{"amount":', 'json_invalid'],
  ['/accounts/1', 'money_paid', '{"amount":1}x', 'json_invalid'],
  ['/accounts/x', 'account_opened', '{"name":"a"}', 'value_invalid'],
  ['/accounts/1', 'money_paid', '{"amount":1}', 'version_conflict', 7],
  ['/accounts/1', 'money_paid', '{"amount":1}', 'version_conflict', 'none'],
  ['/accounts/5', 'account_opened', '{"name":"a"}', 'version_conflict', 'exists'],
  ['/accounts/1', 'money_paid', '{"amount":1}', 'parameter_invalid', 'soon'],
];

test('each bad append has its code, changes nothing, and the node goes on', async () => {
  const before_ = await node.status();
  for (const [path, type, data, code, expected] of appends) {
    const headers = { 'X-Event-Type': type, ...(expected ? { 'Expected-Version': String(expected) } : {}) };
    const answer = await node.request('POST', `/streams${path}`, data, headers);
    const what = `${type} ${data}: ${answer.text}`;
    assert.equal(answer.body.code, code, what);
    assert.equal(answer.body.status, answer.status, what);
    assert.ok(answer.status >= 400 && answer.status < 500, what);
    assert.ok(answer.body.detail.length > 10, what);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    const option = expected ? ['--expected-version', String(expected)] : [];
    const run = cli(['append', path, type, data, ...option, '--url', node.url]);
    assert.equal(run.code, code === 'parameter_invalid' ? 2 : 1, what);
    assert.match(run.err, new RegExp(`^rivulet: ${code}: \\S`), what);
    const json = cli(['append', path, type, data, ...option, '--url', node.url, '--json']);
    assert.equal(JSON.parse(json.err).code, code);
  }
  const after_ = await node.status();
  assert.equal(after_.position, before_.position);
  assert.equal(after_.state_hash, before_.state_hash);
  assert.equal((await node.append('/accounts/1', 'money_paid', { amount: 1 })).status, 201);
});

const schemas = [
  ['CREATE TABEL x (id integer);', 'schema_syntax'],
  ['CREATE AGGREGATE x (id integer PRIMARY KEY', 'schema_syntax'],
  ['CREATE AGGREGATE x (id colour PRIMARY KEY);', 'schema_unknown_name'],
  ['CREATE AGGREGATE account (id integer PRIMARY KEY);', 'schema_duplicate'],
  ['CREATE EVENT_TYPE x (id references nothing(id));', 'schema_unknown_name'],
  ['CREATE STREAM x (path "/x/{id}" event_types (nothing));', 'schema_unknown_name'],
];

test('each bad schema has its code, line and column, and adds nothing', async () => {
  const before_ = await node.status();
  for (const [text, code] of schemas) {
    for (const path of ['/schema', '/schema?check=1']) {
      const answer = await node.request('POST', path, `\n${text}`, { 'Content-Type': 'text/plain' });
      assert.equal(answer.body.code, code, `${text}: ${answer.text}`);
      assert.equal(answer.body.line, 2, answer.text);
      assert.ok(answer.body.column >= 1, answer.text);
    }
    const run = cli(['schema', 'apply', '-', '--url', node.url], text);
    assert.equal(run.code, 1);
    assert.match(run.err, new RegExp(`^rivulet: ${code}: `));
  }
  assert.equal((await node.status()).schema_hash, before_.schema_hash);
});

test('each bad query has its code', async () => {
  const queries = [
    [{ sql: 'selekt 1' }, 'sql_invalid'],
    [{ sql: 'select * from nothing' }, 'sql_invalid'],
    [{ sql: 'delete from account' }, 'sql_read_only'],
    [{ sql: "insert into account values (9,'x','free',0)" }, 'sql_read_only'],
    [{ sql: 'select ?', params: [1, 2] }, 'parameter_invalid'],
  ];
  for (const [body, code] of queries) {
    const answer = await node.request('POST', '/query', JSON.stringify(body));
    assert.equal(answer.body.code, code, answer.text);
  }
  assert.equal((await node.request('POST', '/query', '{')).body.code, 'json_invalid');
  for (const command of ['query', 'watch']) {
    const { err } = cli([command, "select id\nfrom account\nwhere 'é' = missing", '--url', node.url]);
    assert.match(err, /^rivulet: sql_invalid: no such column: missing\n {2}line 3, column 13\n {4}where 'é' = missing\n {16}\^\n/);
  }
  assert.deepEqual(await node.rows('select count(*) from account'), [[2]]);
});

test('addresses and methods that are not there', async () => {
  assert.equal((await node.request('GET', '/nothing')).status, 404);
  const wrong = await node.request('DELETE', '/events');
  assert.equal(wrong.status, 405);
  assert.ok(wrong.headers.allow);
  assert.equal((await node.request('GET', '/streams/accounts/404')).body.code, 'stream_not_found');
  assert.equal((await node.request('GET', '/events?path=accounts')).body.code, 'path_invalid');
});

test('an import stops at the first refused batch and says where', () => {
  const events = Array.from({ length: 25 }, (_, i) => opened(100 + i));
  events[17].data.name = 'far too long a name';
  const file = ndjson(join(parent, 'events.ndjson'), events);
  const run = cli(['import', file, '--batch', '10', '--url', node.url]);
  assert.equal(run.code, 1);
  assert.match(run.err, /^rivulet: value_too_long: /);
  assert.match(run.err, /at line 18; 10 events were imported before/);
  const json = JSON.parse(cli(['import', file, '--batch', '25', '--url', node.url, '--json']).err);
  assert.deepEqual([json.code, json.line, json.imported], ['row_exists', 1, 0]);
  assert.equal(must(['query', "select count(*) from account where id >= 100", '--json', '--url', node.url]).rows[0][0], 10);
  writeFileSync(file, `${JSON.stringify(opened(200))}\n\n{"path":\n`);
  const malformed = cli(['import', file, '--url', node.url]);
  assert.match(malformed.err, /^rivulet: json_invalid: [^]*at line 3; 0 events were imported before/);
  assert.equal(cli(['import', join(parent, 'absent'), '--url', node.url]).code, 1);
});

test('the command line: usage is exit code 2, an absent node 4', () => {
  for (const args of [[], ['nothing'], ['query'], ['query', 'select 1'], ['read', '/x', '--url', 'http://a', '--data', 'b'],
    ['status', '--data'], ['status', '--colour', '--data', 'x'], ['append', '/a', 'b', '{}', 'd', '--data', 'x'],
    ['serve', '--data', 'x', '--select', '/a'], ['read', '/**', '--follow', '--data', 'x']]) {
    const run = cli(args);
    assert.equal(run.code, 2, args.join(' '));
    assert.ok(run.err.length > 0);
  }
  const absent = cli(['status', '--url', 'http://127.0.0.1:1']);
  assert.equal(absent.code, 4);
  assert.match(absent.err, /^rivulet: node_unreachable: /);
  for (const command of [['--help'], ['schema', 'apply', '--help'], ['serve', '--help'], ['read', '--help']]) {
    const help = cli(command);
    assert.equal(help.code, 0);
    assert.match(help.out, /usage: rivulet/);
  }
  assert.match(cli(['--version']).out, /^rivulet \d+\.\d+\.\d+\n$/);
});

test('data directories that are absent, a file, of another role', async () => {
  const absent = cli(['status', '--data', join(parent, 'absent')]);
  assert.equal(absent.code, 1);
  assert.match(absent.err, /^rivulet: data_not_found: /);
  writeFileSync(join(parent, 'file'), '');
  assert.match(cli(['status', '--data', join(parent, 'file')]).err, /^rivulet: data_not_writable: /);
  const root = cli(['serve', '--data', prepared(parent, 'root'), '--listen', '127.0.0.1:0', '--upstream',
    node.syncUrl, '--select', '/**']);
  assert.equal(root.code, 1);
  assert.match(root.err, /^rivulet: not_root: /);
  const bare = cli(['serve', '--data', join(parent, 'bare'), '--listen', '127.0.0.1:0', '--upstream', node.syncUrl]);
  assert.equal(bare.code, 1);
  assert.match(bare.err, /^rivulet: selection_invalid: /);
});

test('a data directory that may not be written', { skip: process.getuid() === 0 && 'root may write everywhere' }, () => {
  const data = join(parent, 'read-only');
  mkdirSync(data);
  chmodSync(data, 0o500);
  assert.match(cli(['schema', 'apply', '-', '--data', data], '').err, /^rivulet: data_not_writable: /);
});

test('a damaged directory: exit code 3 and the place; what is intact is read', async () => {
  const data = prepared(parent, 'damaged');
  const events = Array.from({ length: 3000 }, (_, i) => opened(i + 1));
  must(['import', ndjson(join(parent, 'many.ndjson'), events), '--batch', '100', '--data', data]);
  const segment = readdirSync(data).find((name) => name.endsWith('.seg'));
  const bytes = readFileSync(join(data, segment));
  bytes[Math.floor(bytes.length / 2)] ^= 0x40;
  writeFileSync(join(data, segment), bytes);
  const serve = cli(['serve', '--data', data, '--listen', '127.0.0.1:0']);
  assert.equal(serve.code, 3);
  assert.match(serve.err, /^rivulet: data_damaged: /);
  assert.ok(serve.err.includes(segment), serve.err);
  const read = cli(['query', 'select count(*) from account', '--json', '--data', data]);
  assert.equal(read.code, 3);
  const [[held]] = JSON.parse(read.out).rows;
  assert.ok(held >= 100 && held < 3000 && held % 100 === 0, `${held} rows`);
  assert.match(read.err, /data_damaged/);
  const status = cli(['status', '--json', '--data', data]);
  assert.equal(status.code, 3);
  assert.equal(JSON.parse(status.out).role, 'root');
  assert.deepEqual(JSON.parse(status.out).leases.aggregates, {});
  const append = cli(['append', '/accounts/1', 'money_paid', '{"amount":1}', '--data', data]);
  assert.equal(append.code, 3);
  assert.deepEqual(readFileSync(join(data, segment)), bytes, 'nothing was changed');
});

/** An edge of `url`, once its status tells `code`. */
async function edgeMeets(name, url, code) {
  const edge = await Node.start(join(parent, name), '--upstream', url, '--select', '/**');
  const status = await until(async () => {
    const { upstream } = await edge.status();
    return upstream.reason?.code === code && upstream;
  }, `${code} of ${name}`);
  assert.ok(status.reason.detail.length > 10);
  assert.equal((await edge.request('GET', '/healthz')).status, 200);
  const answer = await edge.append('/accounts/1', 'money_paid', { amount: 1 });
  // one that knows a schema keeps it for the root
  if (answer.status !== 202) assert.equal(answer.body.code, 'not_connected', answer.text);
  assert.equal(await edge.stop(), 0);
  return status;
}

test('upstreams that are absent, not a Rivulet, or speak something else', async () => {
  const plain = createServer((request, response) => response.end('hello'));
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  await edgeMeets('plain', `ws://127.0.0.1:${plain.address().port}`, 'upstream_not_rivulet');
  plain.close();
  const chat = createServer();
  chat.on('upgrade', (request, socket) => {
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`);
  });
  chat.listen(0, '127.0.0.1');
  await once(chat, 'listening');
  await edgeMeets('chat', `ws://127.0.0.1:${chat.address().port}`, 'upstream_not_rivulet');
  chat.closeAllConnections();
  chat.close();
  let asked = 0;
  const busy = createServer((request, response) => {
    asked += 1;
    response.writeHead(503).end();
  });
  busy.listen(0, '127.0.0.1');
  await once(busy, 'listening');
  await edgeMeets('busy', `ws://127.0.0.1:${busy.address().port}`, 'upstream_unreachable');
  assert.ok(asked > 0);
  busy.close();
  for (const code of [401, 403]) {
    const closed = createServer((request, response) => response.writeHead(code).end());
    closed.listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const url = `ws://127.0.0.1:${closed.address().port}`;
    assert.equal((await edgeMeets(`denied-${code}`, url, 'upstream_unauthorized')).state, 'needs-auth');
    closed.close();
  }
  await edgeMeets('absent-upstream', 'ws://127.0.0.1:1', 'upstream_unreachable');
});

test('an upstream with another log', async () => {
  const first = await Node.start(join(parent, 'follower'), '--upstream', node.syncUrl, '--select', '/**');
  await synced(first, (await node.status()).position); // an edge that holds nothing yet may select anew
  assert.equal(await first.stop(), 0);
  const other = await Node.start(prepared(parent, 'other-log'));
  await edgeMeets('follower', other.syncUrl, 'upstream_other_log');
  assert.equal(await other.stop(), 0);
});
