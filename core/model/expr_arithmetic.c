/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic and order of expressions. Integers are checked against the width of the result's type;
 * numerics have a file of their own (expr_numeric.c); dates count in days. Operands of two
 * types are compared as they are, without casts: numbers by value, dates as the midnight they begin
 * with, char(n) without the spaces at its end.
 */
#include "core/base/assert.h"
#include "core/model/expr_numeric.h"
#include "core/model/interval.h"
#include "core/model/value_cast_float.h"
#include "core/model/value_text.h"
#include "core/model/value_time.h"

static bool is_integer(rv_type_kind kind) {
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
}

static bool is_number(rv_type_kind kind) {
    return is_integer(kind) || kind == RV_TYPE_NUMERIC;
}

static bool is_float(rv_type_kind kind) {
    return kind == RV_TYPE_REAL || kind == RV_TYPE_DOUBLE;
}

static bool is_moment(rv_type_kind kind) {
    return kind == RV_TYPE_DATE || kind == RV_TYPE_TIMESTAMP || kind == RV_TYPE_TIMESTAMPTZ;
}

/* A time of day beside an interval is one from midnight. */
static bool is_span(rv_type_kind a, rv_type_kind b) {
    return (a == RV_TYPE_TIME && b == RV_TYPE_INTERVAL) ||
           (a == RV_TYPE_INTERVAL && b == RV_TYPE_TIME);
}

static rv_interval span_of(const rv_type *type, const rv_value *value) {
    RV_ASSERT(type->kind == RV_TYPE_TIME || type->kind == RV_TYPE_INTERVAL);
    return type->kind == RV_TYPE_TIME ? (rv_interval){0, 0, value->as.integer}
                                      : rv_interval_load(value->as.bytes);
}

bool rv_expr_comparable(const rv_type *a, const rv_type *b) {
    RV_ASSERT(rv_type_supported(a) && rv_type_supported(b));
    if (a->kind == RV_TYPE_JSON || (a->kind == RV_TYPE_ARRAY && a->element == RV_TYPE_JSON)) {
        return false; /* a json is a text, of which many mean the same */
    }
    if (a->kind == RV_TYPE_ARRAY && a->element != b->element) {
        return false; /* as in PostgreSQL: a cast makes them alike */
    }
    const bool a_number = is_number(a->kind) || is_float(a->kind);
    return rv_type_fits(a, b) || (a_number && (is_number(b->kind) || is_float(b->kind))) ||
           (is_moment(a->kind) && is_moment(b->kind)) || is_span(a->kind, b->kind);
}

/* A date as the timestamp it begins with; beyond the range of timestamps, as far as it goes. */
static int64_t timestamp_of(const rv_type *type, int64_t value) {
    int64_t us = 0;
    RV_ASSERT(is_moment(type->kind));
    if (type->kind != RV_TYPE_DATE || value == RV_TIME_INFINITY ||
        value == RV_TIME_MINUS_INFINITY) {
        return value;
    }
    return __builtin_mul_overflow(value, RV_DAY_US, &us) ? INT64_MAX - 1 : us;
}

int rv_expr_compare(const rv_type *a_type, const rv_value *a, const rv_type *b_type,
                    const rv_value *b) {
    RV_ASSERT(!rv_value_is_null(a) && !rv_value_is_null(b));
    RV_ASSERT(rv_expr_comparable(a_type, b_type));
    if (is_float(a_type->kind) || is_float(b_type->kind)) {
        return rv_float_compare(rv_float_of_number(a_type, a), rv_float_of_number(b_type, b));
    }
    if (is_number(a_type->kind)) {
        return rv_numeric_order(a_type, a, b_type, b);
    }
    if (is_moment(a_type->kind) && a_type->kind != b_type->kind) {
        const int64_t x = timestamp_of(a_type, a->as.integer);
        const int64_t y = timestamp_of(b_type, b->as.integer);
        return (x > y) - (x < y);
    }
    if (is_span(a_type->kind, b_type->kind)) {
        return rv_interval_compare(span_of(a_type, a), span_of(b_type, b));
    }
    if (a_type->kind != b_type->kind) {
        /* varchar beside char is compared as char is; text beside char, as text. */
        const bool padded = a_type->kind != RV_TYPE_TEXT && b_type->kind != RV_TYPE_TEXT &&
                            (a_type->kind == RV_TYPE_CHAR || b_type->kind == RV_TYPE_CHAR);
        const rv_bytes x = a->as.bytes;
        const rv_bytes y = b->as.bytes;
        return rv_bytes_compare(padded || a_type->kind == RV_TYPE_CHAR ? rv_text_trim_end(x) : x,
                                padded || b_type->kind == RV_TYPE_CHAR ? rv_text_trim_end(y) : y);
    }
    return rv_value_compare(a_type, a, b);
}

