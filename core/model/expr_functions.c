/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of expressions: names, numbers of arguments, types. A call becomes steps like any
 * operator; nothing is called by name when it is evaluated. round, trunc, floor, ceil, sign and div
 * give numeric, also for whole numbers.
 */
#include "core/base/assert.h"
#include "core/model/expr_measure.h"
#include "core/model/expr_numeric.h"

typedef enum function_id {
    FUNCTION_COALESCE,
    FUNCTION_GREATEST,
    FUNCTION_LEAST,
    FUNCTION_NULLIF,
    FUNCTION_MOD,
    FUNCTION_GCD,
    FUNCTION_LCM,
    FUNCTION_ABS,
    FUNCTION_LENGTH,
    FUNCTION_LOWER,
    FUNCTION_UPPER,
    FUNCTION_SUBSTR,
    FUNCTION_ROUND,
    FUNCTION_TRUNC,
    FUNCTION_FLOOR,
    FUNCTION_CEIL,
    FUNCTION_SIGN,
    FUNCTION_DIV,
    FUNCTION_POWER,
    FUNCTION_NOW,
    FUNCTION_UUID_RANDOM,
    FUNCTION_UUID_TIME
} function_id;

static const rv_expr_function functions[] = {
    {"coalesce", FUNCTION_COALESCE, 1, RV_EXPR_TOKENS_MAX},
    {"greatest", FUNCTION_GREATEST, 1, RV_EXPR_TOKENS_MAX},
    {"least", FUNCTION_LEAST, 1, RV_EXPR_TOKENS_MAX},
    {"nullif", FUNCTION_NULLIF, 2, 2},
    {"mod", FUNCTION_MOD, 2, 2},
    {"gcd", FUNCTION_GCD, 2, 2},
    {"lcm", FUNCTION_LCM, 2, 2},
    {"abs", FUNCTION_ABS, 1, 1},
    {"length", FUNCTION_LENGTH, 1, 1},
    {"char_length", FUNCTION_LENGTH, 1, 1},
    {"character_length", FUNCTION_LENGTH, 1, 1},
    {"lower", FUNCTION_LOWER, 1, 1},
    {"upper", FUNCTION_UPPER, 1, 1},
    {"substr", FUNCTION_SUBSTR, 2, 3},
    {"substring", FUNCTION_SUBSTR, 2, 3},
    {"round", FUNCTION_ROUND, 1, 2},
    {"trunc", FUNCTION_TRUNC, 1, 2},
    {"sign", FUNCTION_SIGN, 1, 1},
    {"div", FUNCTION_DIV, 2, 2},
    {"power", FUNCTION_POWER, 2, 2},
    {"pow", FUNCTION_POWER, 2, 2},
    {"floor", FUNCTION_FLOOR, 1, 1},
    {"ceil", FUNCTION_CEIL, 1, 1},
    {"ceiling", FUNCTION_CEIL, 1, 1},
    {"now", FUNCTION_NOW, 0, 0},
    {"gen_random_uuid", FUNCTION_UUID_RANDOM, 0, 0},
    {"uuidv4", FUNCTION_UUID_RANDOM, 0, 0},
    {"uuidv7", FUNCTION_UUID_TIME, 0, 0},
};

static const rv_type text_type = {.kind = RV_TYPE_TEXT};
static const rv_type integer_type = {.kind = RV_TYPE_INTEGER};

static bool is_choice(function_id id) {
    return id == FUNCTION_COALESCE || id == FUNCTION_GREATEST || id == FUNCTION_LEAST;
}

static bool is_text(rv_type_kind kind) {
    return kind == RV_TYPE_CHAR || kind == RV_TYPE_VARCHAR || kind == RV_TYPE_TEXT;
}

const rv_expr_function *rv_function_find(rv_bytes name) {
    RV_ASSERT(name.len > 0);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (rv_bytes_are(name, functions[i].name)) {
            return &functions[i];
        }
    }
    return rv_measure_function(name);
}

static rv_status refuse_arguments(rv_expr_parser *p, const rv_expr_frame *frame) {
    const rv_bytes name = rv_bytes_of_string(frame->function->name);
    RV_ASSERT(name.len > 0);
    (void)rv_error_set(p->err, RV_EXPRESSION_TYPE,
                       "line %u, column %u: %b() takes %u to %u arguments", (uint64_t)frame->line,
                       (uint64_t)frame->column, &name, (uint64_t)frame->function->arguments_min,
                       (uint64_t)frame->function->arguments_max);
    rv_error_fact_uint(p->err, "line", frame->line);
    rv_error_fact_uint(p->err, "column", frame->column);
    return RV_EXPRESSION_TYPE;
}

