/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery: every batch that is stored is read once, in order, checked, and given to the caller.
 *
 *     LIST -> LAST (-> LAST_TAIL) -> SEGMENT -> BATCH … -> SEGMENT -> BATCH … -> TAIL -> FLUSH
 *          -> REMOVE -> DONE                                                      \-> CUT_… -/
 *
 * LIST finds the files. LAST looks whether the newest one was made at all: without a header, and
 * with nothing behind it, it is a segment that a crash caught being made, and is removed at the
 * end; its name still promises that everything before its sequence is durable. SEGMENT checks a
 * header against what came before, BATCH one batch. Where the last segment has no further good
 * batch, cut.c judges: the end, damage, or a torn tail to be cut.
 *
 * What is found intact may still be only in the system's cache (the process died, the system did
 * not), so FLUSH comes before anything counts as durable.
 *
 * Bytes are read through a window over the append buffer, 256 KiB at a time, so that they are
 * checked and replayed while they are in the processor's cache.
 */
#include "core/log/internal.h"

/* Runs of events that the log does not have are of another life. */
static void runs_beyond(rv_log *log) {
    RV_ASSERT(log->life == RV_LOG_OPEN);
    const uint64_t next = log->durable.next_sequence;
    log->note_from = 0;
    rv_runs *const runs = &log->runs;
    while (runs->count > 0 && runs->runs[runs->count - 1].span.next > next) {
        rv_runs_drop(runs, runs->count - 1, true); /* for good: one that is bad never returns */
    }
    if (log->tail_index.next != next) {
        rv_tail_reset(&log->tail_index, next);
    }
    RV_ASSERT(log->tail_index.next == next);
}

/* --- failing --- */

/* What was not recovered does not exist for readers. */
static void forget_rest(rv_log *log) {
    RV_ASSERT(log->failed != RV_OK);
    while (log->segment_count > 0 && log->segments[log->segment_count - 1].end == 0) {
        log->segment_count -= 1;
    }
    log->life = RV_LOG_OPEN; /* to be read */
    runs_beyond(log);
    RV_ASSERT(log->appended.next_sequence == log->durable.next_sequence);
}

rv_step rv_recover_failed(rv_log *log, rv_status status, const char *what, const char *file) {
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    RV_ASSERT(status != RV_OK && status != RV_PENDING);
    (void)rv_log_fail(log, status, what, file);
    forget_rest(log);
    return RV_STEP_FAIL;
}

rv_step rv_recover_damaged(rv_log *log, uint32_t segment, uint64_t offset, const char *what) {
    RV_ASSERT(log->failed == RV_OK);
    RV_ASSERT(segment < log->segment_count);
    rv_file_name name;
    rv_files_name(log, segment, &name);
    log->failed =
        rv_log_damage(log, &log->failure, name.text, offset, log->appended.next_sequence - 1, what);
    forget_rest(log);
    return RV_STEP_FAIL;
}

/* An operation on the segment that is being recovered went wrong. */
static rv_step segment_failed(rv_log *log, rv_status status, const char *what) {
    RV_ASSERT(log->recovery.segment < log->segment_count);
    if (status == RV_PENDING || status == RV_BUSY) {
        return RV_STEP_WAIT;
    }
    rv_file_name name;
    rv_files_name(log, log->recovery.segment, &name);
    RV_ASSERT(status != RV_OK);
    return rv_recover_failed(log, status, what, name.text);
}

/* --- LIST --- */

/* An older generation than that in the table: kept with the highest ones first, so that the highest
 * whole one is found first. What does not fit is met again another time. */
static void generation_note(rv_recovery *r, uint64_t first_sequence, uint32_t generation) {
    RV_ASSERT(r->other_count <= RV_LOG_GENERATIONS);
    if (r->other_count == RV_LOG_GENERATIONS) {
        return;
    }
    uint32_t at = r->other_count;
    while (at > 0 && r->others[at - 1].generation < generation) {
        r->others[at] = r->others[at - 1];
        at -= 1;
    }
    r->others[at] = (rv_generation){first_sequence, generation};
    r->other_count += 1;
}

