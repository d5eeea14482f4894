/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay: the events of the log are folded in their order, batch by batch, as recovery gives them.
 *
 *     recover -> fold … -> end
 *                  \-> a batch that cannot be folded: the log ends before it -> fold again -> over
 *
 * A batch that cannot be folded (by this version, or within this budget) is not in the state in
 * part: engine/again.c.
 */
#include "core/engine/internal.h"

#include "core/base/assert.h"

/* --- folding what is in the log --- */

rv_status rv_node_event_path(rv_node *node, const rv_event *event, rv_bytes *path, rv_error *err) {
    if (event->declaration == RV_NONE) {
        *path = RV_LITERAL(RV_SYSTEM_SCHEMA_PATH);
        return RV_OK;
    }
    const rv_schema *schema = node->schema;
    uint8_t *text = rv_arena_take_raw(&node->scratch, RV_PATH_LEN_MAX);
    RV_ASSERT(text != NULL); /* nothing else is in scratch */
    if (event->declaration >= rv_schema_stream_count(schema) ||
        event->type >= rv_schema_event_type_count(schema) ||
        !rv_event_has_path(rv_schema_stream(schema, event->declaration),
                           rv_schema_event_type(schema, event->type), node->values)) {
        return rv_error_set(err, RV_DATA_DAMAGED, "the event at sequence %u names no known stream",
                            event->sequence);
    }
    rv_writer w = rv_writer_over(text, RV_PATH_LEN_MAX);
    rv_event_path(rv_schema_stream(schema, event->declaration),
                  rv_schema_event_type(schema, event->type), node->values, &w);
    *path = rv_writer_bytes(&w);
    return w.full ? rv_error_set(err, RV_DATA_DAMAGED,
                                 "the event at sequence %u has too long a path", event->sequence)
                  : RV_OK;
}

/* What another node has accepted as a schema is none to this one: a newer version's, or more than
 * there is memory for. */
static rv_status refuse_schema(const rv_event *event, const rv_error *why, rv_error *err) {
    const bool room = why->status == RV_SCHEMA_TOO_LARGE || why->status == RV_MEMORY_EXHAUSTED;
    const rv_bytes detail = rv_error_detail(why);
    RV_ASSERT(why->status > RV_END);
    (void)rv_error_set(err, room ? why->status : RV_SCHEMA_UNSUPPORTED,
                       "version %u of the schema, at position %u, is not understood here (%s): %b",
                       (uint64_t)event->schema_version, event->position,
                       rv_status_code(why->status), &detail);
    rv_error_fact_uint(err, "schema_version", event->schema_version);
    rv_error_fact_uint(err, "position", event->position);
    return room ? why->status : RV_SCHEMA_UNSUPPORTED;
}

static rv_status fold_schema_change(rv_node *node, const rv_event *event, rv_error *err) {
    if (event->schema_version != rv_schema_version(node->schema) + 1) {
        return rv_error_set(err, RV_DATA_DAMAGED,
                            "the schema change at sequence %u makes version %u of a schema at %u",
                            event->sequence, (uint64_t)event->schema_version,
                            (uint64_t)rv_schema_version(node->schema));
    }
    rv_error why = {.status = RV_OK};
    const rv_status status = rv_schema_apply(node->schema, event->data, &why);
    if (status != RV_OK) {
        return refuse_schema(event, &why, err);
    }
    if (node->role != RV_ROLE_ROOT) {
        rv_node_give(node);
    }
    return RV_OK;
}

/* The stream that the event begins: added, if receiving has not done so. `values` NULL: its data is
 * opaque, and its path stood before it. */
