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

/* Joins the 7-bit groups of up to 8 bytes, lowest first, whose high bits are clear. */
static inline uint64_t join_groups(uint64_t v) {
    v = ((v & UINT64_C(0x7f007f007f007f00)) >> 1) | (v & UINT64_C(0x007f007f007f007f));
    v = ((v & UINT64_C(0x3fff00003fff0000)) >> 2) | (v & UINT64_C(0x00003fff00003fff));
    return ((v & UINT64_C(0x0fffffff00000000)) >> 4) | (v & UINT64_C(0x000000000fffffff));
}

static const rv_varint malformed = {0, NULL};

/* Where 8 bytes are left and hold the whole varint, it is taken out of one word without a loop:
 * timestamps, which every event has, are 8 bytes. Two bytes, which most others are, come first. */
rv_varint rv_varint_at(const uint8_t *ptr, const uint8_t *end) {
    const size_t left = (size_t)(end - ptr);
    if (left >= 2 && ptr[0] >= 0x80 && ptr[1] < 0x80) {
        const uint64_t value = (uint64_t)(ptr[0] & 0x7f) | ((uint64_t)ptr[1] << 7);
        return ptr[1] == 0 ? malformed : (rv_varint){value, ptr + 2};
    }
    if (left >= 8) {
        const uint64_t word = rv_load_u64(ptr);
        const uint64_t stops = ~word & UINT64_C(0x8080808080808080);
        if (stops != 0) {
            /* everything up to the first stop */
            const uint64_t kept = word & (stops ^ (stops - 1));
            const unsigned len = (unsigned)__builtin_ctzll(stops) / 8 + 1;
            const bool too_long = len > 1 && ptr[len - 1] == 0;
            const uint64_t value = join_groups(kept & ~UINT64_C(0x8080808080808080));
            return too_long ? malformed : (rv_varint){value, ptr + len};
        }
    }
    uint64_t value = 0;
    const size_t len_max = left < 10 ? left : 10;
    for (size_t i = 0; i < len_max; i++) {
        const uint8_t byte = ptr[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            const bool too_wide = i == 9 && byte > 1;
            const bool too_long = i > 0 && byte == 0;
            return too_wide || too_long ? malformed : (rv_varint){value, ptr + i + 1};
        }
    }
    return malformed;
}
