/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates, their columns and rows. */
#include "lib/db.h"

#include "core/base/assert.h"

static const rv_aggregate *declared(const rv_db *db, uint16_t number) {
    RV_ASSERT(number < rv_schema_aggregate_count(rv_node_schema(db->node)));
    return rv_schema_aggregate(rv_node_schema(db->node), number);
}

uint16_t rv_db_aggregate_count(const rv_db *db) {
    RV_ASSERT(db != NULL);
    return rv_schema_aggregate_count(rv_node_schema(db->node));
}

void rv_db_aggregate_at(const rv_db *db, uint16_t number, rv_db_aggregate *aggregate) {
    RV_ASSERT(db != NULL && aggregate != NULL);
    const rv_aggregate *const found = declared(db, number);
    *aggregate = (rv_db_aggregate){
        .name = found->name,
        .number = number,
        .column_count = found->column_count,
        .row_count = rv_state_row_count(rv_node_state(db->node), number),
        .shared = found->shared,
    };
}

rv_status rv_db_aggregate_named(const rv_db *db, rv_bytes name, rv_db_aggregate *aggregate,
                                rv_error *err) {
    RV_ASSERT(db != NULL && aggregate != NULL);
    const rv_aggregate *const found = rv_schema_aggregate_named(rv_node_schema(db->node), name);
    if (found == NULL) {
        return rv_error_set(err, RV_UNKNOWN_AGGREGATE, "there is no aggregate `%b`", &name);
    }
    rv_db_aggregate_at(db, found->number, aggregate);
    return RV_OK;
}

void rv_db_column_at(rv_db *db, uint16_t aggregate, uint16_t column, rv_db_column *out) {
    RV_ASSERT(db != NULL && out != NULL);
    const rv_aggregate *const owner = declared(db, aggregate);
    RV_ASSERT(column < owner->column_count);
    rv_arena_reset(&db->scratch, 0);
    rv_writer w = rv_writer_over(db->scratch.ptr, db->scratch.cap);
    rv_type_write(&owner->columns[column].type, &w);
    *out = (rv_db_column){
        .name = owner->columns[column].name,
        .type = rv_writer_bytes(&w),
        .not_null = owner->columns[column].not_null,
        .key = owner->columns[column].key,
    };
}

/* --- rows, of now or of then (past.c) --- */

static const rv_aggregate *owner_of(const rv_db_rows *of, uint16_t number) {
    RV_ASSERT(number < rv_schema_aggregate_count(of->schema));
    return rv_schema_aggregate(of->schema, number);
}

rv_status rv_db_rows_find(const rv_db_rows *of, uint16_t aggregate, const rv_bytes *key,
                          size_t key_count, rv_db_row *row, rv_error *err) {
    RV_ASSERT(row != NULL && (key != NULL || key_count == 0));
    const rv_aggregate *const owner = owner_of(of, aggregate);
    if (key_count != owner->key_count) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "the key of %b has %u columns, not %u",
                            &owner->name, (uint64_t)owner->key_count, (uint64_t)key_count);
    }
    rv_arena *const scratch = &of->db->scratch;
    rv_arena_reset(scratch, 0);
    rv_value values[RV_INDEX_COLUMNS_MAX];
    for (uint16_t i = 0; i < owner->key_count; i += 1) {
        const rv_column *const column = &owner->columns[owner->keys[i]];
        const rv_status status =
            rv_value_from_text(&column->type, key[i], column->name, scratch, &values[i], err);
        if (status != RV_OK) {
            return status;
        }
    }
    const rv_row place = rv_state_row_find(of->state, aggregate, values);
    if (place == RV_ROW_NONE) {
        return rv_error_set(err, RV_ROW_NOT_FOUND, "%b has no row with the key `%b`", &owner->name,
                            &key[0]);
    }
    *row = (rv_db_row){.aggregate = aggregate, .place = place};
    return RV_OK;
}

rv_status rv_db_rows_next(const rv_db_rows *of, rv_db_row *row) {
    RV_ASSERT(row != NULL && row->aggregate < rv_schema_aggregate_count(of->schema));
    row->place = rv_state_row_next(of->state, row->aggregate, row->place);
    return row->place == RV_ROW_NONE ? RV_END : RV_OK;
}

rv_status rv_db_rows_datum(const rv_db_rows *of, rv_db_row row, uint16_t column, rv_datum *datum,
                           rv_error *err) {
    RV_ASSERT(datum != NULL);
    const rv_aggregate *const owner = owner_of(of, row.aggregate);
    RV_ASSERT(column < owner->column_count);
    rv_arena_reset(&of->db->scratch, 0);
    rv_value value;
    const rv_status status = rv_state_row_cell(of->state, row.aggregate, row.place, column,
                                               &of->db->scratch, &value, NULL);
    if (status != RV_OK) {
        return rv_error_set(err, status, "`%b` of %b is longer than the memory for one value",
                            &owner->columns[column].name, &owner->name);
    }
    return rv_db_datum_of(of->db, &owner->columns[column].type, &value, datum, err);
}

rv_status rv_db_rows_json(const rv_db_rows *of, rv_db_row row, rv_buffer *out) {
    RV_ASSERT(out != NULL);
    const rv_aggregate *const owner = owner_of(of, row.aggregate);
    rv_writer w = rv_db_writer(out);
    for (uint16_t i = 0; i < owner->column_count; i += 1) {
        rv_value value;
        rv_arena_reset(&of->db->scratch, 0);
        const rv_status status = rv_state_row_cell(of->state, row.aggregate, row.place, i,
                                                   &of->db->scratch, &value, NULL);
        if (status != RV_OK) {
            return status;
        }
        rv_write_u8(&w, i == 0 ? '{' : ',');
        rv_write_json_string(&w, owner->columns[i].name);
        rv_write_u8(&w, ':');
        rv_value_to_json(&owner->columns[i].type, &value, &w);
    }
    rv_write_u8(&w, '}');
    return rv_db_written(&w, out);
}

/* --- of now --- */

static rv_db_rows now(rv_db *db) {
    RV_ASSERT(db != NULL);
    return (rv_db_rows){db, rv_node_schema(db->node), rv_node_state(db->node)};
}

rv_status rv_db_row_find(rv_db *db, uint16_t aggregate, const rv_bytes *key, size_t key_count,
                         rv_db_row *row, rv_error *err) {
    const rv_db_rows of = now(db);
    return rv_db_rows_find(&of, aggregate, key, key_count, row, err);
}

rv_db_row rv_db_row_start(uint16_t aggregate) {
    return (rv_db_row){.aggregate = aggregate, .place = RV_ROW_NONE};
}

rv_status rv_db_row_next(const rv_db *db, rv_db_row *row) {
    RV_ASSERT(db != NULL);
    const rv_db_rows of = {NULL, rv_node_schema(db->node), rv_node_state(db->node)};
    return rv_db_rows_next(&of, row);
}

rv_status rv_db_row_datum(rv_db *db, rv_db_row row, uint16_t column, rv_datum *datum,
                          rv_error *err) {
    const rv_db_rows of = now(db);
    return rv_db_rows_datum(&of, row, column, datum, err);
}

rv_status rv_db_row_json(rv_db *db, rv_db_row row, rv_buffer *out) {
    const rv_db_rows of = now(db);
    return rv_db_rows_json(&of, row, out);
}
