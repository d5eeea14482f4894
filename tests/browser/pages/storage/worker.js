// SPDX-License-Identifier: Apache-2.0
// The worker's side: what a test calls, over the storages of the package.
import { destroy, mount } from '../../../../js/storage/mount.js';
import * as indexeddb from '../../../../js/storage/indexeddb.js';
import * as opfs from '../../../../js/storage/opfs.js';
import { runConformance } from './conformance.js';
import { measure } from './measure.js';
import { runTwin } from './twin.js';

/** @type {Map<string, any>} storages by the name of their database */
const mounted = new Map();

/** Bytes that differ from page to page and do not compress: xorshift. */
function pattern(length, seed) {
  const words = new Uint32Array(Math.ceil(length / 4));
  let x = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x >>> 0;
  }
  return new Uint8Array(words.buffer, 0, length);
}

const calls = {
  async mount(name, storage) {
    mounted.set(name, await mount(name, { storage }));
    const { mode, persistent } = mounted.get(name);
    return { mode, persistent };
  },
  async unmount(name) {
    await mounted.get(name).unmount();
    mounted.delete(name);
  },
  async destroy(name, storage) {
    await destroy(name, { storage });
  },
  async exists(name) {
    return { opfs: await opfs.exists(name), indexeddb: await indexeddb.exists(name) };
  },
  /** Any operation whose arguments and result are plain. */
  async operate(name, operation, ...args) {
    return await mounted.get(name)[operation](...args);
  },
  /** Writes a pattern whole; answers how many bytes were written before an error, and its code. */
  async fill(name, file, offset, length, seed) {
    const bytes = pattern(length, seed);
    let done = 0;
    while (done < length) {
      const part = bytes.subarray(done, Math.min(length, done + 65536));
      try {
        const count = await mounted.get(name).write(file, offset + done, part);
        if (count === 0) return { done, code: 'storage_full' };
        done += count;
      } catch (error) {
        return { done, code: error.code, detail: error.detail };
      }
    }
    return { done };
  },
  /** How many bytes from the offset on are those of the pattern. */
  async compare(name, file, offset, length, seed) {
    const expected = pattern(length, seed);
    const met = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const read = await mounted.get(name).read(file, offset + done, met.subarray(done));
      if (typeof read !== 'number') met.set(read, done); // it came later
      const count = read.length ?? read;
      if (count === 0) break;
      done += count;
    }
    const differs = expected.findIndex((byte, i) => i >= done || byte !== met[i]);
    return differs < 0 ? length : differs;
  },
  /** A pattern as record `number`, flushed. */
  async record(name, file, number, length) {
    const { code } = await calls.fill(name, file, number * length, length, number);
    if (code !== undefined) throw new Error(`record ${number}: ${code}`);
    await mounted.get(name).flush(file);
  },
  /** How many records there are from the first on. */
  async records(name, file, length) {
    let number = 0;
    while ((await calls.compare(name, file, number * length, length, number)) === length) number++;
    return number;
  },
  /** As in a browser that lacks these. */
  async without(...things) {
    for (const thing of things) {
      const [at, name] = {
        accessHandles: [FileSystemFileHandle.prototype, 'createSyncAccessHandle'],
        indexedDB: [globalThis, 'indexedDB'],
        locks: [navigator, 'locks'],
      }[thing];
      if (thing === 'accessHandles') delete at[name];
      else Object.defineProperty(at, name, { value: undefined });
    }
  },
  /** A database as a later version of this package would make it. */
  async makeNewer(name) {
    const request = indexedDB.open(`rivulet-${name}`, 99);
    await new Promise((resolve, reject) => {
      request.onsuccess = resolve;
      request.onerror = () => reject(request.error);
    });
    request.result.close();
  },
  /** Deletes it without regard to who has it open. */
  async deleteForeign(name) {
    const request = indexedDB.deleteDatabase(`rivulet-${name}`);
    await new Promise((resolve, reject) => {
      request.onsuccess = resolve;
      request.onerror = () => reject(request.error);
    });
  },
  /** Holds the worker for good. */
  async spin() {
    for (;;);
  },
  conformance: runConformance,
  measure,
  twin: runTwin,
};

globalThis.onmessage = async ({ data: { id, method, args } }) => {
  try {
    postMessage({ id, result: await calls[method](...args) });
  } catch (error) {
    const { code = 'none', detail = String(error.stack ?? error) } = error;
    postMessage({ id, error: { code, detail } });
  }
};
