/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window through which recovery reads a segment: a run of its bytes, over the append buffer,
 * which is not needed yet. It is filled 256 KiB at a time, so that bytes are checked and replayed
 * while they are in the processor's cache, and moves forward; what is left of it is kept.
 *
 *   invariant: the window holds the file's bytes from `window_base` on, `window_len` of them;
 *              `window_want` more are being read behind them.
 */
#include "core/log/internal.h"

void rv_window_reset(rv_recovery *r) {
    RV_ASSERT(r->window_want == 0);
    r->window_base = 0;
    r->window_len = 0;
}

/* Makes room for bytes from `offset` on and says how many to read behind those that are there. */
static void window_shift(rv_log *log, uint64_t offset, size_t need) {
    rv_recovery *const r = &log->recovery;
    const uint64_t size = r->handle->size;
    uint8_t *const buf = log->appender.buf;
    size_t kept = 0;
    if (offset >= r->window_base && offset - r->window_base < r->window_len) {
        const size_t at = (size_t)(offset - r->window_base);
        kept = r->window_len - at;
        memmove(buf, buf + at, kept);
    }
    r->window_base = offset;
    r->window_len = kept;
    RV_ASSERT(kept < need && offset + kept < size);
    size_t want = need - kept > RV_LOG_CHUNK ? need - kept : RV_LOG_CHUNK;
    want = want < log->appender.cap - kept ? want : log->appender.cap - kept;
    const uint64_t left = size - offset - kept;
    r->window_want = want < left ? want : (size_t)left;
    RV_ASSERT(r->window_want > 0);
}

rv_status rv_window_get(rv_log *log, uint64_t offset, size_t need, const uint8_t **ptr,
                        size_t *have) {
    rv_recovery *const r = &log->recovery;
    RV_ASSERT(need > 0 && need <= log->appender.cap);
    RV_ASSERT(r->handle != NULL);
    for (unsigned pass = 0; pass < 3; pass += 1) {
        const bool within = offset >= r->window_base && offset - r->window_base <= r->window_len;
        const size_t at = within ? (size_t)(offset - r->window_base) : 0;
        *have = within ? r->window_len - at : 0;
        if (r->window_want == 0 && (*have >= need || offset + *have >= r->handle->size)) {
            *ptr = log->appender.buf + at;
            return RV_OK;
        }
        if (r->window_want == 0) {
            window_shift(log, offset, need);
        }
        size_t got = 0;
        const rv_status status =
            rv_op_read(&log->ops, &log->main, r->handle->file, r->window_base + r->window_len,
                       log->appender.buf + r->window_len, r->window_want, &got);
        if (status == RV_PENDING) {
            return RV_PENDING;
        }
        if (status != RV_OK) {
            r->window_want = 0;
            return status;
        }
        r->window_len += got;
        if (got < r->window_want) {
            r->handle->size = r->window_base + r->window_len; /* shorter than it was said to be */
        }
        r->window_want = 0;
    }
    return RV_STORAGE_FAILED; /* not reached: a read gives what is needed, or shows the end */
}
