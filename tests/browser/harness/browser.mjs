// SPDX-License-Identifier: Apache-2.0
// Real browsers for tests: headless Chromium (playwright-core) and Firefox (puppeteer-core,
// WebDriver BiDi), those of the system, each with a profile of its own that is gone after the test
// file, as are all processes, also when a test fails. Works for root. What pages say on their
// console goes to the test's output.
//
//     import { browserNames, launch, serve } from './harness/browser.mjs';
//
//     const site = await serve();                       // the source tree on 127.0.0.1
//     for (const name of browserNames) {   // chromium, firefox; BROWSER=firefox: only it
//       test(`${name}: adds`, async () => {
//         const browser = await launch(name);
//         const page = await browser.open(`${site.origin}/blank.html`);
//         assert.equal(await page.evaluate(([a, b]) => a + b, [1, 2]), 3);
//         await browser.close();                        // else it is closed after the test file
//       });
//     }
//
// A page: evaluate(function, argument) (both are passed by value; its result may be a promise's),
// reload(), close(), raw (the Page of playwright or puppeteer). A browser: open(url), close(),
// killRenderers() (SIGKILL to all processes of pages; the pages are then useless: open others),
// kill() (SIGKILL to all of it), restart() (after close or kill: the same profile again),
// quota(page, bytes) (Chromium: what the page's origin may store; null: as before), raw (the
// BrowserContext of playwright or the Browser of puppeteer), profile, name.
//
// serve({folders, pages, isolated, port}) is in server.mjs. CHROMIUM and FIREFOX name other
// binaries.
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { family, kill } from './processes.mjs';
import { root } from './server.mjs';

export { root, serve } from './server.mjs';

const require = createRequire(join(root, 'build/deps/'));

export const browserNames = ['chromium', 'firefox'].filter(
  (name) => (process.env.BROWSER ?? name) === name,
);

const chromiumFlags = [
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const timeoutMs = 60000;

/** What ends this process ends in `exit`, where browsers are ended: their drivers do not see to it. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
for (const signal of signals) process.once(signal, () => process.exit(1));
const noSignals = Object.fromEntries(signals.map((signal) => [`handle${signal}`, false]));

/** The first that exists; the shell script that Debian puts before Chromium is not needed. */
const binaryOf = (...paths) => paths.find((path) => path !== undefined && existsSync(path));

/** How Chromium is run, whoever launches it. */
export const chromiumOptions = () => ({
  executablePath: binaryOf(
    process.env.CHROMIUM,
    '/usr/lib/chromium/chromium',
    '/usr/bin/chromium',
  ),
  headless: true,
  chromiumSandbox: false,
  args: chromiumFlags,
});

async function startChromium(profile, env) {
  const { chromium } = require('playwright-core');
  const context = await chromium.launchPersistentContext(profile, {
    ...chromiumOptions(),
    ...noSignals,
    env,
    timeout: timeoutMs,
  });
  context.setDefaultTimeout(timeoutMs);
  return context;
}

/** Preferences in the form of the file `Preferences`, read at the start. */
function preferChromium(profile, preferences) {
  mkdirSync(join(profile, 'Default'));
  writeFileSync(join(profile, 'Default/Preferences'), JSON.stringify(preferences));
}

async function startFirefox(profile, env, preferences) {
  const puppeteer = require('puppeteer-core');
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: binaryOf(process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'),
    headless: true,
    userDataDir: profile,
    extraPrefsFirefox: preferences,
    ...noSignals,
    env,
    timeout: timeoutMs,
    protocolTimeout: 600000,
  });
}

const kinds = {
  chromium: {
    start: startChromium,
    // Not the one of the browser's own pages, without which it opens no page any more.
    isRenderer: (line) => line.includes('--type=renderer') && !line.includes('--top-chrome-webui'),
  },
  firefox: { start: startFirefox, isRenderer: (line) => /-contentproc .*\btab$/.test(line) },
};

class TestPage {
  constructor(raw) {
    this.raw = raw;
  }

  evaluate(body, argument) {
    return this.raw.evaluate(body, argument);
  }

  async reload() {
    await this.raw.reload({ waitUntil: 'load' });
  }

