// SPDX-License-Identifier: Apache-2.0
// Goal: the browser module runs in a real edge runtime: open, schema, append, query.
// Method: workerd (from tools/npm) serves tests/wasm/workerd.mjs with build/browser/rivulet.wasm (or
// that of RIVULET_BROWSER) and storage in memory; the same events natively give the same state hash.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { folder, must, prepared, schema } from './harness.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const module = join(process.env.RIVULET_BROWSER ?? join(root, 'build/browser'), 'rivulet.wasm');
const platforms = { x64: 'linux-64', arm64: 'linux-arm64' };
const workerd = join(root, 'build/deps/node_modules/@cloudflare', `workerd-${platforms[process.arch]}`, 'bin/workerd');
const missing = [module, workerd].filter((file) => !existsSync(file));
const options = missing.length === 0 ? {} : { skip: `${missing.join(' and ')} not there: make setup build` };

const parent = folder('workerd');
let child;
let url;

/** The JavaScript files that one imports, with their own, by name from the root. */
function imported(name, found = new Set()) {
  if (name.endsWith('.wasm') || found.has(name)) return found;
  found.add(name);
  for (const [, target] of readFileSync(join(root, name), 'utf8').matchAll(/^(?:import|\}).* from '(\..*)';/gm)) {
    imported(normalize(join(dirname(name), target)), found);
  }
  return found;
}

/** workerd's configuration: modules by their names, from files. */
function configuration() {
  const main = 'tests/wasm/workerd.mjs';
  const files = [...imported(main)].map((name) => `(name = "${name}", esModule = embed "${root}/${name}")`);
  files.push(`(name = "${dirname(main)}/rivulet.wasm", wasm = embed "${module}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${files.join(', ')}],
  compatibilityDate = "2024-09-23",
);
`;
}

before(async () => {
  if (options.skip) return;
  writeFileSync(join(parent, 'config.capnp'), configuration());
  const args = ['serve', '--import-path=/', '--control-fd=3', 'config.capnp'];
  child = spawn(workerd, args, { cwd: parent, stdio: ['ignore', 'inherit', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => (errors += text));
  const ended = once(child, 'close').then(() => assert.fail(`workerd ended: ${errors}`));
  ended.catch(() => {});
  const [line] = await Promise.race([once(child.stdio[3].setEncoding('utf8'), 'data'), ended]);
  const { event, port } = JSON.parse(line.split('\n')[0]);
  assert.equal(event, 'listen');
  url = `http://127.0.0.1:${port}`;
});

after(async () => {
  if (child === undefined || child.exitCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
});

async function ask(status, method, path, body, headers = {}) {
  const response = await fetch(url + path, { method, body, headers });
  const text = await response.text();
  assert.equal(response.status, status, text);
  return text;
}

test('open, schema, append, query', options, async () => {
  const data = prepared(parent, 'native');
  const native = (type, fields) => must(['append', '/accounts/1', type, JSON.stringify(fields), '--data', data]);
  const append = async (type, fields) => {
    native(type, fields);
    return ask(201, 'POST', '/streams/accounts/1', JSON.stringify(fields), { 'X-Event-Type': type });
  };
  await ask(201, 'POST', '/schema', schema, { 'Content-Type': 'text/plain' });
  assert.equal(JSON.parse(await append('account_opened', { name: 'Ada' })).position, 2);
  for (let amount = 1; amount <= 10; amount += 1) await append('money_paid', { amount });
  const sql = 'select name, balance from account where id = ?';
  const answer = await ask(200, 'POST', '/query', JSON.stringify({ sql, params: [1] }));
  assert.deepEqual(JSON.parse(answer).rows, [['Ada', 55]]);
  const refused = await ask(404, 'POST', '/streams/nothing/1', '{}', { 'X-Event-Type': 'money_paid' });
  assert.equal(JSON.parse(refused).code, 'unknown_stream');
  const status = JSON.parse(await ask(200, 'GET', '/status?hash=true'));
  assert.equal(status.position, 12);
  assert.equal(status.state_hash, must(['status', '--hash', '--json', '--data', data]).state_hash);
  assert.equal(await ask(200, 'PUT', '/close'), 'closed');
});
