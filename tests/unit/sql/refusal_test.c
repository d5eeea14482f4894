/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: SQL only reads, within its limits, and says what is wrong; after every refusal the next
 * query works. Method: a table of statements with the code that each must get.
 */
#include "tests/unit/sql/fixture.h"

typedef struct refusal {
    const char *sql;
    const char *code;
} refusal;

static const refusal refusals[] = {
    /* everything that is no query */
    {"INSERT INTO application (id) VALUES (1)", "sql_read_only"},
    {"UPDATE application SET state = 'x'", "sql_read_only"},
    {"DELETE FROM application", "sql_read_only"},
    {"REPLACE INTO application (id) VALUES (1)", "sql_read_only"},
    {"WITH x AS (SELECT 1) INSERT INTO application (id) SELECT 1", "sql_read_only"},
    {"INSERT INTO sqlite_schema (name) VALUES (1)", "sql_read_only"},
    {"CREATE TABLE t (a)", "sql_read_only"},
    {"CREATE TEMP TABLE t (a)", "sql_read_only"},
    {"CREATE TABLE t AS SELECT 1", "sql_read_only"},
    {"CREATE VIEW v AS SELECT 1", "sql_read_only"},
    {"CREATE TEMP VIEW v AS SELECT 1", "sql_read_only"},
    {"CREATE INDEX i ON application (state)", "sql_read_only"},
    {"CREATE VIRTUAL TABLE t USING application", "sql_read_only"},
    {"DROP TABLE application", "sql_read_only"},
    {"ALTER TABLE application RENAME TO x", "sql_read_only"},
    {"ATTACH 'file.db' AS x", "sql_read_only"},
    {"DETACH main", "sql_read_only"},
    {"VACUUM", "sql_read_only"},
    {"VACUUM INTO 'file.db'", "sql_read_only"},
    {"ANALYZE", "sql_read_only"},
    {"REINDEX", "sql_read_only"},
    {"BEGIN", "sql_read_only"},
    {"COMMIT", "sql_read_only"},
    {"ROLLBACK", "sql_read_only"},
    {"SAVEPOINT s", "sql_read_only"},
    {"PRAGMA user_version", "sql_read_only"},
    {"PRAGMA user_version = 1", "sql_read_only"},
    {"PRAGMA writable_schema = ON", "sql_read_only"},
    {"PRAGMA table_info(application)", "sql_read_only"},
    {"SELECT * FROM pragma_table_info('application')", "sql_read_only"},
    {"SELECT count(*) FROM PRAGMA_table_info('application')", "sql_read_only"},
    {"EXPLAIN DELETE FROM application", "sql_read_only"},
    {"EXPLAIN QUERY PLAN INSERT INTO application (id) VALUES (1)", "sql_read_only"},
    {"EXPLAIN VACUUM", "sql_read_only"},
    {"EXPLAIN BEGIN", "sql_read_only"},
    {"/* c */ ; -- d\n  DrOp TABLE application", "sql_read_only"},
    {"-- d", "sql_invalid"},
    {"/* open", "sql_invalid"},
    {"/", "sql_invalid"},
    /* more than one, or none */
    {"SELECT 1; SELECT 2", "sql_invalid"},
    {"SELECT 1; DELETE FROM application", "sql_invalid"},
    {"SELECT 1; nonsense", "sql_invalid"},
    {"SELECT 1; 'open", "sql_invalid"},
    {"", "sql_invalid"},
    {"  -- nothing\n", "sql_invalid"},
    {";", "sql_invalid"},
    {";;/* nothing */;", "sql_invalid"},
    /* malformed */
    {"SELEC 1", "sql_invalid"},
    {"SELECT", "sql_invalid"},
    {"SELECT * FROM nothing", "sql_invalid"},
    {"SELECT nothing FROM application", "sql_invalid"},
    {"SELECT rowid FROM application", "sql_invalid"},
    {"SELECT * FROM application(1)", "sql_invalid"},
    {"SELECT * FROM application WHERE state = \"submitted\"", "sql_invalid"},
    {"SELECT 'open", "sql_invalid"},
    {"SELECT \xff", "sql_invalid"},
    {"SELECT (((((1", "sql_invalid"},
    {"SELECT ?99999999", "sql_invalid"},
    /* what does not follow from the data */
    {"SELECT random()", "sql_invalid"},
    {"SELECT hex(randomblob(4))", "sql_invalid"},
    {"SELECT current_timestamp", "sql_invalid"},
    {"SELECT current_date || current_time", "sql_invalid"},
    {"SELECT date('now')", "sql_invalid"},
    {"SELECT strftime('%s')", "sql_invalid"},
    {"SELECT unixepoch('now', '+1 day')", "sql_invalid"},
    {"SELECT datetime(submitted_at, 'localtime') IS NULL FROM application LIMIT 1", "[1]"},
    {"SELECT load_extension('x')", "sql_invalid"},
    {"SELECT last_insert_rowid()", "sql_invalid"},
    /* limits */
    {"SELECT length(zeroblob(1000000000))", "sql_limit"},
    {"SELECT length(printf('%.*c', 100000000, 'x'))", "memory_exhausted"},
    {"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
     "sql_limit"},
    {"SELECT count(*) FROM application a, application b, application c, application d, "
     "application e",
     "sql_limit"},
};

