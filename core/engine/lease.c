/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/lease.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

#define KEY_LEN   RV_LEASE_KEY
#define VALUE_LEN (16u + 4 + 8) /* edge id, incarnation, last key */
#define SHARE     4u            /* of the ledger, that leases may take */
#define PART      64u           /* of the keys that remain, in one block */

/* A block as the ledger has it. */
typedef struct rv_block {
    uint64_t first;
    uint64_t last;
    uint32_t incarnation;
    const uint8_t *edge_id;
} rv_block;

/* --- keys and values --- */

rv_bytes rv_lease_key(uint8_t *key, uint16_t aggregate, uint64_t first) {
    RV_ASSERT(key != NULL);
    key[0] = (uint8_t)(aggregate >> 8);
    key[1] = (uint8_t)aggregate;
    for (unsigned i = 0; i < 8; i++) {
        key[2 + i] = (uint8_t)(first >> (56 - 8 * i));
    }
    return rv_bytes_of(key, KEY_LEN);
}

bool rv_lease_key_read(rv_bytes key, uint16_t aggregate, uint64_t *first) {
    RV_ASSERT(first != NULL);
    *first = 0;
    if (key.len != KEY_LEN || key.ptr[0] != aggregate >> 8 || key.ptr[1] != (aggregate & 0xff)) {
        return false;
    }
    for (unsigned i = 0; i < 8; i++) {
        *first = *first << 8 | key.ptr[2 + i];
    }
    return true;
}

bool rv_lease_is_end(rv_bytes key) {
    uint8_t sum = 0;
    for (size_t i = 2; i < key.len; i++) {
        sum |= key.ptr[i];
    }
    RV_ASSERT(key.ptr != NULL);
    return key.len == KEY_LEN && sum == 0;
}

/* The block at an index; false: it is not one of this aggregate, or not readable. */
static bool block_at(const rv_node *node, uint32_t index, uint16_t aggregate, rv_block *block) {
    if (index >= rv_ledger_count(&node->ledger)) {
        return false;
    }
    const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
    if (entry.kind != RV_LEDGER_LEASE || entry.value.len != VALUE_LEN ||
        !rv_lease_key_read(entry.key, aggregate, &block->first)) {
        return false;
    }
    block->edge_id = entry.value.ptr;
    block->incarnation = rv_load_u32(entry.value.ptr + 16);
    block->last = rv_load_u64(entry.value.ptr + 20);
    RV_ASSERT(block->edge_id != NULL);
    return block->last >= block->first && block->last <= INT64_MAX;
}

/* Index of the first entry of the aggregate that is not before `first`. */
static uint32_t seek(const rv_node *node, uint16_t aggregate, uint64_t first) {
    uint8_t key[KEY_LEN];
    const uint32_t index =
        rv_ledger_seek(&node->ledger, RV_LEDGER_LEASE, rv_lease_key(key, aggregate, first));
    RV_ASSERT(index <= rv_ledger_count(&node->ledger));
    return index;
}

/* The last key that was ever leased; 0: none. */
static uint64_t leased_to(const rv_node *node, uint16_t aggregate) {
    uint8_t key[KEY_LEN];
    rv_bytes value;
    if (!rv_ledger_get(&node->ledger, RV_LEDGER_LEASE, rv_lease_key(key, aggregate, 0), &value) ||
        value.len != 8) {
        return 0;
    }
    const uint64_t last = rv_load_u64(value.ptr);
    RV_ASSERT(value.ptr != NULL);
    return last <= INT64_MAX ? last : INT64_MAX;
}

/* --- the root's own keys --- */

rv_status rv_node_serial_next(const rv_node *node, uint16_t aggregate, int64_t *key,
                              rv_error *err) {
    const rv_status status = rv_state_serial_next(node->state, aggregate, key, err);
    if (status != RV_OK) {
        return status;
    }
    const rv_aggregate *const made = rv_schema_aggregate(node->schema, aggregate);
    const uint64_t leased = leased_to(node, aggregate);
    if (leased < (uint64_t)*key) {
        return RV_OK;
    }
    RV_ASSERT(*key > 0);
    if (leased >= (uint64_t)rv_state_serial_max(&made->columns[made->key].type)) {
        (void)rv_error_set(err, RV_VALUE_OUT_OF_RANGE,
                           "the serial keys of `%b` are used up, or leased by edges", &made->name);
        rv_error_fact_text(err, "aggregate", made->name);
        return RV_VALUE_OUT_OF_RANGE;
    }
    *key = (int64_t)leased + 1;
    return RV_OK;
}

