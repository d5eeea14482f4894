/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling calls: functions with a name, operators with a symbol, subscripts, array[…], any (…).
 */
#ifndef RV_MODEL_EXPR_CALLS_H
#define RV_MODEL_EXPR_CALLS_H

#include "core/model/expr_compile.h"

/* NULL when there is no such function. */
const rv_call_shape *rv_call_find(rv_bytes name);

/* The call of a frame of kind CALL: an argument is on top; and all are there. */
RV_MUST_USE rv_status rv_call_argument(rv_expr_parser *p, rv_expr_frame *frame);
RV_MUST_USE rv_status rv_call_end(rv_expr_parser *p, rv_expr_frame *frame);

/* True for an operator that is a call; || of arrays or jsonb is one. Its operands are on top. */
bool rv_call_is_operator(rv_expr_parser *p, const rv_expr_frame *frame);
RV_MUST_USE rv_status rv_call_operator(rv_expr_parser *p, const rv_expr_frame *frame);

/* array, number: on top; a jsonb takes a key too. */
RV_MUST_USE rv_status rv_call_subscript(rv_expr_parser *p, const rv_expr_frame *frame);
RV_MUST_USE rv_status rv_call_slice(rv_expr_parser *p, const rv_expr_frame *frame);

/* An element of array[…] is on top; and all are there. */
RV_MUST_USE rv_status rv_call_element(rv_expr_parser *p, rv_expr_frame *frame);
RV_MUST_USE rv_status rv_call_array_end(rv_expr_parser *p, rv_expr_frame *frame);

/* value, array: on top; the comparison is the frame's, for `all` when it is negated. */
RV_MUST_USE rv_status rv_call_any_end(rv_expr_parser *p, const rv_expr_frame *frame);

/* The item on top in lower case, for ilike. */
RV_MUST_USE rv_status rv_call_fold(rv_expr_parser *p, const rv_expr_frame *frame);

#endif
