// SPDX-License-Identifier: Apache-2.0
// The board: a fixed number of rows of split-flap cells, so that nothing shifts. A few new flights
// at the top push the others down and flap in; anything else, another airport above all, turns
// every cell where it stands.
import { flap, put } from './flap.js';

export const ROWS = 20;
const NEW_MAX = 4; // flights that come in one by one; more at once turn the whole board

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

const still = matchMedia('(prefers-reduced-motion: reduce)');

/** What the cells of a flight show. */
function textsOf(flight, airports) {
  const at = flight.scheduled_at; // 2001-03-31T22:27:00
  const to = airports.get(flight.destination);
  return {
    date: `${at.slice(8, 10)} ${MONTHS[Number(at.slice(5, 7)) - 1]}`,
    time: at.slice(11, 16),
    iata: flight.destination,
    city: (to?.town ?? '').toUpperCase(),
    state: to?.state ?? '',
    delay: `${flight.delay > 0 ? '+' : ''}${flight.delay}`.padStart(4),
  };
}

const EMPTY = { date: '', time: '', iata: '', city: '', state: '', delay: '' };

const kindOf = (delay) => (delay >= 30 ? 'bad' : delay >= 15 ? 'fair' : 'good');

function milesOf(flight, mine) {
  if (!flight) return '';
  if (flight.gate) return `gate ${flight.gate}`;
  return mine.has(flight.id) ? 'this tab' : flight.distance.toLocaleString('en-US');
}

function makeRow() {
  const row = document.createElement('tr');
  const cells = {};
  for (const name of Object.keys(EMPTY)) {
    const flaps = document.createElement('span');
    flaps.className = 'flap';
    put(flaps, '');
    const cell = document.createElement('td');
    cell.className = name;
    cell.append(flaps);
    row.append(cell);
    cells[name] = flaps;
  }
  const miles = document.createElement('span');
  put(miles, '');
  const cell = document.createElement('td');
  cell.className = 'miles';
  cell.append(miles);
  row.append(cell);
  return { row, cells, miles };
}

export class Board {
  #body;
  #airports;
  #rows = [];
  #shown = []; // ids of the flights, from the top
  #height = 0;

  /** Of a tbody. */
  constructor(body, airports) {
    this.#body = body;
    this.#airports = airports;
    this.#rows = Array.from({ length: ROWS }, makeRow);
    body.append(...this.#rows.map(({ row }) => row));
  }

  /**
   * Shows flights, the newest first; `mine` are the ids of those that this tab wrote, `waiting` of
   * those of which something waits for the node.
   */
  show(flights, { mine = new Set(), waiting = new Set(), motion = true } = {}) {
    const ids = flights.map((flight) => flight.id);
    const fresh = ids.indexOf(this.#shown[0]);
    const arrives = motion && fresh > 0 && fresh <= NEW_MAX;
    const turns = motion && fresh < 0;
    this.#rows.forEach((slot, i) => {
      const flight = flights[i];
      const texts = flight ? textsOf(flight, this.#airports) : EMPTY;
      this.#paint(slot, texts, {
        before: arrives && i < fresh ? EMPTY : null,
        delay: turns ? Math.floor(i / 2) : 0,
        motion: turns || (arrives && i < fresh),
      });
      slot.row.toggleAttribute('data-mine', mine.has(flight?.id));
      slot.row.toggleAttribute('data-waits', waiting.has(flight?.id));
      slot.row.dataset.delay = flight ? kindOf(flight.delay) : '';
      put(slot.miles, milesOf(flight, mine));
    });
    this.#shown = ids;
    if (arrives) this.#push(fresh);
  }

  #paint({ cells }, texts, { before, delay, motion }) {
    for (const [name, element] of Object.entries(cells)) {
      if (before) put(element, before[name]);
      if (motion) flap(element, texts[name], delay);
      else put(element, texts[name]);
    }
  }

  /** Lets the rows slide down from where they were. */
  #push(count) {
    if (still.matches || document.hidden) return;
    this.#height ||= this.#rows[0].row.getBoundingClientRect().height;
    this.#body.animate(
      [{ transform: `translateY(-${count * this.#height}px)` }, { transform: 'none' }],
      { duration: 220, easing: 'ease-out' },
    );
  }
}
