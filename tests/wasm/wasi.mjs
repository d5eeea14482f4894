// SPDX-License-Identifier: Apache-2.0
// WASI modules under Node's own WASI, as tests run them.
//
// Every call goes through a JavaScript function. Without that, V8 calls Node's C++ straight from the
// module ("fast calls"), where a collection of garbage must not happen and does (nodejs/node#46777,
// #53087: the process ends with SIGSEGV, mostly after the module did its work). Whoever runs
// Rivulet's modules under Node should do the same: docs/wasi.md.
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

/** The imports of a module that talks to `wasi`; Emscripten's C library tells where memory grew. */
export function importsOf(wasi) {
  const calls = Object.entries(wasi.wasiImport);
  return {
    wasi_snapshot_preview1: Object.fromEntries(
      calls.map(([name, call]) => [name, (...values) => call(...values)]),
    ),
    env: { emscripten_notify_memory_growth() {} },
  };
}

async function instantiate(file, options) {
  const wasi = new WASI({ version: 'preview1', ...options });
  const { instance } = await WebAssembly.instantiate(readFileSync(file), importsOf(wasi));
  return { wasi, instance };
}

/** Runs a command to its end, over this process's standard streams. @returns the exit code */
export async function runCommand(file, args, preopens, env = {}) {
  const { wasi, instance } = await instantiate(file, { args, preopens, env, returnOnExit: true });
  return wasi.start(instance);
}

/** The exports of a reactor that has been initialized. */
export async function startReactor(file, preopens) {
  const { wasi, instance } = await instantiate(file, { preopens });
  wasi.initialize(instance);
  return instance.exports;
}
