// SPDX-License-Identifier: Apache-2.0
// Dates and times.
import { ordered } from './base.mjs';

export const literals = {
  date: (r) => `'${r.pick(['2024-02-29', '2000-01-01', 'infinity', '0044-03-15 BC'])}'::date`,
  time: (r) => `'${r.pick(['10:00', '24:00', '00:00:00.000001'])}'::time`,
  timestamp: (r) => `'${r.pick(['2024-02-29 12:30:45.5', '-infinity', '1969-12-31 23:59:59'])}'::timestamp`,
  timestamptz: (r) => `'${r.pick(['2024-02-29 12:30+02', 'infinity', '1970-01-01Z'])}'::timestamptz`,
};

export const untyped = {
  date: ['2024-02-28', '2024-02-30', 'x', 'epoch'],
  time: ['10:00', '25:00', '10:00+02'],
  timestamp: ['2024-02-29 10:00', '2024-02-29', 'tomorrowish'],
  timestamptz: ['2024-02-29 10:00+05:30', '294277-01-01', ''],
};

export const columns = {
  date: { d: ['2024-02-29', '4714-11-24 BC', 'infinity'], d2: ['2023-12-31', '5874897-12-31', null] },
  time: { h: ['12:30:45.123456', '24:00', null] },
  timestamp: { w: ['2024-02-29 12:30:45', '294276-12-31 23:59:59.999999', '-infinity'] },
  timestamptz: { z: ['2024-02-29 10:30:00+02', '4714-11-24 00:00 BC', null] },
};

export const groups = { moment: ['date', 'timestamp', 'timestamptz'] };

export const productions = [...Object.keys(literals).map(ordered), {
  date: ['<date> + <integer>', '<integer> + <date>', '<date> - <integer>', '<timestamp>::date', '<timestamptz>::date',
    '<text>::date', '<date> - <smallint>'],
  time: ['<timestamp>::time', '<timestamptz>::time', '<text>::time'],
  timestamp: ['<date>::timestamp', '<timestamptz>::timestamp', '<text>::timestamp', 'coalesce(<date>, <timestamp>)'],
  timestamptz: ['<date>::timestamptz', '<timestamp>::timestamptz', 'greatest(<timestamptz>, <timestamp>)',
    'case when <boolean> then <date> else <timestamptz> end'],
  integer: ['<date> - <date>'],
  text: ['<date>::text', '<text> || <date>', '<timestamp> || <text>', '<timestamptz>::text', '<time>::text'],
  boolean: ['<moment> = <moment>', '<moment> < <moment>', '<moment> >= <moment>', '<moment> in (<moment>, <moment>)',
    '<moment> between <date> and <timestamp>', '<moment> is not distinct from <moment>'],
}];
