/* SPDX-License-Identifier: Apache-2.0 */
/* A base at the edge: parts that wait, and how they become rows. See base.h. */
#include "core/state/base.h"

#include "core/state/base_items.h"
#include "core/state/fold.h"
#include "core/state/inside.h"
#include "core/state/table.h"

static const rv_base_root *base_of(const rv_state *state) {
    return &rv_root_of(&state->pages)->base;
}

/* The caller reserved the journal. */
static void base_write(rv_state *state, const rv_base_root *base) {
    uint8_t *const bytes = rv_pages_write(
        &state->pages, RV_PAGE_FIRST, (uint32_t)offsetof(rv_root, base), (uint32_t)sizeof *base);
    memcpy(bytes, base, sizeof *base);
}

rv_base_progress rv_state_base_progress(const rv_state *state) {
    const rv_base_root *const base = base_of(state);
    return (rv_base_progress){.under_way = base->under_way != 0,
                              .position = base->position,
                              .cursor = base->cursor,
                              .parts = base->parts};
}

rv_status rv_state_base_selection(const rv_state *state, rv_arena *scratch, rv_bytes *selection) {
    RV_ASSERT(base_of(state)->under_way != 0);
    return rv_heap_get(&state->pages, &base_of(state)->selection, scratch, selection);
}

static rv_status full(const rv_state *state, rv_status status, rv_error *err) {
    if (status == RV_STATE_FULL) {
        return rv_error_set(err, status, "no page of memory is left for the base, of %u",
                            (uint64_t)state->pages.total);
    }
    if (status == RV_BATCH_TOO_LARGE) {
        return rv_error_set(err, status,
                            "a part of the base is more than the journal of %u bytes could take "
                            "back",
                            (uint64_t)state->pages.journal.cap);
    }
    return rv_error_set(err, status, "a part of the base does not fit the memory for one");
}

/* --- parts that wait --- */

/* The cell of the part before, with which a waiting part begins. */
static rv_cell part_before(const rv_state *state, const rv_cell *part) {
    rv_cell before;
    rv_bytes bytes;
    RV_ASSERT(part->len > sizeof before);
    if (rv_heap_is_run(part)) {
        bytes = rv_heap_run(&state->pages, part);
    } else {
        uint32_t place = part->as.place;
        uint32_t left = part->len;
        bytes = rv_heap_piece(&state->pages, &place, &left);
    }
    RV_ASSERT(bytes.len >= sizeof before);
    memcpy(&before, bytes.ptr, sizeof before);
    return before;
}

/* Outside of transactions nothing can be refused for the journal. */
static void clear(rv_state *state, rv_cell *cell) {
    RV_ASSERT(!state->pages.journal.active);
    const rv_status status = rv_heap_clear(&state->pages, cell);
    RV_ASSERT(status == RV_OK);
}

void rv_state_base_discard(rv_state *state) {
    rv_base_root base = *base_of(state);
    if (base.under_way == 0) {
        return;
    }
    for (; base.parts > 0; base.parts -= 1) {
        const rv_cell before = part_before(state, &base.top);
        clear(state, &base.top);
        base.top = before;
    }
    RV_ASSERT(base.top.len == 0);
    clear(state, &base.selection);
    base_write(state, &(rv_base_root){.under_way = 0});
}

rv_status rv_state_base_begin(rv_state *state, uint64_t position, rv_bytes selection,
                              rv_error *err) {
    RV_ASSERT(base_of(state)->under_way == 0 && selection.len > 0);
    rv_base_root base = {.position = position, .under_way = 1};
    rv_status status = rv_heap_set(&state->pages, &base.selection, selection);
    status = status == RV_OK ? rv_pages_reserve(&state->pages, sizeof base) : status;
    if (status != RV_OK) {
        return full(state, status, err);
    }
    base_write(state, &base);
    return RV_OK;
}

static bool is_given(const rv_state *state, const rv_aggregate *aggregate) {
    return (state->given[aggregate->number / 64u] >> (aggregate->number % 64u) & 1u) != 0;
}

