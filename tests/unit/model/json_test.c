/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: exactly the texts of RFC 8259 are accepted, minus what the header refuses, and their tokens
 * come out right. Method: tables of texts to accept and to refuse, of the kinds that parsers are
 * known to get wrong; every accepted text cut at every length, which must be refused (numbers
 * aside) and never read beyond; changes of single bytes; skipping against reading; what is taken
 * without a token against tokens, over random objects; tokens spelled out.
 */
#include "core/model/json.h"
#include "core/model/value_number.h"
#include "tests/unit/test.h"

static uint8_t memory[4096];

#define DEEP_8   "[[[[[[[["
#define DEEP_64  DEEP_8 DEEP_8 DEEP_8 DEEP_8 DEEP_8 DEEP_8 DEEP_8 DEEP_8
#define CLOSE_8  "]]]]]]]]"
#define CLOSE_64 CLOSE_8 CLOSE_8 CLOSE_8 CLOSE_8 CLOSE_8 CLOSE_8 CLOSE_8 CLOSE_8

static const char *const accepted[] = {"null",
                                       "true",
                                       "false",
                                       "0",
                                       "-0",
                                       "1",
                                       "-1",
                                       "10",
                                       "123456789012345678901234567890",
                                       "0.5",
                                       "-0.0",
                                       "1.25e3",
                                       "1E3",
                                       "1e+3",
                                       "1e-3",
                                       "0e0",
                                       "0E+1",
                                       "1.0e00",
                                       "\"\"",
                                       "\"a\"",
                                       "\"a longer string without anything special in it\"",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                       "\"\\u0041\\u00e4\\u20ac\\uFFFF\"",
                                       "\"\\ud83d\\ude00\"",
                                       "\"\\uD800\\uDC00\"",
                                       "\"\\uDBFF\\uDFFF\"",
                                       "\"\x7f\"",
                                       "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
                                       "\"\xf4\x8f\xbf\xbf\"",
                                       "\"\xe2\x80\xa8\"",
                                       "\"1234567\\\"\"",
                                       "\"12345678\xc3\xa4\"",
                                       "[]",
                                       "{}",
                                       "[ ]",
                                       "{ }",
                                       "[1]",
                                       "[1,2]",
                                       "[[]]",
                                       "[[],[[]]]",
                                       "[null,true,false]",
                                       "{\"\":0}",
                                       "{\"a\":1}",
                                       "{\"a\":1,\"b\":2}",
                                       "{\"a\":1,\"a\":2}",
                                       "{\"a\":{\"b\":[{}]}}",
                                       " \t\r\n[ \t\r\n1 ] ",
                                       "{ \"a\" : 1 , \"b\" : [ ] }",
                                       "[1,\n2]",
                                       DEEP_64 DEEP_64 CLOSE_64 CLOSE_64};

