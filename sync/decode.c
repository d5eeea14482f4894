/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/decode.h"

#include "sync/decode_internal.h"

#define DATA_TOTAL_MAX (2u << 20) /* of a message's events, as data */

rv_decoder *rv_decoder_create(rv_arena *arena) {
    RV_ASSERT(arena != NULL);
    rv_decoder *const d = rv_arena_take(arena, sizeof *d);
    const size_t mark = rv_arena_mark(arena);
    if (d == NULL || !rv_plan_create(&d->plan, arena)) {
        return NULL;
    }
    d->columns = rv_arena_take_raw(arena, sizeof(rv_cursor) * RV_CHUNK_COLUMNS_MAX);
    d->data = rv_arena_take_raw(arena, DATA_SIZE);
    d->arrays = (rv_unused_run){arena->ptr + mark, arena->len - mark};
    RV_ASSERT(d->count == 0 && d->next == 0);
    return d->columns != NULL && d->data != NULL ? d : NULL;
}

void rv_decoder_unused(const rv_decoder *d, rv_unused *unused) {
    RV_ASSERT(d->arrays.ptr != NULL);
    rv_unused_add(unused, d->arrays.ptr, d->arrays.len);
}

static rv_status malformed(rv_error *err, const char *what) {
    RV_ASSERT(what != NULL);
    return rv_error_set(err, RV_PROTOCOL_ERROR, "the peer sent an events message with %s", what);
}

/* --- the head --- */

static bool read_types(rv_decoder *d, rv_cursor *c) {
    rv_plan *const plan = &d->plan;
    const uint64_t count = rv_read_varint(c);
    if (count < 1 || count > RV_COLUMNS_TYPES_MAX) {
        return false;
    }
    for (uint64_t t = 0; t < count && !c->bad; t++) {
        const uint64_t number = rv_read_varint(c);
        const bool system = number == RV_SYSTEM_SCHEMA_TYPE;
        if (!system && number >= rv_schema_event_type_count(d->schema)) {
            return false;
        }
        const rv_event_type *const type =
            system ? NULL : rv_schema_event_type(d->schema, (uint16_t)number);
        if (!rv_plan_add_type(plan, type, (uint16_t)number)) {
            return false;
        }
        const rv_plan_type *const added = &plan->types[plan->type_count - 1];
        for (uint16_t f = 0; f < added->field_count; f++) {
            rv_plan_field *const field = &plan->fields[added->first_field + f];
            field->mode = rv_read_u8(c);
            if (!rv_plan_mode_fits(field->type, field->mode)) {
                return false;
            }
        }
    }
    return !c->bad;
}

static bool split_columns(rv_decoder *d, rv_cursor *c) {
    if (d->interleaved) {
        d->columns[0] = *c;
        return !c->bad;
    }
    const uint32_t count = rv_plan_column_count(&d->plan);
    RV_ASSERT(count <= RV_CHUNK_COLUMNS_MAX);
    rv_cursor lens = *c;
    for (uint32_t i = 0; i < count; i++) {
        (void)rv_read_varint(c);
    }
    for (uint32_t i = 0; i < count; i++) {
        d->columns[i] = rv_cursor_over(rv_read(c, rv_read_varint(&lens)));
    }
    return rv_cursor_done(c);
}

