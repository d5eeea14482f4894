// SPDX-License-Identifier: Apache-2.0
// Goal: the WASI reactor opens a data directory, appends, answers and closes, keeps what it
// acknowledged, and tells by a code why it does not open.
// Method: build/wasi/rivulet-reactor.wasm (or that of RIVULET_WASI) in this process, by the exports of
// wasi/reactor.h alone, over a temporary folder; the native binary says what is in it. An instance
// that is dropped without a close is a crash.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Reactor } from '../wasm/reactor.mjs';
import { cli, folder, must, schema } from './harness.mjs';
import { eventsOf, fold, loansText, schemaFile, withLoans } from './loans.mjs';

const modules = process.env.RIVULET_WASI ?? fileURLToPath(new URL('../../build/wasi', import.meta.url));
const withSql = join(modules, 'rivulet-reactor.wasm');
const withoutSql = join(modules, 'rivulet-reactor-nosql.wasm');
const built = existsSync(withSql) && existsSync(withoutSql);
const options = built ? {} : { skip: `there are no WASI modules in ${modules}: make build makes them` };
const parent = folder('reactor');

async function opened(directory, file = withSql) {
  const reactor = await Reactor.start(file, parent);
  assert.equal(reactor.open({ directory }), null);
  return reactor;
}

/** Opening must fail so. */
async function refused(code, request) {
  const reactor = await Reactor.start(withSql, parent);
  const error = reactor.open(request);
  assert.equal(error?.code, code, JSON.stringify(error));
  assert.ok(error.detail.length > 10);
  return { reactor, error };
}

const pay = (reactor, amount) =>
  reactor.ask(201, 'POST', '/streams/accounts/1', JSON.stringify({ amount }), { event_type: 'money_paid' });

const balance = (reactor) => {
  const query = JSON.stringify({ sql: 'select balance from account where id = ?', params: [1] });
  return reactor.ask(200, 'POST', '/query', query).rows[0][0];
};

for (const file of [withSql, withoutSql]) {
  const name = file === withSql ? 'with-sql' : 'without-sql';
  test(`open, append, ask, close, open again: ${name}`, options, async () => {
    const first = await opened(name, file);
    first.ask(201, 'POST', '/schema', schema, { content_type: 'text/plain' });
    const answer = first.ask(201, 'POST', '/streams/accounts/1', '{"name":"Ada"}', {
      event_type: 'account_opened',
      durability: 'local',
    });
    assert.equal(answer.position, 2);
    for (let amount = 1; amount <= 100; amount += 1) pay(first, amount);
    const problem = first.ask(404, 'POST', '/streams/nothing/1', '{}', { event_type: 'money_paid' });
    assert.equal(problem.code, 'unknown_stream');
    const hash = first.stateHash();
    assert.equal(first.close(), null);
    assert.ok(!existsSync(join(parent, name, '.held')), 'the directory is free');

    const second = await opened(name, file);
    assert.equal(second.stateHash(), hash);
    const events = second.ask(200, 'GET', '/events?path=/accounts/1');
    assert.equal(events.length, 101);
    assert.equal(events[0].data.name, 'Ada');
    if (file === withSql) {
      assert.equal(balance(second), 5050);
    } else {
      assert.equal(second.ask(501, 'POST', '/query', '{"sql":"select 1"}').code, 'unsupported');
    }
    assert.equal(second.close(), null);
    const native = must(['status', '--hash', '--json', '--data', join(parent, name)]);
    assert.equal(native.state_hash, hash);
    assert.equal(native.position, 102);
  });
}

test('what was acknowledged is there after a crash', options, async () => {
  const path = join(parent, 'crashed');
  must(['schema', 'apply', '-', '--data', path], schema);
  must(['append', '/accounts/1', 'account_opened', '{"name":"Ada"}', '--data', path]);
  for (let round = 1; round <= 5; round += 1) {
    const crashing = await opened('crashed');
    assert.equal(balance(crashing), 10 * (round - 1));
    for (let i = 0; i < 10; i += 1) pay(crashing, 1);
    const { error } = await refused('data_in_use', { directory: 'crashed' });
    assert.equal(error.held, '.held');
    const native = cli(['status', '--json', '--data', path]);
    assert.equal(JSON.parse(native.err).code, 'data_in_use');
    rmSync(join(path, '.held')); // as a person does who knows that it runs no more
  }
  const last = await opened('crashed');
  assert.equal(balance(last), 50);
  assert.equal(last.close(), null);
});

test('a mark removed too early makes the first holder read-only', options, async () => {
  const path = join(parent, 'early');
  must(['schema', 'apply', '-', '--data', path], schema);
  must(['append', '/accounts/1', 'account_opened', '{"name":"Ada"}', '--data', path]);
  const first = await opened('early');
  pay(first, 1);
  rmSync(join(path, '.held'));
  const second = await opened('early');
  pay(second, 10);
  const late = first.request({
    method: 'POST',
    target: '/streams/accounts/1',
    event_type: 'money_paid',
    body: '{"amount":100}',
  });
  assert.ok(late.status >= 500, late.text);
  pay(second, 20);
  assert.equal(first.close()?.code, 'storage_failed');
  assert.equal(balance(second), 31);
  assert.equal(second.close(), null);
  const sql = 'select balance from account';
  assert.deepEqual(must(['query', sql, '--json', '--data', path]).rows, [[31]]);
});

test('it does not open', options, async () => {
  await refused('parameter_invalid', {}); // no directory
  await refused('json_invalid', { directory: 'x\0y' });
  await refused('parameter_invalid', { directory: 'x'.repeat(5000) });
  await refused('data_not_found', { directory: 'no/such/place' });
  await refused('memory_exhausted', { directory: 'small', memory: 65536 });
  await refused('unsupported', { directory: 'inflating', inflate: true });
  const { reactor } = await refused('data_not_found', { directory: 'no/such/place' });
  assert.equal(reactor.open({ directory: 'afterwards' }), null, 'it can be tried again');
  assert.equal(reactor.close(), null);
});

test('the real data gives the native state hash', built ? withLoans : options, async () => {
  const text = loansText();
  const events = eventsOf(text);
  const reactor = await opened('loans');
  reactor.ask(201, 'POST', '/schema', readFileSync(schemaFile), { content_type: 'text/plain' });
  const lines = text.trim().split('\n');
  for (let i = 0; i < lines.length; i += 1000) {
    reactor.ask(201, 'POST', '/events?return=minimal', lines.slice(i, i + 1000).join('\n'), {
      content_type: 'application/x-ndjson',
      durability: 'memory',
    });
  }
  const { applications } = fold(events);
  const byState = new Map();
  for (const { state } of applications.values()) byState.set(state, (byState.get(state) ?? 0) + 1);
  const query = JSON.stringify({ sql: 'select state, count(*) from application group by state' });
  assert.deepEqual(new Map(reactor.ask(200, 'POST', '/query', query).rows), byState);
  const hash = reactor.stateHash();
  assert.equal(reactor.close(), null);
  assert.equal(must(['status', '--hash', '--json', '--data', join(parent, 'loans')]).state_hash, hash);
});
