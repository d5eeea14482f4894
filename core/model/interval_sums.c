/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units by their names, and summing up an interval's parts. Fractions are doubles and are rounded
 * where PostgreSQL rounds them, so what is lost is what PostgreSQL loses.
 */
#include "core/model/interval_sums.h"

#include "core/base/assert.h"
#include "core/model/float.h"

/* Units are compared in their first letters only. */
#define UNIT_LEN_MAX 10u

static const struct {
    char name[UNIT_LEN_MAX + 1];
    uint8_t unit;
} units[] = {
    {"ago", RV_UNIT_AGO},
    {"c", RV_UNIT_CENTURY},
    {"cent", RV_UNIT_CENTURY},
    {"centuries", RV_UNIT_CENTURY},
    {"century", RV_UNIT_CENTURY},
    {"d", RV_UNIT_DAY},
    {"day", RV_UNIT_DAY},
    {"days", RV_UNIT_DAY},
    {"dec", RV_UNIT_DECADE},
    {"decade", RV_UNIT_DECADE},
    {"decades", RV_UNIT_DECADE},
    {"decs", RV_UNIT_DECADE},
    {"h", RV_UNIT_HOUR},
    {"hour", RV_UNIT_HOUR},
    {"hours", RV_UNIT_HOUR},
    {"hr", RV_UNIT_HOUR},
    {"hrs", RV_UNIT_HOUR},
    {"m", RV_UNIT_MINUTE},
    {"microsecon", RV_UNIT_MICROSECOND},
    {"mil", RV_UNIT_MILLENNIUM},
    {"millennia", RV_UNIT_MILLENNIUM},
    {"millennium", RV_UNIT_MILLENNIUM},
    {"millisecon", RV_UNIT_MILLISECOND},
    {"mils", RV_UNIT_MILLENNIUM},
    {"min", RV_UNIT_MINUTE},
    {"mins", RV_UNIT_MINUTE},
    {"minute", RV_UNIT_MINUTE},
    {"minutes", RV_UNIT_MINUTE},
    {"mon", RV_UNIT_MONTH},
    {"mons", RV_UNIT_MONTH},
    {"month", RV_UNIT_MONTH},
    {"months", RV_UNIT_MONTH},
    {"ms", RV_UNIT_MILLISECOND},
    {"msec", RV_UNIT_MILLISECOND},
    {"mseconds", RV_UNIT_MILLISECOND},
    {"msecs", RV_UNIT_MILLISECOND},
    {"qtr", RV_UNIT_QUARTER},
    {"quarter", RV_UNIT_QUARTER},
    {"s", RV_UNIT_SECOND},
    {"sec", RV_UNIT_SECOND},
    {"second", RV_UNIT_SECOND},
    {"seconds", RV_UNIT_SECOND},
    {"secs", RV_UNIT_SECOND},
    {"timezone", RV_UNIT_ZONE},
    {"timezone_h", RV_UNIT_ZONE_HOUR},
    {"timezone_m", RV_UNIT_ZONE_MINUTE},
    {"us", RV_UNIT_MICROSECOND},
    {"usec", RV_UNIT_MICROSECOND},
    {"useconds", RV_UNIT_MICROSECOND},
    {"usecs", RV_UNIT_MICROSECOND},
    {"w", RV_UNIT_WEEK},
    {"week", RV_UNIT_WEEK},
    {"weeks", RV_UNIT_WEEK},
    {"y", RV_UNIT_YEAR},
    {"year", RV_UNIT_YEAR},
    {"years", RV_UNIT_YEAR},
    {"yr", RV_UNIT_YEAR},
    {"yrs", RV_UNIT_YEAR},
    {"dow", RV_UNIT_DAY_OF_WEEK},
    {"doy", RV_UNIT_DAY_OF_YEAR},
    {"epoch", RV_UNIT_EPOCH},
    {"isodow", RV_UNIT_ISO_DAY_OF_WEEK},
    {"isoyear", RV_UNIT_ISO_YEAR},
};

