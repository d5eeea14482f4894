/* SPDX-License-Identifier: Apache-2.0 */
/* The heap: see heap.h. */
#include "core/state/heap.h"

/* Slot sizes: each at most half again the one before, so at most a third of a slot is unused. */
static const uint16_t class_sizes[RV_HEAP_CLASSES] = {
    16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3264, RV_HEAP_SLOT_MAX,
};

RV_STATIC_ASSERT(RV_PAGE_ROOM / RV_HEAP_SLOT_MAX == 4, "four of the largest in a page");

/* The smallest class that takes `len` bytes, which some does. */
static uint32_t class_of(uint32_t len) {
    RV_ASSERT(len > 0 && len <= RV_HEAP_SLOT_MAX);
    uint32_t found = 0;
    while (class_sizes[found] < len) {
        found += 1;
    }
    RV_ASSERT(found < RV_HEAP_CLASSES);
    return found;
}

uint32_t rv_heap_class(uint32_t len) {
    return class_of(len);
}

uint32_t rv_heap_class_size(uint32_t size_class) {
    RV_ASSERT(size_class < RV_HEAP_CLASSES);
    return class_sizes[size_class];
}

static rv_at list_of(uint32_t size_class) {
    RV_ASSERT(size_class < RV_HEAP_CLASSES);
    const size_t offset = offsetof(rv_root, heap) + size_class * sizeof(rv_slots);
    return (rv_at){RV_PAGE_FIRST, (uint32_t)offset};
}

/* The class of the slot at a place, as its page knows it. */
static uint32_t class_at(const rv_pages *pages, uint32_t place) {
    const rv_page_head *const head = rv_pages_head(pages, rv_slot_page(place));
    RV_ASSERT(head->kind == RV_PAGE_HEAP);
    return class_of(head->slot_size);
}

void rv_heap_init(rv_pages *pages) {
    for (uint32_t i = 0; i < RV_HEAP_CLASSES; i += 1) {
        const rv_at at = list_of(i);
        rv_slots *const slots =
            (rv_slots *)(void *)rv_pages_write(pages, at.page, at.offset, sizeof(rv_slots));
        RV_ASSERT(slots->first == 0);
        slots->size = class_sizes[i];
        slots->kind = RV_PAGE_HEAP;
    }
}

/* A new slot with `next` (if `chained`) and the bytes. */
static rv_status slot_make(rv_pages *pages, rv_bytes bytes, bool chained, uint32_t next,
                           uint32_t *place) {
    const uint32_t skip = chained ? (uint32_t)sizeof next : 0;
    const uint32_t size_class = class_of((uint32_t)bytes.len + skip);
    const rv_status status = rv_slots_alloc(pages, list_of(size_class), place);
    if (status != RV_OK) {
        return status;
    }
    uint8_t *const slot = rv_slots_write_new(pages, *place, class_sizes[size_class]);
    memcpy(slot, &next, skip);
    memcpy(slot + skip, bytes.ptr, bytes.len);
    return RV_OK;
}

/* Makes a chain, from its last piece to its first. */
static rv_status chain_make(rv_pages *pages, rv_bytes value, uint32_t *first) {
    RV_ASSERT(value.len > RV_HEAP_SLOT_MAX);
    uint32_t next = 0;
    size_t end = value.len;
    while (end > 0) {
        const size_t start = (end - 1) / RV_HEAP_PIECE * RV_HEAP_PIECE;
        const rv_bytes piece = {value.ptr + start, end - start};
        const rv_status status = slot_make(pages, piece, true, next, &next);
        if (status != RV_OK) {
            return status;
        }
        end = start;
    }
    *first = next;
    return RV_OK;
}

rv_status rv_heap_clear(rv_pages *pages, rv_cell *cell) {
    const uint32_t pieces = cell->len <= RV_CELL_INLINE ? 0
                            : rv_heap_is_run(cell)      ? 1
                                                        : cell->len / RV_HEAP_PIECE + 1;
    uint32_t place = pieces == 0 ? 0 : cell->as.place;
    for (uint32_t left = pieces; left > 0 && place != 0; left -= 1) {
        const uint32_t size_class = class_at(pages, place);
        uint32_t next = 0;
        if (pieces > 1) {
            memcpy(&next, rv_slots_read(pages, place, class_sizes[size_class]), sizeof next);
        }
        const rv_status status = rv_slots_free(pages, list_of(size_class), place);
        if (status != RV_OK) {
            return status;
        }
        place = next;
    }
    RV_ASSERT(place == 0 || pieces == 1);
    *cell = (rv_cell){0};
    return RV_OK;
}

