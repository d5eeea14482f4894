/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The past of streams, for an edge that has their rows and versions by a base: events up to the
 * base's position, in order of position, that one selection has and another has not. They go out
 * beside the events that go on, in turn. All that is kept of it is a position: the log is read
 * from there for each message, or read on when nobody else's past was sent meanwhile.
 *
 * A gateway sends what it has in order (core/engine/past.h), passing over what was filled in there,
 * once it knows that the edge's W, which is above, is one of its own.
 */
#include "sync/upstream_internal.h"

#include "core/base/assert.h"

#define SCAN_MAX    65536u /* events passed over in one call */
#define DEFLATE_MIN 256u   /* a shorter message gains nothing worth the time */

/* An entry of a selection of streams. */
typedef struct rv_upstream_past {
    rv_path_pattern pattern;
    rv_history history;
    int64_t since;
} rv_upstream_past;

void rv_upstream_fill_end(rv_upstream *s) {
    RV_ASSERT(s->used);
    s->fill = (rv_upstream_fill){.active = false};
    if (s->shared->fill_owner == s) {
        s->shared->fill_owner = NULL;
    }
}

/* The entries in the session's memory; texts are copied. */
static rv_status keep(rv_bytes bytes, rv_arena *arena, rv_upstream_past **list, size_t *count,
                      rv_error *err) {
    rv_selection selection;
    rv_status status = rv_selection_decode(bytes, &selection, err);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(selection.count <= RV_SELECTION_ENTRIES_MAX);
    *count = selection.count;
    *list = rv_arena_take(arena, sizeof **list * selection.count);
    for (size_t i = 0; i < selection.count && status == RV_OK; i++) {
        const rv_select *const entry = &selection.entries[i];
        const rv_bytes text =
            *list == NULL ? (rv_bytes){NULL, 0} : rv_arena_copy(arena, entry->name);
        if (entry->kind != RV_SELECT_STREAMS || text.ptr == NULL) {
            return rv_error_set(err, RV_SELECTION_INVALID,
                                "the past of so much takes more than the %u bytes an upstream has "
                                "for it",
                                (uint64_t)SELECTION_MEMORY);
        }
        (*list)[i].history = entry->history;
        (*list)[i].since = entry->since;
        status = rv_path_pattern_parse(text, &(*list)[i].pattern, err);
    }
    return status;
}

/* May all of it be read? */
static rv_status judge(const rv_upstream *s, rv_error *err) {
    rv_status status = RV_OK;
    RV_ASSERT(s->fill.all_count <= RV_SELECTION_ENTRIES_MAX);
    for (size_t i = 0; i < s->fill.all_count && status == RV_OK; i++) {
        status = rv_upstream_token_pattern(s, &s->fill.all[i].pattern, err);
    }
    return status;
}

/* True when `have` has all of the entry, so nothing is sent for it. */
static bool is_had(const rv_upstream_fill *fill, const rv_upstream_past *entry) {
    bool had = false;
    for (size_t i = 0; i < fill->have_count && !had; i++) {
        const rv_upstream_past *const there = &fill->have[i];
        const bool as_long = there->history == RV_HISTORY_ALL ||
                             (there->history == entry->history && there->since <= entry->since);
        had = as_long && rv_path_pattern_within(&entry->pattern, &there->pattern);
    }
    RV_ASSERT(fill->have_count <= RV_SELECTION_ENTRIES_MAX);
    return had;
}

/* At a gateway: is all of it here, in order? */
static rv_status check_held(const rv_upstream *s, rv_error *err) {
    const rv_upstream_fill *const fill = &s->fill;
    rv_status status = RV_OK;
    RV_ASSERT(fill->all_count <= RV_SELECTION_ENTRIES_MAX);
    for (size_t i = 0; i < fill->all_count && status == RV_OK; i++) {
        const rv_upstream_past *const entry = &fill->all[i];
        const bool late =
            entry->history == RV_HISTORY_SINCE_POSITION && entry->since > (int64_t)fill->after;
        const uint64_t from = late ? (uint64_t)entry->since : fill->after + 1;
        if (entry->history != RV_HISTORY_NONE && from <= fill->until && !is_had(fill, entry)) {
            status = rv_upstream_gateway_serves(s->shared->node, &entry->pattern, from, err);
        }
    }
    return status;
}

