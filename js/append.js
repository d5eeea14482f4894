// SPDX-License-Identifier: Apache-2.0
// What `append` gives back at once: a promise for each level of durability, all with the event (of
// a batch: the events) as accepted.
//
//     at a root                                 at an edge, which writes to its outbox
//     answered                  `memory`        answered                    `memory`
//     W durable >= position     `local`,        outbox durable to here      `local`
//                               `relayed`,      a gateway keeps it, or as:  `relayed`
//                               `upstream`      the root's decision is here `upstream`, or its error
//
// What is written to an outbox has the version that it would have as it looks there, and the root
// may give it another one. So the event of `upstream` has what the log says of its position: a
// connected edge waits until that has come. Where it does not come (its stream is not selected, the
// connection is gone) only the position is known.
//
// What an edge cannot write itself, for want of a key, it sends on, and is answered with a position.
//
// Appends do not wait for the disk one by one: each is answered when it is in memory, and the
// facts that the worker tells after every turn say how far the log is durable, so that many share a
// flush. An append that fails and that nobody asked about is an unhandled rejection.
import { decodeEvent, encode } from './codec.js';
import { checkOptions, RivuletError } from './error.js';

/** @typedef {'memory' | 'local' | 'relayed' | 'upstream'} Level */

const nothing = () => {};

class Deferred {
  /** @type {(value: any) => void} */ resolve = nothing;
  /** @type {(error: RivuletError) => void} */ reject = nothing;
  promise = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

export class Append {
  #levels = {
    memory: new Deferred(),
    local: new Deferred(),
    relayed: new Deferred(),
    upstream: new Deferred(),
  };
  /** @type {any} */ #result = undefined;
  /** The last position; 0 until it is known. */
  position = 0;
  /** At an edge: its place in the outbox; 0 when it is in none. */
  edgeSequence = 0;
  /** The command that it is, at an edge. */
  command = '';
  /** At an edge: the root has accepted it, at `position`, and its events may be on their way. */
  decided = false;
  /** Whether somebody wants to know what the root decides. */
  asked = false;
  /** Called when somebody does. */
  onasked = nothing;

  constructor() {
    this.#levels.memory.promise.catch(nothing);
    this.#levels.relayed.promise.catch(nothing);
    this.#levels.upstream.promise.catch(nothing);
  }

