// SPDX-License-Identifier: Apache-2.0
// Storage in IndexedDB, where there is no OPFS: files in pages.
//
//     store `files`   name -> {id, size, stored}       `stored`: no page from this number on exists
//     store `pages`   [id, number] -> bytes            at most a page; what is missing are zeros
//
// What is written goes to pages in memory (pages.js) at once, as long as they are not too many
// that are not stored yet; a write over that is pending until a transaction has stored them. A flush is
// one transaction, durability `strict`, with the file's pages and its size; it is done when that is
// complete. Reads are done at once where all pages are in memory, else they are pending.
//
// One transaction that writes is under way at a time (`#turn`), so that a flush never answers before
// what an earlier one carried is stored, or is dirty again because that one was aborted.
import { RivuletError } from '../error.js';
import { failed, failedOrFull, isPersisted, unavailable } from './failure.js';
import { lockDatabase } from './lock.js';
import { storageName } from './name.js';
import { Pages } from './pages.js';
import { answer, completed, deleteDatabase, openDatabase } from './transaction.js';

/** @typedef {import('./pages.js').PagedFile} PagedFile */
/** @typedef {import('./pages.js').Page} Page */

/** Grows when what is above changes. */
const layoutVersion = 1;

const pageSizeDefault = 16384;

/** Half of it for pages that are not stored yet. */
const memoryBytesDefault = 4 << 20;

/**
 * All pages of a file from a number on.
 * @param {number} id
 * @param {number} number
 */
function pagesFrom(id, number) {
  return IDBKeyRange.bound([id, number], [id, Infinity]);
}

export class IndexedDbStorage {
  mode = 'indexeddb';
  #database;
  #files;
  #unlock;
  #pages;
  /** @type {Map<number, PagedFile>} */
  #open = new Map();
  #fileNext = 1;
  #idNext;
  #dirtyBytesMax;
  /** @type {Promise<unknown>} the end of the last transaction that writes */
  #turn = Promise.resolve();
  /** @type {RivuletError | null} why the database is gone */
  #lost = null;

  /**
   * @param {IDBDatabase} database
   * @param {Map<string, PagedFile>} files
   * @param {() => Promise<void>} unlock
   * @param {{persistent: boolean, pageSize: number, memoryBytes: number}} options
   */
  constructor(database, files, unlock, { persistent, pageSize, memoryBytes }) {
    this.#database = database;
    this.#files = files;
    this.#unlock = unlock;
    this.#pages = new Pages(pageSize, memoryBytes / 2 / pageSize);
    this.#dirtyBytesMax = memoryBytes / 2;
    this.#idNext = Math.max(0, ...[...files.values()].map((file) => file.id)) + 1;
    this.persistent = persistent;
    database.onclose = () => this.#lose('the browser closed it');
    database.onversionchange = () => {
      database.close(); // who does not heed the lock wants it gone, and would wait for ever
      this.#lose('another tab or worker deletes it');
    };
  }

  /** @param {string} name */
  open(name) {
    const found = this.#files.get(name);
    if (found === undefined) {
      throw new RivuletError('data_not_found', `there is no file "${name}"`);
    }
    const file = this.#fileNext++;
    this.#open.set(file, found);
    return { file, size: found.size };
  }

  /** @param {string} name */
  create(name) {
    this.#check();
    if (this.#files.has(name)) {
      throw new RivuletError('data_exists', `there is a file "${name}"`);
    }
    const id = this.#idNext++;
    const pages = new Map();
    const dirty = new Set();
    this.#files.set(name, { name, id, size: 0, stored: 0, sizeDirty: true, pages, dirty });
    return this.open(name);
  }

  /** @param {number} file */
  close(file) {
    this.#open.delete(file);
  }

  /**
   * @param {number} handle
   * @param {number} offset
   * @param {Uint8Array} into
   * @returns {number | Promise<number>}
   */
  read(handle, offset, into) {
    const file = this.#of(handle);
    const length = Math.max(0, Math.min(into.length, file.size - offset));
    const range = into.subarray(0, length);
    if (this.#missing(file, offset, length).length === 0) {
      this.#copy(file, offset, range, new Map());
      return length;
    }
    return this.#fetch(file, offset, range, `read of "${file.name}"`);
  }

