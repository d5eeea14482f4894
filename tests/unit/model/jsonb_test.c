/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: json keeps its text, jsonb has PostgreSQL's canonical one and no other, and jsonb are
 * ordered as PostgreSQL orders them. Method: a table of texts with what PostgreSQL 15 makes of them
 * (thousands more are compared with it by tests/oracle); a list in PostgreSQL's order, of which all
 * pairs are compared; random texts, of which the canonical form is a fixed point, the only form
 * among its mutations that the checker takes, and equal in value to any other spelling; too little
 * memory, at every size.
 */
#include "core/model/jsonb.h"
#include "core/model/value_json.h"
#include "platform/memory/random.h"
#include "tests/unit/test.h"

static uint8_t memory[1 << 20];
static const rv_type json_type = {.kind = RV_TYPE_JSON};
static const rv_type jsonb_type = {.kind = RV_TYPE_JSONB};

static rv_status read(const rv_type *type, rv_bytes text, rv_arena *arena, rv_value *value) {
    rv_error err = {.status = RV_OK};
    return rv_value_from_text(type, text, RV_LITERAL("x"), arena, value, &err);
}

static const char *const canonical[][2] = {
    {" null ", "null"},
    {"{}", "{}"},
    {" [ ] ", "[]"},
    {"[1,2 , \"x\"]", "[1, 2, \"x\"]"},
    {"{\"b\":1,\"a\":2}", "{\"a\": 2, \"b\": 1}"},
    {"{\"aa\":1,\"b\":2,\"a\":3}", "{\"a\": 3, \"b\": 2, \"aa\": 1}"},
    {"{\"a\":1,\"a\":2}", "{\"a\": 2}"},
    {"{\"b\":1,\"a\":{\"d\":[],\"c\":{}},\"b\":3,\"a\":4,\"c\":5}",
     "{\"a\": 4, \"b\": 3, \"c\": 5}"},
    {"{\"a\\n\":1,\"b\":2,\"\\t\":3,\"\":4}", "{\"\": 4, \"\\t\": 3, \"b\": 2, \"a\\n\": 1}"},
    {"{\"\\u0061\":1,\"a\":2}", "{\"a\": 2}"},
    {"{\"\xc3\xa9\":1,\"zz\":2,\"z\":3}", "{\"z\": 3, \"zz\": 2, \"\xc3\xa9\": 1}"},
    {"\"\\u0041\\/\\u00e4\\u000a\\u001F\\ud83d\\ude00\"",
     "\"A/\xc3\xa4\\n\\u001f\xf0\x9f\x98\x80\""},
    {"[-0,-0.00,0e5,0e-3,1e2,1.50,1.5e3,15e-1,12e0]",
     "[0, 0.00, 0, 0.000, 100, 1.50, 1500, 1.5, 12]"},
    {"1e30", "1000000000000000000000000000000"},
};

RV_TEST(jsonb_has_one_text) {
    for (size_t i = 0; i < sizeof canonical / sizeof canonical[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_value value = rv_value_null();
        RV_CHECK_STATUS(read(&jsonb_type, rv_bytes_of_string(canonical[i][0]), &arena, &value),
                        RV_OK);
        RV_CHECK_TEXT(value.as.bytes, canonical[i][1]);
        RV_CHECK(rv_jsonb_check(value.as.bytes));
        RV_CHECK_EQ(rv_jsonb_check(rv_bytes_of_string(canonical[i][0])),
                    strcmp(canonical[i][0], canonical[i][1]) == 0);
    }
}

/* JSON, but not as jsonb is written: nobody who keeps to the format sends it. */
RV_TEST(a_jsonb_that_is_written_otherwise_is_refused) {
    static const char *const others[] = {
        "\"\\u000a\"", "\"\\u0022\"", "\"\\u005c\"", "\"\\/\"",
        "\"\\u0041\"", "\"\\u00e4\"", "\"\\u001F\"", "{\"\\u000a\": 1}",
        "1e2",         "1E2",         "-0",          "-0.00",
        "[1 , 2]",     "[1,2]",       "{\"a\":1}",   "{ \"a\": 1}",
        "[1, 2] ",     " 1",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const rv_bytes text = rv_bytes_of_string(others[i]);
        RV_CHECK(rv_json_check(text) && !rv_jsonb_check(text));
    }
}

RV_TEST(a_json_is_its_text) {
    static const char *const texts[] = {" {\"b\":1,\"a\":2 ,\"a\":1e3} ", "null", "\"\\u0041\"",
                                        "[1,\r\n2]"};
    static const char *const shown[] = {" {\"b\":1,\"a\":2 ,\"a\":1e3} ", "null", "\"\\u0041\"",
                                        "[1,  2]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_value value = rv_value_null();
        RV_CHECK_STATUS(read(&json_type, rv_bytes_of_string(texts[i]), &arena, &value), RV_OK);
        RV_CHECK_TEXT(value.as.bytes, texts[i]);
        uint8_t out[64];
        rv_writer w = rv_writer_over(out, sizeof out);
        rv_value_to_json(&json_type, &value, &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), shown[i]);
    }
}

