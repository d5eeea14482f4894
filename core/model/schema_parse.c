/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a schema: a sequence of CREATE statements, and what their parsers share. Each
 * statement has a file of its own (schema_parse_*.c); what it creates is added to the schema when
 * the whole statement is good, so that the next one can refer to it.
 *
 * An expression may use names that are declared after it (CHECK) or have a type that is known only
 * after it (DEFAULT before a binding). So expressions are first passed over by counting
 * parentheses, and compiled when the statement has been read: rv_schema_later.
 */
#include "core/model/schema_parse.h"

#include "core/base/assert.h"
#include "core/model/expr_step.h"

#define TEMP_ALIGN 16u

void *rv_schema_temp(rv_schema_parser *p, size_t size) {
    rv_arena *arena = p->arena;
    RV_ASSERT(arena->len <= arena->cap);
    const size_t room = arena->cap - arena->len;
    const size_t slack = (size_t)((uintptr_t)(arena->ptr + arena->cap) & (TEMP_ALIGN - 1));
    const size_t rounded = (size + TEMP_ALIGN - 1) / TEMP_ALIGN * TEMP_ALIGN;
    if (rounded < size || slack > room || rounded > room - slack) {
        return NULL;
    }
    arena->cap -= slack + rounded;
    memset(arena->ptr + arena->cap, 0, rounded);
    RV_ASSERT(((uintptr_t)(arena->ptr + arena->cap) & (TEMP_ALIGN - 1)) == 0);
    return arena->ptr + arena->cap;
}

bool rv_schema_at(const rv_schema_parser *p, const char *word) {
    RV_ASSERT(word[0] != '\0');
    return rv_lexer_is(&p->lexer, word);
}

rv_status rv_schema_skip(rv_schema_parser *p) {
    RV_ASSERT(p->lexer.token.kind != RV_TOKEN_END);
    return rv_lexer_next(&p->lexer, p->err);
}

rv_status rv_schema_accept(rv_schema_parser *p, const char *word, bool *met) {
    RV_ASSERT(met != NULL);
    *met = rv_schema_at(p, word);
    return *met ? rv_schema_skip(p) : RV_OK;
}

rv_status rv_schema_expect(rv_schema_parser *p, const char *word, const char *expected) {
    RV_ASSERT(expected != NULL);
    if (!rv_schema_at(p, word)) {
        return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, expected, p->err);
    }
    return rv_schema_skip(p);
}

rv_status rv_schema_expect_name(rv_schema_parser *p, const char *expected, rv_token *name) {
    const rv_token token = p->lexer.token;
    if (token.kind != RV_TOKEN_NAME && token.kind != RV_TOKEN_QUOTED_NAME) {
        return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, expected, p->err);
    }
    RV_ASSERT(token.text.len > 0);
    if (token.text.len > RV_NAME_LEN_MAX) {
        return rv_schema_fail_limit(p, &token, "bytes in a name", RV_NAME_LEN_MAX);
    }
    *name = token;
    return rv_schema_skip(p);
}

rv_status rv_schema_expect_name_in_parentheses(rv_schema_parser *p, const char *expected,
                                               rv_token *name) {
    RV_ASSERT(expected != NULL && name != NULL);
    rv_status status = rv_schema_expect(p, "(", "`(`");
    if (status == RV_OK) {
        status = rv_schema_expect_name(p, expected, name);
    }
    return status == RV_OK ? rv_schema_expect(p, ")", "`)`") : status;
}

rv_status rv_schema_expect_separator(rv_schema_parser *p, const char *expected, bool *end) {
    RV_ASSERT(expected != NULL && end != NULL);
    bool comma = false;
    rv_status status = rv_schema_accept(p, ",", &comma);
    if (status == RV_OK) {
        status = rv_schema_accept(p, ")", end);
    }
    if (status == RV_OK && !comma && !*end) {
        status = rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, expected, p->err);
    }
    return status;
}

