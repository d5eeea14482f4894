// SPDX-License-Identifier: Apache-2.0
// Goal: pages of other sites cannot use a node, by HTTP or by /sync, unless they were allowed; those
// that were allowed see every answer, errors included; what is no browser is not held up.
// Method: the headers that browsers send, as bytes, against nodes with and without the options.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Node, cli, folder, opened, prepared, raw, synced } from './harness.mjs';

const parent = folder('origin');
const page = 'https://page.example';
let plain; // no options
let listed; // one origin and one name
let any; // all origins

before(async () => {
  plain = await Node.start(prepared(parent, 'plain'));
  listed = await Node.start(prepared(parent, 'listed'), '--allow-origin', page, '--allow-origin',
    'http://127.0.0.1:1', '--allow-host', 'node.example');
  any = await Node.start(prepared(parent, 'any'), '--allow-origin', '*');
});
after(() => Promise.all([plain, listed, any].map((node) => node.stop())));

/** A request by bytes: headers as given, then the answer's status, headers and problem code. */
async function ask(node, { method = 'GET', path = '/status', host = `127.0.0.1:${node.port}`, ...headers }, body = '') {
  const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await raw(node.port,
    `${method} ${path} HTTP/1.1\r\n${lines.join('')}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  const [head, text] = answer.split('\r\n\r\n');
  const all = Object.fromEntries(head.split('\r\n').slice(1).map((line) => {
    const [name, value] = line.split(': ');
    return [name.toLowerCase(), value];
  }));
  return { status: Number(head.slice(9, 12)), headers: all, code: /"code":"(\w+)"/.exec(text)?.[1] };
}

const upgrade = {
  path: '/sync', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol': 'rivulet.v1',
};

/** The status of a WebSocket handshake; one that is taken is ended by a frame that is not masked. */
async function handshake(node, headers) {
  const all = { Host: `127.0.0.1:${node.port}`, ...upgrade, ...headers };
  delete all.path;
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await raw(node.port, `GET /sync HTTP/1.1\r\n${lines.join('')}\r\n`, 20, Buffer.from([0x82, 0x01, 0x00]));
  return { status: Number(answer.slice(9, 12)), code: /"code":"(\w+)"/.exec(answer)?.[1] };
}

test('without an Origin, or with its own, a request is answered', async () => {
  for (const node of [plain, listed, any]) {
    const own = `http://127.0.0.1:${node.port}`;
    assert.equal((await ask(node, {})).status, 200);
    const answer = await ask(node, { Origin: own });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal((await ask(node, { host: `localhost:${node.port}`, Origin: `http://localhost:${node.port}` })).status, 200);
    assert.equal((await handshake(node, { Origin: own })).status, 101);
    assert.equal((await handshake(node, {})).status, 101);
  }
});

test('pages of other origins are refused, before anything has happened', async () => {
  const data = '{"name":"Eve"}';
  for (const Origin of [page, 'null', `https://127.0.0.1:${plain.port + 1}`, `http://localhost:${plain.port}`, 'x', 'http://']) {
    for (const request of [{}, { path: '/events' }, { path: '/absent' }, { method: 'OPTIONS', 'Access-Control-Request-Method': 'POST' },
      { path: '/healthz' }, { method: 'POST', path: '/streams/accounts/66', 'X-Event-Type': 'account_opened' }]) {
      const answer = await ask(plain, { Origin, ...request }, request.method === 'POST' ? data : '');
      assert.deepEqual([answer.status, answer.code], [403, 'origin_not_allowed'], Origin);
      assert.ok(!Object.keys(answer.headers).some((name) => name.startsWith('access-control')));
    }
    assert.deepEqual(await handshake(plain, { Origin }), { status: 403, code: 'origin_not_allowed' });
  }
  assert.deepEqual(await plain.rows('select count(*) from account'), [[0]]);
});

