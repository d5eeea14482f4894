/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of an NDJSON file, some at a time, from a file or standard input, packed or not as the
 * platform can read it. A batch is a run of whole lines as they lie in the read buffer, so a line
 * is copied by reading only (and the part of one at the buffer's end once more).
 */
#ifndef RV_CLI_LINES_H
#define RV_CLI_LINES_H

#include "cli/input.h"

typedef struct rv_lines rv_lines;

/* `name` is a file, or "-"; `unpack` reads it, NULL when it has to be plain. RV_DATA_NOT_FOUND,
 * RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_lines_open(rv_lines **lines, const char *name, const rv_input_ops *unpack,
                                    rv_error *err);
void rv_lines_close(rv_lines *lines); /* NULL is allowed */

/* The next batch: up to `count_max` lines that are not blank, and up to 1 MiB unless one line is
 * longer; valid until the next call. `*first_line` is the number of its first line, from 1. RV_OK,
 * RV_END, RV_STORAGE_FAILED (reading, unpacking), RV_REQUEST_TOO_LARGE (a line beyond the limit),
 * RV_UNSUPPORTED (it is packed, and nothing here unpacks it). */
RV_MUST_USE rv_status rv_lines_next(rv_lines *lines, size_t count_max, rv_bytes *batch,
                                    uint64_t *first_line, size_t *count, rv_error *err);

/* How much of the file has been read, in thousandths; -1 when its size is not known. */
int rv_lines_progress(const rv_lines *lines);

#endif
