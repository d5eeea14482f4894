/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser's parts for calls and square brackets: words between the arguments of a call
 * (`substring(x from 1 for 2)`, `trim(both '-' from x)`), subscripts and array[…], any (…) and
 * all (…), escape.
 */
#include "core/base/assert.h"
#include "core/model/expr_call.h"
#include "core/model/expr_calls.h"
#include "core/model/expr_parse.h"

static const rv_type text_type = {.kind = RV_TYPE_TEXT};

/* The words that trim(…) may begin with: leading, trailing or both, and from. */
rv_status rv_expr_trim(rv_expr_parser *p, rv_expr_frame *frame) {
    static const struct {
        const char *word;
        uint8_t call;
    } sides[] = {{"leading", RV_CALL_LTRIM}, {"trailing", RV_CALL_RTRIM}, {"both", RV_CALL_BTRIM}};
    rv_status status = RV_OK;
    bool side = false;
    RV_ASSERT(frame->kind == RV_FRAME_CALL);
    for (size_t i = 0; i < 3 && !side; i++) {
        if (rv_lexer_is(p->lexer, sides[i].word)) {
            frame->op = sides[i].call;
            side = true;
            status = rv_expr_advance(p);
        }
    }
    if (status == RV_OK && rv_lexer_is(p->lexer, "from")) {
        status = rv_expr_advance(p);
    }
    return status;
}

rv_status rv_expr_end_call(rv_expr_parser *p, rv_expr_frame *frame) {
    RV_ASSERT(frame->kind == RV_FRAME_CALL);
    return frame->shape != NULL ? rv_call_end(p, frame) : rv_function_end(p, frame);
}

/* The frame that waits for a closing bracket, if there is one. */
static rv_expr_frame *open_bracket(rv_expr_parser *p) {
    uint32_t i = p->frame_count;
    while (i > 0 && rv_expr_is_waiting(&p->frames[i - 1])) {
        i--;
    }
    RV_ASSERT(i <= RV_EXPR_DEPTH_MAX);
    return i > 0 ? &p->frames[i - 1] : NULL;
}

/* True at a word that stands between the arguments of a call: substring(x from 1 for 2). */
bool rv_expr_at_separator(rv_expr_parser *p) {
    static const struct {
        const char *function;
        const char *word;
    } words[] = {{"substring", "from"}, {"substring", "for"},   {"trim", "from"},
                 {"position", "in"},    {"overlay", "placing"}, {"overlay", "from"},
                 {"overlay", "for"}};
    const rv_expr_frame *const frame = open_bracket(p);
    if (frame == NULL || frame->kind != RV_FRAME_CALL) {
        return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (rv_lexer_is(p->lexer, words[i].word) && rv_bytes_are(frame->name, words[i].function)) {
            return true;
        }
    }
    RV_ASSERT(frame->name.len > 0);
    return false;
}

/* An argument of a call is on top, at what ends it. */
rv_status rv_expr_argument(rv_expr_parser *p, rv_expr_frame *frame, bool last) {
    const bool count = rv_lexer_is(p->lexer, "for") && rv_bytes_are(frame->name, "substring");
    RV_ASSERT(frame->kind == RV_FRAME_CALL);
    const rv_expr_item *const item = rv_expr_top(p, 0);
    if (frame->arguments == 1 && item->untyped && !item->null &&
        rv_bytes_are(frame->name, "substring")) {
        return rv_expr_fail(p, RV_UNSUPPORTED, item->line, item->column,
                            "substring counts: there are no regular expressions, as their cost "
                            "has no bound");
    }
    frame->negated |= rv_lexer_is(p->lexer, "from") && rv_bytes_are(frame->name, "trim");
    if (count && frame->arguments == 0) { /* substring(x for 2) begins at 1 */
        const rv_type integer = {.kind = RV_TYPE_INTEGER};
        rv_status status = rv_function_argument(p, frame, false);
        if (status == RV_OK) {
            status = rv_expr_constant(p, &integer, rv_value_int(1));
        }
        return status == RV_OK ? rv_function_argument(p, frame, false) : status;
    }
    rv_status status =
        frame->shape != NULL ? rv_call_argument(p, frame) : rv_function_argument(p, frame, last);
    if (status == RV_OK && last) {
        status = rv_expr_end_call(p, frame);
    }
    return status;
}

/* The end of a subscript or a slice; behind a slice another would be one, too. */
static rv_status end_subscript(rv_expr_parser *p, bool *operand) {
    const rv_expr_frame frame = *rv_expr_top_frame(p);
    rv_status status = frame.slice ? rv_call_slice(p, &frame) : rv_call_subscript(p, &frame);
    RV_ASSERT(rv_lexer_is(p->lexer, "]"));
    p->frame_count -= 1;
    *operand = false;
    status = status == RV_OK ? rv_expr_advance(p) : status;
    if (status == RV_OK && frame.slice && rv_lexer_is(p->lexer, "[")) {
        return rv_expr_fail(p, RV_UNSUPPORTED, p->lexer->token.line, p->lexer->token.column,
                            "arrays have one dimension; what is of a slice needs parentheses, as "
                            "in (x[2:3])[1]");
    }
    return status;
}