rv_status rv_function_argument(rv_expr_parser *p, rv_expr_frame *frame, bool last) {
    RV_ASSERT(frame->kind == RV_FRAME_CALL && p->item_count > 0);
    const function_id id = (function_id)frame->function->id;
    frame->arguments += 1;
    if (frame->arguments > frame->function->arguments_max) {
        return refuse_arguments(p, frame);
    }
    if (frame->function->id == RV_FUNCTION_MEASURE) {
        return rv_measure_argument(p, frame, frame->arguments - 1);
    }
    if (!is_choice(id)) {
        return RV_OK;
    }
    rv_status status = rv_choice_branch(p, frame);
    if (status != RV_OK) {
        return status;
    }
    if (id == FUNCTION_COALESCE && !last) {
        p->item_count -= 1;
        status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_SKIP_IF_VALUE});
    } else if (id != FUNCTION_COALESCE && frame->arguments > 1) {
        const uint8_t op = id == FUNCTION_GREATEST ? RV_EXPR_GREATEST : RV_EXPR_LEAST;
        RV_ASSERT(p->item_count > 1);
        p->item_count -= 1;
        status = rv_expr_emit(p, (rv_expr_step){.op = op});
    }
    return status;
}

/* A step over the item on top that gives another type. */
static rv_status emit_over(rv_expr_parser *p, rv_expr_op op, const rv_type *result) {
    rv_expr_item *item = rv_expr_top(p, 0);
    RV_ASSERT(!item->untyped);
    const rv_expr_step step = {.op = (uint8_t)op, .left = item->type};
    item->type = *result;
    return rv_expr_emit(p, step);
}

static rv_status end_text(rv_expr_parser *p, const rv_expr_frame *frame) {
    const function_id id = (function_id)frame->function->id;
    rv_expr_item *item = rv_expr_top(p, 0);
    const rv_status status = rv_expr_adopt(p, item, &text_type);
    RV_ASSERT(id >= FUNCTION_LENGTH && id <= FUNCTION_UPPER);
    if (status != RV_OK) {
        return status;
    }
    const bool bytes = id == FUNCTION_LENGTH && item->type.kind == RV_TYPE_BYTEA;
    if (!is_text(item->type.kind) && !bytes) {
        return rv_expr_fail_types(p, frame, "the function takes text, and has", &item->type, NULL);
    }
    switch (id) {
    case FUNCTION_LENGTH:
        return emit_over(p, RV_EXPR_LENGTH, &integer_type);
    case FUNCTION_LOWER:
        return emit_over(p, RV_EXPR_LOWER, &text_type);
    default:
        return emit_over(p, RV_EXPR_UPPER, &text_type);
    }
}

/* substr(text, from [, count]). */
static rv_status end_substring(rv_expr_parser *p, const rv_expr_frame *frame) {
    const uint32_t count = frame->arguments;
    RV_ASSERT(count == 2 || count == 3);
    rv_expr_item *text = rv_expr_top(p, count - 1);
    rv_status status = rv_expr_adopt(p, text, &text_type);
    if (status == RV_OK && !is_text(text->type.kind)) {
        status = rv_expr_fail_types(p, frame, "substr takes text, and has", &text->type, NULL);
    }
    for (uint32_t i = 0; i + 1 < count && status == RV_OK; i++) {
        rv_expr_item *number = rv_expr_top(p, i);
        status = rv_expr_adopt(p, number, &integer_type);
        if (status == RV_OK && number->type.kind != RV_TYPE_INTEGER &&
            number->type.kind != RV_TYPE_SMALLINT) {
            status = rv_expr_fail_types(p, frame, "substr counts with integer, and has",
                                        &number->type, NULL);
        }
    }
    if (status != RV_OK) {
        return status;
    }
    const rv_expr_op op = count == 2 ? RV_EXPR_SUBSTRING : RV_EXPR_SUBSTRING_COUNT;
    const rv_expr_step step = {.op = (uint8_t)op, .left = text->type};
    text->type = text_type;
    p->item_count -= count - 1;
    return rv_expr_emit(p, step);
}

static rv_status end_now(rv_expr_parser *p) {
    const rv_expr_item item = {.type = {.kind = RV_TYPE_TIMESTAMPTZ},
                               .line = p->lexer->token.line,
                               .column = p->lexer->token.column};
    RV_ASSERT(rv_type_supported(&item.type));
    p->uses_now = true;
    const rv_status status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_NOW});
    return status == RV_OK ? rv_expr_push(p, item) : status;
}