/* Keeps the table in order of first sequences, with the highest generation. False: it is full. */
static bool segment_insert(rv_log *log, uint64_t first_sequence, uint32_t generation) {
    RV_ASSERT(first_sequence > 0);
    RV_ASSERT(log->segment_count <= log->segment_cap);
    for (uint32_t i = 0; i < log->segment_count; i += 1) {
        rv_segment *const there = &log->segments[i];
        if (there->first_sequence == first_sequence) {
            const bool higher = generation > there->generation;
            generation_note(&log->recovery, first_sequence,
                            higher ? there->generation : generation);
            there->generation = higher ? generation : there->generation;
            return true;
        }
    }
    if (log->segment_count == log->segment_cap) {
        return false;
    }
    uint32_t at = log->segment_count;
    while (at > 0 && log->segments[at - 1].first_sequence > first_sequence) {
        log->segments[at] = log->segments[at - 1];
        at -= 1;
    }
    log->segments[at] = (rv_segment){.first_sequence = first_sequence, .generation = generation};
    log->segment_count += 1;
    return true;
}

static rv_step recover_list(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    rv_file_name *const names = (rv_file_name *)(void *)log->appender.buf;
    const size_t cap = log->appender.cap / sizeof *names;
    uint64_t count = 0;
    const rv_status status = rv_op_list(&log->ops, &log->main, names, cap, &count);
    if (status != RV_OK) {
        return status == RV_PENDING ? RV_STEP_WAIT
                                    : rv_recover_failed(log, status, "listing", "(all)");
    }
    bool fits = count <= cap;
    for (size_t i = 0; fits && i < count; i += 1) {
        uint32_t generation = 0;
        uint64_t number = 0;
        rv_run_span span;
        if (rv_segment_name_parse(names[i].text, &generation, &number)) {
            fits = segment_insert(log, number, generation);
        } else if (rv_cut_name_parse(names[i].text, &number)) {
            r->cut_number = number > r->cut_number ? number : r->cut_number;
            r->evidence = true;
        } else if (rv_run_name_parse(names[i].text, &span)) {
            rv_runs_meet(&log->runs, &span);
            r->evidence = true;
        } else if (memcmp(names[i].text, "ckp-", 4) == 0) {
            r->evidence = true; /* of a log that has a durable batch */
        }
    }
    if (!fits) {
        return rv_recover_failed(log, RV_MEMORY_EXHAUSTED, "listing so many files", "(all)");
    }
    log->note_from = rv_index_gap(log, 1).first;
    r->state = log->segment_count == 0 ? RV_RECOVER_DONE : RV_RECOVER_GENERATIONS;
    r->segment = 0;
    return RV_STEP_ON;
}

/* --- GENERATIONS --- */

/* The next older generation is looked at. */
static rv_step generation_over(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->handle != NULL && r->other_at < r->other_count);
    rv_files_release(log, r->handle);
    r->handle = NULL;
    r->other_at += 1;
    r->state = RV_RECOVER_GENERATIONS;
    return RV_STEP_ON;
}

/* A good header may be in the system's cache only, and the flush that was to cover it may have
 * failed: it is made durable, as it is, before the older generation goes. */
static rv_step generation_settle(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    const rv_bytes header = rv_bytes_of(log->header, sizeof log->header);
    RV_ASSERT(r->handle != NULL);
    if (r->state == RV_RECOVER_GENERATION_AGAIN) {
        const rv_status status = rv_op_write(&log->ops, &log->main, r->handle->file, 0, header);
        r->state = status == RV_OK ? RV_RECOVER_GENERATION_FLUSH : r->state;
        return status == RV_OK ? RV_STEP_ON : segment_failed(log, status, "writing");
    }
    const rv_status status = rv_op_flush(&log->ops, &log->main, r->handle->file);
    return status == RV_OK ? generation_over(log) : segment_failed(log, status, "flushing");
}

/* The header is written last: a generation with a good one is whole, and the older one goes; else
 * it is the newer one that goes, and the next older one is looked at. */
