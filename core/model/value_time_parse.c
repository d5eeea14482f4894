/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates and times from text, as PostgreSQL 15 reads them with DateStyle `ISO, MDY` and TimeZone
 * UTC:
 *
 *     2026-01-31T12:30:00.5Z    20260131 123000    Jan 31, 2026 BC    1/31/2026 12:30 PM
 *     J2461072    2026-031    y2026m1d31    infinity    epoch
 *
 * The form that programs write is read at once; every other one part by part (time_parts.c). Both
 * give a moment, and the end of this file makes a value of it.
 */
#include "core/base/assert.h"
#include "core/model/time_parts.h"
#include "core/model/value_number.h"
#include "core/model/value_time.h"

/* What PostgreSQL's buffers hold of a date or time, and of a timestamp. */
#define ROOM_SHORT 129u
#define ROOM_LONG  153u

#define JULIAN_EPOCH 2451545 /* 2000-01-01 */
#define YEAR_MIN     (-4713)
#define YEAR_MAX     5874897

static const char why_range[] = "it is outside the range of the type";

/* Two digits; 100 when they are none. */
static inline uint32_t two_digits(const uint8_t *p) {
    const uint32_t tens = (uint32_t)p[0] - '0';
    const uint32_t ones = (uint32_t)p[1] - '0';
    return tens <= 9 && ones <= 9 ? tens * 10 + ones : 100;
}

/* The zone of read_usual: nothing, `Z` or `+hh:mm`. */
static bool read_usual_zone(rv_bytes text, int64_t *offset_s) {
    RV_ASSERT(offset_s != NULL);
    *offset_s = 0;
    if (text.len != 6) {
        return text.len == 0 || (text.len == 1 && text.ptr[0] == 'Z');
    }
    const uint8_t *const p = text.ptr;
    const uint32_t hour = two_digits(p + 1);
    const uint32_t minute = two_digits(p + 4);
    const int64_t offset = (int64_t)(hour * 60 + minute) * 60;
    *offset_s = p[0] == '-' ? -offset : offset;
    return (p[0] == '+' || p[0] == '-') && p[3] == ':' && hour <= 15 && minute <= 59;
}

/* The form that programs write, `YYYY-MM-DDThh:mm:ss[.ffffff][zone]`, at places that are known. It
 * refuses nothing: false leaves the text to read_moment, and `m` as it was. */