/* True for the items that a base may have: rows of given aggregates come as such, and only they. */
static bool fits_base(const rv_state *state, const rv_base_reader *r) {
    if (r->kind == RV_BASE_STREAM || r->kind == RV_BASE_OWNER) {
        return true;
    }
    const bool given = r->kind == RV_BASE_GIVEN || r->kind == RV_BASE_GIVEN_UNKNOWN;
    const uint16_t a = r->kind == RV_BASE_GONE ? 0 : r->aggregate->number;
    return r->kind != RV_BASE_GONE &&
           given == ((state->base_given[a / 64u] >> (a % 64u) & 1u) != 0);
}

rv_status rv_state_base_part(rv_state *state, rv_bytes part, uint64_t cursor, rv_arena *scratch,
                             rv_error *err) {
    rv_base_root base = *base_of(state);
    RV_ASSERT(base.under_way != 0);
    rv_base_reader reader;
    rv_base_reader_begin(&reader, state->schema, part);
    rv_status status = RV_OK;
    while (status == RV_OK) {
        status = rv_base_reader_next(&reader);
        if (status == RV_OK && !fits_base(state, &reader)) {
            status = RV_DATA_DAMAGED;
        }
    }
    if (status != RV_END) {
        return rv_error_set(err, RV_DATA_DAMAGED, "a part of the base is malformed");
    }
    const size_t mark = rv_arena_mark(scratch);
    const size_t len = sizeof base.top + part.len;
    uint8_t *const whole = rv_arena_take_raw(scratch, len);
    if (whole == NULL || len > UINT32_MAX || base.parts == UINT32_MAX) {
        return full(state, RV_MEMORY_EXHAUSTED, err);
    }
    base.cursor = cursor;
    status = RV_OK;
    if (part.len > 0) {
        memcpy(whole, &base.top, sizeof base.top);
        memcpy(whole + sizeof base.top, part.ptr, part.len);
        base.top = (rv_cell){0};
        base.parts += 1;
        status = rv_heap_set(&state->pages, &base.top, rv_bytes_of(whole, len));
    }
    rv_arena_reset(scratch, mark);
    status = status == RV_OK ? rv_pages_reserve(&state->pages, sizeof base) : status;
    if (status != RV_OK) {
        return full(state, status, err);
    }
    base_write(state, &base);
    return RV_OK;
}

/* --- is there room for the rows? --- */

/* Parts that take less than this share of the free pages are not looked at: hardly a row takes more
 * than that, compared with its item. */
#define ROOM_SHARE 64u

/* What the parts hold. */
typedef struct counts {
    uint32_t rows[RV_AGGREGATES_MAX];
    uint32_t streams;
    uint64_t long_bytes; /* of paths and values that do not lie in a cell */
} counts;

/* Of an entry of an index, and, about, of each secondary one. */
#define ENTRY_BYTES  ((uint32_t)sizeof(rv_bucket) / RV_BUCKET_ENTRIES)
#define SORTED_BYTES 24u

/* Of an aggregate's first row, beside one for each secondary index: rows and their directory, an
 * index and its directory. */
#define FIRST_PAGES 4

static uint64_t long_bytes(size_t len) {
    const bool slot = len > RV_CELL_INLINE && len <= RV_HEAP_SLOT_MAX;
    return slot ? rv_heap_class_size(rv_heap_class((uint32_t)len)) : len > RV_CELL_INLINE ? len : 0;
}

static uint64_t long_bytes_of_row(const rv_base_reader *r) {
    uint64_t bytes = 0;
    for (uint16_t i = 0; i < r->aggregate->column_count; i += 1) {
        const rv_column *const column = &r->aggregate->columns[i];
        const bool inside = column->key || rv_type_bytes_len(column->type.kind) > 0;
        if (!inside && r->values[i].class_ == RV_VALUE_BYTES) {
            bytes += long_bytes(r->values[i].as.bytes.len);
        }
    }
    RV_ASSERT(r->aggregate->column_count > 0);
    return bytes;
}

static void count_items(const rv_state *state, rv_bytes part, counts *found) {
    rv_base_reader reader;
    rv_base_reader_begin(&reader, state->schema, part);
    while (rv_base_reader_next(&reader) == RV_OK) { /* goes on by an item */
        if (reader.kind == RV_BASE_STREAM) {
            found->streams += 1;
            found->long_bytes += long_bytes(reader.path_len);
        } else if (reader.kind != RV_BASE_OWNER) {
            RV_ASSERT(reader.aggregate->number < RV_AGGREGATES_MAX);
            found->rows[reader.aggregate->number] += 1;
            found->long_bytes += long_bytes_of_row(&reader);
        }
    }
}

