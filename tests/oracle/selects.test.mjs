// SPDX-License-Identifier: Apache-2.0
// Goal: a SELECT that both dialects have gives what PostgreSQL 15 gives over tables with the same rows.
// Method: two aggregates with columns of the usual types, filled through events; a generator of
// statements from a fixed seed: filters, joins, subqueries, groups, windows, WITH, compounds, limits.
// NULLS FIRST and LAST are always said, since the dialects differ there, as they do in division,
// in the digits of averages and in what is compared with another type. Rows are compared as JSON: in order where
// the statement says one, sorted where not. (tests/unit/sql/differential_test.c compares with
// SQLite's own tables: everything else.)
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Node, folder, must } from '../e2e/harness.mjs';
import { startPostgres } from './postgres.mjs';
import { randomOf } from './random.mjs';

const count = Number(process.env.ORACLE_SELECTS ?? 1000);
const together = 16;
const { below, pick, once } = randomOf('selects');
const some = (percent) => below(100) < percent;
let postgres;
let node;

// --- the rows ---

// `order`: the dialects sort it alike; `sum`: the result is a number in both
const tables = {
  t: {
    id: { type: 'bigint', literals: ['1', '7', '30', '99', '-1'], order: true, sum: true },
    k: {
      type: 'integer', values: [-3, 0, 1, 2, 3, 3, 8, 12], literals: ['0', '3', '8', '-1', '100'],
      order: true, sum: true,
    },
    b: { type: 'boolean', values: [true, false], literals: ['true', 'false'], order: true },
    n: {
      type: 'numeric(9,2)', values: ['0.30', '1.50', '-2.25', '100', '12345.67', '0.10'],
      literals: ['0.3', '1.5', '-2.25', '100', '0', '12345.67'], order: true,
    },
    m: {
      type: 'numeric(18,0)', values: ['9007199254740992', '9007199254740993', '2', '10'],
      literals: ['2', '9007199254740993', '9007199254740992'], order: true,
    },
    w: {
      type: 'numeric(30,4)',
      values: ['12345678901234567890.1234', '2', '-0.5', '2.0001', '10', '9', '1.5', '0.1', '9007199254740993'],
      literals: ["'2'", "'10'", "'-0.5'", "'12345678901234567890.1234'", "'0'"], order: true,
    },
    s: {
      type: 'text', values: ['a', 'B', 'ab', 'é', 'zz', '5', 'b', 'A', 'a%b'],
      literals: ["'a'", "'B'", "'ab'", "'m'", "'é'", "''"], order: true, text: true,
    },
    e: { type: 'color', values: ['blue', 'green', 'red'], literals: ["'red'", "'green'"], order: true },
    d: {
      type: 'date', values: ['2012-01-31', '2012-02-01', 'infinity', '0001-01-01', '9999-12-31', '-infinity'],
      literals: ["'2012-01-31'", "'2012-02-01'", "'infinity'", "'2000-01-01'"], order: true,
    },
    ts: {
      type: 'timestamptz',
      values: ['2012-01-31T12:34:56Z', '2012-01-31T12:34:56.5Z', '1969-12-31T23:59:59Z', 'infinity'],
      literals: ["'2012-01-31T12:34:56+00:00'", "'2012-01-31T12:34:56.5+00:00'", "'2000-01-01T00:00:00+00:00'"],
      order: true,
    },
    g: {
      type: 'uuid',
      values: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000000-0000-0000-0000-000000000000'],
      literals: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"], order: true,
    },
    f: {
      type: 'double precision', values: [0.5, 3, -7.25, 1e300, 0.1], literals: ['0.5', '0', '1e300', '-7.25'],
      order: true,
    },
  },
  u: {
    a: { type: 'integer', literals: ['1', '2', '5', '-1'], order: true, sum: true },
    z: { type: 'text', literals: ["'p'", "'q'", "'x'"], order: true, text: true },
    t_id: { type: 'bigint', literals: ['1', '7', '12'], order: true, sum: true },
    v: { type: 'smallint', values: [-5, 0, 1, 2, 32767], literals: ['0', '1', '2'], order: true, sum: true },
    at: {
      type: 'timestamp', values: ['2012-01-31T12:34:56', '1999-12-31T23:59:59.25', 'infinity'],
      literals: ["'2012-01-31T12:34:56'", "'2000-01-01T00:00:00'"], order: true,
    },
  },
};

