// SPDX-License-Identifier: Apache-2.0
// The application's side of a database: what `open` gives. Everything happens in a worker; here
// calls become requests of the request handler (docs/http.md) and answers become values.
import { Append, appendRequest, appendResult, Durability } from './append.js';
import { Channel, PROTOCOL } from './channel.js';
import { addressPart, decodeBatch, decodeRows, encode, noRow, rowTarget, sqlParams } from './codec.js';
import { differing } from './differences.js';
import { checkOptions, named, RivuletError } from './error.js';
import { entriesOf } from './selection.js';
import { CONNECTED, fact, statusOf } from './facts.js';
import { ChangeFeed, EventFeed, LatestFeed, ListFeed, LiveFeed } from './feed.js';
import { isToken, tokenOf } from './token.js';

/** @typedef {import('./channel.js').Port} Port */

/**
 * Starts a worker: its messages go to `receive`, its end by itself to `failed`.
 * @callback Spawn
 * @param {(messages: any[][]) => void} receive
 * @param {(error: RivuletError) => void} failed
 * @returns {Port}
 */

const names = [
  'name', 'directory', 'schema', 'storage', 'memory', 'sql', 'upstream', 'select', 'workerUrl',
  'moduleUrl', 'webSocket', 'commands',
]; // prettier-ignore

const nothing = () => {};

const storages = ['auto', 'opfs', 'indexeddb', 'memory', 'files'];

/** @param {boolean} right @param {string} detail */
function demand(right, detail) {
  if (!right) throw new RivuletError('parameter_invalid', detail);
}

const MEMORY_END = 2 ** 31;

/** Bytes of an amount of memory, written as `64MiB`. @param {unknown} amount */
function bytesOf(amount) {
  const match = /^(\d+)(|B|KiB|MiB|GiB)$/.exec(String(amount));
  const bytes = match ? Number(match[1]) * 1024 ** Math.max(0, 'BKMG'.indexOf(match[2][0])) : NaN;
  demand(
    bytes > 0 && bytes < MEMORY_END,
    `memory: \`${amount}\` is not an amount from 1 to less than 2GiB, as 64MiB or in bytes`,
  );
  return bytes;
}

/** @param {any} upstream */
function upstreamOf(upstream) {
  if (upstream === undefined || upstream === null) return undefined;
  demand(
    typeof upstream.url === 'string' || upstream.url instanceof URL,
    "an upstream is an object with its address: { url: 'wss://example.com/sync' }",
  );
  let url;
  try {
    url = new URL(upstream.url, globalThis.location?.href);
  } catch {
    throw new RivuletError('parameter_invalid', 'upstream.url is not an address');
  }
  demand(
    url.username + url.password === '',
    'upstream.url must not have a name or a password in it',
  );
  url.protocol = url.protocol.replace(/^http/, 'ws');
  demand(/^wss?:$/.test(url.protocol), `an upstream's address begins with wss: or ws:, not ${url}`);
  url.hash = '';
  if (url.pathname === '/') url.pathname = '/sync';
  const { token } = upstream;
  demand(
    token === undefined || typeof token === 'function' || isToken(token),
    'upstream.token is a token, or a function that gives one',
  );
  return { url: url.href, token: token !== undefined };
}

/** Of the module with the functions of commands. @param {any} url */
function addressOf(url) {
  if (url === undefined) return undefined;
  try {
    return new URL(url, globalThis.location?.href).href;
  } catch {
    const detail = 'commands is the address of a module: new URL(\'./commands.js\', import.meta.url)';
    throw new RivuletError('parameter_invalid', detail);
  }
}

/** What the worker is told, checked. @param {any} options */
function settingsOf(options) {
  demand(typeof options === 'object' && options !== null, 'open takes an object of options');
  const { name, directory, storage = 'auto', memory = '64MiB', sql = true, schema } = options;
  checkOptions(options, names);
  const upstream = upstreamOf(options.upstream);
  checkOptions(options.upstream, ['url', 'token']);
  const entries = entriesOf(options.select);
  demand(
    directory === undefined || (typeof directory === 'string' && directory !== ''),
    'a directory is a path, as a string',
  );
  demand(
    (name === undefined && directory !== undefined) ||
      (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)),
    'a database needs a name of at most 64 letters, digits, dots, dashes and underscores',
  );
  demand(storages.includes(storage), `a storage is one of ${storages.join(', ')}, not ${storage}`);
  demand(
    entries.length === 0 || Boolean(options.upstream),
    'select is what an edge holds: leave it out, or say upstream too',
  );
  demand(schema === undefined || typeof schema === 'string', 'a schema is a text');
  demand(
    options.webSocket === undefined || typeof options.webSocket === 'string',
    'webSocket is the name of a package: a constructor cannot cross to the worker',
  );
  return {
    protocol: PROTOCOL,
    name,
    directory,
    storage,
    memory: bytesOf(memory),
    sql: Boolean(sql),
    schema,
    upstream,
    streams: entries,
    commands: addressOf(options.commands),
    moduleUrl: options.moduleUrl === undefined ? undefined : String(options.moduleUrl),
    webSocket: options.webSocket,
  };
}

