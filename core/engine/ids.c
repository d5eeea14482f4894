/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same ids again (SEMANTICS 3): an event id is known for the life of the log, and a batch whose
 * ids are known is answered as the first time, if it is the same.
 */
#include "core/engine/append.h"

#include "core/base/assert.h"

/* A batch that was not given while others were so often is not looked up any further. */
#define OTHERS_MAX 1024u

/* Looks for the id in the log, from sequence `since` on: RV_OK, RV_END: it is not there,
 * RV_PENDING, errors of reading. For an id with this node's tag there is only one place where it
 * can be. */
static rv_status find_id(rv_node *node, const uint8_t *id, uint64_t since, uint64_t *sequence,
                         rv_error *err) {
    uint64_t number = 0;
    int64_t unix_ms = 0;
    const rv_log_identity *identity = rv_log_identity_of(node->log);
    if (rv_event_id_parse(id, identity->root_tag, &number, &unix_ms)) {
        *sequence = number;
        return number > 0 && number <= rv_log_appended(node->log) ? RV_OK : RV_END;
    }
    return rv_log_find_id(node->log, id, since, sequence, err);
}

bool rv_node_id_is_own(const rv_node *node, const uint8_t *id) {
    uint64_t number = 0;
    int64_t unix_ms = 0;
    return rv_event_id_parse(id, rv_log_identity_of(node->log)->root_tag, &number, &unix_ms);
}

/* True when what the caller gave now is the stored event: same stream, type and data. Metadata is
 * about the request: who gives an event again may say something else of that. */
static bool same_content(rv_node *node, const rv_event *stored) {
    const rv_event_draft *draft = &node->draft;
    if (stored->type != draft->type->number ||
        stored->stream >= rv_state_stream_count(node->state) ||
        !rv_event_data_decode(draft->type, stored->data, node->values)) {
        return false;
    }
    rv_stream_head head;
    rv_state_stream(node->state, stored->stream, &head);
    return head.declaration == draft->stream->number &&
           rv_event_draft_same(node->schema, draft, node->values);
}

/* `format` has the id. */
static rv_status refuse_id(const uint8_t *id, const char *format, rv_error *err) {
    uint8_t text[36];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_write_uuid(&w, id);
    const rv_bytes bytes = rv_writer_bytes(&w);
    RV_ASSERT(!w.full);
    const rv_status status = rv_error_set(err, RV_EVENT_ID_REUSED, format, &bytes);
    rv_error_fact_text(err, "event_id", bytes);
    return status;
}

rv_status rv_node_id_reused(const uint8_t *id, rv_error *err) {
    return refuse_id(id, "the event id %b was used for an event with other content; take a new id",
                     err);
}

rv_status rv_node_id_twice(const uint8_t *id, rv_error *err) {
    return refuse_id(id, "two events of the batch have the event id %b; each has its own", err);
}

static rv_status not_together(rv_error *err, size_t count) {
    RV_ASSERT(count > 0);
    return rv_error_set(err, RV_EVENT_ID_REUSED,
                        "some of the batch's %u events were accepted before, but not as this "
                        "batch; a batch is given again whole",
                        (uint64_t)count);
}

/* The events from `sequence` on are the batch given again: `results` gets them as the log has them.
 * They are looked for in one batch of the log, so that one read is enough. RV_HISTORY_GONE: the
 * first of them was purged. */
static rv_status answer_again(rv_node *node, const rv_appends *given, uint64_t sequence,
                              rv_event *results, size_t *index, rv_error *err) {
    const size_t count = given->count;
    rv_log_cursor cursor = rv_log_cursor_at(sequence);
    rv_batch batch;
    rv_status status = rv_node_read(node, &cursor, &batch, err);
    if (status != RV_OK) {
        return status == RV_END ? RV_PENDING : status; /* accepted, not durable yet */
    }
    rv_record_context context = rv_batch_context(&batch, node->log);
    rv_cursor c = rv_cursor_over(batch.body);
    rv_record record;
    size_t met = 0;
    while (met < count && status == RV_OK && rv_cursor_left(&c) > 0 &&
           rv_record_read(&c, &context, &record)) {
        if (record.kind == RV_RECORD_GONE && record.event.sequence == sequence) {
            return RV_HISTORY_GONE;
        }
        if (record.kind != RV_RECORD_EVENT || record.event.sequence < sequence) {
            continue;
        }
        const rv_append *const append = &given->events[met];
        *index = met;
        if (met > 0 &&
            (!append->has_event_id || memcmp(record.event.event_id, append->event_id, 16) != 0)) {
            return not_together(err, count);
        }
        rv_arena_reset(&node->scratch, 0);
        status = rv_node_draft_read(node, given, met, err);
        if (status == RV_OK &&
            (memcmp(record.event.event_id, append->event_id, sizeof append->event_id) != 0 ||
             !same_content(node, &record.event))) {
            status = rv_node_id_reused(append->event_id, err);
        }
        results[met] = record.event;
        met += 1;
    }
    return status == RV_OK && met < count ? not_together(err, count) : status;
}

