// SPDX-License-Identifier: Apache-2.0
// Goal: the vectors that the unit tests check in every build are PostgreSQL 15's answers.
// Method: a PostgreSQL that the test starts is asked for all of them again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startPostgres } from './postgres.mjs';
import { askExpressions, askLiterals } from './theirs.mjs';
import { answerOf, readExpressions, readLiterals } from './vectors.mjs';

let postgres;

before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.stop());

test('tests/vectors/expressions.txt', () => {
  const { rows, cases } = readExpressions();
  const theirs = askExpressions(postgres, rows, cases);
  assert.ok(cases.length > 300);
  cases.forEach(({ text, answer }, i) => assert.equal(answerOf(theirs[i]), answer, text));
});

test('tests/vectors/literals.txt', () => {
  const cases = readLiterals();
  const theirs = askLiterals(postgres, cases);
  assert.ok(cases.length > 300);
  cases.forEach(({ type, text, answer }, i) =>
    assert.equal(answerOf(theirs[i]), answer, `${type} ${JSON.stringify(text)}`));
});
