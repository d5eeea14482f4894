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

/* A varint of any length, and where it ends: NULL when it is malformed. Not by way of the cursor: a
 * cursor whose address nobody else gets stays in registers, where decoders are inlined. */
typedef struct rv_varint {
    uint64_t value;
    const uint8_t *next;
} rv_varint;

rv_varint rv_varint_at(const uint8_t *ptr, const uint8_t *end);

/* LEB128; more than 64 bits, and forms longer than needed, are malformed. */
static inline uint64_t rv_read_varint(rv_cursor *c) {
    const uint8_t *const p = c->ptr;
    if (c->bad || p == c->end) {
        c->bad = true;
        return 0;
    }
    const unsigned low = p[0];
    if (low < 0x80) {
        c->ptr = p + 1;
        return low;
    }
    const rv_varint slow = rv_varint_at(p, c->end);
    c->bad = slow.next == NULL;
    c->ptr = c->bad ? p : slow.next;
    return slow.value;
}

static inline rv_bytes rv_read_blob(rv_cursor *c) {
    return rv_read(c, rv_read_varint(c));
}

static inline int64_t rv_read_svarint(rv_cursor *c) {
    const uint64_t v = rv_read_varint(c);
    return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

#endif
