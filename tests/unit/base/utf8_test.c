/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: exactly the well-formed sequences of RFC 3629 are taken. Method: every code point round
 * trip; every sequence of two bytes, and of three and four around the boundaries of each class,
 * against a naive decoder; truncation at every length.
 */
#include "core/base/utf8.h"
#include "tests/unit/test.h"

/* The length of the character at the start by the definition: decode, then check that it is a
 * scalar value which needs that many bytes. */
static size_t naive_len(const uint8_t *p, size_t len) {
    const size_t want = p[0] < 0x80             ? 1
                        : (p[0] & 0xe0) == 0xc0 ? 2
                        : (p[0] & 0xf0) == 0xe0 ? 3
                        : (p[0] & 0xf8) == 0xf0 ? 4
                                                : 0;
    if (want == 0 || want > len) {
        return 0;
    }
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code_point = p[0] & masks[want];
    for (size_t i = 1; i < want; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code_point = (code_point << 6) | (p[i] & 0x3f);
    }
    const bool scalar = code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff);
    return scalar && code_point >= least[want] ? want : 0;
}

static void check_sequence(const uint8_t *p) {
    for (size_t len = 1; len <= 4; len++) {
        RV_CHECK_EQ(rv_utf8_char_len(rv_bytes_of(p, len)), naive_len(p, len));
    }
}

RV_TEST(sequences_against_a_naive_decoder) {
    static const uint8_t edges[] = {0x00, 0x01, 0x40, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f,
                                    0xa0, 0xa1, 0xbe, 0xbf, 0xc0, 0xc1, 0xc2, 0xe0, 0xf0, 0xff};
    const size_t count = sizeof edges;
    for (unsigned pair = 0; pair < 65536; pair++) {
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < count; j += pair % 7 + 1) {
                const uint8_t p[] = {(uint8_t)(pair >> 8), (uint8_t)pair, edges[i], edges[j]};
                check_sequence(p);
                RV_CHECK_PASSED();
            }
        }
    }
}

RV_TEST(every_code_point_round_trip) {
    for (uint32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
        if (code_point >= 0xd800 && code_point <= 0xdfff) {
            continue;
        }
        uint8_t raw[4];
        const size_t len = rv_utf8_encode(code_point, raw);
        RV_CHECK_EQ(naive_len(raw, len), len);
        RV_CHECK_EQ(rv_utf8_char_len(rv_bytes_of(raw, len)), len);
        for (size_t cut = 0; cut < len; cut++) {
            RV_CHECK_EQ(rv_utf8_char_len(rv_bytes_of(raw, cut)), 0);
        }
        RV_CHECK_EQ(rv_utf8_valid(rv_bytes_of(raw, len), NULL), code_point != 0);
    }
}

/* Well-formed text of all lengths of characters, and the number of its characters. */
static const char mixed[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";

RV_TEST(text_counts_code_points) {
    size_t count = 99;
    RV_CHECK(rv_utf8_valid(RV_LITERAL(mixed), &count));
    RV_CHECK_EQ(count, 5);
    RV_CHECK(rv_utf8_valid((rv_bytes){NULL, 0}, &count));
    RV_CHECK_EQ(count, 0);
    RV_CHECK(rv_utf8_valid(RV_LITERAL("abc"), NULL));
}

RV_TEST(text_that_becomes_malformed) {
    static const size_t whole[] = {0, 1, 3, 6, 10, 11};
    for (size_t cut = 0; cut <= sizeof mixed - 1; cut++) {
        bool at_character = false;
        for (size_t i = 0; i < 6; i++) {
            at_character = at_character || whole[i] == cut;
        }
        RV_CHECK_EQ(rv_utf8_valid(rv_bytes_of(mixed, cut), NULL), at_character);
    }
    size_t count = 99;
    static const char *const bad[] = {"a\x80",  "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "ok\xff", "\xe2\x82z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        RV_CHECK(!rv_utf8_valid(rv_bytes_of_string(bad[i]), &count));
    }
    RV_CHECK(!rv_utf8_valid(rv_bytes_of("a\0b", 3), &count));
    RV_CHECK_EQ(count, 99);
}

RV_TEST(ascii_at_every_length_and_place) {
    static const uint8_t bytes[] = {0x00, 0x01, 0x7f, 0x80, 0xc3, 0xff};
    for (size_t len = 0; len <= 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t b = 0; b < sizeof bytes; b++) {
                uint8_t text[40];
                memset(text, 'a', sizeof text);
                text[at] = bytes[b];
                const bool ascii = bytes[b] > 0 && bytes[b] < 0x80;
                RV_CHECK_EQ(rv_utf8_ascii(rv_bytes_of(text, len)), ascii);
                RV_CHECK(rv_utf8_ascii(rv_bytes_of(text, at))); /* what is behind is not read */
            }
        }
    }
}

int main(void) {
    RV_RUN(ascii_at_every_length_and_place);
    RV_RUN(sequences_against_a_naive_decoder);
    RV_RUN(every_code_point_round_trip);
    RV_RUN(text_counts_code_points);
    RV_RUN(text_that_becomes_malformed);
    return rv_test_done();
}
