// SPDX-License-Identifier: Apache-2.0
// Goal: storage in browsers keeps the contract of include/rivulet/host.h, in OPFS, IndexedDB and
// memory, in Chromium and Firefox; one opener at a time; what is missing, denied, full or newer is
// told by its code and harms nothing.
// Method: real browsers, storages in dedicated workers. The conformance suite of tests/storage as a
// module (preset `browser`) and random operations against a twin that keeps arrays; what browsers
// refuse is refused by their own settings where they have one.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { browserNames, launch, root, serve } from './harness/browser.mjs';
import { test } from './harness/test.mjs';

const module = 'build/browser/storage_conformance.wasm';
const pageAddress = '/tests/browser/pages/storage/index.html';
const modes = ['opfs', 'indexeddb'];
const timeout = 120000; // ten times what the longest take

const site = await serve();
const browsers = {};
for (const name of browserNames) browsers[name] = await launch(name);

/** A page with a worker `a`; `ask(method, …)` is its answer, {result} or {error}. */
async function openPage(browser, { origin } = site) {
  const page = await browser.open(origin + pageAddress);
  await start(page, 'a');
  return page;
}

const start = (page, worker) => page.evaluate((name) => workers.start(name), worker);
const end = (page, worker) => page.evaluate((name) => workers.end(name), worker);
const askOf = (page, ...call) => page.evaluate((all) => workers.call(...all), call);

async function must(page, worker, ...call) {
  const { result, error } = await askOf(page, worker, ...call);
  assert.equal(error, undefined, `${call}: ${JSON.stringify(error)}`);
  return result;
}

async function refused(code, page, worker, ...call) {
  const { result, error } = await askOf(page, worker, ...call);
  assert.equal(error?.code, code, `${call}: ${JSON.stringify(error ?? result)}`);
  return error.detail;
}

/** The case in each browser, with a page of its own. */
function inBrowsers(title, body) {
  for (const name of browserNames) {
    test(`${name}: ${title}`, { timeout }, async () => {
      const page = await openPage(browsers[name]);
      await body(page, browsers[name]);
      await page.close();
    });
  }
}

/** The case in Chromium, with an origin of its own that may store so many bytes. */
function withQuota(title, bytes, body) {
  const skip = browserNames.includes('chromium') ? false : 'needs Chromium';
  test(`chromium: ${title}`, { timeout, skip }, async () => {
    const page = await openPage(browsers.chromium, await serve());
    await browsers.chromium.quota(page, bytes);
    await body(page, () => browsers.chromium.quota(page, null));
    await page.close();
  });
}

for (const mode of ['memory', ...modes]) {
  inBrowsers(`the conformance suite over ${mode}`, async (page) => {
    assert.ok(existsSync(join(root, module)), `${module} is not built: tools/build browser`);
    const address = `${site.origin}/${module}`;
    const { failed, output } = await must(page, 'a', 'conformance', address, mode, 'suite');
    assert.equal(failed, 0, output);
    assert.match(output, /[1-9]\d* passed, 0 failed/);
  });

  inBrowsers(`random operations over ${mode}, several at once, against a twin`, async (page) => {
    for (const seed of [1, 2]) {
      await must(page, 'a', 'twin', `twin-${seed}`, mode, { seed, steps: 200 });
    }
  });
}

