/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a selection is the same as text, as bytes and in memory, and nothing malformed gets in.
 * Method: tables of texts with their canonical form and of refused ones with their place; encoding
 * and decoding with truncation at every length and every byte changed; arenas of every size.
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
    {"aggregate \"A\"\"b\"", "aggregate \"A\"\"b\""},
    {"\t/a/*\r\n", "/a/*"},
    {"/a\thistory\nnone", "/a history none"},
    {"/a history since 294000-01-01 00:00:00+00", "/a history since 294000-01-01 00:00:00+00"},
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
    {"/a history since -infinity", RV_SELECTION_INVALID, "\"offset\""},
    {"/a history since 1x", RV_SELECTION_INVALID, "\"offset\""},
    {"/a history since 1234567890123456", RV_SELECTION_INVALID, "\"offset\""},
    {"/a history all of it", RV_SELECTION_INVALID, "\"offset\":11"},
    {"/a history none of it", RV_SELECTION_INVALID, "\"offset\":11"},
    {"aggregate 'a", RV_SELECTION_INVALID, ""},
    {"aggregate a 'b", RV_SELECTION_INVALID, ""},
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

/* Who forgot the word `aggregate` is told of it, and not of paths alone. */
RV_TEST(what_is_neither_a_pattern_nor_an_aggregate_is_told_both) {
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_selection s = {0};
    rv_error err = {.status = RV_OK};
    RV_CHECK_STATUS(rv_selection_add(&s, RV_LITERAL("account where id = 1"), &arena, &err),
                    RV_PATH_INVALID);
    RV_CHECK(strstr(err.detail, "`account where id = 1`") != NULL);
    RV_CHECK(strstr(err.detail, "begins with `/`") != NULL);
    RV_CHECK(strstr(err.detail, "`aggregate`") != NULL);
}

/* In an arena of any size an entry is there as it was given, or not at all. */
RV_TEST(texts_in_little_memory) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        bool fits = false;
        for (size_t cap = 0; cap < 512; cap += 8) {
            rv_arena arena = rv_arena_over(memory, cap);
            rv_selection s = {0};
            const rv_status status =
                rv_selection_add(&s, rv_bytes_of_string(good[i].text), &arena, NULL);
            RV_CHECK(status == RV_OK || !fits); /* what fits fits in more */
            RV_CHECK(status == RV_OK ? s.count == 1 : s.count == 0 && arena.len == 0);
            fits = status == RV_OK;
        }
        RV_CHECK(fits);
    }
}

