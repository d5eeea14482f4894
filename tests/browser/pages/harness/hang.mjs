// SPDX-License-Identifier: Apache-2.0
// A test that hangs, and one after it, for tests/browser/harness.test.mjs. BROWSER is where.
import { browserNames, launch, serve } from '../../harness/browser.mjs';
import { test } from '../../harness/test.mjs';

const site = await serve();
const [name] = browserNames;
const browser = await launch(name);
const page = await browser.open(`${site.origin}/tests/browser/pages/storage/index.html`);
await page.evaluate(async () => {
  console.log('something on the console');
  workers.start('a');
  await workers.call('a', 'mount', 'held', 'opfs');
});

test('a call that is never answered', { timeout: 2000 }, async () => {
  await page.evaluate((method) => workers.call('a', method), 'spin');
});

test('one after it', async () => {
  await browser.open(`${site.origin}/blank.html`);
});
