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

/* The fraction at `*at`, if there is one, in microseconds. False: it is none of up to 6 digits. */
static inline bool read_usual_fraction(rv_bytes text, size_t *at, int64_t *fraction_us) {
    const uint8_t *const p = text.ptr;
    RV_ASSERT(*at <= text.len);
    *fraction_us = 0;
    if (*at == text.len || p[*at] != '.') {
        return true;
    }
    uint32_t digits = 0;
    int64_t fraction = 0;
    for (*at += 1; *at < text.len && digits < 6 && rv_time_is_digit(p[*at]); *at += 1) {
        fraction = fraction * 10 + (p[*at] - '0');
        digits += 1;
    }
    *fraction_us = fraction * rv_number_power(6 - digits);
    return digits > 0;
}

/* The form that programs write, as read_usual reads it. */
typedef struct usual {
    uint32_t year;
    uint32_t month;
    uint32_t day; /* up to 99 */
    int64_t clock_us;
    int64_t offset_s;
} usual;

/* The bytes of `word`, in which digits were made their numbers and what stands between them 0, are
 * right; `between` has the bits of the latter. */
static inline bool are_digits(uint64_t word, uint64_t between) {
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    const uint64_t above_nine = UINT64_C(0x7676767676767676);
    return (((word + above_nine) | word) & high_bits) == 0 && (word & between) == 0;
}

/* `YYYY-MM-DDThh:mm:ss[.ffffff][zone]`, at places that are known, eight bytes at a time. It refuses
 * nothing: false leaves the text to rv_time_read_parts. */
static bool read_usual(rv_bytes text, usual *u) {
    if (text.len < 19) {
        return false;
    }
    const uint8_t *const p = text.ptr;
    RV_ASSERT(p != NULL);
    const uint64_t date = rv_load_u64(p) ^ UINT64_C(0x2d30302d30303030); /* 0000-00- */
    uint64_t clock = rv_load_u64(p + 8) ^ UINT64_C(0x30303a3030543030);  /* 00T00:00 */
    clock ^= p[10] == ' ' ? UINT64_C(0x740000) : 0;
    if (!are_digits(date, UINT64_C(0xff0000ff00000000)) ||
        !are_digits(clock, UINT64_C(0x0000ff0000ff0000)) || p[16] != ':') {
        return false;
    }
    const uint64_t dates = date * 10 + (date >> 8); /* each byte: it and the next as a number */
    const uint64_t clocks = clock * 10 + (clock >> 8);
    const uint32_t hour = (uint32_t)(clocks >> 24) & 0xff;
    const uint32_t minute = (uint32_t)(clocks >> 48) & 0xff;
    const uint32_t second = two_digits(p + 17);
    u->year = ((uint32_t)dates & 0xff) * 100 + ((uint32_t)(dates >> 16) & 0xff);
    u->month = (uint32_t)(dates >> 40) & 0xff;
    u->day = (uint32_t)clocks & 0xff;
    if (u->year == 0 || u->month < 1 || u->month > 12 || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    size_t at = 19;
    int64_t fraction_us = 0;
    if (!read_usual_fraction(text, &at, &fraction_us) ||
        !read_usual_zone(rv_bytes_from(text, at), &u->offset_s)) {
        return false;
    }
    u->clock_us = ((int64_t)(hour * 60 + minute) * 60 + second) * 1000000 + fraction_us;
    return true;
}

/* The value of the type, not RV_TYPE_TIME. RV_VALUE_OUT_OF_RANGE: the month has no such day. */
static rv_status value_of_usual(const usual *u, rv_type_kind kind, int64_t *value) {
    RV_ASSERT(kind == RV_TYPE_DATE || kind == RV_TYPE_TIMESTAMP || kind == RV_TYPE_TIMESTAMPTZ);
    if (u->day < 1 || u->day > rv_time_days_of_month(u->year, u->month)) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    const int64_t days = rv_time_days(u->year, u->month, u->day);
    const int64_t offset_us = kind == RV_TYPE_TIMESTAMPTZ ? u->offset_s * 1000000 : 0;
    *value = kind == RV_TYPE_DATE ? days : days * RV_DAY_US + u->clock_us - offset_us;
    RV_ASSERT(rv_time_in_range(kind, *value)); /* of years that have four digits */
    return RV_OK;
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
    usual u;
    if (kind != RV_TYPE_TIME && read_usual(text, &u)) {
        *why = rv_time_why_field;
        return value_of_usual(&u, kind, value);
    }
    rv_time_moment m = {.clock_only = kind == RV_TYPE_TIME, .why = rv_time_why_form};
    const bool stamp = kind == RV_TYPE_TIMESTAMP || kind == RV_TYPE_TIMESTAMPTZ;
    rv_status status = rv_time_read_parts(&m, text, stamp ? ROOM_LONG : ROOM_SHORT);
    if (status == RV_OK) {
        status = value_of(&m, kind, value);
    }
    *why = m.why;
    return status;
}