/* `:` behind the first bound of a slice; the second may be missing. */
static rv_status slice_colon(rv_expr_parser *p, bool *operand) {
    const rv_type integer = {.kind = RV_TYPE_INTEGER};
    RV_ASSERT(rv_lexer_is(p->lexer, ":"));
    rv_expr_top_frame(p)->slice = true;
    *operand = true;
    rv_status status = rv_expr_advance(p);
    if (status != RV_OK || !rv_lexer_is(p->lexer, "]")) {
        return status;
    }
    status = rv_expr_constant(p, &integer, rv_value_int(INT32_MAX));
    return status == RV_OK ? end_subscript(p, operand) : status;
}

/* `]`, `:` of a slice, or `,` in array[…]. */
rv_status rv_expr_square(rv_expr_parser *p, rv_expr_frame *frame, bool *operand) {
    const bool last = rv_lexer_is(p->lexer, "]");
    const bool colon = rv_lexer_is(p->lexer, ":");
    RV_ASSERT(frame->kind == RV_FRAME_ARRAY || frame->kind == RV_FRAME_SUBSCRIPT);
    if (frame->kind == RV_FRAME_SUBSCRIPT) {
        return last                     ? end_subscript(p, operand)
               : colon && !frame->slice ? slice_colon(p, operand)
                                        : rv_expr_expected(p, "`]`");
    }
    if (colon) {
        return rv_expr_expected(p, "`,` or `]`");
    }
    rv_status status = rv_call_element(p, frame);
    if (status == RV_OK && last) {
        status = rv_call_array_end(p, frame);
    }
    if (status != RV_OK) {
        return status;
    }
    p->frame_count -= last;
    *operand = !last;
    return rv_expr_advance(p);
}

/* Opens `[` after an array, or after the word array. */
rv_status rv_expr_open_square(rv_expr_parser *p, rv_frame_kind kind, bool *operand) {
    const rv_type integer = {.kind = RV_TYPE_INTEGER};
    rv_status status = rv_expr_open_frame(p, (rv_expr_frame){.kind = kind});
    RV_ASSERT(rv_lexer_is(p->lexer, "["));
    *operand = true;
    status = status == RV_OK ? rv_expr_advance(p) : status;
    if (status != RV_OK || kind != RV_FRAME_SUBSCRIPT || !rv_lexer_is(p->lexer, ":")) {
        return status;
    }
    status = rv_expr_constant(p, &integer, rv_value_int(1));
    return status == RV_OK ? slice_colon(p, operand) : status;
}

/* any ( or all ( after a comparison, whose frame waits for the array instead of a value. */
rv_status rv_expr_any(rv_expr_parser *p) {
    rv_expr_frame *const frame = rv_expr_top_frame(p);
    const bool compares = frame != NULL && frame->kind == RV_FRAME_BINARY &&
                          frame->op >= RV_EXPR_EQUAL && frame->op <= RV_EXPR_GREATER_EQUAL;
    const bool all = rv_lexer_is(p->lexer, "all");
    if (!compares) {
        return rv_expr_expected(p, "a value, a name or `(`; any and all stand after a comparison");
    }
    const rv_status status = rv_expr_advance(p);
    frame->kind = RV_FRAME_ANY;
    frame->negated = all;
    RV_ASSERT(!rv_expr_is_waiting(frame));
    return status == RV_OK ? rv_expr_require(p, "(", "`(`") : status;
}

/* escape after the pattern of like: an operator that makes the pattern another. */
rv_status rv_expr_escape(rv_expr_parser *p, bool *operand) {
    rv_status status = rv_expr_reduce_tight(p);
    const rv_expr_frame *const frame = rv_expr_top_frame(p);
    RV_ASSERT(!*operand);
    if (status != RV_OK) {
        return status;
    }
    if (frame == NULL || frame->kind != RV_FRAME_BINARY || frame->op != RV_EXPR_LIKE) {
        return rv_expr_expected(p, "an operator, or what closes the expression");
    }
    status = rv_expr_adopt(p, rv_expr_top(p, 0), &text_type);
    if (status == RV_OK) {
        status = rv_expr_open_frame(p, (rv_expr_frame){.kind = RV_FRAME_BINARY,
                                                       .op = RV_EXPR_CALL,
                                                       .symbol = "escape",
                                                       .precedence = RV_EXPR_PRECEDENCE_OTHER});
    }
    *operand = true;
    return status == RV_OK ? rv_expr_advance(p) : status;
}

const char *rv_expr_unsupported_operator(const rv_expr_parser *p) {
    static const struct {
        const char *word;
        const char *why;
    } refused[] = {
        {"similar", "there are no regular expressions, as their cost has no bound"},
        {"~", "there are no regular expressions, as their cost has no bound"},
        {"!~", "there are no regular expressions, as their cost has no bound"},
        {"collate", "there is one collation: text is ordered by its bytes"},
        {"at", "there is no AT TIME ZONE: all times are in UTC"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (rv_lexer_is(p->lexer, refused[i].word)) {
            return refused[i].why;
        }
    }
    RV_ASSERT(p->lexer != NULL);
    return NULL;
}
