// SPDX-License-Identifier: Apache-2.0
// Goal: `rivulet doctor` finds a bit that was flipped anywhere in a data directory, names the file and
// the place, says what is intact, and changes nothing.
// Method: directories are made by the program itself; bits are flipped at random places of each kind of
// file. All files are hashed before and after. What it says of the log is compared with what recovery,
// which is other code, makes of a copy without its caches.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFileSync, closeSync, cpSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, rmSync,
  truncateSync, writeFileSync, writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Node, cli, folder, must, ndjson, prepared, synced } from './harness.mjs';

/** Numbers below `n`, the same in every run. */
function random(seed) {
  let state = BigInt(seed);
  return (n) => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number((state >> 33n) % BigInt(n));
  };
}

function hashes(data) {
  return Object.fromEntries(readdirSync(data).sort().map((name) => [
    name, createHash('sha256').update(readFileSync(join(data, name))).digest('hex'),
  ]));
}

/** Its report and exit code; nothing in the directory has changed. */
function doctor(data, check = true) {
  const before = check && hashes(data);
  const run = cli(['doctor', '--json', '--data', data]);
  if (check) assert.deepEqual(hashes(data), before, 'nothing is changed');
  assert.equal(run.err, '');
  return { code: run.code, ...JSON.parse(run.out) };
}

/** Flips one bit; flipping it again undoes that. */
function flip(file, offset, bit) {
  const fd = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, offset);
  byte[0] ^= 1 << bit;
  writeSync(fd, byte, 0, 1, offset);
  closeSync(fd);
}

function size(file) {
  const fd = openSync(file, 'r');
  const { size: bytes } = fstatSync(fd);
  closeSync(fd);
  return bytes;
}

function events(count) {
  const list = [];
  for (let i = 0; list.length < count; i += 1) {
    list.push(
      { path: `/accounts/${i}`, type: 'account_opened', data: { name: `n${i}` }, event_id: uuid(i) },
      { path: `/accounts/${i}`, type: 'money_paid', data: { amount: i } },
    );
  }
  return list;
}

function uuid(i) {
  return `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`;
}

/** A sealed directory with a checkpoint and index runs. */
function filled(parent, name, count = 30000) {
  const data = prepared(parent, name);
  must(['import', ndjson(join(parent, `${name}.ndjson`), events(count)), '--batch', '100', '--data', data]);
  return data;
}

/** What recovery says of a copy without caches: the last position, and whether it is damaged. */
function recovered(data, copy) {
  rmSync(copy, { recursive: true, force: true });
  cpSync(data, copy, { recursive: true });
  for (const name of readdirSync(copy).filter((n) => /^(ckp|idx)-/.test(n))) rmSync(join(copy, name));
  const run = cli(['status', '--json', '--data', copy]);
  assert.ok(run.code === 0 || run.code === 3, run.err);
  return { damaged: run.code === 3, position: run.out === '' ? 0 : JSON.parse(run.out).position };
}

test('an intact directory is intact, and an empty one', () => {
  const parent = folder('doctor');
  const data = filled(parent, 'intact');
  const report = doctor(data);
  assert.equal(report.code, 0);
  assert.equal(report.state, 'intact');
  assert.deepEqual(report.intact, { sequence: 30001, position: 30001 });
  assert.deepEqual(report.findings, []);
  assert.equal(report.sealed, true);
  assert.equal(report.segments[0].events, 30001);
  const text = cli(['doctor', '--data', data]);
  assert.equal(text.code, 0);
  assert.match(text.out, /^Intact\./);
  mkdirSync(join(parent, 'empty'));
  assert.equal(doctor(join(parent, 'empty')).code, 0);
  const missing = cli(['doctor', '--data', join(parent, 'missing')]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /data_not_found/);
});

test('bits of caches are found where they are', () => {
  const parent = folder('doctor');
  const data = filled(parent, 'caches');
  const next = random(1);
  const files = readdirSync(data).filter((name) => /^(ckp|idx)-/.test(name));
  assert.ok(files.some((n) => n.startsWith('ckp-')) && files.some((n) => n.startsWith('idx-')));
  for (let i = 0; i < 60; i += 1) {
    const file = i % 2 ? files.find((n) => n.startsWith('ckp-')) : files.filter((n) => n.startsWith('idx-'))[0];
    const bytes = size(join(data, file));
    const offset = i < 8 ? next(4096) : i < 16 ? bytes - 1 - next(4096) : next(bytes);
    const bit = next(8);
    flip(join(data, file), offset, bit);
    const report = doctor(data);
    const place = `${file} at ${offset}`;
    assert.equal(report.code, 3, place);
    assert.equal(report.state, 'damaged_cache', place);
    assert.equal(report.intact.position, 30001, place);
    assert.ok(report.findings.length > 0 && report.findings.every((f) => f.file === file), place);
    const near = file.startsWith('ckp-') ? 16384 : 4096;
    assert.ok(report.findings.some((f) => f.offset <= offset && offset < f.offset + near), place);
    flip(join(data, file), offset, bit);
  }
  assert.equal(doctor(data).code, 0);
});

