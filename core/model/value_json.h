/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values from JSON: numbers as numbers or text, booleans, arrays as arrays; json and jsonb take any
 * value (a string is a JSON string; null is NULL); every other type takes its text form as a
 * string.
 */
#ifndef RV_MODEL_VALUE_JSON_H
#define RV_MODEL_VALUE_JSON_H

#include "core/model/json.h"
#include "core/model/value.h"

/* The value that begins with `token`, which was read from `json`; afterwards its last one was. Null
 * is NULL. Statuses of rv_value_from_text, RV_JSON_INVALID; RV_VALUE_INVALID: a kind of JSON value
 * that the type does not take. */
RV_MUST_USE rv_status rv_value_from_json(const rv_type *type, rv_json *json,
                                         const rv_json_token *token, rv_bytes what,
                                         rv_arena *scratch, rv_value *value, rv_error *err);

/* The same of a type that is no array. */
RV_MUST_USE rv_status rv_scalar_from_json(const rv_type *type, rv_json *json,
                                          const rv_json_token *token, rv_bytes what,
                                          rv_arena *scratch, rv_value *value, rv_error *err);

/* Writes a JSON number, or an array of them, with the numbers in quotes. */
void rv_json_quote_numbers(rv_bytes json, rv_writer *w);

#endif
