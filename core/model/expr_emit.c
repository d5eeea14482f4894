/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps with their types: which operators there are for which types, what type the result has, and
 * where untyped literals get theirs. PostgreSQL's rules as far as the types of this version go.
 */
#include "core/base/assert.h"
#include "core/model/expr_bits.h"
#include "core/model/expr_calls.h"
#include "core/model/expr_measure.h"
#include "core/model/expr_numeric.h"
#include "core/model/value_cast.h"

static const rv_type boolean_type = {.kind = RV_TYPE_BOOLEAN};
static const rv_type text_type = {.kind = RV_TYPE_TEXT};

static bool is_integer(rv_type_kind kind) {
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT;
}

static bool is_number(rv_type_kind kind) {
    return is_integer(kind) || kind == RV_TYPE_NUMERIC;
}

static bool is_text(rv_type_kind kind) {
    return kind == RV_TYPE_CHAR || kind == RV_TYPE_VARCHAR || kind == RV_TYPE_TEXT;
}

rv_status rv_expr_fail(rv_expr_parser *p, rv_status status, uint32_t line, uint32_t column,
                       const char *text) {
    RV_ASSERT(status != RV_OK && text != NULL);
    (void)rv_error_set(p->err, status, "line %u, column %u: %s", (uint64_t)line, (uint64_t)column,
                       text);
    rv_error_fact_uint(p->err, "line", line);
    rv_error_fact_uint(p->err, "column", column);
    return status;
}

static rv_bytes type_name(const rv_type *type, uint8_t *memory, size_t size) {
    rv_writer w = rv_writer_over(memory, size);
    RV_ASSERT(type != NULL);
    rv_type_write(type, &w);
    return rv_writer_bytes(&w);
}

rv_status rv_expr_fail_types(rv_expr_parser *p, const rv_expr_frame *at, const char *what,
                             const rv_type *a, const rv_type *b) {
    uint8_t memory[2][RV_NAME_LEN_MAX * 4];
    RV_ASSERT(what != NULL && a != NULL);
    const rv_bytes first = type_name(a, memory[0], sizeof memory[0]);
    const rv_bytes second =
        b == NULL ? (rv_bytes){NULL, 0} : type_name(b, memory[1], sizeof memory[1]);
    (void)rv_error_set(p->err, RV_EXPRESSION_TYPE, "line %u, column %u: %s %b%s%b",
                       (uint64_t)at->line, (uint64_t)at->column, what, &first,
                       b == NULL ? "" : " and ", &second);
    rv_error_fact_uint(p->err, "line", at->line);
    rv_error_fact_uint(p->err, "column", at->column);
    return RV_EXPRESSION_TYPE;
}

rv_status rv_expr_emit(rv_expr_parser *p, rv_expr_step step) {
    RV_ASSERT(p->step_count <= p->step_max);
    if (p->step_count == p->step_max) {
        return rv_lexer_error(p->lexer, RV_SCHEMA_TOO_LARGE, "a shorter expression", p->err);
    }
    p->steps[p->step_count++] = step;
    return RV_OK;
}

rv_status rv_expr_push(rv_expr_parser *p, rv_expr_item item) {
    RV_ASSERT(p->item_count <= RV_EXPR_DEPTH_MAX);
    if (p->item_count == RV_EXPR_DEPTH_MAX) {
        return rv_lexer_error(p->lexer, RV_SCHEMA_TOO_LARGE,
                              "an expression that is nested less than 64 levels deep", p->err);
    }
    p->items[p->item_count++] = item;
    p->depth_max = p->item_count > p->depth_max ? p->item_count : p->depth_max;
    return RV_OK;
}

rv_expr_item *rv_expr_top(rv_expr_parser *p, uint32_t below) {
    RV_ASSERT(p->item_count > below);
    return &p->items[p->item_count - 1 - below];
}

