/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serial keys at an edge (SEMANTICS 25): taken in order from blocks that the root has leased to
 * this life of the node. A block is an entry of the ledger,
 *
 *     KEYS   aggregate, first key   -> last key, next key, incarnation, edge sequence
 *
 * and how far it is used is written in the batch of the log that holds what uses it: so no key is
 * given twice, and what a crash takes back takes its keys with it. The edge sequence is that of the
 * last batch that took a key. A block is *spent* when its next key is behind its last; it is done
 * with when nothing waits that may have a key of it. The newest block of an aggregate stays, as it
 * says what is known of the root's.
 *
 *     wish -> (root) -> taken -> used … -> spent -> done: told with the next wish, and removed
 *                         `--> void: another incarnation; its keys are used no more
 *
 *   invariant: blocks of one incarnation and aggregate do not overlap, and only the newest may have
 *              no key taken of it while an older one has keys left.
 */
#ifndef RV_CORE_ENGINE_KEYS_H
#define RV_CORE_ENGINE_KEYS_H

#include "core/engine/lease.h"
#include "core/log/ledger.h"

/* --- asking the root: for sync --- */

typedef struct rv_keys_wish {
    uint16_t aggregate; /* number in the node's schema */
    uint32_t incarnation;
    uint64_t known; /* as in rv_lease_request */
    uint64_t done;
    uint64_t count;
} rv_keys_wish;

/*
 * The first wish for an aggregate whose number is not below `from`. Wanted are keys of aggregates
 * that streams which the selection covers create rows of, and of those that rv_node_write had none
 * of; when less than a quarter of the last block is left, or a batch did not get all that it needs.
 * False: there is none.
 */
RV_MUST_USE bool rv_node_keys_wish(rv_node *node, uint16_t from, rv_keys_wish *wish);

/* An edge that has written nothing asks for nothing, unless it is prepared. True: it may ask. */
bool rv_node_keys_ready(const rv_node *node);

/* The aggregate of which rv_node_write had no key the last time that it said RV_NO_KEYS; and how
 * many blocks have come since the node was opened: before there is another, it says so again. */
uint16_t rv_node_keys_missed(const rv_node *node);
uint64_t rv_node_keys_blocks(const rv_node *node);

/* Moves when wishes may have changed. */
uint64_t rv_node_keys_revision(const rv_node *node);

/* True when a key was wanted and there is no incarnation to ask under: prepare. */
bool rv_node_keys_unprepared(const rv_node *node);

/* Prepares the node for writing: from now on it asks for keys whenever it is connected. RV_OK, also
 * when it is prepared; RV_NOT_CONNECTED (it never met its upstream), RV_PENDING, RV_BUSY,
 * RV_READ_ONLY, RV_STORAGE_FULL, RV_CLOSING, RV_OUTBOX_FULL. */
RV_MUST_USE rv_status rv_node_keys_prepare(rv_node *node, rv_error *err);

/* Takes a block that was leased for a wish. RV_OK, also when the incarnation has changed and it is
 * thrown away; RV_PROTOCOL_ERROR: it is not above the blocks before; RV_OUTBOX_FULL; the other
 * statuses as above. */
RV_MUST_USE rv_status rv_node_keys_take(rv_node *node, const rv_keys_wish *wish,
                                        const rv_lease *lease, rv_error *err);

/* How many keys of the aggregate can be assigned without the upstream. */
uint64_t rv_node_keys_left(const rv_node *node, uint16_t aggregate);

/* The same of all aggregates, and how many blocks they lie in. */
typedef struct rv_keys_facts {
    uint32_t blocks;
    uint64_t left;
} rv_keys_facts;

rv_keys_facts rv_node_keys_facts(const rv_node *node);

/* --- assigning them: for rv_node_write --- */

#define RV_KEYS_BLOCKS_MAX 16u /* that one batch takes keys of */

typedef struct rv_key_block {
    uint16_t aggregate;
    uint32_t incarnation;
    uint64_t first;
    uint64_t last;
    uint64_t next;
    uint64_t closed; /* edge sequence of the last batch that took a key; 0: none */
} rv_key_block;

/* The blocks of the aggregate that have keys left, rising: the first RV_LEASES_HELD_MAX of them.
 * Returns how many there are in `blocks`. */
uint32_t rv_node_keys_held(const rv_node *node, uint16_t aggregate,
                           rv_key_block blocks[RV_LEASES_HELD_MAX]);

/* What a batch has taken so far. */
typedef struct rv_keys {
    rv_key_block blocks[RV_KEYS_BLOCKS_MAX];
    uint32_t count;
} rv_keys;

/* The next key. RV_NO_KEYS, RV_BATCH_TOO_LARGE. */
RV_MUST_USE rv_status rv_keys_assign(rv_node *node, rv_keys *keys, uint16_t aggregate, int64_t *key,
                                     rv_error *err);

/* A key is given by the caller: those up to it are not assigned any more, if it lies in a block.
 * RV_BATCH_TOO_LARGE. */
RV_MUST_USE rv_status rv_keys_note(const rv_node *node, rv_keys *keys, uint16_t aggregate,
                                   int64_t key, rv_error *err);

/* Writes how far the blocks are used, by the batch with this edge sequence. As rv_ledger_put;
 * nothing becomes larger. */
RV_MUST_USE rv_status rv_keys_write(const rv_node *node, const rv_keys *keys,
                                    uint64_t edge_sequence, rv_ledger_changes *changes);

#endif
