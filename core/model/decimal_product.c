/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products and quotients of decimal numbers. Pairs are too small for that, so four of them are made
 * a limb, a digit to base 10^8 in 32 bits; limbs are aligned to the point as pairs are, and stand
 * with the least first.
 *
 *     123456.5    limbs 50000000 123456, the first has the place -1
 *
 * Division is Knuth's algorithm D (The Art of Computer Programming 2, 4.3.1) on limbs: the dividend
 * is extended to one digit more than the quotient shows, and what is cut decides the rounding.
 */
#include "core/base/assert.h"
#include "core/model/decimal.h"

#define LIMB_BASE  100000000u
#define LIMB_PAIRS 4

/* PostgreSQL's NUMERIC_MIN_SIG_DIGITS and NUMERIC_MAX_DISPLAY_SCALE. */
#define QUOTIENT_DIGITS_MIN 16
#define QUOTIENT_SCALE_MAX  1000

typedef struct limbs {
    uint32_t *ptr;
    size_t count;
    int32_t place; /* of the first: the number is limbs * 10^(8 place) */
} limbs;

static int32_t floor_div(int32_t a, int32_t b) {
    RV_ASSERT(b > 0);
    return a / b - (a % b < 0);
}

/* The places of a number's limbs: the lowest, and the one above the highest. */
static int32_t place_low(const rv_decimal *d) {
    return floor_div(d->exponent - (int32_t)d->pairs.len, LIMB_PAIRS);
}

static int32_t place_high(const rv_decimal *d) {
    return floor_div(d->exponent - 1, LIMB_PAIRS) + 1;
}

/* The limbs of |d| from `place` on, `count` of them; what lies below is cut. False: no memory. */
static bool to_limbs(const rv_decimal *d, int32_t place, size_t count, rv_arena *scratch,
                     limbs *result) {
    static const uint32_t weights[LIMB_PAIRS] = {1, 100, 10000, 1000000};
    uint32_t *ptr = rv_arena_take(scratch, count * sizeof *ptr);
    if (ptr == NULL) {
        return false;
    }
    for (size_t i = 0; i < d->pairs.len; i++) {
        const int64_t above = (int64_t)d->exponent - 1 - (int64_t)i - LIMB_PAIRS * (int64_t)place;
        if (above < 0) {
            break;
        }
        RV_ASSERT((uint64_t)above / LIMB_PAIRS < count);
        ptr[above / LIMB_PAIRS] += d->pairs.ptr[i] * weights[above % LIMB_PAIRS];
    }
    *result = (limbs){ptr, count, place};
    return true;
}

/* `pairs` has room for four a limb. */
static void to_pairs(const limbs *from, uint8_t *pairs, rv_decimal *d) {
    for (size_t i = 0; i < from->count; i++) {
        uint32_t limb = from->ptr[from->count - 1 - i];
        RV_ASSERT(limb < LIMB_BASE);
        for (size_t k = LIMB_PAIRS; k > 0; k--) {
            pairs[i * LIMB_PAIRS + k - 1] = (uint8_t)(limb % 100);
            limb /= 100;
        }
    }
    d->kind = RV_DECIMAL_FINITE;
    d->exponent = LIMB_PAIRS * (from->place + (int32_t)from->count);
    d->pairs = rv_bytes_of(pairs, from->count * LIMB_PAIRS);
}

static void multiply_limbs(const limbs *a, const limbs *b, limbs *product) {
    RV_ASSERT(product->count == a->count + b->count);
    for (size_t i = 0; i < a->count; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < b->count; j++) {
            const uint64_t sum = product->ptr[i + j] + (uint64_t)a->ptr[i] * b->ptr[j] + carry;
            product->ptr[i + j] = (uint32_t)(sum % LIMB_BASE);
            carry = sum / LIMB_BASE;
        }
        product->ptr[i + b->count] = (uint32_t)carry;
    }
    product->place = a->place + b->place;
}

