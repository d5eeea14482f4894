/* SPDX-License-Identifier: Apache-2.0 */
/* How what the upstream sends gets into the node, and waits when the node is not ready for it. */
#include "sync/edge_internal.h"

#include "core/base/assert.h"

/* True when the node will take it later. */
static bool must_wait(rv_status status) {
    return status == RV_PENDING || status == RV_BUSY || status == RV_STORAGE_FULL;
}

/* Decodes and folds the events of a message into the open batch. */
static rv_status fold_events(rv_edge *edge, rv_bytes body, rv_wire_events *head, rv_error *err) {
    rv_status status = rv_decoder_begin(edge->decoder, rv_node_schema(edge->node), body, head, err);
    rv_event event;
    rv_bytes path;
    RV_ASSERT(edge->receiving);
    while (status == RV_OK) {
        status = rv_decoder_next(edge->decoder, &event, &path, err);
        if (status == RV_OK && path.len > 0) {
            uint32_t number = 0;
            status = rv_node_receive_stream(edge->node, path, &number, err);
            if (status == RV_OK) {
                rv_decoder_name_stream(edge->decoder, number);
                event.stream = number;
            }
        }
        if (status == RV_OK) {
            status = rv_node_receive_event(edge->node, &event, err);
        }
    }
    RV_ASSERT(status != RV_PENDING);
    return status == RV_END ? RV_OK : status;
}

static void cancel(rv_edge *edge) {
    if (edge->receiving) {
        rv_node_receive_cancel(edge->node);
        edge->receiving = false;
    }
    RV_ASSERT(!edge->receiving);
}

/* A part of a base into the open batch, and commits it: W stays where it is. */
static rv_status take_base(rv_edge *edge, rv_bytes body, rv_error *err) {
    rv_wire_base m;
    rv_status status = rv_wire_read_base(body, &m, err);
    RV_ASSERT(edge->receiving);
    if (status == RV_OK) {
        const rv_base_part part = {.position = m.position,
                                   .cursor = m.cursor,
                                   .first = m.first,
                                   .last = m.last,
                                   .items = m.items};
        status = rv_node_receive_base(edge->node, &part, err);
    }
    if (status != RV_OK) {
        return status;
    }
    status =
        rv_node_receive_commit(edge->node, m.position, rv_log_chain(rv_node_log(edge->node)), err);
    edge->receiving = status != RV_OK && rv_node_failed(edge->node, NULL) == RV_OK;
    edge->fatal = edge->fatal || rv_node_failed(edge->node, NULL) != RV_OK;
    return status;
}

/* The events of a message into the open batch, and commits it where it ends. */
static rv_status take_events(rv_edge *edge, rv_bytes body, rv_error *err) {
    rv_wire_events head;
    rv_status status = fold_events(edge, body, &head, err);
    if (status == RV_OK && !head.continues) {
        status = rv_node_receive_commit(edge->node, head.watermark, head.chain_hash, err);
        edge->receiving = status != RV_OK;
    }
    if (status == RV_OK) {
        edge->status.events_received += rv_decoder_count(edge->decoder);
        edge->status.upstream_position = head.position;
    }
    return status;
}

/* RV_OK: ingested, or it waits (`*waits`). */
static rv_status ingest_body(rv_edge *edge, rv_bytes body, bool *waits, rv_error *err) {
    *waits = edge->stalled;
    if (edge->stalled) {
        return RV_OK;
    }
    rv_status status = edge->receiving ? RV_OK : rv_node_receive_begin(edge->node, err);
    if (must_wait(status)) {
        if (status == RV_STORAGE_FULL && err != NULL) {
            edge->status.reason = *err;
        }
        *waits = true;
        return RV_OK;
    }
    if (status != RV_OK) {
        edge->fatal = true; /* the node is read-only: a connection does not mend it */
        return status;
    }
    edge->receiving = true;
    switch ((uint32_t)edge->current_kind) {
    case RV_WIRE_BASE:
        status = take_base(edge, body, err);
        break;
    case RV_WIRE_CHANGES:
        status = rv_node_receive_changes(edge->node, body, err);
        break;
    default:
        status = take_events(edge, body, err);
        break;
    }
    edge->changed = edge->current_kind == RV_WIRE_CHANGES;
    if (status != RV_OK) {
        cancel(edge);
        if (status == RV_BATCH_TOO_LARGE) {
            edge->batch_shrunk = edge->batch_bytes > RV_SYNC_BATCH_MIN;
            edge->batch_bytes /= edge->batch_shrunk ? 4 : 1;
            edge->fatal = !edge->batch_shrunk;
        }
        edge->stalled = status == RV_STATE_FULL && !edge->fatal;
        *waits = edge->stalled;
        if (edge->stalled && err != NULL) {
            edge->status.reason = *err;
        }
        return edge->stalled ? RV_OK : status;
    }
    edge->status.reason.status = RV_OK;
    return RV_OK;
}

/* The current body has been ingested. */
static void finish_current(rv_edge *edge) {
    RV_ASSERT(edge->current_cost > 0);
    edge->owed.credit += edge->current_cost;
    edge->has_current = false;
    edge->current = rv_bytes_of(NULL, 0);
    edge->current_cost = 0;
}

/* Keeps the body that could not be ingested where it stays. */
static void keep_current(rv_edge *edge) {
    RV_ASSERT(edge->current.len <= RV_WIRE_MESSAGE_MAX);
    if (edge->current.ptr != edge->inflated && edge->current.len > 0) {
        memcpy(edge->inflated, edge->current.ptr, edge->current.len);
        edge->current.ptr = edge->inflated;
    }
    edge->has_current = true;
}

