// SPDX-License-Identifier: Apache-2.0
// Storage in IndexedDB, where there is no OPFS: files in pages (page-store.js), a bounded number of
// which is in memory (pages.js).
//
// What is written goes to pages in memory at once, as long as they are not too many that are not
// stored yet; else the write is pending until a transaction has stored them. A flush is one
// transaction, durability `strict`, with the file's pages and its size; it is done when that is
// complete. Reads are done at once where all pages are in memory, else they are pending.
//
// One transaction that changes files is under way at a time (`#turn`), so that a flush never
// answers before what an earlier one carried is stored, or is dirty again because that one was
// aborted.
import { RivuletError } from '../error.js';
import { failed, failedOrFull, isPersisted, unavailable } from './failure.js';
import { lockDatabase } from './lock.js';
import { storageName } from './name.js';
import { Pages } from './pages.js';
import { PageStore } from './page-store.js';
import { deleteDatabase } from './transaction.js';

/** @typedef {import('./pages.js').PagedFile} PagedFile */
/** @typedef {import('./page-store.js').StoredFile} StoredFile */

const pageSizeDefault = 8192;

/** Half of it for pages that are not stored yet. */
const memoryBytesDefault = 4 << 20;

/**
 * @param {StoredFile} file
 * @returns {PagedFile}
 */
function pagedFile(file) {
  return { ...file, sizeDirty: false, pages: new Map(), dirty: new Set() };
}

export class IndexedDbStorage {
  mode = 'indexeddb';
  #store;
  /** @type {Map<string, PagedFile>} */
  #files;
  #unlock;
  #pages;
  #dirtyBytesMax;
  #idNext;
  /** @type {Map<number, PagedFile>} */
  #open = new Map();
  #fileNext = 1;
  /** @type {Promise<unknown>} the end of the last transaction that changes files */
  #turn = Promise.resolve();

  /**
   * @param {PageStore} store
   * @param {StoredFile[]} files
   * @param {() => Promise<void>} unlock
   * @param {{persistent: boolean, pageSize: number, memoryBytes: number}} options
   */
  constructor(store, files, unlock, { persistent, pageSize, memoryBytes }) {
    this.#store = store;
    this.#files = new Map(files.map((file) => [file.name, pagedFile(file)]));
    this.#unlock = unlock;
    this.#pages = new Pages(pageSize, memoryBytes / 2 / pageSize);
    this.#dirtyBytesMax = memoryBytes / 2;
    this.#idNext = Math.max(0, ...files.map((file) => file.id)) + 1;
    this.persistent = persistent;
  }

