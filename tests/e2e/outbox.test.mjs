// SPDX-License-Identifier: Apache-2.0
// Goal: what is written at an edge without its root is kept through a kill, reaches the root once, and
// is either confirmed or refused with a reason that is shown until it is acknowledged.
// Method: real processes on the loopback, killed at chosen moments; the CLI and HTTP of both sides.
import assert from 'node:assert/strict';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';

import { Node, bankSchema, cli, folder, must, opened, synced, until } from './harness.mjs';

const parent = folder('outbox');

/** A root with two accounts, of 10 each, and an edge that holds what `pattern` selects. */
async function pair(name, pattern = '/**') {
  const data = join(parent, `${name}-root`);
  must(['schema', 'apply', '-', '--data', data], bankSchema);
  const root = await Node.start(data);
  for (const id of [1, 2]) {
    const events = [opened(id), { path: `/accounts/${id}`, type: 'money_paid', data: { amount: 10 } }];
    assert.equal((await root.batch(events)).status, 201);
  }
  const edge = await edgeOf(name, root, pattern);
  await synced(edge, 5);
  return { root, edge };
}

const edgeOf = (name, root, pattern) =>
  Node.start(join(parent, `${name}-edge`), '--upstream', root.syncUrl, '--select', pattern);

/** The root again, where it was. */
const restarted = (root) => Node.start(root.data, '--listen', `127.0.0.1:${root.port}`);

const pendingOf = async (node) => (await node.request('GET', '/pending')).body;
const rejectionsOf = async (node) => (await node.request('GET', '/rejections')).body;
const decided = (edge) => until(async () => (await edge.status()).outbox.pending === 0, 'decisions');

/** All that both hold is the same. */
async function same(root, edge) {
  const there = await root.status();
  const here = await synced(edge, there.position);
  assert.equal(here.state_hash, there.state_hash);
  assert.deepEqual((await edge.request('GET', '/events')).body, (await root.request('GET', '/events')).body);
}

test('offline, killed, and back: each is confirmed once, and one is refused', async () => {
  let { root, edge } = await pair('crash');
  await root.kill();
  const written = [];
  for (let i = 0; i < 20; i += 1) {
    const answer = await edge.append('/accounts/1', 'money_paid', { amount: 1 });
    assert.equal(answer.status, 202, answer.text);
    assert.equal(answer.body.position, null);
    assert.equal(answer.body.version, 3 + i);
    assert.equal(answer.body.recorded_at, null);
    assert.equal(answer.body.edge_sequence, i + 1);
    assert.deepEqual(answer.body.data, { id: 1, amount: 1 });
    assert.equal(answer.body.blind || answer.body.unchecked, false);
    written.push(answer.body.event_id);
  }
  const all = await edge.append('/accounts/2', 'money_taken', { amount: 10 });
  assert.equal(all.status, 202);
  assert.deepEqual(await edge.rows('select balance from account order by id'), [[30], [0]]);
  const over = await edge.append('/accounts/2', 'money_taken', { amount: 1 });
  assert.equal(over.status, 422, 'what breaks a constraint here never waits');
  assert.equal(over.body.code, 'check_violation');
  const { outbox } = await edge.status();
  assert.equal(outbox.pending, 21);
  assert.equal(outbox.durable, 21);
  assert.equal(outbox.suspended + outbox.rejected, 0);
  await edge.kill();
  must(['append', '/accounts/2', 'money_taken', '{"amount":5}', '--data', root.data]);
  edge = await edgeOf('crash', root, '/**');
  assert.equal((await edge.status()).outbox.pending, 21);
  const list = await pendingOf(edge);
  assert.deepEqual(list.slice(0, 20).map(({ events }) => events[0].event_id), written);
  assert.ok(list.every(({ state, durable }) => state === 'waiting' && durable));
  assert.deepEqual(await edge.rows('select balance from account order by id'), [[30], [0]]);

  root = await restarted(root);
  await decided(edge);
  await same(root, edge);
  const events = (await root.request('GET', '/events')).body;
  const ids = events.map((event) => event.event_id);
  for (const id of written) assert.equal(ids.filter((it) => it === id).length, 1);
  assert.equal(ids.includes(all.body.event_id), false);
  const [refused, ...others] = await rejectionsOf(edge);
  assert.equal(others.length, 0);
  assert.equal(refused.events[0].event_id, all.body.event_id);
  assert.equal(refused.reason.code, 'check_violation');
  assert.deepEqual(await edge.rows('select balance from account order by id'), [[30], [5]]);

  await edge.kill();
  edge = await edgeOf('crash', root, '/**');
  assert.deepEqual(await rejectionsOf(edge), [refused]);
  const again = await edge.append('/accounts/1', 'money_paid', { amount: 1 }, { 'Idempotency-Key': written[0] });
  assert.equal(again.status, 201, again.text);
  const place = `/rejections/${all.body.event_id}`;
  assert.equal((await edge.request('DELETE', place)).status, 200);
  assert.equal((await edge.request('DELETE', place)).status, 404);
  assert.deepEqual(await rejectionsOf(edge), []);
  assert.equal(await edge.stop(), 0);
  assert.equal(await root.stop(), 0);
});

