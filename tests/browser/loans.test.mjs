// SPDX-License-Identifier: Apache-2.0
// Goal: on real data (262,200 events of a bank's loan process) a tab holds what the file says and
// what the central node has, in every browser and storage, and shows it again without the node.
// Method: a real central node and real browsers; what the rows must be is computed from the NDJSON
// alone (tests/e2e/loans.mjs), and the state hash is the central node's word against the tab's.
// Runs without the data only by saying so.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { folder, must, Node } from '../e2e/harness.mjs';
import { eventsOf, fold, loansText, packedFile, schemaFile, withLoans } from '../e2e/loans.mjs';
import { browserNames, launch } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import { mustOpen, openPage, reached, rows, serveDatabase } from './pages/fixture.mjs';

const storages = ['opfs', 'indexeddb'];
const options = { ...withLoans, timeout: 120000 };

/** How many applications there are of each state, by the file. */
function statesOf({ applications }) {
  const counts = new Map();
  for (const { state } of applications.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

let central, port, site, data, events, expected;
const browsers = {};
if (!withLoans.skip) {
  data = join(folder('loans'), 'central');
  must(['schema', 'apply', schemaFile, '--data', data]);
  must(['import', packedFile, '--data', data]);
  events = eventsOf(loansText());
  expected = fold(events);
  site = await serveDatabase();
  central = await Node.start(data, '--allow-origin', site.origin);
  port = central.port;
  for (const name of browserNames) browsers[name] = await launch(name);
}

const open = (page, storage) =>
  mustOpen(page, {
    name: `loans-${storage}`,
    storage,
    upstream: { url: `ws://127.0.0.1:${port}/sync` },
    select: { streams: ['/applications/**'] },
  });

async function holdsWhatTheFileSays(page) {
  const counted = await rows(page, 'select state, count(*) n from application group by state');
  assert.deepEqual(new Map(counted.map(({ state, n }) => [state, n])), statesOf(expected));

  const items = await rows(page, 'select count(*) n, sum(steps) s from work_item');
  const steps = [...expected.items.values()].reduce((sum, item) => sum + item.steps, 0);
  assert.deepEqual(items, [{ n: expected.items.size, s: steps }]);

  const ids = [...expected.applications.keys()].filter((_, i) => i % 100 === 7);
  for (const id of ids) {
    const columns = 'amount_requested, state, state_changes, offer_state, last_resource';
    const [row] = await rows(page, `select ${columns} from application where id = ?`, [id]);
    assert.deepEqual(row, expected.applications.get(id), `application ${id}`);
  }
}

/** One stream, event by event, in the tab's feed as in the file. */
async function feedsWhatTheFileSays(page) {
  const path = '/applications/173688';
  const own = events
    .map(({ stream, type, data }, i) => ({ stream, type, data, position: i + 2 }))
    .filter(({ stream }) => stream === path);
  const held = await page.evaluate(
    async ([pattern, last]) => {
      const all = [];
      for await (const { position, version, type } of db.events(pattern)) {
        all.push({ position, version, type });
        if (position >= last) break;
      }
      return all;
    },
    [path, own.at(-1).position],
  );
  assert.deepEqual(held, own.map(({ position, type }, i) => ({ position, version: i + 1, type })));
}

const everywhere = browserNames.flatMap((name) => storages.map((storage) => [name, storage]));
const pages = new Map();
let hash;

for (const [name, storage] of everywhere) {
  test(`${name}, ${storage}: the first sync`, options, async () => {
    const page = await openPage(browsers[name], site);
    pages.set(`${name} ${storage}`, page);
    const opened = await open(page, storage);
    assert.equal(opened.role, 'edge');
    assert.equal(opened.storage.mode, storage);
    const there = await central.status();
    const here = await reached(page, there.position);
    hash = there.state_hash;
    assert.equal(here.stateHash, hash);
    assert.equal(here.connection, 'connected');
    assert.equal(here.reason, null);
    assert.equal(here.lag, 0);
    assert.equal(here.position, events.length + 1);
    assert.equal(here.eventsReceived, events.length + 1);
    await holdsWhatTheFileSays(page);
    await feedsWhatTheFileSays(page);
  });
}

test('the node stops; tabs are told, and go on', options, async () => {
  assert.equal(await central.stop(), 0);
  for (const page of pages.values()) {
    const status = await page.evaluate(() =>
      globalThis.page.status((s) => s.connection === 'offline'),
    );
    assert.equal(status.reason.code, 'upstream_unreachable');
    await holdsWhatTheFileSays(page);
  }
});

for (const [name, storage] of everywhere) {
  test(`${name}, ${storage}: a reload shows all of it without the node`, options, async () => {
    const page = pages.get(`${name} ${storage}`);
    await page.reload();
    const opened = await open(page, storage);
    assert.equal(opened.syncedTo, events.length + 1);
    const here = await reached(page, events.length + 1);
    assert.equal(here.stateHash, hash);
    assert.equal(here.eventsReceived, 0, 'nothing was fetched again');
    await holdsWhatTheFileSays(page);
    await feedsWhatTheFileSays(page);
  });
}

test('the node is there again: an event of a tab reaches all tabs', options, async () => {
  central = await Node.start(data, '--allow-origin', site.origin, '--listen', `127.0.0.1:${port}`);
  const [writer] = pages.values();
  const appended = await writer.evaluate(async () => {
    await page.status((s) => s.connection === 'connected');
    const data = { application_id: 999999n, amount_requested: 5, submitted_at: new Date() };
    const append = db.append('/applications/999999', 'application_submitted', data);
    const { position } = await append.durable('upstream');
    return { position, id: typeof (await append.durable('local')).data.application_id };
  });
  assert.deepEqual(appended, { position: events.length + 2, id: 'bigint' });
  const there = await central.status();
  assert.equal(there.position, events.length + 2);
  for (const [which, page] of pages) {
    const here = await reached(page, there.position);
    assert.equal(here.stateHash, there.state_hash, which);
    assert.ok(here.eventsReceived <= 1, which);
  }
  assert.equal(await central.stop(), 0);
});
