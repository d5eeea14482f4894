// SPDX-License-Identifier: Apache-2.0
// A departures board on real data. A central node takes flights as events on `/airports/{iata}`; an
// edge node selects one airport, and the board shows what the edge folds from what it is sent.
//
//     make demo                       at a pace that can be watched; Ctrl-C ends it
//     make demo DEMO_AIRPORT=ATL      another airport
//     make demo DEMO_ONCE=1           without pause; checks every figure and exits
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { drawBoard, redraw } from './board.mjs';
import { readAirports, readFlights } from './flights.mjs';
import { Node } from './node.mjs';

const once = Boolean(process.env.DEMO_ONCE);
const iata = process.env.DEMO_AIRPORT ?? 'ORD';
const flightsPerSecond = Number(process.env.DEMO_RATE ?? 150);
const batch = once ? 1000 : 10;

const flights = readFlights();
const airports = readAirports(flights);
assert(airports.has(iata), `no flight of the data leaves or reaches ${iata}; try ORD, ATL or DFW`);

const folder = mkdtempSync(join(tmpdir(), 'rivulet-demo-'));
const nodes = [];
let stopping = false;

async function startNode(name, ...options) {
  const node = await Node.start(join(folder, name), ...options);
  nodes.push(node);
  return node;
}

async function openAirports(central) {
  const events = [...airports.values()].map((airport) => ({
    path: `/airports/${airport.iata}`,
    type: 'airport_opened',
    data: airport,
  }));
  await central.append(events);
}

/** Feeds the flights in; `progress.done` counts them. */
async function feed(central, progress) {
  for (let at = 0; at < flights.length && !stopping; at += batch) {
    const events = flights.slice(at, at + batch).map((data) => ({
      path: `/airports/${data.iata}`,
      type: 'flight_departed',
      data,
    }));
    await central.append(events);
    progress.done = at + events.length;
    if (!once) await sleep((1000 * batch) / flightsPerSecond);
  }
}

async function look(central, edge, progress) {
  const [airport] = await edge.query('select * from airport where iata = ?', iata);
  const rows = airport
    ? await edge.query('select * from flight where origin = ? order by id desc limit 12', iata)
    : [];
  return {
    airport,
    flights: rows,
    airports,
    edge: await edge.status(),
    central: await central.status(),
    done: progress.done,
    total: flights.length,
  };
}

async function watch(central, edge, progress) {
  while (!stopping && progress.done < flights.length) {
    redraw(drawBoard(await look(central, edge, progress)));
    await sleep(200);
  }
}

/** Waits until the edge holds everything that the central node has accepted. */
async function caughtUp(central, edge) {
  for (let i = 0; i < 600; i += 1) {
    const { position } = await central.status();
    if ((await edge.status()).synced_to === position) return;
    await sleep(50);
  }
  throw new Error('the edge did not catch up within 30 seconds');
}

/** Every figure of the board, computed again from the file. */
async function check(central, edge) {
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
  const [all] = await central.query('select count(*) n from flight');
  assert.equal(all.n, flights.length);
  const at = await central.status(`?select=${encodeURIComponent(`/airports/${iata}`)}`);
  const here = await edge.status();
  assert.equal(here.state_hash, at.selection_hash, 'edge and central node agree on the state');
  console.log(
    `demo: ${iata} has ${own.length} of ${flights.length} flights at the edge, ` +
      `position ${here.synced_to}, state ${here.state_hash}, equal to the central node's`,
  );
}

async function main() {
  const central = await startNode('central');
  await central.applySchema(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));
  const edge = await startNode('edge', '--upstream', central.syncUrl, '--select', `/airports/${iata}`);
  const progress = { done: 0 };
  await openAirports(central);
  await Promise.all([feed(central, progress), once ? null : watch(central, edge, progress)]);
  if (stopping) return;
  await caughtUp(central, edge);
  console.log(drawBoard(await look(central, edge, progress)));
  await check(central, edge);
}

async function stop() {
  stopping = true;
  const codes = await Promise.all(nodes.reverse().map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
  return codes.every((code) => code === 0);
}

process.on('SIGINT', () => {
  stopping = true;
});
try {
  await main();
} catch (error) {
  if (!stopping) {
    console.error(`demo: ${error.message}`);
    process.exitCode = 1;
  }
} finally {
  if (!(await stop())) process.exitCode = 1;
}
