// SPDX-License-Identifier: Apache-2.0
// Goal: over connections that are slow, cut within frames, half-open, refused and never answered, while
// a central node, a gateway and their edges are killed (-9) again and again, what was acknowledged anywhere
// is in the root's log once, or is refused and shown as such; and all end with the same state and rows.
// Method: real processes, each edge behind a proxy of its own (proxy.mjs), one of them behind the gateway,
// with rows of an aggregate that it selects. Applications append at all of them, each event under an id
// that is given again until there is an answer. A seed says what happens when. One connection is left
// half-open for good: the edge must find out by itself.
//
//     BAD_NETWORK_SECONDS=600 BAD_NETWORK_SEED=7 node --test tests/e2e/bad_network.test.mjs
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { Node, bankSchema, folder, must, opened, sleep, synced, until } from './harness.mjs';
import { Proxy } from './proxy.mjs';

const SECONDS = Number(process.env.BAD_NETWORK_SECONDS ?? 18);
const SEED = Number(process.env.BAD_NETWORK_SEED ?? 1);
const ACCOUNTS = 4;
const RICH = 'balance > 25'; // of accounts that come to be so, and are not any more
const SILENCE_MS = 30000; // after which a peer counts as gone (docs/format/wire.md)

/** Numbers from 0 to 1, the same for the same seed. */
function random(seed) {
  let state = Math.imul(seed, 0x2545f491);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

const below = (next, n) => Math.floor(next() * n);
const uuid = (n, member) =>
  `0191d1e5-0000-4000-8${String(member).padStart(3, '0')}-${n.toString(16).padStart(12, '0')}`;

/** A process that is started again where it was; who `serves` where others look for it. */
class Member {
  static async start(name, data, ...options) {
    const member = Object.assign(new Member(), { name, data, options, kills: 0, asked: [], serves: false });
    member.node = await Node.start(data, ...options);
    return member;
  }

  async kill(pause) {
    this.kills += 1;
    await this.node.kill();
    await sleep(pause);
    const address = this.serves ? ['--listen', `127.0.0.1:${this.node.port}`] : [];
    this.node = await Node.start(this.data, ...this.options, ...address);
  }
}

/** What the application appends next: mostly sensible, now and then what the root may refuse. */
function draw(next, known) {
  const path = `/accounts/${1 + below(next, ACCOUNTS)}`;
  const kind = below(next, 10);
  if (kind === 0) return { path: '/ticket_events', type: 'ticket_opened', data: { text: 'a' } };
  const type = kind < 6 ? 'money_paid' : 'money_taken';
  const expected = next() < 0.2 ? known.get(path) : undefined;
  return { path, type, data: { amount: 1 + below(next, 9) }, expected };
}

/** Asks until there is an answer that says what became of it; null: the test is over. */
async function ask(member, one, world) {
  const headers = { 'Idempotency-Key': one.id, Durability: one.durability };
  if (one.expected !== undefined) headers['Expected-Version'] = String(one.expected);
  while (!world.over) {
    one.tries += 1;
    try {
      const answer = await member.node.request('POST', `/streams${one.path}`, JSON.stringify(one.data), {
        'X-Event-Type': one.type, ...headers,
      });
      if (answer.status < 500 && answer.status !== 429) return answer;
      world.codes.set(answer.body.code, (world.codes.get(answer.body.code) ?? 0) + 1);
    } catch {
      // killed: it is asked again when it is there again
    }
    await sleep(50);
  }
  return null;
}

/** An application at a member. */
async function application(member, number, world) {
  const next = random(SEED * 100 + number);
  const known = new Map();
  for (let n = 1; !world.over; n += 1) {
    const durability = member.name !== 'root' && next() < 0.1 ? 'upstream' : 'local';
    const one = { ...draw(next, known), id: uuid(n, number), durability, tries: 0 };
    member.asked.push(one);
    const answer = await ask(member, one, world);
    one.status = answer?.status;
    one.code = answer?.body.code;
    one.key = one.path === '/ticket_events' ? answer?.body.data?.id : undefined;
    if (Number.isInteger(answer?.body.version)) known.set(one.path, answer.body.version);
    await sleep(5 + next() * 60);
  }
}

/** An event that needs nobody else: the member's application may wait for keys that only a root has. */
async function writeOne(member, number, world) {
  const paid = { path: '/accounts/1', type: 'money_paid', data: { amount: 1 } };
  const one = { ...paid, id: uuid(1, number), durability: 'local', tries: 0 };
  member.asked.push(one);
  one.status = (await ask(member, one, world)).status;
}

/** What happens to a connection. `world.kept` is left alone: its half-open connection is. */
async function trouble(next, proxies, world) {
  const edge = below(next, proxies.length);
  const proxy = proxies[edge];
  const kind = ['slow', 'cut', 'half-open', 'refuse', 'mute'][below(next, 5)];
  const [delay, rate, keep, ms] = [below(next, 200), 2000 + below(next, 60000), next(), 500 + next() * 1500];
  if (proxy === world.kept) return;
  world.faults.set(kind, (world.faults.get(kind) ?? 0) + 1);
  if (kind === 'slow') proxy.slow(delay, rate);
  if (kind === 'cut') proxy.cut(keep);
  if (kind === 'refuse') proxy.refuse();
  if (kind === 'mute') proxy.mute();
  if (kind === 'refuse' || kind === 'mute') proxy.cut(keep);
  if (kind === 'half-open') proxy.swallow();
  await sleep(ms);
  if (kind === 'half-open' || kind === 'mute') proxy.cut(0); // the system in the middle has forgotten them
  await proxy.heal();
}

async function disturb(members, proxies, world) {
  const next = random(SEED);
  while (Date.now() < world.end) {
    await sleep(next() * 400);
    const who = members[below(next, members.length)];
    const killed = next() < 0.4 && !(world.kept && who === members.at(-1));
    const pause = next() * 400;
    if (killed) await who.kill(pause);
    else await trouble(next, proxies, world);
    if (world.kept === null && Date.now() > world.end - SECONDS * 900) {
      await proxies.at(-1).heal();
      await until(async () => (await members.at(-1).node.status()).upstream.state === 'connected',
        'a connection to leave half-open');
      proxies.at(-1).swallow();
      world.kept = proxies.at(-1);
    }
  }
}

/** What a query gives. */
async function rows(member, sql) {
  const { status, body } = await member.node.request('POST', '/query', JSON.stringify({ sql }));
  assert.equal(status, 200, JSON.stringify(body));
  return body.rows;
}

/** Everything that anybody was told holds. */
async function check(root, edges) {
  const events = (await root.node.request('GET', '/events?limit=100000')).body;
  const there = new Map();
  for (const event of events) {
    assert.ok(!there.has(event.event_id), `${event.event_id} is there once`);
    there.set(event.event_id, event);
  }
  const keys = events.filter(({ type }) => type === 'ticket_opened').map(({ data }) => data.id);
  assert.equal(new Set(keys).size, keys.length, 'no key is given twice');
  const sums = { accepted: 0, rejected: 0, refused: 0, open: 0 };
  for (const member of [root, ...edges]) {
    const list = member === root ? [] : (await member.node.request('GET', '/rejections?limit=10000')).body;
    const rejected = new Map(list.map(({ events: [{ event_id: id }], reason }) => [id, reason.code]));
    for (const one of member.asked) {
      const event = there.get(one.id);
      const told = `${member.name}: ${JSON.stringify(one)}: ${event?.position}, ${rejected.get(one.id)}`;
      if (one.status === 201) assert.ok(event, told);
      // one that was refused before its application heard of it may have been written once more
      const both = one.tries > 1;
      if (one.status === 202) assert.ok(event || rejected.has(one.id), told);
      if (one.status === 202) assert.ok(both || !event || !rejected.has(one.id), told);
      if (one.status >= 400) assert.equal(event, undefined, told);
      if (event && one.expected !== undefined) assert.equal(event.version, one.expected + 1, told);
      assert.notEqual(rejected.get(one.id), 'event_id_reused', told);
      if (event && one.key !== undefined) assert.equal(event.data.id, one.key, told);
      sums.accepted += event ? 1 : 0;
      sums.rejected += rejected.has(one.id) ? 1 : 0;
      sums.refused += one.status >= 400 ? 1 : 0;
      sums.open += one.status === undefined ? 1 : 0;
    }
  }
  return sums;
}

test('a bad network, and kill -9 of each side', { timeout: (SECONDS + 120) * 1000 }, async (t) => {
  const parent = folder('bad-network');
  const data = join(parent, 'root');
  must(['schema', 'apply', '-', '--data', data], bankSchema);
  const root = Object.assign(await Member.start('root', data), { serves: true });
  for (let id = 1; id <= ACCOUNTS; id += 1) {
    const paid = { path: `/accounts/${id}`, type: 'money_paid', data: { amount: 20 } };
    assert.equal((await root.node.batch([opened(id), paid])).status, 201);
  }
  const proxies = [];
  after(() => proxies.forEach((proxy) => proxy.stop()));
  const edgeOf = async (name, upstream, ...selection) => {
    proxies.push(await Proxy.start(upstream.node.port));
    const selected = selection.flatMap((entry) => ['--select', entry]);
    return Member.start(name, join(parent, name), '--upstream', proxies.at(-1).url, ...selected);
  };
  const whole = await edgeOf('whole', root, '/**');
  const gateway = Object.assign(await edgeOf('gateway', root, '/**'), { serves: true });
  await synced(gateway.node, 1 + 2 * ACCOUNTS);
  const device = await edgeOf('device', gateway, '/tickets/*', `aggregate account where ${RICH}`);
  const based = await edgeOf('base', root, '/accounts/* history none');
  const edges = [whole, gateway, device, based]; // the last one's connection is left half-open
  const members = [root, ...edges];
  for (const edge of edges) await synced(edge.node, 1 + 2 * ACCOUNTS);

  const world = { over: false, end: Date.now() + SECONDS * 1000, kept: null, faults: new Map(), codes: new Map() };
  const applications = members.map((member, i) => application(member, i, world));
  await disturb(members, proxies, world);
  await writeOne(based, members.length, world);
  const halfOpen = await based.node.status();
  await root.kill(0);
  await gateway.kill(0);
  world.over = true;
  for (const proxy of proxies) await proxy.heal();
  await Promise.all(applications);

  const decided = (edge) => until(async () => (await edge.node.status()).outbox.pending === 0,
    `the decisions of ${edge.name}`, SILENCE_MS + 20000);
  await Promise.all(edges.map(decided));
  const there = await root.node.status();
  for (const edge of edges) await synced(edge.node, there.position);
  const sums = await check(root, edges);
  const log = (await root.node.request('GET', '/events?limit=100000')).body;
  for (const { node } of [whole, gateway]) {
    assert.equal((await node.status()).state_hash, there.state_hash);
    assert.deepEqual((await node.request('GET', '/events?limit=100000')).body, log);
  }
  const { body } = await root.node.request('GET', `/status?select=${encodeURIComponent('/accounts/*')}`);
  assert.equal((await based.node.status()).state_hash, body.selection_hash);
  const rich = await rows(root, `SELECT * FROM account WHERE ${RICH} ORDER BY id`);
  assert.deepEqual(await rows(device, 'SELECT * FROM account ORDER BY id'), rich, 'rows that were selected');
  const tickets = 'SELECT * FROM ticket ORDER BY id';
  assert.deepEqual(await rows(device, tickets), await rows(root, tickets), 'rows that were folded');
  assert.equal((await device.node.status()).upstream.gateway, true);
  assert.equal((await gateway.node.status()).serves.relayed.waiting, 0, 'nothing is left at the gateway');
  assert.equal(halfOpen.upstream.state, 'connected', 'nobody told the edge that its connection is half-open');
  assert.ok(halfOpen.outbox.pending > 0, 'what was written meanwhile waited');
  assert.ok(sums.accepted > 0 && sums.rejected > 0, JSON.stringify(sums));
  t.diagnostic(JSON.stringify({
    seed: SEED, events: there.position, ...sums, kills: members.map(({ kills }) => kills),
    faults: Object.fromEntries(world.faults), answers: Object.fromEntries(world.codes),
  }));
  for (const { node } of members.toReversed()) assert.equal(await node.stop(), 0);
});
