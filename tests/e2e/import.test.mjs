// SPDX-License-Identifier: Apache-2.0
// Goal: an import takes all of a file or says where it stopped, and what it counts is what came.
// Method: files as people have them: packed in parts, cut, with bytes behind what is packed, with a
// byte order mark and blank lines, with several events in a line; the events that the node has then.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { cli, folder, must, ndjson, opened, prepared, schema } from './harness.mjs';

const parent = folder('import');
const mark = '\ufeff';
const lines = (...ids) => ids.map((id) => `${JSON.stringify(opened(id))}\n`).join('');
const count = (data) => must(['query', 'select count(*) from account', '--json', '--data', data]).rows[0][0];

/** Imports a file of these bytes. */
function imported(data, bytes, ...args) {
  const file = join(parent, 'file');
  writeFileSync(file, bytes);
  return cli(['import', file, '--data', data, ...args]);
}

test('what gzip has packed is taken whole, or where it is not is told', () => {
  const data = prepared(parent, 'packed');
  const [one, two, three] = [1, 2, 3].map((id) => gzipSync(lines(id)));
  assert.match(imported(data, Buffer.concat([one, two])).out, /^imported 2 events /);
  assert.match(imported(data, gzipSync('')).out, /^imported 0 events /);
  const mixed = imported(data, Buffer.concat([three, Buffer.from(lines(4))]));
  assert.equal(mixed.code, 1);
  const place = `storage_failed: cannot read on after line 1: [^]*not packed, at byte ${three.length + 1} of`;
  assert.match(mixed.err, new RegExp(`^rivulet: ${place}[^]*\\n {2}1 events were imported before\n$`));
  const [checked, cut] = [5, 6].map((id) => gzipSync(lines(id)));
  checked[checked.length - 5] ^= 1; // what was unpacked before the mistake is imported
  for (const [bytes, line] of [[checked, 1], [cut.subarray(0, cut.length - 3), 1], [one.subarray(0, 5), 0]]) {
    const run = imported(data, bytes);
    assert.match(run.err, new RegExp(`^rivulet: storage_failed: cannot read on after line ${line}: .* at byte \\d+ of`));
    assert.match(run.err, new RegExp(`\n  ${line} events were imported before\n$`));
  }
  assert.equal(count(data), 5);
});

test('a line is one event', () => {
  const data = prepared(parent, 'lines');
  const array = `${lines(1)}[${JSON.stringify(opened(2))},${JSON.stringify(opened(3))}]\n`;
  const refused = imported(data, array);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^rivulet: request_invalid: [^]*not a JSON object\n {2}at line 2; 0 events were imported/);
  assert.equal(count(data), 0);
  assert.match(imported(data, `${mark}${lines(1)}\n  \t \n\r\n${lines(2)}   `).out, /^imported 2 events /);
  const twice = JSON.stringify({ ...opened(5), event_id: '0193a5d0-0000-4000-8000-000000000001' });
  assert.match(imported(data, `${twice}\n${twice}\n`).err, /event_id_reused: two events of the batch have the event id /);
});

test('with --json what stops an import is one object, with one line', () => {
  const data = prepared(parent, 'json');
  const problem = (bytes, ...args) => {
    const run = imported(data, bytes, '--json', ...args);
    assert.equal(run.code, 1);
    assert.ok(run.err.indexOf('"line"') === run.err.lastIndexOf('"line"'), run.err);
    return JSON.parse(run.err);
  };
  const malformed = problem(`${lines(1, 2)}{"path":\n`, '--batch', '2');
  assert.deepEqual([malformed.code, malformed.line, malformed.imported], ['json_invalid', 3, 2]);
  const long = problem(`${lines(3)}${'x'.repeat(9 << 20)}\n`);
  assert.deepEqual([long.code, long.line, long.imported], ['request_too_large', 2, 1]);
  const packed = gzipSync(lines(4));
  const cut = problem(packed.subarray(0, packed.length - 4));
  assert.deepEqual([cut.code, cut.imported], ['storage_failed', 1]);
  const file = ndjson(join(parent, 'unreachable'), [opened(5)]);
  const away = cli(['import', file, '--json', '--url', 'http://127.0.0.1:1']);
  assert.deepEqual([JSON.parse(away.err).code, JSON.parse(away.err).accepted], ['node_unreachable', 0]);
});

test('a byte order mark is passed over', () => {
  const at = ['--data', join(parent, 'marked')];
  const file = join(parent, 'marked.sql');
  writeFileSync(file, mark + schema);
  must(['schema', 'apply', file, ...at]);
  must(['append', '/accounts/1', 'account_opened', '-', ...at], `${mark}{"name":"Ada"}`);
  assert.match(must(['schema', 'diff', '-', ...at], mark + schema), /^$/);
});