rv_status rv_decoder_begin(rv_decoder *d, const rv_schema *schema, rv_bytes body,
                           rv_wire_events *head, rv_error *err) {
    RV_ASSERT(schema != NULL && head != NULL);
    rv_cursor c = rv_cursor_over(body);
    rv_plan_reset(&d->plan);
    d->schema = schema;
    d->count = 0;
    d->next = 0;
    d->streams_announced = 0;
    d->data_total = 0;
    d->last_time = 0;
    memset(d->runs, 0, sizeof d->runs);
    memset(&d->before, 0, sizeof d->before);
    if (!rv_wire_read_events(&c, head)) {
        return malformed(err, "a malformed head");
    }
    const uint8_t shape = rv_read_u8(&c);
    const uint64_t count = rv_read_varint(&c);
    const uint64_t streams = rv_read_varint(&c);
    const uint64_t first = rv_read_varint(&c);
    d->before.position = (head->continues ? first : head->watermark - first) - 1;
    d->before.recorded_at = rv_read_svarint(&c);
    const uint64_t schema_version = rv_read_varint(&c);
    if (c.bad || (shape & ~RV_EVENTS_SHAPE_KNOWN) != 0 || count < 1 || streams < 1 ||
        count > RV_COLUMNS_EVENTS_MAX || streams > count || d->before.position == UINT64_MAX ||
        (!head->continues && first > head->watermark) || schema_version > UINT32_MAX) {
        return malformed(err, "a malformed head");
    }
    d->before.schema_version = (uint32_t)schema_version;
    d->interleaved = (shape & RV_EVENTS_INTERLEAVED) != 0;
    d->plan.milliseconds = (shape & RV_EVENTS_MILLISECONDS) != 0;
    if (!read_types(d, &c)) {
        return malformed(err, "malformed or unknown event types");
    }
    if (!rv_plan_begin(&d->plan, (uint32_t)streams) || !split_columns(d, &c)) {
        return malformed(err, "malformed columns");
    }
    d->plan.stream_count = (uint32_t)streams;
    d->count = (uint32_t)count;
    return RV_OK;
}

uint32_t rv_decoder_count(const rv_decoder *d) {
    RV_ASSERT(d->next <= d->count);
    return d->count;
}

void rv_decoder_name_stream(rv_decoder *d, uint32_t number) {
    RV_ASSERT(d->stream < d->streams_announced);
    d->plan.streams[d->stream].number = number;
}

/* --- events --- */

/* Flags, position and times. */
static bool take_place(rv_decoder *d, rv_event *event, uint8_t *flags) {
    const uint64_t met = rv_decoder_run(d, RV_COLUMN_FLAGS, &d->runs[RV_COLUMN_FLAGS]);
    const uint64_t gap = rv_decoder_run(d, RV_COLUMN_GAPS, &d->runs[RV_COLUMN_GAPS]);
    const uint64_t recorded = rv_decoder_run(d, RV_COLUMN_RECORDED, &d->runs[RV_COLUMN_RECORDED]);
    const uint64_t schema = rv_decoder_run(d, RV_COLUMN_SCHEMA, &d->runs[RV_COLUMN_SCHEMA]);
    const int64_t version = add((int64_t)d->before.schema_version, schema);
    RV_ASSERT(d->next < d->count);
    if (met > RV_EVENT_FLAGS_KNOWN || gap >= UINT64_MAX - 1 - d->before.position || version < 0 ||
        version > UINT32_MAX) {
        return false;
    }
    *flags = (uint8_t)met;
    event->position = d->before.position + 1 + gap;
    event->recorded_at = add(d->before.recorded_at, recorded);
    event->written_at = event->recorded_at;
    event->schema_version = (uint32_t)version;
    event->batch_end = (met & RV_EVENT_FLAG_BATCH_END) != 0;
    event->foreign_id = (met & RV_EVENT_FLAG_FOREIGN) != 0;
    if ((met & RV_EVENT_FLAG_WRITTEN) != 0) {
        event->written_at =
            add(event->recorded_at, rv_read_varint(column_of(d, RV_COLUMN_WRITTEN)));
    }
    if (event->foreign_id) {
        const rv_bytes id = rv_read(column_of(d, RV_COLUMN_IDS), sizeof event->event_id);
        if (id.len != sizeof event->event_id) {
            return false;
        }
        memcpy(event->event_id, id.ptr, id.len);
    }
    d->before = *event;
    return true;
}

