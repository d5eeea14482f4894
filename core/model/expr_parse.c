/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of expressions: operator precedence with an explicit stack of frames, no recursion. It
 * is in one of two states: an operand must come, or an operator may. Operators wait on the stack
 * until one that binds less (or the end of their bracket) comes, then they are emitted; brackets,
 * calls, `in` lists, `cast` and `case` are frames too, which stop that.
 *
 * PostgreSQL's precedence, from the loosest:
 *
 *     1 or   2 and   3 not   4 is   5 = <> < <= > >=   6 in between like
 *     7 || & | # << >> -> @> and others, ~ @ before an operand   8 + -   9 * / %
 *     10 ^   11 unary -   12 :: [ ]
 *
 * 4, 5 and 6 do not chain: `a = b = c` is an error. The bounds of `between` bind as tightly as ||.
 */
#include "core/model/expr_parse.h"
#include "core/base/assert.h"
#include "core/model/expr_calls.h"
#include "core/model/expr_measure.h"
#include "core/model/expr_numeric.h"
#include "core/model/type.h"
#include "core/model/value_number.h"

enum {
    PRECEDENCE_OR = 1,
    PRECEDENCE_AND,
    PRECEDENCE_NOT,
    PRECEDENCE_IS,
    PRECEDENCE_COMPARE,
    PRECEDENCE_IN,
    PRECEDENCE_OTHER,
    PRECEDENCE_ADD,
    PRECEDENCE_MULTIPLY,
    PRECEDENCE_POWER,
    PRECEDENCE_MINUS
};

static const struct {
    const char *symbol;
    uint8_t op;
    uint8_t precedence;
} binary_operators[] = {
    {"+", RV_EXPR_ADD, PRECEDENCE_ADD},
    {"-", RV_EXPR_SUBTRACT, PRECEDENCE_ADD},
    {"*", RV_EXPR_MULTIPLY, PRECEDENCE_MULTIPLY},
    {"/", RV_EXPR_DIVIDE, PRECEDENCE_MULTIPLY},
    {"%", RV_EXPR_MODULO, PRECEDENCE_MULTIPLY},
    {"^", RV_EXPR_POWER, PRECEDENCE_POWER},
    {"||", RV_EXPR_CONCATENATE, PRECEDENCE_OTHER},
    {"&", RV_EXPR_BIT_AND, PRECEDENCE_OTHER},
    {"|", RV_EXPR_BIT_OR, PRECEDENCE_OTHER},
    {"#", RV_EXPR_BIT_XOR, PRECEDENCE_OTHER},
    {"<<", RV_EXPR_SHIFT_LEFT, PRECEDENCE_OTHER},
    {">>", RV_EXPR_SHIFT_RIGHT, PRECEDENCE_OTHER},
    {"->", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"->>", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"#>", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"#>>", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"@>", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"<@", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"&&", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"?", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"?|", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"?&", RV_EXPR_CALL, PRECEDENCE_OTHER},
    {"=", RV_EXPR_EQUAL, PRECEDENCE_COMPARE},
    {"<>", RV_EXPR_NOT_EQUAL, PRECEDENCE_COMPARE},
    {"!=", RV_EXPR_NOT_EQUAL, PRECEDENCE_COMPARE},
    {"<", RV_EXPR_LESS, PRECEDENCE_COMPARE},
    {"<=", RV_EXPR_LESS_EQUAL, PRECEDENCE_COMPARE},
    {">", RV_EXPR_GREATER, PRECEDENCE_COMPARE},
    {">=", RV_EXPR_GREATER_EQUAL, PRECEDENCE_COMPARE},
};

static const rv_type boolean_type = {.kind = RV_TYPE_BOOLEAN};

rv_status rv_expr_expected(rv_expr_parser *p, const char *what) {
    RV_ASSERT(what != NULL);
    return rv_lexer_error(p->lexer, RV_SCHEMA_SYNTAX, what, p->err);
}

static bool at(const rv_expr_parser *p, const char *word) {
    return rv_lexer_is(p->lexer, word);
}

rv_status rv_expr_advance(rv_expr_parser *p) {
    p->token_count += 1;
    RV_ASSERT(p->token_count <= RV_EXPR_TOKENS_MAX + 1);
    if (p->token_count > RV_EXPR_TOKENS_MAX) {
        return rv_lexer_error(p->lexer, RV_SCHEMA_TOO_LARGE,
                              "the end of the expression: it has more than 1024 tokens", p->err);
    }
    return rv_lexer_next(p->lexer, p->err);
}

