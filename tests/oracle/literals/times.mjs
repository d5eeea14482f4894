// SPDX-License-Identifier: Apache-2.0
// Dates and times. The grammar has every form that PostgreSQL reads, and the near misses of each.
export const types = ['date', 'time', 'timestamp', 'timestamptz'];

export const differences = [
  {
    name: '`now`, `today`, `tomorrow` and `yesterday` are not read as dates and times.',
    when: ({ text }, ours) => /now|today|tomorrow|yesterday/i.test(text)
      && ours.code === 'value_invalid' && ours.detail.includes('depends on the clock'),
  },
  {
    name: 'Time zones are numeric offsets, `Z`, `UTC`, `UT`, `UCT`, `GMT` or `zulu`.',
    when: (_, ours) => ours.code === 'value_invalid' && ours.detail.includes('names of zones'),
  },
];

const months = ['January', 'Jan', 'feb', 'FEBRUARY', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep',
  'Sept', 'oct', 'nov', 'december', 'DEC', 'janu', 'foo'];
const weekdays = ['Mon', 'tuesday', 'Tues', 'weds', 'thur', 'THURS', 'fri', 'sat', 'Sunday', 'sunda'];
const zones = ['Z', 'z', ' UTC', ' utc', ' GMT', '+00', '-00', '+02', '-8', '+5:30', '+05:30', '-0330',
  '+14', '+15', '+15:59', '+15:59:59', '+16', '-15:59:59', '-16', '+1:2:3', '+01:02:03', '+010203', '+24',
  '+02:60', '+5:', '+', '-', ' +02', ' -03:00', 'ZULU', ' z', '+2:0', '+00:00:01', '+053', '+05:3'];
const eras = [' BC', ' AD', 'BC', ' bc', ' b.c.', ' BCE', ' ad', ' A.D.'];

const picked = [
  '', ' ', '2020-01-31', '2020-1-5', '2020-02-29', '2021-02-29', '2000-02-29', '1900-02-29',
  '0001-01-01', '0000-01-01', '0001-01-01 BC', '0001-02-29 BC', '0005-02-29 BC', '4713-01-01 BC',
  '4714-11-23 BC', '4714-11-24 BC', '4714-11-24 00:00:00 BC', '4714-11-23 23:59:59.999999 BC',
  '5874897-12-31', '5874898-01-01', '294276-12-31', '294277-01-01', '294276-12-31 23:59:59.999999',
  '294276-12-31 23:59:59.9999999', '294276-12-31 24:00:00', '294276-12-31 23:59:59.999999-01',
  '294277-01-01 00:00:00+01', '4714-11-24 00:00:00+01 BC', '4714-11-23 23:00:00-01 BC', '9999-12-31',
  '10000-01-01', '20200105', '200105', '2020010', '202001051', '20201305', '20200132', '020105',
  '20200105T101112', '20200105 101112', '20200105101112', '20200105T1011', '2020-01-05T101112.5',
  '2020.005', '2020-005', '2020005', '2020.366', '2021.366', 'J2451187', 'j0', 'J', 'julian 2451187',
  'J2451187.5', 'J-1', 'J2147483493', 'J2147483494', 'j2451545 10:00', 'Jan 5 2020', 'Jan 5, 2020',
  '5 Jan 2020', '5-Jan-2020', 'Jan-05-2020', '2020-Jan-05', '05/Jan/2020', '2020 Jan 5', 'January 5 99',
  '1/5/2020', '01/05/2020', '13/5/2020', '1.5.2020', '1-5-2020', '2020/1/5', '2020.1.5', '1/5/20',
  '1/5/69', '1/5/70', '99-1-5', '1-1-1', '2020-01', '2020', '2020-', '2020-01-', '-2020-01-01', '+2020-1-1',
  'infinity', '-infinity', '+infinity', ' INFINITY ', 'Infinit', 'inf', '-inf', 'infinity 10:00',
  'infinity BC', 'epoch', 'EPOCH', ' epoch ', 'epoch 10:00', '2020-01-01 epoch', 'now', 'today',
  'tomorrow', 'yesterday', 'today 10:00', 'tomorrow 04:05', 'noon', 'allballs', '2020-01-05 allballs',
  '2020-01-05 noon', 'invalid', 'current',
  '04:05', '04:05:06', '04:05:06.789', '4:5', '4:5:6', '040506', '0405', '040506.789', '04:05 AM', '04:05 PM',
  '04:05PM', '12:00 am', '12:00 pm', '13:00 pm', '00:00 pm', '0:0 am', '24:00', '24:00:00', '24:00:00.000001',
  '24:01', '23:59:60', '23:59:59.9999999', '23:59:60.0000001', '23:60:00', '25:00', '10:59:60', '10:00:60.5',
  '10:00:61', '24:00:00.0000001', '4', '04', '4.5', ':05', '04:', '04:05:', '04:05:06:07', '04:05:06.', '.5',
  '04:05.5', '04:05:06.1234565', '04:05:06.1234575', '04:05:06.0000005', '04:05:06.00000049999999999999',
  'T04:05', 'T040506', 't04:05:06', 'T04', 'T0405', '04:05 UTC', '04:05Z', '04:05+02', '2020-01-01 04:05+02',
  '04:05:06 BC', '2020-01-05 04:05:06 BC', '2020-01-05 BC 04:05:06', '2020-01-05 04:05:06+02 BC',
  '2020-01-05 04:05:06 BC +02', '04:05:06 2020-01-05', '04:05:06+02 2020-01-05', '2020-01-05 04:05',
  '2020-01-05T04:05', '2020-01-05t04:05', '2020-01-05T04', '2020-01-05 4', '2020-01-05Z', '2020-01-05z',
  '2020-01-05 UTC', '2020-01-05+02', '2020-01-05 +02', '2020-01-05-02', '2020-01-05 -02', 'Mon 2020-01-06',
  'Tue 2020-01-06', '2020-01-06 Mon 10:00', 'Mon Jan 6 10:00:00 2020', 'Mon, 06 Jan 2020 10:00:00 GMT',
  'Mon Jan 06 10:00:00 UTC 2020', 'Sat', '2020-01-05 10:00 America/New_York', '2020-01-05 10:00 PST',
  '2020-01-05 10:00 EST5EDT', '2020-07-05 10:00 Europe/Berlin', '2020-01-05 10:00 CET', '2020-01-05 foo',
  '2020-01-05 10:00 Foo/Bar', '2020-01-05 10:00 utc+2', '2020-01-05 10:00 GMT+2', '2020-01-05T10:00:00.000Z',
  '2020-01-05T10:00:00.000+00:00', 'y2020m01d05', 'Y2020M1D5', 'm1', 'd5', 'h10m5', '2020-01-05 h10',
  '2020-01-05 10:00 DST', '2020-01-05 at 10:00', '2020-01-05 on', 'of', 'at', '2020-01-05,10:00',
  '2020-01-05 , 10:00', '(2020-01-05)', '2020-01-05.', '2020-01-05/', '2020-01-05 10:00:00 a.m.', '１', '2020‑01‑05',
  '2020-01-05\n10:00', '2020-01-05\t', '\v2020-01-05', '2020-01-05  10:00', '2020--01-05', '2020-01--05',
  '2020-01-00', '2020-00-01', '2020-13-01', '2020-01-32', '2020-04-31', '2020-1-005', '2020-001-05', '02020-01-05',
  '002020-01-05', '00020-01-05', '020-01-05', '0-1-1', '000-1-1', '100-01-01', '99999999999-01-01',
  '2020-99999999999-1', '2147483647-01-01', '2147483648-01-01', '99:99:99', '999999999999:00', `${'1'.repeat(200)}`,
  `2020-01-05${' '.repeat(200)}10:00`, 'x'.repeat(300), '2020-01-05 10:00:00.123456789012345678901234567890',
  '1970-01-01 00:00:00-00:00:00.5', '10:00:00.5.5', '2020-01-05T10:00:00,5', '2020-01-05T24:00:00', '2020-12-31 24:00',
  '2020-12-31 23:59:60', '2020-01-05 25:00', '20200105 1011', '20200105T10', '2020-W01-1', '2020W011', '1e5', '0x10',
];

