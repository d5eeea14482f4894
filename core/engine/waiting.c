/* SPDX-License-Identifier: Apache-2.0 */
/* The index of an edge's outbox: see engine/waiting.h. */
#include "core/engine/waiting.h"

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/engine/internal.h"

#define LEDGER_BYTES 64u /* for each entry: a small event has two, and some 150 bytes */
#define ENTRIES_MIN  64u

rv_status rv_waiting_create(rv_waiting_index *waiting, size_t ledger_size, rv_arena *arena) {
    uint32_t cap = ENTRIES_MIN;
    while ((size_t)cap * 2 * LEDGER_BYTES <= ledger_size) { /* at most 32 turns */
        cap *= 2;
    }
    RV_ASSERT(waiting->entries == NULL);
    waiting->cap = cap;
    waiting->entries = rv_arena_take_raw(arena, cap * sizeof waiting->entries[0]);
    waiting->heads = rv_arena_take_raw(arena, cap / 2 * sizeof waiting->heads[0]);
    return waiting->entries == NULL || waiting->heads == NULL ? RV_MEMORY_EXHAUSTED : RV_OK;
}

/* --- hashes: keyed with the node's entropy; ids and paths apart --- */

static uint32_t hash_of_id(const rv_node *node, const uint8_t *id) {
    RV_ASSERT(id != NULL);
    return (uint32_t)rv_hash64(node->outbox.tag, rv_bytes_of(id, 16));
}

static uint32_t hash_of_path(const rv_node *node, rv_bytes path) {
    RV_ASSERT(path.len > 0);
    return (uint32_t)rv_hash64(~node->outbox.tag, path);
}

static uint32_t *head_of(const rv_waiting_index *w, uint32_t hash) {
    RV_ASSERT(w->cap >= ENTRIES_MIN && (w->cap & (w->cap - 1)) == 0);
    return &w->heads[hash & (w->cap / 2 - 1)];
}

/* --- adding --- */

/* Adds an entry, unless its batch has it. False: there is no room. */
static bool add(rv_waiting_index *w, uint32_t hash, uint64_t edge_sequence) {
    uint32_t *const head = head_of(w, hash);
    const uint32_t sequence = (uint32_t)edge_sequence;
    for (uint32_t at = *head; at != 0; at = w->entries[at - 1].next) {
        const rv_waiting_entry *const entry = &w->entries[at - 1];
        if (entry->sequence != sequence) { /* the batch's own come first */
            break;
        }
        if (entry->hash == hash) {
            return true;
        }
    }
    if (w->count == w->cap) {
        return false;
    }
    w->entries[w->count] = (rv_waiting_entry){hash, sequence, *head};
    w->count += 1;
    *head = w->count;
    RV_ASSERT(w->count <= w->cap);
    return true;
}

static bool add_batch(rv_node *node, uint64_t edge_sequence, const rv_pending *batch, bool paths) {
    rv_waiting_index *const w = &node->outbox.waiting;
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    bool room = true;
    RV_ASSERT(batch->count > 0);
    while (room && rv_pending_event_next(batch, &cursor, &event)) {
        room = add(w, hash_of_id(node, event.event_id), edge_sequence);
        if (room && paths && !event.blind) {
            room = add(w, hash_of_path(node, event.path), edge_sequence);
        }
    }
    return room;
}

/* Batches that are to have entries. */
static uint32_t batches(const rv_node *node) {
    return node->outbox.pending + node->outbox.rejections;
}

void rv_waiting_make(rv_node *node) {
    rv_waiting_index *const w = &node->outbox.waiting;
    const rv_bytes none = {NULL, 0};
    bool room = true;
    RV_ASSERT(w->heads != NULL);
    memset(w->heads, 0, w->cap / 2 * sizeof w->heads[0]);
    w->count = 0;
    w->partial = 0;
    uint32_t first = rv_ledger_seek(&node->ledger, RV_LEDGER_REJECTION, none);
    for (uint32_t i = 0; i < node->outbox.rejections && room; i += 1) {
        const uint64_t sequence = rv_pending_key_read(rv_ledger_at(&node->ledger, first + i).key);
        rv_rejection rejection;
        room = !rv_waiting_rejection(node, sequence, &rejection) ||
               add_batch(node, sequence, &rejection.batch, false);
    }
    first = rv_ledger_seek(&node->ledger, RV_LEDGER_PENDING, none);
    for (uint32_t i = 0; i < node->outbox.pending && room; i += 1) {
        const uint64_t sequence = rv_pending_key_read(rv_ledger_at(&node->ledger, first + i).key);
        rv_pending pending;
        room = !rv_waiting_pending(node, sequence, &pending) ||
               add_batch(node, sequence, &pending, true);
    }
    if (!room || w->count > w->cap - w->cap / 8) {
        w->partial = batches(node);
    }
}