static rv_status fold_new_stream(rv_node *node, const rv_event *event, const rv_value *values,
                                 rv_error *err) {
    uint32_t number = 0;
    rv_bytes path = node->named;
    rv_status status = RV_OK;
    RV_ASSERT(event->new_stream);
    if (values != NULL || event->type == RV_SYSTEM_SCHEMA_TYPE) {
        status = rv_node_event_path(node, event, &path, err);
    } else if (path.len == 0 || path.len > RV_PATH_LEN_MAX || path.ptr[0] != '/' ||
               event->declaration >= rv_schema_stream_count(node->schema)) {
        status =
            rv_error_set(err, RV_DATA_DAMAGED,
                         "the event at sequence %u begins a stream, and does not decode as its "
                         "type: which stream is not known",
                         event->sequence);
    }
    if (status == RV_OK && rv_state_stream_find(node->state, path, &number)) {
        status =
            rv_error_set(err, RV_DATA_DAMAGED,
                         "the event at sequence %u begins a stream that is there", event->sequence);
    }
    if (status == RV_OK && event->stream == rv_state_stream_count(node->state)) {
        status = rv_state_stream_add(node->state, event->declaration, path, &number, err);
    }
    return status;
}

/* Inlined where one event is folded after the other. */
__attribute__((always_inline)) static inline rv_status
fold_event(rv_node *node, const rv_event *event, rv_error *err) {
    rv_arena_reset(&node->scratch, 0);
    node->at_work = event->position;
    const rv_value *values = NULL;
    bool opaque = false;
    if (!rv_event_time_valid(event->written_at) ||
        (event->recorded_at != event->written_at && !rv_event_time_valid(event->recorded_at))) {
        return rv_error_set(err, RV_DATA_DAMAGED,
                            "the event at sequence %u was written at a time that there is not",
                            event->sequence);
    }
    if (event->type == RV_SYSTEM_SCHEMA_TYPE) {
        const rv_status status = fold_schema_change(node, event, err);
        if (status != RV_OK) {
            return status;
        }
    } else if (event->type >= rv_schema_event_type_count(node->schema)) {
        return rv_error_set(err, RV_DATA_DAMAGED,
                            "the event at sequence %u, position %u is of no known type",
                            event->sequence, event->position);
    } else {
        opaque = !rv_event_data_decode(rv_schema_event_type(node->schema, event->type), event->data,
                                       node->values);
        values = opaque ? NULL : node->values;
    }
    if (event->new_stream) {
        const rv_status status = fold_new_stream(node, event, values, err);
        if (status != RV_OK) {
            return status;
        }
    }
    if (event->stream >= rv_state_stream_count(node->state)) {
        return rv_error_set(err, RV_DATA_DAMAGED, "the event at sequence %u belongs to no stream",
                            event->sequence);
    }
    if (__builtin_expect(opaque, 0)) {
        rv_opaque_mark(node, event);
        return rv_state_pass(node->state, event, err);
    }
    return rv_state_fold(node->state, event, values, RV_FOLD_APPLY, &node->scratch, err);
}

rv_status rv_node_fold(rv_node *node, const rv_event *event, rv_error *err) {
    return fold_event(node, event, err);
}

rv_status rv_node_fold_gone(rv_node *node, const rv_record *record, rv_error *err) {
    const rv_event *const event = &record->event;
    RV_ASSERT(record->kind == RV_RECORD_GONE);
    node->rewinding.gone =
        event->position > node->rewinding.gone ? event->position : node->rewinding.gone;
    if (event->filled) { /* as of any event that was filled in, nothing was folded */
        node->held.past.filled = true;
        return RV_OK;
    }
    node->held.past.lost = true;
    if (event->new_stream) {
        rv_arena_reset(&node->scratch, 0);
        node->named = record->body;
        const rv_status status = fold_new_stream(node, event, NULL, err);
        node->named = (rv_bytes){NULL, 0};
        if (status != RV_OK) {
            return status;
        }
    }
    const rv_status status = rv_state_pass(node->state, event, err);
    if (status == RV_OK) {
        rv_state_stream_shorten(node->state, event->stream);
    }
    return status;
}

