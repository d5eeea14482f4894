// SPDX-License-Identifier: Apache-2.0
// The lock of a data directory, in Node. It is the native binary's (docs/decisions/0007): flock of
// the file `lock`, which ends with its holder however that ends. Node has no flock, so
//
//     Linux            the program flock(1) holds it, in a process that ends when ours does: it
//                      reads a pipe of ours until that is closed
//     macOS, Windows   a flag of open has the effect (libuv's UV_FS_O_EXLOCK)
//     elsewhere        storage_unavailable
//
// The holder writes its process id into the file, for people and for programs without locks, and
// `free` over it when it closes. Programs without locks make `.held`, which is looked for then.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { RivuletError } from '../error.js';

/** Of the holder that a killed process leaves for a moment. */
const TRIES = 20;
const TRY_INTERVAL = 25; // milliseconds

/** Says that it has the lock, then waits for the end of its input. */
const HOLD = 'echo held; exec cat';

/** @type {Record<string, number>} */
const exclusive = { darwin: 0x20, win32: 0x10000000 };

/**
 * @typedef {object} Lock
 * @property {number} [held] the file, where nobody can open it once more
 * @property {() => void} check throws when the lock was lost
 * @property {() => Promise<void>} release
 */

/** The process that the file names, NaN when it names none. @param {string} file */
function pidIn(file) {
  try {
    return Number.parseInt(fs.readFileSync(file, 'utf8'), 10);
  } catch {
    return Number.NaN; // nobody else may read it on Windows
  }
}

/** Whether another process than ours has that id. @param {number} pid */
function runs(pid) {
  try {
    return !Number.isNaN(pid) && pid !== process.pid && process.kill(pid, 0);
  } catch (/** @type {any} */ error) {
    return error.code !== 'ESRCH';
  }
}

/** @param {string} directory @param {string} file */
function inUse(directory, file) {
  const pid = pidIn(file);
  const who = Number.isNaN(pid) ? 'another process' : `process ${pid}`;
  const detail = `data directory ${directory} is in use by ${who}`;
  return new RivuletError('data_in_use', detail, Number.isNaN(pid) ? {} : { pid });
}

/** A process that holds the lock, or null when another one does. @param {string} file */
async function holder(file) {
  const child = spawn('flock', ['-n', file, 'sh', '-c', HOLD], {
    detached: true, // a terminal's signals are not for it
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const held = once(child.stdout, 'data');
  const first = await Promise.race([held.then(() => 'held'), ended]).catch((error) => {
    const detail = `locking the data directory takes the program flock: ${error.message}`;
    throw new RivuletError('storage_unavailable', detail);
  });
  if (first === 'held') return { child, ended };
  held.catch(() => {});
  if (first[0] === 1) return null;
  throw new RivuletError('storage_failed', `flock ended with ${first[0]}`);
}

/** @param {string} directory @param {string} file @returns {Promise<Lock>} */
async function lockByProgram(directory, file) {
  let found = await holder(file);
  for (let i = 1; i < TRIES && !found && !runs(pidIn(file)); i++) {
    await new Promise((resolve) => setTimeout(resolve, TRY_INTERVAL));
    found = await holder(file);
  }
  if (!found) throw inUse(directory, file);
  const { child, ended } = found;
  let lost = false;
  child.on('exit', () => (lost = true));
  child.unref();
  return {
    check() {
      if (lost) throw new RivuletError('storage_failed', 'the lock of the data directory was lost');
    },
    async release() {
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}

/** @param {string} directory @param {string} file @param {number} flag @returns {Promise<Lock>} */
async function lockByFlag(directory, file, flag) {
  const { O_RDWR, O_CREAT, O_NONBLOCK = 0 } = fs.constants;
  try {
    const held = fs.openSync(file, O_RDWR | O_CREAT | O_NONBLOCK | flag, 0o640);
    return { held, check() {}, release: async () => fs.closeSync(held) };
  } catch (/** @type {any} */ error) {
    if (['EAGAIN', 'EBUSY', 'EWOULDBLOCK'].includes(error.code)) throw inUse(directory, file);
    throw new RivuletError('storage_failed', `cannot lock ${directory}: ${error.message}`);
  }
}

/**
 * Ten characters, as the native binary writes them.
 * @param {string} file @param {Lock} lock @param {string} text
 */
function sign(file, { held }, text) {
  const signed = held ?? fs.openSync(file, 'r+');
  fs.writeSync(signed, `${text.padEnd(10)}\n`, 0);
  if (held === undefined) fs.closeSync(signed);
}

/**
 * @param {string} directory an absolute path
 * @returns {Promise<Lock>}
 */
export async function lockDirectory(directory) {
  const file = path.join(directory, 'lock');
  const flag = exclusive[process.platform];
  if (flag === undefined && process.platform !== 'linux') {
    throw new RivuletError('storage_unavailable', `no lock is known for ${process.platform}`);
  }
  const lock = await (flag ? lockByFlag(directory, file, flag) : lockByProgram(directory, file));
  sign(file, lock, String(process.pid));
  const release = async () => {
    if (fs.existsSync(file)) sign(file, lock, 'free');
    await lock.release();
  };
  if (fs.existsSync(path.join(directory, '.held'))) {
    await release();
    const detail =
      `${directory}/.held says that a program without locks has it open; ` +
      'remove that file when none has';
    throw new RivuletError('data_in_use', detail);
  }
  return { check: lock.check, release };
}
