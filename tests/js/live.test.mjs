// SPDX-License-Identifier: Apache-2.0
// Goal: a live query yields its result, then each other one that it comes to have, as docs/javascript.md
// says. Method: a database in memory; the truth is the same query, asked afresh.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from './test.mjs';
import { open } from './fixture.mjs';

const opened = (db, id, name = 'Ada') => db.append(`/accounts/${id}`, 'account_opened', { name }).durable();

/** What is there within some turns of the event loop; null: nothing. */
async function soon(promise) {
  const nothing = new Promise((resolve) => setTimeout(resolve, 150, null));
  return Promise.race([promise, nothing]);
}

test('a live query yields its result, and another one when it is another one', async () => {
  const db = await open();
  const least = 10;
  const live = db.live`select id, name, balance from account where balance >= ${least} order by id`;
  const first = await live.next();
  assert.deepEqual([...first.value], []);
  assert.deepEqual(first.value.columns.map(({ type }) => type), ['bigint', 'varchar(10)', 'numeric(12,2)']);
  const second = live.next();
  await opened(db, 1);
  assert.equal(await soon(second), null); // the row is not in it
  await db.append('/accounts/1', 'money_paid', { amount: '10.50' }).durable();
  assert.deepEqual({ ...(await second).value[0] }, { id: 1n, name: 'Ada', balance: '10.50' });
  const third = live.next();
  await db.append('/accounts/1', 'visited').durable(); // not one of its columns
  assert.equal(await soon(third), null);
  await live.return();
  assert.equal((await third).done, true);
  await db.close();
});

test('events by type, by a condition, and from now on', async () => {
  const db = await open();
  await opened(db, 1);
  for (let i = 1; i <= 20; i++) await db.append('/accounts/1', 'visited', { times: i }).durable();
  const large = db.events('/accounts/*', { types: ['visited'], where: 'times > 18' });
  assert.deepEqual([(await large.next()).value.data.times, (await large.next()).value.data.times], [19, 20]);
  await large.return();
  const next = db.events('/accounts/*', { from: 'now' });
  const first = next.next();
  await soon(first);
  await db.append('/accounts/1', 'visited', { times: 7 }).durable();
  assert.equal((await first).value.data.times, 7);
  await next.return();
  const old = db.events('/**', { from: new Date(0) });
  assert.equal((await old.next()).value.type, 'account_opened');
  await old.return();
  await assert.rejects(db.events('/**', { types: ['visitd'] }).next(), { code: 'unknown_event_type' });
  await db.close();
});

test('a cursor goes on behind its event, and is good for its own log only', async () => {
  const db = await open();
  const other = await open();
  for (const it of [db, other]) await opened(it, 1);
  for (let i = 1; i <= 9; i++) await db.append('/accounts/1', 'visited', { times: i }).durable();
  /** @type {string | null} */
  let cursor = null;
  for (let i = 0; i <= 9; i++) {
    const feed = db.events('/accounts/*', { after: cursor });
    const { value } = await feed.next();
    assert.equal(value.position, i + 2);
    ({ cursor } = value);
    await feed.return();
  }
  await assert.rejects(other.events('/**', { after: cursor }).next(), { code: 'parameter_invalid' });
  assert.throws(() => db.events('/**', { after: cursor, from: 3 }), { code: 'parameter_invalid' });
  await db.close();
});

test('what is given is the reader\'s: differences are right where it was sorted and cut', async () => {
  const db = await open();
  const feed = db.live('select id, name from account order by id', [], { differences: true });
  for (let id = 1; id <= 4; id++) await opened(db, id, `n${id}`);
  const ids = (rows) => rows.map((row) => row.id);
  const { rows } = (await feed.next()).value;
  rows.reverse();
  rows.length = 1;
  await opened(db, 5);
  const { value } = await feed.next();
  assert.deepEqual(ids(value.rows), [1n, 2n, 3n, 4n, 5n]);
  assert.deepEqual([value.added.map(({ index }) => index), value.removed], [[4], []]);
  assert.deepEqual(value.rows.columns, rows.columns);
  await db.close();
});

test('differences give the result, and rows that stay are the objects that they were', async () => {
  const db = await open();
  for (let id = 1; id <= 40; id++) await opened(db, id);
  const sql = 'select id, name, visits from account where visits < ? order by visits desc, id';
  const feed = db.live(sql, [9], { differences: true });
  let last = [];
  let small = 0;
  for (let step = 0; step < 60; step++) {
    const { rows, added, removed } = (await feed.next()).value;
    assert.deepEqual(rows, await db.query(sql, [9]));
    const applied = [...last];
    for (const { index, row } of [...removed].reverse()) assert.equal(applied.splice(index, 1)[0], row);
    for (const { index, row } of added) applied.splice(index, 0, row);
    assert.deepEqual(applied, [...rows]);
    small += added.length <= 1 && removed.length <= 1;
    const stays = last.filter((row) => rows.includes(row));
    assert.equal(stays.length, last.length - removed.length);
    last = rows;
    await db.append(`/accounts/${1 + ((step * 7) % 40)}`, 'visited', { times: 1 + (step % 3) }).durable();
  }
  assert.equal(small, 59);
  await feed.return();
  await db.close();
});

test('a slow consumer misses what lies between, never the last one', async () => {
  const db = await open();
  await opened(db, 1);
  const seen = [];
  const paid = (async () => {
    for (let i = 0; i < 200; i++) await db.append('/accounts/1', 'visited').durable('memory');
  })();
  for await (const [row] of db.live('select visits from account where id = ?', [1n])) {
    seen.push(row.visits);
    if (seen.length === 3) await paid;
    if (row.visits === 200) break;
  }
  assert.ok(seen.length < 10, `${seen.length} of 200`);
  assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
  await db.close();
});

