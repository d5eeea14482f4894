/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox and commands of the C interface: rivulet/outbox.h. */
#include "rivulet/outbox.h"

#include "core/base/assert.h"
#include "core/engine/command.h"
#include "core/engine/keys.h"
#include "lib/db.h"

static bool is_edge(const rv_db *db) {
    RV_ASSERT(db != NULL && db->node != NULL);
    return rv_node_role(db->node) == RV_ROLE_EDGE;
}

/* --- what waits --- */

static rv_db_batch batch_of(const rv_pending *pending) {
    RV_ASSERT(pending->edge_sequence > 0);
    rv_db_batch batch = {
        .edge_sequence = pending->edge_sequence,
        .state = pending->state == RV_PENDING_SUSPENDED  ? RV_DB_BATCH_SUSPENDED
                 : pending->state == RV_PENDING_ACCEPTED ? RV_DB_BATCH_ACCEPTED
                                                         : RV_DB_BATCH_WAITING,
        .durable = pending->durable,
        .blind = pending->blind,
        .unchecked = pending->unchecked,
        .due = pending->due,
        .position = pending->state == RV_PENDING_ACCEPTED ? pending->position : 0,
        .written_at = pending->written_at,
        .count = pending->count,
        .attempt = pending->attempt,
        .command = pending->command.name,
        .args = pending->command.args,
    };
    if (pending->command_id != NULL) {
        memcpy(batch.command_id, pending->command_id, sizeof batch.command_id);
    }
    return batch;
}

bool rv_db_pending(const rv_db *db, uint64_t after, rv_db_batch *batch) {
    rv_pending pending;
    RV_ASSERT(batch != NULL);
    if (!is_edge(db) || !rv_node_pending(db->node, after, &pending)) {
        return false;
    }
    *batch = batch_of(&pending);
    return true;
}

bool rv_db_rejection(const rv_db *db, uint64_t after, rv_db_batch *batch, rv_error *reason) {
    rv_rejection rejection;
    RV_ASSERT(batch != NULL);
    if (!is_edge(db) || !rv_node_rejection(db->node, after, &rejection)) {
        return false;
    }
    *batch = batch_of(&rejection.batch);
    if (reason != NULL) {
        *reason = rejection.reason;
    }
    return true;
}

/* The batch, whether it waits or was refused. */
static bool find(const rv_db *db, uint64_t edge_sequence, rv_pending *pending) {
    rv_rejection rejection;
    if (edge_sequence == 0) {
        return false;
    }
    if (rv_node_pending(db->node, edge_sequence - 1, pending) &&
        pending->edge_sequence == edge_sequence) {
        return true;
    }
    const bool found = rv_node_rejection(db->node, edge_sequence - 1, &rejection) &&
                       rejection.batch.edge_sequence == edge_sequence;
    if (found) {
        *pending = rejection.batch;
    }
    RV_ASSERT(!found || pending->count > 0);
    return found;
}

bool rv_db_batch_event(const rv_db *db, const rv_db_batch *batch, uint32_t index,
                       rv_db_event *event) {
    rv_pending pending;
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event found;
    RV_ASSERT(batch != NULL && event != NULL);
    if (!is_edge(db) || !find(db, batch->edge_sequence, &pending) || index >= pending.count) {
        return false;
    }
    for (uint32_t i = 0; i <= index; i += 1) {
        if (!rv_node_pending_event(db->node, &pending, &cursor, &found)) {
            return false;
        }
    }
    const rv_event as_event = {.type = found.type,
                               .schema_version = (uint32_t)pending.schema_version,
                               .written_at = pending.written_at,
                               .batch_end = index + 1 == pending.count,
                               .metadata = found.metadata,
                               .data = found.data};
    rv_db_event_of(db, &as_event, found.path, event);
    memcpy(event->event_id, found.event_id, sizeof event->event_id);
    return true;
}

