/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of two filters the one is told to be within the other only if every row that passes it
 * passes the other; and where it is the other one, or that and more, that is told. A filter is told
 * to want one value in a column, or some, or those between two, only if every row that passes has
 * such a one there. Method: filters put
 * together at random of small conditions, over rows of all combinations of a few values and NULL;
 * each is evaluated on each.
 */
#include "core/model/schema_filter.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static const char schema_text[] =
    "CREATE AGGREGATE thing (id bigint PRIMARY KEY, a bigint, b boolean, c text, "
    "d varchar(20), e char(3));"
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

/* What the filter is told to want: `column`: the number of the column, 0 for none. */
static bool wants(const char *text, uint16_t column, const char *value) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_expr filter;
    uint16_t found = 0;
    rv_value wanted = rv_value_null();
    if (!compile(text, &arena, &filter)) {
        return false;
    }
    if (!rv_schema_filter_equality(&filter, &found, &wanted)) {
        return column == 0;
    }
    return found == column && (wanted.class_ == RV_VALUE_BYTES
                                   ? rv_bytes_equal(wanted.as.bytes, rv_bytes_of_string(value))
                                   : wanted.as.integer == (int64_t)strtoll(value, NULL, 10));
}

RV_TEST(one_value_in_a_column_is_told) {
    RV_CHECK(wants("a = 3", 1, "3"));
    RV_CHECK(wants("3 = a", 1, "3"));
    RV_CHECK(wants("thing.a = 3", 1, "3"));
    RV_CHECK(wants("a = '3'", 1, "3"));
    RV_CHECK(wants("c = 'it''s'", 3, "it's"));
    RV_CHECK(wants("(c = 'x')", 3, "x"));
    RV_CHECK(wants("d = 'ada'", 4, "ada"));
    RV_CHECK(wants("a = 3 and b", 1, "3"));
    RV_CHECK(wants("b and a = 3", 1, "3"));
    RV_CHECK(wants("b and a = 3 and c = 'x'", 3, "x"));
    RV_CHECK(wants("(b or c = 'x') and a = 3 and d is null", 1, "3"));
    RV_CHECK(wants("a = 3 and (b or c = 'x')", 1, "3"));
    RV_CHECK(wants("(a = 3 and b) and not b", 1, "3"));
}

RV_TEST(no_value_is_told_where_others_pass) {
    RV_CHECK(wants("a = 3 or b", 0, ""));
    RV_CHECK(wants("a = 3 and b or c = 'x'", 0, ""));
    RV_CHECK(wants("not (a = 3 and b)", 0, ""));
    RV_CHECK(wants("not (a = 3)", 0, ""));
    RV_CHECK(wants("(a = 3) is not true", 0, ""));
    RV_CHECK(wants("a <> 3", 0, ""));
    RV_CHECK(wants("a = a", 0, ""));
    RV_CHECK(wants("a = null", 0, ""));
    RV_CHECK(wants("a = 3.0", 0, ""));
    RV_CHECK(wants("e = 'x'", 0, "")); /* spaces at its end do not count */
    RV_CHECK(wants("a in (3, 4)", 0, ""));
    RV_CHECK(wants("case when b then a = 1 and b else a = 3 end", 0, ""));
    RV_CHECK(wants("case when b then b else b and a = 3 end", 0, ""));
    RV_CHECK(wants("coalesce(b, a = 3)", 0, ""));
    RV_CHECK(wants("coalesce(b, b and a = 3)", 0, ""));
    RV_CHECK(wants("c like 'x%'", 0, ""));
}

/* --- at random --- */

