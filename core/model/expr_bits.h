/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole numbers as bits, and their common divisors: & | # ~ << >>, gcd, lcm.
 */
#ifndef RV_MODEL_EXPR_BITS_H
#define RV_MODEL_EXPR_BITS_H

#include "core/model/expr_step.h"

/* True for the operations of this file. */
static inline bool rv_expr_is_bits(rv_expr_op op) {
    return op == RV_EXPR_BIT_NOT || (op >= RV_EXPR_BIT_AND && op <= RV_EXPR_LCM);
}

/* The type of the result of two operands. False: the operator has no meaning for them. */
bool rv_bits_result(rv_expr_op op, const rv_type *a, const rv_type *b, rv_type *result);

/* The operation of a step, on values that are not NULL, into *a; `b` is not read by ~.
 * RV_VALUE_OUT_OF_RANGE: gcd, lcm. */
RV_MUST_USE rv_status rv_expr_bits(const rv_expr_step *step, rv_value *a, const rv_value *b,
                                   rv_error *err);

#endif
