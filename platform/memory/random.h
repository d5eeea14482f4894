/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded random numbers for hosts whose every answer must be repeatable: splitmix64 (Steele, Lea
 * and Flood, 2014). Eight bytes of state, any seed is good. Not for secrets.
 */
#ifndef RV_PLATFORM_MEMORY_RANDOM_H
#define RV_PLATFORM_MEMORY_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint64_t rv_random_next(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to `bound - 1`; `bound` is not 0. The bias is below bound / 2^64. */
static inline uint64_t rv_random_below(uint64_t *state, uint64_t bound) {
    return rv_random_next(state) % bound;
}

/* True `percent` times of a hundred. */
static inline bool rv_random_chance(uint64_t *state, uint32_t percent) {
    return rv_random_below(state, 100) < percent;
}

static inline void rv_random_fill(uint64_t *state, uint8_t *buf, size_t len) {
    for (size_t i = 0; i < len; i++) {
        buf[i] = (uint8_t)(rv_random_next(state) >> 56);
    }
}

#endif
