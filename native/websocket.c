/* SPDX-License-Identifier: Apache-2.0 */
#include "native/websocket.h"

#include <string.h>

#define CLOSE_REASON_MAX 123 /* a control frame's payload without the code */
#define QUEUED_MAX       16  /* frames that wait: answers to pings of who does not read them */

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *buf, size_t len, int flags,
                       void *user) {
    rv_websocket *const ws = user;
    (void)flags;
    if (ws->input.len == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    const size_t part = len < ws->input.len ? len : ws->input.len;
    memcpy(buf, ws->input.ptr, part);
    ws->input = rv_bytes_from(ws->input, part);
    return (ssize_t)part;
}

/* A frame's header is held back until its payload comes, so that both leave in one packet. */
static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *data, size_t len, int flags,
                       void *user) {
    rv_websocket *const ws = user;
    if ((flags & WSLAY_MSG_MORE) != 0 && ws->header_len + len <= sizeof ws->header) {
        memcpy(ws->header + ws->header_len, data, len);
        ws->header_len += len;
        return (ssize_t)len;
    }
    const uv_buf_t bufs[2] = {
        uv_buf_init((char *)ws->header, (unsigned)ws->header_len),
        uv_buf_init((char *)(uintptr_t)data, (unsigned)len),
    };
    const unsigned skip = ws->header_len == 0 ? 1 : 0;
    const ssize_t sent = ws->ops->write(ws->ctx, bufs + skip, 2 - skip);
    if (sent < 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    if (sent == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    RV_ASSERT((size_t)sent >= ws->header_len); /* the sender's buffer holds any header */
    const ssize_t payload = sent - (ssize_t)ws->header_len;
    ws->header_len = 0;
    if (payload == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    return payload;
}

static int on_mask(wslay_event_context_ptr wslay, uint8_t *buf, size_t len, void *user) {
    (void)wslay;
    (void)user;
    return uv_random(NULL, NULL, buf, len, 0, NULL);
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *arg,
                       void *user) {
    rv_websocket *const ws = user;
    (void)wslay;
    if (arg->opcode == WSLAY_BINARY_FRAME) {
        ws->ops->message(ws->ctx, rv_bytes_of(arg->msg, arg->msg_length));
    } else if (arg->opcode == WSLAY_TEXT_FRAME) {
        rv_websocket_close(ws, RV_CLOSE_UNSUPPORTED, RV_LITERAL("messages are binary here"));
    }
}

rv_status rv_websocket_open(rv_websocket *ws, bool client, const rv_websocket_ops *ops, void *ctx,
                            rv_error *err) {
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_msg_recv_callback = on_message,
    };
    RV_ASSERT(ws->wslay == NULL);
    RV_ASSERT(ops != NULL);
    *ws = (rv_websocket){.ops = ops, .ctx = ctx};
    const int failed = client ? wslay_event_context_client_init(&ws->wslay, &callbacks, ws)
                              : wslay_event_context_server_init(&ws->wslay, &callbacks, ws);
    if (failed != 0) {
        ws->wslay = NULL;
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for a WebSocket");
    }
    wslay_event_config_set_max_recv_msg_length(ws->wslay, RV_WIRE_MESSAGE_MAX);
    return RV_OK;
}

void rv_websocket_free(rv_websocket *ws) {
    RV_ASSERT(ws != NULL);
    if (ws->wslay != NULL) {
        wslay_event_context_free(ws->wslay);
        ws->wslay = NULL;
    }
}

bool rv_websocket_receive(rv_websocket *ws, rv_bytes bytes) {
    RV_ASSERT(ws->wslay != NULL);
    ws->input = bytes;
    const int failed = wslay_event_recv(ws->wslay);
    ws->input = (rv_bytes){0};
    return failed == 0 && rv_websocket_flush(ws) && !rv_websocket_finished(ws) &&
           wslay_event_get_queued_msg_count(ws->wslay) <= QUEUED_MAX;
}

void rv_websocket_send(rv_websocket *ws, rv_bytes message) {
    RV_ASSERT(ws->wslay != NULL);
    RV_ASSERT(message.len <= RV_WIRE_MESSAGE_MAX);
    const struct wslay_event_msg msg = {WSLAY_BINARY_FRAME, message.ptr, message.len};
    if (wslay_event_queue_msg(ws->wslay, &msg) != 0) { /* closing already, or no memory */
        rv_websocket_close(ws, RV_CLOSE_INTERNAL, (rv_bytes){0});
    }
}

void rv_websocket_ping(rv_websocket *ws) {
    RV_ASSERT(ws->wslay != NULL);
    const struct wslay_event_msg msg = {WSLAY_PING, NULL, 0};
    (void)wslay_event_queue_msg(ws->wslay, &msg); /* refused when closing: then it is not needed */
}

void rv_websocket_close(rv_websocket *ws, unsigned code, rv_bytes reason) {
    RV_ASSERT(ws->wslay != NULL);
    RV_ASSERT(code >= 1000 && code < 5000);
    size_t len = reason.len;
    if (len > CLOSE_REASON_MAX) { /* cut before a character, not inside one */
        len = CLOSE_REASON_MAX;
        while (len > 0 && (reason.ptr[len] & 0xc0) == 0x80) {
            len -= 1;
        }
    }
    (void)wslay_event_queue_close(ws->wslay, (uint16_t)code, reason.ptr, len);
    wslay_event_shutdown_read(ws->wslay);
    const bool sent = rv_websocket_flush(ws);
    (void)sent; /* as far as it goes: the owner closes the connection either way */
}

void rv_websocket_goodbye(rv_websocket *ws) {
    RV_ASSERT(ws->wslay != NULL);
    uint8_t bytes[8];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_wire_write_goodbye(&w);
    RV_ASSERT(!w.full);
    rv_websocket_send(ws, rv_writer_bytes(&w));
    const bool sent = rv_websocket_flush(ws); /* a close frame goes before messages that wait */
    (void)sent;
    rv_websocket_close(ws, RV_CLOSE_GOING_AWAY, RV_LITERAL("the node stops"));
}

bool rv_websocket_flush(rv_websocket *ws) {
    RV_ASSERT(ws->wslay != NULL);
    return wslay_event_send(ws->wslay) == 0;
}

bool rv_websocket_sent(const rv_websocket *ws) {
    RV_ASSERT(ws->wslay != NULL);
    return wslay_event_want_write(ws->wslay) == 0;
}

bool rv_websocket_finished(const rv_websocket *ws) {
    RV_ASSERT(ws->wslay != NULL);
    return wslay_event_want_read(ws->wslay) == 0 && wslay_event_want_write(ws->wslay) == 0;
}
