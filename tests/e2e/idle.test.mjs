// SPDX-License-Identifier: Apache-2.0
// Goal: a node of which nobody asks anything comes to rest, whatever was asked of it and however
// that ended: its loop neither goes round without waiting nor wakes again and again.
// Method: the real binary; feeds of every kind, readers that stop reading, connections that are
// reset or half closed, queries that are given up or reach their limit, requests that never end, an
// upstream that is gone or stopped. Then the kernel's own count of the processor time that the
// process takes in a second, and of how often it wakes, waited for until both are small: 20 % and
// 50 times, where two ticks a second are all that a node has to do.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { platform } from 'node:process';
import { after, before, test } from 'node:test';

import { Node, folder, must, opened, prepared, sleep, until } from './harness.mjs';

const skip = platform === 'linux' ? false : 'processor time is read from /proc';
const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
const parent = folder('idle');
let root;
let edge;

before(async () => {
  const data = prepared(parent, 'root');
  const events = Array.from({ length: 5000 }, (_, id) => JSON.stringify(opened(id, `n${id}`)));
  must(['import', '-', '--data', data], events.join('\n'));
  root = await Node.start(data);
  edge = await Node.start(`${parent}/edge`, '--upstream', root.syncUrl, '--select', '/**');
  await until(async () => (await edge.status()).synced_to === (await root.status()).position, 'the edge');
});
after(async () => {
  await edge.stop();
  await root.stop();
});

/** Hundredths of a second that it has computed, and how often its loop has waited. */
function taken({ child: { pid } }) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
  const waits = /^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { ticks: Number(fields[11]) + Number(fields[12]), waits: Number(waits[1]) };
}

/** Waits until it does nothing for a second. */
async function rests(node, what) {
  let last;
  await until(async () => {
    const from = taken(node);
    await sleep(1000);
    const to = taken(node);
    last = `${to.ticks - from.ticks} ticks, ${to.waits - from.waits} waits`;
    return to.ticks - from.ticks < 20 && to.waits - from.waits < 50;
  }, `rest: ${what}`).catch((error) => {
    error.message += ` (in the last second: ${last})`;
    throw error;
  });
}

/** Sends bytes on a connection of its own, of which nothing is read. */
async function send(node, bytes) {
  const socket = connect({ port: node.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.pause().write(bytes);
  return socket;
}

const request = (method, path, body = '', accept = 'text/event-stream') =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\n` +
  `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const live = (sql, more = {}) => request('POST', '/query', JSON.stringify({ sql, ...more }));

const feeds = [
  request('GET', '/events?from=1'),
  request('GET', '/events?from=now&type=money_paid&where=amount%20%3E%201'),
  request('GET', '/streams/accounts/7'),
  request('GET', '/changes/account?rows=first'),
  request('GET', '/changes/account?where=balance%20%3E%201'),
  request('GET', '/aggregates/account/7'),
  request('GET', '/pending'),
  live('SELECT plan, count(*) FROM account GROUP BY plan'), // kept up
  live('SELECT id, balance FROM account ORDER BY balance DESC, id LIMIT 5', { differences: true }),
  live('SELECT DISTINCT name FROM account'), // run again
  live('SELECT * FROM account'), // larger than what a socket takes
  live('SELECT * FROM rv_status'),
  live('SELECT type, count(*) FROM rv_events GROUP BY type'),
  live(endless),
];

const ends = {
  'read no more': () => {},
  'half closed': (socket) => socket.end(),
  reset: (socket) => socket.resetAndDestroy(),
};

for (const [how, end] of Object.entries(ends)) {
  test(`feeds that are ${how}`, { skip }, async () => {
    for (const node of [root, edge]) {
      const sockets = [];
      for (const one of feeds) sockets.push(await send(node, one));
      await root.append('/accounts/7', 'money_paid', { amount: 3 });
      sockets.forEach(end);
      await root.append('/accounts/8', 'money_paid', { amount: 4 });
      await rests(node, `feeds that are ${how}`);
      sockets.forEach((socket) => socket.destroy());
      await rests(node, `feeds that were ${how}, gone`);
    }
  });
}

test('requests that are given up, or never end', { skip }, async () => {
  const sockets = [];
  const requests = [
    request('POST', '/query', JSON.stringify({ sql: endless }), '*/*'),
    request('POST', '/query', JSON.stringify({ sql: endless, as_of: 100 }), '*/*'),
    request('GET', '/aggregates/account?as_of=4000', '', '*/*'),
    'GET /que',
    'POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n',
    'POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n{',
    request('GET', '/status', '', '*/*').repeat(500),
    request('GET', '/events?from=now') + request('GET', '/status').repeat(500),
  ];
  for (const one of [...requests, ...requests]) sockets.push(await send(root, one));
  sockets.slice(0, requests.length).forEach((socket) => socket.resetAndDestroy());
  await rests(root, 'of the same requests, half were given up');
  sockets.forEach((socket) => socket.destroy());
  await rests(root, 'all were given up');
});

test('queries that wait for their turn, and are given up', { skip }, async () => {
  const sockets = [];
  const query = request('POST', '/query', JSON.stringify({ sql: endless }), '*/*');
  for (let i = 0; i < 200; i++) sockets.push(await send(root, query)); // of which few run at once
  sockets.forEach((socket, i) => (i % 2 === 0 ? socket.end() : socket.destroy()));
  await rests(root, 'all were given up'); // they would compute for a minute
  sockets.forEach((socket) => socket.destroy());
});

test('an upstream that is stopped, gone, and there again', { skip }, async () => {
  const sockets = [];
  for (const one of feeds.slice(0, 7)) sockets.push(await send(edge, one));
  root.child.kill('SIGSTOP');
  await edge.append('/accounts/7', 'money_paid', { amount: 5 });
  await rests(edge, 'its upstream is stopped');
  root.child.kill('SIGCONT');
  await rests(root, 'it goes on');
  await root.kill();
  await edge.append('/accounts/7', 'money_paid', { amount: 6 });
  await rests(edge, 'its upstream is gone');
  root = await Node.start(root.data, '--listen', `127.0.0.1:${root.port}`);
  await until(async () => (await edge.status()).outbox.pending === 0, 'what was written to be decided');
  await rests(edge, 'its upstream is there again');
  await rests(root, 'it is there again');
  sockets.forEach((socket) => socket.destroy());
});
