// SPDX-License-Identifier: Apache-2.0
// Runs the module of tests/storage/browser_conformance.c over a storage of js/storage. It stands in
// for js/engine.js: the imports that the module's host has (platform/browser/browser.h), and the
// waiting, for which the module is suspended.
import * as codes from '../../../../js/codes.js';
import { destroy, mount } from '../../../../js/storage/mount.js';

const fileNameSize = 65; /* rv_file_name */

class Run {
  #mode;
  #name;
  #storage = null;
  #exports = null;
  #pending = 0;
  #wake = () => undefined;
  output = '';

  constructor(mode, name) {
    this.#mode = mode;
    this.#name = name;
  }

  async run(url) {
    const source = await (await fetch(url)).arrayBuffer();
    const imports = this.#imports();
    const { instance } = await WebAssembly.instantiate(source, {
      rivulet: imports,
      test: this.#testImports(),
      wasi_snapshot_preview1: this.#wasiImports(),
      env: { emscripten_notify_memory_growth: () => undefined },
    });
    this.#exports = instance.exports;
    this.#exports._initialize?.();
    const failed = await WebAssembly.promising(this.#exports.rv_conformance_run)();
    return { failed, output: this.output };
  }

  // --- memory ---

  #bytes(at, length) {
    return new Uint8Array(this.#exports.memory.buffer, at, length);
  }

  #text(at, length) {
    return new TextDecoder().decode(this.#bytes(at, length));
  }

  // --- operations ---

  /** Ends the operation in the import, or later; `settle` makes [count, file] of its result. */
  #operate(slot, action, settle) {
    const end = (status, [count, file]) => this.#exports.rv_host_done(slot, status, count, file);
    const fail = (error) => {
      const number = codes[error.code];
      if (number === undefined) this.output += `${error.stack}\n`;
      end(number ?? codes.storage_failed, [0, -1]);
    };
    let result;
    try {
      result = action();
    } catch (error) {
      fail(error);
      return 0;
    }
    if (!(result instanceof Promise)) {
      end(0, settle(result));
      return 0;
    }
    this.#pending += 1;
    result
      .then((value) => end(0, settle(value)), fail)
      .then(() => {
        this.#pending -= 1;
        this.#wake();
      });
    return 1;
  }

  #list(names, into, cap) {
    for (const [i, name] of names.slice(0, cap).entries()) {
      const bytes = this.#bytes(into + i * fileNameSize, fileNameSize).fill(0);
      bytes.set(new TextEncoder().encode(name));
    }
    return [names.length, -1];
  }

  #imports() {
    const opened = ({ file, size }) => [size, file];
    const counted = (count) => [count, -1];
    const done = () => [0, -1];
    const storage = () => this.#storage;
    return {
      file_open: (slot, at, length) =>
        this.#operate(slot, () => storage().open(this.#text(at, length)), opened),
      file_create: (slot, at, length) =>
        this.#operate(slot, () => storage().create(this.#text(at, length)), opened),
      file_close: (file) => storage().close(file),
      file_read: (slot, file, offset, at, length) =>
        this.#operate(
          slot,
          () => storage().read(file, offset, this.#bytes(at, length)),
          (read) => {
            if (typeof read === 'number') return counted(read);
            this.#bytes(at, read.length).set(read);
            return counted(read.length);
          },
        ),
      file_write: (slot, file, offset, at, length) =>
        this.#operate(slot, () => storage().write(file, offset, this.#bytes(at, length)), counted),
      file_truncate: (slot, file, size) =>
        this.#operate(slot, () => storage().truncate(file, size), done),
      file_remove: (slot, at, length) =>
        this.#operate(slot, () => storage().remove(this.#text(at, length)), done),
      file_list: (slot, into, cap) =>
        this.#operate(slot, () => storage().list(), (names) => this.#list(names, into, cap)),
      file_flush: (slot, file) => this.#operate(slot, () => storage().flush(file), done),
      now: () => Date.now() * 1000,
      entropy: (at, length) => crypto.getRandomValues(this.#bytes(at, length)),
      inflate: () => 0,
    };
  }

  // --- the factory ---

  async #mount() {
    this.#storage = await mount(this.#name, { storage: this.#mode });
  }

  #testImports() {
    const suspending = (action) => new WebAssembly.Suspending(action);
    return {
      wait: suspending(async () => {
        if (this.#pending > 0) await new Promise((resolve) => (this.#wake = resolve));
      }),
      start: suspending(async () => {
        // A case that failed has not stopped.
        await this.#storage?.unmount();
        await destroy(this.#name, { storage: this.#mode });
        await this.#mount();
      }),
      restart: suspending(async () => {
        if (this.#mode === 'memory') return; // which ends with its mount
        await this.#storage.unmount();
        await this.#mount();
      }),
      stop: suspending(async () => {
        await this.#storage.unmount();
        this.#storage = null;
        await destroy(this.#name, { storage: this.#mode });
      }),
    };
  }

  /** What printf needs. */
  #wasiImports() {
    return {
      fd_write: (_fd, vectors, count, written) => {
        const view = new DataView(this.#exports.memory.buffer);
        let total = 0;
        for (let i = 0; i < count; i++) {
          const length = view.getUint32(vectors + 8 * i + 4, true);
          this.output += this.#text(view.getUint32(vectors + 8 * i, true), length);
          total += length;
        }
        view.setUint32(written, total, true);
        return 0;
      },
      fd_close: () => 0,
      fd_seek: () => 70, // no file, so no place in it
      proc_exit: (code) => {
        throw new Error(`the module ended with ${code}: ${this.output}`);
      },
    };
  }
}

/** Runs the suite over the storage: {failed, output}. */
export function runConformance(url, mode, name) {
  return new Run(mode, name).run(url);
}
