/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: pages, slots and lines are handed out and taken back exactly, and what a transaction did to
 * them is undone byte for byte where somebody still looks.
 * Method: contents are derived from a number kept beside each slot; random allocations, frees and
 * rewrites in transactions that end either way; every small number of pages and journal size.
 */
#include "core/state/root.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define SLOTS 3000u
#define LISTS 3u

typedef struct twin {
    uint32_t places[LISTS][SLOTS]; /* 0: not there */
    uint64_t seeds[LISTS][SLOTS];
} twin;

static const uint16_t sizes[LISTS] = {16, 120, 4080};
static rv_pages pages;
static void *memory;
static twin now, saved;

static bool start(size_t page_memory, size_t journal_memory) {
    const size_t size = page_memory + journal_memory + 4096;
    free(memory);
    memory = malloc(size);
    rv_arena arena = rv_arena_over(memory, size);
    memset(&now, 0, sizeof now);
    if (rv_pages_create(&pages, page_memory, journal_memory, &arena) != RV_OK) {
        return false;
    }
    rv_root *const root = (rv_root *)(void *)rv_pages_write_new(&pages, RV_PAGE_FIRST, 0);
    for (uint32_t i = 0; i < LISTS; i += 1) {
        root->heap[i].size = sizes[i];
        root->heap[i].kind = RV_PAGE_HEAP;
    }
    root->streams.kind = RV_PAGE_STREAMS;
    return true;
}

static rv_at list_at(uint32_t list) {
    return (rv_at){RV_PAGE_FIRST, (uint32_t)(offsetof(rv_root, heap) + list * sizeof(rv_slots))};
}

/* Slots begin with a word that is never RV_SLOT_FREE. */
static void fill(uint8_t *bytes, uint32_t size, uint64_t seed) {
    for (uint32_t i = 0; i < size; i += 8) {
        const uint64_t word = rv_test_random(&seed) & ~(uint64_t)1;
        memcpy(bytes + i, &word, sizeof word);
    }
}

static rv_status change(uint32_t list, uint32_t i, uint64_t seed) {
    uint32_t *const place = &now.places[list][i];
    if (*place != 0 && seed % 3 != 0) {
        const rv_status status = rv_slots_free(&pages, list_at(list), *place);
        *place = status == RV_OK ? 0 : *place;
        return status;
    }
    if (*place != 0) {
        const rv_status status = rv_pages_reserve(&pages, sizes[list]);
        if (status == RV_OK) {
            fill(rv_slots_write(&pages, *place, sizes[list]), sizes[list], seed);
            now.seeds[list][i] = seed;
        }
        return status;
    }
    const rv_status status = rv_slots_alloc(&pages, list_at(list), place);
    if (status == RV_OK) {
        fill(rv_slots_write_new(&pages, *place, sizes[list]), sizes[list], seed);
        now.seeds[list][i] = seed;
    }
    return status;
}

static void check_all(void) {
    static uint8_t expected[4096];
    for (uint32_t list = 0; list < LISTS; list += 1) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < SLOTS; i += 1) {
            if (now.places[list][i] == 0) {
                continue;
            }
            count += 1;
            fill(expected, sizes[list], now.seeds[list][i]);
            const uint8_t *const met = rv_slots_read(&pages, now.places[list][i], sizes[list]);
            RV_CHECK(memcmp(met, expected, sizes[list]) == 0);
        }
        uint32_t walked = 0;
        for (uint32_t place = rv_slots_next(&pages, list_at(list), 0); place != 0;
             place = rv_slots_next(&pages, list_at(list), place)) {
            walked += 1;
        }
        RV_CHECK_EQ(walked, count);
    }
}

static void run(uint64_t seed, uint32_t rounds, uint32_t *met) {
    for (uint32_t round = 0; round < rounds; round += 1) {
        const bool inside = rv_test_random(&seed) % 4 != 0 || met != NULL;
        const uint32_t used = rv_pages_pool(&pages)->used;
        const uint32_t steps = (uint32_t)(rv_test_random(&seed) % 200);
        const uint32_t spread = 1 + (uint32_t)(rv_test_random(&seed) % SLOTS);
        rv_status status = RV_OK;
        if (inside) {
            saved = now;
            rv_pages_begin(&pages);
        }
        for (uint32_t step = 0; step < steps && status == RV_OK; step += 1) {
            const uint64_t r = rv_test_random(&seed);
            status =
                change((uint32_t)(r % 64 == 0 ? 2 : r % 2), (uint32_t)(r >> 32) % spread, r >> 8);
        }
        RV_CHECK(status == RV_OK || met != NULL);
        if (met != NULL) {
            met[status] += 1;
        }
        if (inside && (status != RV_OK || rv_test_random(&seed) % 2 == 0)) {
            rv_pages_rollback(&pages);
            now = saved;
            RV_CHECK_EQ(rv_pages_pool(&pages)->used, used);
        } else if (inside) {
            rv_pages_commit(&pages);
        }
        if (round % 8 == 0) {
            check_all();
            RV_CHECK_PASSED();
        }
    }
    check_all();
}

