// SPDX-License-Identifier: Apache-2.0
// Goal: whatever a browser lacks or refuses, whatever lies where the package should be, whatever is
// in the storage: the application gets a coded error, nothing is half-written, and what works goes
// on.
// Method: real browsers, in which the cause is made as it is made in the world where that can be
// done (quota, private windows, sandboxed frames, changed bytes, missing files), else by taking a
// function from the worker before the package runs. Connections that fail are in
// bad_connection.test.mjs.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { folder, Node, opened, prepared, schema } from '../e2e/harness.mjs';
import { browserNames, launch, root } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import * as fixture from './pages/fixture.mjs';

const { mustOpen, openDatabase, openPage, reached, rows, serveDatabase } = fixture;

const site = await serveDatabase({ headers: { 'access-control-allow-origin': '*' } });
const browsers = {};
for (const name of browserNames) browsers[name] = await launch(name);
const { chromium } = browsers;
const timeout = 120000;
const inChromium = { timeout, skip: chromium ? false : 'it is of Chromium alone' };

const poor = (what) => `${site.origin}/tests/browser/pages/database/poor-worker.js?${what}`;

/** A name that no other test has. */
let names = 0;
const fresh = () => `bad-${(names += 1)}`;

/** Opens, which must fail so; facts are those of the error. */
async function refused(page, options, code, pattern = /./) {
  const { error } = await openDatabase(page, options);
  assert.equal(error?.code, code, JSON.stringify(error));
  assert.match(error.detail, pattern);
  return error;
}

/** A new account, durable; gives its position. */
const account = (page, id) =>
  page.evaluate(async (n) => {
    const append = db.append(`/accounts/${n}`, 'account_opened', { name: `n${n}` });
    return (await append.durable('local')).position;
  }, id);

const count = async (page) => (await rows(page, 'select count(*) n from account'))[0].n;

/** Opens what must work: it takes an event, shows it, and shows it again after it was closed. */
async function works(page, options, mode) {
  const opened = await mustOpen(page, { schema, ...options });
  assert.equal(opened.storage.mode, mode);
  await account(page, 1);
  assert.equal(await count(page), 1);
  await page.evaluate(() => db.close());
  await mustOpen(page, options);
  assert.equal(await count(page), mode === 'memory' ? undefined : 1);
  await page.evaluate(() => db.close());
  return opened;
}

// --- storage that is not there ---

for (const name of browserNames) {
  test(`${name}: without OPFS it is IndexedDB`, { timeout }, async () => {
    const page = await openPage(browsers[name], site);
    for (const how of ['opfs', 'opfs=denied']) {
      const options = { name: fresh(), workerUrl: poor(how) };
      await works(page, options, 'indexeddb');
      await refused(page, { ...options, storage: 'opfs' }, 'storage_unavailable');
    }
    await page.close();
  });

  test(`${name}: without IndexedDB it is OPFS`, { timeout }, async () => {
    const page = await openPage(browsers[name], site);
    for (const how of ['indexeddb', 'indexeddb=denied']) {
      const options = { name: fresh(), workerUrl: poor(how) };
      await works(page, options, 'opfs');
      await refused(page, { ...options, storage: 'indexeddb' }, 'storage_unavailable');
    }
    await page.close();
  });

  test(`${name}: without both it says so; memory is there if wanted`, { timeout }, async () => {
    const page = await openPage(browsers[name], site);
    const options = { name: fresh(), workerUrl: poor('opfs=denied&indexeddb=denied'), schema };
    const { detail } = await refused(page, options, 'storage_unavailable');
    assert.match(detail, /denied.*denied/s, 'both reasons are told');
    const opened = await mustOpen(page, { ...options, storage: 'memory' });
    assert.deepEqual(opened.storage, { mode: 'memory', persistent: false });
    await account(page, 1);
    assert.equal(await count(page), 1);
    await page.close();
  });
}

test('a private window of Chromium works, and promises nothing', inChromium, async () => {
  const playwright = createRequire(join(root, 'build/deps/'))('playwright-core').chromium;
  const browser = await playwright.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/lib/chromium/chromium',
    chromiumSandbox: false,
    env: { ...process.env, HOME: folder('private') },
  });
  try {
    const page = await (await browser.newContext()).newPage(); // contexts are off the record
    await page.goto(site.page);
    const opened = await works(page, { name: fresh() }, 'opfs');
    assert.equal(opened.storage.persistent, false);
  } finally {
    await browser.close();
  }
});

