/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: every type appears in SQL and in results as docs/sql.md says, compares as it should, and as
 * a key is found by every spelling that SQL calls equal, and by no other. Method: one aggregate
 * with a column of each type; for keys, an aggregate for each type of key whose look-up must give
 * what a scan gives (`(id = …) IS TRUE` keeps SQLite from looking up).
 */
#include "tests/unit/sql/fixture.h"

static const char schema[] =
    "CREATE TYPE plan AS ENUM ('free', 'team', 'enterprise');"
    "CREATE AGGREGATE thing (id bigint PRIMARY KEY, s smallint, i integer, big bigint, flag "
    "boolean,"
    " money numeric(12,2), whole numeric(9), wide numeric(18,4), wholewide numeric(18),"
    " c char(3), v varchar(20), t text, plan plan, d date, tod time, ts timestamp, tz timestamptz,"
    " u uuid, b bytea);"
    "CREATE EVENT_TYPE thing_made (id creates thing(id), s updates thing(s), i updates thing(i),"
    " big updates thing(big), flag updates thing(flag), money updates thing(money),"
    " whole updates thing(whole), wide updates thing(wide), wholewide updates thing(wholewide),"
    " c updates thing(c), v updates thing(v), t updates thing(t), plan updates thing(plan),"
    " d updates thing(d), tod updates thing(tod), ts updates thing(ts), tz updates thing(tz),"
    " u updates thing(u), b updates thing(b));"
    "CREATE STREAM things (path \"/things/{id}\" event_types (thing_made));";

static fixture *things(void) {
    fixture *f = fixture_open(schema, 2u << 20, 0);
    static const char *const data[] = {
        "{\"s\":-32768,\"i\":2147483647,\"big\":9223372036854775807,\"flag\":true,"
        "\"money\":\"1234567890.10\",\"whole\":5,\"wide\":\"12345678901234.5678\","
        "\"wholewide\":\"999999999999999999\",\"c\":\"ab\",\"v\":\"caf\xc3\xa9\",\"t\":\"a\\nb\","
        "\"plan\":\"team\",\"d\":\"2024-02-29\",\"tod\":\"12:34:56.5\","
        "\"ts\":\"2024-02-29T12:34:56.000001\",\"tz\":\"2024-02-29T12:34:56+02\","
        "\"u\":\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\",\"b\":\"\\\\x00ff\"}",
        "{}",
        "{\"s\":1,\"i\":-1,\"big\":-9223372036854775808,\"flag\":false,\"money\":\"-0.05\","
        "\"whole\":-7,\"wide\":\"-0.5\",\"wholewide\":\"10\",\"c\":\"abc\",\"v\":\"\",\"t\":\"\","
        "\"plan\":\"free\",\"d\":\"1999-12-31\",\"tod\":\"00:00\",\"ts\":\"1999-12-31 23:59:59\","
        "\"tz\":\"1999-12-31 23:59:59Z\",\"u\":\"00000000-0000-0000-0000-000000000000\","
        "\"b\":\"\\\\x\"}",
    };
    for (int i = 0; f != NULL && i < 3; i++) {
        char path[32];
        snprintf(path, sizeof path, "/things/%d", i + 1);
        if (fixture_append(f, path, "thing_made", data[i]) != RV_OK) {
            fixture_close(f);
            return NULL;
        }
    }
    return f;
}

RV_TEST(arrays_are_json_in_sql) {
    static const char lists[] =
        "CREATE TYPE plan AS ENUM ('free', 'team');"
        "CREATE AGGREGATE list (id bigint PRIMARY KEY, n integer[], big bigint[], t text[],"
        " plan plan[], j json, b jsonb);"
        "CREATE EVENT_TYPE list_made (id creates list(id), n updates list(n),"
        " big updates list(big), t updates list(t), plan updates list(plan), j updates list(j),"
        " b updates list(b));"
        "CREATE STREAM lists (path \"/lists/{id}\" event_types (list_made));";
    fixture *f = fixture_open(lists, 2u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fixture_append(f, "/lists/1", "list_made",
                                   "{\"n\":[1,null,-2147483648],\"big\":[9223372036854775807],"
                                   "\"t\":[\"a \\\"b\\\"\",\"\"],\"plan\":\"{team,free}\"}"),
                    RV_OK);
    RV_CHECK_STATUS(fixture_append(f, "/lists/2", "list_made",
                                   "{\"n\":[],\"t\":null,\"j\":{\"b\": 1 ,\"a\":\n2},"
                                   "\"b\":{\"b\":1e2,\"a\":\"x\"}}"),
                    RV_OK);
    RV_CHECK_TEXT(fixture_query(f, "SELECT * FROM list ORDER BY id", ""),
                  "[1,[1,null,-2147483648],[9223372036854775807],[\"a \\\"b\\\"\",\"\"],"
                  "[\"team\",\"free\"],null,null][2,[],null,null,null,{\"b\": 1 ,\"a\": 2},"
                  "{\"a\": \"x\", \"b\": 100}]");
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT typeof(n), n, json_array_length(t), t ->> 0 FROM list "
                                "WHERE id = 1",
                                ""),
                  "[\"text\",[1,null,-2147483648],2,\"a \\\"b\\\"\"]");
    RV_CHECK_TEXT(
        fixture_query(f, "SELECT j ->> 'b', b -> 'a', b ->> 'b' FROM list WHERE id = 2", ""),
        "[1,\"\\\"x\\\"\",100]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT id FROM list WHERE n = '[]'", ""), "[2]");
    RV_CHECK_TEXT(fixture_columns(f, "SELECT big, plan FROM list"),
                  "[{\"name\":\"big\",\"type\":\"bigint[]\"},"
                  "{\"name\":\"plan\",\"type\":\"plan[]\"}]");
    fixture_close(f);
}

