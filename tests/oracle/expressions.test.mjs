// SPDX-License-Identifier: Apache-2.0
// Goal: expressions mean what they mean to PostgreSQL 15: value, type, text and JSON, or what they are
// refused for.
// Method: thousands of typed expressions from a grammar with a fixed seed (grammar.mjs,
// expressions/*.mjs), over rows of usual values, of values at the edges, and of NULLs. Both sides
// evaluate the same text. One that differs is made smaller until nothing can be left out of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { compare, differenceOf } from './cases.mjs';
import { differences, page } from './differences.mjs';
import { expression, rows, smaller, textOfTree, types } from './grammar.mjs';
import { askOurExpressions } from './ours.mjs';
import { startPostgres } from './postgres.mjs';
import { randomOf } from './random.mjs';
import { askExpressions } from './theirs.mjs';

const count = Number(process.env.ORACLE_COUNT ?? 8000);
const shownMax = Number(process.env.ORACLE_SHOWN ?? 12);
const shrinkRounds = 12;
const random = randomOf('expressions');
let postgres;

before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.stop());

const ask = (cases) => [askOurExpressions(rows, cases), askExpressions(postgres, rows, cases)];

const allowed = (each, ours, theirs) => differences.some((listed) => listed.when(each, ours, theirs));

/** The smallest expression found inside `found` that still differs. */
function shrink(found) {
  let smallest = found;
  for (let round = 0; round < shrinkRounds; round++) {
    const candidates = smaller(smallest.tree, random)
      .map((tree) => ({ tree, row: smallest.row, text: textOfTree(tree) }))
      .sort((a, b) => a.text.length - b.text.length);
    const [ours, theirs] = ask(candidates);
    const at = candidates.findIndex((each, i) =>
      differenceOf(ours[i], theirs[i]) !== undefined && !allowed(each, ours[i], theirs[i]));
    if (at < 0) {
      break;
    }
    smallest = candidates[at];
  }
  return smallest;
}

/** An expression without what is inside its parts. */
const shapeOf = (tree) =>
  tree.parts.map((part) => (typeof part === 'string' ? part : `<${part.type}>`)).join('');

test(`${count} expressions`, () => {
  const cases = Array.from({ length: count }, (_, i) => {
    const tree = expression(random.pick(types), random.between(1, 6), random);
    return { tree, row: i % rows.length, text: textOfTree(tree) };
  });
  const [ours, theirs] = ask(cases);
  const refused = theirs.filter((answer) => answer.state?.startsWith('42')).length;
  assert.ok(refused < count / 3, `${refused} of ${count} mean nothing to PostgreSQL: the grammar is off`);
  const { wrong } = compare(cases, ours, theirs, differences);
  const shrunk = new Map(); // one of each shape
  for (const { at } of wrong.slice(0, 20 * shownMax)) {
    const found = shrunk.size < shownMax ? shrink(cases[at]) : cases[at];
    const shape = shapeOf(found.tree);
    shrunk.set(shape, shrunk.get(shape) ?? found);
  }
  const few = [...shrunk.values()].slice(0, shownMax);
  const shown = compare(few, ...ask(few), differences).wrong.map(({ text }) => text);
  assert.equal(wrong.length, 0, `${wrong.length} of ${count} differ:\n${shown.join('\n')}`);
});

test('what is listed as different differs', () => {
  const examples = differences.map(({ example }) => ({ row: 0, text: example }));
  const { wrong, occurred } = compare(examples, ...ask(examples), differences);
  assert.deepEqual(wrong.map(({ text }) => text), []);
  assert.deepEqual([...occurred], differences.map(({ name }) => name), 'equal now');
  for (const { name } of differences) {
    assert.ok(page.includes(name), `docs/differences-from-postgresql.md does not say: ${name}`);
  }
});
