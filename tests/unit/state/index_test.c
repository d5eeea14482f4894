/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the hash index finds exactly what was put in, through growth, equal hashes, removals and
 * rollbacks, and gives up cleanly when pages or journal are full.
 * Method: random operations against a plain array; the place of an entry is its key, so the twin
 * knows which places each hash must offer.
 */
#include "core/state/root.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define PLACES 400000u

static uint8_t present[PLACES + 1];
static rv_pages pages;
static void *memory;

static bool start(size_t page_memory, size_t journal_memory) {
    const size_t size = page_memory + journal_memory + 4096;
    free(memory);
    memory = malloc(size);
    rv_arena arena = rv_arena_over(memory, size);
    if (rv_pages_create(&pages, page_memory, journal_memory, &arena) != RV_OK) {
        return false;
    }
    rv_root *const root = (rv_root *)(void *)rv_pages_write_new(&pages, RV_PAGE_FIRST, 0);
    root->overflow.size = RV_LINE_SIZE;
    root->overflow.kind = RV_PAGE_HEAP;
    root->stream_index.buckets.kind = RV_PAGE_BUCKETS;
    memset(present, 0, sizeof present);
    return true;
}

/* `spread` small: many places share a hash. */
static uint32_t hash_of(uint32_t place, uint32_t spread) {
    uint64_t seed = place % spread;
    return (uint32_t)rv_test_random(&seed);
}

static bool has(uint32_t place, uint32_t hash, uint32_t *offered) {
    rv_index_probe probe;
    bool found = false;
    *offered = 0;
    const rv_bucket *const bucket =
        rv_index_bucket(&pages, &rv_root_of(&pages)->stream_index, hash);
    uint32_t at = rv_index_first(&pages, bucket, hash, &probe);
    while (at != 0) {
        *offered += 1;
        found = found || at == place;
        at = rv_index_next(&pages, &probe);
    }
    return found;
}

static void run(uint32_t places, uint32_t spread, uint32_t steps, uint64_t seed) {
    RV_CHECK(start(64u << 20, 1u << 20));
    uint32_t count = 0;
    for (uint32_t step = 0; step < steps; step += 1) {
        const uint32_t place = 1 + (uint32_t)(rv_test_random(&seed) % places);
        const uint32_t hash = hash_of(place, spread);
        uint32_t offered;
        RV_CHECK_EQ(has(place, hash, &offered), present[place]);
        if (present[place]) {
            RV_CHECK_STATUS(rv_index_remove(&pages, RV_ROOT_AT(stream_index), hash, place), RV_OK);
            count -= 1;
        } else {
            RV_CHECK_STATUS(rv_index_insert(&pages, RV_ROOT_AT(stream_index), hash, place), RV_OK);
            count += 1;
        }
        present[place] = !present[place];
        RV_CHECK_EQ(rv_index_of(&pages, RV_ROOT_AT(stream_index))->count, count);
    }
    for (uint32_t place = 1; place <= places; place += 1) {
        uint32_t offered;
        RV_CHECK_EQ(has(place, hash_of(place, spread), &offered), present[place]);
        RV_CHECK(spread < places || offered <= 2);
    }
}

RV_TEST(random_operations_agree_with_an_array) {
    run(PLACES, PLACES, 1500000, 1);
    RV_CHECK_PASSED();
    run(PLACES, PLACES, 600000, 2);
}

RV_TEST(equal_hashes_are_all_offered) {
    run(4000, 50, 60000, 3);
    RV_CHECK_PASSED();
    run(300, 1, 20000, 4);
}

RV_TEST(buckets_stay_few_a_chain) {
    RV_CHECK(start(64u << 20, 1u << 20));
    for (uint32_t place = 1; place <= 100000; place += 1) {
        RV_CHECK_STATUS(
            rv_index_insert(&pages, RV_ROOT_AT(stream_index), hash_of(place, PLACES), place),
            RV_OK);
    }
    const rv_index *const index = rv_index_of(&pages, RV_ROOT_AT(stream_index));
    uint32_t overflowing = 0;
    for (uint32_t i = 0; i < index->buckets.count; i += 1) {
        const uint8_t *const line = rv_lines_read(&pages, &index->buckets, i);
        overflowing += ((const rv_bucket *)(const void *)line)->overflow != 0;
    }
    RV_CHECK(overflowing * 4 < index->buckets.count);
    RV_CHECK(rv_pages_pool(&pages)->used * (uint64_t)RV_PAGE_SIZE < 100000 * 24);
}

