/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a date, a time or an interval, split as PostgreSQL splits it before it looks at what
 * the parts mean: runs of digits, digits with separators, words, signs with what follows them.
 * White space and other punctuation only separate.
 *
 *     2020-01-05 10:00:00.5+02      DATE 2020-01-05, CLOCK 10:00:00.5, ZONE + 02
 *     Mon, 5 Jan 2020 BC            WORD Mon, NUMBER 5, WORD Jan, NUMBER 2020, WORD BC
 *     20200105T101112               NUMBER 20200105, WORD T, NUMBER 101112
 *     -infinity                     SIGNED_WORD - infinity
 *
 * And the words that have a meaning, in any case.
 */
#ifndef RV_MODEL_TIME_FIELDS_H
#define RV_MODEL_TIME_FIELDS_H

#include "core/base/bytes.h"
#include "rivulet/status.h"

#define RV_TIME_FIELDS_MAX 25u /* PostgreSQL's MAXDATEFIELDS */

typedef enum rv_time_field_kind {
    RV_TIME_FIELD_NUMBER, /* digits, perhaps with one point */
    RV_TIME_FIELD_CLOCK,  /* digits, a colon, then digits, colons and points */
    RV_TIME_FIELD_DATE,   /* with - / . among digits or letters; or the name of a time zone */
    RV_TIME_FIELD_WORD,   /* letters */
    RV_TIME_FIELD_ZONE,   /* a sign, then digits, colons, points, hyphens */
    RV_TIME_FIELD_SIGNED_WORD
} rv_time_field_kind;

typedef struct rv_time_field {
    rv_time_field_kind kind;
    bool minus;    /* the sign of the last two kinds, which is not part of the text */
    rv_bytes text; /* not empty */
} rv_time_field;

typedef struct rv_time_fields {
    rv_time_field list[RV_TIME_FIELDS_MAX];
    size_t count;
} rv_time_fields;

/* Splits. `room` is how many characters all fields may have, each counted with one more: PostgreSQL
 * refuses what its buffers do not hold. False: too many or too long, or a character that is none of
 * the above. */
RV_MUST_USE bool rv_time_split(rv_bytes text, size_t room, rv_time_fields *fields);

typedef enum rv_time_word_kind {
    RV_TIME_WORD_NONE,
    RV_TIME_WORD_MONTH,   /* value: 1 to 12 */
    RV_TIME_WORD_WEEKDAY, /* Monday … */
    RV_TIME_WORD_HALF,    /* am, pm; value: 0, 1 */
    RV_TIME_WORD_ERA,     /* ad, bc; value: 0, 1 */
    RV_TIME_WORD_LABEL,   /* says what the next number is; value: rv_time_label */
    RV_TIME_WORD_T,       /* a clock follows */
    RV_TIME_WORD_UTC,
    RV_TIME_WORD_SUMMER,   /* dst: an hour ahead of the zone */
    RV_TIME_WORD_FILLER,   /* at, on */
    RV_TIME_WORD_MIDNIGHT, /* allballs */
    RV_TIME_WORD_EPOCH,
    RV_TIME_WORD_INFINITY, /* without a sign */
    RV_TIME_WORD_CLOCK     /* now, today …: what the clock tells */
} rv_time_word_kind;

typedef enum rv_time_label {
    RV_TIME_LABEL_NONE,
    RV_TIME_LABEL_YEAR,
    RV_TIME_LABEL_MONTH,
    RV_TIME_LABEL_DAY,
    RV_TIME_LABEL_HOUR,
    RV_TIME_LABEL_MINUTE,
    RV_TIME_LABEL_SECOND,
    RV_TIME_LABEL_JULIAN,
    RV_TIME_LABEL_CLOCK, /* after a `t` */
    RV_TIME_LABEL_OTHER  /* doy, dow …: known, but no number can follow */
} rv_time_label;

typedef struct rv_time_word {
    rv_time_word_kind kind;
    uint8_t value;
} rv_time_word;

/* The meaning of a word; RV_TIME_WORD_NONE when there is none. */
rv_time_word rv_time_word_of(rv_bytes text);

static inline bool rv_time_is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static inline bool rv_time_is_letter(uint8_t c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

#endif
