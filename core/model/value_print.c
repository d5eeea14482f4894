/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as text and as JSON. JSON is what PostgreSQL's to_json gives: numbers for the numeric
 * kinds, true and false, strings for the rest; only dates and times look different from their SQL
 * text.
 */
#include "core/base/assert.h"
#include "core/model/array.h"
#include "core/model/float.h"
#include "core/model/interval.h"
#include "core/model/jsonb.h"
#include "core/model/value_numeric.h"
#include "core/model/value_text.h"
#include "core/model/value_time.h"

static rv_bytes label_of(const rv_type *type, int64_t ordinal) {
    RV_ASSERT(type->labels != NULL);
    RV_ASSERT(ordinal >= 0 && ordinal < (int64_t)type->labels->label_count);
    return type->labels->labels[ordinal];
}

static void write_hex_text(rv_bytes bytes, const char *start, rv_writer *w) {
    RV_ASSERT(start != NULL && w != NULL);
    rv_write_text(w, start);
    rv_write_hex(w, bytes);
}

void rv_scalar_to_text(const rv_type *type, const rv_value *value, rv_writer *w) {
    if (rv_value_is_null(value)) {
        return;
    }
    RV_ASSERT(rv_type_supported(type));
    RV_ASSERT(value->class_ == rv_type_class(type));
    switch (type->kind) {
    case RV_TYPE_SMALLINT:
    case RV_TYPE_INTEGER:
    case RV_TYPE_BIGINT:
        rv_write_int(w, value->as.integer);
        break;
    case RV_TYPE_NUMERIC:
        rv_numeric_write(type, value, w);
        break;
    case RV_TYPE_REAL:
    case RV_TYPE_DOUBLE:
        rv_float_write(value->as.real, rv_float_width_of(type->kind), w);
        break;
    case RV_TYPE_BOOLEAN:
        rv_write_text(w, value->as.integer != 0 ? "t" : "f");
        break;
    case RV_TYPE_ENUM:
        rv_write(w, label_of(type, value->as.integer));
        break;
    case RV_TYPE_UUID:
        RV_ASSERT(value->as.bytes.len == 16);
        rv_write_uuid(w, value->as.bytes.ptr);
        break;
    case RV_TYPE_INTERVAL:
        rv_interval_write(rv_interval_load(value->as.bytes), w);
        break;
    case RV_TYPE_BYTEA:
        write_hex_text(value->as.bytes, "\\x", w);
        break;
    case RV_TYPE_CHAR:
    case RV_TYPE_VARCHAR:
    case RV_TYPE_TEXT:
    case RV_TYPE_JSON:
    case RV_TYPE_JSONB:
        rv_write(w, value->as.bytes);
        break;
    default:
        rv_time_write(type->kind, value->as.integer, false, w);
        break;
    }
}

void rv_scalar_to_json(const rv_type *type, const rv_value *value, rv_writer *w) {
    if (rv_value_is_null(value)) {
        rv_write_text(w, "null");
        return;
    }
    RV_ASSERT(rv_type_supported(type));
    RV_ASSERT(value->class_ == rv_type_class(type));
    switch (type->kind) {
    case RV_TYPE_SMALLINT:
    case RV_TYPE_INTEGER:
        rv_scalar_to_text(type, value, w);
        break;
    case RV_TYPE_BIGINT:
    case RV_TYPE_NUMERIC: {
        const bool number = type->kind == RV_TYPE_BIGINT || rv_numeric_is_finite(value);
        const char *const quote = w->numbers_as_text || !number ? "\"" : "";
        rv_write_text(w, quote);
        rv_scalar_to_text(type, value, w);
        rv_write_text(w, quote);
        break;
    }
    case RV_TYPE_REAL:
    case RV_TYPE_DOUBLE: { /* JSON has no other numbers: NaN and the infinities are strings */
        const char *const quote = rv_float_is_finite(value->as.real) ? "" : "\"";
        rv_write_text(w, quote);
        rv_scalar_to_text(type, value, w);
        rv_write_text(w, quote);
        break;
    }
    case RV_TYPE_BOOLEAN:
        rv_write_text(w, value->as.integer != 0 ? "true" : "false");
        break;
    case RV_TYPE_ENUM:
        rv_write_json_string(w, label_of(type, value->as.integer));
        break;
    case RV_TYPE_CHAR:
    case RV_TYPE_VARCHAR:
    case RV_TYPE_TEXT:
        rv_write_json_string(w, value->as.bytes);
        break;
    case RV_TYPE_JSON:
    case RV_TYPE_JSONB:
        rv_json_write_line(value->as.bytes, w);
        break;
    case RV_TYPE_BYTEA:
        write_hex_text(value->as.bytes, "\"\\\\x", w);
        rv_write_u8(w, '"');
        break;
    case RV_TYPE_UUID:
    case RV_TYPE_INTERVAL:
        rv_write_u8(w, '"');
        rv_scalar_to_text(type, value, w);
        rv_write_u8(w, '"');
        break;
    default:
        rv_write_u8(w, '"');
        rv_time_write(type->kind, value->as.integer, true, w);
        rv_write_u8(w, '"');
        break;
    }
}

void rv_value_to_text(const rv_type *type, const rv_value *value, rv_writer *w) {
    if (type->kind == RV_TYPE_ARRAY && !rv_value_is_null(value)) {
        rv_array_to_text(type, value->as.bytes, w);
    } else {
        rv_scalar_to_text(type, value, w);
    }
}

void rv_value_to_json(const rv_type *type, const rv_value *value, rv_writer *w) {
    if (type->kind == RV_TYPE_ARRAY && !rv_value_is_null(value)) {
        rv_array_to_json(type, value->as.bytes, w);
    } else {
        rv_scalar_to_json(type, value, w);
    }
}
