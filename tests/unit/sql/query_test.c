/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: queries over the loans schema through the whole interface: answers as JSON, plans that look
 * keys up, parameters, several queries and several rv_sql at once, aggregates that are declared
 * later. Method: small data whose answers can be counted by hand.
 */
#include "tests/unit/sql/fixture.h"

#define SQL_MEMORY (2u << 20)

static fixture *loans(void) {
    fixture *f = fixture_open(LOANS_SCHEMA, SQL_MEMORY, 0);
    if (f != NULL && fixture_loans(f, 12) != RV_OK) {
        fixture_close(f);
        return NULL;
    }
    return f;
}

RV_TEST(answers_are_json) {
    fixture *f = loans();
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM application", ""), "[12]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT * FROM application WHERE id = 5", ""),
                  "[5,39595,\"2012-01-06T05:00:00+00:00\",\"cancelled\",1,null,null,null]");
    RV_CHECK_TEXT(
        fixture_query(f, "SELECT state, count(*) FROM application GROUP BY 1 ORDER BY 1", ""),
        "[\"accepted\",4][\"cancelled\",2][\"declined\",2][\"submitted\",4]");
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT a.id, w.id FROM application a JOIN work_item w ON "
                                "w.application_id = a.id WHERE w.status = 'open' ORDER BY 2",
                                ""),
                  "[10,\"10-1\"][11,\"11-1\"][2,\"2-1\"][3,\"3-1\"][6,\"6-1\"][7,\"7-1\"]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT id FROM application WHERE id > 100", ""), "");
    RV_CHECK_TEXT(fixture_query(f, "SELECT 1, 2.5, 'x', NULL, x'00ff', 'caf\xc3\xa9\n'", ""),
                  "[1,2.5,\"x\",null,\"\\\\x00ff\",\"caf\xc3\xa9\\n\"]");
    RV_CHECK_TEXT(fixture_query(f, "VALUES (1, 'a'), (2, 'b')", ""), "[1,\"a\"][2,\"b\"]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT CAST(x'ff' AS TEXT), char(0)", ""),
                  "[\"\\\\xff\",\"\\\\x00\"]");
    fixture_close(f);
}

RV_TEST(columns_have_names_and_types) {
    fixture *f = loans();
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(
        fixture_columns(f, "SELECT id, state AS s, count(*) n FROM application"),
        "[{\"name\":\"id\",\"type\":\"bigint\"},{\"name\":\"s\",\"type\":\"varchar(20)\"},"
        "{\"name\":\"n\",\"type\":\"any\"}]");
    RV_CHECK_TEXT(fixture_columns(f, "WITH x AS (SELECT submitted_at t FROM application) "
                                     "SELECT t, (SELECT name FROM work_item) FROM x"),
                  "[{\"name\":\"t\",\"type\":\"timestamptz\"},"
                  "{\"name\":\"(SELECT name FROM work_item)\",\"type\":\"text\"}]");
    RV_CHECK_TEXT(
        fixture_columns(f, "EXPLAIN QUERY PLAN SELECT 1"),
        "[{\"name\":\"id\",\"type\":\"any\"},{\"name\":\"parent\",\"type\":\"any\"},"
        "{\"name\":\"notused\",\"type\":\"any\"},{\"name\":\"detail\",\"type\":\"any\"}]");
    fixture_close(f);
}

RV_TEST(plans_look_keys_up) {
    fixture *f = loans();
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM application WHERE id = 5"),
                  "SCAN application VIRTUAL TABLE INDEX 1:");
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM application WHERE id > 5"),
                  "SCAN application VIRTUAL TABLE INDEX 0:0:(");
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM work_item WHERE id = 'x'"),
                  "SCAN work_item VIRTUAL TABLE INDEX 1:");
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM work_item WHERE id = 'x' COLLATE NOCASE"),
                  "SCAN work_item VIRTUAL TABLE INDEX 0:");
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM application a, work_item w WHERE "
                                  "a.id = w.application_id"),
                  "SCAN w VIRTUAL TABLE INDEX 0:; SCAN a VIRTUAL TABLE INDEX 1:");
    RV_CHECK_TEXT(fixture_plan(f, "SELECT * FROM application WHERE id IN (1, 2)"),
                  "SCAN application VIRTUAL TABLE INDEX 1:");
    fixture_close(f);
}