rv_status rv_node_lease_check(const rv_node *node, uint16_t aggregate, int64_t key,
                              const uint8_t *edge_id, rv_error *err) {
    if (key <= 0 || (uint64_t)key > leased_to(node, aggregate)) {
        return RV_OK;
    }
    rv_block block;
    const uint32_t behind = seek(node, aggregate, (uint64_t)key + 1);
    RV_ASSERT(behind > 0); /* the entry that says up to where */
    if (!block_at(node, behind - 1, aggregate, &block) || block.last < (uint64_t)key ||
        (edge_id != NULL && memcmp(edge_id, block.edge_id, 16) == 0)) {
        return RV_OK;
    }
    const rv_bytes *const name = &rv_schema_aggregate(node->schema, aggregate)->name;
    (void)rv_error_set(err, RV_KEY_LEASED,
                       "the keys %u to %u of `%b` are leased by an edge, which assigns them; leave "
                       "the key out, or take another",
                       block.first, block.last, name);
    rv_error_fact_text(err, "aggregate", *name);
    rv_error_fact_uint(err, "key", (uint64_t)key);
    rv_error_fact_uint(err, "first", block.first);
    rv_error_fact_uint(err, "last", block.last);
    return RV_KEY_LEASED;
}

/* --- what is leased --- */

rv_lease_sum rv_node_lease_sum(const rv_node *node, uint16_t aggregate) {
    rv_lease_sum sum = {.last = leased_to(node, aggregate)};
    rv_block block;
    RV_ASSERT(node->role == RV_ROLE_ROOT);
    for (uint32_t i = seek(node, aggregate, 1); block_at(node, i, aggregate, &block); i++) {
        sum.blocks += 1;
        sum.keys += block.last - block.first + 1;
    }
    RV_ASSERT(sum.blocks <= sum.keys);
    return sum;
}

/* --- granting --- */

static bool is_own(const rv_lease_request *request, const rv_block *block) {
    RV_ASSERT(request->edge.incarnation > 0);
    return block->incarnation == request->edge.incarnation &&
           memcmp(block->edge_id, request->edge.edge_id, 16) == 0;
}

/* The block behind the known one, if there is one: then its answer was lost. Counts those that the
 * edge holds. */
static bool find_granted(const rv_node *node, const rv_lease_request *request, rv_lease *lease,
                         uint32_t *held) {
    rv_block block;
    uint32_t index = seek(node, request->aggregate, 1);
    *held = 0;
    for (; block_at(node, index, request->aggregate, &block); index++) {
        if (!is_own(request, &block)) {
            continue;
        }
        if (block.first > request->known) {
            RV_ASSERT(block.last >= block.first);
            *lease = (rv_lease){block.first, block.last - block.first + 1};
            return true;
        }
        *held += block.first >= request->done;
    }
    return false;
}

/* Leases take their share of the ledger: of another one has to be forgotten. */
static bool is_full(const rv_node *node) {
    const uint32_t first = rv_ledger_seek(&node->ledger, RV_LEDGER_LEASE, (rv_bytes){NULL, 0});
    const uint32_t end = rv_ledger_seek(&node->ledger, RV_LEDGER_LEASE + 1, (rv_bytes){NULL, 0});
    RV_ASSERT(first <= end);
    return ((size_t)(end - first) + 2) * rv_ledger_cost(KEY_LEN, VALUE_LEN) >
           node->ledger.cap / SHARE;
}

/* The block of this aggregate that was leased first to another, or else one of another aggregate.
 * What is forgotten is leased to nobody else, and whom it was leased to can still use it: see
 * engine/lease.h. */
static bool find_oldest(const rv_node *node, const rv_lease_request *request,
                        rv_ledger_entry *oldest) {
    rv_block block;
    uint32_t index = seek(node, request->aggregate, 1);
    while (block_at(node, index, request->aggregate, &block) && is_own(request, &block)) {
        index += 1;
    }
    if (block_at(node, index, request->aggregate, &block)) {
        *oldest = rv_ledger_at(&node->ledger, index);
        return true;
    }
    index = rv_ledger_seek(&node->ledger, RV_LEDGER_LEASE, (rv_bytes){NULL, 0});
    bool found = false;
    for (; !found && index < rv_ledger_count(&node->ledger); index++) {
        uint64_t first = 0;
        *oldest = rv_ledger_at(&node->ledger, index);
        if (oldest->kind != RV_LEDGER_LEASE) {
            break;
        }
        found = !rv_lease_is_end(oldest->key) &&
                !rv_lease_key_read(oldest->key, request->aggregate, &first);
    }
    return found;
}

