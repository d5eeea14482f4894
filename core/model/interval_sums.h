/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of an interval, summed up while its text is read: what both languages of
 * interval_parse.c share.
 */
#ifndef RV_MODEL_INTERVAL_SUMS_H
#define RV_MODEL_INTERVAL_SUMS_H

#include "core/base/bytes.h"
#include "core/base/error.h"

typedef enum rv_unit {
    RV_UNIT_NONE,
    RV_UNIT_MICROSECOND,
    RV_UNIT_MILLISECOND,
    RV_UNIT_SECOND,
    RV_UNIT_MINUTE,
    RV_UNIT_HOUR,
    RV_UNIT_DAY,
    RV_UNIT_WEEK,
    RV_UNIT_MONTH,
    RV_UNIT_YEAR,
    RV_UNIT_DECADE,
    RV_UNIT_CENTURY,
    RV_UNIT_MILLENNIUM,
    RV_UNIT_AGO, /* from here on they are no units of a number */
    RV_UNIT_QUARTER,
    RV_UNIT_ZONE,
    RV_UNIT_ZONE_HOUR,
    RV_UNIT_ZONE_MINUTE,
    RV_UNIT_DAY_OF_WEEK, /* from here on they are parts of moments only */
    RV_UNIT_DAY_OF_YEAR,
    RV_UNIT_EPOCH,
    RV_UNIT_ISO_DAY_OF_WEEK,
    RV_UNIT_ISO_YEAR
} rv_unit;

#define RV_UNIT_SECOND_US INT64_C(1000000)
#define RV_UNIT_MINUTE_US (60 * RV_UNIT_SECOND_US)
#define RV_UNIT_HOUR_US   (60 * RV_UNIT_MINUTE_US)
#define RV_UNIT_DAY_US    (24 * RV_UNIT_HOUR_US)

/* What is summed up. */
typedef struct rv_sums {
    int32_t years;
    int32_t months;
    int32_t days;
    int64_t us;
} rv_sums;

/* A number's whole part and what is after its point. */
typedef struct rv_quantity {
    int64_t whole;
    double fraction; /* of the number's sign */
} rv_quantity;

/* What a reader says: done, not of this language, out of range. */
typedef enum rv_verdict { RV_VERDICT_OK, RV_VERDICT_FORM, RV_VERDICT_RANGE } rv_verdict;

/* The unit of a word in lower case, of which the first ten letters count; RV_UNIT_NONE: there is
 * none. `parts`: also those that are parts of moments only. */
rv_unit rv_unit_find(rv_bytes word, bool parts);

/* Adds a quantity of a unit, its fraction to smaller ones: of years to whole months, of months and
 * weeks to days, of the others to microseconds. False: out of range. */
RV_MUST_USE bool rv_sums_add(rv_sums *s, const rv_quantity *n, rv_unit of);

/* Adds whole seconds, minutes or hours, given in microseconds. */
RV_MUST_USE bool rv_sums_add_us(rv_sums *s, int64_t whole, int64_t scale);

/* --- interval_iso.c --- */

/* ISO 8601, from its `P` on. */
rv_verdict rv_interval_read_iso(rv_bytes text, rv_sums *s);

#endif
