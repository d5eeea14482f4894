/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole numbers as bits. A shift uses the low five bits of its count (six for bigint), as
 * PostgreSQL's does on the machines that it runs on; a smallint is shifted as an integer and cut.
 * What is shifted out on the left is lost, on the right the sign comes in.
 */
#include "core/model/expr_bits.h"

#include "core/base/assert.h"
#include "core/model/value_text.h"

static bool is_integer(rv_type_kind kind) {
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
}

bool rv_bits_result(rv_expr_op op, const rv_type *a, const rv_type *b, rv_type *result) {
    RV_ASSERT(rv_expr_is_bits(op));
    if (!is_integer(a->kind) || !is_integer(b->kind)) {
        return false;
    }
    const bool shift = op == RV_EXPR_SHIFT_LEFT || op == RV_EXPR_SHIFT_RIGHT;
    const bool divisor = op == RV_EXPR_GCD || op == RV_EXPR_LCM;
    const rv_type_kind larger = a->kind > b->kind ? a->kind : b->kind;
    RV_ASSERT(larger <= RV_TYPE_BIGINT);
    *result = (rv_type){.kind = shift ? a->kind : larger};
    return !(shift && b->kind == RV_TYPE_BIGINT) && !(divisor && larger == RV_TYPE_SMALLINT);
}

static int64_t shift(const rv_expr_step *step, int64_t value, int64_t count) {
    const bool wide = step->kind == RV_TYPE_BIGINT;
    const uint32_t places = (uint32_t)count & (wide ? 63 : 31);
    RV_ASSERT(step->op == RV_EXPR_SHIFT_LEFT || step->op == RV_EXPR_SHIFT_RIGHT);
    RV_ASSERT(is_integer((rv_type_kind)step->kind));
    if (step->op == RV_EXPR_SHIFT_RIGHT) {
        return value < 0 ? ~(~value >> places) : value >> places;
    }
    const uint64_t left = (uint64_t)value << places;
    if (wide) {
        return (int64_t)left;
    }
    return step->kind == RV_TYPE_INTEGER ? (int32_t)(uint32_t)left : (int16_t)(uint16_t)left;
}

static uint64_t magnitude(int64_t value) {
    return value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
}

/* Euclid's algorithm; at most 93 rounds, which consecutive Fibonacci numbers need. */
static uint64_t divisor_of(uint64_t a, uint64_t b) {
    uint32_t rounds = 0;
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
        rounds++;
        RV_ASSERT(rounds <= 93);
    }
    return a;
}

static rv_status common_divisor(const rv_expr_step *step, int64_t x, int64_t y, int64_t *result,
                                rv_error *err) {
    const int64_t max = rv_integer_max((rv_type_kind)step->kind);
    const uint64_t a = magnitude(x);
    const uint64_t b = magnitude(y);
    uint64_t found = divisor_of(a, b);
    RV_ASSERT(step->op == RV_EXPR_GCD || step->op == RV_EXPR_LCM);
    bool fits = true;
    if (step->op == RV_EXPR_LCM) {
        fits = found == 0 || !__builtin_mul_overflow(a / found, b, &found);
    }
    if (!fits || found > (uint64_t)max) {
        const rv_bytes name = rv_bytes_of_string(max == INT32_MAX ? "integer" : "bigint");
        (void)rv_error_set(err, RV_VALUE_OUT_OF_RANGE, "the result is out of the range of %b",
                           &name);
        rv_error_fact_text(err, "value_type", name);
        return RV_VALUE_OUT_OF_RANGE;
    }
    *result = (int64_t)found;
    return RV_OK;
}

rv_status rv_expr_bits(const rv_expr_step *step, rv_value *a, const rv_value *b, rv_error *err) {
    RV_ASSERT(a->class_ == RV_VALUE_INT && rv_expr_is_bits((rv_expr_op)step->op));
    const int64_t x = a->as.integer;
    const int64_t y = step->op == RV_EXPR_BIT_NOT ? 0 : b->as.integer;
    int64_t result = 0;
    rv_status status = RV_OK;
    switch (step->op) {
    case RV_EXPR_BIT_NOT:
        result = ~x;
        break;
    case RV_EXPR_BIT_AND:
        result = x & y;
        break;
    case RV_EXPR_BIT_OR:
        result = x | y;
        break;
    case RV_EXPR_BIT_XOR:
        result = x ^ y;
        break;
    case RV_EXPR_SHIFT_LEFT:
    case RV_EXPR_SHIFT_RIGHT:
        result = shift(step, x, y);
        break;
    default:
        status = common_divisor(step, x, y, &result, err);
        break;
    }
    RV_ASSERT(status != RV_OK || (result >= rv_integer_min((rv_type_kind)step->kind) &&
                                  result <= rv_integer_max((rv_type_kind)step->kind)));
    if (status == RV_OK) {
        a->as.integer = result;
    }
    return status;
}
