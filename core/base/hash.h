/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums and hashes. CRC32C (RFC 3720, appendix B.4) guards what is stored; XXH3 (the xxHash
 * specification, 0.8) keys hash tables, chains batches and makes the state hash. Neither is
 * cryptographic: they find faults, not forgeries.
 */
#ifndef RV_BASE_HASH_H
#define RV_BASE_HASH_H

#include "core/base/writer.h"

typedef struct rv_hash128 {
    uint64_t low;
    uint64_t high;
} rv_hash128;

/* CRC32C of `bytes`, continuing `crc` (0 to begin). */
uint32_t rv_crc32c(uint32_t crc, rv_bytes bytes);

uint64_t rv_hash64(uint64_t seed, rv_bytes bytes);

/* rv_hash64 of the 8 bytes of a number as they lie in memory. */
uint64_t rv_hash64_of_number(uint64_t seed, int64_t number);

rv_hash128 rv_hash128_of(uint64_t seed, rv_bytes bytes);

/* Addition modulo 2^128, the order-free sum of the state hash. */
static inline rv_hash128 rv_hash128_add(rv_hash128 a, rv_hash128 b) {
    const uint64_t low = a.low + b.low;
    return (rv_hash128){low, a.high + b.high + (low < a.low)};
}

static inline rv_hash128 rv_hash128_subtract(rv_hash128 a, rv_hash128 b) {
    return (rv_hash128){a.low - b.low, a.high - b.high - (a.low < b.low)};
}

/* Writes 32 hexadecimal digits, the most significant first. */
void rv_hash128_write(rv_hash128 hash, rv_writer *w);

#endif
