// SPDX-License-Identifier: Apache-2.0
// What a database is called outside of itself: its lock, its directory in OPFS and its IndexedDB
// database are all named `rivulet-NAME`, so that they stand apart from what else a site keeps
// there. Names are such that every browser and every file system takes them as they are.
import { RivuletError } from '../error.js';

/**
 * @param {unknown} name what the application calls the database
 * @returns {string}
 */
export function storageName(name) {
  if (typeof name !== 'string' || !/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new RivuletError(
      'parameter_invalid',
      'the name of a database is 1 to 64 of the characters A-Z a-z 0-9 . _ -',
      { parameter: 'name' },
    );
  }
  return `rivulet-${name}`;
}
