// SPDX-License-Identifier: Apache-2.0
// The error that everything here throws and rejects with: a stable code of include/rivulet/status.h
// for programs, a detail for people, and the facts behind it as members of their own.
//
//     error.code === 'version_conflict'   error.expected === 3   error.actual === 5
//
// Errors cross from the worker to the page as problems: plain objects with the same members.
import { statuses } from './codes.js';

/** @typedef {{code: string, title: string, detail: string, status: number, [fact: string]: any}} Problem */

/** @type {ReadonlyMap<string, number>} */
const numbers = new Map(statuses.map(([code], number) => [code, number]));

/** @param {string} code */
export function numberOfCode(code) {
  return numbers.get(code) ?? /** @type {number} */ (numbers.get('storage_failed'));
}

export const OK = 0;
export const PENDING = 1;
export const END = 2;

export class RivuletError extends Error {
  /**
   * @param {string} code one of js/codes.js
   * @param {string} [detail] what happened, for people
   * @param {Record<string, any>} [facts] what is behind it, for programs
   */
  constructor(code, detail, facts = {}) {
    const [, status, title] = statuses[numbers.get(code) ?? -1] ?? [code, 500, code];
    super(detail || title);
    this.name = 'RivuletError';
    for (const [name, value] of Object.entries(facts)) {
      if (!(name in this)) /** @type {any} */ (this)[name] = value;
    }
    this.code = code;
    this.status = status;
    this.title = title;
    this.detail = detail || title;
  }

  /** @param {Problem} problem */
  static of({ code, detail, type, title, status, ...facts }) {
    return new RivuletError(code, detail, facts);
  }

  /**
   * Anything that was thrown, as an error with a code.
   * @param {unknown} thrown
   * @param {string} code of what is not a RivuletError
   */
  static from(thrown, code) {
    if (thrown instanceof RivuletError) return thrown;
    return new RivuletError(code, thrown instanceof Error ? thrown.message : String(thrown));
  }

  /** @returns {Problem} */
  toProblem() {
    const { name, code, status, title, detail, ...facts } = this;
    return { code, title, status, detail, ...facts };
  }
}
