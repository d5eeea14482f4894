/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floats as text, and rounding. A float is f * 2^e. Its digits are generated exactly, after Steele
 * and White ("How to Print Floating-Point Numbers Accurately", 1990): with r/s the value scaled to
 * below 1 and m/s half the distance to the neighbours, each step takes a digit off 10 r/s, until
 * what is left is less than m, or the next digit up is. Neither end of that interval belongs to it
 * (a reader need not round ties to even), as in PostgreSQL's version of Ryu, and of two last digits
 * the nearer is taken, the even one of two that are equally near.
 *
 *     1.5      digits 15, exponent 0        written 1.5
 *     1e+20    digits 1, exponent 20        in exponents from 15 (6 for real), and below -4
 */
#include "core/model/float.h"

#include "core/base/assert.h"
#include "core/model/float_big.h"

#define MANTISSA_BITS 52u
#define BIAS          1075 /* a double is mantissa * 2^(exponent - 1075) */

/* The sizes of the largest whole numbers: above them all floats are whole. */
#define WHOLE_FROM 4503599627370496.0 /* 2^52 */

/* What singles need: the bits of a double's mantissa that they have not, and the exponent of their
 * smallest number. */
#define SINGLE_DROPPED 29u
#define SINGLE_LOWEST  (-149)

