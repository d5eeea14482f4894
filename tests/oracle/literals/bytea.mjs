// SPDX-License-Identifier: Apache-2.0
// Bytes, in the hexadecimal form and in the older one.
export const types = ['bytea'];

const picked = [
  '', ' ', '\\x', '\\X', '\\x0', '\\x00', '\\xdeadBEEF', '\\xde ad', '\\xd ead', '\\x de ad ', ' \\xde',
  '\\xde\n\tad\v', '\\xde\f', '\\xde\rad', '\\xg0', '\\x0g', '\\\\', '\\', '\\\\\\', '\\0', '\\00', '\\000',
  '\\001', '\\377', '\\400', '\\378', '\\a', 'abc', 'a\\\\b', 'a\\101b', 'äöü', '\\\'', '\'', '"', '\\x  ',
  'x00', '\\0001', '\\00\\01', 'a\\xff', '\\xff\\xff', '𝄞', '\u0001', '\\xDE-AD',
];

export function literals(type, random) {
  const made = Array.from({ length: 2000 }, () => {
    const hex = random.repeat(0, 9, () =>
      random.pick('0123456789abcdefABCDEF') + random.pick('0123456789abcdefABCDEF')
        + (random.once(8) ? random.pick(' \n\t') : ''));
    const older = random.repeat(0, 7, () => random.once(3)
      ? `\\${random.pick(['\\', '000', '012', '377', '400', '08', '199'])}` : random.pick('aZ0 ä\\'));
    const text = random.once(2) ? `\\x${hex}` : older;
    return random.once(3) ? random.mutate(text, '\\x0123456789abcdefg ') : text;
  });
  return [...picked, ...made];
}
