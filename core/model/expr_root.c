/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The square root of a numeric, with PostgreSQL's scale: 16 digits that matter, but no fewer after
 * the point than the number has, and 1000 at most.
 *
 * Newton's method, s = (s + x / s) / 2, begins with what a double gives and doubles the digits that
 * are right with each step. What comes out of it is rounded, and put right by squaring where that
 * went the other way: so the result is the root correctly rounded.
 */
#include "core/base/assert.h"
#include "core/model/expr_numeric.h"
#include "core/model/float.h"

#define SIGNIFICANT_MIN 16   /* NUMERIC_MIN_SIG_DIGITS */
#define SCALE_MAX       1000 /* NUMERIC_MAX_DISPLAY_SCALE */
#define GUARD_DIGITS    6
#define STEPS_MAX       16 /* of Newton: each doubles the digits */

static const uint8_t five_pairs[2] = {5, 50};

/* 5 * 10^-scale. */
static rv_decimal five_at(int64_t scale) {
    const bool even = scale % 2 == 0;
    RV_ASSERT(scale > 0 && scale <= SCALE_MAX + 1);
    return (rv_decimal){.kind = RV_DECIMAL_FINITE,
                        .scale = (uint32_t)scale,
                        .exponent = (int32_t)((even ? 2 - scale : 1 - scale) / 2),
                        .pairs = rv_bytes_of(&five_pairs[even ? 0 : 1], 1)};
}

static int64_t floor_half(int64_t a) {
    return a >= 0 ? a / 2 : -((1 - a) / 2);
}

/* The scale that PostgreSQL 15 gives the root of a number. */
static int64_t scale_of(const rv_decimal *a) {
    const int64_t weight = a->pairs.len == 0 ? 0 : floor_half((int64_t)a->exponent - 1);
    int64_t scale = SIGNIFICANT_MIN - (2 * weight + 1);
    RV_ASSERT(a->kind == RV_DECIMAL_FINITE);
    scale = scale > (int64_t)a->scale ? scale : (int64_t)a->scale;
    scale = scale > 0 ? scale : 0;
    return scale < SCALE_MAX ? scale : SCALE_MAX;
}

/* Some 15 digits of the root, from the first digits of the number. */
static rv_decimal root_of_first(const rv_decimal *a, uint8_t room[RV_DECIMAL_INT_PAIRS]) {
    const uint32_t count = (a->exponent & 1) == 0 ? 8 : 7; /* leaves an even power of 100 */
    double first = 0;
    for (uint32_t i = 0; i < count; i++) {
        first = first * 100 + (i < a->pairs.len ? a->pairs.ptr[i] : 0);
    }
    RV_ASSERT(first >= 1e12 && first < 1e16);
    rv_decimal root = rv_decimal_of_int((int64_t)(rv_float_root(first) * 1e8), 8, room);
    root.exponent += (a->exponent - (int32_t)count) / 2;
    root.scale = 0; /* scales are no matter on the way */
    return root;
}

/* s = (s + x / s) / 2, to a scale. */
static rv_status approach(const rv_decimal *x, int64_t scale, uint32_t *work, rv_arena *scratch,
                          rv_decimal *s, rv_error *err) {
    rv_decimal half = five_at(1);
    rv_decimal quotient;
    rv_status status = rv_numeric_charge(RV_EXPR_DIVIDE, x, s, work, err);
    RV_ASSERT(scale >= 0 && scale < (int64_t)RV_DECIMAL_SCALE_MAX);
    if (status == RV_OK) {
        status = rv_decimal_divide_to(x, s, (int32_t)scale + 1, scratch, &quotient);
    }
    if (status == RV_OK) {
        quotient.scale = 0;
        status = rv_decimal_add(s, &quotient, scratch, s);
    }
    half.scale = 0;
    if (status == RV_OK) {
        status = rv_decimal_multiply(s, &half, scratch, s);
    }
    if (status == RV_OK) {
        status = rv_decimal_round(s, RV_DECIMAL_HALF_AWAY, (int32_t)scale, scratch, s);
        s->scale = 0;
    }
    return status;
}