RV_TEST(columns_are_shown_in_their_types) {
    fixture *f = things();
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(
        fixture_query(f, "SELECT * FROM thing ORDER BY id", ""),
        "[1,-32768,2147483647,9223372036854775807,true,1234567890.10,5,12345678901234.5678,"
        "999999999999999999,\"ab \",\"caf\xc3\xa9\",\"a\\nb\",\"team\",\"2024-02-29\","
        "\"12:34:56.5\",\"2024-02-29T12:34:56.000001\",\"2024-02-29T10:34:56+00:00\","
        "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\",\"\\\\x00ff\"]"
        "[2,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
        "null]"
        "[3,1,-1,-9223372036854775808,false,-0.05,-7,-0.5000,10,\"abc\",\"\",\"\",\"free\","
        "\"1999-12-31\",\"00:00:00\",\"1999-12-31T23:59:59\",\"1999-12-31T23:59:59+00:00\","
        "\"00000000-0000-0000-0000-000000000000\",\"\\\\x\"]");
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT typeof(s), typeof(flag), typeof(money), typeof(whole), "
                                "typeof(wide), typeof(wholewide), typeof(c), typeof(plan), "
                                "typeof(tz), typeof(u), typeof(b) FROM thing WHERE id = 1",
                                ""),
                  "[\"integer\",\"integer\",\"real\",\"integer\",\"text\",\"integer\",\"text\","
                  "\"text\",\"text\",\"text\",\"blob\"]");
    RV_CHECK_TEXT(
        fixture_columns(f, "SELECT flag, money, plan, tz, c, u AS x FROM thing"),
        "[{\"name\":\"flag\",\"type\":\"boolean\"},"
        "{\"name\":\"money\",\"type\":\"numeric(12,2)\"},"
        "{\"name\":\"plan\",\"type\":\"plan\"},{\"name\":\"tz\",\"type\":\"timestamptz\"},"
        "{\"name\":\"c\",\"type\":\"char(3)\"},{\"name\":\"x\",\"type\":\"uuid\"}]");
    fixture_close(f);
}

RV_TEST(other_results_are_shown_by_their_values) {
    fixture *f = things();
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT max(flag), sum(money), avg(money), max(wide), min(b) "
                                "FROM thing",
                                ""),
                  "[1,1234567890.05,617283945.025,\"12345678901234.5678\",\"\\\\x\"]");
    /* The first part of a compound names the type; values that are none of it keep their own. */
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT flag FROM thing WHERE id = 1 UNION ALL SELECT 7 "
                                "UNION ALL SELECT 'x' UNION ALL SELECT 2.5",
                                ""),
                  "[true][7][\"x\"][2.5]");
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT money FROM thing WHERE id = 1 UNION ALL SELECT 0.001 "
                                "UNION ALL SELECT 1e300 UNION ALL SELECT 'x' UNION ALL SELECT 3",
                                ""),
                  "[1234567890.10][0.001][1e+300][\"x\"][3]");
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT wide FROM thing WHERE id = 1 UNION ALL SELECT 'x' UNION "
                                "ALL SELECT '1.5'",
                                ""),
                  "[12345678901234.5678][\"x\"][1.5000]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT 1e308 * 10, -1e308 * 10, 0.1, -0.0, 1e15, 123456.0", ""),
                  "[\"Infinity\",\"-Infinity\",0.1,-0,1e+15,123456]");
    fixture_close(f);
}

/* A value that a compound puts into a column and that is none of its type is shown as it is. */
RV_TEST(what_is_none_of_a_type_keeps_its_value) {
    static const char *const parts[][3] = {
        {"r", "0.1", "[0.1]"},
        {"r", "1e300", "[1e+300]"},
        {"r", "-1e-300", "[-1e-300]"},
        {"r", "1e39", "[1e+39]"},
        {"r", "1e999", "[\"Infinity\"]"},
        {"r", "0.5", "[0.5]"},
        {"r", "'x'", "[\"x\"]"},
        {"r", "7", "[7]"},
        {"d", "1e-320", "[1e-320]"},
        {"m", "0.125", "[0.125]"},
        {"m", "1e300", "[1e+300]"},
        {"m", "12345678901234567", "[12345678901234567]"},
        {"w", "'1.5'", "[1.5000]"},
        {"w", "'1.23456'", "[\"1.23456\"]"},
        {"w", "' 1'", "[\" 1\"]"},
        {"w", "'NaN'", "[\"NaN\"]"},
        {"n", "'1.50'", "[1.50]"},
        {"n", "'\"a\"'", "[\"\\\"a\\\"\"]"},
        {"n", "' {}'", "[\" {}\"]"},
        {"n", "'NaN'", "[\"NaN\"]"},
        {"b", "7", "[7]"},
        {"b", "0.5", "[0.5]"},
    };
    static const char made[] =
        "CREATE AGGREGATE s (id int PRIMARY KEY, r real, d double precision, m numeric(12,2),"
        " w numeric(18,4), n numeric, b boolean);"
        "CREATE EVENT_TYPE e (id creates s(id), r updates s(r));"
        "CREATE STREAM st (path \"/s/{id}\" event_types (e));";
    fixture *f = fixture_open(made, 2u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fixture_append(f, "/s/1", "e", "{\"r\":0.1}"), RV_OK);
    RV_CHECK_TEXT(fixture_query(f, "SELECT r FROM s UNION ALL SELECT 0.25", ""), "[0.1][0.25]");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "SELECT %s FROM s WHERE id = 0 UNION ALL SELECT %s",
                 parts[i][0], parts[i][1]);
        const rv_bytes met = fixture_query(f, text, "");
        if (!rv_bytes_are(met, parts[i][2])) {
            RV_FAIL_AT_("%s: %.*s, expected %s", text, (int)met.len, met.ptr, parts[i][2]);
        }
    }
    fixture_close(f);
}

