/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: templates, patterns and concrete paths agree with each other, and no malformed one gets in.
 * Method: tables of good and bad texts with offsets; a table of matches; random key texts written
 * as segments, which must decode to themselves, match a template, and be canonical.
 */
// (A line comment here, because paths have `/*` in them.)
#include "core/model/path.h"
#include "tests/unit/test.h"

static uint8_t memory[8192];

RV_TEST(templates_are_parsed) {
    rv_path_template t;
    RV_CHECK_STATUS(
        rv_path_template_parse(RV_LITERAL("/accounts/{id}/orders/{order_id}"), &t, NULL), RV_OK);
    RV_CHECK_EQ(t.segment_count, 4);
    RV_CHECK_EQ(t.variable_count, 2);
    RV_CHECK_TEXT(t.segments[0].text, "accounts");
    RV_CHECK_TEXT(t.segments[1].text, "id");
    RV_CHECK(!t.segments[0].variable && t.segments[1].variable && t.segments[3].variable);
    RV_CHECK_STATUS(rv_path_template_parse(RV_LITERAL("/a b/ä%2F"), &t, NULL), RV_OK);
}

static const struct {
    const char *text;
    const char *offset;
} bad_templates[] = {{"", "\"offset\":0"},
                     {"accounts", "\"offset\":0"},
                     {"/", "\"offset\":1"},
                     {"/a/", "\"offset\":3"},
                     {"//a", "\"offset\":1"},
                     {"/a//b", "\"offset\":3"},
                     {"/{id", "\"offset\":1"},
                     {"/id}", "\"offset\":3"},
                     {"/{}", "\"offset\":1"},
                     {"/x{id}", "\"offset\":2"},
                     {"/{id}x", "\"offset\":1"},
                     {"/{1d}", "\"offset\":1"},
                     {"/{a b}", "\"offset\":1"},
                     {"/*", "\"offset\":1"},
                     {"/a?b", "\"offset\":2"},
                     {"/a#", "\"offset\":2"},
                     {"/a%2f", "\"offset\":2"},
                     {"/a%41", "\"offset\":2"},
                     {"/a%", "\"offset\":2"},
                     {"/a%0", "\"offset\":2"},
                     {"/a%00", "\"offset\":2"},
                     {"/a\tb", "\"offset\":2"},
                     {"/\xff", "\"offset\":0"},
                     {"/{a}/{a}", "\"offset\":5"},
                     {"/a/../b", "\"offset\":3"},
                     {"/.", "\"offset\":1"},
                     {"/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h", "\"offset\":33"}};

RV_TEST(bad_templates_are_refused) {
    for (size_t i = 0; i < sizeof bad_templates / sizeof bad_templates[0]; i++) {
        rv_path_template t;
        rv_error err;
        const rv_status status =
            rv_path_template_parse(rv_bytes_of_string(bad_templates[i].text), &t, &err);
        RV_CHECK_STATUS(status, RV_PATH_INVALID);
        if (strcmp(err.facts, bad_templates[i].offset) != 0) {
            fprintf(stderr, "`%s`: %s\n", bad_templates[i].text, err.facts);
        }
        RV_CHECK(strcmp(err.facts, bad_templates[i].offset) == 0);
    }
    char text[RV_PATH_LEN_MAX + 2];
    memset(text, 'a', sizeof text);
    text[0] = '/';
    rv_path_template t;
    RV_CHECK_STATUS(rv_path_template_parse(rv_bytes_of(text, RV_PATH_LEN_MAX), &t, NULL), RV_OK);
    RV_CHECK_STATUS(rv_path_template_parse(rv_bytes_of(text, RV_PATH_LEN_MAX + 1), &t, NULL),
                    RV_PATH_INVALID);
}

