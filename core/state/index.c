/* SPDX-License-Identifier: Apache-2.0 */
/* The hash index: see index.h. */
#include "core/state/index.h"

#include "core/state/root.h"

/* Entries a bucket on average, in halves: 9 is 4.5 of 7, where few chains are longer than one. */
#define FILL_HALVES 9u

/* A bucket's place: a line, or a slot of the overflow list. */
static rv_at overflow_at(uint32_t place) {
    return (rv_at){rv_slot_page(place), rv_slot_offset(place, RV_LINE_SIZE)};
}

static const rv_bucket *bucket_read(const rv_pages *pages, rv_at at) {
    return (const rv_bucket *)(const void *)(rv_pages_read(pages, at.page) + at.offset);
}

static rv_bucket *bucket_write(rv_pages *pages, rv_at at) {
    return (rv_bucket *)(void *)rv_pages_write(pages, at.page, at.offset, sizeof(rv_bucket));
}

uint32_t rv_index_further(const rv_pages *pages, rv_index_probe *probe) {
    RV_ASSERT(probe->bucket != NULL && probe->matches == 0);
    for (uint32_t left = pages->total * RV_LINES_IN_PAGE; probe->matches == 0; left -= 1) {
        RV_ASSERT(left > 0);
        if (probe->bucket->overflow == 0) {
            return 0;
        }
        probe->bucket = bucket_read(pages, overflow_at(probe->bucket->overflow));
        probe->matches = rv_bucket_matches(probe->bucket, probe->hash);
    }
    return rv_index_next(pages, probe);
}

/* Puts an entry into the first bucket of the chain that has room, or into a new one at its end. */
static rv_status chain_put(rv_pages *pages, rv_at at, uint32_t hash, uint32_t place) {
    rv_status status = rv_pages_reserve(pages, 0);
    const rv_bucket *bucket = bucket_read(pages, at);
    for (uint32_t left = pages->total * RV_LINES_IN_PAGE;
         bucket->count == RV_BUCKET_ENTRIES && bucket->overflow != 0; left -= 1) {
        RV_ASSERT(left > 0);
        at = overflow_at(bucket->overflow);
        bucket = bucket_read(pages, at);
    }
    if (status == RV_OK && bucket->count == RV_BUCKET_ENTRIES) {
        uint32_t next;
        status = rv_slots_alloc(pages, RV_ROOT_AT(overflow), &next);
        if (status == RV_OK) {
            status = rv_pages_reserve(pages, 0);
        }
        if (status == RV_OK) {
            bucket_write(pages, at)->overflow = next;
            at = overflow_at(next);
            memset(rv_pages_write_new(pages, at.page, at.offset), 0, sizeof(rv_bucket));
        }
    }
    if (status != RV_OK) {
        return status;
    }
    rv_bucket *const changed = bucket_write(pages, at);
    RV_ASSERT(changed->count < RV_BUCKET_ENTRIES);
    changed->hashes[changed->count] = hash;
    changed->places[changed->count] = place;
    changed->count += 1;
    return RV_OK;
}

/* Moves out of one bucket of the chain what belongs to bucket `number`, which is at `to`. */
static rv_status bucket_share(rv_pages *pages, rv_at at, uint32_t number, uint32_t count,
                              rv_at to) {
    rv_bucket *const bucket = bucket_write(pages, at);
    uint32_t kept = 0;
    rv_status status = RV_OK;
    for (uint32_t i = 0; i < bucket->count; i += 1) {
        const uint32_t hash = bucket->hashes[i];
        const uint32_t place = bucket->places[i];
        if (status == RV_OK && rv_index_bucket_number(hash, count) == number) {
            status = chain_put(pages, to, hash, place);
            if (status == RV_OK) {
                continue;
            }
        }
        bucket->hashes[kept] = hash;
        bucket->places[kept] = place;
        kept += 1;
    }
    RV_ASSERT(kept <= bucket->count);
    bucket->count = kept;
    return status;
}

