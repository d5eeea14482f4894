/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: wherever an expression or a literal stops being one, or its memory or depth ends, there is
 * an error that says so, and nothing of it stays. Method: the expressions and literals of
 * tests/vectors/corners.txt, most of which PostgreSQL takes: each cut at every byte by what no
 * token begins with; nested to every depth about the limit; and in memories of many sizes up to
 * that which is enough, in which the answer is the same as with plenty or says that memory is
 * short.
 */
#include "tests/unit/model/postgresql_vectors.h"

#define SIZES    8u /* of memory, between none and enough */
#define NO_TOKEN 0x01

static uint8_t plenty_memory[1 << 18];
static uint8_t scratch_memory[1 << 18];
static rv_error err;

typedef struct met {
    rv_status status;
    bool evaluated;
    bool stays; /* something of what was refused */
    size_t compile_used;
    size_t scratch_used;
    rv_bytes json; /* in one of two places, in turns */
} met;

static met run(rv_bytes text, size_t compile_cap, size_t scratch_cap) {
    static uint8_t out[2][1 << 14];
    static unsigned turn;
    rv_arena arena = rv_arena_over(plenty_memory, compile_cap);
    rv_arena scratch = rv_arena_over(scratch_memory, scratch_cap);
    const rv_expr_scope scope = {names, column_count, enums, 1};
    const rv_expr_env env = {.slots = slots, .now_us = 0, .scratch = &scratch};
    rv_expr expr = {0};
    rv_value value = rv_value_null();
    rv_lexer lexer;
    met m = {.status = rv_lexer_start(&lexer, text, &arena, &err)};
    if (m.status == RV_OK) {
        const rv_lexer before = lexer;
        const size_t used = arena.len;
        m.status = rv_expr_compile(&lexer, &scope, NULL, &arena, &expr, &err);
        m.stays =
            m.status != RV_OK && (arena.len != used || lexer.token.offset != before.token.offset);
    }
    m.compile_used = arena.len;
    if (m.status == RV_OK && lexer.token.kind != RV_TOKEN_END) {
        m.status = RV_SCHEMA_SYNTAX; /* an expression, and more */
    }
    if (m.status == RV_OK) {
        m.status = rv_expr_eval(&expr, &env, &value, &err);
        m.evaluated = true;
    }
    m.scratch_used = scratch.len;
    if (m.status == RV_OK) {
        rv_writer w = rv_writer_over(out[turn++ % 2], sizeof out[0]);
        rv_value_to_json(&expr.type, &value, &w);
        m.json = rv_writer_bytes(&w);
    }
    return m;
}

static bool same(const met *a, const met *b) {
    return a->status == b->status && !a->stays && rv_bytes_equal(a->json, b->json);
}

static void check_in_little_memory(rv_bytes text) {
    const met plenty = run(text, sizeof plenty_memory, sizeof scratch_memory);
    for (size_t i = 0; i <= SIZES; i++) {
        const met few = run(text, plenty.compile_used * i / SIZES, sizeof scratch_memory);
        RV_CHECK(same(&few, &plenty) || (!few.stays && few.status == RV_SCHEMA_TOO_LARGE));
    }
    for (size_t i = 0; i <= SIZES && plenty.evaluated; i++) {
        const met few = run(text, sizeof plenty_memory, plenty.scratch_used * i / SIZES);
        RV_CHECK(same(&few, &plenty) || (few.evaluated && few.status == RV_MEMORY_EXHAUSTED));
    }
}

static void check_cut(rv_bytes text) {
    static uint8_t copy[1 << 10];
    RV_CHECK(text.len < sizeof copy);
    for (size_t len = 0; len <= text.len; len++) {
        memcpy(copy, text.ptr, len);
        copy[len] = NO_TOKEN;
        const met m = run(rv_bytes_of(copy, len + 1), sizeof plenty_memory, sizeof scratch_memory);
        RV_CHECK(m.status != RV_OK && !m.stays && !m.evaluated);
    }
}

