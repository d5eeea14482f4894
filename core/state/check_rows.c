/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes, streams, rows and values of a checkpoint: see check.h. */
#include "core/state/check.h"

#include "core/base/utf8.h"
#include "core/model/value_check.h"
#include "core/state/table.h"

static uint64_t entry_of(uint32_t hash, uint32_t place) {
    return (uint64_t)hash << 32 | place;
}

/* --- indexes --- */

/* One bucket of the chain that bucket `number` begins. */
static bool check_bucket(rv_check *c, const rv_index *index, uint32_t which, uint32_t number,
                         const rv_bucket *bucket, uint64_t *entries) {
    if (bucket->count > RV_BUCKET_ENTRIES) {
        return rv_check_fail(c, "a bucket");
    }
    for (uint32_t i = 0; i < bucket->count; i += 1) {
        if (rv_index_bucket_number(bucket->hashes[i], index->buckets.count) != number) {
            return rv_check_fail(c, "an entry's bucket");
        }
        rv_check_use(c, RV_CHECK_ENTRY, which, entry_of(bucket->hashes[i], bucket->places[i]));
    }
    *entries += bucket->count;
    return true;
}

/* Bucket `n`, and those that it has overflown into. */
static bool check_chain(rv_check *c, const rv_index *index, uint32_t which, uint32_t n) {
    const rv_bucket *bucket =
        (const rv_bucket *)(const void *)rv_lines_read(c->pages, &index->buckets, n);
    bool good = check_bucket(c, index, which, n, bucket, &c->count);
    while (good && bucket->overflow != 0) {
        const uint32_t place = bucket->overflow;
        if (c->steps_left == 0 || !rv_check_place_is(c, place, RV_PAGE_HEAP, RV_LINE_SIZE)) {
            return rv_check_fail(c, "an overflowing bucket");
        }
        c->steps_left -= 1;
        rv_check_use(c, RV_CHECK_SLOT, RV_CHECK_OVERFLOW, place);
        bucket = (const rv_bucket *)(const void *)rv_slots_read(c->pages, place, RV_LINE_SIZE);
        good = check_bucket(c, index, which, n, bucket, &c->count);
    }
    return good;
}

static rv_check_step check_index(rv_check *c, const rv_index *index, uint32_t which) {
    if (!c->begun) {
        if (!rv_check_lines(c, &index->buckets, RV_PAGE_BUCKETS)) {
            return RV_CHECK_WRONG;
        }
        c->begun = true;
        c->nth = 0;
        c->count = 0;
    }
    for (; c->nth < index->buckets.count; c->nth += 1) {
        if (!rv_check_spend(c, 1)) {
            return RV_CHECK_LATER;
        }
        if (!check_chain(c, index, which, c->nth)) {
            return RV_CHECK_WRONG;
        }
    }
    c->begun = false;
    return c->count == index->count || rv_check_fail(c, "an index's count") ? RV_CHECK_DONE
                                                                            : RV_CHECK_WRONG;
}

/* --- the heap --- */

/* A slot of the heap that something of this length is in. */
static bool use_slot(rv_check *c, uint32_t place, uint32_t len) {
    const uint32_t size_class = rv_heap_class(len);
    if (!rv_check_place_is(c, place, RV_PAGE_HEAP, rv_heap_class_size(size_class))) {
        return rv_check_fail(c, "a value's place");
    }
    rv_check_use(c, RV_CHECK_SLOT, size_class, place);
    return true;
}

/* What a cell has in the heap. */
static bool use_heap(rv_check *c, const rv_cell *cell) {
    if (rv_heap_is_run(cell)) {
        return use_slot(c, cell->as.place, cell->len);
    }
    uint32_t place = cell->as.place;
    uint32_t left = cell->len;
    while (left > 0) {
        const uint32_t len = left < RV_HEAP_PIECE ? left : RV_HEAP_PIECE;
        if (c->steps_left == 0 || !use_slot(c, place, len + (uint32_t)sizeof place)) {
            return rv_check_fail(c, "a value in pieces");
        }
        c->steps_left -= 1;
        memcpy(&place, rv_slots_read(c->pages, place, rv_heap_class_size(rv_heap_class(len + 4))),
               sizeof place);
        left -= len;
    }
    return place == 0 || rv_check_fail(c, "a value in pieces");
}

/* --- a base under way --- */

