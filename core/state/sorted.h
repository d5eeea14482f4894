/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secondary indexes of an aggregate (UNIQUE and INDEX): a tree each (tree.h), whose entries are
 * the rows' places ordered by the index's columns (sorted_key.h).
 *
 * Who changes a row asks before and after, and only what differs is changed in the trees:
 *
 *     rv_sorted_before(pages, aggregate, place, indexes, &change);
 *     … columns of the row change …
 *     rv_sorted_after(pages, aggregate, place, &change);
 *
 * Invariant: outside of that, every row of the aggregate is in each of its trees once, under the
 * key of what its columns hold.
 */
#ifndef RV_STATE_SORTED_H
#define RV_STATE_SORTED_H

#include "core/state/sorted_key.h"

/* Keys as they were. A key that is cut was taken out at once: afterwards the row could not tell the
 * rest of it. */
typedef struct rv_sorted_change {
    uint32_t indexes;                   /* bits: which the change can concern */
    rv_sorted_key keys[RV_INDEXES_MAX]; /* of those */
} rv_sorted_change;

/* Takes note of a row that is about to change, in columns of the indexes that are set as bits in
 * `indexes`. RV_BATCH_TOO_LARGE: to be rolled back or discarded. */
RV_MUST_USE rv_status rv_sorted_before(rv_pages *pages, const rv_aggregate *aggregate,
                                       uint32_t place, uint32_t indexes, rv_sorted_change *change);

/* Moves the entries of the row whose keys have changed. RV_STATE_FULL, RV_BATCH_TOO_LARGE: to be
 * rolled back or discarded. */
RV_MUST_USE rv_status rv_sorted_after(rv_pages *pages, const rv_aggregate *aggregate,
                                      uint32_t place, const rv_sorted_change *change);

/* Adds a new row to all indexes. RV_STATE_FULL, RV_BATCH_TOO_LARGE: as above. */
RV_MUST_USE rv_status rv_sorted_add(rv_pages *pages, const rv_aggregate *aggregate, uint32_t place);

/* Takes a row out of all indexes, as long as it holds what it held. RV_BATCH_TOO_LARGE: as above.
 */
RV_MUST_USE rv_status rv_sorted_remove(rv_pages *pages, const rv_aggregate *aggregate,
                                       uint32_t place);

/* A column of the index in which the row holds more than an index can compare: an array of more
 * than RV_HEAP_SLOT_MAX bytes. RV_NONE: there is none. */
uint16_t rv_sorted_too_long(const rv_pages *pages, const rv_aggregate *aggregate, uint16_t index,
                            uint32_t place);

/* Another row with the same values in the index's columns, none of them NULL; 0: there is none. */
uint32_t rv_sorted_twin(const rv_pages *pages, const rv_aggregate *aggregate, uint16_t index,
                        uint32_t place);

/* A row, other than the one at `except`, that holds the values in the index's first `count`
 * columns; 0: there is none. */
uint32_t rv_sorted_holder(const rv_pages *pages, const rv_aggregate *aggregate, uint16_t index,
                          const rv_value *values, uint16_t count, uint32_t except);

#endif
