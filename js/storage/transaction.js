// SPDX-License-Identifier: Apache-2.0
// IndexedDB by promises: requests, transactions, and opening a database.
import { RivuletError } from '../error.js';
import { isNamed, unavailable } from './failure.js';

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
export function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Done when the transaction is: with durability `strict`, when it is on the disk.
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
export function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => {
      reject(transaction.error ?? new DOMException('the transaction was aborted', 'AbortError'));
    };
  });
}

function factory() {
  if (globalThis.indexedDB === undefined) {
    throw new RivuletError('storage_unavailable', 'this browser has no IndexedDB');
  }
  return indexedDB;
}

/**
 * Opens a database. One of a newer version than `version` is `data_newer`.
 * @param {string} name
 * @param {number} version
 * @param {(database: IDBDatabase, transaction: IDBTransaction) => void} make called where there is
 *     none; what it throws, or an abort, leaves it so
 * @returns {Promise<IDBDatabase>}
 */
export async function openDatabase(name, version, make) {
  try {
    const request = factory().open(name, version);
    request.onupgradeneeded = () => {
      make(request.result, /** @type {IDBTransaction} */ (request.transaction));
    };
    return await answer(request);
  } catch (error) {
    if (isNamed(error, 'VersionError')) {
      throw new RivuletError('data_newer', `"${name}" in IndexedDB is of a newer version`);
    }
    throw unavailable(error, 'IndexedDB');
  }
}

/** What has it open may be a worker that is ending; who stays longer has not heeded the lock. */
const patienceMs = 5000;

/**
 * @param {string} name
 * @returns {Promise<void>}
 */
export async function deleteDatabase(name) {
  const request = factory().deleteDatabase(name);
  const deleted = answer(request);
  const blocked = new Promise((_, reject) => {
    const inUse = new RivuletError('data_in_use', `"${name}" is open in another tab or worker`);
    request.onblocked = () => setTimeout(() => reject(inUse), patienceMs);
  });
  await Promise.race([deleted, blocked]);
}
