// SPDX-License-Identifier: Apache-2.0
// Goal: each level of durability is told when it is reached and not before, failures reach whoever
// asked, and are not silent when nobody did. Method: facts given by hand.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from './test.mjs';
import { Append, appendRequest, appendResult, Durability } from '../../js/append.js';
import { RivuletError } from '../../js/error.js';
import { settled } from './fixture.mjs';

const levels = /** @type {const} */ (['memory', 'local', 'upstream']);

/** Which levels an append has reached by now. */
async function reached(append) {
  /** @type {string[]} */
  const found = [];
  for (const level of levels) {
    append.durable(level).then(
      () => found.push(level),
      (/** @type {any} */ error) => found.push(`${level}: ${error.code}`),
    );
  }
  await settled();
  return found.sort();
}

function accepted(durability, position) {
  const append = new Append();
  append.accept({ result: { position }, position });
  durability.watch(append);
  return append;
}

/** What is told of an event whose position has not come here. */
const unknown = { version: null, recordedAt: null };

test('a command that runs again before its first answer was taken has what it came to last', async () => {
  const decided = { outcome: 'accepted', position: 9, reason: null };
  const durability = new Durability(() => Promise.resolve(decided));
  const append = new Append();
  append.accept({ result: [{ amount: 3 }], position: 0, edgeSequence: 4, command: 'c' });
  durability.rerun('c', { result: [{ amount: 1 }], position: 0, edgeSequence: 4, command: 'c' });
  for (let i = 0; i < 63; i += 1) durability.rerun(`other ${i}`, { result: [], position: 0 });
  durability.watch(append);
  const upstream = append.durable('upstream');
  durability.update({ root: false, watermark: 9, durable: 9, outboxDurable: 4, settled: 4 }, null);
  assert.deepEqual(await upstream, [{ amount: 1, position: 9, ...unknown }]);
});

test('a command that runs again while it is asked what became of it has what it came to last', async () => {
  const durability = new Durability(async () => {
    await undefined; // by then it is not watched
    durability.rerun('c', { result: [], position: 0, edgeSequence: 4 });
    return { outcome: 'accepted', position: null, reason: null };
  });
  const append = new Append();
  append.accept({ result: [{ amount: 3 }], position: 0, edgeSequence: 4, command: 'c' });
  durability.watch(append);
  const upstream = append.durable('upstream');
  durability.update({ root: false, watermark: 9, durable: 9, outboxDurable: 4, settled: 4 }, null);
  assert.deepEqual(await upstream, []);
});

test('at a root: memory at once, local and upstream with the flush', async () => {
  const durability = new Durability();
  durability.update({ root: true, watermark: 4, durable: 4 }, null);
  const append = accepted(durability, 5);
  const later = accepted(durability, 6);
  assert.deepEqual(await reached(append), ['memory']);
  durability.update({ root: true, watermark: 6, durable: 5 }, null);
  assert.deepEqual(await reached(append), ['local', 'memory', 'upstream']);
  assert.deepEqual(await reached(later), ['memory']);
  assert.deepEqual(await append.durable('local'), { position: 5 });
  assert.deepEqual(await reached(accepted(durability, 5)), ['local', 'memory', 'upstream']);
});

test('at an edge: upstream first, then as the log goes on', async () => {
  const durability = new Durability();
  durability.update({ root: false, watermark: 4, durable: 4 }, null);
  const append = accepted(durability, 9);
  assert.deepEqual(await reached(append), ['upstream']);
  durability.update({ root: false, watermark: 9, durable: 8 }, null);
  assert.deepEqual(await reached(append), ['memory', 'upstream']);
  durability.update({ root: false, watermark: 9, durable: 9 }, null);
  assert.deepEqual(await reached(append), ['local', 'memory', 'upstream']);
});

/** One that an edge has written. */
function written(durability, edgeSequence, count = 1) {
  const append = new Append();
  const events = Array.from({ length: count }, () => ({ position: null, type: 't' }));
  append.accept({ result: count === 1 ? events[0] : events, position: 0, edgeSequence });
  durability.watch(append);
  return append;
}

