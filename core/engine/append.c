/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending at the root: a batch is judged whole and in order, then exists whole, or nothing of it.
 *
 *     ids known? -> begin (log, state) -> each event: read, complete, judge and fold, record ->
 * commit
 *
 * Until commit everything can be taken back: the record bytes lie in the log's buffer, the state
 * keeps a journal. An id that is known (SEMANTICS 3) is looked at first, before anything is
 * assigned.
 */
#include "core/engine/append.h"

#include "core/base/assert.h"
#include "core/engine/lease.h"
#include "core/model/json.h"

/* --- a new event --- */

rv_status rv_node_expected_check(const rv_append *append, uint64_t actual, rv_bytes path,
                                 rv_error *err) {
    const bool holds =
        append->expected == RV_EXPECTED_ANY ||
        (append->expected == RV_EXPECTED_NONE && actual == 0) ||
        (append->expected == RV_EXPECTED_EXISTS && actual > 0) ||
        (append->expected == RV_EXPECTED_NUMBER && actual == append->expected_version);
    if (holds) {
        return RV_OK;
    }
    if (append->expected == RV_EXPECTED_NUMBER) {
        rv_error_set(err, RV_VERSION_CONFLICT,
                     "%b is at version %u, not at the expected %u; read what came in between and "
                     "decide again",
                     &path, actual, append->expected_version);
        rv_error_fact_uint(err, "expected", append->expected_version);
    } else {
        const bool none = append->expected == RV_EXPECTED_NONE;
        rv_error_set(err, RV_VERSION_CONFLICT,
                     none ? "%b was expected to have no events and is at version %u"
                          : "%b was expected to exist and has no events",
                     &path, actual);
        rv_error_fact_text(err, "expected", none ? RV_LITERAL("none") : RV_LITERAL("exists"));
    }
    rv_error_fact_uint(err, "actual", actual);
    rv_error_fact_text(err, "path", path);
    return RV_VERSION_CONFLICT;
}

/* The serial key of the row that field `f` creates: the next one after all that the aggregate had,
 * and after those that the event's other fields bring. */
static rv_status next_serial(rv_node *node, uint16_t f, uint16_t aggregate, rv_value *key,
                             rv_error *err) {
    const rv_event_draft *const draft = &node->draft;
    const rv_event_type *const type = draft->type;
    const rv_aggregate *const made = rv_schema_aggregate(node->schema, aggregate);
    int64_t next = 0;
    rv_status status = rv_node_serial_next(node, aggregate, &next, err);
    for (uint16_t t = 0; t < type->touch_count && status == RV_OK; t++) {
        const rv_touch *const touch = &type->touches[t];
        const rv_value *const given = &draft->values[touch->field];
        RV_ASSERT(touch->field < type->field_count);
        if (touch->kind == RV_TOUCH_CREATES && touch->aggregate == aggregate &&
            draft->given[touch->field] && given->class_ == RV_VALUE_INT &&
            given->as.integer >= next) {
            next = given->as.integer < INT64_MAX ? given->as.integer + 1 : INT64_MIN;
        }
    }
    if (status == RV_OK && next < 0) {
        rv_error_set(err, RV_VALUE_OUT_OF_RANGE, "the serial keys of `%b` are used up",
                     &made->name);
        rv_error_fact_text(err, "aggregate", made->name);
        return RV_VALUE_OUT_OF_RANGE;
    }
    return status == RV_OK ? rv_node_serial_value(node, f, aggregate, next, key, err) : status;
}

rv_status rv_node_serial_value(rv_node *node, uint16_t f, uint16_t aggregate, int64_t key,
                               rv_value *value, rv_error *err) {
    const rv_field *const field = &node->draft.type->fields[f];
    const rv_aggregate *const made = rv_schema_aggregate(node->schema, aggregate);
    const rv_type wide = {.kind = RV_TYPE_BIGINT};
    RV_ASSERT(key > 0 && f < node->draft.type->field_count);
    *value = rv_value_int(key);
    const rv_status status = rv_value_coerce(&wide, &made->columns[made->key].type, field->name,
                                             &node->scratch, value, err);
    return status == RV_OK
               ? rv_value_coerce(&wide, &field->type, field->name, &node->scratch, value, err)
               : status;
}

