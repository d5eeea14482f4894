// SPDX-License-Identifier: Apache-2.0
// Plants traps in the modules that are instantiated from now on: in a query that says `trap at
// POSITION`, or while a database is opened. The position is put where the module has the one that it
// is at, and the trap is one of the processor's, as that of an assertion.
const { instantiate } = WebAssembly;

// (module (func (export "t") unreachable))
const trap = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 116, 0, 0, 10, 5, 1, 3, 0, 0, 11,
]);

/** @param {string | null} [opening] the position at which it traps while the database is opened */
export function plant(opening = null) {
  WebAssembly.instantiate = /** @type {any} */ (instantiateTrapping(opening));
}

/** @param {string | null} opening */
function instantiateTrapping(opening) {
  return async (/** @type {any} */ module, /** @type {any} */ imports) => {
    const { exports } = await instantiate(module, imports);
    const stop = /** @type {any} */ ((await instantiate(trap)).instance.exports).t;
    const trapAt = (/** @type {string} */ position) => {
      const at = exports.rv_module_at_work();
      new DataView(exports.memory.buffer).setBigUint64(at, BigInt(position), true);
      stop();
    };
    const begin = (/** @type {number} */ at, /** @type {number} */ len) => {
      const text = new TextDecoder('latin1').decode(new Uint8Array(exports.memory.buffer, at, len));
      const [, position] = /trap at (\d+)/.exec(text) ?? [];
      if (position !== undefined) trapAt(position);
      return exports.rv_module_begin(at, len);
    };
    const open = (/** @type {number} */ at, /** @type {number} */ len) => {
      const status = exports.rv_module_open(at, len);
      if (opening !== null) trapAt(opening);
      return status;
    };
    return { exports: { ...exports, rv_module_begin: begin, rv_module_open: open } };
  };
}
