/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the log's index share: a log over the simulated disk that is told of its
 * events, and a naive twin, an array of all events with their streams, versions and ids.
 */
#ifndef RV_TESTS_LOG_INDEX_TWIN_H
#define RV_TESTS_LOG_INDEX_TWIN_H

#include "tests/unit/log/log_twin.h"

#define IX_EVENTS_MAX  20000
#define IX_STREAMS_MAX 300
#define IX_GONE        UINT32_MAX /* the stream of an event that is gone */

typedef struct ix_event {
    uint64_t version;
    uint32_t stream;
    bool has_id;
    uint8_t id[16];
} ix_event;

typedef struct ix_twin {
    ix_event events[IX_EVENTS_MAX]; /* that of sequence s at s - 1 */
    uint64_t count;
    uint64_t versions[IX_STREAMS_MAX];
    uint64_t random;
    uint32_t streams;
    uint32_t ids_percent;
    bool untold; /* the log is not told of events */
    bool marked;
    rv_log_mark mark;
} ix_twin;

static ix_twin the_ix;

static const rv_log_options ix_options = {
    .write_buffer_size = 24 << 10,
    .batch_len_max = 3000,
    .read_slot_count = 4,
    .segment_size = 24 << 10,
    .extent_size = 4096,
    .index_events = 64,
    .index_blocks = 8,
};

static inline uint64_t ix_random(ix_twin *t, uint64_t below) {
    return rv_test_random(&t->random) % below;
}

static inline void ix_clear(ix_twin *t, uint64_t seed) {
    t->count = 0;
    t->random = seed;
    t->streams = 1 + (uint32_t)ix_random(t, IX_STREAMS_MAX);
    t->ids_percent = (uint32_t)ix_random(t, 3) * 50;
    t->untold = false;
    t->marked = false;
    memset(t->versions, 0, sizeof t->versions);
}

/* Forgets the events behind the first `count`. */
static inline void ix_keep(ix_twin *t, uint64_t count) {
    t->count = count;
    memset(t->versions, 0, sizeof t->versions);
    for (uint64_t i = 0; i < count; i += 1) {
        if (t->events[i].stream != IX_GONE) {
            t->versions[t->events[i].stream] = t->events[i].version;
        }
    }
}

static inline void ix_make(ix_twin *t, ix_event *e) {
    /* Some streams have most of the events. */
    const uint64_t hot = ix_random(t, 4);
    e->stream = (uint32_t)ix_random(t, hot == 0 ? t->streams : 1 + t->streams / 20);
    e->version = t->versions[e->stream] + 1;
    e->has_id = ix_random(t, 100) < t->ids_percent;
    for (unsigned i = 0; i < 16; i += 1) {
        e->id[i] = i < 4 && t->random % 2 == 0 ? 7 : (uint8_t)rv_test_random(&t->random);
    }
}

/* Tries once to append some events: what rv_log_append_begin says. */
static inline rv_status ix_append_once(node *n, ix_twin *t, unsigned count) {
    rv_writer body;
    const rv_status status = rv_log_append_begin(n->log, &body, &n->err);
    if (status != RV_OK) {
        return status;
    }
    rv_batch batch = {.first_sequence = t->count + 1,
                      .first_position = rv_log_watermark(n->log) + 1,
                      .time = 1000000};
    rv_record_context context = rv_batch_context(&batch, n->log);
    const uint64_t before = t->count;
    for (unsigned i = 0; i < count && t->count < IX_EVENTS_MAX; i += 1) {
        ix_event *const e = &t->events[t->count];
        ix_make(t, e);
        rv_event event = {
            .sequence = context.next_sequence,
            .position = context.previous_position + 1,
            .stream = e->stream,
            .version = e->version,
            .foreign_id = e->has_id,
            .recorded_at = context.time,
            .written_at = context.time,
            .data = rv_bytes_of(t->events, (size_t)ix_random(t, 60)),
        };
        memcpy(event.event_id, e->id, 16);
        rv_record_write_event(&body, &context, &event);
        if (body.full) {
            break;
        }
        if (!t->untold) {
            rv_log_note(n->log, &event);
        }
        t->versions[e->stream] = e->version;
        t->count += 1;
    }
    if (body.full || ix_random(t, 20) == 0) {
        rv_log_append_cancel(n->log);
        ix_keep(t, before);
        return RV_OK;
    }
    batch.watermark = context.previous_position;
    (void)rv_log_append_commit(n->log, &batch, &body, t->count - before);
    return RV_OK;
}

/* Lets time pass. False: nothing is under way, and nothing is to be done. */
static inline bool ix_pass(node *n) {
    const bool pumped = node_pump(n);
    const bool worked = rv_log_working(n->log);
    const rv_status status = rv_log_poll(n->log, &n->err);
    return status == RV_OK && (pumped || worked || rv_log_working(n->log) || rv_log_busy(n->log));
}

static inline rv_status ix_append(node *n, ix_twin *t, unsigned count) {
    rv_status status = ix_append_once(n, t, count);
    for (unsigned i = 0; i < PUMP_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        (void)ix_pass(n);
        status = ix_append_once(n, t, count);
    }
    return status;
}

/* Until all is durable and indexed. */
static inline void ix_settle(node *n) {
    for (unsigned i = 0; i < PUMP_MAX && ix_pass(n); i += 1) {
    }
}