RV_TEST(slots_agree_with_what_was_put_there) {
    RV_CHECK(start(16u << 20, 8u << 20));
    run(1, 1500, NULL);
    RV_CHECK_PASSED();
    for (uint32_t list = 0; list < LISTS; list += 1) {
        for (uint32_t i = 0; i < SLOTS; i += 1) {
            if (now.places[list][i] != 0) {
                RV_CHECK_STATUS(rv_slots_free(&pages, list_at(list), now.places[list][i]), RV_OK);
            }
        }
    }
    RV_CHECK_EQ(rv_pages_pool(&pages)->used, 1);
}

RV_TEST(shortages_are_told_and_taken_back) {
    static uint32_t met[RV_STATUS_COUNT];
    for (uint64_t seed = 0; seed < RV_TEST_SEEDS(300); seed += 1) {
        RV_CHECK(start((1 + (size_t)(seed % 30)) * (RV_PAGE_SIZE + 17) + 200, (size_t)seed * 199));
        run(seed, 12, met);
        RV_CHECK_PASSED();
    }
    RV_CHECK(met[RV_STATE_FULL] > 50 && met[RV_BATCH_TOO_LARGE] > 50 && met[RV_OK] > 50);
}

RV_TEST(lines_are_zero_when_added_and_stay_where_they_are) {
    RV_CHECK(start(4u << 20, 1u << 20));
    const rv_at at = RV_ROOT_AT(streams);
    uint64_t seed = 4;
    uint32_t count = 0;
    for (uint32_t round = 0; round < 200; round += 1) {
        const uint32_t steps = (uint32_t)(rv_test_random(&seed) % 150);
        const uint32_t used = rv_pages_pool(&pages)->used;
        rv_pages_begin(&pages);
        for (uint32_t i = 0; i < steps; i += 1) {
            static const uint8_t zero[RV_LINE_SIZE];
            rv_at line;
            RV_CHECK_STATUS(rv_lines_add(&pages, at, &line), RV_OK);
            uint8_t *const bytes = rv_pages_write_new(&pages, line.page, line.offset);
            RV_CHECK(memcmp(bytes, zero, sizeof zero) == 0);
            fill(bytes, RV_LINE_SIZE, count + i);
        }
        if (rv_test_random(&seed) % 3 == 0) {
            rv_pages_rollback(&pages);
            RV_CHECK_EQ(rv_pages_pool(&pages)->used, used);
        } else {
            rv_pages_commit(&pages);
            count += steps;
        }
        RV_CHECK_EQ(rv_lines_of(&pages, at)->count, count);
    }
    for (uint32_t i = 0; i < count; i += 1) {
        uint8_t expected[RV_LINE_SIZE];
        fill(expected, sizeof expected, i);
        RV_CHECK(memcmp(rv_lines_read(&pages, rv_lines_of(&pages, at), i), expected,
                        sizeof expected) == 0);
    }
}

RV_TEST(memory_that_is_too_small_is_told) {
    uint8_t small[RV_PAGE_SIZE * 2];
    for (size_t size = 0; size < sizeof small; size += 97) {
        rv_arena arena = rv_arena_over(small, size);
        const size_t page_memory = size > 64 ? size - 64 : size;
        const rv_status status = rv_pages_create(&pages, page_memory, 32, &arena);
        RV_CHECK_EQ(status, page_memory >= RV_PAGE_SIZE + 200 ? RV_OK : RV_MEMORY_EXHAUSTED);
        RV_CHECK(status == RV_OK || arena.len == 0);
    }
}

int main(void) {
    RV_RUN(slots_agree_with_what_was_put_there);
    RV_RUN(shortages_are_told_and_taken_back);
    RV_RUN(lines_are_zero_when_added_and_stay_where_they_are);
    RV_RUN(memory_that_is_too_small_is_told);
    free(memory);
    return rv_test_done();
}
