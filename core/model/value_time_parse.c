/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates and times from text. What is read: ISO 8601 in its extended and basic forms, RFC 3339, and
 * what PostgreSQL writes with DateStyle ISO:
 *
 *     [date] [T or space] [clock] [zone] [BC | AD]        zone and era in any order, spaces between
 *     date    YYYY-M-D with three digits of year or more, or YYYYMMDD
 *     clock   H:M[:S[.fraction]], or hhmm, hhmmss[.fraction]
 *     zone    Z, UTC, +h, +hh, +hhmm, +hh:mm, +hh:mm:ss
 *     infinity, -infinity, epoch
 *
 * Everything else that PostgreSQL reads depends on DateStyle, on a list of time zones or on the
 * clock, and is refused. A zone on a type without one is read and ignored, as in PostgreSQL.
 */
#include "core/model/value_time.h"

#include "core/base/assert.h"
#include "core/model/value_number.h"

static const char why_form[] =
    "it must be written like 2026-01-31, 12:30:00 or 2026-01-31T12:30:00Z";
static const char why_zone[] =
    "time zones are numeric offsets (+02:00), Z or UTC; names of zones are not known here";
static const char why_zone_range[] = "the time zone's offset is out of range";
static const char why_field[] = "a part of the date or time is out of range";
static const char why_range[] = "it is outside the range of the type";

/* What was read so far. */
typedef struct moment {
    rv_bytes rest; /* to be read */
    bool has_date;
    bool has_clock;
    bool has_zone;
    bool has_era;
    bool spaced; /* white space stands before the rest */
    bool before_christ;
    int64_t year;
    uint32_t month;
    uint32_t day;
    int64_t clock_us;
    int64_t offset_s; /* east of Greenwich */
    const char *why;
} moment;

