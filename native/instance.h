/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node as the native binary runs it: the data directory, one block of memory split by
 * native/budget.h, and over them node, SQL, request handler, and the two sides of sync where they
 * are asked for. The daemon and the CLI (with --data) open it alike.
 */
#ifndef RV_NATIVE_INSTANCE_H
#define RV_NATIVE_INSTANCE_H

#include "native/budget.h"
#include "native/deflate.h"
#include "platform/posix/posix.h"
#include "sync/upstream.h"

#define RV_VERSION_TEXT "0.1.0"

typedef struct rv_instance {
    rv_posix *posix;
    rv_node *node;
    rv_sql *sql;
    rv_face *face;
    rv_edge *edge;                /* NULL without an upstream */
    rv_upstream_shared *upstream; /* NULL in the CLI */
    rv_deflate *deflate;
    void *memory; /* of budget.total bytes */
    rv_budget budget;
    rv_error damage; /* RV_DATA_DAMAGED: open for reading only, up to the place it names */
} rv_instance;

typedef struct rv_instance_options {
    const char *directory;
    bool create;              /* make the directory when it is missing */
    bool serving;             /* a daemon: with sync */
    rv_role role;             /* RV_ROLE_STORED: as the directory was made */
    const rv_bytes *patterns; /* of an edge */
    size_t pattern_count;
    size_t memory;
} rv_instance_options;

/* Opens everything, polling until the node is open. A damaged directory opens for reading with
 * `damage` set. Errors: those of rv_budget_split, rv_posix_open, rv_node_create and rv_node_open,
 * and RV_DATA_NOT_FOUND when the directory is missing and not to be made. */
RV_MUST_USE rv_status rv_instance_open(rv_instance *instance, const rv_instance_options *options,
                                       rv_error *err);

/* Closes the node, polling until everything is flushed and sealed, and frees. With `abandon` the
 * node is left as a crash would leave it. Nothing may be under way on the disk. */
RV_MUST_USE rv_status rv_instance_close(rv_instance *instance, bool abandon, rv_error *err);

#endif