function date(random) {
  const y = random.pick([String(random.between(1, 9999)).padStart(4, '0'), '2020', '2019', '1900', '0001', '99',
    random.digits(1, 7), '5874897', '294276', '4713', '4714']);
  const m = random.pick([String(random.between(0, 13)), String(random.between(1, 12)).padStart(2, '0'), '02', '11']);
  const d = random.pick([String(random.between(0, 32)), String(random.between(1, 28)).padStart(2, '0'), '29', '31', '24']);
  const name = random.pick(months);
  switch (random.below(12)) {
    case 0: return y.padStart(4, '0') + m.padStart(2, '0') + d.padStart(2, '0');
    case 1: return `${name} ${d}${random.maybe(',')} ${y}`;
    case 2: return [d, name, y].join(random.pick(['-', ' ', '/', '.', ', ']));
    case 3: return [m, d, y].join(random.pick(['/', '-', '.', ' ']));
    case 4: return [y, name, d].join(random.pick(['-', ' ', '/']));
    case 5: return `${random.pick(weekdays)}${random.maybe(',')} ${name} ${d} ${y}`;
    case 6: return `${random.pick(['J', 'j', 'Julian '])}${random.digits(1, 8)}`;
    case 7: return `${y}.${random.digits(3, 3)}`;
    default: return [y, m, d].join('-');
  }
}

function clock(random) {
  const h = random.pick([String(random.between(0, 25)), String(random.between(0, 23)).padStart(2, '0')]);
  const m = random.pick([String(random.between(0, 60)), String(random.between(0, 59)).padStart(2, '0')]);
  const s = random.pick([String(random.between(0, 61)), String(random.between(0, 59)).padStart(2, '0')]);
  const fraction = random.maybe(`.${random.once(4) ? '9999995'.slice(random.below(4)) : random.digits(0, 9)}`);
  switch (random.below(6)) {
    case 0: return h.padStart(2, '0') + m.padStart(2, '0') + random.maybe(s.padStart(2, '0') + fraction);
    case 1: return `${h}:${m}`;
    case 2: return `${h}:${m}:${s}${fraction}${random.pick([' AM', ' pm', 'PM', ' am'])}`;
    default: return `${h}:${m}:${s}${fraction}`;
  }
}

export function literals(type, random) {
  const made = Array.from({ length: 3500 }, () => {
    let text = type === 'time' && random.below(4) > 0 ? '' : date(random);
    if (type === 'time' || random.below(type === 'date' ? 4 : 2) === 0) {
      text += (text === '' ? '' : random.pick([' ', ' ', 'T', 't', '  ', ''])) + clock(random);
    }
    text += random.once(3) ? random.pick(zones) : '';
    text += random.once(6) ? random.pick(eras) : '';
    text = random.spaced(text);
    return random.once(5) ? random.mutate(text, '0123456789-:.+ TZBCADJamp/,') : text;
  });
  return [...picked, ...made];
}
