// SPDX-License-Identifier: Apache-2.0
// The token that the edge shows its upstream, in the worker. Who has it is the page, whose function
// may take its time: it is asked before the first connection, which waits for that, and whenever the
// module wants another one: the last was refused, or will soon have expired.
//
//     asked -> given: shown by the next hello, or within the session that there is
//          \-> none: without one before, the attempt to connect fails, `unauthenticated`
//
// Where it gives none, or the same again, it is asked less and less often, and at once when the
// application says `wake`. A token is in no error and no message but the one that brings it here.
import { RivuletError } from './error.js';

const AGAIN_MIN = 5e6; // microseconds
const AGAIN_MAX = 60e6;
const TOKEN_MAX = 1024; // bytes: RV_WIRE_TOKEN_MAX

/**
 * A token is what a header could hold: printable, without blanks.
 * @param {unknown} token
 */
export function isToken(token) {
  return typeof token === 'string' && token.length <= TOKEN_MAX && /^[!-~]+$/.test(token);
}

/**
 * What the application's function gives, as the worker is told it.
 * @param {() => unknown} ask @returns {Promise<{token?: string, detail?: string}>}
 */
export async function tokenOf(ask) {
  try {
    const token = /** @type {string} */ (await ask());
    return isToken(token) ? { token } : { detail: 'upstream.token gave no token' };
  } catch (error) {
    const { detail } = RivuletError.from(error, 'unauthenticated');
    return { detail: `upstream.token failed: ${detail}` };
  }
}

/** @typedef {import('./engine.js').Engine} Engine */

export class Token {
  #engine;
  #ask;
  #memory; // of the module, for one
  #told = false; // the module, that there will be some
  #text = '';
  #asking = false;
  #renewed = false; // while it is asked, which may have looked before
  #wanted = true;
  #askAt = 0; // not before: microseconds
  #again = AGAIN_MIN;
  /** Why there is none. @type {RivuletError | null} */ failure = null;

  /** @param {Engine} engine @param {() => void} ask the page */
  constructor(engine, ask) {
    this.#engine = engine;
    this.#ask = ask;
    this.#memory = engine.alloc(TOKEN_MAX);
  }

  /** A connection waits for the first one. */
  get awaited() {
    return this.#text === '' && this.failure === null;
  }

  /** What there is to do now. @param {number} now */
  turn(now) {
    const { edge } = this.#engine;
    if (!this.#told) edge.setToken(this.#memory, 0, now);
    this.#told = true;
    this.#wanted = edge.wantsToken(now) || this.#wanted;
    if (!this.#wanted || this.#asking || now < this.#askAt) return;
    this.#wanted = false;
    this.#asking = true;
    this.#ask();
  }

  /** Another one may be there. */
  renew() {
    this.#wanted = true;
    this.#askAt = 0;
    this.#renewed = this.#asking;
  }

  /** The page's answer. @param {{token?: string, detail?: string}} told @param {number} now */
  take({ token, detail }, now) {
    const other = token !== undefined && token !== this.#text;
    this.#asking = false;
    if (other) {
      const bytes = new TextEncoder().encode(token);
      this.#engine.put(this.#memory, bytes);
      this.#engine.edge.setToken(this.#memory, bytes.length, now);
      this.#engine.put(this.#memory, bytes.fill(0));
      this.#text = token;
      this.failure = null;
    } else if (this.#text === '') {
      this.failure = new RivuletError('unauthenticated', detail);
    }
    this.#askAt = other || this.#renewed ? 0 : now + this.#again;
    this.#renewed = false;
    this.#again = other ? AGAIN_MIN : Math.min(2 * this.#again, AGAIN_MAX);
    this.#engine.activity += 1;
  }
}
