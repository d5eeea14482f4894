/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any SELECT, from a seed: two aggregates with a column of every form, indexes of each kind, NULLs,
 * ties, times before the year 1 and infinite ones; and statements over them: filters with constants
 * that fit and that do not, joins, subqueries, groups, windows, WITH, compounds, ORDER BY with
 * LIMIT. A statement's rows are the same whatever plan is made of it, in order where it says one.
 */
#ifndef RV_TESTS_SQL_GENERATOR_H
#define RV_TESTS_SQL_GENERATOR_H

#include "tests/unit/sql/fixture.h"

#define ROWS 48

static const char schema[] =
    "CREATE TYPE color AS ENUM ('red', 'green', 'blue');"
    "CREATE AGGREGATE t (id bigint PRIMARY KEY, k integer, b boolean, n numeric(9,2),"
    " w numeric(30,4), s varchar(20), e color, d date, ts timestamptz, g uuid,"
    " f double precision, h char(4), j jsonb, c numeric(12,0),"
    " INDEX (k), INDEX (s, k), INDEX (n), INDEX (w), INDEX (d), INDEX (ts, id), INDEX (e, k),"
    " INDEX (g), INDEX (f), INDEX (b, d), INDEX (h), INDEX (c));"
    "CREATE AGGREGATE u (a integer, z text, t_id references t(id), v smallint, at timestamp,"
    " tm time, bin bytea, PRIMARY KEY (a, z), INDEX (t_id, v), INDEX (at), INDEX (tm),"
    " INDEX (bin), UNIQUE (v, a, z));"
    "CREATE EVENT_TYPE t_made (id creates t(id), k updates t(k), b updates t(b), n updates t(n),"
    " w updates t(w), s updates t(s), e updates t(e), d updates t(d), ts updates t(ts),"
    " g updates t(g), f updates t(f), h updates t(h), j updates t(j), c updates t(c));"
    "CREATE EVENT_TYPE u_made (a creates u(a), z creates u(z), t_id updates u(t_id),"
    " v updates u(v), at updates u(at), tm updates u(tm), bin updates u(bin));"
    "CREATE EVENT_TYPE t_changed (id references t(id), k updates t(k), b updates t(b), n updates "
    "t(n),"
    " w updates t(w), s updates t(s), e updates t(e), d updates t(d), ts updates t(ts),"
    " g updates t(g), f updates t(f), h updates t(h), j updates t(j), c updates t(c));"
    "CREATE EVENT_TYPE u_changed (a references u(a), z references u(z), t_id updates u(t_id),"
    " v updates u(v), at updates u(at), tm updates u(tm), bin updates u(bin));"
    "CREATE EVENT_TYPE t_gone (id deletes t(id));"
    "CREATE EVENT_TYPE u_gone (a deletes u(a), z deletes u(z));"
    "CREATE STREAM ts (path \"/t/{id}\" event_types (t_made, t_changed, t_gone));"
    "CREATE STREAM us (path \"/u/{a}/{z}\" event_types (u_made, u_changed, u_gone));";

/* --- choosing --- */

static uint64_t random_state;
static rv_writer made; /* of the statement */

static uint32_t below(uint32_t count) {
    return (uint32_t)(rv_test_random(&random_state) % count);
}

static bool chance(uint32_t percent) {
    return below(100) < percent;
}

static void put(const char *text) {
    rv_write_text(&made, text);
}

#define ONE_OF(list) ((list)[below((uint32_t)(sizeof(list) / sizeof *(list)))])

/* --- rows --- */

/* A column: its name, its values in rows, as JSON, and what it is compared with, as SQL. */
typedef struct column_values {
    const char *name;
    bool number; /* sums of it are exact in any order */
    const char *values[10];
    const char *literals[14];
} column_values;