/* True in `*not_above` when (r + by)^2 <= x. */
static rv_status square_not_above(const rv_decimal *r, const rv_decimal *by, const rv_decimal *x,
                                  rv_arena *scratch, bool *not_above) {
    rv_decimal d;
    RV_ASSERT(not_above != NULL);
    rv_status status = rv_decimal_add(r, by, scratch, &d);
    if (status == RV_OK) {
        status = rv_decimal_multiply(&d, &d, scratch, &d);
    }
    *not_above = status == RV_OK && rv_decimal_compare(&d, x) <= 0;
    return status;
}

/* Puts a rounded root right, by one of its last digits at most. */
static rv_status put_right(const rv_decimal *x, int64_t scale, rv_arena *scratch, rv_decimal *r) {
    const rv_decimal half = five_at(scale + 1);
    const rv_decimal minus = rv_decimal_negate(&half);
    rv_decimal last;
    bool up = false;
    bool stays = true;
    rv_status status = rv_decimal_add(&half, &half, scratch, &last);
    RV_ASSERT(scale >= 0);
    if (status == RV_OK) {
        status = square_not_above(r, &half, x, scratch, &up);
    }
    if (status == RV_OK && !up && r->pairs.len > 0) {
        status = square_not_above(r, &minus, x, scratch, &stays);
    }
    if (status == RV_OK && up) {
        status = rv_decimal_add(r, &last, scratch, r);
    } else if (status == RV_OK && !stays) {
        status = rv_decimal_subtract(r, &last, scratch, r);
    }
    return status;
}

rv_status rv_numeric_root_to(const rv_decimal *a, int64_t scale, uint32_t *work, rv_arena *scratch,
                             rv_decimal *result, rv_error *err) {
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    rv_decimal x = *a;
    rv_decimal s = root_of_first(a, room);
    rv_status status = RV_OK;
    const int64_t fewest = SIGNIFICANT_MIN - (int64_t)a->exponent; /* s never becomes 0 */
    const int64_t wanted = scale + GUARD_DIGITS > fewest ? scale + GUARD_DIGITS : fewest;
    int64_t reached = 15 - (int64_t)a->exponent;
    x.scale = 0;
    for (unsigned i = 0; i < STEPS_MAX && reached < wanted && status == RV_OK; i++) {
        const int64_t digits = 2 * (reached + a->exponent) - 2;
        reached = digits - a->exponent < wanted ? digits - a->exponent : wanted;
        status = approach(&x, reached > 0 ? reached : 0, work, scratch, &s, err);
    }
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(reached >= wanted && s.pairs.len > 0);
    status = rv_decimal_round(&s, RV_DECIMAL_HALF_AWAY, (int32_t)scale, scratch, &s);
    if (status == RV_OK) {
        status = rv_numeric_charge(RV_EXPR_MULTIPLY, &s, &s, work, err);
    }
    if (status == RV_OK) {
        status = put_right(&x, scale, scratch, &s);
    }
    if (status == RV_OK) {
        status = rv_decimal_round(&s, RV_DECIMAL_TRUNCATE, (int32_t)scale, scratch, result);
    }
    return status;
}

rv_status rv_numeric_root(const rv_decimal *a, uint32_t *work, rv_arena *scratch,
                          rv_decimal *result, rv_error *err) {
    RV_ASSERT(a->kind == RV_DECIMAL_NAN || rv_decimal_sign(a) >= 0);
    if (a->kind != RV_DECIMAL_FINITE) {
        *result = *a;
        return RV_OK;
    }
    const int64_t scale = scale_of(a);
    if (a->pairs.len > 0) {
        return rv_numeric_root_to(a, scale, work, scratch, result, err);
    }
    *result = rv_decimal_zero();
    result->scale = (uint32_t)scale;
    RV_ASSERT(rv_decimal_is_zero(result));
    return RV_OK;
}
