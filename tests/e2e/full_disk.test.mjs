// SPDX-License-Identifier: Apache-2.0
// Goal: a full disk is told before a batch is taken, changes nothing, and ends when there is space.
// Method: a node on a file system of 24 MiB of its own (tmpfs; only root may mount one), filled by
// another file; what was acknowledged is there after a restart.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { Node, folder, prepared } from './harness.mjs';

after(() => mount.status === 0 && spawnSync('umount', ['-l', mounted])); // before its folder goes
const mounted = join(folder('full-disk'), 'disk');
mkdirSync(mounted);
const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'none', mounted]);
const options = mount.status === 0 ? {} : { skip: 'a file system of its own cannot be mounted here' };

/** Takes all the space that is left, of which the node may take some meanwhile. */
function fill() {
  const { bavail, bsize } = statfsSync(mounted);
  try {
    writeFileSync(join(mounted, 'ballast'), Buffer.alloc(bavail * bsize));
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
  }
}

const opened = { path: '/accounts/1', type: 'account_opened', data: { name: 'one' } };

/** Pays 1 a `count` times, with metadata that takes space in the log and none in rows. */
const pay = (node, count) =>
  node.batch(
    Array.from({ length: count }, () => ({
      path: '/accounts/1',
      type: 'money_paid',
      data: { amount: 1 },
      metadata: { reason: 'x'.repeat(150) },
    })),
  );

const balance = async (node) => (await node.request('GET', '/aggregates/account/1')).body.balance;

test('a full disk refuses appends, serves reads, and takes appends again with space', options, async () => {
  const data = prepared(mounted);
  let node = await Node.start(data);
  let paid = 0;
  let answer = await node.batch([opened]);
  assert.equal(answer.status, 201, answer.text);
  fill();
  for (let i = 0; i < 100; i += 1) {
    answer = await pay(node, 1000);
    if (answer.status !== 201) break;
    paid += 1000;
  }
  assert.equal(answer.status, 507, answer.text);
  assert.equal(answer.body.code, 'storage_full');
  const before = await node.status();
  assert.equal(before.read_only, null);
  assert.equal(await balance(node), paid);
  assert.equal((await pay(node, 1)).status, 507);
  assert.equal((await node.status()).state_hash, before.state_hash);
  rmSync(join(mounted, 'ballast'));
  answer = await pay(node, 1000);
  assert.equal(answer.status, 201, answer.text);
  const held = await node.status();
  await node.kill();
  node = await Node.start(data);
  assert.equal((await node.status()).state_hash, held.state_hash);
  assert.equal(await balance(node), paid + 1000);
  assert.equal(await node.stop(), 0);
});
