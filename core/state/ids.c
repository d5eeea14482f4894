/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign event ids: see ids.h. */
#include "core/state/ids.h"

uint32_t rv_ids_hash(uint64_t hash_key, const uint8_t *id) {
    return (uint32_t)rv_hash64(hash_key, rv_bytes_of(id, RV_ID_SIZE));
}

static const rv_id_entry *entry_at(const rv_pages *pages, uint32_t place) {
    RV_ASSERT(place != RV_SLOT_NONE);
    const uint8_t *const slot = rv_slots_read(pages, place, sizeof(rv_id_entry));
    return (const rv_id_entry *)(const void *)slot;
}

bool rv_ids_find(const rv_pages *pages, uint64_t hash_key, const uint8_t *id, uint64_t *sequence) {
    rv_index_probe probe;
    const uint32_t hash = rv_ids_hash(hash_key, id);
    const rv_bucket *const bucket = rv_index_bucket(pages, &rv_root_of(pages)->id_index, hash);
    uint32_t place = rv_index_first(pages, bucket, hash, &probe);
    while (place != 0) {
        const rv_id_entry *const entry = entry_at(pages, place);
        if (memcmp(entry->id, id, RV_ID_SIZE) == 0) {
            *sequence = entry->sequence;
            return true;
        }
        place = rv_index_next(pages, &probe);
    }
    return false;
}

rv_status rv_ids_add(rv_pages *pages, uint64_t hash_key, const uint8_t *id, uint64_t sequence) {
    uint64_t there = 0;
    RV_VERIFY(!rv_ids_find(pages, hash_key, id, &there));
    (void)there;
    uint32_t place;
    rv_status status = rv_slots_alloc(pages, RV_ROOT_AT(ids), &place);
    if (status != RV_OK) {
        return status;
    }
    rv_id_entry *const entry =
        (rv_id_entry *)(void *)rv_slots_write_new(pages, place, sizeof(rv_id_entry));
    entry->sequence = sequence;
    memcpy(entry->id, id, RV_ID_SIZE);
    status = rv_index_insert(pages, RV_ROOT_AT(id_index), rv_ids_hash(hash_key, id), place);
    RV_ASSERT(status != RV_OK || rv_index_of(pages, RV_ROOT_AT(id_index))->count > 0);
    return status;
}
