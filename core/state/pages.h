/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page pool: one run of memory in pages of RV_PAGE_SIZE, named by number from 1 (0 is none).
 * All that changes in the state lies in pages, the pool's own counters and free list too (in page
 * 1), so that one mechanism can undo it, and a copy of the pages is a copy of the state.
 *
 * Invariants
 * - rv_pages_read and rv_pages_write are the only ways to a page's bytes.
 * - rv_pages_write touches the page (the first time since a snapshot was taken, that keeps a copy
 *   for it: snapshots.h) and, in a transaction, notes the bytes first. What was allocated in place
 *   of nothing (a new page, a new slot) is written through rv_pages_write_new, which notes nothing:
 *   after a rollback nobody looks at it.
 * - For that, whoever frees a slot in a transaction notes its whole content (slots.h), and a page
 *   freed in a transaction waits in limbo until commit before it can be used again.
 * - `marks` and `sums` are a cache beside the pages, never undone: `sums[p]` is what page p counts
 *   for in the total of the state hash, and is right whenever `marks[p]` lacks RV_MARK_DIRTY.
 *   Rollback touches pages too.
 */
#ifndef RV_STATE_PAGES_H
#define RV_STATE_PAGES_H

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/state/journal.h"
#include "core/state/snapshots.h"
#include "rivulet/status.h"

typedef enum rv_page_kind {
    RV_PAGE_FREE,
    RV_PAGE_ROOT,      /* page 1: root.h */
    RV_PAGE_TABLE,     /* counters and layout of an aggregate: rows.h */
    RV_PAGE_ROWS,      /* slots of rows */
    RV_PAGE_HEAP,      /* slots of values, overflowing buckets */
    RV_PAGE_DIRECTORY, /* numbers of the pages of an array: lines.h */
    RV_PAGE_BUCKETS,   /* lines of an index */
    RV_PAGE_STREAMS,   /* lines of stream heads */
    RV_PAGE_TREE       /* slots of tree nodes: tree.h */
} rv_page_kind;

/* What every page begins with. Which members count depends on the kind. */
typedef struct rv_page_head {
    uint8_t kind;
    uint8_t spare;
    uint16_t tag;  /* rows: the aggregate */
    uint32_t next; /* of the same owner; of a free page: the next free one */
    uint32_t prev;
    uint32_t room_next; /* slots: pages of the same owner that have a free slot */
    uint32_t room_prev;
    uint32_t first;      /* lines: the number of the first in this page */
    uint16_t slot_size;  /* slots: bytes of each */
    uint16_t slot_count; /* how many there are */
    uint16_t slot_fresh; /* from this one on they were never used */
    uint16_t slot_used;
    uint16_t slot_free; /* 1 + the first of the free ones below slot_fresh; 0 is none */
    uint16_t padding[15];
} rv_page_head;

#define RV_PAGE_HEAD        64u
#define RV_PAGE_ROOM        (RV_PAGE_SIZE - RV_PAGE_HEAD)
#define RV_PAGE_NUMBER_BITS 22u /* 64 GiB; with 10 bits of slot a place has 32 (slots.h) */
#define RV_PAGES_MAX        ((1u << RV_PAGE_NUMBER_BITS) - 1u)
#define RV_PAGE_FIRST       1u /* the root page */

RV_STATIC_ASSERT(sizeof(rv_page_head) == RV_PAGE_HEAD, "heads keep slots on cache lines");
RV_STATIC_ASSERT(RV_PAGE_SIZE <= UINT16_MAX + 1u, "offsets in pages have 16 bits");

/* The pool's counters: in the root page, right after its head. */
typedef struct rv_pool {
    uint32_t fresh; /* pages from this number on were never used */
    uint32_t free;  /* first of the free ones below */
    uint32_t limbo; /* freed in this transaction */
    uint32_t used;  /* limbo counts */
} rv_pool;

/* What is marked of a page. With all marks there is nothing to do before the next write. */
#define RV_MARK_DIRTY   1u /* its sum is out of date */
#define RV_MARK_TOUCHED 2u /* no snapshot needs what it now holds */
#define RV_MARK_CHANGED 4u /* revisions.h has not looked at it since */
#define RV_MARK_ALL     (RV_MARK_DIRTY | RV_MARK_TOUCHED | RV_MARK_CHANGED)

