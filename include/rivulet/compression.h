/* SPDX-License-Identifier: Apache-2.0 */
/* Compression as a host service: raw deflate (RFC 1951). Whole buffers in, whole buffers out. */
#ifndef RIVULET_COMPRESSION_H
#define RIVULET_COMPRESSION_H

#include "rivulet/bytes.h"

typedef struct rv_compression_ops {
    /* Number of bytes written to `out`; 0 when they would not fit into `cap`. */
    size_t (*deflate)(void *ctx, rv_bytes in, uint8_t *out, size_t cap);
    /* The same; 0 also when `in` is malformed. Output never exceeds `cap`. */
    size_t (*inflate)(void *ctx, rv_bytes in, uint8_t *out, size_t cap);
} rv_compression_ops;

/* `ops` NULL: nothing is compressed. */
typedef struct rv_compression {
    const rv_compression_ops *ops;
    void *ctx;
} rv_compression;

#endif
