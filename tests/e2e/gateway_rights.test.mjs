// SPDX-License-Identifier: Apache-2.0
// Goal: what a token does not allow at a gateway stops nothing behind it. What its writer may not write is
// rejected by the root, in the gateway's words; what the gateway may not pass on waits, is told to be waited
// for, and holds up nobody else. Method: real processes, and tokens that each node has of its own.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Node, bankSchema, folder, must, until } from './harness.mjs';

const parent = folder('gateway-rights');
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const upstream = async (node) => (await node.status()).upstream;
const pending = async (node) => (await node.status()).outbox.pending;
const decided = (node) => until(async () => (await pending(node)) === 0, 'the decisions');
const at = (node, position) => until(async () => (await node.status()).position === position, 'the events');
const pay = async (node, id, amount, headers) =>
  assert.equal((await node.append(`/accounts/${id}`, 'money_paid', { amount }, headers)).status, 202);
const stopAll = async (...nodes) => {
  for (const node of nodes) assert.equal(await node.stop(), 0);
};

async function make(node, token, body) {
  const made = await node.request('POST', '/tokens', JSON.stringify(body), token ? bearer(token) : {});
  assert.equal(made.status, 201, made.text);
  return made.body.token;
}

/** A root with three accounts and tokens; `change` gives a principal other rights. */
async function root(name) {
  const data = join(parent, name);
  must(['schema', 'apply', '-', '--data', data], bankSchema);
  const admin = must(['token', 'generate', 'root', '--admin', '--data', data]).trim();
  const node = await Node.start(data);
  for (const id of [1, 2, 3]) {
    assert.equal((await node.append(`/accounts/${id}`, 'account_opened', { name: 'x' }, bearer(admin))).status, 201);
  }
  const change = async (who, rights) =>
    assert.equal((await node.request('PUT', `/tokens/${who}`, JSON.stringify(rights), bearer(admin))).status, 200);
  return { node, admin, change };
}

/** An edge of `node`; its token, if it has one, is in a file. */
async function edge(name, node, token) {
  const path = join(parent, `${name}.token`);
  if (token) writeFileSync(path, `${token}\n`);
  const secret = token ? ['--token-file', path] : [];
  const started = await Node.start(join(parent, name), '--upstream', node.syncUrl, '--select', '/accounts/*', ...secret);
  await at(started, 4);
  return started;
}

test('what a device may not write at its gateway is rejected, and what is behind it goes on', async () => {
  const { node: cloud, admin } = await root('cloud');
  const relay = { name: 'shop', read: ['/**'], write: ['/accounts/*'], relay: true };
  const shop = await edge('shop', cloud, await make(cloud, admin, relay));
  const boss = await make(shop, null, { name: 'boss', admin: true });
  const till = await edge('till', shop, await make(shop, boss, { name: 'till', read: ['/**'], write: ['/accounts/1'] }));
  const tablet = await edge('tablet', shop, await make(shop, boss, { name: 'tablet', read: ['/**'], write: ['/accounts/*'] }));
  for (const id of [1, 2, 1, 3, 1]) await pay(till, id, 5);
  await pay(tablet, 2, 7);
  await decided(tablet);
  await decided(till);
  const { body: rejections } = await till.request('GET', '/rejections');
  assert.deepEqual(rejections.map(({ reason }) => [reason.code, reason.right, reason.path, reason.principal]), [
    ['forbidden', 'write', '/accounts/2', 'till'],
    ['forbidden', 'write', '/accounts/3', 'till'],
  ]);
  const rows = 'select id, balance from account order by id';
  await until(async () => JSON.stringify(await till.rows(rows)) === '[[1,15],[2,7],[3,0]]', 'the payments');
  assert.deepEqual((await upstream(till)).state, 'connected');
  await stopAll(till, tablet, shop, cloud);
});

test('a gateway that may not relay says so, and so do its devices; when it may, all of it goes up', async () => {
  const { node: cloud, admin, change } = await root('silent');
  const rights = { read: ['/**'], write: ['/accounts/*'] };
  const shop = await edge('mute', cloud, await make(cloud, admin, { name: 'shop', ...rights }));
  const device = await edge('mute-device', shop);
  await pay(device, 1, 5);
  await pay(shop, 2, 3); // its own goes up
  const reason = async () => (await upstream(device)).reason;
  await until(async () => (await reason()) !== null, 'the reason');
  const { code, right, principal } = await reason();
  assert.deepEqual([code, right, principal], ['forbidden', 'relay', 'shop']);
  assert.equal((await upstream(device)).state, 'connected');
  const { body: waiting } = await device.request('GET', '/pending');
  assert.deepEqual(waiting.map((it) => [it.reason.code, it.reason.right]), [['forbidden', 'relay']]);
  await decided(shop);
  const { relayed } = (await shop.status()).serves;
  assert.deepEqual([relayed.waiting, relayed.reason.code, relayed.reason.right], [1, 'forbidden', 'relay']);
  await until(async () => (await device.rows('select balance from account where id = 2'))[0][0] === 3, 'what goes on');
  await change('shop', { ...rights, relay: true });
  await decided(device);
  assert.equal(await reason(), null);
  assert.equal((await shop.status()).serves.relayed.reason, null);
  await stopAll(device, shop, cloud);
});

test('what somebody else has written an open gateway does not take, and holds up nothing else', async () => {
  const { node: hub, admin } = await root('hub');
  const rights = { read: ['/**'], write: ['/accounts/*'] };
  const outer = await edge('outer', hub, await make(hub, admin, { name: 'outer', relay: true, ...rights }));
  const inner = await edge('inner', outer); // of the open one, and with tokens of its own
  const boss = await make(inner, null, { name: 'boss', admin: true });
  const ada = await edge('ada', inner, await make(inner, boss, { name: 'ada', ...rights }));
  const walkUp = await edge('walk-up', outer);
  await pay(ada, 1, 5);
  await until(async () => (await upstream(ada)).reason?.code === 'forbidden', 'the reason');
  assert.match((await upstream(ada)).reason.detail, /asks for no tokens/);
  const at = async () => (await inner.request('GET', '/status', undefined, bearer(boss))).body;
  assert.equal((await at()).serves.relayed.reason.code, 'forbidden');
  assert.equal((await at()).upstream.state, 'connected');
  await pay(walkUp, 2, 7);
  await decided(walkUp);
  await until(async () => (await ada.rows('select balance from account where id = 2'))[0][0] === 7, 'what goes on');
  assert.equal(await pending(ada), 1);
  await ada.stop(); // where somebody knows her, it is taken
  writeFileSync(join(parent, 'ada.token'), await make(hub, admin, { name: 'ada', ...rights }));
  const moved = await Node.start(join(parent, 'ada'), '--upstream', hub.syncUrl, '--token-file', join(parent, 'ada.token'));
  await decided(moved);
  assert.deepEqual((await moved.request('GET', '/rejections')).body, []);
  await until(async () => (await moved.rows('select balance from account where id = 1'))[0][0] === 5, 'the payment');
  await stopAll(moved, walkUp, inner, outer, hub);
});
