/* SPDX-License-Identifier: Apache-2.0 */
/* An index of interests: see interests.h. */
#include "core/live/interests.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

/* --- the table --- */

static rv_interest **bucket_of(const rv_interests *interests, uint64_t hash) {
    RV_ASSERT(interests->bucket_count > 0);
    return &interests->buckets[(hash ^ hash >> 32) & (interests->bucket_count - 1)];
}

rv_status rv_interests_create(rv_interests *interests, uint32_t count, uint64_t key,
                              rv_arena *arena) {
    uint32_t buckets = 64;
    RV_ASSERT(count <= UINT32_MAX / 2);
    while (buckets < count) {
        buckets *= 2;
    }
    *interests = (rv_interests){.key = key, .bucket_count = buckets};
    interests->buckets = rv_arena_take(arena, buckets * sizeof(rv_interest *));
    return interests->buckets == NULL ? RV_MEMORY_EXHAUSTED : RV_OK;
}

void rv_interests_add(rv_interests *interests, rv_interest *interest, uint64_t hash, void *owner) {
    rv_interest **const at = bucket_of(interests, hash);
    RV_ASSERT(owner != NULL);
    *interest = (rv_interest){.next = *at, .at = at, .hash = hash, .owner = owner};
    if (interest->next != NULL) {
        interest->next->at = &interest->next;
    }
    *at = interest;
    interests->count += 1;
}

void rv_interests_remove(rv_interests *interests, rv_interest *interest) {
    RV_ASSERT(interest->at != NULL && *interest->at == interest && interests->count > 0);
    *interest->at = interest->next;
    if (interest->next != NULL) {
        interest->next->at = interest->at;
    }
    interest->at = NULL;
    interests->count -= 1;
    if (interests->count == 0) {
        interests->lengths = 0;
    }
}

/* This one, or the next one behind it with the hash. */
static const rv_interest *with_hash(const rv_interest *one, uint64_t hash) {
    while (one != NULL && one->hash != hash) { /* as many as are in a bucket */
        one = one->next;
    }
    return one;
}

const rv_interest *rv_interests_first(const rv_interests *interests, uint64_t hash) {
    return with_hash(*bucket_of(interests, hash), hash);
}

const rv_interest *rv_interests_next(const rv_interest *interest) {
    RV_ASSERT(interest->at != NULL);
    return with_hash(interest->next, interest->hash);
}

/* --- events --- */

/* The hash of a beginning with its next segment is keyed with that of what is before it. */
uint64_t rv_interest_in_pattern(const rv_interests *interests, const rv_path_pattern *pattern) {
    uint64_t hash = interests->key;
    RV_ASSERT(pattern->segment_count <= RV_PATH_SEGMENTS_MAX);
    for (uint32_t i = 0; i < pattern->segment_count && pattern->segments[i].len > 0; i++) {
        hash = rv_hash64(hash, pattern->segments[i]);
    }
    return hash;
}

rv_interest_path rv_interest_path_of(const rv_interests *interests, rv_bytes path) {
    RV_ASSERT(path.len > 0 && path.ptr[0] == '/');
    return (rv_interest_path){.path = path, .hash = interests->key};
}

bool rv_interest_path_next(rv_interest_path *walk, uint64_t *hash) {
    const rv_bytes path = walk->path;
    if (walk->at > path.len) {
        return false;
    }
    size_t end = walk->at + 1; /* behind its `/` */
    while (end < path.len && path.ptr[end] != '/') {
        end += 1;
    }
    *hash = walk->hash;
    if (walk->at < path.len) {
        const size_t begin = walk->at + 1;
        walk->hash = rv_hash64(walk->hash, rv_bytes_of(path.ptr + begin, end - begin));
    }
    walk->at = end;
    return true;
}

/* --- rows --- */

/* What a hash is of. */
#define OF_ALL UINT64_C(0x100) /* beside what stands in the place of an index's number */

static uint64_t seed_of(uint16_t aggregate, uint64_t what, uint64_t len) {
    return UINT64_C(1) << 63 | len << 32 | what << 16 | aggregate;
}

uint64_t rv_interest_in_aggregate(const rv_interests *interests, uint16_t aggregate) {
    return rv_hash64_of_number(interests->key ^ seed_of(aggregate, OF_ALL, 0), aggregate);
}

static uint64_t hash_part(const rv_interests *interests, uint16_t aggregate, uint8_t index,
                          rv_bytes bytes) {
    return rv_hash64(interests->key ^ seed_of(aggregate, index, bytes.len), bytes);
}

/* What both ends of a part begin with; of a key, or a value, all of it. What is in the part begins
 * so, too, in as much as is noted of it. */
