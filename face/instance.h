/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole database: node, SQL, request handler, and the two sides of sync where they are asked for,
 * over one host and one block of memory, split by face/budget.h. The daemon, the command line and
 * the modules open it alike.
 *
 *     create -> open … until it is not RV_PENDING -> (poll, requests, sync) -> close … until RV_END
 */
#ifndef RV_FACE_INSTANCE_H
#define RV_FACE_INSTANCE_H

#include "core/base/digest.h"
#include "face/budget.h"
#include "face/guard.h"
#include "sync/upstream.h"

#define RV_VERSION_TEXT "0.1.0"

typedef struct rv_instance_options {
    rv_host host;
    rv_compression compression;
    const rv_guard *guard;       /* of requests that come over a network; NULL: none do */
    const rv_digest_ops *digest; /* for tokens; NULL: none can be made */
    void *memory;                /* budget.total bytes; the instance never uses more */
    rv_budget_options budget;
    rv_role role;             /* RV_ROLE_STORED: as the data was made */
    const rv_bytes *patterns; /* of an edge; copied by rv_instance_create */
    size_t pattern_count;
    uint64_t sql_steps_max; /* of one query; 0: none */
    const rv_face_memory_ops
        *past_memory; /* gives as much again for `as_of`; NULL: there is none */
    void *past_ctx;
    uint64_t past_events_max; /* as rv_face_past.events_max */
} rv_instance_options;

typedef struct rv_instance {
    rv_node *node;
    rv_sql *sql; /* NULL in a build without SQL */
    rv_face *face;
    rv_edge *edge;                /* NULL without an upstream */
    rv_upstream_shared *upstream; /* NULL when no edges are served */
    rv_budget budget;
    rv_error damage; /* RV_DATA_DAMAGED, RV_PANICKED: open for reading only, up to there */
    rv_instance_options options;
} rv_instance;

/* Splits the memory and starts nothing. Errors: rv_budget_split, rv_node_create. */
RV_MUST_USE rv_status rv_instance_create(rv_instance *instance, const rv_instance_options *options,
                                         rv_error *err);

/* Opens everything. RV_PENDING: poll, call again. RV_OK: open; damaged data opens for reading, with
 * `damage` set. Errors: rv_node_open; the instance is then to be forgotten. */
RV_MUST_USE rv_status rv_instance_open(rv_instance *instance, rv_error *err);

/* Closes the node: RV_PENDING (poll, call again) until RV_END, or why what was not flushed may be
 * lost; the instance is then to be forgotten. Data that is damaged is left as it is. */
RV_MUST_USE rv_status rv_instance_close(rv_instance *instance, rv_error *err);

/* Adds what holds nothing between two calls, of all parts. */
void rv_instance_unused(const rv_instance *instance, rv_unused *unused);

/* Gives back what is not in its memory (SQLite's share of the process), whatever state it is in. */
void rv_instance_forget(rv_instance *instance);

#endif
