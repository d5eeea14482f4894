/* SPDX-License-Identifier: Apache-2.0 */
// Appends at an edge: a batch goes into the outbox (core/engine/outbox.h), and is answered when it
// is as durable as the request asks for.
//
//     Durability: memory     202 when it is in the outbox
//     Durability: local      202 when it is durable here
//     Durability: upstream   what the root decides: 201 as at a root, or its error. Without a
//                            connection it is answered as `local`: the status tells which it was
//
// Who goes away while it waits takes nothing back. A 202 answers the events as they wait, and is
// written at once, as are the batch's facts; a 201 is what the log has of them, so the request is
// started again under the ids that it got. Of events that never come here (`blind`) nothing but
// the position becomes known, for which the answer that was written has room.
#include "face/face_internal.h"

#include "core/base/assert.h"
#include "core/engine/command.h"
#include "core/model/json.h"

#define POSITION_ROOM 16 /* beside `null`: any number fits */

/* --- what waits --- */

/* `"path", "type", "event_id"` of an event, without braces. */
static void write_names(const rv_face *face, const rv_pending_event *event, rv_writer *w) {
    const rv_schema *const schema = rv_node_schema(face->options.node);
    RV_ASSERT(event->type < rv_schema_event_type_count(schema));
    rv_write_text(w, "\"path\":");
    rv_write_json_string(w, event->path);
    rv_write_text(w, ",\"type\":");
    rv_write_json_string(w, rv_schema_event_type(schema, event->type)->name);
    rv_write_text(w, ",\"event_id\":\"");
    rv_write_uuid(w, event->event_id);
    rv_write_u8(w, '"');
}

static void write_data(const rv_face *face, const rv_pending_event *event, rv_writer *w) {
    const rv_event_type *const type =
        rv_schema_event_type(rv_node_schema(face->options.node), event->type);
    RV_ASSERT(type != NULL);
    rv_write_text(w, ",\"data\":");
    rv_event_data_members_to_json(type, event->data, w);
}

void face_write_pending_events(const rv_face *face, const rv_pending *batch, rv_writer *w) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    RV_ASSERT(batch->count > 0);
    rv_write_u8(w, '[');
    while (!w->full &&
           rv_node_pending_event(face->options.node, batch, &cursor, &event)) { /* `count` turns */
        rv_write_text(w, cursor.index > 1 ? ",{" : "{");
        write_names(face, &event, w);
        write_data(face, &event, w);
        rv_write_text(w, ",\"metadata\":");
        rv_write(w, event.metadata.len > 0 ? event.metadata : RV_LITERAL("null"));
        rv_write_u8(w, '}');
    }
    rv_write_u8(w, ']');
}

void rv_face_write_command(const rv_pending *batch, rv_writer *w) {
    RV_ASSERT(batch->command.name.len > 0);
    rv_write_text(w, "\"id\":\"");
    rv_write_uuid(w, batch->command_id);
    rv_write_text(w, "\",\"name\":");
    rv_write_json_string(w, batch->command.name);
    rv_write_text(w, ",\"args\":");
    rv_write(w, batch->command.args.len > 0 ? batch->command.args : RV_LITERAL("null"));
    rv_write_text(w, ",\"attempt\":");
    rv_write_uint(w, batch->attempt);
}

void face_write_pending_facts(const rv_pending *batch, rv_writer *w) {
    RV_ASSERT(batch->edge_sequence > 0);
    rv_write_text(w, "\"edge_sequence\":");
    rv_write_uint(w, batch->edge_sequence);
    rv_write_text(w, ",\"written_at\":");
    rv_event_time_to_json(batch->written_at, w);
    rv_write_text(w, batch->blind ? ",\"blind\":true" : ",\"blind\":false");
    rv_write_text(w, batch->unchecked ? ",\"unchecked\":true" : ",\"unchecked\":false");
    if (batch->command.name.len > 0) {
        rv_write_text(w, ",\"command\":{");
        rv_face_write_command(batch, w);
        rv_write_u8(w, '}');
    }
}

