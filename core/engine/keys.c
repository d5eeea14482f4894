/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/keys.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

#define VALUE_LEN (8u + 8 + 4 + 8) /* last, next, incarnation, edge sequence */
#define REFILL    4u               /* a new block is wanted when less than this part is left */

/* --- blocks --- */

/* The block at an index; false: it is not one of this aggregate. What is not what this version
 * writes has no keys left. */
static bool block_at(const rv_node *node, uint32_t index, uint16_t aggregate, rv_key_block *block) {
    if (index >= rv_ledger_count(&node->ledger)) {
        return false;
    }
    const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
    if (entry.kind != RV_LEDGER_KEYS || !rv_lease_key_read(entry.key, aggregate, &block->first)) {
        return false;
    }
    rv_cursor c = rv_cursor_over(entry.value);
    block->aggregate = aggregate;
    block->last = rv_read_u64(&c);
    block->next = rv_read_u64(&c);
    block->incarnation = rv_read_u32(&c);
    block->closed = rv_read_u64(&c);
    if (!rv_cursor_done(&c) || block->first == 0 || block->last > INT64_MAX ||
        block->last < block->first || block->next < block->first || block->next > block->last + 1) {
        *block = (rv_key_block){.aggregate = aggregate, .first = block->first};
        block->last = block->first;
        block->next = block->first + 1;
    }
    RV_ASSERT(block->last >= block->first || block->first == 0);
    return true;
}

/* Index of the first block of the aggregate. */
static uint32_t seek(const rv_node *node, uint16_t aggregate) {
    uint8_t key[RV_LEASE_KEY];
    const uint32_t index =
        rv_ledger_seek(&node->ledger, RV_LEDGER_KEYS, rv_lease_key(key, aggregate, 0));
    RV_ASSERT(index <= rv_ledger_count(&node->ledger));
    return index;
}

static bool is_valid(const rv_node *node, const rv_key_block *block) {
    return block->incarnation != 0 && block->incarnation == node->outbox.incarnation;
}

static rv_status write_block(const rv_node *node, const rv_key_block *block,
                             rv_ledger_changes *changes) {
    uint8_t key[RV_LEASE_KEY];
    uint8_t bytes[VALUE_LEN];
    rv_writer value = rv_writer_over(bytes, sizeof bytes);
    rv_write_u64(&value, block->last);
    rv_write_u64(&value, block->next);
    rv_write_u32(&value, block->incarnation);
    rv_write_u64(&value, block->closed);
    RV_ASSERT(!value.full && value.len == VALUE_LEN);
    const rv_ledger_entry entry = {
        RV_LEDGER_KEYS, rv_lease_key(key, block->aggregate, block->first), rv_writer_bytes(&value)};
    return rv_ledger_put(&node->ledger, changes, &entry);
}

/* --- asking --- */

/* What is there of an aggregate. */
typedef struct rv_keys_sum {
    rv_key_block newest; /* first 0: none */
    uint64_t left;
    uint32_t unspent;
    uint64_t done; /* first key of the oldest that is not done with */
} rv_keys_sum;

/* Nothing that waits can have a key of it. */
static bool is_done(const rv_node *node, const rv_key_block *block) {
    rv_pending first;
    RV_ASSERT(block->next >= block->first);
    return block->next > block->last &&
           (!rv_node_pending(node, 0, &first) || first.edge_sequence > block->closed);
}

static rv_keys_sum sum_up(const rv_node *node, uint16_t aggregate) {
    rv_keys_sum sum = {.left = 0};
    rv_key_block block;
    for (uint32_t i = seek(node, aggregate); block_at(node, i, aggregate, &block); i++) {
        if (!is_valid(node, &block)) {
            continue;
        }
        sum.newest = block; /* they rise */
        sum.left += block.last + 1 - block.next;
        sum.unspent += block.next <= block.last;
        if (sum.done == 0 && !is_done(node, &block)) {
            sum.done = block.first;
        }
    }
    sum.done = sum.done == 0 ? sum.newest.first : sum.done;
    RV_ASSERT(sum.done <= sum.newest.first);
    return sum;
}

static bool is_set(const uint64_t *bits, uint16_t aggregate) {
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    return (bits[aggregate / 64u] >> (aggregate % 64u) & 1) != 0;
}

