/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/value_json.h"

#include "core/base/assert.h"
#include "core/model/array.h"
#include "core/model/value_text.h"

static bool takes_numbers(rv_type_kind kind) {
    RV_STATIC_ASSERT(RV_TYPE_SMALLINT == 0 && RV_TYPE_NUMERIC == 5, "numeric kinds come first");
    return kind <= RV_TYPE_NUMERIC;
}

static rv_status refuse_kind(const rv_type *type, rv_json_kind kind, rv_bytes what, rv_error *err) {
    RV_ASSERT(kind != RV_JSON_STRING && kind != RV_JSON_NULL);
    uint8_t name[RV_NAME_LEN_MAX + 16];
    rv_writer w = rv_writer_over(name, sizeof name);
    rv_type_write(type, &w);
    const rv_bytes type_name = rv_writer_bytes(&w);
    const char *const met = kind == RV_JSON_NUMBER         ? "a number"
                            : kind == RV_JSON_OBJECT_BEGIN ? "an object"
                            : kind == RV_JSON_ARRAY_BEGIN  ? "an array"
                                                           : "a boolean";
    (void)rv_error_set(err, RV_VALUE_INVALID,
                       "field `%b` is of type %b, and cannot be given as %s: give its text form",
                       &what, &type_name, met);
    rv_error_fact_text(err, "field", what);
    rv_error_fact_text(err, "value_type", type_name);
    rv_error_fact_text(err, "met", rv_bytes_of_string(met));
    return RV_VALUE_INVALID;
}

rv_status rv_scalar_from_json(const rv_type *type, rv_json *json, const rv_json_token *token,
                              rv_bytes what, rv_arena *scratch, rv_value *value, rv_error *err) {
    RV_ASSERT(json != NULL && token->kind != RV_JSON_END);
    if (token->kind == RV_JSON_NULL) {
        *value = rv_value_null();
        return RV_OK;
    }
    if (type->kind == RV_TYPE_JSON || type->kind == RV_TYPE_JSONB) {
        rv_bytes whole; /* a string too is the JSON that it is */
        const rv_status status = rv_json_skip(json, token, &whole, err);
        return status == RV_OK ? rv_scalar_from_text(type, whole, what, scratch, value, err)
                               : status;
    }
    const bool number = token->kind == RV_JSON_NUMBER && takes_numbers(type->kind);
    if (token->kind == RV_JSON_STRING || number) {
        return rv_scalar_from_text(type, token->text, what, scratch, value, err);
    }
    const bool boolean = token->kind == RV_JSON_TRUE || token->kind == RV_JSON_FALSE;
    if (boolean && type->kind == RV_TYPE_BOOLEAN) {
        *value = rv_value_int(token->kind == RV_JSON_TRUE);
        return RV_OK;
    }
    return refuse_kind(type, token->kind, what, err);
}

rv_status rv_value_from_json(const rv_type *type, rv_json *json, const rv_json_token *token,
                             rv_bytes what, rv_arena *scratch, rv_value *value, rv_error *err) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    if (type->kind != RV_TYPE_ARRAY || token->kind == RV_JSON_NULL) {
        return rv_scalar_from_json(type, json, token, what, scratch, value, err);
    }
    if (token->kind == RV_JSON_ARRAY_BEGIN) {
        return rv_array_from_json(type, json, what, scratch, value, err);
    }
    return token->kind == RV_JSON_STRING
               ? rv_array_from_text(type, token->text, what, scratch, value, err)
               : refuse_kind(type, token->kind, what, err);
}

void rv_json_quote_numbers(rv_bytes json, rv_writer *w) {
    rv_json parser = rv_json_over(json, NULL);
    rv_json_token token = {.kind = RV_JSON_NULL};
    size_t written = 0;
    rv_status status = rv_json_next(&parser, &token, NULL);
    while (status == RV_OK && token.kind != RV_JSON_END) {
        if (token.kind == RV_JSON_NUMBER) {
            rv_write(w, rv_bytes_of(json.ptr + written, token.offset - written));
            rv_write_json_string(w, token.text);
            written = token.offset + token.text.len;
        }
        status = rv_json_next(&parser, &token, NULL);
    }
    RV_ASSERT(written <= json.len);
    rv_write(w, rv_bytes_from(json, written));
}
