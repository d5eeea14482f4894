/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks: a place behind a durable batch that a later life can begin at, instead of reading the log
 * from its start.
 *
 * Taking one. The state of a node is ahead of what is durable, so a mark is asked for where the
 * log is appended to, and had when that is flushed:
 *
 *     NONE --begin--> WAITS --its batch is written (writer.c)--> WRITTEN --flushed--> DURABLE
 *
 * Beginning at one. Every segment up to the mark's is opened once, for its header: names, numbers,
 * identities and watermarks must ascend as they would in a full recovery, and each header says
 * where the segment before it ended. Then the batch that ends at the mark is read and checked:
 *
 *     (LIST, LAST as in recover.c) -> READY -> MARK_HEADER … -> MARK_BATCH -> BATCH
 *                                       ^----------- it does not fit -/
 *
 * A mark is believed about what it says: it was stored only when all before it was durable. So a
 * log of the same id and epoch that turns out to be shorter is damaged, whatever its tail looks
 * like.
 */
#include "core/log/internal.h"

/* --- as bytes --- */

void rv_log_mark_encode(uint8_t *to, const rv_log_mark *mark) {
    RV_ASSERT(mark->segment > 0 && mark->next_sequence > 0);
    RV_ASSERT(mark->last <= mark->offset);
    memcpy(to, mark->log_id, sizeof mark->log_id);
    rv_store_u32(to + 16, mark->epoch);
    rv_store_u32(to + 20, mark->crc);
    rv_store_u64(to + 24, mark->segment);
    rv_store_u64(to + 32, mark->segment_first);
    rv_store_u64(to + 40, mark->last);
    rv_store_u64(to + 48, mark->offset);
    rv_store_u64(to + 56, mark->next_sequence);
    rv_store_u64(to + 64, mark->watermark);
    rv_store_u64(to + 72, mark->chain_hash);
}

static bool mark_plausible(const rv_log_mark *mark) {
    RV_ASSERT(mark != NULL);
    const bool empty = mark->last == mark->offset;
    return mark->segment > 0 && mark->segment_first > 0 &&
           mark->segment_first <= mark->next_sequence && mark->next_sequence < UINT64_MAX / 2 &&
           mark->watermark <= RV_POSITION_MAX && mark->last >= RV_SEGMENT_HEADER_SIZE &&
           mark->last % RV_BATCH_ALIGN == 0 && mark->offset % RV_BATCH_ALIGN == 0 &&
           mark->last <= mark->offset && mark->offset < UINT64_MAX / 2 &&
           (!empty || mark->offset == RV_SEGMENT_HEADER_SIZE) &&
           mark->offset - mark->last <= rv_batch_size(RV_BATCH_LEN_MAX) &&
           (empty || mark->offset - mark->last >= RV_BATCH_HEADER_SIZE);
}

bool rv_log_mark_decode(const uint8_t *from, rv_log_mark *mark) {
    RV_ASSERT(from != NULL);
    *mark = (rv_log_mark){
        .epoch = rv_load_u32(from + 16),
        .crc = rv_load_u32(from + 20),
        .segment = rv_load_u64(from + 24),
        .segment_first = rv_load_u64(from + 32),
        .last = rv_load_u64(from + 40),
        .offset = rv_load_u64(from + 48),
        .next_sequence = rv_load_u64(from + 56),
        .watermark = rv_load_u64(from + 64),
        .chain_hash = rv_load_u64(from + 72),
    };
    memcpy(mark->log_id, from, sizeof mark->log_id);
    return mark_plausible(mark);
}

/* --- taking one --- */

static rv_log_mark mark_of(const rv_log *log, const rv_log_end *end, const rv_last *last) {
    RV_ASSERT(log->segment_count > 0 && log->has_identity);
    rv_log_mark mark = {
        .epoch = log->identity.epoch,
        .crc = last->crc,
        .segment = log->segment_count,
        .segment_first = log->segments[log->segment_count - 1].first_sequence,
        .last = last->offset,
        .offset = end->offset,
        .next_sequence = end->next_sequence,
        .watermark = end->watermark,
        .chain_hash = end->chain_hash,
    };
    memcpy(mark.log_id, log->identity.log_id, sizeof mark.log_id);
    RV_ASSERT(mark.last <= mark.offset);
    return mark;
}

