/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choices: case, coalesce, greatest, least. All branches get one type, PostgreSQL's common type:
 * the widest number, the first of text, varchar and char, the latest of date, timestamp,
 * timestamptz. It is known at the end only, when the chain of CAST steps is walked and filled in. A
 * branch that is not the last has its jump to the end right after its CAST.
 */
#include "core/base/assert.h"
#include "core/model/expr_numeric.h"
#include "core/model/value_cast.h"

static const rv_type text_type = {.kind = RV_TYPE_TEXT};

static bool is_number(rv_type_kind kind) {
    return kind == RV_TYPE_SMALLINT || kind == RV_TYPE_INTEGER || kind == RV_TYPE_BIGINT ||
           kind == RV_TYPE_NUMERIC;
}

static bool is_text(rv_type_kind kind) {
    return kind == RV_TYPE_CHAR || kind == RV_TYPE_VARCHAR || kind == RV_TYPE_TEXT;
}

/* Widens `common` so that values of `type` fit it too. False when there is no such type. */
static bool widen_scalar(rv_type *common, const rv_type *type) {
    if (is_number(common->kind) && is_number(type->kind)) {
        const rv_type_kind kind = common->kind > type->kind ? common->kind : type->kind;
        RV_ASSERT(kind <= RV_TYPE_NUMERIC);
        *common =
            kind == RV_TYPE_NUMERIC ? rv_numeric_common(common, type) : (rv_type){.kind = kind};
        return true;
    }
    if (rv_type_fits(common, type)) {
        const bool same = common->kind == type->kind && common->size == type->size;
        common->size = same ? common->size : 0; /* the first of text types, of no size */
        return true;
    }
    if (common->kind == RV_TYPE_INTERVAL || type->kind == RV_TYPE_INTERVAL) {
        return false; /* a time becomes an interval elsewhere, but not by choice */
    }
    if (rv_cast_rule_of(common, type) == RV_CAST_IMPLICIT) {
        *common = *type;
        return true;
    }
    RV_ASSERT(common->kind != type->kind || common->kind == RV_TYPE_ENUM);
    return rv_cast_rule_of(type, common) == RV_CAST_IMPLICIT;
}

bool rv_choice_widen(rv_type *common, const rv_type *type) {
    if (common->kind != RV_TYPE_ARRAY || type->kind != RV_TYPE_ARRAY) {
        return common->kind != RV_TYPE_ARRAY && type->kind != RV_TYPE_ARRAY &&
               widen_scalar(common, type);
    }
    rv_type element = rv_type_element(common);
    const rv_type other = rv_type_element(type);
    const bool fits = widen_scalar(&element, &other);
    RV_ASSERT(element.kind < RV_TYPE_ARRAY);
    *common = rv_type_array_of(&element);
    return fits;
}

rv_status rv_choice_branch(rv_expr_parser *p, rv_expr_frame *frame) {
    const rv_expr_item *item = rv_expr_top(p, 0);
    RV_ASSERT(!item->untyped || item->step + 1 == p->step_count);
    if (!item->untyped) {
        rv_type common = frame->chosen ? frame->common : item->type;
        common.serial = false;
        if (!rv_choice_widen(&common, &item->type)) {
            return rv_expr_fail_types(
                p, frame, "the values to choose from have no common type:", &common, &item->type);
        }
        if (frame->phase == RV_CASE_ELSE && is_text(common.kind)) {
            common.kind = item->type.kind; /* PostgreSQL looks at else first */
        }
        frame->common = common;
        frame->chosen = true;
    }
    /* `kind` tells an untyped literal by its place; line and column are kept for its error. */
    const rv_expr_step step = {.op = RV_EXPR_CAST,
                               .flag = item->untyped,
                               .kind = item->null,
                               .target = frame->chain,
                               .left = item->type,
                               .right = {.size = item->line, .scale = (int32_t)item->column}};
    frame->chain = p->step_count + 1;
    return rv_expr_emit(p, step);
}

/* Fills in one branch's CAST. */
static rv_status finish_branch(rv_expr_parser *p, uint32_t at, const rv_type *common) {
    rv_expr_step *step = &p->steps[at];
    RV_ASSERT(step->op == RV_EXPR_CAST && at > 0);
    if (step->flag) {
        rv_expr_item literal = {.untyped = true,
                                .null = step->kind != 0,
                                .step = at - 1,
                                .line = step->right.size,
                                .column = (uint32_t)step->right.scale};
        const rv_status status = rv_expr_adopt(p, &literal, common);
        if (status != RV_OK) {
            return status;
        }
        step->left = literal.type;
    }
    step->flag = false;
    step->kind = 0;
    step->target = 0;
    step->right = *common;
    const bool same = rv_type_same(&step->left, common);
    RV_ASSERT(same || rv_cast_rule_of(&step->left, common) != RV_CAST_NONE);
    step->op = same ? RV_EXPR_NOTHING : RV_EXPR_CAST;
    return RV_OK;
}

