/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /changes/{aggregate}: what becomes of its rows, as server-sent events, of those that pass
 * `where`, if it is given. With `rows=first` it begins with the rows as they are.
 *
 *     event: change
 *     data: {"change":"update","position":12,"old":{…},"row":{…}}
 *
 *     id: 5f1c…                                   after the changes that belong together
 *     event: change
 *     data: {"change":"step","position":12,"pending":0}
 *
 * The id is the sum of the hashes of all rows that the reader has by then, each as it was told. So
 * a reader that comes back with it in Last-Event-ID has what is there now if the sum is the same,
 * and goes on; otherwise it gets a reset and the rows. No history of rows is kept for that, and an
 * id is good at any node that has the same rows.
 *
 * The address is not one below /aggregates/{aggregate}, where keys are.
 */
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/model/json.h"
#include "core/model/schema_filter.h"

#define IDLE_US      INT64_C(15000000)
#define COMPILED_LEN ((size_t)64 << 10)

/* Compiles the condition, unless it was by this schema; `*filter` NULL: there is none. It lies in
 * the exchange's buffer, or, if it is too large for that, in scratch and `compiled`. */
static rv_status compile(rv_exchange *x, rv_expr *compiled, const rv_expr **filter, rv_error *err) {
    const rv_node *const node = x->face->options.node;
    const rv_schema *const schema = rv_node_schema(node);
    changes_feed *const c = &x->changes;
    rv_arena *const scratch = &x->face->scratch;
    *filter = c->where_len == 0 ? NULL : &c->compiled;
    if (c->where_len == 0 || c->compiled_by == rv_node_schema_moves(node)) {
        return RV_OK;
    }
    const rv_aggregate *const aggregate = rv_schema_aggregate(schema, c->feed.aggregate);
    const rv_bytes text = rv_bytes_of(x->buffer, c->where_len);
    rv_arena arena = rv_arena_over(x->buffer + c->where_len, sizeof x->buffer - c->where_len);
    if (!c->large &&
        rv_schema_filter(schema, aggregate, text, &arena, scratch, &c->compiled, err) == RV_OK) {
        c->compiled_by = rv_node_schema_moves(node);
        return RV_OK;
    }
    c->compiled_by = UINT64_MAX; /* no such */
    *filter = compiled;
    arena = rv_arena_split(scratch, COMPILED_LEN);
    const rv_status status =
        arena.cap == 0 ? rv_error_set(err, RV_MEMORY_EXHAUSTED, "there is no memory for the filter")
                       : rv_schema_filter(schema, aggregate, text, &arena, scratch, compiled, err);
    c->large = status == RV_OK;
    return status;
}

/* Notes the rows whose column is as the filter wants it. */
static void note_column(const rv_state *state, uint16_t aggregate, const rv_filter_column *column,
                        rv_reads *reads) {
    const rv_value null = rv_value_null();
    for (uint16_t i = 0; i < column->count; i++) {
        rv_reads_value(reads, state, aggregate, column->column, &column->values[i]);
    }
    if (column->count == 0) { /* above NULL, at least */
        const rv_index_range range = {
            .aggregate = aggregate,
            .index = RV_NONE,
            .low = {column->has_low ? &column->low : &null, 1, column->low_inside},
            .high = {&column->high, column->has_high, !column->has_high || column->high_inside}};
        rv_reads_column(reads, state, &range, column->column);
    }
}

rv_status face_changes_reads(rv_exchange *x, rv_error *err) {
    rv_node *const node = x->face->options.node;
    changes_feed *const c = &x->changes;
    rv_expr compiled;
    const rv_expr *filter;
    rv_filter_column column;
    if (c->schema == rv_node_schema_moves(node) && c->swaps == rv_node_selection_swaps(node)) {
        return RV_OK;
    }
    rv_arena_reset(&x->face->scratch, 0);
    const rv_status status = compile(x, &compiled, &filter, err);
    if (status != RV_OK) {
        return status;
    }
    rv_reads_clear(&c->reads);
    if (filter != NULL && rv_schema_filter_column(filter, &column)) {
        note_column(rv_node_state(node), c->feed.aggregate, &column, &c->reads);
    } else {
        rv_reads_all(&c->reads, c->feed.aggregate);
    }
    c->schema = rv_node_schema_moves(node);
    c->swaps = rv_node_selection_swaps(node);
    return RV_OK;
}

static rv_status read_where(rv_exchange *x, const rv_url *url, rv_error *err) {
    rv_bytes text;
    rv_expr compiled;
    const rv_expr *filter;
    bool found = false;
    const rv_status status = rv_url_parameter(url, "where", &x->face->scratch, &text, &found, err);
    if (status != RV_OK || !found) {
        return status;
    }
    if (text.len == 0 || text.len > sizeof x->buffer) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "`where` has 1 to %u bytes, not %u",
                            (uint64_t)sizeof x->buffer, (uint64_t)text.len);
    }
    memcpy(x->buffer, text.ptr, text.len);
    x->changes.where_len = (uint32_t)text.len;
    return compile(x, &compiled, &filter, err);
}