void rv_log_mark_begin(rv_log *log) {
    RV_ASSERT(log->life != RV_LOG_RECOVERING);
    rv_marking *const m = &log->marking;
    m->phase = RV_MARK_NONE;
    if (log->segment_count == 0) {
        return;
    }
    if (log->appended.offset == log->durable.offset) {
        m->mark = mark_of(log, &log->durable, &log->durable_last);
        m->phase = RV_MARK_DURABLE;
        return;
    }
    m->mark = (rv_log_mark){.segment = log->segment_count, .offset = log->appended.offset};
    m->phase = RV_MARK_WAITS;
    if (log->appender.group_len > 0 && log->appender.durable.offset == log->appended.offset) {
        rv_mark_written(log, &log->appender.durable, &log->appender.durable_last);
    }
}

void rv_mark_written(rv_log *log, const rv_log_end *end, const rv_last *last) {
    rv_marking *const m = &log->marking;
    RV_ASSERT(end->offset > last->offset);
    if (m->phase == RV_MARK_WAITS && end->offset == m->mark.offset) {
        RV_ASSERT(m->mark.segment == log->segment_count); /* no roll before all is written */
        m->mark = mark_of(log, end, last);
        m->phase = RV_MARK_WRITTEN;
    }
}

rv_status rv_log_mark_get(const rv_log *log, rv_log_mark *mark) {
    const rv_marking *const m = &log->marking;
    if (m->phase == RV_MARK_NONE) {
        return RV_END;
    }
    const bool rolled = m->mark.segment < log->segment_count;
    const bool flushed =
        m->phase == RV_MARK_DURABLE ||
        (m->phase == RV_MARK_WRITTEN && (rolled || log->durable.offset >= m->mark.offset));
    if (!flushed) {
        return log->failed == RV_OK ? RV_PENDING : RV_READ_ONLY;
    }
    RV_ASSERT(mark_plausible(&m->mark));
    *mark = m->mark;
    return RV_OK;
}

/* --- one of an open log --- */

rv_status rv_log_mark_find(rv_log *log, const rv_log_mark *mark, rv_log_walk *walk, rv_error *err) {
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    if (!mark_plausible(mark) || mark->last == mark->offset || mark->segment > log->segment_count ||
        memcmp(mark->log_id, log->identity.log_id, sizeof mark->log_id) != 0) {
        return RV_END;
    }
    const uint32_t number = (uint32_t)mark->segment - 1;
    const rv_segment *const segment = &log->segments[number];
    if (segment->first_sequence != mark->segment_first || mark->offset > segment->end) {
        return RV_END;
    }
    const uint8_t *at = NULL;
    rv_batch_header header;
    const rv_status status = rv_slots_batch(log, (rv_place){number, mark->last}, &at, &header, err);
    if (status != RV_OK) {
        return status == RV_DATA_DAMAGED ? RV_END : status;
    }
    *walk = (rv_log_walk){number, segment->generation, mark->offset};
    const bool fits = header.crc == mark->crc &&
                      rv_batch_size(header.len) == mark->offset - mark->last &&
                      header.first_sequence + header.event_count == mark->next_sequence &&
                      header.watermark == mark->watermark && header.chain_hash == mark->chain_hash;
    return fits ? RV_OK : RV_END;
}

/* --- beginning at one --- */

bool rv_mark_missing(const rv_log *log) {
    const rv_recovery *const r = &log->recovery;
    RV_ASSERT(log->appended.next_sequence > 0);
    if (!r->marked) {
        return false;
    }
    const rv_log_mark *const m = &r->mark;
    if (log->segment_count == 0) {
        return true;
    }
    if (memcmp(m->log_id, log->identity.log_id, sizeof m->log_id) != 0 ||
        m->epoch != log->identity.epoch) {
        return false;
    }
    const uint64_t first = log->segments[r->segment].first_sequence;
    return log->appended.next_sequence < m->next_sequence ||
           (first == m->segment_first && r->offset < m->offset) || first < m->segment_first;
}

