// SPDX-License-Identifier: Apache-2.0
// Goal: who installs the package has a database in the page: built by Vite, in Vite's server, or
// with the package's files on any server and a script tag, also under a strict
// Content-Security-Policy.
// Method: the archive that `npm pack` makes is installed without a network into a new folder,
// beside an application that knows the package by its name alone (vite/); real browsers load it
// twice.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import { folder } from '../e2e/harness.mjs';
import { browserNames, launch, root, serve } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import { packageFolder } from './pages/fixture.mjs';

const timeout = 120000;
const require = createRequire(join(root, 'build/deps/'));
const viteFolder = join(require.resolve('vite/package.json'), '..');
const vite = await import(pathToFileURL(join(viteFolder, 'dist/node/index.js')));

const app = join(folder('packages'), 'app');
const installed = join(app, 'node_modules/rivulet');
const browsers = {};
for (const name of browserNames) browsers[name] = await launch(name);

/** Runs npm without a network; gives its output. */
function npm(directory, ...args) {
  const quiet = ['--offline', '--no-audit', '--no-fund', '--cache', join(app, '../cache')];
  const run = spawnSync('npm', [...args, ...quiet], { cwd: directory, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

cpSync(join(root, 'tests/browser/vite'), app, { recursive: true });
const [packed] = JSON.parse(npm(app, 'pack', packageFolder, '--json'));
writeFileSync(join(app, 'package.json'), '{"private": true, "type": "module"}');
npm(app, 'install', join(app, packed.filename));

/** What the application shows, at the first and at a second visit. */
async function visits(browser, url) {
  const shown = [];
  for (let i = 0; i < 2; i++) {
    const page = await browser.open(url);
    await page.raw.waitForSelector('[data-result]', { state: 'attached' });
    shown.push(JSON.parse(await page.raw.$eval('[data-result]', (body) => body.dataset.result)));
    await page.close();
  }
  return shown;
}

async function works(url) {
  for (const name of browserNames) {
    const shown = await visits(browsers[name], url);
    const of = (balance) => {
      const types = ['account_opened', 'money_paid'];
      const refused = 'unknown_reference';
      return { name: 'Ada', balance, types, refused, command: 'no_account' };
    };
    assert.deepEqual(shown, [of(5), of(10)], name);
  }
}

test('the archive has what is to be there, and nothing else', { timeout }, () => {
  const files = packed.files.map(({ path }) => path);
  const needed = ['index.js', 'index.d.ts', 'node.js', 'worker.js', 'rivulet.wasm', 'README.md'];
  for (const path of [...needed, 'LICENSE']) assert.ok(files.includes(path), path);
  const known = /^(storage\/)?[a-z-]+\.js$|\.d\.ts$|\.wasm$|\.json$|^[A-Z]+(\.md)?$/;
  const foreign = files.filter((path) => !known.test(path));
  assert.deepEqual(foreign, []);
  const manifest = readFileSync(join(installed, 'package.json'), 'utf8');
  const { dependencies, scripts } = JSON.parse(manifest);
  assert.deepEqual([dependencies, scripts], [undefined, undefined]);
});

test('a page built by Vite', { timeout }, async () => {
  const build = { target: 'es2022' };
  await vite.build({ root: app, configFile: false, logLevel: 'warn', base: './', build });
  const built = readdirSync(join(app, 'dist/assets'));
  assert.ok(built.some((name) => name.endsWith('.wasm')), built.join(' '));
  const site = await serve({ folders: { '/': `${app}/dist/` } });
  await works(`${site.origin}/index.html`);
});

/** Vite's development server: the address of the application. */
async function develop(optimizeDeps, port) {
  const server = await vite.createServer({
    root: app,
    configFile: false,
    logLevel: 'silent',
    cacheDir: join(app, `cache-${port}`),
    server: { host: '127.0.0.1', port, strictPort: false, ws: false, hmr: false },
    optimizeDeps,
  });
  after(() => server.close());
  await server.listen();
  return server.resolvedUrls.local[0];
}

test("a page in Vite's server", { timeout }, async () => {
  await works(await develop({ exclude: ['rivulet'] }, 5173));
});

test("Vite's server without the setting it needs: the error says so", { timeout }, async () => {
  const url = await develop({}, 5273);
  for (const name of browserNames) {
    const [shown] = await visits(browsers[name], url);
    assert.match(shown.error ?? '', /^worker_failed: .*optimizeDeps: \{ exclude/, name);
  }
});

test('a script tag and the files of the package', { timeout }, async () => {
  const html = readFileSync(join(app, 'index.html'), 'utf8').replace(
    '<script',
    '<script type="importmap">{"imports": {"rivulet": "/rivulet/index.js"}}</script><script',
  );
  const site = await serve({
    folders: { '/': `${app}/`, '/rivulet/': `${installed}/` },
    pages: { '/plain.html': html },
  });
  await works(`${site.origin}/plain.html`);
});

test('the same under a strict Content-Security-Policy', { timeout }, async () => {
  const main = readFileSync(join(app, 'main.js'), 'utf8');
  writeFileSync(join(app, 'direct.js'), main.replace("'rivulet'", "'/rivulet/index.js'"));
  const html = readFileSync(join(app, 'index.html'), 'utf8').replace('./main.js', './direct.js');
  const site = await serve({
    folders: { '/': `${app}/`, '/rivulet/': `${installed}/` },
    pages: { '/strict.html': html },
    headers: {
      'content-security-policy':
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " +
        "worker-src 'self'; connect-src 'self'",
    },
  });
  await works(`${site.origin}/strict.html`);
});

test('a policy that forbids modules, or workers, is told', { timeout }, async () => {
  const files = { '/': `${app}/`, '/rivulet/': `${installed}/` };
  const html = readFileSync(join(app, 'index.html'), 'utf8').replace('./main.js', './direct.js');
  const policies = [
    ["script-src 'self'; worker-src 'self'", /^module_failed: /],
    ["script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'", /^worker_failed: /],
  ];
  for (const [policy, error] of policies) {
    const pages = { '/policy.html': html };
    const headers = { 'content-security-policy': policy };
    const site = await serve({ folders: files, pages, headers });
    for (const name of browserNames) {
      const [shown] = await visits(browsers[name], `${site.origin}/policy.html`);
      assert.match(shown.error ?? '', error, `${name}: ${policy}: ${JSON.stringify(shown)}`);
    }
  }
});
