/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intervals: bytes, text, order and arithmetic. A product by a fraction cascades downwards only
 * (half a month is 15 days, half a day 12 hours), in doubles rounded to microseconds at the places
 * where PostgreSQL rounds, so that both give the same.
 */
#include "core/model/interval.h"

#include "core/base/assert.h"
#include "core/base/bytes.h"
#include "core/model/float.h"

#define DAY_US       INT64_C(86400000000)
#define DAY_SECONDS  86400.0
#define SECOND_US    1000000.0
#define MONTH_DAYS   30
#define YEAR_MONTHS  12
#define INTEGERS_END 9223372036854775808.0 /* 2^63 */

void rv_interval_store(rv_interval interval, uint8_t bytes[RV_INTERVAL_LEN]) {
    RV_ASSERT(bytes != NULL);
    rv_store_u32(bytes, (uint32_t)interval.months);
    rv_store_u32(bytes + 4, (uint32_t)interval.days);
    rv_store_u64(bytes + 8, (uint64_t)interval.us);
}

rv_interval rv_interval_load(rv_bytes bytes) {
    RV_ASSERT(bytes.len == RV_INTERVAL_LEN);
    return (rv_interval){(int32_t)rv_load_u32(bytes.ptr), (int32_t)rv_load_u32(bytes.ptr + 4),
                         (int64_t)rv_load_u64(bytes.ptr + 8)};
}

/* --- text --- */

/* What the parts written so far say about the next one. */
typedef struct parts {
    bool some; /* one was written */
    bool plus; /* the last was negative, so a positive one gets a sign */
} parts;

static void write_part(parts *p, int32_t value, const char *unit, rv_writer *w) {
    RV_ASSERT(unit != NULL);
    if (value == 0) {
        return;
    }
    rv_write_text(w, p->some ? " " : "");
    rv_write_text(w, p->plus && value > 0 ? "+" : "");
    rv_write_int(w, value);
    rv_write_u8(w, ' ');
    rv_write_text(w, unit);
    rv_write_text(w, value != 1 ? "s" : "");
    *p = (parts){.some = true, .plus = value < 0};
}

static void write_two(uint64_t value, rv_writer *w) {
    rv_write_text(w, value < 10 ? "0" : "");
    rv_write_uint(w, value);
}

/* `hh:mm:ss[.ffffff]`, the fraction without zeros at its end. */
static void write_clock(uint64_t us, rv_writer *w) {
    const uint64_t seconds = us / 1000000;
    write_two(seconds / 3600, w);
    rv_write_u8(w, ':');
    write_two(seconds / 60 % 60, w);
    rv_write_u8(w, ':');
    write_two(seconds % 60, w);
    uint32_t fraction = (uint32_t)(us % 1000000);
    if (fraction > 0) {
        rv_write_u8(w, '.');
        for (uint32_t power = 100000; fraction > 0; power /= 10) {
            RV_ASSERT(power > 0);
            rv_write_u8(w, (uint8_t)('0' + fraction / power));
            fraction %= power;
        }
    }
}

void rv_interval_write(rv_interval interval, rv_writer *w) {
    RV_ASSERT(w != NULL);
    parts p = {false, false};
    write_part(&p, interval.months / YEAR_MONTHS, "year", w);
    write_part(&p, interval.months % YEAR_MONTHS, "mon", w);
    write_part(&p, interval.days, "day", w);
    if (!p.some || interval.us != 0) {
        const bool minus = interval.us < 0;
        rv_write_text(w, p.some ? " " : "");
        rv_write_text(w, minus ? "-" : p.plus ? "+" : "");
        write_clock(minus ? ~(uint64_t)interval.us + 1 : (uint64_t)interval.us, w);
    }
}

/* --- order --- */

/* The span as whole days and the microseconds of one. */
static int64_t span_of(rv_interval interval, int64_t *us) {
    int64_t days = interval.us / DAY_US;
    *us = interval.us % DAY_US;
    if (*us < 0) {
        *us += DAY_US;
        days -= 1;
    }
    RV_ASSERT(*us >= 0 && *us < DAY_US);
    return days + interval.days + (int64_t)interval.months * MONTH_DAYS;
}

int rv_interval_compare(rv_interval a, rv_interval b) {
    int64_t a_us = 0;
    int64_t b_us = 0;
    const int64_t a_days = span_of(a, &a_us);
    const int64_t b_days = span_of(b, &b_us);
    if (a_days != b_days) {
        return a_days > b_days ? 1 : -1;
    }
    return (a_us > b_us) - (a_us < b_us);
}

void rv_interval_write_canonical(rv_interval interval, rv_writer *w) {
    int64_t us = 0;
    RV_ASSERT(w != NULL);
    rv_write_u64(w, (uint64_t)span_of(interval, &us));
    rv_write_u64(w, (uint64_t)us);
}

/* --- arithmetic --- */

