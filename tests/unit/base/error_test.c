/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an error's text and facts are always valid UTF-8 and valid JSON members, whatever goes in,
 * and what does not fit is left out whole. Method: the format by hand, then texts of every length
 * up to and beyond the room, of characters of every length.
 */
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "tests/unit/test.h"

static const char *facts(const rv_error *err) {
    return err->facts_len == strlen(err->facts) ? err->facts : "(length and NUL disagree)";
}

RV_TEST(the_format_knows_its_letters) {
    rv_error err;
    const rv_bytes name = RV_LITERAL("/a/1");
    const rv_status status =
        rv_error_set(&err, RV_VERSION_CONFLICT, "%b is at %u, not %d: %s %x %%", &name, UINT64_MAX,
                     INT64_MIN, "why", UINT64_C(0xbeef));
    RV_CHECK_STATUS(status, RV_VERSION_CONFLICT);
    RV_CHECK_STATUS(err.status, RV_VERSION_CONFLICT);
    RV_CHECK_TEXT(rv_error_detail(&err), "/a/1 is at 18446744073709551615, not "
                                         "-9223372036854775808: why beef %");
    RV_CHECK_EQ(strlen(err.detail), err.detail_len);
    RV_CHECK_EQ(err.facts_len, 0);
    RV_CHECK_STATUS(rv_error_set(NULL, RV_BUSY, "%u", UINT64_C(1)), RV_BUSY);
}

RV_TEST(hexadecimal_numbers) {
    rv_error err;
    (void)rv_error_set(&err, RV_OK, "%x %x %x %x", UINT64_C(0), UINT64_C(15), UINT64_C(16),
                       UINT64_MAX);
    RV_CHECK_TEXT(rv_error_detail(&err), "0 f 10 ffffffffffffffff");
}

RV_TEST(bytes_that_are_not_printable_are_shown) {
    rv_error err;
    const rv_bytes bytes = rv_bytes_of("a\0\n\x7f\xff\xc3\xa9\xc3", 8);
    (void)rv_error_set(&err, RV_OK, "[%b]", &bytes);
    RV_CHECK_TEXT(rv_error_detail(&err), "[a\\x00\\x0a\\x7f\\xff\xc3\xa9\\xc3]");
    const rv_bytes none = {NULL, 0};
    (void)rv_error_set(&err, RV_OK, "[%b]", &none);
    RV_CHECK_TEXT(rv_error_detail(&err), "[]");
}

RV_TEST(a_long_text_is_cut_at_a_character) {
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t kind = 0; kind < 4; kind++) {
        for (size_t pad = 0; pad < 4; pad++) {
            char text[2 * RV_ERROR_DETAIL_MAX] = "xxxx";
            text[pad] = '\0';
            while (strlen(text) + 5 < sizeof text) {
                strcat(text, characters[kind]);
            }
            rv_error err;
            (void)rv_error_set(&err, RV_OK, "%s", text);
            RV_CHECK(err.detail_len < RV_ERROR_DETAIL_MAX);
            RV_CHECK(err.detail_len >= RV_ERROR_DETAIL_MAX - 4);
            RV_CHECK_EQ(strlen(err.detail), err.detail_len);
            RV_CHECK(rv_utf8_valid(rv_error_detail(&err), NULL));
            RV_CHECK(memcmp(err.detail, text, err.detail_len) == 0);
        }
    }
}

RV_TEST(facts_are_json_members) {
    rv_error err;
    (void)rv_error_set(&err, RV_VERSION_CONFLICT, "no");
    rv_error_fact_uint(&err, "expected", 3);
    RV_CHECK(strcmp(facts(&err), "\"expected\":3") == 0);
    rv_error_fact_int(&err, "actual", -5);
    rv_error_fact_text(&err, "path", RV_LITERAL("/a\"b\xff\n"));
    RV_CHECK(strcmp(facts(&err), "\"expected\":3,\"actual\":-5,"
                                 "\"path\":\"/a\\\"b\\\\xff\\\\x0a\"") == 0);
    uint8_t raw[512];
    rv_writer w = rv_writer_over(raw, sizeof raw);
    rv_error_write_members(&err, &w);
    RV_CHECK_TEXT(rv_writer_bytes(&w), "\"code\":\"version_conflict\",\"detail\":\"no\","
                                       "\"expected\":3,\"actual\":-5,"
                                       "\"path\":\"/a\\\"b\\\\xff\\\\x0a\"");
    (void)rv_error_set(&err, RV_BUSY, "%s", "a\"b");
    RV_CHECK(strcmp(facts(&err), "") == 0);
    w = rv_writer_over(raw, sizeof raw);
    rv_error_write_members(&err, &w);
    RV_CHECK_TEXT(rv_writer_bytes(&w), "\"code\":\"busy\",\"detail\":\"a\\\"b\"");
    rv_error_fact_uint(NULL, "a", 1);
    rv_error_fact_int(NULL, "a", 1);
    rv_error_fact_text(NULL, "a", RV_LITERAL("b"));
}

RV_TEST(a_fact_that_does_not_fit_is_left_out_whole) {
    static uint8_t text[2 * RV_ERROR_FACTS_MAX];
    memset(text, 'x', sizeof text);
    for (size_t len = 0; len < sizeof text; len++) {
        rv_error err;
        (void)rv_error_set(&err, RV_OK, "");
        rv_error_fact_uint(&err, "first", 1);
        const size_t before = err.facts_len;
        rv_error_fact_text(&err, "t", rv_bytes_of(text, len));
        const size_t needed = before + strlen(",\"t\":\"\"") + len;
        RV_CHECK_EQ(err.facts_len, needed < RV_ERROR_FACTS_MAX ? needed : before);
        RV_CHECK(strlen(facts(&err)) == err.facts_len);
        /* What fits is still taken afterwards. */
        const size_t after = err.facts_len;
        rv_error_fact_uint(&err, "n", 1);
        RV_CHECK_EQ(err.facts_len, after + 6 < RV_ERROR_FACTS_MAX ? after + 6 : after);
        RV_CHECK(memcmp(err.facts, "\"first\":1", 9) == 0);
    }
}

int main(void) {
    RV_RUN(the_format_knows_its_letters);
    RV_RUN(hexadecimal_numbers);
    RV_RUN(bytes_that_are_not_printable_are_shown);
    RV_RUN(a_long_text_is_cut_at_a_character);
    RV_RUN(facts_are_json_members);
    RV_RUN(a_fact_that_does_not_fit_is_left_out_whole);
    return rv_test_done();
}
