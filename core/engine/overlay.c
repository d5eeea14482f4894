/* SPDX-License-Identifier: Apache-2.0 */
/* The overlay of an edge: see engine/overlay.h. */
#include "core/engine/append.h"

#include "core/base/assert.h"

/* --- memory --- */

rv_status rv_outbox_create(rv_node *node, rv_arena *arena) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(o->next_sequence == 0 && node->ledger.cap > 0);
    o->next_sequence = 1;
    return rv_waiting_create(&o->waiting, node->ledger.cap, arena);
}

/* --- ids --- */

bool rv_outbox_batch_has(const rv_pending *batch, const uint8_t *id, rv_pending_event *event) {
    rv_pending_cursor cursor = {0, 0};
    bool has = false;
    RV_ASSERT(batch->count > 0 && id != NULL);
    while (!has && rv_pending_event_next(batch, &cursor, event)) {
        has = memcmp(event->event_id, id, sizeof event->event_id) == 0;
    }
    return has;
}

bool rv_outbox_find_id(const rv_node *node, const uint8_t *id, rv_pending *batch,
                       rv_pending_event *event) {
    RV_ASSERT(id != NULL);
    if (node->outbox.pending == 0) {
        return false;
    }
    rv_waiting_walk walk = rv_waiting_by_id(node, id);
    uint64_t edge_sequence = 0;
    bool found = false;
    while (!found && rv_waiting_next(node, &walk, &edge_sequence)) {
        found =
            rv_waiting_pending(node, edge_sequence, batch) && rv_outbox_batch_has(batch, id, event);
    }
    return found;
}

/* --- what is held --- */

bool rv_outbox_covers(const rv_node *node, rv_bytes path) {
    bool covers = false;
    RV_ASSERT(path.len > 0);
    for (size_t i = 0; i < node->held.pattern_count && !covers; i += 1) {
        covers = rv_path_pattern_match(&node->held.patterns[i], path);
    }
    return covers;
}

static bool covers_template(const rv_node *node, const rv_path_template *t) {
    bool covers = false;
    RV_ASSERT(t->segment_count > 0);
    for (size_t i = 0; i < node->held.pattern_count && !covers; i += 1) {
        covers = rv_path_pattern_covers(&node->held.patterns[i], t);
    }
    return covers;
}

/* Rows of selected aggregates are given, and left alone by what waits: what it creates there is not
 * to be seen by what it writes next. So nothing is told from a row that is not there. */
static void measure_given(rv_node *node) {
    uint16_t given[RV_SELECTION_ENTRIES_MAX];
    const size_t count = rv_selection_given(&node->held.selection, node->schema, given);
    RV_ASSERT(count <= RV_SELECTION_ENTRIES_MAX);
    for (size_t i = 0; i < count; i += 1) {
        node->outbox.held.complete[given[i] / 64u] &= ~(UINT64_C(1) << (given[i] % 64u));
    }
}

/* Notes the aggregates of which a covered stream's events create rows that are numbered. */
static void creates_note(rv_node *node, const rv_stream *stream) {
    const rv_schema *const schema = node->schema;
    for (uint16_t e = 0; e < stream->event_type_count; e += 1) {
        const rv_event_type *const type = rv_schema_event_type(schema, stream->event_types[e]);
        RV_ASSERT(type->touch_count == 0 || type->touches != NULL);
        for (uint16_t t = 0; t < type->touch_count; t += 1) {
            const uint16_t a = type->touches[t].aggregate;
            const rv_aggregate *const made = rv_schema_aggregate(schema, a);
            if (type->touches[t].kind == RV_TOUCH_CREATES && made->columns[made->key].type.serial) {
                node->outbox.creates[a / 64u] |= UINT64_C(1) << (a % 64u);
            }
        }
    }
}