for (const mode of modes) {
  inBrowsers(`a database in ${mode} has one opener`, async (page, browser) => {
    await start(page, 'b');
    const other = await openPage(browser);
    const name = `one-${mode}`;
    await must(page, 'a', 'mount', name, mode);
    await Promise.all([
      refused('data_in_use', page, 'a', 'mount', name, mode),
      refused('data_in_use', page, 'b', 'mount', name, mode),
      refused('data_in_use', other, 'a', 'mount', name, 'auto'),
      refused('data_in_use', other, 'a', 'destroy', name, mode),
    ]);
    await must(page, 'b', 'mount', `${name}-2`, mode);
    await must(page, 'a', 'operate', name, 'create', 'x');
    await must(page, 'a', 'unmount', name);
    await must(other, 'a', 'mount', name, mode);
    await must(other, 'a', 'unmount', name);
    await must(page, 'b', 'destroy', name, mode);
    assert.deepEqual(await must(page, 'a', 'exists', name), { opfs: false, indexeddb: false });
    await other.close();
  });

  inBrowsers(`a worker that ended without a word leaves ${mode} to the next`, async (page) => {
    const name = `ended-${mode}`;
    for (let round = 0; round < 5; round++) {
      await start(page, 'b');
      await must(page, 'b', 'mount', name, mode);
      const open = round === 0 ? 'create' : 'open';
      const { file } = await must(page, 'b', 'operate', name, open, 'x');
      await must(page, 'b', 'record', name, file, round, 30000);
      await must(page, 'b', 'fill', name, file, 200000, 100000, 99); // not flushed
      await end(page, 'b');
      await must(page, 'a', 'mount', name, mode);
      const again = await must(page, 'a', 'operate', name, 'open', 'x');
      assert.ok((await must(page, 'a', 'records', name, again.file, 30000)) > round);
      await must(page, 'a', 'operate', name, 'close', again.file);
      await must(page, 'a', 'unmount', name);
    }
  });

  inBrowsers(`a page loaded again while its worker is busy has its ${mode}`, async (page) => {
    const name = `again-${mode}`;
    for (let round = 0; round < 3; round++) {
      await must(page, 'a', 'mount', name, mode);
      const open = round === 0 ? 'create' : 'open';
      const { file } = await must(page, 'a', 'operate', name, open, 'x');
      await must(page, 'a', 'record', name, file, round, 1000);
      await page.evaluate(() => void workers.call('a', 'spin'));
      await page.reload();
      await start(page, 'a');
    }
  });

  inBrowsers(`auto opens a database in ${mode} where it is`, async (page) => {
    const name = `there-${mode}`;
    await must(page, 'a', 'mount', name, mode);
    await must(page, 'a', 'operate', name, 'create', 'x');
    await must(page, 'a', 'unmount', name);
    assert.equal((await must(page, 'a', 'mount', name, 'auto')).mode, mode);
    await must(page, 'a', 'unmount', name);
    await must(page, 'a', 'destroy', name, 'auto');
    assert.equal((await must(page, 'a', 'mount', name, 'auto')).mode, 'opfs');
  });
}

inBrowsers('auto without access handles is IndexedDB, without both it says so', async (page) => {
  await must(page, 'a', 'without', 'accessHandles');
  assert.equal((await must(page, 'a', 'mount', 'less', 'auto')).mode, 'indexeddb');
  await refused('storage_unavailable', page, 'a', 'mount', 'less-2', 'opfs');
  await must(page, 'a', 'without', 'indexedDB');
  const detail = await refused('storage_unavailable', page, 'a', 'mount', 'less-3', 'auto');
  assert.match(detail, /sync access handles.*IndexedDB/);
  await refused('storage_unavailable', page, 'a', 'destroy', 'less-3', 'indexeddb');
  await must(page, 'a', 'mount', 'less-4', 'memory');
});

inBrowsers('without Web Locks nothing is opened', async (page) => {
  await must(page, 'a', 'without', 'locks');
  for (const mode of [...modes, 'auto']) {
    await refused('storage_unavailable', page, 'a', 'mount', 'unlocked', mode);
  }
});

inBrowsers('names and modes that cannot be are parameter_invalid', async (page) => {
  for (const name of ['', 'a/b', '..\\x', 'ä', 'x'.repeat(65), 7, null]) {
    for (const mode of ['memory', ...modes, 'auto']) {
      await refused('parameter_invalid', page, 'a', 'mount', name, mode);
    }
  }
  await refused('parameter_invalid', page, 'a', 'mount', 'x', 'tape');
});

