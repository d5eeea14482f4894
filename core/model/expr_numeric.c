/* SPDX-License-Identifier: Apache-2.0 */
/* Numeric in expressions, evaluated: see expr_numeric.h. */
#include "core/model/expr_numeric.h"

#include "core/base/assert.h"
#include "core/model/value_numeric.h"
#include "core/model/value_text.h"

/* Products of two limbs (8 digits each) for the price of one step. */
#define PRODUCTS_A_STEP 64u

/* More digits than any number has, on either side of the point. */
#define DIGITS_ASKED_MAX 10000

static bool is_nan(const rv_type *type, const rv_value *value) {
    return type->kind == RV_TYPE_NUMERIC && value->class_ == RV_VALUE_INT &&
           value->as.integer == RV_NUMERIC_NAN;
}

static uint32_t scale_of(const rv_type *type) {
    RV_ASSERT(type->kind != RV_TYPE_NUMERIC || !rv_type_is_wide(type));
    return type->kind == RV_TYPE_NUMERIC ? (uint32_t)type->scale : 0;
}

int rv_numeric_order(const rv_type *a_type, const rv_value *a, const rv_type *b_type,
                     const rv_value *b) {
    RV_ASSERT(a->class_ != RV_VALUE_NULL && b->class_ != RV_VALUE_NULL);
    if (a->class_ == RV_VALUE_INT && b->class_ == RV_VALUE_INT) {
        const bool a_nan = is_nan(a_type, a);
        const bool b_nan = is_nan(b_type, b);
        if (a_nan || b_nan) {
            return (int)a_nan - (int)b_nan;
        }
        return rv_number_compare(a->as.integer, scale_of(a_type), b->as.integer, scale_of(b_type));
    }
    uint8_t room[2][RV_DECIMAL_INT_PAIRS];
    const rv_decimal x = rv_numeric_load(a_type, a, room[0]);
    const rv_decimal y = rv_numeric_load(b_type, b, room[1]);
    return rv_decimal_compare(&x, &y);
}

static rv_status fail(rv_status status, rv_error *err) {
    RV_ASSERT(status != RV_OK);
    if (status == RV_MEMORY_EXHAUSTED) {
        return rv_value_refuse_memory(err);
    }
    if (status == RV_VALUE_OUT_OF_RANGE) {
        (void)rv_error_set(err, status,
                           "the result is out of the range of numeric (%u digits before the point, "
                           "%u after it)",
                           (uint64_t)RV_DECIMAL_WHOLE_MAX, (uint64_t)RV_DECIMAL_SCALE_MAX);
        rv_error_fact_text(err, "value_type", RV_LITERAL("numeric"));
        return status;
    }
    RV_ASSERT(status == RV_DIVISION_BY_ZERO);
    return rv_error_set(err, status, "division by zero");
}

/* --- 64 bits --- */

/* A number in 64 bits, times 10^-scale. */
typedef struct scaled {
    int64_t number;
    uint32_t scale;
} scaled;

/* The result of scaled operands. False: it does not fit, or is a quotient. */
static bool calculate_scaled(const rv_expr_step *step, int64_t x, int64_t y, scaled *result) {
    const uint32_t x_scale = scale_of(&step->left);
    const uint32_t y_scale = scale_of(&step->right);
    const uint32_t scale = x_scale > y_scale ? x_scale : y_scale;
    RV_ASSERT(x != RV_NUMERIC_NAN || step->left.kind != RV_TYPE_NUMERIC);
    if (step->op == RV_EXPR_MULTIPLY) {
        result->scale = x_scale + y_scale;
        return result->scale <= RV_NUMERIC_DIGITS_MAX &&
               !__builtin_mul_overflow(x, y, &result->number);
    }
    result->scale = scale;
    if (!rv_number_rescale(x, x_scale, scale, &x) || !rv_number_rescale(y, y_scale, scale, &y)) {
        return false;
    }
    switch (step->op) {
    case RV_EXPR_ADD:
        return !__builtin_add_overflow(x, y, &result->number);
    case RV_EXPR_SUBTRACT:
        return !__builtin_sub_overflow(x, y, &result->number);
    case RV_EXPR_MODULO:
        RV_ASSERT(y != 0);
        result->number = y == -1 ? 0 : x % y;
        return true;
    default:
        return false;
    }
}

