// SPDX-License-Identifier: Apache-2.0
// A request under way in the module, from its bytes to the end of its answer. It is asked in every
// turn, and says what it has: an answer whole, a feed's body piece by piece, as many as its
// consumer has asked for.
import { END, OK, RivuletError } from './error.js';

/** @typedef {import('./engine.js').Engine} Engine */
/** @typedef {import('./pool.js').Pool} Pool */
/** @typedef {import('./pool.js').Piece} Piece */
/** @typedef {(message: any[], transfer?: ArrayBuffer) => void} Post */

/** Pieces of one feed in one turn, so that others have theirs. */
const PIECES_MAX = 4;

export class Exchange {
  /** @type {Uint8Array} */ bytes;
  /** @type {Piece | null} */ #piece = null;
  #decoder = new TextDecoder();
  #number = -1;
  #head = 0;
  #text = '';

  /** Pieces that a feed may still give. */
  credit = 0;

  /** @param {number} id @param {boolean} feed @param {Uint8Array} bytes the request */
  constructor(id, feed, bytes) {
    this.id = id;
    this.feed = feed;
    this.bytes = bytes;
  }

  /**
   * Hands it to the module. False: not now; there is no memory or no room for it.
   * @param {Engine} engine @param {Pool} pool
   */
  begin(engine, pool) {
    if (this.bytes.length > pool.max) {
      const detail = `a request of ${this.bytes.length} bytes; the limit is ${pool.max}`;
      throw new RivuletError('request_too_large', detail);
    }
    const piece = pool.take(this.bytes.length);
    if (piece === null) return false;
    engine.put(piece.at, this.bytes);
    const number = engine.begin(piece.at, this.bytes.length);
    if (number < 0) {
      pool.give(piece);
      const error = engine.error();
      if (error.code === 'busy') return false;
      throw error;
    }
    this.#number = number;
    this.#piece = piece;
    this.bytes = new Uint8Array();
    return true;
  }

  /**
   * Goes on with it. True when it is over.
   * @param {Engine} engine @param {Pool} pool @param {number} now @param {Post} post
   */
  ask(engine, pool, now, post) {
    if (this.#head === 0) {
      this.#head = engine.head(this.#number);
      if (this.#head === 0) return false;
      engine.activity += 1;
      this.#giveBack(pool);
    }
    return this.feed && this.#head === 200
      ? this.#pieces(engine, now, post)
      : this.#whole(engine, now, post);
  }

  /** Forgets it. @param {Engine} engine @param {Pool} pool */
  end(engine, pool) {
    if (this.#number >= 0) engine.end(this.#number);
    this.#giveBack(pool);
    this.#number = -1;
  }

  /** @param {Pool} pool */
  #giveBack(pool) {
    if (this.#piece) pool.give(this.#piece);
    this.#piece = null;
  }

  /** @param {Engine} engine @param {number} now @param {Post} post */
  #whole(engine, now, post) {
    for (;;) {
      const status = engine.body(this.#number, now);
      if (status === OK) {
        this.#text += this.#decoder.decode(engine.out(), { stream: true });
        continue;
      }
      if (status !== END) return this.#paused(engine, status, post);
      engine.activity += 1;
      if (this.#head < 400) post(['answer', this.id, this.#text]);
      else post(['error', this.id, JSON.parse(this.#text)]);
      return true;
    }
  }

  /** @param {Engine} engine @param {number} now @param {Post} post */
  #pieces(engine, now, post) {
    for (let i = 0; i < PIECES_MAX && this.credit > 0; i++) {
      const status = engine.body(this.#number, now);
      if (status === END) {
        post(['end', this.id]);
        return true;
      }
      if (status !== OK) return this.#paused(engine, status, post);
      engine.activity += 1;
      const bytes = engine.out().slice();
      if (bytes.length > 0) {
        this.credit -= 1;
        post(['piece', this.id, bytes], bytes.buffer);
      }
    }
    return false;
  }

  /** Nothing for now, or never. @param {Engine} engine @param {number} status @param {Post} post */
  #paused(engine, status, post) {
    if (status < END) return false;
    post(['error', this.id, engine.error().toProblem()]);
    return true;
  }
}
