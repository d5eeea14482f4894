// SPDX-License-Identifier: Apache-2.0
// The page: which airport is in the address (?airport=ORD); here its database is opened, what it
// tells goes to board, figures, panel and notice, and it is closed before another one is opened.
import { Agreement } from './agreement.js';
import { Airports } from './airports.js';
import { Board } from './board.js';
import { Departures, forget, nameOf } from './departures.js';
import { flap } from './flap.js';
import { Gates } from './gates.js';
import { Keeper } from './keeper.js';
import { Notice } from './notice.js';
import { Panel } from './panel.js';
import { Picker } from './picker.js';
import { Writer } from './writer.js';

const byId = (id) => document.getElementById(id);

const REMEMBERED = 'rivulet-departures'; // in localStorage: {names, last}
const SOON_MS = 250;

function remembered() {
  return { names: [], last: 'ORD', ...JSON.parse(localStorage.getItem(REMEMBERED) ?? '{}') };
}

function remember(facts) {
  localStorage.setItem(REMEMBERED, JSON.stringify({ ...remembered(), ...facts }));
}

class Page {
  #run;
  #airports;
  #board;
  #panel = new Panel();
  #writer = new Writer();
  #gates = new Gates();
  #notice = new Notice(() => this.show(this.#iata));
  #keeper = new Keeper();
  #iata = '';
  #shown = null; // {departures, agreement}
  #status = null; // what the database told last
  #changing = Promise.resolve();
  #mine = new Set();
  #last = null; // what was drawn
  #waiting = new Set(); // flights of which something waits for the node
  #drawn = ''; // the airport whose flights are on the board
  #latest = '2001-01-01T00:00:00'; // when the last of them left

