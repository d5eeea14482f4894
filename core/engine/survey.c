/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits when an edge has gone back: see engine/rewind.h. The ledger's records are replayed as
 * at any opening, but behind the position to which it goes back a batch that leaves the outbox
 * because the root has accepted it stays: it is noted as accepted. In the end
 *
 *     waits, was never decided        waits, with what it expected
 *     was accepted                    waits, and expects nothing any more: the root that judged it
 *                                     is no more, and it is to come back
 *     was refused                     refused: the application may have been told
 *     a leased block of keys          gone: it is void
 *     written under a later schema    aside, until that is there again (engine/back.c)
 *
 * What it was told to hold behind the position it is told again (RV_LEDGER_SELECT).
 *
 * and the node has a new incarnation, so whatever is pushed is new to the root but for its ids.
 */
#include "core/base/assert.h"
#include "core/engine/internal.h"

static const rv_bytes no_key = {NULL, 0};

/* --- reading --- */

static bool is_beyond(const rv_node *node) {
    rv_log_end_place place;
    return rv_log_recover_passed(node->log, &place);
}

/* The batch that waits under this key. */
static bool pending_of(const rv_node *node, rv_bytes key, rv_pending *batch) {
    rv_bytes value;
    RV_ASSERT(key.len > 0);
    return rv_ledger_get(&node->ledger, RV_LEDGER_PENDING, key, &value) &&
           rv_pending_read(value, batch);
}

/* True for a command that has left without having been sent: its function made nothing of it. */
static bool made_nothing(const rv_node *node, rv_bytes key) {
    rv_bytes sent;
    rv_pending batch;
    if (!pending_of(node, key, &batch) || batch.command.name.len == 0) {
        return false;
    }
    RV_ASSERT(key.len == RV_PENDING_KEY);
    return !rv_ledger_get(&node->ledger, RV_LEDGER_SENT, no_key, &sent) ||
           rv_load_u64(sent.ptr) < rv_pending_key_read(key);
}

/* A batch has left the outbox, behind the position: accepted, as far as is known here. */
static void note_accepted(rv_node *node, rv_bytes key) {
    uint8_t *const value = rv_ledger_notes(&node->ledger, RV_LEDGER_PENDING, key);
    if (value != NULL) {
        value[RV_PENDING_AT_STATE] = RV_PENDING_ACCEPTED;
    }
    RV_ASSERT(key.len == RV_PENDING_KEY || value == NULL);
}

/* A command waits under this key: what it was before it was refused is no more. */
static void forget_attempts(rv_node *node, const rv_ledger_entry *put) {
    rv_pending command, other;
    const bool good = rv_pending_read(put->value, &command);
    RV_ASSERT(good && put->kind == RV_LEDGER_PENDING); /* it was checked when it was read */
    uint32_t index = rv_ledger_seek(&node->ledger, RV_LEDGER_PENDING, no_key);
    while (command.attempt > 0 && index < rv_ledger_count(&node->ledger)) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
        if (entry.kind != RV_LEDGER_PENDING) {
            return;
        }
        const bool same = rv_pending_read(entry.value, &other) && other.command.name.len > 0 &&
                          memcmp(other.command_id, command.command_id, 16) == 0;
        if (same && !rv_bytes_equal(entry.key, put->key)) {
            uint8_t key[RV_PENDING_KEY];
            memcpy(key, entry.key.ptr, sizeof key);
            rv_ledger_unset(&node->ledger, RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key));
        } else {
            index += 1;
        }
    }
}

static rv_status take_record(rv_node *node, const rv_record *record, rv_error *err) {
    rv_ledger_entry entry;
    const bool put = record->kind == RV_RECORD_LEDGER_PUT;
    if (!rv_ledger_record_read(record, &entry) || (put && !rv_pending_entry_valid(&entry))) {
        return rv_error_set(err, RV_DATA_DAMAGED, "a record of what waits is malformed");
    }
    if (is_beyond(node) && entry.kind == RV_LEDGER_PENDING) {
        if (put) {
            forget_attempts(node, &entry);
        } else if ((record->flags & RV_RECORD_LEDGER_DROPPED) == 0 &&
                   !made_nothing(node, entry.key)) {
            note_accepted(node, entry.key);
            return RV_OK;
        }
    }
    if (put && entry.kind == RV_LEDGER_REJECTION) { /* it was not accepted after all */
        rv_ledger_unset(&node->ledger, RV_LEDGER_PENDING, entry.key);
    }
    RV_ASSERT(put || record->kind == RV_RECORD_LEDGER_REMOVE);
    return rv_ledger_replay(&node->ledger, record) == RV_OK
               ? RV_OK
               : rv_error_set(err, RV_OUTBOX_FULL,
                              "what this edge wrote since position %u does not fit its outbox of "
                              "%u bytes again; open it with a larger memory budget",
                              node->rewinding.to.watermark, (uint64_t)node->ledger.cap);
}

