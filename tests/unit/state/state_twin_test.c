/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever events, transactions, rollbacks and shortages come, the state holds what a naive
 * interpreter holds; a rollback brings back rows, heads, hash and pages; and the hash depends on
 * nothing but what is held.
 * Method: random events of every type of the bank's schema over few keys, so that most rules are
 * broken often, folded into the state and into the twin of naive.h; the events that were accepted
 * are folded again into a fresh state with another hash key, without judging.
 */
#include "tests/unit/state/random_events.h"

#define LOG_MAX 20000u

static bank_memory schema_memory, state_memory, again_memory;
static rv_state *state;
static naive now, saved;
static logged journal[LOG_MAX];
static uint64_t saved_versions[STREAMS];
static uint8_t scratch_memory[1 << 17];
static uint32_t met[RV_STATUS_COUNT];

/* The state's row with the key of a row of the twin. */
static rv_row find_row(const rv_state *s, const naive_row *row) {
    const rv_aggregate *const aggregate = rv_schema_aggregate(schema, row->aggregate);
    rv_value key[RV_INDEX_COLUMNS_MAX];
    (void)naive_gather(row, aggregate->keys, aggregate->key_count, key);
    return rv_state_row_find(s, row->aggregate, key);
}

static void check_rows(rv_state *s) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    uint64_t count = 0;
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a += 1) {
        uint64_t walked = 0;
        for (rv_row row = rv_state_row_next(s, a, RV_ROW_NONE); row != RV_ROW_NONE;
             row = rv_state_row_next(s, a, row)) {
            walked += 1;
        }
        RV_CHECK_EQ(walked, rv_state_row_count(s, a));
        count += walked;
    }
    RV_CHECK_EQ(count, now.count);
    for (uint32_t i = 0; i < NAIVE_ROWS; i += 1) {
        const naive_row *const row = &now.rows[i];
        if (!row->used) {
            continue;
        }
        const rv_aggregate *const aggregate = rv_schema_aggregate(schema, row->aggregate);
        const rv_row at = find_row(s, row);
        RV_CHECK(at != RV_ROW_NONE);
        RV_CHECK_EQ(rv_state_row_owner(s, row->aggregate, at), row->owner);
        for (uint16_t c = 0; c < aggregate->column_count; c += 1) {
            rv_value value;
            bool unknown;
            RV_CHECK_STATUS(rv_state_row_cell(s, row->aggregate, at, c, &scratch, &value, &unknown),
                            RV_OK);
            RV_CHECK_EQ(unknown, row->unknown[c]);
            RV_CHECK(naive_same(&value, &row->values[c]));
            rv_arena_reset(&scratch, 0);
        }
    }
}

/* The row of the twin that lies at a place of the state. */
static const naive_row *twin_of(rv_state *s, const rv_aggregate *aggregate, rv_row at) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_value key;
    if (rv_state_row_cell(s, aggregate->number, at, aggregate->key, &scratch, &key, NULL) !=
        RV_OK) {
        return NULL;
    }
    return naive_find(&now, aggregate, &key);
}

/* One walk over a part of an index: every row of the range once, in order. The ends are what two
 * rows hold in the first columns. */
