/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purging (SEMANTICS 19; docs/decisions/0023-purging.md): what an edge's selection does not cover
 * any more leaves the files, segment by segment, in the background (core/log/rewrite.c).
 *
 *     IDLE -- narrowed, no base is under way --> ROLL -> SAVE -> SEGMENTS … -> RECORD -> IDLE
 *       ^                                          \-------- what is held is another ------/
 *
 * ROLL ends the last segment, so that all there is lies in segments that can be written again; SAVE
 * waits for a checkpoint behind that, so that opening need not read what is in them, and has those
 * removed that were written before, with the rows that are gone (also where there is nothing to be
 * rolled, and ones from before are there); SEGMENTS goes over them one by
 * one; RECORD says that nothing is left. Nothing of that is remembered: a node that is opened again
 * begins again, and finds segments in which nothing is to be done.
 */
#ifndef RV_CORE_ENGINE_PURGE_H
#define RV_CORE_ENGINE_PURGE_H

#include "core/engine.h"
#include "core/log/log.h"

typedef enum rv_purging_phase {
    RV_PURGING_IDLE,
    RV_PURGING_ROLL,
    RV_PURGING_SAVE,
    RV_PURGING_SEGMENTS,
    RV_PURGING_RECORD
} rv_purging_phase;

typedef struct rv_purging {
    rv_purging_phase phase;
    uint32_t swaps;     /* of the selection, when it began: for another one it begins again */
    uint32_t segment;   /* those before it are done with */
    uint32_t until;     /* up to where it goes */
    bool rolled;        /* that is all that there was */
    uint64_t batches;   /* of the log when the last segment had begun and held no more: while there
                           are no others it need not end again; 0: it is not known */
    bool shedding;      /* checkpoints that show what is not selected any more are being removed */
    bool under_way;     /* `segment` is being written again */
    uint64_t retry_at;  /* after a failure: when the log has so many bytes, or */
    int64_t failed_at;  /* a while after this (the host's clock) */
    uint64_t freed;     /* bytes, since the node was opened */
    uint32_t rewritten; /* segments, likewise */
    rv_error failure;   /* of the last one that could not be */
} rv_purging;

/* Goes on, in rv_node_poll. */
void rv_purge_poll(rv_node *node);

/* True when polling would go on now, without any completion. */
bool rv_purge_busy(const rv_node *node);

/* All events are gone that are not covered: others can be filled in. */
bool rv_purge_is_clean(const rv_node *node);

/* What a batch is to hold: rv_rewrite_ops. `ctx` is the node. */
bool rv_purge_filter(void *ctx, const rv_batch *batch, rv_writer *body);

#endif