inBrowsers('a database of a newer layout is data_newer and stays as it is', async (page) => {
  await must(page, 'a', 'makeNewer', 'newer');
  for (let i = 0; i < 2; i++) await refused('data_newer', page, 'a', 'mount', 'newer', 'auto');
  await must(page, 'a', 'destroy', 'newer', 'auto');
  await must(page, 'a', 'mount', 'newer', 'auto');
});

inBrowsers('a database that someone deletes is told at each operation', async (page) => {
  await must(page, 'a', 'mount', 'deleted', 'indexeddb');
  const { file } = await must(page, 'a', 'operate', 'deleted', 'create', 'x');
  await must(page, 'a', 'record', 'deleted', file, 0, 1000);
  await start(page, 'b');
  await must(page, 'b', 'deleteForeign', 'deleted');
  await refused('storage_failed', page, 'a', 'operate', 'deleted', 'flush', file);
  await refused('storage_failed', page, 'a', 'compare', 'deleted', file, 0, 1000, 0);
  await refused('storage_failed', page, 'a', 'operate', 'deleted', 'create', 'y');
  await must(page, 'a', 'unmount', 'deleted');
  await must(page, 'a', 'mount', 'deleted', 'indexeddb');
  assert.deepEqual(await must(page, 'a', 'operate', 'deleted', 'list'), []);
});

// --- quota ---

for (const mode of modes) {
  const title = `a used-up quota over ${mode} is storage_full, until there is space`;
  withQuota(title, 6e6, async (page, lift) => {
    await must(page, 'a', 'mount', 'full', mode);
    const { file } = await must(page, 'a', 'operate', 'full', 'create', 'x');
    await must(page, 'a', 'record', 'full', file, 0, 500000);
    await refused('storage_full', page, 'a', 'operate', 'full', 'truncate', file, 60e6);
    const filled = await must(page, 'a', 'fill', 'full', file, 500000, 20e6, 2);
    assert.equal(filled.code, 'storage_full', JSON.stringify(filled));
    assert.ok(filled.done > 1e6 && filled.done < 9e6, `${filled.done} bytes`);
    assert.equal(await must(page, 'a', 'compare', 'full', file, 0, 500000, 0), 500000);
    const { done } = filled;
    assert.equal(await must(page, 'a', 'compare', 'full', file, 500000, done, 2), done);
    await lift();
    assert.deepEqual(await must(page, 'a', 'fill', 'full', file, 500000, 8e6, 3), { done: 8e6 });
    await must(page, 'a', 'operate', 'full', 'flush', file);
    await must(page, 'a', 'unmount', 'full');
    await must(page, 'a', 'mount', 'full', mode);
    const again = await must(page, 'a', 'operate', 'full', 'open', 'x');
    assert.equal(again.size, 8500000);
    assert.equal(await must(page, 'a', 'compare', 'full', again.file, 500000, 8e6, 3), 8e6);
  });
}

withQuota('space of a file that is removed is there again', 4e6, async (page) => {
  await must(page, 'a', 'mount', 'freed', 'opfs');
  const { file } = await must(page, 'a', 'operate', 'freed', 'create', 'x');
  const { done, code } = await must(page, 'a', 'fill', 'freed', file, 0, 20e6, 1);
  assert.equal(code, 'storage_full');
  const { file: small } = await must(page, 'a', 'operate', 'freed', 'create', 'y');
  await must(page, 'a', 'operate', 'freed', 'close', file);
  await must(page, 'a', 'operate', 'freed', 'remove', 'x');
  const half = Math.floor(done / 2);
  assert.deepEqual(await must(page, 'a', 'fill', 'freed', small, 0, half, 2), { done: half });
});

