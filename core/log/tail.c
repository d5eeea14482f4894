/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tail's index: see tail.h. A chain of ids goes from the newest to the oldest, and the oldest
 * of all is the first to go, so it is always the last of its chain; cutting takes from the front.
 */
#include "core/log/tail.h"

#include "core/base/assert.h"
#include "core/base/hash.h"

#define ID_COUNT_FROM (UINT64_C(1) << 32) /* so that older ones can be put in front */

bool rv_tail_create(rv_tail *tail, uint32_t cap, rv_arena *arena) {
    RV_ASSERT(cap >= 2 && (cap & (cap - 1)) == 0);
    RV_ASSERT(arena != NULL);
    *tail = (rv_tail){
        .cap = cap, .base = 1, .next = 1, .id_first = ID_COUNT_FROM, .id_next = ID_COUNT_FROM};
    tail->streams = rv_arena_take_raw(arena, cap * sizeof *tail->streams);
    tail->versions = rv_arena_take_raw(arena, cap * sizeof *tail->versions);
    tail->ids = rv_arena_take_raw(arena, cap * sizeof *tail->ids);
    tail->heads = rv_arena_take_raw(arena, cap * sizeof *tail->heads);
    return tail->streams != NULL && tail->versions != NULL && tail->ids != NULL &&
           tail->heads != NULL;
}

/* --- ids --- */

static uint32_t head_of(const rv_tail *tail, const uint8_t *id) {
    RV_ASSERT(tail->cap > 0);
    return (uint32_t)rv_hash64(tail->seed, rv_bytes_of(id, 16)) & (tail->cap - 1);
}

/* The oldest id goes. Its chain is walked: short, as there are as many heads as ids. */
static void id_drop_oldest(rv_tail *tail) {
    RV_ASSERT(tail->id_first < tail->id_next);
    const uint32_t oldest = rv_tail_at(tail, tail->id_first);
    uint32_t *link = &tail->heads[tail->ids[oldest].head];
    while (*link != oldest) { /* it is in its chain */
        RV_ASSERT(*link != RV_TAIL_NONE);
        link = &tail->ids[*link].chained;
    }
    *link = RV_TAIL_NONE;
    tail->id_first += 1;
}

static void id_drop_newest(rv_tail *tail) {
    RV_ASSERT(tail->id_first < tail->id_next);
    const uint32_t newest = rv_tail_at(tail, tail->id_next - 1);
    rv_tail_id *const entry = &tail->ids[newest];
    RV_ASSERT(tail->heads[entry->head] == newest);
    tail->heads[entry->head] = entry->chained;
    tail->id_next -= 1;
}

/* A node to which nobody brings ids never touches the memory of the heads. */
static void hash_begin(rv_tail *tail) {
    RV_ASSERT(tail->heads != NULL);
    if (!tail->hashed) {
        memset(tail->heads, 0xff, tail->cap * sizeof *tail->heads); /* RV_TAIL_NONE */
        tail->hashed = true;
    }
}

static void id_add(rv_tail *tail, const rv_tail_event *event) {
    hash_begin(tail);
    if (tail->id_next - tail->id_first == tail->cap) {
        id_drop_oldest(tail);
    }
    const uint32_t at = rv_tail_at(tail, tail->id_next);
    rv_tail_id *const entry = &tail->ids[at];
    entry->sequence = event->sequence;
    memcpy(entry->id, event->foreign_id, sizeof entry->id);
    entry->head = head_of(tail, event->foreign_id);
    entry->chained = tail->heads[entry->head];
    tail->heads[entry->head] = at;
    tail->id_next += 1;
    RV_ASSERT(entry->chained != at);
}

bool rv_tail_find_id(const rv_tail *tail, const uint8_t *id, uint64_t *sequence) {
    if (tail->id_first == tail->id_next) {
        return false;
    }
    uint32_t at = tail->heads[head_of(tail, id)];
    while (at != RV_TAIL_NONE) { /* a chain goes from the newest to the oldest */
        RV_ASSERT(at < tail->cap);
        if (tail->ids[at].sequence > 0 && memcmp(tail->ids[at].id, id, 16) == 0) {
            *sequence = tail->ids[at].sequence;
            return true;
        }
        at = tail->ids[at].chained;
    }
    return false;
}

