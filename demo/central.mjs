// SPDX-License-Identifier: Apache-2.0
// The demo's central node: it can be stopped and started again at the same address with what it
// holds, shows the page, and takes the flights.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { appendTo, Node } from './node.mjs';

/** `port` if nothing listens there, else 0: any. */
export async function freePort(port) {
  const server = createServer();
  const free = await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free ? port : 0;
}

export class Central {
  /** Of class Node; null while it is stopped. */
  node = null;
  #data;
  #options;
  #address;

  constructor(data, { port = 0, options = [] }) {
    this.#data = data;
    this.#options = options;
    this.#address = `127.0.0.1:${port}`;
  }

  async start() {
    const node = await Node.start(this.#data, '--listen', this.#address, ...this.#options);
    this.#address = new URL(node.url).host;
    this.node = node;
    void node.ended.then(() => {
      if (this.node === node) this.node = null; // somebody else ended it
    });
  }

  /** Its exit code. */
  async stop() {
    const { node } = this;
    this.node = null;
    return node === null ? 0 : node.stop();
  }

  /** Gives a flight a gate behind everybody's back, while the node is stopped. */
  append(iata, data) {
    return appendTo(this.#data, `/airports/${iata}`, 'gate_given', { iata, ...data });
  }

  /** After a request failed: is that because it has ended? */
  async isGone() {
    const { node } = this;
    if (node !== null) await Promise.race([node.ended, sleep(1000, undefined, { ref: false })]);
    return this.node === null;
  }

  get url() {
    return `http://${this.#address}`;
  }

  get syncUrl() {
    return `ws://${this.#address}/sync`;
  }

  /** The schema, and an event for each airport. */
  async prepare(airports) {
    await this.node.applySchema(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));
    const events = [...airports.values()].map(({ iata, name, city }) => ({
      path: `/airports/${iata}`,
      type: 'airport_opened',
      data: { iata, name, city },
    }));
    await this.node.append(events);
  }

  /** Flights leave: one atomic batch. */
  async depart(flights) {
    const events = flights.map((data) => ({
      path: `/airports/${data.iata}`,
      type: 'flight_departed',
      data,
    }));
    await this.node.append(events);
  }
}