test('who asks for `upstream` hears what the root decided', async () => {
  const { root, edge } = await pair('upstream', '/accounts/1');
  const upstream = { Durability: 'upstream' };
  const one = await edge.append('/accounts/1', 'money_paid', { amount: 1 }, upstream);
  assert.equal(one.status, 201, one.text);
  assert.deepEqual(one.body, {
    position: 6,
    version: 3,
    path: '/accounts/1',
    type: 'money_paid',
    event_id: one.body.event_id,
    recorded_at: one.body.recorded_at,
    data: { id: 1, amount: 1 },
  });
  assert.deepEqual((await root.request('GET', '/events?from=6')).body[0].event_id, one.body.event_id);
  const blind = await edge.append('/accounts/2', 'money_paid', { amount: 1 }, upstream);
  assert.equal(blind.status, 201, blind.text);
  assert.equal(blind.body.position, 7);
  assert.equal(blind.body.version, null);
  assert.equal(blind.body.blind, true);
  const refused = await edge.append('/accounts/2', 'money_taken', { amount: 100 }, upstream);
  assert.equal(refused.status, 422, refused.text);
  assert.equal(refused.body.code, 'check_violation');
  assert.equal((await rejectionsOf(edge)).length, 1);
  const conflict = await edge.append('/accounts/2', 'money_paid', { amount: 1 },
    { ...upstream, 'Expected-Version': '1' });
  assert.equal(conflict.status, 409, conflict.text);
  assert.equal(conflict.body.code, 'version_conflict');

  await root.kill();
  await until(async () => (await edge.status()).upstream.state === 'offline', 'the end of the connection');
  const kept = await edge.append('/accounts/1', 'money_paid', { amount: 1 }, upstream);
  assert.equal(kept.status, 202, kept.text);
  assert.equal((await edge.status()).outbox.durable, kept.body.edge_sequence);
  assert.equal(await edge.stop(), 0);
});

test('a client that goes away while it waits takes nothing back', async () => {
  let { root, edge } = await pair('away');
  root.child.kill('SIGSTOP'); // connected, and silent
  const request = http.request(`${edge.url}/streams/accounts/1`, {
    method: 'POST',
    headers: { 'X-Event-Type': 'money_paid', Durability: 'upstream' },
  });
  request.on('error', () => {});
  request.end('{"amount":7}');
  await until(async () => (await pendingOf(edge)).length === 1, 'the event in the outbox');
  request.destroy();
  root.child.kill('SIGCONT');
  await decided(edge);
  await same(root, edge);
  assert.deepEqual(await root.rows('select balance from account order by id'), [[17], [10]]);
  assert.equal(await edge.stop(), 0);
  assert.equal(await root.stop(), 0);
});

