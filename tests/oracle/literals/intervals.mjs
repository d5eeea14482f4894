// SPDX-License-Identifier: Apache-2.0
// Intervals: words, clocks, SQL's years and months, ISO 8601; fractions that cascade; the ends of the range.
export const types = ['interval'];

export const differences = [
  {
    name: 'Numbers in hexadecimal are no part of an ISO 8601 interval.',
    when: ({ text }) => /0x/i.test(text),
  },
];

const picked = [
  '1 year 2 mons -3 days 04:05:06.789', '@ 1 day ago', '@ 1 year 2 mons', '1-2', '-1-2', '+1-2', '1-', '1-12', '1-2 3 4:5:6', '-1-2 +3 -4:5:6',
  'P1Y2M3DT4H5M6.7S', 'P0001-02-03T04:05:06', 'P00010203T040506', 'P00010203T040506.7', 'PT1.5H', 'P1W', 'P-1Y', 'P1.5Y', 'P', 'PT', 'P1', 'P1T', 'PT1',
  'P1YT', 'p1y', ' P1Y', 'P1Y ', 'P1E1D', 'P1E400D', 'P0x10D', 'P12345678e5', 'P1-2', 'P1-2-3', 'P1-2-3T', 'P1-2-3T1', 'P1-2-3T1:2', 'P1-2-3T1:2:3:4',
  '1.5 years', '1.5 months', '1.5 weeks', '1.05 days', '0.1 months', '1:2:3.4', '1:2.5', '1:', '1::5', '-00:00:01', '+1:2', '1 +02:03', '1 -02:03',
  '178956970 years 7 mons', '178956970 years 8 mons', '-178956970 years -8 mons', '2147483647 days', '2147483648 days', '2562047788:00:54.775807',
  '2562047788:00:54.775808', '-2562047788:00:54.775807', '9223372036854775807 us', '-9223372036854775808 us', '9223372036854775808 us',
  '', '  ', '1', '-1', '.5', '-.5', '+.5', '1.', '1. day', '.', '1y2mon3d4h5m6s', '1d1', '1day2hours', '1 day 1 day', '1 sec 1 ms', '1.5 sec 1 ms',
  '1 hour 1:2', '1 month 1-2', '04:05:06 1.5 days', '1.5 days 04:05:06', 'ago 1 day', '1 day ago ago', '1 day quarter', '1 quarter', 'infinity', '1e3 days',
  '1 day, 2 hours', '1/2', '1 day\t2 hours', 'allballs', '1 microsecondsxx', '1 millenniumsxyz', '- 1 day', '1 + day', '61:60', '1:60', '1:2:60', '1:2:61',
  '0.0000005 s', '0.0000015 s', '1.5 ms', '0.5 us', '0.6 us', '1.9999999 h', '0.3333333 days', '1 1 1', '5 5:5', '1 day 5', '5 day 1', 'ä', '1 dä', 'NaN days',
  `${' '.repeat(300)}1 day`, `1 day ${'x'.repeat(300)}`, `${'1 day '.repeat(30)}`, `0.${'0'.repeat(250)}1 days`, `${'9'.repeat(250)} days`,
];

const units = ['day', 'days', 'd', 'mon', 'mons', 'month', 'm', 'min', 'minutes', 'h', 'hour', 'hrs', 's', 'sec', 'seconds', 'y', 'yr', 'years', 'w', 'week',
  'weeks', 'dec', 'decades', 'c', 'cent', 'century', 'mil', 'millennia', 'ms', 'msec', 'milliseconds', 'us', 'usecs', 'microseconds', 'qtr', 'timezone', 'fortnight', 'ago'];

export function literals(_, random) {
  const number = () => random.pick(['', '', '', '-', '+', '- ']) + random.pick([
    random.digits(1, 2), random.digits(1, 2), random.digits(1, 20), `${random.digits(0, 2)}.${random.digits(0, 8)}`,
    `${random.digits(1, 3)}:${random.digits(1, 2)}`, `${random.digits(1, 3)}:${random.digits(1, 2)}:${random.digits(1, 2)}${random.maybe(`.${random.digits(1, 8)}`)}`]);
  const words = () => random.repeat(1, 4, () => `${number()}${random.maybe(' ')}${random.once(5) ? '' : random.pick(units)} `)
    + (random.once(10) ? 'ago' : '');
  const part = () => random.maybe('-') + random.pick([random.digits(1, 2), random.digits(1, 2), `${random.digits(1, 2)}.${random.digits(1, 7)}`,
    random.digits(1, 16)]);
  const iso = () => random.pick([
    () => `P${random.repeat(0, 3, () => part() + random.pick([...'YMWDYMWDH']))}`
      + random.maybe(`T${random.repeat(0, 3, () => part() + random.pick([...'HMSHMSD']))}`),
    () => `P${part()}-${part()}-${part()}T${part()}:${part()}:${part()}`,
    () => `P${random.digits(7, 9)}${random.maybe(`T${random.digits(5, 7)}${random.maybe('.5')}`)}`])();
  const made = Array.from({ length: 6000 }, () => {
    const text = random.once(3) ? iso() : words();
    return random.once(8) ? random.mutate(text, '0123456789 :.-+aydmhsPTe/,') : text;
  });
  return [...picked, ...made];
}
