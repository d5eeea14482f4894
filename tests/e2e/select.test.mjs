// SPDX-License-Identifier: Apache-2.0
// Goal: what an edge holds can be changed while it runs, through HTTP and the command line; it shows the
// old selection until it has the new one; the selection survives kill -9; what is wrong is refused.
// Method: a real root and edge on the loopback; rows and hashes are compared.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Node, cli, feed, folder, must, opened, prepared, until } from './harness.mjs';

const parent = folder('select');
let central;

before(async () => {
  central = await Node.start(prepared(parent, 'central'));
  for (let batch = 0; batch < 4; batch += 1) {
    const events = Array.from({ length: 250 }, (_, i) => opened(batch * 250 + i + 1));
    events.push(...events.map(({ path }) => ({ path, type: 'money_paid', data: { amount: batch } })));
    assert.equal((await central.batch(events)).status, 201);
  }
});
after(() => central.stop());

const put = (edge, ...entries) => edge.request('PUT', '/selection', JSON.stringify(entries), { 'Content-Type': 'application/json' });
const counted = async (edge) => (await edge.rows('select count(*) from account'))[0][0];
const settled = (edge) =>
  until(async () => {
    const { body } = await edge.request('GET', '/selection');
    return JSON.stringify(body.selection) === JSON.stringify(body.wanted) && body.whole && body;
  }, 'the selection');

test('a running edge takes another selection, and keeps it', async () => {
  const data = join(parent, 'edge');
  const edge = await Node.start(data, '--upstream', central.syncUrl, '--select', '/accounts/7', '--select', '/accounts/8');
  await until(async () => (await edge.status()).position === (await central.status()).position, 'the edge');
  assert.equal(await counted(edge), 2);
  const answer = await put(edge, '/accounts/* history none');
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.body.wanted, ['/accounts/* history none']);
  await settled(edge);
  assert.equal(await counted(edge), 1000);
  await central.append('/accounts/7', 'money_paid', { amount: 5 });
  const position = (await central.status()).position;
  await until(async () => (await edge.status()).position === position, 'the payment');
  const hashes = [await edge.status(), await central.status()];
  assert.equal(hashes[0].state_hash, hashes[1].state_hash);
  // by the command line, and of aggregates
  const said = must(['select', '--url', edge.url, 'aggregate "account" where id <= 10', '/accounts/500 history none']);
  assert.match(said, /aggregate "account" where id <= 10/);
  await settled(edge);
  assert.equal(await counted(edge), 10); // the aggregate is authoritative
  await edge.kill();
  const again = await Node.start(data, '--upstream', central.syncUrl);
  const { wanted } = (await again.request('GET', '/selection')).body; // what was answered is durable
  assert.deepEqual(wanted, ['aggregate "account" where id <= 10', '/accounts/500 history none']);
  await settled(again); // what came of it need not have been
  assert.equal(await counted(again), 10);
  assert.match(must(['select', '--url', again.url]), /^held:\n {2}aggregate "account" where id <= 10\n/);
  // what cannot be
  assert.equal((await put(again, '/accounts/**/x')).body.code, 'path_invalid');
  assert.equal((await put(again)).body.code, 'selection_invalid');
  assert.equal((await again.request('PUT', '/selection', '{"a":1}')).body.code, 'request_invalid');
  assert.equal((await again.request('DELETE', '/selection')).status, 405);
  assert.equal((await put(central, '/accounts/1')).body.code, 'request_invalid');
  assert.equal((await put(again, 'aggregate nothing')).status, 200);
  const refused = await until(async () => (await again.request('GET', '/selection')).body.refused, 'the refusal');
  assert.equal(refused.code, 'selection_invalid');
  await settled(again);
  assert.equal(await counted(again), 10);
  assert.equal(await again.stop(), 0);
});

test('a selection that is wanted while there is no upstream is asked for when there is one', async () => {
  const data = join(parent, 'away');
  const edge = await Node.start(data, '--upstream', central.syncUrl, '--select', '/accounts/7 history none');
  await settled(edge);
  assert.equal(await edge.stop(), 0);
  assert.match(must(['select', '--data', data, '/accounts/9 history none']), /wanted:\n {2}\/accounts\/9 history none\n/);
  const again = await Node.start(data, '--upstream', central.syncUrl);
  await settled(again);
  assert.deepEqual(await again.rows('select id from account'), [[9]]);
  assert.equal(await again.stop(), 0);
});

