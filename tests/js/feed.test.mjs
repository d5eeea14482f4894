// SPDX-License-Identifier: Apache-2.0
// Goal: feeds give every event once and in order, take no more than their consumer reads, and end
// for good. Method: a channel of our own that counts what is asked for; bodies cut at every byte.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from './test.mjs';
import { RivuletError } from '../../js/error.js';
import { EventFeed, LatestFeed, LiveFeed } from '../../js/feed.js';
import { settled, take } from './fixture.mjs';

function fake() {
  /** @type {any} */
  const channel = {
    pulls: 0,
    cancelled: 0,
    sink: null,
    feed(/** @type {any} */ _request, /** @type {any} */ sink) {
      channel.sink = sink;
      return 1;
    },
    tell: (/** @type {string} */ kind) => (channel.pulls += kind === 'pull' ? 1 : 0),
    cancel: () => (channel.cancelled += 1),
  };
  return channel;
}

const frame = (/** @type {number} */ n) =>
  `id: ${n}-00\nevent: event\ndata: ${JSON.stringify({ position: n, data: { text: 'ä\\n€ '.repeat(n % 5) } })}\n\n`;

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);

test('events come whole, wherever the pieces are cut', async () => {
  const text = `: idle\n\n${frame(1)}${frame(2)}: idle\n\n${frame(3)}`;
  const all = bytes(text);
  for (let cut = 0; cut <= all.length; cut++) {
    const channel = fake();
    const feed = new EventFeed(channel, {}, new Set());
    const first = feed.next();
    channel.sink.piece(all.slice(0, cut));
    channel.sink.piece(all.slice(cut));
    channel.sink.end();
    const events = [(await first).value, ...(await take(feed, 9))];
    assert.deepEqual(events.map(({ position }) => position), [1, 2, 3]); // prettier-ignore
    assert.deepEqual(events.map(({ cursor }) => cursor), ['1-00', '2-00', '3-00']); // prettier-ignore
    assert.equal(events[1].data.text, 'ä\\n€ '.repeat(2));
  }
});

test('an answer of many pieces is searched for its end once, not with each piece', async () => {
  const channel = fake();
  const feed = new LiveFeed(channel, {}, (answer) => answer, new Set());
  const answers = [feed.next(), feed.next()];
  const { indexOf } = String.prototype;
  let searched = 0;
  String.prototype.indexOf = function (what, from = 0) {
    searched += this.length - from;
    return indexOf.call(this, what, from);
  };
  const text = 'x'.repeat(200000);
  try {
    for (const end of ['', '', ': idle\n\n']) {
      const all = bytes(`event: result\ndata: ${JSON.stringify(end + text)}\n\n`);
      if (end) channel.sink.piece(bytes(end));
      for (let at = 0; at < all.length; at += 1000) channel.sink.piece(all.slice(at, at + 1000));
    }
  } finally {
    String.prototype.indexOf = indexOf;
  }
  assert.deepEqual((await Promise.all(answers)).map(({ value }) => value), [text, text]);
  assert.equal((await feed.next()).value, `: idle\n\n${text}`);
  assert.ok(searched < 3 * 3 * text.length, `${searched} characters were searched`);
  await feed.return();
});

test('a cursor that is kept does not keep the piece that it came with', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const channel = fake();
  const feed = new EventFeed(channel, {}, new Set());
  const cursors = [];
  const size = () => (gc(), process.memoryUsage().heapUsed);
  const before = size();
  const data = 'x'.repeat(60000);
  for (let i = 0; i < 200; i++) {
    const next = feed.next();
    channel.sink.piece(bytes(`id: ${i}-0123456789abcdef\nevent: event\ndata: ${JSON.stringify({ data })}\n\n`));
    cursors.push((await next).value.cursor);
  }
  await feed.return();
  const grown = size() - before;
  assert.equal(cursors[7], '7-0123456789abcdef');
  assert.ok(grown < 20 * data.length, `${grown} bytes are kept`);
});

test('a consumer that does not read is sent no more', async () => {
  const channel = fake();
  const begun = new Set();
  const feed = new EventFeed(channel, {}, begun);
  assert.equal(channel.sink, null); // nothing before it is read
  const first = feed.next();
  assert.equal(begun.size, 1);
  const granted = channel.pulls;
  assert.ok(granted > 0 && granted < 5);
  for (let i = 0; i < granted; i++) channel.sink.piece(bytes(frame(2 * i) + frame(2 * i + 1)));
  await first;
  await settled();
  assert.equal(channel.pulls, granted);
  for (let i = 1; i < 2 * granted; i++) assert.equal((await feed.next()).value.position, i);
  assert.equal(channel.pulls, granted);
  void feed.next(); // all was read: as much may come again
  assert.equal(channel.pulls, 2 * granted);
  await feed.return();
  assert.equal(begun.size, 0);
});

