/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal numbers as PostgreSQL 15's numeric has them: exact, with a display scale (the digits
 * shown after the point, zeros among them), NaN and both infinities.
 *
 * A number is digits to base 100, `pairs`, and where the point is:
 *
 *     1234.5      pairs 12 34 50, exponent 2, scale 1       0.pairs * 100^exponent
 *     0.007       pairs 70, exponent -1, scale 3
 *     0.00        no pairs, exponent 0, scale 2
 *
 * The first and the last pair are not 0, no digit lies behind the scale, and 0 has no sign; so each
 * (value, scale) has one form, in memory as in bytes. Pairs are aligned to the point, so order is
 * exponent first, then bytes. They are borrowed: from packed bytes, from a scratch arena.
 *
 * Numbers have at most RV_DECIMAL_WHOLE_MAX digits before the point and RV_DECIMAL_SCALE_MAX after
 * it; a result beyond that is RV_VALUE_OUT_OF_RANGE, never rounded to fit. Nothing here recurses or
 * takes memory but from the arena it is given. After an error `result` is as it was.
 *
 * Packed, as events and rows have it (docs/format/event.md):
 *
 *     varint    scale * 4 + 0 for 0 and above, 1 below 0; or 2, 6, 10 for NaN, infinity, -infinity
 *     svarint   exponent, then the pairs, a byte each; neither for 0
 */
#ifndef RV_MODEL_DECIMAL_H
#define RV_MODEL_DECIMAL_H

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/base/writer.h"

/* In their order. */
typedef enum rv_decimal_kind {
    RV_DECIMAL_MINUS_INFINITY,
    RV_DECIMAL_FINITE,
    RV_DECIMAL_INFINITY,
    RV_DECIMAL_NAN
} rv_decimal_kind;

typedef struct rv_decimal {
    rv_decimal_kind kind;
    bool minus;       /* finite, below 0 */
    uint32_t scale;   /* the rest is 0 when it is not finite */
    int32_t exponent; /* pairs before the point; negative: zeros after it */
    rv_bytes pairs;
} rv_decimal;

/* The pairs of any 64-bit integer at any scale up to 18. */
#define RV_DECIMAL_INT_PAIRS 11u

/* The longest packed form, and the longest text. */
#define RV_DECIMAL_PACKED_MAX (8u + (RV_DECIMAL_WHOLE_MAX + RV_DECIMAL_SCALE_MAX) / 2)
#define RV_DECIMAL_TEXT_MAX   (2u + RV_DECIMAL_WHOLE_MAX + RV_DECIMAL_SCALE_MAX)

/* --- decimal.c --- */

static inline rv_decimal rv_decimal_zero(void) {
    return (rv_decimal){.kind = RV_DECIMAL_FINITE, .scale = 0};
}

static inline bool rv_decimal_is_zero(const rv_decimal *d) {
    return d->kind == RV_DECIMAL_FINITE && d->pairs.len == 0;
}

/* -1, 0 or 1; NaN has 0. */
int rv_decimal_sign(const rv_decimal *d);

/* value * 10^-scale, scale at most 18; its pairs lie in `room`. */
rv_decimal rv_decimal_of_int(int64_t value, uint32_t scale, uint8_t room[RV_DECIMAL_INT_PAIRS]);

/* d * 10^scale, scale at most 18, rounded half away from zero. False when it is not finite or does
 * not fit. */
bool rv_decimal_to_int(const rv_decimal *d, uint32_t scale, int64_t *value);

/* The order by value: 1.0 equals 1.00; NaN is the greatest, and equal to itself. */
int rv_decimal_compare(const rv_decimal *a, const rv_decimal *b);

/* The same number with its sign turned, or taken off. */
rv_decimal rv_decimal_negate(const rv_decimal *d);
rv_decimal rv_decimal_absolute(const rv_decimal *d);

typedef enum rv_decimal_rounding {
    RV_DECIMAL_HALF_AWAY, /* from zero */
    RV_DECIMAL_TRUNCATE,
    RV_DECIMAL_FLOOR,  /* to scale 0 only */
    RV_DECIMAL_CEILING /* to scale 0 only */
} rv_decimal_rounding;