test('bits of a sealed log are found, as recovery finds them', { timeout: 120000 }, () => {
  const parent = folder('doctor');
  const data = filled(parent, 'sealed', 9000);
  const next = random(2);
  const file = readdirSync(data).find((name) => name.startsWith('log-'));
  const path = join(data, file);
  const bytes = size(path);
  for (let i = 0; i < 60; i += 1) {
    const offset = i < 10 ? next(4096) : i < 15 ? bytes - 1 - next(64) : next(bytes);
    const bit = next(8);
    flip(path, offset, bit);
    const report = doctor(data);
    const there = recovered(data, join(parent, 'copy'));
    const found = report.findings.find((f) => f.kind === 'damage');
    const place = `offset ${offset}, bit ${bit}`;
    assert.equal(report.code, 3, place);
    assert.equal(there.damaged, true, place);
    assert.equal(found.file, file, place);
    assert.ok(found.offset <= offset && offset < found.offset + 8192, `${place}: ${found.offset}`);
    assert.equal(report.intact.position, there.position, place);
    if (offset >= 4096 && offset < bytes - 8192) {
      assert.ok(report.behind.events > 0, place);
      const lost = 9001 - report.intact.sequence - report.behind.events;
      assert.ok(lost > 0 && lost <= 100, `${place}: one batch of ${lost} events is lost`);
    }
    flip(path, offset, bit);
  }
  truncateSync(path, bytes - 100);
  assert.equal(doctor(data).state, 'damaged');
  truncateSync(path, 0);
  assert.equal(doctor(data).state, 'damaged');
  rmSync(path);
  const report = doctor(data);
  assert.equal(report.code, 3);
  assert.match(report.findings[0].detail, /missing/);
});

test('a log cut short at any length is judged as recovery judges it', { timeout: 120000 }, () => {
  const parent = folder('doctor');
  const data = filled(parent, 'short', 400);
  const path = join(data, readdirSync(data).find((name) => name.startsWith('log-')));
  const content = readFileSync(path);
  const next = random(5);
  for (let i = 0; i < 40; i += 1) {
    const length = i < 5 ? next(4096) : i < 15 ? content.length - 1 - next(200) : next(content.length);
    writeFileSync(path, content.subarray(0, length));
    const report = doctor(data);
    const there = recovered(data, join(parent, 'copy'));
    assert.equal(report.code, there.damaged ? 3 : 0, `length ${length}`);
    assert.equal(report.intact.position, there.position, `length ${length}`);
  }
  writeFileSync(path, content);
  assert.equal(doctor(data).code, 0);
});

/** CRC-32C, from the polynomial. */
function crc32c(crc, bytes) {
  let c = ~crc;
  for (const byte of bytes) {
    c ^= byte;
    for (let i = 0; i < 8; i += 1) c = (c >>> 1) ^ (c & 1 ? 0x82f63b78 : 0);
  }
  return ~c >>> 0;
}

/** Makes all checksums and links of a segment's batches again; where each begins. */
function rechain(segment) {
  const salt = segment.readUInt32LE(96);
  const places = [];
  let previous = segment.readUInt32LE(4092);
  for (let at = 4096; at < segment.length;) {
    const end = at + 64 + Math.ceil(segment.readUInt32LE(at + 4) / 8) * 8;
    segment.writeUInt32LE((previous ^ salt) >>> 0, at + 8);
    previous = crc32c(salt, segment.subarray(at + 4, end));
    segment.writeUInt32LE(previous, at);
    places.push(at);
    at = end;
  }
  return places;
}

