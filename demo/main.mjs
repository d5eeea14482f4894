// SPDX-License-Identifier: Apache-2.0
// A departures board on real data. A central node takes flights as events on `/airports/{iata}`. An
// edge node selects one airport, and the board in the terminal shows what it folds from what it is
// sent; the page that the central node shows makes every tab such a node.
//
//     make demo                       at a pace that can be watched; Ctrl-C ends it
//     make demo DEMO_AIRPORT=ATL      another airport
//     make demo DEMO_ONCE=1           without pause; checks every figure and exits
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { drawBoard, redraw } from './board.mjs';
import { Central, freePort } from './central.mjs';
import { readAirports, readFlights } from './flights.mjs';
import { Keys } from './keys.mjs';
import { Node } from './node.mjs';
import { makePublic } from './public.mjs';

const once = Boolean(process.env.DEMO_ONCE);
const iata = process.env.DEMO_AIRPORT ?? 'ORD';
const flightsPerSecond = Number(process.env.DEMO_RATE ?? 40);
const port = Number(process.env.DEMO_PORT ?? 5680);
const HISTORY = 4000; // flights that have left before anybody looks
const BATCH = 1000; // of history
const TICK_MS = 200;

const flights = readFlights();
const airports = readAirports(flights);
assert(airports.has(iata), `no flight of the data leaves or reaches ${iata}; try ORD, ATL or DFW`);

const folder = mkdtempSync(join(tmpdir(), 'rivulet-demo-'));
const demo = { central: null, edge: null, page: null, done: 0, switching: false, stopping: false };

async function start() {
  const shown = join(folder, 'public');
  const page = makePublic(shown, airports, flights);
  demo.central = new Central(join(folder, 'central'), {
    port: once ? 0 : await freePort(port),
    options: page ? ['--public', shown] : [],
  });
  await demo.central.start();
  await demo.central.prepare(airports);
  const { syncUrl, url } = demo.central;
  const select = `/airports/${iata}`;
  demo.edge = await Node.start(join(folder, 'edge'), '--upstream', syncUrl, '--select', select);
  demo.page = page ? `${url}/?airport=${iata}` : null;
}

/** The next flights leave. */
async function depart(count) {
  await demo.central.depart(flights.slice(demo.done, demo.done + count));
  demo.done = Math.min(demo.done + count, flights.length);
}

async function history(count) {
  while (demo.done < count && !demo.stopping) await depart(Math.min(BATCH, count - demo.done));
}

/** Stops the central node, or starts it again. */
async function toggle() {
  demo.switching = false;
  if (demo.central.node) await demo.central.stop();
  else await demo.central.start();
}

async function look() {
  const { central, edge, done, page } = demo;
  const [airport] = await edge.query('select * from airport where iata = ?', iata);
  const rows = airport
    ? await edge.query('select * from flight where origin = ? order by id desc limit 12', iata)
    : [];
  return {
    airport,
    flights: rows,
    airports,
    edge: await edge.status('?hash=true'),
    central: central.node ? await central.node.status(selection()) : null,
    page,
    keys: !once && process.stdin.isTTY,
    done,
    total: flights.length,
  };
}

const selection = () => `?select=${encodeURIComponent(`/airports/${iata}`)}`;

/** A key is obeyed, flights leave, the board is drawn. */
async function tick(due) {
  if (demo.switching) await toggle();
  const leaving = Math.floor(due);
  if (demo.central.node && leaving > 0 && demo.done < flights.length) await depart(leaving);
  if (process.stdout.isTTY) redraw(drawBoard(await look()));
  return due - leaving; // what did not leave while the node was away is not caught up
}

async function run() {
  let due = 0; // flights that should have left by now
  let told = process.stdout.isTTY;
  for (let last = performance.now(); !demo.stopping; await sleep(TICK_MS)) {
    const now = performance.now();
    due += ((now - last) * flightsPerSecond) / 1000;
    last = now;
    try {
      due = await tick(due);
    } catch (error) {
      if (!(await demo.central.isGone())) throw error; // somebody ended it; `s` starts it again
    }
    if (!told && demo.done === flights.length) {
      told = true;
      console.log('demo: the last flight has left; the nodes go on until Ctrl-C');
    }
  }
}

/** Waits until the edge holds everything that the central node has accepted. */
async function caughtUp() {
  for (let i = 0; i < 600; i += 1) {
    const { position } = await demo.central.node.status();
    if ((await demo.edge.status()).synced_to === position) return;
    await sleep(50);
  }
  throw new Error('the edge did not catch up within 30 seconds');
}

/** Every figure of the board, computed again from the file. */
async function check() {
  const { edge } = demo;
  const own = flights.filter((flight) => flight.iata === iata);
  const [airport] = await edge.query('select * from airport');
  assert.equal(airport.iata, iata);
  assert.equal(airport.departures, own.length);
  assert.equal(
    airport.minutes_late,
    own.reduce((sum, flight) => sum + flight.delay, 0),
  );
  const [held] = await edge.query('select count(*) n, sum(distance) miles from flight');
  assert.equal(held.n, own.length);
  assert.equal(
    held.miles,
    own.reduce((sum, flight) => sum + flight.distance, 0),
  );
  const [all] = await demo.central.node.query('select count(*) n from flight');
  assert.equal(all.n, flights.length);
  const at = await demo.central.node.status(selection());
  const here = await edge.status('?hash=true');
  assert.equal(here.state_hash, at.selection_hash, 'edge and central node agree on the state');
  console.log(
    `demo: ${iata} has ${own.length} of ${flights.length} flights at the edge, ` +
      `position ${here.synced_to}, state ${here.state_hash}, equal to the central node's`,
  );
}

async function main() {
  await start();
  const none = 'demo: there is no build/npm, so there is no page';
  console.log(demo.page ? `\n  the board as a page:  ${demo.page}\n` : none);
  if (once) {
    await history(flights.length);
    await caughtUp();
    console.log(drawBoard(await look()));
    await check();
    return;
  }
  await history(HISTORY);
  const keys = new Keys((key) => {
    if (key === 's') demo.switching = true;
    if (key === 'q') demo.stopping = true;
  });
  try {
    await run();
  } finally {
    keys.close();
  }
}

async function stop() {
  demo.stopping = true;
  const codes = await Promise.all([demo.edge?.stop() ?? 0, demo.central?.stop() ?? 0]);
  rmSync(folder, { recursive: true, force: true });
  return codes.every((code) => code === 0);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    demo.stopping = true;
  });
}
try {
  await main();
} catch (error) {
  if (!demo.stopping) {
    console.error(`demo: ${error.message}`);
    process.exitCode = 1;
  }
} finally {
  if (!(await stop())) process.exitCode = 1;
}
