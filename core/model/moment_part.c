/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of dates, times and intervals: extract, date_part, date_trunc. Years in parts are counted
 * as people do, without a year 0; weeks are those of ISO 8601. Of infinity, parts that come again
 * and again (months, hours) are NULL, and those that grow (years) are infinite.
 */
#include "core/base/assert.h"
#include "core/model/moment.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US INT64_C(60000000)
#define HOUR_US   INT64_C(3600000000)
#define EPOCH_S   INT64_C(946684800) /* from 1970 to 2000 */

/* A moment taken apart. */
typedef struct fields {
    int64_t days; /* from 2000-01-01 */
    int64_t us;   /* of the day */
    int64_t year; /* astronomical */
    uint32_t month;
    uint32_t day;
} fields;

static fields fields_of(const rv_part_source *source) {
    const bool date = source->of == RV_PART_OF_DATE;
    fields f = {.days = date ? source->value : rv_time_floor_days(source->value)};
    f.us = date ? 0 : source->value - f.days * RV_DAY_US;
    rv_time_date(f.days, &f.year, &f.month, &f.day);
    RV_ASSERT(f.us >= 0 && f.us < RV_DAY_US);
    return f;
}

/* 1 for Monday to 7 for Sunday; 2000-01-01 was a Saturday. */
static int64_t iso_day_of_week(int64_t days) {
    const int64_t rest = (days + 5) % 7;
    RV_ASSERT(rest > -7 && rest < 7);
    return (rest < 0 ? rest + 7 : rest) + 1;
}

/* The week and its year: that of its Thursday. */
static int64_t iso_week(int64_t days, int64_t *year) {
    const int64_t thursday = days - iso_day_of_week(days) + 4;
    uint32_t month = 0;
    uint32_t day = 0;
    rv_time_date(thursday, year, &month, &day);
    const int64_t week = (thursday - rv_time_days(*year, 1, 1)) / 7 + 1;
    RV_ASSERT(week >= 1 && week <= 53);
    return week;
}

/* Years by tens, hundreds, thousands: the century of year 1 is 1, that of 1 BC is -1; decades have
 * a 0. */
static int64_t group_of(int64_t year, int64_t size) {
    RV_ASSERT(size == 100 || size == 1000);
    return year > 0 ? (year + size - 1) / size : -((size - 1 - (year - 1)) / size);
}

static int64_t decade_of(int64_t year) {
    return year >= 0 ? year / 10 : -((8 - (year - 1)) / 10);
}

/* The parts of a time of day. False: it is none of them. */
static bool clock_part(int64_t us, rv_unit unit, rv_part *part) {
    const int64_t in_minute = us % MINUTE_US;
    RV_ASSERT(part != NULL);
    switch (unit) {
    case RV_UNIT_MICROSECOND:
        *part = (rv_part){in_minute, 0, 0};
        return true;
    case RV_UNIT_MILLISECOND:
        *part = (rv_part){in_minute, 3, 0};
        return true;
    case RV_UNIT_SECOND:
        *part = (rv_part){in_minute, 6, 0};
        return true;
    case RV_UNIT_MINUTE:
        *part = (rv_part){us / MINUTE_US % 60, 0, 0};
        return true;
    case RV_UNIT_HOUR:
        *part = (rv_part){us / HOUR_US, 0, 0};
        return true;
    default:
        return false;
    }
}

