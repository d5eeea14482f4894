/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in binary: how events carry them, how hashes see them, and their order. Decoding is on the
 * path that replay takes millions of times a second, so it is one switch, with the commonest kinds
 * first and no copy; it is also where bytes from disk and wire are judged, so whatever passes is a
 * value of its type.
 *
 * Canonical form: a byte for the class (0 NULL, 1 integer, 3 bytes), then
 *
 *     integer   8 bytes, little-endian
 *     numeric   8 bytes of digits without zeros at the end, 1 byte of scale
 *     bytes     varint length, bytes; char(n) without the spaces at its end; enums are their label
 */
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/value.h"
#include "core/model/value_number.h"
#include "core/model/value_text.h"
#include "core/model/value_time.h"

void rv_value_encode(const rv_type *type, const rv_value *value, rv_writer *w) {
    RV_ASSERT(rv_type_supported(type));
    RV_ASSERT(value->class_ == rv_type_class(type));
    if (value->class_ == RV_VALUE_INT) {
        rv_write_svarint(w, value->as.integer);
    } else if (type->kind == RV_TYPE_UUID) {
        RV_ASSERT(value->as.bytes.len == 16);
        rv_write(w, value->as.bytes);
    } else {
        rv_write_blob(w, value->as.bytes);
    }
}

/* An integer within bounds; outside them the cursor goes bad. */
static inline rv_value decode_int(rv_cursor *c, int64_t min, int64_t max) {
    const int64_t v = rv_read_svarint(c);
    c->bad = c->bad || v < min || v > max;
    return rv_value_int(v);
}

static rv_value decode_text(const rv_type *type, rv_cursor *c) {
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

void rv_value_decode(const rv_type *type, rv_cursor *c, rv_value *value) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT && value != NULL);
    switch (type->kind) {
    case RV_TYPE_INTEGER:
        *value = decode_int(c, INT32_MIN, INT32_MAX);
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
        *value = decode_text(type, c);
        break;
    case RV_TYPE_SMALLINT:
        *value = decode_int(c, INT16_MIN, INT16_MAX);
        break;
    case RV_TYPE_BOOLEAN:
        *value = decode_int(c, 0, 1);
        break;
    case RV_TYPE_ENUM:
        *value = decode_int(c, 0, (int64_t)type->labels->label_count - 1);
        break;
    case RV_TYPE_NUMERIC: {
        const int64_t limit = rv_number_power(type->size);
        *value = decode_int(c, 1 - limit, limit - 1);
        break;
    }
    case RV_TYPE_UUID:
        *value = rv_value_bytes(rv_read(c, 16));
        break;
    default:
        RV_ASSERT(type->kind == RV_TYPE_BYTEA);
        *value = rv_value_bytes(rv_read_blob(c));
        break;
    }
}

int rv_value_compare(const rv_type *type, const rv_value *a, const rv_value *b) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    if (rv_value_is_null(a) || rv_value_is_null(b)) {
        return rv_value_is_null(b) - rv_value_is_null(a);
    }
    RV_ASSERT(a->class_ == b->class_ && a->class_ != RV_VALUE_FLOAT);
    if (a->class_ == RV_VALUE_INT) {
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    }
    if (type->kind == RV_TYPE_CHAR) {
        return rv_bytes_compare(rv_text_trim_end(a->as.bytes), rv_text_trim_end(b->as.bytes));
    }
    return rv_bytes_compare(a->as.bytes, b->as.bytes);
}

static void write_canonical_numeric(int64_t digits, int32_t scale, rv_writer *w) {
    RV_ASSERT(scale >= 0 && scale <= (int32_t)RV_NUMERIC_DIGITS_MAX);
    while (scale > 0 && digits % 10 == 0) {
        digits /= 10;
        scale -= 1;
    }
    rv_write_u64(w, (uint64_t)digits);
    rv_write_u8(w, (uint8_t)scale);
}

void rv_value_canonical(const rv_type *type, const rv_value *value, rv_writer *w) {
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
        write_canonical_numeric(value->as.integer, type->scale, w);
    } else if (value->class_ == RV_VALUE_INT) {
        rv_write_u64(w, (uint64_t)value->as.integer);
    } else if (type->kind == RV_TYPE_CHAR) {
        rv_write_blob(w, rv_text_trim_end(value->as.bytes));
    } else {
        rv_write_blob(w, value->as.bytes);
    }
}
