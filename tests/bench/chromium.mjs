// SPDX-License-Identifier: Apache-2.0
// The page of the browser benchmark in headless Chromium: one run with a persistent profile
// (without one, OPFS goes between processes and is many times slower than what people have). The
// central node serves it.
import { cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Node } from '../../demo/node.mjs';
import { chromiumOptions } from '../browser/harness/browser.mjs';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const sqlite = join(root, 'build/deps/node_modules/@sqlite.org/sqlite-wasm/dist');
const require = createRequire(join(root, 'build/deps/'));

const TIMEOUT = 300000;

/** Everything that the page loads, in one folder for `serve --public`. */
function siteOf(folder, data) {
  const site = join(folder, 'site');
  cpSync(join(root, 'tests/bench/browser'), site, { recursive: true });
  cpSync(join(root, 'build/npm'), join(site, 'rivulet'), { recursive: true });
  cpSync(sqlite, join(site, 'sqlite'), { recursive: true });
  mkdirSync(join(site, 'data'));
  cpSync(join(data, 'loans.ndjson.gz'), join(site, 'data/loans.ndjson.gz'));
  return site;
}

async function pageOf(context, url) {
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`bench: the page: ${error}`));
  await page.goto(`${url}/page.html`);
  await page.waitForFunction(() => globalThis.bench !== undefined);
  return page;
}

/**
 * Runs `use(central, call)` with the central node of `folder`/central and a page; `call(name, ...)`
 * calls a function of the page's `bench` (tests/bench/browser/page.js).
 */
export async function withPage({ folder, data }, use) {
  const { chromium } = require('playwright-core');
  const central = await Node.start(join(folder, 'central'), '--public', siteOf(folder, data));
  const context = await chromium.launchPersistentContext(
    join(folder, 'profile'),
    chromiumOptions(),
  );
  try {
    context.setDefaultTimeout(TIMEOUT);
    const page = await pageOf(context, central.url);
    const body = ([name, given]) => globalThis.bench[name](...given);
    return await use(central, (name, ...given) => page.evaluate(body, [name, given]));
  } finally {
    await context.close();
    await central.stop();
  }
}