static const char *const refused[] = {"",
                                      " ",
                                      "n",
                                      "nul",
                                      "nulll",
                                      "None",
                                      "NULL",
                                      "True",
                                      "tru",
                                      "truee",
                                      "undefined",
                                      "NaN",
                                      "Infinity",
                                      "-Infinity",
                                      "+1",
                                      "-",
                                      "--1",
                                      "01",
                                      "-01",
                                      "00",
                                      "1.",
                                      ".5",
                                      "-.5",
                                      "1.e1",
                                      "1e",
                                      "1e+",
                                      "1E-",
                                      "1e1.5",
                                      "1.2.3",
                                      "0x10",
                                      "1_000",
                                      "1a",
                                      "- 1",
                                      "1 2",
                                      "\"",
                                      "\"a",
                                      "\"\\\"",
                                      "\"\\\"",
                                      "\"\\x41\"",
                                      "\"\\a\"",
                                      "\"\\'\"",
                                      "\"\\u\"",
                                      "\"\\u004\"",
                                      "\"\\u00g1\"",
                                      "\"\\U0041\"",
                                      "\"\\u0000\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\ud800\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\ud800x\"",
                                      "\"\\ud83d\\ude0\"",
                                      "\"\n\"",
                                      "\"\t\"",
                                      "\"\x1f\"",
                                      "\"\x80\"",
                                      "\"\xc3\"",
                                      "\"\xc3\"x",
                                      "\"\xc0\x80\"",
                                      "\"\xed\xa0\x80\"",
                                      "\"\xf4\x90\x80\x80\"",
                                      "\"\xf8\x88\x80\x80\x80\"",
                                      "\"\xff\"",
                                      "\"12345678\xff\"",
                                      "'a'",
                                      "a",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[,]",
                                      "[1,,2]",
                                      "[1 2]",
                                      "[1;2]",
                                      "[1}",
                                      "{1]",
                                      "[\"a\":1]",
                                      "{",
                                      "}",
                                      "{,}",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":}",
                                      "{\"a\":1",
                                      "{\"a\":1,",
                                      "{\"a\":1,}",
                                      "{\"a\" 1}",
                                      "{\"a\",1}",
                                      "{a:1}",
                                      "{1:1}",
                                      "{null:1}",
                                      "{'a':1}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\"::1}",
                                      "{\"a\":1]",
                                      "[]]",
                                      "{}}",
                                      "[][]",
                                      "{}{}",
                                      "1,",
                                      ",",
                                      ":",
                                      "[1]x",
                                      "\"a\"\"b\"",
                                      "/**/1",
                                      "1//",
                                      "#",
                                      "[1]\f",
                                      "\xef\xbb\xbf"
                                      "1",
                                      "\xc2\xa0"
                                      "1",
                                      "[\v]",
                                      DEEP_64 DEEP_64 "[]" CLOSE_64 CLOSE_64};

/* Reads all tokens. */
static rv_status read_all(rv_bytes text, rv_arena *scratch, rv_error *err) {
    rv_json json = rv_json_over(text, scratch);
    rv_json_token token = {.kind = RV_JSON_NULL};
    rv_status status = RV_OK;
    do {
        status = rv_json_next(&json, &token, err);
    } while (status == RV_OK && token.kind != RV_JSON_END);
    if (status != RV_OK) {
        rv_status again = rv_json_next(&json, &token, NULL);
        status = again == RV_OK ? RV_OK : status; /* an error must stay one */
    }
    return status;
}

/* The same over a copy that ends where the memory does, so that reads beyond are seen. */
static rv_status read_exact(const char *text, size_t len) {
    static uint8_t copy[1024];
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    memcpy(copy + sizeof copy - len, text, len);
    return read_all(rv_bytes_of(copy + sizeof copy - len, len), &scratch, NULL);
}

RV_TEST(good_texts_are_accepted) {
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        if (read_exact(accepted[i], strlen(accepted[i])) != RV_OK) {
            fprintf(stderr, "`%s`\n", accepted[i]);
        }
        RV_CHECK_STATUS(read_exact(accepted[i], strlen(accepted[i])), RV_OK);
        RV_CHECK_STATUS(read_all(rv_bytes_of_string(accepted[i]), NULL, NULL), RV_OK);
    }
}

RV_TEST(bad_texts_are_refused_with_their_place) {
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        rv_error err;
        if (read_exact(refused[i], strlen(refused[i])) != RV_JSON_INVALID) {
            fprintf(stderr, "`%s`\n", refused[i]);
        }
        RV_CHECK_STATUS(read_exact(refused[i], strlen(refused[i])), RV_JSON_INVALID);
        RV_CHECK_STATUS(read_all(rv_bytes_of_string(refused[i]), NULL, &err), RV_JSON_INVALID);
        RV_CHECK(strstr(err.facts, "\"offset\":") != NULL);
        RV_CHECK(strncmp(err.detail, "line ", 5) == 0);
    }
    RV_CHECK_STATUS(read_exact("\"a\0b\"", 5), RV_JSON_INVALID);
    RV_CHECK_STATUS(read_exact("1\0", 2), RV_JSON_INVALID);
    RV_CHECK_STATUS(read_exact("[\0]", 3), RV_JSON_INVALID);
}

