/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums and differences of decimal numbers, straight on the pairs: the operands are laid over each
 * other by the place of their points, with one pair in front for the carry.
 */
#include "core/base/assert.h"
#include "core/model/decimal.h"

/* The pairs of both: where they begin (the greatest exponent) and how many there are. */
typedef struct span {
    int32_t top;
    size_t count;
} span;

static span span_of(const rv_decimal *a, const rv_decimal *b) {
    RV_ASSERT(a->pairs.len > 0 && b->pairs.len > 0);
    const int32_t a_end = a->exponent - (int32_t)a->pairs.len;
    const int32_t b_end = b->exponent - (int32_t)b->pairs.len;
    const int32_t top = a->exponent > b->exponent ? a->exponent : b->exponent;
    const int32_t end = a_end < b_end ? a_end : b_end;
    RV_ASSERT(top > end);
    return (span){top, (size_t)(top - end)};
}

/* Adds b's pairs to `out`, whose first pair has the place `top`. */
static void add_pairs(uint8_t *out, int32_t top, const rv_decimal *b) {
    size_t at = (size_t)(top - b->exponent) + b->pairs.len;
    uint8_t carry = 0;
    RV_ASSERT(top > b->exponent);
    for (size_t i = b->pairs.len; i > 0 || carry > 0;) {
        RV_ASSERT(at > 0);
        at -= 1;
        i -= i > 0;
        const bool inside = at >= (size_t)(top - b->exponent);
        const uint8_t sum = (uint8_t)(out[at] + (inside ? b->pairs.ptr[i] : 0) + carry);
        carry = sum >= 100;
        out[at] = carry > 0 ? sum - 100 : sum;
    }
}

/* Takes b's pairs off `out`, which is the larger number. */
static void subtract_pairs(uint8_t *out, int32_t top, const rv_decimal *b) {
    size_t at = (size_t)(top - b->exponent) + b->pairs.len;
    uint8_t borrow = 0;
    RV_ASSERT(top > b->exponent);
    for (size_t i = b->pairs.len; i > 0 || borrow > 0;) {
        RV_ASSERT(at > 0);
        at -= 1;
        i -= i > 0;
        const bool inside = at >= (size_t)(top - b->exponent);
        const uint8_t by = (uint8_t)((inside ? b->pairs.ptr[i] : 0) + borrow);
        borrow = out[at] < by;
        out[at] = (uint8_t)(out[at] + (borrow > 0 ? 100 : 0) - by);
    }
}

/* Both are finite and not 0. */
static rv_status sum_of(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                        rv_decimal *sum) {
    const span over = span_of(a, b);
    uint8_t *out = rv_arena_take(scratch, over.count + 1);
    if (out == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    const int32_t top = over.top + 1;
    const rv_decimal a_plus = rv_decimal_absolute(a);
    const rv_decimal b_plus = rv_decimal_absolute(b);
    const bool swap = a->minus != b->minus && rv_decimal_compare(&a_plus, &b_plus) < 0;
    const rv_decimal *const first = swap ? b : a;
    const rv_decimal *const second = swap ? a : b;
    memcpy(out + (top - first->exponent), first->pairs.ptr, first->pairs.len);
    if (a->minus == b->minus) {
        add_pairs(out, top, second);
    } else {
        subtract_pairs(out, top, second);
    }
    RV_ASSERT(out[0] <= 1);
    *sum = (rv_decimal){.kind = RV_DECIMAL_FINITE,
                        .minus = first->minus,
                        .exponent = top,
                        .pairs = rv_bytes_of(out, over.count + 1)};
    return RV_OK;
}

rv_status rv_decimal_add(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                         rv_decimal *result) {
    RV_ASSERT(a->kind <= RV_DECIMAL_NAN && b->kind <= RV_DECIMAL_NAN);
    rv_decimal sum = a->kind == RV_DECIMAL_FINITE ? *b : *a;
    if (a->kind != RV_DECIMAL_FINITE || b->kind != RV_DECIMAL_FINITE) {
        const bool both = a->kind != RV_DECIMAL_FINITE && b->kind != RV_DECIMAL_FINITE;
        if (both && a->kind != b->kind) {
            sum.kind = RV_DECIMAL_NAN; /* one is, or they are both infinities */
        }
        *result = sum;
        return RV_OK;
    }
    rv_status status = RV_OK;
    if (a->pairs.len == 0 || b->pairs.len == 0) {
        sum = a->pairs.len == 0 ? *b : *a;
    } else {
        status = sum_of(a, b, scratch, &sum);
    }
    sum.scale = a->scale > b->scale ? a->scale : b->scale;
    if (status == RV_OK) {
        status = rv_decimal_settle(&sum);
    }
    if (status == RV_OK) {
        *result = sum;
    }
    return status;
}

rv_status rv_decimal_subtract(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                              rv_decimal *result) {
    const rv_decimal minus_b = rv_decimal_negate(b);
    RV_ASSERT(minus_b.scale == b->scale);
    RV_ASSERT(result != NULL);
    return rv_decimal_add(a, &minus_b, scratch, result);
}