  /**
   * @param {number} handle
   * @param {number} offset
   * @param {Uint8Array} bytes
   * @returns {number | Promise<number>}
   */
  write(handle, offset, bytes) {
    const file = this.#of(handle);
    if (offset + bytes.length > Number.MAX_SAFE_INTEGER) {
      throw new RivuletError('storage_full', `"${file.name}" cannot be that large`);
    }
    const { pageSize } = this.#pages;
    const taken = bytes.subarray(0, this.#dirtyBytesMax - 2 * pageSize);
    if (this.#fits(taken.length) && this.#torn(file, offset, taken.length).length === 0) {
      return this.#change(file, offset, taken);
    }
    return this.#writeLater(file, offset, taken);
  }

  /**
   * @param {number} handle
   * @param {number} size
   * @returns {void | Promise<void>}
   */
  truncate(handle, size) {
    const file = this.#of(handle);
    if (size > Number.MAX_SAFE_INTEGER) {
      throw new RivuletError('storage_full', `"${file.name}" cannot be that large`);
    }
    if (size < file.size) {
      return this.#shrink(file, size);
    }
    file.sizeDirty ||= size > file.size;
    file.size = size;
  }

  /**
   * @param {number} handle
   * @returns {Promise<void>}
   */
  async flush(handle) {
    const file = this.#of(handle);
    await this.#take(() => this.#save([file])).catch((error) => {
      throw failed(error, `flush of "${file.name}"`);
    });
  }

  /** @param {string} name */
  remove(name) {
    this.#check();
    const file = this.#files.get(name);
    if (file === undefined) {
      throw new RivuletError('data_not_found', `there is no file "${name}"`);
    }
    return this.#remove(file);
  }

  /** @returns {string[]} */
  list() {
    this.#check();
    return [...this.#files.keys()];
  }

  async unmount() {
    this.#open.clear();
    try {
      if (this.#lost === null) await this.#take(() => this.#save(this.#changed()));
    } catch (error) {
      throw failed(error, 'the last transaction');
    } finally {
      this.#database.onclose = null;
      this.#database.close();
      await this.#unlock();
    }
  }

  // --- pages in memory ---

  /**
   * The pages of the range that must be asked for.
   * @param {PagedFile} file
   * @param {number} offset
   * @param {number} length
   * @returns {number[]}
   */
  #missing(file, offset, length) {
    /** @type {number[]} */
    const missing = [];
    this.#pages.each(offset, length, (number) => {
      if (!this.#pages.has(file, number)) missing.push(number);
    });
    return missing;
  }

  /**
   * Those that the range covers in part: their other bytes must be known before it is written.
   * @param {PagedFile} file
   * @param {number} offset
   * @param {number} length
   * @returns {number[]}
   */
  #torn(file, offset, length) {
    /** @type {number[]} */
    const torn = [];
    this.#pages.each(offset, length, (number, _start, count) => {
      if (count < this.#pages.pageSize && !this.#pages.has(file, number)) torn.push(number);
    });
    return torn;
  }

  /**
   * True when so many bytes more may be dirty.
   * @param {number} length
   */
  #fits(length) {
    const { pageSize, dirtyCount } = this.#pages;
    return (dirtyCount + Math.ceil(length / pageSize) + 1) * pageSize <= this.#dirtyBytesMax;
  }

  /**
   * @param {PagedFile} file
   * @param {number} offset
   * @param {Uint8Array} into
   * @param {Map<number, Uint8Array>} loaded pages that the cache may have let go again
   */
  #copy(file, offset, into, loaded) {
    this.#pages.each(offset, into.length, (number, start, count, done) => {
      const bytes = this.#pages.get(file, number)?.bytes ?? loaded.get(number);
      const part = bytes?.subarray(start, start + count) ?? new Uint8Array(0);
      into.set(part, done);
      into.fill(0, done + part.length, done + count);
    });
  }

  /**
   * @param {PagedFile} file
   * @param {number} offset
   * @param {Uint8Array} bytes
   */
  #change(file, offset, bytes) {
    this.#pages.each(offset, bytes.length, (number, start, count, done) => {
      this.#pages.change(file, number, start, bytes.subarray(done, done + count));
    });
    if (bytes.length > 0 && offset + bytes.length > file.size) {
      file.size = offset + bytes.length;
      file.sizeDirty = true;
    }
    return bytes.length;
  }

  /**
   * @param {PagedFile} file
   * @param {number} offset
   * @param {Uint8Array} bytes
   */
  async #writeLater(file, offset, bytes) {
    const doing = `write to "${file.name}"`;
    for (;;) {
      const torn = this.#torn(file, offset, bytes.length);
      if (!this.#fits(bytes.length)) {
        await this.#take(() => this.#save(this.#changed())).catch((error) => {
          throw failedOrFull(error, doing);
        });
      } else if (torn.length > 0) {
        await this.#load(file, torn, doing);
      } else {
        return this.#change(file, offset, bytes);
      }
      this.#check();
    }
  }

  /**
   * A read that has to ask the store. Pages that were here may be let go while it waits.
   * @param {PagedFile} file
   * @param {number} offset
   * @param {Uint8Array} into
   * @param {string} doing
   */
  async #fetch(file, offset, into, doing) {
    /** @type {Map<number, Uint8Array>} */
    const loaded = new Map();
    for (;;) {
      const missing = this.#missing(file, offset, into.length).filter((one) => !loaded.has(one));
      if (missing.length === 0) {
        break;
      }
      for (const [number, bytes] of await this.#load(file, missing, doing)) {
        loaded.set(number, bytes);
      }
    }
    this.#copy(file, offset, into, loaded);
    return into.length;
  }

  // --- the database ---

  /** @param {string} why */
  #lose(why) {
    this.#lost = new RivuletError('storage_failed', `the database in IndexedDB is closed: ${why}`);
  }

  #check() {
    if (this.#lost !== null) throw this.#lost;
  }

  /**
   * @param {number} handle
   * @returns {PagedFile}
   */
  #of(handle) {
    this.#check();
    const found = this.#open.get(handle);
    if (found === undefined) {
      throw new RivuletError('storage_failed', `no file is open as ${handle}`);
    }
    return found;
  }

  #changed() {
    return [...this.#files.values()].filter((file) => file.sizeDirty || file.dirty.size > 0);
  }

  /**
   * Does it when the transactions before it are over.
   * @template T
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  #take(action) {
    const turn = this.#turn.then(() => {
      this.#check();
      return action();
    });
    this.#turn = turn.catch(() => undefined); // told to the one who waits for it
    return turn;
  }

  #begin() {
    return this.#database.transaction(['files', 'pages'], 'readwrite', { durability: 'strict' });
  }

  /**
   * @param {IDBTransaction} transaction
   * @param {PagedFile} file
   * @param {{size: number, stored: number}} to
   */
  #put(transaction, { name, id }, { size, stored }) {
    transaction.objectStore('files').put({ id, size, stored }, name);
  }

  /**
   * Stores what is dirty of these files.
   * @param {PagedFile[]} files
   */
  async #save(files) {
    const changed = files.filter((file) => file.sizeDirty || file.dirty.size > 0);
    if (changed.length === 0) {
      return;
    }
    const pages = changed.flatMap((file) => [...file.dirty]);
    let stored = false;
    const transaction = this.#begin();
    for (const file of changed) {
      const numbers = [...file.dirty].map((page) => page.number + 1);
      file.stored = numbers.reduce((most, one) => Math.max(most, one), file.stored);
      file.sizeDirty = false;
      this.#put(transaction, file, file);
    }
    for (const page of pages) {
      const key = [page.file.id, page.number];
      transaction.objectStore('pages').put(this.#pages.save(page), key);
    }
    try {
      transaction.commit();
      await completed(transaction);
      stored = true;
    } finally {
      for (const page of pages) this.#pages.saved(page, stored);
      for (const file of changed) file.sizeDirty ||= !stored;
    }
  }

  /**
   * @param {PagedFile} file
   * @param {number[]} numbers ascending
   * @param {string} doing
   * @returns {Promise<Map<number, Uint8Array>>} a page that is a hole has no bytes
   */
  async #load(file, numbers, doing) {
    /** @type {Map<number, Uint8Array>} */
    const loaded = new Map();
    try {
      const store = this.#database.transaction('pages', 'readonly').objectStore('pages');
      const contents = numbers.map((number) => answer(store.get([file.id, number])));
      for (const [i, content] of (await Promise.all(contents)).entries()) {
        loaded.set(numbers[i], content ?? new Uint8Array(0));
        this.#pages.loaded(file, numbers[i], content ?? new Uint8Array(0));
      }
    } catch (error) {
      throw failed(error, doing);
    }
    return loaded;
  }

  /**
   * @param {PagedFile} file
   * @param {number} size
   */
  async #shrink(file, size) {
    const doing = `truncate of "${file.name}"`;
    const { pageSize } = this.#pages;
    const keeps = Math.ceil(size / pageSize);
    const rest = size % pageSize;
    const last = keeps - 1;
    const end = new Uint8Array(rest);
    await this.#fetch(file, size - rest, end, doing);
    try {
      await this.#take(async () => {
        const stored = Math.min(file.stored, keeps);
        const transaction = this.#begin();
        transaction.objectStore('pages').delete(pagesFrom(file.id, keeps));
        if (rest > 0 && last < stored) {
          transaction.objectStore('pages').put(end, [file.id, last]);
        }
        this.#put(transaction, file, { size, stored });
        transaction.commit();
        await completed(transaction);
        this.#pages.forget(file, rest > 0 ? last : keeps);
        if (rest > 0) this.#pages.change(file, last, 0, end);
        Object.assign(file, { size, stored, sizeDirty: false });
      });
    } catch (error) {
      throw failedOrFull(error, doing);
    }
  }

  /** @param {PagedFile} file */
  async #remove(file) {
    try {
      await this.#take(async () => {
        const transaction = this.#begin();
        transaction.objectStore('files').delete(file.name);
        transaction.objectStore('pages').delete(pagesFrom(file.id, 0));
        transaction.commit();
        await completed(transaction);
        this.#pages.forget(file, 0);
        this.#files.delete(file.name);
      });
    } catch (error) {
      throw failed(error, `removal of "${file.name}"`);
    }
  }
}