static rv_bytes beginning_of(const rv_reads_part *part) {
    size_t len = 0;
    if (part->index == RV_READS_KEY || part->index == RV_READS_VALUE) {
        return part->low;
    }
    while (len < part->low.len && len < part->high.len &&
           part->low.ptr[len] == part->high.ptr[len]) {
        len += 1;
    }
    return rv_bytes_of(part->low.ptr, len);
}

/* Puts one in for each whole aggregate, and for each part; `coarse`: for each aggregate of which
 * there are parts, once. How many there are, also of those that have no room. */
static uint32_t add_all(rv_interests *interests, const rv_reads *reads, bool coarse,
                        rv_interest *list, uint32_t cap, void *owner) {
    uint64_t done[RV_AGGREGATES_MAX / 64u];
    uint32_t count = 0;
    uint32_t at = 0;
    rv_reads_part part;
    memcpy(done, reads->whole, sizeof done);
    for (uint16_t a = 0; a < RV_AGGREGATES_MAX; a += 1) {
        a = reads->whole[a / 64u] == 0 ? (uint16_t)(a | 63u) : a; /* the next 64 */
        if (rv_reads_has_all(reads, a)) {
            if (count < cap) {
                rv_interests_add(interests, &list[count], rv_interest_in_aggregate(interests, a),
                                 owner);
            }
            count += 1;
        }
    }
    while (rv_reads_next(reads, &at, &part)) {
        uint64_t *const bits = &done[part.aggregate / 64u];
        const uint64_t bit = UINT64_C(1) << (part.aggregate % 64u);
        const rv_bytes begin = beginning_of(&part);
        if (coarse && (*bits & bit) != 0) {
            continue;
        }
        *bits |= bit;
        if (count < cap) {
            const bool of_index = part.index != RV_READS_KEY && part.index != RV_READS_VALUE;
            interests->lengths |= !coarse && of_index ? UINT64_C(1) << begin.len : 0;
            rv_interests_add(interests, &list[count],
                             coarse ? rv_interest_in_aggregate(interests, part.aggregate)
                                    : hash_part(interests, part.aggregate, part.index, begin),
                             owner);
        }
        count += 1;
    }
    return count;
}

uint32_t rv_interests_add_reads(rv_interests *interests, const rv_reads *reads, rv_interest *list,
                                uint32_t cap, void *owner) {
    uint32_t count = 0;
    for (int coarse = 0; coarse < 2; coarse += 1) {
        count = add_all(interests, reads, coarse == 1, list, cap, owner);
        if (count <= cap) {
            return count;
        }
        for (uint32_t i = 0; i < cap; i += 1) {
            rv_interests_remove(interests, &list[i]);
        }
    }
    RV_ASSERT(count > cap);
    return cap + 1;
}

enum { STAGE_ALL, STAGE_KEY, STAGE_PARTS };

rv_interest_row rv_interest_row_of(const rv_interests *interests, const rv_touched_row *row) {
    RV_ASSERT(row->aggregate < RV_AGGREGATES_MAX);
    return (rv_interest_row){.interests = interests, .row = row, .stage = STAGE_ALL};
}

/* The lengths, as bits, of what a key in an index is looked for by. */
static uint64_t lengths_up_to(const rv_interests *interests, size_t len) {
    RV_ASSERT(len < 63);
    return interests->lengths & ((UINT64_C(2) << len) - 1);
}

bool rv_interest_row_next(rv_interest_row *walk, uint64_t *hash) {
    const rv_touched_row *const row = walk->row;
    if (walk->stage == STAGE_ALL) {
        *hash = rv_interest_in_aggregate(walk->interests, row->aggregate);
        walk->stage = STAGE_KEY;
        return true;
    }
    if (walk->stage == STAGE_KEY) {
        *hash = hash_part(walk->interests, row->aggregate, RV_READS_KEY, row->key);
        walk->stage = STAGE_PARTS;
        return true;
    }
    while (walk->lengths == 0) { /* each turn takes a part */
        if (!rv_touched_row_next(row, &walk->at, &walk->index, &walk->key)) {
            return false;
        }
        if (walk->index == RV_READS_VALUE) {
            *hash = hash_part(walk->interests, row->aggregate, RV_READS_VALUE, walk->key);
            return true;
        }
        walk->lengths = lengths_up_to(walk->interests, walk->key.len);
    }
    const unsigned len = (unsigned)__builtin_ctzll(walk->lengths);
    walk->lengths &= walk->lengths - 1;
    *hash =
        hash_part(walk->interests, row->aggregate, walk->index, rv_bytes_of(walk->key.ptr, len));
    return true;
}
