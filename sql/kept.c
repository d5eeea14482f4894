/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements that are kept. A program asks the same few things again and again; to compile a
 * look-up takes longer than to run it. So the statement of a query that has ended well stays where
 * it was, reset, and the next query of the same text, byte for byte, goes on with it.
 *
 * It must be what compiling the text anew would give:
 *
 * - positions rise with sequences until an edge's past is filled in, which plans of rv_events know:
 *   that is noted as well;
 * - what names mean changes only with the schema: then all are forgotten (rv_sql_tables_declare);
 * - a plan is made for as many rows as there are: the logarithms of their numbers are noted, and
 *   where one has changed the text is compiled again, which so happens about once a doubling;
 * - what a plan takes from parameters (LIKE ?) SQLite knows itself, and compiles again.
 *
 * They take at most 1/32 of the memory (RV_SQL_KEPT_PART), and none that is wanted: a query that
 * has too little ends them all, and begins again if it has given no row. Who was not used for
 * longest goes first.
 */
#include "sql/connection.h"

static bool is_kept(const rv_sql_query *query) {
    return query->statement != NULL && !query->open;
}

/* What was noted for nobody but the query. */
static void give_reads(rv_sql_query *query) {
    if (query->own_reads) {
        sqlite3_free(query->reads);
    }
    query->own_reads = false;
    query->reads = NULL;
}

static void end(rv_sql_query *query) {
    RV_ASSERT(query->statement != NULL);
    give_reads(query);
    rv_sql_upkeep_leave(query);
    sqlite3_free((void *)query->types);
    (void)sqlite3_finalize(query->statement); /* repeats the error of the last step */
    *query = (rv_sql_query){.statement = NULL};
}

/* Bits of a number: 0 of none, 20 of a million. */
static uint32_t bits_of(uint64_t count) {
    return count == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(count);
}

/* More than all logarithms together. */
#define STRAIGHT (65u * (RV_AGGREGATES_MAX + 1u))

/* The logarithms of what the query reads; another sum is another plan. */
static uint32_t growth_of(const rv_sql *sql, const rv_sql_query *query) {
    const uint16_t count = rv_schema_aggregate_count(sql->schema);
    uint32_t growth = 0;
    RV_ASSERT(count <= RV_AGGREGATES_MAX);
    if (query->uses_system && sql->node != NULL) {
        growth = bits_of(rv_node_sequence(sql->node)) +
                 (rv_node_fill_of(sql->node).straight ? STRAIGHT : 0);
    }
    for (uint16_t a = 0; a < count; a++) {
        if (query->uses[a / 64u] == 0) {
            a |= 63u; /* none of these 64 */
        } else if (rv_sql_uses(query, a)) {
            growth += bits_of(rv_state_row_count(sql->state, a));
        }
    }
    return growth;
}

rv_sql_query *rv_sql_kept_take(rv_sql *sql, rv_bytes text, rv_sql_mode mode) {
    rv_sql_query *found = NULL;
    RV_ASSERT(sql != NULL);
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX && found == NULL; i++) {
        rv_sql_query *const q = &sql->queries[i];
        if (is_kept(q) && q->mode == mode && q->narrowed == sql->narrowed &&
            q->text_len == text.len && memcmp(sqlite3_sql(q->statement), text.ptr, text.len) == 0) {
            found = q;
        }
    }
    if (found != NULL && found->growth != growth_of(sql, found)) {
        end(found);
        return NULL;
    }
    if (found != NULL) {
        const rv_sql_query compiled = *found;
        *found = (rv_sql_query){.sql = sql,
                                .statement = compiled.statement,
                                .open = true,
                                .column_count = compiled.column_count,
                                .uses_system = compiled.uses_system,
                                .types = compiled.types,
                                .mode = compiled.mode,
                                .narrowed = compiled.narrowed,
                                .shape = compiled.shape,
                                .text_len = compiled.text_len,
                                .memory = compiled.memory,
                                .growth = compiled.growth};
        memcpy(found->uses, compiled.uses, sizeof found->uses);
    }
    return found;
}

/* The one that was not used for longest; NULL: none is kept. */
static rv_sql_query *oldest(rv_sql *sql) {
    rv_sql_query *first = NULL;
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        rv_sql_query *const q = &sql->queries[i];
        if (is_kept(q) && (first == NULL || q->finished < first->finished)) {
            first = q;
        }
    }
    RV_ASSERT(first == NULL || first->finished > 0);
    return first;
}

rv_sql_query *rv_sql_kept_make_room(rv_sql *sql) {
    RV_ASSERT(sql != NULL);
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        if (sql->queries[i].statement == NULL) {
            return &sql->queries[i];
        }
    }
    rv_sql_query *const place = oldest(sql);
    if (place != NULL) {
        end(place);
    }
    return place;
}

void rv_sql_kept_note(rv_sql_query *query, uint32_t memory) {
    RV_ASSERT(query->statement != NULL && query->open);
    query->text_len = strlen(sqlite3_sql(query->statement));
    query->memory = memory;
    query->growth = growth_of(query->sql, query);
}

static uint64_t memory_kept(const rv_sql *sql) {
    uint64_t memory = 0;
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        memory += is_kept(&sql->queries[i]) ? sql->queries[i].memory : 0;
    }
    return memory;
}

void rv_sql_kept_put(rv_sql_query *query) {
    rv_sql *const sql = query->sql;
    const uint64_t memory_max = sql->context.heap.end / RV_SQL_KEPT_PART;
    RV_ASSERT(query->statement != NULL && query->open);
    rv_sql_upkeep_end(&query->own_upkeep);
    if ((query->ended != RV_OK && query->ended != RV_END) || query->memory > memory_max ||
        query->mode != query->compiled) {
        end(query);
        return;
    }
    while (memory_kept(sql) + query->memory > memory_max) {
        end(oldest(sql));
    }
    give_reads(query);
    query->upkeep = NULL;
    rv_sql_upkeep_leave(query);
    (void)sqlite3_reset(query->statement); /* RV_OK: it may have been stopped, not have failed */
    (void)sqlite3_clear_bindings(query->statement);
    sql->finished++;
    query->open = false;
    query->sliced = false;
    query->finished = sql->finished;
}

bool rv_sql_kept_forget(rv_sql *sql) {
    bool some = false;
    RV_ASSERT(sql != NULL);
    for (size_t i = 0; i < RV_SQL_QUERIES_MAX; i++) {
        if (is_kept(&sql->queries[i])) {
            end(&sql->queries[i]);
            some = true;
        }
    }
    return some;
}
