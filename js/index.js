// SPDX-License-Identifier: Apache-2.0
// The package in a browser: a database runs in a dedicated worker of its own. The form in which the
// worker is named is the one that bundlers know; where it cannot be used, `workerUrl` names it.
import { Database } from './database.js';
import { RivuletError } from './error.js';

export { RivuletError };

/** @param {any} options */
function start({ workerUrl }) {
  if (workerUrl !== undefined) return new Worker(workerUrl, { type: 'module' });
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}

/** @param {any} options */
function whyNotLoaded({ workerUrl }) {
  const which = workerUrl === undefined ? 'its script' : `its script ${workerUrl}`;
  const vite = "Vite's development server needs optimizeDeps: { exclude: ['rivulet'] }";
  return `${which} could not be loaded as a JavaScript module; ${vite}`;
}

/** @param {any} options @returns {import('./database.js').Spawn} */
function spawner(options) {
  return (receive, failed) => {
    let heard = false;
    let worker;
    try {
      worker = start(options ?? {});
    } catch (error) {
      throw RivuletError.from(error, 'worker_failed');
    }
    worker.onmessage = ({ data }) => {
      heard = true;
      receive(data);
    };
    worker.onerror = (event) => {
      event.preventDefault?.();
      const why = event.message ?? whyNotLoaded(options ?? {});
      failed(new RivuletError(heard ? 'panicked' : 'worker_failed', `the worker failed: ${why}`));
    };
    return {
      post: (messages, transfer) => worker.postMessage(messages, transfer),
      end: () => worker.terminate(),
    };
  };
}

/** Tells the database when the network or the page comes back. @param {Database} database */
function wakeWith(database) {
  const abort = new AbortController();
  const { signal } = abort;
  globalThis.addEventListener?.('online', () => database.wake(), { signal });
  globalThis.document?.addEventListener(
    'visibilitychange',
    () => document.visibilityState === 'visible' && database.wake(),
    { signal },
  );
  database.onend = () => abort.abort();
  return database;
}

/** @param {any} options */
export async function open(options) {
  return wakeWith(await Database.open(options, spawner(options)));
}

/** @param {any} options */
export async function destroy(options) {
  await Database.destroy(options, spawner(options));
}