RV_TEST(parameters_are_bound) {
    fixture *f = loans();
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f,
                                "SELECT id FROM application WHERE state = ? AND id > ? ORDER BY 1",
                                "[\"accepted\", 3]"),
                  "[4][8][11]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?2, ?1, ?2", "[1, \"a\\u00e9\\n\"]"),
                  "[\"a\xc3\xa9\\n\",1,\"a\xc3\xa9\\n\"]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?, ?, ?, ?", "[null, true, false, \"\"]"),
                  "[null,1,0,\"\"]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?, ?, typeof(?3), typeof(?4)",
                                "[9223372036854775807, -9223372036854775808, 1.0, 10]"),
                  "[9223372036854775807,-9223372036854775808,\"real\",\"integer\"]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?, typeof(?1)", "[9223372036854775808]"),
                  "[9.223372036854776e+18,\"real\"]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT :a, @b, $c", "[1, 2, 3]"), "[1,2,3]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT $2, $1, $2", "[5, 6]"), "[6,5,6]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT :2, @1, ?2, $1", "[5, 6]"), "[6,5,6,5]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT $10", "[1,2,3,4,5,6,7,8,9,0]"), "[0]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT $b, $a, $b, $1a", "[5, 6, 7]"), "[5,6,5,7]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT $0", "[1]"), "sql_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT $99999999999999999999", "[1]"), "sql_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT 1", "[]"), "[1]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT 1", "[1]"), "parameter_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", ""), "parameter_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?, ?", "[1]"), "parameter_invalid");
    RV_CHECK_TEXT(rv_error_detail(&f->err),
                  "the statement has 2 parameters, and 1 values were given");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "[[1]]"), "parameter_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ? = x'00ff', typeof(?), ?3",
                                "[{\"bytea\":\"\\\\x00FF\"},{\"bytea\":\"\\\\x\"},7]"),
                  "[1,\"blob\",7]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "[{\"bytea\":\"\\\\x0\"}]"), "value_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "[{\"bytea\":7}]"), "parameter_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "[{\"bytea\":\"a\",\"b\":1}]"), "parameter_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "[{\"bytes\":\"a\"}]"), "parameter_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "[{}]"), "parameter_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "[1e999]"), "parameter_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "{}"), "parameter_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "[1"), "json_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", "[1] 2"), "json_invalid");
    RV_CHECK_EQ(f->sql->queries[0].open, 0);
    fixture_close(f);
}

RV_TEST(many_escaped_parameters_fit) {
    fixture *f = loans();
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?||?||?||?||?||?||?||?||?||?||?||?",
                                "[\"\\n\",\"\\n\",\"\\n\",\"\\n\",\"\\n\",\"\\n\",\"\\n\",\"\\n\","
                                "\"\\n\",\"\\n\",\"\\n\",\"\\n\"]"),
                  "[\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\"]");
    fixture_close(f);
}

RV_TEST(queries_are_open_side_by_side) {
    fixture *f = loans();
    RV_CHECK(f != NULL);
    rv_sql_query *open[RV_SQL_QUERIES_MAX + 1];
    const rv_bytes text = RV_LITERAL("SELECT id FROM application ORDER BY id");
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        RV_CHECK_STATUS(rv_sql_prepare(f->sql, text, RV_LITERAL(""), &open[i], &f->err), RV_OK);
        for (size_t n = 0; n <= i % 3; n++) {
            RV_CHECK_STATUS(rv_sql_step(open[i], &f->err), RV_OK);
        }
    }
    RV_CHECK_STATUS(
        rv_sql_prepare(f->sql, text, RV_LITERAL(""), &open[RV_SQL_QUERIES_MAX], &f->err), RV_BUSY);
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        RV_CHECK_STATUS(rv_sql_step(open[i], &f->err), RV_OK);
        char memory[16];
        rv_writer w = rv_writer_over(memory, sizeof memory);
        rv_sql_row_to_json(open[i], &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), i % 3 == 0 ? "[2]" : i % 3 == 1 ? "[3]" : "[4]");
    }
    rv_sql_finish(open[3]);
    RV_CHECK_STATUS(rv_sql_prepare(f->sql, text, RV_LITERAL(""), &open[3], &f->err), RV_OK);
    fixture_close(f); /* ends them all */
}