const rows = {
  t: Array.from({ length: 48 }, (_, i) => row('t', { id: i + 1 })),
  u: Array.from({ length: 64 }, (_, i) =>
    row('u', { a: i >> 2, z: 'pqrx'[i & 3], t_id: once(8) ? null : 1 + below(48) })),
};

function row(table, keys) {
  const made = {};
  for (const [name, column] of Object.entries(tables[table])) {
    made[name] = name in keys ? keys[name] : once(5) ? null : pick(column.values);
  }
  return made;
}

const schema = `
  CREATE TYPE color AS ENUM ('blue', 'green', 'red');
  CREATE AGGREGATE t (id bigint PRIMARY KEY, ${columnsOf('t', ['id'])},
    INDEX (k), INDEX (s, k), INDEX (n), INDEX (w), INDEX (d), INDEX (ts, id), INDEX (e, k), INDEX (f));
  CREATE AGGREGATE u (a integer, z text, t_id references t(id), v smallint, at timestamp,
    PRIMARY KEY (a, z), INDEX (t_id, v), INDEX (at));
  CREATE EVENT_TYPE t_made (id creates t(id), ${updatesOf('t', ['id'])});
  CREATE EVENT_TYPE u_made (a creates u(a), z creates u(z), ${updatesOf('u', ['a', 'z'])});
  CREATE STREAM ts (path "/t/{id}" event_types (t_made));
  CREATE STREAM us (path "/u/{a}/{z}" event_types (u_made));`;

function columnsOf(table, but = []) {
  return Object.entries(tables[table]).filter(([name]) => !but.includes(name))
    .map(([name, { type }]) => `${name} ${type}`).join(', ');
}

function updatesOf(table, but) {
  return Object.keys(tables[table]).filter((name) => !but.includes(name))
    .map((name) => `${name} updates ${table}(${name})`).join(', ');
}

const literal = (value) =>
  value === null ? 'NULL' : typeof value === 'string' ? `'${value}'` : String(value);

before(async () => {
  postgres = await startPostgres();
  const inserts = Object.keys(tables).map((table) => `
    CREATE TABLE ${table} (${columnsOf(table)});
    INSERT INTO ${table} VALUES ${rows[table]
      .map((each) => `(${Object.values(each).map(literal).join(', ')})`).join(', ')};`);
  // ours have the names of its own functions; sums and averages do not
  postgres.sql(`CREATE TYPE color AS ENUM ('blue', 'green', 'red'); ${inserts.join('')}
    CREATE AGGREGATE numeric_sum(numeric) (sfunc = numeric_add, stype = numeric);
    CREATE FUNCTION numeric_round(numeric, integer) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT round($1, $2)';
    CREATE FUNCTION numeric_div(a numeric, b numeric, digits integer) RETURNS numeric LANGUAGE sql IMMUTABLE
      AS 'SELECT round(round(a, 40) / nullif(b, 0), digits)';`);
  const data = `${folder('selects')}/node`;
  must(['schema', 'apply', '-', '--data', data], schema);
  node = await Node.start(data);
  const events = Object.keys(tables).flatMap((table) => rows[table].map((each) => ({
    path: table === 't' ? `/t/${each.id}` : `/u/${each.a}/${each.z}`, type: `${table}_made`, data: each,
  })));
  const answer = await node.batch(events);
  assert.equal(answer.status, 201, answer.text);
});
after(async () => {
  await node?.stop();
  await postgres?.stop();
});

// --- the statements ---

const pickColumn = (table) => pick(Object.keys(tables[table]));