static rv_status assign_serials(rv_node *node, rv_error *err) {
    rv_event_draft *draft = &node->draft;
    for (uint16_t f = 0; f < draft->type->field_count; f++) {
        uint16_t aggregate = 0;
        if (rv_event_draft_wants_serial(node->schema, draft, f, &aggregate)) {
            const rv_status status = next_serial(node, f, aggregate, &draft->values[f], err);
            if (status != RV_OK) {
                return status;
            }
            draft->given[f] = true;
        }
    }
    return RV_OK;
}

/* Keys that are given: not out of a block that another edge has leased. */
static rv_status check_leases(const rv_node *node, const uint8_t *edge_id, rv_error *err) {
    const rv_event_draft *const draft = &node->draft;
    const rv_event_type *const type = draft->type;
    rv_status status = RV_OK;
    for (uint16_t t = 0; t < type->touch_count && status == RV_OK; t++) {
        const rv_touch *const touch = &type->touches[t];
        const rv_aggregate *const made = rv_schema_aggregate(node->schema, touch->aggregate);
        const rv_value *const key = &draft->values[touch->field];
        RV_ASSERT(touch->field < type->field_count);
        if (touch->kind == RV_TOUCH_CREATES && made->columns[made->key].type.serial &&
            key->class_ == RV_VALUE_INT) {
            status = rv_node_lease_check(node, made->number, key->as.integer, edge_id, err);
        }
    }
    return status;
}

rv_status rv_node_draft_path(rv_node *node, rv_bytes *path, rv_error *err) {
    uint8_t *const text = rv_arena_take_raw(&node->scratch, RV_PATH_LEN_MAX);
    if (text == NULL) {
        return rv_error_set(err, RV_EVENT_TOO_LARGE, "the event is too large for this budget");
    }
    rv_writer w = rv_writer_over(text, RV_PATH_LEN_MAX);
    rv_event_draft_path(&node->draft, &w);
    *path = rv_writer_bytes(&w);
    RV_ASSERT(w.full || path->len > 0);
    return w.full ? rv_error_set(err, RV_PATH_INVALID, "the stream's path is longer than %u bytes",
                                 (uint64_t)RV_PATH_LEN_MAX)
                  : RV_OK;
}

/* Finds the stream that has the path, and its head. */
static bool find_stream(const rv_node *node, rv_bytes path, uint32_t *stream,
                        rv_stream_head *head) {
    if (!rv_state_stream_find(node->state, path, stream)) {
        return false;
    }
    rv_state_stream(node->state, *stream, head);
    return true;
}

/* The stream instance of the completed draft: found, or added. Mostly it is there, by the path as
 * it was given; then none is written. */
static rv_status take_stream(rv_node *node, const rv_append *append, rv_event *event,
                             rv_error *err) {
    rv_stream_head head = {.version = 0};
    rv_bytes path = append->path;
    const uint16_t declaration = node->draft.stream->number;
    bool found = rv_event_draft_path_given(&node->draft, path) &&
                 find_stream(node, path, &event->stream, &head) && head.declaration == declaration;
    rv_status status = RV_OK;
    if (!found) {
        head = (rv_stream_head){.version = 0};
        status = rv_node_draft_path(node, &path, err);
        found = status == RV_OK && find_stream(node, path, &event->stream, &head);
    }
    status = status == RV_OK ? rv_node_expected_check(append, head.version, path, err) : status;
    if (status != RV_OK) {
        return status;
    }
    event->version = head.version + 1;
    event->new_stream = !found;
    event->declaration = declaration;
    return found ? RV_OK
                 : rv_state_stream_add(node->state, event->declaration, path, &event->stream, err);
}

