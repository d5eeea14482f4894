/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floats from text, correctly rounded. Three ways, each when the one before does not decide:
 *
 *     exact    up to 15 digits and a power of ten up to 22 are both doubles: one division or
 *              multiplication rounds once
 *     near     19 digits times (or by) a power of ten, in 64 bits with a bound of the error: when
 *              both ends of the bound round to the same float, that is it
 *     compare  else two floats are left, and the number is compared with the midpoint between them,
 *              in natural numbers: digits * 10^e beside (2 g + 1) * 2^(u - 1)
 *
 * A midpoint of doubles has at most 767 significant digits, so of a longer number the first 768
 * decide, and after them whether all others are 0.
 */
#include "core/base/assert.h"
#include "core/model/float.h"
#include "core/model/float_big.h"
#include "core/model/value_number.h"

#define DIGITS_DECIDE 768u

/* Powers of ten that are surely infinite, surely 0. */
#define POINT_MAX 310
#define POINT_MIN (-400)

/* The error of `near` in the last place of its 64 bits, with room: 32 from the power, each of at
 * most 2 units; 1 each from the product and the division; 19 from the digits left out. */
#define NEAR_ERROR UINT64_C(128)

/* A decimal number: its digits from the first that is not 0 on, with a point perhaps among them. */
typedef struct decimal {
    rv_bytes digits;
    uint32_t count; /* digits that count, at most DIGITS_DECIDE */
    bool more;      /* any that is not 0 comes after them */
    int64_t point;  /* the value is 0.digits * 10^point */
    uint64_t head;  /* the first 19 digits, or fewer */
    uint32_t head_count;
} decimal;

/* m * 2^exponent, m with its highest bit set. */
typedef struct near_float {
    uint64_t m;
    int32_t exponent;
} near_float;

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* Takes one digit of the number into account. */
static void add_digit(decimal *d, uint8_t digit) {
    RV_ASSERT(digit < 10 && d->head_count <= d->count);
    if (d->count == DIGITS_DECIDE) {
        d->more = d->more || digit > 0;
        return;
    }
    d->count += 1;
    if (d->head_count < 19) {
        d->head = d->head * 10 + digit;
        d->head_count += 1;
    }
}

/* The digits after `e`; those that would overflow are as good as the largest. */
static bool read_exponent(rv_bytes text, int64_t *exponent) {
    size_t at = 0;
    const bool minus = text.len > 0 && text.ptr[0] == '-';
    at += text.len > 0 && (minus || text.ptr[0] == '+');
    if (at == text.len) {
        return false;
    }
    int64_t value = 0;
    for (; at < text.len; at++) {
        if (!is_digit(text.ptr[at])) {
            return false;
        }
        value = value > (INT64_C(1) << 50) ? value : value * 10 + (text.ptr[at] - '0');
    }
    RV_ASSERT(value >= 0);
    *exponent = minus ? -value : value;
    return true;
}

/* Digits, point, exponent, without sign. False: it is no number. */
static bool read_decimal(rv_bytes text, decimal *d) {
    bool point = false;
    bool some = false;
    size_t at = 0;
    *d = (decimal){.count = 0};
    for (; at < text.len && (is_digit(text.ptr[at]) || (text.ptr[at] == '.' && !point)); at++) {
        const uint8_t c = text.ptr[at];
        if (c == '.') {
            point = true;
            continue;
        }
        some = true;
        if (d->count == 0 && c == '0') {
            d->point -= point; /* 0.001 is 0.1 * 10^-2 */
            continue;
        }
        if (d->count == 0) {
            d->digits = rv_bytes_from(text, at);
        }
        d->point += !point;
        add_digit(d, (uint8_t)(c - '0'));
    }
    if (!some) {
        return false;
    }
    int64_t exponent = 0;
    if (at < text.len) {
        if ((text.ptr[at] | 0x20) != 'e' ||
            !read_exponent(rv_bytes_from(text, at + 1), &exponent)) {
            return false;
        }
    }
    RV_ASSERT(d->count > 0 || d->digits.ptr == NULL);
    d->point += exponent;
    return true;
}

