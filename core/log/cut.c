/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the last segment has no further good batch, this decides what that means, and cuts.
 *
 * The writer does one round at a time: it writes batches, flushes, and only then writes the next
 * ones, each of which says where its round began. So a batch that can be read says that everything
 * below that place was durable *before* it was written; it says nothing about its own round. That
 * holds in whatever order a dying disk kept the bytes, and no batch from before the bad place can
 * say anything about it, because each speaks of what is before itself. Hence:
 *
 *   - the batches *behind* the bad place are looked for, at every multiple of 8, by their salted
 *     checksum. One that says that more than the bad place is durable (a later round, or a seal,
 *     which is a round of its own) makes it damage. Those of the same round do not: it is torn.
 *   - space is reserved, and flushed, before batches go into it, and there is always room for a
 * seal behind them. A file that ends too soon was cut off by something else: damage.
 *   - a sealed log ends right behind its seal, which nothing else does: less than two headers at
 *     the end of the file can only be a seal that is damaged.
 *   - a begun next segment promises that all of this one is durable.
 *
 * What no batch says is durable is written once more, as it is, before the last flush: see
 * write_again.
 *
 * Stale batches cannot mislead later scans: what is cut is overwritten with zeros and flushed
 * before anything is appended. docs/format/log.md has the whole argument.
 */
#include "core/log/internal.h"

/* Looking at what might be batches is bounded: so many bytes for each of the tail, and some. */
#define SCAN_WORK_PER_BYTE 8
#define SCAN_WORK_MIN      (UINT64_C(16) << 20)

static size_t piece_size(const rv_log *log) {
    RV_ASSERT(log->appender.cap > 0);
    return log->appender.cap < RV_LOG_CHUNK ? log->appender.cap : RV_LOG_CHUNK;
}

static rv_step tail_failed(rv_log *log, rv_status status, const char *what) {
    RV_ASSERT(status != RV_OK);
    RV_ASSERT(log->recovery.segment < log->segment_count);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    rv_file_name name;
    rv_files_name(log, log->recovery.segment, &name);
    return rv_recover_failed(log, status, what, name.text);
}

/* --- judging --- */

/* True when the bad place is below what a begun segment's name says is durable: batches of events
 * are all there if the log reaches its sequence, so only those of an edge that hold none can be
 * meant. A name below that was removed before, and a crash brought it back. */
static bool is_promised(const rv_log *log) {
    const uint64_t next = log->appended.next_sequence;
    RV_ASSERT(log->recovery.promised <= next);
    return log->recovery.promised == next && !log->identity.root;
}

/* The whole tail was looked at. */
static rv_step tail_judge(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->tail_end >= r->offset);
    const uint64_t left = r->handle->size > r->offset ? r->handle->size - r->offset : 0;
    const char *damage = NULL;
    if (r->promised > log->appended.next_sequence || rv_mark_missing(log)) {
        damage = "batches are missing";
    } else if (left == 0 && log->sealed) {
        damage = NULL;
    } else if (left < 2 * RV_BATCH_HEADER_SIZE || r->overruns) {
        damage = left == RV_BATCH_HEADER_SIZE ? "a damaged seal" : "the file was cut short";
    } else if (r->tail_end > r->offset && (r->claimed || is_promised(log))) {
        damage = "a damaged batch";
    }
    if (damage != NULL) {
        return rv_recover_damaged(log, r->segment, r->offset, damage);
    }
    r->cut_at = r->offset;
    r->state = r->tail_end > r->offset ? RV_RECOVER_CUT_CREATE : RV_RECOVER_AGAIN;
    return RV_STEP_ON;
}

/* True when the 64 bytes at file offset `at` could begin a batch that says something about the bad
 * place; `*size` is its length. */
static bool worth_checking(const rv_log *log, const uint8_t *bytes, uint64_t at, size_t *size) {
    const rv_recovery *const r = &log->recovery;
    RV_ASSERT(at >= r->offset);
    if (bytes[12] != RV_BATCH_RECORDS && bytes[12] != RV_BATCH_SEAL) {
        return false;
    }
    rv_batch_header header;
    if (!rv_batch_decode(bytes, &header) || header.durable <= r->offset || header.durable > at ||
        header.first_sequence < log->appended.next_sequence) {
        return false;
    }
    *size = rv_batch_size(header.len);
    RV_ASSERT(*size >= RV_BATCH_HEADER_SIZE);
    return *size <= r->handle->size - at;
}

