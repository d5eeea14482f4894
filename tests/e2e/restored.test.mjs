// SPDX-License-Identifier: Apache-2.0
// Goal: a root whose directory is put back to an older copy, and its edge, come to hold the same again once
// that has been said; what the edge wrote is back exactly once, and both tell what happened.
// Method: real processes on the loopback, a directory that is copied while nobody has it open; the CLI and
// HTTP of both sides.
import assert from 'node:assert/strict';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Node, cli, folder, must, opened, synced, until } from './harness.mjs';
import { schema } from './harness.mjs';

const parent = folder('restored');

const edgeOf = (name, root) =>
  Node.start(join(parent, `${name}-edge`), '--upstream', root.syncUrl, '--select', '/**');
const restarted = (root) => Node.start(root.data, '--listen', `127.0.0.1:${root.port}`);

/** A root with an account of 10 and an edge, the backup of the root, and what both wrote since. */
async function story(name) {
  const data = join(parent, `${name}-root`);
  const backup = join(parent, `${name}-backup`);
  must(['schema', 'apply', '-', '--data', data], schema);
  let root = await Node.start(data);
  assert.equal((await root.batch([opened(1)])).status, 201);
  const edge = await edgeOf(name, root);
  await synced(edge, 2);
  assert.equal((await edge.append('/accounts/1', 'money_paid', { amount: 10 })).status, 202);
  await synced(edge, 3);
  assert.equal(await root.stop(), 0);
  cpSync(data, backup, { recursive: true });
  root = await restarted(root);
  const ids = [];
  for (let i = 0; i < 5; i += 1) {
    const answer = await edge.append('/accounts/1', 'money_paid', { amount: 1 });
    assert.equal(answer.status, 202, answer.text);
    ids.push(answer.body.event_id);
    assert.equal((await root.append('/accounts/1', 'money_paid', { amount: 1000 })).status, 201);
  }
  await until(async () => (await edge.status()).outbox.pending === 0, 'decisions');
  await synced(edge, 13);
  return { root, edge, backup, ids };
}

const balance = async (node) => (await node.rows('select balance from account where id = 1'))[0][0];

test('a root is put back, and says so when its edge is told of', async () => {
  let { root, edge, backup, ids } = await story('late');
  assert.equal(await balance(edge), 5015);
  await root.kill();
  rmSync(root.data, { recursive: true });
  cpSync(backup, root.data, { recursive: true });
  root = await restarted(root);
  await until(async () => (await root.status()).diverged_edges !== undefined, 'the edge');
  const told = await until(async () => {
    const { upstream } = await edge.status();
    return upstream.reason?.code === 'upstream_diverged' && upstream.reason;
  }, 'the reason');
  assert.match(told.detail, /rivulet restored/);
  assert.equal(told.upstream_position, 3);
  assert.equal(await balance(edge), 5015, 'nothing happens before it is said');
  assert.equal((await edge.append('/accounts/1', 'money_paid', { amount: 100 })).status, 202);
  const refused = cli(['restored', '--url', edge.url]);
  assert.equal(refused.code, 1, 'an edge does not begin an epoch');
  assert.match(refused.err, /not_root/);
  assert.match(must(['restored', '--url', root.url]), /^epoch \d+ begins behind position 3;/);
  await edge.stop(); // it would come again within half a minute
  edge = await edgeOf('late', root);
  await until(async () => (await edge.status()).outbox.pending === 0, 'decisions');
  const there = await root.status();
  const here = await synced(edge, there.position);
  assert.equal(there.position, 3 + 5 + 1);
  assert.equal(here.state_hash, there.state_hash);
  assert.equal(here.epoch, there.epoch);
  assert.equal(here.outbox.rejected, 0);
  assert.equal(await balance(root), 115);
  assert.equal(await balance(edge), 115);
  const events = (await root.request('GET', '/events')).body;
  for (const id of ids) {
    assert.equal(events.filter((event) => event.event_id === id).length, 1);
  }
  assert.deepEqual((await edge.request('GET', '/events')).body, events);
  const { diverged } = here;
  assert.equal(diverged.from, 13);
  assert.equal(diverged.epoch, there.epoch);
  assert.equal(diverged.dropped, 13 - diverged.to);
  assert.ok(diverged.to <= 3 && diverged.requeued >= 5, JSON.stringify(diverged));
  const names = readdirSync(edge.data);
  assert.ok(names.some((name) => name.startsWith('cut-')), 'what was dropped is kept');
  assert.ok(!names.includes('rewind'));
  assert.equal(await edge.stop(), 0);
  assert.equal(cli(['doctor', '--data', edge.data]).code, 0);
  assert.equal(await root.stop(), 0);
});

test('a root says so before it is started, and a connected edge goes back in place', async () => {
  let { root, edge, backup } = await story('early');
  await root.kill();
  rmSync(root.data, { recursive: true });
  cpSync(backup, root.data, { recursive: true });
  const said = must(['restored', '--json', '--data', root.data]);
  assert.equal(said.position, 3);
  root = await restarted(root);
  const there = await until(async () => {
    const status = await root.status();
    return status.position === 8 && status;
  }, 'what the edge had written');
  const here = await synced(edge, 8);
  assert.equal(here.state_hash, there.state_hash);
  assert.equal(here.epoch, said.epoch);
  assert.equal(here.diverged.from, 13);
  assert.equal(await balance(edge), 15);
  assert.equal((await edge.append('/accounts/1', 'money_paid', { amount: 1 })).status, 202);
  await synced(edge, 9);
  assert.equal(await balance(root), 16);
  assert.equal(await edge.stop(), 0);
  assert.equal(await root.stop(), 0);
});
