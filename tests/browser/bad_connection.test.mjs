// SPDX-License-Identifier: Apache-2.0
// Goal: a tab whose upstream is not there, goes away, is cut off in the middle of a message, is no
// Rivulet, or refuses the page, says so by a coded reason, works with what it holds, and connects
// by itself when that becomes possible.
// Method: real browsers and a real central node; a TCP proxy that cuts connections after so many
// bytes; servers that answer other things.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import net from 'node:net';
import { after } from 'node:test';
import { folder, Node, opened, prepared } from '../e2e/harness.mjs';
import { browserNames, launch } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import * as fixture from './pages/fixture.mjs';

const { mustOpen, openDatabase, openPage, reached, rows, serveDatabase } = fixture;

const site = await serveDatabase();
const browsers = {};
for (const name of browserNames) browsers[name] = await launch(name);
const parent = folder('bad-connection');
const timeout = 120000;

/** Listens on a free port of 127.0.0.1 until the test file ends. */
async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return server.address().port;
}

let names = 0;
const options = (port) => ({
  name: `connection-${(names += 1)}`,
  upstream: { url: `ws://127.0.0.1:${port}/sync` },
  select: { streams: ['/accounts/**'] },
});

/** The first status that has this connection, and a reason with this code. */
const statusWith = (page, connection, code) =>
  page.evaluate(
    ([c, r]) => globalThis.page.status((s) => s.connection === c && (s.reason?.code ?? null) === r),
    [connection, code],
  );

