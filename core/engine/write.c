/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing at an edge: a batch is completed, judged over what is held, and waits from then on.
 *
 *     ids known? -> begin (log) -> savepoint -> each event: read, complete, judge and fold ->
 *     what its expected versions count -> PENDING and SELF into the log's batch -> commit
 *
 * Until commit everything can be taken back: the overlay to the savepoint, the log's buffer whole.
 * The entry is put together in `results`, before the events' data.
 */
#include "core/engine/write.h"

#include "core/base/assert.h"
#include "core/model/json.h"

#define VALUE_SPARE   2048u /* of the log's batch, for what is not the entry */
#define RECEIVED_HEAD 52u   /* of an event as the root sends it back, beside metadata and data */

/* The edge sequence of the batch. */
static uint64_t sequence_of(const rv_node *node, const rv_writing *w) {
    RV_ASSERT(node->outbox.next_sequence > 0);
    return w->again != NULL ? w->again->edge_sequence : node->outbox.next_sequence;
}

/* --- the same ids again --- */

static rv_status refuse_apart(rv_error *err, size_t count) {
    RV_ASSERT(count > 0);
    return rv_error_set(err, RV_EVENT_ID_REUSED,
                        "some of the batch's %u events were written already, but not as this "
                        "batch; a batch is given again whole",
                        (uint64_t)count);
}

/* True when what the caller gave now is the event that waits. */
static bool same_content(rv_node *node, const rv_pending_event *pending) {
    const rv_event_draft *const draft = &node->draft;
    uint8_t text[RV_PATH_LEN_MAX];
    rv_writer path = rv_writer_over(text, sizeof text);
    if (pending->type != draft->type->number ||
        !rv_event_data_decode(draft->type, pending->data, node->values)) {
        return false;
    }
    rv_event_path(draft->stream, draft->type, node->values, &path);
    RV_ASSERT(draft->type->field_count <= RV_FIELDS_MAX);
    return !path.full && rv_bytes_equal(rv_writer_bytes(&path), pending->path) &&
           rv_event_draft_same(node->schema, draft, node->values);
}

/* The batch is the one that is given: `results` gets its events. */
static rv_status match_batch(rv_node *node, rv_writing *w, const rv_pending *batch, rv_error *err) {
    const rv_writes *const given = w->given;
    const rv_appends appends = {.events = given->events, .count = given->count};
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    rv_status status = batch->count == given->count ? RV_OK : refuse_apart(err, given->count);
    for (size_t i = 0; i < given->count && status == RV_OK; i++) {
        const rv_append *const append = &given->events[i];
        w->index = i;
        if (!rv_pending_event_next(batch, &cursor, &event) || !append->has_event_id ||
            memcmp(event.event_id, append->event_id, sizeof event.event_id) != 0) {
            return refuse_apart(err, given->count);
        }
        rv_arena_reset(&node->scratch, 0);
        status = rv_node_draft_read(node, &appends, i, err);
        if (status == RV_OK && !same_content(node, &event)) {
            status = rv_node_id_reused(append->event_id, err);
        }
        w->results[i] = rv_outbox_event(batch, &event);
        w->results[i].batch_end = i + 1 == given->count;
    }
    return status;
}

/* An id is known here: the batch has to be the one that has it, which waits, or was refused. RV_OK:
 * it waits, and is answered again. */
static rv_status answer_again(rv_node *node, rv_writing *w, const rv_pending *waits,
                              const rv_rejection *refused, rv_error *err) {
    const rv_pending *const batch = waits != NULL ? waits : &refused->batch;
    const rv_status status =
        w->index == 0 ? match_batch(node, w, batch, err) : refuse_apart(err, w->given->count);
    if (status != RV_OK) {
        return status;
    }
    *w->written = (rv_written){.edge_sequence = batch->edge_sequence,
                               .blind = batch->blind,
                               .unchecked = batch->unchecked};
    if (waits != NULL) {
        return RV_OK;
    }
    RV_ASSERT(refused->reason.status > RV_END);
    w->refused = true;
    if (err != NULL) {
        *err = refused->reason;
    }
    return refused->reason.status;
}