static void check_range(rv_state *s, const rv_aggregate *aggregate, uint16_t nth,
                        const naive_row *low, const naive_row *high, uint64_t random) {
    static bool met_row[NAIVE_ROWS];
    const rv_aggregate_index *const index = &aggregate->indexes[nth];
    rv_value values[2][RV_INDEX_COLUMNS_MAX];
    rv_index_range range = {.aggregate = aggregate->number,
                            .index = nth,
                            .descending = random % 2 == 0,
                            .low = {values[0], 0, random / 2 % 2 == 0},
                            .high = {values[1], 0, random / 4 % 2 == 0}};
    range.low.count = low == NULL ? 0 : (uint16_t)(1 + random / 8 % index->column_count);
    range.high.count = high == NULL ? 0 : (uint16_t)(1 + random / 64 % index->column_count);
    for (uint16_t c = 0; c < index->column_count; c += 1) {
        values[0][c] = low == NULL ? rv_value_null() : low->values[index->columns[c]];
        values[1][c] = high == NULL ? rv_value_null() : high->values[index->columns[c]];
    }
    uint32_t left = 0;
    for (uint32_t i = 0; i < NAIVE_ROWS; i += 1) {
        const naive_row *const row = &now.rows[i];
        met_row[i] = true;
        if (!row->used || row->aggregate != aggregate->number) {
            continue;
        }
        const rv_aggregate_index of_low = {index->columns, range.low.count, false};
        const rv_aggregate_index of_high = {index->columns, range.high.count, false};
        const int below = low == NULL ? 1 : naive_order(aggregate, &of_low, row, low);
        const int above = high == NULL ? -1 : naive_order(aggregate, &of_high, row, high);
        met_row[i] = !((below > 0 || (below == 0 && range.low.inclusive)) &&
                       (above < 0 || (above == 0 && range.high.inclusive)));
        left += !met_row[i];
    }
    rv_index_walk walk;
    const naive_row *before = NULL;
    for (rv_row at = rv_state_index_first(s, &range, &walk); at != RV_ROW_NONE;
         at = rv_state_index_next(s, &walk)) {
        const naive_row *const row = twin_of(s, aggregate, at);
        RV_CHECK(row != NULL && !met_row[row - now.rows]);
        met_row[row - now.rows] = true;
        left -= 1;
        if (before != NULL) {
            const int order = naive_order(aggregate, index, before, row);
            RV_CHECK(range.descending ? order >= 0 : order <= 0);
        }
        before = row;
    }
    RV_CHECK_EQ(left, 0);
}

/* Some row of the aggregate, now and then none. */
static const naive_row *random_row(const rv_aggregate *aggregate, uint64_t *seed) {
    const uint64_t from = rv_test_random(seed) % NAIVE_ROWS;
    for (uint32_t i = 0; i < NAIVE_ROWS && from % 8 != 0; i += 1) {
        const naive_row *const row = &now.rows[(from * 7 + i) % NAIVE_ROWS];
        if (row->used && row->aggregate == aggregate->number) {
            return row;
        }
    }
    return NULL;
}

static void check_indexes(rv_state *s, uint64_t seed) {
    for (uint16_t a = 0; a < rv_schema_aggregate_count(schema); a += 1) {
        const rv_aggregate *const aggregate = rv_schema_aggregate(schema, a);
        for (uint16_t i = 0; i < aggregate->index_count; i += 1) {
            check_range(s, aggregate, i, NULL, NULL, rv_test_random(&seed));
            RV_CHECK_PASSED();
            for (uint32_t round = 0; round < 4; round += 1) {
                const naive_row *const low = random_row(aggregate, &seed);
                const naive_row *const high = random_row(aggregate, &seed);
                check_range(s, aggregate, i, low, high, rv_test_random(&seed) >> 8);
                RV_CHECK_PASSED();
            }
        }
    }
}

static void check_heads(const rv_state *s) {
    RV_CHECK_EQ(rv_state_stream_count(s), STREAMS);
    for (uint32_t i = 0; i < STREAMS; i += 1) {
        rv_stream_head head;
        rv_state_stream(s, i, &head);
        RV_CHECK_EQ(head.version, versions[i]);
        uint32_t number;
        RV_CHECK(rv_state_stream_find(s, head.path, &number));
        RV_CHECK_EQ(number, i);
    }
}

/* False: the memory is too small even for the streams. */
static bool start(size_t page_memory, size_t journal_memory) {
    free(state_memory.memory);
    state = bank_state_make(&state_memory, schema, 77, page_memory, journal_memory);
    memset(&now, 0, sizeof now);
    now.schema = schema;
    memset(versions, 0, sizeof versions);
    logged_count = 0;
    naive_bytes.len = 0;
    return state != NULL && streams_add(state);
}

