/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rivulet's side of the comparison with PostgreSQL: reads values and evaluates expressions, a line
 * in, a line out. Fields of a line are separated by tabs; text that may hold anything is in
 * hexadecimal.
 *
 *     enum        NAME  LABEL…           a type that later lines may name; labels in hexadecimal
 *     row                                forgets the columns
 *     column      NAME  TYPE  TEXT|null  a column of the row and its value
 *     literal     TYPE  TEXT             reads a value of the type
 *     expression  TEXT                   evaluates over the row
 *
 * Each of the last two is answered: `ok TYPE JSON TEXT` (the last two in hexadecimal; `null` for
 * NULL), or `error CODE DETAIL`. All else is answered only when it is wrong, and ends the program.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/assert.h"
#include "core/model/expr.h"
#include "core/model/type.h"

#define LINE_MAX_LEN (8u << 20)
#define FIELDS_MAX   64u
#define COLUMNS_MAX  64u
#define ENUMS_MAX    8u
#define OUT_MAX      (16u << 20)

static char line[LINE_MAX_LEN];
static uint8_t out_memory[OUT_MAX];
static uint8_t keep_memory[8u << 20];     /* enums */
static uint8_t row_memory[8u << 20];      /* the row, until the next one */
static uint8_t scratch_memory[64u << 20]; /* a line */
static rv_arena keep;
static rv_arena row;
static rv_arena scratch;

static rv_bytes fields[FIELDS_MAX];
static size_t field_count;
static const rv_enum *enums[ENUMS_MAX];
static size_t enum_count;
static rv_expr_name names[COLUMNS_MAX];
static rv_value slots[COLUMNS_MAX];
static uint32_t column_count;

static void die(const char *why) {
    (void)fprintf(stderr, "oracle: %s\n", why);
    exit(1);
}

static int digit_of(uint8_t c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static rv_bytes from_hex(rv_bytes hex, rv_arena *arena) {
    uint8_t *bytes = rv_arena_take_raw(arena, hex.len / 2);
    if (bytes == NULL || hex.len % 2 != 0) {
        die("a field is not hexadecimal, or too long");
        return hex;
    }
    for (size_t i = 0; i < hex.len / 2; i++) {
        const int high = digit_of(hex.ptr[2 * i]);
        const int low = digit_of(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            die("a field is not hexadecimal");
        }
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return rv_bytes_of(bytes, hex.len / 2);
}

static void print_hex(rv_bytes bytes) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        (void)putchar(digits[bytes.ptr[i] >> 4]);
        (void)putchar(digits[bytes.ptr[i] & 15]);
    }
}

static void print_error(rv_status status, const rv_error *err) {
    (void)printf("error\t%s\t", rv_status_code(status));
    print_hex(rv_error_detail(err));
    (void)putchar('\n');
}

static void print_value(const rv_type *type, const rv_value *value) {
    rv_writer w = rv_writer_over(out_memory, sizeof out_memory);
    rv_type_write(type, &w);
    const size_t type_end = w.len;
    rv_value_to_json(type, value, &w);
    const size_t json_end = w.len;
    rv_value_to_text(type, value, &w);
    if (w.full) {
        die("a value is too long");
    }
    (void)printf("ok\t%.*s\t", (int)type_end, (const char *)out_memory);
    print_hex(rv_bytes_of(out_memory + type_end, json_end - type_end));
    (void)putchar('\t');
    if (rv_value_is_null(value)) {
        (void)fputs("null", stdout);
    }
    print_hex(rv_bytes_of(out_memory + json_end, w.len - json_end));
    (void)putchar('\n');
}

static rv_status parse_type(rv_bytes text, rv_arena *arena, rv_type *type, rv_error *err) {
    rv_lexer lexer;
    const rv_enum_list list = {enums, enum_count};
    const rv_status status = rv_lexer_start(&lexer, text, arena, err);
    return status == RV_OK ? rv_type_parse(&lexer, list, type, err) : status;
}

static void add_enum(void) {
    rv_bytes *labels = rv_arena_take(&keep, field_count * sizeof *labels);
    rv_enum *made = rv_arena_take(&keep, sizeof *made);
    if (labels == NULL || made == NULL || enum_count == ENUMS_MAX || field_count < 3) {
        die("an enum without labels, or too many");
        return;
    }
    for (size_t i = 2; i < field_count; i++) {
        labels[i - 2] = from_hex(fields[i], &keep);
    }
    *made = (rv_enum){rv_arena_copy(&keep, fields[1]), labels, (uint32_t)field_count - 2};
    enums[enum_count++] = made;
}