typedef struct condition {
    const char *where;
    const char *ids;
} condition;

static void check_conditions(fixture *f, const char *format, const condition *c, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s%s", format, c[i].where);
        const rv_bytes met = fixture_query(f, text, "");
        if (!rv_bytes_are(met, c[i].ids)) {
            RV_FAIL_AT_("%s: %.*s, expected %s", text, (int)met.len, met.ptr, c[i].ids);
        }
    }
}
#define CHECK_CONDITIONS(f, format, list)                                                          \
    check_conditions(f, format, list, sizeof(list) / sizeof(list)[0])

static fixture *lines(const char *index) {
    static const char *const amounts[] = {"2.5", "12", "-3", "\"NaN\"", "null"};
    char declared[512];
    snprintf(
        declared, sizeof declared,
        "CREATE AGGREGATE l (id int PRIMARY KEY, amount numeric(18,2), small numeric(6,2),"
        " kind int, name text%s);"
        "CREATE EVENT_TYPE e (id creates l(id), amount updates l(amount), kind updates l(kind),"
        " small updates l(small), name updates l(name));"
        "CREATE STREAM st (path \"/l/{id}\" event_types (e));",
        index);
    fixture *f = fixture_open(declared, 2u << 20, 0);
    for (int i = 0; f != NULL && i < 5; i++) {
        char path[32];
        char data[128];
        snprintf(path, sizeof path, "/l/%d", i + 1);
        snprintf(data, sizeof data, "{\"amount\":%s,\"small\":%s,\"kind\":%d,\"name\":\"%d\"}",
                 amounts[i], amounts[i], i / 2, i);
        if (fixture_append(f, path, "e", data) != RV_OK) {
            fixture_close(f);
            return NULL;
        }
    }
    return f;
}

/* A numeric of many digits is text, and compares as the number that it is wherever it goes. */
RV_TEST(what_is_made_of_wide_numerics_compares_as_numbers) {
    static const condition queries[] = {
        {"id, max(amount) m FROM l WHERE id < 4 GROUP BY id ORDER BY m",
         "[3,\"-3.00\"][1,\"2.50\"][2,\"12.00\"]"},
        {"max(amount) < 20, min(amount) < 20, max(amount) FROM l WHERE id < 4", "[1,1,\"12.00\"]"},
        {"max(amount) FROM l WHERE id < 4 HAVING max(amount) BETWEEN 0 AND 20", "[\"12.00\"]"},
        {"id FROM l WHERE coalesce(amount, 0) < 5 ORDER BY id", "[1][3][5]"},
        {"id FROM l WHERE 5 > coalesce(amount, 0) ORDER BY id", "[1][3][5]"},
        {"id FROM l ORDER BY coalesce(amount, 0)", "[3][5][1][2][4]"},
        {"id FROM l ORDER BY ifnull(amount, 4.5) DESC", "[4][2][5][1][3]"},
        {"id FROM l WHERE ifnull(amount, '7') = 7", "[5]"},
        {"max(coalesce(amount, 100)), min(coalesce(amount, -100)) FROM l WHERE id <> 4",
         "[100,-100]"},
        {"id FROM l WHERE CASE WHEN kind = 0 THEN amount ELSE 3 END < 4 ORDER BY id",
         "[1][3][4][5]"},
        {"id FROM l ORDER BY CASE kind WHEN 0 THEN amount ELSE 3 END, id", "[1][3][4][5][2]"},
        {"id FROM l WHERE iif(kind = 0, amount, 30) IN (2.5, 12, 7) ORDER BY id", "[1][2]"},
        {"id FROM l WHERE nullif(amount, 12) < 20 ORDER BY id", "[1][3]"},
        {"max(amount, 5), min(5, amount) FROM l WHERE id < 4 ORDER BY id",
         "[5,\"2.50\"][\"12.00\",5][5,\"-3.00\"]"},
        {"(SELECT max(amount) FROM l WHERE id < 4) < 20", "[1]"},
        {"id FROM l WHERE amount < (SELECT avg(small) + 10 FROM l WHERE id < 4) ORDER BY id",
         "[1][2][3]"},
        {"m < 20 FROM (SELECT max(amount) m FROM l WHERE id < 4)", "[1]"},
        {"m FROM (SELECT id, max(amount) m FROM l WHERE id < 4 GROUP BY id) WHERE m < 12.5 "
         "ORDER BY m",
         "[\"-3.00\"][\"2.50\"][\"12.00\"]"},
        {"x FROM (SELECT 4 AS x UNION ALL SELECT amount FROM l WHERE id < 4) ORDER BY x",
         "[-3.00][2.50][4][12.00]"},
        {"x FROM (SELECT 4 AS x UNION ALL SELECT amount FROM l WHERE id < 4) WHERE x < 5 "
         "ORDER BY x",
         "[-3.00][2.50][4]"},
        {"count(*) FROM (SELECT 12 UNION SELECT amount FROM l WHERE id < 4)", "[3]"},
        {"DISTINCT coalesce(nullif(amount, 12), 2.5) = 2.5 FROM l WHERE id < 3", "[1]"},
        {"count(*), min(id) FROM l WHERE id IN (1, 2) GROUP BY coalesce(nullif(amount, 12), 2.5)",
         "[2,1]"},
        {"id, lag(amount, 1, 0) OVER (ORDER BY amount) < 1 FROM l WHERE id < 4 ORDER BY id",
         "[1,1][2,0][3,1]"},
        {"id FROM l WHERE id < 4 ORDER BY first_value(amount) OVER (PARTITION BY id)", "[3][1][2]"},
        {"id FROM l WHERE id < 4 ORDER BY numeric_add(amount, 1234567890123456.25)", "[3][1][2]"},
        {"numeric_sum(amount) < 20 FROM l WHERE id < 4", "[1]"},
        {"a.id, b.id FROM l a JOIN (SELECT id, coalesce(amount, 12) x FROM l) b "
         "ON a.amount = b.x WHERE a.id < 4 ORDER BY 1, 2",
         "[1,1][2,2][2,5][3,3]"},
        {"id FROM l WHERE +amount < 5 ORDER BY id", "[1][3]"},
        {"id FROM l WHERE likely(amount) < 5 ORDER BY id", "[1][3]"},
        {"id FROM l WHERE (amount, id) < (12, 1) ORDER BY id", "[1][3]"},
        {"id FROM l WHERE (SELECT amount) < 5 ORDER BY id", "[1][3]"},
        {"a.id FROM l a JOIN l b ON '12.0' = b.amount AND a.name = b.id ORDER BY 1", "[3]"},
    };
    fixture *f = lines("");
    RV_CHECK(f != NULL);
    CHECK_CONDITIONS(f, "SELECT ", queries);
    fixture_close(f);
}

