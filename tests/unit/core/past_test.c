/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: which events of the past are here, which are to be filled in and which are to be kept
 * follows from the selections that were held one after the other, whatever they were, and is the
 * same when it was written and read; bytes that say something else are refused. What is said to be
 * in order is there, and is so; what is selected is there once, whatever was selected before, since
 * times and positions behind the last event and before it. Method: selections case by case and at
 * random, against a set of events for which it is known one by one, and a log that has them as an
 * edge's has; bytes cut at every length and with every bit changed, and as an earlier version wrote
 * them; memory of every size.
 */
#include "core/engine/past.h"

#include "core/model/event.h"
#include "tests/unit/test.h"

#define STREAMS   4u
#define POSITIONS 24u

static uint8_t memory[1 << 18];
static uint8_t text_memory[4][4096];
static const char *const paths[STREAMS] = {"/a/1", "/a/2", "/b/1", "/c/1"};

static rv_selection select_texts(unsigned nth, const char *const *texts, size_t count) {
    rv_arena arena = rv_arena_over(text_memory[nth], sizeof text_memory[nth]);
    rv_selection s = {.count = 0};
    for (size_t i = 0; i < count && texts[i] != NULL; i += 1) {
        const rv_status status = rv_selection_add(&s, rv_bytes_of_string(texts[i]), &arena, NULL);
        RV_ASSERT(status == RV_OK);
    }
    return s;
}

/* Every event happened at its position, in microseconds. */
static rv_past_event event_of(unsigned stream, uint64_t position) {
    return (rv_past_event){rv_bytes_of_string(paths[stream]), position, (int64_t)position};
}

static bool lacks(const rv_past *past, unsigned stream, uint64_t position) {
    const rv_past_event event = event_of(stream, position);
    return rv_past_lacks(past, &event);
}

static bool keeps(const rv_past *past, unsigned stream, uint64_t position) {
    const rv_past_event event = event_of(stream, position);
    return rv_past_keeps(past, &event);
}

static rv_past past_of(void) {
    rv_past past;
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    const bool made = rv_past_create(&past, &arena);
    RV_ASSERT(made);
    return past;
}

RV_TEST(memory_of_every_size) {
    bool fits = false;
    for (size_t cap = 0; cap <= sizeof memory; cap += 1 + cap / 3) {
        rv_past past;
        rv_arena arena = rv_arena_over(memory, cap);
        const bool made = rv_past_create(&past, &arena);
        RV_CHECK(made || !fits);
        fits = made;
    }
    RV_CHECK(fits);
}

RV_TEST(what_a_selection_adds_is_filled_in) {
    static const char *const first[] = {"/a/1", "/b/* history none", "aggregate x"};
    static const char *const second[] = {"/a/*", "/b/* history since 5", "aggregate x"};
    const rv_selection one = select_texts(0, first, 3), two = select_texts(1, second, 3);
    rv_past past = past_of();
    rv_past_start(&past, &one);
    RV_CHECK(!past.filling && keeps(&past, 0, 1) && !keeps(&past, 1, 1) && !keeps(&past, 2, 1));
    rv_past_become(&past, &two, 10, &one);
    RV_CHECK(past.filling && past.until == 10 && past.after == 0);
    for (uint64_t at = 1; at < POSITIONS; at += 1) {
        RV_CHECK(!lacks(&past, 0, at) && keeps(&past, 0, at)); /* was here */
        RV_CHECK_EQ(lacks(&past, 1, at), at <= 10);
        RV_CHECK_EQ(keeps(&past, 1, at), at > 10);
        RV_CHECK_EQ(lacks(&past, 2, at), at >= 5 && at <= 10);
        RV_CHECK(!lacks(&past, 3, at) && !keeps(&past, 3, at));
    }
    rv_past_become(&past, &two, 12, &two); /* its rows once more */
    RV_CHECK(past.filling && past.until == 10);
    rv_past_advance(&past, 7, false);
    RV_CHECK(past.filling && past.after == 7);
    for (uint64_t at = 1; at < POSITIONS; at += 1) { /* what has come stays, purged or not yet */
        RV_CHECK_EQ(keeps(&past, 1, at), at <= 7 || at > 10);
        RV_CHECK_EQ(keeps(&past, 2, at), (at >= 5 && at <= 7) || at > 10);
        RV_CHECK(!keeps(&past, 3, at));
    }
    rv_past_advance(&past, 10, true);
    RV_CHECK(!past.filling && keeps(&past, 1, 1) && !lacks(&past, 1, 1));
    RV_CHECK(keeps(&past, 2, 5) && !keeps(&past, 2, 4));
    RV_CHECK(!past.narrowed);
}

