// SPDX-License-Identifier: Apache-2.0
// Writes tests/vectors/expressions.txt, literals.txt and corners.txt (vectors.mjs) from a PostgreSQL's
// answers: every production of the grammar once, random expressions, of each type some of its literals;
// and what is in corners.mjs.
//
//     node tests/oracle/make_vectors.mjs [FILE…]     all three, without an argument
import { readdirSync } from 'node:fs';

import { differenceOf } from './cases.mjs';
import { expressions as cornersOfRow, literals as cornersOfType } from './corners.mjs';
import { everyProduction, expression, rows, textOfTree, types } from './grammar.mjs';
import { askOurExpressions, askOurLiterals } from './ours.mjs';
import { startPostgres } from './postgres.mjs';
import { randomOf } from './random.mjs';
import { askExpressions, askLiterals } from './theirs.mjs';
import { writeCorners, writeExpressions, writeLiterals } from './vectors.mjs';

const randomCount = 250;
const literalsOfType = 30;
const lengthMax = 160;
const oneField = (answer) => !/[\t\n\r]/.test(answer.json ?? '');

const asked = (name) => process.argv.length === 2 || process.argv.includes(name);

/** Those of the expressions whose answers are the same on both sides, with the answers. */
function answeredExpressions(postgres, all, meaningless) {
  const [ours, theirs] = [askOurExpressions(rows, all), askExpressions(postgres, rows, all)];
  const keep = all.map((_, i) => differenceOf(ours[i], theirs[i]) === undefined
    && (meaningless || !theirs[i].state?.startsWith('42')) && oneField(theirs[i]));
  return [all.filter((_, i) => keep[i]), theirs.filter((_, i) => keep[i])];
}

function answeredLiterals(postgres, all) {
  const [ours, theirs] = [askOurLiterals(all), askLiterals(postgres, all)];
  const keep = all.map((_, i) => oneField(theirs[i]) && differenceOf(ours[i], theirs[i]) === undefined);
  return [all.filter((_, i) => keep[i]), theirs.filter((_, i) => keep[i])];
}

function someExpressions() {
  const random = randomOf('vectors');
  const trees = everyProduction(random);
  while (trees.length < randomCount + everyProduction(random).length) {
    const tree = expression(random.pick(types), random.between(2, 6), random);
    if (textOfTree(tree).length <= lengthMax) {
      trees.push(tree);
    }
  }
  return trees.map((tree, i) => ({ row: i % rows.length, text: textOfTree(tree) }))
    .filter(({ text }) => !/[\t\n]/.test(text));
}

async function someLiterals() {
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
  return cases;
}

const postgres = await startPostgres();
try {
  if (asked('expressions')) {
    writeExpressions(rows, ...answeredExpressions(postgres, someExpressions(), false));
  }
  if (asked('literals')) {
    writeLiterals(...answeredLiterals(postgres, await someLiterals()));
  }
  if (asked('corners')) {
    const expressions = cornersOfRow.flatMap((texts, row) => texts.map((text) => ({ row, text })));
    const literals = Object.entries(cornersOfType)
      .flatMap(([type, texts]) => texts.map((text) => ({ type, text })));
    writeCorners(rows, answeredExpressions(postgres, expressions, true), answeredLiterals(postgres, literals));
  }
} finally {
  await postgres.stop();
}
