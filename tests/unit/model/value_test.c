/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: values of every supported type (times have a test of their own) are read, written, encoded,
 * ordered and hashed as the headers promise, and nothing that is not a value gets in. Method: a
 * table of texts with what PostgreSQL 15 prints for them; round trips through the binary form, cut
 * at every length; random bytes into the decoder, where whatever is accepted must encode to the
 * same bytes; random pairs for order and canonical form; casts between fitting types.
 */
#include "core/model/value.h"
#include "core/model/value_number.h"
#include "tests/unit/test.h"

static uint8_t memory[4096];

static const rv_bytes labels[] = {
    {(const uint8_t *)"free", 4}, {(const uint8_t *)"team", 4}, {(const uint8_t *)"a \"b\"", 5}};
static const rv_enum plan = {{(const uint8_t *)"plan", 4}, labels, 3};

#define SMALLINT                                                                                   \
    { .kind = RV_TYPE_SMALLINT }
#define INTEGER                                                                                    \
    { .kind = RV_TYPE_INTEGER }
#define BIGINT                                                                                     \
    { .kind = RV_TYPE_BIGINT }
#define NUMERIC(p, s)                                                                              \
    { .kind = RV_TYPE_NUMERIC, .size = p, .scale = s }
#define REAL                                                                                       \
    { .kind = RV_TYPE_REAL }
#define DOUBLE                                                                                     \
    { .kind = RV_TYPE_DOUBLE }
#define BOOLEAN                                                                                    \
    { .kind = RV_TYPE_BOOLEAN }
#define CHAR(n)                                                                                    \
    { .kind = RV_TYPE_CHAR, .size = n }
#define VARCHAR(n)                                                                                 \
    { .kind = RV_TYPE_VARCHAR, .size = n }
#define TEXT                                                                                       \
    { .kind = RV_TYPE_TEXT }
#define BYTEA                                                                                      \
    { .kind = RV_TYPE_BYTEA }
#define UUID                                                                                       \
    { .kind = RV_TYPE_UUID }
#define INTERVAL                                                                                   \
    { .kind = RV_TYPE_INTERVAL }
#define PLAN                                                                                       \
    { .kind = RV_TYPE_ENUM, .labels = &plan }

