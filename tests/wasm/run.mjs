// SPDX-License-Identifier: Apache-2.0
// Runs a test program of the WASI or the Emscripten build under Node's WASI, over this process's
// standard streams; its exit code becomes this process's. It is the "emulator" of those builds.
//
//     node run.mjs PROGRAM [ARGUMENT…]
//
// The program sees the repository under its own path, to read vectors, and as `/` an empty
// directory, which is removed at the end. A trap ends this process with 134, as abort does.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [file, ...args] = process.argv.slice(2);
const repository = resolve(fileURLToPath(import.meta.url), '../../..');
const scratch = mkdtempSync(join(tmpdir(), 'rivulet-wasm-'));

// Node 18 says of WASI that it is experimental, which is no news in every test's output.
process.removeAllListeners('warning');
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const { runCommand } = await import('./wasi.mjs');
try {
  // tests/wasm/open.c relies on the repository being the first.
  const preopens = { [repository]: repository, '/': scratch };
  process.exitCode = await runCommand(file, [basename(file, '.wasm'), ...args], preopens);
} catch (error) {
  console.error(error);
  process.exitCode = 134;
}
