// SPDX-License-Identifier: Apache-2.0
// Async iterators over what the worker sends, bounded: a source is asked for more only while its
// consumer keeps up, and ends for good by return() (which `break` calls), an abort signal, an error
// or the end of the database.
//
//     EventFeed    policy `wait`: at most CREDIT pieces of 64 KiB are on their way or unread
//     LatestFeed   policy `latest`: one value, asked for when it is wanted and something changed
//     ListFeed     policy `wait`: items of a list that grows at its end, some at a time
import { decodeEvent } from './codec.js';

/** @typedef {import('./error.js').RivuletError} RivuletError */
/** @typedef {import('./channel.js').Channel} Channel */

const CREDIT = 2;

/** Of `latest`: the least time between two values, milliseconds. */
const INTERVAL = 50;

/**
 * @template T
 * @typedef {object} Waiter
 * @property {(result: IteratorResult<T, undefined>) => void} resolve
 * @property {(error: RivuletError) => void} reject
 */

/**
 * What both have in common: consumers that wait, and the end.
 * @template T
 */
class Source {
  /** @type {Waiter<T>[]} */ #waiting = [];
  /** @type {RivuletError | null} */ #error = null;
  #over = false;
  #started = false;

  /** @type {Set<any>} */ #begun;
  /** @type {AbortSignal | undefined} */ #signal;
  #abort = () => this.finish();

  /**
   * @param {Set<any>} begun has the sources that have started and not ended
   * @param {AbortSignal} [signal]
   */
  constructor(begun, signal) {
    this.#begun = begun;
    this.#signal = signal;
  }

  /** The next value, if there is one. @returns {T | undefined} */
  take() {
    throw new Error('a source says what it has');
  }

  /** Called at the first next(), and at the end of what was begun. */
  start() {}
  stop() {}

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<T, undefined>>} */
  next() {
    if (this.#signal?.aborted) this.finish();
    if (!this.#started && !this.#over) {
      this.#started = true;
      this.#signal?.addEventListener('abort', this.#abort);
      this.#begun.add(this);
      this.start();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.serve();
    });
  }

  /** Gives what there is to who waits. */
  serve() {
    while (this.#waiting.length > 0) {
      const value = this.#over ? undefined : this.take();
      if (value === undefined && !this.#over) return;
      const waiter = this.#waiting.shift();
      if (value !== undefined) waiter?.resolve({ value, done: false });
      else if (this.#error) waiter?.reject(this.#error);
      else waiter?.resolve({ value: undefined, done: true });
      this.#error = this.#over ? null : this.#error; // told once
    }
  }

  /** @returns {Promise<IteratorResult<T, undefined>>} */
  async return() {
    this.finish();
    return { value: undefined, done: true };
  }

  /** @param {RivuletError | null} [error] why, when it is not by wish */
  finish(error = null) {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#begun.delete(this);
    if (this.#started) this.stop();
    this.serve();
  }
}

/** Events of `GET /events`, as server-sent events. @extends {Source<any>} */
export class EventFeed extends Source {
  /** @type {Channel} */ #channel;
  /** @type {any} */ #request;
  #id = 0;
  #decoder = new TextDecoder();
  #text = ''; // received, from #at on not yet read
  #at = 0;
  #pieces = 0; // of which #text is made
  /** @type {RivuletError | null | undefined} */ #ending = undefined;

  /**
   * @param {Channel} channel @param {any} request
   * @param {Set<any>} begun @param {AbortSignal} [signal]
   */
  constructor(channel, request, begun, signal) {
    super(begun, signal);
    this.#channel = channel;
    this.#request = request;
  }

  start() {
    this.#id = this.#channel.feed(this.#request, {
      piece: (bytes) => this.#receive(bytes),
      end: () => this.#end(null),
      fail: (error) => this.#end(error),
    });
    for (let i = 0; i < CREDIT; i++) this.#channel.tell('pull', this.#id);
  }

  stop() {
    this.#channel.cancel(this.#id);
    this.#text = '';
  }

  /** What was received before the end is still read. @param {RivuletError | null} error */
  #end(error) {
    this.#ending = error;
    this.serve();
  }

  /** @param {Uint8Array} bytes */
  #receive(bytes) {
    this.#text = this.#text.slice(this.#at) + this.#decoder.decode(bytes, { stream: true });
    this.#at = 0;
    this.#pieces += 1;
    this.serve();
  }

  take() {
    for (;;) {
      const end = this.#text.indexOf('\n\n', this.#at);
      if (end < 0) break;
      const frame = this.#text.slice(this.#at, end);
      this.#at = end + 2;
      const data = frame.indexOf('\ndata: ');
      if (data >= 0) return decodeEvent(JSON.parse(frame.slice(data + 7)));
    }
    for (; this.#pieces > 0; this.#pieces--) this.#channel.tell('pull', this.#id);
    if (this.#ending !== undefined) this.finish(this.#ending);
    return undefined;
  }
}

/** The latest of something that changes. @template T @extends {Source<T>} */
export class LatestFeed extends Source {
  /** @type {() => Promise<T>} */ #ask;
  /** @type {T | undefined} */ #value = undefined;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer = undefined;
  #changed = true;
  #asking = false;

  /**
   * @param {() => Promise<T>} ask gets the value
   * @param {Set<any>} begun @param {AbortSignal} [signal]
   */
  constructor(ask, begun, signal) {
    super(begun, signal);
    this.#ask = ask;
  }

  /** Something changed. */
  change() {
    this.#changed = true;
    this.serve();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  take() {
    const value = this.#value;
    this.#value = undefined;
    if (value === undefined && this.#changed && !this.#asking && this.#timer === undefined) {
      this.#changed = false;
      this.#asking = true;
      this.#ask().then(
        (answer) => this.#answered(answer),
        (error) => this.finish(error),
      );
    }
    return value;
  }

  /** @param {T} value */
  #answered(value) {
    this.#asking = false;
    this.#value = value;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.serve();
    }, INTERVAL);
    this.serve();
  }
}

/** Items of a list that grows at its end. @template T @extends {Source<T>} */
export class ListFeed extends Source {
  /** @type {(last: T | undefined) => Promise<T[]>} */ #ask;
  /** @type {T[]} */ #items = [];
  /** @type {T | undefined} */ #last = undefined;
  #changed = true;
  #asking = false;

  /**
   * @param {(last: T | undefined) => Promise<T[]>} ask gets some of those behind the last one
   * @param {Set<any>} begun @param {AbortSignal} [signal]
   */
  constructor(ask, begun, signal) {
    super(begun, signal);
    this.#ask = ask;
  }

  /** There may be more. */
  change() {
    this.#changed = true;
    this.serve();
  }

  take() {
    const item = this.#items.shift();
    if (item === undefined && this.#changed && !this.#asking) {
      this.#changed = false;
      this.#asking = true;
      this.#ask(this.#last).then(
        (items) => this.#answered(items),
        (error) => this.finish(error),
      );
    }
    return item;
  }

  /** @param {T[]} items */
  #answered(items) {
    this.#asking = false;
    this.#items = items;
    if (items.length > 0) {
      this.#changed = true; // until none are left
      this.#last = items[items.length - 1];
    }
    this.serve();
  }
}
