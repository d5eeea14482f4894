// SPDX-License-Identifier: Apache-2.0
// The error that everything here throws and rejects with: a stable code of include/rivulet/status.h
// for programs, a detail for people, and the facts behind it as members of their own.
//
//     error.code === 'version_conflict'   error.expected === 3   error.actual === 5
//
// Errors cross from the worker to the page as problems: plain objects with the same members.

/** @typedef {{code: string, detail: string, [fact: string]: any}} Problem */

export { ok as OK, pending as PENDING, end as END } from './codes.js';

/**
 * An object of the module with the names that JavaScript has for its members: `edge_sequence` is
 * `edgeSequence`.
 * @param {object} members @returns {any}
 */
export function named(members) {
  const camel = (/** @type {string} */ name) => name.replace(/_([a-z])/g, (_, c) => c.toUpperCase());
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [camel(name), value]));
}

/** What may have been thrown is anything. @param {any} thrown */
function said(thrown) {
  try {
    return String(thrown?.message ?? thrown);
  } catch {
    return '';
  }
}

export class RivuletError extends Error {
  /**
   * @param {string} code one of include/rivulet/status.h
   * @param {string} [detail] what happened, for people
   * @param {Record<string, any>} [facts] what is behind it, for programs
   */
  constructor(code, detail, facts = {}) {
    super(detail || code);
    this.name = 'RivuletError';
    for (const [name, value] of Object.entries(facts)) {
      if (!(name in this)) /** @type {any} */ (this)[name] = value;
    }
    this.code = code;
    this.detail = this.message;
  }

  /** @param {Problem} problem of the module, or as below */
  static of({ code, detail, type: _type, title: _title, status: _status, ...facts }) {
    return new RivuletError(code, detail, named(facts));
  }

  /**
   * Anything that was thrown, as an error with a code.
   * @param {unknown} thrown
   * @param {string} code of what is not a RivuletError
   */
  static from(thrown, code) {
    if (thrown instanceof RivuletError) return thrown;
    return new RivuletError(code, said(thrown));
  }

  /** @returns {Problem} */
  toProblem() {
    const { name: _name, code, detail, ...facts } = this;
    return { code, detail, ...facts };
  }
}

/**
 * The options, an object also where none were given. What is none of them is refused: a misspelt
 * one would be one that is not there.
 * @param {any} options @param {string[]} names @returns {any}
 */
export function checkOptions(options, names) {
  const given = options ?? {};
  const unknown =
    typeof given === 'object' ? Object.keys(given).find((name) => !names.includes(name)) : String(given);
  if (unknown === undefined) {
    if (!given.signal || typeof given.signal.addEventListener === 'function') return given;
    throw new RivuletError('parameter_invalid', 'a signal is an AbortSignal', { parameter: 'signal' });
  }
  const detail = `there is no option ${unknown}; there are ${names.join(', ')}`;
  throw new RivuletError('parameter_invalid', detail, { parameter: unknown });
}
