/* SPDX-License-Identifier: Apache-2.0 */
/* What has become of rows: see deltas.h. */
#include "core/state/deltas.h"

#include "core/state/inside.h"

#define PASSED 16u /* slots that are compared at once */

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

static void look_at_page(rv_delta_walk *walk) {
    walk->pages[0] = rv_view_page_of(&walk->before, walk->place.page);
    walk->pages[1] = rv_view_page_of(&walk->after, walk->place.page);
}

static bool is_plain(const rv_view *view) {
    bool plain = view->table != NULL;
    for (uint16_t i = 0; plain && i < view->table->column_count; i += 1) {
        plain = view->table->cells[i].form < RV_CELL_BYTES;
    }
    return plain;
}

/* Begins at the place; false: the two are not laid out alike. */
static bool begin(rv_delta_walk *walk, const rv_view *before, const rv_view *after,
                  rv_delta_place place) {
    walk->before = *before;
    walk->after = *after;
    walk->place = place;
    walk->plain = is_plain(before) && is_plain(after);
    if (place.page == 0) {
        walk->place.second = true; /* the next turn takes the first page */
    } else {
        look_at_page(walk);
    }
    RV_ASSERT(place.slot <= walk->pages[place.second ? 1 : 0].slots);
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

/* The state that this pass goes through: 0, what was; 1, what is. */
static unsigned side_of(const rv_delta_walk *walk) {
    return walk->place.second ? 1 : 0;
}

static const rv_view *view_of(const rv_delta_walk *walk, unsigned side) {
    return side == 0 ? &walk->before : &walk->after;
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
        if (place->page != 0) {
            look_at_page(walk);
        }
    }
    return place->page != 0;
}

/* The row with the same key in the other state, NULL when there is none. */
static rv_status counterpart(const rv_delta_walk *walk, const uint8_t *row, const uint8_t **found) {
    const unsigned side = side_of(walk);
    const size_t mark = rv_arena_mark(walk->scratch);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    *found = NULL;
    rv_status status = rv_view_key(view_of(walk, side), row, walk->scratch, key);
    if (status == RV_OK) {
        status =
            rv_view_find(view_of(walk, 1 - side), walk->state->hash_key, key, walk->scratch, found);
    }
    rv_arena_reset(walk->scratch, mark);
    return status;
}

/* The row is in the same place in the other state, and says the same. */
static bool is_same_there(const rv_delta_walk *walk, const uint8_t *row) {
    const unsigned side = side_of(walk);
    const rv_view *const other = view_of(walk, 1 - side);
    const uint8_t *const there = rv_view_row(other, &walk->pages[1 - side], walk->place.slot);
    const size_t head = sizeof(rv_row_head);
    return there != NULL && memcmp(row + head, there + head, other->table->row_size - head) == 0 &&
           rv_view_same_values(view_of(walk, side), row, other, there);
}

/* Passes over slots that are the same in both states, many at once: of a page that was written to
 * few are others. */
static void pass(rv_delta_walk *walk) {
    const rv_view_page *const pages = walk->pages;
    const uint32_t slots = pages[0].slots < pages[1].slots ? pages[0].slots : pages[1].slots;
    const size_t size = walk->plain ? walk->before.table->row_size : 0;
    uint32_t slot = walk->place.slot;
    bool same = walk->plain && slot % PASSED == 0;
    while (same && slot + PASSED <= slots) {
        const size_t at = RV_PAGE_HEAD + slot * size;
        same = memcmp(pages[0].bytes + at, pages[1].bytes + at, PASSED * size) == 0;
        slot += same ? PASSED : 0;
    }
    walk->place.slot = slot;
}

rv_status rv_deltas_next(rv_delta_walk *walk, rv_delta *delta) {
    *delta = (rv_delta){0};
    for (;;) { /* each turn takes a slot, or a page of those that there are */
        const unsigned side = side_of(walk);
        if (walk->place.page == 0 || walk->place.slot == walk->pages[side].slots) {
            if (!turn(walk)) {
                return RV_END;
            }
            continue;
        }
        pass(walk);
        if (walk->place.slot == walk->pages[side].slots) {
            continue;
        }
        const uint8_t *const row =
            rv_view_row(view_of(walk, side), &walk->pages[side], walk->place.slot);
        const uint8_t *found = NULL;
        const bool same = row == NULL || is_same_there(walk, row);
        const rv_status status = same ? RV_OK : counterpart(walk, row, &found);
        walk->place.slot += 1;
        if (status != RV_OK) {
            return status;
        }
        if (same || (found != NULL &&
                     (side == 1 ||
                      (!walk->moved && rv_view_same(&walk->before, row, &walk->after, found))))) {
            continue; /* in the second pass: told in the first */
        }
        *delta = side == 1 ? (rv_delta){NULL, row} : (rv_delta){row, found};
        return RV_OK;
    }
}

rv_row rv_delta_row_before(const rv_delta_walk *walk, const rv_delta *delta) {
    RV_ASSERT(delta->before == NULL || (!walk->place.second && walk->place.slot > 0));
    return delta->before == NULL ? RV_ROW_NONE
                                 : rv_slot_place(walk->place.page, walk->place.slot - 1);
}

rv_row rv_delta_row_after(const rv_delta_walk *walk, const rv_delta *delta) {
    const rv_pages *const pages = walk->after.pages;
    RV_ASSERT(walk->after.snapshot.serial == 0);
    if (delta->after == NULL) {
        return RV_ROW_NONE;
    }
    const size_t at = (size_t)(delta->after - pages->memory);
    const uint32_t page = (uint32_t)(at / RV_PAGE_SIZE) + 1;
    const uint32_t in_page = (uint32_t)(at % RV_PAGE_SIZE) - RV_PAGE_HEAD;
    RV_ASSERT(page <= pages->total && in_page % walk->after.table->row_size == 0);
    return rv_slot_place(page, in_page / walk->after.table->row_size);
}

void rv_deltas_go(rv_delta_walk *walk, rv_delta_place place) {
    const bool other = walk->place.page != place.page;
    walk->place = place;
    if (other && place.page != 0) {
        look_at_page(walk);
    }
    RV_ASSERT(place.page == 0 || place.slot <= walk->pages[place.second ? 1 : 0].slots);
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
