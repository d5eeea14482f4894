/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever an aggregate or a column is called, SQL can name it. Method: names that are
 * keywords of SQL, that need quotes, that SQLite has tables of its own for, and that differ only in
 * case. And a statement says which aggregates it reads however it writes their names, columns of
 * theirs or none.
 */
#include "tests/unit/sql/fixture.h"

RV_TEST(keywords_are_names_in_quotes) {
    static const char *const words[] = {"order", "group",  "select", "table",   "index", "where",
                                        "from",  "values", "limit",  "primary", "key",   "x"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "CREATE AGGREGATE \"%s\" (\"%s\" integer PRIMARY KEY, \"%s_2\" text);"
                 "CREATE EVENT_TYPE made (id creates \"%s\"(\"%s\"), t updates \"%s\"(\"%s_2\"));"
                 "CREATE STREAM s (path \"/s/{id}\" event_types (made));",
                 words[i], words[i], words[i], words[i], words[i], words[i], words[i]);
        fixture *f = fixture_open(text, 1u << 20, 0);
        RV_CHECK(f != NULL);
        RV_CHECK_STATUS(fixture_append(f, "/s/7", "made", "{\"t\":\"a\"}"), RV_OK);
        snprintf(text, sizeof text, "SELECT \"%s\", \"%s_2\" FROM \"%s\" WHERE \"%s\".\"%s\" = 7",
                 words[i], words[i], words[i], words[i], words[i]);
        RV_CHECK_TEXT(fixture_query(f, text, ""), "[7,\"a\"]");
        fixture_close(f);
    }
}

RV_TEST(names_of_any_bytes_work) {
    fixture *f =
        fixture_open("CREATE AGGREGATE \"a \"\"b\"\" c\" (\"i \"\"d\"\" \" integer PRIMARY KEY,"
                     " \"\xc3\xa9t\xc3\xa9\" text);"
                     "CREATE AGGREGATE pragma_table_info (id integer PRIMARY KEY);"
                     "CREATE AGGREGATE json_each (id integer PRIMARY KEY);",
                     1u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT count(\"i \"\"d\"\" \"), max(\"\xc3\xa9t\xc3\xa9\") FROM "
                                "\"a \"\"b\"\" c\"",
                                ""),
                  "[0,null]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(id) FROM pragma_table_info", ""), "[0]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(id) FROM json_each", ""), "[0]");
    fixture_close(f);
}

RV_TEST(names_that_differ_in_case_get_numbers) {
    fixture *f = fixture_open("CREATE AGGREGATE item (id integer PRIMARY KEY, \"Id\" text, x text);"
                              "CREATE AGGREGATE \"Item\" (key integer PRIMARY KEY);",
                              1u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_columns(f, "SELECT * FROM item"),
                  "[{\"name\":\"id\",\"type\":\"integer\"},{\"name\":\"Id:1\",\"type\":\"text\"},"
                  "{\"name\":\"x\",\"type\":\"text\"}]");
    RV_CHECK_TEXT(fixture_columns(f, "SELECT key FROM \"Item:1\""),
                  "[{\"name\":\"key\",\"type\":\"integer\"}]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ID FROM ITEM", ""), "");
    fixture_close(f);
}

RV_TEST(what_is_read_is_known_under_any_name) {
    static const struct {
        const char *text;
        uint16_t reads;
    } cases[] = {
        {"SELECT count(*) FROM person", 0},
        {"SELECT count(*) FROM PERSON", 0},
        {"SELECT 1 FROM \"Person\" LIMIT 1", 0},
        {"SELECT ID FROM PERSON", 0},
        {"SELECT count(*) FROM item", 1},
        {"SELECT count(*) FROM ITEM", 1},
        {"SELECT count(*) FROM \"item:2\"", 2},
        {"SELECT count(*) FROM \"ITEM:2\"", 2},
        {"SELECT id FROM \"Item:2\"", 2},
        {"SELECT EXISTS (SELECT 1 FROM Item)", 1},
        {"SELECT count(*) FROM \"a:b\"", 6},
        {"SELECT count(*) FROM \"A:B\"", 6},
        {"SELECT count(*) FROM \"A:5\"", 5},
        {"SELECT count(*) FROM \"a:5\"", 5}, /* it is hidden */
        {"SELECT count(*) FROM pragma_X", 7},
        {"SELECT count(*) FROM PRAGMA_x", 7},
    };
    fixture *f = fixture_open("CREATE AGGREGATE person (id integer PRIMARY KEY);"
                              "CREATE AGGREGATE item (id integer PRIMARY KEY);"
                              "CREATE AGGREGATE \"Item\" (id integer PRIMARY KEY);"
                              "CREATE AGGREGATE \"a:5\" (id integer PRIMARY KEY);"
                              "CREATE AGGREGATE a (id integer PRIMARY KEY);"
                              "CREATE AGGREGATE \"A\" (id integer PRIMARY KEY);"
                              "CREATE AGGREGATE \"a:b\" (id integer PRIMARY KEY);"
                              "CREATE AGGREGATE pragma_x (id integer PRIMARY KEY);",
                              1u << 20, 0);
    RV_CHECK(f != NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_sql_query *query = NULL;
        RV_CHECK_STATUS(rv_sql_prepare(f->sql, rv_bytes_of_string(cases[i].text), RV_LITERAL(""),
                                       &query, &f->err),
                        RV_OK);
        for (uint16_t n = 0; n < 8; n++) {
            if (rv_sql_uses(query, n) != (n == cases[i].reads)) {
                RV_FAIL_AT_("%s: %u", cases[i].text, n);
            }
        }
        rv_sql_finish(query);
    }
    fixture_close(f);
}

/* As many columns as an aggregate can have, with names as long as they can be. */
RV_TEST(the_largest_aggregate_fits) {
    static char text[64000];
    rv_writer w = rv_writer_over(text, sizeof text - 1);
    rv_write_text(&w, "CREATE AGGREGATE a (id integer PRIMARY KEY");
    for (uint64_t i = 1; i < RV_COLUMNS_MAX; i++) {
        rv_write_text(&w, ", \"");
        for (int quotes = 0; quotes < 60; quotes++) {
            rv_write_text(&w, "\"\"");
        }
        rv_write_uint(&w, 100 + i);
        rv_write_text(&w, "\" numeric(18,2)");
    }
    rv_write_text(&w, ");");
    text[w.len] = '\0';
    fixture *f = fixture_open(text, 1u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM (SELECT * FROM a)", ""), "[0]");
    fixture_close(f);
}

int main(void) {
    RV_RUN(keywords_are_names_in_quotes);
    RV_RUN(names_of_any_bytes_work);
    RV_RUN(names_that_differ_in_case_get_numbers);
    RV_RUN(what_is_read_is_known_under_any_name);
    RV_RUN(the_largest_aggregate_fits);
    return rv_test_done();
}
