/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a cursor reads back what a writer wrote and takes nothing else: one encoding for each
 * value, nothing beyond the end, and once bad always bad. Method: round trips over the edges of
 * every length of varint, truncation at every length, all malformed shapes, random bytes.
 */
#include "core/base/cursor.h"
#include "core/base/writer.h"
#include "tests/unit/test.h"

/* Values next to every power of two. */
static uint64_t edge_value(unsigned i) {
    return (UINT64_C(1) << (i / 3)) + (uint64_t)(i % 3) - 1;
}

#define EDGE_COUNT 192u

RV_TEST(varints_round_trip_and_truncated) {
    for (unsigned i = 0; i < EDGE_COUNT; i++) {
        uint8_t raw[10];
        rv_writer w = rv_writer_over(raw, sizeof raw);
        const uint64_t value = edge_value(i);
        rv_write_varint(&w, value);
        RV_CHECK(!w.full && w.len >= 1 && w.len <= 10);
        rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
        RV_CHECK_EQ(rv_read_varint(&c), value);
        RV_CHECK(rv_cursor_done(&c));
        for (size_t cut = 0; cut < w.len; cut++) {
            c = rv_cursor_over(rv_bytes_of(raw, cut));
            RV_CHECK_EQ(rv_read_varint(&c), 0);
            RV_CHECK(c.bad && !rv_cursor_done(&c) && rv_cursor_left(&c) == 0);
        }
    }
}

RV_TEST(signed_varints_round_trip) {
    static const int64_t near_zero[] = {0, -1, 1, -64, 64, -65, 63, INT64_MIN, INT64_MAX};
    for (unsigned i = 0; i < EDGE_COUNT + 9; i++) {
        const int64_t value = i < 9 ? near_zero[i] : (int64_t)edge_value(i - 9);
        uint8_t raw[10];
        rv_writer w = rv_writer_over(raw, sizeof raw);
        rv_write_svarint(&w, value);
        rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
        RV_CHECK_EQ(rv_read_svarint(&c), value);
        RV_CHECK(rv_cursor_done(&c));
        RV_CHECK_EQ(w.len == 1, value >= -64 && value <= 63);
    }
}

RV_TEST(malformed_varints) {
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\x80\x00", 2},     /* 0, longer than needed */
        {"\xff\x00", 2},     /* 127, longer than needed */
        {"\x80\x80\x00", 3}, /* 0 again */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 10},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, /* 65 bits */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rv_cursor c = rv_cursor_over(rv_bytes_of(bad[i].bytes, bad[i].len));
        RV_CHECK_EQ(rv_read_varint(&c), 0);
        RV_CHECK(c.bad);
    }
    rv_cursor c = rv_cursor_over(RV_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    RV_CHECK_EQ(rv_read_varint(&c), -1);
    RV_CHECK(rv_cursor_done(&c));
}

RV_TEST(a_varint_has_one_encoding) {
    uint64_t random = 11;
    for (int i = 0; i < 200000; i++) {
        uint8_t raw[11];
        for (size_t at = 0; at < sizeof raw; at++) {
            const uint64_t r = rv_test_random(&random);
            /* Mostly continued bytes, and edges among them. */
            raw[at] = (r & 3) == 0 ? (uint8_t)((r >> 8) & 1) : (uint8_t)((r >> 8) | 0x80);
        }
        rv_cursor c = rv_cursor_over(rv_bytes_of(raw, sizeof raw));
        const uint64_t value = rv_read_varint(&c);
        if (!c.bad) {
            uint8_t again[10];
            rv_writer w = rv_writer_over(again, sizeof again);
            rv_write_varint(&w, value);
            RV_CHECK_EQ(c.ptr - raw, w.len);
            RV_CHECK(memcmp(raw, again, w.len) == 0);
        }
    }
}

/* A record of one of each. */
static size_t record_write(uint8_t *raw, size_t cap) {
    rv_writer w = rv_writer_over(raw, cap);
    rv_write_u8(&w, 7);
    rv_write_u32(&w, 0x12345678);
    rv_write_u64(&w, UINT64_C(0x123456789abcdef0));
    rv_write_varint(&w, 300);
    rv_write_svarint(&w, -300);
    rv_write_blob(&w, RV_LITERAL("hello"));
    rv_write_blob(&w, (rv_bytes){NULL, 0});
    rv_write(&w, RV_LITERAL("end"));
    return w.full ? 0 : w.len;
}

static bool record_read(rv_bytes bytes) {
    rv_cursor c = rv_cursor_over(bytes);
    const bool numbers = rv_read_u8(&c) == 7 && rv_read_u32(&c) == 0x12345678 &&
                         rv_read_u64(&c) == UINT64_C(0x123456789abcdef0) &&
                         rv_read_varint(&c) == 300 && rv_read_svarint(&c) == -300;
    const bool texts = rv_bytes_are(rv_read_blob(&c), "hello") && rv_read_blob(&c).len == 0 &&
                       rv_bytes_are(rv_read(&c, 3), "end");
    return numbers && texts && rv_cursor_done(&c);
}

