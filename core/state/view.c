/* SPDX-License-Identifier: Apache-2.0 */
/* Rows at a moment: see view.h. */
#include "core/state/view.h"

static const uint8_t *page_of(const rv_view *view, uint32_t page) {
    RV_ASSERT(page != 0 && page < view->end);
    if (view->snapshot.serial == 0) {
        return rv_pages_read(view->pages, page);
    }
    const uint8_t *const bytes = rv_snapshot_read(view->pages, view->snapshot, page);
    RV_ASSERT(bytes != NULL); /* it is alive as long as nothing changes */
    return bytes;
}

static const rv_page_head *head_of(const rv_view *view, uint32_t page) {
    return (const rv_page_head *)(const void *)page_of(view, page);
}

rv_view rv_view_of(const rv_pages *pages, rv_snapshot snapshot, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    rv_view view = {.pages = pages, .snapshot = snapshot};
    view.end =
        snapshot.serial == 0 ? rv_pages_pool(pages)->fresh : rv_snapshot_end(pages, snapshot);
    const rv_root *const root = (const rv_root *)(const void *)page_of(&view, RV_PAGE_FIRST);
    const uint32_t table = root->tables[aggregate];
    if (table != 0) {
        view.table = (const rv_table *)(const void *)page_of(&view, table);
        RV_ASSERT(view.table->rows.tag == aggregate);
    }
    return view;
}

rv_view_page rv_view_page_of(const rv_view *view, uint32_t page) {
    if (view->table == NULL || page >= view->end) {
        return (rv_view_page){NULL, 0};
    }
    const rv_page_head *const head = head_of(view, page);
    const bool has = head->kind == RV_PAGE_ROWS && head->tag == view->table->rows.tag;
    RV_ASSERT(!has || head->slot_size == view->table->row_size);
    return (rv_view_page){(const uint8_t *)head, has ? head->slot_fresh : 0};
}

/* --- cells --- */

static const uint8_t *slot_of(const rv_view *view, uint32_t place) {
    const uint32_t size = head_of(view, rv_slot_page(place))->slot_size;
    return page_of(view, rv_slot_page(place)) + rv_slot_offset(place, size);
}

/* The next piece of a value in the heap: all of it, or one of a chain. `*left` is not 0. */
static rv_bytes piece_of(const rv_view *view, bool run, uint32_t *place, uint32_t *left) {
    const uint8_t *const slot = slot_of(view, *place);
    const uint32_t len = run || *left < RV_HEAP_PIECE ? *left : RV_HEAP_PIECE;
    RV_ASSERT(len > 0);
    *left -= len;
    if (run) {
        return rv_bytes_of(slot, len);
    }
    memcpy(place, slot, sizeof *place);
    return rv_bytes_of(slot + sizeof *place, len);
}

