/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of the pages: see snapshots.h. */
#include "core/state/pages.h"

#define SNAPSHOT_ALIGNMENT 64u

size_t rv_snapshots_overhead(uint32_t total, size_t reserve_memory) {
    const size_t copies = reserve_memory / RV_PAGE_SIZE + total;
    RV_ASSERT(total <= RV_PAGES_MAX);
    return ((size_t)total + 1) * sizeof(uint32_t) + copies * sizeof(rv_shadow) +
           SNAPSHOT_ALIGNMENT + 64;
}

rv_status rv_snapshots_create(rv_pages *pages, size_t reserve_memory, rv_arena *arena) {
    RV_ASSERT(pages->memory != NULL && pages->snapshots.shadows == NULL);
    const size_t mark = rv_arena_mark(arena);
    const size_t reserve = reserve_memory / RV_PAGE_SIZE;
    const size_t copies = reserve + pages->total;
    if (copies > UINT32_MAX - 1) {
        return RV_MEMORY_EXHAUSTED;
    }
    rv_snapshots made = {.reserve = (uint32_t)reserve};
    made.newest = rv_arena_take(arena, ((size_t)pages->total + 1) * sizeof(uint32_t));
    made.shadows = rv_arena_take(arena, copies * sizeof(rv_shadow));
    uint8_t *const memory = rv_arena_take_raw(arena, reserve * RV_PAGE_SIZE + SNAPSHOT_ALIGNMENT);
    if (made.newest == NULL || made.shadows == NULL || memory == NULL) {
        rv_arena_reset(arena, mark);
        return RV_MEMORY_EXHAUSTED;
    }
    made.memory = memory + (SNAPSHOT_ALIGNMENT - (uintptr_t)memory % SNAPSHOT_ALIGNMENT);
    pages->snapshots = made;
    return RV_OK;
}

/* --- copies --- */

static rv_shadow *shadow_of(const rv_snapshots *s, uint32_t number) {
    RV_ASSERT(number > 0);
    return &s->shadows[number - 1];
}

/* The page of the pool that a lent copy lies in. */
static uint32_t lent_page(const rv_pages *pages, uint32_t number) {
    const rv_snapshots *const s = &pages->snapshots;
    RV_ASSERT(number > s->reserve && number - s->reserve <= pages->total);
    return pages->total - (number - s->reserve - 1);
}

static uint8_t *shadow_bytes(const rv_pages *pages, uint32_t number) {
    const rv_snapshots *const s = &pages->snapshots;
    if (number <= s->reserve) {
        return s->memory + (size_t)(number - 1) * RV_PAGE_SIZE;
    }
    return pages->memory + (size_t)(lent_page(pages, number) - 1) * RV_PAGE_SIZE;
}

static void shadow_free(rv_snapshots *s, uint32_t number) {
    rv_shadow *const shadow = shadow_of(s, number);
    uint32_t *const list = number <= s->reserve ? &s->free : &s->free_lent;
    RV_ASSERT(shadow->until != 0 && s->used > 0);
    *shadow = (rv_shadow){.page = *list};
    *list = number;
    s->used -= 1;
}

/* Pages from here on are nobody's: the pool has not begun to use them, nor had it in a snapshot, as
 * it may have in one of an overlay that was lifted since. */
static uint32_t unused_from(const rv_pages *pages) {
    uint32_t page = rv_pages_pool(pages)->fresh;
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        const rv_snapshot_life *const life = &pages->snapshots.lives[i];
        page = life->serial != 0 && life->end > page ? life->end : page;
    }
    return page;
}

/* A page of the pool for a copy, which is nobody's; 0 when there is none. */
static uint32_t shadow_lend(rv_pages *pages) {
    rv_snapshots *const s = &pages->snapshots;
    const uint32_t fresh = unused_from(pages);
    for (uint32_t left = s->lent; s->free_lent != 0; left -= 1) {
        RV_ASSERT(left > 0);
        const uint32_t number = s->free_lent;
        s->free_lent = shadow_of(s, number)->page;
        if (lent_page(pages, number) >= fresh) {
            return number;
        }
    }
    if (pages->total - s->lent < fresh) {
        return 0;
    }
    s->lent += 1;
    return s->reserve + s->lent;
}

/* The number of a copy that is not used; 0 when there is no room. */
static uint32_t shadow_take(rv_pages *pages) {
    rv_snapshots *const s = &pages->snapshots;
    uint32_t number = s->free;
    if (number != 0) {
        s->free = shadow_of(s, number)->page;
    } else if (s->fresh < s->reserve) {
        s->fresh += 1;
        number = s->fresh;
    } else {
        number = shadow_lend(pages);
    }
    if (number != 0) {
        s->used += 1;
        s->used_max = s->used > s->used_max ? s->used : s->used_max;
    }
    return number;
}

