// SPDX-License-Identifier: Apache-2.0
// Goal: an upstream that sends more than the module takes costs a bounded amount of memory, and
// what it sent arrives in its order. Method: a link with a socket and a module of this file, and an
// inflate that counts how much is begun and not yet handed over.
import assert from 'node:assert/strict';
import { test } from './test.mjs';
import { MESSAGE_MAX } from '../../js/inflate.js';
import { Link } from '../../js/link.js';
import { settled } from './fixture.mjs';

/** A message of the wire whose body says that it becomes 1,114,112 bytes. @param {number} kind */
const bomb = (kind) => new Uint8Array([kind, 1, 0x80, 0x80, 0x44, 7]).buffer;

class Socket extends EventTarget {
  protocol = 'rivulet.v1';
  bufferedAmount = 0;
  /** @type {number[]} */ closes = [];

  /** @param {number} code */
  close(code) {
    this.closes.push(code);
  }

  /** @param {string} kind @param {object} members */
  tell(kind, members = {}) {
    this.dispatchEvent(Object.assign(new Event(kind), members));
  }
}

function linked() {
  const socket = new Socket();
  const seen = { begun: 0, taken: 0, most: 0, kinds: /** @type {number[]} */ ([]), ready: false };
  const bytes = new Uint8Array(MESSAGE_MAX);
  const engine = {
    activity: 0,
    inflated: /** @type {Uint8Array | null} */ (null),
    alloc: () => 0,
    put: (/** @type {number} */ at, /** @type {Uint8Array} */ message) => bytes.set(message, at),
    error: () => null,
    edge: {
      failure: () => null,
      wantsConnection: () => true,
      opened() {},
      closed() {},
      ready: () => seen.ready,
      send: () => false,
      receive() {
        seen.kinds.push(bytes[0]);
        seen.taken += engine.inflated?.length ?? 0;
        return 0;
      },
    },
  };
  const transport = {
    WebSocket: function () {
      return socket;
    },
    async inflate(/** @type {any} */ _bytes, /** @type {number} */ length) {
      seen.begun += length;
      seen.most = Math.max(seen.most, seen.begun - seen.taken);
      return new Uint8Array(length);
    },
  };
  /** @type {any} */
  const options = { engine, url: 'ws://127.0.0.1/sync', transport, wake() {}, now: () => 0 };
  const link = new Link(options);
  link.turn(0);
  socket.tell('open');
  return { link, socket, seen };
}

test('what waits is inflated a little ahead, and arrives in order', async () => {
  const { link, socket, seen } = linked();
  for (let i = 0; i < 200; i++) socket.tell('message', { data: bomb(i) });
  await settled();
  assert.equal(seen.begun, 2 * MESSAGE_MAX);

  seen.ready = true;
  for (let turns = 0; seen.kinds.length < 200; turns++) {
    assert(turns < 1000);
    link.turn(0);
    await settled();
  }
  assert.deepEqual(seen.kinds, Array.from({ length: 200 }, (_, i) => i));
  assert.equal(seen.taken, 200 * MESSAGE_MAX);
  assert(seen.most <= 3 * MESSAGE_MAX, `${seen.most} bytes were inflated at once`);
  link.stop();
});

test('messages that are nearly empty are not free', () => {
  const { link, socket } = linked();
  for (let i = 0; i < 70000 && socket.closes.length === 0; i++) {
    socket.tell('message', { data: new Uint8Array([200, 0]).buffer });
  }
  assert.deepEqual(socket.closes, [4009]);
  link.stop();
});
