/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: at an edge that goes back behind a change of the schema, SQL knows the schema that there is
 * then: what was compiled for the lost one is used no more. Method: the two of
 * tests/unit/sync/restoring.h; queries that are open, that have begun, and whose statement is kept,
 * while the edge goes back; then another aggregate of the lost one's name and number.
 */
#include "sql/connection.h"
#include "tests/unit/sync/restoring.h"

#define SQL_MEMORY ((size_t)2 << 20)

static char text[1024]; /* of the last answer */

/* Runs a query to its end: its rows, or its error's code. */
static const char *answer(rv_sql_query *query, rv_status status) {
    rv_error err;
    rv_writer w = rv_writer_over(text, sizeof text - 1);
    while (status == RV_OK) {
        status = rv_sql_step(query, &err);
        if (status == RV_OK) {
            rv_sql_row_to_json(query, &w);
        }
    }
    text[w.len] = '\0';
    return status == RV_END ? text : rv_status_code(status);
}

static const char *ask(rv_sql *sql, const char *question) {
    rv_error err;
    rv_sql_query *query = NULL;
    const rv_status status =
        rv_sql_prepare(sql, rv_bytes_of_string(question), RV_LITERAL(""), &query, &err);
    const char *const answered = answer(query, status);
    if (status == RV_OK) {
        rv_sql_finish(query);
    }
    return answered;
}

static rv_sql *sql_over(rv_node *node, void *memory) {
    rv_arena arena = rv_arena_over(memory, 2 * SQL_MEMORY);
    const rv_sql_options options = {.schema = rv_node_schema(node),
                                    .state = rv_node_state(node),
                                    .node = node,
                                    .memory = SQL_MEMORY};
    rv_sql *sql = NULL;
    rv_error err;
    return rv_sql_create(&sql, &options, &arena, &err) == RV_OK ? sql : NULL;
}

RV_TEST(what_was_compiled_for_a_lost_schema_is_used_no_more) {
    duo *const d = begin();
    void *const memory = malloc(2 * SQL_MEMORY);
    uint8_t *const backup = copy_disk(d, &d->root);
    RV_CHECK_STATUS(apply(d, "CREATE AGGREGATE fee (id bigint PRIMARY KEY, amount bigint);"
                             "CREATE EVENT_TYPE fee_paid (id creates fee(id),"
                             " amount updates fee(amount));"
                             "CREATE STREAM fees (path \"/fees/{id}\", event_types (fee_paid));"),
                    RV_OK);
    RV_CHECK(duo_run(d));
    RV_CHECK_STATUS(duo_write_one(d, "/fees/1", "fee_paid", "{\"amount\":7}"), RV_OK);
    RV_CHECK_STATUS(duo_write_one(d, "/fees/2", "fee_paid", "{\"amount\":8}"), RV_OK);
    RV_CHECK(duo_run(d));
    rv_sql *const sql = sql_over(d->leaf.node, memory);
    RV_CHECK(sql != NULL);
    RV_CHECK_TEXT(rv_bytes_of_string(ask(sql, "SELECT sum(amount) FROM fee")), "[15]");
    RV_CHECK_TEXT(rv_bytes_of_string(ask(sql, "SELECT count(*) FROM account")), "[1]");
    rv_sql_query *begun = NULL;
    rv_sql_query *open = NULL;
    const rv_bytes fees = RV_LITERAL("SELECT id, amount FROM fee ORDER BY id");
    RV_CHECK_STATUS(rv_sql_prepare(sql, fees, RV_LITERAL(""), &begun, &d->err), RV_OK);
    RV_CHECK_STATUS(rv_sql_step(begun, &d->err), RV_OK);
    RV_CHECK_STATUS(rv_sql_prepare(sql, fees, RV_LITERAL(""), &open, &d->err), RV_OK);
    restore_disk(d, &d->root, backup);
    RV_CHECK(restored(d));
    bool met = false;
    for (int i = 0; i < DUO_STEPS_MAX && rv_node_rewinds(d->leaf.node) == 0; i++) {
        duo_connect(d);
        (void)duo_step(d);
        if (rv_node_rewinding(d->leaf.node)) {
            met = true;
            RV_CHECK_TEXT(rv_bytes_of_string(ask(sql, "SELECT 1")), "busy");
        }
    }
    RV_CHECK(met && rv_schema_aggregate_count(rv_node_schema(d->leaf.node)) == 2);
    RV_CHECK_TEXT(rv_bytes_of_string(ask(sql, "SELECT 1")), "busy"); /* some are open */
    RV_CHECK_STATUS(rv_sql_step(begun, &d->err), RV_SNAPSHOT_EXPIRED);
    RV_CHECK_STATUS(rv_sql_step(open, &d->err), RV_SNAPSHOT_EXPIRED);
    RV_CHECK(!rv_sql_again(begun) && !rv_sql_again(open));
    rv_sql_finish(begun);
    rv_sql_finish(open);
    RV_CHECK(duo_run(d));
    RV_CHECK_TEXT(rv_bytes_of_string(ask(sql, "SELECT sum(amount) FROM fee")), "sql_invalid");
    RV_CHECK_TEXT(rv_bytes_of_string(ask(sql, "SELECT count(*) FROM account")), "[1]");
    RV_CHECK_STATUS(apply(d, "CREATE AGGREGATE fee (amount text PRIMARY KEY);"), RV_OK);
    RV_CHECK(duo_run(d));
    RV_CHECK_TEXT(rv_bytes_of_string(ask(sql, "SELECT count(amount) FROM fee")), "[0]");
    RV_CHECK_TEXT(rv_bytes_of_string(ask(sql, "SELECT id FROM fee")), "sql_invalid");
    rv_sql_destroy(sql);
    free(memory);
    free(backup);
    duo_free(d);
}

int main(void) {
    RV_RUN(what_was_compiled_for_a_lost_schema_is_used_no_more);
    return rv_test_done();
}
