// SPDX-License-Identifier: Apache-2.0
// Takes from a module that Emscripten linked what no program of ours uses: it always exports its
// errno, its stack and its table, and a start function that has nothing to start. What only those
// reached goes as well, and Binaryen optimises what is left. Imports are Emscripten's to allow, so they are looked at here: every one
// must be of `rivulet` (platform/browser/browser.h), else the C library has brought it.
//
//     node cmake/seal-module.mjs MODULE OPTION…      changes the file; options are those of wasm-opt
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const file = process.argv[2];
const features = ['mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'bulk-memory', 'simd'];
const module = new WebAssembly.Module(readFileSync(file));

const strange = WebAssembly.Module.imports(module).filter((i) => i.module !== 'rivulet');
if (strange.length > 0) {
  console.error(`${file} imports ${strange.map((i) => `${i.module}.${i.name}`).join(', ')}`);
  process.exit(1);
}

const kept = WebAssembly.Module.exports(module)
  .map((e) => e.name)
  .filter((name) => name === 'memory' || name.startsWith('rv_'));
const graph = [
  { name: 'outside', root: true, reaches: kept },
  ...kept.map((name) => ({ name, export: name })),
];

function run(tool, ...options) {
  const enabled = features.map((name) => `--enable-${name}`);
  execFileSync(tool, [...enabled, ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
}

const folder = mkdtempSync(join(tmpdir(), 'rivulet-seal-'));
const sealed = join(folder, 'sealed.wasm');
try {
  writeFileSync(join(folder, 'graph.json'), JSON.stringify(graph));
  run('wasm-metadce', `--graph-file=${join(folder, 'graph.json')}`, file, '-o', sealed);
  run('wasm-opt', ...process.argv.slice(3), sealed, '-o', file);
} finally {
  rmSync(folder, { recursive: true });
}
