/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding of a value (rv_value_decode), inline: replay decodes five or six values an event and
 * millions of events a second, so the cursor is to stay in registers. It is one switch, with the
 * commonest kinds first and no copy; it is also where bytes from disk and wire are judged, so
 * whatever passes is a value of its type.
 */
#ifndef RV_MODEL_VALUE_DECODE_H
#define RV_MODEL_VALUE_DECODE_H

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/array.h"
#include "core/model/float.h"
#include "core/model/jsonb.h"
#include "core/model/value_numeric.h"
#include "core/model/value_time.h"

/* An integer within bounds; outside them the cursor goes bad. */
static inline rv_value rv_decode_int(rv_cursor *c, int64_t min, int64_t max) {
    const int64_t v = rv_read_svarint(c);
    c->bad = c->bad || v < min || v > max;
    return rv_value_int(v);
}

static inline rv_value rv_decode_text(const rv_type *type, rv_cursor *c) {
    const rv_bytes text = rv_read_blob(c);
    size_t code_points = 0;
    RV_ASSERT(text.len == 0 || text.ptr != NULL);
    if (!rv_utf8_valid(text, &code_points)) {
        c->bad = true;
    } else if (type->size > 0) {
        const bool exact = type->kind == RV_TYPE_CHAR;
        c->bad = c->bad || (exact ? code_points != type->size : code_points > type->size);
    }
    RV_ASSERT(code_points <= text.len);
    return rv_value_bytes(text);
}

/* Of a wide numeric or a float: the function that is called gets a copy of the cursor, so that the
 * cursor itself stays in registers. */
static inline rv_value rv_decode_called(const rv_type *type, rv_cursor *c) {
    rv_cursor rest = *c;
    rv_value value;
    if (type->kind == RV_TYPE_NUMERIC) {
        RV_ASSERT(rv_type_is_wide(type));
        rv_numeric_decode(type, &rest, &value);
    } else {
        value = rv_value_float(rv_float_decode(rv_float_width_of(type->kind), &rest));
    }
    *c = rest;
    return value;
}

/* One switch for all. `arrays` is a constant: elements of arrays are none. */
static inline void rv_decode_kind(const rv_type *type, bool arrays, rv_cursor *c, rv_value *value) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT && value != NULL);
    switch (type->kind) {
    case RV_TYPE_INTEGER:
        *value = rv_decode_int(c, INT32_MIN, INT32_MAX);
        break;
    case RV_TYPE_BIGINT:
        *value = rv_value_int(rv_read_svarint(c));
        break;
    case RV_TYPE_TIMESTAMPTZ:
    case RV_TYPE_TIMESTAMP:
    case RV_TYPE_DATE:
    case RV_TYPE_TIME: {
        const int64_t v = rv_read_svarint(c);
        c->bad = c->bad || !rv_time_in_range(type->kind, v);
        *value = rv_value_int(v);
        break;
    }
    case RV_TYPE_VARCHAR:
    case RV_TYPE_TEXT:
    case RV_TYPE_CHAR:
        *value = rv_decode_text(type, c);
        break;
    case RV_TYPE_SMALLINT:
        *value = rv_decode_int(c, INT16_MIN, INT16_MAX);
        break;
    case RV_TYPE_BOOLEAN:
        *value = rv_decode_int(c, 0, 1);
        break;
    case RV_TYPE_ENUM:
        *value = rv_decode_int(c, 0, (int64_t)type->labels->label_count - 1);
        break;
    case RV_TYPE_NUMERIC:
        if (rv_type_is_wide(type)) {
            *value = rv_decode_called(type, c);
        } else {
            const int64_t limit = rv_number_power(type->size);
            const int64_t v = rv_read_svarint(c);
            c->bad = c->bad || ((v <= -limit || v >= limit) && v != RV_NUMERIC_NAN);
            *value = rv_value_int(v);
        }
        break;
    case RV_TYPE_UUID:
    case RV_TYPE_INTERVAL:
        *value = rv_value_bytes(rv_read(c, 16));
        break;
    case RV_TYPE_REAL:
    case RV_TYPE_DOUBLE:
        *value = rv_decode_called(type, c);
        break;
    case RV_TYPE_JSON:
        *value = rv_value_bytes(rv_read_blob(c));
        c->bad = c->bad || !rv_json_check(value->as.bytes);
        break;
    case RV_TYPE_JSONB:
        *value = rv_value_bytes(rv_read_blob(c));
        c->bad = c->bad || !rv_jsonb_check(value->as.bytes);
        break;
    case RV_TYPE_ARRAY:
        RV_ASSERT(arrays);
        *value = rv_value_bytes(rv_read_blob(c));
        c->bad = c->bad || !rv_array_check(type, value->as.bytes);
        break;
    default:
        RV_ASSERT(type->kind == RV_TYPE_BYTEA);
        *value = rv_value_bytes(rv_read_blob(c));
        break;
    }
}

/* Of a type that is no array. */
static inline void rv_scalar_decode_inline(const rv_type *type, rv_cursor *c, rv_value *value) {
    RV_ASSERT(type->kind < RV_TYPE_ARRAY);
    rv_decode_kind(type, false, c, value);
}

static inline void rv_value_decode_inline(const rv_type *type, rv_cursor *c, rv_value *value) {
    rv_decode_kind(type, true, c, value);
}

#endif
