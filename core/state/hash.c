/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state hash (SEMANTICS 16), as docs/format/state-hash.md specifies it: rows and streams are
 * hashed one by one and added up, so the order in which they lie does not matter. The sum of each
 * page is kept (pages.sums), and only dirty pages are summed again.
 */
#include "core/model/jsonb.h"
#include "core/model/schema_filter.h"
#include "core/state/base.h"
#include "core/state/inside.h"

/* Longer bytes enter a row's form by their digest, so the form of a row is bounded. */
#define SHORT_MAX 64u

/* What a column takes of the form: a class, a length, bytes; an enum's label is a name. */
#define COLUMN_FORM_MAX 96u
#define FORM_MAX        (RV_COLUMNS_MAX * COLUMN_FORM_MAX + RV_NAME_LEN_MAX + 16u)

/* The first bytes of forms that rv_value_canonical does not make. */
#define FORM_LONG    0xfeu
#define FORM_UNKNOWN 0xffu

/* A jsonb's text is taken in steps; what waits is the zeros of a fraction and its point. */
#define JSONB_STEP        512u
#define JSONB_WAITING_MAX (RV_DECIMAL_SCALE_MAX + 8u)

/* Seeds: a row is never taken for a stream or the whole. */
#define SEED_ROW    UINT64_C(1)
#define SEED_STREAM UINT64_C(2)
#define SEED_STATE  UINT64_C(3)

static void write_hash(rv_writer *w, rv_hash128 hash) {
    rv_write_u64(w, hash.low);
    rv_write_u64(w, hash.high);
    RV_ASSERT(!w->full);
}

/* The digest of bytes longer than SHORT_MAX: piece by piece, each seeded with the one before. */
static rv_hash128 long_digest(const rv_pages *pages, const rv_cell *cell) {
    RV_ASSERT(cell->len > SHORT_MAX);
    rv_hash128 digest = {0, 0};
    if (rv_heap_is_run(cell)) {
        rv_bytes rest = rv_heap_run(pages, cell);
        while (rest.len > 0) {
            const size_t len = rest.len < RV_HEAP_PIECE ? rest.len : RV_HEAP_PIECE;
            digest = rv_hash128_of(digest.low, (rv_bytes){rest.ptr, len});
            rest = (rv_bytes){rest.ptr + len, rest.len - len};
        }
        return digest;
    }
    uint32_t place = cell->as.place;
    uint32_t left = cell->len;
    while (left > 0) {
        digest = rv_hash128_of(digest.low, rv_heap_piece(pages, &place, &left));
    }
    RV_ASSERT(place == 0);
    return digest;
}

/* Bytes that come bit by bit, in the form of their column: as they are, or their digest. */
typedef struct stream {
    uint8_t bytes[RV_HEAP_PIECE + JSONB_STEP + JSONB_WAITING_MAX];
    size_t len;
    uint64_t total;
    rv_hash128 digest;
} stream;

static void stream_digest(stream *s, size_t len) {
    RV_ASSERT(len <= s->len);
    s->digest = rv_hash128_of(s->digest.low, rv_bytes_of(s->bytes, len));
    s->len -= len;
    memmove(s->bytes, s->bytes + len, s->len);
}

/* Adds a piece of a jsonb's text, without zeros at the end of fractions. */
static void stream_jsonb(stream *s, rv_jsonb_plain *plain, rv_bytes piece) {
    for (size_t at = 0; at < piece.len; at += JSONB_STEP) {
        const size_t left = piece.len - at;
        rv_writer w = rv_writer_over(s->bytes + s->len, sizeof s->bytes - s->len);
        rv_jsonb_plain_write(
            plain, rv_bytes_of(piece.ptr + at, left < JSONB_STEP ? left : JSONB_STEP), &w);
        RV_ASSERT(!w.full);
        s->len += w.len;
        s->total += w.len;
        if (s->len >= RV_HEAP_PIECE) {
            stream_digest(s, RV_HEAP_PIECE);
        }
    }
}

/* A jsonb that is not NULL: equal ones have one form, however their numbers are written. */
static void write_jsonb(const rv_pages *pages, const rv_cell *cell, rv_bytes run, rv_writer *w) {
    stream s;
    rv_jsonb_plain plain = {0};
    s.len = 0;
    s.total = 0;
    s.digest = (rv_hash128){0, 0};
    if (cell == NULL) {
        stream_jsonb(&s, &plain, run);
    } else {
        uint32_t place = cell->as.place;
        uint32_t left = cell->len;
        while (left > 0) {
            stream_jsonb(&s, &plain, rv_heap_piece(pages, &place, &left));
        }
    }
    RV_ASSERT(s.total > 0);
    if (s.total <= SHORT_MAX) {
        rv_write_u8(w, RV_VALUE_BYTES);
        rv_write_blob(w, rv_bytes_of(s.bytes, s.len));
        return;
    }
    if (s.len > 0) {
        stream_digest(&s, s.len);
    }
    rv_write_u8(w, FORM_LONG);
    rv_write_u64(w, s.total);
    write_hash(w, s.digest);
}