bool face_is_relayed(const rv_face *face, uint64_t edge_sequence) {
    rv_edge_status status;
    RV_ASSERT(edge_sequence > 0);
    if (face->options.edge == NULL) {
        return false;
    }
    rv_edge_status_of(face->options.edge, &status);
    return edge_sequence <= status.relayed;
}

/* --- the answer --- */

#define NOT_RELAYED ",\"relayed\":false" /* at the end of an answer, before the brace */
#define RELAYED     ",\"relayed\":true "

/* True for an answer that may wait until the root has decided. */
static bool may_wait(const rv_exchange *x) {
    RV_ASSERT(x->used);
    return x->phase == EXCHANGE_RELAYED || x->phase == EXCHANGE_DECISION;
}

/* An event of the answer, but for its last brace. `version`: 0 when it is not known. */
static void write_waiting(const rv_exchange *x, const rv_pending_event *event, uint64_t version,
                          rv_writer *w) {
    rv_write_text(w, "{\"position\":null");
    for (unsigned i = 0; i < POSITION_ROOM && may_wait(x) && !x->covered; i++) {
        rv_write_u8(w, ' ');
    }
    rv_write_text(w, ",\"version\":");
    if (version == 0) {
        rv_write_text(w, "null");
    } else {
        rv_write_uint(w, version);
    }
    rv_write_u8(w, ',');
    write_names(x->face, event, w);
    rv_write_text(w, ",\"recorded_at\":null");
    write_data(x->face, event, w);
}

/* One event is an object with the batch's facts, a batch `{"events":[…], …}`. */
static void write_batch(const rv_exchange *x, const rv_pending *batch, rv_writer *w) {
    rv_pending_cursor cursor = {0, 0};
    rv_pending_event event;
    RV_ASSERT(batch->count == x->written_count);
    while (!w->full && rv_node_pending_event(x->face->options.node, batch, &cursor, &event)) {
        const uint64_t version =
            may_wait(x) && !x->covered ? 0 : x->face->events[cursor.index - 1].version;
        if (batch->count > 1) {
            rv_write_text(w, cursor.index == 1 ? "{\"events\":[" : ",");
        }
        write_waiting(x, &event, version, w);
        rv_write_text(w, batch->count > 1 ? "}" : "");
    }
    rv_write_text(w, batch->count > 1 ? "]," : ",");
    face_write_pending_facts(batch, w);
    rv_write_text(w, x->phase == EXCHANGE_RELAYED ? NOT_RELAYED "}\n" : "}\n");
}

/* `position`: of the last event, 0 when it is not known; with `batch` what waits is said too. */
static void write_minimal(const rv_exchange *x, uint64_t position, const rv_pending *batch,
                          rv_writer *w) {
    w->len = 0;
    w->full = false;
    rv_write_text(w, "{\"count\":");
    rv_write_uint(w, x->written_count);
    if (position == 0) {
        rv_write_text(w, ",\"first_position\":null,\"last_position\":null");
    } else {
        RV_ASSERT(position >= x->written_count);
        rv_write_text(w, ",\"first_position\":");
        rv_write_uint(w, position - (x->written_count - 1));
        rv_write_text(w, ",\"last_position\":");
        rv_write_uint(w, position);
    }
    if (batch != NULL) {
        rv_write_u8(w, ',');
        face_write_pending_facts(batch, w);
        rv_write_text(w, x->phase == EXCHANGE_RELAYED ? NOT_RELAYED : "");
    }
    rv_write_text(w, "}\n");
}