static rv_status refuse_size(const rv_node *node, size_t len, rv_error *err) {
    RV_ASSERT(len > node->event_len_max);
    return rv_error_set(err, RV_EVENT_TOO_LARGE,
                        "the event has %u bytes; the limit at this memory budget is %u",
                        (uint64_t)len, (uint64_t)node->event_len_max);
}

rv_status rv_node_data_encode(rv_node *node, rv_event *event, rv_error *err) {
    rv_arena *results = &node->results;
    rv_writer w = rv_writer_over(results->ptr + results->len, results->cap - results->len);
    rv_event_draft_encode(&node->draft, &w);
    if (w.full) {
        return rv_error_set(err, RV_BATCH_TOO_LARGE,
                            "the batch is larger than the limit of %u bytes",
                            (uint64_t)node->batch_len_max);
    }
    if (w.len + event->metadata.len > node->event_len_max) {
        return refuse_size(node, w.len + event->metadata.len, err);
    }
    event->data.ptr = rv_arena_take_raw(results, w.len);
    if (event->data.ptr == NULL) {
        return rv_error_set(err, RV_BATCH_TOO_LARGE,
                            "the batch is larger than the limit of %u bytes",
                            (uint64_t)node->batch_len_max);
    }
    memmove((uint8_t *)(uintptr_t)event->data.ptr, w.ptr, w.len); /* alignment may have moved it */
    event->data.len = w.len;
    return RV_OK;
}

/* Without the space between its tokens: what is shown on one line must stay there. */
static rv_bytes copy_compact(rv_arena *arena, rv_bytes json) {
    uint8_t *const to = rv_arena_take_raw(arena, json.len);
    size_t len = 0;
    bool string = false;
    for (size_t i = 0; i < json.len && to != NULL; i++) {
        const uint8_t c = json.ptr[i];
        if (!string && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            continue;
        }
        to[len++] = c;
        if (string && c == '\\') {
            i += 1;
            RV_ASSERT(i < json.len); /* it is valid */
            to[len++] = json.ptr[i];
        } else if (c == '"') {
            string = !string;
        }
    }
    return rv_bytes_of(to, len);
}

rv_status rv_node_metadata_take(rv_node *node, const rv_append *append, rv_event *event,
                                rv_error *err) {
    if (append->metadata.len > RV_METADATA_LEN_MAX) {
        return rv_error_set(err, RV_EVENT_TOO_LARGE, "the metadata has %u bytes; the limit is %u",
                            (uint64_t)append->metadata.len, (uint64_t)RV_METADATA_LEN_MAX);
    }
    if (append->metadata.len == 0) {
        return RV_OK;
    }
    rv_json json = rv_json_over(append->metadata, NULL);
    rv_json_token token;
    rv_bytes whole;
    rv_status status = rv_json_next(&json, &token, err);
    if (status == RV_OK && token.kind != RV_JSON_OBJECT_BEGIN) {
        return rv_error_set(err, RV_JSON_INVALID, "metadata is a JSON object");
    }
    status = status == RV_OK ? rv_json_skip(&json, &token, &whole, err) : status;
    status = status == RV_OK ? rv_json_next(&json, &token, err) : status;
    if (status == RV_OK) {
        event->metadata = copy_compact(&node->results, append->metadata);
        if (event->metadata.ptr == NULL) {
            return rv_error_set(err, RV_BATCH_TOO_LARGE, "the batch is larger than the limit");
        }
    }
    return status;
}

/* The id is not in the log before this batch: is it in the batch? */
static rv_status check_new_id(rv_node *node, const uint8_t *id, const rv_event *event,
                              rv_error *err) {
    uint64_t sequence = 0;
    const uint64_t since = rv_log_appended(node->log) + 1;
    RV_ASSERT(event->sequence >= since);
    if (rv_node_id_is_own(node, id)) {
        return rv_node_id_reused(id, err);
    }
    const rv_status status = rv_log_find_id(node->log, id, since, &sequence, err);
    return status == RV_OK ? rv_node_id_twice(id, err) : status == RV_END ? RV_OK : status;
}

