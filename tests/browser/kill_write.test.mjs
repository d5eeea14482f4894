// SPDX-License-Identifier: Apache-2.0
// Goal: a tab that is killed at any moment while it writes loses no event that it had acknowledged
// as `local`, keeps batches whole, and has nothing twice; what it has folded is what a node folds.
// Method: a root in the tab appends as fast as it can, single events and batches, and reports each
// acknowledgement; its process (every fifth time the whole browser) is killed by SIGKILL at random
// moments, twenty times a storage: every fourth while it opens, the others a while after some
// acknowledgement, which there is on the busiest of machines too. Afterwards the log is read from its
// start and compared with the reports and with itself; at the end a native node imports it and must
// come to the same state hash.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { folder, must, ndjson, Node } from '../e2e/harness.mjs';
import { browserNames } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import { mustOpen, serveDatabase } from './pages/fixture.mjs';
import { random, Victim } from './pages/kill.mjs';

const KILLS = 20;
const AFTER_OPEN_MAX = 400; // milliseconds, from before the database is opened
const ACKNOWLEDGED_MAX = 40; // reports; a round of the writer makes six
const AFTER_ACKNOWLEDGED_MAX = 30; // milliseconds: about two rounds

const chromium = browserNames.includes('chromium');
const skip = chromium ? undefined : 'only Chromium tells when a tab has died';

const schema = `
CREATE AGGREGATE tally (
    id     integer PRIMARY KEY,
    total  bigint NOT NULL DEFAULT 0,
    last   integer
);
CREATE EVENT_TYPE begun (id creates tally(id));
CREATE EVENT_TYPE counted (
    id     references tally(id),
    n      integer NOT NULL increments tally(total) updates tally(last),
    batch  integer NOT NULL,
    of     integer NOT NULL
);
CREATE STREAM tallies (path "/tallies/{id}" event_types (begun, counted));
`;

let site, victim, next, data;
if (!skip) {
  next = random();
  data = folder('kill-write');
  site = await serveDatabase();
  victim = await Victim.launch(site);
}

/** In the page: events numbered from `first` on, until it is killed. */
async function write({ options, first, begin }) {
  report(null);
  await page.open(options);
  let n = first;
  const counted = (batch, of) => {
    const data = { n, batch, of };
    n += 1;
    return { path: `/tallies/${n % 7}`, type: 'counted', data };
  };
  const acknowledge = (events) =>
    report(events.map((e) => ({ position: e.position, id: e.eventId, n: e.data.n })));
  if (begin) {
    const begun = Array.from({ length: 7 }, (_, i) => ({ path: `/tallies/${i}`, type: 'begun' }));
    await db.append(begun).durable('local');
  }
  const one = async () => {
    const event = counted(n, 1);
    acknowledge([await db.append(event.path, event.type, event.data).durable('local')]);
  };
  const several = async (of) => {
    const batch = n;
    acknowledge(await db.append(Array.from({ length: of }, () => counted(batch, of))).durable());
  };
  for (;;) {
    await Promise.all([one(), several(5), one(), several(40), one(), one()]);
    // not more than can be read each time
    await new Promise((resolve) => setTimeout(resolve, n % 20));
  }
}

/** When to kill: a while after the report that is that many acknowledgements after the first. */
function moment(kills) {
  if (kills % 4 === 0) return { reports: 0, after: next() * AFTER_OPEN_MAX };
  const reports = 1 + Math.floor(next() * ACKNOWLEDGED_MAX);
  return { reports, after: next() * AFTER_ACKNOWLEDGED_MAX };
}

/** In the page: all events of the log, as text, which leaves it more quickly. */
async function readAll() {
  const all = await page.events();
  const some = all.map(({ position, eventId, type, path, version, data }) => {
    return { position, id: eventId, type, path, version, data };
  });
  return JSON.stringify(some);
}

/** What must be true of a log, whatever was killed. */
function isWhole(log) {
  log.forEach(({ position }, i) => assert.equal(position, i + 2, 'positions are dense'));
  const versions = new Map();
  for (const { path, version } of log) {
    assert.equal(version, (versions.get(path) ?? 0) + 1, `versions of ${path} are dense`);
    versions.set(path, version);
  }
  const numbers = log.filter(({ type }) => type === 'counted').map(({ data: { n } }) => n);
  assert.equal(new Set(numbers).size, numbers.length, 'nothing is there twice');
  assert.equal(new Set(log.map(({ id }) => id)).size, log.length, 'ids are different');
  const batches = new Map();
  for (const { data } of log.filter(({ type }) => type === 'counted')) {
    const batch = batches.get(data.batch) ?? { of: data.of, count: 0 };
    batch.count += 1;
    batches.set(data.batch, batch);
  }
  for (const [batch, { of, count }] of batches) assert.equal(count, of, `batch ${batch} is whole`);
}

for (const storage of ['opfs', 'indexeddb']) {
  test(`${storage}: killed ${KILLS} times while it writes`, { skip, timeout: 400000 }, async () => {
    const options = { name: 'kill', storage, schema };
    const acknowledged = new Map();
    const sizes = [];
    victim.onreport = (events) => {
      for (const { position, id, n } of events ?? []) acknowledged.set(position, { id, n });
    };
    let log = [];

    for (let kills = 0; kills < KILLS; kills++) {
      const numbers = log.map(({ data: { n } }) => n ?? -1);
      const first = Math.max(-1, ...numbers) + 1;
      const { reports, after } = moment(kills);
      const before = log;
      const work = { options, first, begin: log.length === 0 };
      let reported = 0;
      const begun = () => reported++ === reports;
      await victim.killDuring(write, work, { begun, after, whole: kills % 5 === 4 });

      const page = await victim.page();
      await mustOpen(page, options);
      log = JSON.parse(await page.evaluate(readAll));
      await page.evaluate(() => db.close());
      await page.close();
      isWhole(log);
      assert.deepEqual(log.slice(0, before.length), before, 'what was read once is there again');
      for (const [position, { id, n }] of acknowledged) {
        assert.equal(log[position - 2]?.id, id, `event ${position}, which was acknowledged`);
        assert.equal(log[position - 2].data.n, n);
      }
      sizes.push(`${log.length - before.length} (${reports}, ${Math.round(after)} ms)`);
    }
    console.log(`${storage}: ${acknowledged.size} acknowledged; ${sizes.join(', ')}`);
    assert.ok(acknowledged.size > 0);

    const page = await victim.page();
    await mustOpen(page, options);
    const { stateHash } = await page.evaluate(() => page.status(() => true, { hash: true }));
    const rows = await page.evaluate(() =>
      db.query('select id, cast(total as text) t from tally order by id'),
    );
    await page.evaluate(() => db.close());
    const sums = new Map(rows.map(({ id }) => [id, 0]));
    for (const { path, data } of log.filter(({ type }) => type === 'counted')) {
      const id = Number(path.slice('/tallies/'.length));
      sums.set(id, sums.get(id) + data.n);
    }
    assert.deepEqual(rows.map(({ id, t }) => [id, Number(t)]), [...sums]);

    const directory = join(data, storage);
    must(['schema', 'apply', '-', '--data', directory], schema);
    const events = log.map(({ path, type, data }) => ({ path, type, data }));
    const file = ndjson(join(data, `${storage}.ndjson`), events);
    must(['import', file, '--data', directory]);
    const native = await Node.start(directory);
    assert.equal((await native.status()).state_hash, stateHash);
    await native.stop();
  });
}
