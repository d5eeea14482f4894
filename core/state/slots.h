/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots of one size in pages of one owner: rows of an aggregate, values of a size class, foreign
 * overflowing buckets. A slot's place has 32 bits: the page's number, then ten bits of
 * slot.
 *
 *     page:  head (64) | slot 0 | slot 1 | … | slot_fresh: never used …
 *
 * A free slot begins with RV_SLOT_FREE, then 1 + the number of the next free one in the page; so
 * what uses slots must not begin with that word where somebody walks over them (rows begin with
 * their owner's number, which is never that). Pages with room are chained; a page that becomes
 * empty goes back to the pool.
 */
#ifndef RV_STATE_SLOTS_H
#define RV_STATE_SLOTS_H

#include "core/state/pages.h"

#define RV_SLOT_BITS     10u
#define RV_SLOT_FREE     UINT32_MAX
#define RV_SLOT_SIZE_MIN 16u
#define RV_SLOT_NONE     0u /* no place: page 0 is none */

RV_STATIC_ASSERT(RV_PAGE_ROOM / RV_SLOT_SIZE_MIN < (1u << RV_SLOT_BITS), "slots fit ten bits");
RV_STATIC_ASSERT(RV_PAGE_NUMBER_BITS + RV_SLOT_BITS <= 32, "a place has 32 bits");

/* Lies in a page; all zero but for `size` and `kind`, it is empty. */
typedef struct rv_slots {
    uint32_t first; /* pages, in order of their making */
    uint32_t last;
    uint32_t room; /* pages with a free slot */
    uint16_t size; /* of a slot: a multiple of 8 */
    uint8_t kind;  /* rv_page_kind */
    uint8_t spare;
    uint16_t tag; /* of the pages */
    uint16_t padding;
} rv_slots;

static inline uint32_t rv_slot_page(uint32_t place) {
    return place >> RV_SLOT_BITS;
}

static inline uint32_t rv_slot_number(uint32_t place) {
    return place & ((1u << RV_SLOT_BITS) - 1u);
}

static inline uint32_t rv_slot_place(uint32_t page, uint32_t number) {
    return (page << RV_SLOT_BITS) | number;
}

/* Where the slot begins in its page. */
static inline uint32_t rv_slot_offset(uint32_t place, uint32_t size) {
    return RV_PAGE_HEAD + rv_slot_number(place) * size;
}

static inline const uint8_t *rv_slots_read(const rv_pages *pages, uint32_t place, uint32_t size) {
    return rv_pages_read(pages, rv_slot_page(place)) + rv_slot_offset(place, size);
}

static inline uint8_t *rv_slots_write(rv_pages *pages, uint32_t place, uint32_t size) {
    return rv_pages_write(pages, rv_slot_page(place), rv_slot_offset(place, size), size);
}

/* A slot of the list at `at`, its bytes anything, to be written with rv_slots_write_new.
 * RV_STATE_FULL, RV_BATCH_TOO_LARGE: nothing has changed. */
RV_MUST_USE rv_status rv_slots_alloc(rv_pages *pages, rv_at at, uint32_t *place);

static inline uint8_t *rv_slots_write_new(rv_pages *pages, uint32_t place, uint32_t size) {
    return rv_pages_write_new(pages, rv_slot_page(place), rv_slot_offset(place, size));
}

/* Gives a slot back. RV_BATCH_TOO_LARGE: nothing has changed. */
RV_MUST_USE rv_status rv_slots_free(rv_pages *pages, rv_at at, uint32_t place);

/* The next used slot of a list whose slots begin with RV_SLOT_FREE only when free, in the order of
 * pages; RV_SLOT_NONE begins and ends. */
uint32_t rv_slots_next(const rv_pages *pages, rv_at at, uint32_t place);

#endif
