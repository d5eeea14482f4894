// SPDX-License-Identifier: Apache-2.0
// Keys of the terminal: each is handed over as it is pressed, Ctrl-C as `q`. Without a terminal,
// letters that come on standard input.

export class Keys {
  #press;

  constructor(press) {
    this.#press = (bytes) => {
      for (const key of String(bytes).toLowerCase()) press(key === '\x03' ? 'q' : key);
    };
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdin.on('data', this.#press);
  }

  close() {
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.off('data', this.#press);
    process.stdin.pause();
  }
}
