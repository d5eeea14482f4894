// SPDX-License-Identifier: Apache-2.0
// Goal: a program's edge shows a central node that has tokens the one that its function gives; a
// function that fails, a wrong token, one that expires and one that is revoked are told as
// `needs-auth`, a renewed one goes on in the session, and no token is told anywhere. Method: real
// processes; the program's function reads what it gives from a file, of which this test writes each
// version, and the program tells each status that it has.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Node, bankSchema, folder, lives, must } from './harness.mjs';

const parent = folder('tokens-javascript');
const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const moduleUrl = join(process.env.RIVULET_MODULES ?? at('build/browser'), 'rivulet.wasm');
const webSocketFlags =
  globalThis.WebSocket || !process.allowedNodeEnvironmentFlags.has('--experimental-websocket')
    ? []
    : ['--experimental-websocket'];
const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/** What the function gives, or `throw`; never half of it. */
function give(file, token) {
  writeFileSync(`${file}.new`, token);
  renameSync(`${file}.new`, file);
}

/** A program with an edge, whose token is `token`, an expression. Lines on its stdin: statements. */
class Program {
  static start(name, central, token) {
    const options = {
      directory: join(parent, name),
      moduleUrl,
      upstream: { url: central.syncUrl },
      select: { streams: ['/accounts/*'] },
    };
    const source = `
      import { readFileSync } from 'node:fs';
      import { createInterface } from 'node:readline';
      import { open } from ${JSON.stringify(at('js/node.js'))};
      const options = ${JSON.stringify(options)};
      let asked = 0;
      const read = async (file) => {
        asked += 1;
        const text = readFileSync(file, 'utf8');
        if (text === 'throw') throw new Error('not signed in');
        return text;
      };
      options.upstream.token = ${token};
      const db = await open(options);
      const AsyncFunction = read.constructor;
      createInterface(process.stdin).on('line', (line) => void new AsyncFunction('db', line)(db));
      for await (const { connection, reason, syncedTo, pending } of db.status()) {
        console.log(JSON.stringify({ connection, reason, syncedTo, pending, asked }));
      }
      process.exit(0);`;
    const flags = [...webSocketFlags, '--input-type=module', '-e', source];
    const child = spawn(process.execPath, flags, { stdio: 'pipe' });
    const program = Object.assign(new Program(), { child, told: '', states: [] });
    program.ended = lives(child);
    after(() => console.log(`${name} has told:\n${program.told}`));
    program.lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => (program.told += text));
    }
    return program;
  }

  /** The next status that meets the condition. */
  async status(met) {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`the program has ended: ${this.told}`);
      const status = JSON.parse(value);
      this.states.push(status.connection);
      if (met(status)) return status;
    }
  }

  needsAuth(code, detail) {
    return this.status(({ connection, reason }) =>
      connection === 'needs-auth' && reason.code === code && detail.test(reason.detail));
  }

  say(line) {
    this.child.stdin.write(`${line}\n`);
  }

  async close() {
    this.say('await db.close()');
    for (let all = false; !all; ) all = (await this.lines.next()).done;
    assert.equal((await this.ended)[0], 0, this.told);
  }
}

async function guarded(name) {
  const data = join(parent, name);
  must(['schema', 'apply', '-', '--data', data], bankSchema);
  const admin = must(['token', 'generate', 'root', '--admin', '--data', data]).trim();
  const central = await Node.start(data);
  const open = { name: 'x' };
  assert.equal((await central.append('/accounts/1', 'account_opened', open, bearer(admin))).status, 201);
  /** A request of the administrator: its answer. */
  const ask = async (method, path, body) => {
    const answer = await central.request(method, path, body && JSON.stringify(body), bearer(admin));
    assert(answer.status < 300, answer.text);
    return answer.body;
  };
  const pay = () => central.append('/accounts/1', 'money_paid', { amount: 1 }, bearer(admin));
  return { central, ask, pay };
}

const options = { timeout: 120000 }; // what it told is shown then

test('a function that fails, a wrong token, a good one, its renewal, its end', options, async () => {
  const { central, ask, pay } = await guarded('central');
  const file = join(parent, 'till.token');
  give(file, 'throw');
  const program = Program.start('till', central, `() => read(${JSON.stringify(file)})`);
  await program.needsAuth('unauthenticated', /^upstream\.token failed: not signed in$/);
  const wrong = `rvt_${'w'.repeat(43)}`;
  give(file, wrong);
  program.say('db.wake()');
  await program.needsAuth('unauthenticated', /token/);
  give(file, '');
  program.say('db.wake()');
  const { token: first } = await ask('POST', '/tokens', {
    name: 'till', read: ['/accounts/*'], write: ['/accounts/*'], expires_in: 10, // renewed in the last quarter
  });
  give(file, first);
  program.say('db.wake()');
  await program.status(({ connection, syncedTo }) => connection === 'connected' && syncedTo === 2);
  // another secret ahead of the end of the first one: the session goes on with that, past it
  const { token: second } = await ask('POST', '/tokens/till', { expires_in: 3600 });
  give(file, second);
  program.states.length = 0;
  let status = 200;
  let paid = 0;
  while (status === 200) {
    await pay();
    paid += 1;
    await program.status(({ syncedTo }) => syncedTo === 2 + paid);
    ({ status } = await central.request('GET', '/schema', undefined, bearer(first)));
  }
  assert.equal(status, 401);
  await pay();
  await program.status(({ syncedTo }) => syncedTo === 3 + paid);
  assert.deepEqual([...new Set(program.states)], ['connected']);
  // revoked, and offline it writes on; with another one of its name that goes out
  await ask('DELETE', '/tokens/till');
  await program.needsAuth('unauthenticated', /token/);
  program.say("await db.append('/accounts/1', 'money_paid', { amount: 1 }).durable()");
  await program.status(({ pending }) => pending === 1);
  const { token: third } = await ask('POST', '/tokens', {
    name: 'till', read: ['/accounts/*'], write: ['/accounts/*'],
  });
  give(file, third);
  program.say('db.wake()');
  await program.status(({ connection, pending }) => connection === 'connected' && pending === 0);
  await program.close();
  for (const token of [wrong, first, second, third]) assert(!program.told.includes(token));
  for (const name of readdirSync(join(parent, 'till'))) {
    assert(!readFileSync(join(parent, 'till', name)).includes('rvt_'), name);
  }
  assert.equal(await central.stop(), 0);
});

test('a text is a token too', options, async () => {
  const { central, ask } = await guarded('central-text');
  const { token } = await ask('POST', '/tokens', { name: 'ada', read: ['/accounts/*'] });
  const program = Program.start('text', central, JSON.stringify(token));
  await program.status(({ connection, syncedTo }) => connection === 'connected' && syncedTo === 2);
  await ask('PUT', '/tokens/ada', { read: ['/tickets/*'] }); // what is selected is not covered
  await program.needsAuth('forbidden', /may not read \/accounts/);
  await ask('PUT', '/tokens/ada', { read: ['/accounts/*'] });
  program.say('db.wake()');
  await program.status(({ connection }) => connection === 'connected');
  await program.close();
  assert(!program.told.includes(token));
  assert.equal(await central.stop(), 0);
});