static rv_expr_item item_here(const rv_expr_parser *p, const rv_type *type) {
    RV_ASSERT(type->kind < RV_TYPE_KIND_COUNT);
    return (rv_expr_item){
        .type = *type, .line = p->lexer->token.line, .column = p->lexer->token.column};
}

rv_status rv_expr_constant(rv_expr_parser *p, const rv_type *type, rv_value value) {
    RV_ASSERT(value.class_ == rv_type_class(type));
    const rv_status status =
        rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_CONSTANT, .constant = value});
    return status == RV_OK ? rv_expr_push(p, item_here(p, type)) : status;
}

rv_status rv_expr_untyped(rv_expr_parser *p, rv_value value) {
    rv_expr_item item = item_here(p, &text_type);
    RV_ASSERT(value.class_ == RV_VALUE_NULL || value.class_ == RV_VALUE_BYTES);
    item.untyped = true;
    item.null = rv_value_is_null(&value);
    item.step = p->step_count;
    const rv_status status =
        rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_CONSTANT, .constant = value});
    return status == RV_OK ? rv_expr_push(p, item) : status;
}

/* The conversion of an untyped constant, in place. */
static rv_status convert(rv_expr_parser *p, rv_expr_item *item, const rv_type *type, bool cut) {
    RV_ASSERT(item->untyped);
    rv_expr_step *step = &p->steps[item->step];
    RV_ASSERT(step->op == RV_EXPR_CONSTANT);
    if (!item->null) {
        rv_error inner;
        const rv_status status =
            cut ? rv_value_cast(&text_type, type, true, (rv_bytes){NULL, 0}, p->arena,
                                &step->constant, &inner)
                : rv_value_from_text(type, step->constant.as.bytes, (rv_bytes){NULL, 0}, p->arena,
                                     &step->constant, &inner);
        if (status == RV_MEMORY_EXHAUSTED) {
            return rv_expr_fail(p, RV_SCHEMA_TOO_LARGE, item->line, item->column,
                                "the memory budget is too small for this expression");
        }
        if (status != RV_OK) {
            return rv_expr_fail(p, status, item->line, item->column, inner.detail);
        }
    }
    item->type = *type;
    item->untyped = false;
    return RV_OK;
}

rv_status rv_expr_adopt(rv_expr_parser *p, rv_expr_item *item, const rv_type *type) {
    if (!item->untyped) {
        return RV_OK;
    }
    rv_type loose = *type;
    RV_ASSERT(rv_type_supported(type) || is_text(type->kind));
    loose.serial = false;
    if (is_text(type->kind)) {
        loose.size = 0;
    } else if (type->kind == RV_TYPE_NUMERIC) {
        const rv_bytes text =
            item->null ? (rv_bytes){NULL, 0} : p->steps[item->step].constant.as.bytes;
        loose = item->null ? *type : rv_numeric_type_of_text(text);
    }
    return convert(p, item, &loose, false);
}

rv_status rv_expr_adopt_pair(rv_expr_parser *p, rv_expr_item *a, rv_expr_item *b) {
    RV_ASSERT(a != b);
    rv_status status = RV_OK;
    if (a->untyped) {
        status = rv_expr_adopt(p, a, b->untyped ? &text_type : &b->type);
    }
    if (status == RV_OK && b->untyped) {
        status = rv_expr_adopt(p, b, &a->type);
    }
    RV_ASSERT(status != RV_OK || (!a->untyped && !b->untyped));
    return status;
}

rv_status rv_expr_cast(rv_expr_parser *p, const rv_type *type, bool cut) {
    rv_expr_item *item = rv_expr_top(p, 0);
    RV_ASSERT(rv_type_supported(type));
    if (item->untyped) {
        return convert(p, item, type, cut);
    }
    const rv_cast_rule rule = rv_cast_rule_of(&item->type, type);
    if (rule == RV_CAST_NONE || (!cut && rule < RV_CAST_ASSIGNMENT)) {
        const rv_expr_frame at = {.line = item->line, .column = item->column};
        return rv_expr_fail_types(p, &at, "there is no cast between", &item->type, type);
    }
    const rv_expr_step step = {.op = RV_EXPR_CAST, .flag = cut, .left = item->type, .right = *type};
    item->type = *type;
    item->type.serial = false;
    return rv_expr_emit(p, step);
}