RV_TEST(templates_match_paths) {
    static const struct {
        const char *path;
        const char *first; /* NULL: no match */
        const char *second;
    } cases[] = {{"/accounts/1/orders/x%2Fy", "1", "x%2Fy"},
                 {"/accounts/1/orders", NULL, NULL},
                 {"/accounts/1/orders/", NULL, NULL},
                 {"/accounts//orders/2", NULL, NULL},
                 {"/accounts/1/orders/2/", NULL, NULL},
                 {"/accounts/1/orders/2/3", NULL, NULL},
                 {"/account/1/orders/2", NULL, NULL},
                 {"accounts/1/orders/2", NULL, NULL},
                 {"", NULL, NULL},
                 {"/", NULL, NULL}};
    rv_path_template t;
    RV_CHECK_STATUS(rv_path_template_parse(RV_LITERAL("/accounts/{id}/orders/{order}"), &t, NULL),
                    RV_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_bytes values[RV_PATH_SEGMENTS_MAX];
        const bool match = rv_path_template_match(&t, rv_bytes_of_string(cases[i].path), values);
        RV_CHECK_EQ(match, cases[i].first != NULL);
        if (match) {
            RV_CHECK_TEXT(values[0], cases[i].first);
            RV_CHECK_TEXT(values[1], cases[i].second);
        }
    }
}

RV_TEST(patterns_match_paths) {
    static const struct {
        const char *pattern;
        const char *path;
        bool match;
    } cases[] = {
        {"/accounts/*", "/accounts/1", true},
        {"/accounts/*", "/accounts", false},
        {"/accounts/*", "/accounts/", false},
        {"/accounts/*", "/accounts/1/2", false},
        {"/accounts/{id}", "/accounts/1", true},
        {"/accounts/1", "/accounts/1", true},
        {"/accounts/1", "/accounts/10", false},
        {"/accounts/**", "/accounts/1", true},
        {"/accounts/**", "/accounts/1/2/3", true},
        {"/accounts/**", "/accounts", false},
        {"/accounts/**", "/accounts/", false},
        {"/accounts/**", "/accounts/1/", false},
        {"/accounts/**", "/accounts/1//2", false},
        {"/accounts/**", "/accountsx/1", false},
        {"/accounts/*/orders/**", "/accounts/1/orders/2", true},
        {"/accounts/*/orders/**", "/accounts/1/items/2", false},
        {"/**", "/a", true},
        {"/**", "/a/b/c", true},
        {"/**", "", false},
        {"/**", "/", false},
        {"/**", "/rivulet/schema", false},
        {"/**", "/rivulet", false},
        {"/**", "/rivulets", true},
        {"/**", "/a/rivulet", true},
        {"/*", "/rivulet", false},
        {"/*/schema", "/rivulet/schema", false},
        {"/rivulet/**", "/rivulet/schema", true},
        {"/rivulet/schema", "/rivulet/schema", true},
        {"/a%2F", "/a%2F", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_path_pattern p;
        RV_CHECK_STATUS(rv_path_pattern_parse(rv_bytes_of_string(cases[i].pattern), &p, NULL),
                        RV_OK);
        if (rv_path_pattern_match(&p, rv_bytes_of_string(cases[i].path)) != cases[i].match) {
            fprintf(stderr, "%s %s\n", cases[i].pattern, cases[i].path);
        }
        RV_CHECK_EQ(rv_path_pattern_match(&p, rv_bytes_of_string(cases[i].path)), cases[i].match);
    }
}

RV_TEST(bad_patterns_are_refused) {
    static const char *const bad[] = {"",    "a",  "/",   "/**/a", "/a*", "/a/***", "/a**", "/a//b",
                                      "/a/", "/{", "/{}", "/a%2a", "/a%", "/?",     "/\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rv_path_pattern p;
        rv_error err;
        RV_CHECK_STATUS(rv_path_pattern_parse(rv_bytes_of_string(bad[i]), &p, &err),
                        RV_PATH_INVALID);
        RV_CHECK(strstr(err.facts, "\"offset\":") != NULL);
    }
}

RV_TEST(segments_are_written_canonically) {
    static const struct {
        const char *text;
        const char *segment;
    } cases[] = {{"123", "123"},
                 {"a b", "a b"},
                 {"a/b", "a%2Fb"},
                 {"100%", "100%25"},
                 {"*{}?#", "%2A%7B%7D%3F%23"},
                 {"ä", "ä"},
                 {"\t\x7f", "%09%7F"},
                 {"%2F", "%252F"},
                 {"..", ".."}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t text[64];
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_bytes decoded;
        rv_path_segment_write(rv_bytes_of_string(cases[i].text), &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), cases[i].segment);
        RV_CHECK_STATUS(rv_path_segment_decode(rv_writer_bytes(&w), &arena, &decoded, NULL), RV_OK);
        RV_CHECK_TEXT(decoded, cases[i].text);
    }
}

