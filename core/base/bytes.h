/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers over rv_bytes, and little-endian loads and stores at any alignment. */
#ifndef RV_BASE_BYTES_H
#define RV_BASE_BYTES_H

#include "rivulet/bytes.h"

#include <stdbool.h>
#include <string.h>

/* The bytes of a string literal, without its NUL. */
#define RV_LITERAL(text) ((rv_bytes){(const uint8_t *)(text), sizeof(text) - 1})

static inline rv_bytes rv_bytes_of(const void *ptr, size_t len) {
    return (rv_bytes){(const uint8_t *)ptr, len};
}

static inline rv_bytes rv_bytes_of_string(const char *text) {
    return (rv_bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool rv_bytes_equal(rv_bytes a, rv_bytes b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool rv_bytes_are(rv_bytes a, const char *text) {
    return rv_bytes_equal(a, rv_bytes_of_string(text));
}

/* Bytewise order; a prefix comes first. Negative, 0 or positive. */
static inline int rv_bytes_compare(rv_bytes a, rv_bytes b) {
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* From `start` (at most `a.len`) to the end. */
static inline rv_bytes rv_bytes_from(rv_bytes a, size_t start) {
    return start == 0 ? a : (rv_bytes){a.ptr + start, a.len - start};
}

/* Words are copied whole and swapped where the processor is big-endian: compilers do not reliably
 * make one move of bytes that are put together or taken apart one by one. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define RV_LITTLE_ENDIAN_16(v) __builtin_bswap16(v)
#define RV_LITTLE_ENDIAN_32(v) __builtin_bswap32(v)
#define RV_LITTLE_ENDIAN_64(v) __builtin_bswap64(v)
#else
#define RV_LITTLE_ENDIAN_16(v) (v)
#define RV_LITTLE_ENDIAN_32(v) (v)
#define RV_LITTLE_ENDIAN_64(v) (v)
#endif

static inline uint16_t rv_load_u16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return RV_LITTLE_ENDIAN_16(v);
}

static inline uint32_t rv_load_u32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return RV_LITTLE_ENDIAN_32(v);
}

static inline uint64_t rv_load_u64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return RV_LITTLE_ENDIAN_64(v);
}

static inline void rv_store_u16(uint8_t *p, uint16_t v) {
    v = RV_LITTLE_ENDIAN_16(v);
    memcpy(p, &v, sizeof v);
}

static inline void rv_store_u32(uint8_t *p, uint32_t v) {
    v = RV_LITTLE_ENDIAN_32(v);
    memcpy(p, &v, sizeof v);
}

static inline void rv_store_u64(uint8_t *p, uint64_t v) {
    v = RV_LITTLE_ENDIAN_64(v);
    memcpy(p, &v, sizeof v);
}

/* The first `len` bytes (at most 8) as a word, zeros behind them; reads nothing else. */
static inline uint64_t rv_load_short(const uint8_t *p, size_t len) {
    if (len >= 8) {
        return rv_load_u64(p);
    }
    if (len >= 4) {
        return rv_load_u32(p) | ((uint64_t)rv_load_u32(p + len - 4) << (8 * (len - 4)));
    }
    if (len == 0) {
        return 0;
    }
    /* one to three bytes without a branch: the middle one is the first or the last again */
    const size_t middle = len / 2;
    return p[0] | ((uint64_t)p[middle] << (8 * middle)) | ((uint64_t)p[len - 1] << (8 * (len - 1)));
}

/* rv_bytes_equal for names, which are short and compared often: no call up to 16 bytes. */
static inline bool rv_names_equal(rv_bytes a, rv_bytes b) {
    if (a.len != b.len || a.len > 16) {
        return rv_bytes_equal(a, b);
    }
    if (a.len <= 8) {
        return rv_load_short(a.ptr, a.len) == rv_load_short(b.ptr, b.len);
    }
    const size_t last = a.len - 8; /* overlaps the first eight */
    return ((rv_load_u64(a.ptr) ^ rv_load_u64(b.ptr)) |
            (rv_load_u64(a.ptr + last) ^ rv_load_u64(b.ptr + last))) == 0;
}

#endif
