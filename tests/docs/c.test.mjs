// SPDX-License-Identifier: Apache-2.0
// Goal: every program in docs/c compiles as a user would compile it, against the installed library,
// static and shared, without a warning, and prints what its page says; the headers are C++ as well;
// the shared library shows nothing but what is declared RV_API, and needs nothing but libc.
// Method: the library is installed into a folder, flags come from pkg-config; a page's program is its
// ```c block, what it prints the ```text block that follows, if one does.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const build = dirname(process.env.RIVULET_BIN ?? join(root, 'build/native/rivulet'));
const pages = join(root, 'docs/c');
const folder = mkdtempSync(join(tmpdir(), 'rivulet-docs-c-'));
const prefix = join(folder, 'installed');
after(() => rmSync(folder, { recursive: true }));

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 60000,
    ...options,
  });
  assert.ifError(error);
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

function pkgConfig(...args) {
  const env = { ...process.env, PKG_CONFIG_PATH: join(prefix, 'lib/pkgconfig') };
  return run('pkg-config', [...args, 'rivulet'], { env }).trim().split(/\s+/);
}

run('cmake', ['--install', build, '--prefix', prefix]);

/** The programs of the pages: { name, program, output }. */
const programs = readdirSync(pages)
  .filter((name) => name.endsWith('.md') && name !== 'README.md')
  .map((name) => {
    const text = readFileSync(join(pages, name), 'utf8');
    const [, program, after] = /```c\n([\s\S]*?)```([\s\S]*)/.exec(text) ?? [];
    assert.ok(program, `${name} has a program`);
    return { name, program, output: /```text\n([\s\S]*?)```/.exec(after)?.[1] };
  });

const warnings = ['-std=c11', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror', '-O1'];

function runs({ name, program, output }, kind, libraries, env) {
  const place = join(folder, kind, name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'example.c'), program);
  const args = [...warnings, ...pkgConfig('--cflags'), 'example.c', ...libraries, '-o', 'example'];
  run('cc', args, { cwd: place });
  const printed = run('./example', [], { cwd: place, env: { ...process.env, ...env } });
  if (output !== undefined) assert.equal(printed.slice(0, output.length), output);
  return printed;
}

test('the pages are all there, and linked', () => {
  const index = readFileSync(join(pages, 'README.md'), 'utf8');
  assert.ok(programs.length >= 7);
  for (const { name } of programs) assert.ok(index.includes(`(${name})`), `${name} is linked`);
});

for (const page of programs) {
  test(`docs/c/${page.name}`, () => {
    const fromArchive = runs(page, 'static', [join(prefix, 'lib/librivulet.a')], {});
    const fromShared = runs(page, 'shared', pkgConfig('--libs'), {
      LD_LIBRARY_PATH: join(prefix, 'lib'),
    });
    assert.equal(fromShared, fromArchive);
  });
}

test('the headers are C++ as well, each by itself', () => {
  for (const header of readdirSync(join(prefix, 'include/rivulet'))) {
    for (const [compiler, language, standard] of [
      ['cc', 'c', '-std=c11'],
      ['c++', 'c++', '-std=c++17'],
    ]) {
      const args = ['-x', language, standard, '-Wall', '-Wextra', '-Werror', '-fsyntax-only'];
      run(compiler, [...args, ...pkgConfig('--cflags'), '-'], {
        input: `#include <rivulet/${header}>\n#include <rivulet/${header}>\n`,
      });
    }
  }
});

test('the shared library shows its interface, and needs the C library alone', () => {
  const library = join(prefix, 'lib/librivulet.so');
  const shown = run('nm', ['-D', '--defined-only', '--format=posix', library])
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  const headers = ['rivulet', 'outbox', 'directory', 'status'].map((name) =>
    readFileSync(join(prefix, 'include/rivulet', `${name}.h`), 'utf8'),
  );
  const declared = [...headers.join('\n').matchAll(/^RV_API [^(;]*?\b(rv_\w+)\(/gm)].map((m) => m[1]);
  assert.deepEqual(shown.sort(), declared.sort());
  const needed = [...run('readelf', ['-d', library]).matchAll(/NEEDED.*\[(.*)\]/g)].map((m) => m[1]);
  assert.deepEqual(needed, ['libc.so.6']);
});