  async close() {
    await this.raw.close();
  }
}

class TestBrowser {
  raw = null;
  #pages = new Set();
  #home = mkdtempSync(join(tmpdir(), 'rivulet-browser-'));

  constructor(name, preferences) {
    this.name = name;
    this.preferences = preferences;
    this.profile = join(this.#home, 'profile');
    mkdirSync(this.profile);
    if (name === 'chromium') preferChromium(this.profile, preferences);
    // The browser's own folders of caches and settings go where the profile is.
    this.env = { ...process.env, HOME: this.#home };
    for (const variable of ['XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR']) {
      delete this.env[variable];
    }
  }

  async start() {
    this.raw = await kinds[this.name].start(this.profile, this.env, this.preferences);
  }

  async open(url) {
    const raw = await this.raw.newPage();
    raw.on('console', (message) => console.log(`${this.name}: ${message.text()}`));
    raw.on('pageerror', (error) => console.log(`${this.name}: ${error.stack ?? error}`));
    await raw.goto(url, { waitUntil: 'load' });
    this.#pages.add(raw);
    raw.once('close', () => this.#pages.delete(raw));
    return new TestPage(raw);
  }

  async quota(page, bytes) {
    const session = await this.raw.newCDPSession(page.raw);
    const { origin } = new URL(page.raw.url());
    await session.send('Storage.overrideQuotaForOrigin', {
      origin,
      ...(bytes === null ? {} : { quotaSize: bytes }),
    });
    // The override lasts as long as the session that asked for it.
    if (bytes === null) await session.detach();
  }

  async killRenderers() {
    const { isRenderer } = kinds[this.name];
    const crashes = [...this.#pages].map((raw) => once(raw, 'crash'));
    const killed = family(this.profile).filter((one) => isRenderer(one.command));
    kill(killed);
    await this.#ended(killed);
    if (this.name === 'chromium') await Promise.all(crashes);
    else await this.#opensPages();
    this.#pages.clear();
  }

  /** Whether a new page comes, within some seconds; it is closed again. */
  async #opensPage() {
    const pause = new Promise((resolve) => setTimeout(resolve, 5000, null));
    const page = await Promise.race([this.raw.newPage().catch(() => null), pause]);
    await page?.close();
    return page !== null;
  }

  /** Firefox may give a new page to a process that it has not yet noticed to be dead. */
  async #opensPages() {
    for (let tries = 0; !(await this.#opensPage()); tries++) {
      if (tries === 10) throw new Error('Firefox opens no pages after its processes were killed');
    }
  }

  async kill() {
    const { raw } = this;
    kill(family(this.profile));
    await this.#ended();
    // It is gone, so this only lets its driver know.
    await raw?.close().catch(() => undefined);
    this.#closed();
  }

  async close() {
    await this.raw?.close();
    this.#closed();
    await this.#ended();
  }

  /** A Chromium whose profile was killed may start and never open a page: it is killed as well. */
  async restart() {
    await this.start();
    for (let tries = 0; !(await this.#opensPage()); tries++) {
      if (tries === 5) throw new Error(`${this.name} opens no pages after it was started again`);
      await this.kill();
      await this.start();
    }
  }

  /** At once: after this nothing of it is left, profile included. */
  end() {
    kill(family(this.profile));
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }

  #closed() {
    this.raw = null;
    this.#pages.clear();
  }

  /** Waits until the processes have ended, all by default; those that take long are killed. */
  async #ended(which = null) {
    const left = () => {
      const alive = family(this.profile);
      return which === null ? alive : alive.filter((one) => which.some((w) => w.pid === one.pid));
    };
    for (let waits = 0; left().length > 0; waits++) {
      if (waits > 250) kill(left());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Starts `chromium` or `firefox`; `preferences` are in its own words. */
export async function launch(name, preferences = {}) {
  const browser = new TestBrowser(name, preferences);
  const end = () => browser.end();
  process.once('exit', end);
  after(async () => {
    try {
      await browser.close();
    } finally {
      browser.end();
      process.removeListener('exit', end);
    }
  });
  await browser.start();
  return browser;
}