static void write_column(const rv_pages *pages, const rv_table *table, const rv_column *column,
                         const uint8_t *row, uint16_t nth, rv_writer *w) {
    if (rv_row_is_unknown(table, row, nth)) {
        rv_write_u8(w, FORM_UNKNOWN);
        return;
    }
    rv_cell cell;
    const bool jsonb = column->type.kind == RV_TYPE_JSONB;
    const bool in_heap = rv_row_in_heap(table, row, nth, &cell);
    if (jsonb && in_heap && !rv_heap_is_run(&cell)) {
        write_jsonb(pages, &cell, (rv_bytes){NULL, 0}, w);
        return;
    }
    if (!jsonb && in_heap && cell.len > SHORT_MAX) {
        rv_write_u8(w, FORM_LONG);
        rv_write_u64(w, cell.len);
        write_hash(w, long_digest(pages, &cell));
        return;
    }
    rv_value value;
    const rv_status status = rv_row_get(pages, table, row, nth, NULL, &value);
    RV_ASSERT(status == RV_OK); /* only a chain needs scratch, and that is long */
    if (jsonb && !rv_value_is_null(&value)) {
        write_jsonb(pages, NULL, value.as.bytes, w);
        return;
    }
    if (column->type.kind == RV_TYPE_ARRAY && !rv_value_is_null(&value)) {
        rv_write_u8(w, RV_VALUE_BYTES); /* as stored: a label for each byte would be too long */
        rv_write_blob(w, value.as.bytes);
        return;
    }
    rv_value_canonical(&column->type, &value, w);
}

static rv_hash128 row_hash(const rv_state *state, const rv_aggregate *aggregate,
                           const rv_table *table, const uint8_t *row) {
    uint8_t form[FORM_MAX];
    rv_writer w = rv_writer_over(form, sizeof form);
    rv_write_blob(&w, aggregate->name);
    RV_ASSERT(aggregate->column_count == table->column_count);
    for (uint16_t i = 0; i < aggregate->column_count; i += 1) {
        write_column(&state->pages, table, &aggregate->columns[i], row, i, &w);
    }
    RV_ASSERT(!w.full);
    return rv_hash128_of(SEED_ROW, rv_writer_bytes(&w));
}

/* Streams without an event count for nothing. */
static rv_hash128 stream_hash(const rv_state *state, const rv_stream_line *line) {
    if (line->version == 0) {
        return (rv_hash128){0, 0};
    }
    uint8_t form[RV_PATH_LEN_MAX + 32];
    rv_writer w = rv_writer_over(form, sizeof form);
    rv_write_blob(&w, rv_heap_run(&state->pages, &line->path));
    rv_write_u64(&w, line->version);
    RV_ASSERT(!w.full);
    return rv_hash128_of(SEED_STREAM, rv_writer_bytes(&w));
}

static rv_hash128 rows_page_sum(const rv_state *state, uint32_t page, const rv_page_head *head) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(state->schema, head->tag);
    const rv_table *const table = rv_table_of(&state->pages, head->tag);
    RV_ASSERT(table != NULL && table->row_size == head->slot_size);
    rv_hash128 sum = {0, 0};
    for (uint32_t i = 0; i < head->slot_fresh; i += 1) {
        const uint8_t *const row = rv_rows_read(&state->pages, table, rv_slot_place(page, i));
        if (rv_row_head_of(row).owner != RV_SLOT_FREE) {
            sum = rv_hash128_add(sum, row_hash(state, aggregate, table, row));
        }
    }
    return sum;
}

static rv_hash128 streams_page_sum(const rv_state *state, const rv_page_head *head) {
    const uint32_t count = rv_streams_count(&state->pages);
    RV_ASSERT(head->first % RV_LINES_IN_PAGE == 0);
    rv_hash128 sum = {0, 0};
    for (uint32_t i = head->first; i < count && i - head->first < RV_LINES_IN_PAGE; i += 1) {
        sum = rv_hash128_add(sum, stream_hash(state, rv_streams_read(&state->pages, i)));
    }
    return sum;
}

static rv_hash128 page_sum(const rv_state *state, uint32_t page) {
    if (page >= rv_pages_pool(&state->pages)->fresh) {
        return (rv_hash128){0, 0}; /* its bytes are from a transaction that was taken back */
    }
    const rv_page_head *const head = rv_pages_head(&state->pages, page);
    RV_ASSERT(head->kind <= RV_PAGE_TREE);
    if (head->kind == RV_PAGE_ROWS) {
        return rows_page_sum(state, page, head);
    }
    return head->kind == RV_PAGE_STREAMS ? streams_page_sum(state, head) : (rv_hash128){0, 0};
}