/* The parts of a date. False: it is none of them. */
static bool date_part(const fields *f, rv_unit unit, int64_t *value) {
    int64_t year = 0;
    RV_ASSERT(value != NULL);
    switch (unit) {
    case RV_UNIT_DAY:
        *value = f->day;
        return true;
    case RV_UNIT_MONTH:
        *value = f->month;
        return true;
    case RV_UNIT_QUARTER:
        *value = (f->month - 1) / 3 + 1;
        return true;
    case RV_UNIT_WEEK:
        *value = iso_week(f->days, &year);
        return true;
    case RV_UNIT_YEAR:
        *value = f->year > 0 ? f->year : f->year - 1;
        return true;
    case RV_UNIT_DECADE:
        *value = decade_of(f->year);
        return true;
    case RV_UNIT_CENTURY:
        *value = group_of(f->year, 100);
        return true;
    case RV_UNIT_MILLENNIUM:
        *value = group_of(f->year, 1000);
        return true;
    case RV_UNIT_ISO_YEAR:
        (void)iso_week(f->days, &year);
        *value = year > 0 ? year : year - 1;
        return true;
    case RV_UNIT_DAY_OF_WEEK:
        *value = iso_day_of_week(f->days) % 7;
        return true;
    case RV_UNIT_ISO_DAY_OF_WEEK:
        *value = iso_day_of_week(f->days);
        return true;
    case RV_UNIT_DAY_OF_YEAR:
        *value = f->days - rv_time_days(f->year, 1, 1) + 1;
        return true;
    default:
        return false;
    }
}

static bool is_growing(rv_unit unit) {
    return unit == RV_UNIT_YEAR || unit == RV_UNIT_DECADE || unit == RV_UNIT_CENTURY ||
           unit == RV_UNIT_MILLENNIUM || unit == RV_UNIT_ISO_YEAR || unit == RV_UNIT_EPOCH;
}

static bool is_zone(rv_unit unit) {
    return unit >= RV_UNIT_ZONE && unit <= RV_UNIT_ZONE_MINUTE;
}

static rv_part_result moment_part(const rv_part_source *source, rv_unit unit, rv_part *part) {
    const bool date = source->of == RV_PART_OF_DATE;
    const bool finite = rv_moment_is_finite(source->value);
    const rv_part_source some = {.of = source->of};
    const fields f = fields_of(finite ? source : &some);
    *part = (rv_part){0, 0, 0};
    RV_ASSERT(source->of <= RV_PART_OF_DATE);
    if (unit == RV_UNIT_EPOCH) {
        *part = (rv_part){date ? 0 : f.us, date ? 0 : 6, f.days * 86400 + EPOCH_S};
    } else if (is_zone(unit) ? (finite || date) && source->of != RV_PART_OF_ZONED
                             : !date_part(&f, unit, &part->value) &&
                                   (date || !clock_part(f.us, unit, part))) {
        return RV_PART_UNSUPPORTED;
    }
    if (!finite) {
        return !is_growing(unit)                   ? RV_PART_NULL
               : source->value == RV_TIME_INFINITY ? RV_PART_INFINITY
                                                   : RV_PART_MINUS_INFINITY;
    }
    return RV_PART_NUMBER;
}

static rv_part_result interval_part(rv_interval i, rv_unit unit, rv_part *part) {
    const int64_t years = i.months / 12;
    const int64_t months = i.months % 12;
    *part = (rv_part){0, 0, 0};
    RV_ASSERT(months > -12 && months < 12);
    switch (unit) {
    case RV_UNIT_DAY:
        part->value = i.days;
        return RV_PART_NUMBER;
    case RV_UNIT_MONTH:
        part->value = months;
        return RV_PART_NUMBER;
    case RV_UNIT_QUARTER:
        part->value = months / 3 + 1;
        return RV_PART_NUMBER;
    case RV_UNIT_YEAR:
        part->value = years;
        return RV_PART_NUMBER;
    case RV_UNIT_DECADE:
        part->value = years / 10;
        return RV_PART_NUMBER;
    case RV_UNIT_CENTURY:
        part->value = years / 100;
        return RV_PART_NUMBER;
    case RV_UNIT_MILLENNIUM:
        part->value = years / 1000;
        return RV_PART_NUMBER;
    case RV_UNIT_EPOCH: /* a year is 365.25 days, a month 30 */
        *part = (rv_part){i.us, 6, (years * 1461 + months * 120 + (int64_t)i.days * 4) * 21600};
        return RV_PART_NUMBER;
    default:
        return clock_part(i.us, unit, part) ? RV_PART_NUMBER : RV_PART_UNSUPPORTED;
    }
}