static rv_step recover_generations(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    if (r->other_at == r->other_count) {
        r->segment = log->segment_count - 1;
        r->state = RV_RECOVER_LAST;
        return RV_STEP_ON;
    }
    rv_generation *const other = &r->others[r->other_at];
    r->segment = rv_log_segment_of(log, other->first_sequence);
    rv_segment *const segment = &log->segments[r->segment];
    RV_ASSERT(segment->first_sequence == other->first_sequence);
    if (r->handle == NULL) {
        const rv_status status = rv_files_acquire(log, r->segment, 0, &r->handle);
        if (status != RV_OK) {
            return segment_failed(log, status, "opening");
        }
    }
    size_t got = 0;
    rv_status status = rv_op_read(&log->ops, &log->main, r->handle->file, 0, log->header,
                                  sizeof log->header, &got);
    if (status != RV_OK) {
        return segment_failed(log, status, "reading");
    }
    rv_segment_header header;
    status = got < sizeof log->header ? RV_DATA_DAMAGED : rv_segment_decode(log->header, &header);
    if (status == RV_DATA_NEWER) {
        return segment_failed(log, status, "opening");
    }
    if (status == RV_OK && header.generation == segment->generation) {
        r->state = RV_RECOVER_GENERATION_AGAIN;
        return RV_STEP_ON;
    }
    rv_handle *const handle = r->handle;
    const rv_step step = generation_over(log);
    rv_files_close(log, handle);
    const uint32_t broken = segment->generation;
    segment->generation = other->generation;
    other->generation = broken;
    return step;
}

/* --- LAST, LAST_TAIL --- */

/* The segments are known. */
static rv_step segments_known(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->handle == NULL);
    RV_ASSERT(log->segment_count > 0);
    r->segment = 0;
    r->state = RV_RECOVER_READY;
    rv_window_reset(r);
    return RV_STEP_ON;
}

/* Goes to the first segment. */
static rv_step segments_begin(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->handle == NULL && r->segment == 0);
    r->state = RV_RECOVER_SEGMENT;
    if (log->segments[0].first_sequence != 1) {
        return rv_recover_damaged(log, 0, 0, "the segments before are missing");
    }
    return RV_STEP_ON;
}

static rv_step recover_last(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->segment == log->segment_count - 1);
    if (r->handle == NULL) {
        const rv_status status = rv_files_acquire(log, r->segment, 0, &r->handle);
        if (status != RV_OK) {
            return segment_failed(log, status, "opening");
        }
    }
    const uint8_t *header = NULL;
    size_t have = 0;
    const rv_status status = rv_window_get(log, 0, RV_SEGMENT_HEADER_SIZE, &header, &have);
    if (status != RV_OK) {
        return segment_failed(log, status, "reading");
    }
    rv_segment_header ignored;
    const bool whole = have >= RV_SEGMENT_HEADER_SIZE;
    const bool made = whole && rv_segment_decode(header, &ignored) != RV_DATA_DAMAGED;
    if (made || (!whole && have > 0)) {
        rv_files_release(log, r->handle);
        r->handle = NULL;
        return segments_known(log);
    }
    r->scan = RV_SEGMENT_HEADER_SIZE;
    r->state = RV_RECOVER_LAST_TAIL;
    return RV_STEP_ON;
}

/* Drops the last segment: a crash came while it was made. */
static rv_step drop_begun(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(log->segment_count > 0);
    RV_ASSERT(r->handle != NULL);
    rv_files_name(log, r->segment, &r->begun);
    r->promised = log->segments[r->segment].first_sequence;
    rv_files_release(log, r->handle);
    rv_files_close(log, r->handle);
    r->handle = NULL;
    if (log->segment_count == 1 && r->promised != 1) {
        r->segment = 0;
        return rv_recover_damaged(log, 0, 0, "the segments before are missing");
    }
    log->segment_count -= 1;
    if (log->segment_count == 0) {
        rv_window_reset(r);
        r->state = RV_RECOVER_REMOVE;
        return RV_STEP_ON;
    }
    return segments_known(log);
}

