/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a query gives does not depend on the indexes that it uses, whatever it compares with
 * what; and the plans that indexes are for are made.
 * Method: things with a column of every type, under indexes of all kinds, beside a table of
 * ordinary SQLite and beside the same things without an index; random statements of comparisons,
 * joins and orders, with arguments of every kind for every column. The plans of some statements.
 */
#include "tests/unit/sql/twin.h"

#define INDEXES                                                                                    \
    ", INDEX (small, day), INDEX (name), INDEX (color, name), INDEX (day), INDEX (at, id),"        \
    " INDEX (price, big), INDEX (wide), INDEX (code), INDEX (flag, tod), INDEX (ref),"             \
    " INDEX (raw, small), INDEX (parent), INDEX (name, at), UNIQUE (big), INDEX (ts),"             \
    " INDEX (name, small)"

/* A schema has at most sixteen. */
#define OTHER_INDEXES                                                                              \
    ", INDEX (loose), INDEX (loose, name), INDEX (name, loose), INDEX (price), INDEX (small, at)," \
    " INDEX (big, color), INDEX (day, at), INDEX (code, small), INDEX (parent, color, name),"      \
    " INDEX (ratio), INDEX (single, ratio), INDEX (small, ratio, name), INDEX (ratio, name),"      \
    " INDEX (span), INDEX (span, small)"

#define THINGS(indexes)                                                                            \
    "CREATE TYPE color AS ENUM ('red', 'green', 'blue');"                                          \
    "CREATE SHARED AGGREGATE thing (id integer PRIMARY KEY, small smallint, big bigint,"           \
    " flag boolean, price numeric(10,2), wide numeric(18,4), name text, code char(4),"             \
    " color color, day date, at timestamptz, ts timestamp, tod time, ref uuid, raw bytea,"         \
    " parent references thing(id), loose numeric, ratio double precision, single real, span "      \
    "interval" indexes ");"                                                                        \
    "CREATE EVENT_TYPE thing_made (id creates thing(id), small updates thing(small),"              \
    " big updates thing(big), flag updates thing(flag), price updates thing(price),"               \
    " wide updates thing(wide), name updates thing(name), code updates thing(code),"               \
    " color updates thing(color), day updates thing(day), at updates thing(at),"                   \
    " ts updates thing(ts), tod updates thing(tod), ref updates thing(ref),"                       \
    " raw updates thing(raw), parent updates thing(parent), loose updates thing(loose),"           \
    " ratio updates thing(ratio), single updates thing(single), span updates thing(span));"        \
    "CREATE STREAM things (path \"/things/{id}\" event_types (thing_made));"

static const char *const tables[] = {
    "CREATE TABLE thing (id INTEGER PRIMARY KEY, small INTEGER, big INTEGER, flag INTEGER,"
    " price REAL, wide TEXT COLLATE rv_wide, name TEXT, code TEXT COLLATE RTRIM, color TEXT, day "
    "TEXT, at TEXT,"
    " ts TEXT, tod TEXT, ref TEXT, raw BLOB, parent INTEGER, loose TEXT COLLATE rv_wide,"
    " ratio REAL, single REAL, span TEXT)",
    NULL,
};

#define COLUMNS 20u
#define CHOICES 12u
#define LONG    "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"

/* What cells hold, as JSON. The last two of dates are outside of the years that sort. */
static const char *const columns[COLUMNS] = {
    "id", "small", "big", "flag", "price", "wide",   "name",  "code",  "color",  "day",
    "at", "ts",    "tod", "ref",  "raw",   "parent", "loose", "ratio", "single", "span"};