/* Pages that all of that takes, less those of rows and streams which are there: the base may take
 * their places, or clear them away. Indexes fill their pages in part: a half is added. */
static int64_t pages_needed(const rv_state *state, const counts *found) {
    const int64_t streams = (int64_t)found->streams - rv_streams_count(&state->pages);
    int64_t bytes = streams > 0 ? streams * (int64_t)(sizeof(rv_stream_line) + ENTRY_BYTES) : 0;
    int64_t pages = 0;
    for (uint16_t a = 0; a < rv_schema_aggregate_count(state->schema); a += 1) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(state->schema, a);
        const uint32_t size = rv_table_row_size(aggregate);
        const int64_t there = (int64_t)rv_state_row_count(state, a);
        const int64_t more = (int64_t)found->rows[a] - there;
        RV_ASSERT(size <= RV_PAGE_ROOM);
        pages += more / (int64_t)(RV_PAGE_ROOM / size) - (there > 0);
        pages += more > 0 && there == 0 ? FIRST_PAGES + (int64_t)aggregate->index_count : 0;
        bytes += more * (ENTRY_BYTES + SORTED_BYTES * aggregate->index_count);
    }
    /* what is long of rows that are there is not known: then it is not counted */
    bytes += pages > 0 || bytes > 0 ? (int64_t)found->long_bytes : 0;
    pages += bytes / (int64_t)RV_PAGE_ROOM;
    return pages + (pages > 0 ? pages / 2 : 0) + (streams > 0 ? RV_STREAMS_PAGES_MAX : 0);
}

rv_status rv_state_base_room(const rv_state *state, rv_arena *scratch, rv_error *err) {
    const rv_base_root *const base = base_of(state);
    const uint64_t left = rv_pages_left(&state->pages);
    counts found = {.streams = 0};
    uint64_t bytes = 0;
    rv_cell part = base->top;
    for (uint32_t i = 0; i < base->parts; i += 1) {
        bytes += part.len;
        part = part_before(state, &part);
    }
    if (bytes < left * (RV_PAGE_SIZE / ROOM_SHARE)) {
        return RV_OK;
    }
    part = base->top;
    for (uint32_t i = 0; i < base->parts; i += 1) {
        const size_t mark = rv_arena_mark(scratch);
        rv_bytes whole;
        const rv_cell before = part_before(state, &part);
        const rv_status status = rv_heap_get(&state->pages, &part, scratch, &whole);
        if (status != RV_OK) {
            return full(state, status, err);
        }
        count_items(state, rv_bytes_from(whole, sizeof part), &found);
        rv_arena_reset(scratch, mark);
        part = before;
    }
    const int64_t needed = pages_needed(state, &found);
    const int64_t room =
        (int64_t)(left + bytes / RV_PAGE_ROOM + 1); /* parts come free on the way */
    if (needed <= room) {
        return RV_OK;
    }
    return rv_error_set(err, RV_STATE_FULL,
                        "the rows of the base need about %d more pages of memory, and %d are left",
                        needed, room);
}

/* --- parts become rows --- */

void rv_state_stream_shorten(rv_state *state, uint32_t stream) {
    RV_ASSERT(!state->pages.journal.active && stream < rv_streams_count(&state->pages));
    rv_streams_set_short(&state->pages, stream, true);
}

bool rv_state_is_short(const rv_state *state) {
    const uint32_t count = rv_streams_count(&state->pages);
    bool is_short = false;
    for (uint32_t i = 0; i < count && !is_short; i += 1) {
        is_short = rv_streams_read(&state->pages, i)->is_short != 0;
    }
    return is_short;
}

/* The stream that the reader's path names, added when it is new. */
static rv_status stream_of(rv_state *state, const rv_base_reader *r, uint32_t *number,
                           rv_error *err) {
    const rv_bytes path = rv_bytes_of(r->path, r->path_len);
    return rv_state_stream_find(state, path, number)
               ? RV_OK
               : rv_state_stream_add(state, r->declaration, path, number, err);
}

