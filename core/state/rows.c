/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: see rows.h. */
#include "core/state/rows.h"

#include "core/state/table.h"

/* The place of a member of an aggregate's table. */
static rv_at table_at(const rv_pages *pages, uint16_t aggregate, size_t offset) {
    const uint32_t page = rv_root_of(pages)->tables[aggregate];
    RV_ASSERT(page != 0 && offset < sizeof(rv_table));
    return (rv_at){page, (uint32_t)offset};
}

uint64_t rv_rows_value_hash(uint64_t hash_key, const rv_value *value) {
    if (value->class_ == RV_VALUE_BYTES) {
        return rv_hash64(hash_key, value->as.bytes);
    }
    RV_ASSERT(value->class_ == RV_VALUE_INT); /* floats are no keys */
    return rv_hash64_of_number(hash_key, value->as.integer);
}

uint32_t rv_rows_keys_hash(uint64_t hash_key, const rv_value *key, uint16_t count) {
    RV_ASSERT(count > 0 && count <= RV_INDEX_COLUMNS_MAX);
    uint64_t hash = hash_key;
    for (uint16_t i = 0; i < count; i += 1) {
        hash = rv_rows_value_hash(hash, &key[i]);
    }
    return (uint32_t)hash;
}

static double float_get(const uint8_t *cell, uint8_t form) {
    RV_ASSERT(form == RV_CELL_FLOAT32 || form == RV_CELL_FLOAT64);
    if (form == RV_CELL_FLOAT32) {
        float v32;
        memcpy(&v32, cell, sizeof v32);
        return (double)v32;
    }
    double v64;
    memcpy(&v64, cell, sizeof v64);
    return v64;
}

/* A cell of bytes, where it lies: cells of rows are at even places, not always at multiples of 4.
 */
static rv_cell cell_copy(const uint8_t *cell) {
    rv_cell copy;
    memcpy(&copy, cell, sizeof copy);
    return copy;
}

/* True when a cell of a primary key holds the value. */
static inline bool cell_equals(const rv_pages *pages, const uint8_t *cell, uint8_t form,
                               const rv_value *key) {
    switch (form) {
    case RV_CELL_KEY: {
        rv_cell in_heap;
        memcpy(&in_heap, cell, offsetof(rv_cell, as) + sizeof in_heap.as.place);
        if (in_heap.len > RV_KEY_INLINE) {
            return rv_heap_equals(pages, &in_heap, key->as.bytes);
        }
        const rv_bytes met = {cell + offsetof(rv_key_cell, as), in_heap.len};
        return rv_bytes_equal(met, key->as.bytes);
    }
    case RV_CELL_UUID:
        return key->as.bytes.len == 16 && memcmp(cell, key->as.bytes.ptr, 16) == 0;
    default:
        return rv_cell_int(cell, form) == key->as.integer; /* floats are no keys */
    }
}

/* A key of several columns. Apart, so that look-ups by one column pay nothing for it. */
__attribute__((noinline)) static bool cells_equal(const rv_pages *pages, const rv_table *table,
                                                  const uint8_t *row, const rv_value *key) {
    RV_ASSERT(table->key_count > 1 && table->key_count <= RV_INDEX_COLUMNS_MAX);
    bool equal = true;
    for (uint16_t i = 0; i < table->key_count && equal; i += 1) {
        const rv_cell_layout layout = table->cells[table->keys[i]];
        equal = cell_equals(pages, row + layout.offset, layout.form, &key[i]);
    }
    return equal;
}

static bool key_equals(const rv_pages *pages, const rv_table *table, uint32_t place,
                       const rv_value *key) {
    const uint8_t *const row = rv_rows_read(pages, table, place);
    __builtin_prefetch(row + RV_LINE_SIZE); /* what will be changed */
    return table->key_form == RV_CELL_KEYS
               ? cells_equal(pages, table, row, key)
               : cell_equals(pages, row + table->key_offset, table->key_form, key);
}