static const char *const cells[COLUMNS][CHOICES] = {
    {"0"},
    {"-3", "0", "1", "2", "5", "5", "7", "32767", "-32768", "null", "null", "6"},
    {"0"},
    {"true", "false", "null", "true", "false", "true", "false", "null", "true", "false", "true",
     "false"},
    {"0", "0.30", "0.1", "-0.01", "5", "5.5", "99999999.99", "-99999999.99", "null", "2.5", "0.29",
     "\"NaN\""},
    {"0", "0.0001", "-0.0001", "5", "5.5", "99999999999999.9999", "12345678901234.5678", "2.5",
     "null", "10", "9", "\"NaN\""},
    {"\"\"", "\"a\"", "\"ab\"", "\"5\"", "\"05\"", "\"5.0\"", "\"b\"", "null", "\"" LONG LONG "x\"",
     "\"" LONG LONG "y\"", "\"" LONG LONG "\"", "\"\xc3\xa9\""},
    {"\"a\"", "\"ab\"", "\"abc\"", "\"abcd\"", "\"a\\u0001\"", "\"5\"", "null", "\"b\"", "\"\"",
     "\"c\"", "\" a\"", "\"B\""},
    {"\"red\"", "\"green\"", "\"blue\"", "null", "\"red\"", "\"green\"", "\"blue\"", "\"red\"",
     "\"green\"", "\"blue\"", "\"red\"", "null"},
    {"\"2012-02-29\"", "\"2012-02-28\"", "\"2012-03-01\"", "\"2011-12-31\"", "\"0001-01-01\"",
     "\"9999-12-31\"", "null", "\"infinity\"", "\"-infinity\"", "\"2012-10-01\"",
     "\"0044-03-15 BC\"", "\"10000-01-01\""},
    {"\"2012-02-29T10:00:00+00:00\"", "\"2012-02-29T10:00:00.5+00:00\"",
     "\"2012-02-29T10:00:00.25+00:00\"", "\"2012-02-29T09:59:59+00:00\"", "null",
     "\"2012-10-01T00:00:00+00:00\"", "\"infinity\"", "\"-infinity\"",
     "\"0001-01-01T00:00:00+00:00\"", "\"9999-12-31T23:59:59.999999+00:00\"",
     "\"0044-03-15T00:00:00+00:00 BC\"", "\"10000-01-01T00:00:00+00:00\""},
    {"\"2012-02-29T10:00:00\"", "\"2012-02-29T10:00:00.5\"", "\"2012-02-29T10:00:00.25\"",
     "\"2012-02-29T09:59:59\"", "null", "\"2012-10-01T00:00:00\"", "\"infinity\"", "\"-infinity\"",
     "\"2012-02-29T00:00:00\"", "\"9999-12-31T23:59:59.999999\"", "\"0044-03-15T00:00:00 BC\"",
     "\"10000-01-01T00:00:00\""},
    {"\"10:00:00\"", "\"10:00:00.5\"", "\"10:00:00.25\"", "\"00:00:00\"", "\"24:00:00\"", "null",
     "\"12:30:00\"", "\"12:31:00\"", "\"23:59:59.999999\"", "\"09:00:00\"", "\"10:00:01\"",
     "\"10:01:00\""},
    {"\"00000000-0000-0000-0000-000000000000\"", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"",
     "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12\"", "\"ffffffff-ffff-ffff-ffff-ffffffffffff\"", "null",
     "\"10000000-0000-0000-0000-000000000000\"", "null", "null",
     "\"a1000000-0000-0000-0000-000000000000\"", "null", "null", "null"},
    {"\"\\\\x\"", "\"\\\\x00\"", "\"\\\\x0000\"", "\"\\\\x61\"", "\"\\\\x6100\"", "\"\\\\x61ff\"",
     "null", "\"\\\\xff\"", "\"\\\\x00ff\"", "\"\\\\x0001\"", "\"\\\\x35\"", "null"},
    {"null", "1", "2", "3", "4", "5", "6", "7", "null", "9", "10", "11"},
    {"null", "0", "5", "5", "6", "-1e20", "1e20", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "0.1",
     "12345678901234567890123.5"},
    {"null", "0", "0", "5", "5.5", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "0.3", "-1e300",
     "1e300", "0.30000000000000004"},
    {"null", "0", "0", "5", "5.5", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "0.3", "-1e30",
     "1e30", "5.25"},
    {"null", "\"1 day\"", "\"24:00:00\"", "\"1 mon\"", "\"30 days\"", "\"-1 days\"", "\"00:00:00\"",
     "\"1 year 2 mons\"", "\"1 day\"", "\"24:00:00\"", "\"1 mon\"", "null"},
};

