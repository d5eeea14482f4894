// SPDX-License-Identifier: Apache-2.0
// One airport's database: opens it as an edge of the node that serves the page, and tells what is
// on the board and how the node stands. Events are only the trigger; the figures are asked for with
// SQL, once for all events that came meanwhile.
//
//     const departures = await Departures.open({ iata, run }, { rows, held, status, pending,
//                                                               rejected, failed });
//     departures.send(data)  ->  Append      departures.giveGate(id)  ->  Append
//     await departures.close()
import { destroy, open } from './rivulet/index.js';
import { ROWS } from './board.js';

const AIRPORT = `
  SELECT departures, minutes_late,
         (SELECT count(*) FROM flight WHERE delay < 15) AS on_time
  FROM airport WHERE iata = ?`;

const FLIGHTS = `
  SELECT id, destination, scheduled_at, delay, distance, gate
  FROM flight ORDER BY id DESC LIMIT ${ROWS}`;

/** Removes databases of earlier runs of the demo; gives those that are open, and so stay. */
export async function forget(names) {
  const left = [];
  for (const name of names) {
    try {
      await destroy({ name });
    } catch (error) {
      if (error.code === 'data_in_use') left.push(name);
      else if (error.code !== 'data_not_found') throw error;
    }
  }
  return left;
}

export const nameOf = (run, iata) => `departures-${run}-${iata}`;

export class Departures {
  #db;
  #iata;
  #tell;
  #dirty = false;
  #asking = null;
  #ending = new AbortController();
  #following = [];

  static async open({ iata, run }, tell) {
    const upstream = new URL('sync', document.baseURI);
    upstream.protocol = upstream.protocol.replace('http', 'ws');
    const db = await open({
      name: nameOf(run, iata),
      upstream: { url: upstream.href },
      select: { streams: [`/airports/${iata}`] },
      commands: new URL('commands.js', import.meta.url),
    });
    return new Departures(db, iata, tell);
  }

  constructor(db, iata, tell) {
    this.#db = db;
    this.#iata = iata;
    this.#tell = tell;
    const feeds = [() => this.#events(), () => this.#status(), () => this.#pending()];
    this.#following = [...feeds, () => this.#rejections()].map((run) => this.#follow(run));
  }

  get path() {
    return `/airports/${this.#iata}`;
  }

  /** Appends the departure of a flight. */
  send(data) {
    return this.#db.append(this.path, 'flight_departed', { iata: this.#iata, ...data });
  }

  /** Gives a flight a gate: a command, which waits for the node if that is away. */
  giveGate(id) {
    return this.#db.run('give_gate', { id });
  }

  async close() {
    this.#ending.abort();
    await this.#db.close();
    await Promise.all([...this.#following, this.#asking]);
  }

  /** Runs until the end; only an error that is not the end is told. */
  async #follow(run) {
    try {
      await run();
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#tell.failed(error);
    }
  }

  async #events() {
    for await (const event of this.#db.events(this.path, { signal: this.#ending.signal })) {
      this.#tell.held(event.version);
      this.#changed();
    }
  }

  /** What waits is in the rows already. */
  async #pending() {
    for await (const batches of this.#db.pending({ signal: this.#ending.signal })) {
      this.#tell.pending(batches);
      this.#changed();
    }
  }

  async #rejections() {
    const feed = this.#db.rejections({ signal: this.#ending.signal });
    for await (const rejection of feed) this.#tell.rejected(rejection);
  }

  #changed() {
    this.#dirty = true;
    this.#asking ??= this.#follow(() => this.#ask());
  }

  async #status() {
    const feed = this.#db.status({ hash: true, signal: this.#ending.signal });
    for await (const status of feed) this.#tell.status(status);
  }

  async #ask() {
    try {
      while (this.#dirty) {
        this.#dirty = false;
        const [[airport], flights] = await Promise.all([
          this.#db.query(AIRPORT, [this.#iata]),
          this.#db.query(FLIGHTS),
        ]);
        if (airport && !this.#ending.signal.aborted) this.#tell.rows(airport, flights);
      }
    } finally {
      this.#asking = null;
    }
  }
}