rv_status rv_heap_set(rv_pages *pages, rv_cell *cell, rv_bytes value) {
    RV_ASSERT(value.len <= UINT32_MAX);
    const uint32_t len = (uint32_t)value.len;
    rv_cell made = {.len = len};
    rv_status status = RV_OK;
    if (len <= RV_CELL_INLINE) {
        if (len > 0) {
            memcpy(made.as.bytes, value.ptr, len);
        }
    } else if (len <= RV_HEAP_SLOT_MAX) {
        const bool has_slot = cell->len > RV_CELL_INLINE && rv_heap_is_run(cell);
        if (has_slot && class_of(cell->len) == class_of(len)) {
            const uint32_t size = class_sizes[class_of(len)];
            status = rv_pages_reserve(pages, size);
            if (status == RV_OK) {
                memmove(rv_slots_write(pages, cell->as.place, size), value.ptr, len);
                cell->len = len;
            }
            return status;
        }
        status = slot_make(pages, value, false, 0, &made.as.place);
    } else {
        status = chain_make(pages, value, &made.as.place);
    }
    if (status == RV_OK) {
        status = rv_heap_clear(pages, cell);
    }
    if (status == RV_OK) {
        *cell = made;
    }
    return status;
}

rv_bytes rv_heap_run(const rv_pages *pages, const rv_cell *cell) {
    RV_ASSERT(rv_heap_is_run(cell));
    if (cell->len <= RV_CELL_INLINE) {
        return (rv_bytes){cell->as.bytes, cell->len};
    }
    const uint32_t place = cell->as.place;
    const uint32_t size = rv_pages_head(pages, rv_slot_page(place))->slot_size;
    RV_ASSERT(size >= cell->len);
    return (rv_bytes){rv_slots_read(pages, place, size), cell->len};
}

rv_bytes rv_heap_piece(const rv_pages *pages, uint32_t *place, uint32_t *left) {
    RV_ASSERT(*left > 0);
    const uint32_t size = rv_pages_head(pages, rv_slot_page(*place))->slot_size;
    const uint8_t *const slot = rv_slots_read(pages, *place, size);
    const uint32_t len = *left < RV_HEAP_PIECE ? *left : RV_HEAP_PIECE;
    RV_ASSERT(len + sizeof(uint32_t) <= size);
    memcpy(place, slot, sizeof(uint32_t));
    *left -= len;
    return (rv_bytes){slot + sizeof(uint32_t), len};
}

rv_status rv_heap_get(const rv_pages *pages, const rv_cell *cell, rv_arena *scratch,
                      rv_bytes *value) {
    if (rv_heap_is_run(cell)) {
        *value = rv_heap_run(pages, cell);
        return RV_OK;
    }
    uint8_t *const whole = rv_arena_take_raw(scratch, cell->len);
    if (whole == NULL) {
        return RV_MEMORY_EXHAUSTED;
    }
    uint32_t place = cell->as.place;
    uint32_t left = cell->len;
    while (left > 0) {
        const uint32_t done = cell->len - left;
        const rv_bytes piece = rv_heap_piece(pages, &place, &left);
        memcpy(whole + done, piece.ptr, piece.len);
    }
    RV_ASSERT(place == 0);
    *value = (rv_bytes){whole, cell->len};
    return RV_OK;
}

bool rv_heap_equals(const rv_pages *pages, const rv_cell *cell, rv_bytes value) {
    if (cell->len != value.len) {
        return false;
    }
    if (rv_heap_is_run(cell)) {
        return rv_bytes_equal(rv_heap_run(pages, cell), value);
    }
    uint32_t place = cell->as.place;
    uint32_t left = cell->len;
    size_t done = 0;
    bool equal = true;
    while (left > 0 && equal) {
        const rv_bytes piece = rv_heap_piece(pages, &place, &left);
        equal = memcmp(piece.ptr, value.ptr + done, piece.len) == 0;
        done += piece.len;
    }
    RV_ASSERT(!equal || done == value.len);
    return equal;
}
