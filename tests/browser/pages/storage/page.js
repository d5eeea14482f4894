// SPDX-License-Identifier: Apache-2.0
// Workers that the tests of storage start, ask and end: `workers.start('a')` starts one,
// `workers.call('a', 'mount', …)` answers {result} or {error: {code, detail}}, `workers.end('a')`
// terminates it without a word. `describe()` says what they were asked and have not answered.
const started = new Map();
let idNext = 1;

globalThis.workers = {
  start(name) {
    const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' });
    const one = { worker, waiting: new Map(), failure: null };
    worker.onmessage = ({ data: { id, ...answer } }) => {
      one.waiting.get(id)?.settle(answer);
      one.waiting.delete(id);
    };
    worker.onerror = ({ message = 'it could not be loaded' }) => {
      one.failure = { error: { code: 'none', detail: message } };
      for (const { settle } of one.waiting.values()) settle(one.failure);
      one.waiting.clear();
    };
    started.set(name, one);
  },

  call(name, method, ...args) {
    const { worker, waiting, failure } = started.get(name);
    if (failure !== null) return Promise.resolve(failure);
    const id = idNext++;
    return new Promise((settle) => {
      waiting.set(id, { settle, method, args, since: performance.now() });
      worker.postMessage({ id, method, args });
    });
  },

  end(name) {
    started.get(name).worker.terminate();
    started.delete(name);
  },
};

globalThis.describe = () =>
  [...started].map(([name, { waiting, failure }]) => {
    const calls = [...waiting.values()].map(({ method, args, since }) => {
      return `${method} ${JSON.stringify(args)} for ${Math.round(performance.now() - since)} ms`;
    });
    return { worker: name, failure, calls };
  });
