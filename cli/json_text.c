/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json_text.h"

#include <stdio.h>

bool rv_json_text_member(rv_bytes object, const char *name, rv_bytes *value) {
    RV_ASSERT(name != NULL);
    rv_json json = rv_json_over(object, NULL);
    rv_json_token token;
    rv_error err;
    *value = (rv_bytes){0};
    rv_status status = rv_json_next(&json, &token, &err); /* the opening brace */
    while (status == RV_OK && rv_json_next(&json, &token, &err) == RV_OK &&
           token.kind == RV_JSON_KEY) {
        const bool found = rv_bytes_are(token.text, name);
        rv_bytes whole;
        status = rv_json_next(&json, &token, &err);
        if (status != RV_OK || rv_json_skip(&json, &token, &whole, &err) != RV_OK) {
            return false;
        }
        if (found) {
            *value = token.kind == RV_JSON_STRING ? token.text : whole;
            return true;
        }
    }
    return false;
}

bool rv_json_text_cell(rv_json *json, const rv_json_token *token, rv_table *table) {
    RV_ASSERT(table != NULL);
    rv_bytes whole = token->text;
    rv_error err;
    const bool nested = token->kind == RV_JSON_OBJECT_BEGIN || token->kind == RV_JSON_ARRAY_BEGIN;
    if (nested && rv_json_skip(json, token, &whole, &err) != RV_OK) {
        return false;
    }
    rv_table_add_cell(table, whole);
    return true;
}

/* The next member of an object: its name, its value as written, and the value's first token. */
static bool next_member(rv_json *json, rv_bytes *name, rv_bytes *value, rv_json_token *first) {
    rv_json_token key;
    rv_error err;
    if (rv_json_next(json, &key, &err) != RV_OK || key.kind != RV_JSON_KEY) {
        return false;
    }
    *name = key.text;
    return rv_json_next(json, first, &err) == RV_OK &&
           rv_json_skip(json, first, value, &err) == RV_OK;
}

/* The value of a member as written; false: there is none. */
static bool find_member(rv_bytes object, const char *name, rv_bytes *value) {
    rv_json json = rv_json_over(object, NULL);
    rv_json_token first;
    rv_bytes at;
    rv_error err;
    const rv_status status = rv_json_next(&json, &first, &err); /* the brace */
    while (status == RV_OK && next_member(&json, &at, value, &first)) {
        if (rv_bytes_are(at, name)) {
            return true;
        }
    }
    return false;
}

/* A string without its quotes and escapes; anything else as written. */
static void add_scalar(rv_bytes value, rv_cli_buffer *text) {
    static uint8_t memory[16384];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_json json = rv_json_over(value, &scratch);
    rv_json_token token;
    rv_error err;
    const bool string = rv_json_next(&json, &token, &err) == RV_OK && token.kind == RV_JSON_STRING;
    rv_cli_buffer_add(text, string ? token.text : value);
}

/* The texts of an array, between commas. False: it has something else, too. */
static bool add_texts(rv_bytes array, rv_cli_buffer *text) {
    rv_json json = rv_json_over(array, NULL);
    rv_json_token token;
    rv_bytes value;
    rv_error err;
    rv_status status = rv_json_next(&json, &token, &err); /* the bracket */
    RV_ASSERT(text != NULL);
    while (status == RV_OK && (status = rv_json_next(&json, &token, &err)) == RV_OK &&
           token.kind == RV_JSON_STRING) {
        status = rv_json_skip(&json, &token, &value, &err);
        rv_cli_buffer_add_text(text, text->len > 0 ? ", " : "");
        add_scalar(value, text);
    }
    return status == RV_OK && token.kind == RV_JSON_ARRAY_END;
}