static rv_status refuse_range(rv_type_kind kind, rv_error *err) {
    const rv_type type = {.kind = kind};
    uint8_t name[32];
    rv_writer w = rv_writer_over(name, sizeof name);
    rv_type_write(&type, &w);
    const rv_bytes text = rv_writer_bytes(&w);
    RV_ASSERT(text.len > 0 && !w.full);
    (void)rv_error_set(err, RV_VALUE_OUT_OF_RANGE, "the result is out of the range of %b", &text);
    rv_error_fact_text(err, "value_type", text);
    return RV_VALUE_OUT_OF_RANGE;
}

static bool in_range(rv_type_kind kind, int64_t value) {
    RV_ASSERT(is_integer(kind) || is_moment(kind));
    return is_integer(kind) ? value >= rv_integer_min(kind) && value <= rv_integer_max(kind)
                            : rv_time_in_range(kind, value);
}

/* Days plus, minus days: infinity stays, two of them have no difference. */
static bool add_days(const rv_expr_step *step, int64_t x, int64_t y, int64_t *result) {
    const bool subtract = step->op == RV_EXPR_SUBTRACT;
    RV_ASSERT(subtract || step->op == RV_EXPR_ADD);
    const bool x_infinite =
        step->left.kind == RV_TYPE_DATE && (x == RV_TIME_INFINITY || x == RV_TIME_MINUS_INFINITY);
    const bool y_infinite =
        step->right.kind == RV_TYPE_DATE && (y == RV_TIME_INFINITY || y == RV_TIME_MINUS_INFINITY);
    if (x_infinite || y_infinite) {
        *result = x_infinite ? x : y;
        return step->kind == RV_TYPE_DATE;
    }
    *result = subtract ? x - y : x + y; /* both are far from 2^63 */
    return step->kind != RV_TYPE_DATE || (*result >= RV_DATE_MIN && *result <= RV_DATE_MAX);
}

/* Division rounds toward zero; the remainder has the sign of the dividend. */
static bool divide(rv_expr_op op, int64_t x, int64_t y, int64_t *result) {
    RV_ASSERT(y != 0);
    RV_ASSERT(op == RV_EXPR_DIVIDE || op == RV_EXPR_MODULO);
    if (y == -1) {
        *result = 0;
        return op == RV_EXPR_MODULO || !__builtin_sub_overflow(0, x, result);
    }
    *result = op == RV_EXPR_DIVIDE ? x / y : x % y;
    return true;
}

rv_status rv_expr_arithmetic(const rv_expr_step *step, rv_value *a, const rv_value *b,
                             rv_error *err) {
    RV_ASSERT(step->op >= RV_EXPR_ADD && step->op <= RV_EXPR_MODULO);
    RV_ASSERT(a->class_ == RV_VALUE_INT && b->class_ == RV_VALUE_INT);
    const rv_type_kind kind = (rv_type_kind)step->kind;
    const int64_t x = a->as.integer;
    const int64_t y = b->as.integer;
    int64_t result = 0;
    bool fits = true;
    if (step->left.kind == RV_TYPE_DATE || step->right.kind == RV_TYPE_DATE) {
        fits = add_days(step, x, y, &result);
    } else {
        if (y == 0 && (step->op == RV_EXPR_DIVIDE || step->op == RV_EXPR_MODULO)) {
            return rv_error_set(err, RV_DIVISION_BY_ZERO, "division by zero");
        }
        if (step->op == RV_EXPR_ADD) {
            fits = !__builtin_add_overflow(x, y, &result);
        } else if (step->op == RV_EXPR_SUBTRACT) {
            fits = !__builtin_sub_overflow(x, y, &result);
        } else if (step->op == RV_EXPR_MULTIPLY) {
            fits = !__builtin_mul_overflow(x, y, &result);
        } else {
            fits = divide((rv_expr_op)step->op, x, y, &result);
        }
    }
    if (!fits || !in_range(kind, result)) {
        return refuse_range(kind, err);
    }
    a->as.integer = result;
    return RV_OK;
}

rv_status rv_expr_arithmetic_unary(const rv_expr_step *step, rv_value *a, rv_error *err) {
    RV_ASSERT(a->class_ == RV_VALUE_INT);
    const rv_type_kind kind = (rv_type_kind)step->kind;
    const int64_t x = a->as.integer;
    RV_ASSERT(step->op == RV_EXPR_NEGATE || step->op == RV_EXPR_ABSOLUTE);
    if (step->op == RV_EXPR_ABSOLUTE && x >= 0) {
        return RV_OK;
    }
    if (x == INT64_MIN || !in_range(kind, -x)) {
        return refuse_range(kind, err);
    }
    a->as.integer = -x;
    return RV_OK;
}
