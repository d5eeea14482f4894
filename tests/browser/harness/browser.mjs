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
// Whatever waits for a browser ends: what drivers do not answer within `timeoutMs` throws Late
// (wait.mjs); an evaluation lasts as long as its test may (test.mjs), which then tells what each
// browser did last and does now.
//
// serve({folders, pages, isolated, port}) is in server.mjs. CHROMIUM and FIREFOX name other
// binaries.
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { describePage, TestPage } from './page.mjs';
import { family, kill } from './processes.mjs';
import { root } from './server.mjs';
import { Late, within } from './wait.mjs';

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

const timeoutMs = 30000;

const startMs = 60000;

/** Within which a new page comes, if it comes at all. */
const newPageMs = 5000;

/** In which a browser notices that processes of its own are dead, unless the machine is very busy. */
const noticedMs = 100;

/** How often what a kill may have spoiled is done. */
const triesMax = 6;

/** For what a driver is only to take note of. */
const noticeMs = 10000;

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

const shared = '/dev/shm';
const sharedBytesMin = 4 * 2 ** 30;

/**
 * Where profiles are: in memory where there is enough for them (a container may have 64 MiB). What
 * browsers flush to a disk takes most of the time of some tests, and none of them cuts the power: a
 * browser that is killed finds there what it would find on a disk.
 */
function profilesFolder() {
  if (!existsSync(shared)) return tmpdir();
  const { bavail, bsize } = statfsSync(shared);
  return bavail * bsize < sharedBytesMin ? tmpdir() : shared;
}

