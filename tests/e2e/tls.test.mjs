// SPDX-License-Identifier: Apache-2.0
// Goal: a node serves https and wss to clients of others, old and insecure TLS aside, and is not harmed by
// what is no TLS or breaks off; its edges and the command line speak with whom they were told to and
// with nobody else, say why, and go on offline; a certificate is renewed while the node runs.
// Method: real processes; Node's https, `openssl s_client` and curl as clients, certificates made here.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';

import { Authority, served } from './certificates.mjs';
import { Node, binary, cli, folder, lives, must, ndjson, opened, prepared, raw, sleep, synced, trusted, until } from './harness.mjs';

const parent = folder('tls');
const authority = new Authority(join(parent, 'authority'));
const other = new Authority(join(parent, 'other'));
const good = authority.issue('good');
trusted.ca = authority.pem;
let node;

before(async () => {
  node = await Node.start(prepared(parent), ...served(good));
  assert.equal((await node.append('/accounts/1', 'account_opened', { name: 'Ada' })).status, 201);
});
after(() => node.stop());

const local = (of) => of.syncUrl.replace('127.0.0.1', 'localhost');

/** A connection with TLS, and all that comes until it ends. */
async function connected(port, options = {}) {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.pem, ...options });
  const got = { socket, text: '', ended: false };
  socket.setEncoding('latin1').on('data', (text) => (got.text += text));
  socket.on('end', () => (got.ended = true));
  got.closed = new Promise((resolve) => socket.on('close', resolve));
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return got;
}

/** `openssl s_client`: what it said, once it has ended. */
async function client(port, input, ...args) {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', authority.file, '-servername', 'localhost', ...args]);
  const ended = lives(child);
  let out = '';
  child.stdout.on('data', (bytes) => (out += bytes));
  child.stderr.on('data', (bytes) => (out += bytes));
  child.stdin.on('error', () => {});
  for (const part of input) {
    if (typeof part === 'number') await sleep(part);
    else child.stdin.write(part);
  }
  child.stdin.end();
  await ended;
  return out;
}