static const column_values t_columns[] = {
    {"id",
     true,
     {NULL},
     {"1", "7", "30", "48", "99", "7.0", "'7'", "7.5", "NULL", "-1", "x'37'", "9223372036854775807",
      "1e300", "'x'"}},
    {"k",
     true,
     {"-3", "0", "1", "2", "3", "3", "8", "12", "-2147483648", "2147483647"},
     {"0", "3", "8", "-1", "2.5", "3.0", "'3'", "'a'", "NULL", "1e10", "-1e300", "x'33'",
      "2147483647"}},
    {"b", true, {"true", "false"}, {"0", "1", "true", "false", "2", "NULL", "0.5"}},
    {"n",
     false,
     {"0.30", "1.50", "-2.25", "100", "12345.67", "0.10", "0.20", "-0.01", "9999999.99", "0"},
     {"0.3", "0.30", "1.5", "0.1 + 0.2", "'0.3'", "100", "-2", "NULL", "1e9", "'x'", "0"}},
    {"w",
     false,
     {"\"12345678901234567890.1234\"", "2", "\"-0.5\"", "\"NaN\"", "\"2.0001\"", "10", "9",
      "\"-12345678901234567890.1234\"", "0", "\"0.5\""},
     {"'2'", "'2.0'", "'10'", "'9'", "'-0.5'", "'NaN'", "'abc'", "''", "NULL",
      "'12345678901234567890.1234'", "'0'", "'-0'", "'2.00010'"}},
    {"s",
     false,
     {"\"a\"", "\"B\"", "\"ab\"", "\"\"", "\"\\u00e9\"", "\"a \"", "\"zz\"", "\"5\"", "\"b\"",
      "\"A\""},
     {"'a'", "'B'", "'ab'", "''", "'a '", "5", "NULL", "x'61'", "'zz'", "'m'", "'A'"}},
    {"e",
     false,
     {"\"red\"", "\"green\"", "\"blue\""},
     {"'red'", "'green'", "'blue'", "'c'", "'Red'", "1", "NULL"}},
    {"d",
     false,
     {"\"2012-01-31\"", "\"2012-02-01\"", "\"0044-03-15 BC\"", "\"infinity\"", "\"-infinity\"",
      "\"0001-01-01\"", "\"9999-12-31\"", "\"10000-01-01\"", "\"2011-12-31\"", "\"2012-02-29\""},
     {"'2012-01-31'", "'2012'", "'2012-02'", "'9999-12-31'", "'infinity'", "'-infinity'", "'0001'",
      "'2'", "NULL", "2012", "'0044-03-15 BC'", "'2012-02-30'", "''", "'10000-01-01'"}},
    {"ts",
     false,
     {"\"2012-01-31T12:34:56Z\"", "\"2012-01-31T12:34:56.5Z\"", "\"2012-02-01T00:00:00Z\"",
      "\"infinity\"", "\"-infinity\"", "\"1969-12-31T23:59:59Z\"", "\"0044-03-15 00:00:00+00 BC\"",
      "\"2012-01-31T12:34:57Z\"", "\"9999-12-31T23:59:59.999999Z\"", "\"2000-01-01T00:00:00Z\""},
     {"'2012-01-31T12:34:56+00:00'", "'2012-01'", "'2012-01-31T12'", "'2012'",
      "'2012-01-31T12:34:56.5+00:00'", "'2012-01-31 12:34:56'", "'infinity'", "NULL",
      "'2000-01-01'", "7", "'2012-01-31T12:34:56'", "'9'"}},
    {"g",
     false,
     {"\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"", "\"00000000-0000-0000-0000-000000000000\"",
      "\"ffffffff-ffff-ffff-ffff-ffffffffffff\""},
     {"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "'a0'",
      "NULL", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"}},
    {"f",
     false,
     {"0.5", "0.25", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "1e300", "3", "-7.25", "0.1",
      "2.5"},
     {"0.5", "0", "-0.0", "1e300", "1e999", "-1e999", "'0.5'", "NULL", "3", "0.1", "'Infinity'"}},
    {"h",
     false,
     {"\"ab\"", "\"a\"", "\"\"", "\"zzzz\"", "\"A b\""},
     {"'ab'", "'ab  '", "'a'", "'a   '", "''", "NULL", "'zzzz'"}},
    {"j",
     false,
     {"{\"a\": 1}", "{\"a\": 2, \"b\": [1, 2]}", "[1, 2]", "\"x\"", "7"},
     {"'{\"a\": 1}'", "'[1, 2]'", "'7'", "NULL"}},
    {"c",
     false,
     {"0", "999999999999", "-5", "17", "18", "\"NaN\""},
     {"17", "'17'", "17.5", "0", "NULL", "999999999999", "1e12", "'NaN'", "'A'", "'x'", "1e300"}},
};

static const column_values u_columns[] = {
    {"a", true, {NULL}, {"1", "2", "5", "3.0", "'2'", "NULL", "-1", "2.5"}},
    {"z", false, {NULL}, {"'p'", "'q'", "'r'", "'P'", "''", "NULL", "5"}},
    {"t_id", true, {NULL}, {"1", "7", "12", "NULL", "'3'", "3.5"}},
    {"v", true, {"-5", "0", "1", "2", "32767"}, {"0", "1", "2", "NULL", "1.5", "40000", "'2'"}},
    {"at",
     false,
     {"\"2012-01-31T12:34:56\"", "\"infinity\"", "\"2012-02-01T00:00:00\"",
      "\"1999-12-31T23:59:59.25\"", "\"0044-03-15 00:00:00 BC\""},
     {"'2012-01-31T12:34:56'", "'2012'", "'2012-02'", "NULL", "'1999-12-31T23:59:59.25'",
      "'infinity'"}},
    {"tm",
     false,
     {"\"12:34:56\"", "\"00:00:00\"", "\"23:59:59.5\"", "\"24:00:00\""},
     {"'12:34:56'", "'12'", "'23:59:59.5'", "'24:00:00'", "NULL", "'9'"}},
    {"bin",
     false,
     {"\"\\\\x\"", "\"\\\\x00\"", "\"\\\\x00ff\"", "\"\\\\x61\""},
     {"x''", "x'00'", "x'00ff'", "x'61'", "'a'", "NULL"}},
};

static const char *pick(const char *const *list, uint32_t cap) {
    uint32_t count = 0;
    while (count < cap && list[count] != NULL) {
        count++;
    }
    RV_ASSERT(count > 0);
    return list[below(count)];
}

static void write_values(rv_writer *data, const column_values *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (columns[i].values[0] != NULL && !chance(18)) {
            rv_write_text(data, data->len == 1 ? "\"" : ",\"");
            rv_write_text(data, columns[i].name);
            rv_write_text(data, "\":");
            rv_write_text(data, pick(columns[i].values, 10));
        }
    }
}

/* A row's address and what it holds. */
typedef struct row_text {
    char path[64];
    char data[2048];
} row_text;

/* Rows 1 … ROWS are of t, and as many behind them of u. */
static void make_row(int row, row_text *out) {
    char *const path = out->path;
    rv_writer data = rv_writer_over(out->data, sizeof out->data - 1);
    rv_write_u8(&data, '{');
    if (row <= ROWS) {
        snprintf(path, sizeof out->path, "/t/%d", row);
        write_values(&data, t_columns, sizeof t_columns / sizeof *t_columns);
    } else {
        static const char *const keys[] = {"p", "q", "r", "P"};
        snprintf(path, sizeof out->path, "/u/%d/%s", (row - ROWS) / 4, keys[row % 4]);
        if (!chance(10)) {
            rv_write_text(&data, "\"t_id\":");
            rv_write_uint(&data, 1 + below(ROWS));
        }
        write_values(&data, u_columns, sizeof u_columns / sizeof *u_columns);
    }
    rv_write_u8(&data, '}');
    RV_ASSERT(!data.full);
    out->data[data.len] = 0;
}

static rv_status append_row(fixture *f, int row) {
    row_text text;
    make_row(row, &text);
    return fixture_append(f, text.path, row <= ROWS ? "t_made" : "u_made", text.data);
}

/* --- statements --- */

/* One of two tables, under an alias. */
typedef struct source {
    bool of_t;
    char alias;
} source;

static const column_values *column_of(source from) {
    return from.of_t ? &ONE_OF(t_columns) : &ONE_OF(u_columns);
}

static void put_alias(source from) {
    const char text[3] = {from.alias, '.', 0};
    put(text);
}

static void put_column(source from, const column_values *c) {
    put_alias(from);
    put(c->name);
}

static void put_from(source from) {
    const char text[3] = {' ', from.alias, 0};
    put(from.of_t ? "t" : "u");
    put(text);
}

static const char *const comparisons[] = {
    "=", "=", "=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT"};

static void put_literal(const column_values *c) {
    put(pick(c->literals, 14));
}

/* A COLLATE in a condition of a CASE is that of its value, too, which would then be sorted with
 * ties between texts that differ. */
static bool in_case;

/* A column compared with what may be one of its values. */
static void put_simple(source from) {
    const column_values *const c = column_of(from);
    switch (below(10)) {
    case 0:
        put_column(from, c);
        put(chance(50) ? " IS NULL" : " IS NOT NULL");
        break;
    case 1:
        put_column(from, c);
        put(chance(80) ? " IN (" : " NOT IN (");
        put_literal(c);
        for (uint32_t i = below(3); i > 0; i--) {
            put(", ");
            put_literal(c);
        }
        put(")");
        break;
    case 2:
        put_column(from, c);
        put(" BETWEEN ");
        put_literal(c);
        put(" AND ");
        put_literal(c);
        break;
    case 3:
        put_column(from, c);
        put(" LIKE ");
        put(chance(50) ? "'a%'" : "'%2%'");
        break;
    case 4:
        put_literal(c);
        put(" < ");
        put_column(from, c);
        break;
    default:
        put_column(from, c);
        put(chance(6) && !in_case ? " COLLATE NOCASE " : " ");
        put(ONE_OF(comparisons));
        put(" ");
        put_literal(c);
        break;
    }
}

static void put_subquery(source outer) {
    const source inner = {chance(50), 'y'};
    switch (below(4)) {
    case 0:
        put(chance(50) ? "EXISTS (SELECT 1 FROM " : "NOT EXISTS (SELECT 1 FROM ");
        put_from(inner);
        put(" WHERE ");
        put_simple(inner);
        put(outer.of_t == inner.of_t ? (outer.of_t ? " AND y.k = " : " AND y.v = ")
            : outer.of_t             ? " AND y.t_id = "
                                     : " AND y.id = ");
        put_alias(outer);
        put(outer.of_t == inner.of_t ? (outer.of_t ? "k" : "v") : outer.of_t ? "id" : "t_id");
        put(")");
        break;
    case 1:
        put_alias(outer);
        put(outer.of_t ? "id IN (SELECT " : "t_id IN (SELECT ");
        put(inner.of_t ? "id FROM " : "t_id FROM ");
        put_from(inner);
        put(" WHERE ");
        put_simple(inner);
        put(")");
        break;
    case 2:
        put_alias(outer);
        put(outer.of_t ? "k >= (SELECT min(" : "v >= (SELECT min(");
        put(inner.of_t ? "k) FROM " : "v) FROM ");
        put_from(inner);
        put(" WHERE ");
        put_simple(inner);
        put(")");
        break;
    default:
        put("NOT (");
        put_simple(outer);
        put(")");
        break;
    }
}

static void put_where(source from, source other) {
    const uint32_t count = below(4);
    for (uint32_t i = 0; i < count; i++) {
        put(i == 0 ? " WHERE " : chance(75) ? " AND " : " OR ");
        if (chance(15)) {
            put_subquery(chance(50) ? from : other);
        } else {
            put_simple(chance(60) ? from : other);
        }
    }
}

static void put_on(source left, source right) {
    static const char *const both[] = {"id", "k", "s", "n", "d", "ts", "e", "w", "g", "f", "c"};
    static const char *const mixed[][2] = {{"id", "t_id"}, {"id", "t_id"}, {"k", "v"},
                                           {"id", "a"},    {"s", "z"},     {"d", "at"},
                                           {"ts", "at"},   {"s", "a"}};
    put(" ON ");
    if (left.of_t == right.of_t) {
        const char *const name = left.of_t ? ONE_OF(both) : chance(50) ? "t_id" : "v";
        put_alias(left);
        put(name);
        put(chance(85) ? " = " : " IS ");
        put_alias(right);
        put(name);
    } else {
        const char *const *const pair = ONE_OF(mixed);
        put_alias(left);
        put(pair[left.of_t ? 0 : 1]);
        put(" = ");
        put_alias(right);
        put(pair[right.of_t ? 0 : 1]);
    }
    if (chance(30)) {
        put(" AND ");
        put_simple(right);
    }
}

/* `FROM …` with one or two tables. Returns the second, or the first again. */
static source put_tables(source first) {
    static const char *const joins[] = {" JOIN ", " JOIN ", " LEFT JOIN ", " RIGHT JOIN ",
                                        " FULL JOIN "};
    const source second = {chance(50), 'b'};
    put(" FROM ");
    put_from(first);
    if (chance(45)) {
        return first;
    }
    put(ONE_OF(joins));
    put_from(second);
    put_on(first, second);
    return second;
}

/* Columns of the result: `count` of them. */
static void put_results(source first, source second, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const source from = chance(50) ? first : second;
        const column_values *const c = column_of(from);
        put(i == 0 ? "" : ", ");
        if (chance(12) && c->number) {
            put("abs(");
            put_column(from, c);
            put(") % 7");
        } else if (chance(8)) {
            put("CASE WHEN ");
            in_case = true;
            put_simple(from);
            in_case = false;
            put(" THEN 1 ELSE ");
            put_column(from, c);
            put(" END");
        } else {
            put_column(from, c);
        }
    }
}

