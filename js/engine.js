// SPDX-License-Identifier: Apache-2.0
// A module instance: what it exports (wasi/reactor.h) as methods, what it imports
// (platform/browser/browser.h) from a storage, and bytes into and out of its memory. A trap is an
// error with the code `panicked`: the instance is of no use any more.
import * as codes from './codes.js';
import { OK, PENDING, RivuletError } from './error.js';
import { fact } from './facts.js';
import { isTrap, panicRecord } from './panic.js';

const ABI = 4;

/** Bytes of a name in a listing: rv_file_name. */
const NAME_LEN = 65;

/** Of getRandomValues. */
const ENTROPY_MAX = 65536;

/** The members of a request, in the module's order. */
const members = [
  'method', 'target', 'content_type', 'accept', 'event_type', 'expected_version',
  'idempotency_key', 'durability', 'last_event_id', 'metadata', 'body', 'command', 'args', 'run',
]; // prettier-ignore

/** What a storage or a link can say. @type {Record<string, number>} */
const numbers = {
  data_not_found: codes.data_not_found,
  data_exists: codes.data_exists,
  data_not_writable: codes.data_not_writable,
  storage_full: codes.storage_full,
  upstream_unreachable: codes.upstream_unreachable,
  upstream_not_rivulet: codes.upstream_not_rivulet,
  upstream_version: codes.upstream_version,
  protocol_error: codes.protocol_error,
  message_too_large: codes.message_too_large,
  closing: codes.closing,
  unauthenticated: codes.unauthenticated,
};

/** @param {string} code */
const numberOf = (code) => numbers[code] ?? codes.storage_failed;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A request as the module takes it: each member with its length before it.
 * @param {Record<string, string>} request
 */
export function requestBytes(request) {
  const parts = members.map((name) => encoder.encode(request[name] ?? ''));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}

export class Engine {
  /** @type {any} */ #exports;
  /** @type {any} */ #storage;
  /** @type {Uint8Array} */ #memory = new Uint8Array();
  #dead = false;
  /** What the module trapped with. @type {unknown} */ #trap = null;

  /** Grows with everything that may give the module something to do. */
  activity = 0;
  /** The time, while it is to stand; 0: it goes. */
  clock = 0;
  /** Operations of the storage that have not ended. */
  pending = 0;
  /** What the storage said last when it failed. @type {RivuletError | null} */
  storageError = null;
  /** The body of the message that is being received, as inflated. @type {Uint8Array | null} */
  inflated = null;
  /** Called when an operation that was pending has ended. */
  oncompletion = () => {};
  /** Called when the module trapped in such an end. @type {(error: unknown) => void} */
  onpanic = () => {};

  /** @param {any} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** @param {WebAssembly.Module} module */
  async instantiate(module) {
    /** @type {any} */
    const imports = { rivulet: this.#imports() };
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] ??= () => {
        throw new Error(`the module called ${from}.${name}, which is not there`);
      };
    }
    try {
      this.#exports = (await WebAssembly.instantiate(module, imports)).exports;
    } catch (error) {
      throw RivuletError.from(error, 'module_failed');
    }
    const abi = this.#exports.rv_module_abi?.();
    if (abi !== ABI) {
      const detail = `the module has the interface ${abi ?? 'of something else'}, not ${ABI}`;
      throw new RivuletError('module_version', detail, { expected: ABI, actual: abi ?? null });
    }
    if (this.#exports._initialize) this.#call('_initialize');
  }

  /** Nothing of the storage reaches the module from now on. */
  kill() {
    this.#dead = true;
  }

  // --- memory ---

  /** The module's memory, which is another array after it has grown. */
  get #bytes() {
    const { buffer } = this.#exports.memory;
    if (this.#memory.buffer !== buffer) this.#memory = new Uint8Array(buffer);
    return this.#memory;
  }

