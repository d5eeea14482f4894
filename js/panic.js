// SPDX-License-Identifier: Apache-2.0
// What a trap of the module leaves behind: a record in the database's file `panics`, as
// docs/format/log.md says. The module reads it when the database is opened, and does not go to an
// event again at which it has trapped three times.
import { RivuletError } from './error.js';

const FILE = 'panics';
const SIZE = 32;

/** CRC-32C (RFC 3720), bit by bit: it is of 28 bytes. @param {Uint8Array} bytes */
function crc32c(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

/**
 * The module stopped: at an assertion, outside of its memory, or without any stack left.
 * @param {unknown} error
 */
export function isTrap(error) {
  const { name } = /** @type {any} */ (error ?? {});
  const overflow = error instanceof RangeError || name === 'InternalError';
  return overflow || error instanceof WebAssembly.RuntimeError;
}

/**
 * The offset of the instruction in the module, which the stack's first line of it tells.
 * @param {unknown} error
 */
export function placeOf(error) {
  const stack = String(/** @type {any} */ (error)?.stack);
  const [, digits] = /wasm-function\[\d+\]:0x([0-9a-f]{1,8})\b/.exec(stack) ?? [];
  return BigInt(`0x${digits ?? 0}`);
}

/** @param {bigint} position of the event that the module was at @param {unknown} error */
export function panicRecord(position, error) {
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set([0x52, 0x56, 0x50, 0x43], 4); // RVPC
  view.setBigUint64(8, position, true);
  view.setBigUint64(16, placeOf(error), true);
  view.setBigInt64(24, BigInt(Date.now()) * 1000n, true);
  view.setUint32(0, crc32c(bytes.subarray(4)), true);
  return bytes;
}

/**
 * Adds a record to the file, which is made if there is none.
 * @param {any} storage @param {Uint8Array} record
 */
export async function writePanic(storage, record) {
  const missing = (/** @type {unknown} */ error) => {
    if (RivuletError.from(error, '').code !== 'data_not_found') throw error;
    return storage.create(FILE);
  };
  const { file, size } = await (async () => storage.open(FILE))().catch(missing);
  try {
    await storage.write(file, size - (size % SIZE), record); // over one that is torn
    await storage.flush(file);
  } finally {
    storage.close(file);
  }
}