/* Goes past `word`, or tells that it was expected. */
rv_status rv_expr_require(rv_expr_parser *p, const char *word, const char *shown) {
    RV_ASSERT(word != NULL && shown != NULL);
    return at(p, word) ? rv_expr_advance(p) : rv_expr_expected(p, shown);
}

static rv_expr_frame *top_frame(rv_expr_parser *p) {
    RV_ASSERT(p->frame_count <= RV_EXPR_DEPTH_MAX);
    return p->frame_count > 0 ? &p->frames[p->frame_count - 1] : NULL;
}

static bool is_operator(const rv_expr_frame *frame) {
    return frame->kind == RV_FRAME_UNARY || frame->kind == RV_FRAME_BINARY ||
           frame->kind == RV_FRAME_BETWEEN_HIGH;
}

/* Opens a frame at the current token. */
rv_status rv_expr_open_frame(rv_expr_parser *p, rv_expr_frame frame) {
    RV_ASSERT(p->frame_count <= RV_EXPR_DEPTH_MAX);
    if (p->frame_count == RV_EXPR_DEPTH_MAX) {
        return rv_lexer_error(p->lexer, RV_SCHEMA_TOO_LARGE,
                              "an expression that is nested less than 64 levels deep", p->err);
    }
    frame.line = p->lexer->token.line;
    frame.column = p->lexer->token.column;
    p->frames[p->frame_count++] = frame;
    return RV_OK;
}

/* The item below `drop` others becomes a boolean, the others go. */
static void leave_boolean(rv_expr_parser *p, uint32_t drop) {
    RV_ASSERT(p->item_count > drop);
    p->item_count -= drop;
    rv_expr_item *item = rv_expr_top(p, 0);
    item->type = boolean_type;
    item->untyped = false;
    item->null = false;
}

static rv_status emit_not_if(rv_expr_parser *p, bool negated) {
    RV_ASSERT(p->item_count > 0);
    return negated ? rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_NOT}) : RV_OK;
}

/* `and` of a between: value and low are on top. */
static rv_status end_between_low(rv_expr_parser *p, rv_expr_frame *frame) {
    rv_expr_item *value = rv_expr_top(p, 1);
    rv_expr_item *low = rv_expr_top(p, 0);
    RV_ASSERT(frame->kind == RV_FRAME_BETWEEN_LOW);
    rv_status status = rv_expr_check_order(p, frame, value, low);
    const uint8_t op = frame->symmetric ? RV_EXPR_SYMMETRIC_LOW : RV_EXPR_BETWEEN_LOW;
    frame->jump = p->step_count;
    if (status == RV_OK) {
        status = rv_expr_emit(p, (rv_expr_step){.op = op, .left = value->type, .right = low->type});
    }
    if (!frame->symmetric) {
        leave_boolean(p, 0);
    }
    frame->kind = RV_FRAME_BETWEEN_HIGH;
    frame->precedence = PRECEDENCE_IN;
    return status;
}

/* value, then a truth or low, then high on top. */
static rv_status end_between(rv_expr_parser *p, const rv_expr_frame *frame) {
    rv_expr_item *value = rv_expr_top(p, 2);
    rv_expr_item *high = rv_expr_top(p, 0);
    RV_ASSERT(frame->kind == RV_FRAME_BETWEEN_HIGH);
    rv_status status = rv_expr_check_order(p, frame, value, high);
    const uint8_t op = frame->symmetric ? RV_EXPR_SYMMETRIC_HIGH : RV_EXPR_BETWEEN_HIGH;
    if (status == RV_OK) {
        status = rv_expr_emit(
            p, (rv_expr_step){
                   .op = op, .target = frame->jump, .left = value->type, .right = high->type});
    }
    if (status == RV_OK && !frame->symmetric) {
        p->steps[frame->jump].target = p->step_count;
    }
    leave_boolean(p, 2);
    return status == RV_OK ? emit_not_if(p, frame->negated) : status;
}

/* Emits the operators on top of the stack that bind at least as tightly as `precedence`. */
static rv_status reduce(rv_expr_parser *p, uint32_t precedence) {
    rv_status status = RV_OK;
    while (status == RV_OK && p->frame_count > 0) {
        const rv_expr_frame *frame = top_frame(p);
        if (!is_operator(frame) || frame->precedence < precedence) {
            break;
        }
        if (frame->kind == RV_FRAME_UNARY) {
            status = rv_expr_unary(p, frame, (rv_expr_op)frame->op);
        } else if (frame->kind == RV_FRAME_BETWEEN_HIGH) {
            status = end_between(p, frame);
        } else {
            status = rv_expr_binary(p, frame);
            if (frame->op == RV_EXPR_AND || frame->op == RV_EXPR_OR) {
                RV_ASSERT(frame->jump < p->step_count);
                p->steps[frame->jump].target = p->step_count;
            }
        }
        p->frame_count -= 1;
    }
    return status;
}

