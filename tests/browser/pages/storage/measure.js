// SPDX-License-Identifier: Apache-2.0
// What the operations of a storage cost: numbers for docs/decisions, not a test.
import * as indexeddb from '../../../../js/storage/indexeddb.js';
import * as opfs from '../../../../js/storage/opfs.js';

/** The median and the 99th percentile, in microseconds, of `times` runs. */
async function timed(times, action) {
  const spent = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await action(i);
    spent.push(performance.now() - start);
  }
  spent.sort((a, b) => a - b);
  const at = (share) => Math.round(1000 * spent[Math.floor(share * (times - 1))]);
  return { p50: at(0.5), p99: at(0.99) };
}

const megabytes = 32;
const chunk = 65536;

/** Appends with a flush each, then much data at once, and all of it read. */
export async function measure(mode, name, options = {}) {
  const storage = await (mode === 'opfs' ? opfs : indexeddb).mount(name, options);
  const bytes = crypto.getRandomValues(new Uint8Array(chunk));
  const made = await timed(20, async (i) => {
    const { file } = await storage.create(`made-${i}`);
    await storage.flush(file);
    storage.close(file);
  });
  const { file } = await storage.create('small');
  const grow = await timed(10, (i) => storage.truncate(file, (i + 1) << 22));
  let at = 0;
  const appends = {};
  for (const size of [200, 4096]) {
    appends[size] = await timed(300, async () => {
      await storage.write(file, at, bytes.subarray(0, size));
      at += size;
      await storage.flush(file);
    });
  }
  const written = await timed(500, async (i) => {
    await storage.write(file, (i % 64) * 4096, bytes.subarray(0, 4096));
  });
  storage.close(file);
  const big = await storage.create('big');
  let start = performance.now();
  for (let i = 0; i < (megabytes << 20) / chunk; i++) {
    await storage.write(big.file, i * chunk, bytes);
    if (i % 16 === 15) await storage.flush(big.file);
  }
  const writeMbs = Math.round((megabytes * 1000) / (performance.now() - start));
  start = performance.now();
  for (let i = 0; i < (megabytes << 20) / chunk; i++) {
    await storage.read(big.file, i * chunk, bytes);
  }
  const readMbs = Math.round((megabytes * 1000) / (performance.now() - start));
  const random = await timed(300, async (i) => {
    await storage.read(big.file, ((i * 7919) % 500) * chunk, bytes.subarray(0, 4096));
  });
  await storage.unmount();
  return { made, grow, appends, written, writeMbs, readMbs, random };
}
