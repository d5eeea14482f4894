// SPDX-License-Identifier: Apache-2.0
// Values between JavaScript and the JSON of the request handler, so that nothing loses a digit.
//
//     out   bigint -> its digits   Date -> ISO 8601, but for years of not four digits
//           Uint8Array -> "\\x…"   NaN -> "NaN"
//     in    answers are asked for with `numbers=text`: bigint and numeric come as strings, and
//           what is a bigint is told by a column's type, by "bigints" beside an event's data, or,
//           where SQL knows no type, by {"bigint": "…"}
import { named, RivuletError } from './error.js';

const DEPTH_MAX = 128; // of nested arrays and objects: the module's own limit

/** @param {Uint8Array} bytes */
function hex(bytes) {
  let text = '\\x';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** @param {string} text as `\x00ff` */
function bytesOfHex(text) {
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

/**
 * @param {string} place of what cannot be written, such as `data.name` or `[3].data.tags[0]`
 * @param {string} what @param {string} [code]
 */
function refuse(place, what, code = 'json_invalid') {
  return new RivuletError(code, `${place || 'the value'}: ${what}`, { place });
}

/** What a text of the database cannot have: NUL, and halves of a pair of surrogates. */
const BAD_TEXT = /[\0\ud800-\udfff]/u;

/** @param {string} text @param {string} place */
function encodeText(text, place) {
  if (!BAD_TEXT.test(text)) return JSON.stringify(text);
  throw refuse(place, 'a text with NUL or half a surrogate pair', 'value_invalid');
}

/**
 * True when JSON.stringify writes it as `encode` does, in a quarter of the time.
 * @param {unknown} value @param {number} depth @returns {boolean}
 */
function isPlain(value, depth) {
  switch (typeof value) {
    case 'string':
      return !BAD_TEXT.test(value);
    case 'boolean':
    case 'undefined':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return value === null || isPlainObject(value, depth);
    default:
      return false;
  }
}

/** @param {any} value @param {number} depth */
function isPlainObject(value, depth) {
  if (depth > DEPTH_MAX || value.toJSON !== undefined) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1));
  if (value.constructor !== Object) return false;
  for (const name in value) {
    if (BAD_TEXT.test(name) || !isPlain(value[name], depth + 1)) return false;
  }
  return true;
}

/**
 * A time as PostgreSQL reads it: years have the digits that they need, and there is none before 1.
 * @param {Date} time
 */
function timeText(time) {
  const [, year, rest] = /** @type {any} */ (/^([+-]?\d+)(.*)/.exec(time.toISOString()));
  const past = year < 1;
  return `${String(past ? 1 - year : +year).padStart(4, '0')}${rest}${past ? ' BC' : ''}`;
}

/** @param {object} value @param {number} depth @param {string} place @returns {string} */
function encodeObject(value, depth, place) {
  if (depth > DEPTH_MAX) throw refuse(place.slice(0, 64), `nested more than ${DEPTH_MAX} deep`);
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refuse(place, 'an invalid Date');
    return `"${timeText(value)}"`;
  }
  if (value instanceof Uint8Array) return JSON.stringify(hex(value));
  if (Array.isArray(value)) {
    const items = Array.from(value, (item, i) => encode(item ?? null, depth + 1, `${place}[${i}]`));
    return `[${items.join(',')}]`;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return encode(value.toJSON(), depth + 1, place);
  }
  // a Set, a Map or another kind of typed array would be written as if it were empty
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (kind !== 'Object') throw refuse(place, `a ${kind} cannot be written as JSON`);
  const members = [];
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const at = place ? `${place}.${name}` : name;
    members.push(`${encodeText(name, at)}:${encode(member, depth + 1, at)}`);
  }
  return `{${members.join(',')}}`;
}

/**
 * The JSON text of a value. Members that are undefined are left out, as by JSON.stringify.
 * @param {unknown} value @param {number} [depth] @param {string} [place] @returns {string}
 */
export function encode(value, depth = 0, place = '') {
  switch (typeof value) {
    case 'string':
      return encodeText(value, place);
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      if (depth === 0 && isPlain(value, 0)) return JSON.stringify(value);
      return value === null ? 'null' : encodeObject(value, depth, place);
    default:
      throw refuse(place, `a ${typeof value} cannot be written as JSON`);
  }
}

/**
 * Parameters of SQL as its columns are written, so that they compare with them: a Date as
 * timestamptz, bytes as a BLOB.
 * @param {readonly unknown[]} params
 */