const inFirefox = { timeout, skip: browsers.firefox ? false : 'it is of Firefox alone' };

test('a private window of Firefox works, without OPFS', inFirefox, async () => {
  const puppeteer = createRequire(join(root, 'build/deps/'))('puppeteer-core');
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    env: { ...process.env, HOME: folder('private') },
    extraPrefsFirefox: { 'browser.privatebrowsing.autostart': true },
  });
  try {
    const page = await browser.newPage();
    await page.goto(site.page);
    await refused(page, { name: fresh(), storage: 'opfs' }, 'storage_unavailable');
    await works(page, { name: fresh() }, 'indexeddb');
  } finally {
    await browser.close();
  }
});

test('a page that is no secure context is told so', inChromium, async () => {
  const playwright = createRequire(join(root, 'build/deps/'))('playwright-core').chromium;
  const browser = await playwright.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/lib/chromium/chromium',
    chromiumSandbox: false,
    env: { ...process.env, HOME: folder('insecure') },
    args: ['--host-resolver-rules=MAP plain.example 127.0.0.1'],
  });
  try {
    const page = await browser.newPage();
    await page.goto(site.page.replace('127.0.0.1', 'plain.example'));
    await refused(page, { name: fresh(), schema }, 'storage_unavailable', /secure context/);
    await mustOpen(page, { name: fresh(), schema, storage: 'memory' });
    await account(page, 1);
    assert.equal(await count(page), 1);
  } finally {
    await browser.close();
  }
});

for (const name of browserNames) {
  test(`${name}: a frame without an origin can have no database`, { timeout }, async () => {
    const page = await browsers[name].open(`${site.origin}/blank.html`);
    const error = await page.evaluate(async (address) => {
      const frame = document.createElement('iframe');
      frame.sandbox = 'allow-scripts';
      frame.srcdoc = `<script type="module">
        import { open } from '${address}/rivulet/index.js';
        let told = { code: null };
        try { await open({ name: 'framed', storage: 'auto' }); }
        catch (error) { told = { code: error.code, detail: error.detail }; }
        parent.postMessage(told, '*');
      <\/script>`;
      const heard = new Promise((resolve) => {
        addEventListener('message', ({ data }) => resolve(data), { once: true });
      });
      document.body.append(frame);
      return heard;
    }, site.origin);
    assert.equal(error.code, 'worker_failed', JSON.stringify(error));
    await page.close();
  });
}

// --- the quota ---

/** Events of some size until one is refused: how many were acknowledged, and what happened then. */
async function fill() {
  for (let n = 0; n < 300; n++) {
    const random = crypto.getRandomValues(new Uint8Array(30000)); // which cannot be compressed
    const name = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
    try {
      const data = { contact_id: `c${n}`, name };
      await db.append('/accounts/1', 'contact_added', data).durable('local');
    } catch (error) {
      return { acknowledged: n, error: page.plain(error), status: await page.status() };
    }
  }
  return { acknowledged: 300 };
}

