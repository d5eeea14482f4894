/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: arrays of every type are read, written, ordered, cast and carried in bytes as PostgreSQL's
 * are, and no bytes that are not the one form of an array get in. Method: a table of literals with
 * what PostgreSQL 15 answers; the same values as JSON; the binary form cut at every length and with
 * every bit flipped, where whatever is accepted must encode to the same bytes; random arrays, whose
 * order is compared with a naive one over their elements, and which survive text and JSON.
 */
#include "core/model/array.h"
#include "core/model/event.h"
#include "core/model/type.h"
#include "core/model/value_cast.h"
#include "core/model/value_json.h"
#include "platform/memory/random.h"
#include "tests/unit/test.h"

static uint8_t memory[1 << 20];

static const rv_bytes labels[] = {
    {(const uint8_t *)"free", 4}, {(const uint8_t *)"team", 4}, {(const uint8_t *)"a \"b\"", 5}};
static const rv_enum plan = {{(const uint8_t *)"plan", 4}, labels, 3};
static const rv_enum *const enums[] = {&plan};

/* The type that a text names; its names and folded letters lie in `arena`. */
static rv_type type_of(const char *text, rv_arena *arena) {
    rv_lexer lexer;
    rv_type type = {.kind = RV_TYPE_BOOLEAN};
    rv_error err = {.status = RV_OK};
    if (rv_lexer_start(&lexer, rv_bytes_of_string(text), arena, &err) != RV_OK ||
        rv_type_parse(&lexer, (rv_enum_list){enums, 1}, &type, &err) != RV_OK ||
        lexer.token.kind != RV_TOKEN_END) {
        fprintf(stderr, "%s: %s\n", text, err.detail);
        RV_ASSERT(false);
    }
    return type;
}

static rv_status read(const rv_type *type, const char *text, rv_arena *arena, rv_value *value) {
    rv_error err = {.status = RV_OK};
    return rv_value_from_text(type, rv_bytes_of_string(text), RV_LITERAL("x"), arena, value, &err);
}

static const struct {
    const char *type;
    const char *text;
    const char *sql;
    const char *json;
} good[] = {
    {"int[]", "{1,2,3}", "{1,2,3}", "[1,2,3]"},
    {"int[]", " { 1 , NULL,null ,3 } ", "{1,NULL,NULL,3}", "[1,null,null,3]"},
    {"int[]", "{}", "{}", "[]"},
    {"int[]", " { } ", "{}", "[]"},
    {"int[]", "{\"1\",\" 2 \"}", "{1,2}", "[1,2]"},
    {"text[]", "{a b, c d ,\"e,f\"}", "{\"a b\",\"c d\",\"e,f\"}", "[\"a b\",\"c d\",\"e,f\"]"},
    {"text[]", "{\"NULL\",NULL,nUlL,\\NULL}", "{\"NULL\",NULL,NULL,\"NULL\"}",
     "[\"NULL\",null,null,\"NULL\"]"},
    {"text[]", "{\"a\\\"b\\\\c\",d\\\"e,\\ f\\ }", "{\"a\\\"b\\\\c\",\"d\\\"e\",\" f \"}",
     "[\"a\\\"b\\\\c\",\"d\\\"e\",\" f \"]"},
    {"text[]", "{\"\"}", "{\"\"}", "[\"\"]"},
    {"text[]", "{a\tb,\tc\n}", "{\"a\tb\",c}", "[\"a\\tb\",\"c\"]"},
    {"text[]", "{ä,\"ö€\"}", "{ä,ö€}", "[\"ä\",\"ö€\"]"},
    {"text[]", "{\"a\" , \"b\" }", "{a,b}", "[\"a\",\"b\"]"},
    {"text[]", "{\"{}\",null_,\"nul l\",\"\\\\\"}", "{\"{}\",null_,\"nul l\",\"\\\\\"}",
     "[\"{}\",\"null_\",\"nul l\",\"\\\\\"]"},
    {"text[]", "{a\\\\b}", "{\"a\\\\b\"}", "[\"a\\\\b\"]"},
    {"char(3)[]", "{a,ab,abc}", "{\"a  \",\"ab \",abc}", "[\"a  \",\"ab \",\"abc\"]"},
    {"char(3)[]", "{\"abc  \"}", "{abc}", "[\"abc\"]"},
    {"varchar(2)[]", "{ab,\"a   \"}", "{ab,\"a \"}", "[\"ab\",\"a \"]"},
    {"bytea[]", "{\"\\\\xDEAD\",abc}", "{\"\\\\xdead\",\"\\\\x616263\"}",
     "[\"\\\\xdead\",\"\\\\x616263\"]"},
    {"date[]", "{2020-01-01,infinity}", "{2020-01-01,infinity}", "[\"2020-01-01\",\"infinity\"]"},
    {"timestamptz[]", "{\"2020-01-01 00:00:00+01\"}", "{\"2019-12-31 23:00:00+00\"}",
     "[\"2019-12-31T23:00:00+00:00\"]"},
    {"uuid[]", "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
     "[\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"]"},
    {"plan[]", "{free,\"a \\\"b\\\"\",NULL}", "{free,\"a \\\"b\\\"\",NULL}",
     "[\"free\",\"a \\\"b\\\"\",null]"},
    {"numeric(5,2)[]", "{1,2.345}", "{1.00,2.35}", "[1.00,2.35]"},
    {"boolean[]", "{t,f,yes}", "{t,f,t}", "[true,false,true]"},
    {"bigint[]", "{9223372036854775807,-9223372036854775808}",
     "{9223372036854775807,-9223372036854775808}", "[9223372036854775807,-9223372036854775808]"},
};

