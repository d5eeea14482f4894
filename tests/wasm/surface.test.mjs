// SPDX-License-Identifier: Apache-2.0
// Goal: a module's imports and exports are its contract and nothing else; it carries no names and no
// debugging sections.
// Method: the modules as built, beside the names that the headers declare (RV_EXPORT, RV_IMPORT).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

function declared(header, macro) {
  const text = readFileSync(join(root, header), 'utf8');
  return [...text.matchAll(new RegExp(`${macro}\\((\\w+)\\)(?! __attribute)`, 'g'))]
    .map((match) => match[1])
    .filter((name) => name !== 'name'); // the macro's own definition
}

const reactor = declared('wasi/reactor.h', 'RV_EXPORT');
const browser = declared('platform/browser/browser.h', 'RV_EXPORT');
const imported = declared('platform/browser/browser.h', 'RV_IMPORT');
const wasi = 'wasi_snapshot_preview1';

const modules = {
  'browser/rivulet': { exports: [...reactor, ...browser], imports: 'rivulet' },
  'wasi/rivulet-reactor': { exports: [...reactor, '_initialize'], imports: wasi },
  'wasi/rivulet': { exports: ['_start'], imports: wasi },
};

for (const [path, { exports, imports }] of Object.entries(modules)) {
  for (const suffix of ['', '-nosql']) {
    const name = `${path}${suffix}.wasm`;
    test(`${name} exports and imports what its header says`, () => {
      const module = new WebAssembly.Module(readFileSync(join(root, 'build', name)));
      const names = WebAssembly.Module.exports(module).map((one) => one.name);
      assert.deepEqual(names.sort(), ['memory', ...exports].sort());
      for (const one of WebAssembly.Module.imports(module)) {
        assert.equal(one.module, imports, `${one.module}.${one.name}`);
        assert.equal(one.kind, 'function');
        if (imports === 'rivulet') assert.ok(imported.includes(one.name), one.name);
      }
      for (const section of ['name', '.debug_info', '.debug_line', 'sourceMappingURL']) {
        assert.equal(WebAssembly.Module.customSections(module, section).length, 0, section);
      }
    });
  }
}

test('the headers were understood', () => {
  assert.ok(reactor.length >= 20 && reactor.includes('rv_module_open'));
  assert.deepEqual(browser, ['rv_host_done']);
  assert.ok(imported.length >= 12 && imported.includes('file_read'));
});
