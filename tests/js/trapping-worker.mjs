// SPDX-License-Identifier: Apache-2.0
// The worker of Node with a module that traps as an assertion does: in the query that says so, or
// from the query that says that on when a flush has ended, which nothing of the module waits for.
const { instantiate } = WebAssembly;

let armed = false;
let flushing = -1; // the slot of a flush that will trap

WebAssembly.instantiate = /** @type {any} */ (
  async (/** @type {any} */ module, /** @type {any} */ imports) => {
    const flush = imports.rivulet.file_flush;
    imports.rivulet.file_flush = (/** @type {number} */ slot, /** @type {number} */ file) => {
      if (armed) flushing = slot;
      return flush(slot, file);
    };
    const { exports } = await instantiate(module, imports);
    const begin = (/** @type {number} */ at, /** @type {number} */ len) => {
      const text = Buffer.from(exports.memory.buffer, at, len).toString('latin1');
      if (text.includes('please trap')) throw new WebAssembly.RuntimeError('unreachable');
      armed ||= text.includes('trap later');
      return exports.rv_module_begin(at, len);
    };
    const done = (/** @type {number} */ slot, /** @type {number[]} */ ...end) => {
      if (slot === flushing) throw new WebAssembly.RuntimeError('unreachable at the end of a flush');
      exports.rv_host_done(slot, ...end);
    };
    return { exports: { ...exports, rv_module_begin: begin, rv_host_done: done } };
  }
);

await import('../../js/worker-node.js');
