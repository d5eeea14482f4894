// SPDX-License-Identifier: Apache-2.0
// The rows of the table about edges: many at one central node (tests/bench/edges.c plays them), how soon
// one sees an append, what one takes that is idle, and one that comes back after a long time.
import { writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Node } from '../../demo/node.mjs';

const schema = `
CREATE AGGREGATE account (id SERIAL PRIMARY KEY, balance bigint NOT NULL DEFAULT 0);
CREATE EVENT_TYPE opened (id creates account(id));
CREATE EVENT_TYPE deposited (id references account(id), amount bigint NOT NULL increments account(balance));
CREATE STREAM account_events (path "/accounts/{id}" event_types (opened, deposited));
`;
const owned = `
CREATE AGGREGATE account (id SERIAL PRIMARY KEY, owner bigint NOT NULL, balance bigint NOT NULL DEFAULT 0);
CREATE EVENT_TYPE opened (id creates account(id), owner bigint NOT NULL DEFAULT 1 updates account(owner));
CREATE EVENT_TYPE deposited (id references account(id), amount bigint NOT NULL increments account(balance));
CREATE STREAM account_events (path "/accounts/{id}" event_types (opened, deposited));
`;
const MANY = Number(process.env.BENCH_EDGES ?? 10000);
const EVENTS = Number(process.env.BENCH_AWAY ?? 990000);
const ROWS = 10000;
const PENDING = 1000;
const NEW = 10000;

const opened = (i) => ({ path: `/accounts/${i + 1}`, type: 'opened', data: {} });
const deposited = (i) => ({ path: `/accounts/${(i % ROWS) + 1}`, type: 'deposited', data: { amount: 1 } });

/** A central node with the schema, and a row for each of the events that make one. */
async function central(folder, name, rows, ...options) {
  const node = await Node.start(join(folder, name), ...options);
  await node.applySchema(name.startsWith('owned') ? owned : schema);
  for (let i = 0; i < rows; i += 1000) {
    await node.append(Array.from({ length: Math.min(1000, rows - i) }, (_, k) => opened(i + k)));
  }
  return node;
}

/** One run against a node of its own. */
async function played({ folder, bench }, name, mode, count) {
  const edges = ['--edges', String(Math.max(128, Number(count) || 0)), '--memory', '256MiB'];
  const node = await central(folder, name, 1, ...edges);
  const port = new URL(node.url).port;
  try {
    return bench('bench_edges', mode, port, String(node.child.pid), String(count));
  } finally {
    await node.stop();
  }
}

async function crowds(table) {
  const { row } = table;
  const [few, many] = [await played(table, 'few', 'idle', 10), await played(table, 'many', 'idle', MANY)];
  const edges = `${MANY.toLocaleString('en-US')} edges`;
  const kib = many.bytes_an_edge / 1024;
  row(`memory of one of ${edges}, idle`, `${kib.toFixed(1)} KiB`, '', '', '<= 16 KiB', kib <= 16);
  row('what they cost while nothing happens', `${(many.idle_share * 100).toFixed(1)} % of a core`, '', '', '', true);
  row(`work of an append, ${edges}, one selects it`, `${many.append_cpu.toFixed(0)} us`,
    `10 edges ${few.append_cpu.toFixed(0)} us`, `${(many.append_cpu / few.append_cpu).toFixed(2)}x`, '', true);
  row('until that one has it, p50', `${many.seen_p50.toFixed(0)} us`, `10 edges ${few.seen_p50.toFixed(0)} us`,
    `${(many.seen_p50 / few.seen_p50).toFixed(2)}x`, '', true);
  const [two, rows] = [await played(table, 'owned-few', 'rows', 10), await played(table, 'owned', 'rows', MANY)];
  row(`work of an append, ${edges} that select rows by owner, one these`, `${rows.append_cpu.toFixed(0)} us`,
    `10 edges ${two.append_cpu.toFixed(0)} us`, `${(rows.append_cpu / two.append_cpu).toFixed(2)}x`, '', true);
  row('until that one has them, p50', `${rows.seen_p50.toFixed(0)} us`, `10 edges ${two.seen_p50.toFixed(0)} us`,
    `${(rows.seen_p50 / two.seen_p50).toFixed(2)}x`, '', true);
  row('memory of one of these edges, idle', `${(rows.bytes_an_edge / 1024).toFixed(1)} KiB`, '', '', '', true);
  const [one, thousand] = [await played(table, 'one', 'same', 1), await played(table, 'same', 'same', 1000)];
  row('events delivered to 1,000 edges with one stream', table.perSecond(thousand.delivered),
    `1 edge ${table.perSecond(one.delivered)}`, `${(thousand.delivered / one.delivered).toFixed(1)}x`, '', true);
  row('work for each of them', `${thousand.event_cpu.toFixed(2)} us`, `1 edge ${one.event_cpu.toFixed(2)} us`, '', '', true);
}

async function live(table) {
  const times = await played(table, 'live', 'live', join(table.folder, 'flushed'));
  const over = times.seen_p50 - times.flush_p50;
  table.row('append until an edge is sent it, p50', `${times.seen_p50.toFixed(0)} us`, `fdatasync ${times.flush_p50.toFixed(0)} us`,
    `+${over.toFixed(0)} us`, '<= +150 us', over <= 150);
  table.row('the same, p99', `${times.seen_p99.toFixed(0)} us`, `fdatasync ${times.flush_p99.toFixed(0)} us`, '',
    '<= 1,500 us', times.seen_p99 <= 1500);
  const bytes = times.bytes_an_event;
  table.row('one live event on the wire', `${bytes.toFixed(0)} bytes`, '', '', '<= 100', bytes <= 100);
  await followed(table);
}