rv_unit rv_unit_find(rv_bytes word, bool parts) {
    const rv_bytes text = rv_bytes_of(word.ptr, word.len < UNIT_LEN_MAX ? word.len : UNIT_LEN_MAX);
    RV_ASSERT(word.ptr != NULL || word.len == 0);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (rv_bytes_are(text, units[i].name)) {
            const bool only_part = units[i].unit >= RV_UNIT_DAY_OF_WEEK;
            return only_part && !parts ? RV_UNIT_NONE : (rv_unit)units[i].unit;
        }
    }
    return RV_UNIT_NONE;
}

bool rv_sums_add_us(rv_sums *s, int64_t whole, int64_t scale) {
    int64_t product = 0;
    RV_ASSERT(scale > 0);
    return !__builtin_mul_overflow(whole, scale, &product) &&
           !__builtin_add_overflow(s->us, product, &s->us);
}

/* A fraction, below 1, of `scale` microseconds. */
static bool add_us_fraction(rv_sums *s, double fraction, int64_t scale) {
    const double product = fraction * (double)scale;
    const int64_t whole = (int64_t)product;
    const double rest = product - (double)whole;
    RV_ASSERT(fraction > -1.5 && fraction < 1.5);
    const int64_t rounded = whole + (rest > 0.5) - (rest < -0.5);
    return !__builtin_add_overflow(s->us, rounded, &s->us);
}

/* Adds `whole * scale` to years, months or days. */
static bool add_whole(int32_t *sum, int64_t whole, int32_t scale) {
    int32_t product = 0;
    RV_ASSERT(scale > 0);
    return whole >= INT32_MIN && whole <= INT32_MAX &&
           !__builtin_mul_overflow((int32_t)whole, scale, &product) &&
           !__builtin_add_overflow(*sum, product, sum);
}

/* A fraction of `scale` days, whole days first. */
static bool add_days_fraction(rv_sums *s, double fraction, int32_t scale) {
    const double days = fraction * scale;
    const int32_t whole = (int32_t)days;
    RV_ASSERT(scale <= 30);
    return !__builtin_add_overflow(s->days, whole, &s->days) &&
           add_us_fraction(s, days - whole, RV_UNIT_DAY_US);
}

static bool add_years(rv_sums *s, const rv_quantity *n, int32_t scale) {
    const int32_t months = (int32_t)rv_float_round(n->fraction * scale * 12);
    RV_ASSERT(scale <= 1000);
    return add_whole(&s->years, n->whole, scale) &&
           !__builtin_add_overflow(s->months, months, &s->months);
}

bool rv_sums_add(rv_sums *s, const rv_quantity *n, rv_unit of) {
    static const int64_t us[] = {[RV_UNIT_MICROSECOND] = 1,
                                 [RV_UNIT_MILLISECOND] = 1000,
                                 [RV_UNIT_SECOND] = RV_UNIT_SECOND_US,
                                 [RV_UNIT_MINUTE] = RV_UNIT_MINUTE_US,
                                 [RV_UNIT_HOUR] = RV_UNIT_HOUR_US};
    static const int32_t years[] = {1, 10, 100, 1000};
    RV_ASSERT(of > RV_UNIT_NONE && of <= RV_UNIT_MILLENNIUM);
    switch (of) {
    case RV_UNIT_DAY:
        return add_whole(&s->days, n->whole, 1) && add_us_fraction(s, n->fraction, RV_UNIT_DAY_US);
    case RV_UNIT_WEEK:
        return add_whole(&s->days, n->whole, 7) && add_days_fraction(s, n->fraction, 7);
    case RV_UNIT_MONTH:
        return add_whole(&s->months, n->whole, 1) && add_days_fraction(s, n->fraction, 30);
    case RV_UNIT_YEAR:
    case RV_UNIT_DECADE:
    case RV_UNIT_CENTURY:
    case RV_UNIT_MILLENNIUM:
        return add_years(s, n, years[of - RV_UNIT_YEAR]);
    default:
        return rv_sums_add_us(s, n->whole, us[of]) && add_us_fraction(s, n->fraction, us[of]);
    }
}