void rv_tail_lose(rv_tail *tail, uint64_t sequence, const uint8_t *foreign_id) {
    RV_ASSERT(sequence > 0);
    if (sequence >= tail->base && sequence < tail->next) {
        tail->streams[rv_tail_at(tail, sequence)] = RV_TAIL_NONE;
    }
    uint32_t at = foreign_id != NULL && tail->id_first < tail->id_next
                      ? tail->heads[head_of(tail, foreign_id)]
                      : RV_TAIL_NONE;
    while (at != RV_TAIL_NONE) {
        RV_ASSERT(at < tail->cap);
        if (tail->ids[at].sequence == sequence) {
            tail->ids[at].sequence = 0;
        }
        at = tail->ids[at].chained;
    }
}

/* --- events --- */

void rv_tail_reset(rv_tail *tail, uint64_t next) {
    RV_ASSERT(next > 0);
    tail->hashed = false;
    tail->id_first = tail->id_next;
    tail->base = next;
    tail->next = next;
    RV_ASSERT(rv_tail_count(tail) == 0);
}

void rv_tail_add(rv_tail *tail, const rv_tail_event *event) {
    RV_ASSERT(event->sequence > 0 && event->version > 0);
    if (event->sequence != tail->next) {
        rv_tail_reset(tail, event->sequence);
    }
    const uint32_t at = rv_tail_at(tail, event->sequence);
    tail->streams[at] = event->stream;
    tail->versions[at] = event->version;
    tail->next += 1;
    tail->base += tail->next - tail->base > tail->cap; /* the oldest has just been overwritten */
    if (event->foreign_id != NULL) {
        id_add(tail, event);
    }
    RV_ASSERT(rv_tail_count(tail) <= tail->cap);
}

void rv_tail_cut(rv_tail *tail, uint64_t next) {
    RV_ASSERT(next > 0);
    if (next >= tail->next) {
        return;
    }
    if (next <= tail->base) {
        rv_tail_reset(tail, next);
        return;
    }
    while (tail->id_first < tail->id_next &&
           tail->ids[rv_tail_at(tail, tail->id_next - 1)].sequence >= next) {
        id_drop_newest(tail);
    }
    tail->next = next;
    RV_ASSERT(tail->base < tail->next);
}

bool rv_tail_find(const rv_tail *tail, const rv_tail_range *range, uint32_t stream,
                  uint64_t version, uint64_t *sequence) {
    RV_ASSERT(range->from >= tail->base && range->end <= tail->next);
    for (uint64_t s = range->from; s < range->end; s += 1) { /* the capacity bounds it */
        const uint32_t at = rv_tail_at(tail, s);
        if (tail->streams[at] == stream && tail->versions[at] >= version) {
            *sequence = s;
            return true;
        }
    }
    return false;
}

/* The oldest id of all: it goes to the end of its chain. */
static void id_prepend(rv_tail *tail, uint64_t sequence, const uint8_t *id) {
    hash_begin(tail);
    RV_ASSERT(tail->id_next - tail->id_first < tail->cap && tail->id_first > 0);
    tail->id_first -= 1;
    const uint32_t at = rv_tail_at(tail, tail->id_first);
    rv_tail_id *const entry = &tail->ids[at];
    entry->sequence = sequence;
    memcpy(entry->id, id, sizeof entry->id);
    entry->head = head_of(tail, id);
    entry->chained = RV_TAIL_NONE;
    uint32_t *link = &tail->heads[entry->head];
    while (*link != RV_TAIL_NONE) { /* as above */
        RV_ASSERT(*link != at);
        link = &tail->ids[*link].chained;
    }
    *link = at;
}

bool rv_tail_prepend(rv_tail *tail, const rv_tail_older *older) {
    RV_ASSERT(older->count <= older->first + older->count);
    while (tail->id_first < tail->id_next &&
           tail->ids[rv_tail_at(tail, tail->id_first)].sequence < tail->base) {
        id_drop_oldest(
            tail); /* a batch that was taken back had moved the base; it is given again */
    }
    if (older->first + older->count != tail->base || older->first == 0 ||
        older->count > tail->cap - rv_tail_count(tail) ||
        older->id_count > tail->cap - (uint32_t)(tail->id_next - tail->id_first)) {
        return false;
    }
    for (uint32_t i = 0; i < older->count; i += 1) {
        const uint32_t at = rv_tail_at(tail, older->first + i);
        tail->streams[at] = older->streams[i];
        tail->versions[at] = older->versions[i];
    }
    for (uint32_t i = older->id_count; i > 0; i -= 1) {
        id_prepend(tail, older->first + older->id_at[i - 1], older->ids + (size_t)(i - 1) * 16);
    }
    tail->base = older->first;
    RV_ASSERT(rv_tail_count(tail) <= tail->cap);
    return true;
}
