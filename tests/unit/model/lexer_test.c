/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: text falls into the right tokens at the right places, and what is no token is refused where
 * it stands, leaving the lexer as it was. Method: texts with their tokens spelled out; a table of
 * refusals with line and column; every prefix of a text, and random bytes; arenas of every size.
 */
#include "core/base/limits.h"
#include "core/model/lexer.h"
#include "tests/unit/test.h"

static uint8_t memory[4096];

static const char sample[] =
    "CREATE Aggregate \"a\"\"B\" ( -- a (comment)\n"
    "\tÄpfel varchar(40), /* more\n * lines */ 'it''s', ''\n"
    "1.5e-3 .5 7. 1e5 <= >= <> != || :: -> ->> < > = + - * / % ; . [ ] a$1)";

static const struct {
    rv_token_kind kind;
    const char *text;
    uint32_t line;
    uint32_t column;
} expected[] = {
    {RV_TOKEN_NAME, "create", 1, 1},
    {RV_TOKEN_NAME, "aggregate", 1, 8},
    {RV_TOKEN_QUOTED_NAME, "a\"B", 1, 18},
    {RV_TOKEN_SYMBOL, "(", 1, 25},
    {RV_TOKEN_NAME, "Äpfel", 2, 2},
    {RV_TOKEN_NAME, "varchar", 2, 8},
    {RV_TOKEN_SYMBOL, "(", 2, 15},
    {RV_TOKEN_NUMBER, "40", 2, 16},
    {RV_TOKEN_SYMBOL, ")", 2, 18},
    {RV_TOKEN_SYMBOL, ",", 2, 19},
    {RV_TOKEN_STRING, "it's", 3, 13},
    {RV_TOKEN_SYMBOL, ",", 3, 20},
    {RV_TOKEN_STRING, "", 3, 22},
    {RV_TOKEN_NUMBER, "1.5e-3", 4, 1},
    {RV_TOKEN_NUMBER, ".5", 4, 8},
    {RV_TOKEN_NUMBER, "7.", 4, 11},
    {RV_TOKEN_NUMBER, "1e5", 4, 14},
    {RV_TOKEN_SYMBOL, "<=", 4, 18},
    {RV_TOKEN_SYMBOL, ">=", 4, 21},
    {RV_TOKEN_SYMBOL, "<>", 4, 24},
    {RV_TOKEN_SYMBOL, "!=", 4, 27},
    {RV_TOKEN_SYMBOL, "||", 4, 30},
    {RV_TOKEN_SYMBOL, "::", 4, 33},
    {RV_TOKEN_SYMBOL, "->", 4, 36},
    {RV_TOKEN_SYMBOL, "->>", 4, 39},
    {RV_TOKEN_SYMBOL, "<", 4, 43},
    {RV_TOKEN_SYMBOL, ">", 4, 45},
    {RV_TOKEN_SYMBOL, "=", 4, 47},
    {RV_TOKEN_SYMBOL, "+", 4, 49},
    {RV_TOKEN_SYMBOL, "-", 4, 51},
    {RV_TOKEN_SYMBOL, "*", 4, 53},
    {RV_TOKEN_SYMBOL, "/", 4, 55},
    {RV_TOKEN_SYMBOL, "%", 4, 57},
    {RV_TOKEN_SYMBOL, ";", 4, 59},
    {RV_TOKEN_SYMBOL, ".", 4, 61},
    {RV_TOKEN_SYMBOL, "[", 4, 63},
    {RV_TOKEN_SYMBOL, "]", 4, 65},
    {RV_TOKEN_NAME, "a$1", 4, 67},
    {RV_TOKEN_SYMBOL, ")", 4, 70},
    {RV_TOKEN_END, "", 4, 71},
    {RV_TOKEN_END, "", 4, 71},
};

