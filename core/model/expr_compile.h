/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parser of expressions and its parts share. While steps are emitted, `items` mirrors what
 * the evaluator's stack will hold: types instead of values. A string literal (and NULL) has no type
 * until it meets a value that has one: such an item is `untyped`, and its constant is converted in
 * place, at compile time.
 *
 * coalesce, greatest, least and case choose among values of which all must get one type, known only
 * at the end. So each branch ends with a CAST step whose target type is filled in later; the
 * branches of one choice are chained through `target` until then.
 */
#ifndef RV_MODEL_EXPR_COMPILE_H
#define RV_MODEL_EXPR_COMPILE_H

#include "core/model/expr_step.h"

typedef struct rv_expr_item {
    rv_type type;
    bool untyped;
    bool null;     /* the literal NULL */
    uint32_t step; /* of the constant, when untyped */
    uint32_t line; /* where it began */
    uint32_t column;
} rv_expr_item;

typedef enum rv_frame_kind {
    RV_FRAME_UNARY, /* not, - */
    RV_FRAME_BINARY,
    RV_FRAME_BETWEEN_LOW,  /* waits for its `and` */
    RV_FRAME_BETWEEN_HIGH, /* an operator again */
    RV_FRAME_PAREN,
    RV_FRAME_CALL,
    RV_FRAME_IN,
    RV_FRAME_CAST,
    RV_FRAME_CASE,
    RV_FRAME_SUBSCRIPT, /* array[ */
    RV_FRAME_ARRAY,     /* array[…] as a value */
    RV_FRAME_ANY        /* = any (; negated: all */
} rv_frame_kind;

typedef enum rv_case_phase {
    RV_CASE_OPERAND,
    RV_CASE_WHEN,
    RV_CASE_THEN,
    RV_CASE_ELSE
} rv_case_phase;

typedef struct rv_call_shape rv_call_shape;

/* A function by its name; the id is expr_functions.c's, or RV_FUNCTION_MEASURE (expr_measure.h). */
typedef struct rv_expr_function {
    const char *name;
    uint32_t id;
    uint32_t arguments_min;
    uint32_t arguments_max;
} rv_expr_function;

#define RV_FUNCTION_MEASURE 255u

/* Something open: an operator that waits for its operand, or a bracket of some kind. */
typedef struct rv_expr_frame {
    rv_frame_kind kind;
    uint8_t op;         /* rv_expr_op of an operator */
    uint8_t precedence; /* of an operator */
    bool negated;       /* not in, not between, not like; is not distinct */
    bool chosen;        /* a choice: `common` is known */
    bool simple;        /* case x when … */
    bool symmetric;     /* between */
    bool slice;         /* a subscript with a colon */
    rv_case_phase phase;
    uint32_t jump;  /* the step to patch: of and, or; of a `when` */
    uint32_t chain; /* the last branch's CAST, plus 1 */
    uint32_t arguments;
    const rv_expr_function *function;
    const rv_call_shape *shape; /* of a call, instead of `function`: expr_calls.h */
    rv_bytes name;              /* of a call */
    const char *symbol;         /* of an operator that is a call */
    rv_type common;             /* of a choice */
    rv_expr_item operand;       /* of a simple case */
    uint32_t line;
    uint32_t column;
} rv_expr_frame;

typedef struct rv_expr_parser {
    rv_lexer *lexer;
    const rv_expr_scope *scope;
    rv_arena *arena;
    rv_error *err;
    rv_expr_step *steps;
    uint32_t step_count;
    uint32_t step_max;
    uint32_t item_count;
    uint32_t depth_max;
    uint32_t frame_count;
    uint32_t token_count;
    bool uses_now;
    bool uses_seed;
    rv_expr_item items[RV_EXPR_DEPTH_MAX];
    rv_expr_frame frames[RV_EXPR_DEPTH_MAX];
} rv_expr_parser;

/* --- expr_parse.c --- */

