/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what SQLite does in one go is counted in steps, ended by the limit of them and, where it is
 * a sort, cut in slices, with the same result and without losing memory.
 * Method: rows in an order that looks random, sorted by statements of each kind, in slices of
 * several lengths, to the end or given up between any two; the result has every row once, in order,
 * and equal ones as they came. Statements whose rows are within the limit, and their sorting, or
 * what their functions look for, is not. A statement that gives rows often has slices as long.
 */
#include "tests/unit/sql/fixture.h"

static const char schema[] =
    "CREATE AGGREGATE day (id bigint PRIMARY KEY, on_day date NOT NULL, INDEX (on_day));"
    "CREATE EVENT_TYPE made (id creates day(id), on_day updates day(on_day));"
    "CREATE STREAM days (path \"/days/{id}\" event_types (made));";

/* Rows x = 1 … count, and what they are sorted by. */
#define ROWS  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < ?1)"
#define MIXED "(x * 7919 % 1009)"

static const char *const sorts[] = {
    ROWS " SELECT x, " MIXED " k FROM c ORDER BY k",
    ROWS " SELECT x, " MIXED " / 100 k FROM c ORDER BY k",
    ROWS " SELECT x, 'a common beginning ' || " MIXED " k FROM c ORDER BY k",
    ROWS " SELECT x, CASE " MIXED " % 3 WHEN 0 THEN NULL WHEN 1 THEN " MIXED " ELSE 't' END k"
         " FROM c ORDER BY k, " MIXED " % 2 + 0.5",
};

/* Limits of the connection from now on; 0: none. */
static void limit_steps(fixture *f, uint64_t most, uint64_t slice) {
    rv_sql_context *const previous = rv_sql_enter(&f->sql->context);
    f->sql->steps_max = most;
    f->sql->steps_slice = slice;
    rv_sql_guard_install(f->sql);
    rv_sql_leave(previous);
}

static rv_sql_query *ask(fixture *f, const char *text, uint32_t count) {
    char parameters[16];
    snprintf(parameters, sizeof parameters, "[%u]", count);
    rv_sql_query *query = NULL;
    const rv_status status = rv_sql_prepare(f->sql, rv_bytes_of_string(text),
                                            rv_bytes_of_string(parameters), &query, &f->err);
    RV_ASSERT(status == RV_OK);
    return query;
}

/* Steps until the query waits, or the most that it may: how often. */
static uint32_t pass(fixture *f, rv_sql_query *query, uint32_t most, rv_status *status) {
    uint32_t times = 0;
    *status = rv_sql_step(query, &f->err);
    while (*status == RV_PENDING && times < most) {
        times++;
        *status = rv_sql_step(query, &f->err);
    }
    return times;
}

/* A row of a result. */
typedef struct row {
    sqlite3_int64 x;
    int type; /* of the key, in SQLite's order of types; 0: NULL */
    sqlite3_int64 integer;
    char text[64];
} row;

static row read_row(rv_sql_query *query) {
    static const int ranks[] = {[SQLITE_NULL] = 0, [SQLITE_INTEGER] = 1, [SQLITE_TEXT] = 2};
    rv_sql_context *const previous = rv_sql_enter(&query->sql->context);
    row r = {.x = sqlite3_column_int64(query->statement, 0),
             .type = ranks[sqlite3_column_type(query->statement, 1)],
             .integer = sqlite3_column_int64(query->statement, 1)};
    if (r.type == 2) {
        snprintf(r.text, sizeof r.text, "%.*s", sqlite3_column_bytes(query->statement, 1),
                 (const char *)sqlite3_column_blob(query->statement, 1));
    }
    rv_sql_leave(previous);
    return r;
}

static int compare_keys(const row *a, const row *b) {
    if (a->type != b->type || a->type == 0) {
        return a->type - b->type;
    }
    return a->type == 2 ? strcmp(a->text, b->text)
                        : (a->integer > b->integer) - (a->integer < b->integer);
}

