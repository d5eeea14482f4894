/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splitting dates and times into fields. The rules are those of PostgreSQL 15's ParseDateTime,
 * quirks included, because what comes later relies on them: a word that has no meaning and runs
 * into a digit or a sign is the name of a time zone (`EST5EDT`), one that has ends there
 * (`y2020m1`).
 */
#include "core/model/time_fields.h"

#include "core/base/assert.h"

static const struct {
    const char *text;
    rv_time_word word;
} words[] = {
    {"ad", {RV_TIME_WORD_ERA, 0}},
    {"allballs", {RV_TIME_WORD_MIDNIGHT, 0}},
    {"am", {RV_TIME_WORD_HALF, 0}},
    {"apr", {RV_TIME_WORD_MONTH, 4}},
    {"april", {RV_TIME_WORD_MONTH, 4}},
    {"at", {RV_TIME_WORD_FILLER, 0}},
    {"aug", {RV_TIME_WORD_MONTH, 8}},
    {"august", {RV_TIME_WORD_MONTH, 8}},
    {"bc", {RV_TIME_WORD_ERA, 1}},
    {"d", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_DAY}},
    {"dec", {RV_TIME_WORD_MONTH, 12}},
    {"december", {RV_TIME_WORD_MONTH, 12}},
    {"dow", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_OTHER}},
    {"doy", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_OTHER}},
    {"dst", {RV_TIME_WORD_SUMMER, 0}},
    {"epoch", {RV_TIME_WORD_EPOCH, 0}},
    {"feb", {RV_TIME_WORD_MONTH, 2}},
    {"february", {RV_TIME_WORD_MONTH, 2}},
    {"fri", {RV_TIME_WORD_WEEKDAY, 0}},
    {"friday", {RV_TIME_WORD_WEEKDAY, 0}},
    {"gmt", {RV_TIME_WORD_UTC, 0}},
    {"h", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_HOUR}},
    {"infinity", {RV_TIME_WORD_INFINITY, 0}},
    {"isodow", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_OTHER}},
    {"isoyear", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_OTHER}},
    {"j", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_JULIAN}},
    {"jan", {RV_TIME_WORD_MONTH, 1}},
    {"january", {RV_TIME_WORD_MONTH, 1}},
    {"jd", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_JULIAN}},
    {"jul", {RV_TIME_WORD_MONTH, 7}},
    {"julian", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_JULIAN}},
    {"july", {RV_TIME_WORD_MONTH, 7}},
    {"jun", {RV_TIME_WORD_MONTH, 6}},
    {"june", {RV_TIME_WORD_MONTH, 6}},
    {"m", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_MONTH}},
    {"mar", {RV_TIME_WORD_MONTH, 3}},
    {"march", {RV_TIME_WORD_MONTH, 3}},
    {"may", {RV_TIME_WORD_MONTH, 5}},
    {"mm", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_MINUTE}},
    {"mon", {RV_TIME_WORD_WEEKDAY, 0}},
    {"monday", {RV_TIME_WORD_WEEKDAY, 0}},
    {"nov", {RV_TIME_WORD_MONTH, 11}},
    {"november", {RV_TIME_WORD_MONTH, 11}},
    {"now", {RV_TIME_WORD_CLOCK, 0}},
    {"oct", {RV_TIME_WORD_MONTH, 10}},
    {"october", {RV_TIME_WORD_MONTH, 10}},
    {"on", {RV_TIME_WORD_FILLER, 0}},
    {"pm", {RV_TIME_WORD_HALF, 1}},
    {"s", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_SECOND}},
    {"sat", {RV_TIME_WORD_WEEKDAY, 0}},
    {"saturday", {RV_TIME_WORD_WEEKDAY, 0}},
    {"sep", {RV_TIME_WORD_MONTH, 9}},
    {"sept", {RV_TIME_WORD_MONTH, 9}},
    {"september", {RV_TIME_WORD_MONTH, 9}},
    {"sun", {RV_TIME_WORD_WEEKDAY, 0}},
    {"sunday", {RV_TIME_WORD_WEEKDAY, 0}},
    {"t", {RV_TIME_WORD_T, 0}},
    {"thu", {RV_TIME_WORD_WEEKDAY, 0}},
    {"thur", {RV_TIME_WORD_WEEKDAY, 0}},
    {"thurs", {RV_TIME_WORD_WEEKDAY, 0}},
    {"thursday", {RV_TIME_WORD_WEEKDAY, 0}},
    {"today", {RV_TIME_WORD_CLOCK, 0}},
    {"tomorrow", {RV_TIME_WORD_CLOCK, 0}},
    {"tue", {RV_TIME_WORD_WEEKDAY, 0}},
    {"tues", {RV_TIME_WORD_WEEKDAY, 0}},
    {"tuesday", {RV_TIME_WORD_WEEKDAY, 0}},
    {"uct", {RV_TIME_WORD_UTC, 0}},
    {"ut", {RV_TIME_WORD_UTC, 0}},
    {"utc", {RV_TIME_WORD_UTC, 0}},
    {"wed", {RV_TIME_WORD_WEEKDAY, 0}},
    {"wednesday", {RV_TIME_WORD_WEEKDAY, 0}},
    {"weds", {RV_TIME_WORD_WEEKDAY, 0}},
    {"y", {RV_TIME_WORD_LABEL, RV_TIME_LABEL_YEAR}},
    {"yesterday", {RV_TIME_WORD_CLOCK, 0}},
    {"z", {RV_TIME_WORD_UTC, 0}},
    {"zulu", {RV_TIME_WORD_UTC, 0}},
};