RV_TEST(what_is_no_json_is_refused) {
    static char deep[2 * RV_JSON_VALUE_DEPTH_MAX + 8];
    static char digits[RV_DECIMAL_WHOLE_MAX + 8];
    static const char *const bad[] = {"",         " ",        "{",   "[1,]",
                                      "{\"a\"}",  "1 2",      "nul", "\"\\ud800\"",
                                      "\"\x01\"", "\"\xff\"", "'a'"};
    rv_value value = rv_value_null();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        const rv_bytes text = rv_bytes_of_string(bad[i]);
        RV_CHECK_STATUS(read(&json_type, text, &arena, &value), RV_VALUE_INVALID);
        RV_CHECK_STATUS(read(&jsonb_type, text, &arena, &value), RV_VALUE_INVALID);
        RV_CHECK(!rv_json_check(text) && !rv_jsonb_check(text));
    }
    for (size_t depth = RV_JSON_VALUE_DEPTH_MAX; depth <= RV_JSON_VALUE_DEPTH_MAX + 1; depth++) {
        const rv_status expected = depth > RV_JSON_VALUE_DEPTH_MAX ? RV_VALUE_INVALID : RV_OK;
        const rv_bytes text = rv_bytes_of(deep, 2 * depth);
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        RV_CHECK_STATUS(read(&json_type, text, &arena, &value), expected);
        RV_CHECK_STATUS(read(&jsonb_type, text, &arena, &value), expected);
        RV_CHECK_EQ(rv_json_check(text), expected == RV_OK);
        RV_CHECK_EQ(rv_jsonb_check(text), expected == RV_OK);
    }
    memset(digits, '7', sizeof digits);
    for (size_t len = RV_DECIMAL_WHOLE_MAX; len <= RV_DECIMAL_WHOLE_MAX + 1; len++) {
        const rv_status expected = len > RV_DECIMAL_WHOLE_MAX ? RV_VALUE_OUT_OF_RANGE : RV_OK;
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        RV_CHECK_STATUS(read(&jsonb_type, rv_bytes_of(digits, len), &arena, &value), expected);
        RV_CHECK_EQ(rv_jsonb_check(rv_bytes_of(digits, len)), expected == RV_OK);
    }
}

/* Each is less than the next, as PostgreSQL sorts them; those of one line are equal. */
static const char *const ordered[][3] = {
    {"[]", "[]", "[]"},
    {"null", "null", "null"},
    {"\"\"", "\"\"", "\"\""},
    {"\"\\t\"", "\"\\t\"", "\"\\t\""},
    {"\"a\"", "\"a\"", "\"a\""},
    {"\"a\\\"\"", "\"a\\\"\"", "\"a\\\"\""},
    {"\"b\"", "\"b\"", "\"b\""},
    {"-12", "-12.0", "-12.00"},
    {"-1.5", "-1.50", "-1.500"},
    {"-1", "-1", "-1.0"},
    {"0", "0.0", "0.000"},
    {"0.5", "0.50", "0.500"},
    {"9", "9", "9.0"},
    {"10", "10", "10"},
    {"false", "false", "false"},
    {"true", "true", "true"},
    {"[null]", "[null]", "[null]"},
    {"[1]", "[1.0]", "[1.00]"},
    {"[[]]", "[[]]", "[[]]"},
    {"[[1]]", "[[1]]", "[[1.0]]"},
    {"[[0, 0]]", "[[0, 0]]", "[[0, 0]]"},
    {"[{}]", "[{}]", "[{}]"},
    {"[\"z\", 1]", "[\"z\", 1]", "[\"z\", 1]"},
    {"[1, [9]]", "[1, [9]]", "[1, [9.0]]"},
    {"[1, [0, 0]]", "[1, [0, 0]]", "[1, [0, 0]]"},
    {"[0, 0, 0]", "[0, 0, 0]", "[0, 0, 0]"},
    {"{}", "{}", "{}"},
    {"{\"a\": 1}", "{\"a\": 1.0}", "{\"a\": 1.00}"},
    {"{\"a\": 2}", "{\"a\": 2}", "{\"a\": 2}"},
    {"{\"a\": [1]}", "{\"a\": [1]}", "{\"a\": [1]}"},
    {"{\"a\": [1, 2]}", "{\"a\": [1, 2]}", "{\"a\": [1, 2]}"},
    {"{\"b\": 0}", "{\"b\": 0}", "{\"b\": 0}"},
    {"{\"a\": 1, \"b\": 1}", "{\"a\": 1, \"b\": 1}", "{\"a\": 1, \"b\": 1}"},
};

