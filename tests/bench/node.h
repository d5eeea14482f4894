/* SPDX-License-Identifier: Apache-2.0 */
/* A node in a benchmark's own process: its memory, its files, and its life. */
#ifndef RV_BENCH_NODE_H
#define RV_BENCH_NODE_H

#include "core/engine.h"
#include "platform/posix/posix.h"
#include "tests/bench/check.h"

#include <sys/mman.h>

/* Memory of zeros. `flags`: MAP_POPULATE, or 0 for pages that come when they are written to. */
static inline void *memory_map(size_t size, int flags) {
    void *const memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (memory == MAP_FAILED) {
        fail("memory", "there is none");
    }
    return memory;
}

/* A root, opened. */
static inline rv_node *open_node_on(rv_host host, void *memory, size_t size) {
    const rv_node_options options = {.host = host, .memory = memory, .memory_size = size};
    rv_error err;
    rv_node *node = NULL;
    check(rv_node_create(&node, &options, &err), &err);
    rv_status status = RV_PENDING;
    while (status == RV_PENDING) {
        status = rv_node_open(node, &err);
        check(rv_node_poll(node, &err), &err);
    }
    check(status, &err);
    return node;
}

static inline rv_node *open_node(const char *directory, void *memory, size_t size,
                                 rv_posix **posix) {
    rv_error err;
    check(rv_posix_open(directory, NULL, posix, &err), &err);
    return open_node_on(rv_posix_interface(*posix), memory, size);
}

static inline void close_node(rv_node *node, rv_posix *posix) {
    rv_error err;
    rv_status status = RV_PENDING;
    while (status == RV_PENDING) {
        status = rv_node_close(node, &err);
        check(rv_node_poll(node, &err), &err);
    }
    check(status, &err);
    rv_posix_close(posix);
}

#endif
