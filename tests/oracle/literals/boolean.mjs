// SPDX-License-Identifier: Apache-2.0
export const types = ['boolean'];

const words = ['true', 'false', 'yes', 'no', 'on', 'off', '1', '0'];

export function literals(type, random) {
  const prefixes = words.flatMap((word) => [...word].map((_, i) => word.slice(0, i + 1)));
  const forms = prefixes.flatMap((word) =>
    [word, word.toUpperCase(), ` ${word}\n`, `${word}x`, `${word} `]);
  const made = Array.from({ length: 500 }, () =>
    random.spaced(random.mutate(random.pick(words), 'truefalsyon01 TRUEo-')));
  return ['', ' ', 'o', '2', '-1', '01', '00', '1.0', 't f', 'tRuE', 'ｔrue', ...forms, ...made];
}
