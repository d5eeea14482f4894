// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's answers. A literal is read as the only column of a composite type, in the form `("…")`:
// so the input function sees it with the size of the type, as COPY and parameters do (a cast would cut
// it). An expression is a SELECT over a row. All in one session, each with a handler of its own.
import { enums, hexOf, textOf } from './cases.mjs';

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

// The type, to_json and the output function of one value, in hexadecimal.
const prelude = `
${Object.entries(enums)
  .map(([name, labels]) => `create type pg_temp.${name} as enum (${labels.map(quoted).join(', ')});`)
  .join('\n')}
create function pg_temp.answer(statement text) returns text language plpgsql as $$
declare
  type text;
  json text;
  value text;
begin
  execute statement into type, json, value;
  return 'ok ' || replace(type, ' ', '_')
    || ' ' || coalesce(encode(convert_to(json, 'UTF8'), 'hex'), 'null')
    || ' ' || coalesce(encode(convert_to(value, 'UTF8'), 'hex'), 'null');
exception when others then
  return 'error ' || sqlstate || ' ' || encode(convert_to(sqlerrm, 'UTF8'), 'hex');
end $$;
create function pg_temp.literal(place text, hex text) returns text language plpgsql as $$
begin
  return pg_temp.answer(format(
    'select pg_typeof((x).v), to_json((x).v), format(''%%s'', (x).v) from (select %L::%I as x) as y',
    '("' || replace(replace(convert_from(decode(hex, 'hex'), 'UTF8'), '\\', '\\\\'), '"', '""') || '")',
    place));
exception when others then
  return 'error ' || sqlstate || ' ' || encode(convert_to(sqlerrm, 'UTF8'), 'hex');
end $$;
create function pg_temp.expression(place text, hex text) returns text language plpgsql as $$
declare
  source text := convert_from(decode(hex, 'hex'), 'UTF8');
begin
  return pg_temp.answer(format(
    'select pg_typeof(x), to_json(x), case when x is not null then format(''%%s'', x) end
       from (select %s as x from %I as "row") as result',
    source, place));
end $$;
`;

function answersOf(output) {
  return output.split('\n').filter((line) => line !== '').map((line) => {
    const [verdict, first, second, third] = line.split(' ');
    if (verdict !== 'ok') {
      return { state: first, detail: textOf(second) };
    }
    const isNull = third === 'null';
    return {
      type: first.replaceAll('_', ' '),
      json: isNull ? null : textOf(second),
      text: isNull ? null : textOf(third),
    };
  });
}

function ask(postgres, tables, how, cases) {
  const rows = cases.map(({ place, text }, i) => `${i}\t${place}\t${hexOf(text)}\n`).join('');
  const script = `begin;\n${prelude}\n${tables}
create temp table cases (id int primary key, place text, hex text);
copy cases from stdin;
${rows}\\.
select pg_temp.${how}(place, hex) from cases order by id;
rollback;
`;
  return answersOf(postgres.sql(script));
}

/**
 * `cases`: `{ type, text }`. Answers: `{ type, json, text }` (null for NULL), or `{ state, detail }`.
 */
export function askLiterals(postgres, cases) {
  const types = [...new Set(cases.map(({ type }) => type))];
  const tables = types.map((type, i) => `create type pg_temp.t${i} as (v ${type});`).join('\n');
  const placed = cases.map(({ type, text }) => ({ place: `t${types.indexOf(type)}`, text }));
  return ask(postgres, tables, 'literal', placed);
}

/** `rows`: lists of columns `{ name, type, text }`; `cases`: `{ row, text }`, `row` an index. */
export function askExpressions(postgres, rows, cases) {
  const tables = rows.map((columns, i) => {
    const declared = columns.map(({ name, type }) => `${name} ${type}`).join(', ');
    const values = columns.map(({ text }) => (text === null ? 'null' : quoted(text))).join(', ');
    return `create temp table r${i} (${declared});\ninsert into r${i} values (${values});`;
  });
  const placed = cases.map(({ row, text }) => ({ place: `r${row}`, text }));
  return ask(postgres, tables.join('\n'), 'expression', placed);
}
