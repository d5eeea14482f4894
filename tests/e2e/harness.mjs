// SPDX-License-Identifier: Apache-2.0
// What the tests of real processes share: a folder of its own for each file, nodes that are started,
// stopped and killed, commands of the CLI, and requests that hand back whatever was answered.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export { sleep };

export const binary =
  process.env.RIVULET_BIN ?? fileURLToPath(new URL('../../build/native/rivulet', import.meta.url));

/** Accounts that cannot be overdrawn, and tickets whose keys the root assigns. */
export const bankSchema = `
CREATE AGGREGATE account (
    id       bigint PRIMARY KEY,
    name     varchar(10) NOT NULL,
    balance  integer NOT NULL DEFAULT 0 CHECK (balance >= 0)
);
CREATE AGGREGATE ticket (id SERIAL PRIMARY KEY, text text NOT NULL);
CREATE EVENT_TYPE account_opened (id creates account(id), name updates account(name));
CREATE EVENT_TYPE money_paid (id references account(id), amount integer NOT NULL increments account(balance));
CREATE EVENT_TYPE money_taken (id references account(id), amount integer NOT NULL decrements account(balance));
CREATE EVENT_TYPE ticket_opened (id creates ticket(id), text updates ticket(text));
CREATE STREAM account_events (path "/accounts/{id}" event_types (account_opened, money_paid, money_taken));
CREATE STREAM ticket_events (path "/tickets/{id}" event_types (ticket_opened));
`;

export const schema = `
CREATE TYPE plan AS ENUM ('free', 'team');
CREATE AGGREGATE account (
    id       bigint PRIMARY KEY,
    name     varchar(10) NOT NULL,
    plan     plan NOT NULL DEFAULT 'free',
    balance  integer NOT NULL DEFAULT 0
);
CREATE AGGREGATE contact (
    id          text PRIMARY KEY,
    account_id  references account(id),
    name        text NOT NULL
);
CREATE EVENT_TYPE account_opened (
    id    creates account(id),
    name  updates account(name),
    plan  updates account(plan)
);
CREATE EVENT_TYPE money_paid (
    id      references account(id),
    amount  integer NOT NULL increments account(balance)
);
CREATE EVENT_TYPE contact_added (
    contact_id  creates contact(id),
    id          references account(id) updates contact(account_id),
    name        updates contact(name)
);
CREATE EVENT_TYPE contact_renamed (
    contact_id  references contact(id),
    id          references account(id),
    name        updates contact(name)
);
CREATE STREAM account_events (
    path "/accounts/{id}"
    event_types (account_opened, money_paid, contact_added, contact_renamed)
);
`;

/** A folder for this file's data, gone after its tests. */
export function folder(name) {
  const path = mkdtempSync(join(tmpdir(), `rivulet-${name}-`));
  after(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 })); // what was killed may end just now
  return path;
}

/**
 * Runs a command; `input` is its standard input, `more` of its environment. One that does not end
 * within a minute has no code.
 */
export function cli(args, input = '', more = {}) {
  const environment = { ...process.env };
  delete environment.RIVULET_URL;
  delete environment.RIVULET_DIR;
  const run = spawnSync(binary, args, { input, encoding: 'utf8', env: { ...environment, ...more }, timeout: 60000 });
  const late = run.error ? `${run.error.message}\n` : '';
  return { code: run.status, out: run.stdout, err: late + run.stderr };
}

/** The same; must succeed. With --json the parsed output. */
export function must(args, input) {
  const run = cli(args, input);
  assert.equal(run.code, 0, `rivulet ${args.join(' ')}: ${run.err}`);
  return args.includes('--json') ? JSON.parse(run.out) : run.out;
}

/** A data directory with the schema above. */
export function prepared(parent, name = 'node') {
  const data = join(parent, name);
  must(['schema', 'apply', '-', '--data', data], schema);
  return data;
}

/** Processes that run; a test that failed may have left some. */
const running = new Set();
const killAll = () => running.forEach((child) => child.kill('SIGKILL'));
after(killAll);

/** How a child ended, `[code, signal]`, when all that it said is here; it does not outlive the tests. */
export function lives(child) {
  running.add(child);
  return once(child, 'close').finally(() => running.delete(child));
}

/**
 * A file that waits for what never comes says in which test, and ends: a little before ctest would
 * end it without a word.
 */
const lastsSeconds = 560 + Number(process.env.BAD_NETWORK_SECONDS ?? 0);
setTimeout(() => {
  const commands = [...running].map(({ pid, spawnargs }) => `${pid}: ${spawnargs.join(' ').slice(0, 200)}`);
  console.log(`not done within ${lastsSeconds} s; there are\n${commands.join('\n')}`);
  killAll();
  process.exit(1);
}, lastsSeconds * 1000).unref();

/** Of nodes with TLS: certificates (PEM) that vouch for them, as a test sets it. */
export const trusted = { ca: undefined };

