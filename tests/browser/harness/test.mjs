// SPDX-License-Identifier: Apache-2.0
// The `test` of node:test for files that use browsers: each has a bound of its own, and what is not
// done by then fails with what it waited for, what the browsers did last, and what their pages,
// workers and storages were doing. All browsers of the file are ended with it: it ends soon, the
// tests after it fail at once.
//
//     import { test } from './harness/test.mjs';
//
//     test(`${name}: adds`, async () => { … });                           // 120 s
//     test(`${name}: adds much`, { timeout: 90000, skip }, async () => { … });
import { after, test as nodeTest } from 'node:test';
import { describeAll, endAll } from './browser.mjs';
import { Late, underWay, within } from './wait.mjs';

const timeoutDefaultMs = 120000;
const lingersMs = 30000;

/** `options` may be left out: {timeout, skip}. */
export function test(title, ...rest) {
  const body = rest.pop();
  const { timeout = timeoutDefaultMs, skip = false } = rest[0] ?? {};
  return nodeTest(title, { skip }, async () => {
    try {
      await within(timeout, `the test "${title}"`, (async () => body())());
    } catch (error) {
      if (error instanceof Late) {
        const why = error.message;
        const waits = underWay().map((wait) => `it waited for ${wait}`);
        const lines = [why, ...waits, ...(await describeAll())];
        console.log(lines.join('\n    '));
        endAll(why);
      }
      throw error;
    }
  });
}

// What keeps the process after its tests, drivers of browsers included, does not do so for long.
after(() => {
  const end = () => {
    const kept = process.getActiveResourcesInfo().join(', ');
    console.log(`still there after the tests: ${kept}`);
    process.exit(1);
  };
  setTimeout(end, lingersMs).unref();
});