static rv_step recover_last_tail(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->handle != NULL);
    if (r->scan >= r->handle->size) {
        return drop_begun(log);
    }
    const uint8_t *bytes = NULL;
    size_t have = 0;
    const rv_status status = rv_window_get(log, r->scan, 1, &bytes, &have);
    if (status != RV_OK) {
        return segment_failed(log, status, "reading");
    }
    for (size_t i = 0; i < have; i += 1) {
        if (bytes[i] != 0) { /* there are batches: it is the header that is damaged */
            rv_files_release(log, r->handle);
            r->handle = NULL;
            return segments_known(log);
        }
    }
    r->scan += have;
    RV_ASSERT(have > 0 || r->scan >= r->handle->size);
    return RV_STEP_ON;
}

/* --- SEGMENT --- */

bool rv_recover_header_fits(const rv_log *log, const rv_segment_header *header) {
    const rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->segment < log->segment_count);
    if (header->number != (uint64_t)r->segment + 1 ||
        header->generation != log->segments[r->segment].generation ||
        header->first_sequence != log->segments[r->segment].first_sequence) {
        return false;
    }
    const rv_segment_header *const h = header;
    return r->segment == 0 ||
           (memcmp(h->identity.log_id, log->identity.log_id, 16) == 0 &&
            memcmp(h->identity.node_id, log->identity.node_id, 16) == 0 &&
            h->identity.epoch >= log->identity.epoch && h->identity.root == log->identity.root &&
            h->identity.root_tag == log->identity.root_tag);
}

/* What the header says of the segment before. */
static bool ends_at(const rv_segment_header *header, uint64_t offset, uint32_t crc) {
    return header->previous_crc == crc &&
           (offset == 0 || header->previous_end == 0 || header->previous_end == offset);
}

static bool header_follows(const rv_log *log, const rv_segment_header *header) {
    RV_ASSERT(log->appended.next_sequence > 0);
    RV_ASSERT(header->first_sequence > 0);
    const rv_recovery *const r = &log->recovery;
    const bool behind = ends_at(header, r->segment == 0 ? 0 : r->offset, log->last_crc) ||
                        (r->rewritten && ends_at(header, r->origin_end, r->origin_crc));
    return behind && header->first_sequence == log->appended.next_sequence &&
           header->watermark == log->appended.watermark &&
           header->chain_hash == log->appended.chain_hash;
}

static rv_step recover_segment(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    if (r->handle == NULL) {
        const rv_status status = rv_files_acquire(log, r->segment, 0, &r->handle);
        if (status != RV_OK) {
            return segment_failed(log, status, "opening");
        }
    }
    const uint8_t *bytes = NULL;
    size_t have = 0;
    rv_status status = rv_window_get(log, 0, RV_SEGMENT_HEADER_SIZE, &bytes, &have);
    if (status != RV_OK) {
        return segment_failed(log, status, "reading");
    }
    rv_segment_header header;
    status = have < RV_SEGMENT_HEADER_SIZE ? RV_DATA_DAMAGED : rv_segment_decode(bytes, &header);
    if (status == RV_DATA_NEWER) {
        return segment_failed(log, status, "opening");
    }
    if (status != RV_OK || !rv_recover_header_fits(log, &header)) {
        return rv_recover_damaged(log, r->segment, 0, "a damaged segment header");
    }
    if (!header_follows(log, &header)) {
        const uint32_t before = r->segment > 0 ? r->segment - 1 : 0;
        return rv_recover_damaged(log, before, r->segment > 0 ? r->offset : 0,
                                  "batches are missing");
    }
    r->own_end = header.end;
    r->origin_end = header.origin_end;
    r->origin_crc = header.origin_crc;
    log->identity = header.identity;
    log->has_identity = true;
    log->segments[r->segment].salt = header.salt;
    log->segments[r->segment].end = RV_SEGMENT_HEADER_SIZE;
    log->segments[r->segment].watermark = header.watermark;
    log->last_crc = header.generation > 0 ? header.origin_header_crc
                                          : rv_load_u32(bytes + RV_SEGMENT_HEADER_SIZE - 4);
    log->sealed = false;
    r->offset = RV_SEGMENT_HEADER_SIZE;
    r->vouched = 0;
    log->appended.offset = r->offset;
    log->durable.offset = r->offset;
    log->durable_last = (rv_last){r->offset, log->last_crc};
    r->state = RV_RECOVER_BATCH;
    RV_ASSERT(log->segments[r->segment].first_sequence == log->appended.next_sequence);
    return RV_STEP_ON;
}