rv_status rv_db_pending_reason(rv_db *db, uint64_t edge_sequence, rv_error *reason) {
    rv_pending pending;
    RV_ASSERT(reason != NULL);
    if (!is_edge(db) || edge_sequence == 0 ||
        !rv_node_pending(db->node, edge_sequence - 1, &pending) ||
        pending.edge_sequence != edge_sequence) {
        return RV_OK;
    }
    return pending.due ? rv_node_command_reason(db->node, &pending, reason)
                       : rv_node_pending_reason(db->node, edge_sequence, reason);
}

/* Waits, where calls wait, until what was written to the ledger is durable. */
static rv_status wait_ledger(rv_db *db, rv_error *err) {
    const uint64_t batches = rv_log_batches(rv_node_log(db->node));
    rv_status status = RV_OK;
    while (db->waits && status == RV_OK &&
           rv_log_batches_durable(rv_node_log(db->node)) < batches) {
        status = rv_node_poll(db->node, err);
    }
    RV_ASSERT(status != RV_END);
    return status;
}

rv_status rv_db_acknowledge(rv_db *db, uint64_t edge_sequence, rv_error *err) {
    rv_rejection rejection;
    if (!is_edge(db) || edge_sequence == 0 ||
        !rv_node_rejection(db->node, edge_sequence - 1, &rejection) ||
        rejection.batch.edge_sequence != edge_sequence) {
        return rv_error_set(err, RV_NOT_FOUND, "batch %u was not refused", edge_sequence);
    }
    rv_status status;
    do {
        status = rv_node_rejection_forget(db->node, edge_sequence, err);
    } while (rv_db_again(db, status));
    RV_ASSERT(status != RV_END);
    return status == RV_OK ? wait_ledger(db, err) : status;
}

void rv_db_outbox_of(const rv_db *db, rv_db_outbox *outbox) {
    RV_ASSERT(outbox != NULL);
    memset(outbox, 0, sizeof *outbox);
    if (!is_edge(db)) {
        return;
    }
    const rv_outbox_facts facts = rv_node_outbox(db->node);
    *outbox = (rv_db_outbox){.pending = facts.pending,
                             .suspended = facts.suspended,
                             .rejections = facts.rejections,
                             .next = facts.next_sequence,
                             .durable = facts.durable,
                             .settled = facts.settled,
                             .bytes = facts.bytes,
                             .bytes_max = facts.bytes_max,
                             .keys_left = rv_node_keys_facts(db->node).left};
    rv_forked forked;
    if (rv_node_forked(db->node, &forked)) {
        outbox->forks = forked.count;
        outbox->forked_at = forked.at;
    }
}

rv_db_outcome rv_db_outcome_of(const rv_db *db, uint64_t edge_sequence, uint64_t *position,
                               rv_error *reason) {
    rv_outcome outcome;
    if (!is_edge(db) || !rv_node_outcome(db->node, edge_sequence, &outcome)) {
        return RV_DB_OUTCOME_UNKNOWN;
    }
    RV_ASSERT(outcome.kind <= RV_OUTCOME_REJECTED);
    if (position != NULL) {
        *position = outcome.position;
    }
    if (reason != NULL && outcome.kind == RV_OUTCOME_REJECTED) {
        *reason = outcome.reason;
    }
    return outcome.kind == RV_OUTCOME_WAITING    ? RV_DB_OUTCOME_WAITING
           : outcome.kind == RV_OUTCOME_ACCEPTED ? RV_DB_OUTCOME_ACCEPTED
                                                 : RV_DB_OUTCOME_REJECTED;
}

/* --- writing --- */

