// SPDX-License-Identifier: Apache-2.0
// Whole numbers, truth, comparison, choices, and casts among the types that every schema has.
//
// A production is a text in which <type> stands for an expression of that type and <'type'> for a
// literal that is written without its type. Names of `groups` stand for one of their types.

export const groups = {
  whole: ['smallint', 'integer', 'bigint'],
  string: ['text', 'varchar', 'char'],
};

/** A literal of each type, with its type. */
export const literals = {
  smallint: (r) => `${r.pick(['0', '1', '7', '32767', '255'])}::smallint`,
  integer: (r) => r.pick(['0', '1', '2', '3', '10', '31', '32', '2147483647', '-1', '-7', '(-2)']),
  bigint: (r) => r.pick(['2147483648', '9223372036854775807', '3::bigint', '(-9223372036854775807 - 1)',
    '0::bigint', '63::int8', '4611686018427387904']),
  boolean: (r) => r.pick(['true', 'false', 'null::boolean', "'yes'::boolean"]),
};

/** Literals without a type: most are of the type, some are not. */
export const untyped = {
  smallint: ['5', '-32768', '32768', ' 7 ', 'x', '1.5'],
  integer: ['5', '-5', '2147483648', '+3', '', 'x', '1e3'],
  bigint: ['5', '-9223372036854775808', '9223372036854775808', '0x1'],
  boolean: ['t', 'off', 'yes', 'maybe', ''],
};

/** Columns of each type with their values in the rows: usual, at the edges, mixed; and all NULL. */
export const columns = {
  smallint: { s: ['5', '-32768', '0'], s2: ['12', '32767', null] },
  integer: { i: ['7', '2147483647', '-3'], j: ['-4', '-2147483648', '0'], k: ['33', '0', null] },
  bigint: { b: ['100000000000', '9223372036854775807', '-1'],
    b2: ['-9', '-9223372036854775808', null] },
  boolean: { y: ['true', 'false', 'true'], f: ['false', 'true', null], u: [null, null, 'false'] },
};

const comparisons = (left, right = left) => ['=', '<>', '!=', '<', '<=', '>', '>=', 'is distinct from',
  'is not distinct from'].map((op) => `<${left}> ${op} <${right}>`);

/** What a type that can be compared has. */
export const ordered = (type) => ({
  boolean: [
    ...comparisons(type), `<${type}> in (<${type}>, <${type}>)`, `<${type}> not in (<${type}>, <${type}>)`,
    `<${type}> in (<${type}>, null, <'${type}'>)`, `<${type}> between <${type}> and <${type}>`,
    `<${type}> not between <${type}> and <'${type}'>`, `<${type}> between symmetric <${type}> and <${type}>`,
    `<${type}> = <'${type}'>`, `<'${type}'> < <${type}>`, `<${type}> is null`, `<${type}> is not null`,
    `<${type}> isnull`, `<${type}> notnull`,
  ],
  [type]: [
    `coalesce(<${type}>, <${type}>)`, `coalesce(<${type}>, null, <'${type}'>)`, `nullif(<${type}>, <${type}>)`,
    `greatest(<${type}>, <${type}>)`, `least(<${type}>, <${type}>, <${type}>)`, `least(<${type}>, <'${type}'>)`,
    `case when <boolean> then <${type}> else <${type}> end`,
    `case when <boolean> then <${type}> when <boolean> then <'${type}'> end`,
    `case <integer> when <integer> then <${type}> when <integer> then null else <${type}> end`,
    `case <${type}> when <${type}> then <${type}> when <'${type}'> then <${type}> end`,
    `(<${type}>)`,
  ],
});

const whole = (type) => ({
  [type]: [
    ...['+', '-', '*', '/', '%', '&', '|', '#'].map((op) => `<${type}> ${op} <${type}>`),
    `- <${type}>`, `+ (<${type}>)`, `~ <${type}>`, `@ <${type}>`, `<${type}> << <integer>`, `<${type}> >> <integer>`,
    `abs(<${type}>)`, `mod(<${type}>, <${type}>)`, `<${type}> + <'${type}'>`, `<'${type}'> * <${type}>`,
    `<whole>::${type}`, `cast(<string> as ${type})`, `<'${type}'>::${type}`, `gcd(<${type}>, <${type}>)`,
    `lcm(<${type}>, <${type}>)`,
  ],
});

const merged = (...parts) => {
  const all = {};
  for (const part of parts) {
    for (const [type, list] of Object.entries(part)) {
      all[type] = [...(all[type] ?? []), ...list];
    }
  }
  return all;
};

export const productions = merged(
  ...Object.keys(literals).map(ordered),
  whole('smallint'), whole('integer'), whole('bigint'),
  {
    integer: ['<smallint> + <integer>', '<integer> - <smallint>', '<boolean>::integer', '<smallint> / <integer>',
      'coalesce(<smallint>, <integer>)', 'case when <boolean> then <smallint> else <integer> end',
      'greatest(<integer>, <smallint>)'],
    bigint: ['<integer> + <bigint>', '<bigint> * <smallint>', '<bigint> % <integer>', '<integer> / <bigint>',
      'coalesce(<integer>, <bigint>)', 'least(<bigint>, <integer>)', '<integer> & <bigint>'],
    boolean: [
      '<boolean> and <boolean>', '<boolean> or <boolean>', 'not <boolean>', '<boolean> and <boolean> or <boolean>',
      '<boolean> is true', '<boolean> is not true', '<boolean> is false', '<boolean> is not false',
      '<boolean> is unknown', '<boolean> is not unknown', '<integer>::boolean', 'not <boolean> and <boolean>',
      ...comparisons('whole'), ...comparisons('integer', 'bigint'), ...comparisons('smallint', 'bigint'),
      '<whole> in (<whole>, <whole>)', '<whole> between <whole> and <whole>',
      '<whole> not in (<whole>, <integer>)', 'null is null', '<boolean> or null', 'null and <boolean>',
    ],
  },
);
