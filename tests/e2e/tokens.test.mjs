// SPDX-License-Identifier: Apache-2.0
// Goal: a node asks for tokens from the first one on, gives each what its rights say, and forgets a
// revoked one at once, feeds included; nothing of a token's text is kept or shown; nobody listens beyond
// the machine without tokens. Method: real processes, the command line and HTTP.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';

import { Node, bankSchema, cli, folder, must, until } from './harness.mjs';

const parent = folder('tokens');
const file = (name, token) => {
  const path = join(parent, `${name}.token`);
  writeFileSync(path, `${token}\n`);
  return path;
};
const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/** A directory with the bank's schema, and the token of an administrator. */
function guarded(name) {
  const data = join(parent, name);
  must(['schema', 'apply', '-', '--data', data], bankSchema);
  return { data, admin: must(['token', 'generate', 'root', '--admin', '--data', data]).trim() };
}

test('from the first token on, each asks for its rights', async () => {
  const { data, admin } = guarded('rights');
  assert.match(admin, /^rvt_[\w-]{43}$/);
  const ada = must(['token', 'generate', 'ada', '--read', '/accounts/1', '--write', '/accounts/*', '--data', data]).trim();
  const node = await Node.start(data);
  const refused = await node.request('GET', '/events');
  assert.equal(refused.status, 401);
  assert.equal(refused.headers['www-authenticate'], 'Bearer');
  assert.equal(refused.body.code, 'unauthenticated');
  assert.equal((await node.request('GET', '/healthz')).status, 200);
  for (const id of [1, 2]) {
    assert.equal((await node.append(`/accounts/${id}`, 'account_opened', { name: 'x' }, bearer(ada))).status, 201);
  }
  const tickets = await node.append('/ticket_events', 'ticket_opened', { text: 'x' }, bearer(ada));
  assert.deepEqual([tickets.status, tickets.body.code, tickets.body.right], [403, 'forbidden', 'write']);
  assert.deepEqual((await node.request('GET', '/events', undefined, bearer(ada))).body.map((e) => e.path), ['/accounts/1']);
  assert.equal((await node.request('GET', '/events', undefined, bearer(admin))).body.length, 2);
  assert.equal((await node.request('GET', '/streams/accounts/2', undefined, bearer(ada))).body.right, 'read');
  const query = await node.request('POST', '/query', '{"sql":"select count(*) from account"}', bearer(ada));
  assert.deepEqual([query.status, query.body.right, query.body.aggregate], [403, 'rows', 'account']);
  // by the command line
  const secret = file('ada', ada);
  const args = ['--url', node.url, '--token-file', secret];
  assert.match(cli(['status', '--url', node.url]).err, /unauthenticated/);
  assert.equal(cli(['read', '/accounts/*', '--json', ...args]).out.split('\n').length, 2);
  assert.match(cli(['token', 'list', ...args]).err, /forbidden/);
  must(['token', 'change', 'ada', '--read', '/**', '--url', node.url, '--token', admin]);
  assert.match(must(['query', 'select count(*) n from account', ...args]), /2/);
  assert.match(must(['token', 'list', '--url', node.url, '--token', admin]), /ada +\["\/\*\*"\] +\[\] +false +false/);
  assert.equal(await node.stop(), 0);
  for (const name of readdirSync(data)) {
    const bytes = readFileSync(join(data, name));
    assert.ok(!bytes.includes(admin) && !bytes.includes(ada) && !bytes.includes('rvt_'), name);
  }
  assert.equal(node.errors(), '');
});

test('a token that is revoked ends its feed; one that is durable survives kill -9', async () => {
  const { data, admin } = guarded('revoked');
  let node = await Node.start(data);
  const made = await node.request('POST', '/tokens', JSON.stringify({ name: 'eve', read: ['/accounts/*'] }), bearer(admin));
  assert.equal(made.status, 201, made.text);
  await node.kill();
  node = await Node.start(data);
  const request = http.request(`${node.url}/events`, {
    headers: { Accept: 'text/event-stream', ...bearer(made.body.token) },
  });
  request.end();
  const [feed] = await once(request, 'response');
  assert.equal(feed.statusCode, 200);
  let told = '';
  feed.setEncoding('utf8').on('data', (text) => (told += text));
  const ended = once(feed, 'end');
  await node.append('/accounts/1', 'account_opened', { name: 'x' }, bearer(admin));
  await until(() => told.includes('/accounts/1'), 'the event');
  must(['token', 'revoke', 'eve', '--url', node.url, '--token', admin]);
  await node.append('/accounts/1', 'money_paid', { amount: 7 }, bearer(admin));
  await ended;
  assert.ok(!told.includes('money_paid'));
  assert.equal((await node.request('GET', '/events', undefined, bearer(made.body.token))).status, 401);
  // and one expires
  const short = await node.request('POST', '/tokens', JSON.stringify({ name: 'brief', read: ['/**'], expires_in: 1 }), bearer(admin));
  assert.equal((await node.request('GET', '/events', undefined, bearer(short.body.token))).status, 200);
  await until(async () => (await node.request('GET', '/events', undefined, bearer(short.body.token))).status === 401, 'the expiry');
  assert.equal(await node.stop(), 0);
});

test('nobody listens beyond the machine without tokens', async () => {
  const data = join(parent, 'open');
  must(['schema', 'apply', '-', '--data', data], bankSchema);
  const refused = cli(['serve', '--data', data, '--listen', '0.0.0.0:0']);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /unauthenticated: 0\.0\.0\.0:0 can be reached from other machines.*token generate.*--open/s);
  const open = await Node.start(data, '--listen', '0.0.0.0:0', '--open');
  assert.equal(await open.stop(), 0);
  must(['token', 'generate', 'root', '--admin', '--data', data]);
  const closed = await Node.start(data, '--listen', '0.0.0.0:0');
  assert.equal(await closed.stop(), 0);
});