/* The upper half of a product. */
static uint64_t multiply_high(uint64_t a, uint64_t b) {
    const uint64_t a_low = (uint32_t)a;
    const uint64_t a_high = a >> 32;
    const uint64_t b_low = (uint32_t)b;
    const uint64_t b_high = b >> 32;
    const uint64_t middle = a_high * b_low + (a_low * b_low >> 32);
    const uint64_t other = a_low * b_high + (uint32_t)middle;
    return a_high * b_high + (middle >> 32) + (other >> 32);
}

static near_float near_of(uint64_t m, int32_t exponent) {
    RV_ASSERT(m > 0);
    const int shift = __builtin_clzll(m);
    return (near_float){m << shift, exponent - shift};
}

static near_float near_multiply(near_float a, near_float b) {
    RV_ASSERT(a.m >> 63 == 1 && b.m >> 63 == 1);
    return near_of(multiply_high(a.m, b.m), a.exponent + b.exponent + 64);
}

/* a / b, digit by digit in base 2: 64 of them, the last ones lost when a's are the smaller. */
static near_float near_divide(near_float a, near_float b) {
    uint64_t rest = a.m;
    uint64_t quotient = 0;
    RV_ASSERT(a.m >> 63 == 1 && b.m >> 63 == 1);
    bool carry = false; /* the bit of the rest above its 64 */
    for (int i = 0; i < 64; i++) {
        quotient <<= 1;
        if (carry || rest >= b.m) {
            rest -= b.m;
            quotient |= 1;
        }
        carry = rest >> 63 != 0;
        rest <<= 1;
    }
    return near_of(quotient, a.exponent - b.exponent - 63);
}

static near_float near_power10(uint32_t exponent) {
    near_float power = near_of(10, 0);
    near_float result = near_of(1, 0);
    RV_ASSERT(exponent < 1024);
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0) {
            result = near_multiply(result, power);
        }
        power = near_multiply(power, power);
    }
    return result;
}

/* m / 2^shift, to the nearest. */
static uint64_t shift_rounded(uint64_t m, uint32_t shift) {
    RV_ASSERT(shift > 0);
    if (shift > 64) {
        return 0;
    }
    if (shift == 64) {
        return m > UINT64_C(1) << 63;
    }
    const uint64_t half = UINT64_C(1) << (shift - 1);
    const uint64_t rest = m & (half * 2 - 1);
    const uint64_t whole = m >> shift;
    return whole + (rest > half || (rest == half && whole % 2 == 1));
}

/* The order of the number and (2 g + 1) * 2^(unit - 1). */
static int compare_midpoint(const decimal *d, uint64_t g, int32_t unit) {
    rv_big left;
    rv_big right;
    rv_big_set(&left, 0);
    uint32_t taken = 0;
    RV_ASSERT(d->count > 0);
    for (size_t i = 0; taken < d->count; i++) {
        RV_ASSERT(i < d->digits.len);
        if (d->digits.ptr[i] != '.') {
            rv_big_multiply_add(&left, 10, (uint32_t)(d->digits.ptr[i] - '0'));
            taken += 1;
        }
    }
    int32_t exponent = (int32_t)d->point - (int32_t)d->count;
    if (d->more) { /* anything above 0 will do: no midpoint lies between */
        rv_big_multiply_add(&left, 10, 1);
        exponent -= 1;
    }
    rv_big_set(&right, 2 * g + 1);
    rv_big_multiply_power5(exponent < 0 ? &right : &left,
                           (uint32_t)(exponent < 0 ? -exponent : exponent));
    const int32_t twos = exponent - (unit - 1);
    rv_big_shift(twos < 0 ? &right : &left, (uint32_t)(twos < 0 ? -twos : twos));
    return rv_big_compare(&left, &right);
}

