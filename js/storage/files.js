// SPDX-License-Identifier: Apache-2.0
// Storage in Node: a database is a directory of files, with the names, format and lock of the
// native binary (platform/posix), so what one made the other opens. Reads and writes are done at
// once; a flush (fdatasync, and the directory's fsync when names are new) is pending.
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { RivuletError } from '../error.js';
import { lockDirectory } from './flock.js';

const sizeMax = Number.MAX_SAFE_INTEGER;
const flushData = promisify(fs.fdatasync);
const flushNames = promisify(fs.fsync);

/** platform/file_name.h */
const validName = /^(?!lock$)[a-z0-9-][a-z0-9.-]{0,63}$/;

/** @type {Record<string, string>} */
const codes = {
  ENOENT: 'data_not_found',
  EEXIST: 'data_exists',
  EACCES: 'data_not_writable',
  EPERM: 'data_not_writable',
  EROFS: 'data_not_writable',
  ENOTDIR: 'data_not_writable',
  ENOSPC: 'storage_full',
  EDQUOT: 'storage_full',
  EFBIG: 'storage_full',
};

/**
 * What the system said, as an error with a code of those that the operation can have.
 * @param {any} error @param {string[]} allowed @param {string} what
 */
function failure(error, allowed, what) {
  const code = codes[error.code];
  const told = allowed.includes(code) ? code : 'storage_failed';
  return new RivuletError(told, `${what}: ${error.message}`);
}

/** @param {string} name @param {string} code of a name that no file can have */
function checkName(name, code) {
  if (!validName.test(name)) throw new RivuletError(code, `no file is called ${name}`);
}

/** @param {number} end of a file */
function checkSize(end) {
  if (end > sizeMax) throw new RivuletError('storage_full', 'no file can be that large');
}

export class FileStorage {
  mode = 'files';
  persistent = true;
  #directory;
  #directoryFile; // its descriptor, to flush names
  #lock;
  #namesMade = 1; // an earlier process may have left names that are not durable
  #namesDurable = 0;

  /** @param {string} directory @param {import('./flock.js').Lock} lock */
  constructor(directory, lock) {
    this.#directory = directory;
    this.#directoryFile = fs.openSync(directory, 'r');
    this.#lock = lock;
  }

  /** @param {string} name @param {string} flags @param {string[]} allowed */
  #open(name, flags, allowed) {
    try {
      const file = fs.openSync(path.join(this.#directory, name), flags, 0o640);
      return { file, size: fs.fstatSync(file).size };
    } catch (error) {
      throw failure(error, allowed, `open ${name}`);
    }
  }

  /** @param {string} name */
  open(name) {
    checkName(name, 'data_not_found');
    return this.#open(name, 'r+', ['data_not_found', 'data_not_writable']);
  }

  /** @param {string} name */
  create(name) {
    checkName(name, 'storage_failed');
    this.#lock.check();
    const made = this.#open(name, 'wx+', ['data_exists', 'data_not_writable', 'storage_full']);
    this.#namesMade += 1;
    return made;
  }

  /** @param {number} file */
  close(file) {
    fs.closeSync(file);
  }

  /** @param {number} file @param {number} offset @param {Uint8Array} into */
  read(file, offset, into) {
    try {
      let done = 0;
      while (done < into.length) {
        const count = fs.readSync(file, into, done, into.length - done, offset + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    } catch (error) {
      throw failure(error, [], 'read');
    }
  }

  /** @param {number} file @param {number} offset @param {Uint8Array} bytes */
  write(file, offset, bytes) {
    this.#lock.check();
    checkSize(offset + bytes.length);
    let done = 0;
    try {
      while (done < bytes.length) {
        done += fs.writeSync(file, bytes, done, bytes.length - done, offset + done);
      }
    } catch (error) {
      if (done === 0) throw failure(error, ['storage_full'], 'write');
    }
    return done; // what failed after some bytes comes back with the next call
  }

  /** @param {number} file @param {number} size */
  truncate(file, size) {
    this.#lock.check();
    checkSize(size);
    try {
      fs.ftruncateSync(file, size);
    } catch (error) {
      throw failure(error, ['storage_full'], 'truncate');
    }
  }

  /** @param {string} name */
  remove(name) {
    this.#lock.check();
    checkName(name, 'data_not_found');
    try {
      fs.unlinkSync(path.join(this.#directory, name));
      this.#namesMade += 1;
    } catch (error) {
      throw failure(error, ['data_not_found'], `remove ${name}`);
    }
  }

  list() {
    try {
      return fs
        .readdirSync(this.#directory, { withFileTypes: true })
        .filter((entry) => entry.isFile() && validName.test(entry.name))
        .map((entry) => entry.name);
    } catch (error) {
      throw failure(error, [], 'list');
    }
  }

  /** @param {number} file */
  async flush(file) {
    this.#lock.check();
    const names = this.#namesMade;
    try {
      await flushData(file);
      // Windows keeps names without being asked, and flushes no directory
      if (names > this.#namesDurable && process.platform !== 'win32') {
        await flushNames(this.#directoryFile);
      }
      this.#namesDurable = Math.max(this.#namesDurable, names);
    } catch (error) {
      throw failure(error, [], 'flush');
    }
  }

  async unmount() {
    fs.closeSync(this.#directoryFile);
    await this.#lock.release();
  }
}

/** @param {string} directory @param {boolean} make */
function openDirectory(directory, make) {
  const place = path.resolve(directory);
  try {
    const made = make && !fs.existsSync(place);
    if (made) {
      fs.mkdirSync(place, { mode: 0o750 });
      const parent = fs.openSync(path.dirname(place), 'r');
      if (process.platform !== 'win32') fs.fsyncSync(parent); // a new name is its parent's to keep
      fs.closeSync(parent);
    }
    fs.accessSync(`${place}/.`); // ENOTDIR where it is something else
    fs.accessSync(place, fs.constants.W_OK);
    return place;
  } catch (error) {
    const allowed = ['data_not_found', 'data_not_writable', 'storage_full'];
    throw failure(error, allowed, `data directory ${directory}`);
  }
}

/**
 * Opens the directory, made when it is missing, and takes its lock.
 * @param {string} directory
 */
export async function mount(directory) {
  const place = openDirectory(directory, true);
  return new FileStorage(place, await lockDirectory(place));
}

/**
 * Removes a database that nobody has open, and its directory when nothing else is in it.
 * @param {string} directory
 */
export async function destroy(directory) {
  const place = openDirectory(directory, false);
  const lock = await lockDirectory(place);
  const storage = new FileStorage(place, lock);
  for (const name of storage.list()) storage.remove(name);
  fs.rmSync(path.join(place, 'lock'));
  await storage.unmount();
  if (fs.readdirSync(place).length === 0) fs.rmdirSync(place);
}
