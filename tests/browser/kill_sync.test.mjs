// SPDX-License-Identifier: Apache-2.0
// Goal: a tab that is killed at any moment of its first sync loses nothing that it had said to be
// durable, goes on where it was, and in the end has what the central node has, each event once.
// Method: the real data, a real central node; the tab's process (every fifth time the whole
// browser) is killed by SIGKILL at random moments, twenty times a storage while it syncs. A moment is
// a while after it began to open, and by turns a while after it came to some position: counted from
// the beginning alone, on a machine that is busy many kills would come when all is over. What it
// reported as synced before is what it must have afterwards; the state hash is the central node's
// word. The same when it is closed in the middle.
// Runs without the data only by saying so.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { folder, must, Node } from '../e2e/harness.mjs';
import { packedFile, schemaFile, withLoans } from '../e2e/loans.mjs';
import { browserNames } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import { mustOpen, reached, serveDatabase } from './pages/fixture.mjs';
import { random, Victim } from './pages/kill.mjs';

const KILLS = 20;
const KILLS_OF_ONE = 4; // then that database is brought to its end and compared
const AFTER_OPEN_MAX = 400; // milliseconds: about half of the whole sync
const AFTER_POSITION_MAX = 60; // about what is between two reports
const ATTEMPTS_MAX = 80;

const chromium = browserNames.includes('chromium');
const skip = chromium ? withLoans.skip : 'only Chromium tells when a tab has died';

let site, central, total, hash, victim, next;
if (!skip) {
  next = random();
  const data = join(folder('kill-sync'), 'central');
  must(['schema', 'apply', schemaFile, '--data', data]);
  must(['import', packedFile, '--data', data]);
  site = await serveDatabase();
  central = await Node.start(data, '--allow-origin', site.origin);
  ({ position: total, state_hash: hash } = await central.status());
  victim = await Victim.launch(site);
}

const settings = (name, storage) => ({
  name,
  storage,
  upstream: { url: central.syncUrl },
  select: { streams: ['/applications/**'] },
});

/** In the page: syncs, and reports how far, until it is killed. */
async function sync(options) {
  report(0);
  await page.open(options);
  for await (const { syncedTo } of db.status()) report(syncedTo);
}

/** When to kill: at first while it opens, then when it has come to where half is left at least. */
function moment(i, held) {
  if (i % 2 === 0) return { from: 0, after: next() * AFTER_OPEN_MAX };
  return { from: held + (next() * (total - held)) / 2, after: next() * AFTER_POSITION_MAX };
}

/** In the page: where events end that follow each other without a gap; the first is the schema. */
async function denseUpTo(last) {
  let dense = 1;
  for await (const { position } of db.events('/**')) {
    if (position !== dense + 1) break;
    dense = position;
    if (dense === last) break;
  }
  return dense;
}

for (const storage of ['opfs', 'indexeddb']) {
  test(`${storage}: killed ${KILLS} times while it syncs`, { skip, timeout: 400000 }, async () => {
    let kills = 0;
    for (let round = 0, attempts = 0; kills < KILLS; round++) {
      const options = settings(`kill-${round}`, storage);
      let acknowledged = 0;
      const killedAt = [];
      victim.onreport = (syncedTo) => (acknowledged = Math.max(acknowledged, syncedTo));

      for (let i = 0; i < KILLS_OF_ONE && kills < KILLS && acknowledged < total; i++) {
        assert.ok((attempts += 1) < ATTEMPTS_MAX, 'the sync is over before it can be killed');
        const { from, after } = moment(i, acknowledged);
        const begun = (syncedTo) => syncedTo >= from;
        await victim.killDuring(sync, options, { begun, after, whole: kills % 5 === 4 });
        if (acknowledged < total) kills += 1;
        killedAt.push(`${acknowledged} (${Math.round(from)}, ${Math.round(after)} ms)`);
      }

      const page = await victim.page();
      const opened = await mustOpen(page, options);
      assert.ok(opened.syncedTo >= acknowledged, `${opened.syncedTo} of ${acknowledged} is there`);
      const here = await reached(page, total);
      assert.equal(here.stateHash, hash);
      assert.equal(here.readOnly, null);
      console.log(`${storage}: ${kills} kills, this one at ${killedAt.join(', ')}`);
      if (kills === KILLS) {
        assert.equal(await page.evaluate(denseUpTo, total), total, 'each event is there once');
      }
      await page.evaluate(async (o) => {
        await db.close();
        await page.destroy(o);
      }, options);
      await page.close();
    }
  });
}

for (const storage of ['opfs', 'indexeddb']) {
  test(`${storage}: closed in the middle of the first sync`, { skip, timeout: 120000 }, async () => {
    const options = settings('closed', storage);
    const page = await victim.page();
    let held = 0;
    for (let i = 0; i < 6; i++) {
      const { before, after } = await page.evaluate(
        async ([o, wait]) => {
          const opened = await page.open(o);
          await new Promise((resolve) => setTimeout(resolve, wait));
          const { syncedTo } = await page.status();
          await db.close();
          return { before: opened.syncedTo, after: syncedTo };
        },
        [options, next() * 150],
      );
      assert.ok(before >= held, `${before} of ${held} is there`);
      held = after;
    }
    await mustOpen(page, options);
    const here = await reached(page, total);
    assert.equal(here.stateHash, hash);
    assert.equal(await page.evaluate(denseUpTo, total), total, 'each event is there once');
    await page.evaluate(() => db.close());
    await page.close();
  });
}
