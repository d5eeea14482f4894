/* SPDX-License-Identifier: Apache-2.0 */
#include "native/link.h"

#include "cli/token.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MESSAGES_MAX 16 /* to the upstream before others have their turn */

static int64_t now_us(void) {
    return (int64_t)(uv_hrtime() / 1000);
}

static void set_state(rv_link *link, rv_link_state state) {
    link->state = state;
    link->since_ms = link->heard_ms = uv_now(link->loop);
    link->pinged = false;
}

/* --- closing --- */

/* There is no connection any more, for `reason`. */
static void closed(rv_link *link) {
    RV_ASSERT(link->found == NULL && link->tls == NULL);
    set_state(link, RV_LINK_IDLE);
    rv_edge_closed(link->edge, &link->reason, now_us());
}

static void on_closed(uv_handle_t *handle) {
    rv_link *const link = handle->data;
    RV_ASSERT(link->state == RV_LINK_CLOSING);
    rv_websocket_free(&link->ws);
    rv_tls_free(link->tls);
    link->tls = NULL;
    uv_freeaddrinfo(link->found);
    link->found = link->next = NULL;
    closed(link);
}

static unsigned close_code(rv_status status) {
    RV_ASSERT(status != RV_OK);
    switch (status) {
    case RV_MESSAGE_TOO_LARGE:
        return RV_CLOSE_TOO_BIG;
    case RV_UPSTREAM_UNREACHABLE: /* the upstream said goodbye, or was silent */
        return RV_CLOSE_NORMAL;
    default:
        return RV_CLOSE_PROTOCOL;
    }
}

void rv_link_fail(rv_link *link, const rv_error *err) {
    RV_ASSERT(err->status != RV_OK);
    if (link->state == RV_LINK_IDLE || link->state == RV_LINK_CLOSING) {
        return;
    }
    link->reason = *err;
    if (link->state == RV_LINK_RESOLVING) { /* the look-up goes on: for the next attempt */
        closed(link);
        return;
    }
    if (link->state == RV_LINK_RETRYING) { /* its socket is being closed already */
        set_state(link, RV_LINK_CLOSING);
        return;
    }
    if (link->state == RV_LINK_OPEN && !rv_websocket_finished(&link->ws)) {
        rv_websocket_close(&link->ws, close_code(err->status), rv_error_detail(err));
    }
    if (link->state == RV_LINK_OPEN) {
        rv_sender_end(&link->sender);
    }
    set_state(link, RV_LINK_CLOSING);
    uv_close((uv_handle_t *)&link->tcp, on_closed);
}

static void fail(rv_link *link, rv_status status, const char *what, const char *why) {
    rv_error err;
    rv_error_set(&err, status, "%s %s:%s%s%s", what, link->address.host, link->address.port,
                 why == NULL ? "" : ": ", why == NULL ? "" : why);
    rv_link_fail(link, &err);
}

/* --- the handshake's answer --- */

static int on_field(llhttp_t *parser, const char *at, size_t len) {
    rv_link *const link = parser->data;
    if (link->in_value) {
        link->in_value = false;
        link->name_len = 0;
    }
    for (size_t i = 0; i < len && link->name_len + i < sizeof link->name; i++) {
        link->name[link->name_len + i] = at[i];
    }
    link->name_len += len;
    link->head_len += len;
    return link->head_len > RV_HEAD_LEN_MAX ? HPE_USER : HPE_OK;
}

static bool name_is(const rv_link *link, const char *name) {
    RV_ASSERT(strlen(name) < sizeof link->name);
    return link->name_len == strlen(name) && strncasecmp(link->name, name, link->name_len) == 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len) {
    rv_link *const link = parser->data;
    if (!link->in_value) {
        link->in_value = true;
        link->value = NULL;
        if (name_is(link, "sec-websocket-accept")) {
            link->value = link->accept;
            link->value_len = &link->accept_len;
            link->value_cap = sizeof link->accept;
        } else if (name_is(link, "sec-websocket-protocol")) {
            link->value = link->protocol;
            link->value_len = &link->protocol_len;
            link->value_cap = sizeof link->protocol;
        }
    }
    for (size_t i = 0; link->value != NULL && i < len && *link->value_len + 1 < link->value_cap;
         i++) {
        link->value[(*link->value_len)++] = at[i];
    }
    link->head_len += len;
    return link->head_len > RV_HEAD_LEN_MAX ? HPE_USER : HPE_OK;
}

static int on_head_done(llhttp_t *parser) {
    rv_link *const link = parser->data;
    link->head_done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t response_settings = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head_done,
};

