// SPDX-License-Identifier: Apache-2.0
// What an edge holds, as an application says it, as the entries that the engine reads
// (docs/selections.md).
import { checkOptions, RivuletError } from './error.js';

/** @param {boolean} right @param {string} detail */
function demand(right, detail) {
  if (!right) throw new RivuletError('parameter_invalid', detail);
}

/** `aggregate "account" where plan = 'team'`. @param {any} aggregate */
function aggregateEntry(aggregate) {
  const given = typeof aggregate === 'string' ? { name: aggregate } : aggregate;
  demand(
    typeof given === 'object' && given !== null && typeof given.name === 'string',
    "a selected aggregate is its name, or { name: 'account', where: 'balance > 0' }",
  );
  checkOptions(given, ['name', 'where']);
  demand(
    given.where === undefined || typeof given.where === 'string',
    'where is an expression over the aggregate, as a text',
  );
  const name = `aggregate "${given.name.replaceAll('"', '""')}"`;
  return given.where === undefined ? name : `${name} where ${given.where}`;
}

/** @param {any} select `{ streams, aggregates }` @returns {string[]} */
export function entriesOf(select) {
  if (select === undefined || select === null) return [];
  checkOptions(select, ['streams', 'aggregates']);
  const { streams = [], aggregates = [] } = select;
  demand(
    Array.isArray(streams) && streams.every((pattern) => typeof pattern === 'string'),
    "select.streams is an array of path patterns: { streams: ['/accounts/**'] }",
  );
  demand(
    Array.isArray(aggregates),
    "select.aggregates is an array of aggregates: { aggregates: [{ name: 'account' }] }",
  );
  return [...streams, ...aggregates.map(aggregateEntry)];
}