/* An aggregate is held completely when every stream whose events can touch it is. */
static void held_measure(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    const rv_schema *const schema = node->schema;
    memset(o->held.complete, 0xff, sizeof o->held.complete);
    memset(o->creates, 0, sizeof o->creates);
    for (uint16_t s = 0; s < rv_schema_stream_count(schema); s += 1) {
        const rv_stream *const stream = rv_schema_stream(schema, s);
        if (covers_template(node, &stream->path)) {
            creates_note(node, stream);
            continue;
        }
        for (uint16_t e = 0; e < stream->event_type_count; e += 1) {
            const rv_event_type *const type = rv_schema_event_type(schema, stream->event_types[e]);
            for (uint16_t t = 0; t < type->touch_count; t += 1) {
                const rv_touch *const touch = &type->touches[t];
                if (touch->kind != RV_TOUCH_REFERENCES || touch->acted_on) {
                    o->held.complete[touch->aggregate / 64u] &=
                        ~(UINT64_C(1) << (touch->aggregate % 64u));
                }
            }
        }
    }
    measure_given(node);
    rv_opaque_uncertain(&node->opaque, o->held.complete);
    o->held_version = rv_schema_version(schema);
    o->held_state = node->held.state;
    o->held_stale = node->opaque.stale;
    RV_ASSERT(o->held_version > 0);
}

/* --- folding --- */

rv_pending rv_outbox_at(const rv_node *node, uint32_t index) {
    const uint32_t first = rv_ledger_seek(&node->ledger, RV_LEDGER_PENDING, (rv_bytes){NULL, 0});
    RV_ASSERT(index < node->outbox.pending);
    const rv_ledger_entry entry = rv_ledger_at(&node->ledger, first + index);
    rv_pending batch = {.edge_sequence = rv_pending_key_read(entry.key)};
    const bool good = entry.kind == RV_LEDGER_PENDING && rv_pending_read(entry.value, &batch);
    RV_ASSERT(good); /* rv_outbox_open has seen them all */
    batch.durable = batch.edge_sequence <= node->outbox.durable;
    return batch;
}

rv_event rv_outbox_event(const rv_pending *batch, const rv_pending_event *pending) {
    RV_ASSERT(batch->count > 0);
    rv_event event = {
        .type = pending->type,
        .schema_version = (uint32_t)batch->schema_version,
        .written_at = batch->written_at,
        .recorded_at = batch->written_at,
        .foreign_id = true,
        .stream = UINT32_MAX,
        .declaration = RV_NONE,
        .data = pending->data,
        .metadata = pending->metadata,
    };
    memcpy(event.event_id, pending->event_id, sizeof event.event_id);
    return event;
}

/* The stream of a pending event: found, or added. */
static rv_status take_stream(rv_node *node, rv_bytes path, rv_event *event, rv_stream_head *head,
                             rv_error *err) {
    *head = (rv_stream_head){.version = 0};
    if (rv_state_stream_find(node->state, path, &event->stream)) {
        rv_state_stream(node->state, event->stream, head);
        event->declaration = head->declaration;
        return RV_OK;
    }
    rv_bytes variables[RV_PATH_SEGMENTS_MAX];
    const rv_stream *const declared = rv_schema_stream_of_path(node->schema, path, variables);
    if (declared == NULL) {
        return rv_error_set(err, RV_UNKNOWN_STREAM, "no stream's path matches `%b`", &path);
    }
    event->declaration = declared->number;
    return rv_state_stream_add(node->state, declared->number, path, &event->stream, err);
}

rv_status rv_outbox_fold(rv_node *node, const rv_pending_event *pending, const rv_value *values,
                         rv_event *event, rv_error *err) {
    RV_ASSERT(!pending->blind && rv_state_overlay_laid(node->state));
    rv_stream_head head;
    rv_status status = take_stream(node, pending->path, event, &head, err);
    if (status == RV_OK) {
        const rv_append expected = {.expected = pending->expected,
                                    .expected_version = pending->expected_version};
        status = rv_node_expected_check(&expected, head.version, pending->path, err);
    }
    event->version = head.version + 1;
    if (status == RV_OK) {
        status = rv_state_fold_pending(node->state, event, values, &node->outbox.held,
                                       &node->scratch, err);
        if (status != RV_OK) {
            rv_refusal_name_stream(node, event->stream, status, err);
        }
    }
    /* a journal that is full of what waits is a full outbox */
    return status == RV_BATCH_TOO_LARGE && node->outbox.pending > 0
               ? rv_error_set(
                     err, RV_OUTBOX_FULL,
                     "what %u batches that wait have changed is all that the journal holds",
                     (uint64_t)node->outbox.pending)
               : status;
}

/* The covered events of a batch, all or none: those that were when they were written, and are by
 * now. What waits in a stream that was given up is forwarded all the same. */