/* Numbers that are written with an exponent, as SQLite writes large and small REALs. */
RV_TEST(wide_numerics_meet_exponents) {
    static const condition conditions[] = {
        {"amount < 0.00001", "[3]"},
        {"amount > 0.00001", "[1][2][4]"},
        {"amount < 100000000000000000000", "[1][2][3]"},
        {"amount > 1e17", "[4]"},
        {"amount < 1e999", "[1][2][3]"},
        {"amount > -1e999", "[1][2][3][4]"},
        {"amount < -1e20", ""},
        {"amount > '1e-5'", "[1][2][4]"},
        {"amount = '250e-2'", "[1]"},
        {"amount = '+12'", "[2]"},
        {"amount IN ('1.2e1', '0.25E+1')", "[1][2]"},
        {"amount BETWEEN 0.00001 AND 1e15", "[1][2]"},
        {"coalesce(amount, 1e30) > 1e17", "[4][5]"},
    };
    static const char *const indexes[] = {"", ", INDEX (amount)"};
    for (int i = 0; i < 2; i++) {
        fixture *f = lines(indexes[i]);
        RV_CHECK(f != NULL);
        for (size_t c = 0; c < sizeof conditions / sizeof conditions[0]; c++) {
            char text[256];
            snprintf(text, sizeof text, "SELECT id FROM l WHERE %s ORDER BY id",
                     conditions[c].where);
            const rv_bytes met = fixture_query(f, text, "");
            if (!rv_bytes_are(met, conditions[c].ids)) {
                RV_FAIL_AT_("%s%s: %.*s, expected %s", text, indexes[i], (int)met.len, met.ptr,
                            conditions[c].ids);
            }
        }
        RV_CHECK_TEXT(fixture_query(f, "SELECT id FROM l WHERE amount < ? ORDER BY id", "[1e-5]"),
                      "[3]");
        fixture_close(f);
    }
}

/* Three lines whose keys no REAL tells apart, each with the number of the next one, and fractions
 * that none does either. */
static fixture *near(const char *index) {
    char text[512];
    snprintf(text, sizeof text,
             "CREATE AGGREGATE w (id bigint PRIMARY KEY, n numeric(30,4), m numeric(18,0),"
             " f numeric(38,20), y numeric(12,2)%s);"
             "CREATE EVENT_TYPE made (id creates w(id), n updates w(n), m updates w(m),"
             " f updates w(f), y updates w(y));"
             "CREATE STREAM ws (path \"/w/{id}\" event_types (made));",
             index);
    fixture *f = fixture_open(text, 2u << 20, 0);
    for (int i = 0; f != NULL && i < 3; i++) {
        char path[64];
        snprintf(path, sizeof path, "/w/900719925474099%d", i + 2);
        snprintf(text, sizeof text,
                 "{\"n\":\"900719925474099%d.0000\",\"m\":900719925474099%d,"
                 "\"f\":\"%d.3000000000000000%d\",\"y\":\"%d.30\"}",
                 i + 3, i + 2, i, i % 2, i);
        if (fixture_append(f, path, "made", text) != RV_OK) {
            fixture_close(f);
            return NULL;
        }
    }
    return f;
}