withQuota('a flush without space fails, what was flushed before stays', 3e6, async (page, lift) => {
  await must(page, 'a', 'mount', 'flushed', 'indexeddb');
  const { file } = await must(page, 'a', 'operate', 'flushed', 'create', 'x');
  for (let i = 0; i < 5; i++) await must(page, 'a', 'record', 'flushed', file, i, 300000);
  await must(page, 'a', 'fill', 'flushed', file, 0, 1800000, 77); // in memory
  await refused('storage_failed', page, 'a', 'operate', 'flushed', 'flush', file);
  await end(page, 'a');
  await lift();
  await start(page, 'a');
  await must(page, 'a', 'mount', 'flushed', 'indexeddb');
  const again = await must(page, 'a', 'operate', 'flushed', 'open', 'x');
  assert.equal(again.size, 1500000);
  assert.equal(await must(page, 'a', 'records', 'flushed', again.file, 300000), 5);
});

// --- browsers that are set to deny ---

const noCookies = {
  chromium: { profile: { default_content_setting_values: { cookies: 2 } } },
  firefox: { 'network.cookie.cookieBehavior': 2 },
};

for (const name of browserNames) {
  test(`${name}: a site that may not store anything is told storage_unavailable`, async () => {
    const browser = await launch(name, noCookies[name]);
    const page = await openPage(browser);
    for (const mode of [...modes, 'auto']) {
      await refused('storage_unavailable', page, 'a', 'mount', 'denied', mode);
    }
    await must(page, 'a', 'mount', 'denied', 'memory');
    await browser.close();
  });
}

const noFirefox = browserNames.includes('firefox') ? false : 'needs Firefox';

test('firefox: a private window has IndexedDB', { skip: noFirefox }, async () => {
  const browser = await launch('firefox', { 'browser.privatebrowsing.autostart': true });
  const page = await openPage(browser);
  await refused('storage_unavailable', page, 'a', 'mount', 'private', 'opfs');
  assert.equal((await must(page, 'a', 'mount', 'private', 'auto')).mode, 'indexeddb');
  await browser.close();
});

// --- processes that are killed ---

/** Writes records until `wanted` are flushed at least; answers how many were, and goes on. */
function writeUntil(page, database, file, first, wanted) {
  return page.evaluate(writeInPage, { database, file, first, wanted });
}

/** In the page: a record that fails, then or later, is told. */
function writeInPage({ database, file, first, wanted }) {
  return new Promise((resolve, reject) => {
    const write = async () => {
      for (let number = first; ; number++) {
        const { error } = await workers.call('a', 'record', database, file, number, 3000);
        if (error !== undefined) throw new Error(`record ${number}: ${JSON.stringify(error)}`);
        if (number + 1 >= wanted) resolve(number + 1);
      }
    };
    write().catch((error) => {
      console.log(String(error));
      reject(error);
    });
  });
}

for (const name of browserNames) {
  for (const mode of modes) {
    const title = `${name}: what was flushed to ${mode} is there after its process was killed`;
    test(title, { timeout }, async () => {
      const browser = await launch(name);
      let acknowledged = 0;
      let file = -1;
      for (let round = 0; round < 7; round++) {
        const page = await openPage(browser);
        await must(page, 'a', 'mount', 'killed', mode);
        if (round === 0) {
          ({ file } = await must(page, 'a', 'operate', 'killed', 'create', 'x'));
        } else {
          ({ file } = await must(page, 'a', 'operate', 'killed', 'open', 'x'));
          const found = await must(page, 'a', 'records', 'killed', file, 3000);
          assert.ok(found >= acknowledged, `${found} records of ${acknowledged}, round ${round}`);
        }
        const wanted = acknowledged + 5 + ((round * 37) % 60);
        acknowledged = await writeUntil(page, 'killed', file, acknowledged, wanted);
        if (round % 3 === 2) {
          await browser.kill();
          await browser.restart();
        } else {
          await browser.killRenderers();
        }
      }
      await browser.close();
    });
  }
}