static rv_status fold_batch(rv_node *node, const rv_pending *batch, rv_error *err) {
    const rv_savepoint savepoint = rv_state_savepoint(node->state);
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event pending;
    rv_status status = RV_OK;
    while (status == RV_OK && rv_pending_event_next(batch, &cursor, &pending)) {
        if (pending.blind || !rv_outbox_covers(node, pending.path)) {
            continue;
        }
        rv_event event = rv_outbox_event(batch, &pending);
        rv_arena_reset(&node->scratch, 0);
        if (event.type >= rv_schema_event_type_count(node->schema) ||
            !rv_event_data_decode(rv_schema_event_type(node->schema, event.type), event.data,
                                  node->values)) {
            status = rv_error_set(err, RV_DATA_DAMAGED, "the pending event does not decode");
        } else {
            status = rv_outbox_fold(node, &pending, node->values, &event, err);
        }
    }
    if (status != RV_OK) {
        rv_state_rollback_to(node->state, savepoint);
        if (batch->count > 1) {
            rv_error_fact_uint(err, "index", cursor.index - 1);
        }
    }
    return status;
}

/* What a command came to that was refused is not shown: it is run again first. */
static rv_status lay_batch(rv_node *node, const rv_pending *batch, rv_error *err) {
    RV_ASSERT(batch->due || !batch->refused);
    if (rv_outbox_counts_lost(node, batch)) {
        return rv_error_set(err, RV_DEPENDENCY_REJECTED,
                            "an expected version counts what was refused, or what a command does "
                            "not make any more");
    }
    if (node->outbox.doubled && rv_waiting_again(node, batch)) {
        return RV_OK; /* it is shown as the other one */
    }
    return batch->refused ? rv_error_set(err, RV_COMMAND_WAITING, "waiting for command \"%b\"",
                                         &batch->command.name)
                          : fold_batch(node, batch, err);
}

/* A shortage at laying is the state's. */
static rv_status suspended_for(rv_status status) {
    RV_ASSERT(status != RV_PENDING && status != RV_END);
    return status == RV_BATCH_TOO_LARGE || status == RV_OUTBOX_FULL ? RV_STATE_FULL : status;
}

/* Notes how the folding of a batch went. */
static void note_state(rv_node *node, const rv_pending *batch, rv_status status) {
    uint8_t key[RV_PENDING_KEY];
    rv_pending_key(batch->edge_sequence, key);
    uint8_t *const value =
        rv_ledger_notes(&node->ledger, RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key));
    RV_ASSERT(value != NULL);
    if (batch->state != RV_PENDING_ACCEPTED) {
        value[RV_PENDING_AT_STATE] = status == RV_OK ? RV_PENDING_WAITING : RV_PENDING_SUSPENDED;
    }
    rv_store_u16(value + RV_PENDING_AT_REASON, (uint16_t)suspended_for(status));
    node->outbox.suspended += status != RV_OK && batch->state != RV_PENDING_ACCEPTED;
}

void rv_outbox_measure(rv_node *node) {
    RV_ASSERT(rv_schema_version(node->schema) > 0);
    if (node->outbox.held_version != rv_schema_version(node->schema) ||
        node->outbox.held_stale != node->opaque.stale ||
        node->outbox.held_state != node->held.state) {
        held_measure(node);
    }
}

void rv_outbox_ready(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(node->role == RV_ROLE_EDGE && !node->receiving.active);
    rv_outbox_measure(node);
    if (!rv_state_overlay_laid(node->state)) {
        o->streams_confirmed = rv_state_stream_count(node->state);
        rv_state_overlay_lay(node->state);
    }
}

void rv_outbox_lift(rv_node *node) {
    RV_ASSERT(!node->receiving.active);
    node->outbox.partial = false;
    node->outbox.running = 0;
    if (rv_state_overlay_laid(node->state)) {
        rv_state_overlay_lift(node->state);
        RV_ASSERT(rv_state_stream_count(node->state) == node->outbox.streams_confirmed);
    }
}

void rv_outbox_lay(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(!rv_state_overlay_laid(node->state));
    o->lay_due = false;
    o->revision += 1;
    o->suspended = 0;
    if (o->pending == 0) {
        return;
    }
    rv_outbox_ready(node);
    for (uint32_t i = 0; i < o->pending; i += 1) {
        const rv_pending batch = rv_outbox_at(node, i);
        note_state(node, &batch, lay_batch(node, &batch, NULL));
    }
}

