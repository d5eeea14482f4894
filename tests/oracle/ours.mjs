// SPDX-License-Identifier: Apache-2.0
// Rivulet's answers: oracle.c, asked all at once.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { enums, hexOf, textOf } from './cases.mjs';

const binary =
  process.env.RIVULET_BIN ?? fileURLToPath(new URL('../../build/native/rivulet', import.meta.url));
const program = join(dirname(binary), 'oracle');

/** Lines in, answers out: `{ type, json, text }` (null for NULL), or `{ code, detail }`. */
export function askOurs(lines) {
  const types = Object.entries(enums)
    .map(([name, labels]) => ['enum', name, ...labels.map(hexOf)].join('\t'));
  const input = [...types, ...lines].map((line) => `${line}\n`).join('');
  const run = spawnSync(program, { input, encoding: 'latin1', maxBuffer: 1 << 30 });
  const answered = run.stdout.split('\n').slice(0, -1);
  assert.equal(run.status, 0,
    `oracle ended with ${run.status ?? run.signal} after ${answered.length} answers: ${run.stderr}`);
  return answered.map((line) => {
    const [verdict, first, second, third] = line.split('\t');
    if (verdict !== 'ok') {
      return { code: first, detail: textOf(second) };
    }
    const [json, text] = third === 'null' ? [null, null] : [textOf(second), textOf(third)];
    return { type: first, json, text };
  });
}

/** `cases`: `{ type, text }`. */
export function askOurLiterals(cases) {
  return askOurs(cases.map(({ type, text }) => `literal\t${type}\t${hexOf(text)}`));
}

/** `rows`: lists of columns `{ name, type, text }`; `cases`: `{ row, text }`, `row` an index. */
export function askOurExpressions(rows, cases) {
  const lines = [];
  const places = [];
  rows.forEach((columns, row) => {
    lines.push('row');
    for (const { name, type, text } of columns) {
      lines.push(`column\t${name}\t${type}\t${text === null ? 'null' : hexOf(text)}`);
    }
    cases.forEach((each, i) => {
      if (each.row === row) {
        lines.push(`expression\t${hexOf(each.text)}`);
        places.push(i);
      }
    });
  });
  const answers = askOurs(lines);
  assert.equal(answers.length, cases.length);
  const ordered = [];
  places.forEach((place, i) => (ordered[place] = answers[i]));
  return ordered;
}
