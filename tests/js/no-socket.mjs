// SPDX-License-Identifier: Apache-2.0
// A WebSocket that reaches nobody, for tests of an edge without its upstream.
export class WebSocket extends EventTarget {
  constructor() {
    super();
    setImmediate(() => this.dispatchEvent(new Event('error')));
  }

  close() {}
}