/* Takes empty overflow buckets out of the chain. */
static rv_status chain_trim(rv_pages *pages, rv_at at) {
    const rv_bucket *bucket = bucket_read(pages, at);
    for (uint32_t left = pages->total * RV_LINES_IN_PAGE; bucket->overflow != 0; left -= 1) {
        RV_ASSERT(left > 0);
        const uint32_t next_place = bucket->overflow;
        const rv_bucket *const next = bucket_read(pages, overflow_at(next_place));
        if (next->count > 0) {
            at = overflow_at(next_place);
            bucket = next;
            continue;
        }
        const uint32_t after = next->overflow;
        const rv_status status = rv_pages_reserve(pages, RV_JOURNAL_STEP);
        if (status != RV_OK) {
            return status;
        }
        bucket_write(pages, at)->overflow = after;
        const rv_status freed = rv_slots_free(pages, RV_ROOT_AT(overflow), next_place);
        RV_ASSERT(freed == RV_OK);
    }
    return RV_OK;
}

/* Adds a bucket and gives it its share. */
static rv_status index_grow(rv_pages *pages, rv_at at) {
    const rv_at lines = {at.page, at.offset + (uint32_t)offsetof(rv_index, buckets)};
    rv_at to;
    rv_status status = rv_lines_add(pages, lines, &to);
    if (status != RV_OK) {
        return status;
    }
    const rv_index *const index = rv_index_of(pages, at);
    const uint32_t count = index->buckets.count;
    const uint32_t number = count - 1;
    if (number == 0) {
        return RV_OK;
    }
    const uint32_t high = 31u - (uint32_t)__builtin_clz(number);
    const rv_at from = rv_lines_at(pages, &index->buckets, number - (UINT32_C(1) << high));
    rv_at link = from;
    for (uint32_t left = pages->total * RV_LINES_IN_PAGE;; left -= 1) {
        RV_ASSERT(left > 0);
        status = rv_pages_reserve(pages, 0);
        if (status == RV_OK) {
            status = bucket_share(pages, link, number, count, to);
        }
        if (status != RV_OK) {
            return status;
        }
        const uint32_t next = bucket_read(pages, link)->overflow;
        if (next == 0) {
            return chain_trim(pages, from);
        }
        link = overflow_at(next);
    }
}

rv_status rv_index_insert(rv_pages *pages, rv_at at, uint32_t hash, uint32_t place) {
    RV_ASSERT(place != 0);
    const rv_index *const index = rv_index_of(pages, at);
    if (2u * (uint64_t)index->count >= FILL_HALVES * (uint64_t)index->buckets.count) {
        const rv_status status = index_grow(pages, at);
        if (status != RV_OK) {
            return status;
        }
    }
    const uint32_t number = rv_index_bucket_number(hash, index->buckets.count);
    const rv_status status =
        chain_put(pages, rv_lines_at(pages, &index->buckets, number), hash, place);
    if (status != RV_OK) {
        return status;
    }
    rv_index *const changed =
        (rv_index *)(void *)rv_pages_write(pages, at.page, at.offset, sizeof(uint32_t));
    changed->count += 1;
    RV_ASSERT(changed->count > 0);
    return RV_OK;
}

rv_status rv_index_remove(rv_pages *pages, rv_at at, uint32_t hash, uint32_t place) {
    const rv_index *const index = rv_index_of(pages, at);
    RV_ASSERT(index->count > 0);
    const rv_status status = rv_pages_reserve(pages, 2 * RV_JOURNAL_STEP);
    if (status != RV_OK) {
        return status;
    }
    const uint32_t number = rv_index_bucket_number(hash, index->buckets.count);
    const rv_at from = rv_lines_at(pages, &index->buckets, number);
    rv_at link = from;
    for (uint32_t left = pages->total * RV_LINES_IN_PAGE;; left -= 1) {
        RV_ASSERT(left > 0);
        const rv_bucket *const bucket = bucket_read(pages, link);
        for (uint32_t i = 0; i < bucket->count; i += 1) {
            if (bucket->hashes[i] != hash || bucket->places[i] != place) {
                continue;
            }
            rv_bucket *const changed = bucket_write(pages, link);
            changed->count -= 1;
            changed->hashes[i] = changed->hashes[changed->count];
            changed->places[i] = changed->places[changed->count];
            memcpy(rv_pages_write(pages, at.page, at.offset, sizeof(uint32_t)),
                   &(uint32_t){index->count - 1}, sizeof(uint32_t));
            return changed->count == 0 ? chain_trim(pages, from) : RV_OK;
        }
        link = overflow_at(bucket->overflow);
        RV_ASSERT(link.page != 0);
    }
}
