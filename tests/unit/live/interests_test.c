/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of those who wait for events, whoever's pattern a path matches is found by it, however they
 * came and went; and nobody who chooses patterns makes a chain of the table long.
 * Method: random patterns come and go, and for random paths those that are found are compared with
 * each pattern matched by itself. Then patterns are chosen that lie in one bucket of a table with
 * one key: in a table with another key they are spread over it.
 */
#include "core/live/interests.h"

#include "core/base/assert.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#define WAITING 64u
#define CHOSEN  48u

typedef struct waiting {
    char text[64];
    rv_path_pattern pattern;
    rv_interest interest;
    bool found;
} waiting;

static waiting all[WAITING];
static uint64_t random_state;

static rv_interests make(uint64_t key, rv_arena *arena) {
    rv_interests interests;
    const rv_status status = rv_interests_create(&interests, WAITING, key, arena);
    RV_ASSERT(status == RV_OK);
    return interests;
}

static uint32_t below(uint32_t end) {
    return (uint32_t)(rv_test_random(&random_state) % end);
}

/* A path, or a pattern: of few segments, so that many match. */
static void make_text(char *text, size_t size, bool pattern) {
    static const char *const segments[] = {"/a", "/b", "/ab", "/c", "/{id}", "/**"};
    size_t len = 0;
    bool ends = false;
    for (uint32_t i = 1 + below(4); i > 0 && !ends; i--) {
        const uint32_t nth = below(pattern ? 6 : 4);
        len += (size_t)snprintf(text + len, size - len, "%s", segments[nth]);
        ends = nth == 5;
    }
}

static void start(rv_interests *interests, waiting *w) {
    rv_error err;
    make_text(w->text, sizeof w->text, true);
    const rv_status status = rv_path_pattern_parse(rv_bytes_of_string(w->text), &w->pattern, &err);
    RV_ASSERT(status == RV_OK);
    rv_interests_add(interests, &w->interest, rv_interest_in_pattern(interests, &w->pattern), w);
}

RV_TEST(whom_a_path_concerns_is_found) {
    static uint8_t memory[4096];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_interests interests = make(7, &arena);
    uint32_t matches = 0;
    random_state = 1;
    for (uint32_t i = 0; i < WAITING; i++) {
        start(&interests, &all[i]);
    }
    for (uint32_t round = 0; round < 2000; round++) {
        char text[64];
        uint64_t hash;
        make_text(text, sizeof text, false);
        const rv_bytes path = rv_bytes_of_string(text);
        rv_interest_path walk = rv_interest_path_of(&interests, path);
        while (rv_interest_path_next(&walk, &hash)) {
            for (const rv_interest *one = rv_interests_first(&interests, hash); one != NULL;
                 one = rv_interests_next(one)) {
                ((waiting *)one->owner)->found = true;
            }
        }
        for (uint32_t i = 0; i < WAITING; i++) {
            const bool is = rv_path_pattern_match(&all[i].pattern, path);
            RV_CHECK(!is || all[i].found);
            matches += is;
            all[i].found = false;
        }
        waiting *const other = &all[below(WAITING)];
        rv_interests_remove(&interests, &other->interest);
        start(&interests, other);
    }
    RV_CHECK(matches > 2000);
    RV_CHECK_EQ(interests.count, WAITING);
}

/* The most that are in one bucket. */
static uint32_t longest(const rv_interests *interests) {
    uint32_t most = 0;
    for (uint32_t i = 0; i < interests->bucket_count; i++) {
        uint32_t len = 0;
        for (const rv_interest *one = interests->buckets[i]; one != NULL; one = one->next) {
            len += 1;
        }
        most = len > most ? len : most;
    }
    return most;
}

RV_TEST(who_chooses_patterns_does_not_choose_buckets) {
    static uint8_t memory[8192];
    rv_arena arena = rv_arena_over(memory, sizeof memory);
    rv_interests known = make(0, &arena); /* what it would be without a key */
    rv_interests keyed = make(UINT64_C(0x123456789abcdef1), &arena);
    rv_interest in_known[CHOSEN];
    rv_error err;
    uint32_t count = 0;
    for (uint32_t i = 0; count < CHOSEN; i++) {
        waiting *const w = &all[count];
        RV_CHECK(i < 100 * WAITING);
        snprintf(w->text, sizeof w->text, "/chosen/%u", (unsigned)i);
        RV_CHECK_STATUS(rv_path_pattern_parse(rv_bytes_of_string(w->text), &w->pattern, &err),
                        RV_OK);
        const uint64_t hash = rv_interest_in_pattern(&known, &w->pattern);
        rv_interests_add(&known, &in_known[count], hash, w);
        if (known.buckets[0] != &in_known[count]) {
            rv_interests_remove(&known, &in_known[count]);
            continue;
        }
        rv_interests_add(&keyed, &w->interest, rv_interest_in_pattern(&keyed, &w->pattern), w);
        count += 1;
    }
    RV_CHECK_EQ(longest(&known), CHOSEN);
    RV_CHECK(longest(&keyed) < 8);
    RV_CHECK(rv_interest_in_aggregate(&known, 3) != rv_interest_in_aggregate(&keyed, 3));
}

int main(void) {
    RV_RUN(whom_a_path_concerns_is_found);
    RV_RUN(who_chooses_patterns_does_not_choose_buckets);
    return rv_test_done();
}
