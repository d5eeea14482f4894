/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a database: its memory is split into the node's part and, when that is open, SQL and
 * the scratch of the interface.
 *
 *     rv_db | node … | SQL | scratch
 */
#include "lib/db.h"

#include "core/base/assert.h"

#define KIB ((size_t)1024)
#define MIB ((size_t)1 << 20)

/* What SQL needs beside the memory that SQLite works in. */
#define SQL_SLACK (256 * KIB)

static size_t clamp(size_t value, size_t least, size_t most) {
    RV_ASSERT(least <= most);
    return value < least ? least : value > most ? most : value;
}

const char *rv_db_version(void) {
    return RV_VERSION_TEXT;
}

rv_status rv_db_create(rv_db **out, const rv_db_options *options, rv_error *err) {
    RV_ASSERT(out != NULL && options != NULL && options->memory != NULL);
    const size_t size = options->memory_size;
    const bool with_sql = rv_sql_present() && !options->without_sql;
    const size_t sql = with_sql ? rv_sql_memory_of(size) : 0;
    const size_t scratch = clamp(size / 16, 256 * KIB, 4 * MIB);
    const size_t others = sizeof(rv_db) + sql + (with_sql ? SQL_SLACK : 0) + scratch + 4 * KIB;
    *out = NULL;
    if (size < others + RV_MEMORY_MIN) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "%u KiB of memory are too few for a database: at least %u KiB are",
                            (uint64_t)(size / KIB), (uint64_t)((others + RV_MEMORY_MIN) / KIB + 1));
    }
    rv_arena arena = rv_arena_over(options->memory, size);
    rv_db *const db = rv_arena_take(&arena, sizeof *db);
    rv_arena part = rv_arena_split(&arena, (size - others) & ~(4 * KIB - 1));
    RV_ASSERT(db != NULL && part.cap >= RV_MEMORY_MIN - 4 * KIB);
    const rv_node_options node = {
        .host = options->host, .memory = part.ptr, .memory_size = part.cap, .role = RV_ROLE_STORED};
    const rv_status status = rv_node_create(&db->node, &node, err);
    if (status != RV_OK) {
        return status;
    }
    db->rest = arena;
    db->sql_memory = sql;
    db->sql_steps = options->query_steps_max;
    *out = db;
    return RV_OK;
}

/* SQL and scratch, over the open node. */
static rv_status open_rest(rv_db *db, rv_error *err) {
    RV_ASSERT(db->sql == NULL && db->scratch.ptr == NULL);
    rv_status status = RV_OK;
    if (db->sql_memory > 0) {
        rv_arena part = rv_arena_split(&db->rest, db->sql_memory + SQL_SLACK);
        const rv_sql_options options = {.schema = rv_node_schema(db->node),
                                        .state = rv_node_state(db->node),
                                        .node = db->node,
                                        .memory = db->sql_memory,
                                        .steps_max = db->sql_steps,
                                        .interrupts = &db->interrupts};
        status = rv_sql_create(&db->sql, &options, &part, err);
    }
    db->scratch = rv_arena_split(&db->rest, db->rest.cap - db->rest.len - 64);
    RV_ASSERT(status != RV_OK || db->scratch.ptr != NULL);
    return status;
}

bool rv_db_again(rv_db *db, rv_status status) {
    if (!db->waits || (status != RV_PENDING && status != RV_BUSY)) {
        return false;
    }
    /* A failure shows in the call that is made again. */
    const rv_status polled = rv_node_poll(db->node, NULL);
    return polled == RV_OK || rv_node_failed(db->node, NULL) != RV_OK;
}

rv_status rv_db_open(rv_db *db, rv_error *err) {
    RV_ASSERT(db != NULL && db->node != NULL);
    rv_error cause;
    rv_status status;
    do {
        status = rv_node_open(db->node, &cause);
    } while (rv_db_again(db, status));
    if (status == RV_OK || status == RV_DATA_DAMAGED || status == RV_PANICKED) {
        const rv_status rest = open_rest(db, err);
        if (rest != RV_OK) {
            return rest;
        }
    }
    if (status != RV_OK && status != RV_PENDING && err != NULL) {
        *err = cause;
    }
    return status;
}

rv_status rv_db_poll(rv_db *db, rv_error *err) {
    RV_ASSERT(db != NULL && db->node != NULL);
    return rv_node_poll(db->node, err);
}

rv_status rv_db_close(rv_db *db, rv_error *err) {
    RV_ASSERT(db != NULL && db->node != NULL);
    for (size_t i = 0; i < RV_DB_QUERIES_MAX; i += 1) {
        rv_db_query_close(&db->queries[i]);
    }
    for (size_t i = 0; i < RV_DB_LIVE_MAX; i += 1) {
        rv_db_live_close(&db->lives[i]);
    }
    for (size_t i = 0; i < RV_DB_FEEDS_MAX; i += 1) {
        rv_db_feed_close(&db->feeds[i]);
    }
    if (db->sql != NULL) {
        rv_sql_destroy(db->sql);
        db->sql = NULL;
    }
    rv_status status;
    do {
        status = rv_node_close(db->node, err);
    } while (rv_db_again(db, status));
    return status;
}

void rv_db_facts_of(const rv_db *db, rv_db_facts *facts) {
    RV_ASSERT(db != NULL && facts != NULL);
    rv_node *const node = db->node;
    const rv_state_usage usage = rv_state_usage_of(rv_node_state(node));
    *facts = (rv_db_facts){
        .root = rv_node_role(node) == RV_ROLE_ROOT,
        .read_only = rv_node_failed(node, NULL) != RV_OK,
        .position = rv_node_watermark(node),
        .position_durable = rv_node_watermark_durable(node),
        .sequence = rv_node_sequence(node),
        .sequence_durable = rv_node_sequence_durable(node),
        .schema_version = rv_schema_version(rv_node_schema(node)),
        .log_bytes = rv_log_bytes(rv_node_log(node)),
        .log_segments = rv_log_segment_count(rv_node_log(node)),
        .memory_rows = (uint64_t)usage.pages_total * RV_PAGE_SIZE,
        .memory_rows_used = (uint64_t)usage.pages_used * RV_PAGE_SIZE,
    };
}

rv_status rv_db_failed(const rv_db *db, rv_error *err) {
    RV_ASSERT(db != NULL);
    return rv_node_failed(db->node, err);
}

void rv_db_state_hash(rv_db *db, uint8_t *hash) {
    RV_ASSERT(db != NULL && hash != NULL);
    const rv_hash128 value = rv_node_state_hash(db->node);
    rv_store_u64(hash, value.low);
    rv_store_u64(hash + 8, value.high);
}
