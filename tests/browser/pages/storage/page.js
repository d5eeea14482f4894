// SPDX-License-Identifier: Apache-2.0
// Workers that the tests of storage start, ask and end: `workers.start('a')` starts one,
// `workers.call('a', 'mount', …)` answers {result} or {error: {code, detail}}, `workers.end('a')`
// terminates it without a word.
const started = new Map();
let idNext = 1;

globalThis.workers = {
  start(name) {
    const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' });
    const waiting = new Map();
    worker.onmessage = ({ data: { id, ...answer } }) => {
      waiting.get(id)?.(answer);
      waiting.delete(id);
    };
    worker.onerror = ({ message = 'it could not be loaded' }) => {
      for (const settle of waiting.values()) settle({ error: { code: 'none', detail: message } });
      waiting.clear();
    };
    started.set(name, { worker, waiting });
  },

  call(name, method, ...args) {
    const { worker, waiting } = started.get(name);
    const id = idNext++;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      worker.postMessage({ id, method, args });
    });
  },

  end(name) {
    started.get(name).worker.terminate();
    started.delete(name);
  },
};
