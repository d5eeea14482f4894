/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noting what an event does to rows, while there are edges that select aggregates: each row that it
 * acts on is written as an item (base_items.h) before anything is changed and afterwards. Rows are
 * looked for once more for that; who has no such edges pays nothing. Aggregates that are given
 * (SEMANTICS 17) are not folded into: what becomes of their rows is noted where they are given.
 */
#include "core/state/base_items.h"
#include "core/state/changes.h"
#include "core/state/fold.h"

/* An item may have a quarter of what is left of scratch. */
#define SHARE 4u

static bool acts(const rv_fold *f, const rv_touch *touch) {
    const uint16_t a = touch->aggregate;
    const bool given = f->given != NULL && (f->given[a / 64u] >> (a % 64u) & 1u) != 0;
    return !given && (touch->kind != RV_TOUCH_REFERENCES || touch->acted_on);
}

rv_status rv_fold_row_item(const rv_fold *f, uint16_t aggregate, uint32_t place, rv_bytes *item) {
    const size_t mark = rv_arena_mark(f->scratch);
    const size_t room = (f->scratch->cap - mark) / SHARE;
    *item = (rv_bytes){NULL, 0};
    if (place == RV_SLOT_NONE) {
        return RV_OK;
    }
    uint8_t *const bytes = rv_arena_take_raw(f->scratch, room);
    if (bytes == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    rv_writer w = rv_writer_over(bytes, room);
    const size_t after = rv_arena_mark(f->scratch);
    const rv_status status =
        rv_base_row_write(f->pages, f->schema, aggregate, place, f->scratch, &w);
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

/* The row of a touch as an item. */
static rv_status item_of(const rv_fold *f, const rv_touch *touch, const rv_fold_key *key,
                         rv_bytes *item) {
    const rv_table *const table = rv_table_of(f->pages, touch->aggregate);
    const uint32_t place = key->fits && table != NULL
                               ? rv_rows_find(f->pages, table, rv_fold_key_values(key), key->hash)
                               : RV_SLOT_NONE;
    return rv_fold_row_item(f, touch->aggregate, place, item);
}

rv_status rv_fold_changes_before(rv_fold *f, const rv_fold_key *keys, rv_bytes *before) {
    rv_status status = RV_OK;
    RV_ASSERT(f->held == NULL && f->changes != NULL);
    for (uint16_t i = 0; i < f->type->touch_count && status == RV_OK; i += 1) {
        before[i] = (rv_bytes){NULL, 0};
        if (acts(f, &f->type->touches[i])) {
            status = item_of(f, &f->type->touches[i], &keys[i], &before[i]);
        }
    }
    return status;
}

rv_status rv_fold_changes_after(rv_fold *f, const rv_fold_key *keys, const rv_bytes *before) {
    rv_status status = RV_OK;
    RV_ASSERT(f->held == NULL && f->changes != NULL);
    for (uint16_t i = 0; i < f->type->touch_count && status == RV_OK; i += 1) {
        rv_bytes after;
        if (!acts(f, &f->type->touches[i])) {
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
