// SPDX-License-Identifier: Apache-2.0
// Literals and expressions that are in the vectors for the sake of one branch each: of a few hundred
// thousand that were tried, found and made by hand, these take one that no other test of the core took
// when they were chosen (tools/coverage).

/** By type. */
export const literals = {
  date: [
    '.-0--0001', '2020-01-05 10:00 DST', '11 29 0', '02/31/651:5158-.999995', 'at', 'j2/', 'h10m5', 'J24:23', 'allballs',
    '05D0.849', '99 nov 19', '2020 Jan 5', 'nov 12 55-', 'J7+15:58:5959', '20205D129 29 AD', 'D4 4 12:12:19.5A286', 's5.5',
    'nov dec 5', '1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1',
  ],
  timestamp: [
    '19, jun, 9.9', '874897 S9pt 31 31', 'm9-09-31', '0 sep 2019', '1900-13-31T21:04:53', '4713-11-6  11:35:48',
    '2019-11-31 08:46:10+02:60', '294276.000 24:53:17.19194', '0001524T23:26:42.0999995BC', '2020-01-01T00:00:00+16:00',
  ],
  interval: [
    '.50753132 years 9:1:1.7.32345 hrs ', 'y/P', 'P808036483WT', '/20-89T96:-98.66:-11', 'P-3-7744384306-9 9T15:-57:-89',
    'P-046791--1.4-956,T-2,5574966274:-62796480600:-4.94', '1/2', 'P2e-8M', 'P1E400D', 'P9074889e', 'P9-1Y4D682W', 'P828e93T3223',
    'P-695523576Y', 'P1-2-3T1:2:3:4', '156268192212324: ', '+8msec 45:68::31 ', 'P-6888667398344089M',
    'P6--5--9886128922T0:3:-96', '- 65mons - 81:554 s -554:0- us 52.1 millennia ',
    '1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1', '+1:-99999999999', '0.5 weeks 2147483647 days', '+1--5', '1 dow',
    '1:2.3.4', '+1:2:-3', 'day-+_:1', '2562047788:01', '+1--99999999999', '768614336404564650-8', '-2147483648 mons ago',
    '-2147483648 years ago', '99999999999999999999:1', '2147483640 years 1 decade', '-9223372036854775808 us ago', 'day.5',
    'P1e+5D', 'PT1Y', 'PT1W', 'PT1D', 'P1S', '0.1 weeks 9223372036854775807 us', '0.5 years 2147483647 mons',
    '0.5 days 9223372036854775807 us', '0.5 mons 2147483647 days', '0.5 ms 9223372036854775807 us',
    // more than there is room for, in each kind of word
    ...['9', '1:2', 'day', '1-2', '1/', '1.2', '-1', '-day', '.5', '1 '].map((text) => text.repeat(300)),
    `${'1'.repeat(254)}`, `${'1'.repeat(255)}`, `${' '.repeat(300)}1 day`, `1 ${'s'.repeat(253)}`, `${'0'.repeat(250)}1 s 1 m`,
    `${'0'.repeat(251)}1 s 1 m`, `${'0'.repeat(252)}1 s`,
  ],
  timestamptz: [
    'j:7--8', 'J414.653', ' 29DEC.2019', '47140114 BC', '294276 jul 3', 'j192526220955.', '20190mm224t09:49+072',
    '000,-11-29 23:47:33.999995++15:15:59', '2020-01-01 t feb-5', '2020-01-01 10:00+5:99999999999',
    '2020-01-01 10:00+99999999999:5', '2020-01-01 10:00+5:5:99999999999', '2020-01-01 10:00+99999999999:5:5',
  ],
  time: [
    '0001.90J2+7:8:m7', '1860', '14:4:5J8-', '00:07+1:26m3',
  ],
  bytea: [
    '\\378', '\\0 aa', '\\xde\rad', 'ää\\00 ',
  ],
  'text[]': [
    '{\\}}',
  ],
  uuid: [
    '{a0eebc999c0b4ef8bb6d6bb9bd380a11-}',
  ],
};