static void canonical_form(rv_bytes text, rv_writer *w) {
    const rv_value value = rv_value_bytes(text);
    rv_value_canonical(&jsonb_type, &value, w);
}

RV_TEST(order_is_postgresqls) {
    const size_t count = sizeof ordered / sizeof ordered[0];
    for (size_t i = 0; i < 3 * count; i++) {
        const rv_bytes a = rv_bytes_of_string(ordered[i / 3][i % 3]);
        RV_CHECK(rv_jsonb_check(a));
        for (size_t j = 0; j < 3 * count; j++) {
            const rv_bytes b = rv_bytes_of_string(ordered[j / 3][j % 3]);
            const int met = rv_jsonb_compare(a, b);
            const int expected = (i / 3 > j / 3) - (i / 3 < j / 3);
            if ((met > 0) - (met < 0) != expected) {
                fprintf(stderr, "%s against %s: %d\n", (const char *)a.ptr, (const char *)b.ptr,
                        met);
            }
            RV_CHECK_EQ((met > 0) - (met < 0), expected);
            uint8_t forms[2][64];
            rv_writer w[2] = {rv_writer_over(forms[0], 64), rv_writer_over(forms[1], 64)};
            canonical_form(a, &w[0]);
            canonical_form(b, &w[1]);
            RV_CHECK_EQ(rv_bytes_equal(rv_writer_bytes(&w[0]), rv_writer_bytes(&w[1])),
                        expected == 0);
        }
    }
}

/* A random JSON text of a few levels; the same `seed` and other `style` give another spelling. */
static void random_json(uint64_t seed, uint64_t *style, rv_writer *w) {
    static const char *const scalars[] = {"null",  "true", "false", "0",        "-7",
                                          "12.50", "1.5",  "\"\"",  "\"a\\n\"", "\"\\\"x\""};
    static const char *const keys[] = {"", "a", "bb", "\\t", "b", "aaa"};
    uint8_t open[8];
    size_t depth = 0;
    bool some = false;
    do {
        const uint64_t r = rv_random_below(&seed, 100);
        const bool closes = depth > 0 && (depth == 6 || r < 30);
        if (!closes && some) {
            rv_write_u8(w, ',');
        }
        rv_write_text(w, rv_random_below(style, 4) == 0 ? " " : "");
        if (closes) {
            rv_write_u8(w, open[--depth]);
            some = true;
            continue;
        }
        if (depth > 0 && open[depth - 1] == '}') {
            rv_write_u8(w, '"');
            rv_write_text(w, keys[rv_random_below(&seed, 6)]);
            rv_write_text(w, rv_random_below(style, 2) == 0 ? "\":" : "\" : ");
        }
        some = r >= 60;
        if (r < 60) {
            open[depth++] = r < 45 ? ']' : '}';
            rv_write_u8(w, r < 45 ? '[' : '{');
            continue;
        }
        const char *const scalar = scalars[rv_random_below(&seed, 10)];
        rv_write_text(w, scalar);
        if (strcmp(scalar, "1.5") == 0) {
            rv_write_text(w, rv_random_below(style, 2) == 0 ? "00" : "");
        }
    } while (depth > 0);
}

RV_TEST(random_texts_have_one_form) {
    uint64_t style = 1;
    uint64_t noise = 2;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory / 2);
        static uint8_t texts[2][1 << 16];
        rv_value values[2];
        for (size_t k = 0; k < 2; k++) {
            rv_writer w = rv_writer_over(texts[k], sizeof texts[k]);
            random_json(seed, &style, &w);
            RV_CHECK(!w.full);
            RV_CHECK_STATUS(read(&jsonb_type, rv_writer_bytes(&w), &arena, &values[k]), RV_OK);
            RV_CHECK(rv_jsonb_check(values[k].as.bytes));
            rv_value again;
            RV_CHECK_STATUS(read(&jsonb_type, values[k].as.bytes, &arena, &again), RV_OK);
            RV_CHECK(rv_bytes_equal(again.as.bytes, values[k].as.bytes));
        }
        RV_CHECK_EQ(rv_jsonb_compare(values[0].as.bytes, values[1].as.bytes), 0);
        RV_CHECK_EQ(rv_jsonb_plain_len(values[0].as.bytes), rv_jsonb_plain_len(values[1].as.bytes));
        const size_t len = values[0].as.bytes.len;
        for (size_t i = 0; i < 20; i++) { /* a text beside it is no jsonb, or its own form */
            uint8_t *const changed = texts[0];
            memcpy(changed, values[0].as.bytes.ptr, len);
            changed[rv_random_below(&noise, len)] =
                (uint8_t) " {}[]\",:\\0.e-1ab"[rv_random_below(&noise, 16)];
            const rv_bytes text = rv_bytes_of(changed, len);
            if (rv_jsonb_check(text)) {
                rv_value again;
                RV_CHECK_STATUS(read(&jsonb_type, text, &arena, &again), RV_OK);
                RV_CHECK(rv_bytes_equal(again.as.bytes, text));
            }
        }
        const uint8_t first = values[0].as.bytes.ptr[0];
        const bool number = first == '-' || (first >= '0' && first <= '9');
        for (size_t cut = 0; cut < len && seed < 200 && !number; cut++) {
            RV_CHECK(!rv_jsonb_check(rv_bytes_of(values[0].as.bytes.ptr, cut)));
        }
    }
}

