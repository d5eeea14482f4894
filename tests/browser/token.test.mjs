// SPDX-License-Identifier: Apache-2.0
// Goal: an edge in a browser's worker shows a real central node the token that a function of the
// page gives: one that fails, a wrong one, a good one, which is renewed within the session, past its
// end; what is revoked is `needs-auth`. Method: the central node has tokens; the page's function
// gives what the test has put there, and notes how often it was asked.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { bankSchema, folder, must, Node, until } from '../e2e/harness.mjs';
import { browserNames, launch } from './harness/browser.mjs';
import { test } from './harness/test.mjs';
import { openPage, serveDatabase } from './pages/fixture.mjs';

const data = join(folder('browser-token'), 'central');
must(['schema', 'apply', '-', '--data', data], bankSchema);
const admin = must(['token', 'generate', 'root', '--admin', '--data', data]).trim();
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const site = await serveDatabase();
const central = await Node.start(data, '--allow-origin', site.origin);

const ask = async (method, path, body) => {
  const answer = await central.request(method, path, body && JSON.stringify(body), bearer(admin));
  assert.ok(answer.status < 300, answer.text);
  return answer.body;
};

/** In the page. */
async function start(settings) {
  globalThis.gives = '';
  globalThis.asked = 0;
  settings.upstream.token = async () => {
    globalThis.asked += 1;
    if (globalThis.gives === '') throw new Error('not signed in');
    return globalThis.gives;
  };
  await page.open(settings);
}

/** In the page: the first status with this connection, and how often it was asked. */
async function reached([connection, syncedTo]) {
  for await (const status of db.status()) {
    if (status.connection === connection && status.syncedTo >= syncedTo) {
      return { ...status, asked: globalThis.asked };
    }
  }
  return null;
}

/** In the page: the function gives another one, and is asked for it. */
function give([token, wake]) {
  globalThis.gives = token;
  if (wake) db.wake();
}

for (const name of browserNames) {
  test(`${name}: a token that the page gives, renewed and revoked`, async () => {
    const browser = await launch(name);
    const page = await openPage(browser, site);
    const rights = { read: ['/accounts/*'], write: ['/accounts/*'] };
    const open = (id) => central.append(`/accounts/${id}`, 'account_opened', { name: 'x' }, bearer(admin));
    await open(`${browserNames.indexOf(name)}1`);
    const at = (await ask('GET', '/status')).position;
    await page.evaluate(start, {
      name: 'token',
      storage: 'opfs',
      upstream: { url: central.syncUrl },
      select: { streams: ['/accounts/*'] },
    });
    const failed = await page.evaluate(reached, ['needs-auth', 0]);
    assert.equal(failed.reason.code, 'unauthenticated');
    assert.equal(failed.reason.detail, 'upstream.token failed: not signed in');
    const { token: first } = await ask('POST', '/tokens', { name, ...rights, expires_in: 4 });
    await page.evaluate(give, [first, true]);
    const connected = await page.evaluate(reached, ['connected', at]);
    assert.equal(connected.reason, null);
    // another one ahead of its end
    const { token: second } = await ask('POST', `/tokens/${name}`, { expires_in: 3600 });
    await page.evaluate(give, [second, false]);
    const isOver = async () =>
      (await central.request('GET', '/schema', undefined, bearer(first))).status === 401;
    await until(isOver, 'the end of the first token');
    await open(`${browserNames.indexOf(name)}2`);
    const renewed = await page.evaluate(reached, ['connected', at + 1]);
    assert.ok(renewed.asked > connected.asked);
    assert.ok(renewed.bytesReceived > connected.bytesReceived); // the same session counts on
    await ask('DELETE', `/tokens/${name}`);
    const revoked = await page.evaluate(reached, ['needs-auth', at + 1]);
    assert.equal(revoked.reason.code, 'unauthenticated');
    for (const token of [first, second]) {
      assert.ok(!JSON.stringify([failed, connected, renewed, revoked]).includes(token));
    }
    await browser.close();
  });
}

test('the central node ends well', async () => {
  assert.equal(await central.stop(), 0);
});