/* Emits what binds more tightly than an operator that comes, and refuses what cannot stand before
 * it: another that does not chain, or the low bound of a between. */
static rv_status reduce_for(rv_expr_parser *p, uint8_t precedence) {
    const bool chains = precedence < PRECEDENCE_IS || precedence > PRECEDENCE_IN;
    RV_ASSERT(precedence > 0);
    const rv_status status = reduce(p, chains ? precedence : precedence + 1u);
    const rv_expr_frame *frame = top_frame(p);
    if (status != RV_OK || frame == NULL) {
        return status;
    }
    if (!chains && is_operator(frame) && frame->precedence == precedence) {
        return rv_expr_expected(p, "parentheses: operators of this kind do not follow each other");
    }
    if (frame->kind == RV_FRAME_BETWEEN_LOW && precedence < PRECEDENCE_OTHER) {
        return rv_expr_expected(p, "`and` of between");
    }
    return RV_OK;
}

/* --- what expr_parse_calls.c uses --- */

RV_STATIC_ASSERT(PRECEDENCE_OTHER == RV_EXPR_PRECEDENCE_OTHER, "it binds as || does");

rv_expr_frame *rv_expr_top_frame(rv_expr_parser *p) {
    return top_frame(p);
}

bool rv_expr_is_waiting(const rv_expr_frame *frame) {
    return is_operator(frame);
}

rv_status rv_expr_reduce_tight(rv_expr_parser *p) {
    return reduce(p, PRECEDENCE_OTHER);
}

/* --- operands --- */

static rv_status parse_number(rv_expr_parser *p) {
    const rv_bytes text = p->lexer->token.text;
    const rv_expr_frame *frame = top_frame(p);
    bool whole = true;
    for (size_t i = 0; i < text.len; i++) {
        whole = whole && text.ptr[i] >= '0' && text.ptr[i] <= '9';
    }
    RV_ASSERT(text.len > 0);
    if (whole && rv_bytes_are(text, "9223372036854775808") && frame != NULL &&
        frame->kind == RV_FRAME_UNARY && frame->op == RV_EXPR_NEGATE) {
        const rv_type bigint = {.kind = RV_TYPE_BIGINT};
        p->frame_count -= 1; /* the sign is part of the number: only so it is one */
        return rv_expr_constant(p, &bigint, rv_value_int(INT64_MIN));
    }
    int64_t integer = 0;
    whole = whole && rv_number_parse_int(text, &integer) == RV_NUMBER_OK;
    rv_type type = whole ? (rv_type){.kind = RV_TYPE_BIGINT} : rv_numeric_type_of_text(text);
    rv_value value;
    rv_error inner;
    const rv_status status =
        rv_value_from_text(&type, text, (rv_bytes){NULL, 0}, p->arena, &value, &inner);
    if (status == RV_MEMORY_EXHAUSTED) {
        return rv_lexer_error(p->lexer, RV_SCHEMA_TOO_LARGE, "a larger memory budget", p->err);
    }
    if (status != RV_OK) {
        return rv_expr_fail(p, status, p->lexer->token.line, p->lexer->token.column, inner.detail);
    }
    if (whole && value.as.integer <= INT32_MAX) {
        type.kind = RV_TYPE_INTEGER;
    }
    return rv_expr_constant(p, &type, value);
}

static rv_status refuse_name(rv_expr_parser *p, const rv_token *token, const char *what) {
    RV_ASSERT(token->text.len > 0 && what != NULL);
    (void)rv_error_set(p->err, RV_SCHEMA_UNKNOWN_NAME, "line %u, column %u: there is no %s `%b`",
                       (uint64_t)token->line, (uint64_t)token->column, what, &token->text);
    rv_error_fact_uint(p->err, "line", token->line);
    rv_error_fact_uint(p->err, "column", token->column);
    rv_error_fact_text(p->err, "met", token->text);
    return RV_SCHEMA_UNKNOWN_NAME;
}

static bool is_name(const rv_expr_parser *p) {
    const rv_token_kind kind = p->lexer->token.kind;
    return kind == RV_TOKEN_NAME || kind == RV_TOKEN_QUOTED_NAME;
}