/** Appends until a real edge, which makes durable what it gets, tells them. */
export async function followedTimes({ folder, bench }, name) {
  const node = await central(folder, `followed-${name}`, 1);
  const { edge } = await follow(folder, `follower-${name}`, node, (await node.status('?wait=durable')).position);
  const [port, own] = [node, edge].map(({ url }) => new URL(url).port);
  const times = bench('bench_edges', 'followed', port, own, join(folder, 'flushed'));
  await edge.stop();
  await node.stop();
  return times;
}

/** The same with a real edge. */
async function followed(table) {
  const { row } = table;
  const times = await followedTimes(table, 'live');
  const over = times.seen_p50 - 2 * times.flush_p50;
  row("append until an edge's subscription tells it, p50", `${times.seen_p50.toFixed(0)} us`,
    `two of fdatasync ${(2 * times.flush_p50).toFixed(0)} us`, `+${over.toFixed(0)} us`, '', true);
  row('the same, p99', `${times.seen_p99.toFixed(0)} us`, `two of fdatasync ${(2 * times.flush_p99).toFixed(0)} us`, '', '', true);
}

/** Starts an edge and waits until it has everything, and nothing of its own is pending. */
async function follow(folder, name, node, position) {
  const start = performance.now();
  const edge = await Node.start(join(folder, name), '--upstream', node.syncUrl, '--select', '/accounts/**');
  let status = await edge.status();
  while (status.synced_to < position || status.outbox.pending > 0) {
    await sleep(5);
    status = await edge.status();
  }
  return { edge, took: performance.now() - start, bytes: status.upstream.bytes_received };
}

async function away(table) {
  const { folder, row, bench } = table;
  const node = await central(folder, 'away', ROWS);
  const whole = async () => (await node.status('?wait=durable')).position;
  const early = await follow(folder, 'early', node, await whole());
  await sleep(2500); // it gives back what a burst has touched, when that is over
  const { bytes_private: memory } = bench('bench_edges', 'private', '0', String(early.edge.child.pid), '0');
  row('idle edge with SQL and 10,000 rows', `${(memory / 2 ** 20).toFixed(1)} MiB private`, '', '', '<= 3 MiB', memory <= 3 * 2 ** 20);
  await early.edge.stop();
  imported(table, node, EVENTS);
  const before = await follow(folder, 'edge', node, await whole());
  await before.edge.stop();
  imported(table, node, NEW);
  const back = await follow(folder, 'edge', node, await whole());
  await back.edge.stop();
  await node.stop();
  const fresh = await central(folder, 'fresh', ROWS);
  const first = await follow(folder, 'first', fresh, (await fresh.status('?wait=durable')).position);
  await first.edge.stop();
  await fresh.stop();
  row(`back after 10,000 of ${(EVENTS + 2 * ROWS).toLocaleString('en-US')} events`, `${back.took.toFixed(0)} ms, ${back.bytes.toLocaleString('en-US')} bytes`,
    `first sync of 10,000: ${first.took.toFixed(0)} ms, ${first.bytes.toLocaleString('en-US')} bytes`, '', '', true);
}

/** Appends events by the command line to a node that runs. */
function imported({ folder }, node, count) {
  const file = join(folder, 'deposits.ndjson');
  writeFileSync(file, Array.from({ length: count }, (_, i) => `${JSON.stringify(deposited(i))}\n`).join(''));
  execFileSync(process.env.RIVULET_BIN ?? 'build/native/rivulet', ['import', file, '--url', node.url], { stdio: 'ignore' });
}

/** A batch of one event each, written at an edge that reaches nobody. */
async function writtenOffline(folder, name, count) {
  const edge = await Node.start(join(folder, name), '--upstream', 'ws://127.0.0.1:9/sync', '--select', '/accounts/**');
  for (let i = 0; i < count; i += 100) { // so that they share flushes
    await Promise.all(Array.from({ length: 100 }, (_, k) => edge.append([deposited(i + k)])));
  }
  const { outbox } = await edge.status();
  await edge.stop();
  if (outbox.pending !== count) throw new Error(`${outbox.pending} batches are pending, not ${count}`);
}

/** An edge that wrote while it was away comes back, beside one that did not. */
async function rebase(table) {
  const { folder } = table;
  const node = await central(folder, 'rebased', ROWS);
  const position = async () => (await node.status('?wait=durable')).position;
  for (const name of ['wrote', 'read']) await (await follow(folder, name, node, await position())).edge.stop();
  await writtenOffline(folder, 'wrote', PENDING);
  imported(table, node, NEW);
  const read = await follow(folder, 'read', node, await position());
  await read.edge.stop();
  const wrote = await follow(folder, 'wrote', node, (await position()) + PENDING);
  const [own, held] = [await node.status('?hash=true'), await wrote.edge.status('?hash=true')];
  if (own.state_hash !== held.state_hash) throw new Error('the state hashes differ');
  await wrote.edge.stop();
  await node.stop();
  const over = `${PENDING.toLocaleString('en-US')} pending batches over ${NEW.toLocaleString('en-US')} new events`;
  table.row(`${over}, until all are decided`, `${wrote.took.toFixed(0)} ms`,
    `the new events alone ${read.took.toFixed(0)} ms`, `${(wrote.took / read.took).toFixed(1)}x`, '', true);
}

export async function edges(table) {
  await crowds(table);
  await live(table);
  await away(table);
  await rebase(table);
}
