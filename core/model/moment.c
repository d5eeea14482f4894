/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calculating with moments: each step (months, days, microseconds) must stay in the range of
 * timestamps, as in PostgreSQL. Days and months are counted in 64 bits, so that no sum of what an
 * interval can hold wraps.
 */
#include "core/model/moment.h"

#include "core/base/assert.h"
#include "core/model/float.h"

#define MINUTE_US INT64_C(60000000)
#define HOUR_US   INT64_C(3600000000)
#define YEAR_MAX  300000  /* beyond the last year of timestamps */
#define YEAR_LAST 5874897 /* of dates */
#define YEAR_MIN  (-4800)
#define EPOCH_S   INT64_C(946684800) /* from 1970 to 2000 */

static bool in_range(int64_t us) {
    return us >= RV_TIMESTAMP_MIN && us <= RV_TIMESTAMP_MAX;
}

static uint32_t days_of_month(int64_t year, uint32_t month) {
    RV_ASSERT(month >= 1 && month <= 12);
    const int64_t next_year = month == 12 ? year + 1 : year;
    return (uint32_t)(rv_time_days(next_year, month % 12 + 1, 1) - rv_time_days(year, month, 1));
}

bool rv_moment_of_date(int64_t days, int64_t *us) {
    RV_ASSERT(us != NULL);
    if (!rv_moment_is_finite(days)) {
        *us = days;
        return true;
    }
    int64_t product = 0;
    if (__builtin_mul_overflow(days, RV_DAY_US, &product) || !in_range(product)) {
        return false;
    }
    *us = product;
    return true;
}

/* Months added; the time of day stays. */
static bool add_months(int64_t *us, int32_t months) {
    const int64_t days = rv_time_floor_days(*us);
    int64_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    rv_time_date(days, &year, &month, &day);
    const int64_t sum = year * 12 + (int64_t)month - 1 + months;
    year = sum / 12 - (sum % 12 < 0);
    month = (uint32_t)(sum - year * 12) + 1;
    if (year < YEAR_MIN || year > YEAR_MAX) {
        return false;
    }
    const uint32_t last = days_of_month(year, month);
    RV_ASSERT(last >= 28 && last <= 31);
    int64_t moved = 0;
    if (__builtin_mul_overflow(rv_time_days(year, month, day < last ? day : last), RV_DAY_US,
                               &moved) ||
        __builtin_add_overflow(moved, *us - days * RV_DAY_US, us)) {
        return false;
    }
    return in_range(*us);
}

bool rv_moment_add(int64_t us, rv_interval interval, int64_t *result) {
    int64_t sum = us;
    RV_ASSERT(result != NULL);
    if (rv_moment_is_finite(us)) {
        if (interval.months != 0 && !add_months(&sum, interval.months)) {
            return false;
        }
        int64_t days_us;
        if (interval.days != 0 &&
            (__builtin_mul_overflow((int64_t)interval.days, RV_DAY_US, &days_us) ||
             __builtin_add_overflow(sum, days_us, &sum) || !in_range(sum))) {
            return false;
        }
        if (__builtin_add_overflow(sum, interval.us, &sum) || !in_range(sum)) {
            return false;
        }
    }
    *result = sum;
    return true;
}

bool rv_moment_difference(int64_t a, int64_t b, rv_interval *result) {
    rv_interval difference = {0, 0, 0};
    RV_ASSERT(rv_moment_is_finite(a) && rv_moment_is_finite(b));
    if (__builtin_sub_overflow(a, b, &difference.us)) {
        return false;
    }
    const bool fits = rv_interval_justified(RV_JUSTIFY_HOURS, &difference);
    RV_ASSERT(fits); /* 64 bits of microseconds are some hundred million days */
    *result = difference;
    return true;
}

void rv_moment_age(int64_t a, int64_t b, rv_interval *result) {
    RV_ASSERT(rv_moment_is_finite(a) && rv_moment_is_finite(b));
    const bool minus = a < b;
    const int64_t later = minus ? b : a;
    const int64_t earlier = minus ? a : b;
    int64_t years[2] = {0, 0};
    uint32_t months[2] = {0, 0};
    uint32_t days[2] = {0, 0};
    const int64_t later_days = rv_time_floor_days(later);
    const int64_t earlier_days = rv_time_floor_days(earlier);
    rv_time_date(earlier_days, &years[0], &months[0], &days[0]);
    rv_time_date(later_days, &years[1], &months[1], &days[1]);
    rv_interval age = {(int32_t)((years[1] - years[0]) * 12 + months[1]) - (int32_t)months[0],
                       (int32_t)days[1] - (int32_t)days[0],
                       (later - later_days * RV_DAY_US) - (earlier - earlier_days * RV_DAY_US)};
    if (age.us < 0) {
        age.us += RV_DAY_US;
        age.days -= 1;
    }
    while (age.days < 0) { /* the days of the earlier one's month, as often as it takes: twice */
        age.days += (int32_t)days_of_month(years[0], months[0]);
        age.months -= 1;
    }
    RV_ASSERT(age.us >= 0 && age.days <= 31);
    if (minus) {
        age = (rv_interval){-age.months, -age.days, -age.us};
    }
    *result = age;
}

bool rv_moment_make_date(int32_t year, int32_t month, int32_t day, int64_t *days) {
    const int64_t astronomical = year < 0 ? (int64_t)year + 1 : year;
    RV_ASSERT(days != NULL);
    if (year == 0 || astronomical < YEAR_MIN || astronomical > YEAR_LAST || month < 1 ||
        month > 12 || day < 1 || day > 31 ||
        (uint32_t)day > days_of_month(astronomical, (uint32_t)month)) {
        return false;
    }
    const int64_t made = rv_time_days(astronomical, (uint32_t)month, (uint32_t)day);
    RV_ASSERT(made <= RV_DATE_MAX); /* which is the last day of the last year */
    if (made < RV_DATE_MIN) {
        return false;
    }
    *days = made;
    return true;
}

bool rv_moment_make_time(int32_t hour, int32_t minute, double second, int64_t *us) {
    const double fraction = rv_float_round(second * 1000000.0);
    RV_ASSERT(us != NULL);
    if (hour < 0 || hour > 24 || minute < 0 || minute > 59 ||
        !(fraction >= 0 && fraction <= 60000000.0)) {
        return false;
    }
    const int64_t made = hour * HOUR_US + minute * MINUTE_US + (int64_t)fraction;
    if (made > RV_DAY_US) {
        return false;
    }
    *us = made;
    return true;
}

bool rv_moment_of_epoch(double seconds, int64_t *us) {
    RV_ASSERT(us != NULL);
    if (rv_float_is_nan(seconds)) {
        return false;
    }
    if (!rv_float_is_finite(seconds)) {
        *us = seconds > 0 ? RV_TIME_INFINITY : RV_TIME_MINUS_INFINITY;
        return true;
    }
    const double least = (double)(RV_TIMESTAMP_MIN / 1000000 + EPOCH_S);
    const double end = (double)((RV_TIMESTAMP_MAX + 1) / 1000000 + EPOCH_S);
    if (seconds < least || seconds >= end) {
        return false;
    }
    const int64_t made = (int64_t)rv_float_round((seconds - (double)EPOCH_S) * 1000000.0);
    if (!in_range(made)) {
        return false;
    }
    *us = made;
    return true;
}
