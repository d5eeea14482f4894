/* SPDX-License-Identifier: Apache-2.0 */
#include "native/sender.h"

#include <string.h>

#define SENDER_BUFS_MAX 8

void rv_sender_init(rv_sender *sender, uv_stream_t *stream, uint8_t *buffer, rv_sender_done done) {
    RV_ASSERT(stream != NULL);
    RV_ASSERT(buffer != NULL);
    *sender = (rv_sender){.stream = stream, .buffer = buffer, .done = done};
    sender->request.data = sender;
}

void rv_sender_secure(rv_sender *sender, rv_tls *tls, uint8_t *sealed) {
    RV_ASSERT((tls == NULL) == (sealed == NULL));
    RV_ASSERT(!sender->busy);
    sender->tls = tls;
    sender->sealed = sealed;
}

static void on_written(uv_write_t *request, int failed) {
    rv_sender *const sender = request->data;
    RV_ASSERT(sender->busy);
    sender->busy = false;
    sender->done(sender, failed);
}

/* Copies what is beyond the first `skip` bytes; returns how much was copied, at most `cap`. */
static size_t gather(const uv_buf_t *bufs, unsigned count, size_t skip, uint8_t *out, size_t cap) {
    size_t len = 0;
    for (unsigned i = 0; i < count; i++) {
        if (skip >= bufs[i].len) {
            skip -= bufs[i].len;
            continue;
        }
        const size_t left = bufs[i].len - skip;
        const size_t part = left < cap - len ? left : cap - len;
        memcpy(out + len, bufs[i].base + skip, part);
        len += part;
        skip = 0;
    }
    return len;
}

static size_t total_len(const uv_buf_t *bufs, unsigned count) {
    RV_ASSERT(count <= SENDER_BUFS_MAX);
    size_t total = 0;
    for (unsigned i = 0; i < count; i++) {
        total += bufs[i].len;
    }
    return total;
}

/* What the socket takes at once; UV_EAGAIN is 0. */
static ssize_t send_now(rv_sender *sender, const uv_buf_t *bufs, unsigned count) {
    const int sent = uv_try_write(sender->stream, bufs, count);
    return sent == UV_EAGAIN ? 0 : sent;
}

static int send_later(rv_sender *sender, uint8_t *bytes, size_t len) {
    RV_ASSERT(!sender->busy);
    const uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)len);
    const int failed = uv_write(&sender->request, sender->stream, &buf, 1, on_written);
    sender->busy = failed == 0;
    return failed;
}

/* --- TLS --- */

static int send_sealed(rv_sender *sender, const rv_writer *sealed) {
    RV_ASSERT(!sender->busy);
    if (sealed->len == 0) {
        return 0;
    }
    const uv_buf_t buf = uv_buf_init((char *)sealed->ptr, (unsigned)sealed->len);
    const ssize_t sent = send_now(sender, &buf, 1);
    if (sent < 0 || (size_t)sent == sealed->len) {
        return sent < 0 ? (int)sent : 0;
    }
    const size_t later = gather(&buf, 1, (size_t)sent, sender->buffer, RV_TLS_SEALED_LEN);
    return send_later(sender, sender->buffer, later);
}

/* Whole records, as few as there can be: what is in several parts goes into one. */
static ssize_t seal_some(rv_sender *sender, const uv_buf_t *bufs, unsigned count) {
    uint8_t record[RV_TLS_RECORD_MAX];
    rv_writer sealed = rv_writer_over(sender->sealed, RV_TLS_SEALED_LEN);
    size_t taken = 0;
    RV_STATIC_ASSERT(RV_OUTPUT_LEN % RV_TLS_RECORD_MAX == 0, "records end where it does");
    while (taken < RV_OUTPUT_LEN) {
        const size_t len = gather(bufs, count, taken, record, sizeof record);
        if (len == 0) {
            break;
        }
        if (!rv_tls_seal(sender->tls, rv_bytes_of(record, len), &sealed)) {
            return UV_EPROTO;
        }
        taken += len;
    }
    const int failed = send_sealed(sender, &sealed);
    return failed != 0 ? failed : (ssize_t)taken;
}

rv_tls_result rv_sender_receive(rv_sender *sender, rv_bytes *sealed, rv_writer *plain,
                                rv_error *err) {
    RV_ASSERT(sender->tls != NULL);
    rv_writer out = rv_writer_over(sender->sealed, RV_TLS_SEALED_LEN);
    const rv_tls_result result =
        rv_tls_receive(sender->tls, sealed, plain, sender->busy ? NULL : &out, err);
    const int failed = sender->busy ? 0 : send_sealed(sender, &out);
    if (failed != 0 && result != RV_TLS_FAILED) {
        rv_error_set(err, RV_UPSTREAM_UNREACHABLE, "%s", uv_strerror(failed));
        return RV_TLS_FAILED;
    }
    return result;
}

void rv_sender_end(rv_sender *sender) {
    if (sender->tls != NULL && !sender->busy) {
        rv_writer out = rv_writer_over(sender->sealed, RV_TLS_SEALED_LEN);
        rv_tls_end(sender->tls, &out);
        const int failed = send_sealed(sender, &out);
        (void)failed; /* then the peer is gone */
    }
}

/* --- sending --- */

ssize_t rv_sender_some(rv_sender *sender, const uv_buf_t *bufs, unsigned count) {
    RV_ASSERT(sender->stream != NULL);
    if (sender->busy) {
        return 0;
    }
    if (sender->tls != NULL) {
        return seal_some(sender, bufs, count);
    }
    const ssize_t sent = send_now(sender, bufs, count);
    if (sent < 0 || (size_t)sent == total_len(bufs, count)) {
        return sent;
    }
    const size_t later = gather(bufs, count, (size_t)sent, sender->buffer, RV_OUTPUT_LEN);
    const int failed = send_later(sender, sender->buffer, later);
    return failed != 0 ? failed : sent + (ssize_t)later;
}

int rv_sender_all(rv_sender *sender, const uv_buf_t *bufs, unsigned count) {
    RV_ASSERT(!sender->busy);
    const size_t total = total_len(bufs, count);
    RV_ASSERT(total <= RV_OUTPUT_LEN);
    const ssize_t taken = rv_sender_some(sender, bufs, count);
    RV_ASSERT(taken < 0 || (size_t)taken == total);
    return taken < 0 ? (int)taken : 0;
}
