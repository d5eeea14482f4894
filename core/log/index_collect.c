/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting the events of an interval for a new run: from the tail's index when that knows them,
 * else by reading the log, batch by batch. Places come from the sparse index, or from where the
 * batches lay.
 */
#include "core/log/internal.h"

#define COLLECT_BATCHES_MAX 16 /* of one step: the largest is some milliseconds of decoding */

void rv_collect_begin(rv_log *log, uint64_t first, uint64_t end) {
    rv_collected *const c = &log->indexer.collected;
    RV_ASSERT(first > 0 && first < end && end - first <= c->cap);
    RV_ASSERT(end <= log->durable.next_sequence);
    c->first = first;
    c->end = end;
    c->count = 0;
    c->id_count = 0;
    c->place_count = 0;
    c->place_bytes = RV_INDEX_SPACING_MIN;
    c->cursor = rv_log_cursor_at(first);
}

static void take_event(rv_collected *c, const rv_tail_event *event) {
    RV_ASSERT(event->sequence == c->first + c->count);
    RV_ASSERT(c->count < c->cap);
    c->streams[c->count] = event->stream;
    c->versions[c->count] = event->version;
    if (event->foreign_id != NULL) {
        memcpy(c->ids + (size_t)c->id_count * 16, event->foreign_id, 16);
        c->id_at[c->id_count] = c->count;
        c->id_count += 1;
    }
    c->count += 1;
}

/* With the table full every second place goes: the walk from one gets longer. */
static void take_place(rv_collected *c, const rv_index_entry *place) {
    RV_ASSERT(c->place_count <= RV_COLLECTED_PLACES);
    RV_ASSERT(place->sequence >= c->first);
    if (c->place_count == RV_COLLECTED_PLACES) {
        for (uint32_t i = 0; i < RV_COLLECTED_PLACES / 2; i += 1) {
            c->places[i] = c->places[2 * i];
        }
        c->place_count = RV_COLLECTED_PLACES / 2;
    }
    c->places[c->place_count] = *place;
    c->place_count += 1;
}

/* --- from the tail --- */

static void collect_tail_ids(const rv_tail *tail, rv_collected *c) {
    RV_ASSERT(tail->id_first <= tail->id_next);
    RV_ASSERT(c->id_count == 0);
    for (uint64_t i = tail->id_first; i < tail->id_next; i += 1) { /* its capacity bounds it */
        const rv_tail_id *const id = &tail->ids[rv_tail_at(tail, i)];
        if (id->sequence >= c->first && id->sequence < c->end && c->id_count < c->cap) {
            memcpy(c->ids + (size_t)c->id_count * 16, id->id, 16);
            c->id_at[c->id_count] = (uint32_t)(id->sequence - c->first);
            c->id_count += 1;
        }
    }
}

static rv_step collect_tail(rv_log *log) {
    rv_collected *const c = &log->indexer.collected;
    const rv_tail *const tail = &log->tail_index;
    RV_ASSERT(c->first >= tail->base && c->end <= tail->next);
    for (uint64_t s = c->first; s < c->end; s += 1) { /* as many as a run has */
        const uint32_t at = rv_tail_at(tail, s);
        c->streams[c->count] = tail->streams[at];
        c->versions[c->count] = tail->versions[at];
        c->count += 1;
    }
    collect_tail_ids(tail, c);
    for (uint32_t i = 0; i < log->index.count; i += 1) {
        const rv_index_entry *const entry = &log->index.entries[i];
        if (entry->sequence >= c->first && entry->sequence < c->end) {
            take_place(c, entry);
        }
    }
    RV_ASSERT(c->count == c->end - c->first);
    return RV_STEP_END;
}

/* --- from the log --- */

/* The place of a batch that the cursor has just passed. No event of it is at `before` or lower. */
static void offer_place(rv_collected *c, const rv_batch *batch) {
    const uint64_t size = rv_batch_size(batch->body.len);
    RV_ASSERT(c->cursor.offset >= RV_SEGMENT_HEADER_SIZE + size);
    if (batch->first_sequence >= c->first && c->place_bytes >= RV_INDEX_SPACING_MIN) {
        const rv_index_entry place = {
            .sequence = batch->first_sequence,
            .before = batch->first_position - 1,
            .offset = c->cursor.offset - size,
            .segment = (uint32_t)c->cursor.segment,
        };
        take_place(c, &place);
        c->place_bytes = 0;
    }
    c->place_bytes += size;
}

static bool take_batch(rv_log *log, const rv_batch *batch) {
    rv_collected *const c = &log->indexer.collected;
    rv_record_context context = rv_batch_context(batch, log);
    rv_cursor cursor = rv_cursor_over(batch->body);
    rv_record record;
    while (rv_cursor_left(&cursor) > 0) {
        if (!rv_record_read(&cursor, &context, &record)) {
            return false;
        }
        const rv_event *const e = &record.event;
        const bool gone = record.kind == RV_RECORD_GONE;
        if ((gone || record.kind == RV_RECORD_EVENT) && e->sequence >= c->first &&
            e->sequence < c->end) {
            const rv_tail_event event = {e->sequence, e->version, gone ? RV_TAIL_NONE : e->stream,
                                         !gone && e->foreign_id ? e->event_id : NULL};
            if (e->sequence != c->first + c->count) {
                return false;
            }
            take_event(c, &event);
        }
    }
    RV_ASSERT(c->count <= c->end - c->first);
    return true;
}

static rv_step collect_log(rv_log *log) {
    rv_collected *const c = &log->indexer.collected;
    for (unsigned i = 0; i < COLLECT_BATCHES_MAX && c->count < c->end - c->first; i += 1) {
        rv_batch batch;
        const rv_status status = rv_log_read(log, &c->cursor, &batch, NULL);
        if (status == RV_PENDING || status == RV_BUSY) {
            return RV_STEP_WAIT;
        }
        if (status != RV_OK) {
            return RV_STEP_FAIL;
        }
        offer_place(c, &batch);
        if (!take_batch(log, &batch)) {
            return RV_STEP_FAIL;
        }
    }
    RV_ASSERT(c->count <= c->cap);
    return c->count == c->end - c->first ? RV_STEP_END : RV_STEP_ON;
}

rv_step rv_collect_step(rv_log *log) {
    const rv_collected *const c = &log->indexer.collected;
    RV_ASSERT(c->count < c->end - c->first);
    const bool known =
        c->count == 0 && c->first >= log->tail_index.base && c->end <= log->tail_index.next;
    return known ? collect_tail(log) : collect_log(log);
}
