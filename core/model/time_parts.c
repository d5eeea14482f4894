/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates and times from their fields: PostgreSQL 15's DecodeDateTime and DecodeTimeOnly with
 * DateStyle `ISO, MDY`, rule by rule, since a form that is read differently would be worse than one
 * that is refused. Each field says what it must be by its shape and by what is known already: the
 * first number of a date is its year when it has three digits or more, else its month; six digits
 * are a date while one is missing, and then a clock; the name of a month makes a number that was
 * taken for the month the day.
 *
 * Refused, because they depend on the clock or on a list that changes: now, today, tomorrow,
 * yesterday, and names of time zones other than UTC's.
 */
#include "core/model/time_parts.h"

#include "core/base/assert.h"
#include "core/model/value_time.h"

const char rv_time_why_form[] =
    "it must be written like 2026-01-31, 12:30:00 or 2026-01-31T12:30:00Z";
static const char why_zone[] =
    "time zones are numeric offsets (+02:00), Z or UTC; names of zones are not known here";
static const char why_clock[] = "what depends on the clock is not a value; use now()";
static const char why_zone_range[] = "the time zone's offset is out of range";
const char rv_time_why_field[] = "a part of the date or time is out of range";

rv_status rv_time_refuse(rv_time_moment *m, rv_status status, const char *why) {
    RV_ASSERT(status != RV_OK && why != NULL);
    m->why = why;
    return status;
}

static rv_status refuse_form(rv_time_moment *m) {
    return rv_time_refuse(m, RV_VALUE_INVALID, rv_time_why_form);
}

/* Takes digits off the front. False: more than 32 bits hold. */
static bool take_number(rv_bytes *text, int64_t *number) {
    int64_t sum = 0;
    size_t len = 0;
    for (; len < text->len && rv_time_is_digit(text->ptr[len]); len++) {
        sum = sum > INT32_MAX ? sum : sum * 10 + (text->ptr[len] - '0');
    }
    *text = rv_bytes_from(*text, len);
    RV_ASSERT(sum >= 0);
    *number = sum;
    return sum <= INT32_MAX;
}

