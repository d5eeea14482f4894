/* SPDX-License-Identifier: Apache-2.0 */
/* Pages, the pool, lists of slots and arrays of lines of a checkpoint: see check.h. */
#include "core/state/check.h"

#include "core/state/checkpoint.h"

#define PAGE_WORK 4u /* of a page of slots, beside what is in them */

bool rv_check_fail(rv_check *c, const char *what) {
    RV_ASSERT(what != NULL);
    c->wrong = c->wrong == NULL ? what : c->wrong;
    return false;
}

/* --- the pool --- */

static bool check_pool(rv_check *c) {
    const rv_pool *const pool = rv_pages_pool(c->pages);
    if (!rv_check_page_is(c, RV_PAGE_FIRST, RV_PAGE_ROOT) || pool->fresh != c->end ||
        pool->limbo != 0 || pool->used == 0 || pool->used > c->end - RV_PAGE_FIRST) {
        return rv_check_fail(c, "the pool's counters");
    }
    rv_check_use(c, RV_CHECK_PAGE, 0, RV_PAGE_FIRST);
    uint32_t page = pool->free;
    for (uint32_t left = c->end - RV_PAGE_FIRST - pool->used; left > 0; left -= 1) {
        if (!rv_check_page_is(c, page, RV_PAGE_FREE)) {
            return rv_check_fail(c, "the free pages");
        }
        rv_check_use(c, RV_CHECK_PAGE, 0, page);
        page = rv_pages_head(c->pages, page)->next;
    }
    return page == 0 || rv_check_fail(c, "the free pages");
}

/* --- lists --- */

/* The pages with room: those that the walk has met. */
static bool check_room(rv_check *c, const rv_check_list *list) {
    uint32_t previous = 0;
    uint32_t page = list->slots->room;
    for (uint32_t left = list->page_count; page != 0; left -= 1) {
        if (left == 0 || page >= c->end || rv_pages_head(c->pages, page)->room_prev != previous) {
            return rv_check_fail(c, "the chain of pages with room");
        }
        rv_check_use(c, RV_CHECK_ROOM, list->owner, page);
        previous = page;
        page = rv_pages_head(c->pages, page)->room_next;
    }
    return true;
}

/* Finds which slots of the page are used, by its chain of free ones. */
static bool list_slots(rv_check *c, rv_check_list *list, const rv_page_head *head) {
    for (uint32_t i = 0; i < sizeof list->used / sizeof list->used[0]; i += 1) {
        const uint32_t below = i * 64;
        list->used[i] = head->slot_fresh >= below + 64 ? UINT64_MAX
                        : head->slot_fresh <= below
                            ? 0
                            : (UINT64_C(1) << (head->slot_fresh - below)) - 1u;
    }
    uint32_t next = head->slot_free;
    for (uint32_t left = (uint32_t)head->slot_fresh - head->slot_used; left > 0; left -= 1) {
        const uint32_t slot = next - 1;
        if (next == 0 || slot >= head->slot_fresh || !rv_check_list_uses(list, slot)) {
            return rv_check_fail(c, "the free slots of a page");
        }
        const uint32_t place = rv_slot_place(list->page, slot);
        uint32_t free[2]; /* mark and next: slots.c */
        memcpy(free, rv_slots_read(c->pages, place, head->slot_size), sizeof free);
        if (free[0] != RV_SLOT_FREE) {
            return rv_check_fail(c, "the free slots of a page");
        }
        list->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
        next = free[1];
    }
    return next == 0 || rv_check_fail(c, "the free slots of a page");
}

