/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as JSON. A result column that is a column of an aggregate (through subqueries, views of
 * WITH, joins) is shown in that column's type; every other value by SQLite's own:
 *
 *     NULL -> null    INTEGER, REAL -> numbers    TEXT -> "text"    BLOB -> "\\x…"
 *
 * A compound SELECT has the types of its first part, so a value may be none of its column's type:
 * then it too is shown by SQLite's type. Columns that are no column of an aggregate have the type
 * "any".
 *
 * Where the writer has numbers as text, columns of type numeric and bigint are strings, and any
 * other integer that a double may not hold is {"bigint":"…"}.
 */
#include "sql/cell.h"
#include "sql/connection.h"
#include "sql/wide.h"

#include "core/base/utf8.h"
#include "core/model/float.h"
#include "core/model/jsonb.h"
#include "core/model/value_json.h"

#include <limits.h>

/* Integers up to here are doubles, and so are all below: JavaScript's Number.MAX_SAFE_INTEGER. */
#define DOUBLE_EXACT_MAX INT64_C(9007199254740991)

static const rv_type type_bytea = {.kind = RV_TYPE_BYTEA};

/* Bytes of a TEXT or BLOB as they are: no conversion, so nothing can fail. */
static rv_bytes column_bytes(sqlite3_stmt *statement, int column) {
    const void *ptr = sqlite3_column_blob(statement, column);
    const int len = sqlite3_column_bytes(statement, column);
    RV_ASSERT(len >= 0);
    return rv_bytes_of(ptr, ptr == NULL ? 0 : (size_t)len);
}

static void write_bytea(rv_writer *w, rv_bytes bytes) {
    const rv_value value = rv_value_bytes(bytes);
    rv_value_to_json(&type_bytea, &value, w);
}

/* TEXT that is not UTF-8 (SQL can make some) is shown as the bytes it is. */
static void write_text(rv_writer *w, rv_bytes text) {
    if (rv_utf8_valid(text, NULL)) {
        rv_write_json_string(w, text);
    } else {
        write_bytea(w, text);
    }
}

static void write_integer(rv_writer *w, const rv_type *type, int64_t integer) {
    const bool truth = type != NULL && type->kind == RV_TYPE_BOOLEAN;
    if (truth && (integer == 0 || integer == 1)) {
        rv_write_text(w, integer == 1 ? "true" : "false");
        return;
    }
    if (!w->numbers_as_text) {
        rv_write_int(w, integer);
        return;
    }
    const bool declared =
        type != NULL && (type->kind == RV_TYPE_BIGINT || type->kind == RV_TYPE_NUMERIC);
    const bool exact = integer >= -DOUBLE_EXACT_MAX && integer <= DOUBLE_EXACT_MAX;
    rv_write_text(w, declared ? "\"" : exact ? "" : "{\"bigint\":\"");
    rv_write_int(w, integer);
    rv_write_text(w, declared ? "\"" : exact ? "" : "\"}");
}

/* True when a column of the type can hold the number. */
static bool is_float(const rv_type *type, double real) {
    double single = real;
    return type->kind == RV_TYPE_DOUBLE ||
           (type->kind == RV_TYPE_REAL && rv_float_to_single(&single) && single == real);
}

static void write_real(rv_writer *w, const rv_type *type, double real) {
    int64_t scaled = 0;
    if (type != NULL && rv_sql_form_of(type) == RV_SQL_DECIMAL &&
        rv_sql_decimal_of(real, type->scale, &scaled)) {
        const rv_value value = rv_value_int(scaled);
        rv_value_to_json(type, &value, w);
    } else {
        static const rv_type untyped = {.kind = RV_TYPE_DOUBLE};
        const bool declared = type != NULL && is_float(type, real);
        const rv_value value = rv_value_float(real);
        rv_value_to_json(declared ? type : &untyped, &value, w);
    }
}

/* True when the text is one JSON value. */
static bool is_json(rv_bytes text) {
    rv_json json = rv_json_over(text, NULL);
    rv_json_token token;
    rv_status status = RV_OK;
    size_t tokens = 0;
    do {
        status = rv_json_next(&json, &token, NULL);
        tokens += 1;
        RV_ASSERT(tokens <= text.len + 2);
    } while (status == RV_OK && token.kind != RV_JSON_END);
    return status == RV_OK;
}

