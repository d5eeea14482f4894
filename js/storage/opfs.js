// SPDX-License-Identifier: Apache-2.0
// Storage in the origin private file system: a database is a directory, a file is a file with a
// sync access handle, so this runs in a dedicated worker only. Opening, creating and removing take
// a while (they are pending); reading, writing, truncating and flushing are done at once. Who has
// the lock of the database is the only one in its directory, so its names are read once and kept
// here.
//
// A worker that died, or a handle that was just closed, may keep a file locked for a moment; what
// meets that tries again until `patienceMs` have passed.
import { RivuletError } from '../error.js';
import { failed, failedOrFull, isNamed, isPersisted, unavailable } from './failure.js';
import { lockDatabase } from './lock.js';
import { storageName } from './name.js';

const patienceMs = 5000;
const pauseMs = 10;

/** @typedef {{name: string, handle: FileSystemSyncAccessHandle}} OpenFile */

/**
 * Does it again while another holds the file.
 * @template T
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
async function patiently(action) {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isNamed(error, 'NoModificationAllowedError') || performance.now() > end) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

export class OpfsStorage {
  mode = 'opfs';
  #directory;
  #names;
  #unlock;
  /** @type {Map<number, OpenFile>} */
  #open = new Map();
  #fileNext = 1;
  /** @type {Set<Promise<unknown>>} what is under way */
  #pending = new Set();

  /**
   * @param {FileSystemDirectoryHandle} directory
   * @param {Set<string>} names
   * @param {() => Promise<void>} unlock
   * @param {boolean} persistent
   */
  constructor(directory, names, unlock, persistent) {
    this.#directory = directory;
    this.#names = names;
    this.#unlock = unlock;
    this.persistent = persistent;
  }

  /** @param {string} name */
  open(name) {
    if (!this.#names.has(name)) {
      throw new RivuletError('data_not_found', `there is no file "${name}"`);
    }
    return this.#track(this.#take(name, false));
  }

  /** @param {string} name */
  create(name) {
    if (this.#names.has(name)) {
      throw new RivuletError('data_exists', `there is a file "${name}"`);
    }
    return this.#track(this.#take(name, true));
  }

  /** @param {number} file */
  close(file) {
    this.#open.get(file)?.handle.close();
    this.#open.delete(file);
  }

  /**
   * @param {number} file
   * @param {number} offset
   * @param {Uint8Array} into
   * @returns {number}
   */
  read(file, offset, into) {
    const { name, handle } = this.#of(file);
    try {
      return handle.read(into, { at: offset });
    } catch (error) {
      throw failed(error, `read of "${name}"`);
    }
  }

  /**
   * @param {number} file
   * @param {number} offset
   * @param {Uint8Array} bytes
   * @returns {number}
   */
  write(file, offset, bytes) {
    const { name, handle } = this.#of(file);
    if (offset + bytes.length > Number.MAX_SAFE_INTEGER) {
      throw new RivuletError('storage_full', `"${name}" cannot be that large`);
    }
    try {
      return bytes.length === 0 ? 0 : handle.write(bytes, { at: offset });
    } catch (error) {
      throw failedOrFull(error, `write to "${name}"`);
    }
  }

  /**
   * @param {number} file
   * @param {number} size
   */
  truncate(file, size) {
    const { name, handle } = this.#of(file);
    if (size > Number.MAX_SAFE_INTEGER) {
      throw new RivuletError('storage_full', `"${name}" cannot be that large`);
    }
    try {
      handle.truncate(size);
    } catch (error) {
      throw failedOrFull(error, `truncate of "${name}"`);
    }
  }

  /** @param {number} file */
  flush(file) {
    const { name, handle } = this.#of(file);
    try {
      handle.flush();
    } catch (error) {
      throw failed(error, `flush of "${name}"`);
    }
  }

  /** @param {string} name */
  remove(name) {
    if (!this.#names.has(name)) {
      throw new RivuletError('data_not_found', `there is no file "${name}"`);
    }
    return this.#track(this.#drop(name));
  }

  /** @returns {string[]} */
  list() {
    return [...this.#names];
  }

  async unmount() {
    await Promise.allSettled(this.#pending);
    for (const file of [...this.#open.keys()]) {
      this.close(file);
    }
    await this.#unlock();
  }

  /**
   * @param {number} file
   * @returns {OpenFile}
   */
  #of(file) {
    const found = this.#open.get(file);
    if (found === undefined) {
      throw new RivuletError('storage_failed', `no file is open as ${file}`);
    }
    return found;
  }

  /**
   * @template T
   * @param {Promise<T>} operation
   * @returns {Promise<T>}
   */
  #track(operation) {
    const forget = () => this.#pending.delete(operation);
    this.#pending.add(operation);
    operation.then(forget, forget);
    return operation;
  }

  /**
   * @param {string} name
   * @param {boolean} create
   * @returns {Promise<{file: number, size: number}>}
   */
  async #take(name, create) {
    try {
      const entry = await this.#directory.getFileHandle(name, { create });
      const handle = await patiently(() => entry.createSyncAccessHandle());
      const file = this.#fileNext++;
      this.#names.add(name);
      this.#open.set(file, { name, handle });
      return { file, size: handle.getSize() };
    } catch (error) {
      if (create) {
        // What was made of it goes again; where that fails too, the first failure is the one to
        // tell.
        await this.#directory.removeEntry(name).catch(() => this.#names.add(name));
        throw failedOrFull(error, `creation of "${name}"`);
      }
      if (isNamed(error, 'NotFoundError')) {
        this.#names.delete(name);
        throw new RivuletError('data_not_found', `the file "${name}" is gone`);
      }
      throw failed(error, `opening of "${name}"`);
    }
  }

  /** @param {string} name */
  async #drop(name) {
    try {
      await patiently(() => this.#directory.removeEntry(name));
    } catch (error) {
      if (!isNamed(error, 'NotFoundError')) {
        throw failed(error, `removal of "${name}"`);
      }
    }
    this.#names.delete(name);
  }
}