export class Node {
  static async start(data, ...options) {
    const listen = options.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
    const child = spawn(binary, ['serve', '--data', data, ...listen, ...options]);
    const told = { asked: false, err: '' }; // asked: it is to end
    const ended = lives(child);
    let out = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      told.err += text;
      console.log(`${data} says: ${text.trimEnd()}`);
    });
    const url = await new Promise((resolve, reject) => {
      child.stdout.on('data', (text) => {
        out += text;
        const match = /^listening on (https?:\/\/\S+)\n/.exec(out);
        if (match) resolve(match[1]);
      });
      ended.then(([code, signal]) => {
        if (!told.asked) console.log(`${data} ended with ${code ?? signal}`);
        reject(new Error(`rivulet serve ended with ${code ?? signal}: ${told.err}`));
      }, reject);
    });
    const agent = url.startsWith('https:')
      ? new https.Agent({ keepAlive: true, ca: trusted.ca })
      : new http.Agent({ keepAlive: true });
    return Object.assign(new Node(), { agent, child, ended, url, data, options, told });
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  get syncUrl() {
    return this.url.replace(/^http/, 'ws');
  }

  /** What it has said on its standard error. */
  errors() {
    return this.told.err;
  }

  /** By node:http: fetch may never settle when the peer is killed while it connects. */
  async request(method, path, body, headers = {}) {
    const { request: ask } = this.url.startsWith('https:') ? https : http;
    const request = ask(this.url + path, { method, headers, agent: this.agent });
    request.end(body);
    const [response] = await once(request, 'response').catch((error) => {
      const { exitCode, signalCode } = this.child;
      error.message += ` (${method} ${path}; the node ended: ${exitCode ?? signalCode ?? 'no'}) ${this.errors()}`;
      throw error;
    });
    const text = (await response.setEncoding('utf8').toArray()).join('');
    const json = /json$/.test(response.headers['content-type'] ?? '');
    return {
      status: response.statusCode,
      headers: response.headers,
      text,
      body: json ? JSON.parse(text) : text,
    };
  }

  async status() {
    return (await this.request('GET', '/status?hash=true')).body;
  }

  append(path, type, data, headers = {}) {
    return this.request('POST', `/streams${path}`, JSON.stringify(data), { 'X-Event-Type': type, ...headers });
  }

  /** Posts events `{path, type, data}` as one batch. */
  batch(events) {
    return this.request('POST', '/events?return=minimal', events.map((e) => JSON.stringify(e)).join('\n'), {
      'Content-Type': 'application/x-ndjson',
    });
  }

  async rows(sql, ...params) {
    const answer = await this.request('POST', '/query', JSON.stringify({ sql, params }));
    assert.equal(answer.status, 200, answer.text);
    return answer.body.rows;
  }

  /** Tells it to stop, and its exit code. */
  async stop() {
    this.told.asked = true;
    this.child.kill('SIGTERM');
    return (await this.ended)[0];
  }

  async kill() {
    this.told.asked = true;
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** Waits until `condition` gives something true, and gives that. */
export async function until(condition, what, timeout = 20000) {
  const end = Date.now() + timeout;
  for (;;) {
    const met = await condition();
    if (met) return met;
    assert.ok(Date.now() < end, `waited in vain for ${what}`);
    await sleep(10);
  }
}

/** The edge's status, once it holds what there is up to `position`. */
export function synced(edge, position) {
  return until(async () => {
    const status = await edge.status();
    return status.synced_to >= position && status;
  }, `the edge to reach ${position}`);
}

/** Sends bytes to a port and gives all that comes back until the peer closes. */
export async function raw(port, ...parts) {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  let answer = '';
  socket.setEncoding('latin1');
  socket.on('data', (text) => (answer += text));
  const closed = once(socket, 'close');
  socket.on('error', () => {});
  for (const part of parts) {
    if (typeof part === 'number') await sleep(part);
    else socket.write(part);
  }
  await closed;
  return answer;
}

/** Reads server-sent events from a path; `next()` gives the next one as `{id, data}`. */
export async function feed(node, path, headers = {}) {
  const abort = new AbortController();
  const response = await fetch(node.url + path, {
    headers: { Accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  assert.equal(response.status, 200);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  return {
    response,
    async next() {
      for (;;) {
        const end = buffer.indexOf('\n\n');
        if (end >= 0) {
          const lines = buffer.slice(0, end).split('\n');
          buffer = buffer.slice(end + 2);
          const of = (name) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
          if (of('data')) return { id: of('id'), data: JSON.parse(of('data')) };
          continue;
        }
        const { value, done } = await reader.read();
        if (done) return null;
        buffer += value;
      }
    },
    close: () => abort.abort(),
  };
}

/** Writes lines of NDJSON to a file. */
export function ndjson(path, events) {
  writeFileSync(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  return path;
}

export const opened = (id, name = 'Ada') => ({
  path: `/accounts/${id}`,
  type: 'account_opened',
  data: { name },
});

/** CRC-32C, bit by bit (RFC 3720). */
export function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
