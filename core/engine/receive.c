/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving at an edge: batches that the root has accepted are folded and logged here with the
 * root's positions, versions and times; the upstream judged them, nothing is judged again. A batch
 * is taken whole or not at all, and W moves with it.
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

static rv_status broke_protocol(rv_error *err, const char *what, const rv_event *event) {
    const rv_status status = rv_error_set(
        err, RV_PROTOCOL_ERROR, "the upstream sent %s at position %u", what, event->position);
    rv_error_fact_uint(err, "position", event->position);
    return status;
}

const uint8_t *rv_node_id(rv_node *node) {
    if (rv_node_rewinding(node)) {
        return node->identity.node_id;
    }
    RV_ASSERT(node->phase >= RV_NODE_OPEN);
    if (rv_log_has_identity(node->log)) {
        return rv_log_identity_of(node->log)->node_id;
    }
    if (!node->drawn) {
        node->host.ops->entropy(node->host.ctx, node->drawn_id, sizeof node->drawn_id);
        node->drawn = true;
    }
    return node->drawn_id;
}

rv_status rv_node_adopt(rv_node *node, const uint8_t *log_id, uint32_t epoch, uint64_t root_tag,
                        rv_error *err) {
    RV_ASSERT(log_id != NULL);
    rv_status status = rv_node_check_writable(node, err);
    if (status == RV_OK && node->role != RV_ROLE_EDGE) {
        status = rv_error_set(err, RV_NOT_ROOT, "a root does not follow an upstream");
    }
    if (status != RV_OK) {
        return status;
    }
    if (root_tag >> RV_NODE_TAG_BITS != 0 || epoch == 0) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream is in epoch 0, or its tag has more than %u bits",
                            (uint64_t)RV_NODE_TAG_BITS);
    }
    if (rv_node_provisional(node)) {
        rv_rewind to = {.epoch = epoch, .adopts = true, .root_tag = root_tag};
        memcpy(to.log_id, log_id, sizeof to.log_id);
        return rv_node_meet(node, &to, err);
    }
    if (rv_log_has_identity(node->log)) {
        const rv_log_identity *own = &node->identity;
        if (memcmp(own->log_id, log_id, sizeof own->log_id) != 0) {
            return rv_error_set(err, RV_UPSTREAM_OTHER_LOG,
                                "the upstream has another log than this data directory; connect to "
                                "the right upstream, or use a new directory");
        }
        return own->epoch == epoch && own->root_tag == root_tag
                   ? RV_OK
                   : rv_error_set(err, RV_UPSTREAM_DIVERGED,
                                  "the upstream is at epoch %u, this data directory at %u",
                                  (uint64_t)epoch, (uint64_t)own->epoch);
    }
    rv_log_identity identity = {.epoch = epoch, .root_tag = root_tag, .root = false};
    memcpy(identity.log_id, log_id, sizeof identity.log_id);
    memcpy(identity.node_id, rv_node_id(node), sizeof identity.node_id);
    rv_log_set_identity(node->log, &identity);
    rv_epoch_refresh(node);
    return RV_OK;
}

static rv_status begin(rv_node *node, rv_error *err) {
    rv_receiving *r = &node->receiving;
    RV_ASSERT(!r->active && node->role == RV_ROLE_EDGE);
    rv_status status = node->held.logged ? RV_OK : rv_node_log_selection(node, err);
    if (status == RV_OK) {
        node->read_generation += 1;
        status = rv_log_append_begin(node->log, &r->body, err);
    }
    if (status != RV_OK) {
        return status;
    }
    r->active = true;
    r->folds = false;
    r->event_count = 0;
    r->first_position = 0;
    r->base = false;
    r->base_begins = false;
    r->base_keeps = false;
    r->base_ends = false;
    r->changed = false;
    r->fills = false;
    r->streams_known = rv_node_streams_confirmed(node);
    r->schema = rv_schema_mark_of(node->schema);
    rv_opaque_begin(&node->opaque);
    return RV_OK;
}

rv_status rv_node_receive_begin(rv_node *node, rv_error *err) {
    RV_ASSERT(!node->receiving.active && node->role == RV_ROLE_EDGE);
    rv_status status = rv_node_check_writable(node, err);
    if (status == RV_OK && !rv_log_has_identity(node->log)) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent events before its welcome");
    }
    return status == RV_OK ? begin(node, err) : status;
}

/* Most messages of an edge that waits for news only move W: what waits stays as it lies. */
void rv_node_receive_fold(rv_node *node) {
    rv_receiving *const r = &node->receiving;
    RV_ASSERT(r->active);
    if (!r->folds) {
        r->active = false;
        rv_outbox_lift(node); /* what is received is folded into the confirmed state */
        r->active = true;
        r->folds = true;
        RV_ASSERT(r->streams_known == rv_state_stream_count(node->state));
        rv_state_begin(node->state);
    }
}