static rv_status read_rows(rv_exchange *x, const rv_url *url, bool *first, rv_error *err) {
    rv_bytes text;
    const rv_status status = rv_url_parameter(url, "rows", &x->face->scratch, &text, first, err);
    return status == RV_OK && *first && !rv_bytes_are(text, "first")
               ? rv_error_set(err, RV_PARAMETER_INVALID, "`rows` is first, not `%b`", &text)
               : status;
}

rv_status face_changes(rv_exchange *x, const rv_url *url, rv_error *err) {
    const rv_aggregate *aggregate;
    changes_feed *const c = &x->changes;
    const rv_bytes known = x->request.last_event_id;
    bool first = false;
    rv_status status = face_aggregate(x, url->segments[1], &aggregate, err);
    status = status == RV_OK ? face_require(x, FACE_ROWS, aggregate->name, err) : status;
    if (status == RV_OK && !exchange_is_live(x)) {
        status = rv_error_set(err, RV_REQUEST_INVALID,
                              "changes are a feed: ask with Accept: text/event-stream");
    }
    if (status != RV_OK) {
        return status;
    }
    *c = (changes_feed){
        .last_piece = INT64_MIN,
        .known = known.len > 0,
        .compiled_by = UINT64_MAX, /* no such */
        .schema = UINT64_MAX,
    };
    c->feed.aggregate = aggregate->number;
    if (c->known && known.len == sizeof c->sum_known) {
        memcpy(c->sum_known, known.ptr, known.len); /* anything else is no sum of rows */
    }
    status = read_where(x, url, err);
    status = status == RV_OK ? read_rows(x, url, &first, err) : status;
    status = status == RV_OK ? face_read_flag(x, url, "columns", &c->columns, err) : status;
    if (status != RV_OK) {
        return status;
    }
    (void)face_note_stale(x, aggregate->number);
    rv_row_feed_open(&c->feed, &x->face->moments, aggregate->number, first && !c->known);
    x->kind = EXCHANGE_CHANGES;
    x->text = (rv_bytes){NULL, 0};
    x->text_sent = 0;
    x->head = (rv_response_head){
        .status = 200, .content_type = "text/event-stream", .feed = true, .stale = x->head.stale};
    return RV_OK;
}

/* --- frames --- */

/* A row as an object, or as an array. Its hash is that of the text. */
static rv_hash128 write_row(const rv_exchange *x, const char *name, const rv_value *values,
                            rv_writer *w) {
    const rv_schema *const schema = rv_node_schema(x->face->options.node);
    const rv_aggregate *const aggregate = rv_schema_aggregate(schema, x->changes.feed.aggregate);
    const bool array = x->changes.columns;
    rv_write_text(w, ",\"");
    rv_write_text(w, name);
    rv_write_text(w, "\":");
    const size_t start = w->len;
    for (uint16_t i = 0; i < aggregate->column_count; i++) {
        rv_write_u8(w, i > 0 ? ',' : array ? '[' : '{');
        if (!array) {
            rv_write_json_string(w, aggregate->columns[i].name);
            rv_write_u8(w, ':');
        }
        rv_value_to_json(&aggregate->columns[i].type, &values[i], w);
    }
    rv_write_u8(w, array ? ']' : '}');
    return w->full ? (rv_hash128){0, 0}
                   : rv_hash128_of(0, rv_bytes_of(w->ptr + start, w->len - start));
}

/* Before the first frame, and where rows have other columns by now. */
static void write_columns(rv_exchange *x, rv_writer *w) {
    const rv_schema *const schema = rv_node_schema(x->face->options.node);
    rv_write_text(w, "event: change\ndata: {\"change\":\"columns\",\"columns\":");
    face_write_columns(rv_schema_aggregate(schema, x->changes.feed.aggregate), w);
    rv_write_text(w, "}\n\n");
}

/* Writes one change, and gives what the sum of rows is with it. */
static rv_hash128 write_change(rv_exchange *x, const rv_row_change *change, rv_writer *w) {
    const changes_feed *const c = &x->changes;
    rv_hash128 sum = change->kind == RV_ROW_RESET ? (rv_hash128){0, 0} : c->sum;
    if (c->columns && (!c->headed || change->kind == RV_ROW_RESET)) {
        write_columns(x, w);
    }
    if (change->kind == RV_ROW_STEP) {
        rv_write_text(w, "id: ");
        rv_hash128_write(sum, w);
        rv_write_u8(w, '\n');
    }
    rv_write_text(w, "event: change\ndata: {\"change\":\"");
    rv_write_text(w, rv_row_change_text(change->kind));
    rv_write_text(w, "\",\"position\":");
    rv_write_uint(w, change->position);
    if (change->kind == RV_ROW_STEP || change->pending > 0) {
        rv_write_text(w, ",\"pending\":");
        rv_write_uint(w, change->pending);
    }
    if (change->before != NULL) {
        const rv_hash128 hash = write_row(x, "old", change->before, w);
        sum = change->kind == RV_ROW_ENTER ? sum : rv_hash128_subtract(sum, hash);
    }
    if (change->after != NULL) {
        const rv_hash128 hash = write_row(x, "row", change->after, w);
        sum = change->kind == RV_ROW_LEAVE ? sum : rv_hash128_add(sum, hash);
    }
    rv_write_text(w, "}\n\n");
    return sum;
}

