/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record codec: record.h and docs/format/log.md say what a record looks like.
 *
 * It runs once for each event that is appended and once for each that is replayed, so the fixed
 * part is put together on the stack and goes out with one copy, and reading touches each byte once.
 * Reading believes nothing: numbers out of range, ends that do not meet and unknown flags are all
 * "malformed", and no arithmetic can overflow.
 */
#include "core/log/record.h"

#include "core/base/assert.h"

/* The fixed part at its longest: kind and flags, nine varints, an id. */
#define RECORD_FIXED_MAX (2 + 9 * 10 + 16)

/* Ids derive from milliseconds in 48 bits: other times have their id stored. */
static bool id_derives(uint64_t position, int64_t written_at) {
    return position <= RV_EVENT_NUMBER_MAX && written_at >= 0 &&
           (uint64_t)written_at / 1000 < (UINT64_C(1) << 48);
}

static uint8_t *put_varint(uint8_t *p, uint64_t v) {
    for (; v >= 0x80; v >>= 7) {
        *p++ = (uint8_t)(v | 0x80);
    }
    *p++ = (uint8_t)v;
    return p;
}

/* a - b in zigzag form; wraps as the reader's addition does. */
static uint8_t *put_difference(uint8_t *p, int64_t a, int64_t b) {
    const uint64_t v = (uint64_t)a - (uint64_t)b;
    return put_varint(p, (v << 1) ^ (~(v >> 63) + 1));
}

static uint8_t flags_of(const rv_event *event) {
    uint8_t flags = 0;
    flags |= event->written_at != event->recorded_at ? RV_RECORD_WRITTEN_AT : 0;
    flags |= event->metadata.len > 0 ? RV_RECORD_METADATA : 0;
    flags |= event->new_stream ? RV_RECORD_NEW_STREAM : 0;
    flags |= event->batch_end ? RV_RECORD_BATCH_END : 0;
    flags |= event->filled ? RV_RECORD_FILLED_IN : 0;
    if (event->foreign_id || !id_derives(event->position, event->written_at)) {
        flags |= RV_RECORD_FOREIGN_ID;
    }
    RV_ASSERT((flags & ~RV_RECORD_FLAGS_KNOWN) == 0);
    return flags;
}

void rv_record_write_event(rv_writer *w, rv_record_context *context, const rv_event *event) {
    RV_ASSERT(event->position > context->previous_position);
    RV_ASSERT(event->version > 0);
    uint8_t fixed[RECORD_FIXED_MAX];
    const uint8_t flags = flags_of(event);
    uint8_t *p = fixed;
    *p++ = RV_RECORD_EVENT;
    *p++ = flags;
    p = put_varint(p, event->position - context->previous_position - 1);
    p = put_varint(p, event->stream);
    if (flags & RV_RECORD_NEW_STREAM) {
        p = put_varint(p, event->declaration);
    }
    p = put_varint(p, event->version);
    p = put_varint(p, event->type);
    p = put_varint(p, event->schema_version);
    p = put_difference(p, event->recorded_at, context->time);
    if (flags & RV_RECORD_WRITTEN_AT) {
        p = put_difference(p, event->written_at, event->recorded_at);
    }
    if (flags & RV_RECORD_FOREIGN_ID) {
        memcpy(p, event->event_id, 16);
        p += 16;
    }
    if (flags & RV_RECORD_METADATA) {
        p = put_varint(p, event->metadata.len);
    }
    const size_t fixed_len = (size_t)(p - fixed);
    RV_ASSERT(fixed_len <= sizeof fixed);

    const size_t len = fixed_len + event->metadata.len + event->data.len;
    uint8_t prefix[10];
    const size_t prefix_len = (size_t)(put_varint(prefix, len) - prefix);
    if (rv_writer_room(w) < prefix_len + len) {
        w->full = true;
        return;
    }
    rv_write(w, rv_bytes_of(prefix, prefix_len));
    rv_write(w, rv_bytes_of(fixed, fixed_len));
    rv_write(w, event->metadata);
    rv_write(w, event->data);
    context->previous_position = event->position;
    context->next_sequence += 1;
}

