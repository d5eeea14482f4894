/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending: the buffer that batches are put together in, and the chain of operations that makes
 * them durable.
 *
 * The buffer holds what is not durable yet, in at most two runs: `first`, and after it, once the
 * end of the buffer was reached, `second` from the front. A batch never straddles the end.
 *
 *     |        [== group ==][= waiting =]        |        |[= second =]      [==== first ====]  |
 *               first                                       waiting           group, waiting
 *
 * The chain is IDLE, or does one round: RESERVE (if space runs short), WRITE everything that
 * `first` holds with one write, FLUSH. What is appended meanwhile waits for the next round. A
 * batch's checksum is made at the beginning of its round, when it is known what is durable:
 * everything before the round. So each batch says of all batches of earlier rounds that they are
 * durable, which is what recovery judges damage by.
 *
 *   invariant 1: appended.offset + space needed <= size_durable whenever a body is begun, so a
 * batch and a seal after it never lack space, and never lie at the end of the file. invariant 2:
 * the group is a front part of `first`, of whole batches, and does not change. invariant 3: after a
 * failure there is no operation of the chain any more.
 */
#include "core/log/internal.h"

#include "core/base/hash.h"

/* Steps of one call: a round, a new segment, and the rounds that fit around it. */
#define CHAIN_STEPS_MAX 64

/* --- the buffer --- */

static size_t largest_batch(const rv_log *log) {
    return rv_batch_size(log->options.batch_len_max);
}

uint64_t rv_space_needed(const rv_log *log) {
    return largest_batch(log) + 3 * RV_BATCH_HEADER_SIZE;
}

/* Where the next batch goes; SIZE_MAX when there is no room for the largest one. */
static size_t buffer_place(const rv_log *log) {
    const rv_appender *const a = &log->appender;
    const size_t need = largest_batch(log);
    RV_ASSERT(need <= a->cap);
    if (a->wrapped) {
        return a->first.start - a->second.len >= need ? a->second.len : SIZE_MAX;
    }
    const size_t end = a->first.start + a->first.len;
    RV_ASSERT(end <= a->cap);
    if (a->cap - end >= need) {
        return end;
    }
    return a->first.start >= need ? 0 : SIZE_MAX;
}

/* `size` bytes were put at the place that buffer_place gave. */
static void buffer_add(rv_log *log, size_t place, size_t size) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(size <= largest_batch(log));
    if (a->wrapped || (place == 0 && a->first.start + a->first.len > 0)) {
        a->wrapped = true;
        RV_ASSERT(place == a->second.len);
        a->second.len += size;
    } else {
        RV_ASSERT(place == a->first.start + a->first.len);
        a->first.len += size;
    }
}

/* Forgets the group, which is durable. A body that is being written keeps its place. */
static void buffer_drop_group(rv_appender *a) {
    RV_ASSERT(a->group_len <= a->first.len);
    a->first.start += a->group_len;
    a->first.len -= a->group_len;
    a->group_len = 0;
    if (a->first.len == 0) {
        a->first = (rv_run){a->wrapped || !a->begun ? 0 : a->place, a->second.len};
        a->second.len = 0;
        a->wrapped = false;
    }
    RV_ASSERT(a->first.len > 0 || a->second.len == 0);
}

/* --- appending --- */

/* True when the file has room for the largest batch in the segment where it would go. */
static bool has_space(const rv_log *log) {
    if (log->segment_count == 0 || rv_roll_due(log)) {
        return false;
    }
    return log->appended.offset + rv_space_needed(log) <= log->appender.size_durable;
}

/* RV_OK, RV_PENDING, RV_STORAGE_FULL, or RV_READ_ONLY when the log has failed. */
static rv_status get_space(rv_log *log) {
    rv_appender *const a = &log->appender;
    if (!has_space(log) && !a->space_full) {
        a->space_wanted = true;
        a->stalled = false;
        if (rv_chain_run(log) == RV_STEP_FAIL) {
            return RV_READ_ONLY;
        }
    }
    if (has_space(log)) {
        a->space_full = false;
        return RV_OK;
    }
    const bool full = a->space_full;
    a->space_full = false; /* told once; the next begin tries again */
    RV_ASSERT(!full || !a->space_wanted);
    return full ? RV_STORAGE_FULL : RV_PENDING;
}

