// SPDX-License-Identifier: Apache-2.0
// The worker of a browser: storage by OPFS or IndexedDB, WebSocket and inflating by the browser, the
// module from beside this file.
import { RivuletError } from './error.js';
import { inflateByStream } from './inflate.js';
import { Session } from './session.js';
import * as indexeddb from './storage/indexeddb.js';
import * as memory from './storage/memory.js';
import * as opfs from './storage/opfs.js';

/** @type {Record<string, {mount: (name: string, options?: any) => Promise<any>, destroy: (name: string) => Promise<void>}>} */
const storages = { opfs, indexeddb, memory };

/** What `auto` tries, in this order. Memory is never what nobody asked for. */
const automatic = ['opfs', 'indexeddb'];

/** @param {string} storage */
function storageOf(storage) {
  const found = storages[storage];
  if (!found) throw new RivuletError('storage_unavailable', `a browser has no storage ${storage}`);
  return found;
}

/** @param {{name: string, storage: string}} settings */
async function mount({ name, storage }) {
  if (storage !== 'auto') return storageOf(storage).mount(name, {});
  const details = [];
  for (const mode of automatic) {
    try {
      return await storages[mode].mount(name, {});
    } catch (error) {
      const { code, detail } = RivuletError.from(error, 'storage_unavailable');
      if (code !== 'storage_unavailable') throw error;
      details.push(`${mode}: ${detail}`);
    }
  }
  throw new RivuletError('storage_unavailable', details.join('; '));
}

/** @param {{name: string, storage: string}} settings */
async function destroy({ name, storage }) {
  if (storage !== 'auto') return storageOf(storage).destroy(name);
  for (const mode of automatic) {
    try {
      await storages[mode].destroy(name);
    } catch (error) {
      if (RivuletError.from(error, '').code !== 'storage_unavailable') throw error;
    }
  }
}

/** @param {{sql: boolean, moduleUrl?: string}} settings */
async function load({ sql, moduleUrl }) {
  const url = moduleUrl
    ? new URL(moduleUrl, globalThis.location.href)
    : sql
      ? new URL('./rivulet.wasm', import.meta.url)
      : new URL('./rivulet-nosql.wasm', import.meta.url);
  const response = await fetch(url);
  if (!response.ok) {
    throw new RivuletError('module_failed', `${url} answered ${response.status}`);
  }
  const streams = /^application\/wasm\b/.test(response.headers.get('content-type') ?? '');
  return streams
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

const { port1, port2 } = new MessageChannel();
/** @type {(() => void)[]} */
const queue = [];
port1.onmessage = () => queue.shift()?.();

const session = new Session({
  post: (messages, transfer) => globalThis.postMessage(messages, /** @type {any} */ (transfer)),
  soon(run) {
    queue.push(run);
    port2.postMessage(null);
  },
  load,
  mount,
  destroy,
  transport: async () => ({ WebSocket, inflate: inflateByStream }),
});

globalThis.onmessage = (/** @type {MessageEvent} */ { data }) => session.receive(data);
