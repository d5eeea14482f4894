// SPDX-License-Identifier: Apache-2.0
// What the tests that kill share: random numbers that a seed gives again, a tab that reports what
// was acknowledged while it works, and its sudden end.
import { setTimeout as sleep } from 'node:timers/promises';
import { launch } from '../harness/browser.mjs';
import { openPage } from './fixture.mjs';

/** Numbers in [0, 1), the same for the same seed (mulberry32), which is printed; SEED sets it. */
export function random() {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  console.log(`SEED=${seed}`);
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A Chromium whose tabs are killed; what they report comes to `onreport`. */
export class Victim {
  onreport = () => {};
  #browser;
  #site;

  static async launch(site) {
    const victim = new Victim();
    victim.#site = site;
    victim.#browser = await launch('chromium');
    await victim.#listen();
    return victim;
  }

  #listen() {
    return this.#browser.raw.exposeFunction('report', (value) => this.onreport(value));
  }

  /** A page with the function `report`. */
  page() {
    return openPage(this.#browser, this.#site);
  }

  /**
   * Has a new tab do something and kills it after a while, counted from the first report that
   * `begun` is true of; the whole browser with it, or only the tab's process. What the tab would have
   * answered is gone with it.
   */
  async killDuring(work, argument, { begun = () => true, after, whole }) {
    const page = await this.page();
    const has = new Promise((resolve) => {
      const { onreport } = this;
      this.onreport = (value) => {
        onreport(value);
        if (!begun(value)) return;
        this.onreport = onreport;
        resolve();
      };
    });
    // Of a tab that was killed, no end is told.
    const early = page.evaluate(work, argument).then(() => {
      throw new Error('the work ended before it was killed');
    });
    await Promise.race([has, early]);
    await Promise.race([sleep(after), early]);
    early.catch(() => {});
    if (whole) {
      await this.#browser.kill();
      await this.#browser.restart();
      await this.#listen();
    } else {
      await this.#browser.killRenderers();
    }
  }
}
