// SPDX-License-Identifier: Apache-2.0
// Goal: the vectors that the unit tests check in every build are PostgreSQL 15's answers.
// Method: a PostgreSQL that the test starts is asked for all of them again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { expressions, literals } from './corners.mjs';
import { startPostgres } from './postgres.mjs';
import { askExpressions, askLiterals } from './theirs.mjs';
import { answerOf, readExpressions, readLiterals } from './vectors.mjs';

let postgres;

before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.stop());

function checkExpressions(name) {
  const { rows, cases } = readExpressions(name);
  const theirs = askExpressions(postgres, rows, cases);
  cases.forEach(({ text, answer }, i) => assert.equal(answerOf(theirs[i]), answer, text));
  return cases.length;
}

function checkLiterals(name) {
  const cases = readLiterals(name);
  const theirs = askLiterals(postgres, cases);
  cases.forEach(({ type, text, answer }, i) =>
    assert.equal(answerOf(theirs[i]), answer, `${type} ${JSON.stringify(text)}`));
  return cases.length;
}

test('tests/vectors/expressions.txt', () => assert.ok(checkExpressions('expressions') > 300));

test('tests/vectors/literals.txt', () => assert.ok(checkLiterals('literals') > 300));

test('tests/vectors/corners.txt', () => {
  const count = Object.values(literals).flat().length + expressions.flat().length;
  assert.equal(checkExpressions('corners') + checkLiterals('corners'), count, 'some are left out: they differ');
});
