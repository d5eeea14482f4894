/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events whose data this version does not understand (SEMANTICS 15), for the engine's files: they
 * are held and passed on as bytes, their streams count them, and the aggregates that they feed are
 * stale from their position on, until all is folded anew by a version that does.
 *
 *     decodes? -- yes --> folded
 *          \-- no --> opaque: the stream's head moves, its type's aggregates are marked
 *
 * Nothing of that is stored: what is opaque follows from the bytes, so a log that is replayed has
 * the marks of whoever replays it. No checkpoint is written while there are marks, so the newest
 * one has none, and a version that understands more begins there.
 *
 *   invariant 1: an aggregate has a mark if and only if an opaque event behind the newest
 * checkpoint would have changed its rows, and it is not given. invariant 2: a root with marks takes
 * no appends: it could not judge them.
 */
#ifndef RV_CORE_ENGINE_OPAQUE_H
#define RV_CORE_ENGINE_OPAQUE_H

#include "core/engine.h"

typedef struct rv_opaque {
    uint64_t since[RV_AGGREGATES_MAX]; /* by aggregate: position of the first; 0: not stale */
    uint32_t stale;                    /* how many are */
    uint64_t events;                   /* opaque ones that were met since the checkpoint */
    uint64_t events_before;            /* of these, before the batch that is received */
} rv_opaque;

/* The state is empty, or comes from elsewhere: no marks. */
void rv_opaque_reset(rv_opaque *opaque);

/* An event is folded that is opaque: its type is known to the schema. */
void rv_opaque_mark(rv_node *node, const rv_event *event);

/* A batch of the upstream begins; it is cancelled: marks behind W are taken back. */
void rv_opaque_begin(rv_opaque *opaque);
void rv_opaque_take_back(rv_opaque *opaque, uint64_t watermark);

/* Added to a hash of the state: nothing without marks, else something that no other has. */
rv_hash128 rv_opaque_hash(const rv_node *node);

/* Clears the bits of aggregates that are stale: what their rows say is not known to be so. */
void rv_opaque_uncertain(const rv_opaque *opaque, uint64_t *bits);

/* RV_OK, or RV_READ_ONLY at a root with marks. */
rv_status rv_opaque_check(const rv_node *node, rv_error *err);

#endif
