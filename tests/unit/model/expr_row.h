/* SPDX-License-Identifier: Apache-2.0 */
/* A row of values of every type, and expressions over it: what the tests of expressions share. */
#ifndef RV_TESTS_MODEL_EXPR_ROW_H
#define RV_TESTS_MODEL_EXPR_ROW_H

#include "core/model/expr.h"
#include "tests/unit/test.h"

static uint8_t memory[1 << 18];
static uint8_t scratch_memory[1 << 14];

static const rv_bytes labels[] = {{(const uint8_t *)"free", 4}, {(const uint8_t *)"team", 4}};
static const rv_enum plan = {{(const uint8_t *)"plan", 4}, labels, 2};
static const rv_enum *const enums[] = {&plan};

#define NAME(text, kind_, size_, scale_, slot_)                                                    \
    {                                                                                              \
        {NULL, 0}, {(const uint8_t *)(text), sizeof(text) - 1},                                    \
            {.kind = RV_TYPE_##kind_, .size = size_, .scale = scale_}, slot_                       \
    }

static rv_expr_name names[] = {
    NAME("i", INTEGER, 0, 0, 0),       NAME("j", INTEGER, 0, 0, 1),
    NAME("z", INTEGER, 0, 0, 2),       NAME("n", INTEGER, 0, 0, 3),
    NAME("b", BIGINT, 0, 0, 4),        NAME("s", SMALLINT, 0, 0, 5),
    NAME("t", TEXT, 0, 0, 6),          NAME("v", VARCHAR, 10, 0, 7),
    NAME("c", CHAR, 5, 0, 8),          NAME("p", NUMERIC, 12, 2, 9),
    NAME("q", NUMERIC, 6, 3, 10),      NAME("y", BOOLEAN, 0, 0, 11),
    NAME("f", BOOLEAN, 0, 0, 12),      NAME("u", BOOLEAN, 0, 0, 13),
    NAME("d", DATE, 0, 0, 14),         NAME("ts", TIMESTAMPTZ, 0, 0, 15),
    NAME("tt", TIMESTAMP, 0, 0, 16),   NAME("e", ENUM, 0, 0, 17),
    NAME("g", UUID, 0, 0, 18),         NAME("x", BYTEA, 0, 0, 19),
    NAME("Odd \"name", TEXT, 0, 0, 6),
};

#define NAME_COUNT (sizeof names / sizeof names[0])

static const char *const row[] = {"7",
                                  "-3",
                                  "0",
                                  NULL,
                                  "9223372036854775807",
                                  "32767",
                                  "Hello",
                                  "abc",
                                  "ab",
                                  "12.50",
                                  "-0.125",
                                  "t",
                                  "f",
                                  NULL,
                                  "2024-02-29",
                                  "2024-02-29 12:00:00+00",
                                  "2024-02-29 12:00:00",
                                  "team",
                                  "00112233-4455-6677-8899-aabbccddeeff",
                                  "\\xdead",
                                  "Hello"};

static rv_value slots[NAME_COUNT];

static void set_row(rv_arena *arena) {
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (names[i].type.kind == RV_TYPE_ENUM) {
            names[i].type.labels = &plan;
        }
        names[i].qualifier = RV_LITERAL("r");
        rv_value value = rv_value_null();
        if (row[i] != NULL) {
            RV_CHECK_STATUS(rv_value_from_text(&names[i].type, rv_bytes_of_string(row[i]),
                                               names[i].name, arena, &value, NULL),
                            RV_OK);
        }
        slots[names[i].slot] = value;
    }
}

static const rv_expr_scope scope = {names, NAME_COUNT, enums, 1};

/* Compiles and evaluates; the result's text is in `out`. */
static rv_status run(const char *text, const rv_type *expected, rv_expr *expr, rv_writer *out,
                     rv_error *err) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_lexer lexer;
    set_row(&arena);
    rv_status status = rv_lexer_start(&lexer, rv_bytes_of_string(text), &arena, err);
    if (status == RV_OK) {
        status = rv_expr_compile(&lexer, &scope, expected, &arena, expr, err);
    }
    if (status != RV_OK) {
        return status;
    }
    if (lexer.token.kind != RV_TOKEN_END) {
        return rv_lexer_error(&lexer, RV_SCHEMA_SYNTAX, "the end", err);
    }
    const rv_expr_env env = {slots, INT64_C(820540800000000), &scratch}; /* 2026-01-01 */
    rv_value value;
    status = rv_expr_eval(expr, &env, &value, err);
    if (status == RV_OK && rv_value_is_null(&value)) {
        rv_write_text(out, "NULL");
    } else if (status == RV_OK) {
        rv_value_to_text(&expr->type, &value, out);
    }
    return status;
}

#endif
