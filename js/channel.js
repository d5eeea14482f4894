// SPDX-License-Identifier: Apache-2.0
// The page's end of the channel to the worker. What is said in one go of the event loop crosses as
// one message, a list of lists:
//
//     to the worker    [kind, id, …]   open, destroy, request, run, status, close: answered once
//                                      feed, then pull and cancel; wake
//                    ['token', 0, told]   the answer to the worker's
//     from the worker  ['answer', id, value]   ['error', id, problem]
//                      ['piece', id, bytes]   ['end', id]                    of a feed
//                      ['facts', values, problems]   how the database stands, when that changed
//                      ['command', command id, answer]   it was run again, and is this now
//                      ['token']   another token for the upstream is wanted
//                      ['fatal', problem]            the database is lost; nothing comes any more
//
// Nothing here waits for ever: when the worker fails or is closed, all that waits is told.
import { RivuletError } from './error.js';

/** Of the lists above: page and worker come from one package. */
export const PROTOCOL = 1;

/** Bytes of requests that may wait for their answers. */
export const WAITING_MAX = 64 << 20;

/**
 * What both kinds of workers are made to look like.
 * @typedef {object} Port
 * @property {(messages: any[][], transfer: ArrayBuffer[]) => void} post
 * @property {() => void} end ends the worker at once
 */

/**
 * Where the pieces of a feed go.
 * @typedef {object} Sink
 * @property {(bytes: Uint8Array) => void} piece
 * @property {() => void} end
 * @property {(error: RivuletError) => void} fail
 */

/**
 * @typedef {object} Call
 * @property {(value: any) => void} resolve
 * @property {(error: RivuletError) => void} reject
 * @property {number} size
 */

export class Channel {
  /** @type {Port} */ #port;
  /** @type {any[][]} */ #outbox = [];
  /** @type {Map<number, Call>} */ #calls = new Map();
  /** @type {Map<number, Sink>} */ #feeds = new Map();
  /** @type {RivuletError | null} */ #failure = null;
  #next = 1;
  #waiting = 0;

  /** Told the facts, and the end. @type {(values: number[], problems: any) => void} */
  onfacts = () => {};
  /** @type {(id: string, answer: string) => void} */
  oncommand = () => {};
  /** A token is wanted. */
  ontoken = () => {};
  /** @type {(error: RivuletError) => void} */
  onfail = () => {};

  /** @param {Port} port */
  constructor(port) {
    this.#port = port;
  }

  /** @param {any[]} message */
  #send(message) {
    this.#outbox.push(message);
    if (this.#outbox.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush() {
    const messages = this.#outbox;
    this.#outbox = [];
    if (this.#failure !== null) return;
    try {
      this.#port.post(messages, []);
    } catch (error) {
      this.fail(RivuletError.from(error, 'panicked')); // none of these messages will be answered
    }
  }

  /**
   * Asks for something that is answered once.
   * @param {string} kind @param {any} [value] @param {number} [size] its bytes, about
   * @param {AbortSignal} [signal] takes the question back
   * @returns {Promise<any>}
   */
  call(kind, value, size = 0, signal) {
    if (this.#failure) return Promise.reject(this.#failure);
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiting > 0 && this.#waiting + size > WAITING_MAX) {
      const detail = `requests of more than ${WAITING_MAX} bytes wait for their answers`;
      return Promise.reject(new RivuletError('busy', detail));
    }
    const id = this.#next++;
    this.#waiting += size;
    this.#send([kind, id, value]);
    /** @type {Promise<any>} */
    const answer = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject, size }));
    if (!signal) return answer;
    const abort = () => this.#takeBack(id, signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    return answer.finally(() => signal.removeEventListener('abort', abort));
  }

  /** Nobody waits for the answer any more. @param {number} id @param {any} reason */
  #takeBack(id, reason) {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.delete(id);
    this.#waiting -= call.size;
    this.tell('cancel', id);
    call.reject(reason);
  }

  /**
   * Says something that has no answer.
   * @param {string} kind @param {number} [id] @param {any} [value]
   */
  tell(kind, id = 0, value) {
    if (!this.#failure) this.#send(value === undefined ? [kind, id] : [kind, id, value]);
  }

  /**
   * Starts a feed; a piece comes for each `pull` of its id.
   * @param {any} request @param {Sink} sink @returns {number} its id
   */
  feed(request, sink) {
    const id = this.#next++;
    if (this.#failure) {
      sink.fail(this.#failure);
      return id;
    }
    this.#feeds.set(id, sink);
    this.#send(['feed', id, request]);
    return id;
  }

  /** @param {number} id */
  cancel(id) {
    if (this.#feeds.delete(id)) this.tell('cancel', id);
  }

  /** Takes what the worker has posted. @param {any[][]} messages */
  receive(messages) {
    for (const [kind, ...rest] of messages) {
      if (kind === 'facts') this.onfacts(rest[0], rest[1]);
      else if (kind === 'command') this.oncommand(rest[0], rest[1]);
      else if (kind === 'token') this.ontoken();
      else if (kind === 'fatal') this.fail(RivuletError.of(rest[0]));
      else if (kind === 'piece') this.#feeds.get(rest[0])?.piece(rest[1]);
      else this.#settle(kind, rest[0], rest[1]);
    }
  }

  /** @param {string} kind @param {number} id @param {any} value */
  #settle(kind, id, value) {
    const call = this.#calls.get(id);
    const feed = this.#feeds.get(id);
    this.#calls.delete(id);
    this.#feeds.delete(id);
    if (call) this.#waiting -= call.size;
    if (kind === 'answer') call?.resolve(value);
    else if (kind === 'end') feed?.end();
    else (call?.reject ?? feed?.fail)?.call(feed, RivuletError.of(value));
  }

  /**
   * Ends the worker; everything that waits ends with the error, as does what is asked later.
   * @param {RivuletError} error
   */
  fail(error) {
    if (this.#failure) return;
    this.#failure = error;
    this.#port.end();
    const calls = [...this.#calls.values()];
    const feeds = [...this.#feeds.values()];
    this.#calls.clear();
    this.#feeds.clear();
    for (const call of calls) call.reject(error);
    for (const feed of feeds) feed.fail(error);
    this.onfail(error);
  }
}
