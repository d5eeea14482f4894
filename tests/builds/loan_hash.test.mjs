// SPDX-License-Identifier: Apache-2.0
// Goal: after the same events every build has the same state, and wrote the same bytes.
// Method: one program (loan_hash.c) imports a log in each build: gcc and clang with sanitizers
// natively, WASI and Emscripten under Node's WASI, 32-bit ARM under qemu-user. What it prints must
// be equal, and equal to tests/vectors/state-hash.txt. The log is the loan process's 262,200 events,
// and one that is made here by arithmetic, with all the types that those do not have; only the
// second where the data is not there, which the test says.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { loansText, schemaFile, withLoans } from '../e2e/loans.mjs';
import { madeEvents, madeSchema } from './made_log.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const wasm = [process.execPath, join(root, 'tests/wasm/run.mjs')];
const builds = {
  release: [join(root, 'build/native/loan_hash')],
  sanitizers: [join(root, 'build/sanitizers/loan_hash')],
  wasi: [...wasm, join(root, 'build/wasi/loan_hash.wasm')],
  browser: [...wasm, join(root, 'build/browser/loan_hash.wasm')],
  arm: ['qemu-arm', join(root, 'build/arm/loan_hash')],
};

let folder;

before(() => {
  for (const [preset, words] of Object.entries(builds)) {
    assert.ok(existsSync(words.at(-1)), `${words.at(-1)} is not there: tools/build ${preset}`);
  }
  folder = mkdtempSync(join(tmpdir(), 'rivulet-builds-'));
});

after(() => folder !== undefined && rmSync(folder, { recursive: true, force: true }));

/** What the program of a build prints. */
async function printed(build, input) {
  const [command, ...args] = builds[build];
  const stdin = openSync(input, 'r');
  const child = spawn(command, args, { stdio: [stdin, 'pipe', 'pipe'] });
  closeSync(stdin);
  const texts = { stdout: '', stderr: '' };
  for (const name of Object.keys(texts)) {
    child[name].setEncoding('utf8').on('data', (text) => (texts[name] += text));
  }
  const [code, signal] = await once(child, 'close');
  assert.equal(code, 0, `${build} ended with ${code ?? signal}: ${texts.stderr}`);
  return texts.stdout;
}

/** The vector of a log: what all builds print, without the log's own bytes. */
function vectorOf(name) {
  const lines = readFileSync(join(root, 'tests/vectors/state-hash.txt'), 'utf8').split('\n');
  const found = lines.filter((line) => line.startsWith(`${name} `));
  return found.map((line) => `${line.slice(name.length + 1)}\n`).join('');
}

/** Every build imports it, two at a time. */
async function agree(name, schema, events) {
  const input = join(folder, name);
  writeFileSync(input, `${schema}\0${events}`);
  const waiting = Object.keys(builds);
  const all = {};
  const work = async () => {
    for (let build = waiting.shift(); build !== undefined; build = waiting.shift()) {
      all[build] = await printed(build, input);
    }
  };
  await Promise.all([work(), work()]);
  for (const [build, text] of Object.entries(all)) {
    assert.equal(text, all.release, `${build} beside release`);
  }
  assert.equal(all.release.replace(/^log_hash .*\n/m, ''), vectorOf(name));
}

test('a made log has the same state and bytes in every build', async () => {
  await agree('made', madeSchema, madeEvents());
});

test('the loan log has the same state and bytes in every build', withLoans, async () => {
  await agree('loans', readFileSync(schemaFile, 'utf8'), loansText());
});