/* To `scale` digits after the point, which it then has; a negative one rounds to tens, hundreds …
 * NaN and infinities stay. RV_VALUE_OUT_OF_RANGE, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_decimal_round(const rv_decimal *d, rv_decimal_rounding how, int32_t scale,
                                       rv_arena *scratch, rv_decimal *result);

/* Makes it a numeric(precision,scale): rounded, below 10^(precision-scale). NaN is one, an infinity
 * is not. RV_VALUE_OUT_OF_RANGE, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_decimal_constrain(const rv_decimal *d, uint32_t precision, int32_t scale,
                                           rv_arena *scratch, rv_decimal *result);

/* True when it is a numeric(precision,scale) as it is; for precision 0, any numeric. */
bool rv_decimal_fits(const rv_decimal *d, uint32_t precision, int32_t scale);

/* The packed form, in the arena; ptr is NULL when it does not fit. */
rv_bytes rv_decimal_pack(const rv_decimal *d, rv_arena *arena);

/* Reads a packed form; the pairs are borrowed from it. False, with any contents of *d: it is not
 * the one form of a number within the limits. */
RV_MUST_USE bool rv_decimal_unpack(rv_bytes packed, rv_decimal *d);

/* What is the same for equal numbers of any scale, and differs for others, behind its length as a
 * varint: a byte of kind * 2 + minus; for a number but 0 the svarint exponent and the pairs. */
void rv_decimal_write_canonical(const rv_decimal *d, rv_writer *w);

/* What results are made of: pairs (each below 100) that may begin and end with zeros, a sign that
 * 0 may have. Makes it the one form. RV_VALUE_OUT_OF_RANGE: it is beyond the limits. */
RV_MUST_USE rv_status rv_decimal_settle(rv_decimal *d);

/* --- decimal_text.c --- */

/* As many digits after the point as the text has. */
#define RV_DECIMAL_ANY_SCALE INT32_MAX

/* PostgreSQL's text input: `[+-]digits[.digits][e[+-]digits]`, NaN, [+-]Infinity, [+-]inf, in any
 * case, white space around it; rounded half away from zero to `scale` unless that is
 * RV_DECIMAL_ANY_SCALE. RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_decimal_parse(rv_bytes text, int32_t scale, rv_arena *scratch,
                                       rv_decimal *result);

/* `-12.50`, `NaN`, `Infinity`; never an exponent. At most RV_DECIMAL_TEXT_MAX bytes. */
void rv_decimal_write(const rv_decimal *d, rv_writer *w);

/* --- decimal_sum.c; RV_VALUE_OUT_OF_RANGE, RV_MEMORY_EXHAUSTED --- */

/* The larger of both scales. */
RV_MUST_USE rv_status rv_decimal_add(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                                     rv_decimal *result);
RV_MUST_USE rv_status rv_decimal_subtract(const rv_decimal *a, const rv_decimal *b,
                                          rv_arena *scratch, rv_decimal *result);

/* --- decimal_product.c; RV_VALUE_OUT_OF_RANGE, RV_MEMORY_EXHAUSTED, and RV_DIVISION_BY_ZERO --- */

/* The sum of both scales. */
RV_MUST_USE rv_status rv_decimal_multiply(const rv_decimal *a, const rv_decimal *b,
                                          rv_arena *scratch, rv_decimal *result);

/* At least 16 significant digits and neither operand's scale less, as PostgreSQL chooses; at most
 * 1000 after the point; rounded half away from zero. */
RV_MUST_USE rv_status rv_decimal_divide(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                                        rv_decimal *result);

/* With so many digits after the point, at least 0, rounded half away from zero. */
RV_MUST_USE rv_status rv_decimal_divide_to(const rv_decimal *a, const rv_decimal *b, int32_t scale,
                                           rv_arena *scratch, rv_decimal *result);

/* The quotient without its digits after the point. */
RV_MUST_USE rv_status rv_decimal_divide_whole(const rv_decimal *a, const rv_decimal *b,
                                              rv_arena *scratch, rv_decimal *result);

/* The rest of that division: its sign is a's, its scale the larger of both. */
RV_MUST_USE rv_status rv_decimal_modulo(const rv_decimal *a, const rv_decimal *b, rv_arena *scratch,
                                        rv_decimal *result);

#endif