static rv_status apply_stream(rv_state *state, const rv_base_reader *r, uint32_t number) {
    const rv_status status = rv_pages_reserve(&state->pages, 0);
    if (status == RV_OK) {
        rv_streams_write(&state->pages, number)->version = r->version;
    }
    return status;
}

/* Removes a row with everything that follows it. */
static rv_status remove_row(rv_state *state, rv_fold *f, const rv_aggregate *aggregate,
                            uint32_t place, uint32_t hash) {
    rv_fold_row row;
    rv_status status = rv_fold_open(f, aggregate, place, &row);
    status = status == RV_OK ? rv_fold_refer_row(f, &row, false) : status;
    status = status == RV_OK ? rv_sorted_remove(&state->pages, aggregate, place) : status;
    return status == RV_OK ? rv_rows_remove(&state->pages, aggregate->number, place, hash) : status;
}

static rv_status fill_row(rv_state *state, const rv_base_reader *r, const rv_fold_row *row) {
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < r->aggregate->column_count && status == RV_OK; i += 1) {
        const bool unknown = (r->unknown[i / 8u] >> (i % 8u) & 1u) != 0;
        if (unknown) {
            status = rv_row_set_unknown(&state->pages, row->table, row->bytes, i);
        } else if (!r->aggregate->columns[i].key && !rv_value_is_null(&r->values[i])) {
            status = rv_row_set(&state->pages, row->table, row->bytes, i, &r->values[i]);
        }
    }
    return status;
}

/* The key of the reader's row. */
static void key_read(const rv_base_reader *r, rv_value *key) {
    const rv_aggregate *const a = r->aggregate;
    RV_ASSERT(a->key_count > 0 && a->key_count <= RV_INDEX_COLUMNS_MAX);
    for (uint16_t i = 0; i < a->key_count; i += 1) {
        key[i] = r->values[a->keys[i]];
    }
}

/* Where the reader's row lies, or RV_SLOT_NONE, and its key's hash. */
static uint32_t place_of(const rv_state *state, const rv_base_reader *r, uint32_t *hash) {
    const rv_aggregate *const a = r->aggregate;
    rv_value key[RV_INDEX_COLUMNS_MAX];
    key_read(r, key);
    *hash = rv_rows_keys_hash(state->hash_key, key, a->key_count);
    return rv_rows_find(&state->pages, rv_table_of(&state->pages, a->number), key, *hash);
}

/* `based`: with a base; a row that is new is counted when that has ended. */
static rv_status apply_row(rv_state *state, const rv_base_reader *r, uint32_t owner, bool based,
                           rv_arena *scratch) {
    rv_pages *const pages = &state->pages;
    const rv_aggregate *const a = r->aggregate;
    rv_fold f = {
        .pages = pages, .schema = state->schema, .hash_key = state->hash_key, .scratch = scratch};
    rv_value key[RV_INDEX_COLUMNS_MAX];
    uint32_t hash = 0;
    uint32_t place = place_of(state, r, &hash);
    rv_status status = RV_OK;
    key_read(r, key);
    /* those who refer to the row that goes refer to the one that comes */
    uint32_t refs = based ? RV_ROW_REFS_DUE : 0;
    if (place != RV_SLOT_NONE) {
        refs = rv_row_head_of(rv_rows_read(pages, rv_table_of(pages, a->number), place)).refs;
        status = remove_row(state, &f, a, place, hash);
    }
    status = status == RV_OK ? rv_rows_add(pages, a, owner, key, hash, &place) : status;
    if (status == RV_OK && a->columns[a->key].type.serial) {
        status = rv_rows_serial_note(pages, a->number, key[0].as.integer);
    }
    rv_fold_row row;
    status = status == RV_OK ? rv_fold_open(&f, a, place, &row) : status;
    if (status == RV_OK) {
        memcpy(row.bytes + offsetof(rv_row_head, refs), &refs, sizeof refs);
        status = fill_row(state, r, &row);
    }
    status = status == RV_OK ? rv_fold_refer_row(&f, &row, true) : status;
    return status == RV_OK ? rv_sorted_add(pages, a, place) : status;
}

