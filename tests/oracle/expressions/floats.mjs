// SPDX-License-Identifier: Apache-2.0
// Floats, alone and among whole numbers.
import { ordered } from './base.mjs';

export const literals = {
  real: (r) => `'${r.pick(['0.1', '-1.5', '3e38', '1e-40', 'NaN', '16777217'])}'::real`,
  double: (r) => r.pick(["'0.1'::float8", "double precision '-2.5'", "'1e300'::float8", "'infinity'::float8",
    "float8 '5e-324'", "'-0'::double precision"]),
};

export const untyped = {
  real: ['1.5', '-0', '1e39', 'x', 'nan'],
  double: ['2.5', '1e400', 'Infinity', '', '1_0'],
};

export const declared = { double: 'double precision' };

export const columns = {
  real: { r: ['0.1', '-3.4028235e38', 'NaN'], r2: ['2.5', '1e-45', null] },
  double: { g1: ['2.5', '-1.7976931348623157e308', 'NaN'], g2: ['-0.5', '4.9e-324', '-Infinity'], g3: ['1e15', '0', null] },
};

export const groups = { float: ['real', 'double'], any: ['real', 'double', 'smallint', 'integer', 'bigint'] };

export const productions = [ordered('real'), ordered('double'), {
  real: [...['+', '-', '*', '/'].map((op) => `<real> ${op} <real>`), '- <real>', '+ (<real>)', 'abs(<real>)',
    "<real> + <'real'>", '<any>::real', '<text>::real', 'coalesce(<real>, <integer>)', '@ <real>'],
  double: [...['+', '-', '*', '/'].flatMap((op) => [`<double> ${op} <double>`, `<float> ${op} <double>`, `<double> ${op} <any>`,
    `<whole> ${op} <real>`]), '- <double>', 'abs(<double>)', "<double> * <'double'>", '<any>::double precision', '<text>::float8',
  ...['round', 'floor', 'ceil', 'ceiling', 'trunc', 'sign', 'sqrt'].map((name) => `${name}(<any>)`), 'greatest(<double>, <real>)',
  'case when <boolean> then <integer> else <double> end', '<smallint> ^ 3', '<whole> ^ 2', '<double> ^ 2', '<real> ^ <smallint>',
  'power(<integer>, -1)', '<double> ^ <double>'],
  smallint: ['<float>::smallint'],
  integer: ['<float>::integer'],
  bigint: ['<float>::bigint'],
  text: ['<float>::text', '<text> || <float>'],
  boolean: ['=', '<>', '<', '>=', 'is distinct from'].flatMap((op) => [`<float> ${op} <any>`, `<whole> ${op} <float>`])
    .concat(['<float> in (<any>, <float>)', '<float> between <any> and <any>']),
}];
