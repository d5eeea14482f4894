// SPDX-License-Identifier: Apache-2.0
// The hand-written alternative in a browser: SQLite's own WASM build in a worker, on OPFS by its
// quickest VFS (opfs-sahpool) or in memory. Tables and statements are those of baseline.c: insert
// the event, upsert the row it changes, prepared statements, 1,000 events a transaction.
import init from './sqlite/index.mjs';

import { loans, loansText, rowOf } from './loans.js';

const schema = `
create table event (position integer primary key, stream text, type integer, data text);
create table application (id integer primary key, amount_requested integer, submitted_at text,
 state text default 'submitted', state_changes integer default 0, offer_state text,
 last_resource integer, last_change_at text);
create table work_item (id text primary key, application_id integer, name text, status text,
 steps integer default 1, last_resource integer, last_change_at text) without rowid;`;

// The row's values by the numbers that each statement has.
const folds = [
  ['insert into application (id, amount_requested, submitted_at, last_resource)' +
    ' values (?1, ?2, ?4, ?3)', 4],
  ['update application set last_change_at = ?4, state = ?5, state_changes = state_changes + 1,' +
    ' last_resource = ?3 where id = ?1', 5],
  ['update application set last_change_at = ?4, offer_state = ?5, last_resource = ?3' +
    ' where id = ?1', 5],
  ['insert into work_item (id, application_id, name, status, last_change_at, last_resource)' +
    ' values (?6, ?1, ?7, ?5, ?4, ?3)', 7],
  ['update work_item set status = ?5, steps = steps + 1, last_change_at = ?4, last_resource = ?3' +
    ' where id = ?6', 6],
]; // prettier-ignore

const BATCH = 1000;
const SCRATCH_LEN = 65536; // the texts of one event
const DONE = 101;

const encoder = new TextEncoder();
let sqlite3;
let api; // SQLite's functions as the module exports them: nothing is converted on the way
let pool;
let scratch;
let base;
let rows = [];

/** A text that lies in the module's memory for good. */
class Packed {
  constructor(text) {
    const bytes = encoder.encode(text);
    this.len = bytes.length;
    this.at = sqlite3.wasm.alloc(Math.max(1, this.len));
    sqlite3.wasm.heap8u().set(bytes, this.at);
  }
}

const packed = (values) =>
  values.map((value) => (typeof value === 'string' ? new Packed(value) : value));

/** A database with the statements that fill it. */
class Base {
  constructor(db) {
    this.db = db;
    this.statements = [];
    this.begin = this.statement('begin');
    this.commit = this.statement('commit');
  }

  create() {
    this.db.exec(schema);
    return this;
  }

  prepare() {
    this.insert = this.statement('insert into event (stream, type, data) values (?1, ?2, ?3)');
    this.folds = folds.map(([sql, count]) => [this.statement(sql), count]);
    return this;
  }

  statement(sql) {
    this.statements.push(this.db.prepare(sql));
    return this.statements.at(-1).pointer;
  }

  bind(statement, values, count) {
    let at = scratch;
    for (let i = 0; i < count; i += 1) {
      const value = values[i];
      if (typeof value === 'number') {
        api.sqlite3_bind_int(statement, i + 1, value);
      } else if (typeof value === 'string') {
        const room = sqlite3.wasm.heap8u().subarray(at, scratch + SCRATCH_LEN);
        const { written } = encoder.encodeInto(value, room);
        api.sqlite3_bind_text(statement, i + 1, at, written, 0);
        at += written;
      } else if (value === null) {
        api.sqlite3_bind_null(statement, i + 1);
      } else {
        api.sqlite3_bind_text(statement, i + 1, value.at, value.len, 0);
      }
    }
  }

  run(statement) {
    const code = api.sqlite3_step(statement);
    if (code !== DONE) throw new Error(`SQLite: ${sqlite3.capi.sqlite3_js_rc_str(code)}`);
    api.sqlite3_reset(statement);
  }

  /** One transaction. */
  append(events, from = 0, to = events.length) {
    this.run(this.begin);
    for (let i = from; i < to; i += 1) {
      const { kind, event, row } = events[i];
      this.bind(this.insert, event, 3);
      this.run(this.insert);
      const [statement, count] = this.folds[kind];
      this.bind(statement, row, count);
      this.run(statement);
    }
    this.run(this.commit);
  }

  all(events) {
    for (let at = 0; at < events.length; at += BATCH) {
      this.append(events, at, Math.min(at + BATCH, events.length));
    }
  }

  close() {
    for (const statement of this.statements) statement.finalize();
    this.db.close();
  }
}

/** Of the journals each test has the one that is best at it: `persist` with large transactions,
 * `wal` with small ones. */
function open(name, journal) {
  if (name === ':memory:') return new Base(new sqlite3.oo1.DB(':memory:'));
  const db = new pool.OpfsSAHPoolDb(`/${name}`);
  db.exec(`pragma locking_mode=exclusive; pragma journal_mode=${journal}; pragma synchronous=full;
    pragma cache_size=-65536`);
  return new Base(db);
}

const commands = {
  async start(empty) {
    sqlite3 = await init();
    api = sqlite3.wasm.exports;
    scratch = sqlite3.wasm.alloc(SCRATCH_LEN);
    pool = await sqlite3.installOpfsSAHPoolVfs({ name: 'bench', clearOnInit: empty });
    return sqlite3.version.libVersion;
  },

  async load() {
    rows = await loans(rowOf);
    return rows.length;
  },

  /** From now on the texts of all events lie in the module's memory. */
  pack() {
    rows = rows.map(({ kind, event, row }) => ({ kind, event: packed(event), row: packed(row) }));
  },

  /** All events into a new database, values parsed beforehand: events a second. */
  fill(name) {
    const into = open(name, 'persist').create().prepare();
    const start = performance.now();
    into.all(rows);
    const took = performance.now() - start;
    into.close();
    return (rows.length / took) * 1000;
  },

  /** First contact of an application of its own making: fetch, unpack, parse, insert. */
  async fetchAll(name) {
    const start = performance.now();
    const lines = (await loansText()).split('\n').filter((line) => line !== '');
    const into = open(name, 'persist').create().prepare();
    for (let at = 0; at < lines.length; at += BATCH) {
      into.append(lines.slice(at, at + BATCH).map(rowOf));
    }
    const took = performance.now() - start;
    into.close();
    return took;
  },

  open(name) {
    base = open(name, 'wal').prepare();
    return base.db.selectValue('select count(*) from application');
  },

  append(events) {
    base.append(events);
  },

  close() {
    base.close();
    base = undefined;
  },

  /** Lets go of all files: those of a worker that is ended are taken for a while. */
  leave() {
    pool.pauseVfs();
  },
};

addEventListener('message', async ({ data: [id, name, argument] }) => {
  try {
    postMessage([id, null, await commands[name](argument)]);
  } catch (error) {
    postMessage([id, String(error?.stack ?? error), null]);
  }
});