/** By the row of grammar.mjs that they are evaluated over. */
export const expressions = [
  [
    'j >> 1 + m2', "i + 'infinity'::date", "decode((z::text), 'hex')", 't <> c', "raw -> 'a_b'::text", "r / 'infinity'::float8",
    'extract(epoch from d)::text', "(date_part('millennium', o)) / double precision '-2.5'",
    "decode(encode('\\xdead'::bytea || x, 'base64'), 'base64')",
    "date_part('isoyear', ((greatest(d, 'infinity'::date)) - (j - 32767::smallint)))",
    "(extract(timezone from '-infinity'::timestamp + h)::text) in ((doc ->> 'k'), (repeat(substring(v for 2), 3)))",
    'case (coalesce((lcm(2147483647, j)), (case when y then 2 else 0 end))) when k then (@ b2) when (u::integer) then null else b2 end',
    'r - r', 'sign(i)', 'c like c', 'gcd(s, s)', "doc || '[]'", `doc @> '"a"'`, "g2 * 'Infinity'", 'raw ->> i::char(3)',
    'make_date(j, 1, j)', 'div(0.00, m) ^ 2.0', 'make_date(k, j, k)', "date_part('day', z)", 'make_time(i, 3, g3)',
    "@ (least(r2, '-0'))", 'make_time(i, j, g2)', "date_part('yr', o2)", "'{NULL}'::int[] @> ns", "date_part('epoch', o)",
    "'infinity'::float8 * g3", "date_trunc('quarter', w)", "date_part('timezone', d)", "date_part('decade', ((o)))",
    'starts_with(t2, t)::integer', 'make_time(k, (cardinality(ns2)), g1)', 's + (b2::numeric / 255::smallint | s)',
    "interval 'P1Y2M3DT4H5M6.5S' / (+ (r))", "d2 - array_position('{NULL}'::int[], i)",
    'make_timestamp(2147483647, i, -7, 10, j, g3)', "date_part('isoyear', (date_trunc('hour', (to_timestamp(g2)))))",
    "(make_date((i::integer), (- j), (@ k))) - (date_trunc('week', o2))",
    "extract(day from (make_time(i, 2147483647, '1e300'::float8)))::text",
    "(array_append((case when y then '{1}'::int[] when y then '{}' end), k)) <@ (gcd(j, 3)) || k || '{1,2,3}'::int[]",
    "date_part('day'::char(5), d)", "date_trunc('x', '2024-02-29'::date)", "'0'::float8 + '1e400'::numeric", 'nullif(v,c)',
    'substr(5, 1)', "encode(x, 'h{x')", "decode('3q*0', 'base64')", "'-40000'::jsonb::smallint", 'case when y then ns else i end',
    'make_timestamp(294277,1,1,0,0,0)', 'make_interval(0,0,0,0,2147483647)', "'4714-11-24 BC'::date - '1 us'::interval",
    "round('-31'::integer, '-32768'::smallint)", '1e+', 't[1]', 'x || t', 'sign(0)', 'trunc(p)', 'round(t,1)', 'nullif(c,t)',
    '1e400 ^ 400', "nullif(1,'x')", "sqrt(''::text)", 'date_part(5, d)', 'to_timestamp(t)', 'round(2.5,null)', 'make_date(s,s,s)',
    "substr('abc', s)", 'make_time(24,0,1)', "jsonb_typeof('x')", "make_date('x',1,1)", "'1' ilike ''::bytea",
    'make_date(-4714,1,1)', "'a' = 'a' escape 'b'", "array[1]||array['a']", 'extract("day" from d)', "decode('=', 'base64')",
    "'1e19'::jsonb::bigint", "decode('d ead', 'hex')", "decode('3q=0', 'base64')", "decode('3q0= ', 'base64')",
    "div('0'::bigint, ''::text)", "justify_days('24:00'::time)", "'0'::numeric ^ 'nan'::numeric", "'1'::numeric ^ 'nan'::numeric",
    "to_timestamp('-1e38'::float4)", "date_trunc('day'::varchar, w)", 'case when y then o else h end',
    "date_trunc('x', '24:00'::time)", 'case when y then i else ns end', "'0'::float8 + '-1e400'::numeric",
    "to_timestamp('infinity'::float8)", "date_trunc('x', 'infinity'::date)", "'-1 us'::interval * '1e30'::float8",
    "'0'::numeric ^ 'infinity'::numeric", "'2'::numeric ^ 'infinity'::numeric", "'infinity'::numeric ^ '1'::numeric",
    "date_part('ago', 'infinity'::date)", "'-1'::numeric ^ 'infinity'::numeric", "'-infinity'::numeric ^ '2'::numeric",
    "'294280-01-01'::date - '0'::interval", "extract(century from 'infinity'::date)", "extract(timezone from 'infinity'::date)",
    "'infinity'::timestamp = '-infinity'::date", "extract(millennium from 'infinity'::date)",
    "date_trunc('century', '4714-11-24 BC'::date)", "'2024-02-29'::date + '-20000 years'::interval",
    "'294276-12-31'::date + '100000000 days'::interval", "'2024-02-29'::date + '9223372036854775807 us'::interval",
    `'{"a":{"b":[1,2]}}'::jsonb #> '{a,b,99999999999999999999}'`,
    "date_part('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '24:00'::time)",
    "date_part('day', '100000000 days'::interval)", "bit_length('0'::smallint)", "chr('32767'::smallint)",
    "decode('3', 'base64')", "null || '{}'::jsonb", 'make_timestamp(2020,1,1,0,60,0)', "split_part('a,b,c', '', -1)",
    `'{"a":{"b":[1,2]}}'::jsonb #> '{a,b,2147483648}'`, "'false'::jsonb::boolean", `'1.50'::jsonb <@ '[1,"a",null]'::jsonb`,
    "'294280-01-01'::date - '-infinity'::date", "date_part('day'::char(5), d)", "date_trunc('day'::char(6), w)",
    "'0'::float8 + '1e400'::numeric", "g1 * '1e-400'::numeric", "'-1e400'::numeric * g1", "o * '1e400'::numeric",
    "o / '1e400'::numeric", "decode('3q=0', 'base64')", "decode('3q0=3q0=', 'base64')", "decode('3===', 'base64')",
    "decode('3q==AAAA', 'base64')", "decode('3q=', 'base64')", "r + '1e39'::numeric", 'r + p', 'g1 + p', 'p - g1', 'o * p',
    '1.5 * o', "g1 * 'nan'::numeric", "g1 * 'infinity'::numeric",
  ],
  [
    'w - d2', '(o / s) + (d2 - i)', 'doc ? t', `raw #> '{"",x}'::text[]`, "to_timestamp((date_part('epoch', w)))",
    "trim(both (least(t2, '日本'::text, 'a'::text)) from 'äöü'::text)",
    "extract(epoch from least('-infinity'::timestamp, w, w))::text || array[t, null]", 'o + d2', 'substr(v, k, 0)',
    "date_part('yr', d2)", "p || '12'::text::bytea", "date_part('isoyear', z)", 'trunc(power(m3, -2), 2)',
    "to_json(lcm(k, k)) -> 'a'", "((@ m3) + '-Infinity') ^ 2.0", "date_trunc('hour', (d2 - z))", "w + interval '1 month -1 day'",
    'make_time((bit_length(t)), 3, g1)', "least('-infinity'::timestamp, w, w)::time",
    "doc #> ('%'::text || ws2) -> (cardinality(ns))", "overlay(t2 placing ''::text from 2147483647 for 2)",
    "nullif((t::varchar(3)), (nullif('it'::varchar(4), v2)))", "make_timestamp(1, 3, 1, j, 2147483647, double precision '-2.5')",
    "0::numeric(12,2) % (greatest((nullif(p, p2)), ('-0.005'::numeric(12,2))))",
  ],
  [
    'sign((((p + i))))', "to_timestamp(date_part('yr', w))", '(w::date) - ((i))', '(b2 << j + (b2 % b)) = b2',
    '~ b / (3.14159265358979323846 + m3)', "nullif('free'::plan, (e::text || t::plan))",
    "array_prepend(('null'::jsonb #> ws #>> ws2 || ws2), ((ws)))", 'doc || t',
  ],
  [
    'ns::bigint[]',
  ],
];