static uint8_t peek(const moment *m, size_t at) {
    return at < m->rest.len ? m->rest.ptr[at] : 0;
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static void take(moment *m, size_t len) {
    RV_ASSERT(len <= m->rest.len);
    m->rest = rv_bytes_from(m->rest, len);
}

static rv_status refuse(moment *m, rv_status status, const char *why) {
    RV_ASSERT(status != RV_OK && why != NULL);
    m->why = why;
    return status;
}

/* Digits at the front, their count; the value of as many as fit nine. */
static size_t take_digits(moment *m, uint32_t *value) {
    size_t len = 0;
    uint32_t sum = 0;
    while (is_digit(peek(m, len))) {
        sum = len < 9 ? sum * 10 + (uint32_t)(peek(m, len) - '0') : sum;
        len++;
    }
    take(m, len);
    RV_ASSERT(sum <= 999999999);
    *value = sum;
    return len;
}

/* Takes a word, in any case, when it stands at the front and no letter follows. */
static bool take_word(moment *m, const char *word) {
    const size_t len = strlen(word);
    RV_ASSERT(len > 0);
    for (size_t i = 0; i < len; i++) {
        if ((peek(m, i) | 0x20) != (uint8_t)word[i]) {
            return false;
        }
    }
    const uint8_t after = peek(m, len) | 0x20;
    if (after >= 'a' && after <= 'z') {
        return false;
    }
    take(m, len);
    return true;
}

static void skip_space(moment *m) {
    while (peek(m, 0) == ' ' || (peek(m, 0) >= '\t' && peek(m, 0) <= '\r')) {
        take(m, 1);
    }
}

/* The fraction after the seconds' point, rounded to microseconds. PostgreSQL reads it as a double
 * and rounds the product, ties to even; fifteen digits in a double, divided by a power of ten that
 * a double holds exactly, give that same double. */
static int64_t take_fraction(moment *m) {
    static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    size_t count = 0;
    size_t len = 0;
    for (; is_digit(peek(m, len)); len++) {
        if (count < 15) {
            digits = digits * 10 + (uint64_t)(peek(m, len) - '0');
            count += 1;
        }
    }
    take(m, len);
    RV_ASSERT(count <= 15 && digits < UINT64_C(1000000000000000));
    const double product = (double)digits / tens[count] * 1000000.0;
    const int64_t whole = (int64_t)product;
    const double rest = product - (double)whole;
    return whole + (rest > 0.5 || (rest == 0.5 && whole % 2 == 1));
}

static uint32_t days_of_month(int64_t year, uint32_t month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    RV_ASSERT(month >= 1 && month <= 12);
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* `YYYY-M-D` or `YYYYMMDD`. */
static rv_status take_date(moment *m) {
    uint32_t year = 0;
    const size_t year_len = take_digits(m, &year);
    size_t month_len = 0;
    size_t day_len = 0;
    if (year_len == 8 && peek(m, 0) != '-') {
        m->day = year % 100;
        m->month = year / 100 % 100;
        year /= 10000;
    } else {
        const bool dash = year_len >= 3 && peek(m, 0) == '-';
        if (dash) {
            take(m, 1);
            month_len = take_digits(m, &m->month);
        }
        if (!dash || month_len == 0 || month_len > 2 || peek(m, 0) != '-') {
            return refuse(m, RV_VALUE_INVALID, why_form);
        }
        take(m, 1);
        day_len = take_digits(m, &m->day);
        if (day_len == 0 || day_len > 2) {
            return refuse(m, RV_VALUE_INVALID, why_form);
        }
    }
    if (year == 0 || year_len > 9 || m->month < 1 || m->month > 12) {
        return refuse(m, RV_VALUE_OUT_OF_RANGE, why_field);
    }
    RV_ASSERT(year_len >= 3);
    m->year = year;
    m->has_date = true;
    return RV_OK;
}

/* `H:M[:S[.f]]`, `hhmm`, `hhmmss[.f]`. */
static rv_status take_clock(moment *m) {
    uint32_t hour = 0;
    uint32_t minute = 0;
    uint32_t second = 0;
    const size_t len = take_digits(m, &hour);
    bool seconds = len == 6;
    if (peek(m, 0) == ':' && len >= 1 && len <= 2) {
        take(m, 1);
        const size_t minute_len = take_digits(m, &minute);
        seconds = peek(m, 0) == ':';
        take(m, seconds ? 1 : 0);
        const size_t second_len = seconds ? take_digits(m, &second) : 1;
        if (minute_len < 1 || minute_len > 2 || second_len < 1 || second_len > 2) {
            return refuse(m, RV_VALUE_INVALID, why_form);
        }
    } else if (len == 4 || len == 6) {
        second = seconds ? hour % 100 : 0;
        hour = seconds ? hour / 100 : hour;
        minute = hour % 100;
        hour /= 100;
    } else {
        return refuse(m, RV_VALUE_INVALID, why_form);
    }
    int64_t fraction = 0;
    if (seconds && peek(m, 0) == '.') {
        take(m, 1);
        fraction = take_fraction(m);
    }
    RV_ASSERT(fraction >= 0 && fraction <= 1000000);
    const int64_t us = (((int64_t)hour * 60 + minute) * 60 + second) * 1000000 + fraction;
    if (hour > 24 || minute > 59 || second > 60 || us > RV_DAY_US) {
        return refuse(m, RV_VALUE_OUT_OF_RANGE, why_field);
    }
    m->clock_us = us;
    m->has_clock = true;
    return RV_OK;
}

/* The offset after its sign. */
static rv_status take_offset(moment *m, bool minus) {
    uint32_t hour = 0;
    uint32_t minute = 0;
    uint32_t second = 0;
    const size_t len = take_digits(m, &hour);
    if (len == 0 || len > 4) {
        return refuse(m, RV_VALUE_INVALID, why_zone);
    }
    if (peek(m, 0) == ':') {
        take(m, 1);
        const size_t minute_len = take_digits(m, &minute);
        const bool seconds = peek(m, 0) == ':';
        take(m, seconds ? 1 : 0);
        const size_t second_len = seconds ? take_digits(m, &second) : 1;
        if (len > 2 || minute_len < 1 || minute_len > 2 || second_len < 1 || second_len > 2) {
            return refuse(m, RV_VALUE_INVALID, why_zone);
        }
    } else if (len > 2) {
        minute = hour % 100;
        hour /= 100;
    }
    if (hour > 15 || minute > 59 || second > 59) {
        return refuse(m, RV_VALUE_OUT_OF_RANGE, why_zone_range);
    }
    const int64_t offset = ((int64_t)hour * 60 + minute) * 60 + second;
    m->offset_s = minus ? -offset : offset;
    m->has_zone = true;
    return RV_OK;
}

/* A zone or an era, whatever is next. */
static rv_status take_suffix(moment *m) {
    RV_ASSERT(m->rest.len > 0);
    const uint8_t c = peek(m, 0);
    const bool after_date = m->has_date && (c == '+' || m->spaced); /* 2026-01-01-08 is no date */
    if ((c == '+' || c == '-') && !m->has_zone && (m->has_clock || after_date)) {
        take(m, 1);
        return take_offset(m, c == '-');
    }
    if (!m->has_era && m->has_date && (take_word(m, "bc") || take_word(m, "ad"))) {
        m->has_era = true;
        m->before_christ = (c | 0x20) == 'b';
        return RV_OK;
    }
    if (!m->has_zone && (take_word(m, "z") || take_word(m, "utc"))) {
        m->has_zone = true;
        return RV_OK;
    }
    const uint8_t lower = c | 0x20;
    const bool letter = lower >= 'a' && lower <= 'z';
    return refuse(m, RV_VALUE_INVALID, letter && m->has_clock ? why_zone : why_form);
}

/* True when a clock comes next, and not a date. */
static bool at_clock(const moment *m) {
    size_t len = 0;
    while (is_digit(peek(m, len))) {
        len++;
    }
    return len > 0 && (peek(m, len) == ':' || ((len == 4 || len == 6) && peek(m, len) != '-'));
}

/* Reads all of the text. */
static rv_status read_moment(moment *m) {
    rv_status status = RV_OK;
    skip_space(m);
    if (is_digit(peek(m, 0)) && !at_clock(m)) {
        status = take_date(m);
    }
    m->spaced = !m->has_date;
    while (status == RV_OK) {
        const size_t before = m->rest.len;
        skip_space(m);
        m->spaced = m->spaced || m->rest.len < before;
        const bool separator = (peek(m, 0) | 0x20) == 't' && is_digit(peek(m, 1));
        if (m->rest.len == 0) {
            break;
        }
        if (!m->has_clock && !m->has_zone && (separator || (m->spaced && at_clock(m)))) {
            take(m, separator ? 1 : 0);
            status = take_clock(m);
        } else {
            status = take_suffix(m);
        }
        RV_ASSERT(status != RV_OK || m->rest.len < before);
    }
    return status;
}

/* The whole text as a word, in any case. */
static bool is_word(rv_bytes text, const char *word) {
    moment m = {.rest = text};
    RV_ASSERT(word != NULL);
    skip_space(&m);
    const bool minus = word[0] == '-';
    if (minus && peek(&m, 0) != '-') {
        return false;
    }
    take(&m, minus ? 1 : 0);
    const bool found = take_word(&m, word + minus);
    skip_space(&m);
    return found && m.rest.len == 0;
}

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
static bool read_usual(rv_bytes text, moment *m) {
    RV_ASSERT(m->rest.len == text.len);
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
        for (at++; at < text.len && digits < 6 && is_digit(p[at]); at++, digits++) {
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
    m->has_date = true;
    m->has_clock = true;
    m->year = century * 100 + year;
    m->month = month;
    m->day = day;
    m->clock_us = (int64_t)((hour * 60 + minute) * 60 + second) * 1000000 + fraction;
    m->offset_s = offset_s;
    return true;
}

static bool parse_word(rv_type_kind kind, rv_bytes text, int64_t *value) {
    RV_ASSERT(kind != RV_TYPE_TIME && value != NULL);
    if (is_word(text, "infinity")) {
        *value = RV_TIME_INFINITY;
    } else if (is_word(text, "-infinity")) {
        *value = RV_TIME_MINUS_INFINITY;
    } else if (is_word(text, "epoch")) {
        const int64_t days = rv_time_days(1970, 1, 1);
        *value = kind == RV_TYPE_DATE ? days : days * RV_DAY_US;
    } else {
        return false;
    }
    return true;
}

rv_status rv_time_parse(rv_type_kind kind, rv_bytes text, int64_t *value, const char **why) {
    RV_ASSERT(value != NULL && why != NULL);
    moment m = {.rest = text, .why = why_form};
    if (!read_usual(text, &m)) {
        if (kind != RV_TYPE_TIME && parse_word(kind, text, value)) {
            return RV_OK;
        }
        const rv_status status = read_moment(&m);
        if (status != RV_OK) {
            *why = m.why;
            return status;
        }
    }
    *why = why_form;
    if (kind == RV_TYPE_TIME ? !m.has_clock : !m.has_date) {
        return RV_VALUE_INVALID;
    }
    int64_t days = 0;
    if (m.has_date) {
        m.year = m.before_christ ? 1 - m.year : m.year;
        *why = why_field;
        if (m.day < 1 || m.day > days_of_month(m.year, m.month)) {
            return RV_VALUE_OUT_OF_RANGE;
        }
        *why = why_range;
        if (m.year < -4713 || m.year > 5874897) {
            return RV_VALUE_OUT_OF_RANGE;
        }
        days = rv_time_days(m.year, m.month, m.day);
    }
    if (kind == RV_TYPE_TIME || kind == RV_TYPE_DATE) {
        *value = kind == RV_TYPE_TIME ? m.clock_us : days;
        *why = why_range;
        return rv_time_in_range(kind, *value) ? RV_OK : RV_VALUE_OUT_OF_RANGE;
    }
    int64_t us = 0;
    const int64_t offset_us = kind == RV_TYPE_TIMESTAMPTZ ? m.offset_s * 1000000 : 0;
    *why = why_range;
    if (days > RV_TIMESTAMP_MAX / RV_DAY_US + 1 ||
        __builtin_add_overflow(days * RV_DAY_US, m.clock_us - offset_us, &us) ||
        us < RV_TIMESTAMP_MIN || us > RV_TIMESTAMP_MAX) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    *value = us;
    return RV_OK;
}