rv_status rv_node_draft_read(rv_node *node, const rv_appends *given, size_t index, rv_error *err) {
    const rv_append *const append = &given->events[index];
    RV_ASSERT(index < given->count);
    return given->complete ? rv_event_draft_decode(node->schema, append->path, append->type,
                                                   append->data, &node->draft, err)
                           : rv_event_draft_read(node->schema, append->path, append->type,
                                                 append->data, &node->scratch, &node->draft, err);
}

/* The data as it is stored: encoded, or as it was given. */
static rv_status take_data(rv_node *node, const rv_appends *given, size_t index, rv_event *event,
                           rv_error *err) {
    if (!given->complete) {
        return rv_node_data_encode(node, event, err);
    }
    event->data = given->events[index].data;
    RV_ASSERT(event->data.len > 0); /* it was decoded */
    const size_t len = event->data.len + event->metadata.len;
    return len <= node->event_len_max ? RV_OK : refuse_size(node, len, err);
}

/* Everything for one event but its record. */
static rv_status judge_event(rv_node *node, const rv_appends *given, size_t index, rv_event *event,
                             rv_error *err) {
    const rv_append *const append = &given->events[index];
    rv_arena_reset(&node->scratch, 0);
    node->at_work = event->position;
    rv_status status =
        append->has_event_id ? check_new_id(node, append->event_id, event, err) : RV_OK;
    if (status != RV_OK) {
        return status;
    }
    status = rv_node_draft_read(node, given, index, err);
    memcpy(node->draft.event_id, event->event_id, sizeof event->event_id);
    status = status == RV_OK ? assign_serials(node, err) : status;
    status = status == RV_OK
                 ? rv_event_draft_complete(&node->draft, event->written_at - RV_EPOCH_DIFFERENCE_US,
                                           &node->scratch, err)
                 : status;
    status = status == RV_OK ? check_leases(node, given->edge_id, err) : status;
    status = status == RV_OK ? take_stream(node, append, event, err) : status;
    status = status == RV_OK ? rv_node_metadata_take(node, append, event, err) : status;
    if (status != RV_OK) {
        return status;
    }
    event->type = node->draft.type->number;
    status = take_data(node, given, index, event, err);
    if (status != RV_OK) {
        return status;
    }
    status =
        rv_state_fold(node->state, event, node->draft.values, RV_FOLD_JUDGE, &node->scratch, err);
    if (status != RV_OK) {
        rv_refusal_name_stream(node, event->stream, status, err);
    }
    return status;
}

/* --- a batch --- */

/* What every event of a batch starts from. */
static rv_event event_begin(const rv_node *node, const rv_record_context *context,
                            const uint8_t *foreign_id) {
    rv_event event = {
        .sequence = context->next_sequence,
        .position = context->previous_position + 1,
        .schema_version = rv_schema_version(node->schema),
        .written_at = context->time,
        .recorded_at = context->time,
        .foreign_id = foreign_id != NULL,
    };
    if (foreign_id != NULL) {
        memcpy(event.event_id, foreign_id, sizeof event.event_id);
    } else {
        rv_event_id_make(context->node_tag, event.position, event.written_at, event.event_id);
    }
    return event;
}

static rv_batch batch_begin(const rv_node *node, rv_record_context *context) {
    const int64_t now = rv_node_now(node);
    const rv_batch batch = {
        .first_sequence = rv_log_appended(node->log) + 1,
        .first_position = rv_log_watermark(node->log) + 1,
        .time = now > node->recorded_at ? now : node->recorded_at,
    };
    *context = rv_batch_context(&batch, node->log);
    return batch;
}

void rv_node_append_abandon(rv_node *node) {
    rv_state_rollback(node->state);
    rv_log_append_cancel(node->log);
    RV_ASSERT(node->at_work == 0);
}

