// SPDX-License-Identifier: Apache-2.0
// The WebSocket to the upstream, as the module's edge (sync/edge.h) wants it: opened when it asks,
// its messages handed over in order when it is ready for them, closed when it finds them wrong.
//
//     idle -> connecting -> open -> ending -> idle     ending: until the module is told
//                  \-> probing -> ending -> idle       the handshake failed: what is there?
//
// A browser does not tell why a handshake failed, so the address is asked once more by fetch, to
// tell apart that nothing answers, that something else does, and that a Rivulet refuses.
import { RivuletError } from './error.js';
import { inflatedSize, inflateMessage, MESSAGE_MAX } from './inflate.js';

const SUBPROTOCOL = 'rivulet.v1';

const CONNECT_TIMEOUT = 10000; // milliseconds
const PROBE_TIMEOUT = 5000;
const PROBE_MAX = 4096; // characters of its answer that are looked at, about
const SENDING_MAX = 1 << 20; // bytes that the socket has not sent yet; then nothing is added
const RECEIVED_MAX = 4 << 20; // bytes that wait for the module: far more than its credit
const MESSAGE_COST = 64; // of a message that waits, beside its bytes: an empty one is not free
const INFLATED_MAX = 2 * MESSAGE_MAX; // bytes inflated ahead of the module

// What JavaScript may close with; the native ones are 1002 and 1009.
const CLOSE_PROTOCOL = 4002;
const CLOSE_TOO_BIG = 4009;

/** @typedef {import('./engine.js').Engine} Engine */

/**
 * A message that waits. `size` is what its body is to be inflated to, 0 when it is not deflated.
 * @typedef {object} Received
 * @property {Uint8Array} message
 * @property {number} size
 * @property {'waits' | 'inflates' | 'ready'} state
 * @property {Uint8Array | null} inflated
 */

/**
 * @typedef {object} Transport what the platform brings
 * @property {new (url: string, protocols: string) => any} WebSocket
 * @property {(bytes: any, length: number) => Promise<Uint8Array | null>} inflate
 */

/**
 * The text of an answer, or its beginning: who answers may be anybody.
 * @param {Response} response
 */
async function firstOf(response) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (text.length < PROBE_MAX) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}

export class Link {
  #engine;
  #url;
  #transport;
  #token;
  #memory; // of the module, for a message or the detail of an error
  #wake;
  #now;
  /** @type {any} */ #socket = null;
  #state = 'idle';
  /** @type {Received[]} */ #received = [];
  #receivedBytes = 0;
  #inflatedBytes = 0; // of those that are inflated, or begun to be
  #inflating = 0; // how many of the first are
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer = undefined;
  /** Ends the probe. @type {AbortController | null} */ #probe = null;
  /** Why it ends, until the module is told. @type {RivuletError | null | undefined} */
  #ending = undefined;

  /**
   * @param {object} options
   * @param {Engine} options.engine
   * @param {string} options.url
   * @param {Transport} options.transport
   * @param {import('./token.js').Token | null} [options.token]
   * @param {() => void} options.wake a turn is wanted
   * @param {() => number} options.now microseconds
   */
  constructor({ engine, url, transport, token, wake, now }) {
    this.#engine = engine;
    this.#url = url;
    this.#transport = transport;
    this.#token = token;
    this.#memory = engine.alloc(MESSAGE_MAX);
    this.#wake = wake;
    this.#now = now;
  }

