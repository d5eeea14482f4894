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

/* True for the types of such columns. */
bool rv_schema_filter_equates(const rv_type *type);

/* True when the row with these columns, or the event with these fields, passes; one for which it
 * cannot be told does not. */
bool rv_schema_filter_passes(const rv_expr *filter, const rv_value *values, rv_arena *scratch);

#endif
