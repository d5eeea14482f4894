/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a cell is shown whole wherever its bytes lie: in the row, in one piece beside it, in
 * pieces; and what was taken from one row is still that when the machine stands on the next.
 * Method: lengths on both sides of every border, of a key and of a text, compared with what SQL
 * makes of their letter; NaN beside the bigint that has its bits; and functions that keep cells.
 */
#include "tests/unit/sql/fixture.h"

RV_TEST(cells_are_shown_whole_wherever_they_lie) {
    static const int lens[] = {0, 1, 12, 13, 36, 37, 200, 4080, 4081, 9000};
    static const char made[] =
        "CREATE AGGREGATE s (id varchar(100) PRIMARY KEY, t text, big bigint, m numeric(12,2),"
        " at timestamptz);"
        "CREATE EVENT_TYPE e (id creates s(id), t updates s(t), big updates s(big),"
        " m updates s(m), at updates s(at));"
        "CREATE STREAM st (path \"/s/{id}\" event_types (e));";
    fixture *f = fixture_open(made, 2u << 20, 0);
    RV_CHECK(f != NULL);
    static char text[9001];
    static char data[10000];
    for (int i = 0; i < 10; i++) {
        char path[128];
        memset(text, 'a' + i, (size_t)lens[i]);
        text[lens[i]] = 0;
        snprintf(path, sizeof path, "/s/%.60s", i == 0 ? "z" : text);
        snprintf(data, sizeof data,
                 "{\"t\":\"%s\",\"big\":9223372036854775807,\"m\":%s,"
                 "\"at\":\"20%02d-01-01T00:00:00Z\"}",
                 text, i % 2 == 0 ? "\"NaN\"" : "0.10", 99 - i);
        RV_CHECK_STATUS(fixture_append(f, path, "e", data), RV_OK);
    }
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT length(t), t = replace(t, substr(t, 1, 1), 'x'),"
                                " length(id), big, m FROM s WHERE length(t) > 1 ORDER BY 1",
                                ""),
                  "[12,0,12,9223372036854775807,\"NaN\"][13,0,13,9223372036854775807,0.10]"
                  "[36,0,36,9223372036854775807,\"NaN\"][37,0,37,9223372036854775807,0.10]"
                  "[200,0,60,9223372036854775807,\"NaN\"][4080,0,60,9223372036854775807,0.10]"
                  "[4081,0,60,9223372036854775807,\"NaN\"][9000,0,60,9223372036854775807,0.10]");
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT count(*), sum(t = printf('%.*c', length(t),"
                                " substr(id, 1, 1))), sum(id = substr(t, 1, 60)) FROM s",
                                ""),
                  "[10,9,9]"); /* of the tenth the text is empty, and the key is not */
    RV_CHECK_TEXT(fixture_query(f, "SELECT max(at), min(at), max(id), length(max(t)) FROM s", ""),
                  "[\"2099-01-01T00:00:00+00:00\",\"2090-01-01T00:00:00+00:00\","
                  "\"z\",9000]");
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT group_concat(substr(at, 1, 4)) FROM"
                                " (SELECT at, lag(at) OVER (ORDER BY at) b FROM s)"
                                " WHERE b < at ORDER BY 1",
                                ""),
                  "[\"2091,2092,2093,2094,2095,2096,2097,2098,2099\"]");
    fixture_close(f);
}

int main(void) {
    RV_RUN(cells_are_shown_whole_wherever_they_lie);
    return rv_test_done();
}
