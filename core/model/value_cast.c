/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Casts. Kinds fall into families (whole numbers and numeric; character types; dates and times)
 * with direct casts inside them; everything else goes through text, which every type has. Time
 * zones are no matter: sessions are in UTC, so timestamp and timestamptz are the same number.
 */
#include "core/model/value_cast.h"

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/model/array.h"
#include "core/model/decimal.h"
#include "core/model/interval.h"
#include "core/model/value_cast_float.h"
#include "core/model/value_numeric.h"
#include "core/model/value_text.h"
#include "core/model/value_time.h"

static bool is_integer(rv_type_kind kind) {
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
}

static bool is_number(rv_type_kind kind) {
    return is_integer(kind) || kind == RV_TYPE_NUMERIC;
}

static bool is_float(rv_type_kind kind) {
    return kind == RV_TYPE_REAL || kind == RV_TYPE_DOUBLE;
}

static bool is_text(rv_type_kind kind) {
    return kind == RV_TYPE_CHAR || kind == RV_TYPE_VARCHAR || kind == RV_TYPE_TEXT;
}

static rv_cast_rule rule_of_times(rv_type_kind from, rv_type_kind to) {
    RV_ASSERT(from != to);
    if (from == RV_TYPE_TIME || from == RV_TYPE_INTERVAL) {
        return to == RV_TYPE_INTERVAL ? RV_CAST_IMPLICIT
               : to == RV_TYPE_TIME   ? RV_CAST_ASSIGNMENT
                                      : RV_CAST_NONE;
    }
    const bool from_date = from == RV_TYPE_DATE;
    const bool from_zoned = from == RV_TYPE_TIMESTAMPTZ;
    const bool from_stamp = from == RV_TYPE_TIMESTAMP || from_zoned;
    const bool to_stamp = to == RV_TYPE_TIMESTAMP || to == RV_TYPE_TIMESTAMPTZ;
    if (to_stamp && (from_date || from_stamp)) {
        return from_zoned ? RV_CAST_ASSIGNMENT : RV_CAST_IMPLICIT;
    }
    const bool part = to == RV_TYPE_DATE || to == RV_TYPE_TIME;
    return from_stamp && part ? RV_CAST_ASSIGNMENT : RV_CAST_NONE;
}

rv_cast_rule rv_scalar_cast_rule(const rv_type *from, const rv_type *to) {
    RV_ASSERT(rv_type_supported(from) && rv_type_supported(to));
    const rv_type_kind a = from->kind;
    const rv_type_kind b = to->kind;
    if (is_number(a) && is_number(b)) {
        return a <= b ? RV_CAST_IMPLICIT : RV_CAST_ASSIGNMENT;
    }
    if (rv_type_fits(from, to)) {
        return RV_CAST_IMPLICIT;
    }
    if ((is_float(a) && (is_number(b) || is_float(b))) || (is_number(a) && is_float(b))) {
        return is_float(b) && (a != RV_TYPE_DOUBLE) ? RV_CAST_IMPLICIT : RV_CAST_ASSIGNMENT;
    }
    if (is_text(b)) {
        return RV_CAST_ASSIGNMENT;
    }
    if (is_text(a)) {
        return RV_CAST_EXPLICIT;
    }
    if (a == RV_TYPE_JSON || a == RV_TYPE_JSONB) {
        const bool other = b == RV_TYPE_JSON || b == RV_TYPE_JSONB;
        const bool scalar = a == RV_TYPE_JSONB && (b <= RV_TYPE_NUMERIC || b == RV_TYPE_BOOLEAN);
        return other ? RV_CAST_ASSIGNMENT : scalar ? RV_CAST_EXPLICIT : RV_CAST_NONE;
    }
    if (a == RV_TYPE_BOOLEAN || b == RV_TYPE_BOOLEAN) {
        return a == RV_TYPE_INTEGER || b == RV_TYPE_INTEGER ? RV_CAST_EXPLICIT : RV_CAST_NONE;
    }
    return a == b ? RV_CAST_NONE : rule_of_times(a, b);
}