static void add_column(void) {
    if (field_count != 4 || column_count == COLUMNS_MAX) {
        die("a column has a name, a type and a value");
    }
    rv_error err = {0};
    rv_expr_name *name = &names[column_count];
    *name = (rv_expr_name){.name = rv_arena_copy(&row, fields[1]), .slot = column_count};
    rv_status status = parse_type(rv_arena_copy(&row, fields[2]), &row, &name->type, &err);
    rv_value value = rv_value_null();
    if (status == RV_OK && !rv_bytes_equal(fields[3], RV_LITERAL("null"))) {
        const rv_bytes text = from_hex(fields[3], &row);
        status = rv_value_from_text(&name->type, text, RV_LITERAL(""), &row, &value, &err);
    }
    if (status != RV_OK) {
        die(err.detail);
    }
    slots[column_count++] = value;
}

static void answer_literal(void) {
    if (field_count != 3) {
        die("a literal has a type and a text");
    }
    rv_error err = {0};
    rv_type type;
    rv_value value = rv_value_null();
    rv_status status = parse_type(fields[1], &scratch, &type, &err);
    if (status != RV_OK) {
        die(err.detail);
    }
    const rv_bytes text = from_hex(fields[2], &scratch);
    status = rv_value_from_text(&type, text, RV_LITERAL(""), &scratch, &value, &err);
    if (status == RV_OK) {
        print_value(&type, &value);
    } else {
        print_error(status, &err);
    }
}

static rv_status evaluate(rv_bytes text, rv_expr *expr, rv_value *value, rv_error *err) {
    const rv_expr_scope scope = {names, column_count, enums, enum_count};
    const rv_expr_env env = {.slots = slots, .now_us = 0, .scratch = &scratch};
    rv_lexer lexer;
    rv_status status = rv_lexer_start(&lexer, text, &scratch, err);
    if (status == RV_OK) {
        status = rv_expr_compile(&lexer, &scope, NULL, &scratch, expr, err);
    }
    if (status == RV_OK && lexer.token.kind != RV_TOKEN_END) {
        status = rv_lexer_error(&lexer, RV_SCHEMA_SYNTAX, "the end of the expression", err);
    }
    return status == RV_OK ? rv_expr_eval(expr, &env, value, err) : status;
}

static void answer_expression(void) {
    if (field_count != 2) {
        die("an expression has a text");
    }
    rv_error err = {0};
    rv_expr expr = {0};
    rv_value value = rv_value_null();
    const rv_status status = evaluate(from_hex(fields[1], &scratch), &expr, &value, &err);
    if (status == RV_OK) {
        print_value(&expr.type, &value);
    } else {
        print_error(status, &err);
    }
}

static void split(char *text) {
    const size_t len = strcspn(text, "\n");
    size_t start = 0;
    field_count = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != '\t') {
            continue;
        }
        if (field_count == FIELDS_MAX) {
            die("a line has too many fields");
        }
        fields[field_count++] = rv_bytes_of(text + start, i - start);
        start = i + 1;
    }
}

static void take_line(char *text) {
    split(text);
    rv_arena_reset(&scratch, 0);
    if (rv_bytes_equal(fields[0], RV_LITERAL("literal"))) {
        answer_literal();
    } else if (rv_bytes_equal(fields[0], RV_LITERAL("expression"))) {
        answer_expression();
    } else if (rv_bytes_equal(fields[0], RV_LITERAL("enum"))) {
        add_enum();
    } else if (rv_bytes_equal(fields[0], RV_LITERAL("column"))) {
        add_column();
    } else if (rv_bytes_equal(fields[0], RV_LITERAL("row"))) {
        column_count = 0;
        rv_arena_reset(&row, 0);
    } else {
        die("a line begins with none of the words");
    }
}

int main(void) {
    keep = rv_arena_over(keep_memory, sizeof keep_memory);
    row = rv_arena_over(row_memory, sizeof row_memory);
    scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    while (fgets(line, sizeof line, stdin) != NULL) {
        take_line(line);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
