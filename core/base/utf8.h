/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing above U+10FFFF. */
#ifndef RV_BASE_UTF8_H
#define RV_BASE_UTF8_H

#include "core/base/bytes.h"

#if defined(__SSE4_2__) && defined(__x86_64__)
#include <nmmintrin.h>
#endif

/* Length in bytes (1 to 4) of the well-formed character at the start of `text`, else 0. */
size_t rv_utf8_char_len(rv_bytes text);

/* True when the 8 bytes of `word` are ASCII without NUL: no high bit, and none borrows at minus 1.
 */
static inline bool rv_utf8_ascii_word(uint64_t word) {
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return ((word | (word - ones)) & high_bits) == 0;
}

/* True when all of `text` is ASCII without NUL, which most text is: in a few steps, of which the
 * last overlaps the one before it. */
static inline bool rv_utf8_ascii(rv_bytes text) {
    if (text.len < 8) {
        /* bytes that are none: not NUL either */
        const uint64_t behind = UINT64_C(0x0101010101010101) << (8 * text.len);
        return rv_utf8_ascii_word(rv_load_short(text.ptr, text.len) | behind);
    }
    size_t at = 0;
#if defined(__SSE4_2__) && defined(__x86_64__)
    if (text.len >= 16) { /* as signed bytes, what is above 0 */
        __m128i some;
        memcpy(&some, text.ptr + text.len - sizeof some, sizeof some);
        __m128i above = _mm_cmpgt_epi8(some, _mm_setzero_si128());
        for (; text.len - at > 16; at += 16) {
            memcpy(&some, text.ptr + at, sizeof some);
            above = _mm_and_si128(above, _mm_cmpgt_epi8(some, _mm_setzero_si128()));
        }
        return _mm_movemask_epi8(above) == 0xffff;
    }
#endif
    bool ascii = rv_utf8_ascii_word(rv_load_u64(text.ptr + text.len - 8));
    for (; ascii && text.len - at > 8; at += 8) {
        ascii = rv_utf8_ascii_word(rv_load_u64(text.ptr + at));
    }
    return ascii;
}

/* True when all of `text` is well-formed and has no NUL; `*code_points` (may be NULL) gets the
 * number of characters. */
bool rv_utf8_valid(rv_bytes text, size_t *code_points);

/* Writes the UTF-8 form of `code_point` (a scalar value) to `out` (4 bytes); returns its length. */
size_t rv_utf8_encode(uint32_t code_point, uint8_t *out);

#endif
