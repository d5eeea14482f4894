/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appends that an edge has forwarded to the root: up to 16 at a time, each from the request (kept
 * as the message to send) to the answer (kept as it came) until the caller ends it. Both live in
 * one buffer, where they do not move, because callers borrow from answers.
 *
 *     free -> queued -> sent -> answered -> free
 *                 \        \-> lost (the connection ended)
 *                  \-> unsent
 *
 * A request that its caller ends after it was sent keeps its slot until the answer or the end of
 * the connection, because at the upstream it counts as under way.
 */
#ifndef RV_SYNC_FORWARD_H
#define RV_SYNC_FORWARD_H

#include "sync/edge.h"
#include "sync/wire_append.h"

#define RV_FORWARDS_MAX    16u
#define RV_FORWARD_HEAP    (448u << 10)
#define RV_FORWARD_LEN_MAX (256u << 10) /* of one request */

typedef enum rv_forward_state {
    RV_FORWARD_FREE,
    RV_FORWARD_QUEUED,
    RV_FORWARD_SENT,
    RV_FORWARD_ANSWERED,
    RV_FORWARD_ABANDONED, /* its caller has ended it, the upstream has not answered it */
    RV_FORWARD_UNSENT,    /* the connection ended before it was sent */
    RV_FORWARD_LOST       /* the connection ended before the answer */
} rv_forward_state;

typedef struct rv_forward {
    rv_forward_state state;
    uint64_t request;
    uint64_t position; /* answered: of the last event; 0: refused */
    size_t at;         /* of the request or the answer in the heap */
    size_t len;        /* 0: holds nothing */
} rv_forward;

typedef struct rv_forwards {
    rv_forward slots[RV_FORWARDS_MAX];
    uint8_t *heap;
    uint64_t next_request;
} rv_forwards;

RV_MUST_USE bool rv_forwards_create(rv_forwards *forwards, rv_arena *arena);

/* RV_BUSY, RV_REQUEST_TOO_LARGE. */
RV_MUST_USE rv_status rv_forwards_start(rv_forwards *forwards, const rv_append *events,
                                        size_t count, uint64_t *request, rv_error *err);

/* The next message to send, which then counts as sent. */
bool rv_forwards_send(rv_forwards *forwards, rv_bytes *message);

/* Takes an answer. RV_PROTOCOL_ERROR: malformed, or to no request that was sent. */
RV_MUST_USE rv_status rv_forwards_answer(rv_forwards *forwards, rv_bytes body, rv_error *err);

/* The connection has ended. */
void rv_forwards_disconnect(rv_forwards *forwards);

/* As rv_edge_forward_result; `watermark` is this node's W. */
RV_MUST_USE rv_status rv_forwards_result(const rv_forwards *forwards, uint64_t request,
                                         uint64_t watermark, rv_forwarded *events, size_t cap,
                                         size_t *count, rv_error *err);

void rv_forwards_end(rv_forwards *forwards, uint64_t request);

#endif
