// SPDX-License-Identifier: Apache-2.0
// Storage that is gone when it is unmounted: files as blocks in this worker's memory. Every
// operation is done at once. Two databases in memory share nothing, also if they have the same
// name, so there is no lock. A file has the blocks that were written; what is between them reads
// as zeros.
import { RivuletError } from '../error.js';
import { storageName } from './name.js';

/** @typedef {{name: string, size: number, blocks: Map<number, Uint8Array>}} MemoryFile */

const blockSize = 65536;

/** Offsets are exact up to here. */
const sizeMax = Number.MAX_SAFE_INTEGER;

/**
 * Calls `piece(block, start, count, done)` for each block that the range touches: the block's
 * number, where in it the range starts, how many bytes, and how many were before them.
 * @param {number} offset
 * @param {number} length
 * @param {(block: number, start: number, count: number, done: number) => void} piece
 */
function eachBlock(offset, length, piece) {
  let done = 0;
  while (done < length) {
    const start = (offset + done) % blockSize;
    const count = Math.min(blockSize - start, length - done);
    piece((offset + done - start) / blockSize, start, count, done);
    done += count;
  }
}

export class MemoryStorage {
  mode = 'memory';
  persistent = false;
  /** @type {Map<string, MemoryFile>} */
  #files = new Map();
  /** @type {Map<number, MemoryFile>} */
  #open = new Map();
  #fileNext = 1;
  #bytesUsed = 0;
  #bytesMax;

  /** @param {number} bytesMax */
  constructor(bytesMax) {
    this.#bytesMax = bytesMax;
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
    if (this.#files.has(name)) {
      throw new RivuletError('data_exists', `there is a file "${name}"`);
    }
    this.#files.set(name, { name, size: 0, blocks: new Map() });
    return this.open(name);
  }

  /** @param {number} file */
  close(file) {
    this.#open.delete(file);
  }

  /**
   * @param {number} file
   * @param {number} offset
   * @param {Uint8Array} into
   * @returns {number}
   */
  read(file, offset, into) {
    const { size, blocks } = this.#of(file);
    const length = Math.max(0, Math.min(into.length, size - offset));
    eachBlock(offset, length, (number, start, count, done) => {
      const block = blocks.get(number);
      if (block === undefined) {
        into.fill(0, done, done + count);
      } else {
        into.set(block.subarray(start, start + count), done);
      }
    });
    return length;
  }

  /**
   * @param {number} file
   * @param {number} offset
   * @param {Uint8Array} bytes
   * @returns {number}
   */
  write(file, offset, bytes) {
    const of = this.#of(file);
    if (offset + bytes.length > sizeMax) {
      throw new RivuletError('storage_full', `"${of.name}" cannot be that large`);
    }
    eachBlock(offset, bytes.length, (number) => this.#take(of, number));
    eachBlock(offset, bytes.length, (number, start, count, done) => {
      of.blocks.get(number)?.set(bytes.subarray(done, done + count), start);
    });
    if (bytes.length > 0) {
      of.size = Math.max(of.size, offset + bytes.length);
    }
    return bytes.length;
  }

  /**
   * @param {number} file
   * @param {number} size
   */
  truncate(file, size) {
    const of = this.#of(file);
    if (size > sizeMax) {
      throw new RivuletError('storage_full', `"${of.name}" cannot be that large`);
    }
    for (const [number, block] of size < of.size ? of.blocks : []) {
      const start = number * blockSize;
      if (start >= size) {
        of.blocks.delete(number);
        this.#bytesUsed -= blockSize;
      } else if (start + blockSize > size) {
        block.fill(0, size - start);
      }
    }
    of.size = size;
  }

  /** @param {number} file */
  flush(file) {
    this.#of(file);
  }

  /** @param {string} name */
  remove(name) {
    const found = this.#files.get(name);
    if (found === undefined) {
      throw new RivuletError('data_not_found', `there is no file "${name}"`);
    }
    this.#files.delete(name);
    this.#bytesUsed -= found.blocks.size * blockSize;
  }

  /** @returns {string[]} */
  list() {
    return [...this.#files.keys()];
  }

  async unmount() {
    this.#files.clear();
    this.#open.clear();
  }

  /**
   * @param {number} file
   * @returns {MemoryFile}
   */
  #of(file) {
    const found = this.#open.get(file);
    if (found === undefined) {
      throw new RivuletError('storage_failed', `no file is open as ${file}`);
    }
    return found;
  }

  /**
   * Makes the block if it is not there.
   * @param {MemoryFile} of
   * @param {number} number
   */
  #take(of, number) {
    if (of.blocks.has(number)) {
      return;
    }
    if (this.#bytesUsed + blockSize > this.#bytesMax) {
      throw new RivuletError('storage_full', `${this.#bytesMax} bytes of memory are used up`);
    }
    try {
      of.blocks.set(number, new Uint8Array(blockSize));
    } catch {
      throw new RivuletError('storage_full', 'the browser has no more memory');
    }
    this.#bytesUsed += blockSize;
  }
}

/**
 * An empty storage of its own.
 * @param {string} name
 * @param {{bytesMax?: number}} [options] `bytesMax`: of all files together
 * @returns {Promise<MemoryStorage>}
 */
export async function mount(name, { bytesMax = Infinity } = {}) {
  storageName(name);
  return new MemoryStorage(bytesMax);
}

/**
 * Nothing is kept, so nothing is to be removed.
 * @param {string} name
 */
export async function destroy(name) {
  storageName(name);
}