/* Goes on laying behind `laid_to`, before this edge sequence. */
static void lay_more(rv_node *node, uint64_t before) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(o->partial && rv_state_overlay_laid(node->state));
    for (uint32_t i = 0; i < o->pending; i += 1) {
        const rv_pending batch = rv_outbox_at(node, i);
        if (batch.edge_sequence >= before) {
            break;
        }
        if (batch.edge_sequence > o->laid_to) {
            o->laid_to = batch.edge_sequence;
            note_state(node, &batch, lay_batch(node, &batch, NULL));
        }
    }
}

void rv_outbox_lay_before(rv_node *node, uint64_t edge_sequence) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(edge_sequence > 0);
    if (!o->partial || o->laid_to >= edge_sequence) {
        rv_outbox_lift(node);
        o->partial = true;
        o->laid_to = 0;
        o->suspended = 0;
        rv_outbox_ready(node);
    }
    lay_more(node, edge_sequence);
    o->running = edge_sequence;
}

void rv_outbox_whole(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(o->partial || o->running == 0);
    if (o->partial) {
        lay_more(node, UINT64_MAX);
        o->partial = false;
        o->running = 0;
        o->revision += 1;
    }
}

void rv_outbox_lay_due(rv_node *node) {
    RV_ASSERT(!node->receiving.active);
    if (node->outbox.lay_due && !node->outbox.partial) {
        rv_outbox_lift(node);
        rv_outbox_lay(node);
    }
}

rv_status rv_node_pending_reason(rv_node *node, uint64_t edge_sequence, rv_error *err) {
    RV_ASSERT(!node->receiving.active);
    rv_status found = RV_OK;
    rv_outbox_lay_due(node);
    rv_outbox_lift(node);
    if (node->outbox.pending > 0) {
        rv_outbox_ready(node);
    }
    for (uint32_t i = 0; i < node->outbox.pending; i += 1) {
        const rv_pending batch = rv_outbox_at(node, i);
        const bool asked = batch.edge_sequence == edge_sequence;
        const rv_status status = lay_batch(node, &batch, asked ? err : NULL);
        found = asked ? status : found;
    }
    return found;
}

uint32_t rv_node_streams_confirmed(const rv_node *node) {
    const uint32_t count = rv_state_stream_count(node->state);
    const bool laid = rv_state_overlay_laid(node->state);
    RV_ASSERT(!laid || node->outbox.streams_confirmed <= count);
    return laid ? node->outbox.streams_confirmed : count;
}

/* --- opening --- */

/* Notes are as those of a node that was just opened. */
static void notes_reset(rv_node *node) {
    const uint32_t first = rv_ledger_seek(&node->ledger, RV_LEDGER_PENDING, (rv_bytes){NULL, 0});
    for (uint32_t i = 0; i < node->outbox.pending; i += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, first + i);
        uint8_t *const value = rv_ledger_notes(&node->ledger, entry.kind, entry.key);
        RV_ASSERT(value != NULL && entry.kind == RV_LEDGER_PENDING);
        rv_store_u16(value + RV_PENDING_AT_ARRIVED, 0);
        if (value[RV_PENDING_AT_STATE] != RV_PENDING_ACCEPTED) {
            value[RV_PENDING_AT_STATE] = RV_PENDING_WAITING;
            rv_store_u64(value + RV_PENDING_AT_POSITION, 0);
        }
    }
    node->outbox.arrived = 0;
}

/* The least edge sequence that is not decided. */
static uint64_t undecided(const rv_node *node) {
    const uint64_t aside = rv_outbox_back_first(node);
    const uint32_t first = rv_ledger_seek(&node->ledger, RV_LEDGER_PENDING, (rv_bytes){NULL, 0});
    for (uint32_t i = 0; i < node->outbox.pending; i += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, first + i);
        RV_ASSERT(entry.kind == RV_LEDGER_PENDING);
        if (entry.value.ptr[RV_PENDING_AT_STATE] != RV_PENDING_ACCEPTED) {
            const uint64_t waits = rv_pending_key_read(entry.key);
            return waits < aside ? waits : aside;
        }
    }
    return aside < node->outbox.next_sequence ? aside : node->outbox.next_sequence;
}

static void read_self(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    rv_bytes value;
    if (rv_ledger_get(&node->ledger, RV_LEDGER_SELF, (rv_bytes){NULL, 0}, &value) &&
        value.len == RV_SELF_SIZE) {
        o->incarnation = rv_load_u32(value.ptr);
        o->next_sequence = rv_load_u64(value.ptr + 4);
    }
    if (rv_ledger_get(&node->ledger, RV_LEDGER_SENT, (rv_bytes){NULL, 0}, &value) &&
        value.len == sizeof(uint64_t)) {
        o->sent = rv_load_u64(value.ptr);
    }
    RV_ASSERT(o->next_sequence > 0);
}