static scaled unary_scaled(rv_expr_op op, int64_t x, uint32_t scale) {
    const int64_t power = rv_number_power(scale);
    const int64_t rest = x % power;
    const int64_t whole = x / power;
    RV_ASSERT(x != INT64_MIN);
    switch (op) {
    case RV_EXPR_NEGATE:
        return (scaled){-x, scale};
    case RV_EXPR_ABSOLUTE:
        return (scaled){x < 0 ? -x : x, scale};
    case RV_EXPR_FLOOR:
        return (scaled){whole - (rest < 0), 0};
    case RV_EXPR_CEILING:
        return (scaled){whole + (rest > 0), 0};
    case RV_EXPR_ROUND:
        return (scaled){whole + (rest >= power - rest) - (-rest >= power + rest), 0};
    case RV_EXPR_TRUNCATE:
        return (scaled){whole, 0};
    default:
        RV_ASSERT(op == RV_EXPR_SIGN);
        return (scaled){(x > 0) - (x < 0), 0};
    }
}

/* --- decimals --- */

rv_status rv_numeric_charge(rv_expr_op op, const rv_decimal *a, const rv_decimal *b, uint32_t *work,
                            rv_error *err) {
    const uint64_t a_limbs = a->pairs.len / 4 + 1;
    const uint64_t b_limbs = b->pairs.len / 4 + 1;
    uint64_t price = (a_limbs + b_limbs) / PRODUCTS_A_STEP;
    RV_ASSERT(work != NULL);
    if (op == RV_EXPR_MULTIPLY) {
        price = a_limbs * b_limbs / PRODUCTS_A_STEP;
    } else if (op == RV_EXPR_DIVIDE || op == RV_EXPR_DIVIDE_WHOLE || op == RV_EXPR_MODULO) {
        const int64_t digits = 2 * ((int64_t)a->exponent - b->exponent) + 1000;
        price = (digits > 0 ? (uint64_t)digits / 8 + 1 : 1) * b_limbs / PRODUCTS_A_STEP;
    }
    if (price > *work) {
        return rv_error_set(err, RV_EXPRESSION_LIMIT,
                            "the expression takes more than %u steps on numbers of this length",
                            (uint64_t)RV_EXPR_STEPS_MAX);
    }
    *work -= (uint32_t)price;
    return RV_OK;
}

static rv_status round_to(const rv_expr_step *step, const rv_decimal *a, int64_t digits,
                          rv_arena *scratch, rv_decimal *d) {
    const int64_t max = DIGITS_ASKED_MAX;
    const int64_t scale = digits < -max ? -max : digits > max ? max : digits;
    RV_ASSERT(step->op == RV_EXPR_ROUND_TO || step->op == RV_EXPR_TRUNCATE_TO);
    return rv_decimal_round(
        a, step->op == RV_EXPR_ROUND_TO ? RV_DECIMAL_HALF_AWAY : RV_DECIMAL_TRUNCATE,
        (int32_t)scale, scratch, d);
}

static rv_status binary(const rv_expr_step *step, const rv_decimal *a, const rv_decimal *b,
                        rv_arena *scratch, rv_decimal *d) {
    switch (step->op) {
    case RV_EXPR_ADD:
        return rv_decimal_add(a, b, scratch, d);
    case RV_EXPR_SUBTRACT:
        return rv_decimal_subtract(a, b, scratch, d);
    case RV_EXPR_MULTIPLY:
        return rv_decimal_multiply(a, b, scratch, d);
    case RV_EXPR_DIVIDE:
        return rv_decimal_divide(a, b, scratch, d);
    case RV_EXPR_MODULO:
        return rv_decimal_modulo(a, b, scratch, d);
    default:
        RV_ASSERT(step->op == RV_EXPR_DIVIDE_WHOLE);
        return rv_decimal_divide_whole(a, b, scratch, d);
    }
}

