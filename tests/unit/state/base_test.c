/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a base is what the selected streams had at its position, whatever is written meanwhile, and
 * nothing of it is seen before all of it is; bytes that are no base are refused.
 * Method: random events over the bank's schema; while a base of some streams is written in small
 * parts, more are folded. Another state that gets the parts has the hash that the first one had for
 * those streams. Parts are cut at every length and changed at every byte; written in messages and
 * scratch of many sizes, and taken into states with few pages.
 */
#include "core/state/base.h"
#include "core/state/checkpoint.h"
#include "core/state/inside.h"
#include "core/state/streams.h"
#include "tests/unit/state/bank_random.h"

#define PAGE_MEMORY ((size_t)3 << 20)
#define JOURNAL     ((size_t)1 << 20)
#define PART_MAX    ((size_t)64 << 10)

static bank_memory schema_memory, memories[3];
static uint8_t part[PART_MAX];

static bool start(rv_state **state, uint32_t nth, uint64_t key) {
    free(memories[nth].memory);
    const rv_state_options options = {schema, key, PAGE_MEMORY, JOURNAL, (size_t)8 << 20};
    return bank_take(&memories[nth], PAGE_MEMORY + JOURNAL + ((size_t)9 << 20)) &&
           rv_state_create(state, &options, &memories[nth].arena, NULL) == RV_OK;
}

static bool fill(rv_state **state, uint64_t *seed, uint32_t count) {
    static const char *const paths[STREAMS] = {"/s/1", "/s/12", "/s/a name", "/s/123456789012345",
                                               "/s/5"};
    bool good = start(state, 0, 77);
    sequence = 0;
    memset(versions, 0, sizeof versions);
    for (uint32_t i = 0; i < STREAMS && good; i += 1) {
        uint32_t number;
        good = rv_state_stream_add(*state, 0, rv_bytes_of_string(paths[i]), &number, NULL) == RV_OK;
    }
    for (uint32_t i = 0; i < count && good; i += 1) {
        good = fold_random(*state, seed) == RV_OK;
    }
    return good;
}

static rv_arena scratch_of(void) {
    return rv_arena_over(scratch_memory, sizeof scratch_memory);
}

static rv_path_pattern pattern_of(const char *text) {
    rv_path_pattern pattern = {0};
    const rv_status status = rv_path_pattern_parse(rv_bytes_of_string(text), &pattern, NULL);
    pattern.segment_count = status == RV_OK ? pattern.segment_count : 0;
    return pattern;
}

/* Writes all parts of a base and lets them wait in `to`, while more events come. */
static void hand_over(rv_state *from, rv_state *to, const rv_base_source *source, uint64_t *seed,
                      size_t target, uint32_t work) {
    uint64_t cursor = RV_BASE_CURSOR_BEGIN;
    while (cursor != RV_BASE_CURSOR_END) {
        rv_arena scratch = scratch_of();
        rv_writer w = rv_writer_over(part, sizeof part);
        RV_CHECK_STATUS(rv_state_base_write(from, source, target, work, &scratch, &cursor, &w),
                        RV_OK);
        RV_CHECK_PASSED();
        scratch = scratch_of();
        rv_state_begin(to);
        RV_CHECK_STATUS(rv_state_base_part(to, rv_writer_bytes(&w), cursor, &scratch, NULL), RV_OK);
        if (rv_test_random(seed) % 4 == 0) { /* taken back, and taken again */
            rv_state_rollback(to);
            rv_state_begin(to);
            RV_CHECK_STATUS(rv_state_base_part(to, rv_writer_bytes(&w), cursor, &scratch, NULL),
                            RV_OK);
        }
        rv_state_commit(to);
        RV_CHECK_EQ(rv_state_base_progress(to).cursor, cursor);
        for (uint32_t i = 0; i < 5; i += 1) {
            scratch = scratch_of();
            RV_CHECK_STATUS(fold_random(from, seed), RV_OK);
        }
    }
}

