// SPDX-License-Identifier: Apache-2.0
// Text, of any length and of at most so many characters.
export const types = [
  'text', 'varchar', 'varchar(1)', 'varchar(3)', 'varchar(40)', 'char', 'char(3)', 'character(10)',
  'character varying(5)',
];

const picked = [
  '', ' ', '   ', '    ', 'a', 'ab', 'abc', 'abcd', 'abc ', 'abc    ', 'ab  c', ' abc', 'a  ', 'ä', 'äöü',
  'äöü ', 'äöüß', '日本語', '日本語だ', '𝄞', '𝄞𝄞𝄞', '𝄞𝄞𝄞𝄞', 'e\u0301', '\u00a0', 'abc\u00a0', 'abc\t', 'abc\n',
  '\n', '"', '\\', '\\n', '\'', '\u0001', '\u001f', '\u007f', '\u0080', '\u2028', '\ufeff', '\ufffd',
  '/', '</script>', 'a'.repeat(300), `${'a'.repeat(40)}  `, '\b\f\r\v', '\ud7ff', '\ue000', '\u{10ffff}',
];

const alphabet = ['a', 'Z', '0', ' ', ' ', '\t', '\n', '"', '\\', '\'', 'ä', '語', '𝄞', '\u0001', '\u0300'];

export function literals(type, random) {
  const made = Array.from({ length: 400 }, () =>
    random.repeat(0, random.pick([4, 7, 12, 45]), () => random.pick(alphabet))
      + random.maybe(' '.repeat(random.below(5))));
  return [...picked, ...made];
}