test('events that do not decode, in batches whose checksums are right', { timeout: 120000 }, () => {
  const parent = folder('doctor');
  const data = filled(parent, 'decode', 400);
  const path = join(data, readdirSync(data).find((name) => name.startsWith('log-')));
  const content = readFileSync(path);
  const next = random(7);
  const states = { intact: 0, damaged: 0, newer: 0 };
  for (let i = 0; i < 40; i += 1) {
    const segment = Buffer.from(content);
    const places = rechain(segment).slice(1).filter((at) => segment.readUInt32LE(at + 4) > 0);
    assert.deepEqual(segment, content, 'as the program makes them');
    const place = places[next(places.length)]; /* not the schema, not a seal */
    segment[place + 64 + next(segment.readUInt32LE(place + 4))] = next(256);
    rechain(segment);
    writeFileSync(path, segment);
    const report = doctor(data);
    states[report.state] += 1;
    if (report.state === 'intact') continue; /* another value, or what only a replay can know */
    const found = report.findings[0];
    assert.equal(found.offset, place);
    const run = cli(['status', '--json', '--data', data]);
    assert.ok(run.code !== 0, `${found.detail}, but it opens`);
    writeFileSync(path, content);
  }
  writeFileSync(path, content);
  assert.ok(states.damaged > 3 && states.newer > 3, JSON.stringify(states));
});

test("an edge's directory", { timeout: 60000 }, async () => {
  const parent = folder('doctor');
  const central = await Node.start(prepared(parent, 'central'));
  const list = events(400);
  assert.equal((await central.batch(list)).status, 201);
  const edge = await Node.start(join(parent, 'edge'), '--upstream', central.syncUrl, '--select', '/accounts/1');
  await synced(edge, 401);
  assert.equal(await edge.stop(), 0);
  assert.equal(await central.stop(), 0);
  const report = doctor(edge.data);
  assert.equal(report.code, 0, JSON.stringify(report.findings));
  assert.equal(report.intact.position, 401);
  const path = join(edge.data, report.segments[0].file);
  const next = random(6);
  for (let i = 0; i < 20; i += 1) {
    const offset = next(size(path));
    flip(path, offset, i % 8);
    const found = doctor(edge.data);
    const there = recovered(edge.data, join(parent, 'copy'));
    assert.equal(found.code, 3, `offset ${offset}`);
    assert.equal(there.damaged, true, `offset ${offset}`);
    assert.equal(found.intact.position, there.position, `offset ${offset}`);
    flip(path, offset, i % 8);
  }
});

test('a node that was killed: in use, then a torn tail, then bits, as recovery judges them', { timeout: 120000 }, async () => {
  const parent = folder('doctor');
  const node = await Node.start(prepared(parent, 'killed'));
  const list = events(2000);
  for (let at = 0; at < list.length; at += 50) {
    assert.equal((await node.batch(list.slice(at, at + 50))).status, 201);
  }
  const used = cli(['doctor', '--data', node.data]);
  assert.equal(used.code, 1);
  assert.match(used.err, /data_in_use/);
  await node.kill();
  const data = node.data;
  const clean = doctor(data);
  assert.equal(clean.code, 0);
  assert.deepEqual(clean.intact, { sequence: 2001, position: 2001 });
  assert.equal(clean.sealed, false);

  const file = readdirSync(data).find((name) => name.startsWith('log-'));
  const path = join(data, file);
  const content = readFileSync(path);
  let end = content.length;
  while (content[end - 1] === 0) end -= 1;
  const next = random(3);
  const seen = new Set();
  for (let i = 0; i < 60; i += 1) {
    const offset = i < 12 ? end - 1 - next(600) : i < 20 ? end + 8 + next(4000) : next(end);
    const bit = next(8);
    flip(path, offset, bit);
    const report = doctor(data);
    const there = recovered(data, join(parent, 'copy'));
    const place = `offset ${offset} of ${end}, bit ${bit}`;
    assert.ok(report.findings.length > 0, place);
    const found = report.findings.find((f) => f.kind === 'damage' || f.kind === 'torn_tail');
    assert.equal(found.file, file, place);
    assert.ok(found.offset <= offset && offset < found.offset + 8192, place);
    assert.equal(report.code, there.damaged ? 3 : 0, place);
    assert.equal(report.state, there.damaged ? 'damaged' : 'torn_tail', place);
    assert.equal(report.intact.position, there.position, place);
    seen.add(report.state);
    flip(path, offset, bit);
  }
  assert.deepEqual([...seen].sort(), ['damaged', 'torn_tail']);

  const batch = end - 40;
  writeFileSync(path, Buffer.concat([content.subarray(0, batch), Buffer.alloc(content.length - batch)]));
  const torn = doctor(data);
  assert.equal(torn.code, 0);
  assert.equal(torn.state, 'torn_tail');
  assert.deepEqual(torn.intact, { sequence: 1951, position: 1951 });
  must(['status', '--json', '--data', data]);
  const kept = doctor(data);
  assert.equal(kept.code, 0);
  assert.deepEqual(kept.findings.map((f) => [f.file, f.kind]), [['cut-0000000000000001.bin', 'kept']]);
  assert.equal(size(join(data, 'cut-0000000000000001.bin')), torn.torn_bytes);
});