/** Numbers in all the forms that they have in SQL, which compare by all of their digits. */
const digits = { t: ['id', 'k', 'n', 'm', 'w', 'w'], u: ['a', 'v', 't_id'] };
const pickDigits = ({ table, alias }) => `${alias}.${pick(digits[table])}`;

function simple({ table, alias }) {
  if (some(10)) {
    return `${pickDigits({ table, alias })} ${pick(['=', '<', '<=', '>', '>=', '<>'])} ${pickDigits({ table, alias })}`;
  }
  const name = pickColumn(table);
  const { literals, text } = tables[table][name];
  const column = `${alias}.${name}`;
  switch (below(9)) {
    case 0:
      return `${column} IS ${some(50) ? '' : 'NOT '}NULL`;
    case 1:
      return `${column} ${some(20) ? 'NOT ' : ''}IN (${pick(literals)}, ${pick(literals)})`;
    case 2:
      return `${column} BETWEEN ${pick(literals)} AND ${pick(literals)}`;
    case 3:
      return text ? `${column} LIKE ${pick(["'a%'", "'%b'", "'_'", "'a\\%%' ESCAPE '\\'"])}` : `NOT ${column} = ${pick(literals)}`;
    case 4:
      return `${column} IS ${some(50) ? '' : 'NOT '}DISTINCT FROM ${pick(literals)}`;
    default:
      return `${column} ${pick(['=', '=', '<', '<=', '>', '>=', '<>'])} ${pick(literals)}`;
  }
}

function subquery(outer) {
  const inner = { table: pick(['t', 'u']), alias: 'y' };
  const key = { t: 'id', u: 't_id' };
  const number = { t: 'k', u: 'v' };
  switch (below(4)) {
    case 0:
      return `${pickDigits(outer)} ${some(20) ? 'NOT ' : ''}IN (SELECT ${pickDigits(inner)} FROM ${inner.table} y
        WHERE ${simple(inner)})`;
    case 1:
      return `${some(40) ? 'NOT ' : ''}EXISTS (SELECT 1 FROM ${inner.table} y WHERE ${simple(inner)}
        AND y.${key[inner.table]} = ${outer.alias}.${key[outer.table]})`;
    case 2:
      return `${outer.alias}.${key[outer.table]} IN (SELECT y.${key[inner.table]} FROM ${inner.table} y
        WHERE ${simple(inner)})`;
    default:
      return `${outer.alias}.${number[outer.table]} >=
        (SELECT min(y.${number[inner.table]}) FROM ${inner.table} y WHERE ${simple(inner)})`;
  }
}

function where(...sources) {
  const terms = Array.from({ length: below(4) }, () => {
    const source = pick(sources);
    return some(15) ? subquery(source) : simple(source);
  });
  return terms.length === 0 ? '' : `WHERE ${terms.map((term, i) =>
    (i === 0 ? '' : some(75) ? 'AND ' : 'OR ') + term).join(' ')}`;
}

/** `ORDER BY` all columns of the result, so that a limit leaves no choice. */
function ordered(width) {
  const terms = Array.from({ length: width }, (_, i) =>
    `${i + 1} ${pick(['ASC', 'DESC'])} NULLS ${pick(['FIRST', 'LAST'])}`);
  const limit = some(70) ? `LIMIT ${below(12)} OFFSET ${below(5)}` : '';
  return `ORDER BY ${terms.join(', ')} ${limit}`;
}

function from() {
  const first = { table: pick(['t', 't', 'u']), alias: 'a' };
  if (some(45)) {
    return { text: `${first.table} a`, sources: [first] };
  }
  const second = { table: pick(['t', 'u']), alias: 'b' };
  const same = { t: ['id', 'k', 's', 'n', 'd', 'ts', 'w', 'e'], u: ['t_id', 'v', 'z'] };
  const mixed = pick([['id', 't_id'], ['id', 't_id'], ['k', 'v'], ['id', 'a'], ['s', 'z']]);
  const on = first.table === second.table ? Array(2).fill(pick(same[first.table]))
    : first.table === 't' ? mixed : mixed.toReversed();
  const join = pick(['JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN']);
  return {
    text: `${first.table} a ${join} ${second.table} b ON a.${on[0]} = b.${on[1]}`,
    sources: [first, second],
  };
}

