/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: functions on text, operators and functions on JSON and arrays give what PostgreSQL gives,
 * refuse what has no meaning at its place, and do bounded work in bounded memory. Method: a table
 * of expressions with PostgreSQL's answers; calls that would make much of little; every amount of
 * scratch memory; containment of random documents
 */
#include "core/model/expr.h"
#include "core/model/jsonb.h"
#include "platform/memory/random.h"
#include "tests/unit/test.h"

#include "tests/unit/model/expr_calls_cases.h"

static uint8_t arena_memory[1 << 20];
static uint8_t scratch_memory[4 << 20];
static rv_error err;

/* Compiles and evaluates; the text of the result, NULL for NULL, in scratch. */
static rv_status run(const char *text, size_t scratch_len, rv_bytes *result) {
    rv_arena arena = rv_arena_over(arena_memory, sizeof arena_memory);
    rv_arena scratch = rv_arena_over(scratch_memory, scratch_len);
    const rv_expr_scope scope = {.count = 0};
    rv_lexer lexer;
    rv_expr expr;
    err.status = RV_OK;
    *result = (rv_bytes){NULL, 0};
    rv_status status = rv_lexer_start(&lexer, rv_bytes_of_string(text), &arena, &err);
    if (status == RV_OK) {
        status = rv_expr_compile(&lexer, &scope, NULL, &arena, &expr, &err);
    }
    if (status == RV_OK && lexer.token.kind != RV_TOKEN_END) {
        return rv_lexer_error(&lexer, RV_SCHEMA_SYNTAX, "the end", &err);
    }
    const rv_expr_env env = {.scratch = &scratch};
    rv_value value = rv_value_null();
    if (status == RV_OK) {
        status = rv_expr_eval(&expr, &env, &value, &err);
    }
    if (status == RV_OK && !rv_value_is_null(&value)) {
        static uint8_t out[1 << 20];
        rv_writer w = rv_writer_over(out, sizeof out);
        RV_ASSERT(value.class_ == rv_type_class(&expr.type));
        rv_value_to_text(&expr.type, &value, &w);
        *result = rv_writer_bytes(&w);
    }
    return status;
}

RV_TEST(calls_give_what_postgresql_gives) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_bytes result;
        const rv_status status = run(cases[i].text, sizeof scratch_memory, &result);
        if (status != cases[i].status || (cases[i].result == NULL) != (result.ptr == NULL) ||
            (result.ptr != NULL && !rv_bytes_are(result, cases[i].result))) {
            fprintf(stderr, "%s: %s %.*s\n", cases[i].text, rv_status_code(status), (int)result.len,
                    result.ptr == NULL ? "" : (const char *)result.ptr);
        }
        RV_CHECK_STATUS(status, cases[i].status);
        RV_CHECK_EQ(result.ptr == NULL, cases[i].result == NULL);
        RV_CHECK(result.ptr == NULL || rv_bytes_are(result, cases[i].result));
    }
}

