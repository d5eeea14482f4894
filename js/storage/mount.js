// SPDX-License-Identifier: Apache-2.0
// Which storage a database in a browser has. `auto` takes it from where it is: OPFS or IndexedDB; a
// new one is made in OPFS where there is that, else in IndexedDB. Memory is never taken unasked.
import { RivuletError } from '../error.js';
import * as indexeddb from './indexeddb.js';
import * as memory from './memory.js';
import * as opfs from './opfs.js';

/** @typedef {opfs.OpfsStorage | indexeddb.IndexedDbStorage | memory.MemoryStorage} Storage */
/** @typedef {'auto' | 'opfs' | 'indexeddb' | 'memory'} StorageMode */

const kinds = { opfs, indexeddb, memory };

/**
 * @param {any} error
 * @param {boolean} [harmless] whether it does not matter if it is there the next time
 * @returns {string} why that storage is not there; any other error is thrown on
 */
function whyUnavailable(error, harmless = false) {
  const unavailable = error instanceof RivuletError && error.code === 'storage_unavailable';
  if (unavailable && (harmless || /** @type {any} */ (error).denied !== false)) {
    return error.detail;
  }
  throw error;
}

/**
 * @param {string} name
 * @returns {Promise<Storage>}
 */
async function mountAuto(name) {
  const reasons = [];
  /** @type {(typeof opfs | typeof indexeddb)[]} */
  const there = [];
  for (const kind of [opfs, indexeddb]) {
    /** @type {boolean | null} */
    const found = await kind.exists(name).catch((error) => {
      reasons.push(whyUnavailable(error, kind === indexeddb && there.length === 0));
      return null;
    });
    if (found) return kind.mount(name); // or nowhere: another one would hide it
    if (found === false) there.push(kind);
  }
  for (const kind of there) {
    try {
      return await kind.mount(name);
    } catch (error) {
      reasons.push(whyUnavailable(error, true)); // it has none
    }
  }
  throw new RivuletError('storage_unavailable', reasons.join('; '));
}

/**
 * Opens the storage of a database, which nobody else has from then on. Errors: `data_in_use`,
 * `storage_unavailable`, `data_newer`, `storage_full`, `parameter_invalid`.
 * @param {string} name
 * @param {{storage?: StorageMode}} [options]
 * @returns {Promise<Storage>}
 */
export async function mount(name, { storage = 'auto' } = {}) {
  if (storage === 'auto') {
    return mountAuto(name);
  }
  return kindOf(storage).mount(name);
}

/**
 * Removes a database that nobody has open; of `auto`, wherever it is.
 * @param {string} name
 * @param {{storage?: StorageMode}} [options]
 */
export async function destroy(name, { storage = 'auto' } = {}) {
  if (storage !== 'auto') {
    await kindOf(storage).destroy(name);
    return;
  }
  const reasons = [];
  for (const kind of [opfs, indexeddb]) {
    try {
      await kind.destroy(name);
    } catch (error) {
      reasons.push(whyUnavailable(error));
    }
  }
  if (reasons.length === 2) {
    throw new RivuletError('storage_unavailable', reasons.join('; '));
  }
}

/** @param {keyof typeof kinds} storage */
function kindOf(storage) {
  if (!Object.hasOwn(kinds, storage)) {
    throw new RivuletError('parameter_invalid', `there is no storage "${storage}" here`, {
      parameter: 'storage',
    });
  }
  return kinds[storage];
}
