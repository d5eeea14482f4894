// SPDX-License-Identifier: Apache-2.0
// Goal: db.changes in a tab keeps a view that is what the aggregate holds: rows first, then what is
// written here, with and without a connection, and what others write, each as the change that it is;
// it ends by its signal, and begins anew in a page that was loaded again.
// Method: real browsers and storages, edges of a real central node; the page keeps a view by what it
// is told alone and looks at each old row, and what the view must be is counted here from what was
// written.
import assert from 'node:assert/strict';
import { folder, Node, prepared } from '../e2e/harness.mjs';
import { browserNames, launch } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import { mustOpen, openPage, reached, serveDatabase } from './pages/fixture.mjs';

const site = await serveDatabase();
const browsers = {};
for (const name of browserNames) browsers[name] = await launch(name);
const parent = folder('changes');

/** Follows in the page: `told` has what was told since it was asked for, and the view at each step. */
const follow = (page, where) =>
  page.evaluate((condition) => {
    const abort = new AbortController();
    const told = { changes: [], view: '', steps: 0, pending: 0, wrong: null, onstep() {} };
    const text = (row) => JSON.stringify([Number(row.id), row.name, row.balance]);
    const rows = new Map();
    const take = ({ change, old, row, pending }) => {
      told.changes.push(change);
      if (change === 'reset') rows.clear();
      if (['update', 'leave', 'delete'].includes(change) && rows.get(old.id) !== text(old)) {
        told.wrong ??= `${change} of ${text(old)}, where ${rows.get(old.id)} was`;
      }
      if (['leave', 'delete'].includes(change)) rows.delete(old.id);
      else if (row) rows.set(row.id, text(row));
      if (change !== 'step') return;
      Object.assign(told, { view: `[${[...rows.values()].sort()}]`, pending, steps: told.steps + 1 });
      told.onstep();
    };
    told.end = () => abort.abort();
    told.over = (async () => {
      const feed = db.changes('account', { where: condition, rows: true, signal: abort.signal });
      for await (const change of feed) take(change);
    })();
    globalThis.told = told;
  }, where);

/**
 * What was told, but for steps, until the view is this: rows [id, name, balance]. With `pending`, so
 * many batches wait for the root then.
 */
async function shows(page, rows, pending = 0) {
  const expected = `[${rows.map((row) => JSON.stringify(row)).sort()}]`;
  const changes = await page.evaluate(
    async ([view, waits]) => {
      while (told.wrong === null && (told.view !== view || told.pending !== waits)) {
        await new Promise((resolve) => (told.onstep = resolve));
      }
      if (told.wrong !== null) throw new Error(told.wrong);
      return told.changes.splice(0);
    },
    [expected, pending],
  );
  return changes.filter((change) => change !== 'step');
}

const paid = (page, id, amount) =>
  page.evaluate(
    async ([n, a]) => {
      await db.append(`/accounts/${n}`, 'money_paid', { amount: a }).durable('local');
    },
    [id, amount],
  );

/** An edge, followed from its beginning to its end. */
async function lives(browser, storage) {
  const data = prepared(parent, `${browser.name}-${storage}`);
  let central = await Node.start(data, '--allow-origin', site.origin);
  const at = ['--allow-origin', site.origin, '--listen', `127.0.0.1:${central.port}`];
  const upstream = { url: central.syncUrl };
  const options = { name: `changes-${storage}`, storage, upstream, select: { streams: ['/accounts/*'] } };
  await central.append('/accounts/1', 'account_opened', { name: 'ada' });
  const page = await openPage(browser, site);
  await mustOpen(page, options);
  await reached(page, 2);
  await follow(page, 'balance < 10');
  assert.deepEqual(await shows(page, [[1, 'ada', 0]]), ['reset', 'row']);

  await central.append('/accounts/2', 'account_opened', { name: 'bob' }); // by others
  assert.deepEqual(await shows(page, [[1, 'ada', 0], [2, 'bob', 0]]), ['insert']);
  await paid(page, 1, 10); // here
  assert.deepEqual(await shows(page, [[2, 'bob', 0]]), ['leave']);
  await central.append('/accounts/1', 'money_paid', { amount: -7 });
  assert.deepEqual(await shows(page, [[1, 'ada', 3], [2, 'bob', 0]]), ['enter']);

  await central.kill();
  await paid(page, 2, 5); // without a connection
  assert.deepEqual(await shows(page, [[1, 'ada', 3], [2, 'bob', 5]], 1), ['update']);
  await page.evaluate(() => {
    told.end();
    return told.over;
  });

  await page.reload();
  await mustOpen(page, options);
  await follow(page, undefined); // all rows, what waits included
  assert.deepEqual(await shows(page, [[1, 'ada', 3], [2, 'bob', 5]], 1), ['reset', 'row', 'row']);
  central = await Node.start(data, ...at);
  await page.evaluate(() => db.wake());
  assert.deepEqual(await shows(page, [[1, 'ada', 3], [2, 'bob', 5]]), []); // decided, nothing else
  await page.evaluate(() => db.close());
  await page.evaluate(() => told.over);
  await page.close();
  await central.stop();
}

for (const name of browserNames) {
  for (const storage of ['opfs', 'indexeddb']) {
    test(`${name}: changes of rows in ${storage}`, { timeout: 120000 }, () =>
      lives(browsers[name], storage));
  }
}
