// SPDX-License-Identifier: Apache-2.0
// Random choices that are the same in every run: what generators of literals and expressions are made
// of. ORACLE_SEED=n draws others, for a hunt.
const seed = Number(process.env.ORACLE_SEED ?? 0);

/** A generator of its own for each name: what one suite draws does not move another's. */
export function randomOf(name) {
  let state = 0x9e3779b9 + seed;
  for (const c of name) {
    state = Math.imul(state ^ c.codePointAt(0), 0x85ebca6b);
  }
  /** 32 bits: mulberry32. */
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const random = {
    /** From 0 to `count` - 1. */
    below: (count) => next() % count,
    /** From `low` to `high`. */
    between: (low, high) => low + (next() % (high - low + 1)),
    /** True once in `count` times. */
    once: (count) => next() % count === 0,
    pick: (list) => list[next() % list.length],
    /** As many of `make()` as drawn between low and high, joined. */
    repeat: (low, high, make) =>
      Array.from({ length: random.between(low, high) }, make).join(''),
    digits: (low, high) => random.repeat(low, high, () => String(next() % 10)),
    /** The text, or nothing. */
    maybe: (text) => (next() % 2 === 0 ? text : ''),
    /** White space around it, sometimes. */
    spaced(text) {
      const [before, after] = [random.pick([' ', '\t', '\n ', '']), random.pick([' ', '', '\r'])];
      return random.once(8) ? before + text + after : text;
    },
    /** The text with one to three characters changed, taken out, put in or doubled. */
    mutate(text, alphabet) {
      const chars = [...text];
      for (let i = random.between(1, 3); i > 0; i--) {
        const at = random.below(chars.length + 1);
        const c = random.pick([...alphabet]);
        const act = random.below(4);
        if (act === 0) {
          chars.splice(at, 0, c);
        } else if (act === 1) {
          chars.splice(at, 1);
        } else if (act === 2) {
          chars.splice(at, 1, c);
        } else {
          chars.splice(at, 0, ...chars.slice(at, at + random.between(1, 3)));
        }
      }
      return chars.join('');
    },
  };
  return random;
}