void rv_node_append_commit(rv_node *node, rv_appending *appending, size_t count) {
    rv_batch *const batch = &appending->batch;
    RV_ASSERT(count > 0 && !appending->body.full);
    rv_state_commit(node->state);
    batch->watermark = batch->first_position + count - 1;
    node->recorded_at = batch->time;
    node->read_generation += 1;
    (void)rv_log_append_commit(node->log, batch, &appending->body, count);
}

/* One event and its record. */
static rv_status append_one(rv_node *node, const rv_appends *given, rv_appending *appending,
                            rv_event *event, size_t index, rv_error *err) {
    const rv_append *const append = &given->events[index];
    *event = event_begin(node, &appending->context, append->has_event_id ? append->event_id : NULL);
    event->batch_end = index + 1 == given->count;
    if (given->complete) {
        RV_ASSERT(append->has_event_id);
        event->written_at = given->written_at;
        event->schema_version = given->schema_version;
    }
    const rv_status status = judge_event(node, given, index, event, err);
    if (status != RV_OK) {
        return status;
    }
    rv_record_write_event(&appending->body, &appending->context, event);
    rv_log_note(node->log, event);
    return appending->body.full ? rv_error_set(err, RV_BATCH_TOO_LARGE,
                                               "the batch is larger than the limit of %u bytes",
                                               (uint64_t)node->batch_len_max)
                                : RV_OK;
}

rv_status rv_node_append_judge(rv_node *node, const rv_appends *given, rv_appending *appending,
                               rv_event *results, size_t *index, rv_error *err) {
    RV_ASSERT(given->count > 0 && results != NULL);
    node->read_generation += 1; /* it may write, and what was written is kept where reads are */
    rv_status status = rv_log_append_begin(node->log, &appending->body, err);
    if (status != RV_OK) {
        return status;
    }
    appending->batch = batch_begin(node, &appending->context);
    rv_state_begin(node->state);
    for (size_t i = 0; i < given->count && status == RV_OK; i++) {
        *index = i;
        status = append_one(node, given, appending, &results[i], i, err);
    }
    node->at_work = 0;
    if (status != RV_OK) {
        rv_node_append_abandon(node);
    }
    return status;
}

static rv_status check_root(const rv_node *node, rv_error *err) {
    const rv_status status = rv_node_check_writable(node, err);
    if (status == RV_OK && node->role != RV_ROLE_ROOT) {
        return rv_error_set(err, RV_NOT_ROOT,
                            "this node is an edge: what is written here goes through its upstream");
    }
    return status;
}

/* A batch with ids is no larger than what the log knows by heart of its tail. */
static rv_status check_ids_fit(const rv_node *node, const rv_append *events, size_t count,
                               rv_error *err) {
    const size_t max = rv_log_notes_max(node->log);
    RV_ASSERT(max > 0);
    for (size_t i = 0; i < count && count > max; i++) {
        if (events[i].has_event_id) {
            return rv_error_set(err, RV_BATCH_TOO_LARGE,
                                "at this memory budget a batch whose events bring ids has at most "
                                "%u events, not %u",
                                (uint64_t)max, (uint64_t)count);
        }
    }
    return RV_OK;
}

rv_status rv_node_append_check(rv_node *node, const rv_appends *given, rv_error *err) {
    const size_t count = given->count;
    rv_status status = check_root(node, err);
    if (status != RV_OK) {
        return status;
    }
    if (count == 0 || count > RV_BATCH_EVENTS_MAX) {
        return rv_error_set(err, count == 0 ? RV_REQUEST_INVALID : RV_BATCH_TOO_LARGE,
                            "a batch has 1 to %u events, not %u", (uint64_t)RV_BATCH_EVENTS_MAX,
                            (uint64_t)count);
    }
    status = check_ids_fit(node, given->events, count, err);
    if (status == RV_OK) {
        rv_arena_reset(&node->results, 0);
    }
    return status;
}