uint32_t rv_rows_find_in(const rv_pages *pages, const rv_table *table, const rv_bucket *bucket,
                         const rv_value *key, uint32_t hash) {
    RV_ASSERT(key->class_ != RV_VALUE_NULL);
    rv_index_probe probe;
    uint32_t place = rv_index_first(pages, bucket, hash, &probe);
    while (place != 0 && !key_equals(pages, table, place, key)) {
        place = rv_index_next(pages, &probe);
    }
    return place;
}

uint32_t rv_rows_find(const rv_pages *pages, const rv_table *table, const rv_value *key,
                      uint32_t hash) {
    if (table == NULL) {
        return RV_SLOT_NONE;
    }
    RV_ASSERT(table->column_count > 0);
    return rv_rows_find_in(pages, table, rv_index_bucket(pages, &table->index, hash), key, hash);
}

rv_status rv_rows_add(rv_pages *pages, const rv_aggregate *aggregate, uint32_t owner,
                      const rv_value *key, uint32_t hash, uint32_t *place) {
    RV_ASSERT(owner <= RV_ROW_OWNER_MAX);
    rv_status status = RV_OK;
    if (rv_table_of(pages, aggregate->number) == NULL) {
        status = rv_table_make(pages, aggregate);
    }
    if (status == RV_OK) {
        const size_t rows = offsetof(rv_table, rows);
        status = rv_slots_alloc(pages, table_at(pages, aggregate->number, rows), place);
    }
    if (status != RV_OK) {
        return status;
    }
    const rv_table *const table = rv_table_of(pages, aggregate->number);
    uint8_t *const row = rv_slots_write_new(pages, *place, table->row_size);
    memset(row, 0, table->row_size);
    memcpy(row, &(rv_row_head){.owner = owner}, sizeof(rv_row_head));
    memset(row + RV_ROW_BITS, 0xff, table->unknown_offset - RV_ROW_BITS);
    for (uint16_t i = 0; i < table->key_count && status == RV_OK; i += 1) {
        status = rv_row_set(pages, table, row, table->keys[i], &key[i]);
    }
    if (status == RV_OK) {
        const size_t index = offsetof(rv_table, index);
        const rv_at at = table_at(pages, aggregate->number, index);
        status = rv_index_insert(pages, at, hash, *place);
    }
    if (status == RV_OK) {
        status = rv_pages_reserve(pages, 0);
    }
    if (status != RV_OK) {
        return status;
    }
    const rv_at count = table_at(pages, aggregate->number, offsetof(rv_table, row_count));
    const uint64_t rows = table->row_count + 1;
    memcpy(rv_pages_write(pages, count.page, count.offset, sizeof rows), &rows, sizeof rows);
    return RV_OK;
}

rv_status rv_rows_remove(rv_pages *pages, uint16_t aggregate, uint32_t place, uint32_t hash) {
    const rv_table *const table = rv_table_of(pages, aggregate);
    RV_ASSERT(table != NULL && table->row_count > 0);
    rv_status status = rv_pages_reserve(pages, 0);
    if (status == RV_OK) {
        const rv_at index = table_at(pages, aggregate, offsetof(rv_table, index));
        status = rv_index_remove(pages, index, hash, place);
    }
    const uint8_t *const row = rv_rows_read(pages, table, place);
    for (uint16_t i = 0; status == RV_OK && i < table->column_count; i += 1) {
        rv_cell cell;
        if (rv_row_in_heap(table, row, i, &cell)) {
            status = rv_heap_clear(pages, &cell);
        }
    }
    if (status == RV_OK) {
        status = rv_slots_free(pages, table_at(pages, aggregate, offsetof(rv_table, rows)), place);
    }
    if (status == RV_OK) {
        status = rv_pages_reserve(pages, 0);
    }
    if (status != RV_OK) {
        return status;
    }
    const rv_at count = table_at(pages, aggregate, offsetof(rv_table, row_count));
    const uint64_t rows = table->row_count - 1;
    memcpy(rv_pages_write(pages, count.page, count.offset, sizeof rows), &rows, sizeof rows);
    return RV_OK;
}

