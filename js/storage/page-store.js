// SPDX-License-Identifier: Apache-2.0
// Files in pages as an IndexedDB database:
//
//     store `files`   name -> {id, size, stored}       `stored`: no page from this number on exists
//     store `pages`   [id, number] -> bytes            at most a page; what is missing are zeros
//
// Each method is one transaction: all of it is stored or, where it throws, nothing. It throws what
// IndexedDB threw.
import { RivuletError } from '../error.js';
import { answer, completed, openDatabase } from './transaction.js';

/** @typedef {{name: string, id: number, size: number, stored: number}} StoredFile */
/** @typedef {{id: number, number: number, bytes: Uint8Array}} StoredPage */

/** Grows when what is above changes. */
const layoutVersion = 1;

/** What a file grows by at a time is hardly ever more. */
const noiseBytesMax = 8 << 20;

/** Of getRandomValues. */
const entropyMax = 65536;

/**
 * All pages of a file from a number on.
 * @param {number} id
 * @param {number} number
 */
function pagesFrom(id, number) {
  return IDBKeyRange.bound([id, number], [id, Infinity]);
}

export class PageStore {
  #database;

  /** Why it can be used no more. @type {RivuletError | null} */
  lost = null;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
    database.onclose = () => this.#lose('the browser closed it');
    database.onversionchange = () => {
      database.close(); // who does not heed the lock wants it gone, and would wait for ever
      this.#lose('another tab or worker deletes it');
    };
  }

  /**
   * Opens the database, which is made if there is none.
   * @param {string} name
   */
  static async open(name) {
    return new PageStore(
      await openDatabase(name, layoutVersion, (made) => {
        made.createObjectStore('files');
        made.createObjectStore('pages');
      }),
    );
  }

  /**
   * Opens the database if there is one.
   * @param {string} name
   * @returns {Promise<PageStore | null>}
   */
  static async openExisting(name) {
    let made = false;
    try {
      const database = await openDatabase(name, layoutVersion, (_, transaction) => {
        made = true;
        transaction.abort(); // so nothing is made
      });
      return new PageStore(database);
    } catch (error) {
      if (made) return null;
      throw error;
    }
  }

  close() {
    this.#database.onclose = null;
    this.#database.close();
  }

  /** @returns {Promise<StoredFile[]>} */
  async files() {
    const store = this.#database.transaction('files', 'readonly').objectStore('files');
    const [names, files] = await Promise.all([answer(store.getAllKeys()), answer(store.getAll())]);
    return files.map(({ id, size, stored }, i) => ({ name: String(names[i]), id, size, stored }));
  }

  /**
   * @param {number} id
   * @param {number[]} numbers
   * @returns {Promise<Map<number, Uint8Array>>} a page that is a hole has no bytes
   */
  async load(id, numbers) {
    const store = this.#database.transaction('pages', 'readonly').objectStore('pages');
    const pages = await Promise.all(numbers.map((number) => answer(store.get([id, number]))));
    return new Map(pages.map((bytes, i) => [numbers[i], bytes ?? new Uint8Array(0)]));
  }

  /**
   * Stores files' sizes and pages.
   * @param {StoredFile[]} files
   * @param {StoredPage[]} pages
   */
  save(files, pages) {
    return this.#change('strict', (names, contents) => {
      for (const { name, id, size, stored } of files) {
        names.put({ id, size, stored }, name);
      }
      for (const { id, number, bytes } of pages) {
        contents.put(bytes, [id, number]);
      }
    });
  }

  /**
   * Stores the file's smaller size and new last page, and takes the pages after it away.
   * @param {StoredFile} file
   * @param {number} keeps how many pages are left
   * @param {StoredPage | null} last
   */
  cut({ name, id, size, stored }, keeps, last) {
    return this.#change('strict', (names, contents) => {
      contents.delete(pagesFrom(id, keeps));
      if (last !== null) contents.put(last.bytes, [id, last.number]);
      names.put({ id, size, stored }, name);
    });
  }

  /** @param {StoredFile} file */
  remove({ name, id }) {
    return this.#change('strict', (names, contents) => {
      names.delete(name);
      contents.delete(pagesFrom(id, 0));
    });
  }

  /**
   * Asks for space, which IndexedDB tells of only when it stores something: so much noise, which
   * the same transaction takes away again.
   * @param {number} bytes
   */
  reserve(bytes) {
    const noise = new Uint8Array(Math.min(bytes, noiseBytesMax));
    for (let at = 0; at < noise.length; at += entropyMax) {
      crypto.getRandomValues(noise.subarray(at, at + entropyMax));
    }
    return this.#change('relaxed', (_, contents) => {
      contents.put(noise, [0, 0]); // no file has this id
      contents.delete([0, 0]);
    });
  }

  /**
   * @param {IDBTransactionDurability} durability
   * @param {(files: IDBObjectStore, pages: IDBObjectStore) => void} act
   */
  async #change(durability, act) {
    if (this.lost !== null) throw this.lost;
    const stores = ['files', 'pages'];
    const transaction = this.#database.transaction(stores, 'readwrite', { durability });
    const done = completed(transaction);
    act(transaction.objectStore('files'), transaction.objectStore('pages'));
    transaction.commit();
    await done;
  }

  /** @param {string} why */
  #lose(why) {
    this.lost = new RivuletError('storage_failed', `the database in IndexedDB is closed: ${why}`);
  }
}
