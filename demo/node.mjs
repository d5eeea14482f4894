// SPDX-License-Identifier: Apache-2.0
// A Rivulet node as a child process, and requests to it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const binary =
  process.env.RIVULET_BIN ?? fileURLToPath(new URL('../build/native/rivulet', import.meta.url));

/** Appends an event to the data of a node that does not run. */
export async function appendTo(directory, path, type, data) {
  const args = ['append', path, type, JSON.stringify(data), '--data', directory];
  const [code] = await once(spawn(binary, args, { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit');
  if (code !== 0) throw new Error(`rivulet append ended with code ${code}`);
}

export class Node {
  /** Starts `rivulet serve`, on a free port if no option says `--listen`, and waits for it. */
  static async start(data, ...options) {
    const listen = options.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
    const child = spawn(binary, ['serve', '--data', data, ...listen, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    const url = await new Promise((resolve, reject) => {
      ended.then(([code]) => reject(new Error(`rivulet serve ended with code ${code}`)), reject);
      lines.on('line', (line) => {
        const match = /listening on (http:\/\/\S+)/.exec(line);
        if (match) resolve(match[1]);
      });
    });
    return new Node(child, ended, url);
  }

  constructor(child, ended, url) {
    this.child = child;
    this.ended = ended;
    this.url = url;
  }

  get syncUrl() {
    return `${this.url.replace('http:', 'ws:')}/sync`;
  }

  async request(method, path, body, headers = {}) {
    const response = await fetch(this.url + path, { method, body, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text.length === 0 ? null : JSON.parse(text);
  }

  status(query = '') {
    return this.request('GET', `/status${query}`);
  }

  /** Rows of a SELECT as objects. */
  async query(sql, ...params) {
    const answer = await this.request('POST', '/query', JSON.stringify({ sql, params }));
    return answer.rows.map((row) =>
      Object.fromEntries(answer.columns.map((column, i) => [column.name, row[i]])),
    );
  }

  applySchema(text) {
    return this.request('POST', '/schema', text, { 'Content-Type': 'text/plain' });
  }

  /** Appends events `{path, type, data}` as one atomic batch. */
  append(events) {
    const lines = events.map((event) => JSON.stringify(event)).join('\n');
    return this.request('POST', '/events?return=minimal', lines, {
      'Content-Type': 'application/x-ndjson',
    });
  }

  async stop() {
    this.child.kill('SIGTERM');
    const [code] = await this.ended;
    return code;
  }
}
