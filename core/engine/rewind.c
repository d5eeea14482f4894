/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going back, while the node is open: see engine/rewind.h. engine/rewind_open.c is what follows
 * from the file, at any opening.
 */
#include "core/engine/rewind.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/engine/internal.h"

/* --- facts --- */

bool rv_node_rewinding(const rv_node *node) {
    return node->rewinding.phase != RV_REWIND_NONE;
}

uint32_t rv_node_rewinds(const rv_node *node) {
    return node->rewinding.count;
}

bool rv_node_rewound(const rv_node *node, rv_rewound *rewound) {
    rv_bytes value;
    if (!rv_ledger_get(&node->ledger, RV_LEDGER_REWOUND, (rv_bytes){NULL, 0}, &value) ||
        value.len != RV_REWOUND_SIZE) {
        return false;
    }
    rv_cursor c = rv_cursor_over(value);
    rewound->epoch = rv_read_u32(&c);
    rewound->from = rv_read_u64(&c);
    rewound->to = rv_read_u64(&c);
    rewound->dropped = rv_read_u64(&c);
    rewound->requeued = rv_read_u64(&c);
    rewound->at = (int64_t)rv_read_u64(&c);
    RV_ASSERT(rv_cursor_done(&c));
    return true;
}

bool rv_rewind_completed(rv_node *node, const rv_io_completion *completion) {
    if (completion->ticket >> 56 != RV_REWIND_TICKETS) {
        return false;
    }
    const bool awaited = rv_op_complete(&node->rewinding.op, completion);
    RV_ASSERT(awaited); /* the host finishes what was started, once */
    return true;
}

/* --- beginning --- */

rv_status rv_node_rewind(rv_node *node, const rv_rewind *to, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    const rv_status status = rv_node_check_writable(node, err);
    RV_ASSERT(to->epoch > 0 && (to->watermark > 0 || to->chain_hash == 0));
    if (status != RV_OK) {
        return status;
    }
    if (node->role != RV_ROLE_EDGE || node->receiving.active) {
        return rv_error_set(err, RV_BUSY, "a batch of the upstream is being received");
    }
    if (r->failure.status == RV_OUTBOX_FULL) {
        if (err != NULL) {
            *err = r->failure;
        }
        return r->failure.status;
    }
    const uint32_t count = r->count;
    *r = (rv_rewinding){
        .phase = RV_REWIND_DRAIN,
        .ops = {.host = node->host, .tickets = RV_REWIND_TICKETS, .serial = r->ops.serial},
        .to = *to,
        .rewound = {.from = rv_log_watermark(node->log)},
        .count = count,
    };
    RV_ASSERT(to->watermark <= r->rewound.from);
    rv_outbox_lift(node);
    node->read_generation += 1;
    return RV_OK;
}

/* --- steps: RV_OK, RV_PENDING, or what went wrong --- */

/* Everything that was appended becomes durable. */
static rv_status drain(rv_node *node, rv_error *err) {
    const rv_status status = rv_log_poll(node->log, err);
    if (rv_checkpoints_abandon(node)) {
        return RV_PENDING;
    }
    RV_ASSERT(!node->receiving.active);
    const bool durable = rv_log_batches_durable(node->log) == rv_log_batches(node->log);
    return status != RV_OK || (durable && !rv_log_busy(node->log)) ? status : RV_PENDING;
}

/* The log's files are closed. */
static rv_status close_log(rv_node *node, rv_error *err) {
    const rv_status status = rv_log_seal(node->log, err);
    RV_ASSERT(status != RV_OK);
    return status == RV_END ? RV_OK : status;
}

static rv_status create(rv_rewinding *r) {
    const rv_status status = rv_op_create(&r->ops, &r->op, RV_REWIND_FILE, &r->file);
    if (status == RV_OK) {
        r->open = true;
        r->offset = RV_REWIND_HEAD;
        r->crc = 0;
        r->chunk_len = 0;
        r->chunk_last = false;
        r->written = (rv_ledger_place){0};
        r->records_len = 0;
        r->first_len = 0;
    }
    RV_ASSERT(!r->good);
    return status;
}

/* Writes the ledger as records, a buffer at a time. */
static rv_status write_records(rv_node *node) {
    rv_rewinding *const r = &node->rewinding;
    for (;;) { /* each turn writes a buffer */
        if (!rv_op_active(&r->op)) {
            rv_writer w = rv_writer_over(node->results.ptr, node->results.cap);
            r->chunk_last = rv_ledger_carry(&node->ledger, &w, &r->written);
            r->chunk_len = w.len;
            r->crc = rv_crc32c(r->crc, rv_writer_bytes(&w));
        }
        const rv_bytes chunk = rv_bytes_of(node->results.ptr, r->chunk_len);
        const rv_status status =
            chunk.len == 0 ? RV_OK : rv_op_write(&r->ops, &r->op, r->file, r->offset, chunk);
        if (status != RV_OK) {
            return status;
        }
        r->offset += chunk.len;
        r->records_len += chunk.len;
        if (r->chunk_last) {
            return RV_OK;
        }
        RV_ASSERT(chunk.len > 0);
    }
}

