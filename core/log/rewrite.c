/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new generation of a segment: the way in which something of it is forgotten, since nothing is
 * ever edited in place. A filter says what each batch is to hold; where it changes nothing, nothing
 * is written.
 *
 *     READ -> NEXT -> SCAN … -> CREATE -> COPY … -> FLUSH -> HEADER -> FLUSH_HEADER -> SWAP ->
 * REMOVE
 *                        \------ nothing changes ------------------------------------------> OVER
 *
 * The header comes last, when all batches are flushed: so a file with a good header is whole, and
 * recovery takes the highest generation that has one. Until then the older one is the segment; it
 * is removed when the newer one is durable. The next segment's header goes on naming end and crc of
 * generation 0, and the first batch the crc of its header; each later generation keeps them in its
 * own. The salt stays: a new file has no stale bytes to be told apart.
 *
 * Batches keep their sequences, watermarks and hashes, and become shorter; so they lie elsewhere,
 * and what was known of their places goes with the old file. Runs of the index are made again when
 * no segment is being written.
 *
 *   invariant: at every moment one of the two files is a whole segment, and has a durable name.
 */
#include "core/log/internal.h"

#define REWRITE_STEPS 4 /* of one poll, each a batch at most */

bool rv_log_rewrite_begin(rv_log *log, uint32_t segment, const rv_rewrite_ops *ops, void *ctx) {
    rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(log->life == RV_LOG_OPEN && segment < log->segment_count);
    if (rv_rewrite_active(log) || log->failed != RV_OK || segment + 1 == log->segment_count ||
        log->segments[segment].generation >= UINT16_MAX) {
        return false;
    }
    w->phase = RV_REWRITE_READ;
    w->segment = segment;
    w->generation = log->segments[segment].generation + 1;
    w->ops = ops;
    w->ctx = ctx;
    w->offset = RV_SEGMENT_HEADER_SIZE;
    w->out = RV_SEGMENT_HEADER_SIZE;
    w->ready = 0;
    w->changed = ops == NULL;
    w->status = RV_PENDING;
    w->waits = false;
    w->replaced = false;
    w->freed = 0;
    RV_ASSERT(!w->file_open && w->slot == NULL);
    return true;
}

bool rv_log_rewritten(const rv_log *log, uint64_t *freed) {
    const rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(w->phase == RV_REWRITE_OVER);
    *freed = w->freed;
    return w->changed && w->status == RV_OK;
}

bool rv_rewrite_active(const rv_log *log) {
    const rv_rewrite_phase phase = log->rewriting.phase;
    RV_ASSERT(phase <= RV_REWRITE_OVER);
    return phase != RV_REWRITE_NONE && phase != RV_REWRITE_OVER;
}

rv_status rv_log_rewrite_status(const rv_log *log) {
    const rv_rewriting *const w = &log->rewriting;
    return w->phase == RV_REWRITE_NONE   ? RV_OK
           : w->phase == RV_REWRITE_OVER ? w->status
                                         : RV_PENDING;
}

static void name_of(const rv_log *log, uint32_t generation, rv_file_name *name) {
    RV_ASSERT(log->rewriting.segment < log->segment_count);
    rv_segment_name(generation, log->segments[log->rewriting.segment].first_sequence, name);
}

static void let_go(rv_log *log) {
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
    log->indexer.idle = false; /* it has waited */
    RV_ASSERT(!w->file_open);
}

