/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranks: how columns of few values are made small. Values of a column are numbered (ids); what
 * comes next depends on what the same stream had before, so each (table, context) keeps a short
 * list of the ids seen in it, last seen first, and an id is sent as its place in that list.
 * "complete" after "start" is then a 1, whatever it was, and a run of 1s is next to nothing after
 * compression.
 *
 *     symbol 0            an id that the context's list does not have, and that is new
 *     symbol 1 … 31       the id at this place of the list
 *     symbol 32 + id      an id that the list does not have
 *
 * Encoder and decoder make the same changes in the same order, so nothing of it is sent. Lists come
 * from a pool; when it is used up, contexts without a list share their table's first one.
 */
#ifndef RV_SYNC_RANKS_H
#define RV_SYNC_RANKS_H

#include "core/base/arena.h"

#define RV_RANK_TABLES_MAX 514u  /* columns of one message, its types and metadata */
#define RV_RANK_CONTEXTS   128u  /* of one table; higher ones are one */
#define RV_RANK_LISTS_MAX  2048u /* of one message */
#define RV_RANK_LIST_LEN   31u
#define RV_RANK_NEW        0u
#define RV_RANK_KNOWN      32u

typedef struct rv_ranks {
    uint16_t (*heads)[RV_RANK_CONTEXTS];     /* per table: the context's list, or 0 */
    uint16_t (*lists)[RV_RANK_LIST_LEN + 1]; /* number of ids, then the ids */
    uint32_t list_count;                     /* list 0 is none */
} rv_ranks;

/* False when the arena is too small. */
RV_MUST_USE bool rv_ranks_create(rv_ranks *ranks, rv_arena *arena);

/* Starts over with this many tables. */
void rv_ranks_reset(rv_ranks *ranks, uint32_t table_count);

/* Puts `id` first in the context's list; returns the place it had, from 1, or 0 if it was not
 * there. */
uint32_t rv_ranks_put(rv_ranks *ranks, uint32_t table, uint32_t context, uint16_t id);

/* The id at `place` (1 to 31), which becomes first. False: the list is shorter. */
RV_MUST_USE bool rv_ranks_take(rv_ranks *ranks, uint32_t table, uint32_t context, uint32_t place,
                               uint16_t *id);

#endif