RV_TEST(cut_texts_are_refused) {
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        const char *text = accepted[i];
        const char first = text[0];
        for (size_t len = 0; len < strlen(text); len++) {
            const rv_status status = read_exact(text, len);
            const bool number = first == '-' || (first >= '0' && first <= '9');
            const bool blank_end = strspn(text + len, " \t\r\n") == strlen(text + len);
            RV_CHECK(status == RV_JSON_INVALID || number || blank_end);
        }
    }
}

RV_TEST(changed_bytes_do_no_harm) {
    uint64_t seed = 11;
    for (size_t round = 0; round < 300000; round++) {
        const char *text = accepted[rv_test_random(&seed) % (sizeof accepted / sizeof accepted[0])];
        char copy[512];
        const size_t len = strlen(text);
        memcpy(copy, text, len);
        copy[rv_test_random(&seed) % len] = (char)rv_test_random(&seed);
        const rv_status status = read_exact(copy, len);
        RV_CHECK(status == RV_OK || status == RV_JSON_INVALID);
    }
}

RV_TEST(tokens_come_out_as_written_or_unescaped) {
    static const struct {
        rv_json_kind kind;
        const char *text;
        size_t offset;
    } expected[] = {
        {RV_JSON_OBJECT_BEGIN, "{", 1}, {RV_JSON_KEY, "a\n", 3},
        {RV_JSON_ARRAY_BEGIN, "[", 11}, {RV_JSON_NUMBER, "-1.50e+3", 12},
        {RV_JSON_TRUE, "true", 22},     {RV_JSON_FALSE, "false", 28},
        {RV_JSON_NULL, "null", 35},     {RV_JSON_ARRAY_END, "]", 39},
        {RV_JSON_KEY, "", 42},          {RV_JSON_STRING, "\xf0\x9f\x98\x80 \"x\"", 47},
        {RV_JSON_OBJECT_END, "}", 67},  {RV_JSON_END, "", 69},
    };
    static const char text[] =
        " { \"a\\n\" : [-1.50e+3, true, false, null], \"\" : \"\\ud83d\\ude00 \\\"x\\\"\"} ";
    rv_arena scratch = rv_arena_over(memory, sizeof memory);
    rv_json json = rv_json_over(rv_bytes_of(text, sizeof text - 1), &scratch);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        rv_json_token token;
        RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
        RV_CHECK_EQ(token.kind, expected[i].kind);
        RV_CHECK_TEXT(token.text, expected[i].text);
    }
    RV_CHECK(scratch.len < 48); /* what unescaping did not need was given back */
    rv_json_token token;
    RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
    RV_CHECK_EQ(token.kind, RV_JSON_END);
}

RV_TEST(without_scratch_strings_stay_escaped) {
    rv_json json = rv_json_over(RV_LITERAL("\"a\\u0041\""), NULL);
    rv_json_token token;
    RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
    RV_CHECK_TEXT(token.text, "a\\u0041");
    rv_arena small = rv_arena_over(memory, 4);
    json = rv_json_over(RV_LITERAL("\"a\\u0041\""), &small);
    RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_MEMORY_EXHAUSTED);
    RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_JSON_INVALID);
}

RV_TEST(values_are_skipped_whole) {
    static const char *const values[] = {"1",
                                         "\"a\\n\"",
                                         "null",
                                         "[]",
                                         "{}",
                                         "[1,[2,{\"a\":[3]}],\"]\"]",
                                         "{ \"a\" : { \"b\" : \"}\" } , \"c\" : [ ] }"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "[0, %s , 9]", values[i]);
        rv_arena scratch = rv_arena_over(memory, sizeof memory);
        rv_json json = rv_json_over(rv_bytes_of_string(text), &scratch);
        rv_json_token token;
        rv_bytes whole;
        for (size_t k = 0; k < 3; k++) {
            RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
        }
        RV_CHECK_STATUS(rv_json_skip(&json, &token, &whole, NULL), RV_OK);
        RV_CHECK_TEXT(whole, values[i]);
        RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
        RV_CHECK_TEXT(token.text, "9");
    }
    rv_json json = rv_json_over(RV_LITERAL("[1, tru]"), NULL);
    rv_json_token token;
    rv_bytes whole;
    RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
    RV_CHECK_STATUS(rv_json_skip(&json, &token, &whole, NULL), RV_JSON_INVALID);
}