static const struct {
    rv_type type;
    const char *text;
    const char *sql;
    const char *json;
} good[] = {
    {SMALLINT, "32767", "32767", "32767"},
    {SMALLINT, " -32768 ", "-32768", "-32768"},
    {INTEGER, "+7", "7", "7"},
    {INTEGER, "-0", "0", "0"},
    {INTEGER, "2147483647", "2147483647", "2147483647"},
    {INTEGER, "-2147483648", "-2147483648", "-2147483648"},
    {INTEGER, "000000000000000000000000000000000012", "12", "12"},
    {BIGINT, "9223372036854775807", "9223372036854775807", "9223372036854775807"},
    {BIGINT, "-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
    {NUMERIC(12, 2), "1", "1.00", "1.00"},
    {NUMERIC(12, 2), "-.005", "-0.01", "-0.01"},
    {NUMERIC(12, 2), "0.00499999999999999999999999", "0.00", "0.00"},
    {NUMERIC(12, 2), "2.345", "2.35", "2.35"},
    {NUMERIC(12, 2), "-2.345", "-2.35", "-2.35"},
    {NUMERIC(12, 2), "9999999999.994", "9999999999.99", "9999999999.99"},
    {NUMERIC(12, 2), "1e3", "1000.00", "1000.00"},
    {NUMERIC(12, 2), "1E-2", "0.01", "0.01"},
    {NUMERIC(12, 2), "12345e-3", "12.35", "12.35"},
    {NUMERIC(12, 2), "0e1000", "0.00", "0.00"},
    {NUMERIC(12, 2), "1e-1000", "0.00", "0.00"},
    {NUMERIC(12, 2), "5.", "5.00", "5.00"},
    {NUMERIC(18, 0), "999999999999999999", "999999999999999999", "999999999999999999"},
    {NUMERIC(18, 18), "-0.999999999999999999", "-0.999999999999999999", "-0.999999999999999999"},
    {NUMERIC(3, 3), "0.9994", "0.999", "0.999"},
    {NUMERIC(12, 2), " nan ", "NaN", "\"NaN\""},
    {NUMERIC(18, 18), "NaN", "NaN", "\"NaN\""},
    {NUMERIC(0, 0), "NaN", "NaN", "\"NaN\""},
    {NUMERIC(0, 0), "-inf", "-Infinity", "\"-Infinity\""},
    {NUMERIC(0, 0), "Infinity", "Infinity", "\"Infinity\""},
    {NUMERIC(0, 0), "-0.00", "0.00", "0.00"},
    {NUMERIC(0, 0), "1.500e-2", "0.01500", "0.01500"},
    {NUMERIC(0, 0), "1e20", "100000000000000000000", "100000000000000000000"},
    {NUMERIC(0, 0), "123456789012345678901234567890.123456789",
     "123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789"},
    {NUMERIC(19, 0), "1234567890123456789.5", "1234567890123456790", "1234567890123456790"},
    {NUMERIC(30, 2), "-0.005", "-0.01", "-0.01"},
    {NUMERIC(30, 2), "1", "1.00", "1.00"},
    {NUMERIC(3, -2), "-12349.99", "-12300", "-12300"},
    {NUMERIC(3, -2), "49", "0", "0"},
    {NUMERIC(3, -2), "0", "0", "0"},
    {NUMERIC(2, 5), "0.000994", "0.00099", "0.00099"},
    {NUMERIC(30, 2), "NaN", "NaN", "\"NaN\""},
    {REAL, "0.1", "0.1", "0.1"},
    {REAL, "1e10", "1e+10", "1e+10"},
    {REAL, " NaN", "NaN", "\"NaN\""},
    {REAL, "-inf", "-Infinity", "\"-Infinity\""},
    {REAL, "1e-45", "1e-45", "1e-45"},
    {DOUBLE, "0.1", "0.1", "0.1"},
    {DOUBLE, "-0", "-0", "-0"},
    {DOUBLE, "123456789012345678", "1.2345678901234568e+17", "1.2345678901234568e+17"},
    {DOUBLE, "-nan", "NaN", "\"NaN\""},
    {DOUBLE, "infinity", "Infinity", "\"Infinity\""},
    {BOOLEAN, "true", "t", "true"},
    {BOOLEAN, " TRU ", "t", "true"},
    {BOOLEAN, "on", "t", "true"},
    {BOOLEAN, "of", "f", "false"},
    {BOOLEAN, "n", "f", "false"},
    {BOOLEAN, "0", "f", "false"},
    {CHAR(5), "ab", "ab   ", "\"ab   \""},
    {CHAR(2), "ab   ", "ab", "\"ab\""},
    {CHAR(3), "äö", "äö ", "\"äö \""},
    {VARCHAR(3), "abc", "abc", "\"abc\""},
    {VARCHAR(3), "ab    ", "ab ", "\"ab \""},
    {VARCHAR(3), "äöü", "äöü", "\"äöü\""},
    {VARCHAR(0), "as long as it likes", "as long as it likes", "\"as long as it likes\""},
    {TEXT, "", "", "\"\""},
    {TEXT, "a\"\\\n\x01/", "a\"\\\n\x01/", "\"a\\\"\\\\\\n\\u0001/\""},
    {BYTEA, "\\xDEADbeef", "\\xdeadbeef", "\"\\\\xdeadbeef\""},
    {BYTEA, "\\x de ad", "\\xdead", "\"\\\\xdead\""},
    {BYTEA, "\\x", "\\x", "\"\\\\x\""},
    {BYTEA, "a\\\\b\\001", "\\x615c6201", "\"\\\\x615c6201\""},
    {UUID, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
     "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
    {UUID, "{a0eebc999c0b4ef8bb6d6bb9bd380a11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
     "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
    {UUID, "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
     "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
    {INTERVAL, "1 mon -1 day 2:3:4.5", "1 mon -1 days +02:03:04.5",
     "\"1 mon -1 days +02:03:04.5\""},
    {INTERVAL, "P0D", "00:00:00", "\"00:00:00\""},
    {PLAN, "team", "team", "\"team\""},
    {PLAN, "a \"b\"", "a \"b\"", "\"a \\\"b\\\"\""},
};

static const struct {
    rv_type type;
    const char *text;
    rv_status status;
} bad[] = {
    {SMALLINT, "32768", RV_VALUE_OUT_OF_RANGE},
    {INTEGER, "2147483648", RV_VALUE_OUT_OF_RANGE},
    {INTEGER, "-2147483649", RV_VALUE_OUT_OF_RANGE},
    {BIGINT, "9223372036854775808", RV_VALUE_OUT_OF_RANGE},
    {BIGINT, "-9223372036854775809", RV_VALUE_OUT_OF_RANGE},
    {BIGINT, "99999999999999999999999999999999", RV_VALUE_OUT_OF_RANGE},
    {INTEGER, "", RV_VALUE_INVALID},
    {INTEGER, " ", RV_VALUE_INVALID},
    {INTEGER, "-", RV_VALUE_INVALID},
    {INTEGER, "1 2", RV_VALUE_INVALID},
    {INTEGER, "1.0", RV_VALUE_INVALID},
    {INTEGER, "1e3", RV_VALUE_INVALID},
    {INTEGER, "0x10", RV_VALUE_INVALID},
    {INTEGER, "--1", RV_VALUE_INVALID},
    {BIGINT, "99999999999999999999999999999999x", RV_VALUE_INVALID},
    {NUMERIC(12, 2), "9999999999.995", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(12, 2), "1e10", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(12, 2), "1e1000000", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(3, 3), "0.9995", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(18, 0), "1000000000000000000", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(18, 0), "99999999999999999999999999999", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(12, 2), "", RV_VALUE_INVALID},
    {NUMERIC(12, 2), ".", RV_VALUE_INVALID},
    {NUMERIC(12, 2), "1.2.3", RV_VALUE_INVALID},
    {NUMERIC(12, 2), "1e", RV_VALUE_INVALID},
    {NUMERIC(12, 2), "1e99999999999", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(12, 2), "+NaN", RV_VALUE_INVALID},
    {NUMERIC(12, 2), "Infinity", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(30, 2), "-inf", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(30, 28), "99.99999999999999999999999999995", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(3, -2), "99950", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(2, 5), "0.000995", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(0, 0), "1e4096", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(0, 0), "1e-2049", RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(0, 0), "0x10", RV_VALUE_INVALID},
    {NUMERIC(0, 0), "1_000", RV_VALUE_INVALID},
    {NUMERIC(30, 2), "", RV_VALUE_INVALID},
    {NUMERIC(12, 2), "e5", RV_VALUE_INVALID},
    {REAL, "3.5e38", RV_VALUE_OUT_OF_RANGE},
    {REAL, "1e-50", RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, "1e309", RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, "1e-324", RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, "1,5", RV_VALUE_INVALID},
    {DOUBLE, "0x10", RV_VALUE_INVALID},
    {DOUBLE, "infinite", RV_VALUE_INVALID},
    {BOOLEAN, "o", RV_VALUE_INVALID},
    {BOOLEAN, "", RV_VALUE_INVALID},
    {BOOLEAN, "truee", RV_VALUE_INVALID},
    {BOOLEAN, "2", RV_VALUE_INVALID},
    {CHAR(2), "abc", RV_VALUE_TOO_LONG},
    {VARCHAR(3), "abcd", RV_VALUE_TOO_LONG},
    {VARCHAR(3), "abc d", RV_VALUE_TOO_LONG},
    {VARCHAR(3), "äöüß", RV_VALUE_TOO_LONG},
    {TEXT, "\xff", RV_VALUE_INVALID},
    {TEXT, "12345678\xc3", RV_VALUE_INVALID},
    {TEXT, "\xed\xa0\x80", RV_VALUE_INVALID},
    {BYTEA, "\\x1", RV_VALUE_INVALID},
    {BYTEA, "\\x1g", RV_VALUE_INVALID},
    {BYTEA, "\\", RV_VALUE_INVALID},
    {BYTEA, "\\400", RV_VALUE_INVALID},
    {INTERVAL, "1 fortnight", RV_VALUE_INVALID},
    {INTERVAL, "178956971 years", RV_VALUE_OUT_OF_RANGE},
    {INTERVAL, "\xff", RV_VALUE_INVALID},
    {UUID, "", RV_VALUE_INVALID},
    {UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", RV_VALUE_INVALID},
    {UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111", RV_VALUE_INVALID},
    {UUID, "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", RV_VALUE_INVALID},
    {UUID, " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", RV_VALUE_INVALID},
    {UUID, "a-0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", RV_VALUE_INVALID},
    {PLAN, "Team", RV_VALUE_INVALID},
    {PLAN, "", RV_VALUE_INVALID},
};

static rv_status read(const rv_type *type, const char *text, rv_value *value, rv_error *err) {
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    return rv_value_from_text(type, rv_bytes_of_string(text), RV_LITERAL("field"), &scratch, value,
                              err);
}

RV_TEST(texts_are_read_and_written_as_postgresql_does) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        rv_value value;
        rv_error err;
        uint8_t text[128];
        rv_writer w = rv_writer_over(text, sizeof text);
        const rv_status status = read(&good[i].type, good[i].text, &value, &err);
        if (status != RV_OK) {
            fprintf(stderr, "`%s`: %s\n", good[i].text, err.detail);
        }
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK_EQ(value.class_, rv_type_class(&good[i].type));
        rv_value_to_text(&good[i].type, &value, &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), good[i].sql);
        w = rv_writer_over(text, sizeof text);
        rv_value_to_json(&good[i].type, &value, &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), good[i].json);
    }
    const rv_type integer = INTEGER;
    const rv_value null = rv_value_null();
    uint8_t text[8];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_value_to_text(&integer, &null, &w);
    RV_CHECK_EQ(w.len, 0);
    rv_value_to_json(&integer, &null, &w);
    RV_CHECK_TEXT(rv_writer_bytes(&w), "null");
}

RV_TEST(what_is_no_value_is_refused_with_its_facts) {
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rv_value value = rv_value_int(77);
        rv_error err;
        const rv_status status = read(&bad[i].type, bad[i].text, &value, &err);
        if (status != bad[i].status) {
            fprintf(stderr, "`%s`\n", bad[i].text);
        }
        RV_CHECK_STATUS(status, bad[i].status);
        RV_CHECK(value.class_ == RV_VALUE_INT && value.as.integer == 77);
        RV_CHECK(strstr(err.facts, "\"field\":\"field\"") != NULL);
        RV_CHECK(strstr(err.facts, "\"value_type\":") != NULL &&
                 strstr(err.facts, "\"met\":") != NULL);
    }
    const rv_type text = TEXT;
    rv_value value;
    RV_CHECK_STATUS(
        rv_value_from_text(&text, rv_bytes_of("a\0b", 3), RV_LITERAL("f"), NULL, &value, NULL),
        RV_VALUE_INVALID);
    const rv_type padded = CHAR(8);
    rv_arena none = rv_arena_over(memory, 4);
    RV_CHECK_STATUS(
        rv_value_from_text(&padded, RV_LITERAL("a"), RV_LITERAL("f"), &none, &value, NULL),
        RV_MEMORY_EXHAUSTED);
}

RV_TEST(what_is_encoded_decodes_and_never_when_cut) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const rv_type *type = &good[i].type;
        rv_value value;
        uint8_t bytes[128];
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        RV_CHECK_STATUS(read(type, good[i].text, &value, NULL), RV_OK);
        rv_value_encode(type, &value, &w);
        RV_CHECK(!w.full);
        rv_cursor c = rv_cursor_over(rv_writer_bytes(&w));
        rv_value again;
        rv_value_decode(type, &c, &again);
        RV_CHECK(rv_cursor_done(&c));
        RV_CHECK_EQ(rv_value_compare(type, &value, &again), 0);
        for (size_t len = 0; len < w.len; len++) {
            uint8_t cut[128]; /* a copy, so that a read beyond it is seen */
            memcpy(cut + sizeof cut - len, bytes, len);
            c = rv_cursor_over(rv_bytes_of(cut + sizeof cut - len, len));
            rv_value_decode(type, &c, &again);
            RV_CHECK(c.bad);
        }
    }
}