RV_TEST(what_has_no_meaning_is_refused_at_its_place) {
    static const struct {
        const char *text;
        rv_status status;
        const char *place;
    } refused[] = {
        {"left('a')", RV_EXPRESSION_TYPE, "line 1, column 5: left() takes 2 to 2 arguments"},
        {"left('a', 1, 2)", RV_EXPRESSION_TYPE, "line 1, column 5"},
        {"left('a', 1.5)", RV_EXPRESSION_TYPE, "line 1, column 5"},
        {"reverse(1)", RV_EXPRESSION_TYPE, "line 1, column 8"},
        {"1 -> 'a'", RV_EXPRESSION_TYPE, "line 1, column 3"},
        {"'{}' -> 'a'", RV_EXPRESSION_TYPE, "give literals a type"},
        {"'{}'::json @> '{}'", RV_EXPRESSION_TYPE, "line 1, column 12"},
        {"'{}'::json ? 'a'", RV_EXPRESSION_TYPE, "line 1, column 12"},
        {"'{1}'::int[] || 'a'::text[]", RV_VALUE_INVALID, "line 1, column 17"},
        {"'{1}'::int[] || 'a'::text", RV_EXPRESSION_TYPE, "line 1, column 14"},
        {"'{1}'::int[] @> '{a}'", RV_VALUE_INVALID, "line 1, column 17"},
        {"'{1}'::int[] = '{1}'::text[]", RV_EXPRESSION_TYPE, "line 1, column 14"},
        {"1 = any(2)", RV_EXPRESSION_TYPE, "line 1, column 3"},
        {"1 = any('{a}')", RV_VALUE_INVALID, "line 1, column 9"},
        {"1 + any('{1}')", RV_SCHEMA_SYNTAX, "line 1, column 5"},
        {"any('{1}')", RV_SCHEMA_SYNTAX, "line 1, column 1"},
        {"1 = any '{1}'", RV_SCHEMA_SYNTAX, "line 1, column 9"},
        {"array[]", RV_SCHEMA_SYNTAX, "line 1, column 7"},
        {"array[1", RV_SCHEMA_SYNTAX, "met `end of text`"},
        {"array[1)", RV_SCHEMA_SYNTAX, "line 1, column 8"},
        {"array(1)", RV_SCHEMA_SYNTAX, "line 1, column 6"},
        {"array[array[1]]", RV_UNSUPPORTED, "line 1, column 13"},
        {"array[1, true]", RV_EXPRESSION_TYPE, "line 1, column 6"},
        {"array[1, 'x']", RV_VALUE_INVALID, "line 1, column 10"},
        {"'a'[1]", RV_EXPRESSION_TYPE, "line 1, column 4"},
        {"('{1}'::int[])['a']", RV_VALUE_INVALID, "line 1, column 16"},
        {"('{1}'::int[])[true]", RV_EXPRESSION_TYPE, "line 1, column 15"},
        {"('{1}'::int[])[1,2]", RV_SCHEMA_SYNTAX, "line 1, column 17"},
        {"'a' escape 'b'", RV_SCHEMA_SYNTAX, "line 1, column 5"},
        {"1 ilike 'a'", RV_EXPRESSION_TYPE, "line 1, column 3"},
        {"substring('a' placing 'b')", RV_SCHEMA_SYNTAX, "line 1, column 15"},
        {"trim(both)", RV_EXPRESSION_TYPE, "line 1, column 5"},
        {"greatest('{}'::json)", RV_EXPRESSION_TYPE, "line 1, column 9"},
        {"'{}'::json in ('{}')", RV_EXPRESSION_TYPE, "line 1, column 12"},
        {"'[]'::jsonb::date", RV_EXPRESSION_TYPE, "line 1, column"},
        {"'{1}'::int[]::int", RV_EXPRESSION_TYPE, "line 1, column"},
        {"'{1}'::int[] + 1", RV_EXPRESSION_TYPE, "line 1, column 14"},
        {"(array[1,2,3])[2:3][1]", RV_UNSUPPORTED, "line 1, column 20: arrays have one dimension"},
        {"(array[1,2,3])[1:2:3]", RV_SCHEMA_SYNTAX, "line 1, column 19"},
        {"(array[1,2,3])[1:", RV_SCHEMA_SYNTAX, "line 1, column 18"},
        {"(array[1,2,3])[:", RV_SCHEMA_SYNTAX, "line 1, column 17"},
        {"array[1:2]", RV_SCHEMA_SYNTAX, "line 1, column 8"},
        {"('[1]'::jsonb)[0:1]", RV_EXPRESSION_TYPE, "a slice needs an array and integers"},
        {"(array[1])['x'::text:1]", RV_EXPRESSION_TYPE, "a slice needs an array and integers"},
        {"('{1}')[1:1]", RV_EXPRESSION_TYPE, "a slice needs an array and integers"},
        {"1 : 2", RV_SCHEMA_SYNTAX, "line 1, column 3"},
        {"-'{1}'::int[]", RV_EXPRESSION_TYPE, "line 1, column 1"},
        {"not '{t}'::boolean[]", RV_EXPRESSION_TYPE, "line 1, column 1"},
        {"'{t}'::boolean[] and true", RV_EXPRESSION_TYPE, "line 1, column 18"},
        {"sum('{1}'::int[])", RV_SCHEMA_UNKNOWN_NAME, "there is no function `sum`"},
        {"abs('{1}'::int[])", RV_EXPRESSION_TYPE, "line 1, column 4"},
        {"lower('{a}'::text[])", RV_EXPRESSION_TYPE, "line 1, column 6"},
    };
    int wrong = 0;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        rv_bytes result;
        const rv_status status = run(refused[i].text, sizeof scratch_memory, &result);
        if (status != refused[i].status || strstr(err.detail, refused[i].place) == NULL) {
            fprintf(stderr, "%s: %s: %s\n", refused[i].text, rv_status_code(status), err.detail);
        }
        wrong += status != refused[i].status || strstr(err.detail, refused[i].place) == NULL;
    }
    RV_CHECK_EQ(wrong, 0);
}