RV_TEST(a_record_whole_and_truncated) {
    uint8_t raw[64];
    const size_t len = record_write(raw, sizeof raw);
    RV_CHECK(len > 0);
    RV_CHECK(record_read(rv_bytes_of(raw, len)));
    for (size_t cut = 0; cut < len; cut++) {
        RV_CHECK(!record_read(rv_bytes_of(raw, cut)));
    }
    RV_CHECK(!record_read(rv_bytes_of(raw, len + 1)));
}

RV_TEST(numbers_are_little_endian) {
    rv_cursor c = rv_cursor_over(RV_LITERAL("\x01\x02\x03\x04\x01\x02\x03\x04\x05\x06\x07\x08"));
    RV_CHECK_EQ(rv_read_u32(&c), 0x04030201);
    RV_CHECK_EQ(rv_read_u64(&c), UINT64_C(0x0807060504030201));
    RV_CHECK(rv_cursor_done(&c));
}

RV_TEST(once_bad_always_bad) {
    rv_cursor c = rv_cursor_over(RV_LITERAL("\x01\x02\x03"));
    RV_CHECK_EQ(rv_read_u32(&c), 0);
    RV_CHECK(c.bad);
    RV_CHECK_EQ(rv_read_u8(&c), 0);
    RV_CHECK_EQ(rv_read_varint(&c), 0);
    RV_CHECK_EQ(rv_read_svarint(&c), 0);
    RV_CHECK_EQ(rv_read_blob(&c).len, 0);
    RV_CHECK_EQ(rv_read(&c, 0).len, 0);
    RV_CHECK_EQ(rv_cursor_left(&c), 0);
    RV_CHECK(!rv_cursor_done(&c));
}

RV_TEST(lengths_that_lie) {
    uint8_t raw[16];
    for (unsigned i = 0; i < EDGE_COUNT; i++) {
        rv_writer w = rv_writer_over(raw, sizeof raw);
        rv_write_varint(&w, edge_value(i));
        rv_write(&w, RV_LITERAL("abc"));
        rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
        const rv_bytes blob = rv_read_blob(&c);
        RV_CHECK_EQ(c.bad, edge_value(i) > 3);
        RV_CHECK_EQ(blob.len, c.bad ? 0 : edge_value(i));
    }
    rv_cursor none = rv_cursor_over((rv_bytes){NULL, 0});
    RV_CHECK(rv_cursor_done(&none));
    RV_CHECK_EQ(rv_read(&none, 0).len, 0);
    RV_CHECK(rv_cursor_done(&none));
    RV_CHECK_EQ(rv_read(&none, UINT64_MAX).len, 0);
    RV_CHECK(none.bad);
}

RV_TEST(varints_are_taken_as_they_are_read) {
    uint64_t seed = 5;
    uint32_t good = 0, bad = 0;
    for (uint32_t i = 0; i < 200000; i++) {
        uint8_t raw[14];
        const size_t len = (size_t)(rv_test_random(&seed) % sizeof raw);
        const uint64_t long_to = rv_test_random(&seed) % 12;
        for (size_t at = 0; at < len; at++) {
            const uint64_t r = rv_test_random(&seed);
            raw[at] = (uint8_t)(at < long_to ? 0x80 | r : r % 4 == 0 ? 0 : r & 0x7f);
        }
        rv_reading r = rv_reading_over(rv_bytes_of(raw, len));
        r.at += len == 0 ? 0 : rv_test_random(&seed) % len; /* what is before it is read with it */
        rv_cursor c = {r.at, r.end, false};
        const uint64_t value = rv_read_varint(&c);
        uint64_t taken = 0;
        const bool whole = rv_varint_take(&r, &taken);
        RV_CHECK_EQ(whole, !c.bad);
        if (whole) {
            RV_CHECK_EQ(taken, value);
            RV_CHECK(r.at == c.ptr);
        }
        good += whole;
        bad += !whole;
    }
    RV_CHECK(good > 50000 && bad > 50000);
}

int main(void) {
    RV_RUN(varints_round_trip_and_truncated);
    RV_RUN(signed_varints_round_trip);
    RV_RUN(malformed_varints);
    RV_RUN(a_varint_has_one_encoding);
    RV_RUN(a_record_whole_and_truncated);
    RV_RUN(numbers_are_little_endian);
    RV_RUN(once_bad_always_bad);
    RV_RUN(lengths_that_lie);
    RV_RUN(varints_are_taken_as_they_are_read);
    return rv_test_done();
}
