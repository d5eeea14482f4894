// SPDX-License-Identifier: Apache-2.0
// Where expressions differ from PostgreSQL's on purpose: each a sentence of
// docs/differences-from-postgresql.md, how it shows, and an example that must go on to show it.
import { readFileSync } from 'node:fs';

const url = new URL('../../docs/differences-from-postgresql.md', import.meta.url);

/** That page, in one line. */
export const page = readFileSync(url, 'utf8').replace(/\s+/g, ' ');

/** Two doubles that are equal but for the last bit. */
const near = (a, b) => a !== null && Math.abs(Number(a) - Number(b)) <= Math.abs(Number(b)) * 2 ** -52;

const failedAtOnce = (ours) => ours.code !== undefined && /^line \d/.test(ours.detail);
const failedLater = (ours) => ours.code !== undefined && !/^line \d/.test(ours.detail);

export const differences = [
  {
    name: 'Of several mistakes the first is told; PostgreSQL tells those of syntax first.',
    when: (_, ours, theirs) => failedAtOnce(ours) && theirs.state !== undefined,
    example: "(i = 'x') = = y",
  },
  {
    name: 'What is constant is evaluated when its turn comes; PostgreSQL does so when it plans.',
    when: ({ text }, ours, theirs) => /null|between|and|or|case|coalesce|in \(/.test(text) && failedLater(ours)
      && theirs.state === undefined,
    example: '(i / (i - 7)) + null::integer',
  },
  {
    name: 'Operands are evaluated from left to right; PostgreSQL evaluates the date of `integer + '
      + 'date` first.',
    when: ({ text }, ours, theirs) => /\+/.test(text) && failedLater(ours)
      && /^(22P02|22003|22007|22008)$/.test(theirs.state),
    example: '(i / (i - 7)) + t::date',
  },
  {
    name: 'A whole number that is malformed after more digits than its type holds is malformed, not '
      + 'out of range.',
    when: (_, ours, theirs) => ours.code === 'value_invalid' && theirs.state === '22003'
      && /^value ".*" is out of range/.test(theirs.detail),
    example: "(i || '99999x')::smallint",
  },
  {
    name: 'A `numeric` that no float can hold is compared with floats as infinity, or as 0.',
    when: (_, ours, theirs) => ours.type === 'boolean' && theirs.state === '22003' && /double precision/.test(theirs.detail),
    example: "g1 < '1e400'::numeric",
  },
  {
    name: 'A difference of timestamps that an interval cannot hold is out of range.',
    when: ({ text }, ours, theirs) => /-|age/.test(text) && /out of the range of interval/.test(ours.detail),
    example: "timestamp '1969-12-31' - timestamp '294276-12-31'",
  },
  {
    name: '`age` of infinity is refused, for timestamptz as for timestamp.',
    when: ({ text }, ours, theirs) => /age/.test(text) && /infinity has no distance/.test(ours.detail),
    example: "age(timestamptz 'infinity', z)",
  },
  {
    name: '`extract(epoch from …)` is exact to the end of the range of timestamps.',
    when: ({ text }, ours, theirs) => /extract\(epoch/.test(text) && ours.code === undefined && theirs.state === undefined,
    example: "extract(epoch from timestamp '294276-12-31 23:59:59.999999')",
  },
  {
    name: '`make_interval` takes its arguments in order, without names, and needs the first; seconds that an interval '
      + 'cannot hold are out of range.',
    when: ({ text }, ours, theirs) => /make_interval/.test(text) && /out of the range of interval/.test(ours.detail),
    example: "make_interval(0, 0, 0, 0, 0, 0, '1e300')",
  },
  {
    name: 'Powers of floats and whole numbers are rounded to the nearest double.',
    when: ({ text }, ours, theirs) => /\^|power/.test(text) && ours.code === undefined && theirs.state === undefined
      && ours.type === 'double precision' && near(ours.text, theirs.text),
    example: '10 ^ 23',
  },
  {
    name: '`right` of the smallest integer is empty.',
    when: ({ text }) => /right\(/.test(text) && /\bj\b|2147483647/.test(text),
    example: 'right(t, (-2147483647 - 1))',
  },
];
