// SPDX-License-Identifier: Apache-2.0
// Whole numbers.
export const types = ['smallint', 'integer', 'bigint'];

export const differences = [
  {
    name: 'A whole number that is malformed after more digits than its type holds is malformed, not '
      + 'out of range.',
    when: (_, ours, theirs) => ours.code === 'value_invalid' && theirs.state === '22003',
  },
];

const picked = [
  '0', '-0', '+0', '1', '-1', '+1', '007', '32767', '32768', '-32768', '-32769', '2147483647',
  '2147483648', '-2147483648', '-2147483649', '9223372036854775807', '9223372036854775808',
  '-9223372036854775808', '-9223372036854775809', '18446744073709551616', '99999999999999999999999',
  '', ' ', '-', '+', '--1', '+-1', '1-', '1 1', '- 1', ' 5 ', '\t5\n', '\v5\f', '1.0', '1.', '.5',
  '1e3', '0x10', '0b1', '0o7', '1_000', '1,000', 'NaN', 'null', 'one', '٣', '1\u00a0', '\u00a01',
  '5\r\n', '00000000000000000000000000000000001', '-00000000000000000000000000032768',
];

export function literals(type, random) {
  const edge = { smallint: 32767n, integer: 2147483647n, bigint: 9223372036854775807n }[type];
  const made = Array.from({ length: 1500 }, () => {
    const near = edge + BigInt(random.between(-3, 3));
    const number = random.once(3) ? String(near) : random.digits(1, random.pick([3, 6, 11, 21]));
    const text = random.spaced(random.pick(['', '', '-', '+']) + random.maybe('0') + number);
    return random.once(3) ? random.mutate(text, '0123456789+-. eExX\t_') : text;
  });
  return [...picked, ...made];
}