test('the past of what is added comes behind, once; rows are there before', async () => {
  const data = join(parent, 'past');
  const edge = await Node.start(data, '--upstream', central.syncUrl, '--select', '/accounts/7 history none');
  await settled(edge);
  await central.append('/accounts/7', 'money_paid', { amount: 1 });
  const follower = await feed(edge, '/events');
  const first = (await follower.next()).data;
  assert.equal(first.type, "money_paid");
  assert.equal((await put(edge, '/accounts/7', '/accounts/8', '/accounts/9 history since 1')).status, 200);
  await settled(edge);
  await until(async () => (await edge.request('GET', '/selection')).body.past === null, 'the past');
  assert.equal(await counted(edge), 3);
  for (const path of ['/accounts/7', '/accounts/8', '/accounts/9']) {
    const there = (await central.request('GET', `/streams${path}`)).body;
    assert.deepEqual((await edge.request('GET', `/streams${path}`)).body, there);
  }
  const expected = ['/accounts/7', '/accounts/8', '/accounts/9'].map((path) => central.request('GET', `/streams${path}`));
  const total = (await Promise.all(expected)).flatMap(({ body }) => body).map(({ position }) => position);
  const seen = [first.position];
  while (seen.length < total.length) seen.push((await follower.next()).data.position);
  assert.deepEqual(seen.sort((a, b) => a - b), total.sort((a, b) => a - b));
  follower.close();
  const hashes = async () => (await edge.status()).state_hash;
  const hash = await hashes();
  await edge.kill();
  assert.equal(cli(['doctor', '--data', data]).code, 0);
  const again = await Node.start(data, '--upstream', central.syncUrl);
  assert.equal((await again.status()).state_hash, hash);
  assert.equal((await again.request('GET', '/events')).body.length, total.length);
  assert.equal(await again.stop(), 0);
});

test('what is not selected any more leaves the files, and comes back', async () => {
  const data = join(parent, 'purged');
  await central.append('/accounts/2000', 'account_opened', { name: 'remarkable' });
  const edge = await Node.start(data, '--upstream', central.syncUrl, '--select', '/accounts/*');
  const position = (await central.status()).position;
  await until(async () => (await edge.status()).position === position, 'the edge');
  const has = (text) =>
    readdirSync(data).some((name) => name.startsWith('log-') && readFileSync(join(data, name)).includes(text));
  assert.ok(has('remarkable'));
  assert.equal((await put(edge, '/accounts/7', '/accounts/8')).status, 200);
  await settled(edge);
  const purged = await until(async () => {
    const { purge } = await edge.status();
    return purge && !purge.due && purge;
  }, 'the purge');
  assert.ok(purged.rewritten > 0 && purged.freed > 0 && purged.failure === null, JSON.stringify(purged));
  assert.ok(!has('remarkable'));
  const hash = (await edge.status()).state_hash;
  const events = (await edge.request('GET', '/events')).body;
  assert.deepEqual([...new Set(events.map(({ path }) => path))].sort(), ['/accounts/7', '/accounts/8']);
  await edge.kill();
  assert.equal(cli(['doctor', '--data', data]).code, 0);
  const again = await Node.start(data, '--upstream', central.syncUrl);
  assert.equal((await again.status()).state_hash, hash);
  assert.equal((await put(again, '/accounts/*')).status, 200);
  await settled(again);
  await until(async () => (await again.status()).past === null, 'the past');
  assert.equal((await again.status()).state_hash, (await central.status()).state_hash);
  const there = (await central.request('GET', '/streams/accounts/2000')).body;
  assert.deepEqual((await again.request('GET', '/streams/accounts/2000')).body, there);
  assert.ok(has('remarkable'));
  assert.equal(await again.stop(), 0);
});

test('an edge that its upstream refused says so, and does not wait', async () => {
  const edge = await Node.start(join(parent, 'refused'), '--upstream', central.syncUrl, '--select', 'aggregate nothing');
  await until(async () => (await edge.status()).upstream.state === 'error', 'the refusal');
  const answer = await edge.request('GET', '/query?sql=select%201');
  assert.equal(answer.status, 503);
  assert.equal(answer.body.reason, 'selection_invalid');
  assert.match(answer.body.detail, /selection_invalid: /);
  const ready = async () => (await edge.request('GET', '/readyz')).body.reason; // it asks again now and then
  await until(async () => (await ready()) === 'selection_invalid', 'the reason');
  assert.equal((await edge.request('GET', '/selection')).body.whole, false);
  assert.equal(await edge.stop(), 0);
});

test('a query that comes before the upstream is answered when it has come', async () => {
  const late = await Node.start(prepared(parent, 'late'));
  await late.append('/accounts/1', 'account_opened', opened(1).data);
  const { url, data } = late;
  await late.stop();
  const edge = await Node.start(join(parent, 'early'), '--upstream', late.syncUrl, '--select', '/accounts/*');
  const [count, live] = [counted(edge), feed(edge, '/query?sql=select%20id%20from%20account')];
  const again = await Node.start(data, '--listen', url.replace('http://', ''));
  assert.equal(await count, 1);
  assert.deepEqual((await (await live).next()).data.rows, [[1]]);
  (await live).close();
  assert.equal(await edge.stop(), 0);
  assert.equal(await again.stop(), 0);
});
