/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of type numeric. A numeric(p,s) with p up to 18 and s from 0 to p is scaled: a 64-bit
 * integer times 10^-s, RV_NUMERIC_NAN for NaN. All others are wide (rv_type_is_wide): bytes, a
 * packed decimal (core/model/decimal.h). Here are the ways between both, decimals and integers.
 *
 * Integer types count as numerics without digits after the point wherever `from` is a number.
 */
#ifndef RV_MODEL_VALUE_NUMERIC_H
#define RV_MODEL_VALUE_NUMERIC_H

#include "core/model/decimal.h"
#include "core/model/value.h"
#include "core/model/value_number.h"

/* The decimal of a value of an integer type or numeric, scaled or wide, not NULL. Its pairs lie in
 * `room` or in the value's bytes. */
rv_decimal rv_numeric_load(const rv_type *from, const rv_value *value,
                           uint8_t room[RV_DECIMAL_INT_PAIRS]);

/* The same of a wide value, whose bytes are a packed form. */
rv_decimal rv_numeric_of_bytes(rv_bytes packed);

/* A decimal as a value of an integer type or numeric: rounded, then checked. RV_VALUE_OUT_OF_RANGE,
 * RV_MEMORY_EXHAUSTED; *value stays as it was. */
RV_MUST_USE rv_status rv_numeric_store(const rv_type *to, const rv_decimal *d, rv_arena *scratch,
                                       rv_value *value);

/* A value of type numeric from text. RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE, with *why;
 * RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_numeric_from_text(const rv_type *type, rv_bytes text, rv_arena *scratch,
                                           rv_value *value, const char **why);

/* Between integer types and numerics, in place. RV_VALUE_OUT_OF_RANGE, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_numeric_cast(const rv_type *from, const rv_type *to, rv_arena *scratch,
                                      rv_value *value);

/* a + b, or a - b, of numerics of one type, which the sum has too. RV_VALUE_OUT_OF_RANGE,
 * RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_numeric_add(const rv_type *type, const rv_value *a, const rv_value *b,
                                     bool subtract, rv_arena *scratch, rv_value *sum);

/* Reads an encoded wide value; the cursor goes bad where it is none of the type. */
void rv_numeric_decode(const rv_type *type, rv_cursor *c, rv_value *value);

/* Text of a value of type numeric. */
void rv_numeric_write(const rv_type *type, const rv_value *value, rv_writer *w);

/* False for NaN and the infinities, which are no numbers in JSON. */
bool rv_numeric_is_finite(const rv_value *value);

#endif
