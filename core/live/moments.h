/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments of a node's rows that feeds of changes go by: each feed tells what became of rows from
 * one moment to a later one. A moment is a snapshot (core/state/deltas.h), and feeds share it, so
 * that any number of them that keep up hold two at most: the one that they have told, and the one
 * that they are telling.
 *
 *     feeds:   a a b c        d
 *     moments: 7              4        d is slow; when it asks again, it gets 4 to now, netted
 *
 * Whoever is slow holds an older one. There are RV_MOMENTS_MAX; when another is needed the oldest
 * goes, and those that hold it begin afresh.
 */
#ifndef RV_LIVE_MOMENTS_H
#define RV_LIVE_MOMENTS_H

#include "core/engine.h"
#include "core/state/deltas.h"

#define RV_MOMENTS_MAX                                                                             \
    3u /* of the RV_SNAPSHOTS_MAX that there are: told, telling, and slow ones                     \
        */

typedef struct rv_moment {
    rv_deltas deltas;
    uint64_t serial; /* 0: unused */
    uint64_t revision;
    uint64_t position; /* that the node had reached */
    uint32_t pending;  /* batches at an edge that were not decided: rows show what they would do */
    uint32_t holders;
} rv_moment;

#define RV_DIFFERENCES_MAX    32u /* places that are kept: what a step of an application changes */
#define RV_DIFFERENCES_GROUPS 4u  /* of so many aggregates at a time */

/* Where the differences of an aggregate between two moments are, found by the first feed that went
 * through them, so that others need not. */
typedef struct rv_differences {
    uint64_t from; /* serials; 0: nothing is kept */
    uint64_t to;
    uint16_t aggregate;
    bool whole; /* these are all */
    uint32_t count;
    rv_delta_place places[RV_DIFFERENCES_MAX];
} rv_differences;

/* All zero but for the node, there are none. */
typedef struct rv_moments {
    rv_node *node;
    rv_moment all[RV_MOMENTS_MAX];
    rv_differences differences[RV_DIFFERENCES_GROUPS];
    uint64_t serial; /* of the newest ever made */
} rv_moments;

/* The moment with this serial; NULL: it is gone, or memory ended it. */
const rv_moment *rv_moment_find(const rv_moments *moments, uint64_t serial);

/* The moment of now, which the caller holds from now on; the newest there is, when nothing moved
 * since, or when others would lose theirs for one whose holder, with `behind`, has not got that
 * yet. NULL: none is to be had now. Between two atomic steps. */
const rv_moment *rv_moment_now(rv_moments *moments, uint64_t behind);

/* The caller holds the moment with this serial, too; false: it is gone. */
bool rv_moment_hold(rv_moments *moments, uint64_t serial);

/* Batches at an edge that are not decided now: as moments have them. */
uint32_t rv_moments_pending(const rv_moments *moments);

/* The caller holds it no more. It may be gone. */
void rv_moment_release(rv_moments *moments, uint64_t serial);

#endif