/* Where the next block lies. RV_NO_KEYS. */
static rv_status measure(const rv_node *node, const rv_lease_request *request, uint32_t held,
                         rv_lease *lease, rv_error *err) {
    const rv_aggregate *const made = rv_schema_aggregate(node->schema, request->aggregate);
    const rv_type *const type = &made->columns[made->key].type;
    rv_ledger_entry oldest;
    const char *why = NULL;
    int64_t next = 0;
    RV_ASSERT(type != NULL);
    if (!type->serial) {
        why = "it has no serial key";
    } else if (held >= RV_LEASES_HELD_MAX) {
        why = "this edge holds as many blocks as it may";
    } else if (is_full(node) && !find_oldest(node, request, &oldest)) {
        why = "blocks take no more of this node's memory";
    } else if (rv_node_serial_next(node, request->aggregate, &next, NULL) != RV_OK ||
               rv_state_serial_max(type) - next + 1 < (int64_t)PART) {
        why = "too few remain";
    }
    if (why != NULL) {
        (void)rv_error_set(err, RV_NO_KEYS, "no keys of `%b` can be leased: %s", &made->name, why);
        rv_error_fact_text(err, "aggregate", made->name);
        return RV_NO_KEYS;
    }
    const uint64_t most = ((uint64_t)(rv_state_serial_max(type) - next) + 1) / PART;
    *lease = (rv_lease){(uint64_t)next, request->count < most ? request->count : most};
    return RV_OK;
}

rv_status rv_lease_write_end(const rv_node *node, rv_ledger_changes *changes, uint16_t aggregate,
                             uint64_t last) {
    uint8_t key[KEY_LEN];
    uint8_t bytes[8];
    RV_ASSERT(last > 0 && last <= INT64_MAX);
    rv_writer value = rv_writer_over(bytes, sizeof bytes);
    rv_write_u64(&value, last);
    RV_ASSERT(!value.full && value.len == sizeof bytes);
    const rv_ledger_entry to = {RV_LEDGER_LEASE, rv_lease_key(key, aggregate, 0),
                                rv_writer_bytes(&value)};
    return rv_ledger_put(&node->ledger, changes, &to);
}

/* The changes of a grant: what is done with goes first. As rv_ledger_put. */
static rv_status write_lease(const rv_node *node, const rv_lease_request *request,
                             const rv_lease *lease, rv_ledger_changes *changes) {
    uint8_t key[KEY_LEN];
    uint8_t bytes[VALUE_LEN];
    rv_block block;
    rv_status status = RV_OK;
    uint32_t index = seek(node, request->aggregate, 1);
    for (; status == RV_OK && block_at(node, index, request->aggregate, &block) &&
           block.first < request->done;
         index++) {
        if (is_own(request, &block)) {
            status = rv_ledger_remove(&node->ledger, changes, RV_LEDGER_LEASE,
                                      rv_lease_key(key, request->aggregate, block.first));
        }
    }
    rv_ledger_entry oldest;
    if (status == RV_OK && is_full(node) && find_oldest(node, request, &oldest)) {
        status = rv_ledger_remove(&node->ledger, changes, RV_LEDGER_LEASE, oldest.key);
    }
    const uint64_t last = lease->first + lease->count - 1;
    status = status == RV_OK ? rv_lease_write_end(node, changes, request->aggregate, last) : status;
    rv_writer value = rv_writer_over(bytes, sizeof bytes);
    rv_write(&value, rv_bytes_of(request->edge.edge_id, 16));
    rv_write_u32(&value, request->edge.incarnation);
    rv_write_u64(&value, last);
    RV_ASSERT(!value.full && value.len == VALUE_LEN);
    const rv_ledger_entry entry = {RV_LEDGER_LEASE,
                                   rv_lease_key(key, request->aggregate, lease->first),
                                   rv_writer_bytes(&value)};
    return status == RV_OK ? rv_ledger_put(&node->ledger, changes, &entry) : status;
}

rv_status rv_node_lease(rv_node *node, const rv_lease_request *request, rv_lease *lease,
                        rv_error *err) {
    rv_writer body;
    uint32_t held = 0;
    RV_ASSERT(request->count >= 1 && request->count <= RV_LEASE_KEYS_MAX);
    RV_ASSERT(request->edge.incarnation > 0 && request->done <= request->known);
    rv_status status = rv_node_check_writable(node, err);
    if (status == RV_OK && node->role != RV_ROLE_ROOT) {
        status = rv_error_set(err, RV_NOT_ROOT, "only the root leases keys");
    }
    if (status != RV_OK || find_granted(node, request, lease, &held)) {
        return status;
    }
    status = measure(node, request, held, lease, err);
    status = status == RV_OK ? rv_node_ledger_begin(node, &body, err) : status;
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = write_lease(node, request, lease, &changes);
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        return rv_error_set(err, RV_NO_KEYS, "the memory for leases is used up");
    }
    rv_node_ledger_commit(node, &body, &changes);
    RV_ASSERT(leased_to(node, request->aggregate) == lease->first + lease->count - 1);
    return RV_OK;
}
