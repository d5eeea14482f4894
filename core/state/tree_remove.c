/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removal from trees (tree.h). A leaf that becomes empty goes, and with it every node that has no
 * child any more; a node that becomes less than a third full is merged with a neighbour under the
 * same parent if both fit into one.
 *
 * A cut separator between equal bytes is compared with the row that it names. When that row's entry
 * goes, the separator is made again from what it was and the entry after: all left of it was less
 * than the entry removed, and the new one is never longer, so it fits.
 */
#include "core/state/tree_change.h"

/* Below this a node looks for a neighbour to be merged with. */
#define USED_MIN (RV_TREE_NODE_ROOM / 3u)

/* Asks for what the removal can change: as many levels as can become too empty. */
static rv_status remove_reserve(const rv_pages *pages, const rv_tree_path *path) {
    uint32_t changed = 1;
    RV_ASSERT(path->levels > 0);
    while (changed < path->levels) {
        const rv_tree_node *const node = rv_tree_node_read(pages, path->nodes[changed - 1]);
        if (rv_tree_node_used(node) >= USED_MIN + RV_TREE_ENTRY_MAX) {
            break;
        }
        changed += 1;
    }
    return rv_pages_reserve(pages, (changed + 1u) * 3u * RV_TREE_NODE_COST);
}

/* Replaces the separator that names the entry, if one does. */
static void separator_renew(rv_pages *pages, const rv_tree_path *path, const rv_tree_key *key) {
    uint32_t level = 1;
    for (; level < path->levels; level += 1) {
        const uint32_t at = path->at[level];
        if (at > 0) {
            const rv_tree_node *const node = rv_tree_node_read(pages, path->nodes[level]);
            const rv_tree_entry entry = rv_tree_entry_of(node, at - 1);
            if (entry.cut && entry.place == key->place) {
                break;
            }
        }
    }
    if (level >= path->levels) {
        return;
    }
    RV_ASSERT(path->at[0] == 0); /* it is the first one right of the separator */
    const rv_tree_cursor after = rv_tree_next(pages, (rv_tree_cursor){path->nodes[0], 0});
    if (after.node == 0) {
        return; /* nothing is left right of the separator: it goes too */
    }
    const uint32_t place = path->nodes[level];
    const uint32_t nth = path->at[level] - 1;
    uint8_t memory[RV_TREE_KEY_MAX];
    const rv_tree_entry old = rv_tree_entry_of(rv_tree_node_read(pages, place), nth);
    const rv_tree_entry next = rv_tree_entry_of(rv_tree_node_read(pages, after.node), after.nth);
    rv_tree_entry made = rv_tree_separator(&old, &next, memory);
    RV_ASSERT(made.bytes.len <= old.bytes.len);
    made.child = old.child;
    rv_tree_node_remove(pages, place, nth);
    rv_tree_node_insert(pages, place, nth, &made);
}

/* Takes an empty leaf out of the chain. */
static void leaf_unlink(rv_pages *pages, uint32_t leaf) {
    const rv_tree_node *const node = rv_tree_node_read(pages, leaf);
    RV_ASSERT(node->level == 0 && node->count == 0);
    if (node->next != 0) {
        rv_tree_node_change(pages, node->next)->prev = node->prev;
    }
    if (node->prev != 0) {
        rv_tree_node_change(pages, node->prev)->next = node->next;
    }
}

/* Takes a child out of a node that has more than that one. */
static void child_remove(rv_pages *pages, uint32_t parent, uint32_t nth) {
    const rv_tree_node *const node = rv_tree_node_read(pages, parent);
    RV_ASSERT(node->count > 0 && nth <= node->count);
    if (nth == 0) {
        rv_tree_node_change(pages, parent)->prev = rv_tree_child_of(node, 1);
    }
    rv_tree_node_remove(pages, parent, nth == 0 ? 0 : nth - 1);
}