void rv_record_write_gone(rv_writer *w, rv_record_context *context, const rv_event *event,
                          rv_bytes path) {
    RV_ASSERT(event->position > context->previous_position && event->version > 0);
    RV_ASSERT((path.len > 0) == event->new_stream);
    uint8_t head[4 * 10];
    uint8_t *p = put_varint(head, event->position - context->previous_position - 1);
    p = put_varint(p, event->stream);
    if (event->new_stream) {
        p = put_varint(p, event->declaration);
    }
    p = put_varint(p, event->version);
    rv_record_write(w, RV_RECORD_GONE, flags_of(event) & RV_RECORD_GONE_KNOWN,
                    rv_bytes_of(head, (size_t)(p - head)), path);
    context->previous_position = event->position;
    context->next_sequence += 1;
}

/* base + a difference, wrapping as the writer's subtraction did. */
static inline bool take_time(rv_reading *r, int64_t base, int64_t *time) {
    uint64_t difference = 0;
    const bool whole = rv_varint_take(r, &difference);
    *time = (int64_t)((uint64_t)base + (uint64_t)rv_zigzag(difference));
    return whole;
}

/* The numbers of an event record, each in the range of its type. */
static inline bool take_numbers(rv_reading *r, uint8_t flags, const rv_record_context *context,
                                rv_event *event) {
    uint64_t ahead = 0;
    uint64_t stream = 0;
    uint64_t declaration = RV_NONE;
    uint64_t type = 0;
    uint64_t schema_version = 0;
    event->new_stream = (flags & RV_RECORD_NEW_STREAM) != 0;
    if (!rv_varint_take(r, &ahead) || !rv_varint_take(r, &stream) ||
        (event->new_stream && !rv_varint_take(r, &declaration)) ||
        !rv_varint_take(r, &event->version) || !rv_varint_take(r, &type) ||
        !rv_varint_take(r, &schema_version) || !take_time(r, context->time, &event->recorded_at) ||
        ahead >= UINT64_MAX - context->previous_position || event->version == 0 ||
        (stream | schema_version) > UINT32_MAX || (type | declaration) > UINT16_MAX) {
        return false;
    }
    event->position = context->previous_position + 1 + ahead;
    event->stream = (uint32_t)stream;
    event->declaration = (uint16_t)declaration;
    event->type = (uint16_t)type;
    event->schema_version = (uint32_t)schema_version;
    RV_ASSERT(event->position > context->previous_position);
    return true;
}

/* From behind the flags of a record to its end. */
static bool read_event(rv_reading r, uint8_t flags, rv_record_context *context, rv_event *event) {
    RV_ASSERT((flags & ~RV_RECORD_FLAGS_KNOWN) == 0);
    if (!take_numbers(&r, flags, context, event)) {
        return false;
    }
    event->sequence = context->next_sequence;
    event->written_at = event->recorded_at;
    if ((flags & RV_RECORD_WRITTEN_AT) && !take_time(&r, event->recorded_at, &event->written_at)) {
        return false;
    }
    event->foreign_id = (flags & RV_RECORD_FOREIGN_ID) != 0;
    if (event->foreign_id) {
        if (rv_reading_left(&r) < 16) {
            return false;
        }
        memcpy(event->event_id, r.at, 16);
        r.at += 16;
    } else if (!id_derives(event->position, event->written_at)) {
        return false;
    } else {
        rv_event_id_make(context->node_tag, event->position, event->written_at, event->event_id);
    }
    event->metadata = (rv_bytes){NULL, 0};
    if (flags & RV_RECORD_METADATA) {
        uint64_t len = 0;
        if (!rv_varint_take(&r, &len) || len > rv_reading_left(&r)) {
            return false;
        }
        event->metadata = rv_bytes_of(r.at, (size_t)len);
        r.at += event->metadata.len;
    }
    event->batch_end = (flags & RV_RECORD_BATCH_END) != 0;
    event->filled = (flags & RV_RECORD_FILLED_IN) != 0;
    event->data = rv_bytes_of(r.at, rv_reading_left(&r));
    context->previous_position = event->position;
    context->next_sequence += 1;
    RV_ASSERT(event->version > 0);
    return true;
}

