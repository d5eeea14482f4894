/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sparse index of the log: for one batch in every so many bytes, where it lies, the sequence it
 * begins with and the watermark before it. A look-up finds the last entry at or before what is
 * asked for; the rest is a walk over batches.
 *
 * Its memory is fixed. When it is full every second entry is dropped and the distance doubled: the
 * walk gets longer, never impossible.
 *
 *   invariant: entries ascend in place, in sequence and in watermark; all are durable; the first
 * batch of the log has one as soon as there is any.
 */
#ifndef RV_LOG_INDEX_H
#define RV_LOG_INDEX_H

#include "core/base/arena.h"

#include <stdbool.h>

#define RV_INDEX_SPACING_MIN ((uint64_t)(64 << 10))

typedef struct rv_place {
    uint32_t segment; /* index in the table of segments */
    uint64_t offset;
} rv_place;

typedef struct rv_index_entry {
    uint64_t sequence; /* first of the batch */
    uint64_t before;   /* the watermark before the batch */
    uint64_t offset;
    uint32_t segment;
} rv_index_entry;

typedef struct rv_index {
    rv_index_entry *entries;
    uint32_t count;
    uint32_t cap;
    uint64_t spacing; /* bytes between entries, at least */
    uint64_t bytes;   /* of batches since the last entry */
} rv_index;

/* False: the arena is too small. `cap` is at least 2. */
RV_MUST_USE bool rv_index_create(rv_index *index, uint32_t cap, rv_arena *arena);

/* Tells of the next batch, of `size` bytes; it may become an entry. */
void rv_index_offer(rv_index *index, const rv_index_entry *batch, uint64_t size);

/* Takes back the entry of the batch that was offered last and lies at `place`, if it became one. */
void rv_index_drop(rv_index *index, rv_place place);

/* Takes back the entries of batches at `place` and behind. */
void rv_index_cut(rv_index *index, rv_place place);

/* Takes out the entries of batches in the segment: they lie elsewhere. */
void rv_index_forget(rv_index *index, uint32_t segment);

/* The last entry that begins at or before this sequence. False: there is no entry. */
RV_MUST_USE bool rv_index_by_sequence(const rv_index *index, uint64_t sequence, rv_place *place);

/* The last entry before which the watermark was below `watermark` (1 or more). */
RV_MUST_USE bool rv_index_by_watermark(const rv_index *index, uint64_t watermark, rv_place *place);

#endif
