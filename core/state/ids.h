/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign event ids (SEMANTICS 3): those that callers brought, with the sequence of their event.
 * Ids that nodes make are never here, as they derive from the event.
 */
#ifndef RV_STATE_IDS_H
#define RV_STATE_IDS_H

#include "core/state/root.h"

#define RV_ID_SIZE 16u

/* A slot: the sequence first, so that it is never taken for a free one's mark. */
typedef struct rv_id_entry {
    uint64_t sequence;
    uint8_t id[RV_ID_SIZE];
} rv_id_entry;

uint32_t rv_ids_hash(uint64_t hash_key, const uint8_t *id);

bool rv_ids_find(const rv_pages *pages, uint64_t hash_key, const uint8_t *id, uint64_t *sequence);

/* Adds an id that is not there yet. RV_STATE_FULL, RV_BATCH_TOO_LARGE: to be rolled back or
 * discarded. */
RV_MUST_USE rv_status rv_ids_add(rv_pages *pages, uint64_t hash_key, const uint8_t *id,
                                 uint64_t sequence);

#endif
