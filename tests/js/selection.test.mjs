// SPDX-License-Identifier: Apache-2.0
// Goal: what an application says of a selection becomes the entries that the engine reads, or is refused.
// Method: cases.
import assert from 'node:assert/strict';
import { test } from './test.mjs';

import { entriesOf } from '../../js/selection.js';

test('streams and aggregates become entries', () => {
  assert.deepEqual(entriesOf(undefined), []);
  assert.deepEqual(entriesOf({ streams: ['/a/*', '/b history none'] }), ['/a/*', '/b history none']);
  assert.deepEqual(entriesOf({ aggregates: ['account', { name: 'o"dd', where: "plan = 'team'" }] }), [
    'aggregate "account"',
    `aggregate "o""dd" where plan = 'team'`,
  ]);
  assert.deepEqual(entriesOf({ streams: ['/a'], aggregates: [{ name: 'b' }] }), ['/a', 'aggregate "b"']);
});

test('what is no selection is refused', () => {
  const cases = [
    { streams: '/a' }, { streams: [1] }, { stream: ['/a'] }, { aggregates: 'a' }, { aggregates: [null] },
    { aggregates: [{ where: 'a > 1' }] }, { aggregates: [{ name: 'a', where: 1 }] }, { aggregates: [{ name: 'a', were: 'x' }] },
  ]; // prettier-ignore
  for (const select of cases) {
    assert.throws(() => entriesOf(select), { code: 'parameter_invalid' }, JSON.stringify(select));
  }
});
