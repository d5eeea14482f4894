// SPDX-License-Identifier: Apache-2.0
// Goal: a database in Node does what docs/javascript.md says, from open to close, over storage in
// memory and in files. Method: the browser module in worker threads; what it should hold is counted
// here, and the native binary reads the same files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from './test.mjs';
import { fileURLToPath } from 'node:url';
import { destroy, open as openDatabase, RivuletError } from '../../js/node.js';
import { folder, modules, moduleUrl, open, schema, status, take } from './fixture.mjs';

const binary =
  process.env.RIVULET_BIN ?? fileURLToPath(new URL('../../build/native/rivulet', import.meta.url));

/** What the native binary says of a directory. */
function native(command, directory) {
  const run = spawnSync(binary, [...command, '--data', directory, '--json'], { encoding: 'utf8' });
  return { code: run.status, err: run.stderr, out: run.stdout };
}

const opened = (db, id, data = {}) => db.append(`/accounts/${id}`, 'account_opened', { name: 'Ada', ...data });

test('an appended event is told as accepted, with exact values', async () => {
  const db = await open();
  const before = Date.now();
  const photo = new Uint8Array([0, 1, 255]);
  const append = opened(db, 9007199254740993n, { photo, seen_at: new Date(86400000) });
  const event = await append.durable('memory');
  const { eventId, recordedAt, ...rest } = event;
  assert.deepEqual(rest, {
    position: 2,
    version: 1,
    path: '/accounts/9007199254740993',
    type: 'account_opened',
    data: {
      id: 9007199254740993n,
      name: 'Ada',
      plan: 'free',
      photo: '\\x0001ff',
      seen_at: '1970-01-02T00:00:00+00:00',
    },
  });
  assert.match(eventId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(Math.abs(Date.parse(recordedAt) - before) < 60000);
  assert.equal(append.position, 2);
  assert.deepEqual(await append.durable('local'), event);
  assert.deepEqual(await append.durable('upstream'), event);
  await db.append('/accounts/9007199254740993', 'money_paid', { amount: '1234567890.10' }).durable();
  const [row] = await db.query('SELECT * FROM account');
  assert.deepEqual({ ...row }, {
    id: 9007199254740993n,
    name: 'Ada',
    plan: 'free',
    balance: '1234567890.10',
    visits: 0,
    photo,
    seen_at: '1970-01-02T00:00:00+00:00',
  });
  const [found] = await db.query('SELECT name FROM account WHERE id = ?', [9007199254740993n]);
  assert.equal(found.name, 'Ada');
  assert.equal((await db.query('SELECT 1 n FROM account WHERE id = ?', [9007199254740992n])).length, 0);
  await db.close();
});

test('parameters compare with what was appended: times, bytes', async () => {
  const db = await open();
  const photo = new Uint8Array([0, 1, 255]);
  for (const [id, ms] of [[1, 0], [2, 500], [3, 510], [4, 1000], [5, 1e12 + 1]]) {
    await opened(db, id, { photo: id === 2 ? photo : undefined, seen_at: new Date(ms) }).durable('memory');
  }
  const ids = async (condition, ...params) => {
    const rows = await db.query(`SELECT id FROM account WHERE ${condition} ORDER BY id`, params);
    return rows.map(({ id }) => Number(id));
  };
  for (const [id, ms] of [[1, 0], [2, 500], [3, 510], [4, 1000], [5, 1e12 + 1]]) {
    assert.deepEqual(await ids('seen_at = ?', new Date(ms)), [id]);
    assert.deepEqual(await ids('seen_at < ?', new Date(ms)), [1, 2, 3, 4, 5].slice(0, id - 1));
  }
  assert.deepEqual(await ids('seen_at BETWEEN ? AND ?', new Date(500), new Date(999)), [2, 3]);
  assert.deepEqual(await ids('photo = ?', photo), [2]);
  assert.deepEqual(await ids('photo = ?', photo.subarray(1)), []);
  const live = db.live`SELECT id FROM account WHERE photo = ${photo} AND seen_at = ${new Date(500)}`;
  assert.equal((await live.next()).value[0].id, 2n);
  await live.return();
  await db.close();
});

test('what is no query, no key, no time and no signal is refused by a code', async () => {
  const db = await open();
  await opened(db, 1).durable('memory');
  const wrong = new Date(NaN);
  for (const [run, code, detail] of [
    [() => db.query(null), 'parameter_invalid', /a query is a text/],
    [() => db.query`SELECT 1`, 'parameter_invalid', /a query is a text/],
    [() => db.query('SELECT 1 n', [wrong]), 'json_invalid', /params\[0\]: an invalid Date/],
    [() => db.query('SELECT 1 n', [], { rows: -1 }), 'parameter_invalid', /`rows` is a number/],
    [() => db.query('SELECT 1 n', [], { rows: null }), 'parameter_invalid', /`rows` is a number/],
    [() => db.query('SELECT 1 n', [], { asOf: wrong }), 'json_invalid', /an invalid Date/],
    [() => db.query('SELECT 1 n', [], { signal: {} }), 'parameter_invalid', /AbortSignal/],
    [() => db.get('account', undefined), 'parameter_invalid', /a key is a value/],
    [() => db.get('account', [null]), 'parameter_invalid', /a key is a value/],
    [() => db.get('account', '\ud800'), 'value_invalid', /^key: .*surrogate/],
    [() => db.get('account', [1, 'a\0']), 'value_invalid', /^key: .*NUL/],
    [() => db.get('account', 1, { asOf: '\udc00' }), 'value_invalid', /^asOf: .*surrogate/],
    [async () => db.changes('\ud800'), 'value_invalid', /^aggregate: .*surrogate/],
    [async () => db.changes('account', { where: null }), 'parameter_invalid', /`where` is a condition/],
    [async () => db.events('/**', { types: ['visited'], where: null }), 'parameter_invalid', /`where` is a condition/],
    [() => db.run('x', { a: 1n }).durable(), 'parameter_invalid', /BigInt/],
    [async () => db.live(), 'parameter_invalid', /a query is a text/],
    [async () => db.events('/**', { types: 'visited' }), 'parameter_invalid', /`types` is an array/],
    [async () => db.events('/**', { types: [] }), 'parameter_invalid', /at least one/],
    [async () => db.events('/**', { from: wrong }), 'json_invalid', /an invalid Date/],
    [async () => db.events('/**', { after: () => '' }), 'parameter_invalid', /`after` is a cursor/],
    [() => openDatabase({ name: 'x', upstream: 'ws://x' }), 'parameter_invalid', /an upstream is an object/],
  ]) {
    const error = await run().then(() => null, (thrown) => thrown);
    assert.ok(error instanceof RivuletError, `${run}: ${error}`);
    assert.equal(error.code, code, String(run));
    assert.match(error.detail, detail);
  }
  await db.close();
});

test('a Date of any year that the database knows is that time, and compares with it', async () => {
  const db = await open();
  const times = {
    '1969-12-31T23:59:59.999+00:00': new Date(-1),
    '0001-01-01T00:00:00+00:00': new Date('0001-01-01T00:00:00Z'),
    '0001-12-31T00:00:00.5+00:00 BC': new Date('0000-12-31T00:00:00.500Z'),
    '4713-01-01T00:00:00+00:00 BC': new Date('-004712-01-01T00:00:00Z'),
    '9999-12-31T23:59:59.999+00:00': new Date(253402300799999),
    '10000-01-01T00:00:00+00:00': new Date(253402300800000),
    '275760-09-13T00:00:00+00:00': new Date(8.64e15),
  };
  let id = 0;
  for (const [text, seen_at] of Object.entries(times)) {
    await db.append(`/accounts/${++id}`, 'account_opened', { name: 'Ada', seen_at }).durable('memory');
    assert.equal((await db.get('account', id)).seen_at, text);
    assert.equal((await db.query('SELECT id FROM account WHERE seen_at = ?', [seen_at])).length, 1, text);
  }
  const early = db.append('/accounts/99', 'account_opened', { name: 'Ada', seen_at: new Date(-8.64e15) });
  await assert.rejects(early.durable(), { code: 'value_out_of_range' });
  assert.equal((await db.events('/**', { from: new Date(8.64e15), until: 'now' }).next()).done, true);
  await db.close();
});

test('a path may leave out its slash, or name its stream', async () => {
  const db = await open();
  const append = (path, type, data) => db.append(path, type, data).durable('memory');
  assert.equal((await append('accounts/1', 'account_opened', { name: 'Ada' })).path, '/accounts/1');
  assert.equal((await append('account_events/1', 'visited')).version, 2);
  assert.equal((await append('account_events', 'visited', { id: 1 })).version, 3);
  await assert.rejects(append('account_events/1/2', 'visited'), { code: 'path_invalid' });
  const error = await append('accounts/1', 'visitd').catch((thrown) => thrown);
  assert.deepEqual([error.code, error.nearest], ['unknown_event_type', 'visited']);
  const missing = await append('accounts/2', 'account_opened').catch((thrown) => thrown);
  assert.deepEqual([missing.eventType, missing.event_type], ['account_opened', undefined]);
  for await (const event of db.events('accounts/1', { types: ['visited'] })) {
    assert.equal(event.version, 2);
    break;
  }
  await db.close();
});

test('options: expected versions, ids and metadata', async () => {
  const db = await open();
  const eventId = '01890a5d-ac96-774b-bcce-b302099a8057';
  const first = await db
    .append('/accounts/1', 'account_opened', { name: 'A' }, { expectedVersion: 'none', eventId, metadata: { actor: 'ada', n: 5n } })
    .durable();
  assert.equal(first.eventId, eventId);
  await assert.rejects(db.append('/accounts/1', 'visited', {}, { expectedVersion: 'none' }).durable(), {
    code: 'version_conflict',
    actual: 1,
  });
  const again = await db
    .append('/accounts/1', 'account_opened', { name: 'A' }, { eventId, expectedVersion: 'none', metadata: { actor: 'ada', n: 5n } })
    .durable();
  assert.deepEqual(again, first);
  await assert.rejects(db.append('/accounts/1', 'visited', {}, { eventId }).durable(), { code: 'event_id_reused' });
  await db.append('/accounts/1', 'visited', { times: 2 }, { expectedVersion: 1n }).durable();
  const [{ cursor, ...event }] = await take(db.events('/accounts/1'), 1);
  assert.match(cursor, /^2-[0-9a-f]{8}$/);
  assert.deepEqual(event, { ...first, schemaVersion: 1, metadata: { actor: 'ada', n: 5 } });
  await db.close();
});

test('a batch is accepted whole or not at all', async () => {
  const db = await open();
  const events = Array.from({ length: 1000 }, (_, i) => {
    return { path: `/accounts/${i}`, type: 'account_opened', data: { name: `n${i}` } };
  });
  const accepted = await db.append(events, { metadata: { batch: 1 } }).durable('local');
  assert.deepEqual(accepted.map(({ position }) => position), events.map((_, i) => i + 2)); // prettier-ignore
  const bad = [{ path: '/accounts/5', type: 'visited' }, { path: '/accounts/x', type: 'visited' }];
  await assert.rejects(db.append(bad).durable(), { index: 1 });
  const [{ n, v }] = await db.query('SELECT count(*) n, sum(visits) v FROM account');
  assert.deepEqual([n, v], [1000, 0]);
  await db.close();
});

test('every mistake of the application is an error with a code', async () => {
  const db = await open();
  const cases = [
    [() => db.append('/accounts/1', 'nonsense', {}).durable(), 'unknown_event_type'],
    [() => db.append('/nowhere/1', 'visited', {}).durable(), 'unknown_stream'],
    [() => db.append('/accounts/1', 'visited', {}).durable(), 'unknown_reference'],
    [() => opened(db, 1, { name: 'a name too long' }).durable(), 'value_too_long'],
    [() => opened(db, 1, { nick: 1 }).durable(), 'unknown_field'],
    [() => opened(db, 1, { name: () => 1 }).durable(), 'json_invalid'],
    [() => db.append('/accounts/1', 'visited', {}, { eventId: 'x' }).durable(), 'parameter_invalid'],
    [() => db.append(/** @type {any} */ (undefined), 'visited').durable(), 'request_invalid'],
    [() => db.append([]).durable(), 'request_invalid'],
    [() => db.append([/** @type {any} */ (null)]).durable(), 'request_invalid'],
    [() => db.append('/accounts/1', 'visited', {}, { eventId: /** @type {any} */ (() => 'x') }).durable(), 'parameter_invalid'],
    [() => db.append('/accounts/1', 'visited', {}, /** @type {any} */ ({ expectVersion: 1 })).durable(), 'parameter_invalid'],
    [() => db.append('/accounts/1', 'visited', {}, /** @type {any} */ (null)).durable(), 'unknown_reference'],
    [() => db.events('\ud800', /** @type {any} */ (null)).next(), 'path_invalid'],
    [() => db.append('/accounts/1', 'visited', 'x'.repeat(5 << 20)).durable(), 'request_too_large'],
    [() => db.query('SELEC 1'), 'sql_invalid'],
    [() => db.query('DELETE FROM account'), 'sql_read_only'],
    [() => db.query('SELECT ?'), 'parameter_invalid'],
    [() => db.query('SELECT 1 a, 2 a'), 'sql_invalid'],
    [() => db.events('accounts').next(), 'path_invalid'],
    [() => db.events('accounts/*').next(), 'path_invalid'],
    [() => db.events('/**', { from: /** @type {any} */ ('x') }).next(), 'parameter_invalid'],
  ];
  for (const [wrong, code] of cases) {
    await assert.rejects(async () => wrong(), (error) => {
      assert.ok(error instanceof RivuletError, String(error));
      assert.equal(error.code, code, error.detail);
      assert.ok(error.detail.length > 0);
      return true;
    });
  }
  assert.equal((await db.query('SELECT count(*) n FROM account'))[0].n, 0);
  await db.close();
});

test('an option that is none is refused by whatever takes options, and names those that there are', async () => {
  /** @type {any} what TypeScript would find */
  const db = await open();
  const cases = [
    [() => db.append('/accounts/1', 'visited', {}, { expectVersion: 1 }).durable(), 'expectVersion'],
    [() => db.append([{ path: '/accounts/1', type: 'visited', expectVersion: 1 }]).durable(), 'expectVersion'],
    [() => db.events('/**', { type: ['visited'] }), 'type'],
    [() => db.events('/**', 4), '4'],
    [() => db.get('account', 1, { as_of: 1 }), 'as_of'],
    [() => db.query('select 1 n', [], { as_of: 1 }), 'as_of'],
    [() => db.query('select 1 n', [], { differences: true }), 'differences'],
    [() => db.live('select 1 n', [], { diff: true }), 'diff'],
    [() => db.live('select 1 n', [], { asOf: 1 }), 'asOf'],
    [() => db.changes('account', { row: true }), 'row'],
    [() => db.status({ hashes: true }), 'hashes'],
    [() => db.pending({ limit: 1 }), 'limit'],
    [() => db.rejections({ after: 1 }), 'after'],
    [() => db.connected({ timeout: 1 }), 'timeout'],
    [() => db.query('select ? n', 1), undefined],
    [() => db.query('select :a n', { a: 1 }), undefined],
    [() => db.live('select 1 n', { differences: true }), undefined],
  ];
  for (const [wrong, parameter] of cases) {
    await assert.rejects(async () => wrong(), (error) => {
      assert.ok(error instanceof RivuletError, `${wrong}: ${error}`);
      assert.equal(error.code, 'parameter_invalid', `${wrong}`);
      assert.equal(error.parameter, parameter, `${wrong}`);
      if (parameter) assert.match(error.detail, /; there are .*\w/);
      return true;
    });
  }
  assert.equal((await db.query('select 1 n', null, null))[0].n, 1);
  assert.equal(await db.get('account', 1, null), undefined);
  await db.close();
});

test('what reaches nowhere near the module is named in the words of who wrote it', async () => {
  const db = await open();
  const wide = db.query('SELECT ?, ?', [1n, 2n ** 63n]);
  await assert.rejects(wide, { code: 'parameter_invalid', detail: /params\[1\]/ });
  const edges = await db.query('SELECT ? a, ? b', [2n ** 63n - 1n, -(2n ** 63n)]);
  assert.deepEqual([{ ...edges[0] }], [{ a: 2n ** 63n - 1n, b: -(2n ** 63n) }]);
  await assert.rejects(db.query('SELECT ?', ['\0']), { code: 'value_invalid', place: 'params[0]' });
  await assert.rejects(opened(db, 1, { name: '\ud800' }).durable(), { code: 'value_invalid', place: 'data.name' });
  const metadata = { by: new Set(['ada']) };
  const marked = db.append('/accounts/1', 'account_opened', { name: 'A' }, { metadata });
  await assert.rejects(marked.durable(), { code: 'json_invalid', place: 'metadata.by' });
  await db.close();
  const upstream = { url: 'ws://127.0.0.1:1' };
  const cases = [
    [{ memory: 0 }, /^memory: `0`/],
    [{ memory: '3GiB' }, /^memory: `3GiB`/],
    [{ select: { streams: ['/**'] } }, /^select is/],
    [{ upstream: { url: 'ws://ada:secret@127.0.0.1:1' } }, /^upstream.url must not have/],
    [{ upstream: { url: 'ftp://ada:secret@127.0.0.1:1' } }, /^upstream.url must not have/],
    [{ upstream: { url: 'ws://ada:secret@' } }, /^upstream.url is not/],
    [{ upstream, memory: '2GiB' }, /^memory: `2GiB`/],
  ];
  for (const [options, detail] of cases) {
    await assert.rejects(open(/** @type {any} */ (options)), (/** @type {any} */ error) => {
      assert.equal(error.code, 'parameter_invalid');
      assert.match(error.detail, /** @type {RegExp} */ (detail));
      assert.doesNotMatch(error.detail + error.stack, /secret/);
      return true;
    });
  }
});

test('the limits are those of docs/javascript.md, with its codes', async () => {
  const db = await open({ schema: schema.replace('varchar(10)', 'text') });
  const many = (/** @type {number} */ count, /** @type {number} */ size) =>
    Array.from({ length: count }, (_, i) => {
      const data = { name: 'n', photo: new Uint8Array(size) };
      return { path: `/accounts/${i}`, type: 'account_opened', data };
    });
  const name = 'n'.repeat(524288);
  const cases = [
    [() => db.append(many(10001, 0)).durable(), 'batch_too_large'],
    [() => db.append(many(8, 200000)).durable(), 'batch_too_large'],
    [() => opened(db, 1, { name }).durable(), 'event_too_large'],
    [() => db.append('/accounts/1', 'account_opened', { name: 'n' }, { metadata: { name } }).durable(), 'event_too_large'],
  ];
  for (const [over, code] of cases) await assert.rejects(/** @type {any} */ (over), { code });
  await opened(db, 6000, { name: name.slice(100) }).durable();
  assert.equal((await db.append(many(5000, 0)).durable()).length, 5000);
  const feeds = Array.from({ length: 128 }, () => db.events('/accounts/77777'));
  const waiting = feeds.map((feed) => feed.next());
  await assert.rejects(db.events().next(), { code: 'busy' });
  await db.close();
  await Promise.all(waiting);
});

test('feeds of a database that is closed reject, and so does connected', async () => {
  const db = await open();
  await db.connected();
  const closing = db.close();
  await assert.rejects(db.events().next(), { code: 'closing' });
  await assert.rejects(db.status().next(), { code: 'closing' });
  await closing;
  await assert.rejects(db.events().next(), { code: 'closing' });
  await assert.rejects(take(db.status(), 1), { code: 'closing' });
  await assert.rejects(db.connected(), { code: 'closing' });
});

test("an append's error says where the append was made", async () => {
  const db = await open();
  async function whoAppends() {
    await db.append('/accounts/1', 'nonsense', {}).durable();
  }
  await assert.rejects(whoAppends(), (/** @type {any} */ error) => {
    assert.match(error.stack, /^RivuletError: .*nonsense/);
    assert.match(error.stack, /whoAppends/);
    return true;
  });
  await db.close();
});

test('a trap at the end of an operation of the storage ends the database too', async () => {
  const directory = join(folder(), 'data');
  const workerUrl = new URL('trapping-worker.mjs', import.meta.url);
  const db = await open({ directory, storage: 'files', workerUrl });
  await db.query("SELECT 'trap later'");
  const waiting = [opened(db, 1).durable(), take(db.events('/accounts/*'), 5), take(db.status(), 1000)];
  for (const call of await Promise.allSettled(waiting)) {
    assert.equal(call.reason?.code, 'panicked');
    assert.equal(call.reason.detail, 'unreachable at the end of a flush'); // not that the worker died
  }
});

test('a query without an end is taken back, and keeps nobody waiting before', async () => {
  const db = await open();
  const abort = new AbortController();
  const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) n FROM n';
  const query = db.query(endless, [], { signal: abort.signal });
  await opened(db, 1).durable();
  assert.equal((await db.query('SELECT count(*) n FROM account'))[0].n, 1);
  abort.abort(new Error('enough'));
  await assert.rejects(query, /enough/);
  const many = Array.from({ length: 40 }, () => db.query(endless, [], { signal: AbortSignal.abort() }));
  assert.ok((await Promise.allSettled(many)).every(({ reason }) => reason.name === 'AbortError'));
  await opened(db, 2).durable(); // were it still under way, no slot and no memory would be the first one's again
  assert.equal((await db.query('SELECT count(*) n FROM account'))[0].n, 2);
});

