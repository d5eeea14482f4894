// SPDX-License-Identifier: Apache-2.0
// What both sides share: the enums, hexadecimal, and how two answers are compared.

/** Enum types that cases may name; more labels than seven bits, an empty-looking one, quotes. */
export const enums = {
  plan: ['free', 'team', 'enterprise', 'Free', 'it\'s', ' ', 'größe'],
};

export const hexOf = (text) => Buffer.from(text, 'utf8').toString('hex');
export const textOf = (hex) => Buffer.from(hex, 'hex').toString('utf8');

/** PostgreSQL's error classes, by SQLSTATE, as ours: what a refusal is about. */
const states = {
  '22P02': 'invalid', // invalid_text_representation
  22007: 'invalid', //   invalid_datetime_format
  22021: 'invalid', //   character_not_in_repertoire
  22023: 'invalid', //   invalid_parameter_value
  22025: 'invalid', //   invalid_escape_sequence
  '22P05': 'invalid', // untranslatable_character
  22030: 'invalid', //   duplicate_json_object_key_value
  22032: 'invalid', //   invalid_json_text
  '2202E': 'invalid', // array_subscript_error
  22011: 'invalid', //   substring_error
  22003: 'range', //     numeric_value_out_of_range
  22008: 'range', //     datetime_field_overflow
  22009: 'range', //     invalid_time_zone_displacement_value
  22015: 'range', //     interval_field_overflow
  '2201E': 'range', //   invalid_argument_for_logarithm
  '2201F': 'range', //   invalid_argument_for_power_function
  '0A000': 'range', //   feature_not_supported: NaN and infinities as integers
  54000: 'range', //     program_limit_exceeded
  22001: 'long', //      string_data_right_truncation
  22012: 'zero', //      division_by_zero
};

const codes = {
  value_invalid: 'invalid',
  value_out_of_range: 'range',
  value_too_long: 'long',
  division_by_zero: 'zero',
  expression_type: 'meaning',
  schema_syntax: 'meaning',
  schema_unknown_name: 'meaning',
};

/** Our names of types that PostgreSQL calls otherwise. */
const typeNames = {
  varchar: 'character varying',
  char: 'character',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  time: 'time without time zone',
};

/** Our type without its size, as pg_typeof says it. */
function typeOf(answer) {
  const name = answer.type.replace(/\([^)]*\)/, '');
  const element = name.replace('[]', '');
  return `${typeNames[element] ?? element}${name === element ? '' : '[]'}`;
}

/** What a refusal is about; the code or state itself where the table has none. */
export function classOf(answer) {
  if (answer.code !== undefined) {
    return codes[answer.code] ?? answer.code;
  }
  if (answer.state === '0A000' && /not supported for type/.test(answer.detail)) {
    return 'invalid'; // a part that the type has not
  }
  return states[answer.state] ?? (answer.state.startsWith('42') ? 'meaning' : answer.state);
}

const failed = (answer) => answer.code !== undefined || answer.state !== undefined;

/** How two answers differ, in words; undefined when they do not. */
export function differenceOf(ours, theirs) {
  if (failed(ours) && failed(theirs)) {
    return classOf(ours) === classOf(theirs) ? undefined : 'refused for another reason';
  }
  if (failed(ours)) {
    return 'refused here only';
  }
  if (failed(theirs)) {
    return 'taken here only';
  }
  if (ours.json !== theirs.json || ours.text !== theirs.text) {
    return 'another value';
  }
  return typeOf(ours) === theirs.type ? undefined : 'another type';
}

/** An answer on a line. */
export function shown(answer) {
  if (failed(answer)) {
    return `${answer.code ?? answer.state}: ${answer.detail}`;
  }
  const value = answer.text === null ? 'NULL' : `${JSON.stringify(answer.text)} ${answer.json}`;
  return `${value} (${answer.type})`;
}

/**
 * Compares the answers to `cases`. A difference is allowed when one of `differences` says so:
 * `{ name, when(case, ours, theirs) }`, the name a sentence of docs/differences-from-postgresql.md.
 * Gives those that are not, with their index and in words, and the names of the allowed ones that
 * occurred.
 */
export function compare(cases, ours, theirs, differences) {
  const wrong = [];
  const occurred = new Set();
  for (const [i, each] of cases.entries()) {
    const difference = differenceOf(ours[i], theirs[i]);
    if (difference === undefined) {
      continue;
    }
    const allowed = differences.find((listed) => listed.when(each, ours[i], theirs[i]));
    if (allowed !== undefined) {
      occurred.add(allowed.name);
    } else {
      const where = each.row === undefined ? each.type : `row ${each.row}`;
      const text = `${difference}: ${where} ${JSON.stringify(each.text)}
    Rivulet:    ${shown(ours[i])}
    PostgreSQL: ${shown(theirs[i])}`;
      wrong.push({ at: i, text });
    }
  }
  return { wrong, occurred };
}
