/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data directory that is only looked at: nothing in it is made, changed or removed, not even who
 * holds it is written down. While it is open here no node can open it.
 */
#ifndef RV_CLI_LOOK_H
#define RV_CLI_LOOK_H

#include "cli/buffer.h"
#include "core/base/error.h"

typedef struct rv_look_ops {
    /* At most one is open at a time. RV_DATA_NOT_FOUND, RV_DATA_IN_USE (a node has it),
     * RV_DATA_NOT_WRITABLE (it is not a directory), RV_STORAGE_FAILED. */
    rv_status (*open)(const char *path, rv_error *err);
    /* Adds the names of all files, each with a NUL behind it. RV_STORAGE_FAILED. */
    rv_status (*list)(rv_cli_buffer *names, rv_error *err);
    /* Adds the whole content of a file. RV_STORAGE_FAILED. */
    rv_status (*read)(const char *name, rv_cli_buffer *content, rv_error *err);
    void (*close)(void);
} rv_look_ops;

#endif
