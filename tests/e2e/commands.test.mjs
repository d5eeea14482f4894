// SPDX-License-Identifier: Apache-2.0
// Goal: a command that was given at an edge without its root comes to what is right on what the root
// has by then, once, also through a restart of the edge with other functions or none; what comes to
// nothing is told.
// Method: the package's files as an edge in processes of Node, a real root on the loopback that is
// stopped and changed meanwhile.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Node, bankSchema, folder, lives, must, opened } from './harness.mjs';

const parent = folder('commands');
const text = JSON.stringify;
const file = (place) => fileURLToPath(new URL(place, import.meta.url));
const commands = new URL('./commands.mjs', import.meta.url).href;
const moduleUrl = join(process.env.RIVULET_MODULES ?? file('../../build/browser/'), 'rivulet.wasm');

/** So that Node 20 has a WebSocket. */
const flags =
  globalThis.WebSocket || !process.allowedNodeEnvironmentFlags.has('--experimental-websocket')
    ? []
    : ['--experimental-websocket'];


let programs = 0;

/** An edge in a process: it runs what it is told, line by line, each a body that returns. */
class Edge {
  static async start(name, root, options = {}) {
    const settings = {
      directory: join(parent, name),
      moduleUrl,
      upstream: { url: root.syncUrl },
      select: { streams: ['/**'] },
      commands,
      ...options,
    };
    const program = join(parent, `program-${++programs}.mjs`);
    writeFileSync(program, `
      import { open } from ${text(new URL('../../js/node.js', import.meta.url).href)};
      import { createInterface } from 'node:readline';
      const tell = (value) => console.log(JSON.stringify(value ?? null, (_, v) => (typeof v === 'bigint' ? Number(v) : v)));
      const db = await open(${text(settings)});
      const runs = {};
      const first = async (feed, met = () => true) => { for await (const it of feed) if (met(it)) return it; };
      const failure = ({ code, detail, refusal }) => ({ code, detail, refusal });
      tell('open');
      for await (const line of createInterface(process.stdin)) {
        try {
          tell(await new Function('db', 'runs', 'first', 'failure', 'return (async () => {' + JSON.parse(line) + '})()')(db, runs, first, failure));
        } catch (error) {
          tell({ thrown: failure(error) });
        }
      }
      await db.close();
    `);
    const child = spawn(process.execPath, [...flags, program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = lives(child);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const edge = Object.assign(new Edge(), { child, ended, lines });
    assert.equal(await edge.line(), 'open');
    return edge;
  }

  async line() {
    const { value, done } = await this.lines.next();
    assert.ok(!done, 'the edge has ended');
    return JSON.parse(value);
  }

  do(body) {
    this.child.stdin.write(`${text(body)}\n`);
    return this.line();
  }

  balances() {
    return this.do("return (await db.query('SELECT balance FROM account ORDER BY id')).map((row) => row.balance)");
  }

  async stop() {
    this.child.stdin.end();
    assert.equal((await this.ended)[0], 0);
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** A root with accounts 1 and 2, of 10 each. */
async function rootOf(name) {
  const data = join(parent, `${name}-root`);
  must(['schema', 'apply', '-', '--data', data], bankSchema);
  const root = await Node.start(data);
  for (const id of [1, 2]) {
    const events = [opened(id), { path: `/accounts/${id}`, type: 'money_paid', data: { amount: 10 } }];
    assert.equal((await root.batch(events)).status, 201);
  }
  return root;
}

const synced = 'await db.connected(); await first(db.status(), (s) => s.syncedTo >= 5);';
const idle = 'await first(db.status(), (s) => s.pending === 0);';

/** The root stops, and the edge has heard of it. */
async function leaves(root, edge) {
  await root.stop();
  await edge.do("await first(db.status(), (s) => s.connection !== 'connected')");
}

/** Something takes money while the edge is away, and the root is back where it was. */
async function changed(root, id, amount) {
  must(['append', `/accounts/${id}`, 'money_taken', text({ amount }), '--data', root.data]);
  return Node.start(root.data, '--listen', `127.0.0.1:${root.port}`);
}

const balancesAt = async (root) =>
  (await root.rows('SELECT balance FROM account ORDER BY id')).map(([balance]) => balance);

test('the package is built', () => assert.ok(existsSync(moduleUrl), moduleUrl));

test('given offline, it comes to what is right when the root is back', async () => {
  const root = await rootOf('offline');
  const edge = await Edge.start('offline', root);
  await edge.do(synced);
  await leaves(root, edge);
  const made = await edge.do(`
    runs.share = db.run('share', { from: 1, to: 2, amount: 8 });
    runs.transfer = db.run('transfer', { from: 1, to: 2, amount: 2 });
    const events = await runs.share.durable('local');
    await runs.transfer.durable('local');
    return events.map(({ path, position, data }) => [path, position, data.amount])`);
  assert.deepEqual(made, [['/accounts/1', null, 8], ['/accounts/2', null, 8]]);
  assert.deepEqual(await edge.balances(), [0, 20]);
  const [{ command, state }] = await edge.do('return first(db.pending())');
  assert.deepEqual([command.name, command.args, command.attempt, state], ['share', { from: 1, to: 2, amount: 8 }, 0, 'waiting']);

  const again = await changed(root, 1, 7);
  const came = await edge.do(`
    const events = await runs.share.durable('upstream');
    return events.map(({ path, position, data }) => [path, position > 0, data.amount])`);
  assert.deepEqual(came, [['/accounts/1', true, 3], ['/accounts/2', true, 3]]);
  const refused = { code: 'command_refused', detail: '0 is less than 2', refusal: 'too_little' };
  assert.deepEqual(await edge.do("return runs.transfer.durable('upstream').catch(failure)"), refused);
  const rejection = await edge.do(`
    const { command, reason, acknowledge } = await first(db.rejections());
    await acknowledge();
    return { name: command.name, ...failure(reason) }`);
  assert.deepEqual(rejection, { name: 'transfer', ...refused });
  await edge.do(idle);
  assert.deepEqual(await edge.balances(), [0, 13]);
  assert.deepEqual(await balancesAt(again), [0, 13]);
  await edge.stop();
  await again.stop();
});

test('through a kill, without its functions it waits and says so; with them it goes on', async () => {
  const root = await rootOf('reload');
  let edge = await Edge.start('reload', root);
  await edge.do(synced);
  await leaves(root, edge);
  await edge.do("await db.run('share', { from: 1, to: 2, amount: 8 }).durable('local')");
  await edge.do("await db.append('/accounts/2', 'money_paid', { amount: 1 }).durable('local')");
  await edge.kill();

  const again = await changed(root, 1, 9);
  edge = await Edge.start('reload', again, { commands: undefined });
  await edge.do('await first(db.status(), (s) => s.syncedTo >= 6)');
  const waiting = await edge.do('return first(db.pending())');
  assert.deepEqual(
    waiting.map(({ reason, command }) => [reason?.code, reason?.detail, command?.name]),
    [['command_waiting', 'waiting for command "share"', 'share'], [undefined, undefined, undefined]],
  );
  assert.deepEqual(await balancesAt(again), [1, 10]);
  await edge.kill();

  edge = await Edge.start('reload', again);
  await edge.do(idle);
  assert.deepEqual(await balancesAt(again), [0, 12]);
  assert.deepEqual(await edge.balances(), [0, 12]);
  const { lines } = { lines: (await again.request('GET', '/events')).body.length };
  assert.equal(lines, 8);
  await edge.stop();
  await again.stop();
});

test('two edges give the same away at once: each comes to what was left', async () => {
  const root = await rootOf('two');
  const edges = [await Edge.start('two-a', root), await Edge.start('two-b', root)];
  for (const edge of edges) await edge.do(synced);
  const share = `
    const runs = Array.from({ length: 10 }, () => db.run('share', { from: 1, to: 2, amount: 3 }));
    const all = await Promise.all(runs.map((run) => run.durable('upstream')));
    return all.flat().filter(({ type }) => type === 'money_taken').map(({ data }) => data.amount)`;
  const amounts = await Promise.all(edges.map((edge) => edge.do(share)));
  assert.equal(amounts.flat().reduce((sum, amount) => sum + amount, 0), 10, text(amounts));
  for (const edge of edges) {
    await edge.do(idle);
    assert.deepEqual(await edge.do('return (await first(db.status())).rejected'), 0);
  }
  assert.deepEqual(await balancesAt(root), [0, 20]);
  for (const edge of edges) await edge.stop();
  await root.stop();
});

test('a key that an offline command took stays its own when it runs again', async () => {
  const root = await rootOf('keys');
  const edge = await Edge.start('keys', root);
  await edge.do(synced);
  await edge.do("await db.run('ticket', { text: 'first' }).durable('upstream')");
  await edge.do("await db.run('ticket', { text: 'second' }).durable('upstream')");
  await leaves(root, edge);
  const [{ data }] = await edge.do("runs.t = db.run('ticket', { text: 'third' }); return runs.t.durable('local')");
  const again = await changed(root, 1, 1);
  const [event] = await edge.do("return runs.t.durable('upstream')");
  assert.deepEqual(event.data, data);
  assert.deepEqual(await again.rows('SELECT id FROM ticket WHERE text = ?', 'third'), [[data.id]]);
  await edge.stop();
  await again.stop();
});

test('a rejection that comes later is told, also where it stands before others; close keeps what was asked for', async () => {
  const root = await rootOf('later');
  let edge = await Edge.start('later', root);
  await edge.do(synced);
  await leaves(root, edge);
  await edge.do(`
    await db.append('/accounts/1', 'money_paid', { amount: 1 }, { expectedVersion: 2 }).durable('local');
    await db.run('transfer', { from: 2, to: 1, amount: 10 }).durable('local');
    runs.last = db.append('/accounts/2', 'money_paid', { amount: 3 }); // nobody waits for it
    runs.last.durable().catch(() => {});`);
  await edge.stop();
  // the root's account 1 is at version 3 by now, and the command refuses what it made before
  const again = await changed(root, 1, 1);
  edge = await Edge.start('later', root, { commands: new URL('./commands_refusing.mjs', import.meta.url).href });
  const told = await edge.do(`
    const told = [];
    const codes = (batch) => [batch.edgeSequence, batch.reason.code];
    await first(db.rejections(), (batch) => (told.push(codes(batch)), told.length === 2));
    return told.sort();`);
  assert.deepEqual(told, [[1, 'version_conflict'], [2, 'command_refused']]);
  await edge.do(idle);
  assert.deepEqual(await balancesAt(again), [9, 13]);
  await edge.stop();
  assert.equal(await again.stop(), 0);
});

test('one that comes to what no node takes when it runs again is a rejection, and keeps nobody', async () => {
  const root = await rootOf('odd');
  const edge = await Edge.start('odd', root);
  await edge.do(synced);
  await leaves(root, edge);
  const codes = {
    many: 'batch_too_large', large: 'command_failed', version: 'parameter_invalid', data: 'request_invalid',
    path: 'request_invalid', refused: 'command_failed', failed: 'command_failed',
  }; // prettier-ignore
  await edge.do(`
    for (const kind of ${text(Object.keys(codes))}) await db.run('odd', { kind }).durable('local');
    runs.behind = db.append('/accounts/2', 'money_paid', { amount: 3 });
    await runs.behind.durable('local');`);
  const again = await changed(root, 1, 7);
  const told = await edge.do(`
    const told = {};
    for await (const { command, reason } of db.rejections()) {
      told[command.args.kind] = reason.code;
      if (Object.keys(told).length === ${Object.keys(codes).length}) break;
    }
    await runs.behind.durable('upstream');
    return told;`);
  assert.deepEqual(told, codes);
  await edge.do(idle);
  assert.deepEqual(await balancesAt(again), [3, 13]);
  await edge.stop();
  assert.equal(await again.stop(), 0);
});