/* What tells batches apart by their ids. */
static rv_hash128 ids_hash(const rv_append *events, size_t count) {
    rv_hash128 hash = {.low = count};
    for (size_t i = 0; i < count; i++) {
        const rv_bytes id = {events[i].event_id, events[i].has_event_id ? 16 : 0};
        hash = rv_hash128_add(rv_hash128_of(hash.low, id), hash);
    }
    return hash;
}

/* How far an earlier try came with this batch; NULL: another batch is under way. */
static rv_ids_met *ids_met_of(rv_node *node, const rv_append *events, size_t count) {
    rv_ids_met *const met = &node->ids_met;
    const rv_hash128 ids = ids_hash(events, count);
    RV_ASSERT(count > 0);
    if (met->count != count || met->ids.low != ids.low || met->ids.high != ids.high) {
        met->others += 1;
        if (met->count > 0 && met->others < OTHERS_MAX) {
            return NULL;
        }
        met->ids = ids;
        met->count = count;
        met->reached = 0;
        met->since = rv_log_appended(node->log) + 1;
        met->below = 1;
    }
    met->others = 0;
    RV_ASSERT(met->since <= rv_log_appended(node->log) + 1);
    return met;
}

/* Looks for the id of the batch's event, if it brings one, where it was not looked for yet. */
static rv_status find_id_of(rv_node *node, const rv_append *event, size_t index, rv_ids_met *met,
                            uint64_t *sequence, rv_error *err) {
    if (!event->has_event_id) {
        return RV_END;
    }
    if (met == NULL) {
        return find_id(node, event->event_id, 1, sequence, err);
    }
    RV_ASSERT(index <= met->reached);
    if (index < met->reached) {
        return find_id(node, event->event_id, met->since, sequence, err);
    }
    const rv_status status = find_id(node, event->event_id, met->below, sequence, err);
    const uint64_t known = rv_log_id_known(node->log, event->event_id);
    met->below = status == RV_PENDING && known > met->below ? known : met->below;
    return status;
}

rv_status rv_node_ids_meet(rv_node *node, const rv_appends *given, rv_event *results, size_t *index,
                           rv_error *err) {
    const rv_append *const events = given->events;
    const size_t count = given->count;
    size_t first = 0;
    while (first < count && !events[first].has_event_id) {
        first += 1;
    }
    if (first == count) {
        return RV_OK;
    }
    rv_ids_met *const met = ids_met_of(node, events, count);
    if (met == NULL && count > 1) {
        node->ids_met.waits = 2; /* a host may poll once more before it gives it again */
        return RV_PENDING;
    }
    rv_status status = RV_END;
    for (size_t i = 0; i < count && status == RV_END; i++) {
        uint64_t sequence = 0;
        status = find_id_of(node, &events[i], i, met, &sequence, err);
        if (status == RV_END && met != NULL && i == met->reached) {
            met->reached = i + 1;
            met->below = 1;
        }
        if (status == RV_OK && i > 0) {
            *index = i;
            status = not_together(err, count);
        } else if (status == RV_OK) {
            status = answer_again(node, given, sequence, results, index, err);
            status = status == RV_OK             ? RV_END
                     : status == RV_HISTORY_GONE ? RV_OK /* it is for the root to know */
                                                 : status;
            break;
        } else if (status == RV_END && i + 1 == count) {
            status = RV_OK;
            break;
        }
    }
    if (met != NULL && status != RV_PENDING && status != RV_BUSY) {
        met->count = 0;
    }
    return status;
}
