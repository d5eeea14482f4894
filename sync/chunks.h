/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of a message while it is encoded: many byte strings that grow side by side, out of
 * one pool of small chunks, joined at the end. When `interleaved`, there is one string, and all
 * columns write to it in turn: a message of few events has no use for column boundaries.
 */
#ifndef RV_SYNC_CHUNKS_H
#define RV_SYNC_CHUNKS_H

#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/writer.h"

#define RV_CHUNK_SIZE        256u
#define RV_CHUNK_COUNT       6144u /* a largest message and a chunk begun for every column */
#define RV_CHUNK_COLUMNS_MAX 2064u
#define RV_CHUNK_NONE        UINT32_MAX

typedef struct rv_chunk_column {
    uint8_t *ptr; /* where the next byte goes */
    uint8_t *end; /* of the current chunk */
    uint32_t first;
    uint32_t last;
    uint32_t len_before; /* bytes in the chunks before the last */
} rv_chunk_column;

typedef struct rv_chunks {
    uint8_t *memory;
    uint32_t *next; /* chunk after chunk */
    rv_chunk_column *columns;
    uint32_t used;
    uint32_t column_count;
    bool interleaved;
    bool full; /* the pool was used up; what was written since is lost */
    uint8_t sink[RV_CHUNK_SIZE];
} rv_chunks;

RV_MUST_USE bool rv_chunks_create(rv_chunks *chunks, rv_arena *arena);

void rv_chunks_reset(rv_chunks *chunks, uint32_t column_count, bool interleaved);

/* Gives the column a new chunk. */
void rv_chunks_grow(rv_chunks *chunks, rv_chunk_column *column);

/* Raw bytes of any length. */
void rv_chunks_write(rv_chunks *chunks, uint32_t column, rv_bytes bytes);

static inline rv_chunk_column *rv_chunks_column(rv_chunks *chunks, uint32_t column) {
    RV_ASSERT(column < chunks->column_count);
    return &chunks->columns[chunks->interleaved ? 0 : column];
}

static inline void rv_chunks_varint(rv_chunks *chunks, uint32_t column, uint64_t v) {
    rv_chunk_column *const c = rv_chunks_column(chunks, column);
    if (c->end - c->ptr < 10) {
        rv_chunks_grow(chunks, c);
    }
    uint8_t *p = c->ptr;
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    c->ptr = p;
}

static inline void rv_chunks_svarint(rv_chunks *chunks, uint32_t column, int64_t v) {
    rv_chunks_varint(chunks, column, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

/* Writes the lengths of all columns as varints (not when interleaved), then their bytes. */
void rv_chunks_join(const rv_chunks *chunks, rv_writer *w);

/* The pool as plain memory, free to use when the columns have been joined. */
static inline rv_writer rv_chunks_memory(rv_chunks *chunks) {
    return rv_writer_over(chunks->memory, (size_t)RV_CHUNK_SIZE * RV_CHUNK_COUNT);
}

#endif
