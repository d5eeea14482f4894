/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an edge that selects aggregates with filters has the root's rows that pass, and no others,
 * whatever happens to them; so has one that gets them from there; it is told of no row that it did
 * not have and does not get; what is no longer known of changes is told. Method: random events,
 * judged as at the root, some of them refused, some batches taken back; a second state that gets a
 * base and then changes, with memory for all of them or for a few; compared by hash. Who goes on
 * among the changes where it was finds what a walk from the beginning does.
 */
#include "core/model/schema_filter.h"
#include "core/state/base.h"
#include "core/state/base_items.h"
#include "tests/unit/state/bank_random.h"

#define PAGE_MEMORY ((size_t)3 << 20)
#define JOURNAL     ((size_t)1 << 20)
#define ITEMS_MAX   ((size_t)256 << 10)
#define FILTERS     3

static const char *const filters[][FILTERS] = {
    {NULL, NULL, NULL},
    {"balance > 4 and level is not null", "age is null or age > 10", "n > 2"},
    {"plan = 'team' or note like 'a%'", "account_id = 3", "last is null"},
    {"10 / (id - 3) > 0", "code = 'abc'", "total % 2 = 0"}, /* a division by zero passes nothing */
};

static bank_memory schema_memory, memories[3];
static uint8_t items[ITEMS_MAX];
static uint8_t ring[64 << 10], further_ring[64 << 10];
static rv_expr compiled[FILTERS];
static rv_given given[FILTERS];
static uint8_t filter_memory[16 << 10];

static bool start(rv_state **state, uint32_t nth, uint64_t key) {
    free(memories[nth].memory);
    const rv_state_options options = {schema, key, PAGE_MEMORY, JOURNAL, (size_t)8 << 20};
    return bank_take(&memories[nth], PAGE_MEMORY + JOURNAL + ((size_t)9 << 20)) &&
           rv_state_create(state, &options, &memories[nth].arena, NULL) == RV_OK;
}

/* Numbered from 0. */
static bool add_streams(rv_state *state) {
    rv_status status = RV_OK;
    for (uint32_t i = 0; i < STREAMS && status == RV_OK; i += 1) {
        char path[16];
        uint32_t number;
        (void)snprintf(path, sizeof path, "/s/%u", i);
        status = rv_state_stream_add(state, 0, rv_bytes_of_string(path), &number, NULL);
    }
    return status == RV_OK;
}

static rv_arena scratch_of(void) {
    return rv_arena_over(scratch_memory, sizeof scratch_memory);
}

static void select_all(size_t which, rv_base_source *source) {
    rv_arena arena = rv_arena_over(filter_memory, sizeof filter_memory);
    for (uint16_t a = 0; a < FILTERS; a += 1) {
        const char *const text = filters[which][a];
        given[a] = (rv_given){.aggregate = a};
        rv_arena scratch = scratch_of();
        if (text != NULL) {
            rv_error err = {.status = RV_OK};
            RV_CHECK_STATUS(rv_schema_filter(schema, rv_schema_aggregate(schema, a),
                                             rv_bytes_of_string(text), &arena, &scratch,
                                             &compiled[a], &err),
                            RV_OK);
            given[a].filter = &compiled[a];
        }
    }
    *source = (rv_base_source){.given = given, .given_count = FILTERS};
}

/* As at the root, or as at a gateway, which folds what has been judged. */
static rv_fold_mode fold_mode = RV_FOLD_JUDGE;

/* A batch of some events; some are refused, and some batches are taken back. */
static void judge_random(rv_state *state, uint64_t *seed) {
    const uint32_t count = 1 + (uint32_t)(rv_test_random(seed) % 5);
    rv_state_begin(state);
    rv_status status = RV_OK;
    for (uint32_t i = 0; i < count && status == RV_OK; i += 1) {
        status = fold_random_as(state, seed, fold_mode);
    }
    if (status != RV_OK || rv_test_random(seed) % 5 == 0) {
        rv_state_rollback(state);
    } else {
        rv_state_commit(state);
    }
}

static bool same(rv_state *root, rv_state *edge, const rv_base_source *source) {
    rv_arena scratch = scratch_of();
    rv_hash128 hash;
    return rv_state_hash_source(root, 5, source, &scratch, &hash) == RV_OK &&
           bank_same(hash, rv_state_hash(edge, 5));
}