RV_TEST(malformed_segments_are_refused) {
    static const char *const bad[] = {"",    "%",   "%2",  "%2g", "a%",
                                      "a%f", "%00", "%ff", "%c3", "\xff"};
    rv_bytes decoded;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        RV_CHECK_STATUS(rv_path_segment_decode(rv_bytes_of_string(bad[i]), &arena, &decoded, NULL),
                        RV_PATH_INVALID);
    }
    rv_arena none = rv_arena_over(memory, 1);
    RV_CHECK_STATUS(rv_path_segment_decode(RV_LITERAL("%20"), &none, &decoded, NULL),
                    RV_MEMORY_EXHAUSTED);
    RV_CHECK_STATUS(rv_path_segment_decode(RV_LITERAL("plain"), &none, &decoded, NULL), RV_OK);
    RV_CHECK_STATUS(rv_path_segment_decode(RV_LITERAL("%c3%a4"), &none, &decoded, NULL),
                    RV_MEMORY_EXHAUSTED);
}

RV_TEST(random_keys_go_through_paths_unchanged) {
    uint64_t seed = 4;
    rv_path_template t;
    rv_path_pattern all;
    RV_CHECK_STATUS(rv_path_template_parse(RV_LITERAL("/k/{key}"), &t, NULL), RV_OK);
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/**"), &all, NULL), RV_OK);
    for (size_t round = 0; round < 50000; round++) {
        uint8_t key[16];
        const size_t len = 1 + rv_test_random(&seed) % sizeof key;
        for (size_t i = 0; i < len; i++) {
            key[i] = (uint8_t)(1 + rv_test_random(&seed) % 127);
        }
        uint8_t path[64];
        rv_writer w = rv_writer_over(path, sizeof path);
        rv_write_text(&w, "/k/");
        rv_path_segment_write(rv_bytes_of(key, len), &w);
        rv_bytes value;
        rv_bytes decoded;
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        RV_CHECK(rv_path_template_match(&t, rv_writer_bytes(&w), &value));
        RV_CHECK(rv_path_pattern_match(&all, rv_writer_bytes(&w)));
        RV_CHECK_STATUS(rv_path_segment_decode(value, &arena, &decoded, NULL), RV_OK);
        RV_CHECK(rv_bytes_equal(decoded, rv_bytes_of(key, len)));
        rv_path_pattern exact; /* the canonical form is a pattern that matches itself */
        RV_CHECK_STATUS(rv_path_pattern_parse(rv_writer_bytes(&w), &exact, NULL), RV_OK);
        RV_CHECK(rv_path_pattern_match(&exact, rv_writer_bytes(&w)));
    }
}

static rv_path_pattern pattern_of(const char *text) {
    rv_path_pattern pattern;
    const rv_status status = rv_path_pattern_parse(rv_bytes_of_string(text), &pattern, NULL);
    RV_ASSERT(status == RV_OK);
    return pattern;
}

/* Patterns, and paths that are enough to tell all of them apart. */
static const char *const texts[] = {
    "/**",    "/*",         "/a",     "/a/*",   "/a/**",       "/*/*",    "/*/**",
    "/a/b",   "/a/b/**",    "/*/b",   "/b",     "/b/**",       "/{x}/b",  "/rivulet",
    "/a/*/c", "/rivulet/*", "/*/*/*", "/a/b/c", "/rivulet/**", "/*/b/**", "/rivulet/schema"};
static const char *const paths[] = {"/a",         "/b",           "/c",
                                    "/a/a",       "/a/b",         "/a/c",
                                    "/b/b",       "/b/a",         "/c/c",
                                    "/c/b",       "/a/b/c",       "/a/b/a",
                                    "/a/a/c",     "/b/b/c",       "/b/b/b",
                                    "/c/c/c",     "/a/a/a",       "/c/b/c",
                                    "/b/c/c",     "/rivulet",     "/rivulet/schema",
                                    "/rivulet/b", "/rivulet/b/c", "/a/b/c/d",
                                    "/b/b/c/d",   "/c/c/c/c",     "/rivulet/b/c/d",
                                    "/a/c/c/c",   "/c/b/c/d",     "/rivulet/c"};

/* Of every two patterns: one is within the other if and only if it matches no path that the other
 * does not. */
