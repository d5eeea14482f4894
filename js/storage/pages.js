// SPDX-License-Identifier: Apache-2.0
// The files of a storage made of pages, as far as they are in memory: each file's size and pages of
// its content. A page is
//
//     dirty    changed, not yet stored
//     saving   what it was is on its way to the store (it may be dirty again)
//     clean    as it is stored, kept because it may be wanted again; the ones unused for longest go
//
// Invariants: a page of a file that is not here and whose number is below the file's `stored` is in
// the store, or is a hole; from `stored` on nothing is stored. Bytes at and after a file's size are
// zeros, here and in the store, so that a file grows by a larger size alone.

/**
 * @typedef {object} Page
 * @property {PagedFile} file
 * @property {number} number
 * @property {Uint8Array} bytes one page
 * @property {number} used bytes after these are zeros
 * @property {boolean} saving
 */

/**
 * @typedef {object} PagedFile
 * @property {string} name
 * @property {number} id
 * @property {number} size
 * @property {number} stored no page from this number on is in the store
 * @property {boolean} sizeDirty the size, or that there is such a file, is not stored yet
 * @property {Map<number, Page>} pages those in memory
 * @property {Set<Page>} dirty
 */

export class Pages {
  pageSize;
  #cleanMax;
  /** @type {Set<Page>} the one used last is last */
  #clean = new Set();
  /** How many pages are dirty, of all files. */
  dirtyCount = 0;

  /**
   * @param {number} pageSize
   * @param {number} cleanMax pages
   */
  constructor(pageSize, cleanMax) {
    this.pageSize = pageSize;
    this.#cleanMax = cleanMax;
  }

  /**
   * Calls `piece(number, start, count, done)` for each page that the range touches: the page's
   * number, where in it the range starts, how many bytes, and how many were before them.
   * @param {number} offset
   * @param {number} length
   * @param {(number: number, start: number, count: number, done: number) => void} piece
   */
  each(offset, length, piece) {
    let done = 0;
    while (done < length) {
      const start = (offset + done) % this.pageSize;
      const count = Math.min(this.pageSize - start, length - done);
      piece((offset + done - start) / this.pageSize, start, count, done);
      done += count;
    }
  }

  /**
   * True when the page's content is known without asking the store.
   * @param {PagedFile} file
   * @param {number} number
   */
  has(file, number) {
    return number >= file.stored || file.pages.has(number);
  }

  /**
   * The page if it is here; it is then the one used last.
   * @param {PagedFile} file
   * @param {number} number
   * @returns {Page | undefined}
   */
  get(file, number) {
    const page = file.pages.get(number);
    if (page !== undefined && this.#clean.delete(page)) {
      this.#clean.add(page);
    }
    return page;
  }

  /**
   * Takes what the store has, unless something newer is here already.
   * @param {PagedFile} file
   * @param {number} number
   * @param {Uint8Array} bytes at most a page
   */
  loaded(file, number, bytes) {
    if (file.pages.has(number)) {
      return;
    }
    const page = this.#add(file, number);
    page.bytes.set(bytes);
    page.used = bytes.length;
    this.#keep(page);
  }

  /**
   * Changes bytes of a page, whose content must be known or be replaced whole.
   * @param {PagedFile} file
   * @param {number} number
   * @param {number} start
   * @param {Uint8Array} bytes
   */
  change(file, number, start, bytes) {
    const page = file.pages.get(number) ?? this.#add(file, number);
    page.bytes.set(bytes, start);
    page.used = Math.max(page.used, start + bytes.length);
    this.#dirty(page);
  }

  /**
   * What is to be stored of a dirty page, which is saving from now on.
   * @param {Page} page
   * @returns {Uint8Array}
   */
  save(page) {
    page.file.dirty.delete(page);
    this.dirtyCount -= 1;
    page.saving = true;
    return page.bytes.slice(0, page.used);
  }

  /**
   * The page is stored, or it is not and is dirty again.
   * @param {Page} page
   * @param {boolean} stored
   */
  saved(page, stored) {
    page.saving = false;
    if (page.file.pages.get(page.number) !== page) {
      return; // it was cut off meanwhile
    }
    if (!stored) {
      this.#dirty(page);
    } else if (!page.file.dirty.has(page)) {
      this.#keep(page);
    }
  }

  /**
   * Forgets the pages from `number` on, changed or not.
   * @param {PagedFile} file
   * @param {number} number
   */
  forget(file, number) {
    for (const page of file.pages.values()) {
      if (page.number >= number) {
        file.pages.delete(page.number);
        this.#clean.delete(page);
        this.dirtyCount -= file.dirty.delete(page) ? 1 : 0;
      }
    }
  }

  /**
   * @param {PagedFile} file
   * @param {number} number
   * @returns {Page}
   */
  #add(file, number) {
    const page = { file, number, bytes: new Uint8Array(this.pageSize), used: 0, saving: false };
    file.pages.set(number, page);
    return page;
  }

  /** @param {Page} page */
  #dirty(page) {
    this.#clean.delete(page);
    this.dirtyCount += page.file.dirty.has(page) ? 0 : 1;
    page.file.dirty.add(page);
  }

  /** @param {Page} page */
  #keep(page) {
    this.#clean.add(page);
    for (const oldest of this.#clean) {
      if (this.#clean.size <= this.#cleanMax) break;
      this.#clean.delete(oldest);
      oldest.file.pages.delete(oldest.number);
    }
  }
}
