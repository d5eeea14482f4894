// SPDX-License-Identifier: Apache-2.0
// A live query's result that comes as what differs from the last one (docs/http.md, "Differences"):
// the rows are put together here, and those that stay are the objects that they were.
import { decodeRows } from './codec.js';

/** @typedef {{index: number, row: any}} Placed */

/** @param {any} row @param {number} index @returns {Placed} */
const place = (row, index) => ({ index, row });

/** Decodes a live query's answers in turn. What is given is the reader's: it may sort it. */
export function differing() {
  /** @type {any[]} */ let rows = [];
  /** @type {any} */ let columns;
  /** @type {any} */ let stale;

  /** @param {any} answer @returns {{rows: any, added: Placed[], removed: Placed[]}} */
  return (answer) => {
    const last = rows;
    let added, removed;
    if (answer.rows) {
      ({ columns, stale } = answer);
      rows = decodeRows(answer);
      added = rows.map(place);
      removed = last.map(place);
    } else {
      const came = answer.added.map((/** @type {any[]} */ it) => it[1]);
      added = decodeRows({ columns, rows: came }).map((row, i) => place(row, answer.added[i][0]));
      const gone = new Set(answer.removed);
      rows = last.filter((_, index) => !gone.has(index));
      for (const { index, row } of added) rows.splice(index, 0, row);
      removed = answer.removed.map((/** @type {number} */ index) => place(last[index], index));
    }
    const given = Object.assign([...rows], { columns }, stale === undefined ? {} : { stale });
    return { rows: given, added, removed };
  };
}
