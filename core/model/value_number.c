/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and their text, exactly: no floating point anywhere. A decimal is read as its digits and
 * the place of its point; digits beyond the scale only decide the rounding, so text of any length
 * and any exponent is read in one pass without a wide integer.
 */
#include "core/model/value_number.h"

#include "core/base/assert.h"

/* Exponents beyond it are refused as PostgreSQL does. */
#define EXPONENT_MAX 1073741822

static const int64_t powers[] = {1,
                                 10,
                                 100,
                                 1000,
                                 10000,
                                 100000,
                                 1000000,
                                 10000000,
                                 100000000,
                                 1000000000,
                                 10000000000,
                                 100000000000,
                                 1000000000000,
                                 10000000000000,
                                 100000000000000,
                                 1000000000000000,
                                 10000000000000000,
                                 100000000000000000,
                                 1000000000000000000};

RV_STATIC_ASSERT(sizeof powers / sizeof powers[0] == RV_NUMERIC_DIGITS_MAX + 1, "10^0 to 10^18");

int64_t rv_number_power(uint32_t exponent) {
    RV_ASSERT(exponent <= RV_NUMERIC_DIGITS_MAX);
    return powers[exponent];
}

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

rv_bytes rv_number_trim(rv_bytes text) {
    if (text.len > 0 && text.ptr[0] > ' ' && text.ptr[text.len - 1] > ' ') {
        return text; /* nearly always */
    }
    size_t start = 0;
    size_t end = text.len;
    while (start < end && is_space(text.ptr[start])) {
        start++;
    }
    while (end > start && is_space(text.ptr[end - 1])) {
        end--;
    }
    RV_ASSERT(start <= end);
    return rv_bytes_of(start == end ? NULL : text.ptr + start, end - start);
}

/* Takes a sign off the front; true for minus. */
static bool take_sign(rv_bytes *text) {
    const bool minus = text->len > 0 && text->ptr[0] == '-';
    if (minus || (text->len > 0 && text->ptr[0] == '+')) {
        *text = rv_bytes_from(*text, 1);
    }
    return minus;
}

rv_number_result rv_number_parse_int(rv_bytes text, int64_t *value) {
    RV_ASSERT(value != NULL);
    text = rv_number_trim(text);
    const bool minus = take_sign(&text);
    if (text.len == 0) {
        return RV_NUMBER_INVALID;
    }
    const uint64_t max = (uint64_t)INT64_MAX + minus;
    uint64_t sum = 0;
    size_t i = 0;
    for (const size_t safe = text.len < 18 ? text.len : 18; i < safe; i++) { /* 18 always fit */
        const unsigned digit = (unsigned)text.ptr[i] - '0';
        if (digit > 9) {
            return RV_NUMBER_INVALID;
        }
        sum = sum * 10 + digit;
    }
    bool too_large = false;
    for (; i < text.len; i++) {
        const unsigned digit = (unsigned)text.ptr[i] - '0';
        if (digit > 9) {
            return RV_NUMBER_INVALID;
        }
        too_large = too_large || sum > (max - digit) / 10;
        sum = sum * 10 + digit;
    }
    if (too_large) {
        return RV_NUMBER_TOO_LARGE;
    }
    *value = (int64_t)(minus ? ~sum + 1 : sum);
    return RV_NUMBER_OK;
}

/* The exponent after `e`, white space before it, as strtol reads one; what is too large is so
 * whatever follows. */
static rv_number_result parse_exponent(rv_bytes text, int64_t *exponent) {
    RV_ASSERT(exponent != NULL);
    while (text.len > 0 && is_space(text.ptr[0])) {
        text = rv_bytes_from(text, 1);
    }
    const bool minus = take_sign(&text);
    int64_t value = 0;
    size_t len = 0;
    for (; len < text.len && is_digit(text.ptr[len]); len++) {
        value = value > EXPONENT_MAX ? value : value * 10 + (text.ptr[len] - '0');
    }
    *exponent = minus ? -value : value;
    if (value >= EXPONENT_MAX) {
        return RV_NUMBER_TOO_LARGE;
    }
    return len > 0 && len == text.len ? RV_NUMBER_OK : RV_NUMBER_INVALID;
}