test('in an outbox: memory at once, local with the flush, upstream with the decision', async () => {
  const asked = [];
  const outcomes = {
    1: { outcome: 'accepted', position: 9, reason: null },
    2: { outcome: 'rejected', position: null, reason: { code: 'check_violation', detail: 'no' } },
    3: { outcome: 'accepted', position: 12, reason: null },
    4: { outcome: 'unknown', position: null, reason: null },
  };
  let settled = 0;
  const durability = new Durability(async (edgeSequence) => {
    if (edgeSequence > settled) return { outcome: 'waiting', edge_sequence: edgeSequence };
    asked.push(edgeSequence);
    return outcomes[edgeSequence];
  });
  const facts = { root: false, watermark: 4, durable: 4 };
  durability.update({ ...facts, outboxDurable: 0, settled: 0 }, null);
  const one = written(durability, 1);
  const two = written(durability, 2);
  const three = written(durability, 3, 2);
  const late = written(durability, 4);
  assert.deepEqual(await reached(one), ['memory']);
  assert.equal(durability.idle, false);
  durability.update({ ...facts, outboxDurable: 4, settled: 0 }, null);
  assert.deepEqual(await reached(one), ['local', 'memory']);
  const refused = two.durable('upstream');
  refused.catch(() => {});
  await reached(one);
  settled = 4;
  durability.update({ ...facts, outboxDurable: 4, settled: 4 }, null);
  assert.equal(durability.idle, true);
  await assert.rejects(refused, { code: 'check_violation', detail: 'no' });
  assert.deepEqual(await one.durable('upstream'), { position: 9, type: 't', ...unknown });
  assert.deepEqual(await one.durable('local'), { position: null, type: 't' });
  assert.deepEqual(asked, [1, 2], 'of the others nobody wanted to know');
  const batch = await three.durable('upstream');
  assert.deepEqual(batch.map((/** @type {any} */ event) => event.position), [11, 12]); // prettier-ignore
  assert.equal(three.position, 12);
  assert.deepEqual(await late.durable('upstream'), { position: null, type: 't', ...unknown });
  assert.deepEqual(asked, [1, 2, 3, 4]);
});

test('what only the root can decide is not looked at with each flush', async () => {
  let looks = 0;
  const durability = new Durability(async (edgeSequence) => ({ outcome: 'waiting', edge_sequence: edgeSequence }));
  const facts = { root: false, watermark: 0, durable: 0, settled: 0 };
  durability.update({ ...facts, outboxDurable: 0 }, null);
  const many = 1000;
  for (let i = 1; i <= many; i++) {
    const append = written(durability, i);
    Object.defineProperty(append, 'decided', { get: () => (looks += 1, false) });
    if (i % 2 === 0) append.durable('upstream').catch(() => {});
    durability.update({ ...facts, outboxDurable: i }, null);
  }
  await settled();
  assert.ok(looks < 5 * many, `${looks} looks at ${many} appends`);
  durability.end(new RivuletError('closing'));
});

test('what the root accepted has the version and the time that the log has, once that is here', async () => {
  const log = Array.from({ length: 20 }, (_, i) => ({
    position: i, event_id: `id ${i === 14 ? 'of another history' : i}`, version: 30 + i, recorded_at: `${i}:00`,
  })); // prettier-ignore
  const asked = [];
  const held = async (first, last) => {
    asked.push([first, last]);
    if (last === 12) throw new RivuletError('data_damaged');
    return log.filter(({ position }) => position >= first && position <= last && position !== 8);
  };
  const durability = new Durability(async (n) => ({ outcome: 'accepted', position: 4 + 2 * n }), held);
  const facts = { root: false, watermark: 4, outboxDurable: 6, settled: 6, connected: true };
  durability.update({ ...facts, durable: 7 }, null);
  const ids = [[5, 6], [7, 8], [9, 10], [11, 12], [14], [16]]; // prettier-ignore
  const appends = ids.map((positions, i) => {
    const append = new Append();
    const events = positions.map((position) => ({ position: null, eventId: `id ${position}`, type: 't' }));
    append.accept({ result: positions.length > 1 ? events : events[0], position: 0, edgeSequence: i + 1 });
    durability.watch(append);
    return append;
  });
  const told = [];
  appends.forEach((append, i) => append.durable('upstream').then((result) => (told[i] = result)));
  await settled();
  const event = (position, known = true) => ({
    type: 't', eventId: `id ${position}`, position, version: known ? 30 + position : null, recordedAt: known ? `${position}:00` : null,
  }); // prettier-ignore
  assert.deepEqual(told, [[event(5), event(6)]], 'of the others the events are on their way');
  assert.equal(durability.idle, false);
  durability.update({ ...facts, durable: 12 }, null);
  await settled();
  assert.deepEqual(told[1], [event(7), event(8, false)], 'one is of a stream that is not selected');
  assert.deepEqual(told[2], [event(9), event(10)]);
  assert.deepEqual(told[3], [event(11, false), event(12, false)], 'the log cannot be read');
  assert.equal(told.length, 4);
  durability.update({ ...facts, durable: 12, connected: false }, null);
  await settled();
  assert.deepEqual(told[4], event(14, false), 'its position has another event by now');
  assert.deepEqual(told[5], event(16), 'without a connection nothing is waited for');
  assert.deepEqual(asked, [[5, 6], [7, 8], [9, 10], [11, 12], [14, 14], [16, 16]]); // prettier-ignore
  assert.equal(durability.idle, true);
});

test('what the root accepted is told to be so when the database ends before it has come', async () => {
  const durability = new Durability(async () => ({ outcome: 'accepted', position: 9 }));
  durability.update({ root: false, watermark: 4, durable: 4, settled: 1, connected: true }, null);
  const upstream = written(durability, 1).durable('upstream');
  await settled();
  durability.end(new RivuletError('closing'));
  assert.deepEqual(await upstream, { type: 't', position: 9, ...unknown });
});

