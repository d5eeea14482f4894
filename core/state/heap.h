/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap: values of variable length. A cell of 16 bytes stands in the row and holds up to 12
 * bytes itself. Longer values are in a slot of the smallest size class that takes them; those
 * longer than the largest class are cut into pieces of RV_HEAP_PIECE bytes, each in a slot that
 * begins with the place of the next.
 *
 *     cell:  | len u32 | 12 bytes |            len <= 12
 *            | len u32 | place u32 | unused |  len > 12
 *     slot:  | bytes … |                       len <= RV_HEAP_SLOT_MAX
 *            | next u32 | piece … |            longer: a chain
 */
#ifndef RV_STATE_HEAP_H
#define RV_STATE_HEAP_H

#include "core/state/root.h"

#define RV_HEAP_SLOT_MAX 4080u /* four in a page */
#define RV_HEAP_PIECE    4000u /* also the piece of docs/format/state-hash.md */

RV_STATIC_ASSERT(RV_HEAP_PIECE + 4 <= RV_HEAP_SLOT_MAX, "a piece fits a slot");

/* Gives the heap's lists, all zero in the root page, their sizes. Once, when the root is made. */
void rv_heap_init(rv_pages *pages);

/* The size class of a slot for `len` bytes (1 to RV_HEAP_SLOT_MAX), and the size of its slots. */
uint32_t rv_heap_class(uint32_t len);
uint32_t rv_heap_class_size(uint32_t size_class);

/* Makes `cell`, which is a copy of the one in the row, hold `value` instead; `value` may lie in the
 * heap, even in this cell's own slot. RV_STATE_FULL, RV_BATCH_TOO_LARGE: to be rolled back or
 * discarded. */
RV_MUST_USE rv_status rv_heap_set(rv_pages *pages, rv_cell *cell, rv_bytes value);

/* Gives back what the cell holds outside of itself; then it is empty. RV_BATCH_TOO_LARGE: as above.
 */
RV_MUST_USE rv_status rv_heap_clear(rv_pages *pages, rv_cell *cell);

/* The value of the cell, which is in a page. A chain is put together in `scratch`:
 * RV_MEMORY_EXHAUSTED when that is too small. */
RV_MUST_USE rv_status rv_heap_get(const rv_pages *pages, const rv_cell *cell, rv_arena *scratch,
                                  rv_bytes *value);

/* True when the value is in one run of bytes, which rv_heap_run gives. */
static inline bool rv_heap_is_run(const rv_cell *cell) {
    return cell->len <= RV_HEAP_SLOT_MAX;
}

rv_bytes rv_heap_run(const rv_pages *pages, const rv_cell *cell);

/* A chain piece by piece: `*place` starts as the cell's and ends as 0, `*left` starts as its
 * length. */
rv_bytes rv_heap_piece(const rv_pages *pages, uint32_t *place, uint32_t *left);

bool rv_heap_equals(const rv_pages *pages, const rv_cell *cell, rv_bytes value);

#endif