static void begin_with_base(rv_state *root, rv_state *edge, rv_base_source *source) {
    uint64_t cursor = RV_BASE_CURSOR_BEGIN;
    RV_CHECK_STATUS(rv_state_base_open(root, source), RV_OK);
    RV_CHECK_STATUS(rv_state_base_begin(edge, 5, RV_LITERAL("x"), NULL), RV_OK);
    while (cursor != RV_BASE_CURSOR_END) {
        rv_arena scratch = scratch_of();
        rv_writer w = rv_writer_over(items, sizeof items);
        RV_CHECK_STATUS(rv_state_base_write(root, source, 4000, 999, &scratch, &cursor, &w), RV_OK);
        scratch = scratch_of();
        RV_CHECK_STATUS(rv_state_base_part(edge, rv_writer_bytes(&w), cursor, &scratch, NULL),
                        RV_OK);
        RV_CHECK_PASSED();
    }
    rv_arena scratch = scratch_of();
    RV_CHECK_STATUS(rv_state_base_apply(edge, &scratch, NULL), RV_OK);
    rv_state_base_close(root, source);
}

/* A row that is gone was there: an edge is told of nothing else. (Of what nobody has judged it may
 * be told twice: an event then may act on a row and delete it.) */
static void check_gone(rv_state *edge, rv_bytes bytes) {
    static rv_base_reader reader;
    if (fold_mode == RV_FOLD_APPLY) {
        return;
    }
    rv_base_reader_begin(&reader, schema, bytes);
    rv_status status = rv_base_reader_next(&reader);
    for (bool first = true; status == RV_OK && first; first = false) {
        if (reader.kind == RV_BASE_GONE) {
            rv_value key[RV_INDEX_COLUMNS_MAX];
            for (uint16_t i = 0; i < reader.aggregate->key_count; i += 1) {
                key[i] = reader.values[reader.aggregate->keys[i]];
            }
            RV_CHECK(rv_state_row_find(edge, reader.aggregate->number, key) != RV_ROW_NONE);
        }
    }
}

/* Hands over what changed, item by item when `target` is 1. */
static void hand_over(rv_state *root, rv_state *edge, const rv_base_source *source,
                      const rv_changes *changes, size_t target, uint64_t *serial) {
    rv_status status = RV_OK;
    while (status == RV_OK) {
        rv_arena scratch = scratch_of();
        rv_writer w = rv_writer_over(items, sizeof items);
        status =
            rv_state_base_changes(root, source, changes, UINT64_MAX, target, &scratch, serial, &w);
        RV_CHECK(status == RV_OK || status == RV_END);
        if (target == 1 && w.len > 0) {
            check_gone(edge, rv_writer_bytes(&w));
            RV_CHECK_PASSED();
        }
        scratch = scratch_of();
        rv_state_begin(edge);
        RV_CHECK_STATUS(rv_state_base_change(edge, rv_writer_bytes(&w), &scratch, NULL), RV_OK);
        RV_CHECK_PASSED();
        rv_state_commit(edge);
    }
}

static void run(uint64_t seed, size_t which, size_t ring_size, uint32_t *lost) {
    static const uint16_t numbers[FILTERS] = {0, 1, 2};
    rv_state *root, *edge;
    rv_changes changes;
    sequence = 0;
    memset(versions, 0, sizeof versions);
    RV_CHECK(start(&root, 0, 77) && start(&edge, 1, 78));
    RV_CHECK(add_streams(root));
    for (uint32_t i = 0; i < 60; i += 1) {
        judge_random(root, &seed);
    }
    rv_state_watch(root, &changes, ring, ring_size, sequence);
    rv_state_give(edge, numbers, FILTERS);
    rv_state_base_give(edge, numbers, FILTERS);
    rv_base_source source;
    select_all(which, &source);
    RV_CHECK_PASSED();
    begin_with_base(root, edge, &source);
    RV_CHECK(same(root, edge, &source));
    RV_CHECK_PASSED();
    uint64_t serial = changes.next;
    for (uint32_t i = 0; i < 60; i += 1) {
        const uint32_t batches = (uint32_t)(rv_test_random(&seed) % 8);
        for (uint32_t k = 0; k < batches; k += 1) {
            judge_random(root, &seed);
        }
        if (serial < changes.first) {
            *lost += 1;
            begin_with_base(root, edge, &source);
            serial = changes.next;
        } else {
            hand_over(root, edge, &source, &changes, i % 3 == 0 ? 1 : 3000, &serial);
        }
        RV_CHECK_PASSED();
        RV_CHECK(same(root, edge, &source));
        RV_CHECK_PASSED();
    }
}