static void put_order(uint32_t count) {
    for (uint32_t i = 1; i <= count; i++) {
        put(i == 1 ? " ORDER BY " : ", ");
        rv_write_uint(&made, i);
        put(chance(35) ? " DESC" : "");
        put(chance(8) ? " NULLS LAST" : "");
    }
}

static void put_limit(void) {
    put(" LIMIT ");
    rv_write_uint(&made, below(12));
    if (chance(40)) {
        put(" OFFSET ");
        rv_write_uint(&made, below(6));
    }
}

/* Rows of one or two tables. All columns are sorted by before they are limited. */
static bool make_rows(void) {
    const source first = {chance(65), 'a'};
    const uint32_t count = 1 + below(4);
    put(chance(12) ? "SELECT DISTINCT " : "SELECT ");
    const size_t at = made.len;
    const source second =
        put_tables(first); /* to know the second, before the columns are written */
    static uint8_t text[4096];
    const size_t len = made.len - at;
    RV_ASSERT(len <= sizeof text);
    memcpy(text, made.ptr + at, len);
    made.len = at;
    put_results(first, second, count);
    rv_write(&made, rv_bytes_of(text, len));
    put_where(first, second);
    if (chance(35)) {
        put_order(count);
        if (chance(70)) {
            put_limit();
        }
        return true;
    }
    return false;
}

