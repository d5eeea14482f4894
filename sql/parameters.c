/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters: the elements of a JSON array become the values of `?`, `?N` and names, in order.
 *
 *     null -> NULL    true, false -> 1, 0    "text" -> TEXT
 *     12 -> INTEGER, exact to 64 bits        1.5, 1e3, and integers beyond -> the nearest REAL
 *
 *     {"bytea": "\\x00ff"} -> BLOB, which is what columns of bytea are
 *
 * There must be as many as the statement has. Other objects, and arrays, are refused: JSON goes in
 * as text.
 */
#include "sql/connection.h"

#include "core/model/json.h"

static rv_status bind_error(const rv_sql *sql, int rc, rv_error *err) {
    return rc == SQLITE_OK ? RV_OK : rv_sql_guard_error(sql, rc, err);
}

/* True when the number is written as an integer; a fraction or an exponent makes it a REAL. */
static bool written_as_integer(rv_bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        if (c == '.' || c == 'e' || c == 'E') {
            return false;
        }
    }
    return text.len > 0;
}

static rv_status bind_number(const rv_sql *sql, sqlite3_stmt *statement, int index, rv_bytes text,
                             rv_arena *scratch, rv_error *err) {
    static const rv_type bigint = {.kind = RV_TYPE_BIGINT};
    rv_value value;
    RV_ASSERT(index > 0);
    if (written_as_integer(text) && rv_value_from_text(&bigint, text, RV_LITERAL("parameter"),
                                                       scratch, &value, NULL) == RV_OK) {
        return bind_error(sql, sqlite3_bind_int64(statement, index, value.as.integer), err);
    }
    double real = 0;
    if (rv_float_parse(text, RV_FLOAT_DOUBLE, &real) != RV_FLOAT_OK) {
        rv_error_set(err, RV_PARAMETER_INVALID, "parameter %u is out of range: %b", (uint64_t)index,
                     &text);
        rv_error_fact_uint(err, "parameter", (uint64_t)index);
        return RV_PARAMETER_INVALID;
    }
    return bind_error(sql, sqlite3_bind_double(statement, index, real), err);
}

static rv_status refuse(int index, rv_error *err) {
    rv_error_set(err, RV_PARAMETER_INVALID,
                 "parameter %u is an array or object; pass its JSON as a string", (uint64_t)index);
    rv_error_fact_uint(err, "parameter", (uint64_t)index);
    return RV_PARAMETER_INVALID;
}

/* What is behind an opening brace. */
static rv_status bind_object(const rv_sql *sql, sqlite3_stmt *statement, int index, rv_json *json,
                             rv_error *err) {
    static const rv_type bytea = {.kind = RV_TYPE_BYTEA};
    rv_json_token key, text, end;
    rv_value value;
    rv_status status = rv_json_next(json, &key, err);
    RV_ASSERT(index > 0 && json->scratch != NULL);
    if (status == RV_OK && (key.kind != RV_JSON_KEY || !rv_bytes_are(key.text, "bytea"))) {
        return refuse(index, err);
    }
    status = status == RV_OK ? rv_json_next(json, &text, err) : status;
    status = status == RV_OK ? rv_json_next(json, &end, err) : status;
    if (status == RV_OK && (text.kind != RV_JSON_STRING || end.kind != RV_JSON_OBJECT_END)) {
        return refuse(index, err);
    }
    status = status == RV_OK ? rv_value_from_text(&bytea, text.text, RV_LITERAL("parameter"),
                                                  json->scratch, &value, err)
                             : status;
    if (status != RV_OK) {
        return status;
    }
    const void *const ptr = value.as.bytes.len == 0 ? "" : (const void *)value.as.bytes.ptr;
    return bind_error(
        sql, sqlite3_bind_blob64(statement, index, ptr, value.as.bytes.len, SQLITE_TRANSIENT), err);
}

static rv_status bind_one(const rv_sql *sql, sqlite3_stmt *statement, int index,
                          const rv_json_token *token, rv_json *json, rv_error *err) {
    RV_ASSERT(statement != NULL && token != NULL);
    switch (token->kind) {
    case RV_JSON_NULL:
        return bind_error(sql, sqlite3_bind_null(statement, index), err);
    case RV_JSON_TRUE:
    case RV_JSON_FALSE:
        return bind_error(sql, sqlite3_bind_int64(statement, index, token->kind == RV_JSON_TRUE),
                          err);
    case RV_JSON_NUMBER:
        return bind_number(sql, statement, index, token->text, json->scratch, err);
    case RV_JSON_STRING: {
        const char *text = token->text.ptr == NULL ? "" : (const char *)token->text.ptr;
        return bind_error(sql,
                          sqlite3_bind_text64(statement, index, text, token->text.len,
                                              SQLITE_TRANSIENT, SQLITE_UTF8),
                          err);
    }
    case RV_JSON_OBJECT_BEGIN:
        return bind_object(sql, statement, index, json, err);
    default:
        return refuse(index, err);
    }
}

static rv_status count_error(int expected, int met, rv_error *err) {
    rv_error_set(err, RV_PARAMETER_INVALID,
                 "the statement has %u parameters, and %s%u values were given", (uint64_t)expected,
                 met > expected ? "at least " : "", (uint64_t)met);
    rv_error_fact_uint(err, "expected", (uint64_t)expected);
    rv_error_fact_uint(err, "actual", (uint64_t)met);
    return RV_PARAMETER_INVALID;
}

static rv_status bind_array(const rv_sql *sql, sqlite3_stmt *statement, rv_json *json,
                            rv_error *err) {
    const int expected = sqlite3_bind_parameter_count(statement);
    rv_json_token token;
    rv_status status = rv_json_next(json, &token, err);
    if (status == RV_OK && token.kind != RV_JSON_ARRAY_BEGIN) {
        return rv_error_set(err, RV_PARAMETER_INVALID, "parameters come as a JSON array");
    }
    int met = 0;
    bool more = true;
    while (status == RV_OK && more) {
        status = rv_json_next(json, &token, err);
        more = status == RV_OK && token.kind != RV_JSON_ARRAY_END;
        if (more) {
            met += 1;
            status = met > expected ? count_error(expected, met, err)
                                    : bind_one(sql, statement, met, &token, json, err);
            rv_arena_reset(json->scratch, 0); /* SQLite has copied it */
        }
    }
    if (status == RV_OK) {
        status = rv_json_next(json, &token, err); /* nothing may follow */
    }
    if (status == RV_OK && met < expected) {
        status = count_error(expected, met, err);
    }
    return status;
}

rv_status rv_sql_parameters_bind(rv_sql *sql, sqlite3_stmt *statement, rv_bytes parameters,
                                 rv_error *err) {
    RV_ASSERT(sql != NULL && statement != NULL);
    if (parameters.len == 0) {
        const int expected = sqlite3_bind_parameter_count(statement);
        return expected == 0 ? RV_OK : count_error(expected, 0, err);
    }
    /* Room for one string or number at a time; SQLite copies what it is given. */
    const size_t size = parameters.len + 64;
    void *memory = sqlite3_malloc64(size);
    if (memory == NULL) {
        return rv_sql_guard_error(sql, SQLITE_NOMEM, err);
    }
    rv_arena scratch = rv_arena_over(memory, size);
    rv_json json = rv_json_over(parameters, &scratch);
    const rv_status status = bind_array(sql, statement, &json, err);
    sqlite3_free(memory);
    return status;
}