rv_status rv_view_get(const rv_view *view, const uint8_t *row, uint16_t column, rv_arena *scratch,
                      rv_value *value) {
    rv_cell cell;
    if (!rv_row_in_heap(view->table, row, column, &cell)) {
        return rv_row_get(view->pages, view->table, row, column, NULL, value);
    }
    uint32_t place = cell.as.place;
    uint32_t left = cell.len;
    if (rv_heap_is_run(&cell)) {
        *value = rv_value_bytes(piece_of(view, true, &place, &left));
        return RV_OK;
    }
    uint8_t *const whole = rv_arena_take_raw(scratch, cell.len);
    if (whole == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    while (left > 0) { /* each piece takes some of it */
        const uint32_t done = cell.len - left;
        const rv_bytes piece = piece_of(view, false, &place, &left);
        memcpy(whole + done, piece.ptr, piece.len);
    }
    RV_ASSERT(place == 0);
    *value = rv_value_bytes(rv_bytes_of(whole, cell.len));
    return RV_OK;
}

rv_status rv_view_key(const rv_view *view, const uint8_t *row, rv_arena *scratch, rv_value *key) {
    rv_status status = RV_OK;
    RV_ASSERT(view->table->key_count > 0);
    for (uint16_t i = 0; i < view->table->key_count && status == RV_OK; i += 1) {
        status = rv_view_get(view, row, view->table->keys[i], scratch, &key[i]);
    }
    return status;
}

/* --- looking up --- */

static bool value_equals(const rv_value *a, const rv_value *b) {
    RV_ASSERT(a->class_ == b->class_);
    return a->class_ == RV_VALUE_BYTES ? rv_bytes_equal(a->as.bytes, b->as.bytes)
                                       : a->as.integer == b->as.integer; /* floats are no keys */
}

/* Gives the row at a place if it has the key. */
static rv_status match(const rv_view *view, uint32_t place, const rv_value *key, rv_arena *scratch,
                       const uint8_t **found) {
    const size_t mark = rv_arena_mark(scratch);
    const uint8_t *const row = slot_of(view, place);
    rv_value met[RV_INDEX_COLUMNS_MAX];
    const rv_status status = rv_view_key(view, row, scratch, met);
    bool equal = status == RV_OK;
    for (uint16_t i = 0; i < view->table->key_count && equal; i += 1) {
        equal = value_equals(&met[i], &key[i]);
    }
    *found = equal ? row : NULL;
    rv_arena_reset(scratch, mark);
    return status;
}

/* The first bucket of a hash: rv_index_bucket, through the view. */
static const rv_bucket *bucket_of(const rv_view *view, uint32_t hash) {
    const rv_lines *const lines = &view->table->index.buckets;
    const uint32_t n = rv_index_bucket_number(hash, lines->count);
    const uint32_t nth = n / RV_LINES_IN_PAGE;
    uint32_t page;
    memcpy(&page,
           page_of(view, lines->directories[nth / RV_DIRECTORY_ROOM]) + RV_PAGE_HEAD +
               (nth % RV_DIRECTORY_ROOM) * sizeof page,
           sizeof page);
    const uint32_t offset = RV_PAGE_HEAD + (n % RV_LINES_IN_PAGE) * RV_LINE_SIZE;
    return (const rv_bucket *)(const void *)(page_of(view, page) + offset);
}

rv_status rv_view_find(const rv_view *view, uint64_t hash_key, const rv_value *key,
                       rv_arena *scratch, const uint8_t **row) {
    *row = NULL;
    if (view->table == NULL || view->table->index.buckets.count == 0) {
        return RV_OK;
    }
    const uint32_t hash = rv_rows_keys_hash(hash_key, key, view->table->key_count);
    const rv_bucket *bucket = bucket_of(view, hash);
    rv_status status = RV_OK;
    for (uint32_t left = view->end * RV_LINES_IN_PAGE; bucket != NULL; left -= 1) {
        RV_ASSERT(left > 0);
        for (uint32_t i = 0; i < bucket->count && status == RV_OK && *row == NULL; i += 1) {
            if (bucket->hashes[i] == hash) {
                status = match(view, bucket->places[i], key, scratch, row);
            }
        }
        const bool ends = bucket->overflow == 0 || status != RV_OK || *row != NULL;
        bucket = ends ? NULL : (const rv_bucket *)(const void *)slot_of(view, bucket->overflow);
    }
    return status;
}

/* --- comparing --- */

/* Both cells lead to the heap and have the same length. */
static bool heap_same(const rv_view *a, const rv_cell *cell_a, const rv_view *b,
                      const rv_cell *cell_b) {
    const bool run = rv_heap_is_run(cell_a);
    uint32_t place_a = cell_a->as.place;
    uint32_t place_b = cell_b->as.place;
    uint32_t left_a = cell_a->len;
    uint32_t left_b = cell_b->len;
    bool same = true;
    RV_ASSERT(left_a == left_b);
    while (left_a > 0 && same) { /* each piece takes some of it */
        const rv_bytes piece = piece_of(a, run, &place_a, &left_a);
        same = rv_bytes_equal(piece, piece_of(b, run, &place_b, &left_b));
    }
    return same;
}

static bool cell_same(const rv_view *a, const uint8_t *row_a, const rv_view *b,
                      const uint8_t *row_b, uint16_t column) {
    const rv_cell_layout layout = a->table->cells[column];
    rv_cell cell_a = {0};
    rv_cell cell_b = {0};
    if (rv_row_is_null(row_a, column) != rv_row_is_null(row_b, column) ||
        rv_row_is_unknown(a->table, row_a, column) != rv_row_is_unknown(b->table, row_b, column)) {
        return false;
    }
    if (layout.form < RV_CELL_BYTES) {
        return memcmp(row_a + layout.offset, row_b + layout.offset, layout.width) == 0;
    }
    const bool heap_a = rv_row_in_heap(a->table, row_a, column, &cell_a);
    const bool heap_b = rv_row_in_heap(b->table, row_b, column, &cell_b);
    if (cell_a.len != cell_b.len || heap_a != heap_b) {
        return false;
    }
    const size_t offset = layout.offset + offsetof(rv_cell, as);
    return heap_a ? heap_same(a, &cell_a, b, &cell_b)
                  : memcmp(row_a + offset, row_b + offset, cell_a.len) == 0;
}

bool rv_view_same(const rv_view *a, const uint8_t *row_a, const rv_view *b, const uint8_t *row_b) {
    bool same = true;
    RV_ASSERT(a->table->column_count == b->table->column_count);
    for (uint16_t i = 0; i < a->table->column_count && same; i += 1) {
        same = cell_same(a, row_a, b, row_b, i);
    }
    return same;
}

bool rv_view_same_values(const rv_view *a, const uint8_t *row_a, const rv_view *b,
                         const uint8_t *row_b) {
    bool same = true;
    RV_ASSERT(a->table->row_size == b->table->row_size);
    for (uint16_t i = 0; i < a->table->column_count && same; i += 1) {
        rv_cell cell;
        if (rv_row_in_heap(a->table, row_a, i, &cell)) {
            same = cell_same(a, row_a, b, row_b, i);
        }
    }
    return same;
}

bool rv_view_alike(const rv_view *a, const rv_view *b) {
    const size_t layout = offsetof(rv_table, row_size);
    return a->table == NULL || b->table == NULL ||
           memcmp((const uint8_t *)a->table + layout, (const uint8_t *)b->table + layout,
                  offsetof(rv_table, trees) - layout) == 0;
}
