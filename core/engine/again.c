/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a replayed batch back. Nothing is noted while replaying, since that would make each
 * opening slower, so a batch that could not be folded whole is taken back by beginning again: the
 * state is emptied, and what is before that batch is read and folded once more.
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

void rv_node_fold_again_from(rv_node *node, uint64_t until) {
    rv_folding_again *const again = &node->folding_again;
    RV_ASSERT(!again->active || until < again->until);
    rv_state_reset(node->state);
    rv_schema_take_back(node->schema, &node->checkpoints.restore.schema);
    rv_opaque_reset(&node->opaque);
    rv_held_lose_base(&node->held); /* what is read again has no records but events */
    node->hidden = false;
    node->recorded_at = 0;
    again->active = true;
    again->until = until;
    again->cursor = rv_log_cursor_at(1);
}

/* Folds one batch of those that were read again. */
static rv_status fold_batch_again(rv_node *node, const rv_batch *batch, rv_error *err) {
    rv_record_context context = rv_batch_context(batch, node->log);
    rv_cursor c = rv_cursor_over(batch->body);
    rv_record record;
    rv_status status = RV_OK;
    while (status == RV_OK && rv_cursor_left(&c) > 0 && rv_record_read(&c, &context, &record)) {
        if (record.kind == RV_RECORD_PATH) {
            node->named = record.body;
        }
        if (record.kind == RV_RECORD_GONE) {
            status = rv_node_fold_gone(node, &record, err);
        }
        if (record.kind == RV_RECORD_EVENT && !record.event.filled) {
            const int64_t time = record.event.recorded_at;
            status = rv_node_fold(node, &record.event, err);
            node->named = (rv_bytes){NULL, 0};
            node->recorded_at = time > node->recorded_at ? time : node->recorded_at;
        }
    }
    RV_ASSERT(status != RV_PENDING);
    return status;
}

rv_status rv_node_fold_again(rv_node *node) {
    rv_folding_again *const again = &node->folding_again;
    RV_ASSERT(again->active && node->failure.status != RV_OK);
    while (again->cursor.sequence < again->until) { /* each turn reads on, or lowers the end */
        rv_batch batch;
        rv_error ignored; /* the node's failure is why this is done */
        const rv_status status = rv_log_read(node->log, &again->cursor, &batch, &ignored);
        if (status == RV_PENDING || status == RV_BUSY) {
            return RV_PENDING;
        }
        if (status != RV_OK) {
            break;
        }
        if (fold_batch_again(node, &batch, &ignored) != RV_OK) {
            rv_node_fold_again_from(node, batch.first_sequence);
        }
    }
    return RV_OK;
}