/* The hash over everything, from the sum. */
static rv_hash128 finish(const rv_state *state, uint64_t watermark, rv_hash128 sum) {
    uint8_t form[40];
    rv_writer w = rv_writer_over(form, sizeof form);
    write_hash(&w, rv_schema_hash(state->schema));
    rv_write_u64(&w, watermark);
    write_hash(&w, sum);
    RV_ASSERT(w.len == sizeof form);
    return rv_hash128_of(SEED_STATE, rv_writer_bytes(&w));
}

rv_hash128 rv_state_hash(rv_state *state, uint64_t watermark) {
    rv_pages *const pages = &state->pages;
    RV_ASSERT(pages->marks[0] == 0);
    for (uint32_t page = RV_PAGE_FIRST; page <= pages->total; page += 1) {
        if ((pages->marks[page] & RV_MARK_DIRTY) == 0) {
            continue;
        }
        const rv_hash128 sum = page_sum(state, page);
        state->sum = rv_hash128_add(rv_hash128_subtract(state->sum, pages->sums[page]), sum);
        pages->sums[page] = sum;
        pages->marks[page] &= (uint8_t)~RV_MARK_DIRTY;
    }
    return finish(state, watermark, state->sum);
}

/* True when a selection by these patterns holds the stream. */
static bool selected(const rv_state *state, const rv_stream_line *line,
                     const rv_path_pattern *patterns, size_t pattern_count) {
    const rv_bytes path = rv_heap_run(&state->pages, &line->path);
    bool holds = line->declaration == RV_NONE;
    for (size_t i = 0; i < pattern_count && !holds; i += 1) {
        holds = rv_path_pattern_match(&patterns[i], path);
    }
    RV_ASSERT(path.len > 0);
    return holds;
}

/* True when the selection has this row. */
static bool row_selected(const rv_state *state, const rv_base_source *source, uint16_t aggregate,
                         const rv_table *table, const uint8_t *row, rv_arena *scratch,
                         rv_status *status) {
    const uint32_t owner = rv_row_head_of(row).owner;
    const rv_given *given = NULL;
    for (size_t i = 0; i < source->given_count && given == NULL; i += 1) {
        given = source->given[i].aggregate == aggregate ? &source->given[i] : NULL;
    }
    if (given == NULL) {
        return owner != RV_ROW_OWNER_GIVEN && selected(state, rv_streams_read(&state->pages, owner),
                                                       source->patterns, source->pattern_count);
    }
    if (given->filter == NULL) {
        return true;
    }
    rv_value values[RV_COLUMNS_MAX];
    const size_t mark = rv_arena_mark(scratch);
    for (uint16_t i = 0; i < table->column_count && *status == RV_OK; i += 1) {
        *status = rv_row_get(&state->pages, table, row, i, scratch, &values[i]);
    }
    const bool passes = *status == RV_OK && rv_schema_filter_passes(given->filter, values, scratch);
    rv_arena_reset(scratch, mark);
    return passes;
}

rv_status rv_state_hash_source(rv_state *state, uint64_t watermark, const rv_base_source *source,
                               rv_arena *scratch, rv_hash128 *hash) {
    const rv_pages *const pages = &state->pages;
    rv_hash128 sum = {0, 0};
    rv_status status = RV_OK;
    for (uint32_t i = 0; i < rv_streams_count(pages); i += 1) {
        const rv_stream_line *const line = rv_streams_read(pages, i);
        if (selected(state, line, source->patterns, source->pattern_count)) {
            sum = rv_hash128_add(sum, stream_hash(state, line));
        }
    }
    const uint16_t aggregates = rv_schema_aggregate_count(state->schema);
    for (uint16_t a = 0; a < aggregates; a += 1) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(state->schema, a);
        const rv_table *const table = rv_table_of(pages, a);
        rv_row row = rv_state_row_next(state, a, RV_ROW_NONE);
        while (row != RV_ROW_NONE && status == RV_OK) {
            const uint8_t *const bytes = rv_rows_read(pages, table, (uint32_t)row);
            if (row_selected(state, source, a, table, bytes, scratch, &status)) {
                sum = rv_hash128_add(sum, row_hash(state, aggregate, table, bytes));
            }
            row = rv_state_row_next(state, a, row);
        }
    }
    *hash = finish(state, watermark, sum);
    return status;
}

rv_hash128 rv_state_hash_selected(rv_state *state, uint64_t watermark,
                                  const rv_path_pattern *patterns, size_t pattern_count) {
    RV_ASSERT(pattern_count <= RV_PATTERNS_MAX);
    const rv_base_source source = {.patterns = patterns, .pattern_count = pattern_count};
    rv_hash128 hash;
    const rv_status status = rv_state_hash_source(state, watermark, &source, NULL, &hash);
    RV_ASSERT(status == RV_OK); /* only filters need scratch */
    return hash;
}
