// SPDX-License-Identifier: Apache-2.0
// What the browser throws, as the errors that include/rivulet/host.h names. Only what makes files
// grow may say `storage_full`.
import { RivuletError } from '../error.js';

/** @param {unknown} error */
function nameOf(error) {
  return error instanceof Error || error instanceof DOMException ? error.name : '';
}

/**
 * @param {unknown} error
 * @returns {string} one line for people
 */
export function reasonOf(error) {
  const name = nameOf(error);
  return name === '' ? String(error) : `${name}: ${/** @type {Error} */ (error).message}`;
}

/**
 * @param {unknown} error
 * @param {string} name such as `NotFoundError`
 */
export function isNamed(error, name) {
  return nameOf(error) === name;
}

/**
 * @param {unknown} error
 * @param {string} doing what failed, such as `flush of "log-1"`
 * @returns {RivuletError} with the fact `full` where the space is what is missing
 */
export function failed(error, doing) {
  if (error instanceof RivuletError) return error;
  const facts = isNamed(error, 'QuotaExceededError') ? { full: true } : {};
  return new RivuletError('storage_failed', `${doing}: ${reasonOf(error)}`, facts);
}

/**
 * The same for what takes space.
 * @param {unknown} error
 * @param {string} doing
 * @returns {RivuletError}
 */
export function failedOrFull(error, doing) {
  return isNamed(error, 'QuotaExceededError')
    ? new RivuletError('storage_full', `${doing}: ${reasonOf(error)}`)
    : failed(error, doing);
}

/** With these a browser says that it does not let this page have the storage. */
const denials = ['SecurityError', 'NotAllowedError', 'NotSupportedError', 'InvalidStateError'];

/**
 * The same for what is done before a storage can be used. What is `denied` is not there; anything
 * else may be there the next time, and what is in it with it.
 * @param {unknown} error
 * @param {string} doing
 * @returns {RivuletError}
 */
export function unavailable(error, doing) {
  if (error instanceof RivuletError) {
    return error;
  }
  const detail = `${doing}: ${reasonOf(error)}`;
  return isNamed(error, 'QuotaExceededError')
    ? new RivuletError('storage_full', detail)
    : new RivuletError('storage_unavailable', detail, { denied: denials.includes(nameOf(error)) });
}

/** What the browser says about keeping this site's data when space runs short. */
export async function isPersisted() {
  try {
    return (await navigator.storage?.persisted?.()) === true;
  } catch {
    return false; // it does not say, so nothing is promised
  }
}
