/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new generation of a segment: the way in which something of it will be forgotten, since nothing
 * is ever edited in place. As yet every batch is copied as it is.
 *
 *     READ -> CREATE -> COPY … -> FLUSH -> HEADER -> FLUSH_HEADER -> SWAP -> REMOVE -> OVER
 *
 * The header comes last, when all batches are flushed: so a file with a good header is whole, and
 * recovery takes the highest generation that has one. Until then the older one is the segment; it
 * is removed when the newer one is durable. The next segment's header goes on naming end and crc of
 * generation 0, and the first batch the crc of its header; each later generation keeps them in its
 * own. The salt stays: a new file has no stale bytes to be told apart.
 *
 *   invariant: at every moment one of the two files is a whole segment, and has a durable name.
 */
#include "core/log/internal.h"

#define REWRITE_STEPS 4 /* of one poll, each a batch at most */

bool rv_rewrite_begin(rv_log *log, uint32_t segment) {
    rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(log->life == RV_LOG_OPEN && segment < log->segment_count);
    const bool under_way = w->phase != RV_REWRITE_NONE && w->phase != RV_REWRITE_OVER;
    if (under_way || log->failed != RV_OK || segment + 1 == log->segment_count ||
        log->segments[segment].generation >= UINT16_MAX) {
        return false;
    }
    w->phase = RV_REWRITE_READ;
    w->segment = segment;
    w->generation = log->segments[segment].generation + 1;
    w->offset = RV_SEGMENT_HEADER_SIZE;
    w->status = RV_PENDING;
    w->replaced = false;
    RV_ASSERT(!w->file_open && w->slot == NULL);
    return true;
}

rv_status rv_rewrite_status(const rv_log *log) {
    const rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(w->phase <= RV_REWRITE_OVER);
    return w->phase == RV_REWRITE_NONE   ? RV_OK
           : w->phase == RV_REWRITE_OVER ? w->status
                                         : RV_PENDING;
}

static void name_of(const rv_log *log, uint32_t generation, rv_file_name *name) {
    RV_ASSERT(log->rewriting.segment < log->segment_count);
    rv_segment_name(generation, log->segments[log->rewriting.segment].first_sequence, name);
}

static void close_file(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    if (w->file_open) {
        log->ops.host.ops->close(log->ops.host.ctx, w->file);
        w->file_open = false;
    }
    if (w->slot != NULL) {
        w->slot->pinned = false;
        w->slot = NULL;
    }
    if (w->handle != NULL) {
        rv_files_release(log, w->handle);
        w->handle = NULL;
    }
    RV_ASSERT(!w->file_open);
}

/* The older generation stays; what there is of the newer one goes. */
static rv_step fail(rv_log *log, rv_status status) {
    rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(status != RV_OK && status != RV_PENDING);
    const bool made = w->file_open;
    close_file(log);
    w->status = status;
    name_of(log, w->generation, &w->remove);
    w->phase = made ? RV_REWRITE_REMOVE : RV_REWRITE_OVER;
    return RV_STEP_ON;
}

static rv_step go_on(rv_log *log, rv_status status, rv_rewrite_phase next) {
    RV_ASSERT(next <= RV_REWRITE_OVER);
    if (status == RV_PENDING || status == RV_BUSY) {
        return RV_STEP_WAIT;
    }
    if (status != RV_OK) {
        return fail(log, status);
    }
    log->rewriting.phase = next;
    return RV_STEP_ON;
}

/* The header as it is. */
static rv_step read_header(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    rv_status status = RV_OK;
    if (w->handle == NULL) {
        status = rv_files_acquire(log, w->segment, 2, &w->handle);
        if (status != RV_OK) {
            return go_on(log, status, RV_REWRITE_CREATE);
        }
    }
    size_t got = 0;
    status = rv_op_read(&log->ops, &w->op, w->handle->file, 0, w->bytes, sizeof w->bytes, &got);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    rv_files_release(log, w->handle);
    w->handle = NULL;
    if (status == RV_OK &&
        (got < sizeof w->bytes || rv_segment_decode(w->bytes, &w->header) != RV_OK)) {
        status = RV_DATA_DAMAGED;
    }
    RV_ASSERT(status != RV_BUSY);
    return go_on(log, status, RV_REWRITE_CREATE);
}

static rv_step create(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(!w->file_open);
    rv_file_name name;
    name_of(log, w->generation, &name);
    const rv_status status = rv_op_create(&log->ops, &w->op, name.text, &w->file);
    if (status == RV_DATA_EXISTS && !w->replaced) {
        w->replaced = true;
        w->phase = RV_REWRITE_REPLACE;
        return RV_STEP_ON;
    }
    w->file_open = status == RV_OK;
    return go_on(log, status, RV_REWRITE_COPY);
}

