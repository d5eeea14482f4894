// SPDX-License-Identifier: Apache-2.0
// Goal: what the README and the pages of docs/ show works as it stands there.
// Method: the README's "Five minutes" are typed into a shell, line by line, in a folder of their own and
// with ports that are free; statements of the schema language are applied one after the other (those
// that repeat what stands before are told apart by their error); queries are asked of the schema they
// are about; JSON is read.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Node, binary, cli, folder, must, until } from '../e2e/harness.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const parent = folder('docs');
const page = (name) => readFileSync(join(root, name), 'utf8');

/** The fenced blocks of a page in a language, in order. */
const blocks = (text, language) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map((m) => m[1]);

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A shell script of the blocks: what never ends is given two seconds, a node that is started the time
 * that it needs, and after each line stands how it ended. */
function scriptOf(lines, ports) {
  const started = lines.map((line, i) => {
    const text = line
      .replaceAll('/tmp/', `${parent}/`)
      .replaceAll('5678', ports[0])
      .replaceAll('5679', ports[1])
      .replace(/\s+#.*$/, '');
    if (/^rivulet serve/.test(text)) {
      const listening = /--listen/.test(text) ? text : text.replace(/serve/, `serve --listen 127.0.0.1:${ports[0]}`);
      const port = /--listen \S+:(\d+)/.exec(listening)[1];
      return `${listening.replace(/ &$/, '')} & pids="$pids $!"
for try in $(seq 200); do (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && break; sleep 0.05; done
echo "line ${i} 0"`;
    }
    const endless = /--follow|curl -N/.test(text);
    return `${endless ? `timeout 2 ${text}` : text}\necho "line ${i} $?"`;
  });
  return `pids=\ntrap 'kill $pids; wait' EXIT\n${started.join('\n')}\n`;
}

test('README.md: five minutes', async () => {
  const text = page('README.md');
  const minutes = text.slice(text.indexOf('## Five minutes'), text.indexOf('## What it promises'));
  const [schema] = blocks(minutes, 'sql');
  writeFileSync(join(parent, 'bank.sql'), schema);
  const lines = blocks(minutes, 'sh')
    .join('')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '' && !/^make build|^export PATH/.test(line));
  assert.ok(lines.length >= 10);
  const ports = [String(await freePort()), String(await freePort())];
  const { stdout, stderr } = spawnSync('bash', ['-c', scriptOf(lines, ports)], {
    cwd: parent,
    encoding: 'utf8',
    timeout: 60000,
    env: { ...process.env, PATH: dirname(binary) + delimiter + process.env.PATH },
  });
  lines.forEach((line, i) => {
    const code = Number(new RegExp(`^line ${i} (\\d+)$`, 'm').exec(stdout)?.[1] ?? NaN);
    const refusal = /# refused: (\w+)/.exec(line)?.[1];
    const endless = /--follow|curl -N/.test(line);
    assert.equal(code, refusal ? 1 : endless ? 124 : 0, `${line}\n${stdout}${stderr}`);
    if (refusal) assert.match(stderr, new RegExp(`rivulet: ${refusal}:`));
  });
  assert.match(stdout, /Ada +\| 100\.00|100\.00/);
});

test('docs/schema-language.md, docs/expressions.md: the statements', () => {
  const data = join(parent, 'language');
  must(['schema', 'apply', '-', '--data', data], 'CREATE TYPE nothing AS ENUM (\'x\');');
  let applied = 0;
  for (const name of readdirSync(join(root, 'docs')).filter((n) => /^(schema-language|expressions)\.md$/.test(n))) {
    for (const block of blocks(page(`docs/${name}`), 'sql')) {
      if (!/^CREATE /m.test(block)) continue; // clauses, which are parts of a statement
      const { code, err } = cli(['schema', 'apply', '-', '--data', data], block);
      assert.ok(code === 0 || /schema_duplicate/.test(err), `${name}\n${block}\n${err}`);
      applied += code === 0;
    }
  }
  assert.ok(applied >= 5);
});

test('docs/sql.md: the queries', () => {
  const data = join(parent, 'queries');
  must(
    ['schema', 'apply', '-', '--data', data],
    `CREATE AGGREGATE application (id bigint PRIMARY KEY, amount_requested integer, submitted_at timestamptz,
       state varchar(20));
     CREATE AGGREGATE work_item (id text PRIMARY KEY, application_id references application(id), name text,
       status varchar(20));
     CREATE AGGREGATE account (id bigint PRIMARY KEY, plan text, balance numeric(20,2));`,
  );
  const queries = blocks(page('docs/sql.md'), 'sql').flatMap((block) =>
    block.split(/;\s*\n/).filter((query) => query.trim() !== ''),
  );
  assert.ok(queries.length >= 3);
  for (const query of queries) {
    const parameters = [...query.matchAll(/\?/g)].map(() => '1');
    must(['query', query, ...parameters, '--data', data]);
  }
});

test('docs/http.md: changes of rows', async () => {
  const data = join(parent, 'changes');
  must(['schema', 'apply', '-', '--data', data], 'CREATE AGGREGATE account (id bigint PRIMARY KEY, balance integer);');
  const node = await Node.start(data);
  const line = blocks(page('docs/http.md'), 'sh').find((block) => block.includes('/changes/'));
  const child = spawn('bash', ['-c', line.replace('http://127.0.0.1:5678', node.url)]);
  const ended = once(child, 'close');
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  await until(() => stdout.includes('"change":"step"'), 'a step');
  await node.stop(); // which ends what it reads
  await ended;
  assert.deepEqual(stdout.match(/"change":"\w+"/g), ['"change":"reset"', '"change":"step"'], stdout);
});

test('docs/tokens.md: the commands', () => {
  const cwd = join(parent, 'tokens');
  mkdirSync(cwd);
  must(['schema', 'apply', '-', '--data', join(cwd, 'crm')], "CREATE TYPE nothing AS ENUM ('x');");
  const lines = blocks(page('docs/tokens.md'), 'sh').join('').split('\n').filter((line) => line !== '');
  assert.ok(lines.length >= 8);
  const { status, stderr } = spawnSync('bash', ['-e', '-c', lines.join('\n')], {
    cwd,
    encoding: 'utf8',
    timeout: 60000,
    env: { ...process.env, PATH: dirname(binary) + delimiter + process.env.PATH },
  });
  assert.equal(status, 0, stderr);
  assert.match(readFileSync(join(cwd, 'till-7.token'), 'utf8'), /^rvt_[\w-]{43}\n$/);
});

test('JSON in the pages is JSON', () => {
  let read = 0;
  for (const name of readdirSync(join(root, 'docs')).filter((n) => n.endsWith('.md'))) {
    for (const block of blocks(page(`docs/${name}`), 'json')) {
      JSON.parse(block);
      read += 1;
    }
  }
  assert.ok(read >= 2);
});
