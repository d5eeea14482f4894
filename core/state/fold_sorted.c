/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event means for secondary indexes. Rows that the event creates go into their indexes when
 * all actions are done, with what they then hold; others leave their old place and take the new one
 * around the actions of each touch, if what is indexed differs. UNIQUE is judged at the very end,
 * so that one event can move a value from one row to another.
 */
#include "core/state/fold.h"

/* True when the event created the row. */
static bool is_made(const rv_fold *f, uint32_t place) {
    bool made = false;
    RV_ASSERT(place != RV_SLOT_NONE);
    for (uint16_t i = 0; i < f->type->touch_count && !made; i += 1) {
        made = f->made[i] && f->rows[i] == place;
    }
    return made;
}

rv_status rv_fold_actions_sorted(rv_fold *f, rv_fold_row *row, const rv_action **at) {
    const uint16_t nth = (*at)->touch;
    const uint32_t place = f->rows[nth];
    const uint32_t indexes = f->type->touches[nth].indexes;
    RV_ASSERT(indexes != 0);
    if (is_made(f, place)) {
        return rv_fold_actions(f, row, at);
    }
    rv_sorted_change change;
    rv_status status = rv_sorted_before(f->pages, row->aggregate, place, indexes, &change);
    if (status == RV_OK) {
        status = rv_fold_actions(f, row, at);
    }
    return status == RV_OK ? rv_sorted_after(f->pages, row->aggregate, place, &change) : status;
}

rv_status rv_fold_sort_made(rv_fold *f) {
    rv_status status = RV_OK;
    RV_ASSERT(f->made_any);
    for (uint16_t i = 0; i < f->type->touch_count && status == RV_OK; i += 1) {
        if (f->made[i]) {
            const uint16_t number = f->type->touches[i].aggregate;
            status = rv_sorted_add(f->pages, rv_schema_aggregate(f->schema, number), f->rows[i]);
        }
    }
    return status;
}

/* One index of one row. */
static rv_status judge_index(rv_fold *f, const rv_fold_row *row, uint32_t place, uint16_t index) {
    const rv_aggregate *const aggregate = row->aggregate;
    RV_ASSERT(index < aggregate->index_count);
    const uint16_t column = rv_sorted_too_long(f->pages, aggregate, index, place);
    if (column != RV_NONE) {
        rv_error_set(f->err, RV_VALUE_TOO_LONG,
                     "`%b` of `%b` is in an index, where an array takes at most %u bytes",
                     &aggregate->columns[column].name, &aggregate->name,
                     (uint64_t)RV_HEAP_SLOT_MAX);
        return rv_fold_refuse_cell(f, RV_VALUE_TOO_LONG, row, column);
    }
    if (!aggregate->indexes[index].unique) {
        return RV_OK;
    }
    (void)rv_fold_complete(f, aggregate); /* a twin may be elsewhere */
    const uint32_t twin = rv_sorted_twin(f->pages, aggregate, index, place);
    return twin == RV_SLOT_NONE || !rv_fold_whole(f, aggregate)
               ? RV_OK
               : rv_fold_refuse_twin(f, row, index, twin);
}

/* The indexes of one row that the event can have changed. */
static rv_status judge_indexes(rv_fold *f, const rv_aggregate *aggregate, uint32_t place,
                               uint32_t indexes) {
    const rv_table *const table = rv_table_of(f->pages, aggregate->number);
    RV_ASSERT(table != NULL);
    const uint8_t *const bytes = rv_rows_read(f->pages, table, place);
    const rv_fold_row row = {aggregate, table, (uint8_t *)bytes};
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < aggregate->index_count && status == RV_OK; i += 1) {
        if ((indexes >> i & 1u) != 0) {
            status = judge_index(f, &row, place, i);
        }
    }
    return status;
}

rv_status rv_fold_judge_unique(rv_fold *f) {
    RV_ASSERT(f->judge);
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < f->type->touch_count && status == RV_OK; i += 1) {
        const rv_touch *const touch = &f->type->touches[i];
        if (touch->indexes != 0 && f->rows[i] != RV_SLOT_NONE) {
            const rv_aggregate *const aggregate = rv_schema_aggregate(f->schema, touch->aggregate);
            status = judge_indexes(f, aggregate, f->rows[i], touch->indexes);
        }
    }
    return status;
}