/* Ids of the root's making are looked at by the root: here they have other numbers. */
static bool asks_the_log(const rv_node *node, const rv_writes *given) {
    bool asks = false;
    for (size_t i = 0; i < given->count; i++) {
        const rv_append *const append = &given->events[i];
        if (append->has_event_id && rv_node_id_is_own(node, append->event_id)) {
            return false;
        }
        asks = asks || append->has_event_id;
    }
    RV_ASSERT(given->count > 0);
    return asks;
}

/* RV_OK: no id is known; RV_END: the batch is, and is answered. */
static rv_status meet_ids(rv_node *node, rv_writing *w, rv_error *err) {
    const rv_writes *const given = w->given;
    for (size_t i = 0; i < given->count; i++) {
        const rv_append *const append = &given->events[i];
        rv_pending batch;
        rv_pending_event event;
        rv_rejection rejection;
        w->index = i;
        if (!append->has_event_id) {
            continue;
        }
        if (rv_outbox_find_id(node, append->event_id, &batch, &event)) {
            const rv_status status = answer_again(node, w, &batch, NULL, err);
            return status == RV_OK ? RV_END : status;
        }
        if (rv_node_rejection_of(node, append->event_id, &rejection)) {
            return answer_again(node, w, NULL, &rejection, err);
        }
    }
    const rv_appends appends = {.events = given->events, .count = given->count};
    return asks_the_log(node, given) ? rv_node_ids_meet(node, &appends, w->results, &w->index, err)
                                     : RV_OK;
}

/* An id that an earlier event of the batch has. */
static rv_status check_id_new(const rv_writing *w, const uint8_t *id, rv_error *err) {
    RV_ASSERT(w->index < w->given->count);
    for (size_t i = 0; i < w->index; i++) {
        if (memcmp(w->results[i].event_id, id, sizeof w->results[i].event_id) == 0) {
            return rv_node_id_twice(id, err);
        }
    }
    return RV_OK;
}

/* --- an event --- */

/* Keys that are given: the edge does not assign them again. */
static rv_status note_keys(const rv_node *node, rv_writing *w, rv_error *err) {
    const rv_event_draft *const draft = &node->draft;
    rv_status status = RV_OK;
    for (uint16_t t = 0; t < draft->type->touch_count && status == RV_OK; t++) {
        const rv_touch *const touch = &draft->type->touches[t];
        const rv_value *const key = &draft->values[touch->field];
        RV_ASSERT(touch->field < draft->type->field_count);
        if (touch->kind == RV_TOUCH_CREATES && draft->given[touch->field] &&
            key->class_ == RV_VALUE_INT) {
            status = rv_keys_note(node, &w->keys, touch->aggregate, key->as.integer, err);
        }
    }
    return status;
}

/* A command that has run again keeps the key that the event took before, in the same place and of
 * the same type; but not one that may be what was refused. */
static bool keep_key(rv_node *node, const rv_writing *w, uint16_t f) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event before = {.type = RV_NONE};
    rv_event_draft *const draft = &node->draft;
    bool found = w->again != NULL && !w->again->refused;
    RV_ASSERT(f < draft->type->field_count);
    for (size_t i = 0; i <= w->index && found; i++) {
        found = rv_pending_event_next(w->again, &cursor, &before);
    }
    if (!found || before.type != draft->type->number ||
        !rv_event_data_decode(draft->type, before.data, node->values) ||
        node->values[f].class_ != RV_VALUE_INT) {
        return false;
    }
    draft->values[f] = node->values[f];
    draft->given[f] = true;
    return true;
}

