/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema before the first contact (SEMANTICS 27; decision 45). An application that starts without
 * a connection gives the schema that it was written for, and works with it: it reads, and what it
 * writes waits in the outbox. Until the upstream is met, none of this is anybody else's.
 *
 *     nothing --(provide)--> in memory --(the first write)--> a log of the edge's own, in epoch 0
 *         \                      `------------(meet)-------------->|
 *          `---- adopt --> a log of the root's  <------------------' by going back to nothing
 *                                                                    (engine/rewind.h)
 *
 * The log of the edge's own has the schema's texts as its events, and batches that wait, which name
 * version 0 of the schema. What the upstream is asked for is asked as by an edge that has nothing;
 * its welcome says which log it is, and what it sends first is the root's schema. Until that is
 * here the edge goes on with its own; then the batches stand aside (engine/back.c) with
 *
 *     NAME   number of an event type, u16 big-endian   -> hash of its declaration, and its name
 *
 * and become batches that wait when the root's schema has all event types that they name, declared
 * as they were: by their numbers there. Until then nothing of them is lost, and nothing is pushed.
 *
 *   invariant 1: rv_node_identity is of a root's log, or there is none.
 *   invariant 2: events of a log in epoch 0 are texts of the schema, and nothing else.
 *   invariant 3: an edge that had a schema before the first contact has one whenever it is open,
 *                after a crash too: the provisional one, or its root's, as far as it was gathered
 *                (sync/edge_meet.c).
 */
#ifndef RV_CORE_ENGINE_PROVISIONAL_H
#define RV_CORE_ENGINE_PROVISIONAL_H

#include "core/engine/outbox.h"
#include "core/engine/rewind.h"
#include "core/log/ledger.h"

/* What batches name that are written under a provisional schema. */
#define RV_SCHEMA_PROVISIONAL 0u

/* The version that what is written now names. */
uint64_t rv_provisional_version(const rv_node *node);

/* Room of the ledger that a write leaves for what meeting the upstream adds: names, what is to be
 * held, the epoch, and that batches stand aside. 0 where it was met. */
size_t rv_provisional_reserve(const rv_node *node);

/* Before a write: what was provided is in a log. RV_OK; RV_PENDING, RV_BUSY: poll, then again;
 * RV_STORAGE_FULL, RV_STATE_FULL, RV_SCHEMA_TOO_LARGE. */
RV_MUST_USE rv_status rv_provisional_keep(rv_node *node, rv_error *err);

/* --- meeting the upstream --- */

/* A schema change of the root's, which a batch of its own ends: what its log begins with. */
typedef struct rv_met {
    rv_event event; /* its texts are borrowed */
    uint64_t watermark;
    uint64_t chain_hash;
} rv_met;

/* As it stands in the file `rewind`. False: it is none, or not all of it is there. */
void rv_met_write(rv_writer *w, const rv_met *met);
RV_MUST_USE bool rv_met_read(rv_cursor *c, rv_met *met);

/* A node that is provisional has met its upstream, whose log this is: once what was provided is
 * durable it goes back to nothing, and takes what that log begins with for its own. RV_PENDING,
 * RV_BUSY, RV_STORAGE_FULL: poll, then again; RV_UPSTREAM_DIVERGED: it is under way; else as
 * rv_node_schema_provide and rv_node_rewind; RV_PROTOCOL_ERROR: no root has that epoch or tag. */
RV_MUST_USE rv_status rv_node_meet(rv_node *node, const rv_rewind *to, rv_error *err);

/* Going back to nothing: a schema's text met on the way is applied, and in the end the ledger gets
 * the names of its event types. False: there is no room. */
RV_MUST_USE bool rv_provisional_name(rv_node *node);

/* Opening: removes a log in epoch 0 with all that was made of it, and begins anew; the file
 * `rewind` has what is to be kept. RV_OK: it is over; RV_PENDING; failures of the storage. */
RV_MUST_USE rv_status rv_provisional_discard(rv_node *node, rv_error *err);

/* True when there are names: batches may wait for their event types. */
bool rv_provisional_waits(const rv_node *node);

/* Writes the batch, of version 0, as the schema has it, into an empty writer. False: it does not
 * know all of its event types, or there is no room. */
RV_MUST_USE bool rv_provisional_translate(rv_node *node, rv_bytes value, rv_writer *w);

/* Writes that the names are gone, as many as the body takes. RV_OK: all; RV_BATCH_TOO_LARGE. */
RV_MUST_USE rv_status rv_provisional_unname(const rv_node *node, rv_ledger_changes *changes);

#endif