/* A name whose first part was `first`, at the token after it. */
static rv_status parse_name(rv_expr_parser *p, const rv_token *first) {
    rv_token name = *first;
    rv_bytes qualifier = {NULL, 0};
    RV_ASSERT(name.text.len > 0);
    if (at(p, ".")) {
        const rv_status status = rv_expr_advance(p);
        if (status != RV_OK || !is_name(p)) {
            return status != RV_OK ? status : rv_expr_expected(p, "a name");
        }
        qualifier = name.text;
        name = p->lexer->token;
        const rv_status after = rv_expr_advance(p);
        if (after != RV_OK) {
            return after;
        }
    }
    for (size_t i = 0; i < p->scope->count; i++) {
        const rv_expr_name *known = &p->scope->names[i];
        const bool found = rv_bytes_equal(known->name, name.text) &&
                           (qualifier.len == 0 || rv_bytes_equal(known->qualifier, qualifier));
        if (found) {
            rv_expr_item item = {.type = known->type, .line = name.line, .column = name.column};
            RV_ASSERT(rv_type_supported(&item.type));
            item.type.serial = false;
            const rv_status status =
                rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_SLOT, .target = known->slot});
            return status == RV_OK ? rv_expr_push(p, item) : status;
        }
    }
    return refuse_name(p, &name, "field or column");
}

/* A name or a call; the current token is its name. `*operand`: an operand must still come. */
static rv_status parse_name_or_call(rv_expr_parser *p, bool *operand) {
    static const char *const reserved[] = {"when", "then", "else",    "end",  "and",   "or", "in",
                                           "is",   "like", "between", "from", "ilike", "as", "for"};
    const rv_token name = p->lexer->token;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (at(p, reserved[i])) {
            return rv_expr_expected(p, "a value, a name or `(`");
        }
    }
    rv_status status = rv_expr_advance(p);
    if (status != RV_OK || name.kind != RV_TOKEN_NAME || !at(p, "(")) {
        return status != RV_OK ? status : parse_name(p, &name);
    }
    const rv_call_shape *shape = rv_call_find(name.text);
    const rv_expr_function *function = shape == NULL ? rv_function_find(name.text) : NULL;
    if (shape == NULL && function == NULL) {
        return refuse_name(p, &name, "function");
    }
    status = rv_expr_open_frame(
        p, (rv_expr_frame){
               .kind = RV_FRAME_CALL, .function = function, .shape = shape, .name = name.text});
    if (status == RV_OK) {
        status = rv_expr_advance(p);
    }
    if (status == RV_OK && rv_bytes_are(name.text, "trim")) {
        status = rv_expr_trim(p, top_frame(p));
    }
    *operand = true;
    if (status == RV_OK && at(p, ")")) {
        status = rv_expr_end_call(p, top_frame(p));
        p->frame_count -= 1;
        *operand = false;
        return status == RV_OK ? rv_expr_advance(p) : status;
    }
    return status;
}

static rv_status parse_case(rv_expr_parser *p) {
    rv_status status = rv_expr_open_frame(p, (rv_expr_frame){.kind = RV_FRAME_CASE});
    if (status == RV_OK) {
        status = rv_expr_advance(p);
    }
    if (status != RV_OK) {
        return status;
    }
    rv_expr_frame *frame = top_frame(p);
    RV_ASSERT(frame != NULL && frame->kind == RV_FRAME_CASE);
    frame->simple = !at(p, "when");
    frame->phase = frame->simple ? RV_CASE_OPERAND : RV_CASE_WHEN;
    return frame->simple ? RV_OK : rv_expr_advance(p);
}