RV_TEST(literals_are_read_and_written_as_in_postgresql) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory / 2);
        const rv_type type = type_of(good[i].type, &arena);
        rv_value value = rv_value_null();
        RV_CHECK_STATUS(read(&type, good[i].text, &arena, &value), RV_OK);
        RV_CHECK_EQ(value.class_, rv_type_class(&type));
        RV_CHECK(rv_array_check(&type, value.as.bytes));
        uint8_t out[512];
        rv_writer w = rv_writer_over(out, sizeof out);
        rv_value_to_text(&type, &value, &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), good[i].sql);
        rv_value again = rv_value_null();
        RV_CHECK_STATUS(read(&type, good[i].sql, &arena, &again), RV_OK);
        RV_CHECK(rv_bytes_equal(value.as.bytes, again.as.bytes));
        w = rv_writer_over(out, sizeof out);
        rv_value_to_json(&type, &value, &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), good[i].json);
        rv_json json = rv_json_over(rv_writer_bytes(&w), &arena);
        rv_json_token token;
        RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
        RV_CHECK_STATUS(
            rv_value_from_json(&type, &json, &token, RV_LITERAL("x"), &arena, &again, NULL), RV_OK);
        RV_CHECK(rv_bytes_equal(value.as.bytes, again.as.bytes));
        RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
        RV_CHECK_EQ(token.kind, RV_JSON_END);
        for (size_t cap = 0; cap < w.len; cap++) { /* a writer that is too small is told */
            uint8_t small[512];
            rv_writer s = rv_writer_over(small, cap);
            rv_value_to_json(&type, &value, &s);
            RV_CHECK(s.full && s.len <= cap);
            s = rv_writer_over(small, cap < strlen(good[i].sql) ? cap : 0);
            rv_value_to_text(&type, &value, &s);
            RV_CHECK(s.full);
        }
    }
}

static const struct {
    const char *type;
    const char *text;
    rv_status status;
} bad[] = {
    {"int[]", "{1,}", RV_VALUE_INVALID},
    {"int[]", "{,1}", RV_VALUE_INVALID},
    {"int[]", "{1,,2}", RV_VALUE_INVALID},
    {"int[]", "1,2", RV_VALUE_INVALID},
    {"int[]", "", RV_VALUE_INVALID},
    {"int[]", "{", RV_VALUE_INVALID},
    {"int[]", "}", RV_VALUE_INVALID},
    {"int[]", "{1,2", RV_VALUE_INVALID},
    {"int[]", "{1}x", RV_VALUE_INVALID},
    {"int[]", "{1}}", RV_VALUE_INVALID},
    {"int[]", "{1 2}", RV_VALUE_INVALID},
    {"int[]", "{{1}}", RV_VALUE_INVALID},       /* PostgreSQL takes these two: one dimension, */
    {"int[]", "[2:3]={1,2}", RV_VALUE_INVALID}, /* and the first element has number 1 */
    {"int[]", "{\"1\" 2}", RV_VALUE_INVALID},
    {"int[]", "{\"\"}", RV_VALUE_INVALID},
    {"text[]", "{\"a\"b}", RV_VALUE_INVALID},
    {"text[]", "{a\"b\"}", RV_VALUE_INVALID},
    {"text[]", "{a{b}", RV_VALUE_INVALID},
    {"text[]", "{a\\}", RV_VALUE_INVALID},
    {"text[]", "{a\\", RV_VALUE_INVALID},
    {"text[]", "{\"a}", RV_VALUE_INVALID},
    {"text[]", "{\"a\\", RV_VALUE_INVALID},
    {"text[]", "{\xff}", RV_VALUE_INVALID},
    {"plan[]", "{none}", RV_VALUE_INVALID},
    {"smallint[]", "{40000}", RV_VALUE_OUT_OF_RANGE},
    {"char(3)[]", "{abcd}", RV_VALUE_TOO_LONG},
};