/* After `open`, and so many of `before` that the depth ends about there. */
static void check_after(const char *open, const char *before, rv_bytes text) {
    static char copy[1 << 10];
    for (size_t depth = RV_EXPR_DEPTH_MAX - 4; depth <= RV_EXPR_DEPTH_MAX + 1; depth++) {
        size_t len = (size_t)snprintf(copy, sizeof copy, "%s", open);
        for (size_t i = 0; i < depth; i++) {
            len += (size_t)snprintf(copy + len, sizeof copy - len, "%s", before);
        }
        RV_CHECK(len + text.len < sizeof copy);
        memcpy(copy + len, text.ptr, text.len);
        const met m =
            run(rv_bytes_of(copy, len + text.len), sizeof plenty_memory, sizeof scratch_memory);
        RV_CHECK(m.status != RV_OK && !m.stays && !m.evaluated); /* nothing is closed */
        RV_CHECK(depth <= RV_EXPR_DEPTH_MAX || m.status == RV_SCHEMA_TOO_LARGE);
    }
}

static void check_deep(rv_bytes text) {
    check_after("concat(", "1,", text); /* values */
    check_after("", "(", text);         /* and what waits for them */
}

/* The same of a literal; its JSON is in one of two places, in turns. */
static met read_literal(const rv_type *type, rv_bytes text, size_t cap) {
    static uint8_t out[2][1 << 12];
    static unsigned turn;
    rv_arena scratch = rv_arena_over(scratch_memory, cap);
    rv_writer w = rv_writer_over(out[turn++ % 2], sizeof out[0]);
    rv_value value = rv_value_null();
    met m = {.evaluated = true};
    m.status = rv_value_from_text(type, text, RV_LITERAL(""), &scratch, &value, &err);
    if (m.status == RV_OK) {
        rv_value_to_json(type, &value, &w);
    }
    m.scratch_used = scratch.len;
    m.json = rv_writer_bytes(&w);
    return m;
}

static void check_literal(const char *type_text, rv_bytes text) {
    static uint8_t type_memory[1 << 12];
    rv_arena arena = rv_arena_over(type_memory, sizeof type_memory);
    rv_type type = {.kind = RV_TYPE_TEXT};
    read_type(type_text, &arena, &type);
    const met plenty = read_literal(&type, text, sizeof scratch_memory);
    for (size_t i = 0; i <= SIZES; i++) {
        const met few = read_literal(&type, text, plenty.scratch_used * i / SIZES);
        RV_CHECK(same(&few, &plenty) || few.status == RV_MEMORY_EXHAUSTED);
    }
}

/* Every form that an expression has; `$` is an operand. */
static const char *const forms[] = {
    "case $ when $ then $ when $ then $ else $ end",
    "case when $ then $ else $ end",
    "case when true then $ when false then $ end",
    "$ between $ and $",
    "$ not between symmetric $ and $",
    "$ in ($, $)",
    "$ not in ($)",
    "$ like $",
    "$ not like $ escape $",
    "$ = any ($)",
    "$ < all ($)",
    "cast($ as integer)",
    "$::varchar(2)",
    "$::numeric(3, 1)",
    "$::char(2)[]",
    "$::integer array",
    "$::timestamp with time zone",
    "coalesce($, $)",
    "nullif($, $)",
    "greatest($, $)",
    "array[$, $]",
    "($)[$]",
    "($)",
    "substring($ from $ for $)",
    "substring($, $)",
    "trim(both $ from $)",
    "trim($)",
    "position($ in $)",
    "overlay($ placing $ from $ for $)",
    "extract(day from $)",
    "extract(\"day\" from $)",
    "date_part('day', $)",
    "date_trunc($, $)",
    "date '2024-02-29' + $",
    "interval '1 day' * $",
    "make_date($, $, $)",
    "to_timestamp($)",
    "age($, $)",
    "$ is null",
    "$ is not true",
    "$ is distinct from $",
    "not $",
    "- $",
    "~ $",
    "@ $",
    "abs($)",
    "round($, $)",
    "power($, $)",
    "sqrt($)",
    "gcd($, $)",
    "$ and $",
    "$ or $",
    "$ || $",
    "$ ^ $",
    "$ % $",
    "$ << $",
    "$ -> $",
    "$ @> $",
    "concat($, $)",
    "left($, $)",
    "replace($, $, $)",
    "split_part($, $, $)",
    "lpad($, $, $)",
    "encode($, 'hex')",
    "decode($, 'base64')",
    "upper($)",
    "chr($)",
    "to_json($)",
    "array_append($, $)",
    "array_position($, $)",
    "array_replace($, $, $)",
    "array_to_string($, $)",
    "string_to_array($, $)",
    "jsonb_array_length($)",
    "uuidv7()",
    "now()",
};

