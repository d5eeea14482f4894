/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stays of a batch when its segment is written again: see engine/purge.h.
 *
 *     an event that is covered, or the schema's      as it is
 *     any other event                                its numbers; its path, if it began a stream
 *     part of a base, changes of rows                without rows of what is not selected; of a
 * time before the last base that replaced all: without any everything else as it is
 *
 * Replay then folds nothing where it had folded what a later base took away. A log that ends before
 * that base, because the node went back, is short of rows: what was taken out tells so
 * (rv_past.lost).
 */
#include "core/base/assert.h"
#include "core/engine/internal.h"
#include "core/state/base_items.h"

typedef struct filtering {
    const rv_node *node;
    rv_writer *body;
    uint64_t watermark; /* of the batch */
    bool spares;        /* events that begin streams stay: paths may take more bytes than data */
    bool changed;
} filtering;

/* Its path and whether it stays. */
static bool event_stays(const rv_node *node, const rv_event *event, rv_bytes *path) {
    rv_stream_head head;
    if (event->stream >= rv_node_streams_confirmed(node)) {
        return true; /* there is none: whoever reads it will say so */
    }
    rv_state_stream(node->state, event->stream, &head);
    const rv_past_event seen = {head.path, event->position, event->recorded_at};
    RV_ASSERT(head.path.len > 0);
    *path = head.path;
    return head.declaration == RV_NONE || rv_past_keeps(&node->held.past, &seen);
}

/* Rows are of streams that are selected, or given and selected. */
static bool item_stays(const filtering *f, const rv_base_reader *r) {
    const rv_node_held *const held = &f->node->held;
    const rv_bytes path = rv_bytes_of(r->path, r->path_len);
    if (r->kind == RV_BASE_STREAM || r->kind == RV_BASE_OWNER) {
        return true; /* streams keep their numbers */
    }
    if (f->watermark < held->past.base) {
        return false;
    }
    bool met = false;
    if (r->kind == RV_BASE_ROW || r->kind == RV_BASE_ROW_UNKNOWN) {
        for (size_t i = 0; i < held->pattern_count && !met; i += 1) {
            met = rv_path_pattern_match(&held->patterns[i], path);
        }
        return met;
    }
    for (size_t i = 0; i < held->selection.count && !met; i += 1) {
        const rv_select *const entry = &held->selection.entries[i];
        met = entry->kind == RV_SELECT_AGGREGATE && rv_bytes_equal(entry->name, r->aggregate->name);
    }
    RV_ASSERT(r->aggregate != NULL);
    return met;
}

/* The items that stay, into `w`; `given`: others than of streams go. False: they cannot be read,
 * and all stay. */
static bool filter_items(const filtering *f, rv_bytes items, rv_writer *w, bool *given) {
    rv_base_reader reader;
    rv_base_reader_begin(&reader, f->node->schema, items);
    const uint8_t *at = items.ptr;
    rv_status status = rv_base_reader_next(&reader);
    while (status == RV_OK) { /* goes on by an item */
        if (item_stays(f, &reader)) {
            rv_write(w, rv_bytes_of(at, (size_t)(reader.c.ptr - at)));
        } else {
            *given = *given || reader.kind >= RV_BASE_GIVEN;
        }
        at = reader.c.ptr;
        status = rv_base_reader_next(&reader);
    }
    RV_ASSERT(w->len <= items.len);
    return status == RV_END && !w->full;
}

/* A part of a base, or changes. */
static void put_items(filtering *f, const rv_record *record, rv_bytes raw) {
    rv_cursor c = rv_cursor_over(record->body);
    if (record->kind == RV_RECORD_BASE_PART) {
        (void)rv_read_varint(&c);
    }
    const size_t left = rv_cursor_left(&c);
    const rv_bytes head = rv_bytes_of(record->body.ptr, record->body.len - left);
    const rv_bytes items = rv_bytes_from(record->body, record->body.len - left);
    rv_arena scratch = f->node->scratch;
    rv_arena_reset(&scratch, 0);
    rv_writer w = rv_writer_over(scratch.ptr, scratch.cap);
    RV_ASSERT(record->kind == RV_RECORD_BASE_PART || record->kind == RV_RECORD_CHANGES);
    bool given = (record->flags & RV_RECORD_ITEMS_GIVEN) != 0;
    if (c.bad || items.len == 0 || items.len > scratch.cap || !filter_items(f, items, &w, &given) ||
        w.len == items.len) {
        rv_write(f->body, raw);
        return;
    }
    f->changed = true;
    const uint8_t flags = (uint8_t)(RV_RECORD_ITEMS_PURGED | (given ? RV_RECORD_ITEMS_GIVEN : 0));
    rv_record_write(f->body, record->kind, flags, head, rv_writer_bytes(&w));
}

/* False: a record cannot be read. */
static bool put_records(filtering *f, const rv_batch *batch) {
    rv_record_context context = rv_batch_context(batch, f->node->log);
    rv_cursor c = rv_cursor_over(batch->body);
    rv_bytes named = {NULL, 0};      /* the record before, which names the next one's stream */
    while (rv_cursor_left(&c) > 0) { /* goes on by a record */
        const uint8_t *const at = c.ptr;
        rv_record_context before = context;
        rv_record record;
        rv_bytes path = {NULL, 0};
        if (!rv_record_read(&c, &context, &record)) {
            return false;
        }
        const rv_bytes raw = rv_bytes_of(at, (size_t)(c.ptr - at));
        const bool items = record.kind == RV_RECORD_BASE_PART || record.kind == RV_RECORD_CHANGES;
        const bool goes = record.kind == RV_RECORD_EVENT &&
                          !event_stays(f->node, &record.event, &path) &&
                          !(f->spares && record.event.new_stream);
        if (record.kind == RV_RECORD_PATH) {
            named = raw;
            continue;
        }
        if (goes) {
            rv_log_lose(f->node->log, &record.event);
            rv_record_write_gone(f->body, &before, &record.event,
                                 record.event.new_stream ? path : (rv_bytes){NULL, 0});
            f->changed = true;
        } else if (items) {
            put_items(f, &record, raw);
        } else {
            rv_write(f->body, named);
            rv_write(f->body, raw);
        }
        named = (rv_bytes){NULL, 0};
    }
    RV_ASSERT(!c.bad);
    return true;
}

bool rv_purge_filter(void *ctx, const rv_batch *batch, rv_writer *body) {
    filtering f = {.node = ctx, .body = body, .watermark = batch->watermark};
    RV_ASSERT(body->len == 0);
    bool good = put_records(&f, batch);
    if (good && body->full) {
        *body = rv_writer_over(body->ptr, body->cap);
        f.spares = true;
        f.changed = false;
        good = put_records(&f, batch);
    }
    return good && f.changed && !body->full;
}