async function startChromium(profile, env) {
  const { chromium } = require('playwright-core');
  const context = await chromium.launchPersistentContext(profile, {
    ...chromiumOptions(),
    ...noSignals,
    env,
    timeout: startMs,
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
    timeout: startMs,
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

const diaryMax = 40;

class TestBrowser {
  raw = null;
  #pages = new Set();
  #diary = [];
  #began = performance.now();
  #ended = null; // why it is not to be used any more
  #home = mkdtempSync(join(profilesFolder(), 'rivulet-browser-'));

  constructor(name, preferences) {
    this.name = name;
    this.preferences = preferences;
    this.profile = join(this.#home, 'profile');
    mkdirSync(this.profile);
    if (name === 'chromium') preferChromium(this.profile, preferences);
    // The browser's own folders (caches, settings, what is temporary) go where the profile is.
    this.env = { ...process.env, HOME: this.#home, TMPDIR: this.#home };
    for (const variable of ['XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR']) {
      delete this.env[variable];
    }
  }

  /** Notes what happens, for a test that takes too long. */
  #note(what) {
    this.#diary.push(`${((performance.now() - this.#began) / 1000).toFixed(1)} s: ${what}`);
    if (this.#diary.length > diaryMax) this.#diary.shift();
  }

  #within(ms, what, promise) {
    this.#note(what);
    return within(ms, `${this.name}: ${what}`, promise);
  }

  /** One that does not start in time is killed, and started once more. */
  async start() {
    const { start } = kinds[this.name];
    for (let tries = 1; this.raw === null; tries++) {
      this.#check();
      try {
        const started = start(this.profile, this.env, this.preferences);
        this.raw = await this.#within(startMs, 'start', started);
      } catch (error) {
        this.#note(error.message);
        await this.kill();
        if (tries === 2) throw error;
      }
    }
  }

  #check() {
    if (this.#ended !== null) throw new Error(`${this.name} was ended: ${this.#ended}`);
  }

  async open(url) {
    this.#check();
    for (let tries = 1; ; tries++) {
      const raw = await this.#newPage();
      let crashed = false;
      raw.on('crash', () => {
        crashed = true;
        this.#note('a page crashed');
      });
      this.#listen(raw);
      try {
        await this.#within(timeoutMs, `load of ${url}`, raw.goto(url, { waitUntil: 'load' }));
        return new TestPage(this.name, raw);
      } catch (error) {
        if (!crashed || tries === triesMax) throw error;
      }
    }
  }

  #listen(raw) {
    const say = (text) => {
      this.#note(`page: ${text}`);
      console.log(`${this.name}: ${text}`);
    };
    raw.on('console', (message) => say(message.text()));
    raw.on('pageerror', (error) => say(error.stack ?? error));
    this.#pages.add(raw);
    for (const event of ['close', 'crash']) raw.once(event, () => this.#pages.delete(raw));
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
    this.#note(`kill of ${killed.length} renderers`);
    kill(killed);
    await this.#gone(killed);
    if (this.name === 'chromium') {
      await this.#within(noticeMs, 'the crash of its pages', Promise.all(crashes));
    }
    this.#pages.clear();
    await sleep(noticedMs); // of the spare one nothing is told; a page that it is given never comes
    await this.#tryPage(); // the dead are noticed while it comes, if not before
  }

  /**
   * A new page, the driver's. The browser may give it to a process that was killed and that it has
   * not yet noticed to be dead (the spare one, of Chromium): it crashes before it begins, and the
   * driver waits for it for ever. So one that does not come is asked for again.
   */
  async #newPage(tries = triesMax) {
    for (let left = tries - 1; ; left--) {
      try {
        return await this.#within(newPageMs, 'a new page', this.raw.newPage());
      } catch (error) {
        this.#note(`no page: ${error.message}`);
        if (left === 0) throw error;
        await sleep(100);
      }
    }
  }

  /** Throws if none comes. */
  async #tryPage(tries) {
    const page = await this.#newPage(tries);
    await this.#within(timeoutMs, 'the close of a page', page.close());
  }

  async kill() {
    const { raw } = this;
    this.#note('kill');
    kill(family(this.profile));
    await this.#gone();
    // It is gone, so this only lets its driver know.
    await this.#within(noticeMs, 'its end', raw?.close()).catch(() => undefined);
    await this.#closed();
  }

  async close() {
    // One that does not heed its driver is killed.
    const closed = this.#within(noticeMs, 'close', this.raw?.close());
    await closed.catch((error) => {
      console.log(error.message);
      kill(family(this.profile));
    });
    await this.#gone();
    await this.#closed();
  }

  /** A Chromium whose profile was killed may start and never open a page: it is killed as well. */
  async restart() {
    for (let tries = 1; ; tries++) {
      await this.start();
      try {
        return await this.#tryPage(1);
      } catch (error) {
        if (tries === triesMax) throw error;
        await this.kill();
      }
    }
  }

  /** Lines of what it did last, what its processes are, and what its pages say of themselves. */
  async describe() {
    const processes = family(this.profile).map(({ pid, state, command }) => {
      const type = /--type=\S+/.exec(command) ?? /-contentproc .*\b\w+$/.exec(command);
      return `${pid} ${state} ${type === null ? 'main' : type[0].split(/[ =]/).at(-1)}`;
    });
    const pages = await Promise.all([...this.#pages].map(describePage));
    return [
      `processes: ${processes.join(', ') || 'none'}`,
      ...this.#diary.map((line) => `at ${line}`),
      ...pages,
    ].map((line) => `${this.name}: ${line}`);
  }

  /** At once: after this nothing of it is left, profile included. */
  end(why = 'the tests are over') {
    this.#ended ??= why;
    kill(family(this.profile));
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }

  /**
   * After its end. Firefox's driver then puts back the settings that it had moved away, which is not
   * to happen while it starts the next one.
   */
  async #closed() {
    this.raw = null;
    this.#pages.clear();
    const moved = ['prefs.js', 'user.js'].map((file) => join(this.profile, `${file}.puppeteer`));
    const moving = () => moved.some((path) => existsSync(path));
    for (let waits = 0; waits < 250 && moving(); waits++) await sleep(20);
  }

  /** Waits until the processes have ended, all by default; those that take long are killed. */
  async #gone(which = null) {
    const left = () => {
      const alive = family(this.profile);
      return which === null ? alive : alive.filter((one) => which.some((w) => w.pid === one.pid));
    };
    for (let waits = 0; left().length > 0; waits++) {
      if (waits > 250) kill(left());
      if (waits > 1000) throw new Late(`${this.name}: killed, it does not end`);
      await sleep(20);
    }
  }
}

/** All that were launched and not ended. */
const living = new Set();

/** What they did last, in lines. */
export async function describeAll() {
  return (await Promise.all([...living].map((browser) => browser.describe()))).flat();
}

/** Ends them all, for this reason; they cannot be used any more. */
export function endAll(why) {
  for (const browser of living) browser.end(why);
}

/** Starts `chromium` or `firefox`; `preferences` are in its own words. */
export async function launch(name, preferences = {}) {
  const browser = new TestBrowser(name, preferences);
  const end = () => browser.end();
  living.add(browser);
  process.once('exit', end);
  after(async () => {
    try {
      await browser.close();
    } finally {
      browser.end();
      living.delete(browser);
      process.removeListener('exit', end);
    }
  });
  try {
    await browser.start();
  } catch (error) {
    endAll(error.message); // at the top of a test file it ends the process, without `exit`
    throw error;
  }
  return browser;
}