rv_status rv_node_receive_stream(rv_node *node, rv_bytes path, uint32_t *stream, rv_error *err) {
    rv_node_receive_fold(node);
    if (rv_state_stream_find(node->state, path, stream)) {
        return RV_OK;
    }
    if (rv_bytes_are(path, RV_SYSTEM_SCHEMA_PATH)) {
        return rv_state_stream_add(node->state, RV_NONE, path, stream, err);
    }
    rv_bytes variables[RV_PATH_SEGMENTS_MAX];
    const rv_stream *declared = rv_schema_stream_of_path(node->schema, path, variables);
    if (declared == NULL) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent a path of no stream: %b",
                            &path);
    }
    return rv_state_stream_add(node->state, declared->number, path, stream, err);
}

/* What a hostile upstream could get wrong about order and names. */
static rv_status check_event(rv_node *node, const rv_event *event, const rv_stream_head *head,
                             rv_error *err) {
    const rv_receiving *r = &node->receiving;
    const uint64_t previous =
        r->event_count == 0 ? rv_log_watermark(node->log) : r->context.previous_position;
    if (event->position <= previous || event->position > RV_POSITION_MAX) {
        return broke_protocol(err, "events out of order", event);
    }
    if (event->version != head->version + 1) {
        return broke_protocol(err, "a stream's versions out of order", event);
    }
    if (event->data.len + event->metadata.len > RV_EVENT_LEN_MAX) {
        return broke_protocol(err, "too large an event", event);
    }
    const bool system = head->declaration == RV_NONE;
    if (system != (event->type == RV_SYSTEM_SCHEMA_TYPE)) {
        return broke_protocol(err, "an event type in a stream that does not take it", event);
    }
    if (system) {
        return event->schema_version == rv_schema_version(node->schema) + 1
                   ? RV_OK
                   : broke_protocol(err, "a schema change out of order", event);
    }
    return event->type < rv_schema_event_type_count(node->schema)
               ? RV_OK
               : broke_protocol(err, "an event of an unknown type", event);
}

/* Replay takes the path of a new stream from its first event, which has just been decoded; where it
 * is opaque, the path is told before it. */
static rv_status check_path(rv_node *node, const rv_event *event, bool opaque, rv_error *err) {
    RV_ASSERT(event->new_stream);
    rv_bytes path;
    rv_stream_head head;
    rv_state_stream(node->state, event->stream, &head);
    if (opaque) {
        rv_record_write(&node->receiving.body, RV_RECORD_PATH, 0, head.path, (rv_bytes){NULL, 0});
        return RV_OK;
    }
    if (rv_node_event_path(node, event, &path, err) != RV_OK || !rv_bytes_equal(path, head.path)) {
        return broke_protocol(err, "an event in another stream than its data names", event);
    }
    return RV_OK;
}

static void complete_event(rv_node *node, rv_event *event, const rv_stream_head *head) {
    rv_receiving *r = &node->receiving;
    if (r->event_count == 0) {
        r->first_position = event->position;
        const rv_batch batch = {
            .first_sequence = rv_log_appended(node->log) + 1,
            .first_position = event->position,
            .time = event->recorded_at,
        };
        r->context = rv_batch_context(&batch, node->log);
    }
    event->sequence = r->context.next_sequence;
    event->declaration = head->declaration;
    event->new_stream = event->stream >= r->streams_known && head->version == 0;
    if (!event->foreign_id) {
        rv_event_id_make(r->context.node_tag, event->position, event->written_at, event->event_id);
    }
}

static rv_status too_large(const rv_node *node, rv_error *err) {
    RV_ASSERT(node->receiving.active);
    return rv_error_set(err, RV_BATCH_TOO_LARGE,
                        "the upstream's batch is larger than this memory budget takes: %u bytes",
                        (uint64_t)node->batch_len_max);
}

