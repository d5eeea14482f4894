/* SPDX-License-Identifier: Apache-2.0 */
/* What reading and casting values share: refusals with their facts, and the length of text. */
#ifndef RV_MODEL_VALUE_TEXT_H
#define RV_MODEL_VALUE_TEXT_H

#include "core/model/value.h"

/* "`met` is not a plan for `field`: why", with facts "field" (when `what` is not empty), "type",
 * "met". Returns `status`. */
rv_status rv_value_refuse(const rv_type *type, rv_status status, rv_bytes met, rv_bytes what,
                          const char *why, rv_error *err);

rv_status rv_value_refuse_memory(rv_error *err);

/* The first `count` characters of valid text. */
rv_bytes rv_text_prefix(rv_bytes text, size_t count);

/* Without the spaces at its end. */
static inline rv_bytes rv_text_trim_end(rv_bytes text) {
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') {
        text.len -= 1;
    }
    return text;
}

/* Fits valid text of `code_points` characters to char(n), varchar(n) or text: what is too long is
 * cut where only spaces go, or always when `cut`; char(n) is padded. */
RV_MUST_USE rv_status rv_text_fit(const rv_type *type, rv_bytes text, size_t code_points, bool cut,
                                  rv_bytes what, rv_arena *scratch, rv_value *value, rv_error *err);

/* The smallest and largest value of an integer type. */
int64_t rv_integer_min(rv_type_kind kind);
int64_t rv_integer_max(rv_type_kind kind);

#endif