/* Recovers, telling the log of what it gives; all of it must be the twin's. */
static inline rv_status ix_recover(node *n, const ix_twin *t) {
    for (unsigned i = 0; i < PUMP_MAX; i += 1) {
        rv_batch batch;
        const rv_status status = rv_log_recover(n->log, &batch, &n->err);
        if (status == RV_PENDING) {
            if (!node_pump(n)) {
                return RV_STATUS_COUNT;
            }
            continue;
        }
        if (status != RV_OK) {
            return status;
        }
        rv_record_context context = rv_batch_context(&batch, n->log);
        rv_cursor c = rv_cursor_over(batch.body);
        rv_record record;
        while (rv_cursor_left(&c) > 0 && rv_record_read(&c, &context, &record)) {
            const rv_event *const e = &record.event;
            if (record.kind == RV_RECORD_GONE && e->sequence <= t->count &&
                t->events[e->sequence - 1].stream == IX_GONE) {
                rv_log_note_gone(n->log, e);
                continue;
            }
            if (record.kind != RV_RECORD_EVENT || e->sequence > t->count ||
                t->events[e->sequence - 1].stream != e->stream ||
                t->events[e->sequence - 1].version != e->version) {
                return RV_STATUS_COUNT;
            }
            if (!t->untold) {
                rv_log_note(n->log, e);
            }
        }
    }
    return RV_STATUS_COUNT;
}

/* From the twin's mark, when it has one. */
static inline rv_status ix_open(node *n, const ix_twin *t) {
    node_create(n);
    rv_status status = t->marked ? RV_PENDING : RV_OK;
    for (unsigned i = 0; i < PUMP_MAX && status == RV_PENDING; i += 1) {
        status = rv_log_recover_from(n->log, &t->mark, &n->err);
        if (status == RV_PENDING && !node_pump(n)) {
            return RV_STATUS_COUNT;
        }
    }
    if (t->marked && status != RV_OK) {
        return status == RV_END ? RV_STATUS_COUNT : status;
    }
    status = ix_recover(n, t);
    if (status == RV_END && !rv_log_has_identity(n->log)) {
        rv_log_set_identity(n->log, &twin_identity);
    }
    return status;
}

/* --- look-ups --- */

/* All events of a stream from a version on, some at a time. */
static inline void ix_check_stream(node *n, ix_twin *t, uint32_t stream, uint64_t version) {
    const uint64_t durable = rv_log_durable(n->log);
    rv_log_stream_cursor cursor = rv_log_stream_from(stream, version);
    uint64_t list[RV_LOG_SEQUENCES_MAX];
    uint64_t at = 0; /* sequences up to this one were compared */
    for (unsigned i = 0; i < PUMP_MAX; i += 1) {
        rv_log_sequences found = {.list = list, .cap = 1 + (uint32_t)ix_random(t, 20)};
        const rv_status status = rv_log_find_versions(n->log, &cursor, &found, &n->err);
        if (status == RV_PENDING || status == RV_BUSY) {
            (void)ix_pass(n);
            continue;
        }
        RV_CHECK(status == RV_OK || status == RV_END);
        RV_CHECK((status == RV_OK) == (found.count > 0));
        for (uint32_t k = 0; k < found.count; k += 1) {
            uint64_t next = at + 1;
            while (next <= t->count && (t->events[next - 1].stream != stream ||
                                        t->events[next - 1].version < version)) {
                next += 1;
            }
            RV_CHECK_EQ(list[k], next);
            at = next;
        }
        if (status == RV_END) {
            break;
        }
    }
    for (uint64_t s = at + 1; s <= durable; s += 1) {
        RV_CHECK(t->events[s - 1].stream != stream || t->events[s - 1].version < version);
    }
}

static inline rv_status ix_find_id(node *n, const uint8_t *id, uint64_t *sequence) {
    rv_status status = rv_log_find_id(n->log, id, 1, sequence, &n->err);
    for (unsigned i = 0; i < PUMP_MAX && (status == RV_PENDING || status == RV_BUSY); i += 1) {
        (void)ix_pass(n);
        status = rv_log_find_id(n->log, id, 1, sequence, &n->err);
    }
    return status;
}

static inline void ix_check_id(node *n, ix_twin *t) {
    uint8_t id[16];
    uint64_t sequence = 0;
    const ix_event *const e = t->count > 0 ? &t->events[ix_random(t, t->count)] : NULL;
    for (unsigned i = 0; i < 16; i += 1) {
        id[i] = i < 4 ? 7 : (uint8_t)rv_test_random(&t->random);
    }
    if (e == NULL || ix_random(t, 4) == 0 || !e->has_id) {
        RV_CHECK_STATUS(ix_find_id(n, id, &sequence), RV_END);
        return;
    }
    if (t->untold && (uint64_t)(e - t->events) >= rv_log_durable(n->log)) {
        return;
    }
    RV_CHECK_STATUS(ix_find_id(n, e->id, &sequence), RV_OK);
    RV_CHECK_EQ(sequence, (uint64_t)(e - t->events) + 1);
}

static inline void ix_check_some(node *n, ix_twin *t) {
    for (unsigned i = 0; i < 8; i += 1) {
        const uint32_t stream = (uint32_t)ix_random(t, t->streams);
        ix_check_stream(n, t, stream, 1 + ix_random(t, t->versions[stream] + 2));
        RV_CHECK_PASSED();
        ix_check_id(n, t);
        RV_CHECK_PASSED();
    }
}

#endif