/* --- BATCH --- */

/* No good batch at `offset`: the next segment, damage, or the tail to be judged. */
static rv_step batches_end(rv_log *log, const uint8_t *bytes, size_t have) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->segment < log->segment_count);
    RV_ASSERT(r->handle != NULL);
    if (r->segment + 1 == log->segment_count) {
        r->scan = r->offset;
        r->scan_need = 1;
        r->tail_end = r->offset;
        r->state = RV_RECOVER_TAIL;
        return RV_STEP_ON;
    }
    const size_t len = have < RV_BATCH_HEADER_SIZE ? have : RV_BATCH_HEADER_SIZE;
    for (size_t i = 0; i < len; i += 1) {
        if (bytes[i] != 0) {
            return rv_recover_damaged(log, r->segment, r->offset, "a damaged batch");
        }
    }
    r->rewritten = log->segments[r->segment].generation > 0 && r->offset == r->own_end;
    rv_files_release(log, r->handle);
    r->handle = NULL;
    rv_window_reset(r);
    r->segment += 1;
    r->state = RV_RECOVER_SEGMENT;
    return RV_STEP_ON;
}

/* Takes a good batch into account. */
static void accept_batch(rv_log *log, const rv_batch_header *header) {
    rv_recovery *const r = &log->recovery;
    const size_t size = rv_batch_size(header->len);
    const rv_index_entry entry = {
        .sequence = header->first_sequence,
        .before = log->appended.watermark,
        .offset = r->offset,
        .segment = r->segment,
    };
    RV_ASSERT(header->first_sequence == log->appended.next_sequence);
    RV_ASSERT(header->watermark >= log->appended.watermark);
    rv_index_offer(&log->index, &entry, size);
    log->durable_last = (rv_last){r->offset, header->crc};
    r->vouched = header->durable;
    r->offset += size;
    log->appended = (rv_log_end){
        .next_sequence = header->first_sequence + header->event_count,
        .watermark = header->watermark,
        .chain_hash = header->chain_hash,
        .offset = r->offset,
    };
    log->durable = log->appended;
    log->segments[r->segment].end = r->offset;
    log->last_crc = header->crc;
    log->sealed = header->kind == RV_BATCH_SEAL;
}

static rv_step recover_batch(rv_log *log, rv_batch *batch) {
    rv_recovery *const r = &log->recovery;
    const uint8_t *bytes = NULL;
    size_t have = 0;
    rv_status status = rv_window_get(log, r->offset, RV_BATCH_HEADER_SIZE, &bytes, &have);
    if (status != RV_OK) {
        return segment_failed(log, status, "reading");
    }
    rv_batch_header header;
    const uint32_t salt = log->segments[r->segment].salt;
    if (rv_back_ends(log)) {
        r->state = RV_RECOVER_DONE;
        return RV_STEP_ON;
    }
    if (have < RV_BATCH_HEADER_SIZE || !rv_batch_decode(bytes, &header) ||
        !rv_batch_follows(&header, salt, log->last_crc, log->appended.next_sequence)) {
        return batches_end(log, bytes, have);
    }
    const size_t size = rv_batch_size(header.len);
    r->overruns = size > r->handle->size - r->offset;
    if (r->overruns) {
        return batches_end(log, bytes, have);
    }
    if (size > log->appender.cap) {
        return segment_failed(log, RV_MEMORY_EXHAUSTED, "reading so large a batch");
    }
    status = rv_window_get(log, r->offset, size, &bytes, &have);
    if (status != RV_OK) {
        return segment_failed(log, status, "reading");
    }
    if (have < size || !rv_batch_intact(bytes, &header, salt)) {
        return batches_end(log, bytes, have);
    }
    /* Its checksum holds: what contradicts itself now was never a torn write. */
    RV_ASSERT(header.first_sequence < UINT64_MAX - header.event_count); /* it was counted up to */
    if (header.watermark < log->appended.watermark || header.watermark > RV_POSITION_MAX ||
        header.durable > r->offset) {
        return rv_recover_damaged(log, r->segment, r->offset, "a batch that contradicts the log");
    }
    rv_back_note(log, header.watermark);
    const rv_log_end before = log->appended;
    r->given = before;
    r->given.offset = r->offset;
    accept_batch(log, &header);
    if (header.kind == RV_BATCH_SEAL) {
        return RV_STEP_ON;
    }
    rv_batch_of(&header, bytes, batch);
    return RV_STEP_GIVE;
}