/** A channel to a new worker. @param {Spawn} spawn */
function connect(spawn) {
  /** @type {Channel} */
  const channel = new Channel(
    spawn(
      (messages) => channel.receive(messages),
      (error) => channel.fail(error),
    ),
  );
  return channel;
}

/** A position or a time, as requests have it. @param {number | Date | string} [at] */
const placeOf = (at) => (at instanceof Date ? JSON.parse(encode(at)) : at);

/**
 * @param {string} sql @param {unknown[] | null} [params]
 * @param {{rows?: number, asOf?: number | Date | string, differences?: boolean}} [options]
 */
function queryRequest(sql, params, { rows, asOf, differences } = {}) {
  const given = params ?? [];
  demand(typeof sql === 'string', 'a query is a text');
  demand(Array.isArray(given), 'the parameters of a query are an array');
  demand(rows === undefined || (Number.isInteger(rows) && Number(rows) >= 0), "`rows` is a number: the most that there may be");
  const wide = given.findIndex((it) => typeof it === 'bigint' && BigInt.asIntN(64, it) !== it);
  demand(wide < 0, `params[${wide}] is an integer of more than 64 bits`);
  const body = encode({ sql, params: sqlParams(given), rows, as_of: placeOf(asOf), differences });
  return { method: 'POST', target: '/query?numbers=text', content_type: 'application/json', body };
}

/** @param {URLSearchParams} parameters @param {any} where */
function narrow(parameters, where) {
  if (where === undefined) return;
  demand(typeof where === 'string', '`where` is a condition, as a text');
  parameters.append('where', where);
}

/** How long `close` waits for what the upstream has not answered, milliseconds. */
const DRAIN_TIME_MAX = 5000;

/** Rejections that are asked for at a time. */
const PAGE = 16;

const closed = () => new RivuletError('closing', 'the database is closed');