/* Numerics and integers compare by all of their digits, whichever form they have in SQL. */
RV_TEST(numerics_compare_exactly) {
    static const condition queries[] = {
        {"count(*) FROM w WHERE n = id", "[0]"},
        {"count(*) FROM w WHERE n > id", "[3]"},
        {"count(*) FROM w WHERE id >= n", "[0]"},
        {"count(*) FROM w WHERE m = n OR n IS m", "[0]"},
        {"count(*) FROM w WHERE m <> n AND n IS NOT m", "[3]"},
        {"count(*) FROM w WHERE coalesce(n, 0) = id", "[0]"},
        {"count(*) FROM w WHERE id BETWEEN n AND n", "[0]"},
        {"count(*) FROM w WHERE CASE id WHEN n THEN 1 ELSE 0 END", "[0]"},
        {"count(*) FROM w WHERE (n, 1) = (id, 1)", "[0]"},
        {"max(n) > max(id), min(n) > min(m) FROM w", "[1,1]"},
        {"a.y, b.y FROM w a JOIN w b ON a.n = b.id ORDER BY 1", "[0.30,1.30][1.30,2.30]"},
        {"a.y, b.y FROM w a JOIN w b ON (a.n = b.id) IS TRUE ORDER BY 1", "[0.30,1.30][1.30,2.30]"},
        {"a.y, b.y FROM w a JOIN w b ON b.m = a.n ORDER BY 1", "[0.30,1.30][1.30,2.30]"},
        {"a.y, b.y FROM w a JOIN w b ON b.m = coalesce(a.n, 0) ORDER BY 1",
         "[0.30,1.30][1.30,2.30]"},
        {"a.y, b.y FROM w a LEFT JOIN w b ON b.id = a.n ORDER BY 1",
         "[0.30,1.30][1.30,2.30][2.30,null]"},
        {"a.y, b.x FROM w a JOIN (SELECT id AS i, y AS x FROM w LIMIT 9) b ON a.n = b.i ORDER BY 1",
         "[0.30,1.30][1.30,2.30]"},
        {"y FROM w WHERE id IN (SELECT n FROM w) ORDER BY 1", "[1.30][2.30]"},
        {"y FROM w WHERE id NOT IN (SELECT n FROM w) ORDER BY 1", "[0.30]"},
        {"y FROM w WHERE m IN (SELECT n FROM w) ORDER BY 1", "[1.30][2.30]"},
        {"y FROM w WHERE n IN (SELECT id FROM w) ORDER BY 1", "[0.30][1.30]"},
        {"y FROM w WHERE (y, id) IN (SELECT y + 1, n FROM w) ORDER BY 1", "[1.30][2.30]"},
        {"a.y FROM w a WHERE EXISTS (SELECT 1 FROM w b WHERE b.n = a.id) ORDER BY 1",
         "[1.30][2.30]"},
        {"y FROM w WHERE id = '9007199254740993'", "[1.30]"},
        {"y FROM w WHERE f = y ORDER BY 1", "[0.30][2.30]"},
        {"y FROM w WHERE f > y ORDER BY 1", "[1.30]"},
        {"a.y FROM w a JOIN w b ON a.y = b.f ORDER BY 1", "[0.30][2.30]"},
        {"y FROM w WHERE y IN (SELECT f FROM w) ORDER BY 1", "[0.30][2.30]"},
        {"count(*) FROM (SELECT id FROM w UNION SELECT n FROM w)", "[4]"},
    };
    static const char *const indexes[] = {"", ", INDEX (m), INDEX (n), INDEX (f), INDEX (y)"};
    for (int i = 0; i < 2; i++) {
        fixture *f = near(indexes[i]);
        RV_CHECK(f != NULL);
        CHECK_CONDITIONS(f, "SELECT ", queries);
        RV_CHECK_TEXT(fixture_plan(f, "SELECT b.id FROM w a CROSS JOIN w b ON b.id = a.n"),
                      "SCAN a VIRTUAL TABLE INDEX 0:; SCAN b VIRTUAL TABLE INDEX 1:~");
        fixture_close(f);
    }
}

static fixture *texts(void) {
    static const char *const rows[] = {
        "{\"plan\":\"free\",\"tags\":[9],\"day\":\"2012-03-04\",\"span\":\"9 days\"}",
        "{\"plan\":\"team\",\"tags\":[10],\"day\":\"12012-03-04\",\"span\":\"10 days\"}",
        ("{\"plan\":\"enterprise\",\"tags\":[10,1],\"day\":\"0044-03-15 BC\","
         "\"span\":\"240 hours\"}"),
        "{\"plan\":\"team\",\"tags\":[],\"day\":\"infinity\",\"span\":\"-1 days\"}"};
    fixture *f = fixture_open(
        "CREATE TYPE plan AS ENUM ('free', 'team', 'enterprise');"
        "CREATE AGGREGATE t (id int PRIMARY KEY, plan plan, tags int[], day date, span interval,"
        " secs numeric(15,6));"
        "CREATE EVENT_TYPE made (id creates t(id), plan updates t(plan), tags updates t(tags),"
        " day updates t(day),"
        " span updates t(span) updates t(secs) = (extract(epoch from span)));"
        "CREATE STREAM ts (path \"/t/{id}\" event_types (made));",
        2u << 20, 0);
    for (int i = 0; f != NULL && i < 4; i++) {
        char path[32];
        snprintf(path, sizeof path, "/t/%d", i + 1);
        if (fixture_append(f, path, "made", rows[i]) != RV_OK) {
            fixture_close(f);
            return NULL;
        }
    }
    return f;
}

/* What SQL compares as text, unlike PostgreSQL and conditions, and what is written instead: as
 * docs/differences-from-postgresql.md says. */
RV_TEST(text_that_compares_as_text) {
    static const condition queries[] = {
        {"id FROM t WHERE plan > 'free' ORDER BY id", "[2][4]"},
        {"id FROM t WHERE plan IN ('team', 'enterprise') ORDER BY id", "[2][3][4]"},
        {"id FROM t ORDER BY CASE plan WHEN 'free' THEN 1 WHEN 'team' THEN 2 ELSE 3 END, id",
         "[1][2][4][3]"},
        {"id FROM t WHERE tags > '[9]' ORDER BY id", "[4]"},
        {"id FROM t WHERE tags = '[10, 1]'", ""},
        {"id FROM t WHERE tags = '[10,1]'", "[3]"},
        {"id FROM t WHERE tags ->> 0 > 9 ORDER BY id", "[2][3]"},
        {"id FROM t WHERE json_array_length(tags) = 0", "[4]"},
        {"id FROM t WHERE 10 IN (SELECT value FROM json_each(tags)) ORDER BY id", "[2][3]"},
        {"id FROM t WHERE day > '2013' ORDER BY id", "[4]"},
        {"id FROM t WHERE day > '2013' OR day GLOB '[0-9][0-9][0-9][0-9][0-9]*' ORDER BY id",
         "[2][4]"},
        {"id FROM t WHERE day < '2012' ORDER BY id", "[2][3]"},
        {"id FROM t WHERE day LIKE '% BC'", "[3]"},
        {"id FROM t WHERE span > '9 days' ORDER BY id", ""},
        {"id FROM t WHERE span = '10 days' ORDER BY id", "[2]"}, /* not the one of 240 hours */
        {"id FROM t WHERE secs > 9 * 86400 ORDER BY id", "[2][3]"},
    };
    fixture *f = texts();
    RV_CHECK(f != NULL);
    CHECK_CONDITIONS(f, "SELECT ", queries);
    fixture_close(f);
}