RV_TEST(changes_keep_selected_rows_as_they_are) {
    uint32_t lost = 0;
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(24); seed += 1) {
        run(seed, seed % 4, sizeof ring, &lost);
        RV_CHECK_PASSED();
    }
    RV_CHECK_EQ(lost, 0);
}

RV_TEST(changes_are_noted_where_nobody_judges) {
    uint32_t lost = 0;
    fold_mode = RV_FOLD_APPLY;
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(8) && !rv_test_failed; seed += 1) {
        run(seed, seed % 4, sizeof ring, &lost);
    }
    fold_mode = RV_FOLD_JUDGE;
    RV_CHECK(!rv_test_failed);
    RV_CHECK_EQ(lost, 0);
}

RV_TEST(changes_that_are_gone_are_told) {
    uint32_t lost = 0;
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(24); seed += 1) {
        run(seed, seed % 4, 1500 + 100 * (size_t)seed, &lost);
        RV_CHECK_PASSED();
    }
    RV_CHECK(lost > 20 && lost < 1300);
}

/* Goes on where it was left, beside a walk from the beginning: some of what there is, or all. */
static void go_on(const rv_changes *c, uint32_t most, uint64_t *serial, uint32_t *gone) {
    rv_change_cursor cursor = rv_changes_from(c, *serial), twin = rv_changes_begin(c);
    rv_change change, same_change;
    RV_CHECK_EQ(cursor.serial, *serial < c->first ? c->first : *serial);
    *gone += *serial < c->first;
    while (twin.serial < cursor.serial) {
        RV_CHECK(rv_changes_next(c, &twin, &same_change));
    }
    bool more = true;
    for (uint32_t i = 0; i < most && more; i += 1) {
        more = rv_changes_next(c, &cursor, &change);
        RV_CHECK_EQ(rv_changes_next(c, &twin, &same_change), more);
        RV_CHECK(!more || (change.serial == same_change.serial &&
                           change.before.ptr == same_change.before.ptr &&
                           change.after.len == same_change.after.len));
    }
    *serial = cursor.serial;
}

/* From the root to an edge, by steps in which W moves, and from there to another that asks by its
 * own W, now and then. */
static void pass_on(uint64_t seed, size_t which, size_t further_size, uint32_t *lost,
                    uint32_t *gone) {
    static const uint16_t numbers[FILTERS] = {0, 1, 2};
    rv_state *root, *edge, *further;
    rv_changes changes, noted;
    rv_base_source source;
    sequence = 0;
    memset(versions, 0, sizeof versions);
    RV_CHECK(start(&root, 0, 77) && start(&edge, 1, 78) && start(&further, 2, 79));
    RV_CHECK(add_streams(root));
    rv_state_watch(root, &changes, ring, sizeof ring, 0);
    for (int i = 1; i < 3; i += 1) {
        rv_state_give(i == 1 ? edge : further, numbers, FILTERS);
        rv_state_base_give(i == 1 ? edge : further, numbers, FILTERS);
    }
    select_all(which, &source);
    RV_CHECK_PASSED();
    uint64_t serial = 1, watermark = 0, further_watermark = 0;
    uint64_t next_serial = 0, further_serial = 0;
    uint32_t first_gone = 0;
    for (uint32_t i = 0; i < 80; i += 1) {
        for (uint64_t k = rv_test_random(&seed) % 30; k > 0; k -= 1) {
            judge_random(root, &seed);
        }
        if (i == 20) { /* as late as somebody asks for it */
            rv_state_watch(edge, &noted, further_ring, further_size, watermark);
            begin_with_base(edge, further, &source);
            RV_CHECK_PASSED();
            further_watermark = watermark;
        }
        rv_arena scratch = scratch_of();
        rv_writer w = rv_writer_over(items, sizeof items);
        RV_CHECK_STATUS(rv_state_base_changes(root, &source, &changes, UINT64_MAX, sizeof items,
                                              &scratch, &serial, &w),
                        RV_END);
        scratch = scratch_of();
        for (int again = i % 5 == 0; again >= 0; again -= 1) { /* the first one is taken back */
            rv_state_begin(edge);
            RV_CHECK_STATUS(rv_state_base_change(edge, rv_writer_bytes(&w), &scratch, NULL), RV_OK);
            if (again > 0) {
                rv_state_rollback(edge);
            }
        }
        watermark += 1 + rv_test_random(&seed) % 3;
        rv_state_changed_at(edge, watermark);
        rv_state_commit(edge);
        RV_CHECK(same(root, edge, &source));
        go_on(&changes, i % 2 == 0 ? 7 : UINT32_MAX, &next_serial, &first_gone);
        if (i >= 20) {
            go_on(&noted, i % 3 == 0 ? 2 : UINT32_MAX, &further_serial, gone);
        }
        RV_CHECK_PASSED();
        if (i >= 20 && rv_test_random(&seed) % 3 == 0) {
            uint64_t next = 0;
            if (rv_changes_find(&noted, further_watermark, &next)) {
                hand_over(edge, further, &source, &noted, 3000, &next);
            } else {
                *lost += 1;
                begin_with_base(edge, further, &source);
            }
            RV_CHECK_PASSED();
            further_watermark = watermark;
            RV_CHECK(same(root, further, &source));
        }
    }
}