/* What is held, and what is to be, as the log's records say it. */
static rv_status take_selection(rv_node *node, const rv_record *record, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    rv_selection selection;
    if (record->kind == RV_RECORD_SELECTION) {
        r->selects = r->selects || r->to.adopts || is_beyond(node);
        r->swaps =
            r->swaps || (is_beyond(node) && (record->flags & RV_RECORD_SELECTION_NARROWS) != 0);
        return rv_held_meet(&node->held, record->flags, record->body, err);
    }
    if (record->kind == RV_RECORD_BASE_BEGIN) {
        rv_cursor c = rv_cursor_over(record->body);
        r->base_position = rv_read_varint(&c);
        r->base_len = rv_cursor_left(&c);
        if (c.bad || r->base_position > RV_POSITION_MAX || r->base_len > node->results.cap) {
            return rv_error_set(err, RV_DATA_DAMAGED, "the log holds a base that is none");
        }
        memcpy(node->results.ptr, c.ptr, r->base_len);
        return RV_OK;
    }
    RV_ASSERT(record->kind == RV_RECORD_BASE_END);
    r->selects = r->selects || is_beyond(node);
    const rv_bytes bytes = rv_bytes_of(node->results.ptr, r->base_len);
    if (rv_selection_decode(bytes, &selection, NULL) != RV_OK) {
        return rv_error_set(err, RV_DATA_DAMAGED, "the log holds a base that is none");
    }
    const bool other = !rv_selection_equal(&selection, &node->held.selection);
    r->swaps = r->swaps || (is_beyond(node) && other);
    return rv_held_become(&node->held, &selection, r->base_position, err);
}

/* Which version the schema has at the place; what a provisional one was (engine/provisional.h). */
static rv_status take_event(rv_node *node, const rv_event *event, rv_error *err) {
    rv_rewinding *const r = &node->rewinding;
    r->rewound.dropped += is_beyond(node);
    if (event->type != RV_SYSTEM_SCHEMA_TYPE) {
        return RV_OK;
    }
    if (!is_beyond(node)) {
        r->schema_version = event->schema_version;
    }
    RV_ASSERT(!r->to.adopts || r->schema_version == 0);
    return r->to.adopts ? rv_schema_apply(node->schema, event->data, err) : RV_OK;
}

static rv_status take_batch(rv_node *node, const rv_batch *batch, rv_error *err) {
    rv_record_context context = rv_batch_context(batch, node->log);
    rv_cursor c = rv_cursor_over(batch->body);
    rv_status status = RV_OK;
    while (status == RV_OK && rv_cursor_left(&c) > 0) { /* goes on by a record */
        rv_record record;
        if (!rv_record_read(&c, &context, &record)) {
            return rv_error_set(err, RV_DATA_NEWER, "the log holds a record of a later version");
        }
        if (record.kind == RV_RECORD_EVENT) {
            status = take_event(node, &record.event, err);
        } else if (record.kind == RV_RECORD_LEDGER_PUT || record.kind == RV_RECORD_LEDGER_REMOVE) {
            status = take_record(node, &record, err);
        } else if (record.kind == RV_RECORD_SELECTION || record.kind == RV_RECORD_BASE_BEGIN ||
                   record.kind == RV_RECORD_BASE_END) {
            status = take_selection(node, &record, err);
        }
    }
    RV_ASSERT(status != RV_PENDING);
    return status;
}

/* --- what it becomes --- */

/* A batch that was accepted, as it waits again: it expects nothing, and counts no others. What
 * follows of a command stays. */
static void write_again(const rv_pending *batch, rv_bytes value, rv_writer *w) {
    const rv_pending_head head = {batch->written_at, batch->schema_version, batch->principal,
                                  batch->count};
    const size_t rest = (size_t)(batch->counted.ptr + batch->counted.len - value.ptr);
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    RV_ASSERT(batch->counted.ptr >= value.ptr && rest <= value.len);
    rv_pending_write_head(w, &head);
    while (rv_pending_event_next(batch, &cursor, &event)) {
        event.expected = RV_EXPECTED_ANY;
        rv_pending_write_event(w, &event);
    }
    rv_write_varint(w, 0);
    rv_write(w, rv_bytes_from(value, rest));
    RV_ASSERT(!w->full);
    w->ptr[RV_PENDING_AT_FLAGS] = value.ptr[RV_PENDING_AT_FLAGS] & (uint8_t)~RV_PENDING_DUE;
    rv_store_u16(w->ptr + RV_PENDING_AT_COVERED, (uint16_t)batch->covered);
}

