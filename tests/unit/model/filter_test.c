/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of two filters the one is told to be within the other only if every row that passes it
 * passes the other; and where it is the other one, or that and more, that is told.
 * Method: filters put together at random of small conditions, over rows of all combinations of a
 * few values and NULL; each is evaluated on each.
 */
#include "core/model/schema_filter.h"
#include "tests/unit/test.h"

#include <string.h>

static const char schema_text[] =
    "CREATE AGGREGATE thing (id bigint PRIMARY KEY, a bigint, b boolean, c text);"
    "CREATE EVENT_TYPE made (id creates thing(id));"
    "CREATE STREAM things (path \"/things/{id}\", event_types (made));";

static uint8_t schema_memory[256 << 10];
static uint8_t memory[64 << 10];
static uint8_t scratch_memory[64 << 10];
static rv_schema *schema;
static const rv_aggregate *thing;

static bool compile(const char *text, rv_arena *arena, rv_expr *filter) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_error err = {.status = RV_OK};
    const rv_status status =
        rv_schema_filter(schema, thing, rv_bytes_of_string(text), arena, &scratch, filter, &err);
    if (status != RV_OK) {
        fprintf(stderr, "%s: %s\n", text, err.detail);
    }
    return status == RV_OK;
}

static bool within(const char *inner_text, const char *outer_text) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_expr inner, outer;
    return compile(inner_text, &arena, &inner) && compile(outer_text, &arena, &outer) &&
           rv_schema_filter_within(&inner, &outer);
}

RV_TEST(the_same_and_more_is_within) {
    RV_CHECK(within("a > 3", "a > 3"));
    RV_CHECK(within("A>3", "a > 3"));
    RV_CHECK(within("a > 3 and b", "a > 3"));
    RV_CHECK(within("( a > 3 ) and (b or c = 'x')", "a > 3"));
    RV_CHECK(within("(b or a = 1) and c = 'y' and a < 7", "b or a = 1"));
    RV_CHECK(within("b and a = 1 and c = 'y'", "b and a = 1"));
    RV_CHECK(within("a between 1 and 3 and b", "a between 1 and 3"));
    RV_CHECK(within("c = 'it''s' and b", "c = 'it''s'"));
}

RV_TEST(what_may_be_more_is_not_within) {
    RV_CHECK(!within("a > 3", "a > 4"));
    RV_CHECK(!within("a > 3", "a > 3 and b"));
    RV_CHECK(!within("a > 3 and b or a = 1", "a > 3"));
    RV_CHECK(!within("(a > 3) and b or a = 1", "a > 3"));
    RV_CHECK(!within("a > 3 or b", "a > 3"));
    RV_CHECK(!within("b or a = 1 and c = 'y'", "b or a = 1"));
    RV_CHECK(!within("b or a = 1 and c = 'y' and a = 2", "b or a = 1"));
    RV_CHECK(!within("a > 35 and b", "a > 3"));
    RV_CHECK(!within("c = 'a'' and b'", "c = 'a'"));
    RV_CHECK(!within("not (b and a = 1)", "not b"));
    RV_CHECK(!within("coalesce(b, a = 1 and b)", "b"));
    RV_CHECK(!within("case when b then a = 1 and b else b end", "b"));
    RV_CHECK(!within("b and a = 1", "a = 1")); /* it is, which nobody sees at a glance */
}

/* --- at random --- */

static void condition(uint64_t *random, char *text, size_t size) {
    static const char *const small[] = {
        "a > 1",         "b",          "a = 2",     "c = 'x'",
        "c is not null", "not b",      "a is null", "a between 1 and 2",
        "a in (1, 2)",   "10 / a > 3", "b is true", "true"};
    static const char *const joints[] = {" and ", " or ", " AND ", " = "};
    const size_t parts = 1 + (size_t)(rv_test_random(random) % 3);
    size_t len = 0;
    for (size_t i = 0; i < parts; i++) {
        const uint64_t r = rv_test_random(random);
        const bool enclosed = r % 5 == 0;
        const char *const joint = i == 0 ? "" : joints[(r >> 8) % (enclosed ? 3 : 2)];
        len += (size_t)snprintf(text + len, size - len, "%s%s%s%s", joint, enclosed ? "(" : "",
                                small[(r >> 16) % (sizeof small / sizeof *small)],
                                enclosed ? ")" : "");
    }
}

/* Every row that passes the one passes the other. */
static bool holds(const rv_expr *inner, const rv_expr *outer) {
    static const char *const texts[] = {"x", "y"};
    bool all = true;
    for (int i = 0; i < 5 * 3 * 3; i++) {
        const int a = i % 5, b = i / 5 % 3, c = i / 15;
        rv_value values[RV_COLUMNS_MAX];
        values[0] = rv_value_int(1);
        values[1] = a == 4 ? rv_value_null() : rv_value_int(a);
        values[2] = b == 2 ? rv_value_null() : rv_value_int(b);
        values[3] = c == 2 ? rv_value_null() : rv_value_bytes(rv_bytes_of_string(texts[c]));
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        all = all && (!rv_schema_filter_passes(inner, values, &scratch) ||
                      rv_schema_filter_passes(outer, values, &scratch));
    }
    return all;
}

RV_TEST(whatever_is_told_to_be_within_is) {
    uint64_t random = 3;
    uint32_t told = 0, refused = 0;
    for (uint32_t i = 0; i < RV_TEST_SEEDS(3000); i++) {
        char outer_text[128], more[128], inner_text[300];
        condition(&random, outer_text, sizeof outer_text);
        condition(&random, more, sizeof more);
        const bool encloses = rv_test_random(&random) % 2 == 0;
        (void)snprintf(inner_text, sizeof inner_text, "%s%s%s %s %s", encloses ? "(" : "",
                       outer_text, encloses ? ")" : "",
                       rv_test_random(&random) % 6 == 0 ? "or" : "and", more);
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_expr inner, outer;
        RV_CHECK(compile(inner_text, &arena, &inner) && compile(outer_text, &arena, &outer));
        if (rv_schema_filter_within(&inner, &outer)) {
            told += 1;
            if (!holds(&inner, &outer)) {
                fprintf(stderr, "`%s` within `%s`\n", inner_text, outer_text);
                RV_CHECK(false);
            }
        } else {
            refused += 1;
        }
    }
    RV_CHECK(told > RV_TEST_ROUNDS(3000) / 6 && refused > RV_TEST_ROUNDS(3000) / 6);
}

int main(void) {
    rv_arena arena = rv_arena_over(schema_memory, sizeof schema_memory);
    if (rv_schema_create(&schema, &arena, NULL) != RV_OK ||
        rv_schema_apply(schema, RV_LITERAL(schema_text), NULL) != RV_OK) {
        return 1;
    }
    thing = rv_schema_aggregate_named(schema, RV_LITERAL("thing"));
    RV_RUN(the_same_and_more_is_within);
    RV_RUN(what_may_be_more_is_not_within);
    RV_RUN(whatever_is_told_to_be_within_is);
    return rv_test_done();
}
