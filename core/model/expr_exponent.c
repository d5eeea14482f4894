/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Powers of numerics whose exponents have a fraction, or are beyond 32 bits: e^(b * ln a), with
 * PostgreSQL 15's scale (power_var): 16 digits that matter, but no fewer after the point than base
 * or exponent have, and 1000 at most.
 *
 *     ln a     a = m * 100^k, 1 <= m < 100; six square roots bring m near 1, from where the series
 *              of the inverse hyperbolic tangent gains almost three digits a term
 *     e^y      (e^(y / n))^n with a whole n, so that |y / n| <= 1: that over 256 by the series,
 *              squared eight times, then raised like any power with a whole exponent
 *
 * All of it is sums, products, quotients and roots of decimals, rounded to so many digits that the
 * last one asked for is right but for the rarest of ties. The digits that are kept are bounded, and
 * so is the work: numbers that would need more are an RV_EXPRESSION_LIMIT.
 */
#include "core/base/assert.h"
#include "core/model/expr_numeric.h"

#define SIGNIFICANT_MIN 16   /* NUMERIC_MIN_SIG_DIGITS */
#define SCALE_SHOWN_MAX 1000 /* NUMERIC_MAX_DISPLAY_SCALE */
#define LOG_MAX         6000 /* of a result: three times NUMERIC_MAX_RESULT_SCALE */
#define DIGITS_MAX      900  /* that are kept after the point: roots have so many */
#define ROUGH_DIGITS    12   /* of the logarithm, to find the scale with */
#define GUARD_DIGITS    10   /* sums of up to 450 terms, 8 squarings, a factor of up to 6000 */
#define ROOTS           6    /* the last is below 1.075 */
#define HALVINGS        8
#define ROOM            512u /* pairs of a number here, but for the operands */

/* Where it is calculated: digits that are kept after the point, steps and memory. */
typedef struct place {
    int32_t digits;
    uint32_t *work;
    rv_arena *scratch;
    rv_error *err;
} place;

static rv_status refuse_length(rv_error *err) {
    RV_ASSERT(DIGITS_MAX <= SCALE_SHOWN_MAX);
    return rv_error_set(err, RV_EXPRESSION_LIMIT,
                        "a power with a fraction in its exponent takes more steps, or digits after "
                        "the point, than there are: %u and %u",
                        (uint64_t)RV_EXPR_STEPS_MAX, (uint64_t)DIGITS_MAX);
}

static rv_decimal one(void) {
    static const uint8_t pair = 1;
    return (rv_decimal){.kind = RV_DECIMAL_FINITE, .exponent = 1, .pairs = rv_bytes_of(&pair, 1)};
}

/* Scales are no matter on the way. */
static rv_status keep(const place *p, rv_status status, rv_decimal *d) {
    if (status == RV_OK) {
        status = rv_decimal_round(d, RV_DECIMAL_HALF_AWAY, p->digits, p->scratch, d);
    }
    d->scale = 0;
    RV_ASSERT(status != RV_END);
    return status;
}

/* Pays for an operation: at least a step, as there are many on short numbers. */
static rv_status charge(const place *p, rv_expr_op op, const rv_decimal *a, const rv_decimal *b) {
    RV_ASSERT(a->scale == 0 && b->scale == 0);
    const rv_status status = rv_numeric_charge(op, a, b, p->work, p->err);
    *p->work -= status == RV_OK && *p->work > 0;
    return status == RV_OK && *p->work == 0 ? refuse_length(p->err) : status;
}

static rv_status product(const place *p, const rv_decimal *a, const rv_decimal *b, rv_decimal *d) {
    const rv_status status = charge(p, RV_EXPR_MULTIPLY, a, b);
    RV_ASSERT(status != RV_END);
    return status == RV_OK ? keep(p, rv_decimal_multiply(a, b, p->scratch, d), d) : status;
}

static rv_status quotient(const place *p, const rv_decimal *a, const rv_decimal *b, rv_decimal *d) {
    const rv_status status = charge(p, RV_EXPR_DIVIDE, a, b);
    RV_ASSERT(b->pairs.len > 0);
    return status == RV_OK ? keep(p, rv_decimal_divide_to(a, b, p->digits, p->scratch, d), d)
                           : status;
}

/* Takes memory back to the mark; what is kept lies in its room from then on. */
static void release(const place *p, size_t mark, rv_decimal *d, uint8_t room[ROOM]) {
    RV_ASSERT(d->pairs.len <= ROOM);
    if (d->pairs.len > 0) {
        memmove(room, d->pairs.ptr, d->pairs.len);
    }
    d->pairs.ptr = room;
    rv_arena_reset(p->scratch, mark);
}