rv_status rv_row_get(const rv_pages *pages, const rv_table *table, const uint8_t *row,
                     uint16_t column, rv_arena *scratch, rv_value *value) {
    RV_ASSERT(column < table->column_count);
    *value = rv_value_null();
    if (rv_row_is_null(row, column)) {
        return RV_OK;
    }
    const rv_cell_layout layout = table->cells[column];
    const uint8_t *const cell = row + layout.offset;
    switch (layout.form) {
    case RV_CELL_UUID:
        *value = rv_value_bytes(rv_bytes_of(cell, 16));
        return RV_OK;
    case RV_CELL_FLOAT32:
    case RV_CELL_FLOAT64:
        *value = rv_value_float(float_get(cell, layout.form));
        return RV_OK;
    case RV_CELL_BYTES:
    case RV_CELL_KEY: {
        rv_cell in_heap;
        if (!rv_row_in_heap(table, row, column, &in_heap)) {
            *value = rv_value_bytes(rv_bytes_of(cell + offsetof(rv_cell, as), in_heap.len));
            return RV_OK;
        }
        rv_bytes bytes;
        const rv_status status = rv_heap_get(pages, &in_heap, scratch, &bytes);
        if (status == RV_OK) {
            *value = rv_value_bytes(bytes);
        }
        return status;
    }
    default:
        *value = rv_value_int(rv_cell_int(cell, layout.form));
        return RV_OK;
    }
}

/* Writes a value that is not NULL and not of bytes. */
static void scalar_put(uint8_t *cell, rv_cell_layout layout, const rv_value *value) {
    const int64_t v = value->as.integer;
    switch (layout.form) {
    case RV_CELL_INT8:
        cell[0] = (uint8_t)v;
        break;
    case RV_CELL_INT16:
        RV_ASSERT(v >= INT16_MIN && v <= INT16_MAX);
        memcpy(cell, &(int16_t){(int16_t)v}, sizeof(int16_t));
        break;
    case RV_CELL_INT32:
        RV_ASSERT(v >= INT32_MIN && v <= INT32_MAX);
        memcpy(cell, &(int32_t){(int32_t)v}, sizeof(int32_t));
        break;
    case RV_CELL_INT64:
        memcpy(cell, &v, sizeof v);
        break;
    case RV_CELL_FLOAT32:
        memcpy(cell, &(float){(float)value->as.real}, sizeof(float));
        break;
    case RV_CELL_FLOAT64:
        memcpy(cell, &value->as.real, sizeof(double));
        break;
    default:
        RV_ASSERT(layout.form == RV_CELL_UUID && value->as.bytes.len == 16);
        memmove(cell, value->as.bytes.ptr, 16);
        break;
    }
}

/* Writes the key of a row that is being made. */
static rv_status key_put(rv_pages *pages, uint8_t *cell, rv_bytes key) {
    rv_cell in_heap = {0};
    rv_key_cell made = {.len = (uint32_t)key.len};
    RV_ASSERT(key.len <= UINT32_MAX);
    rv_status status = RV_OK;
    if (key.len > RV_KEY_INLINE) {
        status = rv_heap_set(pages, &in_heap, key);
        made.as.place = in_heap.as.place;
    } else if (key.len > 0) {
        memcpy(made.as.bytes, key.ptr, key.len);
    }
    if (status == RV_OK) {
        memcpy(cell, &made, sizeof made);
    }
    return status;
}

