/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parsers of the statements share: the tokens with their errors, memory for the duration
 * of a statement, and stretches of text that are compiled later. Used by the schema_*.c files only.
 *
 * Memory: what lasts is taken from the bottom of the schema's arena; what a statement needs while
 * it is parsed comes from the arena's top (rv_schema_temp), and goes back when the statement ends.
 */
#ifndef RV_MODEL_SCHEMA_PARSE_H
#define RV_MODEL_SCHEMA_PARSE_H

#include "core/model/schema_nearest.h"
#include "core/model/schema_parts.h"
#include "core/model/type.h"

typedef struct rv_schema_parser {
    rv_schema *schema;
    rv_arena *arena; /* the schema's */
    rv_error *err;
    rv_lexer lexer;
} rv_schema_parser;

/* An expression met before the names in it are known: it is passed over, and compiled later. */
typedef struct rv_schema_later {
    bool present;
    bool cut;       /* the text ends at `end` for the expression, so that it does not read on */
    rv_lexer lexer; /* on its first token */
    size_t end;     /* offset of the first token after it */
} rv_schema_later;

/* Parses a text of statements and adds what they create. As rv_schema_apply, but what was added
 * before an error stays; RV_MEMORY_EXHAUSTED when the arena is too small. */
RV_MUST_USE rv_status rv_schema_parse(rv_schema *schema, rv_bytes text, rv_error *err);

/* The statements, each from the token after its keywords to the one after its last. */
RV_MUST_USE rv_status rv_schema_parse_enum(rv_schema_parser *p);
RV_MUST_USE rv_status rv_schema_parse_aggregate(rv_schema_parser *p, bool shared);
RV_MUST_USE rv_status rv_schema_parse_event_type(rv_schema_parser *p);
RV_MUST_USE rv_status rv_schema_parse_stream(rv_schema_parser *p);

/* A type, by its built-in names or as one of the schema's enums. */
RV_MUST_USE rv_status rv_schema_parse_type(rv_schema_parser *p, rv_type *type);

/* `size` zeroed bytes until the statement ends, or NULL. */
void *rv_schema_temp(rv_schema_parser *p, size_t size);

/* Current token: is it this keyword or symbol? Go past it if so; go past it or fail. */
bool rv_schema_at(const rv_schema_parser *p, const char *word);
RV_MUST_USE rv_status rv_schema_skip(rv_schema_parser *p);
RV_MUST_USE rv_status rv_schema_accept(rv_schema_parser *p, const char *word, bool *met);
RV_MUST_USE rv_status rv_schema_expect(rv_schema_parser *p, const char *word, const char *expected);

/* A name of at most RV_NAME_LEN_MAX bytes; `expected` says what is named. */
RV_MUST_USE rv_status rv_schema_expect_name(rv_schema_parser *p, const char *expected,
                                            rv_token *name);

/* `( name )`, as in `creates account(id)`. */
RV_MUST_USE rv_status rv_schema_expect_name_in_parentheses(rv_schema_parser *p,
                                                           const char *expected, rv_token *name);

/* After an item of a list in parentheses: past `,` and, if one follows, past `)` with `*end` set.
 */
RV_MUST_USE rv_status rv_schema_expect_separator(rv_schema_parser *p, const char *expected,
                                                 bool *end);

/* Passes over `( … )`, remembering what is inside. */
RV_MUST_USE rv_status rv_schema_skip_parentheses(rv_schema_parser *p, rv_schema_later *later);

/* Passes over the expression of a DEFAULT, which ends where a clause or an item does. */
RV_MUST_USE rv_status rv_schema_skip_default(rv_schema_parser *p, rv_schema_later *later);

/* Compiles what was passed over; it must be one whole expression. */
RV_MUST_USE rv_status rv_schema_compile(rv_schema_parser *p, const rv_schema_later *later,
                                        const rv_expr_scope *scope, const rv_type *expected,
                                        rv_expr *expr);

/* Compiles a CHECK, which must be boolean. */
RV_MUST_USE rv_status rv_schema_compile_check(rv_schema_parser *p, const rv_schema_later *later,
                                              const rv_expr_scope *scope, rv_expr *expr);

/* Compiles a DEFAULT for a value of `type`, and tries it: a value that the type does not take is
 * refused here, not at the first event. NULL is refused when `not_null`. */
RV_MUST_USE rv_status rv_schema_compile_default(rv_schema_parser *p, const rv_schema_later *later,
                                                const rv_type *type, bool not_null,
                                                const rv_token *at, rv_expr *expr);

/* The error `status` at a token that was met earlier: "line 3, column 7: …", with facts "line",
 * "column" and "met". `format` may take up to three names as %b. Returns `status`. */
rv_status rv_schema_fail(rv_schema_parser *p, rv_status status, const rv_token *at,
                         const char *format, const rv_bytes names[3]);

/* RV_SCHEMA_UNKNOWN_NAME: there is no `what` of the token's name, in `owner` if that is not empty;
 * with the nearest name there is as fact "expected". */
rv_status rv_schema_fail_unknown(rv_schema_parser *p, const rv_token *at, const char *what,
                                 rv_bytes owner, const rv_nearest *nearest);

/* RV_SCHEMA_TOO_LARGE: more than `limit` `what`. */
rv_status rv_schema_fail_limit(rv_schema_parser *p, const rv_token *at, const char *what,
                               uint64_t limit);

/* RV_SCHEMA_DUPLICATE: there is a `what` of the token's name already. */
rv_status rv_schema_fail_duplicate(rv_schema_parser *p, const rv_token *at, const char *what);

/* RV_SCHEMA_DUPLICATE: the token's name stands in the list already. */
rv_status rv_schema_fail_listed(rv_schema_parser *p, const rv_token *at);

/* The status for a failed allocation. */
rv_status rv_schema_fail_memory(rv_schema_parser *p);

/* The aggregate of the token's name, or RV_SCHEMA_UNKNOWN_NAME. */
RV_MUST_USE rv_status rv_schema_find_aggregate(rv_schema_parser *p, const rv_token *name,
                                               const rv_aggregate **aggregate);

/* The column of the token's name in `aggregate`, or RV_SCHEMA_UNKNOWN_NAME. */
RV_MUST_USE rv_status rv_schema_find_column(rv_schema_parser *p, const rv_token *name,
                                            const rv_aggregate *aggregate, uint16_t *column);

/* True when values of the two types make equal keys where they are equal: fitting, and neither
 * scaled nor padded differently. */
bool rv_schema_keys_fit(const rv_type *a, const rv_type *b);

/* A type as text for an error, in temporary memory. */
rv_bytes rv_schema_type_text(rv_schema_parser *p, const rv_type *type);

#endif