test('keys that the root leases are waited for, and missed without it', async () => {
  const { root, edge } = await pair('keys');
  const ticket = await edge.append('/ticket_events', 'ticket_opened', { text: 'a' });
  assert.equal(ticket.status, 202, ticket.text);
  assert.equal(ticket.body.path, '/tickets/1');
  const second = await edge.append('/ticket_events', 'ticket_opened', { text: 'b' }, { Durability: 'upstream' });
  assert.equal(second.status, 201, second.text);
  assert.equal(second.body.path, '/tickets/2');
  assert.equal(second.body.position, (await root.status()).position);
  // Both sides tell whose the keys are; what is left is less by what was used.
  const [here, there] = [(await edge.status()).leases, (await root.status()).leases];
  assert.equal(here.aggregates.ticket.keys_left, here.keys_left);
  assert.equal(here.keys_left, there.keys - 2);
  assert.deepEqual(here.aggregates.ticket.held[0], { first: 1, last: 256, next: 3 });
  assert.deepEqual(there, { aggregates: { ticket: { blocks: 1, keys: 256, last: 256 } }, blocks: 1, keys: 256 });
  await root.kill();
  const none = await until(async () => {
    const answer = await edge.append('/ticket_events', 'ticket_opened', { text: 'b' });
    return answer.body.code === 'no_keys' && answer;
  }, 'no keys');
  assert.equal(none.status, 503);
  // Keys that were leased before the kill are used up by then: this one is above any of them.
  const own = await edge.append('/ticket_events', 'ticket_opened', { id: 1000007, text: 'b' });
  assert.equal(own.status, 202, own.text);
  assert.equal(await edge.stop(), 0);
});

test('the command line shows the same, over HTTP and over the directory', async () => {
  let { root, edge } = await pair('cli');
  await root.kill();
  const data = edge.data;
  const address = root.port;
  const append = (...more) => cli(['append', '/accounts/1', 'money_taken', '{"amount":8}', ...more]);
  const first = append('--url', edge.url);
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /^\/accounts\/1 waits for the root's decision; batch 1, event [0-9a-f-]{36}\n$/);
  const bad = append('--url', edge.url);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /check_violation/);
  assert.equal(append('--durability', 'soon', '--url', edge.url).code, 2);
  assert.equal(await edge.stop(), 0);

  const offline = must(['append', '/accounts/2', 'money_paid', '{"amount":2}', '--durability', 'upstream',
    '--json', '--data', data]);
  assert.equal(offline.position, null);
  const list = must(['pending', '--data', data]);
  assert.match(list, /batch +state +position +path +type/);
  assert.match(list, / 1 +waiting +\/accounts\/1 +money_taken /);
  assert.match(list, / 2 +waiting +\/accounts\/2 +money_paid /);
  assert.match(list, /\(2 batches\)\n$/);
  assert.deepEqual(must(['pending', '--json', '--data', data]).map((it) => it.edge_sequence), [1, 2]);
  assert.match(must(['status', '--data', data]), /outbox\.pending +2\n/);

  must(['append', '/accounts/1', 'money_taken', '{"amount":5}', '--data', root.data]);
  root = await Node.start(root.data, '--listen', `127.0.0.1:${address}`);
  edge = await edgeOf('cli', root, '/**');
  await decided(edge);
  assert.match(must(['pending', '--url', edge.url]), /\(0 batches\)\n$/);
  const refused = must(['rejections', '--url', edge.url]);
  assert.match(refused, / 1 +\/accounts\/1 +money_taken +[0-9a-f-]{36} +check_violation: /);
  const [{ events }] = must(['rejections', '--json', '--url', edge.url]);
  assert.equal(cli(['rejections', '--forget', 'x', '--url', edge.url]).code, 2);
  must(['rejections', '--forget', events[0].event_id, '--url', edge.url]);
  assert.match(must(['rejections', '--url', edge.url]), /\(0 batches\)\n$/);
  const done = cli(['append', '/accounts/2', 'money_paid', '{"amount":1}', '--durability', 'upstream', '--url', edge.url]);
  assert.match(done.out, /is at version 4; position/);
  assert.equal(await edge.stop(), 0);
  assert.equal(await root.stop(), 0);
  assert.deepEqual(must(['pending', '--json', '--data', root.data]), []);
});