/* Since a time, as since a position. */
RV_TEST(histories_since_a_time) {
    static const char *const first[] = {"/a/* history since 1970-01-01 00:00:00.000015+00"};
    static const char *const second[] = {"/a/* history since 1970-01-01 00:00:00.000006+00"};
    const rv_selection none = {.count = 0};
    const rv_selection one = select_texts(0, first, 1), two = select_texts(1, second, 1);
    rv_past past = past_of();
    rv_past_start(&past, &none);
    rv_past_become(&past, &one, 20, &none);
    for (uint64_t at = 1; at < POSITIONS; at += 1) {
        RV_CHECK_EQ(lacks(&past, 0, at), at >= 15 && at <= 20);
    }
    rv_past_advance(&past, 20, true);
    rv_past_become(&past, &two, 22, &one);
    for (uint64_t at = 1; at < POSITIONS; at += 1) {
        RV_CHECK_EQ(lacks(&past, 0, at), at >= 6 && at < 15);
    }
    rv_past_advance(&past, 22, true);
    rv_past_become(&past, &one, 23, &two); /* less: what is more is to go */
    RV_CHECK(!past.filling && past.narrowed && past.base == 23);
    RV_CHECK(!keeps(&past, 0, 10) && keeps(&past, 0, 15));
}

/* Another selection while the past is filled in: before and after some of it was. */
RV_TEST(what_is_given_up) {
    static const char *const first[] = {"/a/1"};
    static const char *const second[] = {"/a/1", "/b/*"};
    static const char *const third[] = {"/a/1", "/b/*", "/c/*"};
    const rv_selection one = select_texts(0, first, 1), two = select_texts(1, second, 2),
                       three = select_texts(2, third, 3);
    for (uint64_t after = 0; after < 8; after += 7) {
        rv_past past = past_of();
        rv_past_start(&past, &one);
        rv_past_become(&past, &two, 10, &one);
        rv_past_advance(&past, after, false);
        rv_past_become(&past, &three, 15, &two);
        RV_CHECK(past.filling && past.until == 15);
        RV_CHECK_EQ(past.narrowed, after > 0); /* some of it may be there twice, so it goes first */
        for (uint64_t at = 1; at < POSITIONS; at += 1) {
            RV_CHECK_EQ(lacks(&past, 2, at), at <= 10);
            RV_CHECK_EQ(lacks(&past, 3, at), at <= 15);
            RV_CHECK(!lacks(&past, 0, at));
        }
    }
}

/* Rows that are not selected any more, or otherwise, are to go as well. */
RV_TEST(aggregates_that_are_lost) {
    static const char *const before[] = {"/a/*", "aggregate x where n > 1"};
    static const char *const after[][2] = {{"/a/*", "aggregate x where n > 1"},
                                           {"/a/*", "aggregate x where n > 2"},
                                           {"/a/*", "aggregate y"},
                                           {"/a/*", NULL}};
    for (size_t i = 0; i < 4; i += 1) {
        const rv_selection one = select_texts(0, before, 2), two = select_texts(1, after[i], 2);
        rv_past past = past_of();
        rv_past_start(&past, &one);
        rv_past_become(&past, &two, 10, &one);
        RV_CHECK(!past.filling);
        RV_CHECK_EQ(past.narrowed, i > 0);
    }
}

/* --- what is in order --- */

static uint64_t straight(const rv_past *past, const char *pattern) {
    rv_path_pattern parsed;
    const rv_status status = rv_path_pattern_parse(rv_bytes_of_string(pattern), &parsed, NULL);
    RV_ASSERT(status == RV_OK);
    return rv_past_straight_from(past, &parsed);
}