/* Entries of a kind, which are next to each other. */
static uint32_t count_kind(const rv_ledger *ledger, rv_ledger_kind kind) {
    const rv_bytes none = {NULL, 0};
    const uint32_t first = rv_ledger_seek(ledger, (uint8_t)kind, none);
    const uint32_t end = rv_ledger_seek(ledger, (uint8_t)(kind + 1), none);
    RV_ASSERT(first <= end);
    return end - first;
}

/* True when entries of a kind, all of which were read, fit what else the node knows. */
static bool kind_fits(const rv_node *node, rv_ledger_kind kind, uint32_t count) {
    const rv_bytes none = {NULL, 0};
    const uint32_t first = rv_ledger_seek(&node->ledger, (uint8_t)kind, none);
    bool fits = count == 0 || node->outbox.incarnation > 0;
    for (uint32_t i = 0; i < count && fits; i += 1) {
        const rv_ledger_entry entry = rv_ledger_at(&node->ledger, first + i);
        rv_bytes batch = entry.value;
        rv_error reason;
        rv_pending pending;
        rv_pending_cursor cursor = {0, 0};
        rv_pending_event event;
        RV_ASSERT(entry.kind == kind);
        fits = rv_pending_key_read(entry.key) < node->outbox.next_sequence &&
               (kind == RV_LEDGER_PENDING || rv_rejection_read(entry.value, &reason, &batch)) &&
               rv_pending_read(batch, &pending) &&
               (pending.schema_version == RV_SCHEMA_PROVISIONAL) == rv_node_provisional(node);
        while (fits && rv_pending_event_next(&pending, &cursor, &event)) {
            fits = event.type < rv_schema_event_type_count(node->schema);
        }
    }
    return fits;
}

/* Of what waits. */
static void count_batches(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    o->accepted = 0;
    o->counting = 0;
    for (uint32_t i = 0; i < o->pending; i += 1) {
        const rv_pending batch = rv_outbox_at(node, i);
        o->accepted += batch.state == RV_PENDING_ACCEPTED;
        o->counting += batch.counted_count > 0;
        o->commands = o->commands || batch.command.name.len > 0;
    }
    RV_ASSERT(o->accepted <= o->pending && o->counting <= o->pending);
}

/* Counts what the ledger holds. What does not fit this node is not shown, and nothing is written
 * over it. */
static void count_entries(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    const uint32_t pending = count_kind(&node->ledger, RV_LEDGER_PENDING);
    const uint32_t rejections = count_kind(&node->ledger, RV_LEDGER_REJECTION);
    RV_ASSERT(o->pending == 0 && o->rejections == 0);
    if (kind_fits(node, RV_LEDGER_PENDING, pending) &&
        kind_fits(node, RV_LEDGER_REJECTION, rejections)) {
        o->pending = pending;
        o->rejections = rejections;
        count_batches(node);
        return;
    }
    rv_error error;
    (void)rv_error_set(&error, RV_DATA_DAMAGED,
                       "what waits for the root's decision does not fit the schema, or each other");
    (void)rv_node_fail(node, &error);
}

/* The index of what waits, and whether something does twice. */
static void index_make(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    rv_waiting_make(node);
    o->doubled = false;
    for (uint32_t i = 0; i < o->pending && !o->doubled; i += 1) {
        const rv_pending batch = rv_outbox_at(node, i);
        o->doubled = rv_waiting_again(node, &batch);
    }
}

void rv_outbox_open(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(o->pending == 0 && !rv_state_overlay_laid(node->state));
    uint64_t tag = 0;
    node->host.ops->entropy(node->host.ctx, (uint8_t *)&tag, sizeof tag);
    o->tag = tag & ((UINT64_C(1) << RV_NODE_TAG_BITS) - 1);
    if (node->role != RV_ROLE_EDGE || !rv_log_has_identity(node->log)) {
        return;
    }
    o->tag ^= o->tag == rv_log_identity_of(node->log)->root_tag;
    read_self(node);
    count_entries(node);
    if (o->pending + o->rejections > 0) {
        index_make(node);
    }
    o->durable = o->next_sequence - 1;
    o->settled = undecided(node) - 1;
    notes_reset(node);
    rv_outbox_back_open(node);
    rv_outbox_commands_due(node, 0);
    rv_outbox_lay(node);
}

