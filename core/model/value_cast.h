/* SPDX-License-Identifier: Apache-2.0 */
/* Casts: which there are, as PostgreSQL has them, and how a value goes from one type to another. */
#ifndef RV_MODEL_VALUE_CAST_H
#define RV_MODEL_VALUE_CAST_H

#include "core/model/value.h"

typedef enum rv_cast_rule {
    RV_CAST_NONE,
    RV_CAST_EXPLICIT,   /* only with :: or cast() */
    RV_CAST_ASSIGNMENT, /* also where a value goes into a column */
    RV_CAST_IMPLICIT    /* anywhere */
} rv_cast_rule;

rv_cast_rule rv_cast_rule_of(const rv_type *from, const rv_type *to);

/* Casts a value for which there is a rule. `cut`: what is too long for char(n) or varchar(n) is
 * cut, as an explicit cast does. NULL passes. RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE,
 * RV_VALUE_TOO_LONG, RV_MEMORY_EXHAUSTED. */
RV_MUST_USE rv_status rv_value_cast(const rv_type *from, const rv_type *to, bool cut, rv_bytes what,
                                    rv_arena *scratch, rv_value *value, rv_error *err);

#endif