rv_status rv_schema_parse_type(rv_schema_parser *p, rv_type *type) {
    RV_ASSERT(type != NULL);
    const rv_enum_list enums = {p->schema->enums, p->schema->enum_names.count};
    return rv_type_parse(&p->lexer, enums, type, p->err);
}

rv_status rv_schema_skip_parentheses(rv_schema_parser *p, rv_schema_later *later) {
    RV_ASSERT(!later->present);
    rv_status status = rv_schema_expect(p, "(", "`(`");
    *later = (rv_schema_later){.present = true, .lexer = p->lexer};
    uint32_t depth = 1;
    while (status == RV_OK) { /* ends: each round reads a token */
        depth += rv_schema_at(p, "(");
        depth -= rv_schema_at(p, ")");
        if (depth == 0) {
            later->end = p->lexer.token.offset;
            return rv_schema_skip(p);
        }
        if (p->lexer.token.kind == RV_TOKEN_END) {
            return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, "`)`", p->err);
        }
        status = rv_schema_skip(p);
    }
    return status;
}

/* True where the expression of a DEFAULT ends: `,`, `)`, the next clause, or NOT before NULL. */
static rv_status at_default_end(rv_schema_parser *p, bool after_is, bool *end, bool *cut) {
    static const char *const enders[] = {",",          ")",       ";",          "check",
                                         "unique",     "primary", "references", "personal",
                                         "creates",    "updates", "deletes",    "increments",
                                         "decrements", "default", "create"};
    RV_ASSERT(end != NULL && cut != NULL);
    *end = p->lexer.token.kind == RV_TOKEN_END;
    *cut = false;
    for (size_t i = 0; i < sizeof enders / sizeof enders[0]; i++) {
        *end = *end || rv_schema_at(p, enders[i]);
    }
    if (!*end && !after_is && rv_schema_at(p, "not")) {
        rv_lexer ahead = p->lexer;
        const rv_status status = rv_lexer_next(&ahead, p->err);
        *cut = status == RV_OK && rv_lexer_is(&ahead, "null");
        *end = *cut;
        return status;
    }
    return RV_OK;
}

rv_status rv_schema_skip_default(rv_schema_parser *p, rv_schema_later *later) {
    RV_ASSERT(!later->present);
    *later = (rv_schema_later){.present = true, .lexer = p->lexer};
    uint32_t depth = 0;
    bool after_is = false;
    rv_status status = RV_OK;
    while (status == RV_OK) { /* ends: each round reads a token */
        bool end = p->lexer.token.kind == RV_TOKEN_END;
        if (depth == 0) {
            status = at_default_end(p, after_is, &end, &later->cut);
        }
        if (status != RV_OK || end) {
            break;
        }
        depth += rv_schema_at(p, "(");
        depth -= rv_schema_at(p, ")");
        after_is = rv_schema_at(p, "is");
        status = rv_schema_skip(p);
    }
    later->end = p->lexer.token.offset;
    if (status == RV_OK && later->end == later->lexer.token.offset) {
        return rv_lexer_error(&p->lexer, RV_SCHEMA_SYNTAX, "an expression", p->err);
    }
    return status;
}

rv_status rv_schema_compile(rv_schema_parser *p, const rv_schema_later *later,
                            const rv_expr_scope *scope, const rv_type *expected, rv_expr *expr) {
    RV_ASSERT(later->present && later->end <= later->lexer.input.len);
    rv_lexer lexer = later->lexer;
    if (later->cut) {
        lexer.input.len = later->end;
    }
    const rv_status status = rv_expr_compile(&lexer, scope, expected, p->arena, expr, p->err);
    if (status != RV_OK) {
        return status;
    }
    const bool whole =
        later->cut ? lexer.token.kind == RV_TOKEN_END : lexer.token.offset == later->end;
    if (!whole) {
        return rv_lexer_error(&lexer, RV_SCHEMA_SYNTAX, "an operator, or the expression's end",
                              p->err);
    }
    RV_ASSERT(expr->step_count > 0);
    return RV_OK;
}