test('two segments: damage in the first leaves the second readable', { timeout: 120000 }, () => {
  const parent = folder('doctor');
  const data = prepared(parent, 'two');
  const text = 'x'.repeat(32000);
  const list = [
    { path: '/accounts/1', type: 'account_opened', data: { name: 'n' } },
    { path: '/accounts/1', type: 'contact_added', data: { contact_id: 'a', name: 'Ada' } },
  ];
  for (let i = 0; i < 2300; i += 1) {
    list.push({ path: '/accounts/1', type: 'contact_renamed', data: { contact_id: 'a', name: `${i}${text}` } });
  }
  must(['import', ndjson(join(parent, 'two.ndjson'), list), '--batch', '20', '--data', data]);
  const [first, second] = readdirSync(data).filter((name) => name.startsWith('log-')).sort();
  assert.ok(second, 'there are two segments');
  assert.equal(doctor(data).code, 0);
  const next = random(4);
  const bytes = size(join(data, first));
  for (let i = 0; i < 12; i += 1) {
    const offset = i < 4 ? next(4096) : next(bytes);
    flip(join(data, first), offset, i % 8);
    const report = doctor(data, i < 2);
    assert.equal(report.code, 3);
    const damage = report.findings.filter((f) => f.kind === 'damage');
    assert.deepEqual(damage.map((f) => f.file), [first], JSON.stringify(damage));
    assert.ok(damage[0].offset <= offset && offset < damage[0].offset + (1 << 20), `offset ${offset}`);
    assert.deepEqual(report.segments.map((s) => s.intact), [false, true]);
    assert.ok(report.behind.last_sequence === 2303 && report.behind.events >= report.segments[1].events);
    flip(join(data, first), offset, i % 8);
  }
  flip(join(data, second), 70, 1);
  const header = doctor(data, false);
  assert.deepEqual(header.findings.filter((f) => f.kind === 'damage').map((f) => [f.file, f.offset]), [[second, 0]]);
  assert.equal(header.intact.sequence, header.segments[0].events);
  rmSync(join(data, first));
  flip(join(data, second), 70, 1);
  const missing = doctor(data, false);
  assert.equal(missing.code, 3);
  assert.match(missing.findings.find((f) => f.kind === 'damage').detail, /segments before are missing/);
});

test('caches of another log are told', () => {
  const parent = folder('doctor');
  const data = filled(parent, 'one', 20000);
  const other = filled(parent, 'other', 20000);
  const caches = (path) => readdirSync(path).filter((name) => /^(ckp|idx)-/.test(name)).sort();
  for (const name of caches(data)) rmSync(join(data, name));
  const names = caches(other);
  assert.ok(names.length > 1);
  for (const name of names) cpSync(join(other, name), join(data, name));
  const report = doctor(data);
  assert.equal(report.code, 0);
  assert.deepEqual(report.findings.map((f) => [f.file, f.kind]).sort(), names.map((name) => [name, 'other_version']));
  must(['status', '--json', '--data', data]);
});

test('files that are left over, kept, or of nobody are told', () => {
  const parent = folder('doctor');
  const data = filled(parent, 'others', 100);
  writeFileSync(join(data, 'notes.txt'), 'mine');
  mkdirSync(join(data, 'folder'));
  writeFileSync(join(data, 'ckp-00000000000000ff.bin'), Buffer.alloc(8192));
  const first = readdirSync(data).find((name) => name.startsWith('log-'));
  writeFileSync(join(data, first.replace('log-0000', 'log-0001')), Buffer.alloc(4096));
  rmSync(join(data, 'folder'), { recursive: true });
  const report = doctor(data);
  assert.equal(report.code, 0, JSON.stringify(report.findings));
  assert.deepEqual(report.findings.map((f) => [f.file, f.kind]).sort(), [
    ['ckp-00000000000000ff.bin', 'leftover'],
    ['log-0001-0000000000000001.seg', 'leftover'],
    ['notes.txt', 'unknown'],
  ]);
  appendFileSync(join(data, 'panics'), Buffer.alloc(32, 1));
  assert.equal(doctor(data).code, 3, 'a damaged record');
});
