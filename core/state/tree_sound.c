/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a tree is what tree.h says: one walk over all of it, in order, that needs no row. */
#include "core/state/tree_node.h"

typedef struct walk {
    const rv_pages *pages;
    uint32_t nodes[RV_TREE_DEPTH_MAX]; /* by level, from the root down to where the walk is */
    uint32_t next[RV_TREE_DEPTH_MAX];  /* the child to go to */
    uint32_t leaf;                     /* the last one met */
    uint32_t count;                    /* entries met */
    rv_tree_entry before;              /* the last entry or separator met */
    bool any;                          /* there is one before */
    bool divides;                      /* that is a separator */
} walk;

bool rv_tree_node_is_sound(const rv_tree_node *node, uint32_t level) {
    if (node->level != level || RV_TREE_NODE_HEAD + 2u * node->count > node->heap ||
        node->heap > RV_TREE_NODE_SIZE || (level == 0 && node->count == 0)) {
        return false;
    }
    const uint32_t head = level == 0 ? RV_TREE_LEAF_HEAD : RV_TREE_INNER_HEAD;
    uint32_t size = 0;
    for (uint32_t i = 0; i < node->count; i += 1) {
        if (node->offsets[i] < node->heap || node->offsets[i] + head > RV_TREE_NODE_SIZE) {
            return false;
        }
        const rv_tree_entry entry = rv_tree_entry_of(node, i);
        if (node->offsets[i] + head + entry.bytes.len > RV_TREE_NODE_SIZE) {
            return false;
        }
        size += head + (uint32_t)entry.bytes.len;
    }
    return size + node->loose == RV_TREE_NODE_SIZE - node->heap;
}

/* An entry behind an entry: the rows tell the order of keys that are cut. */
static bool entry_follows(const rv_tree_entry *before, const rv_tree_entry *entry) {
    const int order = rv_bytes_compare(before->bytes, entry->bytes);
    RV_ASSERT(entry->place != 0 && before->place != 0);
    return order < 0 || (order == 0 && before->cut == entry->cut &&
                         (entry->cut || before->place < entry->place));
}

/* A separator behind an entry, which rv_tree_compare must find less: so its key does not begin the
 * separator either, and between equal bytes both are cut or the places tell. */
static bool separator_follows(const rv_tree_entry *before, const rv_tree_entry *separator) {
    const size_t len = before->bytes.len;
    RV_ASSERT(before->place != 0);
    if (len > separator->bytes.len) {
        return rv_bytes_compare(before->bytes, separator->bytes) < 0;
    }
    const int order = rv_bytes_compare(before->bytes, rv_bytes_of(separator->bytes.ptr, len));
    return order < 0 ||
           (order == 0 && len == separator->bytes.len && before->cut == separator->cut &&
            (separator->cut || before->place < separator->place));
}

/* An entry behind a separator: one that is cut names it. Of others, one with a place stands between
 * whole keys that are equal, and the entry may be a later one by now. */
static bool entry_behind_separator(const rv_tree_entry *separator, const rv_tree_entry *entry) {
    const int order = rv_bytes_compare(separator->bytes, entry->bytes);
    RV_ASSERT(entry->place != 0);
    if (separator->cut) {
        return order == 0 && entry->cut && entry->place == separator->place;
    }
    const bool named = separator->place != 0;
    return order < 0 ||
           (order == 0 && (!named || (!entry->cut && separator->place <= entry->place)));
}

/* The next entry or separator in order comes rightly behind the one before. */
static bool meet(walk *w, const rv_tree_entry *entry, bool divides) {
    bool sound = true;
    if (w->any && divides) {
        sound = !w->divides && separator_follows(&w->before, entry); /* a leaf is never empty */
    } else if (w->any) {
        sound = w->divides ? entry_behind_separator(&w->before, entry)
                           : entry_follows(&w->before, entry);
    }
    w->before = *entry;
    w->any = true;
    w->divides = divides;
    return sound;
}

static bool leaf_is_sound(walk *w, uint32_t place) {
    const rv_tree_node *const leaf = rv_tree_node_read(w->pages, place);
    RV_ASSERT(rv_tree_node_is_sound(leaf, 0));
    bool sound = leaf->prev == w->leaf;
    if (w->leaf != 0) {
        sound = sound && rv_tree_node_read(w->pages, w->leaf)->next == place;
    }
    for (uint32_t i = 0; i < leaf->count && sound; i += 1) {
        const rv_tree_entry entry = rv_tree_entry_of(leaf, i);
        sound = entry.place != 0 && meet(w, &entry, false);
    }
    w->count += leaf->count;
    w->leaf = place;
    return sound;
}

/* Walks below an inner root. */
static bool nodes_are_sound(walk *w, uint32_t root_level) {
    uint32_t level = root_level;
    bool sound = true;
    for (uint64_t left = 4 * (uint64_t)w->pages->total * RV_PAGE_ROOM; sound; left -= 1) {
        const rv_tree_node *const node = rv_tree_node_read(w->pages, w->nodes[level]);
        RV_ASSERT(left > 0 && rv_tree_node_is_sound(node, level));
        const uint32_t nth = w->next[level];
        if (nth > node->count) {
            if (level == root_level) {
                return true;
            }
            level += 1;
            continue;
        }
        w->next[level] += 1;
        if (nth > 0) {
            const rv_tree_entry separator = rv_tree_entry_of(node, nth - 1);
            sound = meet(w, &separator, true);
        }
        const uint32_t child = rv_tree_child_of(node, nth);
        if (level == 1) {
            sound = sound && leaf_is_sound(w, child);
            continue;
        }
        level -= 1;
        w->nodes[level] = child;
        w->next[level] = 0;
    }
    return false;
}

bool rv_tree_is_sound(const rv_pages *pages, const rv_tree *tree) {
    walk w = {.pages = pages};
    if (tree->root == 0) {
        return tree->count == 0;
    }
    const uint32_t level = rv_tree_node_read(pages, tree->root)->level;
    RV_ASSERT(level < RV_TREE_DEPTH_MAX);
    w.nodes[level] = tree->root;
    const bool sound = level == 0 ? leaf_is_sound(&w, tree->root) : nodes_are_sound(&w, level);
    return sound && w.count == tree->count && rv_tree_node_read(pages, w.leaf)->next == 0;
}
