/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling an expression as a whole: how much memory its steps can need, the parse, the type that
 * is expected, and the canonical text. After an error the lexer stands where it stood and the arena
 * is as it was.
 */
#include "core/base/assert.h"
#include "core/model/expr_compile.h"

/* Tokens up to the first `,` `;` `)` or `]` that is not inside brackets, which no expression goes
 * beyond; at most one more than the limit. */
static uint32_t count_tokens(const rv_lexer *lexer) {
    rv_lexer ahead = *lexer;
    const size_t mark = rv_arena_mark(lexer->arena);
    uint32_t count = 0;
    uint32_t depth = 0;
    while (ahead.token.kind != RV_TOKEN_END && count <= RV_EXPR_TOKENS_MAX) {
        const bool closes = rv_lexer_is(&ahead, ")") || rv_lexer_is(&ahead, "]");
        if (depth == 0 && (closes || rv_lexer_is(&ahead, ",") || rv_lexer_is(&ahead, ";"))) {
            break;
        }
        depth += rv_lexer_is(&ahead, "(") || rv_lexer_is(&ahead, "[");
        depth -= closes;
        count += 1;
        if (rv_lexer_next(&ahead, NULL) != RV_OK) {
            break;
        }
    }
    rv_arena_reset(lexer->arena, mark);
    RV_ASSERT(count <= RV_EXPR_TOKENS_MAX + 1);
    return count;
}

static void write_quoted(rv_bytes text, uint8_t quote, rv_writer *w) {
    RV_ASSERT(quote == '\'' || quote == '"');
    rv_write_u8(w, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote) {
            rv_write_u8(w, quote);
        }
        rv_write_u8(w, text.ptr[i]);
    }
    rv_write_u8(w, quote);
}

/* The text from the first token to the one the lexer stands on, in canonical form: tokens are never
 * longer than they were written, and one space between two that had none doubles at most. */
static rv_status write_source(const rv_lexer *first, const rv_lexer *last, rv_arena *arena,
                              rv_bytes *source, rv_error *err) {
    const size_t start = first->token.offset;
    const size_t cap = 2 * (last->token.offset - start);
    uint8_t *memory = rv_arena_take_raw(arena, cap);
    RV_ASSERT(start < last->token.offset);
    if (memory == NULL) {
        return rv_lexer_error(last, RV_SCHEMA_TOO_LARGE, "a larger memory budget", err);
    }
    const size_t mark = rv_arena_mark(arena);
    rv_writer w = rv_writer_over(memory, cap);
    rv_lexer again;
    const rv_bytes input = {first->input.ptr + start, last->token.offset - start};
    rv_status status = rv_lexer_start(&again, input, arena, err);
    while (status == RV_OK && again.token.kind != RV_TOKEN_END) {
        if (w.len > 0) {
            rv_write_u8(&w, ' ');
        }
        if (again.token.kind == RV_TOKEN_STRING || again.token.kind == RV_TOKEN_QUOTED_NAME) {
            write_quoted(again.token.text, again.token.kind == RV_TOKEN_STRING ? '\'' : '"', &w);
        } else {
            rv_write(&w, rv_lexer_is(&again, "!=") ? RV_LITERAL("<>") : again.token.text);
        }
        status = rv_lexer_next(&again, err);
    }
    rv_arena_reset(arena, mark);
    RV_ASSERT(!w.full);
    *source = rv_writer_bytes(&w);
    return status;
}

/* Makes the result the expected type. */
static rv_status fit(rv_expr_parser *p, const rv_type *expected, rv_expr *expr) {
    rv_expr_item *item = rv_expr_top(p, 0);
    const rv_type text = {.kind = RV_TYPE_TEXT};
    RV_ASSERT(p->item_count == 1);
    expr->null_type = item->untyped && item->null;
    if (expected == NULL) {
        return rv_expr_adopt(p, item, &text);
    }
    const rv_type *type = &item->type;
    const bool same =
        !item->untyped && rv_type_same(type, expected) && rv_type_fits(type, expected);
    return same ? RV_OK : rv_expr_cast(p, expected, false);
}

static rv_status compile(rv_expr_parser *p, const rv_type *expected, rv_expr *expr) {
    const rv_lexer first = *p->lexer;
    const uint32_t tokens = count_tokens(p->lexer);
    p->step_max = 2 * tokens + 8;
    p->steps = rv_arena_take_raw(p->arena, p->step_max * sizeof *p->steps);
    if (p->steps == NULL) {
        return rv_lexer_error(p->lexer, RV_SCHEMA_TOO_LARGE, "a larger memory budget", p->err);
    }
    rv_status status = rv_expr_parse(p);
    if (status == RV_OK) {
        status = fit(p, expected, expr);
    }
    if (status == RV_OK) {
        status = write_source(&first, p->lexer, p->arena, &expr->source, p->err);
    }
    RV_ASSERT(status != RV_OK || p->step_count > 0);
    return status;
}

rv_status rv_expr_compile(rv_lexer *lexer, const rv_expr_scope *scope, const rv_type *expected,
                          rv_arena *arena, rv_expr *expr, rv_error *err) {
    RV_ASSERT(lexer != NULL && scope != NULL && arena != NULL);
    RV_ASSERT(expected == NULL || rv_type_supported(expected));
    const rv_lexer before = *lexer;
    const size_t mark = rv_arena_mark(arena);
    rv_expr_parser p;
    memset(&p, 0, offsetof(rv_expr_parser, items));
    p.lexer = lexer;
    p.scope = scope;
    p.arena = arena;
    p.err = err;
    rv_expr compiled = {.steps = NULL};
    const rv_status status = compile(&p, expected, &compiled);
    if (status != RV_OK) {
        *lexer = before;
        rv_arena_reset(arena, mark);
        return status;
    }
    compiled.steps = p.steps;
    compiled.step_count = p.step_count;
    compiled.depth_max = p.depth_max;
    compiled.type = p.items[0].type;
    compiled.uses_now = p.uses_now;
    compiled.uses_seed = p.uses_seed;
    *expr = compiled;
    return RV_OK;
}

bool rv_expr_reads(const rv_expr *expr, uint32_t slot) {
    RV_ASSERT(expr->steps != NULL || expr->step_count == 0);
    for (uint32_t i = 0; i < expr->step_count; i += 1) {
        if (expr->steps[i].op == RV_EXPR_SLOT && expr->steps[i].target == slot) {
            return true;
        }
    }
    return false;
}