RV_TEST(a_base_is_what_the_streams_had_at_its_position) {
    for (uint64_t run = 1; run <= RV_TEST_ROUNDS(120); run += 1) {
        uint64_t seed = run;
        rv_state *state, *edge;
        RV_CHECK(fill(&state, &seed, (uint32_t)(run * run) % 1200));
        const rv_path_pattern some = pattern_of(run % 3 == 0 ? "/s/*" : "/s/12");
        const rv_path_pattern held = pattern_of("/s/1");
        rv_base_source source = {
            .patterns = &some, .pattern_count = 1, .held = &held, .held_count = 0};
        RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
        const rv_hash128 hash = rv_state_hash_selected(state, 9, &some, 1);
        RV_CHECK(start(&edge, 1, 78));
        const rv_hash128 empty = rv_state_hash(edge, 9);
        RV_CHECK_STATUS(rv_state_base_begin(edge, 9, RV_LITERAL("x"), NULL), RV_OK);
        hand_over(state, edge, &source, &seed, (size_t)(200 + run * 50),
                  1 + (uint32_t)run % 7 * 40);
        RV_CHECK_PASSED();
        rv_state_base_close(state, &source);
        RV_CHECK(bank_same(rv_state_hash(edge, 9), empty));
        rv_arena scratch = scratch_of();
        RV_CHECK_STATUS(rv_state_base_apply(edge, &scratch, NULL), RV_OK);
        RV_CHECK(bank_same(rv_state_hash(edge, 9), hash));
        RV_CHECK(!rv_state_base_progress(edge).under_way);
        RV_CHECK_PASSED();
    }
}

static bool same_cell(const rv_value *a, const rv_value *b) {
    return a->class_ == b->class_ && !rv_value_is_null(a) &&
           (a->class_ == RV_VALUE_INT ? a->as.integer == b->as.integer
                                      : rv_bytes_equal(a->as.bytes, b->as.bytes));
}

/* How many cells name the row, by looking at all that can. */
static uint32_t naive_refs(rv_state *state, uint16_t target, const rv_value *key) {
    uint32_t refs = 0;
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a += 1) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(schema, a);
        for (rv_row row = rv_state_row_next(state, a, RV_ROW_NONE); row != RV_ROW_NONE;
             row = rv_state_row_next(state, a, row)) {
            for (uint16_t c = 0; c < aggregate->column_count; c += 1) {
                static uint8_t memory[4096];
                rv_arena arena = rv_arena_over(memory, sizeof memory);
                rv_value value;
                refs += aggregate->columns[c].references == target &&
                        rv_state_row_cell(state, a, row, c, &arena, &value, NULL) == RV_OK &&
                        same_cell(&value, key);
            }
        }
    }
    return refs;
}

/* Every row of the aggregate has as many references as there are; adds them up. */
static void check_refs(rv_state *state, uint16_t aggregate, uint64_t *sum) {
    const uint16_t column = rv_schema_aggregate(schema, aggregate)->key;
    RV_CHECK_EQ(rv_schema_aggregate(schema, aggregate)->foreign_key_count, 0);
    for (rv_row row = rv_state_row_next(state, aggregate, RV_ROW_NONE); row != RV_ROW_NONE;
         row = rv_state_row_next(state, aggregate, row)) {
        rv_arena scratch = scratch_of();
        const rv_table *const table = rv_table_of(&state->pages, aggregate);
        const uint32_t refs =
            rv_row_head_of(rv_rows_read(&state->pages, table, (uint32_t)row)).refs;
        rv_value key;
        RV_CHECK_STATUS(rv_state_row_cell(state, aggregate, row, column, &scratch, &key, NULL),
                        RV_OK);
        RV_CHECK_EQ(refs, naive_refs(state, aggregate, &key));
        *sum += refs;
    }
}

/* References are counted whichever row came first, with the base, with one before or by events:
 * who holds all streams, by two bases, knows them all. */