/* The newest snapshot above `after` that needs the page; 0 when none does. */
static uint64_t wanted(const rv_snapshots *s, uint32_t page, uint64_t after) {
    uint64_t newest = 0;
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        const rv_snapshot_life *const life = &s->lives[i];
        const bool needs = life->serial > after && page >= life->low && page < life->end;
        newest = needs && life->serial > newest ? life->serial : newest;
    }
    RV_ASSERT(newest <= s->serial);
    return newest;
}

/* Gives the copies of a page back that nobody sees any more. */
static void copies_trim(rv_snapshots *s, uint32_t page) {
    uint32_t *link = &s->newest[page];
    for (uint32_t left = RV_SNAPSHOTS_MAX + 1; *link != 0; left -= 1) {
        RV_ASSERT(left > 0);
        const uint32_t number = *link;
        rv_shadow *const shadow = shadow_of(s, number);
        const uint64_t below = shadow->older == 0 ? 0 : shadow_of(s, shadow->older)->until;
        bool seen = false;
        for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
            const rv_snapshot_life *const life = &s->lives[i];
            seen = seen || (life->serial > below && life->serial <= shadow->until &&
                            page >= life->low && page < life->end);
        }
        if (seen) {
            link = &shadow->older;
        } else {
            *link = shadow->older;
            shadow_free(s, number);
        }
    }
}

/* --- lives --- */

static rv_snapshot_life *life_of(rv_snapshots *s, rv_snapshot snapshot) {
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        if (snapshot.serial != 0 && s->lives[i].serial == snapshot.serial) {
            return &s->lives[i];
        }
    }
    return NULL;
}

static const rv_snapshot_life *life_read(const rv_snapshots *s, rv_snapshot snapshot) {
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        if (snapshot.serial != 0 && s->lives[i].serial == snapshot.serial) {
            return &s->lives[i];
        }
    }
    return NULL;
}

static void life_end(rv_snapshots *s, rv_snapshot_life *life) {
    RV_ASSERT(s->alive > 0 && life->serial != 0);
    *life = (rv_snapshot_life){0};
    s->alive -= 1;
    for (uint32_t i = 1; i <= s->reserve + s->lent; i += 1) {
        const uint32_t nth = i <= s->reserve && i > s->fresh ? 0 : i;
        if (nth != 0 && shadow_of(s, nth)->until != 0) {
            copies_trim(s, shadow_of(s, nth)->page);
        }
    }
    if (s->alive == 0) {
        RV_ASSERT(s->used == 0);
        s->fresh = 0;
        s->lent = 0;
        s->free = 0;
        s->free_lent = 0;
    }
}

/* Ends the oldest, one that stays last. One is alive. */
static void expire(rv_snapshots *s) {
    rv_snapshot_life *oldest = NULL;
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        rv_snapshot_life *const life = &s->lives[i];
        const bool sooner = oldest == NULL || (oldest->stays && !life->stays) ||
                            (oldest->stays == life->stays && life->serial < oldest->serial);
        if (life->serial != 0 && sooner) {
            oldest = life;
        }
    }
    RV_ASSERT(oldest != NULL);
    life_end(s, oldest);
}

rv_status rv_snapshot_take(rv_pages *pages, bool stays, rv_snapshot *snapshot) {
    rv_snapshots *const s = &pages->snapshots;
    RV_ASSERT(pages->overlay || (!pages->journal.active && rv_pages_pool(pages)->limbo == 0));
    *snapshot = (rv_snapshot){0};
    if (s->shadows == NULL || s->alive == RV_SNAPSHOTS_MAX) {
        return RV_BUSY;
    }
    uint32_t free = 0;
    while (s->lives[free].serial != 0) {
        free += 1;
        RV_ASSERT(free < RV_SNAPSHOTS_MAX);
    }
    const uint32_t end = rv_pages_pool(pages)->fresh;
    s->serial += 1;
    s->alive += 1;
    s->lives[free] = (rv_snapshot_life){s->serial, RV_PAGE_FIRST, end, stays};
    for (uint32_t page = RV_PAGE_FIRST; page < end; page += 1) {
        pages->marks[page] &= (uint8_t)~RV_MARK_TOUCHED;
    }
    snapshot->serial = s->serial;
    return RV_OK;
}

