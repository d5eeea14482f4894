/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: where the cells of an aggregate's rows lie, and how a table comes to be. See rows.h. */
#include "core/state/table.h"

static rv_cell_form form_of(const rv_type *type) {
    switch (type->kind) {
    case RV_TYPE_BOOLEAN:
        return RV_CELL_INT8;
    case RV_TYPE_SMALLINT:
    case RV_TYPE_ENUM:
        return RV_CELL_INT16;
    case RV_TYPE_INTEGER:
        return RV_CELL_INT32;
    case RV_TYPE_REAL:
        return RV_CELL_FLOAT32;
    case RV_TYPE_DOUBLE:
        return RV_CELL_FLOAT64;
    case RV_TYPE_UUID:
    case RV_TYPE_INTERVAL:
        return RV_CELL_UUID;
    default: /* dates too: their infinities are those of 64 bits (core/model/value_time.h) */
        return rv_type_class(type) == RV_VALUE_INT ? RV_CELL_INT64 : RV_CELL_BYTES;
    }
}

RV_STATIC_ASSERT(RV_LABELS_MAX <= INT16_MAX, "an enum's ordinals have 16 bits");

static uint8_t width_of(rv_cell_form form) {
    static const uint8_t widths[] = {
        [RV_CELL_INT8] = 1,
        [RV_CELL_INT16] = 2,
        [RV_CELL_INT32] = 4,
        [RV_CELL_INT64] = 8,
        [RV_CELL_FLOAT32] = 4,
        [RV_CELL_FLOAT64] = 8,
        [RV_CELL_UUID] = 16,
        [RV_CELL_BYTES] = RV_CELL_SIZE,
        [RV_CELL_KEY] = sizeof(rv_key_cell),
    };
    RV_ASSERT((size_t)form < sizeof widths);
    return widths[form];
}

/* Lays the cells out: the key's first, as every look-up reads them, then from wide to narrow. */
static void layout_make(rv_table *table, const rv_aggregate *aggregate) {
    RV_ASSERT(aggregate->column_count > 0 && aggregate->column_count <= RV_COLUMNS_MAX);
    RV_ASSERT(aggregate->key_count > 0 && aggregate->key_count <= RV_INDEX_COLUMNS_MAX);
    const uint32_t bits = (aggregate->column_count + 7u) / 8u;
    uint32_t end = RV_ROW_BITS + 2 * bits;
    table->unknown_offset = (uint16_t)(RV_ROW_BITS + bits);
    table->column_count = aggregate->column_count;
    table->key_count = aggregate->key_count;
    for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
        rv_cell_form form = form_of(&aggregate->columns[i].type);
        table->cells[i].key = aggregate->columns[i].key;
        form = form == RV_CELL_BYTES && table->cells[i].key ? RV_CELL_KEY : form;
        table->cells[i].form = (uint8_t)form;
        table->cells[i].width = width_of(form);
        table->cells[i].refers = aggregate->columns[i].references != RV_NONE;
    }
    for (uint16_t i = 0; i < aggregate->key_count; i += 1) {
        table->keys[i] = aggregate->keys[i];
        table->cells[aggregate->keys[i]].offset = (uint16_t)end;
        end += table->cells[aggregate->keys[i]].width;
    }
    const rv_cell_layout first = table->cells[aggregate->key];
    table->key_offset = first.offset;
    table->key_form = table->key_count == 1 ? first.form : RV_CELL_KEYS;
    for (uint8_t width = 16; width > 0; width /= 2) {
        for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
            if (!table->cells[i].key && table->cells[i].width == width) {
                table->cells[i].offset = (uint16_t)end;
                end += width;
            }
        }
    }
    const uint32_t size = (end + 7u) & ~7u;
    table->row_size = (uint16_t)(size < RV_SLOT_SIZE_MIN ? RV_SLOT_SIZE_MIN : size);
    RV_ASSERT(table->row_size <= RV_ROW_SIZE_MAX);
}

rv_status rv_table_make(rv_pages *pages, const rv_aggregate *aggregate) {
    RV_ASSERT(rv_root_of(pages)->tables[aggregate->number] == 0);
    rv_status status = rv_pages_reserve(pages, 0);
    if (status != RV_OK) {
        return status;
    }
    uint32_t page;
    status = rv_pages_alloc(pages, RV_PAGE_TABLE, aggregate->number, &page);
    if (status != RV_OK) {
        return status;
    }
    rv_table *const table = (rv_table *)(void *)rv_pages_write_new(pages, page, 0);
    const rv_page_head head = table->head;
    memset(table, 0, sizeof *table);
    table->head = head;
    layout_make(table, aggregate);
    table->rows.size = table->row_size;
    table->rows.kind = RV_PAGE_ROWS;
    table->rows.tag = aggregate->number;
    table->index.buckets.kind = RV_PAGE_BUCKETS;
    const size_t offset = offsetof(rv_root, tables) + aggregate->number * sizeof(uint32_t);
    memcpy(rv_pages_write(pages, RV_PAGE_FIRST, (uint32_t)offset, sizeof page), &page, sizeof page);
    return RV_OK;
}

void rv_table_layout(const rv_aggregate *aggregate, rv_cell_layout *cells) {
    rv_table made;
    memset(&made, 0, sizeof made);
    layout_make(&made, aggregate);
    RV_ASSERT(made.column_count == aggregate->column_count);
    memcpy(cells, made.cells, aggregate->column_count * sizeof *cells);
}

uint32_t rv_table_row_size(const rv_aggregate *aggregate) {
    rv_table made;
    memset(&made, 0, sizeof made);
    layout_make(&made, aggregate);
    RV_ASSERT(made.row_size > 0);
    return made.row_size;
}

bool rv_table_fits(const rv_table *table, const rv_aggregate *aggregate) {
    rv_table made;
    memset(&made, 0, sizeof made);
    layout_make(&made, aggregate);
    RV_ASSERT(made.column_count > 0);
    const size_t layout = offsetof(rv_table, row_size);
    return memcmp((const uint8_t *)table + layout, (const uint8_t *)&made + layout,
                  offsetof(rv_table, trees) - layout) == 0;
}