RV_TEST(references_are_counted_when_a_base_has_ended) {
    uint64_t sum = 0;
    for (uint64_t run = 1; run <= RV_TEST_ROUNDS(40); run += 1) {
        uint64_t seed = run;
        rv_state *state, *edge;
        RV_CHECK(fill(&state, &seed, 100 + (uint32_t)run * 20));
        RV_CHECK(start(&edge, 1, 78));
        const rv_path_pattern first = pattern_of(run % 2 == 0 ? "/s/12" : "/s/5");
        const rv_path_pattern all = pattern_of("/s/*");
        const rv_path_pattern *const halves[2] = {&first, &all};
        for (int half = 0; half < 2; half += 1) {
            rv_base_source source = {.patterns = halves[half],
                                     .pattern_count = 1,
                                     .held = &first,
                                     .held_count = half == 0 ? 0 : 1};
            uint64_t cursor = RV_BASE_CURSOR_BEGIN;
            RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
            RV_CHECK_STATUS(rv_state_base_begin(edge, 9, RV_LITERAL("x"), NULL), RV_OK);
            while (cursor != RV_BASE_CURSOR_END) {
                rv_arena scratch = scratch_of();
                rv_writer w = rv_writer_over(part, sizeof part);
                RV_CHECK_STATUS(
                    rv_state_base_write(state, &source, 200, 1000, &scratch, &cursor, &w), RV_OK);
                scratch = scratch_of();
                rv_state_begin(edge);
                RV_CHECK_STATUS(
                    rv_state_base_part(edge, rv_writer_bytes(&w), cursor, &scratch, NULL), RV_OK);
                rv_state_commit(edge);
            }
            rv_state_base_close(state, &source);
            rv_arena scratch = scratch_of();
            RV_CHECK_STATUS(rv_state_base_apply(edge, &scratch, NULL), RV_OK);
        }
        RV_CHECK(bank_same(rv_state_hash(edge, 9), rv_state_hash(state, 9)));
        for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a += 1) {
            check_refs(edge, a, &sum);
        }
        RV_CHECK_PASSED();
    }
    RV_CHECK(sum > 0);
}

RV_TEST(a_stream_that_is_held_already_is_left_out) {
    uint64_t seed = 7;
    rv_state *state, *edge, *whole;
    RV_CHECK(fill(&state, &seed, 900));
    const rv_path_pattern all = pattern_of("/s/*");
    const rv_path_pattern held = pattern_of("/s/12");
    const rv_path_pattern *const halves[2] = {&held, &all};
    rv_base_source source = {0};
    RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
    RV_CHECK(start(&edge, 1, 1));
    RV_CHECK(start(&whole, 2, 2));
    const rv_hash128 hash = rv_state_hash_selected(state, 3, &all, 1);
    for (int half = 0; half < 2; half += 1) { /* one after the other makes the whole */
        source.patterns = halves[half];
        source.pattern_count = 1;
        source.held = &held;
        source.held_count = half == 0 ? 0 : 1;
        RV_CHECK_STATUS(rv_state_base_begin(edge, 3, RV_LITERAL("x"), NULL), RV_OK);
        hand_over(state, edge, &source, &seed, 3000, 1000);
        rv_arena scratch = scratch_of();
        RV_CHECK_STATUS(rv_state_base_apply(edge, &scratch, NULL), RV_OK);
        RV_CHECK_EQ(bank_same(rv_state_hash(edge, 3), hash), half == 1);
    }
    /* and again over itself: rows take the place of rows */
    source.held_count = 0;
    RV_CHECK_STATUS(rv_state_base_begin(edge, 3, RV_LITERAL("x"), NULL), RV_OK);
    hand_over(state, edge, &source, &seed, 3000, 1000);
    rv_arena scratch = scratch_of();
    RV_CHECK_STATUS(rv_state_base_apply(edge, &scratch, NULL), RV_OK);
    RV_CHECK(bank_same(rv_state_hash(edge, 3), hash));
}

RV_TEST(what_is_given_up_leaves_nothing_behind) {
    uint64_t seed = 11;
    rv_state *state, *edge;
    RV_CHECK(fill(&state, &seed, 900));
    const rv_path_pattern all = pattern_of("/s/*");
    rv_base_source source = {.patterns = &all, .pattern_count = 1};
    RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
    RV_CHECK(start(&edge, 1, 1));
    const uint32_t pages = rv_state_usage_of(edge).pages_used;
    RV_CHECK_STATUS(rv_state_base_begin(edge, 3, RV_LITERAL("a selection of some length"), NULL),
                    RV_OK);
    hand_over(state, edge, &source, &seed, 9000, 1000);
    RV_CHECK(rv_state_usage_of(edge).pages_used > pages);
    rv_state_base_discard(edge);
    RV_CHECK_EQ(rv_state_usage_of(edge).pages_used, pages);
}