RV_TEST(what_is_no_array_is_refused) {
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        const rv_type type = type_of(bad[i].type, &arena);
        const size_t mark = rv_arena_mark(&arena);
        rv_value value = rv_value_null();
        RV_CHECK_STATUS(read(&type, bad[i].text, &arena, &value), bad[i].status);
        RV_CHECK(rv_value_is_null(&value) && rv_arena_mark(&arena) <= mark + 15);
    }
}

/* JSON of other kinds, and of too many elements. */
RV_TEST(what_is_no_array_in_json_is_refused) {
    static const struct {
        const char *type;
        const char *json;
        rv_status status;
    } cases[] = {
        {"int[]", "[1,[2]]", RV_VALUE_INVALID},
        {"int[]", "[{}]", RV_VALUE_INVALID},
        {"int[]", "[true]", RV_VALUE_INVALID},
        {"int[]", "5", RV_VALUE_INVALID},
        {"int[]", "{}", RV_VALUE_INVALID},
        {"int[]", "[1", RV_JSON_INVALID},
        {"int[]", "[1,]", RV_JSON_INVALID},
        {"text[]", "[1]", RV_VALUE_INVALID},
        {"text[]", "[\"\\ud800\"]", RV_JSON_INVALID},
        {"int[]", "\"{1,2}\"", RV_OK},
        {"int[]", "[\"1\", 2, null]", RV_OK},
        {"text[]", "[\"a\\u00e4\\n\", \"b\"]", RV_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        const rv_type type = type_of(cases[i].type, &arena);
        rv_json json = rv_json_over(rv_bytes_of_string(cases[i].json), &arena);
        rv_json_token token;
        rv_value value = rv_value_null();
        rv_error err = {.status = RV_OK};
        RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
        RV_CHECK_STATUS(
            rv_value_from_json(&type, &json, &token, RV_LITERAL("x"), &arena, &value, &err),
            cases[i].status);
        RV_CHECK(cases[i].status != RV_OK || rv_array_check(&type, value.as.bytes));
    }
    static char many[3 * RV_ARRAY_ELEMENTS_MAX];
    const rv_type type = {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_BOOLEAN};
    for (size_t count = RV_ARRAY_ELEMENTS_MAX; count <= RV_ARRAY_ELEMENTS_MAX + 1; count++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        size_t len = 0;
        for (size_t i = 0; i < count; i++) {
            many[len++] = i == 0 ? '{' : ',';
            many[len++] = 't';
        }
        many[len++] = '}';
        many[len] = '\0';
        rv_value value;
        RV_CHECK_STATUS(read(&type, many, &arena, &value),
                        count == RV_ARRAY_ELEMENTS_MAX ? RV_OK : RV_VALUE_TOO_LONG);
    }
}

RV_TEST(too_little_memory_is_told) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    const rv_type type = type_of("text[]", &arena);
    for (size_t cap = 0; cap < 64; cap++) {
        rv_arena small = rv_arena_over(memory + 1024, cap);
        rv_value value = rv_value_null();
        const rv_status status = read(&type, "{\"a\\\\\",bcd,NULL}", &small, &value);
        RV_CHECK(status == RV_OK || status == RV_MEMORY_EXHAUSTED);
        RV_CHECK((status == RV_OK) == !rv_value_is_null(&value));
        rv_json json = rv_json_over(RV_LITERAL("[\"a\\\\\",\"bcd\",null]"), &small);
        rv_json_token token;
        RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
        const rv_status also =
            rv_value_from_json(&type, &json, &token, RV_LITERAL("x"), &small, &value, NULL);
        RV_CHECK(also == RV_OK || also == RV_MEMORY_EXHAUSTED);
    }
}