/* Walks the plain form in pieces of every size. */
RV_TEST(the_plain_form_does_not_depend_on_pieces) {
    static const char text[] = "[1.500, 0.0, \"1.500\\\"0.0\", -10.0100, 100, {\"a.0\": 2.0}]";
    static const char plain[] = "[1.5, 0, \"1.500\\\"0.0\", -10.01, 100, {\"a.0\": 2}]";
    for (size_t size = 1; size < sizeof text; size++) {
        uint8_t out[128];
        rv_writer w = rv_writer_over(out, sizeof out);
        rv_jsonb_plain state = {0};
        for (size_t at = 0; at < sizeof text - 1; at += size) {
            const size_t left = sizeof text - 1 - at;
            rv_jsonb_plain_write(&state, rv_bytes_of(text + at, left < size ? left : size), &w);
        }
        RV_CHECK_TEXT(rv_writer_bytes(&w), plain);
    }
    RV_CHECK_EQ(rv_jsonb_plain_len(rv_bytes_of_string(text)), sizeof plain - 1);
}

RV_TEST(too_little_memory_is_told) {
    const rv_bytes text =
        RV_LITERAL("{\"b\":[1,2,{\"z\":1,\"y\":1e3}],\"a\":\"\\u0041\",\"c\":-0}");
    bool some = false;
    for (size_t cap = 0; cap < 16000; cap += 16) {
        rv_arena arena = rv_arena_over(memory, cap);
        rv_value value = rv_value_null();
        const rv_status status = read(&jsonb_type, text, &arena, &value);
        RV_CHECK(status == RV_OK || status == RV_MEMORY_EXHAUSTED);
        some = some || status == RV_OK;
        RV_CHECK(status != RV_OK ||
                 rv_bytes_are(value.as.bytes, "{\"a\": \"A\", \"b\": [1, 2, {\"y\": 1000, \"z\": "
                                              "1}], \"c\": 0}"));
    }
    RV_CHECK(some);
}

RV_TEST(json_takes_any_json) {
    static const char *const cases[][2] = {{"{\"b\":1, \"a\":[2]}", "{\"a\": [2], \"b\": 1}"},
                                           {"\"x\\u0041\"", "\"xA\""},
                                           {"1.50", "1.50"},
                                           {"true", "true"},
                                           {"[]", "[]"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t binary = 0; binary < 2; binary++) {
            rv_arena arena = rv_arena_over(memory, sizeof memory);
            rv_json json = rv_json_over(rv_bytes_of_string(cases[i][0]), &arena);
            rv_json_token token;
            rv_value value = rv_value_null();
            RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
            RV_CHECK_STATUS(rv_value_from_json(binary ? &jsonb_type : &json_type, &json, &token,
                                               RV_LITERAL("x"), &arena, &value, NULL),
                            RV_OK);
            RV_CHECK_TEXT(value.as.bytes, cases[i][binary]);
            RV_CHECK_STATUS(rv_json_next(&json, &token, NULL), RV_OK);
            RV_CHECK_EQ(token.kind, RV_JSON_END);
        }
    }
}

int main(void) {
    RV_RUN(jsonb_has_one_text);
    RV_RUN(a_jsonb_that_is_written_otherwise_is_refused);
    RV_RUN(a_json_is_its_text);
    RV_RUN(what_is_no_json_is_refused);
    RV_RUN(order_is_postgresqls);
    RV_RUN(random_texts_have_one_form);
    RV_RUN(the_plain_form_does_not_depend_on_pieces);
    RV_RUN(too_little_memory_is_told);
    RV_RUN(json_takes_any_json);
    return rv_test_done();
}