/* Writes the first part of a base of some 300 events. */
static void some_part(rv_state **edge, size_t *len) {
    uint64_t seed = 5;
    rv_state *state;
    RV_CHECK(fill(&state, &seed, 300));
    const rv_path_pattern all = pattern_of("/s/*");
    rv_base_source source = {.patterns = &all, .pattern_count = 1};
    RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
    uint64_t cursor = RV_BASE_CURSOR_BEGIN;
    rv_arena scratch = scratch_of();
    rv_writer w = rv_writer_over(part, sizeof part);
    RV_CHECK_STATUS(rv_state_base_write(state, &source, 1500, 9999, &scratch, &cursor, &w), RV_OK);
    RV_CHECK(start(edge, 1, 1));
    *len = w.len;
}

RV_TEST(bytes_that_are_no_part_are_refused) {
    rv_state *edge;
    static uint8_t bytes[PART_MAX];
    size_t len = 0;
    some_part(&edge, &len);
    RV_CHECK_PASSED();
    RV_CHECK(len > 1000);
    memcpy(bytes, part, len);
    uint32_t refused = 0, taken = 0;
    RV_CHECK_STATUS(rv_state_base_begin(edge, 3, RV_LITERAL("x"), NULL), RV_OK);
    for (size_t cut = 0; cut < len; cut += 1) {
        rv_arena scratch = scratch_of();
        rv_state_begin(edge);
        const rv_status status =
            rv_state_base_part(edge, rv_bytes_of(bytes, cut), 1, &scratch, NULL);
        RV_CHECK(status == RV_OK || status == RV_DATA_DAMAGED);
        rv_state_rollback(edge);
        refused += status != RV_OK;
        taken += status == RV_OK;
    }
    RV_CHECK(refused > taken * 5 && taken > 0); /* between two items a part may end */
    rv_state_base_discard(edge);
    for (size_t i = 0; i < len; i += RV_TEST_STRIDE) {
        for (uint8_t change = 1; change != 0; change = (uint8_t)(change << 1)) {
            bytes[i] ^= change;
            rv_arena scratch = scratch_of();
            RV_CHECK_STATUS(rv_state_base_begin(edge, 3, RV_LITERAL("x"), NULL), RV_OK);
            if (rv_state_base_part(edge, rv_bytes_of(bytes, len), 1, &scratch, NULL) == RV_OK) {
                const rv_status status = rv_state_base_apply(edge, &scratch, NULL);
                RV_CHECK_STATUS(status, RV_OK);
            }
            rv_state_base_discard(edge);
            bytes[i] ^= change;
            RV_CHECK_PASSED();
        }
    }
}

RV_TEST(a_snapshot_that_has_expired_is_told) {
    uint64_t seed = 3;
    rv_state *state;
    RV_CHECK(fill(&state, &seed, 500));
    const rv_path_pattern all = pattern_of("/s/*");
    rv_base_source source = {.patterns = &all, .pattern_count = 1};
    RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
    rv_state_base_close(state, &source);
    uint64_t cursor = RV_BASE_CURSOR_BEGIN;
    rv_arena scratch = scratch_of();
    rv_writer w = rv_writer_over(part, sizeof part);
    RV_CHECK_STATUS(rv_state_base_write(state, &source, 500, 99, &scratch, &cursor, &w),
                    RV_SNAPSHOT_EXPIRED);
    RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
    static const uint64_t none[] = {6, UINT64_C(1) << 32, UINT64_C(1) << 33, UINT64_MAX};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i += 1) {
        cursor = none[i];
        RV_CHECK_STATUS(rv_state_base_write(state, &source, 500, 99, &scratch, &cursor, &w),
                        RV_DATA_DAMAGED);
    }
}

/* Writes the parts of a base of everything, none larger than `cap`, to `to`; the first status that
 * is not RV_OK. */
