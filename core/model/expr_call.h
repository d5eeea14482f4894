/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: the operations on text, JSON and arrays that have a name in expr_calls.c or a symbol of
 * their own, and one step for all, RV_EXPR_CALL. Its `target` is the call, `kind` the number of
 * arguments, `left` and `right` the types of the first and the second.
 */
#ifndef RV_MODEL_EXPR_CALL_H
#define RV_MODEL_EXPR_CALL_H

#include "core/model/expr_step.h"

typedef enum rv_call {
    /* text: expr_strings.c, expr_strings_make.c */
    RV_CALL_OCTET_LENGTH,
    RV_CALL_BIT_LENGTH,
    RV_CALL_LEFT,
    RV_CALL_RIGHT,
    RV_CALL_LTRIM, /* text [, characters]; `flag`: characters, text */
    RV_CALL_RTRIM,
    RV_CALL_BTRIM,
    RV_CALL_STRPOS,   /* text, part */
    RV_CALL_POSITION, /* part, text */
    RV_CALL_SPLIT_PART,
    RV_CALL_STARTS_WITH,
    RV_CALL_ASCII,
    RV_CALL_SUBSTRING_FOR, /* text, count */
    RV_CALL_LIKE_ESCAPE,   /* a pattern with another escape, as one with a backslash */
    RV_CALL_FOLD,          /* lower case, for ilike */
    RV_CALL_LPAD,          /* the first that makes text */
    RV_CALL_RPAD,
    RV_CALL_REPLACE,
    RV_CALL_REPEAT,
    RV_CALL_REVERSE,
    RV_CALL_INITCAP,
    RV_CALL_CHR,
    RV_CALL_TRANSLATE,
    RV_CALL_OVERLAY, /* text, part, from [, count] */
    RV_CALL_ENCODE,
    RV_CALL_DECODE,
    RV_CALL_OUTPUT, /* anything as its text form */
    RV_CALL_CONCAT,
    RV_CALL_CONCAT_WS,
    /* arrays: expr_array.c */
    RV_CALL_ARRAY, /* of its arguments, all of the type `left` */
    RV_CALL_SUBSCRIPT,
    RV_CALL_SLICE,        /* array, from, to */
    RV_CALL_ARRAY_LENGTH, /* array, dimension */
    RV_CALL_CARDINALITY,
    RV_CALL_ARRAY_POSITION, /* array, element */
    RV_CALL_ARRAY_CAT,
    RV_CALL_ARRAY_APPEND,
    RV_CALL_ARRAY_PREPEND,
    RV_CALL_ARRAY_CONTAINS,
    RV_CALL_ARRAY_CONTAINED,
    RV_CALL_ARRAY_OVERLAPS,
    RV_CALL_ARRAY_TO_STRING, /* array, separator [, instead of NULL] */
    RV_CALL_ANY_EQUAL,       /* value, array; six comparisons in the order of RV_EXPR_EQUAL … */
    RV_CALL_ANY_NOT_EQUAL,
    RV_CALL_ANY_LESS,
    RV_CALL_ANY_LESS_EQUAL,
    RV_CALL_ANY_GREATER,
    RV_CALL_ANY_GREATER_EQUAL,
    RV_CALL_ALL_EQUAL,
    RV_CALL_ALL_NOT_EQUAL,
    RV_CALL_ALL_LESS,
    RV_CALL_ALL_LESS_EQUAL,
    RV_CALL_ALL_GREATER,
    RV_CALL_ALL_GREATER_EQUAL,
    /* json and jsonb: expr_json.c, jsonb_contains.c */
    RV_CALL_JSON_KEY,
    RV_CALL_JSON_KEY_TEXT,
    RV_CALL_JSON_INDEX,
    RV_CALL_JSON_INDEX_TEXT,
    RV_CALL_JSON_PATH,
    RV_CALL_JSON_PATH_TEXT,
    RV_CALL_JSON_CONTAINS,
    RV_CALL_JSON_CONTAINED,
    RV_CALL_JSON_EXISTS,
    RV_CALL_JSON_EXISTS_ANY,
    RV_CALL_JSON_EXISTS_ALL,
    RV_CALL_JSON_CONCATENATE,
    RV_CALL_JSON_TYPEOF,
    RV_CALL_JSON_ARRAY_LENGTH,
    RV_CALL_TO_JSON,
    RV_CALL_TO_JSONB
} rv_call;

/* What a call works with besides its arguments. */
typedef struct rv_call_env {
    uint32_t *work; /* what may still be done, in steps */
    rv_arena *scratch;
    rv_error *err;
} rv_call_env;

/* Makes the call on `values`, whose result is values[0]. NULL among the arguments has been dealt
 * with where the call has no meaning for it (rv_call_strict). Statuses of rv_expr_eval. */
RV_MUST_USE rv_status rv_expr_call(const rv_expr_step *step, rv_value *values,
                                   const rv_call_env *env);

/* True when the result is NULL as soon as an argument is. */
bool rv_call_strict(rv_call call);

/* The parts of rv_expr_call. */
RV_MUST_USE rv_status rv_call_text(const rv_expr_step *step, rv_value *values,
                                   const rv_call_env *env);
RV_MUST_USE rv_status rv_call_text_make(const rv_expr_step *step, rv_value *values,
                                        const rv_call_env *env);
/* encode, decode: expr_binary.c. */
RV_MUST_USE rv_status rv_call_binary(const rv_expr_step *step, rv_value *values,
                                     const rv_call_env *env);
RV_MUST_USE rv_status rv_call_array(const rv_expr_step *step, rv_value *values,
                                    const rv_call_env *env);
RV_MUST_USE rv_status rv_call_json(const rv_expr_step *step, rv_value *values,
                                   const rv_call_env *env);

/* Pays for looking at, or making, `len` bytes. RV_EXPRESSION_LIMIT. */
RV_MUST_USE rv_status rv_call_charge(const rv_call_env *env, uint64_t len);

/* A writer over all that is left of the scratch memory, and its end: the text becomes *value.
 * RV_MEMORY_EXHAUSTED: it was too long. */
rv_writer rv_call_writer(const rv_call_env *env);
RV_MUST_USE rv_status rv_call_written(const rv_call_env *env, const rv_writer *w, rv_value *value);

/* Where `part` next begins in `text` from `at` on; SIZE_MAX: nowhere. It has been paid for when the
 * status is RV_OK, else RV_EXPRESSION_LIMIT. */
RV_MUST_USE rv_status rv_call_search(const rv_call_env *env, rv_bytes text, size_t at,
                                     rv_bytes part, size_t *found);

/* --- jsonb_contains.c --- */

/* PostgreSQL's @>. RV_EXPRESSION_LIMIT, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_jsonb_contains(rv_bytes value, rv_bytes sought, const rv_call_env *env,
                                        bool *contains);

/* The member or element of a json or jsonb that begins at *at, which starts as 0, and then its end;
 * `key` is raw, and NULL in an array. False: there is none any more, or the text is no container.
 */
bool rv_json_child(rv_bytes container, size_t *at, rv_bytes *key, rv_bytes *child);

/* The value of a key (the last, if there are several), or of a number from 0, negative from the
 * end; ptr is NULL when there is none. */
rv_bytes rv_json_of_key(rv_bytes container, rv_bytes key);
rv_bytes rv_json_of_index(rv_bytes container, int64_t index);

/* True when a raw string of JSON means this text. */
bool rv_json_raw_is(rv_bytes raw, rv_bytes text);

#endif