test('a name that is not the node\'s own is refused: a site may let its name point here', async () => {
  for (const host of ['evil.example', `evil.example:${plain.port}`, 'localhost.evil.example', '']) {
    for (const headers of [{ host }, { host, Origin: `http://${host}` }]) {
      const answer = await ask(plain, headers);
      assert.deepEqual([answer.status, answer.code], [403, 'host_not_allowed'], host);
    }
    assert.deepEqual(await handshake(plain, { Host: host }), { status: 403, code: 'host_not_allowed' });
  }
  assert.equal((await ask(plain, { host: '[::1]' })).status, 200);
  assert.equal((await ask(listed, { host: 'node.example', Origin: 'https://node.example' })).status, 200);
  assert.equal((await ask(listed, { host: 'Node.Example:81' })).status, 200);
  assert.equal((await ask(listed, { host: 'other.example' })).code, 'host_not_allowed');
});

test('a page that was allowed sees answers, errors included', async () => {
  for (const [node, allowed] of [[listed, page], [any, '*']]) {
    for (const [request, status] of [[{}, 200], [{ path: '/absent' }, 404], [{ method: 'PUT', path: '/events' }, 405],
      [{ path: '/events', Accept: 'application/x-ndjson' }, 200], [{ path: '/sync' }, 426]]) {
      const answer = await ask(node, { Origin: page, ...request });
      assert.equal(answer.status, status);
      assert.equal(answer.headers['access-control-allow-origin'], allowed);
      assert.equal(answer.headers['access-control-expose-headers'], 'Allow, ETag, Retry-After, Rivulet-As-Of, Rivulet-Stale');
      assert.equal(answer.headers.vary, allowed === '*' ? undefined : 'Origin');
    }
    assert.equal((await handshake(node, { Origin: page })).status, 101);
  }
  assert.equal((await ask(listed, {})).headers.vary, 'Origin'); // a cache must not give it to a page
  assert.equal((await ask(listed, { Origin: 'https://page.example:8443' })).code, 'origin_not_allowed');
  assert.equal((await ask(any, { Origin: 'null' })).status, 200);
});

test('a preflight says what the API takes', async () => {
  const answer = await ask(listed, { method: 'OPTIONS', path: '/streams/accounts/1', Origin: page,
    'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type,x-event-type' });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers['access-control-allow-origin'], page);
  const methods = answer.headers['access-control-allow-methods'].split(', ');
  for (const method of ['GET', 'HEAD', 'POST']) assert.ok(methods.includes(method));
  const headers = answer.headers['access-control-allow-headers'].toLowerCase().split(', ');
  for (const name of ['content-type', 'x-event-type', 'xevent-type', 'expected-version', 'idempotency-key',
    'durability', 'last-event-id', 'x-event-metadata']) assert.ok(headers.includes(name), name);
  assert.equal(answer.headers['content-length'], undefined);
  assert.ok(Number(answer.headers['access-control-max-age']) > 0);
  assert.equal((await ask(listed, { method: 'OPTIONS', path: '/events' })).status, 405);
});

test('an edge is no page: it names no origin, and syncs', async () => {
  assert.equal((await plain.batch([opened(1)])).status, 201);
  const edge = await Node.start(join(parent, 'edge'), '--upstream', plain.syncUrl, '--select', '/**');
  await synced(edge, (await plain.status()).position);
  assert.equal(await edge.stop(), 0);
});

test('options that are none', () => {
  for (const [option, value] of [['--allow-origin', 'page.example'], ['--allow-origin', 'https://page.example/'],
    ['--allow-origin', ''], ['--allow-host', 'node.example:80'], ['--allow-host', 'http://node.example']]) {
    const run = cli(['serve', '--data', join(parent, 'plain2'), '--listen', '127.0.0.1:0', option, value]);
    assert.equal(run.code, 2, value);
    assert.match(run.err, /^rivulet: parameter_invalid: `/);
  }
});
