/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calculating with dates and times, as PostgreSQL 15 does with TimeZone UTC. A moment is a
 * timestamp or timestamptz: microseconds from 2000-01-01, or one of the infinities, which stay what
 * they are whatever is added. All functions answer false when the result is out of range.
 */
#ifndef RV_MODEL_MOMENT_H
#define RV_MODEL_MOMENT_H

#include "core/model/decimal.h"
#include "core/model/interval.h"
#include "core/model/interval_sums.h"
#include "core/model/value_time.h"

static inline bool rv_moment_is_finite(int64_t us) {
    return us != RV_TIME_INFINITY && us != RV_TIME_MINUS_INFINITY;
}

/* Midnight of a date. */
RV_MUST_USE bool rv_moment_of_date(int64_t days, int64_t *us);

/* Months first (a day that the month has not becomes its last), then days, then microseconds. */
RV_MUST_USE bool rv_moment_add(int64_t us, rv_interval interval, int64_t *result);

/* a - b in days and less; both are finite. False: it is out of range. */
RV_MUST_USE bool rv_moment_difference(int64_t a, int64_t b, rv_interval *result);

/* a - b in years, months and less, of the calendar; both are finite. */
void rv_moment_age(int64_t a, int64_t b, rv_interval *result);

/* Years below 0 are before Christ; there is no year 0. */
RV_MUST_USE bool rv_moment_make_date(int32_t year, int32_t month, int32_t day, int64_t *days);
RV_MUST_USE bool rv_moment_make_time(int32_t hour, int32_t minute, double second, int64_t *us);

/* Seconds from 1970-01-01; infinities too. */
RV_MUST_USE bool rv_moment_of_epoch(double seconds, int64_t *us);

/* --- moment_part.c --- */

/* What parts can be taken of, or cut off. */
typedef enum rv_part_of {
    RV_PART_OF_MOMENT,
    RV_PART_OF_ZONED, /* timestamptz: has a time zone, which is 0 */
    RV_PART_OF_DATE,
    RV_PART_OF_TIME,
    RV_PART_OF_INTERVAL
} rv_part_of;

/* What is taken a part of: microseconds, days of a date, or an interval. */
typedef struct rv_part_source {
    rv_part_of of;
    int64_t value;
    rv_interval interval;
} rv_part_source;

typedef enum rv_part_result {
    RV_PART_NUMBER,
    RV_PART_NULL, /* of infinity, where it has no limit */
    RV_PART_INFINITY,
    RV_PART_MINUS_INFINITY,
    RV_PART_UNSUPPORTED /* the type has no such part */
} rv_part_result;

/* `seconds` and value * 10^-scale more; the scale is what extract shows. Only an epoch, which may
 * need more than 64 bits, has seconds. */
typedef struct rv_part {
    int64_t value;
    uint32_t scale;
    int64_t seconds;
} rv_part;

rv_part_result rv_moment_part(const rv_part_source *source, rv_unit unit, rv_part *part);

/* Sets what is smaller than the unit to its first value. False: `*supported` says whether the unit
 * was at fault, or the range. */
RV_MUST_USE bool rv_moment_trunc(int64_t us, rv_unit unit, int64_t *result, bool *supported);
RV_MUST_USE bool rv_interval_trunc(rv_interval interval, rv_unit unit, rv_interval *result);

#endif
