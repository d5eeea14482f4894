/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Powers of numerics with whole exponents, as PostgreSQL 15's power_var_int has them: with the
 * base's scale, but 16 to 1000 digits after the point. The others are in expr_exponent.c.
 *
 * First the decimal weight of the result is estimated in floating point (only sums, products and
 * comparisons of doubles, equal in every build), which says how many digits matter; then the base
 * is squared and multiplied, with a few more. On the way digits and the place of the point are kept
 * apart, so that what is raised to a negative power may be smaller than the limits allow.
 */
#include "core/base/assert.h"
#include "core/model/expr_numeric.h"

#define SCALE_MIN    16   /* NUMERIC_MIN_SIG_DIGITS */
#define SCALE_MAX    1000 /* NUMERIC_MAX_DISPLAY_SCALE */
#define GUARD_DIGITS 24   /* more than 31 squarings and products lose, or the estimate is off */

static const uint8_t one_pair = 1;

static rv_decimal one(void) {
    return (rv_decimal){
        .kind = RV_DECIMAL_FINITE, .exponent = 1, .pairs = rv_bytes_of(&one_pair, 1)};
}

/* --- the estimate --- */

/* m * 10^e, 1 <= m < 10. */
typedef struct rough {
    double m;
    int64_t e;
} rough;

/* Rounding may have made ten of what was less. */
static rough rough_normal(double m, int64_t e) {
    for (int i = 0; i < 2 && m >= 10; i++) {
        m /= 10;
        e += 1;
    }
    RV_ASSERT(m >= 1 && m < 10);
    return (rough){m, e};
}

static rough rough_of(const rv_decimal *d) {
    double m = 0;
    double power = 1;
    const size_t count = d->pairs.len < 8 ? d->pairs.len : 8;
    RV_ASSERT(count > 0);
    for (size_t i = 0; i < count; i++) {
        m = m * 100 + d->pairs.ptr[i];
        power = i == 0 ? 1 : power * 100;
    }
    const bool tens = d->pairs.ptr[0] >= 10;
    m = m / (tens ? power * 10 : power);
    return rough_normal(m, 2 * ((int64_t)d->exponent - 1) + tens);
}

static rough rough_product(rough a, rough b) {
    RV_ASSERT(a.m < 10 && b.m < 10);
    return rough_normal(a.m * b.m, a.e + b.e);
}

/* log10 of base^exponent, about. */
static int64_t weight_of(const rv_decimal *base, int32_t exponent) {
    rough square = rough_of(base);
    rough power = {1, 0};
    uint32_t rest = exponent < 0 ? ~(uint32_t)exponent + 1 : (uint32_t)exponent;
    for (; rest > 0; rest >>= 1) {
        power = (rest & 1) != 0 ? rough_product(power, square) : power;
        square = rough_product(square, square);
    }
    RV_ASSERT(power.m >= 1);
    return exponent < 0 ? -power.e : power.e;
}

/* --- the power --- */

typedef struct powering {
    int64_t digits; /* that are kept */
    uint32_t *work;
    rv_arena *scratch;
    rv_error *err;
} powering;

/* 0.pairs * 100^place: digits.exponent is no matter. */
typedef struct floating {
    rv_decimal digits;
    int64_t place;
} floating;

/* Two factors of this exponent have a product that the limits allow. */
#define EXPONENT 1020

/* a * b, with the digits that are kept. */
static rv_status multiply(const powering *p, const floating *a, const floating *b,
                          floating *product) {
    rv_status status = rv_numeric_charge(RV_EXPR_MULTIPLY, &a->digits, &b->digits, p->work, p->err);
    if (status != RV_OK) {
        return status;
    }
    rv_decimal x = a->digits;
    rv_decimal y = b->digits;
    rv_decimal xy;
    x.exponent = y.exponent = EXPONENT;
    x.scale = y.scale = 0; /* scales are no matter on the way */
    status = rv_decimal_multiply(&x, &y, p->scratch, &xy);
    if (status != RV_OK) {
        return status;
    }
    const int64_t place = a->place + b->place + xy.exponent - 2 * EXPONENT;
    const int64_t scale = p->digits - 4 * EXPONENT;
    RV_ASSERT(p->digits > 0 && scale <= (int64_t)RV_DECIMAL_SCALE_MAX);
    xy.exponent = 2 * EXPONENT;
    status = rv_decimal_round(&xy, RV_DECIMAL_HALF_AWAY, (int32_t)scale, p->scratch, &xy);
    *product = (floating){xy, place + xy.exponent - 2 * EXPONENT};
    return status;
}

