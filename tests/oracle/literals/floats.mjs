// SPDX-License-Identifier: Apache-2.0
// Floats: shortest output, correctly rounded input, the ends of the range.
export const types = ['real', 'double precision', 'float(24)', 'float(25)'];

export const differences = [
  {
    name: 'Floats in hexadecimal (0x1p3) and NaN with digits in parentheses are no numbers.',
    when: ({ text }) => /0x|nan\(/i.test(text),
  },
  {
    name: 'A float that is malformed after a part that is out of range is malformed.',
    when: (_, ours, theirs) => ours.code === 'value_invalid' && theirs.state === '22003',
  },
];

const picked = [
  '0', '-0', '+0', '0.0', '.0', '0.', '.', '-.5', '+.5e-1', '5.e2', 'e5', '1e', '1e+', '1e-', '1e5.0', '1 e5', '1e 5',
  'NaN', 'nan', '-nan', '+NAN', 'nan(12)', 'inf', '-inf', '+Infinity', 'INFINITY', 'infinit', 'infinityx', 'in', ' inf ',
  '0x1p3', '0x10', '1_0', '1,5', '', ' ', '-', '+', '--1', '1d', '1f', '1.2.3', '\t1\n', '1\u00a0', '٣',
  '1e15', '1e14', '999999999999999', '123456', '1234567', '999999', '1000000', '0.0001', '0.00001', '0.00012345678901234567',
  '9007199254740993', '9007199254740992.9999999999999999999999', '9007199254740993.00000000000000000000001',
  '1e22', '1e23', '8.5e22', '1e-22', '1e-23', '123456789012345e22', '2.2250738585072011e-308', '2.2250738585072014e-308',
  '4.9e-324', '2.4703282292062327e-324', '2.4703282292062328e-324', '1e-323', '1e-324', '1e-400', '-1e-400', '0e-400',
  '1.7976931348623157e308', '1.7976931348623158e308', '1.7976931348623159e308', '1e309', '-1e309', '1e9999999999999999999',
  '1e-9999999999999999999', '0e9999999999999999999', '3.4028235e38', '3.40282356e38', '3.4028236e38', '3.4028235677973366e38',
  '1.17549435e-38', '1.4e-45', '7.1e-46', '7e-46', '16777217', '16777216.0000001', '16777219', '0.1', '0.2', '0.30000000000000004',
  `1${'0'.repeat(400)}`, `0.${'0'.repeat(400)}1`, `0.${'0'.repeat(400)}1e401`, `1${'0'.repeat(400)}e-400`, '0'.repeat(5000),
  `9007199254740993.${'0'.repeat(900)}1`, `9007199254740993.${'0'.repeat(900)}`, '5e-324', '1e308', '1e38', '1e-37',
];

export function literals(type, random) {
  const exponent = () => random.pick(['', `e${random.between(-20, 20)}`, `E${random.between(-330, 310)}`,
    `e+${random.digits(1, 2)}`, `e-${random.digits(1, 2)}`]);
  const made = Array.from({ length: 3000 }, () => {
    const digits = random.pick([3, 7, 9, 16, 18, 25, 40]);
    const text = random.pick(['', '-', '+']) + random.digits(0, digits) + random.maybe(`.${random.digits(0, digits)}`)
      + exponent();
    const number = random.spaced(text);
    return random.once(6) ? random.mutate(number, '0123456789+-. eE') : number;
  });
  return [...picked, ...made];
}
