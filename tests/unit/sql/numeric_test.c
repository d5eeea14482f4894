/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: arithmetic with numerics in SQL is exact, in rows, groups and windows, whichever form a
 * number comes in, and says so where it cannot be.
 * Method: cases with known answers; then random values, whose sums in groups and windows are
 * compared with sums of integers, which SQLite has exactly; memory that runs out. The oracle
 * (tests/oracle/selects.test.mjs) asks PostgreSQL's functions of the same names.
 */
#include "tests/unit/sql/fixture.h"

static const char schema[] =
    "CREATE AGGREGATE m (id bigint PRIMARY KEY, a numeric(12,2), w numeric(40,6), cents bigint,"
    " kind integer, r double precision, z numeric(18,0));"
    "CREATE EVENT_TYPE made (id creates m(id), a updates m(a), w updates m(w),"
    " cents updates m(cents), kind updates m(kind), r updates m(r), z updates m(z));"
    "CREATE STREAM ms (path \"/m/{id}\" event_types (made));";

static const char *const cases[][2] = {
    {"SELECT numeric_add(0.1, 0.2), numeric_add(0.1, 0.2) = 0.3, 0.1 + 0.2 = 0.3", "[0.3,1,0]"},
    {"SELECT numeric_add(1, 2), typeof(numeric_add(1, 2)), typeof(numeric_add(1.0, 2))",
     "[3,\"integer\",\"real\"]"},
    {"SELECT numeric_sub('12345678901234567890.12', '0.02')", "[\"12345678901234567890.10\"]"},
    {"SELECT numeric_sub('12345678901234567890.12', '12345678901234567890.02')", "[0.1]"},
    {"SELECT numeric_mul(1.1, 1.1), numeric_mul('1.1', '-1.10')", "[1.21,-1.21]"},
    {"SELECT numeric_mul(999999999999, 999999999999)", "[\"999999999998000000000001\"]"},
    {"SELECT numeric_add(9223372036854775807, 1)", "[\"9223372036854775808\"]"},
    {"SELECT numeric_add(999999999999999999, 0)", "[999999999999999999]"},
    {"SELECT numeric_div(1, 3), numeric_div(1, 3, 20), numeric_div(2, 3, 2), numeric_div(7, 2)",
     "[0.3333333333333333,\"0.33333333333333333333\",0.67,3.5]"},
    {"SELECT numeric_div(1, 0), numeric_div(1, 0, 3), numeric_mod(5, 0)", "[null,null,null]"},
    {"SELECT numeric_mod(7.5, 2), numeric_mod('-7.5', 2)", "[1.5,-1.5]"},
    {"SELECT numeric_round(2.5), numeric_round(-2.5), numeric_round(2.345, 2), numeric_round(1234, "
     "-2)",
     "[3,-3,2.35,1200]"},
    {"SELECT numeric_cmp('10', '9'), numeric_cmp(1.50, '1.5'), numeric_cmp(-1, 0), "
     "numeric_cmp('NaN', 1e300)",
     "[1,0,-1,1]"},
    {"SELECT numeric_cmp('12345678901234567890.5', 100), numeric_cmp(-2.25, 12345.67), "
     "numeric_cmp(0.3, 0.1)",
     "[1,-1,1]"},
    {"SELECT numeric_add('NaN', 1), numeric_add('Infinity', 1), numeric_sub('Infinity', "
     "'Infinity')",
     "[\"NaN\",\"Infinity\",\"NaN\"]"},
    {"SELECT numeric_add(NULL, 1), numeric_cmp(1, NULL), numeric_round(NULL)", "[null,null,null]"},
    {"SELECT numeric_add(1e20, 1), numeric_add(1e-7, 0)", "[\"100000000000000000001.0\",1e-07]"},
    {"SELECT numeric_add('a', 1)", "sql_invalid"},
    {"SELECT numeric_add(x'31', 1)", "sql_invalid"},
    {"SELECT numeric_round(1, 1.5)", "sql_invalid"},
    {"SELECT numeric_round(1, 99999)", "sql_invalid"},
    {"SELECT numeric_div(1, 3, -1)", "sql_invalid"},
    {"SELECT numeric_add(1)", "sql_invalid"},
    {"SELECT numeric_sum(column1), numeric_avg(column1) FROM (VALUES (0.1), (0.2), (NULL), "
     "('0.3'))",
     "[0.6,0.2]"},
    {"SELECT numeric_sum(column1), numeric_avg(column1) FROM (VALUES (NULL))", "[null,null]"},
    {"SELECT numeric_sum(column1) FROM (VALUES (9223372036854775807), (9223372036854775807), "
     "(0.5))",
     "[\"18446744073709551614.5\"]"},
    {"SELECT numeric_sum(column1) FROM (VALUES (-9223372036854775807 - 1), (-1))",
     "[\"-9223372036854775809\"]"},
    {"SELECT numeric_sum(column1) FROM (VALUES ('Infinity'), (1), ('-Infinity'))", "[\"NaN\"]"},
    {"SELECT numeric_sum(column1) FROM (VALUES ('12345678901234567890'), "
     "('-12345678901234567889'))",
     "[1]"},
    {"SELECT numeric_sum(column1) FROM (VALUES (1), ('x'))", "sql_invalid"},
    {"SELECT numeric_sum(column1) OVER (ORDER BY column1 ROWS 1 PRECEDING) FROM"
     " (VALUES (0.1), (0.2), (0.3), ('Infinity')) ORDER BY column1",
     "[0.1][0.3][0.5][\"Infinity\"]"},
    {"SELECT column1 FROM (VALUES ('10'), ('9'), ('-1.5'), ('9.0001')) ORDER BY column1 COLLATE "
     "numeric",
     "[\"-1.5\"][\"9\"][\"9.0001\"][\"10\"]"},
};

