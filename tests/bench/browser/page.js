// SPDX-License-Identifier: Apache-2.0
// The page of the browser benchmark: tests/bench/browser.mjs calls what is in `bench`.
import { open } from './rivulet/index.js';

import { live } from './live.js';
import { eventOf, loans, rowOf } from './loans.js';

/** A worker whose commands are called by name. */
class Commands {
  #worker;
  #waiting = new Map();
  #next = 1;

  constructor(url) {
    this.#worker = new Worker(url, { type: 'module' });
    this.#worker.addEventListener('message', ({ data: [id, error, result] }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === null) resolve(result);
      else reject(new Error(error));
    });
    this.#worker.addEventListener('error', (event) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(event.message));
    });
  }

  call(name, argument) {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage([id, name, argument]);
    });
  }

  end() {
    this.#worker.terminate();
  }
}

async function timed(run) {
  const start = performance.now();
  const result = await run();
  return [performance.now() - start, result];
}

const quantile = (times, q) => [...times].sort((a, b) => a - b)[Math.floor((times.length - 1) * q)];
const quantiles = (times) => ({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) });

/** Watches how long the page cannot do anything else: what timers are late by, and long tasks. */
function watchTasks() {
  let late = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    late = Math.max(late, now - last - 5);
    last = now;
  }, 5);
  let long = 0;
  const note = (list) => {
    for (const { duration } of list.getEntries()) long = Math.max(long, duration);
  };
  const observer = new PerformanceObserver(note);
  observer.observe({ type: 'longtask' });
  return () => {
    clearInterval(timer);
    note({ getEntries: () => observer.takeRecords() });
    observer.disconnect();
    return { late: Math.max(late, performance.now() - last - 5), long };
  };
}

/** Asks anew each time: a feed of statuses is held back a little between two of them. */
async function statusOf(db, options) {
  const feed = db.status(options);
  const { value } = await feed.next();
  await feed.return();
  return value;
}

const select = { streams: ['/applications/**'] };
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const applications = 'select count(*) n from application';

let events;
let rows;

const bench = {
  async load() {
    events = await loans(eventOf);
    rows = await loans(rowOf);
    return events.length;
  },

  /** An edge that holds nothing, from `open` until all is durable; `read`: the page reads every
   * event as it arrives. */
  async firstSync({ name, storage, url, position, read }) {
    const stop = watchTasks();
    const start = performance.now();
    const db = await open({ name, storage, upstream: { url }, select });
    const opened = performance.now() - start;
    const reading = read ? bench.readAll(db, position) : null;
    let status = await statusOf(db);
    while (status.syncedTo < position) {
      await sleep(5);
      status = await statusOf(db);
    }
    const took = performance.now() - start;
    const count = await reading;
    const tasks = stop();
    const { stateHash, storage: mode } = await statusOf(db, { hash: true });
    await db.close();
    return { took, opened, tasks, count, stateHash, mode };
  },

  async readAll(db, position) {
    let count = 0;
    for await (const event of db.events('/applications/**')) {
      count += event.position > 0 ? 1 : 0;
      if (event.position === position) break;
    }
    return count;
  },

  /** From nothing in memory to the first answer. */
  async open(name, storage) {
    const [took, db] = await timed(async () => {
      const opened = await open({ name, storage });
      const [{ n }] = await opened.query(applications);
      if (n === 0) throw new Error('the database is empty');
      return opened;
    });
    await db.close();
    return took;
  },

  /** A root: durable batches of 1,000, four under way, then one event at a time. */
  async append({ name, schema, appends }) {
    const db = await open({ name, storage: 'opfs', schema, memory: '128MiB' });
    const start = performance.now();
    const underWay = [];
    for (let at = 0; at < events.length; at += 1000) {
      underWay.push(db.append(events.slice(at, at + 1000)).durable('local'));
      if (underWay.length === 4) await underWay.shift();
    }
    await Promise.all(underWay);
    const batches = (events.length / (performance.now() - start)) * 1000;
    const times = [];
    const single = events.filter(({ type }) => type === 'application_state_changed');
    for (const { path, type, data } of single.slice(0, appends)) {
      times.push((await timed(() => db.append(path, type, data).durable('local')))[0]);
    }
    await db.close();
    return { batches, append: quantiles(times) };
  },

  /** 100 live queries, and an append that changes five of them. */
  async live(options) {
    const { rows, changed, afresh } = await live(options);
    return { rows, changed: quantiles(changed), afresh: quantiles(afresh) };
  },

  /** The module alone: what the events of a database's log take to be folded again. */
  async replay(name) {
    const worker = new Commands(new URL('replay.js', import.meta.url));
    const result = await worker.call('replay', name);
    worker.end();
    return result;
  },

  /** SQLite in its own worker, doing each of these. */
  async sqlite(appends) {
    const worker = new Commands(new URL('sqlite.js', import.meta.url));
    const version = await worker.call('start', true);
    await worker.call('load');
    const batches = await worker.call('fill', 'batches.db');
    const firstSync = await worker.call('fetchAll', 'fetched.db');
    await worker.call('pack');
    const memory = await worker.call('fill', ':memory:');
    await worker.call('leave');
    worker.end();
    const times = [];
    const [opened, again] = await timed(async () => {
      const next = new Commands(new URL('sqlite.js', import.meta.url));
      await next.call('start', false);
      await next.call('open', 'batches.db');
      return next;
    });
    for (const row of rows.filter(({ kind }) => kind === 1).slice(0, appends)) {
      times.push((await timed(() => again.call('append', [row])))[0]);
    }
    await again.call('close');
    await again.call('leave');
    again.end();
    return { version, memory, batches, firstSync, open: opened, append: quantiles(times) };
  },
};

globalThis.bench = bench;
