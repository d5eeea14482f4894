/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a module, shared by its files: reactor.c is the database's life and facts,
 * reactor_request.c the requests, reactor_edge.c the connection to the upstream.
 *
 *     closed -> opening -> open -> closing -> closed        opening -> closed: it could not be
 * opened
 */
#ifndef RV_WASI_REACTOR_INTERNAL_H
#define RV_WASI_REACTOR_INTERNAL_H

#include "face/instance.h"
#include "wasi/reactor.h"

/* Requests under way, feeds included: a page has a handful. */
#define RV_REACTOR_EXCHANGES 160u

/* A piece of an answer: rv_exchange_body wants 64 KiB; a command's arguments have as many. */
#define RV_REACTOR_OUT_LEN (65536u + 4096u)

typedef enum rv_reactor_phase {
    RV_REACTOR_CLOSED,
    RV_REACTOR_OPENING,
    RV_REACTOR_OPEN,
    RV_REACTOR_CLOSING
} rv_reactor_phase;

/* The connection to the upstream, as the transport sees it. */
typedef enum rv_reactor_link {
    RV_REACTOR_LINK_NONE,
    RV_REACTOR_LINK_WANTED, /* the transport was told to connect */
    RV_REACTOR_LINK_OPEN,
    RV_REACTOR_LINK_BROKEN /* by `edge_error`; the transport is to close it */
} rv_reactor_link;

typedef struct rv_reactor_exchange {
    rv_exchange *exchange; /* NULL: free */
    int32_t number;        /* its place here, and above that how often that was used */
    bool answered;
} rv_reactor_exchange;

typedef struct rv_reactor {
    rv_reactor_phase phase;
    rv_instance instance;
    uint8_t *memory; /* of databases; kept for the next */
    size_t memory_size;
    uint8_t *past; /* the same for answers from the past */
    size_t past_size;
    rv_error error;
    rv_bytes out;
    rv_reactor_exchange exchanges[RV_REACTOR_EXCHANGES];
    rv_reactor_link link;
    rv_error edge_error;
    bool edge_failed; /* `edge_error` has not been asked for */
    double facts[RV_MODULE_FACTS];
    _Alignas(16) uint8_t buffer[RV_REACTOR_OUT_LEN];
} rv_reactor;

/* A module has one database. */
extern rv_reactor rv_reactor_one;

/* Begins a call: what the one before gave is gone. */
rv_reactor *rv_reactor_enter(void);

/* The call does not fit; `why` says so. RV_REQUEST_INVALID. */
int32_t rv_reactor_misuse(rv_reactor *reactor, const char *why);

/* Writes an error to out, as rv_module_error. */
void rv_reactor_error_out(rv_reactor *reactor, const rv_error *err);

/* JavaScript's time as ours. */
int64_t rv_reactor_time(double now);

/* Ends every exchange. */
void rv_reactor_requests_end(rv_reactor *reactor);

/* Goes on with what waited; forgets what is under way before the node is closed. */
void rv_reactor_edge_poll(rv_reactor *reactor, int64_t now);
void rv_reactor_edge_end(rv_reactor *reactor);

#endif
