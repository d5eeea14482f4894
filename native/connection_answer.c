/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a connection answers a whole request: from the request handler, from a file of --public, or
 * by itself (a preflight, a problem before the request reached anybody). Pieces are asked for only
 * when the socket has taken the one before, so an answer holds no more memory than one piece.
 */
#include "native/connection.h"
#include "native/handshake.h"
#include "native/problem.h"
#include "native/response.h"

#define PIECES_MAX     8  /* of one answer before others have their turn */
#define CHUNK_HEAD_LEN 16 /* room for a chunk's size line */

bool rv_connection_send(rv_connection *c, const uv_buf_t *bufs, unsigned count) {
    c->sent_ms = uv_now(c->server->loop);
    const int failed = rv_sender_all(&c->sender, bufs, count);
    if (failed != 0) {
        rv_connection_close(c);
    }
    return failed == 0;
}

void rv_connection_refuse(rv_connection *c, int http, const rv_error *error, const char *extra) {
    RV_ASSERT(!c->sender.busy);
    RV_ASSERT(error->status != RV_OK);
    uint8_t bytes[8192];
    uint8_t lines_bytes[RV_RESPONSE_HEAD_MAX];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_writer lines = rv_writer_over(lines_bytes, sizeof lines_bytes);
    rv_write_text(&lines, extra);
    rv_response_write_origin(&lines, c->allow_origin, rv_access_varies(&c->server->access));
    RV_ASSERT(!lines.full);
    rv_problem_response(&w, http, error, rv_writer_bytes(&lines));
    RV_ASSERT(!w.full);
    rv_connection_release(c);
    c->keep_alive = false;
    c->answered = true;
    c->head.feed = false;
    rv_connection_set_state(c, RV_CONNECTION_RESPOND);
    const uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)w.len);
    if (rv_connection_send(c, &buf, 1) && !c->sender.busy) {
        rv_connection_respond(c, 0);
    }
}

/* --- pieces --- */

static void write_head(rv_connection *c, rv_writer *w) {
    const rv_response_head *const head = &c->head;
    const bool http_1_1 = c->request.parser.http_minor >= 1;
    c->chunked = !head->length_known && http_1_1 && !c->head_only;
    c->keep_alive =
        c->keep_alive && (head->length_known || c->chunked || c->head_only) && !c->server->stopping;
    const rv_response response = {
        .head = head,
        .http_1_1 = http_1_1,
        .chunked = c->chunked,
        .keep_alive = c->keep_alive,
        .etag = c->file.open ? c->file.etag : NULL,
        .allow_origin = c->allow_origin,
        .varies = rv_access_varies(&c->server->access),
        .preflight = c->preflight,
    };
    rv_response_write(w, &response);
}

/* A chunk's size line, right before `piece` in memory; returns where it starts. */
static uint8_t *write_chunk_size(uint8_t *piece, size_t len) {
    uint8_t *at = piece;
    *--at = '\n';
    *--at = '\r';
    do {
        *--at = (uint8_t) "0123456789abcdef"[len & 15];
        len >>= 4;
    } while (len > 0);
    RV_ASSERT(piece - at <= CHUNK_HEAD_LEN);
    return at;
}

/* The body's next piece; as rv_exchange_body. */
static rv_status body_piece(rv_connection *c, int64_t now, rv_writer *w) {
    if (c->head_only) {
        return RV_END;
    }
    if (c->exchange != NULL) {
        return rv_exchange_body(c->exchange, now, w);
    }
    return c->file.open ? rv_public_read(&c->file, w) : RV_END;
}

/* The next piece: head when it is due, body, chunk marks. False: nothing was sent. */
static bool respond_piece(rv_connection *c, int64_t now) {
    RV_ASSERT(!c->sender.busy && !c->answered);
    uint8_t head_bytes[RV_RESPONSE_HEAD_MAX];
    rv_writer head = rv_writer_over(head_bytes, sizeof head_bytes);
    uint8_t *const piece = c->server->piece + CHUNK_HEAD_LEN;
    rv_writer body = rv_writer_over(piece, RV_PIECE_LEN_MAX);
    const rv_status status = body_piece(c, now, &body);
    c->waiting = status == RV_PENDING;
    if (!c->head_sent) {
        write_head(c, &head);
        c->head_sent = true;
    }
    uv_buf_t bufs[4];
    unsigned count = 0;
    if (head.len > 0) {
        bufs[count++] = uv_buf_init((char *)head_bytes, (unsigned)head.len);
    }
    if (body.len > 0 && c->chunked) {
        uint8_t *const start = write_chunk_size(piece, body.len);
        bufs[count++] = uv_buf_init((char *)start, (unsigned)((size_t)(piece - start) + body.len));
        bufs[count++] = uv_buf_init((char *)(uintptr_t) "\r\n", 2);
    } else if (body.len > 0) {
        bufs[count++] = uv_buf_init((char *)piece, (unsigned)body.len);
    }
    if (status == RV_END) {
        c->answered = true;
        if (c->chunked) {
            bufs[count++] = uv_buf_init((char *)(uintptr_t) "0\r\n\r\n", 5);
        }
    } else if (status != RV_OK && status != RV_PENDING) { /* cut off: the peer must see that */
        rv_connection_close(c);
        return false;
    }
    return count > 0 && rv_connection_send(c, bufs, count);
}