export class Database {
  /** @type {Channel} */ #channel;
  /** @type {{mode: string, persistent: boolean}} */ #storage;
  #durability = new Durability(
    (edgeSequence) => this.#outcome(edgeSequence),
    (first, last) => this.#held(first, last),
  );
  /** Rejections that were acknowledged, by edge sequence. @type {Map<number, any>} */
  #acknowledged = new Map();
  #pending = 0; // batches that the root has not decided
  /** Up to where all is decided. It goes back only when the node does, into another epoch. */
  #outbox = { settled: 0, epoch: 0 };
  /** @type {Set<LatestFeed<any> | ListFeed<any>>} */ #watching = new Set();
  /** @type {Set<EventFeed | LiveFeed<any>>} */ #feeds = new Set();
  /** @type {Promise<void> | null} */ #closing = null;
  #connected = false;
  #asked = 0; // requests and appends that were asked for and have no answer yet
  /** Looks whether `close` has waited enough. */
  #drained = nothing;
  /** Called once, when it has ended, however. */
  onend = () => {};

  /** @param {Channel} channel @param {any} [token] for the upstream, or who gives it */
  constructor(channel, token) {
    this.#channel = channel;
    const ask = typeof token === 'function' ? token : () => token;
    channel.ontoken = async () => channel.tell('token', 0, await tokenOf(ask));
    this.#storage = { mode: 'none', persistent: false };
    channel.oncommand = (id, answer) =>
      this.#durability.rerun(id, appendResult(JSON.parse(answer), true));
    channel.onfacts = (values, problems) => this.#facts(values, problems);
    channel.onfail = (error) => {
      this.#connected = false;
      this.#drained();
      this.#durability.end(error);
      for (const feed of this.#watching) feed.finish(error);
      this.onend();
    };
  }

  /** @param {any} settings */
  async #open(settings) {
    this.#storage = await this.#channel.call('open', settings);
    return this;
  }

  /** @param {any} options @param {Spawn} spawn */
  static async open(options, spawn) {
    const settings = settingsOf(options);
    const channel = connect(spawn);
    try {
      return await new Database(channel, options.upstream?.token).#open(settings);
    } catch (error) {
      channel.fail(closed()); // ends the worker
      throw error;
    }
  }

  /** @param {any} options @param {Spawn} spawn */
  static async destroy(options, spawn) {
    const settings = settingsOf(options);
    const channel = connect(spawn);
    try {
      await channel.call('destroy', settings);
    } finally {
      channel.fail(closed());
    }
  }

  /** @param {number[]} values @param {{reason: any, failure: any}} problems */
  #facts(values, { reason, failure }) {
    const progress = {
      root: values[fact.role] === 0,
      watermark: values[fact.watermark],
      durable: values[fact.watermarkDurable],
      outboxDurable: values[fact.outboxDurable],
      settled: values[fact.outboxSettled],
      relayed: values[fact.relayed],
      connected: values[fact.edgeState] === CONNECTED && !reason,
    };
    this.#pending = values[fact.pending];
    this.#outbox = { settled: progress.settled, epoch: values[fact.divergedEpoch] };
    this.#connected = values[fact.edgeState] === CONNECTED;
    this.#durability.update(progress, failure && RivuletError.of(failure));
    for (const feed of this.#watching) feed.change();
    this.#drained();
  }

  /** What `close` waits for. @template T @param {() => Promise<T>} run */
  async #underWay(run) {
    this.#asked += 1;
    try {
      return await run();
    } finally {
      this.#asked -= 1;
      this.#drained();
    }
  }

  /** @param {Record<string, string>} request @param {AbortSignal} [signal] @returns {Promise<any>} */
  async #request(request, signal) {
    if (this.#closing) throw closed();
    const size = (request.body?.length ?? 0) + request.target.length;
    try {
      return JSON.parse(await this.#channel.call('request', request, size, signal));
    } catch (error) {
      if (signal?.aborted) throw error;
      // where it was asked for, not where the worker's answer came in
      /** @type {any} */ (Error).captureStackTrace?.(error);
      throw error;
    }
  }

  /**
   * @param {any} pathOrEvents @param {any} [typeOrOptions]
   * @param {any} [data] @param {any} [options]
   */
  append(pathOrEvents, typeOrOptions, data, options) {
    const batch = Array.isArray(pathOrEvents);
    return this.#append(batch, () =>
      this.#request(
        batch
          ? appendRequest(pathOrEvents, typeOrOptions)
          : appendRequest({ path: pathOrEvents, type: typeOrOptions, data }, options),
      ),
    );
  }

  /** Runs a command. @param {string} name @param {any} [args] */
  run(name, args = null) {
    return this.#append(true, async () => {
      demand(typeof name === 'string' && name !== '', 'a command has a name');
      if (this.#closing) throw closed();
      let text;
      try {
        text = JSON.stringify(args);
      } catch (error) {
        throw RivuletError.from(error, 'parameter_invalid');
      }
      demand(text !== undefined, 'the arguments of a command are JSON');
      return JSON.parse(await this.#channel.call('run', { name, args: text }, text.length));
    });
  }

  /** @param {boolean} batch @param {() => Promise<any>} request */
  #append(batch, request) {
    const append = new Append();
    const called = new Error(); // where it was asked for
    const ask = async () => {
      append.accept(appendResult(await request(), batch));
      this.#durability.watch(append);
    };
    this.#underWay(ask).catch((error) => {
      error.stack = called.stack?.replace(/^Error(?=\n)/, () => String(error));
      append.fail(error);
    });
    return append;
  }

  /** What the root decided of a batch. @param {number} edgeSequence */
  async #outcome(edgeSequence) {
    const reason = this.#acknowledged.get(edgeSequence);
    if (reason) return { outcome: 'rejected', position: null, reason };
    return this.#ask(`/pending/${edgeSequence}`);
  }

  /** The events of positions that are here. @param {number} first @param {number} last */
  #held(first, last) {
    return this.#ask(`/events?from=${first}&until=${last}`);
  }

  /** Asked while it is closed, too. @param {string} target @returns {Promise<any>} */
  async #ask(target) {
    const request = { method: 'GET', target };
    return JSON.parse(await this.#underWay(() => this.#channel.call('request', request, 64)));
  }

  /**
   * What the root has not decided, the oldest first.
   * @param {{signal?: AbortSignal}} [options]
   */
  pending(options) {
    const request = { method: 'GET', target: '/pending?limit=1000&numbers=text' };
    const ask = async () => (await this.#request(request)).map(decodeBatch);
    const { signal } = checkOptions(options, ['signal']);
    return this.#unlessClosed(new LatestFeed(ask, this.#watching, signal));
  }

  /**
   * What the root has refused and nobody has acknowledged: what there is, then what comes.
   * @param {{signal?: AbortSignal}} [options]
   */
  rejections(options) {
    /** @type {Set<string>} */
    const told = new Set(); // what is refused later may stand before others in the list
    let listed = { settled: 0, epoch: 0 }; // up to there all was decided, and is not listed again
    const ask = async () => {
      const outbox = this.#outbox;
      const found = [];
      for (let after = outbox.epoch === listed.epoch ? listed.settled : 0, more = true; more; ) {
        const target = `/rejections?after=${after}&limit=${PAGE}&numbers=text`;
        const batches = (await this.#request({ method: 'GET', target })).map(decodeBatch);
        for (const batch of batches) {
          const { eventId } = batch.events[0];
          if (!told.has(eventId)) found.push(this.#rejection(batch));
          told.add(eventId);
        }
        after = batches.at(-1)?.edgeSequence;
        more = batches.length === PAGE;
      }
      listed = outbox;
      return found;
    };
    const { signal } = checkOptions(options, ['signal']);
    return this.#unlessClosed(new ListFeed(ask, this.#watching, signal));
  }

  /** @param {any} batch */
  #rejection(batch) {
    const acknowledge = async () => {
      const place = `/rejections/${batch.events[0].eventId}`;
      const target = `${place}?edge_sequence=${batch.edgeSequence}`;
      this.#acknowledged.set(batch.edgeSequence, batch.reason);
      await this.#request({ method: 'DELETE', target });
    };
    return { ...batch, reason: RivuletError.of(batch.reason), acknowledge };
  }

  /** @param {string} [pattern] @param {any} [options] */
  events(pattern, options) {
    const given = checkOptions(options, ['from', 'after', 'until', 'types', 'where', 'signal']);
    const { from = 0, after, until, types, where, signal } = given;
    demand(!after || given.from === undefined, '`after` a cursor is in place of `from`');
    demand(typeof (after ?? '') === 'string', '`after` is a cursor, as a text');
    const named = types === undefined || (Array.isArray(types) && types.length > 0);
    demand(named, '`types` is an array of event types, at least one');
    const path = pattern ?? '/**';
    const parameters = new URLSearchParams({ path, from: String(placeOf(from)), numbers: 'text' });
    for (const type of types ?? []) parameters.append('type', type);
    narrow(parameters, where);
    if (until !== undefined) parameters.append('until', String(placeOf(until)));
    const target = `/events?${parameters}`;
    const request = { method: 'GET', target, accept: 'text/event-stream', last_event_id: after };
    return this.#unlessClosed(new EventFeed(this.#channel, request, this.#feeds, signal));
  }

  /**
   * The row with this key, of several columns an array, if there is one.
   * @param {string} aggregate @param {any} key
   * @param {{signal?: AbortSignal, asOf?: number | Date | string}} [options]
   */
  async get(aggregate, key, options) {
    const { signal, asOf } = checkOptions(options, ['signal', 'asOf']);
    const at = placeOf(asOf);
    const past = at === undefined ? '' : `&as_of=${addressPart(at, 'asOf')}`;
    const request = { method: 'GET', target: rowTarget(aggregate, key) + past };
    const answer = await this.#underWay(() => this.#request(request, signal).catch(noRow));
    return answer && decodeRows(answer)[0];
  }

  /**
   * @param {string} sql @param {unknown[]} [params]
   * @param {{signal?: AbortSignal, rows?: number, asOf?: number | Date | string}} [options]
   */
  async query(sql, params, options) {
    const given = checkOptions(options, ['signal', 'rows', 'asOf']);
    const request = queryRequest(sql, params, given);
    return decodeRows(await this.#underWay(() => this.#request(request, given.signal)));
  }

  /**
   * The result of a query, and each other one that it comes to have; as a tag of a template, what
   * is put into it are parameters.
   * @param {string | TemplateStringsArray} sql @param {any[]} rest
   */
  live(sql, ...rest) {
    const [params, options] = Array.isArray(sql) ? [rest] : rest;
    /** @type {any} */ const text = Array.isArray(sql) ? sql.join('?') : sql;
    const given = checkOptions(options, ['signal', 'rows', 'differences']);
    const request = { ...queryRequest(text, params, given), accept: 'text/event-stream' };
    /** @type {(answer: any) => any} */
    const decode = given.differences ? differing() : decodeRows;
    const feed = new LiveFeed(this.#channel, request, decode, this.#feeds, given.signal);
    return this.#unlessClosed(feed);
  }

  /**
   * What becomes of an aggregate's rows, after the rows themselves with `rows`.
   * @param {string} aggregate @param {{where?: string, rows?: boolean, signal?: AbortSignal}} [options]
   */
  changes(aggregate, options) {
    const { where, rows, signal } = checkOptions(options, ['where', 'rows', 'signal']);
    const parameters = new URLSearchParams({ columns: 'true', numbers: 'text' });
    if (rows) parameters.append('rows', 'first');
    narrow(parameters, where);
    const target = `/changes/${addressPart(aggregate, 'aggregate')}?${parameters}`;
    const request = { method: 'GET', target, accept: 'text/event-stream' };
    return this.#unlessClosed(new ChangeFeed(this.#channel, request, this.#feeds, signal));
  }

  schema() {
    return this.#request({ method: 'GET', target: '/schema' });
  }

  /** @param {{hash?: boolean, signal?: AbortSignal}} [options] */
  status(options) {
    const { hash, signal } = checkOptions(options, ['hash', 'signal']);
    const wanted = { hash: Boolean(hash) };
    const ask = async () => statusOf(await this.#channel.call('status', wanted), this.#storage);
    return this.#unlessClosed(new LatestFeed(ask, this.#watching, signal));
  }

  /**
   * Of a database that is closed: its iterator rejects.
   * @template {ChangeFeed | EventFeed | LatestFeed<any> | ListFeed<any> | LiveFeed<any>} F
   * @param {F} feed
   */
  #unlessClosed(feed) {
    if (this.#closing) feed.finish(closed());
    return feed;
  }

  /**
   * What an edge holds and is to hold: another selection takes its place, when it is said.
   * @param {any} [select]
   */
  async select(select) {
    const body = JSON.stringify(entriesOf(select));
    const { past, refused, ...rest } = await this.#request(
      select === undefined
        ? { method: 'GET', target: '/selection' }
        : { method: 'PUT', target: '/selection', content_type: 'application/json', body },
    );
    return { ...rest, past: past && named(past), refused: refused && named(refused) };
  }

  /**
   * Resolves when appends can be accepted: at a root at once, at an edge when it has a schema, too.
   * @param {{signal?: AbortSignal}} [options]
   */
  async connected(options) {
    const { signal } = checkOptions(options, ['signal']);
    for await (const { connection, role, reason, schemaVersion } of this.status({ signal })) {
      if (role === 'root' || (connection === 'connected' && schemaVersion > 0)) return;
      if (connection === 'error') throw RivuletError.of(reason);
      if (connection === 'none') throw new RivuletError('not_connected', 'there is no upstream');
    }
    throw signal?.aborted ? signal.reason : closed();
  }

  /** Tries to reach the upstream now, when it waits before it tries again. */
  wake() {
    this.#channel.tell('wake');
  }

  /** Flushes and ends; iterators end, what is asked later is refused. */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    for (const feed of [...this.#feeds, ...this.#watching]) feed.finish();
    await this.#drain();
    try {
      await this.#channel.call('close');
    } finally {
      this.#channel.fail(closed());
    }
  }

  /** What was asked for is waited for, at an edge that is connected also the root; not for ever. */
  async #drain() {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    await new Promise((resolve) => {
      timer = setTimeout(resolve, DRAIN_TIME_MAX);
      this.#drained = () => {
        const idle = this.#durability.idle && this.#pending === 0;
        if (this.#asked === 0 && (!this.#connected || idle)) resolve(null);
      };
      this.#drained();
    });
    clearTimeout(timer);
    this.#drained = nothing;
  }
}

if (Symbol.asyncDispose) {
  Object.defineProperty(Database.prototype, Symbol.asyncDispose, {
    /** @this {Database} */
    value() {
      return this.close();
    },
  });
}
