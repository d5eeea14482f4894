// SPDX-License-Identifier: Apache-2.0
// The worker's side of a database: a module instance over a storage, requests of the page, and the
// link to the upstream, moved by one function:
//
//     turn:  poll the module, ask the exchanges under way, begin those that wait, move the link;
//            again while something happened; then post what there is to tell, and sleep until a
//            message, an operation of the storage or the module's deadline
//
// It never waits in a loop: while only the disk or the network can go on, it sleeps. It knows no
// platform; worker.js and worker-node.js bring one.
import { PROTOCOL } from './channel.js';
import { Commands } from './commands.js';
import { Engine, requestBytes } from './engine.js';
import { END, OK, PENDING, RivuletError } from './error.js';
import { Exchange } from './exchange.js';
import { CONNECTED, fact, factsDiffer } from './facts.js';
import { Link } from './link.js';
import { writePanic } from './panic.js';
import { Pool } from './pool.js';
import { Token } from './token.js';

/** Feeds at once: of the module's 160 exchanges some are left for requests. */
const FEEDS_MAX = 128;

/** Turns in one go of the event loop, and how long they may take: messages come in between. */
const TURNS_MAX = 32;
const TURNS_TIME_MAX = 8; // milliseconds

/** Of a request: the body that the module takes, and room for its other members. */
const REQUEST_MAX = (4 << 20) + 65536;

/** How long the record of a trap may take: the page waits for it. */
const RECORD_TIME_MAX = 1000; // milliseconds

/**
 * @typedef {object} Platform
 * @property {(messages: any[][], transfer: ArrayBuffer[]) => void} post to the page
 * @property {(run: () => void) => void} soon runs it after what has come in meanwhile
 * @property {(settings: any) => Promise<WebAssembly.Module>} load
 * @property {(settings: any) => Promise<any>} mount
 * @property {(settings: any) => Promise<void>} destroy
 * @property {(settings: any) => Promise<import('./link.js').Transport>} transport
 */

/** The functions of the module that the application names. @param {string | undefined} url */
async function functionsOf(url) {
  if (url === undefined) return {};
  try {
    return await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ url);
  } catch (/** @type {any} */ error) {
    throw new RivuletError('module_failed', `commands: ${url}: ${error.message}`);
  }
}

export class Session {
  #platform;
  /** @type {any} */ #storage = null;
  /** @type {Engine | any} */ #engine = null;
  /** @type {Pool | any} */ #pool = null;
  /** @type {Link | null} */ #link = null;
  /** @type {Token | null} */ #token = null;
  /** @type {Commands | any} */ #commands = null;
  /** @type {'new' | 'open' | 'closing' | 'over'} */ #phase = 'new';
  /** Requests that the module has not taken, in order. @type {Map<number, Exchange>} */
  #waiting = new Map();
  /** @type {Map<number, Exchange>} */ #underWay = new Map();
  /** What the page waits for in other ways. @type {Array<() => boolean>} */ #watching = [];
  /** @type {any[][]} */ #outbox = [];
  /** @type {ArrayBuffer[]} */ #transfer = [];
  /** @type {number[]} */ #facts = [];
  /** @type {RivuletError | null} */ #failure = null;
  /** Why the module is lost. @type {RivuletError | null} */ #lost = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer = undefined;
  #scheduled = false;

  /** @param {Platform} platform */
  constructor(platform) {
    this.#platform = platform;
  }

  #now = () => performance.now() * 1000;

  /** Something may have to be done. */
  #wake = () => {
    if (this.#scheduled || this.#phase === 'new' || this.#phase === 'over') return;
    this.#scheduled = true;
    this.#platform.soon(() => this.#run());
  };