/* Both are finite and not 0. */
static rv_status product_of(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                            rv_decimal *result) {
    const int32_t a_low = place_low(a);
    const int32_t b_low = place_low(b);
    const size_t a_count = (size_t)(place_high(a) - a_low);
    const size_t b_count = (size_t)(place_high(b) - b_low);
    RV_ASSERT(a_count > 0 && b_count > 0);
    uint8_t *pairs = rv_arena_take_raw(scratch, (a_count + b_count) * LIMB_PAIRS);
    const size_t mark = rv_arena_mark(scratch);
    limbs x;
    limbs y;
    limbs product = {.count = a_count + b_count};
    if (pairs == NULL || !to_limbs(a, a_low, a_count, scratch, &x) ||
        !to_limbs(b, b_low, b_count, scratch, &y)) {
        return RV_MEMORY_EXHAUSTED;
    }
    product.ptr = rv_arena_take(scratch, product.count * sizeof *product.ptr);
    if (product.ptr == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    multiply_limbs(&x, &y, &product);
    to_pairs(&product, pairs, result);
    rv_arena_reset(scratch, mark);
    return RV_OK;
}

/* What a product or quotient with an infinity or NaN is; `sign` is that of the finite result. */
static rv_decimal special_of(bool nan, int sign) {
    RV_ASSERT(sign >= -1 && sign <= 1);
    return (rv_decimal){.kind = nan || sign == 0 ? RV_DECIMAL_NAN
                                : sign > 0       ? RV_DECIMAL_INFINITY
                                                 : RV_DECIMAL_MINUS_INFINITY};
}

rv_status rv_decimal_multiply(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                              rv_decimal *result) {
    RV_ASSERT(a->kind <= RV_DECIMAL_NAN && b->kind <= RV_DECIMAL_NAN);
    if (a->kind != RV_DECIMAL_FINITE || b->kind != RV_DECIMAL_FINITE) {
        *result = special_of(a->kind == RV_DECIMAL_NAN || b->kind == RV_DECIMAL_NAN,
                             rv_decimal_sign(a) * rv_decimal_sign(b));
        return RV_OK;
    }
    rv_decimal product = rv_decimal_zero();
    rv_status status = RV_OK;
    if (a->pairs.len > 0 && b->pairs.len > 0) {
        status = product_of(a, b, scratch, &product);
    }
    product.scale = a->scale + b->scale;
    product.minus = a->minus != b->minus;
    if (status == RV_OK) {
        status = rv_decimal_settle(&product);
    }
    if (status == RV_OK) {
        *result = product;
    }
    return status;
}

/* --- division --- */

/* Multiplies by a small number; the limb above the last takes the carry and must be there. */
static void scale_limbs(const limbs *a, uint32_t by) {
    uint64_t carry = 0;
    RV_ASSERT(by > 0 && by < LIMB_BASE);
    for (size_t i = 0; i < a->count; i++) {
        const uint64_t product = (uint64_t)a->ptr[i] * by + carry;
        a->ptr[i] = (uint32_t)(product % LIMB_BASE);
        carry = product / LIMB_BASE;
    }
    RV_ASSERT(carry == 0);
}

/* Divides by one limb, in place; the quotient is given to *low, limb by limb, or stays in u. */
static uint32_t divide_by_limb(uint32_t *u, size_t count, uint32_t by) {
    uint64_t rest = 0;
    RV_ASSERT(by > 0);
    for (size_t i = count; i > 0; i--) {
        const uint64_t part = rest * LIMB_BASE + u[i - 1];
        u[i - 1] = (uint32_t)(part / by);
        rest = part % by;
    }
    RV_ASSERT(rest < by);
    return (uint32_t)rest;
}

/* u -= v * digit, over v's limbs and the one above. True when that was too much: it wrapped. */
static bool subtract_product(uint32_t *u, const limbs *v, uint64_t digit) {
    uint64_t carry = 0;
    uint32_t borrow = 0;
    RV_ASSERT(digit < LIMB_BASE);
    for (size_t i = 0; i <= v->count; i++) {
        const uint64_t product = (i < v->count ? v->ptr[i] * digit : 0) + carry;
        const uint32_t by = (uint32_t)(product % LIMB_BASE) + borrow;
        carry = product / LIMB_BASE;
        borrow = u[i] < by;
        u[i] = u[i] + (borrow > 0 ? LIMB_BASE : 0) - by;
    }
    RV_ASSERT(carry == 0);
    return borrow > 0;
}

static void add_back(uint32_t *u, const limbs *v) {
    uint32_t carry = 0;
    RV_ASSERT(v->count > 1);
    for (size_t i = 0; i <= v->count; i++) {
        const uint32_t sum = u[i] + (i < v->count ? v->ptr[i] : 0) + carry;
        carry = sum >= LIMB_BASE;
        u[i] = carry > 0 ? sum - LIMB_BASE : sum;
    }
}

/* The quotient's digit for the limbs at u, from the highest of both; at most one too large. */
static uint64_t estimate(const uint32_t *u, const limbs *v) {
    const size_t n = v->count;
    RV_ASSERT(n > 1);
    const uint64_t head = (uint64_t)u[n] * LIMB_BASE + u[n - 1];
    uint64_t digit = head / v->ptr[n - 1];
    uint64_t rest = head % v->ptr[n - 1];
    for (int i = 0; i < 2 && rest < LIMB_BASE; i++) {
        if (digit < LIMB_BASE && digit * v->ptr[n - 2] <= rest * LIMB_BASE + u[n - 2]) {
            break;
        }
        digit -= 1;
        rest += v->ptr[n - 1];
    }
    RV_ASSERT(digit < LIMB_BASE);
    return digit;
}

/*
 * u / v: the remainder's limbs become u's, the quotient's go to q, which has as many as u. u has a
 * highest limb that is 0, to begin with; v's highest is not 0. v is changed.
 */
static void divide_limbs(const limbs *u, const limbs *v, uint32_t *q) {
    const size_t n = v->count;
    RV_ASSERT(n > 0 && v->ptr[n - 1] > 0 && u->count > 0 && u->ptr[u->count - 1] == 0);
    memset(q, 0, u->count * sizeof *q);
    if (n == 1) {
        memcpy(q, u->ptr, u->count * sizeof *q);
        const uint32_t rest = divide_by_limb(q, u->count, v->ptr[0]);
        memset(u->ptr, 0, u->count * sizeof *q);
        u->ptr[0] = rest;
        return;
    }
    const uint32_t factor = LIMB_BASE / (v->ptr[n - 1] + 1);
    scale_limbs(u, factor);
    scale_limbs(v, factor);
    for (size_t j = u->count > n ? u->count - n : 0; j > 0; j--) {
        uint32_t *const at = u->ptr + j - 1;
        uint64_t digit = estimate(at, v);
        if (subtract_product(at, v, digit)) {
            digit -= 1;
            add_back(at, v);
        }
        q[j - 1] = (uint32_t)digit;
    }
    const uint32_t rest = divide_by_limb(u->ptr, u->count, factor);
    RV_ASSERT(rest == 0);
}

/* |a| / |b|: the quotient, or the rest, in limbs from `place` (of the quotient) on. Finite, not 0.
 */
static rv_status divide_cut(const rv_decimal *a, const rv_decimal *b, int32_t place, bool rest,
                            rv_arena *scratch, rv_decimal *result) {
    const int32_t b_low = rest && place_low(a) < place_low(b) ? place_low(a) : place_low(b);
    const int32_t a_low = b_low + place;
    const size_t b_count = (size_t)(place_high(b) - b_low);
    const size_t a_count = place_high(a) > a_low ? (size_t)(place_high(a) - a_low) + 1 : 1;
    RV_ASSERT(b_count > 0 && (!rest || place == 0));
    uint8_t *pairs = rv_arena_take_raw(scratch, a_count * LIMB_PAIRS);
    const size_t mark = rv_arena_mark(scratch);
    limbs u;
    limbs v;
    if (pairs == NULL || !to_limbs(a, a_low, a_count, scratch, &u) ||
        !to_limbs(b, b_low, b_count, scratch, &v)) {
        return RV_MEMORY_EXHAUSTED;
    }
    limbs q = {rv_arena_take_raw(scratch, a_count * sizeof *q.ptr), a_count, place};
    if (q.ptr == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    divide_limbs(&u, &v, q.ptr);
    to_pairs(rest ? &u : &q, pairs, result);
    rv_arena_reset(scratch, mark);
    return RV_OK;
}

/* The first digit to base 10000, and its place: what PostgreSQL's choice of the scale looks at. */
static int32_t first_digit(const rv_decimal *d, int32_t *weight) {
    if (d->pairs.len == 0) {
        *weight = 0;
        return 0;
    }
    RV_ASSERT(d->pairs.ptr[0] > 0);
    *weight = floor_div(d->exponent - 1, 2);
    const bool whole = d->exponent - 1 == 2 * *weight;
    return whole ? d->pairs.ptr[0]
                 : d->pairs.ptr[0] * 100 + (d->pairs.len > 1 ? d->pairs.ptr[1] : 0);
}

/* PostgreSQL's select_div_scale. */
static int32_t quotient_scale(const rv_decimal *a, const rv_decimal *b) {
    int32_t a_weight = 0;
    int32_t b_weight = 0;
    const int32_t a_first = first_digit(a, &a_weight);
    const int32_t b_first = first_digit(b, &b_weight);
    const int32_t weight = a_weight - b_weight - (a_first <= b_first);
    int32_t scale = QUOTIENT_DIGITS_MIN - 4 * weight;
    scale = scale > (int32_t)a->scale ? scale : (int32_t)a->scale;
    scale = scale > (int32_t)b->scale ? scale : (int32_t)b->scale;
    RV_ASSERT(b_first > 0);
    return scale < QUOTIENT_SCALE_MAX ? scale : QUOTIENT_SCALE_MAX;
}

/* a / b at a scale. */
static rv_status divide(const rv_decimal *a, const rv_decimal *b, rv_decimal_rounding how,
                        int32_t scale, rv_arena *scratch, rv_decimal *result) {
    RV_ASSERT(scale >= 0);
    RV_ASSERT(b->pairs.len > 0);
    rv_decimal quotient = rv_decimal_zero();
    if (a->pairs.len > 0) {
        if (a->exponent - b->exponent - 1 > (int32_t)RV_DECIMAL_WHOLE_MAX / 2) {
            return RV_VALUE_OUT_OF_RANGE;
        }
        const int32_t place = -(scale / (2 * LIMB_PAIRS) + 1); /* one digit more at least */
        const rv_status status = divide_cut(a, b, place, false, scratch, &quotient);
        if (status != RV_OK) {
            return status;
        }
        quotient.minus = a->minus != b->minus;
    }
    quotient.scale = 0; /* of what is cut, until it is rounded */
    rv_status status = rv_decimal_settle(&quotient);
    if (status == RV_OK) {
        status = rv_decimal_round(&quotient, how, scale, scratch, &quotient);
    }
    if (status == RV_OK) {
        *result = quotient;
    }
    return status;
}

/* Quotients with NaN, infinity and 0. True: there is nothing else to do. */
static bool divide_special(const rv_decimal *a, const rv_decimal *b, rv_status *status,
                           rv_decimal *result) {
    RV_ASSERT(a->kind <= RV_DECIMAL_NAN && b->kind <= RV_DECIMAL_NAN);
    *status = RV_OK;
    if (a->kind == RV_DECIMAL_NAN || b->kind == RV_DECIMAL_NAN) {
        *result = special_of(true, 0);
        return true;
    }
    if (rv_decimal_is_zero(b)) {
        *status = RV_DIVISION_BY_ZERO;
        return true;
    }
    if (a->kind != RV_DECIMAL_FINITE) {
        *result = special_of(b->kind != RV_DECIMAL_FINITE, rv_decimal_sign(a) * rv_decimal_sign(b));
        return true;
    }
    if (b->kind != RV_DECIMAL_FINITE) {
        *result = rv_decimal_zero();
        return true;
    }
    return false;
}

rv_status rv_decimal_divide(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                            rv_decimal *result) {
    rv_status status = RV_OK;
    RV_ASSERT(result != NULL);
    return divide_special(a, b, &status, result)
               ? status
               : divide(a, b, RV_DECIMAL_HALF_AWAY, quotient_scale(a, b), scratch, result);
}

rv_status rv_decimal_divide_to(const rv_decimal *a, const rv_decimal *b, int32_t scale,
                               rv_arena *scratch, rv_decimal *result) {
    rv_status status = RV_OK;
    RV_ASSERT(scale >= 0);
    if (divide_special(a, b, &status, result)) {
        return status;
    }
    return scale <= (int32_t)RV_DECIMAL_SCALE_MAX
               ? divide(a, b, RV_DECIMAL_HALF_AWAY, scale, scratch, result)
               : RV_VALUE_OUT_OF_RANGE;
}

rv_status rv_decimal_divide_whole(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                                  rv_decimal *result) {
    rv_status status = RV_OK;
    RV_ASSERT(result != NULL);
    return divide_special(a, b, &status, result)
               ? status
               : divide(a, b, RV_DECIMAL_TRUNCATE, 0, scratch, result);
}

rv_status rv_decimal_modulo(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                            rv_decimal *result) {
    rv_status status = RV_OK;
    RV_ASSERT(result != NULL);
    rv_decimal rest = *a;
    if (divide_special(a, b, &status, &rest)) {
        const bool infinite = a->kind != RV_DECIMAL_FINITE;
        if (status == RV_OK) {
            *result = infinite || b->kind == RV_DECIMAL_NAN ? special_of(true, 0) : *a;
        }
        return status;
    }
    if (a->pairs.len > 0) {
        status = divide_cut(a, b, 0, true, scratch, &rest);
        rest.minus = a->minus;
    }
    rest.scale = a->scale > b->scale ? a->scale : b->scale;
    if (status == RV_OK) {
        status = rv_decimal_settle(&rest);
    }
    if (status == RV_OK) {
        *result = rest;
    }
    return status;
}
