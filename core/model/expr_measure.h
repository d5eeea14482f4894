/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures: the operators and functions of floats, dates, times and intervals, as one kind of step
 * (RV_EXPR_MEASURE) with the number of the call and of its operands. Which call an operator or a
 * name is follows from the types of its operands; what a call does is in expr_measure_float.c and
 * expr_measure_time.c.
 */
#ifndef RV_MODEL_EXPR_MEASURE_H
#define RV_MODEL_EXPR_MEASURE_H

#include "core/model/expr_compile.h"

typedef enum rv_measure {
    /* floats: `flag`: of real, else of double precision */
    RV_MEASURE_FLOAT_ADD,
    RV_MEASURE_FLOAT_SUBTRACT,
    RV_MEASURE_FLOAT_MULTIPLY,
    RV_MEASURE_FLOAT_DIVIDE,
    RV_MEASURE_FLOAT_NEGATE,
    RV_MEASURE_FLOAT_ABSOLUTE,
    RV_MEASURE_FLOAT_ROUND, /* from here to SQRT of any number, to double precision */
    RV_MEASURE_FLOAT_FLOOR,
    RV_MEASURE_FLOAT_CEILING,
    RV_MEASURE_FLOAT_TRUNCATE,
    RV_MEASURE_FLOAT_SIGN,
    RV_MEASURE_FLOAT_SQRT,
    RV_MEASURE_FLOAT_POWER, /* of two */
    /* times: `flag`: the operands stand the other way round */
    RV_MEASURE_MOMENT_ADD, /* date or timestamp, interval */
    RV_MEASURE_MOMENT_SUBTRACT,
    RV_MEASURE_MOMENT_DIFFERENCE,
    RV_MEASURE_DATE_AND_TIME,
    RV_MEASURE_TIME_ADD, /* time, interval */
    RV_MEASURE_TIME_SUBTRACT,
    RV_MEASURE_TIME_DIFFERENCE,
    RV_MEASURE_INTERVAL_ADD,
    RV_MEASURE_INTERVAL_SUBTRACT,
    RV_MEASURE_INTERVAL_MULTIPLY, /* interval, number */
    RV_MEASURE_INTERVAL_DIVIDE,
    RV_MEASURE_INTERVAL_NEGATE,
    RV_MEASURE_EXTRACT, /* text, what it is a part of */
    RV_MEASURE_DATE_PART,
    RV_MEASURE_DATE_TRUNC,
    RV_MEASURE_AGE,
    RV_MEASURE_JUSTIFY_HOURS,
    RV_MEASURE_JUSTIFY_DAYS,
    RV_MEASURE_JUSTIFY_INTERVAL,
    RV_MEASURE_IS_FINITE,
    RV_MEASURE_TO_TIMESTAMP,
    RV_MEASURE_MAKE_DATE,
    RV_MEASURE_MAKE_TIME,
    RV_MEASURE_MAKE_TIMESTAMP,
    RV_MEASURE_MAKE_INTERVAL
} rv_measure;

/* --- expr_measure.c: compiling --- */

/* Gives an untyped operand the type that the other one's operator needs. */
RV_MUST_USE rv_status rv_measure_adopt(rv_expr_parser *p, const rv_expr_frame *frame,
                                       rv_expr_item *a, rv_expr_item *b);

/* The operator of the two items on top, when it is a call; *found: it was, and was emitted. */
RV_MUST_USE rv_status rv_measure_binary(rv_expr_parser *p, const rv_expr_frame *frame, bool *found);

/* NEGATE or ABSOLUTE of the item on top. */
RV_MUST_USE rv_status rv_measure_unary(rv_expr_parser *p, rv_expr_op op, bool *found);

/* A function of this file by its name; NULL when there is none. */
const rv_expr_function *rv_measure_function(rv_bytes name);

/* An argument is on top, the `nth` from 0: gives it the parameter's type. */
RV_MUST_USE rv_status rv_measure_argument(rv_expr_parser *p, const rv_expr_frame *frame,
                                          uint32_t nth);

/* The call is complete. */
RV_MUST_USE rv_status rv_measure_end(rv_expr_parser *p, const rv_expr_frame *frame);

/* round, floor, ceil, trunc, sign of one float or integer, which are of double precision, and abs
 * of a float; *found: the frame is one, and was emitted. */
RV_MUST_USE rv_status rv_measure_rounding(rv_expr_parser *p, const rv_expr_frame *frame,
                                          bool *found);

/* Parses what no other operand begins with: `date '2020-01-01'`, `extract (field from`,
 * `current_date`. *found: one of them was there. *operand: an operand must still come. */
RV_MUST_USE rv_status rv_measure_parse(rv_expr_parser *p, bool *found, bool *operand);

/* --- evaluating --- */

/* A call on values that are not NULL, into values[0]. Statuses of rv_expr_eval. */
RV_MUST_USE rv_status rv_expr_measure(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                                      rv_error *err);

/* --- expr_measure_float.c, expr_measure_time.c --- */

/* An operand as a double. RV_VALUE_OUT_OF_RANGE: a numeric that is none. */
RV_MUST_USE rv_status rv_measure_real(const rv_type *type, const rv_value *value, double *real,
                                      rv_error *err);
RV_MUST_USE rv_status rv_measure_float(const rv_expr_step *step, rv_value *values, rv_error *err);
RV_MUST_USE rv_status rv_measure_time(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                                      rv_error *err);

#endif
