/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of writing at an edge, shared by the engine's files: engine/write.c has batches that
 * are given for the first time, engine/rewrite.c commands that have run again.
 *
 *     check -> the log's batch is begun -> begin -> batch -> the entry is put
 */
#ifndef RV_CORE_ENGINE_WRITE_H
#define RV_CORE_ENGINE_WRITE_H

#include "core/engine/append.h"
#include "core/engine/keys.h"

/* A batch on its way. */
typedef struct rv_writing {
    const rv_writes *given;
    const rv_pending *again; /* what waits, of a command that has run again; or NULL */
    rv_event *results;
    rv_written *written;
    rv_writer value; /* of its entry */
    size_t received; /* bytes, at most, of the log's batch when the events come back */
    uint16_t covered;
    bool numbered; /* a covered event expects a number */
    bool counting; /* and counts batches that wait */
    bool unfolded; /* there is no room for what it would change: it waits, suspended */
    int64_t now;
    bool refused; /* before: the error is that refusal, as it is */
    size_t index; /* of the event that is looked at */
    rv_keys keys; /* that it takes */
    uint8_t command_id[16];
} rv_writing;

/* What needs no look at the events' data. As rv_node_write. */
RV_MUST_USE rv_status rv_writing_check(const rv_node *node, const rv_writes *write, rv_error *err);

/* Every event starts from this: its id, and the time of the batch. */
void rv_writing_begin(rv_node *node, rv_writing *w);

/* Judges and folds, and makes the entry, in `results`. The caller takes it back after an error. */
RV_MUST_USE rv_status rv_writing_batch(rv_node *node, rv_writing *w, rv_error *err);

/* RV_OUTBOX_FULL. */
rv_status rv_writing_full(const rv_node *node, rv_error *err);

#endif
