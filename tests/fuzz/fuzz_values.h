/* SPDX-License-Identifier: Apache-2.0 */
/* The types that this version has, each in a few shapes, and values of them made from a seed. */
#ifndef RV_TESTS_FUZZ_VALUES_H
#define RV_TESTS_FUZZ_VALUES_H

#include "core/model/value.h"
#include "core/model/value_time.h"
#include "platform/memory/random.h"
#include "tests/fuzz/fuzz.h"

#define FUZZ_TYPES_MAX 48

static const rv_bytes fuzz_labels[] = {
    {(const uint8_t *)"free", 4}, {(const uint8_t *)"team", 4}, {(const uint8_t *)"a b", 3}};
static const rv_enum fuzz_enum = {{(const uint8_t *)"plan", 4}, fuzz_labels, 3};
static const rv_enum *const fuzz_enums[] = {&fuzz_enum};

static const rv_type fuzz_types[] = {
    {.kind = RV_TYPE_BIGINT},
    {.kind = RV_TYPE_TEXT},
    {.kind = RV_TYPE_NUMERIC, .size = 12, .scale = 2},
    {.kind = RV_TYPE_BOOLEAN},
    {.kind = RV_TYPE_TIMESTAMPTZ},
    {.kind = RV_TYPE_DOUBLE},
    {.kind = RV_TYPE_INTEGER},
    {.kind = RV_TYPE_SMALLINT},
    {.kind = RV_TYPE_REAL},
    {.kind = RV_TYPE_NUMERIC, .size = 18, .scale = 18},
    {.kind = RV_TYPE_VARCHAR, .size = 5},
    {.kind = RV_TYPE_CHAR, .size = 4},
    {.kind = RV_TYPE_BYTEA},
    {.kind = RV_TYPE_DATE},
    {.kind = RV_TYPE_TIME},
    {.kind = RV_TYPE_TIMESTAMP},
    {.kind = RV_TYPE_UUID},
    {.kind = RV_TYPE_ENUM, .labels = &fuzz_enum},
    {.kind = RV_TYPE_NUMERIC, .size = 18, .scale = 0},
    {.kind = RV_TYPE_JSON},
    {.kind = RV_TYPE_JSONB},
    {.kind = RV_TYPE_INTERVAL},
    {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_BIGINT},
    {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_TEXT},
    {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_CHAR, .size = 4},
    {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_ENUM, .labels = &fuzz_enum},
    {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_NUMERIC, .size = 12, .scale = 2},
    {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_JSONB},
    {.kind = RV_TYPE_NUMERIC},
    {.kind = RV_TYPE_NUMERIC, .size = 40, .scale = 10},
    {.kind = RV_TYPE_NUMERIC, .size = 3, .scale = -2},
    {.kind = RV_TYPE_NUMERIC, .size = 3, .scale = 5},
};

static inline size_t fuzz_types_all(void) {
    return sizeof fuzz_types / sizeof fuzz_types[0];
}

static inline size_t fuzz_type_count(void) {
    size_t count = 0;
    for (size_t i = 0; i < fuzz_types_all(); i++) {
        count += rv_type_supported(&fuzz_types[i]);
    }
    return count;
}

/* The `index`-th type that this version has. */
static inline rv_type fuzz_type(size_t index) {
    for (size_t i = 0; i < fuzz_types_all(); i++) {
        if (rv_type_supported(&fuzz_types[i]) && index-- == 0) {
            return fuzz_types[i];
        }
    }
    FUZZ_CHECK(false);
    return fuzz_types[0];
}

/* Texts that make values at the edges of one type or another. */
static const char *const fuzz_texts[] = {"0",
                                         "1",
                                         "-1",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "32767",
                                         "0.5",
                                         "2147483647",
                                         "9999999999.99",
                                         "0.999999999999999999",
                                         "1e300",
                                         "-123456789012345678901234567890.0987654321",
                                         "0.00999",
                                         "99900",
                                         "-0",
                                         "nan",
                                         "infinity",
                                         "-infinity",
                                         "t",
                                         "f",
                                         "2024-02-29",
                                         "294276-12-31 23:59:59.999999",
                                         "12:34:56",
                                         "24:00",
                                         "2000-01-01 00:00:00+00",
                                         "00112233-4455-6677-8899-aabbccddeeff",
                                         "free",
                                         "team",
                                         "a b",
                                         "\\xdeadbeef",
                                         "",
                                         "abcd",
                                         "%a_\\",
                                         "{\"a\":[1]}",
                                         "\xc3\xa4\xe2\x82\xac",
                                         "4714-11-24 BC",
                                         "{1,NULL,3}",
                                         "{}",
                                         "{free,\"a b\"}"};

/* NULL, or a value of the type from one of the texts. */
static inline rv_value fuzz_value(const rv_type *type, uint64_t *seed, rv_arena *arena) {
    const size_t count = sizeof fuzz_texts / sizeof fuzz_texts[0];
    const size_t first = (size_t)rv_random_below(seed, count + 4);
    rv_value value = rv_value_null();
    for (size_t i = 0; i < count && first < count; i++) {
        const rv_bytes text = rv_bytes_of_string(fuzz_texts[(first + i) % count]);
        if (rv_value_from_text(type, text, RV_LITERAL("slot"), arena, &value, NULL) == RV_OK) {
            return value;
        }
    }
    return rv_value_null();
}

#endif