RV_TEST(what_is_in_order) {
    static const char *const first[] = {"/a/1", "/b/* history none"};
    static const char *const second[] = {"/a/*", "/b/*", "/c/1 history since 30"};
    const rv_selection one = select_texts(0, first, 2), two = select_texts(1, second, 3);
    rv_past past = past_of();
    rv_past_start(&past, &one);
    RV_CHECK_EQ(straight(&past, "/a/1"), 1);
    RV_CHECK_EQ(straight(&past, "/b/1"), 0); /* its base has not come */
    rv_past_become(&past, &one, 4, &one);
    RV_CHECK_EQ(straight(&past, "/a/1"), 1);
    RV_CHECK_EQ(straight(&past, "/b/1"), 5);
    rv_past_become(&past, &two, 10, &one);
    RV_CHECK(past.filling && past.narrower == 1);
    RV_CHECK_EQ(straight(&past, "/a/1"), 1); /* as before */
    RV_CHECK_EQ(straight(&past, "/a/2"), 11);
    RV_CHECK_EQ(straight(&past, "/a/*"), 11);
    RV_CHECK_EQ(straight(&past, "/b/*"), 5);
    RV_CHECK_EQ(straight(&past, "/c/1"), 11); /* all behind the base is there */
    RV_CHECK_EQ(straight(&past, "/c/2"), 0);
    past.filled = true;
    rv_past_advance(&past, 10, true);
    RV_CHECK_EQ(straight(&past, "/a/*"), 11); /* what was filled in is somewhere else */
    RV_CHECK(rv_past_narrow(&past, &one, 40, &two, true)); /* (not what narrowing is for) */
    RV_CHECK_EQ(straight(&past, "/a/1"), 1);
    RV_CHECK_EQ(straight(&past, "/a/*"), 0);
    rv_past_forget(&past, 20);
    RV_CHECK_EQ(straight(&past, "/a/1"), 21);
}

/* What is covered since a time is in order by itself from its base on, whatever another entry had
 * of it; what that had goes with it. */
RV_TEST(what_is_in_order_since_a_time) {
    static const char *const first[] = {"/a/*"};
    static const char *const second[] = {"/a/*",
                                         "/a/1 history since 1970-01-01 00:00:00.000006+00"};
    static const char *const third[] = {"/b/1", "/a/1 history since 1970-01-01 00:00:00.000006+00"};
    const rv_selection one = select_texts(0, first, 1), two = select_texts(1, second, 2),
                       three = select_texts(2, third, 2);
    rv_past past = past_of();
    rv_past_start(&past, &one);
    rv_past_become(&past, &two, 10, &one);
    RV_CHECK_EQ(straight(&past, "/a/1"), 1);
    rv_past_become(&past, &three, 20, &two);
    RV_CHECK(past.narrowed);
    RV_CHECK_EQ(straight(&past, "/a/1"), 11);
    for (uint64_t at = 1; at < POSITIONS; at += 1) {
        RV_CHECK_EQ(keeps(&past, 0, at), at >= 6);
    }
}

/* A past without an event changes nothing, and is plain. */
RV_TEST(an_empty_past_is_in_order) {
    static const char *const first[] = {"/a/1"};
    static const char *const second[] = {"/a/1", "/b/*"};
    const rv_selection one = select_texts(0, first, 1), two = select_texts(1, second, 2);
    rv_past past = past_of();
    rv_past_start(&past, &one);
    RV_CHECK(rv_past_is_plain(&past, &one));
    rv_past_become(&past, &two, 10, &one);
    RV_CHECK_EQ(straight(&past, "/b/*"), 11);
    RV_CHECK(!rv_past_is_plain(&past, &two));
    rv_past_advance(&past, 10, true);
    RV_CHECK_EQ(straight(&past, "/b/*"), 1);
    RV_CHECK(rv_past_is_plain(&past, &two));
}

/* What came live before its time is in order, and said so by a narrower entry only: that outlives
 * another change while a past is filled in. (Mended: it was filled in again.) */
