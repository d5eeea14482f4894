// SPDX-License-Identifier: Apache-2.0
// Goal: an edge whose network comes up tries its upstream at once, whatever it would have waited, and
// soon finds out that the connection it had is dead; a network that comes up all the time makes it
// try once a second.
// Method: real edges; the network that comes up is an address of the loopback. Who may not add one
// (no root, no ip(8)) tests the decoder alone: tests/unit/native/network_test.c.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { after, test } from 'node:test';

import { Node, folder, prepared, sleep, until } from './harness.mjs';
import { Proxy } from './proxy.mjs';

const parent = folder('network');
const address = (what) => spawnSync('ip', ['addr', what, '127.0.0.77/8', 'dev', 'lo']).status === 0;
const comesUp = () => {
  assert.ok(address('del'));
  assert.ok(address('add'));
};

address('del'); // of a run that was killed
const skip = address('add') ? false : 'may not add an address to the loopback';
after(() => address('del'));

/** An upstream that lets nobody in, so that an edge comes again after half a minute; when it came. */
async function refusing() {
  const met = [];
  const server = createServer((request, response) => response.writeHead(401).end());
  server.on('upgrade', (request, socket) => {
    met.push(Date.now());
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  return { met, url: `ws://127.0.0.1:${server.address().port}` };
}

test('an edge tries at once, and once a second', { skip }, async () => {
  const { met, url } = await refusing();
  const edge = await Node.start(`${parent}/refused`, '--upstream', url, '--select', '/**');
  await until(async () => (await edge.status()).upstream.state === 'needs-auth', 'the refusal');
  await sleep(1500);
  const before = met.length;
  await sleep(1500);
  assert.equal(met.length, before, 'it waits for half a minute');
  comesUp();
  await until(() => met.length > before, 'an attempt', 3000);
  const from = met.length;
  for (let i = 0; i < 20; i++) {
    comesUp();
    await sleep(100);
  }
  await sleep(1500);
  const more = met.length - from;
  assert.ok(more >= 1 && more <= 4, `${more} attempts`);
  await edge.stop();
});

test('a connection that is dead ends soon', { skip }, async () => {
  const root = await Node.start(prepared(parent, 'root'));
  const proxy = await Proxy.start(root.port);
  after(() => proxy.stop());
  const edge = await Node.start(`${parent}/edge`, '--upstream', proxy.url, '--select', '/**');
  const state = async () => (await edge.status()).upstream.state;
  await until(async () => (await state()) === 'connected', 'the connection');
  comesUp();
  await sleep(6500);
  assert.equal(await state(), 'connected', 'one that lives stays');
  assert.equal(edge.errors().match(/connected to the upstream/g).length, 1);
  proxy.swallow();
  proxy.refuse();
  comesUp();
  await until(async () => (await state()) !== 'connected', 'the end', 8000); // of 30 s without it
  await proxy.heal();
  comesUp();
  await until(async () => (await state()) === 'connected', 'the connection', 3000);
  await edge.stop();
  await root.stop();
});
