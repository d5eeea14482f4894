/* SPDX-License-Identifier: Apache-2.0 */
#include "native/deflate.h"

#include "core/base/assert.h"

#include <stdlib.h>
#include <zlib.h>

/* Columns are small already: of the 262,200 loan events level 1 leaves 1,255,031 bytes in 245 ns an
 * event, level 6 1,184,227 bytes in 700 ns. A first sync has more use for the time. */
#define DEFLATE_LEVEL 1

struct rv_deflate {
    z_stream out;
    z_stream in;
};

static size_t deflate_run(void *ctx, rv_bytes in, uint8_t *out, size_t cap) {
    rv_deflate *const d = ctx;
    RV_ASSERT(d != NULL);
    RV_ASSERT(in.len <= UINT32_MAX);
    if (deflateReset(&d->out) != Z_OK) {
        return 0;
    }
    d->out.next_in = (z_const Bytef *)(uintptr_t)in.ptr;
    d->out.avail_in = (uInt)in.len;
    d->out.next_out = out;
    d->out.avail_out = cap > UINT32_MAX ? UINT32_MAX : (uInt)cap;
    return deflate(&d->out, Z_FINISH) == Z_STREAM_END ? d->out.total_out : 0;
}

static size_t inflate_run(void *ctx, rv_bytes in, uint8_t *out, size_t cap) {
    rv_deflate *const d = ctx;
    RV_ASSERT(d != NULL);
    RV_ASSERT(in.len <= UINT32_MAX);
    if (inflateReset(&d->in) != Z_OK) {
        return 0;
    }
    d->in.next_in = (z_const Bytef *)(uintptr_t)in.ptr;
    d->in.avail_in = (uInt)in.len;
    d->in.next_out = out;
    d->in.avail_out = cap > UINT32_MAX ? UINT32_MAX : (uInt)cap;
    const bool whole = inflate(&d->in, Z_FINISH) == Z_STREAM_END && d->in.avail_in == 0;
    return whole ? d->in.total_out : 0;
}

rv_status rv_deflate_create(rv_deflate **deflate, rv_error *err) {
    RV_ASSERT(deflate != NULL);
    rv_deflate *const d = calloc(1, sizeof *d);
    *deflate = NULL;
    if (d == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for compression");
    }
    if (deflateInit2(&d->out, DEFLATE_LEVEL, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(d);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for compression");
    }
    if (inflateInit2(&d->in, -15) != Z_OK) {
        deflateEnd(&d->out);
        free(d);
        return rv_error_set(err, RV_MEMORY_EXHAUSTED, "no memory for compression");
    }
    *deflate = d;
    return RV_OK;
}

void rv_deflate_destroy(rv_deflate *deflate) {
    if (deflate != NULL) {
        deflateEnd(&deflate->out);
        inflateEnd(&deflate->in);
        free(deflate);
    }
}

rv_compression rv_deflate_interface(rv_deflate *deflate) {
    static const rv_compression_ops ops = {deflate_run, inflate_run};
    RV_ASSERT(deflate != NULL);
    return (rv_compression){&ops, deflate};
}