RV_TEST(what_is_in_order_outlives_what_is_given_up) {
    static const char *const first[] = {"/a/1 history since 1970-01-01 00:00:00.000007+00"};
    static const char *const second[] = {"/** history since 1970-01-01 00:00:00.000006+00"};
    static const char *const third[] = {"/**", "/c/1 history none"};
    const rv_selection none = {.count = 0};
    const rv_selection one = select_texts(0, first, 1), two = select_texts(1, second, 1),
                       three = select_texts(2, third, 2), four = select_texts(3, third, 1);
    rv_past past = past_of();
    rv_past_start(&past, &none);
    rv_past_become(&past, &one, 0, &none);
    rv_past_become(&past, &two, 5, &one);
    RV_CHECK(past.filling && !past.narrowed && past.narrower == 1);
    past.filled = true;
    rv_past_advance(&past, 5, true);
    rv_past_become(&past, &three, 13, &two);
    RV_CHECK(past.filling && !lacks(&past, 0, 3) && lacks(&past, 1, 3));
    RV_CHECK(rv_past_narrow(&past, &four, 16, &three, true));
    RV_CHECK(past.filling && !lacks(&past, 0, 3) && lacks(&past, 1, 3));
}

#define LOG_MAX   512u
#define TEXTS_MAX 3u

typedef struct logged {
    unsigned stream;
    uint64_t position;
    bool filled;
} logged;

/* An edge's log, and what has happened at the root. */
typedef struct history {
    rv_past past;
    rv_selection selection;
    unsigned nth; /* where its texts lie */
    logged log[LOG_MAX];
    size_t count;
    unsigned streams[LOG_MAX]; /* by position */
    uint64_t position;
    uint64_t filled_to;
} history;

static bool feeds(const history *h, unsigned stream) {
    bool met = false;
    for (size_t i = 0; i < h->selection.count && !met; i += 1) {
        rv_path_pattern pattern;
        met = rv_path_pattern_parse(h->selection.entries[i].name, &pattern, NULL) == RV_OK &&
              rv_path_pattern_match(&pattern, rv_bytes_of_string(paths[stream]));
    }
    return met;
}

static void note(history *h, unsigned stream, uint64_t position, bool filled) {
    RV_ASSERT(h->count < LOG_MAX);
    h->log[h->count] = (logged){stream, position, filled};
    h->count += 1;
}

static bool is_logged(const history *h, uint64_t position) {
    bool met = false;
    for (size_t i = 0; i < h->count && !met; i += 1) {
        met = h->log[i].position == position;
    }
    return met;
}

static void happen(history *h, uint64_t *random) {
    h->position += 1;
    h->streams[h->position] = (unsigned)(rv_test_random(random) % STREAMS);
    if (feeds(h, h->streams[h->position])) {
        note(h, h->streams[h->position], h->position, false);
    }
}

/* Some of what is to be filled in, or the rest. */
static void fill(history *h, uint64_t *random) {
    const uint64_t to = rv_test_random(random) % 2 == 0
                            ? h->past.until
                            : h->past.after + rv_test_random(random) % 4;
    for (uint64_t at = h->past.after + 1; at <= to && at <= h->past.until; at += 1) {
        if (lacks(&h->past, h->streams[at], at)) {
            RV_CHECK(!is_logged(h, at));
            h->past.filled = true;
            note(h, h->streams[at], at, true);
        }
    }
    rv_past_advance(&h->past, to < h->past.until ? to : h->past.until, to >= h->past.until);
}

static void purge(history *h) {
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i += 1) {
        if (keeps(&h->past, h->log[i].stream, h->log[i].position)) {
            h->log[kept] = h->log[i];
            kept += 1;
        }
    }
    h->count = kept;
    h->past.narrowed = false;
    h->past.base = 0;
}

/* With all of its history, with none, or since a position or a time, behind the last one or before
 * it. (An event happened at its position.) */
static void write_entry(char *text, size_t size, const char *pattern, const history *h,
                        uint64_t *random) {
    const uint64_t far[] = {5, 7, h->position + 1, h->position + 4, h->position + 1000};
    const unsigned since = (unsigned)far[rv_test_random(random) % 5];
    switch (rv_test_random(random) % 5) {
    case 0:
        (void)snprintf(text, size, "%s history none", pattern);
        break;
    case 1:
        (void)snprintf(text, size, "%s history since %u", pattern, since);
        break;
    case 2:
        (void)snprintf(text, size, "%s history since 1970-01-01 00:00:00.%06u+00", pattern, since);
        break;
    default:
        (void)snprintf(text, size, "%s", pattern);
    }
}

