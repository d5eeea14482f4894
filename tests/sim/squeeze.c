/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/squeeze.h"

#include "core/base/assert.h"

#include <string.h>

#define RUN_MAX 255u

static size_t squeeze(void *ctx, rv_bytes in, uint8_t *out, size_t cap) {
    size_t len = 0;
    (void)ctx;
    RV_ASSERT(out != NULL);
    for (size_t i = 0; i < in.len;) {
        uint8_t run = 1;
        while (run < RUN_MAX && i + run < in.len && in.ptr[i + run] == in.ptr[i]) {
            run += 1;
        }
        if (len + 2 > cap) {
            return 0;
        }
        out[len] = run;
        out[len + 1] = in.ptr[i];
        len += 2;
        i += run;
    }
    return len;
}

static size_t unsqueeze(void *ctx, rv_bytes in, uint8_t *out, size_t cap) {
    size_t len = 0;
    (void)ctx;
    RV_ASSERT(out != NULL);
    for (size_t i = 0; i + 2 <= in.len; i += 2) {
        const size_t run = in.ptr[i];
        if (run == 0 || run > cap - len) {
            return 0;
        }
        memset(out + len, in.ptr[i + 1], run);
        len += run;
    }
    return in.len % 2 == 0 ? len : 0;
}

rv_compression sim_squeeze(void) {
    static const rv_compression_ops ops = {.deflate = squeeze, .inflate = unsqueeze};
    return (rv_compression){.ops = &ops, .ctx = NULL};
}
