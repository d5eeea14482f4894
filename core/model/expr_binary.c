/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode(bytea, format) and decode(text, format) with PostgreSQL's formats `hex` and `base64` (RFC
 * 2045: a line break after each 76 characters; white space is skipped when it is read).
 */
#include "core/base/assert.h"
#include "core/model/expr_call.h"

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define LINE_LEN 76u

static void write_base64(rv_bytes bytes, rv_writer *w) {
    uint32_t in_line = 0;
    for (size_t at = 0; at < bytes.len && !w->full; at += 3) {
        const size_t left = bytes.len - at;
        const uint32_t b1 = left > 1 ? bytes.ptr[at + 1] : 0;
        const uint32_t b2 = left > 2 ? bytes.ptr[at + 2] : 0;
        const uint32_t bits = ((uint32_t)bytes.ptr[at] << 16) | (b1 << 8) | b2;
        const uint8_t text[4] = {(uint8_t)digits64[bits >> 18], (uint8_t)digits64[bits >> 12 & 63],
                                 (uint8_t)(left > 1 ? digits64[bits >> 6 & 63] : '='),
                                 (uint8_t)(left > 2 ? digits64[bits & 63] : '=')};
        rv_write(w, rv_bytes_of(text, 4));
        in_line += 4;
        if (in_line == LINE_LEN) {
            rv_write_u8(w, '\n');
            in_line = 0;
        }
    }
    RV_ASSERT(in_line < LINE_LEN);
}

static int digit64(uint8_t c) {
    for (int i = 0; i < 64; i++) {
        if ((uint8_t)digits64[i] == c) {
            return i;
        }
    }
    return -1;
}

static bool is_space(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* False: the text is no base64. As in PostgreSQL, the first `=` tells how many bytes this group and
 * all after it give, and what characters follow it in the group has no effect. */
static bool read_base64(rv_bytes text, rv_writer *w) {
    uint32_t bits = 0;
    uint32_t count = 0; /* of the four characters of a group */
    uint32_t given = 3; /* bytes of a group */
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        if (is_space(c)) {
            continue;
        }
        const bool end = c == '=';
        const int digit = end ? 0 : digit64(c);
        if (digit < 0 || (end && given == 3 && count < 2)) {
            return false;
        }
        given = end && given == 3 ? count - 1 : given;
        bits = bits << 6 | (uint32_t)digit;
        count += 1;
        if (count == 4) {
            const uint8_t bytes[3] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
            rv_write(w, rv_bytes_of(bytes, given));
            count = 0;
            bits = 0;
        }
    }
    RV_ASSERT(given >= 1 && given <= 3);
    return count == 0;
}

static int digit16(uint8_t c) {
    const uint8_t lower = c | 0x20;
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool read_hex(rv_bytes text, rv_writer *w) {
    int high = -1;
    for (size_t i = 0; i < text.len; i++) {
        if (is_space(text.ptr[i]) && high < 0) {
            continue;
        }
        const int digit = digit16(text.ptr[i]);
        if (digit < 0) {
            return false;
        }
        if (high >= 0) {
            rv_write_u8(w, (uint8_t)(high * 16 + digit));
        }
        high = high >= 0 ? -1 : digit;
    }
    RV_ASSERT(high < 16);
    return high < 0;
}

static bool is_format(rv_bytes format, const char *name) {
    bool same = format.len == strlen(name);
    for (size_t i = 0; same && i < format.len; i++) {
        same = (format.ptr[i] | 0x20) == (uint8_t)name[i] || format.ptr[i] == (uint8_t)name[i];
    }
    return same;
}

rv_status rv_call_binary(const rv_expr_step *step, rv_value *values, const rv_call_env *env) {
    const bool hex = is_format(values[1].as.bytes, "hex");
    const bool encode = step->target == RV_CALL_ENCODE;
    RV_ASSERT(encode || step->target == RV_CALL_DECODE);
    if (!hex && !is_format(values[1].as.bytes, "base64")) {
        return rv_error_set(env->err, RV_VALUE_INVALID,
                            "the formats of encode and decode are hex and base64");
    }
    rv_writer w = rv_call_writer(env);
    bool good = true;
    if (encode && hex) {
        rv_write_hex(&w, values[0].as.bytes);
    } else if (encode) {
        write_base64(values[0].as.bytes, &w);
    } else {
        good = hex ? read_hex(values[0].as.bytes, &w) : read_base64(values[0].as.bytes, &w);
    }
    RV_ASSERT(good || !encode);
    return good ? rv_call_written(env, &w, &values[0])
                : rv_error_set(env->err, RV_VALUE_INVALID, "the text is no %s",
                               hex ? "hex" : "base64");
}
