/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: when SQL runs out of memory, at whatever point, the query fails with memory_exhausted,
 * gives everything back, and the next one works. Method: the nth taking from the heap fails, for
 * every n until a run goes through, for creating and for a list of queries; then heaps of growing
 * size, and queries that want more than there is.
 */
#include "tests/unit/sql/fixture.h"

static const char *const statements[] = {
    "SELECT * FROM application WHERE id = 5",
    "SELECT state, count(*), group_concat(id) FROM application GROUP BY state ORDER BY 2",
    "SELECT a.id, w.name FROM application a JOIN work_item w ON w.application_id = a.id "
    "ORDER BY w.name, a.id",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 50) SELECT sum(i) FROM n",
    "SELECT DISTINCT upper(state) FROM application WHERE id IN (SELECT application_id FROM "
    "work_item) UNION SELECT name FROM work_item ORDER BY 1",
    "SELECT id, rank() OVER (ORDER BY amount_requested) FROM application",
    "SELECT * FROM nothing",
};

/* With `kept`, its statement is there already. */
static void fail_everywhere(fixture *f, const char *text, bool kept) {
    static char expected[FIXTURE_TEXT_MAX];
    (void)fixture_query(f, "SELECT * FROM nothing",
                        ""); /* room for a message is kept from now on */
    const rv_bytes whole = fixture_query(f, text, "");
    memcpy(expected, whole.ptr, whole.len);
    expected[whole.len] = '\0';
    fixture_forget(f);
    const uint32_t used = f->sql->context.heap.used;
    bool through = false;
    uint64_t failures = 0;
    for (uint64_t n = 1; !through; n++) {
        RV_CHECK(n < 100000);
        if (kept) {
            RV_CHECK_TEXT(fixture_query(f, text, ""), expected);
        }
        f->sql->context.heap.fail_in = n;
        const rv_bytes met = fixture_query(f, text, "");
        through = f->sql->context.heap.fail_in > 0;
        f->sql->context.heap.fail_in = 0;
        /* SQLite does without some takings, so a query may go through all the same. */
        if (rv_bytes_are(met, "memory_exhausted")) {
            failures += 1;
        } else if (!rv_bytes_are(met, expected)) {
            RV_FAIL_AT_("%s, taking %" PRIu64 ": %.*s, expected %s", text, n, (int)met.len, met.ptr,
                        expected);
        }
        RV_CHECK(rv_sql_heap_intact(&f->sql->context.heap));
        RV_CHECK_TEXT(fixture_query(f, text, ""), expected);
        fixture_forget(f);
        /* What stays taken, a message, may lie in a run that is a granule longer than before: so
         * short a rest is not cut off. What is lost takes two. */
        RV_CHECK(f->sql->context.heap.used <= used + 1);
    }
    RV_CHECK(kept || failures > 2); /* kept ones give way, and the query goes through */
}

RV_TEST(the_nth_taking_fails) {
    fixture *f = fixture_open(LOANS_SCHEMA, 2u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fixture_loans(f, 40), RV_OK);
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        fail_everywhere(f, statements[i], false);
        RV_CHECK_PASSED();
        fail_everywhere(f, statements[i], true);
        RV_CHECK_PASSED();
    }
    fixture_close(f);
}

RV_TEST(parameters_fail_cleanly) {
    fixture *f = fixture_open(LOANS_SCHEMA, 2u << 20, 0);
    RV_CHECK(f != NULL);
    (void)fixture_query(f, "SELECT * FROM nothing", "");
    RV_CHECK_TEXT(fixture_query(f, "SELECT ?, ?", "[\"text\", 2.5]"), "[\"text\",2.5]");
    fixture_forget(f);
    const uint32_t used = f->sql->context.heap.used;
    bool through = false;
    for (uint64_t n = 1; !through; n++) {
        f->sql->context.heap.fail_in = n;
        const rv_bytes met = fixture_query(f, "SELECT ?, ?", "[\"text\", 2.5]");
        through = f->sql->context.heap.fail_in > 0;
        RV_CHECK(rv_bytes_are(met, "memory_exhausted") || rv_bytes_are(met, "[\"text\",2.5]"));
        f->sql->context.heap.fail_in = 0;
        RV_CHECK_TEXT(fixture_query(f, "SELECT ?, ?", "[\"text\", 2.5]"), "[\"text\",2.5]");
        fixture_forget(f);
        RV_CHECK_EQ(f->sql->context.heap.used, used);
    }
    fixture_close(f);
}

