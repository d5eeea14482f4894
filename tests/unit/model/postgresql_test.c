/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: literals and expressions mean in every build what they mean to PostgreSQL 15. Method: what
 * a PostgreSQL answered to hundreds of each is in tests/vectors (their format:
 * tests/oracle/vectors.mjs); the values' JSON, or what a refusal is about, must be the same here.
 */
#include "tests/unit/model/postgresql_vectors.h"

static uint8_t scratch_memory[1 << 19];
static uint8_t out_memory[1 << 16];

/* What a refusal is about, as the vectors say it. */
static const char *class_of(rv_status status) {
    switch (status) {
    case RV_VALUE_INVALID:
        return "!invalid";
    case RV_VALUE_OUT_OF_RANGE:
        return "!range";
    case RV_VALUE_TOO_LONG:
        return "!long";
    case RV_DIVISION_BY_ZERO:
        return "!zero";
    case RV_SCHEMA_SYNTAX:
    case RV_SCHEMA_UNKNOWN_NAME:
    case RV_EXPRESSION_TYPE:
        return "!meaning";
    default:
        return rv_status_code(status);
    }
}

static void check_answer(rv_status status, const rv_type *type, const rv_value *value,
                         const char *asked, const char *answer) {
    rv_writer w = rv_writer_over(out_memory, sizeof out_memory);
    if (status == RV_OK) {
        rv_value_to_json(type, value, &w);
    } else {
        rv_write_text(&w, class_of(status));
    }
    RV_CHECK(!w.full);
    if (!rv_bytes_are(rv_writer_bytes(&w), answer)) {
        fprintf(stderr, "`%s`\n", asked);
    }
    RV_CHECK_TEXT(rv_writer_bytes(&w), answer);
}

static void check_expression(const char *text, const char *answer) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const rv_expr_scope scope = {names, column_count, enums, 1};
    const rv_expr_env env = {.slots = slots, .now_us = 0, .scratch = &scratch};
    rv_expr expr = {0};
    rv_value value = rv_value_null();
    rv_error err;
    rv_lexer lexer;
    rv_status status = rv_lexer_start(&lexer, rv_bytes_of_string(text), &scratch, &err);
    if (status == RV_OK) {
        status = rv_expr_compile(&lexer, &scope, NULL, &scratch, &expr, &err);
    }
    if (status == RV_OK) {
        RV_CHECK_EQ(lexer.token.kind, RV_TOKEN_END);
        status = rv_expr_eval(&expr, &env, &value, &err);
    }
    check_answer(status, &expr.type, &value, text, answer);
}

static void check_literal(const char *type_text, const char *hex, const char *answer) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_type type = {.kind = RV_TYPE_TEXT};
    read_type(type_text, &scratch, &type);
    rv_value value = rv_value_null();
    rv_error err;
    const rv_status status =
        rv_value_from_text(&type, bytes_of_hex(hex), RV_LITERAL(""), &scratch, &value, &err);
    check_answer(status, &type, &value, hex, answer);
}

/* Goes through a file of vectors, which has more answers than `least`. */
static void check_vectors(const char *name, int least) {
    FILE *const file = open_vectors(name);
    RV_CHECK(file != NULL);
    int count = 0;
    while (file != NULL && read_fields(file)) {
        if (take_setting()) {
            continue;
        }
        if (line_is("expression")) {
            check_expression(fields[1], fields[2]);
            count++;
        } else {
            RV_CHECK(line_is("literal"));
            check_literal(fields[1], fields[2], fields[3]);
            count++;
        }
    }
    (void)fclose(file);
    RV_CHECK(count > least);
}

RV_TEST(literals_are_what_they_are_to_postgresql) {
    check_vectors("literals", 300);
}

RV_TEST(expressions_are_what_they_are_to_postgresql) {
    check_vectors("expressions", 300);
}

RV_TEST(corners_are_what_they_are_to_postgresql) {
    check_vectors("corners", 200);
}

int main(void) {
    RV_RUN(literals_are_what_they_are_to_postgresql);
    RV_RUN(expressions_are_what_they_are_to_postgresql);
    RV_RUN(corners_are_what_they_are_to_postgresql);
    return rv_test_done();
}
