/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings: a list of things that each are in one such list at a time, and leave it from wherever they
 * are. A ring's own node belongs to nobody; a thing's node that is in no ring is one by itself.
 */
#ifndef RV_BASE_RING_H
#define RV_BASE_RING_H

#include "core/base/assert.h"

#include <stdbool.h>

typedef struct rv_ring {
    struct rv_ring *next;
    struct rv_ring *prev;
} rv_ring;

static inline void rv_ring_make(rv_ring *ring) {
    ring->next = ring;
    ring->prev = ring;
}

static inline bool rv_ring_is_empty(const rv_ring *ring) {
    return ring->next == ring;
}

static inline void rv_ring_leave(rv_ring *one) {
    one->prev->next = one->next;
    one->next->prev = one->prev;
    rv_ring_make(one);
}

/* At its end. */
static inline void rv_ring_join(rv_ring *ring, rv_ring *one) {
    RV_ASSERT(rv_ring_is_empty(one));
    one->prev = ring->prev;
    one->next = ring;
    ring->prev->next = one;
    ring->prev = one;
}

/* Moves all of `from` to the end of `to`. */
static inline void rv_ring_splice(rv_ring *to, rv_ring *from) {
    if (rv_ring_is_empty(from)) {
        return;
    }
    to->prev->next = from->next;
    from->next->prev = to->prev;
    to->prev = from->prev;
    from->prev->next = to;
    rv_ring_make(from);
}

#endif
