// SPDX-License-Identifier: Apache-2.0
// Goal: a node with an upstream is the upstream of others: what it holds is served as the root serves it,
// what devices write behind it is decided at the root once, whoever is killed, and what it does not hold it refuses.
// Method: real processes on the loopback, root, gateways and devices, killed at chosen moments; the CLI
// and HTTP of all of them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { Node, cli, folder, must, opened, prepared, sleep, synced, until } from './harness.mjs';

const parent = folder('gateway');

const start = (name, upstream, ...patterns) =>
  Node.start(
    join(parent, name),
    '--upstream',
    typeof upstream === 'string' ? upstream : upstream.syncUrl,
    ...patterns.flatMap((pattern) => ['--select', pattern]),
  );

/** The node again, where it was. */
function restarted(node) {
  const at = node.options.indexOf('--listen');
  const options = at < 0 ? node.options : node.options.toSpliced(at, 2);
  return Node.start(node.data, ...options, '--listen', `127.0.0.1:${node.port}`);
}

async function rootOf(name, accounts) {
  const root = await Node.start(prepared(parent, `${name}-root`));
  for (let id = 1; id <= accounts; id += 1) {
    assert.equal((await root.batch([opened(id)])).status, 201);
  }
  return root;
}

const pay = (node, id, durability = 'local') =>
  node.append(`/accounts/${id}`, 'money_paid', { amount: 1 }, { Durability: durability });

const decided = (node) =>
  until(async () => (await node.status()).outbox.pending === 0, 'decisions', 30000);

/** What both have of a pattern is the same. */
async function same(root, node, pattern) {
  const there = (await root.request('GET', `/status?select=${encodeURIComponent(pattern)}`)).body;
  await synced(node, there.position);
  const here = (await node.request('GET', `/status?select=${encodeURIComponent(pattern)}`)).body;
  assert.equal(here.selection_hash, there.selection_hash);
}

test('a selection narrows on the way, and one that is wider is refused', async () => {
  const root = await rootOf('narrow', 6);
  const gateway = await start('narrow-gateway', root, '/accounts/*');
  const device = await start('narrow-device', gateway, '/accounts/2', '/accounts/3');
  await synced(device, 7);
  await same(root, device, '/accounts/2');
  assert.deepEqual(await device.rows('select id from account order by id'), [[2], [3]]);
  assert.equal((await pay(root, 3)).status, 201);
  await same(root, device, '/accounts/3');
  assert.equal((await gateway.status()).serves.edges, 1);
  assert.equal((await device.status()).upstream.gateway, true);
  assert.equal((await gateway.status()).upstream.gateway, false);

  const wider = await start('narrow-wider', gateway, '/**');
  const refused = await until(async () => {
    const { upstream } = await wider.status();
    return upstream.state === 'error' && upstream;
  }, 'the refusal');
  assert.equal(refused.reason.code, 'selection_invalid');
  assert.equal(refused.reason.pattern, '/**');
  for (const node of [wider, device, gateway, root]) await node.stop();
});

test('a device selects rows that its gateway selects, with more conditions, and goes on when they are there again', async () => {
  const root = await rootOf('rows', 6);
  const entry = 'aggregate account where balance < 3';
  const gateway = await start('rows-gateway', root, entry);
  await synced(gateway, 7);
  const device = await start('rows-device', gateway, `${entry} and id <> 2`);
  const ids = async (node) => (await node.rows('select id from account order by id')).flat();
  const position = async () => (await root.status()).position;
  await until(async () => (await device.status()).whole, 'the base');
  assert.deepEqual(await ids(device), [1, 3, 4, 5, 6]);
  for (let i = 0; i < 3; i += 1) assert.equal((await pay(root, 3)).status, 201);
  assert.equal((await pay(root, 4)).status, 201);
  await synced(device, await position());
  assert.deepEqual(await ids(device), [1, 4, 5, 6], 'a row that leaves the gateway leaves the device');
  assert.deepEqual(await device.rows('select id, balance from account where id = 4'), [[4, 1]]);
  assert.equal((await device.status()).upstream.gateway, true);

  const put = (node, ...entries) =>
    node.request('PUT', '/selection', JSON.stringify(entries), { 'Content-Type': 'application/json' });
  assert.equal((await put(gateway, 'aggregate account where balance < 2')).status, 200);
  const refused = await until(async () => {
    const { upstream } = await device.status();
    return upstream.state === 'error' && upstream;
  }, 'the refusal');
  assert.equal(refused.reason.code, 'selection_invalid');
  assert.equal(refused.reason.aggregate, 'account');
  assert.deepEqual(await ids(device), [1, 4, 5, 6], 'it keeps what it has');
  assert.equal((await pay(root, 4)).status, 201);
  assert.equal((await put(gateway, entry)).status, 200);
  await synced(device, await position());
  assert.deepEqual(await device.rows('select id, balance from account where id = 4'), [[4, 2]]);
  for (const node of [device, gateway, root]) await node.stop();
});

