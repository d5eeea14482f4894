/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state as it was, as the C interface has it, by rows and in SQL: the caller's memory is
 * divided into what the state of the past takes, and what SQLite works in.
 *
 *     rv_db_past | SQL | state
 */
#include "lib/db.h"

#include "core/base/assert.h"

#define KIB       ((size_t)1024)
#define SQL_MIN   (2048 * KIB)
#define SQL_SLACK (256 * KIB)
#define PAST_SIZE (4 * KIB) /* of rv_db_past, and what aligns it */

RV_STATIC_ASSERT(sizeof(rv_db_past) + 64 <= PAST_SIZE, "it fits its part");
RV_STATIC_ASSERT(RV_DB_PAST_MEMORY_MIN >= PAST_SIZE + SQL_MIN + SQL_SLACK + RV_AS_OF_MEMORY_MIN,
                 "the least suffices");

rv_status rv_db_past_open(rv_db *db, void *memory, size_t memory_size, rv_db_past **out,
                          rv_error *err) {
    RV_ASSERT(db != NULL && memory != NULL && out != NULL);
    *out = NULL;
    if (db->sql == NULL) {
        return rv_error_set(err, RV_UNSUPPORTED, "this database was opened without SQL");
    }
    if (memory_size < RV_DB_PAST_MEMORY_MIN) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "%u KiB of memory are too few for the past: at least %u KiB are",
                            (uint64_t)(memory_size / KIB), (uint64_t)(RV_DB_PAST_MEMORY_MIN / KIB));
    }
    rv_arena arena = rv_arena_over(memory, memory_size);
    rv_db_past *const past = rv_arena_take(&arena, sizeof *past);
    RV_ASSERT(past != NULL);
    past->db = db;
    past->sql_memory = rv_sql_memory_of(memory_size);
    past->sql_arena = rv_arena_split(&arena, past->sql_memory + SQL_SLACK);
    const size_t rest = (memory_size - PAST_SIZE - past->sql_memory - SQL_SLACK) & ~(4 * KIB - 1);
    rv_arena state = rv_arena_split(&arena, rest);
    RV_ASSERT(past->sql_arena.ptr != NULL && state.ptr != NULL);
    const rv_as_of_options options = {
        .node = db->node, .memory = state.ptr, .memory_size = state.cap};
    const rv_status status = rv_as_of_create(&past->as_of, &options, err);
    *out = status == RV_OK ? past : NULL;
    return status;
}

/* What was prepared stands on a state that goes. */
static void leave(rv_db_past *past) {
    rv_db *const db = past->db;
    for (size_t i = 0; i < RV_DB_QUERIES_MAX && past->sql != NULL; i += 1) {
        if (db->queries[i].past == past) {
            rv_db_query_close(&db->queries[i]);
        }
    }
    if (past->sql != NULL) {
        rv_sql_destroy(past->sql);
        past->sql = NULL;
    }
}

rv_status rv_db_past_reach(rv_db_past *past, const rv_db_place *place, rv_error *err) {
    RV_ASSERT(past != NULL && place != NULL);
    const rv_as_of_place to = {place->by_time ? UINT64_MAX : place->position,
                               place->by_time ? place->time : INT64_MAX};
    leave(past);
    rv_status status;
    do {
        status = rv_as_of_reach(past->as_of, &to, err);
    } while (rv_db_again(past->db, status));
    if (status == RV_OK) {
        rv_arena arena = past->sql_arena;
        const rv_sql_options options = {.schema = rv_as_of_schema(past->as_of),
                                        .state = rv_as_of_state(past->as_of),
                                        .memory = past->sql_memory,
                                        .steps_max = past->db->sql_steps,
                                        .interrupts = &past->db->interrupts};
        status = rv_sql_create(&past->sql, &options, &arena, err);
    }
    return status;
}

uint64_t rv_db_past_position(const rv_db_past *past) {
    RV_ASSERT(past != NULL && past->sql != NULL);
    return rv_as_of_position(past->as_of);
}

/* --- rows --- */

static rv_db_rows then(const rv_db_past *past) {
    RV_ASSERT(past->sql != NULL);
    return (rv_db_rows){past->db, rv_as_of_schema(past->as_of), rv_as_of_state(past->as_of)};
}

rv_status rv_db_past_row_find(rv_db_past *past, uint16_t aggregate, const rv_bytes *key,
                              size_t key_count, rv_db_row *row, rv_error *err) {
    RV_ASSERT(past != NULL);
    const rv_db_rows of = then(past);
    const rv_schema *const schema = rv_node_schema(past->db->node);
    RV_ASSERT(aggregate < rv_schema_aggregate_count(schema));
    if (aggregate >= rv_schema_aggregate_count(of.schema)) {
        const rv_bytes name = rv_schema_aggregate(schema, aggregate)->name;
        return rv_error_set(err, RV_UNKNOWN_AGGREGATE,
                            "there was no aggregate `%b` yet at position %u", &name,
                            rv_as_of_position(past->as_of));
    }
    return rv_db_rows_find(&of, aggregate, key, key_count, row, err);
}

rv_status rv_db_past_row_next(const rv_db_past *past, rv_db_row *row) {
    RV_ASSERT(past != NULL && row != NULL);
    const rv_db_rows of = then(past);
    return row->aggregate < rv_schema_aggregate_count(of.schema) ? rv_db_rows_next(&of, row)
                                                                 : RV_END;
}

rv_status rv_db_past_row_datum(rv_db_past *past, rv_db_row row, uint16_t column, rv_datum *datum,
                               rv_error *err) {
    RV_ASSERT(past != NULL);
    const rv_db_rows of = then(past);
    return rv_db_rows_datum(&of, row, column, datum, err);
}

rv_status rv_db_past_row_json(rv_db_past *past, rv_db_row row, rv_buffer *out) {
    RV_ASSERT(past != NULL);
    const rv_db_rows of = then(past);
    return rv_db_rows_json(&of, row, out);
}

/* --- SQL --- */

rv_status rv_db_past_query_open(rv_db_past *past, rv_bytes sql, rv_bytes parameters,
                                rv_db_query **query, rv_error *err) {
    RV_ASSERT(past != NULL && query != NULL);
    *query = NULL;
    if (past->sql == NULL) {
        return rv_error_set(err, RV_PARAMETER_INVALID,
                            "no place of the past is reached: rv_db_past_reach comes first");
    }
    return rv_db_query_over(past->db, past->sql, past, sql, parameters, query, err);
}

void rv_db_past_close(rv_db_past *past) {
    if (past != NULL) {
        leave(past);
    }
}
