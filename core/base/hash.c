/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XXH3 comes from the xxHash headers, inlined. CRC32C is here because no library has it for every
 * target: the processor's instruction where there is one, else eight tables of 256 words ("slicing
 * by eight"). They are worked out when they are first needed: a module of WASM would be 8 KB larger
 * with them, which do not compress. They are always the same, so this is no state.
 */
#include "core/base/hash.h"

#include "core/base/assert.h"

#define XXH_INLINE_ALL
#define XXH_NO_STDLIB
#include <xxhash.h>

#if defined(__SSE4_2__) && defined(__x86_64__)

#include <nmmintrin.h>

uint32_t rv_crc32c(uint32_t crc, rv_bytes bytes) {
    uint64_t state = ~crc;
    const uint8_t *p = bytes.ptr;
    size_t left = bytes.len;
    for (; left >= 8; left -= 8, p += 8) {
        state = _mm_crc32_u64(state, rv_load_u64(p));
    }
    for (; left > 0; left -= 1, p += 1) {
        state = _mm_crc32_u8((uint32_t)state, *p);
    }
    return ~(uint32_t)state;
}

#else

#define CRC32C_POLYNOMIAL UINT32_C(0x82f63b78) /* reflected */

static uint32_t crc32c_table[8][256];

/* Table k moves a byte over k further bytes of zeros. */
static void crc32c_tables_make(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? CRC32C_POLYNOMIAL : 0);
        }
        crc32c_table[0][i] = crc;
    }
    for (unsigned k = 1; k < 8; k++) {
        for (uint32_t i = 0; i < 256; i++) {
            const uint32_t before = crc32c_table[k - 1][i];
            crc32c_table[k][i] = (before >> 8) ^ crc32c_table[0][before & 255];
        }
    }
    RV_ASSERT(crc32c_table[7][1] != 0);
}

uint32_t rv_crc32c(uint32_t crc, rv_bytes bytes) {
    uint32_t state = ~crc;
    const uint8_t *p = bytes.ptr;
    size_t left = bytes.len;
    if (crc32c_table[7][1] == 0) {
        crc32c_tables_make();
    }
    for (; left >= 8; left -= 8, p += 8) {
        const uint32_t a = state ^ rv_load_u32(p);
        const uint32_t b = rv_load_u32(p + 4);
        state = crc32c_table[7][a & 255] ^ crc32c_table[6][(a >> 8) & 255] ^
                crc32c_table[5][(a >> 16) & 255] ^ crc32c_table[4][a >> 24] ^
                crc32c_table[3][b & 255] ^ crc32c_table[2][(b >> 8) & 255] ^
                crc32c_table[1][(b >> 16) & 255] ^ crc32c_table[0][b >> 24];
    }
    for (; left > 0; left -= 1, p += 1) {
        state = (state >> 8) ^ crc32c_table[0][(state ^ *p) & 255];
    }
    return ~state;
}

#endif

uint64_t rv_hash64(uint64_t seed, rv_bytes bytes) {
    return XXH3_64bits_withSeed(bytes.ptr == NULL ? "" : (const void *)bytes.ptr, bytes.len, seed);
}

uint64_t rv_hash64_of_number(uint64_t seed, int64_t number) {
    return XXH3_64bits_withSeed(&number, sizeof number, seed);
}

rv_hash128 rv_hash128_of(uint64_t seed, rv_bytes bytes) {
    const void *ptr = bytes.ptr == NULL ? "" : (const void *)bytes.ptr;
    const XXH128_hash_t hash = XXH3_128bits_withSeed(ptr, bytes.len, seed);
    return (rv_hash128){hash.low64, hash.high64};
}

void rv_hash128_write(rv_hash128 hash, rv_writer *w) {
    uint8_t raw[16];
    for (unsigned i = 0; i < 8; i++) {
        raw[i] = (uint8_t)(hash.high >> (56 - 8 * i));
        raw[8 + i] = (uint8_t)(hash.low >> (56 - 8 * i));
    }
    rv_write_hex(w, rv_bytes_of(raw, sizeof raw));
}