/* base^exponent; the exponent is at least 1. */
static rv_status raise(const powering *p, const rv_decimal *base, uint32_t exponent,
                       floating *power) {
    floating square = {*base, base->exponent};
    rv_status status = RV_OK;
    RV_ASSERT(exponent > 0);
    *power = (exponent & 1) != 0 ? square : (floating){one(), 1};
    for (uint32_t rest = exponent >> 1; rest > 0 && status == RV_OK; rest >>= 1) {
        status = multiply(p, &square, &square, &square);
        if (status == RV_OK && (rest & 1) != 0) {
            status = multiply(p, power, &square, power);
        }
    }
    return status;
}

/* The power as a decimal. */
static rv_status power_settle(const powering *p, const floating *power, int64_t scale,
                              rv_decimal *result) {
    rv_decimal d = power->digits;
    RV_ASSERT(d.pairs.len > 0 && scale <= (int64_t)RV_DECIMAL_SCALE_MAX);
    if (power->place > (int64_t)RV_DECIMAL_WHOLE_MAX) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    RV_ASSERT(power->place > INT32_MIN);
    d.exponent = (int32_t)power->place;
    d.scale = 0;
    const rv_status status = rv_decimal_settle(&d);
    return status == RV_OK
               ? rv_decimal_round(&d, RV_DECIMAL_HALF_AWAY, (int32_t)scale, p->scratch, result)
               : status;
}

/* 1 / the power, as a decimal. */
static rv_status power_invert(const powering *p, const floating *power, int64_t scale,
                              rv_decimal *result) {
    rv_decimal below = power->digits;
    rv_decimal above = one();
    RV_ASSERT(below.pairs.len > 0);
    if (power->place < -(int64_t)RV_DECIMAL_WHOLE_MAX) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    RV_ASSERT(power->place < INT32_MAX);
    below.exponent = 0;
    below.scale = 0;
    above.exponent = 1 - (int32_t)power->place;
    const rv_status status = rv_numeric_charge(RV_EXPR_DIVIDE, &above, &below, p->work, p->err);
    return status == RV_OK
               ? rv_decimal_divide_to(&above, &below, (int32_t)scale, p->scratch, result)
               : status;
}

/* The scale that powers of a base have. */
static uint32_t scale_of(const rv_decimal *base) {
    const uint32_t scale = base->scale > SCALE_MIN ? base->scale : SCALE_MIN;
    RV_ASSERT(base->kind == RV_DECIMAL_FINITE);
    return scale < SCALE_MAX ? scale : SCALE_MAX;
}

/* Base and exponent are finite, the base is not 0. */
static rv_status power_of(const powering *given, const rv_decimal *base, int32_t exponent,
                          int64_t scale, rv_decimal *result) {
    const int64_t weight = weight_of(base, exponent);
    const rv_decimal unit = one();
    RV_ASSERT(base->pairs.len > 0);
    if (weight > (int64_t)RV_DECIMAL_WHOLE_MAX) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    if (weight + 2 < -scale || exponent == 0) {
        *result = exponent == 0 ? unit : rv_decimal_zero();
        result->scale = (uint32_t)scale;
        return RV_OK;
    }
    const uint32_t count = exponent < 0 ? ~(uint32_t)exponent + 1 : (uint32_t)exponent;
    powering p = *given;
    floating power;
    p.digits = scale + weight + GUARD_DIGITS;
    const rv_status status = raise(&p, base, count, &power);
    if (status != RV_OK) {
        return status;
    }
    return exponent < 0 ? power_invert(&p, &power, scale, result)
                        : power_settle(&p, &power, scale, result);
}

