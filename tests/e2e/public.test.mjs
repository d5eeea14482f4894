// SPDX-License-Identifier: Apache-2.0
// Goal: `serve --public DIR` shows the files of DIR as browsers need them, nothing outside it, and never
// instead of the API.
// Method: a folder with every kind of file, a secret beside it, links that leave it; requests by fetch,
// and by bytes where fetch would tidy the address; a file that changes while a slow reader takes it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Node, cli, folder, prepared, raw, until } from './harness.mjs';

const parent = folder('public');
const shown = join(parent, 'shown');
const large = randomBytes(3 * 1024 * 1024 + 17);
const api = ['streams', 'events', 'aggregates', 'query', 'schema', 'status', 'healthz', 'readyz', 'sync'];
let node;

before(async () => {
  mkdirSync(join(shown, 'deep'), { recursive: true });
  mkdirSync(join(shown, '.git'));
  writeFileSync(join(parent, 'secret.txt'), 'secret');
  writeFileSync(join(shown, 'index.html'), '<!doctype html><title>Shown</title>');
  writeFileSync(join(shown, 'deep', 'index.html'), 'deep');
  writeFileSync(join(shown, 'large.wasm'), large);
  writeFileSync(join(shown, 'empty.txt'), '');
  writeFileSync(join(shown, '.env'), 'secret');
  writeFileSync(join(shown, '.git', 'config'), 'secret');
  for (const name of api) writeFileSync(join(shown, name), 'shadow');
  symlinkSync('../secret.txt', join(shown, 'link.txt'));
  symlinkSync('..', join(shown, 'up'));
  symlinkSync('/etc', join(shown, 'etc'));
  node = await Node.start(prepared(parent), '--public', shown);
});
after(() => node.stop());

test('a page, with the headers that a browser needs', async () => {
  const page = await node.request('GET', '/');
  assert.equal(page.status, 200);
  assert.equal(page.text, '<!doctype html><title>Shown</title>');
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(page.headers['cache-control'], 'no-cache');
  assert.equal(page.headers['x-content-type-options'], 'nosniff');
  assert.equal(page.headers['content-length'], String(page.text.length));
  assert.equal((await node.request('GET', '/deep/')).text, 'deep');
  assert.equal((await node.request('GET', '/deep/index.html?v=1')).text, 'deep');
  const empty = await node.request('GET', '/empty.txt');
  assert.deepEqual([empty.status, empty.text, empty.headers['content-length']], [200, '', '0']);
  const head = await node.request('HEAD', '/large.wasm');
  assert.deepEqual([head.status, head.text], [200, '']);
  assert.equal(head.headers['content-length'], String(large.length));
});

test('media types', async () => {
  const types = {
    'a.html': 'text/html; charset=utf-8', 'a.js': 'text/javascript; charset=utf-8',
    'a.mjs': 'text/javascript; charset=utf-8', 'a.css': 'text/css; charset=utf-8',
    'a.json': 'application/json', 'a.wasm': 'application/wasm', 'a.svg': 'image/svg+xml',
    'a.png': 'image/png', 'a.ico': 'image/x-icon', 'a.txt': 'text/plain; charset=utf-8',
    'a.js.map': 'application/json', 'a.webmanifest': 'application/manifest+json',
    'a.woff2': 'font/woff2', 'a.bin': 'application/octet-stream', a: 'application/octet-stream',
  };
  for (const [name, type] of Object.entries(types)) {
    writeFileSync(join(shown, name), '{}');
    const { status, headers } = await node.request('GET', `/${name}`);
    assert.deepEqual([status, headers['content-type']], [200, type], name);
  }
});

test('a large file comes whole, many at once, and is not sent again while it is the same', async () => {
  const bodies = await Promise.all(Array.from({ length: 20 }, async () => {
    const response = await fetch(`${node.url}/large.wasm`);
    return Buffer.from(await response.arrayBuffer());
  }));
  for (const body of bodies) assert.ok(body.equals(large));
  const { headers } = await node.request('HEAD', '/large.wasm');
  const known = (etag) => node.request('GET', '/large.wasm', undefined, { 'If-None-Match': etag });
  for (const etag of [headers.etag, `"x", ${headers.etag}`, '*']) {
    const same = await known(etag);
    assert.deepEqual([same.status, same.text, same.headers.etag], [304, '', headers.etag]);
    assert.equal(same.headers['content-length'], undefined);
  }
  assert.equal((await known('"x"')).status, 200);
  writeFileSync(join(shown, 'large.wasm'), large.subarray(1));
  const changed = await known(headers.etag);
  assert.equal(changed.status, 200);
  assert.equal(changed.headers['content-length'], String(large.length - 1));
});