RV_TEST(tokens_have_kind_text_and_place) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_lexer lexer;
    RV_CHECK_STATUS(rv_lexer_start(&lexer, rv_bytes_of(sample, sizeof sample - 1), &arena, NULL),
                    RV_OK);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        RV_CHECK_EQ(lexer.token.kind, expected[i].kind);
        RV_CHECK_TEXT(lexer.token.text, expected[i].text);
        RV_CHECK_EQ(lexer.token.line, expected[i].line);
        RV_CHECK_EQ(lexer.token.column, expected[i].column);
        RV_CHECK(lexer.token.offset <= lexer.token.end && lexer.token.end <= sizeof sample - 1);
        RV_CHECK_STATUS(rv_lexer_next(&lexer, NULL), RV_OK);
    }
}

RV_TEST(what_is_no_token_is_refused_where_it_stands) {
    static const struct {
        const char *text;
        uint64_t line;
        uint64_t column;
    } cases[] = {
        {"'open", 1, 1},          {"\"open", 1, 1}, {"\"\"", 1, 1},   {"\n  /* open", 2, 3},
        {"/* /* */ $", 1, 10},    {"ä $", 1, 3},    {"!", 1, 1},      {"'it''", 1, 1},
        {"12abc", 1, 1},          {"1.5e", 1, 1},   {"\n\xff", 2, 1}, {"ab\xc3", 1, 3},
        {"'\xed\xa0\x80'", 1, 2}, {"`", 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_lexer lexer;
        rv_error err;
        rv_status status = rv_lexer_start(&lexer, rv_bytes_of_string(cases[i].text), &arena, &err);
        while (status == RV_OK && lexer.token.kind != RV_TOKEN_END) {
            status = rv_lexer_next(&lexer, &err);
        }
        const bool dollar = strchr(cases[i].text, '$') != NULL; /* strings of PostgreSQL */
        RV_CHECK_STATUS(status, dollar ? RV_UNSUPPORTED : RV_SCHEMA_SYNTAX);
        char facts[64];
        snprintf(facts, sizeof facts, "\"line\":%" PRIu64 ",\"column\":%" PRIu64 ",", cases[i].line,
                 cases[i].column);
        if (strncmp(err.facts, facts, strlen(facts)) != 0) {
            fprintf(stderr, "`%s`: %s\n", cases[i].text, err.facts);
        }
        RV_CHECK(strncmp(err.facts, facts, strlen(facts)) == 0);
        RV_CHECK(strstr(err.facts, "\"met\":") != NULL);
    }
    rv_lexer lexer;
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    RV_CHECK_STATUS(rv_lexer_start(&lexer, rv_bytes_of("a\0b", 3), &arena, NULL), RV_SCHEMA_SYNTAX);
}

RV_TEST(after_an_error_the_lexer_stands_where_it_stood) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_lexer lexer;
    RV_CHECK_STATUS(rv_lexer_start(&lexer, RV_LITERAL("a 'open"), &arena, NULL), RV_OK);
    for (size_t i = 0; i < 3; i++) {
        RV_CHECK_STATUS(rv_lexer_next(&lexer, NULL), RV_SCHEMA_SYNTAX);
        RV_CHECK(rv_lexer_is(&lexer, "a"));
    }
}

RV_TEST(keywords_are_found_in_any_case_and_never_in_quotes) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_lexer lexer;
    RV_CHECK_STATUS(
        rv_lexer_start(&lexer, RV_LITERAL("Create \"create\" 'create' <="), &arena, NULL), RV_OK);
    RV_CHECK(rv_lexer_is(&lexer, "create") && rv_lexer_is(&lexer, "CREATE"));
    RV_CHECK(!rv_lexer_is(&lexer, "creat") && !rv_lexer_is(&lexer, "created"));
    for (size_t i = 0; i < 2; i++) {
        RV_CHECK_STATUS(rv_lexer_next(&lexer, NULL), RV_OK);
        RV_CHECK(!rv_lexer_is(&lexer, "create"));
    }
    RV_CHECK_STATUS(rv_lexer_next(&lexer, NULL), RV_OK);
    RV_CHECK(rv_lexer_is(&lexer, "<=") && !rv_lexer_is(&lexer, "<"));
}