static void answer_waiting(rv_exchange *x, const rv_pending *batch, rv_writer *w) {
    x->answer_minimal = x->answer_minimal || batch->covered + (batch->covered == 0) < batch->count;
    if (!x->answer_minimal) {
        write_batch(x, batch, w);
    }
    if (w->full && !may_wait(x) && exchange_writer(x, true, w) == RV_OK) {
        write_batch(x, batch, w);
    }
    x->answer_minimal = x->answer_minimal || w->full;
    if (x->answer_minimal) {
        write_minimal(x, 0, batch, w);
    }
    RV_ASSERT(!w->full);
    exchange_answer(x, 202, "application/json", rv_writer_bytes(w));
}

/* --- writing --- */

/* The ids that the events got, when the request is started again. Those that were made here follow
 * each other, as do those that follow from the request's. */
static void give_ids(const rv_exchange *x, size_t count) {
    uint64_t low = 0;
    for (unsigned i = 8; i < 16; i++) {
        low = (low << 8) | x->first_id[i];
    }
    RV_ASSERT(count == x->written_count);
    for (size_t i = 0; i < count; i++) {
        rv_append *const append = &x->face->appends[i];
        if (append->has_event_id) {
            continue;
        }
        append->has_event_id = true;
        memcpy(append->event_id, x->first_id, 8);
        for (unsigned b = 0; b < 8; b++) {
            append->event_id[15 - b] = (uint8_t)((low + i) >> (8 * b));
        }
    }
}

/* It waits in the outbox: answers, or makes the answer ready. */
static void answer_written(rv_exchange *x, const rv_written *written, face_durability durability,
                           rv_writer *w) {
    rv_node *const node = x->face->options.node;
    rv_pending batch;
    const bool found = rv_node_pending(node, written->edge_sequence - 1, &batch);
    RV_ASSERT(found && batch.edge_sequence == written->edge_sequence);
    x->edge_sequence = written->edge_sequence;
    x->covered = batch.covered == batch.count;
    x->written_count = batch.count;
    memcpy(x->first_id, x->face->events[0].event_id, sizeof x->first_id);
    x->phase = durability == FACE_MEMORY    ? EXCHANGE_ANSWERED
               : durability == FACE_LOCAL   ? EXCHANGE_LOCAL
               : durability == FACE_RELAYED ? EXCHANGE_RELAYED
                                            : EXCHANGE_DECISION;
    answer_waiting(x, &batch, w);
}

rv_status face_write(rv_exchange *x, size_t count, face_durability durability, bool minimal,
                     rv_error *err) {
    rv_face *const face = x->face;
    rv_writer w;
    rv_written written;
    const bool large = !minimal && durability < FACE_RELAYED &&
                       (count > 1 || x->request.body.len > EXCHANGE_BUFFER_SIZE / 4);
    rv_status status = exchange_writer(x, large, &w);
    if (status != RV_OK) {
        return status;
    }
    if (x->edge_sequence > 0) {
        give_ids(x, count);
    }
    const rv_command command = {x->request.command, x->request.args};
    const rv_writes writes = {.events = face->appends,
                              .count = count,
                              .principal = rv_bytes_of(x->principal, x->principal_len),
                              .command = command.name.len > 0 ? &command : NULL};
    status = rv_node_write(face->options.node, &writes, face->events, &written, err);
    if (status != RV_OK) {
        return status;
    }
    if (command.name.len > 0 && durability == FACE_UPSTREAM) {
        durability = FACE_LOCAL; /* who has its function follows what becomes of it */
    }
    x->answer_minimal = minimal;
    if (face->events[count - 1].position == 0) {
        answer_written(x, &written, durability, &w);
        return RV_OK;
    }
    face_answer_events(x, &w, count, minimal);
    x->wait_sequence = face->events[count - 1].sequence;
    x->phase = durability == FACE_MEMORY ? EXCHANGE_ANSWERED : EXCHANGE_DURABLE;
    return RV_OK;
}

/* --- commands that have run again --- */

static rv_status run_sequence(const rv_exchange *x, uint64_t *edge_sequence, rv_error *err) {
    RV_ASSERT(x->request.run.len > 0);
    return rv_number_parse(x->request.run, edge_sequence) &&
                   rv_node_role(x->face->options.node) == RV_ROLE_EDGE
               ? RV_OK
               : rv_error_set(err, RV_REQUEST_INVALID, "there is no such command that is due");
}