rv_part_result rv_moment_part(const rv_part_source *source, rv_unit unit, rv_part *part) {
    RV_ASSERT(source->of <= RV_PART_OF_INTERVAL && part != NULL);
    if (source->of == RV_PART_OF_INTERVAL) {
        return interval_part(source->interval, unit, part);
    }
    if (source->of != RV_PART_OF_TIME) {
        return moment_part(source, unit, part);
    }
    if (unit == RV_UNIT_EPOCH) {
        *part = (rv_part){source->value, 6, 0};
        return RV_PART_NUMBER;
    }
    return clock_part(source->value, unit, part) ? RV_PART_NUMBER : RV_PART_UNSUPPORTED;
}

/* The first year of the ten, hundred or thousand that a year is in. */
static int64_t first_year(int64_t year, rv_unit unit) {
    if (unit == RV_UNIT_DECADE) {
        return year > 0 ? year / 10 * 10 : -((8 - (year - 1)) / 10) * 10;
    }
    const int64_t size = unit == RV_UNIT_CENTURY ? 100 : 1000;
    RV_ASSERT(unit == RV_UNIT_CENTURY || unit == RV_UNIT_MILLENNIUM);
    return year > 0 ? (year + size - 1) / size * size - (size - 1)
                    : -((size - 1 - (year - 1)) / size) * size + 1;
}

/* The length of units that days are made of; 0 for longer ones. */
static int64_t length_of(rv_unit unit) {
    static const int64_t us[] = {
        [RV_UNIT_MICROSECOND] = 1,    [RV_UNIT_MILLISECOND] = 1000, [RV_UNIT_SECOND] = SECOND_US,
        [RV_UNIT_MINUTE] = MINUTE_US, [RV_UNIT_HOUR] = HOUR_US,     [RV_UNIT_DAY] = RV_DAY_US};
    RV_ASSERT(us[RV_UNIT_NONE] == 0);
    return unit <= RV_UNIT_DAY ? us[unit] : 0;
}

bool rv_moment_trunc(int64_t us, rv_unit unit, int64_t *result, bool *supported) {
    const int64_t length = length_of(unit);
    const bool long_unit =
        (unit >= RV_UNIT_WEEK && unit <= RV_UNIT_MILLENNIUM) || unit == RV_UNIT_QUARTER;
    *supported = length > 0 || long_unit || !rv_moment_is_finite(us);
    *result = us;
    if (!*supported || !rv_moment_is_finite(us)) {
        return *supported;
    }
    const rv_part_source source = {.of = RV_PART_OF_MOMENT, .value = us};
    const fields f = fields_of(&source);
    int64_t days = f.days;
    int64_t year = f.year;
    uint32_t month = 1;
    if (length > 0) {
        *result = days * RV_DAY_US + f.us / length * length;
        return true;
    }
    if (unit == RV_UNIT_WEEK) {
        days -= iso_day_of_week(days) - 1;
    } else {
        if (unit == RV_UNIT_MONTH) {
            month = f.month;
        } else if (unit == RV_UNIT_QUARTER) {
            month = (f.month - 1) / 3 * 3 + 1;
        } else if (unit != RV_UNIT_YEAR) {
            year = first_year(f.year, unit);
        }
        days = rv_time_days(year, month, 1);
    }
    RV_ASSERT(days <= f.days);
    if (days < RV_TIMESTAMP_MIN / RV_DAY_US) {
        return false;
    }
    *result = days * RV_DAY_US;
    return true;
}

bool rv_interval_trunc(rv_interval interval, rv_unit unit, rv_interval *result) {
    static const int32_t months[] = {12, 120, 1200, 12000};
    const int64_t length = length_of(unit);
    *result = interval;
    if (length > 0) {
        result->us = unit == RV_UNIT_DAY ? 0 : interval.us / length * length;
        return true;
    }
    const bool years = unit >= RV_UNIT_YEAR && unit <= RV_UNIT_MILLENNIUM;
    if (!years && unit != RV_UNIT_MONTH && unit != RV_UNIT_QUARTER) {
        return false;
    }
    const int32_t size = years ? months[unit - RV_UNIT_YEAR] : unit == RV_UNIT_QUARTER ? 3 : 1;
    RV_ASSERT(size > 0);
    *result = (rv_interval){interval.months / size * size, 0, 0};
    return true;
}
