/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric in expressions, compiled: how many digits a result can have, and what that makes of its
 * type. Everything here errs to the wide side: a type that is too narrow would be wrong, one that
 * is too wide only slow.
 */
#include "core/base/assert.h"
#include "core/model/expr_numeric.h"
#include "core/model/value_numeric.h"

static const rv_type any_numeric = {.kind = RV_TYPE_NUMERIC};
static const rv_type integer_type = {.kind = RV_TYPE_INTEGER};

static bool is_integer(rv_type_kind kind) {
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
}

/* numeric with so many digits before the point and after it; wide when they are too many. */
static rv_type numeric_of(uint32_t whole, uint32_t scale) {
    const uint32_t size = whole + scale;
    RV_ASSERT(whole <= RV_DECIMAL_WHOLE_MAX && scale <= RV_DECIMAL_SCALE_MAX);
    if (size > RV_NUMERIC_DIGITS_MAX) {
        return any_numeric;
    }
    return (rv_type){
        .kind = RV_TYPE_NUMERIC, .size = size == 0 ? 1 : size, .scale = (int32_t)scale};
}

static uint32_t digit_count(uint64_t number) {
    uint32_t count = 1;
    while (number >= 10) {
        number /= 10;
        count += 1;
    }
    RV_ASSERT(count <= 20);
    return count;
}

/* The digits before the point of a scaled type. */
static uint32_t whole_of(const rv_type *type) {
    RV_ASSERT(!rv_type_is_wide(type) && type->kind == RV_TYPE_NUMERIC);
    return type->size - (uint32_t)type->scale;
}

/* An integer type as the numeric that its values are. */
static rv_type as_numeric(const rv_type *type) {
    RV_ASSERT(type->kind == RV_TYPE_NUMERIC || is_integer(type->kind));
    return type->kind == RV_TYPE_NUMERIC    ? *type
           : type->kind == RV_TYPE_SMALLINT ? numeric_of(5, 0)
           : type->kind == RV_TYPE_INTEGER  ? numeric_of(10, 0)
                                            : any_numeric;
}

rv_type rv_numeric_type_of_text(rv_bytes text) {
    uint8_t memory[64];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_decimal d;
    if (rv_decimal_parse(text, RV_DECIMAL_ANY_SCALE, &scratch, &d) != RV_OK ||
        d.kind != RV_DECIMAL_FINITE || d.scale > RV_NUMERIC_DIGITS_MAX) {
        return any_numeric;
    }
    const int32_t whole =
        d.pairs.len == 0 || d.exponent <= 0 ? 0 : 2 * d.exponent - (d.pairs.ptr[0] < 10);
    RV_ASSERT(whole >= 0);
    return numeric_of((uint32_t)whole, d.scale);
}

rv_type rv_numeric_type_of_item(const rv_expr_parser *p, const rv_expr_item *item) {
    const rv_expr_item *const top = &p->items[p->item_count - 1];
    const rv_expr_step *const last = &p->steps[p->step_count - 1];
    RV_ASSERT(p->item_count > 0 && p->step_count > 0);
    const rv_expr_step *constant = NULL;
    if (item == top && last->op == RV_EXPR_CONSTANT) {
        constant = last;
    } else if (item == top - 1 && p->step_count > 1 && last[-1].op == RV_EXPR_CONSTANT &&
               (last->op == RV_EXPR_SLOT || last->op == RV_EXPR_CONSTANT)) {
        constant = last - 1;
    }
    if (constant != NULL && is_integer(item->type.kind) &&
        constant->constant.class_ == RV_VALUE_INT) {
        const int64_t number = constant->constant.as.integer;
        return numeric_of(digit_count(number < 0 ? ~(uint64_t)number + 1 : (uint64_t)number), 0);
    }
    return as_numeric(&item->type);
}

rv_type rv_numeric_result(rv_expr_op op, const rv_type *a, const rv_type *b) {
    RV_ASSERT(a->kind == RV_TYPE_NUMERIC && b->kind == RV_TYPE_NUMERIC);
    if (rv_type_is_wide(a) || rv_type_is_wide(b)) {
        return any_numeric;
    }
    const uint32_t a_whole = whole_of(a);
    const uint32_t b_whole = whole_of(b);
    const uint32_t scale = (uint32_t)(a->scale > b->scale ? a->scale : b->scale);
    const uint32_t whole = a_whole > b_whole ? a_whole : b_whole;
    switch (op) {
    case RV_EXPR_ADD:
    case RV_EXPR_SUBTRACT:
        return numeric_of(whole + 1, scale);
    case RV_EXPR_MULTIPLY:
        return numeric_of(a_whole + b_whole, (uint32_t)(a->scale + b->scale));
    case RV_EXPR_MODULO:
        return numeric_of(whole, scale);
    default:
        return any_numeric;
    }
}

