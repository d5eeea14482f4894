// SPDX-License-Identifier: Apache-2.0
// Goal: a node as a process: it says when it is ready, answers HTTP as RFC 9112 asks, feeds what
// comes, stops with everything kept, and has its data directory for itself.
// Method: the real binary, requests by fetch, and by bytes on a socket where fetch would not send them.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';

import { Node, binary, cli, feed, folder, lives, must, ndjson, prepared, raw, sleep, until } from './harness.mjs';

const parent = folder('serve');
let node;

before(async () => {
  node = await Node.start(prepared(parent));
});
after(() => node.stop());

const head = (rest) => `${rest}\r\nHost: localhost\r\n`;

test('an append is answered with what was accepted, and read back', async () => {
  const answer = await node.append('/accounts/1', 'account_opened', { name: 'Ada' });
  assert.equal(answer.status, 201);
  assert.equal(answer.body.version, 1);
  assert.equal(answer.body.path, '/accounts/1');
  assert.deepEqual(answer.body.data, { id: 1, name: 'Ada', plan: 'free' });
  const read = await node.request('GET', '/streams/accounts/1');
  assert.equal(read.body.length, 1);
  assert.equal(read.body[0].event_id, answer.body.event_id);
  assert.equal(read.body[0].position, answer.body.position);
  assert.deepEqual(await node.rows('select id, name, plan, balance from account where id = ?', 1), [
    [1, 'Ada', 'free', 0],
  ]);
});

test('the same event id again gives the first answer', async () => {
  const headers = { 'Idempotency-Key': '0191d1e5-0000-7000-8000-000000000001' };
  const first = await node.append('/accounts/1', 'money_paid', { amount: 5 }, headers);
  const again = await node.append('/accounts/1', 'money_paid', { amount: 5 }, headers);
  assert.equal(first.status, 201);
  assert.equal(again.body.position, first.body.position);
  const other = await node.append('/accounts/1', 'money_paid', { amount: 6 }, headers);
  assert.equal(other.status, 409);
  assert.equal(other.body.code, 'event_id_reused');
});

test('a batch is whole or not at all', async () => {
  const before_ = (await node.status()).position;
  const answer = await node.batch([
    { path: '/accounts/1', type: 'money_paid', data: { amount: 1 } },
    { path: '/accounts/404', type: 'money_paid', data: { amount: 1 } },
  ]);
  assert.equal(answer.status, 409);
  assert.equal(answer.body.index, 1);
  assert.equal((await node.status()).position, before_);
});

test('a feed gives history, then what comes, and resumes where it was left', async () => {
  const live = await feed(node, '/events?path=/accounts/1');
  const first = await live.next();
  assert.equal(first.data.version, 1);
  assert.equal((await live.next()).data.version, 2);
  await node.append('/accounts/1', 'money_paid', { amount: 7 });
  const third = await live.next();
  assert.equal(third.data.version, 3);
  live.close();
  await node.append('/accounts/1', 'money_paid', { amount: 8 });
  const resumed = await feed(node, '/events?path=/accounts/1', { 'Last-Event-ID': third.id });
  assert.equal((await resumed.next()).data.version, 4);
  resumed.close();
});

test('many requests on one connection are answered in order', async () => {
  const one = head('GET /healthz HTTP/1.1');
  const answer = await raw(node.port, `${one}\r\n${one}\r\n${head('GET /nothing HTTP/1.1')}Connection: close\r\n\r\n`);
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404']);
});

