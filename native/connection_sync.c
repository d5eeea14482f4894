/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection as the WebSocket /sync: the handshake, then whole messages between the peer and an
 * upstream session. A message is asked from the session only when the one before has left.
 */
#include "native/connection.h"
#include "native/handshake.h"

#include <string.h>
#include <sys/mman.h>

#define MESSAGES_MAX 16 /* to one edge before others have their turn */

static ssize_t sync_write(void *ctx, const uv_buf_t *bufs, unsigned count) {
    rv_connection *const c = ctx;
    const ssize_t sent = rv_sender_some(&c->sender, bufs, count);
    if (sent > 0) { /* else the peer has taken nothing since */
        c->sent_ms = uv_now(c->server->loop);
    }
    return sent;
}

static unsigned close_code(rv_status status) {
    RV_ASSERT(status != RV_OK);
    return status == RV_MESSAGE_TOO_LARGE ? RV_CLOSE_TOO_BIG : RV_CLOSE_PROTOCOL;
}

/* A message that is refused ends the session, but first the peer gets to know why. */
static void sync_message(void *ctx, rv_bytes message) {
    rv_connection *const c = ctx;
    if (c->session == NULL || c->close_code != 0) {
        return;
    }
    rv_error err;
    const rv_status status =
        rv_upstream_receive(c->session, message, (int64_t)(uv_hrtime() / 1000), &err);
    if (status != RV_OK) {
        const size_t room = sizeof c->close_reason;
        c->close_code = close_code(status);
        c->close_reason_len = err.detail_len < room ? err.detail_len : room;
        memcpy(c->close_reason, err.detail, c->close_reason_len);
    }
}

/* What the request lacks to be a handshake for /sync; RV_OK: nothing. */
static rv_status handshake_check(const rv_http_request *r, rv_error *err) {
    const rv_http_headers *const h = &r->headers;
    const rv_bytes method = rv_bytes_of_string(rv_http_request_method(r));
    if (!r->upgrade || !rv_handshake_list_has(h->upgrade, "websocket", true)) {
        return rv_error_set(err, RV_REQUEST_INVALID,
                            "/sync is a WebSocket: connect with `Upgrade: websocket`");
    }
    if (!rv_bytes_are(method, "GET") || r->parser.http_minor < 1) {
        return rv_error_set(err, RV_REQUEST_INVALID, "a WebSocket begins with GET, HTTP/1.1");
    }
    if (!rv_bytes_are(h->ws_version, "13")) {
        return rv_error_set(err, RV_REQUEST_INVALID, "`Sec-WebSocket-Version` must be 13, not `%b`",
                            &h->ws_version);
    }
    if (!rv_handshake_key_valid(h->ws_key)) {
        return rv_error_set(err, RV_REQUEST_INVALID,
                            "`Sec-WebSocket-Key` must be base64 of 16 bytes");
    }
    if (!rv_handshake_list_has(h->ws_protocol, RV_WIRE_SUBPROTOCOL, false)) {
        return rv_error_set(err, RV_REQUEST_INVALID,
                            "`Sec-WebSocket-Protocol` must offer `" RV_WIRE_SUBPROTOCOL
                            "`, the only one here");
    }
    return RV_OK;
}

/* The WebSocket is over: the connection ends when its last bytes have left. */
static void sync_over(rv_connection *c) {
    RV_ASSERT(c->state == RV_CONNECTION_SYNC);
    if (!c->sender.busy) {
        rv_connection_linger(c);
    }
}

static void sync_close(rv_connection *c, unsigned code, rv_bytes reason) {
    rv_websocket_close(&c->ws, code, reason);
    if (!rv_websocket_flush(&c->ws) || rv_websocket_finished(&c->ws)) {
        sync_over(c);
    }
}

/* Gives the pages of the handshake back: there are many edges, and they stay. If the system's pages
 * are so large that others' are on them, it refuses, and they are kept. */
