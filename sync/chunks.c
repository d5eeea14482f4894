/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/chunks.h"

/* A chunk's used length is not stored: all but the last are left when fewer than 10 bytes remain,
 * so their ends are kept in `next`'s high bits. */
#define NEXT_BITS 16u
#define NEXT_NONE 0xffffu

RV_STATIC_ASSERT(RV_CHUNK_COUNT < NEXT_NONE, "a chunk's number fits into 16 bits");

bool rv_chunks_create(rv_chunks *chunks, rv_arena *arena) {
    RV_ASSERT(chunks != NULL && arena != NULL);
    chunks->memory = rv_arena_take_raw(arena, (size_t)RV_CHUNK_SIZE * RV_CHUNK_COUNT);
    chunks->next = rv_arena_take_raw(arena, sizeof(uint32_t) * RV_CHUNK_COUNT);
    chunks->columns = rv_arena_take_raw(arena, sizeof(rv_chunk_column) * RV_CHUNK_COLUMNS_MAX);
    chunks->used = 0;
    chunks->column_count = 0;
    return chunks->memory != NULL && chunks->next != NULL && chunks->columns != NULL;
}

void rv_chunks_reset(rv_chunks *chunks, uint32_t column_count, bool interleaved) {
    RV_ASSERT(column_count > 0 && column_count <= RV_CHUNK_COLUMNS_MAX);
    chunks->used = 0;
    chunks->column_count = column_count;
    chunks->interleaved = interleaved;
    chunks->full = false;
    const uint32_t count = interleaved ? 1 : column_count;
    for (uint32_t i = 0; i < count; i++) {
        chunks->columns[i] = (rv_chunk_column){NULL, NULL, RV_CHUNK_NONE, RV_CHUNK_NONE, 0};
    }
    RV_ASSERT(chunks->memory != NULL);
}

void rv_chunks_grow(rv_chunks *chunks, rv_chunk_column *column) {
    RV_ASSERT(chunks->used <= RV_CHUNK_COUNT);
    if (chunks->full || chunks->used == RV_CHUNK_COUNT) {
        chunks->full = true;
        column->ptr = chunks->sink;
        column->end = chunks->sink + sizeof chunks->sink;
        return;
    }
    const uint32_t number = chunks->used;
    chunks->used += 1;
    chunks->next[number] = NEXT_NONE;
    if (column->first == RV_CHUNK_NONE) {
        column->first = number;
    } else {
        const uint8_t *const begin = chunks->memory + (size_t)column->last * RV_CHUNK_SIZE;
        const uint32_t len = (uint32_t)(column->ptr - begin);
        RV_ASSERT(len <= RV_CHUNK_SIZE);
        chunks->next[column->last] = number | (len << NEXT_BITS);
        column->len_before += len;
    }
    column->last = number;
    column->ptr = chunks->memory + (size_t)number * RV_CHUNK_SIZE;
    column->end = column->ptr + RV_CHUNK_SIZE;
}

void rv_chunks_write(rv_chunks *chunks, uint32_t column, rv_bytes bytes) {
    rv_chunk_column *const c = rv_chunks_column(chunks, column);
    size_t done = 0;
    while (done < bytes.len && !chunks->full) {
        if (c->ptr == c->end) {
            rv_chunks_grow(chunks, c);
        }
        const size_t room = (size_t)(c->end - c->ptr);
        const size_t len = bytes.len - done < room ? bytes.len - done : room;
        RV_ASSERT(len > 0);
        memcpy(c->ptr, bytes.ptr + done, len);
        c->ptr += len;
        done += len;
    }
    RV_ASSERT(chunks->full || done == bytes.len);
}

/* Bytes in the column's last chunk. */
static uint32_t last_len(const rv_chunks *chunks, const rv_chunk_column *column) {
    if (column->last == RV_CHUNK_NONE) {
        return 0;
    }
    const uint8_t *const begin = chunks->memory + (size_t)column->last * RV_CHUNK_SIZE;
    RV_ASSERT(column->ptr >= begin && column->ptr <= begin + RV_CHUNK_SIZE);
    return (uint32_t)(column->ptr - begin);
}

static void join_column(const rv_chunks *chunks, const rv_chunk_column *column, rv_writer *w) {
    uint32_t number = column->first;
    for (uint32_t i = 0; i < RV_CHUNK_COUNT && number != RV_CHUNK_NONE; i++) {
        const bool last = number == column->last;
        const uint32_t next = chunks->next[number];
        const uint32_t len = last ? last_len(chunks, column) : next >> NEXT_BITS;
        rv_write(w, rv_bytes_of(chunks->memory + (size_t)number * RV_CHUNK_SIZE, len));
        number = last ? RV_CHUNK_NONE : next & NEXT_NONE;
    }
    RV_ASSERT(number == RV_CHUNK_NONE);
}

void rv_chunks_join(const rv_chunks *chunks, rv_writer *w) {
    RV_ASSERT(!chunks->full);
    const uint32_t count = chunks->interleaved ? 1 : chunks->column_count;
    for (uint32_t i = 0; i < count && !chunks->interleaved; i++) {
        rv_write_varint(w, chunks->columns[i].len_before + last_len(chunks, &chunks->columns[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        join_column(chunks, &chunks->columns[i], w);
    }
    RV_ASSERT(w->full || w->len <= w->cap);
}
