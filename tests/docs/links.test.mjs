// SPDX-License-Identifier: Apache-2.0
// Goal: no link of the README, the changes or docs/ leads nowhere.
// Method: every relative link of every page is followed: the file is there, and the heading that it names
// is one of that page's, by the rule that shows pages as people read them (lower case, spaces to hyphens,
// other marks dropped, the second of a name with -1).
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pages = ['README.md', 'CHANGELOG.md'].map((name) => join(root, name)).concat(
  readdirSync(join(root, 'docs'), { recursive: true }).filter((name) => name.endsWith('.md'))
    .map((name) => join(root, 'docs', name)),
);
/** A page without what is shown as code: fenced blocks, and spans within a line. */
const prose = (text) => text.replace(/^```[^]*?^```$/gm, '')
  .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ''));

function anchors(file) {
  const seen = new Map();
  return prose(readFileSync(file, 'utf8')).match(/^#+ .*$/gm)?.map((heading) => {
    const slug = heading.replace(/^#+ /, '').toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  }) ?? [];
}

test('every link leads to a file, and to a heading of it', () => {
  const dead = [];
  let followed = 0;
  for (const page of pages) {
    for (const [, link] of prose(readFileSync(page, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path, anchor] = link.split('#');
      const file = path === '' ? page : resolve(dirname(page), path);
      followed += 1;
      if (!existsSync(file)) dead.push(`${relative(root, page)}: ${link}`);
      else if (anchor !== undefined && !anchors(file).includes(anchor)) dead.push(`${relative(root, page)}: ${link}`);
    }
  }
  assert.deepEqual(dead, []);
  assert.ok(followed > 200, `${followed} links`);
});
