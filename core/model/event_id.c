/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids that a node makes: UUIDv7 (RFC 9562, 5.7) of which every bit follows from the event, so that
 * the log stores none of it.
 *
 *     bits   0-47   unix milliseconds of written_at
 *           48-51   7, the version
 *           52-63   tag, its high 12 bits
 *           64-65   binary 10, the variant
 *           66-87   tag, its low 22 bits
 *           88-127  number of the event at the node that made the id
 */
#include "core/base/assert.h"
#include "core/model/event.h"

#define NUMBER_BITS   40
#define TAG_LOW_BITS  22
#define TAG_HIGH_BITS (RV_NODE_TAG_BITS - TAG_LOW_BITS)
#define MS_MASK       ((UINT64_C(1) << 48) - 1)

/* Swapped whole, as every event that is replayed passes here: a loop over bytes stays one. */
static void store_big_endian(uint8_t *p, uint64_t v) {
    RV_ASSERT(p != NULL);
    rv_store_u64(p, __builtin_bswap64(v));
}

static uint64_t load_big_endian(const uint8_t *p) {
    RV_ASSERT(p != NULL);
    return __builtin_bswap64(rv_load_u64(p));
}

void rv_event_id_make(uint64_t tag, uint64_t number, int64_t written_at, uint8_t *id) {
    RV_STATIC_ASSERT(TAG_HIGH_BITS == 12, "rand_a of RFC 9562");
    RV_ASSERT((tag >> RV_NODE_TAG_BITS) == 0);
    RV_ASSERT(number <= RV_EVENT_NUMBER_MAX);
    const int64_t ms = written_at / 1000 - (written_at % 1000 < 0); /* towards the past */
    const uint64_t tag_low = tag & ((UINT64_C(1) << TAG_LOW_BITS) - 1);
    store_big_endian(id, (((uint64_t)ms & MS_MASK) << 16) | (UINT64_C(7) << 12) |
                             (tag >> TAG_LOW_BITS));
    store_big_endian(id + 8, (UINT64_C(2) << 62) | (tag_low << NUMBER_BITS) | number);
}

bool rv_event_id_parse(const uint8_t *id, uint64_t tag, uint64_t *number, int64_t *unix_ms) {
    RV_ASSERT(id != NULL && number != NULL && unix_ms != NULL);
    const uint64_t high = load_big_endian(id);
    const uint64_t low = load_big_endian(id + 8);
    const uint64_t met = ((high & 0xfff) << TAG_LOW_BITS) |
                         ((low >> NUMBER_BITS) & ((UINT64_C(1) << TAG_LOW_BITS) - 1));
    if (((high >> 12) & 15) != 7 || (low >> 62) != 2 || met != tag) {
        return false;
    }
    *number = low & RV_EVENT_NUMBER_MAX;
    *unix_ms = (int64_t)(high >> 16);
    return true;
}

void rv_event_seed(const uint8_t *event_id, uint64_t which, uint8_t *seed) {
    RV_ASSERT(event_id != NULL && seed != NULL);
    const rv_hash128 hash = rv_hash128_of(which, rv_bytes_of(event_id, 16));
    rv_store_u64(seed, hash.low);
    rv_store_u64(seed + 8, hash.high);
}