static const struct {
    rv_type type;
    uint8_t bytes[12];
    uint8_t len;
    bool good;
} encoded[] = {
    {BOOLEAN, {2}, 1, true},
    {BOOLEAN, {4}, 1, false},
    {BOOLEAN, {1}, 1, false},
    {PLAN, {4}, 1, true},
    {PLAN, {6}, 1, false},
    {PLAN, {3}, 1, false},
    {SMALLINT, {0xfe, 0xff, 0x03}, 3, true},
    {SMALLINT, {0x80, 0x80, 0x04}, 3, false},
    {INTEGER, {0xff, 0xff, 0xff, 0xff, 0x0f}, 5, true},
    {INTEGER, {0x80, 0x80, 0x80, 0x80, 0x10}, 5, false},
    {INTEGER, {0x80, 0x00}, 2, false},
    {BIGINT, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10, true},
    {BIGINT, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, 10, false},
    {BIGINT, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81}, 10, false},
    {NUMERIC(2, 1), {0xc6, 0x01}, 2, true},
    {NUMERIC(2, 1), {0xc8, 0x01}, 2, false},
    {NUMERIC(2, 1), {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10, true},
    {NUMERIC(2, 1), {0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10, false},
    {NUMERIC(0, 0), {3, 0, 2, 5}, 4, true},
    {NUMERIC(0, 0), {1, 0}, 2, true},
    {NUMERIC(0, 0), {0}, 1, false},
    {NUMERIC(0, 0), {4, 0, 2, 5, 0}, 5, false},
    {NUMERIC(0, 0), {1, 6}, 2, true},
    {NUMERIC(30, 2), {1, 6}, 2, false},
    {NUMERIC(30, 2), {1, 2}, 2, true},
    {NUMERIC(30, 2), {3, 8, 2, 5}, 4, true},
    {NUMERIC(30, 2), {3, 4, 2, 5}, 4, false},
    {NUMERIC(2, 3), {3, 12, 0, 9}, 4, true},
    {NUMERIC(2, 3), {3, 12, 0, 10}, 4, false},
    {NUMERIC(3, -2), {3, 0, 4, 5}, 4, true},
    {NUMERIC(3, -2), {3, 0, 2, 5}, 4, false},
    {CHAR(2), {2, 'a', ' '}, 3, true},
    {CHAR(2), {1, 'a'}, 2, false},
    {CHAR(2), {3, 'a', 'b', 'c'}, 4, false},
    {VARCHAR(2), {4, 0xc3, 0xa4, 0xc3, 0xb6}, 5, true},
    {VARCHAR(2), {3, 'a', 'b', 'c'}, 4, false},
    {TEXT, {2, 'a', 0}, 3, false},
    {TEXT, {1, 0xc3}, 2, false},
    {TEXT, {0}, 1, true},
    {BYTEA, {2, 0xff, 0}, 3, true},
    {REAL, {0, 0, 0x80, 0x3f}, 4, true},
    {REAL, {0, 0, 0x80, 0x7f}, 4, true},
    {REAL, {0, 0, 0xc0, 0x7f}, 4, true}, /* the NaN */
    {REAL, {1, 0, 0xc0, 0x7f}, 4, false},
    {REAL, {0, 0, 0xc0, 0xff}, 4, false},
    {REAL, {1, 0, 0x80, 0x7f}, 4, false},
    {DOUBLE, {0, 0, 0, 0, 0, 0, 0, 0x80}, 8, true}, /* -0 */
    {DOUBLE, {0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, 8, true},
    {DOUBLE, {0, 0, 0, 0, 0, 0, 0xf8, 0xff}, 8, false},
    {DOUBLE, {1, 0, 0, 0, 0, 0, 0xf0, 0x7f}, 8, false},
};

RV_TEST(the_decoder_takes_only_values) {
    for (size_t i = 0; i < sizeof encoded / sizeof encoded[0]; i++) {
        rv_cursor c = rv_cursor_over(rv_bytes_of(encoded[i].bytes, encoded[i].len));
        rv_value value;
        rv_value_decode(&encoded[i].type, &c, &value);
        RV_CHECK_EQ(rv_cursor_done(&c), encoded[i].good);
    }
    uint64_t seed = 1;
    size_t accepted = 0;
    for (size_t round = 0; round < 300000; round++) {
        const rv_type *type = &good[rv_test_random(&seed) % (sizeof good / sizeof good[0])].type;
        uint8_t bytes[24];
        const size_t len = (size_t)(rv_test_random(&seed) % sizeof bytes);
        for (size_t i = 0; i < len; i++) {
            const uint64_t r = rv_test_random(&seed);
            bytes[i] = (uint8_t)((r & 0xff00) != 0 ? r & 0x7f : r);
        }
        rv_cursor c = rv_cursor_over(rv_bytes_of(bytes, len));
        rv_value value;
        rv_value_decode(type, &c, &value);
        if (!c.bad) {
            uint8_t again[32];
            rv_writer w = rv_writer_over(again, sizeof again);
            rv_value_encode(type, &value, &w);
            RV_CHECK(
                rv_bytes_equal(rv_writer_bytes(&w), rv_bytes_of(bytes, (size_t)(c.ptr - bytes))));
            accepted++;
        }
    }
    RV_CHECK(accepted > 10000);
}

RV_TEST(varints_agree_with_their_definition) {
    uint64_t seed = 9;
    for (size_t round = 0; round < 200000; round++) {
        const uint64_t v = rv_test_random(&seed) >> (rv_test_random(&seed) % 64);
        uint8_t bytes[32] = {0};
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_write_varint(&w, v);
        for (size_t room = w.len; room <= w.len + 9; room += 3) { /* word and byte paths */
            rv_cursor c = rv_cursor_over(rv_bytes_of(bytes, room));
            RV_CHECK(rv_read_varint(&c) == v);
            RV_CHECK(!c.bad && c.ptr == bytes + w.len);
        }
        bytes[w.len - 1] |= 0x80; /* longer than needed */
        rv_cursor c = rv_cursor_over(rv_bytes_of(bytes, sizeof bytes));
        (void)rv_read_varint(&c);
        RV_CHECK(c.bad);
    }
}

static int sign(int v) {
    return (v > 0) - (v < 0);
}

RV_TEST(order_and_canonical_form_agree) {
    static const rv_type types[] = {INTEGER, NUMERIC(6, 3), CHAR(4), TEXT,
                                    PLAN,    BYTEA,         REAL,    DOUBLE};
    static const uint32_t floats[] = {0, 0x80000000, 0x7fc00000, 0x7f800000, 0x3f800000, 1};
    uint64_t seed = 5;
    for (size_t round = 0; round < 100000; round++) {
        const rv_type *type = &types[round % 8];
        rv_value pair[2];
        uint8_t bytes[2][4];
        uint8_t forms[2][32];
        rv_writer w[2];
        for (size_t k = 0; k < 2; k++) {
            const uint64_t r = rv_test_random(&seed);
            pair[k] = rv_value_int((int64_t)(r % 3) * (type->kind == RV_TYPE_NUMERIC ? 1000 : 1));
            for (size_t i = 0; i < 4; i++) {
                bytes[k][i] = (uint8_t) " \tab"[(r >> (8 * i)) % 4];
            }
            if (rv_type_class(type) == RV_VALUE_BYTES) {
                const size_t len = type->kind == RV_TYPE_CHAR ? 4 : (size_t)((r >> 40) % 5);
                pair[k] = rv_value_bytes(rv_bytes_of(bytes[k], len));
            }
            if (rv_type_class(type) == RV_VALUE_FLOAT) {
                float single;
                memcpy(&single, &floats[(r >> 40) % 6], sizeof single);
                pair[k] = rv_value_float((double)single);
            }
            if (r % 7 == 0) {
                pair[k] = rv_value_null();
            }
            w[k] = rv_writer_over(forms[k], sizeof forms[k]);
            rv_value_canonical(type, &pair[k], &w[k]);
        }
        const int order = rv_value_compare(type, &pair[0], &pair[1]);
        const bool same = rv_bytes_equal(rv_writer_bytes(&w[0]), rv_writer_bytes(&w[1]));
        RV_CHECK_EQ(order == 0, same);
        RV_CHECK_EQ(sign(order), -sign(rv_value_compare(type, &pair[1], &pair[0])));
        if (rv_value_is_null(&pair[0]) != rv_value_is_null(&pair[1])) {
            RV_CHECK_EQ(order < 0, rv_value_is_null(&pair[0]));
        }
    }
}

RV_TEST(the_canonical_form_is_what_it_says) {
    static const struct {
        rv_type type;
        const char *text; /* NULL: NULL */
        const char *hex;
    } cases[] = {{INTEGER, NULL, "00"},
                 {INTEGER, "-2", "01feffffffffffffff"},
                 {NUMERIC(6, 3), "1.500", "010f0000000000000001"},
                 {NUMERIC(6, 1), "1.5", "010f0000000000000001"},
                 {NUMERIC(6, 3), "0", "01000000000000000000"},
                 {NUMERIC(6, 3), "100", "01640000000000000000"},
                 {NUMERIC(6, 3), "NaN", "01ffffffffffffff7f00"},
                 {NUMERIC(0, 0), "1.50", "030402020132"},
                 {NUMERIC(20, 1), "1.5", "030402020132"},
                 {NUMERIC(0, 0), "-1e10", "0303030c01"},
                 {NUMERIC(0, 0), "0.00", "030102"},
                 {NUMERIC(0, 0), "NaN", "030106"},
                 {DOUBLE, "-0", "020000000000000000"},
                 {DOUBLE, "nan", "02000000000000f87f"},
                 {REAL, "-1.5", "02000000000000f8bf"},
                 {INTERVAL, "1 mon -1 us", "031d00000000000000ff5fd71d14000000"},
                 {INTERVAL, "29 days 23:59:59.999999", "031d00000000000000ff5fd71d14000000"},
                 {PLAN, "team", "03047465616d"},
                 {CHAR(4), "a", "030161"},
                 {TEXT, "a ", "03026120"},
                 {BYTEA, "\\x00", "030100"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_value value = rv_value_null();
        if (cases[i].text != NULL) {
            RV_CHECK_STATUS(read(&cases[i].type, cases[i].text, &value, NULL), RV_OK);
        }
        uint8_t bytes[32];
        uint8_t hex[64];
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_writer h = rv_writer_over(hex, sizeof hex);
        rv_value_canonical(&cases[i].type, &value, &w);
        rv_write_hex(&h, rv_writer_bytes(&w));
        RV_CHECK_TEXT(rv_writer_bytes(&h), cases[i].hex);
    }
}

static const struct {
    rv_type from;
    rv_type to;
    const char *text;
    const char *result;
    rv_status status;
} coerced[] = {
    {BIGINT, INTEGER, "2147483647", "2147483647", RV_OK},
    {BIGINT, INTEGER, "2147483648", NULL, RV_VALUE_OUT_OF_RANGE},
    {INTEGER, SMALLINT, "-32769", NULL, RV_VALUE_OUT_OF_RANGE},
    {INTEGER, NUMERIC(4, 2), "99", "99.00", RV_OK},
    {INTEGER, NUMERIC(4, 2), "100", NULL, RV_VALUE_OUT_OF_RANGE},
    {BIGINT, NUMERIC(18, 18), "9223372036854775807", NULL, RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(6, 3), NUMERIC(4, 2), "1.005", "1.01", RV_OK},
    {NUMERIC(6, 3), NUMERIC(4, 2), "99.995", NULL, RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(6, 3), NUMERIC(12, 5), "-1.005", "-1.00500", RV_OK},
    {NUMERIC(6, 3), INTEGER, "-1.5", "-2", RV_OK},
    {NUMERIC(6, 3), INTEGER, "NaN", NULL, RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(6, 3), NUMERIC(4, 2), "NaN", "NaN", RV_OK},
    {NUMERIC(6, 3), NUMERIC(0, 0), "NaN", "NaN", RV_OK},
    {NUMERIC(6, 3), NUMERIC(0, 0), "1.5", "1.500", RV_OK},
    {NUMERIC(0, 0), NUMERIC(6, 3), "1.0005", "1.001", RV_OK},
    {NUMERIC(0, 0), NUMERIC(6, 3), "999.9995", NULL, RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(0, 0), NUMERIC(6, 3), "Infinity", NULL, RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(0, 0), NUMERIC(6, 3), "NaN", "NaN", RV_OK},
    {NUMERIC(0, 0), NUMERIC(30, 3), "1e26", "100000000000000000000000000.000", RV_OK},
    {NUMERIC(30, 3), NUMERIC(0, 0), "-2", "-2.000", RV_OK},
    {NUMERIC(0, 0), NUMERIC(3, -2), "1e400", NULL, RV_VALUE_OUT_OF_RANGE},
    {BIGINT, NUMERIC(0, 0), "-9223372036854775808", "-9223372036854775808", RV_OK},
    {BIGINT, NUMERIC(30, 5), "9223372036854775807", "9223372036854775807.00000", RV_OK},
    {NUMERIC(0, 0), BIGINT, "9223372036854775806.5", "9223372036854775807", RV_OK},
    {NUMERIC(0, 0), BIGINT, "9223372036854775807.5", NULL, RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(0, 0), SMALLINT, "-1e4", "-10000", RV_OK},
    {NUMERIC(0, 0), INTEGER, "Infinity", NULL, RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(0, 0), TEXT, "1e25", "10000000000000000000000000", RV_OK},
    {NUMERIC(0, 0), VARCHAR(4), "-1.5", "-1.5", RV_OK},
    {NUMERIC(0, 0), VARCHAR(4), "-1.55", NULL, RV_VALUE_TOO_LONG},
    {TEXT, VARCHAR(2), "ab   ", "ab", RV_OK},
    {TEXT, VARCHAR(2), "abc", NULL, RV_VALUE_TOO_LONG},
    {TEXT, CHAR(4), "ab", "ab  ", RV_OK},
    {CHAR(4), TEXT, "ab", "ab", RV_OK},
    {CHAR(4), CHAR(6), "ab", "ab    ", RV_OK},
    {INTEGER, TEXT, "12", "12", RV_OK},
    {TEXT, INTEGER, "12", NULL, RV_VALUE_INVALID},
    {BIGINT, REAL, "16777217", "1.6777216e+07", RV_OK},
    {BIGINT, REAL, "9007199791611905", "9.0072e+15", RV_OK},
    {BIGINT, DOUBLE, "9223372036854775807", "9.223372036854776e+18", RV_OK},
    {NUMERIC(6, 3), REAL, "0.1", "0.1", RV_OK},
    {NUMERIC(18, 18), DOUBLE, "0.300000000000000044", "0.30000000000000004", RV_OK},
    {DOUBLE, REAL, "0.1", "0.1", RV_OK},
    {DOUBLE, REAL, "1e39", NULL, RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, REAL, "-1e-46", NULL, RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, INTEGER, "2147483647.4", "2147483647", RV_OK},
    {DOUBLE, INTEGER, "2147483647.5", NULL, RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, BIGINT, "9223372036854775807", NULL, RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, BIGINT, "-9223372036854775808", "-9223372036854775808", RV_OK},
    {DOUBLE, SMALLINT, "nan", NULL, RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, NUMERIC(6, 3), "1.0005", "1.001", RV_OK},
    {DOUBLE, NUMERIC(6, 3), "1000", NULL, RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, NUMERIC(18, 18), "0.1234567890123456", "0.123456789012346000", RV_OK},
    {REAL, NUMERIC(12, 6), "0.1234567", "0.123457", RV_OK},
    {REAL, DOUBLE, "0.1", "0.10000000149011612", RV_OK},
    {DOUBLE, NUMERIC(0, 0), "-infinity", "-Infinity", RV_OK},
    {DOUBLE, NUMERIC(0, 0), "123456789.123456789", "123456789.123457", RV_OK},
    {DOUBLE, NUMERIC(6, 3), "infinity", NULL, RV_VALUE_OUT_OF_RANGE},
    {DOUBLE, NUMERIC(6, 3), "NaN", "NaN", RV_OK},
    {REAL, NUMERIC(0, 0), "0.1", "0.1", RV_OK},
    {NUMERIC(0, 0), DOUBLE, "0.1000000000000000055511151231257827021181583404541015625", "0.1",
     RV_OK},
    {NUMERIC(0, 0), DOUBLE, "1e309", NULL, RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(0, 0), DOUBLE, "1e-400", NULL, RV_VALUE_OUT_OF_RANGE},
    {NUMERIC(0, 0), REAL, "-Infinity", "-Infinity", RV_OK},
    {NUMERIC(0, 0), DOUBLE, "0.00", "0", RV_OK},
    {NUMERIC(6, 3), DOUBLE, "NaN", "NaN", RV_OK},
    {DOUBLE, TEXT, "1e20", "1e+20", RV_OK},
    {TEXT, DOUBLE, "1", NULL, RV_VALUE_INVALID},
    {{.kind = RV_TYPE_TIME}, INTERVAL, "24:00", "24:00:00", RV_OK},
    {INTERVAL, {.kind = RV_TYPE_TIME}, "1 day -1:00", "23:00:00", RV_OK},
    {INTERVAL, INTEGER, "1 day", NULL, RV_VALUE_INVALID},
    {INTERVAL, TEXT, "1 day", "1 day", RV_OK},
    {PLAN, INTEGER, "team", NULL, RV_VALUE_INVALID},
    {BOOLEAN, INTEGER, "t", NULL, RV_VALUE_INVALID},
    {{.kind = RV_TYPE_DATE},
     {.kind = RV_TYPE_TIMESTAMP},
     "2026-01-01",
     "2026-01-01 00:00:00",
     RV_OK},
    {{.kind = RV_TYPE_DATE},
     {.kind = RV_TYPE_TIMESTAMP},
     "300000-01-01",
     NULL,
     RV_VALUE_OUT_OF_RANGE},
    {{.kind = RV_TYPE_TIMESTAMPTZ},
     {.kind = RV_TYPE_DATE},
     "1999-12-31 23:59:59",
     "1999-12-31",
     RV_OK},
};

RV_TEST(values_are_coerced_to_fitting_types) {
    for (size_t i = 0; i < sizeof coerced / sizeof coerced[0]; i++) {
        rv_value value;
        uint8_t text[64];
        uint8_t scratch_memory[128];
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        rv_writer w = rv_writer_over(text, sizeof text);
        RV_CHECK_STATUS(read(&coerced[i].from, coerced[i].text, &value, NULL), RV_OK);
        const rv_status status = rv_value_coerce(&coerced[i].from, &coerced[i].to, RV_LITERAL("f"),
                                                 &scratch, &value, NULL);
        RV_CHECK_STATUS(status, coerced[i].status);
        if (status == RV_OK) {
            rv_value_to_text(&coerced[i].to, &value, &w);
            RV_CHECK_TEXT(rv_writer_bytes(&w), coerced[i].result);
        }
    }
}

RV_TEST(scaled_numbers_compare_and_round) {
    int64_t result = 0;
    RV_CHECK_EQ(rv_number_compare(15, 1, 150, 2), 0);
    RV_CHECK_EQ(rv_number_compare(INT64_MAX, 0, 1, 18), 1);
    RV_CHECK_EQ(rv_number_compare(INT64_MIN, 0, 1, 18), -1);
    RV_CHECK_EQ(rv_number_compare(1, 18, INT64_MAX, 0), -1);
    RV_CHECK_EQ(rv_number_compare(-1, 18, INT64_MIN, 0), 1);
    RV_CHECK(rv_number_rescale(25, 1, 0, &result) && result == 3);
    RV_CHECK(rv_number_rescale(-25, 1, 0, &result) && result == -3);
    RV_CHECK(rv_number_rescale(24, 1, 0, &result) && result == 2);
    RV_CHECK(rv_number_rescale(INT64_MIN, 18, 0, &result) && result == -9);
    RV_CHECK(!rv_number_rescale(INT64_MAX, 0, 1, &result));
}

int main(void) {
    RV_RUN(texts_are_read_and_written_as_postgresql_does);
    RV_RUN(what_is_no_value_is_refused_with_its_facts);
    RV_RUN(what_is_encoded_decodes_and_never_when_cut);
    RV_RUN(the_decoder_takes_only_values);
    RV_RUN(varints_agree_with_their_definition);
    RV_RUN(order_and_canonical_form_agree);
    RV_RUN(the_canonical_form_is_what_it_says);
    RV_RUN(values_are_coerced_to_fitting_types);
    RV_RUN(scaled_numbers_compare_and_round);
    return rv_test_done();
}