test('a gateway that comes to hold more goes on serving, also when it was started again', async () => {
  const root = await rootOf('more', 4);
  for (let i = 0; i < 5; i += 1) {
    for (let id = 1; id <= 4; id += 1) assert.equal((await pay(root, id)).status, 201);
  }
  let gateway = await start('more-gateway', root, '/accounts/1');
  const first = await start('more-first', gateway, '/accounts/1');
  await same(root, first, '/accounts/1');
  must(['select', '/accounts/1', '/accounts/2', '/accounts/3 history none', '--url', gateway.url]);
  const widened = async () => {
    const { whole, selection, past } = await gateway.status();
    return whole && selection.length === 3 && !past;
  };
  await until(widened, 'the past of /accounts/2');
  const base = (await root.status()).position;

  for (const round of ['more', 'more-again']) {
    const second = await start(`${round}-second`, gateway, '/accounts/2 history none');
    const third = await start(`${round}-third`, gateway, '/accounts/3 history none');
    const another = await start(`${round}-another`, gateway, '/accounts/1');
    const served = [
      [first, 1],
      [another, 1],
      [second, 2],
      [third, 3],
    ];
    for (const [device, id] of served) {
      await same(root, device, `/accounts/${id}`);
      assert.equal((await pay(root, id)).status, 201);
      await pay(device, id);
      await decided(device);
      await same(root, device, `/accounts/${id}`);
    }
    const all = (await root.request('GET', '/events?path=/accounts/1')).body;
    assert.deepEqual((await another.request('GET', '/events?path=/accounts/1')).body, all);

    const whole = await start(`${round}-whole`, gateway, '/accounts/2');
    const refused = await until(async () => {
      const { upstream } = await whole.status();
      return upstream.state === 'error' && upstream;
    }, 'the refusal');
    assert.equal(refused.reason.code, 'selection_invalid');
    assert.deepEqual([refused.reason.pattern, refused.reason.position], ['/accounts/2', base + 1]);
    for (const device of [second, third, another, whole]) await device.stop();
    await gateway.kill();
    gateway = await Node.start(gateway.data, '--upstream', root.syncUrl, '--listen', `127.0.0.1:${gateway.port}`);
  }
  for (const node of [first, gateway, root]) await node.stop();
});

test('relayed is not upstream: a gateway without its root keeps what a device writes', async () => {
  let root = await rootOf('relayed', 2);
  const gateway = await start('relayed-gateway', root, '/**');
  const device = await start('relayed-device', gateway, '/accounts/*');
  await synced(device, 3);
  const direct = await pay(gateway, 2, 'relayed');
  assert.equal(direct.status, 201, 'where the upstream is the root it is as upstream');
  await root.kill();
  const answer = await pay(device, 1, 'relayed');
  assert.equal(answer.status, 202, answer.text);
  assert.equal(answer.body.relayed, true);
  const pending = (await device.request('GET', '/pending')).body;
  assert.deepEqual([pending.length, pending[0].relayed, pending[0].state], [1, true, 'waiting']);
  const kept = (await gateway.status()).serves.relayed;
  assert.deepEqual([kept.waiting, kept.edges], [1, 1]);
  const told = must([
    ...['append', '/accounts/1', 'money_paid', '{"amount":1}'],
    ...['--durability', 'relayed', '--url', device.url, '--json'],
  ]);
  assert.equal(told.relayed, true);
  await gateway.kill();
  const alone = await pay(device, 1, 'relayed');
  assert.deepEqual([alone.status, alone.body.relayed], [202, false]);
  root = await restarted(root);
  const again = await restarted(gateway);
  await decided(device);
  await same(root, device, '/accounts/1');
  assert.deepEqual(await root.rows('select balance from account order by id'), [[3], [1]]);
  for (const node of [device, again, root]) await node.stop();
});

test('two devices write, the gateway is killed in the middle: everything is decided once', async () => {
  const root = await rootOf('killed', 2);
  let gateway = await start('killed-gateway', root, '/**');
  const devices = [
    await start('killed-one', gateway, '/accounts/*'),
    await start('killed-two', gateway, '/accounts/*'),
  ];
  for (const device of devices) await synced(device, 3);
  await gateway.kill();
  for (let i = 0; i < 30; i += 1) {
    for (const [k, device] of devices.entries()) assert.equal((await pay(device, k + 1)).status, 202);
  }
  for (let round = 0; round < 3; round += 1) {
    gateway = await restarted(gateway);
    for (let i = 0; i < 5; i += 1) {
      for (const [k, device] of devices.entries()) assert.equal((await pay(device, k + 1)).status, 202);
    }
    await sleep(30 + 150 * round);
    await gateway.kill();
  }
  gateway = await restarted(gateway);
  for (const device of devices) await decided(device);
  assert.deepEqual(await root.rows('select balance from account order by id'), [[45], [45]]);
  assert.equal((await root.status()).position, 3 + 90);
  for (const device of devices) {
    await same(root, device, '/accounts/*');
    assert.deepEqual((await device.request('GET', '/rejections')).body, []);
  }
  await same(root, gateway, '/accounts/*');
  await until(async () => (await gateway.status()).serves.relayed.waiting === 0, 'an empty gateway');
  for (const node of [...devices, gateway, root]) await node.stop();
});

test('a device moves: from one gateway to another, to the root, and back', async () => {
  const root = await rootOf('moves', 1);
  const first = await start('moves-first', root, '/**');
  const second = await start('moves-second', first, '/accounts/*');
  let written = 0;
  for (const upstream of [first, root, second, first, second]) {
    const device = await start('moves-device', upstream, '/accounts/1');
    await synced(device, 2 + written);
    assert.equal((await pay(device, 1, 'memory')).status, 202);
    assert.equal((await pay(device, 1, 'upstream')).status, 201);
    written += 2;
    await same(root, device, '/accounts/1');
    assert.equal((await pay(device, 1)).status, 202);
    written += 1;
    await device.kill();
  }
  const device = await start('moves-device', root, '/accounts/1');
  await decided(device);
  await same(root, device, '/accounts/1');
  assert.deepEqual(await root.rows('select balance from account'), [[written]]);
  assert.equal((await device.status()).forked, undefined);
  const shown = cli(['status', '--url', second.url]);
  assert.equal(shown.code, 0, shown.err);
  for (const node of [device, second, first, root]) await node.stop();
});