/* Serial keys that are not given come from what the root has leased. */
static rv_status assign_keys(rv_node *node, rv_writing *w, rv_error *err) {
    rv_event_draft *const draft = &node->draft;
    rv_status status = RV_OK;
    for (uint16_t f = 0; f < draft->type->field_count && status == RV_OK; f++) {
        uint16_t aggregate = 0;
        int64_t key = 0;
        if (!rv_event_draft_wants_serial(node->schema, draft, f, &aggregate) ||
            keep_key(node, w, f)) {
            continue;
        }
        status = rv_keys_assign(node, &w->keys, aggregate, &key, err);
        if (status == RV_OK) {
            status = rv_node_serial_value(node, f, aggregate, key, &draft->values[f], err);
        }
        RV_ASSERT(status != RV_OK || key > 0);
        draft->given[f] = true;
    }
    return status;
}

/* Reads and completes the draft. */
static rv_status complete(rv_node *node, rv_writing *w, rv_error *err) {
    const rv_appends appends = {.events = w->given->events, .count = w->given->count};
    rv_event_draft *const draft = &node->draft;
    rv_arena_reset(&node->scratch, 0);
    rv_status status = rv_node_draft_read(node, &appends, w->index, err);
    if (status != RV_OK) {
        return status;
    }
    memcpy(draft->event_id, w->results[w->index].event_id, sizeof draft->event_id);
    status = note_keys(node, w, err);
    status = status == RV_OK ? assign_keys(node, w, err) : status;
    if (status != RV_OK) {
        return status;
    }
    RV_ASSERT(w->now == w->results[w->index].written_at);
    return rv_event_draft_complete(draft, w->now - RV_EPOCH_DIFFERENCE_US, &node->scratch, err);
}

static rv_status refuse_size(const rv_writing *w, rv_error *err) {
    RV_ASSERT(w->value.cap > 0);
    return rv_error_set(err, RV_BATCH_TOO_LARGE,
                        "the batch is larger than the limit of %u bytes for what waits",
                        (uint64_t)w->value.cap);
}

/* It is written, and the log will have room for it when it comes back, atomic as it is: an edge
 * that could not receive its own batch would never get past it. */
static rv_status check_size(const rv_node *node, rv_writing *w, const rv_event *event, bool blind,
                            rv_error *err) {
    RV_ASSERT(node->batch_len_max > VALUE_SPARE);
    w->received += blind ? 0 : RECEIVED_HEAD + event->metadata.len + event->data.len;
    const bool fits = !w->value.full && w->received <= node->batch_len_max - VALUE_SPARE;
    return fits ? RV_OK : refuse_size(w, err);
}

/* An event of the batch: completed, judged, folded if it is covered, and in the entry. */
static rv_status write_event(rv_node *node, rv_writing *w, rv_error *err) {
    const rv_append *const append = &w->given->events[w->index];
    rv_event *const event = &w->results[w->index];
    rv_pending_event pending = {.expected = append->expected,
                                .expected_version = append->expected_version};
    rv_status status = check_id_new(w, event->event_id, err);
    status = status == RV_OK ? complete(node, w, err) : status;
    status = status == RV_OK ? rv_node_draft_path(node, &pending.path, err) : status;
    status = status == RV_OK ? rv_node_metadata_take(node, append, event, err) : status;
    status = status == RV_OK ? rv_node_data_encode(node, event, err) : status;
    if (status != RV_OK) {
        return status;
    }
    event->type = node->draft.type->number;
    event->declaration = node->draft.stream->number;
    pending.type = event->type;
    pending.metadata = event->metadata;
    pending.data = event->data;
    pending.blind = !rv_outbox_covers(node, pending.path);
    memcpy(pending.event_id, event->event_id, sizeof pending.event_id);
    if (!pending.blind) {
        status =
            w->unfolded ? RV_OK : rv_outbox_fold(node, &pending, node->draft.values, event, err);
        w->numbered = w->numbered || pending.expected == RV_EXPECTED_NUMBER;
    }
    w->covered = (uint16_t)(w->covered + !pending.blind);
    w->written->blind = w->written->blind || pending.blind;
    rv_pending_write_event(&w->value, &pending);
    RV_ASSERT(status != RV_OK || event->position == 0);
    return status == RV_OK ? check_size(node, w, event, pending.blind, err) : status;
}

