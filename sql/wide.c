/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decimal is compared by sign, then by where its first digit stands, then by its digits, as
 * bytes: no arithmetic, so no limit. SQLite writes large and small REALs with an exponent, which is
 * read, too.
 *
 *     -0012.50      negative, digits 12 and 5, of which 2 are before the point
 *     1.25e-3       digits 1 and 25; -2 before the point: 0.00125
 */
#include "sql/wide.h"

#include "core/base/assert.h"
#include "core/base/bytes.h"

/* Exponents beyond are this one: no text is so long that it would matter. */
#define EXPONENT_MAX INT64_C(1000000000000)

/* A decimal number in its parts: digits without leading zeros, and without trailing ones behind the
 * point. */
typedef struct decimal {
    int rank; /* -infinity, numbers, infinity, NaN, other texts */
    bool negative;
    rv_bytes whole;
    rv_bytes fraction;
    int64_t point; /* digits before it; less than 0: zeros behind it, before the first digit */
} decimal;

static size_t digits_at(rv_bytes text, size_t at) {
    size_t end = at;
    while (end < text.len && text.ptr[end] >= '0' && text.ptr[end] <= '9') {
        end += 1;
    }
    return end - at;
}

enum { RANK_MINUS_INFINITY, RANK_NUMBER, RANK_INFINITY, RANK_NAN, RANK_TEXT };

/* `Inf` is SQLite's. */
static int rank_of_word(rv_bytes text) {
    return rv_bytes_are(text, "-Infinity") || rv_bytes_are(text, "-Inf") ? RANK_MINUS_INFINITY
           : rv_bytes_are(text, "Infinity") || rv_bytes_are(text, "Inf") ? RANK_INFINITY
           : rv_bytes_are(text, "NaN")                                   ? RANK_NAN
                                                                         : RANK_TEXT;
}

/* Digits from `at` on without zeros before them. */
static rv_bytes significant_at(rv_bytes text, size_t at, size_t len) {
    while (len > 0 && text.ptr[at] == '0') {
        at += 1;
        len -= 1;
    }
    return rv_bytes_of(text.ptr + at, len);
}

/* Adds the exponent at `at` to the place of the point. Returns where it ends; `at`: there is none.
 */
static size_t read_exponent(rv_bytes text, size_t at, int64_t *point) {
    if (at >= text.len || (text.ptr[at] | 0x20) != 'e') {
        return at;
    }
    const uint8_t sign = at + 1 < text.len ? text.ptr[at + 1] : 0;
    const size_t begin = at + (sign == '-' || sign == '+' ? 2 : 1);
    const size_t len = digits_at(text, begin);
    int64_t exponent = 0;
    for (size_t i = 0; i < len && exponent < EXPONENT_MAX; i++) {
        exponent = exponent * 10 + (text.ptr[begin + i] - '0');
    }
    exponent = exponent < EXPONENT_MAX ? exponent : EXPONENT_MAX;
    *point += sign == '-' ? -exponent : exponent;
    RV_ASSERT(begin + len <= text.len || len == 0);
    return len == 0 ? at : begin + len;
}

static void decimal_read(rv_bytes text, decimal *d) {
    *d = (decimal){.negative = text.len > 0 && text.ptr[0] == '-'};
    size_t at = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+') ? 1 : 0;
    size_t len = digits_at(text, at);
    bool any = len > 0;
    d->whole = significant_at(text, at, len);
    d->point = (int64_t)d->whole.len;
    at += len;
    if (at < text.len && text.ptr[at] == '.') {
        len = digits_at(text, at + 1);
        any = any || len > 0;
        d->fraction = rv_bytes_of(text.ptr + at + 1, len);
        while (d->fraction.len > 0 && d->fraction.ptr[d->fraction.len - 1] == '0') {
            d->fraction.len -= 1;
        }
        if (d->whole.len == 0) {
            const size_t zeros = d->fraction.len;
            d->fraction = significant_at(text, at + 1, d->fraction.len);
            d->point -= (int64_t)(zeros - d->fraction.len);
        }
        at += 1 + len;
    }
    at = any ? read_exponent(text, at, &d->point) : at;
    if (d->whole.len == 0 && d->fraction.len == 0) {
        d->negative = false;
    }
    d->rank = any && at == text.len ? RANK_NUMBER : rank_of_word(text);
    RV_ASSERT(at <= text.len);
}

static uint8_t digit(const decimal *d, size_t nth) {
    return nth < d->whole.len                     ? d->whole.ptr[nth]
           : nth - d->whole.len < d->fraction.len ? d->fraction.ptr[nth - d->whole.len]
                                                  : '0';
}

/* Compares the digits of numbers whose first digits stand in the same place. */
static int compare_digits(const decimal *x, const decimal *y) {
    if (x->whole.len == y->whole.len) { /* neither has an exponent, or the same */
        const int order = rv_bytes_compare(x->whole, y->whole);
        return order != 0 ? order : rv_bytes_compare(x->fraction, y->fraction);
    }
    const size_t lens[2] = {x->whole.len + x->fraction.len, y->whole.len + y->fraction.len};
    const size_t count = lens[0] > lens[1] ? lens[0] : lens[1];
    int order = 0;
    RV_ASSERT(count > 0);
    for (size_t i = 0; i < count && order == 0; i++) {
        order = digit(x, i) - digit(y, i);
    }
    return order;
}

/* Compares without the signs; nothing has no first digit, and is before all else. */
static int compare_sizes(const decimal *x, const decimal *y) {
    const bool some[2] = {x->whole.len + x->fraction.len > 0, y->whole.len + y->fraction.len > 0};
    if (!some[0] || !some[1]) {
        return some[0] - some[1];
    }
    return x->point != y->point ? (x->point > y->point) - (x->point < y->point)
                                : compare_digits(x, y);
}

int rv_sql_wide_compare(void *unused, int a_len, const void *a, int b_len, const void *b) {
    RV_ASSERT(unused == NULL);
    RV_ASSERT(a_len >= 0 && b_len >= 0);
    const rv_bytes texts[2] = {rv_bytes_of(a, (size_t)a_len), rv_bytes_of(b, (size_t)b_len)};
    decimal x;
    decimal y;
    decimal_read(texts[0], &x);
    decimal_read(texts[1], &y);
    if (x.rank != y.rank) {
        return x.rank - y.rank;
    }
    if (x.rank != RANK_NUMBER) {
        return x.rank == RANK_TEXT ? rv_bytes_compare(texts[0], texts[1]) : 0;
    }
    if (x.negative != y.negative) {
        return x.negative ? -1 : 1;
    }
    return x.negative ? -compare_sizes(&x, &y) : compare_sizes(&x, &y);
}
