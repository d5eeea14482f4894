// SPDX-License-Identifier: Apache-2.0
// Commands: functions of the application, run in the worker, that read the state and make events.
//
//     run      asked for by the page: what it makes is written with its name and arguments
//     rerun    at an edge, in every turn: those that are due, in order, each on the state before it
//
// A function is run and what it made is taken in one go, so nothing comes in between. What cannot
// be had or taken now (a batch is half here, the log is busy) is `null`: it is run again in a later
// turn, as if it had not been.
import { decodeRows, encode, noRow, rowTarget, sqlParams } from './codec.js';
import { requestBytes } from './engine.js';
import { RivuletError } from './error.js';
import { Exchange } from './exchange.js';

/** @typedef {import('./engine.js').Engine} Engine */
/** @typedef {import('./pool.js').Pool} Pool */
/** @typedef {(message: any[]) => void} Post */

/** Not an error: later. */
const LATER = Symbol('later');

const TEXT = 'numbers=text';

/** Of an event that a function makes. */
const members = ['path', 'type', 'data', 'expectedVersion', 'metadata'];

/** @param {string} code the application's own @param {string} [detail] */
const refuse = (code, detail) =>
  new RivuletError('command_refused', detail ?? code, { refusal: String(code) });

/** @param {any} events */
function bodyOf(events) {
  if (!Array.isArray(events)) {
    if (events instanceof Promise) events.catch(() => {}); // it is refused as it is
    const detail = "a command's function returns an array of events, and no promise of one";
    throw new RivuletError('command_failed', detail);
  }
  return encode(
    events.map((event) => {
      const other = Object.keys(event).find((name) => !members.includes(name));
      if (other) throw new RivuletError('command_failed', `an event of a command has no ${other}`);
      const { expectedVersion: version, ...given } = event;
      const expected_version = version === undefined ? undefined : String(version);
      return { data: {}, ...given, expected_version };
    }),
  );
}

export class Commands {
  #functions;
  #engine;
  #pool;
  #post;
  /** Asked for and not run. @type {{id: number, name: string, args: string}[]} */ #asked = [];

  /** @param {any} functions @param {Engine} engine @param {Pool} pool @param {Post} post */
  constructor(functions, engine, pool, post) {
    this.#functions = functions;
    this.#engine = engine;
    this.#pool = pool;
    this.#post = post;
  }

  /** The first that waits to be run; what was asked for later comes later. */
  get first() {
    return this.#asked[0]?.id ?? Infinity;
  }

  /** How many wait to be run. */
  get size() {
    return this.#asked.length;
  }

  /** @param {number} id @param {{name: string, args: string}} command */
  ask(id, { name, args }) {
    this.#asked.push({ id, name, args });
  }

