/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of memory handed out front to back, and taken back to a mark. All memory of a node is
 * carved from one block at open through arenas; afterwards only scratch arenas move.
 */
#ifndef RV_BASE_ARENA_H
#define RV_BASE_ARENA_H

#include "core/base/bytes.h"

typedef struct rv_arena {
    uint8_t *ptr;
    size_t len; /* handed out, alignment included */
    size_t cap;
} rv_arena;

static inline rv_arena rv_arena_over(void *memory, size_t cap) {
    return (rv_arena){(uint8_t *)memory, 0, cap};
}

/* `size` zeroed bytes aligned for any object (16), or NULL when they do not fit. */
void *rv_arena_take(rv_arena *arena, size_t size);

/* As rv_arena_take, without zeroing: for large buffers whose pages should not be touched yet. */
void *rv_arena_take_raw(rv_arena *arena, size_t size);

/* A copy of `bytes`; ptr is NULL when it does not fit. */
rv_bytes rv_arena_copy(rv_arena *arena, rv_bytes bytes);

/* Takes a part of it as an arena of its own; cap 0 when it does not fit. */
rv_arena rv_arena_split(rv_arena *arena, size_t cap);

static inline size_t rv_arena_mark(const rv_arena *arena) {
    return arena->len;
}

/* Gives everything back that was handed out since `mark`. */
static inline void rv_arena_reset(rv_arena *arena, size_t mark) {
    arena->len = mark;
}

#endif
