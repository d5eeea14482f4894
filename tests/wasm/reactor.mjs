// SPDX-License-Identifier: Apache-2.0
// A database in the WASI reactor: the exports of wasi/reactor.h as methods, for tests. Every
// operation of this module is done in its call, so "not yet" only means to poll and ask again.
import assert from 'node:assert/strict';

import { startReactor } from './wasi.mjs';

const OK = 0;
const PENDING = 1;
const END = 2;
const POLLS_MAX = 100000;

const members = [
  'method', 'target', 'content_type', 'accept', 'event_type', 'expected_version',
  'idempotency_key', 'durability', 'last_event_id', 'metadata', 'body',
];

export class Reactor {
  #module;
  #buffer = { at: 0, size: 0 }; // what is handed over lies here, one thing at a time

  /** @param {string} file @param {string} directory on this machine; it is the module's `/` */
  static async start(file, directory) {
    const reactor = new Reactor();
    reactor.#module = await startReactor(file, { '/': directory });
    assert.equal(reactor.#module.rv_module_abi(), 4);
    return reactor;
  }

  #give(bytes) {
    if (bytes.length > this.#buffer.size) {
      const size = Math.max(bytes.length, 2 * this.#buffer.size);
      this.#buffer = { at: this.#module.rv_module_alloc(size), size };
      assert.notEqual(this.#buffer.at, 0, 'no memory');
    }
    const { at } = this.#buffer;
    new Uint8Array(this.#module.memory.buffer, at, bytes.length).set(bytes);
    return at;
  }

  #out() {
    const { memory, rv_module_out_ptr: ptr, rv_module_out_len: len } = this.#module;
    return Buffer.from(new Uint8Array(memory.buffer, ptr(), len())).toString();
  }

  /** Calls until the answer is not "not yet". */
  #until(call) {
    for (let i = 0; i < POLLS_MAX; i += 1) {
      const status = call();
      if (status !== PENDING) return status;
      this.#module.rv_module_poll(0);
    }
    return assert.fail('pending for ever');
  }

  /** The error that the last call left, as an object. */
  error() {
    this.#module.rv_module_error();
    return JSON.parse(this.#out());
  }

  /** @returns {object | null} the error, or null when it is open */
  open(options) {
    const bytes = Buffer.from(JSON.stringify({ memory: 64 << 20, ...options }));
    const at = this.#give(bytes);
    const status = this.#until(() => this.#module.rv_module_open(at, bytes.length));
    return status === OK ? null : this.error();
  }

  close() {
    const status = this.#until(() => this.#module.rv_module_close());
    return status === END ? null : this.error();
  }

  /** @returns {{status: number, text: string}} */
  request(request) {
    const parts = members.flatMap((name) => {
      const value = Buffer.from(request[name] ?? '');
      const length = Buffer.alloc(4);
      length.writeUInt32LE(value.length);
      return [length, value];
    });
    const bytes = Buffer.concat(parts);
    const exchange = this.#module.rv_module_begin(this.#give(bytes), bytes.length);
    assert.ok(exchange >= 0, `rv_module_begin: ${exchange}`);
    const status = this.#until(() => this.#module.rv_module_head(exchange));
    let text = '';
    for (;;) {
      const more = this.#until(() => this.#module.rv_module_body(exchange, 0));
      if (more !== OK) {
        assert.equal(more, END);
        break;
      }
      text += this.#out();
    }
    this.#module.rv_module_end(exchange);
    return { status, text };
  }

  /** The parsed answer of a request that must be answered with `status`. */
  ask(status, method, target, body = '', rest = {}) {
    const answer = this.request({ method, target, body, accept: 'application/json', ...rest });
    assert.equal(answer.status, status, answer.text);
    return JSON.parse(answer.text);
  }

  stateHash() {
    this.#module.rv_module_state_hash();
    return this.#out();
  }
}
