/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric values in both of their forms. What fits 64 bits is calculated there; the decimal form is
 * made only for wide types and for NaN, whose integer is no number.
 */
#include "core/model/value_numeric.h"

#include "core/base/assert.h"
#include "core/model/value_text.h"

static bool is_integer(rv_type_kind kind) {
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
}

static bool is_nan(const rv_type *type, const rv_value *value) {
    return type->kind == RV_TYPE_NUMERIC && value->class_ == RV_VALUE_INT &&
           value->as.integer == RV_NUMERIC_NAN;
}

rv_decimal rv_numeric_of_bytes(rv_bytes packed) {
    rv_decimal d;
    const bool good = rv_decimal_unpack(packed, &d);
    RV_ASSERT(good); /* decoding has judged it */
    return d;
}

rv_decimal rv_numeric_load(const rv_type *from, const rv_value *value,
                           uint8_t room[RV_DECIMAL_INT_PAIRS]) {
    RV_ASSERT(from->kind == RV_TYPE_NUMERIC || is_integer(from->kind));
    RV_ASSERT(value->class_ == RV_VALUE_INT || value->class_ == RV_VALUE_BYTES);
    if (value->class_ == RV_VALUE_BYTES) {
        return rv_numeric_of_bytes(value->as.bytes);
    }
    if (is_nan(from, value)) {
        return (rv_decimal){.kind = RV_DECIMAL_NAN};
    }
    const uint32_t scale = from->kind == RV_TYPE_NUMERIC ? (uint32_t)from->scale : 0;
    return rv_decimal_of_int(value->as.integer, scale, room);
}

static bool in_range(const rv_type *to, int64_t number) {
    if (to->kind == RV_TYPE_NUMERIC) {
        const int64_t limit = rv_number_power(to->size);
        return number < limit && number > -limit;
    }
    RV_ASSERT(is_integer(to->kind));
    return number >= rv_integer_min(to->kind) && number <= rv_integer_max(to->kind);
}

rv_status rv_numeric_store(const rv_type *to, const rv_decimal *d, rv_arena *scratch,
                           rv_value *value) {
    RV_ASSERT(to->kind == RV_TYPE_NUMERIC || is_integer(to->kind));
    if (!rv_type_is_wide(to)) {
        const bool nan = d->kind == RV_DECIMAL_NAN && to->kind == RV_TYPE_NUMERIC;
        int64_t number = RV_NUMERIC_NAN;
        const uint32_t scale = to->kind == RV_TYPE_NUMERIC ? (uint32_t)to->scale : 0;
        if (!nan && (!rv_decimal_to_int(d, scale, &number) || !in_range(to, number))) {
            return RV_VALUE_OUT_OF_RANGE;
        }
        *value = rv_value_int(number);
        return RV_OK;
    }
    const size_t mark = rv_arena_mark(scratch);
    rv_decimal fitting = *d;
    if (!rv_decimal_fits(d, to->size, to->scale)) {
        const rv_status status = rv_decimal_constrain(d, to->size, to->scale, scratch, &fitting);
        if (status != RV_OK) {
            rv_arena_reset(scratch, mark);
            return status;
        }
    }
    const rv_bytes packed = rv_decimal_pack(&fitting, scratch);
    RV_ASSERT(packed.ptr == NULL || packed.len > 0);
    if (packed.ptr == NULL) {
        rv_arena_reset(scratch, mark);
        return RV_MEMORY_EXHAUSTED;
    }
    *value = rv_value_bytes(packed);
    return RV_OK;
}

/* NaN and the infinities, of which a scaled numeric has the first. */
static rv_status special_from_text(rv_bytes text, int64_t *value, const char **why) {
    rv_arena none = {NULL, 0, 0};
    rv_decimal d;
    rv_status status = rv_decimal_parse(text, 0, &none, &d);
    if (status == RV_OK && d.kind != RV_DECIMAL_NAN) {
        RV_ASSERT(d.kind != RV_DECIMAL_FINITE);
        *why = "a numeric with a precision has no infinity";
        status = RV_VALUE_OUT_OF_RANGE;
    }
    *value = status == RV_OK ? RV_NUMERIC_NAN : *value;
    RV_ASSERT(status == RV_OK || *why != NULL);
    return status;
}

