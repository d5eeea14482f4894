// SPDX-License-Identifier: Apache-2.0
// Goal: kill -9 of central node and edge, twenty times during an import, loses nothing that was
// acknowledged, keeps no batch in part, and both end at the state of a run that was never disturbed.
// Method: batches are posted one after the other; at a random moment one of the two processes is
// killed and started again. The position after a restart tells how many events are there: at least
// the acknowledged ones, and whole batches only.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { Node, folder, must, ndjson, prepared, sleep, synced } from './harness.mjs';

const KILLS = 20;
const BATCH = 100;
const BATCHES = 600;

/** Events that depend on the ones before: accounts, payments, contacts that are renamed. */
function makeEvents() {
  const events = [];
  for (let i = 0; events.length < BATCH * BATCHES; i += 1) {
    const path = `/accounts/${i}`;
    const contact = { contact_id: `${i}/a` };
    events.push(
      { path, type: 'account_opened', data: { name: `n${i}` } },
      { path, type: 'contact_added', data: { ...contact, name: 'Ada' } },
      { path: `/accounts/${i >> 1}`, type: 'money_paid', data: { amount: i } },
      { path, type: 'contact_renamed', data: { ...contact, name: `Ada ${i}` } },
    );
  }
  return events.slice(0, BATCH * BATCHES);
}

/** Splitmix in small: the same moments in every run. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

test(`kill -9, ${KILLS} times`, { timeout: 240000 }, async () => {
  const parent = folder('crash');
  const events = makeEvents();
  const undisturbed = prepared(parent, 'undisturbed');
  must(['import', ndjson(join(parent, 'events.ndjson'), events), '--batch', String(BATCH), '--data', undisturbed]);
  const expected = must(['status', '--hash', '--json', '--data', undisturbed]);
  assert.equal(expected.position, events.length + 1);

  let central = await Node.start(prepared(parent, 'central'));
  const address = ['--listen', `127.0.0.1:${central.port}`];
  const startEdge = () =>
    Node.start(join(parent, 'edge'), '--upstream', central.syncUrl, '--select', '/**');
  let edge = await startEdge();
  const next = random(20);
  let acknowledged = 0;
  let kills = 0;
  let edgeHeld = 0;

  for (let at = 0; at < events.length || kills < KILLS; ) {
    let killed = null;
    const killing = kills < KILLS
      ? sleep(5 + next() * 60).then(async () => {
        killed = kills % 2 === 0 ? central : edge;
        kills += 1;
        await killed.kill();
      })
      : null;
    const share = kills < KILLS ? Math.ceil((events.length * (kills + 1)) / (KILLS + 1)) : events.length;
    try {
      while (at < events.length && (at < share || kills === KILLS) && killed === null) {
        const answer = await central.batch(events.slice(at, at + BATCH));
        assert.equal(answer.status, 201, answer.text);
        at += BATCH;
        acknowledged = at;
      }
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
    }
    await killing;
    if (killed === central) {
      central = await Node.start(central.data, ...address);
      const held = (await central.status()).position - 1;
      assert.ok(held >= acknowledged, `${held} of ${acknowledged} acknowledged events are there`);
      assert.equal(held % BATCH, 0, 'batches are whole');
      at = held;
    } else if (killed === edge) {
      edge = await startEdge();
      const status = await edge.status();
      assert.ok(status.synced_to >= edgeHeld, 'what the edge told as durable is there');
      edgeHeld = status.synced_to;
    }
  }
  assert.equal(kills, KILLS);
  const there = await central.status();
  assert.equal(there.position, expected.position);
  assert.equal(there.state_hash, expected.state_hash);
  const here = await synced(edge, there.position);
  assert.equal(here.state_hash, expected.state_hash);
  assert.equal(await edge.stop(), 0);
  assert.equal(await central.stop(), 0);
});
