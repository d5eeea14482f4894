// SPDX-License-Identifier: Apache-2.0
// A Worker for tests/e2e/workerd.test.mjs: a database in memory, opened by the first request, and the
// request handler of face/ behind HTTP; `PUT /close` closes it. The module is one that workerd has
// compiled, since a Worker compiles none. Storage in memory does everything at once, so "not yet"
// means to poll and ask again.
import { Engine, requestBytes } from '../../js/engine.js';
import { END, OK, PENDING } from '../../js/error.js';
import { mount } from '../../js/storage/memory.js';
import module from './rivulet.wasm';

const REQUEST_MAX = 1 << 20;
const POLLS_MAX = 100000;

let opening;

/** Asks until the answer is not `notYet`. */
function until(engine, notYet, ask) {
  for (let i = 0; i < POLLS_MAX; i += 1) {
    const answer = ask();
    if (answer !== notYet) return answer;
    engine.poll(0);
  }
  throw new Error('pending for ever');
}

async function open() {
  const engine = new Engine(await mount('worker'));
  await engine.instantiate(module);
  const at = engine.alloc(REQUEST_MAX);
  const options = new TextEncoder().encode(JSON.stringify({ memory: 32 << 20, role: 'root' }));
  engine.put(at, options);
  if (until(engine, PENDING, () => engine.open(at, options.length)) !== OK) throw engine.error();
  return { engine, at };
}

function ask({ engine, at }, request) {
  const bytes = requestBytes(request);
  engine.put(at, bytes);
  const exchange = engine.begin(at, bytes.length);
  if (exchange < 0) throw engine.error();
  const status = until(engine, 0, () => engine.head(exchange));
  const decoder = new TextDecoder();
  let text = '';
  while (until(engine, PENDING, () => engine.body(exchange, 0)) !== END) {
    text += decoder.decode(engine.out(), { stream: true });
  }
  engine.end(exchange);
  return new Response(text, { status });
}

export default {
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    const opened = await (opening ??= open());
    if (request.method === 'PUT' && pathname === '/close') {
      const status = until(opened.engine, PENDING, () => opened.engine.close());
      return new Response(status === END ? 'closed' : `status ${status}`);
    }
    return ask(opened, {
      method: request.method,
      target: pathname + search,
      content_type: request.headers.get('Content-Type') ?? '',
      accept: request.headers.get('Accept') ?? '',
      event_type: request.headers.get('X-Event-Type') ?? '',
      body: await request.text(),
    });
  },
};