void rv_record_write(rv_writer *w, rv_record_kind kind, uint8_t flags, rv_bytes head,
                     rv_bytes rest) {
    RV_ASSERT(kind != RV_RECORD_EVENT);
    const size_t len = 2 + head.len + rest.len;
    if (rv_writer_room(w) < len + 10) {
        w->full = true;
        return;
    }
    rv_write_varint(w, len);
    rv_write_u8(w, (uint8_t)kind);
    rv_write_u8(w, flags);
    rv_write(w, head);
    rv_write(w, rest);
    RV_ASSERT(!w->full);
}

/* What is left of an event, likewise. */
static bool read_gone(rv_bytes body, uint8_t flags, rv_record_context *context, rv_record *record) {
    rv_cursor c = rv_cursor_over(body);
    rv_event *const event = &record->event;
    const uint64_t ahead = rv_read_varint(&c);
    const uint64_t stream = rv_read_varint(&c);
    const bool begins = (flags & RV_RECORD_NEW_STREAM) != 0;
    const uint64_t declaration = begins ? rv_read_varint(&c) : RV_NONE;
    const uint64_t version = rv_read_varint(&c);
    RV_ASSERT((flags & ~RV_RECORD_GONE_KNOWN) == 0);
    if (c.bad || ahead >= UINT64_MAX - context->previous_position || stream > UINT32_MAX ||
        declaration > UINT16_MAX || version == 0 || (rv_cursor_left(&c) > 0) != begins) {
        return false;
    }
    *event = (rv_event){.sequence = context->next_sequence,
                        .position = context->previous_position + 1 + ahead,
                        .stream = (uint32_t)stream,
                        .version = version,
                        .declaration = (uint16_t)declaration,
                        .new_stream = begins,
                        .batch_end = (flags & RV_RECORD_BATCH_END) != 0,
                        .filled = (flags & RV_RECORD_FILLED_IN) != 0};
    record->body = rv_read(&c, rv_cursor_left(&c));
    context->previous_position = event->position;
    context->next_sequence += 1;
    return true;
}

/* True for the kinds and flags, other than an event's, that this version knows. */
static bool is_other(uint8_t kind, uint8_t flags) {
    switch (kind) {
    case RV_RECORD_SELECTION:
        return (flags & ~RV_RECORD_SELECTION_KNOWN) == 0;
    case RV_RECORD_BASE_BEGIN:
        return (flags & ~RV_RECORD_BASE_KEEPS) == 0;
    case RV_RECORD_BASE_PART:
    case RV_RECORD_CHANGES:
        return flags == 0 || (flags & ~RV_RECORD_ITEMS_GIVEN) == RV_RECORD_ITEMS_PURGED;
    case RV_RECORD_LEDGER_REMOVE:
        return (flags & ~RV_RECORD_LEDGER_DROPPED) == 0;
    case RV_RECORD_BASE_END:
        return (flags & ~RV_RECORD_BASE_REPLACES) == 0;
    case RV_RECORD_LEDGER_PUT:
    case RV_RECORD_PATH:
    case RV_RECORD_FILLED:
        return flags == 0;
    default:
        return false;
    }
}

bool rv_record_read(rv_cursor *c, rv_record_context *context, rv_record *record) {
    RV_ASSERT(context != NULL && record != NULL);
    const rv_bytes all = rv_read(c, rv_read_varint(c));
    if (c->bad || all.len < 2) {
        c->bad = true;
        return false;
    }
    RV_ASSERT(all.ptr != NULL);
    const uint8_t kind = all.ptr[0];
    const uint8_t flags = all.ptr[1];
    bool good = false;
    record->flags = flags;
    if (kind == RV_RECORD_EVENT && (flags & ~RV_RECORD_FLAGS_KNOWN) == 0) {
        record->kind = RV_RECORD_EVENT;
        record->body = (rv_bytes){NULL, 0};
        rv_reading r = rv_reading_over(all);
        r.at += 2;
        good = read_event(r, flags, context, &record->event);
    } else if (kind == RV_RECORD_GONE && (flags & ~RV_RECORD_GONE_KNOWN) == 0) {
        record->kind = RV_RECORD_GONE;
        good = read_gone(rv_bytes_from(all, 2), flags, context, record);
    } else if (is_other(kind, flags)) {
        record->kind = (rv_record_kind)kind;
        record->body = rv_bytes_from(all, 2);
        good = true;
    }
    c->bad = !good;
    return good;
}