/* The sum of f, f^3 / 3, f^5 / 5 … for the logarithm (by 2), of 1, f, f^2 / 2, f^3 / 6 … for the
 * exponential (by 1): term times `factor`, over a number that goes on by so much. */
static rv_status series(const place *p, const rv_decimal *factor, rv_decimal *term, uint32_t by,
                        rv_decimal *sum) {
    uint8_t term_room[ROOM], sum_room[ROOM], number_room[RV_DECIMAL_INT_PAIRS];
    const size_t mark = rv_arena_mark(p->scratch);
    rv_status status = RV_OK;
    *sum = *term;
    for (uint32_t n = 1; status == RV_OK && term->pairs.len > 0; n += 1) { /* they dwindle */
        const rv_decimal number = rv_decimal_of_int((int64_t)n * by + (by - 1), 0, number_room);
        rv_decimal part;
        RV_ASSERT(n <= DIGITS_MAX);
        status = product(p, term, factor, term);
        status = status == RV_OK ? quotient(p, term, &number, &part) : status;
        if (status == RV_OK && by == 1) {
            *term = part;
        }
        status = status == RV_OK ? rv_decimal_add(sum, &part, p->scratch, sum) : status;
        if (status == RV_OK) {
            release(p, mark, term, term_room);
            release(p, mark, sum, sum_room);
        }
    }
    sum->pairs = status == RV_OK ? rv_arena_copy(p->scratch, sum->pairs) : sum->pairs;
    return status == RV_OK && sum->pairs.len > 0 && sum->pairs.ptr == NULL ? RV_MEMORY_EXHAUSTED
                                                                           : status;
}

/* --- the logarithm --- */

/* ln m, 1 <= m < 100. */
static rv_status log_of_small(const place *p, const rv_decimal *m, rv_decimal *log) {
    uint8_t room[ROOM], factor_room[RV_DECIMAL_INT_PAIRS];
    const rv_decimal factor = rv_decimal_of_int(INT64_C(2) << ROOTS, 0, factor_room);
    const rv_decimal unit = one();
    const size_t mark = rv_arena_mark(p->scratch);
    rv_decimal r = *m;
    rv_decimal above, below, square;
    rv_status status = RV_OK;
    RV_ASSERT(m->exponent == 1);
    for (unsigned i = 0; i < ROOTS && status == RV_OK; i += 1) {
        status = rv_numeric_root_to(&r, p->digits, p->work, p->scratch, &r, p->err);
        if (status == RV_OK) {
            r.scale = 0;
            release(p, mark, &r, room);
        }
    }
    status = status == RV_OK ? rv_decimal_subtract(&r, &unit, p->scratch, &above) : status;
    status = status == RV_OK ? rv_decimal_add(&r, &unit, p->scratch, &below) : status;
    status = status == RV_OK ? quotient(p, &above, &below, &r) : status;
    status = status == RV_OK ? product(p, &r, &r, &square) : status;
    status = status == RV_OK ? series(p, &square, &r, 2, log) : status;
    return status == RV_OK ? product(p, log, &factor, log) : status;
}

/* ln a; a is above 0. */
static rv_status log_of(const place *p, const rv_decimal *a, rv_decimal *log) {
    uint8_t ten_room[RV_DECIMAL_INT_PAIRS], times_room[RV_DECIMAL_INT_PAIRS];
    rv_decimal ten = rv_decimal_of_int(10, 0, ten_room);
    const rv_decimal times = rv_decimal_of_int(2 * ((int64_t)a->exponent - 1), 0, times_room);
    rv_decimal m = *a;
    rv_decimal more;
    RV_ASSERT(a->pairs.len > 0 && !a->minus);
    m.exponent = 1;
    m.scale = 0;
    if (m.pairs.len > (size_t)p->digits / 2 + 2) { /* the others are no matter */
        m.pairs.len = (size_t)p->digits / 2 + 2;
    }
    while (m.pairs.ptr[m.pairs.len - 1] == 0) { /* the first is not */
        m.pairs.len -= 1;
    }
    rv_status status = log_of_small(p, &m, log);
    if (status == RV_OK && times.pairs.len > 0) {
        status = log_of_small(p, &ten, &more);
        status = status == RV_OK ? product(p, &more, &times, &more) : status;
        status = status == RV_OK ? rv_decimal_add(log, &more, p->scratch, log) : status;
    }
    return status;
}