test('https: what is asked is answered, in one connection and in many', async () => {
  assert.match(node.url, /^https:/);
  for (let i = 0; i < 3; i += 1) assert.deepEqual(await node.rows('select id, name from account'), [[1, 'Ada']]);
  const all = await Promise.all(Array.from({ length: 20 }, () => new Promise((resolve, reject) => {
    https.get(`https://localhost:${node.port}/healthz`, { ca: authority.pem, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  })));
  assert.ok(all.every((status) => status === 200));
});

test('bodies and answers of megabytes arrive whole, and a slow reader gets everything in order', async () => {
  const events = Array.from({ length: 4000 }, (_, i) => ({ path: '/accounts/1', type: 'money_paid', data: { amount: i }, metadata: { text: 'x'.repeat(700) } }));
  for (let i = 0; i < events.length; i += 1000) assert.equal((await node.batch(events.slice(i, i + 1000))).status, 201);
  const whole = await node.request('GET', '/streams/accounts/1');
  assert.equal(whole.body.length, 4001);
  assert.deepEqual(whole.body.slice(1).map(({ data }) => data.amount), events.map(({ data }) => data.amount));
  const got = await connected(node.port);
  const ask = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
  got.socket.pause(); // so that the first answer cannot leave, and what follows it has to wait
  got.socket.write(ask('/streams/accounts/1') + ask('/healthz').repeat(1000) + ask('/healthz', 'Connection: close\r\n'));
  await sleep(300);
  got.socket.resume();
  await got.closed;
  assert.ok(got.text.length > 3e6);
  assert.equal(got.text.split('{"status":"ok"}').length - 1, 1001);
  assert.equal((await node.request('GET', '/healthz')).status, 200);
});

test('requests in one write, cut into records at every place, are each answered', async () => {
  const request = 'POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 28\r\n\r\n{"sql":"select 40 + 2 as n"}';
  for (let cut = 1; cut < request.length; cut += 5) {
    const { socket, closed, ...got } = await connected(node.port);
    let text = '';
    socket.on('data', (part) => (text += part));
    socket.setNoDelay();
    socket.write(request.slice(0, cut));
    await sleep(1);
    socket.write(request.slice(cut) + request);
    await until(() => text.split('"n"').length > 2, 'two answers');
    socket.end();
    await closed;
    assert.ok(got);
  }
});

test('openssl and curl: TLS 1.2 with forward secrecy and nothing older or weaker, no renegotiation', async () => {
  const request = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  const fine = await client(node.port, [request], '-verify_return_error', '-verify_hostname', 'localhost', '-ign_eof');
  assert.match(fine, /Protocol *: TLSv1\.2/);
  assert.match(fine, /Cipher *: ECDHE-ECDSA-(AES|CHACHA20)/);
  assert.match(fine, /\{"status":"ok"\}/);
  assert.match(fine, /Verify return code: 0 \(ok\)/);
  assert.doesNotMatch(fine, /unexpected eof/); // the end was announced
  for (const old of [['-tls1'], ['-tls1_1'], ['-tls1_2', '-cipher', 'AES128-SHA:AES256-SHA:AES128-GCM-SHA256'],
    ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384'], ['-tls1_2', '-sigalgs', 'ECDSA+SHA224:ECDSA+SHA1']]) {
    const refused = await client(node.port, [], '-cipher', 'DEFAULT@SECLEVEL=0', ...old);
    assert.doesNotMatch(refused, /Verify return code: 0[^]*Master-Key: [0-9A-F]{8}/, old.join(' '));
    assert.match(refused, /alert|no protocols available/, old.join(' '));
  }
  const again = await client(node.port, [300, 'R\n', 500], '-tls1_2');
  assert.match(again, /RENEGOTIATING[^]*no renegotiation/);
  if (spawnSync('curl', ['--version']).status === 0) {
    const ran = spawnSync('curl', ['-s', '--cacert', authority.file, `https://localhost:${node.port}/healthz`], { encoding: 'utf8' });
    assert.match(ran.stdout, /"ok"/, ran.stderr);
    assert.equal(spawnSync('curl', ['-s', `https://localhost:${node.port}/healthz`]).status, 60); // unknown issuer
  }
});

test('an RSA certificate serves as well', async () => {
  const rsa = authority.issue('rsa', { kind: 'rsa' });
  const second = await Node.start(prepared(parent, 'rsa'), ...served(rsa));
  assert.equal((await second.request('GET', '/healthz')).status, 200);
  assert.match(await client(second.port, ['Q\n']), /Cipher *: ECDHE-RSA/);
  assert.equal(await second.stop(), 0);
});

test('a feed goes on with what comes, and ends in order', async () => {
  const second = await Node.start(prepared(parent, 'feed'), ...served(good));
  const live = await connected(second.port);
  live.socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n');
  await until(() => live.text.includes('text/event-stream'), 'the feed');
  await second.append('/accounts/1', 'account_opened', { name: 'Ada' });
  await until(() => live.text.includes('account_opened'), 'the event');
  assert.equal(await second.stop(), 0);
  await live.closed;
  assert.ok(live.ended && live.text.endsWith('0\r\n\r\n'));
});

test('what is no TLS: a request is told so, all else is closed', async () => {
  const told = await raw(node.port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.match(told, /^HTTP\/1\.1 400 [^]*this node speaks TLS/);
  for (const bytes of [Buffer.alloc(3000, 0xff), Buffer.alloc(3000), Buffer.from('\x16\x03\x01\x00\x05hello'), Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15])]) {
    const answer = await raw(node.port, bytes, 50);
    assert.doesNotMatch(answer, /HTTP/);
  }
  assert.equal((await node.request('GET', '/healthz')).status, 200);
});

test('a session that is cut at any byte of it harms nobody', async () => {
  const parts = []; // what a client sends of a whole session
  const between = net.createServer((from) => {
    const to = net.connect(node.port, '127.0.0.1');
    from.on('data', (bytes) => parts.push(bytes));
    from.pipe(to).pipe(from);
    from.on('error', () => {});
    to.on('error', () => {});
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  const one = await connected(between.address().port);
  one.socket.end('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await one.closed;
  between.close();
  const sent = Buffer.concat(parts);
  for (let len = 0; len < sent.length; len += 13) {
    const socket = net.connect(node.port, '127.0.0.1');
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    socket.resume().end(sent.subarray(0, len));
    await closed;
  }
  assert.equal((await node.request('GET', '/healthz')).status, 200);
});

test('bad files are told at the start', () => {
  const serve = (...args) => cli(['serve', '--data', join(parent, 'never'), '--listen', '127.0.0.1:0', ...args]);
  const wrong = other.issue('wrong');
  const absent = serve('--tls-cert', join(parent, 'absent'), '--tls-key', good.key);
  assert.equal(absent.code, 1);
  assert.match(absent.err, /data_not_found: cannot read .*absent: No such file/);
  assert.match(serve('--tls-cert', good.key, '--tls-key', good.key).err, /holds no certificate in PEM/);
  assert.match(serve('--tls-cert', good.cert, '--tls-key', good.cert).err, /holds no private key in PEM/);
  assert.match(serve('--tls-cert', good.cert, '--tls-key', wrong.key).err, /is not that of the first certificate/);
  assert.match(serve('--tls-cert', good.cert).err, /belong together/);
  assert.match(serve('--upstream', 'ws://127.0.0.1:1', '--select', '/**', '--upstream-ca', good.cert).err, /--upstream-ca is for/);
  const roots = serve('--upstream', 'wss://127.0.0.1:1', '--select', '/**', '--upstream-ca', good.key);
  assert.match(roots.err, /holds no certificate in PEM/);
  assert.ok(!existsSync(join(parent, 'never'))); // nothing was begun
});

test('TLS replaces no token', () => {
  const open = cli(['serve', '--data', join(parent, 'never'), '--listen', '0.0.0.0:0', ...served(good)]);
  assert.match(open.err, /unauthenticated: .*can be reached from other machines/);
});

test('the command line: imports, reads and follows; and trusts nobody else', async () => {
  const ca = ['--ca', authority.file];
  const url = `https://localhost:${node.port}`;
  const file = ndjson(join(parent, 'import.ndjson'), Array.from({ length: 5000 }, (_, i) => opened(i + 1000)));
  assert.equal(must(['import', file, '--json', '--url', url, ...ca]).imported, 5000);
  const lines = must(['read', '/accounts/*', '--type', 'account_opened', '--url', node.url, ...ca, '--json'].filter((a) => a !== '--json'));
  assert.ok(lines.split('\n').length > 5000);
  const strange = cli(['status', '--url', url]);
  assert.equal(strange.code, 4);
  assert.match(strange.err, /certificate_untrusted: cannot connect to https:\/\/localhost:\d+: its certificate is from an unknown issuer\n {2}hint: [^\n]*--ca FILE/);
  assert.match(cli(['status', '--url', url, '--ca', join(parent, 'absent')]).err, /data_not_found/);
  const plain = await Node.start(prepared(parent, 'plain'));
  const wrong = cli(['status', '--url', plain.url.replace('http:', 'https:'), ...ca]);
  assert.equal(wrong.code, 4);
  assert.match(wrong.err, /node_unreachable: .*not TLS/);
  assert.match(cli(['status', '--url', node.url.replace('https:', 'http:')]).err, /speaks TLS/);
  assert.equal(await plain.stop(), 0);
  const silent = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const child = spawn(binary, ['status', '--url', `https://localhost:${silent.address().port}`, ...ca], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => (said += text)); // (the server above runs in this process)
  assert.deepEqual(await lives(child), [4, null]);
  assert.match(said, /node_unreachable: .*TLS did not come about: the connection was closed/);
  silent.close();
});

const edgeOf = (name, upstream, ...options) =>
  Node.start(join(parent, name), '--upstream', upstream, '--select', '/**', ...options);

test('an edge over wss syncs both ways, through kill -9 of each side', async () => {
  let central = await Node.start(prepared(parent, 'central'), ...served(good));
  const upstream = local(central);
  const again = ['--listen', `127.0.0.1:${central.port}`, ...served(good)];
  const more = ['--upstream-ca', authority.file];
  for (let batch = 0; batch < 5; batch += 1) {
    assert.equal((await central.batch(Array.from({ length: 1000 }, (_, i) => opened(batch * 1000 + i + 1)))).status, 201);
  }
  let edge = await edgeOf('edge', upstream, ...more);
  const there = await central.status();
  assert.equal((await synced(edge, there.position)).state_hash, there.state_hash);
  const decided = await edge.append('/accounts/1', 'money_paid', { amount: 1 }, { Durability: 'upstream' });
  assert.equal(decided.status, 201, decided.text);
  await central.kill();
  const kept = await edge.append('/accounts/1', 'money_paid', { amount: 2 });
  assert.equal(kept.status, 202, kept.text);
  await edge.kill();
  central = await Node.start(central.data, ...again);
  edge = await edgeOf('edge', upstream, ...more);
  await until(async () => (await edge.status()).outbox.pending === 0, 'the decision');
  await edge.kill();
  await central.append('/accounts/2', 'money_paid', { amount: 5 });
  edge = await edgeOf('edge', upstream, ...more);
  const end = await central.status();
  assert.equal((await synced(edge, end.position)).state_hash, end.state_hash);
  assert.deepEqual(await edge.rows('select id, balance from account where balance > 0 order by id'), [[1, 3], [2, 5]]);
  assert.equal(await central.stop(), 0); // a goodbye
  await until(async () => /closing|cannot connect/.test((await edge.status()).upstream.reason?.detail), 'the goodbye');
  assert.equal(await edge.stop(), 0);
});

test('who is not trusted is not spoken with: the edge says why, and goes on offline', async () => {
  const name = authority.issue('name', { names: 'DNS:elsewhere.example' });
  const old = authority.issue('old', { days: [-20, -10] });
  const early = authority.issue('early', { days: [10, 20] });
  const cases = [
    ['unknown', good, ['--upstream-ca', other.file], /its certificate is from an unknown issuer$/],
    ['system', good, [], /its certificate is from an unknown issuer$/], // by the system's roots
    ['name', name, ['--upstream-ca', authority.file], /its certificate is for another name$/],
    ['old', old, ['--upstream-ca', authority.file], /its certificate has expired$/],
    ['early', early, ['--upstream-ca', authority.file], /its certificate is not valid yet/],
  ];
  for (const [which, shown, options, why] of cases) {
    const central = await Node.start(prepared(parent, `central-${which}`), ...served(shown));
    const edge = await edgeOf(`edge-${which}`, local(central), ...options);
    const upstream = await until(async () => {
      const { upstream } = await edge.status();
      return upstream.reason?.code === 'certificate_untrusted' && upstream.state === 'offline' && upstream;
    }, `${which} to be refused`);
    assert.match(upstream.reason.detail, why);
    await until(() => edge.errors().includes('certificate_untrusted: cannot trust localhost'), 'it to be said');
    assert.equal((await edge.request('GET', '/events')).status, 200);
    assert.equal(await edge.stop(), 0);
    assert.equal(await central.stop(), 0);
  }
});

/** A way there that holds what comes back until nothing has come for a moment: it arrives together. */
async function together(port) {
  const way = { port };
  const server = net.createServer((from) => {
    const to = net.connect(way.port, '127.0.0.1');
    let held = [];
    let timer;
    to.on('data', (bytes) => {
      held.push(bytes);
      clearTimeout(timer);
      timer = setTimeout(() => from.write(Buffer.concat(held.splice(0))), 50);
    });
    from.pipe(to);
    for (const [one, another] of [[from, to], [to, from]]) {
      one.on('error', () => {});
      one.on('close', () => another.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  way.url = `wss://localhost:${server.address().port}/sync`;
  way.close = () => server.close();
  return way;
}

test('an upstream that speaks before it was asked is none', async () => {
  const central = await Node.start(prepared(parent, 'asked'), ...served(good));
  const way = await together(central.port);
  const edge = await edgeOf('edge-asked', way.url, '--upstream-ca', authority.file);
  await synced(edge, (await central.status()).position); // so that there was an answer before
  const hasty = tls.createServer({ cert: readFileSync(good.cert), key: readFileSync(good.key), maxVersion: 'TLSv1.2' }, (socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n');
  });
  hasty.listen(0, '127.0.0.1');
  await once(hasty, 'listening');
  way.port = hasty.address().port;
  assert.equal(await central.stop(), 0);
  await until(async () => (await edge.status()).upstream.reason?.code === 'upstream_not_rivulet', 'the refusal');
  assert.match((await edge.status()).upstream.reason.detail, /spoke before it was asked/);
  assert.equal(await edge.stop(), 0);
  way.close();
  hasty.close();
});

test('an edge that knows its schema reads and writes while its upstream is not trusted', async () => {
  const shown = { cert: join(parent, 'shown.pem'), key: join(parent, 'shown.key') };
  const put = (from) => {
    for (const file of ['cert', 'key']) {
      copyFileSync(from[file], `${shown[file]}.new`);
      renameSync(`${shown[file]}.new`, shown[file]);
    }
  };
  put(good);
  let central = await Node.start(prepared(parent, 'renewed'), ...served(shown));
  const at = ['--listen', `127.0.0.1:${central.port}`, ...served(shown)];
  await central.append('/accounts/1', 'account_opened', { name: 'Ada' });
  const edge = await edgeOf('edge-renewed', local(central), '--upstream-ca', authority.file);
  await synced(edge, (await central.status()).position);
  await central.kill();
  put(other.issue('strange'));
  central = await Node.start(central.data, ...at);
  await until(async () => (await edge.status()).upstream.reason?.code === 'certificate_untrusted', 'the refusal');
  assert.deepEqual(await edge.rows('select name from account'), [['Ada']]);
  const kept = await edge.append('/accounts/1', 'money_paid', { amount: 7 });
  assert.equal(kept.status, 202, kept.text);
  put(good); // renewed while the node runs: the next handshakes have it
  await until(() => central.errors().includes('another certificate'), 'the renewal');
  await until(async () => (await edge.status()).outbox.pending === 0, 'the decision', 60000);
  assert.deepEqual(await edge.rows('select balance from account'), [[7]]);
  assert.equal(await edge.stop(), 0);
  assert.equal(await central.stop(), 0);
});

test('a renewal that does not fit is said, and the certificate before serves on; connections keep theirs', async () => {
  const files = { cert: join(parent, 'kept.pem'), key: join(parent, 'kept.key') };
  copyFileSync(good.cert, files.cert);
  copyFileSync(good.key, files.key);
  const second = await Node.start(prepared(parent, 'kept'), ...served(files));
  const before_ = await connected(second.port);
  const next = authority.issue('next');
  copyFileSync(next.cert, files.cert);
  await until(() => second.errors().includes('the certificate is used on'), 'the complaint');
  assert.equal((await second.request('GET', '/healthz')).status, 200);
  copyFileSync(next.key, files.key);
  await until(() => second.errors().includes('another certificate'), 'the renewal');
  const { socket } = await connected(second.port);
  assert.equal(socket.getPeerCertificate().subject.CN, 'next');
  assert.equal(before_.socket.getPeerCertificate().subject.CN, 'good');
  before_.socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until(() => before_.text.includes('200 OK'), 'the older connection');
  socket.destroy();
  before_.socket.destroy();
  assert.equal(await second.stop(), 0);
});

test('an upstream that stalls its handshake, or speaks no TLS, is no upstream', async () => {
  const wrong = net.createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  wrong.listen(0, '127.0.0.1');
  await once(wrong, 'listening');
  const edge = await edgeOf('edge-wrong', `wss://localhost:${wrong.address().port}`, '--upstream-ca', authority.file);
  const reason = await until(async () => (await edge.status()).upstream.reason, 'a reason');
  assert.equal(reason.code, 'upstream_not_rivulet');
  assert.match(reason.detail, /cannot speak TLS with localhost:\d+: what came is not TLS/);
  assert.equal(await edge.stop(), 0);
  wrong.close();
  const stalls = net.createServer((socket) => socket.on('error', () => {}).resume());
  stalls.listen(0, '127.0.0.1');
  await once(stalls, 'listening');
  const waits = await edgeOf('edge-stalls', `wss://localhost:${stalls.address().port}`, '--upstream-ca', authority.file);
  const late = await until(async () => (await waits.status()).upstream.reason, 'patience to end', 30000);
  assert.equal(late.code, 'upstream_unreachable');
  assert.match(late.detail, /no answer within ten seconds/);
  assert.equal(await waits.stop(), 0);
  stalls.close();
});

test('pages of the node itself are of https', async () => {
  const origin = (value) => node.request('GET', '/status', undefined, { Origin: value });
  assert.equal((await origin(node.url)).status, 200);
  assert.equal((await origin(node.url.replace('https', 'http'))).body.code, 'origin_not_allowed');
});