/* After the last byte of an answer: the next request, or the end. */
static void answer_over(rv_connection *c) {
    RV_ASSERT(c->answered && !c->sender.busy);
    rv_connection_release(c);
    if (!c->keep_alive || c->eof || c->server->stopping) {
        rv_connection_linger(c);
        return;
    }
    c->allow_origin = (rv_bytes){0};
    rv_http_request_reset(&c->request);
    rv_connection_set_state(c, RV_CONNECTION_HEAD);
}

/* Ends a feed as an answer ends: the peer sees that it was not cut off. */
static void end_feed(rv_connection *c) {
    RV_ASSERT(c->head.feed);
    const uv_buf_t buf = uv_buf_init((char *)(uintptr_t) "0\r\n\r\n", 5);
    c->answered = true;
    c->keep_alive = false;
    const bool sent = !c->chunked || rv_connection_send(c, &buf, 1);
    (void)sent; /* a failure has closed it */
}

void rv_connection_respond(rv_connection *c, int64_t now) {
    for (unsigned i = 0; i < PIECES_MAX; i++) {
        if (c->state != RV_CONNECTION_RESPOND || c->sender.busy) {
            return;
        }
        if (c->server->stopping && c->head.feed && !c->answered) {
            end_feed(c);
        } else if (c->answered) {
            answer_over(c);
            return;
        } else if (!respond_piece(c, now) && c->waiting) {
            return;
        }
    }
    c->server->again = true;
}

/* --- whose answer --- */

/* The head is in `c->head`: the answer begins. */
static void respond_begin(rv_connection *c, int64_t now) {
    RV_ASSERT(c->head.status >= 200);
    rv_connection_set_state(c, RV_CONNECTION_RESPOND);
    c->head_sent = c->answered = c->waiting = false;
    rv_connection_respond(c, now);
}

void rv_connection_exchange_ask(rv_connection *c, int64_t now) {
    RV_ASSERT(c->exchange != NULL);
    if (rv_exchange_head(c->exchange, &c->head) == RV_PENDING) {
        c->server->starved = true;
        return;
    }
    respond_begin(c, now);
}

static void exchange_begin(rv_connection *c, rv_bytes method) {
    const rv_http_headers *const h = &c->request.headers;
    const rv_request request = {
        .method = c->head_only ? RV_LITERAL("GET") : method,
        .target = c->request.target,
        .content_type = h->content_type,
        .accept = h->accept,
        .event_type = h->event_type.len > 0 ? h->event_type : h->event_type_seed,
        .expected_version = h->expected_version,
        .idempotency_key = h->idempotency_key,
        .durability = h->durability,
        .last_event_id = h->last_event_id,
        .metadata = h->metadata,
        .body = rv_bytes_of(c->request.body, c->request.body_len),
        .authorization = h->authorization,
        .guarded = true,
    };
    rv_error err;
    const rv_status status = rv_face_begin(c->server->instance->face, &request, &c->exchange, &err);
    if (status != RV_OK) {
        c->exchange = NULL;
        rv_connection_refuse(c, rv_status_http(status), &err, "Retry-After: 1\r\n");
        return;
    }
    rv_exchange_set_owner(c->exchange, c);
    rv_connection_set_state(c, RV_CONNECTION_EXCHANGE);
    rv_connection_exchange_ask(c, (int64_t)(uv_hrtime() / 1000));
}

/* Answers with the file at the target. False: there is none. */
static bool file_begin(rv_connection *c) {
    rv_error err;
    const rv_status status = rv_public_find(&c->server->shown, c->request.target, &c->file, &err);
    if (status == RV_NOT_FOUND) {
        return false;
    }
    if (status != RV_OK) {
        rv_connection_refuse(c, rv_status_http(status), &err, "Retry-After: 1\r\n");
        return true;
    }
    const rv_bytes known = c->request.headers.if_none_match;
    const bool same = rv_bytes_are(known, "*") || rv_handshake_list_has(known, c->file.etag, false);
    c->head = (rv_response_head){
        .status = same ? 304 : 200,
        .content_type = c->file.media_type,
        .length_known = true,
        .length = c->file.len,
    };
    c->head_only = c->head_only || same;
    respond_begin(c, 0);
    return true;
}

void rv_connection_answer(rv_connection *c) {
    RV_ASSERT(c->exchange == NULL);
    RV_ASSERT(!c->file.open);
    const rv_http_headers *const h = &c->request.headers;
    const rv_bytes method = rv_bytes_of_string(rv_http_request_method(&c->request));
    c->head_only = rv_bytes_are(method, "HEAD");
    c->keep_alive = c->request.keep_alive;
    c->preflight =
        c->allow_origin.len > 0 && h->preflight_method.len > 0 && rv_bytes_are(method, "OPTIONS");
    if (c->preflight) {
        c->head = (rv_response_head){.status = 204, .length_known = true};
        respond_begin(c, 0);
        return;
    }
    const bool read = c->head_only || rv_bytes_are(method, "GET");
    if (!read || !file_begin(c)) {
        exchange_begin(c, method);
    }
}