static bool is_wanted(const rv_node *node, uint16_t aggregate) {
    const rv_outbox *const o = &node->outbox;
    return is_set(o->creates, aggregate) || is_set(o->wanted, aggregate);
}

bool rv_node_keys_wish(rv_node *node, uint16_t from, rv_keys_wish *wish) {
    RV_ASSERT(wish != NULL);
    if (!rv_node_keys_ready(node) || rv_schema_version(node->schema) == 0) {
        return false;
    }
    rv_outbox_measure(node);
    for (uint16_t a = from; a < rv_schema_aggregate_count(node->schema); a++) {
        if (!is_wanted(node, a)) {
            continue;
        }
        const rv_keys_sum sum = sum_up(node, a);
        const uint64_t size = sum.newest.first == 0 ? 0 : sum.newest.last - sum.newest.first + 1;
        if (sum.left == 0 || is_set(node->outbox.starved, a) ||
            (sum.unspent < 2 && sum.left < size / REFILL)) {
            const uint64_t most = 2 * size < RV_LEASE_KEYS_MAX ? 2 * size : RV_LEASE_KEYS_MAX;
            *wish = (rv_keys_wish){.aggregate = a,
                                   .incarnation = node->outbox.incarnation,
                                   .known = sum.newest.first,
                                   .done = sum.done,
                                   .count = most < RV_LEASE_KEYS_MIN ? RV_LEASE_KEYS_MIN : most};
            return true;
        }
    }
    return false;
}

bool rv_node_keys_ready(const rv_node *node) {
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    return node->outbox.incarnation > 0 &&
           rv_log_batches_durable(node->log) >= node->outbox.self_batch;
}

uint64_t rv_node_keys_revision(const rv_node *node) {
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    return node->outbox.keys_revision + rv_schema_version(node->schema);
}

bool rv_node_keys_unprepared(const rv_node *node) {
    bool wanted = false;
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    for (size_t i = 0; i < RV_AGGREGATES_MAX / 64; i++) {
        wanted = wanted || node->outbox.wanted[i] != 0;
    }
    return wanted && node->outbox.incarnation == 0;
}

uint16_t rv_node_keys_missed(const rv_node *node) {
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    return node->outbox.keys_missed;
}

uint64_t rv_node_keys_blocks(const rv_node *node) {
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    return node->outbox.keys_blocks;
}

uint64_t rv_node_keys_left(const rv_node *node, uint16_t aggregate) {
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    return sum_up(node, aggregate).left;
}

uint32_t rv_node_keys_held(const rv_node *node, uint16_t aggregate,
                           rv_key_block blocks[RV_LEASES_HELD_MAX]) {
    rv_key_block block;
    uint32_t count = 0;
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    for (uint32_t i = seek(node, aggregate);
         count < RV_LEASES_HELD_MAX && block_at(node, i, aggregate, &block); i++) {
        if (is_valid(node, &block) && block.next <= block.last) {
            blocks[count] = block;
            count += 1;
        }
    }
    RV_ASSERT(count <= RV_LEASES_HELD_MAX);
    return count;
}

rv_keys_facts rv_node_keys_facts(const rv_node *node) {
    rv_keys_facts facts = {.blocks = 0};
    rv_key_block block;
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    for (uint32_t i = seek(node, 0); i < rv_ledger_count(&node->ledger); i++) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, i);
        if (entry.kind != RV_LEDGER_KEYS) {
            break;
        }
        const bool good =
            entry.key.len == RV_LEASE_KEY &&
            block_at(node, i, (uint16_t)(entry.key.ptr[0] << 8 | entry.key.ptr[1]), &block);
        if (good && is_valid(node, &block) && block.next <= block.last) {
            facts.blocks += 1;
            facts.left += block.last + 1 - block.next;
        }
    }
    RV_ASSERT(facts.blocks <= facts.left);
    return facts;
}

/* A batch of the log for changes of the ledger. */
static rv_status begin(rv_node *node, rv_writer *body, rv_error *err) {
    const rv_status status = rv_node_check_writable(node, err);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    if (!rv_log_has_identity(node->log)) {
        return rv_error_set(err, RV_NOT_CONNECTED, "this edge has not met its upstream yet");
    }
    if (node->receiving.active) {
        return rv_error_set(err, RV_BUSY, "a batch of the upstream is being received");
    }
    return rv_node_ledger_begin(node, body, err);
}

