/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that has run again: what it made is completed, judged and folded like a new batch, over
 * what is laid before it, and takes the place of what it made before. It is compared with that,
 * byte for byte: where nothing is other than before, nothing is written.
 */
#include "core/engine/write.h"

#include "core/base/assert.h"

/* True when what it made is what waits. */
static bool is_unchanged(const rv_node *node, const rv_writing *w) {
    uint8_t key[RV_PENDING_KEY];
    rv_bytes before;
    rv_pending_key(w->again->edge_sequence, key);
    const bool there =
        rv_ledger_get(&node->ledger, RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key), &before);
    RV_ASSERT(there && before.len > RV_PENDING_HEAD);
    const uint8_t flags = before.ptr[RV_PENDING_AT_FLAGS] & (uint8_t)~RV_PENDING_DUE;
    const rv_bytes now = rv_writer_bytes(&w->value);
    return flags == now.ptr[RV_PENDING_AT_FLAGS] &&
           rv_load_u16(before.ptr + RV_PENDING_AT_COVERED) == w->covered &&
           rv_bytes_equal(rv_bytes_from(before, RV_PENDING_HEAD - 8),
                          rv_bytes_from(now, RV_PENDING_HEAD - 8));
}

/* How many of the batch's covered events are of the stream. */
static uint32_t events_of(const rv_pending *batch, rv_bytes path) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    uint32_t count = 0;
    RV_ASSERT(batch->count > 0);
    while (rv_pending_event_next(batch, &cursor, &event)) {
        count += !event.blind && rv_bytes_equal(event.path, path);
    }
    return count;
}

/* True when an expected version of the batch that waits counts events of `before` that `now` has
 * not. Were it left, others' events could make up the number. */
static bool loses(const rv_pending *batch, const rv_pending *before, const rv_pending *now) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    bool lost = false;
    if (batch->command.name.len > 0 || !rv_pending_counts(batch, before->edge_sequence)) {
        return false;
    }
    while (!lost && rv_pending_event_next(batch, &cursor, &event)) {
        lost = !event.blind && event.expected == RV_EXPECTED_NUMBER &&
               events_of(now, event.path) < events_of(before, event.path);
    }
    RV_ASSERT(batch->edge_sequence > before->edge_sequence);
    return lost;
}

/* The next batch behind `after` that loses what it counts. */
static bool next_losing(const rv_node *node, uint64_t after, const rv_pending *before,
                        const rv_pending *now, rv_pending *losing) {
    bool found = false;
    RV_ASSERT(after >= before->edge_sequence);
    while (!found && node->outbox.counting > 0 && rv_node_pending(node, after, losing)) {
        after = losing->edge_sequence;
        found = loses(losing, before, now);
    }
    return found;
}

/* The entry takes the place of the one that waits, leaving the room for decisions, and who loses by
 * it what it counts is noted. */
static rv_status write_entry_again(rv_node *node, const rv_writing *w, const rv_pending *now,
                                   rv_ledger_changes *changes, rv_error *err) {
    const rv_outbox *const o = &node->outbox;
    uint8_t key[RV_PENDING_KEY];
    rv_bytes before;
    rv_pending_key(w->again->edge_sequence, key);
    const rv_ledger_entry entry = {RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key),
                                   rv_writer_bytes(&w->value)};
    const bool there = rv_ledger_get(&node->ledger, RV_LEDGER_PENDING, entry.key, &before);
    const size_t reserve = (size_t)RV_OUTBOX_RESERVE * o->pending;
    size_t notes = 0;
    rv_pending losing = {.edge_sequence = w->again->edge_sequence};
    while (next_losing(node, losing.edge_sequence, w->again, now, &losing)) {
        notes += rv_ledger_cost(RV_PENDING_KEY, sizeof(uint64_t));
    }
    RV_ASSERT(there && o->pending > 0);
    if (rv_ledger_used(&node->ledger) + entry.value.len + notes + reserve >
        node->ledger.cap + before.len) {
        return rv_writing_full(node, err);
    }
    rv_status status = rv_ledger_put(&node->ledger, changes, &entry);
    if (status == RV_OK) {
        status = rv_keys_write(node, &w->keys, o->next_sequence - 1, changes);
    }
    RV_ASSERT(status == RV_OK);
    losing.edge_sequence = w->again->edge_sequence;
    while (status == RV_OK && next_losing(node, losing.edge_sequence, w->again, now, &losing)) {
        status = rv_outbox_write_lost(node, changes, losing.edge_sequence);
    }
    return status == RV_OK ? RV_OK
                           : rv_error_set(err, RV_BATCH_TOO_LARGE,
                                          "more batches expect what it made before than are noted "
                                          "at a time");
}

