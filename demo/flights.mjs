// SPDX-License-Identifier: Apache-2.0
// The demo's data: 20,000 real flights of early 2001 in order of time, and the airports between
// which they fly.
import { readFileSync } from 'node:fs';

const folder = new URL('../build/deps/flights/', import.meta.url);

/** Splits a line of CSV; quoted fields may hold commas and doubled quotes. */
function splitCsv(line) {
  const fields = [];
  for (const match of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    fields.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
  }
  return fields;
}

/** In order of time: {iata, destination, scheduled_at, delay, distance}. */
export function readFlights() {
  return JSON.parse(readFileSync(new URL('flights-20k.json', folder), 'utf8'))
    .map((f) => ({
      iata: f.origin,
      destination: f.destination,
      scheduled_at: `${f.date.replaceAll('/', '-')}:00`,
      delay: f.delay,
      distance: f.distance,
    }))
    .sort(({ scheduled_at: a }, { scheduled_at: b }) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The airports of `flights`, by their codes: {iata, name, city, latitude, longitude}. */
export function readAirports(flights) {
  const used = new Set(flights.flatMap((f) => [f.iata, f.destination]));
  const airports = new Map();
  const lines = readFileSync(new URL('airports.csv', folder), 'utf8').split('\n').slice(1);
  for (const [iata, name, city, state, , latitude, longitude] of lines.map(splitCsv)) {
    if (!used.has(iata)) continue;
    const place = { latitude: Number(latitude), longitude: Number(longitude) };
    airports.set(iata, { iata, name, city: state ? `${city}, ${state}` : city, ...place });
  }
  for (const iata of used) {
    if (!airports.has(iata)) airports.set(iata, { iata, name: iata, city: iata });
  }
  return airports;
}
