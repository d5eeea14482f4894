/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: no statement writes, crashes or takes more than it may. Method: the input is a statement
 * and its parameters with NUL between them; it is prepared and stepped within a limit, over a small
 * root whose state hash stays as it is, and again with the statement that was kept, which ends as
 * it did; then as a live query, over everything and over what was kept, if it can be kept up, which
 * gives the same rows, as many where a LIMIT may have others; afterwards a plain query still works.
 */
#include "core/state/deltas.h"
#include "sql/sql.h"
#include "tests/fuzz/fuzz_node.h"

#include <strings.h>

#define SQL_MEMORY ((size_t)1 << 20)
#define STEPS_MAX  20000
#define ROWS_MAX   5000

static fuzz_node the_node;
static uint8_t sql_memory[SQL_MEMORY + ((size_t)256 << 10)];
static uint8_t row_memory[(size_t)2 << 20];

/* What a run has given. */
static uint64_t rows;
static rv_hash128 sum; /* of their hashes */

static rv_status run(rv_sql *sql, rv_sql_upkeep *upkeep, rv_bytes text, rv_bytes parameters) {
    rv_sql_query *query = NULL;
    rv_error err = {.status = RV_OK};
    rv_status status = rv_sql_prepare_live(sql, upkeep, text, parameters, &query, &err);
    rows = 0;
    sum = (rv_hash128){0, 0};
    FUZZ_CHECK(status == err.status && (status == RV_OK) == (query != NULL));
    if (status != RV_OK) {
        return status;
    }
    rv_writer w = rv_writer_over(row_memory, sizeof row_memory);
    rv_sql_columns_to_json(query, &w);
    for (int i = 0; i < ROWS_MAX && status == RV_OK; i++) {
        status = rv_sql_step(query, &err);
        if (status == RV_PENDING) {
            const rv_status polled = rv_node_poll(the_node.node, NULL);
            FUZZ_CHECK(polled == RV_OK);
            status = RV_OK;
        } else if (status == RV_SNAPSHOT_EXPIRED && rv_sql_again(query)) {
            rows = 0;
            sum = (rv_hash128){0, 0};
            status = RV_OK;
        } else if (status == RV_OK) {
            w = rv_writer_over(row_memory, sizeof row_memory);
            rv_sql_row_to_json(query, &w);
            rows += 1;
            sum = rv_hash128_add(sum, rv_hash128_of(0, rv_writer_bytes(&w)));
        }
    }
    rv_sql_finish(query);
    return status;
}

static bool has_limit(rv_bytes text) {
    bool found = false;
    for (size_t at = 0; at + 5 <= text.len && !found; at++) {
        found = strncasecmp((const char *)text.ptr + at, "limit", 5) == 0;
    }
    return found;
}

/* The same as a live query gives what it gave; where that ended well, and so does this. */
static void run_live(rv_sql *sql, rv_bytes text, rv_bytes parameters) {
    const bool ended = run(sql, NULL, text, parameters) == RV_END;
    const uint64_t rows_once = rows;
    const rv_hash128 sum_once = sum;
    const bool limit = has_limit(text);
    rv_sql_upkeep upkeep = {.other = NULL};
    rv_deltas now = {.snapshot = {0}};
    for (int i = 0; i < 2; i++) {
        upkeep.since = now.snapshot;
        if (run(sql, &upkeep, text, parameters) == RV_END && ended) {
            FUZZ_CHECK(rows == rows_once && (limit || fuzz_hashes_equal(sum, sum_once)));
        }
        rv_deltas_keep(rv_node_state(the_node.node), &now);
    }
    rv_deltas_drop(rv_node_state(the_node.node), &now);
    rv_sql_upkeep_end(&upkeep);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static rv_hash128 hash;
    if (the_node.node == NULL) {
        fuzz_node_root(&the_node);
        hash = rv_node_state_hash(the_node.node);
    }
    rv_arena arena = rv_arena_over(sql_memory, sizeof sql_memory);
    const rv_sql_options options = {.schema = rv_node_schema(the_node.node),
                                    .state = rv_node_state(the_node.node),
                                    .node = the_node.node,
                                    .memory = SQL_MEMORY,
                                    .steps_max = STEPS_MAX,
                                    .steps_slice = STEPS_MAX / 8};
    rv_sql *sql = NULL;
    FUZZ_CHECK(rv_sql_create(&sql, &options, &arena, NULL) == RV_OK);
    rv_bytes input = rv_bytes_of(data, size);
    const rv_bytes text = fuzz_take_until(&input, 0);
    const rv_status first = run(sql, NULL, text, input);
    const rv_status second = run(sql, NULL, text, input);
    /* steps are counted by the thousand */
    FUZZ_CHECK(first == second || first == RV_SQL_LIMIT || second == RV_SQL_LIMIT);
    run_live(sql, text, input);
    FUZZ_CHECK(run(sql, NULL, RV_LITERAL("select count(*) from account"), (rv_bytes){NULL, 0}) ==
               RV_END);
    FUZZ_CHECK(fuzz_hashes_equal(rv_node_state_hash(the_node.node), hash));
    rv_sql_destroy(sql);
    return 0;
}
