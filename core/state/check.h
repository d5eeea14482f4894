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
 * The walk is made in steps, so that who has something else to do can do it in between: each of the
 * functions that answer rv_check_step goes on where it was, by what stands in rv_check.
 *
 *     check.c        pages, the pool, lists of slots, arrays of lines
 *     check_rows.c   indexes, streams, rows and their values
 *     check_trees.c  secondary indexes
 */
#ifndef RV_STATE_CHECK_H
#define RV_STATE_CHECK_H

#include "core/state/inside.h"
#include "core/state/tree_node.h"

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

/* What is gone over, one after the other. */
typedef enum rv_checking {
    RV_CHECKING_POOL,
    RV_CHECKING_LISTS,
    RV_CHECKING_TABLES,
    RV_CHECKING_STREAMS,
    RV_CHECKING_BASE,
    RV_CHECKING_PAGES,
    RV_CHECKING_OVER
} rv_checking;

typedef enum rv_check_step {
    RV_CHECK_WRONG,
    RV_CHECK_LATER, /* there is more to be done, when it is called again */
    RV_CHECK_DONE
} rv_check_step;

/* A list of slots, page by page. */
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

/* A secondary index. */
typedef struct rv_check_tree {
    uint32_t number; /* which of its aggregate, */
    uint32_t part;   /* and what of it is looked at */
    uint64_t balance;
    bool cut; /* some key is */
    uint32_t level;
    uint32_t root_level;
    uint32_t nodes[RV_TREE_DEPTH_MAX];
    uint32_t next[RV_TREE_DEPTH_MAX];
    uint32_t place; /* of a row */
    rv_tree_walk walk;
    rv_tree_cursor cursor;
    uint32_t left; /* entries behind it */
} rv_check_tree;

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
    int64_t work;      /* things that may still be looked at in this step */
    rv_checking stage;
    uint32_t at;    /* the list, or aggregate, that the stage has come to, */
    uint32_t part;  /* the part of it, */
    bool begun;     /* which was begun: */
    uint32_t nth;   /* the bucket, or stream, */
    uint64_t count; /* and the entries that were met */
    rv_check_list list;
    rv_check_tree tree;
} rv_check;

/* Takes so much of the step's work; false: there is none left. */
static inline bool rv_check_spend(rv_check *c, uint32_t work) {
    const bool left = c->work > 0;
    c->work -= left ? work : 0;
    return left;
}

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
rv_check_step rv_check_trees(rv_check *c, const rv_aggregate *aggregate, const rv_table *table);

/* --- check_rows.c --- */

rv_check_step rv_check_streams(rv_check *c);
bool rv_check_base(rv_check *c);
rv_check_step rv_check_table(rv_check *c, uint16_t aggregate);

#endif
