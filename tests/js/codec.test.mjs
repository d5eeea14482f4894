// SPDX-License-Identifier: Apache-2.0
// Goal: no value loses a digit between JavaScript and JSON. Method: values of every kind against
// their JSON written by hand, and random ones there and back through JSON.parse.
import assert from 'node:assert/strict';
import { test } from './test.mjs';
import { decodeEvent, decodeRows, encode } from '../../js/codec.js';

test('every kind of value has its JSON', () => {
  const cases = [
    [null, 'null'],
    [undefined, undefined],
    [true, 'true'],
    [0, '0'],
    [-0.5, '-0.5'],
    [1e21, '1e+21'],
    [NaN, '"NaN"'],
    [-Infinity, '"-Infinity"'],
    [9007199254740993n, '9007199254740993'],
    [-(2n ** 63n), '-9223372036854775808'],
    ['a"\\\u2028ä\u0001\ud83d\ude00', '"a\\"\\\\\u2028ä\\u0001\ud83d\ude00"'],
    [new Date(Date.UTC(2026, 0, 1, 2, 3, 4, 56)), '"2026-01-01T02:03:04.056Z"'],
    [new Uint8Array([0, 15, 255]), '"\\\\x000fff"'],
    [Buffer.from('ab'), '"\\\\x6162"'],
    [[1, , 3], '[1,null,3]'], // eslint-disable-line no-sparse-arrays
    [{ a: 1n, b: undefined, 'c"': [{}] }, '{"a":1,"c\\"":[{}]}'],
    [{ toJSON: () => 5n }, '5'],
    [new (class { x = 1; })(), '{"x":1}'],
  ];
  for (const [value, text] of cases) {
    if (text === undefined) assert.throws(() => encode(value), { code: 'json_invalid' });
    else assert.equal(encode(value), text);
  }
});

test('what cannot be JSON is refused, with a code', () => {
  const circle = [];
  circle.push({ circle });
  for (const value of [() => 1, Symbol('x'), new Date(NaN), circle, { f() {} }]) {
    assert.throws(() => encode(value), { name: 'RivuletError', code: 'json_invalid' });
  }
});

test('what is refused is named by its place', () => {
  const kinds = [new Set([1]), new Map([[1, 2]]), new Float64Array(2), new Uint8ClampedArray(1), new ArrayBuffer(8), /x/, new Error('x'), Promise.resolve()];
  for (const value of kinds) {
    const error = { code: 'json_invalid', place: 'data.tags[1].x' };
    assert.throws(() => encode({ data: { n: 1, tags: [0, { x: value }] } }), error);
  }
  for (const text of ['\0', 'a\0b', '\ud800', 'a\udfff', '\udc00\ud800']) {
    assert.throws(() => encode([{ data: { name: text } }]), { code: 'value_invalid', place: '[0].data.name' });
    assert.throws(() => encode({ data: { d: 1n, name: text } }), { code: 'value_invalid', place: 'data.name' });
    assert.throws(() => encode({ [text]: 1 }), { code: 'value_invalid', place: text });
  }
  const bare = Object.assign(Object.create(null), { Set: 'Set', constructor: 1 });
  assert.equal(encode(bare), '{"Set":"Set","constructor":1}');
});

test('plain values are encoded as JSON.stringify does', () => {
  let seed = 7;
  const random = (/** @type {number} */ n) => (seed = (seed * 48271) % 2147483647) % n;
  const make = (/** @type {number} */ depth) => {
    const kind = random(depth > 4 ? 4 : 6);
    if (kind === 0) return random(2) === 0 ? null : random(2) === 0;
    if (kind === 1) return (random(2e9) - 1e9) / 2 ** random(40);
    if (kind === 2) return String.fromCharCode(...Array.from({ length: random(9) }, () => 1 + random(699)));
    if (kind === 3) return random(1000);
    const items = Array.from({ length: random(5) }, () => make(depth + 1));
    return kind === 4 ? items : Object.fromEntries(items.map((item, i) => [`k${i}`, item]));
  };
  for (let i = 0; i < 2000; i++) {
    const value = make(0);
    assert.equal(encode(value), JSON.stringify(value));
  }
});