/* `not`, unary signs, `(`, `cast (`: what stands before an operand. */
static rv_status parse_prefix(rv_expr_parser *p) {
    const rv_expr_frame *frame = top_frame(p);
    rv_status status = RV_OK;
    if (at(p, "not")) {
        const bool tight =
            frame != NULL && (frame->kind == RV_FRAME_BETWEEN_LOW ||
                              (is_operator(frame) && frame->precedence > PRECEDENCE_NOT));
        if (tight) {
            return rv_expr_expected(p, "a value, a name or `(`: put `not …` in parentheses");
        }
        status = rv_expr_open_frame(p, (rv_expr_frame){.kind = RV_FRAME_UNARY,
                                                       .op = RV_EXPR_NOT,
                                                       .precedence = PRECEDENCE_NOT});
    } else if (at(p, "-")) {
        status = rv_expr_open_frame(p, (rv_expr_frame){.kind = RV_FRAME_UNARY,
                                                       .op = RV_EXPR_NEGATE,
                                                       .precedence = PRECEDENCE_MINUS});
    } else if (at(p, "~") || at(p, "@")) {
        const uint8_t op = at(p, "~") ? RV_EXPR_BIT_NOT : RV_EXPR_ABSOLUTE;
        status = rv_expr_open_frame(
            p, (rv_expr_frame){.kind = RV_FRAME_UNARY, .op = op, .precedence = PRECEDENCE_OTHER});
    } else if (at(p, "(")) {
        status = rv_expr_open_frame(p, (rv_expr_frame){.kind = RV_FRAME_PAREN});
    } else if (at(p, "cast")) {
        status = rv_expr_open_frame(p, (rv_expr_frame){.kind = RV_FRAME_CAST});
        if (status == RV_OK) {
            status = rv_expr_advance(p);
        }
        if (status == RV_OK && !at(p, "(")) {
            status = rv_expr_expected(p, "`(`");
        }
    } else {
        RV_ASSERT(at(p, "+"));
        status = rv_expr_open_frame(p, (rv_expr_frame){.kind = RV_FRAME_UNARY,
                                                       .op = RV_EXPR_NOTHING,
                                                       .precedence = PRECEDENCE_MINUS});
    }
    return status == RV_OK ? rv_expr_advance(p) : status;
}

static rv_status parse_literal(rv_expr_parser *p) {
    rv_status status = RV_OK;
    const rv_bytes text = p->lexer->token.text;
    if (p->lexer->token.kind == RV_TOKEN_NUMBER) {
        status = parse_number(p);
    } else if (p->lexer->token.kind == RV_TOKEN_STRING) {
        const rv_bytes copy = rv_arena_copy(p->arena, text);
        if (copy.ptr == NULL) {
            return rv_lexer_error(p->lexer, RV_SCHEMA_TOO_LARGE, "a larger memory budget", p->err);
        }
        status = rv_expr_untyped(p, rv_value_bytes(copy));
    } else if (at(p, "null")) {
        status = rv_expr_untyped(p, rv_value_null());
    } else {
        RV_ASSERT(at(p, "true") || at(p, "false"));
        status = rv_expr_constant(p, &boolean_type, rv_value_int(at(p, "true")));
    }
    return status == RV_OK ? rv_expr_advance(p) : status;
}

/* What an operand can begin with. `*operand`: one must still come. */
static rv_status parse_operand(rv_expr_parser *p, bool *operand) {
    const rv_token_kind kind = p->lexer->token.kind;
    RV_ASSERT(*operand);
    if (at(p, "not") || at(p, "-") || at(p, "+") || at(p, "~") || at(p, "@") || at(p, "(") ||
        at(p, "cast")) {
        return parse_prefix(p);
    }
    if (at(p, "case")) {
        return parse_case(p);
    }
    if (at(p, "any") || at(p, "some") || at(p, "all")) {
        return rv_expr_any(p);
    }
    if (at(p, "array")) {
        const rv_status status = rv_expr_advance(p);
        return status != RV_OK ? status
               : at(p, "[")    ? rv_expr_open_square(p, RV_FRAME_ARRAY, operand)
                               : rv_expr_expected(p, "`[`");
    }
    *operand = false;
    if (kind == RV_TOKEN_NUMBER || kind == RV_TOKEN_STRING || at(p, "null") || at(p, "true") ||
        at(p, "false")) {
        return parse_literal(p);
    }
    bool found = false;
    const rv_status status = rv_measure_parse(p, &found, operand);
    if (status != RV_OK || found) {
        return status;
    }
    return is_name(p) ? parse_name_or_call(p, operand)
                      : rv_expr_expected(p, "a value, a name or `(`");
}

/* --- operators --- */