bool rv_snapshot_alive(const rv_pages *pages, rv_snapshot snapshot) {
    return life_read(&pages->snapshots, snapshot) != NULL;
}

uint32_t rv_snapshot_end(const rv_pages *pages, rv_snapshot snapshot) {
    const rv_snapshot_life *const life = life_read(&pages->snapshots, snapshot);
    RV_ASSERT(life != NULL);
    return life->end;
}

const uint8_t *rv_snapshot_read(const rv_pages *pages, rv_snapshot snapshot, uint32_t page) {
    const rv_snapshots *const s = &pages->snapshots;
    const rv_snapshot_life *const life = life_read(s, snapshot);
    if (life == NULL) {
        return NULL;
    }
    RV_ASSERT(page >= life->low && page < life->end);
    uint32_t seen = 0;
    uint32_t number = s->newest[page];
    for (uint32_t left = RV_SNAPSHOTS_MAX + 1; number != 0; left -= 1) {
        RV_ASSERT(left > 0);
        if (shadow_of(s, number)->until < snapshot.serial) {
            break;
        }
        seen = number;
        number = shadow_of(s, number)->older;
    }
    return seen == 0 ? rv_pages_read(pages, page) : shadow_bytes(pages, seen);
}

uint32_t rv_snapshot_changed(const rv_pages *pages, rv_snapshot snapshot, uint32_t page,
                             uint32_t end) {
    const rv_snapshots *const s = &pages->snapshots;
    const rv_snapshot_life *const life = life_read(s, snapshot);
    RV_ASSERT(life != NULL && page >= life->low);
    const uint32_t fresh = rv_pages_pool(pages)->fresh;
    for (; page < life->end; page += 1) {
        const uint32_t number = s->newest[page];
        if (page >= fresh || /* taken back, without having been written to */
            (number != 0 && shadow_of(s, number)->until >= snapshot.serial)) {
            return page;
        }
    }
    return page < fresh || page < end ? page : 0;
}

void rv_snapshot_pass(rv_pages *pages, rv_snapshot snapshot, uint32_t low) {
    rv_snapshots *const s = &pages->snapshots;
    rv_snapshot_life *const life = life_of(s, snapshot);
    if (life == NULL) {
        return;
    }
    RV_ASSERT(low >= life->low && low <= life->end);
    const uint32_t before = life->low;
    life->low = low;
    for (uint32_t page = before; page < low; page += 1) {
        copies_trim(s, page);
    }
}

void rv_snapshot_release(rv_pages *pages, rv_snapshot snapshot) {
    rv_snapshot_life *const life = life_of(&pages->snapshots, snapshot);
    if (life != NULL) {
        life_end(&pages->snapshots, life);
    }
    RV_ASSERT(!rv_snapshot_alive(pages, snapshot));
}

void rv_snapshots_end(rv_pages *pages) {
    rv_snapshots *const s = &pages->snapshots;
    for (uint32_t i = 0; i < RV_SNAPSHOTS_MAX; i += 1) {
        if (s->lives[i].serial != 0 && !s->lives[i].stays) {
            life_end(s, &s->lives[i]);
        }
    }
}

/* --- for the pages --- */

void rv_snapshots_keep(rv_pages *pages, uint32_t page) {
    rv_snapshots *const s = &pages->snapshots;
    RV_ASSERT(page != 0 && page <= pages->total);
    for (uint32_t left = RV_SNAPSHOTS_MAX + 1; s->alive > 0; left -= 1) {
        RV_ASSERT(left > 0);
        const uint32_t older = s->newest[page];
        const uint64_t until = wanted(s, page, older == 0 ? 0 : shadow_of(s, older)->until);
        if (until == 0) {
            return;
        }
        const uint32_t number = shadow_take(pages);
        if (number != 0) {
            memcpy(shadow_bytes(pages, number), rv_pages_read(pages, page), RV_PAGE_SIZE);
            *shadow_of(s, number) = (rv_shadow){until, page, older};
            s->newest[page] = number;
            return;
        }
        expire(s);
    }
}

void rv_snapshots_give_back(rv_pages *pages, uint32_t page) {
    rv_snapshots *const s = &pages->snapshots;
    RV_ASSERT(page != 0 && page <= pages->total);
    if (page <= pages->total - s->lent) {
        return;
    }
    const uint32_t number = s->reserve + (pages->total - page) + 1;
    RV_ASSERT(lent_page(pages, number) == page);
    for (uint32_t left = RV_SNAPSHOTS_MAX; s->lent != 0 && shadow_of(s, number)->until != 0;
         left -= 1) {
        RV_ASSERT(left > 0);
        expire(s);
    }
}