/** Of columns n and w of t, by the functions for numerics. */
function exact(alias) {
  const value = () => pick([`${alias}.n`, `${alias}.w`, '0.1', "'12345678901234567890.5'", `${alias}.k`]);
  return pick([
    () => `numeric_add(${value()}, ${value()})`,
    () => `numeric_sub(${value()}, numeric_mul(${value()}, ${value()}))`,
    () => `numeric_round(numeric_mul(${value()}, 1.005), ${below(4)})`,
    () => `numeric_div(${value()}, ${value()}, ${below(8)})`,
    () => `numeric_cmp(${value()}, ${value()})`,
  ])();
}

function result({ table, alias }) {
  if (table === 't' && once(6)) {
    return exact(alias);
  }
  const name = pickColumn(table);
  const column = `${alias}.${name}`;
  const { sum, text, literals } = tables[table][name];
  switch (below(8)) {
    case 0:
      return sum ? pick([`${column} * 2 - 1`, `${column} % 5`, `abs(${column})`, `coalesce(${column}, 7)`]) : column;
    case 1:
      return text ? pick([`length(${column})`, `substr(${column}, 1, 1)`, `${column} || '.'`, `upper(${column})`]) : column;
    case 2:
      return `CASE WHEN ${simple({ table, alias })} THEN 1 ELSE 0 END`;
    case 3:
      return sum ? `nullif(${column}, ${pick(literals)})` : column;
    default:
      return column;
  }
}