/* and, or: the left operand is on top, and may decide alone. */
static rv_status parse_and_or(rv_expr_parser *p) {
    const bool both = at(p, "and");
    rv_status status = RV_OK;
    if (both) {
        status = reduce(p, PRECEDENCE_OTHER);
        rv_expr_frame *frame = top_frame(p);
        if (status == RV_OK && frame != NULL && frame->kind == RV_FRAME_BETWEEN_LOW) {
            status = end_between_low(p, frame);
            return status == RV_OK ? rv_expr_advance(p) : status;
        }
    }
    rv_expr_frame frame = {.kind = RV_FRAME_BINARY,
                           .op = both ? RV_EXPR_AND : RV_EXPR_OR,
                           .precedence = both ? PRECEDENCE_AND : PRECEDENCE_OR};
    if (status == RV_OK) {
        status = reduce_for(p, frame.precedence);
    }
    if (status != RV_OK) {
        return status;
    }
    rv_expr_item *left = rv_expr_top(p, 0);
    status = rv_expr_adopt(p, left, &boolean_type);
    frame.jump = p->step_count;
    if (status == RV_OK) {
        status = rv_expr_open_frame(p, frame);
    }
    if (status == RV_OK && left->type.kind != RV_TYPE_BOOLEAN) {
        status = rv_expr_fail_types(p, top_frame(p), "and, or need booleans, and have", &left->type,
                                    NULL);
    }
    if (status == RV_OK) {
        const uint8_t op = both ? RV_EXPR_SKIP_IF_FALSE : RV_EXPR_SKIP_IF_TRUE;
        status = rv_expr_emit(p, (rv_expr_step){.op = op});
    }
    return status == RV_OK ? rv_expr_advance(p) : status;
}

/* is [not] null | true | false | unknown | distinct from. `*operand`: one must come. */
static rv_status parse_is(rv_expr_parser *p, bool *operand) {
    static const char *const truths[] = {"false", "true", "unknown"};
    rv_expr_frame frame = {.kind = RV_FRAME_BINARY,
                           .op = RV_EXPR_DISTINCT,
                           .precedence = PRECEDENCE_IS,
                           .line = p->lexer->token.line,
                           .column = p->lexer->token.column};
    rv_status status = reduce_for(p, PRECEDENCE_IS);
    if (status == RV_OK) {
        status = rv_expr_advance(p);
    }
    frame.negated = status == RV_OK && at(p, "not");
    if (frame.negated) {
        status = rv_expr_advance(p);
    }
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(p->item_count > 0);
    if (at(p, "null")) {
        status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_IS_NULL, .flag = frame.negated});
        leave_boolean(p, 0);
        return status == RV_OK ? rv_expr_advance(p) : status;
    }
    for (uint32_t i = 0; i < 3; i++) {
        if (at(p, truths[i])) {
            frame.jump = i;
            status = rv_expr_unary(p, &frame, RV_EXPR_IS_TRUTH);
            leave_boolean(p, 0);
            return status == RV_OK ? rv_expr_advance(p) : status;
        }
    }
    status = rv_expr_require(p, "distinct", "null, true, false, unknown or distinct from");
    if (status == RV_OK && !at(p, "from")) {
        status = rv_expr_expected(p, "`from`");
    }
    if (status == RV_OK) {
        status = rv_expr_open_frame(p, frame);
    }
    *operand = true;
    return status == RV_OK ? rv_expr_advance(p) : status;
}

/* in, between, like; all may have `not` before them, which is passed already. */
static rv_status parse_in_between_like(rv_expr_parser *p, bool negated) {
    rv_status status = reduce_for(p, PRECEDENCE_IN);
    rv_expr_frame frame = {.kind = RV_FRAME_BINARY,
                           .op = RV_EXPR_LIKE,
                           .precedence = PRECEDENCE_IN,
                           .negated = negated,
                           .line = p->lexer->token.line,
                           .column = p->lexer->token.column};
    const bool list = at(p, "in");
    frame.simple = at(p, "ilike");
    if (status == RV_OK && frame.simple) {
        status = rv_call_fold(p, &frame);
    }
    RV_ASSERT(list || frame.simple || at(p, "between") || at(p, "like"));
    if (list || at(p, "between")) {
        frame.kind = list ? RV_FRAME_IN : RV_FRAME_BETWEEN_LOW;
    }
    if (status == RV_OK) {
        status = rv_expr_open_frame(p, frame);
    }
    if (status == RV_OK) {
        status = rv_expr_advance(p);
    }
    if (status == RV_OK && list) {
        status = rv_expr_require(p, "(", "`(`");
        if (status == RV_OK) {
            status = rv_expr_constant(p, &boolean_type, rv_value_int(0));
        }
    } else if (status == RV_OK && frame.kind == RV_FRAME_BETWEEN_LOW && at(p, "symmetric")) {
        top_frame(p)->symmetric = true;
        status = rv_expr_advance(p);
    } else if (status == RV_OK && frame.kind == RV_FRAME_BETWEEN_LOW && at(p, "asymmetric")) {
        status = rv_expr_advance(p);
    }
    return status;
}

