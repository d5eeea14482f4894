/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References: every column that refers, and every foreign key of several columns, counts one at the
 * row that it names (rv_row_head.refs), so that a deletion knows without looking whether other rows
 * refer to it.
 *
 * A column that refers changes in one step, so its count moves with it, and a row that is not there
 * is refused at once. The columns of a foreign key change one by one, and between two of them it
 * names a row that nobody meant. So it is counted down before the row is changed and up after, and
 * judged when the whole event is folded. Rows come before all changes and go after them, so what
 * is found when counting down is what was found when counting up.
 */
#include "core/state/fold.h"

/* Of two values of a column that refers. */
static bool same_value(const rv_value *a, const rv_value *b) {
    if (a->class_ != b->class_) {
        return false;
    }
    switch (a->class_) {
    case RV_VALUE_NULL:
        return true;
    case RV_VALUE_INT:
        return a->as.integer == b->as.integer;
    default:
        RV_ASSERT(a->class_ == RV_VALUE_BYTES); /* floats are no keys */
        return rv_bytes_equal(a->as.bytes, b->as.bytes);
    }
}

static rv_status move_count(const rv_fold *f, const rv_table *table, uint32_t place, bool up) {
    RV_ASSERT(!f->due || up);
    return f->due ? rv_rows_refer_due(f->pages, table, place)
                  : rv_rows_refer(f->pages, table, place, up);
}

/* Counts a reference up or down, if the row that it names is held. */
static rv_status refer(rv_fold *f, const rv_fold_row *row, uint16_t column, const rv_value *value,
                       bool up) {
    const rv_column *const referring = &row->aggregate->columns[column];
    RV_ASSERT(referring->references != RV_NONE);
    const rv_aggregate *const target = rv_schema_aggregate(f->schema, referring->references);
    rv_fold_key found;
    const rv_status status = rv_fold_find(f, target, &referring->type, value, &found);
    if (status != RV_OK || rv_value_is_null(value)) {
        return status;
    }
    if (found.place == RV_SLOT_NONE) {
        return f->judge && up && rv_fold_complete(f, target)
                   ? rv_fold_refuse_reference(f, row->aggregate, column, value)
                   : RV_OK;
    }
    const rv_table *const table = rv_table_of(f->pages, target->number);
    RV_ASSERT(table != NULL);
    return move_count(f, table, found.place, up);
}

rv_status rv_fold_refer_instead(rv_fold *f, const rv_fold_row *row, uint16_t column,
                                const rv_value *value) {
    rv_value old;
    rv_status status = rv_row_get(f->pages, row->table, row->bytes, column, f->scratch, &old);
    if (status != RV_OK || same_value(&old, value)) {
        return status;
    }
    status = refer(f, row, column, value, true);
    return status == RV_OK ? refer(f, row, column, &old, false) : status;
}

rv_status rv_fold_refer_keys(rv_fold *f, const rv_fold_row *row) {
    const rv_aggregate *const aggregate = row->aggregate;
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < aggregate->key_count && status == RV_OK; i += 1) {
        const uint16_t column = aggregate->keys[i];
        RV_ASSERT(column < aggregate->column_count);
        if (aggregate->columns[column].references != RV_NONE) {
            rv_value key;
            status = rv_row_get(f->pages, row->table, row->bytes, column, f->scratch, &key);
            if (status == RV_OK) {
                status = refer(f, row, column, &key, true);
            }
        }
    }
    return status;
}

/* Looks for the row that a foreign key names; `found->null` when it names none. */
static rv_status find_foreign(rv_fold *f, const rv_fold_row *row, const rv_foreign_key *key,
                              rv_fold_parts *parts, rv_fold_key *found) {
    RV_ASSERT(key->column_count > 1 && key->column_count <= RV_INDEX_COLUMNS_MAX);
    for (uint16_t i = 0; i < key->column_count; i += 1) {
        const uint16_t column = key->columns[i];
        const rv_status status =
            rv_row_get(f->pages, row->table, row->bytes, column, f->scratch, &parts->values[i]);
        if (status != RV_OK) {
            return status;
        }
        parts->types[i] = &row->aggregate->columns[column].type;
    }
    return rv_fold_find_all(f, rv_schema_aggregate(f->schema, key->aggregate), parts, found);
}

rv_status rv_fold_refer_foreign(rv_fold *f, const rv_fold_row *row, bool up) {
    RV_ASSERT(row->aggregate->foreign_key_count <= UINT16_MAX);
    for (uint16_t i = 0; i < row->aggregate->foreign_key_count; i += 1) {
        const rv_foreign_key *const key = &row->aggregate->foreign_keys[i];
        rv_fold_parts parts;
        rv_fold_key found;
        rv_status status = find_foreign(f, row, key, &parts, &found);
        if (status == RV_OK && found.place != RV_SLOT_NONE) {
            const rv_table *const table = rv_table_of(f->pages, key->aggregate);
            RV_ASSERT(table != NULL);
            status = move_count(f, table, found.place, up);
        }
        if (status != RV_OK) {
            return status;
        }
    }
    return RV_OK;
}

rv_status rv_fold_judge_foreign(rv_fold *f, const rv_fold_row *row) {
    RV_ASSERT(f->judge);
    for (uint16_t i = 0; i < row->aggregate->foreign_key_count; i += 1) {
        const rv_foreign_key *const key = &row->aggregate->foreign_keys[i];
        rv_fold_parts parts;
        rv_fold_key found;
        const rv_status status = find_foreign(f, row, key, &parts, &found);
        if (status != RV_OK) {
            return status;
        }
        const rv_aggregate *const target = rv_schema_aggregate(f->schema, key->aggregate);
        if (!found.null && found.place == RV_SLOT_NONE && rv_fold_complete(f, target)) {
            return rv_fold_refuse_foreign(f, row->aggregate, key, &parts);
        }
    }
    return RV_OK;
}

rv_status rv_fold_refer_row(rv_fold *f, const rv_fold_row *row, bool up) {
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < row->aggregate->column_count && status == RV_OK; i += 1) {
        RV_ASSERT(i < row->table->column_count);
        if (row->aggregate->columns[i].references == RV_NONE) {
            continue;
        }
        rv_value value;
        status = rv_row_get(f->pages, row->table, row->bytes, i, f->scratch, &value);
        if (status == RV_OK) {
            status = refer(f, row, i, &value, up);
        }
    }
    return status == RV_OK ? rv_fold_refer_foreign(f, row, up) : status;
}

bool rv_fold_refers_to(const rv_aggregate *aggregate, const rv_aggregate *target) {
    bool refers = false;
    RV_ASSERT(aggregate->column_count <= RV_COLUMNS_MAX);
    for (uint16_t i = 0; i < aggregate->column_count && !refers; i += 1) {
        refers = aggregate->columns[i].references == target->number;
    }
    for (uint16_t i = 0; i < aggregate->foreign_key_count && !refers; i += 1) {
        refers = aggregate->foreign_keys[i].aggregate == target->number;
    }
    return refers;
}

bool rv_fold_knows_referring(const rv_fold *f, const rv_aggregate *target) {
    bool knows = true;
    RV_ASSERT(f->judge);
    const uint16_t count = f->held == NULL ? 0 : rv_schema_aggregate_count(f->schema);
    for (uint16_t i = 0; i < count; i += 1) {
        const rv_aggregate *const other = rv_schema_aggregate(f->schema, i);
        const bool partly = rv_fold_refers_to(other, target) && !rv_fold_complete(f, other);
        /* what is not shared and held is there; but there may be more */
        knows = knows && !(partly && other->shared);
    }
    return knows;
}
