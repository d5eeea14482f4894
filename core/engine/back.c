/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for the schema. An edge that has gone back may hold batches, written or refused under
 * a version of the schema that is behind the common point: until that is there again, nobody can
 * tell what their events are. So they stand aside in the ledger,
 *
 *     BACK   kind, its key   -> its value
 *
 * and become what they were, with the ledger's next batch, when the schema has their version. If
 * the schema was made again otherwise, the root judges what comes of it, as of every push. So does
 * what was written before the upstream was met, under names (engine/provisional.h). Commands
 * of theirs count as sent when later ones were: how far is one number, and what may have been
 * decided must not become another batch. What is in the log by then is no more waiting: it would be
 * shown twice.
 */
#include "core/base/assert.h"
#include "core/engine/internal.h"

static const rv_bytes no_key = {NULL, 0};

/* What the entry was, and the batch in it. False: it is none that this version can have made. */
static bool original(const rv_ledger_entry *entry, rv_ledger_entry *was, rv_pending *batch) {
    rv_error reason;
    rv_bytes value = entry->value;
    RV_ASSERT(entry->kind == RV_LEDGER_BACK);
    if (entry->key.len != 1 + RV_PENDING_KEY) {
        return false;
    }
    *was = (rv_ledger_entry){entry->key.ptr[0], rv_bytes_from(entry->key, 1), entry->value};
    return (was->kind == RV_LEDGER_PENDING || was->kind == RV_LEDGER_REJECTION) &&
           rv_pending_entry_valid(was) &&
           (was->kind == RV_LEDGER_PENDING || rv_rejection_read(entry->value, &reason, &value)) &&
           rv_pending_read(value, batch);
}

/* True when the schema has all that the batch names, by its numbers. */
static bool is_known(const rv_node *node, const rv_pending *batch) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    bool known = batch->schema_version != RV_SCHEMA_PROVISIONAL &&
                 batch->schema_version <= rv_schema_version(node->schema);
    while (known && rv_pending_event_next(batch, &cursor, &event)) {
        known = event.type < rv_schema_event_type_count(node->schema);
    }
    return known;
}

static uint32_t first_of(const rv_node *node) {
    const uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_BACK, no_key);
    RV_ASSERT(index <= rv_ledger_count(&node->ledger));
    return index;
}

void rv_outbox_back_open(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    const uint32_t end = rv_ledger_seek(&node->ledger, RV_LEDGER_BACK + 1, no_key);
    RV_ASSERT(end >= first_of(node));
    o->held_back = end - first_of(node);
    o->held_back_version = 0;
    o->unknown = 0;
    for (uint32_t i = first_of(node); i < end; i += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, i);
        rv_ledger_entry was;
        rv_pending batch;
        o->unknown +=
            original(&entry, &was, &batch) && batch.schema_version == RV_SCHEMA_PROVISIONAL;
    }
}

uint64_t rv_outbox_back_first(const rv_node *node) {
    const uint32_t index = first_of(node);
    rv_ledger_entry entry;
    if (index == rv_ledger_count(&node->ledger)) {
        return UINT64_MAX;
    }
    entry = rv_ledger_at(&node->ledger, index);
    RV_ASSERT(entry.kind >= RV_LEDGER_BACK);
    return entry.kind == RV_LEDGER_BACK && entry.key.len == 1 + RV_PENDING_KEY &&
                   entry.key.ptr[0] == RV_LEDGER_PENDING
               ? rv_pending_key_read(rv_bytes_from(entry.key, 1))
               : UINT64_MAX;
}

/* Makes of a batch that was written under a provisional schema what it is in this one; where it was
 * refused, behind the reason. False: it is not known. */
static bool translated(rv_node *node, rv_ledger_entry *was) {
    rv_error reason;
    rv_bytes batch = was->value;
    if (was->kind == RV_LEDGER_REJECTION && !rv_rejection_read(was->value, &reason, &batch)) {
        return false;
    }
    rv_arena_reset(&node->results, 0);
    rv_writer w = rv_writer_over(node->results.ptr, node->results.cap);
    rv_write(&w, rv_bytes_of(was->value.ptr, was->value.len - batch.len));
    rv_writer rest = rv_writer_over(w.ptr + w.len, rv_writer_room(&w));
    const bool known = rv_provisional_translate(node, batch, &rest);
    RV_ASSERT(batch.len <= was->value.len && !w.full);
    was->value = rv_bytes_of(w.ptr, w.len + rest.len);
    return known;
}

/* Is the event in the log, as it waits? RV_OK, RV_END; RV_PENDING, RV_BUSY: poll, then again. What
 * cannot be read is for the root to know. */
