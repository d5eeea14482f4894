/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floats and their text, without the C library, equal in every build: PostgreSQL 15's output (the
 * shortest digits that read back as the same float) and correctly rounded input.
 *
 *     0.1  -2.5  1e+20  1e-05  Infinity  -Infinity  NaN  -0
 */
#ifndef RV_MODEL_FLOAT_H
#define RV_MODEL_FLOAT_H

#include "core/base/cursor.h"
#include "core/base/writer.h"

/* The digits that always suffice. */
#define RV_FLOAT_DIGITS_MAX 17u

/* The longest text of a float, as in -2.2250738585072014e-308. */
#define RV_FLOAT_TEXT_MAX 24u

typedef enum rv_float_width {
    RV_FLOAT_SINGLE, /* real: a double that a single can be */
    RV_FLOAT_DOUBLE
} rv_float_width;

typedef enum rv_float_result {
    RV_FLOAT_OK,
    RV_FLOAT_INVALID,     /* not a number at all */
    RV_FLOAT_OUT_OF_RANGE /* too large, or so small that it would be 0 */
} rv_float_result;

/*
 * `[+-]digits[.digits][e[+-]digits]`, or `[+-]` and one of inf, infinity, nan in any case; white
 * space around it. Rounded to the nearest float of the width, ties to even. Every byte is looked
 * at once; of the digits, the first 768 and whether any other is not 0 decide.
 */
rv_float_result rv_float_parse(rv_bytes text, rv_float_width width, double *value);

/* As PostgreSQL writes it with extra_float_digits = 1, its default. */
void rv_float_write(double value, rv_float_width width, rv_writer *w);

/* A finite number in `count` significant digits (at most 17), rounded, ties to even, without zeros
 * at its end, as in -1.5e+02: what PostgreSQL makes a numeric of, with 6 digits of a real and 15 of
 * a double. */
void rv_float_write_rounded(double value, uint32_t count, rv_writer *w);

static inline bool rv_float_is_nan(double v) {
    return v != v;
}

static inline bool rv_float_is_finite(double v) {
    return v - v == 0;
}

/* Equal floats made the same bits: -0 is 0, and there is one NaN. */
double rv_float_normal(double v);

/* The bits of the one NaN that is ever stored. */
#define RV_FLOAT_NAN_BITS        UINT64_C(0x7ff8000000000000)
#define RV_FLOAT_NAN_BITS_SINGLE UINT32_C(0x7fc00000)

uint64_t rv_float_bits(double v);
double rv_float_of_bits(uint64_t bits);

/* NaN after all numbers, equal to itself; -0 equal to 0. Negative, 0 or positive. */
int rv_float_compare(double a, double b);

/* To a whole number: the nearest, ties to even; down; up. NaN and infinities stay. */
double rv_float_round(double v);
double rv_float_floor(double v);
double rv_float_ceiling(double v);

/* The square root, rounded to the nearest; of a number below 0, NaN. Written out, because compilers
 * make a call of the C library's of their own one. */
double rv_float_root(double v);

/* The binary form: 4 bytes of a single, 8 of a double, little-endian; every NaN as the one.
 * Decoding sets `c->bad` when bytes are missing or hold another NaN. */
void rv_float_encode(double v, rv_float_width width, rv_writer *w);
double rv_float_decode(rv_float_width width, rv_cursor *c);

/* True for the bits of a double that the width has, and that are stored so. */
bool rv_float_bits_valid(uint64_t bits, rv_float_width width);

/* To the nearest single. False when it would overflow, or become 0 and was not. */
bool rv_float_to_single(double *v);

typedef enum rv_float_op {
    RV_FLOAT_ADD,
    RV_FLOAT_SUBTRACT,
    RV_FLOAT_MULTIPLY,
    RV_FLOAT_DIVIDE
} rv_float_op;

/* a op b, rounded to the width. False when finite operands overflow, or a product or a quotient
 * that is not 0 becomes 0; dividing a number by 0 is the caller's to refuse. */
bool rv_float_calculate(rv_float_op op, double a, double b, rv_float_width width, double *result);

#endif