/* Arrays are cast as their elements; to and from text they are written and read. */
rv_cast_rule rv_cast_rule_of(const rv_type *from, const rv_type *to) {
    const bool from_array = from->kind == RV_TYPE_ARRAY;
    const bool to_array = to->kind == RV_TYPE_ARRAY;
    RV_ASSERT(rv_type_supported(from) && rv_type_supported(to));
    if (from_array && to_array) {
        const rv_type a = rv_type_element(from);
        const rv_type b = rv_type_element(to);
        return rv_scalar_cast_rule(&a, &b);
    }
    if (from_array || to_array) {
        return is_text(to->kind)     ? RV_CAST_ASSIGNMENT
               : is_text(from->kind) ? RV_CAST_EXPLICIT
                                     : RV_CAST_NONE;
    }
    return rv_scalar_cast_rule(from, to);
}

static rv_status refuse_range(const rv_type *from, const rv_type *to, const rv_value *value,
                              rv_bytes what, rv_error *err) {
    uint8_t text[128]; /* the beginning of a long number is enough */
    rv_writer w = rv_writer_over(text, sizeof text);
    RV_ASSERT(value->class_ == rv_type_class(from));
    rv_value_to_text(from, value, &w);
    RV_ASSERT(w.len > 0);
    return rv_value_refuse(to, RV_VALUE_OUT_OF_RANGE, rv_writer_bytes(&w), what,
                           "the value is too large or too small", err);
}

static rv_status cast_number(const rv_type *from, const rv_type *to, rv_bytes what,
                             rv_arena *scratch, rv_value *value, rv_error *err) {
    RV_ASSERT(is_number(from->kind) && is_number(to->kind));
    const rv_status status = rv_numeric_cast(from, to, scratch, value);
    RV_ASSERT(status == RV_OK || value->class_ == rv_type_class(from));
    if (status == RV_VALUE_OUT_OF_RANGE) {
        return refuse_range(from, to, value, what, err);
    }
    return status == RV_OK ? RV_OK : rv_value_refuse_memory(err);
}

/* Between dates and timestamps; infinity stays what it is. */
static bool cast_time(rv_type_kind from, rv_type_kind to, int64_t *number) {
    RV_ASSERT(from != to && from != RV_TYPE_TIME);
    if (*number == RV_TIME_INFINITY || *number == RV_TIME_MINUS_INFINITY) {
        RV_ASSERT(to != RV_TYPE_TIME);
        return true;
    }
    if (from == RV_TYPE_DATE) {
        RV_ASSERT(to != RV_TYPE_TIME);
        return !__builtin_mul_overflow(*number, RV_DAY_US, number) && rv_time_in_range(to, *number);
    }
    const int64_t days = rv_time_floor_days(*number);
    if (to == RV_TYPE_DATE) {
        *number = days;
    } else if (to == RV_TYPE_TIME) {
        *number -= days * RV_DAY_US;
    }
    return true;
}

/* A time of day as an interval; the time of day that an interval from midnight ends at. */
static rv_status cast_interval(rv_type_kind to, rv_arena *scratch, rv_value *value, rv_error *err) {
    if (to == RV_TYPE_TIME) {
        const int64_t us = rv_interval_load(value->as.bytes).us;
        *value = rv_value_int(us - rv_time_floor_days(us) * RV_DAY_US);
        return RV_OK;
    }
    RV_ASSERT(to == RV_TYPE_INTERVAL && value->class_ == RV_VALUE_INT);
    uint8_t *bytes = rv_arena_take_raw(scratch, RV_INTERVAL_LEN);
    if (bytes == NULL) {
        return rv_value_refuse_memory(err);
    }
    rv_interval_store((rv_interval){0, 0, value->as.integer}, bytes);
    *value = rv_value_bytes(rv_bytes_of(bytes, RV_INTERVAL_LEN));
    return RV_OK;
}

