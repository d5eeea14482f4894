/* SPDX-License-Identifier: Apache-2.0 */
/* How what the upstream sends gets into the node, and waits when the node is not ready for it. */
#include "sync/edge_internal.h"

#include "core/base/assert.h"

#define ROOM_SHARE 32u /* of the pages: so many have to come free before more is taken again */

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
        rv_base_part part = {.position = m.position,
                             .cursor = m.cursor,
                             .first = m.first,
                             .last = m.last,
                             .items = m.items};
        if (part.first) {
            rv_edge_select_part(edge, &part);
        }
        status = rv_node_receive_base(edge->node, &part, err);
    }
    if (status != RV_OK) {
        return status;
    }
    status =
        rv_node_receive_commit(edge->node, m.position, rv_log_chain(rv_node_log(edge->node)), err);
    edge->receiving = status != RV_OK && rv_node_failed(edge->node, NULL) == RV_OK;
    edge->fatal = edge->fatal || rv_node_failed(edge->node, NULL) != RV_OK;
    if (status == RV_OK && m.last) {
        rv_edge_select_swapped(edge);
    }
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

/* --- standing still (SEMANTICS 15) --- */

/* Reasons that lie in this node: another message or connection would not help. */
static bool stops(rv_status status) {
    RV_ASSERT(status != RV_OK);
    return status == RV_STATE_FULL || status == RV_BATCH_TOO_LARGE ||
           status == RV_MEMORY_EXHAUSTED || status == RV_SCHEMA_TOO_LARGE ||
           status == RV_SCHEMA_UNSUPPORTED;
}

static uint64_t memory_of(const rv_node *node) {
    rv_memory_class class;
    uint64_t sum = 0;
    for (uint32_t i = 0; rv_node_memory(node, i, &class); i += 1) {
        sum += class.bytes;
    }
    RV_ASSERT(sum >= RV_MEMORY_MIN);
    return sum;
}

/* W stays before the batch, no credit is given for what is behind it, and the session goes on. */
static void stand_still(rv_edge *edge, const rv_error *why) {
    const rv_bytes detail = rv_error_detail(why);
    const uint64_t watermark = rv_node_watermark(edge->node);
    const uint64_t memory = memory_of(edge->node);
    rv_error *const reason = &edge->status.reason;
    RV_ASSERT(!edge->receiving && stops(why->status));
    edge->stalled = true;
    edge->stalled_pages = rv_state_usage_of(rv_node_state(edge->node)).pages_used;
    if (why->status == RV_SCHEMA_UNSUPPORTED) {
        (void)rv_error_set(reason, why->status,
                           "this node stays at position %u, and what it holds can be read: open it "
                           "with a newer version of Rivulet: %b",
                           watermark, &detail);
    } else {
        (void)rv_error_set(reason, why->status,
                           "this node stays at position %u, and what it holds can be read: open it "
                           "with more memory than its %u bytes, or select less: %b",
                           watermark, memory, &detail);
    }
    rv_error_fact_uint(reason, "stopped_at", watermark);
    rv_error_fact_uint(reason, "memory", memory);
}

rv_status rv_edge_try_again(rv_edge *edge, rv_error *err) {
    const rv_state_usage usage = rv_state_usage_of(rv_node_state(edge->node));
    if (!edge->stalled ||
        usage.pages_used + usage.pages_total / ROOM_SHARE >= edge->stalled_pages) {
        return RV_OK;
    }
    RV_ASSERT(rv_edge_waits(edge));
    edge->at_once = true;
    edge->batch_bytes = RV_SYNC_BATCH_MAX;
    if (err != NULL) {
        *err = edge->status.reason;
    }
    return edge->status.reason.status;
}

/* True when smaller batches may get further: at last every batch of the root comes by itself, so
 * that W stands right before the one that is too much. What a base needs it needs whole. */
static bool shrink(rv_edge *edge, rv_status status) {
    const bool base = edge->current_kind == RV_WIRE_BASE;
    const uint64_t least = base ? RV_SYNC_BATCH_MIN : 1;
    RV_ASSERT(edge->batch_bytes > 0);
    if (edge->batch_bytes <= least || (base && status != RV_BATCH_TOO_LARGE)) {
        return false;
    }
    edge->batch_bytes = edge->batch_bytes > RV_SYNC_BATCH_MIN ? edge->batch_bytes / 4 : 1;
    edge->at_once = true;
    return true;
}

/* The open batch could not take a message. RV_OK: W stands still. */
static rv_status give_up(rv_edge *edge, rv_status status, const rv_error *why) {
    cancel(edge);
    if (edge->fatal || !stops(status) || shrink(edge, status)) {
        return status;
    }
    stand_still(edge, why);
    return RV_OK;
}

