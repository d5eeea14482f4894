/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fifteen digits are tried first, then sixteen, then seventeen, which always suffice for a double.
 * The digits come in the form d.ddd…e±XX and are set anew by PostgreSQL's rule: plain from 1e-4 up
 * to 1e15, with an exponent outside.
 */
#include "sql/real.h"

#include "sql/sqlite.h"

#include "core/base/assert.h"

#define DIGITS_FIRST 15
#define DIGITS_LAST  17
#define TEXT_SIZE    40

/* The first exponent that is written as one, and the last small one that is. */
#define EXPONENT_LARGE 15
#define EXPONENT_SMALL (-5)

typedef struct decimal {
    bool negative;
    char digits[DIGITS_LAST + 1];
    uint32_t count; /* of digits, without trailing zeros; at least 1 */
    int exponent;   /* of the first digit */
} decimal;

/* Takes d.ddd…e±XX apart. */
static decimal take_apart(const char *text) {
    decimal d = {.negative = *text == '-'};
    const char *at = text + d.negative;
    while (*at != 'e') {
        if (*at != '.') {
            RV_ASSERT(*at >= '0' && *at <= '9' && d.count < DIGITS_LAST);
            d.digits[d.count++] = *at;
        }
        at += 1;
    }
    RV_ASSERT(at[1] == '+' || at[1] == '-');
    for (const char *p = at + 2; *p != '\0'; p++) {
        d.exponent = d.exponent * 10 + (*p - '0');
    }
    if (at[1] == '-') {
        d.exponent = -d.exponent;
    }
    while (d.count > 1 && d.digits[d.count - 1] == '0') {
        d.count -= 1;
    }
    return d;
}

static void write_zeros(rv_writer *w, int count) {
    for (int i = 0; i < count; i++) {
        rv_write_u8(w, '0');
    }
}

static void write_with_exponent(const decimal *d, rv_writer *w) {
    RV_ASSERT(d->count >= 1);
    rv_write(w, rv_bytes_of(d->digits, 1));
    if (d->count > 1) {
        rv_write_u8(w, '.');
        rv_write(w, rv_bytes_of(d->digits + 1, d->count - 1));
    }
    const int size = d->exponent < 0 ? -d->exponent : d->exponent;
    rv_write_text(w, d->exponent < 0 ? "e-" : "e+");
    rv_write_text(w, size < 10 ? "0" : "");
    rv_write_int(w, size);
}

static void write_plain(const decimal *d, rv_writer *w) {
    const int whole = d->exponent + 1; /* digits before the point */
    const int count = (int)d->count;
    RV_ASSERT(whole <= EXPONENT_LARGE && whole > EXPONENT_SMALL);
    if (whole <= 0) {
        rv_write_text(w, "0.");
        write_zeros(w, -whole);
        rv_write(w, rv_bytes_of(d->digits, d->count));
    } else if (whole >= count) {
        rv_write(w, rv_bytes_of(d->digits, d->count));
        write_zeros(w, whole - count);
    } else {
        rv_write(w, rv_bytes_of(d->digits, (size_t)whole));
        rv_write_u8(w, '.');
        rv_write(w, rv_bytes_of(d->digits + whole, (size_t)(count - whole)));
    }
}

void rv_sql_real_write(double real, rv_writer *w) {
    RV_ASSERT(w != NULL);
    RV_ASSERT(real == real); /* SQLite has NULL for NaN */
    if (real - real != 0) {
        rv_write_text(w, real < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        return;
    }
    if (real == 0) {
        rv_write_u8(w, '0');
        return;
    }
    char text[TEXT_SIZE];
    bool same = false;
    for (int digits = DIGITS_FIRST; digits <= DIGITS_LAST && !same; digits++) {
        double back = 0;
        sqlite3_snprintf(TEXT_SIZE, text, "%!.*e", digits - 1, real);
        same = rv_sql_real_read(text, &back) && back == real;
    }
    const decimal d = take_apart(text);
    if (d.negative) {
        rv_write_u8(w, '-');
    }
    if (d.exponent >= EXPONENT_LARGE || d.exponent <= EXPONENT_SMALL) {
        write_with_exponent(&d, w);
    } else {
        write_plain(&d, w);
    }
}