RV_TEST(given_rows_are_passed_on) {
    uint32_t lost = 0, lost_of_few = 0, gone = 0, gone_of_few = 0;
    for (uint64_t seed = 1; seed <= RV_TEST_SEEDS(12); seed += 1) {
        pass_on(seed, seed % 4, sizeof further_ring, &lost, &gone);
        RV_CHECK_PASSED();
        pass_on(seed, seed % 4, 300 + 20 * (size_t)seed, &lost_of_few, &gone_of_few);
        RV_CHECK_PASSED();
    }
    RV_CHECK_EQ(lost, 0);
    RV_CHECK(lost_of_few > 10);
    RV_CHECK_EQ(gone, RV_TEST_SEEDS(12)); /* each once: there was no place yet */
    RV_CHECK(gone_of_few > gone);
}

RV_TEST(events_are_not_folded_into_given_rows) {
    static const uint16_t number = 0;
    uint64_t seed = 4;
    rv_state *state;
    sequence = 0;
    memset(versions, 0, sizeof versions);
    RV_CHECK(start(&state, 0, 77));
    rv_state_give(state, &number, 1);
    RV_CHECK(add_streams(state));
    for (uint32_t i = 0; i < 2000; i += 1) {
        RV_CHECK_STATUS(fold_random(state, &seed), RV_OK);
    }
    RV_CHECK_EQ(rv_state_row_count(state, 0), 0);
    RV_CHECK(rv_state_row_count(state, 1) > 0 && rv_state_row_count(state, 2) > 0);
}

RV_TEST(changes_of_others_are_refused) {
    static const uint16_t number = 2;
    rv_state *state;
    RV_CHECK(start(&state, 0, 1));
    rv_state_give(state, &number, 1);
    static const uint8_t cases[][8] = {
        {RV_BASE_GONE, 2, 6}, /* good: counter 3 */
        {RV_BASE_GONE, 0, 6}, /* not given */
        {RV_BASE_GONE, 9, 6}, /* not there */
        {RV_BASE_GIVEN, 2, 0x0c, 6, 2} /* good: 3, NULL, 1 … */,
        {RV_BASE_ROW, 2, 0x0c, 6, 2},
        {RV_BASE_GIVEN, 2, 0x0d, 6, 2}, /* no key */
        {0},
    };
    static const size_t lens[] = {3, 3, 3, 5, 5, 5, 1};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i += 1) {
        rv_arena scratch = scratch_of();
        rv_state_begin(state);
        const bool good = i == 0 || i == 3;
        RV_CHECK_STATUS(rv_state_base_change(state, rv_bytes_of(cases[i], lens[i]), &scratch, NULL),
                        good ? RV_OK : RV_DATA_DAMAGED);
        rv_state_rollback(state);
    }
}

int main(void) {
    schema = bank_schema_make(&schema_memory);
    if (schema == NULL) {
        return 1;
    }
    RV_RUN(changes_keep_selected_rows_as_they_are);
    RV_RUN(changes_are_noted_where_nobody_judges);
    RV_RUN(changes_that_are_gone_are_told);
    RV_RUN(given_rows_are_passed_on);
    RV_RUN(events_are_not_folded_into_given_rows);
    RV_RUN(changes_of_others_are_refused);
    return rv_test_done();
}
