// SPDX-License-Identifier: Apache-2.0
// Goal: the JavaScript is sound as TypeScript sees it, and the declarations fit their use. Method:
// tools/check-js, which runs tsc over both.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from './test.mjs';
import { fileURLToPath } from 'node:url';

test('tsc finds nothing', () => {
  const run = spawnSync(fileURLToPath(new URL('../../tools/check-js', import.meta.url)), { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout + run.stderr);
});
