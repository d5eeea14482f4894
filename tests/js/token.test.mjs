// SPDX-License-Identifier: Apache-2.0
// Goal: no connection is made before the application has given its token, or has failed to; it is
// asked again when the module wants another one, less and less often, and at once after `renew`; a
// token is handed over once, leaves the memory that carried it, and is in no error. Method: a link
// and its token over a module of this file, whose clock is the test's.
import assert from 'node:assert/strict';
import { test } from './test.mjs';
import { Link } from '../../js/link.js';
import { isToken, Token, tokenOf } from '../../js/token.js';

const SECOND = 1e6; // microseconds

function linked() {
  const memory = new Uint8Array(4096);
  const seen = {
    asked: 0,
    sockets: 0,
    given: /** @type {string[]} */ ([]),
    closed: /** @type {any[]} */ ([]),
    wants: false,
    connect: true,
  };
  const take = (/** @type {'wants' | 'connect'} */ name) => {
    const was = seen[name];
    seen[name] = false;
    return was;
  };
  const engine = {
    activity: 0,
    alloc: () => 0,
    put: (/** @type {number} */ at, /** @type {Uint8Array} */ bytes) => memory.set(bytes, at),
    edge: {
      failure: () => null,
      wantsConnection: () => take('connect'),
      wantsToken: () => take('wants'),
      setToken: (/** @type {number} */ at, /** @type {number} */ len) =>
        seen.given.push(new TextDecoder().decode(memory.slice(at, at + len))),
      closed: (/** @type {any} */ error) => seen.closed.push(error),
    },
  };
  const transport = {
    WebSocket: class extends EventTarget {
      constructor() {
        super();
        seen.sockets += 1;
      }

      close() {}
    },
  };
  /** @type {any} */
  const module = engine;
  const token = new Token(module, () => void (seen.asked += 1));
  /** @type {any} */
  const options = { engine, url: 'ws://127.0.0.1/sync', transport, token, wake() {}, now: () => 0 };
  return { link: new Link(options), token, seen, memory };
}

test('a connection waits for the first token, however long it takes', () => {
  const { link, token, seen, memory } = linked();
  for (let second = 0; second < 1000; second++) link.turn(second * SECOND);
  assert.deepEqual([seen.asked, seen.sockets, seen.given], [1, 0, ['']]); // there will be some
  token.take({ token: 'rvt_one' }, 1000 * SECOND);
  assert.deepEqual(seen.given, ['', 'rvt_one']);
  assert(memory.every((byte) => byte === 0));
  link.turn(1000 * SECOND);
  assert.deepEqual([seen.asked, seen.sockets], [1, 1]);
  link.stop();
});

test('one that is wanted again is asked for: less and less often, and at once after renew', () => {
  const { link, token, seen } = linked();
  link.turn(0);
  token.take({ token: 'rvt_one' }, 0);
  /** The second in which it is asked again, when the module wants it every second. @param {number} from */
  const asked = (from) => {
    const before = seen.asked;
    let second = from;
    for (; seen.asked === before && second < from + 1000; second++) {
      seen.wants = true;
      link.turn(second * SECOND);
    }
    return second - 1;
  };
  assert.equal(asked(7), 7); // at once
  token.take({ token: 'rvt_one' }, 7 * SECOND);
  assert.equal(asked(7), 12);
  token.take({ detail: 'offline' }, 12 * SECOND);
  assert.equal(asked(12), 22);
  token.take({ token: 'rvt_one' }, 22 * SECOND);
  assert.equal(asked(22), 42);
  token.take({ detail: 'offline' }, 42 * SECOND);
  assert.equal(asked(42), 82);
  token.take({ detail: 'offline' }, 82 * SECOND);
  assert.equal(asked(82), 142); // a minute at most
  token.take({ detail: 'offline' }, 142 * SECOND);
  token.renew();
  link.turn(142 * SECOND);
  assert.equal(seen.asked, 8);
  assert.deepEqual(seen.given, ['', 'rvt_one']); // the same is none
  token.take({ token: 'rvt_two' }, 143 * SECOND);
  assert.deepEqual(seen.given, ['', 'rvt_one', 'rvt_two']);
  assert.equal(asked(143), 143); // another one was good for something
  link.stop();
});

test('a renew that comes while it is asked is not forgotten with the answer', () => {
  const { link, token, seen } = linked();
  link.turn(0);
  token.take({ detail: 'not signed in' }, 0);
  for (const told of [{ detail: 'not signed in' }, { token: 'rvt_one' }]) {
    token.renew();
    link.turn(SECOND);
    const { asked } = seen;
    token.renew(); // who is asked may have looked already
    link.turn(SECOND);
    assert.equal(seen.asked, asked, 'one after the other');
    token.take(told, SECOND);
    link.turn(SECOND);
    assert.equal(seen.asked, asked + 1);
    token.take(told, SECOND);
  }
  link.turn(SECOND);
  assert.equal(seen.asked, 5);
  link.stop();
});

test('without a token an attempt fails; what fails later keeps the one that there is', () => {
  const { link, token, seen } = linked();
  link.turn(0);
  token.take({ detail: 'upstream.token failed: not signed in' }, 0);
  link.turn(0);
  link.turn(0);
  assert.equal(seen.sockets, 0);
  assert.deepEqual([seen.closed.length, seen.closed[0].code, seen.closed[0].detail],
    [1, 'unauthenticated', 'upstream.token failed: not signed in']);
  token.take({ token: 'rvt_one' }, 0);
  token.take({ detail: 'upstream.token failed: offline' }, 0);
  seen.connect = true;
  link.turn(0);
  assert.equal(seen.sockets, 1);
  link.stop();
});

test('what a function gives is a token, or told to be none without saying what it was', async () => {
  assert.deepEqual(await tokenOf(() => 'rvt_1'), { token: 'rvt_1' });
  assert.deepEqual(await tokenOf(async () => 'a.b-c_d='), { token: 'a.b-c_d=' });
  const secret = 'secret';
  const none = [undefined, null, '', 7, {}, `${secret} `, `${secret}\n`, `${secret}é`, secret.repeat(171)];
  for (const value of none) {
    assert.equal(isToken(value), false);
    assert.deepEqual(await tokenOf(() => value), { detail: 'upstream.token gave no token' });
  }
  assert(isToken('x'.repeat(1024)));
  const failed = { detail: 'upstream.token failed: no' };
  assert.deepEqual(await tokenOf(() => Promise.reject(new Error('no'))), failed);
  assert.deepEqual(await tokenOf(() => {
    throw 'no';
  }), failed);
  for (const thrown of [Symbol('no'), Object.create(null), undefined]) {
    assert.match(String((await tokenOf(() => Promise.reject(thrown))).detail), /^upstream.token failed: /);
  }
});
