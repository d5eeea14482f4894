/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events from the last one back. A log is read forward, batch by batch; so a window of it is read
 * and its events are kept, then given from the last one, and the window before it is read.
 *
 *     [low ........ first ----------- high]   numbers: versions of one path, or sequences
 *                   a window is read ->
 *                                <- and given; then high = first - 1
 *
 *   invariant: what is kept are the last events of the window; those before them that had no room
 *              are of the next window, which is smaller.
 */
#ifndef RV_SQL_BACK_H
#define RV_SQL_BACK_H

#include "core/live/subscription.h"

typedef struct rv_back_event {
    rv_event event;
    rv_bytes path;
} rv_back_event;

typedef struct rv_back {
    rv_node *node;
    const rv_path_pattern *path; /* of one; NULL: all events */
    uint64_t low;                /* the numbers that are left */
    uint64_t high;
    uint64_t until;  /* the last sequence that there is to be */
    uint32_t window; /* how many numbers the next one has */
    bool reading;    /* a window */
    uint64_t first;  /* number that it begins with, */
    uint64_t next;   /* and of the first event that is kept */
    rv_subscription subscription;
    rv_back_event *kept;
    uint32_t count;
    uint8_t *memory; /* of their bytes */
    size_t size;
    size_t used;
} rv_back;

/* Begins, with events up to the sequence `until`. `path`, which stays the caller's and there, has
 * `low` and `high` be versions of it, else they are sequences. The walk was zeroed, or was begun
 * before. */
void rv_back_begin(rv_back *back, rv_node *node, const rv_path_pattern *path, uint64_t low,
                   uint64_t high, uint64_t until);

/* The event before: its bytes are valid until the next call.
 *   RV_OK, RV_END
 *   RV_PENDING, RV_BUSY    the log is being read: come again
 *   RV_MEMORY_EXHAUSTED    SQLite has none for the window
 *   and the failures of rv_subscription_next */
RV_MUST_USE rv_status rv_back_next(rv_back *back, rv_event *event, rv_bytes *path, rv_error *err);

/* Gives the memory back. */
void rv_back_end(rv_back *back);

#endif