test('a feed that nobody reads leaves nothing at its signal', async () => {
  const abort = new AbortController();
  const listening = () => getEventListeners(abort.signal, 'abort').length;
  const feeds = [1, 2].map(() => new EventFeed(fake(), {}, new Set(), abort.signal));
  assert.equal(listening(), 0);
  const first = feeds[0].next();
  assert.equal(listening(), 1);
  abort.abort();
  assert.deepEqual(await first, { value: undefined, done: true });
  assert.deepEqual(await feeds[1].next(), { value: undefined, done: true });
  assert.equal(listening(), 0);
});

test('return, break and the signal end it, also while next() waits', async () => {
  for (const how of ['return', 'signal', 'break']) {
    const channel = fake();
    const abort = new AbortController();
    const feed = new EventFeed(channel, {}, new Set(), abort.signal);
    if (how === 'break') {
      const first = take(feed, 1);
      channel.sink.piece(bytes(frame(1) + frame(2)));
      await first;
    } else {
      const waiting = [feed.next(), feed.next()];
      if (how === 'return') await feed.return();
      else abort.abort();
      for (const next of waiting) assert.deepEqual(await next, { value: undefined, done: true });
    }
    assert.equal(channel.cancelled, 1, how);
    assert.deepEqual(await feed.next(), { value: undefined, done: true });
    await feed.return();
    abort.abort();
    assert.equal(channel.cancelled, 1, how);
  }
  const over = AbortSignal.abort();
  const channel = fake();
  assert.equal((await new EventFeed(channel, {}, new Set(), over).next()).done, true);
  assert.equal(channel.sink, null);
});

test('an error comes after the events before it, once', async () => {
  const channel = fake();
  const feed = new EventFeed(channel, {}, new Set());
  const first = feed.next();
  channel.sink.piece(bytes(frame(1) + frame(2)));
  channel.sink.fail(new RivuletError('data_damaged', 'at 3'));
  assert.equal((await first).value.position, 1);
  assert.equal((await feed.next()).value.position, 2);
  await assert.rejects(feed.next(), { code: 'data_damaged' });
  assert.equal((await feed.next()).done, true);
});

test('the latest is asked for when it is wanted and something changed', async () => {
  let asked = 0;
  const begun = new Set();
  /** @type {LatestFeed<number>} */
  const feed = new LatestFeed(async () => ++asked, begun);
  assert.equal(asked, 0);
  assert.equal((await feed.next()).value, 1);
  for (let i = 0; i < 100; i++) feed.change();
  await settled();
  assert.equal(asked, 1); // nobody waits for it
  assert.equal((await feed.next()).value, 2);
  const next = feed.next();
  await settled();
  assert.equal(asked, 2);
  feed.change();
  assert.equal((await next).value, 3);
  const last = feed.next();
  await feed.return();
  assert.equal((await last).done, true);
  assert.equal(begun.size, 0);
});

/** Goes on until it is so. */
async function when(met) {
  for (let turns = 0; !met(); turns++) {
    assert.ok(turns < 1e6, String(met));
    await settled();
  }
}

test('the latest is told once while it says the same', async () => {
  let asked = 0;
  let value = [{ n: 1n, at: new Date(0) }];
  const feed = new LatestFeed(async () => (asked++, structuredClone(value)), new Set());
  assert.deepEqual((await feed.next()).value, value);
  const next = feed.next();
  feed.change();
  await when(() => asked === 2);
  await settled();
  value = [{ n: 2n, at: new Date(0) }];
  feed.change();
  assert.deepEqual((await next).value, value);
  const last = feed.next();
  feed.change();
  await when(() => asked === 4);
  value = [];
  feed.change();
  assert.deepEqual((await last).value, []);
});

test('a status that cannot be had ends the feed with the error', async () => {
  const feed = new LatestFeed(async () => {
    throw new RivuletError('panicked');
  }, new Set());
  await assert.rejects(feed.next(), { code: 'panicked' });
  assert.equal((await feed.next()).done, true);
});