export function sqlParams(params) {
  return params.map((it) => {
    if (it instanceof Uint8Array) return { bytea: hex(it) };
    if (!(it instanceof Date) || Number.isNaN(it.getTime())) return it;
    return timeText(it).replace(/\.?0+Z|Z/, '+00:00');
  });
}

/** @typedef {{name: string, type: string}} Column */

/**
 * @type {Record<string, (value: any) => unknown>} of columns whose values are not as they come;
 * real and double precision are text where they are no JSON numbers
 */
const decoders = {
  // @ts-ignore: no name is a type by being one of Object's
  __proto__: null,
  bigint: BigInt,
  bigserial: BigInt,
  bytea: bytesOfHex,
  real: Number,
  'double precision': Number,
  any: (value) => (typeof value === 'object' ? BigInt(value.bigint) : value),
};

/**
 * What makes a column's values of what comes, if anything does; of an array, its elements'.
 * @param {string} type @returns {((value: any) => unknown) | undefined}
 */
function decoderOf(type) {
  if (!type.endsWith('[]')) return decoders[type];
  const decode = decoders[type.slice(0, -2)];
  if (!decode) return undefined;
  return (value) => {
    // a text that is no array comes of another part of a compound SELECT
    if (!Array.isArray(value)) return value;
    return value.map((element) => (element === null ? null : decode(element)));
  };
}

/**
 * The answer of /query as an array of objects, with its columns beside them. Columns of one name
 * cannot be members of one object: they are an error.
 * @param {{columns: Column[], rows: unknown[][], stale?: string[], as_of?: number | string}} answer
 * @returns {Record<string, unknown>[] & {columns: Column[]}}
 */
export function decodeRows({ columns, rows, stale, as_of }) {
  const names = columns.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    const detail = `two columns of the result are called ${twice}; name one of them with AS`;
    throw new RivuletError('sql_invalid', detail, { column: twice });
  }
  const decode = columns.map(({ type }) => decoderOf(type));
  const decoded = rows.map((row) => {
    /** @type {[string, unknown][]} */
    const members = row.map((value, i) => {
      return [names[i], value === null || !decode[i] ? value : decode[i](value)];
    });
    return Object.fromEntries(members);
  });
  const asOf = as_of === undefined ? {} : { asOf: Number(as_of) };
  return Object.assign(decoded, { columns }, stale === undefined ? {} : { stale }, asOf);
}

/** A segment of an address, or a value in one. @param {unknown} it @param {string} place */
export function addressPart(it, place) {
  const text = String(it);
  encodeText(text, place); // what it refuses has no address, either
  return encodeURIComponent(text);
}

/** Where a row is asked for. @param {string} aggregate @param {any} key */
export function rowTarget(aggregate, key) {
  const keys = [key].flat();
  if (keys.length === 0 || keys.some((it) => (it ?? '') === '')) {
    const detail = 'a key is a value, or an array of them; a row with an empty text is found by query';
    throw new RivuletError('parameter_invalid', detail);
  }
  const path = [aggregate, ...keys].map((it) =>
    addressPart(it instanceof Object ? JSON.parse(encode(it)) : it, 'key'),
  );
  return `/aggregates/${path.join('/')}?columns=true&numbers=text`;
}

/** What a row is, or, where there is none, nothing. @param {any} error @returns {undefined} */
export function noRow(error) {
  if (error.code !== 'row_not_found') throw error;
}

/**
 * An event as an answer or a feed has it, with the names that JavaScript has for its members.
 * @param {Record<string, any>} event @returns {any}
 */
export function decodeEvent(event) {
  const { bigints, event_id: eventId, recorded_at: recordedAt, schema_version, ...named } = event;
  for (const name of bigints ?? []) {
    const value = event.data[name];
    const decode = decoderOf(Array.isArray(value) ? 'bigint[]' : 'bigint');
    if (value !== null) event.data[name] = decode?.(value);
  }
  const decoded = Object.assign(named, { eventId, recordedAt });
  return schema_version === undefined
    ? decoded
    : Object.assign(decoded, { schemaVersion: schema_version });
}

/**
 * A batch of the outbox, as GET /pending and /rejections tell it.
 * @param {Record<string, any>} batch @returns {any}
 */
export function decodeBatch(batch) {
  const { events, ...members } = named(batch);
  const decoded = events.map((/** @type {any} */ event) => {
    const { recordedAt: _none, ...known } = decodeEvent(event);
    return known;
  });
  return { ...members, reason: members.reason && named(members.reason), events: decoded };
}
