// SPDX-License-Identifier: Apache-2.0
// The worker of Node with a module that traps as an assertion does: in the query that says so.
const { instantiate } = WebAssembly;

WebAssembly.instantiate = /** @type {any} */ (
  async (/** @type {any} */ module, /** @type {any} */ imports) => {
    const { exports } = await instantiate(module, imports);
    const begin = (/** @type {number} */ at, /** @type {number} */ len) => {
      const text = Buffer.from(exports.memory.buffer, at, len).toString('latin1');
      if (text.includes('please trap')) throw new WebAssembly.RuntimeError('unreachable');
      return exports.rv_module_begin(at, len);
    };
    return { exports: { ...exports, rv_module_begin: begin } };
  }
);

await import('../../js/worker-node.js');
