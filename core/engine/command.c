/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running commands again: see engine/command.h. Whether a command was sent is in the log before it
 * is, as "all up to this edge sequence": a node that comes back after a crash does not make another
 * batch of one that the root may have decided. Several are noted with one flush.
 */
#include "core/engine/command.h"

#include "core/base/assert.h"
#include "core/engine/internal.h"

/* The flags of the i-th batch that waits, in memory. */
static uint8_t *flags_at(rv_node *node, uint32_t index) {
    const uint32_t first = rv_ledger_seek(&node->ledger, RV_LEDGER_PENDING, (rv_bytes){NULL, 0});
    const rv_ledger_entry entry = rv_ledger_at(&node->ledger, first + index);
    RV_ASSERT(index < node->outbox.pending && entry.kind == RV_LEDGER_PENDING);
    uint8_t *const value = rv_ledger_notes(&node->ledger, entry.kind, entry.key);
    RV_ASSERT(value != NULL);
    return value + RV_PENDING_AT_FLAGS;
}

void rv_outbox_commands_due(rv_node *node, uint64_t after) {
    rv_outbox *const o = &node->outbox;
    const uint32_t count = o->commands ? o->pending : 0;
    RV_ASSERT(node->role == RV_ROLE_EDGE);
    for (uint32_t i = 0; i < count; i += 1) {
        uint8_t *const flags = flags_at(node, i);
        if ((*flags & RV_PENDING_COMMAND) == 0) {
            continue;
        }
        const rv_pending batch = rv_outbox_at(node, i);
        if (batch.edge_sequence > o->sent && batch.edge_sequence > after) {
            *flags |= RV_PENDING_DUE;
            o->commands_due = true;
        } else if (batch.refused) { /* later ones may have been sent while it stood aside */
            o->commands_due = true;
        } else if (batch.edge_sequence <= o->sent) {
            *flags &= (uint8_t)~RV_PENDING_DUE; /* whatever the log has there */
        }
    }
}

bool rv_node_command_due(rv_node *node, uint64_t after, rv_pending *command) {
    rv_outbox *const o = &node->outbox;
    uint64_t at = after;
    bool waits = after > 0; /* it is not known that none does */
    if (!o->commands_due || node->receiving.active || node->hidden ||
        node->failure.status != RV_OK) {
        return false;
    }
    while (rv_node_pending(node, at, command)) { /* each turn goes on by a batch */
        RV_ASSERT(command->edge_sequence > at);
        at = command->edge_sequence;
        waits = waits || command->due;
        if (command->due && command->after <= rv_log_watermark(node->log)) {
            return true;
        }
    }
    o->commands_due = waits; /* so that who asks after every poll does not look at all each time */
    return false;
}

/* The batch, while its command is due. */
static bool find_due(rv_node *node, uint64_t edge_sequence, rv_pending *command) {
    RV_ASSERT(edge_sequence < UINT64_MAX);
    return edge_sequence > 0 && rv_node_command_due(node, edge_sequence - 1, command) &&
           command->edge_sequence == edge_sequence;
}

static rv_status not_running(rv_error *err, uint64_t edge_sequence) {
    RV_ASSERT(edge_sequence < UINT64_MAX);
    return rv_error_set(err, RV_NOT_FOUND,
                        "batch %u is no command that is due, or it has not begun to run",
                        edge_sequence);
}

rv_status rv_node_command_begin(rv_node *node, uint64_t edge_sequence, rv_error *err) {
    rv_pending command;
    if (rv_node_in_batch(node)) {
        return rv_error_set(err, RV_BUSY, "a batch of the upstream is being received");
    }
    if (!find_due(node, edge_sequence, &command)) {
        return not_running(err, edge_sequence);
    }
    rv_outbox_lay_before(node, edge_sequence);
    RV_ASSERT(node->outbox.running == edge_sequence);
    return RV_OK;
}

/* Statuses that say nothing about the events. */
static bool is_not_now(rv_status status) {
    RV_ASSERT(status != RV_END);
    return status == RV_PENDING || status == RV_BUSY || status == RV_OUTBOX_FULL ||
           status == RV_STATE_FULL || status == RV_NO_KEYS || status == RV_MEMORY_EXHAUSTED ||
           status == RV_READ_ONLY || status == RV_STORAGE_FULL || status == RV_CLOSING ||
           status == RV_STORAGE_FAILED || status == RV_NOT_CONNECTED;
}

rv_status rv_node_command_reason(const rv_node *node, const rv_pending *batch, rv_error *reason) {
    const rv_outbox *const o = &node->outbox;
    RV_ASSERT(batch->due && batch->command.name.len > 0);
    const rv_status status =
        o->lacking == batch->edge_sequence
            ? rv_error_set(reason, o->lacked, "command \"%b\" ran, and waits: %s",
                           &batch->command.name, rv_status_text(o->lacked))
            : rv_error_set(reason, RV_COMMAND_WAITING, "waiting for command \"%b\"",
                           &batch->command.name);
    rv_error_fact_text(reason, "command", batch->command.name);
    return status;
}

/* What it came to was not taken, for want of something that others have to give; RV_OK: it was.
 * Who follows what waits is told. */
