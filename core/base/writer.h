/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded output buffer. Writing past the end writes nothing and sets `full`, so a caller writes
 * a whole record and checks once; nothing is ever half a varint.
 */
#ifndef RV_BASE_WRITER_H
#define RV_BASE_WRITER_H

#include "core/base/bytes.h"

typedef struct rv_writer {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    bool full; /* something did not fit; `len` bytes before it are intact */
    /* JSON of numbers that a double may not hold (numeric, bigint) is their text, in quotes */
    bool numbers_as_text;
} rv_writer;

static inline rv_writer rv_writer_over(void *memory, size_t cap) {
    return (rv_writer){(uint8_t *)memory, 0, cap, false, false};
}

static inline rv_bytes rv_writer_bytes(const rv_writer *w) {
    return (rv_bytes){w->ptr, w->len};
}

static inline size_t rv_writer_room(const rv_writer *w) {
    return w->full ? 0 : w->cap - w->len;
}

/* Appends raw bytes, whole or not at all. */
static inline void rv_write(rv_writer *w, rv_bytes bytes) {
    if (bytes.len > rv_writer_room(w)) {
        w->full = true;
    } else if (!w->full && bytes.len > 0) {
        memcpy(w->ptr + w->len, bytes.ptr, bytes.len);
        w->len += bytes.len;
    }
}

static inline void rv_write_u8(rv_writer *w, uint8_t v) {
    if (rv_writer_room(w) == 0) {
        w->full = true;
        return;
    }
    w->ptr[w->len++] = v;
}

void rv_write_u32(rv_writer *w, uint32_t v);
void rv_write_u64(rv_writer *w, uint64_t v);

/* LEB128, at most 10 bytes. */
void rv_write_varint(rv_writer *w, uint64_t v);

/* Zigzag, then LEB128. */
void rv_write_svarint(rv_writer *w, int64_t v);

/* A varint length, then the bytes. */
void rv_write_blob(rv_writer *w, rv_bytes bytes);

/* Text: a NUL-terminated string, and decimal numbers. */
void rv_write_text(rv_writer *w, const char *text);
void rv_write_uint(rv_writer *w, uint64_t v);
void rv_write_int(rv_writer *w, int64_t v);

/* Lower-case hexadecimal, two digits a byte. */
void rv_write_hex(rv_writer *w, rv_bytes bytes);

/* A UUID in its 36-character form; `id` has 16 bytes. */
void rv_write_uuid(rv_writer *w, const uint8_t *id);

/* A JSON string with its quotes; `text` is valid UTF-8. Escapes what RFC 8259 requires, no more. */
void rv_write_json_string(rv_writer *w, rv_bytes text);

/* What stands between the quotes. */
void rv_write_json_chars(rv_writer *w, rv_bytes text);

/* The mini-format of rv_error_set: see core/base/error.h. */

#endif