/* The spaces that fill a char(n) do not count, as in PostgreSQL and in CHECKs. */
RV_TEST(padding_does_not_count) {
    static const condition queries[] = {
        {"id FROM c WHERE code = 'EUR'", "[1]"},
        {"id FROM c WHERE code = 'EUR  '", "[1]"},
        {"id FROM c WHERE code = 'EUR       '", "[1]"},
        {"id FROM c WHERE code = ' EUR'", ""},
        {"id FROM c WHERE code = 'EURO12'", ""},
        {"id FROM c WHERE 'USD' = code", "[2]"},
        {"id FROM c WHERE code IN ('EUR', 'USD', 'x') ORDER BY id", "[1][2]"},
        {"id FROM c WHERE code <> 'EUR' ORDER BY id", "[2][3]"},
        {"id FROM c WHERE code > 'EUR' ORDER BY id", "[2][3]"},
        {"id FROM c WHERE name = code ORDER BY id", "[1][3]"},
        {"id FROM c WHERE code = name ORDER BY id", "[1][3]"},
        {"id FROM c WHERE name IN (SELECT code FROM c) ORDER BY id", "[1][3]"},
        {"id FROM c WHERE (name, id) IN (SELECT code, id FROM c) ORDER BY id", "[1][3]"},
        {"id FROM c WHERE coalesce(code, '') = 'USD'", "[2]"},
        {"a.id, b.id FROM c a JOIN c b ON b.code = a.name ORDER BY 1", "[1,1][3,3]"},
        {"count(*) FROM (SELECT code FROM c UNION SELECT 'EUR')", "[3]"},
        {"max(code) = 'USD' FROM c WHERE id < 3", "[1]"},
        {"code FROM c WHERE code = 'EUR'", "[\"EUR  \"]"},
        {"k.n FROM k WHERE id = 'ab'", "[1]"},
        {"k.n FROM k WHERE id = 'ab '", "[1]"},
        {"k.n FROM k WHERE id = 'abcd'", ""},
    };
    static const char *const indexes[] = {"", ", INDEX (code), INDEX (name)"};
    static const char *const rows[][2] = {{"EUR", "EUR"}, {"USD", "usd"}, {"abcde", "abcde"}};
    for (int i = 0; i < 2; i++) {
        char declared[512];
        snprintf(
            declared, sizeof declared,
            "CREATE AGGREGATE c (id int PRIMARY KEY, code char(5), name text%s);"
            "CREATE AGGREGATE k (id char(3) PRIMARY KEY, n int);"
            "CREATE EVENT_TYPE e (id creates c(id), code updates c(code), name updates c(name),"
            " key char(3) creates k(id), n int updates k(n));"
            "CREATE STREAM st (path \"/c/{id}\" event_types (e));",
            indexes[i]);
        fixture *f = fixture_open(declared, 2u << 20, 0);
        RV_CHECK(f != NULL);
        for (int r = 0; r < 3; r++) {
            char path[16], data[128];
            snprintf(path, sizeof path, "/c/%d", r + 1);
            snprintf(data, sizeof data,
                     "{\"code\":\"%s\",\"name\":\"%s\",\"key\":\"%.2s\",\"n\":%d}", rows[r][0],
                     rows[r][1], rows[2 - r][0], r + 1);
            RV_CHECK_STATUS(fixture_append(f, path, "e", data), RV_OK);
        }
        CHECK_CONDITIONS(f, "SELECT ", queries);
        RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM c WHERE code = 'EUR'"),
                      i == 0 ? "SCAN c VIRTUAL TABLE INDEX 0:1:="
                             : "SCAN c VIRTUAL TABLE INDEX 2:=");
        fixture_close(f);
    }
}

/* NaN, infinities and numbers of any length: shown, ordered and compared as PostgreSQL does. */
RV_TEST(numerics_beyond_18_digits) {
    static const char wide[] =
        "CREATE AGGREGATE n (id bigint PRIMARY KEY, v numeric, h numeric(40,2), m numeric(12,2), "
        "w numeric(18,0));"
        "CREATE EVENT_TYPE made (id creates n(id), v updates n(v), h updates n(h), m updates n(m), "
        "w updates n(w));"
        "CREATE STREAM s (path \"/n/{id}\" event_types (made));";
    static const char *const data[] = {
        "{\"v\":\"NaN\",\"h\":\"NaN\",\"m\":\"NaN\",\"w\":\"NaN\"}",
        "{\"v\":\"-Infinity\",\"h\":-1e37,\"m\":2,\"w\":2}",
        "{\"v\":\"Infinity\",\"h\":0,\"m\":10,\"w\":10}",
        "{\"v\":123456789012345678901234567890.50,\"h\":2.005,\"m\":-1,\"w\":-1}",
        "{\"v\":-2.50,\"h\":10,\"m\":\"0.5\",\"w\":0}",
        "{\"v\":1e400,\"h\":\"9999999999999999999999999999999999.99\",\"m\":7,\"w\":7}",
    };
    static const condition conditions[] = {
        {"v > '5'", "[4][6][3][1]"}, {"v < '-2'", "[2][5]"}, {"v = '-2.5'", "[5]"},
        {"h = '2.01'", "[4]"},       {"m = 'NaN'", "[1]"},   {"m > 5", "[6][3][1]"},
    };
    fixture *f = fixture_open(wide, 2u << 20, 0);
    RV_CHECK(f != NULL);
    for (int i = 0; i < 6; i++) {
        char path[32];
        snprintf(path, sizeof path, "/n/%d", i + 1);
        RV_CHECK_STATUS(fixture_append(f, path, "made", data[i]), RV_OK);
    }
    RV_CHECK_TEXT(fixture_query(f, "SELECT v FROM n WHERE id < 6 ORDER BY v", ""),
                  "[\"-Infinity\"][-2.50][123456789012345678901234567890.50][\"Infinity\"]"
                  "[\"NaN\"]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT h, m, w FROM n ORDER BY h", ""),
                  "[-10000000000000000000000000000000000000.00,2.00,2][0.00,10.00,10]"
                  "[2.01,-1.00,-1][10.00,0.50,0][9999999999999999999999999999999999.99,7.00,7]"
                  "[\"NaN\",\"NaN\",\"NaN\"]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT length(v), substr(v, 1, 3) FROM n WHERE id = 6", ""),
                  "[401,\"100\"]");
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        char sql[128];
        const bool m = conditions[i].where[0] == 'm';
        snprintf(sql, sizeof sql, "SELECT id FROM n WHERE %s ORDER BY %s", conditions[i].where,
                 m ? "m" : "v");
        RV_CHECK_TEXT(fixture_query(f, sql, ""), conditions[i].ids);
    }
    fixture_close(f);
}