test('a body in chunks, after Expect: 100-continue, a byte at a time', async () => {
  const request = `${head('POST /query HTTP/1.1')}Transfer-Encoding: chunked\r\nConnection: close\r\n`;
  const chunks = 'a\r\n{"sql":"se\r\n9\r\nlect 42"}\r\n0\r\n\r\n';
  const continued = await raw(node.port, `${request}Expect: 100-continue\r\n\r\n`, 100, chunks);
  assert.match(continued, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  assert.match(continued, /"rows":\[\[42\]\]/);
  const bytes = [...`${request}\r\n${chunks}`].flatMap((byte, i) => (i % 16 === 0 ? [1, byte] : [byte]));
  assert.match(await raw(node.port, ...bytes), /"rows":\[\[42\]\]/);
});

test('HEAD has the head alone', async () => {
  const ask = (method, path) =>
    raw(node.port, `${head(`${method} ${path} HTTP/1.1`)}Connection: close\r\n\r\n`);
  const lines = (answer) =>
    answer.slice(0, answer.indexOf('\r\n\r\n')).replace(/Transfer-Encoding: chunked\r\n/, '');
  for (const path of ['/healthz', '/schema', '/aggregates/account', '/events', '/streams/accounts/1', '/no', '/query']) {
    const answer = await ask('HEAD', path);
    assert.ok(answer.endsWith('\r\n\r\n') && answer.indexOf('\r\n\r\n') === answer.length - 4, answer);
    assert.equal(lines(answer), lines(await ask('GET', path)));
  }
  const answer = await ask('HEAD', '/status');
  assert.match(answer, /^HTTP\/1\.1 200 OK/);
  assert.match(answer, /Content-Length: [1-9]/);
});

test('a head that does not come is a 408, other requests are answered meanwhile', async () => {
  const late = raw(node.port, 'GET /healthz HTTP/1.1\r\nHost: local');
  const late2 = raw(node.port, `${head('POST /query HTTP/1.1')}X-`);
  assert.equal((await node.request('GET', '/healthz')).status, 200);
  for (const answer of await Promise.all([late, late2])) {
    assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
    assert.match(answer, /"code":"request_invalid"/);
  }
});

test('a body with a Content-Encoding is refused, identity is taken', async () => {
  const body = JSON.stringify({ sql: 'select 1' });
  const with_ = (encoding) => node.request('POST', '/query', body, { 'Content-Encoding': encoding });
  for (const encoding of ['gzip', 'br', 'identity, gzip']) {
    const answer = await with_(encoding);
    assert.equal(answer.status, 415);
    assert.equal(answer.body.code, 'media_unsupported');
    assert.equal(answer.body.status, 415);
  }
  assert.equal((await with_('Identity')).status, 200);
});

test('HTTP/1.0 gets no chunks', async () => {
  const answer = await raw(node.port, 'GET /events HTTP/1.0\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 200 OK/);
  assert.doesNotMatch(answer, /chunked/i);
  JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
});

test('what is not HTTP, or too large, gets a problem and an end', async () => {
  const status = async (...parts) => {
    const answer = await raw(node.port, ...parts);
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
    assert.match(answer, /Content-Type: application\/problem\+json/);
    assert.match(answer, /Connection: close/);
    assert.ok(problem.code && problem.detail && problem.title);
    return problem.status;
  };
  assert.equal(await status('NONSENSE\r\n\r\n'), 400);
  assert.equal(await status('GET / HTTP/1.1\r\n\r\n'), 400); // no Host
  assert.equal(await status('GET / HTTP/9.9\r\nHost: localhost\r\n\r\n'), 400);
  assert.equal(await status(`${head('GET / HTTP/1.1')}X: ${'y'.repeat(20000)}\r\n\r\n`), 431);
  assert.equal(await status(`GET /${'y'.repeat(20000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`), 431);
  assert.equal(await status(`${head('POST /events HTTP/1.1')}Content-Length: 5000000\r\n\r\n`), 413);
  assert.equal(await status(`${head('POST /events HTTP/1.1')}Content-Length: x\r\n\r\n`), 400);
  assert.equal(await status(`${head('POST /events HTTP/1.1')}Expect: tea\r\n\r\n`), 417);
  const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
  const chunked = `${head('POST /events HTTP/1.1')}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}`;
  assert.equal(await status(chunked), 413);
  assert.equal(await status(`${head('GET /sync HTTP/1.1')}\r\n`), 426);
});

test('a WebSocket without the subprotocol is refused; an endless body of 4 MiB is taken', async () => {
  const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n';
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const request = head('GET /sync HTTP/1.1') + upgrade;
  assert.match(await raw(node.port, `${request}${key}\r\n`), /^HTTP\/1\.1 400[^]*rivulet\.v1/);
  assert.match(
    await raw(node.port, `${request}Sec-WebSocket-Key: x\r\nSec-WebSocket-Protocol: rivulet.v1\r\n\r\n`),
    /^HTTP\/1\.1 400/,
  );
  // the sample of RFC 6455, section 1.3, and a frame that is not masked: closed with 1002
  const answer = await raw(
    node.port,
    `${request}${key}Sec-WebSocket-Protocol: rivulet.v0, rivulet.v1\r\n\r\n`,
    50,
    Buffer.from([0x82, 0x01, 0x00]),
  );
  assert.match(answer, /^HTTP\/1\.1 101/);
  assert.match(answer, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  assert.match(answer, /Sec-WebSocket-Protocol: rivulet\.v1/);
  const large = await node.request('POST', '/query', `{"sql":"${' '.repeat(4 * 1024 * 1024 - 30)}"}`);
  assert.ok(large.status >= 400 && large.status < 500, large.text);
});

test('a slow reader holds nothing up', async () => {
  const many = Array.from({ length: 5000 }, () => ({
    path: '/accounts/1',
    type: 'money_paid',
    data: { amount: 1 },
  }));
  for (let i = 0; i < 4; i += 1) assert.equal((await node.batch(many)).status, 201);
  const slow = await Promise.all(
    Array.from({ length: 20 }, () => fetch(`${node.url}/events`, { headers: { Accept: 'text/event-stream' } })),
  );
  for (let i = 0; i < 20; i += 1) assert.equal((await node.request('GET', '/healthz')).status, 200);
  const whole = await node.request('GET', '/events');
  assert.ok(whole.body.length >= 20000);
  for (const response of slow) await response.body.cancel();
});

test('a second process is told that the directory is in use', () => {
  const run = cli(['status', '--data', node.data]);
  assert.equal(run.code, 1);
  assert.match(run.err, /^rivulet: data_in_use: /);
  const serve = cli(['serve', '--data', node.data, '--listen', '127.0.0.1:0']);
  assert.equal(serve.code, 1);
  assert.match(serve.err, /data_in_use/);
});

test('SIGTERM ends feeds, seals the log, and the next start has everything', async () => {
  const before_ = await node.status();
  const live = await feed(node, `/events?path=/accounts/1&from=${before_.position}`);
  assert.equal((await live.next()).data.position, before_.position);
  const end = live.next();
  assert.equal(await node.stop(), 0);
  assert.equal(await end, null); // ended, not cut off
  const status = must(['status', '--hash', '--json', '--data', node.data]);
  assert.equal(status.state_hash, before_.state_hash);
  assert.equal(status.position, before_.position);
  node = await Node.start(node.data);
  assert.equal((await node.status()).state_hash, before_.state_hash);
});

test('where a process may open few files, connections wait before the log is without', async (t) => {
  const data = prepared(parent, 'few');
  const limited = ['-c', 'ulimit -n 192; exec "$0" "$@"', binary, 'serve', '--data', data, '--listen', '127.0.0.1:0'];
  const child = spawn('sh', limited);
  t.after(() => child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  const port = Number(/:(\d+)\n/.exec(line)[1]);
  let answers = 0;
  const sockets = Array.from({ length: 250 }, () => connect(port, '127.0.0.1'));
  for (const socket of sockets) {
    socket.on('error', () => {});
    socket.once('data', () => (answers += 1));
    socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
  }
  let open = 0; // files of the process; those of connections that are idle go to others
  const look = () => {
    open = Math.max(open, readdirSync(`/proc/${child.pid}/fd`).length);
    return answers === 250;
  };
  await until(look, 'the answers');
  assert.ok(open > 64 && open < 192 - 64, `${open} files`);
  sockets.forEach((socket) => socket.destroy());
  const url = ['--url', `http://127.0.0.1:${port}`];
  must(['append', '/accounts/1', 'account_opened', '{"name":"Ada"}', ...url]);
  child.kill('SIGTERM');
  assert.equal((await once(child, 'exit'))[0], 0);
});

test('a port in use is said, with exit code 1', async () => {
  const run = cli(['serve', '--data', prepared(parent, 'other'), '--listen', `127.0.0.1:${node.port}`]);
  assert.equal(run.code, 1);
  assert.match(run.err, /cannot listen on 127\.0\.0\.1:\d+: address already in use/);
});

test('read --follow goes on with what comes', async () => {
  const args = ['read', '/accounts/77', '--follow', '--json', '--url', node.url];
  const child = spawn(binary, args);
  void lives(child);
  let out = '';
  child.stdout.on('data', (text) => (out += text));
  await sleep(50);
  await node.append('/accounts/77', 'account_opened', { name: 'Bo' });
  await until(() => out.includes('\n'), 'the event');
  assert.equal(JSON.parse(out).data.name, 'Bo');
  child.kill();
});

test('a long answer is read to its end, wherever its packets end', () => {
  const lines = Array.from({ length: 20000 }, (_, i) => ({ path: '/accounts/1', type: 'money_paid', data: { amount: 1 + (i % 50) } }));
  must(['import', ndjson(`${parent}/long.ndjson`, lines), '--url', node.url]);
  const read = spawnSync(binary, ['read', '/accounts/1', '--json', '--url', node.url], { maxBuffer: 1 << 30, timeout: 60000 });
  assert.equal(read.status, 0);
  assert.ok(read.stdout.toString().trim().split('\n').length > 20000);
});

test('a query is followed: its result, then each other one', async () => {
  await node.append('/accounts/90', 'account_opened', { name: 'Cy' });
  const query = (sql) => `/query?sql=${encodeURIComponent(sql)}`;
  const sum = query('select balance from account where id = 90');
  const live = await feed(node, sum);
  assert.deepEqual((await live.next()).data.rows, [[0]]);
  await node.append('/accounts/1', 'money_paid', { amount: 1 }); // another row
  await node.append('/accounts/90', 'money_paid', { amount: 3 });
  const three = await live.next();
  assert.deepEqual(three.data.rows, [[3]]);
  live.close();
  const again = await feed(node, sum, { 'Last-Event-ID': three.id });
  await node.append('/accounts/90', 'money_paid', { amount: 4 });
  assert.deepEqual((await again.next()).data.rows, [[7]]);
  again.close();
  const row = await feed(node, '/aggregates/account/91');
  assert.equal((await row.next()).data, null);
  await node.append('/accounts/91', 'account_opened', { name: 'Di' });
  assert.equal((await row.next()).data.name, 'Di');
  row.close();
});

test('events are read by type and condition', () => {
  const args = ['read', '/accounts/90', '--json', '--url', node.url];
  const lines = (...more) => cli([...args, ...more]).out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const all = lines().filter(({ type, data }) => type === 'money_paid' && data.amount > 3);
  assert.equal(all.length, 1);
  assert.deepEqual(lines('--type', 'money_paid', '--where', 'amount > 3'), all);
  assert.deepEqual(lines('--from', 'now'), []);
  assert.match(cli([...args, '--type', 'money_payd']).err, /did you mean `money_paid`\?/);
});

test('watch shows each result as a line where there is no terminal', async () => {
  const child = spawn(binary, ['watch', 'select count(*) n from account where id > ?', '100', '--url', node.url]);
  void lives(child);
  let out = '';
  child.stdout.on('data', (text) => (out += text));
  await until(() => out.includes('\n'), 'the result');
  await node.append('/accounts/101', 'account_opened', { name: 'Ed' });
  await until(() => out.split('\n').length > 2, 'the next one');
  assert.deepEqual(out.trim().split('\n').map((line) => JSON.parse(line).rows), [[[0]], [[1]]]);
  child.kill();
  assert.equal(cli(['watch', 'select nothing', '--url', node.url]).code, 1);
});

test('what becomes of rows is told over HTTP and on the command line, and goes on where it was', async () => {
  const path = '/changes/account?rows=first&where=id%20%3E%20200';
  const live = await feed(node, path);
  const next = async (from) => {
    const { change, position, id, row, old } = await from.next().then(({ id, data }) => ({ id, ...data }));
    return { change, position, id, name: row?.name, old: old?.name };
  };
  assert.equal((await next(live)).change, 'reset');
  const { id: none } = await next(live);
  const child = spawn(binary, ['changes', 'account', 'id > 200', '--url', node.url]);
  void lives(child);
  let out = '';
  child.stdout.on('data', (text) => (out += text));
  await until(() => out.split('\n').length > 2, 'reset and step');
  const { body } = await node.append('/accounts/201', 'account_opened', { name: 'Flo' });
  const insert = await next(live);
  assert.deepEqual([insert.change, insert.name, insert.position], ['insert', 'Flo', body.position]);
  const { id } = await next(live);
  assert.notEqual(id, none);
  live.close();
  await until(() => out.includes('"Flo"') && out.endsWith('}\n'), 'the insert');
  const lines = out.trim().split('\n').map((line) => JSON.parse(line).change);
  assert.deepEqual(lines.slice(0, 3), ['reset', 'step', 'insert']);
  child.kill();
  const again = await feed(node, path, { 'Last-Event-ID': id }); // the rows are the same: it goes on
  assert.deepEqual([(await again.next()).data.change], ['step']);
  again.close();
  const behind = await feed(node, path, { 'Last-Event-ID': none }); // they are not
  assert.deepEqual([(await next(behind)).change, (await next(behind)).name], ['reset', 'Flo']);
  behind.close();
  assert.equal(cli(['changes', 'acount', '--url', node.url]).code, 1);
  assert.equal(cli(['changes', 'account', '--from', '7', '--url', node.url]).code, 2);
});

test('a parameter may be a negative number', () => {
  const { rows } = must(['query', 'select ?1 n, ?2 x', '-5', '-0.25', '--json', '--url', node.url]);
  assert.deepEqual(rows, [[-5, -0.25]]);
});
