// SPDX-License-Identifier: Apache-2.0
// Text, of the three types; bytes, uuids, enums.
import { ordered } from './base.mjs';

const texts = ['', 'a', 'Hello', 'it', ' x ', 'äöü', '%', 'a_b', '12', 'true', '日本'];

export const literals = {
  text: (r) => `'${r.pick(texts)}'::text`,
  varchar: (r) => `'${r.pick(texts)}'::varchar(4)`,
  char: (r) => `'${r.pick(texts)}'::char(5)`,
  bytea: (r) => r.pick(["'\\xdead'::bytea", "''::bytea", "'ab\\000'::bytea"]),
  uuid: (r) => `'${r.pick(['00112233-4455-6677-8899-aabbccddeeff', '{a0eebc999c0b4ef8bb6d6bb9bd380a11}'])}'::uuid`,
  plan: (r) => `'${r.pick(['free', 'team', 'enterprise', 'Free'])}'::plan`,
};

export const untyped = {
  text: [...texts, 'x'.repeat(30)],
  varchar: [...texts, 'abcdefghijklmnop'],
  char: [...texts, 'ab   ', 'abcdefg'],
  bytea: ['\\xdead', '\\x', 'abc', '\\xg0', '\\001'],
  uuid: ['00112233-4455-6677-8899-aabbccddeeff', 'x', ''],
  plan: ['free', 'team', 'x', 'FREE'],
};

export const columns = {
  text: { t: ['Hello', '', 'aä%b_\\'], t2: ['x', ' 42 ', null] },
  varchar: { v: ['abc', '', 'ab  '], v2: ['Hello', '0', null] },
  char: { c: ['ab', '', 'abcde'], c2: ['x', 'ab', null] },
  bytea: { x: ['\\xdead', '\\x', '\\x00'] },
  uuid: { g: ['00112233-4455-6677-8899-aabbccddeeff', 'ffffffff-ffff-ffff-ffff-ffffffffffff', null] },
  plan: { e: ['team', 'free', null], e2: ['enterprise', 'größe', 'free'] },
};

export const declared = { varchar: 'varchar(10)', char: 'char(5)' };

export const productions = [...Object.keys(literals).map(ordered), {
  text: [
    '<text> || <text>', '<string> || <string>', '<text> || <integer>', '<bigint> || <text>', '<text> || <boolean>',
    "<text> || <'text'>", '<plan>::text || <text>', '<text> || <uuid>', 'lower(<string>)', 'upper(<string>)',
    'trim(<string>)', 'substr(<text>, <integer>)', 'substr(<string>, <integer>, <integer>)', '<string>::text',
    'btrim(<text>)', '<integer>::text', '<boolean>::text', '<plan>::text', '<uuid>::text', '<bigint>::text',
    'coalesce(<varchar>, <text>)', 'case when <boolean> then <char> else <text> end', 'greatest(<text>, <varchar>)',
    '<bytea>::text', 'nullif(<text>, <varchar>)',
  ],
  varchar: ['<string>::varchar', '<string>::varchar(3)', '<integer>::varchar(5)', 'cast(<string> as varchar(2))',
    "<'varchar'>::varchar(3)"],
  char: ['<string>::char(3)', '<string>::char(8)', '<integer>::char(4)', "<'char'>::char(3)", '<boolean>::char(5)'],
  integer: ['length(<string>)', 'length(<bytea>)', 'char_length(<string>)', 'length(<text> || <char>)'],
  bytea: ['<bytea> || <bytea>', "<bytea> || <'bytea'>", '<text>::bytea'],
  uuid: ['<text>::uuid', "<'uuid'>::uuid"],
  plan: ['<text>::plan', "<'plan'>::plan", '<varchar>::plan'],
  boolean: [
    '<string> = <string>', '<string> < <string>', '<string> <> <string>', '<text> like <text>',
    "<string> like <'text'>", '<text> not like <text>', "<text> like '%' || <text>", '<string> in (<string>, <string>)',
    '<text>::boolean', '<varchar> between <text> and <char>', '<char> like <char>', '<char> = <text>',
    '<plan> > <plan>', '<string> is distinct from <string>',
  ],
}];
