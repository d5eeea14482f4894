/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The past of streams that the node holds without it (core/engine/past.h): asked for once in a
 * connection when the base that they began with has ended, and again where it stopped in the next
 * one. What comes is logged behind what there is, beside the events that go on.
 */
#include "sync/edge_internal.h"

#include "core/base/assert.h"

void rv_edge_fill_begin(rv_edge *e, const rv_wire_welcome *welcome) {
    RV_ASSERT(welcome != NULL);
    e->fill.agreed = welcome->fills;
    e->fill.until = 0;
}

/* No base of something else is on its way. */
static bool holds_what_was_told(const rv_edge *e) {
    rv_selection told;
    RV_ASSERT(e->select.told_len <= sizeof e->select.told);
    return rv_selection_decode(rv_bytes_of(e->select.told, e->select.told_len), &told, NULL) ==
               RV_OK &&
           rv_selection_equal(&told, rv_node_selection(e->node));
}

bool rv_edge_fill_send(rv_edge *e, rv_bytes *message) {
    const rv_node_fill fill = rv_node_fill_of(e->node);
    if (!fill.active || fill.waits || !e->fill.agreed || e->owed.selection ||
        e->fill.until == fill.until || e->select.waits || !rv_node_whole(e->node) ||
        !holds_what_was_told(e)) {
        return false;
    }
    RV_ASSERT(e->status.state == RV_EDGE_CONNECTED);
    rv_selection held = *fill.all;
    held.count = fill.all_count;
    uint8_t *const all = e->select.asked; /* no select message is under way */
    rv_writer a = rv_writer_over(all, SELECTION_BYTES);
    rv_writer h = rv_writer_over(e->fill_bytes, sizeof e->fill_bytes);
    rv_selection_encode(&held, &a);
    rv_selection_encode(fill.have, &h);
    rv_writer w = rv_writer_over(e->fill_message, sizeof e->fill_message);
    const rv_wire_past m = {.after = fill.after,
                            .until = fill.until,
                            .all = rv_writer_bytes(&a),
                            .have = rv_writer_bytes(&h)};
    rv_wire_write_past(&w, &m);
    RV_ASSERT(!a.full && !h.full && !w.full);
    e->fill.until = fill.until;
    *message = rv_writer_bytes(&w);
    return true;
}

/* The events into the open batch. */
static rv_status take_events(rv_edge *e, rv_bytes body, rv_error *err) {
    rv_wire_events head;
    rv_event event;
    rv_bytes path;
    rv_status status = rv_decoder_begin(e->decoder, rv_node_schema(e->node), body, &head, err);
    while (status == RV_OK) { /* each turn takes an event */
        status = rv_decoder_next(e->decoder, &event, &path, err);
        if (status == RV_OK && path.len > 0) {
            uint32_t number = 0;
            if (!rv_state_stream_find(rv_node_state(e->node), path, &number)) {
                return rv_error_set(err, RV_PROTOCOL_ERROR,
                                    "the upstream sent the past of a stream that is not here");
            }
            rv_decoder_name_stream(e->decoder, number);
            event.stream = number;
        }
        status = status == RV_OK ? rv_node_receive_filled(e->node, &event, err) : status;
    }
    RV_ASSERT(status != RV_PENDING);
    return status == RV_END ? RV_OK : status;
}

rv_status rv_edge_fill_take(rv_edge *e, rv_bytes body, rv_error *err) {
    rv_wire_filled m;
    rv_status status = rv_wire_read_filled(body, &m, err);
    RV_ASSERT(e->receiving);
    if (status == RV_OK && e->fill.until == 0) {
        status = rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent a past without a request");
    }
    if (status != RV_OK) {
        return status;
    }
    e->fill.refused = m.error;
    if (m.refused) {
        rv_node_receive_cancel(e->node);
        e->receiving = false;
        return RV_OK;
    }
    status = m.events.len > 0 ? take_events(e, m.events, err) : RV_OK;
    const uint32_t count = m.events.len > 0 ? rv_decoder_count(e->decoder) : 0;
    status = status == RV_OK ? rv_node_receive_filled_to(e->node, m.to, m.over, err) : status;
    if (status == RV_OK) {
        status = rv_node_receive_commit(e->node, rv_node_watermark(e->node),
                                        rv_log_chain(rv_node_log(e->node)), err);
    }
    e->receiving = status != RV_OK && rv_node_failed(e->node, NULL) == RV_OK;
    e->status.events_received += status == RV_OK ? count : 0;
    e->fill.until = status == RV_OK && m.over ? 0 : e->fill.until;
    return status;
}