/* True when the batch has as many events as before, of the same streams: their ids are the same. */
static bool same_streams(const rv_pending *before, const rv_pending *now) {
    rv_pending_cursor a = {0, 0}, b = {0, 0};
    rv_pending_event was, is;
    bool same = before->count == now->count;
    RV_ASSERT(before->edge_sequence == now->edge_sequence);
    while (same && rv_pending_event_next(before, &a, &was)) {
        same = rv_pending_event_next(now, &b, &is) && was.blind == is.blind &&
               rv_bytes_equal(was.path, is.path);
    }
    return same;
}

static void note_again(rv_node *node, const rv_writing *w, bool indexed) {
    rv_outbox *const o = &node->outbox;
    uint8_t key[RV_PENDING_KEY];
    rv_pending_key(w->written->edge_sequence, key);
    uint8_t *const value =
        rv_ledger_notes(&node->ledger, RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key));
    RV_ASSERT(value != NULL && o->partial);
    value[RV_PENDING_AT_FLAGS] &= (uint8_t)~RV_PENDING_DUE;
    value[RV_PENDING_AT_STATE] = RV_PENDING_WAITING;
    rv_store_u16(value + RV_PENDING_AT_REASON, 0);
    o->laid_to = w->written->edge_sequence;
    o->running = 0;
    o->keys_revision += w->keys.count > 0;
    if (!indexed) {
        rv_waiting_make(node);
    }
}

rv_status rv_outbox_write_again(rv_node *node, const rv_pending *again, const rv_writes *writes,
                                rv_event *results, rv_written *written, rv_error *err) {
    rv_writing w = {.given = writes, .again = again, .results = results, .written = written};
    rv_writer body;
    *written = (rv_written){.edge_sequence = again->edge_sequence};
    rv_arena_reset(&node->results, 0);
    rv_status status = rv_writing_check(node, writes, err);
    status = status == RV_OK ? rv_node_ledger_begin(node, &body, err) : status;
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(node->outbox.partial && writes->command != NULL);
    const rv_savepoint savepoint = rv_state_savepoint(node->state);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    w.now = again->written_at;
    rv_writing_begin(node, &w);
    status = rv_writing_batch(node, &w, err);
    rv_pending now = {.edge_sequence = again->edge_sequence};
    const bool good = status == RV_OK && rv_pending_read(rv_writer_bytes(&w.value), &now);
    const bool changed = good && !is_unchanged(node, &w);
    RV_ASSERT(good == (status == RV_OK));
    if (changed) {
        status = write_entry_again(node, &w, &now, &changes, err);
    }
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        rv_state_rollback_to(node->state, savepoint);
        return status;
    }
    const bool indexed = same_streams(again, &now);
    if (changed) {
        node->outbox.counting += w.counting;
        node->outbox.counting -= again->counted_count > 0;
        rv_node_ledger_commit(node, &body, &changes); /* `again` is not valid any more */
    } else {
        rv_log_append_cancel(node->log);
    }
    written->changed = changed;
    memcpy(written->command_id, w.command_id, sizeof w.command_id);
    note_again(node, &w, indexed);
    return RV_OK;
}
