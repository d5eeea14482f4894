/* SPDX-License-Identifier: Apache-2.0 */
/* Is a value that lies in memory one of its type? For bytes of a stranger that did not come through
 * rv_value_decode: the cells of a checkpoint. */
#ifndef RV_MODEL_VALUE_CHECK_H
#define RV_MODEL_VALUE_CHECK_H

#include "core/base/arena.h"
#include "core/model/value.h"

/* RV_OK; RV_VALUE_INVALID: it is not, or not of its type's class; RV_MEMORY_EXHAUSTED: `scratch` is
 * too small to tell (it takes what the value takes, for kinds that are judged as they are
 * decoded). NULL is a value of every type. */
RV_MUST_USE rv_status rv_value_check(const rv_type *type, const rv_value *value, rv_arena *scratch);

#endif
