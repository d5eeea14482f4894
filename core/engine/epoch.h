/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Epochs of a log (SEMANTICS 5). A log begins in epoch 1. When its root is restored from a backup,
 * positions are given a second time, so an administrator begins a new epoch: an entry of the
 * ledger,
 *
 *     EPOCH   -> epoch, the position and chain hash behind which it began, when
 *
 * in force from then on. An edge keeps the same entry for the epoch that it follows. A number is at
 * least the seconds since 1970 at which it began, so that two restores of one backup, which know
 * nothing of each other, have different ones.
 *
 * What edges hold and the root does not know any more is made harmless in the same step: leases are
 * void, and the root's own serial keys go on behind a margin (SEMANTICS 25).
 */
#ifndef RV_CORE_ENGINE_EPOCH_H
#define RV_CORE_ENGINE_EPOCH_H

#include "core/engine.h"
#include "core/log/ledger.h"

typedef struct rv_epoch {
    uint32_t epoch;
    uint64_t position;   /* the last one before it */
    uint64_t chain_hash; /* there */
    int64_t began_at;    /* microseconds from 1970 */
} rv_epoch;

/*
 * The root was restored from a backup: begins a new epoch. RV_OK: it is begun in memory, and
 * durable when rv_node_decisions_durable has reached rv_node_decisions_made. RV_PENDING, RV_BUSY:
 * poll, then call again. RV_NOT_ROOT, RV_READ_ONLY, RV_STORAGE_FULL, RV_CLOSING,
 * RV_MEMORY_EXHAUSTED: the ledger has no room. Nothing has changed then, but that leases may be
 * void.
 */
RV_MUST_USE rv_status rv_node_epoch_begin(rv_node *node, rv_error *err);

/* The last one that was begun, or followed. False: there is none, the log is in its first. */
RV_MUST_USE bool rv_node_epoch(const rv_node *node, rv_epoch *epoch);

/* An edge whose history is none of this root's, although it is of no older epoch. */
typedef struct rv_stranger {
    uint32_t count; /* times that one was met since the node was opened */
    uint32_t epoch; /* of the last one, */
    uint64_t position;
} rv_stranger;

/* The root has met one: told by rv_node_stranger, and the next epoch will be above its. */
void rv_node_meet_stranger(rv_node *node, uint64_t epoch, uint64_t position);
rv_stranger rv_node_stranger(const rv_node *node);

/* --- for the engine's files --- */

#define RV_EPOCH_SIZE (4u + 8 + 8 + 8)

/* The entry's value, of RV_EPOCH_SIZE bytes. */
void rv_epoch_encode(const rv_epoch *epoch, uint8_t *to);

/* Writes the entry. As rv_ledger_put. */
RV_MUST_USE rv_status rv_epoch_write(const rv_node *node, rv_ledger_changes *changes,
                                     const rv_epoch *epoch);

/* Log and ledger are as they are now: so is what rv_node_identity says. */
void rv_epoch_refresh(rv_node *node);

#endif
