/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a primary key of several columns is looked up when all of it is asked for, and the answers
 * are those of a scan.
 * Method: plans; and every query over many keys beside the same one over a subquery with a LIMIT,
 * into which SQLite pushes nothing.
 */
#include "tests/unit/sql/fixture.h"

static const char lines_schema[] =
    "CREATE TYPE size AS ENUM ('small', 'large');"
    "CREATE AGGREGATE line (note text, no smallint, \"order\" text, size size,"
    "  amount numeric(6,2), PRIMARY KEY (\"order\", no, size));"
    "CREATE AGGREGATE price (amount numeric(6,2), day date, n integer, PRIMARY KEY (amount, day));"
    "CREATE EVENT_TYPE added (\"order\" creates line(\"order\"), no creates line(no),"
    "  size creates line(size), note updates line(note), amount updates line(amount));"
    "CREATE EVENT_TYPE priced (key text, amount creates price(amount), day creates price(day),"
    "  n updates price(n));"
    "CREATE STREAM lines (path \"/lines/{order}\", event_types (added));"
    "CREATE STREAM prices (path \"/prices/{key}\", event_types (priced));";

static fixture *lines(void) {
    fixture *f = fixture_open(lines_schema, 2u << 20, 0);
    for (int i = 0; f != NULL && i < 60; i++) {
        char path[64];
        char data[200];
        snprintf(path, sizeof path, "/lines/o%d", i % 5);
        snprintf(data, sizeof data, "{\"no\":%d,\"size\":\"%s\",\"note\":\"n%d\",\"amount\":%d.25}",
                 i / 10, i / 5 % 2 == 0 ? "small" : "large", i, i);
        rv_status status = fixture_append(f, path, "added", data);
        if (status == RV_OK) {
            snprintf(data, sizeof data, "{\"amount\":%d.%d0,\"day\":\"2020-01-0%d\",\"n\":%d}",
                     i / 9, i % 3, 1 + i % 9, i);
            status = fixture_append(f, "/prices/x", "priced", data);
        }
        if (status != RV_OK) {
            fixture_close(f);
            return NULL;
        }
    }
    return f;
}

RV_TEST(the_whole_key_is_looked_up) {
    fixture *f = lines();
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM line WHERE \"order\" = 'o1' AND no = 2 AND "
                                  "size = 'small'"),
                  "SCAN line VIRTUAL TABLE INDEX 1:");
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM line WHERE \"order\" = 'o1' AND no = 2"),
                  "SCAN line VIRTUAL TABLE INDEX 0:1:=");
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM line WHERE \"order\" = 'o1' AND no = 2 AND "
                                  "size > 'large'"),
                  "SCAN line VIRTUAL TABLE INDEX 0:1:=");
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM line WHERE \"order\" = 'o1' COLLATE NOCASE AND "
                                  "no = 2 AND size = 'small'"),
                  "SCAN line VIRTUAL TABLE INDEX 0:1:=");
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM price p, line l WHERE l.size = 'large' AND "
                                  "l.no = p.n AND l.\"order\" = p.day"),
                  "SCAN p VIRTUAL TABLE INDEX 0:; SCAN l VIRTUAL TABLE INDEX 1:");
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT note FROM line WHERE no = 3 AND size = 'large' AND "
                                "\"order\" = 'o4'",
                                ""),
                  "[\"n39\"]");
    fixture_close(f);
}

RV_TEST(look_ups_answer_as_scans_do) {
    static const char *const orders[] = {"'o0'", "'o4'", "'O4'", "'o5'",
                                         "''",   "NULL", "1",    "x'6f30'"};
    static const char *const numbers[] = {"0", "5", "6", "'2'", "2.0", "2.5", "NULL", "1e30"};
    static const char *const sizes[] = {"'small'", "'large'", "'huge'", "1", "NULL"};
    fixture *f = lines();
    RV_CHECK(f != NULL);
    static char first[FIXTURE_TEXT_MAX];
    for (size_t i = 0; i < 8 * 8 * 5; i++) {
        const char *const order = orders[i % 8];
        const char *const number = numbers[i / 8 % 8];
        const char *const size = sizes[i / 64];
        char sql[300];
        snprintf(sql, sizeof sql,
                 "SELECT note FROM line WHERE \"order\" = %s AND no = %s AND size = %s", order,
                 number, size);
        snprintf(first, sizeof first, "%s", (const char *)fixture_query(f, sql, "").ptr);
        snprintf(sql, sizeof sql,
                 "SELECT note FROM (SELECT * FROM line LIMIT -1) WHERE \"order\" = %s AND no = %s "
                 "AND size = %s",
                 order, number, size);
        if (strcmp((const char *)fixture_query(f, sql, "").ptr, first) != 0) {
            RV_FAIL_AT_("%s: %s, looked up: %s", sql, f->text, first);
        }
        snprintf(sql, sizeof sql,
                 "SELECT n FROM price WHERE amount = %s AND day = '2020-01-0%u' ORDER BY n", number,
                 (unsigned)(1 + i % 9));
        snprintf(first, sizeof first, "%s", (const char *)fixture_query(f, sql, "").ptr);
        snprintf(sql, sizeof sql,
                 "SELECT n FROM (SELECT * FROM price LIMIT -1) WHERE amount = %s AND day = "
                 "'2020-01-0%u' ORDER BY n",
                 number, (unsigned)(1 + i % 9));
        if (strcmp((const char *)fixture_query(f, sql, "").ptr, first) != 0) {
            RV_FAIL_AT_("%s: %s, looked up: %s", sql, f->text, first);
        }
    }
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT count(*) FROM line a JOIN line b ON a.\"order\" = "
                                "b.\"order\" AND a.no = b.no AND a.size = b.size",
                                ""),
                  "[60]");
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT count(*) FROM line WHERE \"order\" IN ('o1', 'o2', 'x') "
                                "AND no IN (1, 2) AND size IN ('small', 'large')",
                                ""),
                  "[8]");
    fixture_close(f);
}

int main(void) {
    RV_RUN(the_whole_key_is_looked_up);
    RV_RUN(look_ups_answer_as_scans_do);
    return rv_test_done();
}
