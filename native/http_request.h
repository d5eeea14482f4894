/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads HTTP/1.1 requests (RFC 9112) out of bytes as they come, with llhttp. It knows no socket and
 * takes no memory: head and small bodies go to a buffer given at the start, large bodies to one
 * that the caller gives after the head.
 *
 *     feed -> RV_HTTP_MORE    all input used; come again with more
 *             RV_HTTP_HEAD    the head is there: look at `upgrade`, `expects_continue` and
 *                             `body_len_needed`, give a body buffer if needed, feed again
 *             RV_HTTP_DONE    the request is whole; its bytes stay valid until the next _reset
 *             RV_HTTP_REFUSED malformed or too large: `error` and `error_http` say why; the
 *                             connection cannot go on
 */
#ifndef RV_NATIVE_HTTP_REQUEST_H
#define RV_NATIVE_HTTP_REQUEST_H

#include "native/limits.h"

#include <llhttp.h>

typedef enum rv_http_event {
    RV_HTTP_MORE,
    RV_HTTP_HEAD,
    RV_HTTP_DONE,
    RV_HTTP_REFUSED
} rv_http_event;

/* The headers that mean something here; the values of others are read over. X(member, name) */
#define RV_HTTP_HEADERS(X)                                                                         \
    X(content_type, "content-type")                                                                \
    X(accept, "accept")                                                                            \
    X(event_type, "x-event-type")                                                                  \
    X(event_type_seed, "xevent-type")                                                              \
    X(expected_version, "expected-version")                                                        \
    X(idempotency_key, "idempotency-key")                                                          \
    X(durability, "durability")                                                                    \
    X(last_event_id, "last-event-id")                                                              \
    X(metadata, "x-event-metadata")                                                                \
    X(authorization, "authorization")                                                              \
    X(expect, "expect")                                                                            \
    X(host, "host")                                                                                \
    X(origin, "origin")                                                                            \
    X(preflight_method, "access-control-request-method")                                           \
    X(content_encoding, "content-encoding")                                                        \
    X(if_none_match, "if-none-match")                                                              \
    X(upgrade, "upgrade")                                                                          \
    X(ws_key, "sec-websocket-key")                                                                 \
    X(ws_version, "sec-websocket-version")                                                         \
    X(ws_protocol, "sec-websocket-protocol")

typedef struct rv_http_headers {
#define RV_HTTP_HEADER_MEMBER(member, name) rv_bytes member;
    RV_HTTP_HEADERS(RV_HTTP_HEADER_MEMBER)
#undef RV_HTTP_HEADER_MEMBER
} rv_http_headers;

#define RV_HTTP_HEADER_NAME_MAX 32 /* longer than any that is known */

typedef struct rv_http_request {
    llhttp_t parser;
    uint8_t *store; /* target, values, and a small body, in the order they came */
    size_t store_cap;
    size_t store_len;
    size_t head_len;                    /* bytes of the head so far, whether kept or not */
    char name[RV_HTTP_HEADER_NAME_MAX]; /* of the header being read */
    size_t name_len;                    /* may be more than the room: then it is not a known one */
    rv_bytes *value;                    /* of a known header being read, else NULL */
    bool in_value;
    rv_http_headers headers;
    rv_bytes target;
    uint8_t *body;
    size_t body_len;
    size_t body_cap;
    size_t body_len_needed; /* after the head: bytes of buffer that the body may need; 0: fits */
    bool expects_continue;
    bool upgrade;    /* asks for another protocol */
    bool keep_alive; /* the connection may be used again */
    bool started;    /* a byte of this request has come */
    rv_http_event paused;
    int error_http;
    rv_error error;
} rv_http_request;

/* `store` has RV_REQUEST_LEN bytes and stays the request's. */
void rv_http_request_init(rv_http_request *request, uint8_t *store);

/* Ready for the next request of the same connection. */
void rv_http_request_reset(rv_http_request *request);

/* Where the body goes, after RV_HTTP_HEAD with body_len_needed > 0. */
void rv_http_request_body_to(rv_http_request *request, uint8_t *body, size_t cap);

/* Takes bytes; `*used` of them were used. */
RV_MUST_USE rv_http_event rv_http_request_feed(rv_http_request *request, rv_bytes input,
                                               size_t *used);

/* "GET", … as sent. */
const char *rv_http_request_method(const rv_http_request *request);

#endif
