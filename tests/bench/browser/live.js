// SPDX-License-Identifier: Apache-2.0
// The loop of an application that shows what it writes, as tests/bench/live.c has it natively, but
// through all of the package: 64 MB of rows, 100 live queries in the page (60 by key, 30 by a part
// of an index, 10 joins by key), one append of five events that changes rows of five of them; from
// before the append until the page has all five new results. Beside it, the same append and all 100
// queries asked again. Results are compared with the query asked again, once.
import { open } from './rivulet/index.js';

const CUSTOMERS = 20000;
const BATCH = 1000;
const ROW_BYTES = 64 * 2 ** 20;
const LIVE = 100;
const CHANGED = 5;
const WARM = 50;

const schema = `
CREATE AGGREGATE customer (id bigint PRIMARY KEY, name varchar(40) NOT NULL);
CREATE AGGREGATE purchase (id bigint PRIMARY KEY, customer_id references customer(id),
 amount integer NOT NULL, state varchar(20) NOT NULL, note text,
 INDEX (customer_id), INDEX (amount));
CREATE EVENT_TYPE customer_joined (id creates customer(id), name updates customer(name));
CREATE EVENT_TYPE purchase_made (id creates purchase(id),
 customer_id references customer(id) updates purchase(customer_id),
 amount updates purchase(amount), state updates purchase(state), note updates purchase(note));
CREATE EVENT_TYPE purchase_moved (id references purchase(id), state updates purchase(state));
CREATE STREAM customers (path "/customers/{id}" event_types (customer_joined));
CREATE STREAM purchases (path "/purchases/{id}" event_types (purchase_made, purchase_moved));`;

const customer = (id) => ({
  path: `/customers/${id}`,
  type: 'customer_joined',
  data: { name: `Customer number ${id}` },
});

const purchase = (id) => ({
  path: `/purchases/${id}`,
  type: 'purchase_made',
  data: {
    customer_id: 1 + (id % CUSTOMERS),
    amount: (id * 7) % 10000,
    state: 'ordered',
    note: `a note that is longer than a cell: ${id}`,
  },
});

const batch = (of, first) => Array.from({ length: BATCH }, (_, i) => of(first + i));

/** The row that the nth query reads, and nobody else. */
const rowOf = (nth) => 1 + nth * (CUSTOMERS / LIVE);

/** The nth query: its text and parameters. */
function queryOf(nth) {
  const row = rowOf(nth);
  if (nth % 10 < 6) return ['select * from purchase where id = ?', [row]];
  if (nth % 10 < 9) {
    const text = 'select id, amount, state from purchase where customer_id = ? order by id';
    return [text, [1 + (row % CUSTOMERS)]];
  }
  const text =
    'select c.name, p.amount, p.state from purchase p join customer c on c.id = p.customer_id' +
    ' where p.id in (?, ?, ?)';
  return [text, [row, row + 1, row + 2]];
}

const changedIn = (round, i) => (round * CHANGED + i * 21) % LIVE;

/** Five events: of the rows of five queries. */
const eventsOf = (round) =>
  Array.from({ length: CHANGED }, (_, i) => ({
    path: `/purchases/${rowOf(changedIn(round, i))}`,
    type: 'purchase_moved',
    data: { state: `read ${round}` },
  }));

async function fill(db) {
  for (let at = 1; at <= CUSTOMERS; at += BATCH) {
    await db.append(batch(customer, at)).durable('local');
  }
  let rows = CUSTOMERS;
  for (let at = 1; ; at += BATCH) {
    const [{ row_bytes: bytes }] = await db.query('select row_bytes from rv_status');
    if (Number(bytes) >= ROW_BYTES) return rows;
    await db.append(batch(purchase, at)).durable('local');
    rows += BATCH;
  }
}

/** Follows all of them; `round` resolves when as many new results as are expected were told. */
class Followers {
  #feeds;
  #wanted = 0;
  #resolve = () => {};
  results = [];

  constructor(db) {
    this.#feeds = Array.from({ length: LIVE }, (_, nth) => db.live(...queryOf(nth)));
  }

  /** Resolves when all have their first result. */
  start() {
    const all = this.round(LIVE);
    this.#feeds.forEach((feed, nth) => void this.#follow(feed, nth));
    return all;
  }

  async #follow(feed, nth) {
    for await (const rows of feed) {
      this.results[nth] = rows;
      this.#wanted -= 1;
      if (this.#wanted < 0) throw new Error('more queries were told than should be');
      if (this.#wanted === 0) this.#resolve();
    }
  }

  round(wanted) {
    this.#wanted = wanted;
    return new Promise((resolve) => (this.#resolve = resolve));
  }

  async end() {
    await Promise.all(this.#feeds.map((feed) => feed.return()));
  }
}

/** bigint is no JSON. */
const textOf = (rows) =>
  JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));

async function checkResults(db, followers) {
  for (let nth = 0; nth < LIVE; nth += 1) {
    const asked = textOf(await db.query(...queryOf(nth)));
    const told = textOf(followers.results[nth]);
    if (asked !== told) throw new Error(`query ${nth} was told ${told}, and is ${asked}`);
  }
}

/** The times of `rounds` rounds, milliseconds. */
async function loop(rounds, run) {
  const times = [];
  for (let round = 0; round < rounds + WARM; round += 1) {
    const start = performance.now();
    const appended = await run(round);
    if (round >= WARM) times.push(performance.now() - start);
    await appended.durable('local'); // flushing is nobody's time here
  }
  return times;
}

export async function live({ name, rounds }) {
  const db = await open({ name, storage: 'opfs', schema, memory: '256MiB' });
  const rows = await fill(db);
  const followers = new Followers(db);
  await followers.start();
  const changed = await loop(rounds, async (round) => {
    const told = followers.round(CHANGED);
    const appended = db.append(eventsOf(round));
    await told;
    return appended;
  });
  await checkResults(db, followers);
  await followers.end();
  const afresh = await loop(rounds, async (round) => {
    const appended = db.append(eventsOf(round));
    await appended.durable('memory');
    await Promise.all(Array.from({ length: LIVE }, (_, nth) => db.query(...queryOf(nth))));
    return appended;
  });
  await db.close();
  return { rows, changed, afresh };
}