for (const storage of ['opfs', 'indexeddb']) {
  test(`${storage}: a quota that is used up`, inChromium, async () => {
    const own = await serveDatabase(); // an origin of its own: browsers remember how much is left
    const page = await openPage(chromium, own);
    const options = { name: fresh(), storage };
    await chromium.quota(page, 8e6);
    await mustOpen(page, { ...options, schema });
    await account(page, 1);
    const end = await page.evaluate(fill);
    assert.equal(end.error?.code, 'storage_full', JSON.stringify(end));
    assert.ok(end.acknowledged > 5, JSON.stringify(end));
    assert.ok(['storage_full', undefined].includes(end.status.readOnly?.code), JSON.stringify(end));

    // Reads go on; writes are refused with the reason.
    assert.equal(await count(page), 1);
    const held = (await rows(page, 'select count(*) n from contact'))[0].n;
    assert.ok(held >= end.acknowledged, `${held} of ${end.acknowledged}`);
    const after = await page.evaluate(fill);
    assert.equal(after.acknowledged, 0);
    const codes = ['storage_full', 'read_only'];
    assert.ok(codes.includes(after.error.code), JSON.stringify(after.error));

    // After more space it works again, with all that was acknowledged: where the space was refused
    // before anything was written (OPFS) at once, else when it is opened anew.
    assert.equal(after.status.readOnly?.code, storage === 'opfs' ? undefined : 'storage_full');
    await chromium.quota(page, null);
    if (storage === 'opfs') {
      await account(page, 3);
      await page.evaluate(() => db.close());
    }
    await page.evaluate(() => page.attempt(() => db.close()));
    await mustOpen(page, options);
    const kept = (await rows(page, 'select count(*) n from contact'))[0].n;
    const unanswered = kept - end.acknowledged;
    assert.ok(unanswered === 0 || unanswered === 1, `${kept} of ${end.acknowledged}`);
    await account(page, 2);
    assert.equal(await count(page), storage === 'opfs' ? 3 : 2);
    await page.close();
  });

  test(`${storage}: a quota that the sync uses up`, inChromium, async () => {
    const central = await Node.start(prepared(folder('quota')), '--allow-origin', '*');
    const text = () => randomBytes(30000).toString('hex');
    assert.equal((await central.batch([opened(1)])).status, 201);
    for (let i = 0; i < 20; i++) {
      const events = Array.from({ length: 8 }, (_, n) => ({
        path: '/accounts/1',
        type: 'contact_added',
        data: { contact_id: `${i}-${n}`, name: text() },
      }));
      assert.equal((await central.batch(events)).status, 201);
    }
    const { position, state_hash: hash } = await central.status();

    const page = await openPage(chromium, await serveDatabase());
    const upstream = { url: central.syncUrl };
    const options = { name: fresh(), storage, upstream, select: { streams: ['/accounts/**'] } };
    await chromium.quota(page, 6e6);
    await mustOpen(page, options);
    const full = await page.evaluate(() =>
      page.status((s) => [s.reason?.code, s.readOnly?.code].includes('storage_full')),
    );
    assert.ok(full.syncedTo < position, JSON.stringify(full));
    const held = (await rows(page, 'select count(*) n from contact'))[0].n;
    assert.ok(held > 0 && held < 160, `${held} contacts`);

    await page.evaluate(() => page.attempt(() => db.close()));
    await chromium.quota(page, null);
    const opened_ = await mustOpen(page, options);
    assert.ok(opened_.syncedTo >= full.syncedTo, JSON.stringify([opened_, full]));
    const here = await reached(page, position);
    assert.equal(here.stateHash, hash);
    await page.close();
    assert.equal(await central.stop(), 0);
  });

  test(`${storage}: a quota that leaves no room for a new database`, inChromium, async () => {
    const own = await serveDatabase();
    const page = await openPage(chromium, own);
    const options = { name: fresh(), storage, schema };
    await chromium.quota(page, 1);
    await refused(page, options, 'storage_full');
    await chromium.quota(page, null);
    await page.close();
    const later = await openPage(chromium, await serveDatabase());
    await works(later, options, storage);
    await later.close();
  });
}

// --- the package's files ---

/** A module that exports rv_module_abi() and nothing else. */
function moduleOf(version) {
  const name = [...Buffer.from('rv_module_abi')];
  const bytes = [
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    1, 5, 1, 0x60, 0, 1, 0x7f,
    3, 2, 1, 0,
    7, name.length + 4, 1, name.length, ...name, 0, 0,
    10, 6, 1, 4, 0, 0x41, version, 0x0b,
  ]; // prettier-ignore
  return `data:application/wasm;base64,${Buffer.from(bytes).toString('base64')}`;
}

for (const name of browserNames) {
  test(`${name}: worker and module that are not what they should be`, { timeout }, async () => {
    const page = await openPage(browsers[name], site);
    const options = { name: fresh(), schema };
    const at = (path) => `${site.origin}${path}`;
    await refused(page, { ...options, workerUrl: at('/no/worker.js') }, 'worker_failed');
    await refused(page, { ...options, workerUrl: at('/blank.html') }, 'worker_failed');
    await refused(page, { ...options, workerUrl: 'https://else.example/w.js' }, 'worker_failed');
    await refused(page, { ...options, moduleUrl: at('/no/rivulet.wasm') }, 'module_failed', /404/);
    await refused(page, { ...options, moduleUrl: at('/blank.html') }, 'module_failed');
    await refused(page, { ...options, moduleUrl: 'http://127.0.0.1:1/x.wasm' }, 'module_failed');
    await refused(page, { ...options, moduleUrl: 'http://[' }, 'module_failed');
    const other = await refused(page, { ...options, moduleUrl: moduleOf(9) }, 'module_version');
    assert.deepEqual([other.expected, other.actual], [4, 9]);
    const empty = 'data:application/wasm;base64,AGFzbQEAAAA=';
    await refused(page, { ...options, moduleUrl: empty }, 'module_version');
    await works(page, options, 'opfs'); // and none of them left anything
    await page.close();
  });
}

// --- what is in the storage ---

