/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secondary indexes of a checkpoint: see check.h. A tree is right when its nodes are well made, its
 * entries are those of the rows (a balance of its own), and they are in order; where keys are cut
 * the rows tell, which by then are known to be rows.
 */
#include "core/state/check.h"

#include "core/state/sorted.h"
#include "core/state/tree_node.h"

/* What is looked at of each. */
enum { NODES, ENTRIES, ORDER, CUT_KEYS, PARTS };

#define NODE_WORK 8u /* of a node, whose entries are looked at */

static uint64_t entry_hash(const rv_check *c, const rv_sorted_source *source, rv_bytes bytes,
                           bool cut, uint32_t place) {
    const uint64_t thing = (uint64_t)place << 1 | cut;
    RV_ASSERT(bytes.len <= RV_TREE_KEY_MAX);
    return rv_hash64(rv_check_mix(c, RV_CHECK_TREE, source->aggregate->number, thing), bytes);
}

/* A node: where it lies, and where its entries lie in it. */
static bool check_node(rv_check *c, const rv_sorted_source *source, uint32_t place,
                       uint32_t level) {
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
        c->tree.cut = c->tree.cut || entry.cut;
        c->tree.balance += entry_hash(c, source, entry.bytes, entry.cut, entry.place);
    }
    return true;
}

static bool begin_nodes(rv_check *c, const rv_sorted_source *source, const rv_tree *tree) {
    rv_check_tree *const t = &c->tree;
    if (!rv_check_place_is(c, tree->root, RV_PAGE_TREE, RV_TREE_NODE_SIZE)) {
        return rv_check_fail(c, "the root of an index");
    }
    t->root_level = rv_tree_node_read(c->pages, tree->root)->level;
    if (t->root_level >= RV_TREE_DEPTH_MAX || !check_node(c, source, tree->root, t->root_level)) {
        return rv_check_fail(c, "the root of an index");
    }
    t->level = t->root_level;
    t->nodes[t->level] = tree->root;
    t->next[t->level] = 0;
    return true;
}

/* All nodes of a tree, each once: levels fall from the root down, so this ends. */
static rv_check_step check_nodes(rv_check *c, const rv_sorted_source *source, const rv_tree *tree) {
    rv_check_tree *const t = &c->tree;
    if (!c->begun && !begin_nodes(c, source, tree)) {
        return RV_CHECK_WRONG;
    }
    c->begun = true;
    while (t->level > 0 && t->level <= t->root_level) { /* each turn visits a node or leaves one */
        if (!rv_check_spend(c, NODE_WORK)) {
            return RV_CHECK_LATER;
        }
        const uint32_t level = t->level;
        const rv_tree_node *const node = rv_tree_node_read(c->pages, t->nodes[level]);
        if (t->next[level] > node->count) {
            t->level += 1;
            continue;
        }
        const uint32_t child = rv_tree_child_of(node, t->next[level]);
        t->next[level] += 1;
        if (!check_node(c, source, child, level - 1)) {
            return RV_CHECK_WRONG;
        }
        if (level > 1) {
            t->level = level - 1;
            t->nodes[level - 1] = child;
            t->next[level - 1] = 0;
        }
    }
    c->begun = false;
    return RV_CHECK_DONE;
}

/* The entries are those of the rows. */
static rv_check_step check_entries(rv_check *c, rv_sorted_source *source) {
    rv_check_tree *const t = &c->tree;
    const uint32_t page = rv_root_of(c->pages)->tables[source->aggregate->number];
    const rv_at rows = {page, (uint32_t)offsetof(rv_table, rows)};
    t->place = c->begun ? t->place : rv_slots_next(c->pages, rows, RV_SLOT_NONE);
    c->begun = true;
    while (t->place != RV_SLOT_NONE) {
        if (!rv_check_spend(c, 1)) {
            return RV_CHECK_LATER;
        }
        rv_sorted_key key;
        source->place = t->place;
        rv_sorted_key_make(source, &key);
        t->balance -= entry_hash(c, source, rv_bytes_of(key.bytes, key.len), key.cut, t->place);
        t->place = rv_slots_next(c->pages, rows, t->place);
    }
    c->begun = false;
    return t->balance == 0 || rv_check_fail(c, "the entries of an index") ? RV_CHECK_DONE
                                                                          : RV_CHECK_WRONG;
}

