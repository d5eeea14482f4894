/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file or standard input, read from its beginning to its end: by C's own library, or by what the
 * platform has to unpack it on the way.
 */
#ifndef RV_CLI_INPUT_H
#define RV_CLI_INPUT_H

#include "core/base/error.h"

typedef struct rv_input rv_input;

typedef struct rv_input_ops {
    /* `name` is a file, or "-". RV_DATA_NOT_FOUND, RV_MEMORY_EXHAUSTED. */
    rv_status (*open)(rv_input **input, const char *name, rv_error *err);
    /* Fills `buf`; fewer than `len` bytes, or none, at the end only. RV_STORAGE_FAILED. */
    rv_status (*read)(rv_input *input, uint8_t *buf, size_t len, size_t *count, rv_error *err);
    /* How much of the file has been read, in thousandths; -1 when its size is not known. */
    int (*progress)(const rv_input *input);
    void (*close)(rv_input *input);
} rv_input_ops;

extern const rv_input_ops rv_input_plain;

/* How many bytes at a text's beginning are a byte order mark, which says nothing of UTF-8 and is
 * passed over (RFC 8259, 8.1). */
size_t rv_input_mark(rv_bytes text);

#endif
