// SPDX-License-Identifier: Apache-2.0
// Goal: a test in a browser that waits for what never comes fails within its bound, says what it
// waited for and what page, worker and storage were doing, and takes the browser with it; the file
// ends soon, and nothing of it is left.
// Method: a file of such tests (pages/harness/hang.mjs) is run as the suites are, in each browser,
// with a folder for temporary files of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { folder } from '../e2e/harness.mjs';
import { browserNames, root } from './harness/browser.mjs';
import { family } from './harness/processes.mjs';
import { test } from './harness/test.mjs';

for (const name of browserNames) {
  test(`${name}: a test that hangs says in what, and leaves nothing`, { timeout: 120000 }, () => {
    const temporary = folder(name);
    const env = { ...process.env, BROWSER: name, TMPDIR: temporary };
    delete env.NODE_TEST_CONTEXT; // it is no part of this run
    const file = join(root, 'tests/browser/pages/harness/hang.mjs');
    const args = ['--test', '--test-reporter=tap', file];
    const run = spawnSync(process.execPath, args, { env, encoding: 'utf8', timeout: 100000 });
    assert.equal(run.status, 1, run.stdout);
    const said = [
      /the test "a call that is never answered": not done within 2 s/,
      new RegExp(`it waited for ${name}: \\(method\\) => .* \\('spin'\\), for [\\d.]+ s`),
      new RegExp(`${name}: processes: \\d+ [A-Z] main,`),
      new RegExp(`${name}: at [\\d.]+ s: page: something on the console`),
      /"locks":\["rivulet-held"\]/,
      /"worker":"a","failure":null,"calls":\["spin \[\] for \d+ ms"\]/,
      new RegExp(`not ok 2[^]*${name} was ended: the test "a call`),
    ];
    for (const pattern of said) assert.match(run.stdout, pattern);
    assert.deepEqual(family(temporary), []);
    assert.deepEqual(readdirSync(temporary), []);
  });
}
