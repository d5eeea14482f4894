/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash index: from 32 bits of a key's hash to places, several if need be. It does not know keys:
 * whoever looks up compares what lies at the places it offers, almost always exactly one. Hashes
 * are keyed with the node's entropy and never decide an order that can be seen.
 *
 * Linear hashing (Litwin 1980): with n buckets and 2^l <= n < 2^(l+1), a hash belongs to bucket
 * h mod 2^(l+1) if there is one, else to h mod 2^l. When entries outgrow the buckets, bucket n is
 * added and takes its share of bucket n - 2^l: one small step an insertion, no pause, no rehash. As
 * the hash is kept beside the place, a step reads no key.
 *
 * A bucket is one cache line with up to seven entries; more are in overflow buckets, chained. The
 * table does not shrink.
 */
#ifndef RV_STATE_INDEX_H
#define RV_STATE_INDEX_H

#include "core/state/lines.h"

#if defined(__SSE4_2__) && defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define RV_BUCKET_ENTRIES 7u

/* Of one insertion: buckets, directory, and two overflowing chains that share a page. */
#define RV_INDEX_PAGES_MAX 3u

/* One cache line, of an array of lines or (overflow) in a slot. */
typedef struct rv_bucket {
    uint32_t count;
    uint32_t overflow; /* place of the next in the chain; 0 is none */
    uint32_t hashes[RV_BUCKET_ENTRIES];
    uint32_t places[RV_BUCKET_ENTRIES];
} rv_bucket;

RV_STATIC_ASSERT(sizeof(rv_bucket) == RV_LINE_SIZE, "a bucket is a line");
RV_STATIC_ASSERT(offsetof(rv_bucket, hashes) + 32 <= RV_LINE_SIZE,
                 "two words of 16 bytes hold them");

/* Lies in a page; all zero but for lines.kind, it is empty. */
typedef struct rv_index {
    uint32_t count; /* entries */
    rv_lines buckets;
} rv_index;

static inline const rv_index *rv_index_of(const rv_pages *pages, rv_at at) {
    return (const rv_index *)(const void *)(rv_pages_read(pages, at.page) + at.offset);
}

/* A look-up under way; valid until the next change of the state. */
typedef struct rv_index_probe {
    const rv_bucket *bucket;
    uint32_t hash;
    uint32_t matches; /* entries of the bucket with this hash that were not offered yet, as bits */
} rv_index_probe;

/* The number of the bucket that a hash belongs to, of `count` (not 0). */
static inline uint32_t rv_index_bucket_number(uint32_t hash, uint32_t count) {
    RV_ASSERT(count > 0);
    const uint32_t high = 31u - (uint32_t)__builtin_clz(count);
    const uint32_t low_mask = (UINT32_C(1) << high) - 1u;
    const uint32_t wide = hash & (low_mask * 2u + 1u);
    return wide < count ? wide : hash & low_mask;
}

/* The bucket of a hash, not read yet; NULL when the index never had an entry. */
static inline const rv_bucket *rv_index_bucket(const rv_pages *pages, const rv_index *index,
                                               uint32_t hash) {
    const uint32_t count = index->buckets.count;
    if (count == 0) {
        return NULL;
    }
    const uint32_t number = rv_index_bucket_number(hash, count);
    return (const rv_bucket *)(const void *)rv_lines_read(pages, &index->buckets, number);
}

/* The entries of a bucket with a hash, as bits. All are compared, as a wrong guess of a branch
 * costs more. */
static inline uint32_t rv_bucket_matches(const rv_bucket *bucket, uint32_t hash) {
    RV_ASSERT(bucket->count <= RV_BUCKET_ENTRIES);
    uint32_t matches = 0;
#if defined(__SSE4_2__) && defined(__x86_64__)
    __m128i low;
    __m128i high; /* the fourth is no hash */
    const uint8_t *const hashes = (const uint8_t *)bucket + offsetof(rv_bucket, hashes);
    memcpy(&low, hashes, sizeof low);
    memcpy(&high, hashes + sizeof low, sizeof high);
    const __m128i wanted = _mm_set1_epi32((int32_t)hash);
    low = _mm_cmpeq_epi32(low, wanted);
    high = _mm_cmpeq_epi32(high, wanted);
    const __m128i bytes = _mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128());
    matches = (uint32_t)_mm_movemask_epi8(bytes);
#else
#pragma GCC unroll 7
    for (uint32_t i = 0; i < RV_BUCKET_ENTRIES; i += 1) {
        matches |= (uint32_t)(bucket->hashes[i] == hash) << i;
    }
#endif
    return matches & ((UINT32_C(1) << bucket->count) - 1u);
}

/* The first match further down the chain. */
uint32_t rv_index_further(const rv_pages *pages, rv_index_probe *probe);

/* The places of a hash, one after the other; 0 when there are no more. */
static inline uint32_t rv_index_next(const rv_pages *pages, rv_index_probe *probe) {
    RV_ASSERT(probe->matches < (UINT32_C(1) << RV_BUCKET_ENTRIES));
    if (probe->matches == 0) {
        return rv_index_further(pages, probe);
    }
    const uint32_t i = (uint32_t)__builtin_ctz(probe->matches);
    probe->matches &= probe->matches - 1u;
    return probe->bucket->places[i];
}

/* Begins with them. `bucket` is the hash's, or NULL. */
static inline uint32_t rv_index_first(const rv_pages *pages, const rv_bucket *bucket, uint32_t hash,
                                      rv_index_probe *probe) {
    if (bucket == NULL) {
        return 0;
    }
    *probe = (rv_index_probe){bucket, hash, rv_bucket_matches(bucket, hash)};
    return rv_index_next(pages, probe);
}

/* Adds an entry. RV_STATE_FULL, RV_BATCH_TOO_LARGE: the index is to be rolled back or discarded, as
 * a bucket may be half divided. It never takes more than RV_INDEX_PAGES_MAX pages. */
RV_MUST_USE rv_status rv_index_insert(rv_pages *pages, rv_at at, uint32_t hash, uint32_t place);

/* Removes an entry that is there. RV_BATCH_TOO_LARGE: nothing has changed. */
RV_MUST_USE rv_status rv_index_remove(rv_pages *pages, rv_at at, uint32_t hash, uint32_t place);

#endif
