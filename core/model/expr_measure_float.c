/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on floats: PostgreSQL's arithmetic, with its errors where IEEE 754 would go on. */
#include "core/base/assert.h"
#include "core/model/expr_measure.h"
#include "core/model/float_power.h"
#include "core/model/value_cast_float.h"

static rv_status calculate(const rv_expr_step *step, double a, double b, double *result,
                           rv_error *err) {
    const rv_float_op op = (rv_float_op)(step->target - RV_MEASURE_FLOAT_ADD);
    RV_ASSERT(op <= RV_FLOAT_DIVIDE);
    if (op == RV_FLOAT_DIVIDE && b == 0 && !rv_float_is_nan(a)) {
        return rv_error_set(err, RV_DIVISION_BY_ZERO, "division by zero");
    }
    if (!rv_float_calculate(op, a, b, step->flag ? RV_FLOAT_SINGLE : RV_FLOAT_DOUBLE, result)) {
        return rv_error_set(err, RV_VALUE_OUT_OF_RANGE,
                            "the result is too large, or too near to 0, for %s",
                            step->flag ? "real" : "double precision");
    }
    return RV_OK;
}

rv_status rv_measure_real(const rv_type *type, const rv_value *value, double *real, rv_error *err) {
    static const rv_type to = {.kind = RV_TYPE_DOUBLE};
    rv_value converted = *value;
    if (rv_float_cast(type, &to, NULL, &converted) != RV_OK) {
        return rv_error_set(err, RV_VALUE_OUT_OF_RANGE,
                            "the number is too large, or too near to 0, for double precision");
    }
    RV_ASSERT(converted.class_ == RV_VALUE_FLOAT);
    *real = converted.as.real;
    return RV_OK;
}

static double infinity_of(bool minus) {
    const double infinity = rv_float_of_bits(UINT64_C(0x7ff) << 52);
    RV_ASSERT(!rv_float_is_finite(infinity));
    return minus ? -infinity : infinity;
}

/* Powers with an infinity, as POSIX has them. */
static double infinite_power(double a, double b, bool odd) {
    const double absolute = a < 0 ? -a : a;
    RV_ASSERT(!rv_float_is_finite(a) || !rv_float_is_finite(b));
    if (b == 0 || (absolute == 1 && !rv_float_is_finite(b))) {
        return 1;
    }
    const bool large = rv_float_is_finite(b) ? b > 0 : (absolute > 1) == (b > 0);
    const bool minus = odd && a < 0;
    return large ? infinity_of(minus) : minus ? -0.0 : 0;
}

/* PostgreSQL's dpow, of whole exponents. */
static rv_status power(double a, double b, double *result, rv_error *err) {
    const bool whole = rv_float_is_whole(b);
    const bool odd = whole && b - 2 * rv_float_floor(b / 2) == 1;
    if (rv_float_is_nan(a) || rv_float_is_nan(b)) {
        *result = b == 0 || a == 1 ? 1 : rv_float_of_bits(RV_FLOAT_NAN_BITS);
        return RV_OK;
    }
    RV_ASSERT(!odd || whole);
    if (a == 0 && b < 0) {
        return rv_error_set(err, RV_VALUE_OUT_OF_RANGE,
                            "zero raised to a negative power is undefined");
    }
    if (a < 0 && !whole && rv_float_is_finite(b)) {
        return rv_error_set(err, RV_VALUE_OUT_OF_RANGE,
                            "a negative number raised to a power with a fraction is no number");
    }
    if (!rv_float_is_finite(a) || !rv_float_is_finite(b)) {
        *result = infinite_power(a, b, odd);
        return RV_OK;
    }
    if (a == 0 || a == 1) {
        *result = b == 0 ? 1 : a == 1 || odd ? a : 0;
        return RV_OK;
    }
    if (!whole) {
        return rv_error_set(err, RV_UNSUPPORTED,
                            "powers with a fraction in the exponent are not in this version");
    }
    *result = rv_float_power(a, b);
    return *result != 0 && rv_float_is_finite(*result)
               ? RV_OK
               : rv_error_set(err, RV_VALUE_OUT_OF_RANGE,
                              "the result is too large, or too near to 0, for double precision");
}

rv_status rv_measure_float(const rv_expr_step *step, rv_value *values, rv_error *err) {
    double a = 0;
    double b = 0;
    rv_status status = rv_measure_real(&step->left, &values[0], &a, err);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(step->target <= RV_MEASURE_FLOAT_POWER);
    switch ((rv_measure)step->target) {
    case RV_MEASURE_FLOAT_NEGATE:
        a = rv_float_is_nan(a) ? a : -a;
        break;
    case RV_MEASURE_FLOAT_ABSOLUTE:
        a = a < 0 || a == 0 ? 0 - a : a;
        break;
    case RV_MEASURE_FLOAT_ROUND:
        a = rv_float_round(a);
        break;
    case RV_MEASURE_FLOAT_FLOOR:
        a = rv_float_floor(a);
        break;
    case RV_MEASURE_FLOAT_CEILING:
        a = rv_float_ceiling(a);
        break;
    case RV_MEASURE_FLOAT_TRUNCATE:
        a = a >= 0 ? rv_float_floor(a) : -rv_float_floor(-a);
        break;
    case RV_MEASURE_FLOAT_SIGN:
        a = a > 0 ? 1 : a < 0 ? -1 : 0;
        break;
    case RV_MEASURE_FLOAT_SQRT:
        if (a < 0) {
            return rv_error_set(err, RV_VALUE_OUT_OF_RANGE, "a negative number has no square root");
        }
        a = rv_float_root(a);
        break;
    default:
        status = rv_measure_real(&step->right, &values[1], &b, err);
        if (status == RV_OK) {
            status = step->target == RV_MEASURE_FLOAT_POWER ? power(a, b, &a, err)
                                                            : calculate(step, a, b, &a, err);
        }
        if (status != RV_OK) {
            return status;
        }
        break;
    }
    values[0] = rv_value_float(rv_float_is_nan(a) ? rv_float_of_bits(RV_FLOAT_NAN_BITS) : a);
    RV_ASSERT(!step->flag ||
              rv_float_bits_valid(rv_float_bits(values[0].as.real), RV_FLOAT_SINGLE));
    return RV_OK;
}