/* Reads an expression as far as it goes; afterwards one item, the result, is left. */
RV_MUST_USE rv_status rv_expr_parse(rv_expr_parser *p);

/* --- expr_emit.c: steps, items, types --- */

/* An error at a place: "line 1, column 2: …". Returns `status`. */
rv_status rv_expr_fail(rv_expr_parser *p, rv_status status, uint32_t line, uint32_t column,
                       const char *text);

/* An error that names up to two types; `b` may be NULL. */
rv_status rv_expr_fail_types(rv_expr_parser *p, const rv_expr_frame *at, const char *what,
                             const rv_type *a, const rv_type *b);

RV_MUST_USE rv_status rv_expr_emit(rv_expr_parser *p, rv_expr_step step);
RV_MUST_USE rv_status rv_expr_push(rv_expr_parser *p, rv_expr_item item);
rv_expr_item *rv_expr_top(rv_expr_parser *p, uint32_t below);

/* A constant of a type; an untyped string or NULL. */
RV_MUST_USE rv_status rv_expr_constant(rv_expr_parser *p, const rv_type *type, rv_value value);
RV_MUST_USE rv_status rv_expr_untyped(rv_expr_parser *p, rv_value value);

/* Gives an untyped item `type`, loosely: literals compared with a varchar(3) may be longer. */
RV_MUST_USE rv_status rv_expr_adopt(rv_expr_parser *p, rv_expr_item *item, const rv_type *type);

/* Gives two items types when either has none. */
RV_MUST_USE rv_status rv_expr_adopt_pair(rv_expr_parser *p, rv_expr_item *a, rv_expr_item *b);

/* Casts the top item; `cut`: as asked for with ::. */
RV_MUST_USE rv_status rv_expr_cast(rv_expr_parser *p, const rv_type *type, bool cut);

/* The operator of two items, replaced by its result. */
RV_MUST_USE rv_status rv_expr_binary(rv_expr_parser *p, const rv_expr_frame *frame);

/* nullif of two items, replaced by its result. */
RV_MUST_USE rv_status rv_expr_nullif(rv_expr_parser *p, rv_expr_frame *frame);

/* The operator of one item. */
RV_MUST_USE rv_status rv_expr_unary(rv_expr_parser *p, const rv_expr_frame *frame, rv_expr_op op);

/* Checks that two items can be compared, giving types where there are none. */
RV_MUST_USE rv_status rv_expr_check_order(rv_expr_parser *p, const rv_expr_frame *at,
                                          rv_expr_item *a, rv_expr_item *b);

/* --- expr_choice.c --- */

/* Widens `common` so that values of `type` fit it too; arrays by their elements. False: there is no
 * such type. */
bool rv_choice_widen(rv_type *common, const rv_type *type);

/* The top item ends a branch of the choice: emits its CAST. The item stays. */
RV_MUST_USE rv_status rv_choice_branch(rv_expr_parser *p, rv_expr_frame *frame);

/* All branches are there: their casts and jumps are filled in; the item on top is the result. */
RV_MUST_USE rv_status rv_choice_end(rv_expr_parser *p, rv_expr_frame *frame);

/* The words of case, at its frame: `then`, and `when`, `else`, `end` after a branch. */
RV_MUST_USE rv_status rv_case_then(rv_expr_parser *p, rv_expr_frame *frame);
RV_MUST_USE rv_status rv_case_next(rv_expr_parser *p, rv_expr_frame *frame, rv_case_phase phase);
RV_MUST_USE rv_status rv_case_end(rv_expr_parser *p, rv_expr_frame *frame);

/* --- expr_functions.c --- */

/* NULL when there is no such function. */
const rv_expr_function *rv_function_find(rv_bytes name);

/* An argument is complete (all but the last too): the items are on top. */
RV_MUST_USE rv_status rv_function_argument(rv_expr_parser *p, rv_expr_frame *frame, bool last);

/* The call is complete: its arguments are replaced by the result. */
RV_MUST_USE rv_status rv_function_end(rv_expr_parser *p, rv_expr_frame *frame);

#endif