RV_TEST(answers_are_exact) {
    fixture *f = fixture_open(schema, 1u << 20, 0);
    RV_CHECK(f != NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rv_bytes met = fixture_query(f, cases[i][0], "");
        if (!rv_bytes_are(met, cases[i][1])) {
            RV_FAIL_AT_("%s is %.*s, expected %s", cases[i][0], (int)met.len, (const char *)met.ptr,
                        cases[i][1]);
        }
    }
    fixture_close(f);
}

/* Of integers that REALs hold, REALs have the nearest quotient. */
RV_TEST(quotients_are_the_nearest) {
    fixture *f = fixture_open(schema, 1u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(
        fixture_query(
            f,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40),"
            " q(a, b) AS (SELECT a.i * a.i * 7919, b.i * 31 FROM n a, n b) SELECT count(*),"
            " sum(numeric_div(a, b) = a * 1.0 / b), sum(numeric_div(b, a) = b * 1.0 / a),"
            " sum(numeric_div(-a, b * 1e9) = -a / (b * 1e9)) FROM q",
            ""),
        "[1600,1600,1600,1600]");
    fixture_close(f);
}

/* Which sums are exact: of 0.10 and 0.20 with the same as REALs, and a third row without. A sum in
 * decimals is 0.3, one in doubles 0.30000000000000004. */