static void note_short(rv_state *state, uint32_t owner, bool awaited) {
    if (awaited) {
        rv_state_stream_shorten(state, owner);
    }
}

/* Everything in one part. */
static rv_status apply_part(rv_state *state, rv_bytes part, rv_arena *scratch, rv_error *err) {
    rv_base_reader reader;
    rv_base_reader_begin(&reader, state->schema, part);
    uint32_t owner = 0;
    bool awaited = false; /* a row of the owner */
    rv_status status = rv_base_reader_next(&reader);
    while (status == RV_OK) {
        if (reader.kind == RV_BASE_STREAM || reader.kind == RV_BASE_OWNER) {
            note_short(state, owner, awaited);
            awaited = reader.kind == RV_BASE_OWNER;
            status = stream_of(state, &reader, &owner, err);
            if (status != RV_OK) {
                return status;
            }
        }
        if (reader.kind == RV_BASE_STREAM) {
            status = apply_stream(state, &reader, owner);
        } else if (reader.kind != RV_BASE_OWNER) {
            awaited = awaited && reader.kind >= RV_BASE_GIVEN;
            const bool given = reader.kind >= RV_BASE_GIVEN;
            const size_t mark = rv_arena_mark(scratch);
            status = apply_row(state, &reader, given ? RV_ROW_OWNER_GIVEN : owner, true, scratch);
            rv_arena_reset(scratch, mark);
        }
        if (status != RV_OK) {
            return full(state, status, err);
        }
        status = rv_base_reader_next(&reader);
    }
    note_short(state, owner, awaited);
    return status == RV_END ? RV_OK : rv_error_set(err, status, "a part of the base is malformed");
}

/* The key of a row, and its hash. */
static rv_status key_of(const rv_state *state, const rv_aggregate *aggregate, uint32_t place,
                        rv_arena *scratch, rv_value *key, uint32_t *hash) {
    const rv_table *const table = rv_table_of(&state->pages, aggregate->number);
    const uint8_t *const row = rv_rows_read(&state->pages, table, place);
    rv_status status = RV_OK;
    for (uint16_t i = 0; i < aggregate->key_count && status == RV_OK; i += 1) {
        status = rv_row_get(&state->pages, table, row, aggregate->keys[i], scratch, &key[i]);
    }
    *hash = status == RV_OK ? rv_rows_keys_hash(state->hash_key, key, aggregate->key_count) : 0;
    return status;
}

/* Which rows are removed. */
typedef struct clearing {
    bool all;
    bool narrows; /* those of streams that no pattern selects, and given ones that are not given */
    const rv_path_pattern *patterns;
    size_t count;
    uint32_t owner; /* of the last row that was looked at; RV_ROW_OWNER_GIVEN: none was */
    bool selected;  /* a pattern selects it */
} clearing;

static bool is_selected(const rv_state *state, const clearing *c, uint32_t stream) {
    const rv_stream_line *const line = rv_streams_read(&state->pages, stream);
    const rv_bytes path = rv_heap_run(&state->pages, &line->path);
    bool met = line->declaration == RV_NONE;
    for (size_t i = 0; i < c->count && !met; i += 1) {
        met = rv_path_pattern_match(&c->patterns[i], path);
    }
    return met;
}

static bool row_goes(const rv_state *state, clearing *c, const rv_aggregate *aggregate,
                     rv_row row) {
    if (!c->narrows) {
        return c->all || is_given(state, aggregate);
    }
    const uint32_t owner = rv_state_row_owner(state, aggregate->number, row);
    if (owner == RV_ROW_OWNER_GIVEN) {
        return !is_given(state, aggregate);
    }
    if (owner != c->owner) {
        c->owner = owner;
        c->selected = is_selected(state, c, owner);
    }
    return !c->selected;
}

