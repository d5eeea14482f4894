// SPDX-License-Identifier: Apache-2.0
// The button that appends an event, and what became of it, level by level, with the time that it
// took.

const byId = (id) => document.getElementById(id);

const number = (value) => value.toLocaleString('en-US');

const LEVELS = ['upstream', 'memory', 'local'];

/** What a refusal means to whoever pressed the button. */
function explain(error) {
  if (error.code === 'no_keys') {
    return (
      'Refused: no_keys. The central node gives a flight its number, and it is away: ' +
      'nothing was written, nothing is pending.'
    );
  }
  return `Refused: ${error.code ?? error.name}. ${error.detail ?? error.message}`;
}

function mark(level, is, text) {
  const line = document.querySelector(`[data-level=${level}]`);
  line.dataset.is = is;
  line.querySelector('output').textContent = text;
}

export class Writer {
  #button = byId('send');
  #outcome = byId('outcome');
  #send = null;

  constructor() {
    this.#button.addEventListener('click', () => this.#write());
  }

  /** `send()` gives {append, destination}; null while there is no database. */
  use(send) {
    this.#send = send;
    this.#button.disabled = send === null;
    this.#clear();
  }

  #clear() {
    for (const level of LEVELS) mark(level, '', '');
    this.#outcome.textContent = '\u00a0';
    delete this.#outcome.dataset.code;
  }

  async #write() {
    this.#clear();
    this.#button.disabled = true;
    const send = this.#send;
    const started = performance.now();
    try {
      const { append, destination } = send();
      const levels = LEVELS.map(async (level) => {
        const event = await append.durable(level);
        const took = `${(performance.now() - started).toFixed(1)} ms`;
        if (this.#send === send) mark(level, 'good', took);
        return event;
      });
      const [{ position, data }] = await Promise.all(levels);
      const flight = `Flight ${number(data.id)} to ${destination}`;
      this.#say(send, 'ok', `${flight} left, at position ${number(position)}.`);
    } catch (error) {
      if (this.#send === send) this.#refused();
      this.#say(send, error.code ?? error.name, explain(error));
    } finally {
      this.#button.disabled = this.#send === null;
    }
  }

  /** Levels that were reached stay; the others were not. */
  #refused() {
    for (const level of LEVELS) {
      const line = document.querySelector(`[data-level=${level}]`);
      if (line.dataset.is !== 'good') mark(level, 'bad', '');
    }
  }

  /** Of a database that is gone nothing is said. */
  #say(send, code, text) {
    if (this.#send !== send) return;
    this.#outcome.dataset.code = code;
    this.#outcome.textContent = text;
  }
}
