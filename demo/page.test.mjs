// SPDX-License-Identifier: Apache-2.0
// Goal: the page of the demo shows what is true, live, after a reload and without the node.
// Method: a central node of its own shows the page to headless Chromium. All that stands on the
// page is compared with figures computed here from the file of flights, hashes with those that the
// central node computes; the node is really stopped and started again. Whatever the page says on
// its console as an error fails the test, but for what the browser itself says of a node that is
// not there.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { launch } from '../tests/browser/harness/browser.mjs';
import { Central } from './central.mjs';
import { readAirports, readFlights } from './flights.mjs';
import { makePublic } from './public.mjs';

const iata = process.env.DEMO_AIRPORT ?? 'ORD';
const other = iata === 'ATL' ? 'ORD' : 'ATL';
const ROWS = 20;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR'];

const flights = readFlights();
const airports = readAirports(flights);
const folder = mkdtempSync(join(tmpdir(), 'rivulet-page-'));
const shown = join(folder, 'public');
const central = new Central(join(folder, 'central'), { options: ['--public', shown] });
const errors = [];
let stopped = false; // the central node was not there for a while: the browser may say so late
let page;

/** A tab, with its errors heard from its beginning. */
async function openTab(code) {
  const tab = (await browser.open('about:blank')).raw;
  const told = (text) => {
    const absent = stopped && /net::ERR_CONNECTION_REFUSED/.test(text);
    if (!absent) errors.push(text);
  };
  tab.on('console', (message) => message.type() === 'error' && told(message.text()));
  tab.on('pageerror', (error) => told(error.stack));
  tab.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(central.url)) told(`asked for ${url}`);
  });
  await tab.addInitScript(`Object.assign(globalThis, { readBoard: ${readBoard}, readGates: ${readGates} })`);
  await tab.goto(`${central.url}/?airport=${code}`);
  return tab;
}

const textOf = (id, tab = page) => tab.locator(`#${id}`).innerText();

/** Waits until the text of an element is `wanted`. */
async function becomes(id, wanted, tab = page) {
  const is = ([at, text]) => document.getElementById(at).innerText === text;
  await tab.waitForFunction(is, [id, wanted]).catch(async () => {
    assert.equal(await textOf(id, tab), wanted, `#${id}`);
  });
}

/** In the page: all that the board shows, figures, and rows as arrays of their cells. */
function readBoard() {
  const textOfId = (id) => document.getElementById(id).innerText;
  return {
    departures: textOfId('departures'),
    average: textOfId('average'),
    onTime: textOfId('on-time'),
    rows: [...document.querySelectorAll('#rows tr')].map((row) =>
      ['date', 'time', 'iata', 'delay', 'miles'].map((name) =>
        row.querySelector(`.${name}`).textContent.trim(),
      ),
    ),
  };
}

/** In the page: the last cells of the first rows, and whether something of their flights waits. */
function readGates(count) {
  return [...document.querySelectorAll('#rows tr')].slice(0, count).map((row) => ({
    gate: row.querySelector('.miles').innerText,
    waits: row.hasAttribute('data-waits'),
  }));
}

/** The board, from the flights themselves. */
function expected(code, left) {
  const own = left.filter((flight) => flight.iata === code);
  const late = own.reduce((sum, flight) => sum + flight.delay, 0);
  const onTime = own.filter((flight) => flight.delay < 15).length;
  return {
    departures: own.length.toLocaleString('en-US'),
    average: (late / own.length).toFixed(1),
    onTime: String(Math.round((100 * onTime) / own.length)),
    rows: own
      .slice(-ROWS)
      .reverse()
      .map(({ scheduled_at: at, destination, delay, distance }) => [
        `${at.slice(8, 10)} ${MONTHS[Number(at.slice(5, 7)) - 1]}`,
        at.slice(11, 16),
        destination,
        delay > 0 ? `+${delay}` : `${delay}`,
        distance.toLocaleString('en-US'),
      ]),
  };
}

/** The central node is not there, and the page says so. */
async function stops() {
  stopped = true;
  await central.stop();
  await becomes('live', 'Offline');
}

/** Waits until the board shows these flights and nothing else, its flaps at rest. */
async function shows(code, left, tab = page) {
  const wanted = expected(code, left);
  const same = (text) => JSON.stringify(globalThis.readBoard()) === text;
  await tab.waitForFunction(same, JSON.stringify(wanted)).catch(async () => {
    console.log(await tab.locator('.panel dl').innerText(), await textOf('notice', tab));
    assert.deepEqual(await tab.evaluate(readBoard), wanted);
  });
}

/** Waits until the page says that its hash is the central node's at its position; compares. */
async function agrees(code) {
  const path = encodeURIComponent(`/airports/${code}`);
  const { position, selection_hash: hash } = await central.node.status(`?select=${path}`);
  const words = `✓ equal to the central node’s at ${position.toLocaleString('en-US')}`;
  await becomes('agreement', words);
  assert.equal(await page.locator('#hash').getAttribute('title'), hash);
  assert.equal(await textOf('position'), position.toLocaleString('en-US'));
}

/** Presses the button; what became of it. */
async function write() {
  await page.click('#send');
  await page.waitForSelector('#outcome[data-code]');
  return page.evaluate(() => ({
    code: document.getElementById('outcome').dataset.code,
    levels: [...document.querySelectorAll('#levels output')].map((level) => level.innerText),
  }));
}

after(async () => {
  await browser.close();
  const code = await central.stop();
  rmSync(folder, { recursive: true, force: true });
  assert.equal(code, 0, 'the central node ended well');
});

