// SPDX-License-Identifier: Apache-2.0
// Whether this tab and the central node agree: both fold the same events, so at the same position
// their state hashes of the same selection must be equal. The central node is asked now and then
// while events come, and what it says is compared with what this tab had at that position.

const INTERVAL_MS = 2000;
const AGAIN_MS = 250; // this tab did not have that position, or not yet
const REMEMBERED = 256;

export class Agreement {
  #path;
  #tell;
  #hashes = new Map(); // of this tab, by position
  #latest = 0;
  #agreed = null; // the last answer: {equal, position}
  #connected = null; // not known yet
  #timer = 0;
  #ending = new AbortController();

  /** `tell` gets {equal, position}, or 'away' without a connection, or 'asking' at first. */
  constructor(path, tell) {
    this.#path = path;
    this.#tell = tell;
  }

  /** What this tab says of itself. */
  note({ position, stateHash, connection }) {
    this.#hashes.set(position, stateHash);
    this.#latest = position;
    for (const old of this.#hashes.keys()) {
      if (this.#hashes.size <= REMEMBERED) break;
      this.#hashes.delete(old);
    }
    const connected = connection === 'connected';
    if (connected !== this.#connected) {
      this.#connected = connected;
      this.#agreed = null;
      this.#tell(connected ? 'asking' : 'away');
    }
    if (connected && this.#timer === 0 && this.#agreed?.position !== position) this.#plan(AGAIN_MS);
  }

  close() {
    clearTimeout(this.#timer);
    this.#ending.abort();
  }

  #plan(milliseconds) {
    this.#timer = setTimeout(() => this.#compare(), milliseconds);
  }

  async #compare() {
    const central = await this.#ask();
    if (this.#ending.signal.aborted) return;
    this.#timer = 0;
    const hash = central && this.#hashes.get(central.position);
    if (hash && this.#connected) {
      const equal = hash === central.selection_hash;
      this.#agreed = { equal, position: central.position };
      this.#tell(this.#agreed);
    }
    const settled = this.#agreed?.position === this.#latest;
    if (this.#connected && !settled) this.#plan(hash ? INTERVAL_MS : AGAIN_MS);
  }

  /** The central node's status, with the hash of this selection; null when it does not answer. */
  async #ask() {
    const url = new URL(`status?select=${encodeURIComponent(this.#path)}`, document.baseURI);
    try {
      const response = await fetch(url, { cache: 'no-store', signal: this.#ending.signal });
      return response.ok ? await response.json() : null;
    } catch {
      return null; // it is away; the connection says so, too
    }
  }
}
