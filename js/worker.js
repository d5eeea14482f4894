// SPDX-License-Identifier: Apache-2.0
// The worker of a browser: storage by OPFS or IndexedDB, WebSocket and inflating by the browser,
// the module from beside this file.
import { RivuletError } from './error.js';
import { inflateByStream } from './inflate.js';
import { Session } from './session.js';
import { destroy, mount } from './storage/mount.js';

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
  mount: ({ name, storage }) => mount(name, { storage }),
  destroy: ({ name, storage }) => destroy(name, { storage }),
  transport: async () => ({ WebSocket, inflate: inflateByStream }),
});

globalThis.onunhandledrejection = (/** @type {PromiseRejectionEvent} */ { reason }) =>
  session.panic(reason);
globalThis.onmessage = (/** @type {MessageEvent} */ { data }) => session.receive(data);