/* --- the end --- */

static rv_step recover_flush(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->handle != NULL && r->offset <= r->handle->size);
    const bool clean = log->sealed && r->offset == r->handle->size;
    if (!clean) {
        const rv_status status = rv_op_flush(&log->ops, &log->main, r->handle->file);
        if (status != RV_OK) {
            return segment_failed(log, status, "flushing");
        }
    }
    r->state = RV_RECOVER_REMOVE;
    return RV_STEP_ON;
}

/* True when there is no segment, and there was one, which nobody is known to have removed. */
static bool is_missing(const rv_log *log) {
    const rv_recovery *const r = &log->recovery;
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    return log->segment_count == 0 && !r->anew && (r->evidence || rv_mark_missing(log));
}

/* No segment is left, but other files or a mark say that there was one. */
static rv_step recover_nothing(rv_log *log) {
    RV_ASSERT(log->segment_count == 0);
    rv_file_name name;
    rv_segment_name(0, 1, &name);
    log->failed =
        rv_log_damage(log, &log->failure, name.text, 0, 0, "the segments of the log are missing");
    forget_rest(log);
    RV_ASSERT(log->failed != RV_OK);
    return RV_STEP_FAIL;
}

static rv_step recover_remove(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    if (is_missing(log)) {
        return recover_nothing(log);
    }
    if (r->begun.text[0] == 0 && r->other_count > 0) {
        const rv_generation *const other = &r->others[r->other_count - 1];
        rv_segment_name(other->generation, other->first_sequence, &r->begun);
        r->other_count -= 1;
    }
    if (r->begun.text[0] == 0) {
        r->state = RV_RECOVER_DONE;
        return RV_STEP_ON;
    }
    const rv_status status = rv_op_remove(&log->ops, &log->main, r->begun.text);
    if (status != RV_OK) {
        return status == RV_PENDING ? RV_STEP_WAIT
                                    : rv_recover_failed(log, status, "removing", r->begun.text);
    }
    r->begun.text[0] = 0;
    return RV_STEP_ON; /* until nothing is left to be removed */
}

static rv_step recover_done(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(log->failed == RV_OK);
    RV_ASSERT((r->handle == NULL) == (log->segment_count == 0));
    if (r->back.wanted && r->back.passed && !r->back.cut) {
        return RV_STEP_END; /* rv_log_cut_back goes on */
    }
    if (is_missing(log)) {
        return recover_nothing(log);
    }
    if (r->handle != NULL) {
        log->tail = r->handle; /* stays open */
        log->appender.size = r->handle->size;
        log->appender.size_durable = r->handle->size;
        r->handle = NULL;
    }
    log->life = RV_LOG_OPEN;
    runs_beyond(log);
    return RV_STEP_END;
}

void rv_log_recover_stop(rv_log *log, const rv_error *reason) {
    RV_ASSERT(reason->status != RV_OK);
    if (log->life == RV_LOG_RECOVERING && log->failed == RV_OK) {
        log->failed = reason->status;
        log->failure = *reason;
        forget_rest(log);
    }
}

