/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/cursor.h"

#include "core/base/assert.h"

uint8_t rv_read_u8(rv_cursor *c) {
    const rv_bytes raw = rv_read(c, 1);
    return raw.len == 1 ? raw.ptr[0] : 0;
}

uint32_t rv_read_u32(rv_cursor *c) {
    const rv_bytes raw = rv_read(c, 4);
    return raw.len == 4 ? rv_load_u32(raw.ptr) : 0;
}

uint64_t rv_read_u64(rv_cursor *c) {
    const rv_bytes raw = rv_read(c, 8);
    return raw.len == 8 ? rv_load_u64(raw.ptr) : 0;
}

/* A varint of 9 or 10 bytes. */
static rv_varint long_varint(const uint8_t *ptr, size_t left) {
    uint64_t value = rv_varint_join(rv_load_u64(ptr) & ~UINT64_C(0x8080808080808080));
    RV_ASSERT(left >= 8);
    const size_t len_max = left < 10 ? left : 10;
    for (size_t i = 8; i < len_max; i++) {
        const uint8_t byte = ptr[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            const bool too_wide = i == 9 && byte > 1;
            return too_wide || byte == 0 ? (rv_varint){0, NULL} : (rv_varint){value, ptr + i + 1};
        }
    }
    return (rv_varint){0, NULL};
}

/* Up to 8 bytes are taken out of one word: a loop over bytes, or a branch by length, is guessed
 * wrong too often. */
rv_varint rv_varint_at(const uint8_t *ptr, const uint8_t *end) {
    const size_t left = (size_t)(end - ptr);
    const uint64_t word = rv_load_short(ptr, left);
    const uint64_t stops = ~word & UINT64_C(0x8080808080808080);
    if (stops == 0) {
        return long_varint(ptr, left);
    }
    const unsigned len = (unsigned)__builtin_ctzll(stops) / 8 + 1;
    const uint64_t kept = word & (stops ^ (stops - 1)); /* everything up to the first stop */
    const bool too_long = len > 1 && kept >> (8 * len - 8) == 0; /* a last byte of 0 */
    const uint64_t value = rv_varint_join(kept & ~UINT64_C(0x8080808080808080));
    return too_long || len > left ? (rv_varint){0, NULL} : (rv_varint){value, ptr + len};
}
