/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of an aggregate as the pages show them now, or as a snapshot shows them. The floor's other
 * files read live pages by address, since that is where every fold spends its time; a snapshot's
 * pages are looked up one by one, which is why they have readers of their own here.
 *
 * A view is valid until the next change of the state.
 */
#ifndef RV_STATE_VIEW_H
#define RV_STATE_VIEW_H

#include "core/state/rows.h"

typedef struct rv_view {
    const rv_pages *pages;
    rv_snapshot snapshot;  /* none: the pages as they are */
    uint32_t end;          /* pages have numbers below this */
    const rv_table *table; /* NULL before the first row */
} rv_view;

/* The rows of an aggregate in the snapshot, which is alive, or none: now. */
rv_view rv_view_of(const rv_pages *pages, rv_snapshot snapshot, uint16_t aggregate);

/* A page with rows of the aggregate. */
typedef struct rv_view_page {
    const uint8_t *bytes;
    uint32_t slots; /* that may hold rows; 0: it is none of the aggregate's */
} rv_view_page;

rv_view_page rv_view_page_of(const rv_view *view, uint32_t page);

/* The row in a slot of the page; NULL: none is there. */
static inline const uint8_t *rv_view_row(const rv_view *view, const rv_view_page *page,
                                         uint32_t slot) {
    if (slot >= page->slots) {
        return NULL;
    }
    const uint8_t *const row = page->bytes + RV_PAGE_HEAD + slot * view->table->row_size;
    return rv_row_head_of(row).owner == RV_SLOT_FREE ? NULL : row;
}

/* A cell of a row. Bytes lie in the view, or, when they are spread over pages, in `scratch`:
 * RV_MEMORY_EXHAUSTED when that is too small. */
RV_MUST_USE rv_status rv_view_get(const rv_view *view, const uint8_t *row, uint16_t column,
                                  rv_arena *scratch, rv_value *value);

/* The key of a row: a value for each of its columns. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_view_key(const rv_view *view, const uint8_t *row, rv_arena *scratch,
                                  rv_value *key);

/* The row with this key; NULL: there is none. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_view_find(const rv_view *view, uint64_t hash_key, const rv_value *key,
                                   rv_arena *scratch, const uint8_t **row);

/* True when both rows, of tables that are laid out alike, say the same. Who owns them and what
 * refers to them does not count. */
bool rv_view_same(const rv_view *a, const uint8_t *row_a, const rv_view *b, const uint8_t *row_b);

/* The same of rows of which all bytes but those are the same: these may lead to values that were
 * written over where they lay. */
bool rv_view_same_values(const rv_view *a, const uint8_t *row_a, const rv_view *b,
                         const uint8_t *row_b);

/* True when the tables of both are laid out alike, or one has none. */
bool rv_view_alike(const rv_view *a, const rv_view *b);

#endif
