/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds of what becomes of rows: those of the core, whose condition is compiled for each call, so
 * that only its text is kept. */
#include "lib/db.h"

#include "core/base/assert.h"
#include "core/model/schema_filter.h"

#define COMPILED_SHARE 4u /* of scratch, for a condition */

RV_STATIC_ASSERT((int)RV_DB_CHANGE_RESET == (int)RV_ROW_RESET &&
                     (int)RV_DB_CHANGE_UPDATE == (int)RV_ROW_UPDATE &&
                     (int)RV_DB_CHANGE_STEP == (int)RV_ROW_STEP,
                 "kinds are the core's");

static rv_db_changes *free_changes(rv_db *db) {
    for (size_t i = 0; i < RV_DB_CHANGES_MAX; i += 1) {
        if (db->changes[i].db == NULL) {
            return &db->changes[i];
        }
    }
    return NULL;
}

static const rv_aggregate *aggregate_of(const rv_db_changes *changes) {
    return rv_schema_aggregate(rv_node_schema(changes->db->node), changes->feed.aggregate);
}

/* Empties scratch and compiles the condition into it; `*filter` NULL: there is none. */
static rv_status compile(rv_db_changes *changes, rv_expr *compiled, const rv_expr **filter,
                         rv_error *err) {
    rv_db *const db = changes->db;
    rv_arena_reset(&db->scratch, 0);
    *filter = changes->where_len == 0 ? NULL : compiled;
    if (changes->where_len == 0) {
        return RV_OK;
    }
    rv_arena arena = rv_arena_split(&db->scratch, db->scratch.cap / COMPILED_SHARE);
    return rv_schema_filter(rv_node_schema(db->node), aggregate_of(changes),
                            rv_bytes_of(changes->where, changes->where_len), &arena, &db->scratch,
                            compiled, err);
}

rv_status rv_db_changes_open(rv_db *db, uint16_t aggregate, rv_bytes where, bool rows,
                             rv_db_changes **out, rv_error *err) {
    RV_ASSERT(db != NULL && out != NULL);
    RV_ASSERT(aggregate < rv_schema_aggregate_count(rv_node_schema(db->node)));
    *out = NULL;
    if (where.len > RV_DB_CHANGES_TEXT_MAX) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "a condition has at most %u bytes, not %u",
                            (uint64_t)RV_DB_CHANGES_TEXT_MAX, (uint64_t)where.len);
    }
    rv_db_changes *const changes = free_changes(db);
    if (changes == NULL) {
        return rv_error_set(err, RV_BUSY, "at most %u feeds of changes are open at once; close one",
                            (uint64_t)RV_DB_CHANGES_MAX);
    }
    rv_expr compiled;
    const rv_expr *filter;
    db->moments.node = db->node;
    changes->db = db;
    changes->where_len = where.len;
    if (where.len > 0) {
        memcpy(changes->where, where.ptr, where.len);
    }
    rv_row_feed_open(&changes->feed, &db->moments, aggregate, rows);
    const rv_status status = compile(changes, &compiled, &filter, err);
    if (status != RV_OK) {
        changes->db = NULL;
        return status;
    }
    *out = changes;
    return RV_OK;
}

/* Looks once. RV_PENDING: what it found is nothing to tell, look again. */
static rv_status look_once(rv_db_changes *changes, rv_db_change *out, rv_error *err) {
    rv_expr compiled;
    const rv_expr *filter;
    rv_row_look look;
    const rv_row_change *change;
    if (!rv_row_feed_due(&changes->feed)) {
        return RV_END;
    }
    rv_status status = compile(changes, &compiled, &filter, err);
    if (status != RV_OK) {
        return status;
    }
    status = rv_row_feed_look(&changes->feed, filter, &changes->db->scratch, &look);
    status = status == RV_OK ? rv_row_look_next(&look, &change) : status;
    if (status == RV_MEMORY_EXHAUSTED) {
        return rv_error_set(err, status, "a row of %b is longer than the memory for one answer",
                            &aggregate_of(changes)->name);
    }
    if (status != RV_OK) {
        return status;
    }
    const bool untold = changes->feed.phase == RV_ROWS_UNTOLD;
    changes->values[0] = change->before;
    changes->values[1] = change->after;
    *out = (rv_db_change){
        .kind = (rv_db_change_kind)change->kind,
        .has_old = change->before != NULL,
        .has_row = change->after != NULL,
        .pending = change->pending,
        .position = change->position,
    };
    rv_row_look_take(&look);
    return untold ? RV_PENDING : RV_OK;
}

rv_status rv_db_changes_next(rv_db_changes *changes, rv_db_change *change, rv_error *err) {
    RV_ASSERT(changes != NULL && changes->db != NULL && change != NULL);
    rv_status status = RV_PENDING;
    while (status == RV_PENDING) { /* each turn passes over rows of those that there are */
        changes->values[0] = NULL;
        changes->values[1] = NULL;
        status = look_once(changes, change, err);
    }
    return status;
}

/* The row of the last change. */
static const rv_value *row_of(const rv_db_changes *changes, bool old) {
    RV_ASSERT(changes != NULL && changes->db != NULL);
    const rv_value *const values = changes->values[old ? 0 : 1];
    RV_ASSERT(values != NULL);
    return values;
}

rv_status rv_db_changes_datum(rv_db_changes *changes, bool old, uint16_t column, rv_datum *datum,
                              rv_error *err) {
    const rv_value *const values = row_of(changes, old);
    const rv_aggregate *const aggregate = aggregate_of(changes);
    RV_ASSERT(column < aggregate->column_count);
    return rv_db_datum_of(changes->db, &aggregate->columns[column].type, &values[column], datum,
                          err);
}

rv_status rv_db_changes_json(rv_db_changes *changes, bool old, rv_buffer *out) {
    const rv_value *const values = row_of(changes, old);
    const rv_aggregate *const aggregate = aggregate_of(changes);
    rv_writer w = rv_db_writer(out);
    RV_ASSERT(aggregate->column_count > 0);
    for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
        rv_write_u8(&w, i == 0 ? '{' : ',');
        rv_write_json_string(&w, aggregate->columns[i].name);
        rv_write_u8(&w, ':');
        rv_value_to_json(&aggregate->columns[i].type, &values[i], &w);
    }
    rv_write_u8(&w, '}');
    return rv_db_written(&w, out);
}

void rv_db_changes_close(rv_db_changes *changes) {
    if (changes != NULL && changes->db != NULL) {
        rv_row_feed_close(&changes->feed);
        changes->db = NULL;
    }
}
