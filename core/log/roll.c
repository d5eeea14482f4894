/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new segment: the first one of a log, or the next when the last is full.
 *
 *     CREATE -> RESERVE -> flush -> HEADER -> flush -> TRIM the one before -> IDLE
 *
 * The order carries recovery's reasoning. All of the old segment is flushed before the new name
 * exists, so the name alone, with the sequence in it, promises that everything before is durable.
 * The size is flushed before the header is written, so a segment with a header is never shorter
 * than its reserved space unless something cut it. The old segment gives back its reserve last,
 * when the new one is there: a segment that ends right behind its last batch is either sealed or
 * followed.
 *
 * A full storage stalls it in CREATE, RESERVE or HEADER; the next begin goes on from there.
 *
 *   invariant: until TRIM nothing waits to be written, and nothing can be appended.
 */
#include "core/log/internal.h"

bool rv_roll_due(const rv_log *log) {
    RV_ASSERT(log->segment_count <= log->segment_cap);
    if (log->segment_count == 0) {
        return false;
    }
    /* A segment without events is never closed: its successor would have the same name. With the
     * table of segments full the last one grows. */
    const rv_segment *const last = &log->segments[log->segment_count - 1];
    RV_ASSERT(last->first_sequence <= log->appended.next_sequence);
    const bool full = log->appended.offset + rv_space_needed(log) > log->options.segment_size;
    return (full || log->roll_wanted) && last->first_sequence < log->appended.next_sequence &&
           log->segment_count < log->segment_cap;
}

void rv_log_roll(rv_log *log) {
    RV_ASSERT(log->life == RV_LOG_OPEN);
    log->roll_wanted = true;
}

static uint64_t first_size(const rv_log *log) {
    const uint64_t extent = log->options.extent_size;
    const uint64_t needed = RV_SEGMENT_HEADER_SIZE + rv_space_needed(log);
    RV_ASSERT(extent > 0);
    uint64_t size = (needed + extent - 1) / extent * extent;
    if (size > log->options.segment_size && needed <= log->options.segment_size) {
        size = log->options.segment_size;
    }
    RV_ASSERT(size >= needed);
    return size;
}

rv_step rv_roll_begin(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(a->chain == RV_CHAIN_IDLE && a->first.len == 0);
    RV_ASSERT(log->has_identity && log->segment_count < log->segment_cap);
    a->next_handle = rv_files_take(log);
    if (a->next_handle == NULL) {
        return RV_STEP_WAIT; /* all files are being read: polled again when a read is over */
    }
    uint8_t salt[4];
    log->ops.host.ops->entropy(log->ops.host.ctx, salt, sizeof salt);
    a->next = (rv_segment){
        .first_sequence = log->appended.next_sequence,
        .end = RV_SEGMENT_HEADER_SIZE,
        .watermark = log->appended.watermark,
        .salt = rv_load_u32(salt),
    };
    const rv_segment_header header = {
        .identity = log->identity,
        .number = (uint64_t)log->segment_count + 1,
        .first_sequence = a->next.first_sequence,
        .watermark = log->appended.watermark,
        .chain_hash = log->appended.chain_hash,
        .salt = a->next.salt,
        .previous_crc = log->last_crc,
        .previous_end = log->segment_count == 0 ? 0 : log->durable.offset,
    };
    rv_segment_encode(log->header, &header);
    a->size_target = first_size(log);
    a->chain = RV_CHAIN_ROLL_CREATE;
    return RV_STEP_ON;
}

/* What follows an operation: the next state, a stall, or the end of the log. */
static rv_step roll_on(rv_log *log, rv_status status, rv_chain next) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(status != RV_END);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    if (status == RV_OK) {
        a->chain = next;
        return RV_STEP_ON;
    }
    if (status == RV_STORAGE_FULL) {
        a->stalled = true;
        a->space_full = true;
        a->refused += 1;
        a->space_wanted = false;
        return RV_STEP_END;
    }
    rv_file_name name;
    rv_segment_name(0, a->next.first_sequence, &name);
    (void)rv_log_fail(log, status, "making a segment", name.text);
    a->chain = RV_CHAIN_IDLE;
    RV_ASSERT(log->failed != RV_OK);
    return RV_STEP_FAIL;
}