/* The mantissa, in units of 2^*unit. */
static uint64_t round_decimal(const decimal *d, uint32_t bits, int32_t lowest, int32_t *unit) {
    RV_ASSERT(d->count > 0 && d->point >= POINT_MIN && d->point <= POINT_MAX);
    const int32_t exponent = (int32_t)d->point - (int32_t)d->head_count;
    const near_float head = near_of(d->head, 0);
    const near_float power = near_power10((uint32_t)(exponent < 0 ? -exponent : exponent));
    const near_float near = exponent < 0 ? near_divide(head, power) : near_multiply(head, power);
    *unit = near.exponent + 64 - (int32_t)bits;
    *unit = *unit < lowest ? lowest : *unit;
    const uint32_t shift = (uint32_t)(*unit - near.exponent);
    const bool wraps = near.m > UINT64_MAX - NEAR_ERROR;
    const uint64_t low = shift_rounded(near.m - NEAR_ERROR, shift);
    const uint64_t high = shift_rounded(wraps ? UINT64_MAX : near.m + NEAR_ERROR, shift);
    RV_ASSERT(high == low || high == low + 1);
    /* At 65 the greatest of all may lie beyond half a unit; further down nothing does. */
    if (low == high && !(wraps && shift == 65)) {
        return low;
    }
    const int order = compare_midpoint(d, low, *unit);
    return low + (order > 0 || (order == 0 && low % 2 == 1));
}

/* The first way: what one rounding decides. */
static bool read_exact(const decimal *d, double *value) {
    const int64_t exponent = d->point - d->count;
    if (d->count > 15 || exponent < -22 || exponent > 22) {
        return false;
    }
    double power = 1;
    for (int64_t i = exponent < 0 ? -exponent : exponent; i > 0; i--) {
        power *= 10;
    }
    RV_ASSERT(power <= 1e22);
    *value = exponent < 0 ? (double)d->head / power : (double)d->head * power;
    return true;
}

static rv_float_result read_number(const decimal *d, rv_float_width width, double *value) {
    const bool single = width == RV_FLOAT_SINGLE;
    const uint32_t bits = single ? 24 : 53;
    const int32_t lowest = single ? -149 : -1074;
    const int32_t highest = single ? 104 : 971; /* unit of the largest */
    if (d->count == 0) {
        *value = 0;
        return RV_FLOAT_OK;
    }
    if (!single && read_exact(d, value)) {
        return RV_FLOAT_OK;
    }
    if (d->point < POINT_MIN || d->point > POINT_MAX) {
        return RV_FLOAT_OUT_OF_RANGE;
    }
    int32_t unit = 0;
    uint64_t mantissa = round_decimal(d, bits, lowest, &unit);
    RV_ASSERT(mantissa <= UINT64_C(1) << bits);
    if (mantissa == UINT64_C(1) << bits) {
        mantissa >>= 1;
        unit += 1;
    }
    if (mantissa == 0 || unit > highest) {
        return RV_FLOAT_OUT_OF_RANGE;
    }
    /* Both factors and the product are doubles; the power of two is normal or the product exact. */
    double result = (double)mantissa;
    const int32_t first = unit < -1000 ? -1000 : unit;
    result *= rv_float_of_bits((uint64_t)(first + 1023) << 52);
    result *= rv_float_of_bits((uint64_t)(unit - first + 1023) << 52);
    *value = result;
    return RV_FLOAT_OK;
}

/* `nan`, `inf` or `infinity`, in any case. */
static bool read_word(rv_bytes text, double *value) {
    static const char *const words[] = {"nan", "inf", "infinity"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t len = strlen(words[i]);
        size_t same = 0;
        while (same < len && text.len == len &&
               (text.ptr[same] | 0x20) == (uint8_t)words[i][same]) {
            same++;
        }
        if (same == len) {
            *value = i == 0 ? rv_float_of_bits(RV_FLOAT_NAN_BITS)
                            : rv_float_of_bits(UINT64_C(0x7ff0000000000000));
            return true;
        }
    }
    return false;
}

rv_float_result rv_float_parse(rv_bytes text, rv_float_width width, double *value) {
    RV_ASSERT(value != NULL);
    text = rv_number_trim(text);
    const bool minus = text.len > 0 && text.ptr[0] == '-';
    if (text.len > 0 && (minus || text.ptr[0] == '+')) {
        text = rv_bytes_from(text, 1);
    }
    double size = 0;
    if (!read_word(text, &size)) {
        decimal d;
        if (!read_decimal(text, &d)) {
            return RV_FLOAT_INVALID;
        }
        const rv_float_result result = read_number(&d, width, &size);
        if (result != RV_FLOAT_OK) {
            return result;
        }
    }
    *value = minus && !rv_float_is_nan(size) ? -size : size;
    RV_ASSERT(width == RV_FLOAT_DOUBLE || rv_float_is_nan(size) || (double)(float)size == size);
    return RV_FLOAT_OK;
}