/* Strings of any length with escapes and brackets in them, so that every place in a block of
 * sixteen bytes sees a quote, a backslash and a bracket; then the same with the end cut off. */
RV_TEST(values_are_passed_as_they_are_skipped) {
    static uint8_t text[256];
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_write_text(&w, "[ {\"");
        static const char *const pieces[] = {"a",  "\\\"", "\\\\", "{", "}]", "long plain text",
                                             "\\n"};
        for (uint64_t left = rv_test_random(&seed) % 12; left > 0; left--) {
            rv_write_text(&w, pieces[rv_test_random(&seed) % 7]);
        }
        static const char *const ends[] = {"\":1}, 2]", "\":[[],{\"\":{}}]}]", "\" : \"}\" } ]"};
        rv_write_text(&w, ends[rv_test_random(&seed) % 3]);
        RV_CHECK(!w.full);
        for (size_t cut = 0; cut < 3; cut++) {
            rv_json skipping = rv_json_over(rv_bytes_of(text, w.len - cut * w.len / 4), NULL);
            rv_json_token token;
            RV_CHECK_STATUS(rv_json_next(&skipping, &token, NULL), RV_OK);
            if (rv_json_next(&skipping, &token, NULL) != RV_OK) {
                continue;
            }
            rv_json passing = skipping;
            rv_bytes skipped, passed;
            rv_error err;
            const rv_status status = rv_json_skip(&skipping, &token, &skipped, NULL);
            const rv_status pass = rv_json_pass(&passing, &token, &passed, &err);
            RV_CHECK_STATUS(pass, status);
            if (status == RV_OK) {
                RV_CHECK(rv_bytes_equal(passed, skipped));
                RV_CHECK(passing.pos == skipping.pos && passing.state == skipping.state);
            } else {
                RV_CHECK(strstr(err.detail, "end of text") != NULL);
                RV_CHECK_STATUS(rv_json_next(&passing, &token, NULL), RV_JSON_INVALID);
            }
        }
    }
}

/* An object of random members, now and then with a byte that is wrong. */
static rv_bytes random_object(uint64_t *seed, uint8_t *text, size_t cap) {
    static const char *const keys[] = {"\"a\"", "\"bc\"", "\"a\\u0062\"", "\"ä\"",
                                       "\"a_name_that_is_longer_than_16\""};
    static const char *const values[] = {"0",
                                         "-0",
                                         "7",
                                         "-12",
                                         "007",
                                         "12.5",
                                         "1e3",
                                         "-",
                                         "\"\"",
                                         "\"x\"",
                                         "\"ü\"",
                                         "\"\\n\"",
                                         "null",
                                         "true",
                                         "{}",
                                         "[1]",
                                         "32768",
                                         "-32768",
                                         "999999999999999999",
                                         "1000000000000000000",
                                         "\"a longer string without anything special in it\""};
    static const char *const spaces[] = {"", "", " ", "\n\t "};
    rv_writer w = rv_writer_over(text, cap);
    rv_write_u8(&w, '{');
    const uint64_t count = rv_test_random(seed) % 4;
    for (uint64_t i = 0; i < count; i += 1) {
        rv_write_text(&w, i > 0 ? "," : "");
        rv_write_text(&w, spaces[rv_test_random(seed) % 4]);
        rv_write_text(&w, keys[rv_test_random(seed) % (sizeof keys / sizeof keys[0])]);
        rv_write_text(&w, spaces[rv_test_random(seed) % 4]);
        rv_write_u8(&w, ':');
        rv_write_text(&w, spaces[rv_test_random(seed) % 4]);
        rv_write_text(&w, values[rv_test_random(seed) % (sizeof values / sizeof values[0])]);
        rv_write_text(&w, spaces[rv_test_random(seed) % 4]);
    }
    rv_write_u8(&w, '}');
    if (rv_test_random(seed) % 4 == 0) {
        text[rv_test_random(seed) % w.len] = (uint8_t)rv_test_random(seed);
    }
    w.len -= rv_test_random(seed) % 8 == 0 ? (size_t)(rv_test_random(seed) % w.len) : 0;
    return rv_writer_bytes(&w);
}