/* Ends it: RV_OK, or RV_OUTBOX_FULL when what waits has not kept its room. */
static rv_status end(rv_node *node, rv_writer *body, rv_ledger_changes *changes, rv_status status,
                     rv_error *err) {
    const int64_t used = (int64_t)rv_ledger_used(&node->ledger) + changes->cost;
    const int64_t reserve = (int64_t)RV_OUTBOX_RESERVE * node->outbox.pending;
    RV_ASSERT(used >= 0);
    if (status != RV_OK || used + reserve > (int64_t)node->ledger.cap) {
        rv_log_append_cancel(node->log);
        return rv_error_set(err, RV_OUTBOX_FULL, "what waits leaves no room for leased keys");
    }
    rv_node_ledger_commit(node, body, changes);
    node->outbox.keys_revision += 1;
    return RV_OK;
}

rv_status rv_node_keys_prepare(rv_node *node, rv_error *err) {
    rv_writer body;
    rv_outbox *const o = &node->outbox;
    if (o->incarnation > 0) {
        return RV_OK;
    }
    rv_status status = begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    uint32_t incarnation = 0;
    node->host.ops->entropy(node->host.ctx, (uint8_t *)&incarnation, sizeof incarnation);
    incarnation += incarnation == 0;
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = rv_outbox_write_self(node, &changes, incarnation, o->next_sequence);
    status = end(node, &body, &changes, status, err);
    if (status == RV_OK) {
        o->incarnation = incarnation;
        o->self_batch = rv_log_batches(node->log);
    }
    RV_ASSERT(status != RV_OK || o->incarnation > 0);
    return status;
}

/* Removes what is done with, and what another life had; not what has the key `first`. */
static rv_status sweep(const rv_node *node, const rv_keys_sum *sum, uint16_t aggregate,
                       uint64_t first, rv_ledger_changes *changes) {
    uint8_t key[RV_LEASE_KEY];
    rv_key_block block;
    rv_status status = RV_OK;
    RV_ASSERT(first > 0);
    for (uint32_t i = seek(node, aggregate);
         status == RV_OK && block_at(node, i, aggregate, &block); i++) {
        const bool goes = !is_valid(node, &block) || block.first < sum->done;
        if (goes && block.first != first) {
            status = rv_ledger_remove(&node->ledger, changes, RV_LEDGER_KEYS,
                                      rv_lease_key(key, aggregate, block.first));
        }
    }
    return status;
}

rv_status rv_node_keys_take(rv_node *node, const rv_keys_wish *wish, const rv_lease *lease,
                            rv_error *err) {
    rv_writer body;
    RV_ASSERT(lease->first > 0 && lease->count > 0 && lease->count <= RV_LEASE_KEYS_MAX);
    if (wish->incarnation != node->outbox.incarnation) {
        return RV_OK;
    }
    const rv_keys_sum sum = sum_up(node, wish->aggregate);
    if (sum.newest.first != 0 && lease->first <= sum.newest.last) {
        return rv_error_set(err, RV_PROTOCOL_ERROR,
                            "the upstream leased the keys from %u on a second time", lease->first);
    }
    rv_status status = begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    const rv_key_block block = {.aggregate = wish->aggregate,
                                .incarnation = wish->incarnation,
                                .first = lease->first,
                                .last = lease->first + lease->count - 1,
                                .next = lease->first};
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = sweep(node, &sum, wish->aggregate, lease->first, &changes);
    status = status == RV_OK ? write_block(node, &block, &changes) : status;
    status = end(node, &body, &changes, status, err);
    if (status == RV_OK) {
        node->outbox.starved[wish->aggregate / 64u] &= ~(UINT64_C(1) << (wish->aggregate % 64u));
        node->outbox.keys_blocks += 1;
    }
    return status;
}

/* --- assigning --- */

/* The block as the batch has left it so far. */
static rv_key_block *find(rv_keys *keys, const rv_key_block *block) {
    RV_ASSERT(keys->count <= RV_KEYS_BLOCKS_MAX);
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->blocks[i].aggregate == block->aggregate &&
            keys->blocks[i].first == block->first) {
            return &keys->blocks[i];
        }
    }
    return NULL;
}