/* The rows of a sort in slices are right. `*waited`: how often before the first one. */
static void check_sort(fixture *f, const char *text, uint32_t count, uint32_t *waited) {
    static bool seen[5000];
    const bool by_more = strstr(text, "0.5") != NULL; /* equal keys have an order of their own */
    memset(seen, 0, sizeof seen);
    rv_sql_query *const query = ask(f, text, count);
    rv_status status = RV_OK;
    *waited = pass(f, query, UINT32_MAX, &status);
    row before = {.type = -1};
    uint32_t rows = 0;
    bool right = true;
    for (; status == RV_OK && right; rows++) {
        const row now = read_row(query);
        const int order = compare_keys(&before, &now);
        right = (order < 0 || (order == 0 && (by_more || before.x < now.x))) && !seen[now.x];
        seen[now.x] = true;
        before = now;
        (void)pass(f, query, UINT32_MAX, &status);
    }
    rv_sql_finish(query);
    if (status != RV_END || !right || rows != count) {
        RV_FAIL_AT_("%s: of %u rows %u, status %d", text, count, rows, (int)status);
    }
}

RV_TEST(sorts_are_cut_in_slices) {
    static const uint64_t slices[] = {1, 3, 50};
    fixture *f = fixture_open(schema, 2u << 20, 0);
    RV_CHECK(f != NULL);
    for (size_t s = 0; s < sizeof sorts / sizeof *sorts; s++) {
        for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) {
            limit_steps(f, 0, slices[i]);
            for (uint32_t count = 1; count < 36; count++) {
                uint32_t waited = 0;
                check_sort(f, sorts[s], count, &waited);
                RV_CHECK_PASSED();
            }
        }
    }
    fixture_close(f);
}

/* A sort of 4,000 takes some 40,000 comparisons: not all in one slice. */
RV_TEST(comparisons_are_steps) {
    fixture *f = fixture_open(schema, 2u << 20, 0);
    RV_CHECK(f != NULL);
    limit_steps(f, 0, 1000);
    rv_status status = RV_OK;
    for (size_t s = 0; s < sizeof sorts / sizeof *sorts; s++) {
        uint32_t waited = 0;
        check_sort(f, sorts[s], 4000, &waited);
        RV_CHECK_PASSED();
        char text[512];
        snprintf(text, sizeof text, "SELECT count(*), max(k) FROM (%.*s)",
                 (int)(strstr(sorts[s], " ORDER") - sorts[s]), sorts[s]);
        rv_sql_query *const query = ask(f, text, 4000);
        const uint32_t unsorted = pass(f, query, UINT32_MAX, &status);
        rv_sql_finish(query);
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK(waited >= unsorted + 25 && waited < unsorted + 60);
    }
    fixture_close(f);
}

/* A slice goes on behind a row that was given. */
RV_TEST(rows_do_not_lengthen_a_slice) {
    fixture *f = fixture_open(schema, 2u << 20, 0);
    RV_CHECK(f != NULL);
    limit_steps(f, 0, 1000);
    rv_sql_query *const query = ask(f, ROWS " SELECT x FROM c WHERE x % 10 = 0", 4000);
    rv_status status = RV_OK;
    uint32_t rows = 0;
    uint32_t waited = 0;
    uint64_t began = 0;
    while (status == RV_OK || status == RV_PENDING) {
        status = rv_sql_step(query, &f->err);
        RV_CHECK(query->steps - began <= 1000);
        began = status == RV_PENDING ? query->steps : began;
        waited += status == RV_PENDING;
        rows += status == RV_OK;
    }
    RV_CHECK_STATUS(status, RV_END);
    RV_CHECK_EQ(rows, 400);
    RV_CHECK(waited > 20);
    rv_sql_finish(query);
    fixture_close(f);
}

/* Given up between any two slices, a sort gives its memory back. */
RV_TEST(a_sort_that_is_left_gives_its_memory_back) {
    fixture *f = fixture_open(schema, 2u << 20, 0);
    RV_CHECK(f != NULL);
    limit_steps(f, 0, 60);
    for (size_t s = 0; s < sizeof sorts / sizeof *sorts; s++) {
        uint32_t waited = 0;
        check_sort(f, sorts[s], 100, &waited);
        RV_CHECK(waited > 20);
        fixture_forget(f);
        const uint32_t used = f->sql->context.heap.used;
        rv_status status = RV_PENDING;
        for (uint32_t most = 0; status == RV_PENDING; most++) {
            rv_sql_query *const query = ask(f, sorts[s], 100);
            (void)pass(f, query, most, &status);
            rv_sql_finish(query);
            fixture_forget(f);
            RV_CHECK(f->sql->context.heap.used == used);
            RV_CHECK(most < 1000);
        }
        RV_CHECK_STATUS(status, RV_OK);
    }
    RV_CHECK(rv_sql_heap_intact(&f->sql->context.heap));
    fixture_close(f);
}

