/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intervals of ISO 8601, as PostgreSQL 15 reads them: with designators, or in the two alternative
 * forms, which stand for the whole of the date or of the time.
 *
 *     P1Y2M3W4DT5H6M7.8S     fractions and signs in any part
 *     P0001-02-03T04:05:06
 *     P00010203T040506
 */
#include "core/base/assert.h"
#include "core/model/float.h"
#include "core/model/interval_sums.h"

/* Beyond it a double has no room for fractions. */
#define QUANTITY_MAX 1e15

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static uint8_t peek(rv_bytes text, size_t at) {
    return at < text.len ? text.ptr[at] : 0;
}

static size_t digits_at(rv_bytes text, size_t at) {
    size_t len = 0;
    while (is_digit(peek(text, at + len))) {
        len++;
    }
    return len;
}

/* The length of the decimal number that the text begins with; 0: none. */
static size_t number_len(rv_bytes text) {
    size_t at = peek(text, 0) == '-';
    const size_t before = digits_at(text, at);
    at += before;
    size_t after = 0;
    if (peek(text, at) == '.') {
        after = digits_at(text, at + 1);
        at += 1 + after;
    }
    if (before + after == 0) {
        return 0;
    }
    if ((peek(text, at) | 0x20) == 'e') {
        const size_t sign = peek(text, at + 1) == '-' || peek(text, at + 1) == '+';
        const size_t exponent = digits_at(text, at + 1 + sign);
        at += exponent > 0 ? 1 + sign + exponent : 0;
    }
    RV_ASSERT(at <= text.len);
    return at;
}

static rv_verdict take_quantity(rv_bytes *text, rv_quantity *n) {
    double value = 0;
    const size_t len = number_len(*text);
    RV_ASSERT(n != NULL);
    if (len == 0 ||
        rv_float_parse(rv_bytes_of(text->ptr, len), RV_FLOAT_DOUBLE, &value) != RV_FLOAT_OK) {
        return RV_VERDICT_FORM;
    }
    *text = rv_bytes_from(*text, len);
    if (value < -QUANTITY_MAX || value > QUANTITY_MAX) {
        return RV_VERDICT_RANGE;
    }
    n->whole = (int64_t)value;
    n->fraction = value - (double)n->whole;
    return RV_VERDICT_OK;
}

/* Adds a quantity, then takes the next, of the next smaller unit, if `separator` follows. `*over`:
 * the part ends here. */
static rv_verdict add_and_take(rv_bytes *text, rv_quantity *n, rv_unit of, uint8_t separator,
                               rv_sums *s, bool *over) {
    RV_ASSERT(!*over);
    if (!rv_sums_add(s, n, of)) {
        return RV_VERDICT_RANGE;
    }
    *over = text->len == 0 || (separator == '-' && text->ptr[0] == 'T');
    if (*over) {
        return RV_VERDICT_OK;
    }
    if (text->ptr[0] != separator) {
        return RV_VERDICT_FORM;
    }
    *text = rv_bytes_from(*text, 1);
    return take_quantity(text, n);
}

/* Y-M-D or h:m:s, of which the first number was taken; parts may be missing at the end. */
static rv_verdict read_extended(rv_bytes *text, rv_quantity *n, bool date, rv_sums *s) {
    static const rv_unit units[2][3] = {{RV_UNIT_HOUR, RV_UNIT_MINUTE, RV_UNIT_SECOND},
                                        {RV_UNIT_YEAR, RV_UNIT_MONTH, RV_UNIT_DAY}};
    bool over = false;
    rv_verdict v = RV_VERDICT_OK;
    for (size_t i = 0; i < 2 && v == RV_VERDICT_OK && !over; i++) {
        v = add_and_take(text, n, units[date][i], date ? '-' : ':', s, &over);
    }
    if (v != RV_VERDICT_OK || over) {
        return v;
    }
    if (!rv_sums_add(s, n, units[date][2])) {
        return RV_VERDICT_RANGE;
    }
    RV_ASSERT(!over);
    return text->len == 0 || (date && text->ptr[0] == 'T') ? RV_VERDICT_OK : RV_VERDICT_FORM;
}

/* YYYYMMDD, hhmmss: the digits of one number. */
static rv_verdict add_basic(const rv_quantity *n, bool date, rv_sums *s) {
    const rv_quantity high = {n->whole / 10000, 0};
    const rv_quantity middle = {n->whole / 100 % 100, 0};
    const rv_quantity low = {n->whole % 100, date ? n->fraction : 0};
    const rv_quantity rest = {0, date ? 0 : n->fraction};
    /* The fraction of the seconds counts as microseconds: so PostgreSQL has it. */
    return rv_sums_add(s, &high, date ? RV_UNIT_YEAR : RV_UNIT_HOUR) &&
                   rv_sums_add(s, &middle, date ? RV_UNIT_MONTH : RV_UNIT_MINUTE) &&
                   rv_sums_add(s, &low, date ? RV_UNIT_DAY : RV_UNIT_SECOND) &&
                   rv_sums_add(s, &rest, RV_UNIT_MICROSECOND)
               ? RV_VERDICT_OK
               : RV_VERDICT_RANGE;
}

static rv_unit unit_of(uint8_t designator, bool date) {
    switch (designator) {
    case 'Y':
        return date ? RV_UNIT_YEAR : RV_UNIT_NONE;
    case 'M':
        return date ? RV_UNIT_MONTH : RV_UNIT_MINUTE;
    case 'W':
        return date ? RV_UNIT_WEEK : RV_UNIT_NONE;
    case 'D':
        return date ? RV_UNIT_DAY : RV_UNIT_NONE;
    case 'H':
        return date ? RV_UNIT_NONE : RV_UNIT_HOUR;
    case 'S':
        return date ? RV_UNIT_NONE : RV_UNIT_SECOND;
    default:
        return RV_UNIT_NONE;
    }
}

rv_verdict rv_interval_read_iso(rv_bytes text, rv_sums *s) {
    bool date = true;
    bool some = false; /* a part with a designator, on this side of the T */
    rv_verdict v = RV_VERDICT_OK;
    *s = (rv_sums){0};
    if (text.len < 2 || text.ptr[0] != 'P') {
        return RV_VERDICT_FORM;
    }
    text = rv_bytes_from(text, 1);
    while (text.len > 0 && v == RV_VERDICT_OK) {
        if (text.ptr[0] == 'T') {
            date = false;
            some = false;
            text = rv_bytes_from(text, 1);
            continue;
        }
        const size_t width = digits_at(text, text.ptr[0] == '-');
        rv_quantity n = {0, 0};
        v = take_quantity(&text, &n);
        if (v != RV_VERDICT_OK) {
            break;
        }
        const uint8_t next = peek(text, 0);
        const rv_unit of = unit_of(next, date);
        const bool ends = text.len == 0 || (date && next == 'T');
        if (of != RV_UNIT_NONE) {
            v = rv_sums_add(s, &n, of) ? RV_VERDICT_OK : RV_VERDICT_RANGE;
            text = rv_bytes_from(text, 1);
            some = true;
        } else if (!some && ends && width == (date ? 8 : 6)) {
            v = add_basic(&n, date, s);
        } else if (!some && (ends || next == (date ? '-' : ':'))) {
            v = read_extended(&text, &n, date, s);
        } else {
            v = RV_VERDICT_FORM;
        }
        RV_ASSERT(v != RV_VERDICT_OK || text.len == 0 || of != RV_UNIT_NONE || date);
    }
    return v;
}
