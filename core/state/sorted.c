/* SPDX-License-Identifier: Apache-2.0 */
/* The secondary indexes of an aggregate: see sorted.h. */
#include "core/state/sorted.h"

static rv_at tree_at(const rv_pages *pages, const rv_aggregate *aggregate, uint16_t index) {
    const uint32_t page = rv_root_of(pages)->tables[aggregate->number];
    RV_ASSERT(page != 0 && index < aggregate->index_count);
    const size_t offset = offsetof(rv_table, trees) + index * sizeof(rv_tree);
    return (rv_at){page, (uint32_t)offset};
}

static rv_sorted_source row_source(const rv_pages *pages, const rv_aggregate *aggregate,
                                   uint16_t index, uint32_t place) {
    RV_ASSERT(index < aggregate->index_count && place != RV_SLOT_NONE);
    return (rv_sorted_source){.pages = pages,
                              .table = rv_table_of(pages, aggregate->number),
                              .aggregate = aggregate,
                              .index = &aggregate->indexes[index],
                              .count = aggregate->indexes[index].column_count,
                              .place = place};
}

static rv_status entry_remove(rv_pages *pages, const rv_aggregate *aggregate, uint16_t index,
                              const rv_sorted_key *key, const rv_sorted_source *source) {
    const rv_tree_key at = rv_sorted_key_at(key, source, source->place);
    RV_ASSERT(!key->cut || source->values == NULL);
    return rv_tree_remove(pages, tree_at(pages, aggregate, index), &at);
}

static rv_status entry_insert(rv_pages *pages, const rv_aggregate *aggregate, uint16_t index,
                              const rv_sorted_key *key, const rv_sorted_source *source) {
    const rv_tree_key at = rv_sorted_key_at(key, source, source->place);
    RV_ASSERT(source->place != RV_SLOT_NONE);
    return rv_tree_insert(pages, tree_at(pages, aggregate, index), &at);
}

rv_status rv_sorted_before(rv_pages *pages, const rv_aggregate *aggregate, uint32_t place,
                           uint32_t indexes, rv_sorted_change *change) {
    RV_ASSERT(indexes >> aggregate->index_count == 0);
    change->indexes = indexes;
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < aggregate->index_count && status == RV_OK; i += 1) {
        if ((indexes >> i & 1u) == 0) {
            continue;
        }
        const rv_sorted_source source = row_source(pages, aggregate, i, place);
        rv_sorted_key_make(&source, &change->keys[i]);
        if (change->keys[i].cut) {
            status = entry_remove(pages, aggregate, i, &change->keys[i], &source);
        }
    }
    return status;
}

static bool same_key(const rv_sorted_key *a, const rv_sorted_key *b) {
    RV_ASSERT(!a->cut);
    return !b->cut && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

rv_status rv_sorted_after(rv_pages *pages, const rv_aggregate *aggregate, uint32_t place,
                          const rv_sorted_change *change) {
    RV_ASSERT(change->indexes >> aggregate->index_count == 0);
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < aggregate->index_count && status == RV_OK; i += 1) {
        if ((change->indexes >> i & 1u) == 0) {
            continue;
        }
        const rv_sorted_key *const old = &change->keys[i];
        const rv_sorted_source source = row_source(pages, aggregate, i, place);
        rv_sorted_key made;
        rv_sorted_key_make(&source, &made);
        if (!old->cut && same_key(old, &made)) {
            continue;
        }
        if (!old->cut) {
            status = entry_remove(pages, aggregate, i, old, &source);
        }
        if (status == RV_OK) {
            status = entry_insert(pages, aggregate, i, &made, &source);
        }
    }
    return status;
}

rv_status rv_sorted_add(rv_pages *pages, const rv_aggregate *aggregate, uint32_t place) {
    rv_status status = RV_OK;
    RV_ASSERT(aggregate->index_count <= RV_INDEXES_MAX);
    for (uint16_t i = 0; i < aggregate->index_count && status == RV_OK; i += 1) {
        const rv_sorted_source source = row_source(pages, aggregate, i, place);
        rv_sorted_key key;
        rv_sorted_key_make(&source, &key);
        status = entry_insert(pages, aggregate, i, &key, &source);
    }
    return status;
}

rv_status rv_sorted_remove(rv_pages *pages, const rv_aggregate *aggregate, uint32_t place) {
    rv_status status = RV_OK;
    RV_ASSERT(aggregate->index_count <= RV_INDEXES_MAX);
    for (uint16_t i = 0; i < aggregate->index_count && status == RV_OK; i += 1) {
        const rv_sorted_source source = row_source(pages, aggregate, i, place);
        rv_sorted_key key;
        rv_sorted_key_make(&source, &key);
        status = entry_remove(pages, aggregate, i, &key, &source);
    }
    return status;
}

uint16_t rv_sorted_too_long(const rv_pages *pages, const rv_aggregate *aggregate, uint16_t index,
                            uint32_t place) {
    const rv_aggregate_index *const of = &aggregate->indexes[index];
    const rv_table *const table = rv_table_of(pages, aggregate->number);
    RV_ASSERT(index < aggregate->index_count && table != NULL);
    for (uint16_t i = 0; i < of->column_count; i += 1) {
        const uint16_t column = of->columns[i];
        if (aggregate->columns[column].type.kind == RV_TYPE_ARRAY &&
            rv_row_is_long(table, rv_rows_read(pages, table, place), column)) {
            return column;
        }
    }
    return RV_NONE;
}

/* The first entry with the key's columns from a place on, other than that of the row. */
static uint32_t find_other(const rv_pages *pages, const rv_tree *tree, const rv_sorted_key *key,
                           const rv_sorted_source *source) {
    const rv_tree_key from = rv_sorted_key_at(key, source, 0);
    const rv_tree_key to = rv_sorted_key_at(key, source, RV_TREE_AFTER);
    rv_tree_cursor at = rv_tree_seek(pages, tree, &from);
    if (at.node != 0 && rv_tree_place(pages, at) == source->place) {
        at = rv_tree_next(pages, at);
    }
    const bool found = at.node != 0 && rv_tree_compare_at(pages, at, &to) > 0;
    RV_ASSERT(!found || rv_tree_place(pages, at) != source->place);
    return found ? rv_tree_place(pages, at) : RV_SLOT_NONE;
}

uint32_t rv_sorted_twin(const rv_pages *pages, const rv_aggregate *aggregate, uint16_t index,
                        uint32_t place) {
    const rv_sorted_source source = row_source(pages, aggregate, index, place);
    RV_ASSERT(source.table != NULL);
    rv_sorted_key key;
    rv_sorted_key_make(&source, &key);
    return key.has_null ? RV_SLOT_NONE
                        : find_other(pages, &source.table->trees[index], &key, &source);
}

uint32_t rv_sorted_holder(const rv_pages *pages, const rv_aggregate *aggregate, uint16_t index,
                          const rv_value *values, uint16_t count, uint32_t except) {
    const rv_table *const table = rv_table_of(pages, aggregate->number);
    if (table == NULL) {
        return RV_SLOT_NONE;
    }
    RV_ASSERT(index < aggregate->index_count);
    const rv_sorted_source source = {.pages = pages,
                                     .table = table,
                                     .aggregate = aggregate,
                                     .index = &aggregate->indexes[index],
                                     .values = values,
                                     .count = count,
                                     .place = except};
    rv_sorted_key key;
    rv_sorted_key_make(&source, &key);
    return find_other(pages, &table->trees[index], &key, &source);
}