/* Checks one that is all in memory. */
static void check_claim(rv_log *log, const uint8_t *bytes) {
    rv_recovery *const r = &log->recovery;
    rv_batch_header header;
    const bool plausible = rv_batch_decode(bytes, &header);
    RV_ASSERT(plausible);
    r->scan_work += rv_batch_size(header.len);
    const uint64_t tail = r->handle->size - r->offset;
    /* When there is too much to check, nothing is cut: that is the side on which nothing is lost.
     */
    r->claimed = rv_batch_intact(bytes, &header, log->segments[r->segment].salt) ||
                 r->scan_work > SCAN_WORK_PER_BYTE * tail + SCAN_WORK_MIN;
    RV_ASSERT(header.durable > r->offset);
}

static bool any_byte(const uint8_t *bytes, size_t len) {
    RV_ASSERT(len <= 8);
    uint8_t all = 0;
    for (size_t i = 0; i < len; i += 1) {
        all |= bytes[i];
    }
    return all != 0;
}

/* Looks at `have` bytes of the tail, and says from where on to look next. */
static void scan_window(rv_log *log, const uint8_t *bytes, size_t have) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->scan + have <= r->handle->size);
    const bool last = r->scan + have == r->handle->size;
    size_t at = 0;
    r->scan_need = RV_BATCH_HEADER_SIZE;
    while (at < have && !r->claimed) {
        const size_t left = have - at;
        if (left < RV_BATCH_HEADER_SIZE && !last) {
            break;
        }
        const size_t word = left < RV_BATCH_ALIGN ? left : RV_BATCH_ALIGN;
        if (any_byte(bytes + at, word)) {
            r->tail_end = r->scan + at + word;
        }
        size_t size = 0;
        if (left >= RV_BATCH_HEADER_SIZE && worth_checking(log, bytes + at, r->scan + at, &size)) {
            if (size > left) {
                r->scan_need = size;
                break;
            }
            check_claim(log, bytes + at);
        }
        at += word;
    }
    r->scan += at;
}

static rv_step tail_scan(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->scan >= r->offset);
    if (r->scan >= r->handle->size || r->claimed) {
        return tail_judge(log);
    }
    if (r->scan_need > log->appender.cap) { /* who has more memory can tell what it says */
        return tail_failed(log, RV_MEMORY_EXHAUSTED, "reading so large a batch");
    }
    const uint8_t *bytes = NULL;
    size_t have = 0;
    const rv_status status = rv_window_get(log, r->scan, r->scan_need, &bytes, &have);
    if (status != RV_OK) {
        return tail_failed(log, status, "reading");
    }
    RV_ASSERT(have >= r->scan_need || r->scan + have >= r->handle->size);
    scan_window(log, bytes, have);
    return RV_STEP_ON;
}

/* --- cutting --- */

/* A file that was begun goes again: else a supervisor that starts a node on a full storage over and
 * over would leave one each time. */
static rv_step cut_failed(rv_log *log, rv_status status) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(status != RV_OK);
    if (status == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    RV_ASSERT(r->cut_name.text[0] != 0);
    if (!r->cut_open) {
        return rv_recover_failed(log, status, "keeping what is cut", r->cut_name.text);
    }
    log->ops.host.ops->close(log->ops.host.ctx, r->cut_file);
    r->cut_open = false;
    r->cut_failure = status;
    r->state = RV_RECOVER_CUT_REMOVE;
    return RV_STEP_ON;
}

static rv_step cut_remove(rv_log *log) {
    const rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->cut_failure != RV_OK && !r->cut_open);
    if (rv_op_remove(&log->ops, &log->main, r->cut_name.text) == RV_PENDING) {
        return RV_STEP_WAIT;
    }
    return r->cut_unread
               ? tail_failed(log, r->cut_failure, "reading")
               : rv_recover_failed(log, r->cut_failure, "keeping what is cut", r->cut_name.text);
}

static rv_step cut_create(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->tail_end > r->offset || r->back.cut);
    RV_ASSERT(!r->cut_open);
    rv_cut_name(r->cut_number + 1, &r->cut_name);
    const rv_status status = rv_op_create(&log->ops, &log->main, r->cut_name.text, &r->cut_file);
    if (status != RV_OK) {
        return cut_failed(log, status);
    }
    r->cut_open = true;
    r->state = r->cut_at < r->tail_end ? RV_RECOVER_CUT_READ : RV_RECOVER_CUT_FLUSH;
    return RV_STEP_ON;
}