/* Other entries, or some of those that there are; no others while a past is filled in. */
static void reselect(history *h, uint64_t *random) {
    static const char *const patterns[] = {"/a/1", "/a/2", "/a/*", "/b/1", "/*/1", "/**"};
    char texts[TEXTS_MAX][80];
    const char *list[TEXTS_MAX];
    const size_t count = 1 + (size_t)(rv_test_random(random) % TEXTS_MAX);
    const size_t from = (size_t)(rv_test_random(random) % 6);
    const rv_selection before = h->selection;
    if (h->past.filling || rv_test_random(random) % 3 == 0) {
        h->selection.count -= before.count > 1;
        RV_CHECK(before.count == 1 ||
                 rv_past_narrow(&h->past, &h->selection, h->position, &before, true));
        return;
    }
    for (size_t i = 0; i < count; i += 1) {
        write_entry(texts[i], sizeof texts[i], patterns[(from + i) % 6], h, random);
        list[i] = texts[i];
    }
    h->nth = h->nth % 3 + 1;
    h->selection = select_texts(h->nth, list, count);
    rv_past_become(&h->past, &h->selection, h->position, &before);
}

/* What is said to be in order is there once, each event behind those of lower positions. */
static bool is_in_order(const history *h, const char *pattern, uint64_t from) {
    rv_path_pattern parsed;
    uint64_t last = 0;
    size_t met = 0, wanted = 0;
    bool rises = rv_path_pattern_parse(rv_bytes_of_string(pattern), &parsed, NULL) == RV_OK;
    for (uint64_t at = from; at <= h->position; at += 1) {
        wanted += rv_path_pattern_match(&parsed, rv_bytes_of_string(paths[h->streams[at]]));
    }
    for (size_t i = 0; i < h->count; i += 1) {
        const logged *const e = &h->log[i];
        if (e->position >= from && !e->filled &&
            rv_path_pattern_match(&parsed, rv_bytes_of_string(paths[e->stream]))) {
            rises = rises && e->position > last;
            last = e->position;
            met += 1;
        }
    }
    return rises && met == wanted;
}

/* By the selection's words: is the event of the stream at this position asked for? */
static bool is_selected(const history *h, unsigned stream, uint64_t position) {
    bool met = false;
    for (size_t i = 0; i < h->selection.count && !met; i += 1) {
        const rv_select *const e = &h->selection.entries[i];
        const bool recent = e->history == RV_HISTORY_ALL ||
                            (e->history != RV_HISTORY_NONE && (int64_t)position >= e->since);
        rv_path_pattern pattern;
        met = recent && rv_path_pattern_parse(e->name, &pattern, NULL) == RV_OK &&
              rv_path_pattern_match(&pattern, rv_bytes_of_string(paths[stream]));
    }
    return met;
}

/* What is selected is there when nothing is to be filled in, and nothing ever is there twice. */
static bool is_there_once(const history *h) {
    unsigned times[LOG_MAX] = {0};
    bool good = true;
    for (size_t i = 0; i < h->count; i += 1) {
        times[h->log[i].position] += 1;
        good = good && times[h->log[i].position] == 1;
    }
    for (uint64_t at = 1; at <= h->position && !h->past.filling; at += 1) {
        good = good && (times[at] == 1 || !is_selected(h, h->streams[at], at));
    }
    return good;
}

