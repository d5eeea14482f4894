// SPDX-License-Identifier: Apache-2.0
// Goal: what an edge in a browser writes behind a gateway is `relayed` when the gateway keeps it, and
// `upstream` when the root has decided. Method: real processes on the loopback; the root is killed
// while the page writes, and started again.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { folder, Node, opened, prepared, synced } from '../e2e/harness.mjs';
import { browserNames, launch } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import { mustOpen, openPage, reached, serveDatabase } from './pages/fixture.mjs';

const parent = folder('browser-gateway');
const site = await serveDatabase();

/** In the page: what of it is reached without the root. */
async function pay(id) {
  globalThis.append = db.append(`/accounts/${id}`, 'money_paid', { amount: 5 });
  globalThis.upstream = append.durable('upstream').then(({ position }) => position);
  const relayed = await append.durable('relayed');
  const decided = await Promise.race([upstream, Promise.resolve('not yet')]);
  return { position: relayed.position, path: relayed.path, decided };
}

for (const name of browserNames) {
  test(`${name}: relayed is not upstream`, async () => {
    const data = prepared(parent, `${name}-root`);
    let root = await Node.start(data);
    assert.equal((await root.batch([opened(1)])).status, 201);
    const options = ['--upstream', root.syncUrl, '--select', '/**', '--allow-origin', site.origin];
    const gateway = await Node.start(join(parent, `${name}-gateway`), ...options);
    await synced(gateway, 2);
    const browser = await launch(name);
    const page = await openPage(browser, site);
    await mustOpen(page, {
      name: 'gateway',
      storage: 'opfs',
      upstream: { url: gateway.syncUrl },
      select: { streams: ['/accounts/*'] },
    });
    await reached(page, 2);
    await root.kill();
    const relayed = await page.evaluate(pay, 1);
    assert.deepEqual(relayed, { position: null, path: '/accounts/1', decided: 'not yet' });
    assert.equal((await gateway.status()).serves.relayed.waiting, 1);
    root = await Node.start(data, '--listen', `127.0.0.1:${root.port}`);
    assert.equal(await page.evaluate(() => globalThis.upstream), 3);
    assert.deepEqual(await root.rows('select balance from account'), [[5]]);
    await browser.close();
    for (const node of [gateway, root]) assert.equal(await node.stop(), 0);
  });
}
