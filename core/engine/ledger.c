/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's ledger and its log: batches that hold changes of the ledger only. What goes with
 * events is written into their batch by whoever makes it.
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

rv_status rv_node_ledger_begin(rv_node *node, rv_writer *body, rv_error *err) {
    RV_ASSERT(!node->receiving.active);
    RV_ASSERT(rv_log_has_identity(node->log));
    node->read_generation += 1; /* it may write, and what was written is kept where reads are */
    return rv_log_append_begin(node->log, body, err);
}

rv_status rv_node_ledger_begin_edge(rv_node *node, rv_writer *body, rv_error *err) {
    const rv_status status = rv_node_check_writable(node, err);
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    if (node->receiving.active) {
        return rv_error_set(err, RV_BUSY, "a batch of the upstream is being received");
    }
    return rv_node_ledger_begin(node, body, err);
}

void rv_node_ledger_commit(rv_node *node, const rv_writer *body, const rv_ledger_changes *changes) {
    RV_ASSERT(body->len > 0 && !body->full);
    RV_ASSERT(changes == NULL || changes->body == body);
    const rv_batch batch = {
        .first_sequence = rv_log_appended(node->log) + 1,
        .first_position = rv_log_watermark(node->log) + 1,
        .watermark = rv_log_watermark(node->log),
        .chain_hash = rv_log_chain(node->log),
        .time = rv_node_now(node),
    };
    node->read_generation += 1;
    rv_node_note_time(node, batch.time);
    (void)rv_log_append_commit(node->log, &batch, body, 0);
    if (changes != NULL) {
        rv_ledger_apply(&node->ledger, changes);
    }
}