/* Sorted by columns of an index, and shown are only these: ties are alike. */
static bool make_index_order(void) {
    static const char *const orders[] = {"k", "s, k", "n",    "w", "d", "ts, id", "e, k",
                                         "g", "f",    "b, d", "h", "c", "id"};
    const source from = {true, 'a'};
    const char *const order = ONE_OF(orders);
    put("SELECT ");
    put(order);
    put(" FROM t a");
    put_where(from, from);
    put(" ORDER BY ");
    const bool down = chance(50);
    for (const char *c = order; *c != 0; c++) {
        const char text[2] = {*c, 0};
        put(*c == ',' && down ? " DESC" : "");
        put(text);
    }
    put(down ? " DESC" : "");
    put_limit();
    return true;
}

/* Exact, and known to be so: where a twin is asked, the space says it (truth.h). */
static const char *const exact_sums[] = {
    "sum (a.n)",
    "sum (a.w)",
    "avg (a.n)",
    "avg (a.w)",
    "avg (a.c)",
    "sum (DISTINCT a.n)",
    "avg (DISTINCT a.w)",
    "sum (a.n) FILTER (WHERE a.k > 2)",
    "sum (coalesce(a.n, 0))",
    "avg (coalesce(a.w, a.n, '0.5'))",
    "sum (CASE WHEN a.b THEN a.n WHEN a.k > 2 THEN -1.25 ELSE a.c END)",
    "sum ((SELECT max(x.n) FROM t x WHERE x.id <= a.id))",
};

