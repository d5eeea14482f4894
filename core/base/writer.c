/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/writer.h"

#include "core/base/assert.h"

void rv_write_u32(rv_writer *w, uint32_t v) {
    uint8_t raw[4];
    rv_store_u32(raw, v);
    rv_write(w, rv_bytes_of(raw, sizeof raw));
}

void rv_write_u64(rv_writer *w, uint64_t v) {
    uint8_t raw[8];
    rv_store_u64(raw, v);
    rv_write(w, rv_bytes_of(raw, sizeof raw));
}

void rv_write_varint(rv_writer *w, uint64_t v) {
    if (rv_writer_room(w) >= 10) { /* in place: nearly always */
        uint8_t *p = w->ptr + w->len;
        for (; v >= 0x80; v >>= 7) {
            *p++ = (uint8_t)(v | 0x80);
        }
        *p++ = (uint8_t)v;
        w->len = (size_t)(p - w->ptr);
        RV_ASSERT(w->len <= w->cap);
        return;
    }
    uint8_t raw[10];
    size_t len = 0;
    while (v >= 0x80) {
        raw[len++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    raw[len++] = (uint8_t)v;
    RV_ASSERT(len <= sizeof raw);
    rv_write(w, rv_bytes_of(raw, len));
}

void rv_write_svarint(rv_writer *w, int64_t v) {
    const uint64_t sign = v < 0 ? UINT64_MAX : 0;
    rv_write_varint(w, ((uint64_t)v << 1) ^ sign);
}

void rv_write_blob(rv_writer *w, rv_bytes bytes) {
    rv_write_varint(w, bytes.len);
    rv_write(w, bytes);
}

void rv_write_text(rv_writer *w, const char *text) {
    rv_write(w, rv_bytes_of_string(text));
}

void rv_write_uint(rv_writer *w, uint64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    rv_write(w, rv_bytes_of(digits + at, sizeof digits - at));
}

void rv_write_int(rv_writer *w, int64_t v) {
    if (v < 0) {
        rv_write_u8(w, '-');
        rv_write_uint(w, ~(uint64_t)v + 1);
        return;
    }
    rv_write_uint(w, (uint64_t)v);
}

static const char hex_digits[] = "0123456789abcdef";

void rv_write_hex(rv_writer *w, rv_bytes bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        rv_write_u8(w, (uint8_t)hex_digits[bytes.ptr[i] >> 4]);
        rv_write_u8(w, (uint8_t)hex_digits[bytes.ptr[i] & 15]);
    }
}

void rv_write_uuid(rv_writer *w, const uint8_t *id) {
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            rv_write_u8(w, '-');
        }
        rv_write_hex(w, rv_bytes_of(id + i, 1));
    }
}

static void write_escaped(rv_writer *w, uint8_t c) {
    static const char names[] = "btnvfr"; /* 0x08 to 0x0d; \v has no short form in JSON */
    rv_write_u8(w, '\\');
    if (c == '"' || c == '\\') {
        rv_write_u8(w, c);
    } else if (c >= 0x08 && c <= 0x0d && c != 0x0b) {
        rv_write_u8(w, (uint8_t)names[c - 0x08]);
    } else {
        rv_write_text(w, "u00");
        rv_write_hex(w, rv_bytes_of(&c, 1));
    }
}

void rv_write_json_chars(rv_writer *w, rv_bytes text) {
    size_t start = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            rv_write(w, rv_bytes_of(text.ptr + start, i - start));
            write_escaped(w, c);
            start = i + 1;
        }
    }
    if (start < text.len) {
        rv_write(w, rv_bytes_of(text.ptr + start, text.len - start));
    }
}

void rv_write_json_string(rv_writer *w, rv_bytes text) {
    rv_write_u8(w, '"');
    rv_write_json_chars(w, text);
    rv_write_u8(w, '"');
}
