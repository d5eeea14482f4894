// SPDX-License-Identifier: Apache-2.0
// The benchmark table: each figure beside what it is compared with, run one after the other, several
// times, and given as the median. The bars are the project's aims. Arguments name the parts that are
// run beside the core's: edges, feeds, sync, upstream, browser (which needs what sync leaves); without any all are.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { browser } from './browser.mjs';
import { edges } from './edges.mjs';
import { feeds } from './feeds.mjs';
import { sync } from './sync.mjs';
import { upstream } from './upstream.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const data = process.env.RIVULET_DATA ?? join(root, '../shared/data');
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
if (!existsSync(join(data, 'loans.ndjson.gz'))) {
  console.error(`bench: no loans.ndjson.gz in ${data}; name its folder with RIVULET_DATA`);
  process.exit(1);
}

const folder = mkdtempSync(join(root, 'build/bench-'));
const bench = (name, ...args) => {
  const text = execFileSync(join(root, 'build/native', name), args, { encoding: 'utf8' });
  return Object.fromEntries(
    text.trim().split('\n').map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]),
  );
};
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const parts = process.argv.slice(2);
const wanted = (part) => parts.length === 0 || parts.includes(part);
const rows = [];
const row = (what, figure, beside, ratio, bar, met) => rows.push([what, figure, beside, ratio, bar, bar === '' ? '' : met ? 'met' : 'not met']);
const perSecond = (value) => `${Math.round(value).toLocaleString('en-US')}/s`;

function core() {
  const runs = { durable: [], replay: [], anew: [], open: [], open10: [], memory: [], wal: [], past: [], next: [] };
  for (let i = 0; i < rounds; i += 1) {
    const ours = bench('bench_core', data, join(folder, `core-${i}`));
    runs.memory.push(bench('bench_baseline', data, ':memory:').events_per_second);
    runs.wal.push(bench('bench_baseline', data, join(folder, `wal-${i}.db`)).events_per_second);
    runs.durable.push(ours.durable_batches);
    runs.replay.push(ours.replay);
    runs.anew.push(ours.replay_new_memory);
    runs.open.push(ours.open_ms);
    runs.open10.push(ours.open_10x_ms);
    runs.past.push(ours.past);
    runs.next.push(ours.past_next_us);
  }
  const [replay, memory] = [median(runs.replay), median(runs.memory)];
  const [durable, wal] = [median(runs.durable), median(runs.wal)];
  row('replay into aggregates', perSecond(replay), `SQLite in memory ${perSecond(memory)}`,
    `${(replay / memory).toFixed(1)}x`, '>= 8x', replay >= 8 * memory);
  row('durable batches of 1,000', perSecond(durable), `SQLite WAL, FULL ${perSecond(wal)}`,
    `${(durable / wal).toFixed(1)}x`, '>= 4x', durable >= 4 * wal);
  const [open, open10] = [median(runs.open), median(runs.open10)];
  row('open a node', `${open.toFixed(1)} ms`, '', '', '<= 10 ms', open <= 10);
  row('the same with ten times the events', `${open10.toFixed(1)} ms`, '', '', '<= 10 ms', open10 <= 10);
  const past = median(runs.past);
  row('as it was, from the start', perSecond(past), `replay ${perSecond(replay)}`, `${(past / replay).toFixed(2)}x`, '');
  row('one event on from there', `${median(runs.next).toFixed(0)} us`, '', '', '');
  const anew = median(runs.anew);
  row('replay in memory that is new', perSecond(anew), `replay ${perSecond(replay)}`, `${(anew / replay).toFixed(2)}x`, '');
  return anew;
}

/** SELECT over aggregates and over SQLite's own tables with the same rows. Plain nanoseconds, since some take a
 *  microsecond and some ten thousand. */
function select() {
  const text = execFileSync(join(root, 'build/native/bench_select'), [mkdtempSync(join(folder, 'select-'))], { encoding: 'utf8' });
  for (const [name, ours, plain] of text.trim().split('\n').map((line) => line.split(' '))) {
    const ratio = Number(ours) / Number(plain);
    const free = name === 'count' || name === 'floor'; // a table of SQLite knows its count; the other is no table of ours
    const most = name.startsWith('key_lookup') && name !== 'key_lookup_all' ? 1 : 1.1;
    row(`select: ${name.replaceAll('_', ' ')}`, `${Number(ours).toLocaleString('en-US')} ns`,
      `SQLite's tables ${Number(plain).toLocaleString('en-US')} ns`, `${ratio.toFixed(2)}x`,
      free ? '' : `<= ${most}x`, ratio <= most);
  }
}

