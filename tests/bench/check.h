/* SPDX-License-Identifier: Apache-2.0 */
/* What benchmarks of nodes in their own process share: they end when something is not as it should
 * be, and look at the clock. */
#ifndef RV_BENCH_CHECK_H
#define RV_BENCH_CHECK_H

#include "core/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void fail(const char *what, const char *why) {
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

static inline void check(rv_status status, const rv_error *err) {
    if (status != RV_OK && status != RV_END) {
        fail(rv_status_code(status), err->detail);
    }
}

/* Nanoseconds from some moment on. */
static inline double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

#endif