/* Which stream, which version of it, which type. */
static bool take_stream_place(rv_decoder *d, rv_event *event, rv_bytes *path) {
    rv_plan *const plan = &d->plan;
    const uint64_t distance = rv_read_varint(column_of(d, RV_COLUMN_DISTANCES));
    RV_ASSERT(d->streams_announced <= plan->stream_count);
    if (distance == 0) {
        if (d->streams_announced == plan->stream_count ||
            !rv_decoder_stream(d, d->streams_announced)) {
            return false;
        }
        d->stream = d->streams_announced;
        d->streams_announced += 1;
        *path = plan->streams[d->stream].path;
        plan->streams[d->stream].version += 1;
    } else {
        if (distance > d->next) {
            return false;
        }
        d->stream = plan->event_streams[d->next - distance];
        const uint64_t gap = rv_decoder_run(d, RV_COLUMN_VERSIONS, &d->runs[RV_COLUMN_VERSIONS]);
        if (gap >= UINT64_MAX - 1 - plan->streams[d->stream].version) {
            return false;
        }
        plan->streams[d->stream].version += 1 + gap;
    }
    rv_plan_stream *const stream = &plan->streams[d->stream];
    plan->event_streams[d->next] = (uint16_t)d->stream;
    event->version = stream->version;
    const uint64_t symbol = rv_read_varint(column_of(d, RV_COLUMN_TYPES));
    uint16_t t = 0;
    if (symbol >= RV_RANK_KNOWN) {
        if (symbol - RV_RANK_KNOWN >= plan->type_count) {
            return false;
        }
        t = (uint16_t)(symbol - RV_RANK_KNOWN);
        (void)rv_ranks_put(&plan->ranks, RV_RANK_TABLE_TYPES, stream->last_type, t);
    } else if (symbol == RV_RANK_NEW || !rv_ranks_take(&plan->ranks, RV_RANK_TABLE_TYPES,
                                                       stream->last_type, (uint32_t)symbol, &t)) {
        return false;
    }
    stream->last_type = (uint16_t)(t + 1);
    event->type = plan->types[t].number;
    return true;
}

/* True when nothing is left over and nothing was read past its end. */
static bool columns_done(const rv_decoder *d) {
    const uint32_t count = d->interleaved ? 1 : rv_plan_column_count(&d->plan);
    bool done = d->streams_announced == d->plan.stream_count;
    for (uint32_t i = 0; i < count && done; i++) {
        done = rv_cursor_done(&d->columns[i]);
    }
    for (uint32_t c = 0; c < RV_COLUMN_RUNS_COUNT && done; c++) {
        done = d->runs[c].count == 0;
    }
    for (uint32_t f = 0; f < d->plan.field_count && done; f++) {
        done = d->plan.fields[f].presence.count == 0;
    }
    RV_ASSERT(d->next == d->count);
    return done;
}

rv_status rv_decoder_next(rv_decoder *d, rv_event *event, rv_bytes *path, rv_error *err) {
    RV_ASSERT(d->next <= d->count && event != NULL && path != NULL);
    if (d->next == d->count) {
        return columns_done(d) ? RV_END : malformed(err, "malformed columns");
    }
    uint8_t flags = 0;
    memset(event, 0, sizeof *event);
    *path = rv_bytes_of(NULL, 0);
    if (!take_place(d, event, &flags) || !take_stream_place(d, event, path)) {
        return malformed(err, "malformed columns");
    }
    const rv_plan_stream *const stream = &d->plan.streams[d->stream];
    event->stream = stream->number;
    RV_ASSERT(stream->last_type >= 1 && stream->last_type <= d->plan.type_count);
    const rv_plan_type *const type = &d->plan.types[stream->last_type - 1];
    const bool opaque = (flags & RV_EVENT_FLAG_OPAQUE) != 0;
    if (!rv_decoder_metadata(d, flags, event) ||
        !(opaque ? rv_decoder_opaque(d, type, event)
                 : rv_decoder_data(d, type, d->stream, event))) {
        return malformed(err, "malformed values");
    }
    d->data_total += event->data.len + event->metadata.len;
    if (d->data_total > DATA_TOTAL_MAX) {
        return malformed(err, "too much data");
    }
    const bool system = event->type == RV_SYSTEM_SCHEMA_TYPE;
    d->next += 1;
    return !system || d->next == d->count ? RV_OK : malformed(err, "events after a schema change");
}