static rv_check_step check_order(rv_check *c, const rv_tree *tree) {
    rv_tree_walk *const walk = &c->tree.walk;
    if (!c->begun) {
        rv_tree_walk_begin(walk, c->pages, tree);
    }
    c->begun = true;
    bool sound = true;
    while (sound && !walk->over) { /* each turn visits a node or leaves one */
        if (!rv_check_spend(c, NODE_WORK)) {
            return RV_CHECK_LATER;
        }
        sound = rv_tree_walk_step(walk);
    }
    c->begun = false;
    sound = sound && rv_tree_walk_fits(walk, tree);
    return sound || rv_check_fail(c, "the order of an index") ? RV_CHECK_DONE : RV_CHECK_WRONG;
}

/* Where keys that are cut are equal, the rows are in order. */
static rv_check_step check_cut(rv_check *c, rv_sorted_source *source, const rv_tree *tree) {
    rv_check_tree *const t = &c->tree;
    if (!c->begun) {
        t->cursor = rv_tree_first(c->pages, tree);
        t->left = t->cut ? tree->count : 0;
    }
    c->begun = true;
    for (; t->left > 1; t->left -= 1) {
        if (!rv_check_spend(c, 2)) {
            return RV_CHECK_LATER;
        }
        const rv_tree_cursor next = rv_tree_next(c->pages, t->cursor);
        source->place = rv_tree_place(c->pages, t->cursor);
        rv_sorted_key key;
        rv_sorted_key_make(source, &key);
        const rv_tree_key sought = rv_sorted_key_at(&key, source, source->place);
        if (rv_tree_compare_at(c->pages, next, &sought) >= 0) {
            (void)rv_check_fail(c, "the order of an index");
            return RV_CHECK_WRONG;
        }
        t->cursor = next;
    }
    c->begun = false;
    return RV_CHECK_DONE;
}

/* One index, from where it was. */
static rv_check_step check_tree(rv_check *c, rv_sorted_source *source, const rv_tree *tree) {
    rv_check_tree *const t = &c->tree;
    rv_check_step step = RV_CHECK_DONE;
    if (tree->count != source->table->row_count) {
        (void)rv_check_fail(c, "an index's count");
        return RV_CHECK_WRONG;
    }
    for (; t->part < PARTS && step == RV_CHECK_DONE; t->part += step == RV_CHECK_DONE) {
        step = t->part == NODES     ? check_nodes(c, source, tree)
               : t->part == ENTRIES ? check_entries(c, source)
               : t->part == ORDER   ? check_order(c, tree)
                                    : check_cut(c, source, tree);
    }
    return step;
}

rv_check_step rv_check_trees(rv_check *c, const rv_aggregate *aggregate, const rv_table *table) {
    rv_check_tree *const t = &c->tree;
    rv_check_step step = RV_CHECK_DONE;
    while (t->number < RV_INDEXES_MAX && step == RV_CHECK_DONE) {
        const rv_tree *const tree = &table->trees[t->number];
        if (t->number >= aggregate->index_count || table->row_count == 0) {
            if (tree->root != 0 || tree->count != 0) {
                (void)rv_check_fail(c, "an index of nothing");
                return RV_CHECK_WRONG;
            }
        } else {
            const rv_aggregate_index *const index = &aggregate->indexes[t->number];
            rv_sorted_source source = {.pages = c->pages,
                                       .table = table,
                                       .aggregate = aggregate,
                                       .index = index,
                                       .count = index->column_count};
            step = check_tree(c, &source, tree);
        }
        if (step == RV_CHECK_DONE) {
            *t = (rv_check_tree){.number = t->number + 1};
        }
    }
    t->number = step == RV_CHECK_DONE ? 0 : t->number;
    return step;
}