void rv_waiting_add(rv_node *node, uint64_t edge_sequence) {
    rv_waiting_index *const w = &node->outbox.waiting;
    rv_pending batch;
    const bool waits = rv_waiting_pending(node, edge_sequence, &batch);
    RV_ASSERT(waits && edge_sequence < node->outbox.next_sequence);
    const bool first = batches(node) == 1; /* others are gone, or there were none */
    const bool again = w->partial > 0 && batches(node) <= w->partial / 2;
    if (first || again) {
        rv_waiting_make(node);
    } else if (w->partial == 0 && !add_batch(node, edge_sequence, &batch, true)) {
        rv_waiting_make(node);
    }
}

/* --- looking --- */

static rv_waiting_walk begin(const rv_node *node, uint32_t hash, uint32_t all) {
    const rv_waiting_index *const w = &node->outbox.waiting;
    rv_waiting_walk walk = {.hash = hash};
    if (batches(node) > 0) {
        walk.at = w->partial > 0 ? all : *head_of(w, hash);
    }
    return walk;
}

rv_waiting_walk rv_waiting_by_id(const rv_node *node, const uint8_t *id) {
    return begin(node, hash_of_id(node, id), batches(node));
}

rv_waiting_walk rv_waiting_by_path(const rv_node *node, rv_bytes path) {
    return begin(node, hash_of_path(node, path), node->outbox.pending);
}

/* Everything: what waits first, from the newest on. */
static bool next_of_all(const rv_node *node, rv_waiting_walk *walk, uint64_t *edge_sequence) {
    const rv_bytes none = {NULL, 0};
    const uint32_t pending = node->outbox.pending;
    const bool refused = walk->at > pending;
    if (walk->at == 0) {
        return false;
    }
    /* the entries of what waits are numbered from 0, those of what was refused from there */
    const uint32_t first = rv_ledger_seek(
        &node->ledger, (uint8_t)(refused ? RV_LEDGER_REJECTION : RV_LEDGER_PENDING), none);
    const uint32_t index = walk->at - 1 - (refused ? pending : 0);
    *edge_sequence = rv_pending_key_read(rv_ledger_at(&node->ledger, first + index).key);
    walk->at -= 1;
    RV_ASSERT(*edge_sequence > 0);
    return true;
}

/* Those that the index has: all, unless it is partial; then the oldest, as there was room. */
static bool next_in_chain(const rv_node *node, rv_waiting_walk *walk, uint64_t *edge_sequence) {
    const rv_waiting_index *const w = &node->outbox.waiting;
    while (walk->at != 0) { /* each turn goes on along the chain */
        const rv_waiting_entry *const entry = &w->entries[walk->at - 1];
        const uint64_t next = node->outbox.next_sequence;
        const uint64_t sequence = next - (uint32_t)((uint32_t)next - entry->sequence);
        RV_ASSERT(walk->at <= w->count);
        walk->at = entry->next;
        if (entry->hash == walk->hash && sequence > 0 && sequence <= next) {
            *edge_sequence = sequence;
            return true;
        }
    }
    return false;
}

bool rv_waiting_next(const rv_node *node, rv_waiting_walk *walk, uint64_t *edge_sequence) {
    RV_ASSERT(edge_sequence != NULL);
    return node->outbox.waiting.partial > 0 ? next_of_all(node, walk, edge_sequence)
                                            : next_in_chain(node, walk, edge_sequence);
}

bool rv_waiting_pending(const rv_node *node, uint64_t edge_sequence, rv_pending *pending) {
    RV_ASSERT(edge_sequence > 0);
    return rv_node_pending(node, edge_sequence - 1, pending) &&
           pending->edge_sequence == edge_sequence;
}

bool rv_waiting_rejection(const rv_node *node, uint64_t edge_sequence, rv_rejection *rejection) {
    RV_ASSERT(edge_sequence > 0);
    return rv_outbox_rejection(node, edge_sequence - 1, rejection) &&
           rejection->batch.edge_sequence == edge_sequence;
}

bool rv_waiting_again(const rv_node *node, const rv_pending *batch) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event first, event;
    rv_pending other;
    uint64_t sequence = 0;
    bool again = false;
    const bool there = rv_pending_event_next(batch, &cursor, &first);
    RV_ASSERT(there && batch->edge_sequence > 0);
    const uint32_t hash = hash_of_id(node, first.event_id);
    rv_waiting_walk walk = {.hash = hash, .at = *head_of(&node->outbox.waiting, hash)};
    while (!again && next_in_chain(node, &walk, &sequence)) {
        again = sequence < batch->edge_sequence && rv_waiting_pending(node, sequence, &other) &&
                rv_outbox_batch_has(&other, first.event_id, &event);
    }
    return again;
}