static const char *const resolved[][2] = {
    {"SELECT sum(a), sum(w), sum(r), total(a) FROM m",
     "[0.3,0.3,0.30000000000000004,0.30000000000000004]"},
    {"SELECT SUM(\"a\"), Avg(x.a), sum(x.a) = 0.3, sum(r) = 0.3 FROM m AS x", "[0.3,0.15,1,0]"},
    {"SELECT kind, sum(a) FILTER (WHERE id > 1), sum(DISTINCT a) FROM m GROUP BY kind HAVING sum(a)"
     " = 0.3 OR sum(a) IS NULL ORDER BY sum(a)",
     "[2,null,null][1,0.2,0.3]"},
    {"SELECT sum(a) OVER (ORDER BY id), sum(r) OVER (ORDER BY id) FROM m",
     "[0.1,0.1][0.3,0.30000000000000004][0.3,0.30000000000000004]"},
    {"SELECT id, sum(sum(a)) OVER (ORDER BY id), avg(max(a)) OVER (), max(sum(r)) OVER () FROM m"
     " WHERE id < 3 GROUP BY id",
     "[1,0.1,0.15,0.2][2,0.3,0.15,0.2]"},
    /* beyond integers */
    {"SELECT sum(z), avg(z), typeof(avg(z)) FROM m", "[\"1800000000000000002\",9e+17,\"real\"]"},
    {"SELECT sum(cents) FROM m", "sql_invalid"},
    {"SELECT sum(coalesce(z, 1)), sum(iif(id = 1, z, cents)) FROM m",
     "[\"1800000000000000003\",900000000000000002]"},
    /* expressions that are one of their operands */
    {"SELECT sum(coalesce(a, 0)), sum(coalesce(a, r)), sum(ifnull(w, '1.5')), sum(+a) FROM m",
     "[0.3,0.30000000000000004,1.8,0.3]"},
    {"SELECT sum(CASE WHEN r > 0 THEN a END), sum(CASE a WHEN 5 THEN r ELSE a END) FROM m",
     "[0.3,0.30000000000000004]"},
    {"SELECT sum(CASE id WHEN 1 THEN a ELSE w END), sum(nullif(a, r)), sum(max(a, -0.5)) FROM m",
     "[0.3,null,0.3]"},
    {"SELECT sum(a COLLATE numeric), sum(likely(a)), sum(coalesce(a, 'x')) FROM m",
     "[0.3,0.3,0.30000000000000004]"},
    {"SELECT sum(a + 0), sum(CAST(a AS REAL)), sum(abs(a)), sum(-a) FROM m",
     "[0.30000000000000004,0.30000000000000004,0.30000000000000004,-0.30000000000000004]"},
    {"SELECT sum(numeric_mul(a, 1)), sum(numeric_add(r, 0)), sum(numeric_cmp(a, 0)) FROM m",
     "[0.3,0.3,2]"},
    {"SELECT sum(r), numeric_sum(r), sum(0.1), sum(?1) FROM m",
     "[0.30000000000000004,0.3,0.30000000000000004,0]"},
    /* subqueries */
    {"SELECT sum(x), sum(y) FROM (SELECT a AS x, r AS y FROM m)", "[0.3,0.30000000000000004]"},
    {"WITH c(x, y) AS MATERIALIZED (SELECT a, a * 1 FROM m), d AS (SELECT x + 0 AS y, * FROM c)"
     " SELECT sum(x), sum(d.y) FROM d",
     "[0.3,0.30000000000000004]"},
    {"SELECT sum(x) FROM (SELECT a AS x FROM m UNION ALL SELECT kind FROM m WHERE id = 1)",
     "[1.3]"},
    {"SELECT sum(x) FROM (SELECT a AS x FROM m UNION ALL SELECT r FROM m WHERE id > 2)",
     "[0.30000000000000004]"},
    {"SELECT sum(x) FROM (SELECT r AS x FROM m UNION ALL SELECT a FROM m WHERE id > 2)",
     "[0.30000000000000004]"},
    {"SELECT sum((SELECT a FROM m y WHERE y.id = x.id)), sum((SELECT r FROM m y WHERE y.id = x.id))"
     " FROM m x",
     "[0.3,0.30000000000000004]"},
    {"SELECT (SELECT sum(coalesce(x.a, y.id)) FROM m y WHERE y.id < 4), (SELECT sum(z) FROM (SELECT"
     " x.a AS z FROM m)) FROM (SELECT a FROM m WHERE id = 1) x",
     "[0.3,0.3]"},
    {"SELECT sum(s), sum(t) FROM (SELECT sum(a) AS s, sum(r) AS t FROM m GROUP BY id)",
     "[0.3,0.30000000000000004]"},
    {"WITH RECURSIVE r(i, x) AS (SELECT 1, a FROM m WHERE id = 2 UNION ALL SELECT i + 1,"
     " numeric_sub(x, 0.1) FROM r WHERE i < 2) SELECT sum(x), sum(i) FROM r",
     "[0.3,3]"},
    {"WITH RECURSIVE r(i, x) AS (SELECT 1, a FROM m WHERE id = 2 UNION ALL SELECT i + 1, x FROM r"
     " WHERE i < 3) SELECT sum(x), avg(x), sum(x) OVER () FROM r",
     "[0.6,0.2,0.2]"},
    {"SELECT count(*) FROM m WHERE a > (SELECT avg(a) FROM m)", "[1]"},
    {"SELECT sum(m.a), sum(x.r) FROM m JOIN (SELECT id, r FROM m) x USING (id)",
     "[0.3,0.30000000000000004]"},
};

RV_TEST(sums_of_numerics_are_exact) {
    fixture *f = fixture_open(schema, 1u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fixture_append(f, "/m/1", "made",
                                   "{\"a\":0.10,\"w\":0.1,\"r\":0.1,\"kind\":1,"
                                   "\"z\":900000000000000001,\"cents\":9223372036854775807}"),
                    RV_OK);
    RV_CHECK_STATUS(fixture_append(f, "/m/2", "made",
                                   "{\"a\":0.20,\"w\":0.2,\"r\":0.2,\"kind\":1,"
                                   "\"z\":900000000000000001,\"cents\":1}"),
                    RV_OK);
    RV_CHECK_STATUS(fixture_append(f, "/m/3", "made", "{\"kind\":2}"), RV_OK);
    for (size_t i = 0; i < sizeof resolved / sizeof *resolved; i++) {
        const bool asks = strstr(resolved[i][0], "?1") != NULL;
        const rv_bytes met = fixture_query(f, resolved[i][0], asks ? "[0]" : "");
        if (!rv_bytes_are(met, resolved[i][1])) {
            RV_FAIL_AT_("%s is %.*s, expected %s", resolved[i][0], (int)met.len,
                        (const char *)met.ptr, resolved[i][1]);
        }
    }
    RV_CHECK_STATUS(fixture_append(f, "/m/4", "made", "{\"a\":\"NaN\",\"z\":\"NaN\"}"), RV_OK);
    RV_CHECK_TEXT(
        fixture_query(f, "SELECT sum(a), avg(z), sum(a) FILTER (WHERE id < 3) FROM m", ""),
        "[\"NaN\",\"NaN\",0.3]");
    fixture_close(f);
}

