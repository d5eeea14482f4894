/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: no expression makes the compiler or the evaluator misbehave, and its canonical text means
 * what it means. Method: the input is a seed and an expression; it is compiled over a slot of every
 * type and evaluated over several rows that the seed makes; then its canonical text is compiled and
 * must give the same text, type and results. The same text goes through a CHECK of a schema.
 */
#include "core/model/schema.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_values.h"

#define ROWS 4

static uint8_t memory[(size_t)2 << 20];
static uint8_t row_memory[(size_t)64 << 10];
static uint8_t scratch_memory[(size_t)64 << 10];
static uint8_t again_memory[(size_t)64 << 10];
static rv_expr_name names[FUZZ_TYPES_MAX];
static rv_value row[FUZZ_TYPES_MAX];

static const char *const names_text[] = {"a",  "b",  "c",  "d",  "e",  "f",  "g",  "h",  "i",
                                         "j",  "k",  "l",  "m",  "n",  "o",  "p",  "q",  "r",
                                         "s",  "t",  "u",  "v",  "w",  "x",  "y",  "z",  "aa",
                                         "ab", "ac", "ad", "ae", "af", "ag", "ah", "ai", "aj"};

static rv_expr_scope make_scope(void) {
    const size_t known = sizeof names_text / sizeof names_text[0];
    const size_t count = fuzz_type_count() < known ? fuzz_type_count() : known;
    for (uint32_t i = 0; i < count; i++) {
        names[i] = (rv_expr_name){.qualifier = RV_LITERAL("row"),
                                  .name = rv_bytes_of_string(names_text[i]),
                                  .type = fuzz_type(i),
                                  .slot = i};
    }
    return (rv_expr_scope){names, count, fuzz_enums, 1};
}

static rv_status compile(rv_bytes text, const rv_expr_scope *scope, rv_arena *arena,
                         rv_expr *expr) {
    rv_lexer lexer;
    rv_error err = {.status = RV_OK};
    rv_status status = rv_lexer_start(&lexer, text, arena, &err);
    if (status == RV_OK) {
        status = rv_expr_compile(&lexer, scope, NULL, arena, expr, &err);
    }
    FUZZ_CHECK(status == err.status);
    if (status == RV_OK && lexer.token.kind != RV_TOKEN_END) {
        status = RV_SCHEMA_SYNTAX;
    }
    return status;
}

static void evaluate(const rv_expr *expr, const rv_expr *again) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_arena scratch_again = rv_arena_over(again_memory, sizeof again_memory);
    const rv_expr_env env = {row, INT64_C(820540800000000), &scratch};
    const rv_expr_env env_again = {row, INT64_C(820540800000000), &scratch_again};
    rv_value value, value_again;
    rv_error err = {.status = RV_OK};
    const rv_status status = rv_expr_eval(expr, &env, &value, &err);
    FUZZ_CHECK(status == err.status);
    FUZZ_CHECK(rv_expr_eval(again, &env_again, &value_again, NULL) == status);
    if (status == RV_OK && !rv_value_is_null(&value)) {
        FUZZ_CHECK(!expr->null_type && value.class_ == rv_type_class(&expr->type));
        FUZZ_CHECK(rv_value_compare(&expr->type, &value, &value_again) == 0);
    } else if (status == RV_OK) {
        FUZZ_CHECK(rv_value_is_null(&value_again));
    }
}

static void check_expression(uint64_t seed, rv_bytes text) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    const rv_expr_scope scope = make_scope();
    rv_expr expr, again;
    if (compile(text, &scope, &arena, &expr) != RV_OK) {
        return;
    }
    FUZZ_CHECK(expr.depth_max <= RV_EXPR_DEPTH_MAX);
    FUZZ_CHECK(compile(expr.source, &scope, &arena, &again) == RV_OK);
    FUZZ_CHECK(rv_bytes_equal(again.source, expr.source));
    FUZZ_CHECK(again.null_type == expr.null_type && again.type.kind == expr.type.kind);
    FUZZ_CHECK(again.step_count == expr.step_count);
    for (int i = 0; i < ROWS; i++) {
        rv_arena values = rv_arena_over(row_memory, sizeof row_memory);
        for (uint32_t slot = 0; slot < scope.count; slot++) {
            const rv_type type = fuzz_type(slot);
            row[slot] = fuzz_value(&type, &seed, &values);
        }
        evaluate(&expr, &again);
    }
}

/* As a CHECK, in text that a schema prints and takes again. */
static void check_in_schema(rv_bytes text) {
    static uint8_t schema_text[(size_t)64 << 10];
    rv_writer w = rv_writer_over(schema_text, sizeof schema_text);
    rv_write_text(&w, "CREATE AGGREGATE row (a bigint PRIMARY KEY, b text, c numeric(12,2), d "
                      "boolean, e timestamptz, f double precision CHECK (");
    rv_write(&w, text);
    rv_write_text(&w, "))");
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_schema *schema = NULL;
    FUZZ_CHECK(rv_schema_create(&schema, &arena, NULL) == RV_OK);
    const rv_status status = rv_schema_apply(schema, rv_writer_bytes(&w), NULL);
    FUZZ_CHECK(rv_schema_version(schema) == (status == RV_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rv_bytes input = rv_bytes_of(data, size);
    const uint64_t seed = fuzz_take_u16(&input);
    check_expression(seed, input);
    check_in_schema(input);
    return 0;
}
