/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are these pages a state? For a checkpoint, whose bytes are a stranger's: what passes can be used
 * by everything else on this floor without an assertion failing.
 *
 * It is one walk over pages in order, and needs no memory. That everything is used exactly once
 * (every page by one owner, every slot of the heap by one cell, every row by one entry of its
 * index, with its key's hash) is told by a balance: whoever uses a thing adds a keyed hash of it,
 * and the thing itself subtracts it; in the end the balance is 0. As nobody can know the key (the
 * node's entropy) beforehand, a wrong set of bytes has a chance of about 2^-60. What is used to
 * find something on the way is checked before it is followed.
 *
 *     check.c        pages, the pool, lists of slots, arrays of lines
 *     check_rows.c   indexes, streams, rows and their values
 *     check_trees.c  secondary indexes
 */
#ifndef RV_STATE_CHECK_H
#define RV_STATE_CHECK_H

#include "core/state/inside.h"
#include "core/state/tree.h"

/* Whose slots they are; of heap slots: the size class. */
typedef enum rv_check_owner {
    RV_CHECK_OVERFLOW = RV_HEAP_CLASSES,
    RV_CHECK_TREES,
    RV_CHECK_ROWS /* and the aggregate's number */
} rv_check_owner;

/* Which index an entry is in. */
typedef enum rv_check_index {
    RV_CHECK_STREAM_INDEX,
    RV_CHECK_ROW_INDEX /* and the aggregate's number */
} rv_check_index;

/* What is put into the balance; others cannot be taken for it. */
typedef enum rv_check_kind {
    RV_CHECK_PAGE = 1, /* page */
    RV_CHECK_ROOM,     /* page, of a list's pages with room */
    RV_CHECK_SLOT,     /* owner, place */
    RV_CHECK_ENTRY,    /* index, hash and place */
    RV_CHECK_TREE      /* aggregate, place; of a balance of its own */
} rv_check_kind;

typedef struct rv_check {
    const rv_pages *pages;
    const rv_schema *schema;
    uint64_t hash_key;
    uint64_t last_sequence; /* of the log at the checkpoint */
    uint64_t salt;
    uint64_t balance;
    uint32_t end;        /* pages have numbers below it */
    uint32_t steps_left; /* over chains that are followed, all together */
    uint64_t nodes_left; /* nodes of trees that were not visited */
    rv_arena *scratch;
    const char *wrong; /* the first thing that is */
} rv_check;

/* Notes what is wrong; false, for the caller to return. */
bool rv_check_fail(rv_check *c, const char *what);

/* A keyed hash of a thing: `which` has 16 bits. */
static inline uint64_t rv_check_mix(const rv_check *c, rv_check_kind kind, uint32_t which,
                                    uint64_t thing) {
    uint64_t x = (thing ^ c->salt) + ((uint64_t)kind << 16 | which) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53) + c->salt;
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static inline void rv_check_use(rv_check *c, rv_check_kind kind, uint32_t which, uint64_t thing) {
    c->balance += rv_check_mix(c, kind, which, thing);
}

static inline void rv_check_meet(rv_check *c, rv_check_kind kind, uint32_t which, uint64_t thing) {
    c->balance -= rv_check_mix(c, kind, which, thing);
}

static inline bool rv_check_page_is(const rv_check *c, uint32_t page, rv_page_kind kind) {
    return page >= RV_PAGE_FIRST && page < c->end && rv_pages_head(c->pages, page)->kind == kind;
}

/* True when a place is one of a slot of this size in a page of this kind, so that it can be read.
 */
static inline bool rv_check_place_is(const rv_check *c, uint32_t place, rv_page_kind kind,
                                     uint32_t size) {
    const uint32_t page = rv_slot_page(place);
    return rv_check_page_is(c, page, kind) && rv_pages_head(c->pages, page)->slot_size == size &&
           rv_slot_number(place) < RV_PAGE_ROOM / size;
}

/* --- a list of slots, page by page --- */

typedef struct rv_check_list {
    const rv_slots *slots;
    uint32_t owner;
    uint32_t page; /* 0: at the end */
    uint32_t previous;
    uint32_t page_count;
    uint64_t slot_count;
    uint16_t fresh;                           /* slots of the page that were ever used; */
    uint64_t used[(1u << RV_SLOT_BITS) / 64]; /* and bits of those that are */
} rv_check_list;

/* Begins with the list's first page: false when something is wrong. `list->page` is 0 when there is
 * none. Next goes on. What is used of the slots is met. */
bool rv_check_list_begin(rv_check *c, rv_check_list *list, const rv_slots *slots, uint32_t owner);
bool rv_check_list_next(rv_check *c, rv_check_list *list);

static inline bool rv_check_list_uses(const rv_check_list *list, uint32_t slot) {
    return (list->used[slot / 64] >> (slot % 64) & 1u) != 0;
}

/* --- an array of lines --- */

/* Its directories and pages. */
bool rv_check_lines(rv_check *c, const rv_lines *lines, rv_page_kind kind);

/* --- check_trees.c --- */

/* The secondary indexes of an aggregate, whose rows have been checked. */
bool rv_check_trees(rv_check *c, const rv_aggregate *aggregate, const rv_table *table);

/* --- check_rows.c --- */

bool rv_check_index_of(rv_check *c, const rv_index *index, uint32_t which);
bool rv_check_streams(rv_check *c);
bool rv_check_base(rv_check *c);
bool rv_check_table(rv_check *c, uint16_t aggregate);

#endif