rv_type rv_numeric_common(const rv_type *a, const rv_type *b) {
    const rv_type x = as_numeric(a);
    const rv_type y = as_numeric(b);
    if (x.size == y.size && x.scale == y.scale) {
        return x;
    }
    if (rv_type_is_wide(&x) || rv_type_is_wide(&y) || x.scale != y.scale) {
        return any_numeric;
    }
    RV_ASSERT(x.scale >= 0);
    return x.size > y.size ? x : y;
}

/* The argument below `below` others made a number: an untyped literal is numeric. */
static rv_status take_number(rv_expr_parser *p, const rv_expr_frame *frame, uint32_t below) {
    rv_expr_item *const item = rv_expr_top(p, below);
    const rv_status status = rv_expr_adopt(p, item, &any_numeric);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(!item->untyped);
    return is_integer(item->type.kind) || item->type.kind == RV_TYPE_NUMERIC
               ? RV_OK
               : rv_expr_fail_types(p, frame, "the function takes a number, and has", &item->type,
                                    NULL);
}

/* A step over the items on top, of which `type` is the result's. */
static rv_status emit(rv_expr_parser *p, rv_expr_op op, uint32_t operands, const rv_type *type) {
    rv_expr_item *const first = rv_expr_top(p, operands - 1);
    const rv_expr_step step = {.op = (uint8_t)op,
                               .kind = RV_TYPE_NUMERIC,
                               .flag = rv_type_is_wide(type),
                               .left = first->type,
                               .right = rv_expr_top(p, 0)->type};
    RV_ASSERT(type->kind == RV_TYPE_NUMERIC && type->scale >= 0);
    first->type = *type;
    p->item_count -= operands - 1;
    return rv_expr_emit(p, step);
}

rv_status rv_numeric_unary(rv_expr_parser *p, const rv_expr_frame *frame, rv_expr_op op) {
    RV_ASSERT(op >= RV_EXPR_FLOOR && op <= RV_EXPR_ROOT);
    const rv_status status = take_number(p, frame, 0);
    if (status != RV_OK) {
        return status;
    }
    if (op == RV_EXPR_ROOT) {
        return emit(p, op, 1, &any_numeric);
    }
    const rv_type type = rv_numeric_type_of_item(p, rv_expr_top(p, 0));
    const rv_type whole = rv_type_is_wide(&type) ? any_numeric
                          : op == RV_EXPR_SIGN   ? numeric_of(1, 0)
                                               : numeric_of(whole_of(&type) + (type.scale > 0), 0);
    if (op == RV_EXPR_ROUND && !rv_type_is_wide(&whole)) {
        return rv_expr_cast(p, &whole, true); /* a cast rounds */
    }
    return emit(p, op, 1, &whole);
}

/* The number of digits on top, when it is a literal; it goes. */
static bool take_digits(rv_expr_parser *p, int64_t *digits) {
    const rv_expr_step *const step = &p->steps[p->step_count - 1];
    RV_ASSERT(p->step_count > 0);
    if (step->op != RV_EXPR_CONSTANT || step->constant.class_ != RV_VALUE_INT ||
        step->constant.as.integer < 0 ||
        step->constant.as.integer > (int64_t)RV_NUMERIC_DIGITS_MAX) {
        return false;
    }
    *digits = step->constant.as.integer;
    return true;
}

/* round(x, digits): a literal number of digits may make it scaled, and then it is a cast. */
static rv_status round_to(rv_expr_parser *p, const rv_expr_frame *frame, rv_expr_op op) {
    rv_expr_item *const digits = rv_expr_top(p, 0);
    const rv_status status = rv_expr_adopt(p, digits, &integer_type);
    int64_t asked = 0;
    if (status != RV_OK) {
        return status;
    }
    if (digits->type.kind != RV_TYPE_INTEGER && digits->type.kind != RV_TYPE_SMALLINT) {
        return rv_expr_fail_types(p, frame, "the number of digits is an integer, and not",
                                  &digits->type, NULL);
    }
    const rv_type type = as_numeric(&rv_expr_top(p, 1)->type);
    if (op == RV_EXPR_ROUND_TO && !rv_type_is_wide(&type) && take_digits(p, &asked)) {
        const rv_type result = numeric_of(whole_of(&type) + 1, (uint32_t)asked);
        if (!rv_type_is_wide(&result)) {
            p->step_count -= 1;
            p->item_count -= 1;
            return rv_expr_cast(p, &result, true);
        }
    }
    return emit(p, op, 2, &any_numeric);
}

rv_status rv_numeric_binary(rv_expr_parser *p, const rv_expr_frame *frame, rv_expr_op op) {
    RV_ASSERT(op >= RV_EXPR_DIVIDE_WHOLE && op <= RV_EXPR_TRUNCATE_TO);
    rv_status status = take_number(p, frame, 1);
    if (status != RV_OK) {
        return status;
    }
    if (op == RV_EXPR_ROUND_TO || op == RV_EXPR_TRUNCATE_TO) {
        return round_to(p, frame, op);
    }
    status = take_number(p, frame, 0);
    return status == RV_OK ? emit(p, op, 2, &any_numeric) : status;
}