static bool make_group(void) {
    static const char *const aggregates[] = {
        "count(*)",  "count(a.k)",          "sum(a.k)",  "min(a.d)", "max(a.w)",    "min(a.n)",
        "max(a.ts)", "count(DISTINCT a.e)", "sum (a.c)", "max(a.f)", "total(a.id)", "min(a.s)",
        "max(a.g)"};
    static const char *const groups[] = {"a.k", "a.s", "a.e", "a.b", "a.d",
                                         "a.w", "a.n", "a.h", "a.f", "substr(a.ts, 1, 7)"};
    const source from = {true, 'a'};
    const char *const group = ONE_OF(groups);
    put("SELECT ");
    put(group);
    for (uint32_t i = 1 + below(3); i > 0; i--) {
        put(", ");
        put(chance(30) ? ONE_OF(exact_sums) : ONE_OF(aggregates));
    }
    put(" FROM t a");
    if (chance(30)) {
        put(chance(50) ? " JOIN u b ON b.t_id = a.id"
                       : " LEFT JOIN u b ON b.t_id = a.id AND b.v > 0");
    }
    put_where(from, from);
    put(" GROUP BY ");
    put(group);
    if (chance(30)) {
        put(" HAVING count(*) > 1");
    }
    if (chance(40)) {
        put(" ORDER BY 1");
        put(chance(50) ? " DESC" : "");
        return true;
    }
    return false;
}

