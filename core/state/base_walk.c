/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A base at the upstream: a walk over a snapshot of the pages, first over the heads of streams, by
 * number, then over the pages of rows, in order. There is no way from a stream to its rows, so all
 * pages are passed once, and of those with rows every row's owner is looked at: that is some
 * nanoseconds a row, for a base of any size. What lies where does not change while a snapshot
 * lives, so a place is a cursor:
 *
 *     0 … 2^32 - 1: a stream's number        2^32 and more: 2^32 + the place of a row's slot
 *
 * Layouts of tables and paths of streams never change, so those are read as they are now; versions,
 * rows and values as they were.
 */
#include "core/base/writer.h"
#include "core/model/schema_filter.h"
#include "core/state/base_items.h"
#include "core/state/inside.h"

#define CURSOR_ROWS (UINT64_C(1) << 32)

typedef struct walk {
    const rv_pages *pages;
    const rv_schema *schema;
    const rv_base_source *source;
    rv_arena *scratch;
    rv_writer *w;
    rv_bytes path;       /* the last one that this part has */
    uint32_t owner;      /* of the last row that was looked at */
    bool owner_known;    /* it is one */
    bool owner_selected; /* the base has it */
    bool owner_named;    /* the part has named it */
    rv_status status;    /* what went wrong with a value */
} walk;

rv_status rv_state_base_open(rv_state *state, rv_base_source *source) {
    const rv_status status = rv_snapshot_take(&state->pages, false, &source->snapshot);
    RV_ASSERT(status == RV_OK || status == RV_BUSY);
    source->stream_count = rv_streams_count(&state->pages);
    return status;
}

bool rv_state_base_alive(const rv_state *state, const rv_base_source *source) {
    return rv_snapshot_alive(&state->pages, source->snapshot);
}

void rv_state_base_close(rv_state *state, const rv_base_source *source) {
    rv_snapshot_release(&state->pages, source->snapshot);
}

static const uint8_t *page_of(const walk *k, uint32_t page) {
    if (k->source == NULL) {
        return rv_pages_read(k->pages, page);
    }
    const uint8_t *const bytes = rv_snapshot_read(k->pages, k->source->snapshot, page);
    RV_ASSERT(bytes != NULL); /* nothing is written while a part is */
    return bytes;
}

static bool matches(const rv_path_pattern *patterns, size_t count, rv_bytes path) {
    bool met = false;
    for (size_t i = 0; i < count && !met; i += 1) {
        met = rv_path_pattern_match(&patterns[i], path);
    }
    return met;
}

/* True when the base has this stream. */
static bool selected(const walk *k, uint32_t number, rv_bytes *path) {
    const rv_stream_line *const line = rv_streams_read(k->pages, number);
    const rv_base_source *const s = k->source;
    *path = rv_heap_run(k->pages, &line->path);
    return line->declaration != RV_NONE && matches(s->patterns, s->pattern_count, *path) &&
           !matches(s->held, s->held_count, *path);
}

/* A path by what it has in common with the one before. */
static void write_path(walk *k, rv_base_item kind, rv_bytes path) {
    size_t same = 0;
    const size_t most = path.len < k->path.len ? path.len : k->path.len;
    while (same < most && path.ptr[same] == k->path.ptr[same]) {
        same += 1;
    }
    rv_write_u8(k->w, (uint8_t)kind);
    rv_write_varint(k->w, same);
    rv_write_blob(k->w, rv_bytes_from(path, same));
}

/* --- streams --- */

/* False: it does not fit. */
static bool write_stream(walk *k, uint32_t number) {
    rv_bytes path;
    RV_ASSERT(number < k->source->stream_count);
    if (!selected(k, number, &path)) {
        return true;
    }
    const rv_at at = rv_lines_at(k->pages, &rv_root_of(k->pages)->streams, number);
    rv_stream_line line;
    memcpy(&line, page_of(k, at.page) + at.offset, sizeof line);
    if (line.version == 0) {
        return true;
    }
    const size_t begin = k->w->len;
    write_path(k, RV_BASE_STREAM, path);
    rv_write_varint(k->w, line.version);
    if (k->w->full) {
        k->w->full = false;
        k->w->len = begin;
        return false;
    }
    k->path = path;
    return true;
}

/* --- rows --- */

