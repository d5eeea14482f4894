/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host interface: all that Rivulet asks of the platform it runs on.
 *
 * Storage is a flat set of named files. Every operation takes a ticket (a number that the node
 * chose, unique among its operations under way) and either finishes inside the call or is under way
 * when it returns:
 *
 *     RV_IO_DONE     `result` is filled in; the ticket is over.
 *     RV_IO_PENDING  the host will finish it by rv_host_completion (below), exactly once, never
 *                    from inside the call that started it. Buffers and names stay valid and
 *                    untouched until then.
 *
 * At most one operation that changes a file (write, truncate, flush, remove) is under way per file;
 * the node sees to that. Reads may run beside them, over other byte ranges.
 *
 * Results. `status` is RV_OK or one of the errors named at each operation. A read or write of `len`
 * bytes reports how many of them were done in `count`: fewer than `len` with RV_OK is a short
 * result (a read at the end of the file; a write that the host split), zero with RV_OK from a read
 * means the end of the file, zero with RV_OK from a write of a non-zero length means
 * RV_STORAGE_FULL to the caller. After an error `count` is 0 and the bytes of a write may be there,
 * in part, or not.
 *
 * There is no rename. What is written is durable only after a flush of that file has answered
 * RV_OK; a file's name is durable after its first flush. After a flush that failed nothing is known
 * about what was written since the one before, and flushing again does not change that.
 */
#ifndef RIVULET_HOST_H
#define RIVULET_HOST_H

#include "rivulet/bytes.h"
#include "rivulet/status.h"

#include <stdbool.h>

/* Longest file name, in bytes; names use [a-z0-9.-] only. */
#define RV_FILE_NAME_MAX 64

/* A host's handle of an open file. */
typedef int32_t rv_file;

typedef uint64_t rv_ticket;

typedef enum rv_io { RV_IO_DONE, RV_IO_PENDING } rv_io;

typedef struct rv_io_result {
    rv_status status;
    uint64_t count; /* bytes read or written; size in bytes for open; files for list */
    rv_file file;   /* for open and create */
} rv_io_result;

/* A finished operation that was pending. */
typedef struct rv_io_completion {
    rv_ticket ticket;
    rv_io_result result;
} rv_io_completion;

/* One name of a listing. */
typedef struct rv_file_name {
    char text[RV_FILE_NAME_MAX + 1];
} rv_file_name;

typedef struct rv_host_ops {
    /* Opens an existing file for reading and writing; `count` is its size.
     * Errors: RV_DATA_NOT_FOUND, RV_DATA_NOT_WRITABLE, RV_STORAGE_FAILED. */
    rv_io (*open)(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result);

    /* Makes a new, empty file and opens it.
     * Errors: RV_DATA_EXISTS, RV_DATA_NOT_WRITABLE, RV_STORAGE_FULL, RV_STORAGE_FAILED. */
    rv_io (*create)(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result);

    /* Closes the handle; not an operation, cannot fail. Nothing may be under way on it. */
    void (*close)(void *ctx, rv_file file);

    /* Reads into `buf`. Errors: RV_STORAGE_FAILED. */
    rv_io (*read)(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, uint8_t *buf,
                  size_t len, rv_io_result *result);

    /* Writes; beyond the end the file grows (a gap reads as zeros).
     * Errors: RV_STORAGE_FULL, RV_STORAGE_FAILED. */
    rv_io (*write)(void *ctx, rv_ticket ticket, rv_file file, uint64_t offset, rv_bytes bytes,
                   rv_io_result *result);

    /* Makes the file exactly `size` bytes. Growing reserves the space, as far as the platform can
     * promise that, and the new bytes read as zeros. Errors: RV_STORAGE_FULL, RV_STORAGE_FAILED. */
    rv_io (*truncate)(void *ctx, rv_ticket ticket, rv_file file, uint64_t size,
                      rv_io_result *result);

    /* Removes a file that is not open. Errors: RV_DATA_NOT_FOUND, RV_STORAGE_FAILED. */
    rv_io (*remove)(void *ctx, rv_ticket ticket, const char *name, rv_io_result *result);

    /* Writes up to `cap` names, in no order, to `names`; `count` is the number of files there are,
     * which may be more than `cap`. Errors: RV_STORAGE_FAILED. */
    rv_io (*list)(void *ctx, rv_ticket ticket, rv_file_name *names, size_t cap,
                  rv_io_result *result);

    /* Makes everything written to the file so far durable. Errors: RV_STORAGE_FAILED. */
    rv_io (*flush)(void *ctx, rv_ticket ticket, rv_file file, rv_io_result *result);

    /* Takes one finished operation, if there is one. The node calls it whenever it is polled. */
    bool (*next_completion)(void *ctx, rv_io_completion *completion);

    /* Microseconds since 1970-01-01T00:00:00Z; may jump. */
    int64_t (*now)(void *ctx);

    /* Fills `buf` with unpredictable bytes. Never fails: a platform without entropy stops. */
    void (*entropy)(void *ctx, uint8_t *buf, size_t len);
} rv_host_ops;

typedef struct rv_host {
    const rv_host_ops *ops;
    void *ctx;
} rv_host;

#endif