test('a query gives no more rows than were asked for', async () => {
  const db = await open();
  const values = 'VALUES (1), (2), (3)';
  assert.equal((await db.query(values, [], { rows: 3 })).length, 3);
  await assert.rejects(db.query(values, [], { rows: 2 }), { code: 'sql_limit', limit: 'rows', rowsMax: 2 });
  await assert.rejects(db.query(values, [], { rows: 0 }), { code: 'parameter_invalid' });
  await assert.rejects(db.live(values, [], { rows: 2 }).next(), { code: 'sql_limit' });
});

test('a query as of a position or a time shows what was confirmed then', async () => {
  const db = await open();
  const visits = 'SELECT visits FROM account WHERE id = 1';
  const { position } = await opened(db, 1).durable();
  for (let i = 0; i < 3; i++) await db.append('/accounts/1', 'visited', { times: 5 }).durable();
  assert.deepEqual([...(await db.query(visits))], [{ visits: 15 }]);
  const then = await db.query(visits, [], { asOf: position + 1 });
  assert.deepEqual([...then], [{ visits: 5 }]);
  assert.equal(then.asOf, position + 1);
  const later = await db.query(visits, [], { asOf: new Date(Date.now() + 1e6) });
  assert.deepEqual([[...later], later.asOf], [[{ visits: 15 }], position + 3]);
  assert.equal((await db.query(visits)).asOf, undefined);
  await assert.rejects(db.query(visits, [], { asOf: position + 9 }), { code: 'parameter_invalid', watermark: position + 3 });
  await assert.rejects(db.query(visits, [], { asOf: 'then' }), { code: 'parameter_invalid' });
});

