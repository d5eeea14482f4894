// SPDX-License-Identifier: Apache-2.0
// A server of static files for pages under test. See browser.mjs for its use.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The root of the source tree, with a slash at its end. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

const types = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.json', 'application/json'],
  ['.map', 'application/json'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.wasm', 'application/wasm'],
]);

const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** The file that an address names: that of the longest prefix. */
function fileOf(folders, pathname) {
  const path = normalize(decodeURIComponent(pathname));
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);
  const prefix = prefixes.find((one) => path.startsWith(one));
  if (prefix === undefined || path.split(sep).includes('..') || path.includes('\0')) {
    return null;
  }
  const rest = path.slice(prefix.length);
  return join(folders[prefix], rest === '' || rest.endsWith('/') ? `${rest}index.html` : rest);
}

async function answer({ folders, pages, headers }, request, response) {
  const { pathname } = new URL(request.url, 'http://host');
  const page = pages[pathname];
  const file = fileOf(folders, pathname);
  let body = page;
  if (body === undefined && file !== null) {
    body = await readFile(file).catch(() => undefined);
  }
  const type = page !== undefined ? '.html' : extname(file ?? '');
  response.writeHead(body === undefined ? 404 : 200, {
    'content-type': types.get(body === undefined ? '.txt' : type) ?? 'application/octet-stream',
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(body ?? `there is nothing at ${pathname}\n`);
}

/**
 * Serves files on a free port of 127.0.0.1 until the test file ends.
 *   folders   address prefix (with slashes around it) -> folder; `/` is the source tree by default
 *   pages     address -> HTML text; `/blank.html` is always there
 *   isolated  true: with COOP and COEP
 *   headers   others for every answer
 *   port      another one than a free one
 */
export async function serve({ folders = {}, pages = {}, isolated = false, headers = {}, port = 0 } = {}) {
  const site = {
    folders: { '/': root, ...folders },
    pages: {
      '/blank.html': '<!doctype html><meta charset="utf-8"><title>blank</title>',
      '/favicon.ico': '', // browsers ask for it by themselves
      ...pages,
    },
    headers: { ...(isolated ? isolation : {}), ...headers },
  };
  const server = http.createServer((request, response) => {
    answer(site, request, response).catch((error) => {
      response.writeHead(400, { 'content-type': 'text/plain' }).end(`${error.message}\n`);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.closeAllConnections();
    server.close();
  };
  after(stop);
  return { origin: `http://127.0.0.1:${server.address().port}`, stop };
}