/* --- what expected versions count --- */

/* True when an event of the batch expects a number of this stream. */
static bool counts_stream(const rv_pending *own, rv_bytes path) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    bool counts = false;
    RV_ASSERT(path.len > 0);
    while (!counts && rv_pending_event_next(own, &cursor, &event)) {
        counts = !event.blind && event.expected == RV_EXPECTED_NUMBER &&
                 rv_bytes_equal(event.path, path);
    }
    return counts;
}

static bool counts_batch(const rv_pending *own, const rv_pending *other) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    bool counts = false;
    RV_ASSERT(other->count > 0);
    while (!counts && rv_pending_event_next(other, &cursor, &event)) {
        counts = !event.blind && counts_stream(own, event.path);
    }
    return counts;
}

/* Own batches that are counted, rising. */
typedef struct counted_list {
    uint64_t sequences[RV_PUSH_COUNTED_MAX];
    uint32_t count;
} counted_list;

/* Puts one in its place, unless it is there. False: there is no room. */
static bool counted_put(counted_list *list, uint64_t sequence) {
    uint32_t at = list->count;
    while (at > 0 && list->sequences[at - 1] > sequence) {
        at -= 1;
    }
    if (at > 0 && list->sequences[at - 1] == sequence) {
        return true;
    }
    if (list->count == RV_PUSH_COUNTED_MAX) {
        return false;
    }
    memmove(list->sequences + at + 1, list->sequences + at,
            (list->count - at) * sizeof list->sequences[0]);
    list->sequences[at] = sequence;
    list->count += 1;
    RV_ASSERT(list->count <= RV_PUSH_COUNTED_MAX);
    return true;
}

/* Adds the batches that wait, come before this one and have an event in this stream. False: there
 * are too many. */
static bool count_stream(const rv_node *node, const rv_pending *own, rv_bytes path, uint64_t before,
                         counted_list *list) {
    rv_waiting_walk walk = rv_waiting_by_path(node, path);
    rv_pending first, other;
    uint64_t sequence = 0;
    bool room = true;
    if (!rv_node_pending(node, 0, &first)) {
        return true;
    }
    while (room && rv_waiting_next(node, &walk, &sequence) && sequence >= first.edge_sequence) {
        if (sequence < before && rv_waiting_pending(node, sequence, &other) &&
            other.state == RV_PENDING_WAITING && counts_batch(own, &other)) {
            room = counted_put(list, sequence);
        }
    }
    RV_ASSERT(list->count <= RV_PUSH_COUNTED_MAX);
    return room;
}

/* Writes which batches that wait the expected versions count. */
static rv_status write_counted(rv_node *node, rv_writing *w, rv_error *err) {
    counted_list counted = {.count = 0};
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    const size_t len = w->value.len;
    rv_pending own;
    rv_pending_write_counted(&w->value, NULL, 0); /* so that it can be read */
    if (w->value.full) {
        return refuse_size(w, err);
    }
    rv_pending_write_flags(&w->value, 0, w->covered);
    const bool good = rv_pending_read(rv_writer_bytes(&w->value), &own);
    RV_ASSERT(good);
    while (w->numbered && rv_pending_event_next(&own, &cursor, &event)) {
        if (event.blind || event.expected != RV_EXPECTED_NUMBER) {
            continue;
        }
        if (!count_stream(node, &own, event.path, sequence_of(node, w), &counted)) {
            return rv_error_set(err, RV_OUTBOX_FULL,
                                "the expected version counts more than %u batches that wait",
                                (uint64_t)RV_PUSH_COUNTED_MAX);
        }
    }
    w->value.len = len;
    rv_pending_write_counted(&w->value, counted.sequences, counted.count);
    w->counting = counted.count > 0;
    if (w->given->command != NULL) {
        rv_pending_write_command(&w->value, w->given->command, w->command_id,
                                 w->again != NULL ? w->again->attempt : 0);
    }
    return w->value.full ? refuse_size(w, err) : RV_OK;
}

/* --- the batch --- */

