// SPDX-License-Identifier: Apache-2.0
// Async iterators over what the worker sends, bounded: a source is asked for more only while its
// consumer keeps up, and ends for good by return() (which `break` calls), an abort signal, an error
// or the end of the database.
//
//     EventFeed    policy `wait`: at most CREDIT pieces of 64 KiB are on their way or unread
//     ChangeFeed   policy `net`: the same bound; what its reader is slower than is told together
//     LiveFeed     policy `latest`: an answer, asked for when it is wanted and is another one
//     LatestFeed   policy `latest`: one value, asked for when it is wanted and something changed, and
//                  told when it says something else
//     ListFeed     policy `wait`: items of a list that grows at its end, some at a time
import { decodeEvent, decodeRows } from './codec.js';
import { RivuletError } from './error.js';

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

  /** What cannot be read ends this, and nothing else that came with it. */
  #next() {
    try {
      return this.take();
    } catch (error) {
      this.finish(RivuletError.from(error, 'panicked'));
      return undefined;
    }
  }

  /** Gives what there is to who waits. */
  serve() {
    while (this.#waiting.length > 0) {
      const value = this.#over ? undefined : this.#next();
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

/** What comes as server-sent events. @template T @extends {Source<T>} */
class StreamSource extends Source {
  /** @type {Channel} */ #channel;
  /** @type {any} */ #request;
  #id = 0;
  #decoder = new TextDecoder();
  #text = ''; // received, from #at on not yet read
  #at = 0;
  #ends = false; // an event may end in there: pieces within one are not searched again and again
  /** @type {RivuletError | null | undefined} */ #ending = undefined;

  /** Pieces that were pulled and have not come, and that have come and were not given back. */
  pulled = 0;
  pieces = 0;
  /** What names the last frame, where something does. */
  id = '';

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
  }

  stop() {
    this.#channel.cancel(this.#id);
    this.#text = '';
  }

  /** Asks for a piece. */
  pull() {
    this.pulled += 1;
    this.#channel.tell('pull', this.#id);
  }

  /** What was received before the end is still read. @param {RivuletError | null} error */
  #end(error) {
    this.#ending = error;
    this.serve();
  }

  /** @param {Uint8Array} bytes */
  #receive(bytes) {
    const came = this.#decoder.decode(bytes, { stream: true });
    this.#text = this.#text.slice(this.#at) + came;
    this.#at = 0;
    this.#ends ||= came.includes('\n');
    this.pulled -= 1;
    this.pieces += 1;
    this.serve();
  }

  /** The data of the next event that is there whole. @returns {string | undefined} */
  frame() {
    while (this.#ends) {
      const end = this.#text.indexOf('\n\n', this.#at);
      this.#ends = end >= 0;
      if (end < 0) break;
      const frame = this.#text.slice(this.#at, end);
      this.#at = end + 2;
      const data = frame.indexOf('\ndata: ');
      if (data < 0) continue;
      const text = frame.slice(data + 7);
      this.id = /^id: (.*)/.exec(frame)?.[1] ?? '';
      if (!frame.startsWith('event: problem')) return text;
      this.#ending = RivuletError.of(JSON.parse(text));
    }
    if (this.#ending !== undefined) this.finish(this.#ending);
    return undefined;
  }
}

/** What is pulled while there is credit. @template T @extends {StreamSource<T>} */
class CreditSource extends StreamSource {
  start() {
    super.start();
    for (let i = 0; i < CREDIT; i++) this.pull();
  }

  /** The next data, if they are here. @returns {any} */
  data() {
    const text = this.frame();
    if (text !== undefined) return JSON.parse(text);
    for (; this.pieces > 0; this.pieces--) this.pull();
    return undefined;
  }
}

/** Events of `GET /events`. @extends {CreditSource<any>} */
export class EventFeed extends CreditSource {
  take() {
    const event = this.data();
    // a copy: a part of a text keeps the whole of it, a piece, from being collected
    return event && Object.assign(decodeEvent(event), { cursor: JSON.parse(`"${this.id}"`) });
  }
}

/** Changes of `GET /changes/{aggregate}`. @extends {CreditSource<any>} */
export class ChangeFeed extends CreditSource {
  /** @type {import('./codec.js').Column[]} */ #columns = [];

  take() {
    let change = this.data();
    if (change?.change === 'columns') {
      this.#columns = change.columns;
      change = this.data();
    }
    for (const name of ['old', 'row']) {
      if (change?.[name]) [change[name]] = decodeRows({ columns: this.#columns, rows: [change[name]] });
    }
    return change;
  }
}

/** The answers of a live request. @template T @extends {StreamSource<T>} */
export class LiveFeed extends StreamSource {
  /** @type {(answer: any) => T} */ #decode;

  /**
   * @param {Channel} channel @param {any} request @param {(answer: any) => T} decode
   * @param {Set<any>} begun @param {AbortSignal} [signal]
   */
  constructor(channel, request, decode, begun, signal) {
    super(channel, request, begun, signal);
    this.#decode = decode;
  }

  take() {
    const text = this.frame();
    if (text !== undefined) return this.#decode(JSON.parse(text));
    if (this.pulled === 0) this.pull();
    return undefined;
  }
}

/** A source that asks when something changed. @template T @extends {Source<T>} */
class AskingSource extends Source {
  #changed = true;
  #asking = false;

  /** Something changed. */
  change() {
    this.#changed = true;
    this.serve();
  }

  /**
   * Gets what there is now, unless that is under way or nothing changed.
   * @template A @param {() => Promise<A>} get @param {(answer: A) => void} take
   */
  ask(get, take) {
    if (!this.#changed || this.#asking) return;
    this.#changed = false;
    this.#asking = true;
    get().then(
      (answer) => {
        this.#asking = false;
        take(answer);
        this.serve();
      },
      (error) => this.finish(error),
    );
  }
}

/** @param {string} _name @param {unknown} value */
const plain = (_name, value) => (typeof value === 'bigint' ? String(value) : value);

/** The latest of something that changes. @template T @extends {AskingSource<T>} */
export class LatestFeed extends AskingSource {
  /** @type {() => Promise<T>} */ #get;
  /** @type {T | undefined} */ #value = undefined;
  #told = ''; // as text
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer = undefined;

  /**
   * @param {() => Promise<T>} get gets the value
   * @param {Set<any>} begun @param {AbortSignal} [signal]
   */
  constructor(get, begun, signal) {
    super(begun, signal);
    this.#get = get;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  take() {
    const value = this.#value;
    this.#value = undefined;
    if (value === undefined && this.#timer === undefined) {
      this.ask(this.#get, (answer) => {
        const text = JSON.stringify(answer, plain);
        if (text !== this.#told) this.#value = answer;
        this.#told = text;
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          this.serve();
        }, INTERVAL);
      });
    }
    return value;
  }
}

/** Items of a list, each once. @template T @extends {AskingSource<T>} */
export class ListFeed extends AskingSource {
  /** @type {() => Promise<T[]>} */ #get;
  /** @type {T[]} */ #items = [];

  /**
   * @param {() => Promise<T[]>} get gets those that were not got before
   * @param {Set<any>} begun @param {AbortSignal} [signal]
   */
  constructor(get, begun, signal) {
    super(begun, signal);
    this.#get = get;
  }

  take() {
    const item = this.#items.shift();
    if (item === undefined) {
      this.ask(this.#get, (items) => (this.#items = items));
    }
    return item;
  }
}
