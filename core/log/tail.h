/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of the log's tail, in memory: for each of the last events, its stream and version, in
 * the order of sequences; and their foreign ids, in a hash table. What falls out at the old end
 * must be found in runs, or by reading the log.
 *
 *     streams    [  s  s  s  s ……………… s  s ]     at sequence modulo the capacity
 *                   ^ base                ^ next - 1
 *     ids        the same for those that have one: a ring of entries, chained by hash
 *
 * A look-up by stream goes through the ring: some microseconds, bounded by its size.
 *
 *   invariant: it knows all events from `base` to `next - 1`, and all their foreign ids; and some
 *              older ids, until their places are needed.
 */
#ifndef RV_LOG_TAIL_H
#define RV_LOG_TAIL_H

#include "core/base/arena.h"

#define RV_TAIL_NONE UINT32_MAX /* also: the stream of an event that is gone */

typedef struct rv_tail_id {
    uint64_t sequence; /* 0: it is gone */
    uint8_t id[16];
    uint32_t chained; /* the next older entry of this hash, or RV_TAIL_NONE */
    uint32_t head;    /* of its chain */
} rv_tail_id;

typedef struct rv_tail {
    uint32_t cap; /* a power of two */
    uint32_t *streams;
    uint64_t *versions;
    uint64_t base;
    uint64_t next;
    rv_tail_id *ids; /* `cap` of them */
    uint32_t *heads; /* `cap` of them */
    uint64_t id_first;
    uint64_t id_next; /* counts ids from 2^32 on; modulo the capacity */
    uint64_t seed;
    bool hashed; /* `heads` is in use */
} rv_tail;

typedef struct rv_tail_event {
    uint64_t sequence;
    uint64_t version;
    uint32_t stream;
    const uint8_t *foreign_id; /* 16 bytes, or NULL */
} rv_tail_event;

/* Knows nothing, from sequence 1 on. `cap` is a power of two. False: the arena is too small. */
RV_MUST_USE bool rv_tail_create(rv_tail *tail, uint32_t cap, rv_arena *arena);

/* Takes the next event; one that is not the next makes it begin anew there. */
void rv_tail_add(rv_tail *tail, const rv_tail_event *event);

/* Forgets the events from `next` on. */
void rv_tail_cut(rv_tail *tail, uint64_t next);

/* Knows nothing, from `next` on. */
void rv_tail_reset(rv_tail *tail, uint64_t next);

/* The next sequence at `from` or above, and below `end`, whose event is of this stream and at least
 * this version. False: there is none. `from` is at least `base`, `end` at most `next`. */
typedef struct rv_tail_range {
    uint64_t from;
    uint64_t end;
} rv_tail_range;

RV_MUST_USE bool rv_tail_find(const rv_tail *tail, const rv_tail_range *range, uint32_t stream,
                              uint64_t version, uint64_t *sequence);

/* There is no such event any more, though it counts: it is of no stream, and has no id. */
void rv_tail_lose(rv_tail *tail, uint64_t sequence, const uint8_t *foreign_id);

/* The event with this foreign id. */
RV_MUST_USE bool rv_tail_find_id(const rv_tail *tail, const uint8_t *id, uint64_t *sequence);

/* Older events, from `first` to `base - 1`; `ids` are of those at `id_at`, which ascend. */
typedef struct rv_tail_older {
    uint64_t first;
    const uint32_t *streams;
    const uint64_t *versions;
    uint32_t count;
    const uint8_t *ids; /* 16 bytes each */
    const uint32_t *id_at;
    uint32_t id_count;
} rv_tail_older;

/* Puts them in front. False, and nothing done: there is no room, or others come before. */

RV_MUST_USE bool rv_tail_prepend(rv_tail *tail, const rv_tail_older *older);

static inline uint32_t rv_tail_count(const rv_tail *tail) {
    return (uint32_t)(tail->next - tail->base);
}

static inline uint32_t rv_tail_at(const rv_tail *tail, uint64_t sequence) {
    return (uint32_t)(sequence & (tail->cap - 1));
}

#endif
