/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noting what an event does to rows, while there are edges that select aggregates: each row that it
 * acts on is written as an item (base_items.h) before anything is changed and afterwards. Rows are
 * looked for once more for that; who has no such edges pays nothing.
 */
#include "core/state/base_items.h"
#include "core/state/changes.h"
#include "core/state/fold.h"

/* An item may have a quarter of what is left of scratch. */
#define SHARE 4u

static bool acts(const rv_touch *touch) {
    return touch->kind != RV_TOUCH_REFERENCES || touch->acted_on;
}

/* The row of a touch as an item; empty when there is none, without bytes when it is too long. */
static rv_status item_of(rv_fold *f, const rv_touch *touch, const rv_fold_key *key,
                         rv_bytes *item) {
    *item = (rv_bytes){NULL, 0};
    const rv_table *const table = rv_table_of(f->pages, touch->aggregate);
    if (!key->fits || table == NULL) {
        return RV_OK;
    }
    const uint32_t place = rv_rows_find(f->pages, table, rv_fold_key_values(key), key->hash);
    if (place == RV_SLOT_NONE) {
        return RV_OK;
    }
    const size_t mark = rv_arena_mark(f->scratch);
    const size_t room = (f->scratch->cap - mark) / SHARE;
    uint8_t *const bytes = rv_arena_take_raw(f->scratch, room);
    if (bytes == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    rv_writer w = rv_writer_over(bytes, room);
    const size_t after = rv_arena_mark(f->scratch);
    const rv_status status =
        rv_base_row_write(f->pages, f->schema, touch->aggregate, place, f->scratch, &w);
    rv_arena_reset(f->scratch, after);
    if (status != RV_OK || w.full) {
        *item = (rv_bytes){NULL, 1};
        rv_arena_reset(f->scratch, mark);
        return RV_OK;
    }
    *item = rv_writer_bytes(&w);
    rv_arena_reset(f->scratch, after - room + w.len);
    return RV_OK;
}

rv_status rv_fold_changes_before(rv_fold *f, const rv_fold_key *keys, rv_bytes *before) {
    rv_status status = RV_OK;
    RV_ASSERT(f->judge && f->changes != NULL);
    for (uint16_t i = 0; i < f->type->touch_count && status == RV_OK; i += 1) {
        before[i] = (rv_bytes){NULL, 0};
        if (acts(&f->type->touches[i])) {
            status = item_of(f, &f->type->touches[i], &keys[i], &before[i]);
        }
    }
    return status;
}

rv_status rv_fold_changes_after(rv_fold *f, const rv_fold_key *keys, const rv_bytes *before) {
    rv_status status = RV_OK;
    RV_ASSERT(f->judge && f->changes != NULL);
    for (uint16_t i = 0; i < f->type->touch_count && status == RV_OK; i += 1) {
        rv_bytes after;
        if (!acts(&f->type->touches[i])) {
            continue;
        }
        const size_t mark = rv_arena_mark(f->scratch);
        status = item_of(f, &f->type->touches[i], &keys[i], &after);
        if (status == RV_OK && (after.len > 0 || before[i].len > 0)) {
            rv_changes_add(f->changes, f->event->position, before[i], after);
        }
        rv_arena_reset(f->scratch, mark);
    }
    return status;
}