RV_TEST(what_is_said_to_be_in_order_is_so) {
    static const char *const asked[] = {"/a/1", "/a/2", "/a/*", "/b/1", "/*/1", "/**", "/c/1"};
    static history h;
    static uint8_t bytes[4096];
    uint64_t random = 11, served = 0, behind = 0;
    for (unsigned round = 0; round < 3000; round += 1) {
        static const char *const first[] = {"/a/1", "/b/* history none"};
        memset(&h, 0, sizeof h);
        h.past = past_of();
        h.selection = select_texts(0, first, 1 + round % 2);
        rv_past_start(&h.past, &h.selection);
        if (round % 2 == 1) {
            rv_past_become(&h.past, &h.selection, 0, &h.selection);
        }
        for (unsigned step = 0; step < 60 && h.count + 70 < LOG_MAX; step += 1) {
            const uint64_t what = rv_test_random(&random) % 10;
            if (what < 6) {
                happen(&h, &random);
            } else if (what == 6) {
                reselect(&h, &random);
            } else if (what == 7 && h.past.narrowed) {
                purge(&h);
            } else if (h.past.filling && !h.past.narrowed) {
                fill(&h, &random);
            } else if (what == 9) {
                rv_writer w = rv_writer_over(bytes, sizeof bytes);
                rv_past_write(&h.past, &w);
                RV_CHECK(rv_past_read(&h.past, rv_writer_bytes(&w)));
            }
            RV_CHECK(is_there_once(&h));
            RV_CHECK_PASSED();
            for (size_t i = 0; i < sizeof asked / sizeof *asked; i += 1) {
                const uint64_t from = straight(&h.past, asked[i]);
                served += from == 1;
                behind += from > 1;
                if (from > 0 && !is_in_order(&h, asked[i], from)) {
                    fprintf(stderr, "round %u, step %u: %s from %llu\n", round, step, asked[i],
                            (unsigned long long)from);
                    RV_CHECK(false);
                    return;
                }
            }
        }
    }
    RV_CHECK(served > 10000 && behind > 10000);
}

/* --- bytes --- */

static bool same(const rv_past *a, const rv_past *b) {
    bool equal = a->filling == b->filling && a->after == b->after && a->until == b->until &&
                 a->filled == b->filled && a->narrowed == b->narrowed;
    for (unsigned s = 0; s < STREAMS && equal; s += 1) {
        for (uint64_t at = 1; at < POSITIONS && equal; at += 1) {
            equal = lacks(a, s, at) == lacks(b, s, at) && keeps(a, s, at) == keeps(b, s, at);
        }
        equal = equal && straight(a, paths[s]) == straight(b, paths[s]);
    }
    return equal;
}

RV_TEST(bytes_come_back_or_are_refused) {
    static const char *const first[] = {"/a/1"};
    static const char *const second[] = {"/a/*", "/b/* history since 5", "/c/1"};
    static uint8_t more[1 << 19];
    const rv_selection one = select_texts(0, first, 1), two = select_texts(1, second, 3);
    rv_past past = past_of();
    rv_past_start(&past, &one);
    rv_past_become(&past, &two, 10, &one);
    rv_past_advance(&past, 3, false);
    uint8_t bytes[512];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_past_write(&past, &w);
    RV_CHECK(!w.full);
    for (size_t i = 0; i < w.len * 9; i += 1) {
        rv_past back, again;
        rv_arena arena = rv_arena_over(more, sizeof more);
        RV_CHECK(rv_past_create(&back, &arena) && rv_past_create(&again, &arena));
        const bool cut = i < w.len;
        const size_t at = i % w.len;
        bytes[at] ^= cut ? 0 : (uint8_t)(1u << (i / w.len - 1));
        const bool read = rv_past_read(&back, rv_bytes_of(bytes, cut ? i : w.len));
        bytes[at] ^= cut ? 0 : (uint8_t)(1u << (i / w.len - 1));
        RV_CHECK(!cut || !read);
        RV_CHECK(!read || (back.after <= back.until && back.until <= RV_POSITION_MAX));
        if (read) { /* what it says is written as it was read */
            uint8_t out[512];
            rv_writer o = rv_writer_over(out, sizeof out);
            rv_past_write(&back, &o);
            RV_CHECK(rv_past_read(&again, rv_writer_bytes(&o)) && same(&back, &again));
        }
    }
    rv_past whole;
    rv_arena arena = rv_arena_over(more, sizeof more);
    RV_CHECK(rv_past_create(&whole, &arena));
    RV_CHECK(rv_past_read(&whole, rv_writer_bytes(&w)) && same(&whole, &past));
    rv_write_u8(&w, 0);
    RV_CHECK(!rv_past_read(&whole, rv_writer_bytes(&w)));
}

/* A log that is read anew while its past was filled in: nothing of that is left, and what is
 * written then, of rows that are missing, is read. */