/** In the page: changes the log's only segment; a place below 0 is counted from its end. */
async function change({ name, storage, at, bytes, seal }) {
  const table = Array.from({ length: 256 }, (_, i) => {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    return c;
  });
  const edit = (page) => {
    page.set(bytes, at < 0 ? page.length + at : at);
    if (!seal) return;
    let crc = -1;
    for (const byte of page.subarray(0, 4092)) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
    new DataView(page.buffer, page.byteOffset).setUint32(4092, ~crc, true);
  };
  if (storage === 'opfs') {
    const top = await navigator.storage.getDirectory();
    const directory = await top.getDirectoryHandle(`rivulet-${name}`);
    for await (const [file, handle] of directory.entries()) {
      if (!file.startsWith('log-')) continue;
      const content = new Uint8Array(await (await handle.getFile()).arrayBuffer());
      edit(content);
      const writable = await handle.createWritable();
      await writable.write(content);
      await writable.close();
    }
    return;
  }
  const answer = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await answer(indexedDB.open(`rivulet-${name}`));
  const transaction = database.transaction(['files', 'pages'], 'readwrite');
  const files = transaction.objectStore('files');
  for (const key of await answer(files.getAllKeys())) {
    if (!key.startsWith('log-')) continue;
    const { id } = await answer(files.get(key));
    const page = await answer(transaction.objectStore('pages').get([id, 0]));
    edit(page);
    await answer(transaction.objectStore('pages').put(page, [id, 0]));
  }
  database.close();
}

for (const storage of ['opfs', 'indexeddb']) {
  test(`${storage}: a database of a newer version is left as it is`, inChromium, async () => {
    const page = await openPage(chromium, site);
    const options = { name: fresh(), storage };
    await works(page, options, storage);
    await page.evaluate(change, { ...options, at: 8, bytes: [9, 0, 0, 0], seal: true });
    await refused(page, options, 'data_newer');
    await refused(page, { ...options, schema }, 'data_newer');
    await page.evaluate(change, { ...options, at: 8, bytes: [1, 0, 0, 0], seal: true });
    await mustOpen(page, options);
    assert.equal(await count(page), 1);
    await page.close();
  });

  test(`${storage}: a damaged database is read up to the damage`, inChromium, async () => {
    const page = await openPage(chromium, site);
    const options = { name: fresh(), storage };
    await mustOpen(page, { ...options, schema });
    for (const id of [1, 2, 3, 4]) await account(page, id);
    await page.evaluate(() => db.close());
    const damage = { at: -300, bytes: Array(8).fill(255) }; // in an account
    await page.evaluate(change, { ...options, ...damage });
    const opened = await mustOpen(page, options);
    assert.equal(opened.readOnly?.code, 'data_damaged', JSON.stringify(opened));
    const held = await count(page);
    assert.ok(held < 4, `${held} accounts`);
    const { error } = await page.evaluate(() =>
      page.attempt(() => db.append('/accounts/9', 'account_opened', { name: 'no' }).durable()),
    );
    assert.ok(['read_only', 'data_damaged'].includes(error?.code), JSON.stringify(error));
    await page.evaluate(() => db.close());
    await page.close();
  });
}

for (const name of browserNames) {
  for (const storage of ['opfs', 'indexeddb']) {
    test(`${name}, ${storage}: open twice, in two tabs and in one`, { timeout }, async () => {
      const options = { name: fresh(), storage, schema };
      const one = await openPage(browsers[name], site);
      const two = await openPage(browsers[name], site);
      await mustOpen(one, options);
      // Each waits for the lock for a while, so they do so together.
      const here = one.evaluate(async (o) => {
        const first = db;
        const { error } = await page.attempt(() => page.open(o));
        globalThis.db = first;
        return { error };
      }, options);
      const removed = two.evaluate((o) => page.attempt(() => page.destroy(o)), options);
      await refused(two, options, 'data_in_use', /another tab or worker/);
      for (const refusal of [here, removed]) {
        assert.equal((await refusal).error?.code, 'data_in_use');
      }
      await account(one, 1); // the first is as it was
      await one.evaluate(() => db.close());
      await mustOpen(two, options);
      assert.equal(await count(two), 1);
      await two.close(); // without a word
      await mustOpen(one, options);
      assert.equal(await count(one), 1);
      await one.evaluate(() => db.close());
      await one.evaluate((o) => page.destroy(o), options);
      await mustOpen(one, options);
      assert.equal(await count(one), 0);
      await one.close();
    });
  }
}