/* Random bytes near valid ones: what is accepted is the one form of what it holds. */
RV_TEST(no_other_bytes_are_an_array) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        const rv_type type = type_of(good[i].type, &arena);
        rv_value value = rv_value_null();
        RV_CHECK_STATUS(read(&type, good[i].text, &arena, &value), RV_OK);
        uint8_t encoded[256];
        rv_writer w = rv_writer_over(encoded, sizeof encoded);
        rv_value_encode(&type, &value, &w);
        for (size_t len = 0; len <= w.len; len++) {
            rv_cursor c = rv_cursor_over(rv_bytes_of(encoded, len));
            rv_value again;
            rv_value_decode(&type, &c, &again);
            RV_CHECK_EQ(c.bad, len < w.len);
        }
        for (size_t bit = 0; bit < 8 * value.as.bytes.len; bit++) {
            uint8_t flipped[256];
            memcpy(flipped, value.as.bytes.ptr, value.as.bytes.len);
            flipped[bit / 8] = (uint8_t)(flipped[bit / 8] ^ (1u << (bit % 8)));
            const rv_bytes bytes = rv_bytes_of(flipped, value.as.bytes.len);
            if (!rv_array_check(&type, bytes)) {
                continue;
            }
            rv_array array = rv_array_over(&type, bytes);
            rv_array_maker maker;
            rv_value element;
            rv_value made;
            RV_CHECK(rv_array_begin(&maker, &array.element, array.count, &arena));
            while (rv_array_next(&array, &element)) {
                rv_array_add(&maker, &element);
            }
            RV_CHECK(rv_array_end(&maker, &made) && rv_bytes_equal(made.as.bytes, bytes));
        }
    }
}

