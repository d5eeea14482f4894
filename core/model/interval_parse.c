/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intervals from text, as PostgreSQL 15 reads them with IntervalStyle postgres. Two languages; the
 * second is tried when a text is not of the first:
 *
 *     1 year 2 mons -3 days 04:05:06.789 ago     numbers with units, a clock, `1-2` years and
 * months P1Y2M3DT4H5M6.7S, P0001-02-03T04:05:06     ISO 8601
 *
 * The first is cut into tokens, which are read from the last to the first, so that a unit is known
 * before its number.
 */
#include "core/model/interval.h"

#include "core/base/assert.h"
#include "core/base/bytes.h"
#include "core/model/float.h"
#include "core/model/interval_sums.h"

/* PostgreSQL's: the tokens of a text, with a zero after each, and how many. */
#define TOKENS_LEN_MAX 256u
#define TOKENS_MAX     25u

static const char why_form[] =
    "it must be written like 1 year 2 mons 3 days 04:05:06 or P1Y2M3DT4H5M6S";
static const char why_range[] = "a part of the interval is out of range";

typedef enum token_kind {
    TOKEN_CLOCK,  /* 04:05 */
    TOKEN_NUMBER, /* 12, 1.5, 1-2 */
    TOKEN_SIGNED, /* +12, -04:05 */
    TOKEN_WORD,
    TOKEN_NOTHING /* what cannot be read, but for reasons of its own */
} token_kind;

typedef struct tokens {
    uint32_t count;
    size_t len;
    bool full; /* something of the text had no room */
    token_kind kinds[TOKENS_MAX];
    size_t starts[TOKENS_MAX];
    uint8_t text[TOKENS_LEN_MAX];
} tokens;

