// SPDX-License-Identifier: Apache-2.0
// The module alone, in a worker: opens a database that is there again and again, a new instance
// each time and without its checkpoints, so that every event is folded, and times what the module
// takes from the first call to the open node. Files come out of the system's cache, as natively in
// tests/bench/core.c.
import { Engine } from './rivulet/engine.js';
import { mount } from './rivulet/storage/opfs.js';

const OK = 0;
const PENDING = 1;
const REPEATS = 7;
const MEMORY = 128 * 1024 * 1024;

const now = () => performance.now() * 1000;

/** Calls until it is not pending, waiting for the storage in between; the status it had at last. */
async function finish(engine, call) {
  for (let seen = -1; ; seen = engine.activity) {
    const status = call();
    if (status !== PENDING) return status;
    if (engine.activity === seen && engine.pending > 0) {
      await new Promise((resolve) => (engine.oncompletion = () => resolve(null)));
    }
    engine.poll(now());
  }
}

/** Takes away what a node could open by instead of by replay. */
async function forgetCheckpoints(storage) {
  const names = storage.list().filter((name) => name.startsWith('ckp-'));
  await Promise.all(names.map((name) => storage.remove(name)));
}

async function once(module, storage) {
  await forgetCheckpoints(storage);
  const engine = new Engine(storage);
  await engine.instantiate(module);
  const options = new TextEncoder().encode(JSON.stringify({ memory: MEMORY, role: 'stored' }));
  const at = engine.alloc(options.length);
  engine.put(at, options);
  const start = performance.now();
  const status = await finish(engine, () => engine.open(at, options.length));
  const took = performance.now() - start;
  if (status !== OK) throw engine.error();
  const hash = engine.stateHash();
  await finish(engine, () => engine.close());
  return { took, hash };
}

async function replay(name) {
  const module = await WebAssembly.compileStreaming(fetch('./rivulet/rivulet.wasm'));
  const storage = await mount(name, {});
  const runs = [];
  for (let i = 0; i < REPEATS; i += 1) runs.push(await once(module, storage));
  await storage.unmount();
  const took = runs.map((run) => run.took);
  return { best: Math.min(...took), first: took[0], hash: runs[0].hash };
}

addEventListener('message', async ({ data: [id, name, argument] }) => {
  try {
    if (name !== 'replay') throw new Error(`there is no command ${name}`);
    postMessage([id, null, await replay(argument)]);
  } catch (error) {
    postMessage([id, String(error?.detail ?? error?.stack ?? error), null]);
  }
});