const kinds = [
  function rowsOf() {
    const { text, sources } = from();
    const width = 1 + below(4);
    const results = Array.from({ length: width }, () => result(pick(sources)));
    // a numeric of many digits is text with ours, of which one number has several, sorted apart
    const free = !results.some((each) => each.startsWith('numeric_'));
    const is = free && some(40);
    const sql = `SELECT ${free && some(15) ? 'DISTINCT ' : ''}${results.join(', ')} FROM ${text}
      ${where(...sources)} ${is ? ordered(width) : ''}`;
    return { sql, width, ordered: is };
  },
  function groups() {
    const source = { table: 't', alias: 'a' };
    const group = pick(['a.k', 'a.s', 'a.e', 'a.b', 'a.d', 'a.n', 'a.ts', 'a.k % 3']);
    const made = ['count(*)', 'count(a.k)', 'sum(a.k)', 'min(a.d)', 'min(a.n)', 'max(a.ts)', 'count(DISTINCT a.e)',
      'max(a.f)', 'min(a.s)', 'count(*) FILTER (WHERE a.k > 2)', 'numeric_sum(a.n)', 'numeric_sum(a.w)',
      'numeric_sum(numeric_mul(a.n, 3))', 'sum(a.n)', 'sum(a.w)', 'sum(a.m)', 'sum(DISTINCT a.n)', 'avg(a.m)',
      'numeric_round(avg(a.n), 6)', 'sum(coalesce(a.n, a.w, 0.5))', 'sum(numeric_mul(a.n, a.k))',
      'sum(CASE WHEN a.b THEN a.n ELSE a.k END)', 'sum(a.w) FILTER (WHERE a.k > 2)'];
    const join = pick(['', '', 'JOIN u b ON b.t_id = a.id', 'LEFT JOIN u b ON b.t_id = a.id AND b.v > 0']);
    const sql = `SELECT ${group}, ${pick(made)}, ${pick(made)} FROM t a ${join} ${where(source)} GROUP BY ${group}
      ${some(30) ? 'HAVING count(*) > 1' : ''} ORDER BY 1 ${pick(['ASC', 'DESC'])} NULLS LAST`;
    return { sql, width: 3, ordered: true };
  },
  function windows() {
    const window = pick(['row_number() OVER (ORDER BY a.d NULLS FIRST, a.id)', 'rank() OVER (ORDER BY a.k NULLS LAST)',
      'dense_rank() OVER (PARTITION BY a.e ORDER BY a.w DESC NULLS LAST)', 'lag(a.s) OVER (ORDER BY a.id)',
      'numeric_sum(a.n) OVER (ORDER BY a.id ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING)',
      'sum(a.n) OVER (PARTITION BY a.b ORDER BY a.id)', 'sum(a.w) OVER (ORDER BY a.id ROWS 2 PRECEDING)',
      'sum(a.k) OVER (PARTITION BY a.b ORDER BY a.ts NULLS FIRST, a.id)', 'ntile(3) OVER (ORDER BY a.id DESC)',
      'count(*) OVER (ORDER BY a.id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING)']);
    return {
      sql: `SELECT a.id, ${window} FROM t a ${where({ table: 't', alias: 'a' })} ORDER BY a.id`, width: 2, ordered: true,
    };
  },
  function withs() {
    const filter = where({ table: 't', alias: 'a' });
    return pick([
      { sql: `WITH x AS (SELECT a.id, a.k, a.d FROM t a ${filter}) SELECT b.a, b.z, x.k, x.d FROM x JOIN u b ON b.t_id = x.id`, width: 4 },
      { sql: `WITH x AS MATERIALIZED (SELECT t_id, count(*) AS n FROM u GROUP BY t_id) SELECT a.id, x.n FROM t a LEFT JOIN x ON x.t_id = a.id ${filter}`, width: 2 },
      { sql: `WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 3 FROM x WHERE i < 40) SELECT x.i, a.k, a.ts FROM x LEFT JOIN t a ON a.id = x.i ${filter}`, width: 3 },
    ]);
  },
  function compounds() {
    const [first, second] = pick([['a.id, a.k', 'b.t_id, b.v'], ['a.s, a.id', 'b.z, b.a']]);
    const sql = `SELECT ${first} FROM t a ${where({ table: 't', alias: 'a' })}
      ${pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])}
      SELECT ${second} FROM u b ${where({ table: 'u', alias: 'b' })} ${ordered(2)}`;
    return { sql, width: 2, ordered: true };
  },
];

// --- the answers ---

/** All at once; rows a line each, behind a line that begins each statement. */
function theirs(statements) {
  const script = statements.map(({ sql, width }, i) => {
    const names = Array.from({ length: width }, (_, c) => `c${c}`).join(', ');
    return `\\echo #${i}\nSELECT json_build_array(${names}) FROM (${sql}) q(${names});`;
  });
  return postgres.sql(script.join('\n')).split(/^#\d+\n/m).slice(1)
    .map((text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line)));
}

async function ours(statements) {
  const answers = [];
  for (let at = 0; at < statements.length; at += together) {
    answers.push(...await Promise.all(statements.slice(at, at + together).map(async ({ sql }) => {
      const answer = await node.request('POST', '/query', JSON.stringify({ sql }));
      assert.equal(answer.status, 200, `${answer.text}${sql}`);
      return answer.body.rows;
    })));
  }
  return answers;
}

/** A numeric of more digits than a number has is text with ours; its zeros at the end are of no account. */
const plain = (value) => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value);

const shown = (list, is) => {
  const lines = list.map((each) => JSON.stringify(each.map(plain)));
  return is ? lines : lines.sort();
};

test(`${count} statements give what PostgreSQL gives`, async () => {
  const statements = Array.from({ length: count }, () => pick([kinds[0], kinds[0], ...kinds])());
  const [expected, got] = [theirs(statements), await ours(statements)];
  let seen = 0;
  statements.forEach(({ sql, ordered: is }, i) => {
    seen += got[i].length;
    assert.deepEqual(shown(got[i], is), shown(expected[i], is), sql);
  });
  assert.ok(seen > count, `${seen} rows are too few to say something`);
});
