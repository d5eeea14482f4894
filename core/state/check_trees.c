/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secondary indexes of a checkpoint: see check.h. A tree is right when its nodes are well made, its
 * entries are those of the rows (a balance of its own), and they are in order; where keys are cut
 * the rows tell, which by then are known to be rows.
 */
#include "core/state/check.h"

#include "core/state/sorted.h"
#include "core/state/tree_node.h"

typedef struct tree_check {
    rv_check *c;
    rv_sorted_source source;
    uint64_t balance;
    bool cut; /* some key is */
} tree_check;

static uint64_t entry_hash(const tree_check *t, rv_bytes bytes, bool cut, uint32_t place) {
    const uint64_t thing = (uint64_t)place << 1 | cut;
    RV_ASSERT(bytes.len <= RV_TREE_KEY_MAX);
    return rv_hash64(rv_check_mix(t->c, RV_CHECK_TREE, t->source.aggregate->number, thing), bytes);
}

/* A node: where it lies, and where its entries lie in it. */
static bool check_node(tree_check *t, uint32_t place, uint32_t level) {
    rv_check *const c = t->c;
    if (c->nodes_left == 0 || !rv_check_place_is(c, place, RV_PAGE_TREE, RV_TREE_NODE_SIZE)) {
        return rv_check_fail(c, "the place of an index's node");
    }
    c->nodes_left -= 1;
    rv_check_use(c, RV_CHECK_SLOT, RV_CHECK_TREES, place);
    const rv_tree_node *const node = rv_tree_node_read(c->pages, place);
    if (!rv_tree_node_is_sound(node, level)) {
        return rv_check_fail(c, "an index's node");
    }
    for (uint32_t i = 0; level == 0 && i < node->count; i += 1) {
        const rv_tree_entry entry = rv_tree_entry_of(node, i);
        t->cut = t->cut || entry.cut;
        t->balance += entry_hash(t, entry.bytes, entry.cut, entry.place);
    }
    return true;
}

/* All nodes of a tree, each once: levels fall from the root down, so this ends. */
static bool check_nodes(tree_check *t, const rv_tree *tree) {
    rv_check *const c = t->c;
    uint32_t nodes[RV_TREE_DEPTH_MAX];
    uint32_t next[RV_TREE_DEPTH_MAX];
    if (!rv_check_place_is(c, tree->root, RV_PAGE_TREE, RV_TREE_NODE_SIZE)) {
        return rv_check_fail(c, "the root of an index");
    }
    const uint32_t root_level = rv_tree_node_read(c->pages, tree->root)->level;
    if (root_level >= RV_TREE_DEPTH_MAX || !check_node(t, tree->root, root_level)) {
        return rv_check_fail(c, "the root of an index");
    }
    uint32_t level = root_level;
    nodes[level] = tree->root;
    next[level] = 0;
    while (level > 0 && level <= root_level) { /* each turn visits a node or leaves one */
        const rv_tree_node *const node = rv_tree_node_read(c->pages, nodes[level]);
        if (next[level] > node->count) {
            level += 1;
            continue;
        }
        const uint32_t child = rv_tree_child_of(node, next[level]);
        next[level] += 1;
        if (!check_node(t, child, level - 1)) {
            return false;
        }
        if (level > 1) {
            level -= 1;
            nodes[level] = child;
            next[level] = 0;
        }
    }
    return true;
}

/* The entries are those of the rows. */
static bool check_entries(tree_check *t, uint32_t page) {
    rv_check *const c = t->c;
    const rv_at rows = {page, (uint32_t)offsetof(rv_table, rows)};
    uint32_t place = rv_slots_next(c->pages, rows, RV_SLOT_NONE);
    while (place != RV_SLOT_NONE) {
        rv_sorted_key key;
        t->source.place = place;
        rv_sorted_key_make(&t->source, &key);
        t->balance -= entry_hash(t, rv_bytes_of(key.bytes, key.len), key.cut, place);
        place = rv_slots_next(c->pages, rows, place);
    }
    return t->balance == 0 || rv_check_fail(c, "the entries of an index");
}

/* Where keys that are cut are equal, the rows are in order. */
static bool check_cut(tree_check *t, const rv_tree *tree) {
    rv_check *const c = t->c;
    rv_tree_cursor at = rv_tree_first(c->pages, tree);
    for (uint32_t left = tree->count; left > 1; left -= 1) {
        const rv_tree_cursor next = rv_tree_next(c->pages, at);
        t->source.place = rv_tree_place(c->pages, at);
        rv_sorted_key key;
        rv_sorted_key_make(&t->source, &key);
        const rv_tree_key sought = rv_sorted_key_at(&key, &t->source, t->source.place);
        if (rv_tree_compare_at(c->pages, next, &sought) >= 0) {
            return rv_check_fail(c, "the order of an index");
        }
        at = next;
    }
    return true;
}

bool rv_check_trees(rv_check *c, const rv_aggregate *aggregate, const rv_table *table) {
    const uint32_t page = rv_root_of(c->pages)->tables[aggregate->number];
    for (uint16_t i = 0; i < RV_INDEXES_MAX; i += 1) {
        const rv_tree *const tree = &table->trees[i];
        if (i >= aggregate->index_count || table->row_count == 0) {
            if (tree->root != 0 || tree->count != 0) {
                return rv_check_fail(c, "an index of nothing");
            }
            continue;
        }
        const rv_aggregate_index *const index = &aggregate->indexes[i];
        tree_check t = {.c = c,
                        .source = {.pages = c->pages,
                                   .table = table,
                                   .aggregate = aggregate,
                                   .index = index,
                                   .count = index->column_count}};
        if (tree->count != table->row_count || !check_nodes(&t, tree) || !check_entries(&t, page)) {
            return rv_check_fail(c, "an index's count");
        }
        if (!rv_tree_is_sound(c->pages, tree) || (t.cut && !check_cut(&t, tree))) {
            return rv_check_fail(c, "the order of an index");
        }
    }
    return true;
}
