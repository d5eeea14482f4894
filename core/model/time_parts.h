/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a date or time while its text is read: what the fields (time_fields.h) have told so
 * far. Parts that were told are a set of bits, and none may be told twice.
 */
#ifndef RV_MODEL_TIME_PARTS_H
#define RV_MODEL_TIME_PARTS_H

#include "core/base/bytes.h"
#include "core/model/time_fields.h"

enum rv_time_has {
    RV_TIME_HAS_YEAR = 1 << 0,
    RV_TIME_HAS_MONTH = 1 << 1,
    RV_TIME_HAS_DAY = 1 << 2,
    RV_TIME_HAS_DATE = RV_TIME_HAS_YEAR | RV_TIME_HAS_MONTH | RV_TIME_HAS_DAY,
    RV_TIME_HAS_HOUR = 1 << 3,
    RV_TIME_HAS_MINUTE = 1 << 4,
    RV_TIME_HAS_SECOND = 1 << 5,
    RV_TIME_HAS_FRACTION = 1 << 6,
    RV_TIME_HAS_CLOCK =
        RV_TIME_HAS_HOUR | RV_TIME_HAS_MINUTE | RV_TIME_HAS_SECOND | RV_TIME_HAS_FRACTION,
    RV_TIME_HAS_ZONE = 1 << 7,
    RV_TIME_HAS_SUMMER = 1 << 8,
    RV_TIME_HAS_HALF = 1 << 9,
    RV_TIME_HAS_ERA = 1 << 10,
    RV_TIME_HAS_WEEKDAY = 1 << 11,
    RV_TIME_HAS_DAY_OF_YEAR = 1 << 12,
    RV_TIME_HAS_SPECIAL = 1 << 13
};

/* What was read so far. A clock may be out of range: PostgreSQL reads `20200105 251199` as the day
 * after. */
typedef struct rv_time_moment {
    bool clock_only;           /* a time is read, and no date */
    uint32_t has;              /* of RV_TIME_HAS_… */
    rv_time_label label;       /* what the next number is, when a word said so */
    rv_time_word_kind special; /* epoch or infinity */
    bool minus;                /* -infinity */
    bool text_month;
    bool julian; /* `day` is the Julian day */
    bool two_digits;
    bool before_christ;
    bool afternoon;
    int64_t year;
    int64_t month;
    int64_t day;
    int64_t day_of_year;
    int64_t hour;
    int64_t minute;
    int64_t second;
    int64_t fraction_us;
    int64_t offset_s; /* east of Greenwich */
    const char *why;
} rv_time_moment;

/* Reads all of the text into `m`, of which only `clock_only` and `why` are set; checks what does
 * not depend on the type's range. `room`: see rv_time_split. RV_VALUE_INVALID,
 * RV_VALUE_OUT_OF_RANGE, with `m->why`. */
RV_MUST_USE rv_status rv_time_read_parts(rv_time_moment *m, rv_bytes text, size_t room);

/* Sets `m->why` and returns `status`. */
rv_status rv_time_refuse(rv_time_moment *m, rv_status status, const char *why);

/* Of a month from 1 to 12 in an astronomical year. */
uint32_t rv_time_days_of_month(int64_t year, uint32_t month);

extern const char rv_time_why_form[];
extern const char rv_time_why_field[];

#endif
