// SPDX-License-Identifier: Apache-2.0
// The right to be the only one who has a database open: a Web Lock, which all tabs and workers of
// an origin share and which the browser takes back when its holder is gone, however that ended. A
// page that was just loaded again may still meet its own former worker (Chromium gives a busy one
// 2 s to end), so the lock is waited for a little; a database that someone has open for longer is
// `data_in_use`.
import { RivuletError } from '../error.js';
import { isNamed, unavailable } from './failure.js';
import { storageName } from './name.js';

const patienceMs = 3000;

/**
 * Takes the lock of the database.
 * @param {string} name
 * @returns {Promise<() => Promise<void>>} gives the lock free; others may have it when that is done
 */
export async function lockDatabase(name) {
  const lockName = storageName(name);
  const locks = globalThis.navigator?.locks;
  if (locks === undefined) {
    throw new RivuletError(
      'storage_unavailable',
      'there are no Web Locks here: the page is not a secure context (https or localhost)',
    );
  }
  return new Promise((resolve, reject) => {
    const options = { signal: AbortSignal.timeout(patienceMs) };
    /** @type {Promise<unknown>} */
    const ended = locks.request(lockName, options, () => {
      return new Promise((/** @type {(value?: undefined) => void} */ release) => {
        resolve(async () => {
          release();
          await ended;
        });
      });
    });
    ended.catch((error) => {
      const inUse = isNamed(error, 'TimeoutError') || isNamed(error, 'AbortError');
      reject(
        inUse
          ? new RivuletError('data_in_use', `another tab or worker has "${name}" open`)
          : unavailable(error, 'the lock of the database'),
      );
    });
  });
}