/* The batch at this index waits as if it had never been pushed. False: there is no room. */
static bool wait_again(rv_node *node, uint32_t index) {
    const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
    rv_pending batch;
    const bool good = rv_pending_read(entry.value, &batch);
    RV_ASSERT(good && entry.kind == RV_LEDGER_PENDING); /* it was checked when it was read */
    uint8_t *const notes = rv_ledger_notes(&node->ledger, entry.kind, entry.key);
    if (batch.after > node->rewinding.to.watermark) { /* it was judged where nobody is any more */
        rv_pending_run_after(notes, entry.value.len, node->rewinding.to.watermark);
    }
    if (batch.state != RV_PENDING_ACCEPTED) {
        notes[RV_PENDING_AT_STATE] = RV_PENDING_WAITING;
        rv_store_u64(notes + RV_PENDING_AT_POSITION, 0);
        return true;
    }
    uint8_t key[RV_PENDING_KEY];
    memcpy(key, entry.key.ptr, sizeof key);
    rv_arena_reset(&node->results, 0);
    rv_writer w = rv_writer_over(node->results.ptr, node->results.cap);
    write_again(&batch, entry.value, &w);
    node->rewinding.rewound.requeued += 1;
    const rv_ledger_entry again = {RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key),
                                   rv_writer_bytes(&w)};
    return rv_ledger_set(&node->ledger, &again);
}

/* The entry at this index, written under a version of the schema that will not be there: it stands
 * aside. False: there is no room. `*aside` tells whether it did. */
static bool stand_aside(rv_node *node, uint32_t index, bool *aside) {
    const rv_ledger_entry entry = rv_ledger_at(&node->ledger, index);
    rv_bytes value = entry.value;
    rv_error reason;
    rv_pending batch;
    const bool good =
        (entry.kind == RV_LEDGER_PENDING || rv_rejection_read(entry.value, &reason, &value)) &&
        rv_pending_read(value, &batch);
    RV_ASSERT(good); /* it was checked when it was read */
    *aside = batch.schema_version > node->rewinding.schema_version ||
             batch.schema_version == RV_SCHEMA_PROVISIONAL;
    if (!*aside) {
        return true;
    }
    uint8_t key[1 + RV_PENDING_KEY];
    key[0] = entry.kind;
    memcpy(key + 1, entry.key.ptr, RV_PENDING_KEY);
    rv_arena_reset(&node->results, 0);
    const rv_bytes kept = rv_arena_copy(&node->results, entry.value);
    RV_ASSERT(kept.ptr != NULL);
    rv_ledger_unset(&node->ledger, key[0], rv_bytes_of(key + 1, RV_PENDING_KEY));
    const rv_ledger_entry back = {RV_LEDGER_BACK, rv_bytes_of(key, sizeof key), kept};
    return rv_ledger_set(&node->ledger, &back);
}

/* Those of a kind. */
static bool stand_all_aside(rv_node *node, rv_ledger_kind kind) {
    uint32_t index = rv_ledger_seek(&node->ledger, (uint8_t)kind, no_key);
    bool fits = true;
    while (fits && index < rv_ledger_count(&node->ledger) &&
           rv_ledger_at(&node->ledger, index).kind == kind) { /* goes on by an entry */
        bool aside = false;
        fits = stand_aside(node, index, &aside);
        index += aside ? 0 : 1;
    }
    RV_ASSERT(kind == RV_LEDGER_PENDING || kind == RV_LEDGER_REJECTION);
    return fits;
}

/* Takes all entries of a kind away. */
static void unset_kind(rv_node *node, rv_ledger_kind kind) {
    const uint32_t first = rv_ledger_seek(&node->ledger, (uint8_t)kind, no_key);
    while (first < rv_ledger_count(&node->ledger)) { /* there is one less each time */
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, first);
        uint8_t key[RV_LEDGER_KEY_MAX];
        if (entry.kind != kind) {
            break;
        }
        memcpy(key, entry.key.ptr, entry.key.len);
        rv_ledger_unset(&node->ledger, (uint8_t)kind, rv_bytes_of(key, entry.key.len));
    }
}

/* A life that the root does not know. */
static bool renew(rv_node *node) {
    rv_bytes value;
    if (!rv_ledger_get(&node->ledger, RV_LEDGER_SELF, no_key, &value)) {
        return true; /* nothing was written here yet */
    }
    uint8_t self[RV_SELF_SIZE];
    RV_ASSERT(value.len == sizeof self);
    memcpy(self, value.ptr, sizeof self);
    rv_store_u32(self, rv_outbox_new_incarnation(node, rv_load_u32(self)));
    const rv_ledger_entry entry = {RV_LEDGER_SELF, no_key, rv_bytes_of(self, sizeof self)};
    return rv_ledger_set(&node->ledger, &entry);
}

