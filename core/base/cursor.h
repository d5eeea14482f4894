/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what rv_writer writes, out of bytes that may be hostile. A read past the end or a malformed
 * varint gives 0 (or no bytes), sets `bad`, and every later read does the same; a decoder reads a
 * whole record and checks once.
 */
#ifndef RV_BASE_CURSOR_H
#define RV_BASE_CURSOR_H

#include "core/base/bytes.h"

#if defined(__SSE4_2__) && defined(__x86_64__)
#include <nmmintrin.h>
#endif

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

/* Joins the 7-bit groups of up to 8 bytes, lowest first, whose high bits are clear. */
static inline uint64_t rv_varint_join(uint64_t v) {
#if defined(__SSE4_2__) && defined(__x86_64__)
    const __m128i pairs =
        _mm_maddubs_epi16(_mm_set1_epi16((int16_t)0x8001), _mm_cvtsi64_si128((int64_t)v));
    const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x40000001));
    v = (uint64_t)_mm_cvtsi128_si64(fours); /* halves of 28 bits */
    return (v & UINT64_C(0xffffffff)) | ((v >> 32) << 28);
#else
    v = ((v & UINT64_C(0x7f007f007f007f00)) >> 1) | (v & UINT64_C(0x007f007f007f007f));
    v = ((v & UINT64_C(0x3fff00003fff0000)) >> 2) | (v & UINT64_C(0x00003fff00003fff));
    return ((v & UINT64_C(0x0fffffff00000000)) >> 4) | (v & UINT64_C(0x000000000fffffff));
#endif
}

/* A decoder's own place: its members stay in registers where it is inlined. */
typedef struct rv_reading {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *last_word; /* the last 8 bytes; NULL where there were fewer from the start */
} rv_reading;

static inline rv_reading rv_reading_over(rv_bytes bytes) {
    const uint8_t *const end = bytes.ptr == NULL ? NULL : bytes.ptr + bytes.len;
    return (rv_reading){bytes.ptr, end, bytes.len < 8 ? NULL : end - 8};
}

static inline size_t rv_reading_left(const rv_reading *r) {
    return (size_t)(r->end - r->at);
}

/* The same as rv_read_varint for a place of one's own. False: it is malformed, and nothing more is
 * to be read. A varint near the end is read together with what stands before it, and the zeros that
 * take the place of bytes behind the end are too long a form. */
RV_MUST_USE static inline bool rv_varint_take(rv_reading *r, uint64_t *value) {
    const uint8_t *const at = r->at;
    if (at == r->end) {
        return false;
    }
    if (at[0] < 0x80) {
        *value = at[0];
        r->at = at + 1;
        return true;
    }
    const uint8_t *const last = r->last_word;
    if (last != NULL) {
        const uint64_t word =
            at <= last ? rv_load_u64(at) : rv_load_u64(last) >> (8 * (size_t)(at - last));
        const uint64_t stops = ~word & UINT64_C(0x8080808080808080);
        if (stops != 0) {
            const unsigned stop = (unsigned)__builtin_ctzll(stops); /* 15, 23, … 63 */
            const uint64_t kept = word & (stops ^ (stops - 1)) & UINT64_C(0x7f7f7f7f7f7f7f7f);
            *value = rv_varint_join(kept);
            r->at = at + (stop + 1) / 8;
            return kept >> (stop - 7) != 0; /* a last byte of 0 is too long a form */
        }
    }
    const rv_varint taken = rv_varint_at(at, r->end);
    *value = taken.value;
    r->at = taken.next;
    return taken.next != NULL;
}

/* The number that a zigzag varint stands for. */
static inline int64_t rv_zigzag(uint64_t v) {
    return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

static inline rv_bytes rv_read_blob(rv_cursor *c) {
    return rv_read(c, rv_read_varint(c));
}

static inline int64_t rv_read_svarint(rv_cursor *c) {
    return rv_zigzag(rv_read_varint(c));
}

#endif
