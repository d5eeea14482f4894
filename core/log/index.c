/* SPDX-License-Identifier: Apache-2.0 */
/* The sparse index: see index.h. */
#include "core/log/index.h"

#include "core/base/assert.h"

bool rv_index_create(rv_index *index, uint32_t cap, rv_arena *arena) {
    RV_ASSERT(cap >= 2);
    RV_ASSERT(arena != NULL);
    rv_index_entry *const entries = rv_arena_take_raw(arena, cap * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    *index = (rv_index){.entries = entries, .cap = cap, .spacing = RV_INDEX_SPACING_MIN};
    return true;
}

/* Drops every second entry; the first one stays. */
static void index_thin(rv_index *index) {
    RV_ASSERT(index->count == index->cap);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < index->count; i += 2) {
        index->entries[kept++] = index->entries[i];
    }
    RV_ASSERT(kept < index->cap);
    index->count = kept;
    index->spacing *= 2;
}

void rv_index_offer(rv_index *index, const rv_index_entry *batch, uint64_t size) {
    RV_ASSERT(batch->sequence > 0);
    const rv_index_entry *const last = index->count == 0 ? NULL : &index->entries[index->count - 1];
    RV_ASSERT(last == NULL || (last->sequence <= batch->sequence && last->before <= batch->before));
    if (last != NULL && index->bytes < index->spacing) {
        index->bytes += size;
        return;
    }
    if (index->count == index->cap) {
        index_thin(index);
    }
    index->entries[index->count++] = *batch;
    index->bytes = size;
}

void rv_index_drop(rv_index *index, rv_place place) {
    RV_ASSERT(index->count <= index->cap);
    RV_ASSERT(place.offset > 0);
    const rv_index_entry *const last = index->count == 0 ? NULL : &index->entries[index->count - 1];
    if (last != NULL && last->segment == place.segment && last->offset == place.offset) {
        index->count -= 1;
    }
}

void rv_index_cut(rv_index *index, rv_place place) {
    RV_ASSERT(index->count <= index->cap);
    while (index->count > 0) { /* there is one less each time */
        const rv_index_entry *const last = &index->entries[index->count - 1];
        if (last->segment < place.segment ||
            (last->segment == place.segment && last->offset < place.offset)) {
            break;
        }
        index->count -= 1;
    }
    index->bytes = index->spacing; /* the next batch becomes one */
}

void rv_index_forget(rv_index *index, uint32_t segment) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < index->count; i += 1) {
        if (index->entries[i].segment != segment) {
            index->entries[kept] = index->entries[i];
            kept += 1;
        }
    }
    index->count = kept;
    RV_ASSERT(index->count <= index->cap);
}

static rv_place place_of(const rv_index_entry *entry) {
    return (rv_place){entry->segment, entry->offset};
}

bool rv_index_by_sequence(const rv_index *index, uint64_t sequence, rv_place *place) {
    RV_ASSERT(sequence > 0);
    RV_ASSERT(index->count <= index->cap);
    uint32_t low = 0, high = index->count; /* entries below `low` begin at or before it */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (index->entries[middle].sequence <= sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return false;
    }
    *place = place_of(&index->entries[low - 1]);
    return true;
}

bool rv_index_by_watermark(const rv_index *index, uint64_t watermark, rv_place *place) {
    RV_ASSERT(watermark > 0);
    RV_ASSERT(index->count <= index->cap);
    uint32_t low = 0, high = index->count; /* before entries below `low` it was lower */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (index->entries[middle].before < watermark) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return false;
    }
    *place = place_of(&index->entries[low - 1]);
    return true;
}
