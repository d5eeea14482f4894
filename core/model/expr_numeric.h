/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric in expressions, with PostgreSQL's values and display scales. A scaled result (64 bits) is
 * chosen when the expression is compiled, where the operands' digits show that it always fits:
 *
 *     numeric(12,2) + numeric(12,2)     numeric(13,2)
 *     numeric(12,2) * 3                 numeric(13,2)
 *     numeric(12,2) * integer           numeric: 22 digits may be needed
 *     anything / numeric                numeric: the scale depends on the values
 *
 * Every other result is wide. It is calculated in 64 bits too, where the operands are scaled and
 * the result happens to fit, and as a decimal otherwise.
 */
#ifndef RV_MODEL_EXPR_NUMERIC_H
#define RV_MODEL_EXPR_NUMERIC_H

#include "core/model/decimal.h"
#include "core/model/expr_compile.h"

/* True for the operations of this file, when the step's kind is numeric. */
static inline bool rv_expr_is_arithmetic(rv_expr_op op) {
    return (op >= RV_EXPR_NEGATE && op <= RV_EXPR_ROOT) ||
           (op >= RV_EXPR_ADD && op <= RV_EXPR_TRUNCATE_TO);
}

/* --- compiling --- */

/* The type that a number's text has as a literal: numeric(p,s) with its digits, or numeric. For
 * what is no number too. */
rv_type rv_numeric_type_of_text(rv_bytes text);

/* The type of `item`, which is on top or (with one step above it) below, as narrow as its digits
 * allow: an integer type becomes a numeric of scale 0, of a constant's digits. */
rv_type rv_numeric_type_of_item(const rv_expr_parser *p, const rv_expr_item *item);

/* The type of an operator's result for two such types. */
rv_type rv_numeric_result(rv_expr_op op, const rv_type *a, const rv_type *b);

/* The numeric to which values of both types (integer or numeric) go without losing digits that are
 * shown: of their scale where it is one, else wide. */
rv_type rv_numeric_common(const rv_type *a, const rv_type *b);

/* round, trunc, floor, ceil, sign, sqrt of one argument, on top: RV_EXPR_FLOOR … RV_EXPR_ROOT. */
RV_MUST_USE rv_status rv_numeric_unary(rv_expr_parser *p, const rv_expr_frame *frame,
                                       rv_expr_op op);

/* div, round and trunc of two arguments, on top: RV_EXPR_DIVIDE_WHOLE … RV_EXPR_TRUNCATE_TO. */
RV_MUST_USE rv_status rv_numeric_binary(rv_expr_parser *p, const rv_expr_frame *frame,
                                        rv_expr_op op);

/* --- evaluating --- */

/* The arithmetic of a step of kind numeric, on values that are not NULL, into values[0]. `*work` is
 * what may still be done, in steps. Statuses of rv_expr_eval. */
RV_MUST_USE rv_status rv_expr_numeric(const rv_expr_step *step, rv_value *values, uint32_t *work,
                                      rv_arena *scratch, rv_error *err);

/* a ^ b; not 0 to a negative power, nor a number below 0 to one with a fraction.
 * RV_VALUE_OUT_OF_RANGE, RV_MEMORY_EXHAUSTED; RV_EXPRESSION_LIMIT, with the error set. */
RV_MUST_USE rv_status rv_numeric_power(const rv_decimal *a, const rv_decimal *b, uint32_t *work,
                                       rv_arena *scratch, rv_decimal *result, rv_error *err);

/* a ^ exponent to so many digits after the point, at most 1000; a is not 0. As above. */
RV_MUST_USE rv_status rv_numeric_power_to(const rv_decimal *a, int32_t exponent, int64_t scale,
                                          uint32_t *work, rv_arena *scratch, rv_decimal *result,
                                          rv_error *err);

/* a ^ b, as e^(b * ln a); a is above 0, both are finite. As above. */
RV_MUST_USE rv_status rv_numeric_exponent(const rv_decimal *a, const rv_decimal *b, uint32_t *work,
                                          rv_arena *scratch, rv_decimal *result, rv_error *err);

/* True when it has no digits after the point that are not 0. */
static inline bool rv_numeric_is_whole(const rv_decimal *d) {
    return d->pairs.len == 0 || (d->exponent > 0 && d->pairs.len <= (size_t)d->exponent);
}

/* The square root of what is not below 0, or NaN. RV_MEMORY_EXHAUSTED; RV_EXPRESSION_LIMIT, with
 * the error set. */
RV_MUST_USE rv_status rv_numeric_root(const rv_decimal *a, uint32_t *work, rv_arena *scratch,
                                      rv_decimal *result, rv_error *err);

/* The root of a number above 0 to so many digits after the point, at most 1000. As above. */
RV_MUST_USE rv_status rv_numeric_root_to(const rv_decimal *a, int64_t scale, uint32_t *work,
                                         rv_arena *scratch, rv_decimal *result, rv_error *err);

/* Pays for an operation before it is done. RV_EXPRESSION_LIMIT. */
RV_MUST_USE rv_status rv_numeric_charge(rv_expr_op op, const rv_decimal *a, const rv_decimal *b,
                                        uint32_t *work, rv_error *err);

/* The order of two numbers of integer types or numeric, not NULL. */
int rv_numeric_order(const rv_type *a_type, const rv_value *a, const rv_type *b_type,
                     const rv_value *b);

#endif
