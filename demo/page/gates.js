// SPDX-License-Identifier: Apache-2.0
// The button that gives the newest flight without a gate one, node or no node, and the list below
// it: what waits for the central node, and what that has refused, until the visitor has seen it.

const byId = (id) => document.getElementById(id);

const SHOWN = 5; // lines; of more the last says how many

function line(is, text) {
  const item = document.createElement('li');
  item.dataset.is = is;
  const words = document.createElement('span');
  words.textContent = text;
  item.append(words);
  return item;
}

export class Gates {
  #button = byId('gate');
  #list = byId('outbox');
  #give = null;
  #flight = null; // the newest without a gate
  #waiting = [];
  #refused = [];
  #said = '';

  constructor() {
    this.#button.addEventListener('click', () => this.#press());
  }

  /** `give(id)` gives a flight a gate; null while there is no database. */
  use(give) {
    this.#give = give;
    this.#waiting = [];
    this.#refused = [];
    this.#said = '';
    this.flights([]);
    this.#show();
  }

  /** The flights on the board. */
  flights(flights) {
    this.#flight = flights.find(({ gate }) => !gate) ?? null;
    this.#button.disabled = this.#give === null || this.#flight === null;
  }

  /** Batches that wait. */
  pending(batches) {
    this.#waiting = batches;
    this.#show();
  }

  /** A rejection. */
  rejected(rejection) {
    this.#refused.push(rejection);
    this.#show();
  }

  async #press() {
    const give = this.#give;
    const { id } = this.#flight;
    this.#button.disabled = true; // until the board shows the gate
    this.#said = '';
    try {
      await give(id).durable('local');
    } catch (error) {
      if (this.#give !== give) return;
      this.#said = error.detail ?? error.message;
      this.#button.disabled = false;
      this.#show();
    }
  }

  #show() {
    const waiting = this.#waiting.map((batch) => {
      const [{ data }] = batch.events;
      const gate = data.gate ? `gate ${data.gate}` : 'off';
      return line('waiting', `Flight ${data.id}, ${gate}: waits for the central node`);
    });
    const refused = this.#refused.map((rejection) => {
      const item = line('refused', rejection.reason.detail);
      const seen = document.createElement('button');
      seen.type = 'button';
      seen.textContent = 'OK';
      seen.addEventListener('click', () => this.#seen(rejection, seen));
      item.append(seen);
      return item;
    });
    const said = this.#said ? [line('refused', this.#said)] : [];
    const lines = [...said, ...refused, ...waiting];
    const more = lines.length - SHOWN;
    const last = more > 0 ? [line('waiting', `and ${more} more`)] : [];
    this.#list.replaceChildren(...lines.slice(0, SHOWN), ...last);
  }

  async #seen(rejection, button) {
    button.disabled = true;
    await rejection.acknowledge();
    this.#refused = this.#refused.filter((other) => other !== rejection);
    this.#show();
  }
}