bool rv_value_text_in(const rv_type *type, const rv_value *value, rv_arena *arena, rv_bytes *text) {
    RV_ASSERT(!rv_value_is_null(value));
    uint8_t *start = rv_arena_take_raw(arena, 0);
    if (start == NULL) {
        return false;
    }
    rv_writer w = rv_writer_over(start, arena->cap - arena->len);
    rv_value_to_text(type, value, &w);
    if (w.full) {
        return false;
    }
    RV_ASSERT(w.len <= arena->cap - arena->len);
    arena->len += w.len;
    *text = rv_writer_bytes(&w);
    return true;
}

static rv_status cast_to_text(const rv_type *from, const rv_type *to, bool cut, rv_bytes what,
                              rv_arena *scratch, rv_value *value, rv_error *err) {
    RV_ASSERT(is_text(to->kind));
    rv_bytes text = value->as.bytes;
    if (from->kind == RV_TYPE_BOOLEAN) {
        text = value->as.integer != 0 ? RV_LITERAL("true") : RV_LITERAL("false");
    } else if (from->kind == RV_TYPE_CHAR && to->kind != RV_TYPE_CHAR) {
        text = rv_text_trim_end(text);
    } else if (from->kind == RV_TYPE_ENUM) {
        RV_ASSERT(value->as.integer < (int64_t)from->labels->label_count);
        text = from->labels->labels[value->as.integer];
    } else if (!is_text(from->kind)) {
        if (!rv_value_text_in(from, value, scratch, &text)) {
            return rv_value_refuse_memory(err);
        }
    }
    size_t code_points = 0;
    const bool valid = rv_utf8_valid(text, &code_points);
    RV_ASSERT(valid);
    return rv_text_fit(to, text, code_points, cut, what, scratch, value, err);
}

/* A number or truth out of a jsonb that is one. */
static rv_status cast_jsonb(const rv_type *from, const rv_type *to, rv_bytes what,
                            rv_arena *scratch, rv_value *value, rv_error *err) {
    const rv_bytes text = value->as.bytes;
    const bool number = text.ptr[0] == '-' || (text.ptr[0] >= '0' && text.ptr[0] <= '9');
    const bool boolean = text.ptr[0] == 't' || text.ptr[0] == 'f';
    RV_ASSERT(from->kind == RV_TYPE_JSONB && text.len > 0);
    if (to->kind == RV_TYPE_BOOLEAN ? !boolean : !number) {
        return rv_value_refuse(to, RV_VALUE_INVALID, text, what, "the JSON is of another type",
                               err);
    }
    if (!is_integer(to->kind)) {
        return rv_scalar_from_text(to, text, what, scratch, value, err);
    }
    rv_decimal decimal;
    int64_t integer = 0;
    const rv_status status = rv_decimal_parse(text, RV_DECIMAL_ANY_SCALE, scratch, &decimal);
    if (status != RV_OK) {
        return rv_value_refuse_memory(err); /* it is a number within the limits */
    }
    if (!rv_decimal_to_int(&decimal, 0, &integer) || integer < rv_integer_min(to->kind) ||
        integer > rv_integer_max(to->kind)) {
        return rv_value_refuse(to, RV_VALUE_OUT_OF_RANGE, text, what,
                               "the number is too large or too small", err);
    }
    *value = rv_value_int(integer);
    return RV_OK;
}

