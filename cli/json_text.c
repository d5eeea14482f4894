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

void rv_json_text_print(rv_bytes object) {
    static uint8_t memory[65536];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_json json = rv_json_over(object, &scratch);
    rv_json_token token;
    rv_error err;
    rv_bytes outer = {0};
    unsigned depth = 0;
    rv_table table = {0};
    rv_table_add_column(&table, RV_LITERAL("status"), false);
    rv_table_add_column(&table, RV_LITERAL("value"), false);
    rv_status status = rv_json_next(&json, &token, &err);
    while (status == RV_OK && rv_json_next(&json, &token, &err) == RV_OK) {
        if (token.kind == RV_JSON_OBJECT_END && depth > 0) {
            depth -= 1;
            continue;
        }
        if (token.kind != RV_JSON_KEY) {
            break;
        }
        const rv_bytes key = token.text;
        status = rv_json_next(&json, &token, &err);
        if (status == RV_OK && token.kind == RV_JSON_OBJECT_BEGIN && depth == 0) {
            outer = key;
            depth = 1;
            continue;
        }
        rv_cli_buffer name = {0};
        if (depth > 0) {
            rv_cli_buffer_add(&name, outer);
            rv_cli_buffer_add_text(&name, ".");
        }
        rv_cli_buffer_add(&name, key);
        rv_table_add_cell(&table, rv_cli_buffer_bytes(&name));
        rv_cli_buffer_free(&name);
        if (status != RV_OK || !rv_json_text_cell(&json, &token, &table)) {
            rv_table_add_cell(&table, (rv_bytes){0});
            break;
        }
    }
    rv_table_flush(&table, true);
    rv_table_free(&table);
}
