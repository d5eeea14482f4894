/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of the server, from accept to close.
 *
 *     FREE -> HEAD <-> BODY -> EXCHANGE -> RESPOND -> HEAD …      (keep-alive)
 *              |        |          |          |
 *              |     LARGE (waits for a buffer for its body)
 *              |                              +-> LINGER -> CLOSING -> FREE
 *              +-> SYNC ------------------------------------^
 *
 * Requests are answered in order: while one is being answered the next waits, unparsed, in the
 * input buffer, and when that is full the socket is not read. An answer is asked from the request
 * handler one piece at a time, only when the socket has taken the one before. LINGER reads and
 * forgets what the peer still sends, so that it gets to see the answer instead of a reset.
 *
 * Where the server speaks TLS a session begins with the first byte, and records are opened as far
 * as the input buffer has room; the rest waits, and the socket is not read. HEAD is also the state
 * of the handshake. Who sends a request as it is gets a 400 that says so.
 */
#ifndef RV_NATIVE_CONNECTION_H
#define RV_NATIVE_CONNECTION_H

#include "native/http_request.h"
#include "native/sender.h"
#include "native/server.h"
#include "native/websocket.h"

typedef enum rv_connection_state {
    RV_CONNECTION_FREE,
    RV_CONNECTION_HEAD,
    RV_CONNECTION_BODY,
    RV_CONNECTION_LARGE,
    RV_CONNECTION_EXCHANGE,
    RV_CONNECTION_RESPOND,
    RV_CONNECTION_SYNC,
    RV_CONNECTION_LINGER,
    RV_CONNECTION_CLOSING
} rv_connection_state;

struct rv_connection {
    uv_tcp_t tcp;
    rv_server *server;
    uint32_t order; /* its place in the server's order */
    rv_connection_state state;
    rv_sender sender;
    uv_shutdown_t shutdown;
    uint64_t since_ms; /* when the state, or the request, began */
    uint64_t heard_ms; /* when the peer last sent, */
    uint64_t sent_ms;  /* and when a write last began */
    uint8_t *input;    /* RV_INPUT_LEN bytes */
    size_t input_start;
    size_t input_len;
    bool reading;
    bool eof;        /* the peer will send no more */
    bool secure;     /* it speaks TLS, or is to */
    bool unopened;   /* there is more of a record that was opened */
    rv_tls *tls;     /* NULL: not begun */
    rv_bytes sealed; /* what has come and was not opened */
    uint8_t *kept;   /* RV_TLS_PLAIN_LEN bytes, where that waits */
    rv_http_request request;
    rv_large *body_large; /* of the request */
    rv_exchange *exchange;
    rv_response_head head;
    bool head_sent;
    bool head_only; /* no body goes with the head */
    bool preflight;
    rv_bytes allow_origin; /* of the request, as rv_access_check says */
    rv_public_file file;   /* being sent, instead of an exchange's answer */
    bool chunked;
    bool keep_alive;
    bool waiting;  /* the exchange has nothing for now */
    bool answered; /* everything has been given to the sender */
    rv_websocket ws;
    rv_upstream *session;
    unsigned close_code; /* the session failed: once it has nothing more to send, close with this */
    size_t close_reason_len;
    uint8_t close_reason[124]; /* more than a close frame takes, which is cut there */
    bool pinged;
};

/* Prepares a slot of the pool for its next connection; `buffers` has room for all it needs: input,
 * a request, output, and with TLS the two that are larger or more then. */
void rv_connection_init(rv_connection *connection, rv_server *server, uint8_t *buffers);

/* Takes the next connection of the listener. */
void rv_connection_accept(rv_connection *connection);

/* Goes on with what can go on. `moved`: the node has moved since the last time. */
void rv_connection_ask(rv_connection *connection, bool moved, int64_t now);

/* Has those asked whose feeds are concerned by what has moved. */
void rv_connection_wake(rv_server *server);

/* Looks at time-outs and heartbeats. */
void rv_connection_tick(rv_connection *connection, uint64_t now_ms);

/* The daemon stops: ends what may wait forever, lets the rest finish. */
void rv_connection_stop(rv_connection *connection);

/* Closes it now. */
void rv_connection_close(rv_connection *connection);

/* --- between native/connection.c and its parts --- */

void rv_connection_set_state(rv_connection *connection, rv_connection_state state);

/* Gives back what the request, or the session, holds. */
void rv_connection_release(rv_connection *connection);

/* Sends all of it; closes when the connection failed. */
RV_MUST_USE bool rv_connection_send(rv_connection *connection, const uv_buf_t *bufs,
                                    unsigned count);

/* The request is whole: answers it, at once or when it can be. */
void rv_connection_answer(rv_connection *connection);

/* Asks the exchange for its head; the answer begins when it is there. */
void rv_connection_exchange_ask(rv_connection *connection, int64_t now);

/* Sends until the socket is full, the answer is over, or others should have their turn. */
void rv_connection_respond(rv_connection *connection, int64_t now);

/* Sends a problem and closes, once the peer had a chance to read it. */
void rv_connection_refuse(rv_connection *connection, int http, const rv_error *error,
                          const char *extra);

/* Ends the sending side; what still comes in is read over for a while, so that the peer gets to see
 * what was sent last. Nothing may be on its way out. */
void rv_connection_linger(rv_connection *connection);

/* Takes the connection over for /sync, or refuses. */
void rv_connection_sync_open(rv_connection *connection);
void rv_connection_sync_receive(rv_connection *connection, rv_bytes bytes);
void rv_connection_sync_ask(rv_connection *connection, int64_t now);
void rv_connection_sync_stop(rv_connection *connection);

#endif