rv_status rv_log_append_begin(rv_log *log, rv_writer *body, rv_error *err) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(!a->begun && log->life != RV_LOG_RECOVERING);
    if (log->failed != RV_OK) {
        return rv_error_set(err, RV_READ_ONLY, "the log takes nothing more: %s",
                            log->failure.detail);
    }
    if (log->life != RV_LOG_OPEN) {
        return rv_error_set(err, RV_CLOSING, "the log is being closed");
    }
    RV_ASSERT(log->has_identity);
    if (a->first.len == 0) {
        a->first.start = 0; /* where a cancelled body may have left it */
    }
    if (buffer_place(log) == SIZE_MAX && rv_chain_run(log) == RV_STEP_FAIL) {
        return rv_error_set(err, RV_READ_ONLY, "the log takes nothing more: %s",
                            log->failure.detail);
    }
    if (buffer_place(log) == SIZE_MAX) {
        return rv_error_set(err, RV_BUSY, "the log's buffer waits for the disk");
    }
    const rv_status status = get_space(log);
    if (status == RV_OK) {
        a->place = buffer_place(log);
        a->begun = true;
        *body =
            rv_writer_over(a->buf + a->place + RV_BATCH_HEADER_SIZE, log->options.batch_len_max);
        return RV_OK;
    }
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    return status == RV_STORAGE_FULL
               ? rv_error_set(err, status, "the storage has no room for %u bytes more of log",
                              rv_space_needed(log))
               : rv_error_set(err, status, "the log takes nothing more: %s", log->failure.detail);
}

void rv_log_append_cancel(rv_log *log) {
    RV_ASSERT(log->appender.begun);
    log->appender.begun = false;
    rv_tail_cut(&log->tail_index, log->appended.next_sequence);
}

/* With the time, as bodies have times only as differences to it: the same said again later, after a
 * restore, is another history. */
static uint64_t chain_next(const rv_log *log, int64_t time, const rv_writer *body) {
    uint8_t bytes[sizeof time];
    RV_ASSERT(body->len > 0);
    rv_store_u64(bytes, (uint64_t)time);
    const uint64_t seed = rv_hash64(log->appended.chain_hash, rv_bytes_of(bytes, sizeof bytes));
    return rv_hash64(seed, rv_writer_bytes(body));
}

uint64_t rv_log_append_commit(rv_log *log, const rv_batch *batch, const rv_writer *body,
                              uint64_t event_count) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(a->begun && !body->full && log->life == RV_LOG_OPEN);
    const size_t place = a->place;
    RV_ASSERT(body->ptr == a->buf + place + RV_BATCH_HEADER_SIZE);
    RV_ASSERT(body->len <= log->options.batch_len_max && event_count <= body->len);
    RV_ASSERT(batch->first_sequence == log->appended.next_sequence);
    RV_ASSERT(batch->watermark >= log->appended.watermark);
    uint64_t chain = batch->chain_hash;
    if (log->identity.root) {
        /* The chain belongs to positions: what takes none does not move it. */
        chain = event_count == 0 ? log->appended.chain_hash : chain_next(log, batch->time, body);
    }
    const rv_batch_header header = {
        .len = (uint32_t)body->len,
        .kind = RV_BATCH_RECORDS,
        .event_count = (uint32_t)event_count,
        .first_sequence = batch->first_sequence,
        .first_position = batch->first_position,
        .watermark = batch->watermark,
        .chain_hash = chain,
        .time = batch->time,
    };
    rv_batch_open(a->buf + place, &header);
    buffer_add(log, place, rv_batch_size(body->len));
    log->appended = (rv_log_end){
        .next_sequence = header.first_sequence + event_count,
        .watermark = header.watermark,
        .chain_hash = chain,
        .offset = log->appended.offset + rv_batch_size(body->len),
        .batches = log->appended.batches + 1,
    };
    log->sealed = false;
    a->begun = false;
    if (log->tail_index.next != log->appended.next_sequence) {
        rv_tail_reset(&log->tail_index, log->appended.next_sequence);
    }
    return chain;
}

