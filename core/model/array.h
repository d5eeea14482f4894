/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays: one dimension, the first element has number 1. The value of an array is bytes, the same
 * in events, rows and expressions (docs/format/event.md):
 *
 *     varint count | NULL bits, bit i % 8 of byte i / 8 set: element i is NULL | the elements that
 *     are not NULL, each as rv_value_encode writes it
 *
 * An array has one form, and what the functions here take has been through rv_array_check or was
 * made by them.
 */
#ifndef RV_MODEL_ARRAY_H
#define RV_MODEL_ARRAY_H

#include "core/model/json.h"
#include "core/model/value.h"

/* Walks over the elements. */
typedef struct rv_array {
    rv_type element;
    uint32_t count;
    uint32_t next; /* number of the element that comes, from 0 */
    rv_bytes nulls;
    rv_cursor rest;
} rv_array;

rv_array rv_array_over(const rv_type *type, rv_bytes bytes);

/* The next element; false after the last. */
bool rv_array_next(rv_array *array, rv_value *element);

/* Makes an array of `count` elements in what is left of `scratch`, of which elements may use the
 * second half while they are made. */
typedef struct rv_array_maker {
    rv_type element;
    rv_arena *scratch;
    rv_arena elements; /* scratch of the element that is being made */
    rv_writer out;
    size_t nulls_at;
    uint32_t count;
    uint32_t next;
} rv_array_maker;

/* False: there is no memory. */
RV_MUST_USE bool rv_array_begin(rv_array_maker *maker, const rv_type *element, uint32_t count,
                                rv_arena *scratch);
void rv_array_add(rv_array_maker *maker, const rv_value *element);
/* All elements have been added. False: there is no memory. */
RV_MUST_USE bool rv_array_end(rv_array_maker *maker, rv_value *value);

/* True when `bytes` are an array of the type: every element one of its type, one form, nothing
 * left over. */
RV_MUST_USE bool rv_array_check(const rv_type *type, rv_bytes bytes);

/* PostgreSQL's order: by the first element that differs, NULL after all others; then the shorter.
 */
int rv_array_compare(const rv_type *type, rv_bytes a, rv_bytes b);

void rv_array_canonical(const rv_type *type, rv_bytes bytes, rv_writer *w);

/* Casts each element (`cut` as with rv_value_cast). Statuses of rv_value_cast. */
RV_MUST_USE rv_status rv_array_cast(const rv_type *from, const rv_type *to, bool cut, rv_bytes what,
                                    rv_arena *scratch, rv_value *value, rv_error *err);

/* --- array_text.c --- */

/* PostgreSQL's literal: `{1,NULL,"a b"}`. Refused beyond its rules: more than one dimension, and
 * bounds (`[1:2]={…}`). Statuses of rv_value_from_text; RV_VALUE_TOO_LONG: more than
 * RV_ARRAY_ELEMENTS_MAX elements. */
RV_MUST_USE rv_status rv_array_from_text(const rv_type *type, rv_bytes text, rv_bytes what,
                                         rv_arena *scratch, rv_value *value, rv_error *err);

/* A JSON array whose opening bracket was read; afterwards the closing one was. Same statuses. */
RV_MUST_USE rv_status rv_array_from_json(const rv_type *type, rv_json *json, rv_bytes what,
                                         rv_arena *scratch, rv_value *value, rv_error *err);

void rv_array_to_text(const rv_type *type, rv_bytes bytes, rv_writer *w);
void rv_array_to_json(const rv_type *type, rv_bytes bytes, rv_writer *w);

#endif
