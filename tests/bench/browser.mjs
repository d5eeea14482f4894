// SPDX-License-Identifier: Apache-2.0
// The rows of the table that are measured in a browser: the package in build/npm, beside SQLite's
// own WASM build doing the hand-written equivalent in a worker on OPFS, in the same run.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { root, sqlite, withPage } from './chromium.mjs';

const APPENDS = 1000;
const LIVE_ROUNDS = 1000;
const EVENTS = 262200;

/** First syncs into edges that hold nothing, and opening what that left, `rounds` times. */
async function syncs({ central, call, rounds, storage }) {
  const { position, state_hash: hash } = await central.status('?hash=true');
  const runs = [];
  for (let i = 0; i < rounds; i += 1) {
    const name = `edge-${storage}-${i}`;
    const edge = { name, storage, url: central.syncUrl, position };
    const run = await call('firstSync', edge);
    if (run.stateHash !== hash) throw new Error(`${name} has another state: ${run.stateHash}`);
    if (run.mode.mode !== storage) throw new Error(`${name} is stored in ${run.mode.mode}`);
    runs.push({ ...run, open: await call('open', name, storage) });
  }
  return runs;
}

async function times(rounds, run) {
  const results = [];
  for (let i = 0; i < rounds; i += 1) results.push(await run(i));
  return results;
}

/** Everything that is measured, one after another. */
function measure({ folder, data, rounds }) {
  const schema = readFileSync(join(data, 'loans.schema.sql'), 'utf8');
  return withPage({ folder, data }, async (central, call) => {
    const { position } = await central.status();
    const read = { storage: 'opfs', url: central.syncUrl, position, read: true };
    const opfs = await syncs({ central, call, rounds, storage: 'opfs' });
    const indexeddb = await syncs({ central, call, rounds, storage: 'indexeddb' });
    const reads = await times(rounds, (i) => call('firstSync', { ...read, name: `read-${i}` }));
    for (const { count } of reads) {
      if (count !== EVENTS) throw new Error(`the page read ${count} events`);
    }
    const replay = await call('replay', 'edge-opfs-0');
    const live = await call('live', { name: 'live', rounds: LIVE_ROUNDS });
    await call('load'); // only now: a page that holds much has long collections of garbage
    const append = await times(rounds, (i) =>
      call('append', { name: `root-${i}`, schema, appends: APPENDS }),
    );
    const theirs = await times(rounds, () => call('sqlite', APPENDS));
    return { opfs, indexeddb, read: reads, replay, live, append, sqlite: theirs };
  });
}

const packed = (bytes) => gzipSync(bytes, { level: 9 }).length;
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} KB`;
const ms = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

/** What a page downloads: modules as they are, page and worker as a bundler makes them. */
function sizes(row) {
  const esbuild = join(root, 'build/deps/node_modules/.bin/esbuild');
  const options = ['--bundle', '--minify', '--format=esm', '--log-level=error'];
  const script = (file) => packed(execFileSync(esbuild, [file, ...options]));
  const rows = (what, bytes, theirs, bar) =>
    row(`${what}, gzip -9`, kb(bytes), `SQLite WASM ${kb(theirs)}`,
      `${(theirs / bytes).toFixed(1)}x`, `<= ${bar} KB`, bytes <= bar * 1000); // prettier-ignore
  const module = packed(readFileSync(join(sqlite, 'sqlite3.wasm')));
  const npm = join(root, 'build/npm');
  rows('module', packed(readFileSync(join(npm, 'rivulet.wasm'))), module, 325);
  rows('module without SQL', packed(readFileSync(join(npm, 'rivulet-nosql.wasm'))), module, 85);
  const own = script(join(npm, 'index.js')) + script(join(npm, 'worker.js'));
  rows('JavaScript, minified', own, script(join(sqlite, 'index.mjs')), 15);
}

/** What an application in the page waits for that shows what it writes. */
function liveRows(row, { changed, afresh }) {
  for (const [q, bar] of [['p50', 3.5], ['p99']]) {
    row(`Chromium: append of 5 until 5 of 100 live queries are read, ${q}`, ms(changed[q]),
      `all 100 asked again ${ms(afresh[q])}`, `${(changed[q] / afresh[q]).toFixed(2)}x`,
      bar ? `<= ${bar} ms` : '', changed[q] <= bar); // prettier-ignore
  }
}

/**
 * Adds its rows. `native`: events a second of the replay natively, measured just before, in memory
 * that is new, as an instance's is.
 */
export async function browser({ folder, data, rounds, native, row, median, perSecond }) {
  const found = await measure({ folder, data, rounds });
  const middle = (runs, of) => median(runs.map(of));
  const name = `SQLite WASM ${found.sqlite[0].version}`;
  const more = (value, other) => `${(value / other).toFixed(1)}x`;
  /** Less is better. */
  const time = (what, value, other, bar) =>
    row(`Chromium: ${what}`, ms(value), other ? `${name} ${ms(other)}` : '',
      other ? more(other, value) : '', bar ? `<= ${bar} ms` : '', value <= bar); // prettier-ignore
  /** More is better. */
  const rate = (what, value, other) =>
    row(`Chromium: ${what}`, perSecond(value), `${name} ${perSecond(other)}`,
      more(value, other), ''); // prettier-ignore

  const replay = (EVENTS / found.replay.best) * 1000;
  const share = `${((100 * replay) / native).toFixed(0)} %`;
  row('Chromium: replay into aggregates', perSecond(replay), `natively, in new memory, ${perSecond(native)}`,
    share, '>= 65 %', replay >= 0.65 * native); // prettier-ignore
  rate('the same, in memory', replay, middle(found.sqlite, (run) => run.memory));
  const own = middle(found.append, (run) => run.batches);
  rate('durable batches of 1,000', own, middle(found.sqlite, (run) => run.batches));
  const took = (run) => run.took;
  const fetched = middle(found.sqlite, (run) => run.firstSync);
  time('first sync, OPFS (SQLite: NDJSON fetched)', middle(found.opfs, took), fetched, 800);
  time('first sync, IndexedDB', middle(found.indexeddb, took));
  time('first sync, OPFS, the page reads every event', middle(found.read, took));
  const long = Math.max(...found.read.map((run) => run.tasks.long));
  const late = ms(Math.max(...found.read.map((run) => run.tasks.late)));
  row('Chromium: longest task of that page', long > 0 ? ms(long) : 'below 50 ms',
    `timers late by ${late} at most`, '', '<= 50 ms', long <= 50); // prettier-ignore
  const open = middle(found.sqlite, (run) => run.open);
  time('open and count, OPFS', middle(found.opfs, (run) => run.open), open, 150);
  time('open and count, IndexedDB', middle(found.indexeddb, (run) => run.open));
  for (const [q, bar] of [['p50'], ['p99', 5]]) {
    const of = (run) => run.append[q];
    time(`append to \`local\`, ${q}`, middle(found.append, of), middle(found.sqlite, of), bar);
  }
  liveRows(row, found.live);
  sizes(row);
}