uint64_t rv_float_bits(double v) {
    uint64_t bits;
    RV_STATIC_ASSERT(sizeof bits == sizeof v, "IEEE 754 doubles");
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

double rv_float_of_bits(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

double rv_float_normal(double v) {
    return rv_float_is_nan(v) ? rv_float_of_bits(RV_FLOAT_NAN_BITS) : v + 0.0;
}

int rv_float_compare(double a, double b) {
    if (rv_float_is_nan(a) || rv_float_is_nan(b)) {
        return rv_float_is_nan(a) - rv_float_is_nan(b);
    }
    return (a > b) - (a < b);
}

double rv_float_round(double v) {
    const double size = v < 0 ? -v : v;
    if (!(size < WHOLE_FROM) || v == 0) {
        return v;
    }
    const double whole = (size + WHOLE_FROM) - WHOLE_FROM; /* the sum has no bits below 1 */
    RV_ASSERT(whole - size <= 0.5 && size - whole <= 0.5);
    return v < 0 ? -whole : whole;
}

double rv_float_floor(double v) {
    const double whole = rv_float_round(v);
    RV_ASSERT(rv_float_is_nan(v) || !rv_float_is_nan(whole));
    return whole > v ? whole - 1 : whole;
}

double rv_float_ceiling(double v) {
    const double whole = -rv_float_floor(-v);
    RV_ASSERT(rv_float_is_nan(v) || whole >= v);
    return whole;
}

double rv_float_root(double v) {
    if (v < 0) {
        return rv_float_of_bits(RV_FLOAT_NAN_BITS);
    }
    if (v == 0 || !rv_float_is_finite(v)) {
        return v;
    }
    const bool tiny = v < 0x1p-1000;
    const uint64_t bits = rv_float_bits(tiny ? v * 0x1p+200 : v);
    int32_t exponent = (int32_t)(bits >> MANTISSA_BITS) - BIAS;
    uint64_t mantissa = (bits & ((UINT64_C(1) << MANTISSA_BITS) - 1)) | UINT64_C(1)
                                                                            << MANTISSA_BITS;
    if (exponent % 2 != 0) {
        mantissa <<= 1;
        exponent -= 1;
    }
    /* The root of mantissa * 2^54 bit by bit, two bits of it for one: 53 bits and one that rounds.
     */
    uint64_t root = 0;
    uint64_t rest = 0;
    for (uint32_t i = 0; i < 54; i++) {
        rest = rest << 2 | (i < 27 ? mantissa >> (52 - 2 * i) & 3 : 0);
        const uint64_t next = root << 2 | 1;
        root <<= 1;
        if (rest >= next) {
            rest -= next;
            root |= 1;
        }
    }
    RV_ASSERT(root >> 53 == 1);
    const uint64_t rounded = (root >> 1) + (root & 1); /* a tie cannot be */
    const int32_t scale = (exponent - 54) / 2 + 1 - (tiny ? 100 : 0);
    return (double)rounded * rv_float_of_bits((uint64_t)(scale + 1023) << MANTISSA_BITS);
}

void rv_float_encode(double v, rv_float_width width, rv_writer *w) {
    const bool nan = rv_float_is_nan(v);
    RV_VERIFY(nan || rv_float_bits_valid(rv_float_bits(v), width));
    if (width == RV_FLOAT_DOUBLE) {
        rv_write_u64(w, nan ? RV_FLOAT_NAN_BITS : rv_float_bits(v));
        return;
    }
    const float single = nan ? 0 : (float)v;
    uint32_t bits;
    RV_STATIC_ASSERT(sizeof bits == sizeof single, "IEEE 754 singles");
    memcpy(&bits, &single, sizeof bits);
    rv_write_u32(w, nan ? RV_FLOAT_NAN_BITS_SINGLE : bits);
}

double rv_float_decode(rv_float_width width, rv_cursor *c) {
    double v = 0;
    RV_ASSERT(c != NULL);
    if (width == RV_FLOAT_DOUBLE) {
        v = rv_float_of_bits(rv_read_u64(c));
        c->bad = c->bad || !rv_float_bits_valid(rv_float_bits(v), width);
        return v;
    }
    const uint32_t bits = rv_read_u32(c);
    float single;
    memcpy(&single, &bits, sizeof single);
    if (single != single) { /* widening it is the processor's business, so it is not widened */
        c->bad = c->bad || bits != RV_FLOAT_NAN_BITS_SINGLE;
        return rv_float_of_bits(RV_FLOAT_NAN_BITS);
    }
    return (double)single;
}

bool rv_float_bits_valid(uint64_t bits, rv_float_width width) {
    double v = rv_float_of_bits(bits);
    RV_ASSERT(width <= RV_FLOAT_DOUBLE);
    if (rv_float_is_nan(v)) {
        return bits == RV_FLOAT_NAN_BITS;
    }
    return width == RV_FLOAT_DOUBLE || (rv_float_to_single(&v) && rv_float_bits(v) == bits);
}

bool rv_float_to_single(double *v) {
    RV_ASSERT(v != NULL);
    const double from = *v;
    if (!rv_float_is_finite(from)) {
        return true;
    }
    const double size = from < 0 ? -from : from;
    if (size >= 0x1.ffffffp+127) { /* the midpoint above the largest single */
        return false;
    }
    *v = (double)(float)from;
    return *v != 0 || from == 0;
}

static bool is_infinite(double v) {
    return !rv_float_is_nan(v) && !rv_float_is_finite(v);
}

bool rv_float_calculate(rv_float_op op, double a, double b, rv_float_width width, double *result) {
    RV_ASSERT(result != NULL && op <= RV_FLOAT_DIVIDE);
    double v = op == RV_FLOAT_ADD        ? a + b
               : op == RV_FLOAT_SUBTRACT ? a - b
               : op == RV_FLOAT_MULTIPLY ? a * b
                                         : a / b;
    if (is_infinite(v) && !is_infinite(a) && !is_infinite(b)) {
        return false;
    }
    if (v == 0 && op >= RV_FLOAT_MULTIPLY && a != 0 &&
        (op == RV_FLOAT_MULTIPLY ? b != 0 : !is_infinite(b))) {
        return false;
    }
    /* A single's result rounded twice is the same: a double has more than twice its bits. */
    if (width == RV_FLOAT_SINGLE && !rv_float_to_single(&v)) {
        return false;
    }
    *result = rv_float_is_nan(v) ? rv_float_of_bits(RV_FLOAT_NAN_BITS) : v;
    return true;
}

/* A float taken apart, and its digits. */
typedef struct digits {
    uint8_t digits[RV_FLOAT_DIGITS_MAX]; /* 0 to 9 */
    uint32_t count;
    int32_t exponent; /* of the first digit: 0 for ones */
} digits;

/* The state of the generation: the value is r/s * 10^exponent. */
typedef struct fraction {
    rv_big r;
    rv_big s;
    rv_big below; /* half the distance to the neighbour below; 0 without */
    rv_big above;
} fraction;

/* Takes a positive, finite float apart. `*edge`: the neighbour below is twice as near. */
static uint64_t take_apart(double value, rv_float_width width, int32_t *exponent, bool *edge) {
    const uint64_t bits = rv_float_bits(value);
    uint64_t mantissa = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    const int32_t biased = (int32_t)(bits >> MANTISSA_BITS);
    RV_ASSERT(biased < 2047 && value > 0);
    *edge = mantissa == 0 && biased > 1;
    mantissa |= biased > 0 ? UINT64_C(1) << MANTISSA_BITS : 0;
    *exponent = (biased > 0 ? biased : 1) - BIAS;
    if (width == RV_FLOAT_SINGLE) { /* a single in a double is never subnormal: its own may be */
        const int32_t shift = SINGLE_LOWEST - *exponent;
        const uint32_t dropped = shift > (int32_t)SINGLE_DROPPED ? (uint32_t)shift : SINGLE_DROPPED;
        RV_ASSERT(dropped <= MANTISSA_BITS && mantissa % (UINT64_C(1) << dropped) == 0);
        *edge = *edge && dropped == SINGLE_DROPPED && *exponent > SINGLE_LOWEST - 29;
        mantissa >>= dropped;
        *exponent += (int32_t)dropped;
    }
    RV_ASSERT(mantissa > 0);
    return mantissa;
}

/* The power of ten at or just below a number, or one less: floor of log10(2) times the place of its
 * highest bit. */
static int32_t estimate(uint64_t mantissa, int32_t exponent) {
    const int32_t place = exponent + 63 - __builtin_clzll(mantissa);
    RV_ASSERT(place >= -1074 && place <= 1023);
    const int64_t product = (int64_t)place * 78913; /* 2^18 log10(2) */
    return (int32_t)(product >= 0 ? product >> 18 : -((-product + 262143) >> 18));
}

/* r/s of a number, so that it is below 10 and, but for an estimate too low, at least 1. */
static void set_up(uint64_t mantissa, int32_t exponent, bool edge, int32_t power, fraction *f) {
    RV_ASSERT(mantissa > 0);
    rv_big_set(&f->r, mantissa * 4);
    rv_big_set(&f->s, 4);
    rv_big_set(&f->above, 2);
    rv_big_set(&f->below, edge ? 1 : 2);
    /* Twos that both sides have go: 10^power is 5^power * 2^power. */
    const int32_t twos = exponent - power;
    if (twos > 0) {
        rv_big_shift(&f->r, (uint32_t)twos);
        rv_big_shift(&f->above, (uint32_t)twos);
        rv_big_shift(&f->below, (uint32_t)twos);
    } else {
        rv_big_shift(&f->s, (uint32_t)-twos);
    }
    if (power >= 0) {
        rv_big_multiply_power5(&f->s, (uint32_t)power);
    } else {
        rv_big_multiply_power5(&f->r, (uint32_t)-power);
        rv_big_multiply_power5(&f->above, (uint32_t)-power);
        rv_big_multiply_power5(&f->below, (uint32_t)-power);
    }
    RV_ASSERT(f->s.count > 0);
}

static void times_ten(fraction *f, bool bounds) {
    RV_ASSERT(f->s.count > 0);
    rv_big_multiply_add(&f->r, 10, 0);
    if (bounds) {
        rv_big_multiply_add(&f->above, 10, 0);
        rv_big_multiply_add(&f->below, 10, 0);
    }
}

/* Takes the digit before the point off r/s. */
static uint8_t take_digit(fraction *f) {
    uint8_t digit = 0;
    while (digit < 10 && rv_big_compare(&f->r, &f->s) >= 0) {
        rv_big_subtract(&f->r, &f->s);
        digit += 1;
    }
    RV_ASSERT(digit < 10);
    return digit;
}

/* Adds one to the last digit, and what that carries. */
static void round_up(digits *d) {
    uint32_t at = d->count;
    RV_ASSERT(at > 0);
    while (at > 0 && d->digits[at - 1] == 9) {
        d->digits[--at] = 0;
    }
    if (at > 0) {
        d->digits[at - 1] += 1;
        return;
    }
    d->digits[0] = 1; /* 9.99 has become 10.0 */
    d->exponent += 1;
}

/* True when the part that is left is more than half of the last digit, or half of an odd one. */
static bool rounds_up(const fraction *f, uint8_t last) {
    const int order = rv_big_compare_sum(&f->r, &f->r, &f->s);
    RV_ASSERT(last < 10);
    return order > 0 || (order == 0 && last % 2 == 1);
}

/* The digits of a positive, finite number: `count` of them, or with 0 the shortest. */
static void generate(double value, rv_float_width width, uint32_t count, digits *d) {
    int32_t exponent = 0;
    bool edge = false;
    fraction f;
    RV_ASSERT(count <= RV_FLOAT_DIGITS_MAX);
    const uint64_t mantissa = take_apart(value, width, &exponent, &edge);
    d->exponent = estimate(mantissa, exponent);
    d->count = 0;
    set_up(mantissa, exponent, edge, d->exponent, &f);
    /* Ten or more: the estimate was too low. The shortest form may be the power of ten above. */
    rv_big ten = f.s;
    rv_big_multiply_add(&ten, 10, 0);
    if (count == 0 ? rv_big_compare_sum(&f.r, &f.above, &ten) > 0
                   : rv_big_compare(&f.r, &ten) >= 0) {
        f.s = ten;
        d->exponent += 1;
    }
    bool low = false;
    bool high = false;
    while (d->count < RV_FLOAT_DIGITS_MAX && !low && !high && (count == 0 || d->count < count)) {
        if (d->count > 0) {
            times_ten(&f, count == 0);
        }
        d->digits[d->count++] = take_digit(&f);
        low = count == 0 && rv_big_compare(&f.r, &f.below) < 0;
        high = count == 0 && rv_big_compare_sum(&f.r, &f.above, &f.s) > 0;
    }
    RV_ASSERT(count > 0 || low || high);
    if (low == high ? rounds_up(&f, d->digits[d->count - 1]) : high) {
        round_up(d);
    }
}

/* `e+20`, `e-05`. */
static void write_exponent(int32_t exponent, rv_writer *w) {
    const uint32_t size = (uint32_t)(exponent < 0 ? -exponent : exponent);
    RV_ASSERT(size < 1000);
    rv_write_text(w, exponent < 0 ? "e-" : "e+");
    rv_write_text(w, size < 10 ? "0" : "");
    rv_write_uint(w, size);
}

/* The digits with a point after the first `before` of them; zeros where there are none. */
static void write_digits(const digits *d, int32_t before, rv_writer *w) {
    RV_ASSERT(before >= -3 && before <= 15);
    int32_t at = before < 1 ? before - 1 : 0; /* the place of the ones is always written */
    for (; at < (int32_t)d->count || at < before; at++) {
        if (at == before) {
            rv_write_u8(w, '.');
        } else if (before < 1 && at == before - 1) {
            rv_write_u8(w, '0');
            continue;
        }
        rv_write_u8(w, at < 0 || at >= (int32_t)d->count ? '0' : (uint8_t)('0' + d->digits[at]));
    }
    RV_ASSERT(at >= (int32_t)d->count);
}

void rv_float_write(double value, rv_float_width width, rv_writer *w) {
    RV_ASSERT(w != NULL);
    if (rv_float_is_nan(value)) {
        rv_write_text(w, "NaN");
        return;
    }
    const bool minus = rv_float_bits(value) >> 63 != 0;
    rv_write_text(w, minus ? "-" : "");
    if (!rv_float_is_finite(value)) {
        rv_write_text(w, "Infinity");
        return;
    }
    if (value == 0) {
        rv_write_u8(w, '0');
        return;
    }
    digits d;
    generate(minus ? -value : value, width, 0, &d);
    const bool plain = d.exponent >= -4 && d.exponent < (width == RV_FLOAT_SINGLE ? 6 : 15);
    RV_ASSERT(d.digits[0] > 0);
    write_digits(&d, plain ? d.exponent + 1 : 1, w);
    if (!plain) {
        write_exponent(d.exponent, w);
    }
}

void rv_float_write_rounded(double value, uint32_t count, rv_writer *w) {
    RV_ASSERT(count > 0 && count <= RV_FLOAT_DIGITS_MAX);
    RV_ASSERT(rv_float_is_finite(value));
    if (value == 0) {
        rv_write_u8(w, '0');
        return;
    }
    digits d;
    rv_write_text(w, value < 0 ? "-" : "");
    generate(value < 0 ? -value : value, RV_FLOAT_DOUBLE, count, &d);
    while (d.count > 1 && d.digits[d.count - 1] == 0) {
        d.count -= 1;
    }
    write_digits(&d, 1, w);
    write_exponent(d.exponent, w);
}