RV_TEST(comparisons_with_constants) {
    static const condition conditions[] = {
        {"flag", "[1]"},
        {"flag = true", "[1]"},
        {"flag = false", "[3]"},
        {"NOT flag", "[3]"},
        {"flag IS NULL", "[2]"},
        {"money = 1234567890.10", "[1]"},
        {"money = -0.05", "[3]"},
        {"money < 0", "[3]"},
        {"whole + 0 = 5", "[1]"},
        {"wide > '2'", "[1]"},
        {"wide > 2", "[1]"},
        {"wide = '12345678901234.56780'", "[1]"},
        {"wide < '-0.4'", "[3]"},
        {"wholewide > 999999999999999998", "[1]"},
        {"plan = 'team'", "[1]"},
        {"plan IN ('free', 'enterprise')", "[3]"},
        {"d = '2024-02-29'", "[1]"},
        {"d >= '2024'", "[1]"},
        {"tz > '2000-01-01'", "[1]"},
        {"tz = '2024-02-29T10:34:56+00:00'", "[1]"},
        {"ts BETWEEN '1999-01-01' AND '2000-01-01'", "[3]"},
        {"u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "[1]"},
        {"b = x'00ff'", "[1]"},
        {"b = x''", "[3]"},
        {"v LIKE 'CAF%'", ""},
        {"v LIKE 'caf_'", "[1]"},
        {"v = ''", "[3]"},
        {"big = 9223372036854775807", "[1]"},
        {"big = 9223372036854775806", ""},
        {"strftime('%Y', tz) = '2024'", "[1]"},
        {"unixepoch(tz) = 1709202896", "[1]"},
    };
    fixture *f = things();
    RV_CHECK(f != NULL);
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "SELECT id FROM thing WHERE %s ORDER BY id",
                 conditions[i].where);
        const rv_bytes met = fixture_query(f, text, "");
        if (!rv_bytes_are(met, conditions[i].ids)) {
            RV_FAIL_AT_("%s: %.*s, expected %s", conditions[i].where, (int)met.len, met.ptr,
                        conditions[i].ids);
        }
    }
    fixture_close(f);
}

typedef struct key_type {
    const char *type;
    const char *keys[5]; /* as JSON */
} key_type;