/* Judges the answer: RV_OK, or what was met instead of a Rivulet. */
static rv_status answer_check(const rv_link *link, rv_error *err) {
    const int http = link->parser.status_code;
    const char *const host = link->address.host;
    const char *const port = link->address.port;
    if (http == 503 || http == 429 || http == 502 ||
        http == 504) { /* a proxy's, or a busy node's */
        return rv_error_set(err, RV_UPSTREAM_UNREACHABLE,
                            "%s:%s has no room for a connection now: HTTP status %u", host, port,
                            (uint64_t)http);
    }
    if (http == 401 || http == 403) {
        return rv_error_set(err, RV_UPSTREAM_UNAUTHORIZED,
                            "%s:%s takes no connection with these credentials: HTTP status %u",
                            host, port, (uint64_t)http);
    }
    if (http != 101) {
        return rv_error_set(err, RV_UPSTREAM_NOT_RIVULET,
                            "%s:%s answered %s with HTTP status %u instead of opening a WebSocket",
                            host, port, link->address.path, (uint64_t)http);
    }
    if (strcmp(link->accept, link->accept_expected) != 0) {
        return rv_error_set(err, RV_UPSTREAM_NOT_RIVULET,
                            "%s:%s answered with a wrong Sec-WebSocket-Accept", host, port);
    }
    if (strcmp(link->protocol, RV_WIRE_SUBPROTOCOL) != 0) {
        const bool other = strncmp(link->protocol, "rivulet.v", strlen("rivulet.v")) == 0;
        return rv_error_set(
            err, other ? RV_UPSTREAM_VERSION : RV_UPSTREAM_NOT_RIVULET,
            "%s:%s opened a WebSocket of subprotocol `%s`, not `" RV_WIRE_SUBPROTOCOL "`", host,
            port, link->protocol);
    }
    return RV_OK;
}

static void on_message(void *ctx, rv_bytes message) {
    rv_link *const link = ctx;
    if (link->reason.status != RV_OK) {
        return;
    }
    rv_error err; /* may be written even when all is well */
    const rv_status status = rv_edge_receive(link->edge, message, now_us(), &err);
    if (status != RV_OK) {
        link->reason = err;
        rv_websocket_close(&link->ws, close_code(status), rv_error_detail(&link->reason));
    }
}

static ssize_t link_write(void *ctx, const uv_buf_t *bufs, unsigned count) {
    rv_link *const link = ctx;
    return rv_sender_some(&link->sender, bufs, count);
}

/* The WebSocket is over: for the edge's reason, or as the peer wished. */
static void ended(rv_link *link) {
    if (link->reason.status != RV_OK) {
        const rv_error reason = link->reason;
        rv_link_fail(link, &reason);
        return;
    }
    fail(link, RV_UPSTREAM_UNREACHABLE, "the connection was closed by", NULL);
}

static void opened(rv_link *link, rv_bytes rest) {
    static const rv_websocket_ops ops = {link_write, on_message};
    rv_error err;
    rv_status status = answer_check(link, &err);
    if (status == RV_OK) {
        status = rv_websocket_open(&link->ws, true, &ops, link, &err);
    }
    if (status != RV_OK) {
        rv_link_fail(link, &err);
        return;
    }
    set_state(link, RV_LINK_OPEN);
    rv_edge_opened(link->edge, now_us());
    if (rest.len > 0 && !rv_websocket_receive(&link->ws, rest)) {
        ended(link);
    }
}

static void handshake_receive(rv_link *link, rv_bytes bytes) {
    const char *const start = (const char *)bytes.ptr;
    const llhttp_errno_t error = llhttp_execute(&link->parser, start, bytes.len);
    if (link->head_done) {
        const char *const end = llhttp_get_error_pos(&link->parser);
        const size_t used = end == NULL ? bytes.len : (size_t)(end - start);
        opened(link, rv_bytes_from(bytes, used));
    } else if (error != HPE_OK) {
        fail(link, RV_UPSTREAM_NOT_RIVULET, "something that is not HTTP answered at", NULL);
    }
}

/* --- the socket --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    rv_link *const link = handle->data;
    (void)suggested;
    *buf = uv_buf_init((char *)link->receive, RV_OUTPUT_LEN);
}

static void receive(rv_link *link, rv_bytes bytes) {
    if (link->state == RV_LINK_HANDSHAKE) {
        handshake_receive(link, bytes);
    } else if (!rv_websocket_receive(&link->ws, bytes)) {
        ended(link);
    }
}

/* The peer sends no more. */
static void peer_closed(rv_link *link) {
    fail(link, link->state == RV_LINK_HANDSHAKE ? RV_UPSTREAM_NOT_RIVULET : RV_UPSTREAM_UNREACHABLE,
         "the connection was closed by", NULL);
}

