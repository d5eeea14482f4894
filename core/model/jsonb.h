/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types json and jsonb. A json is its text as it was given. A jsonb is PostgreSQL's canonical
 * text of it, in events, rows and answers:
 *
 *     {"a": 1, "bb": [1, 2.50, "x"], "aaa": null}
 *
 * one space after a comma or colon and nowhere else; keys by length, then bytes, the last of equal
 * ones kept; numbers as numeric prints them, so without exponents, with the zeros after the point
 * that they were given, and no -0; strings with the escapes `\" \\ \b \f \n \r \t` and \u00xx of
 * other control characters, no others. One value with one display scale of each number has one
 * text, and the functions below that take a jsonb take nothing else.
 *
 * Nesting is bounded by RV_JSON_VALUE_DEPTH_MAX; a number has at most RV_DECIMAL_WHOLE_MAX digits
 * before the point and RV_DECIMAL_SCALE_MAX after it; \u0000 is refused, in a json as well.
 */
#ifndef RV_MODEL_JSONB_H
#define RV_MODEL_JSONB_H

#include "core/model/json.h"
#include "core/model/value.h"

/* --- jsonb.c --- */

/* A json from its text: the text, if it is JSON. RV_VALUE_INVALID. */
RV_MUST_USE rv_status rv_json_from_text(const rv_type *type, rv_bytes text, rv_bytes what,
                                        rv_value *value, rv_error *err);

/* A jsonb from any JSON text, made in what is left of `scratch` (a few times the text's length; an
 * object needs 16 bytes a member while it is read, and one whose keys are out of order its own
 * length again). RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE (a number), RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_jsonb_from_text(const rv_type *type, rv_bytes text, rv_bytes what,
                                         rv_arena *scratch, rv_value *value, rv_error *err);

/* Writes a json or jsonb into JSON of one line: line breaks between its tokens become spaces. */
void rv_json_write_line(rv_bytes text, rv_writer *w);

/* --- jsonb_check.c --- */

/* True when the text is JSON, and no deeper than a json may be. */
RV_MUST_USE bool rv_json_check(rv_bytes text);

/* True when the text is a jsonb's. */
RV_MUST_USE bool rv_jsonb_check(rv_bytes text);

/* --- jsonb_compare.c --- */

/* PostgreSQL's order: Object > Array > Boolean > Number > String > Null; objects and arrays by
 * their length, then by what is in them (a key, its value, the next key); an empty array at the top
 * before all else. Numbers by value: 1.0 equals 1.00. */
int rv_jsonb_compare(rv_bytes a, rv_bytes b);

/* The text without zeros at the end of fractions, piece by piece: what equal jsonb have in common.
 * Starts as all zero. */
typedef struct rv_jsonb_plain {
    uint64_t zeros; /* that wait for another digit */
    uint64_t left_out;
    bool string;   /* inside a string */
    bool escape;   /* after its backslash */
    bool fraction; /* after a point */
    bool point;    /* which waits for another digit as well */
} rv_jsonb_plain;

/* Writes the plain form of the text's next piece; it is never longer than the piece and the zeros
 * before it. */
void rv_jsonb_plain_write(rv_jsonb_plain *plain, rv_bytes piece, rv_writer *w);

/* The length of the plain form of a whole text. */
size_t rv_jsonb_plain_len(rv_bytes text);

/* The order of two numbers as jsonb writes them. */
int rv_jsonb_number_compare(rv_bytes a, rv_bytes b);

#endif
