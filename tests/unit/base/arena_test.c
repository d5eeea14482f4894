/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an arena hands out what it has, aligned, zeroed and without overlap, and refuses the rest
 * without a change. Method: edges by hand, then random takes against a map of which bytes are
 * taken.
 */
#include "core/base/arena.h"
#include "tests/unit/test.h"

static _Alignas(16) uint8_t memory[4096];

RV_TEST(what_is_taken_is_aligned_and_zeroed) {
    memset(memory, 0xff, sizeof memory);
    rv_arena arena = rv_arena_over(memory + 3, 100);
    const uint8_t *a = rv_arena_take(&arena, 5);
    const uint8_t *b = rv_arena_take(&arena, 1);
    RV_CHECK(a != NULL && b != NULL);
    RV_CHECK_EQ((uintptr_t)a % 16, 0);
    RV_CHECK_EQ((uintptr_t)b % 16, 0);
    RV_CHECK(b >= a + 5);
    RV_CHECK(memcmp(a, "\0\0\0\0", 5) == 0 && *b == 0);
    const uint8_t *raw = rv_arena_take_raw(&arena, 4);
    RV_CHECK(raw != NULL && raw[0] == 0xff);
}

RV_TEST(what_does_not_fit_changes_nothing) {
    rv_arena arena = rv_arena_over(memory, 64);
    RV_CHECK(rv_arena_take(&arena, 65) == NULL);
    RV_CHECK(rv_arena_take(&arena, SIZE_MAX) == NULL);
    RV_CHECK(rv_arena_take(&arena, SIZE_MAX - 15) == NULL);
    RV_CHECK_EQ(arena.len, 0);
    RV_CHECK(rv_arena_take(&arena, 64) == memory);
    RV_CHECK(rv_arena_take(&arena, 1) == NULL);
    RV_CHECK_EQ(arena.len, 64);
    rv_arena none = rv_arena_over(NULL, 0);
    RV_CHECK(rv_arena_take(&none, 0) == NULL);
    RV_CHECK(rv_arena_take(&none, 1) == NULL);
}

RV_TEST(a_mark_gives_back_what_came_after) {
    rv_arena arena = rv_arena_over(memory, 256);
    RV_CHECK(rv_arena_take(&arena, 10) != NULL);
    const size_t mark = rv_arena_mark(&arena);
    uint8_t *first = rv_arena_take(&arena, 100);
    RV_CHECK(first != NULL);
    memset(first, 0xee, 100);
    rv_arena_reset(&arena, mark);
    const uint8_t *again = rv_arena_take(&arena, 100);
    RV_CHECK(again == first && again[0] == 0 && again[99] == 0);
}

RV_TEST(copies_and_parts) {
    rv_arena arena = rv_arena_over(memory, 128);
    RV_CHECK_TEXT(rv_arena_copy(&arena, RV_LITERAL("hello")), "hello");
    const rv_bytes empty = rv_arena_copy(&arena, (rv_bytes){NULL, 0});
    RV_CHECK(empty.ptr != NULL && empty.len == 0);
    rv_arena part = rv_arena_split(&arena, 64);
    RV_CHECK_EQ(part.cap, 64);
    RV_CHECK(rv_arena_take(&part, 64) != NULL);
    RV_CHECK(rv_arena_take(&part, 1) == NULL);
    rv_arena none = rv_arena_split(&arena, 1000);
    RV_CHECK(none.cap == 0 && rv_arena_take(&none, 1) == NULL);
    RV_CHECK(rv_arena_copy(&arena, rv_bytes_of(memory, 100)).ptr == NULL);
}

RV_TEST(random_takes_never_overlap) {
    uint64_t random = 3;
    for (int round = 0; round < 200; round++) {
        bool taken[sizeof memory] = {false};
        const size_t start = (size_t)(rv_test_random(&random) % 16);
        rv_arena arena = rv_arena_over(memory + start, 2000);
        for (int i = 0; i < 60; i++) {
            const size_t size = (size_t)(rv_test_random(&random) % 200);
            const size_t before = arena.len;
            const uint8_t *p = rv_arena_take(&arena, size);
            if (p == NULL) {
                RV_CHECK_EQ(arena.len, before);
                continue;
            }
            RV_CHECK(p >= memory + start && p + size <= memory + start + 2000);
            for (size_t at = (size_t)(p - memory); at < (size_t)(p - memory) + size; at++) {
                RV_CHECK(!taken[at]);
                taken[at] = true;
            }
        }
    }
}

int main(void) {
    RV_RUN(what_is_taken_is_aligned_and_zeroed);
    RV_RUN(what_does_not_fit_changes_nothing);
    RV_RUN(a_mark_gives_back_what_came_after);
    RV_RUN(copies_and_parts);
    RV_RUN(random_takes_never_overlap);
    return rv_test_done();
}