/* TLS ended it, or never came about. */
static void tls_failed(rv_link *link, const rv_error *why) {
    const bool untrusted = why->status == RV_CERTIFICATE_UNTRUSTED;
    char text[RV_ERROR_DETAIL_MAX + 32];
    rv_writer w = rv_writer_over(text, sizeof text - 1);
    rv_write_text(&w, untrusted ? "its certificate " : "");
    rv_write(&w, rv_error_detail(why));
    RV_ASSERT(!w.full);
    text[w.len] = '\0';
    fail(link, why->status, untrusted ? "cannot trust" : "cannot speak TLS with", text);
}

static int handshake_send(rv_link *link);

/* Opens what came and hands it on; the WebSocket's handshake begins when that of TLS is over. */
static void sealed_receive(rv_link *link, rv_bytes bytes) {
    rv_tls_result result;
    do { /* for each record that came */
        rv_error err;
        rv_writer plain = rv_writer_over(link->plain, RV_TLS_PLAIN_LEN);
        result = rv_sender_receive(&link->sender, &bytes, &plain, &err);
        if (result == RV_TLS_FAILED) {
            tls_failed(link, &err);
        } else if (result == RV_TLS_END) {
            peer_closed(link);
        } else if (result == RV_TLS_DATA && !link->asked) {
            fail(link, RV_UPSTREAM_NOT_RIVULET, "cannot speak with",
                 "it spoke before it was asked");
        } else if (result == RV_TLS_DATA) {
            receive(link, rv_writer_bytes(&plain));
        }
    } while (result == RV_TLS_DATA && link->state != RV_LINK_CLOSING);
    if (link->state == RV_LINK_HANDSHAKE && !link->asked && rv_tls_established(link->tls)) {
        link->asked = true;
        const int failed = handshake_send(link);
        if (failed != 0) {
            fail(link, RV_UPSTREAM_UNREACHABLE, "cannot send to", uv_strerror(failed));
        }
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
    rv_link *const link = stream->data;
    if (count == 0 || link->state == RV_LINK_CLOSING) {
        return;
    }
    if (count == UV_EOF) {
        peer_closed(link);
        return;
    }
    if (count < 0) {
        fail(link, RV_UPSTREAM_UNREACHABLE, "the connection was closed by",
             uv_strerror((int)count));
        return;
    }
    link->heard_ms = uv_now(link->loop);
    link->pinged = false;
    const rv_bytes bytes = rv_bytes_of(buf->base, (size_t)count);
    if (link->tls != NULL) {
        sealed_receive(link, bytes);
    } else {
        receive(link, bytes);
    }
}

static void on_sent(rv_sender *sender, int failed) {
    rv_link *const link = sender->stream->data;
    if (failed != 0 && link->state != RV_LINK_CLOSING) {
        fail(link, RV_UPSTREAM_UNREACHABLE, "cannot send to", uv_strerror(failed));
    }
}

static int handshake_send(rv_link *link) {
    uint8_t random[16];
    char key[RV_HANDSHAKE_KEY_LEN + 1];
    uint8_t bytes[2048];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    const rv_address *const a = &link->address;
    const int failed = uv_random(NULL, NULL, random, sizeof random, 0, NULL);
    if (failed != 0) {
        return failed;
    }
    rv_handshake_key(random, key);
    rv_handshake_accept(rv_bytes_of_string(key), link->accept_expected);
    const bool v6 = strchr(a->host, ':') != NULL;
    const char *const parts[] = {"GET ",
                                 a->path,
                                 " HTTP/1.1\r\nHost: ",
                                 v6 ? "[" : "",
                                 a->host,
                                 v6 ? "]:" : ":",
                                 a->port,
                                 "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
                                 key,
                                 "\r\nSec-WebSocket-Protocol: " RV_WIRE_SUBPROTOCOL "\r\n\r\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        rv_write_text(&w, parts[i]);
    }
    RV_ASSERT(!w.full);
    llhttp_init(&link->parser, HTTP_RESPONSE, &response_settings);
    link->parser.data = link;
    link->head_len = link->name_len = link->accept_len = link->protocol_len = 0;
    memset(link->accept, 0, sizeof link->accept);
    memset(link->protocol, 0, sizeof link->protocol);
    link->in_value = link->head_done = false;
    const uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)w.len);
    return rv_sender_all(&link->sender, &buf, 1);
}

