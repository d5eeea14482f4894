/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one lexer of the schema language and of expressions. Keywords and names in any case, names
 * folded to lower case unless in double quotes; `--` and nested-free block comments; strings in
 * single quotes with '' for one; numbers; PostgreSQL's operators.
 */
#ifndef RV_MODEL_LEXER_H
#define RV_MODEL_LEXER_H

#include "core/base/arena.h"
#include "core/base/error.h"

typedef enum rv_token_kind {
    RV_TOKEN_END,
    RV_TOKEN_NAME,        /* text: folded to lower case */
    RV_TOKEN_QUOTED_NAME, /* "…": text as written, "" for one; a stream's path is one of these */
    RV_TOKEN_STRING,      /* '…': text without quotes, '' made one */
    RV_TOKEN_NUMBER,      /* text as written */
    RV_TOKEN_SYMBOL /* ( ) [ ] , ; . and + - * / ^ % = <> != < <= > >= || :: -> ->> << >> & | # ~ @
                       #> #>> @> <@ ? ?| ?& && */
} rv_token_kind;

typedef struct rv_token {
    rv_token_kind kind;
    rv_bytes text;
    size_t offset;   /* of the first byte in the input */
    size_t end;      /* offset after the last byte */
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1, in code points */
} rv_token;

typedef struct rv_lexer {
    rv_bytes input;
    size_t pos;
    uint32_t line;
    uint32_t column; /* of pos */
    rv_arena *arena; /* folded and unescaped text */
    rv_token token;  /* the current one */
} rv_lexer;

/* Starts, and reads the first token. Errors of rv_lexer_next; RV_SCHEMA_TOO_LARGE: more than
 * RV_SCHEMA_TEXT_MAX bytes. */
RV_MUST_USE rv_status rv_lexer_start(rv_lexer *lexer, rv_bytes input, rv_arena *arena,
                                     rv_error *err);

/* Goes to the next token. RV_SCHEMA_SYNTAX: unterminated string, name or comment; a character that
 * begins no token; invalid UTF-8; with facts "line", "column", "met". RV_SCHEMA_TOO_LARGE: the
 * arena is full. After an error the lexer stands where it stood. */
RV_MUST_USE rv_status rv_lexer_next(rv_lexer *lexer, rv_error *err);

/* True when the current token is this keyword (unquoted, any case) or symbol. */
bool rv_lexer_is(const rv_lexer *lexer, const char *keyword_or_symbol);

/* Sets `err` to `status` at the current token: "line 3, column 7: met `…`, expected …", with facts
 * "line", "column", "met", "expected". Returns `status`. */
rv_status rv_lexer_error(const rv_lexer *lexer, rv_status status, const char *expected,
                         rv_error *err);

#endif