rv_number_result rv_number_take_apart(rv_bytes text, rv_number_parts *d) {
    text = rv_number_trim(text);
    *d = (rv_number_parts){.minus = take_sign(&text), .digits = text, .point = 0};
    size_t digit_count = 0;
    bool point = false;
    size_t at = 0;
    while (at < text.len && (is_digit(text.ptr[at]) || (text.ptr[at] == '.' && !point))) {
        point = point || text.ptr[at] == '.';
        d->point += !point;
        digit_count += is_digit(text.ptr[at]);
        at++;
    }
    d->digits.len = at;
    int64_t exponent = 0;
    if (digit_count > 0 && at < text.len && (text.ptr[at] | 0x20) == 'e') {
        const rv_number_result result = parse_exponent(rv_bytes_from(text, at + 1), &exponent);
        if (result != RV_NUMBER_OK) {
            return result;
        }
        at = text.len;
    }
    RV_ASSERT(at <= text.len);
    d->point += exponent;
    return digit_count > 0 && at == text.len ? RV_NUMBER_OK : RV_NUMBER_INVALID;
}

rv_number_result rv_number_parse_scaled(rv_bytes text, uint32_t precision, uint32_t scale,
                                        int64_t *value) {
    RV_ASSERT(precision <= RV_NUMERIC_DIGITS_MAX && scale <= RV_NUMERIC_DIGITS_MAX);
    RV_ASSERT(value != NULL);
    rv_number_parts d;
    const rv_number_result taken = rv_number_take_apart(text, &d);
    if (taken != RV_NUMBER_OK) {
        return taken;
    }
    const int64_t wanted = d.point + (int64_t)scale; /* digits that the result has */
    const int64_t limit = powers[precision];
    int64_t sum = 0;
    int64_t index = 0;
    for (size_t i = 0; i < d.digits.len && index <= wanted; i++) {
        if (d.digits.ptr[i] == '.') {
            continue;
        }
        const int digit = d.digits.ptr[i] - '0';
        if (index < wanted) {
            if (sum >= powers[RV_NUMERIC_DIGITS_MAX - 1]) {
                return RV_NUMBER_TOO_LARGE;
            }
            sum = sum * 10 + digit;
        } else {
            sum += digit >= 5;
        }
        index += 1;
    }
    for (; index < wanted && sum > 0; index++) {
        if (sum >= powers[RV_NUMERIC_DIGITS_MAX - 1]) {
            return RV_NUMBER_TOO_LARGE;
        }
        sum *= 10;
    }
    if (sum >= limit) {
        return RV_NUMBER_TOO_LARGE;
    }
    *value = d.minus ? -sum : sum;
    return RV_NUMBER_OK;
}

void rv_number_write_scaled(int64_t value, uint32_t scale, rv_writer *w) {
    RV_ASSERT(scale <= RV_NUMERIC_DIGITS_MAX);
    RV_ASSERT(w != NULL);
    if (scale == 0) {
        rv_write_int(w, value);
        return;
    }
    uint64_t rest = value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
    uint8_t digits[24];
    size_t at = sizeof digits;
    for (uint32_t i = 0; rest > 0 || i <= scale; i++) {
        if (i == scale) {
            digits[--at] = '.';
        }
        digits[--at] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    }
    if (value < 0) {
        digits[--at] = '-';
    }
    rv_write(w, rv_bytes_of(digits + at, sizeof digits - at));
}

bool rv_number_rescale(int64_t value, uint32_t from, uint32_t to, int64_t *result) {
    RV_ASSERT(from <= RV_NUMERIC_DIGITS_MAX && to <= RV_NUMERIC_DIGITS_MAX);
    RV_ASSERT(result != NULL);
    if (to >= from) {
        return !__builtin_mul_overflow(value, powers[to - from], result);
    }
    const int64_t power = powers[from - to];
    const int64_t rest = value % power;
    int64_t quotient = value / power;
    if (rest >= power - rest) {
        quotient += 1;
    } else if (-rest >= power + rest) {
        quotient -= 1;
    }
    *result = quotient;
    return true;
}

int rv_number_compare(int64_t a, uint32_t a_scale, int64_t b, uint32_t b_scale) {
    const uint32_t scale = a_scale > b_scale ? a_scale : b_scale;
    int64_t a_scaled = 0;
    int64_t b_scaled = 0;
    RV_ASSERT(scale <= RV_NUMERIC_DIGITS_MAX);
    RV_ASSERT(a_scale == scale || b_scale == scale);
    /* At most one of them grows; one that outgrows 64 bits is larger than any that stays. */
    if (!rv_number_rescale(a, a_scale, scale, &a_scaled)) {
        return a < 0 ? -1 : 1;
    }
    if (!rv_number_rescale(b, b_scale, scale, &b_scaled)) {
        return b < 0 ? 1 : -1;
    }
    return (a_scaled > b_scaled) - (a_scaled < b_scaled);
}