/* Writes TEXT that is a number of the type as that; false: it is none, or one of more digits. */
static bool write_decimal(rv_writer *w, const rv_type *type, rv_bytes text) {
    uint8_t memory[64];
    uint8_t shown[64];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_writer same = rv_writer_over(shown, sizeof shown);
    rv_value value;
    RV_ASSERT(type->kind == RV_TYPE_NUMERIC && !rv_type_is_wide(type));
    if (rv_value_from_text(type, text, RV_LITERAL("column"), &scratch, &value, NULL) != RV_OK) {
        return false;
    }
    rv_value_to_text(type, &value, &same);
    RV_ASSERT(!same.full);
    if (text.len > INT_MAX ||
        rv_sql_wide_compare(NULL, (int)text.len, text.ptr, (int)same.len, shown) != 0) {
        return false;
    }
    rv_value_to_json(type, &value, w);
    return true;
}

static void write_typed_text(rv_writer *w, const rv_type *type, rv_bytes text) {
    RV_ASSERT(type != NULL);
    const bool array = type->kind == RV_TYPE_ARRAY;
    const bool json = array || type->kind == RV_TYPE_JSON || type->kind == RV_TYPE_JSONB;
    if (json && is_json(text)) {
        const bool quoted = array && w->numbers_as_text &&
                            (type->element == RV_TYPE_BIGINT || type->element == RV_TYPE_NUMERIC);
        if (quoted) {
            rv_json_quote_numbers(text, w);
        } else {
            rv_json_write_line(text, w);
        }
        return;
    }
    if (rv_sql_form_of(type) == RV_SQL_WIDE && !rv_type_is_wide(type) &&
        write_decimal(w, type, text)) {
        return;
    }
    const uint8_t first = text.len == 0 ? 0 : text.ptr[0];
    const bool begins = first == '-' || (first >= '0' && first <= '9');
    if (rv_type_is_wide(type) && begins && is_json(text)) {
        rv_write_text(w, w->numbers_as_text ? "\"" : ""); /* the cell's text is the number's */
        rv_write(w, text);
        rv_write_text(w, w->numbers_as_text ? "\"" : "");
        return;
    }
    write_text(w, text);
}

static void write_value(rv_writer *w, const rv_sql_query *query, int column) {
    const rv_type *type = query->types[column];
    sqlite3_stmt *statement = query->statement;
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
        rv_write_text(w, "null");
        break;
    case SQLITE_INTEGER:
        write_integer(w, type, sqlite3_column_int64(statement, column));
        break;
    case SQLITE_FLOAT:
        write_real(w, type, sqlite3_column_double(statement, column));
        break;
    case SQLITE_BLOB:
        write_bytea(w, column_bytes(statement, column));
        break;
    default:
        if (type == NULL) {
            write_text(w, column_bytes(statement, column));
        } else {
            write_typed_text(w, type, column_bytes(statement, column));
        }
        break;
    }
}

void rv_sql_row_to_json(const rv_sql_query *query, rv_writer *w) {
    RV_ASSERT(query != NULL && query->statement != NULL);
    RV_ASSERT(query->ended == RV_OK);
    if (query->explains) {
        rv_sql_explain_row(query, w);
        return;
    }
    rv_sql_context *previous = rv_sql_enter(&query->sql->context);
    rv_write_u8(w, '[');
    for (int column = 0; column < query->column_count && !w->full; column++) {
        if (column > 0) {
            rv_write_u8(w, ',');
        }
        write_value(w, query, column);
    }
    rv_write_u8(w, ']');
    rv_sql_leave(previous);
}

static void write_column(rv_writer *w, const rv_sql_query *query, int column) {
    const char *name = sqlite3_column_name(query->statement, column);
    const rv_type *type = query->types[column];
    rv_write_text(w, "{\"name\":");
    write_text(w, name == NULL ? RV_LITERAL("") : rv_bytes_of_string(name));
    rv_write_text(w, ",\"type\":");
    if (type == NULL) {
        rv_write_text(w, "\"any\"");
    } else {
        uint8_t memory[2 * RV_NAME_LEN_MAX + 64];
        rv_writer text = rv_writer_over(memory, sizeof memory);
        rv_type_write(type, &text);
        RV_ASSERT(!text.full);
        rv_write_json_string(w, rv_writer_bytes(&text));
    }
    rv_write_u8(w, '}');
}

void rv_sql_columns_to_json(const rv_sql_query *query, rv_writer *w) {
    RV_ASSERT(query != NULL && query->statement != NULL);
    RV_ASSERT(query->types != NULL);
    if (query->explains) {
        rv_sql_explain_columns(w);
        return;
    }
    rv_sql_context *previous = rv_sql_enter(&query->sql->context);
    rv_write_u8(w, '[');
    for (int column = 0; column < query->column_count && !w->full; column++) {
        if (column > 0) {
            rv_write_u8(w, ',');
        }
        write_column(w, query, column);
    }
    rv_write_u8(w, ']');
    rv_sql_leave(previous);
}
