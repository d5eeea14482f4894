/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates and times: the calendar and the text they are written as. The calendar is the proleptic
 * Gregorian one; days are counted in eras of 400 years (146,097 days) that begin on the first of
 * March, so that the leap day is the last of its year.
 */
#include "core/model/value_time.h"

#include "core/base/assert.h"

#define ERA_DAYS      INT64_C(146097)
#define EPOCH_OF_ERAS INT64_C(730425) /* days from 0000-03-01 to 2000-01-01 */

int64_t rv_time_days(int64_t year, uint32_t month, uint32_t day) {
    RV_ASSERT(month >= 1 && month <= 12 && day >= 1 && day <= 31);
    RV_ASSERT(year > -10000 && year < 10000000);
    const int64_t shifted = month <= 2 ? year - 1 : year;
    const int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    const int64_t year_of_era = shifted - era * 400;
    const int64_t month_from_march = month > 2 ? month - 3 : month + 9;
    const int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - EPOCH_OF_ERAS;
}

void rv_time_date(int64_t days, int64_t *year, uint32_t *month, uint32_t *day) {
    const int64_t from_march = days + EPOCH_OF_ERAS;
    const int64_t era = (from_march >= 0 ? from_march : from_march - (ERA_DAYS - 1)) / ERA_DAYS;
    const uint32_t day_of_era = (uint32_t)(from_march - era * ERA_DAYS);
    RV_ASSERT(day_of_era < ERA_DAYS);
    const uint32_t quarters = 4 * day_of_era + 3; /* of a day: a century has 146,097 / 4 days */
    const uint32_t century = quarters / 146097;
    const uint32_t rest = (quarters % 146097) | 3u; /* and a year 1461 / 4 */
    const uint32_t year_of_century = rest / 1461;
    const uint32_t day_of_year = rest % 1461 / 4;
    const uint32_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *year = era * 400 + (int64_t)(100 * century + year_of_century) + (*month <= 2 ? 1 : 0);
    RV_ASSERT(*day >= 1 && *day <= 31 && *month >= 1 && *month <= 12);
}

/* The longest text is that of the last timestamptz before Christ, of some 40 bytes. */
#define TEXT_MAX 64u

/* What is put goes to `at`, where there is room; each returns where it ends. */

/* Two digits, of a number below 100. */
static inline uint8_t *put_two(uint8_t *at, uint32_t value) {
    RV_ASSERT(value < 100);
    at[0] = (uint8_t)('0' + value / 10);
    at[1] = (uint8_t)('0' + value % 10);
    return at + 2;
}

/* The date; `*before_christ`: which is told after all the rest. */
static uint8_t *put_date(uint8_t *at, int64_t days, bool *before_christ) {
    int64_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    RV_ASSERT(days >= RV_DATE_MIN && days <= RV_DATE_MAX);
    rv_time_date(days, &year, &month, &day);
    const uint32_t shown = (uint32_t)(year > 0 ? year : 1 - year);
    if (shown <= 9999) {
        at = put_two(put_two(at, shown / 100), shown % 100);
    } else {
        rv_writer w = rv_writer_over(at, 8);
        rv_write_uint(&w, shown);
        at += w.len;
    }
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    *before_christ = year <= 0;
    return put_two(at, day);
}

/* `hh:mm:ss[.ffffff]`, the fraction without zeros at its end. */
static uint8_t *put_clock(uint8_t *at, int64_t us) {
    RV_ASSERT(us >= 0 && us <= RV_DAY_US);
    const uint32_t seconds = (uint32_t)((uint64_t)us / 1000000);
    const uint32_t fraction = (uint32_t)((uint64_t)us % 1000000);
    at = put_two(at, seconds / 3600);
    *at++ = ':';
    at = put_two(at, seconds / 60 % 60);
    *at++ = ':';
    at = put_two(at, seconds % 60);
    if (fraction > 0) {
        *at++ = '.';
        at = put_two(put_two(put_two(at, fraction / 10000), fraction / 100 % 100), fraction % 100);
        while (at[-1] == '0') { /* ends: some digit is another */
            at -= 1;
        }
    }
    return at;
}

void rv_time_write(rv_type_kind kind, int64_t value, bool xsd, rv_writer *w) {
    RV_ASSERT(rv_time_in_range(kind, value));
    RV_ASSERT(w != NULL);
    uint8_t text[TEXT_MAX];
    uint8_t *at = text;
    bool before_christ = false;
    if (kind == RV_TYPE_TIME) {
        at = put_clock(at, value);
    } else if (value == RV_TIME_INFINITY || value == RV_TIME_MINUS_INFINITY) {
        rv_write_text(w, value == RV_TIME_INFINITY ? "infinity" : "-infinity");
    } else if (kind == RV_TYPE_DATE) {
        at = put_date(at, value, &before_christ);
    } else {
        const int64_t days = rv_time_floor_days(value);
        at = put_date(at, days, &before_christ);
        *at++ = xsd ? 'T' : ' ';
        at = put_clock(at, value - days * RV_DAY_US);
        if (kind == RV_TYPE_TIMESTAMPTZ) {
            memcpy(at, "+00:00", 6);
            at += xsd ? 6 : 3;
        }
    }
    rv_write(w, rv_bytes_of(text, (size_t)(at - text)));
    if (before_christ) {
        rv_write_text(w, " BC");
    }
}