rv_status rv_row_set_any(rv_pages *pages, const rv_table *table, uint8_t *row, uint16_t column,
                         const rv_value *value) {
    RV_ASSERT(column < table->column_count);
    const rv_cell_layout layout = table->cells[column];
    uint8_t *const cell = row + layout.offset;
    const bool null = rv_value_is_null(value);
    if (layout.form == RV_CELL_KEY) {
        RV_ASSERT(value->class_ == RV_VALUE_BYTES);
        const rv_status status = key_put(pages, cell, value->as.bytes);
        if (status != RV_OK) {
            return status;
        }
    } else if (layout.form == RV_CELL_BYTES) {
        rv_cell copy = cell_copy(cell);
        RV_ASSERT(null || value->class_ == RV_VALUE_BYTES);
        const rv_status status =
            null ? rv_heap_clear(pages, &copy) : rv_heap_set(pages, &copy, value->as.bytes);
        if (status != RV_OK) {
            return status;
        }
        memcpy(cell, &copy, sizeof copy);
    } else if (null) {
        memset(cell, 0, layout.width);
    } else {
        scalar_put(cell, layout, value);
    }
    const uint8_t bit = (uint8_t)(1u << (column % 8u));
    uint8_t *const nulls = row + RV_ROW_BITS + column / 8u;
    *nulls = (uint8_t)(null ? *nulls | bit : *nulls & ~bit);
    row[table->unknown_offset + column / 8u] &= (uint8_t)~bit;
    return RV_OK;
}

rv_status rv_row_set_unknown(rv_pages *pages, const rv_table *table, uint8_t *row,
                             uint16_t column) {
    RV_ASSERT(!table->cells[column].key);
    const rv_value null = rv_value_null();
    const rv_status status = rv_row_set(pages, table, row, column, &null);
    if (status == RV_OK) {
        row[table->unknown_offset + column / 8u] |= (uint8_t)(1u << (column % 8u));
    }
    return status;
}

static rv_status refs_write(rv_pages *pages, const rv_table *table, uint32_t place, uint32_t refs) {
    const rv_status status = rv_pages_reserve(pages, 0);
    const uint32_t offset = rv_slot_offset(place, table->row_size);
    if (status == RV_OK) {
        memcpy(rv_pages_write(pages, rv_slot_page(place),
                              offset + (uint32_t)offsetof(rv_row_head, refs), sizeof refs),
               &refs, sizeof refs);
    }
    return status;
}

static uint32_t refs_of(rv_pages *pages, const rv_table *table, uint32_t place) {
    return rv_row_head_of(rv_rows_read(pages, table, place)).refs;
}

rv_status rv_rows_refer(rv_pages *pages, const rv_table *table, uint32_t place, bool up) {
    const uint32_t refs = refs_of(pages, table, place);
    const uint32_t changed = up ? refs + (refs < RV_ROW_REFS_DUE - 1) : refs - (refs > 0);
    return refs >= RV_ROW_REFS_DUE ? RV_OK : refs_write(pages, table, place, changed);
}

rv_status rv_rows_refer_due(rv_pages *pages, const rv_table *table, uint32_t place) {
    const uint32_t refs = refs_of(pages, table, place);
    return refs < RV_ROW_REFS_DUE || refs == UINT32_MAX ? RV_OK
                                                        : refs_write(pages, table, place, refs + 1);
}

rv_status rv_rows_refs_counted(rv_pages *pages, const rv_table *table, uint32_t place) {
    const uint32_t refs = refs_of(pages, table, place);
    return refs < RV_ROW_REFS_DUE ? RV_OK
                                  : refs_write(pages, table, place, refs & ~RV_ROW_REFS_DUE);
}

rv_status rv_rows_serial_note(rv_pages *pages, uint16_t aggregate, int64_t key) {
    const rv_table *const table = rv_table_of(pages, aggregate);
    RV_ASSERT(table != NULL);
    if (key <= table->serial_last) {
        return RV_OK;
    }
    const rv_status status = rv_pages_reserve(pages, 0);
    if (status == RV_OK) {
        const rv_at at = table_at(pages, aggregate, offsetof(rv_table, serial_last));
        memcpy(rv_pages_write(pages, at.page, at.offset, sizeof key), &key, sizeof key);
    }
    return status;
}
