/* SPDX-License-Identifier: Apache-2.0 */
/* The way from a tree's root to an entry, which insertions and removals go back up. */
#ifndef RV_STATE_TREE_CHANGE_H
#define RV_STATE_TREE_CHANGE_H

#include "core/state/tree_node.h"

/* By level; `at` is the entry's number in the leaf, above it the child's. */
typedef struct rv_tree_path {
    uint32_t nodes[RV_TREE_DEPTH_MAX];
    uint32_t at[RV_TREE_DEPTH_MAX];
    uint32_t levels; /* 0: the tree is empty */
} rv_tree_path;

void rv_tree_path_find(const rv_pages *pages, const rv_tree *tree, const rv_tree_key *key,
                       rv_tree_path *path);

/* The tree, to be changed at once. */
rv_tree *rv_tree_change(rv_pages *pages, rv_at at);

/* What divides two entries of which `left` is less: their keys' bytes, or `right` whole. Its bytes
 * are put into `memory`. */
rv_tree_entry rv_tree_separator(const rv_tree_entry *left, const rv_tree_entry *right,
                                uint8_t *memory);

#endif
