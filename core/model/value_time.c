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
#define ERAS_EARLIER  INT64_C(13)     /* before that, back to 5200 BC */

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

/*
 * Everything is counted from the beginning of an era that is earlier than all dates. Quarters of
 * days divide by a century's and a year's without a rest that matters; a product with 2^32 / 1461
 * has the year above and the day below 2^32; and 2141 / 65536 is nearly enough a month's share of a
 * day: Neri and Schneider, "Euclidean affine functions and their application to calendar
 * algorithms", 2022.
 */
static inline void date_of(int64_t days, int64_t *year, uint32_t *month, uint32_t *day) {
    RV_ASSERT(days >= -ERAS_EARLIER * ERA_DAYS - EPOCH_OF_ERAS && days <= 2 * RV_DATE_MAX);
    const uint64_t quarters = 4 * (uint64_t)(days + EPOCH_OF_ERAS + ERAS_EARLIER * ERA_DAYS) + 3;
    const int64_t century = (int64_t)(quarters / ERA_DAYS);
    const uint64_t of_century = quarters % ERA_DAYS | 3u;
    const uint64_t years = of_century * 2939745;
    const uint32_t day_of_year = (uint32_t)years / 2939745 / 4;
    const uint32_t months = day_of_year * 2141 + 197913; /* March is month 3 */
    const bool next_year = day_of_year >= 306;           /* January and February */
    *day = (months & 0xffffu) / 2141 + 1;
    *month = (months >> 16) - (next_year ? 12 : 0);
    *year = century * 100 + (int64_t)(years >> 32) - ERAS_EARLIER * 400 + next_year;
    RV_ASSERT(*day >= 1 && *day <= 31 && *month >= 1 && *month <= 12);
}

void rv_time_date(int64_t days, int64_t *year, uint32_t *month, uint32_t *day) {
    RV_ASSERT(year != NULL && month != NULL && day != NULL);
    date_of(days, year, month, day);
}

/* What is put goes to `at`, where there is room; each returns where it ends. */

/* Two digits, of a number below 100. */
static inline uint8_t *put_two(uint8_t *at, uint32_t value) {
    static const char digits[] = "00010203040506070809101112131415161718192021222324"
                                 "25262728293031323334353637383940414243444546474849"
                                 "50515253545556575859606162636465666768697071727374"
                                 "75767778798081828384858687888990919293949596979899";
    RV_ASSERT(value < 100);
    memcpy(at, digits + (size_t)2 * value, 2);
    return at + 2;
}

/* The date; `*before_christ`: which is told after all the rest. */
static uint8_t *put_date(uint8_t *at, int64_t days, bool *before_christ) {
    int64_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    RV_ASSERT(days >= RV_DATE_MIN && days <= RV_DATE_MAX);
    date_of(days, &year, &month, &day);
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

size_t rv_time_put(rv_type_kind kind, int64_t value, bool xsd, uint8_t *text) {
    RV_ASSERT(rv_time_in_range(kind, value));
    RV_ASSERT(text != NULL);
    uint8_t *at = text;
    bool before_christ = false;
    if (kind == RV_TYPE_TIME) {
        return (size_t)(put_clock(at, value) - text);
    }
    if (value == RV_TIME_INFINITY || value == RV_TIME_MINUS_INFINITY) {
        const rv_bytes shown = value > 0 ? RV_LITERAL("infinity") : RV_LITERAL("-infinity");
        memcpy(text, shown.ptr, shown.len);
        return shown.len;
    }
    if (kind == RV_TYPE_DATE) {
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
    if (before_christ) {
        memcpy(at, " BC", 3);
        at += 3;
    }
    RV_ASSERT(at <= text + RV_TIME_TEXT_MAX);
    return (size_t)(at - text);
}

void rv_time_write(rv_type_kind kind, int64_t value, bool xsd, rv_writer *w) {
    uint8_t text[RV_TIME_TEXT_MAX];
    rv_write(w, rv_bytes_of(text, rv_time_put(kind, value, xsd, text)));
}
