/* SPDX-License-Identifier: Apache-2.0 */
#include "native/connection.h"

#include <string.h>

#define LINGER_MS 2000u

static void advance(rv_connection *c);

static uint64_t now_ms(const rv_connection *c) {
    return uv_now(c->server->loop);
}

void rv_connection_set_state(rv_connection *c, rv_connection_state state) {
    c->state = state;
    c->since_ms = now_ms(c);
}

/* --- closing --- */

void rv_connection_release(rv_connection *c) {
    if (c->exchange != NULL) {
        rv_face_end(c->exchange);
        c->exchange = NULL;
        c->server->again = c->server->again || c->server->starved;
    }
    rv_public_end(&c->file);
    if (c->body_large != NULL) {
        rv_server_give_large(c->server, c->body_large);
        c->body_large = NULL;
        c->server->again = true;
    }
    if (c->session != NULL) {
        rv_upstream_close(c->session);
        c->session = NULL;
    }
}

static void on_closed(uv_handle_t *handle) {
    rv_connection *const c = handle->data;
    RV_ASSERT(c->state == RV_CONNECTION_CLOSING);
    rv_websocket_free(&c->ws);
    rv_tls_free(c->tls);
    c->tls = NULL;
    c->state = RV_CONNECTION_FREE;
    rv_server_release(c->server, c);
}

