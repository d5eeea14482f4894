/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subscription walks batches of the log. A batch that was read stays valid until the node reads
 * another or is polled (`read_generation`); then it is read again, which finds it in the log's
 * cache, and the walk goes on at the record where it was.
 */
#include "core/live/subscription.h"

#include "core/base/assert.h"
#include "core/engine_internal.h"

void rv_subscription_open(rv_subscription *subscription, rv_node *node,
                          const rv_path_pattern *patterns, size_t pattern_count, uint64_t from) {
    RV_ASSERT(node != NULL && from > 0);
    *subscription = (rv_subscription){
        .node = node,
        .patterns = patterns,
        .pattern_count = pattern_count,
        .next_cursor = rv_log_cursor_at(from),
        .next_sequence = from,
    };
}

static rv_status enter_batch(rv_subscription *s, rv_error *err) {
    rv_log_cursor after = s->in_batch ? s->cursor : s->next_cursor;
    const rv_log_cursor before = after;
    rv_batch batch;
    const rv_status status = rv_node_read(s->node, &after, &batch, err);
    if (status != RV_OK) {
        return status;
    }
    if (!s->in_batch) {
        s->cursor = before;
        s->next_cursor = after;
        s->body_offset = 0;
        s->context = rv_batch_context(&batch, s->node->log);
        s->in_batch = true;
    }
    s->batch = batch;
    s->generation = s->node->read_generation;
    return RV_OK;
}

static bool matches(const rv_subscription *s, const rv_event *event, rv_bytes *path) {
    rv_stream_head head;
    rv_state_stream(s->node->state, event->stream, &head);
    *path = head.path;
    if (s->pattern_count == 0) {
        return true;
    }
    if (s->system && head.declaration == RV_NONE) {
        return true;
    }
    for (size_t i = 0; i < s->pattern_count; i++) {
        if (rv_path_pattern_match(&s->patterns[i], head.path)) {
            return true;
        }
    }
    return false;
}

/* The next event of the batch that is to be looked at; false at the batch's end. */
static bool next_in_batch(rv_subscription *s, rv_event *event) {
    rv_record record;
    rv_cursor c = rv_cursor_over(rv_bytes_from(s->batch.body, s->body_offset));
    while (rv_cursor_left(&c) > 0) {
        /* The log has verified the batch, and opening has read every record of it. */
        const bool readable = rv_record_read(&c, &s->context, &record);
        RV_ASSERT(readable);
        s->body_offset = s->batch.body.len - rv_cursor_left(&c);
        if (record.kind == RV_RECORD_EVENT && record.event.sequence >= s->next_sequence) {
            s->next_sequence = record.event.sequence + 1;
            *event = record.event;
            return true;
        }
    }
    s->in_batch = false;
    s->watermark = s->batch.watermark;
    s->chain_hash = s->batch.chain_hash;
    return false;
}

rv_status rv_subscription_next(rv_subscription *s, uint32_t scan_max, rv_event *event,
                               rv_bytes *path, rv_error *err) {
    RV_ASSERT(scan_max > 0);
    uint32_t scanned = 0;
    while (scanned < scan_max) {
        if (!s->in_batch || s->generation != s->node->read_generation) {
            const rv_status status = enter_batch(s, err);
            if (status != RV_OK) {
                return status;
            }
        }
        if (next_in_batch(s, event)) {
            if (matches(s, event, path)) {
                return RV_OK;
            }
            scanned += 1;
        }
    }
    return RV_PENDING;
}

uint64_t rv_subscription_sequence(const rv_subscription *subscription) {
    return subscription->next_sequence;
}

uint64_t rv_subscription_watermark(const rv_subscription *s) {
    return s->watermark;
}

uint64_t rv_subscription_chain(const rv_subscription *s) {
    return s->chain_hash;
}