rv_status rv_expr_check_order(rv_expr_parser *p, const rv_expr_frame *at, rv_expr_item *a,
                              rv_expr_item *b) {
    const rv_status status = rv_expr_adopt_pair(p, a, b);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(!a->untyped && !b->untyped);
    return rv_expr_comparable(&a->type, &b->type)
               ? RV_OK
               : rv_expr_fail_types(p, at, "values cannot be compared: they are", &a->type,
                                    &b->type);
}

/* The type of arithmetic between the numbers on top. */
static rv_type number_result(const rv_expr_parser *p, const rv_expr_frame *frame,
                             const rv_expr_item *a, const rv_expr_item *b) {
    RV_ASSERT(is_number(a->type.kind) && is_number(b->type.kind));
    if (a->type.kind != RV_TYPE_NUMERIC && b->type.kind != RV_TYPE_NUMERIC) {
        return (rv_type){.kind = a->type.kind > b->type.kind ? a->type.kind : b->type.kind};
    }
    const rv_type a_type = rv_numeric_type_of_item(p, a);
    const rv_type b_type = rv_numeric_type_of_item(p, b);
    RV_ASSERT(a_type.kind == RV_TYPE_NUMERIC && b_type.kind == RV_TYPE_NUMERIC);
    return rv_numeric_result((rv_expr_op)frame->op, &a_type, &b_type);
}

static rv_status arithmetic_result(rv_expr_parser *p, const rv_expr_frame *frame, const rv_type *a,
                                   const rv_type *b, rv_type *result) {
    RV_ASSERT(frame->op >= RV_EXPR_ADD && frame->op <= RV_EXPR_POWER);
    if (is_number(a->kind) && is_number(b->kind)) {
        *result = number_result(p, frame, rv_expr_top(p, 1), rv_expr_top(p, 0));
        return RV_OK;
    }
    const bool add = frame->op == RV_EXPR_ADD;
    const bool subtract = frame->op == RV_EXPR_SUBTRACT;
    const bool a_date = a->kind == RV_TYPE_DATE;
    const bool b_date = b->kind == RV_TYPE_DATE;
    const bool a_days = a->kind == RV_TYPE_SMALLINT || a->kind == RV_TYPE_INTEGER;
    const bool b_days = b->kind == RV_TYPE_SMALLINT || b->kind == RV_TYPE_INTEGER;
    if ((add && ((a_date && b_days) || (a_days && b_date))) || (subtract && a_date && b_days)) {
        *result = (rv_type){.kind = RV_TYPE_DATE};
        return RV_OK;
    }
    if (subtract && a_date && b_date) {
        *result = (rv_type){.kind = RV_TYPE_INTEGER};
        return RV_OK;
    }
    return rv_expr_fail_types(p, frame, "the operator has no meaning for", a, b);
}

/* || joins text with anything, or bytea with bytea. */
static rv_status concatenation_result(rv_expr_parser *p, const rv_expr_frame *frame,
                                      const rv_type *a, const rv_type *b, rv_type *result) {
    RV_ASSERT(frame->op == RV_EXPR_CONCATENATE);
    if (a->kind == RV_TYPE_BYTEA && b->kind == RV_TYPE_BYTEA) {
        *result = *a;
        return RV_OK;
    }
    if (!is_text(a->kind) && !is_text(b->kind)) {
        return rv_expr_fail_types(p, frame, "|| needs text, and has", a, b);
    }
    *result = text_type;
    return RV_OK;
}