/* Rolls random transactions back and compares with the twin. */
RV_TEST(rollback_leaves_the_entries_and_pages_as_they_were) {
    RV_CHECK(start(8u << 20, 4u << 20));
    uint64_t seed = 5;
    for (uint32_t round = 0; round < 300; round += 1) {
        const uint32_t used = rv_pages_pool(&pages)->used;
        const uint32_t count = rv_index_of(&pages, RV_ROOT_AT(stream_index))->count;
        const bool keep = rv_test_random(&seed) % 2 == 0;
        const uint32_t steps = (uint32_t)(rv_test_random(&seed) % 300);
        const uint64_t replay = seed;
        rv_pages_begin(&pages);
        for (uint32_t step = 0; step < steps; step += 1) {
            const uint32_t place = 1 + (uint32_t)(rv_test_random(&seed) % 20000);
            const uint32_t hash = hash_of(place, 15000);
            const rv_status status =
                present[place] ? rv_index_remove(&pages, RV_ROOT_AT(stream_index), hash, place)
                               : rv_index_insert(&pages, RV_ROOT_AT(stream_index), hash, place);
            RV_CHECK_STATUS(status, RV_OK);
            present[place] = !present[place];
        }
        if (keep) {
            rv_pages_commit(&pages);
            continue;
        }
        rv_pages_rollback(&pages);
        uint64_t again = replay;
        for (uint32_t step = 0; step < steps; step += 1) {
            const uint32_t place = 1 + (uint32_t)(rv_test_random(&again) % 20000);
            present[place] = !present[place];
        }
        RV_CHECK_EQ(rv_pages_pool(&pages)->used, used);
        RV_CHECK_EQ(rv_index_of(&pages, RV_ROOT_AT(stream_index))->count, count);
    }
    for (uint32_t place = 1; place <= 20000; place += 1) {
        uint32_t offered;
        RV_CHECK_EQ(has(place, hash_of(place, 15000), &offered), present[place]);
    }
}

RV_TEST(full_pages_and_full_journals_are_told_and_taken_back) {
    for (uint32_t journal = 0; journal < 40000; journal += 1237) {
        for (uint32_t total = 1; total < 9; total += 1) {
            RV_CHECK(start((size_t)total * (RV_PAGE_SIZE + 17) + 200, journal));
            RV_CHECK_EQ(pages.total, total);
            uint32_t place = 1;
            rv_status status = RV_OK;
            for (uint32_t fails = 0; fails < 3; fails += status != RV_OK) {
                const uint32_t count = rv_index_of(&pages, RV_ROOT_AT(stream_index))->count;
                const uint32_t used = rv_pages_pool(&pages)->used;
                rv_pages_begin(&pages);
                status = RV_OK;
                const uint32_t first = place;
                for (uint32_t i = 0; i < 30 && status == RV_OK; i += 1, place += 1) {
                    status = rv_index_insert(&pages, RV_ROOT_AT(stream_index),
                                             hash_of(place, PLACES), place);
                }
                if (status == RV_OK) {
                    rv_pages_commit(&pages);
                    continue;
                }
                RV_CHECK(status == RV_STATE_FULL || status == RV_BATCH_TOO_LARGE);
                rv_pages_rollback(&pages);
                place = first;
                RV_CHECK_EQ(rv_index_of(&pages, RV_ROOT_AT(stream_index))->count, count);
                RV_CHECK_EQ(rv_pages_pool(&pages)->used, used);
            }
            for (uint32_t i = 1; i < place; i += 1) {
                uint32_t offered;
                RV_CHECK(has(i, hash_of(i, PLACES), &offered));
            }
        }
    }
}

int main(void) {
    RV_RUN(random_operations_agree_with_an_array);
    RV_RUN(equal_hashes_are_all_offered);
    RV_RUN(buckets_stay_few_a_chain);
    RV_RUN(rollback_leaves_the_entries_and_pages_as_they_were);
    RV_RUN(full_pages_and_full_journals_are_told_and_taken_back);
    free(memory);
    return rv_test_done();
}
