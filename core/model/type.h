/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types as the language spells them, for columns, fields and casts: `varchar(40)`, `numeric(12,2)`,
 * `timestamp with time zone`, `serial`, the name of an enum; `text[]`, `integer array`.
 */
#ifndef RV_MODEL_TYPE_H
#define RV_MODEL_TYPE_H

#include "core/model/lexer.h"
#include "core/model/value.h"

/* The enum types that a text can name. */
typedef struct rv_enum_list {
    const rv_enum *const *enums;
    size_t count;
} rv_enum_list;

/*
 * Reads a type from the lexer's current token on; the lexer then stands on the first token after
 * it. RV_SCHEMA_SYNTAX; RV_SCHEMA_UNKNOWN_NAME: no such type; RV_SCHEMA_INVALID: a size that the
 * type cannot have, an array of a serial type; RV_UNSUPPORTED: a type that this version does not
 * have, an array of several dimensions. With line and column.
 */
RV_MUST_USE rv_status rv_type_parse(rv_lexer *lexer, rv_enum_list enums, rv_type *type,
                                    rv_error *err);

#endif
