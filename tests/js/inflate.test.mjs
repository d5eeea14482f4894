// SPDX-License-Identifier: Apache-2.0
// Goal: deflated messages are inflated as their header says, bounded, and what is malformed is null.
// Method: messages made with zlib, inflated as a browser does; headers and bodies that lie.
import assert from 'node:assert/strict';
import { test } from './test.mjs';
import { deflateRawSync } from 'node:zlib';
import { deflatedBody, inflateByStream, inflateMessage, MESSAGE_MAX } from '../../js/inflate.js';

/** @param {number} n */
function varint(n) {
  const bytes = [];
  for (; n > 127; n = Math.floor(n / 128)) bytes.push((n % 128) + 128);
  return [...bytes, n];
}

const message = (/** @type {Uint8Array} */ body, length = body.length, deflated = deflateRawSync(body)) =>
  new Uint8Array([3, 1, ...varint(length), ...deflated]);

test('a deflated body comes back', async () => {
  for (const length of [0, 1, 127, 128, 16384, 400000, MESSAGE_MAX]) {
    const body = Uint8Array.from({ length }, (_, i) => (i * 7) % 251);
    assert.deepEqual(await inflateMessage(message(body), inflateByStream), body);
  }
});

test('a message that is not deflated is left alone', () => {
  for (const bytes of [[], [3], [3, 0, 1, 2], [1, 2]]) {
    assert.equal(deflatedBody(new Uint8Array(bytes)), null);
    assert.equal(inflateMessage(new Uint8Array(bytes), inflateByStream), null);
  }
});

test('what is malformed or longer than it says is null', async () => {
  const body = new Uint8Array(100000);
  const deflated = deflateRawSync(body);
  const bad = [
    message(body, 99999),
    message(body, 100001),
    message(body, MESSAGE_MAX + 1),
    message(body, body.length, deflated.subarray(0, deflated.length - 3)),
    message(body, body.length, Buffer.from([255, 255, 255])),
    new Uint8Array([3, 1]),
    new Uint8Array([3, 1, 255, 255, 255, 255, 255, 255, 1]),
    message(new Uint8Array(64 << 20), 1000), // a bomb stops at 1000 bytes
  ];
  for (const bytes of bad) assert.equal(await inflateMessage(bytes, inflateByStream), null);
});
