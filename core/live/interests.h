/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index of interests: of any number of those who wait, it finds the few whom an event or a row
 * concerns, in a time that does not hang on how many there are. Each leaves what it waits for, as
 * hashes in one table; who looks at what has moved asks once for each event or row.
 *
 *     who waits for                      is found by
 *     events of a pattern                its segments before the first wildcard; a path of n
 *                                        segments has n + 1 such beginnings
 *     all rows of an aggregate           the aggregate
 *     rows with a value in a column      aggregate, column and value
 *     the row with a key                 aggregate and key
 *     a part of an index, or rows        aggregate, index and what its two ends begin with; of a
 *     between two values of a column     row's key in the index each such beginning is looked for
 *
 * Who is found is looked at once more: it has the same hash, and perhaps the event, or the row.
 * What two ends of a part begin with is often all of it (`owner = 7`), and else the part is one of
 * few.
 *
 * What was read (core/state/reads.h) and what was touched (core/state/touches.h) are taken as they
 * are there.
 */
#ifndef RV_LIVE_INTERESTS_H
#define RV_LIVE_INTERESTS_H

#include "core/base/arena.h"
#include "core/model/path.h"
#include "core/state/touches.h"

/* One thing that somebody waits for, in the table; kept by who waits. */
typedef struct rv_interest {
    struct rv_interest *next;
    struct rv_interest **at; /* what points here; NULL: it is not in the table */
    uint64_t hash;
    void *owner;
} rv_interest;

typedef struct rv_interests {
    rv_interest **buckets;
    uint64_t key;          /* of its hashes: who chooses paths and values cannot choose buckets */
    uint32_t bucket_count; /* a power of two */
    uint32_t count;        /* of interests */
    uint64_t lengths; /* bits: so many bytes parts of indexes begin with, of all that are here */
} rv_interests;

RV_STATIC_ASSERT(RV_READS_END_MAX < 64, "a bit for each length");

/* Empty, for about `count` interests; `key` is the node's (rv_state_hash_key).
 * RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_interests_create(rv_interests *interests, uint32_t count, uint64_t key,
                                          rv_arena *arena);

/* Puts it in, and takes it out again. */
void rv_interests_add(rv_interests *interests, rv_interest *interest, uint64_t hash, void *owner);
void rv_interests_remove(rv_interests *interests, rv_interest *interest);

/* The first one with the hash, and the next one; NULL: there are no more. */
const rv_interest *rv_interests_first(const rv_interests *interests, uint64_t hash);
const rv_interest *rv_interests_next(const rv_interest *interest);

/* --- events --- */

uint64_t rv_interest_in_pattern(const rv_interests *interests, const rv_path_pattern *pattern);

/* The hashes that patterns which match a path can have. */
typedef struct rv_interest_path {
    rv_bytes path;
    size_t at;
    uint64_t hash;
} rv_interest_path;

rv_interest_path rv_interest_path_of(const rv_interests *interests, rv_bytes path);

/* The next one; false: there are no more. */
bool rv_interest_path_next(rv_interest_path *walk, uint64_t *hash);

/* --- rows --- */

uint64_t rv_interest_in_aggregate(const rv_interests *interests, uint16_t aggregate);

/*
 * What was read as interests of `owner`, of whom rv_touched_row_in tells whether a row concerns it;
 * where these are more than there is room for, whole aggregates in the place of parts. How many;
 * `cap` + 1: even those are too many, and nothing was put in.
 */
uint32_t rv_interests_add_reads(rv_interests *interests, const rv_reads *reads, rv_interest *list,
                                uint32_t cap, void *owner);

/* The hashes that a row is found by. */
typedef struct rv_interest_row {
    const rv_interests *interests;
    const rv_touched_row *row;
    uint32_t stage;
    size_t at;
    uint8_t index; /* of the part that was taken last, */
    rv_bytes key;
    uint64_t lengths; /* and of how much of it is still to be looked for */
} rv_interest_row;

rv_interest_row rv_interest_row_of(const rv_interests *interests, const rv_touched_row *row);

/* The next one; false: there are no more. One may come twice. */
bool rv_interest_row_next(rv_interest_row *walk, uint64_t *hash);

#endif
