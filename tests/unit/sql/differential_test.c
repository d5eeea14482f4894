/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever SELECT is asked, and whatever plan is made of it, aggregates answer as SQLite's
 * own tables with the same rows do, but that sums and averages of numerics are exact, for which the
 * tables have functions of the test's own (truth.h). Method: any statement from a seed
 * (generator.h), which knows which of its sums are exact. Rows are
 * compared in SQLite's types; in order where the statement says one, sorted where not. What fails
 * on one side must fail on the other. A run makes a few thousand statements; as a program,
 *
 *     test_unit_sql_differential SEED COUNT
 *
 * makes as many as one likes (`make differential`).
 */
#include "tests/unit/sql/generator.h"
#include "tests/unit/sql/truth.h"
#include "tests/unit/sql/twin.h"

#include <stdlib.h>

#define STATEMENTS 1000u
#define LINES_MAX  20000

static const char *const tables[] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, b INTEGER, n REAL,"
    " w TEXT COLLATE " RV_SQL_WIDE_COLLATION ", s TEXT, e TEXT, d TEXT, ts TEXT, g TEXT, f REAL,"
    " h TEXT COLLATE RTRIM, j TEXT, c INTEGER)",
    "CREATE TABLE u (a INTEGER, z TEXT, t_id INTEGER, v INTEGER, at TEXT, tm TEXT, bin BLOB,"
    " PRIMARY KEY (a, z))",
    NULL,
};

/* --- comparing --- */

/* What a statement gives: its rows, a line each, or that it fails. */
typedef struct answer {
    char text[1 << 20];
    size_t len;
    char *lines[LINES_MAX];
    size_t line_count;
    bool failed;
} answer;

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run(sqlite3_stmt *statement, bool ordered, answer *out) {
    rv_writer rows = rv_writer_over(out->text, sizeof out->text - 1);
    out->failed = statement == NULL || !twin_read_rows(statement, &rows);
    out->len = rows.len;
    out->text[rows.len] = 0;
    out->line_count = 0;
    for (char *at = out->text; at != NULL && *at != 0 && out->line_count < LINES_MAX;
         at = strchr(at, '\n')) {
        *at++ = 0;
        out->lines[out->line_count++] = at;
    }
    if (!ordered) {
        qsort(out->lines, out->line_count, sizeof *out->lines, compare_lines);
    }
}

static bool same(const answer *a, const answer *b) {
    bool equal = a->failed == b->failed && (a->failed || a->line_count == b->line_count);
    for (size_t i = 0; equal && !a->failed && i < a->line_count; i++) {
        equal = strcmp(a->lines[i], b->lines[i]) == 0;
    }
    return equal;
}

static answer ours;
static answer theirs;
static uint64_t rows_seen;
static uint64_t failures_seen;

static void compare(fixture *f, const char *text, bool ordered) {
    rv_sql_query *query = NULL;
    const rv_status status =
        rv_sql_prepare(f->sql, rv_bytes_of_string(text), RV_LITERAL(""), &query, &f->err);
    rv_sql_context *previous = rv_sql_enter(&f->sql->context);
    run(status == RV_OK ? query->statement : NULL, ordered, &ours);
    rv_sql_leave(previous);
    if (status == RV_OK) {
        rv_sql_finish(query);
    }
    previous = rv_sql_enter(&twin_context);
    sqlite3_stmt *statement = NULL;
    static char other[32768];
    truth_text(text, other, sizeof other);
    (void)sqlite3_prepare_v3(twin, other, -1, 0, &statement, NULL);
    run(statement, ordered, &theirs);
    (void)sqlite3_finalize(statement);
    rv_sql_leave(previous);
    rows_seen += ours.line_count;
    failures_seen += ours.failed;
    if (!same(&ours, &theirs)) {
        size_t at = 0;
        while (at < ours.line_count && at < theirs.line_count &&
               strcmp(ours.lines[at], theirs.lines[at]) == 0) {
            at++;
        }
        RV_FAIL_AT_("differs: %s\nours: %s %zu rows, %s\ntheirs: %s %zu rows, %s", text,
                    ours.failed ? "failed" : "", ours.line_count,
                    at < ours.line_count ? ours.lines[at] : "-", theirs.failed ? "failed" : "",
                    theirs.line_count, at < theirs.line_count ? theirs.lines[at] : "-");
    }
}

static uint64_t seed = 20121;
static uint64_t statements = STATEMENTS;

RV_TEST(any_select_answers_like_tables) {
    static char text[16384];
    random_state = seed;
    fixture *f = fixture_open_sized(schema, 4u << 20, 0, 8u << 20);
    RV_CHECK(f != NULL);
    for (int row = 1; row <= 2 * ROWS; row++) {
        RV_CHECK_STATUS(append_row(f, row), RV_OK);
    }
    RV_CHECK(twin_open(tables));
    rv_sql_context *const previous = rv_sql_enter(&twin_context);
    RV_CHECK(truth_declare(twin));
    rv_sql_leave(previous);
    RV_CHECK(twin_fill(f, "t", "INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
    RV_CHECK(twin_fill(f, "u", "INSERT INTO u VALUES (?,?,?,?,?,?,CAST(? AS BLOB))"));
    for (uint64_t i = 0; i < RV_TEST_ROUNDS(statements); i++) {
        made = rv_writer_over(text, sizeof text - 1);
        const bool ordered = make_statement();
        RV_CHECK(!made.full);
        text[made.len] = 0;
        compare(f, text, ordered);
        RV_CHECK_PASSED();
    }
    RV_CHECK(rows_seen > RV_TEST_ROUNDS(statements));
    RV_CHECK(failures_seen * 20 < RV_TEST_ROUNDS(statements) + 20);
    RV_CHECK(twin_close());
    fixture_close(f);
}

int main(int argc, char **argv) {
    if (argc == 3) {
        seed = strtoull(argv[1], NULL, 10);
        statements = strtoull(argv[2], NULL, 10);
    }
    RV_RUN(any_select_answers_like_tables);
    printf("%llu rows, %llu refused\n", (unsigned long long)rows_seen,
           (unsigned long long)failures_seen);
    return rv_test_done();
}
