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

rv_bytes rv_read(rv_cursor *c, uint64_t len);
uint8_t rv_read_u8(rv_cursor *c);
uint32_t rv_read_u32(rv_cursor *c);
uint64_t rv_read_u64(rv_cursor *c);
uint64_t rv_read_varint_slow(rv_cursor *c);
rv_bytes rv_read_blob(rv_cursor *c);

/* LEB128; more than 64 bits, and forms longer than needed, are malformed. */
static inline uint64_t rv_read_varint(rv_cursor *c) {
    if (!c->bad && c->ptr < c->end && *c->ptr < 0x80) {
        return *c->ptr++;
    }
    return rv_read_varint_slow(c);
}

static inline int64_t rv_read_svarint(rv_cursor *c) {
    const uint64_t v = rv_read_varint(c);
    return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

#endif
