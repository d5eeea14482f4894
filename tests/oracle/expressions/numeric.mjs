// SPDX-License-Identifier: Apache-2.0
// Numerics: scaled ones and wide ones, between each other and with whole numbers.
import { ordered } from './base.mjs';

export const groups = { number: ['smallint', 'integer', 'bigint', 'decimal', 'numeric'] };

export const declared = { decimal: 'numeric(12,2)' };

export const literals = {
  decimal: (r) => `${r.pick(['0', '1.5', '-2.345', "'NaN'", '9999999999.99'])}::numeric(12,2)`,
  numeric: (r) => r.pick(['0.5', '1.25', '0.00', '3.14159265358979323846', '1e3', '1e-3', '.5', '5.', '99.995',
    '123456789.123456789', '9223372036854775808', '1e30', "'NaN'::numeric", "'Infinity'::numeric",
    '2.50::numeric(30,8)', '12345::numeric(5,-2)']),
};

export const untyped = {
  decimal: ['1.5', '-0.005', 'NaN', '1e9', 'x', ''],
  numeric: ['1.50', '1e400', '-0', 'nan', '-Infinity', 'x', '1 2', '0.000'],
};

export const columns = {
  decimal: { p: ['12.50', '-9999999999.99', '0.00'], p2: ['-0.05', 'NaN', null] },
  numeric: { m: ['2.000', '-123456789012345678901234567890.0123456789', '0.000'],
    m2: ['0.7', 'NaN', '1e50'], m3: ['100', '-Infinity', null] },
};

const operators = ['+', '-', '*', '/', '%'];

const same = ordered('numeric');

export const productions = [same, ordered('decimal'), {
  numeric: [
    ...operators.flatMap((op) => [`<numeric> ${op} <numeric>`, `<decimal> ${op} <decimal>`,
      `<numeric> ${op} <whole>`, `<whole> ${op} <numeric>`, `<decimal> ${op} <whole>`]),
    '- <numeric>', '+ (<numeric>)', '@ <numeric>', 'abs(<numeric>)', 'mod(<numeric>, <decimal>)',
    'div(<numeric>, <numeric>)', '<numeric> + <\'numeric\'>', '<\'numeric\'> * <numeric>',
    ...['round', 'trunc', 'floor', 'ceil', 'ceiling', 'sign'].map((name) => `${name}(<numeric>)`),
    ...['round', 'trunc'].flatMap((name) => [`${name}(<numeric>, 2)`, `${name}(<decimal>, 1)`,
      `${name}(<numeric>, -2)`, `${name}(<numeric>, <integer> % 20)`]),
    'power(<numeric>, 3)', '<numeric> ^ 2.0', 'power(<numeric>, -2)', 'power(<decimal>, <integer> % 8)',
    'power(@ (<decimal> % 1000), <decimal> % 7)', '(@ <decimal>) ^ 0.5',
    'sqrt(<numeric>)', 'sqrt(<decimal>)',
    '<number>::numeric', '<numeric>::numeric(30,4)', '<numeric>::numeric(6,-2)', '<\'numeric\'>::numeric',
    'coalesce(<decimal>, <numeric>)', 'greatest(<integer>, <decimal>, <numeric>)', 'least(<decimal>, <whole>)',
    'case when <boolean> then <whole> else <numeric> end', 'nullif(<whole>, <numeric>)',
  ],
  decimal: ['<number>::numeric(12,2)', '<\'decimal\'>::numeric(12,2)', '(<decimal> + <decimal>)::numeric(12,2)'],
  bigint: ['<numeric>::bigint', '<decimal>::bigint'],
  integer: ['<decimal>::integer', 'round(<decimal>)::integer'],
  boolean: [
    ...['=', '<>', '<', '<=', '>', '>=', 'is distinct from'].map((op) => `<number> ${op} <number>`),
    '<number> in (<number>, <numeric>)', '<decimal> between <whole> and <numeric>',
  ],
  text: ['<numeric>::text', '<text> || <numeric>', '<decimal> || <text>'],
}];