test('a row is had by its key, now and as of a position or a time', async () => {
  const more = `
    CREATE AGGREGATE seat (hall text, number integer, day date, taken boolean NOT NULL DEFAULT false, PRIMARY KEY (hall, number, day));
    CREATE EVENT_TYPE seat_made (hall creates seat(hall), number creates seat(number), day creates seat(day));
    CREATE STREAM seats (path "/seats/{hall}" event_types (seat_made));`;
  const db = await open({ schema: schema + more });
  const { position } = await opened(db, 1).durable();
  for (let i = 0; i < 3; i++) await db.append('/accounts/1', 'visited', { times: 5 }).durable();
  const row = await db.get('account', 1n);
  assert.deepEqual([row.id, row.visits, row.balance], [1n, 15, '0.00']);
  assert.equal((await db.get('account', 1, { asOf: position + 2 })).visits, 10);
  assert.equal((await db.get('account', '1', { asOf: new Date(Date.now() + 1e6) })).visits, 15);
  assert.equal(await db.get('account', 1, { asOf: position - 1 }), undefined);
  assert.equal(await db.get('account', 2), undefined);
  await assert.rejects(db.get('acount', 1), { code: 'unknown_aggregate' });
  await assert.rejects(db.get('account', [1, 2]), { code: 'not_found' });
  await assert.rejects(db.get('account', 1, { asOf: 'then' }), { code: 'parameter_invalid' });
  await assert.rejects(db.get('account', 1, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  await db.append('/seats/a%2Fb', 'seat_made', { number: 7, day: '2026-03-01' });
  assert.equal((await db.get('seat', ['a/b', 7, '2026-03-01'])).taken, false);
});

test("a query's error says where the query was made", async () => {
  const db = await open();
  const error = await (async function asker() {
    return await db.query('SELEC 1');
  })().catch((thrown) => thrown);
  assert.match(error.stack, /asker/);
  await db.close();
});

test('a feed with an end gives history, and waits for nothing', async () => {
  const db = await open({ schema });
  for (let id = 1; id <= 4; id++) await opened(db, id).durable();
  const all = async (/** @type {any} */ options) => {
    const paths = [];
    for await (const event of db.events('/accounts/*', options)) paths.push(event.path);
    return paths.map((path) => path.slice('/accounts/'.length)).join(' ');
  };
  assert.equal(await all({ until: 'now' }), '1 2 3 4');
  assert.equal(await all({ until: 3 }), '1 2'); // the schema is at 1
  assert.equal(await all({ from: 3, until: 4 }), '2 3');
  assert.equal(await all({ until: new Date(0) }), '');
  assert.equal(await all({ until: new Date(Date.now() + 60000) }), '1 2 3 4');
  await assert.rejects(all({ until: 'soon' }), { code: 'parameter_invalid' });
  await db.close();
});

test('a path may hold what an address may not', async () => {
  const text = 'CREATE AGGREGATE a (id text PRIMARY KEY); CREATE EVENT_TYPE made (id creates a(id));';
  const db = await open({ schema: `${text} CREATE STREAM s (path "/a/{id}" event_types (made))` });
  const path = '/a/x +&=ü';
  await db.append(path, 'made').durable();
  assert.deepEqual((await take(db.events(path), 1)).map((event) => event.path), [path]);
  await db.close();
});

test('a program on the command line has a database', () => {
  const program = `
    import { open } from ${JSON.stringify(new URL('../../js/node.js', import.meta.url))};
    const db = await open({ name: 'x', storage: 'memory', moduleUrl: ${JSON.stringify(moduleUrl)} });
    await db.close();
    console.log('closed');`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.equal(run.stdout, 'closed\n', run.stderr);
});

test('options that cannot be are refused before anything is made', async () => {
  const parent = folder();
  const at = join(parent, 'x');
  const cases = [
    [undefined, 'parameter_invalid'],
    [{}, 'parameter_invalid'],
    [{ name: '../x' }, 'parameter_invalid'],
    [{ name: 'x' }, 'parameter_invalid'],
    [{ name: 'x', storage: 'cloud' }, 'parameter_invalid'],
    [{ name: 'x', storage: 'opfs' }, 'storage_unavailable'],
    [{ directory: at, memory: '1 lump' }, 'parameter_invalid'],
    [{ directory: at, upstream: { url: 'ftp://x/' } }, 'parameter_invalid'],
    [{ directory: at, upstream: { url: 'no address' } }, 'parameter_invalid'],
    [{ directory: at, select: { streams: '/x' } }, 'parameter_invalid'],
    [{ directory: at, schema: 5 }, 'parameter_invalid'],
    [{ directory: 5 }, 'parameter_invalid'],
    [{ directory: at, shema: '' }, 'parameter_invalid'],
    [{ directory: at, select: { stream: ['/**'] } }, 'parameter_invalid'],
    [{ directory: null }, 'parameter_invalid'],
    [{ name: { toString: () => 'x', f() {} }, storage: 'memory' }, 'parameter_invalid'],
    [{ directory: at, webSocket: class {} }, 'parameter_invalid'],
    [{ name: 'm', storage: 'memory', upstream: { url: 'ws://x' }, webSocket: 'no-such-package' }, 'parameter_invalid'],
    [{ directory: at, upstream: { url: 'ws://x', token: 'a b' } }, 'parameter_invalid'],
    [{ directory: at, upstream: { url: 'ws://x', token: 7 } }, 'parameter_invalid'],
    [{ directory: at, select: { aggregates: [{ name: 'account' }] } }, 'parameter_invalid'], // of a root
    [{ directory: at, select: { aggregates: [{ where: 'a > 1' }] } }, 'parameter_invalid'],
    [{ directory: at, select: { aggregates: [{ name: 'a', were: 'a > 1' }] } }, 'parameter_invalid'],
    [{ name: 'm', storage: 'memory', memory: '64KiB' }, 'memory_exhausted'],
    [{ name: 'm', storage: 'memory', schema: 'CREATE NONSENSE' }, 'schema_syntax'],
    [{ directory: join(parent, 'no', 'such') }, 'data_not_found'],
    [{ name: 'm', storage: 'memory', moduleUrl: join(parent, 'none.wasm') }, 'module_failed'],
    [{ name: 'm', storage: 'memory', workerUrl: join(parent, 'none.js') }, 'worker_failed'],
  ];
  for (const [options, code] of cases) {
    await assert.rejects(openDatabase(options && { moduleUrl, ...options }), (error) => {
      assert.equal(error.code, code, `${JSON.stringify(options)}: ${error.detail}`);
      return true;
    });
  }
  assert.deepEqual(readdirSync(parent), []);
});

test('a module that is none, or another version, is told apart', async () => {
  const parent = folder();
  const wasm = (...bytes) => new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, ...bytes]);
  const name = [...new TextEncoder().encode('rv_module_abi')];
  const abi = (n) =>
    wasm(1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, name.length + 4, 1, name.length, ...name, 0, 0, 10, 6, 1, 4, 0, 65, n, 11);
  const cases = [
    ['text.wasm', new TextEncoder().encode('<!doctype html>'), 'module_failed'],
    ['empty.wasm', wasm(), 'module_version'],
    ['old.wasm', abi(0), 'module_version'],
    ['cut.wasm', readFileSync(moduleUrl).subarray(0, 5000), 'module_failed'],
  ];
  for (const [file, bytes, code] of cases) {
    const url = join(parent, file);
    writeFileSync(url, bytes);
    const options = { name: 'x', storage: 'memory', moduleUrl: url };
    await assert.rejects(openDatabase(options), (error) => {
      assert.equal(error.code, code, `${file}: ${error.detail}`);
      return true;
    });
  }
});