/* The next piece of what lies from `at` to `end`, where it lies in the window. */
static rv_status read_piece(rv_log *log, uint64_t at, uint64_t end, rv_bytes *piece) {
    const uint64_t left = end - at;
    size_t have = 0;
    RV_ASSERT(at < end);
    piece->len = left < piece_size(log) ? (size_t)left : piece_size(log);
    const rv_status status = rv_window_get(log, at, piece->len, &piece->ptr, &have);
    return status == RV_OK && have < piece->len ? RV_STORAGE_FAILED : status;
}

/* The next piece is read, and then written from where it lies in the window. */
static rv_step cut_copy(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    rv_bytes piece;
    RV_ASSERT(r->cut_open);
    rv_status status = read_piece(log, r->cut_at, r->tail_end, &piece);
    if (status != RV_OK) {
        r->cut_unread = status != RV_PENDING;
        return cut_failed(log, status);
    }
    r->state = RV_RECOVER_CUT_WRITE;
    status = rv_op_write(&log->ops, &log->main, r->cut_file, r->cut_at - r->offset, piece);
    if (status != RV_OK) {
        return cut_failed(log, status);
    }
    r->cut_at += piece.len;
    r->state = r->cut_at == r->tail_end ? RV_RECOVER_CUT_FLUSH : RV_RECOVER_CUT_READ;
    return RV_STEP_ON;
}

static rv_step cut_flush(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->cut_open && r->cut_at == r->tail_end);
    const rv_status status = rv_op_flush(&log->ops, &log->main, r->cut_file);
    if (status != RV_OK) {
        return cut_failed(log, status);
    }
    log->ops.host.ops->close(log->ops.host.ctx, r->cut_file);
    r->cut_open = false;
    r->cut_at = r->offset;
    RV_ASSERT(r->window_want == 0);
    r->window_len = 0;
    memset(log->appender.buf, 0, piece_size(log));
    r->state = r->back.cut ? RV_RECOVER_BACK_KEPT : RV_RECOVER_CUT_ZERO;
    return RV_STEP_ON;
}

static rv_step cut_zero(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(r->cut_at < r->tail_end && !r->cut_open);
    const uint64_t left = r->tail_end - r->cut_at;
    const size_t piece = left < piece_size(log) ? (size_t)left : piece_size(log);
    const rv_status status = rv_op_write(&log->ops, &log->main, r->handle->file, r->cut_at,
                                         rv_bytes_of(log->appender.buf, piece));
    if (status != RV_OK) {
        return tail_failed(log, status, "cutting");
    }
    r->cut_at += piece;
    if (r->cut_at == r->tail_end) {
        r->cut_bytes += r->tail_end - r->offset;
        r->state = RV_RECOVER_AGAIN;
    }
    RV_ASSERT(r->cut_at <= r->tail_end);
    return RV_STEP_ON;
}

/* A flush may have failed before this recovery: then what it was to cover can be read, from a
 * cache, and no later flush covers it, unless it is written again. */
static rv_step write_again(rv_log *log) {
    rv_recovery *const r = &log->recovery;
    if (r->vouched >= r->offset || (log->sealed && r->offset == r->handle->size)) {
        r->state = RV_RECOVER_FLUSH;
        return RV_STEP_ON;
    }
    rv_bytes piece;
    rv_status status = read_piece(log, r->vouched, r->offset, &piece);
    if (status != RV_OK) {
        return tail_failed(log, status, "reading");
    }
    status = rv_op_write(&log->ops, &log->main, r->handle->file, r->vouched, piece);
    if (status != RV_OK) {
        return tail_failed(log, status, "writing");
    }
    r->vouched += piece.len;
    RV_ASSERT(r->vouched <= r->offset && !r->cut_open);
    return RV_STEP_ON;
}

rv_step rv_cut_step(rv_log *log) {
    RV_ASSERT(log->life == RV_LOG_RECOVERING);
    switch (log->recovery.state) {
    case RV_RECOVER_TAIL:
        return tail_scan(log);
    case RV_RECOVER_CUT_CREATE:
        return cut_create(log);
    case RV_RECOVER_CUT_READ:
    case RV_RECOVER_CUT_WRITE:
        return cut_copy(log);
    case RV_RECOVER_CUT_FLUSH:
        return cut_flush(log);
    case RV_RECOVER_CUT_REMOVE:
        return cut_remove(log);
    case RV_RECOVER_AGAIN:
        return write_again(log);
    default:
        return cut_zero(log);
    }
}