/* True when the reader has other rows than there are. */
static bool is_behind(const changes_feed *c) {
    uint8_t text[32];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_hash128_write(c->sum, &w);
    RV_ASSERT(w.len == sizeof c->sum_known);
    return c->known && memcmp(text, c->sum_known, sizeof text) != 0;
}

/* Tells a change, or passes over a row that the reader has or does not want. RV_END: there is no
 * room for it in this piece. RV_PENDING: it needs a result buffer, and none is free. */
static rv_status tell(rv_exchange *x, rv_row_look *look, const rv_row_change *change, size_t start,
                      rv_writer *w) {
    changes_feed *const c = &x->changes;
    const bool untold = c->feed.phase == RV_ROWS_UNTOLD;
    const size_t mark = w->len;
    if (untold && change->kind == RV_ROW_STEP && is_behind(c)) {
        rv_row_feed_again(&c->feed);
        look->over = true;
        return RV_OK;
    }
    rv_hash128 sum = write_change(x, change, w);
    if (w->full) {
        w->len = mark;
        w->full = false;
        rv_writer large;
        if (mark > start) {
            return RV_END;
        }
        const rv_status status = exchange_writer(x, true, &large);
        if (status != RV_OK) {
            return status;
        }
        sum = write_change(x, change, &large);
        if (large.full) {
            return RV_SQL_LIMIT;
        }
        x->text = rv_writer_bytes(&large);
        x->text_sent = 0;
    }
    if (untold && change->kind != RV_ROW_STEP) {
        w->len = mark;
        x->text = (rv_bytes){NULL, 0};
        exchange_release(x);
    } else {
        c->headed = true;
    }
    c->sum = sum;
    rv_row_look_take(look);
    return RV_OK;
}

/* Writes what there is and fits. RV_PENDING: there is nothing now. */
static rv_status write_changes(rv_exchange *x, rv_writer *w, rv_error *err) {
    changes_feed *const c = &x->changes;
    const size_t start = w->len;
    rv_row_look look;
    rv_expr compiled;
    const rv_expr *filter;
    x->text = (rv_bytes){NULL, 0};
    x->text_sent = 0;
    if (!rv_row_feed_due(&c->feed)) {
        return RV_PENDING;
    }
    rv_arena_reset(&x->face->scratch, 0);
    rv_status status = compile(x, &compiled, &filter, err);
    status =
        status == RV_OK ? rv_row_feed_look(&c->feed, filter, &x->face->scratch, &look) : status;
    if (status == RV_END) {
        return RV_PENDING;
    }
    bool large = false;
    while (status == RV_OK && !large) {
        const rv_row_change *change;
        status = rv_row_look_next(&look, &change);
        if (status == RV_PENDING) {
            return RV_OK; /* others have their turn */
        }
        status = status == RV_OK ? tell(x, &look, change, start, w) : status;
        large = x->text.len > 0; /* it goes out first */
    }
    if (status == RV_SQL_LIMIT && err->status != status) {
        return rv_error_set(err, status, "a change is larger than %u bytes",
                            (uint64_t)x->face->options.result_len_max);
    }
    return status == RV_END ? RV_OK : status;
}

/* May who asks still read these rows? */
static rv_status judge(rv_exchange *x, rv_error *err) {
    const rv_bytes name = rv_row_feed_name(&x->changes.feed);
    const rv_status known = face_require_still(x, err);
    return known == RV_OK ? face_require(x, FACE_ROWS, name, err) : known;
}

rv_status face_changes_body(rv_exchange *x, int64_t now, rv_writer *w) {
    changes_feed *const c = &x->changes;
    const size_t start = w->len;
    rv_error err = {.status = RV_OK};
    if (c->over) {
        return RV_END;
    }
    rv_status status = judge(x, &err);
    status = status == RV_OK ? write_changes(x, w, &err) : status;
    if (status == RV_PENDING && now - IDLE_US >= c->last_piece) {
        rv_write_text(w, ": idle\n\n");
        status = RV_OK;
    }
    if (status != RV_OK && status != RV_PENDING && w->len > start) {
        status = RV_OK; /* what was told goes out first, and the next piece meets it again */
    } else if (status != RV_OK && status != RV_PENDING) {
        c->over = true;
        rv_row_feed_close(&c->feed);
        face_feed_problem(&err, status, w);
        status = RV_OK;
    }
    c->last_piece = w->len > start || x->text.len > 0 ? now : c->last_piece;
    return status;
}