void rv_outbox_recount(rv_node *node) {
    RV_ASSERT(node->role == RV_ROLE_EDGE && !node->receiving.active);
    rv_outbox_lift(node);
    node->outbox.pending = 0;
    node->outbox.rejections = 0;
    count_entries(node);
    index_make(node);
    notes_reset(node);
    rv_outbox_commands_due(node, 0);
    rv_outbox_lay(node);
}

/* --- receiving --- */

static void note_arrived(rv_node *node, const rv_pending *batch, uint64_t position) {
    uint8_t key[RV_PENDING_KEY];
    rv_pending_key(batch->edge_sequence, key);
    uint8_t *const value =
        rv_ledger_notes(&node->ledger, RV_LEDGER_PENDING, rv_bytes_of(key, sizeof key));
    RV_ASSERT(value != NULL);
    const uint16_t arrived = rv_load_u16(value + RV_PENDING_AT_ARRIVED);
    rv_store_u16(value + RV_PENDING_AT_ARRIVED, (uint16_t)(arrived + 1));
    if (batch->state != RV_PENDING_ACCEPTED) {
        rv_store_u64(value + RV_PENDING_AT_POSITION, position);
    }
    node->outbox.arrived += 1;
}

void rv_outbox_arrive(rv_node *node, const rv_event *event) {
    rv_waiting_walk walk;
    uint64_t edge_sequence = 0, last = UINT64_MAX;
    RV_ASSERT(node->receiving.active);
    if (!event->foreign_id || node->outbox.pending == 0) {
        return;
    }
    walk = rv_waiting_by_id(node, event->event_id);
    while (rv_waiting_next(node, &walk, &edge_sequence)) { /* most of the time one, or none */
        rv_pending batch;
        rv_pending_event pending;
        if (edge_sequence < last && rv_waiting_pending(node, edge_sequence, &batch)) {
            last = edge_sequence;
            if (rv_outbox_batch_has(&batch, event->event_id, &pending) &&
                pending.type == event->type && rv_bytes_equal(pending.data, event->data)) {
                note_arrived(node, &batch, event->position);
            }
        }
    }
}

/* Events of the batch that can arrive: streams that it was written to may have been given up. */
static uint32_t covered_still(const rv_node *node, const rv_pending *batch) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    uint32_t count = 0;
    while (rv_pending_event_next(batch, &cursor, &event)) {
        count += !event.blind && rv_outbox_covers(node, event.path);
    }
    RV_ASSERT(count <= batch->covered);
    return count;
}

/* True when a batch leaves the outbox now that W is there. */
static bool leaves(const rv_node *node, const rv_pending *batch, uint64_t watermark) {
    const bool all = batch->arrived > 0 && batch->arrived >= covered_still(node, batch);
    const bool passed = batch->state == RV_PENDING_ACCEPTED && batch->position <= watermark;
    RV_ASSERT(batch->covered <= batch->count);
    return all || passed;
}

/* True when batches may leave: some have events in the batch that is received, or are accepted. */
static bool some_may_leave(const rv_node *node) {
    RV_ASSERT(node->outbox.accepted <= node->outbox.pending);
    return node->outbox.arrived > 0 || node->outbox.accepted > 0;
}

rv_status rv_outbox_leave(rv_node *node, rv_ledger_changes *changes, uint64_t watermark) {
    rv_status status = RV_OK;
    RV_ASSERT(node->receiving.active);
    const uint32_t count = some_may_leave(node) ? node->outbox.pending : 0;
    for (uint32_t i = 0; i < count && status == RV_OK; i += 1) {
        const rv_pending batch = rv_outbox_at(node, i);
        if (leaves(node, &batch, watermark)) {
            uint8_t key[RV_PENDING_KEY];
            rv_pending_key(batch.edge_sequence, key);
            status = rv_ledger_remove(&node->ledger, changes, RV_LEDGER_PENDING,
                                      rv_bytes_of(key, sizeof key));
        }
    }
    return status;
}

static void note_outcome(rv_outbox *o, const rv_outbox_decided *decided) {
    RV_ASSERT(decided->sequence > 0 && o->decided_at < RV_OUTBOX_DECIDED);
    o->decided[o->decided_at] = *decided;
    o->decided_at = (o->decided_at + 1) % RV_OUTBOX_DECIDED;
}

