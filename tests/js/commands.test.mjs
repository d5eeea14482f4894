// SPDX-License-Identifier: Apache-2.0
// Goal: commands at a root: their functions run in the worker, see the state, and make one batch, or
// refuse; whatever is wrong with them is an error of that one command.
// Method: the browser module in a worker thread. Edges, where commands run again: tests/e2e.
import assert from 'node:assert/strict';
import { test } from './test.mjs';
import { open, take } from './fixture.mjs';

const commands = new URL('./commands.mjs', import.meta.url);

const refused = (run, code) => assert.rejects(run.durable(), { name: 'RivuletError', code });

test('a command makes events of what it sees', async () => {
  const db = await open({ commands });
  const [opened] = await db.run('open_account', { id: 1, name: 'Ada' }).durable('memory');
  assert.deepEqual([opened.position, opened.type, opened.data.name], [2, 'account_opened', 'Ada']);
  await db.run('open_account', { id: 2, name: 'Bob' }).durable();
  await db.append('/accounts/1', 'visited', { times: 3 }).durable('memory');
  const before = Date.now();
  const events = await db.run('share', { of: 1, among: [1, 2] }).durable('upstream');
  assert.deepEqual(events.map(({ position, path }) => [position, path]), [[5, '/accounts/1'], [6, '/accounts/2']]);
  const [, , , , { metadata }] = await take(db.events(), 5);
  assert.equal(metadata.sum, '3');
  assert.ok(Math.abs(Date.parse(metadata.now) - before) < 60000);
  const rows = await db.query('SELECT id, visits FROM account ORDER BY id');
  assert.deepEqual(rows.map(({ visits }) => visits), [4, 1]);
});

test('it refuses, and what is wrong with it harms nobody else', async () => {
  const db = await open({ commands });
  await db.run('open_account', { id: 1, name: 'Ada' }).durable();
  const expected = { code: 'command_refused', refusal: 'no_account', detail: 'there is no account 7' };
  await assert.rejects(db.run('pay', { id: 7, amount: 1 }).durable(), expected);
  await refused(db.run('nobody'), 'command_unknown');
  await refused(db.run('notAFunction'), 'command_unknown');
  await refused(db.run('toString'), 'command_unknown');
  await refused(db.run('waits'), 'command_failed');
  await refused(db.run('failsLater'), 'command_failed'); // the promise that it gave is nobody's
  await refused(db.run('wrong'), 'command_failed');
  await refused(db.run('fails', {}), 'command_failed');
  await refused(db.run('fails', { of: 'sql' }), 'sql_invalid');
  await refused(db.run('fails', { of: 'get' }), 'unknown_aggregate');
  await refused(db.run('open_account', { id: 1, name: 'Eve' }), 'row_exists');
  await refused(db.run(''), 'parameter_invalid');
  await refused(db.run('pay', () => {}), 'parameter_invalid');
  await refused(db.run('long', { length: 5e6 }), 'request_too_large');
  await refused(db.run('x'.repeat(5e6)), 'command_unknown');
  await refused(db.run('long', { length: 1, unused: 'x'.repeat(5e6) }), 'request_too_large');
  await refused(db.run('throwsNothing'), 'command_failed');
  await assert.rejects(db.run('adds').durable(), { code: 'command_refused', refusal: 'closed', detail: 'on Sundays' });
  assert.deepEqual(await db.run('nothing').durable('upstream'), []);
  await db.run('pay', { id: 1, amount: '2.50' }).durable();
  const [{ balance }] = await db.query('SELECT balance FROM account');
  assert.equal(balance, '2.50');
});

test('many at once run in the order in which they were asked for', async () => {
  const db = await open({ commands });
  const runs = [];
  for (let id = 1; id <= 200; id++) {
    runs.push(db.run('open_account', { id, name: 'Ada' }), db.run('pay', { id, amount: id }));
  }
  const events = (await Promise.all(runs.map((run) => run.durable()))).flat();
  assert.deepEqual(events.map(({ position }) => position), events.map((_, i) => i + 2));
});

test('commands and appends happen in the order in which they were asked for', async () => {
  const db = await open({ commands });
  const asked = [];
  for (let id = 1; id <= 20; id++) {
    asked.push(db.append(`/accounts/${id}`, 'account_opened', { name: 'Ada' }));
    asked.push(db.run('pay', { id, amount: 1 }));
    asked.push(db.append(`/accounts/${id}`, 'visited', {}));
    asked.push(db.query('SELECT balance, visits FROM account WHERE id = ?', [id]));
  }
  for (const [i, one] of asked.entries()) {
    if (i % 4 < 3) await one.durable();
    else assert.deepEqual({ ...(await one)[0] }, { balance: '1.00', visits: 1 });
  }
});

test('a module that cannot be loaded, or is no address', async () => {
  await assert.rejects(open({ commands: 'commands.js' }), { code: 'parameter_invalid' });
  await assert.rejects(open({ commands: new URL('./not-there.mjs', import.meta.url) }), { code: 'module_failed' });
});

test('what was asked for before the end is run, or told that it is not', async () => {
  const db = await open({ commands });
  const run = db.run('open_account', { id: 1, name: 'Ada' });
  await db.close();
  const [event] = await run.durable();
  assert.equal(event.position, 2);
  await refused(db.run('pay', { id: 1, amount: 1 }), 'closing');
});