RV_TEST(much_of_little_ends) {
    static const struct {
        const char *text;
        rv_status status;
    } large[] = {
        {"length(repeat('x', 1000000))", RV_OK},
        {"length(repeat('x', 2000000000))", RV_EXPRESSION_LIMIT},
        {"length(repeat(repeat('x', 1000), 10000))", RV_EXPRESSION_LIMIT},
        {"length(lpad('', 2000000000, 'ab'))", RV_EXPRESSION_LIMIT},
        {"length(rpad('x', 1000000))", RV_OK},
        {"strpos(repeat('a', 300000), repeat('a', 1000) || 'b')", RV_EXPRESSION_LIMIT},
        {"length(replace(repeat('a', 100000), 'a', repeat('b', 1000)))", RV_MEMORY_EXHAUSTED},
        {"length(translate(repeat('a', 300000), repeat('b', 2000) || 'a', 'c'))",
         RV_EXPRESSION_LIMIT},
        {"length(btrim(repeat('a', 300000), repeat('b', 2000) || 'a'))", RV_EXPRESSION_LIMIT},
        {"jsonb_typeof(('[' || repeat('[],', 100000) || '1]')::jsonb -> 7)", RV_OK},
        {"(repeat('[', 100) || repeat(']', 100))::jsonb @> (repeat('[', 99) || repeat(']', 99))"
         "::jsonb",
         RV_OK},
        {"('[' || repeat('[1,[2]],', 5000) || '1]')::jsonb @> ('[' || repeat('[1,[3]],', 5000) || "
         "'1]')::jsonb",
         RV_OK},
        {"('[' || repeat('[1],', 3000) || '[2]]')::jsonb @> ('[' || repeat('[2],', 3000) || "
         "'[2]]')::jsonb",
         RV_EXPRESSION_LIMIT},
        /* what is sought is walked again on each level */
        {"(repeat('[', 100) || '\"' || repeat('a', 30000) || '\"' || repeat(']', 100))::jsonb @> "
         "(repeat('[', 100) || '\"' || repeat('a', 30000) || '\"' || repeat(']', 100))::jsonb",
         RV_EXPRESSION_LIMIT},
        {"(repeat('[', 100) || '\"' || repeat('a', 3000) || '\"' || repeat(']', 100))::jsonb @> "
         "(repeat('[', 100) || '\"' || repeat('a', 3000) || '\"' || repeat(']', 100))::jsonb",
         RV_OK},
        /* to compare an array it is walked to its end */
        {"case ('[' || repeat('1,', 200000) || '1]')::jsonb when '[1]' then 1 when '[2]' then 2 "
         "end",
         RV_OK},
        {"case ('[' || repeat('1,', 200000) || '1]')::jsonb when '[1]' then 1 when '[2]' then 2 "
         "when '[3]' then 3 when '[4]' then 4 when '[5]' then 5 when '[6]' then 6 end",
         RV_EXPRESSION_LIMIT},
        {"('[' || repeat('1,', 200000) || '1]')::jsonb in ('[1]', '[2]', '[3]', '[4]', '[5]', "
         "'[6]', '[7]')",
         RV_EXPRESSION_LIMIT},
        /* text is not */
        {"repeat('a', 1000000) in ('b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k')", RV_OK},
        /* casts read all of it */
        {"('[' || repeat('1,', 100000) || '1]')::jsonb::text::jsonb is null", RV_OK},
        {"('[' || repeat('1,', 100000) || '1]')::jsonb::text::jsonb::text::jsonb::text::jsonb"
         "::text::jsonb::text::jsonb::text::jsonb::text::jsonb::text::jsonb is null",
         RV_EXPRESSION_LIMIT},
        /* the right side counts, too */
        {"'1'::jsonb || ('[' || repeat('1,', 100000) || '1]')::jsonb is null", RV_OK},
        {"'1'::jsonb || ('1'::jsonb || ('1'::jsonb || ('1'::jsonb || ('1'::jsonb || ('1'::jsonb || "
         "('[' || repeat('1,', 150000) || '1]')::jsonb))))) is null",
         RV_EXPRESSION_LIMIT},
    };
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        rv_bytes result;
        const rv_status status = run(large[i].text, sizeof scratch_memory, &result);
        if (status != large[i].status) {
            fprintf(stderr, "%s: %s\n", large[i].text, rv_status_code(status));
        }
        RV_CHECK_STATUS(status, large[i].status);
    }
}

