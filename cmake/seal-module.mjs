// SPDX-License-Identifier: Apache-2.0
// Closes a module that Emscripten linked. It always exports its errno, its stack and its table, and
// a start function that has nothing to start; here all exports go but the memory and our own. And
// it makes an import of whatever is undefined, so imports are looked at: every one must be of
// `rivulet` (platform/browser/browser.h), else the C library has brought it.
//
//     node cmake/seal-module.mjs MODULE      changes the file
//
// Only the section of exports is written anew, by the binary format of WebAssembly 1.0 (5.5.10): a
// vector of name, kind and index.
import { readFileSync, writeFileSync } from 'node:fs';

const HEADER_SIZE = 8;
const SECTION_EXPORTS = 7;

/** An unsigned LEB128 number: its value, and where it ends. */
function numberAt(bytes, at) {
  let value = 0;
  let shift = 0;
  for (; bytes[at] >= 128; at += 1, shift += 7) value += (bytes[at] & 127) * 2 ** shift;
  return { value: value + bytes[at] * 2 ** shift, end: at + 1 };
}

function numberBytes(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

/** The section's contents with those exports only whose name is kept. */
function exportsKept(section, kept) {
  const count = numberAt(section, 0);
  const items = [];
  let at = count.end;
  for (let i = 0; i < count.value; i += 1) {
    const start = at;
    const name = numberAt(section, at);
    at = name.end + name.value;
    const text = section.toString('utf8', name.end, at);
    at = numberAt(section, at + 1).end;
    if (kept(text)) items.push(section.subarray(start, at));
  }
  return Buffer.concat([numberBytes(items.length), ...items]);
}

function sealed(bytes, kept) {
  const parts = [bytes.subarray(0, HEADER_SIZE)];
  for (let at = HEADER_SIZE; at < bytes.length; ) {
    const id = bytes[at];
    const size = numberAt(bytes, at + 1);
    let contents = bytes.subarray(size.end, size.end + size.value);
    at = size.end + size.value;
    if (id === SECTION_EXPORTS) contents = exportsKept(contents, kept);
    parts.push(Buffer.from([id]), numberBytes(contents.length), contents);
  }
  return Buffer.concat(parts);
}

const file = process.argv[2];
const bytes = readFileSync(file);
const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
const strange = imports.filter((one) => one.module !== 'rivulet');
if (strange.length > 0) {
  console.error(`${file} imports ${strange.map((i) => `${i.module}.${i.name}`).join(', ')}`);
  process.exit(1);
}
writeFileSync(file, sealed(bytes, (name) => name === 'memory' || name.startsWith('rv_')));