bool rv_recover_abandon(rv_log *log) {
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    if (log->main.phase == RV_OP_UNDER_WAY) {
        return false;
    }
    log->main.phase = RV_OP_IDLE;
    if (log->recovery.cut_open) {
        log->ops.host.ops->close(log->ops.host.ctx, log->recovery.cut_file);
        log->recovery.cut_open = false;
    }
    RV_ASSERT(!rv_op_active(&log->main));
    return true;
}

rv_step rv_recover_prepare(rv_log *log) {
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    RV_ASSERT(log->recovery.state <= RV_RECOVER_LAST_TAIL);
    switch (log->recovery.state) {
    case RV_RECOVER_LIST:
        return recover_list(log);
    case RV_RECOVER_GENERATIONS:
        return recover_generations(log);
    case RV_RECOVER_GENERATION_AGAIN:
    case RV_RECOVER_GENERATION_FLUSH:
        return generation_settle(log);
    case RV_RECOVER_LAST:
        return recover_last(log);
    default:
        return recover_last_tail(log);
    }
}

rv_step rv_recover_step(rv_log *log, rv_batch *batch) {
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    switch (log->recovery.state) {
    case RV_RECOVER_LIST:
    case RV_RECOVER_GENERATIONS:
    case RV_RECOVER_GENERATION_AGAIN:
    case RV_RECOVER_GENERATION_FLUSH:
    case RV_RECOVER_LAST:
    case RV_RECOVER_LAST_TAIL:
        return rv_recover_prepare(log);
    case RV_RECOVER_READY:
        return segments_begin(log);
    case RV_RECOVER_SEGMENT:
        return recover_segment(log);
    case RV_RECOVER_BATCH:
        return recover_batch(log, batch);
    case RV_RECOVER_BACK_LIST:
    case RV_RECOVER_BACK_RUN:
    case RV_RECOVER_BACK_OPEN:
    case RV_RECOVER_BACK_KEPT:
    case RV_RECOVER_BACK_REMOVE:
    case RV_RECOVER_BACK_EXTEND:
        return rv_back_step(log);
    case RV_RECOVER_FLUSH:
        return recover_flush(log);
    case RV_RECOVER_REMOVE:
        return recover_remove(log);
    case RV_RECOVER_DONE:
        return recover_done(log);
    default:
        return rv_cut_step(log);
    }
}

rv_status rv_log_recover(rv_log *log, rv_batch *batch, rv_error *err) {
    RV_ASSERT(log != NULL && batch != NULL);
    if (log->failed != RV_OK) {
        return rv_log_tell_failure(log, err);
    }
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    if (log->tail_index.next != log->appended.next_sequence) {
        rv_tail_reset(&log->tail_index, log->appended.next_sequence); /* they were not noted */
    }
    rv_step step = RV_STEP_ON;
    while (step == RV_STEP_ON) { /* each step reads on, or changes the state */
        step = rv_recover_step(log, batch);
    }
    if (step == RV_STEP_FAIL) {
        return rv_log_tell_failure(log, err);
    }
    return step == RV_STEP_GIVE ? RV_OK : step == RV_STEP_END ? RV_END : RV_PENDING;
}

void rv_log_recover_refuse(rv_log *log, rv_error *reason) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(log->failed == RV_OK && log->life == RV_LOG_RECOVERING);
    RV_ASSERT(r->given.next_sequence > 0 && r->state == RV_RECOVER_BATCH);
    rv_file_name name;
    rv_files_name(log, r->segment, &name);
    rv_error_fact_text(reason, "file", rv_bytes_of_string(name.text));
    rv_error_fact_uint(reason, "offset", r->given.offset);
    log->appended = r->given;
    log->durable = r->given;
    rv_tail_cut(&log->tail_index, r->given.next_sequence);
    log->segments[r->segment].end = r->given.offset;
    rv_index_drop(&log->index, (rv_place){r->segment, r->given.offset});
    log->failed = reason->status;
    log->failure = *reason;
    forget_rest(log);
}