/* Types for operands that have none yet. */
static rv_status adopt_operands(rv_expr_parser *p, const rv_expr_frame *frame, rv_expr_item *a,
                                rv_expr_item *b) {
    const rv_expr_op op = (rv_expr_op)frame->op;
    const rv_type *type = op == RV_EXPR_AND || op == RV_EXPR_OR ? &boolean_type : NULL;
    RV_ASSERT(a != b);
    if (op == RV_EXPR_LIKE || op == RV_EXPR_CONCATENATE) {
        const bool bytes = a->type.kind == RV_TYPE_BYTEA || b->type.kind == RV_TYPE_BYTEA;
        type = bytes && op == RV_EXPR_CONCATENATE ? NULL : &text_type;
    }
    const bool date = (a->type.kind == RV_TYPE_DATE && b->untyped) ||
                      (b->type.kind == RV_TYPE_DATE && a->untyped);
    if (op == RV_EXPR_ADD && date) {
        return rv_expr_fail(p, RV_EXPRESSION_TYPE, frame->line, frame->column,
                            "a literal without a type can be several things that are added to a "
                            "date; say which by `::type`");
    }
    if (type == NULL) {
        return rv_expr_adopt_pair(p, a, b);
    }
    const rv_status status = rv_expr_adopt(p, a, type);
    return status == RV_OK ? rv_expr_adopt(p, b, type) : status;
}

static rv_status binary_result(rv_expr_parser *p, const rv_expr_frame *frame, const rv_type *a,
                               const rv_type *b, rv_type *result) {
    const rv_expr_op op = (rv_expr_op)frame->op;
    RV_ASSERT(op >= RV_EXPR_AND && op <= RV_EXPR_LIKE);
    *result = boolean_type;
    if (op == RV_EXPR_AND || op == RV_EXPR_OR) {
        return a->kind == RV_TYPE_BOOLEAN && b->kind == RV_TYPE_BOOLEAN
                   ? RV_OK
                   : rv_expr_fail_types(p, frame, "and, or need booleans, and have", a, b);
    }
    if (op == RV_EXPR_LIKE) {
        return is_text(a->kind) && is_text(b->kind)
                   ? RV_OK
                   : rv_expr_fail_types(p, frame, "like needs text, and has", a, b);
    }
    if (op >= RV_EXPR_EQUAL && op <= RV_EXPR_NULLIF) {
        *result = op == RV_EXPR_NULLIF ? *a : boolean_type;
        return rv_expr_comparable(a, b)
                   ? RV_OK
                   : rv_expr_fail_types(p, frame, "values cannot be compared: they are", a, b);
    }
    if (rv_expr_is_bits(op)) {
        return rv_bits_result(op, a, b, result)
                   ? RV_OK
                   : rv_expr_fail_types(p, frame, "the operator has no meaning for", a, b);
    }
    return op == RV_EXPR_CONCATENATE ? concatenation_result(p, frame, a, b, result)
                                     : arithmetic_result(p, frame, a, b, result);
}

rv_status rv_expr_binary(rv_expr_parser *p, const rv_expr_frame *frame) {
    if (rv_call_is_operator(p, frame)) {
        return rv_call_operator(p, frame);
    }
    if (frame->op == RV_EXPR_LIKE && frame->simple) { /* ilike; the left one is folded already */
        const rv_status folded = rv_call_fold(p, frame);
        if (folded != RV_OK) {
            return folded;
        }
    }
    rv_expr_item *b = rv_expr_top(p, 0);
    rv_expr_item *a = rv_expr_top(p, 1);
    rv_type result;
    bool call = false;
    rv_status status = rv_measure_adopt(p, frame, a, b);
    if (status == RV_OK) {
        status = adopt_operands(p, frame, a, b);
    }
    if (status == RV_OK) {
        status = rv_measure_binary(p, frame, &call);
    }
    if (call) {
        return status;
    }
    if (status == RV_OK) {
        status = binary_result(p, frame, &a->type, &b->type, &result);
    }
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(frame->op != RV_EXPR_LIKE || result.kind == RV_TYPE_BOOLEAN);
    const rv_expr_step step = {.op = frame->op,
                               .kind = (uint8_t)result.kind,
                               .flag = frame->negated || rv_type_is_wide(&result),
                               .left = a->type,
                               .right = b->type};
    a->type = result;
    a->type.serial = false;
    p->item_count -= 1;
    return rv_expr_emit(p, step);
}

