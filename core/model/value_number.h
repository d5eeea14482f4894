/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole and scaled numbers as text: the part of values that integers and numeric share. A numeric
 * is a 64-bit integer times 10^-scale; at most 18 digits, so that it and its sums fit.
 */
#ifndef RV_MODEL_VALUE_NUMBER_H
#define RV_MODEL_VALUE_NUMBER_H

#include "core/base/writer.h"

#define RV_NUMERIC_DIGITS_MAX 18u

/* NaN among scaled numerics: greater than all of them, as PostgreSQL orders it. */
#define RV_NUMERIC_NAN INT64_MAX

typedef enum rv_number_result {
    RV_NUMBER_OK,
    RV_NUMBER_INVALID, /* not a number at all */
    RV_NUMBER_TOO_LARGE
} rv_number_result;

/* 10^exponent; at most 18. */
int64_t rv_number_power(uint32_t exponent);

/* Text without white space around it. */
rv_bytes rv_number_trim(rv_bytes text);

/* A decimal taken apart: digits (with the point among them) and where the point belongs. */
typedef struct rv_number_parts {
    bool minus;
    rv_bytes digits; /* may have one point in it */
    int64_t point;   /* digits before the point, exponent applied; may be negative */
} rv_number_parts;

/* `[+-]digits[.digits][e[+-]digits]`, white space around it, of any length. RV_NUMBER_TOO_LARGE:
 * only the exponent is. */
rv_number_result rv_number_take_apart(rv_bytes text, rv_number_parts *parts);

/* `[+-]digits`, white space around it. */
rv_number_result rv_number_parse_int(rv_bytes text, int64_t *value);

/* `[+-]digits[.digits][e[+-]digits]`, white space around it, rounded half away from zero to `scale`
 * digits after the point (at most 18), below 10^precision. */
rv_number_result rv_number_parse_scaled(rv_bytes text, uint32_t precision, uint32_t scale,
                                        int64_t *value);

/* With exactly `scale` digits after the point. */
void rv_number_write_scaled(int64_t value, uint32_t scale, rv_writer *w);

/* From one scale to another, rounding half away from zero. False when it does not fit 64 bits. */
bool rv_number_rescale(int64_t value, uint32_t from, uint32_t to, int64_t *result);

/* The order of two numbers of two scales. */
int rv_number_compare(int64_t a, uint32_t a_scale, int64_t b, uint32_t b_scale);

#endif
