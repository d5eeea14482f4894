/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a command asks a node: a request goes in, the answer's body comes out in pieces. Two ways do
 * it alike, so that no command knows which one it has: the node opened in this process over a data
 * directory (cli/client_local.h), and a running node over HTTP, where the platform connects.
 *
 *     begin -> next … until RV_END -> begin … -> close
 */
#ifndef RV_CLI_CLIENT_H
#define RV_CLI_CLIENT_H

#include "face/instance.h"

typedef struct rv_client rv_client;

typedef struct rv_client_ops {
    /* Sends; `*http` is the answer's status. The request's bytes stay valid until the next call. */
    rv_status (*begin)(rv_client *client, const rv_request *request, int *http, rv_error *err);
    /* RV_OK with a piece, valid until the next call; RV_END. */
    rv_status (*next)(rv_client *client, rv_bytes *piece, rv_error *err);
    rv_status (*close)(rv_client *client, rv_error *err);
} rv_client_ops;

/* A running node; what is in it stays valid while the client is open. */
typedef struct rv_client_options {
    const char *url;
    const char *ca_file; /* of certificates that vouch for it, with TLS; NULL: the system's */
    rv_bytes token;      /* goes with each request; empty: none does */
} rv_client_options;

struct rv_client {
    const rv_client_ops *ops;
    rv_error damage; /* RV_DATA_DAMAGED: the data directory is open up to the place it names */
};

#endif
