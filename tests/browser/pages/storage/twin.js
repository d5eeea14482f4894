// SPDX-License-Identifier: Apache-2.0
// Random operations on a storage against a naive twin, several under way at once as a node has
// them: at most one that changes a file, and reads of that file beside it over bytes that it does
// not change. IndexedDB's storage gets little memory, so that it often stores and forgets pages.
import * as indexeddb from '../../../../js/storage/indexeddb.js';
import * as memory from '../../../../js/storage/memory.js';
import * as opfs from '../../../../js/storage/opfs.js';

const kinds = { indexeddb, memory, opfs };

const files = 4;
const sizeMax = 1 << 20;

/** mulberry32 */
function randomOf(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

class TwinFile {
  constructor(storage, name, random) {
    Object.assign(this, { storage, name, random, file: -1, size: 0 });
    this.bytes = new Uint8Array(sizeMax);
  }

  async check(offset, length) {
    const met = new Uint8Array(length).fill(0x5a);
    const expected = Math.max(0, Math.min(length, this.size - offset));
    const bytes = this.bytes.slice(offset, offset + expected);
    const read = await this.storage.read(this.file, offset, met);
    if (typeof read !== 'number') met.set(read); // it came later
    const count = read.length ?? read;
    const differs = bytes.findIndex((byte, i) => byte !== met[i]);
    if (count !== expected || differs >= 0) {
      throw new Error(`${this.name}: read ${count} of ${expected} at ${offset}, byte ${differs}`);
    }
  }

  async write() {
    const { random } = this;
    const length = random(10) === 0 ? random(sizeMax) : random(20000);
    // Often where something was written before.
    const offset = random(Math.min(sizeMax - length, random(2) === 0 ? 100000 : sizeMax));
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) bytes.fill(random(256), i, i + 1 + random(4));
    // What lies before is read meanwhile.
    const beside = this.check(0, Math.min(offset, 50000));
    let done = 0;
    while (done < length) {
      done += await this.storage.write(this.file, offset + done, bytes.subarray(done));
    }
    await beside;
    this.bytes.set(bytes, offset);
    if (length > 0) this.size = Math.max(this.size, offset + length);
  }

  async truncate() {
    const { random } = this;
    const size = [
      () => random(sizeMax),
      () => random(20000),
      () => Math.max(0, this.size - random(20000)),
      () => Math.min(sizeMax, this.size + random(50000)),
    ][random(4)]();
    const beside = this.check(0, Math.min(size, this.size, 50000));
    await this.storage.truncate(this.file, size);
    await beside;
    this.bytes.fill(0, Math.min(size, this.size));
    this.size = size;
  }

  async exchange() {
    this.storage.close(this.file);
    this.file = -1;
    await this.storage.remove(this.name);
    this.size = 0;
    this.bytes.fill(0);
  }

  async open() {
    const { file, size } = await this.storage.open(this.name);
    this.file = file;
    if (size !== this.size) throw new Error(`${this.name} has ${size} bytes, not ${this.size}`);
  }

  async step() {
    const what = this.random(32);
    if (this.file < 0) {
      this.file = (await this.storage.create(this.name)).file;
    } else if (what < 14) {
      for (let i = this.random(4); i >= 0; i--) await this.write();
    } else if (what < 18) {
      await this.truncate();
    } else if (what < 21) {
      await this.storage.flush(this.file);
    } else if (what < 23) {
      this.storage.close(this.file);
      await this.open();
    } else if (what === 23) {
      await this.exchange();
    } else {
      await this.check(this.random(sizeMax), this.random(200000));
    }
  }
}

/** Answers how many steps there were; throws what differed. */
export async function runTwin(name, mode, { seed, steps }) {
  const { mount } = kinds[mode];
  const options = { memoryBytes: 400000 };
  let storage = await mount(name, options);
  const random = randomOf(seed);
  const twins = Array.from({ length: files }, (_, i) => {
    return new TwinFile(storage, `t${i}`, randomOf(seed + 1 + i));
  });
  for (let done = 0; done < steps; done++) {
    await Promise.all(twins.filter(() => random(3) > 0).map((twin) => twin.step()));
    if (mode === 'memory' || done % 50 < 49) continue;
    await storage.unmount();
    storage = await mount(name, options);
    for (const twin of twins.filter(({ file }) => file >= 0)) {
      twin.storage = storage;
      await twin.open();
      await twin.check(0, sizeMax);
    }
    for (const twin of twins) twin.storage = storage;
  }
  await storage.unmount();
  return steps;
}
