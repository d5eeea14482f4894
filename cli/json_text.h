/* SPDX-License-Identifier: Apache-2.0 */
/* Small readings of JSON that a node answered. The node writes it, so what does not parse is shown
 * as nothing rather than explained. */
#ifndef RV_CLI_JSON_TEXT_H
#define RV_CLI_JSON_TEXT_H

#include "cli/table.h"
#include "core/model/json.h"

/* The value of a top-level member, as written; a string without its quotes and not unescaped.
 * False, and empty, when there is none. */
bool rv_json_text_member(rv_bytes object, const char *name, rv_bytes *value);

/* Adds a value as a table's cell: strings unescaped, the rest as written. `token` is its first and
 * has been read; false when the JSON is malformed. */
bool rv_json_text_cell(rv_json *json, const rv_json_token *token, rv_table *table);

/* A value for people: an array's texts between commas, a problem as `code: detail`, null as
 * nothing, a string without its quotes and escapes, anything else as written. */
void rv_json_text_plain(rv_bytes value, rv_cli_buffer *text);

/* Prints an object's members as lines `name  value`, those of objects in it as `name.member`;
 * tables in those are left out. The members that `first` names come first. */
void rv_json_text_print(rv_bytes object, const char *const *first, size_t first_count);

#endif
