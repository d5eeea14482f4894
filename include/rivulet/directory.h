/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database in a directory of the file system, used by one process at a time, each call of which
 * does its work before it returns. For hosts of your own see rivulet/host.h.
 */
#ifndef RIVULET_DIRECTORY_H
#define RIVULET_DIRECTORY_H

#include "rivulet/rivulet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All zero is the same as none. */
typedef struct rv_db_directory_options {
    size_t memory_size;       /* bytes that the database works in; 0: 64 MiB */
    bool without_sql;         /* as in rv_db_options */
    uint64_t query_steps_max; /* the same */
} rv_db_directory_options;

/*
 * Opens the database in `path`, a directory that is made if it is missing (its parents are not).
 * `options` may be NULL. The memory is taken from the system here, and nothing after.
 * RV_OK, or RV_DATA_DAMAGED or RV_PANICKED with `*db` open for reading (rv_db_open). Else `*db` is
 * NULL: RV_DATA_IN_USE (fact "pid"), RV_DATA_NOT_FOUND (the parent), RV_DATA_NOT_WRITABLE,
 * RV_MEMORY_EXHAUSTED, RV_STATE_FULL, RV_DATA_NEWER, RV_STORAGE_FULL, RV_STORAGE_FAILED.
 */
RV_API RV_MUST_USE rv_status rv_db_open_directory(const char *path,
                                                  const rv_db_directory_options *options,
                                                  rv_db **db, rv_error *err);

/* Flushes, seals, gives the directory and the memory back; `db` is gone whatever the answer is.
 * RV_OK, or RV_STORAGE_FAILED: what was not durable may be lost. NULL is allowed. */
RV_API RV_MUST_USE rv_status rv_db_close_directory(rv_db *db, rv_error *err);

#ifdef __cplusplus
}
#endif

#endif