static rv_status hand_over_in(rv_state *from, rv_state *to, const rv_base_source *source,
                              size_t cap) {
    uint64_t cursor = RV_BASE_CURSOR_BEGIN;
    rv_status status = RV_OK;
    while (cursor != RV_BASE_CURSOR_END && status == RV_OK) {
        rv_arena scratch = scratch_of();
        rv_writer w = rv_writer_over(part, cap);
        status = rv_state_base_write(from, source, cap, 1000, &scratch, &cursor, &w);
        rv_state_begin(to);
        if (status == RV_OK) {
            scratch = scratch_of();
            status = rv_state_base_part(to, rv_writer_bytes(&w), cursor, &scratch, NULL);
        }
        if (status == RV_OK) {
            rv_state_commit(to);
        } else {
            rv_state_rollback(to);
        }
    }
    return status;
}

/* Whatever the size of messages, the base is the same, or an item is said to be too large. */
RV_TEST(parts_of_every_size) {
    uint64_t seed = 21;
    rv_state *state, *edge;
    uint32_t too_small = 0, good = 0;
    RV_CHECK(fill(&state, &seed, 150));
    const rv_path_pattern all = pattern_of("/s/*");
    rv_base_source source = {.patterns = &all, .pattern_count = 1};
    RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
    const rv_hash128 hash = rv_state_hash_selected(state, 3, &all, 1);
    RV_CHECK(start(&edge, 1, 1));
    for (size_t cap = 1; cap < 8000; cap += 1 + cap / 4) {
        RV_CHECK_STATUS(rv_state_base_begin(edge, 3, RV_LITERAL("x"), NULL), RV_OK);
        const rv_status status = hand_over_in(state, edge, &source, cap);
        RV_CHECK(status == RV_OK || status == RV_MESSAGE_TOO_LARGE);
        if (status == RV_OK) {
            rv_arena scratch = scratch_of();
            RV_CHECK_STATUS(rv_state_base_apply(edge, &scratch, NULL), RV_OK);
            RV_CHECK(bank_same(rv_state_hash(edge, 3), hash));
        }
        rv_state_base_discard(edge);
        too_small += status != RV_OK;
        good += status == RV_OK;
    }
    RV_CHECK(too_small > 5 && good > 3);
}

/* So much scratch that a value in pieces does not fit. */
RV_TEST(scratch_of_every_size) {
    uint64_t seed = 21;
    rv_state *state, *edge;
    uint32_t short_ = 0;
    RV_CHECK(fill(&state, &seed, 400));
    const rv_path_pattern all = pattern_of("/s/*");
    rv_base_source source = {.patterns = &all, .pattern_count = 1};
    RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
    RV_CHECK(start(&edge, 1, 1));
    for (size_t cap = 0; cap < 12000; cap += 1 + cap / 2) {
        uint64_t cursor = RV_BASE_CURSOR_BEGIN;
        rv_status status = RV_OK;
        RV_CHECK_STATUS(rv_state_base_begin(edge, 3, RV_LITERAL("x"), NULL), RV_OK);
        while (cursor != RV_BASE_CURSOR_END && status == RV_OK) {
            rv_arena little = rv_arena_over(scratch_memory, cap);
            rv_writer w = rv_writer_over(part, sizeof part);
            status = rv_state_base_write(state, &source, 9000, 9999, &little, &cursor, &w);
            little.len = 0;
            rv_state_begin(edge);
            status = status == RV_OK
                         ? rv_state_base_part(edge, rv_writer_bytes(&w), cursor, &little, NULL)
                         : status;
            rv_state_rollback(edge);
        }
        RV_CHECK(status == RV_OK || status == RV_MEMORY_EXHAUSTED);
        rv_state_base_discard(edge);
        short_ += status != RV_OK;
    }
    RV_CHECK(short_ > 5);
}

/* An edge with few pages, or a journal that takes little back, refuses the base and, until rows are
 * made, has what it had. */
