/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a compiled expression: what the parser emits and the evaluator runs. A stack
 * machine; "top" is the last value, "under" the one below it. Jumps only go forward, so an
 * evaluation takes at most as many steps as there are.
 *
 *     a + b * 2 > 10      SLOT a, SLOT b, CONSTANT 2, MULTIPLY, ADD, CONSTANT 10, GREATER
 *     a and b             SLOT a, SKIP_IF_FALSE L, SLOT b, AND, L:
 *     x in (1, y)         SLOT x, CONSTANT false, CONSTANT 1, IN_ITEM, SLOT y, IN_ITEM, IN_END
 *     case when a then b else c end
 *                         SLOT a, JUMP_UNLESS_TRUE L1, SLOT b, CAST, JUMP L2, L1: SLOT c, CAST, L2:
 *
 * A CAST that turns out to have nothing to do becomes NOTHING.
 */
#ifndef RV_MODEL_EXPR_STEP_H
#define RV_MODEL_EXPR_STEP_H

#include "core/model/expr.h"

typedef enum rv_expr_op {
    RV_EXPR_NOTHING,
    RV_EXPR_CONSTANT, /* pushes `constant` */
    RV_EXPR_SLOT,     /* pushes slot `target` */
    RV_EXPR_NOW,      /* pushes the time */
    RV_EXPR_DROP,     /* drops top */
    RV_EXPR_CAST,     /* the value `target` below top from `left` to `right`; `flag`: cut what is
                         too long */
    RV_EXPR_JUMP,     /* to `target` */
    RV_EXPR_JUMP_UNLESS_TRUE, /* drops top */
    RV_EXPR_SKIP_IF_FALSE,    /* keeps top: it is the result of AND */
    RV_EXPR_SKIP_IF_TRUE,     /* keeps top: it is the result of OR */
    RV_EXPR_SKIP_IF_VALUE,    /* keeps top when it is not NULL, else drops it */
    RV_EXPR_IN_ITEM,          /* list, found, item: found = found or list = item; drops item; when
                                 found is true, to `target` */
    RV_EXPR_IN_END,           /* list, found: found */
    RV_EXPR_BETWEEN_LOW,      /* value, low: value, value >= low; false: false, to `target` */
    RV_EXPR_BETWEEN_HIGH,     /* value, truth, high: truth and value <= high */
    RV_EXPR_SYMMETRIC_LOW,    /* keeps value and low: `right` is low's type */
    RV_EXPR_SYMMETRIC_HIGH,   /* value, low, high: between them; `target`: the step before */
    RV_EXPR_CASE_EQUAL,       /* value, when: value, value = when */
    RV_EXPR_NOT,
    RV_EXPR_IS_NULL,  /* `flag`: is not */
    RV_EXPR_IS_TRUTH, /* top is `target` (0, 1; 2 unknown); `flag`: is not */
    RV_EXPR_BIT_NOT,  /* `kind` */
    RV_EXPR_NEGATE,   /* `kind` */
    RV_EXPR_ABSOLUTE, /* `kind` */
    RV_EXPR_FLOOR,    /* numeric: `flag`: the result is wide */
    RV_EXPR_CEILING,
    RV_EXPR_ROUND,
    RV_EXPR_TRUNCATE,
    RV_EXPR_SIGN,
    RV_EXPR_ROOT, /* numeric: the square root */
    RV_EXPR_LENGTH,
    RV_EXPR_LOWER,
    RV_EXPR_UPPER,
    RV_EXPR_UUID,            /* a seed: a uuid of version `target` */
    RV_EXPR_SUBSTRING,       /* text, from */
    RV_EXPR_SUBSTRING_COUNT, /* text, from, count */
    /* two operands of `left` and `right`, one result */
    RV_EXPR_AND,
    RV_EXPR_OR,
    RV_EXPR_EQUAL,
    RV_EXPR_NOT_EQUAL,
    RV_EXPR_LESS,
    RV_EXPR_LESS_EQUAL,
    RV_EXPR_GREATER,
    RV_EXPR_GREATER_EQUAL,
    RV_EXPR_DISTINCT, /* `flag`: is not distinct */
    RV_EXPR_NULLIF,
    RV_EXPR_GREATEST,
    RV_EXPR_LEAST,
    RV_EXPR_ADD, /* result of `kind`; of numeric: `flag`: it is wide */
    RV_EXPR_SUBTRACT,
    RV_EXPR_MULTIPLY,
    RV_EXPR_DIVIDE,
    RV_EXPR_MODULO,
    RV_EXPR_POWER,        /* numeric */
    RV_EXPR_DIVIDE_WHOLE, /* numeric */
    RV_EXPR_ROUND_TO,     /* numeric, and how many digits */
    RV_EXPR_TRUNCATE_TO,
    RV_EXPR_BIT_AND, /* result of `kind` */
    RV_EXPR_BIT_OR,
    RV_EXPR_BIT_XOR,
    RV_EXPR_SHIFT_LEFT,
    RV_EXPR_SHIFT_RIGHT,
    RV_EXPR_GCD,
    RV_EXPR_LCM,
    RV_EXPR_CONCATENATE,
    RV_EXPR_LIKE,    /* `flag`: not like */
    RV_EXPR_MEASURE, /* `target`: rv_measure, of `kind` operands: expr_measure.h */
    RV_EXPR_CALL     /* `target`: an rv_call, of `kind` arguments: expr_call.h */
} rv_expr_op;

typedef struct rv_expr_step {
    uint8_t op;      /* rv_expr_op */
    uint8_t kind;    /* rv_type_kind */
    bool flag;       /* as the operation says */
    uint32_t target; /* a step, or a slot */
    union {
        rv_value constant;
        struct {
            rv_type left; /* of top, where there is one operand */
            rv_type right;
        };
    };
} rv_expr_step;

/* True when values of both types have an order; the order of two such values, neither NULL. */
bool rv_expr_comparable(const rv_type *a, const rv_type *b);
int rv_expr_compare(const rv_type *a_type, const rv_value *a, const rv_type *b_type,
                    const rv_value *b);

/* Takes from `*work` what a comparison or cast costs for the length of its operands, of which `top`
 * is the last; other steps cost nothing here. RV_EXPRESSION_LIMIT. */
RV_MUST_USE rv_status rv_expr_pay(const rv_expr_step *step, const rv_value *top, uint32_t *work,
                                  rv_error *err);

/* The arithmetic of a step on values that are not NULL, into *a. Statuses of rv_expr_eval. */
RV_MUST_USE rv_status rv_expr_arithmetic(const rv_expr_step *step, rv_value *a, const rv_value *b,
                                         rv_error *err);
RV_MUST_USE rv_status rv_expr_arithmetic_unary(const rv_expr_step *step, rv_value *a,
                                               rv_error *err);

/* The text operations of a step, on `count` values that are not NULL, into values[0]. `*work` is
 * what may still be done, in steps. Statuses of rv_expr_eval. */
RV_MUST_USE rv_status rv_expr_text(const rv_expr_step *step, rv_value *values, uint32_t *work,
                                   rv_arena *scratch, rv_error *err);

#endif