/* What columns are compared with. */
static const char *const literals[] = {
    "5",
    "5.5",
    "-3",
    "0",
    "1",
    "2.0",
    "0.3",
    "0.30000000000000004",
    "1e300",
    "-1e300",
    "9223372036854775807",
    "9223372036854775808.0",
    "-0.01",
    "12345678901234.5678",
    "'12345678901234.5678'",
    "'2.55555'",
    "'5'",
    "'05'",
    "'5.0'",
    "' 5 '",
    "'abc'",
    "'a'",
    "'ab'",
    "''",
    "NULL",
    "x'61'",
    "x''",
    "x'00'",
    "x'6100'",
    "'" LONG LONG "x'",
    "'" LONG LONG "'",
    "'a   '",
    "'a\x01  '",
    "'red'",
    "'green'",
    "'purple'",
    "'2012'",
    "'2012-'",
    "'2012-0'",
    "'2012-1'",
    "'2012-02'",
    "'2012-02-2'",
    "'2012-02-29'",
    "'2012-02-30'",
    "'2012-02-29T'",
    "'2012-02-29T10'",
    "'2012-02-29T10:00:00'",
    "'2012-02-29T10:00:00+00:00'",
    "'2012-02-29 10:00:00'",
    "'2012-02-29T12:00:00+02:00'",
    "'2012-02-29T10:00:00.5'",
    "'2012-02-29T10:00:00.50'",
    "'2012-02-29T10:00:00.5+00:00'",
    "'infinity'",
    "'-infinity'",
    "'0044-03-15 BC'",
    "'0044-03-15'",
    "'10000-01-01'",
    "'10'",
    "'10:'",
    "'10:00:00'",
    "'10:00:00.5'",
    "'24:00:00'",
    "'9'",
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    "'a0'",
    "true",
    "'NaN'",
    "'Infinity'",
    "'-Infinity'",
    "'5.000'",
    "'1e20'",
    "'1 day'",
    "'24:00:00'",
    "'1 mon'",
    "'30 days'",
    "'P1D'",
};

#define LITERAL_COUNT (sizeof literals / sizeof literals[0])

static uint64_t seed;

static uint32_t below(uint32_t count) {
    return (uint32_t)(rv_test_random(&seed) % count);
}

static const char *literal(void) {
    return literals[below(LITERAL_COUNT)];
}

/* `choices`: of the cells, how many there are to choose from. */
static rv_status fill(fixture *f, uint32_t count, uint32_t choices, uint64_t from) {
    rv_status status = RV_OK;
    seed = from;
    for (uint32_t i = 1; i <= count && status == RV_OK; i++) {
        char path[32];
        char data[4096];
        snprintf(path, sizeof path, "/things/%u", i);
        size_t len = (size_t)snprintf(data, sizeof data, "{\"big\":%d", (int)(i * 7) - 300);
        for (uint32_t c = 1; c < COLUMNS; c++) {
            const bool date = c >= 9 && c <= 11;
            if (c != 2) {
                len += (size_t)snprintf(data + len, sizeof data - len, ",\"%s\":%s", columns[c],
                                        cells[c][below(date ? choices : CHOICES)]);
            }
        }
        snprintf(data + len, sizeof data - len, "}");
        status = fixture_append(f, path, "thing_made", data);
    }
    return status;
}

/* One comparison of a column of `table`. */
static int write_term(char *text, size_t size, const char *table) {
    static const char *const operators[] = {"=", "<", "<=", ">", ">=", "IS", "=", "="};
    const char *const column = columns[below(COLUMNS)];
    switch (below(10)) {
    case 0:
        return snprintf(text, size, "%s.%s IS NULL", table, column);
    case 1:
        return snprintf(text, size, "%s.%s IN (%s, %s, %s)", table, column, literal(), literal(),
                        literal());
    case 2:
        return snprintf(text, size, "%s.%s BETWEEN %s AND %s", table, column, literal(), literal());
    case 3:
        return snprintf(text, size, "%s.%s %s %s COLLATE NOCASE", table, column,
                        operators[below(8)], literal());
    default:
        return snprintf(text, size, "%s.%s %s %s", table, column, operators[below(8)], literal());
    }
}

