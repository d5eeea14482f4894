/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls on dates, times and intervals: values in, values out; what they mean is in moment.c,
 * moment_part.c and interval.c. A date that is given where a timestamp is meant is its midnight.
 */
#include "core/base/assert.h"
#include "core/model/expr_measure.h"
#include "core/model/moment.h"
#include "core/model/value_numeric.h"

static rv_status refuse_range(const char *what, rv_error *err) {
    RV_ASSERT(what != NULL);
    return rv_error_set(err, RV_VALUE_OUT_OF_RANGE, "the result is out of the range of %s", what);
}

static rv_status give_interval(rv_interval interval, bool fits, rv_arena *scratch, rv_value *value,
                               rv_error *err) {
    if (!fits) {
        return refuse_range("interval", err);
    }
    uint8_t *bytes = rv_arena_take_raw(scratch, RV_INTERVAL_LEN);
    if (bytes == NULL) {
        return rv_error_set(err, RV_MEMORY_EXHAUSTED,
                            "the memory budget is too small for this expression");
    }
    rv_interval_store(interval, bytes);
    *value = rv_value_bytes(rv_bytes_of(bytes, RV_INTERVAL_LEN));
    RV_ASSERT(value->as.bytes.len == RV_INTERVAL_LEN);
    return RV_OK;
}

static rv_status give_integer(int64_t integer, bool fits, const char *what, rv_value *value,
                              rv_error *err) {
    RV_ASSERT(value != NULL);
    if (!fits) {
        return refuse_range(what, err);
    }
    *value = rv_value_int(integer);
    return RV_OK;
}

/* A date, timestamp or timestamptz as a timestamp. */
static bool moment_of(const rv_type *type, const rv_value *value, int64_t *us) {
    RV_ASSERT(value->class_ == RV_VALUE_INT);
    *us = value->as.integer;
    return type->kind != RV_TYPE_DATE || rv_moment_of_date(value->as.integer, us);
}

static rv_interval interval_of(const rv_type *type, const rv_value *value) {
    if (type->kind == RV_TYPE_TIME) {
        return (rv_interval){0, 0, value->as.integer};
    }
    RV_ASSERT(type->kind == RV_TYPE_INTERVAL);
    return rv_interval_load(value->as.bytes);
}

/* --- operators --- */

static rv_status add_to_moment(const rv_expr_step *step, rv_value *values, rv_error *err) {
    const uint32_t at = step->flag ? 1 : 0; /* of the moment */
    rv_interval interval =
        interval_of(at == 1 ? &step->left : &step->right, &values[at == 1 ? 0 : 1]);
    const rv_interval none = {0, 0, 0};
    int64_t us = 0;
    bool fits = moment_of(at == 0 ? &step->left : &step->right, &values[at], &us);
    RV_ASSERT(step->kind == 2);
    if (step->target == RV_MEASURE_MOMENT_SUBTRACT) {
        fits = fits && rv_interval_subtract(none, interval, &interval);
    }
    fits = fits && rv_moment_add(us, interval, &us);
    return give_integer(us, fits, "timestamp", &values[0], err);
}

static rv_status add_to_time(const rv_expr_step *step, rv_value *values, rv_error *err) {
    const uint32_t at = step->flag ? 1 : 0; /* of the time */
    const int64_t by = rv_interval_load(values[1 - at].as.bytes).us % RV_DAY_US;
    const int64_t time = values[at].as.integer;
    RV_ASSERT(time >= 0 && time <= RV_DAY_US);
    const int64_t sum = step->target == RV_MEASURE_TIME_SUBTRACT ? time - by : time + by;
    return give_integer(sum - rv_time_floor_days(sum) * RV_DAY_US, true, "time", &values[0], err);
}

static rv_status date_and_time(const rv_expr_step *step, rv_value *values, rv_error *err) {
    const uint32_t at = step->flag ? 1 : 0; /* of the date */
    int64_t us = 0;
    bool fits = rv_moment_of_date(values[at].as.integer, &us);
    RV_ASSERT(step->kind == 2);
    if (fits && rv_moment_is_finite(us)) {
        us += values[1 - at].as.integer;
        fits = us <= RV_TIMESTAMP_MAX;
    }
    return give_integer(us, fits, "timestamp", &values[0], err);
}

static rv_status scale_interval(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                                rv_error *err) {
    const uint32_t at = step->flag ? 1 : 0; /* of the interval */
    rv_interval i = interval_of(at == 0 ? &step->left : &step->right, &values[at]);
    double by = 0;
    const rv_status status =
        rv_measure_real(at == 0 ? &step->right : &step->left, &values[1 - at], &by, err);
    RV_ASSERT(step->kind == 2);
    if (status != RV_OK) {
        return status;
    }
    if (step->target == RV_MEASURE_INTERVAL_DIVIDE && by == 0) {
        return rv_error_set(err, RV_DIVISION_BY_ZERO, "division by zero");
    }
    const bool fits = step->target == RV_MEASURE_INTERVAL_DIVIDE ? rv_interval_divide(i, by, &i)
                                                                 : rv_interval_multiply(i, by, &i);
    return give_interval(i, fits, scratch, &values[0], err);
}