test('a feed gives history and then what comes, to each reader', async () => {
  const db = await open();
  for (let i = 0; i < 300; i++) void opened(db, i).durable();
  const history = await take(db.events('/accounts/*', { from: 100 }), 100);
  assert.deepEqual(history.map(({ position }) => position), history.map((_, i) => 100 + i)); // prettier-ignore
  const feeds = Array.from({ length: 128 }, () => db.events('/accounts/7'));
  const first = await Promise.all(feeds.map((feed) => feed.next()));
  assert.ok(first.every(({ value }) => value.path === '/accounts/7'));
  await assert.rejects(db.events('/accounts/7').next(), { code: 'busy' });
  const live = feeds.map((feed) => feed.next());
  await db.append('/accounts/7', 'visited', { times: 3 }).durable();
  for (const { value } of await Promise.all(live)) assert.equal(value.data.times, 3);
  await Promise.all(feeds.map((feed) => feed.return()));
  assert.equal((await db.events('/accounts/7').next()).value.version, 1); // their places are free
  await db.close();
});

test('a slow reader is not run over, and others go on meanwhile', async () => {
  const db = await open();
  const events = 20000;
  const slow = db.events('/accounts/*');
  await opened(db, 0).durable();
  await slow.next();
  for (let i = 1; i < events; i += 1000) {
    const batch = Array.from({ length: 1000 }, () => ({ path: '/accounts/0', type: 'visited' }));
    await db.append(batch).durable();
  }
  assert.equal((await db.query('SELECT visits FROM account'))[0].visits, 20000);
  let last = 2;
  for await (const { position } of slow) {
    assert.equal(position, last + 1);
    last = position;
    if (last === 20002) break;
  }
  await db.close();
});

