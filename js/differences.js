// SPDX-License-Identifier: Apache-2.0
// A live query's result that comes as what differs from the last one (docs/http.md, "Differences"):
// the rows are put together here, and those that stay are the objects that they were.
import { decodeRows } from './codec.js';

/** @typedef {{index: number, row: any}} Placed */

/** @param {any} row @param {number} index @returns {Placed} */
const place = (row, index) => ({ index, row });

/** Decodes a live query's answers in turn. */
export function differing() {
  /** @type {any} */ let rows = [];

  /** @param {any} answer @returns {{rows: any, added: Placed[], removed: Placed[]}} */
  return (answer) => {
    const last = rows;
    if (answer.rows) {
      rows = decodeRows(answer);
      return { rows, added: rows.map(place), removed: last.map(place) };
    }
    const { columns, stale } = last;
    const came = decodeRows({ columns, rows: answer.added.map((/** @type {any[]} */ it) => it[1]), stale });
    const added = came.map((row, i) => place(row, answer.added[i][0]));
    const gone = new Set(answer.removed);
    rows = last.filter((/** @type {any} */ _, /** @type {number} */ index) => !gone.has(index));
    for (const { index, row } of added) rows.splice(index, 0, row);
    Object.assign(rows, { columns }, stale === undefined ? {} : { stale });
    const removed = answer.removed.map((/** @type {number} */ index) => place(last[index], index));
    return { rows, added, removed };
  };
}