bool rv_interval_add(rv_interval a, rv_interval b, rv_interval *result) {
    rv_interval sum;
    RV_ASSERT(result != NULL);
    if (__builtin_add_overflow(a.months, b.months, &sum.months) ||
        __builtin_add_overflow(a.days, b.days, &sum.days) ||
        __builtin_add_overflow(a.us, b.us, &sum.us)) {
        return false;
    }
    *result = sum;
    return true;
}

bool rv_interval_subtract(rv_interval a, rv_interval b, rv_interval *result) {
    rv_interval sum;
    RV_ASSERT(result != NULL);
    if (__builtin_sub_overflow(a.months, b.months, &sum.months) ||
        __builtin_sub_overflow(a.days, b.days, &sum.days) ||
        __builtin_sub_overflow(a.us, b.us, &sum.us)) {
        return false;
    }
    *result = sum;
    return true;
}

/* Seconds, or days, to the microsecond. */
static double rounded(double value) {
    return rv_float_round(value * SECOND_US) / SECOND_US;
}

static bool fits_int32(double value) {
    return value >= -2147483648.0 && value <= 2147483647.0; /* NaN does not */
}

/* The parts of an interval times, or by, something: exact products and what they are made of. */
static bool cascade(double months, double days, double us, rv_interval *result) {
    if (!fits_int32(months) || !fits_int32(days)) {
        return false;
    }
    rv_interval whole = {(int32_t)months, (int32_t)days, 0};
    const double month_days = rounded((months - whole.months) * MONTH_DAYS);
    const int32_t more_days = (int32_t)month_days;
    double seconds = rounded((days - whole.days + month_days - more_days) * DAY_SECONDS);
    if (seconds >= DAY_SECONDS || seconds <= -DAY_SECONDS) { /* by rounding, or of two parts */
        const int32_t carried = (int32_t)(seconds / DAY_SECONDS);
        seconds -= carried * DAY_SECONDS;
        if (__builtin_add_overflow(whole.days, carried, &whole.days)) {
            return false;
        }
    }
    RV_ASSERT(more_days >= -MONTH_DAYS && more_days <= MONTH_DAYS);
    const double total = rv_float_round(us + seconds * SECOND_US);
    if (__builtin_add_overflow(whole.days, more_days, &whole.days) ||
        !(total >= -INTEGERS_END && total < INTEGERS_END)) {
        return false;
    }
    whole.us = (int64_t)total;
    *result = whole;
    return true;
}

bool rv_interval_multiply(rv_interval a, double factor, rv_interval *result) {
    RV_ASSERT(result != NULL);
    return cascade(a.months * factor, a.days * factor, (double)a.us * factor, result);
}

bool rv_interval_divide(rv_interval a, double divisor, rv_interval *result) {
    RV_ASSERT(result != NULL && divisor != 0);
    return cascade(a.months / divisor, a.days / divisor, (double)a.us / divisor, result);
}

/* Whole months out of the days. */
static bool carry_days(rv_interval *i) {
    const int32_t months = i->days / MONTH_DAYS;
    i->days -= months * MONTH_DAYS;
    RV_ASSERT(i->days > -MONTH_DAYS && i->days < MONTH_DAYS);
    return !__builtin_add_overflow(i->months, months, &i->months);
}

/* Whole days out of the microseconds. */
static bool carry_us(rv_interval *i) {
    const int64_t days = i->us / DAY_US;
    i->us -= days * DAY_US;
    RV_ASSERT(i->us > -DAY_US && i->us < DAY_US);
    return !__builtin_add_overflow(i->days, (int32_t)days, &i->days);
}

/* Days and microseconds get one sign. */
static void align_us(rv_interval *i) {
    const int32_t step = i->days > 0 && i->us < 0 ? 1 : i->days < 0 && i->us > 0 ? -1 : 0;
    RV_ASSERT(i->us > -DAY_US && i->us < DAY_US);
    i->us += step * DAY_US;
    i->days -= step;
}

bool rv_interval_justified(rv_interval_justify how, rv_interval *interval) {
    rv_interval i = *interval;
    bool fits = true;
    RV_ASSERT(how <= RV_JUSTIFY_INTERVAL);
    if (how == RV_JUSTIFY_INTERVAL && ((i.days > 0 && i.us > 0) || (i.days < 0 && i.us < 0))) {
        fits = carry_days(&i); /* before the hours make days overflow */
    }
    if (how != RV_JUSTIFY_DAYS) {
        fits = fits && carry_us(&i);
    }
    if (how != RV_JUSTIFY_HOURS) {
        fits = fits && carry_days(&i);
        const bool us = how == RV_JUSTIFY_INTERVAL;
        const bool below = i.days < 0 || (us && i.days == 0 && i.us < 0);
        const bool above = i.days > 0 || (us && i.days == 0 && i.us > 0);
        const int32_t step = i.months > 0 && below ? 1 : i.months < 0 && above ? -1 : 0;
        i.days += step * MONTH_DAYS;
        i.months -= step;
    }
    if (fits && how != RV_JUSTIFY_DAYS) {
        align_us(&i);
    }
    if (fits) {
        *interval = i;
    }
    return fits;
}
