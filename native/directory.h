/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data directory opened as the native binary does: the directory's files and lock, a block of
 * memory, compression by zlib, and the database over them. The daemon and the CLI (with --data)
 * open it alike.
 */
#ifndef RV_NATIVE_DIRECTORY_H
#define RV_NATIVE_DIRECTORY_H

#include "face/instance.h"
#include "native/deflate.h"
#include "native/flusher.h"
#include "native/limits.h"
#include "platform/posix/posix.h"

typedef struct rv_directory {
    rv_instance instance;
    rv_posix *posix;
    rv_deflate *deflate;
    rv_flusher *flusher; /* NULL when serving: the loop's pool flushes */
    void *memory;        /* of `memory_size` bytes */
    size_t memory_size;
    void *past; /* memory for answers from the past, of as many; NULL: none was asked for yet */
} rv_directory;

typedef struct rv_directory_options {
    const char *path;
    bool create;              /* make the directory when it is missing */
    bool serving;             /* a daemon: with sync, and many requests at once */
    rv_role role;             /* RV_ROLE_STORED: as the directory was made */
    const rv_bytes *patterns; /* of an edge */
    size_t pattern_count;
    size_t memory;
    uint32_t edges_max;     /* serving; 0: RV_EDGES_DEFAULT */
    uint64_t sql_steps_max; /* of one query; 0: RV_SQL_STEPS_MAX if serving, else without a limit */
} rv_directory_options;

/* Opens everything, polling until the node is open. A damaged directory opens for reading, with the
 * instance's `damage` set. Errors: those of rv_posix_open and rv_instance_open, and
 * RV_DATA_NOT_FOUND when the directory is missing and not to be made. */
RV_MUST_USE rv_status rv_directory_open(rv_directory *directory,
                                        const rv_directory_options *options, rv_error *err);

/* Hands back finished flushes of a directory that is not served; with `wait` it first waits for
 * one, if any is under way. */
void rv_directory_turn(rv_directory *directory, bool wait);

/* Gives the pages of memory that holds nothing back to the system, which has others when they are
 * touched. Not in the middle of a call on any part of the directory's instance. */
void rv_directory_rest(const rv_directory *directory);

/* Closes the node, polling until everything is flushed and sealed, and frees. Nothing that was
 * given to a loop's pool may be under way on the disk. */
RV_MUST_USE rv_status rv_directory_close(rv_directory *directory, rv_error *err);

#endif