static const key_type key_types[] = {
    {"smallint", {"1", "-5", "32767"}},
    {"bigint", {"1", "9223372036854775807", "-9223372036854775808", "9007199254740993"}},
    {"numeric(12,2)", {"1", "0.10", "-1234567890.12", "\"NaN\""}},
    {"numeric(9)", {"1", "-5", "999999999", "\"NaN\""}},
    {"numeric(18,4)", {"1", "0.1", "12345678901234.5678", "-3"}},
    {"boolean", {"true"}},
    {"text", {"\"1\"", "\"01\"", "\"a\"", "\"A\"", "\"a \""}},
    {"char(5)", {"\"1\"", "\"01\"", "\"a\"", "\"A\"", "\"team\""}},
    {"varchar(9)", {"\"1\"", "\"1.0\"", "\"a\""}},
    {"plan", {"\"team\""}},
    {"date", {"\"2024-02-29\""}},
    {"timestamptz", {"\"2024-02-29T10:34:56Z\""}},
    {"uuid", {"\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""}},
    {"bytea", {"\"\\\\x61\"", "\"\\\\x\"", "\"\\\\x31\""}},
};

/* Values that a key is compared with: SQL expressions. */
static const char *const sought[] = {
    "1",
    "1.0",
    "'1'",
    "'01'",
    "' 1'",
    "'1.0'",
    "'1.00'",
    "x'31'",
    "x'61'",
    "x''",
    "''",
    "NULL",
    "true",
    "0.1",
    "0.10",
    "'0.1'",
    "'0.1000'",
    "-5",
    "-5.0",
    "-3",
    "'-3.0'",
    "32767",
    "32768",
    "1e300",
    "-1e300",
    "9223372036854775807",
    "9223372036854775807.0",
    "9.3e18",
    "-9223372036854775808",
    "9007199254740993",
    "9007199254740992.0",
    "-1234567890.12",
    "12345678901234.5678",
    "'12345678901234.5678'",
    "'12345678901234.56780'",
    "999999999",
    "'NaN'",
    "'nan'",
    "'a'",
    "'A'",
    "'a '",
    "'a' COLLATE NOCASE",
    "'a' COLLATE RTRIM",
    "'team'",
    "'TEAM'",
    "'none'",
    "'2024-02-29'",
    "'2024-2-29'",
    "'2024-02-29T10:34:56+00:00'",
    "'2024-02-29T10:34:56Z'",
    "'2024-02-29 12:34:56+02'",
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    "'{a0eebc999c0b4ef8bb6d6bb9bd380a11}'",
    "CAST('1' AS INTEGER)",
    "CAST(1 AS TEXT)",
    "CAST('a' AS BLOB)",
    "1 + 0",
    "'1' || ''",
};

static fixture *keyed(const key_type *k) {
    char text[512];
    snprintf(text, sizeof text,
             "CREATE TYPE plan AS ENUM ('free', 'team');"
             "CREATE AGGREGATE a (id %s PRIMARY KEY);"
             "CREATE EVENT_TYPE made (k integer NOT NULL, id creates a(id));"
             "CREATE STREAM s (path \"/s/{k}\" event_types (made));",
             k->type);
    fixture *f = fixture_open(text, 2u << 20, 0);
    for (size_t i = 0; f != NULL && i < 5 && k->keys[i] != NULL; i++) {
        snprintf(text, sizeof text, "{\"id\":%s}", k->keys[i]);
        if (fixture_append(f, "/s/1", "made", text) != RV_OK) {
            fixture_close(f);
            return NULL;
        }
    }
    return f;
}

static void compare_with_scan(fixture *f, const char *type, const char *value) {
    static char scanned[4096];
    static const char *const forms[][2] = {
        {"SELECT id FROM a WHERE id = %s", "SELECT id FROM a WHERE (id = %s) IS TRUE"},
        {"SELECT id FROM a WHERE id IN (%s, 'zz') ORDER BY 1",
         "SELECT id FROM a WHERE (id IN (%s, 'zz')) IS TRUE ORDER BY 1"},
        {"SELECT id FROM a, (SELECT %s AS x) WHERE id = x",
         "SELECT id FROM a, (SELECT %s AS x) WHERE (id = x) IS TRUE"},
        {"WITH n(x) AS MATERIALIZED (SELECT %s) SELECT id FROM n, a WHERE id = x",
         "WITH n(x) AS MATERIALIZED (SELECT %s) SELECT id FROM n, a WHERE (id = x) IS TRUE"}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, forms[i][1], value);
        const rv_bytes scan = fixture_query(f, text, "");
        RV_CHECK(scan.len < sizeof scanned);
        memcpy(scanned, scan.ptr, scan.len);
        scanned[scan.len] = '\0';
        snprintf(text, sizeof text, forms[i][0], value);
        const rv_bytes met = fixture_query(f, text, "");
        if (!rv_bytes_are(met, scanned)) {
            RV_FAIL_AT_("%s key, %s: looked up %.*s, scanned %s", type, text, (int)met.len, met.ptr,
                        scanned);
        }
    }
}

RV_TEST(a_look_up_finds_what_a_scan_finds) {
    for (size_t k = 0; k < sizeof key_types / sizeof key_types[0]; k++) {
        fixture *f = keyed(&key_types[k]);
        RV_CHECK(f != NULL);
        RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM a WHERE id = 1"),
                      "SCAN a VIRTUAL TABLE INDEX 1:");
        for (size_t i = 0; i < sizeof sought / sizeof sought[0]; i++) {
            compare_with_scan(f, key_types[k].type, sought[i]);
            RV_CHECK_PASSED();
        }
        fixture_close(f);
    }
}

/* Cells larger than a page of the state. */
RV_TEST(long_texts_come_whole) {
    fixture *f = things();
    RV_CHECK(f != NULL);
    static char data[300000];
    for (size_t len = 1000; len < 250000; len = len * 3 + 1) {
        rv_writer w = rv_writer_over(data, sizeof data - 1);
        rv_write_text(&w, "{\"v\":\"end\",\"t\":\"");
        for (size_t i = 0; i < len; i++) {
            rv_write_u8(&w, (uint8_t)('a' + (i * 31 + i / 26) % 26));
        }
        rv_write_text(&w, "\"}");
        data[w.len] = '\0';
        char path[32];
        snprintf(path, sizeof path, "/things/%zu", len);
        RV_CHECK_STATUS(fixture_append(f, path, "thing_made", data), RV_OK);
        char text[128];
        snprintf(text, sizeof text, "SELECT t, v FROM thing WHERE id = %zu", len);
        const rv_bytes row = fixture_query(f, text, "");
        RV_CHECK_EQ(row.len, len + 10);
        RV_CHECK(memcmp(row.ptr + 2, data + 16, len) == 0);
    }
    RV_CHECK_TEXT(fixture_query(f, "SELECT max(length(t)) > 80000 FROM thing ORDER BY 1", ""),
                  "[1]");
    fixture_close(f);
}

int main(void) {
    RV_RUN(arrays_are_json_in_sql);
    RV_RUN(columns_are_shown_in_their_types);
    RV_RUN(other_results_are_shown_by_their_values);
    RV_RUN(what_is_none_of_a_type_keeps_its_value);
    RV_RUN(what_is_made_of_wide_numerics_compares_as_numbers);
    RV_RUN(wide_numerics_meet_exponents);
    RV_RUN(numerics_compare_exactly);
    RV_RUN(text_that_compares_as_text);
    RV_RUN(padding_does_not_count);
    RV_RUN(numerics_beyond_18_digits);
    RV_RUN(comparisons_with_constants);
    RV_RUN(a_look_up_finds_what_a_scan_finds);
    RV_RUN(long_texts_come_whole);
    return rv_test_done();
}
