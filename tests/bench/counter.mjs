// SPDX-License-Identifier: Apache-2.0
// Another socket of a server, which hands on to it and counts the bytes that come out. In a thread of its own: who
// measures waits for programs, and lets nothing else run meanwhile.
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { dirname } from 'node:path';
import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

/** `path` is that of the new socket, in a folder that is made, and goes with `stop()`. */
export async function counted(path, server) {
  mkdirSync(dirname(path));
  chmodSync(dirname(path), 0o755);
  const total = new Float64Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL(import.meta.url), { workerData: { path, server, total } });
  await once(worker, 'message');
  return {
    bytes: () => total[0],
    async stop() {
      await worker.terminate();
      rmSync(dirname(path), { recursive: true });
    },
  };
}

if (!isMainThread) {
  const { path, server, total } = workerData;
  net.createServer((from) => {
    const to = net.connect(server);
    to.on('data', (bytes) => (total[0] += bytes.length));
    for (const [one, other] of [[from, to], [to, from]]) one.on('error', () => other.destroy()).pipe(other);
  }).listen(path, () => {
    chmodSync(path, 0o777); // who connects may be another user
    parentPort.postMessage('listening');
  });
}