/* `count` days, one of them in a year that does not sort as text. */
static rv_status fill(fixture *f, uint32_t count) {
    rv_status status = RV_OK;
    for (uint32_t i = 1; i <= count && status == RV_OK; i++) {
        char path[32];
        char data[64];
        snprintf(path, sizeof path, "/days/%u", i);
        snprintf(data, sizeof data, "{\"on_day\":\"%s-%02u-%02u\"}", i == 7 ? "10000" : "2024",
                 1 + i * 7919 % 12, 1 + i * 31 % 28);
        status = fixture_append(f, path, "made", data);
    }
    return status;
}

/* What the statement answers where it may take so many steps. */
static rv_bytes within(fixture *f, uint64_t steps, const char *text) {
    limit_steps(f, steps, 0);
    return fixture_query(f, text, "");
}

RV_TEST(what_is_done_in_one_go_is_limited) {
    static const struct {
        uint64_t steps; /* of the machine: less than these */
        const char *text;
    } works[] = {
        {20000, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1500)"
                " SELECT x FROM c ORDER BY x * 7919 % 1009"},
        {9000, "SELECT on_day FROM day ORDER BY on_day LIMIT 1"},
        {1000, "SELECT instr(printf('%.*c', 30000, 'a'), printf('%.*c', 10000, 'a') || 'b')"},
        {1000, "SELECT replace(printf('%.*c', 30000, 'a'), printf('%.*c', 10000, 'a') || 'b', '')"},
        {1000, "SELECT trim(printf('%.*c', 6000, 'a'), printf('%.*c', 1000, 'b') || 'a')"},
        {1000, "SELECT printf('%.*c', 60000, 'a') LIKE '%' || printf('%.*c', 900, 'a') || 'b'"},
        {1000, "SELECT printf('%.*c', 60000, 'a') GLOB '*' || printf('%.*c', 900, 'a') || 'b'"},
    };
    fixture *f = fixture_open(schema, 2u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_STATUS(fill(f, 1000), RV_OK);
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        const rv_bytes met = within(f, works[i].steps, works[i].text);
        if (!rv_bytes_are(met, "sql_limit")) {
            RV_FAIL_AT_("%s: %.*s", works[i].text, (int)met.len, met.ptr);
        }
        RV_CHECK(strstr(f->err.facts, "\"limit\":\"steps\"") != NULL);
        const rv_bytes whole = within(f, 4000000, works[i].text);
        RV_CHECK(whole.len > 0 && whole.ptr[0] == '[');
    }
    fixture_close(f);
}

/* Where there is no limit of steps one search is bounded all the same. */
RV_TEST(a_search_is_bounded) {
    fixture *f = fixture_open(schema, 2u << 20, 0);
    RV_CHECK(f != NULL);
    RV_CHECK_TEXT(
        fixture_query(f, "SELECT instr(zeroblob(32769), zeroblob(32768) || x'01') IS NULL", ""),
        "sql_limit");
    RV_CHECK(strstr(f->err.facts, "\"limit\":\"value\"") != NULL);
    RV_CHECK_TEXT(fixture_query(f, "SELECT instr(zeroblob(32768), zeroblob(32768))", ""), "[1]");
    RV_CHECK_TEXT(fixture_query(f, "SELECT trim(printf('%.*c', 200000, ' ') || 'x')", ""),
                  "[\"x\"]");
    fixture_close(f);
}

int main(void) {
    RV_RUN(sorts_are_cut_in_slices);
    RV_RUN(comparisons_are_steps);
    RV_RUN(rows_do_not_lengthen_a_slice);
    RV_RUN(a_sort_that_is_left_gives_its_memory_back);
    RV_RUN(what_is_done_in_one_go_is_limited);
    RV_RUN(a_search_is_bounded);
    return rv_test_done();
}