test('status: what it says, its hash, and its end', async () => {
  const db = await open();
  const first = await status(db, () => true, { hash: true });
  const { stateHash, ...rest } = first;
  assert.match(stateHash, /^[0-9a-f]{32}$/);
  assert.deepEqual(rest, {
    connection: 'none',
    reason: null,
    role: 'root',
    position: 1,
    syncedTo: 1,
    upstreamPosition: null,
    lag: 0,
    pending: 0,
    suspended: 0,
    rejected: 0,
    heldBack: 0,
    unknown: 0,
    leases: { blocks: 0, keysLeft: 0 },
    diverged: null,
    forked: null,
    storage: { mode: 'memory', persistent: false },
    readOnly: null,
    schemaVersion: 1,
    provisional: false,
    bytesReceived: 0,
    bytesSent: 0,
    eventsReceived: 0,
  });
  const feed = db.status({ hash: true });
  await feed.next();
  const next = feed.next();
  await opened(db, 1).durable();
  const { value } = await next;
  assert.equal(value.position, 2);
  assert.notEqual(value.stateHash, stateHash);
  const waiting = feed.next();
  const events = db.events('/accounts/1');
  await events.next();
  const event = events.next();
  await db.close();
  assert.equal((await waiting).done, true);
  assert.equal((await event).done, true);
});

