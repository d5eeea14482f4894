// SPDX-License-Identifier: Apache-2.0
// A page of a real browser, and what it says of itself when a test waited for it too long.
import { inspect } from 'node:util';
import { waiting, within } from './wait.mjs';

const timeoutMs = 30000;
const answerMs = 3000;

const short = (value) =>
  inspect(value, { breakLength: Infinity, maxStringLength: 80, maxArrayLength: 20 }).slice(0, 300);

/** What an evaluation is called: the function's name, or how it begins, and its argument. */
function nameOf(body, argument) {
  const text = String(body).replace(/\s+/g, ' ');
  const begins = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return `${body.name || begins} (${argument === undefined ? '' : short(argument)})`;
}

export class TestPage {
  #name;

  constructor(name, raw) {
    this.#name = name;
    this.raw = raw;
  }

  /** Lasts as long as the test may. */
  evaluate(body, argument) {
    const what = `${this.#name}: ${nameOf(body, argument)}`;
    return waiting(what, this.raw.evaluate(body, argument));
  }

  async reload() {
    const what = `${this.#name}: reload of ${this.raw.url()}`;
    await within(timeoutMs, what, this.raw.reload({ waitUntil: 'load' }));
  }

  async close() {
    await within(timeoutMs, `${this.#name}: close of ${this.raw.url()}`, this.raw.close());
  }
}

/**
 * In the page: who has which locks, which databases there are, and what the page adds: a page of
 * the tests may have `globalThis.describe()`.
 */
async function ofItself() {
  const patience = (promise) => {
    const none = new Promise((resolve) => setTimeout(resolve, 1000, 'does not answer'));
    return Promise.race([promise, none]).catch((error) => String(error));
  };
  const { held, pending } = await patience(navigator.locks.query());
  const names = (locks) => locks?.map(({ name }) => name);
  return JSON.stringify({
    locks: names(held),
    locksWaitedFor: names(pending),
    databases: await patience(indexedDB.databases()),
    says: await patience(Promise.resolve(globalThis.describe?.())),
  });
}

/** A line about a page, the driver's. */
export async function describePage(raw) {
  const said = within(answerMs + 1000, 'a description', raw.evaluate(ofItself));
  return `page ${raw.url()}: ${await said.catch((error) => error.message)}`;
}