rv_status rv_schema_compile_check(rv_schema_parser *p, const rv_schema_later *later,
                                  const rv_expr_scope *scope, rv_expr *expr) {
    RV_ASSERT(later->present);
    const rv_type boolean = {.kind = RV_TYPE_BOOLEAN};
    return rv_schema_compile(p, later, scope, &boolean, expr);
}

/* Makes of a DEFAULT that is always the same value that value, which may lie above the end of the
 * arena. */
static rv_status make_constant(rv_schema_parser *p, const rv_type *type, rv_value value,
                               rv_expr *expr) {
    RV_ASSERT(!expr->uses_now && !expr->uses_seed);
    bool room = true;
    if (value.class_ == RV_VALUE_BYTES && value.as.bytes.len > 0) {
        uint8_t *const bytes = (uint8_t *)rv_arena_take_raw(p->arena, value.as.bytes.len);
        room = bytes != NULL;
        if (room) {
            memmove(bytes, value.as.bytes.ptr, value.as.bytes.len);
            value.as.bytes.ptr = bytes;
        }
    }
    rv_expr_step *const step = room ? (rv_expr_step *)rv_arena_take(p->arena, sizeof *step) : NULL;
    if (step == NULL) {
        return rv_schema_fail_memory(p);
    }
    step->op = RV_EXPR_CONSTANT;
    step->constant = value;
    expr->steps = step;
    expr->step_count = 1;
    expr->depth_max = 1;
    expr->type = *type;
    RV_ASSERT(rv_value_is_null(&value) || value.class_ == rv_type_class(type));
    return RV_OK;
}

rv_status rv_schema_compile_default(rv_schema_parser *p, const rv_schema_later *later,
                                    const rv_type *type, bool not_null, const rv_token *at,
                                    rv_expr *expr) {
    RV_ASSERT(later->present && at != NULL);
    const rv_expr_scope scope = {.enums = p->schema->enums,
                                 .enum_count = p->schema->enum_names.count};
    rv_status status = rv_schema_compile(p, later, &scope, type, expr);
    if (status != RV_OK) {
        return status;
    }
    const size_t mark = rv_arena_mark(p->arena);
    static const uint8_t seed[RV_EXPR_SEED_SIZE] = {0};
    const rv_value slots[] = {rv_value_bytes(rv_bytes_of(seed, sizeof seed))};
    const rv_expr_env env = {.slots = slots, .scratch = p->arena};
    rv_error why;
    rv_value value = rv_value_null();
    status = rv_expr_eval(expr, &env, &value, &why);
    if (status == RV_OK && !expr->null_type) {
        status = rv_value_coerce(&expr->type, type, at->text, p->arena, &value, &why);
    }
    const bool is_null = rv_value_is_null(&value);
    rv_arena_reset(p->arena, mark);
    if (status != RV_OK) {
        return rv_schema_fail(p, status, at, "the DEFAULT of `%b` gives no value of its type: %b",
                              (rv_bytes[3]){at->text, rv_error_detail(&why)});
    }
    if (not_null && is_null) {
        return rv_schema_fail(p, RV_SCHEMA_INVALID, at, "`%b` is NOT NULL, and its DEFAULT is NULL",
                              (rv_bytes[3]){at->text});
    }
    return expr->uses_now || expr->uses_seed || expr->null_type
               ? RV_OK
               : make_constant(p, type, value, expr);
}

rv_status rv_schema_find_aggregate(rv_schema_parser *p, const rv_token *name,
                                   const rv_aggregate **aggregate) {
    RV_ASSERT(name != NULL && aggregate != NULL);
    *aggregate = rv_schema_aggregate_named(p->schema, name->text);
    if (*aggregate != NULL) {
        return RV_OK;
    }
    rv_nearest nearest = rv_nearest_to(name->text);
    for (uint16_t i = 0; i < p->schema->aggregate_names.count; i++) {
        rv_nearest_offer(&nearest, p->schema->aggregate_names.names[i]);
    }
    return rv_schema_fail_unknown(p, name, "aggregate", (rv_bytes){NULL, 0}, &nearest);
}

