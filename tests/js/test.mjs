// SPDX-License-Identifier: Apache-2.0
// The `test` of node:test, with a bound for each test, far below that of the file: one that hangs
// fails by its name, with what the databases' workers had been asked and had not answered.
//
//     import { test } from './test.mjs';
import { after, test as nodeTest } from 'node:test';
import { Worker } from 'node:worker_threads';

const timeoutMs = 120000;
const lingersMs = 30000;
const shown = 300; // characters of a question

/** Of each worker: what it was asked, by id (js/channel.js). @type {Map<Worker, Map<number, any[]>>} */
const workers = new Map();

const { postMessage, emit } = Worker.prototype;

Worker.prototype.postMessage = function (messages, ...rest) {
  const asked = workers.get(this) ?? new Map();
  workers.set(this, asked);
  for (const [kind, id, value] of messages) {
    if (kind === 'cancel') asked.delete(id);
    else if (id > 0 && kind !== 'pull') asked.set(id, [kind, value]);
  }
  return postMessage.call(this, messages, ...rest);
};

Worker.prototype.emit = function (name, ...rest) {
  if (name === 'exit') workers.delete(this);
  for (const [kind, id] of name === 'message' ? rest[0] : []) {
    if (['answer', 'error', 'end'].includes(kind)) workers.get(this)?.delete(id);
  }
  return emit.call(this, name, ...rest);
};

/** @param {string} why */
function tell(why) {
  const lines = [why];
  for (const [worker, asked] of workers) {
    lines.push(`worker ${worker.threadId}: ${asked.size} without an answer`);
    for (const [id, what] of asked) lines.push(`  ${id}: ${JSON.stringify(what).slice(0, shown)}`);
  }
  lines.push(`the process has ${process.getActiveResourcesInfo().join(', ')}`);
  console.log(lines.join('\n    '));
}

/** @param {string} title @param {(t: any) => any} body */
export function test(title, body) {
  return nodeTest(title, async (t) => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => {
        const why = `the test "${title}" was not done within ${timeoutMs} ms`;
        tell(why);
        reject(new Error(why));
      }, timeoutMs).unref();
    });
    try {
      await Promise.race([body(t), late]);
    } finally {
      clearTimeout(timer);
    }
  });
}

// What keeps the process after its tests does not do so for long.
after(() => {
  const end = () => {
    tell(`still there ${lingersMs} ms after the tests`);
    process.exit(1);
  };
  setTimeout(end, lingersMs).unref();
});