/* --- the chain --- */

/* True when it is time to reserve ahead, so that nobody has to wait for space. */
static bool reserve_due(const rv_log *log) {
    const rv_appender *const a = &log->appender;
    if (log->segment_count == 0 || rv_roll_due(log)) {
        return false;
    }
    const uint64_t needed = log->appended.offset + rv_space_needed(log);
    if (a->space_wanted && needed > a->size) {
        return true;
    }
    return !a->ahead_off && log->life == RV_LOG_OPEN && a->first.len > 0 &&
           needed + log->options.extent_size / 2 > a->size && a->size < log->options.segment_size;
}

/* The size to reserve: whole extents, but not beyond the segment's size without need. */
static uint64_t reserve_target(const rv_log *log) {
    const uint64_t extent = log->options.extent_size;
    const uint64_t needed = log->appended.offset + rv_space_needed(log);
    uint64_t target = (needed + extent / 2 + extent - 1) / extent * extent;
    if (target > log->options.segment_size && needed <= log->options.segment_size) {
        target = log->options.segment_size;
    }
    RV_ASSERT(target >= needed);
    RV_ASSERT(target > log->appender.size);
    return target;
}

/* Makes all of `first` the group, and its checksums. */
static void group_take(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(a->group_len == 0 && a->first.len > 0);
    RV_ASSERT(log->segment_count > 0);
    const uint32_t salt = log->segments[log->segment_count - 1].salt;
    const uint64_t durable = log->durable.offset;
    a->written = durable;
    a->durable = log->durable;
    for (size_t at = 0; at < a->first.len;) {
        uint8_t *const batch = a->buf + a->first.start + at;
        rv_batch_header header;
        log->last_crc = rv_batch_close(batch, salt, log->last_crc, durable);
        const bool good = rv_batch_decode(batch, &header);
        RV_ASSERT(good);
        a->durable_last = (rv_last){durable + at, log->last_crc};
        at += rv_batch_size(header.len);
        a->durable = (rv_log_end){
            .next_sequence = header.first_sequence + header.event_count,
            .watermark = header.watermark,
            .chain_hash = header.chain_hash,
            .offset = durable + at,
            .batches = a->durable.batches + 1,
        };
        rv_mark_written(log, &a->durable, &a->durable_last);
    }
    a->group_len = a->first.len;
    RV_ASSERT(a->durable.offset == a->written + a->group_len);
}

/* The group is flushed: readers may have it. */
static void group_durable(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(a->group_len > 0);
    const uint32_t segment = log->segment_count - 1;
    const uint8_t *const group = a->buf + a->first.start;
    uint64_t before = log->durable.watermark;
    for (size_t at = 0; at < a->group_len;) {
        const size_t size = rv_batch_size(rv_load_u32(group + at + 4));
        const rv_index_entry entry = {
            .sequence = rv_load_u64(group + at + 16),
            .before = before,
            .offset = a->written + at,
            .segment = segment,
        };
        rv_index_offer(&log->index, &entry, size);
        before = rv_load_u64(group + at + 32);
        at += size;
    }
    log->durable = a->durable;
    log->durable_last = a->durable_last;
    log->segments[segment].end = a->durable.offset;
    log->indexer.idle = false;
    rv_slots_feed(log, segment, a->written, rv_bytes_of(group, a->group_len));
    buffer_drop_group(a);
    RV_ASSERT(log->durable.offset <= log->appended.offset);
}

static rv_step chain_failed(rv_log *log, rv_status status, const char *what) {
    RV_ASSERT(log->segment_count > 0);
    rv_file_name name;
    rv_files_name(log, log->segment_count - 1, &name);
    (void)rv_log_fail(log, status, what, name.text);
    log->appender.chain = RV_CHAIN_IDLE;
    return RV_STEP_FAIL;
}

