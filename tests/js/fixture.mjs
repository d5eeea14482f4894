// SPDX-License-Identifier: Apache-2.0
// What the tests of js/ share: the module that was built, a schema, folders that go away, and
// databases that are closed even when a test failed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { open as openDatabase } from '../../js/node.js';

/** The modules of the browser build: the same bytes run in Node. */
export const modules =
  process.env.RIVULET_MODULES ?? fileURLToPath(new URL('../../build/browser/', import.meta.url));

export const moduleUrl = join(modules, 'rivulet.wasm');

export const schema = `
CREATE TYPE plan AS ENUM ('free', 'team');
CREATE AGGREGATE account (
    id       bigint PRIMARY KEY,
    name     varchar(10) NOT NULL,
    plan     plan NOT NULL DEFAULT 'free',
    balance  numeric(12,2) NOT NULL DEFAULT 0,
    visits   integer NOT NULL DEFAULT 0,
    photo    bytea,
    seen_at  timestamptz
);
CREATE EVENT_TYPE account_opened (
    id       creates account(id),
    name     updates account(name),
    plan     updates account(plan),
    photo    updates account(photo),
    seen_at  updates account(seen_at)
);
CREATE EVENT_TYPE money_paid (
    id      references account(id),
    amount  numeric(12,2) NOT NULL increments account(balance)
);
CREATE EVENT_TYPE visited (
    id     references account(id),
    times  integer NOT NULL DEFAULT 1 increments account(visits)
);
CREATE STREAM account_events (
    path "/accounts/{id}"
    event_types (account_opened, money_paid, visited)
);
`;

/** A folder that is gone after this file's tests. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), 'rivulet-js-'));
  after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** @type {Set<any>} */
const opened = new Set();
after(() => Promise.allSettled([...opened].map((db) => db.close())));

/** A database in memory, unless the options say otherwise; closed at the end. */
export async function open(options = {}) {
  const db = await openDatabase({ name: 'test', storage: 'memory', schema, moduleUrl, ...options });
  opened.add(db);
  return db;
}

/** The first `count` of what an iterator yields; then it is ended. */
export async function take(iterator, count) {
  const values = [];
  for await (const value of iterator) {
    values.push(value);
    if (values.length === count) break;
  }
  return values;
}

/** The first status that meets the condition. */
export async function status(db, met = () => true, options = {}) {
  for await (const found of db.status(options)) if (met(found)) return found;
  throw new Error('the statuses ended');
}

/** Resolves when what is under way in this thread has gone on. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
