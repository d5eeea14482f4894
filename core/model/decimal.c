/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decimal numbers are: their one form, order, rounding, the ways to integers and bytes. The
 * arithmetic is in decimal_sum.c and decimal_product.c.
 *
 * Rounding counts the decimal digits that stay from the first digit of the first pair, which may be
 * a 0; so many that are kept may end inside a pair, or before the first.
 */
#include "core/model/decimal.h"

#include "core/base/assert.h"
#include "core/base/cursor.h"

#define INT_SCALE_MAX 18u

/* The low bits of the packed head. */
enum { PACKED_PLUS, PACKED_MINUS, PACKED_SPECIAL };

/* The scale's place of what is not finite. */
static const rv_decimal_kind specials[] = {RV_DECIMAL_NAN, RV_DECIMAL_INFINITY,
                                           RV_DECIMAL_MINUS_INFINITY};

#define SPECIAL_COUNT (sizeof specials / sizeof specials[0])

/* Digits before the point; negative: zeros right after it. The number is not 0. */
static int32_t whole_digits(const rv_decimal *d) {
    RV_ASSERT(d->pairs.len > 0);
    return 2 * d->exponent - (d->pairs.ptr[0] < 10);
}

rv_status rv_decimal_settle(rv_decimal *d) {
    rv_bytes pairs = d->pairs;
    RV_ASSERT(d->kind == RV_DECIMAL_FINITE);
    while (pairs.len > 0 && pairs.ptr[pairs.len - 1] == 0) {
        pairs.len -= 1;
    }
    while (pairs.len > 0 && pairs.ptr[0] == 0) {
        pairs = rv_bytes_from(pairs, 1);
        d->exponent -= 1;
    }
    d->pairs = pairs;
    if (pairs.len == 0) {
        d->minus = false;
        d->exponent = 0;
    } else if (whole_digits(d) > (int32_t)RV_DECIMAL_WHOLE_MAX) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    return d->scale <= RV_DECIMAL_SCALE_MAX ? RV_OK : RV_VALUE_OUT_OF_RANGE;
}

int rv_decimal_sign(const rv_decimal *d) {
    RV_ASSERT(d->kind <= RV_DECIMAL_NAN);
    if (d->kind != RV_DECIMAL_FINITE) {
        return (d->kind == RV_DECIMAL_INFINITY) - (d->kind == RV_DECIMAL_MINUS_INFINITY);
    }
    return d->pairs.len == 0 ? 0 : d->minus ? -1 : 1;
}

rv_decimal rv_decimal_of_int(int64_t value, uint32_t scale, uint8_t room[RV_DECIMAL_INT_PAIRS]) {
    RV_ASSERT(scale <= INT_SCALE_MAX);
    const uint64_t number = value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
    uint64_t power = 1;
    for (uint32_t i = 0; i < scale; i++) {
        power *= 10;
    }
    uint64_t whole = number / power;
    uint64_t part = number % power * (scale % 2 == 1 ? 10 : 1);
    size_t at = RV_DECIMAL_INT_PAIRS;
    for (uint32_t i = 0; i < (scale + 1) / 2; i++) {
        room[--at] = (uint8_t)(part % 100);
        part /= 100;
    }
    const size_t point = at;
    for (; whole > 0; whole /= 100) {
        RV_ASSERT(at > 0);
        room[--at] = (uint8_t)(whole % 100);
    }
    rv_decimal d = {.kind = RV_DECIMAL_FINITE,
                    .minus = value < 0,
                    .scale = scale,
                    .exponent = (int32_t)(point - at),
                    .pairs = rv_bytes_of(room + at, RV_DECIMAL_INT_PAIRS - at)};
    const rv_status status = rv_decimal_settle(&d);
    RV_ASSERT(status == RV_OK);
    return d;
}

/* The decimal digit at `index`, from the first digit of the first pair. */
static uint8_t digit_at(const rv_decimal *d, int64_t index) {
    if (index < 0 || (uint64_t)index / 2 >= d->pairs.len) {
        return 0;
    }
    const uint8_t pair = d->pairs.ptr[index / 2];
    RV_ASSERT(pair < 100);
    return index % 2 == 0 ? pair / 10 : pair % 10;
}