static bool read_usual(rv_bytes text, rv_time_moment *m) {
    RV_ASSERT(m->has == 0);
    const uint8_t *const p = text.ptr;
    if (text.len < 19 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') ||
        p[13] != ':' || p[16] != ':') {
        return false;
    }
    const uint32_t century = two_digits(p);
    const uint32_t year = two_digits(p + 2);
    const uint32_t month = two_digits(p + 5);
    const uint32_t day = two_digits(p + 8);
    const uint32_t hour = two_digits(p + 11);
    const uint32_t minute = two_digits(p + 14);
    const uint32_t second = two_digits(p + 17);
    if (century > 99 || year > 99 || century + year == 0 || month < 1 || month > 12 || day > 99 ||
        hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    size_t at = 19;
    int64_t fraction = 0;
    if (at < text.len && p[at] == '.') {
        uint32_t digits = 0;
        for (at++; at < text.len && digits < 6 && rv_time_is_digit(p[at]); at++, digits++) {
            fraction = fraction * 10 + (p[at] - '0');
        }
        if (digits == 0) {
            return false;
        }
        fraction *= rv_number_power(6 - digits);
    }
    int64_t offset_s = 0;
    const rv_bytes zone = rv_bytes_from(text, at);
    if (!read_usual_zone(zone, &offset_s)) {
        return false;
    }
    RV_ASSERT(fraction <= 999999);
    m->has = RV_TIME_HAS_DATE | RV_TIME_HAS_CLOCK;
    m->year = century * 100 + year;
    m->month = month;
    m->day = day;
    m->hour = hour;
    m->minute = minute;
    m->second = second;
    m->fraction_us = fraction;
    m->offset_s = offset_s;
    return true;
}

static rv_status special_of(const rv_time_moment *m, rv_type_kind kind, int64_t *value) {
    RV_ASSERT(kind != RV_TYPE_TIME && m->special != RV_TIME_WORD_NONE);
    if (m->special == RV_TIME_WORD_INFINITY) {
        *value = m->minus ? RV_TIME_MINUS_INFINITY : RV_TIME_INFINITY;
        return RV_OK;
    }
    const int64_t days = rv_time_days(1970, 1, 1);
    *value = kind == RV_TYPE_DATE ? days : days * RV_DAY_US;
    return RV_OK;
}

/* Days from 2000-01-01. False: beyond what any type has. */
static bool days_of(const rv_time_moment *m, int64_t *days) {
    if (m->julian) {
        *days = m->day - JULIAN_EPOCH;
        return true;
    }
    if (m->year < YEAR_MIN || m->year > YEAR_MAX) {
        return false;
    }
    RV_ASSERT((m->has & RV_TIME_HAS_DATE) == RV_TIME_HAS_DATE);
    if ((m->has & RV_TIME_HAS_DAY_OF_YEAR) != 0) {
        *days = rv_time_days(m->year, 1, 1) + m->day_of_year - 1;
    } else {
        *days = rv_time_days(m->year, (uint32_t)m->month, (uint32_t)m->day);
    }
    return true;
}

/* The value of the type from the parts. */
static rv_status value_of(rv_time_moment *m, rv_type_kind kind, int64_t *value) {
    RV_ASSERT(kind >= RV_TYPE_DATE && kind <= RV_TYPE_TIMESTAMPTZ);
    if (m->special != RV_TIME_WORD_NONE) {
        return special_of(m, kind, value);
    }
    const int64_t clock_us =
        ((m->hour * 60 + m->minute) * 60 + m->second) * 1000000 + m->fraction_us;
    int64_t days = 0;
    if (kind == RV_TYPE_TIME) {
        *value = clock_us;
        RV_ASSERT(rv_time_in_range(kind, *value));
        return RV_OK;
    }
    if (!days_of(m, &days)) {
        return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, why_range);
    }
    if (kind == RV_TYPE_DATE) {
        *value = days;
        return rv_time_in_range(kind, days) ? RV_OK
                                            : rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, why_range);
    }
    int64_t us = 0;
    const int64_t offset_us = kind == RV_TYPE_TIMESTAMPTZ ? m->offset_s * 1000000 : 0;
    if (days < RV_DATE_MIN - 1 || days > RV_TIMESTAMP_MAX / RV_DAY_US + 1 ||
        __builtin_add_overflow(days * RV_DAY_US, clock_us - offset_us, &us) ||
        us < RV_TIMESTAMP_MIN || us > RV_TIMESTAMP_MAX) {
        return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, why_range);
    }
    *value = us;
    return RV_OK;
}

rv_status rv_time_parse(rv_type_kind kind, rv_bytes text, int64_t *value, const char **why) {
    RV_ASSERT(value != NULL && why != NULL);
    rv_time_moment m = {.clock_only = kind == RV_TYPE_TIME, .why = rv_time_why_form};
    rv_status status = RV_OK;
    if (m.clock_only || !read_usual(text, &m)) {
        const bool stamp = kind == RV_TYPE_TIMESTAMP || kind == RV_TYPE_TIMESTAMPTZ;
        status = rv_time_read_parts(&m, text, stamp ? ROOM_LONG : ROOM_SHORT);
    } else if (m.day < 1 || m.day > rv_time_days_of_month(m.year, (uint32_t)m.month)) {
        status = rv_time_refuse(&m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
    }
    if (status == RV_OK) {
        status = value_of(&m, kind, value);
    }
    *why = m.why;
    return status;
}
