/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sending half of a TCP connection, bounded: bytes go to the socket at once as far as it takes
 * them; what is left waits in a buffer of fixed size, one write at a time. While that is under way
 * the sender is busy, and who has more to send is told when it no longer is. So nothing is ever
 * queued behind a slow peer but that one buffer.
 *
 * With a TLS session (native/tls.h) the bytes are sealed first, and what the peer sends is opened
 * here, too, since that may have an answer. No record is begun while the sender is busy.
 */
#ifndef RV_NATIVE_SENDER_H
#define RV_NATIVE_SENDER_H

#include "native/tls.h"

#include <uv.h>

typedef struct rv_sender rv_sender;

/* The write is over: `failed` is 0 or libuv's error. */
typedef void (*rv_sender_done)(rv_sender *sender, int failed);

struct rv_sender {
    uv_stream_t *stream;
    uv_write_t request;
    uint8_t *buffer; /* RV_OUTPUT_LEN bytes; with TLS RV_TLS_SEALED_LEN */
    rv_sender_done done;
    bool busy;
    rv_tls *tls;     /* NULL: bytes leave as they are */
    uint8_t *sealed; /* RV_TLS_SEALED_LEN bytes, used for the time of a call */
};

void rv_sender_init(rv_sender *sender, uv_stream_t *stream, uint8_t *buffer, rv_sender_done done);

/* From now on over this session, which stays the caller's; `sealed` may be that of all senders.
 * NULL, NULL: without one again. */
void rv_sender_secure(rv_sender *sender, rv_tls *tls, uint8_t *sealed);

/* Sends some of `bytes`: returns how many were taken, 0 while busy, or libuv's error (< 0). */
RV_MUST_USE ssize_t rv_sender_some(rv_sender *sender, const uv_buf_t *bufs, unsigned count);

/* Sends all of at most RV_OUTPUT_LEN bytes. 0 or libuv's error. Must not be busy. */
RV_MUST_USE int rv_sender_all(rv_sender *sender, const uv_buf_t *bufs, unsigned count);

/* As rv_tls_receive; what the session has to say to that is sent. */
RV_MUST_USE rv_tls_result rv_sender_receive(rv_sender *sender, rv_bytes *sealed, rv_writer *plain,
                                            rv_error *err);

/* Tells the peer that no more will be sent, if there is TLS and the socket takes it now. */
void rv_sender_end(rv_sender *sender);

#endif
