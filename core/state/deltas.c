/* SPDX-License-Identifier: Apache-2.0 */
/* What has become of rows: see deltas.h. */
#include "core/state/deltas.h"

#include "core/state/inside.h"

void rv_deltas_keep(rv_state *state, rv_deltas *deltas) {
    rv_snapshot_release(&state->pages, deltas->snapshot);
    const rv_status status = rv_snapshot_take(&state->pages, false, &deltas->snapshot);
    RV_ASSERT((status == RV_OK) == (deltas->snapshot.serial != 0));
}

void rv_deltas_drop(rv_state *state, rv_deltas *deltas) {
    rv_snapshot_release(&state->pages, deltas->snapshot);
    *deltas = (rv_deltas){0};
}

bool rv_deltas_begin(const rv_state *state, const rv_deltas *deltas, uint16_t aggregate,
                     rv_arena *scratch, rv_delta_walk *walk) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    if (!rv_snapshot_alive(&state->pages, deltas->snapshot)) {
        return false;
    }
    *walk = (rv_delta_walk){.state = state,
                            .scratch = scratch,
                            .aggregate = aggregate,
                            .before = rv_view_of(&state->pages, deltas->snapshot, aggregate),
                            .after = rv_view_of(&state->pages, (rv_snapshot){0}, aggregate),
                            .second = true};
    return rv_view_alike(&walk->before, &walk->after);
}

static const rv_view *view_of(const rv_delta_walk *walk) {
    return walk->second ? &walk->after : &walk->before;
}

static const rv_view *other_of(const rv_delta_walk *walk) {
    return walk->second ? &walk->before : &walk->after;
}

/* Goes to the next pass, or to the next page that was written to; false: there is none. */
static bool turn(rv_delta_walk *walk) {
    const rv_pages *const pages = walk->before.pages;
    walk->slot = 0;
    walk->second = !walk->second;
    if (!walk->second) {
        walk->page = rv_snapshot_changed(pages, walk->before.snapshot, walk->page + 1);
    }
    walk->slots = walk->page == 0 ? 0 : rv_view_slots(view_of(walk), walk->page);
    return walk->page != 0;
}

/* The row with the same key in the other state, NULL when there is none. It mostly is in the same
 * place. */
static rv_status counterpart(const rv_delta_walk *walk, uint32_t place, const uint8_t *row,
                             const uint8_t **found) {
    const rv_view *const view = view_of(walk);
    const rv_view *const other = other_of(walk);
    const size_t mark = rv_arena_mark(walk->scratch);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    uint32_t at = RV_SLOT_NONE;
    *found = NULL;
    rv_status status = rv_view_key(view, row, walk->scratch, key);
    RV_ASSERT(rv_slot_page(place) == walk->page);
    if (status == RV_OK) {
        status = rv_view_find(other, walk->state->hash_key, key, walk->scratch, &at);
    }
    if (status == RV_OK && at != RV_SLOT_NONE) {
        *found = rv_view_row(other, at);
        RV_ASSERT(*found != NULL);
    }
    rv_arena_reset(walk->scratch, mark);
    return status;
}

/* The row in the same place in the other state when it is the same byte for byte, but for its count
 * of references: without values in the heap, that is all that there is to say. */
static bool untouched(const rv_delta_walk *walk, uint32_t place, const uint8_t *row) {
    const rv_view *const other = other_of(walk);
    if (walk->slot >= rv_view_slots(other, walk->page)) {
        return false;
    }
    const uint8_t *const there = rv_view_row(other, place);
    const size_t skip = sizeof(rv_row_head);
    if (there == NULL || memcmp(row + skip, there + skip, other->table->row_size - skip) != 0) {
        return false;
    }
    /* the same bytes may lead to a value that was written over in its slot */
    return rv_view_same(view_of(walk), row, other, there);
}

rv_status rv_deltas_next(rv_delta_walk *walk, rv_delta *delta) {
    *delta = (rv_delta){0};
    for (;;) { /* each turn takes a slot, or a page of those that there are */
        if (walk->slot == walk->slots) {
            if (!turn(walk)) {
                return RV_END;
            }
            continue;
        }
        const uint32_t place = rv_slot_place(walk->page, walk->slot);
        const uint8_t *const row = rv_view_row(view_of(walk), place);
        const uint8_t *found = NULL;
        const bool same = row == NULL || untouched(walk, place, row);
        const rv_status status = same ? RV_OK : counterpart(walk, place, row, &found);
        walk->slot += 1;
        if (status != RV_OK) {
            return status;
        }
        if (same || (found != NULL &&
                     (walk->second || rv_view_same(&walk->before, row, &walk->after, found)))) {
            continue; /* in the second pass: told in the first */
        }
        *delta = walk->second ? (rv_delta){NULL, row} : (rv_delta){row, found};
        return RV_OK;
    }
}

static rv_status cell_of(const rv_view *view, const uint8_t *row, uint16_t column,
                         rv_arena *scratch, rv_value *value, bool *unknown) {
    RV_ASSERT(row != NULL && column < view->table->column_count);
    if (unknown != NULL) {
        *unknown = rv_row_is_unknown(view->table, row, column);
    }
    return rv_view_get(view, row, column, scratch, value);
}

rv_status rv_delta_before(const rv_delta_walk *walk, const rv_delta *delta, uint16_t column,
                          rv_arena *scratch, rv_value *value, bool *unknown) {
    return cell_of(&walk->before, delta->before, column, scratch, value, unknown);
}

rv_status rv_delta_after(const rv_delta_walk *walk, const rv_delta *delta, uint16_t column,
                         rv_arena *scratch, rv_value *value, bool *unknown) {
    return cell_of(&walk->after, delta->after, column, scratch, value, unknown);
}
