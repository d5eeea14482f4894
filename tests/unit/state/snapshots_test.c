/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a snapshot shows every page as it was when it was taken, whatever is written, allocated,
 * freed, committed or rolled back meanwhile, until it is released or told to have expired; only
 * when room is short do snapshots expire, the oldest first and one that stays last; a write never
 * fails for them.
 * Method: random operations on small pools beside a twin that copies all pages for each snapshot;
 * reserves from none to one that always suffices; thousands of seeds.
 */
#include "core/state/pages.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define PAGES_MAX 24u
#define STEPS     150u
#ifdef RV_TEST_EMULATED /* a processor that is played by another takes fifteen times as long */
#define SEEDS 200u
#else
#define SEEDS 4000u
#endif

/* A snapshot beside a full copy of what it shows. */
typedef struct copy {
    rv_snapshot snapshot;
    bool stays;
    uint32_t low;
    uint32_t end;
    uint8_t *bytes; /* PAGES_MAX pages */
} copy;

static rv_pages pages;
static void *memory;
static copy copies[RV_SNAPSHOTS_MAX];
static uint32_t expired_count, shared_count, lent_count;

static bool start(uint32_t count, uint32_t reserve) {
    const size_t page_memory = (size_t)count * (RV_PAGE_SIZE + 17) + 200;
    const size_t size = page_memory + (256u << 10) + (size_t)reserve * RV_PAGE_SIZE + (16u << 10);
    free(memory);
    memory = malloc(size);
    rv_arena arena = rv_arena_over(memory, size);
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        copies[i].snapshot.serial = 0;
    }
    return rv_pages_create(&pages, page_memory, 192u << 10, &arena) == RV_OK &&
           rv_snapshots_create(&pages, (size_t)reserve * RV_PAGE_SIZE + 7, &arena) == RV_OK &&
           pages.total == count;
}

static void take(copy *to, bool stays) {
    RV_CHECK_STATUS(rv_snapshot_take(&pages, stays, &to->snapshot), RV_OK);
    to->stays = stays;
    to->low = RV_PAGE_FIRST;
    to->end = rv_snapshot_end(&pages, to->snapshot);
    RV_CHECK_EQ(to->end, rv_pages_pool(&pages)->fresh);
    memcpy(to->bytes, rv_pages_read(&pages, RV_PAGE_FIRST),
           (size_t)(to->end - RV_PAGE_FIRST) * RV_PAGE_SIZE);
}

static void check_page(const copy *of, uint32_t page) {
    const uint8_t *const met = rv_snapshot_read(&pages, of->snapshot, page);
    RV_CHECK(met != NULL);
    RV_CHECK(memcmp(met, of->bytes + (size_t)(page - RV_PAGE_FIRST) * RV_PAGE_SIZE, RV_PAGE_SIZE) ==
             0);
}

/* Forgets those that expired, and checks that it was their turn. */
static void meet_expired(bool may) {
    uint64_t oldest[2] = {UINT64_MAX, UINT64_MAX};
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        const copy *const c = &copies[i];
        if (rv_snapshot_alive(&pages, c->snapshot) && c->snapshot.serial < oldest[c->stays]) {
            oldest[c->stays] = c->snapshot.serial;
        }
    }
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        copy *const c = &copies[i];
        if (c->snapshot.serial == 0 || rv_snapshot_alive(&pages, c->snapshot)) {
            continue;
        }
        RV_CHECK(may);
        RV_CHECK(c->snapshot.serial < oldest[c->stays]);
        RV_CHECK(!c->stays || oldest[0] == UINT64_MAX);
        RV_CHECK(rv_snapshot_read(&pages, c->snapshot, RV_PAGE_FIRST) == NULL);
        rv_snapshot_release(&pages, c->snapshot);
        c->snapshot.serial = 0;
        expired_count += 1;
    }
}

/* A random change of a page that is in use; no page but the first may be. */
static void change(uint64_t r) {
    const uint32_t fresh = rv_pages_pool(&pages)->fresh;
    const uint32_t page = 2 + (uint32_t)(r >> 8) % (PAGES_MAX - 1);
    const bool used = page < fresh && rv_pages_head(&pages, page)->kind != RV_PAGE_FREE;
    uint32_t made;
    if (r % 8 < 2) {
        const rv_status status = rv_pages_alloc(&pages, RV_PAGE_HEAP, 1, &made);
        RV_CHECK_EQ(status, rv_pages_left(&pages) == 0 && status != RV_OK ? RV_STATE_FULL : RV_OK);
        if (status == RV_OK) {
            memset(rv_pages_write_new(&pages, made, RV_PAGE_HEAD), (int)(r >> 40), RV_PAGE_ROOM);
        }
    } else if (used && r % 8 == 2) {
        rv_pages_free(&pages, page);
    } else if (used) {
        const uint32_t offset = RV_PAGE_HEAD + (uint32_t)(r >> 20) % (RV_PAGE_ROOM - 64);
        memset(rv_pages_write(&pages, page, offset, 64), (int)(r >> 40), 64);
    }
}