/* The same, one of those that the batch takes keys of from now on. NULL: there are too many. */
static rv_key_block *use(rv_keys *keys, const rv_key_block *block, rv_error *err) {
    rv_key_block *found = find(keys, block);
    if (found == NULL && keys->count < RV_KEYS_BLOCKS_MAX) {
        found = &keys->blocks[keys->count];
        *found = *block;
        keys->count += 1;
    }
    if (found == NULL) {
        (void)rv_error_set(err, RV_BATCH_TOO_LARGE,
                           "a batch takes serial keys of at most %u leased blocks",
                           (uint64_t)RV_KEYS_BLOCKS_MAX);
    }
    RV_ASSERT(found == NULL || found->first == block->first);
    return found;
}

static rv_status no_keys(rv_node *node, uint16_t aggregate, rv_error *err) {
    rv_outbox *const o = &node->outbox;
    const rv_bytes *const name = &rv_schema_aggregate(node->schema, aggregate)->name;
    RV_ASSERT(aggregate < RV_AGGREGATES_MAX);
    o->wanted[aggregate / 64u] |= UINT64_C(1) << (aggregate % 64u);
    o->starved[aggregate / 64u] |= UINT64_C(1) << (aggregate % 64u);
    o->keys_missed = aggregate;
    o->keys_revision += 1;
    (void)rv_error_set(err, RV_NO_KEYS,
                       "this edge has no key left for a new row of `%b`; it gets some when it is "
                       "connected to its upstream: try again then, or give a key",
                       name);
    rv_error_fact_text(err, "aggregate", *name);
    return RV_NO_KEYS;
}

/* Passes keys whose rows exist: a copy of this directory has used them. */
static void pass_rows(const rv_node *node, rv_key_block *block) {
    RV_ASSERT(block->next <= block->last);
    for (; block->next <= block->last; block->next++) {
        const rv_value key = rv_value_int((int64_t)block->next);
        if (rv_state_row_find(node->state, block->aggregate, &key) == RV_ROW_NONE) {
            return;
        }
    }
}

rv_status rv_keys_assign(rv_node *node, rv_keys *keys, uint16_t aggregate, int64_t *key,
                         rv_error *err) {
    rv_key_block block;
    for (uint32_t i = seek(node, aggregate); block_at(node, i, aggregate, &block); i++) {
        const rv_key_block *const so_far = find(keys, &block);
        block = so_far != NULL ? *so_far : block;
        if (!is_valid(node, &block) || block.next > block.last) {
            continue;
        }
        rv_key_block *const used = use(keys, &block, err);
        if (used == NULL) {
            return RV_BATCH_TOO_LARGE;
        }
        pass_rows(node, used);
        if (used->next <= used->last) {
            *key = (int64_t)used->next;
            used->next += 1;
            RV_ASSERT(*key > 0);
            return RV_OK;
        }
    }
    return no_keys(node, aggregate, err);
}

rv_status rv_keys_note(const rv_node *node, rv_keys *keys, uint16_t aggregate, int64_t key,
                       rv_error *err) {
    rv_key_block block;
    RV_ASSERT(keys != NULL);
    for (uint32_t i = seek(node, aggregate); block_at(node, i, aggregate, &block); i++) {
        if (key < (int64_t)block.next || key > (int64_t)block.last || !is_valid(node, &block)) {
            continue;
        }
        rv_key_block *const used = use(keys, &block, err);
        if (used == NULL) {
            return RV_BATCH_TOO_LARGE;
        }
        used->next = used->next > (uint64_t)key ? used->next : (uint64_t)key + 1;
    }
    return RV_OK;
}

rv_status rv_keys_write(const rv_node *node, const rv_keys *keys, uint64_t edge_sequence,
                        rv_ledger_changes *changes) {
    rv_status status = RV_OK;
    RV_ASSERT(keys->count <= RV_KEYS_BLOCKS_MAX && edge_sequence > 0);
    for (uint32_t i = 0; i < keys->count && status == RV_OK; i++) {
        rv_key_block block = keys->blocks[i];
        block.closed = edge_sequence;
        status = write_block(node, &block, changes);
    }
    return status;
}
