/* SPDX-License-Identifier: Apache-2.0 */
/* The token of an edge, between the files of sync/edge*.c; sync/edge.h has what others call. */
#ifndef RV_SYNC_EDGE_TOKEN_H
#define RV_SYNC_EDGE_TOKEN_H

#include "sync/edge.h"

typedef struct rv_edge_token {
    bool owed;         /* to be told in a message: it came behind the hello */
    bool untold;       /* by the hello of the connection that has ended, and not taken since */
    bool waits;        /* for the answer to that */
    bool admitted;     /* the upstream has tokens, and took one in this connection */
    bool given;        /* somebody has tokens, and is to be asked */
    bool narrow;       /* the upstream has forbidden an entry of the selection */
    int64_t wanted_at; /* another one; INT64_MAX: not now */
    size_t len;        /* 0: there is none */
    uint8_t text[RV_WIRE_TOKEN_MAX];
} rv_edge_token;

/* The hello is being written; the upstream has welcomed. */
void rv_edge_token_hello(rv_edge *edge, rv_wire_hello *hello);
void rv_edge_token_welcome(rv_edge *edge, const rv_wire_welcome *welcome, int64_t now);

/* A token message, when there is a new one. `w` has room for RV_WIRE_TOKEN_MAX bytes and a header.
 */
bool rv_edge_token_send(rv_edge *edge, rv_writer *w);

/* Takes an admitted message's body. RV_PROTOCOL_ERROR. */
RV_MUST_USE rv_status rv_edge_token_take(rv_edge *edge, rv_bytes body, int64_t now, rv_error *err);

/* Does this end a connection for want of other credentials? */
bool rv_edge_token_denied(const rv_error *reason);

/* The connection has ended, and when the next one is due is known. */
void rv_edge_token_closed(rv_edge *edge, const rv_error *reason, int64_t now);

/* Gives up what the upstream has forbidden. */
void rv_edge_token_poll(rv_edge *edge, int64_t now);

int64_t rv_edge_token_deadline(const rv_edge *edge);

#endif