static bool make_window(void) {
    static const char *const windows[] = {
        "row_number() OVER (ORDER BY a.d, a.id)",
        "rank() OVER (ORDER BY a.k)",
        "dense_rank() OVER (PARTITION BY a.e ORDER BY a.w DESC)",
        "sum(a.k) OVER (PARTITION BY a.b ORDER BY a.ts, a.id)",
        "lag(a.s) OVER (ORDER BY a.id)",
        "first_value(a.n) OVER (PARTITION BY a.e ORDER BY a.n DESC, a.id)",
        "ntile(3) OVER (ORDER BY a.id DESC)",
        "count(*) FILTER (WHERE a.k > 2) OVER (ORDER BY a.id ROWS 2 PRECEDING)",
        "sum (a.n) OVER (ORDER BY a.id ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING)",
        "avg (a.w) OVER (PARTITION BY a.e ORDER BY a.id ROWS 2 PRECEDING)",
        "sum (a.w) FILTER (WHERE a.b) OVER (PARTITION BY a.k ORDER BY a.id)"};
    const source from = {true, 'a'};
    put("SELECT a.id, ");
    put(ONE_OF(windows));
    put(" FROM t a");
    put_where(from, from);
    put(" ORDER BY a.id");
    return true;
}

static bool make_with(void) {
    const source from = {true, 'a'};
    switch (below(6)) {
    case 3:
        put("WITH x AS (SELECT e, n AS y, w FROM t a");
        put_where(from, from);
        put(") SELECT x.e, sum (x.y), avg (min(x.y, w)), sum (b.y) FROM x LEFT JOIN (SELECT e,"
            " sum (coalesce(w, c)) AS y FROM t GROUP BY e) b ON b.e = x.e GROUP BY x.e"
            " ORDER BY 1");
        return true;
    case 4:
        put("SELECT sum (x), avg (y), max(z) FROM (SELECT n AS x, max(w, 0) AS y, NULL AS z FROM t"
            " a");
        put_where(from, from);
        put(chance(50) ? " UNION ALL" : " UNION");
        put(" SELECT k, n, (SELECT avg (m.w) FROM t m WHERE m.k = t.k) FROM t)");
        return true;
    case 5:
        put("SELECT a.id, (SELECT sum (coalesce(a.n, b.a)) FROM u b WHERE b.a = a.k), (SELECT avg "
            "(y) FROM"
            " (SELECT a.w AS y FROM u b WHERE b.a >= a.k)) FROM (SELECT * FROM t) a");
        put_where(from, from);
        put(" ORDER BY a.id");
        return true;
    case 0:
        put("WITH x AS (SELECT id, k, s, d FROM t a");
        put_where(from, from);
        put(") SELECT b.a, b.z, x.k, x.d FROM x JOIN u b ON b.t_id = x.id");
        return false;
    case 1:
        put("WITH x AS MATERIALIZED (SELECT t_id, count(*) n FROM u GROUP BY t_id)"
            " SELECT a.id, x.n FROM t a LEFT JOIN x ON x.t_id = a.id");
        put_where(from, from);
        put(" ORDER BY a.id");
        return true;
    default:
        put("WITH RECURSIVE x(i) AS (SELECT min(id) FROM t UNION ALL SELECT (SELECT min(a.id) FROM "
            "t a"
            " WHERE a.id > x.i) FROM x WHERE x.i IS NOT NULL) SELECT x.i, a.k, a.ts FROM x LEFT "
            "JOIN t a ON a.id = x.i");
        put_where(from, from);
        return false;
    }
}

static bool make_compound(void) {
    static const char *const operators[] = {" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT "};
    static const char *const pairs[][2] = {
        {"id, k", "t_id, v"}, {"s, id", "z, a"}, {"k, d", "v, at"}};
    const char *const *const pair = ONE_OF(pairs);
    const source first = {true, 'a'};
    const source second = {false, 'b'};
    put("SELECT ");
    put(pair[0]);
    put(" FROM t a");
    put_where(first, first);
    put(ONE_OF(operators));
    put("SELECT ");
    put(pair[1]);
    put(" FROM u b");
    put_where(second, second);
    put_order(2);
    return true;
}

/* Writes a statement; true when its rows come in an order that it says. */
static bool make_statement(void) {
    static bool (*const makers[])(void) = {make_rows,  make_rows,   make_rows, make_index_order,
                                           make_group, make_window, make_with, make_compound};
    return ONE_OF(makers)();
}

#endif