RV_TEST(refusals_have_their_codes) {
    fixture *f = fixture_open(LOANS_SCHEMA, 4u << 20, 200000);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fixture_loans(f, 30), RV_OK);
    const uint32_t used = f->sql->context.heap.used;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const rv_bytes met = fixture_query(f, refusals[i].sql, "");
        if (!rv_bytes_are(met, refusals[i].code)) {
            RV_FAIL_AT_("%s: %.*s, expected %s (%s)", refusals[i].sql, (int)met.len, met.ptr,
                        refusals[i].code, f->err.detail);
        }
        RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM application", ""), "[30]");
    }
    RV_CHECK(f->sql->context.heap.used < used + 8192); /* tables that were named stay known */
    RV_CHECK(rv_sql_heap_intact(&f->sql->context.heap));
    fixture_close(f);
}

RV_TEST(messages_say_what_to_do) {
    fixture *f = fixture_open(LOANS_SCHEMA, 1u << 20, 1000);
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f, "SELECT *\nFROM application WHERE stat = 1", ""), "sql_invalid");
    RV_CHECK_TEXT(rv_error_detail(&f->err), "no such column: stat");
    RV_CHECK_TEXT(rv_bytes_of_string(f->err.facts), "\"offset\":32");
    RV_CHECK_TEXT(fixture_query(f, "SELECT a FRM b", ""), "sql_invalid");
    RV_CHECK_TEXT(rv_error_detail(&f->err), "near \"b\": syntax error");
    RV_CHECK_TEXT(rv_bytes_of_string(f->err.facts), "\"offset\":13");
    RV_CHECK_TEXT(fixture_query(f, "SELECT random()", ""), "sql_invalid");
    RV_CHECK_TEXT(rv_error_detail(&f->err), "random is not available: a query depends on nothing "
                                            "but the data; pass the value as a parameter");
    RV_CHECK_TEXT(fixture_query(f, "SELECT 1; SELECT 2", ""), "sql_invalid");
    RV_CHECK_TEXT(rv_error_detail(&f->err),
                  "there is more than one statement; send them one at a time");
    RV_CHECK_TEXT(fixture_query(f,
                                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                "SELECT count(*) FROM n",
                                ""),
                  "sql_limit");
    RV_CHECK_TEXT(rv_bytes_of_string(f->err.facts), "\"limit\":\"steps\",\"steps_max\":1000");
    fixture_close(f);
}

/* Every number of rows around the limit. */
RV_TEST(more_rows_than_were_asked_for_are_refused) {
    fixture *f = fixture_open(LOANS_SCHEMA, 1u << 20, 0);
    RV_CHECK(f != NULL);
    for (uint64_t rows = 1; rows <= 5; rows++) {
        rv_sql_query *query = NULL;
        RV_CHECK_STATUS(rv_sql_prepare(f->sql, RV_LITERAL("VALUES (1), (2), (3)"), RV_LITERAL(""),
                                       &query, &f->err),
                        RV_OK);
        rv_sql_limit_rows(query, rows);
        RV_CHECK_STATUS(fixture_rows(f, query), rows < 3 ? RV_SQL_LIMIT : RV_END);
        RV_CHECK_TEXT(rv_bytes_of_string(f->text), rows == 1   ? "[1]"
                                                   : rows == 2 ? "[1][2]"
                                                               : "[1][2][3]");
        if (rows == 2) {
            RV_CHECK_TEXT(rv_bytes_of_string(f->err.facts), "\"limit\":\"rows\",\"rows_max\":2");
            RV_CHECK_STATUS(rv_sql_step(query, &f->err), RV_SQL_LIMIT);
            RV_CHECK(rv_sql_again(query)); /* and it counts anew */
            RV_CHECK_STATUS(fixture_rows(f, query), RV_SQL_LIMIT);
            RV_CHECK_TEXT(rv_bytes_of_string(f->text), "[1][2]");
        }
        rv_sql_finish(query);
    }
    fixture_close(f);
}