rv_status rv_node_append(rv_node *node, const rv_append *events, size_t count, rv_event *results,
                         rv_error *err) {
    const rv_appends given = {.events = events, .count = count};
    RV_ASSERT(events != NULL && results != NULL);
    rv_status status = rv_node_append_check(node, &given, err);
    if (status != RV_OK) {
        return status;
    }
    size_t index = 0;
    rv_appending appending;
    status = rv_node_ids_meet(node, &given, results, &index, err);
    if (status == RV_END) {
        return RV_OK;
    }
    if (status == RV_OK) {
        status = rv_node_append_judge(node, &given, &appending, results, &index, err);
    }
    if (status == RV_OK) {
        rv_node_append_commit(node, &appending, count);
    } else if (status != RV_PENDING && count > 1) {
        rv_error_fact_uint(err, "index", index);
    }
    return status;
}

/* --- the schema --- */

static rv_status judge_schema(rv_node *node, rv_event *event, rv_writer *body,
                              rv_record_context *context, rv_error *err) {
    const rv_bytes path = RV_LITERAL(RV_SYSTEM_SCHEMA_PATH);
    rv_status status = RV_OK;
    event->new_stream = !rv_state_stream_find(node->state, path, &event->stream);
    event->declaration = RV_NONE;
    event->version = 1;
    if (event->new_stream) {
        status = rv_state_stream_add(node->state, RV_NONE, path, &event->stream, err);
    } else {
        rv_stream_head head;
        rv_state_stream(node->state, event->stream, &head);
        event->version = head.version + 1;
    }
    if (status == RV_OK) {
        status = rv_state_fold(node->state, event, NULL, RV_FOLD_JUDGE, &node->scratch, err);
    }
    if (status == RV_OK) {
        rv_record_write_event(body, context, event);
        rv_log_note(node->log, event);
        status = body->full ? rv_error_set(err, RV_SCHEMA_TOO_LARGE,
                                           "the schema text is larger than the limit of %u bytes",
                                           (uint64_t)node->batch_len_max)
                            : RV_OK;
    }
    /* Last, because it cannot be taken back: on an error of its own it has changed nothing. */
    const bool known = event->schema_version <= rv_schema_version(node->schema);
    return status == RV_OK && !known ? rv_schema_apply(node->schema, event->data, err) : status;
}

rv_status rv_schema_text_check(rv_bytes text, rv_error *err) {
    return text.len <= RV_SCHEMA_TEXT_MAX
               ? RV_OK
               : rv_error_set(err, RV_SCHEMA_TOO_LARGE,
                              "the schema text has %u bytes; the limit is %u", (uint64_t)text.len,
                              (uint64_t)RV_SCHEMA_TEXT_MAX);
}

rv_status rv_node_schema_apply(rv_node *node, rv_bytes text, rv_event *result, rv_error *err) {
    rv_status status = check_root(node, err);
    status = status == RV_OK ? rv_schema_text_check(text, err) : status;
    return status == RV_OK
               ? rv_node_schema_append(node, text, rv_schema_version(node->schema) + 1, result, err)
               : status;
}

rv_status rv_node_schema_append(rv_node *node, rv_bytes text, uint32_t version, rv_event *result,
                                rv_error *err) {
    rv_appending appending;
    node->read_generation += 1; /* as above */
    rv_status status = rv_log_append_begin(node->log, &appending.body, err);
    if (status != RV_OK) {
        return status;
    }
    rv_arena_reset(&node->results, 0);
    rv_arena_reset(&node->scratch, 0);
    appending.batch = batch_begin(node, &appending.context);
    rv_state_begin(node->state);
    *result = event_begin(node, &appending.context, NULL);
    result->type = RV_SYSTEM_SCHEMA_TYPE;
    result->schema_version = version;
    result->batch_end = true;
    result->data = text;
    node->at_work = result->position;
    status = judge_schema(node, result, &appending.body, &appending.context, err);
    node->at_work = 0;
    if (status != RV_OK) {
        rv_node_append_abandon(node);
        return status;
    }
    rv_node_append_commit(node, &appending, 1);
    return RV_OK;
}

rv_status rv_node_schema_check(rv_node *node, rv_bytes text, rv_error *err) {
    return rv_schema_check(node->schema, text, err);
}