assert(makePublic(shown, airports, flights), 'there is a package in build/npm');
const browser = await launch('chromium');
await central.start();
await central.prepare(airports);

test('the board moves with the flights, and its state is the central node’s', async () => {
  const half = flights.length / 2;
  for (let at = 0; at < half; at += 1000) await central.depart(flights.slice(at, at + 1000));
  page = await openTab(iata);
  await shows(iata, flights.slice(0, half));
  for (let at = half; at < flights.length; at += 500) {
    await central.depart(flights.slice(at, at + 500));
  }
  await shows(iata, flights);
  await agrees(iata);
  assert.equal(await textOf('live'), 'Connected');
  assert.equal(await textOf('storage'), 'OPFS');
  const own = flights.filter((flight) => flight.iata === iata).length;
  await becomes('held', (own + 1).toLocaleString('en-US')); // and airport_opened
});

test('a second tab is told that the airport is open, and may try again', async () => {
  const second = await openTab(iata);
  await second.waitForSelector('#notice[data-kind=data_in_use]');
  assert.match(await textOf('notice-code', second), /^data_in_use: /);
  assert.equal(await textOf('departures', second), '–');
  await page.close();
  const free = async () => (await navigator.locks.query()).held.length === 0;
  await second.waitForFunction(free); // its worker ends a while after the tab
  await second.click('#notice-retry');
  page = second;
  await shows(iata, flights);
});

test('another airport and back: each has its own database', async () => {
  await page.click('#change');
  await page.fill('#search', other);
  await page.press('#search', 'Enter');
  await shows(other, flights);
  assert.equal(new URL(page.url()).search, `?airport=${other}`);
  await agrees(other);
  await page.goBack();
  await shows(iata, flights);
  await agrees(iata);
});

test('without the node: a reload shows the board, an append is refused', async () => {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await stops();
  assert.equal(await textOf('reason'), 'upstream_unreachable');
  const refused = { code: 'no_keys', levels: ['', '', ''] };
  assert.deepEqual(await write(), refused);
  await page.reload();
  await shows(iata, flights);
  await becomes('live', 'Offline');
  assert.deepEqual(await write(), refused);
  await shows(iata, flights);
});

test('the node is back: the tab catches up and writes', async () => {
  await central.start();
  const more = flights.filter((flight) => flight.iata === iata).slice(0, 3);
  await central.depart(more);
  await shows(iata, [...flights, ...more]);
  await becomes('live', 'Connected');
  await agrees(iata);
  const { code, levels } = await write();
  assert.equal(code, 'ok');
  for (const level of levels) assert.match(level, /^\d+\.\d ms$/);
  const [{ destination, distance, delay }] = await central.node.query(
    'select destination, distance, delay from flight order by id desc limit 1',
  );
  const own = flights.filter((flight) => flight.iata === iata).length;
  await becomes('departures', (own + more.length + 1).toLocaleString('en-US'));
  assert.equal(await page.locator('#rows tr[data-mine] .miles').innerText(), 'this tab');
  assert.equal(delay, 0);
  assert(distance > 0 && airports.has(destination));
  const [{ n }] = await central.node.query('select count(*) n from flight');
  assert.equal(n, flights.length + more.length + 1, 'what was refused is not there');
  await agrees(iata);
});

/**
 * Waits until the first rows show these gates, of flights of which something waits for the node, or
 * nothing. The page is told of rows and of what waits apart.
 */
async function gates(wanted, waits) {
  const rows = wanted.map((gate) => ({ gate, waits }));
  const same = ([text, count]) => JSON.stringify(globalThis.readGates(count)) === text;
  await page.waitForFunction(same, [JSON.stringify(rows), rows.length]).catch(async () => {
    assert.deepEqual(await page.evaluate(readGates, rows.length), rows);
  });
}

/** Waits until the list below the button says this. */
async function outboxSays(wanted) {
  const is = (text) => document.getElementById('outbox').innerText.trim() === text;
  await page.waitForFunction(is, wanted).catch(async () => {
    assert.equal(await textOf('outbox'), wanted);
  });
}

test('commands without the node: shown at once, right when it is back, or refused', async () => {
  const flightsAt = async (node) =>
    node.query('select id, gate from flight where origin = ? order by id desc limit 3', iata);
  const [first, second] = await flightsAt(central.node);
  await stops();
  await page.click('#gate');
  await gates(['gate A1'], true);
  await page.click('#gate');
  await gates(['gate A1', 'gate A2'], true);
  const waits = ({ id }, gate) => `Flight ${id}, gate ${gate}: waits for the central node`;
  await outboxSays(`${waits(first, 'A1')}\n${waits(second, 'A2')}`);
  await page.reload();
  await outboxSays(`${waits(first, 'A1')}\n${waits(second, 'A2')}`);
  await gates(['gate A1', 'gate A2'], true);

  // somebody else has given the first flight a gate, before this tab is back
  await central.append(iata, { id: first.id, gate: 'A2' });
  await central.start();
  await outboxSays(`Flight ${first.id} has gate A2 already.\nOK`);
  await gates(['gate A2', 'gate A1'], false); // the second command took another
  assert.deepEqual((await flightsAt(central.node)).slice(0, 2).map(({ gate }) => gate), ['A2', 'A1']);
  await page.click('#outbox button');
  await outboxSays('');
  await page.reload();
  await page.waitForSelector('#rows tr .miles');
  await agrees(iata);
  await outboxSays('');
});

test('no error on the console, no request to anywhere else', () => {
  assert.deepEqual(errors, []);
});