/* The units with which a clock cannot stand. */
#define SECOND_BITS (1u << RV_UNIT_MICROSECOND | 1u << RV_UNIT_MILLISECOND | 1u << RV_UNIT_SECOND)
#define CLOCK_BITS  (SECOND_BITS | 1u << RV_UNIT_MINUTE | 1u << RV_UNIT_HOUR)

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_letter(uint8_t c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/* --- tokens --- */

static uint8_t byte_at(rv_bytes text, size_t at) {
    return at < text.len ? text.ptr[at] : 0;
}

/* Appends one byte, if there is room. */
static void take_one(tokens *t, rv_bytes *text) {
    RV_ASSERT(text->len > 0 && t->len <= TOKENS_LEN_MAX);
    if (t->len + 1 < TOKENS_LEN_MAX) {
        t->text[t->len++] = lower(text->ptr[0]);
    } else {
        t->full = true;
    }
    *text = rv_bytes_from(*text, 1);
}

/* Appends the bytes of a token while they are of a kind, or `also` (0: none). */
static void take_while(tokens *t, rv_bytes *text, bool (*is)(uint8_t), uint8_t also) {
    RV_ASSERT(t->len <= TOKENS_LEN_MAX);
    while (text->len > 0 && (is(text->ptr[0]) || (also != 0 && text->ptr[0] == also))) {
        take_one(t, text);
    }
}

static bool is_clock(uint8_t c) {
    return is_digit(c) || c == ':' || c == '.';
}

static bool is_after_sign(uint8_t c) {
    return is_clock(c) || c == '-';
}

static bool is_mixed(uint8_t c) {
    return is_digit(c) || is_letter(c) || c == '-' || c == '/' || c == '.' || c == '+' ||
           c == '_' || c == ':';
}

static bool is_date_part(uint8_t c) {
    return is_digit(c) || is_letter(c);
}

/* Digits and what they may begin: a clock, years and months, a decimal. What would be a date is
 * taken whole, and cannot be read later. */
static token_kind take_number(tokens *t, rv_bytes *text) {
    take_while(t, text, is_digit, 0);
    const uint8_t delimiter = byte_at(*text, 0);
    if (delimiter == ':') {
        take_while(t, text, is_clock, 0);
        return TOKEN_CLOCK;
    }
    if (delimiter != '-' && delimiter != '/' && delimiter != '.') {
        return TOKEN_NUMBER;
    }
    take_one(t, text);
    if (!is_digit(byte_at(*text, 0))) {
        take_while(t, text, is_date_part, delimiter);
        return TOKEN_NUMBER;
    }
    take_while(t, text, is_digit, 0);
    if (byte_at(*text, 0) == delimiter) {
        take_while(t, text, is_digit, delimiter);
    }
    return TOKEN_NUMBER;
}

/* A word; with digits or signs inside it is one that nobody knows, unless PostgreSQL knows its
 * beginning from dates. */
static token_kind take_word(tokens *t, rv_bytes *text, size_t start) {
    static const char *const of_dates[] = {"d", "dec", "h", "m", "mon", "s", "t", "y"};
    take_while(t, text, is_letter, 0);
    const uint8_t next = byte_at(*text, 0);
    bool mixed = next == '-' || next == '/' || next == '.';
    if (next == '+' || is_digit(next)) {
        const rv_bytes word = rv_bytes_of(t->text + start, t->len - start);
        mixed = true;
        for (size_t i = 0; i < sizeof of_dates / sizeof of_dates[0]; i++) {
            mixed = mixed && !rv_bytes_are(word, of_dates[i]);
        }
    }
    if (mixed) {
        take_while(t, text, is_mixed, 0);
    }
    return mixed ? TOKEN_NOTHING : TOKEN_WORD;
}

/* A sign and what it stands before, white space between them left out. False: nothing that it can
 * stand before. */
static bool take_signed(tokens *t, rv_bytes *text, token_kind *kind) {
    take_one(t, text);
    while (text->len > 0 && is_space(text->ptr[0])) {
        *text = rv_bytes_from(*text, 1);
    }
    const bool number = is_digit(byte_at(*text, 0));
    const bool word = is_letter(byte_at(*text, 0));
    *kind = number ? TOKEN_SIGNED : TOKEN_NOTHING;
    take_while(t, text, number ? is_after_sign : is_letter, 0);
    return number || word;
}

/* Takes the token that `c` begins. False: it begins none. */
static bool take_token(tokens *t, rv_bytes *text, token_kind *kind) {
    const uint8_t c = text->ptr[0];
    RV_ASSERT(text->len > 0 && !t->full);
    if (c == '+' || c == '-') {
        return take_signed(t, text, kind);
    }
    if (is_digit(c)) {
        *kind = take_number(t, text);
    } else if (is_letter(c)) {
        *kind = take_word(t, text, t->len);
    } else if (c == '.') {
        *kind = TOKEN_NUMBER;
        take_one(t, text);
        take_while(t, text, is_digit, 0);
    } else {
        return false;
    }
    return true;
}

/* Cuts the text. False: it is not of the first language. */
static bool cut(rv_bytes text, tokens *t) {
    t->count = 0;
    t->len = 0;
    t->full = false;
    while (text.len > 0) {
        const uint8_t c = text.ptr[0];
        const bool sign = c == '+' || c == '-';
        const bool punctuation = c > ' ' && c < 0x7f && !is_date_part(c) && c != '.' && !sign;
        if (t->count == TOKENS_MAX && !is_space(c)) {
            return false;
        }
        if (is_space(c) || punctuation) { /* it only separates */
            text = rv_bytes_from(text, 1);
            continue;
        }
        const size_t start = t->len;
        token_kind kind = TOKEN_NUMBER;
        if (!take_token(t, &text, &kind) || t->full) {
            return false;
        }
        t->text[t->len++] = 0;
        t->kinds[t->count] = kind;
        t->starts[t->count++] = start;
    }
    RV_ASSERT(t->count <= TOKENS_MAX && t->len <= TOKENS_LEN_MAX);
    return true;
}

/* --- the first language --- */

/* A whole number with its sign, as strtol reads it: no digits are 0, and nothing is passed. */
static bool take_whole(const uint8_t **at, int64_t max, int64_t *value) {
    const uint8_t *p = *at;
    const bool minus = *p == '-';
    p += minus || *p == '+';
    *value = 0;
    bool fits = true;
    if (!is_digit(*p)) {
        return true;
    }
    for (; is_digit(*p); p++) {
        const int64_t digit = minus ? -(*p - '0') : *p - '0';
        fits = fits && !__builtin_mul_overflow(*value, 10, value) &&
               !__builtin_add_overflow(*value, digit, value);
    }
    *at = p;
    return fits && *value <= max && *value >= -max - 1;
}

/* `.` and digits up to the end of the token. */
static bool take_fraction(const uint8_t *at, double *fraction) {
    RV_ASSERT(*at == '.');
    const rv_bytes text = rv_bytes_of_string((const char *)at);
    *fraction = 0;
    for (size_t i = 1; i < text.len; i++) {
        if (!is_digit(text.ptr[i])) {
            return false;
        }
    }
    return text.len == 1 || rv_float_parse(text, RV_FLOAT_DOUBLE, fraction) == RV_FLOAT_OK;
}

/* h:m, h:m:s[.f] or m:s.f; all of the time so far is replaced, as PostgreSQL does. */
static rv_verdict read_clock(const uint8_t *at, int64_t *us) {
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    double fraction = 0;
    if (!take_whole(&at, INT64_MAX, &hour)) {
        return RV_VERDICT_RANGE;
    }
    if (*at != ':') {
        return RV_VERDICT_FORM;
    }
    at++;
    if (!take_whole(&at, INT32_MAX, &minute)) {
        return RV_VERDICT_RANGE;
    }
    if (*at == '.') {
        if (!take_fraction(at, &fraction)) {
            return RV_VERDICT_FORM;
        }
        if (hour > INT32_MAX) {
            return RV_VERDICT_RANGE;
        }
        second = minute;
        minute = hour;
        hour = 0;
    } else if (*at == ':') {
        at++;
        if (!take_whole(&at, INT32_MAX, &second)) {
            return RV_VERDICT_RANGE;
        }
        if (*at != 0 && (*at != '.' || !take_fraction(at, &fraction))) {
            return RV_VERDICT_FORM;
        }
    } else if (*at != 0) {
        return RV_VERDICT_FORM;
    }
    if (hour < 0 || minute < 0 || minute > 59 || second < 0 || second > 60) {
        return RV_VERDICT_RANGE;
    }
    rv_sums s = {.us = (int64_t)rv_float_round(fraction * 1000000.0)};
    if (!rv_sums_add_us(&s, hour, RV_UNIT_HOUR_US) ||
        !rv_sums_add_us(&s, minute, RV_UNIT_MINUTE_US) ||
        !rv_sums_add_us(&s, second, RV_UNIT_SECOND_US)) {
        return RV_VERDICT_RANGE;
    }
    *us = s.us;
    return RV_VERDICT_OK;
}

/* A decimal, or `years-months`, which `*of` becomes then. */
static rv_verdict read_number(const uint8_t *at, rv_quantity *n, rv_unit *of) {
    const bool minus = *at == '-';
    *n = (rv_quantity){0, 0};
    if (!take_whole(&at, INT64_MAX, &n->whole)) {
        return RV_VERDICT_RANGE;
    }
    if (*at == '.') {
        if (!take_fraction(at, &n->fraction)) {
            return RV_VERDICT_FORM;
        }
        n->fraction = minus ? -n->fraction : n->fraction;
        return RV_VERDICT_OK;
    }
    if (*at == '-') {
        int64_t months = 0;
        at++;
        if (!take_whole(&at, INT32_MAX, &months) || months < 0 || months >= 12) {
            return RV_VERDICT_RANGE;
        }
        if (*at != 0) {
            return RV_VERDICT_FORM;
        }
        *of = RV_UNIT_MONTH;
        return !__builtin_mul_overflow(n->whole, 12, &n->whole) &&
                       !__builtin_add_overflow(n->whole, minus ? -months : months, &n->whole)
                   ? RV_VERDICT_OK
                   : RV_VERDICT_RANGE;
    }
    return *at == 0 ? RV_VERDICT_OK : RV_VERDICT_FORM;
}

/* What is known while tokens are read from the right. */
typedef struct reading {
    rv_sums s;
    rv_unit of;     /* the next number's; RV_UNIT_NONE: seconds */
    uint32_t given; /* bits of units */
    bool ago;
} reading;

static rv_verdict give(reading *r, uint32_t bits) {
    const bool twice = (r->given & bits) != 0;
    RV_ASSERT(bits != 0);
    r->given |= bits;
    return twice ? RV_VERDICT_FORM : RV_VERDICT_OK;
}

static rv_verdict read_quantity(reading *r, const uint8_t *text) {
    rv_quantity n;
    rv_unit of = r->of == RV_UNIT_NONE ? RV_UNIT_SECOND : r->of;
    const rv_verdict v = read_number(text, &n, &of);
    if (v != RV_VERDICT_OK) {
        return v;
    }
    r->of = of;
    if (of > RV_UNIT_MILLENNIUM) {
        return RV_VERDICT_FORM;
    }
    if (!rv_sums_add(&r->s, &n, of)) {
        return RV_VERDICT_RANGE;
    }
    if (of == RV_UNIT_HOUR) {
        r->of = RV_UNIT_DAY; /* for a number before it */
    }
    return give(r, of == RV_UNIT_SECOND && n.fraction != 0 ? SECOND_BITS : 1u << of);
}

static rv_verdict read_token(reading *r, token_kind kind, const uint8_t *text) {
    int64_t us = 0;
    rv_verdict v = RV_VERDICT_FORM;
    RV_ASSERT(kind <= TOKEN_NOTHING);
    switch (kind) {
    case TOKEN_WORD:
        r->of = rv_unit_find(rv_bytes_of_string((const char *)text), false);
        r->ago = r->ago || r->of == RV_UNIT_AGO;
        return r->of == RV_UNIT_NONE ? RV_VERDICT_FORM : RV_VERDICT_OK;
    case TOKEN_CLOCK:
        v = read_clock(text, &us);
        break;
    case TOKEN_SIGNED:
        v = strchr((const char *)text, ':') != NULL ? read_clock(text + 1, &us) : RV_VERDICT_FORM;
        if (v != RV_VERDICT_OK) {
            return read_quantity(r, text);
        }
        us = text[0] == '-' ? -us : us;
        break;
    case TOKEN_NUMBER:
        return read_quantity(r, text);
    default:
        return RV_VERDICT_FORM;
    }
    if (v == RV_VERDICT_OK) {
        r->s.us = us;
        r->of = RV_UNIT_DAY;
        v = give(r, CLOCK_BITS);
    }
    return v;
}

static bool negate(rv_sums *s) {
    RV_ASSERT(s != NULL);
    return !__builtin_sub_overflow(0, s->years, &s->years) &&
           !__builtin_sub_overflow(0, s->months, &s->months) &&
           !__builtin_sub_overflow(0, s->days, &s->days) &&
           !__builtin_sub_overflow(0, s->us, &s->us);
}

static rv_verdict read_words(rv_bytes text, rv_sums *s) {
    tokens t;
    reading r = {.of = RV_UNIT_NONE};
    if (!cut(text, &t)) {
        return RV_VERDICT_FORM;
    }
    for (uint32_t i = t.count; i > 0; i--) {
        const rv_verdict v = read_token(&r, t.kinds[i - 1], t.text + t.starts[i - 1]);
        if (v != RV_VERDICT_OK) {
            return v;
        }
    }
    RV_ASSERT(t.count > 0 || r.given == 0);
    if (r.given == 0) {
        return RV_VERDICT_FORM;
    }
    if (r.ago && !negate(&r.s)) {
        return RV_VERDICT_RANGE;
    }
    *s = r.s;
    return RV_VERDICT_OK;
}

rv_status rv_interval_parse(rv_bytes text, rv_interval *interval, const char **why) {
    RV_ASSERT(interval != NULL && why != NULL);
    rv_sums s = {0};
    rv_verdict v = read_words(text, &s);
    if (v == RV_VERDICT_FORM) {
        v = rv_interval_read_iso(text, &s);
    }
    if (v == RV_VERDICT_FORM) {
        *why = why_form;
        return RV_VALUE_INVALID;
    }
    const int64_t months = (int64_t)s.years * 12 + s.months;
    if (v == RV_VERDICT_RANGE || months < INT32_MIN || months > INT32_MAX) {
        *why = why_range;
        return RV_VALUE_OUT_OF_RANGE;
    }
    *interval = (rv_interval){(int32_t)months, s.days, s.us};
    return RV_OK;
}