/* greatest, least: of values that have an order. */
static rv_status end_extreme(rv_expr_parser *p, rv_expr_frame *frame) {
    const rv_status status = rv_choice_end(p, frame);
    if (status != RV_OK) {
        return status;
    }
    const rv_type *const type = &rv_expr_top(p, 0)->type;
    RV_ASSERT(p->item_count > 0);
    return rv_expr_comparable(type, type)
               ? RV_OK
               : rv_expr_fail_types(p, frame, "there is no order of", type, NULL);
}

/* A uuid, of the seed that is slot 0 of a DEFAULT. */
static rv_status end_uuid(rv_expr_parser *p, const rv_expr_frame *frame, uint32_t version) {
    if (p->scope->count > 0) {
        const rv_bytes name = rv_bytes_of_string(frame->function->name);
        (void)rv_error_set(p->err, RV_EXPRESSION_TYPE,
                           "line %u, column %u: %b() gives another value each time, and can stand "
                           "in a DEFAULT only",
                           (uint64_t)frame->line, (uint64_t)frame->column, &name);
        rv_error_fact_uint(p->err, "line", frame->line);
        rv_error_fact_uint(p->err, "column", frame->column);
        return RV_EXPRESSION_TYPE;
    }
    const rv_expr_item item = {.type = {.kind = RV_TYPE_UUID},
                               .line = p->lexer->token.line,
                               .column = p->lexer->token.column};
    RV_ASSERT(version == 4 || version == 7);
    p->uses_now = p->uses_now || version == 7;
    p->uses_seed = true;
    rv_status status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_SLOT, .target = 0});
    if (status == RV_OK) {
        status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_UUID, .target = version});
    }
    return status == RV_OK ? rv_expr_push(p, item) : status;
}

rv_status rv_function_end(rv_expr_parser *p, rv_expr_frame *frame) {
    RV_ASSERT(frame->kind == RV_FRAME_CALL && frame->function != NULL);
    if (frame->arguments < frame->function->arguments_min) {
        return refuse_arguments(p, frame);
    }
    RV_ASSERT(p->item_count >= frame->arguments || is_choice((function_id)frame->function->id));
    if (frame->function->id == RV_FUNCTION_MEASURE) {
        return rv_measure_end(p, frame);
    }
    bool found = false;
    const rv_status status = rv_measure_rounding(p, frame, &found);
    if (found) {
        return status;
    }
    switch (frame->function->id) {
    case FUNCTION_COALESCE:
        return rv_choice_end(p, frame);
    case FUNCTION_GREATEST:
    case FUNCTION_LEAST:
        return end_extreme(p, frame);
    case FUNCTION_NULLIF:
        return rv_expr_nullif(p, frame);
    case FUNCTION_MOD:
    case FUNCTION_GCD:
    case FUNCTION_LCM:
    case FUNCTION_POWER:
        frame->op = frame->function->id == FUNCTION_MOD   ? RV_EXPR_MODULO
                    : frame->function->id == FUNCTION_GCD ? RV_EXPR_GCD
                    : frame->function->id == FUNCTION_LCM ? RV_EXPR_LCM
                                                          : RV_EXPR_POWER;
        return rv_expr_binary(p, frame);
    case FUNCTION_ABS:
        return rv_expr_unary(p, frame, RV_EXPR_ABSOLUTE);
    case FUNCTION_SUBSTR:
        return end_substring(p, frame);
    case FUNCTION_ROUND:
        return frame->arguments == 2 ? rv_numeric_binary(p, frame, RV_EXPR_ROUND_TO)
                                     : rv_numeric_unary(p, frame, RV_EXPR_ROUND);
    case FUNCTION_TRUNC:
        return frame->arguments == 2 ? rv_numeric_binary(p, frame, RV_EXPR_TRUNCATE_TO)
                                     : rv_numeric_unary(p, frame, RV_EXPR_TRUNCATE);
    case FUNCTION_FLOOR:
        return rv_numeric_unary(p, frame, RV_EXPR_FLOOR);
    case FUNCTION_CEIL:
        return rv_numeric_unary(p, frame, RV_EXPR_CEILING);
    case FUNCTION_SIGN:
        return rv_numeric_unary(p, frame, RV_EXPR_SIGN);
    case FUNCTION_DIV:
        return rv_numeric_binary(p, frame, RV_EXPR_DIVIDE_WHOLE);
    case FUNCTION_NOW:
        return end_now(p);
    case FUNCTION_UUID_RANDOM:
        return end_uuid(p, frame, 4);
    case FUNCTION_UUID_TIME:
        return end_uuid(p, frame, 7);
    default:
        return end_text(p, frame);
    }
}
