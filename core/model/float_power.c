/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Powers of floats, without the C library's pow, which is another one on every platform.
 *
 * The base is squared and multiplied with 256 bits; of the largest exponents that do not overflow,
 * 2^63, that leaves more than 190 right. What is cut off on the way only says that the number is
 * not exact, so that a tie is none. A power that is a tie between two doubles has 54 bits (and
 * zeros), and is exact.
 */
#include "core/model/float_power.h"

#include "core/base/assert.h"
#include "core/model/float.h"

#define LIMBS 8u
#define BITS  256
#define EXPONENT_END                                                                               \
    INT64_C(4096) /* a number beyond 2^this, or below its inverse, is no double                    \
                   */

/* The whole number of the limbs, whose highest bit is set, times 2^exponent. */
typedef struct wide {
    uint32_t limbs[LIMBS]; /* the lowest first */
    int64_t exponent;
    bool inexact; /* something below the lowest bit was cut off */
} wide;

static wide wide_of(double v) {
    const uint64_t bits = rv_float_bits(v);
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    const int64_t biased = (int64_t)(bits >> 52 & 0x7ff);
    wide w = {.exponent = (biased == 0 ? 1 : biased) - 1075 - (BITS - 64)};
    mantissa |= biased == 0 ? 0 : UINT64_C(1) << 52;
    RV_ASSERT(mantissa != 0 && biased < 0x7ff);
    while ((mantissa >> 63) == 0) {
        mantissa <<= 1;
        w.exponent -= 1;
    }
    w.limbs[LIMBS - 1] = (uint32_t)(mantissa >> 32);
    w.limbs[LIMBS - 2] = (uint32_t)mantissa;
    return w;
}

/* The place of the highest bit. */
static int64_t top_of(const wide *w) {
    RV_ASSERT((w->limbs[LIMBS - 1] >> 31) == 1);
    return w->exponent + BITS - 1;
}

static bool beyond(const wide *w) {
    return top_of(w) > EXPONENT_END || top_of(w) < -EXPONENT_END;
}

static void multiply(const wide *a, const wide *b, wide *result) {
    uint32_t product[2 * LIMBS] = {0};
    RV_ASSERT(!beyond(a) && !beyond(b));
    for (uint32_t i = 0; i < LIMBS; i++) {
        uint64_t carry = 0;
        for (uint32_t k = 0; k < LIMBS; k++) {
            carry += product[i + k] + (uint64_t)a->limbs[i] * b->limbs[k];
            product[i + k] = (uint32_t)carry;
            carry >>= 32;
        }
        product[i + LIMBS] = (uint32_t)carry;
    }
    wide w = {.exponent = a->exponent + b->exponent + BITS, .inexact = a->inexact || b->inexact};
    const uint32_t shift = (product[2 * LIMBS - 1] >> 31) == 1 ? 0 : 1;
    w.exponent -= shift;
    for (uint32_t i = 0; i < LIMBS; i++) {
        const uint64_t both = (uint64_t)product[LIMBS + i] << 32 | product[LIMBS + i - 1];
        w.limbs[i] = (uint32_t)(both << shift >> 32);
        const bool lowest = i == 0; /* of its neighbour a bit came up */
        const uint32_t left = lowest ? product[LIMBS - 1] << shift : product[i - 1];
        w.inexact = w.inexact || left != 0;
    }
    RV_ASSERT((w.limbs[LIMBS - 1] >> 31) == 1);
    *result = w;
}

/* rest = rest * 2 + bit; the bit that left it. */
static uint32_t shift_in(uint32_t *rest, uint32_t bit) {
    for (uint32_t i = 0; i < LIMBS; i++) {
        const uint32_t above = rest[i] >> 31;
        RV_ASSERT(bit <= 1);
        rest[i] = rest[i] << 1 | bit;
        bit = above;
    }
    return bit;
}

