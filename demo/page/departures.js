// SPDX-License-Identifier: Apache-2.0
// One airport's database: opens it as an edge of the node that serves the page, and tells what is
// on the board and how the node stands. What the board shows are live queries: SQL, answered again
// when what it reads has changed.
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
  #airport = null;
  #flights = null;
  #shown = false;
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
    await Promise.all(this.#following);
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
      if (!this.#shown) this.#show(); // there is a schema now
    }
  }

  /** The rows as they are, what waits included, and as they come to be. */
  #show() {
    this.#shown = true;
    const { signal } = this.#ending;
    const tell = () => {
      if (this.#airport && this.#flights) this.#tell.rows(this.#airport, this.#flights);
    };
    const airport = async () => {
      for await (const [row] of this.#db.live(AIRPORT, [this.#iata], { signal })) {
        this.#airport = row;
        tell();
      }
    };
    const flights = async () => {
      for await (const rows of this.#db.live(FLIGHTS, [], { signal })) {
        this.#flights = rows;
        tell();
      }
    };
    this.#following.push(this.#follow(airport), this.#follow(flights));
  }

  async #pending() {
    const feed = this.#db.pending({ signal: this.#ending.signal });
    for await (const batches of feed) this.#tell.pending(batches);
  }

  async #rejections() {
    const feed = this.#db.rejections({ signal: this.#ending.signal });
    for await (const rejection of feed) this.#tell.rejected(rejection);
  }

  async #status() {
    const feed = this.#db.status({ hash: true, signal: this.#ending.signal });
    for await (const status of feed) this.#tell.status(status);
  }
}