/* Begins TLS with the roots that there are now. */
static void tls_begin(rv_link *link) {
    rv_tls_config *config;
    rv_error err;
    RV_ASSERT(link->tls == NULL);
    rv_status status = rv_tls_config_client(&config, link->ca_file, &err);
    if (status == RV_OK) {
        status = rv_tls_open(&link->tls, config, link->address.host, &err);
        rv_tls_config_drop(config); /* the session has it */
    }
    if (status != RV_OK) {
        rv_link_fail(link, &err);
        return;
    }
    link->asked = false;
    rv_sender_secure(&link->sender, link->tls, link->sealed);
    sealed_receive(link, (rv_bytes){0});
}

static void connect_failed(rv_link *link, const char *why);

static void on_connected(uv_connect_t *connect, int failed) {
    rv_link *const link = connect->data;
    if (link->state != RV_LINK_CONNECTING || failed == UV_ECANCELED) {
        return; /* it is being closed, for a reason that is known already */
    }
    if (failed != 0) {
        connect_failed(link, uv_strerror(failed));
        return;
    }
    failed = uv_tcp_nodelay(&link->tcp, 1);
    if (failed == 0) {
        set_state(link, RV_LINK_HANDSHAKE);
        failed = uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
    }
    if (failed == 0 && link->address.secure) {
        tls_begin(link);
        return;
    }
    if (failed == 0) {
        failed = handshake_send(link);
    }
    if (failed != 0) {
        fail(link, RV_UPSTREAM_UNREACHABLE, "cannot connect to", uv_strerror(failed));
    }
}

/* Tries the next address. 0 or libuv's error. */
static int connect_next(rv_link *link) {
    RV_ASSERT(link->next != NULL);
    const struct addrinfo *const one = link->next;
    link->next = one->ai_next;
    set_state(link, RV_LINK_CONNECTING);
    link->connect.data = link;
    return uv_tcp_connect(&link->connect, &link->tcp, one->ai_addr, on_connected);
}

static void socket_open(rv_link *link) {
    const int failed = uv_tcp_init(link->loop, &link->tcp);
    RV_ASSERT(failed == 0);
    link->tcp.data = link;
    rv_sender_init(&link->sender, (uv_stream_t *)&link->tcp, link->output, on_sent);
}

static void on_retry(uv_handle_t *handle) {
    rv_link *const link = handle->data;
    RV_ASSERT(link->state == RV_LINK_RETRYING || link->state == RV_LINK_CLOSING);
    if (link->state == RV_LINK_CLOSING) {
        on_closed(handle);
        return;
    }
    socket_open(link);
    const int failed = connect_next(link);
    if (failed != 0) {
        connect_failed(link, uv_strerror(failed));
    }
}

/* One address failed: the next has its turn, or it was the last. */
static void connect_failed(rv_link *link, const char *why) {
    RV_ASSERT(link->state == RV_LINK_CONNECTING);
    if (link->next == NULL) {
        fail(link, RV_UPSTREAM_UNREACHABLE, "cannot connect to", why);
        return;
    }
    set_state(link, RV_LINK_RETRYING);
    uv_close((uv_handle_t *)&link->tcp, on_retry);
}

static void on_resolved(void *ctx, const char *failed, struct addrinfo *found) {
    rv_link *const link = ctx;
    RV_ASSERT(link->found == NULL && link->lookup != NULL);
    link->lookup = NULL;
    if (link->state != RV_LINK_RESOLVING) { /* it was given up: the next attempt asks anew */
        uv_freeaddrinfo(found);
        return;
    }
    if (failed != NULL || found == NULL) {
        fail(link, RV_UPSTREAM_UNREACHABLE, "cannot find", failed);
        return;
    }
    link->found = link->next = found;
    socket_open(link);
    const int refused = connect_next(link);
    if (refused != 0) {
        connect_failed(link, uv_strerror(refused));
    }
}

/* Gives the edge the token that the file holds now. One that cannot be read changes nothing: it may
 * be about to be written. */
static rv_status token_give(rv_link *link, rv_error *err) {
    rv_bytes token;
    RV_ASSERT(link->edge != NULL);
    if (link->token_file == NULL) {
        return RV_OK;
    }
    const rv_status status = rv_cli_token_file(link->token_file, &token, err);
    if (status == RV_OK) {
        rv_edge_set_token(link->edge, token, now_us());
    }
    return status;
}

