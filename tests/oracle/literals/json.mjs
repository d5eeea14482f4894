// SPDX-License-Identifier: Apache-2.0
// json keeps its text; jsonb has a canonical one.
export const types = ['json', 'jsonb'];

const depthOf = (text) => {
  let most = 0;
  let depth = 0;
  for (const c of text.replace(/"(\\.|[^"\\])*"/gs, '')) {
    depth += '[{'.includes(c) ? 1 : ']}'.includes(c) ? -1 : 0;
    most = Math.max(most, depth);
  }
  return most;
};

export const differences = [
  {
    name: 'JSON that is nested more than 120 deep is refused.',
    when: (each) => depthOf(each.text) > 120,
  },
  {
    name: 'A number of a jsonb has at most 4,096 digits before the point and 2,048 after it.',
    when: (each, ours) => each.type === 'jsonb' && ours.code === 'value_out_of_range',
  },
  {
    name: 'A json with \\u0000 or half a surrogate pair is refused, as a jsonb is.',
    when: (each, ours) => each.type === 'json' && ours.code === 'value_invalid'
      && /\\u(0000|d[89a-f])/i.test(each.text),
  },
  {
    name: 'Line breaks between the tokens of a json are spaces where it is part of an answer.',
    when: (_, ours, theirs) => ours.text === theirs.text
      && ours.json === theirs.json?.replace(/[\r\n]/g, ' '),
  },
];

const nested = (open, close, count, inside = '') => open.repeat(count) + inside + close.repeat(count);

const picked = [
  '', ' ', 'null', ' null ', 'true', 'false', 'nul', 'True', 'NULL', 'truefalse', '"', '""', '"a"',
  '\'a\'', 'a', '{', '}', '[', ']', '{}', '[]', '{ }', '[ ]', '[,]', '[1,]', '[,1]', '[1,,2]',
  '{"a"}', '{"a":}', '{:1}', '{"a":1,}', '{,"a":1}', '{"a":1 "b":2}', '{a:1}', '{1:2}', '{"a":1}}',
  '[1]]', '[1', '{"a":1', '[1}', '{"a":1]', '1 2', '1,2', '"a" "b"', '[1]x', '0', '-0', '00', '01',
  '-01', '1.', '.5', '1.5', '1e5', '1E+5', '1e-5', '1e', '1e+', '+1', '-', '--1', '0x1', '1_000',
  'NaN', 'Infinity', '-0.0', '-0.00', '0.000', '1.50', '1.500e1', '1.5e3', '15e-1', '0e5', '0e-5',
  '0.0e3', '-0e0', '123456789012345678901234567890.123456789012345678901234567890',
  '1e100', '1e-100', '1.23e-4', '-1.23E4', '12e0', '1e4095', '1e4096', '1e-2048', '1e-2049',
  '1e131071', '1e131072', '1e999999999999', `1${'0'.repeat(4096)}`, `0.${'1'.repeat(2048)}`,
  '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u0041\\u00e4\\u20ac\\ud83d\\ude00"', '"\\u001f\\u0001\\u007f"',
  '"\\u0000"', '"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\ud83dx"', '"\\u12"', '"\\u12g4"',
  '"\\x"', '"\\\'"', '"\\', '"a\tb"', '"a\nb"', '"\u007f"', '"ä€😀"', '"\\uD83D\\uDE00"',
  '{"b":1,"a":2}', '{"aa":1,"b":2,"a":3}', '{"a":1,"a":2}', '{"a":{"x":1},"a":[2]}',
  '{"b":1,"a":2,"b":3,"a":4,"c":5}', '{"":1,"a":2}', '{"\\u0061":1,"a":2}', '{"a\\n":1,"b":2,"\\t":3}',
  '{"é":1,"zz":2,"z":3}', '{"a":{"c":1,"b":{"y":1,"x":2}},"Z":[{"b":1,"a":2}]}',
  '{"a" : 1 , "b" : [ 1 , 2 , { } , [ ] ] }', '\t{\n"a":\r\n1}\n', '[1,\n2]', '{"a":"\\n"}',
  nested('[', ']', 120), nested('[', ']', 121), nested('[', ']', 129), nested('{"a":', '}', 120, '1'),
  nested('{"a":', '}', 121, '1'), '\ufeff1', '1\u00a0', '[1\f]', '[1\v]', '// a\n1', '[1] # x',
  '"\u2028"', '{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}',
];

const number = (random) => random.pick(['', '-']) + random.pick(['0', '1', random.digits(1, 20).replace(/^0+(?=.)/, '')])
  + random.pick(['', '', `.${random.digits(1, 8)}`]) + random.pick(['', '', '', `e${random.pick(['', '+', '-'])}${random.digits(1, 2)}`]);
const string = (random) => `"${random.repeat(0, 6, () => random.pick(['a', 'b', 'Z', ' ', 'é', '€', '😀',
  '\\n', '\\"', '\\\\', '\\/', '\\u0041', '\\u0007', '\\ud83d\\ude00', '{', ',']))}"`;

function value(random, depth) {
  const space = () => random.pick(['', '', '', ' ', '\n', '  ']);
  const kind = random.below(depth > 4 ? 5 : 8);
  if (kind < 2) return number(random);
  if (kind < 4) return string(random);
  if (kind === 4) return random.pick(['null', 'true', 'false']);
  const count = random.below(random.pick([2, 4, 9]));
  const items = Array.from({ length: count }, () => {
    const item = space() + value(random, depth + 1) + space();
    return kind === 5 ? item : `${space()}${string(random)}${space()}:${item}`;
  });
  return kind === 5 ? `[${items.join(',') || space()}]` : `{${items.join(',') || space()}}`;
}

export function literals(_, random) {
  const made = Array.from({ length: 2500 }, () => {
    const text = random.spaced(value(random, 0));
    return random.once(4) ? random.mutate(text, '{}[]",:\\ 01.e-unlt\n') : text;
  });
  return [...picked, ...made];
}