RV_TEST(patterns_are_within_each_other) {
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            const rv_path_pattern inner = pattern_of(texts[i]);
            const rv_path_pattern outer = pattern_of(texts[k]);
            bool expected = true;
            for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
                const rv_bytes path = rv_bytes_of_string(paths[p]);
                expected = expected && (!rv_path_pattern_match(&inner, path) ||
                                        rv_path_pattern_match(&outer, path));
            }
            if (rv_path_pattern_within(&inner, &outer) != expected) {
                fprintf(stderr, "%s within %s\n", texts[i], texts[k]);
                RV_CHECK(false);
            }
        }
    }
}

/* Of a pattern and a template: it meets it if and only if it matches one of many paths of it. */
RV_TEST(patterns_meet_templates) {
    static const char *const patterns[] = {
        "/**",     "/*",      "/*/**",  "/a",     "/a/**",  "/a/*",        "/*/b",      "/a/b",
        "/a/*/**", "/a/b/**", "/a/x/c", "/*/x/*", "/*/*/*", "/rivulet/**", "/rivulet/*"};
    static const char *const templates[] = {"/a",          "/a/{id}",   "/{id}",
                                            "/a/b",        "/a/{id}/c", "/{k}/x",
                                            "/{k}/{id}/c", "/b/{id}",   "/rivulet/{id}"};
    static const char *const values[] = {"a", "b", "c", "x", "7"};
    const size_t value_count = sizeof values / sizeof *values;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (size_t k = 0; k < sizeof templates / sizeof *templates; k++) {
            rv_path_pattern pattern;
            rv_path_template t;
            RV_CHECK_STATUS(rv_path_pattern_parse(rv_bytes_of_string(patterns[i]), &pattern, NULL),
                            RV_OK);
            RV_CHECK_STATUS(rv_path_template_parse(rv_bytes_of_string(templates[k]), &t, NULL),
                            RV_OK);
            bool expected = false;
            for (size_t v = 0; v < value_count * value_count; v++) {
                const char *const of[] = {values[v % value_count], values[v / value_count]};
                char path[64];
                size_t len = 0, variable = 0;
                for (uint32_t s = 0; s < t.segment_count; s++) {
                    const rv_path_segment *const segment = &t.segments[s];
                    const char *const value = segment->variable ? of[variable] : "";
                    len += (size_t)snprintf(path + len, sizeof path - len, "/%s%.*s", value,
                                            segment->variable ? 0 : (int)segment->text.len,
                                            (const char *)segment->text.ptr);
                    variable += segment->variable;
                }
                expected = expected || rv_path_pattern_match(&pattern, rv_bytes_of_string(path));
            }
            if (rv_path_pattern_meets(&pattern, &t) != expected) {
                fprintf(stderr, "%s meets %s\n", patterns[i], templates[k]);
                RV_CHECK(false);
            }
        }
    }
}

/* Where every two patterns meet is what both match. */
RV_TEST(patterns_intersect) {
    uint32_t met = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            const rv_path_pattern a = pattern_of(texts[i]);
            const rv_path_pattern b = pattern_of(texts[k]);
            rv_path_pattern both = {.segment_count = 0};
            uint8_t bytes[64];
            rv_writer w = rv_writer_over(bytes, sizeof bytes);
            const bool meets = rv_path_pattern_intersect(&a, &b, &w);
            RV_CHECK(!w.full);
            if (meets) {
                RV_CHECK_STATUS(rv_path_pattern_parse(rv_writer_bytes(&w), &both, NULL), RV_OK);
            }
            for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
                const rv_bytes path = rv_bytes_of_string(paths[p]);
                const bool expected =
                    rv_path_pattern_match(&a, path) && rv_path_pattern_match(&b, path);
                if ((meets && rv_path_pattern_match(&both, path)) != expected) {
                    fprintf(stderr, "%s and %s: %s\n", texts[i], texts[k], paths[p]);
                    RV_CHECK(false);
                }
            }
            met += meets;
        }
    }
    RV_CHECK(met > 0);
}

int main(void) {
    RV_RUN(templates_are_parsed);
    RV_RUN(bad_templates_are_refused);
    RV_RUN(templates_match_paths);
    RV_RUN(patterns_match_paths);
    RV_RUN(bad_patterns_are_refused);
    RV_RUN(patterns_are_within_each_other);
    RV_RUN(patterns_meet_templates);
    RV_RUN(patterns_intersect);
    RV_RUN(segments_are_written_canonically);
    RV_RUN(malformed_segments_are_refused);
    RV_RUN(random_keys_go_through_paths_unchanged);
    return rv_test_done();
}
