/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a writer writes each thing whole or not at all, never beyond its end, and says so; and its
 * text forms are right. Method: every kind of write at every capacity, with a guard byte behind;
 * values by hand.
 */
#include "core/base/writer.h"
#include "tests/unit/test.h"

typedef void write_fn(rv_writer *w);

static void write_raw(rv_writer *w) {
    rv_write(w, RV_LITERAL("hello"));
}

static void write_u8(rv_writer *w) {
    rv_write_u8(w, 1);
}

static void write_u32(rv_writer *w) {
    rv_write_u32(w, 1);
}

static void write_u64(rv_writer *w) {
    rv_write_u64(w, 1);
}

static void write_varint(rv_writer *w) {
    rv_write_varint(w, UINT64_MAX);
}

static void write_svarint(rv_writer *w) {
    rv_write_svarint(w, INT64_MIN);
}

static void write_uint(rv_writer *w) {
    rv_write_uint(w, UINT64_MAX);
}

static void write_text(rv_writer *w) {
    rv_write_text(w, "text");
}

/* Each of these is one unit: all of it or nothing. */
static const struct {
    write_fn *write;
    size_t len;
} atoms[] = {
    {write_raw, 5},     {write_u8, 1},       {write_u32, 4},   {write_u64, 8},
    {write_varint, 10}, {write_svarint, 10}, {write_uint, 20}, {write_text, 4},
};

RV_TEST(each_write_is_whole_or_nothing) {
    uint8_t raw[64];
    for (size_t i = 0; i < sizeof atoms / sizeof atoms[0]; i++) {
        for (size_t cap = 0; cap < 32; cap++) {
            memset(raw, 0xee, sizeof raw);
            rv_writer w = rv_writer_over(raw, cap);
            atoms[i].write(&w);
            const bool fits = atoms[i].len <= cap;
            RV_CHECK_EQ(w.full, !fits);
            RV_CHECK_EQ(w.len, fits ? atoms[i].len : 0);
            RV_CHECK_EQ(rv_writer_room(&w), fits ? cap - w.len : 0);
            for (size_t at = w.len; at < sizeof raw; at++) {
                RV_CHECK_EQ(raw[at], 0xee);
            }
        }
    }
}

RV_TEST(once_full_nothing_more_is_written) {
    uint8_t raw[8];
    rv_writer w = rv_writer_over(raw, sizeof raw);
    rv_write_u32(&w, 0x01020304);
    rv_write_u64(&w, 5);
    RV_CHECK(w.full);
    for (size_t i = 0; i < sizeof atoms / sizeof atoms[0]; i++) {
        atoms[i].write(&w);
    }
    rv_write_json_string(&w, RV_LITERAL("x"));
    rv_write_blob(&w, RV_LITERAL("x"));
    RV_CHECK_EQ(w.len, 4);
    RV_CHECK(memcmp(raw, "\4\3\2\1", 4) == 0);
    rv_writer none = rv_writer_over(NULL, 0);
    rv_write(&none, (rv_bytes){NULL, 0});
    RV_CHECK(!none.full);
    rv_write_u8(&none, 0);
    RV_CHECK(none.full);
}

static uint8_t text_raw[256];

static rv_writer text_writer(void) {
    return rv_writer_over(text_raw, sizeof text_raw);
}

RV_TEST(numbers_as_text) {
    rv_writer w = text_writer();
    rv_write_uint(&w, 0);
    rv_write_u8(&w, ' ');
    rv_write_uint(&w, UINT64_MAX);
    rv_write_u8(&w, ' ');
    rv_write_int(&w, INT64_MIN);
    rv_write_u8(&w, ' ');
    rv_write_int(&w, INT64_MAX);
    rv_write_u8(&w, ' ');
    rv_write_int(&w, -1);
    RV_CHECK_TEXT(rv_writer_bytes(&w), "0 18446744073709551615 -9223372036854775808 "
                                       "9223372036854775807 -1");
}

RV_TEST(bytes_as_text) {
    static const uint8_t id[16] = {0x01, 0x8f, 0x3a, 0x00, 0xff, 0x10, 0x7a, 0xbc,
                                   0x9d, 0xef, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55};
    rv_writer w = text_writer();
    rv_write_uuid(&w, id);
    RV_CHECK_TEXT(rv_writer_bytes(&w), "018f3a00-ff10-7abc-9def-001122334455");
    w = text_writer();
    rv_write_hex(&w, RV_LITERAL("\x00\xff\x1a"));
    RV_CHECK_TEXT(rv_writer_bytes(&w), "00ff1a");
}

RV_TEST(json_strings) {
    static const struct {
        const char *text;
        const char *json;
    } strings[] = {
        {"", "\"\""},
        {"abc", "\"abc\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""},
        {"\x01\x0b\x1f\x7f", "\"\\u0001\\u000b\\u001f\x7f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\n", "\"\\n\""},
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        rv_writer w = text_writer();
        rv_write_json_string(&w, rv_bytes_of_string(strings[i].text));
        RV_CHECK_TEXT(rv_writer_bytes(&w), strings[i].json);
    }
    rv_writer w = text_writer();
    rv_write_json_string(&w, rv_bytes_of("\0", 1));
    rv_write_json_string(&w, (rv_bytes){NULL, 0});
    RV_CHECK_TEXT(rv_writer_bytes(&w), "\"\\u0000\"\"\"");
}

int main(void) {
    RV_RUN(each_write_is_whole_or_nothing);
    RV_RUN(once_full_nothing_more_is_written);
    RV_RUN(numbers_as_text);
    RV_RUN(bytes_as_text);
    RV_RUN(json_strings);
    return rv_test_done();
}