  constructor(run, airports) {
    this.#run = run;
    this.#airports = airports;
    this.#board = new Board(byId('rows'), airports);
    const picker = new Picker(airports, (iata) => this.choose(iata));
    for (const id of ['choose', 'change']) {
      byId(id).addEventListener('click', () => picker.open(this.#iata));
    }
    addEventListener('popstate', () => this.show(this.#asked()));
  }

  /** Databases of earlier runs follow nodes that are no more. */
  async tidy() {
    const own = nameOf(this.#run, '');
    const old = remembered().names.filter((name) => !name.startsWith(own));
    const left = await forget(old);
    const stays = (name) => !old.includes(name) || left.includes(name);
    remember({ names: remembered().names.filter(stays) });
  }

  start() {
    const iata = this.#asked();
    history.replaceState(null, '', `?airport=${iata}`);
    return this.show(iata);
  }

  choose(iata) {
    if (iata === this.#iata) return;
    history.pushState(null, '', `?airport=${iata}`);
    this.show(iata);
  }

  /** The airport in the address, else the last one. */
  #asked() {
    const iata = new URLSearchParams(location.search).get('airport')?.toUpperCase();
    return [iata, remembered().last, this.#airports.list()[0].iata].find((one) =>
      this.#airports.get(one),
    );
  }

  /** One change after the other; one that is outdated when its turn comes is left out. */
  show(iata) {
    this.#iata = iata;
    this.#head(this.#airports.get(iata));
    this.#changing = this.#changing.then(() => (this.#iata === iata ? this.#change(iata) : null));
    return this.#changing;
  }

  #head(airport) {
    document.title = `${airport.iata} departures · Rivulet`;
    flap(byId('airport-code'), airport.iata);
    byId('airport-name').textContent = airport.name;
    byId('airport-city').textContent = airport.city;
  }

  async #change(iata) {
    const slow = setTimeout(() => this.#opening(), SOON_MS);
    try {
      await this.#close();
      this.#panel.clear(`/airports/${iata}`);
      this.#notice.hide();
      const { names } = remembered();
      remember({ last: iata, names: [...new Set([...names, nameOf(this.#run, iata)])] });
      await this.#open(iata);
    } catch (error) {
      this.#failed(error);
    } finally {
      clearTimeout(slow);
    }
  }

  /** It takes a while: what another airport left on the board goes. */
  #opening() {
    this.#blank();
    this.#notice.show('opening');
  }

  async #open(iata) {
    const agreement = new Agreement(`/airports/${iata}`, (answer) => this.#panel.agreement(answer));
    const departures = await Departures.open(
      { iata, run: this.#run },
      {
        rows: (airport, flights) => this.#draw(iata, airport, flights),
        held: (count) => this.#panel.held(count),
        pending: (batches) => this.#wait(batches),
        rejected: (rejection) => this.#gates.rejected(rejection),
        status: (status) => {
          this.#panel.status(status);
          agreement.note(status);
          this.#heed(iata, status);
        },
        failed: (error) => this.#failed(error),
      },
    );
    this.#shown = { departures, agreement };
    setTimeout(() => this.#shown?.departures === departures && this.#explain(iata), SOON_MS);
    this.#writer.use(() => this.#send(departures, iata));
    this.#gates.use((id) => departures.giveGate(id));
  }

  async #close() {
    const shown = this.#shown;
    this.#shown = null;
    this.#last = null;
    this.#status = null;
    this.#writer.use(null);
    this.#gates.use(null);
    this.#waiting = new Set();
    shown?.agreement.close();
    await shown?.departures.close();
  }

  /** The same rows, of which some are another's or wait by now. */
  #redraw() {
    if (this.#last) this.#draw(this.#last.iata, this.#last.airport, this.#last.flights);
  }

  #draw(iata, airport, flights) {
    this.#last = { iata, airport, flights };
    const motion = this.#drawn !== ''; // what is there after loading is there at once
    this.#board.show(flights, { mine: this.#mine, waiting: this.#waiting, motion });
    this.#gates.flights(flights);
    this.#drawn = iata;
    this.#latest = flights[0]?.scheduled_at ?? this.#latest;
    this.#figures(airport);
    this.#notice.hide();
  }

  /** What waits is marked in the rows. */
  #wait(batches) {
    this.#waiting = new Set(batches.flatMap(({ events }) => events.map(({ data }) => data.id)));
    this.#redraw();
    this.#gates.pending(batches);
  }

  #figures({ departures, minutes_late: late, on_time: onTime }) {
    byId('departures').textContent = departures.toLocaleString('en-US');
    byId('average').textContent = departures ? (late / departures).toFixed(1) : '–';
    byId('on-time').textContent = departures ? Math.round((100 * onTime) / departures) : '–';
  }

  #heed(iata, status) {
    const first = this.#status === null; // the rows, if there are any, come next
    this.#status = status;
    if (status.connection === 'error') void this.#refused();
    if (status.connection === 'connected') void this.#keeper.renew();
    if (!first) this.#explain(iata);
  }

  /** While there is nothing of the airport: what is it that is waited for? */
  #explain(iata) {
    if (this.#drawn === iata || this.#status === null) return;
    const { connection, reason } = this.#status;
    if (this.#drawn !== '') this.#blank();
    if (connection === 'error') this.#notice.show('other', reason ?? {});
    else this.#notice.show(connection === 'offline' ? 'nothing_here' : 'waiting');
  }

  #blank() {
    this.#drawn = '';
    this.#board.show([], { motion: false });
    for (const id of ['departures', 'average', 'on-time']) byId(id).textContent = '–';
  }

  /** A node that has another log belongs to another run of the demo, and so to a newer page. */
  async #refused() {
    const { run } = await Airports.load();
    if (run !== this.#run) location.reload();
  }

  #failed(error) {
    const code = error.code ?? error.name;
    this.#blank();
    this.#panel.failed(code);
    this.#notice.show(code, { code, detail: error.detail ?? error.message });
  }

  /** A small plane to the nearest airport, on time; it leaves when the last flight left. */
  #send(departures, iata) {
    const { iata: destination, miles } = this.#airports.nearest(iata);
    const append = departures.send({
      destination,
      scheduled_at: this.#latest,
      delay: 0,
      distance: miles,
    });
    append.durable('memory').then(
      ({ data }) => {
        this.#mine.add(data.id);
        this.#redraw();
      },
      () => {}, // the writer tells it
    );
    return { append, destination };
  }
}

async function start() {
  const { run, airports } = await Airports.load();
  const page = new Page(run, airports);
  await page.start();
  await page.tidy();
}

try {
  await start();
} catch (error) {
  // A SecurityError is that the browser gives no storage at all.
  const code = error.code ?? error.name;
  const kind = error.name === 'SecurityError' ? 'storage_unavailable' : 'other';
  new Notice(() => location.reload()).show(kind, { code, detail: error.message });
}
