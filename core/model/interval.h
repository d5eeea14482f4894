/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intervals as PostgreSQL 15 has them: months, days and microseconds, kept apart, because months
 * and days differ in length. Text input in every form that PostgreSQL reads with IntervalStyle
 * postgres, output in that style:
 *
 *     1 year 2 mons -3 days +04:05:06.789
 *
 * A value is 16 bytes (rv_interval_store). In order, 30 days are a month and 24 hours a day, so
 * intervals of different parts may be equal.
 */
#ifndef RV_MODEL_INTERVAL_H
#define RV_MODEL_INTERVAL_H

#include "core/base/error.h"
#include "core/base/writer.h"

#define RV_INTERVAL_LEN 16u

/* The longest text: `-178956970 years -8 mons -2147483648 days -2562047788:00:54.775808`. */
#define RV_INTERVAL_TEXT_MAX 80u

typedef struct rv_interval {
    int32_t months;
    int32_t days;
    int64_t us;
} rv_interval;

/* The value's bytes: months, days, microseconds, little-endian. */
void rv_interval_store(rv_interval interval, uint8_t bytes[RV_INTERVAL_LEN]);
rv_interval rv_interval_load(rv_bytes bytes);

/* From text. RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE, and `*why`. */
RV_MUST_USE rv_status rv_interval_parse(rv_bytes text, rv_interval *interval, const char **why);

void rv_interval_write(rv_interval interval, rv_writer *w);

/* Negative, 0 or positive. */
int rv_interval_compare(rv_interval a, rv_interval b);

/* What equal intervals have in common: 8 bytes of days (a month is 30, 24 hours are one), then 8
 * bytes of the microseconds from 0 that are left, little-endian. */
void rv_interval_write_canonical(rv_interval interval, rv_writer *w);

/* Sums, differences, -interval; products and quotients, whose fractions go to the smaller parts.
 * False: out of range. Dividing by 0 is the caller's to refuse. */
RV_MUST_USE bool rv_interval_add(rv_interval a, rv_interval b, rv_interval *result);
RV_MUST_USE bool rv_interval_subtract(rv_interval a, rv_interval b, rv_interval *result);
RV_MUST_USE bool rv_interval_multiply(rv_interval a, double factor, rv_interval *result);
RV_MUST_USE bool rv_interval_divide(rv_interval a, double divisor, rv_interval *result);

typedef enum rv_interval_justify {
    RV_JUSTIFY_HOURS,   /* 24 hours become a day */
    RV_JUSTIFY_DAYS,    /* 30 days become a month */
    RV_JUSTIFY_INTERVAL /* both, and all parts get one sign */
} rv_interval_justify;

/* False: out of range. */
RV_MUST_USE bool rv_interval_justified(rv_interval_justify how, rv_interval *interval);

#endif