/* All the digits of the text, as C's atoi takes them: what is too large wraps. */
static int64_t number_of(rv_bytes text) {
    uint64_t sum = 0;
    for (size_t i = 0; i < text.len && rv_time_is_digit(text.ptr[i]); i++) {
        sum = sum > INT64_MAX / 10 - 9 ? (uint64_t)INT64_MAX
                                       : sum * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    const int64_t low = (int64_t)(sum & UINT32_MAX);
    RV_ASSERT(low >= 0);
    return low > INT32_MAX ? low - ((int64_t)UINT32_MAX + 1) : low;
}

static bool is_next(rv_bytes text, uint8_t c) {
    return text.len > 0 && text.ptr[0] == c;
}

/* Where `c` is; the text's length when it is not in it. */
static size_t place_of(rv_bytes text, uint8_t c) {
    size_t at = 0;
    while (at < text.len && text.ptr[at] != c) {
        at++;
    }
    return at;
}

/* A fraction from its point on, as a double. False: not digits to the end. PostgreSQL reads it by
 * strtod; fifteen digits in a double, divided by a power of ten that a double holds exactly, give
 * that same double. */
static bool read_fraction(rv_bytes text, double *fraction) {
    static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    size_t count = 0;
    RV_ASSERT(is_next(text, '.'));
    for (size_t i = 1; i < text.len; i++) {
        if (!rv_time_is_digit(text.ptr[i])) {
            return false;
        }
        if (count < 15) {
            digits = digits * 10 + (uint64_t)(text.ptr[i] - '0');
            count += 1;
        }
    }
    RV_ASSERT(count <= 15 && digits < UINT64_C(1000000000000000));
    *fraction = (double)digits / tens[count];
    return true;
}

/* The fraction of a second from its point on, in microseconds, ties to even. */
static rv_status read_second_fraction(rv_time_moment *m, rv_bytes text) {
    double fraction = 0;
    if (!read_fraction(text, &fraction)) {
        return refuse_form(m);
    }
    const double product = fraction * 1000000.0;
    const int64_t whole = (int64_t)product;
    const double rest = product - (double)whole;
    m->fraction_us = whole + (rest > 0.5 || (rest == 0.5 && whole % 2 == 1));
    RV_ASSERT(m->fraction_us >= 0 && m->fraction_us <= 1000000);
    return RV_OK;
}

uint32_t rv_time_days_of_month(int64_t year, uint32_t month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    RV_ASSERT(month >= 1 && month <= 12);
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

static bool clock_overflows(const rv_time_moment *m) {
    const int64_t seconds = (m->hour * 60 + m->minute) * 60 + m->second;
    RV_ASSERT(m->hour >= 0 && m->minute >= 0 && m->second >= 0);
    return m->hour > 24 || m->minute > 59 || m->second > 60 ||
           seconds * 1000000 + m->fraction_us > RV_DAY_US;
}

/* An offset: `minus`, then `hh`, `hhmm`, `hh:mm` or `hh:mm:ss`. */
static rv_status read_offset(rv_time_moment *m, bool minus, rv_bytes text) {
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    const size_t len = text.len;
    const bool twice = is_next(text, '-');
    text = rv_bytes_from(text, twice ? 1 : 0);
    bool fits = take_number(&text, &hour) && (!twice || hour == 0);
    if (is_next(text, ':')) {
        text = rv_bytes_from(text, 1);
        fits = take_number(&text, &minute) && fits;
        if (is_next(text, ':')) {
            text = rv_bytes_from(text, 1);
            fits = take_number(&text, &second) && fits;
        }
    } else if (text.len == 0 && len > 2) {
        minute = hour % 100;
        hour /= 100;
    }
    if (!fits || hour > 15 || minute > 59 || second > 59) {
        return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, why_zone_range);
    }
    const int64_t offset = (hour * 60 + minute) * 60 + second;
    RV_ASSERT(offset < 16 * 3600);
    m->offset_s = minus ? -offset : offset;
    return text.len > 0 ? rv_time_refuse(m, RV_VALUE_INVALID, why_zone) : RV_OK;
}

/* `h:m`, `h:m:s`, with a fraction; `m:s.f`. */
static rv_status read_clock(rv_time_moment *m, rv_bytes text, uint32_t *told) {
    const bool hour_fits = take_number(&text, &m->hour);
    RV_ASSERT(is_next(text, ':'));
    text = rv_bytes_from(text, 1);
    m->second = 0;
    m->fraction_us = 0;
    *told = RV_TIME_HAS_CLOCK;
    if (!take_number(&text, &m->minute)) {
        return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
    }
    rv_status status = RV_OK;
    if (is_next(text, '.')) {
        status = read_second_fraction(m, text);
        m->second = m->minute;
        m->minute = m->hour;
        m->hour = 0;
    } else if (text.len > 0) {
        text = rv_bytes_from(text, 1);
        if (!take_number(&text, &m->second)) {
            return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
        }
        if (is_next(text, '.')) {
            status = read_second_fraction(m, text);
        } else if (text.len > 0) {
            status = refuse_form(m);
        }
    }
    if (status == RV_OK && (!hour_fits || m->minute > 59 || m->second > 60)) {
        status = rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
    }
    return status;
}

/* Digits run together: `yymmdd`, `yyyymmdd` while a date is missing, `hhmm`, `hhmmss` with a
 * fraction while the clock is. `has` is what the caller wants to be taken as told. */
static rv_status read_run(rv_time_moment *m, rv_bytes text, uint32_t has, uint32_t *told) {
    const size_t len = place_of(text, '.');
    RV_ASSERT(len <= text.len);
    if (len < text.len) {
        const rv_status status = read_second_fraction(m, rv_bytes_from(text, len));
        if (status != RV_OK) {
            return status;
        }
    } else if ((has & RV_TIME_HAS_DATE) != RV_TIME_HAS_DATE && len >= 6) {
        m->year = number_of(rv_bytes_of(text.ptr, len - 4));
        m->month = number_of(rv_bytes_of(text.ptr + len - 4, 2));
        m->day = number_of(rv_bytes_of(text.ptr + len - 2, 2));
        m->two_digits = m->two_digits || len == 6;
        *told = RV_TIME_HAS_DATE;
        return RV_OK;
    }
    if ((has & RV_TIME_HAS_CLOCK) == RV_TIME_HAS_CLOCK || (len != 6 && len != 4)) {
        return refuse_form(m);
    }
    m->hour = number_of(rv_bytes_of(text.ptr, 2));
    m->minute = number_of(rv_bytes_of(text.ptr + 2, 2));
    m->second = len == 6 ? number_of(rv_bytes_of(text.ptr + 4, 2)) : 0;
    *told = RV_TIME_HAS_CLOCK;
    return RV_OK;
}

/* What a number of a date is, by what is told already: year first when it has three digits, else
 * month, day, year. */
static rv_status place_number(rv_time_moment *m, int64_t number, size_t len, uint32_t has,
                              uint32_t *told) {
    const bool long_ = len >= 3;
    RV_ASSERT(number >= 0);
    switch (has & RV_TIME_HAS_DATE) {
    case 0:
        *told = long_ ? RV_TIME_HAS_YEAR : RV_TIME_HAS_MONTH;
        break;
    case RV_TIME_HAS_YEAR:
        *told = RV_TIME_HAS_MONTH;
        break;
    case RV_TIME_HAS_MONTH:
        *told = m->text_month && long_ ? RV_TIME_HAS_YEAR : RV_TIME_HAS_DAY;
        break;
    case RV_TIME_HAS_YEAR | RV_TIME_HAS_MONTH:
        if (m->text_month && long_ && m->two_digits) { /* the first number was the day */
            m->day = m->year;
            m->year = number;
            m->two_digits = false;
            *told = RV_TIME_HAS_DAY;
            return RV_OK;
        }
        *told = RV_TIME_HAS_DAY;
        break;
    case RV_TIME_HAS_DAY:
        *told = RV_TIME_HAS_MONTH;
        break;
    case RV_TIME_HAS_MONTH | RV_TIME_HAS_DAY:
        *told = RV_TIME_HAS_YEAR;
        break;
    default:
        return refuse_form(m);
    }
    if (*told == RV_TIME_HAS_YEAR) {
        m->year = number;
        m->two_digits = len <= 2;
    } else {
        *(*told == RV_TIME_HAS_MONTH ? &m->month : &m->day) = number;
    }
    return RV_OK;
}

/* A number that stands alone, or is a part of a date. */
static rv_status read_number(rv_time_moment *m, rv_bytes text, uint32_t has, uint32_t *told) {
    int64_t number = 0;
    rv_bytes rest = text;
    RV_ASSERT(text.len > 0);
    if (!take_number(&rest, &number)) {
        return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
    }
    const size_t digits = text.len - rest.len;
    if (digits == 0 || (rest.len > 0 && rest.ptr[0] != '.')) {
        return refuse_form(m);
    }
    if (rest.len > 0) {
        if (digits > 2) {
            return read_run(m, text, has | RV_TIME_HAS_DATE, told);
        }
        const rv_status status = read_second_fraction(m, rest);
        if (status != RV_OK) {
            return status;
        }
    }
    if (text.len == 3 && (has & RV_TIME_HAS_DATE) == RV_TIME_HAS_YEAR && number >= 1 &&
        number <= 366) {
        m->day_of_year = number;
        *told = RV_TIME_HAS_DAY_OF_YEAR | RV_TIME_HAS_MONTH | RV_TIME_HAS_DAY;
        return RV_OK;
    }
    if ((has & RV_TIME_HAS_DATE) == RV_TIME_HAS_DATE) {
        return read_run(m, text, has, told);
    }
    return place_number(m, number, text.len, has, told);
}

/* The next part of a date's text, digits or letters; one character after it is skipped, whatever it
 * is. Empty at the end; `*bad` when only separators are left. */
static rv_bytes next_part(rv_bytes *text, bool *bad) {
    size_t start = 0;
    while (start < text->len && !rv_time_is_digit(text->ptr[start]) &&
           !rv_time_is_letter(text->ptr[start])) {
        start++;
    }
    RV_ASSERT(text->len > 0);
    *bad = start == text->len;
    size_t end = start;
    if (end < text->len && rv_time_is_digit(text->ptr[end])) {
        while (end < text->len && rv_time_is_digit(text->ptr[end])) {
            end++;
        }
    } else {
        while (end < text->len && rv_time_is_letter(text->ptr[end])) {
            end++;
        }
    }
    RV_ASSERT(end <= text->len);
    const rv_bytes part = rv_bytes_of(text->ptr + start, end - start);
    *text = rv_bytes_from(*text, end < text->len ? end + 1 : end);
    return part;
}

/* A date in one field: the name of a month first, wherever it stands, then the numbers. */
static rv_status read_date(rv_time_moment *m, rv_bytes text, uint32_t *told) {
    const uint32_t before = m->has;
    uint32_t has = before;
    const bool text_month = m->text_month; /* of fields before; not of this one */
    m->text_month = false;
    rv_status status = RV_OK;
    for (unsigned pass = 0; pass < 2; pass++) {
        rv_bytes rest = text;
        for (size_t i = 0; rest.len > 0 && i < RV_TIME_FIELDS_MAX; i++) {
            bool bad = false;
            const rv_bytes part = next_part(&rest, &bad);
            const bool word = part.len > 0 && rv_time_is_letter(part.ptr[0]);
            uint32_t now = 0;
            if (bad) {
                return refuse_form(m);
            }
            if (word && pass == 0) {
                const rv_time_word found = rv_time_word_of(part);
                if (found.kind != RV_TIME_WORD_MONTH) {
                    return rv_time_refuse(m, RV_VALUE_INVALID,
                                          m->has != 0 ? why_zone : rv_time_why_form);
                }
                m->month = found.value;
                m->text_month = true;
                now = RV_TIME_HAS_MONTH;
            } else if (!word && pass == 1) {
                status = read_number(m, part, has, &now);
            }
            if (status != RV_OK || (has & now) != 0) {
                return status != RV_OK ? status : refuse_form(m);
            }
            has |= now;
        }
    }
    m->text_month = text_month;
    *told = has & ~before;
    RV_ASSERT((*told & before) == 0);
    const bool whole =
        (has & ~(uint32_t)(RV_TIME_HAS_DAY_OF_YEAR | RV_TIME_HAS_ZONE)) == RV_TIME_HAS_DATE;
    return whole ? RV_OK : refuse_form(m);
}

/* `hhmmss-zz`, or the name of a time zone. `has`: what is taken as told of the date. */
static rv_status read_run_and_zone(rv_time_moment *m, rv_bytes text, uint32_t has, uint32_t *told) {
    RV_ASSERT(text.len > 0);
    const size_t hyphen = place_of(text, '-');
    if (!rv_time_is_digit(text.ptr[0])) {
        return rv_time_refuse(m, RV_VALUE_INVALID, why_zone);
    }
    if ((m->has & RV_TIME_HAS_CLOCK) == RV_TIME_HAS_CLOCK || hyphen == text.len) {
        return refuse_form(m);
    }
    rv_status status = read_offset(m, true, rv_bytes_from(text, hyphen + 1));
    if (status == RV_OK) {
        status = read_run(m, rv_bytes_of(text.ptr, hyphen), has, told);
        *told |= RV_TIME_HAS_ZONE;
    }
    return status;
}

static rv_status read_date_field(rv_time_moment *m, const rv_time_fields *fields, size_t i,
                                 uint32_t *told) {
    const rv_bytes text = fields->list[i].text;
    RV_ASSERT(i < fields->count && text.len > 0);
    if (m->clock_only) {
        const bool date = i == 0 && fields->count >= 2 &&
                          (fields->list[fields->count - 1].kind == RV_TIME_FIELD_DATE ||
                           fields->list[1].kind == RV_TIME_FIELD_CLOCK);
        return date ? read_date(m, text, told)
                    : read_run_and_zone(m, text, m->has | RV_TIME_HAS_DATE, told);
    }
    if (m->label == RV_TIME_LABEL_JULIAN) { /* with a zone in the same field */
        rv_bytes rest = text;
        m->julian = true;
        m->label = RV_TIME_LABEL_NONE;
        *told = RV_TIME_HAS_DATE | RV_TIME_HAS_CLOCK | RV_TIME_HAS_ZONE;
        if (!take_number(&rest, &m->day)) {
            return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
        }
        return is_next(rest, '-') ? read_offset(m, true, rv_bytes_from(rest, 1)) : refuse_form(m);
    }
    const uint32_t month_and_day = RV_TIME_HAS_MONTH | RV_TIME_HAS_DAY;
    if (m->label == RV_TIME_LABEL_NONE && (m->has & month_and_day) != month_and_day) {
        return read_date(m, text, told);
    }
    const bool labelled = m->label != RV_TIME_LABEL_NONE;
    if (labelled && (m->label != RV_TIME_LABEL_CLOCK || !rv_time_is_digit(text.ptr[0]))) {
        return refuse_form(m);
    }
    m->label = RV_TIME_LABEL_NONE;
    return read_run_and_zone(m, text, m->has, told);
}

/* The number after `j`: days, and the time of day as a fraction. */
static rv_status read_julian(rv_time_moment *m, int64_t number, rv_bytes fraction, uint32_t *told) {
    m->day = number;
    m->julian = true;
    *told = RV_TIME_HAS_DATE;
    if (fraction.len > 0) {
        double part = 0;
        if (!read_fraction(fraction, &part)) {
            return refuse_form(m);
        }
        const int64_t us = (int64_t)(part * 86400000000.0);
        RV_ASSERT(us >= 0 && us <= RV_DAY_US);
        m->hour = us / INT64_C(3600000000);
        m->minute = us / 60000000 % 60;
        m->second = us / 1000000 % 60;
        m->fraction_us = us % 1000000;
        *told |= RV_TIME_HAS_CLOCK;
    }
    return RV_OK;
}

/* A number that a word before it labelled: y2026, m1, d31, h12, j2461072, t123000. */
static rv_status read_labelled(rv_time_moment *m, rv_bytes text, uint32_t *told) {
    const rv_time_label label = m->label;
    int64_t number = 0;
    m->special = RV_TIME_WORD_NONE; /* as in PostgreSQL: the last word counts */
    rv_bytes rest = text;
    m->label = RV_TIME_LABEL_NONE;
    if (!take_number(&rest, &number)) {
        return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
    }
    const bool fraction = label == RV_TIME_LABEL_JULIAN || label == RV_TIME_LABEL_CLOCK ||
                          label == RV_TIME_LABEL_SECOND;
    RV_ASSERT(rest.len == 0 || rest.ptr[0] == '.');
    if (rest.len > 0 && !fraction) {
        return refuse_form(m);
    }
    switch (label) {
    case RV_TIME_LABEL_YEAR:
        m->year = number;
        *told = RV_TIME_HAS_YEAR;
        return RV_OK;
    case RV_TIME_LABEL_MONTH: /* of a date, or minutes after hours */
        *told = (m->has & RV_TIME_HAS_MONTH) != 0 && (m->has & RV_TIME_HAS_HOUR) != 0
                    ? RV_TIME_HAS_MINUTE
                    : RV_TIME_HAS_MONTH;
        *(*told == RV_TIME_HAS_MINUTE ? &m->minute : &m->month) = number;
        return RV_OK;
    case RV_TIME_LABEL_DAY:
        m->day = number;
        *told = RV_TIME_HAS_DAY;
        return RV_OK;
    case RV_TIME_LABEL_HOUR:
        m->hour = number;
        *told = RV_TIME_HAS_HOUR;
        return RV_OK;
    case RV_TIME_LABEL_MINUTE:
        m->minute = number;
        *told = RV_TIME_HAS_MINUTE;
        return RV_OK;
    case RV_TIME_LABEL_SECOND:
        m->second = number;
        *told = rest.len > 0 ? RV_TIME_HAS_SECOND | RV_TIME_HAS_FRACTION : RV_TIME_HAS_SECOND;
        return rest.len > 0 ? read_second_fraction(m, rest) : RV_OK;
    case RV_TIME_LABEL_JULIAN:
        return read_julian(m, number, rest, told);
    case RV_TIME_LABEL_CLOCK:
        return read_run(m, text, m->has | RV_TIME_HAS_DATE, told);
    default:
        return refuse_form(m);
    }
}

static rv_status read_number_field(rv_time_moment *m, const rv_time_fields *fields, size_t i,
                                   uint32_t *told) {
    const rv_bytes text = fields->list[i].text;
    RV_ASSERT(i < fields->count && text.len > 0);
    if (m->label != RV_TIME_LABEL_NONE) {
        return read_labelled(m, text, told);
    }
    const size_t digits = place_of(text, '.');
    const bool point = digits < text.len;
    const uint32_t has = m->clock_only ? m->has | RV_TIME_HAS_DATE : m->has;
    const bool last_is_date = fields->list[fields->count - 1].kind == RV_TIME_FIELD_DATE;
    const bool date = m->clock_only ? i == 0 && fields->count >= 2 && last_is_date
                                    : (m->has & RV_TIME_HAS_DATE) == 0;
    if (point && date) {
        return read_date(m, text, told);
    }
    if (point && (digits > 2 || m->clock_only)) {
        return digits > 2 ? read_run(m, text, has, told) : refuse_form(m);
    }
    const bool missing = (m->has & RV_TIME_HAS_DATE) == 0 ||
                         (m->has & RV_TIME_HAS_CLOCK) == 0; /* none of one of them is told */
    if (m->clock_only ? text.len > 4 : text.len >= 6 && missing) {
        return read_run(m, text, has, told);
    }
    return read_number(m, text, has, told);
}

/* A month's name where a number was taken for the month makes that number the day. */
static uint32_t take_month(rv_time_moment *m, uint8_t month) {
    uint32_t told = RV_TIME_HAS_MONTH;
    RV_ASSERT(month >= 1 && month <= 12);
    if ((m->has & RV_TIME_HAS_MONTH) != 0 && !m->text_month && (m->has & RV_TIME_HAS_DAY) == 0 &&
        m->month >= 1 && m->month <= 31) {
        m->day = m->month;
        told = RV_TIME_HAS_DAY;
    }
    m->text_month = true;
    m->month = month;
    return told;
}

/* A word that only a date can have. */
static rv_status read_date_word(rv_time_moment *m, rv_time_word word, uint32_t *told) {
    RV_ASSERT(word.kind != RV_TIME_WORD_NONE);
    if (m->clock_only) {
        return refuse_form(m);
    }
    switch (word.kind) {
    case RV_TIME_WORD_MONTH:
        *told = take_month(m, word.value);
        return RV_OK;
    case RV_TIME_WORD_WEEKDAY:
        *told = RV_TIME_HAS_WEEKDAY;
        return RV_OK;
    case RV_TIME_WORD_EPOCH:
    case RV_TIME_WORD_INFINITY:
        m->special = word.kind;
        *told = RV_TIME_HAS_SPECIAL;
        return RV_OK;
    default:
        return refuse_form(m);
    }
}

static rv_status read_word(rv_time_moment *m, const rv_time_fields *fields, size_t i,
                           uint32_t *told) {
    const rv_time_word word = rv_time_word_of(fields->list[i].text);
    const rv_time_field_kind next =
        i + 1 < fields->count ? fields->list[i + 1].kind : RV_TIME_FIELD_WORD;
    switch (word.kind) {
    case RV_TIME_WORD_FILLER:
        return RV_OK;
    case RV_TIME_WORD_HALF:
        m->afternoon = word.value != 0;
        *told = RV_TIME_HAS_HALF;
        return RV_OK;
    case RV_TIME_WORD_ERA:
        m->before_christ = word.value != 0;
        *told = RV_TIME_HAS_ERA;
        return RV_OK;
    case RV_TIME_WORD_LABEL:
        m->label = (rv_time_label)word.value;
        return RV_OK;
    case RV_TIME_WORD_UTC:
        m->offset_s = 0;
        *told = RV_TIME_HAS_ZONE;
        return RV_OK;
    case RV_TIME_WORD_SUMMER:
        m->offset_s += 3600;
        *told = RV_TIME_HAS_SUMMER;
        return RV_OK;
    case RV_TIME_WORD_MIDNIGHT:
        m->hour = 0;
        m->minute = 0;
        m->second = 0;
        m->offset_s = 0;
        *told = RV_TIME_HAS_CLOCK | RV_TIME_HAS_ZONE;
        return RV_OK;
    case RV_TIME_WORD_T:
        if ((!m->clock_only && (m->has & RV_TIME_HAS_DATE) != RV_TIME_HAS_DATE) ||
            (next != RV_TIME_FIELD_NUMBER && next != RV_TIME_FIELD_CLOCK &&
             next != RV_TIME_FIELD_DATE)) {
            return refuse_form(m);
        }
        m->label = RV_TIME_LABEL_CLOCK;
        return RV_OK;
    case RV_TIME_WORD_CLOCK:
        return rv_time_refuse(m, RV_VALUE_INVALID, why_clock);
    case RV_TIME_WORD_NONE:
        return rv_time_refuse(m, RV_VALUE_INVALID, m->has != 0 ? why_zone : rv_time_why_form);
    default:
        return read_date_word(m, word, told);
    }
}

static rv_status read_field(rv_time_moment *m, const rv_time_fields *fields, size_t i,
                            uint32_t *told) {
    const rv_time_field *const field = &fields->list[i];
    RV_ASSERT(i < fields->count);
    rv_status status = RV_OK;
    switch (field->kind) {
    case RV_TIME_FIELD_DATE:
        return read_date_field(m, fields, i, told);
    case RV_TIME_FIELD_CLOCK:
        if (!m->clock_only) {
            if (m->label != RV_TIME_LABEL_NONE && m->label != RV_TIME_LABEL_CLOCK) {
                return refuse_form(m);
            }
            m->label = RV_TIME_LABEL_NONE;
        }
        status = read_clock(m, field->text, told);
        if (status == RV_OK && !m->clock_only && clock_overflows(m)) {
            status = rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
        }
        return status;
    case RV_TIME_FIELD_ZONE:
        *told = RV_TIME_HAS_ZONE;
        return read_offset(m, field->minus, field->text);
    case RV_TIME_FIELD_NUMBER:
        return read_number_field(m, fields, i, told);
    case RV_TIME_FIELD_SIGNED_WORD:
        if (!field->minus || rv_time_word_of(field->text).kind != RV_TIME_WORD_INFINITY) {
            return refuse_form(m);
        }
        m->minus = true;
        return read_date_word(m, (rv_time_word){RV_TIME_WORD_INFINITY, 0}, told);
    default:
        return read_word(m, fields, i, told);
    }
}

/* What the parts say together: the year's era, the day's range, the hour's half. */
static rv_status check_parts(rv_time_moment *m) {
    if ((m->has & RV_TIME_HAS_YEAR) != 0 && !m->julian) {
        if (m->year <= 0 && (m->before_christ || !m->two_digits || m->year < 0)) {
            return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
        }
        if (m->before_christ) {
            m->year = 1 - m->year;
        } else if (m->two_digits && m->year < 100) {
            m->year += m->year < 70 ? 2000 : 1900;
        }
    }
    const bool plain = !m->julian && (m->has & RV_TIME_HAS_DAY_OF_YEAR) == 0;
    if (plain && (((m->has & RV_TIME_HAS_MONTH) != 0 && (m->month < 1 || m->month > 12)) ||
                  ((m->has & RV_TIME_HAS_DAY) != 0 && (m->day < 1 || m->day > 31)))) {
        return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
    }
    if (plain && (m->has & RV_TIME_HAS_DATE) == RV_TIME_HAS_DATE &&
        m->day > rv_time_days_of_month(m->year, (uint32_t)m->month)) {
        return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
    }
    if ((m->has & RV_TIME_HAS_HALF) != 0) {
        if (m->hour > 12) {
            return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
        }
        m->hour = m->hour % 12 + (m->afternoon ? 12 : 0);
    }
    RV_ASSERT(m->hour >= 0);
    return RV_OK;
}

/* Reads all of the text; checks what does not depend on the type's range. */
rv_status rv_time_read_parts(rv_time_moment *m, rv_bytes text, size_t room) {
    rv_time_fields fields;
    if (!rv_time_split(text, room, &fields)) {
        return refuse_form(m);
    }
    for (size_t i = 0; i < fields.count; i++) {
        uint32_t told = 0;
        const rv_status status = read_field(m, &fields, i, &told);
        if (status != RV_OK) {
            return status;
        }
        if ((m->has & told) != 0) {
            return refuse_form(m);
        }
        m->has |= told;
    }
    const rv_status status = check_parts(m);
    if (status != RV_OK) {
        return status;
    }
    if (m->clock_only && clock_overflows(m)) {
        return rv_time_refuse(m, RV_VALUE_OUT_OF_RANGE, rv_time_why_field);
    }
    const uint32_t needed = m->clock_only ? RV_TIME_HAS_CLOCK : RV_TIME_HAS_DATE;
    const uint32_t date = m->has & RV_TIME_HAS_DATE;
    /* Without a zone, the date must tell which it is, if something of a date is told. */
    const bool bare = (m->has & RV_TIME_HAS_SUMMER) != 0 || (date != 0 && date != RV_TIME_HAS_DATE);
    if (m->special != RV_TIME_WORD_NONE) {
        return RV_OK;
    }
    const bool whole = (m->has & needed) == needed;
    return whole && !(bare && (m->has & RV_TIME_HAS_ZONE) == 0) ? RV_OK : refuse_form(m);
}
