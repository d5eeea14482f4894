/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of an aggregate: slots of one size, with an index over the primary key. What is known of an
 * aggregate (counters, the slots, the index, where each column lies) is its table, a page made with
 * the first row.
 *
 *     row:  owner u32 | refs u32 | NULL bits | unknown bits | key cells | other cells, widest first
 *
 * `owner` is the stream that created the row (never RV_SLOT_FREE). `refs` counts the columns, and
 * the foreign keys of several columns, that refer to the row: exact where everything is held (the
 * root, and an edge that holds everything that can refer to it); on a node that holds a part, a row
 * may come after one that refers to it, and the count is a lower bound that never goes below 0. A
 * row that comes with a base is counted when that has ended, whichever row came first
 * (RV_ROW_REFS_DUE). Cells have the width that the
 * column's type needs; cells of bytes are the heap's. A cell that is NULL is all zeros. An unknown
 * cell (SEMANTICS 15) is NULL too.
 */
#ifndef RV_STATE_ROWS_H
#define RV_STATE_ROWS_H

#include "core/model/schema.h"
#include "core/state/heap.h"
#include "core/state/tree.h"

typedef enum rv_cell_form {
    RV_CELL_INT8, /* boolean */
    RV_CELL_INT16,
    RV_CELL_INT32,
    RV_CELL_INT64,
    RV_CELL_FLOAT32,
    RV_CELL_FLOAT64,
    RV_CELL_UUID,  /* 16 bytes */
    RV_CELL_BYTES, /* rv_cell */
    RV_CELL_KEY,   /* bytes in a primary key: rv_key_cell */
    RV_CELL_KEYS   /* only rv_table.key_form: the key has several columns */
} rv_cell_form;

/* The cell of a primary key of bytes: as rv_cell, but with room for what keys are, a UUID as text
 * among them, so that a look-up need not follow it into the heap. Set once, with the row. */
#define RV_KEY_INLINE 36u

typedef struct rv_key_cell {
    uint32_t len;
    union {
        uint8_t bytes[RV_KEY_INLINE];
        uint32_t place; /* of the heap, when longer */
    } as;
} rv_key_cell;

RV_STATIC_ASSERT(offsetof(rv_key_cell, as) == offsetof(rv_cell, as), "both are read as rv_cell");

typedef struct rv_cell_layout {
    uint16_t offset; /* in the row */
    uint8_t form;
    uint8_t width;
    bool refers; /* the column refers to rows */
    bool key;    /* it is in the primary key: set once, with the row */
} rv_cell_layout;

typedef struct rv_table {
    rv_page_head head;
    uint64_t row_count;
    int64_t serial_last; /* greatest key so far, if the key is a serial; 0 before */
    rv_slots rows;
    rv_index index;
    uint16_t row_size;
    uint16_t column_count;
    uint16_t keys[RV_INDEX_COLUMNS_MAX]; /* columns of the primary key */
    uint16_t key_count;
    uint16_t key_offset; /* of its first column's cell */
    uint8_t key_form;    /* of its one column, or RV_CELL_KEYS */
    uint8_t spare;
    uint16_t unknown_offset; /* of the unknown bits; the NULL bits are at RV_ROW_BITS */
    rv_cell_layout cells[RV_COLUMNS_MAX];
    rv_tree trees[RV_INDEXES_MAX]; /* of the secondary indexes: sorted.h */
} rv_table;

#define RV_ROW_BITS      8u
#define RV_ROW_OWNER_MAX (UINT32_MAX - 1u)
#define RV_ROW_OWNER_GIVEN                                                                         \
    RV_ROW_OWNER_MAX /* of a row of a selected aggregate: whose it is, is not known here */
#define RV_ROW_SIZE_MAX                                                                            \
    (RV_ROW_BITS + 2 * (RV_COLUMNS_MAX / 8) + RV_COLUMNS_MAX * RV_CELL_SIZE +                      \
     RV_INDEX_COLUMNS_MAX * sizeof(rv_key_cell))

RV_STATIC_ASSERT(sizeof(rv_table) <= RV_PAGE_SIZE, "a table is one page");
RV_STATIC_ASSERT(RV_ROW_SIZE_MAX <= RV_PAGE_ROOM, "a row never needs two pages");

/* The head of a row, as it lies there. */
typedef struct rv_row_head {
    uint32_t owner;
    uint32_t refs;
} rv_row_head;

