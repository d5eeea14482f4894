/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Casts between floats and the other numbers, as PostgreSQL does them: integers to the nearest
 * float; a float to an integer by rounding, ties to even; a numeric to the float that its text is;
 * a float to the numeric of the 15 digits (6 of a real) that are surely its own.
 */
#include "core/model/value_cast_float.h"

#include "core/base/assert.h"
#include "core/model/value_numeric.h"
#include "core/model/value_text.h"

#define DIGITS_REAL   6u
#define DIGITS_DOUBLE 15u

/* Two to the 63rd, which no integer reaches. */
#define INTEGERS_END 9223372036854775808.0

/* More pairs of digits than decide which float is nearest (float_parse.c). */
#define PAIRS_DECIDE 390u

/* The float of a decimal, by its digits: of a longer one, as many as decide and a 1. */
static rv_float_result of_decimal(const rv_decimal *d, rv_float_width width, double *real) {
    uint8_t text[2 * PAIRS_DECIDE + 32];
    rv_writer w = rv_writer_over(text, sizeof text);
    rv_write_text(&w, d->minus || d->kind == RV_DECIMAL_MINUS_INFINITY ? "-" : "");
    if (d->kind != RV_DECIMAL_FINITE) {
        rv_write_text(&w, d->kind == RV_DECIMAL_NAN ? "nan" : "inf");
    } else {
        const bool more = d->pairs.len > PAIRS_DECIDE;
        rv_write_text(&w, "0.");
        for (size_t i = 0; i < (more ? PAIRS_DECIDE : d->pairs.len); i++) {
            rv_write_u8(&w, (uint8_t)('0' + d->pairs.ptr[i] / 10));
            rv_write_u8(&w, (uint8_t)('0' + d->pairs.ptr[i] % 10));
        }
        rv_write_text(&w, more ? "1e" : "0e");
        rv_write_int(&w, 2 * (int64_t)d->exponent);
    }
    RV_ASSERT(!w.full);
    const rv_float_result result = rv_float_parse(rv_writer_bytes(&w), width, real);
    RV_ASSERT(result != RV_FLOAT_INVALID);
    return result;
}

static rv_status to_numeric(rv_float_width width, double real, const rv_type *to, rv_arena *scratch,
                            rv_value *value) {
    uint8_t text[RV_FLOAT_TEXT_MAX + 8];
    rv_writer w = rv_writer_over(text, sizeof text);
    if (rv_float_is_finite(real)) {
        rv_float_write_rounded(real, width == RV_FLOAT_SINGLE ? DIGITS_REAL : DIGITS_DOUBLE, &w);
    } else {
        rv_float_write(real, width, &w);
    }
    RV_ASSERT(!w.full);
    const char *why = "";
    const rv_status status = rv_numeric_from_text(to, rv_writer_bytes(&w), scratch, value, &why);
    RV_ASSERT(status != RV_VALUE_INVALID);
    return status;
}

static rv_status to_integer(double real, rv_type_kind kind, rv_value *value) {
    const double whole = rv_float_round(real);
    RV_ASSERT(value != NULL);
    if (!(whole >= -INTEGERS_END && whole < INTEGERS_END)) {
        return RV_VALUE_OUT_OF_RANGE; /* NaN too */
    }
    const int64_t integer = (int64_t)whole;
    if (integer < rv_integer_min(kind) || integer > rv_integer_max(kind)) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    *value = rv_value_int(integer);
    return RV_OK;
}

static rv_status to_float(const rv_type *from, rv_float_width width, rv_value *value) {
    double real = 0;
    if (from->kind == RV_TYPE_NUMERIC) {
        uint8_t room[RV_DECIMAL_INT_PAIRS];
        const rv_decimal d = rv_numeric_load(from, value, room);
        if (of_decimal(&d, width, &real) != RV_FLOAT_OK) {
            return RV_VALUE_OUT_OF_RANGE;
        }
    } else if (value->class_ == RV_VALUE_FLOAT) {
        real = value->as.real;
        if (width == RV_FLOAT_SINGLE && !rv_float_to_single(&real)) {
            return RV_VALUE_OUT_OF_RANGE;
        }
    } else { /* one rounding, from all 64 bits */
        const int64_t integer = value->as.integer;
        real = width == RV_FLOAT_SINGLE ? (double)(float)integer : (double)integer;
    }
    *value = rv_value_float(real);
    return RV_OK;
}

rv_status rv_float_cast(const rv_type *from, const rv_type *to, rv_arena *scratch,
                        rv_value *value) {
    RV_ASSERT(value->class_ == rv_type_class(from));
    if (rv_type_class(to) == RV_VALUE_FLOAT) {
        return to_float(from, rv_float_width_of(to->kind), value);
    }
    RV_ASSERT(value->class_ == RV_VALUE_FLOAT);
    return to->kind == RV_TYPE_NUMERIC
               ? to_numeric(rv_float_width_of(from->kind), value->as.real, to, scratch, value)
               : to_integer(value->as.real, to->kind, value);
}

double rv_float_of_number(const rv_type *type, const rv_value *value) {
    rv_value converted = *value;
    if (type->kind == RV_TYPE_NUMERIC) {
        uint8_t room[RV_DECIMAL_INT_PAIRS];
        const rv_decimal d = rv_numeric_load(type, value, room);
        double real = 0;
        if (of_decimal(&d, RV_FLOAT_DOUBLE, &real) != RV_FLOAT_OK && d.exponent > 0) {
            real = rv_float_of_bits(UINT64_C(0x7ff0000000000000));
            real = d.minus ? -real : real;
        }
        return real;
    }
    const rv_status status = to_float(type, RV_FLOAT_DOUBLE, &converted);
    RV_ASSERT(status == RV_OK && converted.class_ == RV_VALUE_FLOAT);
    return converted.as.real;
}