rv_status rv_upstream_fill_judge(const rv_upstream *s, rv_error *err) {
    RV_ASSERT(s->used);
    return s->fill.active ? judge(s, err) : RV_OK;
}

static rv_status begin(rv_upstream *s, const rv_wire_past *m, rv_error *err) {
    const rv_upstream_part room = rv_upstream_room(s);
    rv_arena arena = rv_arena_over(s->selection + room.begin, room.end - room.begin);
    rv_status status = RV_OK;
    RV_ASSERT(room.begin <= room.end);
    status = keep(m->all, &arena, &s->fill.all, &s->fill.all_count, err);
    status = status == RV_OK ? judge(s, err) : status;
    status =
        status == RV_OK ? keep(m->have, &arena, &s->fill.have, &s->fill.have_count, err) : status;
    return status == RV_OK && rv_upstream_is_gateway(s->shared) ? check_held(s, err) : status;
}

rv_status rv_upstream_take_past(rv_upstream *s, rv_bytes body, rv_error *err) {
    rv_wire_past m;
    const rv_status status = rv_wire_read_past(body, &m, err);
    if (status != RV_OK) {
        return status;
    }
    const bool other = s->next.begin != s->live.begin || s->next.end != s->live.end;
    if (s->state != RV_UPSTREAM_LIVE || s->selection_owed || s->select.owed || s->fill.active ||
        s->fill.refused || m.until > s->watermark || (s->base.phase != RV_BASE_NONE && other)) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the edge asked for the past out of turn");
    }
    s->fill = (rv_upstream_fill){.after = m.after, .until = m.until};
    s->fill.refused = begin(s, &m, &s->failure) != RV_OK;
    s->fill.active = !s->fill.refused;
    if (s->shared->fill_owner == s) {
        s->shared->fill_owner = NULL;
    }
    return RV_OK;
}

static bool covers(const rv_upstream_past *list, size_t count, const rv_event *event,
                   rv_bytes path) {
    bool met = false;
    for (size_t i = 0; i < count && !met; i++) {
        const rv_upstream_past *const entry = &list[i];
        const bool recent =
            entry->history == RV_HISTORY_ALL ||
            (entry->history == RV_HISTORY_SINCE_TIME && event->recorded_at >= entry->since) ||
            (entry->history == RV_HISTORY_SINCE_POSITION &&
             event->position >= (uint64_t)entry->since);
        met = recent && rv_path_pattern_match(&entry->pattern, path);
    }
    RV_ASSERT(path.len > 0);
    return met;
}

/* The first position that could be sent. */
static uint64_t first_of(const rv_upstream_fill *fill) {
    uint64_t first = fill->until + 1;
    for (size_t i = 0; i < fill->all_count; i++) {
        const rv_upstream_past *const entry = &fill->all[i];
        const bool by_position = entry->history == RV_HISTORY_SINCE_POSITION;
        const uint64_t from = by_position ? (uint64_t)entry->since : 1;
        first = from < first ? from : first;
    }
    RV_ASSERT(first > 0);
    return first > fill->after ? first : fill->after + 1;
}

/* The past is read from the first event at or behind this position. RV_END: there is none. */
static rv_status read_from(rv_upstream *s, uint64_t position, rv_error *err) {
    rv_upstream_shared *const shared = s->shared;
    uint64_t sequence = position; /* the root's are equal */
    RV_ASSERT(position > 0 && !s->lineage_owed);
    if (rv_upstream_is_gateway(shared)) {
        const rv_status status =
            rv_log_find_position(rv_node_log(shared->node), position, &sequence, err);
        if (status != RV_OK) {
            return status;
        }
    }
    rv_subscription_open(&shared->fill_subscription, shared->node, NULL, 0, sequence);
    shared->fill_subscription.straight = true;
    shared->fill_owner = s;
    return RV_OK;
}

