/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket (RFC 6455) after its handshake, either side, over a connection that someone else
 * owns: bytes received go in, whole binary messages come out, and what is to be sent leaves through
 * a function that may take part of it. wslay does the framing: masks, fragments, pings (answered by
 * themselves), close codes. Memory: wslay's, for the message being received and those being sent;
 * both are bounded by RV_WIRE_MESSAGE_MAX and by asking rv_websocket_sent before sending.
 */
#ifndef RV_NATIVE_WEBSOCKET_H
#define RV_NATIVE_WEBSOCKET_H

#include "native/limits.h"

#include <uv.h>
#include <wslay/wslay.h>

/* Close codes that are used here (RFC 6455, section 7.4.1). */
#define RV_CLOSE_NORMAL      WSLAY_CODE_NORMAL_CLOSURE
#define RV_CLOSE_GOING_AWAY  WSLAY_CODE_GOING_AWAY
#define RV_CLOSE_PROTOCOL    WSLAY_CODE_PROTOCOL_ERROR
#define RV_CLOSE_UNSUPPORTED WSLAY_CODE_UNSUPPORTED_DATA
#define RV_CLOSE_TOO_BIG     WSLAY_CODE_MESSAGE_TOO_BIG
#define RV_CLOSE_INTERNAL    WSLAY_CODE_INTERNAL_SERVER_ERROR

typedef struct rv_websocket_ops {
    /* As rv_sender_some. */
    ssize_t (*write)(void *ctx, const uv_buf_t *bufs, unsigned count);
    /* A whole binary message; borrowed for the call. May send and close. */
    void (*message)(void *ctx, rv_bytes message);
} rv_websocket_ops;

typedef struct rv_websocket {
    wslay_event_context_ptr wslay; /* NULL: not open */
    const rv_websocket_ops *ops;
    void *ctx;
    rv_bytes input;     /* of the receive under way */
    uint8_t header[16]; /* of a frame whose payload is to go with it */
    size_t header_len;
} rv_websocket;

/* RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_websocket_open(rv_websocket *ws, bool client, const rv_websocket_ops *ops,
                                        void *ctx, rv_error *err);
void rv_websocket_free(rv_websocket *ws); /* also when it is not open */

/* Takes bytes that came. False: it is over, or what answers them (pongs) is not read: send what is
 * left and close the connection. */
RV_MUST_USE bool rv_websocket_receive(rv_websocket *ws, rv_bytes bytes);

/* Queue a message (copied) or a ping; rv_websocket_flush sends. */
void rv_websocket_send(rv_websocket *ws, rv_bytes message);
void rv_websocket_ping(rv_websocket *ws);

/* Queues a close frame and sends what goes out at once; nothing is received after it. `reason` has
 * up to 123 bytes. */
void rv_websocket_close(rv_websocket *ws, unsigned code, rv_bytes reason);

/* The node stops in good order: says so in a message, if the connection takes it now, and in a
 * close frame. */
void rv_websocket_goodbye(rv_websocket *ws);

/* Goes on sending, after the connection was busy. False: the connection failed. */
RV_MUST_USE bool rv_websocket_flush(rv_websocket *ws);

/* True when everything queued has left. */
bool rv_websocket_sent(const rv_websocket *ws);

/* True when nothing is to be sent or received any more. */
bool rv_websocket_finished(const rv_websocket *ws);

#endif