static void note_lack(rv_node *node, uint64_t edge_sequence, rv_status status) {
    rv_outbox *const o = &node->outbox;
    const uint64_t lacking = status == RV_OK ? 0 : edge_sequence;
    RV_ASSERT(edge_sequence > 0 && (status == RV_OK || is_not_now(status)));
    if (status == RV_PENDING || status == RV_BUSY) {
        return;
    }
    if (o->lacking != lacking || o->lacked != status) {
        o->lacking = lacking;
        o->lacked = status;
        o->revision += 1;
    }
}

/* It becomes something other than a batch that waits. */
static rv_status leave(rv_node *node, uint64_t edge_sequence, const rv_decision *decision,
                       rv_error *err) {
    const rv_status status = rv_outbox_decide(node, edge_sequence, decision, err);
    RV_ASSERT(status != RV_END);
    if (status == RV_OK) {
        rv_outbox_commands_due(node, edge_sequence);
    }
    return status;
}

rv_status rv_node_command_done(rv_node *node, uint64_t edge_sequence, const rv_append *events,
                               size_t count, rv_event *results, rv_written *written,
                               rv_error *err) {
    rv_pending again;
    rv_error why = {.status = RV_OK};
    *written = (rv_written){.edge_sequence = edge_sequence};
    if (node->outbox.running != edge_sequence || !find_due(node, edge_sequence, &again)) {
        return not_running(err, edge_sequence);
    }
    RV_ASSERT(node->outbox.partial && (events != NULL || count == 0));
    if (count == 0) {
        const rv_decision nothing = {.outcome = RV_DECIDED_ACCEPTED};
        written->changed = true;
        return leave(node, edge_sequence, &nothing, err);
    }
    const rv_writes writes = {
        .events = events, .count = count, .principal = again.principal, .command = &again.command};
    rv_status status = rv_outbox_write_again(node, &again, &writes, results, written, &why);
    if (status == RV_OK || is_not_now(status)) {
        note_lack(node, edge_sequence, status);
    }
    if (status == RV_OK) {
        if (written->changed) {
            rv_outbox_commands_due(node, edge_sequence);
        }
        return RV_OK;
    }
    if (err != NULL) {
        *err = why;
    }
    if (is_not_now(status)) {
        return status;
    }
    const rv_decision refused = {.outcome = RV_DECIDED_REFUSED, .refusal = why};
    *written = (rv_written){.edge_sequence = edge_sequence, .changed = true, .rejected = true};
    status = leave(node, edge_sequence, &refused, &why);
    if (status != RV_OK && err != NULL) {
        *err = why;
    }
    return status;
}

rv_status rv_node_command_refuse(rv_node *node, uint64_t edge_sequence, const rv_error *refusal,
                                 rv_error *err) {
    const rv_decision refused = {.outcome = RV_DECIDED_REFUSED, .refusal = *refusal};
    RV_ASSERT(refusal->status > RV_END && refusal->status < RV_STATUS_COUNT);
    return node->outbox.running == edge_sequence && edge_sequence > 0
               ? leave(node, edge_sequence, &refused, err)
               : not_running(err, edge_sequence);
}

void rv_node_command_end(rv_node *node) {
    if (node->role == RV_ROLE_EDGE && !rv_node_in_batch(node)) {
        rv_outbox_whole(node);
        rv_outbox_lay_due(node);
    }
    RV_ASSERT(!node->outbox.partial || node->receiving.active);
}

/* --- sending --- */

rv_status rv_outbox_write_sent(const rv_node *node, rv_ledger_changes *changes, uint64_t sent) {
    uint8_t value[sizeof(uint64_t)];
    RV_ASSERT(sent >= node->outbox.sent);
    rv_store_u64(value, sent);
    const rv_ledger_entry entry = {RV_LEDGER_SENT, {NULL, 0}, rv_bytes_of(value, sizeof value)};
    return rv_ledger_put(&node->ledger, changes, &entry);
}

/* How far batches can be sent that follow this one. */
static uint64_t sendable(const rv_node *node, uint64_t edge_sequence) {
    rv_pending batch;
    uint64_t last = edge_sequence;
    for (uint32_t i = 0; i < RV_COMMAND_WINDOW; i += 1) {
        if (!rv_node_pending(node, last, &batch) || batch.due || !batch.durable) {
            break;
        }
        RV_ASSERT(batch.edge_sequence > last);
        last = batch.edge_sequence;
    }
    return last;
}

bool rv_node_command_may_leave(rv_node *node, const rv_pending *batch) {
    rv_outbox *const o = &node->outbox;
    rv_writer body;
    RV_ASSERT(batch->durable);
    if (batch->command.name.len == 0) {
        return true;
    }
    if (batch->due || node->receiving.active) {
        return false;
    }
    if (batch->edge_sequence <= o->sent) {
        return rv_log_batches_durable(node->log) >= o->sent_batch;
    }
    if (rv_node_check_writable(node, NULL) != RV_OK ||
        rv_node_ledger_begin(node, &body, NULL) != RV_OK) {
        return false;
    }
    const uint64_t sent = sendable(node, batch->edge_sequence);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    const rv_status status = rv_outbox_write_sent(node, &changes, sent);
    RV_ASSERT(status == RV_OK); /* it takes the place of one */
    rv_node_ledger_commit(node, &body, &changes);
    o->sent = sent;
    o->sent_batch = rv_log_batches(node->log);
    return false;
}