static rv_status clear_rows(rv_state *state, clearing *c, rv_arena *scratch) {
    const uint16_t aggregates = rv_schema_aggregate_count(state->schema);
    rv_status status = RV_OK;
    rv_fold f = {.pages = &state->pages,
                 .schema = state->schema,
                 .hash_key = state->hash_key,
                 .scratch = scratch};
    c->owner = RV_ROW_OWNER_GIVEN;
    for (uint16_t a = 0; a < aggregates && status == RV_OK; a += 1) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(state->schema, a);
        rv_row row = rv_state_row_next(state, a, RV_ROW_NONE);
        while (status == RV_OK && row != RV_ROW_NONE) { /* goes on by a row */
            const rv_row next = rv_state_row_next(state, a, row);
            rv_value key[RV_INDEX_COLUMNS_MAX];
            uint32_t hash = 0;
            const size_t mark = rv_arena_mark(scratch);
            if (row_goes(state, c, aggregate, row)) {
                status = key_of(state, aggregate, (uint32_t)row, scratch, key, &hash);
                status = status == RV_OK ? remove_row(state, &f, aggregate, (uint32_t)row, hash)
                                         : status;
            }
            rv_arena_reset(scratch, mark);
            row = next;
        }
    }
    return status;
}

/* Removes the row that is gone, if it is here. */
static rv_status apply_gone(rv_state *state, const rv_base_reader *r, rv_arena *scratch) {
    rv_fold f = {.pages = &state->pages,
                 .schema = state->schema,
                 .hash_key = state->hash_key,
                 .scratch = scratch};
    uint32_t hash = 0;
    const uint32_t place = place_of(state, r, &hash);
    return place == RV_SLOT_NONE ? RV_OK : remove_row(state, &f, r->aggregate, place, hash);
}

/* A given row, or one that is gone, takes the place of what there was, which is noted for edges
 * that select it here. */
static rv_status change_row(rv_state *state, const rv_base_reader *r, rv_arena *scratch) {
    const bool gone = r->kind == RV_BASE_GONE;
    const rv_fold f = {.pages = &state->pages, .schema = state->schema, .scratch = scratch};
    rv_bytes before = {NULL, 0}, after = {NULL, 0};
    uint32_t hash = 0;
    rv_status status = RV_OK;
    if (state->changes != NULL) {
        status = rv_fold_row_item(&f, r->aggregate->number, place_of(state, r, &hash), &before);
    }
    if (status == RV_OK) {
        status = gone ? apply_gone(state, r, scratch)
                      : apply_row(state, r, RV_ROW_OWNER_GIVEN, false, scratch);
    }
    if (status == RV_OK && state->changes != NULL) {
        status = rv_fold_row_item(&f, r->aggregate->number, place_of(state, r, &hash), &after);
    }
    if (status == RV_OK && (before.len > 0 || after.len > 0)) {
        rv_changes_add(state->changes, 0, before, after); /* rv_state_changed_at says when */
    }
    return status;
}

rv_status rv_state_base_change(rv_state *state, rv_bytes items, rv_arena *scratch, rv_error *err) {
    rv_base_reader reader;
    RV_ASSERT(state->pages.journal.active);
    rv_base_reader_begin(&reader, state->schema, items);
    rv_status status = rv_base_reader_next(&reader);
    while (status == RV_OK) {
        const size_t mark = rv_arena_mark(scratch);
        status = reader.kind < RV_BASE_GIVEN || !is_given(state, reader.aggregate)
                     ? RV_DATA_DAMAGED
                     : change_row(state, &reader, scratch);
        rv_arena_reset(scratch, mark);
        status = status == RV_OK ? rv_base_reader_next(&reader) : status;
    }
    if (status == RV_DATA_DAMAGED) {
        return rv_error_set(err, status, "changes of rows are malformed");
    }
    return status == RV_END ? RV_OK : full(state, status, err);
}

void rv_state_base_give(rv_state *state, const uint16_t *aggregates, size_t count) {
    memset(state->base_given, 0, sizeof state->base_given);
    for (size_t i = 0; i < count; i += 1) {
        RV_ASSERT(aggregates[i] < RV_AGGREGATES_MAX);
        state->base_given[aggregates[i] / 64u] |= UINT64_C(1) << (aggregates[i] % 64u);
    }
}