void rv_connection_close(rv_connection *c) {
    RV_ASSERT(c->state != RV_CONNECTION_FREE);
    if (c->state == RV_CONNECTION_CLOSING) {
        return;
    }
    rv_connection_release(c);
    c->state = RV_CONNECTION_CLOSING;
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/* The same, where nothing was cut off: with TLS the peer is told that. */
static void close_idle(rv_connection *c) {
    rv_sender_end(&c->sender);
    rv_connection_close(c);
}

static void on_shutdown(uv_shutdown_t *request, int failed) {
    (void)request; /* the peer's end, or the time-out, closes the connection */
    (void)failed;
}

void rv_connection_linger(rv_connection *c) {
    RV_ASSERT(!c->sender.busy);
    rv_connection_release(c);
    rv_connection_set_state(c, RV_CONNECTION_LINGER);
    c->sent_ms = now_ms(c);
    rv_sender_end(&c->sender);
    if (c->eof || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0) {
        rv_connection_close(c);
    }
}

/* --- reading --- */

/* Whether what comes goes on at once, past the input buffer. */
static bool passes_input(const rv_connection *c) {
    return c->state == RV_CONNECTION_SYNC || c->state == RV_CONNECTION_LINGER;
}

/* Moves what was not parsed to the front of the input buffer. */
static void input_compact(rv_connection *c) {
    if (c->input_start > 0) {
        memmove(c->input, c->input + c->input_start, c->input_len - c->input_start);
        c->input_len -= c->input_start;
        c->input_start = 0;
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    rv_connection *const c = handle->data;
    (void)suggested;
    if (c->secure || passes_input(c)) {
        *buf =
            uv_buf_init((char *)c->server->receive, c->secure ? RV_TLS_PLAIN_LEN : RV_OUTPUT_LEN);
        return;
    }
    input_compact(c);
    RV_ASSERT(c->input_len < RV_INPUT_LEN);
    *buf = uv_buf_init((char *)c->input + c->input_len, (unsigned)(RV_INPUT_LEN - c->input_len));
}

static void on_eof(rv_connection *c) {
    c->eof = true;
    const bool answering = c->state == RV_CONNECTION_EXCHANGE || c->state == RV_CONNECTION_RESPOND;
    const bool query = c->state == RV_CONNECTION_EXCHANGE && c->exchange != NULL &&
                       rv_exchange_is_query(c->exchange);
    if (!answering || query || (c->state == RV_CONNECTION_RESPOND && c->head.feed)) {
        rv_connection_close(c);
        return;
    }
    uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
}

/* --- TLS --- */

/* The first bytes are here. False: they are a request, without TLS, or there is no memory. */
static bool tls_begin(rv_connection *c) {
    rv_error err;
    RV_ASSERT(c->sealed.len > 0 && !c->sender.busy);
    if (c->sealed.ptr[0] >= 'A' && c->sealed.ptr[0] <= 'Z') { /* a record begins otherwise */
        c->secure = false;
        c->sealed = (rv_bytes){0};
        rv_error_set(&err, RV_REQUEST_INVALID,
                     "this node speaks TLS: the address begins with https:// or wss://");
        rv_connection_refuse(c, 400, &err, "");
        return false;
    }
    if (rv_tls_open(&c->tls, c->server->identity.config, NULL, &err) != RV_OK) {
        rv_connection_close(c);
        return false;
    }
    rv_sender_secure(&c->sender, c->tls, c->server->sealed);
    return true;
}

/* Opens some of what has come, if there is room for it. True: that went further. */
static bool sealed_open(rv_connection *c) {
    if (c->state == RV_CONNECTION_CLOSING || (c->sealed.len == 0 && !c->unopened) ||
        (c->tls == NULL && !tls_begin(c))) {
        return false;
    }
    const bool passes = passes_input(c);
    input_compact(c);
    rv_writer plain = passes ? rv_writer_over(c->server->plain, RV_TLS_PLAIN_LEN)
                             : rv_writer_over(c->input + c->input_len, RV_INPUT_LEN - c->input_len);
    if (plain.cap == 0) {
        return false;
    }
    rv_error err;
    const bool before = rv_tls_established(c->tls);
    const bool busy = c->sender.busy;
    const rv_tls_result result = rv_sender_receive(&c->sender, &c->sealed, &plain, &err);
    c->unopened = result == RV_TLS_DATA;
    if (before != rv_tls_established(c->tls)) {
        c->since_ms = now_ms(c);
    }
    if (c->sender.busy && !busy) {
        c->sent_ms = now_ms(c);
    }
    if (result == RV_TLS_FAILED) {
        rv_connection_close(c);
    } else if (result == RV_TLS_END) {
        c->sealed = (rv_bytes){0};
        on_eof(c);
    } else if (result == RV_TLS_DATA && c->state == RV_CONNECTION_SYNC) {
        rv_connection_sync_receive(c, rv_writer_bytes(&plain));
    } else if (result == RV_TLS_DATA && !passes) {
        c->input_len += plain.len;
    }
    return result == RV_TLS_DATA;
}

/* What waits for room stays with the connection. */
static void sealed_keep(rv_connection *c) {
    RV_ASSERT(c->sealed.len <= RV_TLS_PLAIN_LEN);
    if (c->sealed.len > 0) {
        memcpy(c->kept, c->sealed.ptr, c->sealed.len);
        c->sealed.ptr = c->kept;
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
    rv_connection *const c = stream->data;
    if (count == 0 || c->state == RV_CONNECTION_CLOSING) {
        return;
    }
    if (count == UV_EOF) {
        on_eof(c);
        return;
    }
    if (count < 0) {
        rv_connection_close(c);
        return;
    }
    c->heard_ms = now_ms(c);
    c->pinged = false;
    const rv_bytes bytes = rv_bytes_of(buf->base, (size_t)count);
    if (c->secure) {
        RV_ASSERT(c->sealed.len == 0 && !c->unopened);
        c->sealed = bytes;
        advance(c);
        sealed_keep(c);
    } else if (c->state == RV_CONNECTION_SYNC) {
        rv_connection_sync_receive(c, bytes);
    } else if (c->state != RV_CONNECTION_LINGER) {
        c->input_len += bytes.len;
        advance(c);
    }
}

/* Reads as long as there is room for what comes. */
static void update_reading(rv_connection *c) {
    if (c->state == RV_CONNECTION_CLOSING || c->eof) {
        return;
    }
    const bool full = c->secure ? c->sealed.len > 0 || c->unopened
                                : c->input_len - c->input_start == RV_INPUT_LEN && !passes_input(c);
    if (full == c->reading) {
        c->reading = !full;
        const int failed = c->reading ? uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read)
                                      : uv_read_stop((uv_stream_t *)&c->tcp);
        if (failed != 0) {
            rv_connection_close(c);
        }
    }
}

/* --- requests --- */

/* The head is there. False: the connection waits for a buffer, or left HTTP. */
static bool head_received(rv_connection *c) {
    rv_http_request *const r = &c->request;
    rv_error err;
    const rv_status status =
        rv_access_check(&c->server->access, &r->headers, &c->allow_origin, &err);
    if (status != RV_OK) {
        rv_connection_refuse(c, rv_status_http(status), &err, "");
        return false;
    }
    rv_bytes path = r->target;
    for (size_t i = 0; i < path.len; i++) {
        path.len = path.ptr[i] == '?' ? i : path.len;
    }
    if (rv_bytes_are(path, "/sync")) {
        rv_connection_sync_open(c);
        return false;
    }
    if (r->body_len_needed > 0) {
        const rv_status known =
            rv_face_knows(c->server->instance->face, r->headers.authorization, &err);
        if (known != RV_OK) { /* the few large buffers are for who is let in */
            rv_connection_refuse(c, rv_status_http(known), &err, "WWW-Authenticate: Bearer\r\n");
            return false;
        }
        c->body_large = rv_server_take_large(c->server);
        if (c->body_large == NULL) {
            rv_connection_set_state(c, RV_CONNECTION_LARGE);
            return false;
        }
        rv_http_request_body_to(r, c->body_large->bytes, RV_REQUEST_BODY_MAX);
    }
    if (r->expects_continue && c->input_start == c->input_len) {
        const uv_buf_t buf = uv_buf_init((char *)(uintptr_t) "HTTP/1.1 100 Continue\r\n\r\n", 25);
        if (!rv_connection_send(c, &buf, 1)) {
            return false;
        }
    }
    rv_connection_set_state(c, RV_CONNECTION_BODY);
    return true;
}

/* Parses what there is of one request. False: nothing more can be done for now. */
static bool parse(rv_connection *c) {
    RV_ASSERT(c->input_start <= c->input_len);
    if (c->state == RV_CONNECTION_LARGE) {
        return head_received(c);
    }
    if (c->input_start == c->input_len && c->state == RV_CONNECTION_HEAD) {
        return false;
    }
    if (c->state == RV_CONNECTION_HEAD && !c->request.started) {
        c->since_ms = now_ms(c);
    }
    size_t used = 0;
    const rv_bytes input = rv_bytes_of(c->input + c->input_start, c->input_len - c->input_start);
    const rv_http_event event = rv_http_request_feed(&c->request, input, &used);
    c->input_start += used;
    switch (event) {
    case RV_HTTP_MORE:
        return false;
    case RV_HTTP_HEAD:
        return head_received(c);
    case RV_HTTP_DONE:
        rv_connection_answer(c);
        return true;
    case RV_HTTP_REFUSED:
        break;
    }
    rv_connection_refuse(c, c->request.error_http, &c->request.error, "");
    return false;
}

/* Not while a 100, or what TLS has to say, is still on its way: any answer must wait for it. */
static bool wants_input(const rv_connection *c) {
    return !c->sender.busy && (c->state == RV_CONNECTION_HEAD || c->state == RV_CONNECTION_BODY ||
                               c->state == RV_CONNECTION_LARGE);
}

/* Goes on with requests as far as input reaches: each round uses input or ends the loop. */
static void advance(rv_connection *c) {
    do {
        while (wants_input(c) && parse(c)) {
        }
    } while (c->secure && sealed_open(c));
    update_reading(c);
}

/* --- what happens to it --- */

static void on_sent(rv_sender *sender, int failed) {
    rv_connection *const c = sender->stream->data;
    if (c->state == RV_CONNECTION_CLOSING) {
        return;
    }
    if (failed != 0) {
        rv_connection_close(c);
    } else if (c->state == RV_CONNECTION_SYNC) {
        rv_connection_sync_ask(c, (int64_t)(uv_hrtime() / 1000));
    } else {
        rv_connection_respond(c, (int64_t)(uv_hrtime() / 1000)); /* if it is being answered */
        advance(c);
    }
}

void rv_connection_init(rv_connection *c, rv_server *server, uint8_t *buffers) {
    RV_ASSERT(server != NULL);
    uint8_t *const output = buffers + RV_INPUT_LEN + RV_REQUEST_LEN;
    *c = (rv_connection){.server = server, .input = buffers, .secure = rv_server_secure(server)};
    c->kept = c->secure ? output + RV_TLS_SEALED_LEN : NULL;
    rv_http_request_init(&c->request, buffers + RV_INPUT_LEN);
    rv_sender_init(&c->sender, (uv_stream_t *)&c->tcp, output, on_sent);
}

void rv_connection_accept(rv_connection *c) {
    RV_ASSERT(c->state == RV_CONNECTION_FREE);
    rv_server *const server = c->server;
    int failed = uv_tcp_init(server->loop, &c->tcp);
    RV_ASSERT(failed == 0);
    c->tcp.data = c;
    rv_connection_set_state(c, RV_CONNECTION_HEAD);
    c->heard_ms = c->since_ms;
    failed = uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&c->tcp);
    if (failed != 0 || uv_tcp_nodelay(&c->tcp, 1) != 0) {
        rv_connection_close(c);
        return;
    }
    update_reading(c);
}

/* A feed that waits is asked when it is woken; any other connection whenever something moves. */
static void settle(rv_connection *c) {
    if (c->state == RV_CONNECTION_SYNC || c->state == RV_CONNECTION_CLOSING) {
        return;
    }
    if (c->state == RV_CONNECTION_RESPOND && c->exchange != NULL && !c->sender.busy &&
        rv_exchange_waits(c->exchange)) {
        rv_server_to_waiting(c->server, c);
    } else {
        rv_server_to_asked(c->server, c);
    }
}

void rv_connection_wake(rv_server *server) {
    rv_face *const face = server->instance->face;
    rv_face_look(face);
    for (rv_connection *c = rv_face_next_woken(face); c != NULL; c = rv_face_next_woken(face)) {
        RV_ASSERT(c->exchange != NULL);
        c->waiting = false; /* it is asked whether the node has moved or not */
        rv_server_to_asked(server, c);
    }
}

void rv_connection_ask(rv_connection *c, bool moved, int64_t now) {
    RV_ASSERT(c->state != RV_CONNECTION_FREE);
    if (c->state == RV_CONNECTION_EXCHANGE && c->exchange != NULL) {
        rv_connection_exchange_ask(c, now);
    } else if (c->state == RV_CONNECTION_RESPOND && (moved || !c->waiting)) {
        rv_connection_respond(c, now);
    } else if (c->state != RV_CONNECTION_LARGE) {
        return;
    }
    advance(c);
    settle(c);
}

/* How long the state may last; 0: no bound here. */
static uint64_t patience_ms(const rv_connection *c) {
    const bool shakes_hands = c->secure && (c->tls == NULL || !rv_tls_established(c->tls));
    switch (c->state) {
    case RV_CONNECTION_HEAD:
        return c->request.started || shakes_hands ? RV_HEAD_TIMEOUT_MS : RV_IDLE_TIMEOUT_MS;
    case RV_CONNECTION_BODY:
    case RV_CONNECTION_LARGE:
        return RV_BODY_TIMEOUT_MS;
    case RV_CONNECTION_LINGER:
        return LINGER_MS;
    default:
        return 0;
    }
}

void rv_connection_tick(rv_connection *c, uint64_t at_ms) {
    RV_ASSERT(c->state != RV_CONNECTION_FREE);
    const bool keeps = c->state == RV_CONNECTION_RESPOND && c->exchange != NULL &&
                       rv_exchange_keeps_others(c->exchange, (int64_t)at_ms * 1000);
    if ((c->sender.busy && at_ms - c->sent_ms > RV_WRITE_TIMEOUT_MS) || keeps) {
        rv_connection_close(c);
        return;
    }
    const uint64_t patience = patience_ms(c);
    if (c->tls != NULL && at_ms - c->heard_ms > RV_TICK_MS) {
        rv_tls_rest(c->tls);
    }
    if (c->state == RV_CONNECTION_SYNC) {
        if (at_ms - c->heard_ms > RV_PEER_TIMEOUT_MS) {
            rv_connection_close(c);
        } else if (at_ms - c->heard_ms > RV_PING_AFTER_MS && !c->pinged) {
            c->pinged = true;
            rv_websocket_ping(&c->ws);
        }
    } else if (patience > 0 && at_ms - c->since_ms > patience) {
        const bool idle = c->state == RV_CONNECTION_HEAD && !c->request.started;
        if (idle || c->state == RV_CONNECTION_LINGER || c->sender.busy) {
            close_idle(c);
            return;
        }
        rv_error err;
        rv_error_set(&err, RV_REQUEST_INVALID, "the request did not arrive within %u seconds",
                     patience / 1000);
        rv_connection_refuse(c, 408, &err, "");
    }
}

void rv_connection_stop(rv_connection *c) {
    RV_ASSERT(c->server->stopping);
    if (c->state == RV_CONNECTION_SYNC) {
        rv_connection_sync_stop(c);
    } else if (c->state == RV_CONNECTION_HEAD && !c->request.started) {
        close_idle(c);
    } else if (c->state == RV_CONNECTION_RESPOND && c->head.feed) {
        rv_connection_respond(c, 0);
    }
}