/* A record that is no event. */
static rv_status replay_other(rv_node *node, const rv_record *record, rv_error *err) {
    if (record->kind == RV_RECORD_FILLED) {
        return rv_node_replay_filled(node, record->body, err);
    }
    if (record->kind == RV_RECORD_GONE) {
        return rv_node_fold_gone(node, record, err);
    }
    if (record->kind == RV_RECORD_SELECTION) {
        return rv_node_replay_selection(node, record, err);
    }
    if (record->kind == RV_RECORD_PATH) {
        node->named = record->body;
        return RV_OK;
    }
    if (record->kind >= RV_RECORD_BASE_BEGIN) {
        return rv_node_replay_base(node, record, err);
    }
    rv_ledger_entry entry;
    const bool good = rv_ledger_record_read(record, &entry) &&
                      (record->kind == RV_RECORD_LEDGER_REMOVE || rv_pending_entry_valid(&entry));
    const rv_status status = good ? rv_ledger_replay(&node->ledger, record) : RV_DATA_DAMAGED;
    if (status == RV_DATA_DAMAGED) {
        return rv_error_set(err, status, "a record of what waits or was decided is malformed");
    }
    RV_ASSERT(status == RV_OK || status == RV_MEMORY_EXHAUSTED);
    return status == RV_OK
               ? RV_OK
               : rv_error_set(err, status,
                              "what waits and what was decided does not fit %u bytes; open the "
                              "node with the memory budget that it was written with",
                              (uint64_t)node->ledger.cap);
}

/* Folds what the batch holds, up to what cannot be. */
static rv_status replay_batch(rv_node *node, const rv_batch *batch, rv_error *err) {
    rv_record_context context = rv_batch_context(batch, node->log);
    rv_cursor c = rv_cursor_over(batch->body);
    while (rv_cursor_left(&c) > 0) {
        rv_record record;
        if (!rv_record_read(&c, &context, &record)) {
            return rv_error_set(err, RV_DATA_NEWER,
                                "the batch after sequence %u holds a record that this version does "
                                "not know; open it with the version that wrote it",
                                context.next_sequence - 1);
        }
        if (record.kind == RV_RECORD_GONE) {
            rv_log_note_gone(node->log, &record.event);
        }
        if (record.kind != RV_RECORD_EVENT) {
            const rv_status status = replay_other(node, &record, err);
            if (status != RV_OK) {
                return status;
            }
            continue;
        }
        rv_log_note(node->log, &record.event);
        if (__builtin_expect(record.event.filled, 0)) { /* it is folded in the base before it */
            node->held.past.filled = true;
            continue;
        }
        const uint64_t position = record.event.position;
        rv_status status = RV_OK;
        if (__builtin_expect(node->panics.banned_count > 0, 0)) {
            status = rv_panics_check(&node->panics, position, position, err);
        }
        status = status == RV_OK ? fold_event(node, &record.event, err) : status;
        node->named = (rv_bytes){NULL, 0};
        if (status != RV_OK) {
            rv_error_fact_uint(err, "sequence", record.event.sequence);
            return status;
        }
        node->recorded_at = record.event.recorded_at > node->recorded_at ? record.event.recorded_at
                                                                         : node->recorded_at;
    }
    rv_node_note_time(node, batch->time);
    const bool some = context.next_sequence > batch->first_sequence;
    if (context.next_sequence != rv_log_appended(node->log) + 1 ||
        (some && context.previous_position > batch->watermark)) {
        return rv_error_set(err, RV_DATA_DAMAGED,
                            "the batch from sequence %u on holds other events than it says",
                            batch->first_sequence);
    }
    rv_node_base_settle(node, batch->watermark);
    return RV_OK;
}

rv_status rv_node_replay(rv_node *node, rv_error *err) {
    rv_folding_again *const again = &node->folding_again;
    RV_ASSERT(node->phase == RV_NODE_RECOVERING);
    rv_status status = again->active ? RV_END : RV_OK;
    while (status == RV_OK) { /* each turn takes a batch */
        rv_batch batch;
        status = rv_log_recover(node->log, &batch, err);
        if (status != RV_OK) {
            return status;
        }
        status = replay_batch(node, &batch, err);
        if (status != RV_OK) {
            rv_log_recover_refuse(node->log, err);
            (void)rv_node_fail(node, err);
            rv_node_fold_again_from(node, batch.first_sequence);
        }
    }
    if (rv_node_fold_again(node) == RV_PENDING) {
        return RV_PENDING;
    }
    *err = node->failure;
    return err->status;
}
