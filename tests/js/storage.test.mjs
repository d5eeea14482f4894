// SPDX-License-Identifier: Apache-2.0
// Goal: storage that answers late or not at all does no harm: what a module reads and writes is the
// same when its memory has grown meanwhile, and `auto` never makes a second database beside one that
// it could not look at. Method: the storages of js/ over stores and browser interfaces of the test's
// own, which take their time or fail as browsers do.
import assert from 'node:assert/strict';
import { test } from './test.mjs';
import { IndexedDbStorage } from '../../js/storage/indexeddb.js';
import { mount } from '../../js/storage/mount.js';

const pageSize = 8192;

/** Pages as IndexedDB keeps them: everything takes a turn of the event loop. */
function slowStore() {
  const pages = new Map();
  const later = () => new Promise((resolve) => setImmediate(resolve));
  return {
    lost: null,
    async save(/** @type {any[]} */ files, /** @type {any[]} */ changed) {
      for (const { id, number, bytes } of changed) pages.set(`${id} ${number}`, bytes.slice());
      await later();
    },
    async load(/** @type {number} */ id, /** @type {number[]} */ numbers) {
      await later();
      return new Map(numbers.map((number) => [number, pages.get(`${id} ${number}`) ?? new Uint8Array(0)]));
    },
    reserve: later,
    close() {},
  };
}

test("what is read and written late is not the module's memory, which may have grown", async () => {
  const store = slowStore();
  const options = { persistent: false, pageSize, memoryBytes: 64 * pageSize };
  const opened = () => new IndexedDbStorage(/** @type {any} */ (store), [], async () => {}, options);
  const first = opened();
  const { file } = first.create('log-1');
  const memory = new WebAssembly.Memory({ initial: 10 });
  const view = (/** @type {number} */ len) => new Uint8Array(memory.buffer, 0, len);
  for (let at = 0; at < 100 * pageSize; at += pageSize) {
    await first.write(file, at, view(pageSize).fill(at / pageSize));
    await first.flush(file);
  }
  const read = first.read(file, 0, view(3 * pageSize)); // long out of the cache
  assert.ok(read instanceof Promise);
  memory.grow(1);
  const bytes = await read;
  assert.deepEqual([bytes.length, bytes[0], bytes[pageSize], bytes[2 * pageSize]], [3 * pageSize, 0, 1, 2]);
  const written = first.write(file, 10 * pageSize + 7, view(5).fill(9)); // of a page that is to be read first
  assert.ok(written instanceof Promise);
  memory.grow(1);
  assert.equal(await written, 5);
  const into = new Uint8Array(20);
  assert.equal(first.read(file, 10 * pageSize, into), 20);
  assert.deepEqual([...into.subarray(5, 13)], [10, 10, 9, 9, 9, 9, 9, 10]);
});

/** A browser whose file system fails like this; what was made in IndexedDB meanwhile. */
async function mountWith(/** @type {(create: boolean) => void} */ fail) {
  const made = [];
  const directory = {
    async getDirectoryHandle(/** @type {string} */ _name, /** @type {any} */ options) {
      fail(options?.create === true);
      return { async *entries() { yield ['log-1', { kind: 'file' }]; } }; // prettier-ignore
    },
  };
  const getDirectory = async () => directory;
  const locks = { request: async (/** @type {any[]} */ ...given) => given.at(-1)() };
  const navigator = { storage: { getDirectory }, locks };
  const indexedDB = {
    open() {
      made.push('database');
      throw new DOMException('not to be reached', 'SecurityError');
    },
  };
  class FileSystemFileHandle {
    createSyncAccessHandle() {}
  }
  const given = { navigator, indexedDB, FileSystemFileHandle };
  const before = Object.keys(given).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  for (const [name, value] of Object.entries(given)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  try {
    await mount('crm');
    return { code: null, made };
  } catch (/** @type {any} */ error) {
    return { code: error.code, made };
  } finally {
    for (const [name, value] of /** @type {[string, any][]} */ (before)) {
      if (value) Object.defineProperty(globalThis, name, value);
      else delete (/** @type {any} */ (globalThis)[name]);
    }
  }
}

test('a database that could not be looked at is not taken for one that is not there', async () => {
  const moment = () => new DOMException('an unknown transient reason', 'UnknownError');
  const never = await mountWith(() => {
    throw moment();
  });
  assert.deepEqual(never, { code: 'storage_unavailable', made: [] });
  const there = await mountWith((create) => {
    if (create) throw moment(); // it is there, and then cannot be opened
  });
  assert.deepEqual(there, { code: 'storage_unavailable', made: [] });
  const denied = await mountWith(() => {
    throw new DOMException('a private window', 'SecurityError');
  });
  assert.equal(denied.code, 'storage_unavailable');
  assert.ok(denied.made.length > 0); // IndexedDB was asked
});