  /** @param {any[]} message @param {ArrayBuffer} [transfer] */
  #post = (message, transfer) => {
    this.#outbox.push(message);
    if (transfer) this.#transfer.push(transfer);
  };

  #flush() {
    if (this.#outbox.length === 0) return;
    this.#platform.post(this.#outbox, this.#transfer);
    this.#outbox = [];
    this.#transfer = [];
  }

  // --- messages of the page ---

  /** @param {any[][]} messages */
  receive(messages) {
    try {
      for (const [kind, id, value] of messages) this.#take(kind, id, value);
    } catch (error) {
      this.panic(error);
    }
    this.#flush();
    // at once: the platform's own queue of tasks is a detour
    if (this.#phase === 'open' && !this.#scheduled) this.#run();
  }

  /** @param {string} kind @param {number} id @param {any} value */
  #take(kind, id, value) {
    if (kind === 'open') void this.#answer(id, () => this.#open(value));
    else if (kind === 'destroy') void this.#answer(id, () => this.#platform.destroy(value));
    else if (kind === 'close') void this.#answer(id, () => this.#close());
    else if (this.#phase !== 'open') this.#refuse(kind, id);
    else if (kind === 'request') this.#wait(id, false, value);
    else if (kind === 'run') this.#commands.ask(id, value);
    else if (kind === 'feed') this.#beginFeed(id, value);
    else if (kind === 'status') void this.#answer(id, () => this.#status(value));
    else if (kind === 'token') this.#token?.take(value, this.#now());
    else if (kind === 'wake') this.#wakeLink();
    else this.#moveFeed(kind, id);
  }

  #wakeLink() {
    this.#engine.edge.networkUp(this.#now());
    if (this.#facts[fact.edgeState] !== CONNECTED) this.#token?.renew();
  }

  /** @param {string} kind @param {number} id */
  #refuse(kind, id) {
    if (!['request', 'run', 'feed', 'status'].includes(kind)) return;
    this.#post(['error', id, (this.#lost ?? new RivuletError('closing')).toProblem()]);
  }

  /** @param {number} id @param {() => Promise<any>} run */
  async #answer(id, run) {
    try {
      this.#post(['answer', id, await run()]);
    } catch (thrown) {
      const error = RivuletError.from(thrown, 'panicked');
      if (error.code === 'panicked') this.panic(error);
      else this.#post(['error', id, error.toProblem()]);
    }
    this.#flush();
  }

  /** @param {number} id @param {boolean} feed @param {any} request */
  #wait(id, feed, request) {
    this.#waiting.set(id, new Exchange(id, feed, requestBytes(request)));
  }

  /** @param {number} id @param {any} request */
  #beginFeed(id, request) {
    const feeds = [...this.#underWay.values(), ...this.#waiting.values()];
    if (feeds.filter(({ feed }) => feed).length >= FEEDS_MAX) {
      const error = new RivuletError('busy', `${FEEDS_MAX} feeds are open, which is the limit`);
      this.#post(['error', id, error.toProblem()]);
      return;
    }
    this.#wait(id, true, request);
  }

  /** @param {string} kind pull or cancel @param {number} id */
  #moveFeed(kind, id) {
    const exchange = this.#underWay.get(id) ?? this.#waiting.get(id);
    if (kind === 'pull') {
      if (exchange) exchange.credit += 1;
      return;
    }
    exchange?.end(this.#engine, this.#pool);
    this.#underWay.delete(id);
    this.#waiting.delete(id);
  }

  /** @param {{hash: boolean}} wanted */
  async #status({ hash }) {
    /** @type {string | undefined} */
    let digits;
    if (hash) {
      await this.#until(() => {
        digits = this.#engine.stateHash();
        return digits !== undefined;
      });
    }
    const values = this.#engine.facts();
    return { values, problems: this.#problems(values), hash: digits };
  }

  // --- turns ---

  #run() {
    this.#scheduled = false;
    clearTimeout(this.#timer);
    try {
      const begun = performance.now();
      let before = -1;
      for (let i = 0; i < TURNS_MAX && before !== this.#engine.activity; i++) {
        before = this.#engine.activity;
        this.#turn();
        if (this.#phase === 'over' || performance.now() - begun > TURNS_TIME_MAX) break;
      }
      if (this.#phase !== 'over') this.#goOn(before);
    } catch (error) {
      this.panic(error);
    }
    this.#flush();
  }

  /** Tells what has changed; then on, or to sleep. @param {number} before the activity */
  #goOn(before) {
    this.#tellFacts();
    if (before !== this.#engine.activity) this.#wake();
    else this.#sleep();
  }

  #turn() {
    const engine = this.#engine;
    const now = this.#now();
    const status = engine.poll(now);
    if (status !== OK && !this.#failure) this.#failure = engine.error();
    for (const exchange of this.#underWay.values()) {
      if (exchange.ask(engine, this.#pool, now, this.#post)) {
        exchange.end(engine, this.#pool);
        this.#underWay.delete(exchange.id);
      }
    }
    this.#begin();
    const before = [...this.#underWay.values(), ...this.#waiting.values()];
    const turn = (/** @type {number} */ id) => before.every(({ feed, id: other }) => feed || other > id);
    this.#commands.turn(turn);
    this.#link?.turn(now);
    if (this.#watching.length > 0) this.#watching = this.#watching.filter((met) => !met());
  }

  /** Hands the module what waits, until it takes no more. */
  #begin() {
    for (const exchange of this.#waiting.values()) {
      if (exchange.id > this.#commands.first) return;
      try {
        if (!exchange.begin(this.#engine, this.#pool)) return;
        this.#underWay.set(exchange.id, exchange);
        this.#engine.activity += 1;
      } catch (error) {
        const refused = RivuletError.from(error, 'panicked');
        if (refused.code === 'panicked') throw refused;
        this.#post(['error', exchange.id, refused.toProblem()]);
      }
      this.#waiting.delete(exchange.id);
    }
  }

  #sleep() {
    const deadline = this.#engine.deadline();
    if (deadline === Infinity) return;
    if (deadline < 0) {
      this.#wake(); // a query goes on: others had their turn
      return;
    }
    const wait = Math.max(1, Math.ceil((deadline - this.#now()) / 1000));
    this.#timer = setTimeout(this.#wake, wait);
  }

  /** @param {number[]} values */
  #problems(values) {
    const reason = values[fact.edgeReason] ? this.#engine.edge.reason().toProblem() : null;
    return { reason, failure: this.#failure && this.#failure.toProblem() };
  }

  #tellFacts() {
    const values = this.#engine.facts();
    if (!factsDiffer(this.#facts, values)) return;
    this.#facts = values;
    this.#engine.activity += 1;
    this.#post(['facts', values, this.#problems(values)]);
  }

  /**
   * Resolves in the turn in which it is met.
   * @param {() => boolean} met @returns {Promise<void>}
   */
  #until(met) {
    return new Promise((resolve) => {
      this.#watching.push(() => {
        const over = met();
        if (over) resolve();
        return over;
      });
      this.#wake();
    });
  }

  /** The module is lost, and with it all that was under way. @param {unknown} error */
  panic(error) {
    if (this.#lost) return;
    this.#lost = RivuletError.from(error, 'panicked');
    const recorded = this.#record(error);
    this.#stop();
    recorded.then(() => {
      this.#post(['fatal', /** @type {RivuletError} */ (this.#lost).toProblem()]);
      this.#flush();
      return this.#end();
    }).catch(() => undefined); // why it was lost is what is told
  }

  /** Leaves a record of a trap in the storage, if that goes. @param {unknown} error */
  async #record(error) {
    const storage = this.#storage;
    const record = storage && this.#engine?.trapRecord(error);
    if (!record) return;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, RECORD_TIME_MAX)));
    await Promise.race([writePanic(storage, record).catch(() => undefined), late]);
    clearTimeout(timer);
  }

  // --- life ---

  /** @param {any} settings */
  async #open(settings) {
    if (settings.protocol !== PROTOCOL || this.#phase !== 'new') {
      const detail = `the page speaks version ${settings.protocol}, its worker ${PROTOCOL}`;
      throw new RivuletError('module_version', detail);
    }
    const [module, storage] = await Promise.allSettled([
      this.#platform.load(settings),
      this.#platform.mount(settings),
    ]);
    if (storage.status === 'fulfilled') this.#storage = storage.value;
    try {
      if (module.status === 'rejected') throw RivuletError.from(module.reason, 'module_failed');
      if (storage.status === 'rejected') throw storage.reason;
      await this.#start(module.value, settings);
    } catch (error) {
      await this.#record(error);
      await this.#end().catch(() => undefined); // why it was not opened is what is told
      throw error;
    }
    const { mode, persistent } = this.#storage;
    return { mode, persistent };
  }

  /** @param {WebAssembly.Module} module @param {any} settings */
  async #start(module, settings) {
    const engine = new Engine(this.#storage);
    this.#engine = engine;
    engine.oncompletion = this.#wake;
    engine.onpanic = (error) => this.panic(error);
    await engine.instantiate(module);
    this.#pool = new Pool((len) => engine.alloc(len), Math.min(REQUEST_MAX, settings.memory));
    const { upstream, commands } = settings;
    this.#commands = new Commands(await functionsOf(commands), engine, this.#pool, this.#post);
    if (upstream) {
      const transport = await this.#platform.transport(settings);
      const token = upstream.token ? new Token(engine, () => this.#post(['token'])) : null;
      const { url } = upstream;
      this.#token = token;
      this.#link = new Link({ engine, url, transport, token, wake: this.#wake, now: this.#now });
    }
    await this.#openModule(settings);
    this.#phase = 'open';
    await this.#check(settings);
    this.#tellFacts();
    this.#wake();
  }

  /** @param {any} settings */
  async #openModule({ memory, upstream, streams }) {
    const role = upstream ? 'edge' : 'stored';
    const options = { memory, role, patterns: streams, inflate: upstream !== undefined };
    const text = new TextEncoder().encode(JSON.stringify(options));
    const at = this.#engine.alloc(text.length);
    this.#engine.put(at, text);
    for (let seen = -1; ; seen = this.#engine.activity) {
      const status = this.#engine.open(at, text.length);
      if (status === OK) return;
      if (status !== PENDING) {
        const error = this.#engine.error();
        if (error.code !== 'data_damaged' && error.code !== 'panicked') throw error;
        this.#failure = error; // open for reading, up to the damage, or what traps
        return;
      }
      if (this.#engine.activity === seen && this.#engine.pending > 0) {
        await new Promise((resolve) => (this.#engine.oncompletion = () => resolve(null)));
        this.#engine.oncompletion = this.#wake;
      }
      this.#engine.poll(this.#now());
    }
  }

  /** What can be judged only once the module is open: the selection, and the schema. */
  async #check(/** @type {any} */ { upstream, schema }) {
    const status = await this.#ask({ method: 'GET', target: '/status' });
    if (upstream && status.selection?.length === 0) {
      const detail = "a new edge needs a selection: select: { streams: ['/**'] }, or less";
      throw new RivuletError('selection_invalid', detail);
    }
    if (schema === undefined) return;
    const request = { method: 'POST', target: '/schema?whole=true', content_type: 'text/plain' };
    await this.#ask({ ...request, body: schema });
  }

  /** A request of our own. @param {Record<string, string>} request @returns {Promise<any>} */
  async #ask(request) {
    const exchange = new Exchange(-1, false, requestBytes(request));
    /** @type {any} */
    let answer = null;
    const post = (/** @type {any[]} */ message) => (answer = message);
    if (!exchange.begin(this.#engine, this.#pool)) throw new RivuletError('busy');
    await this.#until(() => exchange.ask(this.#engine, this.#pool, this.#now(), post));
    exchange.end(this.#engine, this.#pool);
    if (answer[0] === 'error') throw RivuletError.of(answer[2]);
    return JSON.parse(answer[2]);
  }

  async #close() {
    if (this.#lost) throw this.#lost;
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    for (const { id, feed } of [...this.#underWay.values(), ...this.#waiting.values()]) {
      if (feed) this.#moveFeed('cancel', id);
    }
    this.#link?.stop(this.#now());
    this.#run();
    if (this.#link) this.#forgetRequests();
    const idle = () => this.#waiting.size + this.#underWay.size + this.#commands.size === 0;
    await this.#until(idle);
    let status = PENDING;
    await this.#until(() => {
      const before = this.#engine.facts();
      status = this.#engine.close();
      if (status === PENDING) return false;
      this.#facts = before; // a module that is closed knows nothing any more
      this.#phase = 'over';
      return true;
    });
    const error = status === END ? null : this.#engine.error();
    if (!error) this.#tellClosed();
    await this.#end();
    if (error) throw error;
  }

  /** What waits for the upstream when the database is closed. */
  #forgetRequests() {
    const detail = 'the database was closed before the answer; retry with the same event id';
    const error = new RivuletError('outcome_unknown', detail).toProblem();
    this.#commands.end(new RivuletError('closing').toProblem());
    for (const { id } of [...this.#underWay.values(), ...this.#waiting.values()]) {
      this.#post(['error', id, error]);
      this.#moveFeed('cancel', id);
    }
  }

  /** All that was accepted is durable now. */
  #tellClosed() {
    this.#facts[fact.watermarkDurable] = this.#facts[fact.watermark];
    this.#facts[fact.outboxDurable] = Number.MAX_SAFE_INTEGER;
    this.#post(['facts', this.#facts, { reason: null, failure: null }]);
  }

  /** Nothing moves any more. */
  #stop() {
    this.#phase = 'over';
    clearTimeout(this.#timer);
    this.#link?.stop();
    this.#link = null;
    this.#engine?.kill();
  }

  async #end() {
    this.#stop();
    const storage = this.#storage;
    this.#storage = null;
    await storage?.unmount();
  }
}