rv_status rv_choice_end(rv_expr_parser *p, rv_expr_frame *frame) {
    RV_ASSERT(frame->chain > 0);
    rv_type common = frame->chosen ? frame->common : text_type;
    for (uint32_t link = frame->chain; link > 0 && is_text(common.kind);
         link = p->steps[link - 1].target) {
        common.size = p->steps[link - 1].flag ? 0 : common.size; /* literals have no size */
    }
    /* Literals may have other digits than the typed branches. */
    for (uint32_t link = frame->chain; link > 0 && common.kind == RV_TYPE_NUMERIC;) {
        const rv_expr_step *step = &p->steps[link - 1];
        const rv_value *constant = &p->steps[link - 2].constant;
        if (step->flag && step->kind == 0) {
            const rv_type literal = rv_numeric_type_of_text(constant->as.bytes);
            common = rv_numeric_common(&common, &literal);
        }
        link = step->target;
    }
    while (frame->chain > 0) {
        const uint32_t at = frame->chain - 1;
        frame->chain = p->steps[at].target;
        const rv_status status = finish_branch(p, at, &common);
        if (status != RV_OK) {
            return status;
        }
        rv_expr_step *next = at + 1 < p->step_count ? &p->steps[at + 1] : NULL;
        if (next != NULL && (next->op == RV_EXPR_JUMP || next->op == RV_EXPR_SKIP_IF_VALUE) &&
            next->target == 0) {
            next->target = p->step_count;
        } else if (next != NULL && (next->op == RV_EXPR_GREATEST || next->op == RV_EXPR_LEAST)) {
            next->left = common;
            next->right = common;
        }
    }
    rv_expr_item *result = rv_expr_top(p, 0);
    RV_ASSERT(rv_type_supported(&common));
    result->type = common;
    result->untyped = false;
    result->null = false;
    return RV_OK;
}

rv_status rv_case_then(rv_expr_parser *p, rv_expr_frame *frame) {
    RV_ASSERT(frame->kind == RV_FRAME_CASE && frame->phase == RV_CASE_WHEN);
    rv_expr_item *when = rv_expr_top(p, 0);
    rv_status status = RV_OK;
    if (frame->simple) {
        rv_expr_item *operand = rv_expr_top(p, 1);
        status = rv_expr_check_order(p, frame, operand, when);
        frame->operand = *operand;
        if (status == RV_OK) {
            status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_CASE_EQUAL,
                                                    .left = operand->type,
                                                    .right = when->type});
        }
    } else {
        const rv_type boolean = {.kind = RV_TYPE_BOOLEAN};
        status = rv_expr_adopt(p, when, &boolean);
        if (status == RV_OK && when->type.kind != RV_TYPE_BOOLEAN) {
            status =
                rv_expr_fail_types(p, frame, "when needs a boolean, and has", &when->type, NULL);
        }
    }
    frame->jump = p->step_count;
    p->item_count -= 1;
    if (status == RV_OK) {
        status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_JUMP_UNLESS_TRUE});
    }
    if (status == RV_OK && frame->simple) {
        p->item_count -= 1;
        status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_DROP});
    }
    frame->phase = RV_CASE_THEN;
    return status;
}

rv_status rv_case_next(rv_expr_parser *p, rv_expr_frame *frame, rv_case_phase phase) {
    RV_ASSERT(frame->kind == RV_FRAME_CASE && frame->phase == RV_CASE_THEN);
    rv_status status = rv_choice_branch(p, frame);
    p->item_count -= 1;
    if (status == RV_OK) {
        status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_JUMP});
    }
    RV_ASSERT(p->steps[frame->jump].op == RV_EXPR_JUMP_UNLESS_TRUE);
    p->steps[frame->jump].target = p->step_count;
    if (status == RV_OK && frame->simple && phase == RV_CASE_WHEN) {
        status = rv_expr_push(p, frame->operand);
    } else if (status == RV_OK && frame->simple) {
        status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_DROP});
    }
    frame->phase = phase;
    return status;
}

rv_status rv_case_end(rv_expr_parser *p, rv_expr_frame *frame) {
    RV_ASSERT(frame->kind == RV_FRAME_CASE);
    rv_status status = RV_OK;
    if (frame->phase == RV_CASE_THEN) {
        status = rv_case_next(p, frame, RV_CASE_ELSE);
        if (status == RV_OK) {
            status = rv_expr_untyped(p, rv_value_null());
        }
    }
    RV_ASSERT(status != RV_OK || frame->phase == RV_CASE_ELSE);
    if (status == RV_OK) {
        status = rv_choice_branch(p, frame);
    }
    return status == RV_OK ? rv_choice_end(p, frame) : status;
}