/* Sums of columns are those of the integers that the columns are, divided. */
RV_TEST(sums_are_those_of_integers) {
    fixture *f = fixture_open(schema, 2u << 20, 0);
    uint64_t random = 7;
    RV_CHECK(f != NULL);
    for (int id = 1; id <= 300; id++) {
        char path[32];
        char data[256];
        const int64_t cents = (int64_t)(rv_test_random(&random) % 200000000000) - 100000000000;
        snprintf(path, sizeof path, "/m/%d", id);
        snprintf(data, sizeof data,
                 "{\"a\":%s%lld.%02lld,\"w\":\"%lld000000000000000000.%06lld\",\"cents\":%lld,"
                 "\"kind\":%d}",
                 cents < 0 ? "-" : "", (long long)(cents < 0 ? -cents : cents) / 100,
                 (long long)(cents < 0 ? -cents : cents) % 100, (long long)cents,
                 (long long)(rv_test_random(&random) % 1000000), (long long)cents, id % 7);
        RV_CHECK_STATUS(fixture_append(f, path, "made", data), RV_OK);
    }
    RV_CHECK_TEXT(
        fixture_query(
            f,
            "SELECT count(*) FROM (SELECT numeric_mul(numeric_sum(a), 100) x, sum(cents) y"
            " FROM m GROUP BY kind) WHERE x = y",
            ""),
        "[7]");
    RV_CHECK_TEXT(
        fixture_query(
            f,
            "SELECT count(*) FROM (SELECT numeric_cmp(numeric_mul(numeric_sum(a) OVER w, 100),"
            " sum(cents) OVER w) x FROM m WINDOW w AS (PARTITION BY kind ORDER BY id"
            " ROWS BETWEEN 5 PRECEDING AND 2 FOLLOWING)) WHERE x = 0",
            ""),
        "[300]");
    /* with 40 digits: a sum is what is added one by one, in the opposite order */
    RV_CHECK_TEXT(
        fixture_query(f,
                      "WITH RECURSIVE r(id, s) AS (SELECT 301, '0' UNION ALL SELECT m.id,"
                      " numeric_add(s, w) FROM r JOIN m ON m.id = r.id - 1)"
                      " SELECT (SELECT s FROM r WHERE id = 1) = (SELECT numeric_sum(w) FROM m),"
                      " typeof((SELECT numeric_sum(w) FROM m)),"
                      " (SELECT count(*) FROM (SELECT numeric_sub(numeric_sum(w) OVER (ORDER BY id"
                      " ROWS BETWEEN 3 PRECEDING AND CURRENT ROW), w) x FROM m)"
                      " WHERE x IS NOT NULL)",
                      ""),
        "[1,\"text\",300]");
    fixture_close(f);
}

/* The nth taking of memory fails: the query does, and the next one has all the memory again. */
RV_TEST(memory_may_run_out) {
    fixture *f = fixture_open(schema, 1u << 20, 0);
    static const char text[] =
        "SELECT numeric_sum(numeric_mul(column1, '1.00000000000000000000000001')) FROM"
        " (VALUES ('12345678901234567890.5'), (2), (0.25))";
    RV_CHECK(f != NULL);
    unsigned failed = 0;
    for (uint64_t n = 1; n < 2000; n++) {
        f->sql->context.heap.fail_in = n;
        const rv_bytes met = fixture_query(f, text, "");
        f->sql->context.heap.fail_in = 0;
        if (!rv_bytes_are(met, "memory_exhausted")) {
            RV_CHECK(met.len > 30 && met.ptr[0] == '[');
            break;
        }
        failed += 1;
    }
    RV_CHECK(failed > 10 && failed < 1900);
    RV_CHECK_TEXT(fixture_query(f, "SELECT numeric_sum(1)", ""), "[1]");
    fixture_close(f);
}

int main(void) {
    RV_RUN(answers_are_exact);
    RV_RUN(quotients_are_the_nearest);
    RV_RUN(sums_of_numerics_are_exact);
    RV_RUN(sums_are_those_of_integers);
    RV_RUN(memory_may_run_out);
    return rv_test_done();
}
