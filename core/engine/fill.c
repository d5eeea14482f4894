/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling in the past (engine/past.h): events whose rows and versions came with a base arrive
 * behind it, in order of position, with new sequences (SEMANTICS 2). They are logged with a flag,
 * so that replay does not fold them, and each batch says how far they have come.
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

rv_node_fill rv_node_fill_of(const rv_node *node) {
    const rv_past *const past = &node->held.past;
    RV_ASSERT(!past->filling || past->after <= past->until);
    return (rv_node_fill){.active = past->filling,
                          .waits = !rv_purge_is_clean(node),
                          .straight = !past->filled && !past->filling,
                          .after = past->after,
                          .until = past->until,
                          .all = &past->cover.selection,
                          .all_count = past->cover.selection.count - past->narrower,
                          .have = &past->have.selection};
}

uint64_t rv_node_straight_from(const rv_node *node, const rv_path_pattern *pattern) {
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    return rv_past_straight_from(&node->held.past, pattern);
}

rv_status rv_node_past_known(const rv_node *node, rv_bytes path, rv_error *err) {
    const rv_past *const past = &node->held.past;
    RV_ASSERT(path.len > 0);
    if (!rv_past_lacks_some(past, path)) {
        return past->last > rv_node_sequence_durable(node) ? RV_PENDING : RV_OK;
    }
    const rv_status status = rv_error_set(err, RV_HISTORY_AWAITED,
                                          "the past of %b is still on its way: %u of %u positions",
                                          &path, past->after, past->until);
    rv_error_fact_uint(err, "filled_to", past->after);
    return status;
}

static rv_status broke_protocol(rv_error *err, const char *what, const rv_event *event) {
    const rv_status status =
        rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent %s at position %u of the past",
                     what, event->position);
    rv_error_fact_uint(err, "position", event->position);
    return status;
}

/* Everything about the event that can be judged here; its data as replay will read it. */
static rv_status check(rv_node *node, const rv_event *event, const rv_stream_head *head,
                       rv_error *err) {
    const rv_receiving *const r = &node->receiving;
    const rv_past *const past = &node->held.past;
    const uint64_t before = r->event_count == 0 ? past->after : r->context.previous_position;
    const rv_past_event seen = {head->path, event->position, event->recorded_at};
    rv_bytes path;
    if (event->position <= before || !rv_past_asks_for(past, &seen)) {
        return broke_protocol(err, "an event that is not to be filled in", event);
    }
    if (head->declaration == RV_NONE || event->version == 0 || event->version > head->version ||
        event->data.len + event->metadata.len > RV_EVENT_LEN_MAX ||
        !rv_event_time_valid(event->written_at) || !rv_event_time_valid(event->recorded_at) ||
        event->type >= rv_schema_event_type_count(node->schema) ||
        !rv_event_data_decode(rv_schema_event_type(node->schema, event->type), event->data,
                              node->values)) {
        return broke_protocol(err, "an event that does not decode", event);
    }
    rv_event named = *event;
    named.declaration = head->declaration;
    rv_arena_reset(&node->scratch, 0);
    return rv_node_event_path(node, &named, &path, NULL) == RV_OK &&
                   rv_bytes_equal(path, head->path)
               ? RV_OK
               : broke_protocol(err, "an event in another stream than its data names", event);
}

static rv_status too_large(const rv_node *node, rv_error *err) {
    RV_ASSERT(node->receiving.active);
    return rv_error_set(err, RV_BATCH_TOO_LARGE,
                        "the upstream's batch is larger than this memory budget takes: %u bytes",
                        (uint64_t)node->batch_len_max);
}

rv_status rv_node_receive_filled(rv_node *node, rv_event *event, rv_error *err) {
    rv_receiving *const r = &node->receiving;
    RV_ASSERT(r->active);
    if ((r->event_count > 0 && !r->fills) || r->base || r->changed ||
        event->stream >= rv_node_streams_confirmed(node)) {
        return broke_protocol(err, "an event out of turn", event);
    }
    rv_stream_head head;
    rv_state_stream(node->state, event->stream, &head);
    const rv_status status = check(node, event, &head, err);
    const rv_past_event seen = {head.path, event->position, event->recorded_at};
    if (status != RV_OK || !rv_past_lacks(&node->held.past, &seen)) {
        return status; /* what came live comes again, where it is from before a time */
    }
    if (r->event_count == 0) {
        r->first_position = event->position;
        const rv_batch batch = {.first_sequence = rv_log_appended(node->log) + 1,
                                .first_position = event->position,
                                .time = event->recorded_at};
        r->context = rv_batch_context(&batch, node->log);
    }
    r->fills = true;
    event->sequence = r->context.next_sequence;
    event->declaration = head.declaration;
    event->new_stream = false;
    event->filled = true;
    if (!event->foreign_id) {
        rv_event_id_make(r->context.node_tag, event->position, event->written_at, event->event_id);
    }
    rv_record_write_event(&r->body, &r->context, event);
    rv_log_note(node->log, event);
    r->event_count += 1;
    return r->body.full ? too_large(node, err) : RV_OK;
}

rv_status rv_node_receive_filled_to(rv_node *node, uint64_t to, bool over, rv_error *err) {
    rv_receiving *const r = &node->receiving;
    const rv_past *const past = &node->held.past;
    const uint64_t last = r->event_count > 0 ? r->context.previous_position : past->after;
    RV_ASSERT(r->active);
    if (!past->filling || (r->event_count > 0 && !r->fills) || r->base || r->changed || to < last ||
        to > past->until) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream says that the past is filled in to %u, and it is not",
                            to);
    }
    uint8_t bytes[11];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_write_varint(&w, to);
    rv_write_u8(&w, over ? 1 : 0);
    rv_record_write(&r->body, RV_RECORD_FILLED, 0, rv_writer_bytes(&w), (rv_bytes){NULL, 0});
    r->fills = true;
    r->fill_to = to;
    r->fill_over = over;
    return r->body.full ? too_large(node, err) : RV_OK;
}

/* What the past becomes, in receiving and in replay. */
static void advance(rv_node *node, uint64_t to, bool over) {
    rv_past_advance(&node->held.past, to, over);
    if (over) {
        node->held.serial += 1; /* another selection may be asked for now */
    }
}

void rv_node_filled(rv_node *node) {
    const rv_receiving *const r = &node->receiving;
    RV_ASSERT(r->fills);
    if (r->event_count > 0) {
        node->held.past.filled = true;
        node->held.past.last = rv_log_appended(node->log);
    }
    if (r->fill_over) {
        rv_checkpoints_overtake(node); /* its words would be of another length than they were */
    }
    advance(node, r->fill_to, r->fill_over);
}

rv_status rv_node_replay_filled(rv_node *node, rv_bytes body, rv_error *err) {
    rv_cursor c = rv_cursor_over(body);
    const uint64_t to = rv_read_varint(&c);
    const uint8_t over = rv_read_u8(&c);
    const rv_past *const past = &node->held.past;
    if (!rv_cursor_done(&c) || over > 1) {
        return rv_error_set(err, RV_DATA_DAMAGED, "a record of the past is malformed");
    }
    if (past->filling && to <= past->until) { /* else a checkpoint knew better */
        advance(node, to, over == 1);
    }
    RV_ASSERT(!past->filling || past->after <= past->until);
    return RV_OK;
}
