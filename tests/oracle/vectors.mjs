// SPDX-License-Identifier: Apache-2.0
// tests/vectors/expressions.txt, literals.txt and corners.txt (both): PostgreSQL's answers, for the unit
// tests, which run in builds where there is no PostgreSQL. Fields are separated by tabs.
//
//     enum        NAME  LABEL…
//     row
//     column      NAME  TYPE  TEXT       \N for NULL
//     expression  TEXT  ANSWER           over the columns since `row`
//     literal     TYPE  TEXT  ANSWER     TEXT in hexadecimal
//
// An answer is the value's to_json, or `!` and what the refusal is about: invalid, range, long, zero,
// meaning.
import { readFileSync, writeFileSync } from 'node:fs';

import { classOf, enums, hexOf, textOf } from './cases.mjs';

const urlOf = (name) => new URL(`../vectors/${name}.txt`, import.meta.url);

const head = `# PostgreSQL 15's answers; made by tests/oracle/make_vectors.mjs, checked by vectors.test.mjs,
# read by tests/unit/model/postgresql_test.c; the format is told in tests/oracle/vectors.mjs.
`;

export function answerOf(theirs) {
  return theirs.state === undefined ? theirs.json ?? 'null' : `!${classOf(theirs)}`;
}

function write(name, lines) {
  const types = Object.entries(enums).map(([type, labels]) => ['enum', type, ...labels]);
  const text = [...types, ...lines].map((fields) => `${fields.join('\t')}\n`).join('');
  writeFileSync(urlOf(name), head + text);
}

/** The vectors' lines, as fields. */
function read(name) {
  return readFileSync(urlOf(name), 'utf8').split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('\t'));
}

function linesOfExpressions(rows, cases, theirs) {
  const lines = [];
  rows.forEach((columns, row) => {
    lines.push(['row']);
    for (const { name, type, text } of columns) {
      lines.push(['column', name, type, text ?? '\\N']);
    }
    cases.forEach((each, i) => {
      if (each.row === row) {
        lines.push(['expression', each.text, answerOf(theirs[i])]);
      }
    });
  });
  return lines;
}

const linesOfLiterals = (cases, theirs) =>
  cases.map(({ type, text }, i) => ['literal', type, hexOf(text), answerOf(theirs[i])]);

export function writeExpressions(rows, cases, theirs) {
  write('expressions', linesOfExpressions(rows, cases, theirs));
}

export function writeLiterals(cases, theirs) {
  write('literals', linesOfLiterals(cases, theirs));
}

/** `expressions` and `literals`: cases and their answers. */
export function writeCorners(rows, expressions, literals) {
  write('corners', [...linesOfLiterals(...literals), ...linesOfExpressions(rows, ...expressions)]);
}

/** `{ rows, cases }`, each case with its `answer`. */
export function readExpressions(name = 'expressions') {
  const rows = [];
  const cases = [];
  for (const [word, first, second, third] of read(name)) {
    if (word === 'row') {
      rows.push([]);
    } else if (word === 'column') {
      rows.at(-1).push({ name: first, type: second, text: third === '\\N' ? null : third });
    } else if (word === 'expression') {
      cases.push({ row: rows.length - 1, text: first, answer: second });
    }
  }
  return { rows, cases };
}

export function readLiterals(name = 'literals') {
  return read(name).filter(([word]) => word === 'literal')
    .map(([, type, hex, answer]) => ({ type, text: textOf(hex), answer }));
}