  /** @param {number} at @param {number} len */
  #view(at, len) {
    return this.#bytes.subarray(at >>> 0, (at >>> 0) + (len >>> 0));
  }

  /** @param {number} at @param {number} len */
  #text(at, len) {
    return decoder.decode(this.#view(at, len));
  }

  /** What the last call gave; valid until the next. */
  out() {
    return this.#view(this.#exports.rv_module_out_ptr(), this.#exports.rv_module_out_len());
  }

  /** Memory for good, before the database is open. @param {number} len */
  alloc(len) {
    const at = this.#call('rv_module_alloc', len) >>> 0;
    if (at === 0) throw new RivuletError('memory_exhausted', 'the browser has no more memory');
    return at;
  }

  /** @param {number} at @param {Uint8Array} bytes */
  put(at, bytes) {
    this.#bytes.set(bytes, at);
    return bytes.length;
  }

  // --- imports ---

  /**
   * Runs an operation of the storage: 0, it is done, or 1, it will be.
   * @param {number} slot @param {() => any} run
   * @param {(result: any) => [count: number, file: number]} settle
   */
  #operate(slot, run, settle) {
    let status = OK;
    let end = [0, 0];
    this.activity += 1;
    try {
      const result = run();
      if (typeof result?.then === 'function') {
        this.pending += 1;
        result
          .then(
            (/** @type {any} */ value) => this.#complete(slot, OK, settle(value)),
            (/** @type {unknown} */ error) => this.#complete(slot, this.#failed(error), end),
          )
          .catch((/** @type {unknown} */ error) => this.onpanic(error));
        return 1;
      }
      end = settle(result);
    } catch (error) {
      status = this.#failed(error);
    }
    this.#exports.rv_host_done(slot, status, ...end);
    return 0;
  }

  /** @param {unknown} error */
  #failed(error) {
    this.storageError = RivuletError.from(error, 'storage_failed');
    return numberOf(this.storageError.code);
  }

  /** @param {number} slot @param {number} status @param {number[]} end */
  #complete(slot, status, end) {
    if (this.#dead) return;
    this.activity += 1;
    this.pending -= 1;
    this.#exports.rv_host_done(slot, status, ...end);
    this.oncompletion();
  }

  /** @param {string[]} names @param {number} at @param {number} cap */
  #list(names, at, cap) {
    names.slice(0, cap).forEach((name, i) => {
      const to = this.#view(at + i * NAME_LEN, NAME_LEN);
      to.fill(0);
      encoder.encodeInto(name, to);
    });
    return names.length;
  }

  /** @returns {Record<string, (...numbers: number[]) => any>} */
  #imports() {
    const storage = this.#storage;
    /** @type {(result: any) => [number, number]} */
    const none = () => [0, 0];
    /** @type {(result: any) => [number, number]} */
    const opened = ({ file, size }) => [size, file];
    /** @type {(result: any) => [number, number]} */
    const counted = (count) => [count, 0];
    return {
      file_open: (slot, at, len) =>
        this.#operate(slot, () => storage.open(this.#text(at, len)), opened),
      file_create: (slot, at, len) =>
        this.#operate(slot, () => storage.create(this.#text(at, len)), opened),
      file_close: (file) => storage.close(file),
      file_read: (slot, file, offset, at, len) =>
        this.#operate(
          slot,
          () => storage.read(file, offset, this.#view(at, len)),
          (read) => counted(typeof read === 'number' ? read : this.put(at >>> 0, read)),
        ),
      file_write: (slot, file, offset, at, len) =>
        this.#operate(slot, () => storage.write(file, offset, this.#view(at, len)), counted),
      file_truncate: (slot, file, size) =>
        this.#operate(slot, () => storage.truncate(file, size), none),
      file_remove: (slot, at, len) =>
        this.#operate(slot, () => storage.remove(this.#text(at, len)), none),
      file_list: (slot, at, cap) =>
        this.#operate(
          slot,
          () => storage.list(),
          (names) => [this.#list(names, at >>> 0, cap >>> 0), 0],
        ),
      file_flush: (slot, file) => this.#operate(slot, () => storage.flush(file), none),
      now: () => (this.clock || Date.now()) * 1000,
      entropy: (at, len) => {
        for (let done = 0; done < len; done += ENTROPY_MAX) {
          const count = Math.min(len - done, ENTROPY_MAX);
          crypto.getRandomValues(this.#view(at + done, count));
        }
      },
      inflate: (_at, _len, to, cap) => {
        const bytes = this.inflated;
        if (bytes === null || bytes.length > cap >>> 0) return 0;
        this.put(to >>> 0, bytes);
        return bytes.length;
      },
    };
  }

  // --- exports ---

  /** @param {string} name @param {...number} numbers @returns {number} */
  #call(name, ...numbers) {
    try {
      return this.#exports[name](...numbers);
    } catch (error) {
      this.#trap ??= error;
      throw RivuletError.from(error, 'panicked');
    }
  }

  /**
   * What is to be recorded of a trap; null where the module did not trap.
   * @param {unknown} error with which it became known
   */
  trapRecord(error) {
    const trap = this.#trap ?? error;
    if (!isTrap(trap)) return null;
    const at = (this.#exports.rv_module_at_work?.() ?? 0) >>> 0;
    const position = at === 0 ? 0n : new DataView(this.#exports.memory.buffer).getBigUint64(at, true);
    return panicRecord(position, trap);
  }

  /** @param {string} name the export that writes it */
  #problem(name) {
    this.#call(name);
    const problem = JSON.parse(decoder.decode(this.out()));
    if (this.storageError && /^storage_/.test(problem.code)) {
      problem.storage = this.storageError.detail;
      // to the module a flush only fails; applications want to know that it is for want of space
      if (/** @type {any} */ (this.storageError).full) problem.code = 'storage_full';
    }
    return RivuletError.of(problem);
  }

  /** The last error. */
  error() {
    return this.#problem('rv_module_error');
  }

  /** @param {number} at @param {number} len of the options */
  open(at, len) {
    return this.#call('rv_module_open', at, len);
  }

  close() {
    return this.#call('rv_module_close');
  }

  /** @param {number} now */
  poll(now) {
    return this.#call('rv_module_poll', now);
  }

  deadline() {
    return this.#call('rv_module_deadline');
  }

  facts() {
    const at = this.#call('rv_module_facts') >>> 0;
    return Array.from(new Float64Array(this.#exports.memory.buffer, at, fact.count));
  }

  /** The state hash; undefined while half of a batch is here. */
  stateHash() {
    const status = this.#call('rv_module_state_hash');
    return status === OK ? decoder.decode(this.out()) : undefined;
  }

  /** @param {number} at @param {number} len @returns {number} the exchange, or an error below 0 */
  begin(at, len) {
    return this.#call('rv_module_begin', at, len);
  }

  /** @param {number} exchange @returns {number} the HTTP status; 0 while there is none */
  head(exchange) {
    const status = this.#call('rv_module_head', exchange);
    return status === PENDING ? 0 : status;
  }

  /** @param {number} exchange @param {number} now */
  body(exchange, now) {
    return this.#call('rv_module_body', exchange, now);
  }

  /** The first command that is due behind this edge sequence. @param {number} after */
  due(after) {
    const status = this.#call('rv_module_command_due', after);
    return status === OK ? JSON.parse(decoder.decode(this.out())) : undefined;
  }

  /** @param {number} edgeSequence */
  commandBegin(edgeSequence) {
    return this.#call('rv_module_command_begin', edgeSequence) === OK;
  }

  commandEnd() {
    this.#call('rv_module_command_end');
  }

  /** @param {number} exchange */
  end(exchange) {
    this.#call('rv_module_end', exchange);
  }

  edge = {
    /** What broke the connection since it was last asked. */
    failure: () => (this.#call('rv_module_edge_failure') === OK ? null : this.error()),
    reason: () => this.#problem('rv_module_edge_reason'),
    /** @param {number} now */
    wantsConnection: (now) => this.#call('rv_module_edge_wants_connection', now) === 1,
    /** @param {number} now */
    networkUp: (now) => this.#call('rv_module_edge_network_up', now),
    /** @param {number} at @param {number} len @param {number} now */
    setToken: (at, len, now) => this.#call('rv_module_edge_set_token', at, len, now),
    /** @param {number} now */
    wantsToken: (now) => this.#call('rv_module_edge_wants_token', now) === 1,
    /** @param {number} now */
    opened: (now) => this.#call('rv_module_edge_opened', now),
    /**
     * @param {RivuletError | null} error null: what the module has told itself
     * @param {number} at memory for its detail @param {number} len @param {number} now
     */
    closed: (error, at, len, now) => {
      if (error === null) return this.#call('rv_module_edge_closed', -1, 0, 0, now);
      const { written = 0 } = encoder.encodeInto(error.detail, this.#view(at, len));
      return this.#call('rv_module_edge_closed', numberOf(error.code), at, written, now);
    },
    ready: () => this.#call('rv_module_edge_ready') === 1,
    /** @param {number} at @param {number} len @param {number} now */
    receive: (at, len, now) => this.#call('rv_module_edge_receive', at, len, now),
    /** @param {number} now */
    send: (now) => this.#call('rv_module_edge_send', now) === 1,
  };
}
