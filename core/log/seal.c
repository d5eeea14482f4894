/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clean end of a log. Everything is made durable, then a seal is written behind it, flushed,
 * and the file is cut off right behind the seal, so a sealed log has no byte that is not checked:
 *
 *     DRAIN -> (ABANDON a segment that had no room) -> WRITE -> FLUSH -> TRIM -> FLUSH -> CLOSE
 *
 * A seal says that all bytes before it are durable. It is written only after they were flushed, so
 * it is true whenever the seal can be read at all. A log that was sealed and not appended to since
 * gets no second one, and one that is read-only, or is left as it is, gets none.
 */
#include "core/log/internal.h"

enum {
    SEAL_DRAIN,
    SEAL_ABANDON,
    SEAL_WRITE,
    SEAL_FLUSH,
    SEAL_TRIM,
    SEAL_TRIM_FLUSH,
    SEAL_CLOSE,
    SEAL_CLOSED
};

static rv_step seal_drain(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(log->life == RV_LOG_SEALING && !a->begun);
    const rv_step step = rv_chain_run(log);
    if (step == RV_STEP_WAIT) {
        return RV_STEP_WAIT;
    }
    if (step == RV_STEP_FAIL) {
        log->seal_state = SEAL_CLOSE;
        return RV_STEP_ON;
    }
    RV_ASSERT(a->first.len == 0 && log->durable.offset == log->appended.offset);
    log->seal_state = a->stalled ? SEAL_ABANDON : SEAL_WRITE;
    if (log->left || (!a->stalled && (log->segment_count == 0 || log->sealed))) {
        log->seal_state = SEAL_CLOSE;
    }
    return RV_STEP_ON;
}

/* Removes the file of a segment that could not be made. */
static rv_step seal_abandon(rv_log *log) {
    rv_appender *const a = &log->appender;
    RV_ASSERT(a->stalled && a->next_handle != NULL);
    if (a->chain != RV_CHAIN_ROLL_CREATE) {
        if (a->next_handle->phase == RV_HANDLE_OPEN) {
            rv_files_close(log, a->next_handle);
        }
        rv_file_name name;
        rv_segment_name(0, a->next.first_sequence, &name);
        const rv_status status = rv_op_remove(&log->ops, &log->main, name.text);
        if (status == RV_PENDING) {
            return RV_STEP_WAIT;
        }
        if (status != RV_OK) {
            (void)rv_log_fail(log, status, "removing", name.text);
        }
    }
    a->next_handle->phase = RV_HANDLE_FREE;
    a->next_handle->users = 0;
    a->next_handle = NULL;
    a->stalled = false;
    a->chain = RV_CHAIN_IDLE;
    const bool done = log->failed != RV_OK || log->segment_count == 0 || log->sealed;
    log->seal_state = done ? SEAL_CLOSE : SEAL_WRITE;
    RV_ASSERT(log->seal_state != SEAL_ABANDON);
    return RV_STEP_ON;
}

/* Puts the seal together at the front of the buffer, which is empty. */
static void seal_make(rv_log *log) {
    RV_ASSERT(log->appender.first.len == 0);
    RV_ASSERT(log->segment_count > 0);
    const rv_batch_header header = {
        .kind = RV_BATCH_SEAL,
        .first_sequence = log->appended.next_sequence,
        .first_position = log->appended.watermark + 1,
        .watermark = log->appended.watermark,
        .chain_hash = log->appended.chain_hash,
    };
    const uint32_t salt = log->segments[log->segment_count - 1].salt;
    rv_batch_open(log->appender.buf, &header);
    log->last_crc = rv_batch_close(log->appender.buf, salt, log->last_crc, log->appended.offset);
    log->appended.offset += RV_BATCH_HEADER_SIZE;
}

