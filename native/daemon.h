/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rivulet serve`: a node with its HTTP server and, on an edge, the link to its upstream, on libuv.
 *
 * One thread, the core thread, runs everything but flushes: those go to libuv's pool (the deferral
 * of platform/posix) and come back to it. Each turn of the loop ends with a round: poll the node,
 * ask whoever waits, poll again for what that began. So everything that arrived in one turn shares
 * a flush.
 */
#ifndef RV_NATIVE_DAEMON_H
#define RV_NATIVE_DAEMON_H

#include "native/access.h"
#include "native/directory.h"
#include "native/link.h"

typedef struct rv_daemon_options {
    const char *directory;
    const char *listen;
    const char *upstream;   /* NULL: a root */
    const char *token_file; /* that holds the token for it; NULL: it needs none */
    const char *ca_file;    /* whose certificates vouch for it; NULL: the system's */
    const char *cert_file;  /* of this node, and its key; both NULL: without TLS */
    const char *key_file;
    const rv_bytes *patterns;
    size_t pattern_count;
    size_t memory;
    uint32_t edges_max;           /* served at once; 0: RV_EDGES_DEFAULT */
    uint64_t sql_steps_max;       /* of one query; 0: RV_SQL_STEPS_MAX */
    const char *public_directory; /* of files shown beside the API; NULL: none */
    rv_access_options access;
    bool open; /* answers others than this machine although there is no token */
    bool verbose;
} rv_daemon_options;

/* Runs until SIGTERM or SIGINT. RV_OK: stopped with everything flushed and sealed. RV_DATA_DAMAGED
 * and every error of opening: nothing was served. */
RV_MUST_USE rv_status rv_daemon_run(const rv_daemon_options *options, rv_error *err);

#endif
