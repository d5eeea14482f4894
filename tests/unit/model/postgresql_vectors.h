/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads tests/vectors: literals, and expressions over rows, with PostgreSQL's answers (the format:
 * tests/oracle/vectors.mjs). A line at a time; what a row and an enum say is kept until the next.
 */
#ifndef RV_TESTS_MODEL_POSTGRESQL_VECTORS_H
#define RV_TESTS_MODEL_POSTGRESQL_VECTORS_H

#include "core/model/expr.h"
#include "core/model/type.h"
#include "tests/unit/test.h"

#define FIELDS_MAX  32
#define COLUMNS_MAX 96

static uint8_t keep_memory[1 << 16];
static uint8_t row_memory[1 << 16];
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
    keep = rv_arena_over(keep_memory, sizeof keep_memory);
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

static bool line_is(const char *word) {
    return strcmp(fields[0], word) == 0;
}

/* Takes a line that asks nothing; false: it is none of those. */
static bool take_setting(void) {
    if (line_is("enum")) {
        take_enum();
    } else if (line_is("row")) {
        row = rv_arena_over(row_memory, sizeof row_memory);
        column_count = 0;
    } else if (line_is("column")) {
        take_column();
    } else {
        return fields[0][0] == '#';
    }
    return true;
}

static uint8_t digit_of(char c) {
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The bytes that a field has in hexadecimal, until the next. */
static rv_bytes bytes_of_hex(const char *hex) {
    static uint8_t bytes[1 << 12];
    const size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len && i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(digit_of(hex[2 * i]) * 16 + digit_of(hex[2 * i + 1]));
    }
    return rv_bytes_of(bytes, len < sizeof bytes ? len : sizeof bytes);
}

#endif
