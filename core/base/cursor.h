/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what rv_writer writes, out of bytes that may be hostile. A read past the end or a malformed
 * varint gives 0 (or no bytes), sets `bad`, and every later read does the same; a decoder reads a
 * whole record and checks once.
 */
#ifndef RV_BASE_CURSOR_H
#define RV_BASE_CURSOR_H

#include "core/base/bytes.h"

typedef struct rv_cursor {
    const uint8_t *ptr;
    const uint8_t *end;
    bool bad;
} rv_cursor;

static inline rv_cursor rv_cursor_over(rv_bytes bytes) {
    return (rv_cursor){bytes.ptr, bytes.ptr == NULL ? NULL : bytes.ptr + bytes.len, false};
}

static inline size_t rv_cursor_left(const rv_cursor *c) {
    return c->bad ? 0 : (size_t)(c->end - c->ptr);
}

/* True when everything was read and nothing was malformed. */
static inline bool rv_cursor_done(const rv_cursor *c) {
    return !c->bad && c->ptr == c->end;
}

static inline rv_bytes rv_read(rv_cursor *c, uint64_t len) {
    if (c->bad || len > (size_t)(c->end - c->ptr)) {
        c->bad = true;
        return (rv_bytes){NULL, 0};
    }
    const rv_bytes bytes = {c->ptr, (size_t)len};
    c->ptr = len == 0 ? c->ptr : c->ptr + len;
    return bytes;
}

uint8_t rv_read_u8(rv_cursor *c);
uint32_t rv_read_u32(rv_cursor *c);
uint64_t rv_read_u64(rv_cursor *c);
uint64_t rv_read_varint_slow(rv_cursor *c);

/* LEB128; more than 64 bits, and forms longer than needed, are malformed. */
static inline uint64_t rv_read_varint(rv_cursor *c) {
    const uint8_t *const p = c->ptr;
    if (!c->bad && p < c->end) {
        const unsigned low = p[0];
        if (low < 0x80) {
            c->ptr = p + 1;
            return low;
        }
        if (c->end - p > 1 && p[1] - 1u < 0x7f) { /* a second byte of 0 is one too many */
            c->ptr = p + 2;
            return (low & 0x7f) | ((unsigned)p[1] << 7);
        }
    }
    return rv_read_varint_slow(c);
}

static inline rv_bytes rv_read_blob(rv_cursor *c) {
    return rv_read(c, rv_read_varint(c));
}

static inline int64_t rv_read_svarint(rv_cursor *c) {
    const uint64_t v = rv_read_varint(c);
    return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

#endif
