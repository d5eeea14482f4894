// SPDX-License-Identifier: Apache-2.0
// Waits with a name, and most of them with an end: a promise of a browser's driver whose process
// was killed may never settle. `underWay()` is what a test that took too long was waiting for.

/** Thrown when something was not done in time; its message says what. */
export class Late extends Error {
  name = 'Late';
}

/** @type {Set<{what: string, since: number}>} */
const waits = new Set();

/** The promise's result; it is among those under way until then. */
export async function waiting(what, promise) {
  const wait = { what, since: performance.now() };
  waits.add(wait);
  try {
    return await promise;
  } finally {
    waits.delete(wait);
  }
}

/** The same; throws Late when it has not settled after so many milliseconds. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Late(`${what}: not done within ${ms / 1000} s`)), ms);
  });
  try {
    return await waiting(what, Promise.race([promise, late]));
  } finally {
    clearTimeout(timer);
  }
}

/** A line for each wait, the first that began first. */
export function underWay() {
  const now = performance.now();
  return [...waits].map(({ what, since }) => `${what}, for ${((now - since) / 1000).toFixed(1)} s`);
}