/* It does not fit: as if it had not been tried. */
static rv_step mark_stale(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    if (r->handle != NULL) {
        rv_files_release(log, r->handle);
        r->handle = NULL;
    }
    log->has_identity = false;
    for (uint32_t i = 0; i < log->segment_count; i += 1) {
        log->segments[i].end = 0;
    }
    r->segment = 0;
    r->state = RV_RECOVER_READY;
    rv_window_reset(r);
    return RV_STEP_END;
}

/* A failure of the storage is one; that something is too short or does not open is not. */
static rv_step mark_failed(rv_log *log, rv_status status) {
    RV_ASSERT(status != RV_OK);
    if (status == RV_PENDING || status == RV_BUSY) {
        return RV_STEP_WAIT;
    }
    return mark_stale(log);
}

/* The header of segment `r->segment`, and so the end of the one before. */
static rv_step mark_header(rv_log *log, const rv_log_mark *mark) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->segment < mark->segment && mark->segment <= log->segment_count);
    if (r->handle == NULL) {
        const rv_status status = rv_files_acquire(log, r->segment, 0, &r->handle);
        if (status != RV_OK) {
            return mark_failed(log, status);
        }
    }
    size_t got = 0;
    const rv_status status = rv_op_read(&log->ops, &log->main, r->handle->file, 0, log->header,
                                        sizeof log->header, &got);
    if (status != RV_OK) {
        return mark_failed(log, status);
    }
    rv_segment_header header;
    if (got < sizeof log->header || rv_segment_decode(log->header, &header) != RV_OK ||
        !rv_recover_header_fits(log, &header)) {
        return mark_stale(log);
    }
    rv_segment *const segment = &log->segments[r->segment];
    if (r->segment > 0) {
        rv_segment *const before = segment - 1;
        /* else it was cut since it was written again, and followed by another */
        const bool rewritten = before->generation > 0 && header.previous_end == r->origin_end &&
                               header.previous_crc == r->origin_crc;
        const uint64_t end = rewritten ? r->own_end : header.previous_end;
        /* While it waits for this header, `end` has the size of its file. */
        if (end < RV_SEGMENT_HEADER_SIZE || end > before->end || end % RV_BATCH_ALIGN != 0 ||
            header.watermark < before->watermark) {
            return mark_stale(log);
        }
        before->end = end;
    }
    log->identity = header.identity;
    log->has_identity = true;
    segment->salt = header.salt;
    segment->watermark = header.watermark;
    segment->end = r->handle->size;
    r->own_end = header.end;
    r->origin_end = header.origin_end;
    r->origin_crc = header.origin_crc;
    if (r->segment + 1 == mark->segment) {
        r->state = RV_RECOVER_MARK_BATCH; /* with the file still open */
        return RV_STEP_ON;
    }
    rv_files_release(log, r->handle);
    r->handle = NULL;
    r->segment += 1;
    return RV_STEP_ON;
}

/* All fits: recovery goes on behind the mark. */
static rv_step mark_adopt(rv_log *log, const rv_log_mark *mark, bool sealed) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->handle != NULL && r->segment + 1 == mark->segment);
    r->offset = mark->offset;
    r->vouched = mark->offset;
    log->segments[r->segment].end = mark->offset;
    for (uint32_t i = r->segment + 1; i < log->segment_count; i += 1) {
        log->segments[i].end = 0;
    }
    log->appended = (rv_log_end){
        .next_sequence = mark->next_sequence,
        .watermark = mark->watermark,
        .chain_hash = mark->chain_hash,
        .offset = mark->offset,
    };
    log->durable = log->appended;
    log->durable_last = (rv_last){mark->last, mark->crc};
    log->last_crc = mark->crc;
    log->sealed = sealed;
    r->state = RV_RECOVER_BATCH;
    return RV_STEP_GIVE;
}