static void connect_begin(rv_link *link) {
    RV_ASSERT(link->state == RV_LINK_IDLE);
    const rv_status given = token_give(link, NULL);
    (void)given; /* then with the one that was read before */
    link->reason.status = RV_OK;
    set_state(link, RV_LINK_RESOLVING);
    rv_error err;
    if (link->lookup == NULL && rv_lookup_begin(&link->lookup, link->loop, &link->address,
                                                on_resolved, link, &err) != RV_OK) {
        fail(link, RV_UPSTREAM_UNREACHABLE, "cannot look up", err.detail);
    }
}

/* --- what the daemon calls --- */

rv_status rv_link_create(rv_link **link, uv_loop_t *loop, rv_edge *edge,
                         const rv_link_options *options, rv_error *err) {
    RV_ASSERT(edge != NULL);
    RV_ASSERT(options->address.port[0] != '\0');
    const size_t more = options->address.secure ? RV_TLS_PLAIN_LEN + RV_TLS_SEALED_LEN : 0;
    rv_link *const l = calloc(1, sizeof *l);
    uint8_t *const buffers = calloc(1, RV_TLS_SEALED_LEN + RV_OUTPUT_LEN + more);
    *link = NULL;
    rv_status status = RV_OK;
    if (l == NULL || buffers == NULL) {
        status = rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for the upstream's connection");
    }
    if (status == RV_OK) {
        l->loop = loop;
        l->edge = edge;
        l->address = options->address;
        l->token_file = options->token_file;
        l->ca_file = options->ca_file;
        l->output = buffers;
        l->receive = buffers + RV_TLS_SEALED_LEN;
        status = token_give(l, err);
    }
    if (status == RV_OK && options->address.secure) {
        l->plain = l->receive + RV_OUTPUT_LEN;
        l->sealed = l->plain + RV_TLS_PLAIN_LEN;
    }
    if (status != RV_OK) {
        free(buffers);
        free(l);
        return status;
    }
    *link = l;
    return RV_OK;
}

void rv_link_ask(rv_link *link, int64_t now) {
    RV_ASSERT(link->edge != NULL);
    link->again = false;
    if (link->token_file != NULL && rv_edge_wants_token(link->edge, now)) {
        const rv_status given = token_give(link, NULL);
        (void)given; /* it is wanted again */
    }
    if (link->state == RV_LINK_IDLE && rv_edge_wants_connection(link->edge, now)) {
        connect_begin(link);
    }
    for (unsigned i = 0; i < MESSAGES_MAX && link->state == RV_LINK_OPEN; i++) {
        rv_bytes message;
        if (!rv_websocket_flush(&link->ws) || rv_websocket_finished(&link->ws)) {
            ended(link);
            return;
        }
        if (!rv_websocket_sent(&link->ws) || !rv_edge_send(link->edge, now, &message)) {
            return;
        }
        rv_websocket_send(&link->ws, message);
    }
    link->again = link->state == RV_LINK_OPEN;
}

void rv_link_tick(rv_link *link, int64_t now) {
    RV_ASSERT(link->edge != NULL);
    const uint64_t now_ms = uv_now(link->loop);
    if (link->state == RV_LINK_OPEN) {
        if (now_ms - link->heard_ms > RV_PEER_TIMEOUT_MS) {
            fail(link, RV_UPSTREAM_UNREACHABLE, "nothing was heard for a minute from", NULL);
        } else if (now_ms - link->heard_ms > RV_PING_AFTER_MS && !link->pinged) {
            link->pinged = true;
            rv_websocket_ping(&link->ws);
        }
    } else if (link->state != RV_LINK_IDLE && link->state != RV_LINK_CLOSING &&
               now_ms - link->since_ms > RV_CONNECT_TIMEOUT_MS) {
        if (link->state == RV_LINK_CONNECTING) {
            connect_failed(link, "no answer within ten seconds");
            return;
        }
        fail(link, RV_UPSTREAM_UNREACHABLE, "no answer within ten seconds from", NULL);
    }
    rv_link_ask(link, now);
}

void rv_link_stop(rv_link *link) {
    RV_ASSERT(link != NULL);
    if (link->state == RV_LINK_OPEN) {
        rv_websocket_goodbye(&link->ws);
    }
    rv_error err;
    rv_error_set(&err, RV_CLOSING, "the node stops");
    rv_link_fail(link, &err);
    if (link->lookup != NULL) {
        rv_lookup_forget(link->lookup);
        link->lookup = NULL;
    }
}

bool rv_link_idle(const rv_link *link) {
    return link->state == RV_LINK_IDLE;
}

void rv_link_free(rv_link *link) {
    if (link != NULL) {
        RV_ASSERT(rv_link_idle(link) && link->lookup == NULL);
        free(link->output);
        free(link);
    }
}
