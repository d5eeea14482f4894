/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The naive twin of decimal numbers: digits in an array, least first, and how many of them stand
 * behind the point. Sums, products and quotients as they are taught at school, one digit at a time.
 */
#ifndef RV_TESTS_DECIMAL_TWIN_H
#define RV_TESTS_DECIMAL_TWIN_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TWIN_DIGITS 2000

typedef struct twin {
    int scale;
    bool minus;
    int count; /* without zeros at the top */
    signed char digits[TWIN_DIGITS];
} twin;

static inline void twin_trim(twin *t) {
    while (t->count > 0 && t->digits[t->count - 1] == 0) {
        t->count--;
    }
    t->minus = t->minus && t->count > 0;
}

/* `-12.50` */
static inline void twin_read(twin *t, const char *text) {
    memset(t, 0, sizeof *t);
    t->minus = *text == '-';
    const char *const point = strchr(text, '.');
    t->scale = point == NULL ? 0 : (int)strlen(point + 1);
    for (const char *p = text + strlen(text); p > text; p--) {
        if (p[-1] >= '0' && p[-1] <= '9') {
            t->digits[t->count++] = (signed char)(p[-1] - '0');
        }
    }
    twin_trim(t);
}

static inline void twin_print(const twin *t, char *text) {
    const int top = t->count > t->scale + 1 ? t->count : t->scale + 1;
    *text = '-';
    text += t->minus;
    for (int i = top - 1; i >= 0; i--) {
        *text++ = (char)('0' + (i < t->count ? t->digits[i] : 0));
        if (i == t->scale && i > 0) {
            *text++ = '.';
        }
    }
    *text = 0;
}

/* Zeros behind the point, up to `scale`. */
static inline void twin_extend(twin *t, int scale) {
    const int by = scale - t->scale;
    if (by > 0) {
        memmove(t->digits + by, t->digits, (size_t)t->count);
        memset(t->digits, 0, (size_t)by);
        t->count += t->count > 0 ? by : 0;
        t->scale = scale;
    }
}

/* Digits behind the point are cut or rounded, down to `scale`. */
static inline void twin_round(twin *t, int scale, bool cut) {
    const int by = t->scale - scale;
    if (by <= 0) {
        twin_extend(t, scale);
        return;
    }
    const bool up = !cut && by <= t->count && t->digits[by - 1] >= 5;
    const int kept = t->count > by ? t->count - by : 0;
    memmove(t->digits, t->digits + by, (size_t)kept);
    memset(t->digits + kept, 0, (size_t)(TWIN_DIGITS - kept));
    t->count = kept;
    t->scale = scale;
    for (int i = 0, carry = up; carry > 0; i++) {
        t->digits[i]++;
        carry = t->digits[i] == 10;
        t->digits[i] = carry > 0 ? 0 : t->digits[i];
        t->count = i >= t->count ? i + 1 : t->count;
    }
    twin_trim(t);
}

/* By magnitude; of one scale. */
static inline int twin_compare(const twin *a, const twin *b) {
    for (int i = (a->count > b->count ? a->count : b->count) - 1; i >= 0; i--) {
        const int x = i < a->count ? a->digits[i] : 0;
        const int y = i < b->count ? b->digits[i] : 0;
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return 0;
}

/* a = a + b or a - b, by magnitude, a the larger; of one scale. */
static inline void twin_merge(twin *a, const twin *b, int sign) {
    int carry = 0;
    const int count = (a->count > b->count ? a->count : b->count) + 1;
    for (int i = 0; i < count; i++) {
        const int sum = a->digits[i] + sign * b->digits[i] + carry;
        carry = sum > 9 ? 1 : sum < 0 ? -1 : 0;
        a->digits[i] = (signed char)(sum - 10 * carry);
    }
    a->count = count;
    twin_trim(a);
}

static inline void twin_add(const twin *a, const twin *b, twin *sum) {
    twin y = *b;
    *sum = *a;
    twin_extend(sum, b->scale);
    twin_extend(&y, a->scale);
    if (a->minus != b->minus && twin_compare(sum, &y) < 0) {
        const twin swap = *sum;
        *sum = y;
        y = swap;
    }
    twin_merge(sum, &y, a->minus == b->minus ? 1 : -1);
}

static inline void twin_multiply(const twin *a, const twin *b, twin *product) {
    memset(product, 0, sizeof *product);
    for (int i = 0; i < a->count; i++) {
        int carry = 0;
        for (int j = 0; j < b->count || carry > 0; j++) {
            const int sum =
                product->digits[i + j] + (j < b->count ? a->digits[i] * b->digits[j] : 0) + carry;
            product->digits[i + j] = (signed char)(sum % 10);
            carry = sum / 10;
        }
    }
    product->count = a->count + b->count;
    product->scale = a->scale + b->scale;
    product->minus = a->minus != b->minus;
    twin_trim(product);
}

/* The quotient with `scale` digits behind the point, the rest cut, and the remainder. */
static inline void twin_divide(const twin *a, const twin *b, int scale, twin *quotient,
                               twin *rest) {
    twin x = *a;
    twin y = *b;
    twin_extend(&y, a->scale);
    twin_extend(&x, y.scale + scale); /* both are whole now; the quotient has `scale` */
    memset(quotient, 0, sizeof *quotient);
    memset(rest, 0, sizeof *rest);
    for (int i = x.count - 1; i >= 0; i--) {
        memmove(rest->digits + 1, rest->digits, (size_t)rest->count);
        rest->digits[0] = x.digits[i];
        rest->count++;
        twin_trim(rest);
        while (twin_compare(rest, &y) >= 0) {
            twin_merge(rest, &y, -1);
            quotient->digits[i]++;
        }
    }
    quotient->count = x.count;
    quotient->scale = scale;
    quotient->minus = a->minus != b->minus;
    rest->scale = x.scale;
    rest->minus = a->minus;
    twin_trim(quotient);
    twin_trim(rest);
}

/* PostgreSQL's choice of a quotient's scale, on groups of four digits. */
static inline int twin_weight(const twin *t, int *first) {
    for (int group = TWIN_DIGITS / 4; group >= -TWIN_DIGITS / 4; group--) {
        *first = 0;
        for (int k = 3; k >= 0; k--) {
            const int place = group * 4 + k + t->scale;
            *first = *first * 10 + (place >= 0 && place < t->count ? t->digits[place] : 0);
        }
        if (*first > 0) {
            return group;
        }
    }
    return 0;
}

static inline int twin_quotient_scale(const twin *a, const twin *b) {
    int a_first = 0;
    int b_first = 0;
    int weight = twin_weight(a, &a_first) - twin_weight(b, &b_first);
    weight -= a_first <= b_first;
    int scale = 16 - 4 * weight;
    scale = scale < a->scale ? a->scale : scale;
    scale = scale < b->scale ? b->scale : scale;
    return scale > 1000 ? 1000 : scale;
}

#endif