/* What gives an interval of two intervals, or of one. */
static rv_status combine_intervals(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                                   rv_error *err) {
    rv_interval a = interval_of(&step->left, &values[0]);
    const rv_interval none = {0, 0, 0};
    bool fits = false;
    switch ((rv_measure)step->target) {
    case RV_MEASURE_INTERVAL_ADD:
        fits = rv_interval_add(a, interval_of(&step->right, &values[1]), &a);
        break;
    case RV_MEASURE_INTERVAL_SUBTRACT:
        fits = rv_interval_subtract(a, interval_of(&step->right, &values[1]), &a);
        break;
    case RV_MEASURE_INTERVAL_NEGATE:
        fits = rv_interval_subtract(none, a, &a);
        break;
    default: {
        const uint32_t how = step->target - RV_MEASURE_JUSTIFY_HOURS;
        RV_ASSERT(how <= RV_JUSTIFY_INTERVAL);
        fits = rv_interval_justified((rv_interval_justify)how, &a);
        break;
    }
    }
    return give_interval(a, fits, scratch, &values[0], err);
}

/* Differences of moments and times. */
static rv_status difference(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                            rv_error *err) {
    rv_interval result = {0, 0, 0};
    int64_t a = 0;
    int64_t b = 0;
    RV_ASSERT(step->kind == 2);
    if (step->target == RV_MEASURE_TIME_DIFFERENCE) {
        result.us = values[0].as.integer - values[1].as.integer;
        return give_interval(result, true, scratch, &values[0], err);
    }
    bool fits = moment_of(&step->left, &values[0], &a) && moment_of(&step->right, &values[1], &b);
    if (fits && (!rv_moment_is_finite(a) || !rv_moment_is_finite(b))) {
        return rv_error_set(err, RV_VALUE_OUT_OF_RANGE, "infinity has no distance to anything");
    }
    if (fits && step->target == RV_MEASURE_AGE) {
        rv_moment_age(a, b, &result);
    } else if (fits) {
        fits = rv_moment_difference(a, b, &result);
    }
    return give_interval(result, fits, scratch, &values[0], err);
}

/* --- parts --- */

