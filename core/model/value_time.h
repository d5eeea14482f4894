/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates and times: their ranges, text and calendar. All in UTC; 0 is 2000-01-01. INT64_MAX and
 * INT64_MIN of date, timestamp and timestamptz stand for infinity and -infinity.
 */
#ifndef RV_MODEL_VALUE_TIME_H
#define RV_MODEL_VALUE_TIME_H

#include "core/base/error.h"
#include "core/model/value.h"

#define RV_DAY_US        INT64_C(86400000000)
#define RV_DATE_MIN      (INT64_C(-2451545)) /* 4714-11-24 BC, the first Julian day */
#define RV_DATE_MAX      INT64_C(2145031948) /* 5874897-12-31 */
#define RV_TIMESTAMP_MIN INT64_C(-211813488000000000)
#define RV_TIMESTAMP_MAX INT64_C(9223371331199999999) /* 294276-12-31 23:59:59.999999 */

#define RV_TIME_INFINITY       INT64_MAX
#define RV_TIME_MINUS_INFINITY INT64_MIN

/* True for a value that the kind (date, time, timestamp, timestamptz) can have. */
static inline bool rv_time_in_range(rv_type_kind kind, int64_t value) {
    if (kind == RV_TYPE_TIME) {
        return value >= 0 && value <= RV_DAY_US;
    }
    const int64_t min = kind == RV_TYPE_DATE ? RV_DATE_MIN : RV_TIMESTAMP_MIN;
    const int64_t max = kind == RV_TYPE_DATE ? RV_DATE_MAX : RV_TIMESTAMP_MAX;
    return (value >= min && value <= max) || value == RV_TIME_INFINITY ||
           value == RV_TIME_MINUS_INFINITY;
}

/* A value of `kind` from text. RV_VALUE_INVALID or RV_VALUE_OUT_OF_RANGE, and `*why`. */
RV_MUST_USE rv_status rv_time_parse(rv_type_kind kind, rv_bytes text, int64_t *value,
                                    const char **why);

/* The longest text is that of the last timestamptz before Christ, of some 40 bytes. */
#define RV_TIME_TEXT_MAX 64u

/* Text, without a NUL, into RV_TIME_TEXT_MAX bytes; how many it has. As rv_time_write. */
size_t rv_time_put(rv_type_kind kind, int64_t value, bool xsd, uint8_t *text);

/* Text; `xsd`: as to_json writes it (`T`, zone with minutes), else as SQL does. */
void rv_time_write(rv_type_kind kind, int64_t value, bool xsd, rv_writer *w);

/* Days from 2000-01-01 of a date that exists; years are astronomical (0 is 1 BC). */
int64_t rv_time_days(int64_t year, uint32_t month, uint32_t day);

/* The inverse. */
void rv_time_date(int64_t days, int64_t *year, uint32_t *month, uint32_t *day);

/* Microseconds to whole days, toward the past. */
static inline int64_t rv_time_floor_days(int64_t us) {
    return us / RV_DAY_US - (us % RV_DAY_US < 0);
}

#endif
