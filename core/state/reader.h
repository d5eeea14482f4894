/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading many cells of an aggregate's rows while the state does not change: where the pages and
 * the table are, which rv_state_row_cell finds out again for every cell, is found out once.
 */
#ifndef RV_STATE_READER_H
#define RV_STATE_READER_H

#include "core/state/rows.h"
#include "core/state/state.h"

/* Valid until the next change of the state. */
typedef struct rv_reader {
    const rv_pages *pages;
    const rv_table *table; /* NULL: there are no rows */
} rv_reader;

rv_reader rv_reader_of(const rv_state *state, uint16_t aggregate);

/* The bytes of a row that is there, for rv_row_get and rv_row_is_null. */
static inline const uint8_t *rv_reader_row(const rv_reader *reader, rv_row row) {
    RV_ASSERT(reader->table != NULL && row <= UINT32_MAX);
    return rv_rows_read(reader->pages, reader->table, (uint32_t)row);
}

/* The row behind another one in the order of storage, if the slot right behind has it;
 * RV_ROW_NONE: rv_state_row_next knows. */
static inline rv_row rv_reader_next_near(const rv_reader *reader, rv_row row) {
    const uint32_t place = (uint32_t)row + 1;
    const rv_page_head *const head = rv_pages_head(reader->pages, rv_slot_page((uint32_t)row));
    if (rv_slot_number((uint32_t)row) + 1 >= head->slot_fresh) {
        return RV_ROW_NONE;
    }
    const uint8_t *const bytes = rv_rows_read(reader->pages, reader->table, place);
    return rv_row_head_of(bytes).owner == RV_SLOT_FREE ? RV_ROW_NONE : place;
}

#endif
