/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the name table finds what was added and nothing else, full and after being cut back.
 * Method: random adds, look-ups and cuts beside a plain array.
 */
#include "core/model/schema_names.h"

#include "tests/unit/test.h"

static uint8_t memory[1 << 16];

RV_TEST(a_table_agrees_with_an_array) {
    enum { CAPACITY = 300 };
    static uint8_t names[CAPACITY][8];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_schema_names table;
    RV_CHECK(rv_schema_names_create(&table, &arena, CAPACITY));
    uint64_t random = 1;
    for (int round = 0; round < 60; round++) {
        while (table.count < CAPACITY) {
            const uint16_t number = table.count;
            const size_t len = 1 + (size_t)(rv_test_random(&random) % 7);
            for (size_t i = 0; i < len; i++) {
                names[number][i] = (uint8_t)('a' + rv_test_random(&random) % 3);
            }
            const rv_bytes name = rv_bytes_of(names[number], len);
            uint16_t expected = UINT16_MAX;
            for (uint16_t i = 0; i < number && expected == UINT16_MAX; i++) {
                expected = rv_bytes_equal(table.names[i], name) ? i : expected;
            }
            RV_CHECK_EQ(rv_schema_names_find(&table, name), expected);
            if (expected == UINT16_MAX) {
                RV_CHECK_EQ(rv_schema_names_add(&table, name), number);
                RV_CHECK_EQ(rv_schema_names_find(&table, name), number);
            }
        }
        rv_schema_names_cut(&table, (uint16_t)(rv_test_random(&random) % (CAPACITY + 1)));
        for (uint16_t i = 0; i < CAPACITY; i++) {
            const uint16_t found = rv_schema_names_find(&table, table.names[i]);
            RV_CHECK_EQ(found, i < table.count ? i : UINT16_MAX);
        }
    }
}

RV_TEST(too_little_memory_is_told) {
    rv_arena arena = rv_arena_over(memory, 100);
    rv_schema_names table;
    RV_CHECK(!rv_schema_names_create(&table, &arena, 300));
}

int main(void) {
    RV_RUN(a_table_agrees_with_an_array);
    RV_RUN(too_little_memory_is_told);
    return rv_test_done();
}