struct rv_pages {
    uint8_t *memory; /* page p is at (p - 1) * RV_PAGE_SIZE */
    uint8_t *marks;  /* by page */
    bool changed;    /* some page is marked RV_MARK_CHANGED */
    rv_hash128 *sums;
    uint32_t total; /* pages have numbers 1 to total */
    rv_journal journal;
    bool overlay; /* the transaction is one that others go on within */
    rv_snapshots snapshots;
};

/* A place where a structure lies in a page. */
typedef struct rv_at {
    uint32_t page;
    uint32_t offset;
} rv_at;

/* Room in the journal that every operation asks for, beside what it says itself: the notes of pool,
 * lists and heads, of which no operation makes more than twelve. */
#define RV_JOURNAL_STEP 1024u

/* Takes memory for pages (with what is kept beside them) and journal, and makes the root page, all
 * zero but for the pool. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_pages_create(rv_pages *pages, size_t page_memory, size_t journal_memory,
                                      rv_arena *arena);

/* Makes them what rv_pages_create does. Not in a transaction, without snapshots. */
void rv_pages_reset(rv_pages *pages);

static inline const uint8_t *rv_pages_read(const rv_pages *pages, uint32_t page) {
    RV_ASSERT(page - 1 < pages->total);
    return pages->memory + (size_t)(page - 1) * RV_PAGE_SIZE;
}

/* The first write to a page since a snapshot was taken, its sum was made or it was looked at. */
void rv_pages_touch_first(rv_pages *pages, uint32_t page);

static inline void rv_pages_touch(rv_pages *pages, uint32_t page) {
    RV_ASSERT(page - 1 < pages->total);
    if (__builtin_expect(pages->marks[page] != RV_MARK_ALL, 0)) {
        rv_pages_touch_first(pages, page);
    }
}

/* `len` bytes at `offset`, to be written at once. The journal has room for them. */
static inline uint8_t *rv_pages_write(rv_pages *pages, uint32_t page, uint32_t offset,
                                      uint32_t len) {
    rv_pages_touch(pages, page);
    uint8_t *const bytes = pages->memory + (size_t)(page - 1) * RV_PAGE_SIZE + offset;
    if (pages->journal.active) {
        rv_journal_note(&pages->journal, page, offset, bytes, len);
    }
    return bytes;
}

/* The same for bytes that nobody looks at after a rollback. */
static inline uint8_t *rv_pages_write_new(rv_pages *pages, uint32_t page, uint32_t offset) {
    rv_pages_touch(pages, page);
    return pages->memory + (size_t)(page - 1) * RV_PAGE_SIZE + offset;
}

static inline const rv_page_head *rv_pages_head(const rv_pages *pages, uint32_t page) {
    return (const rv_page_head *)(const void *)rv_pages_read(pages, page);
}

static inline rv_page_head *rv_pages_head_write(rv_pages *pages, uint32_t page) {
    return (rv_page_head *)(void *)rv_pages_write(pages, page, 0, RV_PAGE_HEAD);
}

static inline const rv_pool *rv_pages_pool(const rv_pages *pages) {
    return (const rv_pool *)(const void *)(rv_pages_read(pages, RV_PAGE_FIRST) + RV_PAGE_HEAD);
}

/* RV_OK, or RV_BATCH_TOO_LARGE: the journal cannot take a step and `bytes` more. */
RV_MUST_USE static inline rv_status rv_pages_reserve(const rv_pages *pages, size_t bytes) {
    const bool fits = rv_journal_has_room(&pages->journal, bytes + RV_JOURNAL_STEP);
    return __builtin_expect(fits, 1) ? RV_OK : RV_BATCH_TOO_LARGE;
}

/* Pages that can still be allocated. */
static inline uint32_t rv_pages_left(const rv_pages *pages) {
    return pages->total - rv_pages_pool(pages)->used;
}

/* A page with a new head, the rest of it anything. RV_STATE_FULL. The caller reserved the journal.
 */
RV_MUST_USE rv_status rv_pages_alloc(rv_pages *pages, rv_page_kind kind, uint16_t tag,
                                     uint32_t *page);

/* Gives a page back. The caller reserved the journal. */
void rv_pages_free(rv_pages *pages, uint32_t page);

/* --- transactions --- */

void rv_pages_begin(rv_pages *pages);
void rv_pages_commit(rv_pages *pages);
void rv_pages_rollback(rv_pages *pages);

/* Takes back what was written since the journal was `len` bytes long. */
void rv_pages_rollback_to(rv_pages *pages, size_t len);

#endif
