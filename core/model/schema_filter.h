/* SPDX-License-Identifier: Apache-2.0 */
/* Filters: expressions over the columns of an aggregate, of selections, or over the fields of an
 * event type, of subscriptions. */
#ifndef RV_MODEL_SCHEMA_FILTER_H
#define RV_MODEL_SCHEMA_FILTER_H

#include "core/model/schema.h"

/*
 * Compiles a filter into `arena`; slots are the aggregate's columns. What only compiling needs is
 * taken from `scratch`. RV_SELECTION_INVALID: it is no condition over the aggregate's columns, or
 * asks for the time, with facts "line" and "column" of the filter as far as they apply;
 * RV_MEMORY_EXHAUSTED.
 */
RV_MUST_USE rv_status rv_schema_filter(const rv_schema *schema, const rv_aggregate *aggregate,
                                       rv_bytes text, rv_arena *arena, rv_arena *scratch,
                                       rv_expr *filter, rv_error *err);

/* The same over the fields of an event type; slots are its fields. */
RV_MUST_USE rv_status rv_schema_filter_events(const rv_schema *schema, const rv_event_type *type,
                                              rv_bytes text, rv_arena *arena, rv_arena *scratch,
                                              rv_expr *filter, rv_error *err);

/* True when it can be told from their texts that every row that passes `inner`, over the same
 * columns, passes `outer`: it is the same, or the same AND more. */
bool rv_schema_filter_within(const rv_expr *inner, const rv_expr *outer);

/*
 * True when every row that passes has one value in one column, which the filter names, alone or
 * before or after ANDs: `column = literal`; and values of its type that are equal are the same
 * number or bytes. Told of the first such column that is found; there may be others, and forms of
 * which it is not told.
 */
bool rv_schema_filter_equality(const rv_expr *filter, uint16_t *column, rv_value *value);

#define RV_FILTER_VALUES_MAX 16u /* of one that is told of: who waits for more is woken by all */

/* What a column is in every row that passes. */
typedef struct rv_filter_column {
    uint16_t column;
    uint16_t count; /* it is one of so many values, or, of 0, not NULL and */
    bool has_low;   /* not below this one, */
    bool low_inside;
    bool has_high; /* not above that one, */
    bool high_inside;
    rv_value low;
    rv_value high;
    rv_value values[RV_FILTER_VALUES_MAX];
} rv_filter_column;

/*
 * True when the filter says what a column is in every row that passes: `column = literal`, `in
 * (…)`, some of these joined by OR, BETWEEN, `<` and the like, alone or before or after ANDs. Told
 * of the column that tells most; there may be others, and forms of which it is not told. Values are
 * of a column as rv_schema_filter_equality has it, ends of one that orders numbers, texts, dates or
 * timestamps.
 */
bool rv_schema_filter_column(const rv_expr *filter, rv_filter_column *out);

/* True for the types of such columns. */
bool rv_schema_filter_equates(const rv_type *type);

/* True when the row with these columns, or the event with these fields, passes; one for which it
 * cannot be told does not. */
bool rv_schema_filter_passes(const rv_expr *filter, const rv_value *values, rv_arena *scratch);

#endif
