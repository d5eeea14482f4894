/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: no statement writes, crashes or takes more than it may. Method: the input is a statement
 * and its parameters with NUL between them; it is prepared and stepped within a limit, over a small
 * root whose state hash stays as it is, and again with the statement that was kept, which ends as
 * it did; afterwards a plain query still works.
 */
#include "sql/sql.h"
#include "tests/fuzz/fuzz_node.h"

#define SQL_MEMORY ((size_t)1 << 20)
#define STEPS_MAX  20000
#define ROWS_MAX   5000

static fuzz_node the_node;
static uint8_t sql_memory[SQL_MEMORY + ((size_t)256 << 10)];
static uint8_t row_memory[(size_t)2 << 20];

static rv_status run(rv_sql *sql, rv_bytes text, rv_bytes parameters) {
    rv_sql_query *query = NULL;
    rv_error err = {.status = RV_OK};
    rv_status status = rv_sql_prepare(sql, text, parameters, &query, &err);
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
        } else if (status == RV_OK) {
            w = rv_writer_over(row_memory, sizeof row_memory);
            rv_sql_row_to_json(query, &w);
        }
    }
    rv_sql_finish(query);
    return status;
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
    const rv_status first = run(sql, text, input);
    const rv_status second = run(sql, text, input);
    /* steps are counted by the thousand */
    FUZZ_CHECK(first == second || first == RV_SQL_LIMIT || second == RV_SQL_LIMIT);
    FUZZ_CHECK(run(sql, RV_LITERAL("select count(*) from account"), (rv_bytes){NULL, 0}) == RV_END);
    FUZZ_CHECK(fuzz_hashes_equal(rv_node_state_hash(the_node.node), hash));
    rv_sql_destroy(sql);
    return 0;
}
