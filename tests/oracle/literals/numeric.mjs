// SPDX-License-Identifier: Apache-2.0
// Decimals: with a precision of at most 18, which are held as whole numbers, and all others.
export const types = [
  'numeric(1,0)', 'numeric(5)', 'numeric(5,2)', 'numeric(12,2)', 'numeric(18,0)', 'numeric(18,6)',
  'numeric(18,18)', 'numeric(3,3)', 'decimal(10,4)', 'numeric', 'numeric(19,0)', 'numeric(30,5)',
  'numeric(1000,1000)', 'numeric(1000)', 'numeric(3,-2)', 'numeric(2,5)', 'numeric(1,-1000)',
];

const picked = [
  '0', '-0', '+0', '0.0', '-0.00', '.5', '5.', '.', '-.', '1', '-1', '999.99', '999.994', '999.995',
  '999.996', '-999.995', '0.005', '-0.005', '0.0049999999999999999999', '0.5', '1.5', '2.5', '-0.5',
  '9.4', '9.5', '1e3', '1E3', '1e+3', '1e-3', '1e', '1e+', '1e1.5', 'e1', '1 e3', '1e 3', '1e-400',
  '1e400', '0e400', '0e99999', '1e99999', '1e-99999', '1e1073741823', '1e1073741824', '0e1073741824',
  '1e-1073741824', '1e99999999999999999999', 'NaN', 'nan', ' NAN ', 'inf', 'Infinity', '-infinity',
  '+inf', 'infinit', 'nanx', '-nan', '', ' ', '-', '+', '--1', '1..2', '1.2.3', '1_000', '0x10',
  '123456789012345678', '999999999999999999', '999999999999999999.4', '999999999999999999.5',
  '0.999999999999999999', '0.9999999999999999994', '0.9999999999999999995', '1,5', '$1', '١',
  '000000000000000000000000000000000000000000000000001.50', ' 1.5\n', '\v2', '1.5\u00a0',
  `${'9'.repeat(300)}e-300`, `0.${'0'.repeat(300)}1e300`, `${'1'.repeat(1000)}`, '0.0e-5', '00.5e1',
];

export const differences = [
  {
    name: 'A `numeric` has at most 4,096 digits before the point and 2,048 after it.',
    when: ({ type, text }, ours, theirs) => ours.code === 'value_out_of_range'
      && (theirs.text?.length > 2048 || (type === 'numeric' && /e-?\d{4}/i.test(text))),
  },
];

export function literals(type, random) {
  const [, precision = '18', scale = '0'] = /\((\d+),?(-?\d+)?/.exec(type) ?? [];
  const made = Array.from({ length: 600 }, () => {
    const whole = Math.max(0, precision - scale + random.between(-2, 1));
    let text = random.digits(whole, whole + 1);
    if (random.below(4) > 0) {
      const fraction = Math.max(0, Number(scale) + random.between(-2, 3));
      text += `.${random.once(3) ? '9'.repeat(fraction) : random.digits(fraction, fraction)}`;
    }
    if (random.once(4)) {
      text += random.pick(['e', 'E']) + random.pick(['', '-', '+']) + random.between(0, 20);
    }
    text = random.spaced(random.pick(['', '', '-', '+']) + text);
    return random.once(4) ? random.mutate(text, '0123456789+-. eEnNaAiIf_') : text;
  });
  return [...picked, ...made];
}