test('a closed database refuses, and closing twice is once', async () => {
  const db = await open();
  const late = opened(db, 1);
  await Promise.all([db.close(), db.close()]);
  assert.equal((await late.durable()).position, 2); // it was asked before
  await assert.rejects(db.query('SELECT 1'), { code: 'closing' });
  await assert.rejects(opened(db, 2).durable(), { code: 'closing' });
  await assert.rejects(db.schema(), { code: 'closing' });
  await assert.rejects(db.events().next(), { code: 'closing' });
  await assert.rejects(db.status().next(), { code: 'closing' });
  db.wake();
});

test('what was accepted before the database is closed is told to be durable', async () => {
  for (const options of [{}, { storage: 'files', directory: join(folder(), 'db') }]) {
    const db = await open({ ...options, name: 'closing' });
    const appends = Array.from({ length: 500 }, (_, i) => opened(db, i));
    const counted = db.query('SELECT count(*) n FROM account');
    const closing = db.close();
    const events = await Promise.all(appends.map((append) => append.durable('local')));
    assert.deepEqual(events.map(({ position }) => position), events.map((_, i) => i + 2));
    assert.equal((await counted)[0].n, 500);
    await closing;
  }
});

test('a trap ends every call and iterator; the files open again', async () => {
  const directory = join(folder(), 'data');
  const workerUrl = new URL('trapping-worker.mjs', import.meta.url);
  const db = await open({ directory, storage: 'files', workerUrl });
  const kept = await opened(db, 1).durable('local');
  const feed = db.events('/accounts/1');
  await feed.next();
  const waiting = [
    feed.next(),
    take(db.status(), 1000),
    db.query("SELECT 'please trap'"),
    opened(db, 2).durable(),
    db.schema(),
  ];
  for (const call of await Promise.allSettled(waiting)) assert.equal(call.reason?.code, 'panicked');
  await assert.rejects(opened(db, 3).durable(), { code: 'panicked' });
  await assert.rejects(db.close(), { code: 'panicked' });
  const again = await open({ directory, storage: 'files' });
  assert.equal((await take(again.events('/accounts/1'), 1))[0].eventId, kept.eventId);
  await again.close();
});

