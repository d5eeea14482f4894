/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/utf8.h"

#include "core/base/assert.h"

size_t rv_utf8_char_len(rv_bytes text) {
    if (text.len == 0) {
        return 0;
    }
    const uint8_t lead = text.ptr[0];
    if (lead < 0x80) {
        return 1;
    }
    /* The second byte's range closes out overlong forms, surrogates and what is too large. */
    uint8_t low = 0x80, high = 0xbf;
    size_t len = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
        len = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        len = 3;
        low = lead == 0xe0 ? 0xa0 : 0x80;
        high = lead == 0xed ? 0x9f : 0xbf;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        len = 4;
        low = lead == 0xf0 ? 0x90 : 0x80;
        high = lead == 0xf4 ? 0x8f : 0xbf;
    }
    if (len == 0 || text.len < len || text.ptr[1] < low || text.ptr[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((text.ptr[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

bool rv_utf8_valid(rv_bytes text, size_t *code_points) {
    size_t count = 0;
    if (rv_utf8_ascii(text)) {
        if (code_points != NULL) {
            *code_points = text.len;
        }
        return true;
    }
    size_t at = 0;
    while (at < text.len) {
        if (text.len - at >= 8 && rv_utf8_ascii_word(rv_load_u64(text.ptr + at))) {
            at += 8;
            count += 8;
            continue;
        }
        const uint8_t lead = text.ptr[at];
        const size_t len = lead < 0x80 ? lead != 0 : rv_utf8_char_len(rv_bytes_from(text, at));
        if (len == 0) {
            return false;
        }
        at += len;
        count += 1;
    }
    RV_ASSERT(at == text.len && count <= at);
    if (code_points != NULL) {
        *code_points = count;
    }
    return true;
}

size_t rv_utf8_encode(uint32_t code_point, uint8_t *out) {
    RV_ASSERT(code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff));
    if (code_point < 0x80) {
        out[0] = (uint8_t)code_point;
        return 1;
    }
    const size_t len = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const uint8_t leads[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out[0] = (uint8_t)(leads[len] | code_point);
    return len;
}