static size_t write_terms(char *text, size_t size, const char *table) {
    size_t len = 0;
    const uint32_t count = below(4);
    for (uint32_t i = 0; i < count; i++) {
        len += (size_t)snprintf(text + len, size - len, "%s",
                                i == 0          ? " WHERE "
                                : below(6) == 0 ? " OR "
                                                : " AND ");
        len += (size_t)write_term(text + len, size - len, table);
    }
    text[len] = 0;
    return len;
}

/* What is sorted by is all that is selected, so that rows that are equal in it cannot be told. */
static void write_sorted(char *text, size_t size) {
    static const char *const orders[] = {"small %s, day %s",
                                         "name %s",
                                         "name %s, at %s",
                                         "day %s",
                                         "at %s, id %s",
                                         "price %s, big %s",
                                         "wide %s",
                                         "flag %s, tod %s",
                                         "ref %s",
                                         "raw %s, small %s",
                                         "color %s, name %s",
                                         "code %s",
                                         "loose %s",
                                         "span %s",
                                         "span %s, small %s",
                                         "ratio %s",
                                         "small %s, ratio %s",
                                         "loose %s, name %s",
                                         "day %s, id %s",
                                         "tod %s",
                                         "at %s",
                                         "big %s",
                                         "ts %s",
                                         "small %s",
                                         "parent %s",
                                         "name %s, small %s"};
    char terms[2048];
    (void)write_terms(terms, sizeof terms, "thing");
    const char *const order = orders[below(sizeof orders / sizeof orders[0])];
    const char *const first = below(2) == 0 ? "" : "DESC";
    const char *const second = below(4) == 0 ? "" : first;
    char plain[64];
    char sorted[96];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(plain, sizeof plain, order, "", "");
    snprintf(sorted, sizeof sorted, order, first, second);
#pragma GCC diagnostic pop
    char limit[32] = "";
    if (below(3) == 0) {
        snprintf(limit, sizeof limit, " LIMIT %u", 1 + below(20));
    }
    snprintf(text, size, "SELECT %s FROM thing%s ORDER BY %s%s", plain, terms, sorted, limit);
}

static void write_statement(char *text, size_t size) {
    char terms[2048];
    switch (below(8)) {
    case 0:
    case 1:
        (void)write_terms(terms, sizeof terms, "thing");
        snprintf(text, size, "SELECT id FROM thing%s ORDER BY id", terms);
        break;
    case 2:
        (void)write_terms(terms, sizeof terms, "thing");
        snprintf(text, size, "SELECT %s, count(*) FROM thing%s GROUP BY 1 ORDER BY 1",
                 columns[below(COLUMNS)], terms);
        break;
    case 3:
        (void)write_terms(terms, sizeof terms, "a");
        snprintf(text, size,
                 "SELECT a.id, b.id FROM thing a JOIN thing b ON b.%s %s a.%s%s ORDER BY 1, 2",
                 columns[below(COLUMNS)], below(3) == 0 ? ">" : "=", columns[below(COLUMNS)],
                 terms);
        break;
    case 4:
        (void)write_terms(terms, sizeof terms, "a");
        snprintf(
            text, size,
            "SELECT a.id, count(b.id) FROM thing a LEFT JOIN thing b ON b.%s = a.%s%s GROUP BY "
            "a.id ORDER BY 1",
            columns[below(COLUMNS)], columns[below(COLUMNS)], terms);
        break;
    case 5: { /* text that is equal to a number has many forms, and the order goes through them */
        const char *const by = below(2) == 0 ? "at" : "small";
        snprintf(text, size,
                 "SELECT b.%s FROM thing a JOIN thing b ON b.name = a.id WHERE a.id = %u ORDER BY "
                 "b.%s %s",
                 by, 4 + below(3), by, below(2) == 0 ? "" : "DESC");
        break;
    }
    default:
        write_sorted(text, size);
        break;
    }
}