void rv_json_text_plain(rv_bytes value, rv_cli_buffer *text) {
    RV_ASSERT(text->len == 0);
    const bool object = value.len > 0 && value.ptr[0] == '{';
    rv_bytes code;
    rv_bytes detail;
    if (rv_bytes_are(value, "null") ||
        (value.len > 0 && value.ptr[0] == '[' && add_texts(value, text))) {
        return;
    }
    text->len = 0;
    if (object && find_member(value, "code", &code) && find_member(value, "detail", &detail)) {
        add_scalar(code, text);
        rv_cli_buffer_add_text(text, ": ");
        add_scalar(detail, text);
    } else {
        add_scalar(value, text);
    }
}

/* A line of the table: `outer.name  value`. */
static void add_line(rv_table *table, rv_bytes outer, rv_bytes name, rv_bytes value) {
    rv_cli_buffer left = {0};
    rv_cli_buffer right = {0};
    RV_ASSERT(name.len > 0);
    rv_cli_buffer_add(&left, outer);
    rv_cli_buffer_add_text(&left, outer.len > 0 ? "." : "");
    rv_cli_buffer_add(&left, name);
    rv_json_text_plain(value, &right);
    rv_table_add_cell(table, rv_cli_buffer_bytes(&left));
    rv_table_add_cell(table, rv_cli_buffer_bytes(&right));
    rv_cli_buffer_free(&left);
    rv_cli_buffer_free(&right);
}

/* An object of objects, or of nothing. */
static bool is_table(rv_bytes object) {
    rv_json json = rv_json_over(object, NULL);
    rv_bytes name;
    rv_bytes value;
    rv_json_token first;
    rv_error err;
    bool holds = false;
    bool empty = true;
    const rv_status status = rv_json_next(&json, &first, &err); /* the brace */
    RV_ASSERT(object.len > 0);
    while (status == RV_OK && !holds && next_member(&json, &name, &value, &first)) {
        holds = first.kind == RV_JSON_OBJECT_BEGIN;
        empty = false;
    }
    return holds || empty;
}

/* A member, or those of an object that it is, but for objects of objects in it: they are tables of
 * their own, which --json has. */
static void add_member(rv_table *table, rv_bytes name, rv_bytes value) {
    rv_bytes code;
    rv_bytes inner;
    rv_bytes inner_value;
    rv_json_token first;
    rv_error err;
    RV_ASSERT(table != NULL);
    if (value.len == 0 || value.ptr[0] != '{' || find_member(value, "code", &code)) {
        add_line(table, (rv_bytes){0}, name, value);
        return;
    }
    rv_json json = rv_json_over(value, NULL);
    rv_status status = rv_json_next(&json, &first, &err); /* the brace */
    while (status == RV_OK && next_member(&json, &inner, &inner_value, &first)) {
        const bool table_of_its_own = first.kind == RV_JSON_OBJECT_BEGIN &&
                                      !find_member(inner_value, "code", &code) &&
                                      is_table(inner_value);
        if (!table_of_its_own) {
            add_line(table, name, inner, inner_value);
        }
    }
}

static bool is_among(rv_bytes name, const char *const *names, size_t count) {
    bool among = false;
    for (size_t i = 0; i < count; i++) {
        among = among || rv_bytes_are(name, names[i]);
    }
    return among;
}

void rv_json_text_print(rv_bytes object, const char *const *first, size_t first_count) {
    rv_table table = {0};
    rv_bytes name;
    rv_bytes value;
    rv_json_token token;
    rv_error err;
    rv_table_add_column(&table, RV_LITERAL("name"), false);
    rv_table_add_column(&table, RV_LITERAL("value"), false);
    for (size_t pass = 0; pass <= first_count; pass++) {
        rv_json json = rv_json_over(object, NULL);
        const rv_status status = rv_json_next(&json, &token, &err); /* the brace */
        while (status == RV_OK && next_member(&json, &name, &value, &token)) {
            if (pass < first_count ? rv_bytes_are(name, first[pass])
                                   : !is_among(name, first, first_count)) {
                add_member(&table, name, value);
            }
        }
    }
    rv_table_flush(&table, true);
    rv_table_free(&table);
}