rv_status rv_schema_find_column(rv_schema_parser *p, const rv_token *name,
                                const rv_aggregate *aggregate, uint16_t *column) {
    RV_ASSERT(name != NULL && column != NULL);
    *column = rv_schema_column_of(aggregate, name->text);
    if (*column != RV_NONE) {
        return RV_OK;
    }
    rv_nearest nearest = rv_nearest_to(name->text);
    for (uint16_t i = 0; i < aggregate->column_count; i++) {
        rv_nearest_offer(&nearest, aggregate->columns[i].name);
    }
    return rv_schema_fail_unknown(p, name, "column", aggregate->name, &nearest);
}

bool rv_schema_keys_fit(const rv_type *a, const rv_type *b) {
    if (!rv_type_fits(a, b) || (a->kind == RV_TYPE_CHAR) != (b->kind == RV_TYPE_CHAR)) {
        return false;
    }
    RV_ASSERT((a->kind == RV_TYPE_NUMERIC) == (b->kind == RV_TYPE_NUMERIC));
    return a->kind == RV_TYPE_NUMERIC ? a->scale == b->scale
                                      : a->kind != RV_TYPE_CHAR || a->size == b->size;
}

rv_bytes rv_schema_type_text(rv_schema_parser *p, const rv_type *type) {
    const size_t cap =
        RV_NAME_LEN_MAX * 2 + 32; /* a quoted enum's name, or a type with its sizes */
    uint8_t *text = (uint8_t *)rv_schema_temp(p, cap);
    if (text == NULL) {
        return RV_LITERAL("another type");
    }
    rv_writer w = rv_writer_over(text, cap);
    rv_schema_write_type(&w, type);
    RV_ASSERT(!w.full);
    return rv_writer_bytes(&w);
}

/* One statement, from CREATE to the token after its closing parenthesis. */
static rv_status parse_statement(rv_schema_parser *p) {
    rv_status status = rv_schema_expect(p, "create", "CREATE (this version takes no other)");
    bool met = false;
    if (status == RV_OK) {
        status = rv_schema_accept(p, "type", &met);
    }
    if (status != RV_OK || met) {
        return met && status == RV_OK ? rv_schema_parse_enum(p) : status;
    }
    status = rv_schema_accept(p, "event_type", &met);
    if (status != RV_OK || met) {
        return met && status == RV_OK ? rv_schema_parse_event_type(p) : status;
    }
    status = rv_schema_accept(p, "stream", &met);
    if (status != RV_OK || met) {
        return met && status == RV_OK ? rv_schema_parse_stream(p) : status;
    }
    bool shared = false;
    status = rv_schema_accept(p, "shared", &shared);
    if (status == RV_OK) {
        status = rv_schema_expect(p, "aggregate",
                                  shared ? "AGGREGATE"
                                         : "TYPE, [SHARED] AGGREGATE, EVENT_TYPE or STREAM");
    }
    return status == RV_OK ? rv_schema_parse_aggregate(p, shared) : status;
}

rv_status rv_schema_parse(rv_schema *schema, rv_bytes text, rv_error *err) {
    RV_ASSERT(schema != NULL && text.len <= RV_SCHEMA_TEXT_MAX);
    rv_schema_parser p = {.schema = schema, .arena = schema->arena, .err = err};
    const size_t cap = schema->arena->cap;
    rv_status status = rv_lexer_start(&p.lexer, text, schema->arena, err);
    bool first = true;
    while (status == RV_OK && (first || p.lexer.token.kind != RV_TOKEN_END)) {
        const size_t before = p.lexer.token.offset;
        status = parse_statement(&p);
        schema->arena->cap = cap; /* gives back what was temporary */
        bool semicolon = status == RV_OK;
        while (semicolon && status == RV_OK) {
            status = rv_schema_accept(&p, ";", &semicolon);
        }
        RV_ASSERT(status != RV_OK || p.lexer.token.offset > before);
        first = false;
    }
    return status;
}