/* The bytes of a value that is in the heap, as they were. */
static rv_status heap_value(walk *k, const rv_cell *cell, rv_bytes *value) {
    uint32_t place = cell->as.place;
    if (rv_heap_is_run(cell)) {
        const uint8_t *const page = page_of(k, rv_slot_page(place));
        const uint32_t size = ((const rv_page_head *)(const void *)page)->slot_size;
        *value = rv_bytes_of(page + rv_slot_offset(place, size), cell->len);
        return RV_OK;
    }
    uint8_t *const whole = rv_arena_take_raw(k->scratch, cell->len);
    if (whole == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    uint32_t left = cell->len;
    while (left > 0) {
        const uint8_t *const page = page_of(k, rv_slot_page(place));
        const uint32_t size = ((const rv_page_head *)(const void *)page)->slot_size;
        const uint8_t *const slot = page + rv_slot_offset(place, size);
        const uint32_t len = left < RV_HEAP_PIECE ? left : RV_HEAP_PIECE;
        memcpy(&place, slot, sizeof place);
        memcpy(whole + (cell->len - left), slot + sizeof place, len);
        left -= len;
    }
    *value = rv_bytes_of(whole, cell->len);
    return RV_OK;
}

static rv_status read_value(walk *k, const rv_table *table, const uint8_t *row, uint16_t column,
                            rv_value *value) {
    rv_cell cell;
    if (!rv_row_is_null(row, column) && rv_row_in_heap(table, row, column, &cell)) {
        rv_bytes bytes = {NULL, 0};
        const rv_status status = heap_value(k, &cell, &bytes);
        *value = rv_value_bytes(bytes);
        return status;
    }
    return rv_row_get(k->pages, table, row, column, NULL, value);
}

static rv_status write_value(walk *k, const rv_aggregate *aggregate, const rv_table *table,
                             const uint8_t *row, uint16_t column) {
    rv_value value;
    const rv_status status = read_value(k, table, row, column, &value);
    if (status == RV_OK) {
        rv_value_encode(&aggregate->columns[column].type, &value, k->w);
    }
    return status;
}

static void write_values(walk *k, rv_base_item kind, const rv_aggregate *aggregate,
                         const rv_table *table, const uint8_t *row) {
    const size_t bits = (aggregate->column_count + 7u) / 8u;
    const rv_bytes nulls = rv_bytes_of(row + RV_ROW_BITS, bits);
    const rv_bytes unknown = rv_bytes_of(row + table->unknown_offset, bits);
    bool some = false;
    for (size_t i = 0; i < bits; i += 1) {
        some = some || unknown.ptr[i] != 0;
    }
    rv_write_u8(k->w, (uint8_t)(kind + some));
    rv_write_varint(k->w, aggregate->number);
    const size_t at = k->w->len;
    rv_write(k->w, nulls);
    if (!k->w->full && aggregate->column_count % 8 != 0) { /* the row's last bits may be set */
        k->w->ptr[at + bits - 1] &= (uint8_t)((1u << (aggregate->column_count % 8u)) - 1u);
    }
    rv_write(k->w, rv_bytes_of(unknown.ptr, some ? bits : 0));
    for (uint16_t i = 0; i < aggregate->column_count && k->status == RV_OK; i += 1) {
        if (!rv_row_is_null(row, i)) {
            k->status = write_value(k, aggregate, table, row, i);
        }
    }
}

rv_status rv_base_row_write(const rv_pages *pages, const rv_schema *schema, uint16_t aggregate,
                            uint32_t place, rv_arena *scratch, rv_writer *w) {
    walk k = {.pages = pages, .schema = schema, .scratch = scratch, .w = w, .status = RV_OK};
    const rv_table *const table = rv_table_of(pages, aggregate);
    RV_ASSERT(table != NULL && place != RV_SLOT_NONE);
    write_values(&k, RV_BASE_GIVEN, rv_schema_aggregate(schema, aggregate), table,
                 rv_rows_read(pages, table, place));
    return k.status;
}

/* --- rows of selected aggregates --- */

static const rv_given *given_of(const rv_base_source *source, uint16_t aggregate) {
    for (size_t i = 0; i < source->given_count; i += 1) {
        if (source->given[i].aggregate == aggregate) {
            return &source->given[i];
        }
    }
    return NULL;
}

/* True when the row passes the filter. */
static bool passes(walk *k, const rv_given *given, const rv_table *table, const uint8_t *row) {
    rv_value values[RV_COLUMNS_MAX];
    if (given->filter == NULL) {
        return true;
    }
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < table->column_count && status == RV_OK; i += 1) {
        values[i] = rv_value_null();
        if (rv_expr_reads(given->filter, i)) {
            status = read_value(k, table, row, i, &values[i]);
        }
    }
    k->status = status == RV_OK ? k->status : status;
    return status == RV_OK && rv_schema_filter_passes(given->filter, values, k->scratch);
}

/* False: it does not fit. */
static bool write_given(walk *k, const rv_given *given, const uint8_t *row) {
    const size_t mark = rv_arena_mark(k->scratch);
    const size_t begin = k->w->len;
    const rv_table *const table = rv_table_of(k->pages, given->aggregate);
    if (passes(k, given, table, row)) {
        write_values(k, RV_BASE_GIVEN, rv_schema_aggregate(k->schema, given->aggregate), table,
                     row);
    }
    rv_arena_reset(k->scratch, mark);
    const bool fits = !k->w->full && k->status == RV_OK;
    k->w->len = fits ? k->w->len : begin;
    k->w->full = false;
    return fits;
}

/* --- rows of selected streams --- */