/* An operand that comes to be wrong only where the next token ends it. */
static const char wrong[] = "1 + true";

/* Writes a form: `other` for the operand `nth`, and `usual` for the others. */
static rv_bytes fill(const char *form, const char *usual, size_t nth, const char *other) {
    static uint8_t filled[1 << 10];
    rv_writer w = rv_writer_over(filled, sizeof filled);
    size_t met_operands = 0;
    for (const char *at = form; *at != 0; at++) {
        if (*at == '$') {
            rv_write_text(&w, met_operands++ == nth ? other : usual);
        } else {
            rv_write_u8(&w, (uint8_t)*at);
        }
    }
    return rv_writer_bytes(&w);
}

static size_t operands_of(const char *form) {
    size_t count = 0;
    for (const char *at = form; *at != 0; at++) {
        count += *at == '$';
    }
    return count;
}

static const char *const usual[] = {"1",
                                    "'a'",
                                    "null",
                                    "'{1,2}'::int[]",
                                    "'abc'::text",
                                    "1e9",
                                    "true",
                                    "'{\"a\": 1}'::jsonb",
                                    "date '2024-02-29'"};

#define USUAL_COUNT (sizeof usual / sizeof usual[0])

/* Calls with each form, of each of the first so many usual operands. */
static void each_form(size_t usual_count, void (*check)(rv_bytes)) {
    column_count = 0;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        for (size_t k = 0; k < usual_count; k++) {
            check(fill(forms[i], usual[k], SIZE_MAX, ""));
            if (rv_test_failed) {
                fprintf(stderr, "`%s` of `%s`\n", forms[i], usual[k]);
            }
            RV_CHECK_PASSED();
        }
    }
}

static void each_expression(const char *name, void (*check)(rv_bytes)) {
    FILE *const file = open_vectors(name);
    RV_CHECK(file != NULL);
    int count = 0;
    while (file != NULL && read_fields(file)) {
        if (!take_setting() && line_is("expression")) {
            check(rv_bytes_of_string(fields[1]));
            if (rv_test_failed) {
                fprintf(stderr, "`%s`\n", fields[1]);
                break;
            }
            count++;
        }
    }
    (void)fclose(file);
    RV_CHECK_PASSED();
    RV_CHECK(count > 100);
}

RV_TEST(a_wrong_operand_is_refused_in_every_form) {
    column_count = 0;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        for (size_t nth = 0; nth < operands_of(forms[i]); nth++) {
            for (size_t k = 0; k < 4; k++) {
                const rv_bytes text = fill(forms[i], usual[k], nth, wrong);
                const met m = run(text, sizeof plenty_memory, sizeof scratch_memory);
                RV_CHECK(m.status != RV_OK && !m.stays && !m.evaluated);
            }
        }
    }
}

RV_TEST(an_expression_that_is_cut_is_refused) {
    each_form(2, check_cut);
    RV_CHECK_PASSED();
    each_expression("corners", check_cut);
}

RV_TEST(an_expression_that_is_too_deep_is_refused) {
    each_form(2, check_deep);
    RV_CHECK_PASSED();
    each_expression("corners", check_deep);
}

RV_TEST(an_expression_in_little_memory_means_the_same_or_is_refused) {
    each_form(USUAL_COUNT, check_in_little_memory);
    RV_CHECK_PASSED();
    each_expression("corners", check_in_little_memory);
}

RV_TEST(a_literal_in_little_memory_is_the_same_or_is_refused) {
    FILE *const file = open_vectors("literals");
    RV_CHECK(file != NULL);
    int count = 0;
    while (file != NULL && !rv_test_failed && read_fields(file)) {
        if (!take_setting() && line_is("literal") && count++ % 4 == 0) {
            check_literal(fields[1], bytes_of_hex(fields[2]));
        }
    }
    (void)fclose(file);
    RV_CHECK_PASSED();
    RV_CHECK(count > 300);
}

int main(void) {
    RV_RUN(a_wrong_operand_is_refused_in_every_form);
    RV_RUN(an_expression_that_is_cut_is_refused);
    RV_RUN(an_expression_that_is_too_deep_is_refused);
    RV_RUN(an_expression_in_little_memory_means_the_same_or_is_refused);
    RV_RUN(a_literal_in_little_memory_is_the_same_or_is_refused);
    return rv_test_done();
}
