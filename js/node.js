// SPDX-License-Identifier: Apache-2.0
// The package in Node: a database runs in a worker thread of its own, over files of a directory.
import { Worker } from 'node:worker_threads';
import { Database } from './database.js';
import { RivuletError } from './error.js';

export { RivuletError };

/**
 * The program's own flags, but for those that say of what kind its text on the command line is: a
 * worker, which is a file, does not start with them.
 */
function execOptions() {
  const { execArgv } = process;
  if (!execArgv.some((flag) => flag.startsWith('--input-type'))) return {};
  return { execArgv: execArgv.filter((flag) => flag.startsWith('--experimental-')) };
}

/** @param {any} options @returns {import('./database.js').Spawn} */
function spawner(options) {
  return (receive, failed) => {
    const url = options?.workerUrl ?? new URL('./worker-node.js', import.meta.url);
    let worker;
    let heard = false;
    /** @param {string} why */
    const fail = (why) => failed(new RivuletError(heard ? 'panicked' : 'worker_failed', why));
    try {
      worker = new Worker(url, execOptions());
    } catch (error) {
      throw RivuletError.from(error, 'worker_failed');
    }
    worker.on('message', (messages) => {
      heard = true;
      receive(messages);
    });
    worker.on('error', (/** @type {any} */ error) => fail(`the worker failed: ${error.message}`));
    worker.on('exit', () => fail('the worker has ended'));
    return {
      post: (messages, transfer) => worker.postMessage(messages, transfer),
      end: () => void worker.terminate(),
    };
  };
}

/** @param {any} options */
export async function open(options) {
  return Database.open(options, spawner(options));
}

/** @param {any} options */
export async function destroy(options) {
  await Database.destroy(options, spawner(options));
}