/* Stages events up to `*to`; RV_END when there are no more. */
static rv_status stage(rv_upstream *s, uint32_t events_max, uint64_t *to, rv_error *err) {
    rv_upstream_shared *const shared = s->shared;
    rv_upstream_fill *const fill = &s->fill;
    rv_subscription *const from = &shared->fill_subscription;
    const uint64_t first = first_of(fill);
    *to = first - 1;
    rv_encoder_begin(shared->encoder, rv_node_schema(shared->node), events_max, s->batch_bytes);
    if (shared->fill_owner != s || shared->fill_next != first) {
        const rv_status found = read_from(s, first, err);
        if (found != RV_OK) {
            return found;
        }
    }
    for (uint32_t scanned = 0; scanned < SCAN_MAX; scanned += 1) {
        rv_event event;
        rv_bytes path;
        if (*to >= fill->until) {
            return RV_END;
        }
        const rv_status status = rv_subscription_next(from, SCAN_MAX, &event, &path, err);
        if (status != RV_OK) {
            return status == RV_END ? RV_END : status;
        }
        rv_stream_head head;
        rv_state_stream(rv_node_state(shared->node), event.stream, &head);
        const bool wanted = event.position <= fill->until && head.declaration != RV_NONE &&
                            covers(fill->all, fill->all_count, &event, path) &&
                            !covers(fill->have, fill->have_count, &event, path);
        if (wanted && !rv_encoder_add(shared->encoder, &event, path, head.declaration)) {
            shared->fill_owner = NULL; /* the event once more */
            return RV_OK;
        }
        *to = event.position < fill->until ? event.position : fill->until;
    }
    return RV_OK;
}

/* Writes what was staged as a message. False: it is too large. */
static bool write(rv_upstream *s, const rv_wire_filled *m, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    const uint32_t count = rv_encoder_count(shared->encoder);
    const rv_wire_events head = {.watermark = m->to,
                                 .position = rv_node_watermark_durable(shared->node)};
    rv_writer w = rv_writer_over(shared->message, RV_WIRE_MESSAGE_MAX);
    RV_ASSERT(m->to <= head.position);
    rv_wire_write_filled(&w, m, count > 0);
    if (count > 0 && !rv_encoder_end(shared->encoder, &head, count, &w)) {
        return false;
    }
    *message = rv_writer_bytes(&w);
    rv_writer packed = rv_encoder_spare(shared->encoder);
    if (s->deflate && message->len >= DEFLATE_MIN &&
        rv_wire_deflate(*message, &shared->compression, &packed)) {
        *message = rv_writer_bytes(&packed);
    }
    return true;
}

/* The request cannot be met. */
static bool refuse(rv_upstream *s, rv_bytes *message) {
    const rv_wire_filled m = {.refused = true, .to = s->fill.after, .error = s->failure};
    rv_writer w = rv_writer_over(s->shared->message, RV_WIRE_MESSAGE_MAX);
    RV_ASSERT(s->fill.refused);
    rv_wire_write_filled(&w, &m, false);
    if (!rv_upstream_take_credit(s, w.len)) {
        return false;
    }
    s->fill.refused = false;
    *message = rv_writer_bytes(&w);
    return true;
}

bool rv_upstream_fill_past(rv_upstream *s, int64_t now, rv_bytes *message) {
    rv_upstream_shared *const shared = s->shared;
    rv_error error = {.status = RV_OK};
    RV_ASSERT(s->fill.active || s->fill.refused);
    if (s->in_batch || s->changes_to > s->watermark || s->credit < s->credit_needed ||
        s->base.phase != RV_BASE_NONE) {
        return false;
    }
    if (s->fill.refused) {
        return refuse(s, message);
    }
    for (uint32_t events_max = RV_COLUMNS_EVENTS_MAX; events_max >= 1; events_max /= 8) {
        rv_wire_filled m = {.to = 0};
        const rv_status status = stage(s, events_max, &m.to, &error);
        m.over = status == RV_END;
        m.to = m.over ? s->fill.until : m.to;
        const uint32_t staged = rv_encoder_count(shared->encoder);
        if (status != RV_OK && status != RV_END && status != RV_PENDING && status != RV_BUSY) {
            (void)rv_upstream_fail(s, &error);
            return false;
        }
        if (!m.over && m.to <= s->fill.after) {
            return false; /* a read is under way */
        }
        if (!write(s, &m, message)) {
            shared->fill_owner = NULL;
            continue;
        }
        if (!rv_upstream_take_credit(s, message->len)) {
            shared->fill_owner = NULL;
            return false;
        }
        s->fill.after = m.to;
        shared->fill_next = m.to + 1;
        s->retry_at = staged == 0 ? now : s->retry_at;
        if (m.over) {
            rv_upstream_fill_end(s);
        }
        return true;
    }
    (void)rv_error_set(&error, RV_DATA_DAMAGED, "an event behind position %u cannot be sent",
                       s->fill.after);
    (void)rv_upstream_fail(s, &error);
    return false;
}
