/* SPDX-License-Identifier: Apache-2.0 */
/* The page pool: see pages.h. */
#include "core/state/pages.h"

/* Pages begin on cache lines, as buckets and stream heads are one line each. */
#define PAGE_ALIGNMENT 64u

/* What is kept beside a page: its sum and its marks. */
#define PAGE_COST (RV_PAGE_SIZE + sizeof(rv_hash128) + 1u)

static rv_pool *pool_write(rv_pages *pages) {
    return (rv_pool *)(void *)rv_pages_write(pages, RV_PAGE_FIRST, RV_PAGE_HEAD, sizeof(rv_pool));
}

static void root_make(rv_pages *pages) {
    RV_ASSERT(pages->total >= RV_PAGE_FIRST);
    uint8_t *const root = rv_pages_write_new(pages, RV_PAGE_FIRST, 0);
    memset(root, 0, RV_PAGE_SIZE);
    ((rv_page_head *)(void *)root)->kind = RV_PAGE_ROOT;
    *pool_write(pages) = (rv_pool){.fresh = RV_PAGE_FIRST + 1, .used = 1};
}

rv_status rv_pages_create(rv_pages *pages, size_t page_memory, size_t journal_memory,
                          rv_arena *arena) {
    *pages = (rv_pages){0};
    const size_t slack = PAGE_ALIGNMENT + 2 * (sizeof(rv_hash128) + 16);
    const size_t room = page_memory > slack ? page_memory - slack : 0;
    const size_t count = room / PAGE_COST;
    const uint32_t total = count < RV_PAGES_MAX ? (uint32_t)count : RV_PAGES_MAX;
    if (total == 0) {
        return RV_MEMORY_EXHAUSTED;
    }
    const size_t mark = rv_arena_mark(arena);
    const size_t size = (size_t)total * RV_PAGE_SIZE + PAGE_ALIGNMENT - 1;
    uint8_t *const memory = rv_arena_take_raw(arena, size);
    rv_hash128 *const sums = rv_arena_take(arena, ((size_t)total + 1) * sizeof(rv_hash128));
    uint8_t *const marks = rv_arena_take(arena, (size_t)total + 1);
    uint8_t *const journal = rv_arena_take_raw(arena, journal_memory);
    if (memory == NULL || sums == NULL || marks == NULL || journal == NULL) {
        rv_arena_reset(arena, mark);
        return RV_MEMORY_EXHAUSTED;
    }
    const size_t skip = (PAGE_ALIGNMENT - (uintptr_t)memory % PAGE_ALIGNMENT) % PAGE_ALIGNMENT;
    pages->memory = memory + skip;
    pages->sums = sums;
    pages->marks = marks;
    pages->total = total;
    pages->journal = (rv_journal){.memory = journal, .cap = journal_memory};
    root_make(pages);
    return RV_OK;
}

void rv_pages_reset(rv_pages *pages) {
    RV_ASSERT(!pages->journal.active && pages->snapshots.alive == 0);
    memset(pages->marks, 0, (size_t)pages->total + 1);
    memset(pages->sums, 0, ((size_t)pages->total + 1) * sizeof(rv_hash128));
    root_make(pages);
}

void rv_pages_touch_first(rv_pages *pages, uint32_t page) {
    RV_ASSERT(page != 0 && page <= pages->total);
    if ((pages->marks[page] & RV_MARK_TOUCHED) == 0) {
        rv_snapshots_keep(pages, page);
    }
    pages->marks[page] = RV_MARK_ALL;
    pages->changed = true;
}

rv_status rv_pages_alloc(rv_pages *pages, rv_page_kind kind, uint16_t tag, uint32_t *page) {
    RV_ASSERT(kind != RV_PAGE_FREE && kind != RV_PAGE_ROOT);
    const rv_pool *const pool = rv_pages_pool(pages);
    const bool again = pool->free != 0;
    if (!again && pool->fresh > pages->total) {
        return RV_STATE_FULL;
    }
    rv_pool *const changed = pool_write(pages);
    const uint32_t number = again ? changed->free : changed->fresh;
    rv_page_head *head;
    if (again) {
        head = rv_pages_head_write(pages, number);
        RV_ASSERT(head->kind == RV_PAGE_FREE);
        changed->free = head->next;
    } else {
        rv_snapshots_give_back(pages, number);
        head = (rv_page_head *)(void *)rv_pages_write_new(pages, number, 0);
        changed->fresh += 1;
    }
    changed->used += 1;
    *head = (rv_page_head){.kind = (uint8_t)kind, .tag = tag};
    *page = number;
    return RV_OK;
}

void rv_pages_free(rv_pages *pages, uint32_t page) {
    RV_ASSERT(page > RV_PAGE_FIRST);
    rv_pool *const pool = pool_write(pages);
    rv_page_head *const head = rv_pages_head_write(pages, page);
    RV_ASSERT(head->kind != RV_PAGE_FREE);
    *head = (rv_page_head){.kind = RV_PAGE_FREE};
    if (pages->journal.active) {
        head->next = pool->limbo;
        pool->limbo = page;
    } else {
        head->next = pool->free;
        pool->free = page;
        pool->used -= 1;
    }
}

void rv_pages_begin(rv_pages *pages) {
    RV_ASSERT(rv_pages_pool(pages)->limbo == 0);
    rv_journal_begin(&pages->journal);
}

void rv_pages_commit(rv_pages *pages) {
    rv_journal_end(&pages->journal);
    if (rv_pages_pool(pages)->limbo == 0) {
        return;
    }
    rv_pool *const pool = pool_write(pages);
    for (uint32_t left = pages->total; pool->limbo != 0; left -= 1) {
        RV_ASSERT(left > 0);
        const uint32_t page = pool->limbo;
        rv_page_head *const head = rv_pages_head_write(pages, page);
        pool->limbo = head->next;
        head->next = pool->free;
        pool->free = page;
        pool->used -= 1;
    }
}

void rv_pages_rollback_to(rv_pages *pages, size_t len) {
    rv_journal_record record;
    RV_ASSERT(pages->journal.active && len <= pages->journal.len);
    rv_journal_measure(&pages->journal);
    while (pages->journal.len > len && rv_journal_pop(&pages->journal, &record)) {
        RV_ASSERT(record.offset + record.old.len <= RV_PAGE_SIZE);
        memcpy(rv_pages_write_new(pages, record.page, record.offset), record.old.ptr,
               record.old.len);
    }
    RV_ASSERT(pages->journal.len == len); /* it was that long between two records */
}

void rv_pages_rollback(rv_pages *pages) {
    rv_pages_rollback_to(pages, 0);
    rv_journal_end(&pages->journal);
    RV_ASSERT(rv_pages_pool(pages)->limbo == 0);
}
