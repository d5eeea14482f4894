// SPDX-License-Identifier: Apache-2.0
// Goal: a query that would run for ever does not keep a node from serving, ends at its limit, and is
// gone when nobody waits for it any more; the log is read in SQL.
// Method: the real binary; queries without an end, whose connections are closed.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { Node, folder, prepared, until } from './harness.mjs';

const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
let node;

before(async () => {
  node = await Node.start(prepared(folder('queries')));
  for (let id = 1; id <= 3; id++) await node.append(`/accounts/${id}`, 'account_opened', { name: 'Ada' });
});
after(() => node.stop());

/** Asks on a connection of its own. */
function begin(sql) {
  const request = http.request(`${node.url}/query`, { method: 'POST', agent: false });
  request.on('error', () => {});
  request.end(JSON.stringify({ sql }));
  return request;
}

test('others are answered while a query runs, which ends at its limit', async () => {
  const slow = node.request('POST', '/query', JSON.stringify({ sql: endless }));
  await until(async () => (await node.status()).queries === 1, 'the query runs');
  assert.deepEqual(await node.rows('SELECT count(*) FROM account'), [[3]]);
  assert.equal((await node.append('/accounts/9', 'account_opened', { name: 'Bob' })).status, 201);
  assert.equal((await node.status()).queries, 1, 'it still runs');
  const answer = await slow;
  assert.equal(answer.status, 422);
  assert.equal(answer.body.code, 'sql_limit');
});

test('how much a query may take is said at the start', async () => {
  const strict = await Node.start(prepared(folder('strict')), '--sql-steps', '200000');
  const answer = await strict.request('POST', '/query', JSON.stringify({ sql: endless }));
  assert.deepEqual([answer.status, answer.body.limit, answer.body.steps_max], [422, 'steps', 200000]);
  await strict.stop();
});

test('a query whose connection is closed is gone', async () => {
  const requests = Array.from({ length: 3 }, () => begin(endless));
  for (const request of requests) {
    request.destroy();
  }
  const asked = begin(endless);
  let answered = false;
  asked.on('response', () => (answered = true));
  await until(async () => (await node.status()).queries === 1, 'the query runs, and no other one');
  asked.destroy();
  await until(async () => (await node.status()).queries === 0, 'it is gone');
  assert.ok(!answered, 'before its limit');
});

test('the log is read in SQL', async () => {
  const sql = `SELECT a.name, e.version, e.type, e.data ->> 'name' FROM account a
    JOIN rv_events e ON e.path = '/accounts/' || a.id WHERE a.id = ?`;
  assert.deepEqual(await node.rows(sql, 9), [['Bob', 1, 'account_opened', 'Bob']]);
  const [[role, sequence]] = await node.rows('SELECT role, sequence_durable FROM rv_status');
  assert.deepEqual([role, sequence], ['root', (await node.status()).durable_sequence]);
});
