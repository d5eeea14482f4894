// SPDX-License-Identifier: Apache-2.0
// Goal: an edge holds what it selects, keeps it without its upstream, goes on where it was, and what is
// appended through it is decided by the root.
// Method: real processes on the loopback; both sides' events, rows and state hashes are compared.
import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Node, feed, folder, must, opened, prepared, synced, until } from './harness.mjs';

const parent = folder('sync');
let central;

before(async () => {
  central = await Node.start(prepared(parent, 'central'));
  for (let batch = 0; batch < 10; batch += 1) {
    const events = Array.from({ length: 300 }, (_, i) => opened(batch * 300 + i + 1));
    events.push(...events.map(({ path }) => ({ path, type: 'money_paid', data: { amount: batch } })));
    assert.equal((await central.batch(events)).status, 201);
  }
});
after(() => central.stop());

const edgeOf = (name, ...patterns) =>
  Node.start(join(parent, name), '--upstream', central.syncUrl, ...patterns.flatMap((p) => ['--select', p]));

test('an edge of everything reaches the same state; its feed goes on with what comes', async () => {
  const edge = await edgeOf('all', '/**');
  const live = await feed(edge, '/events?path=/accounts/5000');
  const there = await central.status();
  const here = await synced(edge, there.position);
  assert.equal(here.state_hash, there.state_hash);
  assert.equal(here.sequence, there.sequence);
  assert.deepEqual(here.aggregates, there.aggregates);
  assert.equal(here.role, 'edge');
  assert.equal(here.log_id, there.log_id);
  await central.append('/accounts/5000', 'account_opened', { name: 'Live' });
  assert.equal((await live.next()).data.data.name, 'Live');
  live.close();
  assert.equal(await edge.stop(), 0);
});

test('an edge of two streams holds these, with gaps in position and none in version', async () => {
  const edge = await edgeOf('two', '/accounts/7', '/accounts/8');
  const there = await central.status();
  await synced(edge, there.position);
  const events = (await edge.request('GET', '/events')).body;
  assert.equal(events.length, 4);
  for (const path of ['/accounts/7', '/accounts/8']) {
    const here = events.filter((event) => event.path === path);
    assert.deepEqual(here.map((event) => event.version), [1, 2]);
    assert.deepEqual(here, (await central.request('GET', `/streams${path}`)).body);
  }
  assert.deepEqual(await edge.rows('select id from account order by id'), [[7], [8]]);
  assert.equal(await edge.stop(), 0);
});

/** The members that docs/http.md tells of in the table of this name. */
function told(table) {
  const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');
  const rows = page.split(`\n| \`${table}\` | |\n|---|---|\n`)[1].split('\n\n')[0].split('\n');
  return rows.flatMap((row) => Array.from(row.split('|')[1].matchAll(/`(\w+)`/g), ([, name]) => name));
}

test('what the status of an edge has is on its page, and nothing else', async () => {
  const edge = await edgeOf('status', '/accounts/7');
  const { upstream, outbox } = await synced(edge, (await central.status()).position);
  assert.deepEqual(told('upstream').sort(), Object.keys(upstream).sort());
  const seldom = ['held_back', 'unknown']; // where there are any
  assert.deepEqual(told('outbox').sort(), [...seldom, ...Object.keys(outbox)].sort());
  assert.equal(await edge.stop(), 0);
});

const upstream = { Durability: 'upstream' };

test('an append through an edge is decided by the root and answered confirmed', async () => {
  const edge = await edgeOf('decided', '/accounts/*');
  await synced(edge, (await central.status()).position);
  const answer = await edge.append('/accounts/9', 'money_paid', { amount: 3 }, upstream);
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.body.version, 3);
  assert.equal(answer.body.position, (await central.status()).position);
  assert.deepEqual(await edge.rows('select balance from account where id = 9'), [[3]]);
  const refused = await edge.append('/accounts/9', 'money_paid', { amount: 3 }, { ...upstream, 'Expected-Version': '1' });
  assert.equal(refused.status, 409);
  assert.equal(refused.body.code, 'version_conflict');
  assert.equal(refused.body.actual, 3);
  const headers = { ...upstream, 'Idempotency-Key': '0191d1e5-0000-7000-8000-00000000000a' };
  const first = await edge.append('/accounts/9', 'money_paid', { amount: 1 }, headers);
  const again = await edge.append('/accounts/9', 'money_paid', { amount: 1 }, headers);
  assert.equal(again.body.position, first.body.position);
  assert.equal(await edge.stop(), 0);
});