/* The table of an aggregate, NULL before its first row. */
static inline const rv_table *rv_table_of(const rv_pages *pages, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    const uint32_t page = rv_root_of(pages)->tables[aggregate];
    return page == 0 ? NULL : (const rv_table *)(const void *)rv_pages_read(pages, page);
}

/* Keys are given as an array: a value for each column of the primary key, in its order, of the
 * class of the column's type and not NULL. */

/* The hash of one value, keyed. */
uint64_t rv_rows_value_hash(uint64_t hash_key, const rv_value *value);

/* The hash of a key of one column. */
static inline uint32_t rv_rows_key_hash(uint64_t hash_key, const rv_value *key) {
    return (uint32_t)rv_rows_value_hash(hash_key, key);
}

/* The hash of a key of any number of columns; the same for one. */
uint32_t rv_rows_keys_hash(uint64_t hash_key, const rv_value *key, uint16_t count);

/* The row with this key, or RV_SLOT_NONE. `table` may be NULL. `hash` is the key's. */
uint32_t rv_rows_find(const rv_pages *pages, const rv_table *table, const rv_value *key,
                      uint32_t hash);

/* The same when the key's bucket is known; `bucket` may be NULL. */
uint32_t rv_rows_find_in(const rv_pages *pages, const rv_table *table, const rv_bucket *bucket,
                         const rv_value *key, uint32_t hash);

/* Adds a row of NULLs with this key, which is not there yet, and makes the table if need be.
 * RV_STATE_FULL, RV_BATCH_TOO_LARGE: to be rolled back or discarded. */
RV_MUST_USE rv_status rv_rows_add(rv_pages *pages, const rv_aggregate *aggregate, uint32_t owner,
                                  const rv_value *key, uint32_t hash, uint32_t *place);

/* Removes a row; its values go from the heap. RV_BATCH_TOO_LARGE: as above. */
RV_MUST_USE rv_status rv_rows_remove(rv_pages *pages, uint16_t aggregate, uint32_t place,
                                     uint32_t hash);

static inline const uint8_t *rv_rows_read(const rv_pages *pages, const rv_table *table,
                                          uint32_t place) {
    return rv_slots_read(pages, place, table->row_size);
}

/* The row, to be changed at once: all of it is noted. The caller reserved the journal. */
static inline uint8_t *rv_rows_write(rv_pages *pages, const rv_table *table, uint32_t place) {
    return rv_slots_write(pages, place, table->row_size);
}

static inline rv_row_head rv_row_head_of(const uint8_t *row) {
    rv_row_head head;
    memcpy(&head, row, sizeof head);
    return head;
}

static inline bool rv_row_is_null(const uint8_t *row, uint16_t column) {
    return (row[RV_ROW_BITS + column / 8u] >> (column % 8u) & 1u) != 0;
}

static inline bool rv_row_is_unknown(const rv_table *table, const uint8_t *row, uint16_t column) {
    return (row[table->unknown_offset + column / 8u] >> (column % 8u) & 1u) != 0;
}

/* The integer in a cell of that form, which is one of the first four. */
static inline int64_t rv_cell_int(const uint8_t *cell, uint8_t form) {
    int16_t v16;
    int32_t v32;
    int64_t v64;
    switch (form) {
    case RV_CELL_INT8:
        return (int8_t)cell[0];
    case RV_CELL_INT16:
        memcpy(&v16, cell, sizeof v16);
        return v16;
    case RV_CELL_INT32:
        memcpy(&v32, cell, sizeof v32);
        return v32;
    default:
        RV_ASSERT(form == RV_CELL_INT64);
        memcpy(&v64, cell, sizeof v64);
        return v64;
    }
}

/* A cell. Bytes lie in the page, or for a chain in `scratch`: RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_row_get(const rv_pages *pages, const rv_table *table, const uint8_t *row,
                                 uint16_t column, rv_arena *scratch, rv_value *value);

/* True when a cell of bytes has its value in the heap. */
static inline bool rv_cell_has_slot(const uint8_t *cell) {
    uint32_t len;
    memcpy(&len, cell, sizeof len);
    return len > RV_CELL_INLINE;
}

/* The value of a RV_CELL_BYTES that has no slot; it lies in the cell. */
static inline rv_bytes rv_cell_short(const uint8_t *cell) {
    uint32_t len;
    memcpy(&len, cell, sizeof len);
    RV_ASSERT(len <= RV_CELL_INLINE);
    return rv_bytes_of(cell + offsetof(rv_cell, as), len);
}

