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
  assert.match(must(['token', 'list', '--url', node.url, '--token', admin]), /\nada +\/\*\* +\d{4}-/);
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

/** An edge, with a token in a file. */
function edge(name, upstream, token, ...patterns) {
  const options = patterns.flatMap((pattern) => ['--select', pattern]);
  return Node.start(join(parent, name), '--upstream', upstream.syncUrl, '--token-file', file(name, token), ...options);
}
const state = async (node) => (await node.status()).upstream;
const settled = (node) => until(async () => (await node.status()).outbox.pending === 0, 'the decisions');

test('an edge is fed and heard as its token says; renewed, narrowed and revoked under load', async () => {
  const { data, admin } = guarded('central');
  const central = await Node.start(data);
  const as = (token, method, path, body) => central.request(method, path, body && JSON.stringify(body), bearer(token));
  for (let id = 1; id <= 4; id += 1) {
    assert.equal((await central.append(`/accounts/${id}`, 'account_opened', { name: 'x' }, bearer(admin))).status, 201);
  }
  const made = await as(admin, 'POST', '/tokens', {
    name: 'till', read: ['/accounts/1', '/accounts/2'], write: ['/accounts/1'], expires_in: 4,
  });
  const till = await edge('till', central, made.body.token, '/accounts/1', '/accounts/2');
  await until(async () => (await till.status()).position === 5, 'the edge');
  assert.equal((await state(till)).principal, 'till');
  // what it may not write the root rejects
  const first = await till.append('/accounts/1', 'money_paid', { amount: 7 });
  assert.equal(first.status, 202, JSON.stringify(first.body));
  assert.equal((await till.append('/accounts/2', 'money_paid', { amount: 7 })).status, 202);
  await settled(till);
  const { body: rejections } = await till.request('GET', '/rejections');
  assert.deepEqual(rejections.map(({ reason }) => [reason.code, reason.path]), [['forbidden', '/accounts/2']]);
  // a new secret in the file goes on in the session, past the end of the old one
  const load = (async () => {
    for (let i = 0; i < 40; i += 1) {
      await central.append('/accounts/1', 'money_paid', { amount: 1 }, bearer(admin));
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  })();
  const renewed = await as(admin, 'POST', '/tokens/till', { expires_in: 3600 });
  writeFileSync(join(parent, 'till.token'), renewed.body.token);
  await load;
  await until(async () => (await as(made.body.token, 'GET', '/schema')).status === 401, 'the end of the old secret');
  const before = (await state(till)).bytes_received;
  await central.append('/accounts/1', 'money_paid', { amount: 1 }, bearer(admin));
  await until(async () => (await till.rows('select balance from account where id = 1'))[0][0] === 48, 'the payments');
  assert.ok((await state(till)).bytes_received > before); // (a connection anew would count from its hello)
  assert.equal((await state(till)).state, 'connected');
  // a right that is lost takes what it covered along
  assert.equal((await as(admin, 'PUT', '/tokens/till', { read: ['/accounts/1'], write: ['/accounts/1'] })).status, 200);
  await until(async () => (await till.rows('select count(*) from account'))[0][0] === 1, 'the narrower selection');
  assert.deepEqual((await till.request('GET', '/selection')).body.selection, ['/accounts/1']);
  assert.equal((await till.request('GET', '/selection')).body.refused.code, 'forbidden');
  // the directory is one principal's
  const other = await as(admin, 'POST', '/tokens', { name: 'other', read: ['/**'], write: ['/**'] });
  writeFileSync(join(parent, 'till.token'), other.body.token);
  assert.equal((await as(admin, 'DELETE', '/tokens/till')).status, 200);
  await until(async () => (await state(till)).state === 'needs-auth', 'the revocation');
  await until(async () => (await state(till)).reason.code === 'forbidden', 'the other token');
  assert.equal((await till.append('/accounts/1', 'money_paid', { amount: 1 })).status, 202); // it works on
  // with tokens of its own it shows each what they wrote, or may read
  const local = async (token, body) => (await till.request('POST', '/tokens', JSON.stringify(body), token ? bearer(token) : {})).body.token;
  const boss = await local(null, { name: 'boss', admin: true });
  const clerk = await local(boss, { name: 'clerk', write: ['/accounts/*'] });
  assert.equal((await till.append('/accounts/1', 'money_paid', { amount: 1 }, bearer(clerk))).status, 202);
  const list = async (token, path) => (await till.request('GET', path, undefined, bearer(token))).body.length;
  assert.deepEqual([await list(boss, '/pending'), await list(clerk, '/pending')], [2, 1]);
  assert.deepEqual([await list(boss, '/rejections'), await list(clerk, '/rejections')], [1, 0]);
  const forget = async (token) => (await till.request('DELETE', `/rejections/${rejections[0].events[0].event_id}`, undefined, bearer(token))).status;
  assert.deepEqual([await forget(clerk), await forget(boss)], [403, 200]);
  const conflict = await till.append('/accounts/1', 'money_paid', { amount: 1 }, { ...bearer(clerk), 'Expected-Version': 'none' });
  assert.deepEqual([conflict.status, conflict.body.actual], [409, undefined]); // who may not read is not told
  assert.equal(await till.stop(), 0);
  assert.equal(await central.stop(), 0);
});

test('what is written offline is pushed under who wrote it then, not under the next token', async () => {
  const { data, admin } = guarded('signed');
  let central = await Node.start(data);
  const { port } = central;
  assert.equal((await central.append('/accounts/1', 'account_opened', { name: 'x' }, bearer(admin))).status, 201);
  const make = async (name, rights) =>
    (await central.request('POST', '/tokens', JSON.stringify({ name, read: ['/accounts/*'], ...rights }), bearer(admin))).body.token;
  const ada = await make('ada', { write: ['/accounts/1'] });
  const bob = await make('bob', { write: ['/accounts/*'] });
  let tablet = await edge('tablet', central, ada, '/accounts/*');
  await until(async () => (await tablet.status()).position === 2, 'the edge');
  await central.stop();
  for (const id of [1, 2]) assert.equal((await tablet.append(`/accounts/${id}`, 'account_opened', { name: 'y' })).status, id === 1 ? 409 : 202);
  assert.equal((await tablet.append('/accounts/1', 'money_paid', { amount: 7 })).status, 202);
  await tablet.kill(); // and bob takes it over
  central = await Node.start(data, '--listen', `127.0.0.1:${port}`);
  tablet = await edge('tablet', central, bob, '/accounts/*');
  await until(async () => (await state(tablet)).other_principal, 'that it waits');
  assert.equal((await tablet.append('/accounts/1', 'money_paid', { amount: 1 })).status, 202);
  const { state: connection, principal, reason } = await state(tablet);
  assert.deepEqual([connection, principal, reason.code, reason.principal], ['connected', 'bob', 'other_principal', 'ada']);
  const { body: pending } = await tablet.request('GET', '/pending');
  assert.deepEqual(pending.map((it) => it.reason?.principal), ['ada', 'ada', undefined]);
  assert.deepEqual(await tablet.rows('select principal from rv_pending order by edge_sequence'), [['ada'], ['ada'], ['bob']]);
  assert.equal((await central.request('GET', '/events', undefined, bearer(admin))).body.length, 1);
  await tablet.stop();
  tablet = await edge('tablet', central, ada, '/accounts/*'); // hers are judged by her rights
  await until(async () => (await tablet.status()).outbox.pending === 1, 'the decisions');
  const { body: rejections } = await tablet.request('GET', '/rejections');
  assert.deepEqual(rejections.map((it) => [it.reason.code, it.reason.path]), [['forbidden', '/accounts/2']]);
  assert.equal((await state(tablet)).reason.principal, 'bob');
  await until(async () => (await tablet.rows('select balance from account where id = 1'))[0][0] === 8, 'the payments');
  const paid = (await central.request('GET', '/events', undefined, bearer(admin))).body.slice(1);
  assert.deepEqual(paid.map((it) => it.data.amount), [7]);
  for (const node of [tablet, central]) assert.equal(await node.stop(), 0);
});

test('why something was refused is told as far as its reader may read what that is about', async () => {
  const data = join(parent, 'reasons');
  must(['schema', 'apply', '-', '--data', data], `
    CREATE AGGREGATE customer (id bigint PRIMARY KEY, email varchar(20) NOT NULL, UNIQUE (email));
    CREATE EVENT_TYPE joined (id creates customer(id), email updates customer(email));
    CREATE EVENT_TYPE moved (id references customer(id), email updates customer(email));
    CREATE STREAM customers (path "/customers/{id}" event_types (joined, moved));`);
  const admin = must(['token', 'generate', 'root', '--admin', '--data', data]).trim();
  const rights = ['--read', '/customers/2', '--write', '/customers/*', '--data', data];
  const clerk = must(['token', 'generate', 'clerk', ...rights]).trim();
  const central = await Node.start(data);
  for (const [id, email] of [[71, 'a@b'], [2, 'b@b']]) {
    assert.equal((await central.append(`/customers/${id}`, 'joined', { email }, bearer(admin))).status, 201);
  }
  const facts = ({ code, detail, existing_key, actual, path }) => [code, /71|version \d/.test(detail), existing_key, actual, path];
  const shop = await edge('reasons-shop', central, clerk, '/customers/2');
  await until(async () => (await shop.status()).position === 3, 'the edge');
  const number = { 'Expected-Version': '9' };
  const at = async (node, headers) => {
    const asked = [
      await node.append('/customers/2', 'moved', { email: 'a@b' }, headers),
      await node.append('/customers/71', 'moved', { email: 'c@b' }, { ...headers, ...number }),
      await node.append('/customers/2', 'moved', { email: 'c@b' }, { ...headers, ...number }),
    ];
    return asked.map(({ body }) => facts(body));
  };
  const hidden = [
    ['unique_violation', false, undefined, undefined, '/customers/2'],
    ['version_conflict', false, undefined, undefined, '/customers/71'],
    ['version_conflict', true, undefined, 1, '/customers/2'],
  ];
  const told = [
    ['unique_violation', true, '71', undefined, '/customers/2'],
    ['version_conflict', true, undefined, 1, '/customers/71'],
    ['version_conflict', true, undefined, 1, '/customers/2'],
  ];
  assert.deepEqual(await at(central, bearer(clerk)), hidden);
  assert.deepEqual(await at(central, bearer(admin)), told);
  assert.deepEqual(await at(shop, { Durability: 'upstream' }), hidden);
  const { body: rejections } = await shop.request('GET', '/rejections');
  assert.deepEqual(rejections.map((it) => facts(it.reason)), hidden.slice(0, 2)); // (the third it knew itself)
  must(['token', 'change', 'clerk', '--read', '/**', '--write', '/customers/*', '--url', central.url, '--token', admin]);
  assert.deepEqual(await at(central, bearer(clerk)), told);
  await until(async () => (await state(shop)).state === 'connected', 'the edge');
  assert.deepEqual(await at(shop, { Durability: 'upstream' }), told);
  for (const node of [shop, central]) assert.equal(await node.stop(), 0);
});

test('a gateway brings what others have written if it may relay, under their rights', async () => {
  const { data, admin } = guarded('cloud');
  const cloud = await Node.start(data);
  const make = async (node, token, body) =>
    (await node.request('POST', '/tokens', JSON.stringify(body), token ? bearer(token) : {})).body.token;
  for (const id of [1, 2]) await cloud.append(`/accounts/${id}`, 'account_opened', { name: 'x' }, bearer(admin));
  const first = await make(cloud, admin, { name: 'shop', read: ['/accounts/*'], write: ['/accounts/1'] });
  await make(cloud, admin, { name: 'ada', write: ['/accounts/2'] });
  const shop = await edge('shop', cloud, first, '/accounts/*');
  await until(async () => (await shop.status()).position === 3, 'the gateway');
  const own = await make(shop, null, { name: 'boss', admin: true }); // the shop has tokens of its own
  const ada = await make(shop, own, { name: 'ada', read: ['/accounts/*'], write: ['/accounts/*'] });
  const device = await edge('device', shop, ada, '/accounts/*');
  await until(async () => (await device.status()).position === 3, 'the device');
  assert.equal((await state(device)).principal, 'ada');
  assert.equal((await device.append('/accounts/2', 'money_paid', { amount: 5 })).status, 202);
  const relayed = async () => (await shop.request('GET', '/status', undefined, bearer(own))).body.serves.relayed.waiting;
  await until(async () => (await relayed()) === 1, 'the gateway to keep it');
  assert.equal((await device.status()).outbox.pending, 1); // without the right to relay it stays there
  assert.equal((await cloud.request('PUT', '/tokens/shop', JSON.stringify({ read: ['/accounts/*'], relay: true }), bearer(admin))).status, 200);
  await shop.request('GET', '/status', undefined, bearer(own));
  await shop.stop();
  const again = await Node.start(join(parent, 'shop'), '--upstream', cloud.syncUrl, '--token-file', join(parent, 'shop.token'),
    '--listen', `127.0.0.1:${shop.port}`);
  await settled(device);
  assert.deepEqual((await device.request('GET', '/rejections')).body, []);
  assert.equal((await device.append('/accounts/1', 'money_paid', { amount: 5 })).status, 202); // ada may not, there
  await settled(device);
  assert.deepEqual((await device.request('GET', '/rejections')).body.map((r) => r.reason.code), ['forbidden']);
  for (const node of [device, again, cloud]) assert.equal(await node.stop(), 0);
});

test('what an open gateway was brought is its own as it was then, not as its next token is', async () => {
  const { data, admin } = guarded('hub');
  const hub = await Node.start(data);
  const make = async (name, rights) =>
    (await hub.request('POST', '/tokens', JSON.stringify({ name, read: ['/accounts/*'], ...rights }), bearer(admin))).body.token;
  for (const id of [1, 2]) await hub.append(`/accounts/${id}`, 'account_opened', { name: 'x' }, bearer(admin));
  const kiosk = await make('kiosk', { write: ['/accounts/1'] }); // may not relay
  const manager = await make('manager', { write: ['/accounts/*'], relay: true });
  const gate = await edge('gate', hub, kiosk, '/accounts/*');
  await until(async () => (await gate.status()).position === 3, 'the gateway');
  const device = await Node.start(join(parent, 'gate-device'), '--upstream', gate.syncUrl, '--select', '/accounts/*');
  await until(async () => (await device.status()).position === 3, 'the device');
  for (const id of [1, 2]) assert.equal((await device.append(`/accounts/${id}`, 'money_paid', { amount: 5 })).status, 202);
  await until(async () => (await gate.status()).serves.relayed.waiting === 2, 'the gateway to keep it');
  await gate.stop();
  const again = await Node.start(join(parent, 'gate'), '--upstream', hub.syncUrl, '--token-file', file('gate', manager),
    '--listen', `127.0.0.1:${gate.port}`);
  await settled(device);
  const { body: rejections } = await device.request('GET', '/rejections');
  assert.deepEqual(rejections.map(({ reason }) => [reason.code, reason.path]), [['forbidden', '/accounts/2']]);
  for (const node of [device, again, hub]) assert.equal(await node.stop(), 0);
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