RV_TEST(a_start_leaves_nothing_of_what_was) {
    static const char *const first[] = {"/a/1"};
    static const char *const second[] = {"/a/*", "/b/*"};
    const rv_selection one = select_texts(0, first, 1), two = select_texts(1, second, 2);
    rv_past past = past_of();
    rv_past_start(&past, &one);
    rv_past_become(&past, &two, 10, &one);
    rv_past_advance(&past, 3, false);
    past.last = 7;
    RV_CHECK(past.filling && past.after == 3 && past.until == 10);
    rv_past_start(&past, &two);
    RV_CHECK(!past.filling && past.after == 0 && past.until == 0 && past.last == 0);
    past.lost = true;
    uint8_t bytes[512];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    rv_past_write(&past, &w);
    RV_CHECK(rv_past_read(&past, rv_writer_bytes(&w)) && past.lost && !past.filling);
}

/* Selections that no past has: aggregates, streams without history. */
RV_TEST(selections_that_no_past_has) {
    static const char *const texts[][1] = {
        {"/a/*"}, {"/a/* history since 3"}, {"/a/* history none"}, {"aggregate x"}};
    for (size_t i = 0; i < 16; i += 1) {
        uint8_t bytes[256];
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_past past = past_of();
        rv_write_u8(&w, 0);
        for (size_t k = 0; k < 3; k += 1) {
            rv_write_u64(&w, 0);
        }
        for (size_t k = 0; k < 2; k += 1) {
            const rv_selection s = select_texts(0, texts[k == 0 ? i / 4 : i % 4], 1);
            uint8_t encoded[64];
            rv_writer e = rv_writer_over(encoded, sizeof encoded);
            rv_selection_encode(&s, &e);
            rv_write_u32(&w, (uint32_t)e.len);
            rv_write(&w, rv_writer_bytes(&e));
        }
        RV_CHECK_EQ(rv_past_read(&past, rv_writer_bytes(&w)), i / 4 < 2 && i % 4 < 2);
    }
}

/* An earlier version did not say what is in order: it is where nothing was ever filled in, and what
 * comes behind what is filled in now. */
RV_TEST(what_an_earlier_version_wrote) {
    static const char *const first[] = {"/a/1", "/b/* history none"};
    static const char *const second[] = {"/a/*"};
    const rv_selection one = select_texts(0, first, 2), two = select_texts(1, second, 1);
    for (unsigned i = 0; i < 3; i += 1) {
        rv_past past = past_of();
        rv_past_start(&past, &one);
        rv_past_become(&past, &one, 4, &one);
        if (i > 0) {
            rv_past_become(&past, &two, 10, &one);
        }
        if (i > 1) {
            past.filled = true;
            rv_past_advance(&past, 10, true);
        }
        uint8_t bytes[512];
        rv_writer w = rv_writer_over(bytes, sizeof bytes);
        rv_past_write(&past, &w);
        const size_t said = 1 + past.cover.selection.count * sizeof(uint64_t);
        bytes[0] &= 0x0fu;
        RV_CHECK(rv_past_read(&past, rv_bytes_of(bytes, w.len - said)));
        RV_CHECK_EQ(straight(&past, "/a/1"), i == 0 ? 1 : i == 1 ? 11 : 0);
        RV_CHECK_EQ(straight(&past, "/b/1"), i == 0 ? 5 : 0);
    }
}

int main(void) {
    RV_RUN(memory_of_every_size);
    RV_RUN(what_a_selection_adds_is_filled_in);
    RV_RUN(histories_since_a_time);
    RV_RUN(what_is_given_up);
    RV_RUN(aggregates_that_are_lost);
    RV_RUN(what_is_in_order);
    RV_RUN(what_is_in_order_since_a_time);
    RV_RUN(what_is_in_order_outlives_what_is_given_up);
    RV_RUN(an_empty_past_is_in_order);
    RV_RUN(what_is_said_to_be_in_order_is_so);
    RV_RUN(bytes_come_back_or_are_refused);
    RV_RUN(a_start_leaves_nothing_of_what_was);
    RV_RUN(selections_that_no_past_has);
    RV_RUN(what_an_earlier_version_wrote);
    return rv_test_done();
}