/**
 * The top directory; throws what is missing where there is none.
 * @returns {Promise<FileSystemDirectoryHandle>}
 */
async function topDirectory() {
  const handles = globalThis.FileSystemFileHandle;
  if (navigator.storage?.getDirectory === undefined || handles === undefined) {
    throw new RivuletError('storage_unavailable', 'this browser has no origin private file system');
  }
  if (!('createSyncAccessHandle' in handles.prototype)) {
    throw new RivuletError('storage_unavailable', 'sync access handles are not to be had here');
  }
  try {
    return await navigator.storage.getDirectory();
  } catch (error) {
    throw unavailable(error, 'the origin private file system is denied');
  }
}

/**
 * @param {FileSystemDirectoryHandle} directory
 * @returns {Promise<Set<string>>}
 */
async function fileNames(directory) {
  const names = new Set();
  for await (const [name, entry] of directory.entries()) {
    if (entry.kind === 'file') names.add(name);
  }
  return names;
}

/**
 * True when there is a database of this name with files in it.
 * @param {string} name
 * @returns {Promise<boolean>}
 */
export async function exists(name) {
  const top = await topDirectory();
  try {
    return (await fileNames(await top.getDirectoryHandle(storageName(name)))).size > 0;
  } catch (error) {
    if (isNamed(error, 'NotFoundError')) return false;
    throw unavailable(error, `the directory of "${name}"`);
  }
}

/**
 * Opens the directory of the database, which is made if there is none.
 * @param {string} name
 * @returns {Promise<OpfsStorage>}
 */
export async function mount(name) {
  const top = await topDirectory();
  const unlock = await lockDatabase(name);
  try {
    const directory = await top.getDirectoryHandle(storageName(name), { create: true });
    return new OpfsStorage(directory, await fileNames(directory), unlock, await isPersisted());
  } catch (error) {
    await unlock();
    throw unavailable(error, `the directory of "${name}"`);
  }
}

/**
 * Removes the database, if there is one.
 * @param {string} name
 */
export async function destroy(name) {
  const top = await topDirectory();
  const unlock = await lockDatabase(name);
  try {
    await patiently(() => top.removeEntry(storageName(name), { recursive: true }));
  } catch (error) {
    if (!isNamed(error, 'NotFoundError')) throw failed(error, `removal of "${name}"`);
  } finally {
    await unlock();
  }
}
