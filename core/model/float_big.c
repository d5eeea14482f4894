/* SPDX-License-Identifier: Apache-2.0 */
/* Natural numbers in limbs of 32 bits, the lowest first: products fit 64 bits on every machine. */
#include "core/model/float_big.h"

#include "core/base/assert.h"

#define POWER5_13 UINT32_C(1220703125) /* the largest power of 5 in a limb */

static void drop_zeros(rv_big *big) {
    RV_ASSERT(big->count <= RV_BIG_LIMBS);
    while (big->count > 0 && big->limbs[big->count - 1] == 0) {
        big->count -= 1;
    }
}

void rv_big_set(rv_big *big, uint64_t value) {
    RV_ASSERT(big != NULL);
    big->limbs[0] = (uint32_t)value;
    big->limbs[1] = (uint32_t)(value >> 32);
    big->count = 2;
    drop_zeros(big);
}

void rv_big_multiply_add(rv_big *big, uint32_t factor, uint32_t summand) {
    uint64_t carry = summand;
    RV_ASSERT(factor > 0);
    for (uint32_t i = 0; i < big->count; i++) {
        carry += (uint64_t)big->limbs[i] * factor;
        big->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry > 0) {
        RV_ASSERT(big->count < RV_BIG_LIMBS);
        big->limbs[big->count++] = (uint32_t)carry;
    }
}

void rv_big_multiply_power5(rv_big *big, uint32_t exponent) {
    RV_ASSERT(exponent < 1200);
    for (; exponent >= 13; exponent -= 13) {
        rv_big_multiply_add(big, POWER5_13, 0);
    }
    uint32_t rest = 1;
    for (; exponent > 0; exponent--) {
        rest *= 5;
    }
    RV_ASSERT(rest < POWER5_13);
    rv_big_multiply_add(big, rest, 0);
}

void rv_big_shift(rv_big *big, uint32_t bits) {
    const uint32_t whole = bits / 32;
    RV_ASSERT(big->count + whole < RV_BIG_LIMBS);
    rv_big_multiply_add(big, UINT32_C(1) << (bits % 32), 0);
    if (whole > 0 && big->count > 0) {
        RV_ASSERT(big->count + whole <= RV_BIG_LIMBS);
        memmove(big->limbs + whole, big->limbs, big->count * sizeof big->limbs[0]);
        memset(big->limbs, 0, whole * sizeof big->limbs[0]);
        big->count += whole;
    }
}

int rv_big_compare(const rv_big *a, const rv_big *b) {
    RV_ASSERT(a->count <= RV_BIG_LIMBS && b->count <= RV_BIG_LIMBS);
    if (a->count != b->count) {
        return a->count > b->count ? 1 : -1;
    }
    for (uint32_t i = a->count; i > 0; i--) {
        if (a->limbs[i - 1] != b->limbs[i - 1]) {
            return a->limbs[i - 1] > b->limbs[i - 1] ? 1 : -1;
        }
    }
    return 0;
}

int rv_big_compare_sum(const rv_big *a, const rv_big *b, const rv_big *c) {
    rv_big sum;
    const uint32_t count = a->count > b->count ? a->count : b->count;
    uint64_t carry = 0;
    RV_ASSERT(count < RV_BIG_LIMBS);
    for (uint32_t i = 0; i < count; i++) {
        carry += i < a->count ? a->limbs[i] : 0;
        carry += i < b->count ? b->limbs[i] : 0;
        sum.limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    sum.limbs[count] = (uint32_t)carry;
    sum.count = count + 1;
    drop_zeros(&sum);
    return rv_big_compare(&sum, c);
}

void rv_big_subtract(rv_big *a, const rv_big *b) {
    uint64_t borrow = 0;
    RV_ASSERT(a->count >= b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        const uint64_t less = (i < b->count ? b->limbs[i] : 0) + borrow;
        borrow = a->limbs[i] < less;
        a->limbs[i] = (uint32_t)(a->limbs[i] - less);
    }
    RV_ASSERT(borrow == 0);
    drop_zeros(a);
}
