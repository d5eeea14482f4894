// SPDX-License-Identifier: Apache-2.0
// Goal: on real data (262,200 events of a bank's loan process) central node and edges hold what the
// file says, and agree on the state.
// Method: real processes; what the rows must be is computed from the NDJSON alone (loans.mjs).
// Runs without the data only by saying so.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Node } from '../../demo/node.mjs';
import { eventsOf, fold, loansText, packedFile, schemaFile, withLoans as options } from './loans.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const binary = process.env.RIVULET_BIN ?? join(root, 'build/native/rivulet');

const one = '/applications/173688';
let folder, central, events;

async function reaches(edge, position) {
  for (let i = 0; i < 1200; i += 1) {
    const status = await edge.status();
    if (status.synced_to >= position) return edge.status('?hash=true');
    await sleep(25);
  }
  assert.fail(`the edge stopped at ${(await edge.status()).synced_to} of ${position}`);
}

before(async () => {
  if (options.skip) return;
  folder = mkdtempSync(join(tmpdir(), 'rivulet-loans-'));
  const at = ['--data', join(folder, 'central')];
  execFileSync(binary, ['schema', 'apply', schemaFile, ...at]);
  execFileSync(binary, ['import', packedFile, ...at]);
  events = eventsOf(loansText());
  central = await Node.start(join(folder, 'central'));
});

after(async () => {
  if (options.skip) return;
  assert.equal(await central.stop(), 0);
  rmSync(folder, { recursive: true, force: true });
});

test('the central node has every row as the file says', options, async () => {
  const status = await central.status();
  assert.equal(status.position, events.length + 1);
  const { applications, items } = fold(events);
  assert.equal(applications.size, 13087);
  assert.equal(status.aggregates.application, applications.size);
  assert.equal(status.aggregates.work_item, items.size);
  const rows = await central.query(
    'select id, amount_requested, state, state_changes, offer_state, last_resource from application',
  );
  for (const { id, ...row } of rows) assert.deepEqual(row, applications.get(id), `application ${id}`);
  const held = await central.query('select id, status, steps, last_resource from work_item');
  assert.equal(held.length, items.size);
  for (const { id, ...row } of held) assert.deepEqual(row, items.get(id), `work item ${id}`);
});

test('at any position, in any order, every row was as the events up to there say', options, async () => {
  for (const position of [200000, 1000, 77777, 77778, 2, events.length + 1]) {
    const ask = async (sql) => {
      const answer = await fetch(`${central.url}/query?${new URLSearchParams({ sql, as_of: position })}`);
      assert.equal(answer.headers.get('rivulet-as-of'), String(position));
      const { columns, rows } = await answer.json();
      return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
    };
    const { applications, items } = fold(events.slice(0, position - 1));
    const rows = await ask(
      'select id, amount_requested, state, state_changes, offer_state, last_resource from application',
    );
    assert.equal(rows.length, applications.size);
    for (const { id, ...row } of rows) assert.deepEqual(row, applications.get(id), `application ${id}`);
    const held = await ask('select id, status, steps, last_resource from work_item');
    assert.equal(held.length, items.size);
    for (const { id, ...row } of held) assert.deepEqual(row, items.get(id), `work item ${id}`);
  }
});

test('counts by state agree', options, async () => {
  const expected = new Map();
  for (const { state } of fold(events).applications.values()) {
    expected.set(state, (expected.get(state) ?? 0) + 1);
  }
  const rows = await central.query('select state, count(*) n from application group by state');
  assert.deepEqual(new Map(rows.map((row) => [row.state, row.n])), expected);
});

test('an edge that selects everything reaches the same state', options, async () => {
  const edge = await Node.start(join(folder, 'all'), '--upstream', central.syncUrl,
    '--select', '/applications/**');
  const there = await central.status('?hash=true');
  const here = await reaches(edge, there.position);
  assert.equal(here.state_hash, there.state_hash);
  assert.equal(here.sequence, there.sequence);
  assert.equal(await edge.stop(), 0);
});

test('an edge that selects one stream holds exactly that', options, async () => {
  const edge = await Node.start(join(folder, 'one'), '--upstream', central.syncUrl, '--select', one);
  const there = await central.status(`?select=${encodeURIComponent(one)}`);
  const here = await reaches(edge, there.position);
  assert.equal(here.state_hash, there.selection_hash);
  const held = await edge.request('GET', '/events');
  const own = events
    .map((event, i) => ({ ...event, position: i + 2 }))
    .filter((event) => event.stream === one);
  assert.deepEqual(held.map((event) => event.position), own.map((event) => event.position));
  assert.deepEqual(held.map((event) => event.version), own.map((_, i) => i + 1));
  assert.ok(held.every((event) => event.path === one));
  assert.ok(held.at(-1).position - held[0].position > held.length, 'positions have gaps');
  const theirs = await central.request('GET', `/streams${one}`);
  assert.deepEqual(held, theirs, 'the same events, ids and times included');
  assert.equal(await edge.stop(), 0);
});

test('it opens by its checkpoint, by the one before, by replay: the state is the same', options, async () => {
  const data = join(folder, 'central');
  const there = await central.status('?hash=true');
  assert.equal(there.checkpoint.opened_by, 'checkpoint'); // the import wrote it when it ended
  assert.equal(there.checkpoint.passed_over, null);
  assert.deepEqual([there.checkpoint.kept, there.checkpoint.kept_passed_over], [0, null]); // there are no older ones
  const reopen = async (by) => {
    assert.equal(await central.stop(), 0);
    const names = readdirSync(data).filter((name) => name.startsWith('ckp-')).sort();
    by(names.map((name) => join(data, name)));
    central = await Node.start(data);
    const status = await central.status('?hash=true');
    assert.equal(status.state_hash, there.state_hash);
    return [status.checkpoint, names];
  };
  const [damaged, names] = await reopen((files) => {
    const bytes = readFileSync(files.at(-1));
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(files.at(-1), bytes);
  });
  assert.equal(damaged.passed_over.code, 'data_damaged');
  assert.equal(damaged.passed_over.file, names.at(-1));
  assert.equal(damaged.opened_by, names.length > 1 ? 'checkpoint' : 'replay');
  const [replayed] = await reopen((files) => files.forEach((file) => rmSync(file)));
  assert.equal(replayed.opened_by, 'replay');
  const [again] = await reopen(() => {});
  assert.equal(again.opened_by, 'checkpoint');
});