/* What became of it, where that is no batch that waits. */
static void answer_outcome(rv_exchange *x, uint64_t edge_sequence, const char *outcome) {
    rv_writer w = rv_writer_over(x->buffer, sizeof x->buffer);
    rv_write_text(&w, "{\"edge_sequence\":");
    rv_write_uint(&w, edge_sequence);
    rv_write_text(&w, ",\"outcome\":\"");
    rv_write_text(&w, outcome);
    rv_write_text(&w, "\",\"events\":[]}\n");
    RV_ASSERT(!w.full);
    exchange_answer(x, 200, "application/json", rv_writer_bytes(&w));
}

rv_status face_write_again(rv_exchange *x, size_t count, rv_error *err) {
    rv_face *const face = x->face;
    uint64_t edge_sequence = 0;
    rv_written written;
    rv_writer w;
    rv_status status = run_sequence(x, &edge_sequence, err);
    status = status == RV_OK ? exchange_writer(x, true, &w) : status;
    status = status == RV_OK
                 ? rv_node_command_done(face->options.node, edge_sequence, face->appends, count,
                                        face->events, &written, err)
                 : status;
    if (status != RV_OK) {
        return status;
    }
    x->answer_minimal = false;
    if (written.changed && !written.rejected && count > 0) {
        answer_written(x, &written, FACE_MEMORY, &w);
    } else {
        answer_outcome(x, edge_sequence,
                       written.rejected ? "rejected"
                       : count == 0     ? "accepted"
                                        : "unchanged");
    }
    return RV_OK;
}

rv_status face_reject(rv_exchange *x, const rv_error *reason, rv_error *err) {
    uint64_t edge_sequence = 0;
    rv_status status = run_sequence(x, &edge_sequence, err);
    if (status != RV_OK) {
        return status;
    }
    status = rv_node_command_refuse(x->face->options.node, edge_sequence, reason, err);
    if (status == RV_OK) {
        answer_outcome(x, edge_sequence, "rejected");
    }
    return status;
}

/* Its own code is a fact; the status says that a function refused, or failed. */
rv_status face_refuse(rv_exchange *x, rv_error *err) {
    const rv_bytes code = x->request.command;
    rv_error refusal;
    (void)rv_error_set(&refusal, code.len > 0 ? RV_COMMAND_REFUSED : RV_COMMAND_FAILED, "%b",
                       &x->request.args);
    if (code.len > 0) {
        rv_error_fact_text(&refusal, "refusal", code);
    }
    return face_reject(x, &refusal, err);
}

/* --- waiting --- */

/* Accepted, of events that do not all come here: the answer that was written gets the positions. */
static void answer_blind(rv_exchange *x, uint64_t position) {
    rv_writer w = rv_writer_over(x->buffer, sizeof x->buffer);
    if (x->answer_minimal || position < x->written_count) {
        write_minimal(x, position, NULL, &w);
        exchange_answer(x, 201, "application/json", rv_writer_bytes(&w));
        return;
    }
    rv_json json = rv_json_over(x->text, NULL);
    rv_json_token token;
    uint64_t next = position - (x->written_count - 1);
    RV_ASSERT(x->text.ptr == x->buffer);
    while (rv_json_next(&json, &token, NULL) == RV_OK && token.kind != RV_JSON_END) {
        rv_bytes whole;
        if (token.kind == RV_JSON_KEY && rv_bytes_are(token.text, "position")) {
            const bool null = rv_json_next(&json, &token, NULL) == RV_OK;
            RV_ASSERT(null && next <= position);
            uint8_t *const at = x->buffer + token.offset;
            rv_writer number = rv_writer_over(at, 4 + POSITION_ROOM);
            rv_write_uint(&number, next);
            memset(at + number.len, ' ', 4 + POSITION_ROOM - number.len);
            next += 1;
        } else if (token.kind == RV_JSON_KEY && rv_bytes_are(token.text, "data") &&
                   (rv_json_next(&json, &token, NULL) != RV_OK ||
                    rv_json_skip(&json, &token, &whole, NULL) != RV_OK)) {
            break;
        }
    }
    exchange_answer(x, 201, "application/json", x->text);
}

