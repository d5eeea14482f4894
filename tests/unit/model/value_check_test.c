/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: rv_value_check takes what decoding takes, and nothing else.
 * Method: numbers around every border and texts good and bad, for every type: encoded and decoded
 * again is the truth. Bytes of a fixed length, and values that are not of their type's class, by
 * hand.
 */
#include "core/model/value_check.h"
#include "tests/unit/test.h"

static uint8_t memory[4096];

static rv_status check(const rv_type *type, rv_value value) {
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    return rv_value_check(type, &value, &scratch);
}

static bool decodes(const rv_type *type, rv_value value) {
    uint8_t bytes[256];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_value_encode(type, &value, &w);
    rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
    rv_value again;
    rv_value_decode(type, &c, &again);
    return !w.full && !c.bad && rv_cursor_left(&c) == 0;
}

RV_TEST(integers_are_taken_as_they_are_decoded) {
    static const rv_bytes labels[] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}};
    static const rv_enum plan = {.labels = labels, .label_count = 2};
    static const rv_type_kind kinds[] = {
        RV_TYPE_SMALLINT, RV_TYPE_INTEGER, RV_TYPE_BIGINT,    RV_TYPE_BOOLEAN,     RV_TYPE_ENUM,
        RV_TYPE_DATE,     RV_TYPE_TIME,    RV_TYPE_TIMESTAMP, RV_TYPE_TIMESTAMPTZ, RV_TYPE_NUMERIC};
    uint64_t seed = 3;
    uint32_t taken = 0, refused = 0;
    for (uint32_t k = 0; k < sizeof kinds / sizeof kinds[0]; k += 1) {
        const rv_type type = {.kind = kinds[k],
                              .size = kinds[k] == RV_TYPE_NUMERIC ? 5 : 0,
                              .scale = kinds[k] == RV_TYPE_NUMERIC ? 2 : 0,
                              .labels = kinds[k] == RV_TYPE_ENUM ? &plan : NULL};
        for (uint32_t i = 0; i < 4000; i += 1) {
            const uint64_t r = rv_test_random(&seed);
            const int64_t around = (int64_t)(UINT64_C(1) << (r >> 8) % 63);
            const int64_t edge = r % 4 == 0 ? INT64_MAX : r % 4 == 1 ? 99999 : around;
            const int64_t near = edge - (int64_t)(r >> 32) % 4;
            const rv_value value = rv_value_int(r % 8 < 4 ? near : -near);
            const rv_status status = check(&type, value);
            RV_CHECK_STATUS(status, decodes(&type, value) ? RV_OK : RV_VALUE_INVALID);
            taken += status == RV_OK;
            refused += status != RV_OK;
        }
        RV_CHECK_STATUS(check(&type, rv_value_bytes(RV_LITERAL("x"))), RV_VALUE_INVALID);
        RV_CHECK_STATUS(check(&type, rv_value_null()), RV_OK);
    }
    RV_CHECK(taken > 5000 && refused > 5000);
}

RV_TEST(bytes_are_taken_as_they_are_decoded) {
    static const rv_type types[] = {
        {.kind = RV_TYPE_TEXT},
        {.kind = RV_TYPE_VARCHAR, .size = 3},
        {.kind = RV_TYPE_CHAR, .size = 3},
        {.kind = RV_TYPE_BYTEA},
        {.kind = RV_TYPE_NUMERIC},
        {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_INTEGER},
        {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_TEXT},
    };
    static const char *const texts[] = {
        "",     "a",       "abc",      "abcd",         "\xc3\xa9t\xc3\xa9",
        "\xff", "abc\x80", "\x01\x01", "\x01\x00\x02", "\x02\x00"};
    uint64_t seed = 9;
    uint32_t refused = 0;
    for (uint32_t t = 0; t < sizeof types / sizeof types[0]; t += 1) {
        for (uint32_t i = 0; i < 500; i += 1) {
            uint8_t bytes[24];
            size_t len = 0;
            if (i < sizeof texts / sizeof texts[0]) {
                len = strlen(texts[i]);
                memcpy(bytes, texts[i], len);
            } else {
                len = (size_t)(rv_test_random(&seed) % sizeof bytes);
                for (size_t n = 0; n < len; n += 1) {
                    const uint64_t r = rv_test_random(&seed);
                    bytes[n] = (uint8_t)(r % 3 == 0 ? r >> 8 : (r >> 8) % 4);
                }
            }
            const rv_value value = rv_value_bytes(rv_bytes_of(bytes, len));
            const rv_status status = check(&types[t], value);
            RV_CHECK_STATUS(status, decodes(&types[t], value) ? RV_OK : RV_VALUE_INVALID);
            refused += status != RV_OK;
        }
        RV_CHECK_STATUS(check(&types[t], rv_value_int(1)), RV_VALUE_INVALID);
    }
    RV_CHECK(refused > 500);
}

RV_TEST(lengths_and_room_are_told) {
    static const rv_type uuid = {.kind = RV_TYPE_UUID}, interval = {.kind = RV_TYPE_INTERVAL},
                         array = {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_BYTEA};
    static const uint8_t zeros[5000];
    for (size_t len = 0; len < 40; len += 1) {
        const rv_value value = rv_value_bytes(rv_bytes_of(zeros, len));
        RV_CHECK_STATUS(check(&uuid, value), len == 16 ? RV_OK : RV_VALUE_INVALID);
        RV_CHECK_STATUS(check(&interval, value), len == 16 ? RV_OK : RV_VALUE_INVALID);
    }
    RV_CHECK_STATUS(check(&array, rv_value_bytes(rv_bytes_of(zeros, sizeof zeros))),
                    RV_MEMORY_EXHAUSTED);
    static const rv_type real = {.kind = RV_TYPE_DOUBLE};
    RV_CHECK_STATUS(check(&real, rv_value_float(1.5)), RV_OK);
}

int main(void) {
    RV_RUN(integers_are_taken_as_they_are_decoded);
    RV_RUN(bytes_are_taken_as_they_are_decoded);
    RV_RUN(lengths_and_room_are_told);
    return rv_test_done();
}
