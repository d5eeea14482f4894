/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A B+-tree in the state's pages: an ordered set of (key, place), for the secondary indexes of
 * aggregates. Any number of entries can have equal keys; their places order them.
 *
 * It knows keys as bytes whose order is theirs (sorted.h makes them), at most RV_TREE_KEY_MAX. A
 * longer key is cut there and marked, and where the bytes of two cut keys are equal the tree asks
 * whoever knows the rows (rv_tree_rest). Keys are free of prefixes: no whole key begins with
 * another one. What is sought may be the first columns of a key, and then stands before or after
 * all that begin so, by its place being 0 or RV_TREE_AFTER.
 *
 *     what is sought, place 0        entries with equal keys          RV_TREE_AFTER
 *            |                  (b, 12)  (b, 17)  (b, 40)                  |        (c, 3) …
 *            v                                                             v
 *
 * Nodes are slots of 2 KiB, eight to a page, of one list for all trees (root.h), so a small index
 * takes little, an insertion moves little, and the journal notes little. tree_node.h has their
 * form. Leaves are chained both ways. A separator is the shortest key that divides what is left and
 * right of it, so inner nodes are wide; only between equal keys it has a place too. A separator of
 * cut keys names a row to be compared with, so it is replaced when that row's entry goes.
 *
 * Invariants
 * - Entries are strictly ascending by (key, place), in a leaf and along the chain.
 * - For every separator: what is left of it is less, what is right of it is not.
 * - A node that becomes a third full is merged with a neighbour if both fit into one; a leaf that
 *   becomes empty goes. So nodes are half full on average at worst, and the depth is bounded by
 *   RV_TREE_DEPTH_MAX.
 * - A cut separator names a place whose entry is in the tree, the first one right of it; no two
 *   separators name the same.
 * - All that an operation may need of journal and pages is asked for before it changes anything.
 */
#ifndef RV_STATE_TREE_H
#define RV_STATE_TREE_H

#include "core/state/pages.h"

#define RV_TREE_NODE_SIZE 2032u /* eight in a page */
#define RV_TREE_KEY_MAX   127u  /* seven bits of length; fourteen of the longest fit a node */
#define RV_TREE_DEPTH_MAX 16u   /* levels: with seven children a node at worst, 7^16 entries */
#define RV_TREE_AFTER     UINT32_MAX

/* Lies in a page; all zero, it is empty. */
typedef struct rv_tree {
    uint32_t root;  /* a node's place; 0 is none */
    uint32_t count; /* entries */
} rv_tree;

static inline const rv_tree *rv_tree_of(const rv_pages *pages, rv_at at) {
    return (const rv_tree *)(const void *)(rv_pages_read(pages, at.page) + at.offset);
}

/* Compares keys beyond where they are cut: what is sought with the row at a place. */
typedef struct rv_tree_rest {
    int (*compare)(const void *ctx, uint32_t place);
} rv_tree_rest;

/* A key to look for, insert or remove. */
typedef struct rv_tree_key {
    rv_bytes bytes;           /* at most RV_TREE_KEY_MAX */
    bool cut;                 /* they are not all of it: `rest` tells the rest */
    uint32_t place;           /* of an entry; 0 or RV_TREE_AFTER when searching */
    const rv_tree_rest *rest; /* may be NULL when not cut */
    const void *ctx;          /* of `rest` */
} rv_tree_key;

/* Adds an entry that is not there. RV_STATE_FULL, RV_BATCH_TOO_LARGE: nothing has changed. */
RV_MUST_USE rv_status rv_tree_insert(rv_pages *pages, rv_at at, const rv_tree_key *key);

/* Removes an entry that is there. The row that its place names may be another already, if what
 * `rest` compares with is still the old one. RV_BATCH_TOO_LARGE: nothing has changed. */
RV_MUST_USE rv_status rv_tree_remove(rv_pages *pages, rv_at at, const rv_tree_key *key);

/* An entry of a tree, until the tree's next change. */
typedef struct rv_tree_cursor {
    uint32_t node; /* 0: beyond the last one, or before the first */
    uint32_t nth;
} rv_tree_cursor;

/* The first entry that is not less than the key, or none. */
rv_tree_cursor rv_tree_seek(const rv_pages *pages, const rv_tree *tree, const rv_tree_key *key);

/* The last entry that is less than the key, or none. */
rv_tree_cursor rv_tree_seek_below(const rv_pages *pages, const rv_tree *tree,
                                  const rv_tree_key *key);

rv_tree_cursor rv_tree_first(const rv_pages *pages, const rv_tree *tree);
rv_tree_cursor rv_tree_last(const rv_pages *pages, const rv_tree *tree);

/* One step; not at the end. */
rv_tree_cursor rv_tree_next(const rv_pages *pages, rv_tree_cursor cursor);
rv_tree_cursor rv_tree_prev(const rv_pages *pages, rv_tree_cursor cursor);

/* The place of the entry; 0 at the end. */
uint32_t rv_tree_place(const rv_pages *pages, rv_tree_cursor cursor);

/* How the key compares with the entry, which is not the end: negative when the key is less. */
int rv_tree_compare_at(const rv_pages *pages, rv_tree_cursor cursor, const rv_tree_key *key);

/* True when its nodes, each of which is sound (rv_tree_node_is_sound), are linked and in order as
 * far as that needs no row. Walks the whole tree. */
bool rv_tree_is_sound(const rv_pages *pages, const rv_tree *tree);

#endif
