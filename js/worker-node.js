// SPDX-License-Identifier: Apache-2.0
// The worker of Node: storage by files or memory, WebSocket by Node or a package that the
// application names, inflating by zlib, the module from beside this file.
import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { parentPort } from 'node:worker_threads';
import { inflateRaw } from 'node:zlib';
import { RivuletError } from './error.js';
import { Session } from './session.js';
import * as files from './storage/files.js';
import * as memory from './storage/memory.js';

globalThis.crypto ??= /** @type {Crypto} */ (webcrypto); // Node 18 has it there only

const inflateBytes = promisify(inflateRaw);

/** @param {{name?: string, directory?: string, storage: string}} settings */
function storageOf({ name = 'memory', directory, storage }) {
  if (storage === 'memory') return { storage: memory, name };
  if (storage !== 'files' && storage !== 'auto') {
    throw new RivuletError('storage_unavailable', `Node has no storage ${storage}`);
  }
  if (directory === undefined) {
    throw new RivuletError('parameter_invalid', 'name a directory, or say storage: memory');
  }
  return { storage: files, name: directory };
}

/** @param {{sql: boolean, moduleUrl?: string}} settings */
async function load({ sql, moduleUrl }) {
  const own = new URL(sql ? './rivulet.wasm' : './rivulet-nosql.wasm', import.meta.url);
  const place = moduleUrl ?? own.href;
  const bytes = await readFile(/^file:/.test(place) ? fileURLToPath(place) : place);
  return WebAssembly.compile(bytes);
}

/**
 * The WebSocket of Node, or of the package that is named.
 * @param {{webSocket?: string}} settings
 */
async function webSocketOf({ webSocket }) {
  if (webSocket === undefined) {
    if (globalThis.WebSocket) return globalThis.WebSocket;
    const detail =
      'this Node has no WebSocket: use Node 22, start it with --experimental-websocket, or name ' +
      "a package that has one: webSocket: 'ws'";
    throw new RivuletError('unsupported', detail);
  }
  try {
    const resolved = createRequire(join(process.cwd(), 'package.json')).resolve(webSocket);
    const loaded = await import(pathToFileURL(resolved).href);
    const found = loaded.WebSocket ?? loaded.default;
    if (typeof found !== 'function') throw new Error('it has no WebSocket');
    return found;
  } catch (/** @type {any} */ error) {
    const detail = `the package ${webSocket} cannot be used: ${error.message}`;
    throw new RivuletError('parameter_invalid', detail, { parameter: 'webSocket' });
  }
}

/** @type {import('./link.js').Transport['inflate']} */
async function inflate(bytes, length) {
  return inflateBytes(bytes, { maxOutputLength: Math.max(length, 1) });
}

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);

const session = new Session({
  post: (messages, transfer) => port.postMessage(messages, transfer),
  soon: (run) => void setImmediate(run),
  load,
  async mount(settings) {
    const { storage, name } = storageOf(settings);
    return storage.mount(name);
  },
  async destroy(settings) {
    const { storage, name } = storageOf(settings);
    await storage.destroy(name);
  },
  transport: async (settings) => ({ WebSocket: await webSocketOf(settings), inflate }),
});

port.on('message', (messages) => session.receive(messages));