/* Puts a message behind those that wait. */
static rv_status enqueue(rv_edge *edge, rv_bytes message, rv_error *err) {
    const size_t len = message.len + 4;
    if (edge->queue_end + len > QUEUE_SIZE && edge->queue_begin > 0) {
        memmove(edge->queue, edge->queue + edge->queue_begin, edge->queue_end - edge->queue_begin);
        edge->queue_end -= edge->queue_begin;
        edge->queue_begin = 0;
    }
    if (edge->queue_end + len > QUEUE_SIZE) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent more than its credit");
    }
    rv_store_u32(edge->queue + edge->queue_end, (uint32_t)message.len);
    memcpy(edge->queue + edge->queue_end + 4, message.ptr, message.len);
    edge->queue_end += len;
    RV_ASSERT(edge->queue_end <= QUEUE_SIZE);
    return RV_OK;
}

rv_status rv_edge_take_events(rv_edge *edge, rv_wire_kind kind, rv_bytes message, rv_bytes body,
                              rv_error *err) {
    const size_t cost = message.len + RV_SYNC_MESSAGE_COST;
    /* a message larger than all the credit may come when nothing else is under way */
    const bool whole = edge->credit_left == RV_SYNC_CREDIT;
    if (cost > edge->credit_left && !whole) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent more than its credit");
    }
    edge->credit_left -= cost < edge->credit_left ? cost : edge->credit_left;
    edge->has_progress = false;
    if (rv_edge_waits(edge)) {
        return enqueue(edge, message, err);
    }
    bool waits = false;
    edge->current = body;
    edge->current_kind = kind;
    edge->current_cost = cost < RV_SYNC_CREDIT ? cost : RV_SYNC_CREDIT;
    const rv_status status = ingest_body(edge, body, &waits, err);
    if (status != RV_OK) {
        return status;
    }
    if (waits) {
        keep_current(edge);
    } else {
        finish_current(edge);
    }
    RV_ASSERT(edge->has_current == waits);
    return RV_OK;
}

rv_status rv_edge_take_progress(rv_edge *edge, const rv_wire_progress *progress, rv_error *err) {
    RV_ASSERT(progress != NULL);
    if (edge->receiving && !edge->changed && !rv_edge_waits(edge)) {
        return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent progress inside a batch");
    }
    edge->progress = *progress;
    edge->has_progress = true;
    edge->status.upstream_position = progress->position;
    return rv_edge_ingest(edge, err);
}

static rv_status ingest_progress(rv_edge *edge, rv_error *err) {
    RV_ASSERT(edge->has_progress);
    if (!edge->receiving && edge->progress.watermark == rv_node_watermark(edge->node)) {
        edge->has_progress = false;
        return RV_OK;
    }
    rv_status status = edge->receiving ? RV_OK : rv_node_receive_begin(edge->node, err);
    if (must_wait(status)) {
        return RV_OK;
    }
    if (status == RV_OK) {
        status = rv_node_receive_commit(edge->node, edge->progress.watermark,
                                        edge->progress.chain_hash, err);
        if (status != RV_OK) {
            rv_node_receive_cancel(edge->node);
        }
    } else {
        edge->fatal = true;
    }
    edge->has_progress = false;
    edge->receiving = false;
    return status;
}

/* Takes the first message of the queue as the current one. */
static rv_status dequeue(rv_edge *edge, rv_error *err) {
    RV_ASSERT(edge->queue_begin + 4 <= edge->queue_end && !edge->has_current);
    const size_t len = rv_load_u32(edge->queue + edge->queue_begin);
    const rv_bytes message = rv_bytes_of(edge->queue + edge->queue_begin + 4, len);
    const rv_writer inflated = rv_writer_over(edge->inflated, RV_WIRE_MESSAGE_MAX);
    rv_wire_kind kind;
    RV_ASSERT(edge->queue_begin + 4 + len <= edge->queue_end);
    const rv_status status =
        rv_wire_open(message, &edge->compression, &inflated, &kind, &edge->current, err);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(kind == RV_WIRE_EVENTS || kind == RV_WIRE_BASE || kind == RV_WIRE_CHANGES);
    edge->current_kind = kind;
    edge->current_cost = len + RV_SYNC_MESSAGE_COST;
    keep_current(edge);
    edge->queue_begin += 4 + len;
    if (edge->queue_begin == edge->queue_end) {
        edge->queue_begin = 0;
        edge->queue_end = 0;
    }
    return RV_OK;
}

rv_status rv_edge_ingest(rv_edge *edge, rv_error *err) {
    bool waits = false;
    rv_status status = RV_OK;
    while (status == RV_OK && !waits && rv_edge_waits(edge)) {
        if (!edge->has_current) {
            status = dequeue(edge, err);
        }
        if (status == RV_OK) {
            status = ingest_body(edge, edge->current, &waits, err);
        }
        if (status == RV_OK && !waits) {
            finish_current(edge);
        }
    }
    if (status == RV_OK && !waits && edge->has_progress) {
        if (edge->receiving && !edge->changed) {
            return rv_error_set(err, RV_PROTOCOL_ERROR,
                                "the upstream sent progress inside a batch");
        }
        status = ingest_progress(edge, err);
    }
    RV_ASSERT(status != RV_PENDING && status != RV_BUSY);
    return status;
}

void rv_edge_drop(rv_edge *edge) {
    cancel(edge);
    edge->has_current = false;
    edge->has_progress = false;
    edge->current = rv_bytes_of(NULL, 0);
    edge->current_cost = 0;
    edge->queue_begin = 0;
    edge->queue_end = 0;
    RV_ASSERT(!rv_edge_waits(edge));
}
