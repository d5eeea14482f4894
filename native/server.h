/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: a listener and a fixed pool of connections (native/connection.h), with the
 * buffers they share. One thread. All memory is taken when it is created.
 *
 *     create -> listen -> (the loop runs; ask after each round of the node) -> stop -> idle -> free
 */
#ifndef RV_NATIVE_SERVER_H
#define RV_NATIVE_SERVER_H

#include "native/access.h"
#include "native/directory.h"
#include "native/public.h"
#include "native/tls_identity.h"

#include <uv.h>

typedef struct rv_server rv_server;
typedef struct rv_connection rv_connection;

/* A buffer of RV_REQUEST_BODY_MAX bytes that one connection has at a time. */
typedef struct rv_large {
    uint8_t *bytes;
    bool taken;
} rv_large;

struct rv_server {
    uv_loop_t *loop;
    rv_instance *instance;
    rv_access access; /* who may use it, */
    rv_public shown;  /* and the files beside the API */
    uv_tcp_t listener;
    bool listening;
    bool stopping;
    bool accept_waits; /* a connection came when no slot was free */
    bool again;        /* something is to be asked again without waiting */
    bool starved;      /* an exchange waits: perhaps for what another one holds */
    uint8_t *memory;   /* of all buffers */
    size_t memory_len;
    uint8_t *buffers;         /* of the connections, in their order in `connections` */
    uint8_t *receive;         /* RV_OUTPUT_LEN bytes: what a WebSocket, or nobody, reads into */
    uint8_t *piece;           /* where answers are written before they are sent */
    rv_tls_identity identity; /* of a server that speaks TLS, which has: */
    uint8_t *plain;           /* RV_TLS_PLAIN_LEN bytes: what a WebSocket was sent */
    uint8_t *sealed;          /* RV_TLS_SEALED_LEN bytes: records on their way out */
    rv_large large[RV_LARGE_COUNT];
    rv_connection *connections; /* `connections_max` */
    uint32_t connections_max;
    rv_connection **order; /* all of them, those in use first */
    uint32_t open_count;   /* in use: first HTTP, then /sync; */
    uint32_t http_count;   /* of HTTP first those that are asked, then feeds that wait */
    uint32_t asked_count;  /* (rv_exchange_waits) */
    int port;              /* that is listened on */
};

typedef struct rv_server_options {
    rv_instance *instance;
    uint32_t edges_max; /* 0: RV_EDGES_DEFAULT; as the directory was opened for */
    rv_access_options access;
    const char *public_directory; /* NULL: no files */
    const char *cert_file;        /* PEM, both NULL: no TLS. With them it answers nothing else */
    const char *key_file;
} rv_server_options;

/* RV_MEMORY_EXHAUSTED, RV_PARAMETER_INVALID; RV_DATA_NOT_FOUND: the certificate's or its key's file
 * cannot be read. */
RV_MUST_USE rv_status rv_server_create(rv_server **server, uv_loop_t *loop,
                                       const rv_server_options *options, rv_error *err);

/* Whether "ADDRESS:PORT" (IPv6 in brackets) is on this machine only. RV_PARAMETER_INVALID: it is
 * not one. */
RV_MUST_USE rv_status rv_server_address_check(const char *address, bool *loopback, rv_error *err);

/* Listens there. RV_PARAMETER_INVALID; RV_BUSY: it is in use, or the system does not let it. */
RV_MUST_USE rv_status rv_server_listen(rv_server *server, const char *address, rv_error *err);

/* Asks what waits: exchanges without a head, and, when `moved`, feeds as well; and those feeds and
 * sync sessions that what has moved concerns. */
void rv_server_ask(rv_server *server, bool moved, int64_t now);

/* Looks at time-outs; RV_TICK_MS apart. */
void rv_server_tick(rv_server *server, int64_t now);

/* True with TLS. */
static inline bool rv_server_secure(const rv_server *server) {
    return server->identity.config != NULL;
}

/* Looks whether the certificate was renewed; as rv_tls_identity_look. */
RV_MUST_USE rv_status rv_server_renew(rv_server *server, rv_error *err);

/* When a sync session wants to be asked; INT64_MAX: never. */
int64_t rv_server_deadline(const rv_server *server);

/* Takes no more connections, ends feeds and idle connections; what is under way is answered. */
void rv_server_stop(rv_server *server);

/* Closes what is still open. */
void rv_server_abort(rv_server *server);

/* True when every connection is closed. */
bool rv_server_idle(const rv_server *server);

void rv_server_free(rv_server *server);

/* A connection's feed is asked when it is woken, from now on; or like others. */
void rv_server_to_waiting(rv_server *server, rv_connection *connection);
void rv_server_to_asked(rv_server *server, rv_connection *connection);

/* A connection is /sync from now on: it is asked when its session wants to be. */
void rv_server_to_sync(rv_server *server, rv_connection *connection);

/* Takes a connection off those in use. */
void rv_server_release(rv_server *server, rv_connection *connection);

/* A free large buffer, or NULL; and back. */
rv_large *rv_server_take_large(rv_server *server);
void rv_server_give_large(rv_server *server, rv_large *large);

#endif
