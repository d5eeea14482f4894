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

ssize_t rv_sender_some(rv_sender *sender, const uv_buf_t *bufs, unsigned count) {
    RV_ASSERT(sender->stream != NULL);
    if (sender->busy) {
        return 0;
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