static void condition(uint64_t *random, char *text, size_t size) {
    static const char *const small[] = {
        "a > 1",         "b",          "a = 2",     "c = 'x'",
        "c is not null", "not b",      "a is null", "a between 1 and 2",
        "a in (1, 2)",   "10 / a > 3", "b is true", "true",
        "2 >= a",        "a < 3",      "a <= 1",    "a in (0, null)",
        "c > 'x'",       "c = 'y'",    "a = 1",     "a not in (1, 2)"};
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

#define ROWS (5u * 3 * 3)

static void row(uint32_t i, rv_value *values) {
    static const char *const texts[] = {"x", "y"};
    const uint32_t a = i % 5, b = i / 5 % 3, c = i / 15;
    values[0] = rv_value_int(1);
    values[1] = a == 4 ? rv_value_null() : rv_value_int(a);
    values[2] = b == 2 ? rv_value_null() : rv_value_int(b);
    values[3] = c == 2 ? rv_value_null() : rv_value_bytes(rv_bytes_of_string(texts[c]));
    values[4] = rv_value_null();
    values[5] = rv_value_null();
}

/* Every row that passes the one passes the other. */
static bool holds(const rv_expr *inner, const rv_expr *outer) {
    bool all = true;
    for (uint32_t i = 0; i < ROWS; i++) {
        rv_value values[RV_COLUMNS_MAX];
        row(i, values);
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

/* Every row that passes has the value there. */
static bool has(const rv_expr *filter, uint16_t column, const rv_value *value) {
    bool all = true;
    for (uint32_t i = 0; i < ROWS; i++) {
        rv_value values[RV_COLUMNS_MAX];
        row(i, values);
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        all = all && (!rv_schema_filter_passes(filter, values, &scratch) ||
                      rv_value_compare(&thing->columns[column].type, &values[column], value) == 0);
    }
    return all;
}

RV_TEST(whatever_is_told_to_be_wanted_is) {
    uint64_t random = 5;
    uint32_t told = 0;
    for (uint32_t i = 0; i < RV_TEST_SEEDS(3000); i++) {
        static const char *const forms[] = {"%s and %s",
                                            "(%s) and (%s)",
                                            "%s or %s",
                                            "not (%s and %s)",
                                            "case when b then %s else %s end",
                                            "coalesce(%s, %s)",
                                            "(%s and %s) is true",
                                            "(%s) in (true, %s)"};
        char left[128], right[128], text[300];
        condition(&random, left, sizeof left);
        condition(&random, right, sizeof right);
        const uint64_t r = rv_test_random(&random) % 12;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof text, forms[r < 8 ? r : r % 2], left, right);
#pragma GCC diagnostic pop
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_expr filter;
        uint16_t column = 0;
        rv_value value = rv_value_null();
        RV_CHECK(compile(text, &arena, &filter));
        if (rv_schema_filter_equality(&filter, &column, &value)) {
            told += 1;
            if (!has(&filter, column, &value)) {
                fprintf(stderr, "`%s` wants another value\n", text);
                RV_CHECK(false);
            }
        }
    }
    RV_CHECK(told > RV_TEST_ROUNDS(3000) / 12);
}

/* Every row that passes has such a value there. */
static bool has_such(const rv_expr *filter, const rv_filter_column *told) {
    const rv_type *const type = &thing->columns[told->column].type;
    bool all = true;
    for (uint32_t i = 0; i < ROWS; i++) {
        rv_value values[RV_COLUMNS_MAX];
        row(i, values);
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        const rv_value *const value = &values[told->column];
        bool is = false;
        for (uint16_t n = 0; n < told->count; n++) {
            is = is || rv_value_compare(type, value, &told->values[n]) == 0;
        }
        const int low = told->has_low ? rv_value_compare(type, value, &told->low) : 1;
        const int high = told->has_high ? rv_value_compare(type, value, &told->high) : -1;
        is = is || (told->count == 0 && !rv_value_is_null(value) && low + told->low_inside > 0 &&
                    high - told->high_inside < 0);
        all = all && (is || !rv_schema_filter_passes(filter, values, &scratch));
    }
    return all;
}

RV_TEST(whatever_is_told_of_a_column_is) {
    uint64_t random = 7;
    uint32_t told = 0;
    uint32_t lists = 0;
    uint32_t between = 0;
    for (uint32_t i = 0; i < RV_TEST_SEEDS(6000); i++) {
        char left[128], text[300];
        rv_filter_column column;
        condition(&random, left, sizeof left);
        const uint64_t r = rv_test_random(&random) % 8;
        (void)snprintf(text, sizeof text,
                       r < 6    ? "%s"
                       : r == 6 ? "not (%s)"
                                : "(%s) is true",
                       left);
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_expr filter;
        RV_CHECK(compile(text, &arena, &filter));
        if (rv_schema_filter_column(&filter, &column)) {
            told += 1;
            lists += column.count > 1;
            between += column.has_low && column.has_high;
            if (!has_such(&filter, &column)) {
                fprintf(stderr, "`%s` wants others\n", text);
                RV_CHECK(false);
            }
        }
    }
    RV_CHECK(told > RV_TEST_ROUNDS(6000) / 3);
    RV_CHECK(lists > RV_TEST_ROUNDS(6000) / 30 && between > RV_TEST_ROUNDS(6000) / 30);
}

/* What is told of a column: `1=3,4` or `1[3,7)`; empty: nothing. */
static bool tells(const char *text, const char *expected) {
    char found[128] = "";
    size_t len = 0;
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_expr filter;
    rv_filter_column c;
    if (compile(text, &arena, &filter) && rv_schema_filter_column(&filter, &c)) {
        len = (size_t)snprintf(found, sizeof found, "%u", (unsigned)c.column);
        for (uint16_t i = 0; i < c.count && len < sizeof found; i++) {
            len += (size_t)snprintf(found + len, sizeof found - len, "%c%d", i == 0 ? '=' : ',',
                                    (int)c.values[i].as.integer);
        }
        if (c.has_low) {
            len += (size_t)snprintf(found + len, sizeof found - len, "%c%d",
                                    c.low_inside ? '[' : '(', (int)c.low.as.integer);
        }
        if (c.has_high) {
            (void)snprintf(found + len, sizeof found - len, ",%d%c", (int)c.high.as.integer,
                           c.high_inside ? ']' : ')');
        }
    }
    return strcmp(found, expected) == 0;
}

RV_TEST(values_of_a_column_are_told) {
    RV_CHECK(tells("a in (3, 4)", "1=3,4"));
    RV_CHECK(tells("a in (3, null)", "1=3"));
    RV_CHECK(tells("a = 3 or a = 4", "1=4,3"));
    RV_CHECK(tells("a = 3 or a in (4, 5) or a = 6", "1=6,4,5,3"));
    RV_CHECK(tells("b and (a = 3 or a = 4)", "1=4,3"));
    RV_CHECK(tells("(a = 3 or a = 4) and id = 7", "0=7"));
    RV_CHECK(tells("a between 3 and 7", "1[3,7]"));
    RV_CHECK(tells("a > 3", "1(3"));
    RV_CHECK(tells("7 >= a", "1,7]"));
    RV_CHECK(tells("a >= 3 and b and a < 7", "1[3,7)"));
    RV_CHECK(tells("a < 7 and id > 1 and a > 2", "1(2,7)"));
    RV_CHECK(tells("a > 3 and a in (1, 5)", "1=1,5"));
    RV_CHECK(tells("a = 3 or id = 4", ""));
    RV_CHECK(tells("a = 3 or b", ""));
    RV_CHECK(tells("a = 3 or a > 4", ""));
    RV_CHECK(tells("a not in (3, 4)", ""));
    RV_CHECK(tells("not (a > 3)", ""));
    RV_CHECK(tells("a not between 3 and 7", ""));
    RV_CHECK(tells("a between symmetric 7 and 3", ""));
    RV_CHECK(tells("a > 3.5", ""));
    RV_CHECK(tells("a in (3, id)", ""));
    RV_CHECK(tells("a in (null)", ""));
    RV_CHECK(tells("e > 'x'", ""));
    RV_CHECK(tells("b > false", ""));
    RV_CHECK(tells("a in (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17)", ""));
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
    RV_RUN(one_value_in_a_column_is_told);
    RV_RUN(no_value_is_told_where_others_pass);
    RV_RUN(whatever_is_told_to_be_wanted_is);
    RV_RUN(values_of_a_column_are_told);
    RV_RUN(whatever_is_told_of_a_column_is);
    return rv_test_done();
}
