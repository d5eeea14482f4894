/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON pull parser (RFC 8259): one token a call, no recursion, no copy where none is needed.
 * Refused beyond the grammar: NUL characters and lone surrogates in strings, nesting deeper than
 * RV_JSON_DEPTH_MAX. Duplicate keys are the caller's business.
 */
#ifndef RV_MODEL_JSON_H
#define RV_MODEL_JSON_H

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/limits.h"

typedef enum rv_json_kind {
    RV_JSON_END, /* the text is over: exactly one value was there */
    RV_JSON_OBJECT_BEGIN,
    RV_JSON_OBJECT_END,
    RV_JSON_ARRAY_BEGIN,
    RV_JSON_ARRAY_END,
    RV_JSON_KEY,
    RV_JSON_STRING,
    RV_JSON_NUMBER,
    RV_JSON_TRUE,
    RV_JSON_FALSE,
    RV_JSON_NULL
} rv_json_kind;

typedef struct rv_json_token {
    rv_json_kind kind;
    rv_bytes text; /* key and string: unescaped; the others: as written. In the input or scratch. */
    size_t offset; /* of the token's first byte in the input */
} rv_json_token;

typedef struct rv_json {
    rv_bytes input;
    size_t pos;
    uint32_t depth;
    uint8_t state;
    bool object;                            /* of nesting: the innermost */
    uint8_t nesting[RV_JSON_DEPTH_MAX / 8]; /* bit set: object */
    rv_arena *scratch;
} rv_json;

/* Starts over `input`; strings with escapes are unescaped into `scratch` (NULL: such strings come
 * as written, quotes off, still validated). */
rv_json rv_json_over(rv_bytes input, rv_arena *scratch);

/* The next token. RV_JSON_INVALID: with facts "offset", "line", "column", what was met and what was
 * expected. RV_MEMORY_EXHAUSTED: scratch is too small. After an error every call fails. */
RV_MUST_USE rv_status rv_json_next(rv_json *json, rv_json_token *token, rv_error *err);

/* After OBJECT_BEGIN or ARRAY_BEGIN: goes past its end. After another token: does nothing. `*whole`
 * gets the value's bytes as written. Same errors as rv_json_next. */
RV_MUST_USE rv_status rv_json_skip(rv_json *json, const rv_json_token *first, rv_bytes *whole,
                                   rv_error *err);

/* As rv_json_skip after OBJECT_BEGIN or ARRAY_BEGIN, but looks at brackets and strings only: for a
 * value that somebody else is going to read, and so to check. RV_JSON_INVALID: the end is missing,
 * and nothing more can be read. */
RV_MUST_USE rv_status rv_json_pass(rv_json *json, const rv_json_token *first, rv_bytes *whole,
                                   rv_error *err);

/* What most texts have next, taken without a token: each of the three gives true and stands behind
 * it, or false, and nothing has changed. What is not taken so is to be read by rv_json_next. */

/* The key `name` and its colon. `name` has no quote, backslash or control character. */
bool rv_json_take_key(rv_json *json, rv_bytes name);

/* A value that is an integer of up to 18 digits, at least `min` and no more than `span` above it.
 */
bool rv_json_take_int(rv_json *json, int64_t min, uint64_t span, int64_t *value);

/* A value that is a string of ASCII without escapes. It lies in the input. */
bool rv_json_take_string(rv_json *json, rv_bytes *text);

/* The character at `*at` in the raw text of a string that was checked: an escape's or itself, with
 * `*at` after it. */
uint32_t rv_json_char(rv_bytes raw, size_t *at);

#endif