/* A batch that was written, or was known: as it waits, or as the log has it. */
static void describe(const rv_db *db, const rv_event *results, size_t count,
                     const rv_written *written, rv_db_event *events) {
    rv_pending batch;
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event pending;
    const bool waits = results[count - 1].position == 0 && find(db, written->edge_sequence, &batch);
    for (size_t i = 0; i < count; i += 1) {
        rv_bytes path = {NULL, 0};
        if (waits && rv_node_pending_event(db->node, &batch, &cursor, &pending)) {
            path = pending.path;
        } else if (results[i].stream < rv_state_stream_count(rv_node_state(db->node))) {
            rv_stream_head head;
            rv_state_stream(rv_node_state(db->node), results[i].stream, &head);
            path = head.path;
        }
        RV_ASSERT(results[i].type != RV_SYSTEM_SCHEMA_TYPE);
        rv_db_event_of(db, &results[i], path, &events[i]);
        events[i].edge_sequence = waits ? written->edge_sequence : 0;
    }
}

rv_status rv_db_write(rv_db *db, const rv_command *command, const rv_append *appends, size_t count,
                      rv_event *results, rv_db_event *events, rv_error *err) {
    const rv_writes writes = {.events = appends, .count = count, .command = command};
    rv_written written;
    rv_status status;
    RV_ASSERT(is_edge(db) && results != NULL);
    do {
        status = rv_node_write(db->node, &writes, results, &written, err);
    } while (rv_db_again(db, status));
    if (status != RV_OK) {
        return status;
    }
    if (events != NULL) {
        describe(db, results, count, &written, events);
    }
    return wait_ledger(db, err);
}

/* --- commands --- */

bool rv_db_command_due(const rv_db *db, uint64_t after, rv_db_batch *batch) {
    rv_pending due;
    RV_ASSERT(batch != NULL);
    if (!is_edge(db) || !rv_node_command_due(db->node, after, &due)) {
        return false;
    }
    *batch = batch_of(&due);
    return true;
}

static rv_status no_command(rv_error *err, uint64_t edge_sequence) {
    RV_ASSERT(edge_sequence <= UINT64_MAX);
    return rv_error_set(err, RV_NOT_FOUND, "batch %u is no command that is due", edge_sequence);
}

rv_status rv_db_command_begin(rv_db *db, uint64_t edge_sequence, rv_error *err) {
    RV_ASSERT(db != NULL);
    return is_edge(db) && edge_sequence < UINT64_MAX
               ? rv_node_command_begin(db->node, edge_sequence, err)
               : no_command(err, edge_sequence);
}

rv_status rv_db_command_done(rv_db *db, uint64_t edge_sequence, const rv_append *appends,
                             size_t count, rv_error *err) {
    rv_written written;
    RV_ASSERT(appends != NULL || count == 0);
    if (!is_edge(db) || edge_sequence == UINT64_MAX) {
        return no_command(err, edge_sequence);
    }
    rv_arena_reset(&db->scratch, 0);
    rv_event *const results = count > RV_PUSH_EVENTS_MAX
                                  ? NULL
                                  : rv_arena_take(&db->scratch, (count + 1) * sizeof *results);
    if (results == NULL) {
        return rv_error_set(err, RV_BATCH_TOO_LARGE, "a batch of %u events is too large here",
                            (uint64_t)count);
    }
    rv_status status;
    do {
        status =
            rv_node_command_done(db->node, edge_sequence, appends, count, results, &written, err);
    } while (rv_db_again(db, status));
    return status == RV_OK ? wait_ledger(db, err) : status;
}

rv_status rv_db_command_refuse(rv_db *db, uint64_t edge_sequence, rv_bytes code, rv_bytes detail,
                               rv_error *err) {
    rv_error refusal;
    rv_status status;
    RV_ASSERT(code.ptr != NULL || code.len == 0);
    if (!is_edge(db) || edge_sequence == UINT64_MAX) {
        return no_command(err, edge_sequence);
    }
    (void)rv_error_set(&refusal, RV_COMMAND_REFUSED, "%b", &detail);
    rv_error_fact_text(&refusal, "refusal", code);
    do {
        status = rv_node_command_refuse(db->node, edge_sequence, &refusal, err);
    } while (rv_db_again(db, status));
    return status == RV_OK ? wait_ledger(db, err) : status;
}

void rv_db_command_end(rv_db *db) {
    RV_ASSERT(db != NULL && db->node != NULL);
    rv_node_command_end(db->node);
}