rv_time_word rv_time_word_of(rv_bytes text) {
    RV_ASSERT(text.ptr != NULL || text.len == 0);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *const word = words[i].text;
        size_t at = 0;
        while (at < text.len && word[at] != 0 && (text.ptr[at] | 0x20) == (uint8_t)word[at]) {
            at++;
        }
        if (at == text.len && word[at] == 0) {
            return words[i].word;
        }
    }
    return (rv_time_word){RV_TIME_WORD_NONE, 0};
}

/* What is left of the text while it is split. */
typedef struct splitter {
    rv_bytes text;
    size_t pos;
} splitter;

static uint8_t peek(const splitter *s) {
    return s->pos < s->text.len ? s->text.ptr[s->pos] : 0;
}

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_punctuation(uint8_t c) {
    return c > ' ' && c < 0x7f && !rv_time_is_digit(c) && !rv_time_is_letter(c);
}

/* Skips digits, letters when `letters`, and the characters of `others`. */
static void skip(splitter *s, bool letters, const char *others) {
    RV_ASSERT(others != NULL);
    for (; s->pos < s->text.len; s->pos++) {
        const uint8_t c = peek(s);
        if (!rv_time_is_digit(c) && !(letters && rv_time_is_letter(c)) &&
            (c == 0 || strchr(others, c) == NULL)) {
            break;
        }
    }
}

static void skip_letters(splitter *s) {
    while (rv_time_is_letter(peek(s))) {
        s->pos++;
    }
}

/* What begins with a digit. */
static rv_time_field_kind take_digits(splitter *s) {
    RV_ASSERT(rv_time_is_digit(peek(s)));
    skip(s, false, "");
    const uint8_t separator = peek(s);
    if (separator == ':') {
        skip(s, false, ":.");
        return RV_TIME_FIELD_CLOCK;
    }
    if (separator != '-' && separator != '/' && separator != '.') {
        return RV_TIME_FIELD_NUMBER;
    }
    const char same[] = {(char)separator, 0};
    s->pos++;
    if (!rv_time_is_digit(peek(s))) { /* the name of a month, then; or nothing */
        skip(s, true, same);
        return RV_TIME_FIELD_DATE;
    }
    skip(s, false, "");
    if (peek(s) == separator) {
        skip(s, false, same);
        return RV_TIME_FIELD_DATE;
    }
    return separator == '.' ? RV_TIME_FIELD_NUMBER : RV_TIME_FIELD_DATE;
}

/* What begins with a letter. */
static rv_time_field_kind take_word(splitter *s) {
    const size_t start = s->pos;
    skip_letters(s);
    const uint8_t c = peek(s);
    const rv_bytes word = rv_bytes_of(s->text.ptr + start, s->pos - start);
    RV_ASSERT(word.len > 0);
    bool date = c == '-' || c == '/' || c == '.';
    if (c == '+' || rv_time_is_digit(c)) {
        const rv_time_word_kind kind = rv_time_word_of(word).kind;
        date = kind == RV_TIME_WORD_NONE || kind == RV_TIME_WORD_UTC;
    }
    if (!date) {
        return RV_TIME_FIELD_WORD;
    }
    skip(s, true, "+-/_.:");
    return RV_TIME_FIELD_DATE;
}

/* What begins with a sign; the text begins after it and after white space. */
static bool take_signed(splitter *s, size_t *start, rv_time_field *field) {
    field->minus = peek(s) == '-';
    RV_ASSERT(field->minus || peek(s) == '+');
    s->pos++;
    while (is_space(peek(s))) {
        s->pos++;
    }
    *start = s->pos;
    if (rv_time_is_digit(peek(s))) {
        field->kind = RV_TIME_FIELD_ZONE;
        skip(s, false, ":.-");
        return true;
    }
    field->kind = RV_TIME_FIELD_SIGNED_WORD;
    skip_letters(s);
    return s->pos > *start;
}

bool rv_time_split(rv_bytes text, size_t room, rv_time_fields *fields) {
    RV_ASSERT(text.ptr != NULL || text.len == 0);
    RV_ASSERT(fields != NULL);
    splitter s = {text, 0};
    size_t used = 0;
    fields->count = 0;
    while (s.pos < text.len) {
        const uint8_t c = peek(&s);
        const bool sign = c == '+' || c == '-';
        const bool begins = rv_time_is_digit(c) || rv_time_is_letter(c) || sign || c == '.';
        if (!begins && (is_space(c) || is_punctuation(c))) {
            s.pos++;
            continue;
        }
        if (!begins || fields->count == RV_TIME_FIELDS_MAX) {
            return false;
        }
        rv_time_field *const field = &fields->list[fields->count];
        size_t start = s.pos;
        *field = (rv_time_field){.kind = RV_TIME_FIELD_NUMBER};
        if (sign) {
            if (!take_signed(&s, &start, field)) {
                return false;
            }
        } else if (c == '.') {
            s.pos++;
            skip(&s, false, "");
        } else {
            field->kind = rv_time_is_digit(c) ? take_digits(&s) : take_word(&s);
        }
        field->text = rv_bytes_of(text.ptr + start, s.pos - start);
        used += field->text.len + sign + 1;
        if (used > room) {
            return false;
        }
        fields->count++;
    }
    return true;
}
