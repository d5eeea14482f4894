/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: literals and expressions mean in every build what they mean to PostgreSQL 15. Method: what
 * a PostgreSQL answered to hundreds of each is in tests/vectors (their format:
 * tests/oracle/vectors.mjs); the values' JSON, or what a refusal is about, must be the same here.
 */
#include "core/model/expr.h"
#include "core/model/type.h"
#include "tests/unit/test.h"

#define FIELDS_MAX  32
#define COLUMNS_MAX 96

static uint8_t keep_memory[1 << 16];
static uint8_t row_memory[1 << 16];
static uint8_t scratch_memory[1 << 19];
static uint8_t out_memory[1 << 16];
static rv_arena keep;
static rv_arena row;

static char *fields[FIELDS_MAX];
static size_t field_count;
static rv_enum made_enum;
static rv_bytes labels[FIELDS_MAX];
static const rv_enum *const enums[] = {&made_enum};
static rv_expr_name names[COLUMNS_MAX];
static rv_value slots[COLUMNS_MAX];
static uint32_t column_count;

static FILE *open_vectors(const char *name) {
    char path[1024] = __FILE__;
    char *const tests = strstr(path, "tests/unit/");
    if (tests == NULL) {
        return NULL;
    }
    (void)snprintf(tests, 64, "tests/vectors/%s.txt", name);
    return fopen(path, "r");
}

static bool read_fields(FILE *file) {
    static char line[1 << 14];
    if (fgets(line, sizeof line, file) == NULL) {
        return false;
    }
    line[strcspn(line, "\n")] = 0;
    field_count = 0;
    for (char *at = line; at != NULL && field_count < FIELDS_MAX;) {
        fields[field_count++] = at;
        char *const tab = strchr(at, '\t');
        if (tab != NULL) {
            *tab = 0;
        }
        at = tab == NULL ? NULL : tab + 1;
    }
    return true;
}

static rv_bytes kept(const char *text, rv_arena *arena) {
    return rv_arena_copy(arena, rv_bytes_of_string(text));
}

static void take_enum(void) {
    for (size_t i = 2; i < field_count; i++) {
        labels[i - 2] = kept(fields[i], &keep);
    }
    made_enum = (rv_enum){kept(fields[1], &keep), labels, (uint32_t)field_count - 2};
}

static void read_type(const char *text, rv_arena *arena, rv_type *type) {
    rv_lexer lexer;
    rv_error err;
    RV_CHECK_STATUS(rv_lexer_start(&lexer, kept(text, arena), arena, &err), RV_OK);
    RV_CHECK_STATUS(rv_type_parse(&lexer, (rv_enum_list){enums, 1}, type, &err), RV_OK);
}

static void take_column(void) {
    rv_value value = rv_value_null();
    rv_error err;
    RV_CHECK(column_count < COLUMNS_MAX && field_count == 4);
    rv_expr_name *const name = &names[column_count];
    *name = (rv_expr_name){.name = kept(fields[1], &row), .slot = column_count};
    read_type(fields[2], &row, &name->type);
    if (strcmp(fields[3], "\\N") != 0) {
        RV_CHECK_STATUS(rv_value_from_text(&name->type, kept(fields[3], &row), RV_LITERAL(""), &row,
                                           &value, &err),
                        RV_OK);
    }
    slots[column_count++] = value;
}

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

static uint8_t digit_of(char c) {
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void check_literal(const char *type_text, const char *hex, const char *answer) {
    static uint8_t bytes[1 << 12];
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const size_t len = strlen(hex) / 2;
    RV_CHECK(len <= sizeof bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(digit_of(hex[2 * i]) * 16 + digit_of(hex[2 * i + 1]));
    }
    rv_type type = {.kind = RV_TYPE_TEXT};
    read_type(type_text, &scratch, &type);
    rv_value value = rv_value_null();
    rv_error err;
    const rv_status status =
        rv_value_from_text(&type, rv_bytes_of(bytes, len), RV_LITERAL(""), &scratch, &value, &err);
    check_answer(status, &type, &value, hex, answer);
}

/* Goes through a file of vectors, which has more answers than `least`. */
static void check_vectors(const char *name, int least) {
    FILE *const file = open_vectors(name);
    RV_CHECK(file != NULL);
    int count = 0;
    keep = rv_arena_over(keep_memory, sizeof keep_memory);
    while (file != NULL && read_fields(file)) {
        if (strcmp(fields[0], "enum") == 0) {
            take_enum();
        } else if (strcmp(fields[0], "row") == 0) {
            row = rv_arena_over(row_memory, sizeof row_memory);
            column_count = 0;
        } else if (strcmp(fields[0], "column") == 0) {
            take_column();
        } else if (strcmp(fields[0], "expression") == 0) {
            check_expression(fields[1], fields[2]);
            count++;
        } else if (strcmp(fields[0], "literal") == 0) {
            check_literal(fields[1], fields[2], fields[3]);
            count++;
        } else {
            RV_CHECK_EQ(fields[0][0], '#');
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