/* The next batch: it is read and checked as for any reader, and written from where it lies. */
static rv_step copy(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    const rv_segment *const segment = &log->segments[w->segment];
    RV_ASSERT(w->file_open && w->offset <= segment->end);
    if (w->offset == segment->end) {
        w->phase = RV_REWRITE_FLUSH;
        return RV_STEP_ON;
    }
    const rv_place place = {w->segment, w->offset};
    const uint8_t *batch = NULL;
    rv_batch_header header;
    rv_status status = rv_slots_batch(log, place, &batch, &header, NULL);
    if (status != RV_OK) {
        return go_on(log, status, RV_REWRITE_COPY);
    }
    if (w->slot == NULL) {
        w->slot = rv_slots_pin(log, place);
    }
    const size_t size = rv_batch_size(header.len);
    status = rv_op_write(&log->ops, &w->op, w->file, w->offset, rv_bytes_of(batch, size));
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    w->slot->pinned = false;
    w->slot = NULL;
    w->last_crc = header.crc;
    w->offset += status == RV_OK ? size : 0;
    return go_on(log, status, RV_REWRITE_COPY);
}

static void make_header(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(w->offset == log->segments[w->segment].end);
    if (w->header.generation == 0) {
        w->header.origin_end = w->offset;
        w->header.origin_crc = w->last_crc;
        w->header.origin_header_crc = rv_load_u32(w->bytes + RV_SEGMENT_HEADER_SIZE - 4);
    }
    w->header.generation = w->generation;
    w->header.end = w->offset;
    rv_segment_encode(w->bytes, &w->header);
    RV_ASSERT(w->header.origin_end > 0);
}

/* Readers go to the new file as soon as none is in the old one. */
static rv_step swap(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    if (!rv_files_forget(log, w->segment)) {
        return RV_STEP_WAIT;
    }
    close_file(log);
    name_of(log, log->segments[w->segment].generation, &w->remove);
    log->segments[w->segment].generation = w->generation;
    w->status = RV_OK;
    w->phase = RV_REWRITE_REMOVE;
    RV_ASSERT(log->segments[w->segment].end == w->offset);
    return RV_STEP_ON;
}

static rv_step rewrite_step(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    rv_status status = RV_OK;
    switch (w->phase) {
    case RV_REWRITE_READ:
        return read_header(log);
    case RV_REWRITE_CREATE:
        return create(log);
    case RV_REWRITE_REPLACE:
        name_of(log, w->generation, &w->remove);
        status = rv_op_remove(&log->ops, &w->op, w->remove.text);
        return go_on(log, status, RV_REWRITE_CREATE);
    case RV_REWRITE_COPY:
        return copy(log);
    case RV_REWRITE_FLUSH:
        status = rv_op_flush(&log->ops, &w->op, w->file);
        if (status == RV_OK) {
            make_header(log);
        }
        return go_on(log, status, RV_REWRITE_HEADER);
    case RV_REWRITE_HEADER:
        status = rv_op_write(&log->ops, &w->op, w->file, 0, rv_bytes_of(w->bytes, sizeof w->bytes));
        return go_on(log, status, RV_REWRITE_FLUSH_HEADER);
    case RV_REWRITE_FLUSH_HEADER:
        return go_on(log, rv_op_flush(&log->ops, &w->op, w->file), RV_REWRITE_SWAP);
    case RV_REWRITE_SWAP:
        return swap(log);
    case RV_REWRITE_REMOVE: /* if that fails, the next recovery does it */
        status = rv_op_remove(&log->ops, &w->op, w->remove.text);
        w->phase = status == RV_PENDING ? w->phase : RV_REWRITE_OVER;
        return status == RV_PENDING ? RV_STEP_WAIT : RV_STEP_ON;
    default:
        return RV_STEP_END;
    }
}

void rv_rewrite_poll(rv_log *log) {
    RV_ASSERT(log->life == RV_LOG_OPEN);
    rv_step step = log->failed == RV_OK ? RV_STEP_ON : RV_STEP_END;
    for (unsigned i = 0; i < REWRITE_STEPS && step == RV_STEP_ON; i += 1) {
        step = rewrite_step(log);
    }
}

rv_step rv_rewrite_stop(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    if (w->op.phase == RV_OP_UNDER_WAY) {
        return RV_STEP_WAIT;
    }
    if (w->phase == RV_REWRITE_CREATE && w->op.phase == RV_OP_OVER &&
        w->op.result.status == RV_OK) {
        w->file = w->op.result.file;
        w->file_open = true;
    }
    w->op.phase = RV_OP_IDLE; /* what is left of it, recovery removes */
    w->op.progress = 0;
    close_file(log);
    w->phase = RV_REWRITE_NONE;
    RV_ASSERT(!rv_op_active(&w->op));
    return RV_STEP_END;
}