bool rv_check_base(rv_check *c) {
    const rv_base_root *const base = &rv_root_of(c->pages)->base;
    const bool none = base->under_way == 0;
    if (base->under_way > 1 || (none && (base->parts != 0 || base->selection.len != 0)) ||
        (!none && base->selection.len == 0) || base->position > RV_POSITION_MAX ||
        (base->selection.len > RV_CELL_INLINE && !use_heap(c, &base->selection))) {
        return rv_check_fail(c, "a base");
    }
    rv_cell part = base->top;
    for (uint32_t left = base->parts; left > 0; left -= 1) {
        if (part.len <= sizeof part || c->steps_left == 0 || !use_heap(c, &part)) {
            return rv_check_fail(c, "a part of a base");
        }
        c->steps_left -= 1;
        uint32_t place = part.as.place;
        uint32_t len = part.len;
        const rv_bytes bytes = rv_heap_is_run(&part) ? rv_heap_run(c->pages, &part)
                                                     : rv_heap_piece(c->pages, &place, &len);
        RV_ASSERT(bytes.len >= sizeof part);
        memcpy(&part, bytes.ptr, sizeof part);
    }
    return part.len == 0 || rv_check_fail(c, "a part of a base");
}

/* --- streams --- */

static bool check_stream(rv_check *c, const rv_stream_line *line, uint32_t number) {
    const bool declared = line->declaration < rv_schema_stream_count(c->schema);
    if ((!declared && line->declaration != RV_NONE) || line->path.len == 0 ||
        line->path.len > RV_PATH_LEN_MAX || line->last_sequence > c->last_sequence ||
        line->first_sequence > line->last_sequence || line->last_position > RV_POSITION_MAX) {
        return rv_check_fail(c, "a stream's head");
    }
    if (line->path.len > RV_CELL_INLINE && !use_heap(c, &line->path)) {
        return false;
    }
    const rv_bytes path = rv_heap_run(c->pages, &line->path);
    if (path.ptr[0] != '/' || !rv_utf8_valid(path, NULL)) {
        return rv_check_fail(c, "a stream's path");
    }
    const uint32_t hash = rv_streams_path_hash(c->hash_key, path);
    rv_check_meet(c, RV_CHECK_ENTRY, RV_CHECK_STREAM_INDEX, entry_of(hash, number + 1));
    return true;
}

static rv_check_step check_stream_lines(rv_check *c) {
    const rv_root *const root = rv_root_of(c->pages);
    c->nth = c->begun ? c->nth : 0;
    c->begun = true;
    for (; c->nth < root->streams.count; c->nth += 1) {
        if (!rv_check_spend(c, 1)) {
            return RV_CHECK_LATER;
        }
        if (!check_stream(c, rv_streams_read(c->pages, c->nth), c->nth)) {
            return RV_CHECK_WRONG;
        }
    }
    c->begun = false;
    return RV_CHECK_DONE;
}

rv_check_step rv_check_streams(rv_check *c) {
    const rv_root *const root = rv_root_of(c->pages);
    rv_check_step step = RV_CHECK_DONE;
    for (; c->part < 3 && step == RV_CHECK_DONE; c->part += step == RV_CHECK_DONE) {
        if (c->part == 0) {
            const bool good = rv_check_lines(c, &root->streams, RV_PAGE_STREAMS);
            step = good ? RV_CHECK_DONE : RV_CHECK_WRONG;
        } else {
            step = c->part == 1 ? check_index(c, &root->stream_index, RV_CHECK_STREAM_INDEX)
                                : check_stream_lines(c);
        }
    }
    RV_ASSERT(step != RV_CHECK_WRONG || c->wrong != NULL);
    return step;
}

/* --- rows --- */

static bool check_value(rv_check *c, const rv_table *table, const rv_type *type, const uint8_t *row,
                        uint16_t column) {
    rv_value value;
    rv_arena_reset(c->scratch, 0);
    rv_status status = rv_row_get(c->pages, table, row, column, c->scratch, &value);
    if (status == RV_OK) {
        status = rv_value_check(type, &value, c->scratch);
    }
    return status == RV_OK || rv_check_fail(c, status == RV_MEMORY_EXHAUSTED
                                                   ? "a value too long for this node's memory"
                                                   : "a value of another type");
}

/* The key of a row, whose values are good, is in the index. */
static bool check_key(rv_check *c, const rv_aggregate *aggregate, const rv_table *table,
                      uint32_t place) {
    const uint8_t *const row = rv_rows_read(c->pages, table, place);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    RV_ASSERT(table->key_count == aggregate->key_count);
    rv_arena_reset(c->scratch, 0);
    for (uint16_t i = 0; i < table->key_count; i += 1) {
        if (rv_row_get(c->pages, table, row, table->keys[i], c->scratch, &key[i]) != RV_OK) {
            return rv_check_fail(c, "a key too long for this node's memory");
        }
    }
    const uint32_t hash = rv_rows_keys_hash(c->hash_key, key, table->key_count);
    rv_check_meet(c, RV_CHECK_ENTRY, RV_CHECK_ROW_INDEX + (uint32_t)aggregate->number,
                  entry_of(hash, place));
    return true;
}

