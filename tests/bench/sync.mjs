// SPDX-License-Identifier: Apache-2.0
// The rows of the table about a first sync: all of the loan events into an empty edge, native, durable.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Node } from '../../demo/node.mjs';

const binary = fileURLToPath(new URL('../../build/native/rivulet', import.meta.url));

/** The node that has them; its directory is filled the first time. */
export async function central({ folder, data }) {
  const directory = join(folder, 'central');
  if (!existsSync(directory)) {
    execFileSync(binary, ['schema', 'apply', join(data, 'loans.schema.sql'), '--data', directory], { stdio: 'ignore' });
    execFileSync(binary, ['import', join(data, 'loans.ndjson.gz'), '--data', directory], { stdio: 'ignore' });
  }
  return Node.start(directory);
}

/** Milliseconds from the start of an edge's process until it has what it selects, made durable, and the bytes that it was
 *  sent. It is asked every `pause` milliseconds. */
export async function firstSync(node, position, directory, entry = '/applications/**', pause = 10) {
  const start = performance.now();
  const edge = await Node.start(directory, '--upstream', node.syncUrl, '--select', entry);
  let status = await edge.status();
  while (status.synced_to < position) {
    await sleep(pause);
    status = await edge.status();
  }
  const took = performance.now() - start;
  if (entry === '/applications/**') {
    const own = await node.status('?hash=true');
    const held = await edge.status('?hash=true');
    if (own.state_hash !== held.state_hash) throw new Error('the state hashes differ');
  }
  await edge.stop();
  return { took, bytes: status.upstream.bytes_received };
}

export async function sync(table) {
  const { folder, rounds, median, row } = table;
  const node = await central(table);
  const { position } = await node.status();
  const runs = [];
  for (let i = 0; i < rounds; i += 1) runs.push(await firstSync(node, position, join(folder, `edge-${i}`)));
  await node.stop();
  const all = median(runs.map((run) => run.took));
  row('first sync, 262,200 events, durable', `${(all / 1000).toFixed(3)} s`,
    'process start to W', '', '<= 0.3 s', all <= 300);
  row('bytes on the wire for it', runs[0].bytes.toLocaleString('en-US'), 'gzip -9 of the NDJSON 3,746,061',
    `${(runs[0].bytes / 3746061).toFixed(2)}x`, '<= 1,700,000', runs[0].bytes <= 1700000);
}