/* rest -= by, if it is not less, or has one more bit. */
static bool take_off(uint32_t *rest, uint32_t top, const uint32_t *by) {
    uint32_t less[LIMBS];
    uint64_t borrow = 0;
    RV_ASSERT(top <= 1);
    for (uint32_t i = 0; i < LIMBS; i++) {
        const uint64_t difference = (uint64_t)rest[i] - by[i] - borrow;
        less[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    if (borrow > top) {
        return false;
    }
    for (uint32_t i = 0; i < LIMBS; i++) {
        rest[i] = less[i];
    }
    return true;
}

/* 1 / w, by long division of 2^511: a bit at a time. */
static wide inverse_of(const wide *w) {
    wide q = {.exponent = -w->exponent - (2 * BITS - 1), .inexact = w->inexact};
    uint32_t rest[LIMBS] = {0};
    RV_ASSERT(!beyond(w));
    rest[LIMBS - 1] = UINT32_C(1) << 31; /* of 2^511 the first 256 bits */
    const bool high = take_off(rest, 0, w->limbs);
    for (uint32_t i = 0; i < BITS; i++) { /* the others are 0 */
        const uint32_t top = shift_in(rest, 0);
        const uint32_t out = shift_in(q.limbs, take_off(rest, top, w->limbs));
        RV_ASSERT(out == 0);
    }
    for (uint32_t i = 0; i < LIMBS; i++) {
        q.inexact = q.inexact || rest[i] != 0;
    }
    if (high) { /* w is a power of 2: so is q, of one bit more */
        q.limbs[LIMBS - 1] = UINT32_C(1) << 31;
        q.exponent += 1;
    }
    return q;
}

/* True when bit `at` of the limbs is set; `*below`: some bit below it is. */
static bool bit_at(const wide *w, int64_t at, bool *below) {
    RV_ASSERT(at >= 0 && at < BITS);
    const uint32_t limb = (uint32_t)(at / 32);
    const uint32_t bit = (uint32_t)(at % 32);
    *below = (w->limbs[limb] & ((UINT32_C(1) << bit) - 1)) != 0;
    for (uint32_t i = 0; i < limb; i++) {
        *below = *below || w->limbs[i] != 0;
    }
    return (w->limbs[limb] >> bit & 1) == 1;
}

/* To the nearest double. */
static double round_to_double(const wide *w) {
    const int64_t top = top_of(w);
    const int64_t kept = top >= -1022 ? 53 : 53 + (top + 1022);
    if (top > 1023) {
        return rv_float_of_bits(UINT64_C(0x7ff) << 52);
    }
    if (kept < 0) {
        return 0;
    }
    bool below = false;
    const bool half = bit_at(w, BITS - 1 - kept, &below);
    uint64_t mantissa = (uint64_t)w->limbs[LIMBS - 1] << 32 | w->limbs[LIMBS - 2];
    mantissa = kept == 0 ? 0 : mantissa >> (64 - kept);
    mantissa += half && (below || w->inexact || (mantissa & 1) == 1);
    RV_ASSERT(mantissa <= UINT64_C(1) << 53);
    /* a carry goes into the exponent, as it should */
    const uint64_t biased = top >= -1022 ? (uint64_t)(top + 1022) : 0;
    return rv_float_of_bits((biased << 52) + mantissa);
}

bool rv_float_is_whole(double v) {
    return rv_float_is_finite(v) && rv_float_floor(v) == v;
}

/* |base| ^ n. */
static double power_of(double base, uint64_t n, bool inverse) {
    const double infinity = rv_float_of_bits(UINT64_C(0x7ff) << 52);
    wide square = wide_of(base);
    wide power = wide_of(1);
    RV_ASSERT(n > 0 && base != 1);
    for (uint64_t rest = n; rest > 0; rest >>= 1) { /* at most 63 rounds */
        if ((rest & 1) == 1) {
            multiply(&power, &square, &power);
        }
        if (rest > 1 && !beyond(&power)) {
            multiply(&square, &square, &square);
        }
        if (beyond(&power) || beyond(&square)) { /* what follows goes further the same way */
            return (base > 1) != inverse ? infinity : 0;
        }
    }
    if (inverse) {
        power = inverse_of(&power);
    }
    return round_to_double(&power);
}

double rv_float_power(double base, double exponent) {
    const double absolute = base < 0 ? -base : base;
    const double count = exponent < 0 ? -exponent : exponent;
    const double limit = 9223372036854775808.0;
    RV_ASSERT(rv_float_is_finite(base) && base != 0 && rv_float_is_whole(exponent));
    if (count == 0 || absolute == 1) {
        const bool odd = count < limit && ((uint64_t)count & 1) == 1;
        return base < 0 && odd ? -1 : 1;
    }
    if (count >= limit) { /* even the nearest to 1 is out of range then */
        const bool large = (absolute > 1) == (exponent > 0);
        return large ? rv_float_of_bits(UINT64_C(0x7ff) << 52) : 0;
    }
    const uint64_t n = (uint64_t)count;
    const double power = power_of(absolute, n, exponent < 0);
    RV_ASSERT(power >= 0);
    return base < 0 && (n & 1) == 1 ? -power : power;
}
