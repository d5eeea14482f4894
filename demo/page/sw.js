// SPDX-License-Identifier: Apache-2.0
// The page's own files without the node: all files of a build are fetched when it is installed,
// into a cache of that build. While the node is there its files are shown, so a new build is seen
// at once; when it does not answer, or not soon, those of the cache. Everything else (status, sync)
// passes by.
//
// files.js says what the build is: self.build = {version, files}. demo/public.mjs writes it.
importScripts('files.js');

const SOON_MS = 1500;
const PREFIX = 'rivulet-departures-';

const { version, files } = self.build;
const cacheName = PREFIX + version;
const scope = new URL('./', self.location.href);
const known = new Set(files.map((file) => new URL(file, scope).pathname));

async function install() {
  const cache = await caches.open(cacheName);
  await cache.addAll(files.map((file) => new Request(new URL(file, scope), { cache: 'no-cache' })));
  await self.skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== cacheName);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** The node's answer when it begins soon and is good; else null: that is what the cache is for. */
async function fetchSoon(address) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), SOON_MS);
  try {
    const response = await fetch(address, { cache: 'no-cache', signal: late.signal });
    return response.ok ? response : null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

async function answer({ pathname }) {
  const address = scope.origin + pathname;
  const response = await fetchSoon(address);
  if (response) return response;
  const cache = await caches.open(cacheName);
  return (await cache.match(address)) ?? Response.error();
}

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  const own = url.origin === scope.origin && known.has(url.pathname);
  if (own && event.request.method === 'GET') event.respondWith(answer(url));
});