RV_TEST(new_tables_fail_cleanly) {
    fixture *f = fixture_open(LOANS_SCHEMA, 2u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(rv_schema_apply(f->schema,
                                    RV_LITERAL("CREATE AGGREGATE one (id text PRIMARY KEY, b text);"
                                               "CREATE AGGREGATE two (id text PRIMARY KEY);"),
                                    &f->err),
                    RV_OK);
    uint64_t n = 0;
    rv_bytes met = RV_LITERAL("memory_exhausted");
    while (rv_bytes_are(met, "memory_exhausted")) {
        n += 1;
        RV_CHECK(n < 10000);
        f->sql->context.heap.fail_in = n;
        met = fixture_query(f, "SELECT * FROM one, two", "");
        f->sql->context.heap.fail_in = 0;
    }
    RV_CHECK(n > 5);
    RV_CHECK_TEXT(met, "");
    RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM one, two", ""), "[0]");
    fixture_close(f);
}

RV_TEST(every_size_of_heap_works_or_says_so) {
    static _Alignas(16) uint8_t memory[1 << 20];
    fixture *f = fixture_open(LOANS_SCHEMA, 1u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fixture_loans(f, 40), RV_OK);
    rv_sql *kept = f->sql;
    size_t opened = 0;
    for (size_t size = 0; size < (400u << 10); size += size < 4096 ? 64 : 1024) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        const rv_sql_options options = {.schema = f->schema, .state = f->state, .memory = size};
        rv_status status = rv_sql_create(&f->sql, &options, &arena, &f->err);
        if (status != RV_OK) {
            RV_CHECK_STATUS(status, RV_MEMORY_EXHAUSTED);
            RV_CHECK_EQ(arena.len, 0);
            RV_CHECK_EQ(opened, 0);
            continue;
        }
        opened += 1;
        for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
            const rv_bytes met = fixture_query(f, statements[i], "");
            RV_CHECK(rv_bytes_are(met, "memory_exhausted") || met.ptr[0] == '[' ||
                     rv_bytes_are(met, "sql_invalid"));
        }
        rv_sql_destroy(f->sql);
    }
    printf("the smallest heaps that open: %zu of 400 KiB\n", opened);
    RV_CHECK(opened > 300);
    f->sql = kept;
    fixture_close(f);
}

RV_TEST(queries_that_want_too_much_end_alone) {
    fixture *f = fixture_open(LOANS_SCHEMA, 300u << 10, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fixture_loans(f, 40), RV_OK);
    static const char *const greedy[] = {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
        "SELECT i FROM n ORDER BY i * 7919 % 1000",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 100000) "
        "SELECT count(*) FROM n",
        "SELECT group_concat(hex(zeroblob(10000))) FROM application",
        "SELECT length(zeroblob(1000000) || 'x')",
        "SELECT hex(replace(hex(zeroblob(20000)), '00', '0000000000'))",
    };
    rv_sql_query *open = NULL;
    RV_CHECK_STATUS(rv_sql_prepare(f->sql, RV_LITERAL("SELECT count(*) FROM application"),
                                   RV_LITERAL(""), &open, &f->err),
                    RV_OK);
    for (size_t i = 0; i < sizeof greedy / sizeof greedy[0]; i++) {
        RV_CHECK_TEXT(fixture_query(f, greedy[i], ""), "memory_exhausted");
        RV_CHECK_TEXT(fixture_query(f, "SELECT count(*) FROM application", ""), "[40]");
    }
    RV_CHECK_STATUS(fixture_rows(f, open), RV_END);
    RV_CHECK_TEXT(rv_bytes_of_string(f->text), "[40]");
    rv_sql_finish(open);
    fixture_close(f);
}

int main(void) {
    RV_RUN(the_nth_taking_fails);
    RV_RUN(parameters_fail_cleanly);
    RV_RUN(new_tables_fail_cleanly);
    RV_RUN(every_size_of_heap_works_or_says_so);
    RV_RUN(queries_that_want_too_much_end_alone);
    return rv_test_done();
}
