// SPDX-License-Identifier: Apache-2.0
// The airports of the data, out of a file that the page's service worker keeps, too: the list, the
// cities of the destinations, and where a small plane would go.

const EARTH_RADIUS_MILES = 3959;

/** City and state apart; of several towns that share an airport, the first. */
function place(city) {
  const [, towns, state] = /^(.*?)(?:, ([A-Z]{2}))?$/.exec(city);
  const town = towns.length > 18 ? towns.split(/[/-]/)[0] : towns;
  return { town: town.slice(0, 18), state: state ?? '' };
}

function miles(a, b) {
  const radians = Math.PI / 180;
  const dLat = (b.latitude - a.latitude) * radians;
  const dLon = (b.longitude - a.longitude) * radians;
  const h =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(a.latitude * radians) * Math.cos(b.latitude * radians) * Math.sin(dLon / 2) ** 2;
  return Math.round(2 * EARTH_RADIUS_MILES * Math.asin(Math.sqrt(h)));
}

export class Airports {
  #all = new Map();

  /** {run, airports}: which run of the demo it is, and its airports. */
  static async load() {
    const response = await fetch('airports.json');
    if (!response.ok) throw new Error(`airports.json: ${response.status}`);
    const { run, airports } = await response.json();
    return { run, airports: new Airports(airports) };
  }

  constructor(list) {
    for (const airport of list) this.#all.set(airport.iata, { ...airport, ...place(airport.city) });
  }

  get(iata) {
    return this.#all.get(iata);
  }

  /** The busiest first, which is how they are stored. */
  list() {
    return [...this.#all.values()];
  }

  /** Those that a search means, the ones with that code first. */
  find(text) {
    const words = text.trim().toLowerCase().split(/\s+/);
    const code = words[0].toUpperCase();
    const matches = this.list().filter((airport) => {
      const told = `${airport.iata} ${airport.city} ${airport.name}`.toLowerCase();
      return words.every((word) => told.includes(word));
    });
    const begins = (airport) => code !== '' && airport.iata.startsWith(code);
    return [...matches.filter(begins), ...matches.filter((airport) => !begins(airport))];
  }

  /** The nearest other airport: {iata, miles}. */
  nearest(iata) {
    const from = this.#all.get(iata);
    return this.list()
      .filter((airport) => airport.iata !== iata)
      .map((airport) => ({ iata: airport.iata, miles: miles(from, airport) }))
      .reduce((a, b) => (b.miles < a.miles ? b : a));
  }
}
