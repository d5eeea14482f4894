/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: cells give back what was put into them, whatever the lengths before and after; freed space
 * is used again; rollback and exhaustion leave every cell and the number of pages as they were.
 * Method: random lengths around each limit, in many cells, against copies in plain memory; random
 * transactions; pages and journals of every small size.
 */
#include "core/state/heap.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define CELLS   200u
#define LEN_MAX 20000u

typedef struct twin {
    rv_cell cells[CELLS]; /* the cells themselves stand in rows; here they are the test's */
    uint8_t *texts[CELLS];
    uint32_t lens[CELLS];
} twin;

static rv_pages pages;
static void *memory;
static twin now, saved;
static uint8_t room[LEN_MAX + 1];

static bool start(size_t page_memory, size_t journal_memory) {
    const size_t size = page_memory + journal_memory + 4096;
    free(memory);
    memory = malloc(size);
    rv_arena arena = rv_arena_over(memory, size);
    if (rv_pages_create(&pages, page_memory, journal_memory, &arena) != RV_OK) {
        return false;
    }
    rv_heap_init(&pages);
    for (uint32_t i = 0; i < CELLS; i += 1) {
        free(now.texts[i]);
        now.texts[i] = NULL;
    }
    memset(&now, 0, sizeof now);
    return true;
}

static uint32_t random_len(uint64_t *seed) {
    static const uint32_t edges[] = {0,    1,    12,   13,   16,   17,    32,
                                     33,   96,   4000, 4001, 4079, 4080,  4081,
                                     7999, 8000, 8001, 8077, 8080, 12000, 12001};
    const uint64_t r = rv_test_random(seed);
    if (r % 4 == 0) {
        return edges[(r >> 8) % (sizeof edges / sizeof edges[0])];
    }
    return (uint32_t)((r >> 8) % (r % 16 == 1 ? LEN_MAX : 300));
}

static rv_bytes random_text(uint64_t *seed, uint32_t len) {
    for (uint32_t i = 0; i < len; i += 1) {
        room[i] = (uint8_t)rv_test_random(seed);
    }
    return (rv_bytes){room, len};
}

static rv_status change(uint32_t i, rv_bytes text) {
    const rv_status status = rv_heap_set(&pages, &now.cells[i], text);
    if (status == RV_OK) {
        now.texts[i] = realloc(now.texts[i], text.len + 1);
        memcpy(now.texts[i], text.ptr, text.len);
        now.lens[i] = (uint32_t)text.len;
    }
    return status;
}

static void check_all(void) {
    _Alignas(16) static uint8_t whole[LEN_MAX]; /* an arena aligns */
    for (uint32_t i = 0; i < CELLS; i += 1) {
        rv_arena scratch = rv_arena_over(whole, sizeof whole);
        rv_bytes met;
        RV_CHECK_STATUS(rv_heap_get(&pages, &now.cells[i], &scratch, &met), RV_OK);
        const rv_bytes expected = {now.texts[i], now.lens[i]};
        RV_CHECK(rv_bytes_equal(met, expected));
        RV_CHECK(rv_heap_equals(&pages, &now.cells[i], expected));
        if (now.lens[i] > 0) {
            now.texts[i][now.lens[i] - 1] ^= 1;
            RV_CHECK(!rv_heap_equals(&pages, &now.cells[i], expected));
            now.texts[i][now.lens[i] - 1] ^= 1;
        }
        const bool needs_scratch = !rv_heap_is_run(&now.cells[i]);
        rv_arena none = {0};
        RV_CHECK_STATUS(rv_heap_get(&pages, &now.cells[i], &none, &met),
                        needs_scratch ? RV_MEMORY_EXHAUSTED : RV_OK);
    }
}

static void save(void) {
    for (uint32_t i = 0; i < CELLS; i += 1) {
        saved.cells[i] = now.cells[i];
        saved.lens[i] = now.lens[i];
        saved.texts[i] = realloc(saved.texts[i], now.lens[i] + 1);
        if (now.lens[i] > 0) {
            memcpy(saved.texts[i], now.texts[i], now.lens[i]);
        }
    }
}

static void restore(void) {
    for (uint32_t i = 0; i < CELLS; i += 1) {
        now.cells[i] = saved.cells[i];
        now.lens[i] = saved.lens[i];
        now.texts[i] = realloc(now.texts[i], saved.lens[i] + 1);
        memcpy(now.texts[i], saved.texts[i], saved.lens[i]);
    }
}

static void drop(twin *t) {
    for (uint32_t i = 0; i < CELLS; i += 1) {
        free(t->texts[i]);
    }
}