/* Looks at the page that the list has come to. */
static bool list_page(rv_check *c, rv_check_list *list) {
    const rv_slots *const slots = list->slots;
    if (list->page == 0) {
        return (list->previous == slots->last && check_room(c, list)) ||
               rv_check_fail(c, "the end of a list");
    }
    if (list->page_count == c->end || !rv_check_page_is(c, list->page, (rv_page_kind)slots->kind)) {
        return rv_check_fail(c, "the pages of a list");
    }
    const rv_page_head *const head = rv_pages_head(c->pages, list->page);
    if (head->prev != list->previous || head->tag != slots->tag || head->slot_size != slots->size ||
        head->slot_count != RV_PAGE_ROOM / slots->size || head->slot_fresh > head->slot_count ||
        head->slot_used > head->slot_fresh || head->slot_used == 0) {
        return rv_check_fail(c, "the head of a page of slots");
    }
    list->page_count += 1;
    list->slot_count += head->slot_used;
    list->fresh = head->slot_fresh;
    rv_check_use(c, RV_CHECK_PAGE, 0, list->page);
    if (head->slot_used < head->slot_count) {
        rv_check_meet(c, RV_CHECK_ROOM, list->owner, list->page);
    }
    if (!list_slots(c, list, head)) {
        return false;
    }
    for (uint32_t i = 0; i < head->slot_fresh && list->owner < RV_CHECK_ROWS; i += 1) {
        if (rv_check_list_uses(list, i)) {
            rv_check_meet(c, RV_CHECK_SLOT, list->owner, rv_slot_place(list->page, i));
        }
    }
    return true;
}

bool rv_check_list_begin(rv_check *c, rv_check_list *list, const rv_slots *slots, uint32_t owner) {
    RV_ASSERT(slots->size >= RV_SLOT_SIZE_MIN);
    *list = (rv_check_list){.slots = slots, .owner = owner, .page = slots->first};
    return list_page(c, list);
}

bool rv_check_list_next(rv_check *c, rv_check_list *list) {
    RV_ASSERT(list->page != 0);
    list->previous = list->page;
    list->page = rv_pages_head(c->pages, list->page)->next;
    return list_page(c, list);
}

/* A list whose slots nobody else walks over. */
static rv_check_step check_list(rv_check *c, const rv_slots *slots, uint32_t owner, uint32_t size) {
    const rv_page_kind kind = owner == RV_CHECK_TREES ? RV_PAGE_TREE : RV_PAGE_HEAP;
    if (!c->begun) {
        if (slots->kind != kind || slots->size != size || slots->tag != 0) {
            (void)rv_check_fail(c, "the size of a list");
            return RV_CHECK_WRONG;
        }
        if (!rv_check_list_begin(c, &c->list, slots, owner)) {
            return RV_CHECK_WRONG;
        }
        c->begun = true;
    }
    while (c->list.page != 0) {
        if (!rv_check_spend(c, PAGE_WORK)) {
            return RV_CHECK_LATER;
        }
        if (!rv_check_list_next(c, &c->list)) {
            return RV_CHECK_WRONG;
        }
    }
    c->begun = false;
    c->nodes_left = owner == RV_CHECK_TREES ? c->list.slot_count : c->nodes_left;
    return RV_CHECK_DONE;
}

/* --- lines --- */

bool rv_check_lines(rv_check *c, const rv_lines *lines, rv_page_kind kind) {
    if (lines->kind != kind || lines->count > RV_LINES_MAX) {
        return rv_check_fail(c, "an array of lines");
    }
    const uint32_t page_count = (lines->count + RV_LINES_IN_PAGE - 1) / RV_LINES_IN_PAGE;
    for (uint32_t nth = 0; nth < page_count; nth += 1) {
        const uint32_t directory = lines->directories[nth / RV_DIRECTORY_ROOM];
        if (!rv_check_page_is(c, directory, RV_PAGE_DIRECTORY)) {
            return rv_check_fail(c, "a directory");
        }
        if (nth % RV_DIRECTORY_ROOM == 0) {
            rv_check_use(c, RV_CHECK_PAGE, 0, directory);
        }
        uint32_t page;
        memcpy(&page,
               rv_pages_read(c->pages, directory) + RV_PAGE_HEAD +
                   nth % RV_DIRECTORY_ROOM * sizeof page,
               sizeof page);
        if (!rv_check_page_is(c, page, kind) ||
            rv_pages_head(c->pages, page)->first != nth * RV_LINES_IN_PAGE) {
            return rv_check_fail(c, "a page of lines");
        }
        rv_check_use(c, RV_CHECK_PAGE, 0, page);
    }
    return true;
}

/* --- all of it --- */

