// SPDX-License-Identifier: Apache-2.0
// What the tab's node says of itself, in the panel beside the board.

const byId = (id) => document.getElementById(id);

const number = (value) => value.toLocaleString('en-US');

const WORDS = {
  offline: 'Offline',
  connecting: 'Connecting',
  connected: 'Connected',
  error: 'Refused',
  none: 'No upstream',
};

const MODES = { opfs: 'OPFS', indexeddb: 'IndexedDB', memory: 'Memory' };

function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} KB` : `${(count / 1e6).toFixed(2)} MB`;
}

/** Sets the text of an element where it is another; \u00a0 keeps an empty line's height. */
function tell(id, text) {
  const element = byId(id);
  const wanted = text || '\u00a0';
  if (element.textContent !== wanted) element.textContent = wanted;
  return element;
}

function connection(is, words) {
  byId('live-dot').dataset.is = is;
  byId('connection-dot').dataset.is = is;
  tell('live', words);
  tell('connection', words);
}

export class Panel {
  /** Before the database says anything. */
  clear(path) {
    connection('', 'Opening');
    tell('stream', path);
    for (const id of ['position', 'upstream', 'held', 'received', 'storage', 'hash']) tell(id, '–');
    for (const id of ['reason', 'lag', 'persistent', 'agreement']) tell(id, '');
    delete byId('agreement').dataset.is;
    byId('hash').removeAttribute('title');
  }

  /** It could not be opened, or has ended. */
  failed(code) {
    connection('error', 'Not open');
    tell('reason', code).title = '';
  }

  held(count) {
    tell('held', number(count));
  }

  status(status) {
    connection(status.connection, WORDS[status.connection]);
    const { reason } = status;
    tell('reason', reason ? reason.code : '').title = reason ? reason.detail : '';
    tell('position', number(status.syncedTo));
    tell('upstream', status.upstreamPosition ? number(status.upstreamPosition) : '?');
    tell('lag', this.#lag(status));
    tell('received', bytes(status.bytesReceived));
    tell('storage', MODES[status.storage.mode] ?? status.storage.mode);
    tell('persistent', status.storage.persistent ? 'persistent' : 'not persistent');
    tell('hash', `${status.stateHash.slice(0, 12)}…`).title = status.stateHash;
  }

  #lag({ connection: is, lag, upstreamPosition }) {
    if (!upstreamPosition) return '';
    if (is !== 'connected') return 'as last known';
    return lag === 0 ? 'in step' : `${number(lag)} behind`;
  }

  /** Of class Agreement. */
  agreement(answer) {
    const element = byId('agreement');
    if (answer === 'away' || answer === 'asking') {
      delete element.dataset.is;
      const away = 'the central node is not there to compare';
      tell('agreement', answer === 'away' ? away : 'comparing with the central node’s');
    } else {
      element.dataset.is = answer.equal ? 'good' : 'bad';
      const words = answer.equal ? '✓ equal to' : '✕ differs from';
      tell('agreement', `${words} the central node’s at ${number(answer.position)}`);
    }
  }
}
