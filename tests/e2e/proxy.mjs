// SPDX-License-Identifier: Apache-2.0
// A TCP proxy on the loopback that treats what it carries as bad networks do. It knows bytes only:
//
//     slow(delay, rate)   each chunk waits, and goes on in small pieces
//     cut(keep)           the next chunk goes on in part, so within a frame, then both ends are reset
//     swallow()           half-open: nothing goes on any more, either way, and nobody is told, not even
//                         when an end is over
//     refuse() / mute()   new connections are refused; or accepted, and never answered
//     heal()              what is new goes through; connections that are swallowed stay as they are
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const PIECE_MS = 5;

/** One way of a connection: chunks in order, each when its time has come. */
class Flow {
  constructor(proxy, link, from, to) {
    Object.assign(this, { proxy, link, from, to, queue: Promise.resolve(), waiting: 0 });
    from.on('data', (chunk) => this.take(chunk));
    from.on('error', () => {});
    from.on('close', () => this.link.over(from));
  }

  take(chunk) {
    if (this.link.swallowed) return;
    this.waiting += chunk.length;
    if (this.waiting > 65536) this.from.pause();
    this.queue = this.queue.then(() => this.carry(chunk)).finally(() => {
      this.waiting -= chunk.length;
      if (this.waiting <= 65536) this.from.resume();
    });
  }

  async carry(chunk) {
    const { delay, rate } = this.proxy;
    if (delay > 0) await sleep(delay);
    if (this.link.cut !== null) {
      const part = chunk.subarray(0, Math.floor(chunk.length * this.link.cut));
      if (part.length > 0) await new Promise((resolve) => this.to.write(part, resolve));
      this.link.reset();
      return;
    }
    const size = rate > 0 ? Math.max(1, Math.floor((rate * PIECE_MS) / 1000)) : chunk.length;
    for (let at = 0; at < chunk.length && !this.link.swallowed && !this.to.destroyed; at += size) {
      this.proxy.bytes += Math.min(size, chunk.length - at);
      this.to.write(chunk.subarray(at, at + size));
      if (rate > 0) await sleep(PIECE_MS);
    }
  }
}

class Link {
  constructor(proxy, client) {
    Object.assign(this, { proxy, cut: null, swallowed: proxy.mode === 'mute', server: null });
    this.client = client;
    if (this.swallowed) {
      client.on('error', () => {}).resume();
      client.on('close', () => proxy.links.delete(this));
      return;
    }
    this.server = connect(proxy.target, '127.0.0.1');
    for (const socket of [client, this.server]) socket.setNoDelay(true);
    this.flows = [new Flow(proxy, this, client, this.server), new Flow(proxy, this, this.server, client)];
  }

  /** An end is over; the other hears of it behind what is under way, unless the link is swallowed. */
  over(socket) {
    const flow = this.flows.find(({ from }) => from === socket);
    if (!this.swallowed) flow.queue.then(() => flow.to.destroy());
    if (this.client.destroyed && this.server.destroyed) this.proxy.links.delete(this);
  }

  reset() {
    for (const socket of [this.client, this.server]) socket?.resetAndDestroy();
    this.proxy.links.delete(this);
  }
}

export class Proxy {
  /** Listens on a port of its own for what is to reach `target`, a port of this machine. */
  static async start(target) {
    const proxy = new Proxy();
    Object.assign(proxy, { target, links: new Set(), mode: 'open', delay: 0, rate: 0, bytes: 0, port: 0 });
    await proxy.listen();
    return proxy;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}`;
  }

  async listen() {
    this.server = createServer((client) => this.links.add(new Link(this, client)));
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
  }

  slow(delay, rate) {
    Object.assign(this, { delay, rate });
  }

  /** `keep`: the part of the next chunk of each connection that still arrives, from 0 to 1. */
  cut(keep) {
    for (const link of this.links) {
      if (link.swallowed) link.reset();
      else link.cut = keep;
    }
  }

  swallow() {
    for (const link of this.links) link.swallowed = true;
  }

  mute() {
    this.mode = 'mute';
  }

  refuse() {
    this.server.close(); // connections that there are stay
    this.mode = 'refuse';
  }

  async heal() {
    if (this.mode === 'refuse') await this.listen();
    this.mode = 'open';
    this.slow(0, 0);
  }

  stop() {
    if (this.mode !== 'refuse') this.server.close();
    for (const link of this.links) link.reset();
  }
}