RV_TEST(order_is_by_the_first_difference_then_by_length) {
    static const struct {
        const char *type;
        const char *a;
        const char *b;
        int order;
    } cases[] = {
        {"int[]", "{1,2}", "{1,2,3}", -1},    {"int[]", "{1,null}", "{1,9}", 1},
        {"int[]", "{2}", "{1,9}", 1},         {"int[]", "{null}", "{null}", 0},
        {"int[]", "{}", "{null}", -1},        {"int[]", "{-1}", "{1}", -1},
        {"char(3)[]", "{a}", "{\"a  \"}", 0}, {"plan[]", "{team}", "{\"a \\\"b\\\"\"}", -1},
        {"text[]", "{a,b}", "{\"a,b\"}", -1}, {"numeric(4,2)[]", "{1.5}", "{1.50}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        const rv_type type = type_of(cases[i].type, &arena);
        rv_value a;
        rv_value b;
        RV_CHECK_STATUS(read(&type, cases[i].a, &arena, &a), RV_OK);
        RV_CHECK_STATUS(read(&type, cases[i].b, &arena, &b), RV_OK);
        const int met = rv_value_compare(&type, &a, &b);
        RV_CHECK_EQ((met > 0) - (met < 0), cases[i].order);
        const int other = rv_value_compare(&type, &b, &a);
        RV_CHECK_EQ((other > 0) - (other < 0), -cases[i].order);
        uint8_t forms[2][64];
        rv_writer w[2] = {rv_writer_over(forms[0], 64), rv_writer_over(forms[1], 64)};
        rv_value_canonical(&type, &a, &w[0]);
        rv_value_canonical(&type, &b, &w[1]);
        RV_CHECK_EQ(rv_bytes_equal(rv_writer_bytes(&w[0]), rv_writer_bytes(&w[1])),
                    cases[i].order == 0);
    }
}

RV_TEST(casts_go_element_by_element) {
    static const struct {
        const char *from;
        const char *text;
        const char *to;
        const char *result; /* NULL: an error; "none": no cast */
    } cases[] = {
        {"int[]", "{1,NULL}", "text[]", "{1,NULL}"},
        {"int[]", "{1,2}", "bigint[]", "{1,2}"},
        {"bigint[]", "{3000000000}", "int[]", NULL},
        {"numeric(3,1)[]", "{1.5,2.5}", "int[]", "{2,3}"},
        {"text[]", "{abc}", "varchar(2)[]", "{ab}"},
        {"text[]", "{abc}", "char(4)[]", "{\"abc \"}"},
        {"text[]", "{free}", "plan[]", "{free}"},
        {"text[]", "{x}", "plan[]", NULL},
        {"int[]", "{1}", "text", "{1}"},
        {"text", "{1,2}", "int[]", "{1,2}"},
        {"text", "{abc}", "varchar(2)[]", "{ab}"},
        {"text", "x", "int[]", NULL},
        {"int[]", "{1}", "date[]", "none"},
        {"int[]", "{1}", "int", "none"},
        {"timestamp[]", "{2020-02-29 12:00}", "date[]", "{2020-02-29}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        const rv_type from = type_of(cases[i].from, &arena);
        const rv_type to = type_of(cases[i].to, &arena);
        const bool none = cases[i].result != NULL && strcmp(cases[i].result, "none") == 0;
        rv_value value;
        RV_CHECK_STATUS(read(&from, cases[i].text, &arena, &value), RV_OK);
        RV_CHECK_EQ(rv_cast_rule_of(&from, &to) == RV_CAST_NONE, none);
        if (none) {
            continue;
        }
        rv_error err = {.status = RV_OK};
        const rv_status status =
            rv_value_cast(&from, &to, true, RV_LITERAL("x"), &arena, &value, &err);
        RV_CHECK_EQ(status == RV_OK, cases[i].result != NULL);
        if (status == RV_OK) {
            uint8_t out[64];
            rv_writer w = rv_writer_over(out, sizeof out);
            rv_value_to_text(&to, &value, &w);
            RV_CHECK_TEXT(rv_writer_bytes(&w), cases[i].result);
        }
    }
}

RV_TEST(numbers_in_json_arrays_get_quotes) {
    uint8_t out[128];
    rv_writer w = rv_writer_over(out, sizeof out);
    rv_json_quote_numbers(RV_LITERAL("[1,null,-2.50]"), &w);
    rv_json_quote_numbers(RV_LITERAL("7"), &w);
    RV_CHECK_TEXT(rv_writer_bytes(&w), "[\"1\",null,\"-2.50\"]\"7\"");
}

/* The naive order: elements one by one, from an array of 64-bit numbers; INT64_MAX is NULL. */
static int naive_order(const int64_t *a, size_t a_count, const int64_t *b, size_t b_count) {
    for (size_t i = 0; i < a_count && i < b_count; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return (a_count > b_count) - (a_count < b_count);
}

RV_TEST(random_arrays_agree_with_a_naive_twin) {
    uint64_t seed = 7;
    const rv_type type = {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_INTEGER};
    const rv_type element = {.kind = RV_TYPE_INTEGER};
    for (size_t round = 0; round < 4000; round++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        int64_t numbers[2][20];
        size_t counts[2];
        rv_value arrays[2];
        for (size_t k = 0; k < 2; k++) {
            rv_array_maker maker;
            counts[k] = (size_t)rv_random_below(&seed, round % 7 == 0 ? 20 : 4);
            RV_CHECK(rv_array_begin(&maker, &element, (uint32_t)counts[k], &arena));
            for (size_t i = 0; i < counts[k]; i++) {
                const int64_t n = (int64_t)rv_random_below(&seed, 4) - 1;
                numbers[k][i] = n == 2 ? INT64_MAX : n;
                const rv_value value = n == 2 ? rv_value_null() : rv_value_int(n);
                rv_array_add(&maker, &value);
            }
            RV_CHECK(rv_array_end(&maker, &arrays[k]));
            RV_CHECK(rv_array_check(&type, arrays[k].as.bytes));
            rv_bytes text;
            rv_value again = arrays[k];
            const rv_type text_type = {.kind = RV_TYPE_TEXT};
            RV_CHECK_STATUS(
                rv_value_cast(&type, &text_type, true, RV_LITERAL("x"), &arena, &again, NULL),
                RV_OK);
            text = again.as.bytes;
            RV_CHECK_STATUS(rv_value_from_text(&type, text, RV_LITERAL("x"), &arena, &again, NULL),
                            RV_OK);
            RV_CHECK(rv_bytes_equal(again.as.bytes, arrays[k].as.bytes));
        }
        const int met = rv_value_compare(&type, &arrays[0], &arrays[1]);
        RV_CHECK_EQ((met > 0) - (met < 0),
                    naive_order(numbers[0], counts[0], numbers[1], counts[1]));
    }
}

int main(void) {
    RV_RUN(literals_are_read_and_written_as_in_postgresql);
    RV_RUN(what_is_no_array_is_refused);
    RV_RUN(what_is_no_array_in_json_is_refused);
    RV_RUN(too_little_memory_is_told);
    RV_RUN(no_other_bytes_are_an_array);
    RV_RUN(order_is_by_the_first_difference_then_by_length);
    RV_RUN(casts_go_element_by_element);
    RV_RUN(numbers_in_json_arrays_get_quotes);
    RV_RUN(random_arrays_agree_with_a_naive_twin);
    return rv_test_done();
}