rv_status rv_scalar_cast(const rv_type *from, const rv_type *to, bool cut, rv_bytes what,
                         rv_arena *scratch, rv_value *value, rv_error *err) {
    if (rv_value_is_null(value)) {
        return RV_OK;
    }
    RV_ASSERT(value->class_ == rv_type_class(from));
    RV_ASSERT(rv_cast_rule_of(from, to) != RV_CAST_NONE);
    if (is_text(to->kind)) {
        return cast_to_text(from, to, cut, what, scratch, value, err);
    }
    if (is_text(from->kind)) {
        return rv_value_from_text(to, value->as.bytes, what, scratch, value, err); /* as it is */
    }
    if (from->kind == RV_TYPE_JSON && to->kind == RV_TYPE_JSONB) {
        return rv_scalar_from_text(to, value->as.bytes, what, scratch, value, err);
    }
    if (from->kind == RV_TYPE_JSONB && to->kind != RV_TYPE_JSON && to->kind != RV_TYPE_JSONB) {
        return cast_jsonb(from, to, what, scratch, value, err);
    }
    if (is_number(from->kind) && is_number(to->kind)) {
        return cast_number(from, to, what, scratch, value, err);
    }
    if (is_float(from->kind) || is_float(to->kind)) {
        const rv_status status = rv_float_cast(from, to, scratch, value);
        return status == RV_VALUE_OUT_OF_RANGE ? refuse_range(from, to, value, what, err)
               : status == RV_OK               ? RV_OK
                                               : rv_value_refuse_memory(err);
    }
    if (from->kind != to->kind &&
        (from->kind == RV_TYPE_INTERVAL || to->kind == RV_TYPE_INTERVAL)) {
        return cast_interval(to->kind, scratch, value, err);
    }
    if (value->class_ != RV_VALUE_INT || from->kind == to->kind) {
        return RV_OK;
    }
    int64_t number = value->as.integer;
    bool fits = true;
    if (to->kind == RV_TYPE_BOOLEAN) {
        number = number != 0;
    } else if (to->kind == RV_TYPE_TIME &&
               (number == RV_TIME_INFINITY || number == RV_TIME_MINUS_INFINITY)) {
        *value = rv_value_null(); /* it has no time of day, and PostgreSQL answers so */
        return RV_OK;
    } else if (from->kind != RV_TYPE_BOOLEAN) {
        fits = cast_time(from->kind, to->kind, &number);
    }
    if (!fits) {
        return refuse_range(from, to, value, what, err);
    }
    *value = rv_value_int(number);
    return RV_OK;
}

rv_status rv_value_cast(const rv_type *from, const rv_type *to, bool cut, rv_bytes what,
                        rv_arena *scratch, rv_value *value, rv_error *err) {
    const bool arrays = from->kind == RV_TYPE_ARRAY && to->kind == RV_TYPE_ARRAY;
    if (arrays && !rv_value_is_null(value)) {
        RV_ASSERT(value->class_ == RV_VALUE_BYTES);
        return rv_array_cast(from, to, cut, what, scratch, value, err);
    }
    if (cut && to->kind == RV_TYPE_ARRAY && is_text((rv_type_kind)to->element) && to->size > 0 &&
        !rv_value_is_null(value)) {
        const rv_type text = {.kind = RV_TYPE_ARRAY, .element = RV_TYPE_TEXT};
        const rv_status status = rv_scalar_cast(from, &text, true, what, scratch, value, err);
        return status == RV_OK ? rv_array_cast(&text, to, true, what, scratch, value, err) : status;
    }
    return rv_scalar_cast(from, to, cut, what, scratch, value, err);
}

rv_status rv_value_coerce(const rv_type *from, const rv_type *to, rv_bytes what, rv_arena *scratch,
                          rv_value *value, rv_error *err) {
    RV_ASSERT(rv_type_supported(from) && rv_type_supported(to));
    RV_ASSERT(value != NULL);
    const bool same = rv_type_same(from, to) && rv_type_fits(from, to);
    if (same || rv_value_is_null(value)) {
        return RV_OK;
    }
    if (rv_cast_rule_of(from, to) < RV_CAST_ASSIGNMENT) {
        uint8_t name[RV_NAME_LEN_MAX * 4];
        rv_writer w = rv_writer_over(name, sizeof name);
        rv_type_write(from, &w);
        return rv_value_refuse(to, RV_VALUE_INVALID, rv_writer_bytes(&w), what,
                               "there is no cast from this type without asking for it", err);
    }
    return rv_value_cast(from, to, false, what, scratch, value, err);
}
