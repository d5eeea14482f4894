/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in binary: how events carry them (decoding is in value_decode.h), how hashes see them, and
 * their order.
 *
 * Canonical form: a byte for the class (0 NULL, 1 integer, 2 float, 3 bytes), then
 *
 *     integer   8 bytes, little-endian
 *     float     8 bytes, little-endian, of the double; -0 as 0, one NaN
 *     numeric   8 bytes of digits without zeros at the end, 1 byte of scale; a wide one is bytes:
 *               its kind and sign, exponent, pairs
 *     bytes     varint length, bytes; char(n) without the spaces at its end; enums are their label
 *     interval  8 bytes of days, 8 bytes of microseconds: core/model/interval.h
 *     jsonb     as bytes, without zeros at the end of fractions
 *     arrays    varint count, canonical form of each element
 */
#include "core/base/assert.h"
#include "core/model/array.h"
#include "core/model/float.h"
#include "core/model/interval.h"
#include "core/model/value_decode.h"
#include "core/model/value_text.h"

void rv_scalar_encode(const rv_type *type, const rv_value *value, rv_writer *w) {
    RV_VERIFY(rv_type_supported(type));
    RV_VERIFY(value->class_ == rv_type_class(type));
    if (value->class_ == RV_VALUE_INT) {
        rv_write_svarint(w, value->as.integer);
    } else if (value->class_ == RV_VALUE_FLOAT) {
        rv_float_encode(value->as.real, rv_float_width_of(type->kind), w);
    } else if (rv_type_bytes_len(type->kind) > 0) {
        RV_ASSERT(value->as.bytes.len == rv_type_bytes_len(type->kind));
        rv_write(w, value->as.bytes);
    } else {
        rv_write_blob(w, value->as.bytes);
    }
}

void rv_value_decode(const rv_type *type, rv_cursor *c, rv_value *value) {
    RV_ASSERT(type != NULL && c != NULL);
    rv_value_decode_inline(type, c, value);
}

int rv_scalar_compare(const rv_type *type, const rv_value *a, const rv_value *b) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    if (rv_value_is_null(a) || rv_value_is_null(b)) {
        return rv_value_is_null(b) - rv_value_is_null(a);
    }
    RV_ASSERT(a->class_ == b->class_);
    if (a->class_ == RV_VALUE_INT) {
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    }
    if (a->class_ == RV_VALUE_FLOAT) {
        return rv_float_compare(a->as.real, b->as.real);
    }
    if (type->kind == RV_TYPE_INTERVAL) {
        return rv_interval_compare(rv_interval_load(a->as.bytes), rv_interval_load(b->as.bytes));
    }
    if (type->kind == RV_TYPE_NUMERIC) {
        const rv_decimal x = rv_numeric_of_bytes(a->as.bytes);
        const rv_decimal y = rv_numeric_of_bytes(b->as.bytes);
        return rv_decimal_compare(&x, &y);
    }
    if (type->kind == RV_TYPE_CHAR) {
        return rv_bytes_compare(rv_text_trim_end(a->as.bytes), rv_text_trim_end(b->as.bytes));
    }
    if (type->kind == RV_TYPE_JSONB) {
        return rv_jsonb_compare(a->as.bytes, b->as.bytes);
    }
    return rv_bytes_compare(a->as.bytes, b->as.bytes);
}

static void write_canonical_numeric(const rv_type *type, const rv_value *value, rv_writer *w) {
    if (value->class_ == RV_VALUE_BYTES) {
        const rv_decimal d = rv_numeric_of_bytes(value->as.bytes);
        rv_decimal_write_canonical(&d, w);
        return;
    }
    int64_t digits = value->as.integer;
    int32_t scale = digits == RV_NUMERIC_NAN ? 0 : type->scale;
    RV_ASSERT(scale >= 0 && scale <= (int32_t)RV_NUMERIC_DIGITS_MAX);
    while (scale > 0 && digits % 10 == 0) {
        digits /= 10;
        scale -= 1;
    }
    rv_write_u64(w, (uint64_t)digits);
    rv_write_u8(w, (uint8_t)scale);
}

void rv_scalar_canonical(const rv_type *type, const rv_value *value, rv_writer *w) {
    if (rv_value_is_null(value)) {
        rv_write_u8(w, RV_VALUE_NULL);
        return;
    }
    RV_ASSERT(rv_type_supported(type));
    RV_ASSERT(value->class_ == rv_type_class(type));
    if (type->kind == RV_TYPE_ENUM) {
        RV_ASSERT(value->as.integer >= 0);
        RV_ASSERT(value->as.integer < (int64_t)type->labels->label_count);
        rv_write_u8(w, RV_VALUE_BYTES);
        rv_write_blob(w, type->labels->labels[value->as.integer]);
        return;
    }
    rv_write_u8(w, (uint8_t)value->class_);
    if (type->kind == RV_TYPE_NUMERIC) {
        write_canonical_numeric(type, value, w);
    } else if (value->class_ == RV_VALUE_INT) {
        rv_write_u64(w, (uint64_t)value->as.integer);
    } else if (value->class_ == RV_VALUE_FLOAT) {
        rv_write_u64(w, rv_float_bits(rv_float_normal(value->as.real)));
    } else if (type->kind == RV_TYPE_CHAR) {
        rv_write_blob(w, rv_text_trim_end(value->as.bytes));
    } else if (type->kind == RV_TYPE_INTERVAL) {
        rv_interval_write_canonical(rv_interval_load(value->as.bytes), w);
    } else if (type->kind == RV_TYPE_JSONB) {
        rv_jsonb_plain plain = {0};
        rv_write_varint(w, rv_jsonb_plain_len(value->as.bytes));
        rv_jsonb_plain_write(&plain, value->as.bytes, w);
    } else {
        rv_write_blob(w, value->as.bytes);
    }
}

void rv_value_encode(const rv_type *type, const rv_value *value, rv_writer *w) {
    if (type->kind == RV_TYPE_ARRAY) {
        RV_VERIFY(value->class_ == RV_VALUE_BYTES);
        rv_write_blob(w, value->as.bytes);
    } else {
        rv_scalar_encode(type, value, w);
    }
}

int rv_value_compare(const rv_type *type, const rv_value *a, const rv_value *b) {
    const bool array = type->kind == RV_TYPE_ARRAY && !rv_value_is_null(a) && !rv_value_is_null(b);
    return array ? rv_array_compare(type, a->as.bytes, b->as.bytes) : rv_scalar_compare(type, a, b);
}

void rv_value_canonical(const rv_type *type, const rv_value *value, rv_writer *w) {
    if (type->kind == RV_TYPE_ARRAY && !rv_value_is_null(value)) {
        rv_array_canonical(type, value->as.bytes, w);
    } else {
        rv_scalar_canonical(type, value, w);
    }
}