/** A port where nothing listens. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

for (const name of browserNames) {
  test(`${name}: refused, then there, then gone, then there again`, { timeout }, async () => {
    const port = await freePort();
    const page = await openPage(browsers[name], site);
    const settings = options(port);
    const first = await mustOpen(page, settings);
    assert.equal(first.role, 'edge');
    const refused = await statusWith(page, 'offline', 'upstream_unreachable');
    assert.match(refused.reason.detail, /nothing answers/);
    const append = await page.evaluate(() =>
      page.attempt(() =>
        db.append('/accounts/1', 'account_opened', { name: 'a' }).durable('upstream'),
      ),
    );
    assert.equal(append.error.code, 'not_connected');

    const data = prepared(parent, name);
    const at = ['--allow-origin', site.origin, '--listen', `127.0.0.1:${port}`];
    const central = await Node.start(data, ...at);
    await page.evaluate(() => db.wake());
    await statusWith(page, 'connected', null);
    await reached(page, 1); // the schema
    await page.evaluate(() =>
      db.append('/accounts/1', 'account_opened', { name: 'a' }).durable('upstream'),
    );
    await reached(page, 2);
    await central.kill();
    const gone = await statusWith(page, 'offline', 'upstream_unreachable');
    assert.equal(gone.syncedTo, 2);
    assert.deepEqual(await rows(page, 'select name from account'), [{ name: 'a' }]);

    const again = await Node.start(data, ...at);
    assert.equal((await again.append('/accounts/2', 'account_opened', { name: 'b' })).status, 201);
    await page.evaluate(() => db.wake());
    const here = await reached(page, 3);
    assert.equal(here.stateHash, (await again.status()).state_hash);

    // What it holds is what was selected: none given is the same again.
    await page.evaluate(() => db.close());
    const same = await mustOpen(page, { ...settings, select: undefined });
    assert.equal(same.syncedTo, 3);
    await page.close();
    assert.equal(await again.stop(), 0);
  });

  test(`${name}: cut in the middle of messages`, { timeout }, async () => {
    const data = prepared(parent, `${name}-cut`);
    const central = await Node.start(data, '--allow-origin', site.origin);
    for (let i = 0; i < 40; i++) {
      const name = () => Math.random().toString(36).slice(2, 12); // so that there is much to send
      const events = Array.from({ length: 500 }, (_, n) => opened(500 * i + n + 1, name()));
      assert.equal((await central.batch(events)).status, 201);
    }
    // Cut after 2,000 bytes of the answer, then 4,000, 8,000 …: in the middle of things.
    let cuts = 0;
    const proxy = net.createServer((tab) => {
      const upstream = net.connect(central.port, '127.0.0.1');
      const end = () => {
        tab.destroy();
        upstream.destroy();
      };
      let left = 2000 * 2 ** cuts;
      upstream.on('data', (bytes) => {
        tab.write(bytes.subarray(0, left));
        left -= bytes.length;
        if (left > 0) return;
        cuts += 1;
        tab.end(() => end());
      });
      tab.pipe(upstream);
      for (const socket of [tab, upstream]) socket.on('error', end).on('close', end);
    });
    const page = await openPage(browsers[name], site);
    await mustOpen(page, options(await listen(proxy)));
    const { position, state_hash: hash } = await central.status();
    const done = reached(page, position);
    await page.evaluate(async (last) => {
      // it waits longer each time before it tries again; here it is not to wait
      await globalThis.page.status((s) => {
        if (s.connection === 'offline') db.wake();
        return s.syncedTo >= last;
      });
    }, position);
    const here = await done;
    assert.equal(here.stateHash, hash);
    assert.ok(cuts >= 3, `${cuts} cuts`);
    assert.equal(here.readOnly, null);
    await page.close();
    assert.equal(await central.stop(), 0);
  });

  test(`${name}: what answers is no Rivulet, or refuses the page`, { timeout }, async () => {
    const other = createServer((_, response) => response.writeHead(200).end('hello'));
    const open = createServer((_, response) => {
      response.writeHead(200, { 'access-control-allow-origin': '*' }).end('{"status":"fine"}');
    });
    const chatter = net.createServer((socket) => {
      socket.on('error', () => {}).end('220 mail ready\r\n');
    });
    for (const server of [other, open, chatter]) {
      const page = await openPage(browsers[name], site);
      await mustOpen(page, options(await listen(server)));
      const status = await page.evaluate(() => page.status((s) => s.reason !== null));
      assert.notEqual(status.connection, 'connected');
      const expected = ['upstream_not_rivulet'];
      if (server === chatter) expected.push('upstream_unreachable'); // it does not speak HTTP
      assert.ok(expected.includes(status.reason.code), JSON.stringify(status.reason));
      await page.close();
    }

    const strict = await Node.start(prepared(parent, `${name}-strict`)); // no --allow-origin
    const page = await openPage(browsers[name], site);
    await mustOpen(page, options(strict.port));
    const status = await page.evaluate(() => page.status((s) => s.reason !== null));
    assert.equal(status.reason.code, 'upstream_not_rivulet');
    assert.match(status.reason.detail, /origin/);
    await page.close();
    assert.equal(await strict.stop(), 0);
  });

  test(`${name}: addresses and selections that cannot be`, { timeout }, async () => {
    const page = await openPage(browsers[name], site);
    const good = options(1);
    const bad = [
      [{ upstream: { url: 'ftp://example.com' } }, 'parameter_invalid'],
      [{ upstream: { url: 'wss://' } }, 'parameter_invalid'],
      [{ upstream: {} }, 'parameter_invalid'],
      [{ upstream: 'ws://127.0.0.1:1' }, 'parameter_invalid'],
      [{ select: { streams: '/accounts/**' } }, 'parameter_invalid'],
      [{ select: ['/accounts/**'] }, 'parameter_invalid'],
      [{ select: { streams: [] } }, 'selection_invalid'],
      [{ select: undefined }, 'selection_invalid'],
      [{ select: { streams: ['accounts'] } }, null],
    ];
    for (const [what, code] of bad) {
      const { error, ...status } = await openDatabase(page, { ...good, ...what });
      if (code === null) assert.ok(error?.code, JSON.stringify(status));
      else assert.equal(error?.code, code, JSON.stringify([what, error ?? status]));
    }
    await mustOpen(page, good); // none of them left anything
    await page.close();
  });
}
