// SPDX-License-Identifier: Apache-2.0
// Goal: literals of every type are taken and refused as PostgreSQL 15 does, and come out as its text
// and its to_json, to the letter.
// Method: each file of literals/ gives thousands of texts for its types, hand-picked and made from a
// grammar with a fixed seed: valid ones, nearly valid ones, mutations. Both sides read all of them.
// What differs on purpose is listed in that file with its reason (and for people in
// docs/differences-from-postgresql.md); a listed difference that does not occur is an error too.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { compare } from './cases.mjs';
import { page } from './differences.mjs';
import { askOurLiterals } from './ours.mjs';
import { startPostgres } from './postgres.mjs';
import { randomOf } from './random.mjs';
import { askLiterals } from './theirs.mjs';

const shownMax = 40;
const folder = new URL('literals/', import.meta.url);
let postgres;

before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.stop());

for (const file of readdirSync(folder).sort()) {
  const { types, literals, differences = [] } = await import(new URL(file, folder));
  test(`${file.replace('.mjs', '')}: ${types.join(', ')}`, () => {
    const cases = types.flatMap((type) =>
      [...new Set(literals(type, randomOf(type)))].map((text) => ({ type, text })));
    const ours = askOurLiterals(cases);
    const theirs = askLiterals(postgres, cases);
    assert.equal(ours.length, cases.length);
    assert.equal(theirs.length, cases.length);
    const { wrong, occurred } = compare(cases, ours, theirs, differences);
    const shown = wrong.slice(0, shownMax).map(({ text }) => text).join('\n');
    assert.equal(wrong.length, 0, `${wrong.length} of ${cases.length} differ:\n${shown}`);
    for (const { name } of differences) {
      assert.ok(page.includes(name), `docs/differences-from-postgresql.md does not say: ${name}`);
    }
    const gone = differences.map(({ name }) => name).filter((name) => !occurred.has(name));
    assert.deepEqual(gone, [], 'listed as different, and equal now');
  });
}
