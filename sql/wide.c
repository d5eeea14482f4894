/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decimal is compared by sign, then by the number of digits before the point, then by those
 * digits, then by those behind it, all as bytes: no arithmetic, so no limit.
 */
#include "sql/wide.h"

#include "core/base/assert.h"
#include "core/base/bytes.h"

/* A decimal number in its parts: digits without leading zeros, and without trailing ones behind the
 * point. */
typedef struct decimal {
    int rank; /* -infinity, numbers, infinity, NaN, other texts */
    bool negative;
    rv_bytes whole;
    rv_bytes fraction;
} decimal;

static size_t digits_at(rv_bytes text, size_t at) {
    size_t end = at;
    while (end < text.len && text.ptr[end] >= '0' && text.ptr[end] <= '9') {
        end += 1;
    }
    return end - at;
}

enum { RANK_MINUS_INFINITY, RANK_NUMBER, RANK_INFINITY, RANK_NAN, RANK_TEXT };

static int rank_of_word(rv_bytes text) {
    return rv_bytes_are(text, "-Infinity")  ? RANK_MINUS_INFINITY
           : rv_bytes_are(text, "Infinity") ? RANK_INFINITY
           : rv_bytes_are(text, "NaN")      ? RANK_NAN
                                            : RANK_TEXT;
}

static void decimal_read(rv_bytes text, decimal *d) {
    *d = (decimal){.negative = text.len > 0 && text.ptr[0] == '-'};
    size_t at = d->negative ? 1 : 0;
    size_t len = digits_at(text, at);
    bool any = len > 0;
    while (len > 0 && text.ptr[at] == '0') {
        at += 1;
        len -= 1;
    }
    d->whole = rv_bytes_of(text.ptr + at, len);
    at += len;
    if (at < text.len && text.ptr[at] == '.') {
        len = digits_at(text, at + 1);
        any = any || len > 0;
        d->fraction = rv_bytes_of(text.ptr + at + 1, len);
        at += 1 + len;
        while (d->fraction.len > 0 && d->fraction.ptr[d->fraction.len - 1] == '0') {
            d->fraction.len -= 1;
        }
    }
    if (d->whole.len == 0 && d->fraction.len == 0) {
        d->negative = false;
    }
    d->rank = any && at == text.len ? RANK_NUMBER : rank_of_word(text);
    RV_ASSERT(at <= text.len);
}

int rv_sql_wide_compare(void *unused, int a_len, const void *a, int b_len, const void *b) {
    RV_ASSERT(unused == NULL);
    RV_ASSERT(a_len >= 0 && b_len >= 0);
    const rv_bytes texts[2] = {rv_bytes_of(a, (size_t)a_len), rv_bytes_of(b, (size_t)b_len)};
    decimal x;
    decimal y;
    decimal_read(texts[0], &x);
    decimal_read(texts[1], &y);
    if (x.rank != RANK_NUMBER || y.rank != RANK_NUMBER) {
        return x.rank != y.rank ? x.rank - y.rank : rv_bytes_compare(texts[0], texts[1]);
    }
    if (x.negative != y.negative) {
        return x.negative ? -1 : 1;
    }
    int order = (x.whole.len > y.whole.len) - (x.whole.len < y.whole.len);
    if (order == 0) {
        order = rv_bytes_compare(x.whole, y.whole);
    }
    if (order == 0) {
        order = rv_bytes_compare(x.fraction, y.fraction);
    }
    return x.negative ? -order : order;
}
