/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How values of a type are decoded, worked out once, when a field is declared: replay decodes five
 * or six values an event and millions of events a second, and does not ask each time what a kind's
 * range is. Most kinds are one of two ways:
 *
 *     integer, date, boolean, enum, …   a zigzag varint within min and min + span
 *     text, varchar(n), char(n)         a varint length, well-formed UTF-8
 *
 * What is left (infinity, NaN; floats, wide numerics, json, arrays, …) goes by rv_value_decode.
 */
#ifndef RV_MODEL_DECODING_H
#define RV_MODEL_DECODING_H

#include "core/model/value.h"

typedef enum rv_decoding_way {
    RV_DECODING_INT,
    RV_DECODING_TEXT,
    RV_DECODING_OTHER
} rv_decoding_way;

typedef struct rv_decoding {
    uint8_t way;   /* rv_decoding_way */
    bool exact;    /* text: it has exactly `size` code points, not at most */
    uint32_t size; /* text: 0 is any number of code points */
    int64_t min;   /* integers */
    uint64_t span; /* the greatest, less min */
} rv_decoding;

/* The decoding of a type, whose labels stay as they are. */
rv_decoding rv_decoding_of(const rv_type *type);

/* True for the values of the type that lie outside of its range: infinities, NaN. */
__attribute__((noinline)) bool rv_decoding_is_special(const rv_type *type, int64_t value);

#endif