/* b * ln a. */
static rv_status log_of_power(const place *p, const rv_decimal *a, const rv_decimal *b,
                              rv_decimal *y) {
    rv_decimal exponent = *b;
    exponent.scale = 0;
    const rv_status status = log_of(p, a, y);
    RV_ASSERT(b->kind == RV_DECIMAL_FINITE);
    return status == RV_OK ? product(p, y, &exponent, y) : status;
}

/* --- the exponential --- */

/* e^f, -1 <= f <= 1. */
static rv_status exp_of_small(const place *p, const rv_decimal *f, rv_decimal *exp) {
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    const rv_decimal part = rv_decimal_of_int(INT64_C(1) << HALVINGS, 0, room);
    rv_decimal term = one();
    rv_decimal x;
    rv_status status = quotient(p, f, &part, &x);
    status = status == RV_OK ? series(p, &x, &term, 1, exp) : status;
    for (unsigned i = 0; i < HALVINGS && status == RV_OK; i += 1) {
        status = product(p, exp, exp, exp);
    }
    RV_ASSERT(status != RV_OK || exp->pairs.len > 0);
    return status;
}

/* --- the power --- */

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Digits before the point, about. */
static int64_t whole_digits(const rv_decimal *d) {
    return d->exponent > 0 ? 2 * (int64_t)d->exponent : 0;
}

/* The decimal weight of e^y, towards 0; false when that is beyond LOG_MAX. */
static bool weight_of(const place *p, const rv_decimal *y, int64_t *weight, rv_status *status) {
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    rv_decimal log10 = rv_decimal_of_int(INT64_C(434294481903252), 15, room);
    rv_decimal w;
    int64_t whole = 0;
    log10.scale = 0;
    const bool near = rv_decimal_to_int(y, 0, &whole) && whole < LOG_MAX && whole > -LOG_MAX;
    *status = near ? product(p, y, &log10, &w) : RV_OK;
    if (near && *status == RV_OK) {
        *status = rv_decimal_round(&w, RV_DECIMAL_TRUNCATE, 0, p->scratch, &w);
    }
    const bool fits = near && *status == RV_OK && rv_decimal_to_int(&w, 0, weight);
    RV_ASSERT(!fits || (*weight > -LOG_MAX && *weight < LOG_MAX));
    return fits;
}

/* e^y to a scale. */
static rv_status exp_of(const place *p, const rv_decimal *y, int64_t scale, rv_decimal *result) {
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    int64_t whole = 0;
    rv_decimal exp;
    const bool fits = rv_decimal_to_int(y, 0, &whole);
    const int64_t times = (whole < 0 ? -whole : whole) + 1;
    const rv_decimal parts = rv_decimal_of_int(times, 0, room);
    RV_ASSERT(fits && times <= LOG_MAX + 1);
    rv_decimal f;
    rv_status status = quotient(p, y, &parts, &f);
    status = status == RV_OK ? exp_of_small(p, &f, &exp) : status;
    return status == RV_OK ? rv_numeric_power_to(&exp, (int32_t)times, scale, p->work, p->scratch,
                                                 result, p->err)
                           : status;
}

rv_status rv_numeric_exponent(const rv_decimal *a, const rv_decimal *b, uint32_t *work,
                              rv_arena *scratch, rv_decimal *result, rv_error *err) {
    place p = {.work = work, .scratch = scratch, .err = err};
    int64_t weight = 0;
    rv_decimal y;
    RV_ASSERT(a->pairs.len > 0 && !a->minus && b->kind == RV_DECIMAL_FINITE);
    if (whole_digits(b) + ROUGH_DIGITS > DIGITS_MAX) {
        return refuse_length(err);
    }
    p.digits = (int32_t)whole_digits(b) + ROUGH_DIGITS;
    rv_status status = log_of_power(&p, a, b, &y);
    if (status != RV_OK) {
        return status;
    }
    if (!weight_of(&p, &y, &weight, &status)) {
        *result = rv_decimal_zero();
        result->scale = SCALE_SHOWN_MAX;
        return status == RV_OK && rv_decimal_sign(&y) > 0 ? RV_VALUE_OUT_OF_RANGE : status;
    }
    int64_t scale = larger(SIGNIFICANT_MIN - weight, 0);
    scale = larger(scale, larger((int64_t)a->scale, (int64_t)b->scale));
    scale = scale < SCALE_SHOWN_MAX ? scale : SCALE_SHOWN_MAX;
    const int64_t digits = larger(scale + weight, 0) + GUARD_DIGITS;
    if (digits + whole_digits(b) > DIGITS_MAX) {
        return refuse_length(err);
    }
    p.digits = (int32_t)(digits + whole_digits(b));
    status = log_of_power(&p, a, b, &y);
    return status == RV_OK ? exp_of(&p, &y, scale, result) : status;
}