static rv_status parse_type_cast(rv_expr_parser *p) {
    const rv_enum_list enums = {p->scope->enums, p->scope->enum_count};
    rv_type type = {.kind = RV_TYPE_TEXT};
    RV_ASSERT(p->item_count > 0);
    rv_status status = rv_type_parse(p->lexer, enums, &type, p->err);
    type.serial = false;
    return status == RV_OK ? rv_expr_cast(p, &type, true) : status;
}

/* An element of an `in` list is on top. */
static rv_status end_in_item(rv_expr_parser *p, rv_expr_frame *frame, bool last) {
    rv_expr_item *value = rv_expr_top(p, 2);
    rv_expr_item *item = rv_expr_top(p, 0);
    RV_ASSERT(frame->kind == RV_FRAME_IN);
    rv_status status = rv_expr_check_order(p, frame, value, item);
    if (status == RV_OK) {
        status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_IN_ITEM,
                                                .target = frame->chain,
                                                .left = value->type,
                                                .right = item->type});
        frame->chain = p->step_count; /* the jumps, linked until their target is known */
    }
    p->item_count -= 1;
    if (status != RV_OK || !last) {
        return status;
    }
    while (frame->chain > 0) {
        rv_expr_step *step = &p->steps[frame->chain - 1];
        frame->chain = step->target;
        step->target = p->step_count;
    }
    status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_IN_END});
    leave_boolean(p, 1);
    return status == RV_OK ? emit_not_if(p, frame->negated) : status;
}

/* `)` or `,` inside one of our frames. */
static rv_status parse_bracket(rv_expr_parser *p, bool *operand) {
    const bool last = at(p, ")");
    rv_expr_frame *frame = top_frame(p);
    rv_status status = RV_OK;
    RV_ASSERT(frame != NULL && !is_operator(frame));
    if (frame->kind == RV_FRAME_CALL) {
        status = rv_expr_argument(p, frame, last);
    } else if (frame->kind == RV_FRAME_ANY && last) {
        status = rv_call_any_end(p, frame);
    } else if (frame->kind == RV_FRAME_IN) {
        status = end_in_item(p, frame, last);
    } else if (frame->kind != RV_FRAME_PAREN || !last) {
        return rv_expr_expected(p, frame->kind == RV_FRAME_PAREN  ? "`)`"
                                   : frame->kind == RV_FRAME_CAST ? "`as`"
                                   : frame->kind == RV_FRAME_BETWEEN_LOW
                                       ? "`and` of between"
                                       : "`when`, `then`, `else` or `end`");
    }
    if (status != RV_OK) {
        return status;
    }
    p->frame_count -= last;
    *operand = !last;
    return rv_expr_advance(p);
}

/* when, then, else, end of a case; `as` of a cast. */
static rv_status parse_clause(rv_expr_parser *p, bool *operand) {
    rv_expr_frame *frame = top_frame(p);
    rv_status status = RV_OK;
    RV_ASSERT(frame != NULL);
    const bool in_case = frame->kind == RV_FRAME_CASE;
    const rv_case_phase phase = frame->phase;
    if (frame->kind == RV_FRAME_CAST && at(p, "as")) {
        status = rv_expr_advance(p);
        status = status == RV_OK ? parse_type_cast(p) : status;
        p->frame_count -= 1;
        return status == RV_OK ? rv_expr_require(p, ")", "`)`") : status;
    }
    *operand = true;
    if (in_case && at(p, "when") && phase == RV_CASE_OPERAND) {
        frame->phase = RV_CASE_WHEN;
    } else if (in_case && at(p, "when") && phase == RV_CASE_THEN) {
        status = rv_case_next(p, frame, RV_CASE_WHEN);
    } else if (in_case && at(p, "then") && phase == RV_CASE_WHEN) {
        status = rv_case_then(p, frame);
    } else if (in_case && at(p, "else") && phase == RV_CASE_THEN) {
        status = rv_case_next(p, frame, RV_CASE_ELSE);
    } else if (in_case && at(p, "end") && (phase == RV_CASE_THEN || phase == RV_CASE_ELSE)) {
        status = rv_case_end(p, frame);
        p->frame_count -= 1;
        *operand = false;
    } else {
        return rv_expr_expected(p, "an operator, or what closes the expression");
    }
    return status == RV_OK ? rv_expr_advance(p) : status;
}