/* Merges the child right of a separator into the one left of it, if they fit into one. */
static bool merge(rv_pages *pages, uint32_t parent, uint32_t separator) {
    const rv_tree_node *const above = rv_tree_node_read(pages, parent);
    RV_ASSERT(separator < above->count);
    const uint32_t left = rv_tree_child_of(above, separator);
    const uint32_t right = rv_tree_child_of(above, separator + 1);
    const rv_tree_node *const a = rv_tree_node_read(pages, left);
    const rv_tree_node *const b = rv_tree_node_read(pages, right);
    RV_ASSERT(a->level == b->level);
    rv_tree_entry between = rv_tree_entry_of(above, separator);
    const uint32_t size = a->level == 0 ? 0 : rv_tree_entry_size(a->level, &between);
    if (rv_tree_node_used(a) + size + rv_tree_node_used(b) > RV_TREE_NODE_ROOM) {
        return false;
    }
    if (a->level > 0) {
        between.child = b->prev;
        rv_tree_node_insert(pages, left, a->count, &between);
    }
    rv_tree_node_append(pages, left, right, 0);
    if (a->level == 0) {
        rv_tree_node_change(pages, left)->next = b->next;
        if (b->next != 0) {
            rv_tree_node_change(pages, b->next)->prev = left;
        }
    }
    rv_tree_node_free(pages, right);
    rv_tree_node_remove(pages, parent, separator);
    return true;
}

/* Goes up from the leaf and removes or merges what became too empty. */
static void rebalance(rv_pages *pages, const rv_tree_path *path, bool *empty) {
    bool gone = false;
    for (uint32_t level = 0; level < path->levels; level += 1) {
        const uint32_t place = path->nodes[level];
        if (gone && rv_tree_node_read(pages, place)->count > 0) {
            child_remove(pages, place, path->at[level]);
            gone = false;
        }
        const rv_tree_node *const node = rv_tree_node_read(pages, place);
        if (gone || (level == 0 && node->count == 0)) {
            if (level == 0) {
                leaf_unlink(pages, place);
            }
            rv_tree_node_free(pages, place);
            gone = true;
            continue;
        }
        if (rv_tree_node_used(node) >= USED_MIN || level + 1 == path->levels) {
            break;
        }
        const uint32_t parent = path->nodes[level + 1];
        const uint32_t nth = path->at[level + 1];
        const uint32_t siblings = rv_tree_node_read(pages, parent)->count;
        RV_ASSERT(nth <= siblings);
        const bool merged = (nth < siblings && merge(pages, parent, nth)) ||
                            (nth > 0 && merge(pages, parent, nth - 1));
        if (!merged) {
            break;
        }
    }
    *empty = gone;
}

rv_status rv_tree_remove(rv_pages *pages, rv_at at, const rv_tree_key *key) {
    RV_ASSERT(key->place != 0 && key->place != RV_TREE_AFTER);
    rv_tree_path path;
    rv_tree_path_find(pages, rv_tree_of(pages, at), key, &path);
    const rv_status status = remove_reserve(pages, &path);
    if (status != RV_OK) {
        return status;
    }
    const rv_tree_node *const leaf = rv_tree_node_read(pages, path.nodes[0]);
    RV_ASSERT(path.at[0] < leaf->count);
    RV_ASSERT(rv_tree_entry_of(leaf, path.at[0]).place == key->place);
    separator_renew(pages, &path, key);
    rv_tree_node_remove(pages, path.nodes[0], path.at[0]);
    bool empty;
    rebalance(pages, &path, &empty);
    rv_tree *const tree = rv_tree_change(pages, at);
    RV_ASSERT(tree->count > 0);
    tree->count -= 1;
    if (empty) {
        tree->root = 0;
        return RV_OK;
    }
    for (uint32_t left = RV_TREE_DEPTH_MAX;; left -= 1) {
        RV_ASSERT(left > 0);
        const uint32_t root = tree->root;
        const rv_tree_node *const node = rv_tree_node_read(pages, root);
        if (node->level == 0 || node->count > 0) {
            return RV_OK;
        }
        tree->root = node->prev; /* an only child */
        rv_tree_node_free(pages, root);
    }
}
