/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host whose storage is a run of memory that the caller gives: for tests, for nodes that need not
 * outlive their process, and wherever a platform has nothing better. Every operation answers
 * RV_IO_DONE. The clock stands still until the owner sets it; entropy comes from a seed, so two
 * hosts of the same seed give a node the same life.
 *
 *     rv_memory_host *memory = rv_memory_host_create(block, block_len, &options);
 *     rv_host host = rv_memory_host_interface(memory);
 *
 * Reserving is exact: truncate and write promise the blocks that a file of the new size can need,
 * and answer RV_STORAGE_FULL (a write first a short result) when not all of them are there. So a
 * write below a file's size never runs out of space. Flush does nothing; "durable" is as long as
 * the memory lives. A host made by rv_memory_host_reopen finds the files of the one before.
 */
#ifndef RV_PLATFORM_MEMORY_MEMORY_H
#define RV_PLATFORM_MEMORY_MEMORY_H

#include "rivulet/host.h"

typedef struct rv_memory_host rv_memory_host;

typedef struct rv_memory_host_options {
    uint32_t files_max; /* files there can be; 0 for 256 */
    uint64_t seed;      /* of the entropy */
    int64_t now;        /* of the clock, microseconds since 1970 */
} rv_memory_host_options;

/* An empty host in `memory`, which it uses until it is no longer called; NULL when `len` bytes are
 * not enough for its tables and one block. `options` may be NULL: all zero. */
rv_memory_host *rv_memory_host_create(void *memory, size_t len,
                                      const rv_memory_host_options *options);

/* Forgets all handles, as the end of a process does; the files stay. */
void rv_memory_host_reopen(rv_memory_host *memory);

/* What a node is opened with. */
rv_host rv_memory_host_interface(rv_memory_host *memory);

void rv_memory_host_set_clock(rv_memory_host *memory, int64_t now);

/* Bytes of the memory that files hold at the moment. */
uint64_t rv_memory_host_used(const rv_memory_host *memory);

#endif
