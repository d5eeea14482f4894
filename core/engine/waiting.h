/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of an edge's outbox: from the id of an event, and from the path of a stream, to the
 * batches of the ledger that may have it: those that wait, and by id those that were refused and
 * not acknowledged. What is found is a candidate, to be read and compared.
 *
 *     hash -> head -> | hash, edge sequence, next | -> … newest first
 *
 * Entries are only added, so those of batches that are gone stay until there is no room: then all
 * is made anew from the ledger. Some of the entries are kept free for that: with more
 * events that wait, everything that waits is a candidate, which is slow, and right all the same.
 *
 *   invariant 1: every event that waits has an entry by id and, if it is covered, one by path;
 *                every event that was refused has one by id; unless the index is partial.
 *   invariant 2: along a chain, entries of batches that wait have falling edge sequences.
 */
#ifndef RV_CORE_ENGINE_WAITING_H
#define RV_CORE_ENGINE_WAITING_H

#include "core/base/arena.h"
#include "core/engine/outbox.h"

typedef struct rv_waiting_entry {
    uint32_t hash;
    uint32_t sequence; /* low bits of the edge sequence */
    uint32_t next;     /* 1 + its number; 0: the last */
} rv_waiting_entry;

typedef struct rv_waiting_index {
    rv_waiting_entry *entries;
    uint32_t *heads; /* as `next` */
    uint32_t cap;    /* entries; a power of two, as are heads: half as many */
    uint32_t count;
    uint32_t partial; /* batches that there were when not all found room; 0: all have */
} rv_waiting_index;

/* Takes memory for a ledger of this size: a quarter of that. RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_waiting_create(rv_waiting_index *waiting, size_t ledger_size,
                                        rv_arena *arena);

/* Makes it from what the ledger holds. */
void rv_waiting_make(rv_node *node);

/* Adds a batch that the ledger holds since now, newer than all others. */
void rv_waiting_add(rv_node *node, uint64_t edge_sequence);

/* True when the batch waits under an earlier edge sequence, too, as the id of its first event says:
 * one stood aside for the schema (engine/back.c) when its caller gave it again. All that wait are
 * asked for this, so it is a look at the index: where that is partial, one of the earlier batches,
 * the newest ones, may be missed. */
RV_MUST_USE bool rv_waiting_again(const rv_node *node, const rv_pending *batch);

/* A walk over candidates. */
typedef struct rv_waiting_walk {
    uint32_t hash;
    uint32_t at; /* as `next`; partial: batches that are left */
} rv_waiting_walk;

/* Starts one: of the batches that may have an event of this id, or one in the covered stream of
 * this path. */
rv_waiting_walk rv_waiting_by_id(const rv_node *node, const uint8_t *id);
rv_waiting_walk rv_waiting_by_path(const rv_node *node, rv_bytes path);

/* The next candidate: a batch that waits, or was refused, or is gone. Newer ones first, of those
 * that wait. False: there are no more. */
RV_MUST_USE bool rv_waiting_next(const rv_node *node, rv_waiting_walk *walk,
                                 uint64_t *edge_sequence);

/* The batch that waits under this number, or was refused. False: there is none. */
RV_MUST_USE bool rv_waiting_pending(const rv_node *node, uint64_t edge_sequence,
                                    rv_pending *pending);
RV_MUST_USE bool rv_waiting_rejection(const rv_node *node, uint64_t edge_sequence,
                                      rv_rejection *rejection);

#endif
