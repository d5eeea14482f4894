/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/cursor.h"

#include "core/base/assert.h"

rv_bytes rv_read(rv_cursor *c, uint64_t len) {
    if (c->bad || len > (size_t)(c->end - c->ptr)) {
        c->bad = true;
        return (rv_bytes){NULL, 0};
    }
    const rv_bytes bytes = {c->ptr, (size_t)len};
    c->ptr = len == 0 ? c->ptr : c->ptr + len;
    return bytes;
}

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

uint64_t rv_read_varint_slow(rv_cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        const uint8_t byte = rv_read_u8(c);
        if (c->bad) {
            return 0;
        }
        const bool too_wide = shift == 63 && byte > 1;
        const bool too_long = shift > 0 && byte == 0;
        if (too_wide || too_long) {
            c->bad = true;
            return 0;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    c->bad = true;
    return 0;
}

rv_bytes rv_read_blob(rv_cursor *c) {
    return rv_read(c, rv_read_varint(c));
}
