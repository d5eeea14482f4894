/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that `serve --public DIR` shows: a page, its scripts and modules, beside the API that
 * they talk to. Addresses of the API are never files. An address is looked up segment by segment
 * from DIR on, each opened without following symbolic links, so nothing outside DIR can be reached
 * and there is no moment between a check and its use. Names that begin with a dot are not there;
 * `/` and addresses that end with one are `index.html`; folders are not listed.
 *
 * A file is read in small pieces as the socket takes them, up to the length it had when it was
 * opened: one that grows meanwhile is cut there, one that shrinks breaks the answer off.
 */
#ifndef RV_NATIVE_PUBLIC_H
#define RV_NATIVE_PUBLIC_H

#include "core/base/error.h"

typedef struct rv_public {
    bool shown;
    int folder;
} rv_public;

typedef struct rv_public_file {
    bool open;
    int fd;
    uint64_t len;
    uint64_t at; /* what has been read */
    const char *media_type;
    char etag[64]; /* with its quotes */
} rv_public_file;

/* Opens the folder; with NULL nothing is shown. RV_PARAMETER_INVALID. */
RV_MUST_USE rv_status rv_public_open(rv_public *shown, const char *directory, rv_error *err);
void rv_public_close(rv_public *shown);

/* The file at a request's target. RV_NOT_FOUND: none, or an address of the API; RV_BUSY: the system
 * opens no more files; RV_STORAGE_FAILED. */
RV_MUST_USE rv_status rv_public_find(const rv_public *shown, rv_bytes target, rv_public_file *file,
                                     rv_error *err);

/* Writes what comes next, as much as fits. RV_OK: there may be more; RV_END: it was all;
 * RV_STORAGE_FAILED: it became shorter, or cannot be read. */
RV_MUST_USE rv_status rv_public_read(rv_public_file *file, rv_writer *w);

/* Closes it; harmless when it is not open. */
void rv_public_end(rv_public_file *file);

#endif
