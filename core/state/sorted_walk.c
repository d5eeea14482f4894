/* SPDX-License-Identifier: Apache-2.0 */
/* Walking through a secondary index, between two ends and either way: the face of sorted.h in
 * state.h. */
#include "core/state/inside.h"
#include "core/state/sorted.h"
#include "core/state/tree_node.h"

/* Rows ahead of the walk that are fetched, and the bytes that come at once. */
#define AHEAD      16u
#define CACHE_LINE 64u

RV_STATIC_ASSERT(sizeof(((rv_index_walk *)NULL)->end) >= sizeof(rv_sorted_key), "the end fits");

static rv_sorted_source source_of(const rv_state *state, const rv_index_range *range,
                                  const rv_index_end *end) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(state->schema, range->aggregate);
    RV_ASSERT(range->index < aggregate->index_count);
    RV_ASSERT(end->count <= aggregate->indexes[range->index].column_count);
    return (rv_sorted_source){.pages = &state->pages,
                              .table = rv_table_of(&state->pages, range->aggregate),
                              .aggregate = aggregate,
                              .index = &aggregate->indexes[range->index],
                              .values = end->values,
                              .count = end->count};
}

/* Where an end stands among entries with its values: before or behind them. */
static uint32_t side_of(const rv_index_end *end, bool low) {
    return low == end->inclusive ? 0 : RV_TREE_AFTER;
}

/* Finds where the walk ends in the leaf that it has come to: at which entry, or at none of them.
 * One search a leaf is less than a comparison a row. */
static void find_end(const rv_state *state, rv_index_walk *walk) {
    const rv_index_range *const range = walk->range;
    const rv_index_end *const end = range->descending ? &range->low : &range->high;
    if (walk->node == 0) {
        return;
    }
    const rv_tree_node *const leaf = rv_tree_node_read(&state->pages, walk->node);
    walk->end_nth = range->descending ? 0 : leaf->count;
    if (end->count == 0) {
        return;
    }
    const rv_sorted_source source = source_of(state, range, end);
    rv_sorted_key key;
    memcpy(&key, walk->end, sizeof key);
    const rv_tree_key to = rv_sorted_key_at(&key, &source, side_of(end, range->descending));
    walk->end_nth = rv_tree_node_search(leaf, &to);
}

/* Has the processor fetch rows of the leaf that the walk will come to, from so many on and before
 * its end: rows lie in no order of the index's, so each would be waited for. */
static inline void fetch_ahead(const rv_state *state, const rv_index_walk *walk,
                               const rv_tree_node *leaf, uint32_t from, uint32_t count) {
    const bool descending = walk->range->descending;
    const uint32_t left = descending ? walk->nth - walk->end_nth + 1 : walk->end_nth - walk->nth;
    const rv_table *const table = rv_table_of(&state->pages, walk->range->aggregate);
    for (uint32_t i = from; i < from + count && i < left; i++) {
        const uint32_t nth = descending ? walk->nth - i : walk->nth + i;
        const uint32_t place = rv_tree_entry_of(leaf, nth).place;
        const uint8_t *const row = rv_rows_read(&state->pages, table, place);
        __builtin_prefetch(row);
        __builtin_prefetch(row + CACHE_LINE);
    }
}

/* The row that the walk is at, which is not beyond its end. */
static rv_row row_at(const rv_state *state, const rv_index_walk *walk) {
    const rv_tree_node *const leaf = rv_tree_node_read(&state->pages, walk->node);
    RV_ASSERT(leaf->level == 0);
    fetch_ahead(state, walk, leaf, AHEAD, 1);
    return rv_tree_entry_of(leaf, walk->nth).place;
}

/* The first row of the leaf that the walk has come to, if that is not beyond its end. The ones
 * behind it nobody has asked for yet. */
static rv_row row_of_leaf(const rv_state *state, rv_index_walk *walk) {
    find_end(state, walk);
    const bool beyond =
        walk->range->descending ? walk->nth < walk->end_nth : walk->nth >= walk->end_nth;
    if (walk->node == 0 || beyond) {
        return RV_ROW_NONE;
    }
    const rv_tree_node *const leaf = rv_tree_node_read(&state->pages, walk->node);
    fetch_ahead(state, walk, leaf, 0, AHEAD + 1);
    return rv_tree_entry_of(leaf, walk->nth).place;
}

rv_row rv_state_index_first(const rv_state *state, const rv_index_range *range,
                            rv_index_walk *walk) {
    *walk = (rv_index_walk){.range = range};
    const rv_table *const table = rv_table_of(&state->pages, range->aggregate);
    if (table == NULL) {
        return RV_ROW_NONE;
    }
    const rv_tree *const tree = &table->trees[range->index];
    const rv_index_end *const start = range->descending ? &range->high : &range->low;
    const rv_index_end *const end = range->descending ? &range->low : &range->high;
    rv_sorted_key key;
    if (end->count > 0) {
        const rv_sorted_source source = source_of(state, range, end);
        rv_sorted_key_make(&source, &key);
        memcpy(walk->end, &key, sizeof key);
    }
    rv_tree_cursor at;
    if (start->count == 0) {
        at = range->descending ? rv_tree_last(&state->pages, tree)
                               : rv_tree_first(&state->pages, tree);
    } else {
        const rv_sorted_source source = source_of(state, range, start);
        rv_sorted_key_make(&source, &key);
        const rv_tree_key from =
            rv_sorted_key_at(&key, &source, side_of(start, !range->descending));
        at = range->descending ? rv_tree_seek_below(&state->pages, tree, &from)
                               : rv_tree_seek(&state->pages, tree, &from);
    }
    walk->node = at.node;
    walk->nth = at.nth;
    RV_ASSERT(walk->range == range);
    return row_of_leaf(state, walk);
}

rv_row rv_state_index_next(const rv_state *state, rv_index_walk *walk) {
    const bool descending = walk->range->descending;
    RV_ASSERT(walk->node != 0);
    if (descending ? walk->nth > walk->end_nth : walk->nth + 1 < walk->end_nth) {
        walk->nth = descending ? walk->nth - 1 : walk->nth + 1;
        return row_at(state, walk);
    }
    const rv_tree_cursor at = {walk->node, walk->nth};
    const rv_tree_cursor to =
        descending ? rv_tree_prev(&state->pages, at) : rv_tree_next(&state->pages, at);
    if (to.node == walk->node) {
        return RV_ROW_NONE;
    }
    walk->node = to.node;
    walk->nth = to.nth;
    return row_of_leaf(state, walk);
}
