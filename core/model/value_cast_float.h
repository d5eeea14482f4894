/* SPDX-License-Identifier: Apache-2.0 */
/* Casts between floats and the other numbers. */
#ifndef RV_MODEL_VALUE_CAST_FLOAT_H
#define RV_MODEL_VALUE_CAST_FLOAT_H

#include "core/model/value.h"

/* Casts a value that is not NULL; one of the types is a float, the other a number. Only what
 * becomes a wide numeric needs scratch. RV_VALUE_OUT_OF_RANGE (NaN too, where there is none),
 * RV_MEMORY_EXHAUSTED; the value stays then. */
RV_MUST_USE rv_status rv_float_cast(const rv_type *from, const rv_type *to, rv_arena *scratch,
                                    rv_value *value);

/* A number of any type as the double that it is compared with; infinite when it is larger than any,
 * 0 when it is nearer to 0. */
double rv_float_of_number(const rv_type *type, const rv_value *value);

#endif