test('addresses of the API are never files', async () => {
  for (const name of api) {
    for (const path of [`/${name}`, `/%${name.charCodeAt(0).toString(16)}${name.slice(1)}`]) {
      const answer = await raw(node.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      assert.doesNotMatch(answer, /shadow/, path);
    }
  }
  assert.equal((await node.status()).role, 'root');
  assert.equal((await node.request('GET', '/healthz')).status, 200);
});

test('hostile addresses show nothing', async () => {
  const paths = ['/../secret.txt', '/%2e%2e/secret.txt', '/%2e%2e%2fsecret.txt', '/..%2fsecret.txt',
    '/deep/../../secret.txt', '/deep/..%2f..%2fsecret.txt', '/..%5csecret.txt', '/.%2e/secret.txt',
    '//etc/passwd', '/%2fetc/passwd', '/./index.html', '/link.txt', '/up/secret.txt', '/etc/passwd', '/.env',
    '/%2eenv', '/.git/config', '/deep', '/.git/', '/up/', '/secret.txt%00.html', '/index.html%00', '/index.html/',
    '/%c0%ae%c0%ae/secret.txt', '/..;/secret.txt', 'http://x/../secret.txt', '/%', '/%zz', `/${'a'.repeat(8000)}`,
    `/${'a/'.repeat(4000)}`, '*', '/file:///etc/passwd', '/deep/..'];
  for (const path of paths) {
    const answer = await raw(node.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, path);
    assert.match(answer, /application\/problem\+json/, path);
    assert.doesNotMatch(answer, /secret$|root:|deep$/, path);
  }
  const write = await node.request('POST', '/index.html', 'x');
  assert.equal(write.status, 404);
  assert.equal((await node.request('GET', '/absent.html')).body.code, 'not_found');
});

/** Reads nothing until told, then everything, until the peer closes. */
async function slowly(path) {
  const socket = connect({ port: node.port, host: '127.0.0.1', highWaterMark: 1024 });
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  socket.pause();
  await once(socket, 'readable');
  const chunks = [];
  return async () => {
    socket.on('data', (chunk) => chunks.push(chunk));
    await once(socket, 'close');
    const all = Buffer.concat(chunks);
    const start = all.indexOf('\r\n\r\n') + 4;
    const length = Number(/Content-Length: (\d+)/.exec(all.subarray(0, start).toString('latin1'))[1]);
    return { length, body: all.subarray(start) };
  };
}

test('a file that changes while it is sent breaks no framing', async () => {
  const size = 24 * 1024 * 1024; // more than sockets hold
  const path = join(shown, 'moving.bin');
  writeFileSync(path, Buffer.alloc(size, 'a'));
  const grown = await slowly('/moving.bin');
  appendFileSync(path, Buffer.alloc(1024 * 1024, 'b'));
  const first = await grown();
  assert.equal(first.length, size);
  assert.equal(first.body.length, size);
  assert.ok(first.body.every((byte) => byte === 97));
  const shrunk = await slowly('/moving.bin');
  truncateSync(path, 1024);
  const second = await shrunk();
  assert.equal(second.length, size + 1024 * 1024);
  assert.ok(second.body.length < second.length, 'cut off, and seen to be');
  await until(async () => (await node.request('GET', '/healthz')).status === 200, 'the node');
});

test('a folder that is not there, or none', () => {
  for (const path of [join(parent, 'absent'), join(parent, 'secret.txt')]) {
    const run = cli(['serve', '--data', join(parent, 'other'), '--listen', '127.0.0.1:0', '--public', path]);
    assert.equal(run.code, 2);
    assert.match(run.err, /^rivulet: parameter_invalid: cannot show the files of /);
  }
});
