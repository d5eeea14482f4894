/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a query whose statement was kept answers as one that was compiled for it, with its own
 * parameters, whatever was asked, added or declared meanwhile; what is kept is bounded.
 * Method: by hand what is kept and what is not; then random queries, open side by side, each beside
 * the same over a connection that keeps nothing.
 */
#include "tests/unit/sql/fixture.h"

static size_t kept(const fixture *f) {
    size_t count = 0;
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        count += f->sql->queries[i].statement != NULL && !f->sql->queries[i].open;
    }
    return count;
}

static rv_sql_query *prepared(fixture *f, const char *text, const char *parameters) {
    rv_sql_query *query = NULL;
    const rv_status status = rv_sql_prepare(f->sql, rv_bytes_of_string(text),
                                            rv_bytes_of_string(parameters), &query, &f->err);
    return status == RV_OK ? query : NULL;
}

RV_TEST(a_text_that_comes_again_finds_its_statement) {
    fixture *f = fixture_open(LOANS_SCHEMA, 2u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fixture_loans(f, 40), RV_OK);
    static const char text[] = "SELECT id, state FROM application WHERE id = ?";
    RV_CHECK_TEXT(fixture_query(f, text, "[5]"), "[5,\"cancelled\"]");
    RV_CHECK_EQ(kept(f), 1);
    const sqlite3_stmt *const first = f->sql->queries[0].statement;
    RV_CHECK_TEXT(fixture_query(f, text, "[3]"), "[3,\"submitted\"]");
    RV_CHECK(f->sql->queries[0].statement == first && kept(f) == 1);
    RV_CHECK_TEXT(fixture_query(f, text, "[]"), "parameter_invalid"); /* nothing of the last one */
    RV_CHECK_TEXT(fixture_query(f, text, "[99]"), "");
    RV_CHECK_TEXT(fixture_columns(f, "SELECT id FROM application"),
                  "[{\"name\":\"id\",\"type\":\"bigint\"}]");
    RV_CHECK_TEXT(fixture_columns(f, "SELECT id FROM application"),
                  "[{\"name\":\"id\",\"type\":\"bigint\"}]");
    fixture_close(f);
}

RV_TEST(what_is_open_is_nobody_elses) {
    fixture *f = fixture_open(LOANS_SCHEMA, 2u << 20, 0);
    RV_CHECK(f != NULL);
    static const char text[] = "VALUES (?), (?)";
    rv_sql_query *const a = prepared(f, text, "[1, 2]");
    rv_sql_query *const b = prepared(f, text, "[3, 4]");
    RV_CHECK(a != NULL && b != NULL && a->statement != b->statement);
    RV_CHECK_STATUS(rv_sql_step(a, &f->err), RV_OK);
    RV_CHECK_STATUS(fixture_rows(f, b), RV_END);
    RV_CHECK_TEXT(rv_bytes_of_string(f->text), "[3][4]");
    rv_sql_finish(a); /* in the middle */
    rv_sql_finish(b);
    RV_CHECK_EQ(kept(f), 2);
    RV_CHECK_TEXT(fixture_query(f, text, "[5, 6]"), "[5][6]");
    RV_CHECK(!rv_sql_runnable(f->sql));
    fixture_close(f);
}

RV_TEST(what_failed_is_not_kept) {
    fixture *f = fixture_open(LOANS_SCHEMA, 1u << 20, 1000);
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f, "SELECT abs(-9223372036854775807 - 1)", ""), "sql_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT nothing", ""), "sql_invalid");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?", ""), "parameter_invalid");
    RV_CHECK_EQ(kept(f), 0);
    fixture_close(f);
}

RV_TEST(what_is_kept_is_bounded) {
    fixture *f = fixture_open(LOANS_SCHEMA, 1u << 20, 0);
    RV_CHECK(f != NULL);
    static char text[100000];
    const uint32_t bound = f->sql->context.heap.end / RV_SQL_KEPT_PART;
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "SELECT %d", i);
        (void)fixture_query(f, text, "");
        RV_CHECK(kept(f) > 0 && kept(f) <= RV_SQL_QUERIES_MAX);
        uint64_t memory = 0;
        for (size_t q = 0; q < RV_SQL_QUERIES_MAX; q++) {
            memory += f->sql->queries[q].memory;
        }
        RV_CHECK(memory <= bound);
    }
    const size_t before = kept(f);
    rv_writer w = rv_writer_over(text, sizeof text - 1);
    rv_write_text(&w, "SELECT 1");
    while (w.len < sizeof text - 10) {
        rv_write_text(&w, " ");
    }
    text[w.len] = '\0';
    RV_CHECK_TEXT(fixture_query(f, text, ""), "[1]"); /* larger than all that may be kept */
    RV_CHECK(kept(f) <= before);
    rv_sql_query *queries[RV_SQL_QUERIES_MAX];
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) { /* what is kept is in nobody's way */
        snprintf(text, sizeof text, "SELECT %zu", 1000 + i);
        queries[i] = prepared(f, text, "");
        RV_CHECK(queries[i] != NULL);
    }
    RV_CHECK_TEXT(fixture_query(f, "SELECT 1", ""), "busy");
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        rv_sql_finish(queries[i]);
    }
    fixture_close(f);
}

