/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the bytes of an index's key are in the order of its values, and no key begins with another.
 * Method: pairs of values of each type, at the edges and at random, in keys of two columns: the
 * order of the bytes is that of rv_value_compare, column by column; some keys byte by byte.
 */
#include "core/state/sorted_key.h"
#include "tests/unit/state/bank.h"

#define VALUES 120u
#define ROOM   400u

static rv_column columns[2];
static const uint16_t numbers[2] = {0, 1};
static const rv_aggregate_index both = {numbers, 2, false};
static const rv_aggregate aggregate = {.column_count = 2, .columns = columns};
static uint8_t bytes_memory[VALUES][ROOM];

static void key_make(const rv_value *values, uint16_t count, rv_sorted_key *key) {
    const rv_sorted_source source = {
        .aggregate = &aggregate, .index = &both, .values = values, .count = count};
    rv_sorted_key_make(&source, key);
}

static int values_compare(const rv_value *a, const rv_value *b) {
    const int first = rv_value_compare(&columns[0].type, &a[0], &b[0]);
    return first != 0 ? first : rv_value_compare(&columns[1].type, &a[1], &b[1]);
}

static int sign(int order) {
    return (order > 0) - (order < 0);
}

static void check_pair(const rv_value *a, const rv_value *b) {
    rv_sorted_key of_a;
    rv_sorted_key of_b;
    key_make(a, 2, &of_a);
    key_make(b, 2, &of_b);
    const int order =
        rv_bytes_compare((rv_bytes){of_a.bytes, of_a.len}, (rv_bytes){of_b.bytes, of_b.len});
    const int expected = values_compare(a, b);
    if (order == 0) {
        RV_CHECK(expected == 0 || (of_a.cut && of_b.cut));
        RV_CHECK_EQ(of_a.cut, of_b.cut);
    } else {
        RV_CHECK_EQ(sign(order), sign(expected));
        const size_t len = of_a.len < of_b.len ? of_a.len : of_b.len;
        RV_CHECK(memcmp(of_a.bytes, of_b.bytes, len) != 0);
    }
    RV_CHECK_EQ(of_a.has_null, rv_value_is_null(&a[0]) || rv_value_is_null(&a[1]));
}

static rv_value value_make(uint32_t nth, const rv_type *type, uint64_t *seed) {
    static const int64_t edges[] = {
        0,    1,     -1,        127,       128,       255,       256,           -255,         -256,
        -257, 65535, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1};
    const uint64_t random = rv_test_random(seed);
    if (random % 16 == 0) {
        return rv_value_null();
    }
    if (rv_type_class(type) == RV_VALUE_INT) {
        return rv_value_int(nth < sizeof edges / sizeof edges[0]
                                ? edges[nth]
                                : (int64_t)rv_test_random(seed) >> (random >> 8) % 64);
    }
    uint8_t *const bytes = bytes_memory[nth];
    size_t len = type->kind == RV_TYPE_UUID ? 16 : (size_t)((random >> 4) % 12);
    const size_t same = random % 5 == 1 && type->kind != RV_TYPE_UUID ? 115 : 0;
    memset(bytes, 'q', same);
    len += same;
    for (size_t i = same; i < len; i += 1) {
        static const uint8_t some[] = {1, 2, 0x7f, 0x80, 0xff, ' ', 'a', 0};
        const size_t zero = type->kind == RV_TYPE_BYTEA || type->kind == RV_TYPE_UUID ? 8 : 7;
        bytes[i] = some[rv_test_random(seed) % zero];
    }
    return rv_value_bytes((rv_bytes){bytes, len});
}

RV_TEST(bytes_have_the_order_of_values) {
    static const rv_type_kind kinds[] = {RV_TYPE_BIGINT, RV_TYPE_TEXT, RV_TYPE_CHAR, RV_TYPE_BYTEA,
                                         RV_TYPE_UUID};
    const size_t count = sizeof kinds / sizeof kinds[0];
    uint64_t seed = 3;
    for (size_t pair = 0; pair < count * count; pair += 1) {
        columns[0].type = (rv_type){.kind = kinds[pair / count]};
        columns[1].type = (rv_type){.kind = kinds[pair % count]};
        rv_value values[VALUES];
        for (uint32_t i = 0; i < VALUES; i += 1) {
            values[i] = value_make(i, &columns[i < VALUES / 2 ? 0 : 1].type, &seed);
        }
        for (uint32_t i = 0; i < VALUES * VALUES; i += 1) {
            const uint32_t half = VALUES / 2;
            const rv_value a[2] = {values[i % half], values[half + rv_test_random(&seed) % half]};
            const rv_value b[2] = {values[i / half % half],
                                   values[half + rv_test_random(&seed) % half]};
            check_pair(a, b);
            RV_CHECK_PASSED();
        }
    }
}

static void check_key(rv_type_kind kind, rv_value value, const char *hex) {
    columns[0].type = (rv_type){.kind = kind};
    rv_sorted_key key;
    key_make(&value, 1, &key);
    char text[2 * RV_TREE_KEY_MAX + 1] = {0};
    for (uint32_t i = 0; i < key.len; i += 1) {
        snprintf(text + 2 * i, 3, "%02x", key.bytes[i]);
    }
    RV_CHECK_TEXT(rv_bytes_of_string(text), hex);
}

RV_TEST(keys_are_these_bytes) {
    check_key(RV_TYPE_INTEGER, rv_value_null(), "00");
    check_key(RV_TYPE_INTEGER, rv_value_int(0), "80");
    check_key(RV_TYPE_INTEGER, rv_value_int(1), "8101");
    check_key(RV_TYPE_INTEGER, rv_value_int(256), "820100");
    check_key(RV_TYPE_INTEGER, rv_value_int(-1), "7f");
    check_key(RV_TYPE_INTEGER, rv_value_int(-2), "7efe");
    check_key(RV_TYPE_INTEGER, rv_value_int(-257), "7dfeff");
    check_key(RV_TYPE_BIGINT, rv_value_int(INT64_MIN), "778000000000000000");
    check_key(RV_TYPE_BIGINT, rv_value_int(INT64_MAX), "887fffffffffffffff");
    check_key(RV_TYPE_TEXT, rv_value_bytes(RV_LITERAL("ab ")), "0161622000");
    check_key(RV_TYPE_CHAR, rv_value_bytes(RV_LITERAL("ab ")), "01616200");
    check_key(RV_TYPE_TEXT, rv_value_bytes(RV_LITERAL("")), "0100");
    check_key(RV_TYPE_BYTEA, rv_value_bytes(RV_LITERAL("a\0b")), "016100ff620000");
    check_key(RV_TYPE_DOUBLE, rv_value_float(0.0), "018000000000000000");
    check_key(RV_TYPE_DOUBLE, rv_value_float(-0.0), "018000000000000000");
    check_key(RV_TYPE_DOUBLE, rv_value_float(1.5), "01bff8000000000000");
    check_key(RV_TYPE_DOUBLE, rv_value_float(-1.5), "014007ffffffffffff");
    check_key(RV_TYPE_DOUBLE, rv_value_float((double)__builtin_inff()), "01fff0000000000000");
    check_key(RV_TYPE_DOUBLE, rv_value_float((double)__builtin_nanf("")), "01ffffffffffffffff");
    check_key(RV_TYPE_INTERVAL, rv_value_bytes(RV_LITERAL("0123456789abcdef")), "01");
}

int main(void) {
    RV_RUN(bytes_have_the_order_of_values);
    RV_RUN(keys_are_these_bytes);
    return rv_test_done();
}
