/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of the pages: what they held at one moment, while writes go on. Taking one copies
 * nothing. The first write to a page after that copies the page beforehand, if a snapshot still
 * needs it; the copy serves every snapshot that sees the page as it then was.
 *
 *     page p:  live  <-  copy until 7  <-  copy until 4       serials of snapshots: 3 5 7 9
 *               9            5, 7              3
 *
 * A snapshot has a serial number. A copy is seen by those up to its `until` and above the `until`
 * of the next older copy; the live page is seen by those above the newest copy's.
 *
 * Copies lie in a reserve of its own, then in pages of the pool that were never used, from the last
 * one down. When neither has room, or the pool wants such a page for itself, the oldest snapshot
 * ends (RV_SNAPSHOT_EXPIRED), one that was taken to stay (a checkpoint's) after all others. So a
 * write never fails nor waits for a snapshot.
 *
 *   invariant 1: a page whose mark RV_MARK_TOUCHED is set is needed by no snapshot as it is now.
 *   invariant 2: every copy is seen by a snapshot that is alive and has not passed its page.
 *   invariant 3: snapshots are taken outside of transactions, but for the overlay's, between its
 *                savepoints: they show states that somebody was to see.
 */
#ifndef RV_STATE_SNAPSHOTS_H
#define RV_STATE_SNAPSHOTS_H

#include "core/base/arena.h"
#include "core/base/limits.h"
#include "rivulet/status.h"

typedef struct rv_pages rv_pages;

/* Names a snapshot. Plain data; it may be kept after the snapshot has ended. */
typedef struct rv_snapshot {
    uint64_t serial; /* 0: none */
} rv_snapshot;

/* One that is alive. It holds the pages from `low` to below `end`. */
typedef struct rv_snapshot_life {
    uint64_t serial; /* 0: unused */
    uint32_t low;
    uint32_t end;
    bool stays;
} rv_snapshot_life;

/* A copy of a page; they are numbered from 1. */
typedef struct rv_shadow {
    uint64_t until; /* 0: free */
    uint32_t page;  /* whose copy it is; of a free one: the next free */
    uint32_t older; /* copy of the same page; 0 for none */
} rv_shadow;

typedef struct rv_snapshots {
    rv_snapshot_life lives[RV_SNAPSHOTS_MAX];
    uint32_t alive;
    uint64_t serial;    /* of the newest ever taken */
    uint32_t *newest;   /* by page: its newest copy; 0 for none */
    rv_shadow *shadows; /* by number - 1: those of the reserve, then those in pages of the pool */
    uint8_t *memory;    /* the reserve */
    uint32_t reserve;   /* copies that fit it */
    uint32_t fresh;     /* numbers above were not used since no snapshot was alive: reserve, */
    uint32_t lent;      /* and pool */
    uint32_t free;      /* first of the free ones below: reserve, */
    uint32_t free_lent; /* and pool */
    uint32_t used;
    uint32_t used_max;
} rv_snapshots;

/* Gives the pages snapshots, with `reserve_memory` bytes for copies, of which some may be too few
 * for one. RV_MEMORY_EXHAUSTED. Without it none can be taken. */
RV_MUST_USE rv_status rv_snapshots_create(rv_pages *pages, size_t reserve_memory, rv_arena *arena);

/* Bytes that rv_snapshots_create takes besides the reserve, for `total` pages and that reserve. */
size_t rv_snapshots_overhead(uint32_t total, size_t reserve_memory);

/* Takes a snapshot of what the pages show; not in a transaction that is not an overlay. `stays`: it
 * ends after all others when room is short. RV_BUSY: there are RV_SNAPSHOTS_MAX, or the pages have
 * none. */
RV_MUST_USE rv_status rv_snapshot_take(rv_pages *pages, bool stays, rv_snapshot *snapshot);

/* False: it has expired, or was released. */
bool rv_snapshot_alive(const rv_pages *pages, rv_snapshot snapshot);

/* The pages in it have numbers below this. Alive. */
uint32_t rv_snapshot_end(const rv_pages *pages, rv_snapshot snapshot);

/* The page as it was, until the next change of the pages: NULL when the snapshot is not alive. The
 * page is one that it has and has not passed. */
const uint8_t *rv_snapshot_read(const rv_pages *pages, rv_snapshot snapshot, uint32_t page);

/* The next page, from `page` on, that may have another content than in the snapshot, those that
 * were made since among them, as far as they are the pool's or below `end`; 0: there is none.
 * Alive. */
uint32_t rv_snapshot_changed(const rv_pages *pages, rv_snapshot snapshot, uint32_t page,
                             uint32_t end);

/* Pages below `low` will not be read any more: their copies are given back. */
void rv_snapshot_pass(rv_pages *pages, rv_snapshot snapshot, uint32_t low);

/* Ends it; nothing happens when it is not alive. */
void rv_snapshot_release(rv_pages *pages, rv_snapshot snapshot);

/* Ends all but those that were taken to stay, whose holders end them. */
void rv_snapshots_end(rv_pages *pages);

/* --- for pages.c --- */

/* A page is to be changed: copies it if a snapshot needs it. */
void rv_snapshots_keep(rv_pages *pages, uint32_t page);

/* The pool is to use a page for the first time: takes it back if a copy lies there. */
void rv_snapshots_give_back(rv_pages *pages, uint32_t page);

#endif