RV_TEST(errors_say_what_was_met_and_expected) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_lexer lexer;
    rv_error err;
    RV_CHECK_STATUS(rv_lexer_start(&lexer, RV_LITERAL("\n  Foo"), &arena, NULL), RV_OK);
    RV_CHECK_STATUS(rv_lexer_error(&lexer, RV_SCHEMA_SYNTAX, "`)`", &err), RV_SCHEMA_SYNTAX);
    RV_CHECK_TEXT(rv_error_detail(&err), "line 2, column 3: met `Foo`, expected `)`");
    RV_CHECK(strcmp(err.facts, "\"line\":2,\"column\":3,\"met\":\"Foo\",\"expected\":\"`)`\"") ==
             0);
    RV_CHECK_STATUS(rv_lexer_next(&lexer, NULL), RV_OK);
    RV_CHECK_STATUS(rv_lexer_error(&lexer, RV_SCHEMA_SYNTAX, "`)`", &err), RV_SCHEMA_SYNTAX);
    RV_CHECK_TEXT(rv_error_detail(&err), "line 2, column 6: met `end of text`, expected `)`");
}

/* Reads to the end or the first error; tokens never overlap or run backwards. */
static rv_status read_all(rv_bytes text, size_t arena_size) {
    rv_arena arena = rv_arena_over(memory, arena_size);
    rv_lexer lexer;
    rv_status status = rv_lexer_start(&lexer, text, &arena, NULL);
    size_t end = 0;
    while (status == RV_OK && lexer.token.kind != RV_TOKEN_END) {
        if (lexer.token.offset < end || lexer.token.end <= lexer.token.offset) {
            return RV_PENDING;
        }
        end = lexer.token.end;
        status = rv_lexer_next(&lexer, NULL);
    }
    return status;
}

RV_TEST(any_text_ends_in_tokens_or_a_refusal) {
    static uint8_t copy[512];
    for (size_t len = 0; len < sizeof sample; len++) {
        memcpy(copy + sizeof copy - len, sample, len);
        const rv_status status =
            read_all(rv_bytes_of(copy + sizeof copy - len, len), sizeof memory);
        RV_CHECK(status == RV_OK || status == RV_SCHEMA_SYNTAX);
    }
    uint64_t seed = 2;
    for (size_t round = 0; round < 100000; round++) {
        const size_t len = (size_t)(rv_test_random(&seed) % 40);
        for (size_t i = 0; i < len; i++) {
            copy[i] = (uint8_t) "aZ_9 .'\"-/*<=>|:!(e\n\xc3\xa4"[rv_test_random(&seed) % 22];
        }
        const rv_status status = read_all(rv_bytes_of(copy, len), sizeof memory);
        RV_CHECK(status == RV_OK || status == RV_SCHEMA_SYNTAX || status == RV_UNSUPPORTED);
    }
}

RV_TEST(a_full_arena_and_a_long_text_are_told) {
    bool refused = false;
    for (size_t size = 0; size < 256; size++) {
        const rv_status status = read_all(rv_bytes_of(sample, sizeof sample - 1), size);
        RV_CHECK(status == RV_OK || status == RV_SCHEMA_TOO_LARGE);
        refused = refused || status == RV_SCHEMA_TOO_LARGE;
    }
    RV_CHECK(refused);
    static uint8_t long_text[RV_SCHEMA_TEXT_MAX + 1];
    memset(long_text, ' ', sizeof long_text);
    RV_CHECK_STATUS(read_all(rv_bytes_of(long_text, sizeof long_text), 64), RV_SCHEMA_TOO_LARGE);
    RV_CHECK_STATUS(read_all(rv_bytes_of(long_text, sizeof long_text - 1), 64), RV_OK);
}

int main(void) {
    RV_RUN(tokens_have_kind_text_and_place);
    RV_RUN(what_is_no_token_is_refused_where_it_stands);
    RV_RUN(after_an_error_the_lexer_stands_where_it_stood);
    RV_RUN(keywords_are_found_in_any_case_and_never_in_quotes);
    RV_RUN(errors_say_what_was_met_and_expected);
    RV_RUN(any_text_ends_in_tokens_or_a_refusal);
    RV_RUN(a_full_arena_and_a_long_text_are_told);
    return rv_test_done();
}