/* One transaction of up to eight events; false when a check failed. */
static void transact(uint64_t *seed, bool roomy) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    const rv_state_usage usage = rv_state_usage_of(state);
    const bool hashed = rv_test_random(seed) % 4 == 0;
    const rv_hash128 hash = hashed ? rv_state_hash(state, 1) : (rv_hash128){0, 0};
    const uint32_t first = logged_count;
    saved = now;
    memcpy(saved_versions, versions, sizeof versions);
    rv_state_begin(state);
    rv_status status = RV_OK;
    const uint32_t count = 1 + (uint32_t)(rv_test_random(seed) % 8);
    for (uint32_t i = 0; i < count && status == RV_OK; i += 1) {
        logged *const e = &journal[logged_count];
        random_event(seed, e);
        rv_error err = {0};
        status = rv_state_fold(state, &e->event, e->values, RV_FOLD_JUDGE, &scratch, &err);
        RV_CHECK_EQ(scratch.len, 0);
        met[status] += 1;
        if (status == RV_STATE_FULL || status == RV_BATCH_TOO_LARGE) {
            RV_CHECK(!roomy);
            break;
        }
        RV_CHECK_STATUS(naive_state_fold(&now, &e->event, e->values, true, &scratch), status);
        rv_arena_reset(&scratch, 0);
        RV_CHECK(status == RV_OK || err.status == status);
        logged_count += status == RV_OK;
        versions[e->event.stream] += status == RV_OK;
    }
    if (rv_test_random(seed) % 8 == 0) {
        (void)rv_state_hash(state, 2); /* what is cached in between must not stay */
    }
    if (status == RV_OK && rv_test_random(seed) % 4 != 0) {
        rv_state_commit(state);
        return;
    }
    rv_state_rollback(state);
    now = saved;
    memcpy(versions, saved_versions, sizeof versions);
    logged_count = first;
    RV_CHECK_EQ(rv_state_usage_of(state).pages_used, usage.pages_used);
    RV_CHECK(!hashed || bank_same(rv_state_hash(state, 1), hash));
}

/* Folds what was accepted into a fresh state, which must come out the same. */
static void check_replay(void) {
    rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
    rv_state *const again = bank_state_make(&again_memory, schema, 78, 16u << 20, 0);
    RV_CHECK(again != NULL && streams_add(again));
    for (uint32_t i = 0; i < logged_count; i += 1) {
        const logged *const e = &journal[i];
        RV_CHECK_STATUS(rv_state_fold(again, &e->event, e->values, RV_FOLD_APPLY, &scratch, NULL),
                        RV_OK);
    }
    check_rows(again);
    RV_CHECK_PASSED();
    check_indexes(again, logged_count);
    RV_CHECK_PASSED();
    check_heads(again);
    RV_CHECK_PASSED();
    RV_CHECK(bank_same(rv_state_hash(again, 9), rv_state_hash(state, 9)));
    RV_CHECK(!bank_same(rv_state_hash(again, 9), rv_state_hash(state, 10)));
    rv_path_pattern all;
    RV_CHECK_STATUS(rv_path_pattern_parse(RV_LITERAL("/streams/**"), &all, NULL), RV_OK);
    RV_CHECK(bank_same(rv_state_hash(again, 9), rv_state_hash_selected(state, 9, &all, 1)));
    int64_t next;
    RV_CHECK_STATUS(rv_state_serial_next(again, 0, &next, NULL), RV_OK);
    RV_CHECK_EQ(next, now.serial[0] + 1);
    free(again_memory.memory);
    again_memory.memory = NULL;
}

static void judged_run(uint64_t seed, uint32_t transactions, size_t pages, size_t journal_size,
                       bool roomy) {
    if (!start(pages, journal_size)) {
        RV_CHECK(!roomy);
        return;
    }
    for (uint32_t i = 0; i < transactions && logged_count + 8 < LOG_MAX; i += 1) {
        transact(&seed, roomy);
        RV_CHECK_PASSED();
        if (i % 50 == 0) {
            check_rows(state);
            RV_CHECK_PASSED();
            check_indexes(state, seed);
            RV_CHECK_PASSED();
        }
    }
    check_rows(state);
    RV_CHECK_PASSED();
    check_heads(state);
    RV_CHECK_PASSED();
    check_replay();
}