/* Names and filters have an end. */
RV_TEST(texts_that_are_too_long) {
    static char text[RV_PATH_LEN_MAX + 64];
    for (size_t more = 0; more < 2; more++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_selection s = {0};
        memset(text, 'a', sizeof text);
        text[0] = '/';
        const rv_status path = rv_selection_add(
            &s, rv_bytes_of((const uint8_t *)text, RV_PATH_LEN_MAX + more), &arena, NULL);
        RV_CHECK_STATUS(path, more == 0 ? RV_OK : RV_SELECTION_INVALID);
        const int at = snprintf(text, sizeof text, "aggregate a where ");
        memset(text + at, '1', sizeof text - (size_t)at);
        const size_t len = (size_t)at + RV_PATH_LEN_MAX - 1 + more;
        const rv_status filter =
            rv_selection_add(&s, rv_bytes_of((const uint8_t *)text, len), &arena, NULL);
        RV_CHECK_STATUS(filter, more == 0 ? RV_OK : RV_SELECTION_INVALID);
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

/* What a stranger sends: entries as bytes, one thing wrong in each. */
RV_TEST(bytes_that_are_no_selection) {
    static const struct {
        const char *bytes;
        size_t len;
        rv_status status;
    } cases[] = {
        {"\x00", 1, RV_OK},
        {"\x41", 1, RV_SELECTION_INVALID},                           /* 65 entries */
        {"\x01\x01\x02/a\x00", 6, RV_OK},                            /* streams, all of them */
        {"\x01\x03\x02/a\x00", 6, RV_SELECTION_INVALID},             /* no such kind */
        {"\x01\x01\x02/a\x04", 6, RV_SELECTION_INVALID},             /* no such history */
        {"\x01\x01\x02/a\x03\x02", 7, RV_OK},                        /* since position 1 */
        {"\x01\x01\x02/a\x03\x00", 7, RV_SELECTION_INVALID},         /* since position 0 */
        {"\x01\x01\x02/a\x03\x01", 7, RV_SELECTION_INVALID},         /* since position -1 */
        {"\x01\x01\x02qq\x00", 6, RV_SELECTION_INVALID},             /* no path */
        {"\x01\x01\x00\x00", 4, RV_SELECTION_INVALID},               /* no name */
        {"\x01\x02\x01q\x00", 5, RV_OK},                             /* an aggregate */
        {"\x01\x02\x01\xff\x00", 5, RV_SELECTION_INVALID},           /* no UTF-8 */
        {"\x01\x02\x01q\x01\xff", 6, RV_SELECTION_INVALID},          /* nor its filter */
        {"\x02\x02\x01q\x00\x02\x01q\x00", 9, RV_SELECTION_INVALID}, /* twice the same */
        {"\x02\x02\x01q\x00\x02\x01q\x01r", 10, RV_SELECTION_INVALID},
        {"\x02\x02\x01q\x00\x02\x01r\x00", 9, RV_OK},
        {"\x01\x02\x01q\x00\x00", 6, RV_SELECTION_INVALID}, /* and more */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rv_selection s;
        rv_error err = {.status = RV_OK};
        const rv_bytes bytes = rv_bytes_of((const uint8_t *)cases[i].bytes, cases[i].len);
        RV_CHECK_STATUS(rv_selection_decode(bytes, &s, &err), cases[i].status);
        RV_CHECK_STATUS(rv_selection_decode(bytes, &s, NULL), cases[i].status);
    }
    uint8_t bytes[RV_NAME_LEN_MAX + 16] = {1, RV_SELECT_AGGREGATE};
    for (size_t len = RV_NAME_LEN_MAX; len <= RV_NAME_LEN_MAX + 1; len++) {
        rv_selection s;
        bytes[2] = (uint8_t)len;
        memset(bytes + 3, 'a', len);
        bytes[3 + len] = 0;
        RV_CHECK_STATUS(rv_selection_decode(rv_bytes_of(bytes, 4 + len), &s, NULL),
                        len == RV_NAME_LEN_MAX ? RV_OK : RV_SELECTION_INVALID);
    }
}

/* Two are equal in every part, in whatever order. */
RV_TEST(selections_that_differ) {
    static const char *const texts[][2] = {
        {"/a/*", "/b/*"},
        {"/a/*", "/b/* history none"},
        {"/a/* history since 1", "/b/*"},
        {"/a/* history since 2", "/b/*"},
        {"/a/*", "aggregate b"},
        {"/a/*", "aggregate b where x"},
        {"/a/*", "/a/*"},
    };
    const size_t count = sizeof texts / sizeof texts[0];
    for (size_t i = 0; i < count * count; i++) {
        rv_arena arena = rv_arena_over(memory, sizeof memory);
        rv_selection a = {0}, b = {0};
        for (size_t k = 0; k < 2; k++) {
            RV_CHECK_STATUS(
                rv_selection_add(&a, rv_bytes_of_string(texts[i / count][k]), &arena, NULL), RV_OK);
            RV_CHECK_STATUS(
                rv_selection_add(&b, rv_bytes_of_string(texts[i % count][1 - k]), &arena, NULL),
                RV_OK);
        }
        RV_CHECK_EQ(rv_selection_equal(&a, &b), i / count == i % count);
    }
}

int main(void) {
    RV_RUN(texts_are_read_and_printed);
    RV_RUN(malformed_texts_are_refused_with_their_place);
    RV_RUN(what_is_neither_a_pattern_nor_an_aggregate_is_told_both);
    RV_RUN(an_entry_is_there_once);
    RV_RUN(bytes_come_back_whole_or_not_at_all);
    RV_RUN(texts_in_little_memory);
    RV_RUN(texts_that_are_too_long);
    RV_RUN(bytes_that_are_no_selection);
    RV_RUN(selections_that_differ);
    return rv_test_done();
}