/* A unit from its name, in any case. */
static rv_unit unit_of(rv_bytes name) {
    uint8_t lower[16];
    size_t len = 0;
    for (; len < name.len && len < sizeof lower; len++) {
        const uint8_t c = name.ptr[len];
        lower[len] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
    RV_ASSERT(len <= sizeof lower);
    return rv_unit_find(rv_bytes_of(lower, len), true);
}

static rv_status refuse_unit(rv_bytes name, bool known, rv_error *err) {
    RV_ASSERT(name.ptr != NULL || name.len == 0);
    name.len = name.len < 40 ? name.len : 40;
    return rv_error_set(err, RV_VALUE_INVALID,
                        known ? "`%b` is not a part of values of this type"
                              : "`%b` is not a part of dates and times",
                        &name);
}

static bool source_of(const rv_type *type, const rv_value *value, bool extract,
                      rv_part_source *source) {
    *source = (rv_part_source){.of = RV_PART_OF_MOMENT};
    RV_ASSERT(value->class_ == rv_type_class(type));
    switch (type->kind) {
    case RV_TYPE_INTERVAL:
        source->of = RV_PART_OF_INTERVAL;
        source->interval = rv_interval_load(value->as.bytes);
        return true;
    case RV_TYPE_TIME:
        source->of = RV_PART_OF_TIME;
        source->value = value->as.integer;
        return true;
    case RV_TYPE_DATE: /* extract has a date of its own; its days may be more than timestamps have
                        */
        if (!extract) {
            return rv_moment_of_date(value->as.integer, &source->value);
        }
        source->of = RV_PART_OF_DATE;
        source->value = value->as.integer;
        return true;
    default:
        source->of = type->kind == RV_TYPE_TIMESTAMPTZ ? RV_PART_OF_ZONED : RV_PART_OF_MOMENT;
        source->value = value->as.integer;
        return true;
    }
}

/* A part as extract gives it: numeric, of the part's scale. */
static rv_status give_numeric(const rv_part *part, rv_part_result result, rv_arena *scratch,
                              rv_value *value, rv_error *err) {
    static const rv_type numeric = {.kind = RV_TYPE_NUMERIC};
    uint8_t rooms[2][RV_DECIMAL_INT_PAIRS];
    rv_decimal d = rv_decimal_zero();
    rv_status status = RV_OK;
    RV_ASSERT(result == RV_PART_NUMBER || result >= RV_PART_INFINITY);
    if (result == RV_PART_NUMBER) {
        const rv_decimal seconds = rv_decimal_of_int(part->seconds, 0, rooms[0]);
        const rv_decimal rest = rv_decimal_of_int(part->value, part->scale, rooms[1]);
        status = rv_decimal_add(&seconds, &rest, scratch, &d);
    } else {
        d.kind = result == RV_PART_INFINITY ? RV_DECIMAL_INFINITY : RV_DECIMAL_MINUS_INFINITY;
    }
    if (status == RV_OK) {
        status = rv_numeric_store(&numeric, &d, scratch, value);
    }
    return status == RV_OK
               ? RV_OK
               : rv_error_set(err, status, "the memory budget is too small for this expression");
}

/* A part as date_part gives it, added up as PostgreSQL does. */
static double real_of(const rv_part_source *source, const rv_part *part, rv_unit unit) {
    const double value = (double)part->value;
    if (unit == RV_UNIT_SECOND) {
        return (double)(part->value / 1000000) + (double)(part->value % 1000000) / 1000000.0;
    }
    if (unit == RV_UNIT_MILLISECOND) {
        return (double)(part->value / 1000000) * 1000.0 + (double)(part->value % 1000000) / 1000.0;
    }
    if (unit != RV_UNIT_EPOCH) {
        RV_ASSERT(part->scale == 0 && part->seconds == 0);
        return value;
    }
    if (source->of == RV_PART_OF_INTERVAL) {
        const rv_interval i = source->interval;
        double sum = (double)i.us / 1000000.0;
        sum += 365.25 * 86400.0 * (i.months / 12);
        sum += 30.0 * 86400.0 * (i.months % 12);
        return sum + 86400.0 * i.days;
    }
    int64_t us = 0;
    if (__builtin_add_overflow(source->value,
                               source->of == RV_PART_OF_TIME ? 0 : RV_EPOCH_DIFFERENCE_US, &us)) {
        return ((double)source->value + (double)RV_EPOCH_DIFFERENCE_US) / 1000000.0;
    }
    return (double)us / 1000000.0;
}

static rv_status take_part(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                           rv_error *err) {
    const bool extract = step->target == RV_MEASURE_EXTRACT;
    const rv_bytes name = values[0].as.bytes;
    const rv_unit unit = unit_of(name);
    rv_part_source source;
    rv_part part = {0, 0, 0};
    RV_ASSERT(step->kind == 2);
    if (!source_of(&step->right, &values[1], extract, &source)) {
        return refuse_range("timestamp", err);
    }
    const rv_part_result result =
        unit == RV_UNIT_NONE ? RV_PART_UNSUPPORTED : rv_moment_part(&source, unit, &part);
    if (result == RV_PART_UNSUPPORTED) {
        return refuse_unit(name, unit != RV_UNIT_NONE, err);
    }
    if (result == RV_PART_NULL) {
        values[0] = rv_value_null();
        return RV_OK;
    }
    if (extract) {
        return give_numeric(&part, result, scratch, &values[0], err);
    }
    const double infinity = rv_float_of_bits(UINT64_C(0x7ff0000000000000));
    values[0] = rv_value_float(result == RV_PART_NUMBER     ? real_of(&source, &part, unit)
                               : result == RV_PART_INFINITY ? infinity
                                                            : -infinity);
    return RV_OK;
}

static rv_status truncate(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                          rv_error *err) {
    const rv_bytes name = values[0].as.bytes;
    const rv_unit unit = unit_of(name);
    RV_ASSERT(step->kind == 2);
    if (step->right.kind == RV_TYPE_INTERVAL || step->right.kind == RV_TYPE_TIME) {
        rv_interval interval = interval_of(&step->right, &values[1]);
        if (unit == RV_UNIT_NONE || !rv_interval_trunc(interval, unit, &interval)) {
            return refuse_unit(name, unit != RV_UNIT_NONE, err);
        }
        return give_interval(interval, true, scratch, &values[0], err);
    }
    int64_t us = 0;
    bool supported = true;
    bool fits = moment_of(&step->right, &values[1], &us);
    if (fits) {
        fits = rv_moment_trunc(us, unit, &us, &supported);
    }
    return supported ? give_integer(us, fits, "timestamp", &values[0], err)
                     : refuse_unit(name, unit != RV_UNIT_NONE, err);
}

/* --- making --- */

static int32_t integer_at(const rv_value *values, uint32_t nth) {
    const int64_t v = values[nth].as.integer;
    RV_ASSERT(v >= INT32_MIN && v <= INT32_MAX);
    return (int32_t)v;
}

static rv_status make_interval(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                               rv_error *err) {
    int64_t parts[6] = {0};
    double seconds = 0;
    RV_ASSERT(step->kind <= 7);
    for (uint32_t i = 0; i < step->kind && i < 6; i++) {
        parts[i] = integer_at(values, i);
    }
    if (step->kind == 7) {
        seconds = rv_float_round(values[6].as.real * 1000000.0);
    }
    const int64_t months = parts[0] * 12 + parts[1];
    const int64_t days = parts[2] * 7 + parts[3];
    int64_t us = parts[4] * 3600000000 + parts[5] * 60000000;
    bool fits = months >= INT32_MIN && months <= INT32_MAX && days >= INT32_MIN &&
                days <= INT32_MAX && seconds > -9e18 && seconds < 9e18;
    fits = fits && !__builtin_add_overflow(us, (int64_t)seconds, &us);
    return give_interval((rv_interval){(int32_t)months, (int32_t)days, us}, fits, scratch,
                         &values[0], err);
}

static rv_status make_moment(const rv_expr_step *step, rv_value *values, rv_error *err) {
    int64_t days = 0;
    int64_t us = 0;
    int64_t time = 0;
    bool fits = false;
    switch ((rv_measure)step->target) {
    case RV_MEASURE_TO_TIMESTAMP:
        fits = rv_moment_of_epoch(values[0].as.real, &us);
        return give_integer(us, fits, "timestamptz", &values[0], err);
    case RV_MEASURE_MAKE_DATE:
        fits = rv_moment_make_date(integer_at(values, 0), integer_at(values, 1),
                                   integer_at(values, 2), &days);
        return give_integer(days, fits, "date", &values[0], err);
    case RV_MEASURE_MAKE_TIME:
        fits = rv_moment_make_time(integer_at(values, 0), integer_at(values, 1), values[2].as.real,
                                   &us);
        return give_integer(us, fits, "time", &values[0], err);
    default:
        RV_ASSERT(step->target == RV_MEASURE_MAKE_TIMESTAMP && step->kind == 6);
        fits = rv_moment_make_date(integer_at(values, 0), integer_at(values, 1),
                                   integer_at(values, 2), &days) &&
               rv_moment_make_time(integer_at(values, 3), integer_at(values, 4), values[5].as.real,
                                   &time) &&
               rv_moment_of_date(days, &us) && !__builtin_add_overflow(us, time, &us) &&
               us <= RV_TIMESTAMP_MAX;
        return give_integer(us, fits, "timestamp", &values[0], err);
    }
}

rv_status rv_measure_time(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                          rv_error *err) {
    RV_ASSERT(step->target > RV_MEASURE_FLOAT_POWER && step->target <= RV_MEASURE_MAKE_INTERVAL);
    switch ((rv_measure)step->target) {
    case RV_MEASURE_MOMENT_ADD:
    case RV_MEASURE_MOMENT_SUBTRACT:
        return add_to_moment(step, values, err);
    case RV_MEASURE_MOMENT_DIFFERENCE:
    case RV_MEASURE_TIME_DIFFERENCE:
    case RV_MEASURE_AGE:
        return difference(step, values, scratch, err);
    case RV_MEASURE_DATE_AND_TIME:
        return date_and_time(step, values, err);
    case RV_MEASURE_TIME_ADD:
    case RV_MEASURE_TIME_SUBTRACT:
        return add_to_time(step, values, err);
    case RV_MEASURE_INTERVAL_MULTIPLY:
    case RV_MEASURE_INTERVAL_DIVIDE:
        return scale_interval(step, values, scratch, err);
    case RV_MEASURE_EXTRACT:
    case RV_MEASURE_DATE_PART:
        return take_part(step, values, scratch, err);
    case RV_MEASURE_DATE_TRUNC:
        return truncate(step, values, scratch, err);
    case RV_MEASURE_IS_FINITE:
        values[0] = rv_value_int(values[0].class_ != RV_VALUE_INT ||
                                 rv_moment_is_finite(values[0].as.integer));
        return RV_OK;
    case RV_MEASURE_MAKE_INTERVAL:
        return make_interval(step, values, scratch, err);
    case RV_MEASURE_TO_TIMESTAMP:
    case RV_MEASURE_MAKE_DATE:
    case RV_MEASURE_MAKE_TIME:
    case RV_MEASURE_MAKE_TIMESTAMP:
        return make_moment(step, values, err);
    default:
        return combine_intervals(step, values, scratch, err);
    }
}

rv_status rv_expr_measure(const rv_expr_step *step, rv_value *values, rv_arena *scratch,
                          rv_error *err) {
    RV_ASSERT(step->op == RV_EXPR_MEASURE && step->kind > 0);
    return step->target <= RV_MEASURE_FLOAT_POWER ? rv_measure_float(step, values, err)
                                                  : rv_measure_time(step, values, scratch, err);
}
