// SPDX-License-Identifier: Apache-2.0
// A notice over the board: what it waits for, or why it cannot show anything, and what can be done.

const byId = (id) => document.getElementById(id);

const TEXTS = {
  opening: { title: 'Opening', text: 'This tab opens what it holds of the airport.' },
  waiting: {
    title: 'Waiting for the first flights',
    text: 'The central node is sending what it holds of this airport.',
  },
  nothing_here: {
    title: 'Nothing of this airport is here yet',
    text:
      'The central node is away, and this tab has never held this airport. ' +
      'The board fills by itself as soon as the node is back.',
  },
  data_in_use: {
    title: 'This airport is open in another tab',
    text:
      'One tab at a time has a database open; tabs that share one come in a later version. ' +
      'Close the other tab and try again, or choose another airport here.',
    retry: true,
  },
  storage_unavailable: {
    title: 'The browser gives no storage',
    text: 'A private window, or a setting, keeps this page from storing data. Try a usual window.',
    retry: true,
  },
  storage_full: {
    title: 'There is no room left',
    text: 'The browser has no room for this airport. Make some, and try again.',
    retry: true,
  },
  other: {
    title: 'The board stopped',
    text: 'What is stored is as it was.',
    retry: true,
  },
};

export class Notice {
  #element = byId('notice');

  constructor(retry) {
    byId('notice-retry').addEventListener('click', retry);
  }

  hide() {
    this.#element.hidden = true;
    this.#element.dataset.kind = '';
  }

  /** `kind` is one of TEXTS; all others are `other`, with `code` and `detail` below. */
  show(kind, { code = '', detail = '' } = {}) {
    if (this.#element.dataset.kind === kind && !this.#element.hidden) return;
    const { title, text, retry = false } = TEXTS[kind] ?? TEXTS.other;
    byId('notice-title').textContent = title;
    byId('notice-text').textContent = text;
    byId('notice-code').textContent = [code, detail].filter(Boolean).join(': ');
    byId('notice-retry').hidden = !retry;
    this.#element.dataset.kind = kind;
    this.#element.hidden = false;
  }
}
