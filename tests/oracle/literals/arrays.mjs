// SPDX-License-Identifier: Apache-2.0
// Array literals, with elements of every form.
export const types = [
  'integer[]', 'bigint[]', 'text[]', 'char(3)[]', 'varchar(4)[]', 'bytea[]', 'boolean[]', 'date[]',
  'timestamptz[]', 'uuid[]', 'numeric(6,2)[]', 'plan[]', 'jsonb[]', 'json[]',
];

const hasBounds = (text) => /^\s*\[/.test(text);
const isNested = (text) => /[{,]\s*\{/.test(text);

export const differences = [
  {
    name: 'Array literals with bounds (`[2:3]={1,2}`) are refused.',
    when: (each, ours) => ours.code === 'value_invalid' && hasBounds(each.text),
  },
  {
    name: 'Arrays have one dimension.',
    when: (each, ours) => ours.code === 'value_invalid' && isNested(each.text),
  },
];

const picked = [
  '', ' ', '{', '}', '{}', '{ }', ' { } ', '{}x', '{}{}', 'x{}', '{,}', '{1}', ' { 1 } ', '{1,}',
  '{,1}', '{1,,2}', '{1 2}', '{1;2}', '1', '1,2', '{1', '1}', '{1}}', '{{1}}', '{{}}', '{{1},{2}}',
  '[1:2]={1,2}', '[2:3]={1,2}', '[0:0]={1}', '[1]={1}', '{NULL}', '{null}', '{NuLl,1}', '{"NULL"}',
  '{"null"}', '{\\NULL}', '{N\\ULL}', '{NULLx}', '{ NULL }', '{"NULL" }', '{""}', '{"",""}', '{"a}',
  '{a"}', '{a"b"}', '{"a"b}', '{"a" b}', '{a "b"}', '{"a""b"}', '{a{b}', '{a}b}', '{"{"}', '{\\{}',
  '{\\}}', '{a\\}', '{a\\', '{\\\\}', '{"\\\\"}', '{"\\""}', '{\\"}', '{\\ }', '{ \\ a \\  }', '{a\\,b}',
  '{"a,b"}', '{a,b}', '{ a b , c }', '{\ta\n,\vb\f}', '{"\ta"}', '{ä,€,😀}', '{"it\'s"}', '{it\'s}',
  '{1.5}', '{"1"," 2 "}', '{-1,+1}', '{t,f,true,no}', '{2020-01-01,infinity}', '{"2020-01-01 12:00+02"}',
  '{\\\\x00ff,"\\\\xDE AD"}', '{free,team}', '{" ",größe,"it\'s"}', '{abcd}', '{abc  }', '{"abc   "}',
  '{99999.995}', '{"{\\"a\\": 1}"}', '{1,"[1, 2]",null,"null"}', '{"\\"x\\""}',
  '{abcd,"a"b}', '{123456,x}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}}',
];

const elements = {
  'integer[]': ['0', '-1', '2147483647', '2147483648', 'x'],
  'bigint[]': ['9223372036854775807', '-5'],
  'text[]': ['a', 'b c', '"q\\"r"', '""', '"x,y"', '\\"', 'é', '"NULL"', 'nULL'],
  'char(3)[]': ['a', 'abc', '"a  "', 'abcd', '"abc  "'],
  'varchar(4)[]': ['a', 'abcd', 'abcde', '"ab    "', 'é€é€'],
  'bytea[]': ['"\\\\x00"', 'abc', '"\\\\001"', '"\\\\xz"'],
  'boolean[]': ['t', 'f', 'yes', 'off', '2'],
  'date[]': ['2024-02-29', 'infinity', '2023-02-29'],
  'timestamptz[]': ['"2024-02-29 12:00:00+01"', '-infinity'],
  'uuid[]': ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99'],
  'numeric(6,2)[]': ['1', '1.005', '9999.99', '-0.001'],
  'plan[]': ['free', '"it\'s"', '" "', 'none'],
  'jsonb[]': ['1', '"{\\"b\\":1,\\"a\\":2}"', '"[1, 2]"', '1.50', 'true', '"x"'],
  'json[]': ['1', '"{\\"b\\":1,\\"a\\":2}"', '"[1,  2]"', 'nope'],
};

export function literals(type, random) {
  const made = Array.from({ length: 400 }, () => {
    const space = () => random.pick(['', '', '', ' ', '\n']);
    const items = Array.from({ length: random.below(5) }, () =>
      space() + random.pick([...elements[type], 'NULL']) + space());
    const text = random.spaced(`{${items.join(',')}}`);
    return random.once(3) ? random.mutate(text, '{}",\\ NULLa1') : text;
  });
  return [...picked, ...made];
}