rv_status rv_numeric_from_text(const rv_type *type, rv_bytes text, rv_arena *scratch,
                               rv_value *value, const char **why) {
    RV_ASSERT(type->kind == RV_TYPE_NUMERIC && why != NULL);
    *why = "it must be a decimal number";
    if (!rv_type_is_wide(type)) {
        int64_t number = 0;
        rv_status status = RV_OK;
        const rv_number_result result =
            rv_number_parse_scaled(text, type->size, (uint32_t)type->scale, &number);
        if (result == RV_NUMBER_TOO_LARGE) {
            *why = "it has more digits before the point than the type";
            return RV_VALUE_OUT_OF_RANGE;
        }
        if (result == RV_NUMBER_INVALID) {
            status = special_from_text(text, &number, why);
        }
        *value = status == RV_OK ? rv_value_int(number) : *value;
        return status;
    }
    const size_t mark = rv_arena_mark(scratch);
    const int32_t scale = type->size > 0 ? type->scale : RV_DECIMAL_ANY_SCALE;
    rv_decimal d;
    rv_status status = rv_decimal_parse(text, scale, scratch, &d);
    if (status == RV_OK) {
        status = rv_numeric_store(type, &d, scratch, value);
    }
    if (status == RV_VALUE_OUT_OF_RANGE) {
        *why = type->size == 0
                   ? "it has more than 4096 digits before the point, or more than 2048 after it"
                   : "it has more digits before the point than the type, or is infinite";
    }
    if (status != RV_OK) {
        rv_arena_reset(scratch, mark);
    }
    return status;
}

rv_status rv_numeric_cast(const rv_type *from, const rv_type *to, rv_arena *scratch,
                          rv_value *value) {
    RV_VERIFY(value->class_ == rv_type_class(from));
    if (!rv_type_is_wide(from) && !rv_type_is_wide(to) && !is_nan(from, value)) {
        const uint32_t from_scale = from->kind == RV_TYPE_NUMERIC ? (uint32_t)from->scale : 0;
        const uint32_t to_scale = to->kind == RV_TYPE_NUMERIC ? (uint32_t)to->scale : 0;
        int64_t number = value->as.integer;
        RV_ASSERT(value->class_ == RV_VALUE_INT);
        if (!rv_number_rescale(number, from_scale, to_scale, &number) || !in_range(to, number)) {
            return RV_VALUE_OUT_OF_RANGE;
        }
        *value = rv_value_int(number);
        return RV_OK;
    }
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    const rv_decimal d = rv_numeric_load(from, value, room);
    return rv_numeric_store(to, &d, scratch, value);
}

rv_status rv_numeric_add(const rv_type *type, const rv_value *a, const rv_value *b, bool subtract,
                         rv_arena *scratch, rv_value *sum) {
    RV_ASSERT(type->kind == RV_TYPE_NUMERIC);
    RV_ASSERT(a->class_ == rv_type_class(type) && b->class_ == a->class_);
    if (!rv_type_is_wide(type)) {
        const bool nan = is_nan(type, a) || is_nan(type, b);
        const int64_t y = subtract && !nan ? -b->as.integer : b->as.integer;
        const int64_t number = nan ? RV_NUMERIC_NAN : a->as.integer + y; /* of 18 digits each */
        if (!nan && !in_range(type, number)) {
            return RV_VALUE_OUT_OF_RANGE;
        }
        *sum = rv_value_int(number);
        return RV_OK;
    }
    const rv_decimal x = rv_numeric_of_bytes(a->as.bytes);
    const rv_decimal y = rv_numeric_of_bytes(b->as.bytes);
    rv_decimal d;
    const rv_status status =
        subtract ? rv_decimal_subtract(&x, &y, scratch, &d) : rv_decimal_add(&x, &y, scratch, &d);
    return status == RV_OK ? rv_numeric_store(type, &d, scratch, sum) : status;
}

void rv_numeric_decode(const rv_type *type, rv_cursor *c, rv_value *value) {
    const rv_bytes packed = rv_read_blob(c);
    rv_decimal d;
    RV_ASSERT(rv_type_is_wide(type));
    c->bad =
        c->bad || !rv_decimal_unpack(packed, &d) || !rv_decimal_fits(&d, type->size, type->scale);
    *value = rv_value_bytes(packed);
}

void rv_numeric_write(const rv_type *type, const rv_value *value, rv_writer *w) {
    RV_ASSERT(type->kind == RV_TYPE_NUMERIC);
    if (value->class_ == RV_VALUE_BYTES) {
        const rv_decimal d = rv_numeric_of_bytes(value->as.bytes);
        rv_decimal_write(&d, w);
    } else if (value->as.integer == RV_NUMERIC_NAN) {
        rv_write_text(w, "NaN");
    } else {
        RV_ASSERT(value->class_ == RV_VALUE_INT);
        rv_number_write_scaled(value->as.integer, (uint32_t)type->scale, w);
    }
}

bool rv_numeric_is_finite(const rv_value *value) {
    RV_ASSERT(value->class_ == RV_VALUE_INT || value->class_ == RV_VALUE_BYTES);
    if (value->class_ == RV_VALUE_INT) {
        return value->as.integer != RV_NUMERIC_NAN;
    }
    return rv_numeric_of_bytes(value->as.bytes).kind == RV_DECIMAL_FINITE;
}