/* Runs random statements over so many things; dates are of so many choices. */
static void run(const char *schema, uint32_t count, uint32_t choices, uint32_t most,
                uint64_t from) {
    const uint32_t statements = RV_TEST_ROUNDS(most);
    fixture *f = fixture_open(schema, 4u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fill(f, count, choices, from), RV_OK);
    RV_CHECK(twin_open(tables));
    RV_CHECK(twin_fill(
        f, "thing",
        "INSERT INTO thing VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,CAST(? AS BLOB),?,?,?,?,?)"));
    uint32_t used = 0;
    for (uint32_t i = 0; i < statements; i++) {
        static char text[8192];
        write_statement(text, sizeof text);
        twin_compare(f, text);
        RV_CHECK_PASSED();
        if (i % 8 == 0) {
            const rv_bytes plan = fixture_plan(f, text);
            used += memchr(plan.ptr, ':', plan.len) != NULL && plan.ptr[plan.len - 1] != ':';
        }
    }
    RV_CHECK(used * 8 * 5 > statements);
    RV_CHECK(twin_close());
    fixture_close(f);
}

RV_TEST(statements_agree_with_a_table) {
    run(THINGS(INDEXES), 60, CHOICES - 2, 4000, 1);
    RV_CHECK_PASSED();
    run(THINGS(INDEXES), 60, CHOICES, 4000, 2);
    RV_CHECK_PASSED();
    run(THINGS(OTHER_INDEXES), 60, CHOICES - 2, 4000, 3);
    RV_CHECK_PASSED();
    run(THINGS(OTHER_INDEXES), 60, CHOICES, 2000, 4);
    RV_CHECK_PASSED();
    run(THINGS(INDEXES), 250, CHOICES - 2, 500, 5);
    RV_CHECK_PASSED();
    run(THINGS(INDEXES), 0, CHOICES, 200, 6);
}

RV_TEST(plans_use_indexes) {
    fixture *f = fixture_open(THINGS(INDEXES), 4u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fill(f, 200, CHOICES - 2, 5), RV_OK);
#define CHECK_PLAN(sql, expected)                                                                  \
    RV_CHECK_TEXT(fixture_plan(f, sql), "SCAN thing VIRTUAL TABLE INDEX " expected)
    CHECK_PLAN("SELECT * FROM thing WHERE id = 5", "1:");
    CHECK_PLAN("SELECT * FROM thing", "0:");
    CHECK_PLAN("SELECT * FROM thing WHERE name = 'a'", "3:=");
    CHECK_PLAN("SELECT * FROM thing WHERE name = 'a' AND at > '2012'", "14:=(");
    CHECK_PLAN("SELECT * FROM thing WHERE big = 5", "15:=");
    CHECK_PLAN("SELECT * FROM thing WHERE parent IS NULL", "13:0");
    CHECK_PLAN("SELECT * FROM thing WHERE at >= '2012-02' AND at < '2012-03'", "6:[)");
    CHECK_PLAN("SELECT * FROM thing ORDER BY at DESC LIMIT 5", "6:d");
    CHECK_PLAN("SELECT * FROM thing ORDER BY at DESC, id DESC LIMIT 5", "6:d");
    CHECK_PLAN("SELECT * FROM thing WHERE at < '2012' ORDER BY at", "6:)a");
    CHECK_PLAN("SELECT * FROM thing WHERE name = 'a' ORDER BY at DESC", "14:=d");
    CHECK_PLAN("SELECT * FROM thing WHERE small = 5 ORDER BY day", "2:=a");
    CHECK_PLAN("SELECT name, count(*) FROM thing GROUP BY name", "3:a");
    CHECK_PLAN("SELECT DISTINCT wide FROM thing", "8:a");
    CHECK_PLAN("SELECT * FROM thing WHERE code > 'a'", "0:");
    CHECK_PLAN("SELECT * FROM thing WHERE color > 'a'", "0:");
    CHECK_PLAN("SELECT * FROM thing WHERE name = 'a' COLLATE NOCASE", "0:");
    RV_CHECK_TEXT(
        fixture_plan(f, "SELECT * FROM thing a JOIN thing b ON b.parent = a.id WHERE a.id = 7"),
        "SCAN a VIRTUAL TABLE INDEX 1:; SCAN b VIRTUAL TABLE INDEX 13:=");
    fixture_close(f);
}

int main(void) {
    RV_RUN(statements_agree_with_a_table);
    RV_RUN(plans_use_indexes);
    return rv_test_done();
}