/* The end of what this parser knows: inside a frame that is something missing. */
static rv_status parse_rest(rv_expr_parser *p, bool *operand, bool *over) {
    const rv_status status = reduce(p, 0);
    if (status != RV_OK) {
        return status;
    }
    if (p->frame_count == 0) {
        *over = true;
        return RV_OK;
    }
    RV_ASSERT(!is_operator(top_frame(p)));
    const rv_frame_kind kind = top_frame(p)->kind;
    const bool square = kind == RV_FRAME_ARRAY || kind == RV_FRAME_SUBSCRIPT;
    if (square && (at(p, "]") || at(p, ",") || at(p, ":"))) {
        return rv_expr_square(p, top_frame(p), operand);
    }
    return at(p, ")") || at(p, ",") || rv_expr_at_separator(p) ? parse_bracket(p, operand)
                                                               : parse_clause(p, operand);
}

/* `not in`, `not between`, `not like`; another `not` is not ours: it ends the expression. */
static rv_status parse_not(rv_expr_parser *p, bool *operand, bool *over) {
    const rv_lexer before = *p->lexer;
    RV_ASSERT(at(p, "not"));
    const rv_status status = rv_expr_advance(p);
    if (status != RV_OK) {
        return status;
    }
    *operand = at(p, "in") || at(p, "between") || at(p, "like") || at(p, "ilike");
    if (*operand) {
        return parse_in_between_like(p, true);
    }
    *p->lexer = before;
    return parse_rest(p, operand, over);
}

/* isnull, notnull: is [not] null in one word. */
static rv_status parse_null_word(rv_expr_parser *p) {
    const bool negated = at(p, "notnull");
    RV_ASSERT(negated || at(p, "isnull"));
    rv_status status = reduce_for(p, PRECEDENCE_IS);
    if (status == RV_OK) {
        status = rv_expr_emit(p, (rv_expr_step){.op = RV_EXPR_IS_NULL, .flag = negated});
        leave_boolean(p, 0);
    }
    return status == RV_OK ? rv_expr_advance(p) : status;
}

/* What can follow an operand. */
static rv_status parse_operator(rv_expr_parser *p, bool *operand, bool *over) {
    RV_ASSERT(!*operand && !*over);
    for (size_t i = 0; i < sizeof binary_operators / sizeof binary_operators[0]; i++) {
        if (p->lexer->token.kind == RV_TOKEN_SYMBOL && at(p, binary_operators[i].symbol)) {
            rv_status status = reduce_for(p, binary_operators[i].precedence);
            if (status == RV_OK) {
                status = rv_expr_open_frame(
                    p, (rv_expr_frame){.kind = RV_FRAME_BINARY,
                                       .op = binary_operators[i].op,
                                       .symbol = binary_operators[i].symbol,
                                       .precedence = binary_operators[i].precedence});
            }
            *operand = true;
            return status == RV_OK ? rv_expr_advance(p) : status;
        }
    }
    if (at(p, "[")) {
        return rv_expr_open_square(p, RV_FRAME_SUBSCRIPT, operand);
    }
    const char *const refused = rv_expr_unsupported_operator(p);
    if (refused != NULL) {
        return rv_expr_fail(p, RV_UNSUPPORTED, p->lexer->token.line, p->lexer->token.column,
                            refused);
    }
    if (at(p, "escape")) {
        return rv_expr_escape(p, operand);
    }
    if (at(p, "::")) {
        const rv_status status = rv_expr_advance(p);
        return status == RV_OK ? parse_type_cast(p) : status;
    }
    if (at(p, "and") || at(p, "or")) {
        *operand = true;
        return parse_and_or(p);
    }
    if (at(p, "is")) {
        return parse_is(p, operand);
    }
    if (at(p, "isnull") || at(p, "notnull")) {
        return parse_null_word(p);
    }
    if (at(p, "in") && rv_expr_at_separator(p)) {
        return parse_rest(p, operand, over);
    }
    if (at(p, "in") || at(p, "between") || at(p, "like") || at(p, "ilike")) {
        *operand = true;
        return parse_in_between_like(p, false);
    }
    return at(p, "not") ? parse_not(p, operand, over) : parse_rest(p, operand, over);
}

rv_status rv_expr_parse(rv_expr_parser *p) {
    bool operand = true;
    bool over = false;
    rv_status status = RV_OK;
    RV_ASSERT(p->frame_count == 0 && p->item_count == 0);
    while (status == RV_OK && !over) {
        status = operand ? parse_operand(p, &operand) : parse_operator(p, &operand, &over);
    }
    RV_ASSERT(status != RV_OK || (p->item_count == 1 && p->frame_count == 0));
    return status;
}
