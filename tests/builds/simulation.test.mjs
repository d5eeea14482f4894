// SPDX-License-Identifier: Apache-2.0
// Goal: a simulated world (docs/simulation.md) goes the same way in every build: the same seeds give
// the same history, line by line, and the same hash of the state.
// Method: `simulate --hashes` for some seeds natively (gcc; clang with sanitizers), as WASM under
// Node's WASI and for 32-bit ARM under qemu-user.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SEEDS = 20; // with bases, gateways, leases and other selections among them
const root = fileURLToPath(new URL('../../', import.meta.url));
const wasm = [process.execPath, join(root, 'tests/wasm/run.mjs')];
const builds = {
  release: [join(root, 'build/native/simulate')],
  sanitizers: [join(root, 'build/sanitizers/simulate')],
  wasi: [...wasm, join(root, 'build/wasi/simulate.wasm')],
  browser: [...wasm, join(root, 'build/browser/simulate.wasm')],
  arm: ['qemu-arm', join(root, 'build/arm/simulate')],
};

async function hashes(build) {
  const [command, ...args] = builds[build];
  assert.ok(existsSync(args.at(-1) ?? command), `it is not there: tools/build ${build}`);
  const run = promisify(execFile);
  const { stdout } = await run(command, [...args, '--hashes', '--seeds', String(SEEDS)]);
  return stdout;
}

test('the same seeds give the same histories in every build', async (t) => {
  const expected = await hashes('release');
  assert.equal(expected.trim().split('\n').length, SEEDS);
  for (const build of Object.keys(builds).slice(1)) {
    await t.test(build, async () => assert.equal(await hashes(build), expected));
  }
});
