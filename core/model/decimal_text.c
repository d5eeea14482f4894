/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal numbers and their text. Digits are put into their pairs one by one, by place; those
 * beyond what is kept are not looked at but for the one that decides the rounding, so that text of
 * any length is read in one pass and in bounded memory.
 */
#include "core/base/assert.h"
#include "core/model/decimal.h"
#include "core/model/value_number.h"

static int64_t floor_half(int64_t v) {
    return v / 2 - (v % 2 < 0);
}

/* `word` in any case. */
static bool is_word(rv_bytes text, const char *word) {
    const size_t len = strlen(word);
    bool same = text.len == len;
    for (size_t i = 0; i < len && same; i++) {
        same = (text.ptr[i] | 0x20) == (uint8_t)word[i];
    }
    return same;
}

/* NaN and the infinities. */
static bool parse_special(rv_bytes text, rv_decimal *result) {
    text = rv_number_trim(text);
    const bool sign = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    const bool minus = sign && text.ptr[0] == '-';
    const rv_bytes word = sign ? rv_bytes_from(text, 1) : text;
    RV_ASSERT(result != NULL);
    if (!sign && is_word(word, "nan")) {
        *result = (rv_decimal){.kind = RV_DECIMAL_NAN};
        return true;
    }
    if (is_word(word, "inf") || is_word(word, "infinity")) {
        *result = (rv_decimal){.kind = minus ? RV_DECIMAL_MINUS_INFINITY : RV_DECIMAL_INFINITY};
        return true;
    }
    return false;
}

/* The digits of a number taken apart, without the point and zeros before the first. */
typedef struct digit_run {
    int64_t zeros; /* before the first */
    int64_t count; /* with those zeros */
} digit_run;

static digit_run measure(rv_bytes digits) {
    digit_run run = {0, 0};
    bool begun = false;
    for (size_t i = 0; i < digits.len; i++) {
        const uint8_t c = digits.ptr[i];
        RV_ASSERT(c == '.' || (c >= '0' && c <= '9'));
        begun = begun || (c != '.' && c != '0');
        run.count += c != '.';
        run.zeros += c == '0' && !begun;
    }
    RV_ASSERT(run.zeros <= run.count);
    return run;
}

/* Puts the digits up to the place 10^last into pairs. */
static rv_status place_digits(const rv_number_parts *parts, digit_run run, int64_t last,
                              rv_arena *scratch, rv_decimal *d) {
    const int64_t first = parts->point - 1 - run.zeros; /* the first digit's place */
    const int64_t top = floor_half(first);
    RV_ASSERT(first >= last);
    const size_t count = (size_t)(top - floor_half(last) + 1);
    uint8_t *pairs = rv_arena_take(scratch, count);
    if (pairs == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    int64_t place = parts->point - 1;
    for (size_t i = 0; i < parts->digits.len && place >= last; i++) {
        const uint8_t c = parts->digits.ptr[i];
        if (c == '.') {
            continue;
        }
        if (place <= first) {
            const int64_t pair = top - floor_half(place);
            RV_ASSERT((uint64_t)pair < count);
            pairs[pair] += (uint8_t)((c - '0') * (place % 2 != 0 ? 10 : 1));
        }
        place -= 1;
    }
    d->exponent = (int32_t)(top + 1);
    d->pairs = rv_bytes_of(pairs, count);
    return RV_OK;
}

rv_status rv_decimal_parse(rv_bytes text, int32_t scale, rv_arena *scratch, rv_decimal *result) {
    const bool any = scale == RV_DECIMAL_ANY_SCALE;
    RV_ASSERT(any || scale <= (int32_t)RV_DECIMAL_SCALE_MAX);
    rv_number_parts parts;
    const rv_number_result taken = rv_number_take_apart(text, &parts);
    if (taken != RV_NUMBER_OK) {
        return taken == RV_NUMBER_TOO_LARGE  ? RV_VALUE_OUT_OF_RANGE
               : parse_special(text, result) ? RV_OK
                                             : RV_VALUE_INVALID;
    }
    const digit_run run = measure(parts.digits);
    const int64_t after = run.count > parts.point ? run.count - parts.point : 0;
    const int64_t whole = run.count > run.zeros ? parts.point - run.zeros : 0;
    if (whole > (int64_t)RV_DECIMAL_WHOLE_MAX || (any && after > (int64_t)RV_DECIMAL_SCALE_MAX)) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    rv_decimal d = rv_decimal_zero();
    d.minus = parts.minus;
    d.scale = any || after < scale ? (uint32_t)after : scale > 0 ? (uint32_t)scale : 0;
    /* One digit more than is kept. */
    const int64_t end = parts.point - run.count;
    const int64_t last = any || end > -(int64_t)scale - 1 ? end : -(int64_t)scale - 1;
    rv_status status = RV_OK;
    if (run.count > run.zeros && parts.point - 1 - run.zeros >= last) {
        status = place_digits(&parts, run, last, scratch, &d);
    }
    if (status == RV_OK) {
        status = rv_decimal_settle(&d);
    }
    if (status == RV_OK && !any) {
        status = rv_decimal_round(&d, RV_DECIMAL_HALF_AWAY, scale, scratch, &d);
    }
    if (status == RV_OK) {
        *result = d;
    }
    return status;
}

/* The decimal digit at `index`, from the first digit of the first pair. */
static uint8_t digit_at(const rv_decimal *d, int64_t index) {
    RV_ASSERT(d->kind == RV_DECIMAL_FINITE);
    if (index < 0 || (uint64_t)index / 2 >= d->pairs.len) {
        return '0';
    }
    const uint8_t pair = d->pairs.ptr[index / 2];
    return (uint8_t)('0' + (index % 2 == 0 ? pair / 10 : pair % 10));
}

void rv_decimal_write(const rv_decimal *d, rv_writer *w) {
    static const char *const names[] = {[RV_DECIMAL_MINUS_INFINITY] = "-Infinity",
                                        [RV_DECIMAL_FINITE] = "",
                                        [RV_DECIMAL_INFINITY] = "Infinity",
                                        [RV_DECIMAL_NAN] = "NaN"};
    RV_ASSERT(d->kind <= RV_DECIMAL_NAN);
    if (d->kind != RV_DECIMAL_FINITE) {
        rv_write_text(w, names[d->kind]);
        return;
    }
    if (d->minus) {
        rv_write_u8(w, '-');
    }
    const int64_t point = 2 * (int64_t)d->exponent;
    if (point <= 0) {
        rv_write_u8(w, '0');
    }
    for (int64_t i = 0; i < point; i++) {
        const uint8_t digit = digit_at(d, i);
        if (i > 0 || digit != '0') {
            rv_write_u8(w, digit);
        }
    }
    if (d->scale > 0) {
        rv_write_u8(w, '.');
    }
    for (int64_t i = 0; i < (int64_t)d->scale; i++) {
        rv_write_u8(w, digit_at(d, point + i));
    }
}
