// SPDX-License-Identifier: Apache-2.0
// What the tests of the package in browsers share: the packed package on a server of static files,
// and pages that have it. RIVULET_NPM names another folder of the package than build/npm.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, serve } from '../harness/browser.mjs';

export const packageFolder = process.env.RIVULET_NPM ?? join(root, 'build/npm');

/** A server of the page, and of the package at /rivulet/. */
export async function serveDatabase(options = {}) {
  const module = join(packageFolder, 'rivulet.wasm');
  assert.ok(existsSync(module), `${module} is missing; make build makes it`);
  const folders = { '/rivulet/': `${packageFolder}/`, ...options.folders };
  const site = await serve({ ...options, folders });
  return Object.assign(site, { page: `${site.origin}/tests/browser/pages/database/index.html` });
}

/** Module scripts have run when a page is loaded. */
export const openPage = (browser, site, address = site.page) => browser.open(address);

/** Opens a database in the page: its first status, or {error}. */
export function openDatabase(page, options) {
  return page.evaluate((o) => globalThis.page.attempt(() => globalThis.page.open(o)), options);
}

/** The same; must succeed. */
export async function mustOpen(page, options) {
  const status = await openDatabase(page, options);
  assert.equal(status.error, undefined, JSON.stringify(status.error));
  return status;
}

/** The status with the hash, when the edge in the page holds all up to a position. */
export function reached(page, position) {
  return page.evaluate((p) => globalThis.page.reached(p), position);
}

/** Rows of a query in the page; a bigint comes as one. */
export async function rows(page, sql, params = []) {
  const text = await page.evaluate(async ([q, p]) => {
    const found = await globalThis.db.query(q, p);
    return JSON.stringify(found, (_, v) => (typeof v === 'bigint' ? { bigint: String(v) } : v));
  }, [sql, params]);
  return JSON.parse(text, (_, v) => (v?.bigint === undefined ? v : BigInt(v.bigint)));
}