/* Looks at a row, and writes it when the base has it. False: it does not fit. */
static bool write_row(walk *k, const rv_page_head *head, const uint8_t *row) {
    const uint32_t owner = rv_row_head_of(row).owner;
    rv_bytes path;
    if (owner == RV_SLOT_FREE) {
        return true;
    }
    const rv_given *const given = given_of(k->source, head->tag);
    if (given != NULL) {
        return write_given(k, given, row);
    }
    if (owner == RV_ROW_OWNER_GIVEN) {
        return true;
    }
    if (!k->owner_known || owner != k->owner) {
        k->owner_selected = selected(k, owner, &path);
        k->owner = owner;
        k->owner_known = true;
        k->owner_named = false;
    }
    if (!k->owner_selected) {
        return true;
    }
    const size_t begin = k->w->len;
    if (!k->owner_named) {
        (void)selected(k, owner, &path);
        write_path(k, RV_BASE_OWNER, path);
    }
    const size_t mark = rv_arena_mark(k->scratch);
    const rv_aggregate *const aggregate = rv_schema_aggregate(k->schema, head->tag);
    write_values(k, RV_BASE_ROW, aggregate, rv_table_of(k->pages, head->tag), row);
    rv_arena_reset(k->scratch, mark);
    if (k->w->full || k->status != RV_OK) {
        k->w->full = false;
        k->w->len = begin;
        return false;
    }
    k->path = k->owner_named ? k->path : path;
    k->owner_named = true;
    return true;
}

/* Goes through a page from slot `*slot` on. False: the next row does not fit. */
static bool write_page(walk *k, uint32_t page, uint32_t *slot, size_t target) {
    const uint8_t *const bytes = page_of(k, page);
    const rv_page_head *const head = (const rv_page_head *)(const void *)bytes;
    if (head->kind != RV_PAGE_ROWS) {
        *slot = UINT32_MAX;
        return true;
    }
    while (*slot < head->slot_fresh && k->w->len < target) {
        const uint32_t offset = rv_slot_offset(rv_slot_place(page, *slot), head->slot_size);
        if (!write_row(k, head, bytes + offset)) {
            return false;
        }
        *slot += 1;
    }
    *slot = *slot < head->slot_fresh ? *slot : UINT32_MAX;
    return true;
}

/* --- both --- */

/* A cursor of a stream; true: goes on with rows. */
static bool write_streams(walk *k, size_t target, uint32_t *work, uint64_t *cursor) {
    while (*cursor<k->source->stream_count && * work> 0 && k->w->len < target) {
        if (!write_stream(k, (uint32_t)*cursor)) {
            return false;
        }
        *cursor += 1;
        *work -= 1;
    }
    if (*cursor < k->source->stream_count) {
        return false;
    }
    *cursor = CURSOR_ROWS + rv_slot_place(RV_PAGE_FIRST, 0);
    return true;
}

static void write_rows(walk *k, size_t target, uint32_t *work, uint64_t *cursor) {
    const uint32_t end = rv_snapshot_end(k->pages, k->source->snapshot);
    uint32_t page = rv_slot_page((uint32_t)(*cursor - CURSOR_ROWS));
    uint32_t slot = rv_slot_number((uint32_t)(*cursor - CURSOR_ROWS));
    while (page<end && * work> 0 && k->w->len < target) {
        const bool fits = write_page(k, page, &slot, target);
        if (slot != UINT32_MAX && (!fits || k->w->len >= target)) {
            break;
        }
        page += 1;
        slot = 0;
        *work -= *work < 64 ? *work : 64; /* a page is work for as many streams, about */
    }
    *cursor = page < end ? CURSOR_ROWS + rv_slot_place(page, slot) : RV_BASE_CURSOR_END;
}

rv_status rv_state_base_write(const rv_state *state, const rv_base_source *source, size_t target,
                              uint32_t work, rv_arena *scratch, uint64_t *cursor, rv_writer *w) {
    RV_ASSERT(work > 0 && w->len == 0 && target <= w->cap);
    if (!rv_state_base_alive(state, source)) {
        return RV_SNAPSHOT_EXPIRED;
    }
    const uint64_t begin = *cursor;
    const uint32_t slots = RV_PAGE_ROOM / RV_SLOT_SIZE_MIN;
    const bool of_rows = begin >= CURSOR_ROWS;
    if (of_rows ? begin >= CURSOR_ROWS + CURSOR_ROWS ||
                      rv_slot_page((uint32_t)(begin - CURSOR_ROWS)) < RV_PAGE_FIRST ||
                      rv_slot_number((uint32_t)(begin - CURSOR_ROWS)) > slots
                : begin > source->stream_count) {
        return RV_DATA_DAMAGED;
    }
    walk k = {.pages = &state->pages,
              .schema = state->schema,
              .source = source,
              .scratch = scratch,
              .w = w,
              .status = RV_OK};
    if (of_rows || write_streams(&k, target, &work, cursor)) {
        write_rows(&k, target, &work, cursor);
    }
    if (k.status != RV_OK) {
        return k.status;
    }
    return w->len == 0 && *cursor == begin ? RV_MESSAGE_TOO_LARGE : RV_OK;
}