rv_status rv_node_receive_event(rv_node *node, rv_event *event, rv_error *err) {
    rv_receiving *r = &node->receiving;
    rv_node_receive_fold(node);
    if (event->stream >= rv_state_stream_count(node->state) || r->base) {
        return broke_protocol(err, "an event of no stream", event);
    }
    rv_stream_head head;
    rv_state_stream(node->state, event->stream, &head);
    rv_status status = check_event(node, event, &head, err);
    if (status != RV_OK) {
        return status;
    }
    complete_event(node, event, &head);
    if (event->new_stream) {
        /* Replay gives numbers in the order of first events: so must receiving. */
        if (event->stream != r->streams_known) {
            return broke_protocol(err, "streams out of order", event);
        }
        r->streams_known += 1;
    }
    rv_event folded = *event;
    folded.new_stream = false; /* rv_node_receive_stream has added it */
    const uint64_t opaque_before = node->opaque.events;
    status = rv_node_fold(node, &folded, err);
    if (status != RV_OK) {
        return status == RV_DATA_DAMAGED ? broke_protocol(err, "an event that does not fit", event)
                                         : status;
    }
    const bool opaque = node->opaque.events > opaque_before;
    if (event->new_stream && check_path(node, event, opaque, err) != RV_OK) {
        return RV_PROTOCOL_ERROR;
    }
    rv_record_write_event(&r->body, &r->context, event);
    rv_log_note(node->log, event);
    r->event_count += 1;
    rv_node_note_time(node, event->recorded_at);
    rv_outbox_arrive(node, event);
    return r->body.full ? too_large(node, err) : RV_OK;
}

rv_status rv_node_receive_commit(rv_node *node, uint64_t watermark, uint64_t chain_hash,
                                 rv_error *err) {
    rv_receiving *r = &node->receiving;
    RV_ASSERT(r->active);
    const uint64_t last =
        r->event_count == 0 ? rv_log_watermark(node->log) : r->context.previous_position;
    if (watermark < last || watermark > RV_POSITION_MAX ||
        r->streams_known != rv_node_streams_confirmed(node) || (r->base && watermark != last) ||
        (r->fills && watermark != rv_log_watermark(node->log))) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream sent a watermark of %u that does not fit what it covers, "
                            "or streams without events",
                            watermark);
    }
    const rv_batch batch = {
        .first_sequence = rv_log_appended(node->log) + 1,
        .first_position = r->event_count == 0 ? watermark + 1 : r->first_position,
        .watermark = watermark,
        .chain_hash = chain_hash,
        .time = r->event_count == 0 ? rv_node_now(node) : r->context.time,
    };
    const rv_base_progress base = rv_state_base_progress(node->state);
    if (base.under_way && base.position != watermark) { /* it is given up below */
        rv_node_receive_fold(node);
    }
    rv_ledger_changes changes = rv_ledger_begin(&r->body);
    const rv_status status = rv_outbox_leave(node, &changes, watermark);
    if (status != RV_OK) {
        return too_large(node, err);
    }
    if (r->folds) {
        rv_state_changed_at(node->state, watermark);
        rv_state_commit(node->state);
    }
    node->at_work = 0;
    node->read_generation += 1;
    if (r->base_begins && !r->base_keeps) {
        rv_held_base_begins(&node->held);
    }
    const rv_status ended =
        r->base_ends ? rv_node_base_end(node, node->held.past.lost, err) : RV_OK;
    r->active = false;
    if (ended != RV_OK) {
        rv_log_append_cancel(node->log);
        return ended;
    }
    rv_node_note_time(node, batch.time);
    (void)rv_log_append_commit(node->log, &batch, &r->body, r->event_count);
    rv_node_base_settle(node, watermark);
    if (r->fills) {
        rv_node_filled(node);
    }
    rv_outbox_received(node, &changes,
                       (r->event_count > 0 && !r->fills) || r->base_ends || r->changed);
    return RV_OK;
}

void rv_node_receive_cancel(rv_node *node) {
    rv_receiving *r = &node->receiving;
    if (r->active) {
        if (r->folds) {
            rv_state_rollback(node->state);
        }
        rv_opaque_take_back(&node->opaque, rv_log_watermark(node->log));
        rv_schema_take_back(node->schema, &r->schema);
        rv_node_give(node);
        rv_log_append_cancel(node->log);
        node->at_work = 0;
        r->active = false;
        rv_outbox_received(node, NULL, false);
    }
}

rv_status rv_node_receive_met(rv_node *node, const rv_met *met, rv_error *err) {
    rv_event event = met->event;
    RV_ASSERT(node->phase == RV_NODE_RECOVERING);
    if (event.position <= rv_log_watermark(node->log)) {
        return RV_OK; /* it was received, before a crash */
    }
    rv_status status = begin(node, err);
    if (status != RV_OK) {
        return status;
    }
    status = rv_node_receive_stream(node, RV_LITERAL(RV_SYSTEM_SCHEMA_PATH), &event.stream, err);
    status = status == RV_OK ? rv_node_receive_event(node, &event, err) : status;
    status = status == RV_OK ? rv_node_receive_commit(node, met->watermark, met->chain_hash, err)
                             : status;
    if (status != RV_OK) {
        rv_node_receive_cancel(node);
    }
    return status;
}

bool rv_node_in_batch(const rv_node *node) {
    return node->receiving.active || node->hidden || rv_node_rewinding(node);
}