test('many appends through an edge at once are each decided once', async () => {
  const edge = await edgeOf('many', '/accounts/*');
  await synced(edge, (await central.status()).position);
  const one = async (i) => {
    for (;;) {
      const answer = await edge.append('/accounts/10', 'money_paid', { amount: 1 }, upstream);
      if (answer.body.code !== 'busy') return answer.status;
      await new Promise((resolve) => setTimeout(resolve, i));
    }
  };
  const [[start]] = await central.rows('select balance from account where id = 10');
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => one(i)));
  assert.ok(answers.every((status) => status === 201), answers.join(' '));
  assert.deepEqual(await central.rows('select balance from account where id = 10'), [[start + 100]]);
  assert.deepEqual(await edge.rows('select balance from account where id = 10'), [[start + 100]]);
  assert.equal(await edge.stop(), 0);
});

test('without its upstream an edge answers reads, keeps appends, and catches up', async () => {
  const edge = await edgeOf('offline', '/**');
  const before_ = await central.status();
  await synced(edge, before_.position);
  const address = ['--listen', `127.0.0.1:${central.port}`];
  await central.kill();
  const kept = await edge.append('/accounts/1', 'money_paid', { amount: 1 });
  assert.equal(kept.status, 202, kept.text);
  assert.deepEqual(await edge.rows('select count(*) from account where id < 10'), [[9]]);
  await edge.kill();
  must(['append', '/accounts/6000', 'account_opened', '{"name":"Off"}', '--data', central.data]);
  central = await Node.start(central.data, ...address);
  const again = await edgeOf('offline', '/**');
  const there = await central.status();
  assert.ok(there.position >= before_.position + 1);
  await until(async () => (await again.status()).outbox.pending === 0, 'the decision');
  const here = await synced(again, before_.position + 2);
  assert.equal(here.state_hash, (await central.status()).state_hash);
  assert.equal(await again.stop(), 0);
});

test('an edge that was told its selection once needs not be told again', async () => {
  const edge = await edgeOf('two');
  assert.deepEqual((await edge.status()).selection, ['/accounts/7', '/accounts/8']);
  assert.equal(await edge.stop(), 0);
  const status = must(['status', '--hash', '--json', '--data', edge.data]);
  assert.equal(status.role, 'edge');
  assert.ok(status.synced_to > 0);
});

test('an edge hears goodbye when its upstream stops, and comes back', async () => {
  const edge = await edgeOf('goodbye', '/accounts/7');
  await synced(edge, (await central.status()).position);
  const address = ['--listen', `127.0.0.1:${central.port}`];
  assert.equal(await central.stop(), 0);
  const reason = await until(async () => (await edge.status()).upstream.reason, 'a reason');
  assert.equal(reason.code, 'upstream_unreachable');
  assert.match(reason.detail, /upstream is closing|cannot connect/);
  central = await Node.start(central.data, ...address);
  await until(async () => (await edge.status()).upstream.state === 'connected', 'the connection');
  assert.equal(await edge.stop(), 0);
});

test('of a name with several addresses the first that answers is taken', async (t) => {
  const addresses = await lookup('localhost', { all: true });
  if (addresses.length < 2) {
    t.skip('localhost has one address here');
    return;
  }
  for (const { address, family } of addresses) {
    const node = await Node.start(prepared(parent, `at-${family}`), '--listen',
      family === 6 ? `[${address}]:0` : `${address}:0`);
    const edge = await Node.start(join(parent, `of-${family}`), '--upstream', `ws://localhost:${node.port}`,
      '--select', '/**');
    await synced(edge, (await node.status()).position);
    assert.equal(await edge.stop(), 0);
    assert.equal(await node.stop(), 0);
  }
});