/**
 * @param {IDBDatabase} database
 * @returns {Promise<Map<string, PagedFile>>}
 */
async function readFiles(database) {
  const store = database.transaction('files', 'readonly').objectStore('files');
  const [names, records] = await Promise.all([answer(store.getAllKeys()), answer(store.getAll())]);
  return new Map(
    names.map((key, i) => {
      const { id, size, stored } = records[i];
      const name = String(key);
      const pages = new Map();
      return [name, { name, id, size, stored, sizeDirty: false, pages, dirty: new Set() }];
    }),
  );
}

/**
 * True when there is a database of this name with files in it.
 * @param {string} name
 * @returns {Promise<boolean>}
 */
export async function exists(name) {
  let made = false;
  try {
    const database = await openDatabase(storageName(name), layoutVersion, (_, transaction) => {
      made = true;
      transaction.abort(); // so nothing is made
    });
    try {
      return (await readFiles(database)).size > 0;
    } finally {
      database.close();
    }
  } catch (error) {
    if (made) return false;
    if (error instanceof RivuletError && error.code === 'data_newer') return true;
    throw unavailable(error, 'IndexedDB');
  }
}

/**
 * Opens the database, which is made if there is none. The options are for tests and measurements: a
 * database is always to be opened with the page size that it was made with.
 * @param {string} name
 * @param {{pageSize?: number, memoryBytes?: number}} [options]
 * @returns {Promise<IndexedDbStorage>}
 */
export async function mount(name, options = {}) {
  const { pageSize = pageSizeDefault, memoryBytes = memoryBytesDefault } = options;
  const unlock = await lockDatabase(name);
  /** @type {IDBDatabase | undefined} */
  let database;
  try {
    database = await openDatabase(storageName(name), layoutVersion, (made) => {
      made.createObjectStore('files');
      made.createObjectStore('pages');
    });
    const files = await readFiles(database);
    const persistent = await isPersisted();
    return new IndexedDbStorage(database, files, unlock, { persistent, pageSize, memoryBytes });
  } catch (error) {
    database?.close();
    await unlock();
    throw unavailable(error, 'IndexedDB');
  }
}

/**
 * Removes the database, if there is one.
 * @param {string} name
 */
export async function destroy(name) {
  const unlock = await lockDatabase(name);
  try {
    await deleteDatabase(storageName(name));
  } catch (error) {
    throw failed(error, `removal of "${name}"`);
  } finally {
    await unlock();
  }
}
