/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one expression language: CHECK, DEFAULT, computed updates, filters. PostgreSQL's operators,
 * precedence and three-valued logic; compiled once into steps for a small stack machine, evaluated
 * within RV_EXPR_STEPS_MAX steps. Parsing uses a bounded stack, no recursion.
 *
 * This version: literals (integer, decimal, string, true, false, null); names; + - * / % ^, unary
 * -; = <> != < <= > >=; is [not] null; is [not] distinct from; in (…); between; like; and or not;
 * || ; case; casts `::type` and cast(x as type); coalesce, nullif, greatest, least, abs, length,
 * lower, upper, round, trunc, floor, ceil, sign, mod, div, substr, now(); what expr_calls.c lists
 * of text, JSON and arrays; array[…], subscripts, any (…), all (…); like … escape, ilike. Numerics
 * are exact, with the digits that PostgreSQL shows; now() is timestamptz.
 * Floats, dates and times with their operators and functions: expr_measure.h.
 */
#ifndef RV_MODEL_EXPR_H
#define RV_MODEL_EXPR_H

#include "core/model/lexer.h"
#include "core/model/value.h"

/* A name that an expression can use: a field, or a column of the row. */
typedef struct rv_expr_name {
    rv_bytes qualifier; /* empty, or the aggregate's name, for `account.balance` */
    rv_bytes name;
    rv_type type;
    uint32_t slot; /* index into the values given at evaluation */
} rv_expr_name;

/* The names in scope, searched in order; an unqualified name finds the first with that name. */
typedef struct rv_expr_scope {
    const rv_expr_name *names;
    size_t count;
    const rv_enum *const *enums; /* types that casts can name */
    size_t enum_count;
} rv_expr_scope;

/* A compiled expression. Immutable; lives in the arena it was compiled into. */
typedef struct rv_expr {
    const struct rv_expr_step *steps;
    uint32_t step_count;
    uint32_t depth_max; /* of the evaluation stack */
    rv_type type;       /* of the result */
    bool null_type;     /* the bare literal NULL: fits every type */
    rv_bytes source;    /* canonical text: tokens separated by single spaces, names folded */
    uint8_t uses_now;   /* refers to now() */
    uint8_t uses_seed;  /* has random values: slot 0 is a seed */
} rv_expr;

/*
 * Parses from the lexer's current token as far as an expression goes and compiles it into `arena`;
 * the lexer then stands on the first token after it. When `expected` is given, the result is
 * made that type: an untyped string literal is read as one, other results are cast as PostgreSQL
 * casts by assignment (numeric rounds, integers are checked, text that is too long is refused).
 * RV_SCHEMA_SYNTAX, RV_SCHEMA_UNKNOWN_NAME, RV_EXPRESSION_TYPE, RV_SCHEMA_TOO_LARGE (tokens, depth
 * or arena), RV_VALUE_INVALID, RV_VALUE_OUT_OF_RANGE, RV_VALUE_TOO_LONG (a literal), RV_UNSUPPORTED
 * (types of later versions): with line and column. After an error the lexer
 * stands where it stood.
 */
RV_MUST_USE rv_status rv_expr_compile(rv_lexer *lexer, const rv_expr_scope *scope,
                                      const rv_type *expected, rv_arena *arena, rv_expr *expr,
                                      rv_error *err);

/* What random values come from: an expression without names in scope (a DEFAULT) has this many
 * bytes as its slot 0. The same seed and time give the same values. */
#define RV_EXPR_SEED_SIZE 16

typedef struct rv_expr_env {
    const rv_value *slots;
    int64_t now_us;    /* what now() gives: microseconds from 2000-01-01 UTC */
    rv_arena *scratch; /* texts and wide numerics; they live until it is reset */
} rv_expr_env;

/*
 * Evaluates. RV_DIVISION_BY_ZERO, RV_VALUE_OUT_OF_RANGE (overflow), RV_VALUE_INVALID (a cast),
 * RV_EXPRESSION_LIMIT, RV_MEMORY_EXHAUSTED (scratch), RV_UNSUPPORTED (a power of floats with a
 * fraction). The result is of `expr->type`.
 */
RV_MUST_USE rv_status rv_expr_eval(const rv_expr *expr, const rv_expr_env *env, rv_value *result,
                                   rv_error *err);

/* True when the expression reads this slot. */
bool rv_expr_reads(const rv_expr *expr, uint32_t slot);

#endif