test('a result of many pieces, a hundred queries, and the ends', async () => {
  const db = await open();
  await opened(db, 1);
  const sql = `with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
    select i, visits from n, account`;
  const large = db.live(sql);
  assert.equal((await large.next()).value.length, 20000);
  await db.append('/accounts/1', 'visited', { times: 5 }).durable();
  const { value } = await large.next();
  assert.equal(value.length, 20000);
  assert.ok(value.every(({ visits }) => visits === 5));
  await large.return();
  const many = Array.from({ length: 128 }, (_, i) => db.live`select visits + ${i} as n from account`);
  for (const [i, { value: rows }] of (await Promise.all(many.map((live) => live.next()))).entries()) {
    assert.equal(rows[0].n, 5 + i);
  }
  await assert.rejects(db.live('select 1').next(), { code: 'busy' });
  const next = many.map((live) => live.next());
  await db.append('/accounts/1', 'visited').durable();
  assert.deepEqual((await Promise.all(next)).map(({ value: [row] }) => row.n), many.map((_, i) => 6 + i));
  const abort = new AbortController();
  await Promise.all(many.map((live) => live.return()));
  const aborted = db.live('select visits from account', [], { signal: abort.signal });
  await aborted.next();
  const waiting = aborted.next();
  abort.abort();
  assert.equal((await waiting).done, true);
  await assert.rejects(db.live('select nothing').next(), { code: 'sql_invalid', offset: 7 });
  const long = db.live(`select '${'x'.repeat(3000)}' x, visits from account`);
  const [row] = (await long.next()).value;
  assert.deepEqual({ ...row }, { x: 'x'.repeat(3000), visits: 6 });
  await long.return();
  await assert.rejects(db.live(`select '${'x'.repeat(20000)}'`).next(), { code: 'request_too_large' });
  assert.throws(() => db.live('select ?', [2n ** 64n]), { code: 'parameter_invalid' });
  const open_ = db.live('select visits from account');
  await open_.next();
  const last = open_.next();
  await db.close();
  assert.equal((await last).done, true);
  await assert.rejects(db.live('select 1').next(), { code: 'closing' });
});

test('what becomes of rows is told, after the rows', async () => {
  const db = await open();
  await opened(db, 1);
  await opened(db, 2, 'Bob');
  const rows = new Map();
  const told = [];
  const feed = db.changes('account', { where: 'balance < 10', rows: true });
  const until = async (position) => {
    for await (const { change, old, row, ...step } of { [Symbol.asyncIterator]: () => ({ next: () => feed.next() }) }) {
      told.push(change);
      if (change === 'reset') rows.clear();
      if (['update', 'leave', 'delete'].includes(change)) assert.deepEqual(rows.get(old.id), old);
      if (['leave', 'delete'].includes(change)) rows.delete(old.id);
      else if (row) rows.set(row.id, row);
      if (change === 'step' && step.position >= position) return step;
    }
  };
  assert.equal((await until(2)).pending, 0);
  assert.deepEqual(told, ['reset', 'row', 'row', 'step']);
  assert.deepEqual(rows.get(2n), (await db.query('select * from account where id = 2'))[0]);
  const { position } = await db.append('/accounts/1', 'money_paid', { amount: '10' }).durable();
  assert.equal((await until(position)).position, position);
  assert.deepEqual(told.slice(4), ['leave', 'step']);
  const paid = await db.append('/accounts/1', 'money_paid', { amount: '-5.5' }).durable();
  await opened(db, 3, 'Cy');
  await until(paid.position + 1);
  assert.deepEqual(told.slice(6).filter((change) => change !== 'step').sort(), ['enter', 'insert']);
  const truth = await db.query('select * from account where balance < 10 order by id');
  assert.deepEqual([...rows.values()].sort((a, b) => Number(a.id - b.id)), [...truth]);
  await feed.return();
  await assert.rejects(db.changes('acount').next(), { code: 'unknown_aggregate' });
  await assert.rejects(db.changes('account', { where: 'blance > 1' }).next(), { code: 'selection_invalid' });
  await db.close();
});

test('a live query that cannot be read ends, and nothing beside it', async () => {
  const db = await open();
  await opened(db, 1);
  const live = db.live('select a.id, b.id from account a, account b');
  const failed = assert.rejects(live.next(), { code: 'sql_invalid' }); // two columns of one name
  const others = [1, 2, 3].map(() => db.query('select count(*) as n from account'));
  await failed;
  for (const rows of await Promise.all(others)) assert.equal(rows[0].n, 1);
  await assert.rejects(db.get('account', ''), { code: 'parameter_invalid' });
  await assert.rejects(db.get('account', []), { code: 'parameter_invalid' });
  await db.close();
});

test('feeds that wait for the first contact keep nobody else, as many as there may be', async () => {
  const webSocket = fileURLToPath(new URL('./no-socket.mjs', import.meta.url));
  const upstream = { url: 'ws://127.0.0.1:1/sync' };
  const select = { streams: ['/accounts/*'] };
  const db = await open({ upstream, select, webSocket, schema: undefined });
  const feeds = Array.from({ length: 128 }, (_, i) => db.live`select ${i} from account`);
  const waiting = feeds.map((feed) => feed.next());
  assert.deepEqual((await db.select()).wanted, ['/accounts/*']);
  await assert.rejects(opened(db, 1), { code: 'not_connected' });
  for (const feed of feeds) await feed.return();
  for (const one of waiting) assert.equal((await one).done, true);
  await db.close();
});