void rv_outbox_note_decided(rv_node *node, uint64_t edge_sequence, uint64_t position) {
    const rv_outbox_decided decided = {.sequence = edge_sequence, .position = position};
    note_outcome(&node->outbox, &decided);
}

void rv_outbox_note_moved(rv_node *node, uint64_t edge_sequence, uint64_t to) {
    const rv_outbox_decided moved = {.sequence = edge_sequence, .moved = to};
    RV_ASSERT(to > edge_sequence);
    note_outcome(&node->outbox, &moved);
}

/* What leaves is decided. Returns how many of those that do are shown. */
static uint32_t apply_leaving(rv_node *node, const rv_ledger_changes *changes) {
    rv_outbox *const o = &node->outbox;
    const uint64_t watermark = rv_log_watermark(node->log);
    const uint32_t count = some_may_leave(node) ? o->pending : 0;
    uint32_t left = 0;
    uint32_t shown = 0;
    for (uint32_t i = 0; i < count; i += 1) {
        const rv_pending batch = rv_outbox_at(node, i);
        if (leaves(node, &batch, watermark)) {
            shown += batch.covered > 0;
            rv_outbox_note_decided(node, batch.edge_sequence, batch.position);
            o->accepted -= batch.state == RV_PENDING_ACCEPTED;
            o->counting -= batch.counted_count > 0;
            left += 1;
        }
    }
    RV_ASSERT(left <= o->pending);
    rv_ledger_apply(&node->ledger, changes);
    o->pending -= left;
    if (left > 0) {
        o->decided_batch = rv_log_batches(node->log);
        o->settle_due = true;
    }
    return o->pending > 0 ? shown : left;
}

void rv_outbox_received(rv_node *node, const rv_ledger_changes *changes, bool rebased) {
    rv_outbox *const o = &node->outbox;
    RV_ASSERT(!node->receiving.active);
    const uint32_t left = changes != NULL && o->pending > 0 ? apply_leaving(node, changes) : 0;
    if (o->arrived > 0) {
        notes_reset(node);
    }
    if (rebased) {
        rv_outbox_commands_due(node, 0);
    }
    if (left > 0) {
        rv_outbox_lift(node);
    }
    if (!rv_state_overlay_laid(node->state)) {
        rv_outbox_lay(node);
    }
}

/* --- what becomes durable --- */

void rv_outbox_note_written(rv_node *node, uint64_t edge_sequence) {
    rv_outbox *const o = &node->outbox;
    const uint64_t batch = rv_log_batches(node->log);
    rv_outbox_run *const last = o->run_count == 0 ? NULL : &o->runs[o->run_count - 1];
    RV_ASSERT(o->run_count <= RV_OUTBOX_RUNS && edge_sequence > o->durable);
    if (last != NULL && last->batch + last->count == batch) {
        last->count += 1;
    } else if (o->run_count < RV_OUTBOX_RUNS) {
        o->runs[o->run_count] = (rv_outbox_run){edge_sequence, batch, 1};
        o->run_count += 1;
    } else { /* known to be durable when this one is */
        RV_ASSERT(last != NULL);
        *last = (rv_outbox_run){edge_sequence, batch, 1};
    }
}

void rv_outbox_poll(rv_node *node) {
    rv_outbox *const o = &node->outbox;
    const uint64_t durable = rv_log_batches_durable(node->log);
    uint32_t over = 0;
    for (; over < o->run_count && o->runs[over].batch <= durable; over += 1) {
        rv_outbox_run *const run = &o->runs[over];
        const uint64_t reached = durable - run->batch + 1;
        if (reached < run->count) {
            o->durable = run->sequence + reached - 1;
            *run = (rv_outbox_run){run->sequence + reached, run->batch + reached,
                                   run->count - reached};
            break;
        }
        o->durable = run->sequence + run->count - 1;
    }
    RV_ASSERT(over <= o->run_count);
    o->run_count -= over;
    memmove(o->runs, o->runs + over, o->run_count * sizeof o->runs[0]);
    if (o->own_first > 0 && o->own_batch <= durable) {
        o->own_first = 0;
        o->revision += 1; /* it is told from now on */
    }
    if (o->settle_due && o->decided_batch <= durable) {
        o->settled = undecided(node) - 1;
        o->settle_due = false;
    }
}