RV_TEST(too_little_memory_is_told) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t len = 0; len < 256; len += 16) {
            rv_bytes result;
            const rv_status status = run(cases[i].text, len, &result);
            const bool same = status == cases[i].status &&
                              (result.ptr == NULL) == (cases[i].result == NULL) &&
                              (result.ptr == NULL || rv_bytes_are(result, cases[i].result));
            RV_CHECK(same || status == RV_MEMORY_EXHAUSTED);
        }
    }
}

RV_TEST(null_is_no_value_of_any_argument) {
    static const char *const nulls[] = {"left(null, 1)",
                                        "left('a', null)",
                                        "lpad('a', 3, null)",
                                        "trim(null from 'a')",
                                        "trim('a' from null)",
                                        "replace('a', null, 'b')",
                                        "position(null in 'a')",
                                        "repeat(null, 2)",
                                        "split_part('a', 'b', null)",
                                        "encode(null, 'hex')",
                                        "overlay('a' placing null from 1)",
                                        "array_length(null::int[], 1)",
                                        "array_length('{1}'::int[], null)",
                                        "cardinality(null::int[])",
                                        "array_position(null::int[], 1)",
                                        "array_to_string(null::int[], ',')",
                                        "array_to_string('{1}'::int[], null)",
                                        "(null::int[])[1]",
                                        "null::int[] @> '{1}'",
                                        "'{1}'::int[] <@ null",
                                        "null::int[] && '{1}'",
                                        "1 = any(null::int[])",
                                        "1 <> all(null::int[])",
                                        "null::jsonb -> 'a'",
                                        "'{}'::jsonb -> null",
                                        "null::json ->> 1",
                                        "null::jsonb #> '{a}'",
                                        "'{}'::jsonb #>> null",
                                        "null::jsonb @> '{}'",
                                        "'{}'::jsonb <@ null",
                                        "null::jsonb ? 'a'",
                                        "'{}'::jsonb ?| null",
                                        "null::jsonb || '{}'",
                                        "'{}'::jsonb || null",
                                        "jsonb_typeof(null)",
                                        "json_array_length(null)",
                                        "to_json(null::int)",
                                        "to_jsonb(null::text)",
                                        "null::int[] || null::int[]",
                                        "null::text ilike 'a'",
                                        "'a' like 'a' escape null",
                                        "null::text[]",
                                        "null::jsonb::int",
                                        "null::int[]::text[]"};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        rv_bytes result;
        const rv_status status = run(nulls[i], sizeof scratch_memory, &result);
        if (status != RV_OK || result.ptr != NULL) {
            fprintf(stderr, "%s: %s\n", nulls[i], err.detail);
        }
        RV_CHECK_STATUS(status, RV_OK);
        RV_CHECK(result.ptr == NULL);
    }
}

int main(void) {
    RV_RUN(calls_give_what_postgresql_gives);
    RV_RUN(what_has_no_meaning_is_refused_at_its_place);
    RV_RUN(much_of_little_ends);
    RV_RUN(null_is_no_value_of_any_argument);
    RV_RUN(too_little_memory_is_told);
    return rv_test_done();
}