static void forget_request(rv_connection *c) {
    RV_ASSERT(c->input_len == 0);
    (void)madvise(c->input, RV_INPUT_LEN + RV_REQUEST_LEN, MADV_DONTNEED);
}

void rv_connection_sync_open(rv_connection *c) {
    static const rv_websocket_ops ops = {sync_write, sync_message};
    RV_ASSERT(c->session == NULL);
    const rv_http_request *const r = &c->request;
    rv_error err;
    if (handshake_check(r, &err) != RV_OK) {
        const bool other = !r->upgrade || !rv_bytes_are(r->headers.ws_version, "13");
        rv_connection_refuse(c, other ? 426 : 400, &err,
                             other ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : "");
        return;
    }
    const int64_t now = (int64_t)(uv_hrtime() / 1000);
    rv_status status = rv_upstream_open(c->server->instance->upstream, now, &c->session, &err);
    if (status == RV_OK) {
        status = rv_websocket_open(&c->ws, false, &ops, c, &err);
        if (status != RV_OK) {
            rv_upstream_close(c->session);
        }
    }
    if (status != RV_OK) {
        c->session = NULL;
        rv_connection_refuse(c, rv_status_http(status), &err, "Retry-After: 5\r\n");
        return;
    }
    char accept[RV_HANDSHAKE_ACCEPT_LEN + 1];
    uint8_t bytes[512];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_handshake_accept(r->headers.ws_key, accept);
    rv_write_text(&w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    rv_write_text(&w, accept);
    rv_write_text(&w, "\r\nSec-WebSocket-Protocol: " RV_WIRE_SUBPROTOCOL "\r\n\r\n");
    RV_ASSERT(!w.full && !c->sender.busy);
    c->state = RV_CONNECTION_SYNC;
    rv_server_to_sync(c->server, c);
    rv_upstream_set_owner(c->session, c);
    const uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)w.len);
    if (rv_sender_all(&c->sender, &buf, 1) != 0) {
        rv_connection_close(c);
        return;
    }
    const rv_bytes rest = rv_bytes_of(c->input + c->input_start, c->input_len - c->input_start);
    c->input_start = c->input_len = 0;
    if (rest.len > 0) {
        rv_connection_sync_receive(c, rest);
    }
    if (c->state == RV_CONNECTION_SYNC) {
        forget_request(c);
    }
}

void rv_connection_sync_receive(rv_connection *c, rv_bytes bytes) {
    RV_ASSERT(c->state == RV_CONNECTION_SYNC);
    if (!rv_websocket_receive(&c->ws, bytes)) {
        sync_over(c);
        return;
    }
    rv_connection_sync_ask(c, (int64_t)(uv_hrtime() / 1000));
}

void rv_connection_sync_ask(rv_connection *c, int64_t now) {
    RV_ASSERT(c->state == RV_CONNECTION_SYNC);
    for (unsigned i = 0; i < MESSAGES_MAX; i++) {
        if (!rv_websocket_flush(&c->ws) || rv_websocket_finished(&c->ws)) {
            sync_over(c);
            return;
        }
        rv_bytes message;
        if (!rv_websocket_sent(&c->ws)) {
            return;
        }
        if (!rv_upstream_send(c->session, now, &message)) {
            if (c->close_code != 0) {
                sync_close(c, c->close_code, rv_bytes_of(c->close_reason, c->close_reason_len));
            } else if (rv_upstream_finished(c->session)) {
                sync_close(c, RV_CLOSE_NORMAL, (rv_bytes){0});
            }
            return;
        }
        rv_websocket_send(&c->ws, message);
    }
    c->server->again = true;
}

void rv_connection_sync_stop(rv_connection *c) {
    RV_ASSERT(c->state == RV_CONNECTION_SYNC);
    rv_websocket_goodbye(&c->ws);
    if (!rv_websocket_flush(&c->ws) || rv_websocket_finished(&c->ws)) {
        sync_over(c);
    }
}