rv_status rv_writing_full(const rv_node *node, rv_error *err) {
    const rv_outbox *const o = &node->outbox;
    RV_ASSERT(node->ledger.cap > 0);
    return rv_error_set(err, RV_OUTBOX_FULL,
                        "%u batches wait for the root's decision and %u were refused and not "
                        "acknowledged, which is what %u bytes hold",
                        (uint64_t)o->pending, (uint64_t)o->rejections, (uint64_t)node->ledger.cap);
}

/* The changes of the ledger, leaving room for what is to be decided. */
static rv_status write_entry(rv_node *node, rv_writing *w, rv_ledger_changes *changes,
                             rv_error *err) {
    const rv_outbox *const o = &node->outbox;
    uint8_t key[RV_PENDING_KEY];
    rv_pending_key(o->next_sequence, key);
    const rv_ledger_entry entry = {RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key),
                                   rv_writer_bytes(&w->value)};
    uint32_t incarnation = o->incarnation;
    if (incarnation == 0) {
        node->host.ops->entropy(node->host.ctx, (uint8_t *)&incarnation, sizeof incarnation);
        incarnation += incarnation == 0;
    }
    const size_t reserve = (size_t)RV_OUTBOX_RESERVE * (o->pending + 1);
    const size_t cost = rv_ledger_cost(sizeof key, entry.value.len) +
                        rv_ledger_cost(0, RV_SELF_SIZE) + rv_ledger_cost(0, sizeof(uint64_t)) +
                        rv_ledger_cost(0, RV_PRINCIPALS_LEN_MAX) + reserve +
                        rv_provisional_reserve(node);
    if (rv_ledger_used(&node->ledger) + cost > node->ledger.cap) {
        return rv_writing_full(node, err);
    }
    rv_status status = rv_ledger_put(&node->ledger, changes, &entry);
    if (status == RV_OK && w->given->command != NULL) { /* so that there is always room for it */
        status = rv_outbox_write_sent(node, changes, o->sent);
    }
    if (status == RV_OK) {
        status = rv_outbox_write_self(node, changes, incarnation, o->next_sequence + 1);
    }
    if (status == RV_OK) {
        status = rv_keys_write(node, &w->keys, o->next_sequence, changes);
    }
    RV_ASSERT(status == RV_OK); /* it fits both, and keys take no more than before */
    w->written->edge_sequence = o->next_sequence;
    if (o->incarnation != incarnation) {
        node->outbox.incarnation = incarnation;
        node->outbox.self_batch = rv_log_batches(node->log) + 1;
        node->outbox.keys_revision += 1;
    }
    return status;
}

static void make_id(rv_node *node, const rv_writing *w, uint8_t *id) {
    RV_ASSERT(id != NULL);
    node->outbox.ids += 1;
    rv_event_id_make(node->outbox.tag, node->outbox.ids & RV_EVENT_NUMBER_MAX, w->now, id);
}

void rv_writing_begin(rv_node *node, rv_writing *w) {
    RV_ASSERT(w->given->count <= RV_PUSH_EVENTS_MAX);
    if (w->again != NULL) {
        memcpy(w->command_id, w->again->command_id, sizeof w->command_id);
    } else if (w->given->command != NULL) {
        make_id(node, w, w->command_id);
    }
    for (size_t i = 0; i < w->given->count; i++) {
        const rv_append *const append = &w->given->events[i];
        w->results[i] = (rv_event){.schema_version = (uint32_t)rv_provisional_version(node),
                                   .written_at = w->now,
                                   .recorded_at = w->now,
                                   .foreign_id = true,
                                   .stream = UINT32_MAX,
                                   .batch_end = i + 1 == w->given->count};
        if (w->given->command != NULL) {
            rv_command_event_id(w->command_id, w->again != NULL ? w->again->attempt : 0,
                                (uint32_t)i, w->results[i].event_id);
        } else if (append->has_event_id) {
            memcpy(w->results[i].event_id, append->event_id, sizeof append->event_id);
        } else {
            make_id(node, w, w->results[i].event_id);
        }
    }
}