/* The new segment is durable: batches go there. */
static void roll_adopt(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(log->segment_count < log->segment_cap);
    RV_ASSERT(log->durable.next_sequence == a->next.first_sequence);
    rv_handle *const old = log->tail;
    log->segments[log->segment_count] = a->next;
    a->next_handle->key = log->segment_count;
    log->segment_count += 1;
    log->roll_wanted = false;
    log->tail = a->next_handle;
    a->next_handle = old;
    log->last_crc = rv_load_u32(log->header + RV_SEGMENT_HEADER_SIZE - 4);
    log->appended.offset = RV_SEGMENT_HEADER_SIZE;
    log->durable.offset = RV_SEGMENT_HEADER_SIZE;
    log->durable_last = (rv_last){RV_SEGMENT_HEADER_SIZE, log->last_crc};
    log->sealed = false;
    a->size = a->size_target;
    a->size_durable = a->size_target;
    a->ahead_off = false;
    a->chain = old == NULL ? RV_CHAIN_IDLE : RV_CHAIN_ROLL_TRIM;
}

static rv_step roll_create(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(a->next_handle->phase == RV_HANDLE_OPENING);
    rv_file_name name;
    rv_segment_name(0, a->next.first_sequence, &name);
    const rv_status status = rv_op_create(&log->ops, &log->main, name.text, &a->next_handle->file);
    if (status == RV_OK) {
        a->next_handle->phase = RV_HANDLE_OPEN;
    }
    RV_ASSERT(a->next_handle->users == 1);
    return roll_on(log, status, RV_CHAIN_ROLL_RESERVE);
}

/* The old segment's reserve goes back. Nothing depends on it. */
static rv_step roll_trim(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(log->segment_count >= 2 && a->next_handle != log->tail);
    const uint64_t end = log->segments[log->segment_count - 2].end;
    const rv_status status = rv_op_truncate(&log->ops, &log->main, a->next_handle->file, end);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    rv_files_release(log, a->next_handle);
    a->next_handle = NULL;
    a->chain = RV_CHAIN_IDLE;
    RV_ASSERT(log->tail->users > 0);
    return RV_STEP_ON;
}

rv_step rv_roll_step(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(!a->stalled && (a->first.len == 0 || a->chain == RV_CHAIN_ROLL_TRIM));
    RV_ASSERT(a->next_handle != NULL);
    const rv_file file = a->next_handle->file;
    rv_status status = RV_OK;
    switch (a->chain) {
    case RV_CHAIN_ROLL_CREATE:
        return roll_create(log);
    case RV_CHAIN_ROLL_RESERVE:
        status = rv_op_truncate(&log->ops, &log->main, file, a->size_target);
        return roll_on(log, status, RV_CHAIN_ROLL_RESERVE_FLUSH);
    case RV_CHAIN_ROLL_RESERVE_FLUSH:
        status = rv_op_flush(&log->ops, &log->main, file);
        return roll_on(log, status, RV_CHAIN_ROLL_HEADER);
    case RV_CHAIN_ROLL_HEADER:
        status = rv_op_write(&log->ops, &log->main, file, 0,
                             rv_bytes_of(log->header, sizeof log->header));
        return roll_on(log, status, RV_CHAIN_ROLL_HEADER_FLUSH);
    case RV_CHAIN_ROLL_HEADER_FLUSH:
        status = rv_op_flush(&log->ops, &log->main, file);
        if (status == RV_OK) {
            roll_adopt(log);
            return RV_STEP_ON;
        }
        return roll_on(log, status, RV_CHAIN_IDLE);
    default:
        return roll_trim(log);
    }
}
