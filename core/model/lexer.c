/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lexer. The text is checked as UTF-8 once, at the start, so everything after deals with known
 * characters. A token is made whole in a local variable and becomes the current one only when it is
 * good: after an error the lexer stands where it stood. Text that needs no change (names that are
 * lower case already, strings without doubled quotes) is borrowed from the input.
 */
#include "core/model/lexer.h"

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/base/utf8.h"

/* Longest symbols first, so that the first that matches is the right one. */
static const char *const symbols[] = {
    "->>", "#>>", "<=", ">=", "<>", "!=", "!~", "||", "::", "->", "#>", "@>", "<@", "?|",
    "?&",  "&&",  "<<", ">>", "?",  "&",  "|",  "#",  "~",  "@",  "(",  ")",  ",",  ";",
    ".",   "+",   "-",  "*",  "/",  "%",  "^",  "=",  "<",  ">",  "[",  "]",  ":"};

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* Letters, underscore, and everything beyond ASCII, as PostgreSQL has it. */
static bool is_name_start(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_name_part(uint8_t c) {
    return is_name_start(c) || is_digit(c) || c == '$';
}

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The byte at `at`, 0 beyond the end: no character of a checked text is 0. */
static uint8_t byte_at(rv_bytes input, size_t at) {
    return at < input.len ? input.ptr[at] : 0;
}

static rv_status refuse_as(rv_status status, const rv_token *token, rv_bytes met, const char *why,
                           rv_error *err) {
    (void)rv_error_set(err, status, "line %u, column %u: met `%b`: %s", (uint64_t)token->line,
                       (uint64_t)token->column, &met, why);
    rv_error_fact_uint(err, "line", token->line);
    rv_error_fact_uint(err, "column", token->column);
    rv_error_fact_text(err, "met", met);
    return status;
}

static rv_status refuse(const rv_token *token, rv_bytes met, const char *why, rv_error *err) {
    return refuse_as(RV_SCHEMA_SYNTAX, token, met, why, err);
}

static rv_status refuse_memory(rv_error *err) {
    return rv_error_set(err, RV_SCHEMA_TOO_LARGE,
                        "the memory budget is too small for this schema text");
}

/* The place of the first byte that is not UTF-8, or is NUL, as an error. */
static rv_status refuse_bytes(const rv_lexer *lexer, rv_error *err) {
    rv_token token = {.line = 1};
    size_t at = 0;
    token.column = 1;
    while (at < lexer->input.len && lexer->input.ptr[at] != 0) {
        const size_t len = rv_utf8_char_len(rv_bytes_from(lexer->input, at));
        if (len == 0) {
            break;
        }
        token.column += 1;
        if (lexer->input.ptr[at] == '\n') {
            token.line += 1;
            token.column = 1;
        }
        at += len;
    }
    RV_ASSERT(at < lexer->input.len);
    return refuse(&token, rv_bytes_of(lexer->input.ptr + at, 1),
                  "the text must be UTF-8 without NUL", err);
}

/* Moves `pos` to `end`, counting lines and characters (the bytes that do not continue one). */
static void go_to(rv_lexer *lexer, size_t end) {
    RV_ASSERT(end >= lexer->pos && end <= lexer->input.len);
    for (size_t i = lexer->pos; i < end; i++) {
        lexer->column += (lexer->input.ptr[i] & 0xc0) != 0x80;
        if (lexer->input.ptr[i] == '\n') {
            lexer->line += 1;
            lexer->column = 1;
        }
    }
    lexer->pos = end;
}

static rv_token token_at(const rv_lexer *lexer) {
    return (rv_token){.kind = RV_TOKEN_END,
                      .text = {NULL, 0},
                      .offset = lexer->pos,
                      .end = lexer->pos,
                      .line = lexer->line,
                      .column = lexer->column};
}

/* Goes past white space and comments. */
static rv_status skip_blank(rv_lexer *lexer, rv_error *err) {
    const rv_bytes input = lexer->input;
    while (lexer->pos < input.len) {
        const uint8_t c = input.ptr[lexer->pos];
        const uint8_t after = byte_at(input, lexer->pos + 1);
        size_t end = lexer->pos;
        if (is_space(c)) {
            end += 1;
        } else if (c == '-' && after == '-') {
            while (end < input.len && input.ptr[end] != '\n') {
                end++;
            }
        } else if (c == '/' && after == '*') {
            end += 2;
            while (end < input.len && !(input.ptr[end] == '*' && byte_at(input, end + 1) == '/')) {
                end++;
            }
            if (end == input.len) {
                const rv_token token = token_at(lexer);
                return refuse(&token, RV_LITERAL("/*"), "the comment has no end", err);
            }
            end += 2;
        } else {
            break;
        }
        go_to(lexer, end);
    }
    return RV_OK;
}

/* A name, folded to lower case. */
static rv_status read_name(rv_lexer *lexer, rv_token *token, rv_error *err) {
    size_t end = token->offset;
    bool upper = false;
    while (is_name_part(byte_at(lexer->input, end))) {
        upper = upper || (lexer->input.ptr[end] >= 'A' && lexer->input.ptr[end] <= 'Z');
        end++;
    }
    token->kind = RV_TOKEN_NAME;
    token->end = end;
    token->text = rv_bytes_of(lexer->input.ptr + token->offset, end - token->offset);
    RV_ASSERT(token->text.len > 0);
    if (token->text.len == 1 && (token->text.ptr[0] | 0x20) == 'e' &&
        byte_at(lexer->input, end) == '\'') {
        return refuse_as(RV_UNSUPPORTED, token, RV_LITERAL("E'"),
                         "strings have no escapes: a quote stands twice, all else as it is", err);
    }
    if (upper) {
        uint8_t *folded = rv_arena_take_raw(lexer->arena, token->text.len);
        if (folded == NULL) {
            return refuse_memory(err);
        }
        for (size_t i = 0; i < token->text.len; i++) {
            const uint8_t c = token->text.ptr[i];
            folded[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
        }
        token->text.ptr = folded;
    }
    return RV_OK;
}

/* Text in quotes, in which the quote stands twice for once. */
static rv_status read_quoted(rv_lexer *lexer, rv_token *token, rv_error *err) {
    const rv_bytes input = lexer->input;
    const uint8_t quote = input.ptr[token->offset];
    RV_ASSERT(quote == '\'' || quote == '"');
    size_t doubled = 0;
    size_t end = token->offset + 1;
    while (end < input.len && (input.ptr[end] != quote || byte_at(input, end + 1) == quote)) {
        doubled += input.ptr[end] == quote;
        end += input.ptr[end] == quote ? 2 : 1;
    }
    const bool name = quote == '"';
    if (end >= input.len) {
        return refuse(token, rv_bytes_of(&quote, 1),
                      name ? "the quoted name has no end" : "the string has no end", err);
    }
    token->kind = name ? RV_TOKEN_QUOTED_NAME : RV_TOKEN_STRING;
    token->end = end + 1;
    token->text = rv_bytes_of(input.ptr + token->offset + 1, end - token->offset - 1);
    if (name && token->text.len == 0) {
        return refuse(token, RV_LITERAL("\"\""), "a quoted name must not be empty", err);
    }
    if (doubled > 0) {
        uint8_t *text = rv_arena_take_raw(lexer->arena, token->text.len - doubled);
        if (text == NULL) {
            return refuse_memory(err);
        }
        size_t len = 0;
        for (size_t i = 0; i < token->text.len; i++) {
            text[len++] = token->text.ptr[i];
            i += token->text.ptr[i] == quote;
        }
        RV_ASSERT(len == token->text.len - doubled);
        token->text = rv_bytes_of(text, len);
    }
    return RV_OK;
}

/* Digits with an optional point and exponent; a name may not follow at once. */
static rv_status read_number(rv_lexer *lexer, rv_token *token, rv_error *err) {
    const rv_bytes input = lexer->input;
    size_t end = token->offset;
    while (is_digit(byte_at(input, end))) {
        end++;
    }
    if (byte_at(input, end) == '.') {
        end++;
        while (is_digit(byte_at(input, end))) {
            end++;
        }
    }
    if ((byte_at(input, end) | 0x20) == 'e') {
        const uint8_t sign = byte_at(input, end + 1);
        const size_t digits = end + (sign == '+' || sign == '-' ? 2 : 1);
        if (is_digit(byte_at(input, digits))) {
            end = digits;
            while (is_digit(byte_at(input, end))) {
                end++;
            }
        }
    }
    RV_ASSERT(end > token->offset);
    token->kind = RV_TOKEN_NUMBER;
    token->end = end;
    token->text = rv_bytes_of(input.ptr + token->offset, end - token->offset);
    if (is_name_part(byte_at(input, end))) {
        while (is_name_part(byte_at(input, end))) {
            end++;
        }
        return refuse(token, rv_bytes_of(input.ptr + token->offset, end - token->offset),
                      "a number must end before a name begins", err);
    }
    return RV_OK;
}

static rv_status read_symbol(const rv_lexer *lexer, rv_token *token, rv_error *err) {
    const rv_bytes rest = rv_bytes_from(lexer->input, token->offset);
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        const size_t len = strlen(symbols[i]);
        if (rest.len >= len && memcmp(rest.ptr, symbols[i], len) == 0) {
            token->kind = RV_TOKEN_SYMBOL;
            token->text = rv_bytes_of(rest.ptr, len);
            token->end = token->offset + len;
            return RV_OK;
        }
    }
    const size_t len = rv_utf8_char_len(rest);
    RV_ASSERT(len > 0);
    if (rest.ptr[0] == '$') {
        return refuse_as(RV_UNSUPPORTED, token, RV_LITERAL("$"),
                         "strings stand in single quotes, not between dollars", err);
    }
    return refuse(token, rv_bytes_of(rest.ptr, len), "the character begins nothing known", err);
}

rv_status rv_lexer_next(rv_lexer *lexer, rv_error *err) {
    RV_ASSERT(lexer->pos <= lexer->input.len);
    const rv_lexer before = *lexer;
    rv_status status = skip_blank(lexer, err);
    if (status != RV_OK) {
        *lexer = before;
        return status;
    }
    rv_token token = token_at(lexer);
    const uint8_t c = byte_at(lexer->input, lexer->pos);
    if (lexer->pos == lexer->input.len) {
        status = RV_OK;
    } else if (is_name_start(c)) {
        status = read_name(lexer, &token, err);
    } else if (c == '\'' || c == '"') {
        status = read_quoted(lexer, &token, err);
    } else if (is_digit(c) || (c == '.' && is_digit(byte_at(lexer->input, lexer->pos + 1)))) {
        status = read_number(lexer, &token, err);
    } else {
        status = read_symbol(lexer, &token, err);
    }
    if (status != RV_OK) {
        *lexer = before;
        return status;
    }
    go_to(lexer, token.end);
    lexer->token = token;
    return RV_OK;
}

rv_status rv_lexer_start(rv_lexer *lexer, rv_bytes input, rv_arena *arena, rv_error *err) {
    RV_ASSERT(arena != NULL);
    memset(lexer, 0, sizeof *lexer);
    lexer->input = input;
    lexer->line = 1;
    lexer->column = 1;
    lexer->arena = arena;
    if (input.len > RV_SCHEMA_TEXT_MAX) {
        return rv_error_set(err, RV_SCHEMA_TOO_LARGE,
                            "the schema text has %u bytes; the limit is %u", (uint64_t)input.len,
                            (uint64_t)RV_SCHEMA_TEXT_MAX);
    }
    if (!rv_utf8_valid(input, NULL)) {
        return refuse_bytes(lexer, err);
    }
    return rv_lexer_next(lexer, err);
}

bool rv_lexer_is(const rv_lexer *lexer, const char *keyword_or_symbol) {
    const rv_token *token = &lexer->token;
    if (token->kind != RV_TOKEN_NAME && token->kind != RV_TOKEN_SYMBOL) {
        return false;
    }
    const size_t len = strlen(keyword_or_symbol);
    if (token->text.len != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)keyword_or_symbol[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
        if (token->text.ptr[i] != c) {
            return false;
        }
    }
    return true;
}

rv_status rv_lexer_error(const rv_lexer *lexer, rv_status status, const char *expected,
                         rv_error *err) {
    RV_ASSERT(expected != NULL && status != RV_OK);
    const rv_token *token = &lexer->token;
    rv_bytes met = rv_bytes_of_string("end of text");
    if (token->kind != RV_TOKEN_END) {
        met = rv_bytes_of(lexer->input.ptr + token->offset, token->end - token->offset);
        met.len = met.len > 80 ? 80 : met.len;
    }
    (void)rv_error_set(err, status, "line %u, column %u: met `%b`, expected %s",
                       (uint64_t)token->line, (uint64_t)token->column, &met, expected);
    rv_error_fact_uint(err, "line", token->line);
    rv_error_fact_uint(err, "column", token->column);
    rv_error_fact_text(err, "met", met);
    rv_error_fact_text(err, "expected", rv_bytes_of_string(expected));
    return status;
}