test('a log that goes no further fails what it has not made durable', async () => {
  const durability = new Durability();
  durability.update({ root: true, watermark: 4, durable: 4 }, null);
  const append = accepted(durability, 5);
  const failed = append.durable('local');
  durability.update({ root: true, watermark: 5, durable: 4 }, new RivuletError('storage_failed', 'x'));
  await assert.rejects(failed, { code: 'storage_failed' });
  assert.deepEqual(await reached(append), ['local: storage_failed', 'memory', 'upstream: storage_failed']);
  const closed = new Durability();
  const left = accepted(closed, 5);
  const leftLocal = left.durable();
  closed.end(new RivuletError('closing'));
  await assert.rejects(leftLocal, { code: 'closing' });
});

test('an unknown level is an error, not a wait', async () => {
  await assert.rejects(new Append().durable(/** @type {any} */ ('disk')), { code: 'parameter_invalid' });
  await assert.rejects(new Append().durable(/** @type {any} */ ('toString')), { code: 'parameter_invalid' });
});

test('a failed append is an unhandled rejection, unless somebody asked about it', () => {
  const url = (/** @type {string} */ name) => new URL(`../../js/${name}.js`, import.meta.url).href;
  const program = (/** @type {string} */ asked) => `
    import { Append } from '${url('append')}';
    import { RivuletError } from '${url('error')}';
    const append = new Append();
    ${asked}
    append.fail(new RivuletError('check_violation', 'no'));`;
  const run = (/** @type {string} */ asked) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', program(asked)], { encoding: 'utf8' });
  const silent = run('');
  assert.notEqual(silent.status, 0);
  assert.match(silent.stderr, /check_violation/);
  assert.equal(run("append.durable('memory').catch(() => {});").status, 0);
  assert.notEqual(run("append.durable('memory');").status, 0);
});

test('a request says what options and events say', () => {
  const one = appendRequest({ path: '/a', type: 't', data: { n: 1n } }, { expectedVersion: 3, eventId: 'id' });
  assert.equal(one.body, '{"path":"/a","type":"t","data":{"n":1}}');
  assert.equal(one.expected_version, '3');
  assert.equal(one.idempotency_key, 'id');
  assert.equal(one.durability, 'memory');
  const shared = { actor: 'ada' };
  const batch = appendRequest([{ path: '/a', type: 't', expectedVersion: 'none', eventId: 'x' }, { path: '/b', type: 't', metadata: { m: 1 } }], { metadata: shared });
  assert.deepEqual(JSON.parse(batch.body), [
    { path: '/a', type: 't', data: {}, metadata: shared, event_id: 'x', expected_version: 'none' },
    { path: '/b', type: 't', data: {}, metadata: { m: 1 } },
  ]);
  for (const bad of [{ type: 't' }, { path: 1, type: 't' }, [{ path: '/a' }]]) {
    assert.throws(() => appendRequest(bad), { code: 'request_invalid' });
  }
});

test("an edge's answer is the event; what it says of the batch is beside it", () => {
  const batch = {
    edge_sequence: 7, written_at: '2026', blind: false, unchecked: true, command: { id: 'c', name: 'n', args: null, attempt: 1 },
  }; // prettier-ignore
  const event = { position: null, version: 3, path: '/a', type: 't', event_id: 'e', recorded_at: null, data: {} };
  const named = { position: null, version: 3, path: '/a', type: 't', eventId: 'e', recordedAt: null, data: {} };
  const answers = [
    [{ ...event, ...batch }, false, named],
    [{ ...event, ...batch }, true, [named]],
    [{ events: [event, event], ...batch }, true, [named, named]],
  ];
  for (const [answer, many, result] of answers) {
    const told = appendResult(structuredClone(answer), Boolean(many));
    assert.deepEqual(told, { result, position: 0, edgeSequence: 7, command: 'c' });
  }
});

test('an answer without room says positions only', () => {
  const { result, position } = appendResult({ count: 3, first_position: 7, last_position: 9 }, true);
  assert.deepEqual(result.map((/** @type {any} */ event) => event.position), [7, 8, 9]); // prettier-ignore
  assert.equal(position, 9);
  assert.equal(result[0].data, null);
});

test('facts that come with the answer of what became of a command are not missed', async () => {
  const asked = [];
  const answers = [
    { outcome: 'waiting', edge_sequence: 6 }, // the root refused it, and it runs again
    { outcome: 'accepted', position: null, reason: null },
  ];
  const settle = (/** @type {number} */ settled) =>
    durability.update({ root: false, watermark: 9, durable: 9, outboxDurable: 9, settled }, null);
  const durability = new Durability(async (sequence) => {
    asked.push(sequence);
    await undefined; // it is not watched now
    settle(6);
    return answers.shift();
  });
  const append = new Append();
  append.accept({ result: [{ amount: 3 }], position: 0, edgeSequence: 5, command: 'c' });
  settle(4);
  durability.watch(append);
  const upstream = append.durable('upstream');
  settle(5);
  assert.deepEqual(await upstream, [{ amount: 3, position: null, ...unknown }]);
  assert.deepEqual(asked, [5, 6]);
});