RV_TEST(a_plan_is_made_for_the_rows_that_there_are) {
    fixture *f = fixture_open(LOANS_SCHEMA, 2u << 20, 0);
    RV_CHECK(f != NULL);
    static const char text[] =
        "SELECT count(*) FROM application a JOIN work_item w ON w.application_id = a.id";
    RV_CHECK_TEXT(fixture_query(f, text, ""), "[0]");
    RV_CHECK_EQ(f->sql->queries[0].growth, 0);
    RV_CHECK_STATUS(fixture_loans(f, 40), RV_OK); /* 40 and 60 */
    RV_CHECK_TEXT(fixture_query(f, text, ""), "[60]");
    RV_CHECK_EQ(f->sql->queries[0].growth, 6 + 6);
    RV_CHECK_EQ(kept(f), 1);
    fixture_close(f);
}

RV_TEST(the_schema_may_grow_meanwhile) {
    fixture *f = fixture_open(LOANS_SCHEMA, 2u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM application", ""), "[0]");
    rv_sql_query *const open = prepared(f, "SELECT count(*) FROM work_item", "");
    RV_CHECK(open != NULL);
    RV_CHECK_STATUS(rv_schema_apply(f->schema,
                                    RV_LITERAL("CREATE AGGREGATE one (id text PRIMARY KEY);"),
                                    &f->err),
                    RV_OK);
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM one", ""), "[0]");
    RV_CHECK_EQ(kept(f), 1); /* the new one */
    RV_CHECK_STATUS(fixture_rows(f, open), RV_END);
    RV_CHECK_TEXT(rv_bytes_of_string(f->text), "[0]");
    rv_sql_finish(open);
    fixture_close(f);
}

/* `?` in them is one parameter, an integer. */
static const char *const texts[] = {
    "SELECT * FROM application WHERE id = ?",
    "SELECT id FROM application WHERE amount_requested > ? * 1000 ORDER BY id",
    "SELECT max(w.id) FROM application a, work_item w WHERE application_id = a.id AND a.id > ?",
    "SELECT state, count(*) FROM application WHERE id < ? GROUP BY state ORDER BY 1",
    "SELECT id FROM work_item WHERE id LIKE ? || '%' ORDER BY id",
    "SELECT id FROM work_item WHERE id LIKE ? ORDER BY id",
    "SELECT typeof(?), ?1",
    "SELECT abs(?1 - 9223372036854775807)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < ?) SELECT sum(i) FROM n",
};

RV_TEST(random_queries_answer_as_if_nothing_were_kept) {
    static char expected[FIXTURE_TEXT_MAX];
    static const char *const parameters[] = {"[0]",  "[1]",        "[17]",   "[\"1\"]",
                                             "[30]", "[\"2%-1\"]", "[null]", "[2.5]"};
    fixture *f = fixture_open(LOANS_SCHEMA, 1u << 20, 0);
    RV_CHECK(f != NULL);
    rv_sql *const keeps = f->sql;
    const rv_sql_options options = {.schema = f->schema, .state = f->state, .memory = 1u << 20};
    rv_sql *forgets = NULL;
    RV_CHECK_STATUS(rv_sql_create(&forgets, &options, &f->arena, &f->err), RV_OK);
    uint64_t random = 7;
    rv_sql_query *open[3] = {NULL};
    const int rounds = (int)RV_TEST_SEEDS(400);
    for (int i = 0; i < rounds; i++) {
        const char *const text = texts[rv_test_random(&random) % (sizeof texts / sizeof texts[0])];
        const char *const parameter =
            parameters[rv_test_random(&random) % (sizeof parameters / sizeof parameters[0])];
        rv_sql_query **const other = &open[rv_test_random(&random) % 3];
        if (*other != NULL) {
            rv_sql_finish(*other);
        }
        *other = prepared(f, text, parameter);
        if (*other != NULL && rv_test_random(&random) % 2 == 0) {
            const rv_status status = rv_sql_step(*other, &f->err);
            RV_CHECK(status != RV_PENDING);
        }
        f->sql = forgets;
        fixture_forget(f);
        const rv_bytes truth = fixture_query(f, text, parameter);
        memcpy(expected, truth.ptr, truth.len);
        expected[truth.len] = '\0';
        f->sql = keeps;
        const rv_bytes met = fixture_query(f, text, parameter);
        if (!rv_bytes_are(met, expected)) {
            RV_FAIL_AT_("%s %s: %.*s, expected %s", text, parameter, (int)met.len, met.ptr,
                        expected);
        }
        if (i % 100 == 0) {
            RV_CHECK_STATUS(fixture_loans_from(f, 1 + i / 100, 1 + i / 100), RV_OK);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        if (open[i] != NULL) {
            rv_sql_finish(open[i]);
        }
    }
    rv_sql_destroy(forgets);
    fixture_close(f);
}

int main(void) {
    RV_RUN(a_text_that_comes_again_finds_its_statement);
    RV_RUN(what_is_open_is_nobody_elses);
    RV_RUN(what_failed_is_not_kept);
    RV_RUN(what_is_kept_is_bounded);
    RV_RUN(a_plan_is_made_for_the_rows_that_there_are);
    RV_RUN(the_schema_may_grow_meanwhile);
    RV_RUN(random_queries_answer_as_if_nothing_were_kept);
    return rv_test_done();
}