  /**
   * Resolves with the event when it is as durable as this says.
   * @param {Level} [level] @returns {Promise<any>}
   */
  durable(level = 'local') {
    this.#levels.local.promise.catch(nothing);
    const wanted = Object.hasOwn(this.#levels, level) ? this.#levels[level] : undefined;
    if (!wanted) {
      const detail = `a level is memory, local, relayed or upstream, not ${String(level)}`;
      return Promise.reject(new RivuletError('parameter_invalid', detail));
    }
    if ((level === 'upstream' || level === 'relayed') && !this.asked) {
      this.asked = true;
      this.onasked();
    }
    return wanted.promise.then((result) => result);
  }

  /** @param {{result: any, position: number, edgeSequence?: number, command?: string}} answer */
  accept({ result, position, edgeSequence = 0, command = '' }) {
    this.#result = result;
    this.position = position;
    this.edgeSequence = edgeSequence;
    this.command = command;
  }

  /**
   * What the root decided.
   * @param {{outcome: string, position: number | null, reason: any}} decision
   */
  decide({ outcome, position, reason }) {
    if (outcome === 'rejected') {
      const error = RivuletError.of(reason);
      this.#levels.relayed.reject(error);
      this.#levels.upstream.reject(error);
      return;
    }
    this.decided = true;
    this.position = position ?? 0;
    this.#levels.relayed.resolve(this.#result);
  }

  get count() {
    return Array.isArray(this.#result) ? this.#result.length : 1;
  }

  /** What the log has at its positions, as far as that is here. @param {any[]} events */
  place(events) {
    const known = new Map(events.map((event) => [event.event_id, event]));
    const placed = [this.#result].flat().map((event, i) => {
      const position = this.position && this.position - this.count + 1 + i;
      const { version = null, recorded_at: recordedAt = null } = known.get(event.eventId) ?? {};
      return { ...event, position: position || null, version, recordedAt };
    });
    this.#levels.upstream.resolve(Array.isArray(this.#result) ? placed : placed[0]);
  }

  /** @param {Level} level */
  reach(level) {
    this.#levels[level].resolve(this.#result);
  }

  /** Levels that were not reached will not be. @param {RivuletError} error */
  fail(error) {
    for (const level of Object.values(this.#levels)) level.reject(error);
  }
}

/** Commands of a life before run again too, and nobody watches them here: they are not kept long. */
const RERUNS_MAX = 64;

/**
 * Appends that are accepted and wait for more. An edge without a connection may have tens of
 * thousands that only the root can decide: they are not looked at each time that a flush is told.
 */
export class Durability {
  /** For what any facts may tell. @type {Set<Append>} */ #waiting = new Set();
  /** For the root's decision alone: written, flushed, and somebody wants to know. @type {Set<Append>} */
  #undecided = new Set();
  /** What commands came to that nobody watches, the oldest first. @type {Map<string, any>} */
  #reruns = new Map();
  #watermark = 0;
  #durable = 0;
  #outboxDurable = 0;
  #settled = 0;
  #relayed = 0;
  #connected = false;
  #root = true;
  /** @type {RivuletError | null} */ #failure = null;
  /** Asks what the root decided of a batch. @type {(edgeSequence: number) => Promise<any>} */
  #outcome;
  #events;

  /**
   * @param {(edgeSequence: number) => Promise<any>} [outcome]
   * @param {(first: number, last: number) => Promise<any[]>} [events] what the log has here from a
   *   position up to another
   */
  constructor(
    outcome = () => Promise.reject(new RivuletError('closing')),
    events = () => Promise.resolve([]),
  ) {
    this.#outcome = outcome;
    this.#events = events;
  }

  /** Whether nothing is waited for. */
  get idle() {
    return this.#waiting.size + this.#undecided.size === 0;
  }

  get #all() {
    return [...this.#waiting, ...this.#undecided];
  }

  /**
   * A command was run again. It may be one whose first answer came with this, and is watched in a
   * moment. @param {string} command @param {any} answer
   */
  rerun(command, answer) {
    let met = false;
    for (const append of this.#all) {
      if (append.command === command) append.accept(answer);
      met ||= append.command === command;
    }
    if (met) return;
    this.#reruns.set(command, answer);
    const [oldest] = this.#reruns.keys();
    if (this.#reruns.size > RERUNS_MAX) this.#reruns.delete(oldest);
  }

  /** It was run again while nobody watched it. @param {Append} append */
  #catchUp(append) {
    if (this.#reruns.has(append.command)) append.accept(this.#reruns.get(append.command));
    this.#reruns.delete(append.command);
  }

  /** @param {Append} append accepted just now */
  watch(append) {
    append.onasked = () => {
      const waits = this.#waiting.has(append) || this.#undecided.has(append);
      if (append.edgeSequence > 0 && !waits) void this.#ask(append);
    };
    this.#catchUp(append);
    if (append.edgeSequence > 0) {
      append.reach('memory'); // what is written to an outbox is folded
    } else if (this.#root) {
      this.#watermark = Math.max(this.#watermark, append.position);
    } else {
      append.reach('relayed');
      append.reach('upstream');
    }
    this.#look(append);
  }

  /**
   * How far the log is, and whether it goes no further.
   * @param {{root: boolean, watermark: number, durable: number, outboxDurable?: number,
   *   settled?: number, relayed?: number, connected?: boolean}} facts
   * @param {RivuletError | null} failure
   */
  update(facts, failure) {
    const { root, watermark, durable, outboxDurable = 0, settled = 0, relayed = 0 } = facts;
    const decided = settled !== this.#settled || relayed !== this.#relayed || failure !== null;
    this.#root = root;
    this.#connected = facts.connected ?? false;
    this.#outboxDurable = outboxDurable;
    this.#settled = settled;
    this.#relayed = relayed;
    this.#watermark = watermark;
    this.#durable = durable;
    this.#failure = failure;
    for (const append of decided ? this.#all : [...this.#waiting]) this.#look(append);
  }

  /** No more facts will come. @param {RivuletError} error */
  end(error) {
    this.#failure = error;
    for (const append of this.#all) append.decided ? append.place([]) : append.fail(error);
    this.#waiting.clear();
    this.#undecided.clear();
  }

  /** @param {Append} append */
  #look(append) {
    this.#waiting.delete(append);
    this.#undecided.delete(append);
    this.#advance(append)?.add(append);
  }

  /** Where it is to wait; nowhere when there is nothing more. @param {Append} append */
  #advance(append) {
    if (append.decided) return this.#advanceDecided(append);
    if (append.edgeSequence > 0) return this.#advanceWritten(append);
    if (append.position <= this.#watermark) append.reach('memory');
    if (append.position <= this.#durable) {
      append.reach('local');
      append.reach('relayed');
      append.reach('upstream');
      return undefined;
    }
    return this.#unlessFailed(append, this.#waiting);
  }

  /** @param {Append} append @param {Set<Append>} waits */
  #unlessFailed(append, waits) {
    if (!this.#failure) return waits;
    append.fail(this.#failure);
    return undefined;
  }

  /** The same of one in the outbox. @param {Append} append */
  #advanceWritten(append) {
    const flushed = append.edgeSequence <= this.#outboxDurable;
    if (flushed) append.reach('local');
    if (append.edgeSequence <= this.#relayed) append.reach('relayed');
    if (append.edgeSequence <= this.#settled) {
      if (append.asked) void this.#ask(append);
      return undefined;
    }
    // who asks later is told (`onasked`), but for what a command came to meanwhile
    if (flushed && !append.asked && !append.command) return undefined;
    return this.#unlessFailed(append, flushed ? this.#undecided : this.#waiting);
  }

  /** The same of one that the root has accepted. @param {Append} append */
  #advanceDecided(append) {
    if (append.position > this.#durable && this.#connected && !this.#failure) return this.#waiting;
    void this.#place(append);
    return undefined;
  }

  /** @param {Append} append */
  async #place(append) {
    const { position, count } = append;
    const known = position > 0 && count > 0;
    // an error of reading is none of the append, which the root has
    append.place(known ? await this.#events(position - count + 1, position).catch(() => []) : []);
  }

  /** It is decided, and somebody asks how. @param {Append} append */
  async #ask(append) {
    try {
      const decision = await this.#outcome(append.edgeSequence);
      this.#catchUp(append);
      if (decision.outcome !== 'waiting') {
        append.decide(decision);
        if (!append.decided) return;
      } else {
        append.edgeSequence = decision.edge_sequence; // a command that was refused, and runs again
      }
      this.#look(append); // facts may have come with the answer
    } catch (/** @type {any} */ error) {
      append.fail(error);
    }
  }
}

/** What is said of an append, and in a batch of each of its events. */
const names = ['expectedVersion', 'eventId', 'metadata'];
const members = ['path', 'type', 'data', ...names];

/** @param {any} event @param {any} [shared] what is the same for all of a batch */
function envelope(event, shared = {}) {
  const { path, type, data = {}, ...given } = checkOptions(event, members);
  const { eventId, expectedVersion, metadata = shared.metadata } = given;
  if (typeof path !== 'string' || typeof type !== 'string') {
    throw new RivuletError('request_invalid', 'an event needs a path and a type, both strings');
  }
  return {
    path,
    type,
    data,
    metadata: metadata ?? undefined,
    event_id: eventId ?? undefined,
    expected_version: expectedVersion === undefined ? undefined : String(expectedVersion),
  };
}

/**
 * The request of an append. What options say of version and id is of the first event; the ids of
 * the others follow from it.
 * @param {any} events one, or an array of them @param {any} [options]
 */
export function appendRequest(events, options) {
  const { expectedVersion, eventId, metadata } = checkOptions(options, names);
  const body = Array.isArray(events)
    ? events.map((event) => envelope(event, { metadata }))
    : envelope(events, { metadata });
  return {
    method: 'POST',
    target: '/events?numbers=text',
    content_type: 'application/json',
    expected_version: expectedVersion === undefined ? '' : String(expectedVersion),
    idempotency_key: String(eventId ?? ''),
    durability: 'memory',
    body: encode(body),
  };
}

/**
 * The answer to it, with its last position. An answer that had no room for the events says where
 * they are: then all but the position is null. What an edge says of the batch stands in the event,
 * if there is one only, and is in `pending()`.
 * @param {any} answer @param {boolean} batch
 * @returns {{result: any, position: number, edgeSequence: number, command: string}}
 */
export function appendResult(answer, batch) {
  const { edge_sequence: edgeSequence = 0, written_at: _written, blind: _blind, ...rest } = answer;
  const { unchecked: _unchecked, command, ...event } = rest;
  const bare = {
    version: null,
    path: null,
    type: null,
    eventId: null,
    recordedAt: null,
    data: null,
  };
  const events = answer.events
    ? answer.events.map(decodeEvent)
    : 'first_position' in answer
      ? Array.from({ length: answer.count }, (_, i) => {
          const { first_position: first } = answer;
          return { position: first === null ? null : first + i, ...bare };
        })
      : [decodeEvent(event)];
  const position = events.reduce(
    (/** @type {number} */ most, /** @type {any} */ event) => Math.max(most, event.position ?? 0),
    0,
  );
  return { result: batch ? events : events[0], position, edgeSequence, command: command?.id ?? '' };
}