/* Writes what the other log begins with. */
static rv_status write_first(rv_node *node) {
    rv_rewinding *const r = &node->rewinding;
    const rv_bytes first = r->to.first;
    RV_ASSERT(r->to.adopts || first.len == 0);
    if (first.len == 0) {
        return RV_OK;
    }
    if (!rv_op_active(&r->op)) {
        r->crc = rv_crc32c(r->crc, first);
    }
    const rv_status status = rv_op_write(&r->ops, &r->op, r->file, r->offset, first);
    r->first_len = status == RV_OK ? first.len : 0;
    return status;
}

static rv_status write_header(rv_node *node) {
    rv_rewinding *const r = &node->rewinding;
    uint8_t *const head = node->results.ptr;
    RV_ASSERT(node->results.cap >= RV_REWIND_HEAD);
    if (!rv_op_active(&r->op)) {
        rv_rewind_head_encode(node, head);
    }
    return rv_op_write(&r->ops, &r->op, r->file, 0, rv_bytes_of(head, RV_REWIND_HEAD));
}

static void close_file(rv_rewinding *r) {
    if (r->open) {
        r->ops.host.ops->close(r->ops.host.ctx, r->file);
        r->open = false;
    }
    RV_ASSERT(!rv_op_active(&r->op));
}

static rv_status step(rv_node *node, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    rv_status status = RV_OK;
    switch (r->phase) {
    case RV_REWIND_DRAIN:
        return drain(node, err);
    case RV_REWIND_CLOSE:
    case RV_REWIND_CLOSE_AGAIN:
        return close_log(node, err);
    case RV_REWIND_SURVEY:
        status = rv_rewind_survey(node, err);
        if (status == RV_END && !rv_log_has_identity(node->log)) { /* nothing was written ever */
            return rv_error_set(err, RV_DATA_NOT_FOUND, "there is nothing to go back in");
        }
        return status == RV_END ? RV_OK : status;
    case RV_REWIND_CLEAR:
        status = rv_op_remove(&r->ops, &r->op, RV_REWIND_FILE);
        return status == RV_DATA_NOT_FOUND ? RV_OK : status;
    case RV_REWIND_CREATE:
        return create(r);
    case RV_REWIND_RECORDS:
        return write_records(node);
    case RV_REWIND_FIRST:
        return write_first(node);
    case RV_REWIND_HEADER:
        return write_header(node);
    case RV_REWIND_FLUSH:
        return rv_op_flush(&r->ops, &r->op, r->file);
    default:
        RV_ASSERT(r->phase == RV_REWIND_OPEN);
        return rv_node_open(node, err);
    }
}

/* --- going on --- */

/* It could not be begun, and the file is not good: the node opens as it was, and will say why. */
static void give_up(rv_node *node, rv_status status, const rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    RV_ASSERT(r->phase < RV_REWIND_OPEN);
    close_file(r);
    r->failure = *err;
    if (err->status != status) {
        (void)rv_error_set(&r->failure, status, "going back to position %u failed: %s",
                           r->to.watermark, rv_status_text(status));
    }
    r->phase = RV_REWIND_CLOSE_AGAIN;
}

/* It is open again. Where a step failed, the file may have been durable all the same: then opening
 * has gone back by it, as after a crash. */
static bool has_gone_back(const rv_node *node) {
    const rv_rewinding *const r = &node->rewinding;
    rv_rewound last;
    return r->failure.status == RV_OK || r->to.adopts ||
           (rv_node_rewound(node, &last) && last.epoch == r->to.epoch);
}

/* What follows a step that is over. */
static void step_over(rv_node *node) {
    rv_rewinding *const r = &node->rewinding;
    const rv_rewind_phase before = r->phase;
    r->phase = (rv_rewind_phase)(before + 1);
    if (before == RV_REWIND_CLOSE) {
        rv_held_insist(&node->held);
        rv_node_rebuild(node);
        rv_log_recover_until(node->log, r->to.watermark);
    } else if (before == RV_REWIND_SURVEY) {
        if (!rv_log_recover_passed(node->log, &r->place)) {
            r->place = (rv_log_end_place){0, 0};
        }
    } else if (before == RV_REWIND_FLUSH) {
        close_file(r);
    } else if (before == RV_REWIND_CLOSE_AGAIN) {
        rv_node_rebuild(node);
        r->step = RV_REWIND_LOOK;
    } else if (before == RV_REWIND_OPEN) {
        r->phase = RV_REWIND_NONE;
        r->count += has_gone_back(node);
        node->held.swaps += 1; /* who is served by this node connects again */
    }
    RV_ASSERT(r->phase <= RV_REWIND_OPEN);
}

void rv_rewind_poll(rv_node *node) {
    rv_rewinding *const r = &node->rewinding;
    rv_status status = RV_OK;
    while (r->phase != RV_REWIND_NONE && status == RV_OK) { /* each turn ends a phase */
        rv_error err = {.status = RV_OK};
        status = step(node, &err);
        if (status == RV_PENDING || status == RV_BUSY) {
            return;
        }
        const bool early = r->phase < RV_REWIND_CLOSE_AGAIN && r->phase != RV_REWIND_DRAIN &&
                           r->phase != RV_REWIND_CLOSE;
        if (status != RV_OK && early) {
            give_up(node, status, &err);
            status = RV_OK;
            continue;
        }
        /* what keeps the log from being written or closed shows again when it is opened */
        status = RV_OK;
        step_over(node);
    }
}