/* What nullif gives is what its = compares on the left: text for varchar, char for either beside
 * char, numeric for a whole number beside a numeric. */
static rv_type nullif_result(const rv_type *a, const rv_type *b) {
    RV_ASSERT(rv_expr_comparable(a, b));
    if (is_text(a->kind) && is_text(b->kind)) {
        const bool text = a->kind == RV_TYPE_TEXT || b->kind == RV_TYPE_TEXT || a->kind == b->kind;
        const rv_type character = {.kind = RV_TYPE_CHAR};
        return a->kind == RV_TYPE_CHAR && b->kind != RV_TYPE_TEXT ? *a
               : text                                             ? text_type
                                                                  : character;
    }
    const rv_type numeric = {.kind = RV_TYPE_NUMERIC};
    return b->kind == RV_TYPE_NUMERIC && is_integer(a->kind) ? numeric : *a;
}

rv_status rv_expr_nullif(rv_expr_parser *p, rv_expr_frame *frame) {
    RV_ASSERT(p->item_count >= 2);
    rv_expr_item *a = rv_expr_top(p, 1);
    rv_expr_item *b = rv_expr_top(p, 0);
    frame->op = RV_EXPR_NULLIF;
    rv_status status = rv_expr_adopt_pair(p, a, b);
    if (status != RV_OK) {
        return status;
    }
    const rv_type a_type = a->type;
    const rv_type b_type = b->type;
    status = rv_expr_binary(p, frame);
    if (status != RV_OK) {
        return status;
    }
    const rv_type result = nullif_result(&a_type, &b_type);
    return rv_type_same(&a_type, &result) ? RV_OK : rv_expr_cast(p, &result, true);
}

rv_status rv_expr_unary(rv_expr_parser *p, const rv_expr_frame *frame, rv_expr_op op) {
    rv_expr_item *item = rv_expr_top(p, 0);
    const bool truth = op == RV_EXPR_NOT || op == RV_EXPR_IS_TRUTH;
    const rv_type integer = {.kind = RV_TYPE_INTEGER};
    RV_ASSERT(truth || op == RV_EXPR_NOTHING || op == RV_EXPR_NEGATE || op == RV_EXPR_ABSOLUTE ||
              op == RV_EXPR_BIT_NOT);
    if (item->untyped && !truth && frame->kind == RV_FRAME_UNARY) {
        return rv_expr_fail(p, RV_EXPRESSION_TYPE, frame->line, frame->column,
                            "the operator has several meanings for a literal without a type; say "
                            "which by `::type`");
    }
    bool call = false;
    rv_status status = rv_measure_unary(p, op, &call);
    if (call) {
        return status;
    }
    status = rv_expr_adopt(p, item, truth ? &boolean_type : &integer);
    if (status != RV_OK) {
        return status;
    }
    if (truth ? item->type.kind != RV_TYPE_BOOLEAN : !is_number(item->type.kind)) {
        return rv_expr_fail_types(p, frame,
                                  truth ? "needs a boolean, and has" : "needs a number, and has",
                                  &item->type, NULL);
    }
    if (op == RV_EXPR_BIT_NOT && !is_integer(item->type.kind)) {
        return rv_expr_fail_types(p, frame, "~ needs a whole number, and has", &item->type, NULL);
    }
    item->type.serial = false;
    if (op == RV_EXPR_NOTHING) { /* + */
        return RV_OK;
    }
    return rv_expr_emit(
        p, (rv_expr_step){.op = (uint8_t)op,
                          .kind = (uint8_t)item->type.kind,
                          .flag = truth ? frame->negated : rv_type_is_wide(&item->type),
                          .target = frame->jump,
                          .left = item->type});
}
