/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap that SQLite works in: one run of memory from the node's budget, a heap for each rv_sql,
 * so that a query which needs too much fails alone and gives everything back.
 *
 * Taking and giving cost a constant number of steps (two-level segregated fit: Masmano et al.,
 * "TLSF: a new dynamic memory allocator for real-time systems", 2004), whatever happened before.
 */
#ifndef RV_SQL_HEAP_H
#define RV_SQL_HEAP_H

#include "core/base/bytes.h"

/* Classes of free runs: sizes below 16 granules each their own, then 16 a power of two. */
#define RV_SQL_HEAP_ROWS    28u
#define RV_SQL_HEAP_COLUMNS 16u

typedef struct rv_sql_heap {
    uint8_t *base;
    uint32_t end;  /* granule of the end mark */
    uint32_t used; /* granules in taken runs, headers included */
    uint32_t used_max;
    uint32_t rows; /* bit set: the row has a free run */
    uint32_t columns[RV_SQL_HEAP_ROWS];
    uint32_t first[RV_SQL_HEAP_ROWS][RV_SQL_HEAP_COLUMNS];
    uint64_t fail_in; /* for tests: the taking that fails, counted from 1; 0: none */
} rv_sql_heap;

/* Makes a heap of `memory`, which stays the caller's. False: fewer than 64 bytes. More than 8 GiB
 * are not used. */
RV_MUST_USE bool rv_sql_heap_open(rv_sql_heap *heap, void *memory, size_t size);

/* `size` bytes, aligned to 8, not zeroed; NULL when no run is long enough. */
void *rv_sql_heap_take(rv_sql_heap *heap, size_t size);

/* Gives back what was taken; NULL is nothing. */
void rv_sql_heap_give(rv_sql_heap *heap, void *taken);

/* Makes it `size` bytes long, in place where possible. NULL: no room; `taken` is as it was. */
void *rv_sql_heap_resize(rv_sql_heap *heap, void *taken, size_t size);

/* The bytes that `taken` has: at least as many as were asked for. */
size_t rv_sql_heap_size(const rv_sql_heap *heap, const void *taken);

/* Goes through all of it: true when every invariant holds. For tests; costs a step a run. */
RV_MUST_USE bool rv_sql_heap_intact(const rv_sql_heap *heap);

#endif
