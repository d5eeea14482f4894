/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway keeps for edges that push through it (SEMANTICS 26): their pushes, as they came,
 * from when they came until the root's decision has; then the decision, until its edge has settled
 * it, or it is in the way. It decides nothing, and nothing of this is folded.
 *
 *     RELAY      edge id, incarnation, sequence  -> u64 note, id of the batch's first event, body
 * of the push message (docs/format/wire.md) DECISION   edge id, incarnation, sequence  -> as at a
 * root (engine/decide.h)
 *
 *     kept -> durable (it may leave, up; its edge is told `relayed`) -> decided -> settled
 *
 * The note is of the running node: the batch of the log that holds the entry.
 *
 * A decision here is only a copy: the root has it until the edge has settled it. So decisions of
 * edges that are not connected are dropped when there is no room, and pushed again the batch goes
 * up again.
 *
 *   invariant 1: of a sequence there is a push or a decision, not both.
 *   invariant 2: the last quarter of the ledger is left to the node's own outbox, and no life has
 *                more of the rest than is left of it.
 */
#ifndef RV_CORE_ENGINE_RELAY_H
#define RV_CORE_ENGINE_RELAY_H

#include "core/engine/decide.h"

/* A push to keep, or that is kept. */
typedef struct rv_relay {
    rv_edge_life edge;
    uint64_t edge_sequence;
    uint8_t first_id[16]; /* of its events */
    bool durable;         /* kept: it may leave the node */
    rv_bytes body;
    /* To be kept: the body names no writer, where this offset has a length of 0; it is to name this
     * one. Empty: it stays as it is. */
    rv_bytes writer;
    size_t writer_at;
} rv_relay;

/* What is known of a batch. */
typedef enum rv_relay_state {
    RV_RELAY_UNKNOWN,
    RV_RELAY_KEPT,
    RV_RELAY_DECIDED,
    RV_RELAY_OTHER /* another batch has its number: one of the two comes from a copy */
} rv_relay_state;

rv_relay_state rv_node_relay_state(const rv_node *node, const rv_edge_life *edge,
                                   uint64_t edge_sequence, const uint8_t *first_id);

/* Keeps a push of which nothing is known. RV_OK: it is durable when rv_node_decisions_durable has
 * reached what rv_node_decisions_made is now. RV_OUTBOX_FULL: there is no room; RV_BATCH_TOO_LARGE:
 * there never is; RV_PENDING, RV_BUSY (poll, then again), RV_READ_ONLY, RV_STORAGE_FULL,
 * RV_CLOSING. On any error nothing has changed. */
RV_MUST_USE rv_status rv_node_relay_keep(rv_node *node, const rv_relay *push, rv_error *err);

/* The kept push of this life with the least sequence above `after`. False: there is none. Borrowed:
 * until the next call that changes the node. */
RV_MUST_USE bool rv_node_relay_next(rv_node *node, const rv_edge_life *edge, uint64_t after,
                                    rv_relay *push);

/* The life behind this one (all zero: the first) of which pushes are kept. False: there is none. */
RV_MUST_USE bool rv_node_relay_life(const rv_node *node, const rv_edge_life *after,
                                    rv_edge_life *life);

/* The same of decisions. */
RV_MUST_USE bool rv_node_relay_decided_life(const rv_node *node, const rv_edge_life *after,
                                            rv_edge_life *life);

/* The root has decided a kept push: ACCEPTED or REFUSED takes its place, FORKED drops it. RV_OK,
 * also when it is not there any more; else as rv_node_relay_keep. */
RV_MUST_USE rv_status rv_node_relay_decide(rv_node *node, const rv_edge_life *edge,
                                           uint64_t edge_sequence, const rv_decision *decision,
                                           rv_error *err);

/* The same of a push that was never kept (RV_BATCH_TOO_LARGE): ACCEPTED or REFUSED is noted. Its
 * first event has this id. RV_OUTBOX_FULL: there is no room. */
RV_MUST_USE rv_status rv_node_relay_note(rv_node *node, const rv_relay *push,
                                         const rv_decision *decision, rv_error *err);

/* Drops all pushes of a life. RV_OK, or as rv_node_relay_keep. */
RV_MUST_USE rv_status rv_node_relay_drop(rv_node *node, const rv_edge_life *edge, rv_error *err);

/* How many are kept, and of how many lives. Costs a look at all of them. */
typedef struct rv_relay_facts {
    uint32_t pushes;
    uint32_t edges;
    size_t bytes;
} rv_relay_facts;

rv_relay_facts rv_node_relay_facts(const rv_node *node);

#endif