static bool same_place(const rv_json *a, const rv_json *b) {
    return a->pos == b->pos && a->state == b->state && a->depth == b->depth;
}

/* What the token at `json` is to those who take, counted in `taken`: `met` is what rv_json_next
 * says of it. */
static void check_taking(const rv_json *json, rv_status met, const rv_json_token *token,
                         const rv_json *behind, uint32_t *taken) {
    static const char *const names[] = {"a", "bc", "ab", "ä", "a_name_that_is_longer_than_16"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i += 1) {
        rv_json mine = *json;
        const rv_bytes name = rv_bytes_of_string(names[i]);
        const bool is = rv_json_take_key(&mine, name);
        RV_CHECK(!is ||
                 (met == RV_OK && token->kind == RV_JSON_KEY && rv_bytes_equal(token->text, name)));
        RV_CHECK(same_place(&mine, is ? behind : json));
        *taken += is;
    }
    rv_json mine = *json;
    int64_t value = 0;
    int64_t expected = 0;
    bool is = rv_json_take_int(&mine, -32768, 65535, &value);
    RV_CHECK(!is || (met == RV_OK && token->kind == RV_JSON_NUMBER &&
                     rv_number_parse_int(token->text, &expected) == RV_NUMBER_OK));
    RV_CHECK(!is || (value == expected && value >= -32768 && value <= 32767));
    RV_CHECK(same_place(&mine, is ? behind : json));
    *taken += is;
    rv_bytes text = {NULL, 0};
    mine = *json;
    is = rv_json_take_string(&mine, &text);
    RV_CHECK(!is ||
             (met == RV_OK && token->kind == RV_JSON_STRING && rv_bytes_equal(token->text, text)));
    RV_CHECK(same_place(&mine, is ? behind : json));
    *taken += is;
}

RV_TEST(what_is_taken_is_what_is_read) {
    uint64_t seed = 17;
    uint32_t taken = 0, left = 0;
    for (uint32_t i = 0; i < 20000; i += 1) {
        uint8_t text[512];
        const rv_bytes object = random_object(&seed, text, sizeof text);
        rv_arena scratch = rv_arena_over(memory, sizeof memory);
        rv_json json = rv_json_over(object, &scratch);
        rv_json_token token = {.kind = RV_JSON_NULL};
        rv_status status = RV_OK;
        while (status == RV_OK && token.kind != RV_JSON_END) {
            const rv_json before = json;
            status = rv_json_next(&json, &token, NULL);
            uint32_t some = 0;
            check_taking(&before, status, &token, &json, &some);
            RV_CHECK(some <= 1);
            RV_CHECK_PASSED();
            taken += some;
            left += 1 - some;
        }
    }
    RV_CHECK(taken > 20000 && left > 20000);
}

RV_TEST(errors_tell_what_was_met) {
    rv_error err;
    RV_CHECK_STATUS(read_all(RV_LITERAL("{\"ä\": 1,\n  \"b\" 2}"), NULL, &err), RV_JSON_INVALID);
    RV_CHECK_TEXT(rv_error_detail(&err), "line 2, column 7: met `2`, expected `:`");
    RV_CHECK(strcmp(err.facts, "\"offset\":16,\"line\":2,\"column\":7") == 0);
    RV_CHECK_STATUS(read_all(RV_LITERAL("[1"), NULL, &err), RV_JSON_INVALID);
    RV_CHECK_TEXT(rv_error_detail(&err),
                  "line 1, column 3: met `end of text`, expected `,` or `]`");
}

int main(void) {
    RV_RUN(good_texts_are_accepted);
    RV_RUN(bad_texts_are_refused_with_their_place);
    RV_RUN(cut_texts_are_refused);
    RV_RUN(changed_bytes_do_no_harm);
    RV_RUN(tokens_come_out_as_written_or_unescaped);
    RV_RUN(without_scratch_strings_stay_escaped);
    RV_RUN(values_are_skipped_whole);
    RV_RUN(values_are_passed_as_they_are_skipped);
    RV_RUN(what_is_taken_is_what_is_read);
    RV_RUN(errors_tell_what_was_met);
    return rv_test_done();
}
