// SPDX-License-Identifier: Apache-2.0
// Goal: a trap in a browser's worker leaves a record in the database, and after three at one position
// it opens for reading only and says so (SEMANTICS 34). Method: a worker whose module traps where a
// query says so, over OPFS and over IndexedDB; tests/js/panic.test.mjs has the rest.
import assert from 'node:assert/strict';
import { launch } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import { mustOpen, openPage, rows, serveDatabase } from './pages/fixture.mjs';

const site = await serveDatabase();
const browser = await launch('chromium');
const timeout = 120000;
const workerUrl = `${site.origin}/tests/browser/pages/database/panicking-worker.js`;

const schema = `
CREATE AGGREGATE account (id bigint PRIMARY KEY, name text);
CREATE EVENT_TYPE account_opened (id creates account(id), name updates account(name));
CREATE STREAM accounts (path "/accounts/{id}", event_types (account_opened));
`;

const close = (page) => page.evaluate(() => globalThis.db.close());

const append = (page, id) =>
  page.evaluate(async (n) => {
    const append = globalThis.db.append(`/accounts/${n}`, 'account_opened', { name: 'Ada' });
    return globalThis.page.attempt(() => append.durable());
  }, id);

for (const storage of ['opfs', 'indexeddb']) {
  test(`three traps make it read-only: ${storage}`, { timeout }, async () => {
    const page = await openPage(browser, site);
    const options = { name: `panic-${storage}`, storage, schema };
    await mustOpen(page, options);
    await append(page, 1);
    await append(page, 2);
    await close(page);
    for (let i = 0; i < 3; i++) {
      const status = await mustOpen(page, { ...options, workerUrl });
      assert.equal(status.readOnly, null);
      const { error } = await page.evaluate(() =>
        globalThis.page.attempt(() => globalThis.db.query("SELECT 'trap at 3'")),
      );
      assert.equal(error.code, 'panicked');
    }
    const { schema: _, ...again } = options;
    const { readOnly } = await mustOpen(page, again);
    assert.equal(readOnly.code, 'panicked');
    assert.equal(readOnly.position, 3);
    assert.deepEqual(await rows(page, 'SELECT id FROM account'), [{ id: 1n }]);
    assert.equal((await append(page, 3)).error.code, 'read_only');
    await close(page);
    await page.close();
  });
}