RV_TEST(judged_events_agree_with_the_twin) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(12); seed += 1) {
        judged_run(seed * 1000003, 2500, 16u << 20, 4u << 20, true);
        RV_CHECK_PASSED();
    }
    static const rv_status all[] = {RV_OK,
                                    RV_ROW_EXISTS,
                                    RV_UNKNOWN_REFERENCE,
                                    RV_ROW_OF_OTHER_STREAM,
                                    RV_ROW_REFERENCED,
                                    RV_CHECK_VIOLATION,
                                    RV_UNIQUE_VIOLATION,
                                    RV_NOT_NULL_VIOLATION,
                                    RV_VALUE_OUT_OF_RANGE,
                                    RV_DIVISION_BY_ZERO,
                                    RV_VALUE_TOO_LONG};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i += 1) {
        if (met[all[i]] < 5) {
            RV_FAIL_AT_("%s was met %u times", rv_status_code(all[i]), met[all[i]]);
        }
    }
}

RV_TEST(shortages_leave_the_state_as_it_was) {
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(150); seed += 1) {
        const bool few_pages = seed % 2 == 0;
        const size_t pages = few_pages ? 8 + (size_t)(seed % 30) : 1000;
        judged_run(seed, 60, pages * (RV_PAGE_SIZE + 17) + 200,
                   few_pages ? 1u << 20 : (size_t)seed * 173, false);
        RV_CHECK_PASSED();
    }
    RV_CHECK(met[RV_STATE_FULL] > 100 && met[RV_BATCH_TOO_LARGE] > 100);
}

/* Unjudged events in any order, as where a part is held: nothing fails, and the twin agrees. */
RV_TEST(applied_events_agree_with_the_twin) {
    uint32_t unknown = 0;
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(8); seed += 1) {
        uint64_t random = seed * 7919;
        rv_arena scratch = rv_arena_over(scratch_memory, sizeof scratch_memory);
        RV_CHECK(start(16u << 20, 4u << 20));
        for (uint32_t i = 0; i < 6000; i += 1) {
            logged *const e = &journal[logged_count];
            random_event(&random, e);
            const bool take_back = i % 16 == 0;
            saved = now;
            if (take_back) {
                rv_state_begin(state);
            }
            RV_CHECK_STATUS(
                rv_state_fold(state, &e->event, e->values, RV_FOLD_APPLY, &scratch, NULL), RV_OK);
            RV_CHECK_STATUS(naive_state_fold(&now, &e->event, e->values, false, &scratch), RV_OK);
            rv_arena_reset(&scratch, 0);
            if (take_back) {
                rv_state_rollback(state);
                now = saved;
                continue;
            }
            logged_count += 1;
            versions[e->event.stream] += 1;
            if (i % 100 == 0) {
                check_rows(state);
                RV_CHECK_PASSED();
                check_indexes(state, random);
                RV_CHECK_PASSED();
            }
        }
        check_replay();
        RV_CHECK_PASSED();
        for (uint32_t i = 0; i < NAIVE_ROWS * NAIVE_COLUMNS; i += 1) {
            const naive_row *const row = &now.rows[i / NAIVE_COLUMNS];
            unknown += row->used && row->unknown[i % NAIVE_COLUMNS];
        }
    }
    RV_CHECK(unknown > 0);
}

int main(void) {
    bank_memory bytes;
    schema = bank_schema_make(&schema_memory);
    if (schema == NULL || !bank_take(&bytes, 64u << 20)) {
        return 1;
    }
    naive_bytes = bytes.arena;
    RV_RUN(judged_events_agree_with_the_twin);
    RV_RUN(shortages_leave_the_state_as_it_was);
    RV_RUN(applied_events_agree_with_the_twin);
    free(state_memory.memory);
    free(again_memory.memory);
    free(schema_memory.memory);
    free(bytes.memory);
    return rv_test_done();
}