RV_TEST(an_ended_query_stays_ended) {
    fixture *f = loans();
    RV_CHECK(f != NULL);
    rv_sql_query *query = NULL;
    RV_CHECK_STATUS(rv_sql_prepare(f->sql, RV_LITERAL("SELECT 1"), RV_LITERAL(""), &query, &f->err),
                    RV_OK);
    RV_CHECK_STATUS(rv_sql_step(query, &f->err), RV_OK);
    RV_CHECK_STATUS(rv_sql_step(query, &f->err), RV_END);
    RV_CHECK_STATUS(rv_sql_step(query, &f->err), RV_END);
    rv_sql_finish(query);
    RV_CHECK_STATUS(rv_sql_prepare(f->sql, RV_LITERAL("SELECT abs(-9223372036854775807 - 1)"),
                                   RV_LITERAL(""), &query, &f->err),
                    RV_OK);
    RV_CHECK_STATUS(rv_sql_step(query, &f->err), RV_SQL_INVALID);
    RV_CHECK_TEXT(rv_error_detail(&f->err), "integer overflow");
    RV_CHECK_STATUS(rv_sql_step(query, &f->err), RV_SQL_INVALID);
    rv_sql_finish(query);
    fixture_close(f);
}

RV_TEST(two_of_them_share_nothing) {
    fixture *a = loans();
    fixture *b =
        fixture_open("CREATE AGGREGATE application (id integer PRIMARY KEY);", SQL_MEMORY, 0);
    RV_CHECK(a != NULL && b != NULL);
    rv_sql_query *query = NULL;
    RV_CHECK_STATUS(rv_sql_prepare(a->sql,
                                   RV_LITERAL("SELECT id FROM application ORDER BY state, id"),
                                   RV_LITERAL(""), &query, &a->err),
                    RV_OK);
    RV_CHECK_STATUS(rv_sql_step(query, &a->err), RV_OK);
    RV_CHECK_TEXT(fixture_query(b, "SELECT count(*) FROM application", ""), "[0]");
    RV_CHECK_TEXT(fixture_query(b, "SELECT state FROM application", ""), "sql_invalid");
    fixture_close(b);
    RV_CHECK_STATUS(fixture_rows(a, query), RV_END);
    RV_CHECK_TEXT(rv_bytes_of_string(a->text), "[4][8][11][2][5][7][10][3][6][9][12]");
    rv_sql_finish(query);
    RV_CHECK_TEXT(fixture_query(a, "SELECT count(*) FROM application", ""), "[12]");
    fixture_close(a);
}

RV_TEST(aggregates_declared_later_are_seen) {
    fixture *f = loans();
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM tag", ""), "sql_invalid");
    RV_CHECK_TEXT(rv_error_detail(&f->err), "no such table: tag");
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM aplication", ""), "sql_invalid");
    RV_CHECK_TEXT(rv_error_detail(&f->err),
                  "no such table: aplication; did you mean `application`?");
    RV_CHECK_TEXT(fixture_query(f, "SELECT now()", ""), "sql_invalid");
    RV_CHECK(strncmp(f->err.detail, "now is not available: ", 22) == 0);
    RV_CHECK_STATUS(rv_schema_apply(f->schema,
                                    RV_LITERAL("CREATE AGGREGATE tag (id text PRIMARY KEY);"),
                                    &f->err),
                    RV_OK);
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM tag", ""), "[0]");
    RV_CHECK_TEXT(
        fixture_query(f, "SELECT count(*) FROM application LEFT JOIN tag ON tag.id = state", ""),
        "[12]");
    fixture_close(f);
}

int main(void) {
    RV_RUN(answers_are_json);
    RV_RUN(columns_have_names_and_types);
    RV_RUN(plans_look_keys_up);
    RV_RUN(parameters_are_bound);
    RV_RUN(many_escaped_parameters_fit);
    RV_RUN(queries_are_open_side_by_side);
    RV_RUN(an_ended_query_stays_ended);
    RV_RUN(two_of_them_share_nothing);
    RV_RUN(aggregates_declared_later_are_seen);
    return rv_test_done();
}