/* The whole number that an exponent is. */
static bool whole_of(const rv_decimal *d, int64_t *whole) {
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    if (!rv_decimal_to_int(d, 0, whole)) {
        return false;
    }
    const rv_decimal again = rv_decimal_of_int(*whole, 0, room);
    RV_ASSERT(again.kind == RV_DECIMAL_FINITE);
    return rv_decimal_compare(d, &again) == 0;
}

/* Powers with NaN and infinities, by the rules of pow() in POSIX. */
static rv_decimal special_power(const rv_decimal *a, const rv_decimal *b, bool odd) {
    const rv_decimal unit = one();
    const rv_decimal infinite = {.kind = RV_DECIMAL_INFINITY};
    RV_ASSERT(a->kind != RV_DECIMAL_FINITE || b->kind != RV_DECIMAL_FINITE);
    if (rv_decimal_is_zero(b) ||
        (a->kind == RV_DECIMAL_FINITE && rv_decimal_compare(a, &unit) == 0)) {
        return unit;
    }
    if (a->kind == RV_DECIMAL_NAN || b->kind == RV_DECIMAL_NAN) {
        return (rv_decimal){.kind = RV_DECIMAL_NAN};
    }
    const int sign = rv_decimal_sign(b);
    if (rv_decimal_is_zero(a)) {
        return rv_decimal_zero();
    }
    if (b->kind != RV_DECIMAL_FINITE) {
        const rv_decimal absolute = rv_decimal_absolute(a);
        const int order = rv_decimal_compare(&absolute, &unit);
        return order == 0 ? unit : (order > 0) == (sign > 0) ? infinite : rv_decimal_zero();
    }
    if (sign < 0) {
        return rv_decimal_zero();
    }
    return a->kind == RV_DECIMAL_MINUS_INFINITY && odd ? *a : infinite;
}

rv_status rv_numeric_power_to(const rv_decimal *a, int32_t exponent, int64_t scale, uint32_t *work,
                              rv_arena *scratch, rv_decimal *result, rv_error *err) {
    const powering p = {.work = work, .scratch = scratch, .err = err};
    RV_ASSERT(scale >= 0 && scale <= SCALE_MAX && a->kind == RV_DECIMAL_FINITE);
    return power_of(&p, a, exponent, scale, result);
}

/* A power whose exponent has a fraction, or is beyond 32 bits; the base is finite and not 0. */
static rv_status power_of_any(const powering *p, const rv_decimal *a, const rv_decimal *b,
                              rv_decimal *result) {
    const bool odd = b->exponent > 0 && b->pairs.len == (size_t)b->exponent &&
                     b->pairs.ptr[b->pairs.len - 1] % 2 == 1;
    const rv_decimal absolute = rv_decimal_absolute(a);
    RV_ASSERT(b->pairs.len > 0 && (!a->minus || rv_numeric_is_whole(b)));
    const rv_status status = rv_numeric_exponent(&absolute, b, p->work, p->scratch, result, p->err);
    result->minus = status == RV_OK && a->minus && odd && result->pairs.len > 0;
    return status;
}

rv_status rv_numeric_power(const rv_decimal *a, const rv_decimal *b, uint32_t *work,
                           rv_arena *scratch, rv_decimal *result, rv_error *err) {
    const powering p = {.work = work, .scratch = scratch, .err = err};
    int64_t exponent = 0;
    RV_ASSERT(!rv_decimal_is_zero(a) || rv_decimal_sign(b) >= 0);
    const bool whole = b->kind != RV_DECIMAL_FINITE || whole_of(b, &exponent);
    if (a->kind != RV_DECIMAL_FINITE || b->kind != RV_DECIMAL_FINITE) {
        *result = special_power(a, b, exponent % 2 != 0);
        return RV_OK;
    }
    const bool small = whole && exponent <= INT32_MAX && exponent >= INT32_MIN;
    if (a->pairs.len > 0 && !small) {
        return power_of_any(&p, a, b, result);
    }
    if (a->pairs.len > 0) {
        return power_of(&p, a, (int32_t)exponent, scale_of(a), result);
    }
    *result = whole && exponent == 0 ? one() : rv_decimal_zero();
    result->scale = small ? scale_of(a) : SCALE_MIN;
    return RV_OK;
}
