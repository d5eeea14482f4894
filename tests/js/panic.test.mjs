// SPDX-License-Identifier: Apache-2.0
// Goal: a trap of the module leaves a record in the database; after three at one position it opens for
// reading only and says so, here and natively, until the file is removed (SEMANTICS 34).
// Method: a worker whose module traps in a query that says at which position, or while it is opened.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from './test.mjs';
import { isTrap, panicRecord, placeOf } from '../../js/panic.js';
import { folder, open, take } from './fixture.mjs';

const workerUrl = new URL('panicking-worker.mjs', import.meta.url);

const opened = (db, id) => db.append(`/accounts/${id}`, 'account_opened', { name: 'Ada' });

/** Opens it, traps at the position, and is told so. */
async function trap(directory, position) {
  const db = await open({ directory, storage: 'files', workerUrl });
  await assert.rejects(db.query(`SELECT 'trap at ${position}'`), { code: 'panicked', detail: 'unreachable' });
  await assert.rejects(db.close(), { code: 'panicked' });
}

test('three traps at one position make it read-only, until the file is removed', async () => {
  const directory = join(folder(), 'data');
  const db = await open({ directory, storage: 'files' });
  await opened(db, 1).durable();
  await opened(db, 2).durable();
  await db.close();
  for (const position of [3, 2, 3]) await trap(directory, position);
  const twice = await open({ directory, storage: 'files' });
  assert.equal((await twice.query('SELECT count(*) n FROM account'))[0].n, 2);
  await twice.close();
  await trap(directory, 3);
  const bytes = readFileSync(join(directory, 'panics'));
  assert.equal(bytes.length, 4 * 32);
  assert.equal(bytes.readBigUInt64LE(8), 3n);
  assert.ok(bytes.readBigUInt64LE(16) > 0n); // the offset of `unreachable`
  assert.ok(Math.abs(Number(bytes.readBigInt64LE(24)) / 1000 - Date.now()) < 60000);
  for (let i = 0; i < 2; i++) {
    const stopped = await open({ directory, storage: 'files' });
    const [{ readOnly }] = await take(stopped.status(), 1);
    assert.equal(readOnly?.code, 'panicked');
    assert.equal(readOnly?.position, 3);
    assert.match(readOnly?.detail, /3 times at position 3/);
    const rows = await stopped.query('SELECT id FROM account');
    assert.deepEqual(rows.map(({ id }) => id), [1n]); // up to the event before
    await assert.rejects(opened(stopped, 3).durable(), { code: 'read_only' });
    await stopped.close();
  }
  rmSync(join(directory, 'panics'));
  const again = await open({ directory, storage: 'files' });
  assert.equal((await again.query('SELECT count(*) n FROM account'))[0].n, 2);
  await opened(again, 3).durable();
  await again.close();
});

test('a trap while it is opened is recorded, behind what is torn', async () => {
  const directory = join(folder(), 'data');
  const db = await open({ directory, storage: 'files' });
  await opened(db, 1).durable();
  await db.close();
  writeFileSync(join(directory, 'panics'), Buffer.alloc(40, 7));
  const at = new URL('opening-worker.mjs', import.meta.url);
  await assert.rejects(open({ directory, storage: 'files', workerUrl: at }), { code: 'panicked' });
  const bytes = readFileSync(join(directory, 'panics'));
  assert.equal(bytes.length, 64);
  assert.equal(bytes.readBigUInt64LE(32 + 8), 2n);
  for (let i = 0; i < 2; i++) {
    await assert.rejects(open({ directory, storage: 'files', workerUrl: at }), { code: 'panicked' });
  }
  const stopped = await open({ directory, storage: 'files' });
  const [{ readOnly }] = await take(stopped.status(), 1);
  assert.equal(readOnly?.code, 'panicked');
  await stopped.close();
});

test('what is no trap leaves no record', async () => {
  const directory = join(folder(), 'data');
  const db = await open({ directory, storage: 'files', workerUrl });
  await assert.rejects(db.query('SELEC 1'));
  await db.close();
  assert.ok(!existsSync(join(directory, 'panics')));
  assert.ok(isTrap(new WebAssembly.RuntimeError('unreachable')));
  assert.ok(isTrap(new RangeError('Maximum call stack size exceeded')));
  assert.ok(!isTrap(new TypeError('x is not a function')));
});

test('a record is that of docs/format/log.md', () => {
  const stack = [
    'RuntimeError: unreachable\n    at wasm://wasm/0012ab:wasm-function[12]:0x4321\n    at wasm-function[1]:0x9',
    'rv_fold@https://example.com/rivulet.wasm:wasm-function[12]:0x4321\nrun@https://example.com/x.js:1:2',
  ];
  for (const text of stack) {
    const error = Object.assign(new Error(), { stack: text });
    assert.equal(placeOf(error), 0x4321n);
    const bytes = Buffer.from(panicRecord(258n, error));
    assert.equal(bytes.length, 32);
    assert.equal(bytes.subarray(4, 24).toString('hex'), '52565043' + '0201000000000000' + '2143000000000000');
  }
  assert.equal(placeOf(new Error('none')), 0n);
});