bool rv_decimal_to_int(const rv_decimal *d, uint32_t scale, int64_t *value) {
    RV_ASSERT(scale <= INT_SCALE_MAX && value != NULL);
    if (d->kind != RV_DECIMAL_FINITE) {
        return false;
    }
    const int64_t kept = 2 * (int64_t)d->exponent + (int64_t)scale;
    const uint64_t max = (uint64_t)INT64_MAX + d->minus;
    uint64_t sum = 0;
    if (kept > 20) { /* the first digit may be a 0, the second is not */
        return false;
    }
    for (int64_t i = 0; i < kept; i++) {
        const uint8_t digit = digit_at(d, i);
        if (sum > (max - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    const bool up = digit_at(d, kept) >= 5;
    if (up && sum == max) {
        return false;
    }
    sum += up;
    *value = (int64_t)(d->minus ? ~sum + 1 : sum);
    return true;
}

/* Without the signs. */
static int compare_magnitudes(const rv_decimal *a, const rv_decimal *b) {
    RV_ASSERT(a->kind == RV_DECIMAL_FINITE && b->kind == RV_DECIMAL_FINITE);
    if (a->pairs.len == 0 || b->pairs.len == 0) {
        return (a->pairs.len > 0) - (b->pairs.len > 0);
    }
    if (a->exponent != b->exponent) {
        return a->exponent < b->exponent ? -1 : 1;
    }
    return rv_bytes_compare(a->pairs, b->pairs);
}

int rv_decimal_compare(const rv_decimal *a, const rv_decimal *b) {
    RV_ASSERT(a->kind <= RV_DECIMAL_NAN && b->kind <= RV_DECIMAL_NAN);
    if (a->kind != b->kind || a->kind != RV_DECIMAL_FINITE) {
        return (a->kind > b->kind) - (a->kind < b->kind);
    }
    if (a->minus != b->minus) {
        return a->minus ? -1 : 1;
    }
    return a->minus ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

rv_decimal rv_decimal_negate(const rv_decimal *d) {
    rv_decimal result = *d;
    RV_ASSERT(d->kind <= RV_DECIMAL_NAN);
    if (d->kind == RV_DECIMAL_FINITE) {
        result.minus = !d->minus && d->pairs.len > 0;
    } else if (d->kind != RV_DECIMAL_NAN) {
        result.kind =
            d->kind == RV_DECIMAL_INFINITY ? RV_DECIMAL_MINUS_INFINITY : RV_DECIMAL_INFINITY;
    }
    return result;
}

rv_decimal rv_decimal_absolute(const rv_decimal *d) {
    RV_ASSERT(d->kind <= RV_DECIMAL_NAN);
    return rv_decimal_sign(d) < 0 ? rv_decimal_negate(d) : *d;
}

/* Adds one to the last digit that is kept. `pairs` has one more in front. */
static void round_up(uint8_t *pairs, size_t count, bool tens) {
    uint8_t by = tens ? 10 : 1;
    RV_ASSERT(pairs[0] == 0);
    for (size_t i = count; by > 0; i--) {
        const uint8_t sum = pairs[i] + by;
        by = sum >= 100;
        pairs[i] = by > 0 ? sum - 100 : sum;
        RV_ASSERT(i > 0 || by == 0);
    }
}

rv_status rv_decimal_round(const rv_decimal *d, rv_decimal_rounding how, int32_t scale,
                           rv_arena *scratch, rv_decimal *result) {
    RV_ASSERT(how == RV_DECIMAL_HALF_AWAY || how == RV_DECIMAL_TRUNCATE || scale == 0);
    rv_decimal rounded = *d;
    if (d->kind != RV_DECIMAL_FINITE) {
        *result = rounded;
        return RV_OK;
    }
    const int64_t kept = 2 * (int64_t)d->exponent + scale;
    const int64_t len = (int64_t)d->pairs.len;
    rounded.scale = scale > 0 ? (uint32_t)scale : 0;
    if (len > 0 && kept < 2 * len) {
        const size_t count = kept > 0 ? ((size_t)kept + 1) / 2 : 0;
        uint8_t *pairs = rv_arena_take_raw(scratch, count + 1);
        if (pairs == NULL) {
            return RV_MEMORY_EXHAUSTED;
        }
        pairs[0] = 0;
        for (size_t i = 0; i < count; i++) {
            pairs[i + 1] = d->pairs.ptr[i];
        }
        const bool odd = kept > 0 && kept % 2 == 1;
        pairs[count] = (uint8_t)(pairs[count] - (odd ? pairs[count] % 10 : 0));
        const bool rest = kept < 2 * len - 1 || d->pairs.ptr[len - 1] % 10 != 0;
        const bool up = how == RV_DECIMAL_HALF_AWAY ? digit_at(d, kept) >= 5
                        : how == RV_DECIMAL_FLOOR   ? rest && d->minus
                                                  : rest && how == RV_DECIMAL_CEILING && !d->minus;
        if (up) {
            round_up(pairs, count, odd);
        }
        rounded.exponent = (kept < 0 ? 0 : d->exponent) + 1;
        rounded.pairs = rv_bytes_of(pairs, count + 1);
    }
    const rv_status status = rv_decimal_settle(&rounded);
    if (status == RV_OK) {
        *result = rounded;
    }
    return status;
}

bool rv_decimal_fits(const rv_decimal *d, uint32_t precision, int32_t scale) {
    RV_ASSERT(d->kind <= RV_DECIMAL_NAN);
    if (precision == 0 || d->kind != RV_DECIMAL_FINITE) {
        return precision == 0 || d->kind == RV_DECIMAL_NAN;
    }
    const int64_t last = 2 * ((int64_t)d->exponent - (int64_t)d->pairs.len); /* its place */
    const bool tens = d->pairs.len > 0 && d->pairs.ptr[d->pairs.len - 1] % 10 == 0;
    return d->scale == (scale > 0 ? (uint32_t)scale : 0) &&
           (d->pairs.len == 0 ||
            (whole_digits(d) <= (int32_t)precision - scale && last + tens >= -(int64_t)scale));
}

rv_status rv_decimal_constrain(const rv_decimal *d, uint32_t precision, int32_t scale,
                               rv_arena *scratch, rv_decimal *result) {
    RV_ASSERT(precision > 0);
    rv_decimal rounded;
    const rv_status status = rv_decimal_round(d, RV_DECIMAL_HALF_AWAY, scale, scratch, &rounded);
    if (status != RV_OK) {
        return status;
    }
    if (!rv_decimal_fits(&rounded, precision, scale)) {
        return RV_VALUE_OUT_OF_RANGE;
    }
    RV_ASSERT(rounded.kind == RV_DECIMAL_FINITE || rounded.kind == RV_DECIMAL_NAN);
    *result = rounded;
    return RV_OK;
}

rv_bytes rv_decimal_pack(const rv_decimal *d, rv_arena *arena) {
    const size_t cap =
        d->pairs.len + RV_DECIMAL_PACKED_MAX - (RV_DECIMAL_WHOLE_MAX + RV_DECIMAL_SCALE_MAX) / 2;
    uint8_t *packed = rv_arena_take_raw(arena, cap);
    if (packed == NULL) {
        return (rv_bytes){NULL, 0};
    }
    rv_writer w = rv_writer_over(packed, cap);
    if (d->kind == RV_DECIMAL_FINITE) {
        rv_write_varint(&w, d->scale * 4 + (d->minus ? PACKED_MINUS : PACKED_PLUS));
        if (d->pairs.len > 0) {
            rv_write_svarint(&w, d->exponent);
            rv_write(&w, d->pairs);
        }
    } else {
        uint32_t place = 0;
        while (specials[place] != d->kind) {
            place += 1;
            RV_ASSERT(place < SPECIAL_COUNT);
        }
        rv_write_varint(&w, place * 4 + PACKED_SPECIAL);
    }
    RV_ASSERT(!w.full);
    return rv_writer_bytes(&w);
}

bool rv_decimal_unpack(rv_bytes packed, rv_decimal *d) {
    rv_cursor c = rv_cursor_over(packed);
    const uint64_t head = rv_read_varint(&c);
    const uint64_t scale = head / 4;
    const uint64_t form = head % 4;
    RV_ASSERT(d != NULL);
    *d = rv_decimal_zero();
    if (form == PACKED_SPECIAL) {
        const bool good = rv_cursor_done(&c) && scale < SPECIAL_COUNT;
        d->kind = good ? specials[scale] : RV_DECIMAL_NAN;
        return good;
    }
    if (c.bad || form > PACKED_MINUS || scale > RV_DECIMAL_SCALE_MAX) {
        return false;
    }
    d->scale = (uint32_t)scale;
    d->minus = form == PACKED_MINUS;
    if (rv_cursor_done(&c)) {
        return !d->minus;
    }
    const int64_t exponent = rv_read_svarint(&c);
    const rv_bytes pairs = rv_read(&c, rv_cursor_left(&c));
    const int64_t bound = (int64_t)(RV_DECIMAL_WHOLE_MAX + RV_DECIMAL_SCALE_MAX);
    if (c.bad || exponent > bound || exponent < -bound || pairs.len == 0 || pairs.ptr[0] == 0) {
        return false;
    }
    uint8_t greatest = 0;
    for (size_t i = 0; i < pairs.len; i++) {
        greatest = pairs.ptr[i] > greatest ? pairs.ptr[i] : greatest;
    }
    const uint8_t last = pairs.ptr[pairs.len - 1];
    d->exponent = (int32_t)exponent;
    d->pairs = pairs;
    /* The digits after the point: an even number, less a 0 at the end. */
    const int64_t after = 2 * ((int64_t)pairs.len - exponent) - (last % 10 == 0);
    return greatest < 100 && last > 0 && after <= (int64_t)scale &&
           whole_digits(d) <= (int32_t)RV_DECIMAL_WHOLE_MAX;
}

void rv_decimal_write_canonical(const rv_decimal *d, rv_writer *w) {
    RV_ASSERT(d->kind <= RV_DECIMAL_NAN);
    uint8_t memory[8];
    rv_writer head = rv_writer_over(memory, sizeof memory);
    rv_write_u8(&head, (uint8_t)(d->kind * 2 + d->minus));
    if (d->pairs.len > 0) {
        rv_write_svarint(&head, d->exponent);
    }
    RV_ASSERT(!head.full);
    rv_write_varint(w, head.len + d->pairs.len);
    rv_write(w, rv_writer_bytes(&head));
    rv_write(w, d->pairs);
}