static rv_check_step check_lists(rv_check *c) {
    const rv_root *const root = rv_root_of(c->pages);
    rv_check_step step = RV_CHECK_DONE;
    for (; c->at < RV_HEAP_CLASSES + 2u && step == RV_CHECK_DONE; c->at += step == RV_CHECK_DONE) {
        const uint32_t heap = c->at - 2u;
        step = c->at == 0   ? check_list(c, &root->overflow, RV_CHECK_OVERFLOW, RV_LINE_SIZE)
               : c->at == 1 ? check_list(c, &root->tree_nodes, RV_CHECK_TREES, RV_TREE_NODE_SIZE)
                            : check_list(c, &root->heap[heap], heap, rv_heap_class_size(heap));
    }
    return step;
}

static rv_check_step check_tables(rv_check *c) {
    const rv_root *const root = rv_root_of(c->pages);
    const uint16_t aggregates = rv_schema_aggregate_count(c->schema);
    rv_check_step step = RV_CHECK_DONE;
    for (; c->at < RV_AGGREGATES_MAX && step == RV_CHECK_DONE; c->at += step == RV_CHECK_DONE) {
        if (root->tables[c->at] != 0 && c->at >= aggregates) {
            (void)rv_check_fail(c, "a table of no aggregate");
            return RV_CHECK_WRONG;
        }
        if (root->tables[c->at] != 0) {
            step = rv_check_table(c, (uint16_t)c->at);
        }
    }
    return step;
}

static bool check_pages(rv_check *c) {
    for (uint32_t page = RV_PAGE_FIRST; page < c->end; page += 1) {
        rv_check_meet(c, RV_CHECK_PAGE, 0, page);
    }
    return c->balance == 0 || rv_check_fail(c, "what is used once");
}

static rv_check_step check_stage(rv_check *c) {
    switch (c->stage) {
    case RV_CHECKING_POOL:
        return check_pool(c) ? RV_CHECK_DONE : RV_CHECK_WRONG;
    case RV_CHECKING_LISTS:
        return check_lists(c);
    case RV_CHECKING_TABLES:
        return check_tables(c);
    case RV_CHECKING_STREAMS:
        return rv_check_streams(c);
    case RV_CHECKING_BASE:
        return rv_check_base(c) ? RV_CHECK_DONE : RV_CHECK_WRONG;
    default:
        RV_ASSERT(c->stage == RV_CHECKING_PAGES);
        return check_pages(c) ? RV_CHECK_DONE : RV_CHECK_WRONG;
    }
}

void rv_state_load_check_begin(rv_state *state, const rv_checkpoint_head *head, uint64_t salt,
                               rv_arena *scratch) {
    RV_ASSERT(head->page_count > 0 && head->page_count <= state->pages.total);
    *state->check = (rv_check){
        .pages = &state->pages,
        .schema = state->schema,
        .hash_key = head->hash_key,
        .last_sequence = head->last_sequence,
        .salt = salt,
        .end = RV_PAGE_FIRST + head->page_count,
        .steps_left = head->page_count * (RV_PAGE_ROOM / RV_SLOT_SIZE_MIN),
        .scratch = scratch,
    };
}

rv_status rv_state_load_check(rv_state *state, uint32_t work, rv_error *err) {
    rv_check *const c = state->check;
    RV_ASSERT(c->pages == &state->pages && work > 0);
    c->work = work;
    rv_check_step step = RV_CHECK_DONE;
    while (step == RV_CHECK_DONE && c->stage != RV_CHECKING_OVER) { /* each turn ends a stage */
        step = check_stage(c);
        if (step == RV_CHECK_DONE) {
            RV_ASSERT(!c->begun);
            c->stage = (rv_checking)(c->stage + 1);
            c->at = 0;
            c->part = 0;
        }
    }
    if (step == RV_CHECK_LATER) {
        return RV_PENDING;
    }
    if (step == RV_CHECK_WRONG) {
        RV_ASSERT(c->wrong != NULL);
        return rv_error_set(err, RV_DATA_DAMAGED, "the pages are no state: %s", c->wrong);
    }
    memset(state->pages.marks + RV_PAGE_FIRST, RV_MARK_ALL, c->end - RV_PAGE_FIRST);
    state->pages.changed = true;
    state->hash_key = c->hash_key;
    return RV_OK;
}
