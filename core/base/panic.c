/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/panic.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

static const uint8_t magic[4] = {'R', 'V', 'P', 'C'};

void rv_panic_encode(const rv_panic *panic, uint8_t *bytes) {
    RV_ASSERT(panic != NULL && bytes != NULL);
    memcpy(bytes + 4, magic, sizeof magic);
    rv_store_u64(bytes + 8, panic->position);
    rv_store_u64(bytes + 16, panic->place);
    rv_store_u64(bytes + 24, (uint64_t)panic->time);
    rv_store_u32(bytes, rv_crc32c(0, rv_bytes_of(bytes + 4, RV_PANIC_SIZE - 4)));
}

bool rv_panic_decode(const uint8_t *bytes, rv_panic *panic) {
    RV_ASSERT(panic != NULL && bytes != NULL);
    if (memcmp(bytes + 4, magic, sizeof magic) != 0 ||
        rv_load_u32(bytes) != rv_crc32c(0, rv_bytes_of(bytes + 4, RV_PANIC_SIZE - 4))) {
        return false;
    }
    *panic = (rv_panic){.position = rv_load_u64(bytes + 8),
                        .place = rv_load_u64(bytes + 16),
                        .time = (int64_t)rv_load_u64(bytes + 24)};
    return true;
}