/** What an application waits for that shows what it writes: 100 live queries, an append that changes five of them. */
function live() {
  const ours = bench('bench_live', mkdtempSync(join(folder, 'live-')));
  const us = (value) => `${value.toFixed(0)} us`;
  row('append of 5 until 5 of 100 live queries are read', us(ours.changed_p50), `all 100 asked again ${us(ours.afresh_p50)}`,
    `${(ours.changed_p50 / ours.afresh_p50).toFixed(2)}x`, '<= 1000 us', ours.changed_p50 <= 1000);
  row('the same, 99 of 100 times', us(ours.changed_p99), '', '', '', true);
  row('append of 5 that none of them reads', us(ours.unchanged_p50), '', '', '', true);
  for (const name of ['filter', 'count_sum', 'group_by', 'order_limit', 'range', 'join', 'joined', 'joined_filter', 'joined_group_by']) {
    const [kept, again] = [ours[`large_${name}`], ours[`large_${name}_again`]];
    row(`append until a live query over 1,000,000 rows is read: ${name.replace('_', ', ')}`, us(kept),
      `run again ${us(again)}`, `${(kept / again).toFixed(4)}x`, '', true); // prettier-ignore
  }
  row('memory of a live query', `${ours.subscription_bytes.toLocaleString('en-US')} bytes`, '', '', '', true);
}

/** What an edge's first sync takes its upstream, and coming back in the middle of the log: one stream of 13,088, led to
 *  by the log's index, beside the same by a walk, and the whole log. */
function first() {
  const text = execFileSync(join(root, 'build/native/bench_first'), [data, mkdtempSync(join(folder, 'first-'))], { encoding: 'utf8' });
  const ours = Object.fromEntries(text.trim().split('\n').map((line) => [line.split(' ')[0], line.split(' ').slice(1).map(Number)]));
  const us = (value) => `${Math.round(value).toLocaleString('en-US')} us`;
  row(`first sync of all ${ours.whole[2].toLocaleString('en-US')} events, at the upstream`, us(ours.whole[0]), '', '', '', true);
  for (const [name, what] of [['one', 'one stream'], ['eight', 'eight streams'], ['away_eight', 'eight streams, back after half of the log']]) {
    const [led, walked, events] = ours[name];
    row(`the same, ${what} (${events} events)`, us(led), `walking ${us(walked)}`, `${(led / walked).toFixed(3)}x`, '', true);
  }
}

/** The command line, from a file in the page cache to a closed directory, all of it on one core. */
function imports() {
  const binary = join(root, 'build/native/rivulet');
  const file = join(folder, 'loans.ndjson');
  writeFileSync(file, gunzipSync(readFileSync(join(data, 'loans.ndjson.gz'))));
  const rates = [];
  let bytes = 0;
  for (let i = 0; i < rounds; i += 1) {
    const directory = join(folder, `import-${i}`);
    execFileSync(binary, ['schema', 'apply', join(data, 'loans.schema.sql'), '--data', directory], { stdio: 'ignore' });
    const answer = execFileSync('taskset', ['-c', '0', binary, 'import', file, '--json', '--data', directory], { encoding: 'utf8' });
    const { imported, milliseconds } = JSON.parse(answer);
    rates.push((imported * 1000) / milliseconds);
    const kept = readdirSync(directory).filter((name) => /^(log|idx)-/.test(name));
    bytes = kept.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0) / imported;
  }
  const rate = median(rates);
  row('NDJSON import, durable, one core', perSecond(rate), '', '', '>= 1,000,000/s', rate >= 1e6);
  row('log with its indexes, on disk', `${bytes.toFixed(1)} bytes an event`, '', '', '<= 60', bytes <= 60);
}

function print() {
  const head = ['what', 'Rivulet', 'beside', 'ratio', 'bar', ''];
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((r) => r[i].length)));
  const line = (r) => r.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd();
  const model = cpus()[0]?.model ?? 'unknown processor';
  console.log(`\n${cpus().length} cores (${model}), ${Math.round(totalmem() / 2 ** 30)} GiB, median of ${rounds}\n`);
  console.log([head, ...rows].map(line).join('\n'));
}

try {
  const native = core();
  select();
  live();
  first();
  imports();
  if (wanted('edges')) await edges({ folder, bench, row, perSecond });
  if (wanted('feeds')) await feeds({ folder, row });
  if (wanted('sync') || wanted('browser')) await sync({ folder, data, rounds, median, row });
  if (wanted('upstream')) await upstream({ folder, data, rounds, median, bench, row });
  if (wanted('browser')) await browser({ folder, data, rounds, native, row, median, perSecond });
  print();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
