/* SPDX-License-Identifier: Apache-2.0 */
/* The open-addressed table of names: see the header. Invariant: count <= capacity <= slots / 2. */
#include "core/model/schema_names.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

bool rv_schema_names_create(rv_schema_names *table, rv_arena *arena, uint16_t capacity) {
    RV_ASSERT(capacity > 0 && capacity <= 1u << 14);
    uint32_t slot_count = 2;
    while (slot_count < 2u * capacity) {
        slot_count *= 2;
    }
    *table = (rv_schema_names){.mask = slot_count - 1, .capacity = capacity};
    table->names = (rv_bytes *)rv_arena_take(arena, capacity * sizeof *table->names);
    table->slots = (uint16_t *)rv_arena_take(arena, slot_count * sizeof *table->slots);
    return table->names != NULL && table->slots != NULL;
}

/* The slot that holds the name, or the free one where it would go. */
static uint16_t *slot_of(const rv_schema_names *table, rv_bytes name) {
    RV_ASSERT(table->count <= table->mask / 2 + 1);
    uint32_t at = (uint32_t)rv_hash64(0, name) & table->mask;
    while (table->slots[at] != 0 && !rv_names_equal(table->names[table->slots[at] - 1], name)) {
        at = (at + 1) & table->mask; /* ends: at least half of the slots are free */
    }
    return &table->slots[at];
}

uint16_t rv_schema_names_find(const rv_schema_names *table, rv_bytes name) {
    RV_ASSERT(table->slots != NULL);
    const uint16_t slot = *slot_of(table, name);
    return slot == 0 ? UINT16_MAX : (uint16_t)(slot - 1);
}

uint16_t rv_schema_names_add(rv_schema_names *table, rv_bytes name) {
    RV_ASSERT(table->count < table->capacity);
    uint16_t *slot = slot_of(table, name);
    RV_ASSERT(*slot == 0);
    table->names[table->count] = name;
    *slot = ++table->count;
    return (uint16_t)(table->count - 1);
}

void rv_schema_names_cut(rv_schema_names *table, uint16_t count) {
    RV_ASSERT(count <= table->count);
    if (count == table->count) {
        return;
    }
    memset(table->slots, 0, (table->mask + 1) * sizeof *table->slots);
    table->count = 0;
    for (uint16_t i = 0; i < count; i++) {
        (void)rv_schema_names_add(table, table->names[i]);
    }
    RV_ASSERT(table->count == count);
}
