// SPDX-License-Identifier: Apache-2.0
// Memory of the module for requests and messages, taken once, before the database is open, because
// memory of the module never comes back and never moves. A piece is lent until it is given back;
// when there is none, what wants it waits.

/**
 * Sizes of pieces and how many there are of each; the last is as large as a request can be. Of the
 * small ones there are as many as the module has exchanges, as each may keep one for long: feeds of
 * an edge that has not met its upstream wait for that.
 */
const classes = [
  { size: 4096, count: 160 },
  { size: 65536, count: 8 },
];

/** @typedef {{at: number, size: number}} Piece */

export class Pool {
  /** @type {Piece[]} */ #free = []; // by size
  /** The largest that can be had. */
  max;

  /**
   * @param {(len: number) => number} alloc
   * @param {number} max
   */
  constructor(alloc, max) {
    this.max = max;
    for (const { size, count } of [...classes, { size: max, count: 1 }]) {
      const at = alloc(size * count);
      for (let i = 0; i < count; i++) this.#free.push({ at: at + i * size, size });
    }
  }

  /** @param {number} len @returns {Piece | null} */
  take(len) {
    const index = this.#free.findIndex(({ size }) => size >= len);
    return index < 0 ? null : this.#free.splice(index, 1)[0];
  }

  /** @param {Piece} piece */
  give(piece) {
    const index = this.#free.findIndex(({ size }) => size >= piece.size);
    this.#free.splice(index < 0 ? this.#free.length : index, 0, piece);
  }
}
