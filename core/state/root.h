/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root page: from here everything else in the pages is found. It is made with the pool and
 * stays page 1. Lists, arrays and indexes lie in it by value; each is named by its place (rv_at),
 * so that the journal notes its changes like those of any bytes.
 */
#ifndef RV_STATE_ROOT_H
#define RV_STATE_ROOT_H

#include "core/state/cell.h"
#include "core/state/index.h"
#include "core/state/slots.h"

#define RV_HEAP_CLASSES 16u

/* A base under way: base.h. */
typedef struct rv_base_root {
    rv_cell selection; /* in binary form */
    rv_cell top;       /* the last part; empty: none waits */
    uint64_t position;
    uint64_t cursor;
    uint32_t parts;
    uint32_t under_way;
} rv_base_root;

typedef struct rv_root {
    rv_page_head head;
    rv_pool pool;
    rv_slots heap[RV_HEAP_CLASSES];     /* values, by size class: heap.h */
    rv_slots overflow;                  /* buckets that did not fit: index.h */
    rv_slots tree_nodes;                /* of secondary indexes: tree.h */
    rv_index stream_index;              /* by path, to 1 + number */
    rv_lines streams;                   /* heads by number */
    uint32_t tables[RV_AGGREGATES_MAX]; /* table pages: rows.h; 0 before the first row */
    rv_base_root base;
} rv_root;

RV_STATIC_ASSERT(sizeof(rv_root) <= RV_PAGE_SIZE, "the root is one page");
RV_STATIC_ASSERT(offsetof(rv_root, pool) == RV_PAGE_HEAD, "where pages.c looks for it");

/* The place of a member of the root. */
#define RV_ROOT_AT(member) ((rv_at){RV_PAGE_FIRST, (uint32_t)offsetof(rv_root, member)})

static inline const rv_root *rv_root_of(const rv_pages *pages) {
    return (const rv_root *)(const void *)rv_pages_read(pages, RV_PAGE_FIRST);
}

#endif
