// SPDX-License-Identifier: Apache-2.0
// The folder that the central node shows: the page as it lies in demo/page, the package as it lies
// in build/npm (what a browser needs of it, with SQL), and two files that are made here:
//
//     airports.json   {run, airports}: which run of the demo this is, and its airports
//     files.js        {version, files} for the page's service worker
//
// A tab's databases follow one log. Every run of the demo has a new one, hence the name of the run.
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const page = fileURLToPath(new URL('page/', import.meta.url));
const npm = process.env.RIVULET_NPM ?? fileURLToPath(new URL('../build/npm/', import.meta.url));

const FOR_BROWSERS = /\.(?:js|wasm)$/;
const FOR_OTHERS = /^(?:node|worker-node)\.js$|-nosql\.wasm$|^storage\/(?:files|flock)\.js$/;

/** The paths of all files below a folder, sorted. */
function filesOf(folder) {
  const files = [];
  const folders = [''];
  while (folders.length > 0) {
    const below = folders.pop();
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      (entry.isDirectory() ? folders : files).push(join(below, entry.name));
    }
  }
  return files.sort();
}

function copy(from, files, to) {
  for (const file of files) cpSync(join(from, file), join(to, file));
}

/** Of the content of files, in their order. */
function versionOf(folder, files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest('hex').slice(0, 16);
}

/** The airports for the page, the busiest first. */
function listOf(airports, flights) {
  const departures = new Map();
  for (const { iata } of flights) departures.set(iata, (departures.get(iata) ?? 0) + 1);
  const count = ({ iata }) => departures.get(iata) ?? 0;
  return [...airports.values()].sort((a, b) => count(b) - count(a) || (a.iata < b.iata ? -1 : 1));
}

/** Makes the folder; false when there is no package, and so no page. */
export function makePublic(folder, airports, flights) {
  if (!existsSync(join(npm, 'rivulet.wasm'))) return false;
  mkdirSync(folder, { recursive: true });
  copy(page, filesOf(page), folder);
  const wanted = filesOf(npm).filter((file) => FOR_BROWSERS.test(file) && !FOR_OTHERS.test(file));
  copy(npm, wanted, join(folder, 'rivulet'));
  const run = randomBytes(6).toString('hex');
  const list = JSON.stringify({ run, airports: listOf(airports, flights) });
  writeFileSync(join(folder, 'airports.json'), list);
  const files = filesOf(folder).filter((file) => file !== 'sw.js');
  const build = { version: versionOf(folder, files), files: ['./', ...files] };
  writeFileSync(join(folder, 'files.js'), `self.build = ${JSON.stringify(build, null, 2)};\n`);
  return true;
}
