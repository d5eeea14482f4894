/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases at a root: blocks of serial keys that edges assign while they are not connected
 * (SEMANTICS 25). A block is granted once, above every key that the aggregate had and every block
 * before, so all that the root has to know for its own next key is where the last block ends:
 *
 *     LEASE   aggregate, 0            -> the last key that was ever leased
 *     LEASE   aggregate, first key    -> edge id, incarnation, last key
 *
 * A key inside a block is only for the edge that has it, whatever its incarnation: what a copy of
 * its directory wrote before it was known to be one is still its own. A block is forgotten when its
 * edge says that nothing of it is used any more, or under way; then its keys are as any others
 * that the counter has passed. Edges can be silent for ever: when there is room for no more, the
 * block that was leased first is forgotten. Nobody is given its keys, and its edge can use them
 * still; what is lost is that others' events with such keys are refused.
 *
 *     requested -> granted (one batch of the log) -> told when that is durable -> forgotten
 *       ^------ the answer was lost: the same request gives the same block
 *
 *   invariant 1: blocks of an aggregate do not overlap, and end at or before the last key leased.
 *   invariant 2: the root assigns no key, and takes none from others, that lies in a block.
 */
#ifndef RV_CORE_ENGINE_LEASE_H
#define RV_CORE_ENGINE_LEASE_H

#include "core/engine/decide.h"
#include "core/log/ledger.h"

/* A block of keys: first, first + 1 … */
typedef struct rv_lease {
    uint64_t first; /* at least 1 */
    uint64_t count; /* 1 to RV_LEASE_KEYS_MAX */
} rv_lease;

typedef struct rv_lease_request {
    rv_edge_life edge;
    uint16_t aggregate; /* number */
    uint64_t known;     /* first key of the newest block that this life of the edge has; 0: none */
    uint64_t done;      /* its blocks that begin below may be forgotten; at most `known` */
    uint64_t count;     /* wanted, 1 to RV_LEASE_KEYS_MAX */
} rv_lease_request;

/*
 * Grants a block, or tells the one that was granted behind `known`, whose answer was lost. RV_OK:
 * the answer may leave the node when the log's batches that are made now are durable
 * (rv_node_decisions_made). At most 1/64 of the keys that remain of the key's type are in it.
 * RV_NO_KEYS: there is none to be had, for now: fewer than 64 keys remain, the aggregate has no
 * serial key, this life holds RV_LEASES_HELD_MAX blocks of it, or the node's memory takes no
 * block at all. RV_PENDING, RV_BUSY: poll, then again. RV_NOT_ROOT, RV_READ_ONLY,
 * RV_STORAGE_FULL, RV_CLOSING. On any error nothing has changed.
 */
RV_MUST_USE rv_status rv_node_lease(rv_node *node, const rv_lease_request *request, rv_lease *lease,
                                    rv_error *err);

/* The key that the next row which the root numbers gets. RV_VALUE_OUT_OF_RANGE: they are used up,
 * or leased. */
RV_MUST_USE rv_status rv_node_serial_next(const rv_node *node, uint16_t aggregate, int64_t *key,
                                          rv_error *err);

/* May an event of `edge_id` (NULL: of the root's own callers) create the row with this key?
 * RV_KEY_LEASED, with the block. */
RV_MUST_USE rv_status rv_node_lease_check(const rv_node *node, uint16_t aggregate, int64_t key,
                                          const uint8_t *edge_id, rv_error *err);

/* What is leased of an aggregate: blocks that edges have and are not done with, and the keys in
 * them. */
typedef struct rv_lease_sum {
    uint32_t blocks;
    uint64_t keys;
    uint64_t last; /* the last key that was ever leased; 0: none */
} rv_lease_sum;

/* At a root. Goes through the blocks, which take at most a quarter of the ledger. */
rv_lease_sum rv_node_lease_sum(const rv_node *node, uint16_t aggregate);

/* The ledger's key of a block, in `key`, which has room for RV_LEASE_KEY bytes. Edges have the
 * same.
 */
#define RV_LEASE_KEY 10u
rv_bytes rv_lease_key(uint8_t *key, uint16_t aggregate, uint64_t first);

/* True when it is the key of an entry that says up to where keys were ever leased. */
RV_MUST_USE bool rv_lease_is_end(rv_bytes key);

/* Writes that the root's keys go on behind this one. As rv_ledger_put. */
RV_MUST_USE rv_status rv_lease_write_end(const rv_node *node, rv_ledger_changes *changes,
                                         uint16_t aggregate, uint64_t last);

/* True when it is the key of a block of this aggregate. */
RV_MUST_USE bool rv_lease_key_read(rv_bytes key, uint16_t aggregate, uint64_t *first);

#endif
