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

bool rv_deltas_known(const rv_state *state, const rv_deltas *deltas) {
    return rv_snapshot_alive(&state->pages, deltas->snapshot);
}

/* Begins at the place; false: the two are not laid out alike. */
static bool begin(rv_delta_walk *walk, const rv_view *before, const rv_view *after,
                  rv_delta_place place) {
    walk->before = *before;
    walk->after = *after;
    walk->place = place;
    if (place.page == 0) {
        walk->place.second = true; /* the next turn takes the first page */
    } else {
        walk->slots = rv_view_slots(place.second ? after : before, place.page);
    }
    RV_ASSERT(walk->place.slot <= walk->slots);
    return rv_view_alike(before, after);
}

bool rv_deltas_begin(const rv_state *state, const rv_deltas *deltas, uint16_t aggregate,
                     rv_arena *scratch, rv_delta_walk *walk) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    if (!rv_deltas_known(state, deltas)) {
        return false;
    }
    *walk = (rv_delta_walk){.state = state, .scratch = scratch, .aggregate = aggregate};
    const rv_view before = rv_view_of(&state->pages, deltas->snapshot, aggregate);
    const rv_view after = rv_view_of(&state->pages, (rv_snapshot){0}, aggregate);
    return begin(walk, &before, &after, (rv_delta_place){0});
}

bool rv_deltas_between(const rv_state *state, const rv_deltas *from, const rv_deltas *to,
                       uint16_t aggregate, rv_delta_place place, rv_arena *scratch,
                       rv_delta_walk *walk) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    if (!rv_deltas_known(state, to) || (from != NULL && !rv_deltas_known(state, from))) {
        return false;
    }
    *walk = (rv_delta_walk){.state = state, .scratch = scratch, .aggregate = aggregate};
    const rv_view nothing = {.pages = &state->pages, .end = RV_PAGE_FIRST};
    const rv_view before =
        from == NULL ? nothing : rv_view_of(&state->pages, from->snapshot, aggregate);
    const rv_view after = rv_view_of(&state->pages, to->snapshot, aggregate);
    return begin(walk, &before, &after, place);
}

static const rv_view *view_of(const rv_delta_walk *walk) {
    return walk->place.second ? &walk->after : &walk->before;
}

static const rv_view *other_of(const rv_delta_walk *walk) {
    return walk->place.second ? &walk->before : &walk->after;
}

/* The next page that may differ; 0: there is none. */
static uint32_t next_page(const rv_delta_walk *walk) {
    const uint32_t page = walk->place.page + 1;
    if (walk->before.snapshot.serial == 0) {
        return page < walk->after.end ? page : 0;
    }
    return rv_snapshot_changed(walk->before.pages, walk->before.snapshot, page, walk->after.end);
}

/* Goes to the next pass, or to the next page; false: there is none. */
static bool turn(rv_delta_walk *walk) {
    rv_delta_place *const place = &walk->place;
    place->slot = 0;
    place->second = !place->second;
    if (!place->second) {
        place->page = next_page(walk);
    }
    walk->slots = place->page == 0 ? 0 : rv_view_slots(view_of(walk), place->page);
    return place->page != 0;
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
    RV_ASSERT(rv_slot_page(place) == walk->place.page);
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
    if (walk->place.slot >= rv_view_slots(other, walk->place.page)) {
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
        if (walk->place.slot == walk->slots) {
            if (!turn(walk)) {
                return RV_END;
            }
            continue;
        }
        const uint32_t place = rv_slot_place(walk->place.page, walk->place.slot);
        const uint8_t *const row = rv_view_row(view_of(walk), place);
        const uint8_t *found = NULL;
        const bool same = row == NULL || untouched(walk, place, row);
        const rv_status status = same ? RV_OK : counterpart(walk, place, row, &found);
        walk->place.slot += 1;
        if (status != RV_OK) {
            return status;
        }
        if (same || (found != NULL && (walk->place.second ||
                                       rv_view_same(&walk->before, row, &walk->after, found)))) {
            continue; /* in the second pass: told in the first */
        }
        *delta = walk->place.second ? (rv_delta){NULL, row} : (rv_delta){row, found};
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