/* The operation of the state, then the next state. */
static rv_step seal_operation(rv_log *log) {
    RV_ASSERT(log->tail != NULL && log->tail->phase == RV_HANDLE_OPEN);
    const rv_file file = log->tail->file;
    const uint64_t end = log->appended.offset;
    RV_ASSERT(end > RV_SEGMENT_HEADER_SIZE);
    const rv_bytes seal = rv_bytes_of(log->appender.buf, RV_BATCH_HEADER_SIZE);
    rv_status status = RV_OK;
    switch (log->seal_state) {
    case SEAL_WRITE:
        status = rv_op_write(&log->ops, &log->main, file, end - RV_BATCH_HEADER_SIZE, seal);
        break;
    case SEAL_TRIM:
        status = rv_op_truncate(&log->ops, &log->main, file, end);
        break;
    default:
        status = rv_op_flush(&log->ops, &log->main, file);
        break;
    }
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    if (status != RV_OK) {
        rv_file_name name;
        rv_files_name(log, log->segment_count - 1, &name);
        (void)rv_log_fail(log, status, "sealing", name.text);
        log->seal_state = SEAL_CLOSE;
        return RV_STEP_ON;
    }
    if (log->seal_state == SEAL_TRIM_FLUSH) {
        log->sealed = true;
        log->durable = log->appended;
        log->durable_last = (rv_last){end - RV_BATCH_HEADER_SIZE, log->last_crc};
        log->segments[log->segment_count - 1].end = end;
    }
    log->seal_state += 1;
    return RV_STEP_ON;
}

/* Closes all files, once no read is under way. */
static rv_step seal_close(rv_log *log) {
    RV_ASSERT(!rv_op_active(&log->main));
    rv_files_poll(log);
    rv_slots_poll(log);
    rv_blocks_poll(log);
    rv_step stopping = RV_STEP_ON;
    while (stopping == RV_STEP_ON) { /* twice: it abandons, and has abandoned */
        stopping = rv_indexer_stop(log);
    }
    if (stopping != RV_STEP_END || rv_rewrite_stop(log) != RV_STEP_END || rv_slots_loading(log) ||
        rv_blocks_loading(log) || rv_files_opening(log)) {
        return RV_STEP_WAIT;
    }
    for (unsigned i = 0; i < RV_LOG_HANDLES; i += 1) {
        if (log->handles[i].phase == RV_HANDLE_OPEN) {
            rv_files_close(log, &log->handles[i]);
        }
    }
    log->tail = NULL;
    log->seal_state = SEAL_CLOSED;
    log->life = RV_LOG_CLOSED;
    return RV_STEP_ON;
}

static rv_step seal_step(rv_log *log) {
    RV_ASSERT(log->seal_state <= SEAL_CLOSED);
    switch (log->seal_state) {
    case SEAL_DRAIN:
        return seal_drain(log);
    case SEAL_ABANDON:
        return seal_abandon(log);
    case SEAL_WRITE:
        if (!rv_op_active(&log->main) && log->appended.offset == log->durable.offset) {
            seal_make(log);
        }
        return seal_operation(log);
    case SEAL_CLOSE:
        return seal_close(log);
    case SEAL_CLOSED:
        return RV_STEP_END;
    default:
        return seal_operation(log);
    }
}

rv_status rv_log_seal(rv_log *log, rv_error *err) {
    if (log->life == RV_LOG_RECOVERING && !rv_recover_abandon(log)) {
        return RV_PENDING;
    }
    if (log->life == RV_LOG_RECOVERING || log->life == RV_LOG_OPEN) {
        log->seal_state = log->life == RV_LOG_OPEN ? SEAL_DRAIN : SEAL_CLOSE;
        log->life = RV_LOG_SEALING;
        log->appender.space_wanted = false;
    }
    rv_step step = RV_STEP_ON;
    while (step == RV_STEP_ON) { /* each step leads to a later state */
        step = seal_step(log);
    }
    RV_ASSERT(step == RV_STEP_WAIT || step == RV_STEP_END);
    if (step == RV_STEP_WAIT) {
        return RV_PENDING;
    }
    RV_ASSERT(log->life == RV_LOG_CLOSED);
    const bool failed = !log->left && log->failed != RV_OK && log->failed != RV_DATA_DAMAGED;
    return failed ? rv_log_tell_failure(log, err) : RV_END;
}

rv_status rv_log_leave(rv_log *log, rv_error *err) {
    RV_ASSERT(log != NULL);
    log->left = true;
    return rv_log_seal(log, err);
}
