/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that its part of a node keeps, but whose contents nobody will read again: buffers between
 * two uses. Whoever owns the memory may change it, or give its pages back to the system until they
 * are touched again. A list of it holds until the next call on the part that made it.
 *
 *     rv_unused unused = {.count = 0};
 *     rv_node_unused(node, &unused);         each part adds what it has
 */
#ifndef RV_BASE_UNUSED_H
#define RV_BASE_UNUSED_H

#include "core/base/assert.h"
#include "core/base/bytes.h"

#define RV_UNUSED_MAX 32u /* runs of one list: what all parts of a database have */

typedef struct rv_unused_run {
    uint8_t *ptr;
    size_t len;
} rv_unused_run;

typedef struct rv_unused {
    rv_unused_run at[RV_UNUSED_MAX];
    size_t count;
} rv_unused;

static inline void rv_unused_add(rv_unused *unused, void *ptr, size_t len) {
    RV_ASSERT(unused->count < RV_UNUSED_MAX);
    RV_ASSERT(ptr != NULL || len == 0);
    unused->at[unused->count] = (rv_unused_run){ptr, len};
    unused->count += 1;
}

#endif