/* The older generation stays; what there is of the newer one goes. */
static rv_step fail(rv_log *log, rv_status status) {
    rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(status != RV_OK && status != RV_PENDING);
    const bool made = w->file_open;
    let_go(log);
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

/* --- headers --- */

/* The header of a segment, as it is, into `bytes`. */
static rv_status get_header(rv_log *log, uint32_t segment, rv_segment_header *header) {
    rv_rewriting *const w = &log->rewriting;
    if (w->handle == NULL) {
        const rv_status status = rv_files_acquire(log, segment, 2, &w->handle);
        if (status != RV_OK) {
            return status;
        }
    }
    size_t got = 0;
    const rv_status status =
        rv_op_read(&log->ops, &w->op, w->handle->file, 0, w->bytes, sizeof w->bytes, &got);
    if (status == RV_PENDING) {
        return RV_PENDING;
    }
    rv_files_release(log, w->handle);
    w->handle = NULL;
    RV_ASSERT(got <= sizeof w->bytes);
    return status != RV_OK         ? status
           : got < sizeof w->bytes ? RV_DATA_DAMAGED
                                   : rv_segment_decode(w->bytes, header);
}

/* The segment's own, of which the new one will have most. */
static rv_step read_own(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    const rv_status status = get_header(log, w->segment, &w->header);
    if (status == RV_OK && w->header.generation == 0) {
        w->header.origin_header_crc = rv_load_u32(w->bytes + RV_SEGMENT_HEADER_SIZE - 4);
    }
    w->last_crc = w->header.origin_header_crc;
    RV_ASSERT(w->segment + 1 < log->segment_count);
    return go_on(log, status, RV_REWRITE_NEXT);
}

/* The next one's says where generation 0 ended, or what was left of the last one when it was cut.
 */
static rv_step read_next(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    rv_segment_header next;
    rv_status status = get_header(log, w->segment + 1, &next);
    if (status == RV_OK && next.previous_end < RV_SEGMENT_HEADER_SIZE) {
        status = RV_DATA_DAMAGED;
    }
    if (status == RV_OK) {
        w->header.origin_end = next.previous_end;
        w->header.origin_crc = next.previous_crc;
        w->slot = rv_slots_lend(log);
        RV_ASSERT(w->ready == 0);
        if (w->slot == NULL) { /* all are being read into: once more */
            return RV_STEP_WAIT;
        }
    }
    return go_on(log, status, w->ops == NULL ? RV_REWRITE_CREATE : RV_REWRITE_SCAN);
}

/* --- batches --- */

/* The next batch as it is to be, in the slot. It is read and checked as for any reader. */
static rv_status get_batch(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    const rv_place place = {w->segment, w->offset};
    const uint8_t *at = NULL;
    rv_batch_header header;
    const rv_status status = rv_slots_batch(log, place, &at, &header, NULL);
    if (status != RV_OK) {
        return status;
    }
    w->size = rv_batch_size(header.len);
    RV_ASSERT(w->size <= log->slot_size && w->slot->pinned);
    if (w->ops == NULL) {
        memcpy(w->slot->buf, at, w->size);
        w->ready = w->size;
        w->crc = header.crc;
        return RV_OK;
    }
    rv_writer body =
        rv_writer_over(w->slot->buf + RV_BATCH_HEADER_SIZE, log->options.batch_len_max);
    bool another = false;
    if (header.kind == RV_BATCH_RECORDS) { /* else a seal */
        rv_batch batch;
        rv_batch_of(&header, at, &batch);
        another = w->ops->filter(w->ctx, &batch, &body) && !body.full;
    }
    if (another) {
        header.len = (uint32_t)body.len;
    } else {
        memcpy(w->slot->buf, at, w->size);
    }
    w->changed = w->changed || another;
    w->ready = rv_batch_size(header.len);
    rv_batch_open(w->slot->buf, &header);
    /* the file is flushed before it has a header: whoever reads this knows all before it durable */
    w->crc = rv_batch_close(w->slot->buf, w->header.salt, w->last_crc, w->out);
    return RV_OK;
}

/* Goes over the batches until one is to be another. */
static rv_step scan(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(w->ops != NULL && w->offset <= log->segments[w->segment].end);
    if (w->offset == log->segments[w->segment].end && !w->changed) {
        let_go(log);
        w->status = RV_OK;
        w->phase = RV_REWRITE_OVER;
        return RV_STEP_ON;
    }
    const rv_status status = w->changed ? RV_OK : get_batch(log);
    w->offset = w->changed ? RV_SEGMENT_HEADER_SIZE : w->offset + (status == RV_OK ? w->size : 0);
    w->ready = 0;
    return go_on(log, status, w->changed ? RV_REWRITE_CREATE : RV_REWRITE_SCAN);
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

static rv_step copy(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(w->file_open && w->offset <= log->segments[w->segment].end);
    if (w->offset == log->segments[w->segment].end) {
        w->phase = RV_REWRITE_FLUSH;
        return RV_STEP_ON;
    }
    rv_status status = w->ready > 0 ? RV_OK : get_batch(log);
    if (status == RV_OK) {
        status =
            rv_op_write(&log->ops, &w->op, w->file, w->out, rv_bytes_of(w->slot->buf, w->ready));
    }
    if (status == RV_OK) {
        w->last_crc = w->crc;
        w->offset += w->size;
        w->out += w->ready;
        w->ready = 0;
    }
    return go_on(log, status, RV_REWRITE_COPY);
}

/* --- the end --- */

static void make_header(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    RV_ASSERT(w->offset == log->segments[w->segment].end);
    w->header.generation = w->generation;
    w->header.end = w->out;
    rv_segment_encode(w->bytes, &w->header);
    RV_ASSERT(w->header.origin_end > 0);
}

/* Batches lie elsewhere, and events may be gone. */
static void forget_places(rv_log *log) {
    const rv_rewriting *const w = &log->rewriting;
    const rv_run_span span = {log->segments[w->segment].first_sequence,
                              log->segments[w->segment + 1].first_sequence, 0};
    RV_ASSERT(span.first < span.next);
    rv_slots_forget(log, w->segment);
    rv_index_forget(&log->index, w->segment);
    rv_runs_outdate(&log->runs, &span);
    log->indexer.outdated = true;
    log->indexer.idle = false;
    for (unsigned i = 0; i < RV_LOG_SEARCHES; i += 1) {
        if (log->searches[i].position > 0 && log->searches[i].place.segment == w->segment) {
            log->searches[i].position = 0;
        }
    }
}

/* Readers go to the new file as soon as none is in the old one. */
static rv_step swap(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    if (!rv_files_forget(log, w->segment)) {
        return RV_STEP_WAIT;
    }
    let_go(log);
    name_of(log, log->segments[w->segment].generation, &w->remove);
    const uint64_t end = log->segments[w->segment].end;
    w->freed = end > w->out ? end - w->out : 0;
    log->segments[w->segment].generation = w->generation;
    log->segments[w->segment].end = w->out;
    forget_places(log);
    w->status = RV_OK;
    w->phase = RV_REWRITE_REMOVE;
    return RV_STEP_ON;
}

static rv_step rewrite_step(rv_log *log) {
    rv_rewriting *const w = &log->rewriting;
    rv_status status = RV_OK;
    switch (w->phase) {
    case RV_REWRITE_READ:
        return read_own(log);
    case RV_REWRITE_NEXT:
        return read_next(log);
    case RV_REWRITE_SCAN:
        return scan(log);
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
        if (status == RV_PENDING) {
            return RV_STEP_WAIT;
        }
        w->phase = RV_REWRITE_OVER;
        log->indexer.idle = false; /* it has waited */
        return RV_STEP_ON;
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
    log->rewriting.waits = step == RV_STEP_WAIT;
}

bool rv_rewrite_works(const rv_log *log) {
    return rv_rewrite_active(log) && log->failed == RV_OK && !log->rewriting.waits;
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
    let_go(log);
    w->phase = RV_REWRITE_NONE;
    RV_ASSERT(!rv_op_active(&w->op));
    return RV_STEP_END;
}