test('the schema may be said again and grow; another one is refused', async () => {
  const directory = join(folder(), 'data');
  const at = { directory, storage: 'files' };
  const more = `${schema} CREATE EVENT_TYPE seen (id references account(id)); CREATE STREAM seen_events (path "/seen/{id}" event_types (seen));`;
  const versions = [];
  for (const text of [schema, `-- again\n${schema.replace(/\s+/g, ' ')}`, more, more, undefined]) {
    const db = await open({ ...at, schema: text });
    versions.push((await db.schema()).version);
    await db.close();
  }
  assert.deepEqual(versions, [1, 1, 2, 2, 2]);
  const other = more.replace('varchar(10)', 'varchar(11)');
  await assert.rejects(open({ ...at, schema: other }), { code: 'schema_conflict', name: 'RivuletError' });
  const db = await open({ ...at, schema: more }); // the refused opening has left nothing behind
  await db.close();
});

test('files: closed and opened again, by this package and by the native binary', async () => {
  const directory = join(folder(), 'data');
  const db = await open({ directory, storage: 'auto' });
  for (let i = 0; i < 500; i++) void opened(db, i).durable();
  await db.append('/accounts/3', 'money_paid', { amount: 12.5 }).durable('local');
  const { stateHash, position, storage } = await status(db, () => true, { hash: true });
  assert.equal(position, 502);
  assert.deepEqual(storage, { mode: 'files', persistent: true });
  await db.close();
  const there = native(['status', '--hash'], directory);
  assert.equal(JSON.parse(there.out).state_hash, stateHash, there.err);
  native(['append', '/accounts/3', 'money_paid', '{"amount": 1}'], directory);
  const again = await open({ directory, storage: 'files' });
  assert.equal((await again.query('SELECT balance FROM account WHERE id = 3'))[0].balance, '13.50');
  await again.close();
});

