/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of values share: refusals with their facts, the length of text, and the functions
 * of value.h and value_cast.h for types that are no arrays, which arrays use for their elements.
 */
#ifndef RV_MODEL_VALUE_TEXT_H
#define RV_MODEL_VALUE_TEXT_H

#include "core/model/value_cast.h"

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

/* The text form of a value that is not NULL, at the end of `arena`. False: there is no room. */
RV_MUST_USE bool rv_value_text_in(const rv_type *type, const rv_value *value, rv_arena *arena,
                                  rv_bytes *text);

/* As rv_value_… and rv_cast_rule_of, of types that are no arrays. */
RV_MUST_USE rv_status rv_scalar_from_text(const rv_type *type, rv_bytes text, rv_bytes what,
                                          rv_arena *scratch, rv_value *value, rv_error *err);
void rv_scalar_to_json(const rv_type *type, const rv_value *value, rv_writer *w);
void rv_scalar_to_text(const rv_type *type, const rv_value *value, rv_writer *w);
void rv_scalar_encode(const rv_type *type, const rv_value *value, rv_writer *w);
int rv_scalar_compare(const rv_type *type, const rv_value *a, const rv_value *b);
void rv_scalar_canonical(const rv_type *type, const rv_value *value, rv_writer *w);
rv_cast_rule rv_scalar_cast_rule(const rv_type *from, const rv_type *to);
RV_MUST_USE rv_status rv_scalar_cast(const rv_type *from, const rv_type *to, bool cut,
                                     rv_bytes what, rv_arena *scratch, rv_value *value,
                                     rv_error *err);

#endif