test('rows are decoded by the types of their columns', () => {
  const columns = [
    ['a', 'bigint'], ['b', 'bigserial'], ['c', 'numeric(20,3)'], ['d', 'integer'], ['e', 'bytea'],
    ['f', 'real'], ['g', 'any'], ['h', 'any'], ['i', 'constructor'], ['j', 'timestamptz'],
    ['k', 'bigint[]'], ['l', 'bytea[]'], ['m', 'integer[]'], ['n', 'numeric(5,2)[]'], ['o', 'bigint[]'],
  ].map(([name, type]) => ({ name, type })); // prettier-ignore
  const time = '2026-01-01T00:00:00.123456+00:00';
  const row = [
    '9007199254740993', '-1', '12345678901234567.890', 7, '\\x00ff', 'NaN',
    { bigint: '-9223372036854775808' }, 'text', 'label', time,
    ['9007199254740993', null], ['\\x01', null], [1, null], ['1.50'], 'not an array',
  ]; // prettier-ignore
  const rows = decodeRows({ columns, rows: [row, columns.map(() => null)] });
  assert.deepEqual(rows[0], {
    a: 9007199254740993n,
    b: -1n,
    c: '12345678901234567.890',
    d: 7,
    e: new Uint8Array([0, 255]),
    f: NaN,
    g: -9223372036854775808n,
    h: 'text',
    i: 'label',
    j: time,
    k: [9007199254740993n, null],
    l: [new Uint8Array([1]), null],
    m: [1, null],
    n: ['1.50'],
    o: 'not an array',
  });
  assert.ok(Object.values(rows[1]).every((value) => value === null));
  assert.equal(rows.columns, columns);
  assert.equal(rows.length, 2);
});

test('two columns of one name are an error; any name is a member', () => {
  const column = (/** @type {string} */ name) => ({ name, type: 'integer' });
  assert.throws(() => decodeRows({ columns: [column('n'), column('n')], rows: [[1, 2]] }), {
    code: 'sql_invalid',
    column: 'n',
  });
  const [row] = decodeRows({ columns: [column('__proto__'), column('toString')], rows: [[1, 2]] });
  assert.deepEqual(Object.entries(row), [['__proto__', 1], ['toString', 2]]); // prettier-ignore
});

test("an event's bigints are told beside its data", () => {
  const event = decodeEvent({
    position: 1,
    event_id: 'x',
    recorded_at: 't',
    schema_version: 2,
    data: { id: '9007199254740993', none: null, amount: '1.10', list: ['-1', null] },
    bigints: ['id', 'none', 'list'],
  });
  assert.deepEqual(event, {
    position: 1,
    eventId: 'x',
    recordedAt: 't',
    schemaVersion: 2,
    data: { id: 9007199254740993n, none: null, amount: '1.10', list: [-1n, null] },
  });
});

test('what is quick because JSON.stringify writes it is written as everything else', () => {
  const deep = Array.from({ length: 130 }).reduce((inner) => [inner], 0);
  const values = [
    'a"\u2028', -0, 1e21, 0.1, true, null, [], [undefined, null], new Array(3), {}, { a: undefined, b: [{}] },
    JSON.parse('{"__proto__":1,"constructor":{"a":2},"toJSON":3}'), Object.create(null), { toJSON: () => 'x' },
    Object.assign([1], { toJSON: () => 2 }), new Date(0), NaN, { n: -Infinity }, [[1, [2, { c: '3' }]]],
  ]; // prettier-ignore
  for (const v of values) {
    assert.equal(encode({ v }), encode({ v, z: 1n }).replace(/,"z":1\}$/, '}'), String(encode({ v })));
  }
  for (const wrong of [{ v: deep }, { v: Symbol('x') }, { v: () => 1 }, { v: new Date(NaN) }]) {
    for (const value of [wrong, { ...wrong, z: 1n }]) {
      assert.throws(() => encode(value), { code: 'json_invalid' });
    }
  }
});
