/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/backoff.h"

#include "core/base/assert.h"

int64_t rv_backoff_next(rv_backoff *backoff) {
    int64_t delay = RV_BACKOFF_MIN_US;
    for (uint32_t i = 0; i < backoff->failures && delay < RV_BACKOFF_MAX_US; i++) {
        delay *= 2;
    }
    delay = delay < RV_BACKOFF_MAX_US ? delay : RV_BACKOFF_MAX_US;
    backoff->failures += backoff->failures < UINT32_MAX;
    /* splitmix64 */
    backoff->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = backoff->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    const int64_t off = (int64_t)(z % (uint64_t)(delay / 2 + 1));
    RV_ASSERT(off >= 0 && off <= delay / 2);
    RV_ASSERT(delay >= RV_BACKOFF_MIN_US && delay <= RV_BACKOFF_MAX_US);
    return delay - off;
}
