// SPDX-License-Identifier: Apache-2.0
// JSON and arrays, and the functions on text that make and take apart.
import { ordered } from './base.mjs';

const documents = ['{}', '[]', '1', '1.50', '"a"', 'null', 'true', '{"a": 1, "b": [1, 2, {"c": null}]}',
  '{"b": {"a": "x"}, "a": 1.0}', '[1, "a", [2], {"a": 1}]', '[[1, 2], [3]]', '{"a": [1, 2, 2]}'];
const lists = ['{}', '{1}', '{1,2,3}', '{3,NULL,1}', '{NULL}', '{7,-1}'];
const words = ['{}', '{a}', '{a,b,"c d"}', '{b,NULL,a}', '{"",x}', '{a,0}', '{b,2,c}', '{b,-1}'];

export const literals = {
  json: (r) => `'${r.pick(documents)}'::json`,
  jsonb: (r) => `'${r.pick(documents)}'::jsonb`,
  ints: (r) => `'${r.pick(lists)}'::int[]`,
  words: (r) => `'${r.pick(words)}'::text[]`,
};

export const untyped = {
  json: [...documents, '{', 'x', ''],
  jsonb: [...documents, '{"a":1,"a":2}', '[1', ''],
  ints: [...lists, '1,2', '{a}', '{1,}'],
  words: [...words, 'a', '{"a}', '{a,}'],
};

export const columns = {
  json: { raw: ['{"a": {"b": [10, 20]}, "k": "v"}', '[1, 2.50, null]', null] },
  jsonb: { doc: ['{"a": {"b": [10, 20]}, "k": "v"}', '[1, 2.50, null, [3, "a"]]', '"a"'],
    doc2: ['{"a": 1, "k": "v"}', '[2.5, 1]', null] },
  ints: { ns: ['{1,2,3}', '{}', '{5,NULL}'], ns2: ['{3,4}', '{NULL}', null] },
  words: { ws: ['{a,b}', '{"x y","",NULL}', '{}'], ws2: ['{a,b,0}', '{k}', null] },
};

export const declared = { ints: 'integer[]', words: 'text[]' };

const array = (type, element) => ({
  [type]: [
    `<${type}> || <${type}>`, `<${type}> || <${element}>`, `<${element}> || <${type}>`, `<${type}> || <'${type}'>`,
    `array[<${element}>, <${element}>]`, `array[<${element}>, null]`, `array_append(<${type}>, <${element}>)`,
    `array_prepend(<${element}>, <${type}>)`, `<'${type}'>::${declared[type]}`,
    `(<${type}>)[<integer>:<integer>]`, `(<${type}>)[2:]`, `(<${type}>)[:<integer>]`,
  ],
  [element]: [`(<${type}>)[<integer>]`, `(<${type}>)[1]`, `((<${type}>)[<integer>:])[1]`],
  integer: [`array_length(<${type}>, 1)`, `array_length(<${type}>, <integer>)`, `cardinality(<${type}>)`,
    `array_position(<${type}>, <${element}>)`],
  text: [`array_to_string(<${type}>, ',')`, `array_to_string(<${type}>, <text>, '*')`, `<${type}>::text`],
  boolean: [
    `<${type}> @> <${type}>`, `<${type}> <@ <${type}>`, `<${type}> && <${type}>`, `<${type}> @> <'${type}'>`,
    `<${element}> = any (<${type}>)`, `<${element}> <> all (<${type}>)`, `<${element}> < any (<${type}>)`,
    `<${element}> >= all (<${type}>)`, `<${element}> = any (<'${type}'>)`,
  ],
});

export const productions = [...['jsonb', 'ints', 'words'].map(ordered), array('ints', 'integer'), array('words', 'text'), {
  json: ["<json> -> 'a'", '<json> -> <integer>', '<json> -> <text>', "<json> #> '{a,b,1}'", '<json> #> <words>',
    'to_json(<text>)', 'to_json(<integer>)', 'to_json(<ints>)', '<jsonb>::json', 'coalesce(<json>, <json>)'],
  jsonb: ["<jsonb> -> 'a'", '<jsonb> -> <integer>', '<jsonb> -> -1', '<jsonb> -> <text>', "<jsonb> #> '{a,b,-1}'",
    '<jsonb> #> <words>', '<jsonb> || <jsonb>', "<jsonb> || <'jsonb'>", 'to_jsonb(<words>)', 'to_jsonb(<boolean>)',
    'to_jsonb(<json>)', '<json>::jsonb', "<'jsonb'>::jsonb"],
  integer: ['<jsonb>::integer', "(<jsonb> -> 'a')::integer", 'strpos(<text>, <text>)', 'position(<text> in <text>)',
    'ascii(<text>)', 'octet_length(<string>)', 'bit_length(<text>)', 'character_length(<char>)'],
  boolean: ['<jsonb> @> <jsonb>', '<jsonb> <@ <jsonb>', "<jsonb> @> <'jsonb'>", '<jsonb> ? <text>', "<jsonb> ? 'a'",
    '<jsonb> ?| <words>', '<jsonb> ?& <words>', '<jsonb>::boolean', '<json> is null', 'starts_with(<text>, <text>)',
    '<text> ilike <text>', "<text> not ilike <'text'>", "<text> like <text> escape '!'", "<string> like <'text'> escape ''"],
  text: ["<json> ->> 'a'", '<json> ->> <integer>', "<jsonb> ->> 'k'", '<jsonb> ->> <integer>', '<jsonb> #>> <words>',
    "<json> #>> '{a,b}'", 'json_typeof(<json>)', 'jsonb_typeof(<jsonb>)', '<jsonb>::text', '<json>::text',
    'left(<text>, <integer>)', 'right(<text>, <integer>)', 'lpad(<text>, 7, <text>)', 'rpad(<string>, 6)',
    "lpad(<text>, <smallint>::integer % 30, 'xy')", 'ltrim(<text>, <text>)', 'rtrim(<string>)',
    'btrim(<text>, <text>)', 'trim(both <text> from <text>)', 'trim(leading from <string>)', "trim(trailing 'a' from <text>)",
    'replace(<text>, <text>, <text>)', 'repeat(<text>, 3)', 'reverse(<text>)', "split_part(<text>, 'a', 1)",
    'split_part(<text>, <text>, -1)', 'split_part(<text>, <text>, <integer>)', 'concat(<text>, <integer>, <boolean>)',
    'concat(<char>, <uuid>)', 'concat_ws(<text>, <text>, <integer>, <string>)', 'initcap(<text>)', 'chr(<integer>)',
    "translate(<text>, 'abcä', 'xy')", 'translate(<text>, <text>, <text>)', 'overlay(<text> placing <text> from 2)',
    'overlay(<text> placing <text> from <integer> for 2)', 'substring(<text> from 2 for 3)', 'substring(<string> for 2)',
    'substring(<text> from <integer>)', "encode(<bytea>, 'hex')", "encode(<bytea>, 'base64')"],
  ints: ['<ints> || <smallint>', '<integer> || <ints>'],
  bytea: ["decode(encode(<bytea>, 'base64'), 'base64')", "decode(<text>, 'hex')"],
}];
