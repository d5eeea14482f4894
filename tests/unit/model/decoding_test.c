/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an event's data is decoded as its values are one by one: the same bytes are taken, and give
 * the same values.
 * Method: events of one field, for types of every kind; rv_value_decode is the truth, over integers
 * around every border, texts good and bad, whatever was encoded cut at every length, and random
 * bytes.
 */
#include "core/model/decoding.h"
#include "core/model/event.h"
#include "tests/unit/test.h"

static const rv_bytes labels[] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}};
static const rv_enum plan = {.labels = labels, .label_count = 2};

static const rv_type types[] = {
    {.kind = RV_TYPE_SMALLINT},
    {.kind = RV_TYPE_INTEGER},
    {.kind = RV_TYPE_BIGINT},
    {.kind = RV_TYPE_REAL},
    {.kind = RV_TYPE_DOUBLE},
    {.kind = RV_TYPE_NUMERIC, .size = 5, .scale = 2},
    {.kind = RV_TYPE_NUMERIC, .size = 18},
    {.kind = RV_TYPE_NUMERIC},
    {.kind = RV_TYPE_BOOLEAN},
    {.kind = RV_TYPE_CHAR, .size = 3},
    {.kind = RV_TYPE_VARCHAR, .size = 3},
    {.kind = RV_TYPE_VARCHAR},
    {.kind = RV_TYPE_TEXT},
    {.kind = RV_TYPE_BYTEA},
    {.kind = RV_TYPE_DATE},
    {.kind = RV_TYPE_TIME},
    {.kind = RV_TYPE_TIMESTAMP},
    {.kind = RV_TYPE_TIMESTAMPTZ},
    {.kind = RV_TYPE_INTERVAL},
    {.kind = RV_TYPE_UUID},
    {.kind = RV_TYPE_JSON},
    {.kind = RV_TYPE_JSONB},
    {.kind = RV_TYPE_ENUM, .labels = &plan},
    {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_INTEGER},
};
#define TYPE_COUNT (sizeof types / sizeof types[0])

static uint32_t taken, refused;

/* Decodes a value both ways. */
static void agree(const rv_type *type, rv_bytes bytes) {
    uint8_t data[128] = {0}; /* the field is not NULL */
    const rv_field field = {.name = RV_LITERAL("f"), .type = *type};
    const rv_decoding decoding = rv_decoding_of(type);
    const rv_event_type one = {.field_count = 1, .fields = &field, .decodings = &decoding};
    rv_value met = rv_value_null();
    rv_value truth = rv_value_null();
    RV_CHECK(bytes.len < sizeof data);
    if (bytes.len > 0) {
        memcpy(data + 1, bytes.ptr, bytes.len);
    }
    rv_cursor c = {data + 1, data + 1 + bytes.len, false};
    rv_value_decode(type, &c, &truth);
    const bool good = rv_event_data_decode(&one, rv_bytes_of(data, 1 + bytes.len), &met);
    RV_CHECK_EQ(good, rv_cursor_done(&c));
    taken += good;
    refused += !good;
    if (good) {
        RV_CHECK_EQ(met.class_, truth.class_);
        RV_CHECK(rv_value_compare(type, &met, &truth) == 0);
    }
}

RV_TEST(integers_around_every_border) {
    static const int64_t edges[] = {0,
                                    2,
                                    INT16_MAX,
                                    INT32_MAX,
                                    99999,
                                    INT64_C(999999999999999999),
                                    INT64_C(86400000000),
                                    INT64_C(2145031948),
                                    INT64_C(2451545),
                                    INT64_C(211813488000000000),
                                    INT64_C(9223371331199999999),
                                    INT64_MAX - 3};
    taken = refused = 0;
    for (size_t t = 0; t < TYPE_COUNT; t += 1) {
        if (rv_type_class(&types[t]) != RV_VALUE_INT) {
            continue;
        }
        for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i += 1) {
            for (int64_t near = -3; near <= 3; near += 1) {
                uint8_t raw[10];
                for (uint32_t sign = 0; sign < 2; sign += 1) {
                    rv_writer w = rv_writer_over(raw, sizeof raw);
                    const int64_t up = edges[i] + near;
                    rv_write_svarint(&w, sign == 0 ? up : -up);
                    agree(&types[t], rv_writer_bytes(&w));
                }
            }
        }
        uint8_t raw[10];
        rv_writer w = rv_writer_over(raw, sizeof raw);
        rv_write_svarint(&w, INT64_MIN);
        agree(&types[t], rv_writer_bytes(&w));
    }
    RV_CHECK(taken > 500 && refused > 500);
}

RV_TEST(texts_good_bad_and_cut) {
    static const rv_bytes texts[] = {
        RV_LITERAL(""),
        RV_LITERAL("abc"),
        RV_LITERAL("abcd"),
        RV_LITERAL("\xc3\xa4"),
        RV_LITERAL("\xc3"),
        RV_LITERAL("a\0b"),
        RV_LITERAL("\xff"),
        RV_LITERAL("ab\xc3\xa4"),
        RV_LITERAL("abc\xc3\xa4"),
        RV_LITERAL("{\"a\":1"),
        RV_LITERAL("{\"a\": 1 }"),
        RV_LITERAL("a text of thirty bytes, or so"),
    };
    taken = 0;
    for (size_t t = 0; t < TYPE_COUNT; t += 1) {
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i += 1) {
            uint8_t raw[64];
            rv_writer w = rv_writer_over(raw, sizeof raw);
            rv_write_blob(&w, texts[i]);
            agree(&types[t], rv_writer_bytes(&w));
            for (size_t cut = 0; cut < w.len; cut += 1) {
                agree(&types[t], rv_bytes_of(raw, cut));
            }
        }
    }
    RV_CHECK(taken > 30);
}

RV_TEST(random_bytes) {
    uint64_t seed = 11;
    taken = refused = 0;
    for (uint32_t i = 0; i < 60000; i += 1) {
        uint8_t raw[20];
        const size_t len = (size_t)(rv_test_random(&seed) % sizeof raw);
        for (size_t at = 0; at < len; at += 1) {
            const uint64_t r = rv_test_random(&seed);
            raw[at] = (uint8_t)(r % 3 == 0 ? r >> 8 : r % 3 == 1 ? 0x80 | r >> 8 : (r >> 8) % 20);
        }
        agree(&types[i % TYPE_COUNT], rv_bytes_of(raw, len));
    }
    RV_CHECK(taken > 1000 && refused > 10000);
}

int main(void) {
    RV_RUN(integers_around_every_border);
    RV_RUN(texts_good_bad_and_cut);
    RV_RUN(random_bytes);
    return rv_test_done();
}
