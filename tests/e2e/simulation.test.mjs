// SPDX-License-Identifier: Apache-2.0
// Goal: a seed that fails in the simulator is explained: its history is printed, it is shrunk to a
// few steps, and the command that is given replays the same failure.
// Method: tests/sim/run over a world with a planted bug, an edge that is told of a W without its
// events.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const cwd = fileURLToPath(new URL('../../', import.meta.url));
const FAILURE =
  /FAILED seed (\d+), (\d+) steps: (?:rows are not the fold of the events|a subscription skipped, repeated or invented): /;

/** Exit code and output. */
async function run(program, args, env = {}) {
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
    const { stdout } = await promisify(execFile)(program, args, options);
    return { code: 0, stdout };
  } catch (error) {
    return { code: error.code, stdout: error.stdout };
  }
}

test('a failing seed is replayed, shrunk and explained', async () => {
  const canary = ['--canary', '2'];
  const first = await run('build/native/simulate', ['--seeds', '60', ...canary]);
  assert.equal(first.code, 1);
  const [, seed, count] = FAILURE.exec(first.stdout) ?? assert.fail(first.stdout);

  const shrunk = await run('tests/sim/run', [], { SEED: seed, SHRINK: '1', CANARY: '2' });
  assert.equal(shrunk.code, 1);
  const [, left, all] = /(\d+) of (\d+) steps are left/.exec(shrunk.stdout);
  assert.equal(all, count);
  assert.ok(Number(left) >= 1 && Number(left) < Number(all) / 5, `${left} of ${all} steps are left`);
  assert.match(shrunk.stdout, /^ +\d+\.\d{6} edge \d: connected$/m);

  const [, program, words] = /^replay it: (\S+) (.*)$/m.exec(shrunk.stdout);
  const again = await run(program, [...words.split(' '), ...canary]);
  assert.equal(again.code, 1);
  assert.match(again.stdout, FAILURE);
});
