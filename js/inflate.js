// SPDX-License-Identifier: Apache-2.0
// Messages of a sync connection whose body is deflated (docs/format/wire.md, "A message") are
// inflated here before the module sees them, because a browser can do it only while others work:
//
//     kind u8    flags u8: bit 0    varint length of the inflated body    raw deflate
//
// What is malformed or too long is null; the module then finds the message wrong by itself.

/** Of a message, and of an inflated body. */
export const MESSAGE_MAX = 1114112;

const DEFLATED = 1;

/**
 * Where the deflated body begins, and how long it is to become; null when nothing is deflated.
 * @param {Uint8Array} message
 */
export function deflatedBody(message) {
  if (message.length < 2 || (message[1] & DEFLATED) === 0) return null;
  let length = 0;
  for (let at = 2; at < message.length && at < 6; at++) {
    length += (message[at] & 127) * 128 ** (at - 2);
    if (message[at] < 128) return { bytes: message.subarray(at + 1), length };
  }
  return { bytes: message.subarray(message.length), length: MESSAGE_MAX + 1 };
}

/** What inflating a message takes: 0 when there is nothing to do. @param {Uint8Array} message */
export function inflatedSize(message) {
  const length = deflatedBody(message)?.length ?? 0;
  return length > MESSAGE_MAX ? 0 : length;
}

/**
 * The body of a message as inflated, by whatever the platform has.
 * @param {Uint8Array} message
 * @param {(bytes: Uint8Array, length: number) => Promise<Uint8Array | null>} inflate
 * @returns {Promise<Uint8Array | null> | null} null when nothing is to be done
 */
export function inflateMessage(message, inflate) {
  const body = deflatedBody(message);
  if (body === null) return null;
  if (body.length > MESSAGE_MAX) return Promise.resolve(null);
  return inflate(body.bytes, body.length).then(
    (bytes) => (bytes?.length === body.length ? bytes : null),
    () => null,
  );
}

/**
 * By DecompressionStream. It stops as soon as there is more than there is to be.
 * @param {Uint8Array<ArrayBuffer>} bytes @param {number} length
 */
export async function inflateByStream(bytes, length) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const reader = stream.getReader();
  const inflated = new Uint8Array(length);
  let at = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return inflated.subarray(0, at);
    if (at + value.length > length) {
      await reader.cancel();
      return null;
    }
    inflated.set(value, at);
    at += value.length;
  }
}
