// SPDX-License-Identifier: Apache-2.0
// What the browser throws, as a coded error.
import { RivuletError } from '../error.js';

/**
 * @param {unknown} error
 * @returns {string} one line for people
 */
export function reasonOf(error) {
  return error instanceof Error || error instanceof DOMException
    ? `${error.name}: ${error.message}`
    : String(error);
}

/**
 * @param {unknown} error
 * @returns {boolean} true when the browser gives this site no more space
 */
export function isFull(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  return name === 'QuotaExceededError' || name === 'NS_ERROR_FILE_NO_DEVICE_SPACE';
}

/**
 * The error of a storage operation: `storage_full` where the quota is used up, the code that is
 * given otherwise.
 * @param {unknown} error
 * @param {string} doing what failed, such as `write to "log-1"`
 * @param {'storage_failed' | 'storage_unavailable'} [code]
 * @returns {RivuletError}
 */
export function storageError(error, doing, code = 'storage_failed') {
  if (error instanceof RivuletError) {
    return error;
  }
  return new RivuletError(isFull(error) ? 'storage_full' : code, `${doing}: ${reasonOf(error)}`);
}