static void snapshot_step(uint64_t r, uint32_t reserve) {
    copy *const c = &copies[(r >> 4) % RV_SNAPSHOTS_MAX];
    if (c->snapshot.serial == 0) {
        take(c, r % 8 == 0);
    } else if (r % 4 == 1) {
        rv_snapshot_release(&pages, c->snapshot);
        c->snapshot.serial = 0;
    } else if (r % 4 == 2 && c->low < c->end) {
        c->low += 1 + (uint32_t)(r >> 16) % (c->end - c->low);
        rv_snapshot_pass(&pages, c->snapshot, c->low);
    } else if (c->low < c->end) {
        check_page(c, c->low + (uint32_t)(r >> 16) % (c->end - c->low));
    }
    const rv_snapshots *const s = &pages.snapshots;
    RV_CHECK(s->used <= reserve + s->lent && s->alive <= RV_SNAPSHOTS_MAX);
    RV_CHECK(s->alive > 0 || s->used == 0);
    shared_count += s->alive > 1 && s->used == 1;
    lent_count += s->lent > 0;
}

static void check_all(void) {
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        for (uint32_t page = copies[i].low; copies[i].snapshot.serial != 0 && page < copies[i].end;
             page += 1) {
            check_page(&copies[i], page);
        }
    }
}

static void run(uint64_t seed, bool may_expire, uint32_t reserve) {
    bool inside = false;
    for (uint32_t step = 0; step < STEPS; step += 1) {
        const uint64_t r = rv_test_random(&seed);
        if (r % 16 == 0 && !inside) {
            rv_pages_begin(&pages);
            inside = true;
        } else if (r % 16 == 1 && inside) {
            if ((r >> 8) % 2 == 0) {
                rv_pages_commit(&pages);
            } else {
                rv_pages_rollback(&pages);
            }
            inside = false;
        } else if (r % 16 < 5 && !inside) {
            snapshot_step(r >> 8, reserve);
        } else if (rv_pages_reserve(&pages, 2 * RV_PAGE_HEAD) == RV_OK) {
            change(r >> 8);
        }
        meet_expired(may_expire);
        if (step % 32 == 31) {
            check_all();
        }
        RV_CHECK_PASSED();
    }
    if (inside) {
        rv_pages_rollback(&pages);
    }
    check_all();
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        rv_snapshot_release(&pages, copies[i].snapshot);
    }
    RV_CHECK_EQ(pages.snapshots.used, 0);
}

RV_TEST(snapshots_agree_with_full_copies) {
    for (uint64_t seed = 1; seed <= SEEDS; seed += 1) {
        const bool plenty = seed % 4 == 0;
        const uint32_t count = 2 + (uint32_t)(seed / 8 % (PAGES_MAX - 1));
        const uint32_t reserve = plenty ? RV_SNAPSHOTS_MAX * PAGES_MAX : (uint32_t)(seed % 8);
        RV_CHECK(start(count, reserve));
        run(seed, !plenty, reserve);
        RV_CHECK_PASSED();
    }
    RV_CHECK(expired_count > SEEDS / 10 && shared_count > SEEDS / 10 && lent_count > SEEDS / 10);
}

RV_TEST(there_are_so_many_and_no_more) {
    RV_CHECK(start(4, 1));
    rv_snapshot taken[RV_SNAPSHOTS_MAX + 1];
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        RV_CHECK_STATUS(rv_snapshot_take(&pages, false, &taken[i]), RV_OK);
    }
    RV_CHECK_STATUS(rv_snapshot_take(&pages, false, &taken[RV_SNAPSHOTS_MAX]), RV_BUSY);
    RV_CHECK(!rv_snapshot_alive(&pages, taken[RV_SNAPSHOTS_MAX]));
    rv_snapshot_release(&pages, taken[3]);
    rv_snapshot_release(&pages, taken[3]);
    RV_CHECK_STATUS(rv_snapshot_take(&pages, true, &taken[3]), RV_OK);
}

RV_TEST(memory_that_is_too_small_is_told) {
    static uint8_t small[RV_PAGE_SIZE * 8];
    rv_arena arena = rv_arena_over(small, sizeof small);
    RV_CHECK_STATUS(rv_pages_create(&pages, RV_PAGE_SIZE * 3, 64, &arena), RV_OK);
    rv_snapshot snapshot;
    RV_CHECK_STATUS(rv_snapshot_take(&pages, false, &snapshot), RV_BUSY);
    const size_t mark = rv_arena_mark(&arena);
    RV_CHECK_STATUS(rv_snapshots_create(&pages, RV_PAGE_SIZE * 7, &arena), RV_MEMORY_EXHAUSTED);
    RV_CHECK_EQ(rv_arena_mark(&arena), mark);
    const size_t room = sizeof small - mark;
    arena.cap = mark + rv_snapshots_overhead(pages.total, RV_PAGE_SIZE * 3) + RV_PAGE_SIZE * 3;
    RV_CHECK(arena.cap <= mark + room);
    RV_CHECK_STATUS(rv_snapshots_create(&pages, RV_PAGE_SIZE * 3, &arena), RV_OK);
    RV_CHECK_EQ(pages.snapshots.reserve, 3);
}

int main(void) {
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        copies[i].bytes = malloc((size_t)PAGES_MAX * RV_PAGE_SIZE);
    }
    RV_RUN(snapshots_agree_with_full_copies);
    RV_RUN(there_are_so_many_and_no_more);
    RV_RUN(memory_that_is_too_small_is_told);
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        free(copies[i].bytes);
    }
    free(memory);
    return rv_test_done();
}
