/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection of an edge to its upstream: resolve, connect, TLS handshake where the address says
 * so, WebSocket handshake, then messages between the socket and the edge's sync state machine,
 * until it ends; when to try again is the edge's to say. A name's addresses are tried one after
 * another, each with the whole time, until one takes the connection.
 *
 *     IDLE -> RESOLVING -> CONNECTING -> HANDSHAKE -> OPEN -> CLOSING -> IDLE
 *                            |  ^
 *                          RETRYING
 *
 * A look-up that takes too long ends the attempt, and is what the next one waits for, too: there is
 * one at a time.
 */
#ifndef RV_NATIVE_LINK_H
#define RV_NATIVE_LINK_H

#include "native/address.h"
#include "native/handshake.h"
#include "native/lookup.h"
#include "native/sender.h"
#include "native/websocket.h"

#include <llhttp.h>

typedef enum rv_link_state {
    RV_LINK_IDLE,
    RV_LINK_RESOLVING,
    RV_LINK_CONNECTING,
    RV_LINK_RETRYING, /* closes one address's socket before it tries the next */
    RV_LINK_HANDSHAKE,
    RV_LINK_OPEN,
    RV_LINK_CLOSING
} rv_link_state;

typedef struct rv_link {
    uv_loop_t *loop;
    rv_edge *edge;
    rv_address address;
    const char *token_file; /* NULL: the upstream is asked without a token */
    const char *ca_file;    /* of roots; NULL: the system's */
    rv_tls *tls;            /* NULL: none, or not begun */
    rv_link_state state;
    uv_tcp_t tcp;
    rv_lookup *lookup;      /* of the name; NULL: none is under way */
    struct addrinfo *found; /* what the name resolved to */
    struct addrinfo *next;  /* of these, the one to be tried when this one fails */
    uv_connect_t connect;
    rv_sender sender;
    uint8_t *output;  /* RV_TLS_SEALED_LEN bytes */
    uint8_t *receive; /* RV_OUTPUT_LEN bytes */
    uint8_t *plain;   /* with TLS: RV_TLS_PLAIN_LEN bytes */
    uint8_t *sealed;  /* with TLS: RV_TLS_SEALED_LEN bytes */
    bool asked;       /* the WebSocket's handshake was sent */
    uint64_t since_ms;
    uint64_t heard_ms;
    bool pinged;
    bool again; /* there is more to send, after others had their turn */
    rv_websocket ws;
    rv_error reason; /* why it is being closed */
    /* the handshake's answer */
    llhttp_t parser;
    char accept_expected[RV_HANDSHAKE_ACCEPT_LEN + 1];
    size_t head_len;
    char name[32];
    size_t name_len;
    char accept[RV_HANDSHAKE_ACCEPT_LEN + 1];
    size_t accept_len;
    char protocol[32];
    size_t protocol_len;
    char *value; /* one of the two above, being read, or NULL */
    size_t *value_len;
    size_t value_cap;
    bool in_value;
    bool head_done;
} rv_link;

typedef struct rv_link_options {
    rv_address address;
    const char *token_file; /* NULL: none */
    const char *ca_file;    /* of roots, for TLS; NULL: the system's */
} rv_link_options;

/* The token's file is read before each connection and whenever another token is wanted, so that a
 * file that is written anew renews the token; that of roots before each connection, and they are
 * kept only until the upstream has shown who it is. RV_MEMORY_EXHAUSTED; RV_DATA_NOT_FOUND,
 * RV_PARAMETER_INVALID: the token's file. */
RV_MUST_USE rv_status rv_link_create(rv_link **link, uv_loop_t *loop, rv_edge *edge,
                                     const rv_link_options *options, rv_error *err);

/* Connects when the edge wants that, sends what it has to send. After each round of the node. */
void rv_link_ask(rv_link *link, int64_t now);

/* The edge refused to go on: closes with the error. */
void rv_link_fail(rv_link *link, const rv_error *err);

/* Looks at time-outs; RV_TICK_MS apart. */
void rv_link_tick(rv_link *link, int64_t now);

/* Closes; idle when the loop has run on. */
void rv_link_stop(rv_link *link);
bool rv_link_idle(const rv_link *link);
void rv_link_free(rv_link *link); /* idle; NULL is allowed */

#endif