static rv_status unary(rv_expr_op op, const rv_decimal *a, rv_arena *scratch, rv_decimal *d) {
    static const uint8_t one = 1;
    switch (op) {
    case RV_EXPR_NEGATE:
        *d = rv_decimal_negate(a);
        return RV_OK;
    case RV_EXPR_ABSOLUTE:
        *d = rv_decimal_absolute(a);
        return RV_OK;
    case RV_EXPR_SIGN: {
        const int sign = rv_decimal_sign(a);
        *d = rv_decimal_zero();
        if (a->kind == RV_DECIMAL_NAN) {
            *d = *a;
        } else if (sign != 0) {
            d->minus = sign < 0;
            d->exponent = 1;
            d->pairs = rv_bytes_of(&one, 1);
        }
        return RV_OK;
    }
    case RV_EXPR_FLOOR:
        return rv_decimal_round(a, RV_DECIMAL_FLOOR, 0, scratch, d);
    case RV_EXPR_CEILING:
        return rv_decimal_round(a, RV_DECIMAL_CEILING, 0, scratch, d);
    case RV_EXPR_ROUND:
        return rv_decimal_round(a, RV_DECIMAL_HALF_AWAY, 0, scratch, d);
    default:
        RV_ASSERT(op == RV_EXPR_TRUNCATE);
        return rv_decimal_round(a, RV_DECIMAL_TRUNCATE, 0, scratch, d);
    }
}

/* The operation on decimals. */
static rv_status calculate(const rv_expr_step *step, const rv_value *values, uint32_t *work,
                           rv_arena *scratch, rv_decimal *d, rv_error *err) {
    uint8_t room[2][RV_DECIMAL_INT_PAIRS];
    const rv_expr_op op = (rv_expr_op)step->op;
    const rv_decimal a = rv_numeric_load(&step->left, &values[0], room[0]);
    rv_decimal b = rv_decimal_zero();
    rv_status status = RV_OK;
    if (op == RV_EXPR_ROOT && rv_decimal_sign(&a) < 0) {
        return rv_error_set(err, RV_VALUE_OUT_OF_RANGE, "a negative number has no square root");
    }
    if (op == RV_EXPR_ROOT) {
        status = rv_numeric_root(&a, work, scratch, d, err);
        if (status == RV_EXPRESSION_LIMIT) {
            return status;
        }
    } else if (op <= RV_EXPR_SIGN) {
        status = unary(op, &a, scratch, d);
    } else if (op == RV_EXPR_ROUND_TO || op == RV_EXPR_TRUNCATE_TO) {
        RV_ASSERT(values[1].class_ == RV_VALUE_INT);
        status = round_to(step, &a, values[1].as.integer, scratch, d);
    } else {
        b = rv_numeric_load(&step->right, &values[1], room[1]);
        status = rv_numeric_charge(op, &a, &b, work, err);
        if (op == RV_EXPR_POWER && rv_decimal_is_zero(&a) && rv_decimal_sign(&b) < 0) {
            return rv_error_set(err, RV_VALUE_OUT_OF_RANGE,
                                "zero raised to a negative power is undefined");
        }
        if (op == RV_EXPR_POWER && rv_decimal_sign(&a) < 0 && b.kind == RV_DECIMAL_FINITE &&
            !rv_numeric_is_whole(&b)) {
            return rv_error_set(err, RV_VALUE_OUT_OF_RANGE,
                                "a negative number raised to a power with a fraction is no number");
        }
        if (status == RV_OK && op == RV_EXPR_POWER) {
            status = rv_numeric_power(&a, &b, work, scratch, d, err);
        } else if (status == RV_OK) {
            status = binary(step, &a, &b, scratch, d);
        }
        if (status == RV_EXPRESSION_LIMIT) {
            return status;
        }
    }
    if (status == RV_OK && d->pairs.len > 0 && d->pairs.len <= RV_DECIMAL_INT_PAIRS) {
        /* What is short may lie in `room`. */
        d->pairs = rv_arena_copy(scratch, d->pairs);
        status = d->pairs.ptr == NULL ? RV_MEMORY_EXHAUSTED : RV_OK;
    }
    return status == RV_OK ? RV_OK : fail(status, err);
}