static rv_step chain_idle(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(a->group_len == 0);
    if (reserve_due(log)) {
        a->size_target = reserve_target(log);
        a->chain = RV_CHAIN_RESERVE;
        return RV_STEP_ON;
    }
    if (a->first.len > 0) {
        group_take(log);
        a->chain = RV_CHAIN_WRITE;
        return RV_STEP_ON;
    }
    if (a->space_wanted && log->life == RV_LOG_OPEN &&
        (log->segment_count == 0 || rv_roll_due(log))) {
        return rv_roll_begin(log);
    }
    if (a->size > a->size_durable) {
        a->chain = RV_CHAIN_FLUSH;
        return RV_STEP_ON;
    }
    a->space_wanted = false;
    return RV_STEP_END;
}

static rv_step chain_reserve(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(a->size_target > a->size);
    const rv_status status = rv_op_truncate(&log->ops, &log->main, log->tail->file, a->size_target);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    a->ahead_off = status != RV_OK;
    if (status == RV_STORAGE_FULL) {
        a->space_full = a->space_wanted;
        a->refused += a->space_wanted;
        a->space_wanted = false;
    } else if (status != RV_OK) {
        return chain_failed(log, status, "reserving space");
    } else {
        a->size = a->size_target;
    }
    a->chain = RV_CHAIN_FLUSH;
    if (a->first.len > 0) {
        group_take(log);
        a->chain = RV_CHAIN_WRITE;
    } else if (status == RV_STORAGE_FULL) {
        a->chain = RV_CHAIN_IDLE;
    }
    RV_ASSERT(a->size_durable <= a->size);
    return RV_STEP_ON;
}

static rv_step chain_write(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(a->group_len > 0 && a->written + a->group_len <= a->size_durable);
    const rv_bytes group = rv_bytes_of(a->buf + a->first.start, a->group_len);
    const rv_status status = rv_op_write(&log->ops, &log->main, log->tail->file, a->written, group);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    if (status != RV_OK) {
        return chain_failed(log, status, "writing");
    }
    a->chain = RV_CHAIN_FLUSH;
    return RV_STEP_ON;
}

static rv_step chain_flush(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(log->tail != NULL);
    const rv_status status = rv_op_flush(&log->ops, &log->main, log->tail->file);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    if (status != RV_OK) {
        return chain_failed(log, status, "flushing");
    }
    a->size_durable = a->size;
    if (a->group_len > 0) {
        group_durable(log);
    }
    a->chain = RV_CHAIN_IDLE;
    RV_ASSERT(a->group_len == 0);
    return RV_STEP_ON;
}

static rv_step chain_step(rv_log *log) {
    RV_ASSERT(log->failed == RV_OK);
    switch (log->appender.chain) {
    case RV_CHAIN_IDLE:
        return chain_idle(log);
    case RV_CHAIN_RESERVE:
        return chain_reserve(log);
    case RV_CHAIN_WRITE:
        return chain_write(log);
    case RV_CHAIN_FLUSH:
        return chain_flush(log);
    default:
        return log->appender.stalled ? RV_STEP_END : rv_roll_step(log);
    }
}

rv_step rv_chain_run(rv_log *log) {
    RV_ASSERT(log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING);
    rv_step step = log->failed == RV_OK ? RV_STEP_ON : RV_STEP_FAIL;
    for (unsigned i = 0; i < CHAIN_STEPS_MAX && step == RV_STEP_ON; i += 1) {
        step = chain_step(log);
    }
    RV_ASSERT(step != RV_STEP_ON && step != RV_STEP_GIVE);
    return step;
}

rv_status rv_log_poll(rv_log *log, rv_error *err) {
    RV_ASSERT(log != NULL);
    if (log->life == RV_LOG_OPEN || log->life == RV_LOG_SEALING) {
        rv_files_poll(log);
        rv_slots_poll(log);
        rv_blocks_poll(log);
    }
    if (log->life == RV_LOG_OPEN && log->failed == RV_OK) {
        (void)rv_chain_run(log);
        rv_indexer_poll(log);
        rv_rewrite_poll(log);
    }
    return log->failed == RV_OK ? RV_OK : rv_log_tell_failure(log, err);
}