  /** Those that were not run will not be. @param {any} problem */
  end(problem) {
    for (const { id } of this.#asked.splice(0)) this.#post(['error', id, problem]);
  }

  /** @param {(id: number) => boolean} turn whether what was asked for before is done */
  turn(turn) {
    this.#rerun();
    while (this.#asked.length > 0 && turn(this.first)) {
      const { id, name, args } = this.#asked[0];
      const now = Date.now();
      const made = this.#made(name, args, now);
      if (made === LATER) return;
      const answer = made.code
        ? ['error', id, made.toProblem()]
        : made === '[]'
          ? ['answer', id, '{"events":[]}']
          : this.#take({ command: name, args, body: made }, now);
      if (answer === null) return;
      this.#asked.shift();
      this.#engine.activity += 1;
      answer[1] = id;
      this.#post(answer);
    }
  }

  /** Those that are due; one whose function is not known waits. */
  #rerun() {
    let began = false;
    for (let after = 0, due; (due = this.#engine.due(after)); ) {
      after = due.edge_sequence;
      if (!this.#functionOf(due.name)) continue;
      began = true;
      if (!this.#rerunOne(due)) break;
      this.#engine.activity += 1;
    }
    if (began) this.#engine.commandEnd();
  }

  /** False: not now, nor those behind it. @param {any} due */
  #rerunOne({ edge_sequence: sequence, id, name, args, written_at }) {
    if (!this.#engine.commandBegin(sequence)) return false;
    const run = String(sequence);
    const now = Date.parse(written_at);
    const made = this.#made(name, JSON.stringify(args), now);
    if (made === LATER) return false;
    const refuse = (/** @type {any} */ { refusal: command = '', detail: args }) =>
      this.#ask({ method: 'POST', target: '/events', run, command, args });
    let answer = made.code ? refuse(made) : this.#take({ run, body: made }, now);
    // the module has not seen it, and it would be too large again
    if (answer?.[2].code === 'request_too_large') answer = refuse({ detail: answer[2].detail });
    if (answer?.[0] !== 'answer') return false;
    const { outcome = 'accepted' } = JSON.parse(answer[2]);
    if (outcome === 'accepted') this.#post(['command', id, answer[2]]);
    return true;
  }

  /** @param {string} name */
  #functionOf(name) {
    const own = Object.hasOwn(this.#functions, name) ? this.#functions[name] : undefined;
    return typeof own === 'function' ? own : undefined;
  }

  /**
   * What a function makes, as the body of a request; or why not, or LATER.
   * @param {string} name @param {string} args @param {number} now @returns {any}
   */
  #made(name, args, now) {
    try {
      const run = this.#functionOf(name);
      if (!run) throw new RivuletError('command_unknown', `there is no function for ${name}`);
      return bodyOf(run(JSON.parse(args), this.#context(now)));
    } catch (thrown) {
      if (thrown === LATER) return LATER;
      /** @type {any} */ const error = RivuletError.from(thrown, 'command_failed');
      // what an application has added to it may be nothing that can be posted
      return error.refusal === undefined ? error : refuse(error.refusal, error.detail);
    }
  }

  /** Gives it to the module. @param {any} request @param {number} now of its events */
  #take(request, now) {
    this.#engine.clock = now;
    const answer = this.#ask({
      method: 'POST',
      target: `/events?${TEXT}`,
      content_type: 'application/json',
      durability: 'memory',
      ...request,
    });
    this.#engine.clock = 0;
    return answer;
  }

  /** @param {number} now */
  #context(now) {
    /** @param {any} request */
    const read = (request) => {
      const answer = this.#ask(request);
      if (answer === null) throw LATER;
      if (answer[0] === 'error') throw RivuletError.of(answer[2]);
      return decodeRows(JSON.parse(answer[2]));
    };
    return {
      now: new Date(now),
      refuse,
      /** @param {string} aggregate @param {any} key */
      get: (aggregate, key) => {
        try {
          return read({ method: 'GET', target: rowTarget(aggregate, key) })[0];
        } catch (/** @type {any} */ error) {
          return noRow(error);
        }
      },
      /** @param {string} sql @param {unknown[]} [params] */
      query: (sql, params = []) => {
        const body = encode({ sql, params: sqlParams(params) });
        const target = `/query?${TEXT}`;
        return read({ method: 'POST', target, content_type: 'application/json', body });
      },
    };
  }

  /** A request that is answered at once, or not. @param {any} request @returns {any[] | null} */
  #ask(request) {
    const exchange = new Exchange(0, false, requestBytes(request));
    /** @type {any[] | null} */
    let answer = null;
    try {
      if (!exchange.begin(this.#engine, this.#pool)) return null;
    } catch (/** @type {any} */ error) {
      if (error.code === 'panicked') throw error;
      return ['error', 0, error.toProblem()];
    }
    do { // a query goes on until it has ended: functions of commands do not wait
      exchange.ask(this.#engine, this.#pool, 0, (message) => (answer = message));
    } while (answer === null && this.#engine.deadline() < 0);
    exchange.end(this.#engine, this.#pool);
    return answer;
  }
}
