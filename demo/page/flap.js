// SPDX-License-Identifier: Apache-2.0
// Split-flap cells: a cell turns from the text that it shows to another one, letter by letter, over
// a few letters in between, as the boards of old did. One timer turns all cells. Where the reader
// prefers less motion the text is simply there.

const STEP_MS = 42;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';

const still = matchMedia('(prefers-reduced-motion: reduce)');

/** Cells that turn: {text, from, step, settles}, by their elements. */
const turning = new Map();
let timer = 0;

/** The letter of a cell at a step: that of before, one on the way, or that which is to stay. */
function letterAt({ text, from, step, settles }, i) {
  const wanted = text[i] ?? ' ';
  if (step >= settles[i]) return wanted;
  if (step < settles[i] - 5 || (wanted === ' ' && (from[i] ?? ' ') === ' ')) return from[i] ?? ' ';
  const flaps = /\d/.test(wanted) ? DIGITS : /[A-Z]/.test(wanted) ? LETTERS : wanted;
  return flaps[(i * 7 + step * 3 + wanted.charCodeAt(0)) % flaps.length];
}

function turn() {
  for (const [element, cell] of turning) {
    cell.step += 1;
    const length = Math.max(cell.text.length, cell.from.length);
    const letters = Array.from({ length }, (_, i) => letterAt(cell, i));
    element.firstChild.data = letters.join('');
    if (cell.step >= cell.last) {
      element.firstChild.data = cell.text;
      turning.delete(element);
    }
  }
  if (turning.size === 0) {
    clearInterval(timer);
    timer = 0;
  }
}

/** Puts a text into a cell at once. */
export function put(element, text) {
  turning.delete(element);
  if (!element.firstChild) element.append('');
  if (element.firstChild.data !== text) element.firstChild.data = text;
}

/** Turns a cell to a text; `delay` is in steps. */
export function flap(element, text, delay = 0) {
  const from = element.firstChild?.data ?? '';
  if (still.matches || document.hidden || from === text) {
    put(element, text);
    return;
  }
  const length = Math.max(text.length, from.length);
  const settles = Array.from({ length }, (_, i) =>
    (from[i] ?? ' ') === (text[i] ?? ' ') ? 0 : delay + 4 + Math.floor(i / 3) + ((i * 5) % 3),
  );
  turning.set(element, { text, from, step: 0, settles, last: Math.max(...settles) });
  timer ||= setInterval(turn, STEP_MS);
}
