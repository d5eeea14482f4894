/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: SQLite's heap never hands out a byte twice, never loses one, and keeps its invariants.
 * Method: random taking, resizing and giving against a list of what is held, every run filled with
 * a pattern of its own that must still be there; at the end all memory is one run again.
 */
#include "sql/heap.h"

#include "tests/unit/test.h"

#define HELD_MAX 400

typedef struct held {
    uint8_t *ptr;
    size_t size;
    uint8_t pattern;
} held;

static _Alignas(16) uint8_t memory[1 << 20];

static bool filled(const held *h) {
    for (size_t i = 0; i < h->size; i++) {
        if (h->ptr[i] != h->pattern) {
            return false;
        }
    }
    return true;
}

/* Mostly small, as SQLite asks; sometimes large. */
static size_t random_size(uint64_t *seed) {
    const uint64_t kind = rv_test_random(seed) % 16;
    return (size_t)(rv_test_random(seed) % (kind == 0 ? 60000 : kind < 4 ? 2000 : 120));
}

static void resize_one(rv_sql_heap *heap, held *h, size_t size) {
    uint8_t *ptr = rv_sql_heap_resize(heap, h->ptr, size);
    if (ptr == NULL) {
        RV_CHECK(filled(h));
        return;
    }
    const size_t kept = size < h->size ? size : h->size;
    *h = (held){ptr, kept, h->pattern};
    RV_CHECK(filled(h));
    RV_CHECK(rv_sql_heap_size(heap, ptr) >= size);
    h->size = size;
    memset(ptr, h->pattern, size);
}

static void operate(rv_sql_heap *heap, held *h, uint64_t *seed) {
    if (h->ptr == NULL) {
        h->size = random_size(seed);
        h->pattern = (uint8_t)rv_test_random(seed);
        h->ptr = rv_sql_heap_take(heap, h->size);
        if (h->ptr != NULL) {
            RV_CHECK(((uintptr_t)h->ptr & 7) == 0);
            RV_CHECK(h->ptr >= memory && h->ptr + h->size <= memory + sizeof memory);
            memset(h->ptr, h->pattern, h->size);
        }
        return;
    }
    RV_CHECK(filled(h));
    if (rv_test_random(seed) % 3 == 0) {
        resize_one(heap, h, random_size(seed));
        return;
    }
    rv_sql_heap_give(heap, h->ptr);
    h->ptr = NULL;
}

RV_TEST(random_operations_keep_what_is_held) {
    static held all[HELD_MAX];
    rv_sql_heap heap;
    uint64_t seed = 7;
    RV_CHECK(rv_sql_heap_open(&heap, memory, sizeof memory));
    for (int round = 0; round < 200000; round++) {
        operate(&heap, &all[rv_test_random(&seed) % HELD_MAX], &seed);
        RV_CHECK_PASSED();
        if (round % 512 == 0) {
            RV_CHECK(rv_sql_heap_intact(&heap));
        }
    }
    for (int i = 0; i < HELD_MAX; i++) {
        rv_sql_heap_give(&heap, all[i].ptr);
    }
    RV_CHECK(rv_sql_heap_intact(&heap));
    RV_CHECK_EQ(heap.used, 0);
    RV_CHECK(rv_sql_heap_take(&heap, sizeof memory * 15 / 16 - 64) != NULL);
}

RV_TEST(a_heap_that_is_too_small_is_refused) {
    rv_sql_heap heap;
    RV_CHECK(!rv_sql_heap_open(&heap, NULL, 0));
    RV_CHECK(!rv_sql_heap_open(&heap, memory, 63));
    RV_CHECK(rv_sql_heap_open(&heap, memory, 64));
    RV_CHECK(rv_sql_heap_intact(&heap));
}

RV_TEST(every_size_of_heap_works) {
    for (size_t size = 64; size < 4096; size++) {
        rv_sql_heap heap;
        RV_CHECK(rv_sql_heap_open(&heap, memory, size));
        size_t taken = 0;
        uint8_t *last = NULL;
        for (uint8_t *p = rv_sql_heap_take(&heap, 40); p != NULL; p = rv_sql_heap_take(&heap, 40)) {
            RV_CHECK(p > last && p + 40 <= memory + size);
            last = p;
            taken += 1;
        }
        RV_CHECK(taken >= (size - 32) / 48 && rv_sql_heap_intact(&heap));
    }
}

RV_TEST(what_does_not_fit_is_refused_and_changes_nothing) {
    rv_sql_heap heap;
    RV_CHECK(rv_sql_heap_open(&heap, memory, 4096));
    uint8_t *held_run = rv_sql_heap_take(&heap, 100);
    memset(held_run, 1, 100);
    RV_CHECK(rv_sql_heap_take(&heap, 8192) == NULL);
    RV_CHECK(rv_sql_heap_take(&heap, SIZE_MAX) == NULL);
    RV_CHECK(rv_sql_heap_resize(&heap, held_run, 8192) == NULL);
    RV_CHECK(rv_sql_heap_resize(&heap, held_run, SIZE_MAX - 4) == NULL);
    RV_CHECK(held_run[0] == 1 && held_run[99] == 1);
    RV_CHECK(rv_sql_heap_intact(&heap));
}

RV_TEST(the_nth_taking_fails_when_told) {
    rv_sql_heap heap;
    RV_CHECK(rv_sql_heap_open(&heap, memory, 4096));
    heap.fail_in = 2;
    void *first = rv_sql_heap_take(&heap, 8);
    RV_CHECK(first != NULL);
    RV_CHECK(rv_sql_heap_resize(&heap, first, 800) == NULL);
    RV_CHECK(rv_sql_heap_resize(&heap, first, 800) != NULL);
}

int main(void) {
    RV_RUN(random_operations_keep_what_is_held);
    RV_RUN(a_heap_that_is_too_small_is_refused);
    RV_RUN(every_size_of_heap_works);
    RV_RUN(what_does_not_fit_is_refused_and_changes_nothing);
    RV_RUN(the_nth_taking_fails_when_told);
    return rv_test_done();
}