rv_status rv_writing_batch(rv_node *node, rv_writing *w, rv_error *err) {
    const rv_writes *const given = w->given;
    const size_t batch_room = node->batch_len_max - VALUE_SPARE;
    const size_t room =
        batch_room < RV_OUTBOX_BATCH_LEN_MAX ? batch_room : (size_t)RV_OUTBOX_BATCH_LEN_MAX;
    uint8_t *const value = rv_arena_take_raw(&node->results, room);
    RV_ASSERT(value != NULL); /* `results` are twice as large as a batch */
    const rv_bytes writer =
        given->principal.len > 0 ? given->principal : rv_node_principals(node).last;
    const rv_pending_head head = {w->now, rv_provisional_version(node), writer,
                                  (uint32_t)given->count};
    w->value = rv_writer_over(value, room);
    rv_pending_write_head(&w->value, &head);
    node->outbox.held.unchecked = false;
    rv_status status = RV_OK;
    for (w->index = 0; w->index < given->count && status == RV_OK; w->index++) {
        status = write_event(node, w, err);
    }
    if (status != RV_OK) {
        w->index -= 1;
        return status;
    }
    status = write_counted(node, w, err);
    w->written->unchecked = w->written->blind || w->unfolded || node->outbox.held.unchecked;
    if (status == RV_OK) {
        rv_pending_write_flags(&w->value,
                               (uint8_t)((w->written->blind ? RV_PENDING_BLIND : 0) |
                                         (w->written->unchecked ? RV_PENDING_UNCHECKED : 0)),
                               w->covered);
    }
    if (status == RV_OK && w->unfolded) {
        rv_pending_suspend(value, RV_STATE_FULL);
    }
    return status;
}

/* As write_batch. Where what it changes finds no page any more, it waits all the same, suspended:
 * the root may have room, and so may this node when the batch comes back. */
static rv_status write_or_suspend(rv_node *node, rv_writing *w, rv_savepoint savepoint,
                                  rv_error *err) {
    const rv_status status = rv_writing_batch(node, w, err);
    if (status != RV_STATE_FULL) {
        return status;
    }
    rv_state_rollback_to(node->state, savepoint);
    rv_arena_reset(&node->results, 0);
    *w->written = (rv_written){.edge_sequence = 0};
    *w = (rv_writing){.given = w->given,
                      .results = w->results,
                      .written = w->written,
                      .now = w->now,
                      .unfolded = true};
    rv_writing_begin(node, w);
    RV_ASSERT(rv_state_overlay_laid(node->state));
    return rv_writing_batch(node, w, err);
}

/* Nothing of it was. */
static void take_back(rv_node *node, rv_savepoint savepoint) {
    rv_log_append_cancel(node->log);
    rv_state_rollback_to(node->state, savepoint);
    if (node->outbox.pending == 0) {
        rv_outbox_lift(node);
    }
}

static void committed(rv_node *node, const rv_writing *w) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(w->written->edge_sequence == o->next_sequence);
    o->pending += 1;
    o->next_sequence += 1;
    o->revision += 1;
    o->keys_revision += w->keys.count > 0;
    rv_outbox_note_written(node, w->written->edge_sequence);
    o->counting += w->counting;
    o->commands = o->commands || w->given->command != NULL;
    o->suspended += w->unfolded;
    rv_waiting_add(node, w->written->edge_sequence);
}

