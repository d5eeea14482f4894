/* SPDX-License-Identifier: Apache-2.0 */
/* Searching trees: see tree.h. */
#include "core/state/tree.h"

#include "core/state/tree_node.h"

static rv_tree_cursor cursor_none(void) {
    return (rv_tree_cursor){0, 0};
}

/* The leaf that a key belongs to, of a tree that is not empty, and where in it. */
static rv_tree_cursor descend(const rv_pages *pages, const rv_tree *tree, const rv_tree_key *key) {
    uint32_t place = tree->root;
    const rv_tree_node *node = rv_tree_node_read(pages, place);
    for (uint32_t left = RV_TREE_DEPTH_MAX; node->level != 0; left -= 1) {
        RV_ASSERT(left > 0);
        place = rv_tree_child_of(node, rv_tree_node_search(node, key));
        node = rv_tree_node_read(pages, place);
    }
    return (rv_tree_cursor){place, rv_tree_node_search(node, key)};
}

rv_tree_cursor rv_tree_seek(const rv_pages *pages, const rv_tree *tree, const rv_tree_key *key) {
    if (tree->root == 0) {
        return cursor_none();
    }
    const rv_tree_cursor found = descend(pages, tree, key);
    const rv_tree_node *const leaf = rv_tree_node_read(pages, found.node);
    RV_ASSERT(leaf->count > 0);
    return found.nth < leaf->count ? found : (rv_tree_cursor){leaf->next, 0};
}

rv_tree_cursor rv_tree_seek_below(const rv_pages *pages, const rv_tree *tree,
                                  const rv_tree_key *key) {
    if (tree->root == 0) {
        return cursor_none();
    }
    rv_tree_cursor found = descend(pages, tree, key);
    if (found.nth > 0) {
        found.nth -= 1;
        return found;
    }
    return rv_tree_prev(pages, found);
}

/* The leaf at one end. */
static uint32_t outer_leaf(const rv_pages *pages, const rv_tree *tree, bool last) {
    uint32_t place = tree->root;
    const rv_tree_node *node = rv_tree_node_read(pages, place);
    for (uint32_t left = RV_TREE_DEPTH_MAX; node->level != 0; left -= 1) {
        RV_ASSERT(left > 0);
        place = rv_tree_child_of(node, last ? node->count : 0);
        node = rv_tree_node_read(pages, place);
    }
    RV_ASSERT(node->count > 0);
    return place;
}

rv_tree_cursor rv_tree_first(const rv_pages *pages, const rv_tree *tree) {
    if (tree->root == 0) {
        return cursor_none();
    }
    return (rv_tree_cursor){outer_leaf(pages, tree, false), 0};
}

rv_tree_cursor rv_tree_last(const rv_pages *pages, const rv_tree *tree) {
    if (tree->root == 0) {
        return cursor_none();
    }
    const uint32_t leaf = outer_leaf(pages, tree, true);
    return (rv_tree_cursor){leaf, rv_tree_node_read(pages, leaf)->count - 1u};
}

rv_tree_cursor rv_tree_next(const rv_pages *pages, rv_tree_cursor cursor) {
    RV_ASSERT(cursor.node != 0);
    const rv_tree_node *const leaf = rv_tree_node_read(pages, cursor.node);
    RV_ASSERT(leaf->level == 0 && cursor.nth < leaf->count);
    cursor.nth += 1;
    return cursor.nth < leaf->count ? cursor : (rv_tree_cursor){leaf->next, 0};
}

rv_tree_cursor rv_tree_prev(const rv_pages *pages, rv_tree_cursor cursor) {
    RV_ASSERT(cursor.node != 0);
    const rv_tree_node *const leaf = rv_tree_node_read(pages, cursor.node);
    RV_ASSERT(leaf->level == 0);
    if (cursor.nth > 0) {
        cursor.nth -= 1;
        return cursor;
    }
    if (leaf->prev == 0) {
        return cursor_none();
    }
    return (rv_tree_cursor){leaf->prev, rv_tree_node_read(pages, leaf->prev)->count - 1u};
}

uint32_t rv_tree_place(const rv_pages *pages, rv_tree_cursor cursor) {
    if (cursor.node == 0) {
        return 0;
    }
    const rv_tree_node *const leaf = rv_tree_node_read(pages, cursor.node);
    RV_ASSERT(leaf->level == 0);
    return rv_tree_entry_of(leaf, cursor.nth).place;
}

int rv_tree_compare_at(const rv_pages *pages, rv_tree_cursor cursor, const rv_tree_key *key) {
    RV_ASSERT(cursor.node != 0);
    const rv_tree_node *const leaf = rv_tree_node_read(pages, cursor.node);
    RV_ASSERT(leaf->level == 0);
    const rv_tree_entry entry = rv_tree_entry_of(leaf, cursor.nth);
    return rv_tree_compare(key, &entry);
}