  /** What there is to do now; called in every turn. @param {number} now */
  turn(now) {
    const { edge } = this.#engine;
    const failure = edge.failure();
    if (failure) this.#close(null, failure);
    if (this.#ending !== undefined) this.#tell(now);
    this.#token?.turn(now);
    const waits = this.#token?.awaited;
    if (this.#state === 'idle' && !waits && edge.wantsConnection(now)) this.#connect();
    if (this.#state === 'open') this.#deliver(now);
    if (this.#state === 'open') this.#send(now);
  }

  /** For good. @param {number} [now] given while there is a module to be told */
  stop(now) {
    this.#close(new RivuletError('closing', 'the database is closing'));
    if (now !== undefined && this.#ending !== undefined) this.#tell(now);
    this.#ending = undefined;
    this.#state = 'stopped';
  }

  // --- opening ---

  #connect() {
    this.#engine.activity += 1;
    this.#state = 'connecting';
    if (this.#token?.failure) {
      this.#close(this.#token.failure);
      return;
    }
    let socket;
    try {
      socket = new this.#transport.WebSocket(this.#url, SUBPROTOCOL);
    } catch (error) {
      this.#close(RivuletError.from(error, 'upstream_unreachable'));
      return;
    }
    socket.binaryType = 'arraybuffer';
    /** @type {(kind: string, heard: (event: any) => void) => void} */
    const on = (kind, heard) =>
      socket.addEventListener(kind, (/** @type {any} */ event) => {
        if (this.#socket === socket) heard(event);
      });
    on('open', () => this.#opened(socket));
    on('message', ({ data }) => this.#receive(data));
    // a close follows, with a code; but not in every Node when there was no handshake
    on('error', () => this.#state === 'connecting' && this.#closed({ code: 1006, reason: '' }));
    on('close', (event) => this.#closed(event));
    this.#socket = socket;
    this.#timer = setTimeout(() => {
      this.#close(this.#unreachable('there was no answer within ten seconds'));
    }, CONNECT_TIMEOUT);
  }

  /** @param {any} socket */
  #opened(socket) {
    clearTimeout(this.#timer);
    const { protocol } = socket;
    if (protocol !== SUBPROTOCOL) {
      const other = /^rivulet\.v/.test(protocol);
      const detail = `${this.#url} has a WebSocket of \`${protocol}\`, not of \`${SUBPROTOCOL}\``;
      this.#close(new RivuletError(other ? 'upstream_version' : 'upstream_not_rivulet', detail));
      return;
    }
    this.#state = 'open';
    this.#engine.activity += 1;
    this.#engine.edge.opened(this.#now());
    this.#wake();
  }

  // --- ending ---

  /** @param {string} why */
  #unreachable(why) {
    return new RivuletError('upstream_unreachable', `${this.#url}: ${why}`);
  }

  /**
   * Ends the connection from this side; the module is told in the next turn.
   * @param {RivuletError | null} error null: the module told it
   * @param {RivuletError} [told] by the module
   */
  #close(error, told) {
    const reason = error ?? told;
    const over = this.#state === 'idle' || this.#state === 'stopped' || this.#ending !== undefined;
    if (over && error !== null) return;
    clearTimeout(this.#timer);
    this.#probe?.abort();
    this.#probe = null;
    const socket = this.#socket;
    this.#socket = null; // whatever it still says is not heard
    this.#received = [];
    this.#receivedBytes = 0;
    this.#inflatedBytes = 0;
    this.#inflating = 0;
    this.#ending = error;
    this.#state = 'ending';
    if (socket) {
      const tooBig = reason?.code === 'message_too_large';
      const stopping = reason?.code === 'closing';
      socket.close(stopping ? 1000 : tooBig ? CLOSE_TOO_BIG : CLOSE_PROTOCOL, reason?.code);
    }
    this.#wake();
  }

  /** @param {number} now */
  #tell(now) {
    const error = this.#ending ?? null;
    this.#ending = undefined;
    this.#state = 'idle';
    this.#engine.activity += 1;
    this.#engine.edge.closed(error, this.#memory, 1024, now);
  }

  /**
   * The peer has closed it, or it was never opened.
   * @param {{code: number, reason: string}} event
   */
  #closed({ code, reason }) {
    clearTimeout(this.#timer);
    this.#socket = null;
    if (this.#state === 'connecting') {
      this.#state = 'probing';
      void this.#askWhy();
      return;
    }
    const why = reason ? `: ${reason}` : '';
    this.#close(this.#unreachable(`the connection was closed (code ${code}${why})`));
  }

  /** Why was there no handshake? Bounded: one question, or two where its answer may not be read. */
  async #askWhy() {
    const probe = new AbortController();
    const timer = setTimeout(() => probe.abort(), PROBE_TIMEOUT);
    this.#probe = probe;
    const address = new URL('healthz', this.#url.replace(/^ws/, 'http')).href;
    const error = await this.#look(address, probe.signal);
    clearTimeout(timer);
    if (this.#probe === probe) this.#close(error);
  }

  /** @param {string} address @param {AbortSignal} signal */
  async #look(address, signal) {
    try {
      const response = await fetch(address, { signal, cache: 'no-store' });
      const body = JSON.parse(await firstOf(response));
      const rivulet = body.status === 'ok' || /^urn:rivulet:/.test(body.type);
      if (rivulet) return this.#unreachable('a Rivulet answers, but refuses the WebSocket');
    } catch {
      try {
        await fetch(address, { signal, mode: 'no-cors', cache: 'no-store' });
      } catch {
        return this.#unreachable('nothing answers');
      }
    }
    const detail = `${this.#url} answers, but not as a Rivulet that takes this page's origin`;
    return new RivuletError('upstream_not_rivulet', detail);
  }

  // --- messages ---

  /** @param {ArrayBuffer | string} data */
  #receive(data) {
    if (typeof data === 'string') {
      this.#close(new RivuletError('protocol_error', 'the upstream sent text'));
      return;
    }
    this.#receivedBytes += data.byteLength + MESSAGE_COST;
    if (data.byteLength > MESSAGE_MAX || this.#receivedBytes > RECEIVED_MAX) {
      const detail = `the upstream sent ${this.#receivedBytes} bytes; the limit is ${MESSAGE_MAX}`;
      this.#close(new RivuletError('message_too_large', detail));
      return;
    }
    const message = new Uint8Array(data);
    const size = inflatedSize(message);
    this.#received.push({ message, size, state: 'waits', inflated: null });
    this.#inflateAhead();
    this.#wake();
  }

  /** Inflates the first that wait, the first of all always, others as far as there is room. */
  #inflateAhead() {
    for (; this.#inflating < this.#received.length; this.#inflating++) {
      const received = this.#received[this.#inflating];
      if (this.#inflating > 0 && this.#inflatedBytes + received.size > INFLATED_MAX) return;
      this.#inflatedBytes += received.size;
      const pending = inflateMessage(received.message, this.#transport.inflate);
      received.state = pending === null ? 'ready' : 'inflates';
      pending?.then((inflated) => {
        received.inflated = inflated;
        received.state = 'ready';
        this.#wake();
      });
    }
  }

  /** Hands over what came, in its order, as far as it is inflated. @param {number} now */
  #deliver(now) {
    const engine = this.#engine;
    while (this.#received[0]?.state === 'ready' && engine.edge.ready()) {
      const { message, size, inflated } = /** @type {Received} */ (this.#received.shift());
      this.#receivedBytes -= message.length + MESSAGE_COST;
      this.#inflatedBytes -= size;
      this.#inflating -= 1;
      this.#inflateAhead();
      engine.put(this.#memory, message);
      engine.inflated = inflated;
      const status = engine.edge.receive(this.#memory, message.length, now);
      engine.inflated = null;
      engine.activity += 1;
      if (status !== 0) {
        this.#close(null, engine.error());
        return;
      }
      if (inflated !== null) return; // events: others have their turn
    }
  }

  /** @param {number} now */
  #send(now) {
    const socket = this.#socket;
    while (socket.bufferedAmount < SENDING_MAX && this.#engine.edge.send(now)) {
      this.#engine.activity += 1;
      socket.send(this.#engine.out().slice());
    }
  }
}