static rv_status write_new(rv_node *node, rv_writing *w, rv_error *err) {
    rv_writer body;
    rv_status status = rv_node_ledger_begin(node, &body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_outbox_whole(node);
    rv_outbox_lay_due(node);
    rv_outbox_ready(node);
    const rv_savepoint savepoint = rv_state_savepoint(node->state);
    rv_ledger_changes changes = rv_ledger_begin(&body);
    const int64_t now = rv_node_now(node);
    w->now = rv_event_time_valid(now) ? now : 0; /* a clock that is not set */
    rv_writing_begin(node, w);
    status = write_or_suspend(node, w, savepoint, err);
    if (status == RV_OK) {
        status = write_entry(node, w, &changes, err);
    }
    if (status != RV_OK) {
        take_back(node, savepoint);
        return status;
    }
    rv_node_ledger_commit(node, &body, &changes);
    memcpy(w->written->command_id, w->command_id, sizeof w->command_id);
    committed(node, w);
    return RV_OK;
}

static bool is_json(rv_bytes text) {
    rv_json json = rv_json_over(text, NULL);
    rv_json_token token;
    rv_bytes whole;
    RV_ASSERT(text.len > 0);
    return rv_json_next(&json, &token, NULL) == RV_OK &&
           rv_json_skip(&json, &token, &whole, NULL) == RV_OK &&
           rv_json_next(&json, &token, NULL) == RV_OK;
}

static rv_status check_command(const rv_writes *write, rv_error *err) {
    const rv_command *const command = write->command;
    for (size_t i = 0; i < write->count; i++) {
        if (write->events[i].has_event_id) {
            return rv_error_set(err, RV_REQUEST_INVALID,
                                "the ids of a command's events follow from the command's");
        }
    }
    RV_ASSERT(command != NULL);
    if (command->args.len > 0 && !is_json(command->args)) {
        return rv_error_set(err, RV_REQUEST_INVALID, "a command's arguments are JSON");
    }
    return command->name.len >= 1 && command->name.len <= RV_COMMAND_NAME_MAX &&
                   command->args.len <= RV_COMMAND_ARGS_MAX
               ? RV_OK
               : rv_error_set(err, RV_REQUEST_INVALID,
                              "a command has a name of 1 to %u bytes and arguments of at most %u",
                              (uint64_t)RV_COMMAND_NAME_MAX, (uint64_t)RV_COMMAND_ARGS_MAX);
}

rv_status rv_writing_check(const rv_node *node, const rv_writes *write, rv_error *err) {
    const rv_status status = rv_node_check_writable(node, err);
    if (status != RV_OK) {
        return status;
    }
    if (rv_schema_version(node->schema) == 0) {
        return rv_error_set(err, RV_NOT_CONNECTED,
                            "this edge has not met its upstream yet, and has no schema");
    }
    if (write->count == 0 || write->principal.len > RV_PRINCIPAL_LEN_MAX) {
        return rv_error_set(err, RV_REQUEST_INVALID,
                            "a batch has events, and its writer's name at most %u bytes",
                            (uint64_t)RV_PRINCIPAL_LEN_MAX);
    }
    if (write->command != NULL && check_command(write, err) != RV_OK) {
        return RV_REQUEST_INVALID;
    }
    if (write->count > RV_PUSH_EVENTS_MAX) {
        return rv_error_set(err, RV_BATCH_TOO_LARGE,
                            "a batch that is written at an edge has at most %u events, not %u",
                            (uint64_t)RV_PUSH_EVENTS_MAX, (uint64_t)write->count);
    }
    return node->receiving.active
               ? rv_error_set(err, RV_BUSY, "a batch of the upstream is being received")
               : RV_OK;
}

rv_status rv_node_write(rv_node *node, const rv_writes *write, rv_event *results,
                        rv_written *written, rv_error *err) {
    RV_ASSERT(write != NULL && results != NULL && node->role == RV_ROLE_EDGE);
    rv_writing w = {.given = write, .results = results, .written = written};
    *written = (rv_written){.edge_sequence = 0};
    rv_status status = rv_writing_check(node, write, err);
    status = status == RV_OK ? rv_provisional_keep(node, err) : status;
    if (status != RV_OK) {
        return status;
    }
    rv_arena_reset(&node->results, 0);
    status = meet_ids(node, &w, err);
    if (status == RV_END) {
        return RV_OK;
    }
    if (status == RV_OK) {
        status = write_new(node, &w, err);
    }
    if (status != RV_OK && status != RV_PENDING && write->count > 1 && !w.refused) {
        rv_error_fact_uint(err, "index", w.index);
    }
    return status;
}
