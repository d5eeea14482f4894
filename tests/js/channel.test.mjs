// SPDX-License-Identifier: Apache-2.0
// Goal: every call over the channel ends, with its own answer, whatever becomes of the worker, and
// errors come over whole. Method: a port that is an array.
import assert from 'node:assert/strict';
import { test } from './test.mjs';
import { Channel, WAITING_MAX } from '../../js/channel.js';
import { RivuletError } from '../../js/error.js';
import { settled } from './fixture.mjs';

function pair() {
  /** @type {any[]} */
  const posted = [];
  const port = { ended: 0, post: (/** @type {any} */ list) => posted.push(list), end: () => (port.ended += 1) };
  return { posted, port, channel: new Channel(port) };
}

test('calls of one go are one message, answered in any order', async () => {
  const { posted, channel } = pair();
  const calls = [channel.call('request', 'a'), channel.call('request', 'b'), channel.call('status')];
  await settled();
  assert.equal(posted.length, 1);
  const ids = posted[0].map(([, id]) => id);
  channel.receive([['answer', ids[2], 3], ['answer', ids[0], 1]]); // prettier-ignore
  channel.receive([['answer', ids[1], 2], ['answer', ids[1], 'twice'], ['answer', 999, 'nobody']]); // prettier-ignore
  assert.deepEqual(await Promise.all(calls), [1, 2, 3]);
});

test('a question is taken back by its signal, and what comes then is for nobody', async () => {
  const { posted, channel } = pair();
  const controller = new AbortController();
  const [kept, taken] = [channel.call('request', 'a'), channel.call('request', 'b', 1, controller.signal)];
  await settled();
  const ids = posted[0].map(([, id]) => id);
  controller.abort(new Error('enough'));
  await assert.rejects(taken, /enough/);
  await settled();
  assert.deepEqual(posted[1].map(([kind, id]) => [kind, id]), [['cancel', ids[1]]]); // prettier-ignore
  channel.receive([['answer', ids[1], 'late'], ['answer', ids[0], 1]]); // prettier-ignore
  assert.equal(await kept, 1);
  await assert.rejects(channel.call('request', 'c', 1, controller.signal), /enough/);
  await settled();
  assert.equal(posted.length, 2, 'nothing was asked');
});

test('an error comes over with its code and facts', async () => {
  const { channel, posted } = pair();
  const call = channel.call('request', {});
  await settled();
  const facts = { expected: 3, actual: 5, path: '/a', code2: [1, { x: null }] };
  const sent = new RivuletError('version_conflict', 'it is at 5', facts).toProblem();
  channel.receive([['error', posted[0][0][1], structuredClone(sent)]]);
  await assert.rejects(call, (/** @type {any} */ error) => {
    assert.ok(error instanceof RivuletError && error instanceof Error);
    assert.equal(error.message, 'it is at 5');
    assert.deepEqual(error.toProblem(), { code: 'version_conflict', detail: 'it is at 5', ...facts });
    return true;
  });
});

test('what cannot be posted keeps nobody waiting', async () => {
  const { port, channel } = pair();
  port.post = (list) => structuredClone(list).length;
  const calls = [channel.call('request', 'a'), channel.call('request', () => 'no clone')];
  for (const call of calls) await assert.rejects(call, { code: 'panicked', detail: /clone/ });
  assert.equal(port.ended, 1);
});

test('the end of the worker ends everything, once, and what comes later', async () => {
  const { channel, port, posted } = pair();
  const calls = [channel.call('request', {}), channel.call('close')];
  /** @type {any[]} */
  const told = [];
  const sink = { piece() {}, end() {}, fail: (/** @type {any} */ error) => told.push(error.code) };
  channel.onfail = (error) => told.push(error.code);
  channel.feed({}, sink);
  await settled();
  channel.receive([['fatal', { code: 'panicked', detail: 'unreachable', position: 7 }]]);
  channel.fail(new RivuletError('worker_failed', 'later'));
  for (const call of [...calls, channel.call('request', {})]) {
    await assert.rejects(call, { code: 'panicked', position: 7 });
  }
  channel.feed({}, sink);
  channel.tell('wake');
  await settled();
  assert.deepEqual(told, ['panicked', 'panicked', 'panicked']);
  assert.equal(port.ended, 1);
  assert.equal(posted.length, 1);
});

test('requests that wait are bounded by their bytes', async () => {
  const { channel, posted } = pair();
  const first = channel.call('request', {}, WAITING_MAX + 1); // alone, anything goes
  await assert.rejects(channel.call('request', {}, 1), { code: 'busy' });
  await settled();
  channel.receive([['answer', posted[0][0][1], 'done']]);
  await first;
  const next = channel.call('request', {}, 1);
  await settled();
  channel.receive([['answer', posted[1][0][1], 'done']]);
  assert.equal(await next, 'done');
});

test('a cancelled feed hears nothing', async () => {
  const { channel, posted } = pair();
  let heard = 0;
  const sink = { piece: () => (heard += 1), end: () => (heard += 1), fail: () => (heard += 1) };
  const id = channel.feed({ target: '/events' }, sink);
  channel.cancel(id);
  channel.cancel(id);
  channel.receive([['piece', id, new Uint8Array(1)], ['end', id], ['error', id, { code: 'busy' }]]); // prettier-ignore
  await settled();
  assert.equal(heard, 0);
  assert.deepEqual(posted[0].map(([kind]) => kind), ['feed', 'cancel']); // prettier-ignore
});