/* W moves to where the progress is. RV_OK: it has, or it waits (`*waits`). */
static rv_status move_to(rv_edge *edge, const rv_wire_progress *progress, bool *waits,
                         rv_error *err) {
    RV_ASSERT(!edge->receiving || edge->changed);
    if (!edge->receiving && progress->watermark == rv_node_watermark(edge->node)) {
        return RV_OK;
    }
    rv_status status = edge->receiving ? RV_OK : rv_node_receive_begin(edge->node, err);
    *waits = must_wait(status);
    if (*waits) {
        return RV_OK;
    }
    if (status == RV_OK) {
        status = rv_node_receive_commit(edge->node, progress->watermark, progress->chain_hash, err);
        if (status != RV_OK) {
            rv_node_receive_cancel(edge->node);
        }
    } else {
        edge->fatal = true;
    }
    edge->receiving = false;
    return status;
}

static rv_status inside_a_batch(rv_error *err) {
    return rv_error_set(err, RV_PROTOCOL_ERROR, "the upstream sent progress inside a batch");
}

/* RV_OK: ingested, or it waits (`*waits`). */
static rv_status ingest_body(rv_edge *edge, rv_bytes body, bool *waits, rv_error *err) {
    rv_error local;
    rv_error *const e = err == NULL ? &local : err;
    const rv_status fed = rv_edge_select_check(edge, err);
    *waits = edge->stalled && fed == RV_OK;
    if (edge->stalled || fed != RV_OK) {
        return fed;
    }
    if (edge->has_before) {
        const bool inside = edge->receiving && !edge->changed;
        const rv_status moved =
            inside ? inside_a_batch(err) : move_to(edge, &edge->before, waits, err);
        edge->has_before = *waits;
        if (moved != RV_OK || *waits) {
            return moved;
        }
    }
    if (edge->current_kind == RV_WIRE_SELECTED) {
        return rv_edge_select_take(edge, body, e);
    }
    if (edge->current_kind == RV_WIRE_PAST && edge->receiving) {
        return rv_error_set(e, RV_PROTOCOL_ERROR, "the upstream sent the past inside a batch");
    }
    rv_status status = edge->receiving ? RV_OK : rv_node_receive_begin(edge->node, e);
    if (must_wait(status)) {
        if (status == RV_STORAGE_FULL) {
            edge->status.reason = *e;
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
        status = take_base(edge, body, e);
        break;
    case RV_WIRE_CHANGES:
        status = rv_node_receive_changes(edge->node, body, e);
        break;
    case RV_WIRE_PAST:
        status = rv_edge_fill_take(edge, body, e);
        break;
    default:
        status = take_events(edge, body, e);
        break;
    }
    edge->changed = edge->current_kind == RV_WIRE_CHANGES;
    if (status != RV_OK) {
        status = give_up(edge, status, e);
        *waits = edge->stalled;
        return status;
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

static rv_status enqueue_progress(rv_edge *edge, rv_error *err) {
    uint8_t bytes[64];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_progress(&w, &edge->progress);
    RV_ASSERT(!w.full);
    return enqueue(edge, rv_writer_bytes(&w), err);
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
    /* passed over by events, but not by a base, or what begins one: those are at its W */
    const bool stays = kind == RV_WIRE_BASE || kind == RV_WIRE_SELECTED;
    const bool before = stays && edge->has_progress;
    edge->has_progress = false;
    if (rv_edge_waits(edge)) {
        const rv_status status = before ? enqueue_progress(edge, err) : RV_OK;
        return status == RV_OK ? enqueue(edge, message, err) : status;
    }
    edge->has_before = before;
    edge->before = edge->progress;
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
        return inside_a_batch(err);
    }
    edge->progress = *progress;
    edge->has_progress = true;
    edge->status.upstream_position = progress->position;
    return rv_edge_ingest(edge, err);
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
    edge->queue_begin += 4 + len;
    if (kind == RV_WIRE_PROGRESS) { /* the message that it goes before follows it here */
        edge->has_before = true;
        RV_ASSERT(edge->queue_begin < edge->queue_end);
        return rv_wire_read_progress(edge->current, &edge->before, err);
    }
    RV_ASSERT(kind == RV_WIRE_EVENTS || kind == RV_WIRE_BASE || kind == RV_WIRE_CHANGES ||
              kind == RV_WIRE_SELECTED || kind == RV_WIRE_PAST);
    edge->current_kind = kind;
    edge->current_cost = len + RV_SYNC_MESSAGE_COST;
    keep_current(edge);
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
        if (status == RV_OK && edge->has_current) {
            status = ingest_body(edge, edge->current, &waits, err);
            if (status == RV_OK && !waits) {
                finish_current(edge);
            }
        }
    }
    if (status == RV_OK && !waits && edge->has_progress) {
        if (edge->receiving && !edge->changed) {
            return inside_a_batch(err);
        }
        status = move_to(edge, &edge->progress, &waits, err);
        edge->has_progress = waits;
    }
    RV_ASSERT(status != RV_PENDING && status != RV_BUSY);
    return status;
}

void rv_edge_drop(rv_edge *edge) {
    cancel(edge);
    edge->has_current = false;
    edge->has_progress = false;
    edge->has_before = false;
    edge->current = rv_bytes_of(NULL, 0);
    edge->current_cost = 0;
    edge->queue_begin = 0;
    edge->queue_end = 0;
    RV_ASSERT(!rv_edge_waits(edge));
}
