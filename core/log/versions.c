/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking up a version of a stream where the order of versions is not that of sequences, because
 * the past was filled in: each run is asked for the least version that is not below the one wanted,
 * the tail is gone through, and gaps are read. Whoever reads a stream asks so only where it does
 * not go on with the next sequence.
 */
#include "core/log/internal.h"

#define SCAN_BATCHES_MAX 32 /* of one call */

static void take(rv_log_version_search *s, uint64_t version, uint64_t sequence) {
    RV_ASSERT(version > 0 && sequence > 0);
    if (s->version == 0 || version < s->version) {
        s->version = version;
        s->sequence = sequence;
    }
}

static rv_status in_run(rv_log *log, uint32_t index, uint32_t stream, uint64_t version,
                        rv_log_version_search *s) {
    rv_run_entry entry;
    rv_found found = {.entries = &entry, .cap = 1};
    const rv_run_span span = log->runs.runs[index].span;
    const rv_seek seek = {RV_SEEK_FROM, RV_RUN_STREAMS, {stream, version}};
    const rv_status status = rv_index_seek(log, index, &seek, &found);
    if (status != RV_OK && status != RV_END) {
        return status;
    }
    if (found.count > 0 && entry.key.a == stream && entry.key.b >= version &&
        entry.key.b < UINT64_MAX && entry.c >= span.first && entry.c < span.next) {
        take(s, entry.key.b, entry.c);
    }
    RV_ASSERT(span.first < span.next);
    s->at = span.next;
    return RV_OK;
}

static void in_tail(const rv_log *log, uint32_t stream, uint64_t version,
                    rv_log_version_search *s) {
    const rv_tail *const tail = &log->tail_index;
    const uint64_t durable = log->durable.next_sequence;
    const uint64_t end = durable < tail->next ? durable : tail->next;
    RV_ASSERT(s->at >= tail->base);
    for (; s->at < end; s->at += 1) {
        const uint32_t at = rv_tail_at(tail, s->at);
        if (tail->streams[at] == stream && tail->versions[at] >= version) {
            take(s, tail->versions[at], s->at);
        }
    }
    s->at = durable;
}

/* By reading, up to `end`. */
static rv_status in_gap(rv_log *log, uint64_t end, uint32_t stream, uint64_t version,
                        rv_log_version_search *s, rv_error *err) {
    RV_ASSERT(s->at < end);
    for (unsigned i = 0; i < SCAN_BATCHES_MAX && s->at < end; i += 1) {
        if (s->scan.sequence != s->at) {
            s->scan = rv_log_cursor_at(s->at);
        }
        rv_batch batch;
        const rv_status status = rv_log_read(log, &s->scan, &batch, err);
        if (status != RV_OK) {
            return status;
        }
        rv_record_context context = rv_batch_context(&batch, log);
        rv_cursor c = rv_cursor_over(batch.body);
        rv_record record;
        while (rv_cursor_left(&c) > 0) {
            if (!rv_record_read(&c, &context, &record)) {
                rv_error_set(err, RV_DATA_DAMAGED,
                             "the batch from sequence %u on holds what is no event here",
                             batch.first_sequence);
                rv_error_fact_uint(err, "sequence", batch.first_sequence);
                return RV_DATA_DAMAGED;
            }
            const rv_event *const e = &record.event;
            if (record.kind == RV_RECORD_EVENT && e->stream == stream && e->version >= version &&
                e->sequence >= s->at && e->sequence < end) {
                take(s, e->version, e->sequence);
            }
        }
        s->at = s->scan.sequence < end ? s->scan.sequence : end;
    }
    return s->at < end ? RV_PENDING : RV_OK;
}

rv_status rv_log_find_version(rv_log *log, uint32_t stream, uint64_t version,
                              rv_log_version_search *s, rv_error *err) {
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    RV_ASSERT(version > 0);
    s->at = s->at > 0 ? s->at : 1;
    for (unsigned pass = 0; pass < 4 * RV_RUNS_MAX; pass += 1) {
        const uint64_t base = log->tail_index.base;
        if (s->at >= log->durable.next_sequence || s->version == version) {
            return s->version > 0 ? RV_OK : RV_END;
        }
        if (s->at >= base) {
            in_tail(log, stream, version, s);
            continue;
        }
        const uint32_t index = rv_runs_at(&log->runs, s->at);
        const bool run = index < log->runs.count && log->runs.runs[index].span.first <= s->at;
        rv_status status = RV_OK;
        if (run) {
            status = in_run(log, index, stream, version, s);
        } else {
            const uint64_t durable = log->durable.next_sequence;
            const uint64_t begin = base < durable ? base : durable;
            const bool before_run =
                index < log->runs.count && log->runs.runs[index].span.first < begin;
            status = in_gap(log, before_run ? log->runs.runs[index].span.first : begin, stream,
                            version, s, err);
        }
        if (status != RV_OK && !(run && status == RV_DATA_DAMAGED)) {
            return status;
        }
    }
    return RV_PENDING;
}
