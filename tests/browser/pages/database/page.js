// SPDX-License-Identifier: Apache-2.0
// A page with a database of the package (served at /rivulet/). Tests call these functions, which
// are global, from outside; errors cross as plain objects: {error: {code, detail, …facts}}.
import { destroy, open, RivuletError } from '/rivulet/index.js';

/** An error as something that can leave the page. */
function plain(error) {
  if (!(error instanceof RivuletError)) {
    return { code: null, detail: String(error?.stack ?? error) };
  }
  return JSON.parse(JSON.stringify({ ...error, code: error.code, detail: error.detail }));
}

const page = {
  RivuletError,
  plain,
  destroy,

  /** Opens the database `db`. */
  async open(options) {
    globalThis.db = await open(options);
    return page.status();
  },

  /** What `run` gives, or {error}. */
  async attempt(run) {
    try {
      return await run();
    } catch (error) {
      return { error: plain(error) };
    }
  },

  /** The first status for which `met` is true. */
  async status(met = () => true, options = {}) {
    for await (const status of globalThis.db.status(options)) if (met(status)) return status;
    throw new Error('the statuses ended');
  },

  /** Resolves with the status, hash included, when the edge holds all up to a position, durably. */
  async reached(position) {
    await page.status(({ syncedTo }) => syncedTo >= position);
    return page.status(() => true, { hash: true });
  },

  /** All events of a root's log as it is now; only schemas come before them. */
  async events() {
    const { position, schemaVersion } = await page.status();
    const all = [];
    if (position > schemaVersion) {
      for await (const event of globalThis.db.events('/**')) {
        all.push(event);
        if (event.position >= position) break;
      }
    }
    return all;
  },
};

Object.assign(globalThis, { page });