RV_TEST(random_values_agree_with_copies) {
    RV_CHECK(start(16u << 20, 0));
    uint64_t seed = 1;
    for (uint32_t step = 0; step < 60000; step += 1) {
        const uint32_t i = (uint32_t)(rv_test_random(&seed) % CELLS);
        RV_CHECK_STATUS(change(i, random_text(&seed, random_len(&seed))), RV_OK);
        if (step % 5000 == 0) {
            check_all();
            RV_CHECK_PASSED();
        }
    }
    check_all();
    for (uint32_t i = 0; i < CELLS; i += 1) {
        RV_CHECK_STATUS(change(i, (rv_bytes){room, 0}), RV_OK);
    }
    RV_CHECK_EQ(rv_pages_pool(&pages)->used, 1);
}

RV_TEST(a_value_may_come_from_the_slot_it_goes_to) {
    RV_CHECK(start(4u << 20, 0));
    static const uint32_t lens[] = {13, 40, 200, 4080};
    for (uint32_t n = 0; n < 4; n += 1) {
        for (uint32_t skip = 0; skip < lens[n]; skip += 1) {
            uint64_t seed = n;
            const rv_bytes text = random_text(&seed, lens[n]);
            RV_CHECK_STATUS(change(0, text), RV_OK);
            const rv_bytes lying = rv_bytes_from(rv_heap_run(&pages, &now.cells[0]), skip);
            RV_CHECK_STATUS(rv_heap_set(&pages, &now.cells[0], lying), RV_OK);
            RV_CHECK(rv_heap_equals(&pages, &now.cells[0], rv_bytes_from(text, skip)));
        }
    }
}

RV_TEST(rollback_brings_values_and_pages_back) {
    RV_CHECK(start(16u << 20, 8u << 20));
    uint64_t seed = 2;
    for (uint32_t round = 0; round < 400; round += 1) {
        save();
        const uint32_t used = rv_pages_pool(&pages)->used;
        const uint32_t steps = (uint32_t)(rv_test_random(&seed) % 100);
        rv_pages_begin(&pages);
        for (uint32_t step = 0; step < steps; step += 1) {
            const uint32_t i = (uint32_t)(rv_test_random(&seed) % CELLS);
            RV_CHECK_STATUS(change(i, random_text(&seed, random_len(&seed))), RV_OK);
        }
        if (rv_test_random(&seed) % 2 == 0) {
            rv_pages_commit(&pages);
        } else {
            rv_pages_rollback(&pages);
            restore();
            RV_CHECK_EQ(rv_pages_pool(&pages)->used, used);
        }
        check_all();
        RV_CHECK_PASSED();
    }
}

RV_TEST(full_pages_and_full_journals_are_told_and_taken_back) {
    uint64_t seed = 3;
    uint32_t met[2] = {0, 0};
    for (uint32_t round = 0; round < 400; round += 1) {
        const size_t total = 1 + (size_t)(rv_test_random(&seed) % 40);
        RV_CHECK(start(total * (RV_PAGE_SIZE + 17) + 200, (size_t)(rv_test_random(&seed) % 60000)));
        for (uint32_t batch = 0; batch < 20; batch += 1) {
            save();
            const uint32_t used = rv_pages_pool(&pages)->used;
            rv_pages_begin(&pages);
            rv_status status = RV_OK;
            for (uint32_t step = 0; step < 20 && status == RV_OK; step += 1) {
                const uint32_t i = (uint32_t)(rv_test_random(&seed) % CELLS);
                status = change(i, random_text(&seed, random_len(&seed)));
            }
            if (status == RV_OK) {
                rv_pages_commit(&pages);
                continue;
            }
            RV_CHECK(status == RV_STATE_FULL || status == RV_BATCH_TOO_LARGE);
            met[status == RV_STATE_FULL] += 1;
            rv_pages_rollback(&pages);
            restore();
            RV_CHECK_EQ(rv_pages_pool(&pages)->used, used);
        }
        check_all();
        RV_CHECK_PASSED();
    }
    RV_CHECK(met[0] > 50 && met[1] > 50);
}

int main(void) {
    RV_RUN(random_values_agree_with_copies);
    RV_RUN(a_value_may_come_from_the_slot_it_goes_to);
    RV_RUN(rollback_brings_values_and_pages_back);
    RV_RUN(full_pages_and_full_journals_are_told_and_taken_back);
    drop(&now);
    drop(&saved);
    free(memory);
    return rv_test_done();
}