RV_TEST(a_base_that_finds_no_room) {
    uint64_t seed = 31;
    rv_state *state, *edge;
    uint32_t full = 0, none = 0;
    RV_CHECK(fill(&state, &seed, 600));
    const rv_path_pattern all = pattern_of("/s/*");
    rv_base_source source = {.patterns = &all, .pattern_count = 1};
    RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
    for (size_t pages = 1; pages < 60; pages += 1 + pages / 12) {
        for (size_t journal = 1024; journal <= JOURNAL; journal *= 32) {
            free(memories[1].memory);
            const rv_state_options options = {schema, 1, pages * RV_PAGE_SIZE, journal, 1 << 20};
            RV_CHECK(bank_take(&memories[1], PAGE_MEMORY + JOURNAL + ((size_t)2 << 20)));
            if (rv_state_create(&edge, &options, &memories[1].arena, NULL) != RV_OK) {
                none += 1;
                continue;
            }
            const rv_hash128 empty = rv_state_hash(edge, 3);
            const uint32_t used = rv_state_usage_of(edge).pages_used;
            rv_status status = rv_state_base_begin(edge, 3, RV_LITERAL("a selection"), NULL);
            if (status == RV_OK) {
                status = hand_over_in(state, edge, &source, 9000);
                RV_CHECK(bank_same(rv_state_hash(edge, 3), empty));
                if (status == RV_OK) {
                    rv_arena scratch = scratch_of();
                    status = rv_state_base_apply(edge, &scratch, NULL);
                } else {
                    rv_state_base_discard(edge);
                    RV_CHECK_EQ(rv_state_usage_of(edge).pages_used, used);
                }
            }
            RV_CHECK(status == RV_OK || status == RV_STATE_FULL || status == RV_BATCH_TOO_LARGE);
            full += status != RV_OK;
        }
    }
    RV_CHECK(full > 10 && none < full);
}

/* Where there is room for a base by what is found beforehand, it becomes rows: afterwards it is too
 * late to go on with what there was. Many streams, and memory that is just enough. */
RV_TEST(who_is_told_that_there_is_room_has_it) {
    uint64_t seed = 37;
    rv_state *state, *edge;
    uint32_t told = 0, refused = 0;
    RV_CHECK(fill(&state, &seed, 100));
    for (uint32_t i = 0; i < 1500; i += 1) {
        char path[32];
        uint32_t number;
        const int len = snprintf(path, sizeof path, "/s/stream %u", i);
        const rv_bytes text = rv_bytes_of((const uint8_t *)path, (size_t)len);
        RV_CHECK_STATUS(rv_state_stream_add(state, 0, text, &number, NULL), RV_OK);
        rv_streams_write(&state->pages, number)->version = 1;
    }
    const rv_path_pattern all = pattern_of("/s/*");
    rv_base_source source = {.patterns = &all, .pattern_count = 1};
    RV_CHECK_STATUS(rv_state_base_open(state, &source), RV_OK);
    for (size_t pages = 4; pages < 60; pages += 1) {
        free(memories[1].memory);
        const rv_state_options options = {schema, 1, pages * RV_PAGE_SIZE, JOURNAL, 1 << 20};
        RV_CHECK(bank_take(&memories[1], PAGE_MEMORY + JOURNAL + ((size_t)2 << 20)));
        if (rv_state_create(&edge, &options, &memories[1].arena, NULL) != RV_OK ||
            rv_state_base_begin(edge, 3, RV_LITERAL("a selection"), NULL) != RV_OK ||
            hand_over_in(state, edge, &source, 9000) != RV_OK) {
            continue;
        }
        rv_arena scratch = scratch_of();
        const rv_status room = rv_state_base_room(edge, &scratch, NULL);
        RV_CHECK(room == RV_OK || room == RV_STATE_FULL);
        refused += room != RV_OK;
        told += room == RV_OK;
        scratch = scratch_of();
        RV_CHECK(room != RV_OK || rv_state_base_apply(edge, &scratch, NULL) == RV_OK);
    }
    RV_CHECK(told > 10 && refused > 0);
}

int main(void) {
    schema = bank_schema_make(&schema_memory);
    if (schema == NULL) {
        return 1;
    }
    RV_RUN(a_base_is_what_the_streams_had_at_its_position);
    RV_RUN(references_are_counted_when_a_base_has_ended);
    RV_RUN(a_stream_that_is_held_already_is_left_out);
    RV_RUN(what_is_given_up_leaves_nothing_behind);
    RV_RUN(bytes_that_are_no_part_are_refused);
    RV_RUN(a_snapshot_that_has_expired_is_told);
    RV_RUN(parts_of_every_size);
    RV_RUN(scratch_of_every_size);
    RV_RUN(a_base_that_finds_no_room);
    RV_RUN(who_is_told_that_there_is_room_has_it);
    return rv_test_done();
}