/* In 64 bits, where operands and result are. True: it is done. */
static bool try_scaled(const rv_expr_step *step, const rv_value *values, scaled *result) {
    const rv_expr_op op = (rv_expr_op)step->op;
    RV_ASSERT(step->kind == RV_TYPE_NUMERIC);
    if (values[0].class_ != RV_VALUE_INT || is_nan(&step->left, &values[0]) || op == RV_EXPR_ROOT) {
        return false;
    }
    if (op <= RV_EXPR_SIGN) {
        if (values[0].as.integer == INT64_MIN) { /* a bigint */
            return false;
        }
        *result = unary_scaled(op, values[0].as.integer, scale_of(&step->left));
        return true;
    }
    if (op > RV_EXPR_MODULO || values[1].class_ != RV_VALUE_INT ||
        is_nan(&step->right, &values[1]) || (op == RV_EXPR_MODULO && values[1].as.integer == 0)) {
        return false;
    }
    return calculate_scaled(step, values[0].as.integer, values[1].as.integer, result);
}

/* The result as bytes. What the operation took of the arena before `mark` was lifted goes. */
static rv_status keep(const rv_decimal *d, size_t mark, rv_arena *scratch, rv_value *value,
                      rv_error *err) {
    const rv_bytes packed = rv_decimal_pack(d, scratch);
    RV_ASSERT(mark <= scratch->len);
    if (packed.ptr == NULL) {
        return rv_value_refuse_memory(err);
    }
    rv_arena_reset(scratch, mark);
    uint8_t *const kept = rv_arena_take_raw(scratch, packed.len);
    RV_ASSERT(kept != NULL && kept <= packed.ptr);
    memmove(kept, packed.ptr, packed.len);
    *value = rv_value_bytes(rv_bytes_of(kept, packed.len));
    return RV_OK;
}

rv_status rv_expr_numeric(const rv_expr_step *step, rv_value *values, uint32_t *work,
                          rv_arena *scratch, rv_error *err) {
    scaled number = {0, 0};
    rv_decimal d;
    uint8_t room[RV_DECIMAL_INT_PAIRS];
    const size_t mark = rv_arena_mark(scratch);
    RV_ASSERT(rv_expr_is_arithmetic((rv_expr_op)step->op));
    const bool is_scaled = try_scaled(step, values, &number);
    if (is_scaled && !step->flag) {
        RV_ASSERT(number.number > -RV_NUMERIC_NAN && number.number < RV_NUMERIC_NAN);
        values[0] = rv_value_int(number.number);
        return RV_OK;
    }
    if (is_scaled) {
        d = rv_decimal_of_int(number.number, number.scale, room);
    } else {
        const rv_status status = calculate(step, values, work, scratch, &d, err);
        if (status != RV_OK) {
            return status;
        }
    }
    if (!step->flag) {
        RV_ASSERT(d.kind == RV_DECIMAL_NAN); /* all else fits 64 bits, as the type says */
        rv_arena_reset(scratch, mark);
        values[0] = rv_value_int(RV_NUMERIC_NAN);
        return RV_OK;
    }
    return keep(&d, mark, scratch, &values[0], err);
}
