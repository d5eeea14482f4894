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

/* The entry takes the place of the one that waits, leaving the room for decisions. */
static rv_status write_entry_again(rv_node *node, const rv_writing *w, rv_ledger_changes *changes,
                                   rv_error *err) {
    const rv_outbox *const o = &node->outbox;
    uint8_t key[RV_PENDING_KEY];
    rv_bytes before;
    rv_pending_key(w->again->edge_sequence, key);
    const rv_ledger_entry entry = {RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key),
                                   rv_writer_bytes(&w->value)};
    const bool there = rv_ledger_get(&node->ledger, RV_LEDGER_PENDING, entry.key, &before);
    const size_t reserve = (size_t)RV_OUTBOX_RESERVE * o->pending;
    RV_ASSERT(there && o->pending > 0);
    if (rv_ledger_used(&node->ledger) + entry.value.len + reserve > node->ledger.cap + before.len) {
        return rv_writing_full(node, err);
    }
    rv_status status = rv_ledger_put(&node->ledger, changes, &entry);
    if (status == RV_OK) {
        status = rv_keys_write(node, &w->keys, o->next_sequence - 1, changes);
    }
    RV_ASSERT(status == RV_OK);
    return status;
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
    const bool changed = status != RV_OK || !is_unchanged(node, &w);
    if (status == RV_OK && changed) {
        status = write_entry_again(node, &w, &changes, err);
    }
    if (status != RV_OK) {
        rv_log_append_cancel(node->log);
        rv_state_rollback_to(node->state, savepoint);
        return status;
    }
    rv_pending now = {.edge_sequence = again->edge_sequence};
    const bool good = rv_pending_read(rv_writer_bytes(&w.value), &now);
    const bool indexed = good && same_streams(again, &now);
    if (changed) {
        node->outbox.counting += w.counting;
        node->outbox.counting -= again->counted_count > 0;
        rv_node_ledger_commit(node, &body, &changes); /* `again` is not valid any more */
    } else {
        rv_log_append_cancel(node->log);
    }
    RV_ASSERT(good);
    written->changed = changed;
    memcpy(written->command_id, w.command_id, sizeof w.command_id);
    note_again(node, &w, indexed);
    return RV_OK;
}
