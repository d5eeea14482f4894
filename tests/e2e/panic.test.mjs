// SPDX-License-Identifier: Apache-2.0
// Goal: a daemon that its processor stops leaves a record of it and says so, and ends as it would have;
// the data opens again, and after three panics at one position only for reading, until the file goes.
// Method: a real daemon gets the signal that an assertion ends in; the records for a position are then
// written as the hook writes them (docs/format/log.md), since no event makes this version panic.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Node, cli, crc32c, folder, must, ndjson, opened, prepared } from './harness.mjs';

const parent = folder('panic');

function record(position) {
  const bytes = Buffer.alloc(32);
  bytes.write('RVPC', 4);
  bytes.writeBigUInt64LE(BigInt(position), 8);
  bytes.writeBigUInt64LE(0x4321n, 16);
  bytes.writeUInt32LE(crc32c(bytes.subarray(4)), 0);
  return bytes;
}

test('a signal that ends the daemon is recorded, and the data opens again', async () => {
  const data = prepared(parent, 'stopped');
  const node = await Node.start(data);
  node.child.kill('SIGILL');
  assert.equal((await node.ended)[1], 'SIGILL');
  assert.match(node.errors(), /rivulet: panicked: stopped at position 0, at \+0x[0-9a-f]{16}; recorded in /);
  const bytes = readFileSync(join(data, 'panics'));
  assert.equal(bytes.length, 32);
  assert.equal(bytes.readUInt32LE(0), crc32c(bytes.subarray(4)));
  assert.equal(bytes.readBigUInt64LE(8), 0n);
  must(['append', '/accounts/1', 'account_opened', '{"name":"Ada"}', '--data', data]);
});

test('three at one position: for reading only, until the file is removed', () => {
  const data = prepared(parent, 'banned');
  must(['import', ndjson(join(parent, 'one.ndjson'), [opened(1)]), '--data', data]);
  writeFileSync(join(data, 'panics'), Buffer.concat([record(3), record(3), record(3)]));
  const append = ['append', '/accounts/2', 'account_opened', '{"name":"Bob"}', '--data', data];
  const refused = cli(append);
  assert.equal(refused.code, 3);
  assert.match(refused.err, /panicked: .*3 times at position 3 \(at \+0x4321\).*remove the file `panics`/);
  const read = cli(['query', 'select name from account', '--data', data]);
  assert.equal(read.code, 3);
  assert.match(read.out, /Ada/);
  rmSync(join(data, 'panics'));
  must(append);
  assert.ok(!existsSync(join(data, 'panics')));
});