/* If the column's value is in the heap: the cell that leads there. `cell->len` is set for bytes. */
static inline bool rv_row_in_heap(const rv_table *table, const uint8_t *row, uint16_t column,
                                  rv_cell *cell) {
    const rv_cell_layout layout = table->cells[column];
    if (layout.form < RV_CELL_BYTES) {
        return false;
    }
    memcpy(cell, row + layout.offset, offsetof(rv_cell, as) + sizeof cell->as.place);
    return cell->len > (layout.form == RV_CELL_KEY ? RV_KEY_INLINE : RV_CELL_INLINE);
}

/* True when the value is a chain in the heap, which is costly to get. */
static inline bool rv_row_is_long(const rv_table *table, const uint8_t *row, uint16_t column) {
    rv_cell cell;
    return rv_row_in_heap(table, row, column, &cell) && !rv_heap_is_run(&cell);
}

/* rv_row_set for every value; the frequent ones are done in place below. */
RV_MUST_USE rv_status rv_row_set_any(rv_pages *pages, const rv_table *table, uint8_t *row,
                                     uint16_t column, const rv_value *value);

/* Writes a cell of at most RV_CELL_INLINE bytes, put together in words: what is written byte by
 * byte and then read as a whole makes the processor wait. */
static inline void rv_cell_put_short(uint8_t *cell, rv_bytes value) {
    RV_ASSERT(value.len <= RV_CELL_INLINE);
    const size_t more = value.len > 8 ? value.len - 8 : 0;
    const uint64_t low = rv_load_short(value.ptr, value.len);
    const uint64_t high = more == 0 ? 0 : rv_load_short(value.ptr + 8, more);
    rv_store_u32(cell + offsetof(rv_cell, as), (uint32_t)low);
    rv_store_u64(cell + offsetof(rv_cell, as) + 4, (low >> 32) | (high << 32));
    const uint32_t len = (uint32_t)value.len;
    memcpy(cell, &len, sizeof len);
}

/* Sets a cell of a row under rv_rows_write; the value is one of the column's type, or NULL.
 * RV_STATE_FULL, RV_BATCH_TOO_LARGE: to be rolled back or discarded. */
RV_MUST_USE static inline rv_status rv_row_set(rv_pages *pages, const rv_table *table, uint8_t *row,
                                               uint16_t column, const rv_value *value) {
    RV_ASSERT(column < table->column_count);
    const rv_cell_layout layout = table->cells[column];
    uint8_t *const cell = row + layout.offset;
    if (value->class_ == RV_VALUE_INT && layout.form == RV_CELL_INT64) {
        memcpy(cell, &value->as.integer, sizeof(int64_t));
    } else if (value->class_ == RV_VALUE_INT && layout.form == RV_CELL_INT32) {
        const int32_t narrow = (int32_t)value->as.integer;
        RV_ASSERT(narrow == value->as.integer);
        memcpy(cell, &narrow, sizeof narrow);
    } else if (value->class_ == RV_VALUE_BYTES && layout.form == RV_CELL_BYTES &&
               value->as.bytes.len <= RV_CELL_INLINE && !rv_cell_has_slot(cell)) {
        rv_cell_put_short(cell, value->as.bytes);
    } else {
        return rv_row_set_any(pages, table, row, column, value);
    }
    const uint8_t keep = (uint8_t) ~(1u << (column % 8u));
    row[RV_ROW_BITS + column / 8u] &= keep;
    row[table->unknown_offset + column / 8u] &= keep;
    return RV_OK;
}

/* Makes a cell NULL and unknown. */
RV_MUST_USE rv_status rv_row_set_unknown(rv_pages *pages, const rv_table *table, uint8_t *row,
                                         uint16_t column);

/* Of a row's count of references: it counts when the base has ended that it came with. */
#define RV_ROW_REFS_DUE UINT32_C(0x80000000)

/* Counts one reference more at a row of which the count is due, and at no other. As below. */
RV_MUST_USE rv_status rv_rows_refer_due(rv_pages *pages, const rv_table *table, uint32_t place);

/* The row's count is what was counted, and is not due any more. True when it was; as below. */
RV_MUST_USE rv_status rv_rows_refs_counted(rv_pages *pages, const rv_table *table, uint32_t place);

/* Changes a row's count of references by one, up or down, unless it is due. RV_BATCH_TOO_LARGE. */
RV_MUST_USE rv_status rv_rows_refer(rv_pages *pages, const rv_table *table, uint32_t place,
                                    bool up);

/* Takes note of a serial key. RV_BATCH_TOO_LARGE. */
RV_MUST_USE rv_status rv_rows_serial_note(rv_pages *pages, uint16_t aggregate, int64_t key);

#endif
