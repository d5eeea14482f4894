/* SPDX-License-Identifier: Apache-2.0 */
/* Slots: see slots.h. */
#include "core/state/slots.h"

/* What a free slot holds. */
typedef struct free_slot {
    uint32_t mark; /* RV_SLOT_FREE */
    uint32_t next; /* 1 + number; 0 is none */
} free_slot;

static const rv_slots *slots_of(const rv_pages *pages, rv_at at) {
    return (const rv_slots *)(const void *)(rv_pages_read(pages, at.page) + at.offset);
}

static rv_slots *slots_change(rv_pages *pages, rv_at at) {
    return (rv_slots *)(void *)rv_pages_write(pages, at.page, at.offset, sizeof(rv_slots));
}

/* Puts a page at the front of the pages with room. `head` is noted already. */
static void room_push(rv_pages *pages, rv_slots *slots, uint32_t page, rv_page_head *head) {
    head->room_prev = 0;
    head->room_next = slots->room;
    if (slots->room != 0) {
        rv_pages_head_write(pages, slots->room)->room_prev = page;
    }
    slots->room = page;
    RV_ASSERT(head->room_next != page);
}

static void room_remove(rv_pages *pages, rv_slots *slots, const rv_page_head *head) {
    if (head->room_next != 0) {
        rv_pages_head_write(pages, head->room_next)->room_prev = head->room_prev;
    }
    if (head->room_prev != 0) {
        rv_pages_head_write(pages, head->room_prev)->room_next = head->room_next;
    } else {
        slots->room = head->room_next;
    }
}

/* A page of its own for the list, last of its pages, with room. */
static rv_status page_add(rv_pages *pages, rv_at at, uint32_t *page) {
    const rv_slots *const slots = slots_of(pages, at);
    RV_ASSERT(slots->size >= RV_SLOT_SIZE_MIN && slots->size % 8 == 0);
    const rv_status status = rv_pages_alloc(pages, (rv_page_kind)slots->kind, slots->tag, page);
    if (status != RV_OK) {
        return status;
    }
    rv_slots *const changed = slots_change(pages, at);
    rv_page_head *const head = (rv_page_head *)(void *)rv_pages_write_new(pages, *page, 0);
    head->slot_size = changed->size;
    head->slot_count = (uint16_t)(RV_PAGE_ROOM / changed->size);
    head->prev = changed->last;
    if (changed->last != 0) {
        rv_pages_head_write(pages, changed->last)->next = *page;
    } else {
        changed->first = *page;
    }
    changed->last = *page;
    room_push(pages, changed, *page, head);
    return RV_OK;
}

/* Takes an empty page out of both chains and gives it back. */
static void page_remove(rv_pages *pages, rv_at at, uint32_t page) {
    rv_slots *const slots = slots_change(pages, at);
    const rv_page_head *const head = rv_pages_head(pages, page);
    RV_ASSERT(head->slot_used == 0);
    room_remove(pages, slots, head);
    if (head->next != 0) {
        rv_pages_head_write(pages, head->next)->prev = head->prev;
    } else {
        slots->last = head->prev;
    }
    if (head->prev != 0) {
        rv_pages_head_write(pages, head->prev)->next = head->next;
    } else {
        slots->first = head->next;
    }
    rv_pages_free(pages, page);
}

rv_status rv_slots_alloc(rv_pages *pages, rv_at at, uint32_t *place) {
    rv_status status = rv_pages_reserve(pages, 0);
    if (status != RV_OK) {
        return status;
    }
    uint32_t page = slots_of(pages, at)->room;
    if (page == 0) {
        status = page_add(pages, at, &page);
        if (status != RV_OK) {
            return status;
        }
    }
    rv_page_head *const head = rv_pages_head_write(pages, page);
    RV_ASSERT(head->slot_used < head->slot_count);
    uint32_t number;
    if (head->slot_free != 0) {
        number = head->slot_free - 1u;
        const uint8_t *const slot =
            rv_slots_read(pages, rv_slot_place(page, number), head->slot_size);
        const free_slot *const old = (const free_slot *)(const void *)slot;
        RV_ASSERT(old->mark == RV_SLOT_FREE);
        head->slot_free = (uint16_t)old->next;
        /* the link is noted: it must be there again after a rollback */
        (void)rv_pages_write(pages, page, RV_PAGE_HEAD + number * head->slot_size,
                             sizeof(free_slot));
    } else {
        number = head->slot_fresh;
        head->slot_fresh += 1;
        RV_ASSERT(head->slot_fresh <= head->slot_count);
    }
    head->slot_used += 1;
    if (head->slot_used == head->slot_count) {
        room_remove(pages, slots_change(pages, at), head);
    }
    *place = rv_slot_place(page, number);
    return RV_OK;
}

rv_status rv_slots_free(rv_pages *pages, rv_at at, uint32_t place) {
    const uint32_t page = rv_slot_page(place);
    const uint32_t size = rv_pages_head(pages, page)->slot_size;
    const rv_status status = rv_pages_reserve(pages, size);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(size == slots_of(pages, at)->size);
    rv_page_head *const head = rv_pages_head_write(pages, page);
    RV_ASSERT(head->slot_used > 0 && rv_slot_number(place) < head->slot_fresh);
    free_slot *const slot = (free_slot *)(void *)rv_slots_write(pages, place, size);
    *slot = (free_slot){.mark = RV_SLOT_FREE, .next = head->slot_free};
    head->slot_free = (uint16_t)(rv_slot_number(place) + 1);
    if (head->slot_used == head->slot_count) {
        room_push(pages, slots_change(pages, at), page, head);
    }
    head->slot_used -= 1;
    if (head->slot_used == 0) {
        page_remove(pages, at, page);
    }
    return RV_OK;
}

uint32_t rv_slots_next(const rv_pages *pages, rv_at at, uint32_t place) {
    uint32_t page = slots_of(pages, at)->first;
    uint32_t number = 0;
    if (place != RV_SLOT_NONE) {
        page = rv_slot_page(place);
        number = rv_slot_number(place) + 1;
    }
    for (uint32_t pages_left = pages->total; page != 0; pages_left -= 1) {
        RV_ASSERT(pages_left > 0);
        const rv_page_head *const head = rv_pages_head(pages, page);
        for (; number < head->slot_fresh; number += 1) {
            const uint32_t found = rv_slot_place(page, number);
            uint32_t mark;
            memcpy(&mark, rv_slots_read(pages, found, head->slot_size), sizeof mark);
            if (mark != RV_SLOT_FREE) {
                return found;
            }
        }
        page = head->next;
        number = 0;
    }
    return RV_SLOT_NONE;
}
