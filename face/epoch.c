/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /epoch: an administrator says that this root was restored from a backup. The answer,
 * {"epoch","position"}, comes when the new epoch is durable.
 */
#include "core/engine/epoch.h"
#include "core/base/assert.h"
#include "core/engine/decide.h"
#include "face/face_internal.h"

rv_status face_epoch_post(rv_exchange *x, rv_error *err) {
    rv_node *const node = x->face->options.node;
    rv_epoch epoch;
    rv_status status = RV_OK;
    if (x->made == 0) {
        status = face_require(x, FACE_ADMIN, (rv_bytes){NULL, 0}, err);
        status = status == RV_OK ? rv_node_epoch_begin(node, err) : status;
        x->made = status == RV_OK ? rv_node_decisions_made(node) : 0;
    }
    status = status == RV_OK ? exchange_wait_durable(x, err) : status;
    if (status != RV_OK) {
        return status;
    }
    const bool begun = rv_node_epoch(node, &epoch);
    RV_ASSERT(begun);
    rv_writer w = rv_writer_over(x->buffer, sizeof x->buffer);
    rv_write_text(&w, "{\"epoch\":");
    rv_write_uint(&w, epoch.epoch);
    rv_write_text(&w, ",\"position\":");
    rv_write_uint(&w, epoch.position);
    rv_write_text(&w, "}\n");
    RV_ASSERT(!w.full);
    exchange_answer(x, 201, "application/json", rv_writer_bytes(&w));
    return RV_OK;
}
