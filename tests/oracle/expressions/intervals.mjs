// SPDX-License-Identifier: Apache-2.0
// Intervals, and what is calculated with dates and times.
import { ordered } from './base.mjs';

const units = ['microseconds', 'milliseconds', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'decade',
  'century', 'millennium'];
const parts = [...units, 'dow', 'isodow', 'doy', 'isoyear', 'epoch', 'timezone', 'timezone_hour', 'yr', 'Month'];

export const literals = {
  interval: (r) => r.pick(["interval '1 day'", "interval '1 month -1 day'", "'90 minutes'::interval", "interval 'P1Y2M3DT4H5M6.5S'",
    "interval '-13 mons 40 days -25:00:00.5'"]),
};

export const untyped = { interval: ['1 day', '-2 mons', '1:30', 'x', 'P1W'] };

export const columns = {
  interval: { o: ['1 year 2 mons -3 days 04:05:06.789', '178000000 years 2147483647 days', '00:00:00'],
    o2: ['-45 days 30:00:00', '-178000000 years', null] },
};

export const groups = { stamp: ['timestamp', 'timestamptz'], timed: ['date', 'time', 'timestamp', 'timestamptz', 'interval'] };

export const productions = [ordered('interval'), {
  interval: ['<interval> + <interval>', '<interval> - <interval>', '- <interval>', '<interval> * <any>', '<any> * <interval>',
    '<interval> / <any>', "<interval> * <'double'>", "<interval> + <'interval'>", '<time> - <time>', '<stamp> - <moment>',
    '<date> - <stamp>', 'age(<moment>, <moment>)', 'justify_hours(<interval>)', 'justify_days(<interval>)',
    'justify_interval(<interval>)', 'make_interval(<integer>, <integer>, <integer>, <integer>, <integer>, <integer>, <double>)',
    'make_interval(<integer>)', '<time>::interval', '<text>::interval', '<interval> - <time>',
    ...units.map((unit) => `date_trunc('${unit}', <interval>)`)],
  date: ['make_date(<integer>, <integer>, <integer>)'],
  time: ['<time> + <interval>', '<interval> + <time>', '<time> - <interval>', '<interval>::time', "<time> + <'interval'>",
    'make_time(<integer>, <integer>, <double>)'],
  timestamp: ['<date> + <interval>', '<interval> + <date>', '<date> - <interval>', '<timestamp> + <interval>', '<timestamp> - <interval>',
    "<timestamp> + <'interval'>", '<date> + <time>', '<time> + <date>', '<timestamp> + <time>',
    'make_timestamp(<integer>, <integer>, <integer>, <integer>, <integer>, <double>)',
    ...units.map((unit) => `date_trunc('${unit}', <timestamp>)`)],
  timestamptz: ['<timestamptz> + <interval>', '<interval> + <timestamptz>', '<timestamptz> - <interval>', 'to_timestamp(<double>)',
    "<timestamptz> + <'interval'>", ...units.map((unit) => `date_trunc('${unit}', <timestamptz>)`), "date_trunc('week', <date>)"],
  double: parts.map((part) => `date_part('${part}', <timed>)`),
  text: [...parts.map((part) => `extract(${part} from <timed>)::text`), '<interval>::text', '<text> || <interval>'],
  boolean: ['isfinite(<moment>)', 'isfinite(<interval>)'],
}];
