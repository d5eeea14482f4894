// SPDX-License-Identifier: Apache-2.0
// Goal: rejections() tells each batch that was refused once, in whatever order they are decided, and
// what is told costs what is new, not what nobody has acknowledged. Method: a database over a worker
// that is played here: it keeps a list, counts what it gives of it, and tells the facts.
import assert from 'node:assert/strict';
import { test } from './test.mjs';
import { Database } from '../../js/database.js';
import { fact } from '../../js/facts.js';

/** A worker with an outbox: what `refuse` gets is in its list. */
class Outbox {
  #receive;
  #values = new Array(fact.count).fill(0);
  #refused = [];
  given = 0;

  spawn = (receive) => {
    this.#receive = receive;
    return { post: (messages) => messages.forEach((message) => this.#take(message)), end() {} };
  };

  #take([kind, id, request]) {
    const target = new URL(request?.target ?? '/', 'http://worker');
    let answer = null;
    if (target.pathname === '/rejections') {
      const { after, limit } = Object.fromEntries(target.searchParams);
      const list = this.#refused.filter((it) => it.edge_sequence > Number(after)).slice(0, Number(limit));
      this.given += list.length;
      answer = JSON.stringify(list);
    }
    if (kind !== 'cancel') queueMicrotask(() => this.#receive([['answer', id, answer]]));
  }

  /** These are refused, and all is decided up to there. */
  refuse(sequences, settled, epoch = 0) {
    const reason = { code: 'version_conflict', detail: 'conflict', judged_at: 7 };
    for (const edge_sequence of sequences) {
      const events = [{ event_id: `event-${epoch}-${edge_sequence}`, data: {} }];
      this.#refused.push({ edge_sequence, written_at: '', reason, events });
    }
    this.#refused.sort((a, b) => a.edge_sequence - b.edge_sequence);
    this.#values[fact.role] = 1;
    this.#values[fact.rejections] = this.#refused.length;
    this.#values[fact.outboxSettled] = settled;
    this.#values[fact.divergedEpoch] = epoch;
    this.#receive([['facts', [...this.#values], { reason: null, failure: null }]]);
  }
}

const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

async function opened() {
  const outbox = new Outbox();
  const db = await Database.open({ name: 'played' }, outbox.spawn);
  const feed = db.rejections();
  const next = async (count) => {
    const told = [];
    while (told.length < count) told.push((await feed.next()).value.edgeSequence);
    return told;
  };
  return { outbox, db, feed, next };
}

test('what was told is not listed again, however much of it nobody has acknowledged', async () => {
  const { outbox, db, next } = await opened();
  outbox.refuse(range(1, 300), 300);
  assert.deepEqual(await next(300), range(1, 300));
  const before = outbox.given;
  for (let sequence = 301; sequence <= 350; sequence += 1) {
    const coming = next(1);
    outbox.refuse([sequence], sequence);
    assert.deepEqual(await coming, [sequence]);
  }
  assert.ok(outbox.given - before <= 2 * 50 + 300, `${outbox.given - before} were listed for 50 new ones`);
  await db.close();
});

test('what is refused later and stands before others is told, also after going back', async () => {
  const { outbox, db, next } = await opened();
  outbox.refuse([2, 3, 5], 0); // 1 waits
  assert.deepEqual(await next(3), [2, 3, 5]);
  outbox.refuse([1], 3);
  assert.deepEqual(await next(1), [1]);
  outbox.refuse([4, 6], 6);
  assert.deepEqual(await next(2), [4, 6]);
  outbox.refuse([7], 7);
  assert.deepEqual(await next(1), [7]);
  outbox.refuse([1], 7, 2); // accepted once, requeued, and refused in another epoch
  assert.deepEqual(await next(1), [1]);
  await db.close();
});

test('the facts of a reason have the names that JavaScript has', async () => {
  const { outbox, db, feed } = await opened();
  outbox.refuse([1], 1);
  const { value } = await feed.next();
  assert.equal(value.reason.judgedAt, 7);
  assert.equal(value.reason.code, 'version_conflict');
  await db.close();
});
