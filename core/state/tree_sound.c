/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a tree is what tree.h says: one walk over all of it, in order, that needs no row. */
#include "core/state/tree_node.h"

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
static bool meet(rv_tree_walk *w, const rv_tree_entry *entry, bool divides) {
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

static bool leaf_is_sound(rv_tree_walk *w, uint32_t place) {
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

void rv_tree_walk_begin(rv_tree_walk *w, const rv_pages *pages, const rv_tree *tree) {
    *w = (rv_tree_walk){.pages = pages, .over = tree->root == 0};
    if (!w->over) {
        w->root_level = rv_tree_node_read(pages, tree->root)->level;
        RV_ASSERT(w->root_level < RV_TREE_DEPTH_MAX);
        w->level = w->root_level;
        w->nodes[w->level] = tree->root;
    }
}

bool rv_tree_walk_step(rv_tree_walk *w) {
    const uint32_t level = w->level;
    RV_ASSERT(!w->over && level <= w->root_level);
    if (w->root_level == 0) {
        w->over = true;
        return leaf_is_sound(w, w->nodes[0]);
    }
    const rv_tree_node *const node = rv_tree_node_read(w->pages, w->nodes[level]);
    RV_ASSERT(rv_tree_node_is_sound(node, level));
    const uint32_t nth = w->next[level];
    if (nth > node->count) {
        w->over = level == w->root_level;
        w->level += w->over ? 0 : 1;
        return true;
    }
    w->next[level] += 1;
    bool sound = true;
    if (nth > 0) {
        const rv_tree_entry separator = rv_tree_entry_of(node, nth - 1);
        sound = meet(w, &separator, true);
    }
    const uint32_t child = rv_tree_child_of(node, nth);
    if (level == 1) {
        return sound && leaf_is_sound(w, child);
    }
    w->level = level - 1;
    w->nodes[level - 1] = child;
    w->next[level - 1] = 0;
    return sound;
}

bool rv_tree_walk_fits(const rv_tree_walk *w, const rv_tree *tree) {
    RV_ASSERT(w->over);
    return w->count == tree->count &&
           (w->leaf == 0 || rv_tree_node_read(w->pages, w->leaf)->next == 0);
}

bool rv_tree_is_sound(const rv_pages *pages, const rv_tree *tree) {
    rv_tree_walk w;
    bool sound = true;
    rv_tree_walk_begin(&w, pages, tree);
    for (uint64_t left = 4 * (uint64_t)pages->total * RV_PAGE_ROOM; sound && !w.over; left -= 1) {
        RV_ASSERT(left > 0);
        sound = rv_tree_walk_step(&w);
    }
    return sound && rv_tree_walk_fits(&w, tree);
}
