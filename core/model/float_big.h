/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Natural numbers of up to 3,072 bits, exactly, in memory of a fixed size: what the printing and
 * parsing of floats needs where 64 bits do not decide. The largest that occurs is 5^1093 times 54
 * bits (2,592 bits), when 769 digits are compared with a midpoint near 10^-324.
 */
#ifndef RV_MODEL_FLOAT_BIG_H
#define RV_MODEL_FLOAT_BIG_H

#include "core/base/bytes.h"

#define RV_BIG_LIMBS 96u

typedef struct rv_big {
    uint32_t count; /* limbs in use; the highest of them is not 0 */
    uint32_t limbs[RV_BIG_LIMBS];
} rv_big;

/* Nothing is initialised beyond the limbs in use: a number costs what it is long. */
void rv_big_set(rv_big *big, uint64_t value);

/* big * factor + summand. */
void rv_big_multiply_add(rv_big *big, uint32_t factor, uint32_t summand);

/* big * 5^exponent. */
void rv_big_multiply_power5(rv_big *big, uint32_t exponent);

/* big * 2^bits. */
void rv_big_shift(rv_big *big, uint32_t bits);

/* Negative, 0 or positive. */
int rv_big_compare(const rv_big *a, const rv_big *b);

/* a + b; their order beside c: what tells whether digits are enough. */
int rv_big_compare_sum(const rv_big *a, const rv_big *b, const rv_big *c);

/* a - b, which must not be negative. */
void rv_big_subtract(rv_big *a, const rv_big *b);

#endif
