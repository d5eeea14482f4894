/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to try again: a delay that doubles with every failure, from a quarter of a second to half a
 * minute, of which a random part (up to a half) is taken off, so that edges that lost one upstream
 * do not all come back at once.
 */
#ifndef RV_SYNC_BACKOFF_H
#define RV_SYNC_BACKOFF_H

#include <stdint.h>

#define RV_BACKOFF_MIN_US INT64_C(250000)
#define RV_BACKOFF_MAX_US INT64_C(30000000)

typedef struct rv_backoff {
    uint64_t random; /* state of the jitter */
    uint32_t failures;
} rv_backoff;

static inline rv_backoff rv_backoff_start(uint64_t seed) {
    return (rv_backoff){seed, 0};
}

/* The delay after one more failure, microseconds. */
int64_t rv_backoff_next(rv_backoff *backoff);

/* It worked: the next failure waits the least. */
static inline void rv_backoff_reset(rv_backoff *backoff) {
    backoff->failures = 0;
}

#endif