/* Rows go, and streams become such without an event. */
static rv_status clear_state(rv_state *state, clearing *c, rv_arena *scratch, rv_error *err) {
    RV_ASSERT(!state->pages.journal.active);
    const rv_status status = clear_rows(state, c, scratch);
    for (uint32_t i = 0; i < rv_streams_count(&state->pages) && status == RV_OK; i += 1) {
        const bool goes = c->all ? rv_streams_read(&state->pages, i)->declaration != RV_NONE
                                 : !is_selected(state, c, i);
        if (goes) {
            rv_streams_write(&state->pages, i)->version = 0;
            rv_streams_set_short(&state->pages, i, false);
        }
    }
    return status == RV_OK ? RV_OK : full(state, status, err);
}

rv_status rv_state_base_clear(rv_state *state, rv_arena *scratch, rv_error *err) {
    clearing c = {.all = true};
    return clear_state(state, &c, scratch, err);
}

rv_status rv_state_base_narrow(rv_state *state, const rv_path_pattern *patterns, size_t count,
                               rv_arena *scratch, rv_error *err) {
    clearing c = {.narrows = true, .patterns = patterns, .count = count};
    return clear_state(state, &c, scratch, err);
}

/* What each row of an aggregate refers to, where that is due; or (NULL) that it is counted. */
static rv_status count_rows(rv_state *state, rv_fold *f, uint16_t aggregate) {
    const rv_table *const table = rv_table_of(&state->pages, aggregate);
    rv_row row = rv_state_row_next(state, aggregate, RV_ROW_NONE);
    rv_status status = RV_OK;
    while (status == RV_OK && row != RV_ROW_NONE) { /* goes on by a row */
        if (!f->due) {
            status = rv_rows_refs_counted(&state->pages, table, (uint32_t)row);
        } else {
            const size_t mark = rv_arena_mark(f->scratch);
            rv_fold_row opened;
            status = rv_fold_open(f, rv_schema_aggregate(state->schema, aggregate), (uint32_t)row,
                                  &opened);
            status = status == RV_OK ? rv_fold_refer_row(f, &opened, true) : status;
            rv_arena_reset(f->scratch, mark);
        }
        row = rv_state_row_next(state, aggregate, row);
    }
    return status;
}

/* References to the rows that the base has brought: they may have come before these, with it or
 * before it. */
static rv_status count_due(rv_state *state, rv_arena *scratch) {
    const uint16_t count = rv_schema_aggregate_count(state->schema);
    rv_fold f = {.pages = &state->pages,
                 .schema = state->schema,
                 .hash_key = state->hash_key,
                 .due = true,
                 .scratch = scratch};
    rv_status status = RV_OK;
    for (uint16_t a = 0; a < count && status == RV_OK; a += 1) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(state->schema, a);
        bool refers = false;
        for (uint16_t t = 0; t < count && !refers; t += 1) {
            refers = rv_fold_refers_to(aggregate, rv_schema_aggregate(state->schema, t));
        }
        status = refers ? count_rows(state, &f, a) : RV_OK;
    }
    f.due = false;
    for (uint16_t a = 0; a < count && status == RV_OK; a += 1) {
        status = count_rows(state, &f, a);
    }
    return status;
}

rv_status rv_state_base_apply(rv_state *state, rv_arena *scratch, rv_error *err) {
    rv_base_root base = *base_of(state);
    RV_ASSERT(base.under_way != 0 && !state->pages.journal.active);
    clearing c = {.all = false};
    rv_status status = state->given_any ? clear_rows(state, &c, scratch) : RV_OK;
    if (status != RV_OK) {
        return full(state, status, err);
    }
    while (base.parts > 0 && status == RV_OK) {
        const size_t mark = rv_arena_mark(scratch);
        const rv_cell before = part_before(state, &base.top);
        rv_bytes bytes;
        status = rv_heap_get(&state->pages, &base.top, scratch, &bytes);
        status = status == RV_OK
                     ? apply_part(state, rv_bytes_from(bytes, sizeof before), scratch, err)
                     : full(state, status, err);
        rv_arena_reset(scratch, mark);
        if (status == RV_OK) {
            clear(state, &base.top);
            base.top = before;
            base.parts -= 1;
            base_write(state, &base);
        }
    }
    if (status == RV_OK) {
        const rv_status counted = count_due(state, scratch);
        status = counted == RV_OK ? RV_OK : full(state, counted, err);
    }
    if (status == RV_OK) {
        rv_state_base_discard(state);
    }
    return status;
}