static void answer_error(rv_exchange *x, const rv_error *err) {
    RV_ASSERT(err->status != RV_OK);
    exchange_release(x);
    exchange_problem(x, err);
    x->phase = EXCHANGE_ANSWERED;
}

/* True while there is, or may soon be, an upstream that decides. */
static bool decides(const rv_face *face) {
    rv_edge_status status;
    if (face->options.edge == NULL) {
        return false;
    }
    rv_edge_status_of(face->options.edge, &status);
    return status.state == RV_EDGE_CONNECTED || status.state == RV_EDGE_CONNECTING;
}

/* The batch is durable here, or never will be. */
static void check_local(rv_exchange *x) {
    rv_node *const node = x->face->options.node;
    rv_error failure = {.status = RV_OK};
    if (rv_node_outbox(node).durable >= x->edge_sequence) {
        x->phase = EXCHANGE_ANSWERED;
    } else if (rv_node_failed(node, &failure) != RV_OK) {
        rv_error err;
        (void)rv_error_set(&err, RV_STORAGE_FAILED,
                           "the event could not be made durable (%s); whether it is kept shows "
                           "when the node is opened again",
                           failure.detail);
        answer_error(x, &err);
    }
}

static void check_decision(rv_exchange *x) {
    rv_node *const node = x->face->options.node;
    rv_outcome outcome;
    rv_error err;
    if (!rv_node_outcome(node, x->edge_sequence, &outcome)) {
        (void)rv_error_set(&err, RV_OUTCOME_UNKNOWN,
                           "batch %u was decided, and what was decided is not known any more; "
                           "retry with the same event id",
                           x->edge_sequence);
        answer_error(x, &err);
    } else if (outcome.kind == RV_OUTCOME_REJECTED) {
        face_narrow(x, &outcome.reason);
        answer_error(x, &outcome.reason);
    } else if (outcome.kind == RV_OUTCOME_WAITING) {
        if (!decides(x->face) || rv_node_failed(node, &err) != RV_OK) {
            check_local(x);
        }
    } else if (!x->covered) {
        answer_blind(x, outcome.position);
        x->phase = EXCHANGE_ANSWERED;
    } else if (rv_node_watermark(node) >= outcome.position) {
        x->phase = EXCHANGE_STARTING;
    } else if (rv_node_failed(node, &err) != RV_OK) { /* W moves no more */
        rv_writer w = rv_writer_over(x->buffer, sizeof x->buffer);
        write_minimal(x, outcome.position, NULL, &w);
        exchange_answer(x, 201, "application/json", rv_writer_bytes(&w));
        x->phase = EXCHANGE_ANSWERED;
    }
}

/* A gateway keeps it: the answer that was written says so. */
static void answer_relayed(rv_exchange *x) {
    const size_t end = sizeof NOT_RELAYED "}\n" - 1;
    RV_ASSERT(x->text.ptr == x->buffer && x->text.len >= end);
    memcpy(x->buffer + x->text.len - end, RELAYED "}\n", end);
    x->phase = EXCHANGE_ANSWERED;
}

void face_write_check(rv_exchange *x) {
    RV_ASSERT(x->edge_sequence > 0);
    if (x->phase == EXCHANGE_LOCAL) {
        check_local(x);
    } else if (x->phase == EXCHANGE_RELAYED && face_is_relayed(x->face, x->edge_sequence)) {
        answer_relayed(x);
    } else if (!rv_node_in_batch(x->face->options.node)) {
        check_decision(x);
    }
}
