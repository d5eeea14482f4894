// SPDX-License-Identifier: Apache-2.0
// The service worker that keeps the page's own files: registered once, and asked for a newer build
// as soon as the node is known to be there. Where the browser has none, the page only needs the
// node to be loaded.

export class Keeper {
  #registration = null;
  #asked = false;

  constructor() {
    const workers = navigator.serviceWorker;
    this.#registration = workers?.register('sw.js', { updateViaCache: 'none' }) ?? null;
  }

  /** The node is there. */
  async renew() {
    if (this.#asked || this.#registration === null) return;
    this.#asked = true;
    const registration = await this.#registration;
    try {
      await registration.update();
    } catch {
      this.#asked = false; // it went away again: the next time that it is there
    }
  }
}
