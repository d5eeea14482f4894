/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/arena.h"

#include "core/base/assert.h"

#define ARENA_ALIGN 16u

void *rv_arena_take_raw(rv_arena *arena, size_t size) {
    RV_ASSERT(arena->len <= arena->cap);
    const uintptr_t address = (uintptr_t)arena->ptr + arena->len;
    const size_t pad = (size_t)(-address & (ARENA_ALIGN - 1));
    const size_t room = arena->cap - arena->len;
    if (arena->ptr == NULL || pad > room || size > room - pad) {
        return NULL;
    }
    uint8_t *taken = arena->ptr + arena->len + pad;
    arena->len += pad + size;
    return taken;
}

void *rv_arena_take(rv_arena *arena, size_t size) {
    void *taken = rv_arena_take_raw(arena, size);
    if (taken != NULL && size > 0) {
        memset(taken, 0, size);
    }
    return taken;
}

rv_bytes rv_arena_copy(rv_arena *arena, rv_bytes bytes) {
    uint8_t *taken = rv_arena_take_raw(arena, bytes.len);
    if (taken == NULL) {
        return (rv_bytes){NULL, 0};
    }
    if (bytes.len > 0) {
        memcpy(taken, bytes.ptr, bytes.len);
    }
    return (rv_bytes){taken, bytes.len};
}

rv_arena rv_arena_split(rv_arena *arena, size_t cap) {
    void *taken = rv_arena_take_raw(arena, cap);
    return (rv_arena){(uint8_t *)taken, 0, taken == NULL ? 0 : cap};
}