test('one directory, one holder: this package and the native binary', async () => {
  const directory = join(folder(), 'data');
  const at = { directory, storage: 'files' };
  const db = await open(at);
  await assert.rejects(open(at), { code: 'data_in_use', pid: process.pid });
  await assert.rejects(destroy({ directory }), { code: 'data_in_use' });
  const busy = native(['status'], directory);
  assert.match(busy.err, new RegExp(`data_in_use.* ${process.pid}`));
  await db.close();
  assert.equal(readFileSync(join(directory, 'lock'), 'utf8'), 'free      \n');
  writeFileSync(join(directory, '.held'), '');
  await assert.rejects(open(at), { code: 'data_in_use' });
  await assert.rejects(openDatabase({ directory: join(directory, 'lock'), moduleUrl }), { code: 'data_not_writable' });
});

test('destroy removes a database and nothing else', async () => {
  const parent = folder();
  const directory = join(parent, 'data');
  const db = await open({ directory, storage: 'files' });
  await opened(db, 1).durable();
  await db.close();
  writeFileSync(join(directory, 'Notes.txt'), 'mine');
  await destroy({ directory });
  assert.deepEqual(readdirSync(directory), ['Notes.txt']);
  await assert.rejects(destroy({ directory: join(parent, 'none') }), { code: 'data_not_found' });
  mkdirSync(join(parent, 'empty'));
  await destroy({ directory: join(parent, 'empty') });
  assert.equal(existsSync(join(parent, 'empty')), false);
});

test('damaged files open for reading, and say so', async () => {
  const directory = join(folder(), 'data');
  const db = await open({ directory, storage: 'files' });
  for (let i = 0; i < 2000; i++) void opened(db, i).durable();
  await db.close();
  const file = join(directory, readdirSync(directory).filter((name) => name.endsWith('.seg'))[0]);
  const bytes = readFileSync(file);
  bytes[Math.floor(bytes.length / 2)] ^= 1;
  writeFileSync(file, bytes);
  // Opened by a checkpoint, a database finds the damage when that part of the log is read.
  for (const name of readdirSync(directory)) if (name.startsWith('ckp-')) rmSync(join(directory, name));
  const damaged = await open({ directory, storage: 'files', schema: undefined });
  const { readOnly, role } = await status(damaged);
  assert.equal(readOnly.code, 'data_damaged');
  assert.ok(role === 'root' || role === null, role);
  const [{ n }] = await damaged.query('SELECT count(*) n FROM account');
  assert.ok(n > 0 && n < 2000);
  await assert.rejects(opened(damaged, 9999).durable(), { code: 'read_only' });
  await damaged.close();
});

test('the smaller module does all but SQL', async () => {
  const db = await open({ moduleUrl: join(modules, 'rivulet-nosql.wasm') });
  await opened(db, 1).durable();
  assert.equal((await take(db.events(), 1))[0].path, '/accounts/1');
  await assert.rejects(db.query('SELECT 1'), { code: 'unsupported' });
  await db.close();
});

test('a Node without a global crypto, as Node 18 is, has its events\' ids all the same', () => {
  const flag = '--no-experimental-global-webcrypto';
  const flags = process.allowedNodeEnvironmentFlags.has(flag) ? [flag] : [];
  const options = JSON.stringify({ name: 'bare', storage: 'memory', schema, moduleUrl });
  const source = `
    import { open } from ${JSON.stringify(new URL('../../js/node.js', import.meta.url).href)};
    const db = await open(${options});
    const { eventId } = await db.append('/accounts/1', 'account_opened', { name: 'Ada' }).durable();
    console.log(typeof globalThis.crypto, eventId.length);
    await db.close();`;
  const program = join(folder(), 'program.mjs');
  writeFileSync(program, source);
  const run = spawnSync(process.execPath, [...flags, program], { encoding: 'utf8' });
  assert.match(run.stdout, flags.length > 0 ? /^undefined 36\n$/ : / 36\n$/, run.stderr);
});