static bool check_row(rv_check *c, const rv_aggregate *aggregate, const rv_table *table,
                      uint32_t place) {
    const uint8_t *const row = rv_rows_read(c->pages, table, place);
    const uint32_t owner = rv_row_head_of(row).owner;
    bool whole = owner < rv_streams_count(c->pages) || owner == RV_ROW_OWNER_GIVEN;
    for (uint16_t i = 0; i < table->key_count; i += 1) {
        whole = whole && !rv_row_is_null(row, table->keys[i]);
    }
    if (!whole) {
        return rv_check_fail(c, "a row's owner or key");
    }
    for (uint16_t i = 0; i < table->column_count; i += 1) {
        const bool null = rv_row_is_null(row, i);
        if (table->cells[i].form >= RV_CELL_BYTES) {
            rv_cell cell;
            const bool in_heap = rv_row_in_heap(table, row, i, &cell);
            if (null ? cell.len != 0 : in_heap && !use_heap(c, &cell)) {
                return rv_check_fail(c, "a cell");
            }
        }
        if ((!null && !check_value(c, table, &aggregate->columns[i].type, row, i)) ||
            (!null && rv_row_is_unknown(table, row, i))) {
            return rv_check_fail(c, "a cell that is unknown");
        }
    }
    return check_key(c, aggregate, table, place);
}

/* Its page. */
static bool check_head(rv_check *c, const rv_aggregate *aggregate) {
    const uint16_t number = aggregate->number;
    const uint32_t page = rv_root_of(c->pages)->tables[number];
    if (!rv_check_page_is(c, page, RV_PAGE_TABLE)) {
        return rv_check_fail(c, "a table's page");
    }
    rv_check_use(c, RV_CHECK_PAGE, 0, page);
    const rv_table *const table = (const rv_table *)(const void *)rv_pages_read(c->pages, page);
    if (table->head.tag != number || !rv_table_fits(table, aggregate) ||
        table->rows.kind != RV_PAGE_ROWS || table->rows.size != table->row_size ||
        table->rows.tag != number || table->serial_last < 0) {
        return rv_check_fail(c, "a table");
    }
    return true;
}

static rv_check_step check_rows(rv_check *c, const rv_aggregate *aggregate, const rv_table *table) {
    rv_check_list *const list = &c->list;
    const uint32_t owner = RV_CHECK_ROWS + (uint32_t)aggregate->number;
    if (!c->begun && !rv_check_list_begin(c, list, &table->rows, owner)) {
        return RV_CHECK_WRONG;
    }
    c->begun = true;
    bool good = true;
    while (good && list->page != 0) {
        if (!rv_check_spend(c, 1u + list->fresh)) {
            return RV_CHECK_LATER;
        }
        for (uint32_t i = 0; i < list->fresh && good; i += 1) {
            if (rv_check_list_uses(list, i)) {
                good = check_row(c, aggregate, table, rv_slot_place(list->page, i));
            }
        }
        good = good && rv_check_list_next(c, list);
    }
    c->begun = false;
    good = good && (list->slot_count == table->row_count || rv_check_fail(c, "a table's count"));
    return good ? RV_CHECK_DONE : RV_CHECK_WRONG;
}

rv_check_step rv_check_table(rv_check *c, uint16_t number) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(c->schema, number);
    rv_check_step step = RV_CHECK_DONE;
    for (; c->part < 4 && step == RV_CHECK_DONE; c->part += step == RV_CHECK_DONE) {
        if (c->part == 0) { /* before it is one, nothing in it is looked at */
            step = check_head(c, aggregate) ? RV_CHECK_DONE : RV_CHECK_WRONG;
            continue;
        }
        const uint32_t page = rv_root_of(c->pages)->tables[number];
        const rv_table *const table = (const rv_table *)(const void *)rv_pages_read(c->pages, page);
        step = c->part == 1   ? check_index(c, &table->index, RV_CHECK_ROW_INDEX + (uint32_t)number)
               : c->part == 2 ? check_rows(c, aggregate, table)
                              : rv_check_trees(c, aggregate, table);
    }
    c->part = step == RV_CHECK_DONE ? 0 : c->part;
    return step;
}