static bool set_facts(rv_node *node) {
    rv_rewound *const r = &node->rewinding.rewound;
    if (node->rewinding.to.adopts) {
        return true; /* nothing that the root had is gone */
    }
    uint8_t bytes[RV_REWOUND_SIZE];
    rv_writer w = rv_writer_over(bytes, sizeof bytes);
    r->epoch = node->rewinding.to.epoch;
    r->to = node->rewinding.to.watermark;
    r->at = rv_node_now(node);
    rv_write_u32(&w, r->epoch);
    rv_write_u64(&w, r->from);
    rv_write_u64(&w, r->to);
    rv_write_u64(&w, r->dropped);
    rv_write_u64(&w, r->requeued);
    rv_write_u64(&w, (uint64_t)r->at);
    RV_ASSERT(!w.full && w.len == sizeof bytes);
    const rv_ledger_entry entry = {RV_LEDGER_REWOUND, no_key, rv_writer_bytes(&w)};
    return rv_ledger_set(&node->ledger, &entry);
}

static bool set_epoch(rv_node *node) {
    uint8_t bytes[RV_EPOCH_SIZE];
    const rv_rewind *const to = &node->rewinding.to;
    const rv_epoch epoch = {to->epoch, to->watermark, to->chain_hash, rv_node_now(node)};
    rv_epoch_encode(&epoch, bytes);
    RV_ASSERT(epoch.epoch > 0);
    const rv_ledger_entry entry = {RV_LEDGER_EPOCH, no_key, rv_bytes_of(bytes, sizeof bytes)};
    return rv_ledger_set(&node->ledger, &entry);
}

/* What it is to hold, until it is told so again (engine/rewind_open.c). */
static bool set_selection(rv_node *node) {
    const rv_selection *const wanted = rv_held_wanted(&node->held);
    if (!node->rewinding.selects || wanted->count == 0) {
        return true;
    }
    rv_writer w = rv_writer_over(node->results.ptr, node->results.cap);
    rv_selection_encode(wanted, &w);
    RV_ASSERT(!w.full && w.len > 0);
    const rv_bytes key = node->rewinding.swaps ? RV_REWIND_SWAPPED : no_key;
    const rv_ledger_entry entry = {RV_LEDGER_SELECT, key, rv_writer_bytes(&w)};
    return rv_ledger_set(&node->ledger, &entry);
}

static rv_status transform(rv_node *node, rv_error *err) {
    const uint32_t first = rv_ledger_seek(&node->ledger, RV_LEDGER_PENDING, no_key);
    bool fits = true;
    unset_kind(node, RV_LEDGER_KEYS);
    for (uint32_t i = first; fits && i < rv_ledger_count(&node->ledger) &&
                             rv_ledger_at(&node->ledger, i).kind == RV_LEDGER_PENDING;
         i += 1) {
        fits = wait_again(node, i); /* it stays at its index, as the key is the same */
    }
    const uint32_t waiting = rv_ledger_seek(&node->ledger, RV_LEDGER_PENDING + 1, no_key) - first;
    fits = fits && stand_all_aside(node, RV_LEDGER_PENDING) &&
           stand_all_aside(node, RV_LEDGER_REJECTION);
    fits = fits && renew(node) && set_facts(node) && set_epoch(node) && set_selection(node) &&
           (!node->rewinding.to.adopts || rv_provisional_name(node));
    const size_t reserve = (size_t)RV_OUTBOX_RESERVE * waiting;
    fits = fits && rv_ledger_used(&node->ledger) + reserve <= node->ledger.cap;
    RV_ASSERT(waiting <= rv_ledger_count(&node->ledger));
    return fits ? RV_END
                : rv_error_set(err, RV_OUTBOX_FULL,
                               "what this edge wrote since position %u does not fit its outbox of "
                               "%u bytes again; open it with a larger memory budget",
                               node->rewinding.to.watermark, (uint64_t)node->ledger.cap);
}

rv_status rv_rewind_survey(rv_node *node, rv_error *err) {
    rv_status status = RV_OK;
    while (status == RV_OK) { /* each turn takes a batch */
        rv_batch batch;
        status = rv_log_recover(node->log, &batch, err);
        status = status == RV_OK ? take_batch(node, &batch, err) : status;
    }
    return status == RV_END ? transform(node, err) : status;
}
