/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a root decides about batches that edges have written (SEMANTICS 6, 8, 14, 21 to 23). Each is
 * judged once: its decision is committed in the ledger together with its events, or alone, and is
 * given again to whoever asks again, until the edge has settled it.
 *
 *     EDGE       edge id, incarnation               -> the last edge sequence that was decided,
 *                                                      where W was then, and whose the edge is
 *     DECISION   edge id, incarnation, sequence     -> the id of the batch's first event, and what
 *                                                      was decided
 *
 * Edges push in the order of their sequences, with holes where something was decided under another
 * incarnation. So what is not above the last decided one is known, or was settled; what is known
 * under another first event, or was settled, comes from a copy of the edge's directory: FORKED.
 *
 * Where the ledger has no room for another decision, the lives that were silent for longest are
 * forgotten, decisions and all: edges that never come back must not stop the others.
 *
 *   invariant: a decision is in the ledger if and only if its events are in the log.
 */
#ifndef RV_CORE_ENGINE_DECIDE_H
#define RV_CORE_ENGINE_DECIDE_H

#include "core/engine/outbox.h"

/* A life of an edge's directory. */
typedef struct rv_edge_life {
    uint8_t edge_id[16];  /* the edge's node id */
    uint32_t incarnation; /* not 0 */
} rv_edge_life;

/* A batch as an edge pushes it. */
typedef struct rv_push {
    rv_edge_life edge;
    uint64_t edge_sequence; /* 1 to RV_POSITION_MAX */
    rv_bytes principal;     /* at most RV_PRINCIPAL_LEN_MAX bytes */
    int64_t written_at;     /* microseconds from 1970, a valid time */
    uint64_t schema_version;
    const rv_append *events; /* all with an id; their data is encoded, not JSON */
    size_t count;            /* 1 to RV_PUSH_EVENTS_MAX */
    const uint64_t *counted; /* edge sequences that expected versions count, rising; its own: what
                                they count is no more */
    size_t counted_count;
    const rv_error *refusal; /* it is refused for this, whatever it holds; NULL: it is judged */
    rv_bytes owner;          /* whose the edge is from now on, if it is nobody's yet: at most
                                RV_PRINCIPAL_LEN_MAX bytes; empty: not known */
} rv_push;

/*
 * Decides, or tells what was decided: RV_OK with the decision, which may leave the node when it is
 * durable (below). `results` is space for `count` events. An event that is accepted keeps its id,
 * `written_at` and the version of the schema that it was written under.
 *
 * Everything that is wrong with the batch is a refusal: the errors of rv_node_append;
 * RV_VALUE_INVALID, RV_KEY_MISMATCH (its data); RV_SCHEMA_UNKNOWN (a later version of the schema
 * than there is); RV_DEPENDENCY_REJECTED ("edge_sequence": a counted batch that was not accepted).
 * What is in the log under the same ids is accepted, whatever it counted.
 * Statuses that are no decision, after which nothing has changed: RV_PENDING, RV_BUSY (poll, then
 * the same again), RV_OUTBOX_FULL (this life alone fills the ledger: until something is settled),
 * RV_READ_ONLY, RV_STORAGE_FULL, RV_STATE_FULL, RV_CLOSING, RV_NOT_ROOT, RV_DATA_DAMAGED,
 * RV_STORAGE_FAILED.
 */
RV_MUST_USE rv_status rv_node_decide(rv_node *node, const rv_push *push, rv_event *results,
                                     rv_decision *decision, rv_error *err);

/* The decision of a batch as rv_node_decide gave it; false: there is none, or it was settled. */
RV_MUST_USE bool rv_node_decision(const rv_node *node, const rv_edge_life *edge,
                                  uint64_t edge_sequence, rv_decision *decision);

/* The last edge sequence that was decided; 0: none, or this life is not known. */
uint64_t rv_node_last_decided(const rv_node *node, const rv_edge_life *edge);

/* Whose the edge is, in whatever life: who brought it first. False: it is not known. */
RV_MUST_USE bool rv_node_edge_owner(const rv_node *node, const uint8_t *edge_id, rv_bytes *owner);

/* How many decisions of this life are kept. */
uint32_t rv_node_unsettled(const rv_node *node, const rv_edge_life *edge);

/* Forgets the decisions of this life up to `up_to`. RV_OK, also when there are none; RV_PENDING,
 * RV_BUSY, RV_READ_ONLY, RV_STORAGE_FULL, RV_CLOSING: nothing has changed. */
RV_MUST_USE rv_status rv_node_settle(rv_node *node, const rv_edge_life *edge, uint64_t up_to,
                                     rv_error *err);

/* The ledger's keys: of a life of an edge, and of a decision, in `key`, which has room for
 * RV_DECISION_KEY bytes; the life that a key begins with. And the value of a DECISION: id of the
 * first event, u8 outcome, then varint position, or the refusal: code, detail and facts as blobs;
 * at most RV_DECISION_LEN_MAX bytes. */
#define RV_EDGE_KEY         20u
#define RV_DECISION_KEY     28u
#define RV_DECISION_LEN_MAX (16u + 1u + 10u + 64u + RV_ERROR_DETAIL_MAX + RV_ERROR_FACTS_MAX + 8u)
rv_bytes rv_decision_key(uint8_t *key, const rv_edge_life *edge, uint64_t edge_sequence);
void rv_edge_key_read(rv_bytes key, rv_edge_life *edge);
void rv_decision_write(rv_writer *w, const uint8_t *first_id, const rv_decision *decision);

/* Batches of the log that hold something, appended and durable: a decision that was just made is
 * durable when the second reaches what the first is now. */
uint64_t rv_node_decisions_made(const rv_node *node);
uint64_t rv_node_decisions_durable(const rv_node *node);

#endif