  /** @param {string} name */
  open(name) {
    this.#check();
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
    const file = pagedFile({ name, id: this.#idNext++, size: 0, stored: 0 });
    file.sizeDirty = true;
    this.#files.set(name, file);
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
   * @returns {number | Promise<Uint8Array>} how much it was; or, later, what it was: a module's
   *   memory may have moved by then
   */
  read(handle, offset, into) {
    const file = this.#of(handle);
    const range = into.subarray(0, Math.max(0, Math.min(into.length, file.size - offset)));
    if (this.#missing(file, offset, range.length).length === 0) {
      this.#copy(file, offset, range, new Map());
      return range.length;
    }
    return this.#fetch(file, offset, new Uint8Array(range.length), `read of "${file.name}"`);
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
    const taken = bytes.subarray(0, this.#dirtyBytesMax - 2 * this.#pages.pageSize);
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
    if (size === file.size) {
      return undefined;
    }
    return size < file.size ? this.#shrink(file, size) : this.#grow(file, size);
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

  /**
   * @param {string} name
   * @returns {Promise<void>}
   */
  remove(name) {
    this.#check();
    const file = this.#files.get(name);
    if (file === undefined) {
      throw new RivuletError('data_not_found', `there is no file "${name}"`);
    }
    const removal = this.#take(async () => {
      await this.#store.remove(file);
      this.#pages.forget(file, 0);
      this.#files.delete(name);
    });
    return removal.catch((error) => {
      throw failed(error, `removal of "${name}"`);
    });
  }

  /** @returns {string[]} */
  list() {
    this.#check();
    return [...this.#files.keys()];
  }

  async unmount() {
    this.#open.clear();
    try {
      if (this.#store.lost === null) await this.#take(() => this.#save(this.#files.values()));
    } catch (error) {
      throw failed(error, 'the last transaction');
    } finally {
      this.#store.close();
      await this.#unlock();
    }
  }

  #check() {
    if (this.#store.lost !== null) throw this.#store.lost;
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
   * @param {Map<number, Uint8Array>} loaded pages that memory may have let go again
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

  // --- what waits for the store ---

  /**
   * Does it when the transactions before it are over.
   * @template T
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  #take(action) {
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => undefined); // told to the one who waits for it
    return turn;
  }

  /**
   * Stores what is dirty of these files.
   * @param {Iterable<PagedFile>} files
   */
  async #save(files) {
    this.#check();
    const changed = [...files].filter((file) => file.sizeDirty || file.dirty.size > 0);
    if (changed.length === 0) {
      return;
    }
    for (const file of changed) {
      const ends = [...file.dirty].map((page) => page.number + 1);
      file.stored = ends.reduce((most, end) => Math.max(most, end), file.stored);
      file.sizeDirty = false;
    }
    const pages = changed.flatMap((file) => [...file.dirty]);
    const contents = pages.map((page) => {
      return { id: page.file.id, number: page.number, bytes: this.#pages.save(page) };
    });
    let stored = false;
    try {
      await this.#store.save(changed, contents);
      stored = true;
    } finally {
      for (const page of pages) this.#pages.saved(page, stored);
      for (const file of changed) file.sizeDirty ||= !stored;
    }
  }

  /**
   * @param {PagedFile} file
   * @param {number[]} numbers
   * @param {string} doing
   */
  async #load(file, numbers, doing) {
    try {
      const loaded = await this.#store.load(file.id, numbers);
      for (const [number, bytes] of loaded) this.#pages.loaded(file, number, bytes);
      return loaded;
    } catch (error) {
      throw failed(error, doing);
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
    return into;
  }

  /**
   * @param {PagedFile} file
   * @param {number} offset
   * @param {Uint8Array} given
   */
  async #writeLater(file, offset, given) {
    const bytes = given.slice(); // the module's memory may move meanwhile
    const doing = `write to "${file.name}"`;
    for (;;) {
      const torn = this.#torn(file, offset, bytes.length);
      if (!this.#fits(bytes.length)) {
        await this.#take(() => this.#save(this.#files.values())).catch((error) => {
          throw failedOrFull(error, doing);
        });
      } else if (torn.length > 0) {
        await this.#load(file, torn, doing);
      } else {
        return this.#change(file, offset, bytes);
      }
    }
  }

  /**
   * @param {PagedFile} file
   * @param {number} size
   */
  async #grow(file, size) {
    try {
      await this.#store.reserve(size - file.size);
    } catch (error) {
      throw failedOrFull(error, `truncate of "${file.name}"`);
    }
    file.size = size;
    file.sizeDirty = true;
  }

  /**
   * @param {PagedFile} file
   * @param {number} size
   */
  async #shrink(file, size) {
    const doing = `truncate of "${file.name}"`;
    const keeps = Math.ceil(size / this.#pages.pageSize);
    const last = keeps - 1;
    const end = new Uint8Array(size % this.#pages.pageSize); // of the last page, if it is not whole
    await this.#fetch(file, size - end.length, end, doing);
    const cut = this.#take(async () => {
      const { name, id } = file;
      const stored = Math.min(file.stored, keeps);
      const whole = end.length === 0 || last >= stored;
      const page = whole ? null : { id, number: last, bytes: end };
      await this.#store.cut({ name, id, size, stored }, keeps, page);
      this.#pages.forget(file, end.length > 0 ? last : keeps);
      if (end.length > 0) this.#pages.change(file, last, 0, end);
      Object.assign(file, { size, stored, sizeDirty: false });
    });
    await cut.catch((error) => {
      throw failedOrFull(error, doing);
    });
  }
}

/**
 * True when there is a database of this name with files in it.
 * @param {string} name
 * @returns {Promise<boolean>}
 */
export async function exists(name) {
  const store = await PageStore.openExisting(storageName(name)).catch((error) => {
    if (error.code !== 'data_newer') throw error;
    return error.code;
  });
  if (store === null || store === 'data_newer') {
    return store !== null;
  }
  try {
    return (await store.files()).length > 0;
  } catch (error) {
    throw unavailable(error, 'IndexedDB');
  } finally {
    store.close();
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
  /** @type {PageStore | undefined} */
  let store;
  try {
    store = await PageStore.open(storageName(name));
    const files = await store.files();
    const persistent = await isPersisted();
    return new IndexedDbStorage(store, files, unlock, { persistent, pageSize, memoryBytes });
  } catch (error) {
    store?.close();
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