/* The batch that ends at the mark. */
static rv_step mark_batch(rv_log *log, const rv_log_mark *mark) {
    rv_recovery *const r = &log->recovery;
    const size_t size = (size_t)(mark->offset - mark->last);
    RV_ASSERT(r->handle != NULL && r->segment < log->segment_count);
    const rv_segment *const segment = &log->segments[r->segment];
    if (mark->offset > r->handle->size || segment->first_sequence != mark->segment_first ||
        memcmp(log->identity.log_id, mark->log_id, sizeof mark->log_id) != 0 ||
        log->identity.epoch != mark->epoch || size > log->appender.cap) {
        return mark_stale(log);
    }
    if (size == 0) { /* the mark is behind the header, which is still there */
        rv_segment_header header;
        const bool fits = rv_segment_decode(log->header, &header) == RV_OK &&
                          rv_load_u32(log->header + RV_SEGMENT_HEADER_SIZE - 4) == mark->crc &&
                          header.first_sequence == mark->next_sequence &&
                          header.watermark == mark->watermark &&
                          header.chain_hash == mark->chain_hash;
        return fits ? mark_adopt(log, mark, false) : mark_stale(log);
    }
    const uint8_t *bytes = NULL;
    size_t have = 0;
    const rv_status status = rv_window_get(log, mark->last, size, &bytes, &have);
    if (status != RV_OK) {
        return mark_failed(log, status);
    }
    rv_batch_header header;
    if (have < size || !rv_batch_decode(bytes, &header) || header.crc != mark->crc ||
        rv_batch_size(header.len) != size || !rv_batch_intact(bytes, &header, segment->salt) ||
        header.first_sequence + header.event_count != mark->next_sequence ||
        header.watermark != mark->watermark || header.chain_hash != mark->chain_hash) {
        return mark_stale(log);
    }
    return mark_adopt(log, mark, header.kind == RV_BATCH_SEAL);
}

/* Keeps the mark that reaches furthest, as evidence of how long the log was. */
static void mark_remember(rv_recovery *r, const rv_log_mark *mark) {
    RV_ASSERT(mark->segment > 0);
    const bool further = !r->marked || mark->segment > r->mark.segment ||
                         (mark->segment == r->mark.segment && mark->offset > r->mark.offset);
    r->mark = further ? *mark : r->mark;
    r->marked = true;
    RV_ASSERT(r->mark.segment >= mark->segment);
}

rv_status rv_log_recover_from(rv_log *log, const rv_log_mark *mark, rv_error *err) {
    rv_recovery *const r = &log->recovery;
    if (log->failed != RV_OK) {
        return rv_log_tell_failure(log, err);
    }
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    if (!mark_plausible(mark)) {
        return RV_END;
    }
    rv_step step = RV_STEP_ON;
    while (step == RV_STEP_ON && r->state <= RV_RECOVER_LAST_TAIL) { /* each step goes on */
        step = rv_recover_prepare(log);
    }
    if (step == RV_STEP_ON && r->state == RV_RECOVER_READY) {
        const bool there =
            mark->segment <= log->segment_count && log->segments[0].first_sequence == 1;
        r->state = there ? RV_RECOVER_MARK_HEADER : RV_RECOVER_READY;
    }
    while (step == RV_STEP_ON) { /* each step goes on by a segment */
        if (r->state == RV_RECOVER_MARK_HEADER) {
            step = mark_header(log, mark);
        } else if (r->state == RV_RECOVER_MARK_BATCH) {
            step = mark_batch(log, mark);
        } else {
            step = RV_STEP_END;
        }
    }
    if (step == RV_STEP_FAIL) {
        return rv_log_tell_failure(log, err);
    }
    if (step == RV_STEP_WAIT) {
        return RV_PENDING;
    }
    mark_remember(r, mark);
    return step == RV_STEP_GIVE ? RV_OK : RV_END;
}
