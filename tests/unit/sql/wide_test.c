/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: wide numerics compare as the numbers they are. Method: hand-made pairs, then all pairs of
 * random decimals, spelled in random ways, against the same numbers as scaled integers.
 */
#include "sql/wide.h"

#include "tests/unit/test.h"

static int compare(const char *a, const char *b) {
    const int order = rv_sql_wide_compare(NULL, (int)strlen(a), a, (int)strlen(b), b);
    return (order > 0) - (order < 0);
}

RV_TEST(decimals_order_as_numbers) {
    static const char *const ordered[] = {"-Infinity",
                                          "-100000000000000000000000",
                                          "-10.5",
                                          "-10.49",
                                          "-2",
                                          "-0.01",
                                          "-1e-9",
                                          "0",
                                          "1e-400",
                                          "0.00000099",
                                          "1.0e-06",
                                          "0.001",
                                          "1.5",
                                          "1.51",
                                          "9",
                                          "10",
                                          "123456789012345.678",
                                          "123456789012345.679",
                                          "1.0e+18",
                                          "99999999999999999999",
                                          "1e20",
                                          "100000000000000000000.5",
                                          "1e400",
                                          "1e9999999999999999999999",
                                          "Infinity",
                                          "NaN",
                                          "",
                                          "-",
                                          ".",
                                          "1e",
                                          "1e5x",
                                          "abc",
                                          "e5"};
    const int count = (int)(sizeof ordered / sizeof ordered[0]);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
            RV_CHECK_EQ(compare(ordered[i], ordered[j]), (i > j) - (i < j));
        }
    }
}

RV_TEST(spelling_does_not_matter) {
    static const char *const pairs[][2] = {
        {"1.5", "01.50"},    {"0", "-0"},          {"0", "-0.000"},       {"0", "00"},
        {"1.", "1"},         {".5", "0.5"},        {"-3", "-3.0"},        {"100", "0100."},
        {"100", "1e2"},      {"100", "10.0E+1"},   {"0.00120", "12e-4"},  {"0", "0e9"},
        {"0.05", ".0005e2"}, {"+7", "7"},          {"-Inf", "-Infinity"}, {"Inf", "Infinity"},
        {"120", "0.0012e5"}, {"-1e-5", "-0.00001"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        RV_CHECK_EQ(compare(pairs[i][0], pairs[i][1]), 0);
    }
}

RV_TEST(random_decimals_agree_with_integers) {
    uint64_t seed = 3;
    int64_t numbers[300];
    char texts[300][64];
    for (int i = 0; i < 300; i++) {
        const uint64_t random = rv_test_random(&seed);
        numbers[i] = (int64_t)(random % (random >> 60 < 8 ? 2000 : 1000000000000000000)) - 1000;
        const uint64_t size = (uint64_t)(numbers[i] < 0 ? -numbers[i] : numbers[i]);
        snprintf(texts[i], sizeof texts[i], "%s%s%" PRIu64 ".%03" PRIu64 "%s",
                 numbers[i] < 0 ? "-" : "", random >> 59 & 1 ? "00" : "", size / 1000, size % 1000,
                 random >> 58 & 1 ? "0" : "");
    }
    for (int i = 0; i < 300; i++) {
        for (int j = 0; j < 300; j++) {
            RV_CHECK_EQ(compare(texts[i], texts[j]),
                        (numbers[i] > numbers[j]) - (numbers[i] < numbers[j]));
        }
    }
}

int main(void) {
    RV_RUN(decimals_order_as_numbers);
    RV_RUN(spelling_does_not_matter);
    RV_RUN(random_decimals_agree_with_integers);
    return rv_test_done();
}
