// SPDX-License-Identifier: Apache-2.0
// Writes tests/vectors/expressions.txt and literals.txt (vectors.mjs) from a PostgreSQL's answers:
// every production of the grammar once, random expressions, and of each type some of its literals.
//
//     node tests/oracle/make_vectors.mjs
import { readdirSync } from 'node:fs';

import { differenceOf } from './cases.mjs';
import { everyProduction, expression, rows, textOfTree, types } from './grammar.mjs';
import { askOurExpressions, askOurLiterals } from './ours.mjs';
import { startPostgres } from './postgres.mjs';
import { randomOf } from './random.mjs';
import { askExpressions, askLiterals } from './theirs.mjs';
import { writeExpressions, writeLiterals } from './vectors.mjs';

const randomCount = 250;
const literalsOfType = 30;
const lengthMax = 160;
const oneField = (answer) => !/[\t\n\r]/.test(answer.json ?? '');

const postgres = await startPostgres();
try {
  const random = randomOf('vectors');
  const trees = everyProduction(random);
  while (trees.length < randomCount + everyProduction(random).length) {
    const tree = expression(random.pick(types), random.between(2, 6), random);
    if (textOfTree(tree).length <= lengthMax) {
      trees.push(tree);
    }
  }
  const all = trees.map((tree, i) => ({ row: i % rows.length, text: textOfTree(tree) }))
    .filter(({ text }) => !/[\t\n]/.test(text));
  const [ours, theirs] = [askOurExpressions(rows, all), askExpressions(postgres, rows, all)];
  const keep = all.map((_, i) => differenceOf(ours[i], theirs[i]) === undefined
    && !theirs[i].state?.startsWith('42') && oneField(theirs[i]));
  writeExpressions(rows, all.filter((_, i) => keep[i]), theirs.filter((_, i) => keep[i]));

  const folder = new URL('literals/', import.meta.url);
  const cases = [];
  for (const file of readdirSync(folder).sort()) {
    const module = await import(new URL(file, folder));
    for (const type of module.types) {
      const texts = [...new Set(module.literals(type, randomOf(type)))];
      const step = Math.ceil(texts.length / literalsOfType);
      const some = texts.filter((text, i) => i % step === 0 && text.length <= lengthMax);
      cases.push(...some.map((text) => ({ type, text })));
    }
  }
  const [ourLiterals, theirLiterals] = [askOurLiterals(cases), askLiterals(postgres, cases)];
  const same = cases.map((_, i) => oneField(theirLiterals[i])
    && differenceOf(ourLiterals[i], theirLiterals[i]) === undefined);
  writeLiterals(cases.filter((_, i) => same[i]), theirLiterals.filter((_, i) => same[i]));
} finally {
  await postgres.stop();
}
