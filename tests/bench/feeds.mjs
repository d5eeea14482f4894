// SPDX-License-Identifier: Apache-2.0
// The rows of the table about what is open: what a subscription takes of a node's memory, of each kind,
// beside a connection that asks for nothing, and what an append costs with so many that it does not concern.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Node } from '../../demo/node.mjs';

const schema = `
CREATE AGGREGATE account (id bigint PRIMARY KEY, owner bigint NOT NULL, balance bigint NOT NULL DEFAULT 0);
CREATE EVENT_TYPE opened (id creates account(id), owner updates account(owner));
CREATE EVENT_TYPE deposited (id references account(id), amount bigint NOT NULL increments account(balance));
CREATE STREAM accounts (path "/accounts/{id}" event_types (opened, deposited));
`;
const ROWS = 10000;
const OPEN = 250;
const APPENDS = 300;

const query = (sql, i) => `/query?sql=${encodeURIComponent(sql)}&params=${encodeURIComponent(`[${i}]`)}`;

/** Of each kind, one that is about account `i`; null: a connection that asks for nothing. */
const kinds = [
  ['a connection', null],
  ['events of one stream', (i) => `/events?path=/accounts/${i}&from=now`],
  ['changes, with a condition', (i) => `/changes/account?where=${encodeURIComponent(`owner = ${i}`)}`],
  ['a live query by key', (i) => query('select id, balance from account where id = ?', i)],
  ['a live query that is kept up', (i) => query('select count(*), sum(balance) from account where owner = ?', i)],
];

/** What belongs to the process alone, in KiB. */
function memoryOf(node) {
  const text = readFileSync(`/proc/${node.child.pid}/smaps_rollup`, 'utf8');
  const [clean, dirty] = ['Private_Clean', 'Private_Dirty'].map((name) => Number(new RegExp(`${name}: *(\\d+)`).exec(text)[1]));
  return clean + dirty;
}

/** Opens one and waits until it is answered. */
function opened(node, path) {
  const { port } = new URL(node.url);
  if (path === null) {
    return new Promise((resolve) => {
      const socket = net.connect(Number(port), '127.0.0.1', () => resolve(socket));
    });
  }
  return new Promise((resolve, reject) => {
    const request = http.get({ port, path, agent: false, headers: { accept: 'text/event-stream' } }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${path}: ${answer.statusCode}`));
      answer.on('data', () => resolve(request)).on('error', () => undefined);
      if (!path.startsWith('/query')) resolve(request); // it has nothing to say yet
    });
    request.on('error', () => undefined);
  });
}

/** Microseconds of processor time of the node for one append. */
async function append(node) {
  const spent = () => {
    const fields = readFileSync(`/proc/${node.child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10000; // ticks of 10 ms
  };
  const before = spent();
  for (let i = 0; i < APPENDS; i += 1) await node.append([{ path: `/accounts/${ROWS}`, type: 'deposited', data: { amount: 1 } }]);
  return (spent() - before) / APPENDS;
}

export async function feeds({ folder, row }) {
  let empty = 0;
  for (const [i, [name, path]] of kinds.entries()) {
    const node = await Node.start(join(folder, `feeds-${i}`));
    await node.applySchema(schema);
    for (let at = 0; at < ROWS; at += 1000) {
      await node.append(Array.from({ length: 1000 }, (_, k) => (
        { path: `/accounts/${at + k + 1}`, type: 'opened', data: { owner: 1 + ((at + k) % 1000) } })));
    }
    const warm = await opened(node, path && path(0)); // what the first one of its kind takes, others share
    await sleep(2500); // a node gives back what a burst has touched, when that is over
    const before = memoryOf(node);
    const open = [];
    for (let k = 1; k <= OPEN; k += 1) open.push(await opened(node, path && path(k)));
    await sleep(2500);
    const each = (memoryOf(node) - before) / OPEN;
    const cost = await append(node);
    if (path === null) empty = cost;
    row(`memory of ${name}`, `${each.toFixed(1)} KiB`, `of ${OPEN}`, '', '', true);
    if (path !== null) row(`an append beside ${OPEN} that it does not concern`, `${cost.toFixed(0)} us`, `${OPEN} idle connections ${empty.toFixed(0)} us`, `${(cost / empty).toFixed(2)}x`, '', true);
    for (const one of [warm, ...open]) one.destroy();
    await node.stop();
  }
}