static rv_status find_event(rv_node *node, const rv_pending_event *event, uint64_t *position) {
    uint64_t sequence = 0;
    rv_batch batch;
    rv_record record;
    bool there = false;
    rv_status status = rv_log_find_id(node->log, event->event_id, 1, &sequence, NULL);
    if (status == RV_OK) {
        rv_log_cursor cursor = rv_log_cursor_at(sequence);
        status = rv_node_read(node, &cursor, &batch, NULL);
        status = status == RV_END ? RV_PENDING : status; /* it is not durable yet */
    }
    if (status != RV_OK) {
        return status == RV_PENDING || status == RV_BUSY ? status : RV_END;
    }
    rv_record_context context = rv_batch_context(&batch, node->log);
    rv_cursor c = rv_cursor_over(batch.body);
    while (!there && rv_cursor_left(&c) > 0 && rv_record_read(&c, &context, &record)) {
        there = record.kind == RV_RECORD_EVENT && record.event.sequence == sequence &&
                record.event.type == event->type && rv_bytes_equal(record.event.data, event->data);
    }
    *position = there ? record.event.position : 0;
    return there ? RV_OK : RV_END;
}

/* Are all events of the batch that the edge covers? Others may have given them meanwhile, or its
 * caller, who gave it again; nobody compared them with what stood aside. The batch is accepted
 * then, as where an event arrives that waits (rv_outbox_arrive). Answers as find_event. */
static rv_status find_batch(rv_node *node, rv_bytes value, rv_pending *batch) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    rv_status status = RV_END;
    const bool good = rv_pending_read(value, batch);
    RV_ASSERT(good);
    while (rv_pending_event_next(batch, &cursor, &event)) {
        if (event.blind || !rv_outbox_covers(node, event.path)) {
            continue;
        }
        status = find_event(node, &event, &batch->position);
        if (status != RV_OK) {
            return status;
        }
    }
    return status;
}

/* Writes that those which are known are what they were, as many as the body takes, or nothing any
 * more. RV_OK: all; RV_PENDING, RV_BUSY: poll, then the others. */
static rv_status write_known(rv_node *node, rv_ledger_changes *changes) {
    rv_status status = RV_OK;
    uint32_t unknown = 0;
    for (uint32_t i = 0; i < node->outbox.held_back && status == RV_OK; i += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, first_of(node) + i);
        rv_ledger_entry was;
        rv_pending batch;
        if (!original(&entry, &was, &batch)) {
            continue;
        }
        const bool provisional = batch.schema_version == RV_SCHEMA_PROVISIONAL;
        const bool counts = unknown > 0 && batch.counted_count > 0; /* what may stay aside */
        if (provisional ? counts || !translated(node, &was) : !is_known(node, &batch)) {
            unknown += provisional;
            continue;
        }
        const bool waits = was.kind == RV_LEDGER_PENDING;
        const rv_status found = waits ? find_batch(node, was.value, &batch) : RV_END;
        if (found == RV_PENDING || found == RV_BUSY) {
            return found;
        }
        const size_t mark = changes->body->len;
        status = rv_ledger_remove(&node->ledger, changes, entry.kind, entry.key);
        if (status == RV_OK && found == RV_END) {
            status = rv_ledger_put(&node->ledger, changes, &was);
        } else if (status == RV_OK) {
            rv_outbox_note_decided(node, rv_pending_key_read(was.key), batch.position);
            node->outbox.settle_due = true;
        }
        changes->body->len = status == RV_OK ? changes->body->len : mark; /* both, or none */
    }
    RV_ASSERT(!changes->body->full);
    return status == RV_OK && unknown == 0 ? rv_provisional_unname(node, changes) : status;
}

rv_status rv_outbox_back_write(rv_node *node, rv_error *err) {
    rv_writer body;
    rv_outbox_back_open(node);
    if (rv_schema_version(node->schema) == 0 ||
        (node->outbox.held_back == 0 && !rv_provisional_waits(node))) {
        return RV_END;
    }
    rv_status status = rv_node_ledger_begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    status = write_known(node, &changes);
    if (body.len == 0) {
        rv_log_append_cancel(node->log);
        return RV_END;
    }
    rv_node_ledger_commit(node, &body, &changes);
    return status == RV_OK ? RV_END : RV_OK;
}

void rv_outbox_back_poll(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    const uint32_t now = rv_schema_version(node->schema);
    rv_writer body;
    if (o->held_back_version == now) {
        return; /* most of the time: it was looked at, or there is no schema */
    }
    if (o->held_back == 0 && !rv_provisional_waits(node)) {
        o->held_back_version = now;
        return;
    }
    if (now == 0 || o->partial || node->receiving.active ||
        rv_node_check_writable(node, NULL) != RV_OK ||
        rv_node_ledger_begin(node, &body, NULL) != RV_OK) {
        return;
    }
    rv_ledger_changes changes = rv_ledger_begin(&body);
    const rv_status status = write_known(node, &changes);
    const bool waits = status == RV_PENDING || status == RV_BUSY;
    if (status == RV_OK || (body.len == 0 && !waits)) {
        o->held_back_version = rv_schema_version(node->schema); /* the others: another time */
    }
    if (body.len == 0) {
        rv_log_append_cancel(node->log);
        return;
    }
    const uint32_t version = o->held_back_version;
    o->came_back += 1;
    rv_node_ledger_commit(node, &body, &changes);
    o->decided_batch = o->settle_due ? rv_log_batches(node->log) : o->decided_batch;
    rv_outbox_back_open(node);
    o->held_back_version = version;
    rv_outbox_recount(node);
}
