/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a selection is the same as text, as bytes and in memory, and nothing malformed gets in.
 * Method: tables of texts with their canonical form and of refused ones with their place; encoding
 * and decoding with truncation at every length and every byte changed.
 */
#include "core/model/selection.h"
#include "tests/unit/test.h"

static uint8_t memory[64 << 10];

static const struct {
    const char *text;
    const char *canonical;
} good[] = {
    // (line comments here, because patterns have `/*` in them)
    {"/accounts/42/**", "/accounts/42/**"},
    {"  /accounts/{id}  ", "/accounts/{id}"},
    {"/a/* history all", "/a/*"},
    {"/a/* HISTORY  None", "/a/* history none"},
    {"/a history", "/a history"},
    {"/a history since 17", "/a history since 17"},
    {"/a history since 2026-11-01", "/a history since 2026-11-01 00:00:00+00"},
    {"/a history since 2026-11-01T10:00:00+02", "/a history since 2026-11-01 08:00:00+00"},
    {"/a/my history b history none", "/a/my history b history none"},
    {"aggregate account", "aggregate \"account\""},
    {"AGGREGATE Account", "aggregate \"account\""},
    {"aggregate \"A b\"", "aggregate \"A b\""},
    {"aggregate account where plan = 'team' ", "aggregate \"account\" where plan = 'team'"},
};

static const struct {
    const char *text;
    rv_status status;
    const char *fact;
} bad[] = {
    {"", RV_SELECTION_INVALID, ""},
    {"accounts", RV_PATH_INVALID, "\"offset\":0"},
    {"/a/**/b", RV_PATH_INVALID, "\"offset\""},
    {"/a%20b", RV_PATH_INVALID, "\"offset\""},
    {"/a history some", RV_SELECTION_INVALID, "\"offset\":11"},
    {"/a history since", RV_SELECTION_INVALID, "\"offset\""},
    {"/a history since 0", RV_SELECTION_INVALID, "\"offset\""},
    {"/a history since yesterdayish", RV_SELECTION_INVALID, "\"offset\""},
    {"/a history since infinity", RV_SELECTION_INVALID, "\"offset\""},
    {"aggregate", RV_SELECTION_INVALID, "\"offset\":9"},
    {"aggregate 7", RV_SELECTION_INVALID, "\"offset\":10"},
    {"aggregate a plan", RV_SELECTION_INVALID, "\"offset\":12"},
    {"aggregate a where", RV_SELECTION_INVALID, "\"offset\":17"},
    {"aggregate a where 'x", RV_SELECTION_INVALID, "\"offset\""},
};

RV_TEST(texts_are_read_and_printed) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_selection s = {0};
        rv_error err = {.status = RV_OK};
        uint8_t text[256];
        RV_CHECK_STATUS(rv_selection_add(&s, rv_bytes_of_string(good[i].text), &arena, &err),
                        RV_OK);
        RV_CHECK_EQ(s.count, 1);
        rv_writer w = rv_writer_over(text, sizeof text);
        rv_select_print(&s.entries[0], &w);
        RV_CHECK_TEXT(rv_writer_bytes(&w), good[i].canonical);
        rv_selection again = {0};
        RV_CHECK_STATUS(rv_selection_add(&again, rv_writer_bytes(&w), &arena, NULL), RV_OK);
        RV_CHECK(rv_selection_equal(&s, &again));
    }
}

RV_TEST(malformed_texts_are_refused_with_their_place) {
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_selection s = {0};
        rv_error err = {.status = RV_OK};
        RV_CHECK_STATUS(rv_selection_add(&s, rv_bytes_of_string(bad[i].text), &arena, &err),
                        bad[i].status);
        RV_CHECK(strstr(err.facts, bad[i].fact) != NULL);
        RV_CHECK_EQ(s.count, 0);
        RV_CHECK_EQ(arena.len, 0);
    }
}

RV_TEST(an_entry_is_there_once) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_selection s = {0};
    RV_CHECK_STATUS(rv_selection_add(&s, RV_LITERAL("/a/*"), &arena, NULL), RV_OK);
    RV_CHECK_STATUS(rv_selection_add(&s, RV_LITERAL("/a/* history all"), &arena, NULL), RV_OK);
    RV_CHECK_EQ(s.count, 1);
    RV_CHECK_STATUS(rv_selection_add(&s, RV_LITERAL("/a/* history none"), &arena, NULL),
                    RV_SELECTION_INVALID);
    for (int i = 1; i < 64; i++) {
        char text[16];
        const int len = snprintf(text, sizeof text, "/b/%d", i);
        RV_CHECK_STATUS(rv_selection_add(&s, rv_bytes_of(text, (size_t)len), &arena, NULL), RV_OK);
    }
    RV_CHECK_STATUS(rv_selection_add(&s, RV_LITERAL("/c"), &arena, NULL), RV_SELECTION_INVALID);
    RV_CHECK_EQ(s.count, 64);
}

static rv_selection all_of_them(rv_arena *arena) {
    static const char *const texts[] = {"/a/**",
                                        "/b/* history none",
                                        "/c history since 9",
                                        "/d history since 2026-01-01 00:00:00.000001",
                                        "aggregate account where balance > 0",
                                        "aggregate note"};
    rv_selection s = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const rv_status status = rv_selection_add(&s, rv_bytes_of_string(texts[i]), arena, NULL);
        s.count = status == RV_OK ? s.count : 0;
    }
    return s;
}

RV_TEST(bytes_come_back_whole_or_not_at_all) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    const rv_selection s = all_of_them(&arena);
    uint8_t bytes[512];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    RV_CHECK_EQ(s.count, 6);
    rv_selection_encode(&s, &w);
    RV_CHECK(!w.full);
    rv_selection back;
    RV_CHECK_STATUS(rv_selection_decode(rv_writer_bytes(&w), &back, NULL), RV_OK);
    RV_CHECK(rv_selection_equal(&s, &back));
    for (size_t len = 0; len < w.len; len++) {
        rv_error err = {.status = RV_OK};
        RV_CHECK_STATUS(rv_selection_decode(rv_bytes_of(bytes, len), &back, &err),
                        RV_SELECTION_INVALID);
        RV_CHECK_EQ(err.status, RV_SELECTION_INVALID);
    }
    for (size_t i = 0; i < w.len; i++) { /* no byte makes it do what it must not */
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            const rv_status status = rv_selection_decode(rv_writer_bytes(&w), &back, NULL);
            RV_CHECK(status == RV_OK || status == RV_SELECTION_INVALID);
            bytes[i] ^= (uint8_t)(1 << bit);
        }
    }
}

int main(void) {
    RV_RUN(texts_are_read_and_printed);
    RV_RUN(malformed_texts_are_refused_with_their_place);
    RV_RUN(an_entry_is_there_once);
    RV_RUN(bytes_come_back_whole_or_not_at_all);
    return rv_test_done();
}