RV_TEST(one_statement_may_have_company_that_is_none) {
    fixture *f = fixture_open(LOANS_SCHEMA, 1u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f, "SELECT 1;", ""), "[1]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT 1; ; -- the end", ""), "[1]");
    RV_CHECK_TEXT(fixture_query(f, ";; /* first */ SELECT 1", ""), "[1]");
    fixture_close(f);
}

RV_TEST(texts_that_are_no_text_are_refused) {
    fixture *f = fixture_open(LOANS_SCHEMA, 4u << 20, 0);
    RV_CHECK(f != NULL);
    rv_sql_query *query = NULL;
    RV_CHECK_STATUS(
        rv_sql_prepare(f->sql, rv_bytes_of("SELECT 1\0;x", 11), RV_LITERAL(""), &query, &f->err),
        RV_SQL_INVALID);
    RV_CHECK_TEXT(rv_bytes_of_string(f->err.facts), "\"offset\":8");
    static char text[RV_SQL_TEXT_MAX + 1];
    memset(text, ' ', sizeof text);
    memcpy(text, "SELECT 1", 8);
    RV_CHECK_STATUS(
        rv_sql_prepare(f->sql, rv_bytes_of(text, sizeof text), RV_LITERAL(""), &query, &f->err),
        RV_SQL_LIMIT);
    RV_CHECK_STATUS(
        rv_sql_prepare(f->sql, rv_bytes_of(text, sizeof text - 1), RV_LITERAL(""), &query, &f->err),
        RV_OK);
    rv_sql_finish(query);
    fixture_close(f);
}

/* `SELECT ((((…1…))))` and `SELECT 1+1+1…`: depth is bounded, whatever the stack. */
RV_TEST(deep_expressions_are_refused) {
    fixture *f = fixture_open(LOANS_SCHEMA, 8u << 20, 0);
    RV_CHECK(f != NULL);
    static char text[300000];
    static const char *const parts[][2] = {
        {"(", ")"}, {"1+", ""}, {"- ", ""}, {"NOT ", ""}, {"(SELECT ", ")"}};
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        for (int depth = 10; depth <= 20000; depth *= 10) {
            if (depth == 100) {
                continue; /* some forms may, others not */
            }
            rv_writer w = rv_writer_over(text, sizeof text - 1);
            rv_write_text(&w, "SELECT ");
            for (int i = 0; i < depth; i++) {
                rv_write_text(&w, parts[p][0]);
            }
            rv_write_u8(&w, '1');
            for (int i = 0; i < depth; i++) {
                rv_write_text(&w, parts[p][1]);
            }
            text[w.len] = '\0';
            const rv_bytes met = fixture_query(f, text, "");
            if (rv_bytes_are(met, "sql_invalid") != (depth > 100)) {
                RV_FAIL_AT_("%s at depth %d: %.*s", parts[p][0], depth, (int)met.len, met.ptr);
            }
        }
    }
    fixture_close(f);
}

/* `start`, then `part` repeated, then `end`. */
static rv_bytes repeated(fixture *f, const char *start, const char *part, int count,
                         const char *end) {
    static char text[100000];
    rv_writer w = rv_writer_over(text, sizeof text - 1);
    rv_write_text(&w, start);
    for (int i = 0; i < count; i++) {
        rv_write_text(&w, part);
    }
    rv_write_text(&w, end);
    text[w.len] = '\0';
    return fixture_query(f, text, "");
}

RV_TEST(counted_limits_are_where_they_are_said_to_be) {
    fixture *f = fixture_open(LOANS_SCHEMA, 8u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_EQ(repeated(f, "SELECT 1", ",1", 511, "").len, 2 * 512 + 1);
    RV_CHECK_TEXT(repeated(f, "SELECT 1", ",1", 512, ""), "sql_invalid");
    RV_CHECK_TEXT(repeated(f, "SELECT 1", " UNION SELECT 1", 63, ""), "[1]");
    RV_CHECK_TEXT(repeated(f, "SELECT 1", " UNION SELECT 1", 64, ""), "sql_invalid");
    RV_CHECK_TEXT(repeated(f, "SELECT 'x' LIKE '", "x", 1000, "'"), "[0]");
    RV_CHECK_TEXT(repeated(f, "SELECT 'x' LIKE '", "x", 1001, "'"), "sql_invalid");
    fixture_close(f);
}

int main(void) {
    RV_RUN(refusals_have_their_codes);
    RV_RUN(messages_say_what_to_do);
    RV_RUN(more_rows_than_were_asked_for_are_refused);
    RV_RUN(one_statement_may_have_company_that_is_none);
    RV_RUN(texts_that_are_no_text_are_refused);
    RV_RUN(deep_expressions_are_refused);
    RV_RUN(counted_limits_are_where_they_are_said_to_be);
    return rv_test_done();
}
